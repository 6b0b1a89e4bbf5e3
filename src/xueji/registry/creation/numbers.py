"""Auxiliary numbers of a school (学籍辅号, C-NUM-09, C-NUM-10): runs with their gaps and the next serial, and numbers that
do not keep to the place's layout. Numbers of those who left, and voided ones, count: none is given again.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.policy.model import NumberScheme
from xueji.ground.policy.schemes import make_number, parse_number, serial_limit, serial_scope
from xueji.ground.standards.masking import mask_student_number
from xueji.registry.intake import queries as intake
from xueji.registry.intake.auxiliary import number_parts
from xueji.registry.intake.places import STAGE_NAMES
from xueji.registry.people import places

MOST = 20_000
GAPS = 20


@dataclass
class Run:
    """One run of serials: a stage and an entry year."""

    label: str
    head: str
    used: int = 0
    top: int = 0
    next: str = ""
    gaps: list[int] = field(default_factory=list)
    missing: int = 0


@dataclass(frozen=True)
class Fault:
    """A number that does not fit; masked."""

    person_id: uuid.UUID
    name: str
    number: str
    message: str


@dataclass(frozen=True)
class Report:
    """What stands in a school's auxiliary numbers; `scheme` is empty where the place gives none."""

    scheme: str
    runs: list[Run]
    faults: list[Fault]


def report(actor: Any) -> Report:
    """Look through the numbers of the own school: at most MOST, two queries. Raises PermissionDenied."""
    actor.require("creation.view")
    school = intake.school_facts(actor.org_id)
    scheme = intake.local_scheme(school.division, school.code, school.today)
    serial = next((f.name for f in scheme.fields if f.kind == "serial"), "") if scheme else ""
    if scheme is None or not serial:
        return Report("", [], [])
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select n.person_id, n.number_no, n.sealed, n.state, r.name, r.stage, r.cohort_year, r.reason from student_number n"
            " join roster r on r.person_id = n.person_id and r.school_id = %s and r.kind = 1 where n.scheme = %s"
            " and n.sealed is not null order by r.stage, r.cohort_year desc, r.pinyin_sort, n.person_id, n.number_no limit %s",
            [school.org_id, scheme.id, MOST],
        )
        rows = c.fetchall()
        c.execute("select run, last from number_counter where scheme = %s", [scheme.id])
        last = dict(c.fetchall())
    seen: dict[str, list[tuple[uuid.UUID, str]]] = defaultdict(list)
    serials: dict[str, set[int]] = defaultdict(set)
    runs: dict[str, Run] = {}
    faults: list[Fault] = []
    for person, number_no, sealed, state, name, stage, cohort, reason in rows:
        value = vault.open(sealed, places.number(person, number_no))
        seen[value].append((person, name))
        parsed = parse_number(scheme, value)
        wanted = number_parts(school, stage, cohort)
        if parsed is None:
            faults.append(Fault(person, name, mask_student_number(value), _("位数或格式不对")))
            continue
        run = serial_scope(scheme, parsed)
        serials[run].add(int(parsed[serial]))
        own = serial_scope(scheme, {**wanted, serial: 1})
        if run == own:
            label = f"{STAGE_NAMES.get(stage, '')} {cohort}"
            runs.setdefault(run, Run(label, run))
        elif state == "current" and reason == "enrolled":
            for key, words in (("school", _("学校代码")), ("type", _("学段代码")), ("year", _("入学年份"))):
                if key in parsed and str(parsed[key]) != str(wanted.get(key, parsed[key])):
                    faults.append(
                        Fault(person, name, mask_student_number(value), _("%s与学籍不一致") % words)
                    )
    for value, holders in seen.items():
        if len({p for p, _n in holders}) > 1:
            faults += [Fault(p, n, mask_student_number(value), _("与其他学生重复")) for p, n in holders]
    for key, one in runs.items():
        have = serials[key]
        one.used, one.top = len(have), max(have)
        missing = [n for n in range(1, one.top) if n not in have]
        one.missing, one.gaps = len(missing), missing[:GAPS]
        following = max(last.get(key, 0), one.top) + 1
        if following <= serial_limit(scheme):
            example = next(parse_number(scheme, v) for v in seen if _in_run(scheme, v, key))
            one.next = make_number(scheme, {**(example or {}), serial: following})
    return Report(scheme.id, sorted(runs.values(), key=lambda r: r.label), faults[:200])


def _in_run(scheme: NumberScheme, value: str, run: str) -> bool:
    parsed = parse_number(scheme, value)
    return parsed is not None and serial_scope(scheme, parsed) == run
