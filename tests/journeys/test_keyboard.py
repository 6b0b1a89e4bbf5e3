"""How few keys the common deeds take, counted while they are pressed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from tests.helpers import act_as
from tests.registry.changes.world import picture

from xueji.ground.accounts.models import User
from xueji.ground.db.scope import acting
from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.routing import policy_for, slots_of
from xueji.registry.enrolment.models import Roster

pytestmark = [pytest.mark.browser]


class Keys:
    """A keyboard that counts."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.pressed: list[str] = []

    def press(self, *keys: str) -> None:
        """One stroke each."""
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed.append(key)


def _user(username: str) -> int:
    from django.db import transaction

    with transaction.atomic(), acting("writer"):
        return int(User.objects.values_list("pk", flat=True).get(username=username))


def _pupils(site: Any) -> list[tuple[Any, str]]:
    """Pupils of school A whom no other journey uses."""
    from django.db import transaction

    taken = [c["person_id"] for c in site.accounts["children_a"]]
    with transaction.atomic(), acting("writer"):
        rows = Roster.objects.filter(
            school_id=site.accounts["school_a"]["org_id"],
            status=1,
            reason="enrolled",
            open_case="",
            problem=False,
        ).exclude(person_id__in=taken)
        return list(rows.order_by("-cohort_year", "person_id").values_list("person_id", "name")[:60])


def _suspensions(site: Any, n: int) -> list[str]:
    """Routine suspensions of school A, sent by its registrar; the names of the children."""
    registrar = _user("registrar.a")
    today = timezone.localdate()
    names = []
    for person_id, name in _pupils(site):
        if len(names) == n:
            break
        with act_as(registrar) as actor:
            try:
                case = cases.start(actor, business="suspend", person_id=person_id)
            except CaseError:
                continue
            form = {
                "reason": "因事",
                "start": today.isoformat(),
                "end": (today + timedelta(days=200)).isoformat(),
            }
            cases.save_draft(actor, case_id=case.case_id, form=form)
        with act_as(registrar) as actor:
            from xueji.ground.orgs.models import Org

            for slot in slots_of(policy_for(Org.objects.get(pk=case.org_id), today), case):
                cases.attach(
                    actor, case_id=case.case_id, slot=slot.doc, data=picture(), name=f"{slot.doc}.jpg"
                )
        with act_as(registrar) as actor:
            try:
                cases.submit(actor, case_id=case.case_id)
            except CaseError:
                continue
        names.append(name)
    return names


@pytest.mark.capability("C-CHG-03", page="/cases/desk/")
def test_ten_routine_cases_are_decided_in_twelve_key_strokes(person: Any, demo_site: Any) -> None:
    names = _suspensions(demo_site, 10)
    assert len(names) == 10
    head = person(demo_site.accounts["school_a"]["head"])
    head.go("/cases/desk/")
    page = head.page
    for name in names:
        assert name in page.inner_text("#desk")
    head.shot("desk-before")
    keys = Keys(page)
    # The cursor to a suspension, all of its kind without a warning, decide, confirm.
    keys.press("j")
    while page.evaluate("document.activeElement.dataset.kind") != "suspend":
        keys.press("j")
    keys.press("a")
    # The count follows the ticks after the event.
    page.wait_for_function("Number(document.querySelector('[data-desk-count]').textContent) >= 10")
    keys.press("p")
    page.wait_for_selector("dialog[open]")
    for name in names:
        assert name in page.inner_text("dialog[open] [data-desk-names]")
    head.shot("desk-confirm")
    with page.expect_navigation():
        keys.press("Enter")
    head.shot("desk-done")
    assert len(keys.pressed) <= 12, keys.pressed
    said = page.inner_text("main")
    assert said.count("已核办通过") >= 10
    head.go("/cases/desk/")
    left = page.inner_text("main")
    assert not any(name in left for name in names)


def test_one_case_is_opened_and_passed_with_four_keys(person: Any, demo_site: Any) -> None:
    _suspensions(demo_site, 1)
    head = person(demo_site.accounts["school_a"]["head"])
    head.go("/cases/desk/?business=suspend")
    keys = Keys(head.page)
    keys.press("j")
    with head.page.expect_navigation():
        keys.press("Enter")
    with head.page.expect_navigation():
        keys.press("a")
    assert len(keys.pressed) <= 4
    assert "已核办通过" in head.page.inner_text("main")


def test_one_case_is_ticked_and_returned_from_the_desk(person: Any, demo_site: Any) -> None:
    _suspensions(demo_site, 1)
    head = person(demo_site.accounts["school_a"]["head"])
    head.go("/cases/desk/?business=suspend")
    keys = Keys(head.page)
    keys.press("j")
    name = head.page.evaluate("document.activeElement.dataset.name")
    keys.press("x", "r")
    head.page.wait_for_selector("dialog[open] textarea")
    head.page.fill("dialog[open] textarea", "请补充监护人签字的申请")
    with head.page.expect_navigation():
        head.page.locator("dialog[open] button[value=return]").click()
    said = head.page.inner_text("main")
    assert "已退回修改" in said
    assert name in said
