"""How a problem ends: by itself when at most one side still claims to be right, else by its superior's decision."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.orgs.models import Org
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.timeline import Step
from xueji.registry.people import commands as people

from . import commands, hooks
from .models import Action, Kind, Problem, Side, State


def after_answer(actor: Any, problem: Problem) -> None:
    """Close, hand up, or wait for the others."""
    sides = list(Side.objects.filter(problem=problem).order_by("no"))
    if any(s.answered_at is None and not s.lapsed for s in sides):
        bump(problem)
        return
    claims = [s for s in sides if s.action == Action.PROVE or not s.action]
    if len(claims) > 1:
        hand_up(actor, problem)
        return
    if claims:
        _award(actor, problem, claims[0])
    close(problem, sides, _("各校已处理完毕"))


def hand_up(who: Any, problem: Problem) -> None:
    """To the common superior, with a deadline."""
    superior = Org.objects.get(pk=problem.superior_id)
    today = timezone.localdate()
    days = commands._policy(superior, today).workdays("problem.arbitrate_days")
    problem.state = State.ARBITRATING
    problem.due_on = add_workdays(today, days) if days else None
    bump(problem)
    commands.say(problem, who, "hand_up", _("提交%s仲裁") % superior.name)


def after_arbitration(actor: Any, problem: Problem, sides: Sequence[Side], opinion: str) -> None:
    """Carry the decision out: who keeps the number, whose record ends."""
    for side in sides:
        if side.order == "delete":
            cancel_record(actor, side.person_id, problem.number, opinion)
    kept = [s for s in sides if s.order == "keep"]
    if kept and problem.kind == Kind.SAME_ID:
        _award(actor, problem, kept[0])
    close(problem, list(sides), opinion)


def cancel_record(
    actor: Any,
    person_id: uuid.UUID,
    number: str,
    reason: str,
    *,
    case_id: uuid.UUID | None = None,
    article: str = "",
) -> None:
    """A record that was found false or double ends (注销); its temporary number is struck off, nothing is erased."""
    now = timezone.now()
    event_id = enrolment.apply_step(
        actor,
        Step(
            person_id=person_id,
            business="problem",
            to_status=Status.CANCELLED,
            at=now,
            case_id=case_id,
            article=article,
            reason=reason[:300],
            detail={"problem": number},
        ),
    )
    people.strike_temporary(actor, person_id, reason=_("学籍注销 %s") % number, at=now, event_id=event_id)
    enrolment.correct_roster(person_id)


def _award(actor: Any, problem: Problem, side: Side) -> None:
    """The disputed number goes to the side that keeps it, if another record held it."""
    if problem.kind != Kind.SAME_ID or problem.sealed is None:
        return
    number = vault.open(bytes(problem.sealed), f"problem_record.sealed:{problem.problem_id}")
    now = timezone.now()
    event_id = enrolment.write_event(
        actor,
        side.person_id,
        business="problem",
        at=now,
        reason=_("问题学籍 %s 处理完毕, 证件号归该生") % problem.number,
        detail={"problem": problem.number, "number": problem.masked},
    )
    loser = people.award_identity(
        actor, problem.id_type, number, side.person_id, at=now, event_id=event_id, source=problem.number
    )
    if loser is not None:
        enrolment.write_event(
            actor,
            loser,
            business="problem",
            at=now,
            reason=_("问题学籍 %s 处理完毕, 证件号归另一名学生") % problem.number,
            detail={"problem": problem.number, "number": problem.masked},
        )
        enrolment.correct_roster(loser)
    enrolment.correct_roster(side.person_id)


def close(problem: Problem, sides: Sequence[Side], outcome: str) -> None:
    """The problem is over: marks are taken off records that have no other, and what waited goes on."""
    problem.state, problem.closed_at, problem.outcome = State.CLOSED, timezone.now(), outcome[:300]
    problem.due_on = None
    bump(problem)
    Side.objects.filter(problem=problem).update(is_open=False)
    for person_id in sorted({s.person_id for s in sides}):
        if not Side.objects.filter(person_id=person_id, is_open=True).exists():
            enrolment.set_problem(person_id, False)
            hooks.cleared(person_id)


def sides_beside(person_id: uuid.UUID) -> list[uuid.UUID]:
    """Who else stands in the open problems of a record. Must run in the writing role."""
    mine = Side.objects.filter(person_id=person_id, is_open=True).values("problem_id")
    others = Side.objects.filter(problem_id__in=mine).exclude(person_id=person_id)
    return list(others.values_list("person_id", flat=True).distinct()[:100])


def bump(problem: Problem) -> None:
    """Store with the next version: pages drawn before are stale."""
    problem.version += 1
    problem.save(force_update=True)
