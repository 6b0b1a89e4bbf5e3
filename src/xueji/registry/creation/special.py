"""Special ways of going to school (C-NUM-17): who, where, how many. 送教上门 is kept by the school in charge, pupils of
special and reform schools are a type of their own, guests have a temporary record (临时借读) of their own kind.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.orgs.grades import class_label
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards.identity import SEX_WORDS

from .models import Mode, SpecialRecord

MOST = 1_000
GUEST = "guest"
HEAD = ("序号", "学校", "姓名", "性别", "班级", "就读方式", "开始日期", "依据")


def label(mode: str) -> str:
    """The type in words."""
    return str(Mode(mode).label) if mode in Mode.values else str(_("临时借读"))


def modes_of(person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The special way of going to school of those pupils of a list who have one."""
    rows = SpecialRecord.objects.filter(person_id__in=list(person_ids), until=None).values_list(
        "person_id", "mode"
    )
    return {person: label(mode) for person, mode in rows}


@dataclass(frozen=True)
class Row:
    """A pupil with a special way of going to school."""

    id: int | None
    person_id: uuid.UUID
    school: str
    name: str
    sex: str
    place: str
    mode: str
    since: date
    basis: str


def rows(actor: Any, *, mode: str = "") -> list[Row]:
    """Who goes to school in a special way, of the actor's schools, guests with them; at most 1,000. One query."""
    actor.require("creation.view")
    with connection.cursor() as c:
        c.execute(
            "select w.id, w.person_id, o.name, r.name, r.sex, k.stage, k.cohort_year, k.number, h.system, w.mode, w.since,"
            "  w.basis"
            " from (select id, person_id, school_id, mode, since, basis from special_record where until is null"
            "   union all select null, person_id, school_id, 'guest', (since at time zone 'Asia/Shanghai')::date, ''"
            "   from roster where kind = 2 and reason = 'guest') w"
            " join lateral (select * from roster x where x.person_id = w.person_id and x.school_id = w.school_id"
            "   and x.reason in ('enrolled', 'guest') and x.status < 10 order by x.kind limit 1) r on true"
            " join org o on o.id = w.school_id join school h on h.org_id = w.school_id"
            " left join school_class k on k.id = r.class_id where %(mode)s = '' or w.mode = %(mode)s"
            " order by o.id, w.mode, r.pinyin_sort, r.person_id limit %(most)s",
            {"mode": mode, "most": MOST},
        )
        found = c.fetchall()
    today = timezone.localdate()
    return [
        Row(
            key, person, school, name, SEX_WORDS.get(sex, ""),
            class_label(stage, cohort, number, system, today) if number else "", kind, since, basis,
        )
        for key, person, school, name, sex, stage, cohort, number, system, kind, since, basis in found
    ]  # fmt: skip


def counts(found: Sequence[Row]) -> list[dict[str, Any]]:
    """How many of each type, boys and girls."""
    out = []
    for mode in (*Mode.values, GUEST):
        own = [r for r in found if r.mode == mode]
        out.append(
            {
                "mode": mode,
                "label": label(mode),
                "n": len(own),
                "boys": sum(r.sex == "男" for r in own),
                "girls": sum(r.sex == "女" for r in own),
                "schools": len({r.school for r in own}),
            }
        )
    return out


def named(actor: Any, name: str) -> list[tuple[uuid.UUID, str, str]]:
    """Pupils of the own school whose name begins so: key, name, class; at most 20."""
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, k.stage, k.cohort_year, k.number, h.system from roster r"
            " join school h on h.org_id = r.school_id left join school_class k on k.id = r.class_id"
            " where r.school_id = %s and r.kind = 1 and r.reason = 'enrolled' and r.status < 10 and r.name ^@ %s"
            " order by r.pinyin_sort, r.person_id limit 20",
            [actor.org_id, name],
        )
        today = timezone.localdate()
        return [
            (person, shown, class_label(stage, cohort, number, system, today) if number else "")
            for person, shown, stage, cohort, number, system in c.fetchall()
        ]


def own_pupil(actor: Any, person_id: uuid.UUID) -> None:
    """Raises Http404 unless the pupil is on the own school's register."""
    with connection.cursor() as c:
        c.execute(
            "select 1 from roster where school_id = %s and person_id = %s and kind = 1 and reason = 'enrolled' and status < 10",
            [actor.org_id, person_id],
        )
        if c.fetchone() is None:
            raise Http404


def export(actor: Any, mode: str) -> tuple[bytes, str]:
    """The register as a workbook; in the log before it leaves."""
    found = rows(actor, mode=mode)
    with transaction.atomic():
        record(
            actor, "creation.special.export", object_type="special_record", row_count=len(found),
            persons=[r.person_id for r in found], after={"mode": mode},
        )  # fmt: skip
    cells = [
        [str(i), r.school, r.name, r.sex, r.place, label(r.mode), r.since.isoformat(), r.basis]
        for i, r in enumerate(found, start=1)
    ]
    title = str(_("特殊就读学生名册"))
    data = write_table(
        [SheetColumn(label=h) for h in HEAD], cells, title=f"{actor.org_name} {title}",
        watermark=f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}",
    )  # fmt: skip
    return data, f"{title}.xlsx"
