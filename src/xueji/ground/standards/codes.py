"""The national code tables: read once when first asked for, then answered from memory.

`table("ethnicity").code_of("汉")` is "01". A cell of a sheet may hold the code, the name, a usual other
name, or both as the drop-down writes them ("01-汉族"); full-width digits and lost or added leading zeros
are understood.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Protocol

from django.utils.translation import gettext as _

from xueji.ground.paths import data_dir
from xueji.ground.standards import divisions
from xueji.ground.standards.text import compact


class UnknownTable(LookupError):
    """There is no code table of this name."""


class UnknownCode(LookupError):
    """A code or name is not in its table. The text is Chinese and may be shown to the user."""


class CodeTable(Protocol):
    """What every table offers, the divisions as well."""

    name: str

    @property
    def title(self) -> str: ...

    def label(self, code: str) -> str: ...

    def find(self, raw: object, where: Mapping[str, str] | None = None) -> str | None: ...

    def code_of(self, raw: object, where: Mapping[str, str] | None = None) -> str: ...

    def choices(self, where: Mapping[str, str] | None = None) -> list[tuple[str, str]]: ...

    def __contains__(self, code: object) -> bool: ...


_PAIR = re.compile(r"^([0-9A-Za-z]+)[-_:.、|](.+)$")
_TAIL = re.compile(r"\([^()]*\)$")
# Codes of one table that are spread over two files.
_PARTS = {"id_type": ("id_type.csv", "id_type_extra.csv")}


def read_rows(file: str) -> list[dict[str, str]]:
    """The rows of a file in `standards/`, every cell as text."""
    with (data_dir("standards") / file).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@lru_cache(maxsize=1)
def _titles() -> dict[str, str]:
    return {row["code"]: row["name"] for row in read_rows("tables.csv")}


@lru_cache(maxsize=1)
def _aliases() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for row in read_rows("code_aliases.csv"):
        found.setdefault(row["table"], []).append((row["alias"], row["code"]))
    return found


def _key(raw: object) -> str:
    return compact(raw).casefold()


class FileTable:
    """A code table read from `standards/<name>.csv`; `rows` keeps every column by code, in the file's
    order.
    """

    def __init__(self, name: str, title: str) -> None:
        self.name = name
        self._title = title
        self.rows: dict[str, dict[str, str]] = {}
        for file in _PARTS.get(name, (f"{name}.csv",)):
            for row in read_rows(file):
                self.rows[row["code"]] = row
        self._widths = sorted({len(code) for code in self.rows})
        self._codes = {_key(code): code for code in self.rows}
        self._strict: dict[str, set[str]] = {}
        self._loose: dict[str, set[str]] = {}
        for code, row in self.rows.items():
            self._learn(code, row)
        for alias, code in _aliases().get(name, ()):
            self._strict.setdefault(_key(alias), set()).add(code)

    def _learn(self, code: str, row: Mapping[str, str]) -> None:
        official = _key(row["name"])
        self._strict.setdefault(official, set()).add(code)
        others = [
            row.get(column) or "" for column in ("aliases", "full_name", "alpha2", "numeric", "en_name")
        ]
        # 汉 for 汉族, each half of 统一招生考试/普通入学, 公共交通 without what follows in brackets.
        if official.endswith("族") and len(official) > 1:
            others.append(official[:-1])
        others.extend(official.split("/"))
        others.append(_TAIL.sub("", official))
        for other in others:
            for piece in other.split("|"):
                if _key(piece):
                    self._loose.setdefault(_key(piece), set()).add(code)

    def __contains__(self, code: object) -> bool:
        return code in self.rows

    @property
    def title(self) -> str:
        """The name shown to people."""
        return self._title

    def __len__(self) -> int:
        return len(self.rows)

    def label(self, code: str) -> str:
        """The official name of `code`; raises `UnknownCode`."""
        try:
            return self.rows[code]["name"]
        except KeyError:
            raise UnknownCode(
                _("%(title)s中没有代码“%(code)s”") % {"title": self.title, "code": code}
            ) from None

    def _match(self, key: str, where: Mapping[str, str] | None) -> set[str]:
        if key in self._codes:
            return {self._codes[key]}
        if key.isdigit():
            bare = key.lstrip("0") or "0"
            for width in self._widths:
                if len(bare) <= width and bare.zfill(width) in self._codes:
                    return {self._codes[bare.zfill(width)]}
        hits = self._strict.get(key) or self._loose.get(key) or set()
        if len(hits) > 1 and where:
            hits = {code for code in hits if self._fits(code, where)}
        return hits

    def _fits(self, code: str, where: Mapping[str, str]) -> bool:
        return all(self.rows[code].get(column) == value for column, value in where.items())

    def find(self, raw: object, where: Mapping[str, str] | None = None) -> str | None:
        """The code meant by `raw` (code, name, other name, "01-汉族"), or None when unknown or ambiguous.

        `where` (column to value) settles a name that several codes share, as 其他 among the ways of entry.
        """
        key = _key(raw)
        if not key:
            return None
        hits = self._match(key, where)
        if not hits and (pair := _PAIR.match(key)):
            hits = self._match(pair[1], where) & self._match(pair[2], where)
        return next(iter(hits)) if len(hits) == 1 else None

    def code_of(self, raw: object, where: Mapping[str, str] | None = None) -> str:
        """As `find`, but raises `UnknownCode` with a sentence for the user."""
        code = self.find(raw, where)
        if code is not None:
            return code
        params = {"title": self.title, "value": str(raw)[:40]}
        if len(self._match(_key(raw), where)) > 1:
            raise UnknownCode(_("%(title)s中有多项叫“%(value)s”，请填写代码") % params)
        raise UnknownCode(_("%(title)s中没有“%(value)s”，请从下拉选项中选择") % params)

    def choices(self, where: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
        """(code, name) pairs in the file's order, for a form; `where` keeps the rows whose columns agree."""
        return [
            (code, row["name"]) for code, row in self.rows.items() if not where or self._fits(code, where)
        ]


