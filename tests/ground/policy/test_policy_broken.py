"""Whatever somebody sends as a pack: it loads and answers, or it is refused with file and line; nothing else."""

from __future__ import annotations

import random
import re

import pytest

from xueji.ground.policy import inheritance
from xueji.ground.policy.library import PolicyLibrary
from xueji.ground.policy.loader import extends_of, load_pack
from xueji.ground.policy.model import Pack, PackError

from .conftest import DAY

PACKS = ("cn-99-0101", "cn-99", "cn-31", "cn-44-school")
VALUES = (
    "1", "-1", "true", "[]", "{}", '""', '"x"', "2026-01-01", "2026-01-01T00:00:00", "10:00:00", "1e400", "nan", "inf",
    "9" * 30, "9" * 5000, "[1,[2,[3]]]", "{ a = 1 }", '["P"]', '[""]', '"P1Y"', '"P9999999999Y"', '"$x"', '"@x"',
    '"N1#"', '"#"', '"\\u0000"', "[[]]", "{ cmp = [] }", "{ all = [] }", '{ docs = "@x" }', "1.5", f'"{"x" * 3000}"',
    '{ cmp = ["$student.stage", "in", [[]]] }', '{ elapsed = ["$case.start", "$case.end", "<=", "P99999999Y"] }',
)  # fmt: skip


def line_of(packs: PolicyLibrary, name: str) -> list[Pack]:
    return [packs.pack(one) for one in packs.chain_of(name)[:-1]]


def attempt(text: str, above: list[Pack]) -> bool:
    """Load, check and ask; False when it is refused properly."""
    try:
        extends_of(text, "x.toml")
        pack = load_pack(text, "x.toml", above)
        problems = inheritance.problems(pack, above)
        packs = PolicyLibrary({one.id: one for one in [*above, pack]})
    except PackError as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert refused.where.file
        assert refused.where.line >= 1
        return False
    if not problems:
        policy = packs.resolve(packs.chain_of(pack.id), DAY)
        for event in {name for rule in policy.rules for name in rule.on}:
            policy.evaluate(event, {}, DAY)
    return True


def spoilt(text: str, chance: random.Random) -> str:
    """A text with one to three lines changed, lost, doubled or cut."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        pair = re.match(r'^(\s*[\w."-]+ = )(.*)$', lines[at])
        kind = chance.random()
        if pair and kind < 0.7:
            lines[at] = pair[1] + chance.choice(VALUES)
        elif kind < 0.8:
            lines[at] = ""
        elif kind < 0.9:
            lines.insert(at, chance.choice(lines))
        else:
            lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
    return "\n".join(lines)


@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize("seed", range(3))
def test_a_spoilt_pack_is_refused_with_its_line_or_loads(
    shipped: PolicyLibrary, name: str, seed: int
) -> None:
    chance = random.Random(f"{name} {seed}")
    above = line_of(shipped, name)
    loaded = sum(attempt(spoilt(shipped.text_of(name), chance), above) for _ in range(120))
    assert 0 < loaded < 120


@pytest.mark.parametrize("opening", ["{ all = [", "{ any = [", "{ not = "])
@pytest.mark.parametrize("depth", [100, 300, 5000])
def test_a_condition_within_a_condition_without_end_is_refused(
    shipped: PolicyLibrary, opening: str, depth: int
) -> None:
    closing = "] }" if "[" in opening else " }"
    need = opening * depth + '{ present = ["$school.id"] }' + closing * depth
    rule = '\n[[rule]]\nid = "X"\non = ["transfer.apply"]\nelse = "block"\nforce = "must"\n'
    rule += f'cite = "E1#1"\nphrase = "x"\nneed = {need}\n'
    assert not attempt(shipped.text_of("cn-99-0101") + rule, line_of(shipped, "cn-99-0101"))
