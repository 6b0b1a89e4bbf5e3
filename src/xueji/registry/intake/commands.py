"""The only code that writes batches: bring a sheet, check it, repair rows, publish, discard."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import enter
from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.files import storage
from xueji.ground.files.models import StoredFile
from xueji.ground.policy.library import library
from xueji.ground.policy.model import NumberScheme
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.guard import Limits
from xueji.ground.sheets.read import open_sheet

from . import books, publishing, queries, repair, staging
from .columns import ROW, WrongColumns, map_columns, name_of
from .columns import Mapping as Columns
from .errors import IntakeError, PublishConflict
from .models import BatchState, ImportBatch
from .places import SchoolFacts
from .reports import CheckReport, check_file
from .stream import BIG, Outcome, check_stream

UPLOAD_LIMIT = 100 * 1024 * 1024
#: Files below this size are checked while the person waits.
INLINE = 700_000
#: Rows published while the person waits.
AT_ONCE = 3_000
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
    school = queries.school_facts(_school_of(actor, school_id))
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
            from .tasks import check_batch

            check_batch.defer(batch_id=batch.id)
    batch.refresh_from_db()
    return batch


def check_only(actor: Any, data: bytes, filename: str, *, school_id: int | None = None) -> ImportBatch:
    """A checked batch without file and audit, for a transaction that is rolled back afterwards. Raises as `upload`."""
    actor.require("intake.import")
    school = queries.school_facts(_school_of(actor, school_id))
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
    with transaction.atomic(), acting("intake"):
        batch = ImportBatch.objects.get(pk=batch_id)
        if batch.state not in (BatchState.UPLOADED, BatchState.CHECKING):
            return
        ImportBatch.objects.filter(pk=batch_id).update(state=BatchState.CHECKING, progress=1)
        staging.drop(batch_id)
        school = school or queries.school_facts(batch.school_id)
    if data is None:
        data = file_of(batch)
    outcome = Outcome()
    # A rough idea of the number of rows, for the progress bar: a row of the full template takes some 350 bytes.
    expected = max(1, len(data) // 350)
    try:
        for block, _rows in check_stream(
            data, batch.file_name, school, batch_id, outcome, limits=LIMITS, big=big
        ):
            done = min(90, 5 + 85 * outcome.rows // max(expected, outcome.rows))
            with transaction.atomic(), acting("intake"):
                staging.load(block)
                ImportBatch.objects.filter(pk=batch_id).update(progress=done)
            if progress is not None:
                progress(outcome.rows)
    except SheetError as error:
        _fail(batch_id, error.message_zh)
        return
    except WrongColumns as error:
        _fail(batch_id, error.message)
        return
    assert outcome.mapping is not None
    with transaction.atomic(), acting("intake"):
        _finish(batch_id, school, outcome.mapping, {"blank": outcome.blank}, assignment=batch.mapping)


def _fail(batch_id: int, why: str) -> None:
    """The whole file is refused: nothing of it stays but the reason."""
    with transaction.atomic(), acting("intake"):
        staging.drop(batch_id)
        ImportBatch.objects.filter(pk=batch_id).update(
            state=BatchState.FAILED, problem=why[:500], progress=100, checked_at=timezone.now()
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


def _finish(
    batch_id: int,
    school: SchoolFacts,
    mapping: Columns,
    counts: dict[str, Any],
    *,
    assignment: Mapping[str, Any],
) -> dict[str, Any]:
    """Find duplicates and count, after rows came or changed. In the role `intake`."""
    found: dict[int, list[dict[str, str]]] = {}
    for hit in staging.find_duplicates(batch_id):
        key = "id_number" if hit.kind.endswith("identity") else "name"
        found.setdefault(hit.row_no, []).append(
            staging.duplicate_issue(hit, school.org_id, school.today, mapping.label(key))
        )
    staging.mark_duplicates(batch_id, found)
    batch = ImportBatch.objects.get(pk=batch_id)
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


def open_row(actor: Any, batch_id: int, row_no: int) -> dict[str, str]:
    """Everything that was typed in a row, by field, for the page that edits it whole: numbers in full, so it is in the
    audit. Raises Http404, `IntakeError`.
    """
    actor.require("intake.import")
    with transaction.atomic():
        values = queries.typed_values(actor, _open(actor, batch_id), row_no)
        record(
            actor, "intake.open_row", object_type="import_batch", object_id=batch_id, after={"row": row_no}
        )
    return values


def edit_row(actor: Any, batch_id: int, row_no: int, values: Mapping[str, str]) -> queries.RowView:
    """Put other values into a row that is not published, check it again, and the batch's duplicates (C-COL-14).

    `values` has field keys; returns the row as it stands now. Raises Http404, `IntakeError`.
    """
    actor.require("intake.import")
    with transaction.atomic():
        batch = _open(actor, batch_id)
        school = queries.school_facts(batch.school_id)
        with acting("intake"):
            mapping = Columns.from_json(queries.columns_of(batch))
            before = repair.raw_row(batch_id, row_no)
            if before is None:
                raise Http404
            for key, text in values.items():
                name_of(key)
                at = mapping.place(key)
                before.extend([""] * (at + 1 - len(before)))
                before[at] = text.strip()
            repair.replace_rows(batch_id, school, mapping, {row_no: before})
            _finish(batch_id, school, mapping, {}, assignment=_rest(batch))
        record(
            actor,
            "intake.edit_row",
            object_type="import_batch",
            object_id=batch_id,
            after={"row": row_no, "fields": sorted(values)},
        )
    return queries.row(actor, batch_id, row_no)


def correct(actor: Any, batch_id: int, data: bytes, filename: str) -> int:
    """Take a corrected error book back: rows of the batch with the numbers in its column 行号 are replaced, nothing
    else changes. Returns how many. Raises `IntakeError` (also for a file that cannot be read), Http404.
    """
    actor.require("intake.import")
    with transaction.atomic():
        batch = _open(actor, batch_id)
        school = queries.school_facts(batch.school_id)
        try:
            reader = open_sheet(data, filename, limits=Limits(max_bytes=UPLOAD_LIMIT))
            came = map_columns(reader, partial=True)
        except SheetError as error:
            raise IntakeError(error.message_zh) from error
        if ROW not in came.columns:
            raise IntakeError(_("这不是从本批次下载的错误清单(没有“行号”列)。整份表格请另外上传为新的批次"))
        mapping = Columns.from_json(queries.columns_of(batch))
        with acting("intake"):
            rows = repair.corrections(reader, came, mapping, batch_id)
            if not rows:
                raise IntakeError(_("没有找到要更正的行: “行号”与本批次未发布的行都对不上"))
            repair.replace_rows(batch_id, school, mapping, rows)
            _finish(batch_id, school, mapping, {}, assignment=_rest(batch))
        record(
            actor,
            "intake.correct",
            object_type="import_batch",
            object_id=batch_id,
            after={"file": filename[-200:], "rows": len(rows), "sha256": hashlib.sha256(data).hexdigest()},
            row_count=len(rows),
        )
    return len(rows)


def error_book(actor: Any, batch_id: int) -> bytes:
    """The rows that cannot be imported as a workbook to be corrected (C-COL-06). It leaves with personal data, so it
    is in the audit. Raises `IntakeError` when there are none, Http404.
    """
    actor.require("intake.import")
    with transaction.atomic():
        batch = queries.batch(actor, batch_id)
        with acting("intake"):
            rows = repair.raw_rows(batch_id)
            found: dict[int, Any] = {}
            for fault in repair.faults(batch_id):
                if fault["severity"] != "note":
                    found.setdefault(fault["row"], []).append(fault)
        if not rows:
            raise IntakeError(_("没有需要修改的行"))
        record(
            actor, "intake.error_book", object_type="import_batch", object_id=batch_id, row_count=len(rows)
        )
        return books.error_book(Columns.from_json(queries.columns_of(batch)), rows, found)


@dataclass(frozen=True)
class PublishResult:
    """What was published and what is left."""

    published: int
    classes: int
    left: int


def publish(actor: Any, batch_id: int, *, expected: int | None = None) -> PublishResult:
    """Put the good rows on record in one transaction (C-NUM-01): all of them or none.

    `expected` is the number of rows that the person confirmed. Raises `PublishConflict` when children were recorded
    by somebody else since the check (the rows are marked), `IntakeError`, Http404.
    """
    actor.require("intake.import")
    now = timezone.now()
    try:
        with transaction.atomic():
            batch = _open(actor, batch_id, BatchState.PUBLISHING)
            good = batch.counts.get("ok", 0) + batch.counts.get("warning", 0)
            if expected is not None and expected != good:
                raise IntakeError(_("可以导入的行数已变为 %(n)s 行, 请刷新后重新确认") % {"n": good})
            school = queries.school_facts(batch.school_id)
            article, scheme = _policy(school)
            with acting("intake"):
                done = publishing.publish_rows(batch_id, school, actor, now, article, scheme)
                counts = staging.count(batch_id)
                counts["published"] = batch.counts.get("published", 0) + done.rows
                counts["total"] += counts["published"]
                left = counts["total"] - counts["published"]
                batch.counts = {**batch.counts, **counts}
                batch.published_at = now
                batch.state = BatchState.CHECKED if left else BatchState.PUBLISHED
                batch.version += 1
                batch.save()
            record(
                actor,
                "intake.publish",
                object_type="import_batch",
                object_id=batch_id,
                after={"published": done.rows, "classes": done.classes, "left": left},
                row_count=done.rows,
                digest=done.digest,
            )
    except publishing.Conflict as conflict:
        _mark_again(batch_id)
        shown = "、".join(str(n) for n in conflict.rows[:10]) + (_(" 等") if len(conflict.rows) > 10 else "")
        raise PublishConflict(
            _(
                "第 %(rows)s 行的学生刚刚已由其他人建立学籍, 本次没有发布任何一行。这些行已标为重复, 其余的行可以重新发布"
            )
            % {"rows": shown},
            conflict.rows,
        ) from None
    return PublishResult(done.rows, done.classes, left)


def request_publish(actor: Any, batch_id: int, *, expected: int) -> PublishResult | None:
    """Publish a small batch at once; leave a big one to the worker (None) and show its progress meanwhile.

    Raises as `publish` does.
    """
    actor.require("intake.import")
    batch = queries.batch(actor, batch_id)
    good = batch.counts.get("ok", 0) + batch.counts.get("warning", 0)
    if good <= AT_ONCE:
        return publish(actor, batch_id, expected=expected)
    with transaction.atomic():
        _open(actor, batch_id)
        if expected != good:
            raise IntakeError(_("可以导入的行数已变为 %(n)s 行, 请刷新后重新确认") % {"n": good})
        with acting("intake"):
            ImportBatch.objects.filter(pk=batch_id).update(
                state=BatchState.PUBLISHING, problem="", progress=50
            )
        from .tasks import publish_batch

        publish_batch.defer(
            batch_id=batch_id, user_id=actor.user_id, assignment_id=actor.assignment_id, address=actor.address
        )
    return None


def publish_for(batch_id: int, user_id: int, assignment_id: int, address: str) -> None:
    """The worker's part of `request_publish`: in the scope of the person who asked; a refusal is left on the batch."""
    why = ""
    try:
        with transaction.atomic():
            actor = enter(user_id, assignment_id, address=address)
            if actor is None:
                raise IntakeError(_("发布人的账号已停用, 没有发布"))
            publish(actor, batch_id)
    except PublishConflict as error:
        # The roll-back took the marks along; they are set again on their own.
        _mark_again(batch_id)
        why = error.message
    except (IntakeError, PermissionDenied) as error:
        why = str(error)
    if why:
        with transaction.atomic(), acting("intake"):
            ImportBatch.objects.filter(pk=batch_id).update(
                state=BatchState.CHECKED, problem=why[:500], progress=100
            )


