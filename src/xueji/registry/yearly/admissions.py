"""Reading the way of graduates into the next stage: the county's pool, and admissions by where they stand."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.http import whole
from xueji.ground.orgs.grades import class_label
from xueji.ground.orgs.models import OrgKind, Stage
from xueji.ground.standards.identity import SEX_WORDS

from .commands.admission import NEXT
from .models import AdmissionState

PAGE = 50
TABS = ("pool", "placed", "asked", "released", "accepted", "declined")
LABELS = {
    "pool": gettext_lazy("未分配"),
    "placed": gettext_lazy("待学校接收"),
    "asked": gettext_lazy("待接收地核办"),
    "released": gettext_lazy("待毕业地核办"),
    "accepted": gettext_lazy("已接收"),
    "declined": gettext_lazy("未接收"),
}


@dataclass(frozen=True)
class Row:
    """A graduate on his way: `key` is the admission's id, or the person's in the pool."""

    key: uuid.UUID
    person_id: uuid.UUID
    name: str
    sex: str
    birth_date: date
    stage: str
    from_school: str
    from_class: str
    to_school: str
    state: str
    reason: str
    by: str
    at: datetime | None
    home: str = ""

    @property
    def state_label(self) -> str:
        """Where it stands, in words."""
        return str(AdmissionState(self.state).label) if self.state else ""

    @property
    def stage_label(self) -> str:
        """The stage that was finished."""
        return str(Stage(self.stage).label)


@dataclass(frozen=True)
class Filters:
    """What a list of graduates can be narrowed by."""

    school: int | None = None
    class_id: int | None = None
    stage: str = ""
    text: str = ""


def filters_from(data: Any) -> Filters:
    """Filters as they stand in an address or a form."""
    stage = data.get("stage", "")
    return Filters(
        whole(data.get("school")),
        whole(data.get("class")),
        stage if stage in NEXT else "",
        data.get("q", "").strip()[:40],
    )


def _after(after: str) -> tuple[str, str] | None:
    sort, bar, key = after.rpartition("|")
    if not bar:
        return None
    try:
        return sort, str(uuid.UUID(key))
    except ValueError:
        raise Http404 from None


_POOL = (
    " from roster r join org o on o.id = r.school_id join school s on s.org_id = r.school_id"
    " left join school_class k on k.id = r.class_id"
    " where r.county_id = %(org)s and r.kind = 1 and r.reason = 'enrolled' and r.status = 12 and r.stage = any(%(stages)s)"
    " and not exists (select 1 from admission a where a.person_id = r.person_id"
    "  and a.state in ('asked', 'released', 'placed'))"
)


def _pool_where(f: Filters) -> tuple[str, dict[str, Any]]:
    where, given = "", {"stages": [f.stage] if f.stage else list(NEXT)}
    for name, column, value in (("school", "r.school_id", f.school), ("class", "r.class_id", f.class_id)):
        if value:
            where += f" and {column} = %({name})s"
            given[name] = value  # type: ignore[assignment]
    if f.text:
        where += " and position(%(text)s in r.name) > 0"
        given["text"] = f.text  # type: ignore[assignment]
    return where, given


def pool(actor: Any, f: Filters, after: str = "", limit: int = PAGE) -> tuple[list[Row], str]:
    """Graduates of the authority's schools whom no school has yet, by pinyin (C-GRA-05)."""
    where, given = _pool_where(f)
    key = _after(after)
    if key:
        where += " and (r.pinyin_sort, r.person_id) > (%(sort)s, %(key)s::uuid)"
        given |= {"sort": key[0], "key": key[1]}  # type: ignore[dict-item]
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.sex, r.birth_date, r.stage, o.name, k.stage, k.cohort_year, k.number, s.system,"
            f" r.pinyin_sort {_POOL}{where} order by r.pinyin_sort, r.person_id limit %(n)s",
            given | {"org": actor.org_id, "n": limit + 1},
        )
        found = c.fetchall()
    out = [
        Row(
            r[0], r[0], r[1], SEX_WORDS.get(r[2], ""), r[3], r[4], r[5], _class(r[6:10]), "", "", "", "", None
        )
        for r in found[:limit]
    ]
    return out, (f"{found[limit - 1][-1]}|{found[limit - 1][0]}" if len(found) > limit else "")


