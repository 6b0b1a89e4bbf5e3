"""Examples beside the packs: for each live rule a case that meets it and one that does not.

``policies/examples/<pack>.toml`` names the pack, the day, and per example the rule, the event, the facts and the
expected verdict. They are what a newcomer reads to see a rule at work, and what the tests run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from xueji.ground.policy.engine import evaluate
from xueji.ground.policy.library import PolicyLibrary

FOLDER = "examples"
NOT_CONCERNED = "none"
"""The expectation of an example to which its rule does not apply."""
_KEYS = frozenset({"rule", "name", "event", "expect", "facts", "on"})


@dataclass(frozen=True, slots=True)
class Example:
    """One made-up case and what one rule says to it."""

    pack: str
    rule: str
    name: str
    event: str
    facts: Mapping[str, Any]
    expect: str
    on: date
    file: str


def read_examples(folder: Path) -> tuple[Example, ...]:
    """All examples below ``folder``, in the order of the files; ValueError for a key that means nothing."""
    found: list[Example] = []
    for path in sorted((folder / FOLDER).glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        for row in data["example"]:
            if unknown := row.keys() - _KEYS:
                raise ValueError(f"{path.name}: {row.get('rule')}: {', '.join(sorted(unknown))}")
            found.append(
                Example(
                    pack=data["pack"],
                    rule=row["rule"],
                    name=row["name"],
                    event=row["event"],
                    facts=row["facts"],
                    expect=row["expect"],
                    on=row.get("on", data["on"]),
                    file=path.name,
                )
            )
    return tuple(found)


def run_example(packs: PolicyLibrary, example: Example) -> str:
    """The verdict of the example's rule, evaluated with its pack and all above; ``none`` when it does not apply."""
    policy = packs.resolve(packs.chain_of(example.pack), example.on)
    finding = evaluate(policy, example.event, example.facts, example.on).finding(example.rule)
    return finding.verdict if finding else NOT_CONCERNED
