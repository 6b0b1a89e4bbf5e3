"""Where each rule of the texts stands, and the questions that the texts answer differently.

A rule is ``live``, ``refused`` by a stronger article, a ``suggestion`` of a text without rank, on a ``checklist``
for people, or ``unstated``. Rules about rules are live as lints.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xueji.ground.policy.library import PolicyLibrary
from xueji.ground.policy.model import Cite, Note, Pack, Rule

KINDS = ("live", "refused", "suggestion", "checklist", "unstated")
CONFLICTS = "conflicts.toml"


@dataclass(frozen=True, slots=True)
class Disposition:
    """One rule of a text and what has become of it."""

    id: str
    kind: str
    pack: str
    cite: Cite
    force: str
    """Empty where the rule decides nothing."""
    rule: Rule | None
    note: Note | None

    @property
    def is_lint(self) -> bool:
        """True for a rule about rules: no case meets it, packs below do."""
        return self.kind == "live" and self.rule is None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A question that the texts answer differently, and what the system makes of that."""

    number: int
    title: str
    answer: str
    rules: tuple[str, ...]
    params: tuple[str, ...]


def dispositions(packs: PolicyLibrary) -> dict[str, Disposition]:
    """Every rule of every pack by its identifier; ValueError when one stands in two places."""
    found: dict[str, Disposition] = {}
    for name in packs.ids():
        for item in _of(packs.pack(name)):
            if item.id in found:
                raise ValueError(f"{item.id}: {found[item.id].pack}, {item.pack}")
            found[item.id] = item
    return found


def _of(pack: Pack) -> Iterator[Disposition]:
    for rule in pack.rules:
        yield Disposition(rule.id, "live", pack.id, rule.cite, rule.force, rule, None)
    for lint in pack.lints:
        if all(rule.id != lint.id for rule in pack.rules):
            yield Disposition(lint.id, "live", pack.id, lint.cite, "must", None, None)
    for note in pack.notes:
        yield Disposition(note.id, note.kind, pack.id, note.cite, "", note.rule, note)


def read_conflicts(folder: Path) -> tuple[Conflict, ...]:
    """The conflicts kept beside the packs, by number."""
    rows = tomllib.loads((folder / CONFLICTS).read_text("utf-8"))["conflict"]
    found = [
        Conflict(
            row["number"], row["title"], row["answer"], tuple(row["rules"]), tuple(row.get("params", ()))
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda item: item.number))
