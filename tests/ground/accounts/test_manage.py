"""Managing accounts: within one's unit, never above oneself, admin powers apart, everything audited."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.helpers import PASSWORD, SINCE, Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts import commands, queries, rules
from xueji.ground.accounts.actor import today
from xueji.ground.accounts.commands import console
from xueji.ground.accounts.models import RoleAssignment, User
from xueji.ground.accounts.roles import ADMINS, PERMISSIONS, PORTAL, STAFF, Role, actions, can
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


# --- the table of permissions ------------------------------------------------------------------------------------


def test_every_permission_belongs_to_known_roles_and_unknown_ones_are_errors() -> None:
    for action, roles in PERMISSIONS.items():
        assert roles, action
        assert roles <= frozenset(Role)
    with pytest.raises(KeyError):
        can(Role.REGISTRAR, "no.such.action")
    assert not any(can("nobody", action) for action in PERMISSIONS)


def test_administrators_hold_no_power_over_pupils() -> None:
    for role in ADMINS:
        held = {a for a, roles in PERMISSIONS.items() if role in roles}
        assert not any(actions()[a].pupils for a in held), role


def test_each_admin_power_is_one_roles_alone() -> None:
    assert PERMISSIONS["account.manage"] == {Role.SECURITY_ADMIN}
    assert PERMISSIONS["audit.view"] == {Role.AUDIT_ADMIN}
    assert PERMISSIONS["system.view"] == {Role.SYSTEM_ADMIN}
    assert PERMISSIONS["relay.manage"] == {Role.SYSTEM_ADMIN}


def test_families_only_look_at_their_own() -> None:
    for role in PORTAL:
        held = {a for a, roles in PERMISSIONS.items() if role in roles and not a.startswith("fields.")}
        # One deed: that the own child's card is lost.
        assert held == {"student.view", "case.view", "certificate.view", "termbook.view", "card.report"}


@pytest.mark.capability("C-ROL-01")
def test_nobody_climbs_by_handing_out_roles() -> None:
    """The closure of who can hand out what: from a school or county no path leads to a head of an authority or admin."""
    for start in (Role.REGISTRAR, Role.COUNTY_CLERK):
        reached: set[str] = set()
        todo = [start]
        while todo:
            for role in rules.GRANTS.get(todo.pop(), frozenset()):
                if role not in reached:
                    reached.add(role)
                    todo.append(role)
        assert not reached & ADMINS
        assert not reached & {r for r in STAFF if r.endswith("_head") and r != Role.SCHOOL_HEAD}
        assert not reached & {Role.COUNTY_CLERK, Role.CITY_CLERK, Role.PROVINCE_CLERK}
    assert Role.SCHOOL_HEAD not in rules.GRANTS[Role.REGISTRAR]
    assert set(rules.GRANTS) == {r for r in Role if can(r, "account.manage") or can(r, "account.manage_own")}


# --- opening accounts and giving roles ---------------------------------------------------------------------------


def _audit(action: str) -> int:
    with transaction.atomic(), acting("audit"):
        return AuditEntry.objects.filter(action=action).count()


def test_a_registrar_opens_a_class_teachers_account(client: Client, place: Place) -> None:
    login(client, place.user("registrar", "a1"))
    assert client.get("/accounts/new/").status_code == 200
    data = {
        "username": "Wang.Li",
        "display_name": "王丽",
        "org": place.org("a1").pk,
        "role": "class_teacher",
        "school_class": place.klass("a1").pk,
    }
    page = client.post("/accounts/new/", data)
    assert page.status_code == 200
    with seeing_all():
        user = User.objects.get(username="wang.li")
    assert user.must_change_password
    secret = page.content.decode().split("<code>")[1].split("</code>")[0]
    assert commands.sign_in("wang.li", secret, address="10.0.0.1").must_change
    assert _audit("accounts.create") == _audit("accounts.role.grant") == 1
    again = client.post("/accounts/new/", data)
    assert again.status_code == 422
    assert "已有人使用" in again.content.decode()


def test_an_account_whose_role_cannot_be_given_is_not_opened(client: Client, place: Place) -> None:
    login(client, place.user("registrar", "a1"))
    data = {"username": "li.si", "display_name": "李四", "org": place.org("a1").pk, "role": "class_teacher"}
    assert client.post("/accounts/new/", data).status_code == 422
    with seeing_all():
        assert not User.objects.filter(username="li.si").exists()


@pytest.mark.parametrize("name", ["99010120180915002x", "990101201809150", "a", "王丽", "a b", "-x"])
def test_identity_numbers_and_strange_names_are_no_user_names(place: Place, name: str) -> None:
    with act_as(place.user("security_admin", "province")) as actor, pytest.raises(commands.AccountError):
        commands.create_account(actor, username=name, display_name="x", org_id=place.org("a1").pk)


@pytest.mark.parametrize(
    ("who", "role", "where"),
    [
        (("registrar", "a1"), "school_head", "a1"),
        (("registrar", "a1"), "registrar", "a1"),
        (("registrar", "a1"), "system_admin", "a1"),
        (("county_clerk", "a"), "county_clerk", "a"),
        (("county_clerk", "a"), "county_head", "a"),
        (("county_clerk", "a"), "security_admin", "a"),
    ],
)
def test_nobody_grants_a_role_as_high_as_his_own(
    place: Place, who: tuple[str, str], role: str, where: str
) -> None:
    target = place.user("teacher", "a1")
    with act_as(place.user(*who)) as actor, pytest.raises(PermissionDenied):
        commands.grant_role(actor, target.pk, role, org_id=place.org(where).pk)


def test_accounts_of_other_units_do_not_exist(client: Client, place: Place) -> None:
    stranger = place.user("class_teacher", "b1")
    for who in (("registrar", "a1"), ("county_clerk", "a")):
        with act_as(place.user(*who)) as actor:
            with pytest.raises(Http404):
                queries.account(actor, stranger.pk)
            with pytest.raises(Http404):
                commands.reset_password(actor, stranger.pk)
            with pytest.raises(Http404):
                commands.create_account(actor, username="xy", display_name="x", org_id=place.org("b1").pk)
            with pytest.raises(Http404):
                commands.grant_role(
                    actor,
                    place.user("teacher", "a1").pk,
                    "teacher",
                    org_id=place.org("b1").pk,
                    class_id=place.klass("b1").pk,
                )
        login(client, place.user(*who))
        assert client.get(f"/accounts/{stranger.pk}/").status_code == 404
        assert client.post(f"/accounts/{stranger.pk}/disable/").status_code == 404


def test_a_registrar_cannot_take_over_the_heads_account(client: Client, place: Place) -> None:
    head = place.user("school_head", "a1")
    with act_as(place.user("registrar", "a1")) as actor:
        assert queries.account(actor, head.pk).manageable is False
        for do in (commands.reset_password, commands.unlock):
            with pytest.raises(PermissionDenied):
                do(actor, head.pk)
    login(client, place.user("registrar", "a1"))
    assert client.post(f"/accounts/{head.pk}/reset/").status_code == 403
    page = client.get(f"/accounts/{head.pk}/").content.decode()
    assert f"/accounts/{head.pk}/reset/" not in page


def test_nobody_manages_himself(place: Place) -> None:
    me = place.user("security_admin", "province")
    with act_as(me) as actor:
        for role in ("registrar", "system_admin"):
            with pytest.raises(commands.AccountError):
                commands.grant_role(actor, me.pk, role, org_id=place.org("a1").pk)
        with pytest.raises(commands.AccountError):
            commands.set_active(actor, me.pk, False)


def test_one_person_holds_one_admin_power_and_no_business_beside_it(client: Client, place: Place) -> None:
    system = place.user("system_admin", "province")
    with act_as(place.user("security_admin", "province")) as actor:
        for role, where in (("audit_admin", "province"), ("registrar", "a1")):
            with pytest.raises(commands.AccountError, match="不同的人担任"):
                commands.grant_role(actor, system.pk, role, org_id=place.org(where).pk)
        with pytest.raises(commands.AccountError, match="不同的人担任"):
            commands.grant_role(
                actor, place.user("registrar", "a1").pk, "system_admin", org_id=place.org("a").pk
            )
    login(client, place.user("security_admin", "province"))
    page = client.post(
        f"/accounts/{system.pk}/role/", {"org": place.org("province").pk, "role": "audit_admin"}
    )
    assert page.status_code == 422
    assert "不同的人担任" in page.content.decode()


def test_the_database_itself_keeps_the_admin_powers_apart(place: Place) -> None:
    with pytest.raises(IntegrityError, match="admin power"), transaction.atomic(), acting("writer"):
        RoleAssignment.objects.create(
            user=place.user("system_admin", "province"),
            role="audit_admin",
            org=place.org("province"),
            valid_from=SINCE,
        )


def test_a_role_fits_its_place(place: Place) -> None:
    target = place.user("teacher", "a1").pk
    with act_as(place.user("security_admin", "province")) as actor:
        for role, where, klass in (
            ("county_clerk", "a1", None),
            ("registrar", "a", None),
            ("central_clerk", "a", None),
            ("city_head", "a", None),
            ("class_teacher", "a1", None),
            ("class_teacher", "a1", place.klass("a2").pk),
            ("registrar", "a1", place.klass("a1").pk),
            ("nonsense", "a1", None),
        ):
            with pytest.raises(commands.AccountError):
                commands.grant_role(actor, target, role, org_id=place.org(where).pk, class_id=klass)
        with pytest.raises(commands.AccountError):
            commands.grant_role(
                actor, target, "registrar", org_id=place.org("a1").pk, valid_to=today() - timedelta(days=1)
            )
        commands.grant_role(actor, target, "registrar", org_id=place.org("a1").pk)
        with pytest.raises(commands.AccountError):
            commands.grant_role(actor, target, "registrar", org_id=place.org("a1").pk)


@pytest.mark.capability("C-ROL-08")
def test_a_role_that_ended_opens_nothing(place: Place) -> None:
    from xueji.ground.accounts.actor import enter

    teacher = place.user("class_teacher", "a1")
    with act_as(place.user("registrar", "a1")) as actor:
        held = teacher.assignments.get().pk  # of the own school: the registrar sees it
        commands.end_role(actor, teacher.pk, held)
        successor = place.user("teacher", "a1").pk
        new = commands.grant_role(
            actor, successor, "class_teacher", org_id=place.org("a1").pk, class_id=place.klass("a1").pk
        )
    with transaction.atomic():
        assert enter(teacher.pk) is None
    with act_as(successor, new) as heir:
        assert heir.role == "class_teacher"
    # A role given and ended on the same day never held.
    with act_as(place.user("registrar", "a1")) as actor:
        commands.end_role(actor, successor, new)
    with seeing_all():
        assert not RoleAssignment.objects.filter(pk=new).exists()
    assert _audit("accounts.role.end") == 2


def test_roles_hold_within_their_dates(place: Place) -> None:
    from xueji.ground.accounts.actor import enter

    teacher = place.user("teacher", "a1")
    with act_as(place.user("security_admin", "province")) as actor:
        row = commands.grant_role(
            actor, teacher.pk, "registrar", org_id=place.org("a1").pk,
            valid_from=today() + timedelta(days=2), valid_to=today() + timedelta(days=3),
        )  # fmt: skip
    for days, role in ((1, "teacher"), (2, "registrar"), (3, "registrar"), (4, "teacher")):
        with transaction.atomic():
            entered = enter(teacher.pk, row, on=today() + timedelta(days=days))
            assert entered is not None
            assert entered.role == role, days


def test_disable_reset_and_unlock(client: Client, place: Place) -> None:
    teacher = place.user("class_teacher", "a1")
    session = login(Client(), teacher)
    login(client, place.user("registrar", "a1"))
    base = f"/accounts/{teacher.pk}"
    assert client.post(f"{base}/disable/").status_code == 302
    assert session.get("/me/").status_code == 302
    with pytest.raises(commands.SignInRefused):
        commands.sign_in(teacher.username, PASSWORD, address="10.0.0.1")
    assert client.post(f"{base}/enable/").status_code == 302
    with transaction.atomic(), acting("writer"):
        User.objects.filter(pk=teacher.pk).update(
            failed_logins=5, locked_until=timezone.now() + timedelta(minutes=9)
        )
    assert "已锁定" in client.get(base + "/").content.decode()
    assert client.post(f"{base}/unlock/").status_code == 302
    assert commands.sign_in(teacher.username, PASSWORD, address="10.0.0.1")
    page = client.post(f"{base}/reset/").content.decode()
    secret = page.split("<code>")[1].split("</code>")[0]
    with pytest.raises(commands.SignInRefused):
        commands.sign_in(teacher.username, PASSWORD, address="10.0.0.1")
    assert commands.sign_in(teacher.username, secret, address="10.0.0.1").must_change
    assert client.post(f"{base}/nonsense/").status_code == 404
    for action in ("disable", "enable", "unlock", "password.reset"):
        assert _audit(f"accounts.{action}") == 1, action


# --- the list ----------------------------------------------------------------------------------------------------


def test_the_list_shows_ones_unit_page_by_page(place: Place, django_assert_num_queries) -> None:
    with act_as(place.user("security_admin", "province")) as actor:
        with django_assert_num_queries(2):
            first = queries.accounts(actor, limit=10)
        seen = [r.id for r in first.rows]
        after = first.after
        while after:
            page = queries.accounts(actor, limit=10, after=after)
            seen += [r.id for r in page.rows]
            after = page.after
        assert len(seen) == len(set(seen)) == len(place.users)
        assert [r.username for r in queries.accounts(actor, role="city_head").rows] == [
            "city_head.city1",
            "city_head.city2",
        ]
        assert queries.accounts(actor, text="county_clerk.").rows
        assert not queries.accounts(actor, state="locked").rows
    with act_as(place.user("registrar", "a2")) as actor:
        assert {r.org_name for r in queries.accounts(actor).rows} == {place.org("a2").name}
    with act_as(place.user("county_head", "a")) as actor:
        assert queries.accounts(actor).rows == []


@pytest.mark.parametrize("role", [r for r in Role.values if r not in rules.GRANTS])
def test_pages_of_accounts_are_closed_to_others(client: Client, place: Place, role: str) -> None:
    login(client, next(u for (r, _w), u in place.users.items() if r == role))
    target = place.user("teacher", "a1").pk
    for url in ("/accounts/", "/accounts/new/", f"/accounts/{target}/"):
        assert client.get(url).status_code == 403, url
    assert client.post(f"/accounts/{target}/reset/").status_code == 403
    with (
        act_as(next(u for (r, _w), u in place.users.items() if r == role)) as actor,
        pytest.raises(PermissionDenied),
    ):
        commands.reset_password(actor, target)


# --- the terminal ------------------------------------------------------------------------------------------------


def test_accounts_from_the_terminal(place: Place) -> None:
    made = console.run("create", username="first.admin", name="管理员", role="security_admin", org="990000")
    assert isinstance(made, dict)
    assert commands.sign_in("first.admin", made["password"], address="console").must_change
    console.run("grant", username="teacher.a1", role="registrar", org=place.org("a1").code)
    listed = console.run("list", username="teacher.a1")
    assert isinstance(listed, list)
    assert "registrar@" in listed[0]["roles"]
    reset = console.run("reset", username="teacher.a1")
    assert isinstance(reset, dict)
    assert commands.sign_in("teacher.a1", reset["password"], address="console")
    assert console.run("disable", username="teacher.a1") == {"username": "teacher.a1", "active": False}
    for wrong in (
        {"action": "reset", "username": "nobody"},
        {"action": "grant", "username": "teacher.b1", "role": "king", "org": "990000"},
        {"action": "grant", "username": "teacher.b1", "role": "registrar", "org": "000000"},
        {"action": "create", "username": None},
    ):
        with pytest.raises(ValidationError):
            console.run(**wrong)  # type: ignore[arg-type]
    with transaction.atomic(), acting("audit"):
        assert set(AuditEntry.objects.filter(role="system").values_list("user_name", flat=True)) == {"system"}


def test_a_forged_system_actor_is_none(place: Place) -> None:
    """Only the command line's own `Who` acts as the system: an account can never carry that role."""
    assert "system" not in Role.values
    with act_as(place.user("teacher", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.create_account(actor, username="xy", display_name="x", org_id=None)
