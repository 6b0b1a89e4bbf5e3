"""The watermark on pages about pupils, and the names on what is printed and exported (C-EXP-05).

The journey: a clerk opens the list of pupils; name, unit and minute lie faintly over it, on the screen and on paper;
reading, clicking and listening are not disturbed.
"""

from __future__ import annotations

import re

import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import login, make_county

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-EXP-05", page="/students/")
@pytest.mark.parametrize(
    ("role", "where"), [("registrar", "a1"), ("class_teacher", "a1"), ("county_clerk", "a")]
)
def test_who_looks_at_pupils_finds_name_unit_and_time_over_the_page(role: str, where: str) -> None:
    place = make_county()
    child = enrol(place, "a1")
    client = login(Client(), place.user(role, where))
    for path in ("/students/", f"/students/{child}/"):
        html = client.get(path).content.decode()
        mark = re.search(r'<svg class="xj-mark" aria-hidden="true".*?</svg>', html, re.S)
        assert mark, path
        assert place.user(role, where).display_name in mark[0]
        assert place.org(where).name in mark[0]
        assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", mark[0])
        assert "style=" not in mark[0]


@pytest.mark.parametrize(("role", "where"), [("security_admin", "province"), ("parent", "")])
def test_pages_without_pupils_of_others_carry_none(role: str, where: str) -> None:
    place = make_county()
    client = login(Client(), place.user(role, where))
    assert "xj-mark" not in client.get("/me/").content.decode()
