"""All writing of this room: sending lists, deciding them one by one or many at once, windows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import AUTHORITY_KINDS
from xueji.registry.changes import routing
from xueji.registry.changes.errors import CaseError
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.intake import queries as intake

from . import queries, special, windows
from .errors import CreationError
from .models import (
    CreationItem,
    CreationList,
    CreationStep,
    CreationWindow,
    ItemState,
    Kind,
    ListState,
    Mode,
    SpecialRecord,
)

#: Variants of the business `enrol` whose chains decide the two kinds of lists.
_VARIANT = {Kind.CREATION: "", Kind.SENIOR: "senior_year"}
_EVENT = {Kind.CREATION: "creation", Kind.SENIOR: "senior_register"}
#: Lists decided with one press.
MANY = 50


def send(
    actor: Any,
    kind: str,
    *,
    class_ids: Sequence[int] = (),
    cohort: int | None = None,
    note: str = "",
    expected: int,
) -> CreationList:
    """Send new records, or seniors of a cohort, up for approval (C-NUM-02, C-NUM-19): all that stand on no list, or
    those of some classes. One list, decided along the place's chain.

    Raises PermissionDenied; `CreationError` when there is nobody, the number has changed, or the window is closed.
    """
    actor.require("creation.send")
    if actor.org_kind != "school" or kind not in Kind.values:
        raise CreationError(_("由学校的学籍管理员提交"))
    school = intake.school_facts(actor.org_id)
    if why := windows.why_closed(school, kind):
        raise CreationError(why)
    if kind == Kind.CREATION and not queries.approval_needed(
        queries.unit(school.org_id), timezone.localdate()
    ):
        raise CreationError(_("按当地规定, 新建学籍不需要报主管部门核准, 发布时已经生效"))
    with transaction.atomic(), acting("writer"):
        with connection.cursor() as c:
            c.execute("select pg_advisory_xact_lock(hashtext('creation'), %s)", [actor.org_id])
        chosen = [
            u
            for u in queries.unsent(actor.org_id, kind, cohort=cohort)
            if not class_ids or u.class_id in class_ids
        ]
        if not chosen:
            raise CreationError(_("没有要提交的学生"))
        if len(chosen) != expected:
            raise CreationError(_("要提交的人数已变为 %s, 请刷新后重新确认") % len(chosen))
        units = routing.units_of(actor.org_id, actor.org_id, None)
        plan = _plan(units, kind)
        one = CreationList(
            kind=kind,
            county_id=school.county_id,
            school_id=school.org_id,
            year=queries.year_now(),
            total=len(chosen),
            note=note.strip()[:300],
            creator_id=actor.user_id,
            creator_name=actor.user_name,
        )
        one.save(force_insert=True)
        CreationStep.objects.bulk_create(
            CreationStep(
                list_id=one.pk, seq=i, county_id=one.county_id, school_id=one.school_id, org_id=step.org.pk,
                role=step.role, label=step.label[:40],
            )
            for i, step in enumerate(plan, start=1)
        )  # fmt: skip
        CreationItem.objects.bulk_create(
            [
                CreationItem(
                    list_id=one.pk, person_id=u.person_id, kind=kind, year=one.year, county_id=one.county_id,
                    school_id=one.school_id,
                )
                for u in chosen
            ],
            batch_size=2_000,
        )  # fmt: skip
        now = timezone.now()
        first = CreationStep.objects.get(list_id=one.pk, seq=1)
        if first.role == actor.role and first.org_id == actor.org_id:
            # Sending is the clerk's own step.
            _sign(first, actor, now, "done", _("提交"))
            _onward(actor, one, now)
        else:
            first.state, one.current_seq = "current", 1
            first.save()
            one.save()
        record(
            actor,
            "creation.send",
            object_type="creation_list",
            object_id=one.pk,
            persons=[u.person_id for u in chosen],
            row_count=len(chosen),
            after={"kind": kind, "total": len(chosen)},
        )
    return one


def _plan(units: routing.Units, kind: str) -> list[routing.Planned]:
    today = timezone.localdate()
    policy = routing.policy_for(units.start, today)
    try:
        return routing.plan(policy, "enrol", replace(units, variant=_VARIANT[Kind(kind)]), today)
    except CaseError as error:
        raise CreationError(error.message) from error


def decide(
    actor: Any,
    list_id: int,
    *,
    version: int,
    returned: Mapping[uuid.UUID, str] | None = None,
    opinion: str = "",
) -> CreationList:
    """Pass a list at the step that the actor holds; `returned` are pupils who go back with a reason, singly.

    After the last step everybody who was not returned is approved, with an event on the record. When all are returned
    the list goes back. Raises PermissionDenied, Http404, `CreationError`.
    """
    actor.require("creation.decide")
    # Before `writer` is put on, whose sight has no bounds: a list out of sight is not there.
    queries.found(actor, list_id)
    with transaction.atomic(), acting("writer"):
        one, step = _held(actor, list_id, version)
        now = timezone.now()
        for person, why in (returned or {}).items():
            if len(why.strip()) < 2:
                raise CreationError(_("退回的学生要写明原因"))
            done = CreationItem.objects.filter(
                list_id=one.pk, person_id=person, state=ItemState.PENDING
            ).update(state=ItemState.RETURNED, reason=why.strip()[:200])
            if not done:
                raise CreationError(_("要退回的学生不在这份名单里, 请刷新页面"))
        left = CreationItem.objects.filter(list_id=one.pk, state=ItemState.PENDING).count()
        if left:
            _sign(step, actor, now, "done", opinion.strip() or _("同意"))
            _onward(actor, one, now)
        else:
            _sign(step, actor, now, "returned", opinion.strip() or _("全部退回"))
            _back(one, now)
        record(
            actor,
            "creation.decide",
            object_type="creation_list",
            object_id=one.pk,
            persons=list(returned or {}),
            row_count=left,
            after={"step": step.label, "returned": len(returned or {}), "state": one.state},
        )
    return one


def decide_many(actor: Any, versions: Mapping[int, int], *, opinion: str = "") -> tuple[int, list[str]]:
    """Pass many lists, each in a transaction of its own (C-NUM-02, in batch); returns how many, and why others not.

    Raises PermissionDenied, `CreationError`; Http404, with nothing decided, when one of them is out of sight.
    """
    actor.require("creation.decide")
    if len(versions) > MANY:
        raise CreationError(_("一次最多核准 %s 份名单") % MANY)
    # All are in sight before the first is decided, so that none stays decided behind a 404.
    if CreationList.objects.filter(pk__in=list(versions)).count() != len(versions):
        raise Http404
    done, why = 0, []
    for list_id, version in sorted(versions.items()):
        try:
            with transaction.atomic():
                decide(actor, list_id, version=version, opinion=opinion)
            done += 1
        except CreationError as error:
            why.append(f"{list_id}: {error.message}")
    return done, why


def return_list(actor: Any, list_id: int, *, version: int, reason: str) -> CreationList:
    """Send the whole list back to the school with a reason. Raises PermissionDenied, Http404, `CreationError`."""
    actor.require("creation.decide")
    queries.found(actor, list_id)
    if len(reason.strip()) < 2:
        raise CreationError(_("请写明退回的原因"))
    with transaction.atomic(), acting("writer"):
        one, step = _held(actor, list_id, version)
        now = timezone.now()
        _sign(step, actor, now, "returned", reason.strip())
        CreationItem.objects.filter(list_id=one.pk, state=ItemState.PENDING).update(
            state=ItemState.RETURNED, reason=reason.strip()[:200]
        )
        _back(one, now)
        record(
            actor, "creation.return", object_type="creation_list", object_id=one.pk, purpose=reason.strip()[:200],
            row_count=one.total, after={"step": step.label},
        )  # fmt: skip
    return one


def withdraw(actor: Any, list_id: int, *, version: int) -> CreationList:
    """Take a list back while no authority has decided anything. Raises PermissionDenied, Http404, `CreationError`."""
    actor.require("creation.send")
    one = queries.found(actor, list_id)
    with transaction.atomic(), acting("writer"):
        one = CreationList.objects.select_for_update().get(pk=one.pk)
        decided = (
            CreationStep.objects.filter(list_id=one.pk, state="done").exclude(org_id=one.school_id).exists()
        )
        if (
            one.school_id != actor.org_id
            or one.state != ListState.RUNNING
            or decided
            or one.version != version
        ):
            raise CreationError(_("这份名单已经有人核办, 不能撤回"))
        CreationItem.objects.filter(list_id=one.pk).update(state=ItemState.RETURNED, reason=_("学校撤回"))
        CreationStep.objects.filter(list_id=one.pk, state="current").update(state="future")
        one.state, one.current_seq, one.ended_at = ListState.WITHDRAWN, None, timezone.now()
        one.version += 1
        one.save()
        record(actor, "creation.withdraw", object_type="creation_list", object_id=one.pk, row_count=one.total)
    return one


def _held(actor: Any, list_id: int, version: int) -> tuple[CreationList, CreationStep]:
    """The list, seen before, and its step, when it is the actor's turn; nobody decides what he sent or decided before."""
    one = CreationList.objects.select_for_update().get(pk=list_id)
    if one.state != ListState.RUNNING or one.version != version:
        raise CreationError(_("这份名单刚刚有变动, 请刷新页面"))
    step = CreationStep.objects.get(list_id=one.pk, seq=one.current_seq or 0)
    if step.org_id != actor.org_id or step.role != actor.role:
        raise CreationError(_("现在由“%s”办理") % step.label)
    before = CreationStep.objects.filter(list_id=one.pk, decider_id=actor.user_id)
    if one.creator_id == actor.user_id or before.exists():
        raise CreationError(_("同一份名单不能由同一人经办又核准"))
    return one, step


