"""What was done on paper while the system was down, entered by a registrar at a browser; and who stands in for whom."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from tests.journeys.test_cases import _start

pytestmark = [pytest.mark.browser]


@pytest.mark.capability("C-CHG-11")
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_draft_becomes_an_entry_after_an_outage(person: Any, demo_site: Any, phone: bool) -> None:
    child = demo_site.accounts["children_a"][-1 if phone else -2]
    registrar = person("registrar.a", phone=phone)
    _start(registrar, child, "suspend")
    page = registrar.page
    page.get_by_text("系统故障期间已在纸上办理").click()
    on = timezone.localdate() - timedelta(days=4)
    page.fill("#outage_on", on.isoformat())
    page.fill("#outage_reason", "系统停机维护期间在纸上办理")
    registrar.shot(f"outage-{'phone' if phone else 'desk'}")
    with page.expect_navigation():
        page.get_by_role("button", name="作为补录办理").click()
    assert f"实际办理日期 {on.isoformat()}" in page.inner_text("main")
    assert page.locator("text=线下办理凭证(纸质审批表)").count()
    assert page.input_value("#id_start") == on.isoformat()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "the page does not scroll sideways"


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_the_page_of_standing_in_is_found_from_ones_account(person: Any, phone: bool) -> None:
    head = person("county1.head", phone=phone)
    head.go("/me/")
    head.page.get_by_role("link", name="设置代办").click()
    head.page.wait_for_url(re.compile("/me/standin/"))
    head.shot(f"standin-{'phone' if phone else 'desk'}")
    assert "同一件业务的经办和核办仍须是两个人" in head.page.inner_text("main")
    wide = head.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
