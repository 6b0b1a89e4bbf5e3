"""`xueji takeover`: an operator loads a running register from the console, in the steps of the pages."""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.db import transaction
from tests.helpers import Place, act_as, make_county, seeing_all
from tests.registry.takeover import sheets
from tests.registry.takeover.proof import record_says_nothing

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.enrolment.models import Roster
from xueji.registry.takeover import commands
from xueji.registry.takeover.models import Takeover, TakeoverDifference
from xueji.web.cli import takeover
from xueji.web.cli.boot import Refused
from xueji.web.cli.main import _parser

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


class Console:
    """Runs the command as the registrar of a1 and keeps what it says."""

    def __init__(self, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
        self.place, self.capsys = place, capsys
        self.who = ["--school", place.org("a1").code, "--as", place.user("registrar", "a1").username]

    def args(self, *argv: str) -> argparse.Namespace:
        return _parser().parse_args(["takeover", *argv, *self.who])

    def run(self, *argv: str) -> tuple[int, str]:
        self.capsys.readouterr()
        return takeover.run(self.args(*argv), print), self.capsys.readouterr().out

    def data(self, *argv: str) -> tuple[int, dict[str, Any]]:
        kept: list[dict[str, Any]] = []
        status = takeover.run(self.args(*argv, "--json"), kept.append)
        json.dumps(kept[0])
        return status, kept[0]


def fill(path: Path, **more: int) -> None:
    """Copy the counts of the roster into the column of the official totals; `more` adds to the first line."""
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    for n, row in enumerate(rows):
        row["官方人数"] = str(int(row["名册人数"]) + (more.get("first", 0) if n == 0 else 0))
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_an_operator_loads_a_register_from_the_console(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator of a school that comes from another system loads its export, reads the faults and corrects the sheet.
    Totals are filled into a form and agree; then all are put on record at once.
    A later export lists what differs and the sheet for the other system.
    """
    console = Console(place, capsys)
    rows = [sheets.child(n) for n in range(1, 5)]
    rows[3]["身份证件号"] = "990101201703010000"
    roster, moves, form = tmp_path / "名册.xlsx", tmp_path / "异动.xlsx", tmp_path / "人数.csv"
    roster.write_bytes(sheets.roster(rows))
    left = {
        "学籍号": rows[0]["学籍号"],
        "姓名": rows[0]["姓名"],
        "异动类别": "转入",
        "异动日期": "2025-09-01",
    }
    moves.write_bytes(sheets.moves([left | {"办理状态": "已办结"}]))
    status, said = console.run("load", str(roster), "--moves", str(moves), "--as-of", "2026-11-20")
    assert status == 1
    assert "名册 4 人: 3 人可以接管" in said
    with seeing_all():
        number = str(Takeover.objects.get().pk)
    status, said = console.run("check", number)
    assert status == 1
    assert "第 5 行" in said
    assert rows[3]["身份证件号"] not in said
    roster.write_bytes(sheets.roster([sheets.child(n) for n in range(1, 5)]))
    status, data = console.data("load", str(roster), "--moves", str(moves), "--instead-of", number)
    assert (status, data["counts"]["new"]) == (0, 4)
    number = str(data["takeover"])
    # Nothing is put on record before the totals agree.
    with pytest.raises(Refused, match="请先填写官方系统的人数"):
        console.run("publish", number)
    assert console.run("balance", number)[0] == 1
    assert console.run("balance", number, str(form), "--form")[0] == 0
    fill(form, first=1)
    status, said = console.run("balance", number, str(form))
    assert status == 1
    assert "相差 -1" in said
    status, said = console.run("balance", number, "--explain", "官方系统多算一名已转出的学生")
    assert (status, "等待校长在网页签字" in said) == (1, True)
    fill(form)
    status, said = console.run("balance", number, str(form))
    assert (status, "人数都一致" in said) == (0, True)
    with pytest.raises(Refused, match="人数已变为 4"):
        console.run("publish", number, "--expected", "3")
    status, said = console.run("publish", number)
    assert (status, "已接管 4 名学生的学籍" in said) == (0, True)
    with seeing_all():
        assert Roster.objects.filter(school_id=place.org("a1").pk).count() == 4
    record_says_nothing()
    # A later export: what differs, and what is to be put right over there.
    newer = [sheets.child(n) for n in range(1, 5)]
    newer[1]["民族"] = "满族"
    roster.write_bytes(sheets.roster(newer))
    status, data = console.data("load", str(roster))
    number = str(data["takeover"])
    status, said = console.run("differences", number)
    assert status == 1
    assert "民族: 本系统 汉族, 导出表 满族" in said
    with seeing_all():
        one = TakeoverDifference.objects.get(takeover_id=int(number))
    with act_as(place.user("registrar", "a1")) as actor:
        commands.settle(actor, int(number), [one.pk], "report", "以户口簿为准")
    report = tmp_path / "更正单.xlsx"
    status, said = console.run("differences", number, str(report), "--all")
    assert (status, "以户口簿为准" in said) == (0, True)
    sheet = openpyxl.load_workbook(report).worksheets[0]
    assert any("满族" in str(c.value) for row in sheet.iter_rows() for c in row)
    assert number in console.run("list")[1]
    with transaction.atomic(), acting("audit"):
        looks = AuditEntry.objects.filter(action="takeover.look")
        assert {(e.after or {})["what"] for e in looks} == {"check", "balance", "differences"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--as": "nobody"}, "没有叫 nobody 的账号"),
        ({"--school": "0000000000"}, "没有标识码为|不是"),
        ({"--school": "b1", "--as": "a1"}, "不是 .* 的学籍管理员"),
    ],
)
def test_who_may_not_is_refused_in_words(
    place: Place, capsys: pytest.CaptureFixture[str], change: dict[str, str], words: str
) -> None:
    console = Console(place, capsys)
    if change.get("--school") == "b1":
        console.who[1] = place.org("b1").code
    else:
        for option, value in change.items():
            console.who[console.who.index(option) + 1] = value
    with pytest.raises(Refused, match=words):
        console.run("list")


def test_wrong_arguments_are_told(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(place, capsys)
    bad = tmp_path / "人数.csv"
    bad.write_text(
        "学段,入学年份,学籍状态,性别,名册人数,官方人数\nP,2024,飞走,男,1,1\n", encoding="utf-8-sig"
    )
    roster = tmp_path / "名册.xlsx"
    roster.write_bytes(sheets.roster([sheets.child(1)]))
    with pytest.raises(Refused, match="没有这个文件"):
        console.run("load", str(tmp_path / "none.xlsx"))
    with pytest.raises(Refused, match="2026-09-01 的样子"):
        console.run("load", str(roster), "--as-of", "昨天")
    with pytest.raises(Refused, match="接管的编号"):
        console.run("check")
    with pytest.raises(Refused, match="没有编号为 99999 的接管"):
        console.run("check", "99999")
    number = str(console.data("load", str(roster))[1]["takeover"])
    with pytest.raises(Refused, match="人数表第 2 行看不懂"):
        console.run("balance", number, str(bad))
    with pytest.raises(Refused, match="请给出要写的文件"):
        console.run("balance", number, "--form")
