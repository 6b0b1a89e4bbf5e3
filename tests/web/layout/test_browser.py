"""The pages in a real browser, under the project's content security policy, served from memory."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as project
from django.template.loader import render_to_string
from django.test import RequestFactory
from playwright.sync_api import Browser, Page, Route
from tests.bed import CHROMIUM

import xueji.web.layout as room
from xueji.web.layout import showcase

STATIC = Path(room.__file__).parent / "static"
SITE = "http://face.test"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


@pytest.fixture(scope="module")
def browser(chromium: Browser) -> Browser:
    return chromium


@lru_cache(maxsize=1)
def drawn() -> dict[str, str]:
    """All sample pages, rendered once."""
    pages = {}
    for name, template in showcase.PAGES.items():
        context = showcase.context(RequestFactory().get("/"))
        if name == "phone":
            context["nav"] = [{"label": "孩子", "icon": "home", "url": "#", "active": True}]
        pages[name] = render_to_string(template, context)
    return pages


class Site:
    """One browser page whose requests are answered here; notes what was asked and what went wrong."""

    def __init__(self, browser: Browser, width: int = 1366, height: int = 768) -> None:
        # Without movement a colour is what it will stay: nothing is measured in the middle of a transition.
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", reduced_motion="reduce"
        )
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.pages = drawn()
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.faults.append(str(e)))
        self.page.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        self.asked.append(f"{route.request.method} {url.scheme}://{url.netloc}{url.path}")
        if url.path.startswith("/static/"):
            path = STATIC / url.path.removeprefix("/static/")
            kind = mimetypes.guess_type(path.name)[0] or "font/woff2"
            route.fulfill(body=path.read_bytes(), content_type=kind)
        elif url.path == "/reveal/":
            body = render_to_string(
                "layout/revealed.html", {"value": "990101201809150021", "mask": "990***0021", "seconds": 1}
            )
            route.fulfill(body=body, content_type="text/html; charset=utf-8")
        else:
            name = url.path.strip("/").removeprefix("_face").strip("/")
            directives = project.CONTENT_SECURITY_POLICY["DIRECTIVES"]
            policy = "; ".join(f"{key} {' '.join(value)}" for key, value in directives.items())
            route.fulfill(
                body=self.pages.get(name, self.pages[""]),
                headers={"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy},
            )

    def open(self, name: str = "") -> Page:
        self.page.goto(f"{SITE}/_face/{name}", wait_until="load")
        return self.page


@pytest.fixture
def site(browser: Browser) -> Iterator[Site]:
    made = Site(browser)
    yield made
    made.context.close()


@pytest.mark.parametrize("name", sorted(showcase.PAGES))
def test_page_fits_every_window_obeys_the_policy_and_asks_nobody_else(site: Site, name: str) -> None:
    page = site.open(name)
    for width in (1920, 1366, 1024, 683, 390, 360):
        page.set_viewport_size({"width": width, "height": 768})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width
    assert site.faults == []
    assert all(SITE in line for line in site.asked)


CONTRAST = """() => {
  const part = (v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
  const lum = (c) => .2126 * part(c[0]) + .7152 * part(c[1]) + .0722 * part(c[2]);
  const rgb = (s) => (s.match(/[\\d.]+/g) || []).map(Number);
  const back = (el) => {
    for (; el; el = el.parentElement) {
      const c = rgb(getComputedStyle(el).backgroundColor);
      if (c.length === 3 || c[3] > .99) return c;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const el = n.parentElement;
    if (!n.textContent.trim() || !el.offsetParent || el.closest("script,svg")) continue;
    const a = lum(rgb(getComputedStyle(el).color)), b = lum(back(el));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push([el.className, n.textContent.trim().slice(0, 20), ratio.toFixed(2)].join(" "));
  }
  return bad;
}"""


@pytest.mark.parametrize("look", ["", "contrast"])
@pytest.mark.parametrize("name", ["", "list", "case", "phone"])
def test_all_text_has_enough_contrast(site: Site, name: str, look: str) -> None:
    page = site.open(name)
    page.evaluate("look => look && document.documentElement.classList.add('xj-' + look)", look)
    assert page.evaluate(CONTRAST) == []


def test_controls_on_a_phone_are_large_enough_for_a_finger(browser: Browser) -> None:
    site = Site(browser, 390, 844)
    page = site.open("phone")
    small = page.evaluate(
        """() => [...document.querySelectorAll('.btn, .xj-top-btn, .xj-tabbar a, .xj-masked-ask > summary')]
        .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 44)
        .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert small == []
    site.context.close()


def test_keyboard_walks_a_list_and_finds_the_search_box(site: Site) -> None:
    page = site.open("list")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.locator("tr.is-cursor .xj-col-no").inner_text() == "1"
    page.keyboard.press(" ")
    assert page.locator("[data-batch-count]").inner_text() == "1"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "xj-q"
    page.keyboard.type("j/k")
    assert page.input_value("#xj-q") == "j/k"
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    assert page.locator("#xj-keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/_face/student/")


def test_single_keys_can_be_switched_off(site: Site) -> None:
    page = site.open("list")
    page.keyboard.press("?")
    page.locator("#xj-keys [data-face=nokeys]").check()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.locator("tr.is-cursor").count() == 0


def test_larger_text_is_chosen_once_and_kept_in_a_cookie(site: Site) -> None:
    page = site.open("list")
    page.locator(".xj-top-end .xj-menu summary").first.click()
    page.locator(".xj-top [data-face=large]").check()
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "17.9998px"
    assert {c["name"]: c["value"] for c in site.context.cookies()}["xj_face"] == "large"


def test_revealed_value_hides_itself(site: Site) -> None:
    page = site.open()
    page.locator(".xj-masked-ask summary").last.click()
    page.get_by_role("button", name="核对证件").locator("visible=true").click()
    shown = page.locator("[data-autohide]")
    shown.wait_for()
    assert "990101201809150021" in shown.inner_text()
    page.get_by_text("990***0021", exact=True).wait_for()
    assert "990101201809150021" not in shown.inner_text()
    assert site.faults == []


def test_confirmation_keeps_or_does(site: Site) -> None:
    page = site.open()
    page.get_by_role("button", name="删除草稿", exact=True).first.click()
    dialog = page.locator("#drop")
    assert dialog.is_visible()
    dialog.get_by_role("button", name="保留").click()
    assert not dialog.is_visible()


def test_draft_survives_a_reload_and_can_be_dropped(site: Site) -> None:
    page = site.open()
    page.fill("#id_name", "买买提.艾力")
    page.press("#id_name", "Tab")
    assert page.input_value("#id_name") == "买买提·艾力"
    saved = page.locator("form[data-autosave][data-draft-at]")
    saved.wait_for()
    page.reload(wait_until="load")
    assert page.input_value("#id_name") == "买买提·艾力"
    page.get_by_role("button", name="不要暂存的内容").click()
    assert page.input_value("#id_name") == ""


@pytest.mark.parametrize(
    ("answers", "kept"), [(("error",), "张三"), (("success",), ""), (("success", "error"), "")]
)
def test_what_was_sent_and_refused_stands_there_again(
    site: Site, answers: tuple[str, ...], kept: str
) -> None:
    site.pages = {name: html.replace('data-actor=""', 'data-actor="7"') for name, html in site.pages.items()}
    page = site.open()
    page.fill("#id_name", "张三")
    page.evaluate("document.querySelector('form[data-autosave]').dispatchEvent(new Event('submit'))")
    said = "".join(f'<p class="xj-alert-{tone}">-</p>' for tone in answers)
    site.pages = {
        name: html.replace("</main>", f'<div class="xj-messages">{said}</div></main>')
        for name, html in site.pages.items()
    }
    page.reload(wait_until="load")
    assert page.input_value("#id_name") == kept


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("11010519491231002x", "证件号校验正确 · 1949-12-31 · 女"),
        ("110105194912310021", "证件号最后一位不对"),
        ("11010519490230002X", "出生日期不存在"),
        ("11010519491231002", "应为18位, 现在是17位"),
    ],
)
def test_id_number_is_explained_while_typing(site: Site, number: str, words: str) -> None:
    page = site.open()
    page.fill("#id_id_number", number)
    page.press("#id_id_number", "Tab")
    assert words in page.locator("#field-id_number [data-live-hint]").inner_text()


