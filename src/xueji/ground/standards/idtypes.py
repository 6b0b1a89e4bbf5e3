"""The types of identity papers: those of JY/T 1001 (SFZJLX) and the newer cards it does not know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from xueji.ground.standards.codes import FileTable, table

Kind = Literal["citizen", "residence_permit", "foreigner_card", "shape"]

RESIDENT = "1"
HK_PAPER = "6"
MACAO_PAPER = "7"
TAIWAN_PASS = "8"
FOREIGN_RESIDENCE = "9"
PASSPORT = "A"
HM_PASS = "C"
HM_RESIDENCE = "H"
TAIWAN_RESIDENCE = "I"
FOREIGN_CARD = "J"
OTHER = "Z"

_KINDS: dict[str, Kind] = {
    RESIDENT: "citizen",
    HM_RESIDENCE: "residence_permit",
    TAIWAN_RESIDENCE: "residence_permit",
    FOREIGN_RESIDENCE: "foreigner_card",
    FOREIGN_CARD: "foreigner_card",
}


@dataclass(frozen=True, slots=True)
class IdType:
    """One type of identity paper.

    `code` is the internal code (one character, kept in the database); `national` is what the national
    template is given for it on export; `derives` tells that a right number yields birth date and sex;
    `for_students` that a pupil may be registered with it; `pattern` is the usual shape of the number, a
    mere warning where the number follows no published rule.
    """

    code: str
    label: str
    national: str
    kind: Kind
    for_students: bool
    pattern: re.Pattern[str] | None

    @property
    def derives(self) -> bool:
        """True when birth date and sex can be read from the number."""
        return self.kind != "shape"

    @property
    def number_required(self) -> bool:
        """Only 其他 may have no number; then a proof of attendance stands in for it."""
        return self.code != OTHER


@lru_cache(maxsize=1)
def id_types() -> dict[str, IdType]:
    """All types by their internal code, in the order of the standard."""
    codes = table("id_type")
    assert isinstance(codes, FileTable)
    found = {}
    for code, row in codes.rows.items():
        national = row.get("maps_to_jyt1001") or code
        found[code] = IdType(
            code=code,
            label=row["name"],
            national=national.split("|")[0],
            kind=_KINDS.get(code, "shape"),
            for_students=row.get("student_template") == "1" or code in "CHIJK",
            pattern=re.compile(row["regex"]) if row["regex"] else None,
        )
    return found


def id_type(code: str) -> IdType:
    """The type with this internal code; raises `UnknownCode` with a sentence for the user."""
    found = id_types().get(code)
    return found if found is not None else id_types()[table("id_type").code_of(code)]
