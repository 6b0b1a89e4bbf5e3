"""Examples beside the packs: for each live rule a case that meets it and one that does not.

``policies/examples/<pack>.toml`` names the pack, the day, and per example the rule, the event, the facts and the
expected verdict. They are what a newcomer reads to see a rule at work, and what the tests run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from xueji.ground.policy.engine import evaluate
from xueji.ground.policy.library import PolicyLibrary
from xueji.ground.policy.model import Pack
from xueji.ground.policy.reader import convert

FOLDER = "examples"
NOT_CONCERNED = "none"
"""The expectation of an example to which its rule does not apply."""
_KEYS = frozenset({"rule", "name", "event", "expect", "facts", "on", "params"})


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
    params: Mapping[str, Any]
    """Values that the example supposes instead of those in force: for a rule that rests on a value nobody has set."""


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
                    params=row.get("params", {}),
                )
            )
    return tuple(found)


def run_example(packs: PolicyLibrary, example: Example) -> str:
    """The verdict of the example's rule, evaluated with its pack and all above; ``none`` when it does not apply."""
    if example.params:
        packs = supposing(packs, example.params)
    policy = packs.resolve(packs.chain_of(example.pack), example.on)
    finding = evaluate(policy, example.event, example.facts, example.on).finding(example.rule)
    return finding.verdict if finding else NOT_CONCERNED


def supposing(packs: PolicyLibrary, values: Mapping[str, Any]) -> PolicyLibrary:
    """The packs with other values, wherever they are declared."""

    def changed(pack: Pack) -> Pack:
        params = [
            replace(
                param,
                values=tuple(
                    replace(value, value=convert(values[param.id], param.type), stated=True)
                    for value in param.values
                ),
            )
            if param.id in values
            else param
            for param in pack.params
        ]
        return replace(pack, params=tuple(params))

    return PolicyLibrary({name: changed(packs.pack(name)) for name in packs.ids()})
