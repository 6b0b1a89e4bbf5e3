"""What a kind of case (业务) is made of. Each kind is one `Kind`; nothing else in this room knows kinds by name."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace, article_words
from xueji.ground.policy.statuses import Status

from ..material import Material
from ..models import Case
from ..routing import policy_for
from ..subject import Subject
from . import asking
from .forms import CaseForm

STUDYING = frozenset({Status.STUDYING})
OPEN = frozenset(s for s in Status if s.is_open)


@dataclass(frozen=True)
class Check:
    """One line of the panel. verdict: pass, warn, ask or block; the last two keep a case from being sent.

    `kept` is what the case keeps of it, where the sentence tells of another child and is for its reader alone.
    """

    code: str
    verdict: str
    sentence: str
    article: str = ""
    action_url: str = ""
    action_label: str = ""
    overridable: bool = False
    kept: str = ""

    @property
    def lasting(self) -> str:
        """What stays with the case, for all its parties and for paper."""
        return self.kept or self.sentence

    @property
    def stops(self) -> bool:
        """Whether the case cannot be sent."""
        return self.verdict in ("block", "ask")


def _no_facts(_m: Material) -> Mapping[str, Any]:
    return {}


def _no_checks(_policy: PolicySet, _m: Material, _trace: Trace) -> Iterable[Check]:
    return ()


def _no_events(_case: Case) -> Iterable[str]:
    return ()


def _nobody_beside(_person_id: uuid.UUID) -> Iterable[uuid.UUID]:
    return ()


def _nothing_suggested(_child: Subject, _today: date) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Kind:
    """One business: its words, its form, and the functions that know its facts, checks and effect.

    `task` is the plain question a registrar asks, `parent` the words for the family. `effect` runs in the
    transaction of the last decision, in the writing role; it returns the day from which the change holds. `facts`
    are added to those of every case, `wanted` is what deciders read, `days` are the date fields that must be filled
    in (name, label), the first of them the day of effect. `lookup`: begun with name and number by a school where the
    child is not yet. `stages`: letters of the stages that know this business; empty means all.

    `events` names further occasions of the packs besides applying (`resume.early`); what their rules say is shown with
    the checks. `newcomer` makes the subject of a child who has no record here yet. `quiet`: the family is told in
    few and gentle words, without dates and papers. `variant` names the chain among those of the business. `guest`: begun
    by the school that has the child as a guest (借读). `common`: offered first among what a school can begin. `beside`: other
    children whose records a decision may touch; they are locked together, in one order.
    """

    id: str
    label: Promise
    task: Promise
    hint: Promise
    parent: Promise
    icon: str
    group: str
    from_statuses: frozenset[Status]
    form: type[CaseForm]
    effect: Callable[[Any, Case, Material, PolicySet], date]
    facts: Callable[[Material], Mapping[str, Any]] = _no_facts
    checks: Callable[[PolicySet, Material, Trace], Iterable[Check]] = _no_checks
    wanted: Callable[[Material], Mapping[str, Any]] = _no_facts
    suggested: Callable[[Subject, date], dict[str, Any]] = _nothing_suggested
    days: tuple[tuple[str, Promise], ...] = ()
    lookup: bool = False
    despite_problem: bool = False
    stages: str = ""
    needs_reason: bool = True
    events: Callable[[Case], Iterable[str]] = _no_events
    newcomer: Callable[[Case, Subject | None], Subject] | None = None
    quiet: bool = False
    beside: Callable[[uuid.UUID], Iterable[uuid.UUID]] = _nobody_beside
    variant: Callable[[Material], str] | None = None
    guest: bool = False
    common: bool = False
    fields: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        # `answers`: what the rules of the place ask beside the form (`asking`).
        object.__setattr__(self, "fields", (*self.form.base_fields, "answers"))
        object.__setattr__(self, "wanted", _with_answers(self.wanted))
        object.__setattr__(self, "checks", _of_stage(self.checks))


def stage_why(policy: PolicySet, business: str, stage: str) -> str:
    """Why a business is not for a stage, with the article; empty when it is."""
    declared = policy.business(business)
    if not stage or stage in declared.levels:
        return ""
    words = {"P": _("小学"), "J": _("初中"), "S": _("高中")}
    return _("《%(title)s》%(article)s: %(kind)s只适用于%(stages)s, %(stage)s阶段不能办理") % {
        "title": declared.cite.source.title,
        "article": article_words(declared.cite.article),
        "kind": declared.label,
        "stages": "、".join(words[x] for x in "PJS" if x in declared.levels),
        "stage": words.get(stage, stage),
    }


def _of_stage(
    checks: Callable[[PolicySet, Material, Trace], Iterable[Check]],
) -> Callable[[PolicySet, Material, Trace], Iterable[Check]]:
    def run(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
        if why := stage_why(policy, m.case.business, m.subject.stage):
            yield Check("stage", "block", why)
        yield from checks(policy, m, trace)

    return run


def _with_answers(wanted: Callable[[Material], Mapping[str, Any]]) -> Callable[[Material], Mapping[str, Any]]:
    """Those who decide read what the school stated to the rules beside what the case asks for."""

    def run(m: Material) -> dict[str, Any]:
        found = dict(wanted(m))
        if answers := m.case.form.get("answers"):
            stated = asking.rows(policy_for(m.units.start, m.today), answers)
            found["rows"] = [*found.get("rows", []), *stated]
        return found

    return run
