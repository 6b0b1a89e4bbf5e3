"""After a transfer: the hand-over of the paper file between the schools, and the child's place in the class.

Kept in the case's summary under `handover`; both schools and their authorities read it on the case's page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import OrgKind, School
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.values import Duration
from xueji.ground.waiting import Ask, Heap, day

from .models import Case, CaseStatus, CaseStep, StepMode

BUSINESS = "transfer"
#: A month, where no text of the place says when the paper file is to be sent.
_DEFAULT = Duration(months=1)
#: Cases whose number the actor's unit (a county) is to strike in its register: the card went, nobody has struck it yet.
#: In the words of the index `case_to_strike`.
TO_STRIKE = (
    "c.business = 'transfer' and c.status = 'done' and c.summary -> 'handover' @> '{\"card\": true}'"
    " and not c.summary -> 'handover' ? 'struck_on'"
    " and c.from_school_id in (select k.org_id from school k where k.county_id = %(org)s)"
)


@dataclass(frozen=True)
class Handover:
    """Where the paper file is: what was confirmed by whom, until when it is due, and what the reader may confirm."""

    due: date
    handed_on: str
    handed_by: str
    how: str
    card: bool
    received_on: str
    received_by: str
    over_days: int
    struck_on: str
    struck_by: str
    struck_at: str
    deed: str

    @property
    def complete(self) -> bool:
        """Both sides have confirmed."""
        return bool(self.received_on)


@dataclass(frozen=True)
class Placement:
    """The class into which a decided transfer puts the child: from which day, and until when that had to be."""

    to_class: str
    day: date
    due: date | None
    late_days: int
    done: bool


def _within(policy: PolicySet, param: str) -> Duration | None:
    held = policy.param(param) if param in policy.param_ids() else None
    return held.value if held is not None and held.stated and isinstance(held.value, Duration) else None


def handover(actor: Any, case: Case, policy: PolicySet) -> Handover | None:
    """The hand-over of a transfer that has taken effect; None for every other case (C-TRF-10)."""
    if case.business != BUSINESS or case.status != CaseStatus.DONE or case.effective_on is None:
        return None
    held: dict[str, Any] = case.summary.get("handover", {})
    due = (_within(policy, "transfer.paper_file_within") or _DEFAULT).after(case.effective_on)
    ended = date.fromisoformat(held["received_on"]) if held.get("received_on") else timezone.localdate()
    return Handover(
        due=due,
        handed_on=held.get("handed_on", ""),
        handed_by=held.get("handed_by", ""),
        how=held.get("how", ""),
        card=bool(held.get("card")),
        received_on=held.get("received_on", ""),
        received_by=held.get("received_by", ""),
        over_days=max((ended - due).days, 0),
        struck_on=held.get("struck_on", ""),
        struck_by=held.get("struck_by", ""),
        struck_at=held.get("struck_at", ""),
        deed=next_deed(actor, case),
    )


def next_deed(actor: Any, case: Case) -> str:
    """What the actor's unit is to confirm now: `handed`, `received`, `struck` (the authority of the former school, once
    the card went with the child), or nothing.
    """
    held = case.summary.get("handover", {})
    if actor.is_portal:
        return ""
    if (
        held.get("card")
        and not held.get("struck_on")
        and actor.can("case.decide")
        and keeps_register(actor, case)
    ):
        return "struck"
    if not actor.can("case.start"):
        return ""
    if actor.org_id == case.from_school_id and not held:
        return "handed"
    if actor.org_id == case.to_school_id and held and not held.get("received_on"):
        return "received"
    return ""


def keeps_register(actor: Any, case: Case) -> bool:
    """Whether the actor's unit is the authority whose register the former school stands in."""
    if actor.org_kind != OrgKind.COUNTY:
        return False
    return School.objects.filter(pk=case.from_school_id, county_id=actor.org_id).exists()


def strikes(actor: Any) -> bool:
    """Whether the actor's unit keeps a register and the actor may strike a number in it."""
    return actor.org_kind == OrgKind.COUNTY and bool(actor.can("case.decide"))


def waiting(actor: Any) -> Ask[Heap] | None:
    """Numbers that the actor's unit is to strike, since the card went with the child (C-TRF-17)."""
    if not strikes(actor):
        return None
    return Ask(
        "select count(*) as n, min(c.summary -> 'handover' ->> 'handed_on') as since from case_ c"
        f" where {TO_STRIKE}",
        {"org": actor.org_id},
        lambda rows: Heap(
            _("转出学生的原学籍号待注销"), rows[0]["n"], "/cases/?tab=strike", _("%s 名") % rows[0]["n"], _("登记册注销"),
            since=day(rows[0]["since"]),
        ),
    )  # fmt: skip


def placement(case: Case, steps: Iterable[CaseStep], policy: PolicySet) -> Placement | None:
    """When the child of a decided transfer is in its class, against the days that the place gives (C-TRF-12)."""
    decided = [s.decided_at for s in steps if s.mode == StepMode.APPROVE and s.decided_at]
    if case.business != BUSINESS or case.status not in (CaseStatus.APPROVED, CaseStatus.DONE) or not decided:
        return None
    day, within = case.effective_on, _within(policy, "transfer.seat_within")
    if day is None:
        return None
    due = within.after(timezone.localdate(max(decided))) if within else None
    return Placement(
        to_class=case.summary.get("to_class", ""),
        day=day,
        due=due,
        late_days=max((day - due).days, 0) if due else 0,
        done=case.status == CaseStatus.DONE,
    )
