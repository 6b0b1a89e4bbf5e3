"""Real sheets: thirty planted faults found, named and mended through the page; messy but clear sheets taken at once;
names that no keyboard has, carried round; statements counted for 10, 100 and 1,000 rows.
"""

from __future__ import annotations

import io
import re
from datetime import date
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.helpers import Place, act_as, login, seeing_all

from bench import sheets
from xueji.ground.sheets.write import write_csv
from xueji.registry.intake import commands, grid
from xueji.registry.intake.models import ImportBatch
from xueji.registry.people.models import Person

from .sheets_for_tests import body, book, fresh, names, put
from .test_pages import bring, text


def other_sex(value: Any) -> str:
    return "女" if str(value) in ("1", "男", "1-男") else "男"


def wrong_digit(number: str) -> str:
    return number[:17] + ("0" if number[17] != "0" else "1")


AT = names()
#: what it is, the field in which it is told, what is typed there (of the right value), words of the message
PLANTED: list[tuple[str, str, Any, str]] = [
    ("末位校验码错", "id_number", wrong_digit, "最后一位不对"),
    ("证件号少一位", "id_number", lambda v: v[:17], "应为18位"),
    ("证件号里有字母O", "id_number", lambda v: v[:9] + "O" + v[10:], "只能是数字"),
    ("被表格软件变成科学计数", "id_number", lambda v: float(v[:17] + "0"), "已经丢失"),
    ("证件号空着", "id_number", "", "请填写身份证件号"),
    ("证件号与性别不符", "sex", other_sex, "证件号显示为"),
    ("证件号与出生日期不符", "birth_date", "20180101", "证件号中的出生日期"),
    ("证件类型不是学生的", "id_type", "军官证", "不能用来登记学生"),
    ("没有这一天", "birth_date", "2020-02-30", "不存在"),
    ("出生日期在将来", "birth_date", "20991231", "还没有到"),
    ("日期看不懂", "birth_date", "去年春天", ""),
    ("性别不明", "sex", "不详", "没有“不详”"),
    ("没有姓名", "name", "", "请填写姓名"),
    ("姓名有数字", "name", "张3", "姓名中不能有数字"),
    ("姓名丢了字", "name", "张?明", ""),
    ("没有这个民族", "ethnicity", "蒙古簇", "没有“蒙古簇”"),
    ("没有这个地区", "birthplace", "云岭省青川市松西县", ""),
    ("没有班号", "class_no", "", "请填写班号"),
    ("班号看不懂", "class_no", "甲班", "看不懂"),
    ("没有这个月", "entry_month", "202613", "不存在"),
    ("入学年月已毕业", "entry_month", "201309", "请核对入学年月"),
    ("入学方式不是义务教育的", "entry_mode", "21", "义务教育阶段的入学方式"),
    ("电话位数不对", "phone", "1390000", "应为11位"),
    ("邮编不对", "postcode", "99000A", "6位数字"),
    ("别的学校的标识码", "school_code", "3199999999", ""),
    ("就读方式没有这一项", "attendance_mode", "走读呀", "没有“走读呀”"),
    ("距离不是数字", "commute_distance", "很远", "应为数字"),
    ("监护人证件号错", "member1_id_number", wrong_digit, "最后一位不对"),
    ("同一张表里重复", "id_number", "twin", "证件号相同"),
    ("已在别的学校建籍", "id_number", "elsewhere", "已有学籍"),
]


def planted(rows: list[list[Any]], elsewhere: list[Any]) -> dict[int, tuple[str, str, str, dict[str, str]]]:
    """Plant each fault in a row of its own; row of the sheet -> (what, field, words, how it is mended)."""
    out = {}
    for n, (what, key, typed, words) in enumerate(PLANTED):
        at = n * 16 + 3
        right = {k: str(rows[at][AT[k]]) for k in ("id_number", "sex", "birth_date", key)}
        mend = {key: right[key]}
        if typed in ("twin", "elsewhere"):
            other = rows[at + 1] if typed == "twin" else elsewhere
            put(rows, at, **{k: other[AT[k]] for k in ("id_number", "sex", "birth_date")})
            mend = {k: right[k] for k in ("sex", "birth_date", "id_number")}
        else:
            put(rows, at, **{key: typed(rows[at][AT[key]]) if callable(typed) else typed})
        told_in = "id_number" if "证件号与" in what else key
        out[at + 2] = (what, told_in, words, mend)
    return out


def cell_markup(page: str, row_no: int, key: str) -> str:
    row = page.split(f'<tr id="row-{row_no}"', 1)[1].split("</tr>", 1)[0]
    return row.split(f'data-key="{key}"', 1)[1].split("<td ", 1)[0]


