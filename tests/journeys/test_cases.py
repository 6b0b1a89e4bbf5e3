"""Cases as people carry them: sent, returned for repair, sent again, decided with the keyboard alone."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

pytestmark = [pytest.mark.browser]


def _picture() -> dict[str, Any]:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (640, 480), (200, 210, 220)).save(out, "JPEG")
    return {"name": "材料.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def _start(who: Any, child: dict[str, Any], business: str) -> None:
    """From the page "发起业务": the child by its id, then the business."""
    who.go(f"/cases/new/?person={child['person_id']}")
    who.page.locator(f"form[action*='/cases/new/{business}/'] button").click()
    who.page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/"))


def _evidence(who: Any) -> None:
    for slot in who.page.locator("input[type=file]").all():
        slot.set_input_files(_picture())
    with who.page.expect_navigation():
        who.page.get_by_role("button", name="上传材料").click()


def _send(who: Any) -> str:
    """Submit the draft and say yes; the case's address."""
    who.page.locator("button[value=submit]").click()
    who.page.locator("dialog[open] button", has_text="提交").last.click()
    who.page.wait_for_selector("text=办理进度")
    return str(re.search(r"/cases/[0-9a-f-]{36}/", who.page.url)[0])  # type: ignore[index]


def _under_cursor(who: Any) -> str:
    """The address of the row that the keys have come to."""
    return str(who.page.evaluate("document.activeElement.dataset.href || ''"))


def _by_keyboard(who: Any, case_url: str) -> None:
    """No mouse: J walks the to-dos, K goes one back, Enter opens, A passes.

    Which to-dos stand beside this one depends on the journeys before: J at the last row stays there, and K would then
    leave it. Enter only opens what the cursor is on.
    """
    who.go("/")
    keys = who.page.keyboard
    for _step in range(who.page.locator("[data-row]").count()):
        keys.press("j")
        if _under_cursor(who) == case_url:
            break
    keys.press("j")
    if _under_cursor(who) != case_url:
        keys.press("k")
    assert _under_cursor(who) == case_url, "J and K never came to the case"
    with who.page.expect_navigation(url=re.compile(re.escape(case_url))):
        keys.press("Enter")
    with who.page.expect_navigation():
        keys.press("a")


def _decided(people: list[Any], case_url: str) -> None:
    """Each whose turn it is passes the case, by keyboard; there is at least one."""
    passed = 0
    for who in people:
        who.go("/")
        if who.page.locator(f"[data-href='{case_url}']").count():
            _by_keyboard(who, case_url)
            passed += 1
    assert passed


@pytest.mark.capability("C-INF-04", page="/cases/new/")
def test_a_name_is_corrected_after_the_county_asked_for_a_repair(person: Any, demo_site: Any) -> None:
    child, school = demo_site.accounts["children_a"][5], demo_site.accounts["school_a"]
    name = child["name"][0] + "若溪"
    registrar = person("registrar.a")
    _start(registrar, child, "correct_key")
    registrar.page.fill("[name=new_name]", name)
    registrar.page.fill("[name=reason]", "户口本已更名")
    _evidence(registrar)
    registrar.shot("cases-correction-draft")
    case_url = _send(registrar)

    # The head returns it with what to mend; the registrar mends it and sends it again.
    head = person(school["head"])
    head.go(case_url)
    head.page.locator("summary", has_text="退回修改").click()
    head.page.locator("#items, [name=items]").first.fill("户口本照片看不清")
    with head.page.expect_navigation():
        head.page.get_by_role("button", name="退回发起学校").click()
    registrar.go(case_url)
    assert "户口本照片看不清" in registrar.page.inner_text("main")
    registrar.shot("cases-correction-returned")
    with registrar.page.expect_navigation():
        registrar.page.locator("a", has_text="修改并重新提交").click()
    registrar.page.fill("[name=reason]", "户口本已更名, 已重新拍照")
    assert registrar.page.input_value("[name=new_name]") == name
    _send(registrar)

    for username in (school["head"], school["county_clerk"], school["county_head"]):
        who = head if username == school["head"] else person(username)
        who.go(case_url)
        if who.page.get_by_role("button", name="核办通过").count():
            with who.page.expect_navigation():
                who.page.get_by_role("button", name="核办通过").first.click()
    registrar.go(case_url)
    assert "已办结" in registrar.page.inner_text("main")
    registrar.shot("cases-correction-done")
    registrar.go(f"/students/{child['person_id']}/")
    assert name in registrar.page.inner_text(".xj-person")


@pytest.mark.capability("C-SUS-01", page="/cases/new/")
@pytest.mark.capability("C-SUS-04", page="/cases/new/")
def test_a_suspension_and_its_end_are_decided_with_the_keyboard_alone(person: Any, demo_site: Any) -> None:
    child, school = demo_site.accounts["children_a"][6], demo_site.accounts["school_a"]
    registrar = person("registrar.a")
    _start(registrar, child, "suspend")
    registrar.shot("cases-suspend-draft")
    registrar.page.select_option("[name=reason]", index=1)
    today = timezone.localdate()
    registrar.page.fill("[name=start]", today.isoformat())
    registrar.page.fill("[name=end]", (today + timedelta(days=200)).isoformat())
    _evidence(registrar)
    registrar.shot("cases-suspend-ready")
    case_url = _send(registrar)
    everybody = [person(school[post]) for post in ("head", "county_clerk", "county_head")]
    _decided(everybody, case_url)
    registrar.go(case_url)
    assert "已办结" in registrar.page.inner_text("main")
    registrar.go(f"/students/{child['person_id']}/")
    assert "休学" in registrar.page.inner_text(".xj-person")

    # Well again: back into a class, the same way.
    _start(registrar, child, "resume")
    registrar.page.select_option("[name=reason]", index=1)
    registrar.page.select_option("[name=to_class_id]", index=1)
    registrar.page.fill("[name=resume_on]", today.isoformat())
    _evidence(registrar)
    registrar.shot("cases-resume-ready")
    _decided(everybody, _send(registrar))
    registrar.go(f"/students/{child['person_id']}/")
    registrar.shot("cases-resumed")
    assert "在读" in registrar.page.inner_text(".xj-person")
