"""A number that two schools claim, from the correction to the arbitration; and a child who comes as a guest."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

pytestmark = [pytest.mark.browser]


def _picture(name: str) -> dict[str, Any]:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (320, 240), (200, 210, 220)).save(out, "JPEG")
    return {"name": name, "mimeType": "image/jpeg", "buffer": out.getvalue()}


def _evidence(who: Any, slot: str) -> None:
    who.page.locator(f"input[type=file][name='{slot}']").set_input_files(_picture(f"{slot}.jpg"))
    with who.page.expect_navigation():
        who.page.get_by_role("button", name="上传材料").click()


def _send(who: Any) -> str:
    who.page.locator("button[value=submit]").click()
    who.page.locator("dialog[open] button", has_text="提交").last.click()
    who.page.wait_for_selector("text=办理进度")
    return str(re.search(r"/cases/[0-9a-f-]{36}/", who.page.url)[0])  # type: ignore[index]


def _pass(person: Any, school: dict[str, Any], case_url: str) -> None:
    for username in (school["head"], school["county_clerk"], school["county_head"]):
        who = person(username)
        who.go(case_url)
        with who.page.expect_navigation():
            who.page.get_by_role("button", name="核办通过").first.click()


def _prove(person: Any, who: Any, school: dict[str, Any], problem_url: str, words: str) -> None:
    """A school answers 佐证 from the page of the problem, and its authority approves."""
    who.go(problem_url)
    who.page.get_by_role("button", name="变更、佐证或删除").click()
    who.page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/"))
    who.page.select_option("[name=action]", "prove")
    who.page.fill("[name=statement]", words)
    _evidence(who, "佐证材料")
    _pass(person, school, _send(who))


@pytest.mark.capability("C-DUP-04", page="/problems/")
@pytest.mark.capability("C-DUP-05", page="/problems/")
def test_two_schools_claim_one_number_and_the_unit_above_decides(person: Any, demo_site: Any) -> None:
    told = demo_site.accounts
    ours, theirs = told["children_a"][7], told["transfer_children"][7]
    a, b = told["school_a"], told["school_b"]
    registrar = person(a["registrar"])
    registrar.go(f"/cases/new/?person={ours['person_id']}")
    registrar.page.locator("form[action*='/cases/new/correct_key/'] button").first.click(force=True)
    registrar.page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/"))
    registrar.page.fill("[name=new_number]", theirs["identity"])
    registrar.page.fill("[name=reason]", "户口簿上是这个号码")
    with registrar.page.expect_navigation():
        registrar.page.get_by_role("button", name="保存草稿").click()
    assert "新证件号已由另一名学生使用" in registrar.page.inner_text("main")
    registrar.page.get_by_role("link", name="登记问题学籍").click()
    registrar.page.get_by_role("button", name="登记问题学籍").click()
    registrar.page.wait_for_url(re.compile(r"/problems/[0-9a-f-]{36}/"))
    problem_url = registrar.page.url.removeprefix(demo_site.url)
    text = registrar.page.inner_text("main")
    assert a["name"] in text
    assert b["name"] in text
    assert theirs["identity"] not in text
    registrar.shot("problem-opened")

    _prove(person, registrar, a, problem_url, "派出所证明号码属于我校学生")
    other = person(b["registrar"])
    other.go("/problems/")
    assert theirs["name"] in other.page.inner_text("main")
    _prove(person, other, b, problem_url, "户口簿原件号码一致")
    other.go(problem_url)
    assert "待仲裁" in other.page.inner_text("main")

    superior = other.page.inner_text("main").split("共同的主管部门")[1].split("\n")
    above = next(x.strip() for x in superior if x.strip())
    head = next(
        x["username"] for x in told["accounts"] if x["org"] == above and x["role_label"].endswith("负责人")
    )
    judge = person(head)
    judge.go("/problems/")
    judge.page.locator("table a").first.click()
    judge.page.wait_for_url(re.compile(r"/problems/[0-9a-f-]{36}/"))
    judge.shot("problem-arbitration")
    judge.page.select_option("[name=order_1]", "change")
    judge.page.select_option("[name=order_2]", "keep")
    judge.page.fill("[name=opinion]", "公安部门证明号码属于乙方学生")
    judge.page.get_by_role("button", name="作出仲裁决定").click()
    judge.page.locator("dialog[open] button", has_text="决定").last.click()
    judge.page.wait_for_selector("text=仲裁已经生效")
    other.go(problem_url)
    assert "已解决" in other.page.inner_text("main")
    registrar.go(problem_url)
    assert "由本方变更" in registrar.page.inner_text("main")


@pytest.mark.capability("C-BOR-01", page="/cases/new/")
@pytest.mark.capability("C-BOR-02", page="/guests/")
def test_a_child_comes_as_a_guest_and_stands_in_the_register(person: Any, demo_site: Any) -> None:
    told = demo_site.accounts
    child, host, origin = told["transfer_children"][6], told["school_a"], told["school_b"]
    registrar = person(host["registrar"])
    registrar.go("/cases/new/")
    registrar.page.fill("#transfer [name=name]", child["name"])
    registrar.page.fill("#transfer [name=number]", child["number"])
    registrar.page.get_by_role("button", name="查询并发起借读").click()
    registrar.page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/"))
    page = registrar.page
    page.select_option("[name=reason]", "家庭原因")
    page.select_option("[name=to_class_id]", index=1)
    page.fill("[name=end]", (timezone.localdate() + timedelta(days=200)).isoformat())
    _evidence(registrar, "借读申请")
    registrar.shot("guest-draft")
    case_url = _send(registrar)
    _pass(person, host, case_url)
    registrar.go("/guests/")
    text = page.inner_text("main")
    assert child["name"] in text
    assert origin["name"] in text
    registrar.shot("guest-register")
    keeper = person(origin["registrar"])
    keeper.go("/guests/")
    assert child["name"] in keeper.page.inner_text("main")
    keeper.go(f"/students/{child['person_id']}/")
    assert "在读" in keeper.page.inner_text("body")


@pytest.mark.capability("C-DRO-01", page="/dropout/")
@pytest.mark.capability("C-DRO-02", page="/dropout/")
def test_a_teacher_notices_a_missing_child_on_the_phone_and_the_county_sees_it(
    person: Any, demo_site: Any
) -> None:
    told = demo_site.accounts
    teacher = person("teacher.a", phone=True)
    teacher.go("/dropout/")
    teacher.page.get_by_role("link", name="登记疑似辍学").first.click()
    page = teacher.page
    page.select_option("[name=person]", index=3)
    name = page.locator("[name=person] option:checked").inner_text()
    page.fill("[name=since]", (timezone.localdate() - timedelta(days=8)).isoformat())
    page.fill("[name=text]", "一周没有到校, 电话无人接")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    teacher.shot("dropout-phone-new")
    page.get_by_role("button", name="登记").click()
    page.wait_for_selector("text=已登记, 请尽快联系家长")
    page.select_option("[name=deed]", "visit")
    page.locator("form[action$='/follow/'] [name=text]").fill("家访, 家长答应周一送回")
    page.get_by_role("button", name="记录").click()
    page.wait_for_selector("text=家长答应周一送回")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    teacher.shot("dropout-phone-watch")
    url = page.url.removeprefix(demo_site.url)
    office = person(told["school_a"]["registrar"])
    office.go(url)
    office.page.get_by_role("button", name="上报").click()
    office.page.wait_for_selector("text=已上报主管部门")
    county = person(told["school_a"]["county_clerk"])
    county.go("/dropout/")
    assert name in county.page.inner_text("main")
    county.shot("dropout-county")
