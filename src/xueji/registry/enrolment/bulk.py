"""Many steps at once: what `commands.apply_step` does for one child, set-based for a whole list, in one transaction.

A fixed number of statements for any number of children. Every invariant of a single step is kept: people locked in
one order, links that came into force brought along first, the expected last event, the packs' transitions, events,
rosters, readers, head-counts last and in one order, one entry in the audit for the list with a digest of its rows.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.registry.people import commands as people

from . import holds, seats
from .commands.chains import lock
from .commands.due import activate
from .commands.headcount import add_to_cube, hold_counts
from .errors import EnrolmentError
from .models import REGISTERED
from .timeline import LEFT, CubeKey

WORK = "bulk_work"


class ListRefused(EnrolmentError):
    """Some children of a list cannot take their step; `persons` says why for each of them. Nothing was written."""

    def __init__(self, message: str, persons: dict[uuid.UUID, str]) -> None:
        super().__init__(message)
        self.persons = persons


@dataclass(frozen=True)
class Move:
    """One child's step. None means 'as before'; `expected` is the last event that the decision rested on.

    Whoever comes into another class gets `seat`, or the next number of the class.
    """

    person_id: uuid.UUID
    business: str
    to_status: int
    expected: uuid.UUID | None = None
    school_id: int | None = None
    class_id: int | None = None
    stage: str | None = None
    cohort_year: int | None = None
    article: str = ""
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    #: Without a class from here on, even in the same school (待分班).
    unplaced: bool = False
    seat: int | None = None


def apply_many(
    actor: Any, moves: Sequence[Move], *, at: datetime, case_id: uuid.UUID | None = None, what: str = "list"
) -> dict[uuid.UUID, uuid.UUID]:
    """Close the present state of every child and open the next (C-GRA-03, C-PRO-04); returns the event of each.

    `at` later than now writes the links; rosters and head-counts follow on the day (`commands.activate_due`). All or
    nothing. Needs a transaction; the caller has checked the actor's right and the place's rules. Raises `ListRefused`.
    """
    if not moves:
        return {}
    people_ids = [m.person_id for m in moves]
    if len(set(people_ids)) != len(people_ids):
        raise ValueError("a child stands twice on the list")
    now = timezone.now()
    with transaction.atomic(), acting("writer"):
        with connection.cursor() as c:
            lock(c, people_ids)
            activate(c, people_ids, now)
            held = holds.reasons(people_ids)
            if held:
                raise ListRefused(_("名册中有 %(n)s 名学生不能办理, 全部没有生效") % {"n": len(held)}, held)
            _make_work(c, moves, at)
            _refuse_what_cannot_be(c, moves)
            if any(m.class_id is not None for m in moves):
                _give_seats(c)
            _write_events(c, actor, case_id, now)
            _write_links(c)
            if at > now:
                c.execute(
                    "insert into pending_link (person_id, kind, valid_from)"
                    f" select person_id, {REGISTERED}, begins from {WORK}"
                )
            else:
                _bring_along(c)
            c.execute(
                "select sha256(string_agg(sha256(convert_to(person_id::text || event_id::text || business"
                " || to_status::text || school_id::text || coalesce(class_id::text, '') || begins::text, 'UTF8')),"
                f" ''::bytea order by person_id)) from {WORK}"
            )
            digest = bytes(c.fetchone()[0])
            c.execute(f"select person_id, event_id from {WORK}")
            events = dict(c.fetchall())
            c.execute(f"drop table {WORK}")
        record(
            actor,
            f"enrolment.{what}",
            object_type="enrolment",
            object_id=case_id or "",
            after={"at": at.isoformat(), "businesses": dict(Counter(m.business for m in moves))},
            row_count=len(moves),
            digest=digest,
        )
    return events


def _make_work(c: Any, moves: Sequence[Move], at: datetime) -> None:
    """The work table: each step beside the link that it follows, with the place it leads to worked out."""
    columns = list(zip(*((
        m.person_id, uuid.uuid4(), m.business, m.to_status, m.expected, m.school_id, m.class_id, m.stage,
        m.cohort_year, m.article[:200], m.reason[:300], json.dumps(m.detail, ensure_ascii=False),
        m.unplaced, m.seat,
    ) for m in moves), strict=True))  # fmt: skip
    c.execute(
        f"create temp table {WORK} on commit drop as"
        " select m.person_id, m.event_id, m.business, m.to_status, m.expected, m.article, m.reason, m.detail,"
        "  s.valid_from as old_from, s.event_id as old_event, s.status as old_status, s.county_id as old_county,"
        "  s.school_id as old_school, s.class_id as old_class, s.stage as old_stage, s.cohort_year as old_cohort,"
        "  h.county_id, h.org_id as school_id, m.class_id as asked_class,"
        # A class is kept inside a school, never carried into another.
        "  coalesce(m.class_id, case when h.org_id = s.school_id and not m.unplaced then s.class_id end) as class_id,"
        "  coalesce(k.stage, m.stage, s.stage) as stage, coalesce(k.cohort_year, m.cohort_year, s.cohort_year) as cohort_year,"
        "  k.school_id as class_school,"
        "  (k.id is not null and (coalesce(m.stage, k.stage), coalesce(m.cohort_year, k.cohort_year))"
        "     <> (k.stage, k.cohort_year)) as class_differs,"
        "  coalesce(m.seat::smallint, case when coalesce(m.class_id, s.class_id) = s.class_id and h.org_id = s.school_id"
        "   and not m.unplaced then s.class_seat end) as seat, m.row_no,"
        # Two effects on one day keep their order.
        "  case when %(at)s > s.valid_from then %(at)s::timestamptz"
        "   when (%(at)s::timestamptz at time zone 'Asia/Shanghai')::date = (s.valid_from at time zone 'Asia/Shanghai')::date"
        "   then s.valid_from + interval '1 second' end as begins"
        " from unnest(%(p)s::uuid[], %(e)s::uuid[], %(b)s::text[], %(t)s::int[], %(x)s::uuid[], %(s)s::int[], %(k)s::int[],"
        "  %(g)s::text[], %(y)s::int[], %(a)s::text[], %(r)s::text[], %(d)s::text[], %(u)s::bool[],"
        "  %(n)s::int[]) with ordinality"
        "  as m(person_id, event_id, business, to_status, expected, school_id, class_id, stage, cohort_year, article,"
        "   reason, detail, unplaced, seat, row_no)"
        f" left join enrolment_state s on s.person_id = m.person_id and s.kind = {REGISTERED} and s.valid_to is null"
        " left join school h on h.org_id = coalesce(m.school_id, s.school_id)"
        " left join school_class k on k.id = m.class_id",
        {"at": at} | dict(zip("pebtxskgyardun", (list(x) for x in columns), strict=True)),
    )
    c.execute(f"analyze {WORK} (person_id, old_school, school_id, business)")


def _refuse_what_cannot_be(c: Any, moves: Sequence[Move]) -> None:
    """Whoever cannot take the step, with the reason. Raises `ListRefused`."""
    c.execute(
        "select w.person_id, case"
        " when w.old_from is null then 'none' when w.expected is not null and w.expected <> w.old_event then 'changed'"
        " when w.school_id is null then 'school' when w.begins is null then 'date'"
        " when w.asked_class is not null and w.class_school is distinct from w.school_id then 'class'"
        " when w.class_differs then 'grade' else 'transition' end"
        f" from {WORK} w where w.old_from is null or w.school_id is null or w.begins is null or w.class_differs"
        " or (w.expected is not null and w.expected <> w.old_event)"
        " or (w.asked_class is not null and w.class_school is distinct from w.school_id)"
        " or not exists (select 1 from transition t where t.kind = %s and t.from_status = w.old_status"
        "   and t.business = w.business and t.to_status = w.to_status and t.active)",
        [REGISTERED],
    )
    found = dict(c.fetchall())
    if not found:
        return
    words = {
        "none": _("没有学籍"),
        "changed": _("学籍在核对之后已有变动"),
        "school": _("没有这所学校"),
        "date": _("生效日期早于上一次变动"),
        "class": _("所选班级不属于该学校"),
        "grade": _("所选班级不属于该年级"),
        "transition": _("现在的学籍状态不能办理这项业务"),
    }
    raise ListRefused(
        _("名册中有 %(n)s 名学生不能办理, 全部没有生效") % {"n": len(found)},
        {person: words[why] for person, why in found.items()},
    )


def _give_seats(c: Any) -> None:
    """Numbers for those who come into a class without one, at the end of its row, in the order of the list."""
    c.execute(f"select distinct county_id from {WORK} union select distinct old_county from {WORK}")
    hold_counts(c, [row[0] for row in c.fetchall()])
    c.execute(
        f"select class_id, count(*) filter (where seat is null), coalesce(max(seat), 0) from {WORK}"
        " where class_id is not null group by class_id order by class_id"
    )
    rows = c.fetchall()
    first = seats.take(c, [r[0] for r in rows], [r[1] for r in rows])
    c.execute(
        f"update {WORK} w set seat = x.seat from (select w.person_id,"
        "  f.first - 1 + row_number() over (partition by w.class_id order by w.row_no) as seat"
        f" from {WORK} w join unnest(%s::int[], %s::int[]) as f(class_id, first) using (class_id)"
        "  where w.seat is null) x where x.person_id = w.person_id",
        [list(first), list(first.values())],
    )
    c.execute(
        f"update class_serial s set last = x.top from (select class_id, max(seat) as top from {WORK} group by class_id) x"
        " where x.class_id = s.class_id and s.last < x.top"
    )


def _write_events(c: Any, actor: Any, case_id: uuid.UUID | None, now: datetime) -> None:
    """One event for each child; a move to another school is one more for the school that it leaves."""
    moved = "jsonb_build_object('from_school', old_school, 'to_school', school_id, 'direction', %s::text)"
    head = (
        "insert into event (person_id, event_id, business, valid_at, recorded_at, county_id, school_id, class_id, actor_id,"
        " actor_name, case_id, article, reason, detail) select person_id, "
    )
    given = [now, actor.user_id, actor.user_name, case_id]
    c.execute(
        head + "event_id, business, begins, %s, county_id, school_id, class_id, %s, %s, %s, article, reason,"
        f" detail::jsonb || case when old_school <> school_id then {moved} else '{{}}'::jsonb end from {WORK}",
        [*given, "in"],
    )
    c.execute(
        head
        + "gen_random_uuid(), business, begins, %s, old_county, old_school, old_class, %s, %s, %s, article, reason,"
        f" detail::jsonb || {moved} from {WORK} where old_school <> school_id",
        [*given, "out"],
    )


def _write_links(c: Any) -> None:
    c.execute(
        f"update enrolment_state s set valid_to = w.begins from {WORK} w where s.person_id = w.person_id"
        f" and s.kind = {REGISTERED} and s.valid_from = w.old_from"
    )
    c.execute(
        "insert into enrolment_state (person_id, kind, valid_from, from_status, business, status, county_id, school_id,"
        " class_id, stage, cohort_year, class_seat, event_id)"
        f" select person_id, {REGISTERED}, begins, old_status, business, to_status, county_id, school_id, class_id, stage,"
        f" cohort_year, seat, event_id from {WORK}"
    )


def _bring_along(c: Any) -> None:
    """Rosters and readers for links in force, then the head-counts."""
    # Search keys, identity index and names stand on the present row, which corrections keep up to date.
    c.execute(
        "insert into roster (county_id, school_id, person_id, kind, reason, since, until, class_id, stage, cohort_year,"
        "  class_seat, status, name, pinyin, initials, pinyin_sort, grams, sex, birth_date, number_prefix, last6,"
        "  check_state, open_case, problem)"
        " select w.county_id, w.school_id, w.person_id, r.kind, 'enrolled', w.begins, null, w.class_id, w.stage,"
        "  w.cohort_year, w.seat, w.to_status, r.name, r.pinyin, r.initials, r.pinyin_sort, r.grams, r.sex, r.birth_date,"
        "  r.number_prefix, r.last6, r.check_state, r.open_case, r.problem"
        f" from {WORK} w join roster r on r.county_id = w.old_county and r.school_id = w.old_school"
        f"  and r.person_id = w.person_id and r.kind = {REGISTERED}"
        " on conflict (county_id, school_id, person_id, kind) do update set"
        "  reason = excluded.reason, until = null, class_id = excluded.class_id, stage = excluded.stage,"
        "  cohort_year = excluded.cohort_year, class_seat = excluded.class_seat, status = excluded.status,"
        "  name = excluded.name, pinyin = excluded.pinyin, initials = excluded.initials,"
        "  pinyin_sort = excluded.pinyin_sort, grams = excluded.grams, sex = excluded.sex,"
        "  birth_date = excluded.birth_date, number_prefix = excluded.number_prefix, last6 = excluded.last6,"
        "  check_state = excluded.check_state, open_case = excluded.open_case, problem = excluded.problem,"
        "  since = case when roster.reason = 'former' then excluded.since else roster.since end"
    )
    if c.rowcount < _rows(c):
        raise RuntimeError("a child of the list has no present roster row: run `xueji verify`")
    c.execute(
        f"update roster r set reason = 'former', until = w.begins, open_case = '', problem = false from {WORK} w"
        " where r.county_id = w.old_county and r.school_id = w.old_school and r.person_id = w.person_id"
        f" and r.kind = {REGISTERED} and (w.old_county, w.old_school) <> (w.county_id, w.school_id)"
    )
    c.execute(
        # Readers change only for those whose school or class does; grouped, so that each set is written once.
        "select x.readers, x.klasses, array_agg(x.person_id) from ("
        "  select r.person_id, array_agg(distinct o.org order by o.org) as readers,"
        "   coalesce(array_agg(distinct r.class_id order by r.class_id) filter (where r.class_id is not null), '{}') as klasses"
        f"  from {WORK} w join roster r on r.person_id = w.person_id and r.reason in ('enrolled', 'guest')"
        "  cross join lateral (values (r.county_id), (r.school_id)) as o(org)"
        "  where (w.old_county, w.old_school) <> (w.county_id, w.school_id) or w.old_class is distinct from w.class_id"
        "  group by r.person_id) x group by 1, 2"
    )
    people.rehome_groups([(persons, readers, klasses) for readers, klasses, persons in c.fetchall()])
    add_to_cube(c, _deltas(c))


def _rows(c: Any) -> int:
    c.execute(f"select count(*) from {WORK}")
    return int(c.fetchone()[0])


def _deltas(c: Any) -> Counter[CubeKey]:
    """What all steps together add to the cube, by place: few rows for any number of children."""
    out: Counter[CubeKey] = Counter()
    c.execute(
        "select w.old_county, w.old_school, w.old_stage, w.old_cohort, w.old_status, w.county_id, w.school_id, w.stage,"
        " w.cohort_year, w.to_status, w.business, (w.begins at time zone 'Asia/Shanghai')::date, p.sex, count(*)"
        f" from {WORK} w join person p on p.person_id = w.person_id group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13"
    )
    for row in c.fetchall():
        before, after, (business, day, sex, n) = row[:5], row[5:10], row[10:]
        if before == after:
            continue
        for sign, (county, school, stage, cohort, status) in ((-1, before), (1, after)):
            flow = business if sign > 0 else business + LEFT
            out[(county, school, day, REGISTERED, stage, cohort, sex, status, flow)] += sign * n
    return out


__all__ = ["ListRefused", "Move", "apply_many"]
