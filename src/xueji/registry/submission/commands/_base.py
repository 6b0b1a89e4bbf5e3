"""What the commands of submissions share: opening one under lock, its log, numbers, signatures."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org

from ..errors import SubmissionError
from ..models import Log, Signature, State, Step, Submission

MIN_WORDS = 5


@contextmanager
def opened(actor: Any, submission_id: uuid.UUID, version: int | None = None) -> Iterator[Submission]:
    """The submission, locked, in the writing role. Raises Http404 when the actor sees none, `SubmissionError`."""
    with transaction.atomic():
        if not Submission.objects.filter(pk=submission_id).exists():
            raise Http404
        with acting("writer"):
            row = (
                Submission.objects.select_for_update(of=("self",))
                .select_related("round")
                .get(pk=submission_id)
            )
            if version is not None and row.version != version:
                raise SubmissionError(_("这次上报刚有变动, 本页已更新, 请核对后再操作"))
            yield row


def save(row: Submission) -> None:
    """Store with the next version: pages drawn before are stale from now on."""
    row.version += 1
    row.save(force_update=True)


def need_words(text: str) -> str:
    """The text, if it says enough. Raises `SubmissionError`."""
    text = text.strip()
    if len(text) < MIN_WORDS:
        raise SubmissionError(_("请写明理由, 至少 %s 个字") % MIN_WORDS)
    return text


def my_step(actor: Any, row: Submission) -> Step:
    """The current step, if it is this actor's turn; nobody acts twice for one unit. Raises as `opened`."""
    if row.state != State.RUNNING:
        raise SubmissionError(_("这次上报现在是“%s”, 不能做这一步") % State(row.state).label)
    steps = list(Step.objects.filter(submission=row).order_by("seq"))
    step = next(s for s in steps if s.state == "current")
    if (step.org_id, step.role) != (actor.org_id, actor.role):
        org = Org.objects.get(pk=step.org_id)
        raise PermissionDenied(
            _("现在在%(org)s办理(%(step)s), 电话 %(phone)s, 还没有轮到您")
            % {"org": org.name, "step": step.label, "phone": org.phone or "—"}
        )
    if any(
        s.decider_id == actor.user_id and s.org_id == step.org_id and s.seq != step.seq and s.state == "done"
        for s in steps
    ):
        raise SubmissionError(_("您已经办理过本单位的另一步, 审核和签字不能是同一个人, 请由另一位同事办理"))
    return step


def close_step(actor: Any, step: Step, state: str, opinion: str) -> None:
    """A step is decided by this actor."""
    step.state, step.opinion = state, opinion[:500]
    step.decider_id, step.decider_name, step.decided_at = actor.user_id, actor.user_name, timezone.now()
    step.save()


def arrive(row: Submission, step: Step) -> None:
    """A step begins: whoever has the role there holds the submission now."""
    step.state, step.arrived_at, step.opinion = "current", timezone.now(), ""
    step.decider_id, step.decider_name, step.decided_at = None, "", None
    step.save()
    row.state, row.current_seq = State.RUNNING, step.seq


def sign(actor: Any, row: Submission, step: Step, way: str) -> None:
    """Keep who answers for the submission as it stands now (C-SUB-03)."""
    Signature.objects.bulk_create(
        [
            Signature(
                submission=row, county_id=row.county_id, school_id=row.school_id, times=row.times, seq=step.seq,
                org_id=step.org_id, org_name=actor.org_name, user_id=actor.user_id, name=actor.user_name,
                part=f"{actor.role_label} · {step.label}"[:40], way=way, at=timezone.now(), digest=row.digest,
            )
        ]
    )  # fmt: skip


def note(
    row: Submission,
    who: Any,
    action: str,
    text: str = "",
    *,
    items: Sequence[Any] = (),
    rows: int = 1,
    **more: Any,
) -> None:
    """Log and audit of one deed."""
    Log.objects.bulk_create(
        [
            Log(
                submission=row, county_id=row.county_id, school_id=row.school_id, at=timezone.now(),
                actor_id=who.user_id, actor_name=who.user_name, org_id=who.org_id, action=action, text=text[:600],
                items=list(items),
            )
        ]
    )  # fmt: skip
    record(
        who,
        f"submission.{action}",
        object_type="submission",
        object_id=row.pk,
        after={"number": row.number, "state": row.state, "times": row.times} | more,
        row_count=rows,
        digest=bytes(row.digest) if row.digest else None,
        persons=[uuid.UUID(x["person"]) for x in items if x.get("person")] or None,
    )
