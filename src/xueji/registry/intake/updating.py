"""The round trip of a class list: current data out, gaps filled, and what of it would change. Reads only.

A pupil is found by the key in the first column, never by name alone. Key facts go along masked and locked; where they
differ the row is refused and the way is a case. A blank cell changes nothing; a masked value that comes back as it went
out changes nothing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.orgs.grades import class_label
from xueji.ground.sheets.cells import LostDigits
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.guard import Limits
from xueji.ground.sheets.read import open_sheet, plain_label
from xueji.ground.sheets.write import TemplateField, write_template
from xueji.ground.standards import fields as national_form
from xueji.ground.standards.codes import table
from xueji.ground.standards.fields import Field
from xueji.ground.standards.identity import SEX_WORDS
from xueji.ground.standards.masking import mask_identity
from xueji.ground.standards.text import as_text
from xueji.registry.people import places
from xueji.registry.people.queries.profile import kept_in_profile

from . import asked, books
from .cells import mask, understand
from .errors import IntakeError
from .places import SchoolFacts

#: Pupils in one sheet.
MOST = 5_000
KEY = "key"
#: Facts that are shown, compared and never written; their columns are locked.
FIXED: tuple[tuple[str, str], ...] = (
    (KEY, "系统编号(勿改)"),
    ("name", "姓名"),
    ("sex", "性别"),
    ("birth_date", "出生日期"),
    ("id_number", "身份证件号"),
    ("place", "班级"),
)


def columns(school_id: int | None = None) -> list[Field]:
    """Fields that a sheet may complete: the ordinary data of the pupil, none of the family's; of a school none that its
    place does not collect (C-COL-22).
    """
    closed = asked.shut(asked.levels(school_id)) if school_id is not None else frozenset()
    return [
        f
        for f in national_form.fields()
        if kept_in_profile(f) and f.key != "id_validity" and f.key not in closed
    ]


@dataclass(frozen=True)
class Pupil:
    """A pupil as the record has it."""

    person_id: uuid.UUID
    name: str
    sex: str
    birth_date: date
    id_number: str
    place: str
    values: dict[str, str]

    def shown(self, key: str) -> str:
        """A fixed fact as the sheet shows it."""
        return {
            KEY: str(self.person_id),
            "name": self.name,
            "sex": SEX_WORDS.get(self.sex, ""),
            "birth_date": self.birth_date.isoformat(),
            "id_number": self.id_number,
            "place": self.place,
        }[key]


def pupils(
    actor: Any, school_id: int, *, class_id: int | None = None, ids: Sequence[uuid.UUID] | None = None
) -> list[Pupil]:
    """Present pupils of a school, of one class or with these keys, under row-level security; in two queries."""
    with connection.cursor() as c:
        c.execute(
            "select p.person_id, p.name, p.sex, p.birth_date, k.stage, k.cohort_year, k.number, s.system, f.data, f.sealed,"
            "  d.doc_no, d.sealed from roster r join person p on p.person_id = r.person_id"
            " join school s on s.org_id = r.school_id left join school_class k on k.id = r.class_id"
            " left join person_profile f on f.person_id = p.person_id"
            " left join identity_document d on d.person_id = p.person_id and d.until is null"
            " where r.school_id = %(school)s and r.kind = 1 and r.reason = 'enrolled' and r.status < 10"
            "  and (%(klass)s::int is null or r.class_id = %(klass)s)"
            "  and (%(ids)s::uuid[] is null or r.person_id = any(%(ids)s::uuid[]))"
            " order by k.stage, k.cohort_year desc, k.number, r.pinyin_sort, p.person_id limit %(most)s",
            {
                "school": school_id, "klass": class_id, "ids": list(ids) if ids is not None else None, "most": MOST + 1,
            },
        )  # fmt: skip
        found = c.fetchall()
    if len(found) > MOST:
        raise IntakeError(_("一次最多 %s 名学生, 请分班办理") % MOST)
    today = timezone.localdate()
    return [
        Pupil(
            person,
            name,
            sex,
            born,
            mask_identity(vault.open(sealed, places.document(person, no))) if sealed else "",
            class_label(stage, cohort, number, system, today) if number else "",
            _values(person, data, secret),
        )
        for person, name, sex, born, stage, cohort, number, system, data, secret, no, sealed in found
    ]


def _values(person: uuid.UUID, data: Any, secret: Any) -> dict[str, str]:
    kept = data if isinstance(data, dict) else json.loads(data or "{}")
    if secret:
        kept = kept | vault.open_json(secret, places.profile(person))
    return {k: str(v) for k, v in kept.items() if v is not None and v != ""}


def is_sealed(spec: Field) -> bool:
    """Whether a field's value is masked on the way out."""
    return spec.sensitive in places.SEALED_KINDS