def _mark_again(batch_id: int) -> None:
    with transaction.atomic(), acting("intake"):
        batch = ImportBatch.objects.get(pk=batch_id)
        mapping = Columns.from_json(queries.columns_of(batch))
        _finish(batch_id, queries.school_facts(batch.school_id), mapping, {}, assignment=_rest(batch))


def discard(actor: Any, batch_id: int) -> None:
    """Give the unpublished rows of a batch up. What was published stays published. Raises `IntakeError`, Http404."""
    actor.require("intake.import")
    with transaction.atomic():
        batch = queries.batch(actor, batch_id)
        if batch.state in (BatchState.PUBLISHED, BatchState.DISCARDED):
            raise IntakeError(_("这个批次已经办结, 不能放弃"))
        published = batch.counts.get("published", 0)
        with acting("intake"):
            staging.drop(batch_id)
            ImportBatch.objects.filter(pk=batch_id).update(
                state=BatchState.PUBLISHED if published else BatchState.DISCARDED,
                counts={
                    **batch.counts,
                    "ok": 0,
                    "warning": 0,
                    "error": 0,
                    "duplicate": 0,
                    "faults": [],
                    "total": published,
                },
                version=batch.version + 1,
            )
        record(
            actor,
            "intake.discard",
            object_type="import_batch",
            object_id=batch_id,
            before={k: batch.counts.get(k, 0) for k in ("ok", "warning", "error", "duplicate")},
        )


