"""How many clicks the registrar's everyday businesses take, counted from the home page while they are done.

Typing is not counted, nor are keys; choosing in a list counts as a click, each paper as an upload. The budgets stand
in docs/reference/budgets.md.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from tests.helpers import act_as
from tests.registry.changes.world import picture

from xueji.ground.accounts.models import User
from xueji.ground.db.scope import acting
from xueji.registry.enrolment.models import Roster
from xueji.registry.people import commands as people

pytestmark = [pytest.mark.browser]

TRANSFER, SUSPENSION, CORRECTION, UPLOADS = 6, 5, 5, 2


class Hand:
    """A hand at the mouse that counts what it does; it never opens an address by itself."""

    def __init__(self, who: Any) -> None:
        self.who, self.page = who, who.page
        self.clicks: list[str] = []
        self.uploads: list[str] = []
        who.go("/")

    def click(self, target: Any) -> None:
        """One click."""
        self.clicks.append(str(target))
        target.click()

    def choose(self, name: str, label: Any = None) -> None:
        """An entry of a list: one click."""
        self.clicks.append(name)
        select = self.page.locator(f"select[name={name}]")
        if label is not None:
            select.select_option(label)
        else:
            select.select_option(index=1)

    def upload(self, slot: Any) -> None:
        """One paper."""
        self.uploads.append(slot.get_attribute("name"))
        slot.set_input_files({"name": "材料.jpg", "mimeType": "image/jpeg", "buffer": picture()})

    def send(self) -> None:
        """The button and the question that follows: two clicks."""
        self.click(self.page.locator("button[value=submit]"))
        self.click(self.page.locator("dialog[open] button", has_text="提交").last)
        self.page.wait_for_selector("text=办理进度")


def _alone(site: Any, school: str, *, but: int = 0) -> tuple[Any, str]:
    """A pupil whom no journey uses and whose name nobody else at the school bears."""
    taken = [c["person_id"] for c in site.accounts["children_a"]]
    with transaction.atomic(), acting("writer"):
        rows = list(
            Roster.objects.filter(
                school_id=site.accounts[school]["org_id"],
                reason="enrolled",
                status=1,
                open_case="",
                problem=False,
            )
            .exclude(person_id__in=taken)
            .order_by("cohort_year", "-person_id")
            .values_list("person_id", "name")
        )
        names = Counter(
            Roster.objects.filter(school_id=site.accounts[school]["org_id"]).values_list("name", flat=True)
        )
    alone = [(p, n) for p, n in rows if names[n] == 1 and not any(n != x and n in x for x in names)]
    return alone[but]


def _number(person_id: Any) -> str:
    with transaction.atomic(), acting("writer"):
        registrar = User.objects.values_list("pk", flat=True).get(username="registrar.b")
    with act_as(registrar) as actor:
        return people.reveal(actor, person_id, "number", "打印学生基本信息表")


@pytest.mark.capability("C-TRF-01", page="/cases/new/")
def test_a_transfer_takes_six_clicks_and_two_uploads(person: Any, demo_site: Any) -> None:
    child, name = _alone(demo_site, "school_b")
    number = _number(child)
    hand = Hand(person("registrar.a"))
    hand.click(hand.page.locator("a.btn[href='/cases/new/']").first)
    hand.page.fill("#transfer [name=name]", name)
    hand.page.fill("#transfer [name=number]", number)
    hand.click(hand.page.get_by_role("button", name="查询并发起转入"))
    hand.page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/"))
    hand.choose("reason")
    hand.choose("to_class_id")
    for slot in hand.page.locator("input[type=file]").all()[:UPLOADS]:
        hand.upload(slot)
    hand.who.shot("clicks-transfer")
    hand.send()
    assert name in hand.page.inner_text("main")
    assert len(hand.clicks) <= TRANSFER, hand.clicks
    assert len(hand.uploads) <= UPLOADS


@pytest.mark.capability("C-SUS-01", page="/cases/new/")
def test_a_suspension_takes_five_clicks(person: Any, demo_site: Any) -> None:
    _child, name = _alone(demo_site, "school_a", but=1)
    hand = Hand(person("registrar.a"))
    hand.click(hand.page.locator("a.btn[href='/cases/new/']").first)
    hand.page.fill("#own [name=q]", name)
    hand.page.keyboard.press("Enter")
    hand.page.wait_for_selector(f"h3:has-text('{name}')")
    hand.who.shot("clicks-choose")
    hand.click(hand.page.locator("form[action*='/cases/new/suspend/'] button"))
    hand.page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/"))
    hand.choose("reason", "因事")
    today = timezone.localdate()
    hand.page.fill("[name=start]", today.isoformat())
    hand.page.fill("[name=end]", (today + timedelta(days=200)).isoformat())
    hand.upload(hand.page.locator("input[type=file][name=休学申请]"))
    hand.who.shot("clicks-suspend")
    hand.send()
    assert len(hand.clicks) <= SUSPENSION, hand.clicks


@pytest.mark.capability("C-INF-04", page="/cases/new/")
def test_a_correction_takes_five_clicks(person: Any, demo_site: Any) -> None:
    _child, name = _alone(demo_site, "school_a", but=2)
    hand = Hand(person("registrar.a"))
    hand.click(hand.page.locator("a.btn[href='/cases/new/']").first)
    hand.page.fill("#own [name=q]", name)
    hand.page.keyboard.press("Enter")
    hand.page.wait_for_selector(f"h3:has-text('{name}')")
    hand.click(hand.page.locator("form[action*='/cases/new/correct_key/'] button"))
    hand.page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/"))
    hand.page.fill("[name=new_name]", name[0] + "若溪")
    hand.page.fill("[name=reason]", "户口簿更正")
    for slot in hand.page.locator("input[type=file]").all()[:1]:
        hand.upload(slot)
    hand.who.shot("clicks-correct")
    hand.send()
    assert len(hand.clicks) <= CORRECTION, hand.clicks
