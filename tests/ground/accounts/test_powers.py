"""System, security and audit administrators are three people who do no business: straight on SQL."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from tests.helpers import Place, make_county

from xueji.ground.accounts.roles import ADMINS, Role
from xueji.ground.db.scope import acting


@pytest.fixture
def place() -> Place:
    return make_county()


def give(
    user: int, role: str, org: int | None, since: str, until: str | None = None, klass: int | None = None
) -> None:
    """One assignment, as whoever has the writing role could write it."""
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "insert into role_assignment (user_id, role, org_id, school_class_id, valid_from, valid_to, granted_at)"
            " values (%s, %s, %s, %s, %s, %s, now())",
            [user, role, org, klass, since, until],
        )


def stand_in(assignment: int, to: int, org: int, by: int) -> None:
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "insert into delegation (assignment_id, org_id, to_user_id, since, until, reason, set_by_id, set_at)"
            " values (%s, %s, %s, '2026-11-01', '2026-12-01', '-', %s, now())",
            [assignment, org, to, by],
        )


@pytest.mark.capability("C-ROL-02")
@pytest.mark.parametrize("power", sorted(ADMINS))
@pytest.mark.django_db
def test_no_power_joins_any_other_role(place: Place, power: str) -> None:
    """Every power x every other role, both ways round, however far apart the units."""
    admin, org = place.user(power, "province").pk, place.org("a").pk
    for role in Role.values:
        if role == power:
            continue
        klass = place.klass().pk if role in ("class_teacher", "teacher") else None
        where = None if role in ("parent", "student") else org
        with pytest.raises(IntegrityError, match=r"admin power|one_admin_power"):
            give(admin, role, where, "2026-01-01", klass=klass)
    for holder in (place.user("registrar", "a1"), place.user("county_head", "a"), place.user("parent", "")):
        with pytest.raises(IntegrityError, match="admin power"):
            give(holder.pk, power, place.org("province").pk, "2026-01-01")


@pytest.mark.django_db
def test_one_after_the_other_is_allowed_and_moving_the_dates_together_is_not(place: Place) -> None:
    clerk, org = place.user("county_clerk", "a").pk, place.org("province").pk
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("update role_assignment set valid_to = '2025-12-31' where user_id = %s", [clerk])
    give(clerk, "audit_admin", org, "2026-01-01")
    for change in ("valid_to = null", "valid_to = '2026-01-01'"):
        with pytest.raises(IntegrityError, match="admin power"):
            with transaction.atomic(), acting("writer"), connection.cursor() as c:
                c.execute(
                    f"update role_assignment set {change} where user_id = %s and role = 'county_clerk'",
                    [clerk],
                )
    # Nor does another account's row become his.
    with pytest.raises(IntegrityError, match="admin power"):
        with transaction.atomic(), acting("writer"), connection.cursor() as c:
            c.execute(
                "update role_assignment set user_id = %s where user_id = %s",
                [clerk, place.user("county_head", "a").pk],
            )
    # And nobody holds two powers, not even in turn.
    with pytest.raises(IntegrityError):
        give(clerk, "system_admin", org, "2030-01-01")


@pytest.mark.django_db
@pytest.mark.capability("C-ROL-02")
def test_an_administrator_stands_in_for_nobody(place: Place) -> None:
    org = place.org("a").pk
    with connection.cursor() as c, transaction.atomic(), acting("writer"):
        c.execute("select id from role_assignment where user_id = %s", [place.user("county_clerk", "a").pk])
        assignment = c.fetchone()[0]
    by = place.user("county_head", "a").pk
    for power in ADMINS:
        with pytest.raises(IntegrityError, match="stands in for nobody"):
            stand_in(assignment, place.user(power, "province").pk, org, by)
    # Whoever stands in becomes no administrator meanwhile.
    helper = place.user("county_head", "a").pk
    stand_in(assignment, helper, org, by)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("update role_assignment set valid_to = '2026-10-31' where user_id = %s", [helper])
    with pytest.raises(IntegrityError, match="admin power"):
        give(helper, "system_admin", place.org("province").pk, "2026-11-15")


def test_not_even_the_owner_gives_two(own_database: str, as_owner: psycopg.Connection) -> None:
    place = make_county()
    with pytest.raises(psycopg.errors.CheckViolation):
        as_owner.execute(
            "insert into role_assignment (user_id, role, org_id, valid_from, granted_at)"
            " values (%s, 'registrar', %s, %s, now())",
            (place.user("system_admin", "province").pk, place.org("a1").pk, date(2026, 1, 1)),
        )
