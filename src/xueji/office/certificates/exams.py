"""考试报名核对名单: who registers for 会考 and 高考 at a school, because the school keeps the record (C-BOR-04)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.orgs.grades import class_label, grade_on
from xueji.ground.paper.roster import ListColumn, PaperList, render_list
from xueji.ground.policy.statuses import Status
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.changes import guests
from xueji.registry.people import queries as people

from .errors import CertificateRefused
from .rosters import MOST, watermark

_CARDS = 500
_PAPER = (
    ListColumn(label="序号", mm=11, centre=True),
    ListColumn(label="学籍号", mm=40),
    ListColumn(label="姓名", mm=26),
    ListColumn(label="性别", mm=11, centre=True),
    ListColumn(label="出生日期", mm=22, centre=True),
    ListColumn(label="证件类型", mm=26),
    ListColumn(label="证件号", mm=38),
    ListColumn(label="班级", mm=28),
    ListColumn(label="就读情况"),
    ListColumn(label="本人核对签字", mm=26),
)
_SHEET = (
    ("序号", "number", 8), ("学籍号", "text", 24), ("姓名", "text", 16), ("性别", "text", 8), ("出生日期", "date", 13),
    ("证件类型", "text", 16), ("证件号", "text", 24), ("班级", "text", 18), ("就读情况", "text", 34),
    ("本人核对签字", "text", 16),
)  # fmt: skip


@dataclass(frozen=True)
class ExamList:
    """The candidates of a grade, `away` of them studying elsewhere; `hosted` guests are left to their own schools."""

    school: str
    grade: str
    rows: Sequence[tuple[Any, ...]]
    away: int
    hosted: int

    @property
    def title(self) -> str:
        """What stands above the list."""
        return f"{self.grade}考试报名核对名单"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The pairs under the title."""
        return [
            ("报名人数", f"{len(self.rows)}人"),
            ("其中在外校借读", f"{self.away}人"),
            ("在本校借读, 回学籍所在学校报名", f"{self.hosted}人"),
        ]


def gather(actor: Any, class_id: int) -> ExamList:
    """The children of the grade of a class whose record this school keeps, wherever they study; guests are not in it.

    Raises PermissionDenied to anybody but the school's office, Http404, `CertificateRefused` beyond 4,000 children.
    """
    actor.require("register.print")
    with connection.cursor() as c:
        c.execute(
            "select k.school_id, k.stage, k.cohort_year, o.name, s.system from school_class k"
            " join school s on s.org_id = k.school_id join org o on o.id = k.school_id where k.id = %s",
            [class_id],
        )
        place = c.fetchone()
        if place is None or place[0] != actor.org_id:
            raise Http404
        school_id, stage, cohort, school, system = place
        c.execute(
            "select r.person_id, r.name, r.sex, r.birth_date, r.stage, r.cohort_year, k.number, r.status, r.kind"
            " from roster r left join school_class k on k.id = r.class_id"
            " where r.school_id = %s and r.stage = %s and r.cohort_year = %s and r.status < 10"
            "   and r.reason in ('enrolled', 'guest')"
            f" order by k.number nulls last, r.class_seat nulls last, r.pinyin_sort, r.person_id limit {MOST + 1}",
            [school_id, stage, cohort],
        )
        found = c.fetchall()
    if len(found) > MOST:
        raise CertificateRefused(_("一次最多打印%(n)s人") % {"n": MOST})
    own = [r for r in found if r[8] == 1]
    ids = [r[0] for r in own]
    cards: dict[uuid.UUID, people.PersonCard] = {}
    for i in range(0, len(ids), _CARDS):
        cards |= people.cards(actor, ids[i : i + _CARDS])
    hosts = {g.person_id: g.host for g in guests.elsewhere(actor, limit=MOST)}
    day = today()
    rows = []
    for i, (person, name, sex, birth, _stage, year, number, status, _kind) in enumerate(own, start=1):
        card = cards.get(person)
        words = [_("在%(school)s借读") % {"school": hosts[person]}] if person in hosts else []
        if status != Status.STUDYING:
            words.append(str(Status(status).label))
        rows.append(
            (
                i, card.number if card else "", name, SEX_WORDS.get(sex, ""), birth,
                card.id_type_label if card else "", card.identity if card else "",
                class_label(stage, year, number, system, day) if number else "", " ".join(words), "",
            )
        )  # fmt: skip
    grade = grade_on(stage, cohort, system, day)
    return ExamList(
        school=school,
        grade=grade.label if grade else _("%(y)s级") % {"y": cohort},
        rows=rows,
        away=sum(x in hosts for x in ids),
        hosted=len(found) - len(own),
    )


def _note(actor: Any, action: str, class_id: int, made: ExamList) -> None:
    record(
        actor,
        action,
        object_type="class",
        object_id=class_id,
        after={"register": made.title, "fields": [label for label, _k, _w in _SHEET]},
        row_count=len(made.rows),
    )


def as_pdf(actor: Any, class_id: int) -> tuple[bytes, str]:
    """The list on paper and its file name; noted before it leaves. Raises as `gather`."""
    made = gather(actor, class_id)
    _note(actor, "exam_list.print", class_id, made)
    data = render_list(
        PaperList(
            title=made.title,
            subtitle=_("考试一律在学籍所在学校报名"),
            org_name=made.school,
            facts=made.facts,
            columns=_PAPER,
            rows=[[str(v) for v in row] for row in made.rows],
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
            watermark=watermark(actor),
            signatures=("核对人（签字）", "校长（签字）", "学校（盖章）"),
        )
    )
    return data, f"{made.school}{made.title}.pdf"


def as_xlsx(actor: Any, class_id: int) -> tuple[bytes, str]:
    """The list as a workbook and its file name; noted before it leaves. Raises as `gather`."""
    made = gather(actor, class_id)
    _note(actor, "exam_list.export", class_id, made)
    data = write_table(
        [SheetColumn(label=label, kind=kind, width=width) for label, kind, width in _SHEET],  # type: ignore[arg-type]
        made.rows,
        title=f"{made.school} {made.title}",
        notes=["; ".join(f"{label} {value}" for label, value in made.facts)],
        watermark=watermark(actor),
    )
    return data, f"{made.school}{made.title}.xlsx"
