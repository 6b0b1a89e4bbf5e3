"""The three lists that go with 新生建籍情况统计表 (C-RPT-04): 新增注册, 外籍户口 and 外出注册, by name, for school and town.

They leave as paper or workbook; each is in the audit before it does, with the children whom it names.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.orgs.grades import grade_on, start_year_of
from xueji.ground.paper.roster import ListColumn, PaperList, render_list
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards import divisions
from xueji.ground.standards import fields as national_form
from xueji.ground.standards.codes import UnknownCode
from xueji.ground.standards.codes import table as code_table
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.admission import reports as admission
from xueji.registry.enrolment.models import REGISTERED
from xueji.registry.enrolment.timeline import end_of, local_day, midnight
from xueji.registry.people import places
from xueji.registry.people import queries as people

from .commands import mark
from .queries import PRESENT
from .units import Target

MOST = 5000
#: Sealed households are opened for so many pupils at most; a bigger county asks school by school.
OPENED = 60_000
TITLES: dict[str, Promise] = {
    "added": gettext_lazy("新增注册学籍学生名单"),
    "foreign": gettext_lazy("外籍户口学生登记表"),
    "outside": gettext_lazy("外出注册学籍学生名单"),
}
ABOUT: dict[str, Promise] = {
    "added": gettext_lazy("本学年在本单位新建学籍、现在仍在籍的学生"),
    "foreign": gettext_lazy("户口不在本县(市、区)、在本单位就读的在校生; 户口所在地没有登记的另列“未登记”"),
    "outside": gettext_lazy("本学年适龄儿童花名册中, 户口在本地而在外地或其他学校注册学籍的儿童"),
}
_HEAD = ("序号", "学校", "姓名", "性别", "出生日期", "年级", "学籍号", "说明", "日期")


@dataclass(frozen=True)
class Entry:
    """A line of a list. `person_id` None: a child of the roster who is not on record here."""

    person_id: uuid.UUID | None
    school: str
    name: str
    sex: str
    birth: date
    grade: str
    number: str
    note: str
    on: date | None

    def cells(self, no: int) -> list[str]:
        """The line as texts."""
        day = self.on.isoformat() if self.on else ""
        return [
            str(no), self.school, self.name, self.sex, self.birth.isoformat(), self.grade, self.number, self.note, day,
        ]  # fmt: skip


def gather(actor: Any, key: str, target: Target) -> list[Entry]:
    """The lines of a list for a school or the schools of a county or town; at most 5,000 and one more.

    Raises PermissionDenied, KeyError for an unknown list, ValueError for a unit that has no schools as rows or too many pupils
    to be looked at at once.
    """
    actor.require("statistics.view")
    actor.require("student.list")
    if not target.names_possible:
        raise ValueError(_("名单按学校或县(市、区)生成, 请先选择"))
    if key == "outside":
        return _outside(actor, target)
    return {"added": _added, "foreign": _foreign}[key](actor, target)


_BASE = (
    " from roster r join school s on s.org_id = r.school_id join org o on o.id = r.school_id {join}"
    " where r.county_id = any(%(counties)s) and (%(all)s or r.school_id = any(%(schools)s)) and r.kind = %(kind)s"
    " and r.reason = 'enrolled' and {where} order by o.name, o.id, r.cohort_year desc, r.pinyin_sort, r.person_id limit %(n)s"
)
_FIELDS = "r.person_id, o.short_name, r.name, r.sex, r.birth_date, r.stage, r.cohort_year, s.system"


def _all_of(rows: Sequence[Any], most: int) -> None:
    """A list says all or nothing. Raises ValueError for more than it may hold."""
    if len(rows) > most:
        raise ValueError(_("一次最多%(n)s人, 请按学校分别生成") % {"n": most})


def _values(target: Target) -> dict[str, Any]:
    return {
        "counties": list(target.counties),
        "all": target.schools is None,
        "schools": list(target.schools or ()),
        "kind": REGISTERED,
        "present": PRESENT,
        "n": MOST + 1,
    }


def _entry(row: Sequence[Any], number: str, note: str, on: date | None) -> Entry:
    person, school, name, sex, birth, stage, cohort, system = row[:8]
    grade = grade_on(stage, cohort, system, today())
    label = grade.label if grade else _("%(y)s级") % {"y": cohort}
    return Entry(person, school, name, SEX_WORDS.get(sex, ""), birth, label, number, note, on)


def _numbers(actor: Any, ids: list[uuid.UUID]) -> dict[uuid.UUID, str]:
    out: dict[uuid.UUID, str] = {}
    for i in range(0, len(ids), 500):
        out |= {k: v.number for k, v in people.cards(actor, ids[i : i + 500]).items()}
    return out


def _label(codeset: str, code: str) -> str:
    """The name of a code, or the code itself when its table does not know it."""
    try:
        return code_table(codeset).label(code) if code else ""
    except UnknownCode:
        return code


def _word(key: str, code: str) -> str:
    """The value of a field of the national form in words."""
    codeset = next((f.codeset for f in national_form.fields() if f.key == key), "")
    return _label(codeset, code) if codeset else code


def _division(code: str) -> str:
    return _label("divisions", code)


def _added(actor: Any, target: Target) -> list[Entry]:
    year = start_year_of(today())
    join = (
        " join lateral (select min(e.valid_at) as at from event e where e.person_id = r.person_id and e.business = 'enrol'"
        "   and e.school_id = r.school_id and e.valid_at >= %(start)s and e.valid_at < %(end)s) e on e.at is not null"
        " left join person_profile p on p.person_id = r.person_id"
    )
    values = _values(target) | {"start": midnight(date(year, 8, 1)), "end": end_of(today())}
    with connection.cursor() as c:
        c.execute(
            f"select {_FIELDS}, e.at, coalesce(p.data ->> 'student_source', ''), coalesce(p.data ->> 'entry_mode', '')"
            + _BASE.format(join=join, where="r.status < 10"),
            values,
        )
        rows = c.fetchall()
    held = _numbers(actor, [r[0] for r in rows])
    out = []
    for row in rows:
        words = [_word("student_source", row[9]), _word("entry_mode", row[10])]
        out.append(_entry(row, held.get(row[0], ""), " ".join(w for w in words if w), local_day(row[8])))
    return out


def _foreign(actor: Any, target: Target) -> list[Entry]:
    """Households lie sealed with the address: they are opened here, compared, and only the county's name is told."""
    with connection.cursor() as c:
        c.execute(
            f"select {_FIELDS}, p.sealed, co.division"
            + _BASE.format(
                join=" left join person_profile p on p.person_id = r.person_id join org co on co.id = r.county_id",
                where="r.status = %(present)s",
            ),
            _values(target) | {"n": OPENED + 1},
        )
        rows = c.fetchall()
    _all_of(rows, OPENED)
    found = []
    for row in rows:
        home = vault.open_json(row[8], places.profile(row[0])) if row[8] else {}
        division = str(home.get("household_division") or "")
        stem = divisions.stem(row[9])
        if division and stem and division.startswith(stem):
            continue
        found.append((row, division))
        if len(found) > MOST:
            break
    held = _numbers(actor, [row[0] for row, _d in found])
    return [
        _entry(row, held.get(row[0], ""), _division(d) if d else _("户口所在地未登记"), None)
        for row, d in found
    ]


