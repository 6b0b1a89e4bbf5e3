"""The movement table between two dates: one county and a whole province, under row-level security, equal to a recount.

Children are made as links of the timeline, the cube is summed from them, and the product's own query reads it in the
scope of a county and of a province. The recount goes child by child.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from datetime import date
from typing import Any

from bench import server

NAME = "movement"
TITLE = "学籍变动表: 一个县、一个省, 任意两个日期, 与逐人清点相等"
TEXT = TITLE
COUNTY_GOAL_MS, PROVINCE_GOAL_MS = 50.0, 500.0
#: children, counties, schools of each county
SIZES = {"small": (60_000, 4, 20), "full": (2_000_000, 100, 60)}
ROUNDS = 15
PERIODS = (
    (date(2025, 9, 1), date(2026, 8, 31)),
    (date(2026, 3, 1), date(2026, 7, 15)),
    (date(2026, 9, 1), date(2026, 11, 20)),
)


def run(
    *, size: str = "small", children: int | None = None, counties: int | None = None, **_options: Any
) -> dict[str, Any]:
    """Median times of both tables against their goals. `children=20000000` makes a province of full size.

    Ratio: the worse median over its goal (1 is the goal). `met` also needs every table balanced and equal to the
    recount.
    """
    default, its_counties, schools = SIZES[size]
    with server.folder() as data:
        figures = json.loads(
            server.call(
                "bench.movement_bench",
                data,
                str(children or default),
                str(counties or its_counties),
                str(schools),
            )
        )
    ratio = round(
        max(figures["county_p50_ms"] / COUNTY_GOAL_MS, figures["province_p50_ms"] / PROVINCE_GOAL_MS), 3
    )
    return {
        "name": NAME,
        "ratio": ratio,
        "goal": 1.0,
        "met": ratio <= 1.0 and figures["equal_to_recount"] and figures["balanced"],
        "figures": figures,
    }


# --- in a process of its own ------------------------------------------------------------------------------------


def _organisations(counties: int, schools: int) -> dict[str, int]:
    """A province, its city, counties and schools, with a clerk for the first county and one for the province."""
    from django.db import connection, transaction

    from xueji.ground.accounts.models import RoleAssignment, User
    from xueji.ground.db.scope import acting
    from xueji.ground.orgs.models import Org, School

    day = date(2000, 1, 1)
    with transaction.atomic(), acting("writer"):
        with connection.cursor() as c:
            wanted = 2 + counties * (schools + 1)
            c.execute(
                "select nextval(pg_get_serial_sequence('org', 'id')) from generate_series(1, %s)", [wanted]
            )
            ids = iter([r[0] for r in c.fetchall()])

        def org(kind: str, code: str, name: str, parent: Org | None) -> Org:
            key = next(ids)
            path = f"{parent.path if parent else '/'}{key}/"
            return Org(
                id=key, kind=kind, code=code, division="990101", name=name, short_name=name, parent=parent,
                path=path, valid_from=day,
            )  # fmt: skip

        province = org("province", "990000", "测试省教育厅", None)
        city = org("city", "990100", "测试市教育局", province)
        rows, houses = [province, city], []
        heads = [org("county", f"99{i:04d}X", f"第{i}县教育局", city) for i in range(counties)]
        for i, head in enumerate(heads):
            rows.append(head)
            for j in range(schools):
                school = org("school", f"21{i:04d}{j:04d}", f"第{i}县第{j}小学", head)
                rows.append(school)
                houses.append(
                    School(org=school, county=head, school_code=school.code, school_type="211", stages=["P"])
                )
        Org.objects.bulk_create(rows, batch_size=2000)
        School.objects.bulk_create(houses, batch_size=2000)
        out = {"first_county": heads[0].pk, "first_school": houses[0].org_id}
        for name, role, at in (
            ("county", "county_clerk", heads[0]),
            ("province", "province_clerk", province),
        ):
            user = User.objects.create(username=name, display_name=name, home_org=at, password="!")
            RoleAssignment.objects.create(user=user, role=role, org=at, valid_from=day)
            out[name] = user.pk
    return out


#: One child in eight changes school, one in thirty is suspended and returns, the six older cohorts of nine graduate.
_LINKS = """
set session_replication_role = replica;
create temp table house as
select s.org_id as school, s.county_id as county, row_number() over (order by s.org_id) - 1 as no from school s;
create index on house (no);
create temp table seed as
select md5('m' || i)::uuid as person_id, 2018 + i % 9 as cohort, h.school, h.county,
       case when i % 8 = 3 then h2.school end as to_school, case when i % 8 = 3 then h2.county end as to_county,
       timestamptz '2025-09-15 00:00+08' + (i % 420) * interval '1 day' as moved, i % 30 = 7 and i % 8 <> 3 as ill,
       case when i % 2 = 0 then '1' else '2' end as sex
  from generate_series(1, :n) i
  join house h on h.no = i % :schools join house h2 on h2.no = (i * 7 + 1) % :schools;
