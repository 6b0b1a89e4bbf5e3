"""Signing in: lock-out, limits, no word about which names exist; sessions that can be ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client
from django.utils import timezone
from tests.helpers import PASSWORD, Place, act_as, give_role, login, make_county, seeing_all

from xueji.ground.accounts import commands, queries
from xueji.ground.accounts.commands import signin
from xueji.ground.accounts.http import agent_words
from xueji.ground.accounts.models import LoginFailure, User, UserSession
from xueji.ground.accounts.passwords import ThreeKindsValidator, first_password
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting

pytestmark = pytest.mark.django_db
NAME = "registrar.a1"


@pytest.fixture
def place() -> Place:
    return make_county()


def _try(name: str = NAME, password: str = "Wrong-pass-1", address: str = "10.0.0.1") -> str:
    with pytest.raises(commands.SignInRefused) as e:
        commands.sign_in(name, password, address=address)
    return e.value.reason


def _actions() -> list[str]:
    with transaction.atomic(), acting("audit"):
        return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def _set(user: User, **values: object) -> None:
    with transaction.atomic(), acting("writer"):
        User.objects.filter(pk=user.pk).update(**values)


@pytest.mark.capability("C-SEC-01")
def test_five_failures_lock_the_account_for_a_quarter_of_an_hour(place: Place) -> None:
    assert [_try() for _n in range(5)] == ["wrong"] * 4 + ["locked"]
    with pytest.raises(commands.SignInRefused) as e:
        commands.sign_in(NAME, PASSWORD, address="10.0.0.2")
    assert e.value.reason == "locked"
    until = timezone.localtime(timezone.now() + timedelta(minutes=15))
    assert until.strftime("%H:") in e.value.message
    assert "学籍管理员" in e.value.message
    assert _actions().count("accounts.locked") == 1
    _set(place.user("registrar", "a1"), locked_until=timezone.now() - timedelta(seconds=1))
    assert commands.sign_in(NAME, PASSWORD, address="10.0.0.2").user_id == place.user("registrar", "a1").pk


def test_a_lock_that_ran_out_starts_a_new_count(place: Place) -> None:
    _set(place.user("registrar", "a1"), failed_logins=5, locked_until=timezone.now() - timedelta(seconds=1))
    assert _try() == "wrong"
    with seeing_all():
        user = User.objects.get(username=NAME)
    assert (user.failed_logins, user.locked_until) == (1, None)


def test_success_resets_the_count(place: Place) -> None:
    for _n in range(4):
        _try()
    commands.sign_in(NAME, PASSWORD, address="10.0.0.1")
    assert [_try() for _n in range(4)] == ["wrong"] * 4


def test_names_that_do_not_exist_behave_like_those_that_do(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    work: list[str] = []
    monkeypatch.setattr(signin, "make_password", lambda p: work.append("hash") or "")
    monkeypatch.setattr(signin, "check_password", lambda p, h: work.append("hash") and False)
    known = [_try() for _n in range(6)]
    unknown = [_try("nobody.here") for _n in range(6)]
    assert known == unknown == ["wrong"] * 4 + ["locked"] * 2
    assert len(work) == 12
    with seeing_all():
        assert not LoginFailure.objects.filter(username__contains="nobody").exists()


def test_a_closed_account_says_no_more_than_a_wrong_password(place: Place) -> None:
    _set(place.user("registrar", "a1"), is_active=False)
    assert _try(password=PASSWORD) == "wrong"


def test_an_address_is_stopped_after_thirty_failures(place: Place) -> None:
    with transaction.atomic(), acting("writer"):
        LoginFailure.objects.bulk_create(LoginFailure(address="10.0.0.9", username="x") for _n in range(30))
    assert _try(password=PASSWORD, address="10.0.0.9") == "busy"
    assert commands.sign_in(NAME, PASSWORD, address="10.0.0.8").user_id
    with transaction.atomic(), acting("writer"):
        LoginFailure.objects.update(at=timezone.now() - timedelta(minutes=11))
    assert commands.sign_in(NAME, PASSWORD, address="10.0.0.9").user_id


@pytest.mark.capability("C-SEC-03")
def test_success_and_failure_are_in_the_audit(client: Client, place: Place) -> None:
    client.post("/login/", {"username": NAME, "password": "Wrong-pass-1"})
    client.post("/login/", {"username": NAME, "password": PASSWORD})
    client.post("/logout/")
    assert _actions() == ["accounts.sign_in.refused", "accounts.sign_in", "accounts.sign_out"]
    assert client.get("/me/").status_code == 302


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/logout/",
        "\t//evil.example",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(client: Client, place: Place, evil: str) -> None:
    answer = client.post("/login/", {"username": NAME, "password": PASSWORD, "next": evil})
    assert answer["Location"] == "/"
    assert client.get("/login/", {"next": evil})["Location"] == "/"


def test_the_session_is_new_after_signing_in(client: Client, place: Place) -> None:
    client.get("/login/")
    session = client.session
    session["x"] = 1
    session.save()
    before = session.session_key
    client.post("/login/", {"username": NAME, "password": PASSWORD})
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


def test_the_oldest_session_ends_when_there_are_too_many(place: Place, settings) -> None:
    clients = [Client() for _n in range(settings.MAX_SESSIONS_PER_USER + 1)]
    for n, c in enumerate(clients):
        c.post("/login/", {"username": NAME, "password": PASSWORD})
        with transaction.atomic(), acting("writer"):
            UserSession.objects.filter(session_key=c.session.session_key).update(
                seen_at=timezone.now() - timedelta(minutes=10 - n)
            )
    assert [c.get("/me/").status_code for c in clients] == [302] + [200] * settings.MAX_SESSIONS_PER_USER


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seen_at": timezone.now() - timedelta(minutes=31)}, "idle"),
        ({"started_at": timezone.now() - timedelta(hours=13)}, "old"),
        (None, "gone"),
    ],
)
def test_a_session_ends_by_time_or_when_it_is_ended(client: Client, place: Place, change, why: str) -> None:
    login(client, place.user("registrar", "a1"))
    key = client.session.session_key
    with transaction.atomic(), acting("writer"):
        rows = UserSession.objects.filter(session_key=key)
        rows.update(**change) if change else rows.delete()
    answer = client.get("/me/")
    assert answer["Location"] == f"/login/?next=%2Fme%2F&why={why}"
    assert client.get(answer["Location"]).status_code == 200
    assert not Session.objects.filter(session_key=key).exists()


def test_a_part_of_a_page_sends_the_whole_page_to_the_sign_in(client: Client, place: Place) -> None:
    answer = client.get("/me/", headers={"HX-Request": "true", "Referer": "http://testserver/students/"})
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == "/login/?next=%2Fstudents%2F"
    answer = client.post("/me/", headers={"Referer": "https://evil.example/x"})
    assert answer["Location"] == "/login/"


def test_closing_the_account_or_its_role_ends_the_session_at_once(client: Client, place: Place) -> None:
    user = place.user("registrar", "a1")
    login(client, user)
    assert client.get("/me/").status_code == 200
    _set(user, is_active=False)
    assert client.get("/me/")["Location"].endswith("why=closed")


def test_the_session_is_touched_once_a_minute(client: Client, place: Place) -> None:
    login(client, place.user("registrar", "a1"))
    with seeing_all():
        row = UserSession.objects.get(session_key=client.session.session_key)
    client.get("/me/")
    with seeing_all():
        assert UserSession.objects.get(pk=row.pk).seen_at == row.seen_at
    with transaction.atomic(), acting("writer"):
        UserSession.objects.update(seen_at=row.seen_at - timedelta(minutes=2))
    assert client.post("/session/extend/").status_code == 204
    with seeing_all():
        assert UserSession.objects.get(pk=row.pk).seen_at >= row.seen_at


def test_one_ends_ones_own_sessions_and_nobody_elses(client: Client, place: Place) -> None:
    user, other = place.user("registrar", "a1"), place.user("school_head", "a1")
    login(client, user)
    second, stranger = login(Client(), user), login(Client(), other)
    page = client.get("/me/").content.decode()
    assert second.session.session_key not in page
    assert client.session.session_key not in page
    client.post("/me/sessions/end/", {"session": signin.session_handle(stranger.session.session_key)})
    assert stranger.get("/me/").status_code == 200
    client.post("/me/sessions/end/", {"session": signin.session_handle(second.session.session_key)})
    assert second.get("/me/").status_code == 302
    assert client.get("/me/").status_code == 200


def test_a_first_password_opens_only_the_page_that_changes_it(client: Client, place: Place) -> None:
    user = place.user("registrar", "a1")
    _set(user, must_change_password=True)
    answer = client.post("/login/", {"username": NAME, "password": PASSWORD, "next": "/students/"})
    assert answer["Location"] == "/me/password/"
    for url in ("/", "/me/", "/help/", "/accounts/", "/login/"):
        assert client.get(url)["Location"] == "/me/password/", url
    assert client.get("/me/password/").status_code == 200
    new = {"old": PASSWORD, "new": "Another-2026-pass", "again": "Another-2026-pass"}
    assert client.post("/me/password/", new).status_code == 302
    assert client.get("/me/").status_code == 200
    assert commands.sign_in(NAME, "Another-2026-pass", address="10.0.0.1").must_change is False


def test_the_change_of_a_password_ends_the_other_sessions(client: Client, place: Place) -> None:
    login(client, place.user("registrar", "a1"))
    other = login(Client(), place.user("registrar", "a1"))
    new = {"old": PASSWORD, "new": "Another-2026-pass", "again": "Another-2026-pass"}
    assert client.post("/me/password/", new | {"again": "Another-2026-Pass"}).status_code == 422
    assert client.post("/me/password/", new | {"old": "x"}).status_code == 422
    assert (
        client.post("/me/password/", {"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}).status_code == 422
    )
    assert client.post("/me/password/", new).status_code == 302
    assert other.get("/me/").status_code == 302
    assert client.get("/me/").status_code == 200


def test_guessing_the_present_password_locks_as_well(place: Place) -> None:
    for _n in range(5):
        with act_as(place.user("registrar", "a1")) as actor, pytest.raises(commands.WrongPassword):
            commands.change_password(actor, "x", "Another-2026-pass")
    assert _try(password=PASSWORD) == "locked"


@pytest.mark.parametrize(
    "weak", ["Short-1", "onlysmallletters", "UPPERlower", "1234567890", "registrar.a1X", "password123"]
)
def test_weak_passwords_are_refused(place: Place, weak: str) -> None:
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(ValidationError):
        commands.change_password(actor, PASSWORD, weak)


def test_first_passwords_follow_the_policy() -> None:
    made = {first_password() for _n in range(200)}
    assert len(made) == 200
    for password in made:
        ThreeKindsValidator().validate(password)
        assert len(password) == 12


@pytest.mark.capability("C-ROL-02")
def test_switching_the_role_changes_what_is_in_scope(client: Client, place: Place) -> None:
    user = place.user("class_teacher", "a1")
    head = give_role(user, "school_head", place.org("a2"))
    login(client, user)
    page = client.get("/").content.decode()
    assert place.org("a2").name in page
    assert client.post("/role/", {"role": head, "next": "/classes/"})["Location"] == "/"
    page = client.get("/classes/").content.decode()
    assert place.org("a2").name in page
    with act_as(user, head) as actor:
        assert (actor.role, actor.orgs, actor.classes) == ("school_head", (place.org("a2").pk,), ())
    stranger = give_role(place.user("teacher", "b1"), "registrar", place.org("b1"))
    assert client.post("/role/", {"role": stranger}).status_code == 404
    assert client.get("/role/").status_code == 405


def test_a_forged_role_in_the_session_falls_back_to_ones_own(place: Place) -> None:
    with seeing_all():
        stranger = place.user("registrar", "b1").assignments.get().pk
    with act_as(place.user("registrar", "a1"), stranger) as actor:
        assert actor.org_id == place.org("a1").pk


def test_two_classes_of_one_school_are_one_identity(place: Place) -> None:
    user = place.user("class_teacher", "a1")
    give_role(user, "class_teacher", place.org("a1"), place.klass("a1", number=2))
    with act_as(user) as actor:
        assert set(actor.classes) == {place.klass("a1").pk, place.klass("a1", number=2).pk}
        assert actor.other_roles == []


def test_a_view_that_fails_leaves_nothing_behind(
    client: Client, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    login(client, place.user("security_admin", "province"))
    target = place.user("registrar", "a1")

    def broken(*a: object, **k: object) -> None:
        raise RuntimeError("after the write")

    monkeypatch.setattr("xueji.ground.accounts.commands.manage._end_all", broken)
    client.raise_request_exception = False
    assert client.post(f"/accounts/{target.pk}/disable/").status_code == 500
    with seeing_all():
        target.refresh_from_db()
    assert target.is_active
    assert "accounts.disable" not in _actions()


def test_the_address_comes_from_trusted_proxies_alone(place: Place, rf, settings) -> None:
    from xueji.ground.accounts.http import client_address

    request = rf.get("/", REMOTE_ADDR="10.1.1.1", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.7"})
    settings.TRUSTED_PROXIES = 0
    assert client_address(request) == "10.1.1.1"
    settings.TRUSTED_PROXIES = 1
    assert client_address(request) == "192.0.2.7"


def test_sessions_are_listed_without_their_keys(place: Place) -> None:
    client = login(Client(), place.user("registrar", "a1"))
    with act_as(place.user("registrar", "a1")) as actor:
        (row,) = queries.sessions(actor, client.session.session_key)
    assert row.present
    assert row.handle != client.session.session_key


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36",
            "Chrome · Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; V2309) AppleWebKit/537.36 Chrome/116.0 MicroMessenger/8.0",
            "微信 · 安卓",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1",
            "Safari · iPhone",
        ),
        ("curl/8.5", "curl/8.5"),
        ("", ""),
    ],
)
def test_a_browser_is_named_as_its_user_knows_it(agent: str, words: str) -> None:
    assert agent_words(agent) == words