def shown(spec: Field, value: str) -> str:
    """A value as the sheet and the pages show it: code with its word, sensitive ones masked."""
    if not value:
        return ""
    if is_sealed(spec):
        masked = mask(spec.key, value)
        return masked if masked != value else value[:1] + "***"
    if spec.codeset:
        label = table(spec.codeset).label(value)
        return f"{value}-{label}" if books.choices(spec.codeset) else label
    return value


def book(school: SchoolFacts, rows: Sequence[Pupil], title: str) -> bytes:
    """The class list with its gaps: locked facts first, then every field that may be completed."""
    specs = columns(school.org_id)
    lists = {f.codeset: books.choices(f.codeset) for f in specs if f.codeset and books.choices(f.codeset)}
    fixed = [TemplateField(label=label, help=_("不能修改"), locked=True) for _key, label in FIXED]
    free = [
        TemplateField(
            label=f.name,
            help=_("已保密存放, 只显示一部分; 不改就留着, 要改就填新的完整内容")
            if is_sealed(f)
            else f.purpose,
            codes=f.codeset if f.codeset in lists else "",
        )
        for f in specs
    ]
    notes = [
        _("班级: %s") % title,
        _("灰色的列不能修改; 姓名、性别、出生日期、证件号有误的, 请在系统里办理“关键信息变更”"),
        _("空着的格子不会清除原有内容; 没有改动的学生不会受影响"),
    ]
    meta = {"xueji-kind": "update", "xueji-version": books.VERSION, "xueji-school": school.code}
    body = [
        [p.shown(k) for k, _label in FIXED] + [shown(f, p.values.get(f.key, "")) for f in specs] for p in rows
    ]
    return write_template([*fixed, *free], lists, meta=meta, rows=body, notes=notes, sheet_name=_("补全信息"))


@dataclass(frozen=True)
class Change:
    """One field of a pupil that the sheet changes."""

    key: str
    label: str
    before: str
    after: str


@dataclass
class Row:
    """A row of the sheet: what it changes, or why it is refused."""

    row_no: int
    name: str = ""
    person_id: uuid.UUID | None = None
    changes: list[Change] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    case: bool = False


@dataclass
class Plan:
    """What a sheet would do."""

    rows: list[Row] = field(default_factory=list)
    unchanged: int = 0

    @property
    def good(self) -> list[Row]:
        """Rows that change something and are right."""
        return [r for r in self.rows if r.changes and not r.problems]

    @property
    def refused(self) -> list[Row]:
        """Rows that change nothing because something is wrong with them."""
        return [r for r in self.rows if r.problems]


def plan(actor: Any, school: SchoolFacts, data: bytes, filename: str, *, limits: Limits) -> Plan:
    """Read a sheet that went out and say what it would change; a fixed number of queries. Raises `IntakeError`."""
    lines, at = _read(data, filename, limits)
    specs = {f.key: f for f in columns(school.org_id) if f.key in at}
    keys = {n: _uuid(_cell(cells, at[KEY])) for n, cells in lines}
    known = {p.person_id: p for p in pupils(actor, school.org_id, ids=[k for k in keys.values() if k])}
    out = Plan()
    seen: set[uuid.UUID] = set()
    for number, cells in lines:
        key = keys[number]
        row = Row(number, as_text(_cell(cells, at.get("name"))))
        pupil = known.get(key) if key else None
        if pupil is None or key is None:
            row.problems.append(_("系统编号对不上本校在读的学生, 没有更新"))
        elif key in seen:
            row.problems.append(_("这名学生在表格里出现了两次"))
        else:
            seen.add(key)
            row.person_id, row.name = key, pupil.name
            _compare(row, pupil, cells, at, specs)
        if row.problems or row.changes:
            out.rows.append(row)
        else:
            out.unchanged += 1
    return out


