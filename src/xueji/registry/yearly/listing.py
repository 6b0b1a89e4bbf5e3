"""Reading a cohort's children with their facts, and writing a list's rows: set-based, in the writing role."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils import timezone

from xueji.ground.orgs.models import Org, School
from xueji.ground.policy.engine import PolicySet
from xueji.registry.changes import routing
from xueji.registry.changes.models import StepMode
from xueji.registry.changes.routing import Planned, Units
from xueji.registry.creation.queries import REGISTERED

from . import facts, readiness
from .models import GraduationList, ListKind
from .readiness import Assessment, Setting, Vector

PUPILS = "yearly_pupil"
#: Check states of an identity that count as verified.
VERIFIED = ["passed", "verified", "manual"]


@dataclass(frozen=True)
class Ground:
    """Where a list stands: its school, its rules, the chain that it would take."""

    units: Units
    system: str
    policy: PolicySet
    steps: tuple[Planned, ...]

    def setting(self, row: GraduationList, today: date) -> Setting:
        """What all children of the list share."""
        orgs = {s.org.pk: s.org for s in self.steps}
        return Setting(
            kind=row.kind, stage=row.stage, cohort_year=row.cohort_year, system=self.system, school=self.units.start,
            effective_on=row.effective_on, today=today, policy=self.policy,
            decided_by=tuple(facts.offices(self.steps, orgs)),
        )  # fmt: skip


def _length(steps: list[Planned]) -> int:
    return len(steps)


def ground(school_id: int, kind: str, today: date) -> Ground:
    """The rules and the chain for a list of a school. Lists with several results take the longest of their chains.

    Raises `CaseError` when the packs of the place declare no chain.
    """
    units = routing.units_of(school_id, school_id, None)
    policy = routing.policy_for(units.start, today)
    businesses = ("undo_finish",) if kind == ListKind.UNDO else tuple(facts.BUSINESS.values())
    if kind == ListKind.EXCHANGE:
        businesses = ("graduate",)
    plans = [routing.plan(policy, business, units, today) for business in businesses]
    system = School.objects.values_list("system", flat=True).get(pk=school_id)
    chains: list[list[Planned]] = [[s for s in steps if s.mode == StepMode.APPROVE] for steps in plans]
    return Ground(units, system, policy, tuple(sorted(chains, key=_length)[-1]))


#: Child by child over keys, with limits that keep the planner from reading whole tables for one cohort.
_SELECT = (
    f"create temp table {PUPILS} on commit drop as"
    " select r.person_id, r.class_id, r.class_seat, r.name, r.pinyin_sort, r.sex, r.birth_date, s.event_id as expected,"
    "  case when %(chosen)s then s.status else r.status end::int as status, r.open_case <> '' as open_case, r.problem,"
    "  r.number_prefix::text as prefix,"
    "  (select true from person_photo ph where ph.person_id = r.person_id limit 1) is not null as photo,"
    "  r.check_state = any(%(verified)s) as verified,"
    "  (select true from roster g where g.person_id = r.person_id and g.kind = 2 and g.reason = 'guest' limit 1)"
    "   is not null as guest,"
    "  case when %(chosen)s then s.school_id <> %(school)s else s.valid_from > %(now)s end as moved_on,"
    "  (select true from admission a where a.person_id = r.person_id and a.state in ('asked', 'released', 'placed')"
    "   limit 1) is not null as next_school,"
    f"  case when r.stage = 'S' then {REGISTERED} else true end as registered,"
    "  coalesce(i.given, '{}')::text as given"
    " from roster r"
    " join lateral (select x.event_id, x.status, x.school_id, x.valid_from from enrolment_state x"
    "  where x.person_id = r.person_id and x.kind = 1 and x.valid_to is null limit 1) s on true"
    " left join graduation_item i on i.list_id = %(list)s and i.person_id = r.person_id"
    " where r.school_id = %(school)s and r.county_id = %(county)s and r.kind = 1 and r.reason = 'enrolled'"
)
_COHORT = " and r.stage = %(stage)s and r.cohort_year = %(cohort)s and r.status between 1 and 9"
_CHOSEN = " and r.person_id = any(%(persons)s::uuid[])"
_VECTOR = (
    "status, open_case, problem, prefix, photo, verified, guest, moved_on, next_school, registered, given"
)


def rebuild(row: GraduationList, place: Ground, persons: Sequence[uuid.UUID] | None = None) -> dict[str, int]:
    """Look at every child of the list anew and write rows and vectors; returns how many of each verdict.

    Facts stated and results set by hand stay, unless the record now forbids them. `persons` are the children of a
    list that is chosen by hand (undo, exchange), the first time. Must run in the writing role, with the list locked.
    """
    today = timezone.localdate()
    setting = place.setting(row, today)
    chosen = row.kind in (ListKind.UNDO, ListKind.EXCHANGE)
    with connection.cursor() as c:
        if chosen and persons is None:
            c.execute("select person_id from graduation_item where list_id = %s", [row.list_id])
            persons = [r[0] for r in c.fetchall()]
        c.execute(
            _SELECT + (_CHOSEN if chosen else _COHORT),
            {
                "chosen": chosen, "school": row.school_id, "county": row.county_id, "list": row.list_id,
                "stage": row.stage, "cohort": row.cohort_year, "now": timezone.now(), "persons": list(persons or ()),
                "verified": VERIFIED,
            },
        )  # fmt: skip
        c.execute(f"analyze {PUPILS} (person_id)")
        c.execute(f"select {_VECTOR}, count(*) from {PUPILS} group by {_VECTOR} order by {_VECTOR}")
        found = [(Vector(*r[:-1]), r[-1]) for r in c.fetchall()]
        judged = [(v, n, readiness.assess(setting, v)) for v, n in found]
        _write(c, row, judged)
        c.execute(f"drop table {PUPILS}")
    row.packs, row.checked_at = place.policy.hash, timezone.now()
    out = {"ready": 0, "warn": 0, "ask": 0, "blocked": 0}
    for _v, n, a in judged:
        out[a.verdict] += n
    return out


def _write(c: Any, row: GraduationList, judged: list[tuple[Vector, int, Assessment]]) -> None:
    """Vectors and rows, each in one statement."""
    c.execute("delete from graduation_vector where list_id = %s", [row.list_id])
    numbers = list(range(1, len(judged) + 1))
    c.execute(
        "insert into graduation_vector (list_id, county_id, school_id, no, facts, verdict, proposed, findings, n)"
        " select %s, %s, %s, v.no, v.facts::jsonb, v.verdict, v.proposed, v.findings::jsonb, v.n"
        " from unnest(%s::int[], %s::text[], %s::text[], %s::int[], %s::text[], %s::int[])"
        "  as v(no, facts, verdict, proposed, findings, n)",
        [
            row.list_id, row.county_id, row.school_id, numbers,
            [json.dumps(a.facts, ensure_ascii=False) for _v, _n, a in judged], [a.verdict for _v, _n, a in judged],
            [a.proposed for _v, _n, a in judged],
            [json.dumps(a.findings, ensure_ascii=False) for _v, _n, a in judged], [n for _v, n, _a in judged],
        ],
    )  # fmt: skip
    c.execute(
        f"delete from graduation_item i where i.list_id = %s and not exists (select 1 from {PUPILS} p"
        " where p.person_id = i.person_id)",
        [row.list_id],
    )
    on = " and ".join(f"v.{name} = p.{name}" for name in _VECTOR.split(", "))
    c.execute(
        "insert into graduation_item as i (list_id, county_id, school_id, person_id, class_id, class_seat, name,"
        "  pinyin_sort, sex, birth_date, from_status, expected, vector_no, given, proposed, result, manual, reason,"
        "  changed_by, open)"
        " select %(list)s, %(county)s, %(school)s, p.person_id, p.class_id, p.class_seat, p.name, p.pinyin_sort, p.sex,"
        "  p.birth_date, p.status, p.expected, v.no, p.given::jsonb, v.proposed, v.proposed, false, '', '', false"
        f" from {PUPILS} p join unnest(%(no)s::int[], %(hard)s::bool[], %(proposed)s::int[], %(status)s::int[],"
        "  %(open_case)s::bool[], %(problem)s::bool[], %(prefix)s::text[], %(photo)s::bool[], %(verified)s::bool[],"
        "  %(guest)s::bool[], %(moved_on)s::bool[], %(next_school)s::bool[], %(registered)s::bool[], %(given)s::text[])"
        f"  as v(no, hard, proposed, {_VECTOR}) on {on}"
        " on conflict (list_id, person_id) do update set class_id = excluded.class_id, class_seat = excluded.class_seat,"
        "  name = excluded.name, pinyin_sort = excluded.pinyin_sort, sex = excluded.sex,"
        "  birth_date = excluded.birth_date, from_status = excluded.from_status, expected = excluded.expected,"
        "  vector_no = excluded.vector_no, proposed = excluded.proposed,"
        "  manual = i.manual and not (excluded.vector_no = any(%(shut)s)),"
        "  result = case when i.manual and not (excluded.vector_no = any(%(shut)s)) then i.result"
        "           else excluded.proposed end"
        # What is as it was is not written again.
        " where (i.vector_no, i.proposed, i.expected, i.from_status, i.class_id, i.class_seat, i.name, i.sex, i.birth_date)"
        "  is distinct from (excluded.vector_no, excluded.proposed, excluded.expected, excluded.from_status,"
        "  excluded.class_id, excluded.class_seat, excluded.name, excluded.sex, excluded.birth_date)"
        "  or i.result is distinct from excluded.proposed",
        {
            "list": row.list_id, "county": row.county_id, "school": row.school_id, "no": numbers,
            "hard": [a.hard for _v, _n, a in judged], "proposed": [a.proposed for _v, _n, a in judged],
            "shut": [no for no, (_v, _n, a) in zip(numbers, judged, strict=True) if a.hard],
            **{name: [getattr(v, name) for v, _n, _a in judged] for name in _VECTOR.split(", ")},
        },
    )  # fmt: skip


def changed_since(row: GraduationList) -> list[tuple[str, str]]:
    """Children with a result whose record is no longer what was checked: name and why (at most 20).

    Must run in the writing role.
    """
    with connection.cursor() as c:
        c.execute(
            "select i.name, case when s.event_id is distinct from i.expected then 'changed'"
            "  when r.open_case <> '' then 'case' else 'problem' end"
            " from graduation_item i"
            " left join enrolment_state s on s.person_id = i.person_id and s.kind = 1 and s.valid_to is null"
            " left join roster r on r.county_id = i.county_id and r.school_id = i.school_id"
            "  and r.person_id = i.person_id and r.kind = 1"
            " where i.list_id = %s and i.result is not null and (s.event_id is distinct from i.expected"
            "  or coalesce(r.open_case, '') <> '' or coalesce(r.problem, true)) order by i.pinyin_sort, i.person_id limit 20",
            [row.list_id],
        )
        return c.fetchall()


__all__ = ["Ground", "Org", "changed_since", "ground", "rebuild"]
