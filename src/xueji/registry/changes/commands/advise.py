"""Others' part in a case: units asked for their opinion (会签), and units that are told of it (备案)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org

from .. import routing
from ..errors import CaseError
from ..models import Case, CaseStatus, CaseStep, StepMode
from . import clock
from ._base import need_words, note, opened, require_status, save, spread, steps_of, write_seats
from .decide import my_step

MOST_ASKED = 5
ADVICE_DAYS = 5


def ask_opinion(
    actor: Any, *, case_id: uuid.UUID, org_ids: Sequence[int], question: str, version: int | None = None
) -> Case:
    """Ask other units for their opinion before deciding (会签): units below or above one's own, at most five.

    They see the case while it runs, and the asker passes only when all have answered. Raises Http404,
    PermissionDenied (not one's turn), `StaleCase`, `CaseError`.
    """
    actor.require("case.decide")
    with opened(actor, case_id, version) as case:
        step, _away = my_step(actor, case)
        need_words(question)
        steps = steps_of(case)
        busy = {s.org_id for s in steps if s.state == "current"}
        wanted = list(Org.objects.filter(pk__in=list(org_ids)[:50]).order_by("pk"))
        if not wanted or len(wanted) != len(set(org_ids)) or len(wanted) > MOST_ASKED:
            raise CaseError(_("请选择会签单位, 最多 %s 个") % MOST_ASKED)
        for org in wanted:
            if not (org.path.startswith(actor.org_path) or actor.org_path.startswith(org.path)):
                raise CaseError(_("%s 不在本单位的上下级之内, 不能会签") % org.name)
            if org.pk in busy:
                raise CaseError(_("%s 正在办理这件业务, 不需要再会签") % org.name)
        seq = CaseStep.objects.filter(case=case).aggregate(last=Max("seq"))["last"] or 1
        for n, org in enumerate(wanted, start=1):
            role = routing.role_at(org.kind, "clerk")
            if not role:
                raise CaseError(_("%s 没有能答复会签的岗位") % org.name)
            row = CaseStep(
                case=case,
                seq=seq + n,
                turn=step.turn,
                branch=f"advice{seq + n}",
                mode=StepMode.ADVISE,
                side="advice",
                duty="clerk",
                clock=f"advice{seq + n}",
                asked_by=step.seq,
                question=question.strip()[:300],
                label=str(_("会签")),
                role=role,
                org_id=org.pk,
                limit_days=ADVICE_DAYS,
                limit_default=True,
                person_id=case.person_id,
            )
            clock.arrive(case, row, [], timezone.localdate())
        new = {org.pk for org in wanted} - set(case.parties)
        if new:
            case.parties = sorted({*case.parties, *new})
            case.summary = case.summary | {"asked": sorted({*case.summary.get("asked", ()), *new})}
        spread(case)
        save(case)
        write_seats(case)
        names = "、".join(org.name for org in wanted)
        note(case, actor, "ask", _("请%(who)s会签: %(what)s") % {"who": names, "what": question.strip()})
        return case


def advise(actor: Any, *, case_id: uuid.UUID, agree: bool, opinion: str, version: int | None = None) -> Case:
    """Answer a question that another unit has asked. Raises Http404, PermissionDenied, `StaleCase`, `CaseError`."""
    actor.require("case.decide")
    with opened(actor, case_id, version) as case:
        step, away = my_step(actor, case, StepMode.ADVISE)
        if not agree:
            need_words(opinion)
        step.state, step.decision = "done", "agree" if agree else "disagree"
        _answer(step, actor, away, opinion.strip() or str(_("同意")))
        save(case)
        write_seats(case)
        note(case, actor, "agree" if agree else "disagree", step.opinion, step=step.seq)
        return case


def acknowledge(actor: Any, *, case_id: uuid.UUID, opinion: str = "", version: int | None = None) -> Case:
    """A unit that is told of a case (备案) notes that it has read it; nobody waits for it, also after the end.

    Raises Http404, PermissionDenied, `StaleCase`, `CaseError`.
    """
    actor.require("case.decide")
    with opened(actor, case_id, version) as case:
        require_status(case, (CaseStatus.RUNNING, CaseStatus.APPROVED, CaseStatus.DONE))
        step, away = my_step(actor, case, StepMode.FILE)
        step.state, step.decision = "done", "file"
        _answer(step, actor, away, opinion.strip() or str(_("已备案")))
        save(case)
        write_seats(case)
        note(case, actor, "file", f"{step.label}: {step.opinion}", step=step.seq)
        return case


def _answer(step: CaseStep, actor: Any, away: str, opinion: str) -> None:
    step.opinion, step.acted_for = opinion[:500], away
    step.decider_id, step.decider_name, step.decided_at = actor.user_id, actor.user_name, timezone.now()
    step.save()
