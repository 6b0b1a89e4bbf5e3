"""Columns that the system did not understand: somebody says what they are, and the school need not say it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.sheets.read import plain_label

from .. import queries
from ..columns import Mapping as Columns
from ..columns import can_be, name_of
from ..errors import IntakeError
from ..models import BatchState, ImportBatch, KnownHeading
from .bring import INLINE, file_of, opened, rest, run_check


def match_columns(
    actor: Any, batch_id: int, given: Mapping[int, str], *, inline: bool | None = None
) -> ImportBatch:
    """Say what the sheet's columns are (C-COL-06): number of the column (from 0) -> key of the field, '' to leave it
    out. Kept for the school, so that its next sheet is understood at once; then the file is checked again.

    Raises Http404; `IntakeError` for a field given twice, one that there is not, a batch that is past that point.
    """
    actor.require("intake.import")
    with transaction.atomic():
        batch = opened(actor, batch_id, BatchState.MATCHING)
        kept = {k: batch.counts[k] for k in ("published", "undone") if batch.counts.get(k)}
        # Unless nobody knows what its columns are: the rows on record are left out when it is read again.
        if kept.get("published") and batch.state != BatchState.MATCHING:
            raise IntakeError(
                _("这个批次已经有学生建立学籍, 不能再改列的对应。请把其余的行另存为新的表格上传")
            )
        mapping = Columns.from_json(queries.columns_of(batch))
        meant = _meant(mapping, given)
        with acting("intake"):
            for heading, key in meant.items():
                KnownHeading.objects.update_or_create(
                    school_id=batch.school_id,
                    heading=heading,
                    defaults={"county_id": batch.county_id, "key": key, "set_by": actor.user_id},
                )
            ImportBatch.objects.filter(pk=batch_id).update(
                state=BatchState.UPLOADED, problem="", progress=0, mapping=rest(batch), counts=kept
            )
        record(
            actor, "intake.match_columns", object_type="import_batch", object_id=batch_id, after=dict(meant)
        )
        data = file_of(batch)
        if len(data) < INLINE if inline is None else inline:
            run_check(batch_id, data=data)
        else:
            from ..tasks import check_batch

            check_batch.defer(batch_id=batch_id)
    batch.refresh_from_db()
    return batch


def _meant(mapping: Columns, given: Mapping[int, str]) -> dict[str, str]:
    """Headings and what they mean, of the columns that somebody spoke of."""
    taken = {key: at for key, at in mapping.columns.items() if at not in given}
    meant: dict[str, str] = {}
    for at, key in sorted(given.items()):
        if not 0 <= at < len(mapping.header) or not plain_label(mapping.header[at]):
            raise IntakeError(_("表格里没有这一列, 请刷新页面后再选"))
        if key:
            if not can_be(key):
                raise IntakeError(_("没有这个项目, 请重新选择"))
            if key in taken:
                text = _("“%(name)s”选了两次(%(one)s、%(two)s), 每个项目只能对应一列")
                labels = {"one": mapping.header[taken[key]], "two": mapping.header[at]}
                raise IntakeError(text % {"name": name_of(key), **labels})
            taken[key] = at
        meant[plain_label(mapping.header[at])[:100]] = key
    return meant
