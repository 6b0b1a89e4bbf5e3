"""The only code that reads batches and staged rows for pages and programs.

A batch is seen under row-level security; staging is closed to the application and is read in the role `intake`
after the batch was found in the actor's scope.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import class_label
from xueji.ground.orgs.models import School, SchoolClass
from xueji.ground.policy.library import library
from xueji.ground.policy.model import NumberScheme
from xueji.ground.sheets.cells import LostDigits
from xueji.ground.standards.fields import fields
from xueji.ground.standards.identity import SEX_WORDS
from xueji.ground.standards.text import as_text
from xueji.ground.waiting import Ask

from . import asked, repair
from .columns import EXTRAS, ROW, Mapping, name_of
from .errors import IntakeError
from .models import BatchState, ImportBatch, KnownHeading
from .places import SchoolFacts

PAGE = 50
SHOWN_STATES = ("error", "duplicate", "warning", "ok")


def school_facts(school_id: int) -> SchoolFacts:
    """What checks need of a school, in three queries. Raises `IntakeError` when there is none."""
    school = School.objects.select_related("org").filter(pk=school_id).first()
    if school is None:
        raise IntakeError("没有这所学校")
    classes = SchoolClass.objects.filter(school_id=school_id).values_list(
        "id", "stage", "cohort_year", "number", "closed_on"
    )
    headings = KnownHeading.objects.filter(school_id=school_id).values_list("heading", "key")
    today = timezone.localdate()
    return SchoolFacts(
        org_id=school_id,
        county_id=school.county_id,
        code=school.school_code,
        name=school.org.name,
        division=school.org.division,
        stages=tuple(school.stages),
        system=school.system,
        today=today,
        classes={(s, y, n): (i, c is not None and c <= today) for i, s, y, n, c in classes},
        headings=dict(headings[:1_000]),
        aux_scheme=_aux_scheme(school.org.division, school.school_code, today),
    )


def import_facts(school_id: int) -> SchoolFacts:
    """As `school_facts`, and which fields the place collects. Raises `IntakeError`."""
    return replace(school_facts(school_id), levels=asked.levels(school_id))


def local_scheme(division: str, code: str, day: date) -> NumberScheme | None:
    """The scheme of auxiliary numbers by which a school of the place numbers its pupils, if the place has one."""
    rules = library().resolve(library().ids_for(division, code), day)
    local = [s for s in rules.number_schemes() if not s.reserved and s.life in ("school", "stage")]
    return local[0] if local else None


def _aux_scheme(division: str, code: str, day: date) -> str:
    """What auxiliary numbers of the place are indexed under, so that they are found and never given twice."""
    scheme = local_scheme(division, code, day)
    return scheme.id if scheme else "province.auxiliary"


@dataclass(frozen=True)
class BatchRow:
    """A batch in the list: who, what, when, from which file, how far, and what was taken back."""

    id: int
    kind: str
    file_name: str
    sha256: str
    school: str
    creator: str
    created_at: datetime
    publisher: str
    published_at: datetime | None
    undoer: str
    undone_at: datetime | None
    state: str
    counts: dict[str, Any]
    problem: str

    @property
    def state_label(self) -> str:
        """Chinese word of the batch's state."""
        return str(BatchState(self.state).label)

    @property
    def kind_label(self) -> str:
        """What the sheet was for."""
        return _("补全信息") if self.kind == "update" else _("新生建籍")

    @property
    def todo(self) -> int:
        """Rows that wait for somebody."""
        return sum(self.counts.get(k, 0) for k in ("ok", "warning", "error", "duplicate"))


#: Filters of the history: what they are called in the address, and the states that they show.
HISTORY = {
    "open": ("uploaded", "checking", "checked", "matching", "publishing", "undoing"),
    "published": ("published",),
    "undone": ("undone",),
    "failed": ("failed", "discarded"),
}


