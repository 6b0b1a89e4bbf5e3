"""Take the pictures of README and tutorial from a running demo, by walking through the tutorial.

    XUEJI_DATA=FOLDER xueji demo --port 8765        in one terminal, a fresh demo
    XUEJI_DATA=FOLDER python tools/screenshots.py --url http://127.0.0.1:8765

The walk writes: it publishes a sheet and moves a child, so it needs a demo of its own. Pages at 1366x768, a phone at
390x844. Needs Chromium and the packages for development.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 250 * 1024
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--lang=zh-CN"]


class Walk:
    """The demo, a browser, and one signed-in window for each account."""

    def __init__(self, browser: Any, url: str, demo: dict[str, Any], target: Path) -> None:
        self.browser, self.url, self.demo, self.target = browser, url, demo, target
        self.windows: dict[tuple[str, bool], Any] = {}

    def as_(self, username: str, *, phone: bool = False) -> Any:
        """The window of an account, signed in."""
        if (username, phone) not in self.windows:
            size = {"width": 390, "height": 844} if phone else {"width": 1366, "height": 768}
            page = self.browser.new_context(viewport=size, locale="zh-CN", accept_downloads=True).new_page()
            page.goto(f"{self.url}/login/")
            page.fill("input[name=username]", username)
            page.fill("input[name=password]", self.demo["password"])
            page.click("form button.btn-primary")
            page.wait_for_load_state()
            self.windows[username, phone] = page
        return self.windows[username, phone]

    def go(self, page: Any, path: str) -> Any:
        """Open an address and wait for its pictures."""
        page.goto(self.url + path)
        page.wait_for_load_state("networkidle")
        return page

    def shot(self, page: Any, name: str) -> None:
        """Keep what the window shows as a PNG of few colours."""
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        picture = picture.quantize(colors=192, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        path = self.target / f"{name}.png"
        picture.save(path, optimize=True)
        size = path.stat().st_size
        print(f"{path.name}: {size // 1024} KB" + (" TOO LARGE" if size > LIMIT else ""))


def records(walk: Walk) -> None:
    """What is there at the beginning: home, list, a student, figures, a parent's phone."""
    a = walk.as_("registrar.a")
    walk.shot(walk.go(a, "/"), "home")
    walk.shot(walk.go(a, "/students/"), "students")
    walk.go(a, f"/students/?q={walk.demo['children_a'][0]['initials']}")
    a.locator("td a[href^='/students/']").first.click()
    a.wait_for_load_state("networkidle")
    walk.shot(a, "student")
    phone = walk.go(walk.as_("parent", phone=True), "/my/")
    phone.get_by_role("link", name=re.compile("看.*的学籍")).first.click()
    phone.wait_for_load_state("networkidle")
    walk.shot(phone, "parent")