def _sign(step: CreationStep, actor: Any, now: datetime, state: str, opinion: str) -> None:
    step.state, step.decider_id, step.decider_name = state, actor.user_id, actor.user_name
    step.decided_at, step.opinion = now, opinion[:300]
    step.save()


def _onward(actor: Any, one: CreationList, now: datetime) -> None:
    """The next step, or the end: approved, with an event on each record."""
    following = CreationStep.objects.filter(list_id=one.pk, state="future").order_by("seq").first()
    one.version += 1
    if following is not None:
        following.state = "current"
        following.save()
        one.current_seq = following.seq
        one.save()
        return
    persons = list(
        CreationItem.objects.filter(list_id=one.pk, state=ItemState.PENDING).values_list(
            "person_id", flat=True
        )
    )
    CreationItem.objects.filter(list_id=one.pk, state=ItemState.PENDING).update(state=ItemState.APPROVED)
    enrolment.write_events(
        actor,
        {p: uuid.uuid4() for p in persons},
        business=_EVENT[Kind(one.kind)],
        at=now,
        reason=_("名单 %s") % one.pk,
        detail={"creation": one.pk, "year": one.year},
    )
    one.state, one.current_seq, one.ended_at = ListState.APPROVED, None, now
    one.save()


def _back(one: CreationList, now: datetime) -> None:
    one.state, one.current_seq, one.ended_at = ListState.RETURNED, None, now
    one.version += 1
    one.save()


