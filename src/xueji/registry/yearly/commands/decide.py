"""A list on its way: sent, confirmed by the head, decided by the authority, taking effect on its day."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.policy.findings import article_words
from xueji.ground.policy.statuses import Status
from xueji.registry.changes.counters import next_number
from xueji.registry.changes.errors import CaseError
from xueji.registry.enrolment.bulk import ListRefused, Move, apply_many
from xueji.registry.enrolment.timeline import midnight

from .. import listing
from ..errors import YearlyError
from ..facts import BUSINESS
from ..models import GraduationList, GraduationStep, ListKind, ListStatus
from ._base import (
    SYSTEM,
    arrive,
    editable,
    my_step,
    need_words,
    note,
    opened,
    own,
    require_status,
    save,
)

Decision = Literal["pass", "refuse"]


def submit(actor: Any, *, list_id: uuid.UUID, version: int | None = None) -> GraduationList:
    """Send the list to the school's head and then to the authority (C-GRA-02); a returned one to where it came from.

    All children are looked at once more: when that changes who is on the list, the list stays here, to be read again.
    Raises Http404, `StaleList`, `YearlyError`.
    """
    actor.require("case.start")
    changed = 0
    with opened(actor, list_id, version) as row:
        editable(actor, row)
        today = timezone.localdate()
        if row.effective_on < today:
            raise YearlyError(_("生效日期已经过去, 请改为今天或以后"))
        try:
            place = listing.ground(row.school_id, row.kind, today)
        except CaseError as error:
            raise YearlyError(error.message) from error
        before = _results(row)
        listing.rebuild(row, place)
        after = _results(row)
        changed = len(before.items() ^ after.items())
        if not after:
            raise YearlyError(_("名册里还没有可以上报的学生"))
        if not changed:
            _send(actor, row, place, len(after))
        save(row)
    if changed:
        raise YearlyError(_("重新核对后有学生的情况变了, 名册没有提交, 请再看一遍"))
    return row


def _results(row: GraduationList) -> dict[Any, int]:
    with connection.cursor() as c:
        c.execute(
            "select person_id, result from graduation_item where list_id = %s and result is not null",
            [row.list_id],
        )
        return dict(c.fetchall())


def _send(actor: Any, row: GraduationList, place: listing.Ground, n: int) -> None:
    today = timezone.localdate()
    try:
        with transaction.atomic(), connection.cursor() as c:
            c.execute(
                "update graduation_item set open = true where list_id = %s and result is not null",
                [row.list_id],
            )
    except IntegrityError as error:
        raise YearlyError(_("有学生已经在另一份办理中的名册里, 请先办结或撤销那一份")) from error
    back = GraduationStep.objects.filter(list=row, state="returned").order_by("-seq").first()
    if row.status == ListStatus.RETURNED and back is not None:
        GraduationStep.objects.filter(list=row, seq=1).update(
            decider_id=actor.user_id, decider_name=actor.user_name, decided_at=timezone.now()
        )
        row.repair = []
        arrive(row, back, today)
        note(row, actor, "resubmit", rows=n)
        return
    row.creator_id, row.creator_name = actor.user_id, actor.user_name
    business = "undo_finish" if row.kind == ListKind.UNDO else "graduate"
    if row.number is None:
        row.number = next_number(
            place.policy.business(business).prefix, place.units.start.division, today.year
        )
    row.submitted_at = timezone.now()
    GraduationStep.objects.filter(list=row).delete()
    GraduationStep.objects.bulk_create(
        GraduationStep(
            list=row, county_id=row.county_id, school_id=row.school_id, seq=s.seq, label=s.label, role=s.role,
            org_id=s.org.pk, due_on=s.due_on,
        )
        for s in place.steps
    )  # fmt: skip
    first, *rest = GraduationStep.objects.filter(list=row).order_by("seq")
    if (first.org_id, first.role) != (actor.org_id, actor.role):
        arrive(row, first, today)
    else:
        first.state, first.decision, first.opinion = "done", "pass", str(_("提交"))
        first.arrived_at = first.decided_at = timezone.now()
        first.decider_id, first.decider_name = actor.user_id, actor.user_name
        first.save()
        if rest:
            arrive(row, rest[0], today)
    note(row, actor, "submit", _("上报 %s 人") % n, rows=n)


def decide(
    actor: Any,
    *,
    list_id: uuid.UUID,
    decision: Decision,
    opinion: str = "",
    version: int | None = None,
) -> GraduationList:
    """Pass or refuse the step that the actor's unit holds. The last pass takes effect for all children in the same
    transaction (C-GRA-03), or on the list's day. Raises Http404, PermissionDenied, `StaleList`, `YearlyError`.
    """
    actor.require("case.decide")
    with opened(actor, list_id, version) as row:
        step = my_step(actor, row)
        if decision == "refuse":
            need_words(opinion)
        step.state = "done" if decision == "pass" else "refused"
        step.decision, step.opinion = decision, (opinion.strip() or str(_("同意")))[:500]
        step.decider_id, step.decider_name, step.decided_at = actor.user_id, actor.user_name, timezone.now()
        step.save()
        if decision == "refuse":
            _end(row, ListStatus.REFUSED, opinion.strip())
            note(row, actor, "refuse", f"{step.label}: {opinion.strip()}")
            return row
        note(row, actor, "pass", f"{step.label}: {step.opinion}")
        following = GraduationStep.objects.filter(list=row, seq__gt=step.seq).order_by("seq").first()
        if following is not None:
            arrive(row, following, timezone.localdate())
            save(row)
        else:
            _take_effect(actor, row)
    return row


def return_for_repair(
    actor: Any, *, list_id: uuid.UUID, items: Sequence[str], version: int | None = None
) -> GraduationList:
    """Back to the school with what is to mend; it comes back to this step. Raises Http404, PermissionDenied,
    `StaleList`, `YearlyError`.
    """
    actor.require("case.decide")
    with opened(actor, list_id, version) as row:
        step = my_step(actor, row)
        wanted = [x.strip()[:200] for x in items if x.strip()][:20]
        if not wanted:
            raise YearlyError(_("退回修改要写明需要修改的项目"))
        text = "；".join(wanted)
        need_words(text)
        step.state, step.decision, step.opinion = "returned", "return", text[:500]
        step.decider_id, step.decider_name, step.decided_at = actor.user_id, actor.user_name, timezone.now()
        step.save()
        _let_go(row)
        row.status, row.current_seq, row.repair = ListStatus.RETURNED, None, wanted
        save(row)
        note(row, actor, "return", f"{step.label}: {text}")
    return row


def withdraw(actor: Any, *, list_id: uuid.UUID, version: int | None = None) -> GraduationList:
    """Take a list back, to work on it further, before anybody else has handled it. Raises Http404, `YearlyError`."""
    actor.require("case.start")
    with opened(actor, list_id, version) as row:
        own(actor, row)
        require_status(row, (ListStatus.RUNNING,))
        if GraduationStep.objects.filter(list=row, seq__gt=1).exclude(decision="").exists():
            raise YearlyError(_("已有人办理过, 不能撤回。如果确实不办了, 请撤销并说明原因"))
        GraduationStep.objects.filter(list=row, state="current").update(state="future", arrived_at=None)
        _let_go(row)
        row.status, row.current_seq = ListStatus.DRAFT, None
        save(row)
        note(row, actor, "withdraw")
    return row


def cancel(actor: Any, *, list_id: uuid.UUID, reason: str = "", version: int | None = None) -> GraduationList:
    """Give a list up: a draft without more ado, one that is under way with a reason. Raises Http404, `YearlyError`."""
    actor.require("case.start")
    with opened(actor, list_id, version) as row:
        own(actor, row)
        require_status(row, (ListStatus.DRAFT, ListStatus.RUNNING, ListStatus.RETURNED))
        if row.status != ListStatus.DRAFT:
            need_words(reason)
        _end(row, ListStatus.CANCELLED, reason.strip())
        note(row, actor, "cancel", reason.strip())
    return row


def finish_due(today: date | None = None) -> int:
    """Close approved lists whose day has come; the links themselves are brought along by the enrolment room.

    Called by the worker's clock. Idempotent; returns how many were closed.
    """
    today = today or timezone.localdate()
    done = 0
    with transaction.atomic(), acting("writer"):
        due = GraduationList.objects.select_for_update().filter(
            status=ListStatus.APPROVED, effective_on__lte=today
        )
        for row in due.order_by("pk")[:500]:
            _end(row, ListStatus.DONE, "")
            note(row, SYSTEM, "apply", _("自 %s 起生效") % row.effective_on)
            done += 1
    return done


def _take_effect(actor: Any, row: GraduationList) -> None:
    """The last step has passed: write the change of all children, or nothing. Raises `YearlyError`."""
    changed = listing.changed_since(row)
    if changed:
        words = {"changed": _("学籍已有变动"), "case": _("有在办业务"), "problem": _("有问题学籍")}
        raise YearlyError(
            _("这些学生的情况在上报之后变了, 请退回学校修改: %s")
            % "、".join(f"{name}({words[why]})" for name, why in changed[:10])
        )
    today = timezone.localdate()
    day = max(row.effective_on, today)
    place = listing.ground(row.school_id, row.kind, today)
    moves, names = _moves(row, place)
    try:
        with transaction.atomic():
            events = apply_many(actor, moves, at=midnight(day), what=f"list.{row.kind}")
    except ListRefused as error:
        found = "、".join(f"{names[p]}({why})" for p, why in list(error.persons.items())[:10])
        raise YearlyError(
            _("%(what)s: %(who)s。请退回学校修改") % {"what": error.message, "who": found}
        ) from error
    with connection.cursor() as c:
        c.execute(
            "update graduation_item i set event_id = e.event_id from unnest(%s::uuid[], %s::uuid[]) as e(person_id, event_id)"
            " where i.list_id = %s and i.person_id = e.person_id",
            [list(events), list(events.values()), row.list_id],
        )
        if row.kind == ListKind.UNDO:
            # Whoever studies here again waits for no other school.
            c.execute(
                "update admission set state = 'withdrawn', decided_at = %s, decided_name = %s, reason = %s"
                " where person_id = any(%s::uuid[]) and state in ('asked', 'released', 'placed')",
                [timezone.now(), actor.user_name, str(_("毕业回退")), list(events)],
            )
    row.effective_on = day
    if day > today:
        row.status, row.current_seq = ListStatus.APPROVED, None
        save(row)
        note(row, actor, "approve", _("自 %s 起生效") % day, rows=len(events))
        return
    _end(row, ListStatus.DONE, "")
    note(row, actor, "apply", _("自 %s 起生效") % day, rows=len(events))


def _moves(row: GraduationList, place: listing.Ground) -> tuple[list[Move], dict[uuid.UUID, str]]:
    """The steps of all children, each with the article that it rests on; and their names."""
    articles = {}
    for result, business in (*BUSINESS.items(), (Status.STUDYING, "undo_finish")):
        cite = place.policy.business(business).cite
        articles[int(result)] = (business, f"《{cite.source.title}》{article_words(cite.article)}")
    with connection.cursor() as c:
        c.execute(
            "select i.person_id, i.result, i.expected, i.name, i.manual, i.reason, v.findings -> 0 ->> 'article',"
            "  v.findings -> 0 ->> 'verdict' from graduation_item i"
            " left join graduation_vector v on v.list_id = i.list_id and v.no = i.vector_no"
            " where i.list_id = %s and i.result is not null order by i.person_id",
            [row.list_id],
        )
        found = c.fetchall()
    detail = {"list": str(row.list_id), "number": row.number}
    moves, names = [], {}
    for person, result, expected, name, manual, reason, article, verdict in found:
        business, own_article = articles[result]
        rests_on = article if article and verdict in ("pass", "warn") else own_article
        moves.append(
            Move(
                person, business, result, expected=expected, article=rests_on,
                reason=reason if manual else row.reason, detail=detail,
            )
        )  # fmt: skip
        names[person] = name
    return moves, names


def _let_go(row: GraduationList) -> None:
    with connection.cursor() as c:
        c.execute("update graduation_item set open = false where list_id = %s and open", [row.list_id])


def _end(row: GraduationList, status: ListStatus, reason: str) -> None:
    """Close a list: nobody holds it any more, its children are free for another."""
    _let_go(row)
    GraduationStep.objects.filter(list=row, state="current").update(state="future", arrived_at=None)
    row.status, row.current_seq, row.end_reason, row.ended_at = status, None, reason[:300], timezone.now()
    save(row)


__all__ = ["cancel", "decide", "finish_due", "return_for_repair", "submit", "withdraw"]
