"""Cohorts at the end of their stage, for the tests of the year's work."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from tests.children import enrol, id_number
from tests.helpers import Place, act_as, seeing_all

from xueji.ground.orgs.models import SchoolClass
from xueji.registry.yearly import commands
from xueji.registry.yearly.models import GraduationItem, GraduationList

#: The years of this cohort of a primary school were over in July 2026.
COHORT = 2020
NAMES = ("安然", "白露", "曹植语", "丁一", "范文程", "高山", "何必问", "江小鱼", "孔令仪", "罗成")
#: Who decides a list of school a1 after its registrar has sent it.
REST = (("school_head", "a1"), ("county_clerk", "a"), ("county_head", "a"))


def last_class(place: Place, school: str = "a1", stage: str = "P", cohort: int = COHORT) -> SchoolClass:
    """A class of the cohort, which the usual place does not have."""
    key = (school, stage, cohort, 1)
    if key not in place.classes:
        with seeing_all():
            place.classes[key] = SchoolClass.objects.create(
                school_id=place.org(school).pk, stage=stage, cohort_year=cohort, number=1
            )
    return place.classes[key]


def graduates(
    place: Place, n: int = 4, *, school: str = "a1", stage: str = "P", cohort: int = COHORT
) -> list[uuid.UUID]:
    """Children of a cohort, in attendance since they entered."""
    last_class(place, school, stage, cohort)
    years = {"P": 7, "J": 13, "S": 16}[stage]
    out = []
    for i in range(n):
        birth = date(cohort - years, 3, 1 + i % 27)
        out.append(
            enrol(
                place, school, name=NAMES[i % len(NAMES)] + ("" if i < len(NAMES) else "一二三四五六七八九"[i // len(NAMES) - 1]),
                sex="12"[i % 2], birth=birth, cohort=cohort, stage=stage, on=date(cohort, 9, 1),
                identity=id_number(birth, "12"[i % 2], division=place.org(school).division),
            )
        )  # fmt: skip
    return out


def begin(place: Place, *, school: str = "a1", stage: str = "P", cohort: int = COHORT) -> GraduationList:
    """The list of the cohort, begun by the registrar."""
    with act_as(place.user("registrar", school)) as actor:
        return commands.create(actor, stage=stage, cohort_year=cohort)


def send(place: Place, row: GraduationList, *, school: str = "a1") -> None:
    """Submitted by the registrar."""
    with act_as(place.user("registrar", school)) as actor:
        commands.submit(actor, list_id=row.list_id)


def pass_all(place: Place, row: GraduationList, rest: Any = REST) -> None:
    """Passed by everybody whose turn it is."""
    for who in rest:
        with act_as(place.user(*who)) as actor:
            commands.decide(actor, list_id=row.list_id, decision="pass")


def graduated(place: Place, n: int = 4, *, school: str = "a1") -> tuple[GraduationList, list[uuid.UUID]]:
    """A list that took effect."""
    people = graduates(place, n, school=school)
    row = begin(place, school=school)
    send(place, row, school=school)
    county = school[0]
    pass_all(place, row, (("school_head", school), ("county_clerk", county), ("county_head", county)))
    return fresh(row), people


def fresh(row: GraduationList) -> GraduationList:
    """As it is stored now."""
    with seeing_all():
        return GraduationList.objects.get(pk=row.pk)


def items(row: GraduationList) -> dict[uuid.UUID, GraduationItem]:
    """Its rows."""
    with seeing_all():
        return {i.person_id: i for i in GraduationItem.objects.filter(list=row)}
