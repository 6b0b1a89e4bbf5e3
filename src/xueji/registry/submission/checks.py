"""不重、不空、不漏、不错: what is wrong with a school's records, set-based for one school or a whole county (C-SUB-11).

Every finding is a condition on the row of a child; a county is one statement. Sealed items are not opened here: a child
without any counts as one with items missing. What a place does not collect, or leaves open, nobody lacks there (C-COL-22).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from xueji.ground.orgs.models import SchoolClass
from xueji.ground.standards import fields as national_form
from xueji.registry.intake import asked
from xueji.registry.people import places
from xueji.registry.people.queries.profile import kept_in_profile

PAGE = 50

#: code -> words. The words are those that policy names (`submission.blocking`).
FINDINGS = {
    "blank": _("必填项空缺"),
    "guardian": _("没有监护人"),
    "identity": _("没有证件号码"),
    "photo": _("没有照片"),
    "unplaced": _("未编班"),
    "problem": _("问题学籍"),
    "double": _("本校重复"),
    "age": _("年龄与年级不符"),
    "unverified": _("班级未核对"),
    "omitted": _("漏报"),
}
#: Which of 不重、不空、不漏、不错 a finding is.
GROUP = {
    "blank": _("不空"), "guardian": _("不空"), "identity": _("不空"), "photo": _("不空"),
    "unplaced": _("不空"), "problem": _("不错"), "age": _("不错"), "double": _("不重"),
    "unverified": _("不漏"), "omitted": _("不漏"),
}  # fmt: skip
#: Counted in classes or lines of a class check, not in children.
BY_CLASS = ("unverified", "omitted")
_AGE = {"P": (5, 9), "J": (10, 15), "S": (13, 19)}


def demanded(said: Mapping[str, str]) -> dict[str, Any]:
    """What every child must have where this is said: the items that lie open, whether any lies sealed, whether ethnicity
    and a guardian are asked for. Nothing said: the national form.
    """
    wanted = [f for f in national_form.fields() if asked.demands(said, f)]
    kept = [f for f in wanted if kept_in_profile(f)]
    keys = {f.key for f in wanted}
    return {
        "keys": [f.key for f in kept if f.sensitive not in places.SEALED_KINDS],
        "sealed": any(f.sensitive in places.SEALED_KINDS for f in kept),
        "ethnicity": "ethnicity" in keys,
        "guardian": "member1_name" in keys,
    }


@dataclass(frozen=True)
class Scope:
    """Whose records: schools, or everything of these authorities; `grades` P1, J3 ... of a school year, none: all."""

    schools: tuple[int, ...] = ()
    counties: tuple[int, ...] = ()
    grades: tuple[str, ...] = ()
    year: int = 0
    term: int = 1

    def where(self) -> tuple[str, list[Any]]:
        """Condition on roster rows `r`, and its values."""
        parts = ["r.kind = 1 and r.reason = 'enrolled' and r.status between 1 and 9"]
        given: list[Any] = []
        if self.schools:
            parts.append("r.school_id = any(%s)")
            given.append(list(self.schools))
        else:
            parts.append("r.county_id = any(%s)")
            given.append(list(self.counties))
        if self.grades:
            parts.append("r.stage || (%s - r.cohort_year + 1) = any(%s)")
            given += [self.year, list(self.grades)]
        return " and ".join(parts), given


def _demands(
    schools: Sequence[int], counties: Sequence[int]
) -> tuple[list[dict[str, Any]], list[tuple[int, str, int]]]:
    """What is demanded where: kinds of demand, and school and stage with the kind that holds there. Kind 0 is the national
    form, for every place of which nothing is said.
    """
    kinds = [demanded({})]
    at: list[tuple[int, str, int]] = []
    seen: dict[int, int] = {}
    for (school, stage), said in asked.by_place(schools, counties).items():
        # Places that are told the same share one mapping.
        if id(said) not in seen:
            one = demanded(said)
            if one not in kinds:
                kinds.append(one)
            seen[id(said)] = kinds.index(one)
        if seen[id(said)]:
            at.append((school, stage, seen[id(said)]))
    return [{"kind": n, **one} for n, one in enumerate(kinds)], at


_COLUMNS = (
    "r.person_id, r.school_id, r.class_id, r.name, r.sex, r.birth_date, r.stage, r.cohort_year, r.number_prefix,"
    " r.problem, r.check_state, r.pinyin_sort, r.class_seat"
)


def _flagged(
    where: str, given: Sequence[Any], *, schools: Sequence[int] = (), counties: Sequence[int] = ()
) -> tuple[str, list[Any]]:
    """The beginning of a statement, with its values: `flagged` has a row per child of the roster `where`, with a column per
    finding; `wanted` are the kinds of demand. One statement for what is demanded at these schools and authorities.
    """
    kinds, at = _demands(schools, counties)
    ages = " or ".join(
        f"(x.stage = '{s}' and x.cohort_year - extract(year from x.birth_date) not between {a} and {b})"
        for s, (a, b) in _AGE.items()
    )
    return (
        "with wanted as materialized (select kind, keys, sealed, ethnicity, guardian from jsonb_to_recordset(%s::jsonb)"
        "  as w(kind int, keys text[], sealed boolean, ethnicity boolean, guardian boolean)),"
        f" here as (select {_COLUMNS} from roster r where {where}), flagged as ("
        "select x.*, w.kind, ((w.ethnicity and p.ethnicity = '') or (f.person_id is null and cardinality(w.keys) > 0)"
        " or (w.sealed and f.sealed is null) or exists (select 1 from"
        " unnest(w.keys) k where coalesce(f.data ->> k, '') = '' and not (k = any(f.withheld)))) as is_blank,"
        " w.guardian and not exists (select 1 from guardian g where g.person_id = x.person_id and g.until is null)"
        " as is_guardian,"
        " (d.person_id is null and x.number_prefix not in ('G', 'J')) as is_identity,"
        " ph.person_id is null as is_photo, x.class_id is null as is_unplaced,"
        " (x.problem or x.check_state = 'failed') as is_problem,"
        " count(*) over (partition by x.school_id, x.name, x.sex, x.birth_date) > 1 as is_double,"
        " (" + ages + ") as is_age"
        " from here x join person p on p.person_id = x.person_id"
        " left join unnest(%s::int[], %s::text[], %s::int[]) as t(school_id, stage, kind)"
        "  on t.school_id = x.school_id and t.stage = x.stage"
        " join wanted w on w.kind = coalesce(t.kind, 0)"
        " left join person_profile f on f.person_id = x.person_id"
        " left join identity_document d on d.person_id = x.person_id and d.until is null"
        " left join person_photo ph on ph.person_id = x.person_id)",
        [
            json.dumps(kinds),
            *given,
            [school for school, _stage, _kind in at],
            [stage for _school, stage, _kind in at],
            [kind for _school, _stage, kind in at],
        ],
    )


_CHILD = ("blank", "guardian", "identity", "photo", "unplaced", "problem", "double", "age")


def counts(scope: Scope) -> dict[int, dict[str, int]]:
    """school -> finding -> number, with `total`. Four statements for any number of schools."""
    where, given = scope.where()
    flagged, values = _flagged(where, given, schools=scope.schools, counties=scope.counties)
    sums = ", ".join(f"count(*) filter (where is_{code})" for code in _CHILD)
    out: dict[int, dict[str, int]] = {}
    with connection.cursor() as c:
        c.execute(
            f"{flagged} select school_id, count(*), {sums} from flagged group by school_id",
            values,
        )
        for school, total, *numbers in c.fetchall():
            out[school] = {"total": total, **dict(zip(_CHILD, numbers, strict=True))}
        ours = "k.school_id = any(%s)" if scope.schools else "s.county_id = any(%s)"
        mine: list[Any] = [list(scope.schools or scope.counties)]
        graded: list[Any] = [scope.year, list(scope.grades)] if scope.grades else []
        c.execute(
            "select k.school_id, count(*) from school_class k join school s on s.org_id = k.school_id"
            f" where {ours} and k.closed_on is null"
            + (" and k.stage || (%s - k.cohort_year + 1) = any(%s)" if scope.grades else "")
            + " and exists (select 1 from roster r where r.class_id = k.id and r.reason = 'enrolled' and r.kind = 1"
            "   and r.status between 1 and 9)"
            " and not exists (select 1 from class_check v where v.class_id = k.id and v.year = %s and v.term = %s"
            "   and v.state = 'verified') group by 1",
            [*mine, *graded, scope.year, scope.term],
        )
        for school, n in c.fetchall():
            out.setdefault(school, {"total": 0})["unverified"] = n
        c.execute(
            "select l.school_id, count(*) from class_check_line l join class_check v on v.id = l.check_id"
            f" where {'l.school_id' if scope.schools else 'l.county_id'} = any(%s) and v.year = %s and v.term = %s"
            " and l.person_id is null and l.settled_at is null group by 1",
            [*mine, scope.year, scope.term],
        )
        for school, n in c.fetchall():
            out.setdefault(school, {"total": 0})["omitted"] = n
    return out


@dataclass(frozen=True)
class Row:
    """A child with a finding."""

    person_id: uuid.UUID
    name: str
    sex: str
    stage: str
    cohort_year: int
    class_number: int | None
    key: str


def children(scope: Scope, code: str, *, after: str = "", limit: int = PAGE) -> tuple[list[Row], str]:
    """Children with one finding in the order of names, one page, and where the next begins. Raises KeyError."""
    if code not in _CHILD:
        raise KeyError(code)
    where, given = scope.where()
    flagged, values = _flagged(where, given, schools=scope.schools, counties=scope.counties)
    with connection.cursor() as c:
        c.execute(
            f"{flagged} select f.person_id, f.name, f.sex, f.stage, f.cohort_year, k.number,"
            "  f.pinyin_sort || '|' || f.person_id as key from flagged f"
            " left join school_class k on k.id = f.class_id"
            f" where f.is_{code} and f.pinyin_sort || '|' || f.person_id > %s order by key limit %s",
            [*values, after, limit + 1],
        )
        rows = [Row(*r) for r in c.fetchall()]
    return rows[:limit], rows[limit - 1].key if len(rows) > limit else ""


def gaps(class_id: int) -> dict[uuid.UUID, list[str]]:
    """What each child of a class lacks, in words, for the class teacher's comparison. Three statements."""
    school = SchoolClass.objects.filter(pk=class_id).values_list("school_id", flat=True).first()
    here = "r.class_id = %s and r.kind = 1 and r.reason = 'enrolled' and r.status between 1 and 9"
    flagged, values = _flagged(here, [class_id], schools=[school or 0])
    names = {f.key: f.name for f in national_form.fields()}
    with connection.cursor() as c:
        c.execute(
            f"{flagged} select x.person_id, x.is_guardian, x.is_identity, x.is_photo, x.is_problem,"
            "  w.sealed and f.sealed is null, array(select k from unnest(w.keys) k where coalesce(f.data ->> k, '') = ''"
            "    and not (k = any(coalesce(f.withheld, '{}'))))"
            " from flagged x join wanted w on w.kind = x.kind left join person_profile f on f.person_id = x.person_id"
            " where x.is_blank or x.is_guardian or x.is_identity or x.is_photo or x.is_problem limit 500",
            values,
        )
        out: dict[uuid.UUID, list[str]] = {}
        for person, guardian, identity, photo, problem, closed, blank in c.fetchall():
            words = [str(FINDINGS[k]) for k, on in (("guardian", guardian), ("identity", identity)) if on]
            words += [str(FINDINGS[k]) for k, on in (("photo", photo), ("problem", problem)) if on]
            words += [names[k] for k in blank] + ([str(_("住址、电话等"))] if closed else [])
            out[person] = words
    return out


def blocking(words: Sequence[str]) -> list[str]:
    """Codes of the findings that policy does not let pass with an explanation."""
    return [code for code, text in FINDINGS.items() if str(text) in set(words)]
