"""What the rules of a place need to know and nobody here can know: the school is asked, and its words are shown as such.

A question is a declared fact of the packs that a rule of the present occasion looks at, that is still unknown, and
that no field of the form and nothing in the record will answer.
Facts that the engine itself will know at the end (who decided, by which channel) are never asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.policy.compiled import Ask
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace, caveat_words
from xueji.ground.policy.predicates import Operand
from xueji.ground.policy.values import speak

if TYPE_CHECKING:
    from .spec import Check

PREFIX = "ask__"
OTHER = "其他"
#: Known to the engine by the time they are looked at; papers have slots of their own.
_NEVER = frozenset(
    {
        "case.docs",
        "case.decided_by",
        "case.confirmed_roles",
        "case.channel",
        "case.submitted_by",
        "case.reason",
    }
)
_OURS = ("student.stage", "student.status", "student.home_school", "school.id", "case.variant", "call.")


@dataclass(frozen=True)
class Question:
    """One thing to ask. `choices` are the words that the rules know; `judge` is who has to judge, if a person must."""

    fact: str
    label: str
    type: str
    choices: tuple[str, ...] = ()
    judge: str = ""

    @property
    def name(self) -> str:
        """Its field on the page."""
        return PREFIX + self.fact.replace(".", "-")


def events_of(business: str, more: Iterable[str] = ()) -> tuple[str, ...]:
    """Occasions whose rules a case meets: applying, taking effect, and those of its kind."""
    return (f"{business}.apply", *more, f"{business}.effect")


def questions(
    policy: PolicySet, business: str, more: Iterable[str], on: date, trace: Trace, stated: Mapping[str, Any]
) -> list[Question]:
    """Everything that is still unknown, and what was answered already, in the order of the rules."""
    events = events_of(business, more)
    asks = dict.fromkeys(trace.asks)
    for event in events[1:]:
        asks |= dict.fromkeys(policy.evaluate(event, trace.facts, on).asks)
    found = [q for ask in asks if not _ours(trace, ask) and (q := _question(policy, events, ask)) is not None]
    held = {q.fact for q in found}
    return [*found, *by_name(policy, events, (name for name in stated if name not in held))]


def _ours(trace: Trace, ask: Ask) -> bool:
    """Whether the kind itself will know the fact: it stands among the facts, empty, as its field of the form does."""
    return ask.name in trace.facts


def by_name(policy: PolicySet, events: Iterable[str], facts: Iterable[str]) -> list[Question]:
    """The questions about some facts; those that no rule of these occasions looks at are left out."""
    events = tuple(events)
    looked_at = {f.id for event in events for f in policy.facts_of(event)}
    asks = (
        Ask("judged" if name.startswith("judged.") else "field", name) for name in facts if name in looked_at
    )
    return [q for ask in asks if (q := _question(policy, events, ask)) is not None]


def posted(policy: PolicySet, events: Iterable[str], data: Mapping[str, Any]) -> list[Question]:
    """The questions to which a submitted page brings answers."""
    names = {name for name in data if name.startswith(PREFIX)}
    facts = (f for f in policy.fields if PREFIX + f.replace(".", "-") in names)
    return by_name(policy, events, facts)


def _question(policy: PolicySet, events: Iterable[str], ask: Ask) -> Question | None:
    if ask.kind not in ("field", "judged"):
        return None
    fact = ask.name if ask.kind == "field" or ask.name.startswith("judged.") else f"judged.{ask.name}"
    declared = policy.fields.get(fact)
    if declared is None or fact in _NEVER or fact.startswith(_OURS):
        return None
    judge = policy.labels.get(f"role.{ask.role}", "") if ask.kind == "judged" else ""
    return Question(fact, declared.label, declared.type, constants(policy, events, fact), judge)


def constants(policy: PolicySet, events: Iterable[str], fact: str) -> tuple[str, ...]:
    """The words with which the rules of these occasions compare a fact: what can be chosen."""
    wanted = set(events)
    out: dict[str, None] = {}
    for rule in policy.rules:
        if not wanted.intersection(rule.on):
            continue
        for condition in (rule.when, rule.need):
            for node in condition.walk() if condition is not None else ():
                operands = [a for a in node.args if isinstance(a, Operand)]
                if any(o.kind == "field" and o.value == fact for o in operands):
                    for operand in operands:
                        out |= dict.fromkeys(_words(policy, operand))
    return tuple(out)


def _words(policy: PolicySet, operand: Operand) -> list[str]:
    value: Any = None
    if operand.kind == "literal":
        value = operand.value
    elif operand.kind == "param" and operand.value in policy.param_ids():
        held = policy.param(operand.value)
        value = held.value if held.stated else None
    if isinstance(value, str):
        return [value]
    return (
        [x for x in value if isinstance(x, str)] if isinstance(value, (list, tuple, set, frozenset)) else []
    )


def field_of(question: Question) -> forms.Field:
    """The input for a question."""
    label: Any = question.label
    more: dict[str, Any] = {"label": label, "required": False}
    if question.judge:
        more["help_text"] = _("由%s判断, 这里如实填写判断的结果") % question.judge
    if question.type == "bool":
        return forms.TypedChoiceField(
            choices=[("", gettext_lazy("请选择")), ("1", gettext_lazy("是")), ("0", gettext_lazy("否"))],
            coerce=lambda raw: raw == "1",
            empty_value=None,
            **more,
        )
    if question.type == "date":
        from .forms import day_field

        return day_field(label, more.get("help_text", ""))
    if question.type == "int":
        return forms.IntegerField(min_value=0, max_value=1_000_000, **more)
    if question.type == "number":
        return forms.FloatField(**more)
    if question.type == "set":
        choices = [(word, word) for word in question.choices]
        if choices:
            return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **more)
        return forms.CharField(max_length=200, **more)
    if question.choices:
        words = [*question.choices, *([] if OTHER in question.choices else [OTHER])]
        return forms.ChoiceField(choices=[("", gettext_lazy("请选择")), *((w, w) for w in words)], **more)
    return forms.CharField(max_length=100, **more)


def clean(question: Question, value: Any) -> Any:
    """An answer as the case keeps it; None where there is none."""
    if value in (None, "", []):
        return None
    if isinstance(value, date):
        return value.isoformat()
    if question.type == "set" and isinstance(value, str):
        return [w.strip() for w in value.replace("，", "、").split("、") if w.strip()]
    return value


def rows(policy: PolicySet, answers: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the school stated, in words, for those who decide."""
    labels = policy.labels
    return [
        {"label": _("%s(学校填报)") % labels.get(fact, fact), "value": speak(value)}
        for fact, value in answers.items()
    ]


