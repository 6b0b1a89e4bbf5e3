"""Repair in place: every column of the sheet with the state of each cell, mended without leaving the page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tests.helpers import Place, act_as, login

from xueji.registry.intake import commands, grid, queries
from xueji.registry.intake.models import ImportBatch

from .sheets_for_tests import body, book, names, put
from .test_pages import bring, text


@pytest.fixture
def registrar(place: Place, client: Client) -> Client:
    return login(client, place.user("registrar", "a1"))


def cell_of(page: str, row_no: int, key: str) -> str:
    """The markup of one cell."""
    row = page.split(f'<tr id="row-{row_no}"', 1)[1].split("</tr>", 1)[0]
    return row.split(f'data-key="{key}"', 1)[1].split("<td ", 1)[0]


@pytest.mark.capability("C-COL-06")
def test_a_registrar_mends_a_sheet_in_the_grid(place: Place, registrar: Client) -> None:
    """The registrar opens the grid of a sheet with faults.

    She sees what is wrong, what the system understood and what it offers, and mends cell by cell or many rows at once.
    She ends with a sheet that can be published as a whole.
    """
    rows = body(12, place.org("a1").code)
    right = [list(r) for r in rows]
    at = names()
    put(rows, 0, ethnicity="蒙古簇")
    put(rows, 1, sex="女" if str(rows[1][at["sex"]]) in ("1", "男") else "男")
    put(rows, 2, id_number=str(rows[2][at["id_number"]])[:17] + "*")
    put(rows, 3, phone="１３８００００１２３４")
    for n in (5, 6, 7):
        put(rows, n, attendance_mode="走读呀")
    address = bring(registrar, book(rows)).request["PATH_INFO"]
    page = registrar.get(address + "grid/").content.decode()
    assert "蒙古族" in cell_of(page, 2, "ethnicity")
    assert 'aria-invalid="true"' in cell_of(page, 2, "ethnicity")
    assert "data-offer=" in cell_of(page, 3, "id_number")
    assert 'data-offer="sex"' in cell_of(page, 3, "id_number")
    # A number that is right is not shown in full, nor is it in the page.
    shown = registrar.get(address + "grid/?show=all").content.decode()
    assert str(rows[9][at["id_number"]]) not in shown
    assert "data-hidden" in cell_of(shown, 11, "id_number")
    noted = registrar.get(address + "grid/?show=noted").content.decode()
    assert "is-note" in cell_of(noted, 5, "phone")
    assert "→ 138" in cell_of(noted, 5, "phone")

    # One cell: the answer is the row as it stands now, and the figures.
    answer = registrar.post(address + "rows/2/cell/", {"field": "ethnicity", "value": "蒙古族"}).json()
    assert answer["state"] == "ok"
    assert "5 行需要修改" in answer["summary"]
    assert "is-error" not in answer["row"]
    # The offer for the cell beside: the sex that the number says.
    answer = registrar.post(address + "rows/3/cell/", {"field": "sex", "value": right[1][at["sex"]]}).json()
    assert answer["state"] == "ok"
    # A value that is still wrong is kept as typed, with the reason.
    answer = registrar.post(address + "rows/4/cell/", {"field": "id_number", "value": "123"}).json()
    assert (answer["state"], "18位" in answer["say"]) == ("error", True)
    assert ">123<" in answer["row"]
    assert registrar.post(address + "rows/4/cell/", {"field": "no_such", "value": "1"}).status_code == 409
    answer = registrar.post(
        address + "rows/4/cell/", {"field": "id_number", "value": right[2][at["id_number"]]}
    ).json()
    assert answer["state"] == "ok"
    # Three rows with the same fault.
    page = registrar.get(address + "grid/?fault=attendance_mode").content.decode()
    assert page.count('<tr id="row-') == 3
    assert "改这 3 行" in page
    done = registrar.post(
        address + "alike/",
        {
            "field": "attendance_mode",
            "typed": "走读呀",
            "value": right[5][at["attendance_mode"]],
            "back": "grid/?show=todo",
        },
        follow=True,
    )
    assert done.request["PATH_INFO"] == address + "grid/"
    assert "共 12 行: 12 行可以导入" in text(done)
    published = registrar.post(address + "publish/", {"expected": "12"}, follow=True)
    assert "已为 12 名学生建立学籍" in text(published)


def test_what_is_offered_is_taken_for_many_rows_at_once(place: Place, registrar: Client) -> None:
    rows = body(8, place.org("a1").code)
    for n in range(4):
        put(rows, n, ethnicity="蒙古簇" if n % 2 else "回簇")
    for n in (5, 6):
        put(rows, n, sex="不详")
    address = bring(registrar, book(rows)).request["PATH_INFO"]
    page = registrar.get(address + "grid/").content.decode()
    assert "按建议改" in page
    done = registrar.post(
        address + "suggested/", {"field": "ethnicity", "back": "grid/?show=all"}, follow=True
    )
    assert "已按建议改 4 行并重新检查" in text(done)
    done = registrar.post(address + "suggested/", {"field": "sex"}, follow=True)
    assert "已按建议改 2 行并重新检查" in text(done)
    assert "8 行可以导入" in text(done)
    refused = registrar.post(address + "suggested/", {"field": "id_number"}, follow=True)
    assert "请逐行核对后修改" in text(refused)


def test_filters_by_row_state_fault_and_column(place: Place, registrar: Client) -> None:
    rows = body(6, place.org("a1").code)
    put(rows, 0, sex="不详")
    put(rows, 2, phone="12")
    address = bring(registrar, book(rows)).request["PATH_INFO"]
    page = registrar.get(address + "grid/?only=faulty").content.decode()
    assert '<th scope="col" data-key="sex"' in page
    assert '<th scope="col" data-key="nationality"' not in page
    page = registrar.get(address + "grid/?only=phone&show=all").content.decode()
    assert page.count('<th scope="col" data-key=') == 2
    assert page.count('<tr id="row-') == 6
    page = registrar.get(address + "grid/?fault=sex").content.decode()
    assert 'id="row-2"' in page
    assert 'id="row-4"' not in page


def test_the_grid_pages_by_key_and_takes_a_fixed_number_of_queries(
    place: Place, registrar: Client, django_assert_max_num_queries: Any
) -> None:
    counts = []
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for n, start in ((40, 0), (400, 1000)):
        rows = body(n, place.org("a1").code, start=start)
        for at in range(n):
            put(rows, at, sex="不详")
        address = bring(registrar, book(rows)).request["PATH_INFO"]
        with CaptureQueriesContext(connection) as seen:
            page = registrar.get(address + "grid/").content.decode()
        counts.append(len(seen))
        assert page.count('<tr id="row-') == grid.PAGE
        assert f"after={grid.PAGE + 1}" in page
        with CaptureQueriesContext(connection) as seen:
            registrar.post(address + "rows/2/cell/", {"field": "sex", "value": "不明"})
        counts.append(len(seen))
    assert counts[0] == counts[2]
    assert counts[1] == counts[3]
    assert counts[0] <= 20


def test_other_schools_find_no_grid(place: Place, registrar: Client) -> None:
    address = bring(registrar, book(body(2, place.org("a1").code))).request["PATH_INFO"]
    other = login(Client(), place.user("registrar", "b1"))
    for path in ("grid/", "undo/", "original/"):
        assert other.get(address + path).status_code == 404
    for path in ("rows/2/cell/", "suggested/", "again/", "undo/", "apply/"):
        assert other.post(address + path, {"field": "sex", "value": "1", "reason": "x"}).status_code == 404


def test_the_history_says_who_what_when_and_from_which_file(place: Place, registrar: Client) -> None:
    sheet = book(body(3, place.org("a1").code))
    address = bring(registrar, sheet, "一年级新生.xlsx").request["PATH_INFO"]
    batch = ImportBatch.objects.get(pk=int(address.strip("/").split("/")[-1]))
    registrar.post(address + "publish/", {"expected": "3"})
    page = registrar.get("/import/?show=published").content.decode()
    assert batch.file_sha256[:12] in page
    assert "一年级新生.xlsx" in page
    got = registrar.get(address + "original/")
    assert got.content == sheet
    assert got["Cache-Control"] == "private, no-store"
    undone = registrar.get(address + "undo/")
    assert "可以撤销 3 名学生的建籍" in text(undone)
    assert registrar.post(address + "undo/", {"expected": "3", "reason": ""}).status_code == 400
    done = registrar.post(address + "undo/", {"expected": "3", "reason": "拿错了表格"}, follow=True)
    assert "已撤销 3 名学生的建籍" in text(done)
    assert "用原文件重新导入" in text(done)
    assert "一年级新生.xlsx" in text(registrar.get("/import/?show=undone"))
    assert "一年级新生.xlsx" not in text(registrar.get("/import/?show=published"))
    assert "一年级新生.xlsx" in text(registrar.get(f"/import/?q={batch.file_sha256[:10]}"))
    assert "没有这样的批次" in text(registrar.get("/import/?until=2020-01-01"))
    again = registrar.post(address + "again/", follow=True)
    assert "3 行可以导入" in text(again)
    assert again.request["PATH_INFO"] != address
    with act_as(place.user("registrar", "a1")) as actor:
        rows = queries.batches(actor)
        assert rows[1].publisher == rows[1].undoer == place.user("registrar", "a1").display_name
        assert commands.original(actor, batch.pk)[0] == sheet