def batches(
    actor: Any,
    *,
    before: int | None = None,
    limit: int = PAGE,
    show: str = "",
    text: str = "",
    since: date | None = None,
    until: date | None = None,
) -> list[BatchRow]:
    """Batches of the actor's scope, newest first, one page; `before` is the last id of the page before. `show` is a key
    of HISTORY (undone: also those of which a part was taken back), `text` a part of the file's name or the beginning of
    its digest, `since` and `until` days of the upload.
    """
    where = ["(%(before)s::bigint is null or b.id < %(before)s)"]
    if show == "undone":
        where.append("b.undone_at is not null")
    elif show in HISTORY:
        where.append("b.state = any(%(states)s)")
    if text:
        where.append(
            "(strpos(lower(b.file_name), lower(%(text)s)) > 0 or starts_with(b.file_sha256, lower(%(text)s)))"
        )
    if since:
        where.append("(b.created_at at time zone 'Asia/Shanghai')::date >= %(since)s")
    if until:
        where.append("(b.created_at at time zone 'Asia/Shanghai')::date <= %(until)s")
    with connection.cursor() as c:
        c.execute(
            "select b.id, b.kind, b.file_name, b.file_sha256, o.short_name, b.creator_id, b.created_at, b.publisher_id,"
            "  b.published_at, b.undoer_id, b.undone_at, b.state, b.counts, b.problem from import_batch b"
            f" join org o on o.id = b.school_id where {' and '.join(where)} order by b.id desc limit %(limit)s",
            {
                "before": before, "limit": limit, "states": list(HISTORY.get(show, ())), "text": text[:100],
                "since": since, "until": until,
            },
        )  # fmt: skip
        found = c.fetchall()
        who = staff_names({x for row in found for x in (row[5], row[7], row[9]) if x})
    return [
        BatchRow(
            i,
            kind,
            f,
            sha,
            o,
            who.get(u, ""),
            at,
            who.get(p, ""),
            done,
            who.get(x, ""),
            gone,
            s,
            as_json(n),
            why,
        )
        for i, kind, f, sha, o, u, at, p, done, x, gone, s, n, why in found
    ]


def waiting(actor: Any) -> Ask[int]:
    """How many batches of the actor's unit are not finished; the first page asks for them only if there are any."""
    return Ask(
        "select count(*) as n from import_batch where school_id = %(org)s and state = any(%(open)s)",
        {"org": actor.org_id, "open": list(HISTORY["open"])},
        lambda rows: int(rows[0]["n"]),
    )


def staff_names(ids: set[int]) -> dict[int, str]:
    """Names of colleagues, as far as the actor may know them."""
    if not ids:
        return {}
    with connection.cursor() as c:
        c.execute("select user_id, name from xueji_staff_names(%s)", [sorted(ids)])
        return {i: n or "" for i, n in c.fetchall()}


def batch(actor: Any, batch_id: int) -> ImportBatch:
    """One batch. Raises Http404 when it is not in the actor's scope."""
    found = ImportBatch.objects.filter(pk=batch_id).first()
    if found is None:
        raise Http404
    return found


def columns_of(batch: ImportBatch) -> dict[str, Any]:
    """The batch's mapping without what else is kept beside it."""
    return {k: v for k, v in batch.mapping.items() if k not in ("assignment", "missing")}


@dataclass(frozen=True)
class CellView:
    """A cell that needs attention, or was understood otherwise than typed."""

    key: str
    column: str
    value: str
    original: str
    understood: str
    message: str
    severity: str
    person: str = ""


TONES = {"ok": "green", "warning": "amber", "error": "red", "duplicate": "red"}


def state_label(state: str) -> str:
    """Chinese word of a row's state."""
    return {
        "ok": _("可以导入"),
        "warning": _("可以导入, 有提醒"),
        "error": _("需要修改"),
        "duplicate": _("重复"),
    }[state]


@dataclass
class RowView:
    """One staged row as the grid shows it."""

    row_no: int
    state: str
    name: str
    sex: str
    birth_date: Any
    place: str
    cells: list[CellView] = field(default_factory=list)
    notes: list[CellView] = field(default_factory=list)

    @property
    def state_label(self) -> str:
        """Chinese word of the row's state."""
        return state_label(self.state)

    @property
    def tone(self) -> str:
        """Colour of the state's chip."""
        return TONES[self.state]

    @property
    def birth_text(self) -> str:
        """The day as understood, else as typed."""
        return (
            self.birth_date.isoformat() if isinstance(self.birth_date, date) else str(self.birth_date or "")
        )

    @property
    def editable(self) -> list[CellView]:
        """Each faulty field once, with every message about it."""
        out: dict[str, CellView] = {}
        for cell in self.cells:
            have = out.get(cell.key)
            if have is None:
                out[cell.key] = cell
            else:
                out[cell.key] = CellView(
                    cell.key, cell.column, have.value, have.original, "", f"{have.message}; {cell.message}",
                    "error" if "error" in (cell.severity, have.severity) else cell.severity, have.person or cell.person,
                )  # fmt: skip
        return list(out.values())


_ROW = (
    "select row_no, state, name, sex, birth_date, stage, cohort_year, class_number, issues, notes, person_id, raw"
    " from staged_row where batch_id = %s"
)


def rows(
    actor: Any,
    batch: ImportBatch,
    *,
    states: Sequence[str] = ("error", "duplicate"),
    fault: str = "",
    noted: bool = False,
    after: int = 0,
    limit: int = PAGE,
) -> list[RowView]:
    """A page of rows in the order of the sheet: those in `states`, with a fault in field `fault`, or (`noted`) those
    in which something was understood otherwise than typed. Typed values come along: the person repairs them.
    """
    return grid(
        actor, batch, states=states, fault=fault, noted=noted, after=after, limit=limit, together=False
    )[0]


