"""Undo of a published batch for a day: enrolments taken back by compensating events, nothing is erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import enter
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.registry.enrolment.errors import EnrolmentError
from xueji.registry.enrolment.voiding import void_many

from .. import queries, undoing
from ..errors import IntakeError
from ..models import BatchState, ImportBatch

#: Rows taken back while the person waits.
AT_ONCE = 3_000
#: Key of the batch's counts under which a big undo waits for the worker: what was confirmed, and why.
ASKED = "undo"
#: Where a batch stands whose file was read again after a crash and was not understood any more.
_UNREAD = (BatchState.FAILED, BatchState.MATCHING)


@dataclass(frozen=True)
class UndoResult:
    """How many rows were taken back and how many stay."""

    undone: int
    kept: int


def undoable(actor: Any, batch_id: int) -> undoing.Undoable:
    """What of a batch may be taken back now, and whose rows stay for which reason. Raises Http404."""
    actor.require("intake.import")
    with transaction.atomic():
        queries.batch(actor, batch_id)
        with acting("writer"):
            return undoing.look(batch_id, timezone.now())


def may_undo(batch: ImportBatch) -> bool:
    """Whether the batch stands where rows of it may be on record that can be taken back."""
    if batch.state in _UNREAD:
        return bool(batch.counts.get("published"))
    return batch.state in (BatchState.PUBLISHED, BatchState.CHECKED)


def undo(actor: Any, batch_id: int, *, expected: int, reason: str) -> UndoResult:
    """Take back every row of the batch that nothing else has touched within 24 hours of its publication: all of them
    or none. Whoever was touched stays and is named (`undoable`).

    Numbers that were given are struck off and kept; the identity numbers are free, so that the same sheet can be
    brought again. `expected` is the number of rows that the person confirmed. Raises `IntakeError`, Http404.
    """
    actor.require("intake.import")
    reason = reason.strip()
    if len(reason) < 2:
        raise IntakeError(_("请写明撤销的原因"))
    now = timezone.now()
    with transaction.atomic():
        queries.batch(actor, batch_id)
        with acting("intake"):
            batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
        if batch.state != BatchState.UNDOING and not may_undo(batch):
            raise IntakeError(_("这个批次现在不能撤销"))
        with acting("writer"):
            found = undoing.look(batch_id, now, lock=True)
            if found.n != expected:
                raise IntakeError(_("可以撤销的行数已变为 %(n)s 行, 请刷新后重新确认") % {"n": found.n})
            if not found.n:
                raise IntakeError(_("没有可以撤销的行"))
            try:
                digest = void_many(actor, found.free, now=now, reason=reason, batch_id=batch_id)
            except EnrolmentError as error:
                raise IntakeError(str(error)) from error
        _count(batch, actor, found, now)
        record(
            actor,
            "intake.undo",
            object_type="import_batch",
            object_id=batch_id,
            purpose=reason[:200],
            after={"undone": found.n, "kept": len(found.touched)},
            row_count=found.n,
            digest=digest,
        )
    return UndoResult(found.n, len(found.touched))


def _count(batch: ImportBatch, actor: Any, found: undoing.Undoable, now: datetime) -> None:
    """The batch says what is left of it: rows still in staging go on, none at all means that it was taken back."""
    counts = {k: v for k, v in batch.counts.items() if k != ASKED}
    published = max(0, counts.get("published", 0) - found.n)
    counts |= {
        "published": published,
        "undone": counts.get("undone", 0) + found.n,
        "total": counts.get("total", 0) - found.n,
    }
    asked = batch.counts.get(ASKED, {})
    stood = asked.get("state", batch.state)
    waiting = stood not in _UNREAD and sum(counts.get(k, 0) for k in ("ok", "warning", "error", "duplicate"))
    if stood in _UNREAD and published:
        batch.state, batch.problem = stood, asked.get("problem", batch.problem)
    else:
        batch.state = (
            BatchState.CHECKED if waiting else BatchState.PUBLISHED if published else BatchState.UNDONE
        )
        batch.problem = ""
    batch.counts, batch.undone_at, batch.undoer_id = counts, now, actor.user_id
    batch.progress = 100
    batch.version += 1
    with acting("intake"):
        batch.save()


def request_undo(actor: Any, batch_id: int, *, expected: int, reason: str) -> UndoResult | None:
    """Take a small batch back at once; leave a big one to the worker (None). Raises as `undo` does."""
    actor.require("intake.import")
    if expected <= AT_ONCE:
        return undo(actor, batch_id, expected=expected, reason=reason)
    with transaction.atomic():
        queries.batch(actor, batch_id)
        with acting("intake"):
            # The counts are written back whole: nobody else writes them meanwhile.
            batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
        if not may_undo(batch):
            raise IntakeError(_("这个批次现在不能撤销"))
        if len(reason.strip()) < 2:
            raise IntakeError(_("请写明撤销的原因"))
        stood = {"state": batch.state, "problem": batch.problem} if batch.state in _UNREAD else {}
        with acting("intake"):
            # The queue is given numbers only: what was typed waits on the batch.
            ImportBatch.objects.filter(pk=batch_id).update(
                state=BatchState.UNDOING,
                problem="",
                progress=50,
                counts={
                    **batch.counts,
                    ASKED: {**stood, "expected": expected, "reason": reason.strip()[:200]},
                },
            )
        from ..tasks import undo_batch

        undo_batch.defer(
            batch_id=batch_id, user_id=actor.user_id, assignment_id=actor.assignment_id, address=actor.address
        )
    return None


def undo_for(batch_id: int, user_id: int, assignment_id: int, address: str) -> None:
    """The worker's part of `request_undo`: in the scope of the person who asked; a refusal is left on the batch."""
    try:
        with transaction.atomic():
            actor = enter(user_id, assignment_id, address=address)
            if actor is None:
                raise IntakeError(_("撤销人的账号已停用, 没有撤销"))
            asked = queries.batch(actor, batch_id).counts.get(ASKED, {})
            undo(actor, batch_id, expected=asked.get("expected", -1), reason=asked.get("reason", ""))
            return
    except (IntakeError, PermissionDenied) as error:
        why = str(error)
    not_undone(batch_id, why)


def not_undone(batch_id: int, why: str) -> None:
    """A batch on which the worker failed goes back to where it stood, with the reason."""
    with transaction.atomic(), acting("intake"):
        batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
        if batch.state != BatchState.UNDOING:
            return
        waiting = sum(batch.counts.get(k, 0) for k in ("ok", "warning", "error", "duplicate"))
        batch.state = batch.counts.get(ASKED, {}).get("state") or (
            BatchState.CHECKED if waiting else BatchState.PUBLISHED
        )
        batch.problem, batch.progress = why[:500], 100
        batch.counts = {k: v for k, v in batch.counts.items() if k != ASKED}
        batch.save(update_fields=["state", "problem", "progress", "counts"])
