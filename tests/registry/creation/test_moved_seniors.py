"""A senior who transferred in is registered by the list of the former school: page, count and to-do of the new one agree."""

from __future__ import annotations

import re
import uuid
from datetime import date
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.ground.db.scope import acting
from xueji.ground.waiting import Heap, alone
from xueji.registry.creation import commands, queries
from xueji.registry.creation.errors import CreationError
from xueji.registry.creation.models import CreationItem, Kind
from xueji.web.home.queries import policy_for

pytestmark = pytest.mark.django_db
SENIOR = "/creation/senior/"


@pytest.fixture
def place() -> Place:
    return make_county()


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def listed(
    place: Place, person: uuid.UUID, *, year: int | None = None, state: str = "approved", reason: str = ""
) -> None:
    """The former school, of another county, had the pupil on a list of its own."""
    with transaction.atomic(), acting("writer"):
        CreationItem.objects.create(
            list_id=990_000 + CreationItem.objects.count(), person_id=person, kind=Kind.SENIOR,
            year=year or queries.year_now(), county_id=place.org("b").pk, school_id=place.org("b1").pk, state=state,
            reason=reason,
        )  # fmt: skip


def demanded(place: Place) -> None:
    """The rules of the place tie the diploma to the registration."""
    with seeing_all():
        org = place.org("c1")
        org.policy = "cn-65-notice"
        org.save(update_fields=["policy"])


def told(place: Place) -> Heap | None:
    with act_as(place.user("registrar", "c1")) as actor:
        ask = queries.waiting(actor, policy_for(actor))
        assert ask is not None
        return next((h for h in alone(ask) if h.title == "高中学生还没有注册"), None)


@pytest.mark.capability("C-NUM-19", page="/creation/senior/")
def test_who_was_registered_at_the_former_school_stops_nobody_at_the_new_one(
    place: Place, client: Client
) -> None:
    """A senior registered elsewhere this year has transferred in; the registrar of the new school sees only the other
    one as not registered, on the page, among the to-dos and in the county's overview, and the list goes through.
    """
    moved = enrol(place, "c1", stage="S", name="张转来")
    enrol(place, "c1", stage="S", name="李本校")
    listed(place, moved)
    demanded(place)
    heap = told(place)
    assert heap is not None and (heap.n, heap.url) == (1, f"{SENIOR}?cohort=2026")
    registrar = login(client, place.user("registrar", "c1"))
    assert "提交这 1 名学生" in text(registrar.get(SENIOR))
    county = login(Client(), place.user("county_clerk", "c"))
    assert re.search(r"白石县实验学校 1 0 0 1", text(county.get(SENIOR)))
    sent = registrar.post(SENIOR, {"expected": 1, "cohort": 2026}, follow=True)
    assert "已提交 1 名学生" in text(sent)
    assert told(place) is None
    assert "没有要提交的学生" in text(registrar.get(SENIOR))


def test_what_another_school_was_told_of_a_returned_list_stays_there(place: Place) -> None:
    moved = enrol(place, "c1", stage="S", name="张转来")
    listed(place, moved, state="returned", reason="原校材料不全")
    with act_as(place.user("registrar", "c1")) as actor:
        assert [(u.person_id, u.returned) for u in queries.unsent(actor.org_id, Kind.SENIOR)] == [(moved, "")]


def test_the_to_do_counts_what_its_link_shows(place: Place, client: Client) -> None:
    """One cohort, the oldest first, and registered for this year: last year's registration is not this year's."""
    enrol(place, "c1", stage="S", cohort=2026, birth=date(2011, 3, 4), name="高一甲")
    old = enrol(place, "c1", stage="S", cohort=2024, birth=date(2009, 3, 4), name="高三甲")
    middle = enrol(place, "c1", stage="S", cohort=2025, birth=date(2010, 3, 4), name="高二甲")
    listed(place, old)
    listed(place, middle, year=queries.year_now() - 1)
    demanded(place)
    registrar = login(client, place.user("registrar", "c1"))
    heap = told(place)
    assert heap is not None and (heap.n, heap.url, heap.kind) == (
        1, f"{SENIOR}?cohort=2025", "2025级, 不注册不能毕业",
    )  # fmt: skip
    assert "提交这 1 名学生" in text(registrar.get(heap.url))
    assert '<option value="2023" selected>' in registrar.get(f"{SENIOR}?cohort=2023").content.decode()


def test_a_refusal_comes_back_to_the_cohort(place: Place, client: Client) -> None:
    enrol(place, "c1", stage="S", cohort=2024, birth=date(2009, 3, 4), name="高三甲")
    registrar = login(client, place.user("registrar", "c1"))
    answer = registrar.post(SENIOR, {"expected": 2, "cohort": 2024})
    assert answer["Location"] == f"{SENIOR}?cohort=2024"
    with act_as(place.user("registrar", "c1")) as actor, pytest.raises(CreationError, match="已变为 1"):
        commands.send(actor, Kind.SENIOR, cohort=2024, expected=2)
