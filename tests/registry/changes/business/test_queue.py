"""The queue of problem records per kind and school, for the authority, and the reminder before a school's time ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import act_as, login, make_county, seeing_all

from xueji.registry.problems import commands, queries
from xueji.registry.problems.models import Entry, Kind, Side

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-DUP-03")
def test_the_authority_sees_each_schools_queue_by_kind_with_its_age() -> None:
    """A county's clerk opens the problem records.
    They see for each school how many of each kind wait, how old the oldest is and what is overdue.
    It ends with the list of one school."""
    place = make_county()
    one, two, far = (enrol(place, s, name=f"郭{n}") for s, n in (("a1", "甲"), ("a2", "乙"), ("b1", "丙")))
    with act_as(place.user("county_clerk", "a")) as actor:
        assert commands.open_each(actor, Kind.WRONG_ID, [one, two], source="check", note="比对不一致") == 2
    with act_as(place.user("city_clerk", "city1")) as actor:
        commands.open_problem(actor, Kind.SAME_PERSON, [one, far], source="check")
    with seeing_all():
        Side.objects.filter(person_id=one).update(due_on=timezone.localdate() - timedelta(days=1))
    with act_as(place.user("county_clerk", "a")) as actor:
        rows = queries.queues(actor)
        assert next((q.school, q.wrong_id, q.same_person, q.overdue) for q in rows) == (
            "青禾县第一小学",
            1,
            1,
            2,
        )
        assert {q.school for q in rows} >= {"青禾县东乡小学"}
    page = login(Client(), place.user("county_clerk", "a")).get(f"/problems/?school={place.org('a2').pk}")
    assert "各校待处理" in page.content.decode()
    assert [r.student for r in page.context["rows"]] == ["郭乙"]


@pytest.mark.capability("C-DUP-04")
def test_a_school_is_reminded_once_before_its_time_ends() -> None:
    place = make_county()
    kid = enrol(place, "a1")
    with act_as(place.user("county_clerk", "a")) as actor:
        commands.open_each(actor, Kind.WRONG_ID, [kid], source="check", note="比对不一致")
    with seeing_all():
        Side.objects.update(due_on=timezone.localdate() + timedelta(days=1))
    assert (commands.remind_due(), commands.remind_due()) == (1, 0)
    with act_as(place.user("registrar", "a1")):
        assert "前处理" in Entry.objects.get(action="remind").text
