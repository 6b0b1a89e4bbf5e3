"""What row-level security costs: lists and look-ups of pupils with the policies and without them, paired in one run.

Each request is asked twice in turn (AB, BA, AB ...): by the application's role in the scope of a registrar or a county
clerk, and by the owner of the tables, whom no policy binds. The text is the
same, with the filter on school or county that pages send anyway; what is compared is what the policies add. Answers must
be equal. The ratio is that of statements planned once, as when the goal was set; planning anew is in the figures. Each query
is measured in three rounds and the middle one counts: these are tens of microseconds, and a machine hiccups.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

from bench import server

TEXT = "行级安全: 名册、列表、查找带策略与不带策略的比值"
GOAL = 1.2
#: pupils; schools; paired requests a query
SIZES = {"small": (20_000, 20, 120), "full": (1_000_000, 600, 400)}

_LOAD = """
set session_replication_role = replica;
create temp table seed as
select i, md5('p' || i)::uuid as person_id,
       case when i %% %(schools)s = 0 then %(school)s else 100000 + i %% %(schools)s end as school,
       case when i %% %(schools)s < %(schools)s / 2 then %(county)s else 99999 end as county, i %% 40 as class,
       'py' || lpad((i %% 90000)::text, 5, '0') as pinyin
  from generate_series(1, %(n)s) i;
insert into person (person_id, name, pinyin, initials, pinyin_sort, former_name, sex, birth_date, ethnicity, nationality,
  check_state, version, created_at, readers, klasses)
select person_id, '学生' || i, pinyin, 'p', pinyin, '', '1', date '2016-01-01' + (i %% 3000), '01', 'CHN', 'unchecked', 1,
  now(), array[county, school], array[school * 40 + class] from seed;
insert into student_number (person_id, number_no, scheme, prefix, sealed, state, since, reason, readers, klasses)
select person_id, 1, 'national', 'L', decode(repeat('5a', 51), 'hex'), 'current', now(), '', array[county, school],
  array[school * 40 + class] from seed;
insert into enrolment_state (person_id, kind, valid_from, from_status, business, status, county_id, school_id, class_id, stage,
  cohort_year, event_id)
select person_id, 1, timestamptz '2022-09-01', 0, 'enrol', 1, county, school, school * 40 + class, 'P', 2022,
  md5('e' || i)::uuid from seed;
insert into roster (county_id, school_id, class_id, person_id, kind, reason, since, stage, cohort_year, status, name, pinyin,
  initials, pinyin_sort, grams, sex, birth_date, number_prefix, last6, check_state, open_case, problem)
select county, school, school * 40 + class, person_id, 1, 'enrolled', timestamptz '2022-09-01', 'P', 2022, 1, '学生' || i,
  pinyin, 'p', pinyin, array[]::text[], '1', date '2016-01-01', 'L', null, 'unchecked', '', false from seed;