def _outside(actor: Any, target: Target) -> list[Entry]:
    actor.require("admission.view")
    year = today().year if today().month >= 3 else today().year - 1
    rows, _more = admission.children(actor, year, "elsewhere", limit=MOST + 1)
    _all_of(rows, MOST)
    names = {u.label for u in target.units}
    if target.org_id != actor.org_id:
        rows = [r for r in rows if r.owner == target.name or r.owner in names]
    return [
        Entry(
            None, r.owner, r.name, SEX_WORDS.get(r.sex, r.sex), r.birth_date, "", "",
            _("已在%s注册学籍") % r.school if r.school else str(r.note or r.state), None,
        )
        for r in rows
    ]  # fmt: skip


def export(actor: Any, key: str, target: Target, form: str) -> tuple[bytes, str]:
    """A list as `pdf` or `xlsx`, and its name; noted with the children it names. Raises as `gather`; ValueError beyond 5,000."""
    rows = gather(actor, key, target)
    _all_of(rows, MOST)
    title = str(TITLES[key])
    record(
        actor,
        "statistics.export",
        object_type="statistics",
        after={"table": title, "unit": target.name, "form": form, "fields": list(_HEAD)},
        row_count=len(rows),
        persons=[r.person_id for r in rows if r.person_id],
    )
    cells = [r.cells(i) for i, r in enumerate(rows, start=1)]
    facts = [(_("统计日期"), today().isoformat()), (_("人数"), _("%s人") % len(rows))]
    name = f"{target.name}{title}{today():%Y%m%d}.{form}"
    if form == "xlsx":
        columns = [
            SheetColumn(label=h, kind="text", width=24 if h in ("学籍号", "说明") else 14) for h in _HEAD
        ]
        notes = [str(ABOUT[key]), "; ".join(f"{a} {b}" for a, b in facts)]
        return write_table(
            columns, cells, title=f"{target.name} {title}", notes=notes, watermark=mark(actor)
        ), name
    widths = (11, 34, 26, 11, 24, 26, 44, None, 24)
    data = render_list(
        PaperList(
            title=title,
            subtitle=str(ABOUT[key]),
            org_name=target.name,
            facts=facts,
            columns=[
                ListColumn(label=h, mm=w, centre=h in ("序号", "性别"))
                for h, w in zip(_HEAD, widths, strict=True)
            ],
            rows=cells,
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
            watermark=mark(actor),
            signatures=(_("填表人（签字）"), _("单位负责人（签字）"), _("单位（盖章）")),
        )
    )
    return data, name