def checks(policy: PolicySet, business: str, more: Iterable[str], on: date, trace: Trace) -> Iterable[Check]:
    """What the rules of further occasions say, and what rules of the end will ask: better told now than at the end."""
    from .spec import Check

    for event in more:
        for finding in policy.evaluate(event, trace.facts, on).findings:
            verdict = "block" if finding.verdict in ("need_docs", "route") else finding.verdict
            if not finding.stops and verdict in ("block", "ask"):
                verdict = "warn"
            docs = finding.verdict == "need_docs"
            yield Check(
                finding.rule,
                verdict,
                finding.sentence,
                "；".join(caveat_words(code) for code in finding.caveats if code != "source_cut"),
                ("#materials" if docs else "#form") if verdict in ("block", "ask") else "",
                (_("去上传") if docs else _("去填写")) if verdict in ("block", "ask") else "",
            )
    events = events_of(business, more)
    for finding in policy.evaluate(f"{business}.effect", trace.facts, on).findings:
        if finding.verdict == "ask" and finding.stops:
            asked = [
                q
                for ask in finding.asks
                if not _ours(trace, ask) and (q := _question(policy, events, ask)) is not None
            ]
            if asked:
                words = "、".join(f"“{q.label}”" for q in asked)
                yield Check(
                    finding.rule,
                    "ask",
                    _("%(rule)s。请先填写%(what)s") % {"rule": finding.sentence, "what": words},
                    action_url=f"#id_{asked[0].name}",
                    action_label=_("去填写"),
                )