def _open(actor: Any, batch_id: int, *also: BatchState) -> ImportBatch:
    """The batch, locked, in a state in which its rows may change. Raises Http404, `IntakeError`."""
    batch = queries.batch(actor, batch_id)
    with acting("intake"):
        batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    if batch.state not in (BatchState.CHECKED, *also):
        text = _("这个批次现在是“%(state)s”, 不能这样办理。请刷新页面查看")
        raise IntakeError(text % {"state": batch.get_state_display()})
    return batch


def _rest(batch: ImportBatch) -> dict[str, Any]:
    return {k: v for k, v in batch.mapping.items() if k == "assignment"}


def _policy(school: SchoolFacts) -> tuple[str, NumberScheme | None]:
    """The article that enrolments of the place rest on, and its scheme of auxiliary numbers."""
    rules = library().resolve(library().ids_for(school.division, school.code), school.today)
    cite = rules.business("enrol").cite
    local = [s for s in rules.number_schemes() if not s.reserved and s.life == "school"]
    return f"{cite.source.title} {cite.article}", local[0] if local else None


__all__ = [
    "CheckReport",
    "PublishResult",
    "check_file",
    "correct",
    "discard",
    "edit_row",
    "error_book",
    "give_up",
    "open_row",
    "publish",
    "publish_for",
    "request_publish",
    "run_check",
    "upload",
]
