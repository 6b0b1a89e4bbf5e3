"""Limits on searching, revealing, exporting and looking children up.

The registrar's journey: checks two hundred children before an inspection, searches each and shows two numbers of
each; nothing stands in the way. Somebody who copies the register is stopped, told when to go on, and noted.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, login, make_county

from xueji.config import ConfigError
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.limits import counting, rates

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.fixture
def rate(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    rates.rates_of.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    rates.rates_of.cache_clear()


def client_of(place: Place, role: str, where: str = "", address: str = "127.0.0.1") -> Client:
    return login(Client(REMOTE_ADDR=address), place.user(role, where))


@pytest.mark.capability("C-SEC-01")
def test_a_registrar_who_checks_two_hundred_children_in_an_hour_is_not_stopped(place: Place) -> None:
    user = place.user("registrar", "a1").pk
    for kind, times in (("search", 200), ("reveal", 400), ("export", 60)):
        assert {counting.count(kind, user_id=user, address="10.0.0.1") for _i in range(times)} == {0}, kind


def test_ten_registrars_behind_one_address_do_not_hinder_each_other(place: Place) -> None:
    for user in range(10):
        assert {counting.count("search", user_id=user, address="10.0.0.1") for _i in range(200)} == {0}


@pytest.mark.capability("C-SEC-01", page="/students/")
def test_whoever_searches_without_end_is_stopped_told_and_noted(
    place: Place, rate: pytest.MonkeyPatch
) -> None:
    rate.setenv("XUEJI_RATE_SEARCH", "3/600")
    client = client_of(place, "registrar", "a1")
    for _i in range(3):
        assert client.get("/students/?q=张").status_code == 200
    answer = client.get("/students/?q=张")
    assert answer.status_code == 429
    assert 590 <= int(answer["Retry-After"]) <= 600
    assert "请10分钟后再试" in answer.content.decode()
    assert "张" not in answer.content.decode().partition("<main")[2]
    assert client.get("/students/?q=张").status_code == 429
    assert client.get("/students/").status_code == 200, "leafing through is no search"
    assert client_of(place, "registrar", "b1").get("/students/?q=张").status_code == 200
    with transaction.atomic(), acting("audit"):
        noted = AuditEntry.objects.filter(action="limits.reached")
        assert [(e.user_id, e.object_id) for e in noted] == [(place.user("registrar", "a1").pk, "search")]


def test_after_its_time_one_may_go_on(place: Place, rate: pytest.MonkeyPatch) -> None:
    rate.setenv("XUEJI_RATE_SEARCH", "1/600")
    assert counting.count("search", user_id=1) == 0
    assert counting.count("search", user_id=1) > 0
    with connection.cursor() as c:  # the same count, when a window of no length is over
        c.execute(
            "select wait from xueji_count_request('search', array[%s::bytea], array[1], array[0])",
            [counting.visitor("search", "u1")],
        )
        assert c.fetchone() == (0,)


def test_an_address_has_a_limit_of_its_own_and_a_network_counts_as_one(
    place: Place, rate: pytest.MonkeyPatch
) -> None:
    rate.setenv("XUEJI_RATE_SEARCH", "0/1 2/600")
    assert [counting.count("search", user_id=u, address=f"2001:db8:1:2::{u}") > 0 for u in range(3)] == [
        False,
        False,
        True,
    ]
    assert counting.count("search", user_id=9, address="2001:db8:1:3::1") == 0


@pytest.mark.capability("C-SEC-02")
def test_what_is_refused_or_not_found_counts_as_well(place: Place, rate: pytest.MonkeyPatch) -> None:
    rate.setenv("XUEJI_RATE_REVEAL", "3/600")
    child = enrol(place, "a1")
    client = client_of(place, "registrar", "a1")
    found = [
        client.post(f"/people/{person}/reveal/?what=identity", {"purpose": why}).status_code
        for person, why in ((uuid.uuid4(), "核对证件"), (child, ""), (child, "核对证件"), (child, "核对证件"))
    ]
    assert found == [404, 422, 200, 429]


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("get", "/classes/1/roster.xlsx", "export"), ("post", "/students/export.xlsx", "export"),
        ("get", "/files/00000000-0000-4000-8000-000000000000/", "export"),
        ("get", "/cases/registers/file/?form=xlsx", "export"), ("post", "/cases/new/transfer/", "lookup"),
        ("get", "/cases/?q=x", "search"), ("post", "/people/1/reveal/", "reveal"), ("get", "/students/", ""),
        ("get", "/files/00000000-0000-4000-8000-000000000000/thumb/", ""), ("get", "/students/?q=+", ""),
    ],
)  # fmt: skip
def test_each_request_falls_under_the_limit_of_what_it_does(method: str, path: str, kind: str) -> None:
    from django.test import RequestFactory

    from xueji.ground.limits.middleware import kind_of

    assert kind_of(getattr(RequestFactory(), method)(path)) == kind


def test_every_address_that_answers_with_a_file_counts_as_an_export() -> None:
    from django.test import RequestFactory
    from tests.attacks.addresses import ADDRESSES

    from xueji.ground.limits.middleware import kind_of

    files = {
        n: a
        for n, a in ADDRESSES.items()
        if any(x in a.path.partition("?")[0] for x in (".xlsx", ".pdf", ".zip"))
    }
    assert files
    for name, address in files.items():
        path = address.path.replace("{", "").replace("}", "")
        assert kind_of(RequestFactory().get(path)) == "export", name


def test_strangers_count_nowhere_but_on_public_forms(rate: pytest.MonkeyPatch) -> None:
    rate.setenv("XUEJI_RATE_SEARCH", "1/600")
    for _i in range(4):
        assert Client().get("/students/?q=x").status_code == 302


@pytest.mark.parametrize("text", ["many", "3", "3/x", "1/2 3/4 5/6", "-1/60"])
def test_nonsense_in_the_configuration_is_named(rate: pytest.MonkeyPatch, text: str) -> None:
    rate.setenv("XUEJI_RATE_EXPORT", text)
    with pytest.raises(ConfigError, match="XUEJI_RATE_EXPORT"):
        rates.rates_of("export")


def test_nobody_reads_the_counts() -> None:
    with connection.cursor() as c:
        c.execute(
            "select relpersistence, has_table_privilege('xueji_app', 'rate_count', 'select'),"
            " has_table_privilege('xueji_writer', 'rate_count', 'select') from pg_class where relname = 'rate_count'"
        )
        assert c.fetchone() == ("u", False, False)
