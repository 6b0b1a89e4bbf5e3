"""The 73 columns of the national student template as typed fields, in its order.

Order, type, length and code table come from `student_import_73.csv` (the template itself), keys, groups,
purposes and other accepted headings from `student_fields.csv`. Forms, imports and exports iterate over
`fields()`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

from xueji.ground.standards.codes import CodeTable, read_rows, table
from xueji.ground.standards.text import compact

FieldType = Literal["str", "code", "date8", "ym6", "phone", "dec", "text", "email"]
Required = Literal["yes", "no", "conditional"]
Basis = Literal["duty", "consent"]
Sensitive = Literal[
    "", "identity", "contact", "address", "health", "family", "social", "ethnicity", "political"
]

_REQUIRED: dict[str, Required] = {"Y": "yes", "N": "no", "C": "conditional"}
# The template's files of codes under the names that `codes.table` knows.
_CODESETS = {"gb2260": "divisions"}
_MARKS = re.compile(r"[*★☆_:：\s]|\(必填\)|\(选填\)|\[必填\]")


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    `key` is the stable attribute name; `headers` are all accepted headings, the official one first;
    `codeset` the name for `codes.table`, "" when free; `basis` whether the law obliges the school to
    collect it ("duty", 个人信息保护法 13(3)) or the family decides ("consent", 13(1)); `purpose` is the
    sentence that a form shows beside it (17). `is_key` marks 关键信息, changed only by a decided case.
    `sensitive` says which kind of sensitive data it is for an adult: of a child under fourteen every field
    is sensitive (28).
    """

    index: int
    key: str
    name: str
    headers: tuple[str, ...]
    group: str
    required: Required
    codeset: str
    type: FieldType
    max_len: int | None
    purpose: str
    basis: Basis
    is_key: bool
    sensitive: Sensitive
    member: int

    @property
    def table(self) -> CodeTable | None:
        """The code table of a coded field, else None."""
        return table(self.codeset) if self.codeset else None


@lru_cache(maxsize=1)
def fields() -> tuple[Field, ...]:
    """All columns in the template's order."""
    extras = {row["code"]: row for row in read_rows("student_fields.csv")}
    found = []
    for row in read_rows("student_import_73.csv"):
        extra = extras[row["code"]]
        headers = (row["name"], row["name_in_source"], *extra["headers"].split("|"))
        codeset = row["codeset"].removesuffix(".csv")
        key = extra["key"]
        found.append(
            Field(
                index=int(row["code"]),
                key=key,
                name=row["name"],
                headers=tuple(dict.fromkeys(header for header in headers if header)),
                group=extra["group"],
                required=_REQUIRED[row["required_inferred"]],
                codeset=_CODESETS.get(codeset, codeset),
                type=cast(FieldType, row["type"]),
                max_len=int(row["max_len"]) if row["max_len"] else None,
                purpose=extra["purpose"],
                basis=cast(Basis, extra["basis"]),
                is_key=extra["is_key"] == "1",
                sensitive=cast(Sensitive, extra["sensitive"]),
                member=int(key[6]) if key.startswith("member") else 0,
            )
        )
    return tuple(found)


@lru_cache(maxsize=1)
def _by_key() -> dict[str, Field]:
    return {field.key: field for field in fields()}


def _heading(text: object) -> str:
    return _MARKS.sub("", compact(text)).casefold()


@lru_cache(maxsize=1)
def _by_heading() -> dict[str, Field]:
    found: dict[str, Field] = {}
    # Official names first: another field's synonym never takes them away.
    for field in fields():
        found[_heading(field.name)] = field
    for field in fields():
        for header in field.headers:
            found.setdefault(_heading(header), field)
    return found


def field(key: str) -> Field:
    """The field with this key; raises `KeyError`."""
    return _by_key()[key]


def field_by_header(text: object) -> Field | None:
    """The field meant by a column heading, whatever stars or blanks decorate it; None when unknown."""
    return _by_heading().get(_heading(text))


def key_fields() -> tuple[Field, ...]:
    """关键信息: changed only by an application with evidence."""
    return tuple(field for field in fields() if field.is_key)
