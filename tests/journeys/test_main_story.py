"""The main job, end to end, as six people do it in their browsers: a sheet, a record, a transfer, a certificate.

Who: the registrar of school A brings in this year's first-graders; the registrar of school B asks for one of them.
What they see: faults cell by cell and mended in place; a case that says who holds it; a paper that can be verified.
What they end with: the child in B from the day, A with its own period to read, head-counts that balance.
"""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.db import transaction

from xueji.ground.standards.pinyin import pinyin_of
from xueji.web import demo
from xueji.web.cli import verify

pytestmark = [pytest.mark.browser]


def decide(who: Any, case_url: str, words: str) -> None:
    """Open the case from the to-do list and pass it."""
    who.go("/")
    assert who.page.locator(f"a[href*='{case_url}']").count() >= 1, "the case is among the to-dos"
    who.go(case_url)
    who.page.locator("#decide textarea").first.fill(words)
    with who.page.expect_navigation():
        who.page.get_by_role("button", name=re.compile("核办通过")).first.click()


def movement(who: Any) -> str:
    """The text under the movement table of this school year."""
    who.go("/statistics/movement/")
    return str(who.page.inner_text("main"))


@pytest.mark.capability("C-COL-06", page="/import/")
@pytest.mark.capability("C-TRF-09", page="/cases/new/")
def test_from_a_sheet_to_a_legal_record_to_a_transfer(person: Any, demo_site: Any) -> None:
    school_a, school_b = demo_site.accounts["school_a"], demo_site.accounts["school_b"]
    with transaction.atomic():
        sheet = demo.sheet(school_a["code"], 200, 12, seed=11)
    wrong_rows = {f.row for f in sheet.faults}

    # The registrar of A brings the sheet; 12 rows are faulty, each says why, each is mended in place.
    a = person("registrar.a", by_page=True)
    a.go("/import/")
    a.page.set_input_files(
        "input[type=file]",
        {"name": "一年级新生.xlsx", "mimeType": "application/octet-stream", "buffer": sheet.content},
    )
    a.page.get_by_role("button", name="上传并检查").click()
    a.page.wait_for_url(re.compile(r"/import/\d+/"))
    a.page.wait_for_selector("#batch-summary")
    batch_url = re.search(r"/import/\d+/", a.page.url)[0]  # type: ignore[index]
    summary = a.page.inner_text("#batch-summary")
    assert "200" in summary
    a.shot("story-1-import")
    for fault in sheet.faults:
        a.go(f"{batch_url}rows/{fault.row}/")
        assert a.page.locator(".has-error").count() >= 1, f"row {fault.row} ({fault.kind}) is shown as faulty"
        a.page.fill(f"#id_{fault.key}", fault.right)
        if fault.kind.startswith("duplicate"):
            a.page.fill("#id_birth_date", fault.right[6:14])
            a.page.fill("#id_sex", "男" if int(fault.right[16]) % 2 else "女")
        with a.page.expect_navigation():
            a.page.get_by_role("button", name="保存并重新检查").click()
    a.go(batch_url)
    assert a.page.locator("table .xj-error").count() == 0, a.page.inner_text("#batch-summary")
    a.page.click("#publish-button")
    a.page.click("#publish-confirm")
    a.page.wait_for_selector("text=已建立学籍的学生")
    a.shot("story-2-published")

    # She finds a child by the initials of its name.
    index = next(i for i in range(30, 200) if i + 2 not in wrong_rows and "·" not in sheet.names[i])
    name = sheet.names[index]
    a.go(f"/students/?q={pinyin_of(name).initials}")
    a.page.get_by_role("link", name=name, exact=True).first.click()
    a.page.wait_for_url(re.compile(r"/students/[0-9a-f-]{36}/"))
    student_url = re.search(r"/students/[0-9a-f-]{36}/", a.page.url)[0]  # type: ignore[index]
    assert school_a["name"] in a.page.inner_text("main")

    # The parents take the printed form with the number to B: here the registrar reveals it, for a purpose.
    a.page.locator(".xj-person .xj-masked summary").first.click()
    a.page.locator(".xj-person .xj-purpose button").first.click()
    a.page.get_by_text(re.compile(r"L\d{17}[\dX]")).first.wait_for()
    number = re.search(r"L\d{17}[\dX]", a.page.inner_text(".xj-person"))[0]  # type: ignore[index]

    # The registrar of B, in another county, asks for the child.
    b = person("registrar.b", by_page=True)
    b.go("/cases/new/")
    b.page.fill("#transfer [name=name]", name)
    b.page.fill("#transfer [name=number]", number)
    with b.page.expect_navigation():
        b.page.get_by_role("button", name="查询并发起转入").click()
    b.page.select_option("[name=reason]", index=1)
    b.page.select_option("[name=to_class_id]", index=1)
    for slot in b.page.locator("input[type=file]").all():
        slot.set_input_files({"name": "材料.jpg", "mimeType": "image/jpeg", "buffer": _picture()})
    with b.page.expect_navigation():
        b.page.get_by_role("button", name="上传材料").click()
    b.shot("story-3-draft")
    b.page.locator("button[value=submit]").click()
    b.page.wait_for_selector("dialog[open]")
    b.shot("story-3b")
    b.page.locator("dialog[open] button.btn-primary, dialog[open] button:has-text('提交')").last.click()
    b.page.wait_for_selector("text=办理进度")
    case_url = re.search(r"/cases/[0-9a-f-]{36}/", b.page.url)[0]  # type: ignore[index]
    assert "现在在" in b.page.inner_text("main")
    b.shot("story-4-case")

    # Everybody decides, each in his turn.
    order = [
        school_b["head"], school_b["county_clerk"], school_b["county_head"],
        school_a["registrar"], school_a["head"], school_a["county_clerk"], school_a["county_head"],
    ]  # fmt: skip
    for username in order:
        who = a if username == "registrar.a" else person(username)
        decide(who, case_url, "情况属实, 同意转学")

    # The child is in B from the day; A reads its own period and can do nothing more.
    b.go(case_url)
    assert "已办结" in b.page.inner_text("main")
    b.go(student_url)
    assert school_b["name"] in b.page.inner_text(".xj-person")
    a.go(student_url)
    text = a.page.inner_text("main")
    assert "转出" in text
    assert "不能修改" in text
    assert a.page.get_by_role("link", name="发起业务").count() == 0 or "发起业务" not in text

    # A certificate printed in B verifies for anybody who holds the paper.
    b.go(student_url)
    b.page.get_by_role("link", name="开具证明").first.click()
    b.page.locator("main [name=purpose]").fill("办理公交卡")
    b.page.locator("main form button.btn-primary").click()
    b.page.wait_for_url(re.compile(r"/certificates/[0-9a-f-]{36}/"))
    with b.page.expect_download() as download:
        b.page.locator("a[href$='certificate.pdf']").first.click()
    code = _code(download.value.path().read_bytes())  # type: ignore[union-attr]
    anybody = b.context.browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page = anybody.new_page()
    page.goto(f"{demo_site.url}/verify/{code}/")
    answer = page.inner_text("body")
    assert "有效" in answer
    assert school_b["name"] in answer
    assert number not in answer
    anybody.close()

    # The movement tables of both schools and both counties balance, and the database agrees with itself.
    for username in ("registrar.a", "registrar.b", school_a["county_head"], school_b["county_head"]):
        assert "平衡 ✓" in movement(
            a if username == "registrar.a" else b if username == "registrar.b" else person(username)
        )
    from xueji import config

    owner = config.owner_dsn().as_database(demo_site.database)
    assert [p for p in verify.run("all", owner=owner) if not p.check.startswith("audit")] == []


def _picture() -> bytes:
    """A photograph of nothing in particular."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (640, 480), (200, 210, 220)).save(out, "JPEG")
    return out.getvalue()


def _code(pdf: bytes) -> str:
    """The verification code as it stands on the paper."""
    from pypdf import PdfReader

    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    found = re.search(r"([0-9A-Z]{4})[ -]([0-9A-Z]{4})\s([0-9A-Z]{4})[ -]([0-9A-Z]{4})", text)
    assert found, text
    return "".join(found.groups())
