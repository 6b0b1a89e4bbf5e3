"""Bringing a sheet in: kept, read and checked into staging; the state of a batch after its rows changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.files import storage
from xueji.ground.files.models import StoredFile
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.guard import Limits
from xueji.ground.sheets.zipped import is_zipped_text, unpacked_size

from .. import books, queries, staging
from ..columns import Mapping as Columns
from ..columns import WrongColumns
from ..errors import IntakeError
from ..models import BatchState, ImportBatch
from ..parts import GO_ON, MENDED
from ..places import SchoolFacts
from ..stream import BIG, Outcome, check_stream

UPLOAD_LIMIT = 100 * 1024 * 1024
#: Files below this size are checked while the person waits.
INLINE = 700_000
#: Batches from this size on get statistics of their own.
MANY = 2_000
LIMITS = Limits(max_bytes=UPLOAD_LIMIT)
Progress = Callable[[int], None]


def upload(
    actor: Any, data: bytes, filename: str, *, school_id: int | None = None, inline: bool | None = None
) -> ImportBatch:
    """Take a sheet in (C-COL-06): keep it sealed, make a batch, check small ones at once and big ones in the
    background.

    Raises `PermissionDenied`; `IntakeError` when the actor's scope has no such school. What is wrong with the file
    itself is told by the batch (`state` failed, `problem`).
    """
    actor.require("intake.import")
    school = queries.import_facts(_school_of(actor, school_id))
    digest = hashlib.sha256(data).hexdigest()
    with transaction.atomic():
        with acting("intake"):
            batch = ImportBatch.objects.create(
                county_id=school.county_id,
                school_id=school.org_id,
                file_name=filename[-200:],
                file_sha256=digest,
                creator_id=actor.user_id,
                mapping={"assignment": actor.assignment_id},
                counts={"template": note} if (note := books.template_note(data, school)) else {},
            )
        if len(data) <= UPLOAD_LIMIT:
            _keep(actor, batch, data, school)
        record(
            actor,
            "intake.upload",
            object_type="import_batch",
            object_id=batch.id,
            after={"file": batch.file_name, "sha256": digest, "size": len(data)},
        )
        if len(data) < INLINE if inline is None else inline:
            run_check(batch.id, data=data, school=school)
        elif len(data) > UPLOAD_LIMIT:
            _fail(batch.id, str(SheetError("too_large", size=len(data) >> 20, limit=UPLOAD_LIMIT >> 20)))
        else:
            from ..tasks import check_batch

            check_batch.defer(batch_id=batch.id)
    batch.refresh_from_db()
    return batch


def check_only(actor: Any, data: bytes, filename: str, *, school_id: int | None = None) -> ImportBatch:
    """A checked batch without file and audit, for a transaction that is rolled back afterwards. Raises as `upload`."""
    actor.require("intake.import")
    school = queries.import_facts(_school_of(actor, school_id))
    with transaction.atomic(), acting("intake"):
        batch = ImportBatch.objects.create(
            county_id=school.county_id,
            school_id=school.org_id,
            file_name=filename[-200:],
            creator_id=actor.user_id,
        )
    run_check(batch.id, data=data, school=school)
    with transaction.atomic(), acting("intake"):
        batch.refresh_from_db()
    return batch


def _school_of(actor: Any, school_id: int | None) -> int:
    wanted = school_id or actor.org_id
    if wanted is None or wanted not in actor.orgs:
        raise IntakeError(_("只能为本单位的学校导入学生"))
    return int(wanted)


def _keep(actor: Any, batch: ImportBatch, data: bytes, school: SchoolFacts) -> None:
    """The file as it came, sealed: it holds identity numbers. Nobody can fetch it through the pages of files."""
    sealed = vault.seal(data, f"import_batch.file:{batch.id}")
    with acting("intake"):
        file = StoredFile(
            sha256=storage.write(sealed),
            size=len(data),
            mime="application/octet-stream",
            name=batch.file_name,
            purpose="import",
        )
        file.save(force_insert=True)
        batch.file_id = file.id
        batch.save(update_fields=["file_id"])


def file_of(batch: ImportBatch) -> bytes:
    """The file of a batch, opened. Raises Http404 when it is not kept."""
    with transaction.atomic(), acting("writer"):
        file = StoredFile.objects.filter(pk=batch.file_id).first() if batch.file_id else None
    if file is None:
        raise Http404
    return vault.open_bytes(storage.read(file.sha256), f"import_batch.file:{batch.id}")


def original(actor: Any, batch_id: int) -> tuple[bytes, ImportBatch]:
    """The file of a batch as it came, for whoever may import at that school; it holds whole numbers, so that it is in the
    audit with its digest. Raises Http404.
    """
    actor.require("intake.import")
    with transaction.atomic():
        batch = queries.batch(actor, batch_id)
        data = file_of(batch)
        record(
            actor,
            "intake.original",
            object_type="import_batch",
            object_id=batch_id,
            after={"file": batch.file_name, "sha256": batch.file_sha256},
            row_count=batch.counts.get("total", 0),
        )
    return data, batch


def again(actor: Any, batch_id: int) -> ImportBatch:
    """Bring the kept file of a batch anew, as a batch of its own: after an undo, or when the record has changed since.
    Raises as `upload` does, Http404.
    """
    actor.require("intake.import")
    batch = queries.batch(actor, batch_id)
    return upload(actor, file_of(batch), batch.file_name, school_id=batch.school_id)


_IN_CHECK = (BatchState.UPLOADED, BatchState.CHECKING)


def _in_check(batch_id: int) -> bool:
    """Whether a batch is still to be checked, held until the end of the transaction. Somebody may give it up meanwhile: then
    nothing that was read of it since stays. In the role `intake`.
    """
    if ImportBatch.objects.select_for_update().get(pk=batch_id).state in _IN_CHECK:
        return True
    staging.drop(batch_id)
    return False


def run_check(
    batch_id: int,
    *,
    data: bytes | None = None,
    school: SchoolFacts | None = None,
    progress: Progress | None = None,
    big: int = BIG,
) -> None:
    """Read and check the batch's file into staging, find duplicates, count. Safe to run again: it starts over.

    Called inside the upload's transaction for small files, by the worker for big ones (then each block of rows is a
    transaction of its own: staging is nothing legal, and the pages see it grow).
    """
    alone = not connection.in_atomic_block
    with transaction.atomic(), acting("intake"):
        batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
        if batch.state not in _IN_CHECK:
            return
        ImportBatch.objects.filter(pk=batch_id).update(state=BatchState.CHECKING, progress=1)
        staging.drop(batch_id)
        school = school or queries.import_facts(batch.school_id)
        index_key = vault.index_key()
    if data is None:
        data = file_of(batch)
    outcome = Outcome()
    # A rough idea of the number of rows, for the progress bar: a row of the full template takes some 350 bytes packed.
    expected = max(1, (unpacked_size(data) // 700 if is_zipped_text(data) else len(data) // 350))
    try:
        for block, _rows in check_stream(
            data, batch.file_name, school, batch_id, outcome, limits=LIMITS, big=big
        ):
            done = min(90, 5 + 85 * outcome.rows // max(expected, outcome.rows))
            with transaction.atomic(), acting("intake"):
                if alone:
                    # Staging is nothing legal: a crash takes it along anyway, so no block waits for the disk.
                    staging.no_waiting()
                staging.load(block)
                ImportBatch.objects.filter(pk=batch_id).update(progress=done)
            if progress is not None:
                progress(outcome.rows)
    except SheetError as error:
        _fail(batch_id, error.message_zh)
        return
    except WrongColumns as error:
        _ask_columns(batch_id, error, batch.mapping)
        return
    assert outcome.mapping is not None
    if batch.counts.get("published"):
        # Checked again after a crash: these are on record, the rest goes on.
        with transaction.atomic(), acting("intake"):
            staging.forget_published(batch_id)
    if outcome.rows >= MANY:
        # In a transaction of its own for the worker: the lock that it takes must not outlast it.
        with transaction.atomic(), acting("intake"):
            staging.analyze()
    with transaction.atomic():
        with acting("intake"):
            if not _in_check(batch_id):
                return
            renewed = vault.index_key() != index_key
            if not renewed:
                finish(
                    batch_id,
                    school,
                    outcome.mapping,
                    {"blank": outcome.blank, "left_out": outcome.left_out[:50], MENDED: False},
                    assignment=batch.mapping,
                )
        if not renewed and batch.counts.get(GO_ON):
            # With the check: a batch that waits for somebody is never one that was to go on.
            _go_on(batch_id)
    if renewed:
        # Blocks are staged one by one: some of these were indexed with a key that is no longer in force.
        run_check(batch_id, data=data, school=school, progress=progress, big=big)


def _go_on(batch_id: int) -> None:
    """The database stopped while this batch was published in parts: what is left of it goes the same way."""
    with transaction.atomic():
        with acting("intake"):
            batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
            asked = batch.counts.pop(GO_ON, None)
            good = batch.counts.get("ok", 0) + batch.counts.get("warning", 0)
            going = bool(asked and good and batch.state == BatchState.CHECKED)
            if going:
                batch.state, batch.progress = BatchState.PUBLISHING, 1
            elif batch.state == BatchState.CHECKED:
                text = _(
                    "数据库曾意外停止, 已发布的 %(n)s 行都在。系统已按原文件重新检查其余的行, 没有可以发布的行, 请修改后再发布"
                )
                batch.problem = text % {"n": batch.counts.get("published", 0)}
            else:
                batch.problem = ""
            batch.save(update_fields=["counts", "state", "progress", "problem"])
        if going:
            from ..tasks import publish_batch

            publish_batch.defer(batch_id=batch_id, **asked)


def _fail(batch_id: int, why: str) -> None:
    """The whole file is refused: nothing of it stays but the reason, and what was on record before."""
    with transaction.atomic(), acting("intake"):
        if not _in_check(batch_id):
            return
        staging.drop(batch_id)
        ImportBatch.objects.filter(pk=batch_id).update(
            state=BatchState.FAILED,
            problem=why[:500],
            progress=100,
            checked_at=timezone.now(),
            counts=_without_rows(batch_id),
        )


def _without_rows(batch_id: int) -> dict[str, Any]:
    """The counts of a batch of which no row waits any more, nor goes on by itself."""
    counts: dict[str, Any] = ImportBatch.objects.select_for_update().get(pk=batch_id).counts
    kept = {k: v for k, v in counts.items() if k not in (GO_ON, MENDED)}
    if not kept.get("published"):
        return kept
    none = dict.fromkeys(("ok", "warning", "error", "duplicate"), 0)
    return kept | none | {"faults": [], "total": kept["published"]}


def _ask_columns(batch_id: int, error: WrongColumns, kept: Mapping[str, Any]) -> None:
    """The sheet was read, its headings were not understood: somebody says which column is what."""
    with transaction.atomic(), acting("intake"):
        if not _in_check(batch_id):
            return
        staging.drop(batch_id)
        ImportBatch.objects.filter(pk=batch_id).update(
            state=BatchState.MATCHING,
            problem=error.message[:500],
            progress=100,
            checked_at=timezone.now(),
            counts=_without_rows(batch_id),
            mapping={
                "assignment": kept.get("assignment"),
                **error.mapping.as_json(),
                "missing": error.missing,
            },
        )


def give_up(batch_id: int) -> None:
    """After a failure of the system itself in the worker: no batch is left in an unfinished state."""
    why = _("系统处理这个批次时出错, 没有写入学籍。请稍后重试; 仍不行时把批次号 %(id)s 报给系统管理员") % {
        "id": batch_id
    }
    with transaction.atomic(), acting("intake"):
        state = ImportBatch.objects.select_for_update().get(pk=batch_id).state
        if state == BatchState.PUBLISHING:
            ImportBatch.objects.filter(pk=batch_id).update(
                state=BatchState.CHECKED, problem=why, progress=100
            )
    if state in (BatchState.UPLOADED, BatchState.CHECKING):
        _fail(batch_id, why)


def finish(
    batch_id: int,
    school: SchoolFacts,
    mapping: Columns,
    counts: dict[str, Any],
    *,
    assignment: Mapping[str, Any],
) -> dict[str, Any]:
    """Find duplicates and count, after rows came or changed. In the role `intake`; holds the batch's row, so that nothing
    that somebody else does with it meanwhile is written over.
    """
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    found: dict[int, list[dict[str, str]]] = {}
    for hit in staging.find_duplicates(batch_id):
        key = "id_number" if hit.kind.endswith("identity") else "name"
        found.setdefault(hit.row_no, []).append(
            staging.duplicate_issue(
                hit, school.org_id, school.today, mapping.label(key), sheets=mapping.sheets
            )
        )
    staging.mark_duplicates(batch_id, found)
    published = batch.counts.get("published", 0)
    merged = {**batch.counts, **counts, **staging.count(batch_id)}
    merged["published"] = published
    merged["total"] += published
    left = merged["total"] - published
    batch.counts = merged
    batch.mapping = {**assignment, **mapping.as_json()}
    batch.state = BatchState.CHECKED if left else BatchState.PUBLISHED
    batch.progress = 100
    batch.checked_at = timezone.now()
    batch.version += 1
    batch.save()
    return merged


def opened(actor: Any, batch_id: int, *also: BatchState) -> ImportBatch:
    """The batch, locked, in a state in which its rows may change. Raises Http404, `IntakeError`."""
    batch = queries.batch(actor, batch_id)
    if batch.kind != "enrol":
        raise Http404
    with acting("intake"):
        batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    if batch.state not in (BatchState.CHECKED, *also):
        text = _("这个批次现在是“%(state)s”, 不能这样办理。请刷新页面查看")
        raise IntakeError(text % {"state": batch.get_state_display()})
    return batch


def rest(batch: ImportBatch) -> dict[str, Any]:
    return {k: v for k, v in batch.mapping.items() if k == "assignment"}
