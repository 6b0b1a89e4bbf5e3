"""After a crash: batches whose staged rows the database has lost are checked again from their kept file."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction
from django.utils.translation import gettext as _

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
    unless rows of it were mended here: those mends are lost, and somebody confirms the rest anew.
    """
    why = _(
        "数据库曾意外停止, 系统已按原文件重新检查这个批次, 没有漏掉也没有重复建立任何一行。此前在网页上改过的单元格请再改一次"
    )
    on = _("数据库曾意外停止。已发布的行都在, 系统正按原文件重新检查其余的行, 检查完自动继续发布")
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
                batch.state, batch.progress = BatchState.UPLOADED, 0
                batch.problem = (on if going else why)[:500]
            ImportBatch.objects.bulk_update(batches, ["counts", "state", "progress", "problem"])
        from ..tasks import check_batch

        for batch in batches:
            check_batch.defer(batch_id=batch.pk)
