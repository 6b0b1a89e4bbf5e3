"""Tables of a pack read strictly: unknown keys, missing keys and wrong types are errors with a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NoReturn

from xueji.ground.policy.lines import LineIndex, Path
from xueji.ground.policy.model import FORCES, LEVELS, Cite, Force, PackError, Source, Where
from xueji.ground.policy.predicates import Names, Predicate, Wrong, parse
from xueji.ground.policy.values import Anchor, Duration, Span, anchor_or_date
from xueji.ground.policy.words import _

_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._\-]*$")
PHRASE_LIMIT = 25
_TYPE_NAMES = {
    str: "文字",
    int: "整数",
    bool: "true/false",
    list: "列表",
    dict: "表",
    date: "日期",
    float: "数",
}
WEAK_AUTHORITIES = frozenset({"draft", "template", "opinion", "unverified"})
"""Texts without rank: what is taken from them may only advise."""


class Table:
    """One table of the file, with its place; every read is checked and noted."""

    def __init__(self, data: Mapping[str, Any], path: Path, file: str, lines: LineIndex) -> None:
        self._data, self._path, self._file, self._lines = data, path, file, lines
        self._seen: set[str] = set()

    def where(self, key: str = "") -> Where:
        """Place of the table, or of one of its keys."""
        return Where(self._file, self._lines.find((*self._path, key) if key else self._path))

    def fail(self, key: str, message: str) -> NoReturn:
        """Refuse the pack, naming the line of ``key``."""
        raise PackError(self.where(key), message)

    def has(self, key: str) -> bool:
        """True when the key stands in the table."""
        return key in self._data

    def raw(self, key: str, default: Any = None) -> Any:
        """The value as parsed; the caller checks it."""
        self._seen.add(key)
        return self._data.get(key, default)

    def _typed(self, key: str, kind: type, default: Any) -> Any:
        if key not in self._data:
            if default is ...:
                self.fail("", _("缺少“%s”") % key)
            return default
        value = self.raw(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fail(key, _("“%(key)s”应是%(kind)s") % {"key": key, "kind": _TYPE_NAMES[kind]})
        return value

    def text(self, key: str, default: Any = ...) -> str:
        """A text."""
        value: str = self._typed(key, str, default)
        if value == "" and default is ...:
            self.fail(key, _("“%s”不能为空") % key)
        return value

    def integer(self, key: str, default: Any = ...) -> int:
        """A whole number."""
        value: int = self._typed(key, int, default)
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        return bool(self._typed(key, bool, default))

    def day(self, key: str, default: Any = None) -> date | None:
        """A TOML date (written without quotes)."""
        value: date | None = self._typed(key, date, default)
        return value

    def choice(self, key: str, allowed: Iterable[str], default: Any = ...) -> str:
        """A text out of a fixed list."""
        value = self.text(key, default)
        if key in self._data and value not in allowed:
            self.fail(
                key,
                _("“%(key)s”不能是“%(value)s”，可用：%(allowed)s")
                % {"key": key, "value": value, "allowed": "、".join(allowed)},
            )
        return value

    def texts(self, key: str, default: Any = ...) -> tuple[str, ...]:
        """A list of texts."""
        value = self._typed(key, list, default)
        if any(not isinstance(item, str) for item in value):
            self.fail(key, _("“%s”应是文字的列表") % key)
        return tuple(value)

    def tables(self, key: str) -> list[Table]:
        """The tables of a list: ``[[param.value]]`` or inline ones."""
        value = self._typed(key, list, [])
        if any(not isinstance(item, dict) for item in value):
            self.fail(key, _("“%s”应是表的列表") % key)
        return [Table(item, (*self._path, key, i), self._file, self._lines) for i, item in enumerate(value)]

    def finish(self) -> None:
        """Refuse keys that nobody asked for: a misspelt key must not be passed over in silence."""
        for key in self._data:
            if key not in self._seen:
                self.fail(key, _("不认识的键“%s”") % key)

    def force(self, default: Any = ...) -> Force:
        """``must``, ``general``, ``may`` or ``advisory``."""
        value: Any = self.choice("force", FORCES, default)
        return value  # type: ignore[no-any-return]

    def levels(self, default: frozenset[str]) -> frozenset[str]:
        """Stages, given as codes such as ``K9`` or ``P``."""
        found: frozenset[str] = frozenset()
        for code in self.texts("levels", []):
            if code not in LEVELS:
                self.fail(
                    "levels",
                    _("不认识的学段“%(code)s”，可用：%(all)s") % {"code": code, "all": "、".join(LEVELS)},
                )
            found |= LEVELS[code]
        return found or default

    def cite(self, sources: Mapping[str, Source], *, phrase_needed: bool = False) -> Cite:
        """``cite = "N1#6"`` with its locating phrase; the source must be in the register of the pack."""
        text = self.text("cite")
        source_id, mark, article = text.partition("#")
        if not mark or not article:
            self.fail("cite", _("“cite”应写作 来源#条款，例如 N1#6"))
        if source_id not in sources:
            self.fail("cite", _("来源“%s”不在本文件或上级文件的 [[source]] 中") % source_id)
        phrase = self.text("phrase") if phrase_needed else self.text("phrase", "")
        if len(phrase) > PHRASE_LIMIT:
            self.fail("phrase", _("“phrase”最多%d个字") % PHRASE_LIMIT)
        return Cite(sources[source_id], article, phrase)

    def rank(self, force: Force, cite: Cite) -> None:
        """Texts without rank never bind anybody."""
        if cite.source.authority in WEAK_AUTHORITIES and force != "advisory":
            self.fail(
                "force" if self.has("force") else "cite",
                _('来源“%s”没有效力等级，只能作为建议（force = "advisory"）') % cite.source.title,
            )

    def predicate(self, key: str, names: Names) -> Predicate:
        """A condition."""
        try:
            return parse(self.raw(key), names)
        except Wrong as error:
            self.fail(key, str(error))

    def value(self, key: str, kind: str) -> Any:
        """A parameter's value of the declared type."""
        raw = self.raw(key)
        try:
            return convert(raw, kind)
        except (ValueError, KeyError, TypeError) as error:
            self.fail(key, _("%(raw)r 不是类型 %(kind)s 的值") % {"raw": raw, "kind": kind})
            raise AssertionError from error


def identifier(table: Table) -> str:
    """The ``id`` of a table."""
    value = table.text("id")
    if not _ID.match(value):
        table.fail("id", _("标识“%s”只能用字母、数字、点、下划线和连字符") % value)
    return value


def convert(raw: Any, kind: str) -> Any:
    """A TOML value as the parameter type ``kind``; ValueError, KeyError or TypeError when it is not one."""
    plain: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "number": (int, float),
        "bool": (bool,),
        "string": (str,),
        "chain": (str,),
        "date": (date,),
    }
    if kind in plain:
        if not isinstance(raw, plain[kind]) or (isinstance(raw, bool) and kind != "bool"):
            raise ValueError(raw)
        return raw
    if kind == "duration":
        return Duration.parse(raw)
    if kind == "set":
        if not isinstance(raw, list) or any(not isinstance(item, (str, int)) for item in raw):
            raise ValueError(raw)
        return tuple(raw)
    start, end = anchor_or_date(raw["from"]), anchor_or_date(raw["to"])
    if len(raw) != 2 or (not isinstance(start, Anchor) and not isinstance(end, Anchor) and start > end):
        raise ValueError(raw)
    return Span(start, end)
