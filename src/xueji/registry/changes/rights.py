"""What a person may do with a case as it stands, and why not where he might expect to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xueji.ground.accounts import queries as accounts
from xueji.ground.orgs.models import Org

from .models import Case, CaseStatus, CaseStep, StepMode


@dataclass(frozen=True)
class Rights:
    """`actions` open to the actor; `step` is the one he decides, `asked` the question he answers, `below` the steps
    of units below his own that hold the case. `away`: the colleague whose part he takes.
    """

    actions: frozenset[str] = frozenset()
    hint: str = ""
    step: CaseStep | None = None
    asked: CaseStep | None = None
    below: list[CaseStep] = field(default_factory=list)
    away: str = ""


def of(
    actor: Any,
    case: Case,
    steps: list[CaseStep],
    orgs: Mapping[int, Org],
    handed: Mapping[str, str] | None = None,
) -> Rights:
    """The rights on one case; at most one query, for what colleagues have `handed` over (role -> who is away)."""
    out = _starter(actor, case, steps)
    if case.number and not actor.is_portal:
        out.add("print")
    if actor.is_portal or not actor.can("case.decide"):
        return Rights(frozenset(out))
    from .commands.decide import clash_of, clash_words, following, last_own

    hint = ""
    step = asked = None
    away = ""
    parts = _parts(actor, steps, handed)
    mine = [
        s
        for s in steps
        if s.state in ("current", "informed") and s.org_id == actor.org_id and s.role in parts
    ]
    for s in sorted(mine, key=lambda s: (parts[s.role] != "", s.seq)):
        if s.mode == StepMode.FILE and case.status in (
            CaseStatus.RUNNING,
            CaseStatus.APPROVED,
            CaseStatus.DONE,
        ):
            out.add("acknowledge")
        elif case.status != CaseStatus.RUNNING:
            continue
        elif s.mode == StepMode.ADVISE:
            out.add("advise")
            asked = s
        elif step is None:
            clash = clash_of(actor, case, s, steps)
            if clash is None:
                step, away, hint = s, parts[s.role], ""
                out |= {"decide", "ask"}
            else:
                hint = clash_words(clash)
    own = last_own(actor, steps) if case.status in (CaseStatus.RUNNING, CaseStatus.RETURNED) else None
    mending = case.status == CaseStatus.RETURNED and (
        own is None or own.state != "returned" or case.version != case.summary.get("repair_version")
    )
    if (
        own is not None
        and not mending
        and not any(s.decision or s.asked_by is not None for s in following(own, steps))
    ):
        out.add("take_back")
    below: list[CaseStep] = []
    if orgs and actor.can("case.intervene") and case.status == CaseStatus.RUNNING and actor.org_path:
        below = [
            s
            for s in steps
            if s.state == "current"
            and s.mode == StepMode.APPROVE
            and s.org_id != actor.org_id
            and orgs[s.org_id].path.startswith(actor.org_path)
        ]
        if below:
            out.add("intervene")
    return Rights(frozenset(out), hint, step, asked, below, away)


def _starter(actor: Any, case: Case, steps: list[CaseStep]) -> set[str]:
    """What the school that started a case may do with it."""
    out: set[str] = set()
    if not (actor.can("case.start") and case.org_id == actor.org_id):
        return out
    if case.status in (CaseStatus.DRAFT, CaseStatus.RETURNED):
        out |= {"edit", "send"}
    if case.status == CaseStatus.DRAFT:
        out.add("delete")
    handled = any(s.seq > 1 and s.decision for s in steps) or (case.current_seq or 2) > 2
    if case.status in (CaseStatus.RUNNING, CaseStatus.WAITING) and not handled:
        out.add("withdraw")
    if case.status in (CaseStatus.RUNNING, CaseStatus.RETURNED, CaseStatus.WAITING):
        out.add("cancel")
    if case.status == CaseStatus.RUNNING and any(
        s.state == "current" and s.org_id != case.org_id for s in steps
    ):
        out.add("urge")
    return out


def handed_to(actor: Any) -> dict[str, str]:
    """Roles that colleagues who are away have handed to the actor, each with the colleague's name; one query."""
    return {p.role: p.holder for p in accounts.handed_parts(actor) if p.role != actor.role}


def _parts(actor: Any, steps: list[CaseStep], handed: Mapping[str, str] | None) -> dict[str, str]:
    """Roles that the actor takes, each with the colleague who is away (his own: empty)."""
    here = any(s.state in ("current", "informed") and s.org_id == actor.org_id for s in steps)
    if handed is None:
        handed = handed_to(actor) if here else {}
    return {str(actor.role): "", **handed}


__all__ = ["Rights", "handed_to", "of"]
