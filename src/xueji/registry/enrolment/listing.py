"""The student list as a page asks for it: words from the address become filters, and the choices that are offered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import cohort_of_grade, grade_on
from xueji.ground.policy.statuses import OPEN, Status

from .queries import Filters

#: Saved views: key of the address, label, what it narrows to.
VIEWS: dict[str, tuple[str, dict[str, Any]]] = {
    "present": ("在籍", {"reasons": ("enrolled", "guest"), "status": tuple(int(s) for s in sorted(OPEN))}),
    "suspended": ("休学", {"reasons": ("enrolled",), "status": (int(Status.SUSPENDED),)}),
    "away": (
        "离校未归",
        {"reasons": ("enrolled",), "status": (int(Status.ABROAD), int(Status.AWAY), int(Status.MISSING))},
    ),
    "problem": ("问题学籍", {"reasons": ("enrolled", "guest"), "problem": True}),
    "graduated": (
        "毕业结业肄业",
        {
            "reasons": ("enrolled",),
            "status": (int(Status.GRADUATED), int(Status.COMPLETED), int(Status.INCOMPLETE)),
        },
    ),
    "former": ("已转出", {"reasons": ("former",)}),
    "all": ("全部", {}),
}


@dataclass(frozen=True)
class Query:
    """What the address of the list says."""

    text: str
    view: str
    filters: Filters
    after: str
    grade: str

    @property
    def narrowed(self) -> bool:
        """Whether anything but the default is asked for."""
        return bool(
            self.text or self.grade or self.view != "present" or self.filters.class_id or self.filters.sex
        )


def read(params: Mapping[str, str], *, day: date | None = None) -> Query:
    """Read the address; what makes no sense is left out, never an error."""
    day = day or today()
    text = params.get("q", "").strip()[:100]
    view = params.get("view", "")
    if view not in VIEWS:
        view = "all" if text else "present"
    narrowing = dict(VIEWS[view][1])
    grade = params.get("grade", "")
    stage = cohort = None
    if len(grade) == 2 and grade[0] in "123" and grade[1].isdecimal():
        stage = "PJS"["123".index(grade[0])]
        cohort = cohort_of_grade(stage, int(grade[1]), day)
    else:
        grade = ""
    return Query(
        text=text,
        view=view,
        grade=grade,
        after=params.get("after", "")[:900],
        filters=Filters(
            school_id=_number(params.get("school")),
            class_id=_number(params.get("class")),
            sex=params.get("sex") if params.get("sex") in {"1", "2"} else None,
            stage=stage,
            cohort=cohort,
            **narrowing,
        ),
    )


def _number(raw: str | None) -> int | None:
    return int(raw) if raw and raw.isdecimal() and len(raw) < 10 else None


def grade_choices(systems: list[tuple[str, str]], *, day: date | None = None) -> list[tuple[str, str]]:
    """Grades of the schools in scope: pairs of code and label from (stage, system) pairs."""
    day = day or today()
    out: dict[str, str] = {}
    for stage, system in systems:
        for year in range(1, int(system.split("-")["PJS".index(stage)]) + 1):
            grade = grade_on(stage, cohort_of_grade(stage, year, day), system, day)
            if grade is not None:
                out[grade.code] = grade.label
    return sorted(out.items())


def choices(actor: Any) -> dict[str, Any]:
    """Schools and grades that the actor can narrow by: one query."""
    with connection.cursor() as c:
        if actor.org_kind == "school":
            c.execute("select s.org_id, o.name, s.stages, s.system from school s join org o on o.id = s.org_id"
                      " where s.org_id = %s", [actor.org_id])  # fmt: skip
        else:
            c.execute(
                "select s.org_id, o.name, s.stages, s.system from school s join org o on o.id = s.org_id"
                " where s.county_id = any(%s) or s.org_id = any(%s) order by o.name, o.id limit 400",
                [list(actor.orgs), list(actor.orgs)],
            )
        rows = c.fetchall()
    return {
        "schools": [(r[0], r[1]) for r in rows] if actor.org_kind != "school" else [],
        "grades": grade_choices([(stage, r[3]) for r in rows for stage in r[2]]),
    }


def count(query: Query, *, ceiling: int = 10000) -> tuple[int, bool]:
    """How many rows the list has when no text is searched; counts to `ceiling` and says whether there are more."""
    f = query.filters
    parts: list[str] = ["true"]
    values: list[Any] = []
    for column, value in (
        ("school_id", f.school_id), ("class_id", f.class_id), ("stage", f.stage), ("cohort_year", f.cohort),
        ("sex", f.sex), ("problem", f.problem),
    ):  # fmt: skip
        if value is not None:
            parts.append(f"{column} = %s")
            values.append(value)
    if f.status:
        parts.append("status = any(%s)")
        values.append(list(f.status))
    if f.reasons:
        parts.append("reason = any(%s)")
        values.append(list(f.reasons))
    with connection.cursor() as c:
        c.execute(
            f"select count(*) from (select 1 from roster where {' and '.join(parts)} limit {int(ceiling) + 1}) x",
            values,
        )
        n = int(c.fetchone()[0])
    return min(n, ceiling), n > ceiling


def view_tabs(query: Query, base: str) -> list[dict[str, Any]]:
    """The saved views as the filter bar shows them."""
    return [
        {"label": _(label), "url": f"{base}?view={key}", "active": key == query.view}
        for key, (label, _f) in VIEWS.items()
    ]
