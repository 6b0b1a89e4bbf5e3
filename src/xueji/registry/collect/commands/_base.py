"""What every deed on a form needs: the locked row of a form in the actor's sight, its line of history, the audit."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from .. import queries
from ..errors import CollectError
from ..models import Entry, Form, Task


@contextmanager
def opened(
    actor: Any, task_id: int, person_id: uuid.UUID, version: int | None = None
) -> Iterator[tuple[Task, Form]]:
    """A form of an open task, locked, in the writing role. Raises Http404 for one that the actor does not see,
    `CollectError` when the task is closed or somebody else was faster.
    """
    task, _seen = queries.form(actor, task_id, person_id)
    with transaction.atomic():
        with acting("writer"):
            task = Task.objects.get(pk=task_id)
            row = Form.objects.select_for_update().filter(task_id=task_id, person_id=person_id).first()
        if row is None:
            raise Http404
        if not task.open:
            raise CollectError(_("这项采集已经结束, 不能再改"))
        if version is not None and version != row.version:
            raise CollectError(_("这份信息刚刚有了变化, 请刷新后再办"))
        yield task, row


def save(row: Form, *fields: str) -> None:
    """Write these columns of a locked form."""
    row.version += 1
    values = {name: getattr(row, name) for name in (*fields, "version")}
    with transaction.atomic(), acting("writer"):
        Form.objects.filter(task_id=row.task_id, person_id=row.person_id).update(**values)


def tell(actor: Any, row: Form, action: str, text: str = "", **after: Any) -> None:
    """One line of the form's history, and the audit entry of the deed."""
    with transaction.atomic(), acting("writer"):
        Entry.objects.create(
            task_id=row.task_id,
            person_id=row.person_id,
            school_id=row.school_id,
            class_id=row.class_id,
            user_id=actor.user_id,
            user_name=actor.user_name[:60],
            action=action,
            text=text[:300],
        )
    record(
        actor,
        f"collect.{action}",
        object_type="collect_form",
        object_id=row.task_id,
        person_id=row.person_id,
        after={"state": str(row.state), **after},
    )


def tell_many(actor: Any, rows: Sequence[Form], action: str, text: str = "") -> None:
    """As `tell` for many forms, in one statement and one audit entry that names all of them."""
    if not rows:
        return
    with transaction.atomic(), acting("writer"):
        Entry.objects.bulk_create(
            [
                Entry(
                    task_id=r.task_id,
                    person_id=r.person_id,
                    school_id=r.school_id,
                    class_id=r.class_id,
                    user_id=actor.user_id,
                    user_name=actor.user_name[:60],
                    action=action,
                    text=text[:300],
                )
                for r in rows
            ],
            batch_size=1_000,
        )
    record(
        actor,
        f"collect.{action}",
        object_type="collect_task",
        object_id=rows[0].task_id,
        row_count=len(rows),
        persons=[r.person_id for r in rows],
    )


def words(text: str, least: int = 4) -> str:
    """A reason that says something. Raises `CollectError`."""
    said = " ".join(text.split())
    if len(said) < least:
        raise CollectError(_("请写明原因, 至少 %s 个字") % least)
    return said[:200]


def now() -> Any:
    """This moment."""
    return timezone.now()
