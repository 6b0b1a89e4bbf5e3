"""班级花名册: who is in a class, a grade or a school today, as a register to print or to open in Excel."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.queries import class_teachers
from xueji.ground.accounts.roles import SCHOOL_STAFF, TEACHERS
from xueji.ground.audit.commands import record
from xueji.ground.orgs.grades import class_label, grade_on, start_year_of
from xueji.ground.orgs.models import Term
from xueji.ground.paper.roster import ClassRoster, RosterRow, render_class_roster
from xueji.ground.policy.statuses import Status
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.enrolment import outgoing
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.timeline import local_day
from xueji.registry.people import queries as people

from .errors import CertificateRefused

Scope = Literal["class", "grade", "school"]
MOST = 4000
_CARDS = 500


@dataclass(frozen=True)
class Roster:
    """A register ready to leave."""

    school: str
    name: str
    head_teacher: str
    term: str
    rows: Sequence[RosterRow]


def own_class(actor: Any, class_id: int) -> tuple[int, str, int, int, str, str]:
    """School, stage, cohort, number, school's name and its system of a class that the actor may print a register of.

    The office prints those of its school, teachers their own. Raises PermissionDenied, Http404.
    """
    actor.require("roster.print")
    with connection.cursor() as c:
        c.execute(
            "select k.school_id, k.stage, k.cohort_year, k.number, o.name, s.system from school_class k"
            " join school s on s.org_id = k.school_id join org o on o.id = k.school_id where k.id = %s",
            [class_id],
        )
        row: tuple[int, str, int, int, str, str] | None = c.fetchone()
    if row is None:
        raise Http404
    if not (row[0] == actor.org_id if actor.role in SCHOOL_STAFF else class_id in actor.classes):
        raise Http404
    return row


def gather(actor: Any, class_id: int, scope: Scope = "class") -> Roster:
    """The register of a class, of its grade or of its whole school; identity numbers are not in it, phones masked.

    Raises PermissionDenied, Http404 for a class out of scope, `CertificateRefused` beyond 4,000 children.
    """
    school_id, stage, cohort, number, school, system = own_class(actor, class_id)
    if scope != "class" and actor.role in TEACHERS:
        raise PermissionDenied(_("班主任只能打印本班的花名册"))
    found = _present(
        school_id, class_id if scope == "class" else None, (stage, cohort) if scope == "grade" else None
    )
    if len(found) > MOST:
        raise CertificateRefused(_("本校在籍学生超过%(n)s人, 请按年级分别打印") % {"n": MOST})
    day = today()
    if scope == "class":
        name = class_label(stage, cohort, number, system, day)
    elif scope == "grade":
        grade = grade_on(stage, cohort, system, day)
        name = grade.label if grade else _("%(y)s级") % {"y": cohort}
    else:
        name = _("全校")
    rows = _rows(actor, found, system, day, mixed=scope != "class")
    return Roster(
        school,
        name,
        class_teachers([class_id]).get(class_id, "") if scope == "class" else "",
        _term(day),
        rows,
    )


def _present(
    school_id: int, class_id: int | None, grade: tuple[str, int] | None
) -> list[tuple[uuid.UUID, str, str, date, str, int, int | None, int | None, int, str, int]]:
    """The children of a school, class by class, by seat and pinyin: one query."""
    parts, values = ["r.school_id = %s", "r.reason <> 'former'", "r.status < 10"], [school_id]
    if class_id is not None:
        parts.append("r.class_id = %s")
        values.append(class_id)
    if grade is not None:
        parts.append("r.stage = %s and r.cohort_year = %s")
        values += [*grade]  # type: ignore[list-item]
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.sex, r.birth_date, r.stage, r.cohort_year, k.number, r.class_seat, r.status,"
            " r.reason, r.kind from roster r left join school_class k on k.id = r.class_id"
            f" where {' and '.join(parts)} order by position(r.stage in 'PJS'), r.cohort_year desc, k.number nulls last,"
            f" r.class_seat nulls last, r.pinyin_sort, r.person_id limit {MOST + 1}",
            values,
        )
        return c.fetchall()


def _rows(actor: Any, found: Sequence[Any], system: str, day: date, *, mixed: bool) -> list[RosterRow]:
    """Numbers, families and remarks joined on, a handful of queries for any number of children."""
    ids = [r[0] for r in found]
    cards: dict[uuid.UUID, people.PersonCard] = {}
    for i in range(0, len(ids), _CARDS):
        cards |= people.cards(actor, ids[i : i + _CARDS])
    families = people.contacts(actor, ids)
    came = _arrivals(ids, start_year_of(day))
    out = []
    for person, name, sex, birth, stage, cohort, number, seat, status, reason, _kind in found:
        card = cards.get(person)
        family = families.get(person, people.Contact())
        remarks = []
        if mixed and number:
            remarks.append(class_label(stage, cohort, number, system, day))
        if reason == "guest":
            remarks.append(_("借读"))
        if status != Status.STUDYING:
            remarks.append(str(Status(status).label))
        if person in came:
            remarks.append(came[person])
        out.append(
            RosterRow(
                student_number=card.number if card else "",
                name=name,
                sex=SEX_WORDS.get(sex, ""),
                birth_date=birth,
                ethnicity=card.ethnicity_label if card else "",
                household=family.household,
                guardian=family.guardian,
                phone=family.phone,
                address=family.address,
                remark=" ".join(remarks),
                class_number=str(seat) if seat and not mixed else "",
            )
        )
    return out


def _arrivals(ids: Sequence[uuid.UUID], school_year: int) -> dict[uuid.UUID, str]:
    """Remarks on those who came by transfer since the school year began: from where and when."""
    with connection.cursor() as c:
        c.execute(
            "select e.person_id, e.valid_at, coalesce(o.short_name, '') from event e"
            " left join org o on o.id = (e.detail ->> 'from_school')::int"
            " where e.person_id = any(%s::uuid[]) and e.business in ('transfer', 'transfer_in')"
            " and e.valid_at >= %s and coalesce(e.detail ->> 'direction', 'in') = 'in' order by e.valid_at",
            [list(ids), date(school_year, 9, 1)],
        )
        return {
            person: (_("%(d)s由%(s)s转入") if school else _("%(d)s转入"))
            % {"d": local_day(at).isoformat(), "s": school}
            for person, at, school in c.fetchall()
        }


def _term(day: date) -> str:
    """2026-2027学年第一学期, from the calendar of the installation where it has one."""
    year = start_year_of(day)
    term = Term.objects.filter(starts__lte=day, ends__gte=day).order_by("-starts").first()
    number = term.number if term else (1 if day < date(year + 1, 2, 1) else 2)
    year = term.year_id if term else year
    return _("%(a)s-%(b)s学年第%(n)s学期") % {"a": year, "b": year + 1, "n": "一二三"[number - 1]}


def watermark(actor: Any) -> str:
    """Who made a file, and when: laid over every page, written above every sheet."""
    return f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}"


def as_pdf(actor: Any, class_id: int, scope: Scope = "class") -> tuple[bytes, str]:
    """The register on paper and its file name; noted before it leaves (C-EXP-05). Raises as `gather`."""
    roster = gather(actor, class_id, scope)
    _note(actor, "roster.print", class_id, scope, roster)
    data = render_class_roster(
        ClassRoster(
            school_name=roster.school,
            class_name=roster.name,
            head_teacher=roster.head_teacher or "—",
            term_name=roster.term,
            rows=roster.rows,
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
            watermark=watermark(actor),
            title="班级花名册" if scope == "class" else "学生花名册",
        )
    )
    return data, f"{roster.school}{roster.name}花名册.pdf"


_COLUMNS = (
    ("序号", "number", 8), ("学籍号", "text", 24), ("姓名", "text", 16), ("性别", "text", 8), ("出生日期", "date", 13),
    ("民族", "text", 12), ("户籍地", "text", 24), ("监护人", "text", 14), ("联系电话", "text", 16), ("现住址", "text", 30),
    ("备注", "text", 30),
)  # fmt: skip


def as_xlsx(actor: Any, class_id: int, scope: Scope = "class") -> tuple[bytes, str]:
    """The register as a workbook and its file name; noted before it leaves (C-EXP-05). Raises as `gather`."""
    roster = gather(actor, class_id, scope)
    _note(actor, "roster.export", class_id, scope, roster)
    data = write_table(
        [SheetColumn(label=label, kind=kind, width=width) for label, kind, width in _COLUMNS],  # type: ignore[arg-type]
        (
            (
                i, r.student_number, r.name, r.sex, r.birth_date, r.ethnicity, r.household, r.guardian, r.phone,
                r.address, r.remark,
            )
            for i, r in enumerate(roster.rows, start=1)
        ),
        title=f"{roster.school} {roster.name} 花名册",
        notes=[f"{roster.term} 班主任: {roster.head_teacher or '—'} 人数: {len(roster.rows)}"],
        watermark=watermark(actor),
    )  # fmt: skip
    return data, f"{roster.school}{roster.name}花名册.xlsx"


def _note(actor: Any, action: str, class_id: int, scope: Scope, roster: Roster) -> None:
    record(
        actor,
        action,
        object_type="class",
        object_id=class_id,
        after={"scope": scope, "register": roster.name, "fields": [label for label, _k, _w in _COLUMNS]},
        row_count=len(roster.rows),
    )


# --- the list of students as a file -------------------------------------------------------------------------------

MOST_STUDENTS = 5000
_STUDENT_COLUMNS = (
    ("姓名", "text", 16), ("性别", "text", 8), ("出生日期", "date", 13), ("年级", "text", 12), ("班级", "text", 16),
    ("班内学号", "text", 10), ("学籍状态", "text", 12), ("学籍号", "text", 24), ("证件类型", "text", 14),
    ("证件号", "text", 24), ("监护人", "text", 14), ("联系电话", "text", 16),
)  # fmt: skip


def students_xlsx(
    actor: Any, purpose: str, *, text: str = "", filters: enrolment.Filters | None = None
) -> tuple[bytes, str]:
    """The students of a list as a workbook, numbers and phones masked, for a stated purpose (C-EXP-05).

    Raises PermissionDenied, `CertificateRefused` without a purpose or beyond 5,000 children.
    """
    outgoing.require(actor)
    purpose = purpose.strip()
    if len(purpose) < 2:
        raise CertificateRefused(_("请写明导出用途, 会记入日志"))
    rows: list[enrolment.RosterRow] = []
    after = ""
    while True:
        page = enrolment.search(actor, text, filters=filters, after=after, limit=200)
        rows += page.rows
        after = page.next
        if len(rows) > MOST_STUDENTS:
            raise CertificateRefused(_("一次最多导出%(n)s人, 请缩小查询范围") % {"n": MOST_STUDENTS})
        if not after:
            break
    ids = [r.person_id for r in rows]
    cards: dict[uuid.UUID, people.PersonCard] = {}
    for i in range(0, len(ids), _CARDS):
        cards |= people.cards(actor, ids[i : i + _CARDS])
    families = people.contacts(actor, ids)
    record(
        actor,
        "student.export",
        object_type="student_list",
        purpose=purpose[:200],
        after={"fields": [label for label, _k, _w in _STUDENT_COLUMNS], "conditions": _conditions(filters)},
        row_count=len(rows),
        persons=ids,
    )

    def line(r: enrolment.RosterRow) -> tuple[object, ...]:
        card, family = cards.get(r.person_id), families.get(r.person_id, people.Contact())
        numbers = (card.number, card.id_type_label, card.identity) if card else ("", "", "")
        seat = str(r.class_seat) if r.class_seat else ""
        return (
            r.name, r.sex_label, r.birth_date, r.grade_label, r.class_name, seat, r.status_label, *numbers,
            family.guardian, family.phone,
        )  # fmt: skip

    data = write_table(
        [SheetColumn(label=label, kind=kind, width=width) for label, kind, width in _STUDENT_COLUMNS],  # type: ignore[arg-type]
        map(line, rows),
        title=f"{actor.org_name} 学生名册",
        notes=[_("用途: %(p)s") % {"p": purpose[:200]}, _("证件号、学籍号和电话已遮盖")],
        watermark=watermark(actor),
    )
    return data, f"{actor.org_name}学生名册{today():%Y%m%d}.xlsx"


def _conditions(filters: enrolment.Filters | None) -> dict[str, Any]:
    """What the list was narrowed by, for the audit."""
    f = filters or enrolment.Filters()
    found = {k: v for k, v in vars(f).items() if v not in (None, (), "")}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items() if k != "persons"}
