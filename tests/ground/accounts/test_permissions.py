"""The table of rights: shipped as data, changed by a place within what it marks, asked by every request."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.http import Http404
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, give_role, login, make_county, seeing_all

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.commands import AccountError, permit
from xueji.ground.accounts.models import Permission, PermissionChange
from xueji.ground.accounts.queries_permission import teaching_line
from xueji.ground.accounts.roles import ADMINS, PERMISSIONS, Role, actions, can, rights
from xueji.registry.enrolment import queries as enrolment

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.fixture
def place() -> Place:
    return make_county()


def line(role: str, action: str) -> int:
    return Permission.objects.get(role=role, action=action).pk


def change(place: Place, role: str, action: str, *, until: bool = True, where: str = "a") -> PermissionChange:
    with act_as(place.user("security_admin", "province")) as actor:
        return permit.change_permission(
            actor, permission_id=line(role, action), org_id=place.org(where).pk, since=today(),
            until=today() + WEEK if until else None, reason="按县里的要求",
        )  # fmt: skip


def may(place: Place, who: tuple[str, str], action: str) -> bool:
    with act_as(place.user(*who)) as actor:
        return actor.can(action)


@pytest.mark.capability("C-ROL-02")
def test_the_database_tells_each_actor_what_the_shipped_table_gives_his_role(place: Place) -> None:
    """Somebody signs in; the door tells what he may do; commands and pages ask that."""
    for (role, _where), user in place.users.items():
        with act_as(user) as actor:
            assert actor.actions == {a for a in PERMISSIONS if can(role, a)}, role
            with pytest.raises(KeyError):
                actor.can("no.such.action")
    assert {(r.action, r.role) for r in rights()} == set(
        Permission.objects.filter(basis__gt="").values_list("action", "role")
    )


@pytest.mark.capability("C-ROL-02")
def test_narrowing_holds_at_once_there_and_below_and_ends(place: Place) -> None:
    """The security administrator takes a right from a role in one county; its schools lose it, the others keep it."""
    row = change(place, "registrar", "student.export", until=False)
    assert not may(place, ("registrar", "a1"), "student.export")
    assert not may(place, ("registrar", "a2"), "student.export")
    assert may(place, ("registrar", "b1"), "student.export")
    with act_as(place.user("security_admin", "province")) as actor:
        permit.end_change(actor, row.pk)
    assert may(place, ("registrar", "a1"), "student.export")


@pytest.mark.capability("C-ROL-02")
def test_widening_waits_for_a_second_person(place: Place) -> None:
    """Health is given to the class teachers of one county; it holds when the county's head has agreed, and not before."""
    row = change(place, "class_teacher", "fields.health")
    assert not may(place, ("class_teacher", "a1"), "fields.health")
    with act_as(place.user("security_admin", "province")) as actor, pytest.raises(PermissionDenied):
        permit.agree(actor, row.pk)
    with act_as(place.user("county_head", "b")) as actor, pytest.raises(Http404):
        permit.agree(actor, row.pk)
    with act_as(place.user("county_head", "a")) as actor:
        permit.agree(actor, row.pk)
    assert may(place, ("class_teacher", "a1"), "fields.health")
    assert not may(place, ("class_teacher", "b1"), "fields.health")


def test_nothing_is_changed_past_what_the_table_marks(place: Place) -> None:
    for role, action in (
        ("registrar", "case.decide"),
        ("parent", "student.view"),
        ("audit_admin", "audit.view"),
    ):
        with pytest.raises(AccountError):
            change(place, role, action)
    with act_as(place.user("security_admin", "province")) as actor, pytest.raises(AccountError):
        permit.change_permission(
            actor, permission_id=line("class_teacher", "fields.health"), org_id=place.org("a").pk,
            since=today(), until=None, reason="没有结束日期",
        )  # fmt: skip
    for who in (("registrar", "a1"), ("county_head", "a"), ("system_admin", "province")):
        with act_as(place.user(*who)) as actor, pytest.raises(PermissionDenied):
            permit.change_permission(
                actor, permission_id=line("class_teacher", "fields.health"), org_id=place.org("a").pk,
                since=today(), until=today() + WEEK, reason="自己给自己",
            )  # fmt: skip