def intake(walk: Walk, folder: Path) -> None:
    """The sheet: brought, checked, mended, published."""
    book = folder / "new-children.xlsx"
    said = subprocess.run(
        [sys.executable, str(ROOT / "tools/demo_sheet.py"), str(book)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    a = walk.go(walk.as_("registrar.a"), "/import/")
    a.set_input_files("input[type=file]", str(book))
    a.get_by_role("button", name="上传并检查").click()
    a.wait_for_selector("#batch-summary")
    batch = re.search(r"/import/\d+/", a.url)[0]  # type: ignore[index]
    walk.shot(a, "import")
    for line in re.findall(r"^  row (\d+), (\S+): .* should be ([^,\n]+)(.*)$", said, re.MULTILINE):
        row, column, right, more = line
        walk.go(a, f"{batch}rows/{row}/")
        for label, value in [(column, right), *re.findall(r", (\S+) (\S+?)(?=,|$)", more)]:
            a.fill(f"#id_{key_of(label)}", value)
        a.get_by_role("button", name="保存并重新检查").click()
        a.wait_for_load_state()
    walk.go(a, batch)
    a.click("#publish-button")
    a.click("#publish-confirm")
    a.wait_for_selector("text=已建立学籍的学生")
    walk.shot(a, "published")


def key_of(header: str) -> str:
    """The name of the form field for a column of the sheet."""
    from xueji.ground.standards.fields import field_by_header

    found = field_by_header(header)
    if found is None:
        raise SystemExit(f"no field is called {header}")
    return str(found.key)


def transfer(walk: Walk) -> None:
    """A child of school B moves to school A, everybody deciding."""
    a_school, b_school = walk.demo["school_a"], walk.demo["school_b"]
    child = walk.demo["transfer_children"][0]
    a = walk.go(walk.as_("registrar.a"), "/cases/new/")
    a.fill("#transfer [name=name]", child["name"])
    a.fill("#transfer [name=number]", child["number"])
    a.get_by_role("button", name="查询并发起转入").click()
    a.wait_for_load_state()
    for field in ("reason", "to_class_id"):
        with a.expect_response(lambda answer: "/save/" in answer.url):  # the page saves by itself
            a.select_option(f"[name={field}]", index=1)
    picture = io.BytesIO()
    Image.new("RGB", (640, 480), (200, 210, 220)).save(picture, "JPEG")
    for slot in a.locator("input[type=file]").all():
        slot.set_input_files({"name": "材料.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()})
    a.get_by_role("button", name="上传材料").click()
    a.wait_for_load_state("networkidle")
    walk.shot(walk.go(a, a.url.removeprefix(walk.url)), "transfer")
    a.locator("button[value=submit]").click()
    a.locator("dialog[open] button.btn-primary, dialog[open] button:has-text('提交')").last.click()
    a.wait_for_selector("text=办理进度")
    case = re.search(r"/cases/[0-9a-f-]{36}/", a.url)[0]  # type: ignore[index]
    order = [
        a_school["head"], a_school["county_clerk"], a_school["county_head"],
        b_school["registrar"], b_school["head"], b_school["county_clerk"], b_school["county_head"],
    ]  # fmt: skip
    for number, username in enumerate(order):
        who = walk.go(walk.as_(username), case)
        if number == 3:
            walk.shot(who, "case")
        who.locator("#decide textarea").first.fill("情况属实, 同意转学")
        who.get_by_role("button", name=re.compile("核办通过")).first.click()
        who.wait_for_load_state()
    walk.shot(walk.go(a, f"/students/{child['person_id']}/"), "moved")


def papers(walk: Walk) -> None:
    """A certificate, its public check on a phone, the movement table."""
    child = walk.demo["transfer_children"][0]
    a = walk.go(walk.as_("registrar.a"), f"/students/{child['person_id']}/")
    a.get_by_role("link", name="开具证明").first.click()
    a.locator("main [name=purpose]").fill("办理公交卡")
    a.locator("main form button.btn-primary").click()
    a.wait_for_url(re.compile(r"/certificates/[0-9a-f-]{36}/"))
    a.wait_for_load_state("networkidle")
    walk.shot(a, "certificate")
    with a.expect_download() as download:
        a.locator("a[href$='certificate.pdf']").first.click()
    code = code_of(Path(download.value.path()).read_bytes())
    anybody = walk.browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN").new_page()
    walk.shot(walk.go(anybody, f"/verify/{code}/"), "verify")
    walk.shot(walk.go(a, "/statistics/movement/"), "movement")


def code_of(pdf: bytes) -> str:
    """The verification code as it stands on the paper."""
    from pypdf import PdfReader

    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).partition("验证码")[2]
    found = re.search(r"([0-9A-Z]{4})[\s-]+([0-9A-Z]{4})[\s-]+([0-9A-Z]{4})[\s-]+([0-9A-Z]{4})\b", text)
    if found is None:
        raise SystemExit("the certificate shows no code")
    return "".join(found.groups())


def main(argv: Sequence[str] | None = None) -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--target", type=Path, default=ROOT / "docs" / "images")
    options = parser.parse_args(argv)
    from playwright.sync_api import sync_playwright

    from xueji import config

    demo = json.loads((config.data_dir() / "demo").read_text(encoding="utf-8"))
    options.target.mkdir(parents=True, exist_ok=True)
    program = next((p for n in ("chromium", "google-chrome") if (p := shutil.which(n))), None)
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        browser = play.chromium.launch(executable_path=program, args=FLAGS)
        walk = Walk(browser, options.url.rstrip("/"), demo, options.target)
        records(walk)
        intake(walk, Path(folder))
        transfer(walk)
        papers(walk)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
