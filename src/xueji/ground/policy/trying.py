"""A made-up case: which facts the rules of an event ask for, how they are filled in, what the rules answer.

Nothing here writes: an answer is given and forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.policy.engine import LEVEL_FACT, PolicySet, evaluate
from xueji.ground.policy.findings import Finding, Trace, article_words
from xueji.ground.policy.model import Field, Rule
from xueji.ground.policy.predicates import DOCS_FACT, Operand
from xueji.ground.policy.reading import event_words, force_words, labels_of_events, words_of_caveats
from xueji.ground.policy.statuses import BY_WORD
from xueji.ground.policy.values import FactError, speak

MOST_LENGTH = 200
YES, NO = "true", "false"
_PREFIX = "f."


@dataclass(frozen=True)
class Choice:
    """One value to choose from."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Question:
    """A fact on the form. `kind` is string, bool, int, number, date or set."""

    name: str
    label: str
    kind: str
    value: str
    choices: tuple[Choice, ...]
    """Values to pick from; for a string only proposals where `open`."""
    open: bool
    error: str = ""

    @property
    def input(self) -> str:
        """The name of its control."""
        return _PREFIX + self.name


@dataclass(frozen=True)
class Answer:
    """One finding as the page shows it."""

    finding: Finding
    verdict: str
    tone: str
    force: str
    values: tuple[tuple[str, str], ...]
    caveats: tuple[str, ...]


def events(policy: PolicySet) -> list[tuple[str, str]]:
    """Events that have rules here, with their words, in the order of the packs."""
    labels = labels_of_events(policy)
    found = dict.fromkeys(name for rule in policy.rules for name in rule.on)
    return sorted(
        ((name, event_words(name, labels)) for name in found),
        key=lambda item: (list(labels).index(item[0].partition(".")[0]), item[0]),
    )


def questions(policy: PolicySet, event: str, given: Mapping[str, Any] | None = None) -> list[Question]:
    """The form for an event, made from the facts that its rules look at. `given` maps controls to lists of texts."""
    rules = [rule for rule in policy.rules if event in rule.on]
    return [
        _question(item, policy, rules, (given or {}).get(_PREFIX + item.id, []))
        for item in policy.facts_of(event)
    ]


def _question(item: Field, policy: PolicySet, rules: list[Rule], given: list[str]) -> Question:
    texts = [text.strip()[:MOST_LENGTH] for text in given]
    if item.type == "bool":
        options = [("", _("不知道")), (YES, _("是")), (NO, _("否"))]
    else:
        options = [(value, value) for value in _proposals(item, policy, rules)]
        if item.id == LEVEL_FACT:
            options = [("", _("不知道")), ("P", _("小学")), ("J", _("初中")), ("S", _("普通高中"))]
    error = ""
    try:
        _read(item, texts)
    except ValueError as wrong:
        error = str(wrong)
    return Question(
        name=item.id,
        label=item.label,
        kind=item.type,
        value=texts[-1] if texts else "",
        choices=tuple(Choice(value, label, value in texts) for value, label in options),
        open=item.type == "string" and item.id != LEVEL_FACT,
        error=error,
    )


def _proposals(item: Field, policy: PolicySet, rules: list[Rule]) -> list[str]:
    """Values that the rules of the event name beside this fact."""
    if item.id == "student.status":
        return list(BY_WORD)
    found: dict[str, None] = {}
    for condition in (part for rule in rules for part in (rule.when, rule.need) if part is not None):
        for node in condition.walk():
            if node.op == "docs" and item.id == DOCS_FACT:
                wanted = node.args[0]
                if isinstance(wanted, Operand):
                    held = policy.param(wanted.value) if wanted.value in policy.param_ids() else None
                    wanted = held.value if held and held.stated else ()
                found |= dict.fromkeys(name for one in wanted for name in one.split("|"))
            operands = [arg for arg in node.args if isinstance(arg, Operand)]
            if any(arg.kind == "field" and arg.value == item.id for arg in operands):
                for arg in operands:
                    held = (
                        policy.param(arg.value)
                        if arg.kind == "param" and arg.value in policy.param_ids()
                        else None
                    )
                    value = held.value if held is not None else arg.value if arg.kind == "literal" else None
                    values = value if isinstance(value, tuple) else (value,)
                    found |= dict.fromkeys(one for one in values if isinstance(one, str))
    return list(found)


