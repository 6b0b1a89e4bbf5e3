"""The course of a case in words: forks, questions, filings, substitutes and defaults, for staff and for families."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from tests.helpers import link_child, login, make_county
from tests.registry.changes.world import make_child, pass_all, send, suspend_draft

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org
from xueji.registry.changes import course
from xueji.registry.changes.models import CaseStep, StepMode

TODAY = date(2026, 11, 20)
AT = datetime(2026, 11, 16, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
ORGS = {
    1: Org(pk=1, name="青禾县第一小学", phone="0531-1"),
    2: Org(pk=2, name="青禾县教育局", phone="0531-2"),
}


def step(seq: int, **changes: Any) -> CaseStep:
    values: dict[str, Any] = {
        "seq": seq,
        "turn": seq,
        "label": f"第{'零一二三四五'[seq]}步",
        "role": Role.COUNTY_CLERK.value,
        "org_id": 2,
        "limit_days": 10,
        "state": "future",
    }
    return CaseStep(**(values | changes))


@pytest.mark.capability("C-CHG-03")
def test_branches_that_run_side_by_side_are_one_item_with_each_unit_in_it() -> None:
    steps = [
        step(1, state="done", arrived_at=AT, decided_at=AT),
        step(2, turn=2, branch="a", state="done", arrived_at=AT, decided_at=AT, opinion="同意", org_id=1),
        step(3, turn=2, branch="b", state="current", arrived_at=AT, due_on=date(2026, 11, 25)),
        step(4, turn=3, limit_default=True),
    ]
    shown = course.stepper(steps, ORGS, TODAY, staff=True)
    assert [s["name"] for s in shown] == ["第一步", "同时办理", "第四步"]
    fork = shown[1]
    assert fork["state"] == "current"
    assert [b["org"] for b in fork["branches"]] == ["青禾县第一小学", "青禾县教育局"]
    assert "同意" in fork["branches"][0]["holder"]
    assert "2026-11-25 前" in fork["branches"][1]["holder"]
    assert "本系统默认" in shown[2]["role"]


def test_questions_stand_under_the_step_that_asked_and_filings_keep_nobody_waiting() -> None:
    steps = [
        step(2, state="current", arrived_at=AT),
        step(3, turn=2, mode=StepMode.ADVISE, asked_by=2, state="current", question="是否属实", label="会签"),
        step(4, turn=3, mode=StepMode.FILE, state="informed", arrived_at=AT, label="备案"),
    ]
    shown = course.stepper(steps, ORGS, TODAY, staff=True)
    assert [s["name"] for s in shown] == ["第二步", "备案"]
    assert "是否属实" in shown[0]["branches"][0]["holder"]
    assert "不影响办理" in shown[1]["role"]
    assert shown[1]["limit_days"] is None
    family = course.stepper(steps, ORGS, TODAY, staff=False)
    assert "是否属实" not in family[0]["branches"][0]["holder"]


def test_a_substitute_is_named_with_the_colleague_and_a_pause_does_not_count() -> None:
    done = step(
        2,
        state="done",
        arrived_at=AT,
        decided_at=datetime(2026, 11, 20, 9, 0, tzinfo=AT.tzinfo),
        decider_name="钱某",
        acted_for="赵某",
        paused_days=2,
    )
    (shown,) = course.stepper([done], ORGS, TODAY, staff=True)
    assert shown["holder"] == "钱某(代 赵某 办理)"
    assert shown["used_days"] == 2
    (family,) = course.stepper([done], ORGS, TODAY, staff=False)
    assert family["holder"] == ""


@pytest.mark.django_db
def test_the_family_sees_where_it_is_in_plain_words_and_no_checks_or_names() -> None:
    place = make_county()
    child = make_child(place)
    link_child(place.user("parent"), child)
    case = pass_all(
        place, send(place, suspend_draft(place, child), ("registrar", "a1")), (("school_head", "a1"),)
    )
    page = login(Client(), place.user("parent")).get(f"/cases/{case.pk}/").content.decode()
    text = re.sub(r"<[^>]+>", " ", page)
    assert place.org("a").name in text
    assert "规则编号" not in text
    assert "/again/" not in page
    assert "办理单" not in text
    assert place.user("school_head", "a1").display_name not in text
