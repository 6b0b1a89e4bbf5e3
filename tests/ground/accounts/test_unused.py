"""Accounts that nobody uses: warned of, disabled, enabled again; many accounts at once from a pasted list."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from tests.helpers import PASSWORD, Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts import commands
from xueji.ground.accounts.models import RoleAssignment, User
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    """Everybody has signed in yesterday."""
    made = make_county()
    with transaction.atomic(), acting("writer"):
        User.objects.update(last_login=timezone.now() - timedelta(days=1))
    return made


def idle(user: User, days: int) -> None:
    with transaction.atomic(), acting("writer"):
        then = timezone.now() - timedelta(days=days)
        User.objects.filter(pk=user.pk).update(last_login=then, created_at=then)


def active(user: User) -> bool:
    with seeing_all():
        return User.objects.get(pk=user.pk).is_active


@pytest.mark.capability("C-ROL-01")
def test_an_unused_account_is_warned_of_disabled_and_enabled_again(place: Place) -> None:
    """The county's clerk sees who has not come for two months; after three the account is shut by itself and its
    sessions end; the clerk enables it, and it stays enabled.
    """
    registrar = place.user("registrar", "a1")
    clerk = login(Client(), place.user("county_clerk", "a"))
    idle(registrar, 61)
    assert commands.rest_unused() == 0
    page = clerk.get("/accounts/?state=unused").content.decode()
    assert registrar.username in page and place.user("registrar", "a2").username not in page
    assert "61 天没有登录" in clerk.get(f"/accounts/{registrar.pk}/").content.decode()
    idle(registrar, 91)
    open_somewhere = login(Client(), registrar)
    assert commands.rest_unused() == 1
    assert not active(registrar)
    assert open_somewhere.get("/me/")["Location"].startswith("/login/")
    assert Client().post("/login/", {"username": registrar.username, "password": PASSWORD}).status_code == 422
    assert "已自动停用" in clerk.get(f"/accounts/{registrar.pk}/").content.decode()
    with transaction.atomic(), acting("audit"):
        entry = AuditEntry.objects.get(action="accounts.rest")
    assert (entry.object_id, entry.after) == (str(registrar.pk), {"days": 90})
    clerk.post(f"/accounts/{registrar.pk}/enable/")
    assert commands.rest_unused() == 0
    assert Client().post("/login/", {"username": registrar.username, "password": PASSWORD}).status_code == 302


def test_families_have_longer_and_the_installation_decides(place: Place, settings: Any) -> None:
    parent, registrar = place.user("parent", ""), place.user("registrar", "a1")
    idle(parent, 200)
    idle(registrar, 200)
    settings.UNUSED_DAYS = 0
    assert commands.rest_unused() == 0
    settings.UNUSED_PORTAL_DAYS = 100
    assert commands.rest_unused() == 1
    assert not active(parent) and active(registrar)


def test_the_last_security_administrator_stays(place: Place) -> None:
    with transaction.atomic(), acting("writer"):
        then = timezone.now() - timedelta(days=400)
        User.objects.update(last_login=then, created_at=then)
    commands.rest_unused()
    with seeing_all():
        left = set(User.objects.filter(is_active=True).values_list("username", flat=True))
    assert left == {"security_admin.province"}


@pytest.mark.capability("C-ROL-01")
def test_a_registrar_opens_the_class_teachers_accounts_from_a_list(place: Place) -> None:
    """The registrar pastes the sheet of class teachers; gets a slip for each to print and cut; the teacher signs in
    with it, changes the password, and sees the one class.
    """
    registrar = login(Client(), place.user("registrar", "a1"))
    form = registrar.get("/accounts/batch/").content.decode()
    label = re.search(r'<span class="xj-nowrap">([^<]+)</span>', form)
    assert label
    people = f"姓名\t用户名\t班级\t电话\n陈一\tchen.one\t{label[1]}\t0990-1\n\n李二，li.two，{label[1]}，\n"
    answer = registrar.post("/accounts/batch/", {"role": "class_teacher", "people": people})
    page = answer.content.decode()
    assert answer.status_code == 200, page
    words = re.findall(r'<code class="xj-code">([^<]+)</code>', page)
    assert len(words) == 2 and "chen.one" in page and "李二" in page
    teacher = Client()
    answer = teacher.post("/login/", {"username": "chen.one", "password": words[0]})
    assert answer["Location"] == "/me/password/"
    with seeing_all():
        row = RoleAssignment.objects.get(user__username="chen.one")
        assert (row.role, row.org_id) == ("class_teacher", place.org("a1").pk)


def test_a_county_clerk_opens_accounts_of_schools_and_of_no_other(place: Place) -> None:
    clerk = login(Client(), place.user("county_clerk", "a"))
    good = f"王三,wang.three,{place.org('a1').name}\n"
    answer = clerk.post(
        "/accounts/batch/", {"role": "registrar", "people": good + "赵四,zhao.four,白石县实验学校"}
    )
    assert answer.status_code == 422
    assert "第 2 行: 没有叫“白石县实验学校”的单位" in answer.content.decode()
    with seeing_all():
        assert not User.objects.filter(username="wang.three").exists()
    assert clerk.post("/accounts/batch/", {"role": "registrar", "people": good}).status_code == 200
    # Powers above his own are no choice of his.
    assert clerk.post("/accounts/batch/", {"role": "county_head", "people": good}).status_code == 422


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "名单"),
        ("陈一,registrar.b1", "已有人使用"),
        ("陈一,chen\n陈二,chen", "第 2 行"),
        (",chen", "没有姓名"),
        ("陈一,990101200001011234", "身份证号"),
        ("\n".join(f"人{n},person.{n}" for n in range(60)), "一次最多"),
    ],
)
def test_a_list_with_a_wrong_line_opens_nothing(place: Place, text: str, why: str) -> None:
    with seeing_all():
        before = User.objects.count()
    client = login(Client(), place.user("registrar", "a1"))
    answer = client.post("/accounts/batch/", {"role": "registrar", "people": text})
    assert answer.status_code == 422
    with act_as(place.user("security_admin", "province")) as actor:
        with pytest.raises(commands.ListRefused, match=why if text else None):
            commands.create_many(actor, text, role="registrar", units={"x": place.org("a1").pk}, classes={})
    with seeing_all():
        assert User.objects.count() == before
