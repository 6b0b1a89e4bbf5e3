"""What a proposed version of rules would mean for the cases under way: asked again with the facts that they keep.

Reads only. The facts are those of the last check of each case; both versions answer as of the day on which the new
one is to begin, so that nothing but the version differs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Count

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy import places
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Finding, Trace
from xueji.ground.policy.library import PolicyLibrary

from .kinds import label_of
from .models import OPEN, Case

MOST_ASKED = 2000
MOST_SHOWN = 50


@dataclass(frozen=True)
class Change:
    """A rule that answers differently: sentence before and after, empty where it did not speak."""

    rule: str
    before: str
    after: str


@dataclass(frozen=True)
class Affected:
    """A case that would be judged differently. Names nobody: number, kind and unit only."""

    number: str
    case_id: Any
    kind: str
    unit: str
    before: bool
    """Whether it may go on by the rules in force."""
    after: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Preview:
    """How many open cases there are, how many were asked, how many answer differently, and the first of those."""

    open: int
    asked: int
    differ: int
    stopped: int
    """Of those that differ: could go on before, cannot any more."""
    freed: int
    rows: list[Affected] = field(default_factory=list)


def preview(unit: Org, before: PolicyLibrary, after: PolicyLibrary, on: date) -> Preview:
    """Ask the open cases of a unit and all below it, by the packs in force and by those proposed.

    At most 2000 cases, those submitted last. Three queries. Must run in a transaction; reads in the writing role
    because a unit may be far above the schools of the cases, and gives no name away.
    """
    with acting("writer"):
        units = Org.objects.filter(path__startswith=unit.path).values("id")
        found = Case.objects.filter(status__in=OPEN, org_id__in=units, number__isnull=False)
        total = found.aggregate(n=Count("pk"))["n"]
        rows = list(
            found.order_by("-submitted_at", "pk").only(
                "case_id", "number", "business", "org_id", "facts", "overrides"
            )[:MOST_ASKED]
        )
        orgs = {o.pk: o for o in Org.objects.filter(pk__in={row.org_id for row in rows})}
    sets: dict[int, tuple[PolicySet, PolicySet]] = {}
    out: list[Affected] = []
    asked = differ = stopped = freed = 0
    for row in rows:
        facts = {k: v for k, v in row.facts.items() if k != "today"}
        if not facts:
            continue
        org = orgs[row.org_id]
        if row.org_id not in sets:
            sets[row.org_id] = _resolve(org, before, on), _resolve(org, after, on)
        reasons = {
            rule: stated["reason"] for rule, stated in row.overrides.items()
        }  # exceptions go on holding
        old, new = (one.evaluate(f"{row.business}.apply", facts, on, reasons) for one in sets[row.org_id])
        asked += 1
        changes = _changes(old, new)
        if not changes:
            continue
        differ += 1
        stopped += old.may_proceed and not new.may_proceed
        freed += new.may_proceed and not old.may_proceed
        if len(out) < MOST_SHOWN:
            out.append(
                Affected(
                    row.number or "",
                    row.pk,
                    label_of(row.business),
                    org.name,
                    old.may_proceed,
                    new.may_proceed,
                    changes,
                )
            )
    return Preview(total, asked, differ, stopped, freed, out)


def _resolve(org: Org, packs: PolicyLibrary, on: date) -> PolicySet:
    return packs.resolve(places.line_for(org, packs), on)


def _changes(old: Trace, new: Trace) -> tuple[Change, ...]:
    """Rules whose verdict is not the same; a rule that falls silent or passes is no news unless it stopped before."""
    a, b = ({f.rule: f for f in trace.findings} for trace in (old, new))
    out = []
    for rule in dict.fromkeys([*b, *a]):
        one, two = a.get(rule), b.get(rule)
        if _heard(one) != _heard(two):
            out.append(Change(rule, one.sentence if one else "", two.sentence if two else ""))
    return tuple(out)


def _heard(finding: Finding | None) -> str:
    return "pass" if finding is None else finding.verdict
