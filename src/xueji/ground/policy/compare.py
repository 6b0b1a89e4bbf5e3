"""What two places, or two days, have differently: value by value, chain by chain, rule by rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import article_words
from xueji.ground.policy.library import PolicyLibrary, library
from xueji.ground.policy.model import Chain, Cite, ParamValue, Rule, Step
from xueji.ground.policy.values import speak
from xueji.ground.policy.words import _

_TOKEN = re.compile(r"\{([$@])([^{}]+)\}")
_TOPIC = re.compile(r"-([A-Z]{3})-\d+$")
ORDER = ("param", "chain", "rule")


@dataclass(frozen=True, slots=True)
class Saying:
    """What one side has: in words, with the article that says so."""

    text: str
    cite: Cite
    pack: str
    force: str = ""
    start: date | None = None
    """Day from which it holds; None = the text gives none."""

    @property
    def article(self) -> str:
        """《办法》第六条."""
        return f"《{self.cite.source.title}》{article_words(self.cite.article)}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the sides do not have in common; a side that says nothing is None."""

    kind: str
    """``param``, ``chain`` or ``rule``."""
    id: str
    label: str
    topic: str
    """Three letters out of a rule's identifier (``TRF``, ``SUS``), or the word before the dot of a value."""
    left: Saying | None
    right: Saying | None


def compare(
    ids_a: Sequence[str], ids_b: Sequence[str], on: date, packs: PolicyLibrary | None = None
) -> tuple[Difference, ...]:
    """What two places have differently on a day. The ids are those of ``ids_for`` or ``chain_of``.

    Values first, then who decides, then rules by topic. Raises KeyError for an unknown pack and ValueError
    for packs that do not extend each other.
    """
    known = packs or library()
    return between(known.resolve(ids_a, on), known.resolve(ids_b, on))


def differences(
    ids: Sequence[str], on_a: date, on_b: date, packs: PolicyLibrary | None = None
) -> tuple[Difference, ...]:
    """What one place has differently on two days; raises as ``compare`` does."""
    known = packs or library()
    return between(known.resolve(ids, on_a), known.resolve(ids, on_b))


def between(left: PolicySet, right: PolicySet) -> tuple[Difference, ...]:
    """What two sets of rules have differently."""
    found = [*_values(left, right), *_chains(left, right), *_rules(left, right)]
    return tuple(sorted(found, key=lambda item: (ORDER.index(item.kind), item.topic, item.id)))


def rule_words(rule: Rule, policy: PolicySet) -> str:
    """What a rule asks, in Chinese: its message with values in force and names of facts, and who decides."""

    def fill(match: re.Match[str]) -> str:
        mark, name = match.groups()
        if mark == "$":
            return f"〔{policy.labels.get(name, name)}〕"
        held = policy.param(name)
        return speak(held.value) if held.stated else _("未写明")

    words = _TOKEN.sub(fill, rule.message) or rule.cite.phrase
    steps = rule.effects.get("approve", ())
    return words + _("（环节：%s）") % " → ".join(steps) if steps else words


def value_words(value: ParamValue) -> str:
    """A value in Chinese; a blank in the text says so."""
    return speak(value.value) if value.stated else _("原文未写明")


def topic_of(rule_id: str) -> str:
    """``TRF`` of ``GD-TRF-02``; empty for identifiers without one."""
    match = _TOPIC.search(rule_id)
    return match[1] if match else ""


def _values(left: PolicySet, right: PolicySet) -> Iterable[Difference]:
    for name in dict.fromkeys([*left.param_ids(), *right.param_ids()]):
        a, b = _value(left, name), _value(right, name)
        if (a and (a.text, a.force)) != (b and (b.text, b.force)):
            label = left.labels.get(name) or right.labels.get(name) or name
            yield Difference("param", name, label, name.partition(".")[0], a, b)


def _value(policy: PolicySet, name: str) -> Saying | None:
    if name not in policy.param_ids():
        return None
    held = policy.param(name)
    return Saying(value_words(held), held.cite, policy.pack_of(name), held.force, held.start)


def _chains(left: PolicySet, right: PolicySet) -> Iterable[Difference]:
    a, b = left.chains(), right.chains()
    for key in dict.fromkeys([*a, *b]):
        one, two = _chain(a.get(key)), _chain(b.get(key))
        if (one and one.text) != (two and two.text):
            chain = a.get(key) or b[key]
            yield Difference("chain", chain.id, chain.label, chain.business, one, two)


def _chain(chain: Chain | None) -> Saying | None:
    if chain is None:
        return None
    return Saying(chain_words(chain), chain.cite, chain.pack)


def chain_words(chain: Chain) -> str:
    """A chain in one line: 甲 → (乙 → 丙 ∥ 丁) → 戊(备案)."""
    parts: list[str] = []
    for forked, run in groupby(chain.steps, key=lambda step: bool(step.branch)):
        if not forked:
            parts += [_step_words(step) for step in run]
            continue
        branches = groupby(run, key=lambda step: step.branch)
        side_by_side = " ∥ ".join(" → ".join(map(_step_words, steps)) for _name, steps in branches)
        parts.append(f"({side_by_side})")
    return " → ".join(parts)


def _step_words(step: Step) -> str:
    if step.mode == "file":
        return _("%s(备案)") % step.label
    return _("%s(如有)") % step.label if step.optional else step.label


def _rules(left: PolicySet, right: PolicySet) -> Iterable[Difference]:
    a = {rule.id: rule for rule in left.rules}
    b = {rule.id: rule for rule in right.rules}
    for name in dict.fromkeys([*a, *b]):
        one, two = _rule(a.get(name), left), _rule(b.get(name), right)
        if (one and (one.text, one.force)) != (two and (two.text, two.force)):
            rule = a.get(name) or b[name]
            yield Difference("rule", name, rule.cite.phrase, topic_of(name), one, two)


def _rule(rule: Rule | None, policy: PolicySet) -> Saying | None:
    if rule is None:
        return None
    return Saying(rule_words(rule, policy), rule.cite, rule.pack, rule.force, rule.start)
