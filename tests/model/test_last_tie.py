"""Lists end their order with a unique key: rows that tie otherwise change places from one page, or one print, to the next."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src" / "xueji"
#: Columns in which two rows of a list may well be alike.
ALIKE = frozenset(
    "pinyin_sort class_seat name title display_name sort birth_date day at since valid_at valid_from recorded_at submitted_at"
    " asked_at sent_at made_at created_at arrived_at changed_at ended_at reported_at decided_at signed_at issued_at closed_at"
    " answered_at noticed_on due_on opens_on effective_on reported_on state".split()
)
#: Orders that need no tie-break, and why.
FREE = {
    "order_by('reported_on')": "grouped by the day",
    "order by r.pinyin_sort, r.person_id, x.at limit %s": "one line a person and moment",
}
_CLAUSE = re.compile(
    r"\border by\b(?P<terms>[^()]*(?:\([^()]*\)[^()]*)*?)\blimit\s+(?P<most>[%\w(§]+)", re.IGNORECASE
)


def _text(node: ast.AST) -> str | None:
    """A string as it is put together; what is put in stands as a mark."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(v) or "§" if isinstance(v, ast.Constant) else "§" for v in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (_text(node.left) or "§") + (_text(node.right) or "§")
    return None


def _strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    inner: set[ast.AST] = set()
    for node in ast.walk(tree):
        if node not in inner and isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)):
            text = _text(node)
            if text is not None:
                inner.update(ast.walk(node))
                yield node.lineno, text  # type: ignore[attr-defined]


def _last(terms: str) -> str:
    """The column of the last term of an order."""
    depth, start = 0, 0
    for at, char in enumerate(terms):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            start = at + 1
    term = re.sub(r"\b(desc|asc|nulls (first|last))\b", "", terms[start:], flags=re.IGNORECASE).strip()
    return term.rsplit(".", 1)[-1]


def _sql(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for line, text in _strings(tree):
        for found in _CLAUSE.finditer(text):
            if found["most"] != "1" and _last(found["terms"]) in ALIKE:
                yield line, " ".join(found.group().split())


def _orm(tree: ast.AST) -> Iterator[tuple[int, str]]:
    single: set[ast.AST] = set()
    for node in ast.walk(tree):
        # .order_by(...).first() and .order_by(...)[0] or [:1] ask for one row.
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "first":
            single.update(ast.walk(node))
        if isinstance(node, ast.Subscript):
            cut = node.slice.upper if isinstance(node.slice, ast.Slice) else node.slice
            if isinstance(cut, ast.Constant) and cut.value in (0, 1):
                single.update(ast.walk(node))
    for node in ast.walk(tree):
        if node in single or not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        last = node.args[-1] if node.func.attr == "order_by" and node.args else None
        if isinstance(last, ast.Constant) and str(last.value).lstrip("-").rsplit("__", 1)[-1] in ALIKE:
            yield node.lineno, f"order_by({', '.join(ast.unparse(a) for a in node.args)})"


def test_every_list_ends_its_order_with_a_key() -> None:
    wrong = []
    for path in sorted(SRC.rglob("*.py")):
        name = str(path.relative_to(SRC))
        if "/migrations/" in name or name.startswith("web/demo/"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = [(line, what) for line, what in (*_sql(tree), *_orm(tree)) if what not in FREE]
        wrong += [f"{name}:{line}: {what}" for line, what in found]
    assert not wrong, "\n".join(wrong)


def test_the_guard_sees_what_it_should() -> None:
    bad = ast.parse('c.execute("select 1 from r order by r.class_seat nulls last, r.pinyin_sort limit %s")')
    good = ast.parse('c.execute("select 1 from r" f" order by r.pinyin_sort, r.person_id limit {MOST}")')
    assert [what for _line, what in _sql(bad)] == ["order by r.class_seat nulls last, r.pinyin_sort limit %s"]
    assert not list(_sql(good))
    assert list(_orm(ast.parse('X.objects.order_by("-day", "name")[:20]')))
    assert not list(_orm(ast.parse('X.objects.order_by("name").first(), X.objects.order_by("name", "pk")')))
