"""学期会审: what a school has to look at together, and what the authority received."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from xueji.registry.dropout import queries as dropout

from . import checks, classes
from .models import TermReview
from .terms import Term

PAGE = 50


@dataclass(frozen=True)
class Finding:
    """Something that the review has to resolve. `stops`: nothing is handed in while it is there."""

    code: str
    label: Any
    n: int
    url: str
    stops: bool = False


@dataclass(frozen=True)
class Look:
    """A school's records at a glance: figures and what is to be resolved."""

    figures: dict[str, int]
    findings: list[Finding]


FIGURES = {
    "pupils": _("在籍学生"),
    "studying": _("在读"),
    "suspended": _("休学、保留学籍"),
    "guests": _("借读"),
    "classes": _("班级"),
    "verified": _("已核对班级"),
    "present": _("实到人数"),
    "lacking": _("在册不在校"),
    "extra": _("在校未建籍"),
    "dropouts": _("控辍保学在跟进"),
}
#: Figures that count something else than pupils.
CLASSES = frozenset({"classes", "verified"})


def look(actor: Any, term: Term) -> Look:
    """The actor's own school today. Six queries."""
    school = actor.org_id
    with connection.cursor() as c:
        c.execute(
            "select count(*) filter (where kind = 1), count(*) filter (where kind = 1 and status = 1),"
            " count(*) filter (where kind = 1 and status in (2, 3)), count(*) filter (where kind = 2),"
            " count(*) filter (where kind = 1 and open_case <> '') from roster where school_id = %s"
            " and reason in ('enrolled', 'guest') and status between 1 and 9",
            [school],
        )
        pupils, studying, paused, guests, cases = c.fetchone()
    found = checks.counts(checks.Scope(schools=(school,), year=term.year, term=term.number)).get(school, {})
    rows = classes.of_school(school, term)
    held = [r.check for r in rows if r.check is not None]
    active = dropout.counts(actor)["active"]
    return Look(
        figures={
            "pupils": pupils, "studying": studying, "suspended": paused, "guests": guests, "classes": len(rows),
            "verified": sum(x.state == "verified" for x in held), "present": sum(x.present for x in held),
            "lacking": sum(x.lacking for x in held), "extra": sum(x.extra for x in held), "dropouts": active,
        },
        findings=[
            Finding("unverified", checks.FINDINGS["unverified"], found.get("unverified", 0), "/headcount/", True),
            Finding("omitted", checks.FINDINGS["omitted"], found.get("omitted", 0), "/headcount/", True),
            Finding("problem", checks.FINDINGS["problem"], found.get("problem", 0), "/problems/"),
            Finding("double", checks.FINDINGS["double"], found.get("double", 0), "/submission/checks/?code=double"),
            Finding("blank", checks.FINDINGS["blank"], found.get("blank", 0), "/submission/checks/?code=blank"),
            Finding("photo", checks.FINDINGS["photo"], found.get("photo", 0), "/photos/missing/"),
            Finding("dropout", _("疑似辍学学生"), active, "/dropout/"),
            Finding("cases", _("在办业务"), cases, "/cases/"),
        ],
    )  # fmt: skip


def of_school(school_id: int, term: Term) -> TermReview | None:
    """What a school handed in for a term."""
    return TermReview.objects.filter(school_id=school_id, year=term.year, term=term.number).first()


@dataclass(frozen=True)
class Row:
    """A school in the authority's list: with its review or without."""

    school_id: int
    name: str
    phone: str
    review: TermReview | None
    key: str


def of_schools(actor: Any, term: Term, *, after: str = "", only: str = "") -> tuple[list[Row], str]:
    """Schools under the unit with their review of a term, one page by name; two queries. `only`: "missing", "sent"."""
    more = {
        "missing": " and v.id is null",
        "sent": " and v.state = 'sent'",
        "accepted": " and v.state = 'accepted'",
    }.get(only, "")
    with connection.cursor() as c:
        c.execute(
            "select o.id, o.name, o.phone, v.id, o.name || '|' || o.id as key from school s"
            " join org o on o.id = s.org_id"
            " left join term_review v on v.school_id = o.id and v.year = %s and v.term = %s"
            f" where o.path like %s and o.valid_to is null and o.name || '|' || o.id > %s{more} order by key limit %s",
            [term.year, term.number, actor.org_path + "%", after, PAGE + 1],
        )
        rows = c.fetchall()
    held = TermReview.objects.in_bulk([r[3] for r in rows if r[3]])
    out = [Row(r[0], r[1], r[2], held.get(r[3]), r[4]) for r in rows[:PAGE]]
    return out, rows[PAGE - 1][4] if len(rows) > PAGE else ""
