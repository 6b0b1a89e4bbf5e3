"""Read from the source: every command that a person gives reaches the audit, and every deed has Chinese words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import xueji
from xueji.ground.audit import retention, words

ROOT = Path(xueji.__file__).parent
#: What writes an entry.
DOORS = frozenset({"record", "note", "_enter"})
#: Public functions of commands that take an actor and leave no entry of their own, each with its reason.
QUIET: dict[str, str] = {
    "own_unit": "reads which unit somebody acts for",
    "mark": "makes the words of a watermark",
    "last_own": "reads whether a step may be taken back",
    "my_step": "reads which step somebody holds",
    "clash_of": "reads whether somebody decided before",
    "held_below": "reads whether a case is held by a unit below",
    "own_child": "reads whether a child is of the own class",
    "own": "reads a case of the own unit",
    "opened": "reads a case or batch and locks it for the command that goes on",
    "locked": "reads a row and locks it for the command that goes on",
    "editable": "reads a list that may still be changed",
    "read": "reads an incident for the command that goes on",
    "candidates": "reads who may be appointed",
    "may_enrol": "reads whether a second factor may be made",
    "require_tries": "reads how many tries are left",
    "keep_edits": "keeps on which authorisation the edits of a command rest that enters itself",
    "keep_edit": "keeps on which authorisation an edit rests that enters itself",
    "write_event": "writes an event inside a command that enters itself",
    "write_events": "writes events inside a command that enters itself",
    "carry_out": "moves children by a list that enters itself (enrolment/bulk.py)",
    "number": "numbers a class by seats.renumber, which enters itself",
    "own_school": "reads which school somebody acts for",
    "own_round": "reads a round of the own unit and locks it for the command that goes on",
    "open_submission": "reads a list and locks it for the command that goes on",
    "take_up": "reads a merge and locks it for the command that goes on",
    "second_person": "refuses whoever proposed",
    "may_fill": "reads whether somebody may fill in for a family",
    "may_count": "reads whether somebody may count a class",
    "counts_here": "reads whose task counting is by the place's rules",
    "leads_here": "reads whose task settling is by the place's rules",
    "settle_for": "closes disputes inside the command that takes candidates off, which enters itself",
    "store": "stores candidates inside the command that brings them, which enters itself",
    "sign": "keeps a signature inside the command that hands in or decides, which enters itself",
}


@cache
def _functions() -> dict[str, list[tuple[Path, ast.FunctionDef]]]:
    found: dict[str, list[tuple[Path, ast.FunctionDef]]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, []).append((path, node))
    return found


def _room(path: Path) -> str:
    return "/".join(path.relative_to(ROOT).parts[:2])


def _called(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """Names that a function calls, and whether through a module or object."""
    for child in ast.walk(node):
        if isinstance(child, ast.Call):
            if isinstance(child.func, ast.Name):
                yield child.func.id, False
            elif isinstance(child.func, ast.Attribute):
                yield child.func.attr, True


def _reaches(path: Path, node: ast.FunctionDef, seen: set[tuple[Path, str]]) -> bool:
    """Whether a way leads to a door: through functions of the same room, or commands of another."""
    if (path, node.name) in seen:
        return False
    seen.add((path, node.name))
    for name, _through in _called(node):
        if name in DOORS:
            return True
        for at, target in _functions().get(name, []):
            near = _room(at) == _room(path) or "commands" in str(at.relative_to(ROOT))
            if near and target is not node and _reaches(at, target, seen):
                return True
    return False


def _commands() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for found in _functions().values():
        for path, node in found:
            inside = path.name == "commands.py" or "commands" in path.parts
            first = node.args.args[0].arg if node.args.args else ""
            if inside and first in ("actor", "who") and not node.name.startswith("_"):
                yield path, node


@pytest.mark.capability("C-SEC-03")
def test_every_command_that_takes_an_actor_reaches_the_audit() -> None:
    commands = list(_commands())
    assert len(commands) > 100
    silent = sorted(
        f"{path.relative_to(ROOT)}: {node.name}"
        for path, node in commands
        if node.name not in QUIET and not _reaches(path, node, set())
    )
    assert silent == []


def _literal_actions() -> Iterator[tuple[str, str]]:
    """Every action that the source names outright: the second argument of a door, or of what wraps it."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name not in ("record", "note", "_note") or len(node.args) < 2:
                continue
            for part in ast.walk(node.args[1]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    text = part.value
                    if (
                        text.isascii()
                        and "." in text.rstrip(".")
                        and not text.startswith(".")
                        and not text.endswith(".")
                        and " " not in text
                    ):
                        yield text, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_action_of_the_source_has_words_and_a_class() -> None:
    actions = dict(_literal_actions())
    assert len(actions) > 80
    assert sorted(f"{a} ({at})" for a, at in actions.items() if not words.known(a)) == []
    for action in actions:
        said = words.action(action)
        assert said and not said.isascii(), action
        assert words.kind(action) in words.KINDS
        assert retention.class_of(action) in retention.CLASSES


def test_what_takes_data_out_is_counted_as_such_whatever_its_last_word() -> None:
    """The watch, the figures and the head of a school go by the kind: no file that leaves may count as a change, and
    no task that is begun as a file that leaves."""
    assert sorted(a for a in words._KIND_OF if a not in words.ACTIONS) == []
    plain = ("下载", "导出")
    out = {
        a for a, said in words.ACTIONS.items() if str(said).startswith(plain) and not a.startswith("audit.")
    }
    assert sorted(a for a in out if words.kind(a) != "export") == []
    for begun in (
        "collect.open",
        "creation.window.open",
        "export.open",
        "posts.unit.open",
        "submission.round.open",
    ):
        assert words.kind(begun) == "change", begun
    assert words.kind("emergency.open") == "rights"


def test_everything_that_deeds_are_done_to_has_words() -> None:
    """The log names things in Chinese: 导入批次, not import_batch."""
    things = {
        keyword.value.value
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "record"
        for keyword in node.keywords
        if keyword.arg == "object_type" and isinstance(keyword.value, ast.Constant) and keyword.value.value
    }
    assert len(things) > 60
    assert sorted(t for t in things if words.thing(t).isascii()) == []


def test_deeds_of_the_record_are_called_by_their_business() -> None:
    assert words.action("enrolment.suspend") == "学籍变动: 休学"
    assert words.action("changes.pass") == "学籍业务: 核办通过"
    assert words.action("people.identity.reveal") == "显示隐藏内容"
    assert not words.known("nothing.at_all")
