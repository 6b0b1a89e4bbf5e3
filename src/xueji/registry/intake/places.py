"""Where a child is to sit: stage, entry cohort and class, read from what a sheet says about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from django.utils.translation import gettext as _

from xueji.ground.orgs.grades import class_label, cohort_of_grade, grade_on, start_year_of
from xueji.ground.standards.text import compact

_NUMERALS = {c: n for n, c in enumerate("零一二三四五六七八九十")}
_STAGES = {"小学": "P", "P": "P", "1": "P", "初中": "J", "初级中学": "J", "J": "J", "2": "J",
           "高中": "S", "普通高中": "S", "S": "S", "3": "S"}  # fmt: skip
STAGE_NAMES = {"P": "小学", "J": "初中", "S": "高中"}
_CLASS = re.compile(r"^\(?([0-9]{1,2}|[一二三四五六七八九十]{1,3})\)?班?$")
_WITH_GRADE = re.compile(
    r"^(.*?(?:年级|级|届|初[一二三四]|高[一二三]))\(?([0-9]{1,2}|[一二三四五六七八九十]{1,3})\)?班?$"
)
#: 一(2)班, 七(1)班: the grade by its numeral alone.
_SHORT = re.compile(r"^([一二三四五六七八九]|[1-9])\(([0-9]{1,2}|[一二三四五六七八九十]{1,3})\)班?$")
_COHORT_CLASS = re.compile(r"^(20[0-9]{2})([0-9]{2})$")


@dataclass(frozen=True)
class SchoolFacts:
    """What checks need to know of the school that imports; read once for a batch."""

    org_id: int
    county_id: int
    code: str
    name: str
    division: str
    stages: tuple[str, ...]
    system: str
    today: date
    #: (stage, cohort, number) -> (id, closed)
    classes: dict[tuple[str, int, int], tuple[int, bool]] = field(default_factory=dict)
    #: Headings of this school's own sheets that somebody matched by hand -> key of the field, or ''.
    headings: dict[str, str] = field(default_factory=dict)
    #: What the place collects (`asked`): key -> must, may, none; empty where the national form alone decides.
    levels: dict[str, str] = field(default_factory=dict)
    #: The scheme under which auxiliary numbers of this place are kept and found.
    aux_scheme: str = "province.auxiliary"

    def label(self, stage: str, cohort: int, number: int) -> str:
        """三年级(2)班."""
        return class_label(stage, cohort, number, self.system, self.today)


class Seat(NamedTuple):
    """What was understood: `problem` is (field, code, text); `notes` are (field, original, understood)."""

    stage: str
    cohort: int
    number: int
    enrolled_on: date
    new_class: bool
    problem: tuple[str, str, str] | None = None
    notes: tuple[tuple[str, str], ...] = ()
    warning: tuple[str, str, str] | None = None


def _number(text: str) -> int | None:
    if text.isdigit():
        return int(text)
    if "十" in text:
        tens, _ten, ones = text.partition("十")
        return (_NUMERALS.get(tens, 1) if tens else 1) * 10 + (_NUMERALS.get(ones, 0) if ones else 0)
    return _NUMERALS.get(text)


def read_grade(raw: object, school: SchoolFacts) -> tuple[str, int] | None:
    """Stage and cohort that a grade names today: 三年级, 初一, 高二, 13, 2024级."""
    text = compact(raw)
    if not text:
        return None
    years = [int(y) for y in school.system.split("-")]
    found = re.fullmatch(r"(20[0-9]{2})级?", text)
    if found:
        only = school.stages[0] if len(school.stages) == 1 else ""
        return (only, int(found[1])) if only else None
    if found := re.fullmatch(r"([123])([1-6])", text):
        stage, year = "PJS"[int(found[1]) - 1], int(found[2])
    elif found := re.fullmatch(r"(?:小学)?([一二三四五六七八九]|[1-9])年级", text):
        grade = _number(found[1]) or 0
        stage, year = ("P", grade) if grade <= years[0] else ("J", grade - years[0])
        # Where there is no primary stage people count from the first year of their own: 一(2)班 of a 高中 is 高一.
        if stage == "P" and len(school.stages) == 1:
            stage = school.stages[0]
    elif found := re.fullmatch(r"初中?([一二三四])(?:年级)?", text):
        stage, year = "J", _NUMERALS[found[1]]
    elif found := re.fullmatch(r"高中?([一二三])(?:年级)?", text):
        stage, year = "S", _NUMERALS[found[1]]
    else:
        return None
    if not 1 <= year <= years["PJS".index(stage)]:
        return None
    return stage, cohort_of_grade(stage, year, school.today)


def read_class(raw: object) -> tuple[str, int] | None:
    """What stands before the class number (a grade, or nothing), and the number: 三年级(2)班 is (三年级, 2)."""
    text = compact(raw)
    if found := _COHORT_CLASS.match(text):
        return found[1] + "级", int(found[2])
    if found := _CLASS.match(text):
        number = _number(found[1])
        return ("", number) if number else None
    if found := _WITH_GRADE.match(text) or _SHORT.match(text):
        before = found[1] + "年级" if found.re is _SHORT else found[1]
        number = _number(found[2])
        return (before, number) if number else None
    return None


class Places:
    """Seats by what four cells say; the same four cells are understood once."""

    def __init__(self, school: SchoolFacts) -> None:
        self.school = school
        self.known: dict[tuple[object, ...], Seat] = {}

    def seat(
        self,
        class_raw: object,
        entry: date,
        stage_raw: object,
        grade_raw: object,
        age_at_entry: int,
        senior: bool,
    ) -> Seat:
        """Where the child sits, or why that cannot be known."""
        key = (class_raw, entry, stage_raw, grade_raw, age_at_entry >= 10, senior)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._understand(*key)  # type: ignore[arg-type]
        return found

    def _understand(
        self, class_raw: object, entry: date, stage_raw: object, grade_raw: object, older: bool, senior: bool
    ) -> Seat:
        school = self.school
        # Those registered in July and August enter with the school year that follows.
        cohort = entry.year if entry.month in (7, 8) else start_year_of(entry)
        begins = date(entry.year, 9, 1) if entry.month in (7, 8) else entry
        nothing = ("", 0, 0, begins, False)
        parsed = read_class(class_raw)
        if parsed is None or not 1 <= parsed[1] <= 99:
            text = _("班号“%(value)s”看不懂, 请填写1至99的数字, 或三年级(2)班这样的班级名称")
            return Seat(*nothing, problem=("class_no", "class.format", text % {"value": str(class_raw)[:20]}))
        before, number = parsed
        named = read_grade(grade_raw, school) or read_grade(before, school)
        if grade_raw and str(grade_raw).strip() and read_grade(grade_raw, school) is None and named is None:
            text = _("年级“%(value)s”看不懂, 请填写三年级、初一或2024级这样的写法")
            return Seat(*nothing, problem=("grade", "grade.format", text % {"value": str(grade_raw)[:20]}))
        stage = (
            _STAGES.get(compact(stage_raw), "") or (named[0] if named else "") or self._stage(older, senior)
        )
        if stage not in school.stages:
            text = _("%(school)s没有%(stage)s, 请核对入学年月、入学方式和年级")
            return Seat(
                *nothing,
                problem=(
                    "entry_month",
                    "stage.not_here",
                    text % {"school": school.name, "stage": STAGE_NAMES.get(stage, "")},
                ),
            )
        warning = None
        if named and named[1] != cohort:
            text = _("填写的年级是%(a)s级, 入学年月属于%(b)s级, 已按年级编班, 请核对")
            warning = ("entry_month", "cohort.differs", text % {"a": named[1], "b": cohort})
            cohort = named[1]
        if begins > school.today:
            text = _("入学日期 %(day)s 还没有到, 请在入学后再导入, 或核对入学年月")
            return Seat(*nothing, problem=("entry_month", "entry.future", text % {"day": begins.isoformat()}))
        grade = grade_on(stage, cohort, school.system, school.today)
        if grade is None:
            text = _(
                "按入学年月, 该生是%(stage)s%(year)s级, 现在不在本校任何年级, 请核对入学年月(填进入现在学段的年月)"
            )
            return Seat(
                *nothing,
                problem=("entry_month", "cohort.left", text % {"stage": STAGE_NAMES[stage], "year": cohort}),
            )
        have = school.classes.get((stage, cohort, number))
        label = school.label(stage, cohort, number)
        if have is not None and have[1]:
            text = _("%(label)s已经停用, 请换一个班, 或先在“班级”中启用")
            return Seat(*nothing, problem=("class_no", "class.closed", text % {"label": label}))
        notes = [(_("%(label)s(发布时新建)") if have is None else "%(label)s") % {"label": label}]
        return Seat(
            stage, cohort, number, begins, have is None,
            notes=((str(class_raw), notes[0]),) if have is None else (),
            warning=warning,
        )  # fmt: skip

    def _stage(self, older: bool, senior: bool) -> str:
        """In a school of several stages: by the way of entry, then by the age at entry."""
        if len(self.school.stages) == 1:
            return self.school.stages[0]
        if senior:
            return "S"
        return "J" if older else "P"
