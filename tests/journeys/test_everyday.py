"""Short everyday journeys: each somebody with one thing to do, who ends with it done."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from pypdf import PdfReader

pytestmark = [pytest.mark.browser]


@pytest.mark.capability("C-CER-04", page="/my/")
def test_a_parent_sees_on_the_phone_where_the_child_is_and_takes_a_certificate_home(
    person: Any, demo_site: Any
) -> None:
    child = demo_site.accounts["parent_children"][0]
    parent = person("parent", phone=True)
    parent.go("/my/")
    # Other cards of the page, a form to fill in say, name the child as well.
    with parent.page.expect_navigation(url=re.compile(r"/my/[0-9a-f-]{36}/$")):
        parent.page.get_by_role("link", name=f"看{child['name']}的学籍").click()
    text = parent.page.inner_text("main")
    assert child["school"] in text
    assert child["identity"] not in text
    parent.shot("everyday-parent")
    width = parent.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "nothing sticks out to the side"
    with parent.page.expect_navigation():
        parent.page.locator("form[action$='/certificate/'] button").first.click()
    parent.shot("everyday-parent-certificate")
    with parent.page.expect_download() as download:
        parent.page.locator("a[href$='certificate.pdf']").first.click()
    paper = PdfReader(io.BytesIO(download.value.path().read_bytes()))
    assert child["name"] in "".join(p.extract_text() for p in paper.pages)


def test_the_class_teacher_prints_the_register_of_her_class(person: Any, demo_site: Any) -> None:
    child = demo_site.accounts["children_a"][0]
    teacher = person("teacher.a")
    teacher.go("/classes/")
    teacher.page.locator("main table a[href^='/classes/']").first.click()
    teacher.page.wait_for_url(re.compile(r"/classes/\d+/"))
    teacher.shot("everyday-class")
    assert child["name"] in teacher.page.inner_text("main")
    with teacher.page.expect_download() as download:
        teacher.page.locator("a[href$='roster.pdf']").first.click()
    paper = "".join(p.extract_text() for p in PdfReader(io.BytesIO(download.value.path().read_bytes())).pages)
    assert child["name"] in paper
    assert demo_site.accounts["school_a"]["name"] in paper


def test_the_county_clerk_goes_from_a_figure_of_the_movement_table_to_the_names(person: Any) -> None:
    clerk = person("county1.clerk")
    clerk.go("/")
    clerk.page.locator("nav a[href='/statistics/movement/']").first.evaluate("e => e.click()")
    clerk.page.wait_for_url(re.compile(r"/statistics/movement/"))
    assert "平衡 ✓" in clerk.page.inner_text("main")
    clerk.shot("everyday-movement")
    figure = clerk.page.locator("main a[href*='/statistics/names/']").first
    number = int(re.sub(r"\D", "", figure.inner_text()))
    figure.click()
    clerk.page.wait_for_url(re.compile(r"/statistics/names/"))
    clerk.shot("everyday-names")
    assert clerk.page.locator("main table tbody tr").count() == min(number, 50)


def test_a_new_account_must_choose_a_password_of_its_own_before_anything_else(
    person: Any, demo_site: Any
) -> None:
    admin = person("secadmin")
    admin.go("/accounts/new/")
    admin.page.fill("[name=username]", "journey.new")
    admin.page.fill("[name=display_name]", "陆新来")
    admin.shot("everyday-account-new")
    role = admin.page.locator("select[name=role]")
    if role.count():
        role.select_option("registrar")
    for org in admin.page.locator("[name=org]").all()[:1]:
        if org.evaluate("e => e.tagName") == "SELECT":
            org.select_option(str(demo_site.accounts["school_a"]["org_id"]))
        else:
            org.fill(demo_site.accounts["school_a"]["code"])
    with admin.page.expect_navigation():
        admin.page.locator("main form button.btn-primary").last.click()
    admin.shot("everyday-account-made")
    first = admin.page.locator("code, .xj-secret, [data-secret]").first.inner_text().strip()

    admin.page.context.clear_cookies()
    admin.go("/login/")
    admin.page.fill("input[name=username]", "journey.new")
    admin.page.fill("input[name=password]", first)
    admin.page.click("main button[type=submit], form button.btn-primary")
    admin.page.wait_for_url(re.compile(r"/me/password/"))
    admin.go("/students/")
    assert "/me/password/" in admin.page.url, "nothing else opens before"
    admin.shot("everyday-first-password")
