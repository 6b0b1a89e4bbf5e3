"""The application is nobody in the database, and setting that up can be repeated."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from tests.bed import cluster, template_name
from xueji import config
from xueji.ground.db import guards, migrate
from xueji.ground.db.scope import acting


@pytest.mark.django_db
def test_the_application_is_an_ordinary_role_that_owns_nothing() -> None:
    with connection.cursor() as c:
        c.execute("select current_user, (select rolsuper or rolbypassrls from pg_roles where rolname = current_user)")
        assert c.fetchone() == ("xueji_app", False)
        c.execute("select count(*) from pg_class where relowner = (select oid from pg_roles where rolname = current_user)")
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
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as c:
        c.execute("insert into school_year (start_year, starts, ends) values (2030, '2030-09-01', '2031-08-31')")


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
        row = c.execute("select rolcreaterole, rolcreatedb, rolinherit from pg_roles where rolname = current_user").fetchone()
        assert row == (False, False, False)


def test_the_template_is_not_the_tests_database(own_database: str) -> None:
    assert own_database != template_name()
