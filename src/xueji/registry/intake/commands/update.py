"""The round trip of a class list (C-COL-07): a sheet goes out with what is kept, and comes back with the gaps filled."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.registry.people import commands as people
from xueji.registry.people.errors import PeopleError

from .. import queries, updating
from ..errors import IntakeError
from ..models import BatchState, ImportBatch
from .bring import LIMITS, UPLOAD_LIMIT, _keep, file_of


def update_book(actor: Any, class_id: int) -> tuple[bytes, str]:
    """A class's list with its ordinary data, key facts masked and locked; returns the workbook and the class's name.
    It leaves with personal data: in the audit with the pupils. Raises `IntakeError` for an empty class, Http404.
    """
    actor.require("intake.import")
    actor.require("student.edit")
    with transaction.atomic():
        school_id, title = updating.class_of(actor, class_id)
        school = queries.school_facts(school_id)
        rows = updating.pupils(actor, school_id, class_id=class_id)
        if not rows:
            raise IntakeError(_("这个班没有在读的学生"))
        data = updating.book(school, rows, title)
        record(
            actor,
            "intake.update_book",
            object_type="school_class",
            object_id=class_id,
            row_count=len(rows),
            persons=[p.person_id for p in rows],
        )
    return data, title


def bring_update(actor: Any, data: bytes, filename: str) -> ImportBatch:
    """Take a completed list in: the file is kept and hashed, nothing is changed yet. Raises `IntakeError` for a sheet that
    is not such a list.
    """
    actor.require("intake.import")
    actor.require("student.edit")
    if len(data) > UPLOAD_LIMIT:
        raise IntakeError(_("文件超过 %(limit)s MB, 请分成几个文件上传") % {"limit": UPLOAD_LIMIT >> 20})
    school = queries.school_facts(actor.org_id)
    with transaction.atomic():
        found = updating.plan(actor, school, data, filename, limits=LIMITS)
        digest = hashlib.sha256(data).hexdigest()
        with acting("intake"):
            batch = ImportBatch.objects.create(
                county_id=school.county_id,
                school_id=school.org_id,
                kind="update",
                state=BatchState.CHECKED,
                file_name=filename[-200:],
                file_sha256=digest,
                creator_id=actor.user_id,
                mapping={"assignment": actor.assignment_id},
                counts=_counts(found),
                progress=100,
                checked_at=timezone.now(),
            )
        _keep(actor, batch, data, school)
        record(
            actor,
            "intake.upload",
            object_type="import_batch",
            object_id=batch.pk,
            after={"file": batch.file_name, "sha256": digest, "size": len(data), "kind": "update"},
        )
    return batch


def _counts(found: updating.Plan) -> dict[str, int]:
    good, refused = len(found.good), len(found.refused)
    return {
        "total": good + refused + found.unchanged, "ok": good, "error": refused, "unchanged": found.unchanged,
        "published": 0,
    }  # fmt: skip


def plan_of(actor: Any, batch: ImportBatch) -> updating.Plan:
    """What the kept sheet would change now. Raises `IntakeError`, Http404."""
    actor.require("intake.import")
    school = queries.school_facts(batch.school_id)
    return updating.plan(actor, school, file_of(batch), batch.file_name, limits=LIMITS)


def apply_update(actor: Any, batch_id: int, *, expected: int) -> int:
    """Write what the sheet changes, for every matched pupil at once, with before and after in the audit; rows that are
    refused and pupils of whom nothing changed stay as they are. Returns how many pupils.

    `expected` is the number that the person confirmed. Raises `IntakeError`, PermissionDenied, Http404.
    """
    actor.require("intake.import")
    with transaction.atomic():
        batch = queries.batch(actor, batch_id)
        with acting("intake"):
            batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        if batch.kind != "update" or batch.state != BatchState.CHECKED:
            raise IntakeError(_("这个批次已经办结"))
        found = plan_of(actor, batch)
        good = found.good
        if len(good) != expected:
            raise IntakeError(_("可以更新的学生已变为 %(n)s 名, 请刷新后重新确认") % {"n": len(good)})
        if not good:
            raise IntakeError(_("没有要更新的内容"))
        try:
            people.set_profiles(
                actor, {r.person_id: r.values for r in good if r.person_id}, source=f"import:{batch_id}"
            )
        except PeopleError as error:
            raise IntakeError(str(error)) from error
        with acting("intake"):
            batch.counts = _counts(found) | {"ok": 0, "published": len(good)}
            batch.state = BatchState.PUBLISHED
            batch.published_at, batch.publisher_id = timezone.now(), actor.user_id
            batch.version += 1
            batch.save()
        record(
            actor,
            "intake.update",
            object_type="import_batch",
            object_id=batch_id,
            after={"updated": len(good), "refused": len(found.refused), "unchanged": found.unchanged},
            row_count=len(good),
            persons=[r.person_id for r in good if r.person_id],
        )
    return len(good)