set session_replication_role = origin;
"""
ROUNDS = 3
#: name -> who asks, the statement; {n} turns over people and pages
_QUERIES = {
    "school list, 50 rows": (
        "registrar",
        "select person_id, name, status from roster where school_id = %(school)s and reason = 'enrolled'"
        " and pinyin_sort > %(from)s order by pinyin_sort, person_id limit 50",
    ),
    "class roster": (
        "registrar",
        "select person_id, name from roster where school_id = %(school)s and class_id = %(class)s order by pinyin_sort",
    ),
    "county list, 50 rows": (
        "county_clerk",
        "select person_id, name, school_id from roster where county_id = %(county)s and reason = 'enrolled'"
        " and pinyin_sort > %(from)s order by pinyin_sort, person_id limit 50",
    ),
    "one child's row": ("registrar", "select name, status from roster where person_id = %(person)s"),
    "one child's person and number": (
        "registrar",
        "select p.name, n.state from person p left join student_number n on n.person_id = p.person_id"
        " where p.person_id = %(person)s",
    ),
    "one child's chain": (
        "registrar",
        "select valid_from, status from enrolment_state where person_id = %(person)s order by valid_from",
    ),
    "numbers of a page": (
        "registrar",
        "select person_id, state from student_number where person_id = any(%(people)s::uuid[]) order by person_id",
    ),
}


def run(*, size: str = "small", rows: int | None = None, **_options: Any) -> dict[str, Any]:
    """The whole bench in a process of its own; the ratio is that of the worst query."""
    people, schools, pairs = SIZES[size]
    with server.folder() as data:
        said = server.call("bench.rls_bench", data, str(rows or people), str(schools), str(pairs))
    figures = json.loads(said.splitlines()[-1])
    ratio = max(q["ratio"] for q in figures["queries"].values())
    return {"name": "rls", "ratio": ratio, "goal": GOAL, "met": ratio <= GOAL, "figures": figures}


# --- in a process of its own ---------------------------------------------------------------------------------


def _all(people: int, schools: int, pairs: int) -> dict[str, Any]:
    import psycopg

    from xueji import config

    with server.installation() as cluster:
        ids = server.county("P")
        place = {"school": ids["school"], "county": ids["a"], "n": people, "schools": schools}
        with cluster.connect(config.owner_dsn().name) as c:
            c.autocommit = True
            c.execute(_filled(_LOAD, place))
            c.execute("vacuum (analyze) roster, person, student_number, enrolment_state")
            users = _users(c, ids)
        out: dict[str, Any] = {}
        with (
            psycopg.connect(**config.app_dsn().kwargs()) as app,  # type: ignore[arg-type]
            psycopg.connect(**config.owner_dsn().kwargs()) as owner,  # type: ignore[arg-type]
        ):
            for side in (app, owner):
                # Left to itself the server plans a prepared statement anew for one side and not for the other.
                side.execute("set plan_cache_mode = force_generic_plan")
                side.commit()
            for name, (role, text) in _QUERIES.items():
                app.rollback()
                app.execute("select 1 from xueji_enter(%s, null, current_date)", [users[role]])
                rounds = [_paired(app, owner, text, place, pairs, prepare=True) for _n in range(ROUNDS)]
                out[name] = sorted(rounds, key=lambda r: r["ratio"])[ROUNDS // 2]
                planned = _paired(app, owner, text, place, pairs // 2, prepare=False)
                out[name]["ratio_planned_anew"] = planned["ratio"]
    return {"people": people, "schools": schools, "pairs": pairs, "queries": out}


def _filled(text: str, values: dict[str, int]) -> str:
    return text % values


def _users(c: Any, ids: dict[str, int]) -> dict[str, int]:
    """The registrar that the small county has, and a clerk for its county."""
    c.execute(
        "with u as (insert into account_user (password, username, display_name, phone, is_active, failed_logins,"
        " must_change_password, last_seen_from, created_at) values ('', 'bench.clerk', '经办', '', true, 0, false, '', now())"
        " returning id) insert into role_assignment (user_id, role, org_id, valid_from, granted_at)"
        " select id, 'county_clerk', %s, date '2020-01-01', now() from u",
        [ids["a"]],
    )
    rows = c.execute(
        "select role, user_id from role_assignment where org_id = any(%s)", [[ids["a"], ids["school"]]]
    )
    return dict(rows.fetchall())


def _paired(
    app: Any, owner: Any, text: str, place: dict[str, int], pairs: int, *, prepare: bool
) -> dict[str, float]:
    """Medians of both sides in ms, and their ratio; raises AssertionError when the answers differ."""
    import hashlib
    import uuid

    def person(i: int) -> uuid.UUID:
        n = 1 + i % (place["n"] // place["schools"] - 1)
        return uuid.UUID(hashlib.md5(f"p{n * place['schools']}".encode(), usedforsecurity=False).hexdigest())

    spent: dict[str, list[float]] = {"with": [], "without": []}
    for i in range(pairs + 10):
        values = place | {
            "from": f"py{(i * 977) % 60000:05d}",
            "class": place["school"] * 40 + (i * place["schools"]) % 40,
            "person": person(i * 7),
            "people": [person(i * 50 + k) for k in range(50)],
        }
        answers = {}
        for side in ("with", "without") if i % 2 else ("without", "with"):
            connection = app if side == "with" else owner
            began = time.perf_counter()
            answers[side] = connection.execute(text, values, prepare=prepare).fetchall()
            took = time.perf_counter() - began
            if i >= 10:
                spent[side].append(took)
        assert answers["with"] == answers["without"], text
    medians = {k: statistics.median(v) * 1000 for k, v in spent.items()}
    return {
        "with_ms": round(medians["with"], 3),
        "without_ms": round(medians["without"], 3),
        "ratio": round(medians["with"] / medians["without"], 3),
    }


if __name__ == "__main__":
    print(json.dumps(_all(*(int(x) for x in sys.argv[1:4])), ensure_ascii=False))
