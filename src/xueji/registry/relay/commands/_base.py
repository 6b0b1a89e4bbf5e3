"""What all commands share: opening a transfer under lock, its steps, its log, what the other side is told.

Locks are taken in one order: the conversation, the child, the case. Whatever is said needs the conversation's row.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import Who, record
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.policy.calendar import add_workdays
from xueji.registry.enrolment import commands as enrolment

from ..errors import RelayError, StaleCase
from ..models import RelayCase, RelayLog, RelayStep, Side, State, Talk
from ..outbox import lock_talk, say

SYSTEM = Who(user_id=None, user_name="系统", role="system", org_id=None)


def sealed_place(case_id: uuid.UUID) -> str:
    """Where the sealed part of a transfer belongs (the vault's `where`)."""
    return f"relay_case.sealed:{case_id}"


@contextmanager
def opened(actor: Any, case_id: uuid.UUID, version: int | None = None) -> Iterator[tuple[RelayCase, Talk]]:
    """The transfer and its conversation, locked, in the writing role.

    Raises Http404 when the actor sees no such transfer, `StaleCase` when somebody acted since `version`.
    """
    with transaction.atomic():
        if not RelayCase.objects.filter(pk=case_id).exclude(state=State.ASKED).exists():
            raise Http404
        with acting("writer"):
            case, talk = locked(case_id)
            if case is None or talk is None:
                raise Http404
            if version is not None and case.version != version:
                raise StaleCase(_("这件业务刚有变动, 本页已更新"))
            yield case, talk


def locked(case_id: uuid.UUID) -> tuple[RelayCase | None, Talk | None]:
    """Conversation, child and case, locked in this order. In the writing role."""
    talk = lock_talk(case_id)
    person_id = RelayCase.objects.filter(pk=case_id).values_list("person_id", flat=True).first()
    if person_id is not None:
        lock_person(person_id)
    return RelayCase.objects.select_for_update(of=("self",)).filter(pk=case_id).first(), talk


def lock_person(person_id: uuid.UUID) -> None:
    """Whoever changes anything of one child waits here for the others."""
    with connection.cursor() as c:
        c.execute("select 1 from person where person_id = %s for update", [person_id])


def require_state(case: RelayCase, allowed: Iterable[str]) -> None:
    """Raises `RelayError` with the present state in words."""
    if case.state not in tuple(allowed):
        raise RelayError(_("这件业务现在是“%s”, 不能做这一步") % State(case.state).label)


def need_words(text: str) -> None:
    """Raises `RelayError` unless something is said."""
    if len(text.strip()) < 5:
        raise RelayError(_("请写明原因, 至少 5 个字"))


def save(case: RelayCase) -> None:
    """Store the transfer with its next version and who holds it now."""
    step = current_step(case)
    case.holder_id, case.holder_role, case.due_on = (
        (step.org_id, step.role, step.due_on)
        if step is not None and case.state == State.RUNNING
        else (None, "", None)
    )
    if case.state == State.DRAFT or (case.state == State.RETURNED and case.side == Side.IN):
        case.holder_id, case.holder_role = case.org_id, "registrar"
    case.current_seq = step.seq if step is not None else None
    case.version += 1
    case.save(force_update=True)


def current_step(case: RelayCase) -> RelayStep | None:
    """The own step that is under way."""
    return RelayStep.objects.filter(case=case, own=True, state="current").first()


def own_steps(case: RelayCase) -> list[RelayStep]:
    """The steps of this side, in order."""
    return list(RelayStep.objects.filter(case=case, own=True).order_by("seq"))


def arrive(case: RelayCase, step: RelayStep, today: date) -> None:
    """A step begins: its clock starts, or goes on when the step before shares it."""
    before = RelayStep.objects.filter(case=case, own=True, seq=step.seq - 1).first()
    step.state, step.decision, step.opinion, step.decider_name = "current", "", "", ""
    step.decider_id = step.decided_at = None
    step.arrived_at = timezone.now()
    if (
        before is not None
        and step.clock
        and before.clock == step.clock
        and before.due_on
        and before.due_on >= today
    ):
        step.due_on = before.due_on
    else:
        step.due_on = add_workdays(today, step.limit_days) if step.limit_days else None
    step.save()


def follow(case: RelayCase, parties: Iterable[int], klasses: Iterable[int]) -> None:
    """Who sees the transfer from now on: the case, its steps, its log and its papers."""
    case.parties, case.klasses = sorted(set(parties)), sorted(set(klasses))
    seen = {"parties": case.parties, "klasses": case.klasses, "person_id": case.person_id}
    RelayStep.objects.filter(case=case).update(**seen)
    own = [uuid.UUID(p["file_id"]) for p in case.papers if p.get("file_id")]
    if own:
        files.share(own, readers=case.parties)


def tell_steps(case: RelayCase, talk: Talk) -> None:
    """Tell the other side how far this one is: all own steps, so that each such message stands for itself."""
    say(talk, "transfer.steps", {"number": case.number or "", "steps": steps_to_tell(case)})


def steps_to_tell(case: RelayCase) -> list[dict[str, Any]]:
    """The own steps as the other side shows them."""
    return [
        {
            "seq": s.seq,
            "side": s.side,
            "duty": s.duty,
            "label": s.label,
            "org": s.org_name,
            "limit": s.limit_days,
            "clock": s.clock,
            "state": s.state,
            "arrived": s.arrived_at.isoformat() if s.arrived_at else None,
            "due": s.due_on.isoformat() if s.due_on else None,
            "decided": s.decided_at.isoformat() if s.decided_at else None,
            "by": s.decider_name,
            "decision": s.decision,
            "opinion": s.opinion,
        }
        for s in own_steps(case)
    ]


def mirror_steps(case: RelayCase, steps: list[dict[str, Any]]) -> None:
    """Keep the other side's steps as it told them; what it told before is replaced."""

    def moment(text: str | None) -> datetime | None:
        return datetime.fromisoformat(text) if text else None

    RelayStep.objects.filter(case=case, own=False).delete()
    RelayStep.objects.bulk_create(
        [
            RelayStep(
                case=case,
                own=False,
                seq=int(s["seq"]),
                side=str(s["side"])[:20],
                duty=str(s["duty"])[:10],
                label=str(s["label"])[:40],
                org_name=str(s["org"])[:100],
                limit_days=s["limit"],
                clock=str(s["clock"])[:20],
                state=str(s["state"])[:10],
                arrived_at=moment(s["arrived"]),
                due_on=date.fromisoformat(s["due"]) if s["due"] else None,
                decided_at=moment(s["decided"]),
                decider_name=str(s["by"])[:60],
                decision=str(s["decision"])[:10],
                opinion=str(s["opinion"])[:500],
                parties=case.parties,
                klasses=case.klasses,
                person_id=case.person_id,
            )
            for s in steps[:40]
        ]
    )


def end(case: RelayCase, state: State, reason: str = "") -> None:
    """Close a transfer on this side: nobody holds it, rosters no longer show it, nothing secret stays with it."""
    RelayStep.objects.filter(case=case, own=True, state="current").update(
        state="future", arrived_at=None, due_on=None
    )
    case.state, case.phase, case.end_reason, case.ended_at = state, "", reason[:300], timezone.now()
    case.sealed = None
    save(case)
    if case.side == Side.OUT and case.person_id is not None:
        enrolment.set_open_case(case.person_id, "")


def write_log(case: RelayCase, who: Any, action: str, text: str = "") -> None:
    """One entry for all who take part."""
    RelayLog.objects.bulk_create(
        [
            RelayLog(
                case=case,
                at=timezone.now(),
                actor_id=who.user_id,
                actor_name=who.user_name,
                org_id=who.org_id,
                action=action,
                text=text[:600],
                parties=case.parties,
                klasses=case.klasses,
                person_id=case.person_id,
            )
        ]
    )


def note(case: RelayCase, who: Any, action: str, text: str = "", **more: Any) -> None:
    """Log and audit of one deed."""
    write_log(case, who, action, text)
    record(
        who,
        f"relay.{action}",
        object_type="relay_case",
        object_id=case.case_id,
        person_id=case.person_id,
        after={"number": case.number, "side": case.side, "state": case.state, "phase": case.phase} | more,
    )


def next_number(division: str, today: date) -> str:
    """KS-2026-990101-000123; the counter's row is the lock, a roll-back leaves no gap."""
    run = f"KS-{today.year}-{division}"
    with connection.cursor() as c:
        c.execute(
            "insert into relay_counter (run, last) values (%s, 1)"
            " on conflict (run) do update set last = relay_counter.last + 1 returning last",
            [run],
        )
        return f"{run}-{c.fetchone()[0]:06d}"
