"""Handing data up in the demonstration: classes counted, a round with one school at the county, an inspection."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from xueji.ground.accounts.actor import enter
from xueji.ground.accounts.roles import Role
from xueji.registry.submission import checks, classes, commands, terms
from xueji.registry.submission.commands.send import scope_of
from xueji.registry.submission.errors import SubmissionError
from xueji.registry.submission.models import Child, Step, Submission

from .accounts import PASSWORD, Staff
from .world import World


def _as(user_id: int) -> Any:
    actor = enter(user_id)
    assert actor is not None
    return actor


def make(world: World, staff: Staff) -> dict[str, int]:
    """The county of school A asks for the data of the term; one school has handed in, A still has to."""
    a = world.by_key("a")
    others = [
        p
        for p in world.places
        if p.county_id == a.county_id
        and p.key not in ("a", "b")
        and (Role.SCHOOL_HEAD, p.org_id) in staff.by_post
    ]
    now = timezone.now()
    with transaction.atomic():
        clerk = _as(staff.at(Role.COUNTY_CLERK, a.county_id).pk)
        due = (timezone.localtime() + timedelta(days=6)).replace(hour=17, minute=30, second=0, microsecond=0)
        asked = commands.open_round(
            clerk, kind="submit", title=f"{world.start_year}年秋季学籍数据上报", opens_at=now - timedelta(days=3), due_at=due,
            responsible=clerk.user_name, phone="0990-8800001", groups=["migrant"],
            note="各校先核对班级人数, 再上报; 上报后由学校负责人签字",
        )  # fmt: skip
        looked = commands.open_round(
            clerk, kind="inspect", title=f"{world.start_year}年秋季数据质量核查", opens_at=now, due_at=due,
            responsible=clerk.user_name, phone="0990-8800001",
        )  # fmt: skip
        fresh = commands.open_round(
            clerk, kind="newcomers", title=f"{world.start_year}年新生名册上报", opens_at=now - timedelta(days=9), due_at=due,
            grades=["P1", "J1", "S1"], responsible=clerk.user_name, phone="0990-8800001",
        )  # fmt: skip
    counted = _count(staff, a.org_id, leave=2, differ=True)
    sent = 0
    for place in others[:4]:
        counted += _count(staff, place.org_id)
        sent += _hand_in(staff, place.org_id, asked.pk)
        sent += _hand_in(staff, place.org_id, fresh.pk, back=place is others[0])
    with transaction.atomic():
        commands.inspect(_as(staff.at(Role.COUNTY_CLERK, a.county_id).pk), looked.pk)
    return {"submission_round": 3, "class_check": counted, "submission": sent}


def _count(staff: Staff, school: int, *, leave: int = 0, differ: bool = False) -> int:
    """The office counts the classes of a school, but for the last ones; the first differs where wanted."""
    with transaction.atomic():
        actor = _as(staff.at(Role.REGISTRAR, school).pk)
        rows = classes.of_school(school, terms.now(timezone.localdate()))
        rows = rows[: len(rows) - leave] if leave else rows
        for i, row in enumerate(rows):
            pupils = classes.pupils(row.class_id)
            away = [commands.Absence(pupils[0].person_id, "sick")] if i == 1 and pupils else []
            extra = [commands.Extra("安小满", "2", "随父母刚来, 还没有办手续")] if differ and i == 0 else []
            commands.verify_class(
                actor, row.class_id, present=len(pupils) - len(away) + len(extra), absences=away, extras=extra
            )
    return len(rows)


def _hand_in(staff: Staff, school: int, round_id: int, *, back: bool = False) -> int:
    """A school hands in and its head signs; `back`: the next tier returns one child. Nothing where records forbid it."""
    try:
        with transaction.atomic():
            actor = _as(staff.at(Role.REGISTRAR, school).pk)
            one = Submission.objects.select_related("round").get(round_id=round_id, school_id=school)
            found = checks.counts(scope_of(one)).get(school, {})
            for code in checks.FINDINGS:
                if found.get(code) and code not in one.round.blocking:
                    commands.explain(actor, one.pk, code, "历史数据, 本学期内补齐")
            commands.send(actor, one.pk, password=PASSWORD)
        with transaction.atomic():
            commands.pass_(
                _as(staff.at(Role.SCHOOL_HEAD, school).pk),
                one.pk,
                opinion="数据完整, 同意上报",
                password=PASSWORD,
            )
            step = Step.objects.get(submission_id=one.pk, state="current")
        if back:
            with transaction.atomic():
                actor = _as(staff.at(step.role, step.org_id).pk)
                child = Child.objects.filter(submission_id=one.pk).order_by("name")[0]
                commands.return_(actor, one.pk, items={child.person_id: "姓名与户口簿不一致, 请核对"})
    except SubmissionError:  # a school with a problem record cannot hand in
        return 0
    return 1
