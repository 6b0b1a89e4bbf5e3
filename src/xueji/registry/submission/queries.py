"""Reading rounds and submissions: lists by page, one of each, what waits for whom."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org
from xueji.ground.waiting import Ask, Rows, alone, day

from . import evidence, terms
from .digest import DIGEST
from .models import (
    Child,
    Log,
    Proof,
    Round,
    RoundKind,
    Signature,
    State,
    Step,
    Submission,
)

PAGE = 50
_SUMS = (
    "count(*), count(*) filter (where s.state = 'passed'), count(*) filter (where s.state = 'running'),"
    " count(*) filter (where s.state = 'returned'), count(*) filter (where s.state = 'waiting'),"
    " count(*) filter (where s.state in ('waiting', 'returned') and r.due_at < now())"
)


@dataclass(frozen=True)
class RoundRow:
    """A round in the list, with how far its schools are (as far as the reader sees them)."""

    round: Round
    org: str
    total: int
    passed: int
    running: int
    returned: int
    waiting: int
    overdue: int
    mine: uuid.UUID | None = None
    state: str = ""

    @property
    def due_words(self) -> str:
        """The countdown."""
        return due_words(self.round.due_at, done=self.state in ("passed", "running"))


def due_words(due: datetime, *, done: bool = False) -> str:
    """还有 3 天 5 小时, 已超过 2 天; only the day when it is done."""
    at = timezone.localtime(due).strftime("%Y-%m-%d %H:%M")
    if done:
        return at
    seconds = int((due - timezone.now()).total_seconds())
    days, hours = divmod(abs(seconds) // 3600, 24)
    span = _("%(d)s 天 %(h)s 小时") % {"d": days, "h": hours} if days else _("%s 小时") % hours
    return (_("%(at)s, 已超过 %(span)s") if seconds < 0 else _("%(at)s, 还有 %(span)s")) % {
        "at": at,
        "span": span,
    }


def rounds(actor: Any, *, before: int | None = None, ended: bool = False) -> list[RoundRow]:
    """Rounds in which the actor's units take part, newest first, one page and one more. Two queries."""
    with connection.cursor() as c:
        c.execute(
            f"select r.id, {_SUMS}, (array_agg(s.id) filter (where s.school_id = %s))[1],"
            " (array_agg(s.state) filter (where s.school_id = %s))[1]"
            " from submission_round r join submission s on s.round_id = r.id"
            " where r.closed_at is "
            + ("not null" if ended else "null")
            + " and (%s::bigint is null or r.id < %s)"
            " group by r.id order by r.id desc limit %s",
            [actor.org_id, actor.org_id, before, before, PAGE + 1],
        )
        found = c.fetchall()
    held = Round.objects.in_bulk([f[0] for f in found])
    names = dict(Org.objects.filter(pk__in={r.org_id for r in held.values()}).values_list("pk", "name"))
    return [
        RoundRow(
            held[f[0]], names.get(held[f[0]].org_id, ""), f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8] or ""
        )
        for f in found
    ]


def round_(actor: Any, round_id: int) -> Round:
    """A round that the actor's unit opened or takes part in. Raises Http404."""
    found = Round.objects.filter(pk=round_id).first()
    if found is None or (
        found.org_id != actor.org_id and not Submission.objects.filter(round_id=round_id).exists()
    ):
        raise Http404
    return found


def sums(round_id: int) -> dict[str, int]:
    """How far the schools of a round are; one query."""
    with connection.cursor() as c:
        c.execute(
            f"select {_SUMS} from submission s join submission_round r on r.id = s.round_id where r.id = %s",
            [round_id],
        )
        row = c.fetchone()
    return dict(zip(("all", "passed", "running", "returned", "waiting", "overdue"), row, strict=True))


@dataclass(frozen=True)
class SchoolRow:
    """A school in a round: state, who holds it with his phone, its slot, its figures or what an inspection found."""

    id: uuid.UUID
    school_id: int
    name: str
    state: str
    number: str | None
    times: int
    late: bool
    slot_from: datetime | None
    slot_to: datetime | None
    total: int | None
    holder: str
    step: str
    phone: str
    passed: bool | None
    findings: dict[str, int] | None
    inspected: int | None
    key: str

    @property
    def state_label(self) -> str:
        """The state in words."""
        return str(State(self.state).label)


