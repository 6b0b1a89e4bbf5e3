"""Every request in one transaction, in the scope of its account."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.helpers import PASSWORD, login, make_county

pytestmark = pytest.mark.django_db


def test_an_anonymous_visitor_is_sent_to_the_sign_in_page(client: Client) -> None:
    answer = client.get("/accounts/?q=a")
    assert answer.status_code == 302
    assert answer["Location"] == "/login/?next=%2Faccounts%2F%3Fq%3Da"


def test_health_asks_nothing(client: Client, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz").content == b"ok\n"


def test_signing_in_with_the_form(client: Client) -> None:
    place = make_county()
    answer = client.post("/login/", {"username": " Registrar.A1", "password": PASSWORD, "next": "/me/"})
    assert answer.status_code == 302, answer.content.decode()
    assert answer["Location"] == "/me/"
    page = client.get("/me/").content.decode()
    assert place.user("registrar", "a1").display_name in page


def test_home(client: Client) -> None:
    place = make_county()
    login(client, place.user("registrar", "a1"))
    assert client.get("/").status_code == 200