@pytest.mark.capability("C-COL-06")
def test_thirty_planted_faults_are_found_named_and_mended_on_the_page(place: Place, client: Client) -> None:
    """A registrar brings a sheet of 500 children with thirty faults.

    Each fault is marked in its cell and named; the other rows can go first.
    She mends all of them in the grid and ends with 500 records and no row lost.
    """
    assert len(PLANTED) == 30
    elsewhere = body(1, place.org("b1").code, start=5_000)
    with act_as(place.user("registrar", "b1")) as actor:
        commands.publish(actor, commands.upload(actor, book(elsewhere), "外校.xlsx", inline=True).id)
    rows = body(500, place.org("a1").code)
    faults = planted(rows, elsewhere[0])
    login(client, place.user("registrar", "a1"))
    page = bring(client, book(rows))
    address = page.request["PATH_INFO"]
    batch = ImportBatch.objects.get(pk=int(address.strip("/").split("/")[-1]))
    # The twin of the row with the same number is asked about as well.
    assert batch.counts["ok"] == 469, batch.counts
    seen: dict[int, str] = {}
    at = "grid/?show=todo"
    while at:
        html = client.get(address + at).content.decode()
        for row_no in re.findall(r'<tr id="row-(\d+)"', html):
            seen[int(row_no)] = html
        found = re.search(r'href="(\?[^"]*after=\d+)"', html)
        at = "grid/" + found[1].replace("&amp;", "&") if found else ""
    twin = next(n for n, (what, *_r) in faults.items() if what == "同一张表里重复") + 1
    assert set(seen) == {*faults, twin}
    for row_no, (what, key, words, _mend) in faults.items():
        markup = cell_markup(seen[row_no], row_no, key)
        assert 'class="is-error"' in markup, what
        assert words in markup, (what, markup)
        assert "xj-cell-say" in markup, what
    # The good rows go first.
    assert "已为 469 名学生建立学籍" in text(
        client.post(address + "publish/", {"expected": "469"}, follow=True)
    )
    for row_no, (what, _key, _words, mend) in faults.items():
        answer: dict[str, Any] = {}
        for field, value in mend.items():
            answer = client.post(f"{address}rows/{row_no}/cell/", {"field": field, "value": value}).json()
        assert answer["state"] == "ok", (what, answer)
    done = client.post(address + "publish/", {"expected": "31"}, follow=True)
    assert "已为 31 名学生建立学籍" in text(done)
    with seeing_all():
        assert Person.objects.count() == 501
    batch.refresh_from_db()
    assert (batch.state, batch.counts["published"]) == ("published", 500)


# --- messy but clear -------------------------------------------------------------------------------------------------

WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


def messy(rows: list[list[Any]], *, dates: bool) -> list[list[Any]]:
    """Rows as schools write them: each way of writing in many rows."""
    shapes = [
        lambda d: f"{d.year}年{d.month}月{d.day}日",
        lambda d: f"{d.year}.{d.month}.{d.day}",
        lambda d: f"{d.year}/{d.month:02d}/{d.day:02d}",
        lambda d: f"{d:%Y-%m-%d}",
        lambda d: f"{d:%Y%m%d}".translate(WIDE),
        lambda d: d if dates else f"{d:%Y-%m-%d} 00:00:00",
    ]
    for n, row in enumerate(rows):
        number = str(row[AT["id_number"]])
        born = date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
        row[AT["birth_date"]] = shapes[n % len(shapes)](born)
        row[AT["id_number"]] = [number.lower(), number.translate(WIDE), f"'{number}", f" {number} ", number][
            n % 5
        ]
        row[AT["phone"]] = [
            row[AT["phone"]], row[AT["phone"]].translate(WIDE), f"+86 {row[AT['phone']]}", f"'{row[AT['phone']]}",
        ][n % 4]  # fmt: skip
        row[AT["birthplace"]] = ["990101", "云岭省青川市松溪县", "９９０１０１"][n % 3]
        row[AT["ethnicity"]] = ["汉", "汉族", "01", "01-汉族", "1"][n % 5]
        row[AT["class_no"]] = ["1", "1班", "（1）班", "１"][n % 4]
        if n % 7 == 0:
            row[AT["name"]] = f"阿依古丽{'・.•‧'[n % 4]}买买提" if n % 2 else "古丽 娜扎"[:2] + " " + "娜扎"
    return rows


