"""Which fields a school may ask for, and at which level: the law, the authorities above, the school (C-COL-22).

What rests on consent (个人信息保护法 13(1)) is never demanded, and a school narrows what its authorities allow, never
widens it (6: the smallest scope that serves the purpose).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from xueji.ground.orgs.models import Org
from xueji.ground.standards import fields as national_form
from xueji.registry.family.collection import SCHOOLS

from .models import FieldLevel

ORDER = {"none": 0, "may": 1, "must": 2}
STAGES = "PJS"


def askable() -> list[national_form.Field]:
    """Fields of the national form that a family can be asked; the others the school writes."""
    return [f for f in national_form.fields() if f.key not in SCHOOLS]


def lawful(spec: national_form.Field) -> str:
    """The highest level that the law allows of itself: what rests on consent is voluntary."""
    if spec.basis == "consent":
        return "may"
    return "must" if spec.required == "yes" and spec.member != 2 else "may"


#: What must be known of one guardian at least, where a child has no identity number (C-COL-16).
GUARDIAN = ("name", "relation", "address", "household_division", "phone", "id_type", "id_number")


def needed(level: Mapping[str, str], values: Mapping[str, str]) -> list[national_form.Field]:
    """What the record of this child has to hold at these levels. Without an identity number there is no kind of
    document either; then the first guardian's data have to be whole (C-COL-16).
    """
    stands_for = frozenset() if values.get("id_number") else frozenset(f"member1_{part}" for part in GUARDIAN)
    return [
        f
        for f in askable()
        if (level[f.key] == "must" and not (stands_for and f.key == "id_type"))
        or (level[f.key] == "may" and f.key in stands_for)
    ]


def merged(lines: Sequence[tuple[bool, Mapping[str, str]]]) -> dict[str, str]:
    """Levels of all fields from the units' words, the highest unit first; each line says whether it is an authority's.

    An authority says what holds below it; a school can only lower it.
    """
    out = {f.key: lawful(f) for f in askable()}
    specs = {f.key: f for f in askable()}
    for authority, said in lines:
        for key, level in said.items():
            spec = specs.get(key)
            if spec is None or spec.is_key:
                continue
            if level == "must" and spec.basis == "consent":
                continue
            if authority or ORDER[level] < ORDER[out[key]]:
                out[key] = level
    return out


def of_school(school_id: int, stages: Sequence[str]) -> dict[str, dict[str, str]]:
    """Levels by stage for a school: two queries."""
    path = Org.objects.values_list("path", flat=True).get(pk=school_id)
    above = [int(p) for p in path.strip("/").split("/")]
    said: dict[tuple[int, str], dict[str, str]] = {}
    for row in FieldLevel.objects.filter(org_id__in=above, stage__in=list(stages)):
        said.setdefault((row.org_id, row.stage), {})[row.key] = row.level
    return {
        stage: merged([(org != school_id, said.get((org, stage), {})) for org in above]) for stage in stages
    }


def for_task(school_id: int, stages: Sequence[str]) -> dict[str, str]:
    """Of a task that reaches several stages: a field is asked at the lowest level that one of them has, never above."""
    found = of_school(school_id, list(stages) or ["P"])
    keys = next(iter(found.values()))
    return {k: min((levels[k] for levels in found.values()), key=lambda level: ORDER[level]) for k in keys}


def for_import(school_id: int) -> dict[str, str]:
    """Levels for a sheet that may hold pupils of all stages of a school: demanded is what every stage demands, left out
    what none of them collects; one query.
    """
    with connection.cursor() as c:
        c.execute(
            "select o.path, s.stages, l.org_id, l.stage, l.key, l.level from school s join org o on o.id = s.org_id"
            " left join collect_level l on l.stage = any(s.stages)"
            "  and l.org_id = any(string_to_array(trim(both '/' from o.path), '/')::int[]) where s.org_id = %s",
            [school_id],
        )
        rows = c.fetchall()
    if not rows or not rows[0][1]:
        return {}
    above = [int(p) for p in rows[0][0].strip("/").split("/")]
    said: dict[tuple[int, str], dict[str, str]] = {}
    for _path, _stages, org, stage, key, level in rows:
        said.setdefault((org, stage), {})[key] = level
    found = {
        stage: merged([(org != school_id, said.get((org, stage), {})) for org in above])
        for stage in rows[0][1]
    }
    out: dict[str, str] = {}
    for key in next(iter(found.values())):
        each = {levels[key] for levels in found.values()}
        out[key] = each.pop() if len(each) == 1 else "may"
    return out


def for_places(schools: Sequence[int], counties: Sequence[int]) -> dict[tuple[int, str], dict[str, str]]:
    """Levels of these schools, or of every school of these authorities, by school and stage: only where a unit has said
    something. One query; schools that are told the same share one answer.
    """
    with connection.cursor() as c:
        c.execute(
            "select s.org_id, o.path, l.org_id, l.stage, l.key, l.level from school s join org o on o.id = s.org_id"
            " join collect_level l on l.stage = any(s.stages)"
            "  and l.org_id = any(string_to_array(trim(both '/' from o.path), '/')::int[])"
            f" where {'s.org_id' if schools else 's.county_id'} = any(%s) order by l.org_id, l.key",
            [list(schools or counties)],
        )
        rows = c.fetchall()
    said: dict[tuple[int, str], dict[str, str]] = {}
    speak: dict[tuple[int, str], tuple[int, ...]] = {}
    for school, path, org, stage, key, level in rows:
        said.setdefault((org, stage), {})[key] = level
        if (school, stage) not in speak:
            speak[school, stage] = tuple(int(p) for p in path.strip("/").split("/"))
    known: dict[tuple[Any, ...], dict[str, str]] = {}
    out: dict[tuple[int, str], dict[str, str]] = {}
    for (school, stage), above in speak.items():
        lines = [(org, org != school) for org in above if (org, stage) in said]
        if (stage, *lines) not in known:
            known[stage, *lines] = merged([(authority, said[org, stage]) for org, authority in lines])
        out[school, stage] = known[stage, *lines]
    return out


def own(actor: Any, stage: str) -> dict[str, str]:
    """What the actor's own unit has said for a stage."""
    rows = FieldLevel.objects.filter(org_id=actor.org_id or 0, stage=stage)
    return dict(rows.values_list("key", "level"))


def before_own(org_id: int, stage: str) -> dict[str, str]:
    """What holds for a unit without its own word: the law's and its authorities'."""
    path = Org.objects.values_list("path", flat=True).get(pk=org_id)
    above = [int(p) for p in path.strip("/").split("/") if int(p) != org_id]
    said: dict[int, dict[str, str]] = {}
    for row in FieldLevel.objects.filter(org_id__in=above, stage=stage):
        said.setdefault(row.org_id, {})[row.key] = row.level
    return merged([(True, said.get(org, {})) for org in above])


def not_collected(school_id: int, stage: str) -> frozenset[str]:
    """Fields that a school does not collect at a stage."""
    return frozenset(k for k, level in of_school(school_id, [stage])[stage].items() if level == "none")
