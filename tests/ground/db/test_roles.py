"""The application is nobody in the database, and setting that up can be repeated."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from tests.bed import cluster, template_name

from xueji import config
from xueji.ground.db import guards, migrate
from xueji.ground.db.cluster import SETTINGS
from xueji.ground.db.scope import acting


@pytest.mark.django_db
def test_the_application_is_an_ordinary_role_that_owns_nothing() -> None:
    with connection.cursor() as c:
        c.execute(
            "select current_user, (select rolsuper or rolbypassrls from pg_roles where rolname = current_user)"
        )
        assert c.fetchone() == ("xueji_app", False)
        c.execute(
            "select count(*) from pg_class where relowner = (select oid from pg_roles where rolname = current_user)"
        )
        assert c.fetchone() == (0,)
        c.execute("select count(*) from person")
        assert c.fetchone() == (0,), "nothing entered, nothing seen"


@pytest.mark.django_db
def test_every_table_is_declared() -> None:
    declared = {t.name for t in guards.declared()}
    with connection.cursor() as c:
        c.execute("select tablename from pg_tables where schemaname = 'public'")
        assert {r[0] for r in c.fetchall()} - declared == set()


@pytest.mark.django_db
def test_the_application_cannot_write_without_stepping_into_a_writing_role() -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as c,
    ):
        c.execute(
            "insert into school_year (start_year, starts, ends) values (2030, '2030-09-01', '2031-08-31')"
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "attempt",
    [
        "set local role xueji_relink",
        "set local role xueji_search",
        "set local role xueji_owner",
        "create table public.mine (a int)",
        "create function public.xueji_scope_orgs(int) returns int language sql as 'select 1'",
        "select * from identity_lookup",
        "select * from number_lookup",
        "select * from staged_row",
        "select * from audit_entry",
        "select * from case_lookup",
        "select xueji_relink(gen_random_uuid(), 1::smallint, now(), '[]', gen_random_uuid(), now())",
    ],
)
def test_what_an_injected_statement_of_the_application_meets(attempt: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as c,
    ):
        c.execute(attempt)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "attempt",
    [
        "delete from event",
        "update event set reason = 'x'",
        "delete from enrolment_state",
        "delete from identity_lookup",
        "delete from number_lookup",
        "update audit_entry set action = 'x'",
        "select * from audit_entry",
        "set session_replication_role = replica",
        "alter table event disable trigger all",
    ],
)
def test_what_even_the_writing_role_may_not_do(attempt: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(attempt)


@pytest.mark.django_db
def test_functions_with_rights_of_their_own_are_for_nobody_else_and_look_nowhere_else() -> None:
    with connection.cursor() as c:
        c.execute(
            "select proname, proconfig, coalesce(proacl::text, 'everybody') from pg_proc"
            " where pronamespace = 'public'::regnamespace and prosecdef"
        )
        found = c.fetchall()
    assert len(found) >= 6
    for name, settings, rights in found:
        assert settings == ["search_path=public, pg_temp"], name
        assert rights != "everybody" and not rights.startswith("{=") and ",=" not in rights, name


def test_the_embedded_servers_log_quotes_neither_rows_nor_statements() -> None:
    """Statements of the application carry names and birthdays in their text."""
    assert SETTINGS["log_error_verbosity"] == "terse"
    assert SETTINGS["log_min_error_statement"] == "panic"


@pytest.mark.django_db
def test_an_error_inside_a_writing_role_leaves_the_session_as_it_was() -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("select 1/0")
    with connection.cursor() as c:
        c.execute("select current_user")
        assert c.fetchone() == ("xueji_app",)


def test_setting_up_the_server_again_changes_nothing(own_database: str) -> None:
    owner = config.owner_dsn().as_database(own_database)
    for _ in range(2):
        migrate.prepare_server(owner=owner, cluster=cluster())
    with psycopg.connect(**owner.as_role("xueji_app", config.secret("app_password")).kwargs()) as c:  # type: ignore[arg-type]
        row = c.execute(
            "select rolcreaterole, rolcreatedb, rolinherit from pg_roles where rolname = current_user"
        ).fetchone()
        assert row == (False, False, False)


def test_the_template_is_not_the_tests_database(own_database: str) -> None:
    assert own_database != template_name()
