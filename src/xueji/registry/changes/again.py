"""Asking the rules again about a decided case: the facts that it keeps and the packs of that day give the same answer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import Http404

from xueji.ground.policy import versions
from xueji.ground.policy.engine import PolicySet

from .models import Case

_KEPT = ("verdict", "sentence", "values", "overridden")


@dataclass(frozen=True)
class Again:
    """`known`: the packs of that time are at hand. `same`: every rule answers as it did then."""

    known: bool
    same: bool = False
    asked_on: date | None = None
    differences: list[dict[str, str]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)


def reevaluate(actor: Any, case_id: uuid.UUID) -> Again:
    """Run the rules again over a case's stored facts, with the packs whose hash it keeps and for the same day.

    Raises Http404 to strangers and for drafts.
    """
    case = Case.objects.filter(pk=case_id).first()
    if case is None or case.evaluated_on is None or actor.is_portal:
        raise Http404
    reasons = {rule: stated["reason"] for rule, stated in case.overrides.items()}
    effect = f"{case.business}.effect"
    found: list[dict[str, Any]] = []
    rounds: list[tuple[str, str, date, Mapping[str, Any]]] = [
        (event, case.packs, case.evaluated_on, case.facts)
        for event in sorted({f["event"] for f in case.findings if f.get("rule")} - {effect})
    ]
    if case.effect:
        asked = date.fromisoformat(case.effect["on"])
        rounds.append((effect, case.effect["packs"], asked, case.effect["facts"]))
    try:
        for event, packs, on, facts in rounds:
            trace = _packs(packs, on).evaluate(event, facts, on, reasons)
            found += [f.to_dict() for f in trace.findings]
    except versions.UnknownHash:
        return Again(known=False, asked_on=case.evaluated_on)
    differences = _differences(case.findings, found)
    return Again(True, not differences, case.evaluated_on, differences, found)


def _packs(policy_hash: str, on: date) -> PolicySet:
    return versions.at(policy_hash, on)


def _differences(stored: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[dict[str, str]]:
    before = {(f["rule"], f["event"]): f for f in stored if f.get("rule")}
    after = {(f["rule"], f["event"]): f for f in found}
    return [
        {
            "rule": key[0],
            "before": before[key]["sentence"] if key in before else "",
            "after": after[key]["sentence"] if key in after else "",
        }
        for key in dict.fromkeys([*before, *after])
        if [before.get(key, {}).get(k) for k in _KEPT] != [after.get(key, {}).get(k) for k in _KEPT]
    ]