# --- windows -----------------------------------------------------------------------------------------------


def open_window(
    actor: Any, kind: str, *, opens_on: date, closes_on: date, stages: Sequence[str] = (), reason: str
) -> CreationWindow:
    """Let the schools below make records, or register seniors, for a time (C-NUM-18).

    Raises PermissionDenied, `CreationError`.
    """
    actor.require("creation.window")
    if actor.org_kind not in AUTHORITY_KINDS or kind not in Kind.values:
        raise CreationError(_("由主管部门开放办理时间"))
    if closes_on < opens_on or closes_on < timezone.localdate():
        raise CreationError(_("结束日期应不早于开始日期和今天"))
    if len(reason.strip()) < 2:
        raise CreationError(_("请写明开放的原因或文号"))
    with transaction.atomic(), acting("writer"):
        one = CreationWindow.objects.create(
            kind=kind,
            org_id=actor.org_id,
            stages=[s for s in stages if s in "PJS"],
            opens_on=opens_on,
            closes_on=closes_on,
            reason=reason.strip()[:200],
            opened_by=actor.user_id,
            opened_name=actor.user_name,
        )
        record(
            actor, "creation.window.open", object_type="creation_window", object_id=one.pk,
            after={"kind": kind, "from": opens_on.isoformat(), "to": closes_on.isoformat(), "stages": list(stages)},
        )  # fmt: skip
    return one


