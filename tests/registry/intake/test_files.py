"""Bad files: each has its own clear answer, and nothing is written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from tests.ground.sheets.conftest import compound
from tests.helpers import Place, act_as, seeing_all

from bench import sheets
from xueji.registry.intake import books, commands, queries
from xueji.registry.intake.models import BatchState, StagedRow

from .sheets_for_tests import body, book


def _picture(code: str) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(2000)


def _empty(code: str) -> bytes:
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    return buffer.getvalue()


def _header_only(code: str) -> bytes:
    return book([])


def _password(code: str) -> bytes:
    return compound({"EncryptionInfo": b"x", "EncryptedPackage": b"y"})


def _wrong_columns(code: str) -> bytes:
    return book([["张三", "男", "85"]], ["姓名", "性别", "语文成绩"])


def _five_million(code: str) -> bytes:
    return sheets.workbook(sheets.header(), body(1, code), declared_rows=5_000_000)


def _broken(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("xl/workbook.xml", "<workbook")
        package.writestr("[Content_Types].xml", "<Types/>")
    return buffer.getvalue()


FILES: list[tuple[Callable[[str], bytes], str]] = [
    (_picture, "这不是表格文件"),
    (_empty, "文件里没有数据"),
    (_header_only, "文件里没有数据"),
    (_password, "文件设有打开密码"),
    (_wrong_columns, "表格缺少"),
    (_five_million, "表格有 5000000 行"),
    (_broken, "文件已损坏"),
]


@pytest.mark.capability("C-COL-06")
@pytest.mark.parametrize(("make", "answer"), FILES, ids=[f.__name__[1:] for f, _a in FILES])
def test_a_bad_file_gets_its_own_answer_and_writes_nothing(
    place: Place, make: Callable[[str], bytes], answer: str
) -> None:
    data = make(place.org("a1").code)
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, data, "名单.xlsx", inline=True)
        # Headings that were not understood are asked for; nothing else of a bad file can be put right here.
        assert batch.state == (BatchState.MATCHING if make is _wrong_columns else BatchState.FAILED)
        assert batch.problem.startswith(answer), batch.problem
        assert batch.counts == {}
    with seeing_all():
        from xueji.ground.db.scope import acting

        with acting("intake"):
            assert not StagedRow.objects.exists()


@pytest.mark.parametrize(("make", "answer"), FILES, ids=[f.__name__[1:] for f, _a in FILES])
def test_the_second_process_answers_the_same(place: Place, make: Callable[[str], bytes], answer: str) -> None:
    from xueji.registry.intake.stream import Outcome, check_stream

    with act_as(place.user("registrar", "a1")) as actor:
        school = queries.school_facts(actor.org_id)
        with pytest.raises(ValueError) as refused:
            list(
                check_stream(
                    make(school.code), "名单.xlsx", school, 1, Outcome(), limits=commands.LIMITS, big=0
                )
            )
    assert str(refused.value).startswith(answer)


def test_missing_columns_are_named(place: Place) -> None:
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, _wrong_columns(""), "成绩.xlsx")
    assert "出生日期" in batch.problem
    assert "下载本校的模板" in batch.problem


def test_names_misspelt_in_the_official_sheet_and_synonyms_are_accepted(place: Place) -> None:
    head = sheets.header()
    for proper, typed in (("学校标识码", "学校标示码"), ("民族", "名族"), ("姓名", "* 姓  名（必填）")):
        head[head.index(proper)] = typed
    rows = [[*row, "多余"] for row in body(3, place.org("a1").code)]
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(rows, [*head, "家长签名"]), "官方表.xlsx")
    assert batch.counts["ok"] == 3
    assert batch.mapping["unknown"] == ["家长签名"]


def test_csv_in_the_encoding_of_chinese_windows(place: Place) -> None:
    rows = body(4, place.org("a1").code)
    text = "\r\n".join(",".join(map(str, line)) for line in [sheets.header(), *rows])
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, text.encode("gbk"), "名单.csv")
        assert batch.counts["ok"] == 4, batch.problem


@pytest.mark.capability("C-COL-05")
def test_the_template_of_a_school_can_be_filled_in_and_comes_back(place: Place, tmp_path: Path) -> None:
    with act_as(place.user("registrar", "b1")) as actor:
        data = books.template(queries.school_facts(actor.org_id))
        workbook = openpyxl.load_workbook(io.BytesIO(data))
        sheet = workbook["学生信息"]
        head = [cell.value for cell in sheet[1]]
        assert len(head) == 74
        assert head[1] == "姓名 *"
        assert head[-1] == "年级"
        assert sheet.data_validations.dataValidation
        for at, value in enumerate(body(1, place.org("b1").code)[0], start=1):
            sheet.cell(2, at, value)
        path = tmp_path / "模板.xlsx"
        workbook.save(path)
        report = commands.check_file(actor, path)
    assert report.counts["ok"] == 1, report.describe()


def test_the_kept_file_is_sealed(place: Place) -> None:
    from xueji.ground.files import storage
    from xueji.ground.files.models import StoredFile

    data = book(body(2, place.org("a1").code))
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, data, "名单.xlsx")
        assert not StoredFile.objects.filter(pk=batch.file_id).exists()
        assert commands.file_of(batch) == data
    with seeing_all():
        kept = storage.read(StoredFile.objects.get(pk=batch.file_id).sha256)
    assert b"PK" not in kept[:64]
    assert data[:200] not in kept


def test_a_failure_of_the_system_itself_leaves_no_batch_hanging(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xueji.registry.intake import tasks
    from xueji.registry.intake.commands import bring

    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(body(2, place.org("a1").code)), "名单.xlsx", inline=False)
    monkeypatch.setattr(bring, "check_stream", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tasks.check_batch(batch.id)
    with act_as(place.user("registrar", "a1")) as actor:
        found = queries.batch(actor, batch.id)
        assert found.state == BatchState.FAILED
        assert "系统处理这个批次时出错" in found.problem
