"""Rounds, submissions, class checks and reviews of two counties for the attacks; who may see which of them."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from tests.helpers import act_as, seeing_all

from xueji.registry.submission import classes, commands, models, terms

#: Key of a school -> key of a child there.
AT = {"a1": "one", "c1": "c1"}
KINDS = ("round", "submission", "check", "review", "package")


def build(world: Any) -> dict[str, dict[str, Any]]:
    """Rows of every table: classes counted by their teachers, rounds opened by the counties, the rest written beside
    the commands so that nothing stays under review. Kind of object -> school -> id.
    """
    place, now = world.place, timezone.now()
    term = terms.now(date.today())
    out: dict[str, dict[str, Any]] = {k: {} for k in KINDS}
    for school, key in AT.items():
        klass = place.klass(school).pk
        with act_as(place.user("class_teacher", school)) as actor:
            n = len(classes.pupils(klass)) + 1
            out["check"][school] = commands.verify_class(
                actor, klass, present=n, extras=[commands.Extra("安小满")]
            ).pk
        with act_as(place.user("county_clerk", school[0])) as actor:
            row = commands.open_round(
                actor, kind="inspect", title="数据质量核查", opens_at=now, due_at=now + timedelta(days=9),
                responsible="学籍科", phone="0990-1234567",
            )  # fmt: skip
            commands.inspect(actor, row.pk)
        out["round"][school] = row.pk
        where = {"county_id": place.org(school[0]).pk, "school_id": place.org(school).pk}
        user, person = place.user("registrar", school), world.persons[key]
        with seeing_all():
            one = models.Submission.objects.get(round=row, school_id=where["school_id"])
            out["submission"][school] = one.pk
            models.Step.objects.create(
                submission=one, **where, seq=1, label="学校上报", role="registrar", org_id=where["school_id"]
            )
            models.Signature.objects.create(
                submission=one, **where, times=1, seq=1, org_id=where["school_id"], org_name="-", user_id=user.pk,
                name=user.display_name, part="-", way="password", at=now, digest=b"0" * 32,
            )  # fmt: skip
            models.Log.objects.create(submission=one, **where, at=now, actor_name="-", action="send")
            models.Child.objects.create(
                submission=one, **where, person_id=person, name=world.name(key), sex="1", birth_date=date(2019, 5, 11),
                stage="P", cohort_year=2026, digest=b"0" * 32, locked=False,
            )  # fmt: skip
            models.Proof.objects.create(
                submission=one, **where, person_id=person, category="migrant", verified=True, by_id=user.pk,
                by_name="-", at=now,
            )  # fmt: skip
            out["package"][school] = models.Package.objects.create(
                round=row, org_id=where["county_id"], county_id=where["county_id"], number=1, file_id=uuid.uuid4(),
                sha256="0" * 64, total=1, maker_id=user.pk, maker_name="-", made_at=now,
            ).pk  # fmt: skip
            out["review"][school] = models.TermReview.objects.create(
                **where, year=term.year, term=term.number, members="-", held_on=date.today(), digest=b"0" * 32,
                sent_by=user.pk, sent_name="-", sent_at=now,
            ).pk  # fmt: skip
    return out


def of_school(f: Any, s: Any, row: dict[str, Any]) -> bool:
    """What a school hands in: the school and the authorities above."""
    return bool(s.school(f, row["school_id"]))


def of_class(f: Any, s: Any, row: dict[str, Any]) -> bool:
    """What a class was found to be: its teachers, too."""
    return of_school(f, s, row) or row["class_id"] in s.classes


ORACLES = {
    **dict.fromkeys(
        (
            "submission", "submission_step", "submission_signature", "submission_log", "submission_child",
            "submission_proof", "term_review", "inspection_result",
        ),
        of_school,
    ),
    "submission_package": lambda _f, s, row: bool({row["org_id"], row["county_id"]} & s.units),
    **dict.fromkeys(("class_check", "class_check_line"), of_class),
}  # fmt: skip


def sees(world: Any, facts: Any, sight: Any, about: str, school: str) -> bool:
    """Whether somebody finds a page about one of them."""
    org = world.place.org
    if about == "check":
        return bool(sight.units == {org(school).pk})
    if about == "package":
        return org(school[0]).pk in sight.units
    if about == "round":
        return any(sight.school(facts, org(k).pk) for k in ("a1", "a2", "b1", "c1") if k[0] == school[0])
    return bool(sight.school(facts, org(school).pk))
