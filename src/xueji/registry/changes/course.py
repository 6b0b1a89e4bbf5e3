"""The course of a case as people see it: who holds it until when, and the steps with what goes side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.queries import officers
from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org
from xueji.ground.policy.calendar import workdays_between

from .models import Case, CaseStatus, CaseStep, StepMode
from .showing import stamp

_STATES = {"future": "waiting", "refused": "rejected", "informed": "waiting"}


@dataclass(frozen=True)
class Holder:
    """Who has the case now, and until when. `step` says for what where several hold it at once."""

    org: str
    role: str
    person: str
    phone: str
    due_on: date | None
    left_days: int | None
    over_days: int
    used_days: int
    limit_days: int | None
    since: str = ""
    step: str = ""
    system_limit: bool = False


def holders(
    case: Case, steps: Iterable[CaseStep], orgs: Mapping[int, Org], today: date, *, staff: bool
) -> list[Holder]:
    """Everybody whom the case waits for, deciders first; at most one query."""
    running = [s for s in steps if s.state == "current"]
    wanted: list[tuple[int, str, CaseStep | None]] = [(s.org_id, s.role, s) for s in running]
    if case.status == CaseStatus.RETURNED:
        back = next((s for s in steps if s.state == "returned"), None)
        wanted = [(case.org_id, Role.REGISTRAR.value, back)]
    elif case.status != CaseStatus.RUNNING:
        return []
    wanted.sort(key=lambda w: (w[2] is not None and w[2].mode != StepMode.APPROVE, w[2].seq if w[2] else 0))
    people = officers((org, role) for org, role, _s in wanted) if staff and wanted else {}
    out = []
    for org_id, role, step in wanted:
        org = orgs[org_id]
        person, phone = people.get((org_id, role), ("", ""))
        mending = case.status == CaseStatus.RETURNED
        due = case.repair_due if mending else step.due_on if step else None
        since = (step.decided_at if mending else step.arrived_at) if step else None
        used = _used(since, today, 0 if mending or step is None else step.paused_days)
        out.append(
            Holder(
                org=org.name,
                role=org.contact or str(Role(role).label),
                person=person,
                phone=phone or org.phone,
                due_on=due,
                left_days=workdays_between(today, due) if due and due >= today else None,
                over_days=max(workdays_between(due, today), 1) if due and due < today else 0,
                used_days=used,
                limit_days=None if mending or step is None else step.limit_days,
                since=stamp(since),
                step=step.label if step else "",
                system_limit=bool(step and step.limit_default),
            )
        )
    return out


def _used(since: Any, until: date, paused: int) -> int:
    if since is None:
        return 0
    return max(workdays_between(timezone.localdate(since), until) - paused, 0)


def stepper(
    steps: Iterable[CaseStep], orgs: Mapping[int, Org], today: date, *, staff: bool
) -> list[dict[str, Any]]:
    """The steps for the stepper; branches of a fork are one item, questions stand under the step that asked."""
    whole = sorted(steps, key=lambda s: (s.turn, s.seq))
    asked: dict[int, list[CaseStep]] = {}
    for s in whole:
        if s.asked_by is not None:
            asked.setdefault(s.asked_by, []).append(s)
    out: list[dict[str, Any]] = []
    for _turn, found in groupby((s for s in whole if s.asked_by is None), key=lambda s: s.turn):
        group = list(found)
        if len({s.branch for s in group}) > 1:
            out.append(_fork(group, orgs, staff=staff))
            continue
        for s in group:
            row = _step(s, orgs, today, staff=staff)
            row["branches"] = [_branch(a, orgs, staff=staff) for a in asked.get(s.seq, ())]
            out.append(row)
    return out


def _fork(group: list[CaseStep], orgs: Mapping[int, Org], *, staff: bool) -> dict[str, Any]:
    states = {s.state for s in group}
    done = states <= {"done", "informed"}
    state = next((w for w in ("refused", "returned", "current") if w in states), "")
    return {
        "name": _("同时办理"),
        "org": _("%s 个单位") % len({s.org_id for s in group}),
        "state": "done" if done else _STATES.get(state, state) if state else "waiting",
        "branches": [_branch(s, orgs, staff=staff) for s in group],
        "phone": "",
    }


def _branch(s: CaseStep, orgs: Mapping[int, Org], *, staff: bool) -> dict[str, str]:
    words = {
        "done": _("已办"),
        "current": _("办理中"),
        "informed": _("已告知"),
        "returned": _("已退回"),
        "refused": _("未通过"),
    }
    parts = [s.label, words.get(s.state, _("未到"))]
    if s.question and staff:
        parts.append(s.question)
    if s.decided_at:
        parts.append(stamp(s.decided_at))
    if s.opinion and (staff or s.state in ("refused", "returned")):
        parts.append(f"“{s.opinion}”")
    elif s.due_on and s.state == "current":
        parts.append(_("%s 前") % s.due_on)
    if staff and s.decider_name:
        parts.append(signer(s))
    return {"org": orgs[s.org_id].name, "holder": " · ".join(parts), "state": s.state}


def signer(s: CaseStep) -> str:
    """Who decided, and for whom."""
    if not s.acted_for:
        return s.decider_name
    return _("%(who)s(代 %(away)s 办理)") % {"who": s.decider_name, "away": s.acted_for}


def _step(s: CaseStep, orgs: Mapping[int, Org], today: date, *, staff: bool) -> dict[str, Any]:
    end = timezone.localdate(s.decided_at) if s.decided_at and s.state != "current" else today
    future = s.state == "future"
    if s.mode == StepMode.FILE:
        role = _("备案, 不影响办理") if not s.decided_at else str(Role(s.role).label)
    elif future and s.limit_days:
        role = (_("限 %s 个工作日(本系统默认)") if s.limit_default else _("限 %s 个工作日")) % s.limit_days
    else:
        role = str(Role(s.role).label) if staff else ""
    opinion = s.opinion if staff or s.state in ("refused", "returned") else ""
    if s.forced and not staff:
        opinion = _("由上级主管部门办理")
    return {
        "name": s.label,
        "org": orgs[s.org_id].name,
        "role": role,
        "holder": signer(s) if staff else "",
        "state": _STATES.get(s.state, s.state),
        "arrived": stamp(s.arrived_at),
        "decided": stamp(s.decided_at),
        "used_days": _used(s.arrived_at, end, s.paused_days if s.state == "done" else 0),
        "limit_days": None if future or s.mode == StepMode.FILE else s.limit_days,
        "opinion": opinion,
        "phone": orgs[s.org_id].phone,
        "due": s.due_on.isoformat() if s.due_on else "",
    }


def askable(actor: Any, *, limit: int = 300) -> list[tuple[int, str]]:
    """Units above and below the actor's own, to ask for an opinion or to hand a step to; one query."""
    if not actor.org_path:
        return []
    above = [int(p) for p in actor.org_path.strip("/").split("/") if p.isdigit()]
    rows = Org.objects.filter(Q(pk__in=above) | Q(path__startswith=actor.org_path)).exclude(pk=actor.org_id)
    return list(rows.filter(valid_to=None).order_by("path").values_list("pk", "name")[:limit])