def with_merged_header(rows: list[list[Any]]) -> bytes:
    """A sheet with a title over all columns, blank rows in between and real Excel dates."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as workbook:
        sheet = workbook.add_worksheet("新生")
        head = sheets.header()
        sheet.merge_range(0, 0, 0, len(head) - 1, "2026年秋季新生信息登记表")
        for at, label in enumerate(head):
            sheet.write_string(1, at, label)
        line = 2
        for n, cells in enumerate(rows):
            line += 2 if n % 50 == 49 else 1
            for at, value in enumerate(cells):
                if isinstance(value, str):
                    sheet.write_string(line, at, value)
                elif value is not None:
                    sheet.write(line, at, value)
    return out.getvalue()


@pytest.mark.capability("C-COL-06")
def test_a_clean_sheet_in_messy_formats_is_taken_at_the_first_try(place: Place) -> None:
    for n, (data, name) in enumerate(
        (
            (with_merged_header(messy(body(500, place.org("a1").code), dates=True)), "新生.xlsx"),
            (
                write_csv(
                    sheets.header(), messy(body(500, place.org("a2").code, start=1_000), dates=False)
                ).decode("utf-8-sig").encode("gb18030"),
                "新生.csv",
            ),
        )
    ):  # fmt: skip
        with act_as(place.user("registrar", "a1" if n == 0 else "a2")) as actor:
            batch = commands.upload(actor, data, name, inline=True)
        counts = batch.counts
        assert counts.get("total") == 500, batch.problem or counts
        right = counts["ok"] + counts["warning"]
        assert right / 500 >= 0.99, counts
        assert counts["noted"] > 300
        with act_as(place.user("registrar", "a1" if n == 0 else "a2")) as actor:
            assert commands.publish(actor, batch.id).published == right


# --- names that no keyboard has ----------------------------------------------------------------------------------------

RARE = [
    "𠀀明", "李𠮷", "王𡈽", "𢀖文", "赵𣇄", "𤧛华", "钱𥔲", "孙𦍒", "周𧈧", "吴𨋢", "郑𩷶", "冯𪚥", "陈𪜀", "褚𫝀", "卫𫠝",
    "蒋𫍯", "沈𬴂", "韩𰻝", "买买提·艾力", "阿依古丽·买买提江",
]  # fmt: skip


def test_rare_characters_and_dots_survive_form_record_sheet_and_import(place: Place) -> None:
    rows = body(20, place.org("a1").code)
    for n, name in enumerate(RARE):
        put(rows, n, name=name if n else "张3", entry_month="202609", class_no="1")
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(rows), "生僻字.xlsx", inline=True)
        assert (batch.counts["ok"] + batch.counts["warning"], batch.counts["error"]) == (19, 1), batch.counts
        commands.edit_row(actor, batch.id, 2, {"name": RARE[0]})
        assert grid.one(fresh(batch), 2).cells[1].shown == RARE[0]
        assert commands.publish(actor, batch.id).published == 20
        data, _title = commands.update_book(actor, place.klass("a1").pk)
    with seeing_all():
        assert set(Person.objects.values_list("name", flat=True)) == set(RARE)
    listed = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    came = [str(listed.cell(n, 2).value) for n in range(2, 22)]
    assert set(came) == set(RARE)
    again = body(20, place.org("a2").code, start=900)
    for n, name in enumerate(came):
        put(again, n, name=name)
    with act_as(place.user("registrar", "a2")) as actor:
        second = commands.upload(actor, book(again), "再导入.xlsx", inline=True)
        assert second.counts["error"] == 0
        shown = [row.cells[1].shown for row in grid.page(fresh(second), show="all", limit=30).rows]
        assert shown == came


# --- statements ---------------------------------------------------------------------------------------------------------


def test_statements_are_the_same_for_ten_a_hundred_and_a_thousand_rows(place: Place) -> None:
    counts: dict[str, list[int]] = {"check": [], "alike": [], "publish": [], "undo": []}
    for n, start in ((10, 0), (100, 100), (1_000, 1_000)):
        rows = body(n, place.org("a1").code, start=start)
        for at in range(5):
            put(rows, at, attendance_mode="走读呀")
        sheet = book(rows)
        with act_as(place.user("registrar", "a1")) as actor:
            with CaptureQueriesContext(connection) as seen:
                batch = commands.upload(actor, sheet, "名单.xlsx", inline=True)
            counts["check"].append(len(seen))
            with CaptureQueriesContext(connection) as seen:
                commands.fix_alike(actor, batch.id, "attendance_mode", "走读呀", "走读")
            counts["alike"].append(len(seen))
            with CaptureQueriesContext(connection) as seen:
                assert commands.publish(actor, batch.id, expected=n).published == n
            counts["publish"].append(len(seen))
            with CaptureQueriesContext(connection) as seen:
                assert commands.undo(actor, batch.id, expected=n, reason="试一试").undone == n
            counts["undo"].append(len(seen))
    assert {what: len(set(found)) for what, found in counts.items()} == dict.fromkeys(counts, 1), counts
