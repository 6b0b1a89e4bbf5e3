"""The student number after it was given: formal, anew, struck off."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from tests.helpers import Place, act_as, make_county, seeing_all
from tests.registry.changes.world import FOUR, attach, make_child, number_of, pass_all, send

from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import Blocked
from xueji.registry.changes.models import Case, CaseStatus
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import Event
from xueji.registry.people import queries as people
from xueji.registry.people.models import StudentNumber

pytestmark = pytest.mark.django_db


def draft(place: Place, child: uuid.UUID, action: str, **form: Any) -> Case:
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="number", person_id=child)
        values = {"action": action, "reason": "其他", "compared": "1"} | form
        cases.save_draft(actor, case_id=case.pk, form=values)
    return case


def prefixes(child: uuid.UUID) -> list[tuple[str, str]]:
    with seeing_all():
        return list(
            StudentNumber.objects.filter(person_id=child, scheme="national")
            .order_by("number_no")
            .values_list("prefix", "state")
        )


@pytest.mark.capability("C-NUM-03")
@pytest.mark.rule("NAT-NUM-10")
def test_a_temporary_number_becomes_formal_and_still_finds_the_child() -> None:
    place = make_county()
    child = make_child(place)
    old = number_of(place, child)
    case = pass_all(place, send(place, draft(place, child, "formal"), ("registrar", "a1")), FOUR)
    assert case.status == CaseStatus.DONE
    assert prefixes(child) == [("L", "former"), ("G", "current")]
    with act_as(place.user("registrar", "a1")) as actor:
        assert enrolment.get_row(actor, child).number_prefix == "G"
        assert people.find_by_number(actor, old) == [child]
    with seeing_all():
        event = Event.objects.get(person_id=child, business="number")
        assert (event.detail["from"], event.detail["to"]) == ("L", "G")


@pytest.mark.rule("NAT-NUM-10")
def test_without_a_passed_comparison_the_number_stays() -> None:
    place = make_county()
    case = draft(place, make_child(place), "formal", compared="0")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    said = next(c.sentence for c in error.value.checks if c.code == "NAT-NUM-10")
    assert "相关问题处理办法》一.1" in said


@pytest.mark.capability("C-NUM-05")
def test_only_a_j_number_is_upgraded() -> None:
    place = make_county()
    case = draft(place, make_child(place), "upgrade")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert any("L 字头" in c.sentence for c in error.value.checks)


def test_a_struck_number_is_kept_and_a_new_one_given_on_application() -> None:
    place = make_county()
    child = make_child(place)
    old = number_of(place, child)
    case = draft(place, child, "delete")
    attach(place, case, "佐证材料", by=("registrar", "a1"))
    pass_all(place, send(place, case, ("registrar", "a1")), FOUR)
    assert prefixes(child) == [("L", "voided")]
    again = pass_all(place, send(place, draft(place, child, "issue"), ("registrar", "a1")), FOUR)
    assert again.status == CaseStatus.DONE
    assert prefixes(child) == [("L", "voided"), ("L", "current")]
    assert number_of(place, child) != old
    with act_as(place.user("registrar", "a1")) as actor:
        assert people.find_by_number(actor, old) == [child]


@pytest.mark.capability("C-NUM-07")
@pytest.mark.rule("NAT-NUM-13")
def test_a_formal_number_goes_only_by_way_of_the_province() -> None:
    place = make_county()
    child = make_child(place)
    pass_all(place, send(place, draft(place, child, "formal"), ("registrar", "a1")), FOUR)
    case = draft(place, child, "delete", reason="问题学籍")
    attach(place, case, "佐证材料", by=("registrar", "a1"))
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert any(c.code == "NAT-NUM-13" and "由省级提交佐证材料" in c.sentence for c in error.value.checks)
    attach(place, case, "省级佐证材料", "教育部处理结果", by=("registrar", "a1"))
    case = send(place, case, ("registrar", "a1"))
    assert case.variant == "delete_formal"
    above = (("city_clerk", "city1"), ("province_clerk", "province"), ("province_head", "province"))
    case = pass_all(place, case, (*FOUR, *above))
    assert case.status == CaseStatus.DONE
    assert prefixes(child) == [("L", "former"), ("G", "voided")]