def facts(policy: PolicySet, event: str, given: Mapping[str, list[str]]) -> tuple[dict[str, Any], bool]:
    """The facts that were filled in, and whether all could be read; what is left empty stays unknown."""
    found: dict[str, Any] = {}
    fine = True
    for item in policy.facts_of(event):
        texts = [text.strip()[:MOST_LENGTH] for text in given.get(_PREFIX + item.id, [])]
        try:
            value = _read(item, texts)
        except ValueError:
            fine = False
            continue
        if value is not None:
            found[item.id] = value
    return found, fine


def _read(item: Field, texts: list[str]) -> Any:
    """A fact of the declared type; None when nothing was filled in. ValueError in words."""
    words = [text for text in texts if text]
    if item.type == "set":
        parts = [
            part.strip() for text in words for part in text.replace("，", "、").replace(",", "、").split("、")
        ]
        named = [part for part in parts if part and part != "-"]
        return sorted(set(named)) if named or "-" in parts else None
    if not words:
        return None
    text = words[-1]
    if item.type == "bool":
        return {YES: True, NO: False}.get(text)
    try:
        if item.type == "int":
            return int(text)
        if item.type == "number":
            return float(text)
        if item.type == "date":
            return date.fromisoformat(text).isoformat()
    except ValueError as error:
        words_for = {"int": _("请填写整数"), "number": _("请填写数字"), "date": _("日期应写作 2026-09-01")}
        raise ValueError(words_for[item.type]) from error
    return text


def run(policy: PolicySet, event: str, known: Mapping[str, Any], on: date) -> Trace:
    """The answer of the rules. Raises FactError in words for a value that a rule cannot use."""
    try:
        return evaluate(policy, event, known, on)
    except (OverflowError, ValueError) as error:
        raise FactError(_("有一项事实的值太大或不合适，规则无法使用")) from error


def answers(trace: Trace) -> list[Answer]:
    """Every finding, the severest first, with the values that were used."""
    verdicts = {
        "pass": (_("符合"), "green"),
        "warn": (_("提示"), "amber"),
        "route": (_("转其他业务"), "amber"),
        "ask": (_("需先确认"), "blue"),
        "need_docs": (_("缺材料"), "red"),
        "block": (_("不能办理"), "red"),
    }
    return [
        Answer(
            finding=item,
            verdict=verdicts[item.verdict][0],
            tone=verdicts[item.verdict][1],
            force=force_words(item.force),
            values=tuple(_values(item)),
            caveats=words_of_caveats(item.caveats),
        )
        for item in trace.findings
    ]


def _values(item: Finding) -> list[tuple[str, str]]:
    out = []
    for name, value in item.values.items():
        if name.endswith(".label"):
            continue
        label = item.labels.get(name[1:], name[1:])
        words = (
            _("未填写")
            if value is None and name[0] == "$"
            else _("原文未写明")
            if value is None
            else speak(value)
        )
        cite = item.value_cites.get(name[1:]) if name[0] == "@" else None
        where = f"(《{cite.source.title}》{article_words(cite.article)})" if cite else ""
        out.append((label, words + where))
    return out


def silent(policy: PolicySet, event: str, trace: Trace) -> list[tuple[str, str]]:
    """Rules of the event that do not concern the made-up case: identifier and phrase."""
    spoken = {item.rule for item in trace.findings}
    return [
        (rule.id, rule.cite.phrase) for rule in policy.rules if event in rule.on and rule.id not in spoken
    ]
