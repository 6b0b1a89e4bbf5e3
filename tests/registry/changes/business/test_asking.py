"""What the rules of a place ask beside the form."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.helpers import act_as, login, make_county, seeing_all
from tests.registry.changes.business.journey import day, draft, finish, pupil, rules_of, wall
from tests.registry.changes.world import make_child

from xueji.registry.changes import commands as cases

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-CHG-10", page="/cases/")
def test_only_what_a_rule_here_needs_and_nobody_knows_is_asked_and_shown_as_stated() -> None:
    place = make_county()
    rules_of(place, "b1", "cn-44-shunde")
    child = pupil(place, "b1", "J", 2025)
    case = draft(place, "withdraw", child, "退学申请", school="b1", reason="其他", happened_on=day())
    browser = login(Client(), place.user("registrar", "b1"))
    page = browser.get(f"/cases/{case.pk}/").content.decode()
    assert "规则还需要知道" in page
    assert 'name="ask__case-initiator"' in page
    assert "监护人" in page
    answer = browser.post(
        f"/cases/{case.pk}/save/",
        {
            "reason": "其他",
            "happened_on": day(),
            "ask__case-initiator": "监护人",
            "asked": "ask__case-initiator ",
        },
        headers={"HX-Request": "true"},
    )
    assert 'hx-swap-oob="true"' not in answer.content.decode(), "nothing new is asked"
    browser.post(f"/cases/{case.pk}/save/", {"ask__case-initiator": "监护人", "ask__student-status": "在读"})
    with seeing_all():
        case.refresh_from_db()
    assert case.form["answers"] == {"case.initiator": "监护人"}, "what the record knows cannot be stated"
    page = browser.get(f"/cases/{case.pk}/").content.decode()
    assert 'value="监护人" selected' in page


def test_what_the_form_itself_will_say_is_not_asked() -> None:
    place = make_county()
    child = make_child(place)
    case = draft(place, "suspend", child, school="a1")
    page = login(Client(), place.user("registrar", "a1")).get(f"/cases/{case.pk}/").content.decode()
    assert "规则还需要知道" not in page


def test_what_only_the_end_asks_is_asked_before_the_case_is_sent() -> None:
    place = make_county()
    rules_of(place, "b1", "cn-45-beiliu")
    child = pupil(place, "b1", "J", 2025)
    form = {
        "destination": "外省某校",
        "destination_area": "某省",
        "effective_on": day(),
        "reason": "家庭迁移",
    }
    case = draft(place, "transfer_out", child, "转学原因证明", school="b1", **form)
    assert any("注销校内学籍号" in s and "已办事项" in s for s in wall(place, case))
    page = login(Client(), place.user("registrar", "b1")).get(f"/cases/{case.pk}/").content.decode()
    assert 'name="ask__case-done"' in page
    with act_as(place.user("registrar", "b1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form=form | {"answers": {"case.done": ["注销校内学籍号"]}})
    assert not any("注销校内学籍号" in s for s in wall(place, case))


def test_nobody_overrules_what_the_record_knows() -> None:
    place = make_county()
    child = make_child(place)
    case = draft(
        place, "abroad", child, school="a1", destination="新西兰", happened_on=day(),
        answers={"student.status": "休学", "student.stage": "S"},
    )  # fmt: skip
    done = finish(place, case, "a1")
    assert (done.facts["student.status"], done.facts["student.stage"]) == ("在读", "P")
