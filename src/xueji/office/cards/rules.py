"""Who has to seal a batch of cards, by the rules of the place (event `card.issue`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.models import Org, OrgKind
from xueji.ground.policy.places import policy_for

from .models import Kind

#: What an authority that is no school is called by the packs.
_COUNTY, _SCHOOL = "县级教育行政部门", "学校"


def stop(school: Org, stage: str, *, by_school: bool, fee: Decimal | None = None) -> str:
    """Why cards of a stage cannot be put in force by the school (or by the county), with the article; empty: they can.

    `fee`: what is asked for a 学生卡, which the rules advise to be free; here their advice stops as well.
    """
    facts: dict[str, Any] = {
        "student.stage": stage,
        "student.has_xueji": True,
        "case.actor": _SCHOOL if by_school else _COUNTY,
    }
    if fee is not None:
        facts["card.fee"] = float(fee)
    stops = ("block",) if fee is None else ("block", "warn")
    trace = policy_for(school, today()).evaluate("card.issue", facts, today())
    found = [f.sentence for f in trace.findings if f.verdict in stops]
    return found[0] if found else ""


def sealer_of(kind: str, county: Org) -> int:
    """The authority that seals: the city for 学籍证 (where there is one), else the county."""
    if kind == Kind.RECORD and county.parent_id is not None:
        above = (
            Org.objects.filter(pk=county.parent_id, kind=OrgKind.CITY).values_list("pk", flat=True).first()
        )
        return int(above) if above is not None else county.pk
    return county.pk