_FILTERS = {
    "waiting": " and s.state = 'waiting'",
    "running": " and s.state = 'running'",
    "returned": " and s.state = 'returned'",
    "passed": " and s.state = 'passed'",
    "overdue": " and s.state in ('waiting', 'returned') and r.due_at < now()",
    "failed": " and not i.passed",
}


def schools(round_id: int, *, show: str = "", after: str = "") -> tuple[list[SchoolRow], str]:
    """Schools of a round in the order of names, one page by key; one query."""
    with connection.cursor() as c:
        c.execute(
            "select s.id, s.school_id, o.name, s.state, s.number, s.times, s.late, s.slot_from, s.slot_to,"
            " (s.snapshot ->> 'total')::int, coalesce(h.name, o.name), coalesce(t.label, ''), coalesce(h.phone, o.phone),"
            " i.passed, i.findings, i.total, o.name || '|' || s.id as key"
            " from submission s join submission_round r on r.id = s.round_id join org o on o.id = s.school_id"
            " left join submission_step t on t.submission_id = s.id and t.state = 'current'"
            " left join org h on h.id = t.org_id"
            " left join inspection_result i on i.round_id = s.round_id and i.school_id = s.school_id"
            f" where s.round_id = %s and o.name || '|' || s.id > %s{_FILTERS.get(show, '')} order by key limit %s",
            [round_id, after, PAGE + 1],
        )
        found = c.fetchall()
    columns = [x.name for x in fields(SchoolRow)]
    rows = [SchoolRow(**dict(zip(columns, (*f[:14], _json(f[14]), *f[15:]), strict=True))) for f in found]
    return rows[:PAGE], rows[PAGE - 1].key if len(rows) > PAGE else ""


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def get(actor: Any, submission_id: uuid.UUID) -> Submission:
    """One submission in sight. Raises Http404."""
    found = Submission.objects.select_related("round").filter(pk=submission_id).first()
    if found is None:
        raise Http404
    return found


@dataclass(frozen=True)
class Page:
    """Everything on a submission's page but the children."""

    steps: list[dict[str, Any]]
    holder: dict[str, Any] | None
    log: list[dict[str, Any]]
    signatures: list[Signature]
    rights: frozenset[str]
    school: Org


DEEDS = {
    "explain": gettext_lazy("说明情况"),
    "send": gettext_lazy("上报"),
    "resend": gettext_lazy("修改后重新上报"),
    "pass": gettext_lazy("通过"),
    "return": gettext_lazy("退回"),
    "prove": gettext_lazy("核验材料"),
}
_STATES = {"future": "waiting"}


def page(actor: Any, row: Submission) -> Page:
    """Steps, holder with phone, history, signatures, and what the actor may do. Four queries."""
    steps = list(Step.objects.filter(submission=row).order_by("seq"))
    log = list(Log.objects.filter(submission=row).order_by("-id")[:100])
    signed = list(Signature.objects.filter(submission=row).order_by("id")[:100])
    orgs = {
        o.pk: o
        for o in Org.objects.filter(
            pk__in={row.school_id, *(s.org_id for s in steps), *(x.org_id for x in log if x.org_id)}
        )
    }
    current = next((s for s in steps if s.state == "current"), None)
    return Page(
        steps=[_step(s, orgs) for s in steps],
        holder=_holder(row, current, orgs),
        log=[
            {
                "at": timezone.localtime(x.at).strftime("%Y-%m-%d %H:%M"), "title": str(DEEDS.get(x.action, x.action)),
                "text": x.text + ("" if not x.items else "  " + "；".join(
                    f"{i['name']} {i['reason']}".strip() for i in x.items[:20])),
                "org": orgs[x.org_id].name if x.org_id in orgs else "", "actor": x.actor_name, "icon": "history",
            }
            for x in log
        ],
        signatures=signed,
        rights=_rights(actor, row, steps, current),
        school=orgs[row.school_id],
    )  # fmt: skip


