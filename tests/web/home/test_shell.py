"""The frame and the home pages: every role finds its way, and no link leads to a locked door."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from tests.helpers import Place, act_as, login, make_county

from xueji.ground.accounts.roles import Role
from xueji.web.home import nav

pytestmark = pytest.mark.django_db

WORKING = [r for r in Role.values if r not in ("parent", "student")]


@pytest.fixture
def place() -> Place:
    return make_county()


def _somebody(place: Place, role: str) -> object:
    return next(user for (r, _key), user in place.users.items() if r == role)


@pytest.mark.capability("C-ROL-01")
@pytest.mark.parametrize("role", WORKING)
def test_no_link_of_the_frame_is_locked_or_missing(client: Client, place: Place, role: str) -> None:
    login(client, _somebody(place, role))
    home = client.get("/")
    assert home.status_code == 200
    links = set(re.findall(r'href="(/[^"#?]*)', home.content.decode())) - {"/"}
    links = {x for x in links if not x.startswith("/static/")}
    assert "/help/" in links
    for link in sorted(links):
        answer = client.get(link)
        assert answer.status_code in (200, 302), f"{role}: {link} answers {answer.status_code}"


@pytest.mark.parametrize("role", WORKING)
def test_what_the_menu_hides_is_refused(client: Client, place: Place, role: str) -> None:
    """The menu is no fence: an address typed by hand meets the same table of permissions."""
    user = _somebody(place, role)
    with act_as(user) as actor:
        closed = [
            item.url
            for group in nav.MENU
            for item in group.items
            if nav.exists(item.url) and not nav.may_open(actor, item)
        ]
    login(client, user)
    for url in closed:
        answer = client.get(url)
        locked = answer.status_code in (403, 404) or (url == "/classes/" and answer.status_code == 302)
        assert locked, f"{role}: {url} answers {answer.status_code}"


@pytest.mark.parametrize("role", ["parent", "student"])
def test_families_go_to_their_own_pages(client: Client, place: Place, role: str) -> None:
    login(client, place.user(role))
    answer = client.get("/")
    assert answer.status_code == 302
    assert answer["Location"] in ("/my/", "/me/")
    for url in ("/students/", "/orgs/", "/classes/", "/accounts/", "/audit/", "/system/", "/rules/"):
        assert client.get(url).status_code == 403, url
    assert client.get("/help/").status_code == 200


def test_the_three_administrators_see_no_pupils(client: Client, place: Place) -> None:
    for role in ("system_admin", "security_admin", "audit_admin"):
        with act_as(place.user(role, "province")) as actor:
            assert actor.orgs == actor.classes == actor.persons == ()
        login(client, place.user(role, "province"))
        assert client.get("/students/").status_code == 403


def test_the_frame_costs_no_query_for_anonymous_and_two_before_a_view(
    client: Client, place: Place, django_assert_num_queries
) -> None:
    assert client.get("/login/").status_code == 200
    with django_assert_num_queries(0):
        Client().get("/login/")
    login(client, place.user("audit_admin", "province"))
    client.get("/help/")
    with django_assert_num_queries(4):  # savepoint, session, entering the scope, release
        client.get("/help/")
    login(client, place.user("registrar", "a1"))
    client.get("/help/")
    with django_assert_num_queries(5):  # and the number of to-dos
        client.get("/help/")


def test_rules_of_the_place_are_found_by_word_and_number(client: Client, place: Place) -> None:
    login(client, place.user("registrar", "a1"))
    page = client.get("/rules/").content.decode()
    assert "NAT-" in page
    assert "{$" not in page
    assert "{@" not in page
    one = client.get("/rules/", {"q": "nat-sco-01"}).content.decode()
    assert one.count("<code>NAT-SCO-01</code>") == 1
    assert "NAT-SCO-02" not in one


def test_term_label_follows_the_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import date

    for day, words in (
        (date(2026, 11, 22), "2026-2027学年第一学期"),
        (date(2027, 1, 31), "2026-2027学年第一学期"),
        (date(2027, 2, 1), "2026-2027学年第二学期"),
        (date(2027, 8, 31), "2026-2027学年第二学期"),
    ):
        monkeypatch.setattr(nav, "today", lambda d=day: d)
        assert nav.term_label() == words


def test_an_empty_list_says_so_and_a_full_one_counts(client: Client, place: Place) -> None:
    login(client, place.user("security_admin", "province"))
    assert "没有符合条件的账号" in client.get("/accounts/", {"q": "nobody"}).content.decode()
    assert "没有符合条件的账号" not in client.get("/accounts/").content.decode()
    login(client, place.user("registrar", "a1"))
    page = client.get("/").content.decode()
    assert "今天没有待办" in page
    assert "没有在对方手里的业务" in page
    assert "没有符合条件的规则" in client.get("/rules/", {"q": "zzz"}).content.decode()
