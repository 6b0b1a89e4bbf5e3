"""Lists on paper: the class roster (班级花名册), and any other register with the same furniture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from .typst import render
from .wording import stamp

Orientation = Literal["landscape", "portrait"]
MAX_ROWS = 5000  # the typesetter keeps every row in memory; longer lists are printed in parts


@dataclass(frozen=True, slots=True, kw_only=True)
class ListColumn:
    """One column: its heading, its width in mm (None: what is left), and whether its cells stand in the
    middle.
    """

    label: str
    mm: float | None = None
    centre: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperList:
    """Any register: `facts` are the pairs under the title, `rows` already texts, one per column."""

    title: str
    subtitle: str = ""
    org_name: str
    facts: Sequence[tuple[str, str]] = ()
    columns: Sequence[ListColumn]
    rows: Sequence[Sequence[str]]
    printed_by: str
    printed_at: datetime
    reference: str = ""
    watermark: str = ""
    orientation: Orientation = "landscape"
    signatures: Sequence[str] = ()
    handwriting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRow:
    """One student of a class. Numbers and telephone stand as they shall be printed (masked or not by the
    caller).
    """

    student_number: str
    name: str
    sex: str
    birth_date: date | None = None
    ethnicity: str = ""
    household: str = ""
    guardian: str = ""
    phone: str = ""
    address: str = ""
    remark: str = ""
    class_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRoster:
    """班级花名册 in the order given (in-class number or pinyin: the caller sorts). Counts are taken from the
    rows.
    """

    school_name: str
    class_name: str
    head_teacher: str
    term_name: str
    rows: Sequence[RosterRow]
    printed_by: str
    printed_at: datetime
    watermark: str = ""
    reference: str = ""
    orientation: Orientation = "landscape"
    title: str = "班级花名册"
    signatures: Sequence[str] = ("班主任（签字）", "制表人（签字）", "学校（盖章）")


_LANDSCAPE = (
    ListColumn(label="序号", mm=10, centre=True),
    ListColumn(label="学籍号", mm=37),
    ListColumn(label="姓名", mm=25),
    ListColumn(label="性别", mm=10, centre=True),
    ListColumn(label="出生日期", mm=21, centre=True),
    ListColumn(label="民族", mm=16, centre=True),
    ListColumn(label="户籍地", mm=34),
    ListColumn(label="监护人", mm=19),
    ListColumn(label="联系电话", mm=25),
    ListColumn(label="现住址"),
    ListColumn(label="备注", mm=26),
)
_PORTRAIT = (
    ListColumn(label="序号", mm=10, centre=True),
    ListColumn(label="学籍号", mm=37),
    ListColumn(label="姓名", mm=22),
    ListColumn(label="性别", mm=10, centre=True),
    ListColumn(label="出生日期", mm=21, centre=True),
    ListColumn(label="民族", mm=16, centre=True),
    ListColumn(label="监护人", mm=18),
    ListColumn(label="联系电话", mm=25),
    ListColumn(label="备注"),
)


def render_list(data: PaperList) -> bytes:
    """A register as PDF/A-2b, A4, with repeated header, 第 x 页 / 共 y 页, who printed it and when.

    Raises `fonts.MissingGlyphs`, and `ValueError` when there are more than 5,000 rows or a row has a wrong
    length.
    """
    if len(data.rows) > MAX_ROWS:
        raise ValueError(f"{len(data.rows)} rows: print at most {MAX_ROWS} in one document")
    width = len(data.columns)
    if any(len(row) != width for row in data.rows):
        raise ValueError("every row needs one text per column")
    payload: dict[str, Any] = {
        "title": data.title,
        "subtitle": data.subtitle,
        "org": data.org_name,
        "facts": [list(pair) for pair in data.facts],
        "columns": [{"label": c.label, "mm": c.mm, "centre": c.centre} for c in data.columns],
        "rows": [list(row) for row in data.rows],
        "printed_by": data.printed_by,
        "printed_at": stamp(data.printed_at),
        "reference": data.reference,
        "watermark": data.watermark,
        "landscape": data.orientation == "landscape",
        "signatures": list(data.signatures),
        "row_pad": 3.1 if data.handwriting else 1.55,
    }
    return render("roster", payload, at=data.printed_at, tagged=False)


def render_class_roster(data: ClassRoster) -> bytes:
    """班级花名册. Landscape has household, address and guardian; portrait is the short form.

    Raises as `render_list`.
    """
    boys = sum(1 for row in data.rows if row.sex.startswith("男"))
    girls = sum(1 for row in data.rows if row.sex.startswith("女"))
    wide = data.orientation == "landscape"
    rows = []
    for index, row in enumerate(data.rows, start=1):
        born = row.birth_date.isoformat() if row.birth_date else ""
        head = [row.class_number or str(index), row.student_number, row.name, row.sex, born, row.ethnicity]
        if wide:
            rows.append([*head, row.household, row.guardian, row.phone, row.address, row.remark])
        else:
            rows.append([*head, row.guardian, row.phone, row.remark])
    return render_list(
        PaperList(
            title=data.title,
            subtitle=data.class_name,
            org_name=data.school_name,
            facts=[
                ("班级", data.class_name),
                ("班主任", data.head_teacher),
                ("学年学期", data.term_name),
                ("人数", f"{len(data.rows)}人（男{boys}，女{girls}）"),
            ],
            columns=_LANDSCAPE if wide else _PORTRAIT,
            rows=rows,
            printed_by=data.printed_by,
            printed_at=data.printed_at,
            reference=data.reference,
            watermark=data.watermark,
            orientation=data.orientation,
            signatures=data.signatures,
        )
    )
