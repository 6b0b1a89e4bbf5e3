"""A transfer that a full grade refuses goes to the authority, which names a school with room (统筹安排, C-TRF-05)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.policy.engine import PolicySet
from xueji.registry.enrolment import commands as enrolment

from .. import checks, placing, routing
from ..errors import CaseError
from ..kinds import KINDS
from ..material import Material
from ..models import Case, CaseStatus, Placing, PlacingRequest
from . import flow
from ._base import SYSTEM, lock_person, need_words, note, save, spread, write_seats
from .draft import begin
from .launch import case_words, freeze

_ABOUT = ("name", "sex", "birth_date", "school", "grade", "reason")
#: So long may the reason be that a case ends with.
_LONGEST = 300
#: Cases of the named school after which it may begin again.
_OVER = (CaseStatus.WITHDRAWN, CaseStatus.CANCELLED, CaseStatus.REFUSED)


def refuse(actor: Any, case: Case, m: Material, policy: PolicySet, report: checks.Report) -> PlacingRequest:
    """The system refuses a transfer into a full grade and passes it on; must run with the case locked.

    The case ends with the article, its number and all that it was decided on. Raises `CaseError` when the child
    waits for a place at this authority already.
    """
    assert case.person_id is not None
    assert m.place is not None
    office = m.units.start_authority
    if PlacingRequest.objects.filter(
        person_id=case.person_id, county_id=office.pk, state=Placing.OPEN
    ).exists():
        raise CaseError(_("该生的转学已经在%s统筹安排中, 请等待安排结果") % office.name)
    held = case.status == CaseStatus.RETURNED
    freeze(case, m, policy, report)
    case.parties = sorted({*case.parties, m.units.start.pk, office.pk})
    note(case, actor, "submit", case_words(case))
    why = placing.articles(policy, m, report)
    words = {"why": why + "。" if why else "", "office": office.name}
    said = _("%(why)s本校这个年级已经满额, 系统自动拒绝, 已转%(office)s统筹安排") % words
    flow.end_case(case, CaseStatus.REFUSED, said, enrolled=held)
    note(case, SYSTEM, "auto_refuse", said)
    made = PlacingRequest.objects.create(
        case=case,
        county_id=office.pk,
        school_id=case.org_id,
        person_id=case.person_id,
        about={k: case.summary[k] for k in _ABOUT if case.summary.get(k)}
        | {"priority": case.form.get("priority", ""), "phone": m.units.start.phone},
        stage=m.place.stage,
        cohort_year=m.place.cohort_year,
        asked_at=timezone.now(),
        due_on=add_workdays(m.today, settings.CASE_STEP_DAYS),
    )
    if held:
        flow.after(case)
    return made


@contextmanager
def _held(request_id: int) -> Iterator[tuple[PlacingRequest, Case]]:
    """A request that is seen here, locked behind its child and its case. Raises Http404."""
    with transaction.atomic():
        person_id = PlacingRequest.objects.filter(pk=request_id).values_list("person_id", flat=True).first()
        if person_id is None:
            raise Http404
        with acting("writer"):
            lock_person(person_id)
            row = PlacingRequest.objects.select_for_update().filter(pk=request_id).first()
            if row is None:
                raise Http404
            yield row, Case.objects.select_for_update().get(pk=row.case_id)


def _require(row: PlacingRequest, *states: Placing) -> None:
    if row.state not in states:
        raise CaseError(_("这件统筹安排现在是“%s”, 不能做这一步") % Placing(row.state).label)


def _answer(actor: Any, row: PlacingRequest, case: Case, state: Placing, said: str, text: str) -> None:
    """Keep the answer, and tell it where the asking school and the family read it: on the refused case."""
    row.state, row.answer = state, text.strip()[:300]
    row.answered_name, row.answered_at = actor.user_name, timezone.now()
    row.save()
    # The answer is what the family waits for: of a long refusal the end gives way to it; a later one takes its place.
    mark = _("。统筹安排结果: ")
    tail = f"{mark}{said}"[:_LONGEST]
    head = case.end_reason.partition(mark)[0]
    case.end_reason = head[: _LONGEST - len(tail)] + tail
    spread(case)
    save(case)
    write_seats(case)
    note(case, actor, f"placing_{state}", said)


def assign(actor: Any, request_id: int, *, school_id: int, text: str = "") -> PlacingRequest:
    """The authority names the school that takes the child; until that school has begun, it may name another.

    A seat is promised once: whoever names at the same time waits here. Raises PermissionDenied, Http404, `CaseError`.
    """
    actor.require("placing.decide")
    with _held(request_id) as (row, case):
        if row.county_id != actor.org_id:
            raise Http404
        _require(row, *placing.UNSETTLED)
        with connection.cursor() as c:
            enrolment.hold_counts(c, {row.county_id})
        policy = routing.policy_for(Org.objects.get(pk=row.county_id), timezone.localdate())
        free = {s.school_id: s for s in placing.seats(policy, row)}
        if school_id not in free:
            raise CaseError(_("所选学校这个年级没有空位了, 请另选一所"))
        row.placed_school_id = school_id
        said = _("到%s就读, 请家长到该校办理转入") % free[school_id].name
        told = f"{said}。{text.strip()}" if text.strip() else said
        _answer(actor, row, case, Placing.PLACED, told, text)
    return row


def decline(actor: Any, request_id: int, *, text: str) -> PlacingRequest:
    """No school has room: told with a reason; a seat that turns up later can still be given.

    Raises PermissionDenied, Http404, `CaseError`.
    """
    actor.require("placing.decide")
    with _held(request_id) as (row, case):
        if row.county_id != actor.org_id:
            raise Http404
        _require(row, Placing.OPEN, Placing.PLACED)
        need_words(text)
        row.placed_school_id = None
        _answer(actor, row, case, Placing.NONE, _("暂无学位。%s") % text.strip(), text)
    return row


def drop(actor: Any, request_id: int, *, text: str) -> PlacingRequest:
    """The school that asked takes the request back: the family has changed its mind. Raises as the others do."""
    actor.require("case.start")
    with _held(request_id) as (row, case):
        if row.school_id != actor.org_id:
            raise Http404
        _require(row, *placing.UNSETTLED)
        need_words(text)
        row.placed_school_id = None
        _answer(actor, row, case, Placing.DROPPED, _("已取消。%s") % text.strip(), text)
    return row


def take(actor: Any, request_id: int) -> Case:
    """The named school begins the transfer; it needs no number, the authority has named the child.

    Pressed again, the same case comes back. Raises PermissionDenied, Http404, `CaseError`.
    """
    actor.require("case.start")
    with _held(request_id) as (row, refused):
        if row.placed_school_id != actor.org_id:
            raise Http404
        _require(row, *placing.NAMED)
        begun = Case.objects.exclude(status__in=_OVER)
        before = begun.filter(pk=row.new_case_id).first() if row.new_case_id else None
        if before is not None:
            return before
        case = begin(actor, KINDS["transfer"], row.person_id)
        case.form = {
            k: v for k, v in refused.form.items() if k in ("reason", "reason_note", "initiator")
        } | case.form
        save(case)
        row.state, row.new_case_id = Placing.TAKEN, case.pk
        row.save()
        note(case, actor, "placing_taken", _("由主管部门统筹安排到本校"))
    return case
