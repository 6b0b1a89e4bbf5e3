"""The pages of the import: the wizard's steps, repair in the grid, workbooks, who may not come in."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.helpers import Place, act_as, login

from bench import sheets
from xueji.registry.intake import commands, queries
from xueji.registry.intake.commands import bring as bringing
from xueji.registry.intake.commands import release
from xueji.registry.intake.models import BatchState, ImportBatch

from .sheets_for_tests import body, book, names, put


@pytest.fixture
def registrar(place: Place, client: Client) -> Client:
    """Signed in as the registrar of school a1."""
    return login(client, place.user("registrar", "a1"))


def bring(client: Client, data: bytes, name: str = "新生.xlsx") -> Any:
    return client.post("/import/", {"file": SimpleUploadedFile(name, data)}, follow=True)


def text(response: Any) -> str:
    """The page's visible text, blanks folded."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_the_wizard_from_file_to_records(place: Place, registrar: Client) -> None:
    rows = body(12, place.org("a1").code)
    right = rows[1][names()["sex"]]
    put(rows, 1, sex="不详")
    put(rows, 4, birth_date="2020-02-30")
    page = bring(registrar, book(rows))
    assert page.status_code == 200
    assert "共 12 行: 10 行可以导入, 2 行需要修改" in text(page)
    assert "先导入 10 行" in text(page)
    address = page.request["PATH_INFO"]
    assert 'id="row-3"' in page.content.decode()
    assert 'id="cell-3-sex"' in page.content.decode()
    filtered = registrar.get(address + "?fault=birth_date").content.decode()
    assert 'id="row-6"' in filtered
    assert 'id="row-3"' not in filtered
    page = registrar.post(address + "rows/3/", {"sex": right, "back": "show=todo"}, follow=True)
    assert "第 3 行已改好, 可以导入" in text(page)
    assert "日期 2020-02-30 不存在" in text(registrar.get(address + "rows/6/"))
    published = registrar.post(address + "publish/", {"expected": "11"}, follow=True)
    assert "名学生建立学籍" in text(published)
    assert "/students/" in published.content.decode()
    listed = registrar.get("/import/")
    assert "新生.xlsx" in text(listed)


def test_a_confirmation_of_other_figures_publishes_nothing(place: Place, registrar: Client) -> None:
    page = bring(registrar, book(body(3, place.org("a1").code)))
    address = page.request["PATH_INFO"]
    page = registrar.post(address + "publish/", {"expected": "2"}, follow=True)
    assert "可以导入的行数已变为 3 行" in text(page)
    assert "先导入" not in text(page)
    assert "导入 3 行" in text(page)


def test_a_refused_file_says_why_on_its_page(place: Place, registrar: Client) -> None:
    page = bring(registrar, b"\x89PNG\r\n\x1a\n" + bytes(100), "照片.xlsx")
    assert "这不是表格文件" in text(page)
    assert "没有写入任何数据" in text(page)
    page = registrar.post("/import/", {})
    assert page.status_code == 400
    assert "请选择要导入的表格文件" in text(page)


def test_error_book_comes_and_goes(place: Place, registrar: Client) -> None:
    rows = body(4, place.org("a1").code)
    put(rows, 2, phone="12")
    address = bring(registrar, book(rows)).request["PATH_INFO"]
    got = registrar.get(address + "errors.xlsx")
    assert got.status_code == 200
    assert got["Content-Type"].endswith("sheet")
    assert got["Cache-Control"] == "private, no-store"
    page = registrar.post(
        address + "correct/", {"file": SimpleUploadedFile("x.xlsx", got.content)}, follow=True
    )
    assert "已按错误清单更正 1 行" in text(page)
    page = registrar.post(
        address + "correct/", {"file": SimpleUploadedFile("x.xlsx", book(rows))}, follow=True
    )
    assert "这不是从本批次下载的错误清单" in text(page)


def test_duplicates_link_to_the_child_at_the_own_school_only(place: Place, registrar: Client) -> None:
    sheet = book(body(3, place.org("a1").code))
    with act_as(place.user("registrar", "a1")) as actor:
        first = commands.upload(actor, sheet, "一.xlsx")
        commands.publish(actor, first.id)
    page = bring(registrar, sheet)
    assert "3 行与已有学生或表中另一行重复" in text(page)
    assert page.content.decode().count("去查看") == 3
    other = login(Client(), place.user("registrar", "b1"))
    rows = body(3, place.org("b1").code)
    page = bring(other, book(rows))
    assert "青禾县第一小学 已有学籍" in text(page)
    assert "去查看" not in text(page)


def test_a_big_file_shows_its_progress_until_it_is_checked(
    place: Place, registrar: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "INLINE", 10)
    page = bring(registrar, book(body(3, place.org("a1").code)))
    assert "正在读取和检查" in text(page)
    address = page.request["PATH_INFO"]
    batch_id = int(address.strip("/").split("/")[-1])
    assert registrar.get(address + "progress/").status_code == 200
    commands.run_check(batch_id)
    done = registrar.get(address + "progress/")
    assert done.status_code == 204
    assert done["HX-Refresh"] == "true"
    assert "共 3 行" in text(registrar.get(address))
    monkeypatch.setattr(release, "AT_ONCE", 1)
    page = registrar.post(address + "publish/", {"expected": "3"}, follow=True)
    assert "正在发布" in text(page)
    with act_as(place.user("registrar", "a1")) as actor:
        assert queries.batch(actor, batch_id).state == BatchState.PUBLISHING
    commands.publish_for(batch_id, place.user("registrar", "a1").pk, 0, "")
    with act_as(place.user("registrar", "a1")) as actor:
        assert queries.batch(actor, batch_id).state == BatchState.PUBLISHED