def _rights(actor: Any, row: Submission, steps: list[Step], current: Step | None) -> frozenset[str]:
    out: set[str] = set()
    editable = row.state in (State.WAITING, State.RETURNED) and row.round.closed_at is None
    mine = row.school_id == actor.org_id and actor.can("submission.send")
    if mine and editable and row.round.kind != RoundKind.INSPECT:
        out.add("send")
    if current is not None and (current.org_id, current.role) == (actor.org_id, actor.role):
        already = any(
            s.decider_id == actor.user_id and s.org_id == current.org_id and s.state == "done" for s in steps
        )
        out.add("twice" if already else "decide")
    if row.county_id == actor.org_id and row.state == State.RUNNING and actor.can("submission.decide"):
        out.add("prove")
    return frozenset(out)


def _step(s: Step, orgs: dict[int, Org]) -> dict[str, Any]:
    return {
        "name": s.label,
        "org": orgs[s.org_id].name,
        "role": str(Role(s.role).label),
        "holder": s.decider_name,
        "state": _STATES.get(s.state, s.state),
        "arrived": timezone.localtime(s.arrived_at).strftime("%Y-%m-%d %H:%M") if s.arrived_at else "",
        "decided": timezone.localtime(s.decided_at).strftime("%Y-%m-%d %H:%M") if s.decided_at else "",
        "opinion": s.opinion,
    }


def _holder(row: Submission, current: Step | None, orgs: dict[int, Org]) -> dict[str, Any] | None:
    """Who has it now, with the phone."""
    if row.state == State.PASSED:
        return None
    org = orgs[current.org_id] if current is not None else orgs[row.school_id]
    role = Role(current.role) if current is not None else Role.REGISTRAR
    return {
        "org": org.name, "role": str(role.label), "phone": org.phone,
        "due": timezone.localtime(row.round.due_at).strftime("%Y-%m-%d %H:%M"),
    }  # fmt: skip


def children(
    row: Submission, *, class_id: int | None = None, returned: bool = False, after: str = ""
) -> tuple[list[Any], str]:
    """Children as they were handed in, one page by name; and which have changed since. One query."""
    with connection.cursor() as c:
        c.execute(
            "select k.person_id, k.name, k.sex, k.birth_date, k.returned, k.reason, k.locked, c.stage, c.cohort_year,"
            " c.number, r.person_id is null or "
            + DIGEST
            + " <> k.digest as changed, k.name || '|' || k.person_id as key"
            " from submission_child k left join school_class c on c.id = k.class_id"
            " left join roster r on r.person_id = k.person_id and r.school_id = k.school_id and r.kind = 1"
            "  and r.reason = 'enrolled'"
            " left join person p on p.person_id = k.person_id"
            " left join person_profile f on f.person_id = k.person_id"
            " left join person_photo ph on ph.person_id = k.person_id"
            " where k.submission_id = %s and (%s::int is null or k.class_id = %s) and (not %s or k.returned)"
            " and k.name || '|' || k.person_id > %s order by key limit %s",
            [row.pk, class_id, class_id, returned, after, PAGE + 1],
        )
        names = [d.name for d in c.description or ()]
        rows = [dict(zip(names, r, strict=True)) for r in c.fetchall()]
    return rows[:PAGE], rows[PAGE - 1]["key"] if len(rows) > PAGE else ""


def proofs(actor: Any, row: Submission) -> list[dict[str, Any]]:
    """Children of the round's groups with the papers seen; a query for each group and one more."""
    held = {(p.person_id, p.category): p for p in Proof.objects.filter(submission=row)[:5000]}
    return [
        {"person": p, "name": name, "group": evidence.CATEGORIES[g], "proof": held.get((p, g))}
        for g in row.round.evidence
        for p, name in evidence.members(row, g)[:200]
    ]


@dataclass(frozen=True)
class Todo:
    """Something of this room that waits for the actor, on the home page."""

    title: str
    kind: str
    url: str
    due: str
    over: bool
    since: date | None = None


def todo(actor: Any, term: terms.Term | None = None) -> list[Todo]:
    """Submissions that wait for this actor: to be handed in, to be decided; for who opened a round, what is overdue.

    Two queries at most.
    """
    return alone(waiting(actor, term or terms.now(today())))


