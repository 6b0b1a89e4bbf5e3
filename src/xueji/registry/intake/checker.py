"""Checks rows by columns and makes them ready for staging: typed, sealed, with the keys they will have.

Each distinct cell of a column is understood once; what repeats costs a look-up. The checker knows the school and
nothing else: it needs no database and runs in any process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.sheets.cells import Cell as SheetCell
from xueji.ground.sheets.cells import LostDigits, clean_control
from xueji.ground.standards.fields import Field, fields
from xueji.ground.standards.identity import check_identity, plainly_right
from xueji.ground.standards.idtypes import RESIDENT
from xueji.ground.standards.names import grams
from xueji.ground.standards.pinyin import pinyin_of
from xueji.ground.standards.text import as_text
from xueji.registry.people.places import GUARDIAN_KEYS, NATIONAL, SEALED_KINDS

from . import rules
from .asked import demands, shut
from .cells import Cell, mask, plain_column, plain_test, understand
from .columns import GRADE, STAGE, Mapping
from .keys import Keys, Tails
from .packing import Objects, array_literal, pack
from .places import Places, SchoolFacts

CHUNK = 1_000
_KEEP = 60_000
#: Values used when the sheet has no such column.
_DEFAULTS = {"nationality": "CHN", "overseas_status": "00"}
#: Fields with a column of their own in the record; the rest is the profile.
_ELSEWHERE = frozenset(
    {"name", "sex", "birth_date", "ethnicity", "nationality", "id_type", "id_number", "former_name", "school_code",
     "class_no", "auxiliary_number", "class_serial"}
)  # fmt: skip
_MEMBERS = (1, 2)


@dataclass(slots=True)
class StagedLine:
    """One checked row. `values` follow `wire.COLUMNS`; issues and notes are as the pages show them."""

    row_no: int
    state: str
    issues: list[dict[str, str]]
    notes: list[dict[str, str]]
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Table:
    """Rows whose cells were understood column by column; `found` tells of the cells to which something is to be said."""

    numbers: list[int]
    full: list[Sequence[SheetCell]]
    values: dict[str, Sequence[Any]]
    found: dict[int, list[tuple[str, Any, Cell]]]
    stages: Sequence[Any]
    grades: Sequence[Any]


@lru_cache(maxsize=1)
def _fields() -> tuple[Field, ...]:
    return fields()


@lru_cache(maxsize=1)
def profile_split() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys of the open part of the profile and of the sealed part."""
    kept = [f for f in _fields() if not f.member and f.key not in _ELSEWHERE]
    opened = tuple(f.key for f in kept if f.sensitive not in SEALED_KINDS)
    return opened, tuple(f.key for f in kept if f.sensitive in SEALED_KINDS)


@lru_cache(maxsize=1)
def _pickers() -> tuple[Callable[[dict[str, Any]], tuple[Any, ...]], ...]:
    opened, sealed = profile_split()
    return itemgetter(*opened), itemgetter(*sealed)


_PICK_MEMBER = {n: itemgetter(*(f"member{n}_{key}" for key in GUARDIAN_KEYS)) for n in _MEMBERS}


