"""Rows of the two sheets, understood cell by cell. Pure: knows the school, needs no database."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.orgs.grades import grade_on, start_year_of
from xueji.ground.policy.model import NumberScheme
from xueji.ground.policy.schemes import parse_number
from xueji.ground.policy.statuses import Status
from xueji.ground.sheets.cells import LostDigits
from xueji.ground.sheets.read import SheetReader
from xueji.ground.standards.dates import parse_date, parse_month
from xueji.ground.standards.fields import Field, fields
from xueji.ground.standards.identity import check_identity, normalise_identity
from xueji.ground.standards.idtypes import RESIDENT
from xueji.ground.standards.masking import mask_student_number
from xueji.ground.standards.names import normalise_name
from xueji.ground.standards.text import as_text, compact
from xueji.registry.intake.aside import Aside, is_aside
from xueji.registry.intake.asked import demands
from xueji.registry.intake.cells import mask, understand
from xueji.registry.intake.places import STAGE_NAMES, SchoolFacts, read_class, read_grade

from .chain import Movement, PlannedLink, plan
from .layout import (
    DROPPED,
    FINISHED,
    FORMER,
    GRADE,
    MOVEMENTS,
    NUMBER,
    SINCE,
    STAGE,
    STATES,
    STATUS,
    Layout,
    name_of,
)

#: A national student number as it is written; nothing else may take it apart (NAT-NUM-16).
_NATIONAL = re.compile(r"[GLJ][0-9A-Z]{18}")
_STAGE_LETTER = {"小学": "P", "初中": "J", "初级中学": "J", "高中": "S", "普通高中": "S"}
_OWN = frozenset({NUMBER, FORMER, STATUS, SINCE, GRADE, STAGE})
_BY_HAND = frozenset({"id_number", "class_no", "school_code", "auxiliary_number"})


@dataclass
class Pending:
    """A movement that was under way in the other system."""

    business: str
    word: str
    on: date | None
    reason: str
    progress: str
    holder: str

    def as_json(self) -> dict[str, str]:
        """For the row."""
        return {
            "business": self.business,
            "word": self.word,
            "on": self.on.isoformat() if self.on else "",
            "reason": self.reason,
            "progress": self.progress,
            "holder": self.holder,
        }


@dataclass
class Understood:
    """One row: its values, its numbers, its chain, and what is wrong. `values` have the national form's keys."""

    row_no: int
    values: dict[str, Any] = field(default_factory=dict)
    number: str = ""
    former: list[str] = field(default_factory=list)
    status: int = int(Status.STUDYING)
    since: date | None = None
    stage: str = ""
    cohort: int = 0
    class_number: int | None = None
    new_class: bool = False
    begins: date | None = None
    links: list[PlannedLink] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    issues: list[dict[str, str]] = field(default_factory=list)

    def fault(self, key: str, message: str, *, severity: str = "error", new: bool = False) -> None:
        """Note what is wrong with a cell; a warning does not hold the row back. `new`: it matters only for who is still
        to be put on record.
        """
        issue = {"field": key, "column": name_of(key), "message": message, "severity": severity}
        self.issues.append(issue | ({"new": "1"} if new else {}))

    def known(self) -> None:
        """The child is on record here already: what only a new record needs is no fault."""
        self.issues = [i for i in self.issues if "new" not in i]

    @property
    def faulty(self) -> bool:
        """Whether the row cannot be put on record as it is."""
        return any(i["severity"] == "error" for i in self.issues)


@lru_cache(maxsize=1)
def _national() -> dict[str, Field]:
    return {f.key: f for f in fields()}


