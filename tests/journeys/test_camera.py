"""The browser's camera: a class before it, by keyboard and on a phone, in a real browser with a pretended camera."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.browser]

#: The class with the most pupils left to photograph, and how many they are.
CLASS = """() => [...document.querySelectorAll("main tr[data-row]")].map((row) => ({
  url: row.dataset.href, left: Number(row.querySelectorAll("td")[2].innerText)})).sort((a, b) => b.left - a.left)[0]"""


@pytest.mark.capability("C-COL-09", page="/photos/camera/{id}/")
def test_a_class_is_photographed_by_keyboard_one_after_the_other(person: Any) -> None:
    """The registrar opens the class, presses space to take and space to keep: each time the
    next pupil is called, and two pupils have official photos in the end; a third is taken again and not sent.
    """
    registrar = person("registrar.a")
    page = registrar.page
    registrar.go("/photos/")
    with page.expect_navigation():
        page.click("main a:has-text('用摄像头拍照'), header a:has-text('用摄像头拍照')")
    chosen = page.evaluate(CLASS)
    assert chosen["left"] >= 2
    registrar.go(chosen["url"])
    page.wait_for_selector("[data-camera-take]:visible")
    page.wait_for_function("document.querySelector('[data-camera-video]').videoWidth > 0")
    registrar.shot("camera-live")
    first = page.inner_text("[data-camera-name]")
    for turn in range(2):
        assert page.evaluate("document.activeElement.hasAttribute('data-camera-take')"), "the key is at hand"
        page.keyboard.press("Space")
        page.wait_for_selector("[data-camera-keep]:visible")
        if turn == 0:
            registrar.shot("camera-taken")
        with page.expect_response(
            lambda r: r.request.method == "POST" and "/photos/camera/" in r.url
        ) as told:
            page.keyboard.press("Space")
        assert told.value.status == 200, told.value.text()[:300]
        page.wait_for_function(
            f"Number(document.querySelector('[data-camera-left]').innerText) === {chosen['left'] - turn - 1}"
        )
        page.wait_for_selector("[data-camera-take]:visible")
    assert page.inner_text("[data-camera-name]") != first
    assert "的照片已采用" in page.inner_text("[data-camera-said]")
    page.keyboard.press("Space")
    page.wait_for_selector("[data-camera-again]:visible")
    page.click("[data-camera-again]")
    page.wait_for_selector("[data-camera-take]:visible")
    done = page.get_attribute("[data-camera-mark].xj-chip-green >> xpath=..", "data-camera-pupil")
    photo = page.request.get(f"{registrar.site.url}/people/{done}/photo.jpg")
    assert photo.status == 200 and photo.body().startswith(b"\xff\xd8\xff") and len(photo.body()) <= 60 * 1024


def test_a_picture_outlives_the_session(person: Any) -> None:
    """The session ends while a pupil stands before the camera: the page says so and keeps the picture; after signing in
    again in another window the same picture is sent.
    """
    registrar = person("registrar.a")
    page = registrar.page
    registrar.go("/photos/camera/")
    registrar.go(page.evaluate(CLASS)["url"])
    page.wait_for_selector("[data-camera-take]:visible")
    page.click("[data-camera-take]")
    page.wait_for_selector("[data-camera-keep]:visible")
    registrar.context.clear_cookies()
    for _turn in range(2):
        page.click("[data-camera-keep]")
        page.wait_for_selector("[data-camera-said]:has-text('登录已过期')")
        page.wait_for_selector("[data-camera-keep]:enabled")
        assert page.is_visible("[data-camera-canvas]")
    window = registrar.page = registrar.context.new_page()
    registrar.sign_in("registrar.a")
    window.close()
    with page.expect_response(lambda r: r.request.method == "POST" and "/photos/camera/" in r.url) as told:
        page.click("[data-camera-keep]")
    assert told.value.status == 200, told.value.text()[:300]
    page.wait_for_selector("[data-camera-said]:has-text('的照片已采用')")


def test_on_a_phone_the_page_fits_and_without_a_camera_the_chooser_is_there(person: Any) -> None:
    """On a phone of 390 the picture and its buttons fit; where the camera is refused the page says so and takes a file."""
    registrar = person("registrar.a", phone=True)
    page = registrar.page
    registrar.go("/photos/camera/")
    chosen = page.evaluate(CLASS)
    registrar.go(chosen["url"])
    page.wait_for_selector("[data-camera-take]:visible")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    registrar.shot("camera-phone")
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };"
    )
    registrar.go(chosen["url"])
    page.wait_for_selector("[data-camera-said]:has-text('没有允许')")
    assert page.locator("[data-camera-take]").is_hidden()
    chooser = page.locator("input[type=file][name=photo]")
    assert (chooser.get_attribute("accept"), chooser.get_attribute("capture")) == ("image/*", "environment")