create temp table link as
select person_id, timestamptz '2000-09-01 00:00+08' + (cohort - 2000) * interval '1 year' as at, 'enrol' as business,
       1 as status, school, county, cohort, sex from seed
union all select person_id, moved, 'transfer', 1, to_school, to_county, cohort, sex from seed
 where to_school is not null and to_school <> school and moved > make_date(cohort, 9, 1) + interval '1 day'
union all select person_id, moved, 'suspend', 2, school, county, cohort, sex from seed
 where ill and moved > make_date(cohort, 9, 1) + interval '1 day'
union all select person_id, moved + interval '90 days', 'resume', 1, school, county, cohort, sex from seed
 where ill and moved > make_date(cohort, 9, 1) + interval '1 day';
create temp table chain as
select *, lead(at) over w as until, lag(school) over w as from_school, lag(county) over w as from_county,
       lag(status) over w as from_status from link window w as (partition by person_id order by at);
insert into enrolment_state (person_id, kind, valid_from, valid_to, from_status, business, status, county_id, school_id,
  stage, cohort_year, event_id)
select person_id, 1, at, until, coalesce(from_status, 0), business, status, county, school, 'P', cohort, person_id from chain;
insert into cube_delta (county_id, school_id, day, kind, stage, cohort_year, sex, status, flow, n)
select county, school, day, 1, 'P', cohort, sex, status, flow, sum(n)::int from (
  select county, school, (at at time zone 'Asia/Shanghai')::date as day, cohort, sex, status, business as flow, 1 as n
    from chain
  union all
  select from_county, from_school, (at at time zone 'Asia/Shanghai')::date, cohort, sex, from_status, business || '.out', -1
    from chain where from_school is not null) x group by 1, 2, 3, 6, 7, 8, 9;
analyze enrolment_state; analyze cube_delta; analyze org; analyze school;
"""


def _fill(cluster: Any, n: int, schools: int) -> None:
    import psycopg

    from xueji import config

    with cluster.connect() as admin:
        info = admin.info
        kwargs = {"host": info.host, "port": info.port, "user": info.user, "password": info.password}
    with psycopg.connect(dbname=config.owner_dsn().name, autocommit=True, **kwargs) as c:
        c.execute(_LINKS.replace(":n", str(n)).replace(":schools", str(schools)))


def _recount(who: str, place: dict[str, int], end: date) -> int:
    """In school at the end of a day, child by child."""
    from django.db import connection, transaction

    from xueji.ground.db.scope import acting
    from xueji.registry.enrolment.timeline import end_of

    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select count(*) from enrolment_state where kind = 1 and status = 1 and valid_from < %s"
            " and (valid_to is null or valid_to >= %s)" + (" and county_id = %s" if who == "county" else ""),
            [end_of(end), end_of(end), *([place["first_county"]] if who == "county" else [])],
        )
        return int(c.fetchone()[0])


def main(n: int, counties: int, schools: int) -> dict[str, Any]:
    """Fill a throw-away installation and time the tables."""
    with server.installation() as cluster:
        from django.db import connection, transaction

        from xueji.ground.accounts.actor import enter
        from xueji.ground.db.scope import acting
        from xueji.office.statistics import queries, units

        place = _organisations(counties, schools)
        _fill(cluster, n, counties * schools)
        figures: dict[str, Any] = {"children": n, "counties": counties, "schools": counties * schools}
        with transaction.atomic(), acting("writer"), connection.cursor() as c:
            c.execute("select pg_total_relation_size('cube_delta') / 1024, (select count(*) from cube_delta)")
            figures["cube_kib"], figures["cube_rows"] = c.fetchone()
        balanced = equal = True
        for who in ("county", "province"):
            times = []
            for i in range(ROUNDS):
                start, end = PERIODS[i % len(PERIODS)]
                with transaction.atomic():
                    actor = enter(place[who])
                    target = units.resolve(actor)
                    began = time.perf_counter()
                    table = queries.movement(actor, target, start, end)
                    times.append((time.perf_counter() - began) * 1000)
                balanced &= table.balanced
                if i < len(PERIODS):
                    equal &= table.total.closing == _recount(who, place, end)
            figures[f"{who}_p50_ms"] = round(statistics.median(times), 1)
            figures[f"{who}_max_ms"] = round(max(times), 1)
            figures[f"{who}_present"] = table.total.closing
        return figures | {"balanced": balanced, "equal_to_recount": equal}


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:4]))))
