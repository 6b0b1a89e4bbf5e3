"""学籍信息更正表: every correction of a school in a term, with before and after, the article and the decision.

A school sees its own; an authority those that it takes part in (C-INF-09), by row-level security on the cases.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.paper.roster import ListColumn, PaperList, render_list
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import article_words
from xueji.ground.policy.library import library
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.registry.enrolment.timeline import end_of, local_day, midnight
from xueji.registry.enrolment.words import business_label

from .models import CaseStatus

BUSINESSES = ("correct_key", "correct")
MOST = 1000
TITLE = "学籍信息更正表"
HEAD = (
    "序号",
    "业务编号",
    "学校",
    "姓名",
    "班级",
    "提交日期",
    "更正项目",
    "更正前",
    "更正后",
    "依据",
    "办理结果",
    "办理人",
    "办结日期",
)
_STAGES = {"P": "小学", "J": "初中", "S": "高中"}


@dataclass(frozen=True)
class Term:
    """A term of a school year: `2026-1` is the one that begins in September 2026."""

    key: str
    label: str
    start: date
    end: date


@dataclass(frozen=True)
class Correction:
    """One correction: what was before and after, field by field, and what became of it. Everything masked."""

    case_id: uuid.UUID
    person_id: uuid.UUID | None
    number: str
    school: str
    name: str
    place: str
    stage: str
    submitted: date
    business: str
    diff: Sequence[tuple[str, str, str]]
    article: str
    decision: str
    decider: str
    ended: date | None


def terms(today: date, count: int = 6) -> list[Term]:
    """The last terms, the present one first. The first lasts from September to January, the second to August."""
    year = start_year_of(today)
    first = today.month >= 9 or today.month == 1
    out = []
    for _n in range(count):
        start, end = (
            (date(year, 9, 1), date(year + 1, 1, 31))
            if first
            else (date(year + 1, 2, 1), date(year + 1, 8, 31))
        )
        label = _("%(a)s-%(b)s学年第%(n)s学期") % {
            "a": year,
            "b": year + 1,
            "n": _("一") if first else _("二"),
        }
        out.append(Term(f"{year}-{1 if first else 2}", label, start, end))
        year, first = (year - 1, False) if first else (year, True)
    return out


def term_of(key: str, today: date) -> Term:
    """The term of an address; the present one when it names none."""
    found = terms(today)
    return next((t for t in found if t.key == key), found[0])


def require(actor: Any) -> None:
    """The school's office, or an authority above. Raises PermissionDenied."""
    if not actor.can("register.print") and not actor.can("case.overview"):
        raise PermissionDenied


def entries(actor: Any, term: Term, *, stage: str = "") -> list[Correction]:
    """Corrections sent in a term, oldest first, at most 1,000; one query. Raises PermissionDenied."""
    require(actor)
    with connection.cursor() as c:
        c.execute(
            "select c.case_id, c.person_id, c.number, o.name, c.student_name, c.summary, c.submitted_at, c.business,"
            "  c.status, c.end_reason, coalesce(e.article, ''), coalesce(d.label || ' ' || d.decider_name, ''), c.ended_at,"
            "  coalesce(w.label, '')"
            " from case_ c join org o on o.id = c.org_id"
            " left join lateral (select article from event e where e.case_id = c.case_id and e.person_id = c.person_id"
            "   order by e.recorded_at desc limit 1) e on true"
            " left join lateral (select s.label, s.decider_name from case_step s where s.case_id = c.case_id"
            "   and s.decided_at is not null order by s.decided_at desc limit 1) d on true"
            " left join lateral (select s.label from case_step s where s.case_id = c.case_id and s.state = 'current'"
            "   order by s.seq limit 1) w on true"
            " where c.business = any(%(kinds)s) and c.number is not null and c.submitted_at >= %(a)s and c.submitted_at < %(b)s"
            " and (%(school)s::int is null or c.org_id = %(school)s) and (%(stage)s = '' or c.summary ->> 'stage' = %(stage)s)"
            " order by c.submitted_at, c.case_id limit %(most)s",
            {
                "kinds": list(BUSINESSES),
                "a": midnight(term.start),
                "b": end_of(term.end),
                "school": actor.org_id if actor.org_kind == "school" else None,
                "stage": stage,
                "most": MOST,
            },
        )
        rows = c.fetchall()
    policy = library().resolve(("cn",), timezone.localdate())
    return [_entry(row, policy) for row in rows]


def _entry(row: tuple[Any, ...], policy: PolicySet) -> Correction:
    (
        case_id,
        person,
        number,
        school,
        name,
        summary,
        sent,
        business,
        status,
        why,
        article,
        decider,
        ended,
        waits,
    ) = row
    if isinstance(summary, str):
        summary = json.loads(summary)
    decision = str(CaseStatus(status).label)
    if status == CaseStatus.RUNNING and waits:
        decision = _("办理中: 待%s") % waits
    elif why:
        decision = f"{decision}: {why}"
    if not article:
        cite = policy.business(business).cite
        article = f"《{cite.source.title}》{article_words(cite.article)}"
    return Correction(
        case_id,
        person,
        number or "",
        school,
        name,
        summary.get("class") or summary.get("grade", ""),
        _STAGES.get(summary.get("stage", ""), ""),
        local_day(sent),
        business_label(business),
        [(d.get("label", ""), d.get("old") or "—", d.get("new") or "—") for d in summary.get("diff", [])],
        article,
        decision,
        decider,
        local_day(ended) if ended else None,
    )


def _cells(found: Sequence[Correction]) -> list[list[str]]:
    """One line a field: a case that changes three fields takes three."""
    out: list[list[str]] = []
    for e in found:
        for label, old, new in e.diff or [("", "", "")]:
            out.append(
                [
                    str(len(out) + 1), e.number, e.school, e.name, e.place, e.submitted.isoformat(), label, old, new,
                    e.article, e.decision, e.decider, e.ended.isoformat() if e.ended else "",
                ]
            )  # fmt: skip
    return out


def export(actor: Any, term: Term, form: str, *, stage: str = "") -> tuple[bytes, str]:
    """The form as `pdf` or `xlsx` and its file name; in the log before it leaves. Raises as `entries`, `MissingGlyphs`."""
    with translation.override("zh-hans"):
        found = entries(actor, term, stage=stage)
        cells = _cells(found)
        record(
            actor,
            "register.export",
            object_type="register",
            after={
                "register": TITLE,
                "from": term.start.isoformat(),
                "to": term.end.isoformat(),
                "form": form,
            },
            row_count=len(found),
            persons=[e.person_id for e in found if e.person_id],
        )
        mark = f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}"
        name = f"{actor.org_name}{TITLE}{term.key}.{form}"
        title = f"{actor.org_name} {TITLE}"
        if form == "xlsx":
            widths = (8, 22, 24, 16, 18, 13, 16, 24, 24, 34, 18, 22, 13)
            columns = [
                SheetColumn(label=label, width=width) for label, width in zip(HEAD, widths, strict=True)
            ]
            return write_table(columns, cells, title=title, notes=[term.label], watermark=mark), name
        wide = (9, 32, 24, 16, 22, 18, 18, 26, 26, None, 18, 20, 18)
        sheet = PaperList(
            title=TITLE,
            org_name=actor.org_name,
            facts=[("学期", term.label), ("业务", f"{len(found)}件")],
            columns=[ListColumn(label=label, mm=mm) for label, mm in zip(HEAD, wide, strict=True)],
            rows=cells,
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
            watermark=mark,
            signatures=("经办人（签字）", "负责人（签字）", "单位（盖章）"),
        )
        return render_list(sheet), name
