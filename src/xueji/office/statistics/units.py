"""Whose figures: the unit chosen by the reader, inside his scope, and the units that its table has as rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils.translation import gettext as _

#: A county has some hundred schools, a province some hundred counties.
MOST = 2000


@dataclass(frozen=True)
class Unit:
    """A row of the table by units: `org_id` 0 gathers what hangs directly under the chosen unit."""

    org_id: int
    label: str
    open: bool


@dataclass(frozen=True)
class Target:
    """The chosen unit, ready for queries: its counties, its schools (None: all of the counties), rows, way down."""

    org_id: int
    kind: str
    name: str
    counties: tuple[int, ...]
    schools: tuple[int, ...] | None
    units: tuple[Unit, ...]
    unit_of: dict[int, int] = field(hash=False)
    by_school: bool = False
    up: tuple[tuple[int, str], ...] = ()

    @property
    def is_school(self) -> bool:
        """Whether it is one school: its table has grades as rows."""
        return self.kind == "school"

    @property
    def names_possible(self) -> bool:
        """Whether figures lead to names: for one school, or the schools of one county."""
        return self.is_school or self.by_school


def resolve(actor: Any, org_id: int | None = None) -> Target:
    """The unit to count: the actor's own, or one below it. Raises Http404 for any other (two or three queries)."""
    with connection.cursor() as c:
        c.execute(
            "select id, kind, name, path from org where id = %s", [actor.org_id if org_id is None else org_id]
        )
        row = c.fetchone()
        if row is None or not row[3].startswith(actor.org_path or "//"):
            raise Http404
        org, kind, name, path = row
        ids = [int(x) for x in path.strip("/").split("/") if x.isdigit()]
        own = [int(x) for x in actor.org_path.strip("/").split("/") if x.isdigit()]
        up = _names(c, [i for i in ids if i not in own[:-1] and i != org])
        if kind == "school":
            c.execute("select county_id from school where org_id = %s", [org])
            county = c.fetchone()[0]
            return Target(org, kind, name, (county,), (org,), (), {org: org}, True, up)
        if kind in ("county", "central"):
            schools = _schools(c, org, kind, path)
            counties = tuple({s[2] for s in schools}) or (org,)
            return Target(
                org,
                kind,
                name,
                counties,
                None if kind == "county" else tuple(s[0] for s in schools),
                tuple(Unit(s[0], s[1], True) for s in schools),
                {s[0]: s[0] for s in schools},
                True,
                up,
            )
        return _authority(c, org, kind, name, path, up)


def _schools(c: Any, org: int, kind: str, path: str) -> list[tuple[int, str, int]]:
    where, value = ("s.county_id = %s", org) if kind == "county" else ("o.path like %s", path + "%")
    c.execute(
        "select s.org_id, o.short_name, s.county_id from school s join org o on o.id = s.org_id"
        f" where {where} order by o.name, o.id limit {MOST}",
        [value],
    )
    return [(r[0], r[1], r[2]) for r in c.fetchall()]


def _authority(c: Any, org: int, kind: str, name: str, path: str, up: tuple[tuple[int, str], ...]) -> Target:
    """A city, province or the nation: its table has the authorities right below it as rows."""
    c.execute(
        "select id, name, path, parent_id from org where path like %s and kind in"
        f" ('nation', 'province', 'city', 'county') order by path limit {MOST * 4}",
        [path + "%"],
    )
    rows = c.fetchall()
    below = {r[0]: r[1] for r in rows if r[3] == org}
    unit_of: dict[int, int] = {}
    for org_id, _name, its_path, _parent in rows:
        line = its_path.removeprefix(path).strip("/").split("/")
        unit_of[org_id] = int(line[0]) if line[0].isdigit() else 0
    units = tuple(Unit(i, n, True) for i, n in below.items())
    return Target(
        org,
        kind,
        name,
        tuple(r[0] for r in rows),
        None,
        (*units, Unit(0, _("本级直属学校"), False)),
        unit_of,
        False,
        up,
    )


def _names(c: Any, ids: list[int]) -> tuple[tuple[int, str], ...]:
    if not ids:
        return ()
    c.execute("select id, short_name from org where id = any(%s)", [ids])
    found = dict(c.fetchall())
    return tuple((i, found[i]) for i in ids if i in found)
