"""Which column of a sheet means which field of the template, and what is missing."""

from __future__ import annotations

from collections import abc
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.sheets.cells import clean_control
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.read import SheetReader, plain_label
from xueji.ground.standards.fields import field as field_of
from xueji.ground.standards.fields import field_by_header, fields

from .asked import demands, shut

#: Levels of fields at a place, as `asked` tells them.
Levels = abc.Mapping[str, str]
GRADE = "grade"
STAGE = "stage"
ROW = "row_no"
#: A heading that the school has said to leave out.
IGNORED = ""
#: Columns that the template does not have and schools add; the row number comes back with an error book.
EXTRAS = {
    GRADE: ("年级", "所在年级", "现在年级"),
    STAGE: ("学段", "所在学段"),
    ROW: ("行号",),
}
#: Required by the template, yet known without the sheet: the school itself, and what holds for nearly everybody.
KNOWN_OTHERWISE = {"school_code", "nationality", "overseas_status"}


class WrongColumns(ValueError):
    """The sheet lacks columns without which no row can be read; `message` names them."""

    def __init__(self, missing: list[str], unknown: list[str], mapping: Mapping) -> None:
        self.missing, self.unknown, self.mapping = missing, unknown, mapping
        shown = "、".join(missing[:12]) + (_(" 等") if len(missing) > 12 else "")
        self.message = _(
            "表格缺少%(n)s个必填的列: %(names)s。请指出它们是表格里的哪一列; 表格里没有的, 请下载本校的模板补上"
        ) % {
            "n": len(missing),
            "names": shown,
        }
        super().__init__(self.message)


@dataclass(slots=True)
class Mapping:
    """Where each field stands in the sheet (column from 0); kept with the batch for repair and error books."""

    header_row: int
    columns: dict[str, int]
    header: list[str]
    unknown: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    #: Where several sheets were read: [what is added to the row numbers of a sheet, its name], in their order.
    sheets: list[list[Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For the batch."""
        return {
            "header_row": self.header_row,
            "columns": self.columns,
            "header": self.header,
            "unknown": self.unknown,
            "repeated": self.repeated,
            "sheets": self.sheets,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Mapping:
        """From the batch."""
        return cls(**data)

    def label(self, key: str) -> str:
        """The heading as it was typed, else the official name."""
        at = self.columns.get(key)
        if at is not None and at < len(self.header) and self.header[at]:
            return self.header[at]
        return name_of(key)

    def place(self, key: str) -> int:
        """The column of a field; a field that the sheet does not have gets a new column at its end."""
        if key not in self.columns:
            self.columns[key] = len(self.header)
            self.header.append(name_of(key))
        return self.columns[key]


def place_of(sheets: Sequence[Sequence[Any]], row_no: int) -> tuple[str, int]:
    """The sheet of a row ('' where there is only one) and the number that the user counts there."""
    for offset, name in reversed(sheets):
        if row_no > offset:
            return name, row_no - offset
    return "", row_no


def row_name(sheets: Sequence[Sequence[Any]], row_no: int) -> str:
    """A row as the user finds it: its number, after the name of the sheet where there are several (二(1)班-5)."""
    name, number = place_of(sheets, row_no)
    return f"{name}-{number}" if name else str(number)


def name_of(key: str) -> str:
    """Official name of a field, or of one of the columns that schools add."""
    return EXTRAS[key][0] if key in EXTRAS else field_of(key).name


@lru_cache(maxsize=1)
def _headings() -> dict[str, str]:
    """Every accepted heading and the key it stands for, official names first."""
    found = {f.name: f.key for f in fields()}
    for f in fields():
        for heading in f.headers:
            found.setdefault(heading, f.key)
    for key, headings in EXTRAS.items():
        for heading in headings:
            found.setdefault(heading, key)
    return found


@lru_cache(maxsize=1)
def _plain_headings() -> dict[str, str]:
    """The same by what is compared: without marks and spaces."""
    return {plain_label(heading): key for heading, key in _headings().items()}


def required_columns(levels: Levels | None = None) -> tuple[str, ...]:
    """Keys of the columns without which a sheet is refused as a whole, at the levels of a place."""
    return tuple(f.key for f in fields() if demands(levels or {}, f) and f.key not in KNOWN_OTHERWISE)


def choices() -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """What a column can be, for the page that matches by hand: (group, [(key, name, required)])."""
    groups: dict[str, list[tuple[str, str, bool]]] = {}
    for f in fields():
        groups.setdefault(f.group, []).append((f.key, f.name, f.key in required_columns()))
    groups.setdefault(_("模板以外"), []).extend((k, EXTRAS[k][0], False) for k in (GRADE, STAGE))
    return list(groups.items())


def can_be(key: str) -> bool:
    """Whether a column may be matched to this key by hand."""
    return key in (GRADE, STAGE) or any(f.key == key for f in fields())


def map_columns(
    reader: SheetReader,
    *,
    partial: bool = False,
    remembered: dict[str, str] | None = None,
    levels: Levels | None = None,
) -> Mapping:
    """Find the header and match its columns. Raises `SheetError("no_header")`, `WrongColumns`.

    `partial` accepts a sheet with few columns: corrections of a batch. `remembered` are headings (as `plain_label`
    gives them) that this school matched by hand before, with the field's key or IGNORED; they go first. Columns of
    fields that the place does not collect (`levels`) are passed over, whatever they are called.
    """
    remembered = remembered or {}
    closed = shut(levels or {})
    required = required_columns(levels)
    known_names = {h: k for h, k in {**_plain_headings(), **remembered}.items() if k and k not in closed}
    found = reader.find_header(known_names, required=[name_of(k) for k in required])
    columns: dict[str, int] = {}
    repeated = list(found.repeated)
    # What somebody matched by hand takes its field before what is merely called so.
    for heading, at in sorted(found.columns.items(), key=lambda item: (item[0] not in remembered, item[1])):
        key = known_names[heading]
        if key in columns:
            repeated.append(heading)
        else:
            columns[key] = at
    unknown = []
    for label in found.unknown:
        if remembered.get(plain_label(label)) == IGNORED:
            continue
        known = field_by_header(label)
        if known is None or known.key in columns or known.key in closed:
            unknown.append(label)
    header = _labels(reader, found.row_number)
    for at, label in enumerate(header):
        known = field_by_header(label) if label in found.unknown else None
        if known is not None and known.key not in columns and known.key not in closed:
            columns[known.key] = at
    missing = [name_of(k) for k in required if k not in columns]
    if missing and not partial:
        if len(columns) < 2:
            raise SheetError("no_header", rows=10, names="、".join(missing[:6]))
        raise WrongColumns(
            missing, unknown, Mapping(found.row_number, columns, header, _short(unknown), repeated)
        )
    return Mapping(found.row_number, columns, header, _short(unknown), repeated)


def _short(labels: list[str]) -> list[str]:
    return [clean_control(label)[:100] for label in labels][:300]


def _labels(reader: SheetReader, row_number: int) -> list[str]:
    """The header row as typed."""
    for row in reader.rows(after=row_number - 1):
        return [clean_control(str(cell))[:100] for cell in row.cells]
    return []
