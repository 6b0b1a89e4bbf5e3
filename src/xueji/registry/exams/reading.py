"""The sheet of marks that an authority returns: ticket, name, and a column for each subject."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.read import open_sheet
from xueji.ground.standards.text import as_text, compact

from .errors import ExamError

MOST = 20_000
LIMIT = 8 << 20
ABSENT = "缺考"
_GRADE = re.compile(r"[A-E][+-]?|优秀?|良好?|中等?|及格|合格|不及格|不合格|缺考|\d{1,3}(\.\d)?")
_BASE = ("准考证号", "姓名")


@dataclass(frozen=True)
class Line:
    """One pupil's marks, as the sheet has them."""

    row: int
    ticket: str
    name: str
    marks: Mapping[str, str]


def read(data: bytes, name: str, subjects: Sequence[str]) -> list[Line]:
    """The lines of a sheet. Raises `ExamError` with what is wrong with the file."""
    try:
        reader = open_sheet(data, name)
        header = reader.find_header([*_BASE, *subjects], required=_BASE)
        if header.missing:
            raise ExamError(_("成绩表缺少列: %s") % "、".join(header.missing))
        places = [s for s in subjects if s in header.columns]
        if not places:
            raise ExamError(_("成绩表没有这次考试的科目列, 请用科目名称作表头: %s") % "、".join(subjects))
        out = []
        for row in reader.rows(after=header.row_number):
            cell = {
                k: compact(as_text(row.cells[i])) if i < len(row.cells) else ""
                for k, i in header.columns.items()
            }
            marks = {s: cell[s].upper() for s in places if cell[s]}
            out.append(Line(row.number, cell["准考证号"], cell["姓名"], marks))
            if len(out) > MOST:
                raise ExamError(_("一张成绩表最多 %s 人, 请分开上传") % MOST)
    except SheetError as error:
        raise ExamError(str(error)) from error
    if not out:
        raise ExamError(_("成绩表里没有学生"))
    return out


def judge(policy: PolicySet, forms: Mapping[str, str], lines: Iterable[Line], on: date) -> list[str]:
    """What is wrong with marks: not understood, or not of the kind that the place gives; each kind is asked once."""
    out: list[str] = []
    known: dict[tuple[str, str], str] = {}
    for line in lines:
        for subject, mark in line.marks.items():
            where = _("第 %(row)s 行 %(subject)s “%(mark)s”: ") % {
                "row": line.row,
                "subject": subject,
                "mark": mark[:10],
            }
            if not _GRADE.fullmatch(mark):
                out.append(where + _("不是成绩, 请填分数、等级或“缺考”"))
                continue
            if mark == ABSENT:
                continue
            key = (forms[subject], mark)
            if key not in known:
                trace = policy.evaluate("exam.score", {"exam.kind": key[0], "exam.grade": mark}, on)
                known[key] = "；".join(f.sentence for f in trace.stopping)
            if known[key]:
                out.append(where + known[key])
    return out


def as_json(marks: Mapping[str, str]) -> str:
    """Marks as they are kept."""
    return json.dumps(dict(marks), ensure_ascii=False)