def _compare(row: Row, pupil: Pupil, cells: list[Any], at: dict[str, int], specs: dict[str, Field]) -> None:
    differs = []
    for key, label in FIXED[1:5]:
        typed = _cell(cells, at.get(key))
        text = typed.isoformat() if isinstance(typed, date) else as_text(typed)
        if text and text != pupil.shown(key):
            differs.append(label)
    if differs:
        row.case = True
        row.problems.append(
            _("%s与系统不同: 关键信息不能用表格修改, 请办理“关键信息变更”") % "、".join(differs)
        )
        return
    for key, spec in specs.items():
        before = pupil.values.get(key, "")
        value, problem = entered(spec, _cell(cells, at[key]), before)
        if problem:
            row.problems.append(problem)
        elif value:
            row.values[key] = value
            row.changes.append(Change(key, spec.name, shown(spec, before), shown(spec, value)))


def entered(spec: Field, raw: Any, before: str) -> tuple[str, str]:
    """What a cell makes of a value that went out as `before`: the new value ('' when the cell is blank or still says what
    it said), and what is wrong with the cell ('' when nothing is).
    """
    text = raw.shown if isinstance(raw, LostDigits) else as_text(raw)
    if not text or text == shown(spec, before):
        return "", ""
    cell = understand(spec, raw, required=False)
    if cell.code and cell.severity == "error":
        return "", f"{spec.name}: {cell.message}"
    value = f"{cell.value:%Y%m}" if isinstance(cell.value, date) else as_text(cell.value)
    if "*" in value and is_sealed(spec):
        return "", _("%s: 请填写完整内容, 不能带星号") % spec.name
    return (value if value != before else ""), ""


def _read(data: bytes, filename: str, limits: Limits) -> tuple[list[tuple[int, list[Any]]], dict[str, int]]:
    lines, at, _meta = read_lines(data, filename, limits)
    return lines, at


def read_lines(
    data: bytes, filename: str, limits: Limits, more: Mapping[str, str] | None = None
) -> tuple[list[tuple[int, list[Any]]], dict[str, int], dict[str, str]]:
    """Rows of a sheet that went out with keys, where its columns stand, and what it says of itself; `more` are further
    columns of it (heading -> key). Raises `IntakeError` for a sheet without keys.
    """
    labels = {plain_label(label): key for key, label in FIXED} | {
        plain_label(f.name): f.key for f in columns()
    }
    labels |= {plain_label(label): key for label, key in (more or {}).items()}
    try:
        reader = open_sheet(data, filename, limits=limits)
        found = reader.find_header(labels, required=[FIXED[0][1]])
        # Two headings in one row: the sheet that explains the columns names each in a row of its own.
        reader.alone([plain_label(label) for _key, label in FIXED[:2]])
        at = {labels[heading]: place for heading, place in found.columns.items()}
        if KEY not in at:
            raise IntakeError(_("表格里没有“系统编号”列: 请先下载本校的补全表, 填好后再上传"))
        lines = [(row.number, list(row.cells)) for row in reader.rows(after=found.row_number)]
    except SheetError as error:
        raise IntakeError(error.message_zh) from error
    if len(lines) > MOST:
        raise IntakeError(_("一次最多 %s 名学生, 请分班办理") % MOST)
    return lines, at, reader.meta


def _cell(cells: list[Any], at: int | None) -> Any:
    return cells[at] if at is not None and at < len(cells) else ""


def _uuid(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(as_text(text))
    except ValueError:
        return None


def class_of(actor: Any, class_id: int) -> tuple[int, str]:
    """School and name of a class of the actor's scope. Raises Http404."""
    with connection.cursor() as c:
        c.execute(
            "select k.school_id, k.stage, k.cohort_year, k.number, s.system from school_class k"
            " join school s on s.org_id = k.school_id where k.id = %s",
            [class_id],
        )
        row = c.fetchone()
    if row is None or row[0] not in actor.orgs:
        raise Http404
    return row[0], class_label(row[1], row[2], row[3], row[4], timezone.localdate())


def classes(school: SchoolFacts) -> list[tuple[int, str]]:
    """Classes of a school that are open, by name."""
    today = school.today
    found = [
        (stage, -cohort, number, pk)
        for (stage, cohort, number), (pk, closed) in school.classes.items()
        if not closed
    ]
    return [(pk, class_label(s, -y, n, school.system, today)) for s, y, n, pk in sorted(found)][:500]
