"""A collection of school A, half done: unread forms beside answers that wait for the teacher and for the head."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from xueji.ground.accounts.roles import Role
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.registry.collect import commands, levels, queries, sheet
from xueji.registry.collect.held import held
from xueji.registry.collect.models import Form, State

from .accounts import Staff
from .papers import at_desk
from .world import World

#: How the families of a class stand, again and again: what the board shows.
_STANDS = ("unread", "opened", "sent", "differs", "later", "sent", "opened", "checked", "returned", "paper")


def make(world: World, staff: Staff, own: set[uuid.UUID]) -> dict[str, int]:
    """Open the task, let families answer, check some, confirm one, tell the county; returns how many of each.

    `own` are the children of the demonstration's parent: their forms stay unread, for whoever tries it.
    """
    a = world.by_key("a")
    registrar, head = staff.at(Role.REGISTRAR, a.org_id).pk, staff.at(Role.SCHOOL_HEAD, a.org_id).pk
    teacher = staff.users["teacher.a"].pk
    with at_desk(world, registrar, 9) as actor:
        allowed = levels.for_task(a.org_id, ["P"])
        task = commands.open_task(
            actor,
            title="秋季学籍信息核对",
            purpose="核对学籍登记的信息, 有错的及时更正, 保证联系得上家长",
            scope="school",
            due_on=world.today + timedelta(days=12),
            fields={k: v for k, v in allowed.items() if v != "none"},
            commitments=["guardian"],
        )
    with at_desk(world, teacher, 4) as actor:
        klass = actor.class_id or 0
        rows = queries.of_class(actor, task.pk, klass)
        known = held(actor, [r.person_id for r in rows])
    for no, row in enumerate(r for r in rows if r.person_id in known and r.person_id not in own):
        _answer(world, task.pk, row, known[row.person_id], _STANDS[no % len(_STANDS)], no)
    with at_desk(world, teacher, 3) as actor:
        commands.remind(actor, task.pk, klass)
    with at_desk(world, head, 2) as actor:
        done = [r.person_id for r in queries.waiting_rows(actor, task.pk, [State.CHECKED])][:1]
        if done:
            commands.confirm(actor, task.pk, done)
    with at_desk(world, registrar, 1) as actor:
        commands.give_progress(actor, task.pk)
    return {"collect_task": 1, "collect_form": task.total}


def _answer(world: World, task_id: int, row: Any, values: Any, stand: str, no: int) -> None:
    """One family's answer, as if it had come by phone some days ago."""
    if stand == "unread":
        return
    at = timezone.now() - timedelta(days=3, minutes=7 * no)
    kept: dict[str, Any] = {"state": State.OPENED}
    if stand == "paper":
        kept = {"way": "paper"}
    elif stand == "later":
        kept |= {"later_on": world.today + timedelta(days=20), "later_why": "家里有事, 下周才能找到户口簿"}
    elif stand in ("sent", "differs", "checked", "returned"):
        new = {"phone": f"1390000{1000 + no}"} if stand != "sent" else {}
        kept = {
            "state": State.SENT,
            "sealed": vault.seal_json({"new": new, "notes": {}}, sheet.place_of(task_id, row.person_id)),
            "diff": sheet.differences(values, new, family=True),
            "signed_how": "password",
            "promised": ["guardian"],
            "entered_by": 0,
            "entered_name": "家长",
            "sent_at": at,
        }
        if stand == "checked":
            kept |= {
                "state": State.CHECKED,
                "marks": dict.fromkeys(new, "yes"),
                "checked_name": "班主任",
                "checked_at": at + timedelta(hours=20),
            }
        if stand == "returned":
            kept |= {"state": State.RETURNED, "note": "新号码少一位, 请再看一遍"}
    with transaction.atomic(), acting("writer"):
        Form.objects.filter(task_id=task_id, person_id=row.person_id).update(**kept)
