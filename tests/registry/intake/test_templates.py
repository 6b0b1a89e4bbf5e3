"""The template of a school: its structure as Excel, WPS and LibreOffice read it, its version, and how it is known again."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import openpyxl
import pytest
from django.test import Client
from tests.helpers import Place, act_as, login

from xueji.registry.intake import books, commands, queries

from .sheets_for_tests import body
from .test_pages import bring, text


def made(place: Place, school: str = "a1") -> bytes:
    with act_as(place.user("registrar", school)) as actor:
        return books.template(queries.school_facts(actor.org_id or 0))


def filled(data: bytes, place: Place, count: int = 2, school: str = "a1", **marks: str) -> bytes:
    """The template with rows, and with other marks than it came with."""
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    sheet = workbook["学生信息"]
    for line, row in enumerate(body(count, place.org(school).code), start=2):
        for at, value in enumerate(row, start=1):
            sheet.cell(line, at, value)
    out = io.BytesIO()
    workbook.save(out)
    if not marks:
        return out.getvalue()
    again = io.BytesIO()
    with zipfile.ZipFile(out) as source, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = source.read(name)
            if name == "docProps/custom.xml":
                for old, new in marks.items():
                    part = part.replace(old.encode(), new.encode())
            target.writestr(name, part)
    return again.getvalue()


@pytest.mark.capability("C-COL-05")
def test_the_template_is_made_for_its_school_business_and_rules(place: Place) -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(made(place)))
    assert workbook.sheetnames == ["学生信息", "填写说明", "代码表"]
    sheet = workbook["学生信息"]
    head = [str(c.value) for c in sheet[1]]
    assert head[:3] == ["学校标识码 *", "姓名 *", "性别 *"]
    assert sheet.freeze_panes == "B2"
    assert sheet.protection.sheet
    assert all(c.protection.locked for c in sheet[1])
    assert all(c.comment is not None and c.comment.text for c in sheet[1])
    number = head.index("身份证件号") if "身份证件号" in head else head.index("身份证件号 *")
    letter = sheet.cell(1, number + 1).column_letter
    assert sheet.column_dimensions[letter].number_format == "@"
    assert not sheet.column_dimensions[letter].protection.locked
    lists = {str(v.sqref).split(":")[0]: v for v in sheet.data_validations.dataValidation}
    sex = sheet.cell(1, head.index("性别 *") + 1).column_letter
    assert lists[f"{sex}2"].type == "list"
    assert lists[f"{sex}2"].formula1.lstrip("=") in workbook.defined_names
    assert lists[f"{letter}2"].type == "custom"
    assert workbook["代码表"].sheet_state == "hidden"
    told = " ".join(str(c.value) for row in workbook["填写说明"].iter_rows() for c in row if c.value)
    assert "模板版本: 2026." in told
    assert place.org("a1").code in told
    assert "依据: " in told
    marks = {p.name: p.value for p in workbook.custom_doc_props.props}
    assert marks["xueji-school"] == place.org("a1").code
    assert marks["xueji-kind"] == "enrol"
    # A school of several stages has one column more, and so another version.
    other = openpyxl.load_workbook(io.BytesIO(made(place, "b1")))
    assert str(other["学生信息"].cell(1, len(head) + 1).value) == "年级"
    assert {p.name: p.value for p in other.custom_doc_props.props}["xueji-version"] != marks["xueji-version"]


def test_an_older_template_and_another_schools_are_recognised_and_told(place: Place, client: Client) -> None:
    login(client, place.user("registrar", "a1"))
    data = made(place)
    page = text(bring(client, filled(data, place)))
    assert "旧版模板" not in page
    assert "2 行可以导入" in page
    version = books.marks_of(data)["xueji-version"]
    page = text(bring(client, filled(data, place, **{version: "2025.1-00000000"})))
    assert "旧版模板(2025.1-00000000)" in page
    assert version in page
    page = text(bring(client, filled(data, place, **{place.org("a1").code: "9901019999"})))
    assert "9901019999 的学校生成的" in page


def test_the_headings_alone_come_as_csv(place: Place, client: Client) -> None:
    login(client, place.user("registrar", "a1"))
    got = client.get("/import/header.csv")
    assert got["Content-Type"].startswith("text/csv")
    head = next(csv.reader(io.StringIO(got.content.decode("utf-8-sig"))))
    assert head[:2] == ["学校标识码", "姓名"]
    rows = io.StringIO()
    csv.writer(rows).writerows([head, *body(2, place.org("a1").code)])
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, rows.getvalue().encode(), "列名.csv", inline=True)
    assert batch.counts["ok"] == 2


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize(
    "kind", ["xlsx", "ods", "csv:Text - txt - csv (StarCalc):44,34,76,1"], ids=lambda k: k[:4]
)
def test_libreoffice_opens_the_template_and_what_it_saves_is_taken(
    place: Place, tmp_path: Path, kind: str
) -> None:
    """Filled in, opened and saved anew by LibreOffice, the template is still taken without a word of complaint."""
    source = tmp_path / "模板.xlsx"
    source.write_bytes(filled(made(place), place))
    office = shutil.which("soffice")
    assert office
    saved = tmp_path / "saved"
    subprocess.run(
        [office, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", kind, "--outdir",
         str(saved), str(source)],
        check=True, timeout=120, capture_output=True,
    )  # fmt: skip
    (result,) = saved.iterdir()
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, result.read_bytes(), result.name, inline=True)
    assert batch.counts["ok"] == batch.counts["total"] == 2, batch.problem
    if kind == "xlsx":
        sheet = openpyxl.load_workbook(result)["学生信息"]
        assert sheet.data_validations.dataValidation
        assert sheet["A1"].comment
