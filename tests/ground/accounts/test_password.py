"""Passwords that were used before or are too old; locks with a way back; tries at joining apart from signing in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client
from django.utils import timezone
from tests.helpers import PASSWORD, Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts import commands
from xueji.ground.accounts.models import FormerPassword, LoginFailure, User
from xueji.ground.db.scope import acting

pytestmark = pytest.mark.django_db
NAME = "registrar.a1"


@pytest.fixture
def place() -> Place:
    return make_county()


def change(place: Place, old: str, new: str) -> None:
    with act_as(place.user("registrar", "a1")) as actor:
        commands.change_password(actor, old, new)


@pytest.mark.capability("C-SEC-01")
def test_none_of_the_last_five_passwords_is_taken_again(place: Place) -> None:
    words = [f"Other-word-{n}-2026" for n in range(7)]
    held = PASSWORD
    for word in words[:5]:
        change(place, held, word)
        held = word
    for former in words[:5]:
        with pytest.raises(ValidationError, match="最近用过|相同"):
            change(place, held, former)
    change(place, held, words[5])
    change(place, words[5], words[0])
    with seeing_all():
        assert FormerPassword.objects.count() == 5


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("Sh0rt-pw", "至少 10"),
        ("alllowercaseletters", "三种"),
        ("Password123", "常见"),
        ("Registrar.A1-x", "相近"),
    ],
)
def test_the_page_says_what_is_wrong_with_a_new_password(
    client: Client, place: Place, new: str, why: str
) -> None:
    login(client, place.user("registrar", "a1"))
    answer = client.post("/me/password/", {"old": PASSWORD, "new": new, "again": new})
    assert answer.status_code == 422 and why in answer.content.decode()


def test_a_password_that_is_too_old_is_changed_first_where_the_installation_says_so(
    client: Client, place: Place, settings: Any
) -> None:
    change(place, PASSWORD, "Another-word-2026")
    with transaction.atomic(), acting("writer"):
        FormerPassword.objects.update(at=timezone.now() - timedelta(days=91))
    form = {"username": NAME, "password": "Another-word-2026", "next": "/students/"}
    assert Client().post("/login/", form)["Location"] == "/students/"
    settings.PASSWORD_DAYS = 90
    assert client.post("/login/", form)["Location"] == "/me/password/"
    assert client.get("/students/")["Location"] == "/me/password/"
    new = {"old": "Another-word-2026", "new": "Fresh-words-2026", "again": "Fresh-words-2026"}
    assert client.post("/me/password/", new)["Location"] == "/"
    assert client.get("/students/").status_code == 200


@pytest.mark.capability("C-SEC-01")
def test_a_locked_registrar_reads_what_to_do_and_the_countys_clerk_unlocks(
    client: Client, place: Place
) -> None:
    """Five wrong passwords; the page says until when and who helps; the clerk sees the lock, lifts it, it is audited."""
    for _n in range(5):
        answer = client.post("/login/", {"username": NAME, "password": "Wrong-pass-1"})
    page = answer.content.decode()
    assert "账号已锁定" in page and "上级主管部门解锁" in page
    right = {"username": NAME, "password": PASSWORD}
    assert client.post("/login/", right).status_code == 422
    clerk = login(Client(), place.user("county_clerk", "a"))
    registrar = place.user("registrar", "a1")
    assert NAME in clerk.get("/accounts/?state=locked").content.decode()
    assert "解锁" in clerk.get(f"/accounts/{registrar.pk}/").content.decode()
    assert (
        login(Client(), place.user("county_clerk", "b")).post(f"/accounts/{registrar.pk}/unlock/").status_code
        == 404
    )
    clerk.post(f"/accounts/{registrar.pk}/unlock/")
    assert client.post("/login/", right).status_code == 302


def test_tries_at_joining_stop_nobody_from_signing_in(client: Client, place: Place) -> None:
    """A school's network: forty parents mistyped their codes, the registrar behind the same address signs in."""
    with transaction.atomic(), acting("writer"):
        LoginFailure.objects.bulk_create(
            LoginFailure(address="127.0.0.1", username="?join") for _n in range(40)
        )
    assert client.post("/login/", {"username": NAME, "password": PASSWORD}).status_code == 302
    with transaction.atomic(), acting("writer"):
        LoginFailure.objects.bulk_create(LoginFailure(address="127.0.0.1", username="x") for _n in range(30))
    refused = Client().post("/login/", {"username": NAME, "password": PASSWORD})
    assert refused.status_code == 422 and "网络地址" in refused.content.decode()
    form = {"code": "x", "name": "陈一", "last4": "1234", "username": "chen", "password": "x", "again": "x"}
    assert Client().post("/join/", form).status_code == 422


def test_sign_ins_are_kept_for_half_a_year_for_their_owner(place: Place) -> None:
    from xueji.ground.accounts.models import SignIn

    user = place.user("registrar", "a1")
    with transaction.atomic(), acting("writer"):
        old = SignIn.objects.create(user=user, how="password", outcome="ok", address="10.0.0.9")
        SignIn.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=181))
    Client().post("/login/", {"username": NAME, "password": PASSWORD})
    with seeing_all():
        assert [s.address for s in SignIn.objects.filter(user=user)] == ["127.0.0.1"]
        assert User.objects.get(pk=user.pk).last_login