def grid(
    actor: Any,
    batch: ImportBatch,
    *,
    states: Sequence[str],
    fault: str,
    noted: bool,
    after: int,
    limit: int,
    together: bool,
) -> tuple[list[RowView], list[repair.Alike]]:
    """A page as `rows` gives it, and (if wanted) faults that can be mended for many rows at once."""
    system = _system(batch.school_id)
    mapping = Mapping.from_json(columns_of(batch))
    with transaction.atomic(), acting("intake"), connection.cursor() as c:
        query = _ROW + " and row_no > %s"
        args: list[Any] = [batch.id, after]
        if fault:
            query += " and issues @> %s::jsonb and state <> 'ok'"
            args.append(json.dumps([{"field": fault}]))
        elif noted:
            query += " and notes <> '[]'"
        else:
            query += " and state = any(%s)"
            args.append(list(states))
        c.execute(query + " order by row_no limit %s", [*args, limit])
        found = c.fetchall()
        alike = repair.alike(batch.id, mapping) if together else []
    return [_view(line, mapping, system) for line in found], alike


def row(actor: Any, batch_id: int, row_no: int) -> RowView:
    """One staged row. Raises Http404."""
    found = batch(actor, batch_id)
    system = _system(found.school_id)
    with transaction.atomic(), acting("intake"), connection.cursor() as c:
        c.execute(_ROW + " and row_no = %s", [batch_id, row_no])
        line = c.fetchone()
    if line is None:
        raise Http404
    return _view(line, Mapping.from_json(columns_of(found)), system)


def _system(school_id: int) -> str:
    return str(School.objects.filter(pk=school_id).values_list("system", flat=True).first() or "6-3-3")


def _view(line: tuple[Any, ...], mapping: Mapping, system: str) -> RowView:
    row_no, state, name, sex, birth, stage, cohort, number, issues, notes, person, raw = line
    cells = repair.opened(person, raw)

    def typed(key: str) -> str:
        at = mapping.columns.get(key)
        value = cells[at] if at is not None and at < len(cells) else ""
        return value.shown if isinstance(value, LostDigits) else as_text(value)

    def view(found: dict[str, Any]) -> CellView:
        return CellView(
            found["field"], found["column"], typed(found["field"]), found["original"], found["understood"],
            found.get("message", ""), found.get("severity", "note"), found.get("person", ""),
        )  # fmt: skip

    place = class_label(stage, cohort, number, system, timezone.localdate()) if number else typed("class_no")
    return RowView(
        row_no,
        state,
        name or typed("name"),
        SEX_WORDS.get(sex or "", typed("sex")),
        birth or typed("birth_date"),
        place,
        [view(i) for i in as_json(issues)],
        [view(n) for n in as_json(notes)],
    )


def typed_values(actor: Any, batch: ImportBatch, row_no: int) -> dict[str, str]:
    """Everything that was typed in a row, by field, for the form that edits it whole. Raises Http404."""
    with transaction.atomic(), acting("intake"):
        cells = repair.raw_row(batch.id, row_no)
    if cells is None:
        raise Http404
    mapping = Mapping.from_json(columns_of(batch))
    out = {}
    for key in [f.key for f in fields()] + [k for k in EXTRAS if k != ROW]:
        at = mapping.columns.get(key)
        value = cells[at] if at is not None and at < len(cells) else ""
        out[key] = value.shown if isinstance(value, LostDigits) else as_text(value)
    return out


@dataclass(frozen=True)
class PublishedRow:
    """A child that the batch put on record."""

    row_no: int
    person_id: uuid.UUID
    name: str
    place: str


def published(actor: Any, batch: ImportBatch, *, after: int = 0, limit: int = PAGE) -> list[PublishedRow]:
    """Children of the batch on record, in the order of the sheet, as far as the actor may see them."""
    system = _system(batch.school_id)
    with connection.cursor() as c:
        c.execute(
            "select (e.detail->>'row')::int, e.person_id, p.name, k.stage, k.cohort_year, k.number from event e"
            " join person p on p.person_id = e.person_id left join school_class k on k.id = e.class_id"
            " where e.batch_id = %s and e.business = 'enrol' and (e.detail->>'row')::int > %s"
            "  and not exists (select 1 from event u where u.person_id = e.person_id and u.batch_id = e.batch_id"
            "    and u.business = 'undo') order by 1 limit %s",
            [batch.id, after, limit],
        )
        return [
            PublishedRow(r, p, n, class_label(s, y, k, system, timezone.localdate()) if k else "")
            for r, p, n, s, y, k in c.fetchall()
        ]


def label_of(key: str) -> str:
    """Official name of a field."""
    return name_of(key)


def as_json(value: Any) -> Any:
    """A jsonb value as the driver gives it, read."""
    return json.loads(value) if isinstance(value, str) else value
