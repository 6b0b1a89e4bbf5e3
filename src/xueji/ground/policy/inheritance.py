"""What a pack below may do to the packs above: a child adds, and moves only what it was given to move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from xueji.ground.policy.model import FORCES, TIERS, Chain, Lint, Note, Pack, Param, ParamValue, Rule, Where
from xueji.ground.policy.predicates import Operand
from xueji.ground.policy.values import Duration, speak
from xueji.ground.policy.words import _


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a pack may not say: where it says so, and the article that forbids it (if one does)."""

    where: Where
    subject: str
    message: str
    forbidden_by: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.subject}: {self.message}"


def problems(pack: Pack, ancestors: Sequence[Pack]) -> list[Problem]:
    """Everything in ``pack`` that its ancestors (the nation's first) do not allow."""
    found: list[Problem] = []
    for param in pack.params:
        found += _param(param, ancestors)
    for rule in pack.rules:
        found += _rule(rule, ancestors)
    for chain in pack.chains:
        found += _chain(chain, ancestors)
    lints = [item for above in ancestors for item in above.lints]
    for lint in lints:
        found += _lint(lint, pack, [*ancestors, pack])
    for note in pack.notes:
        found += _refusal(note, pack, ancestors)
    return found


def refusals(note: Note, pack: Pack, ancestors: Sequence[Pack]) -> list[Problem]:
    """What stands against a refused rule: the problems that it would have as a live rule of its pack."""
    if note.rule is None:
        return []
    alone = replace(pack, rules=(note.rule,), schemes=(), notes=())
    found = list(_rule(note.rule, ancestors))
    for lint in [item for above in ancestors for item in above.lints]:
        found += _lint(lint, alone, [*ancestors, pack])
    return found


def _refusal(note: Note, pack: Pack, ancestors: Sequence[Pack]) -> Iterator[Problem]:
    """A rule may only be called refused where a stronger article does refuse it."""
    if note.kind != "refused" or any(
        f"{problem.forbidden_by} ".startswith(f"{note.by} ") for problem in refusals(note, pack, ancestors)
    ):
        return
    message = _("上级的“%s”并不禁止它，应写成 [[rule]]") % note.by
    yield Problem(note.where, note.id, message)


def value_on(param_id: str, packs: Sequence[Pack], day: date) -> ParamValue | None:
    """The value in force in the last of ``packs``: the lowest pack that states one speaks.

    A pack whose text leaves the number blank does not take a number away that a pack above gives.
    """
    blank: ParamValue | None = None
    for pack in reversed(packs):
        for param in pack.params:
            if param.id == param_id and (held := param.on(day)) is not None:
                if held.stated:
                    return held
                blank = blank or held
    return blank


def _param(param: Param, ancestors: Sequence[Pack]) -> Iterator[Problem]:
    above = [item for pack in ancestors for item in pack.params if item.id == param.id]
    if not above:
        return
    nearest = above[-1]
    if param.type != nearest.type:
        message = _("类型应与上级一致（%s）") % nearest.type
        yield Problem(param.where, param.id, message)
        return
    strictest = min(("none", "tighten", "free").index(item.delegates) for item in above)
    if strictest == 0:
        yield Problem(param.where, param.id, _("%s 已定，下级不得改动") % nearest.where, _article(nearest))
        return
    if strictest == 2:
        return
    direction = next(item.tighter for item in above if item.tighter)
    for value in param.values:
        for day in _days_to_check(value, above):
            held = value_on(param.id, ancestors, day)
            if (
                value.stated
                and held
                and held.stated
                and not _tight_enough(direction, value.value, held.value)
            ):
                message = _("只能从严：上级为%(above)s，这里为%(here)s") % {
                    "above": speak(held.value),
                    "here": speak(value.value),
                }
                yield Problem(param.where, param.id, message, _article(nearest))
                break


def _days_to_check(value: ParamValue, above: Sequence[Param]) -> list[date]:
    """Days on which the child's value meets another value of an ancestor."""
    starts = {value.start or date.min}
    for held in [item for param in above for item in param.values]:
        starts |= {day for day in (held.start, held.end and held.end + timedelta(days=1)) if day}
    return sorted(day for day in starts if value.holds_on(day))


def _tight_enough(direction: str, here: Any, above: Any) -> bool:
    if direction == "subset":
        return set(here) <= set(above)
    if isinstance(here, Duration):
        here, above = here.size(), above.size()
    return bool(here <= above) if direction == "lower" else bool(here >= above)


def _article(param: Param) -> str:
    value = param.values[0]
    return f"《{value.cite.source.title}》{value.cite.article}"


