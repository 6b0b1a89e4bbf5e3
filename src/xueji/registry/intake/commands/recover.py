"""After a crash: batches whose staged rows the database has lost are checked again from their kept file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import enter
from xueji.ground.audit.commands import Who, record
from xueji.ground.db.scope import acting

from .. import parts
from ..models import BatchState, ImportBatch

#: Batches taken up at one tick of the clock.
_AT_ONCE = 20
_WAITING = ("ok", "warning", "error", "duplicate")


def resume_lost() -> int:
    """Send batches back to the check whose rows were in staging (which is unlogged) when the database stopped without
    warning: the kept file is read again, rows that are on record already are left out. Returns how many.

    A duty of the worker's clock. What was mended in the grid is gone with the rows, and the batch says so. A batch in
    somebody's hands is passed over: it is locked.
    """
    waiting = " + ".join(f"coalesce((b.counts ->> '{key}')::int, 0)" for key in _WAITING)
    with transaction.atomic():
        with acting("intake"), connection.cursor() as c:
            c.execute(
                "select b.id from import_batch b where b.kind = 'enrol' and b.file_id is not null"
                f" and b.state in ('checked', 'publishing') and {waiting} > 0"
                " and not exists (select 1 from staged_row s where s.batch_id = b.id)"
                # Its last part is on record: nothing was lost, its job has yet to close it.
                " and not (b.counts -> 'parts' is not null and not exists (select 1"
                "   from jsonb_array_elements(b.counts -> 'parts' -> 'parts') p where p ->> 'done' is null))"
                " order by b.id limit %s for update of b skip locked",
                [_AT_ONCE],
            )
            lost = [row[0] for row in c.fetchall()]
        send_back(lost)
    return len(lost)


def send_back(batch_ids: Sequence[int]) -> None:
    """Have these batches read and checked again; one whose publication had begun goes on with it by itself,
    unless rows of it were mended here: those mends are lost, and somebody confirms the rest anew. What it has put on record
    so far is closed with an entry of its own.
    """
    why = _(
        "数据库曾意外停止, 系统已按原文件重新检查这个批次, 没有漏掉也没有重复建立任何一行。此前在网页上改过的单元格请再改一次"
    )
    on = _("数据库曾意外停止。已发布的行都在, 系统正按原文件重新检查其余的行, 检查完自动继续发布")
    ended: list[tuple[int, parts.Plan, int]] = []
    with transaction.atomic():
        with acting("intake"):
            batches = list(ImportBatch.objects.select_for_update().filter(pk__in=batch_ids))
            for batch in batches:
                plan = parts.plan_of(batch.counts)
                # Nobody has confirmed the file as it came when rows of it were mended here.
                going = plan is not None and not batch.counts.get(parts.MENDED)
                batch.counts = {k: v for k, v in parts.folded(batch.counts).items() if k != parts.GO_ON}
                if plan is not None and going:
                    batch.counts[parts.GO_ON] = plan.asked
                if plan is not None and plan.done:
                    ended.append((batch.pk, plan, batch.counts.get("total", 0) - batch.counts["published"]))
                batch.state, batch.progress = BatchState.UPLOADED, 0
                batch.problem = (on if going else why)[:500]
            ImportBatch.objects.bulk_update(batches, ["counts", "state", "progress", "problem"])
        for batch_id, plan, left in ended:
            vouch(who_asked(plan.asked), batch_id, plan, left)
        from ..tasks import check_batch

        for batch in batches:
            check_batch.defer(batch_id=batch.pk)


def who_asked(asked: Mapping[str, Any]) -> Any:
    """Whoever asked for a publication in parts, in whose name it is entered, even if the account was closed meanwhile."""
    user_id, address = asked["user_id"], asked["address"]
    return enter(user_id, asked["assignment_id"], address=address) or Who(user_id, "", "", None, address)


def vouch(who: Any, batch_id: int, plan: parts.Plan, left: int) -> None:
    """One entry for all parts of a plan that are on record, over their digests; `left` rows of the batch are not."""
    record(
        who,
        "intake.publish",
        object_type="import_batch",
        object_id=batch_id,
        after={
            "published": plan.done,
            "classes": sum(p.classes for p in plan.parts),
            "left": left,
            "parts": len(plan.parts),
        },
        row_count=plan.done,
        digest=plan.digest,
    )
