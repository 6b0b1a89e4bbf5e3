"""Auxiliary numbers of a school: runs without gaps, the next serial, numbers that do not fit; found by their value."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county
from tests.registry.takeover import sheets

from xueji.ground.policy.library import PolicyLibrary
from xueji.registry.intake import queries as intake
from xueji.registry.people import commands as people
from xueji.registry.people import queries as people_queries
from xueji.registry.takeover import commands, queries

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.mark.capability("C-NUM-09", page="/creation/numbers/")
@pytest.mark.capability("C-NUM-10", page="/creation/numbers/")
def test_gaps_are_reported_the_next_serial_is_proposed_and_numbers_that_do_not_fit_are_named(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A school in Hebei takes its fourteen-digit numbers over; serial 3 is missing and one number is too short.
    The registrar sees the run with the gap and the number that comes next, and the number to be looked at.
    A pupil is found by the number that was taken over.
    """
    monkeypatch.setattr(PolicyLibrary, "ids_for", lambda *_given: ("cn", "cn-13"))
    place: Place = make_county()
    with act_as(place.user("registrar", "a1")):
        school = intake.school_facts(place.org("a1").pk)
    head = f"{school.division[2:4]}{school.division[4:6]}24{school.code[-3:]}0"
    rows = [sheets.child(n, 学籍辅号=f"{head}{serial:04d}") for n, serial in ((1, 1), (2, 2), (3, 4))]
    with act_as(place.user("registrar", "a1")) as actor:
        found = commands.bring(actor, sheets.roster(rows), "名册.xlsx", as_of=timezone.localdate())
        commands.set_totals(actor, found.pk, sheets.totals(queries.sums(found, school)))
        commands.publish(actor, found.pk, expected=3)
        assert len(people_queries.find_by_number(actor, f"{head}0004")) == 1
    short = enrol(place, name="短号生", cohort=2024)
    with act_as(place.user("registrar", "a1")) as actor:
        people.add_number(actor, short, school.aux_scheme, "0101", at=timezone.now())
    page = text(login(client, place.user("registrar", "a1")).get("/creation/numbers/"))
    assert f"小学 2024 3 4 {head}0005 1 个: 3" in page, page[:2500]
    assert "短号生" in page
    assert "位数或格式不对" in page
    assert f"{head}0004" not in page
