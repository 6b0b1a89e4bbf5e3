"""What a merge of two records means for their problems, and what the undoing of one brings back. In the writing role."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.registry.enrolment import commands as enrolment

from . import commands, hooks
from .models import Problem, Side, State


def open_with_others(kept: uuid.UUID, merged: uuid.UUID) -> list[str]:
    """Numbers of open problems of either record with a third one: they are settled before a merge."""
    mine = Side.objects.filter(person_id__in=[kept, merged], is_open=True).values("problem_id")
    others = Side.objects.filter(problem_id__in=mine).exclude(person_id__in=[kept, merged])
    return sorted(set(others.values_list("problem__number", flat=True)[:20]))


def close_between(actor: Any, kept: uuid.UUID, merged: uuid.UUID, words: str) -> list[dict[str, Any]]:
    """Problems of these two alone are over when they are one record; returns what stood there before."""
    mine = Side.objects.filter(person_id__in=[kept, merged], is_open=True).values("problem_id")
    out = []
    for problem in Problem.objects.select_for_update().filter(pk__in=mine).order_by("pk"):
        out.append(
            {
                "problem": str(problem.pk),
                "state": problem.state,
                "due_on": problem.due_on.isoformat() if problem.due_on else None,
                "sides": list(
                    Side.objects.filter(problem=problem, is_open=True)
                    .order_by("pk")
                    .values_list("pk", flat=True)
                ),
            }
        )
        problem.state, problem.due_on = State.CLOSED, None
        problem.closed_at, problem.outcome = timezone.now(), words[:300]
        problem.version += 1
        problem.save(force_update=True)
        Side.objects.filter(problem=problem).update(is_open=False)
        commands.say(problem, actor, "merge", words)
    if out:
        for person_id in sorted((kept, merged)):
            enrolment.set_problem(person_id, False)
            hooks.cleared(person_id)
    return out


def reopen(actor: Any, before: Sequence[dict[str, Any]], words: str) -> None:
    """The merge was taken back: its problems stand where they stood."""
    for was in before:
        problem = Problem.objects.select_for_update().get(pk=was["problem"])
        problem.state, problem.due_on = was["state"], was["due_on"]
        problem.closed_at, problem.outcome = None, ""
        problem.version += 1
        problem.save(force_update=True)
        sides = Side.objects.filter(pk__in=was["sides"])
        sides.update(is_open=True)
        commands.say(problem, actor, "reopen", _("%s, 问题学籍重新处理") % words)
        for person_id in sorted(sides.values_list("person_id", flat=True)):
            enrolment.set_problem(person_id, True)
