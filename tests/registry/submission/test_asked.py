"""The checks before handing in ask what the place collects, no more and no less."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.children import enrol
from tests.helpers import Place, act_as, make_county, seeing_all
from tests.registry.collect.test_template_levels import template, written

from xueji.ground.standards import divisions
from xueji.registry.collect import commands as collect
from xueji.registry.enrolment.models import Roster
from xueji.registry.intake import commands as intake
from xueji.registry.submission import checks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def demo_divisions() -> Iterator[None]:
    """The invented province 990000."""
    with divisions.demo():
        yield


def lacking(place: Place, school: str = "a1") -> tuple[int, int]:
    """How many children of a school have blank items, and how many no guardian."""
    pk = place.org(school).pk
    with seeing_all():
        found = checks.counts(checks.Scope(schools=(pk,)))[pk]
        whole = checks.counts(checks.Scope(counties=(place.org("a").pk,)))
    if school.startswith("a"):
        assert whole[pk]["blank"] == found["blank"], "a county counts as its school does"
    return found["blank"], found["guardian"]


def say(place: Place, **levels: str) -> None:
    with act_as(place.user("county_clerk", "a")) as actor:
        collect.set_levels(actor, "P", levels)


@pytest.mark.capability("C-COL-22")
@pytest.mark.capability("C-SUB-11")
def test_nobody_lacks_what_the_place_does_not_collect() -> None:
    """The county collects no 独生子女; two children come by the sheet without it, and nothing of them is blank. When it is
    asked for they lack it, when it is left open they do not; 政治面貌, which the form leaves open, is missed once the county
    demands it. The teacher reads the same; the other county is asked as the form says.
    """
    place = make_county()
    data, head = template(place)
    full = [h.removesuffix(" *") for h in head]
    say(place, only_child="none")
    data, head = template(place)
    with act_as(place.user("registrar", "a1")) as actor:
        batch = intake.upload(actor, written(data, head, place, full, 政治面貌=""), "新生.xlsx", inline=True)
        assert batch.counts["total"] == 2 and not batch.counts.get("error"), batch.counts
        intake.publish(actor, batch.pk, expected=2)
    assert lacking(place) == (0, 0)
    say(place, only_child="must")
    assert lacking(place) == (2, 0)
    with seeing_all():
        rows, _next = checks.children(checks.Scope(schools=(place.org("a1").pk,)), "blank")
        klass = Roster.objects.values_list("class_id", flat=True).get(person_id=rows[0].person_id)
        assert len(rows) == 2
        assert all(words[-1] == "是否独生子女" for words in checks.gaps(klass).values())
    say(place, only_child="may")
    assert lacking(place) == (0, 0)
    say(place, political_status="must")
    assert lacking(place) == (2, 0)


@pytest.mark.capability("C-COL-22")
def test_where_no_family_is_asked_for_nobody_lacks_a_guardian() -> None:
    place = make_county()
    for school in ("a1", "b1"):
        enrol(place, school, name="方雨桐")
    assert lacking(place) == (1, 1)
    say(place, member1_name="none")
    assert lacking(place) == (1, 0)
    assert lacking(place, "b1") == (1, 1)


@pytest.mark.capability("C-SUB-11")
def test_a_county_costs_the_same_statements_with_one_school_or_more() -> None:
    place = make_county()

    def cost() -> int:
        with seeing_all(), CaptureQueriesContext(connection) as asked:
            checks.counts(checks.Scope(counties=(place.org("a").pk,)))
        return len(asked)

    enrol(place, "a1")
    say(place, only_child="none")
    one = cost()
    enrol(place, "a2")
    with act_as(place.user("registrar", "a2")) as actor:
        collect.set_levels(actor, "P", {"commute_mode": "none"})
    assert cost() == one
