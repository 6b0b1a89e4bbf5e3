"""The page of one transfer, the same for all who take part: who holds it, on which side, for how many days."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org
from xueji.ground.policy.calendar import workdays_between

from .commands.deciding import may_withdraw
from .models import LIVE, Outgoing, RelayCase, RelayLog, RelayStep, Side, State

_STEP_STATES = {"future": "waiting", "refused": "rejected"}
#: Tone and icon of each state; the word stands beside them.
_FACES: dict[str, tuple[str, str]] = {
    State.ASKING: ("blue", "loader-2"),
    State.DRAFT: ("grey", "pencil"),
    State.RUNNING: ("blue", "clock"),
    State.RETURNED: ("amber", "arrow-back-up"),
    State.AWAY: ("blue", "arrow-right"),
    State.MOVING: ("blue", "package"),
    State.DONE: ("green", "check"),
    State.UNKNOWN: ("red", "x"),
    State.REFUSED: ("red", "x"),
    State.WITHDRAWN: ("grey", "ban"),
    State.CANCELLED: ("grey", "ban"),
    State.FAILED: ("red", "x"),
}
ACTIONS: dict[str, Any] = {
    "ask": gettext_lazy("向对方系统查询"),
    "found": gettext_lazy("查到学生"),
    "unknown": gettext_lazy("没有查到"),
    "submit": gettext_lazy("提交"),
    "resubmit": gettext_lazy("重新提交"),
    "pass": gettext_lazy("核办通过"),
    "return": gettext_lazy("退回修改"),
    "refuse": gettext_lazy("核办不通过"),
    "request": gettext_lazy("转到对方办理"),
    "withdraw": gettext_lazy("撤回"),
    "cancel": gettext_lazy("撤销"),
    "urge": gettext_lazy("催办"),
    "prepare": gettext_lazy("移交学籍档案"),
    "ready": gettext_lazy("收到学籍档案"),
    "close": gettext_lazy("转出"),
    "done": gettext_lazy("办结"),
    "fail": gettext_lazy("未能移交"),
}


@dataclass(frozen=True)
class Holder:
    """Who holds the transfer."""

    org: str
    role: str
    phone: str
    here: bool
    due_on: date | None
    left_days: int | None
    over_days: int
    used_days: int
    limit_days: int | None


@dataclass(frozen=True)
class Page:
    """Everything on the page. `rights` are the deeds open to the actor."""

    case: RelayCase
    title: str
    face: tuple[str, str]
    word: str
    steps: list[dict[str, Any]]
    holder: Holder | None
    facts: list[dict[str, Any]]
    wanted: list[dict[str, Any]]
    checks: list[dict[str, Any]]
    papers: list[dict[str, Any]]
    log: list[dict[str, Any]]
    unsent: int
    rights: frozenset[str]
    urged: bool = False
    reasons: list[str] = field(default_factory=list)


def face_of(state: str) -> tuple[str, str]:
    """Tone and icon of a state."""
    return _FACES.get(state, ("grey", "clock"))


def load(actor: Any, case_id: uuid.UUID) -> Page:
    """The page as this actor may see it; six queries. Raises Http404."""
    case = RelayCase.objects.select_related("peer").filter(pk=case_id).exclude(state=State.ASKED).first()
    if case is None:
        raise Http404
    today = timezone.localdate()
    steps = list(RelayStep.objects.filter(case=case))
    # The receiving side's steps come first, wherever the page is shown.
    steps.sort(key=lambda s: (s.own != (case.side == Side.IN), s.seq))
    orgs = {o.pk: o for o in Org.objects.filter(pk__in={s.org_id for s in steps if s.org_id} | {case.org_id})}
    # What was said this minute is on its way: only what was tried in vain is worth a line.
    unsent = Outgoing.objects.filter(conversation=case_id).exclude(state="sent").exclude(problem="").count()
    rights = _rights(actor, case)
    log = list(RelayLog.objects.filter(case=case).order_by("-id")[:100])
    return Page(
        case=case,
        title=_("%(name)s 跨省转学") % {"name": case.student_name},
        face=face_of(case.state),
        word=str(State(case.state).label),
        steps=[_step(s, today, orgs) for s in steps],
        holder=_holder(case, steps, orgs, today),
        facts=_facts(case),
        wanted=_wanted(case, orgs),
        checks=_checks(case),
        papers=_papers(case),
        log=_log(log, orgs),
        unsent=unsent,
        rights=rights,
        urged=any(e.action == "urge" and timezone.localtime(e.at).date() == today for e in log),
        reasons=_reasons(case) if "decide" in rights else [],
    )


def _rights(actor: Any, case: RelayCase) -> frozenset[str]:
    out: set[str] = set()
    mine = case.side == Side.IN and case.org_id == actor.org_id and actor.can("case.start")
    if mine and case.state == State.RETURNED:
        out.add("edit")
    if mine and case.state in (State.ASKING, State.DRAFT, State.UNKNOWN):
        out.add("discard")
    if mine and case.state in (State.RUNNING, State.RETURNED, State.AWAY):
        out.add("withdraw" if may_withdraw(case) else "cancel")
    if (
        actor.can("case.decide")
        and case.state == State.RUNNING
        and (case.holder_id, case.holder_role) == (actor.org_id, actor.role)
    ):
        out.add("decide")
    if mine and case.state == State.AWAY:
        out.add("urge")
    if actor.can("relay.view") and case.number and case.state != State.DRAFT:
        out.add("print")
    return frozenset(out)


def _stamp(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""


def _used(s: RelayStep, today: date) -> int:
    if s.arrived_at is None:
        return 0
    last = timezone.localtime(s.decided_at).date() if s.decided_at and s.state != "current" else today
    return max(workdays_between(timezone.localtime(s.arrived_at).date(), last), 0)


def _step(s: RelayStep, today: date, orgs: dict[int, Org]) -> dict[str, Any]:
    future = s.state == "future"
    org = orgs.get(s.org_id or 0)
    return {
        "name": s.label,
        "org": s.org_name,
        "role": str(Role(s.role).label) if s.role else "",
        "holder": s.decider_name,
        "state": _STEP_STATES.get(s.state, s.state),
        "arrived": _stamp(s.arrived_at),
        "decided": _stamp(s.decided_at),
        "used_days": _used(s, today),
        "limit_days": None if future else s.limit_days,
        "opinion": s.opinion,
        "phone": org.phone if org else "",
        "due": s.due_on.isoformat() if s.due_on else "",
    }


def _holder(case: RelayCase, steps: list[RelayStep], orgs: dict[int, Org], today: date) -> Holder | None:
    if case.state not in LIVE:
        return None
    if case.state == State.MOVING:
        here = case.phase == "ready"
        name = _("两个系统之间移交学籍档案, 不用人办理")
        return Holder(name, "", "", here, None, None, 0, 0, None)
    if case.state == State.RETURNED:
        if case.side == Side.OUT:
            name = case.other_school
            return Holder(name, str(Role.REGISTRAR.label), "", False, None, None, 0, 0, None)
        org = orgs[case.org_id]
        return Holder(org.name, str(Role.REGISTRAR.label), org.phone, True, None, None, 0, 0, None)
    here = case.state == State.RUNNING
    step = next((s for s in steps if s.own == here and s.state == "current"), None)
    if step is None:
        return Holder(case.peer.name, "", "", False, None, None, 0, 0, None)
    due = step.due_on
    found = orgs.get(step.org_id or 0)
    return Holder(
        org=step.org_name,
        role=str(Role(step.role).label) if step.role else step.label,
        phone=found.phone if found else "",
        here=here,
        due_on=due,
        left_days=workdays_between(today, due) if due and due >= today else None,
        over_days=max(workdays_between(due, today), 1) if due and due < today else 0,
        used_days=_used(step, today),
        limit_days=step.limit_days,
    )


def _facts(case: RelayCase) -> list[dict[str, Any]]:
    s = case.summary
    rows = (
        (_("姓名"), s.get("name") or case.student_name),
        (_("性别"), s.get("sex")),
        (_("出生日期"), s.get("birth_date")),
        (_("现在学校"), s.get("school")),
        (_("年级班级"), s.get("class") or s.get("grade")),
        (_("学籍状态"), s.get("status")),
    )
    return [{"label": label, "value": value} for label, value in rows if value]


def _wanted(case: RelayCase, orgs: dict[int, Org]) -> list[dict[str, Any]]:
    s = case.summary
    to = orgs[case.org_id].name if case.side == Side.IN else s.get("to_school") or case.other_school
    rows = (
        (_("转入学校"), to),
        (_("编入班级"), s.get("to_class")),
        (_("转入日期"), s.get("effective_on")),
        (_("原因"), s.get("reason")),
        (_("对方系统"), case.peer.name),
        (_("对方编号"), case.their_number),
    )
    return [{"label": label, "value": value} for label, value in rows if value]


def _checks(case: RelayCase) -> list[dict[str, Any]]:
    out = []
    for f in case.findings:
        verdict = str(f.get("verdict", "pass"))
        if verdict in ("need_docs", "route"):
            verdict = "block"
        if verdict in ("block", "ask") and (
            f.get("force") in ("may", "advisory") or (case.side == Side.OUT and f.get("verdict") != "block")
        ):
            verdict = "warn"
        out.append({"verdict": verdict, "sentence": f.get("sentence", "")})
    order = {"block": 0, "ask": 1, "warn": 2, "pass": 3}
    return sorted(out, key=lambda c: order.get(c["verdict"], 3))


def _papers(case: RelayCase) -> list[dict[str, Any]]:
    return [
        {
            "label": p["slot"],
            "name": p["name"],
            "url": f"/files/{p['file_id']}/" if p.get("file_id") else "",
            "thumb": f"/files/{p['file_id']}/thumb/"
            if p.get("file_id") and p["name"].endswith(".jpg")
            else "",
            "mark": p.get("sha256", "")[:16],
        }
        for p in case.papers
    ]


def _log(log: list[RelayLog], orgs: dict[int, Org]) -> list[dict[str, Any]]:
    return [
        {
            "at": _stamp(entry.at),
            "title": str(ACTIONS.get(entry.action, entry.action)),
            "text": entry.text,
            "org": orgs[entry.org_id].name if entry.org_id in orgs else "",
            "actor": entry.actor_name,
        }
        for entry in log
    ]


def _reasons(case: RelayCase) -> list[str]:
    """The texts that a refusal can rest on: what the rules said here, then the text on transfers."""
    from . import chains, rules

    cited = [str(f.get("sentence", "")).split(":")[0] for f in case.findings if f.get("verdict") != "pass"]
    units = chains.units_of(case.org_id)
    return list(
        dict.fromkeys(
            [
                *(c[:120] for c in cited if c),
                rules.article(chains.policy_for(units.school, timezone.localdate())),
            ]
        )
    )


def slots(case: RelayCase) -> list[dict[str, Any]]:
    """The papers that this place asks for, with what lies there."""
    from . import chains

    units = chains.units_of(case.org_id)
    have = {p["slot"]: p for p in case.papers}
    return [
        {
            "key": f"slot_{i}",
            "doc": s.doc,
            "label": s.label,
            "required": s.required,
            "done": s.doc in have,
            "file_name": have[s.doc]["name"] if s.doc in have else "",
            "url": f"/files/{have[s.doc]['file_id']}/" if s.doc in have else "",
        }
        for i, s in enumerate(
            chains.policy_for(units.school, timezone.localdate()).business(chains.BUSINESS).evidence
        )
    ]