def waiting(actor: Any, term: terms.Term) -> Ask[list[Todo]]:
    """What `todo` shows, for the first page; `term` is the present one."""
    counts = actor.org_kind == "school" and bool(actor.classes) and actor.can("headcount.write")
    settles = actor.org_kind == "school" and not counts and actor.can("headcount.settle")
    now = timezone.now()
    asked = "and r.closed_at is null and r.kind <> 'inspect' and s.state in ('waiting', 'returned')"
    parts = {
        "mine": (
            "select coalesce(jsonb_agg(m order by m.due), '[]') from (select s.id, s.state, r.title,"
            " extract(epoch from r.due_at) as due from submission s join submission_round r on r.id = s.round_id"
            f" where s.school_id = %(org)s {asked} order by r.due_at limit 10) m",
            actor.can("submission.send"),
        ),
        "desk": (
            "select jsonb_build_array(count(*), (min(arrived_at) at time zone 'Asia/Shanghai')::date) from submission_step"
            " where org_id = %(org)s and role = %(role)s and state = 'current'",
            actor.can("submission.decide"),
        ),
        "late": (
            "select count(*) from submission s join submission_round r on r.id = s.round_id"
            f" where r.org_id = %(org)s and r.due_at < %(now)s {asked}",
            actor.can("submission.round"),
        ),
        "counted": (
            "select count(*) from class_check where class_id = any(%(classes)s) and year = %(year)s and term = %(term)s",
            counts,
        ),
        "differ": (
            "select count(*) from class_check where school_id = %(org)s and state = 'reported'",
            settles,
        ),
    }
    columns = ", ".join(f"({sql}) as {key}" for key, (sql, may) in parts.items() if may)

    def read(rows: Rows) -> list[Todo]:
        row = rows[0]
        out: list[Todo] = []
        if counts and row["counted"] < len(actor.classes):
            title = _("%s学籍核对") % term.label
            out.append(Todo(title, _("清点在校人数"), "/headcount/", "—", False))
        if n := row.get("differ"):
            out.append(Todo(_("%s 个班人数不符") % n, _("写明处理结果"), "/headcount/", "—", True))
        for m in row.get("mine", []):
            due = datetime.fromtimestamp(m["due"], tz=UTC)
            url = f"/submission/{m['id']}/"
            out.append(Todo(m["title"], str(State(m["state"]).label), url, due_words(due), due < now))
        n, since = row.get("desk", (0, None))
        if n:
            title = _("%s 所学校的上报待我审核") % n
            out.append(Todo(title, _("待审核"), "/submission/?tab=desk", "—", False, day(since)))
        if n := row.get("late"):
            out.append(Todo(_("%s 所学校逾期未上报") % n, _("催报"), "/submission/", "—", True))
        return out

    return Ask(
        f"select {columns or '1 as nothing'}",
        {
            "org": actor.org_id,
            "role": str(actor.role),
            "now": now,
            "classes": list(actor.classes),
            "year": term.year,
            "term": term.number,
        },
        read,
    )


def desk(actor: Any, *, after: str = "") -> tuple[list[dict[str, Any]], str]:
    """Submissions whose present step is the actor's, oldest first, one page; one query."""
    with connection.cursor() as c:
        c.execute(
            "select s.id, s.number, o.name, r.title, t.label, t.arrived_at, s.times, (s.snapshot ->> 'total')::int as total,"
            " s.late, to_char(t.arrived_at at time zone 'UTC', 'YYYYMMDDHH24MISSUS') || '|' || s.id as key"
            " from submission_step t join submission s on s.id = t.submission_id"
            " join submission_round r on r.id = s.round_id join org o on o.id = s.school_id"
            " where t.org_id = %s and t.role = %s and t.state = 'current'"
            " and to_char(t.arrived_at at time zone 'UTC', 'YYYYMMDDHH24MISSUS') || '|' || s.id > %s"
            " order by key limit %s",
            [actor.org_id, actor.role, after, PAGE + 1],
        )
        names = [d.name for d in c.description or ()]
        rows = [dict(zip(names, r, strict=True)) for r in c.fetchall()]
    return rows[:PAGE], rows[PAGE - 1]["key"] if len(rows) > PAGE else ""


def all_children(row: Submission) -> list[Child]:
    """The whole snapshot in the order of classes, for paper."""
    return list(
        Child.objects.filter(submission=row).order_by(
            "stage", "-cohort_year", "class_id", "class_seat", "name", "person_id"
        )[:5000]
    )
