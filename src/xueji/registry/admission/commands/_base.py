"""What every command of admission needs: the year, the school, its rules, candidates under lock."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import OrgKind, School
from xueji.ground.policy.places import policy_for

from ..eligibility import Setting
from ..errors import AdmissionError
from ..models import Applicant, Area, Plan

NEXT = {"P": "J", "J": "S"}
BEFORE = {"J": "P", "S": "J"}


def year_of(day: date | None = None) -> int:
    """The year of admission that is worked on: from March the calendar year's, before it last year's."""
    day = day or timezone.localdate()
    return day.year if day.month >= 3 else day.year - 1


def own_school(actor: Any) -> School:
    """The actor's school. Raises `AdmissionError` for a unit that is none."""
    school = School.objects.select_related("org").filter(pk=actor.org_id or 0).first()
    if school is None or actor.org_kind != OrgKind.SCHOOL:
        raise AdmissionError(_("只有学校可以办理, 请切换到学校的岗位"))
    return school


def check_place(school: School, stage: str, year: int) -> None:
    """Whether a school takes pupils of a stage in a year. Raises `AdmissionError`."""
    if stage not in school.stages:
        raise AdmissionError(_("%s没有这个学段") % school.org.name)
    if abs(year - year_of()) > 1:
        raise AdmissionError(_("请选择今年、去年或明年的招生"))


def setting(school: School, stage: str, year: int) -> Setting:
    """The rules, areas and plan of a school for a year and stage; two queries."""
    today = timezone.localdate()
    return Setting(
        policy=policy_for(school.org, today),
        year=year,
        stage=stage,
        today=today,
        areas=tuple(Area.objects.filter(school_id=school.pk, asked_name="").order_by("name", "pk")[:500]),
        plan=Plan.objects.filter(school_id=school.pk, year=year, stage=stage).first(),
    )


@contextmanager
def opened(actor: Any, ids: Sequence[uuid.UUID], *, side: str = "school_id") -> Iterator[list[Applicant]]:
    """These candidates, locked in one order, in the writing role.

    Raises Http404 when one is not the actor's unit's, `AdmissionError` when none is named.
    """
    wanted = sorted(set(ids))
    if not wanted:
        raise AdmissionError(_("请先勾选学生"))
    if len(wanted) > 5_000:
        raise AdmissionError(_("一次最多 %s 人") % 5_000)
    seen = Applicant.objects.filter(pk__in=wanted, **{side: actor.org_id}).count()
    if seen != len(wanted):
        raise Http404
    with transaction.atomic(), acting("writer"):
        yield list(Applicant.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))


def one_kind(rows: Sequence[Applicant]) -> tuple[int, str]:
    """Year and stage that all candidates share. Raises `AdmissionError`."""
    kinds = {(r.year, r.stage) for r in rows}
    if len(kinds) != 1:
        raise AdmissionError(_("请一次只办理同一年、同一学段的学生"))
    return kinds.pop()


def need_words(words: str) -> str:
    """A reason, as it was given. Raises `AdmissionError` for fewer than two characters."""
    words = " ".join(words.split())[:300]
    if len(words) < 2:
        raise AdmissionError(_("请写明理由"))
    return words


def names(rows: Sequence[Any], most: int = 10) -> str:
    """Names in a message."""
    shown = "、".join(r.name for r in rows[:most])
    return shown + (_(" 等 %s 人") % len(rows) if len(rows) > most else "")
