"""The pages of the year's work, asked as people ask them."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from tests.helpers import login, make_county
from tests.registry.yearly.world import begin, graduates, send

pytestmark = pytest.mark.django_db


def test_pages_open_for_everybody_concerned(client: Client) -> None:
    place = make_county()
    people = graduates(place, 3)
    row = begin(place)
    who = login(client, place.user("registrar", "a1"))
    for path in (
        "/yearly/",
        "/yearly/promotion/",
        "/yearly/lists/",
        "/yearly/admission/",
        f"/yearly/lists/{row.list_id}/",
        "/",
        f"/students/{people[0]}/",
    ):
        answer = who.get(path)
        assert answer.status_code == 200, path
        assert not re.search(r"\{%|\{\{|</?c-", answer.content.decode()), path
    send(place, row)
    for role, where in (
        ("school_head", "a1"),
        ("county_clerk", "a"),
        ("county_head", "a"),
        ("city_clerk", "city1"),
        ("province_head", "province"),
        ("central_clerk", "central"),
    ):
        c = login(Client(), place.user(role, where))
        for path in ("/yearly/", "/yearly/promotion/", "/yearly/lists/", "/yearly/admission/", "/"):
            assert c.get(path).status_code == 200, (role, path)
    head = login(Client(), place.user("school_head", "a1"))
    page = head.get(f"/yearly/lists/{row.list_id}/").content.decode()
    assert "核办通过" in page
    for suffix in ("register.pdf", "register.xlsx", "destinations.xlsx", "forms.pdf"):
        answer = head.get(f"/yearly/lists/{row.list_id}/{suffix}")
        assert answer.status_code == 200, (suffix, answer.content[:300])
        assert answer["Content-Disposition"].startswith("attachment")