class Reader:
    """Reads rosters and movements for one school; `aside` are the rows of the roster that are no pupils."""

    def __init__(self, school: SchoolFacts, scheme: NumberScheme | None = None) -> None:
        self.school, self.scheme, self.today = school, scheme, school.today
        self.aside = Aside()

    # --- the roster ----------------------------------------------------------------------------------------

    def roster(
        self, reader: SheetReader, layout: Layout, moves: Mapping[str, Sequence[Any]]
    ) -> list[Understood]:
        """Every row, checked alone and against the other rows. `moves` are those of `movements`, by person."""
        rows: list[Understood] = []
        begins = is_aside(layout.columns)
        for line in reader.rows(after=layout.header_row):
            cells = line.cells
            if word := begins(cells):
                self.aside.add(line.number, word)
                continue
            # Blank cells at the end of a row are not in the file: they are blank, not missing.
            raw = {k: cells[at] if at < len(cells) else "" for k, at in layout.columns.items()}
            if any(value != "" for value in raw.values()):
                rows.append(self._row(line.number, raw))
        self._repeated(rows)
        for row in rows:
            self._history(row, moves)
        return rows

    def _row(self, number: int, raw: dict[str, Any]) -> Understood:
        row = Understood(number)
        for key, spec in _national().items():
            if key not in raw or key in _OWN or key in _BY_HAND or key.endswith("id_number"):
                continue
            cell = understand(spec, raw[key], required=key in ("name", "sex", "birth_date", "entry_month"))
            row.values[key] = cell.value
            if cell.code:
                # What the other system holds of less weight never keeps a child out: it is taken up or left blank.
                weighty = spec.is_key or key in ("entry_month",)
                row.fault(key, str(cell.message), severity="error" if weighty else "warning")
        if (code := as_text(raw.get("school_code", ""))) and code != self.school.code:
            row.fault("school_code", _("学校标识码不是本校的 %s, 请核对是否拿错了表格") % self.school.code)
        self._identity(row, raw)
        self._numbers(row, raw)
        self._state(row, raw)
        self._place(row, raw)
        self._demanded(row, raw)
        return row

    def _demanded(self, row: Understood, raw: dict[str, Any]) -> None:
        """What the place demands of a pupil and the sheet leaves blank (C-COL-22): told, for it is collected later; a child
        is never kept out for it, and of who has left nothing more is asked.
        """
        if not Status(row.status).is_open:
            return
        told = {issue["field"] for issue in row.issues}
        for key, spec in _national().items():
            if key not in raw or key in told or key in _BY_HAND or key.endswith(("id_number", "id_type")):
                continue
            if row.values.get(key) is None and demands(self.school.levels, spec):
                text = _("本地要求填写, 表格里空着, 接管后请补齐")
                row.fault(key, text, severity="warning", new=True)

    def _identity(self, row: Understood, raw: dict[str, Any]) -> None:
        for key in ("id_number", "member1_id_number", "member2_id_number"):
            cell, kind_key = raw.get(key, ""), key.replace("number", "type")
            pupil = key == "id_number"
            if isinstance(cell, LostDigits):
                text = _("这个号码后面几位已经丢失(%s), 请从官方系统重新导出, 不要用表格软件另存")
                shown = text % mask(key, cell.shown)
                row.fault(key, shown, severity="error" if pupil else "warning")
                continue
            value = normalise_identity(as_text(cell))
            if not value:
                continue
            kind = row.values.get(kind_key) or RESIDENT
            result = check_identity(
                kind,
                value,
                on=self.today,
                sex=row.values.get("sex") if pupil else None,
                birth=row.values.get("birth_date") if pupil else None,
                allow_legacy=not pupil,
            )
            for problem in result.problems:
                row.fault(key, str(problem.message), severity=problem.severity if pupil else "warning")
            if result.ok or not any(p.severity == "error" for p in result.problems):
                row.values[kind_key], row.values[key] = kind, result.value

    def _numbers(self, row: Understood, raw: dict[str, Any]) -> None:
        """Numbers of the official system are kept as they are; well-formed, and in agreement with the identity."""
        cell = raw.get(NUMBER, "")
        if isinstance(cell, LostDigits):
            row.fault(NUMBER, _("学籍号后面几位已经丢失, 请从官方系统重新导出"))
            return
        number = normalise_identity(as_text(cell))
        if not number:
            row.fault(NUMBER, _("没有学籍号, 接管时编临时学籍号(L)"), severity="warning")
        elif not _NATIONAL.fullmatch(number):
            row.fault(NUMBER, _("学籍号 %s 不是 G、L 或 J 加 18 位") % mask_student_number(number))
        else:
            row.number = number
            identity = row.values.get("id_number")
            if number[0] == "G" and identity and number[1:] != identity:
                # The number may lag behind a changed paper (numbering, open point 5): told, never refused.
                row.fault(NUMBER, _("学籍号与身份证件号不一致, 按表格保留, 请核对"), severity="warning")
            elif number[0] == "G" and not identity and "id_number" in raw:
                row.fault("id_number", _("有正式学籍号(G)却没有身份证件号"))
        for text in re.split(r"[、,，;；\s]+", as_text(raw.get(FORMER, ""))):
            old = normalise_identity(text)
            if not old or old in (row.number, *row.former):
                continue
            if _NATIONAL.fullmatch(old):
                row.former.append(old)
            else:
                row.fault(
                    FORMER,
                    _("曾用学籍号 %s 不是 G、L 或 J 加 18 位, 没有采用") % mask_student_number(old),
                    severity="warning",
                )
        aux = as_text(raw.get("auxiliary_number", "")).strip()
        if aux:
            row.values["auxiliary_number"] = aux[:40]
            if self.scheme is not None and parse_number(self.scheme, aux) is None:
                row.fault(
                    "auxiliary_number",
                    _("学籍辅号 %s 不合本地的编排办法, 按表格保留, 请核对") % mask_student_number(aux),
                    severity="warning",
                )

    def _state(self, row: Understood, raw: dict[str, Any]) -> None:
        text = compact(raw.get(STATUS, ""))
        if text and text not in STATES:
            row.fault(STATUS, _("学生状态“%s”看不懂") % text[:20])
        row.status = int(STATES.get(text, Status.STUDYING))
        if as_text(raw.get(SINCE, "")):
            found = parse_date(raw[SINCE])
            found = found if found.value else parse_month(raw[SINCE])
            row.since = found.value
            if found.value is None:
                row.fault(SINCE, _("状态日期“%s”看不懂") % as_text(raw[SINCE])[:20])

    def _place(self, row: Understood, raw: dict[str, Any]) -> None:
        """Stage, cohort and class; those who left are placed by the year of entry, grade names no longer hold."""
        entry = row.values.get("entry_month")
        if entry is None:
            return
        school, still_here = self.school, Status(row.status).is_open
        born = row.values.get("birth_date")
        if born is not None and entry.year <= born.year:
            row.fault("entry_month", _("入学年月早于出生日期, 请核对"))
            return
        row.begins = date(entry.year, 9, 1) if entry.month in (7, 8) else entry
        cohort = entry.year if entry.month in (7, 8) else start_year_of(entry)
        parsed = read_class(raw.get("class_no", ""))
        before = parsed[0] if parsed else ""
        named = read_grade(raw.get(GRADE, ""), school) or read_grade(before, school) if still_here else None
        stage = _STAGE_LETTER.get(compact(raw.get(STAGE, "")), "") or (named[0] if named else "")
        if not stage:
            age = entry.year - born.year if born else 6
            stage = (
                school.stages[0]
                if len(school.stages) == 1
                else "S"
                if age >= 14
                else "J"
                if age >= 10
                else "P"
            )
        if stage not in school.stages:
            row.fault(
                STAGE,
                _("%(school)s没有%(stage)s") % {"school": school.name, "stage": STAGE_NAMES.get(stage, "")},
            )
            return
        if named and named[1] != cohort:
            text = _("填写的年级是%(a)s级, 入学年月属于%(b)s级, 已按年级接管, 请核对")
            row.fault(GRADE, text % {"a": named[1], "b": cohort}, severity="warning")
            cohort = named[1]
        row.stage, row.cohort = stage, cohort
        if still_here and grade_on(stage, cohort, school.system, self.today) is None:
            row.fault(
                "entry_month",
                _("按入学年月, 该生现在不在本校任何年级, 状态却是%s") % Status(row.status).label,
            )
        if parsed is not None and 1 <= parsed[1] <= 99:
            row.class_number = parsed[1]
            row.new_class = (stage, cohort, parsed[1]) not in school.classes
            if row.new_class and still_here:
                text = _("%s本系统还没有, 接管时新建")
                row.fault(
                    "class_no", text % school.label(stage, cohort, parsed[1]), severity="warning", new=True
                )
        elif still_here:
            row.fault(
                "class_no",
                _("班级“%s”看不懂, 请写1至99的班号或三年级(2)班这样的名称")
                % as_text(raw.get("class_no", ""))[:20],
                new=True,
            )

    def _repeated(self, rows: Sequence[Understood]) -> None:
        """One number, one child: in the sheet as in the record."""
        seen: dict[tuple[str, str], Understood] = {}
        for row in rows:
            keys = [(NUMBER, row.number)] if row.number else []
            keys += [(NUMBER, old) for old in row.former]
            if row.values.get("id_number"):
                keys.append(("id_number", row.values["id_type"] + row.values["id_number"]))
            if row.values.get("auxiliary_number"):
                keys.append(("auxiliary_number", row.values["auxiliary_number"]))
            for key in keys:
                other = seen.setdefault(key, row)
                if other is not row:
                    text = _("与第 %(row)s 行(%(name)s)的%(what)s相同")
                    words = {
                        "row": other.row_no,
                        "name": other.values.get("name") or "",
                        "what": name_of(key[0]),
                    }
                    row.fault(key[0], text % words)

    def _history(self, row: Understood, moves: Mapping[str, Sequence[Any]]) -> None:
        own = [m for key in self.keys_of(row) for m in moves.get(key, ())]
        row.pending = [m for m in own if isinstance(m, Pending)]
        if row.begins is None or not row.stage:
            return
        done = [m for m in own if isinstance(m, Movement)]
        row.links, faults = plan(row.begins, row.cohort, row.status, row.since, done, self.today)
        for fault in faults:
            row.fault(STATUS, fault, new=True)

    @staticmethod
    def keys_of(row: Understood) -> list[str]:
        """How movements find their child: by number, by paper; by name only where the sheet has neither."""
        keys = [n for n in (row.number, *row.former) if n]
        if row.values.get("id_number"):
            keys.append(row.values["id_number"])
        return [*keys, "name:" + (row.values.get("name") or "")]

    # --- movements -----------------------------------------------------------------------------------------

    def movements(
        self, reader: SheetReader, layout: Layout
    ) -> tuple[dict[str, list[Any]], list[dict[str, Any]]]:
        """Movements by the key of their child, and what of the sheet was not understood."""
        found: dict[str, list[Any]] = defaultdict(list)
        faults: list[dict[str, Any]] = []
        for line in reader.rows(after=layout.header_row):
            cells = line.cells
            raw = {k: cells[at] for k, at in layout.columns.items() if at < len(cells)}
            text = {k: as_text(v).strip() for k, v in raw.items() if not isinstance(v, LostDigits)}
            word, progress = compact(text.get("kind", "")), compact(text.get("progress", ""))
            if not word and not text.get("name"):
                continue
            key = normalise_identity(text.get(NUMBER, "")) or normalise_identity(text.get("id_number", ""))
            key = key or "name:" + normalise_name(text.get("name", "")).value
            if progress in DROPPED:
                continue
            day = parse_date(raw.get("on", "")).value
            if word not in MOVEMENTS or (day is None and progress in FINISHED):
                problem = (
                    _("异动类别“%s”看不懂") % word[:20] if word not in MOVEMENTS else _("异动日期看不懂")
                )
                faults.append({"row": line.number, "name": text.get("name", "")[:30], "message": problem})
                continue
            business, status = MOVEMENTS[word]
            if progress in FINISHED and day is not None:
                reason, other = text.get("reason", "")[:100], text.get("other_school", "")[:60]
                found[key].append(Movement(business, word, int(status), day, reason, other, line.number))
            else:
                found[key].append(
                    Pending(
                        business,
                        word,
                        day,
                        text.get("reason", "")[:100],
                        progress[:30],
                        text.get("holder", "")[:40],
                    )
                )
        return found, faults
