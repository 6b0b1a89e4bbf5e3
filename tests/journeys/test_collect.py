"""A mother checks her child's data on the phone and signs with her finger, in a real browser."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

pytestmark = [pytest.mark.browser]

#: Whether a button can be pressed when the page is scrolled to its end: nothing fixed lies over it.
FREE = """(words) => {
  window.scrollTo(0, document.documentElement.scrollHeight);
  const button = [...document.querySelectorAll("button")].find((b) => b.innerText.includes(words));
  const frame = button.getBoundingClientRect();
  return button.contains(document.elementFromPoint(frame.x + frame.width / 2, frame.bottom - 3));
}"""


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (800, 600), "#ccd").save(out, "JPEG")
    return out.getvalue()


@pytest.mark.capability("C-COL-03")
@pytest.mark.capability("C-COL-26")
def test_a_mother_corrects_the_phone_and_signs_with_her_finger(person: Any) -> None:
    """On the phone she opens what the school asks, changes one number, leaves, comes back to it, declares and signs
    with her finger; she ends with the form handed in, and what she typed was kept meanwhile.
    """
    mother = person("parent", phone=True)
    page = mother.page
    mother.go("/my/")
    with page.expect_navigation():
        page.click("main a.btn-primary:has-text('的信息') >> nth=0")
    address = page.url
    page.focus("summary:has-text('住址与联系方式')")
    page.keyboard.press("Enter")
    with page.expect_response(lambda r: r.request.method == "POST" and r.status == 204):
        page.fill("#id_to_phone", "13712345678")
        page.press("#id_to_phone", "Tab")
    mother.shot("collect-form")
    page.goto(address)
    page.fill("#id_to_name", "张小萱")
    assert "137****5678" in (page.get_attribute("#id_to_phone", "placeholder") or "")
    page.click("button:has-text('下一步: 核对并签字')")
    page.wait_for_url("**/sign/")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, width
    # A picture is taken as it comes from the camera: what the picker offers, the page does not refuse.
    page.set_input_files(
        "input[name=proof]", {"name": "IMG_1.JPG", "mimeType": "image/jpeg", "buffer": _picture()}
    )
    assert "IMG_1.JPG" in page.inner_text("[data-file-name]")
    page.check("#id_declared")
    page.check("input[name=commitments]")
    page.evaluate("document.querySelector('canvas').scrollIntoView({block: 'center'})")
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 70)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + 20 + step * 30, box["y"] + (30 if step % 2 else 80))
    page.mouse.up()
    mother.shot("collect-sign")
    assert page.evaluate(FREE, "签字并提交")
    page.click("button:has-text('签字并提交')")
    page.wait_for_url(address)
    assert "有差异" in page.inner_text("main") and "手写签名" in page.inner_text("main")
    mother.shot("collect-sent")
