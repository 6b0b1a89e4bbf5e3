"""Conditions as closures, with three values: True, False, and None for "cannot be told".

Kleene's logic: one False settles an ``all``, one True an ``any``; what cannot be told never counts
as met. Each compiled condition can also name what it would have to know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from xueji.ground.policy.model import NumberScheme, ParamValue
from xueji.ground.policy.predicates import DOCS_FACT, Operand, Predicate
from xueji.ground.policy.schemes import parse_number
from xueji.ground.policy.values import OPERATORS, ORDERING, Anchor, FactError, Span, as_date

Truth = bool | None
Facts = Mapping[str, Any]
Get = Callable[[Facts], Any]
TODAY = "today"


class Ask(NamedTuple):
    """Something that must be known before the rule can be answered."""

    kind: str
    """``field``, ``param`` (text gives no value), ``judged`` (a person decides), ``boundary``, ``anchor``."""
    name: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A condition ready to run."""

    value: Callable[[Facts], Truth]
    asks: Callable[[Facts], list[Ask]]
    """What is missing, given that ``value`` is None."""
    lacking: Callable[[Facts], list[str]]
    """Papers that are missing, given that ``value`` is False."""


@dataclass(frozen=True, slots=True)
class Env:
    """Parameters and number schemes in force."""

    params: Mapping[str, ParamValue]
    schemes: Mapping[str, NumberScheme]
    field_types: Mapping[str, str]


def all_of(values: list[Truth]) -> Truth:
    """False if one is False, else None if one is None, else True."""
    return False if False in values else None if None in values else True


def any_of(values: list[Truth]) -> Truth:
    """True if one is True, else None if one is None, else False."""
    return True if True in values else None if None in values else False


def negate(value: Truth) -> Truth:
    """Not; None stays None."""
    return None if value is None else not value


def implies(condition: Truth, consequence: Truth) -> Truth:
    """``condition`` then ``consequence``; None while it depends on something unknown."""
    return any_of([negate(condition), consequence])


def _nothing(_facts: Facts) -> list[Any]:
    return []


def _getter(operand: Operand, env: Env) -> Get:
    if operand.kind == "literal":
        value = operand.value
        return lambda _facts: value
    if operand.kind == "param":
        held = env.params.get(operand.value)
        value = held.value if held is not None and held.stated else None
        return lambda _facts: value
    name = operand.value
    if operand.type == "date":

        def read_date(facts: Facts) -> date | None:
            raw = facts.get(name)
            return None if raw is None else as_date(raw, name)

        return read_date
    return lambda facts: facts.get(name)


def _ask_operands(operands: list[Operand], env: Env) -> Callable[[Facts], list[Ask]]:
    def asks(facts: Facts) -> list[Ask]:
        found = []
        for operand in operands:
            if operand.kind == "field" and facts.get(operand.value) is None:
                found.append(Ask("field", operand.value))
            elif operand.kind == "param":
                held = env.params.get(operand.value)
                if held is None or not held.stated:
                    found.append(Ask("param", operand.value))
        return found or [Ask("boundary", operand.value) for operand in operands if operand.kind == "param"]

    return asks


def _boundary_open(operand: Operand, env: Env) -> bool:
    held = env.params.get(operand.value) if operand.kind == "param" else None
    return held is not None and not held.boundary_stated


def _compare(op: str, undecided: bool, names: str) -> Callable[[Any, Any], Truth]:
    """Comparison that leaves the very boundary open where the text does."""
    function = OPERATORS[op]

    def compare(left: Any, right: Any) -> Truth:
        if left is None or right is None:
            return None
        try:
            if undecided and left == right:
                return None
            return function(left, right)
        except TypeError as error:
            raise FactError(f"{names}: {left!r} {op} {right!r}") from error

    return compare


def _cmp(node: Predicate, env: Env) -> Compiled:
    left, op, right = node.args
    get_left, get_right = _getter(left, env), _getter(right, env)
    undecided = op in ORDERING and (_boundary_open(left, env) or _boundary_open(right, env))
    compare = _compare(op, undecided, str(left.value))
    return Compiled(
        lambda facts: compare(get_left(facts), get_right(facts)), _ask_operands([left, right], env), _nothing
    )


def _present(node: Predicate, env: Env) -> Compiled:
    names = [operand.value for operand in node.args]

    def value(facts: Facts) -> Truth:
        return all_of([facts[name] not in (None, "", [], ()) if name in facts else None for name in names])

    def asks(facts: Facts) -> list[Ask]:
        return [Ask("field", name) for name in names if name not in facts]

    return Compiled(value, asks, _nothing)


def _age(node: Predicate, env: Env) -> Compiled:
    birth, month_day, op, years = node.args
    get_birth, get_years = _getter(birth, env), _getter(years, env)
    month, day = (int(part) for part in month_day.split("-"))
    compare = _compare(op, _boundary_open(years, env), birth.value)

    def value(facts: Facts) -> Truth:
        born = get_birth(facts)
        if born is None:
            return None
        today = as_date(facts[TODAY], TODAY)
        return compare(today.year - born.year - ((month, day) < (born.month, born.day)), get_years(facts))

    return Compiled(value, _ask_operands([birth, years], env), _nothing)


