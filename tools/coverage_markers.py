"""Read the markers of a test module from its syntax tree, without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Evidence:
    """One test that shows one identifier, and the page on which it does so (or none)."""

    identifier: str
    marker: str
    test: str
    page: str


@dataclass(frozen=True)
class _Mark:
    """A marker as written: its name, its identifiers and its page."""

    name: str
    identifiers: tuple[str, ...]
    page: str


def read_markers(source: str, file: str, names: frozenset[str]) -> tuple[list[Evidence], list[str]]:
    """Return what the tests of one module show, and what is wrong with its markers.

    `names` are the marker names to read. Raises SyntaxError when the module cannot be parsed.
    """
    reader = _Reader(file, names)
    reader.read(ast.parse(source, filename=file))
    return reader.evidence, reader.problems


def computes_markers(source: str, names: frozenset[str]) -> bool:
    """Whether a module makes markers out of data, outside decorators: then only pytest knows them."""
    return any(_is_computed(node, names) for node in _outside_decorators(ast.parse(source)))


def _is_computed(node: ast.AST, names: frozenset[str]) -> bool:
    return (
        isinstance(node, ast.Call)
        and _mark_name(node) in names
        and bool(node.args)
        and not all(isinstance(argument, ast.Constant) for argument in node.args)
    )


def _outside_decorators(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node inside a function that is no test: a helper that makes parameters."""
    for node in ast.walk(tree):
        if isinstance(node, _Function) and not node.name.startswith("test"):
            for statement in node.body:
                yield from ast.walk(statement)


class _Reader:
    def __init__(self, file: str, names: frozenset[str]) -> None:
        self.file = file
        self.names = names
        self.evidence: list[Evidence] = []
        self.problems: list[str] = []
        self.used: set[int] = set()
        self.values: dict[str, ast.expr] = {}

    def read(self, tree: ast.Module) -> None:
        self.values = _assignments(tree.body)
        self._body(tree.body, prefix="", inherited=self._pytestmark(self.values))
        self._report_unused(tree)

    def _body(self, body: list[ast.stmt], prefix: str, inherited: list[ast.expr]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                own = self._pytestmark(_assignments(node.body))
                self._body(node.body, f"{prefix}{node.name}::", [*inherited, *node.decorator_list, *own])
            elif isinstance(node, _Function) and node.name.startswith("test"):
                self._test(node, f"{self.file}::{prefix}{node.name}", inherited)

    def _test(self, node: _Function, test: str, inherited: list[ast.expr]) -> None:
        expressions = [*inherited, *node.decorator_list]
        expressions += list(self._cases(expressions))
        marks = [mark for expression in expressions for mark in self._marks(expression, test)]
        if any(_mark_name(part) == "skip" for expression in expressions for part in self._flat(expression)):
            if marks:
                self.problems.append(f"{test}: is always skipped, so it can show nothing")
            return
        for mark in marks:
            self.evidence += [Evidence(key, mark.name, test, mark.page) for key in mark.identifiers]

    def _marks(self, expression: ast.expr, test: str) -> Iterator[_Mark]:
        """Yield the marks in one decorator, `pytestmark` or `marks=`."""
        for part in self._flat(expression):
            name = _mark_name(part)
            if name not in self.names:
                continue
            self.used.add(id(part))
            if not isinstance(part, ast.Call) or not part.args:
                self.problems.append(f"{test}: the marker {name} names no identifier")
                continue
            arguments = [self._string(argument) for argument in part.args]
            keywords = {keyword.arg: self._string(keyword.value) for keyword in part.keywords}
            if None in arguments or None in keywords.values() or keywords.keys() - {"page"}:
                self.problems.append(
                    f"{test}: the marker {name} takes identifiers and page= as plain strings"
                )
                continue
            identifiers = tuple(argument for argument in arguments if argument is not None)
            yield _Mark(name, identifiers, keywords.get("page") or "")

    def _flat(self, expression: ast.expr) -> Iterator[ast.expr]:
        """Yield an expression, or the elements of the list that it is or names."""
        expression = self._resolve(expression)
        if isinstance(expression, ast.List | ast.Tuple):
            for element in expression.elts:
                yield from self._flat(element)
        else:
            yield expression

    def _cases(self, expressions: list[ast.expr]) -> Iterator[ast.expr]:
        """Yield the `marks=` of every `pytest.param` in the parametrisation of a test."""
        for part in (part for expression in expressions for part in self._flat(expression)):
            if _mark_name(part) != "parametrize" or not isinstance(part, ast.Call):
                continue
            values = [self._resolve(argument) for argument in part.args[1:2]]
            values += [self._resolve(word.value) for word in part.keywords if word.arg == "argvalues"]
            for call in (node for value in values for node in ast.walk(value) if isinstance(node, ast.Call)):
                yield from (word.value for word in call.keywords if word.arg == "marks")

    def _pytestmark(self, values: Mapping[str, ast.expr]) -> list[ast.expr]:
        return [values["pytestmark"]] if "pytestmark" in values else []

    def _resolve(self, expression: ast.expr) -> ast.expr:
        seen: set[str] = set()
        while isinstance(expression, ast.Name) and expression.id in self.values and expression.id not in seen:
            seen.add(expression.id)
            expression = self.values[expression.id]
        return expression

    def _string(self, expression: ast.expr) -> str | None:
        resolved = self._resolve(expression)
        if isinstance(resolved, ast.Constant) and isinstance(resolved.value, str):
            return resolved.value
        return None

    def _report_unused(self, tree: ast.Module) -> None:
        """A marker on a helper, a fixture or an unused list shows nothing: say so."""
        computed = {id(node) for node in _outside_decorators(tree) if _is_computed(node, self.names)}
        for node in ast.walk(tree):
            if id(node) in computed:
                continue  # collected by pytest, see `coverage_collect`
            if isinstance(node, ast.Call) and _mark_name(node) in self.names and id(node) not in self.used:
                self.problems.append(
                    f"{self.file}:{node.lineno}: the marker {_mark_name(node)} marks no test"
                )


def _assignments(body: list[ast.stmt]) -> dict[str, ast.expr]:
    values: dict[str, ast.expr] = {}
    for node in body:
        if isinstance(node, ast.Assign):
            values |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            values[node.target.id] = node.value
    return values


def _mark_name(expression: ast.expr) -> str | None:
    """Return the name in `pytest.mark.NAME`, `pytest.mark.NAME(...)` or `mark.NAME(...)`."""
    if isinstance(expression, ast.Call):
        expression = expression.func
    if not isinstance(expression, ast.Attribute):
        return None
    owner = expression.value
    from_pytest = isinstance(owner, ast.Attribute) and owner.attr == "mark"
    imported = isinstance(owner, ast.Name) and owner.id == "mark"
    return expression.attr if from_pytest or imported else None