class Checker:
    """Checks chunks of one batch's rows."""

    def __init__(self, school: SchoolFacts, mapping: Mapping, *, lane: int = 0, lanes: int = 1) -> None:
        self.school = school
        self.mapping = mapping
        self.places = Places(school)
        self.today = school.today
        self.shut = shut(school.levels)
        self.keys = Keys()
        self.tails = Tails(lane, lanes)
        opened, sealed = profile_split()
        self._pick_opened, self._pick_sealed = _pickers()
        self._opened, self._sealed, self._members = Objects(opened), Objects(sealed), Objects(GUARDIAN_KEYS)
        self._clean: dict[str, dict[Any, Any]] = {f.key: {} for f in _fields()}
        self._odd: dict[str, dict[Any, Cell]] = {f.key: {} for f in _fields()}
        # What is to be sealed, with the place that waits for it: one call for a chunk of rows.
        self._secrets: list[tuple[str | bytes, str]] = []
        self._waiting: list[tuple[dict[str, Any], str]] = []
        vault.ready()

    # --- cells ---------------------------------------------------------------------------------------------

    def check(self, rows: Sequence[tuple[int, Sequence[SheetCell]]]) -> list[StagedLine]:
        """Check rows, each with its number in the sheet. The order is kept."""
        return self.lines(self.table(rows), range(len(rows)))

    def table(self, rows: Sequence[tuple[int, Sequence[SheetCell]]]) -> Table:
        """Understand the cells of rows, column by column."""
        width = max((len(cells) for _n, cells in rows), default=0)
        width = max([width, *(at + 1 for at in self.mapping.columns.values())])
        full = [c if len(c) == width else [*c, *[""] * (width - len(c))] for _n, c in rows]
        columns = list(zip(*full, strict=True))
        found: dict[int, list[tuple[str, Any, Cell]]] = {}
        values: dict[str, Sequence[Any]] = {}
        for spec in _fields():
            at = self.mapping.columns.get(spec.key)
            if at is None:
                default = _DEFAULTS.get(spec.key)
                values[spec.key] = (default,) * len(rows)
            elif spec.key in ("id_number", "member1_id_number", "member2_id_number", "class_no"):
                values[spec.key] = columns[at]
            else:
                values[spec.key] = self._column(spec, columns[at], found)
        stages = self._extra(columns, STAGE, len(rows))
        grades = self._extra(columns, GRADE, len(rows))
        return Table([number for number, _c in rows], full, values, found, stages, grades)

    def lines(self, table: Table, places: Iterable[int]) -> list[StagedLine]:
        """The rows at these places of a table, each looked at as a whole."""
        out = []
        for i in places:
            record = {key: column[i] for key, column in table.values.items()}
            out.append(
                self._row(
                    table.numbers[i],
                    table.full[i],
                    record,
                    table.found.get(i),
                    table.stages[i],
                    table.grades[i],
                )
            )
        for (staged, key), sealed in zip(self._waiting, vault.seal_many(self._secrets), strict=True):
            staged[key] = sealed
        self._secrets.clear()
        self._waiting.clear()
        return out

    def _keep(self, out: dict[str, Any], key: str, plain: str, where: str) -> None:
        self._waiting.append((out, key))
        self._secrets.append((plain, where))

    def _extra(self, columns: list[tuple[Any, ...]], key: str, count: int) -> Sequence[Any]:
        at = self.mapping.columns.get(key)
        return columns[at] if at is not None else ("",) * count

    def _column(
        self, spec: Field, column: Sequence[Any], found: dict[int, list[tuple[str, Any, Cell]]]
    ) -> Sequence[Any]:
        known = self._clean[spec.key]
        try:
            return [known[cell] for cell in column]
        except KeyError:
            pass
        odd = self._odd[spec.key]
        required = demands(self.school.levels, spec)
        plain = plain_test(spec)
        # Columns that hardly repeat: nothing is gained by remembering what is plainly right.
        if plain_column(spec, column, required):
            return [raw or None for raw in column]
        if len(known) > _KEEP:
            known.clear()
        out = []
        for i, raw in enumerate(column):
            if raw in known:
                out.append(known[raw])
                continue
            if plain is not None and type(raw) is str and plain(raw):
                out.append(raw)
                continue
            cell = odd.get(raw)
            if cell is None:
                cell = understand(spec, raw, required=required)
                if cell.clean:
                    known[raw] = cell.value
                    out.append(cell.value)
                    continue
                if len(odd) < _KEEP:
                    odd[raw] = cell
            found.setdefault(i, []).append((spec.key, raw, cell))
            out.append(cell.value)
        return out

    # --- rows ----------------------------------------------------------------------------------------------

    def _row(
        self,
        row_no: int,
        raw: Sequence[Any],
        values: dict[str, Any],
        found: list[tuple[str, Any, Cell]] | None,
        stage_raw: Any,
        grade_raw: Any,
    ) -> StagedLine:
        issues: list[dict[str, str]] = []
        notes: list[dict[str, str]] = []
        faulty: set[str] = set()
        for key, typed, cell in found or ():
            if cell.code:
                issues.append(self._issue(key, typed, cell.code, cell.message, cell.severity, cell.note))
                if cell.severity == "error":
                    faulty.add(key)
            elif cell.note:
                notes.append(self.note(key, typed, cell.note))

        def report(key: str, code: str, message: str, severity: str) -> None:
            issues.append(self._issue(key, self._typed(key, raw), code, message, severity))

        values["_faulty"] = faulty
        if values["school_code"] and values["school_code"] != self.school.code:
            text = _("学校标识码不是本校的 %(code)s, 请核对是否拿错了表格")
            report("school_code", "school.other", text % {"code": self.school.code}, "error")
        for key in ("id_number", "member1_id_number", "member2_id_number"):
            self._identity(key, values, faulty, report, notes)
        staged = self._seat(values, faulty, stage_raw, grade_raw, report, notes)
        stage = staged.get("stage") or ""
        rules.check_row(values, stage, report, self.shut)
        values["entry_mode"] = rules.entry_mode_of(values["entry_mode"], stage)
        self._serial(values, staged, report)
        worst = {i["severity"] for i in issues}
        state = "error" if "error" in worst else "warning" if worst else "ok"
        line = StagedLine(row_no, state, issues, notes)
        self._seal(line, raw, values, staged)
        return line

    def _typed(self, key: str, raw: Sequence[Any]) -> Any:
        at = self.mapping.columns.get(key)
        return raw[at] if at is not None and at < len(raw) else ""

    def _issue(
        self, key: str, raw: Any, code: str, message: str, severity: str, understood: str = ""
    ) -> dict[str, str]:
        return {
            "field": key,
            "column": self.mapping.label(key),
            "original": mask(key, raw),
            "understood": _shown(understood),
            "code": code,
            "message": _shown(message),
            "severity": severity,
        }

    def note(self, key: str, raw: Any, understood: str) -> dict[str, str]:
        return {
            "field": key,
            "column": self.mapping.label(key),
            "original": mask(key, raw),
            "understood": _shown(understood),
        }

    def _identity(
        self,
        key: str,
        values: dict[str, Any],
        faulty: set[str],
        report: rules.Report,
        notes: list[dict[str, str]],
    ) -> None:
        """An identity number by the type beside it; the pupil's must agree with sex and birth date."""
        raw = values[key]
        type_key = key.replace("id_number", "id_type")
        kind = values[type_key]
        if isinstance(raw, LostDigits):
            cell = understand(_by_key()[key], raw, required=False)
            report(key, cell.code, cell.message, "error")
            values[key] = None
            faulty.add(key)
            return
        pupil = key == "id_number"
        if (
            kind == RESIDENT
            and type(raw) is str
            and plainly_right(
                raw,
                self.today,
                values["sex"] if pupil else None,
                values["birth_date"] if pupil else None,
            )
        ):
            return
        text = as_text(raw)
        if not text:
            values[key] = None
            if pupil and kind and kind != "Z":
                report(
                    key,
                    "id.required",
                    _("请填写身份证件号; 确实没有证件号的, 身份证件类型请选“其他”"),
                    "error",
                )
                faulty.add(key)
            return
        if not kind:
            values[key] = None
            if type_key not in faulty:
                report(type_key, "cell.required", _("填了证件号, 请选择证件类型"), "error")
                faulty.add(type_key)
            faulty.add(key)
            return
        result = check_identity(
            kind,
            raw,
            on=self.today,
            sex=values["sex"] if pupil else None,
            birth=values["birth_date"] if pupil else None,
            allow_legacy=not pupil,
        )
        values[key] = result.value or None
        if result.problems:
            for problem in result.problems:
                report(key, problem.code, problem.message, problem.severity)
                if problem.severity == "error":
                    faulty.add(key)
        if key in faulty:
            values[key] = None
        elif result.value != text:
            notes.append(self.note(key, raw, mask(key, result.value)))

    def _seat(
        self,
        values: dict[str, Any],
        faulty: set[str],
        stage_raw: Any,
        grade_raw: Any,
        report: rules.Report,
        notes: list[dict[str, str]],
    ) -> dict[str, Any]:
        """Class, cohort and first day of the enrolment."""
        raw, entry = values["class_no"], values["entry_month"]
        if raw == "" or raw is None:
            report("class_no", "cell.required", _("请填写班号"), "error")
            faulty.add("class_no")
            return {}
        if entry is None:
            return {}
        born = values["birth_date"]
        age = rules.age_on(born, entry) if born else 6
        senior = values["entry_mode"] in ("21", "22", "23", "99")
        seat = self.places.seat(raw, entry, stage_raw, grade_raw, age, senior)
        if seat.problem is not None:
            report(seat.problem[0], seat.problem[1], seat.problem[2], "error")
            return {}
        if seat.warning is not None:
            report(seat.warning[0], seat.warning[1], seat.warning[2], "warning")
        for typed, understood in seat.notes:
            notes.append(self.note("class_no", typed, understood))
        have = self.school.classes.get((seat.stage, seat.cohort, seat.number))
        return {
            "stage": seat.stage,
            "cohort_year": seat.cohort,
            "class_number": seat.number,
            "class_id": have[0] if have else None,
            "enrolled_on": seat.enrolled_on,
        }

    def _serial(self, values: dict[str, Any], staged: dict[str, Any], report: rules.Report) -> None:
        """班内学号: a number inside the class, or none."""
        text = values["class_serial"]
        if not text:
            return
        if (number := serial_number(text)) is not None:
            staged["class_seat"] = number
        else:
            report(
                "class_serial", "serial.format", _("班内学号应为1至9999的数字, 可以不填由系统编排"), "error"
            )

    # --- keys and seals ------------------------------------------------------------------------------------

    def _seal(
        self, line: StagedLine, raw: Sequence[Any], values: dict[str, Any], staged: dict[str, Any]
    ) -> None:
        person = self.keys.next()
        out = line.values
        out["person_id"], out["event_id"] = person, self.keys.next()
        self._keep(out, "raw", pack(raw), f"staged_row.raw:{person}")
        out.update(staged)
        name, born = values["name"], values["birth_date"]
        if name:
            keys = pinyin_of(name)
            former = values["former_name"] or ""
            out |= {
                "name": name, "pinyin": keys.full, "initials": keys.initials, "pinyin_sort": keys.sort,
                "grams": array_literal({*grams(name), *(grams(former) if former else ())}), "former_name": former or None,
            }  # fmt: skip
        out["sex"], out["birth_date"] = values["sex"], born
        out["ethnicity"], out["nationality"] = values["ethnicity"], values["nationality"]
        out["id_type"] = values["id_type"]
        number = values["id_number"]
        if number:
            kind = values["id_type"]
            self._keep(out, "id_sealed", number, f"identity_document.sealed:{person}:1")
            out["id_bidx"] = vault.index("id:" + kind, number)
            out["last6"] = vault.index("last6", number[-6:])
        if line.state == "error":
            # Nothing more is needed of a row that cannot be published as it is.
            return
        day = f"{born:%Y%m%d}"
        temporary = f"L{self.school.division}{day}{self.tails.draw(day):04d}"
        out["number_prefix"] = "L"
        self._keep(out, "number_sealed", temporary, f"student_number.sealed:{person}:1")
        out["number_bidx"] = vault.index("no:" + NATIONAL, temporary)
        aux = values["auxiliary_number"]
        if aux:
            self._keep(out, "aux_sealed", aux, f"student_number.sealed:{person}:2")
            out["aux_bidx"] = vault.index("no:" + self.school.aux_scheme, aux)
        out["profile"] = self._opened.dump(self._pick_opened(values)) or "{}"
        if secret := self._sealed.dump(self._pick_sealed(values)):
            self._keep(out, "profile_sealed", secret, f"person_profile.sealed:{person}")
        for n in _MEMBERS:
            self._member(out, n, person, values)

    def _member(self, out: dict[str, Any], n: int, person: str, values: dict[str, Any]) -> None:
        name = values[f"member{n}_name"]
        if not name:
            return
        secret = self._members.dump(_PICK_MEMBER[n](values))
        out[f"g{n}_name"] = name
        out[f"g{n}_relation"] = values[f"member{n}_relation"]
        out[f"g{n}_note"] = values[f"member{n}_relation_note"]
        out[f"g{n}_guardian"] = values[f"member{n}_is_guardian"] == "1"
        if secret:
            self._keep(out, f"g{n}_sealed", secret, f"guardian.sealed:{person}:{n}")


def serial_number(text: Any) -> int | None:
    """The number in a class that a cell names, 1 to 9999."""
    typed = str(text)
    return int(typed) if len(typed) <= 20 and typed.isdecimal() and 1 <= int(typed) <= 9999 else None


def _shown(text: str) -> str:
    """A message may quote what was typed: without characters that no JSON of the database holds."""
    return text if text.isprintable() else clean_control(text)


#: The scheme under which auxiliary numbers are kept, whatever the place's layout.
AUXILIARY = "province.auxiliary"


@lru_cache(maxsize=1)
def _by_key() -> dict[str, Field]:
    return {f.key: f for f in _fields()}


def chunks(
    rows: Iterable[tuple[int, list[SheetCell]]], size: int = CHUNK
) -> Iterator[list[tuple[int, list[SheetCell]]]]:
    """Rows in lists of at most `size`."""
    part: list[tuple[int, list[SheetCell]]] = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
