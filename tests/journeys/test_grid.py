"""A sheet mended in the grid by keyboard alone, with the network gone for a moment.

Who: a registrar whose sheet came back with faults. What she sees: cells marked and named, a value offered; a save that fails
leaves her text where it is. What she ends with: rows that can be imported, without having left the page.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import transaction

from xueji.web import demo

pytestmark = [pytest.mark.browser]


@pytest.mark.capability("C-COL-06", page="/import/")
def test_the_grid_is_mended_by_keyboard_and_keeps_what_was_typed(person: Any, demo_site: Any) -> None:
    school = demo_site.accounts["school_a"]
    with transaction.atomic():
        sheet = demo.sheet(school["code"], 40, 12, seed=77)
    who = person("registrar.a")
    page = who.page
    who.go("/import/")
    page.set_input_files(
        "input[type=file]",
        {"name": "二年级补录.xlsx", "mimeType": "application/octet-stream", "buffer": sheet.content},
    )
    page.get_by_role("button", name="上传并检查").click()
    page.wait_for_selector("#batch-summary")
    page.get_by_role("link", name="在表格里修改").click()
    page.wait_for_selector("table.xj-sheet")
    who.shot("grid-1")
    marked = [
        f for f in sheet.faults
        if page.locator(f'#row-{f.row} td[data-key="{f.key}"][aria-invalid]').count()
        and f.key != "id_number" and not f.kind.startswith("duplicate")
    ]  # fmt: skip
    fault = marked[0]
    cell = page.locator(f'#row-{fault.row} td[data-key="{fault.key}"]')
    before = page.inner_text("#grid-summary")

    # The network is gone: the text stays in its cell, and the next Enter saves it.
    page.route("**/cell/", lambda route: route.abort())
    cell.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.type(fault.right)
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#row-{fault.row} td.is-unsaved input:not([readonly])")
    assert cell.locator("input").input_value() == fault.right
    assert "没有保存成功" in page.inner_text("#xj-toasts")
    page.unroute("**/cell/")
    page.keyboard.press("Enter")
    page.wait_for_selector(f'#row-{fault.row} td[data-key="{fault.key}"]:not(.is-error):not(.is-unsaved)')
    assert page.inner_text("#grid-summary") != before

    # Arrows move, Escape gives up, and an offer is taken with one click.
    page.keyboard.press("ArrowRight")
    moved = page.evaluate("document.activeElement.dataset.key")
    assert moved
    page.keyboard.press("x")
    assert page.evaluate("document.activeElement.value") == "x"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "TD"
    offers = page.locator("[data-offer]")
    if offers.count():
        text = page.inner_text("#grid-summary")
        row = offers.first.locator("xpath=ancestor::tr").get_attribute("id")
        offers.first.click()
        page.wait_for_function(
            "([id, t]) => document.getElementById('grid-summary').textContent !== t"
            " || !document.querySelector('#' + id + ' [data-offer]')",
            arg=[row, text],
        )
    assert re.search(r"/import/\d+/grid/", page.url)
    page.set_viewport_size({"width": 390, "height": 844})
    who.shot("grid-2")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "only the table scrolls on a phone"
