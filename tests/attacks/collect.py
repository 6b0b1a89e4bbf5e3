"""Collection tasks of two schools for the attacks: forms read, signed and checked, progress given, lines of teachers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from tests.helpers import act_as

from xueji.registry.collect import commands

FIELDS = {"name": "must", "sex": "must", "phone": "must", "home_address": "may", "member1_phone": "may"}


def build(world: Any) -> None:
    """One task a school, one form filled in by its teacher, figures for the authority, a line about a pupil."""
    due: date = timezone.localdate() + timedelta(days=20)
    for school, key in (("a1", "one"), ("c1", "c1")):
        registrar, teacher = (world.place.user(role, school) for role in ("registrar", "class_teacher"))
        with act_as(registrar) as actor:
            task = commands.open_task(
                actor, title="信息核对", purpose="核对学籍信息", scope="school", due_on=due, fields=FIELDS
            )
            commands.give_progress(actor, task.pk)
            commands.set_levels(actor, "P", {"talents": "none"})
        world.collect[school] = task.pk
        person = world.persons[key]
        with act_as(teacher) as actor:
            commands.save_draft(actor, task.pk, person, {"to_phone": "13800002222"})
            commands.send(actor, task.pk, person, declared=True, reason="家长没有手机")
            commands.add_note(actor, person, kind="visit", text="家访时了解了学习情况")