def _rule(rule: Rule, ancestors: Sequence[Pack]) -> Iterator[Problem]:
    above = {item.id: item for pack in ancestors for item in pack.rules}
    for name in rule.replaces:
        replaced = above.get(name)
        if replaced is None:
            yield Problem(rule.where, rule.id, _("要代替的规则“%s”不在上级文件中") % name)
            continue
        article = f"《{replaced.cite.source.title}》{replaced.cite.article}"
        if replaced.locked:
            yield Problem(rule.where, rule.id, _("规则“%s”已锁定，下级不得代替") % name, article)
        elif FORCES.index(rule.force) > FORCES.index(replaced.force):
            message = _("规则“%(name)s”的效力是 %(force)s，代替它的规则不得更弱") % {
                "name": name,
                "force": replaced.force,
            }
            yield Problem(rule.where, rule.id, message, article)


def _chain(chain: Chain, ancestors: Sequence[Pack]) -> Iterator[Problem]:
    for above in [item for pack in ancestors for item in pack.chains]:
        if (above.business, above.variant) != (chain.business, chain.variant) or above.delegates == "free":
            continue
        article = f"《{above.cite.source.title}》{above.cite.article}"
        if above.delegates == "none":
            yield Problem(chain.where, chain.id, _("%s 的办理环节已定，下级不得改动") % above.label, article)
            continue
        here = iter((step.side, step.role, step.mode) for step in chain.steps if not step.optional)
        asked = [step for step in above.steps if not step.optional and step.mode == "approve"]
        if not all(any(own == (step.side, step.role, step.mode) for own in here) for step in asked):
            message = _("%s 的环节只能增加，不能减少或换序") % above.label
            yield Problem(chain.where, chain.id, message, article)


def _lint(lint: Lint, pack: Pack, packs: Sequence[Pack]) -> Iterator[Problem]:
    article = f"{lint.id} 《{lint.cite.source.title}》{lint.cite.article}“{lint.cite.phrase}”"
    if lint.check == "schemes_reserved":
        for scheme in pack.schemes:
            if scheme.id.startswith(lint.args["prefix"]) or TIERS.index(scheme.issuer) == 0:
                yield Problem(scheme.where, scheme.id, _("全国学籍号的规则只能由国家规定"), article)
        return
    for rule in pack.rules:
        if lint.check == "docs_ceiling" and set(rule.on) & set(lint.args["on"]):
            yield from _docs_beyond(rule, lint, packs, article)
        if lint.check == "never_asks" and _asks(rule, lint):
            message = _("不得把 %s 作为条件") % lint.args["field"]
            yield Problem(rule.where, rule.id, message, article)
        if lint.check == "never_blocks_on" and rule.otherwise != "warn" and _names_value(rule, lint):
            message = _("不得因 %(field)s 为“%(value)s”而区别对待") % lint.args
            yield Problem(rule.where, rule.id, message, article)


def _docs_beyond(rule: Rule, lint: Lint, packs: Sequence[Pack], article: str) -> Iterator[Problem]:
    ceiling = value_on(lint.args["param"], packs, rule.start or date.max)
    if ceiling is None or not ceiling.stated:
        return
    asked = list(rule.need.docs())
    for name in rule.need.params():
        held = value_on(name, packs, rule.start or date.max)
        if held and held.stated and any(node.op == "docs" for node in rule.need.walk()):
            asked += held.value if isinstance(held.value, tuple) else ()
    beyond = [item for item in asked if not set(item.split("|")) & set(ceiling.value)]
    if beyond:
        yield Problem(rule.where, rule.id, _("不得要求提供：%s") % "、".join(beyond), article)


def _asks(rule: Rule, lint: Lint) -> bool:
    """True when the rule looks at a fact that must not be a condition on these events and stages."""
    if not set(rule.on) & set(lint.args["on"]) or not rule.levels & lint.args["levels"]:
        return False
    conditions = [condition for condition in (rule.when, rule.need) if condition is not None]
    return any(lint.args["field"] in condition.fields() for condition in conditions)


def _names_value(rule: Rule, lint: Lint) -> bool:
    """True when the rule compares the field with the protected value, in whatever way."""
    for condition in (rule.when, rule.need):
        for node in condition.walk() if condition else ():
            operands = [arg for arg in node.args if isinstance(arg, Operand)]
            if node.op == "cmp" and any(arg.value == lint.args["field"] for arg in operands):
                literals = [arg.value for arg in operands if arg.kind == "literal"]
                protected = lint.args["value"]
                if any(
                    value == protected or (isinstance(value, tuple) and protected in value)
                    for value in literals
                ):
                    return True
    return False
