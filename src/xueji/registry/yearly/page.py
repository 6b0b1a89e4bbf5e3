"""One graduation list as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org
from xueji.ground.policy.calendar import workdays_between
from xueji.ground.policy.statuses import Status
from xueji.registry.changes.routing import CLERK_ROLES

from . import facts, listing, queries, sealing
from .models import EDITABLE, GraduationList, GraduationLog, GraduationStep, ListKind, ListStatus

_STATES = {"future": "waiting", "refused": "rejected"}
ACTIONS = {
    "start": "编制名册", "check": "重新核对", "days": "修改日期", "facts": "登记事项", "result": "修改结论", "submit": "上报",
    "resubmit": "修改后重新上报", "pass": "同意", "return": "退回修改", "refuse": "不同意", "withdraw": "撤回", "cancel": "撤销",
    "approve": "批准, 到期生效", "apply": "办结生效", "destination": "登记去向",
    "seal": "验印",
}  # fmt: skip


@dataclass(frozen=True)
class ListPage:
    """Everything on the page but the children. `rights` are the actions open to the actor."""

    row: GraduationList
    title: str
    school: str
    face: str
    steps: list[dict[str, Any]]
    holder: dict[str, Any] | None
    log: list[dict[str, Any]]
    rights: frozenset[str]
    hint: str
    questions: tuple[facts.Question, ...]
    results: list[tuple[str, str]]


def load(actor: Any, row: GraduationList) -> ListPage:
    """The list's frame: steps, holder, log, what the actor may do. Five queries."""
    steps = list(GraduationStep.objects.filter(list=row).order_by("seq"))
    log = list(GraduationLog.objects.filter(list=row).order_by("-id")[:100])
    orgs = {
        o.pk: o
        for o in Org.objects.filter(
            pk__in={row.school_id, *(s.org_id for s in steps), *(x.org_id for x in log if x.org_id)}
        )
    }
    today = timezone.localdate()
    current = next((s for s in steps if s.state == "current"), None)
    rights, hint = _rights(actor, row, steps, current)
    if sealing.of_compulsory_stage(row) and sealing.took_effect(row):
        sealed = any(x.action == sealing.SEAL for x in log)
        rights |= _seal_rights(actor, row, sealed, "register" in rights)
    questions: tuple[facts.Question, ...] = ()
    if "edit" in rights and row.kind != ListKind.UNDO:
        questions = facts.questions(listing.ground(row.school_id, row.kind, today).policy)
    return ListPage(
        row=row,
        title=queries.title_of(row),
        school=orgs[row.school_id].name,
        face="rejected" if row.status == ListStatus.REFUSED else row.status,
        steps=[_step(s, orgs, today) for s in steps],
        holder=_holder(row, current, orgs, today),
        log=[
            {
                "at": timezone.localtime(x.at).strftime("%Y-%m-%d %H:%M"), "title": _(ACTIONS.get(x.action, x.action)),
                "text": x.text, "org": orgs[x.org_id].name if x.org_id in orgs else "", "actor": x.actor_name,
                "icon": "history",
            }
            for x in log
        ],
        rights=rights,
        hint=hint,
        questions=questions,
        results=_results(row),
    )  # fmt: skip


def _results(row: GraduationList) -> list[tuple[str, str]]:
    wanted = {ListKind.UNDO: (Status.STUDYING,), ListKind.EXCHANGE: (Status.GRADUATED,)}.get(
        ListKind(row.kind), facts.RESULTS
    )
    return [(str(int(s)), str(Status(s).label)) for s in wanted] + [("none", _("不列入"))]


def _seal_rights(actor: Any, row: GraduationList, sealed: bool, prints: bool) -> set[str]:
    """What the certificates of a finished list allow: printing their list, the county's confirmation of its seal."""
    out = {"completion"} if prints else set()
    if not sealed and actor.can("yearly.place") and row.county_id == actor.org_id:
        out.add("seal")
    return out


def _rights(
    actor: Any, row: GraduationList, steps: list[GraduationStep], current: GraduationStep | None
) -> tuple[frozenset[str], str]:
    out: set[str] = set()
    hint = ""
    own = row.school_id == actor.org_id
    if own and actor.can("case.start"):
        if row.status in EDITABLE:
            out |= {"edit", "cancel"}
        if row.status == ListStatus.RUNNING:
            out.add("cancel")
            if not any(s.decision for s in steps if s.seq > 1):
                out.add("withdraw")
        if row.status in (ListStatus.DONE, ListStatus.APPROVED) and row.kind != ListKind.UNDO:
            out |= {"undo", "destinations"}
        if row.status == ListStatus.DONE and row.kind in (ListKind.FINISH, ListKind.SUPPLEMENT):
            out.add("exchange")
    if own or actor.can("yearly.place"):
        out.add("register")
    if current is not None and (current.org_id, current.role) == (actor.org_id, actor.role):
        clerk = current.role in CLERK_ROLES
        mine = [
            s
            for s in steps
            if s.seq != current.seq
            and (s.decider_id == actor.user_id or (s.seq == 1 and row.creator_id == actor.user_id))
            and (s.org_id == current.org_id or (s.role in CLERK_ROLES) != clerk)
        ]
        if mine:
            hint = _("您已经办理过“%s”, 经办和核办不能是同一个人, 请由本单位另一位同事办理") % mine[0].label
        else:
            out.add("decide")
    return frozenset(out), hint


def _step(s: GraduationStep, orgs: dict[int, Org], today: date) -> dict[str, Any]:
    arrived = timezone.localtime(s.arrived_at) if s.arrived_at else None
    decided = timezone.localtime(s.decided_at) if s.decided_at else None
    return {
        "name": s.label,
        "org": orgs[s.org_id].name,
        "role": str(Role(s.role).label),
        "holder": s.decider_name,
        "state": _STATES.get(s.state, s.state),
        "arrived": arrived.strftime("%Y-%m-%d %H:%M") if arrived else "",
        "decided": decided.strftime("%Y-%m-%d %H:%M") if decided else "",
        "opinion": s.opinion,
    }


def _holder(
    row: GraduationList, current: GraduationStep | None, orgs: dict[int, Org], today: date
) -> dict[str, Any] | None:
    """Who has the list, and until when."""
    if current is not None:
        org, role, due = orgs[current.org_id], str(Role(current.role).label), current.due_on or row.due_on
    elif row.status in EDITABLE:
        org, role, due = orgs[row.school_id], str(Role.REGISTRAR.label), row.due_on
    else:
        return None
    return {
        "org": org.name, "role": role, "phone": org.phone, "due": due.isoformat(),
        "left": workdays_between(today, due) if due >= today else "",
        "over": max(workdays_between(due, today), 1) if due < today else "",
    }  # fmt: skip
