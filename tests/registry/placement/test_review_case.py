"""A review of entry that was not passed leads to the case that ends the record, filled in."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.business.journey import draft, finish, now_of, rules_of, wall
from tests.registry.changes.world import attach

from xueji.ground.policy.statuses import Status
from xueji.registry.changes import commands as cases
from xueji.registry.changes.models import Case, CaseStatus
from xueji.registry.enrolment.models import Event

pytestmark = pytest.mark.django_db
HERE = "/placement/reviews/"


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def reviewed(client: Client, person: Any, result: str) -> None:
    said = {"person": [person], "result": result, "part": ["健康"], "reason": "体检结论不符合录取标准"}
    assert "已登记 1 名学生的复查结果" in text(client.post(HERE, said, follow=True))


def only(business: str) -> Case:
    with seeing_all():
        return Case.objects.get(business=business)


@pytest.mark.capability("C-ENR-10", page="/placement/reviews/")
def test_a_failed_review_begins_the_case_and_the_record_ends(client: Client) -> None:
    """A senior school's registrar finds a pupil unfit in the review of entry and begins 取消入学资格 from the page: reason,
    day and finding stand in the form. She adds the day on which the family was told and the signed conclusion.
    Head and county decide along the school's own chain; the record ends as 注销 with the article.
    """
    place = make_county()
    rules_of(place, "c1", "cn-45-senior")
    person = enrol(place, "c1", stage="S", cohort=2026, on=date(2026, 9, 1), birth=date(2011, 3, 1))
    registrar = login(client, place.user("registrar", "c1"))
    reviewed(registrar, person, "cancelled")
    page = registrar.get(f"{HERE}?tab=cancelled").content.decode()
    assert f'formaction="{HERE}{person}/case/"' in page and "办取消入学资格" in page
    answer = registrar.post(f"{HERE}{person}/case/")
    case = only("cancel_entry")
    assert answer["Location"] == f"/cases/{case.pk}/"
    assert case.form["reason"] == "健康复查不合格"
    assert case.form["reason_note"] == "体检结论不符合录取标准"
    assert case.form["happened_on"]
    assert any("告知学生和家长的日期" in s for s in wall(place, case))
    # Pressed twice: the same draft, what was written meanwhile stays.
    registrar.post(f"{HERE}{person}/case/")
    assert only("cancel_entry").pk == case.pk
    with act_as(place.user("registrar", "c1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form=case.form | {"told_on": case.form["happened_on"]})
    attach(place, case, "入学复查结论", by=("registrar", "c1"))
    done = finish(place, case)
    assert done.status == CaseStatus.DONE
    assert now_of(place, person, "c1").status == Status.CANCELLED
    with seeing_all():
        event = Event.objects.get(person_id=person, business="cancel_entry")
    assert event.article == "《教育管理信息 教育管理基础代码》学籍异动类别16"


def test_a_reserved_place_begins_the_other_case_and_nobody_elses_review_is_found(client: Client) -> None:
    place = make_county()
    person = enrol(place, "c1", stage="S", cohort=2026, on=date(2026, 9, 1), birth=date(2011, 3, 1))
    registrar = login(client, place.user("registrar", "c1"))
    assert registrar.post(f"{HERE}{person}/case/").status_code == 404, "no review yet"
    reviewed(registrar, person, "passed")
    assert registrar.post(f"{HERE}{person}/case/").status_code == 404, "nothing follows from a passed review"
    reviewed(registrar, person, "deferred")
    assert login(Client(), place.user("registrar", "a1")).post(f"{HERE}{person}/case/").status_code == 404
    assert login(Client(), place.user("school_head", "c1")).post(f"{HERE}{person}/case/").status_code == 403
    registrar.post(f"{HERE}{person}/case/")
    assert only("reserve").form["reason_note"] == "体检结论不符合录取标准"


def test_compulsory_school_cannot_cancel_an_entry(client: Client) -> None:
    place: Place = make_county()
    young = enrol(place, name="小学生")
    registrar = login(client, place.user("registrar", "a1"))
    reviewed(registrar, young, "cancelled")
    assert "只适用于高中, 小学阶段不能办理" in text(registrar.post(f"{HERE}{young}/case/", follow=True))
    case = draft(place, "cancel_entry", young, "入学复查结论", school="a1", reason="健康复查不合格")
    assert any("小学阶段不能办理" in s for s in wall(place, case))
