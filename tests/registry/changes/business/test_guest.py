"""Borrowed study: beside the record, with the record, and back with what the host found."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import attach, make_child, number_of, pass_all, send

from xueji.ground.policy.statuses import Status
from xueji.registry.changes import commands as cases
from xueji.registry.changes import guests
from xueji.registry.changes.errors import Blocked
from xueji.registry.changes.models import Case, CaseStatus
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import GUEST, CubeDelta, Event, Roster

pytestmark = pytest.mark.django_db

HOST = (("school_head", "b1"), ("county_clerk", "b"), ("county_head", "b"))


def draft(place: Place, child: uuid.UUID, *, days: int = 200, **form: Any) -> Case:
    number = number_of(place, child)
    today = timezone.localdate()
    with act_as(place.user("registrar", "b1")) as actor:
        case = cases.start(actor, business="borrow", name="赵小满", number=number)
        values = {
            "borrow_kind": "普通借读",
            "reason": "家庭原因",
            "to_class_id": place.klass("b1").pk,
            "start": today.isoformat(),
            "end": (today + timedelta(days=days)).isoformat(),
        }
        cases.save_draft(actor, case_id=case.pk, form=values | form)
    attach(place, case, "借读申请", by=("registrar", "b1"))
    return case


def borrowed(place: Place, child: uuid.UUID, **form: Any) -> Case:
    return pass_all(place, send(place, draft(place, child, **form), ("registrar", "b1")), HOST)


@pytest.mark.capability("C-BOR-01")
@pytest.mark.capability("C-BOR-03")
def test_a_child_studies_elsewhere_and_the_record_stays() -> None:
    place = make_county()
    child = make_child(place)
    case = borrowed(place, child)
    assert case.status == CaseStatus.DONE
    with act_as(place.user("registrar", "b1")) as actor:
        guest = enrolment.current(child, GUEST)
        assert guest is not None
        assert (guest.status, guest.school_id) == (Status.STUDYING, place.org("b1").pk)
        assert [g.name for g in guests.hosted(actor)] == ["赵小满"]
        assert guests.hosted(actor)[0].origin == place.org("a1").name
    with act_as(place.user("registrar", "a1")) as actor:
        link = enrolment.current(child)
        assert link is not None
        assert (link.status, link.school_id) == (Status.STUDYING, place.org("a1").pk)
        assert [g.host for g in guests.elsewhere(actor)] == [place.org("b1").name]
    with seeing_all():
        event = Event.objects.get(person_id=child, business="borrow")
        assert event.detail["record_kind"] == "临时借读学籍"
        assert (
            sum(
                CubeDelta.objects.filter(kind=GUEST, school_id=place.org("b1").pk).values_list("n", flat=True)
            )
            == 1
        )
        assert not CubeDelta.objects.filter(kind=1, flow__startswith="borrow").exists()


@pytest.mark.capability("C-BOR-03")
def test_going_back_brings_marks_conduct_and_years_into_the_record() -> None:
    place = make_county()
    child = make_child(place)
    borrowed(place, child)
    with act_as(place.user("registrar", "b1")) as actor:
        back = cases.start(actor, business="borrow_end", person_id=child)
        form = {
            "ends_on": timezone.localdate().isoformat(),
            "conduct": "优秀",
            "marks": "语文优 数学良",
            "years": "2026年9月至11月",
        }
        cases.save_draft(actor, case_id=back.pk, form=form)
        with pytest.raises(Blocked) as error:
            cases.submit(actor, case_id=back.pk)
    assert any("借读证明" in c.sentence for c in error.value.checks)
    attach(place, back, "借读证明", by=("registrar", "b1"))
    back = pass_all(place, send(place, back, ("registrar", "b1")), HOST)
    assert back.status == CaseStatus.DONE
    with act_as(place.user("registrar", "a1")) as actor:
        assert guests.elsewhere(actor) == []
    with act_as(place.user("registrar", "b1")):
        link = enrolment.current(child, GUEST)
        assert link is None or link.status == Status.TRANSFERRED_OUT
    with seeing_all():
        own = Event.objects.get(person_id=child, business="borrow_end", school_id=place.org("a1").pk)
        assert (own.detail["conduct"], own.detail["marks"]) == ("优秀", "语文优 数学良")
        assert Roster.objects.get(person_id=child, school_id=place.org("b1").pk).reason == "former"
        assert sum(CubeDelta.objects.filter(kind=GUEST, status__lt=10).values_list("n", flat=True)) == 0


@pytest.mark.capability("C-BOR-01")
def test_no_second_stay_while_one_lasts_and_none_the_wrong_way_round() -> None:
    place = make_county()
    child = make_child(place)
    borrowed(place, child)
    again = draft(place, child, end=(timezone.localdate() - timedelta(days=1)).isoformat())
    with act_as(place.user("registrar", "b1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=again.pk)
    assert {"stay", "dates"} <= {c.code for c in error.value.checks}


@pytest.mark.capability("C-BOR-02")
def test_whoever_studies_here_is_seen_whole_here_and_by_nobody_else() -> None:
    place = make_county()
    child = make_child(place)
    case = borrowed(place, child)
    for where, seen in (("b1", True), ("a1", True), ("a2", False), ("c1", False)):
        with act_as(place.user("registrar", where)):
            assert Case.objects.filter(pk=case.pk).exists() is seen
            assert Roster.objects.filter(person_id=child).exists() is seen


@pytest.mark.capability("C-BOR-02", page="/guests/")
def test_the_register_names_whose_time_is_over_and_comes_as_a_sheet() -> None:
    place = make_county()
    child = make_child(place)
    borrowed(place, child, days=10)
    browser = login(Client(), place.user("registrar", "b1"))
    page = browser.get("/guests/").content.decode()
    assert "赵小满" in page
    assert "即将到期" in page
    assert browser.get("/guests.xlsx").content[:2] == b"PK"
    county = login(Client(), place.user("county_clerk", "b")).get("/guests/").content.decode()
    assert "赵小满" in county
    other = login(Client(), place.user("registrar", "a1")).get("/guests/").content.decode()
    assert "本校学生在外借读" in other


@pytest.mark.capability("C-BOR-05")
def test_migrant_children_get_a_temporary_record_even_in_the_first_grade() -> None:
    place = make_county()
    case = borrowed(place, make_child(place), borrow_kind="随迁子女借读")
    assert (case.variant, case.facts["case.record_kind"]) == ("", "临时借读学籍")
    assert case.facts["student.migrant"] is True