def test_pages_take_few_queries(place: Place, registrar: Client, django_assert_max_num_queries: Any) -> None:
    rows = body(60, place.org("a1").code)
    for at in range(55):
        put(rows, at, sex="不详")
    address = bring(registrar, book(rows)).request["PATH_INFO"]
    # One of them looks for what can be mended in many rows at once.
    with django_assert_max_num_queries(17):
        assert registrar.get(address).status_code == 200
    with django_assert_max_num_queries(10):
        assert registrar.get("/import/").status_code == 200


def test_strangers_and_other_schools_are_kept_out(place: Place, registrar: Client) -> None:
    address = bring(registrar, book(body(2, place.org("a1").code))).request["PATH_INFO"]
    paths = [address, address + "progress/", address + "rows/2/", address + "errors.xlsx"]
    other = login(Client(), place.user("registrar", "a2"))
    assert [other.get(p).status_code for p in paths] == [404] * 4
    assert other.post(address + "publish/", {"expected": "2"}).status_code == 404
    assert other.post(address + "discard/").status_code == 404
    teacher = login(Client(), place.user("class_teacher", "a1"))
    assert [teacher.get(p).status_code for p in ["/import/", "/import/template.xlsx", *paths]] == [403] * 6
    stranger = Client()
    assert [stranger.get(p).status_code for p in ["/import/", *paths]] == [302] * 5
    assert ImportBatch is not None


def test_template_is_offered(place: Place, registrar: Client) -> None:
    got = registrar.get("/import/template.xlsx")
    assert got.status_code == 200
    assert got.content[:2] == b"PK"


@pytest.mark.capability("C-COL-06", page="/import/{id}/")
def test_headings_of_the_schools_own_are_matched_by_hand_once(place: Place, registrar: Client) -> None:
    """A sheet with its own headings: the registrar says what they are; the next one is understood by itself."""
    rows = body(4, place.org("a1").code)
    head = sheets.header()
    head[names()["sex"]] = "男孩女孩"
    head[names()["entry_month"]] = "哪年哪月来的"
    head.append("爱好")
    rows = [[*row, "下棋"] for row in rows]
    page = bring(registrar, book(rows, head), "自己的表.xlsx")
    assert "表格缺少2个必填的列" in text(page), text(page)[:900]
    address = page.request["PATH_INFO"]
    at = {label: i for i, label in enumerate(head)}
    twice = {f"column-{at['男孩女孩']}": "sex", f"column-{at['哪年哪月来的']}": "sex"}
    refused = registrar.post(address + "columns/", twice)
    assert refused.status_code == 400
    assert "选了两次" in text(refused)
    given = {f"column-{at['男孩女孩']}": "sex", f"column-{at['哪年哪月来的']}": "entry_month"}
    page = registrar.post(address + "columns/", given, follow=True)
    assert "共 4 行: 4 行可以导入" in text(page)
    assert "没有用到的列" not in text(page)
    again = bring(registrar, book([[*r, "画画"] for r in body(3, place.org("a1").code, start=50)], head))
    assert "共 3 行: 3 行可以导入" in text(again)


@pytest.mark.capability("C-COL-06", page="/import/")
def test_cells_are_pasted_instead_of_a_file(place: Place, registrar: Client) -> None:
    rows = body(3, place.org("a1").code)
    lines = ["\t".join(sheets.header())] + ["\t".join(str(c) for c in row) for row in rows]
    page = registrar.post("/import/", {"pasted": "\r\n".join(lines)}, follow=True)
    assert "共 3 行: 3 行可以导入" in text(page), text(page)[:800]
    assert "粘贴的内容" in text(page)
    nothing = registrar.post("/import/", {"pasted": "  "})
    assert nothing.status_code == 400
    assert "或粘贴表格内容" in text(nothing)


@pytest.mark.capability("C-COL-06", page="/import/{id}/")
def test_the_same_fault_in_many_rows_is_mended_once(place: Place, registrar: Client) -> None:
    """All girls' rows say 女孩儿: one answer mends them, and nothing else changes."""
    rows = body(12, place.org("a1").code)
    sex = names()["sex"]
    right = rows[0][sex]
    same = [n for n, row in enumerate(rows) if row[sex] == right]
    for at in same:
        put(rows, at, sex="女孩儿")
    page = bring(registrar, book(rows))
    assert "一次改多行" in text(page)
    assert f"改这 {len(same)} 行" in text(page)
    address = page.request["PATH_INFO"]
    page = registrar.post(
        address + "alike/", {"field": "sex", "typed": "女孩儿", "value": str(right)}, follow=True
    )
    assert f"已改 {len(same)} 行并重新检查" in text(page)
    assert "12 行可以导入" in text(page)
    gone = registrar.post(address + "alike/", {"field": "sex", "typed": "女孩儿", "value": "男"}, follow=True)
    assert "这些行已经改过了" in text(gone)
    own = registrar.post(address + "alike/", {"field": "name", "typed": "", "value": "张三"}, follow=True)
    assert "这些行已经改过了" in text(own)
