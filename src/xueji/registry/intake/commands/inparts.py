"""The worker's publication: a small batch in one transaction, a big one in parts by two connections at a time."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import enter
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from .. import auxiliary, gates, parts, publishing, queries, staging
from ..checker import AUXILIARY
from ..errors import IntakeError, PublishConflict
from ..models import BatchState, ImportBatch
from ..picked import Rows
from .bring import give_up, opened
from .recover import send_back, vouch, who_asked
from .release import brought_again, mark_again, namesakes, open_problems, policy, publish

#: A part that meets children recorded by others is done again without them; so often, and no more.
_ATTEMPTS = 5


@dataclass(frozen=True)
class Asked:
    """Who wants a batch published, in which role, from where."""

    user_id: int
    assignment_id: int
    address: str

    def enter(self) -> Any:
        """Enter that person's scope in this transaction. Raises `IntakeError` when the account is closed."""
        actor = enter(self.user_id, self.assignment_id, address=self.address)
        if actor is None:
            raise IntakeError(_("发布人的账号已停用, 没有发布"))
        return actor


def publish_for(
    batch_id: int,
    user_id: int,
    assignment_id: int,
    address: str,
    *,
    parts_from: int = parts.FROM,
    part_rows: int = parts.ROWS,
    hands: int = parts.HANDS,
) -> None:
    """The worker's part of `request_publish`: in the scope of the person who asked; a refusal is left on the batch.

    A batch that is not to be published (any more) is left as it is. One of `parts_from` good rows is published in parts of
    about `part_rows`, `hands` at a time; one that a crash has interrupted goes on with the parts that are left.
    """
    asked = Asked(user_id, assignment_id, address)
    why = ""
    try:
        with transaction.atomic():
            actor = asked.enter()
            if not _asked_for(batch_id):
                return
            planned = _plan(actor, batch_id, asked, parts_from, part_rows)
            if not planned:
                publish(actor, batch_id)
    except PublishConflict as error:
        # The roll-back took the marks along; they are set again on their own.
        mark_again(batch_id)
        why = error.message
    except (IntakeError, PermissionDenied) as error:
        why = str(error)
    else:
        if planned:
            _run(batch_id, asked, hands)
        return
    _leave(batch_id, asked, why)


def _asked_for(batch_id: int) -> bool:
    """Whether the batch still waits to be published, held until the end of the transaction. A job that is done again may
    find one that has been published, given up, or that waits for somebody's word anew: nobody has given it.
    """
    with acting("intake"):
        held = ImportBatch.objects.select_for_update().filter(pk=batch_id)
        return held.values_list("state", flat=True).first() == BatchState.PUBLISHING


def _leave(batch_id: int, asked: Asked, why: str) -> None:
    """The batch says why nothing more of it was published."""
    _close(batch_id, asked, [why])
    with transaction.atomic(), acting("intake"):
        # A job that is done again after a crash may find its batch published, or on its way through the check.
        waiting = (BatchState.PUBLISHING, BatchState.CHECKED)
        ImportBatch.objects.filter(pk=batch_id, state__in=waiting).update(
            state=BatchState.CHECKED, problem=why[:500], progress=100
        )


def fail_for(batch_id: int, user_id: int, assignment_id: int, address: str) -> None:
    """After a failure of the system itself in the worker: parts on record stay so, and the batch says what is left."""
    _close(batch_id, Asked(user_id, assignment_id, address), [_("系统处理这个批次时出错, 请稍后重试")])
    give_up(batch_id)


def _plan(actor: Any, batch_id: int, asked: Asked, parts_from: int, part_rows: int) -> bool:
    """Whether the batch is published in parts; the plan is made unless it stands. Raises as `publish` does."""
    actor.require("intake.import")
    batch = opened(actor, batch_id, BatchState.PUBLISHING)
    if parts.plan_of(batch.counts) is not None:
        return True
    good = batch.counts.get("ok", 0) + batch.counts.get("warning", 0)
    if good < parts_from or batch.state != BatchState.PUBLISHING:
        return False
    school = queries.school_facts(batch.school_id)
    gates.require_open(school)
    scheme = policy(school)[1]
    with acting("intake"):
        found = parts.split(batch_id, school, scheme, part_rows)
        if len(found) < 2:
            return False
        if scheme is not None and any(p.brought for p in found):
            auxiliary.pass_over(Rows(batch_id), scheme)
        met = namesakes(batch_id)
        batch.counts |= {parts.PLAN: parts.Plan(_with(found, batch_id, met), asdict(asked)).as_json()}
        batch.progress = 1
        batch.save(update_fields=["counts", "progress"])
    return True


def _with(
    found: Sequence[parts.Part], batch_id: int, met: Sequence[tuple[Any, ...]]
) -> tuple[parts.Part, ...]:
    """The parts, each with the namesakes that its children have on record."""
    with connection.cursor() as c:
        c.execute(
            "select row_no, stage, cohort_year from staged_row where batch_id = %s and row_no = any(%s)",
            [batch_id, [row for row, _own, _other in met]],
        )
        cohort = {row: (stage, year) for row, stage, year in c.fetchall()}
    return tuple(
        parts.Part(
            p.cohorts, p.rows, p.brought,
            namesakes=tuple((row, str(own), str(other)) for row, own, other in met if cohort[row] in p.cohorts),
        )
        for p in found
    )  # fmt: skip


