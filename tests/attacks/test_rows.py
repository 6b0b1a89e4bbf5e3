"""The permission matrix straight on SQL: every table of students x every role, held against an oracle of facts."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors
from tests.attacks import oracle
from tests.attacks.oracle import ORACLES, Facts
from tests.attacks.world import World
from tests.helpers import _PLACES

from xueji.ground.db.guards import Scope, Table, declared

PERSONAS = [(role, where) for role, places in _PLACES for where in places]
ALL_SCOPED = [t for t in declared() if t.scope is not None]
#: A table without an oracle fails the first test below, by its name; the others go on without it.
SCOPED = [t for t in ALL_SCOPED if t.name in ORACLES]
CLOSED = [t for t in declared() if not t.app]
APP_READS = [t for t in declared() if t.app == "select"]
TODAY = "2026-11-22"

Matrix = dict[str, set[tuple[Any, ...]]]


@pytest.fixture
def facts(owner: psycopg.Connection) -> Facts:
    return oracle.gather(owner)


@pytest.fixture
def keys(owner: psycopg.Connection) -> dict[str, list[str]]:
    return {t.name: oracle.keys_of(owner, t.name) for t in SCOPED}


def user_of(world: World, persona: tuple[str, str]) -> int:
    return world.place.user(*persona).pk


def enter(c: psycopg.Connection, user: int, assignment: int | None = None) -> None:
    """As a request does."""
    row = c.execute("select role from xueji_enter(%s, %s, current_date)", (user, assignment)).fetchone()
    assert row is not None


def seen(c: psycopg.Connection, keys: dict[str, list[str]], tables: list[str] | None = None) -> Matrix:
    """Keys of the rows that the connection sees."""
    out: Matrix = {}
    for name in tables or list(keys):
        columns = ", ".join(f'"{k}"' for k in keys[name])
        out[name] = set(c.execute(f'select {columns} from "{name}"').fetchall())
    return out


def expected(
    owner: psycopg.Connection,
    facts: Facts,
    keys: dict[str, list[str]],
    user: int,
    tables: list[str] | None = None,
) -> Matrix:
    """Keys of the rows that the facts allow."""
    sight = facts.sight(user)
    return {
        name: {
            tuple(row[k] for k in keys[name])
            for row in oracle.rows_of(owner, name)
            if ORACLES[name](facts, sight, row)
        }
        for name in tables or list(keys)
    }


def test_every_table_of_students_has_an_oracle_and_every_table_a_declaration(
    owner: psycopg.Connection,
) -> None:
    assert {t.name for t in ALL_SCOPED} == set(ORACLES)
    there = {r[0] for r in owner.execute("select tablename from pg_tables where schemaname = 'public'")}
    assert there == {t.name for t in declared()}


@pytest.mark.capability("C-ROL-02")
@pytest.mark.parametrize("persona", PERSONAS, ids=lambda p: f"{p[0]}-{p[1] or 'x'}")
def test_a_role_sees_exactly_the_rows_that_the_facts_allow(
    attacked: World,
    app: psycopg.Connection,
    owner: psycopg.Connection,
    facts: Facts,
    keys: dict[str, list[str]],
    persona: tuple[str, str],
) -> None:
    user = user_of(attacked, persona)
    enter(app, user)
    found, right = seen(app, keys), expected(owner, facts, keys, user)
    for name in keys:
        assert found[name] - right[name] == set(), f"{name}: sees too much"
        assert right[name] - found[name] == set(), f"{name}: sees too little"


def test_the_matrix_has_own_and_foreign_rows_in_every_table(
    attacked: World, owner: psycopg.Connection, facts: Facts, keys: dict[str, list[str]]
) -> None:
    """Without them an equality would show nothing."""
    for name in keys:
        total = len(oracle.rows_of(owner, name))
        counts = {
            len(expected(owner, facts, keys, user_of(attacked, p), [name])[name])
            for p in PERSONAS
            if not p[0].startswith("province") and p[0] != "security_admin"
        }
        assert total > max(counts) > 0, name
        assert 0 in counts or name in ("account_user", "role_assignment"), f"{name}: everybody sees something"


def test_nothing_entered_nothing_seen(app: psycopg.Connection, keys: dict[str, list[str]]) -> None:
    assert all(not rows for rows in seen(app, keys).values())


def test_a_scope_ends_with_its_transaction(
    attacked: World, app: psycopg.Connection, keys: dict[str, list[str]]
) -> None:
    for end in (app.commit, app.rollback):
        enter(app, user_of(attacked, ("province_head", "province")))
        assert seen(app, keys)["person"]
        end()
        assert all(not rows for rows in seen(app, keys).values())
        end()


def test_entering_again_leaves_nothing_of_the_role_before(
    attacked: World, app: psycopg.Connection, keys: dict[str, list[str]]
) -> None:
    enter(app, user_of(attacked, ("province_head", "province")))
    enter(app, user_of(attacked, ("audit_admin", "province")))
    own = ("account_user", "role_assignment")
    assert all(not rows for name, rows in seen(app, keys).items() if name not in own)
    enter(app, user_of(attacked, ("registrar", "c1")))
    assert app.execute("select xueji_enter(999999, null, current_date)").fetchone() is None
    assert all(not rows for rows in seen(app, keys).values())


def test_a_foreign_assignment_is_not_entered(
    attacked: World, app: psycopg.Connection, owner: psycopg.Connection, keys: dict[str, list[str]]
) -> None:
    """Naming another account's role falls back to the account's own."""
    other = owner.execute(
        "select id from role_assignment where user_id = %s",
        (user_of(attacked, ("province_head", "province")),),
    ).fetchone()
    assert other is not None
    enter(app, user_of(attacked, ("registrar", "a1")), other[0])
    role = app.execute("select current_setting('xueji.orgs')").fetchone()
    assert role == (f"{{{attacked.place.org('a1').pk}}}",)


@pytest.mark.parametrize("change", ["until", "is_active"])
def test_an_ended_role_or_a_closed_account_enters_nothing(
    attacked: World, superuser: psycopg.Connection, keys: dict[str, list[str]], change: str
) -> None:
    user = user_of(attacked, ("county_head", "a"))
    if change == "until":
        superuser.execute(
            "update role_assignment set valid_to = current_date - 1 where user_id = %s", (user,)
        )
    else:
        superuser.execute("update account_user set is_active = false where id = %s", (user,))
    superuser.execute("set local role xueji_app")
    assert superuser.execute("select * from xueji_enter(%s, null, current_date)", (user,)).fetchone() is None
    assert all(not rows for rows in seen(superuser, keys).values())


def test_a_family_link_that_ended_shows_nothing(
    attacked: World, superuser: psycopg.Connection, keys: dict[str, list[str]]
) -> None:
    user = user_of(attacked, ("parent", ""))
    superuser.execute("update portal_link set until = current_date where user_id = %s", (user,))
    superuser.execute("set local role xueji_app")
    enter(superuser, user)
    found = seen(superuser, keys)
    own = {t.name for t in SCOPED if t.scope is not None and t.scope.user} | {
        "account_user",
        "role_assignment",
    }
    assert not any(rows for name, rows in found.items() if name not in own)


@pytest.mark.parametrize("table", CLOSED, ids=lambda t: t.name)
def test_staging_lookups_audit_and_counters_are_refused(
    attacked: World, app: psycopg.Connection, table: Table
) -> None:
    for persona in (("province_head", "province"), ("system_admin", "province"), ("audit_admin", "province")):
        enter(app, user_of(attacked, persona))
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(f'select 1 from "{table.name}"')
        app.rollback()


@pytest.mark.parametrize("table", APP_READS, ids=lambda t: t.name)
def test_the_application_writes_nothing_as_itself(
    attacked: World, app: psycopg.Connection, owner: psycopg.Connection, table: Table
) -> None:
    column = owner.execute(
        "select column_name from information_schema.columns where table_name = %s limit 1", (table.name,)
    ).fetchone()
    assert column is not None
    for statement in (
        f'delete from "{table.name}"',
        f'update "{table.name}" set "{column[0]}" = "{column[0]}"',
        f'insert into "{table.name}" default values',
        f'truncate "{table.name}"',
        f'alter table "{table.name}" disable row level security',
        f'create policy mine on "{table.name}" using (true)',
    ):
        enter(app, user_of(attacked, ("province_head", "province")))
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(statement)
        app.rollback()


def test_policies_bind_the_role_that_logs_in(owner: psycopg.Connection) -> None:
    flags = owner.execute(
        "select rolsuper, rolbypassrls, rolcreaterole, rolinherit from pg_roles where rolname = 'xueji_app'"
    ).fetchone()
    assert flags == (False, False, False, False)
    owned = owner.execute("select count(*) from pg_class where relowner = 'xueji_app'::regrole").fetchone()
    assert owned == (0,)


# --- functions that run with more rights than their caller ---------------------------------------------------------

DEFINERS = {
    "xueji_home_guarded": "xueji_app",  # one yes or no about a key; hides forms (tests/registry/collect/test_sight.py)
    "xueji_senior_registered": "xueji_app",  # one yes or no about a key (tests/registry/creation/test_moved_seniors.py)
    "xueji_analyze_staging": "xueji_intake",  # brings statistics up to date, tells nothing
    "xueji_audit_note": "xueji_app xueji_writer xueji_intake xueji_audit",  # a look of its own waits for the audit
    "xueji_audit_shown": "xueji_app",  # an entry about the answer that leaves; tells nothing
    "xueji_audit_flush": "xueji_app xueji_audit",  # moves what waits, tells how many
    "xueji_audit_find": "xueji_app",  # keys for the audit administrator alone (tests/ground/audit/test_watch.py)
    "xueji_looks_at": "xueji_app",  # asks the scope itself (tests/ground/audit/test_queue.py)
    # the head of one school, with the right: what of the audit is about its pupils and staff (tests/ground/audit/test_school.py)
    "xueji_head_of": "",
    "xueji_school_looks": "xueji_app",
    "xueji_school_readers": "xueji_app",
    "xueji_school_read": "xueji_app",
    "xueji_school_findings": "xueji_app",
    "xueji_enter": "xueji_app",
    "xueji_enter_session": "xueji_app",
    "xueji_index_gate": "xueji_app xueji_writer xueji_intake xueji_audit",  # takes a lock, names the key in force
    "xueji_job_counts": "xueji_app",
    "xueji_scope_peers": "xueji_app",
    "xueji_staff_names": "xueji_app xueji_writer",
    "xueji_officers": "xueji_app xueji_writer",
    "xueji_class_teachers": "xueji_app xueji_writer",
    "xueji_account_count": "xueji_app xueji_writer",
    "xueji_find_roster": "xueji_app",
    "xueji_find_people": "xueji_app",
    "xueji_links_of": "xueji_app",
    "xueji_events_of": "xueji_app",
    "xueji_reads_person": "",  # asked by the two above only
    "xueji_keep_powers_apart": "",  # a trigger
    "xueji_keep_standin_apart": "",  # a trigger
    "xueji_open_emergency": "xueji_app",
    "xueji_count_request": "xueji_app",  # counts the asker's own requests against a limit
    "xueji_sight": "xueji_writer",  # what one guardian may see of a child (registry/family tests)
    "xueji_contact_open": "xueji_app",  # whether a court closed the contacts to the asker
    "xueji_notice_due": "",  # asked by the door only
    "xueji_relink": "xueji_writer",
    "xueji_unmerge_rows": "xueji_writer",  # copies that one merge made (tests/registry/duplicates/test_merge.py)
    "xueji_release_identity": "xueji_writer",  # numbers of undone imports only (tests/registry/intake/test_undo.py)
    "xueji_verify_certificate": "xueji_app",
}


def test_every_function_with_more_rights_is_known_and_closed_to_others(owner: psycopg.Connection) -> None:
    found = owner.execute(
        "select p.proname, p.oid, p.proconfig from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname = 'public' and p.prosecdef"
    ).fetchall()
    # The queue's own way in (jobs/sql/queue.sql): it writes a job and tells its number.
    found = [r for r in found if not r[0].startswith("procrastinate_defer_job")]
    assert {r[0] for r in found} - set(DEFINERS) == set(), (
        "a new security definer function needs an attack here"
    )
    for name, oid, config in found:
        assert any(x.startswith("search_path=") for x in config or ()), name
        for role in ("public", "xueji_app", "xueji_writer", "xueji_intake", "xueji_audit"):
            may = (
                owner.execute("select has_function_privilege(%s, %s::oid, 'execute')", (role, oid)).fetchone()
                if role != "public"
                else (False,)
            )
            assert may is not None
            assert not may[0] or role in DEFINERS[name].split(), (name, role)


FIND = "select * from xueji_find_roster(%s, %s, %s, %s, %s, %s, null, null, null, null, %s, null, null, null, 1000)"


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda p: f"{p[0]}-{p[1] or 'x'}")
def test_the_search_finds_no_more_than_the_policies_show(
    attacked: World,
    app: psycopg.Connection,
    owner: psycopg.Connection,
    facts: Facts,
    persona: tuple[str, str],
) -> None:
    user = user_of(attacked, persona)
    sight = facts.sight(user)
    allowed = [r for r in oracle.rows_of(owner, "roster") if ORACLES["roster"](facts, sight, r)]
    present = {r["person_id"] for r in allowed if r["reason"] != "former"}
    everything = {
        (r["school_id"], r["person_id"], r["kind"])
        for r in allowed
        if r["reason"] != "former" or r["person_id"] not in present
    }
    enter(app, user)

    def find(*values: Any, reasons: Any = None) -> set[tuple[Any, ...]]:
        cursor = app.execute(FIND, (*values, reasons))
        names = [d.name for d in cursor.description or ()]
        rows = [dict(zip(names, r, strict=True)) for r in cursor.fetchall()]
        return {(r["school_id"], r["person_id"], r["kind"]) for r in rows}

    assert find(None, None, None, None, None, None) == everything
    mine = {(r["school_id"], r["person_id"], r["kind"]) for r in allowed}
    for row in oracle.rows_of(owner, "roster"):
        for values in (
            (row["grams"][:1], None, None, None, None, None),
            (None, row["pinyin"], None, None, None, None),
            (None, None, [row["last6"]], None, None, None),
            (None, None, None, [row["person_id"]], None, None),
            (None, None, None, None, row["school_id"], None),
            (None, None, None, None, None, row["class_id"]),
        ):
            for reasons in (None, ["former"], ["enrolled", "guest", "former"]):
                assert find(*values, reasons=reasons) <= mine


@pytest.mark.capability("C-SEC-02")
@pytest.mark.parametrize("persona", PERSONAS, ids=lambda p: f"{p[0]}-{p[1] or 'x'}")
def test_a_number_finds_only_children_in_scope(
    attacked: World,
    app: psycopg.Connection,
    owner: psycopg.Connection,
    facts: Facts,
    persona: tuple[str, str],
) -> None:
    user = user_of(attacked, persona)
    sight = facts.sight(user)
    ids = owner.execute("select id_type, bidx from identity_lookup").fetchall()
    numbers = owner.execute("select scheme, bidx from number_lookup").fetchall()
    enter(app, user)
    found = app.execute(
        "select * from xueji_find_people(%s, %s, %s, %s)",
        (
            [r[0] for r in ids],
            [bytes(r[1]) for r in ids],
            [r[0] for r in numbers],
            [bytes(r[1]) for r in numbers],
        ),
    ).fetchall()
    allowed = {
        r["person_id"]
        for name in ("person", "roster")
        for r in oracle.rows_of(owner, name)
        if ORACLES[name](facts, sight, r)
    }
    assert {r[0] for r in found} == allowed


@pytest.mark.capability("C-SEC-02")
def test_the_public_check_answers_only_to_the_whole_code(
    app: psycopg.Connection, owner: psycopg.Connection
) -> None:
    digest = owner.execute("select code_digest from certificate limit 1").fetchone()
    assert digest is not None
    ask = "select * from xueji_verify_certificate(%s, %s, %s, 10)"
    right = bytes(digest[0])
    for wrong in (b"", right[:-1], right + b"x", bytes(32)[:-1] + b"z", None):
        assert app.execute(ask, (wrong, b"visitor", 100)).fetchall() == []
    assert len(app.execute(ask, (right, b"visitor", 100)).fetchall()) == 1
    states = [app.execute(ask, (right, b"other", 3)).fetchone() for _ in range(4)]
    assert [s[0] for s in states if s] == ["valid", "valid", "valid", "limited"]


# --- the matrix itself is tested: weaken a policy and it must be found ---------------------------------------------


#: Conditions whose loss takes nothing from anybody in this world, and so is no leak: who acted belongs to a unit that
#: sees the row anyway. Dropping the whole policy, or opening it, is found for these tables as for all.
NOT_NOTICED = frozenset(
    f"{table}-without-user"
    for table in ("emergency_answer", "emergency_grant", "emergency_look", "hand_over")
)


def weakened() -> Iterator[tuple[str, Table, str]]:
    """Each table with its policy gone, wide open, and with each of its conditions left out."""
    for table in SCOPED:
        assert table.scope is not None
        yield f"{table.name}-gone", table, ""
        yield f"{table.name}-open", table, "(true)"
        parts = [f for f in dataclasses.fields(Scope) if getattr(table.scope, f.name)]
        if len(parts) > 1:
            for part in parts:
                empty: Any = () if part.name == "orgs" else ""
                less = dataclasses.replace(table.scope, **{part.name: empty})
                name = f"{table.name}-without-{part.name}"
                if name not in NOT_NOTICED:
                    yield name, table, less.expression()


def _sampled() -> list[Any]:
    """All mutations; those outside a sample drawn with a fixed seed are left to `make test-full`."""
    all_ = list(weakened())
    drawn = set(random.Random(20261122).sample([i for i, _t, _u in all_], min(60, len(all_))))
    return [pytest.param(t, u, id=i, marks=() if i in drawn else (pytest.mark.slow,)) for i, t, u in all_]


@pytest.mark.capability("C-ROL-02")
@pytest.mark.parametrize(("table", "using"), _sampled())
def test_the_matrix_finds_a_policy_that_was_weakened(
    attacked: World,
    superuser: psycopg.Connection,
    owner: psycopg.Connection,
    facts: Facts,
    keys: dict[str, list[str]],
    table: Table,
    using: str,
) -> None:
    rights = {p: expected(owner, facts, keys, user_of(attacked, p), [table.name]) for p in PERSONAS}
    superuser.execute(f'drop policy seen on "{table.name}"')
    if using:
        superuser.execute(f'create policy seen on "{table.name}" for select to xueji_app using {using}')
    superuser.execute("set local role xueji_app")
    for persona in PERSONAS:
        enter(superuser, user_of(attacked, persona))
        if seen(superuser, keys, [table.name]) != rights[persona]:
            return
    pytest.fail("nobody noticed")


#: Policies whose loss the matrix of rows cannot show, and why: name -> reason.
NOT_SHOWN = {
    "by_writer": "true already: commands step into this role after their checks; nobody logs in as it",
    "by_intake": "true already: loading and publishing sheets; nobody logs in as it",
    "by_audit": "true already: writing the audit; nobody logs in as it",
    "by_search": "true already: the role owns two search functions that filter by scope themselves",
    "by_relink": "true already: the role owns the one function that mends a chain",
    "worker": "test_jobs_are_read_by_nobody_in_a_scope",
    "withheld": "narrows what a parent's policy gives: tests/registry/family/test_guardianship.py",
    "guarded": "narrows what a parent's policy gives: tests/registry/family/test_guardianship.py",
    "own_matter": "narrows what a parent's policy gives: tests/registry/family/test_guardianship.py",
}


def test_every_policy_of_the_database_is_mutated_or_says_why_not(owner: psycopg.Connection) -> None:
    """What is in pg_policies, not what was meant to be there: `seen` is mutated above, the rest has a reason."""
    mutated = {t.name for t in SCOPED}
    for table, policy, roles, using in owner.execute(
        "select tablename, policyname, roles, qual from pg_policies where schemaname = 'public'"
    ).fetchall():
        if policy == "seen":
            assert table in mutated, f"{table}: no oracle, no mutation"
            assert "xueji_app" in roles and using not in (None, "true"), table
        else:
            assert policy in NOT_SHOWN, f"{table}.{policy}"
            if NOT_SHOWN[policy].startswith("true already"):
                assert "xueji_app" not in roles and "public" not in roles, f"{table}.{policy}"


def test_counts_tell_no_more_than_rows(
    attacked: World,
    app: psycopg.Connection,
    owner: psycopg.Connection,
    facts: Facts,
    keys: dict[str, list[str]],
) -> None:
    """A count, a minimum, a group: an aggregate is asked of the rows that the policy shows, never of the others."""
    for persona in (
        ("registrar", "a1"),
        ("class_teacher", "b1"),
        ("parent", ""),
        ("security_admin", "province"),
    ):
        user = user_of(attacked, persona)
        enter(app, user)
        right = expected(owner, facts, keys, user)
        for name in keys:
            found = app.execute(f'select count(*), count(distinct ctid) from "{name}"').fetchone()
            assert found == (len(right[name]), len(right[name])), name
        app.rollback()


def test_jobs_are_read_by_nobody_in_a_scope(
    attacked: World, app: psycopg.Connection, owner: psycopg.Connection
) -> None:
    """A request puts a job in and reads none; the worker, who has no scope, finds it."""
    for persona in PERSONAS:
        enter(app, user_of(attacked, persona))
        app.execute("savepoint before")
        assert app.execute("select count(*) from procrastinate_jobs").fetchone() == (0,)
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(
                "insert into procrastinate_jobs (task_name, queue_name, args) values ('x', 'x', '{}')"
            )
        app.execute("rollback to before")
        app.rollback()


def test_jobs_are_given_numbers_and_no_words_about_people() -> None:
    """Arguments of jobs lie open in the queue: numbers of batches, runs and accounts, the asker's network address."""
    import inspect

    from procrastinate.contrib.django import app as jobs

    allowed = {
        "batch_id",
        "run_id",
        "distribution_id",
        "user_id",
        "assignment_id",
        "address",
        "timestamp",
        "context",
    }
    jobs.perform_import_paths()
    for name, task in jobs.tasks.items():
        if not name.startswith(("builtin:", "procrastinate.")):
            assert set(inspect.signature(task.func).parameters) <= allowed, name
