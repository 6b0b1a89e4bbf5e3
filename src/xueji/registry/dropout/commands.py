"""Everything that writes the watch on drop-outs. Nothing here changes a record."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import Role
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.library import library
from xueji.registry.enrolment.models import REGISTERED, Roster

from . import queries
from .errors import DropoutError
from .models import Deed, Entry, Report, Result, Source, Watch

FOLLOW_UP = (Deed.CALL, Deed.VISIT, Deed.MEASURE)


def policy_of(school_id: int, on: date) -> PolicySet:
    """The rules that hold for a school."""
    unit = Org.objects.get(pk=school_id)
    packs = library()
    ids = packs.chain_of(unit.policy) if unit.policy in packs.ids() else packs.ids_for(unit.division)
    return packs.resolve(ids, on)


def notice(actor: Any, person_id: uuid.UUID, *, source: str, since: date, text: str) -> Watch:
    """Put a child on the list (C-DRO-01): not registered for the term, absent for days, or counted elsewhere.

    A class teacher does it for the own class, the school's office for any child of the school. Raises Http404,
    `DropoutError`.
    """
    actor.require("dropout.write")
    child = own_child(actor, person_id)
    today = timezone.localdate()
    if source not in Source.values:
        raise DropoutError(_("请选择登记的原因"))
    if since > today:
        raise DropoutError(_("开始日期 %s 还没有到, 请核对") % since)
    if not text.strip():
        raise DropoutError(_("请写明了解到的情况"))
    policy = policy_of(child.school_id, today)
    if source == Source.ABSENCE:
        enough = policy.param("dropout.absence_days")
        if enough.stated and (today - since).days + 1 < int(enough.value):
            raise DropoutError(
                _("连续缺课满 %(n)s 天才列为疑似辍学, 现在是第 %(d)s 天, 请先联系家长")
                % {"n": enough.value, "d": (today - since).days + 1}
            )
    days = policy.workdays("dropout.report_within")
    watch = Watch(
        person_id=person_id,
        student=child.name,
        county_id=child.county_id,
        school_id=child.school_id,
        class_id=child.class_id,
        source=source,
        since=since,
        noticed_on=today,
        noticed_by=actor.user_name,
        report_by=add_workdays(today, days) if days else None,
        last_entry_at=timezone.now(),
    )
    try:
        with transaction.atomic(), acting("writer"):
            watch.save(force_insert=True)
            _write(watch, actor, Deed.NOTICED, text)
    except IntegrityError as error:
        raise DropoutError(_("该生已经在疑似辍学名单上")) from error
    _audit(actor, "notice", watch, source=source)
    return watch


def follow_up(actor: Any, watch_id: uuid.UUID, *, deed: str, text: str) -> Watch:
    """A call, a visit, a measure (C-DRO-02, C-CHG-06). Raises Http404, `DropoutError`."""
    actor.require("dropout.write")
    if deed not in FOLLOW_UP:
        raise DropoutError(_("请选择做了什么"))
    if not text.strip():
        raise DropoutError(_("请写明了解到的情况"))
    with transaction.atomic(), acting("writer"):
        watch = _mine(actor, watch_id)
        _require_open(watch)
        _write(watch, actor, Deed(deed), text)
        _bump(watch)
    _audit(actor, deed, watch)
    return watch


def tell_authority(actor: Any, watch_id: uuid.UUID, *, text: str) -> Watch:
    """The school tells the authority in charge, within the days of the place. Raises Http404, `DropoutError`."""
    _office(actor, watch_id)
    with transaction.atomic(), acting("writer"):
        watch = _mine(actor, watch_id)
        _require_open(watch)
        if watch.reported_on is not None:
            raise DropoutError(_("已于 %s 上报过") % watch.reported_on)
        watch.reported_on = timezone.localdate()
        _write(watch, actor, Deed.REPORT, text.strip() or _("上报疑似辍学情况"))
        _bump(watch)
    _audit(actor, "report", watch)
    return watch


def close(actor: Any, watch_id: uuid.UUID, *, result: str, text: str) -> Watch:
    """How it ended (C-DRO-02): back at school, not back, or no drop-out at all. Not back keeps the child on the list,
    and the record with it: compulsory education goes on (C-DRO-04). Raises Http404, `DropoutError`.
    """
    _office(actor, watch_id)
    if result not in (Result.RETURNED, Result.NOT_RETURNED, Result.CLEARED):
        raise DropoutError(_("请选择结果"))
    if not text.strip():
        raise DropoutError(_("请写明了解到的情况"))
    with transaction.atomic(), acting("writer"):
        watch = _mine(actor, watch_id)
        _require_open(watch)
        if result == Result.NOT_RETURNED and not (
            watch.reported_on and Entry.objects.filter(watch=watch, deed__in=FOLLOW_UP).exists()
        ):
            raise DropoutError(_("登记“未返校”之前, 要有联系或家访记录, 并已上报主管部门"))
        watch.result, watch.result_on = result, timezone.localdate()
        _write(watch, actor, Deed.RESULT, f"{Result(result).label}。{text.strip()}")
        _bump(watch)
    _audit(actor, "close", watch, result=result)
    return watch


def send_report(actor: Any, *, words: str) -> Report:
    """The report of the term to the authority (C-DRO-03), with the figures of today; once a term.

    Raises `DropoutError`.
    """
    _office(actor)
    if actor.role != Role.SCHOOL_HEAD:
        raise PermissionDenied(_("学期报告由学校负责人报送"))
    if not words.strip():
        raise DropoutError(_("请填写会审意见"))
    year, term = queries.term_now()
    if Report.objects.filter(school_id=actor.org_id, school_year=year, term=term).exists():
        raise DropoutError(_("本学期的报告已经报送过"))
    figures = queries.figures(actor.org_id)
    row = Report(
        county_id=actor.county_id,
        school_id=actor.org_id,
        school_year=year,
        term=term,
        figures=figures,
        words=words.strip()[:500],
        sent_by=actor.user_name,
        sent_at=timezone.now(),
    )
    with transaction.atomic(), acting("writer"):
        row.save(force_insert=True)
    record(
        actor,
        "dropout.term_report",
        object_type="org",
        object_id=actor.org_id,
        after={"year": year, "term": term, **figures},
    )
    return row


# --- parts -----------------------------------------------------------------------------------------------------


def own_child(actor: Any, person_id: uuid.UUID) -> Roster:
    """The present row of a child of the own school or, for a class teacher, of the own class. Raises Http404."""
    found = (
        Roster.objects.filter(
            county_id=actor.county_id, school_id=actor.org_id, person_id=person_id, kind=REGISTERED
        )
        .exclude(reason="former")
        .filter(status__lt=10)
        .first()
    )
    if found is None or (actor.role == Role.CLASS_TEACHER and found.class_id not in actor.classes):
        raise Http404
    return found


def _office(actor: Any, watch_id: uuid.UUID | None = None) -> None:
    """Reporting and closing are the school office's part, not the class teacher's. Raises Http404 for a child whom the
    actor does not see, PermissionDenied."""
    actor.require("dropout.write")
    if watch_id is not None and not Watch.objects.filter(pk=watch_id).exists():
        raise Http404
    if actor.role == Role.CLASS_TEACHER:
        raise PermissionDenied(_("上报和登记结果由学校学籍管理员或负责人办理"))


def _mine(actor: Any, watch_id: uuid.UUID) -> Watch:
    watch = Watch.objects.select_for_update().filter(pk=watch_id, school_id=actor.org_id).first()
    if watch is None or (actor.role == Role.CLASS_TEACHER and watch.class_id not in actor.classes):
        raise Http404
    return watch


def _require_open(watch: Watch) -> None:
    if watch.result not in (Result.OPEN, Result.NOT_RETURNED):
        raise DropoutError(_("已登记结果“%s”, 不再跟进") % Result(watch.result).label)


def _write(watch: Watch, actor: Any, deed: Deed, text: str) -> None:
    Entry.objects.bulk_create(
        [
            Entry(
                watch=watch,
                at=timezone.now(),
                actor_name=actor.user_name,
                deed=deed,
                text=text.strip()[:500],
                county_id=watch.county_id,
                school_id=watch.school_id,
                class_id=watch.class_id,
            )
        ]
    )
    watch.last_entry_at = timezone.now()


def _bump(watch: Watch) -> None:
    watch.version += 1
    watch.save(force_update=True)


def _audit(actor: Any, what: str, watch: Watch, **more: Any) -> None:
    record(
        actor,
        f"dropout.{what}",
        object_type="dropout_watch",
        object_id=watch.watch_id,
        person_id=watch.person_id,
        after={"result": watch.result} | more,
    )
