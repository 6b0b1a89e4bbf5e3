"""A pupil beyond the entry grade whom nobody ever recorded gets a record by way of county and province."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import attach, identity, make_child, pass_all, send

from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import Blocked, CaseError
from xueji.registry.changes.models import Case, CaseStatus
from xueji.registry.enrolment.models import EnrolmentState
from xueji.registry.people.models import Person, StudentNumber

pytestmark = pytest.mark.django_db
BORN = date(2018, 3, 5)
COUNTY = (("school_head", "a1"), ("county_clerk", "a"), ("county_head", "a"))


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def late(place: Place, *, name: str = "周补建", number: str = "", cohort: int = 2025, **form: Any) -> Case:
    number = number or identity(BORN)
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start_newcomer(actor, name=name, number=number, business="late_record")
        values = {
            "new_sex": "1", "new_birth_date": BORN.isoformat(), "from_school": "某民办学校", "reason": "民办学校未建籍",
            "to_class_id": place.klass("a1", "P", cohort, 1).pk, "effective_on": timezone.localdate().isoformat(),
        }  # fmt: skip
        case = cases.save_draft(actor, case_id=case.pk, form={**case.form, **values, **form})
    attach(place, case, "就读情况证明", by=("registrar", "a1"))
    return case


@pytest.mark.capability("C-NUM-15", page="/cases/late/")
@pytest.mark.capability("C-TRF-19", page="/cases/new/")
@pytest.mark.rule("NAT-ENR-11")
def test_two_pupils_stand_on_the_months_list_and_each_has_a_result(client: Client) -> None:
    """A school applies for two pupils of the second grade whom a private school never recorded; the county approves.
    The province takes the month's list, has it checked, and decides each by the result.
    Who passed has a record with a temporary number; who did not is sent to the transfer, nothing is recorded.
    """
    place = make_county()
    page = login(client, place.user("registrar", "a1")).get("/cases/new/")
    assert "发起补建学籍" in text(page)
    one = send(place, late(place), ("registrar", "a1"))
    two = send(place, late(place, name="吴重复"), ("registrar", "a1"))
    assert one.person_id is not None
    assert two.person_id is not None
    for case in (one, two):
        assert case.person_id is not None
        pass_all(place, case, COUNTY)
        with seeing_all():
            assert not Person.objects.filter(pk=case.person_id).exists()
    province = login(Client(), place.user("province_clerk", "province"))
    listed = text(province.get("/cases/late/"))
    assert "周补建" in listed
    assert "吴重复" in listed
    assert "待省级汇总查重" in listed
    book = province.get("/cases/late/?form=xlsx")
    assert book["Content-Disposition"].startswith("attachment")
    assert pass_all(place, one, (("province_clerk", "province"),)).status == CaseStatus.DONE
    with act_as(place.user("province_clerk", "province")) as actor:
        cases.decide(
            actor, case_id=two.pk, decision="refuse", opinion="外省已有学籍", reason_rule="处理办法二"
        )
    listed = text(login(Client(), place.user("registrar", "a1")).get("/cases/late/"))
    assert "查重通过, 已建籍" in listed
    assert "未通过, 改办转学" in listed
    with seeing_all():
        assert Person.objects.get(pk=one.person_id).name == "周补建"
        assert StudentNumber.objects.get(person_id=one.person_id).prefix == "L"
        link = EnrolmentState.objects.get(person_id=one.person_id)
        assert (link.business, link.cohort_year) == ("enrol", 2025)
        assert not Person.objects.filter(pk=two.person_id).exists()


@pytest.mark.capability("C-NUM-15")
def test_the_entry_grade_and_who_has_a_record_are_not_made_anew() -> None:
    place = make_county()
    case = late(place, cohort=2026)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert "entry" in {c.code for c in error.value.checks}
    held = identity()
    make_child(place, id_number=held)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CaseError, match="转到我校"):
        cases.start_newcomer(actor, name="赵小满", number=held, business="late_record")
