"""升学: the county places its graduates, schools accept them; a school elsewhere asks for one by name and number.

The person, the record and the national number stay the same: acceptance is one more link of the same chain (C-PRO-04).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import School
from xueji.ground.policy.statuses import Status
from xueji.registry.changes.commands.draft import find_child
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.subject import class_place
from xueji.registry.enrolment.bulk import ListRefused, Move, apply_many
from xueji.registry.enrolment.timeline import midnight

from ..errors import YearlyError
from ..models import Admission, AdmissionState
from ._base import need_words

NEXT = {"P": "J", "J": "S"}
#: 毕业去向 by the stage that a graduate enters (table graduate_to_byqx).
_BY_STAGE = {"J": "16", "S": "15"}
MOST = 5000


def _school(school_id: int) -> School:
    school = School.objects.select_related("org").filter(pk=school_id).first()
    if school is None:
        raise YearlyError(_("请选择学校"))
    return school


def place(actor: Any, *, person_ids: Sequence[uuid.UUID], to_school_id: int) -> int:
    """The county assigns graduates of its schools to one of its schools of the next stage (C-GRA-05).

    Whoever is placed already stays where he is. Returns how many were placed. Raises PermissionDenied, `YearlyError`.
    """
    actor.require("yearly.place")
    to = _school(to_school_id)
    if to.county_id != actor.org_id:
        raise YearlyError(_("只能分配到本单位主管的学校"))
    if len(person_ids) > MOST:
        raise YearlyError(_("一次最多分配 %s 人") % MOST)
    stages = [s for s, following in NEXT.items() if following in to.stages]
    if not stages:
        raise YearlyError(_("%s没有可以升入的学段") % to.org.name)
    with transaction.atomic():
        n = _insert(
            actor, list(person_ids), stages, to, "assigned", AdmissionState.PLACED, county=actor.org_id
        )
        if not n:
            raise YearlyError(_("没有可以分配的学生: 请先勾选已毕业、还没有分配的学生, 并选对应学段的学校"))
        record(
            actor,
            "yearly.place",
            object_type="school",
            object_id=to_school_id,
            after={"placed": n},
            row_count=n,
        )
    return n


def _insert(
    actor: Any, persons: list[uuid.UUID], stages: list[str], to: School, way: str, state: str, *,
    county: int | None, reason: str = "",
) -> int:  # fmt: skip
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "insert into admission (id, person_id, name, sex, birth_date, from_county_id, from_school_id, from_class_id,"
            "  from_stage, to_county_id, to_school_id, way, state, reason, expected, begun_by, begun_name, begun_at,"
            "  decided_name)"
            " select gen_random_uuid(), r.person_id, r.name, r.sex, r.birth_date, r.county_id, r.school_id, r.class_id,"
            "  r.stage, %(to_county)s, %(to)s, %(way)s, %(state)s, %(reason)s, s.event_id, %(by)s, %(name)s, %(now)s, ''"
            " from roster r join enrolment_state s on s.person_id = r.person_id and s.kind = 1 and s.valid_to is null"
            " where r.person_id = any(%(persons)s::uuid[]) and r.kind = 1 and r.reason = 'enrolled' and r.status = 12"
            "  and s.status = 12 and r.stage = any(%(stages)s::text[])"
            "  and (%(county)s::int is null or r.county_id = %(county)s)"
            " order by r.person_id on conflict do nothing",
            {
                "to_county": to.county_id, "to": to.org_id, "way": way, "state": state, "reason": reason[:300],
                "by": actor.user_id, "name": actor.user_name, "now": timezone.now(), "persons": persons,
                "stages": stages, "county": county,
            },
        )  # fmt: skip
        return int(c.rowcount)


def claim(actor: Any, *, name: str, number: str, reason: str) -> uuid.UUID:
    """A school asks for a graduate of any school by name and number, across counties and provinces (F-34, 毕业后跨省就学).

    Every try is counted, as for a transfer. The school's authority decides, then the graduate's, when they differ.
    Raises PermissionDenied, `YearlyError`.
    """
    actor.require("case.start")
    reason = need_words(reason)
    to = _school(actor.org_id or 0)
    try:
        person_id = find_child(actor, name, number)
    except CaseError as error:
        raise YearlyError(error.message) from error
    stages = [s for s, following in NEXT.items() if following in to.stages]
    with transaction.atomic():
        n = _insert(
            actor, [person_id], stages, to, "claimed", AdmissionState.ASKED, county=None, reason=reason
        )
        with acting("writer"):
            found = Admission.objects.filter(
                person_id=person_id, to_school_id=to.org_id,
                state__in=[AdmissionState.ASKED, AdmissionState.RELEASED, AdmissionState.PLACED],
            ).first()  # fmt: skip
        if found is None:
            raise YearlyError(_("该生现在不能申请接收: 还没有毕业, 学段不对, 或者已有学校在办理接收"))
        if n:
            record(
                actor,
                "yearly.claim",
                object_type="admission",
                object_id=found.pk,
                person_id=person_id,
                purpose=reason,
            )
    return found.pk


@contextmanager
def _opened(actor: Any, ids: Sequence[uuid.UUID]) -> Iterator[list[Admission]]:
    """These admissions, locked in one order, in the writing role. Raises Http404 when one is out of sight."""
    wanted = sorted(set(ids))
    if not wanted:
        raise YearlyError(_("请先勾选学生"))
    if Admission.objects.filter(pk__in=wanted).count() != len(wanted):
        raise Http404
    with transaction.atomic(), acting("writer"):
        yield list(Admission.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))


def decide_claim(actor: Any, *, ids: Sequence[uuid.UUID], decision: str, reason: str = "") -> int:
    """An authority passes or refuses what its schools ask for, or what is asked of its graduates.

    Raises PermissionDenied, Http404, `YearlyError`.
    """
    actor.require("yearly.place")
    if decision == "refuse":
        need_words(reason)
    with _opened(actor, ids) as rows:
        for row in rows:
            holder = {
                AdmissionState.ASKED: row.to_county_id,
                AdmissionState.RELEASED: row.from_county_id,
            }.get(AdmissionState(row.state))
            if holder != actor.org_id:
                raise YearlyError(_("%s 的接收申请现在不在本单位办理") % row.name)
            if decision == "refuse":
                row.state, row.reason = AdmissionState.DECLINED, reason.strip()[:300]
            elif row.state == AdmissionState.ASKED and row.from_county_id != row.to_county_id:
                row.state = AdmissionState.RELEASED
            else:
                row.state = AdmissionState.PLACED
            row.decided_name, row.decided_at = actor.user_name, timezone.now()
            row.save(force_update=True)
            _note(actor, f"claim.{decision}", row, reason)
    return len(rows)


def accept(actor: Any, *, ids: Sequence[uuid.UUID], class_id: int, on: date | None = None) -> int:
    """The school takes graduates that were placed with it into a class: 毕业 -> 在读, the same person and number.

    All or nothing. The former school keeps its own period. Raises PermissionDenied, Http404, `YearlyError`.
    """
    actor.require("case.start")
    day = on or timezone.localdate()
    with _opened(actor, ids) as rows:
        if any(r.to_school_id != actor.org_id for r in rows):
            raise Http404
        if any(r.state != AdmissionState.PLACED for r in rows):
            raise YearlyError(_("只有待学校接收的学生可以接收, 请刷新后再看"))
        _require_class(actor, rows, class_id, day)
        try:
            events = apply_many(
                actor,
                [
                    Move(
                        r.person_id, "enrol", int(Status.STUDYING), expected=r.expected, school_id=r.to_school_id,
                        class_id=class_id, reason=str(_("升学")), detail={"admission": str(r.pk)},
                    )
                    for r in rows
                ],
                at=midnight(day),
                what="admission",
            )  # fmt: skip
        except ListRefused as error:
            names = {r.person_id: r.name for r in rows}
            found = "、".join(f"{names[p]}({why})" for p, why in list(error.persons.items())[:10])
            raise YearlyError(_("%(what)s: %(who)s") % {"what": error.message, "who": found}) from error
        now = timezone.now()
        for r in rows:
            r.state, r.class_id, r.event_id = AdmissionState.ACCEPTED, class_id, events[r.person_id]
            r.decided_name, r.decided_at = actor.user_name, now
        Admission.objects.bulk_update(rows, ["state", "class_id", "event_id", "decided_name", "decided_at"])
        with connection.cursor() as c:
            c.execute(
                "insert into graduate_destination (person_id, stage, county_id, school_id, code, place, recorded_by, recorded_at)"
                " select a.person_id, a.from_stage, a.from_county_id, a.from_school_id, v.code, o.name, %s, %s"
                " from admission a join org o on o.id = a.to_school_id"
                " join (values ('P', %s), ('J', %s)) as v(stage, code) on v.stage = a.from_stage"
                " where a.id = any(%s::uuid[])"
                " on conflict (person_id, stage) do update set code = excluded.code, place = excluded.place,"
                "  recorded_by = excluded.recorded_by, recorded_at = excluded.recorded_at",
                [actor.user_name, now, _BY_STAGE["J"], _BY_STAGE["S"], [r.pk for r in rows]],
            )
        record(
            actor, "yearly.accept", object_type="school", object_id=actor.org_id or "", after={"class": class_id},
            row_count=len(rows),
        )  # fmt: skip
    return len(rows)


def _require_class(actor: Any, rows: list[Admission], class_id: int, day: date) -> None:
    with connection.cursor() as c:  # two at once do not both take the last seats
        c.execute("select pg_advisory_xact_lock(hashtext('class'), %s)", [class_id])
    spot = class_place(class_id)
    if spot is None or spot.school_id != actor.org_id or spot.closed:
        raise YearlyError(_("请选择本校的班级"))
    if any(NEXT.get(r.from_stage) != spot.stage for r in rows):
        raise YearlyError(_("所选班级不是这些毕业生要升入的学段"))
    if spot.cohort_year not in {start_year_of(day), day.year if day.month >= 6 else 0}:
        raise YearlyError(_("请选择当年新生的班级"))
    if spot.size + len(rows) > spot.capacity:
        raise YearlyError(
            _("该班额定 %(cap)s 人, 接收后有 %(n)s 人, 已经满额。请选其他班级, 或报主管部门统筹")
            % {"cap": spot.capacity, "n": spot.size + len(rows)}
        )


def decline(actor: Any, *, ids: Sequence[uuid.UUID], reason: str) -> int:
    """The school says that it does not take graduates placed with it; they come back to the county's pool.

    Raises PermissionDenied, Http404, `YearlyError`.
    """
    actor.require("case.start")
    return _close(
        actor, ids, AdmissionState.DECLINED, need_words(reason), "to_school_id", (AdmissionState.PLACED,)
    )


def take_back(actor: Any, *, ids: Sequence[uuid.UUID], reason: str) -> int:
    """The county takes back a placement that was not accepted yet. Raises PermissionDenied, Http404, `YearlyError`."""
    actor.require("yearly.place")
    return _close(
        actor, ids, AdmissionState.WITHDRAWN, need_words(reason), "to_county_id", (AdmissionState.PLACED,)
    )


def give_up(actor: Any, *, ids: Sequence[uuid.UUID]) -> int:
    """A school takes back what it has asked for. Raises PermissionDenied, Http404, `YearlyError`."""
    actor.require("case.start")
    states = (AdmissionState.ASKED, AdmissionState.RELEASED)
    return _close(actor, ids, AdmissionState.WITHDRAWN, str(_("申请学校撤回")), "to_school_id", states)


def _close(
    actor: Any,
    ids: Sequence[uuid.UUID],
    state: AdmissionState,
    reason: str,
    side: str,
    allowed: Sequence[str],
) -> int:
    with _opened(actor, ids) as rows:
        for row in rows:
            if getattr(row, side) != actor.org_id:
                raise Http404
            if row.state not in allowed:
                raise YearlyError(_("%(name)s 现在是“%(state)s”, 不能做这一步") % {
                    "name": row.name, "state": AdmissionState(row.state).label})  # fmt: skip
            row.state, row.reason = state, reason.strip()[:300]
            row.decided_name, row.decided_at = actor.user_name, timezone.now()
            row.save(force_update=True)
            _note(actor, state.value, row, reason)
    return len(rows)


def _note(actor: Any, what: str, row: Admission, reason: str) -> None:
    record(
        actor, f"yearly.admission.{what}", object_type="admission", object_id=row.pk, person_id=row.person_id,
        purpose=reason.strip()[:200], after={"state": row.state},
    )  # fmt: skip


__all__ = ["accept", "claim", "decide_claim", "decline", "give_up", "place", "take_back"]
