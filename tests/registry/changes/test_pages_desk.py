"""The desk, the other deeds of deciders, and what authorities see of the course of cases."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import (
    FOUR,
    correction_draft,
    make_child,
    pass_all,
    send,
    suspend_draft,
    transfer_draft,
)

from xueji.registry.changes import commands as cases
from xueji.registry.changes.models import Case, CaseStatus, CaseStep

pytestmark = pytest.mark.django_db


def as_(place: Place, role: str, where: str = "") -> Client:
    return login(Client(), place.user(role, where))


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def _suspensions(place: Place, n: int) -> list[Case]:
    return [
        send(place, suspend_draft(place, make_child(place, name=f"孙{word}")), ("registrar", "a1"))
        for word in "甲乙丙丁戊己"[:n]
    ]


@pytest.mark.capability("C-CHG-03", page="/cases/desk/")
def test_the_desk_says_in_one_line_what_each_case_asks_and_decides_those_that_are_ticked() -> None:
    place = make_county()
    made = _suspensions(place, 3)
    renamed = send(
        place,
        correction_draft(place, make_child(place, name="周改名"), new_name="周新名"),
        ("registrar", "a1"),
    )
    head = as_(place, "school_head", "a1")
    page = text_of(head.get("/cases/desk/"))
    assert "姓名 周改名 → 周新名" in page
    assert "因事" in page
    assert "周改名" not in text_of(head.get("/cases/desk/?business=suspend"))
    answer = head.post(
        "/cases/desk/", {"case": [str(c.pk) for c in made[:2]], "decision": "pass", "opinion": "材料齐全"}
    )
    said = text_of(answer)
    assert "已核办通过 2 件" in said
    assert "还有 2 件待您核办" in said
    with seeing_all():
        assert CaseStep.objects.filter(case__in=made[:2], state="done", opinion="材料齐全").count() == 2
        assert Case.objects.get(pk=renamed.pk).current_seq == 2


def test_a_case_that_cannot_be_decided_says_why_and_keeps_no_other_from_it() -> None:
    place = make_county()
    first, second = _suspensions(place, 2)
    head = as_(place, "school_head", "a1")
    with act_as(place.user("registrar", "a1")) as actor:
        cases.withdraw(actor, case_id=first.case_id)
    answer = head.post("/cases/desk/", {"case": [str(first.pk), str(second.pk)], "decision": "pass"})
    said = text_of(answer)
    assert "1 件没有办成" in said
    assert "已核办通过 1 件" in said
    assert "已撤回" in said


def test_nothing_ticked_or_no_reason_keeps_the_ticks_and_says_so() -> None:
    place = make_county()
    (case,) = _suspensions(place, 1)
    head = as_(place, "school_head", "a1")
    answer = head.post("/cases/desk/", {"decision": "pass"})
    assert answer.status_code == 422
    assert "请先勾选" in text_of(answer)
    answer = head.post("/cases/desk/", {"decision": "return", "case": [str(case.pk)]})
    assert answer.status_code == 422
    assert f'value="{case.pk}"' in answer.content.decode()
    assert re.search(rf'value="{case.pk}"[^>]* checked', answer.content.decode())
    assert head.post("/cases/desk/", {"decision": "nonsense", "case": [str(case.pk)]}).status_code == 404
    assert as_(place, "class_teacher", "a1").get("/cases/desk/").status_code == 403


def test_a_longer_desk_asks_the_database_no_more_often(django_assert_max_num_queries: Any) -> None:
    place = make_county()
    _suspensions(place, 6)
    head = as_(place, "school_head", "a1")
    head.get("/cases/desk/")
    with django_assert_max_num_queries(13):  # one enters the look into the audit
        assert head.get("/cases/desk/").status_code == 200


def test_opinions_are_kept_for_later_and_dropped_again() -> None:
    place = make_county()
    (case,) = _suspensions(place, 1)
    head = as_(place, "school_head", "a1")
    head.post("/cases/templates/", {"decision": "pass", "text": "经核实无误, 同意", "for_unit": "1"})
    assert "经核实无误, 同意" in text_of(head.get(f"/cases/{case.pk}/"))
    page = head.get("/cases/desk/").content.decode()
    drop = re.search(r"/cases/templates/\d+/drop/", page)
    assert drop
    head.post(drop[0])
    assert "经核实无误, 同意" not in text_of(head.get("/cases/desk/"))


@pytest.mark.capability("C-CHG-03", page="/cases/{id}/")
def test_a_decision_is_taken_back_from_the_page_while_nobody_has_acted() -> None:
    place = make_county()
    (case,) = _suspensions(place, 1)
    pass_all(place, case, FOUR[:1])
    head = as_(place, "school_head", "a1")
    page = head.get(f"/cases/{case.pk}/").content.decode()
    assert "撤回核办" in page
    said = text_of(head.post(f"/cases/{case.pk}/take-back/", follow=True))
    assert "核办已撤回" in said
    assert "核办通过" in said


def test_others_are_asked_and_answer_on_the_page() -> None:
    place = make_county()
    (case,) = _suspensions(place, 1)
    pass_all(place, case, FOUR[:1])
    clerk = as_(place, "county_clerk", "a")
    page = clerk.get(f"/cases/{case.pk}/").content.decode()
    assert "请求会签" in page
    said = text_of(
        clerk.post(
            f"/cases/{case.pk}/ask/",
            {"org": [str(place.org("city1").pk)], "question": "请说明跨区就医情况"},
            follow=True,
        )
    )
    assert "已请求会签" in said
    assert "同时在" in said
    city = as_(place, "city_clerk", "city1")
    assert "请说明跨区就医情况" in text_of(city.get(f"/cases/{case.pk}/"))
    assert "请您会签" in text_of(city.get("/cases/desk/"))
    said = text_of(
        city.post(f"/cases/{case.pk}/advise/", {"answer": "agree", "opinion": "情况属实"}, follow=True)
    )
    assert "会签意见已答复" in said
    assert "情况属实" in text_of(clerk.get(f"/cases/{case.pk}/"))


def test_the_head_above_steps_in_and_all_see_the_reason() -> None:
    place = make_county()
    (case,) = _suspensions(place, 1)
    county = as_(place, "county_head", "a")
    assert "督办处理" in text_of(county.get(f"/cases/{case.pk}/"))
    county.post(f"/cases/{case.pk}/intervene/", {"action": "stop", "reason": "学校已停办该业务"})
    with seeing_all():
        assert Case.objects.get(pk=case.pk).status == CaseStatus.CANCELLED
    assert "学校已停办该业务" in text_of(as_(place, "registrar", "a1").get(f"/cases/{case.pk}/"))


@pytest.mark.capability("C-CHG-04", page="/cases/overview/")
def test_authorities_see_who_holds_what_how_long_and_go_down_to_the_case() -> None:
    place = make_county()
    late, fresh = _suspensions(place, 2)
    send(place, transfer_draft(place, make_child(place, name="吴转学"), name="吴转学"), ("registrar", "b1"))
    with seeing_all():
        CaseStep.objects.filter(case=late, state="current").update(
            due_on=timezone.localdate() - timedelta(days=10), arrived_at=timezone.now() - timedelta(days=30)
        )
    pass_all(place, fresh, FOUR[:1])
    county = as_(place, "county_head", "a")
    page = text_of(county.get("/cases/overview/"))
    assert place.org("a1").name in page
    assert "孙甲" in page
    assert "超 " in page
    listed = text_of(county.get("/cases/held/?due=overdue"))
    assert "孙甲" in listed
    assert "孙乙" not in listed
    school = county.get("/cases/overview/", {"org": place.org("a1").pk})
    assert school.status_code == 200
    assert county.get("/cases/overview/", {"org": place.org("b").pk}).status_code == 404
    city = text_of(as_(place, "city_clerk", "city1").get("/cases/overview/"))
    assert place.org("a").name in city
    province = text_of(as_(place, "province_head", "province").get("/cases/overview/"))
    assert place.org("city1").name in province
    assert as_(place, "registrar", "a1").get("/cases/overview/").status_code == 403


def test_an_overview_asks_the_database_a_fixed_number_of_times(django_assert_max_num_queries: Any) -> None:
    place = make_county()
    for case in _suspensions(place, 4):
        pass_all(place, case, FOUR[:1])
    county = as_(place, "county_head", "a")
    county.get("/cases/overview/")
    with django_assert_max_num_queries(14):
        assert county.get("/cases/overview/").status_code == 200


@pytest.mark.capability("C-CHG-03", page="/cases/{id}/")
def test_checks_show_the_exact_words_of_the_rule_and_the_values_used() -> None:
    place = make_county()
    (case,) = _suspensions(place, 1)
    answer = as_(place, "school_head", "a1").get(f"/cases/{case.pk}/")
    with seeing_all():
        finding = next(f for f in Case.objects.get(pk=case.pk).findings if f.get("phrase"))
    page = answer.content.decode()
    assert f"“{finding['phrase']}”" in page
    assert finding["rule"] in page
    assert "约束力" in page
    # What the record says now, and what it will say.
    assert "<del>在读</del>" in page
    assert "<ins>休学</ins>" in page


def test_the_rules_of_that_day_give_the_same_answer_again() -> None:
    place = make_county()
    (case,) = _suspensions(place, 1)
    clerk = as_(place, "county_clerk", "a")
    page = clerk.get(f"/cases/{case.pk}/").content.decode()
    assert f"/cases/{case.pk}/again/" in page
    said = text_of(clerk.get(f"/cases/{case.pk}/again/"))
    assert "结果一致" in said
    assert "不一致的规则" not in said
    assert as_(place, "registrar", "b1").get(f"/cases/{case.pk}/again/").status_code == 404
