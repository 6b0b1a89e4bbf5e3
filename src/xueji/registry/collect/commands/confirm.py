"""The school's confirmation: from here on what was accepted is in force (C-COL-15), key facts through their own door."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import Role
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.people import commands as people
from xueji.registry.people.commands.members import change_guardian
from xueji.registry.people.errors import BadValue

from .. import queries, sheet
from ..errors import CollectError
from ..held import Held, held, is_part, member_key
from ..models import Form, PupilNote, State, Task
from ..notes import place_of
from ._base import now, tell_many

#: Forms that are confirmed with one click: each with differences is an event of its own.
AT_ONCE = 60


def confirm(actor: Any, task_id: int, person_ids: Sequence[uuid.UUID]) -> int:
    """Confirm forms that the teacher has checked (学校已核): ordinary fields take effect with an event each, all or
    none; key facts wait for the registrar to begin their case. Returns how many.

    Raises PermissionDenied, Http404, `CollectError`.
    """
    actor.require("collect.confirm")
    task = queries.task(actor, task_id)
    if not task.open:
        raise CollectError(_("这项采集已经结束, 不能再改"))
    if actor.role != task.chain[-1]:
        raise PermissionDenied(_("按当地规则, 这项采集由%s确认") % _last(task))
    wanted = sorted(set(person_ids))[:AT_ONCE]
    ready = [State.CHECKED] if task.checks else [State.CHECKED, State.SENT]
    values = held(actor, wanted)
    with transaction.atomic():
        with acting("writer"):
            rows = list(
                Form.objects.select_for_update()
                .filter(task_id=task_id, school_id=actor.org_id, person_id__in=wanted, state__in=ready)
                .order_by("person_id")
            )
        rows = [r for r in rows if r.person_id in values]
        if not rows:
            raise CollectError(_("没有可以确认的信息, 请刷新"))
        if any(r.checked_by == actor.user_id for r in rows):
            raise CollectError(_("您核对过的信息要由另一位同事确认"))
        # Where nobody checks, whoever typed it for a family is the first pair of eyes.
        if any(not r.checked_by and r.way != "online" and r.entered_by == actor.user_id for r in rows):
            raise CollectError(_("您代家长录入的信息要由另一位同事确认"))
        for row in rows:
            _effect(actor, task, row, values[row.person_id])
        plain = [r for r in rows if not r.keys_wait]
        with acting("writer"):
            done = Form.objects.filter(task_id=task_id, person_id__in=[r.person_id for r in rows])
            done.update(
                state=State.DONE,
                confirmed_by=actor.user_id,
                confirmed_name=actor.user_name[:60],
                confirmed_at=now(),
            )
            # What is in force lies on record; nothing of it stays here.
            done.filter(person_id__in=[r.person_id for r in plain]).update(sealed=None)
            done.exclude(person_id__in=[r.person_id for r in plain]).update(keys_wait=True)
        tell_many(actor, rows, "confirm")
    return len(rows)


def _last(task: Task) -> str:
    return str(Role(task.chain[-1]).label)


def accepted(row: Form) -> dict[str, str]:
    """Answers that were not refused. Without a teacher in the chain the confirmation itself accepts all."""
    new: Mapping[str, str] = sheet.answers_of(row)["new"]
    return {k: v for k, v in new.items() if not row.marks or row.marks.get(k, "yes") == "yes"}


def _effect(actor: Any, task: Task, row: Form, before: Held) -> None:
    """What was accepted of one form goes on record."""
    answers = sheet.answers_of(row)
    new = sheet.changed(before, accepted(row))
    keys = sheet.key_fields(new)
    row.keys_wait = bool(keys)
    if answers["notes"]:
        _notes(row, answers["notes"])
    ordinary = {k: v for k, v in new.items() if k not in keys}
    if not ordinary:
        return
    at = now()
    event_id = enrolment.write_event(
        actor,
        row.person_id,
        business="collect",
        at=at,
        article=task.ground,
        reason=task.title,
        detail={
            "diff": [
                {"label": x["label"], "old": x["old"], "new": x["new"]}
                for x in sheet.differences(before, ordinary)
            ],
            "task": task.pk,
        },
    )
    try:
        _write(actor, row.person_id, ordinary, before, event_id, at)
    except BadValue as error:
        raise CollectError(_("有一份信息不能生效: %s") % error.message) from error


def _write(
    actor: Any,
    person_id: uuid.UUID,
    values: Mapping[str, str],
    before: Held,
    event_id: uuid.UUID,
    at: datetime,
) -> None:
    child = {k: v for k, v in values.items() if not member_key(k)[0]}
    if child:
        people.change_profile(actor, person_id, child, event_id=event_id, at=at)
    for place in (1, 2):
        given = {member_key(k)[1]: v for k, v in values.items() if member_key(k)[0] == place}
        if not given:
            continue
        parts = {k: v for k, v in given.items() if is_part(f"member{place}_{k}")}
        change_guardian(
            actor,
            person_id,
            before.members.get(place),
            parts=parts,
            sealed={k: v for k, v in given.items() if k not in parts},
            event_id=event_id,
        )


def _notes(row: Form, notes: Mapping[str, str]) -> None:
    """What the family wrote for the teachers: one line a kind, the newest counts."""
    with acting("writer"):
        PupilNote.objects.filter(person_id=row.person_id, by_family=True, kind__in=list(notes)).delete()
        for kind, text in notes.items():
            one = PupilNote.objects.create(
                person_id=row.person_id,
                school_id=row.school_id,
                kind=kind,
                by_family=True,
                user_id=row.entered_by or 0,
                user_name=row.entered_name,
            )
            PupilNote.objects.filter(pk=one.pk).update(sealed=vault.seal(text, place_of(one.pk)))
