"""Proof by recomputation: chains, rosters and head-counts must say the same (`xueji verify`)."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from xueji.ground.db.problems import Problem

#: Each query returns keys of rows that break the invariant; an empty answer is the proof.
RECORD = {
    "timeline.overlap": (
        "两段学籍在时间上重叠",
        "select person_id from (select person_id, valid_to,"
        " lead(valid_from) over (partition by person_id, kind order by valid_from) as next from enrolment_state) s"
        " where next is not null and (valid_to is null or valid_to <> next)",
    ),
    "timeline.open": (
        "学籍没有唯一的当前状态",
        "select person_id from enrolment_state group by person_id, kind having count(*) filter (where valid_to is null) <> 1",
    ),
    "timeline.transition": (
        "状态变化不合规定",
        "select person_id from (select s.*, lag(status, 1, 0::smallint) over"
        " (partition by person_id, kind order by valid_from) as prev from enrolment_state s) s where from_status <> prev",
    ),
    "timeline.event": (
        "学籍状态没有对应的事件",
        "select s.person_id from enrolment_state s left join event e on e.person_id = s.person_id"
        " and e.event_id = s.event_id where e.event_id is null",
    ),
    "timeline.class": (
        "班级不属于该学校",
        "select s.person_id from enrolment_state s join school_class k on k.id = s.class_id where k.school_id <> s.school_id",
    ),
    "timeline.county": (
        "学籍主管部门与学校不一致",
        "select s.person_id from enrolment_state s join school h on h.org_id = s.school_id"
        " where s.valid_to is null and h.county_id <> s.county_id",
    ),
    "roster.present": (
        "名册与学籍当前状态不一致",
        "with last as (select distinct on (person_id, kind) * from enrolment_state where valid_from <= now()"
        "  order by person_id, kind, valid_from desc)"
        " select coalesce(l.person_id, r.person_id) from last l full join"
        "  (select * from roster where reason in ('enrolled', 'guest')) r"
        "  on r.person_id = l.person_id and r.kind = l.kind"
        " where (l.person_id is null or r.person_id is null or (r.county_id, r.school_id, r.status, r.stage, r.cohort_year)"
        "        is distinct from (l.county_id, l.school_id, l.status, l.stage, l.cohort_year)"
        "        or r.class_id is distinct from l.class_id)"
        "   and not (l.kind = 2 and l.status > 10)",
    ),
    "roster.readers": (
        "可查看单位与学籍所在不一致",
        "select p.person_id from person p join roster r on r.person_id = p.person_id and r.reason in ('enrolled', 'guest')"
        " where not p.readers @> array[r.county_id, r.school_id]",
    ),
    "roster.name": (
        "名册上的姓名或出生日期与档案不一致",
        "select p.person_id from person p join roster r on r.person_id = p.person_id and r.reason <> 'former'"
        " where (p.name, p.sex, p.birth_date) is distinct from (r.name, r.sex, r.birth_date)",
    ),
}

#: The cube summed over days must equal a count of the links in force; per place, status and sex.
CUBE_NOW = (
    "with counted as (select l.county_id, l.school_id, l.kind, l.stage, l.cohort_year, p.sex, l.status, count(*)::int as n"
    "   from (select distinct on (person_id, kind) * from enrolment_state where valid_from <= now()"
    "         order by person_id, kind, valid_from desc) l join person p on p.person_id = l.person_id"
    "   group by 1, 2, 3, 4, 5, 6, 7),"
    " summed as (select county_id, school_id, kind, stage, cohort_year, sex, status, sum(n)::int as n from cube_delta"
    "   group by 1, 2, 3, 4, 5, 6, 7 having sum(n) <> 0)"
    " select coalesce(c.school_id, s.school_id), coalesce(c.status, s.status), coalesce(s.n, 0), coalesce(c.n, 0)"
    "   from counted c full join summed s using (county_id, school_id, kind, stage, cohort_year, sex, status)"
    "  where c.n is distinct from s.n"
)
#: What leaves one place enters another on the same day: without the first enrolments the cube sums to nothing.
CUBE_BALANCE = (
    "select day, kind, split_part(flow, '.', 1), sum(n) from cube_delta group by 1, 2, 3"
    " having sum(n) <> 0 and split_part(flow, '.', 1) not in (select distinct business from transition where from_status = 0)"
)


def record_problems(c: psycopg.Connection, *, limit: int = 20) -> Iterator[Problem]:
    """Chains and rosters that break an invariant (at most `limit` of each kind)."""
    for check, (message, query) in RECORD.items():
        for key, *_rest in c.execute(f"{query} limit {limit}"):  # type: ignore[arg-type]
            yield Problem(check, message, str(key))


def statistics_problems(c: psycopg.Connection, *, limit: int = 20) -> Iterator[Problem]:
    """Head-counts that differ from a recount, and movements that do not balance to the last child."""
    for school, status, summed, counted in c.execute(f"{CUBE_NOW} limit {limit}"):  # type: ignore[arg-type]
        yield Problem(
            "cube.count",
            f"学校 {school} 状态 {status}: 统计为 {summed} 人, 逐人清点为 {counted} 人",
            str(school),
        )
    for day, _kind, flow, n in c.execute(f"{CUBE_BALANCE} limit {limit}"):  # type: ignore[arg-type]
        yield Problem("cube.balance", f"{day} 的业务 {flow} 转出与转入不相等, 相差 {n} 人", str(day))