def pool_persons(actor: Any, f: Filters) -> list[uuid.UUID]:
    """All of the pool that filters leave, for placing a whole school or class at once (at most 5,000)."""
    where, given = _pool_where(f)
    with connection.cursor() as c:
        c.execute(
            f"select r.person_id {_POOL}{where} order by r.person_id limit 5000",
            given | {"org": actor.org_id},
        )
        return [r[0] for r in c.fetchall()]


def _class(values: Any) -> str:
    stage, cohort, number, system = values
    return class_label(stage, cohort, number, system, date(cohort + 20, 9, 1)) if number else ""


def listed(actor: Any, tab: str, f: Filters, after: str = "", limit: int = PAGE) -> tuple[list[Row], str]:
    """Admissions in a state, those that concern the actor's unit, by name."""
    side = "(a.to_school_id = %(org)s or a.from_school_id = %(org)s)"
    if actor.org_kind != OrgKind.SCHOOL:
        side = {
            "asked": "a.to_county_id = any(%(orgs)s)",
            "released": "(a.from_county_id = any(%(orgs)s) or a.to_county_id = any(%(orgs)s))",
        }.get(tab, "(a.to_county_id = any(%(orgs)s) or a.from_county_id = any(%(orgs)s))")
    where, given = "", {"org": actor.org_id, "orgs": list(actor.orgs), "state": tab, "n": limit + 1}
    if f.school:
        where += " and (a.to_school_id = %(school)s or a.from_school_id = %(school)s)"
        given["school"] = f.school
    if f.text:
        where += " and position(%(text)s in a.name) > 0"
        given["text"] = f.text
    key = _after(after)
    if key:
        where += " and (a.name, a.id) > (%(sort)s, %(key)s::uuid)"
        given |= {"sort": key[0], "key": key[1]}
    with connection.cursor() as c:
        c.execute(
            "select a.id, a.person_id, a.name, a.sex, a.birth_date, a.from_stage, o.name, k.stage, k.cohort_year, k.number,"
            " s.system, t.name, a.state, a.reason, a.begun_name, a.begun_at from admission a"
            " join org o on o.id = a.from_school_id join school s on s.org_id = a.from_school_id"
            " join org t on t.id = a.to_school_id left join school_class k on k.id = a.from_class_id"
            f" where a.state = %(state)s and {side}{where} order by a.name, a.id limit %(n)s",
            given,
        )
        found = c.fetchall()
    out = [
        Row(
            r[0],
            r[1],
            r[2],
            SEX_WORDS.get(r[3], ""),
            r[4],
            r[5],
            r[6],
            _class(r[7:11]),
            r[11],
            r[12],
            r[13],
            r[14],
            r[15],
        )
        for r in found[:limit]
    ]
    return out, (f"{found[limit - 1][2]}|{found[limit - 1][0]}" if len(found) > limit else "")


def counts(actor: Any) -> dict[str, int]:
    """How many admissions of the actor's unit are in each state; one query. The pool is not counted here."""
    side = "(to_school_id = %(org)s or from_school_id = %(org)s)"
    if actor.org_kind != OrgKind.SCHOOL:
        side = "(to_county_id = any(%(orgs)s) or from_county_id = any(%(orgs)s))"
    with connection.cursor() as c:
        c.execute(
            f"select state, count(*) from admission where {side} group by 1",
            {"org": actor.org_id, "orgs": list(actor.orgs)},
        )
        return dict(c.fetchall())


def pool_count(actor: Any) -> int:
    """How many graduates wait in the authority's pool."""
    with connection.cursor() as c:
        c.execute(f"select count(*) {_POOL}", {"org": actor.org_id, "stages": list(NEXT)})
        return int(c.fetchone()[0])


def schools(actor: Any) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The authority's schools: those that may receive graduates, and all of them (each at most 500)."""
    with connection.cursor() as c:
        c.execute(
            "select s.org_id, o.name, s.stages from school s join org o on o.id = s.org_id"
            " where s.county_id = %s and o.valid_to is null order by o.code limit 500",
            [actor.org_id],
        )
        found = c.fetchall()
    receiving = set(NEXT.values())
    return [(r[0], r[1]) for r in found if receiving & set(r[2])], [(r[0], r[1]) for r in found]