@pytest.mark.capability("C-ROL-01")
def test_no_administrator_ever_gets_sight_of_pupils(place: Place) -> None:
    assert not [r for r in rights() if r.role in ADMINS and actions()[r.action].pupils]
    with pytest.raises(DatabaseError), transaction.atomic(), seeing_all():
        Permission.objects.create(
            action="x", role="security_admin", reach="unit", held=True, local="fixed", pupils=True, basis=""
        )


def test_the_database_itself_refuses_a_change_that_the_table_does_not_mark(place: Place) -> None:
    row = change(place, "registrar", "student.export")
    for statement in (
        "update permission_change set kind = 'give'",
        "update permission_change set until = until + 365",
        "delete from permission_change",
        f"update permission_change set permission_id = {line('registrar', 'case.decide')}",
        f"update permission_change set agreed_by_id = {row.set_by_id}",
    ):
        from django.db import connection

        with pytest.raises(DatabaseError), transaction.atomic(), seeing_all(), connection.cursor() as c:
            c.execute(statement)


@pytest.mark.capability("C-ROL-07")
def test_a_school_sets_how_far_its_subject_teachers_look(place: Place, client: Client) -> None:
    """The registrar lets subject teachers look at the grade, the head agrees; the same list shows more rows; it ends."""
    for number, name in ((1, "苏晴川"), (2, "白羽生")):
        enrol(place, "a1", name=name, stage="P", number=number)
    teacher = place.user("teacher", "a1")

    def names() -> set[str]:
        with act_as(teacher) as actor:
            return {r.name for r in enrolment.search(actor, "").rows}

    assert names() == {"苏晴川"}
    login(client, place.user("registrar", "a1"))
    form = {"reach": "grade", "since": today().isoformat(), "reason": "期末质量分析"}
    assert client.post("/permissions/teaching/", form).status_code == 303
    row = PermissionChange.objects.get(kind="reach")
    assert names() == {"苏晴川"}
    login(client, place.user("school_head", "a1"))
    assert "待复核" in client.get("/permissions/teaching/").content.decode()
    assert client.post(f"/permissions/{row.pk}/agree/").status_code == 303
    assert names() == {"苏晴川", "白羽生"}
    with act_as(place.user("teacher", "b1")) as actor:
        assert len(actor.classes) == 1
    assert client.post(f"/permissions/{row.pk}/end/").status_code == 303
    assert names() == {"苏晴川"}
    with act_as(place.user("registrar", "b1")) as actor, pytest.raises(Http404):
        permit.change_permission(
            actor, permission_id=teaching_line(), org_id=place.org("a1").pk, since=today(), until=None,
            reason="别的学校", reach="school",
        )  # fmt: skip


def test_the_pages_show_the_table_and_ones_own_lines(client: Client, place: Place) -> None:
    """The security administrator reads and changes the table on one page; everybody reads his own lines."""
    login(client, place.user("security_admin", "province"))
    page = client.get("/permissions/").content.decode()
    assert "查学生名册" in page and "学籍管理员" in page and "可放宽" in page
    form = {
        "line": line("class_teacher", "fields.health"), "org": place.org("a").pk, "since": today().isoformat(),
        "until": (today() + WEEK).isoformat(), "reason": "体检期间",
    }  # fmt: skip
    assert client.post("/permissions/change/", form).status_code == 303
    assert "体检期间" in client.get("/permissions/").content.decode()
    login(client, place.user("county_head", "a"))
    assert "复核通过" in client.get("/permissions/").content.decode()
    for who in (("class_teacher", "a1"), ("parent", ""), ("audit_admin", "province")):
        login(client, place.user(*who))
        page = client.get("/me/rights/").content.decode()
        assert ("查学生名册" in page) == (who[0] == "class_teacher")
    login(client, place.user("registrar", "a1"))
    assert client.get("/permissions/").status_code == 403


def test_a_role_that_was_taken_from_is_told_so(client: Client, place: Place) -> None:
    change(place, "registrar", "student.export", until=False)
    login(client, place.user("registrar", "a1"))
    page = client.get("/me/rights/").content.decode()
    assert "本地收回的权限" in page
    give_role(place.user("registrar", "a1"), Role.REGISTRAR, place.org("b1"))