def _run(batch_id: int, asked: Asked, hands: int) -> None:
    """Publish the parts that wait, and close the batch. Whatever breaks a part (the database gone, say) is raised when
    the others have come to their end; the job is then done again.
    """
    with transaction.atomic(), acting("intake"):
        # A part that comes on record meanwhile writes its plan and its rows at once: both are read behind it.
        batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
        plan = parts.plan_of(batch.counts)
        if plan is None or batch.state != BatchState.PUBLISHING:
            return
        if plan.waiting and not staging.any_left(batch_id):
            send_back([batch_id])
            return
    numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
    for n in plan.waiting:
        numbers.put(n)
    faults: list[str] = []
    broken: list[BaseException] = []

    def work() -> None:
        while not broken:
            try:
                n = numbers.get_nowait()
            except queue.Empty:
                return
            try:
                _publish_part(batch_id, asked, n)
            except (IntakeError, PermissionDenied) as error:
                faults.append(str(error))
            except BaseException as error:
                broken.append(error)

    def lend_a_hand() -> None:
        try:
            work()
        finally:
            connection.close()

    # Inside somebody's transaction there is one connection only.
    helpers = 0 if connection.in_atomic_block else min(hands, len(plan.waiting)) - 1
    threads = [threading.Thread(target=lend_a_hand) for _hand in range(helpers)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    _close(batch_id, asked, sorted(set(faults)))


def _publish_part(batch_id: int, asked: Asked, n: int) -> None:
    """One part on record, in a transaction that is whole in itself; children whom somebody else has recorded meanwhile
    are left out. A part that is on record already is left alone. Raises `IntakeError`, `PermissionDenied`.
    """
    without: tuple[int, ...] = ()
    for _attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                _enter_part(batch_id, asked, n, without)
            return
        except publishing.Conflict as conflict:
            without = tuple(sorted({*without, *conflict.rows}))
    raise IntakeError(_("发布期间不断有学生被其他人建立学籍, 请稍后重新发布"))


def _enter_part(batch_id: int, asked: Asked, n: int, without: tuple[int, ...]) -> None:
    actor = asked.enter()
    actor.require("intake.import")
    now = timezone.now()
    batch = queries.batch(actor, batch_id)
    with acting("intake"):
        with connection.cursor() as c:
            # Whoever comes second, after a crash of the first say, waits and finds the part done.
            c.execute(
                "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"intake.part:{batch_id}:{n}"]
            )
        batch.refresh_from_db()
    plan = parts.plan_of(batch.counts)
    if batch.state != BatchState.PUBLISHING or plan is None or plan.parts[n].done is not None:
        return
    part = plan.parts[n]
    school = queries.school_facts(batch.school_id)
    gates.require_open(school)
    article, scheme = policy(school)
    rows = part.of(batch_id, without)
    if part.brought:
        brought_again(rows, scheme.id if scheme else AUXILIARY)
    with acting("intake"):
        done = publishing.publish_rows(rows, school, actor, now, article, scheme)
    out = set(without)
    open_problems(
        actor, [(uuid.UUID(own), uuid.UUID(other)) for row, own, other in part.namesakes if row not in out]
    )
    record(
        actor,
        "intake.publish_part",
        object_type="import_batch",
        object_id=batch_id,
        after={"part": n + 1, "of": len(plan.parts), "published": done.rows, "classes": done.classes},
        row_count=done.rows,
        digest=done.digest,
    )
    with acting("intake"):
        # Nothing waits for the commit but this row: every key was checked before.
        batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
        plan = parts.plan_of(batch.counts)
        if plan is None or batch.state != BatchState.PUBLISHING:
            raise IntakeError(_("这个批次已经不在发布中"))
        plan = plan.having(n, done)
        batch.counts |= {parts.PLAN: plan.as_json()}
        batch.progress = max(1, min(99, 100 * plan.done // sum(p.rows for p in plan.parts)))
        batch.published_at, batch.publisher_id = now, actor.user_id
        batch.save(update_fields=["counts", "progress", "published_at", "publisher_id"])


def _close(batch_id: int, asked: Asked, faults: Sequence[str]) -> None:
    """After the last part: one entry for the whole publication, over the digests of its parts, and the batch as it stands
    now. Rows that met somebody else's children are marked as duplicates. Nothing happens without parts.
    """
    with transaction.atomic():
        who = who_asked(asdict(asked))
        with acting("intake"):
            batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
            plan = parts.plan_of(batch.counts)
            if plan is None or batch.state != BatchState.PUBLISHING:
                return
            good = staging.good(batch_id)
        if good:
            mark_again(batch_id)
        with acting("intake"):
            batch.refresh_from_db()
            counts = staging.count(batch_id)
            counts["published"] = batch.counts.get("published", 0) + plan.done
            counts["total"] += counts["published"]
            left = counts["total"] - counts["published"]
            batch.counts = {k: v for k, v in batch.counts.items() if k != parts.PLAN} | counts
            batch.state = BatchState.CHECKED if left else BatchState.PUBLISHED
            still = counts["ok"] + counts["warning"]
            batch.problem = _why(plan.done, good - still, still, faults)[:500]
            batch.progress = 100
            batch.version += 1
            batch.save()
        vouch(who, batch_id, plan, left)


def _why(published: int, taken: int, left: int, faults: Sequence[str]) -> str:
    """What the batch says of good rows that were not published: children whom others recorded, and parts refused."""
    if not taken and not left:
        return ""
    text = _("本次已发布 %(done)s 行") % {"done": published}
    if taken:
        text += _("。另有 %(n)s 行的学生在发布期间已由其他人建立学籍, 没有发布, 已标为重复") % {"n": taken}
    if left:
        text += _("。还有 %(n)s 行没有发布: %(why)s") % {"n": left, "why": "; ".join(faults)}
    return text