def test_files_of_a_wrong_kind_are_named_and_not_sent(site: Site) -> None:
    page = site.open()
    box = page.locator("input[name=hukou]")
    box.set_input_files({"name": "照片.heic", "mimeType": "image/heic", "buffer": b"x"})
    assert "照片.heic" in page.locator("[data-file-error]:visible").inner_text()
    assert box.evaluate("el => el.files.length") == 0
    box.set_input_files({"name": "户口簿.jpg", "mimeType": "image/jpeg", "buffer": b"x"})
    assert "户口簿.jpg" in page.locator(".xj-slots li").first.inner_text()


def test_session_warning_appears_two_minutes_before_the_end_and_can_be_extended(site: Site) -> None:
    page = site.page
    page.clock.install()
    site.open("list")
    page.clock.fast_forward(1800 * 1000 - 119 * 1000)
    page.locator("#xj-session").wait_for()
    page.get_by_role("button", name="继续使用").click()
    page.locator("#xj-session").wait_for(state="hidden")
    assert any(line.startswith("POST") for line in site.asked)


def test_navigation_opens_as_a_drawer_on_narrow_screens(browser: Browser) -> None:
    site = Site(browser, 683, 600)
    page = site.open("list")
    assert not page.locator("#xj-nav").is_visible()
    page.locator("[data-toggle-nav]").click()
    assert page.locator("#xj-nav").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#xj-nav").is_visible()
    site.context.close()


def test_rare_character_font_is_fetched_only_when_needed(site: Site) -> None:
    site.open("public")
    assert not any("woff2" in line for line in site.asked)