class DivisionTable:
    """The administrative divisions in the shape of a code table (the list is long: choose level by level)."""

    name = "divisions"

    @property
    def title(self) -> str:
        """The name shown to people."""
        return _("行政区划")

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and bool(divisions.history(code))

    def label(self, code: str) -> str:
        """The full name of `code`; raises `UnknownCode`."""
        name = divisions.full_name(code)
        if not name:
            raise UnknownCode(_("没有行政区划代码“%(code)s”") % {"code": code})
        return name

    def find(self, raw: object, where: Mapping[str, str] | None = None) -> str | None:
        """See `divisions.code_of`; `where` has no meaning here."""
        return divisions.code_of(raw)

    def code_of(self, raw: object, where: Mapping[str, str] | None = None) -> str:
        """As `find`, but raises `UnknownCode`."""
        code = divisions.code_of(raw)
        if code is None:
            raise UnknownCode(
                _("没有行政区划“%(value)s”，请填写6位代码或省市县全称") % {"value": str(raw)[:40]}
            )
        return code

    def choices(self, where: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
        """The divisions in force directly under `where["parent"]` (default: the provinces)."""
        return [(d.code, d.name) for d in divisions.children((where or {}).get("parent", ""))]


def names() -> tuple[str, ...]:
    """The names of all code tables."""
    return (*_titles(), "divisions")


@cache
def table(name: str) -> CodeTable:
    """The code table `name` ("ethnicity", "divisions" ...); raises `UnknownTable`."""
    if name == "divisions":
        return DivisionTable()
    try:
        return FileTable(name, _titles()[name])
    except KeyError:
        raise UnknownTable(f"no code table is called {name!r}; there are: {', '.join(names())}") from None
