"""Conditions of rules: read from TOML, checked against the declared fields and parameters.

Nine atoms (cmp/in, present, age, window, elapsed, ratio, docs, format, judged, call) and three
connectives (all, any, not). Checking happens here, once; running them is the business of ``compiled``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from xueji.ground.policy.values import (
    MEMBERSHIP,
    OPERATORS,
    ORDERING,
    SET_OPERATORS,
    Duration,
    anchor_or_date,
)
from xueji.ground.policy.words import _

_MONTH_DAY = re.compile(r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")
_ORDERED = {"int", "number", "date"}
DOCS_FACT = "case.docs"


@dataclass(frozen=True, slots=True)
class Operand:
    """A literal, ``@parameter``, ``$field`` or ``$today``."""

    kind: str
    """``literal``, ``param``, ``field`` or ``today``."""
    value: Any
    type: str


@dataclass(frozen=True, slots=True)
class Predicate:
    """A node of a condition. ``args`` depends on ``op``; the loader has checked it."""

    op: str
    args: tuple[Any, ...]

    def fields(self) -> tuple[str, ...]:
        """Facts that the condition looks at, in order, without repetition."""
        return tuple(dict.fromkeys(self._refs("field")))

    def params(self) -> tuple[str, ...]:
        """Parameters that the condition looks at."""
        return tuple(dict.fromkeys(self._refs("param")))

    def docs(self) -> tuple[str, ...]:
        """Papers that the condition asks for (alternatives spelled ``A|B``)."""
        found: list[str] = []
        for node in self.walk():
            if node.op == "docs" and isinstance(node.args[0], tuple):
                found += node.args[0]
        return tuple(found)

    def walk(self) -> list[Predicate]:
        """This node and all below."""
        nodes = [self]
        for arg in self.args:
            if isinstance(arg, Predicate):
                nodes += arg.walk()
        return nodes

    def _refs(self, kind: str) -> list[str]:
        found: list[str] = []
        for arg in self.args:
            if isinstance(arg, Predicate):
                found += arg._refs(kind)
            elif isinstance(arg, Operand) and arg.kind == kind:
                found.append(arg.value)
        if kind == "field":
            if self.op == "docs":
                found.append(DOCS_FACT)
            elif self.op in ("judged", "call"):
                found.append(f"{self.op}.{self.args[0]}")
        return found


@dataclass(frozen=True, slots=True)
class Names:
    """What a pack may refer to: its own declarations and those of the packs above it."""

    fields: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    docs: frozenset[str] = frozenset()
    schemes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


class Wrong(ValueError):
    """A condition does not make sense; the loader adds file and line."""


def parse(data: Any, names: Names) -> Predicate:
    """Read one condition; Wrong when a key, operator, type or reference is not right."""
    if not isinstance(data, Mapping) or len(data) != 1:
        raise Wrong(_("条件应是只有一个键的表，例如 {cmp = [...]}"))
    ((op, body),) = data.items()
    reader = _READERS.get(op)
    if reader is None:
        raise Wrong(_("不认识的条件“%s”") % op)
    return reader(body, names)


def _operand(raw: Any, names: Names) -> Operand:
    if isinstance(raw, str) and raw.startswith("$"):
        name = raw[1:]
        if name == "today":
            return Operand("today", name, "date")
        if name not in names.fields:
            raise Wrong(_("字段“%s”没有声明，请在 [[field]] 中声明或检查拼写") % raw)
        return Operand("field", name, names.fields[name])
    if isinstance(raw, str) and raw.startswith("@"):
        name = raw[1:]
        if name not in names.params:
            raise Wrong(_("参数“%s”不存在") % raw)
        return Operand("param", name, names.params[name])
    if isinstance(raw, list):
        return Operand("literal", tuple(raw), "set")
    for kind, name in ((bool, "bool"), (int, "int"), (float, "number"), (date, "date"), (str, "string")):
        if isinstance(raw, kind):
            return Operand("literal", raw, name)
    raise Wrong(_("不能用作条件的值：%r") % (raw,))


def _list(body: Any, length: int, form: str) -> list[Any]:
    if not isinstance(body, list) or len(body) != length:
        raise Wrong(_("写法应为 %s") % form)
    return body


def _operator(op: Any, allowed: frozenset[str] | set[str]) -> str:
    if op not in allowed:
        raise Wrong(
            _("运算符“%(op)s”不能用在这里，可用：%(allowed)s")
            % {"op": op, "allowed": " ".join(sorted(allowed))}
        )
    return str(op)


def _expect(operand: Operand, types: set[str]) -> Operand:
    if operand.type not in types:
        raise Wrong(
            _("“%(value)s”的类型是 %(found)s，这里需要 %(wanted)s")
            % {"value": operand.value, "found": operand.type, "wanted": "/".join(sorted(types))}
        )
    return operand


def _fits(left: Operand, right: Operand) -> bool:
    numbers = {"int", "number"}
    return left.type == right.type or (left.type in numbers and right.type in numbers)


def _cmp(body: Any, names: Names) -> Predicate:
    raw_left, op, raw_right = _list(body, 3, _('["$字段", "运算符", 值]'))
    op = _operator(op, set(OPERATORS))
    left, right = _operand(raw_left, names), _operand(raw_right, names)
    if op in MEMBERSHIP:
        _expect(right, {"set"})
        if right.kind == "literal":
            for item in right.value:
                if not _fits(left, _operand(item, names)):
                    raise Wrong(
                        _("集合中的 %(item)r 与“%(left)s”的类型不同") % {"item": item, "left": left.value}
                    )
    elif op in SET_OPERATORS:
        _expect(left, {"set"})
        _expect(right, {"set"})
    else:
        if op in ORDERING:
            _expect(left, _ORDERED)
        if not _fits(left, right):
            raise Wrong(
                _("“%(left)s”是 %(lt)s，“%(right)s”是 %(rt)s，不能比较")
                % {"left": left.value, "lt": left.type, "right": right.value, "rt": right.type}
            )
    return Predicate("cmp", (left, op, right))


def _in(body: Any, names: Names) -> Predicate:
    raw_left, raw_right = _list(body, 2, _('["$字段", [值, ...]]'))
    return _cmp([raw_left, "in", raw_right], names)


def _present(body: Any, names: Names) -> Predicate:
    items = body if isinstance(body, list) else [body]
    operands = [_operand(item, names) for item in items]
    if not operands or any(operand.kind != "field" for operand in operands):
        raise Wrong(_("present 只能列出字段"))
    return Predicate("present", tuple(operands))


def _age(body: Any, names: Names) -> Predicate:
    birth, month_day, op, years = _list(body, 4, _('["$出生日期", "MM-DD", "运算符", 周岁]'))
    if not isinstance(month_day, str) or not _MONTH_DAY.match(month_day):
        raise Wrong(_("“%s”不是 MM-DD") % month_day)
    return Predicate(
        "age",
        (
            _expect(_operand(birth, names), {"date"}),
            month_day,
            _operator(op, set(ORDERING) | {"=="}),
            _expect(_operand(years, names), {"int", "number"}),
        ),
    )


def _window(body: Any, names: Names) -> Predicate:
    if isinstance(body, list) and len(body) == 2:
        span = _expect(_operand(body[1], names), {"window"})
        return Predicate("window", (_expect(_operand(body[0], names), {"date"}), span))
    day, start, end = _list(body, 3, _('["$日期", 起, 止]'))
    ends = []
    for raw in (start, end):
        if isinstance(raw, str) and raw.startswith(("$", "@")):
            ends.append(_expect(_operand(raw, names), {"date"}))
            continue
        try:
            ends.append(Operand("literal", anchor_or_date(raw), "date"))
        except ValueError as error:
            raise Wrong(_("“%s”不是日期，也不是校历上的日子") % raw) from error
    return Predicate("window", (_expect(_operand(day, names), {"date"}), *ends))


def _elapsed(body: Any, names: Names) -> Predicate:
    start, end, op, length = _list(body, 4, _('["$起", "$止", "运算符", 时长]'))
    operand = _operand(length, names)
    if operand.kind == "literal":
        try:
            operand = Operand("literal", Duration.parse(str(length)), "duration")
        except ValueError as error:
            raise Wrong(_("“%s”不是时长，应写作 P1Y、P3M、P14D 或 10WD") % length) from error
    return Predicate(
        "elapsed",
        (
            _expect(_operand(start, names), {"date"}),
            _expect(_operand(end, names), {"date"}),
            _operator(op, set(ORDERING)),
            _expect(operand, {"duration"}),
        ),
    )


def _ratio(body: Any, names: Names) -> Predicate:
    top, bottom, op, limit = _list(body, 4, _('["$分子", "$分母", "运算符", 比值]'))
    numbers = {"int", "number"}
    return Predicate(
        "ratio",
        (
            _expect(_operand(top, names), numbers),
            _expect(_operand(bottom, names), numbers),
            _operator(op, set(ORDERING)),
            _expect(_operand(limit, names), numbers),
        ),
    )


def _docs(body: Any, names: Names) -> Predicate:
    if isinstance(body, str):
        operand = _expect(_operand(body, names), {"set"})
        if operand.kind != "param":
            raise Wrong(_("docs 应是材料清单或集合参数"))
        return Predicate("docs", (operand,))
    if not isinstance(body, list) or not body:
        raise Wrong(_("docs 应是材料清单或集合参数"))
    for item in body:
        for name in str(item).split("|"):
            if name not in names.docs:
                raise Wrong(_("材料“%s”没有声明，请在 [[doc]] 中声明或检查拼写") % name)
    return Predicate("docs", (tuple(body),))


def _format(body: Any, names: Names) -> Predicate:
    raw, scheme = _list(body, 2, _('["$字段", "编号规则"]'))
    if scheme not in names.schemes:
        raise Wrong(_("编号规则“%s”不存在") % scheme)
    return Predicate("format", (_expect(_operand(raw, names), {"string"}), scheme))


def _judged(body: Any, names: Names) -> Predicate:
    question, role = _list(body, 2, _('["问题", "角色"]'))
    if f"judged.{question}" not in names.fields:
        raise Wrong(_("问题“judged.%s”没有在 [[field]] 中声明") % question)
    if role not in names.roles:
        raise Wrong(_("角色“%s”没有在 [[role]] 中声明") % role)
    return Predicate("judged", (str(question), str(role)))


def _call(body: Any, names: Names) -> Predicate:
    (name,) = _list(body, 1, _('["检查名"]'))
    if f"call.{name}" not in names.fields:
        raise Wrong(_("检查“call.%s”没有在 [[field]] 中声明") % name)
    return Predicate("call", (str(name),))


def _many(op: str) -> Any:
    def read(body: Any, names: Names) -> Predicate:
        if not isinstance(body, list):
            raise Wrong(_("%s 后面应是条件的列表") % op)
        return Predicate(op, tuple(parse(item, names) for item in body))

    return read


def _not(body: Any, names: Names) -> Predicate:
    return Predicate("not", (parse(body, names),))


_READERS: dict[str, Any] = {
    "all": _many("all"),
    "any": _many("any"),
    "not": _not,
    "cmp": _cmp,
    "in": _in,
    "present": _present,
    "age": _age,
    "window": _window,
    "elapsed": _elapsed,
    "ratio": _ratio,
    "docs": _docs,
    "format": _format,
    "judged": _judged,
    "call": _call,
}