def close_window(actor: Any, window_id: int) -> None:
    """Close a window of the own unit before its day. Raises PermissionDenied, `CreationError`."""
    actor.require("creation.window")
    with transaction.atomic(), acting("writer"):
        done = CreationWindow.objects.filter(pk=window_id, org_id=actor.org_id, closed_at=None).update(
            closed_at=timezone.now()
        )
        if not done:
            raise CreationError(_("没有这个开放时间, 或已经关闭"))
        record(actor, "creation.window.close", object_type="creation_window", object_id=window_id)


# --- special ways of going to school -------------------------------------------------------------------------


def register_mode(actor: Any, person_id: uuid.UUID, mode: str, *, since: date, basis: str) -> SpecialRecord:
    """Enter that a pupil of the own school goes to school in a special way (C-NUM-17); an earlier way ends that day.

    Raises PermissionDenied, Http404, `CreationError`.
    """
    actor.require("creation.send")
    if mode not in Mode.values:
        raise CreationError(_("请选择就读方式"))
    if since > timezone.localdate():
        raise CreationError(_("开始日期还没有到"))
    if len(basis.strip()) < 2:
        raise CreationError(_("请写明依据(如评估意见、文号)"))
    special.own_pupil(actor, person_id)
    with transaction.atomic(), acting("writer"):
        before = SpecialRecord.objects.filter(person_id=person_id, school_id=actor.org_id, until=None)
        if before.filter(mode=mode).exists():
            raise CreationError(_("该生已经登记为这种就读方式"))
        before.update(until=since, ended_why=_("改为%s") % special.label(mode))
        one = SpecialRecord.objects.create(
            person_id=person_id, county_id=actor.county_id, school_id=actor.org_id, mode=mode, since=since,
            basis=basis.strip()[:200], entered_by=actor.user_id, entered_name=actor.user_name,
        )  # fmt: skip
        _told(actor, one, special.label(mode), basis.strip())
        record(
            actor, "creation.special", object_type="special_record", object_id=one.pk, person_id=person_id,
            after={"mode": mode, "since": since.isoformat()},
        )  # fmt: skip
    return one


def end_mode(actor: Any, record_id: int, *, why: str) -> None:
    """End it today. Raises PermissionDenied, `CreationError`."""
    actor.require("creation.send")
    if len(why.strip()) < 2:
        raise CreationError(_("请写明结束的原因"))
    with transaction.atomic(), acting("writer"):
        one = (
            SpecialRecord.objects.select_for_update()
            .filter(pk=record_id, school_id=actor.org_id, until=None)
            .first()
        )
        if one is None:
            raise CreationError(_("没有这条登记, 或已经结束"))
        one.until, one.ended_why = timezone.localdate(), why.strip()[:200]
        one.save()
        _told(actor, one, _("结束%s") % special.label(one.mode), why.strip())
        record(
            actor, "creation.special.end", object_type="special_record", object_id=one.pk, person_id=one.person_id,
            after={"mode": one.mode},
        )  # fmt: skip


def _told(actor: Any, one: SpecialRecord, what: str, why: str) -> None:
    enrolment.write_events(
        actor, {one.person_id: uuid.uuid4()}, business="special_mode", at=timezone.now(), reason=f"{what}: {why}",
        detail={"mode": one.mode},
    )  # fmt: skip


__all__ = [
    "close_window",
    "decide",
    "decide_many",
    "end_mode",
    "open_window",
    "register_mode",
    "return_list",
    "send",
    "withdraw",
]