def _window(node: Predicate, env: Env) -> Compiled:
    day, *ends = node.args
    get_day = _getter(day, env)
    getters = [_getter(operand, env) for operand in ends]

    def bounds(facts: Facts) -> list[Any]:
        if len(getters) == 1:
            span: Span | None = getters[0](facts)
            return [span.start, span.end] if span else [None, None]
        return [get(facts) for get in getters]

    def settle(bound: Any, facts: Facts) -> date | None:
        if isinstance(bound, Anchor):
            base = facts.get(f"calendar.{bound.name}")
            if base is None:
                return None
            return date.fromordinal(as_date(base, bound.name).toordinal() + bound.offset)
        return None if bound is None else as_date(bound)

    def value(facts: Facts) -> Truth:
        moment = get_day(facts)
        if moment is None:
            return None
        start, end = (settle(bound, facts) for bound in bounds(facts))
        return all_of([None if start is None else start <= moment, None if end is None else moment <= end])

    ask_plain = _ask_operands([day, *ends], env)

    def asks(facts: Facts) -> list[Ask]:
        anchors = [bound for bound in bounds(facts) if isinstance(bound, Anchor)]
        missing = [Ask("anchor", a.name) for a in anchors if facts.get(f"calendar.{a.name}") is None]
        return missing + [ask for ask in ask_plain(facts) if ask.kind != "boundary"]

    return Compiled(value, asks, _nothing)


def _elapsed(node: Predicate, env: Env) -> Compiled:
    start, end, op, length = node.args
    get_start, get_end, get_length = (_getter(operand, env) for operand in (start, end, length))
    compare = _compare(op, _boundary_open(length, env), str(start.value))

    def value(facts: Facts) -> Truth:
        first, last, size = get_start(facts), get_end(facts), get_length(facts)
        return None if first is None or size is None else compare(last, size.after(first))

    return Compiled(value, _ask_operands([start, end, length], env), _nothing)


def _ratio(node: Predicate, env: Env) -> Compiled:
    top, bottom, op, limit = node.args
    get_top, get_bottom, get_limit = (_getter(operand, env) for operand in (top, bottom, limit))
    compare = _compare(op, _boundary_open(limit, env), str(top.value))

    def value(facts: Facts) -> Truth:
        above, below = get_top(facts), get_bottom(facts)
        return compare(above / below, get_limit(facts)) if above is not None and below else None

    plain_asks = _ask_operands([top, bottom, limit], env)

    def asks(facts: Facts) -> list[Ask]:
        return [Ask("field", bottom.value)] if facts.get(bottom.value) == 0 else plain_asks(facts)

    return Compiled(value, asks, _nothing)


def _docs(node: Predicate, env: Env) -> Compiled:
    (wanted,) = node.args
    if isinstance(wanted, Operand):
        held = env.params.get(wanted.value)
        if held is None or not held.stated:
            return Compiled(lambda _facts: None, lambda _facts: [Ask("param", wanted.value)], _nothing)
        wanted = tuple(held.value)
    choices = [(item, frozenset(item.split("|"))) for item in wanted]

    def lacking(facts: Facts) -> list[str]:
        given = facts.get(DOCS_FACT) or ()
        return [item for item, names in choices if names.isdisjoint(given)]

    def value(facts: Facts) -> Truth:
        given = facts.get(DOCS_FACT)
        return None if given is None else all(not names.isdisjoint(given) for _item, names in choices)

    return Compiled(value, lambda _facts: [Ask("field", DOCS_FACT)], lacking)


def _format(node: Predicate, env: Env) -> Compiled:
    operand, scheme_id = node.args
    get, scheme = _getter(operand, env), env.schemes[scheme_id]

    def value(facts: Facts) -> Truth:
        text = get(facts)
        return None if text is None else parse_number(scheme, text) is not None

    return Compiled(value, _ask_operands([operand], env), _nothing)


def _settled(node: Predicate, kind: str, role: str) -> Compiled:
    """``judged`` and ``call``: somebody or something else has answered, or not yet."""
    name = f"{node.op}.{node.args[0]}"

    def value(facts: Facts) -> Truth:
        answer = facts.get(name)
        if answer is not None and not isinstance(answer, bool):
            raise FactError(f"{name}: {answer!r} is not yes or no")
        return answer

    return Compiled(value, lambda _facts: [Ask(kind, name, role)], _nothing)


def _connective(node: Predicate, env: Env) -> Compiled:
    parts = [compile_predicate(part, env) for part in node.args]
    combine = all_of if node.op == "all" else any_of

    def asks(facts: Facts) -> list[Ask]:
        return [ask for part in parts if part.value(facts) is None for ask in part.asks(facts)]

    def lacking(facts: Facts) -> list[str]:
        return [name for part in parts if part.value(facts) is False for name in part.lacking(facts)]

    return Compiled(lambda facts: combine([part.value(facts) for part in parts]), asks, lacking)


def _not(node: Predicate, env: Env) -> Compiled:
    part = compile_predicate(node.args[0], env)
    return Compiled(lambda facts: negate(part.value(facts)), part.asks, _nothing)


_MAKERS: dict[str, Callable[[Predicate, Env], Compiled]] = {
    "all": _connective,
    "any": _connective,
    "not": _not,
    "cmp": _cmp,
    "present": _present,
    "age": _age,
    "window": _window,
    "elapsed": _elapsed,
    "ratio": _ratio,
    "docs": _docs,
    "format": _format,
    "judged": lambda node, env: _settled(node, "judged", node.args[1]),
    "call": lambda node, env: _settled(node, "field", ""),
}


def compile_predicate(node: Predicate, env: Env) -> Compiled:
    """Closures for ``node`` under the parameters of ``env``."""
    return _MAKERS[node.op](node, env)
