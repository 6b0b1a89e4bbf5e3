"""Reading units and posts of a school, and the register of 学籍管理员 with its past and what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.accounts import queries as accounts
from xueji.ground.accounts.actor import Actor
from xueji.ground.accounts.models import RoleAssignment
from xueji.ground.accounts.roles import STAFF, Role
from xueji.ground.waiting import Ask, Heap, Rows, day

from .models import Officer, Post, SchoolUnit, UnitKind

PAGE = 50
#: A sheet of a province's schools.
MOST = 20_000
BEFORE, AFTER, NONE = "before", "after", "none"
#: What the tabs of an authority's list ask for.
SHOWS = {
    "": "true",
    "nobody": "f.id is null",
    "untrained": "f.id is not null and f.trained_on is null",
    "waiting": "f.id is not null and f.noted_at is null",
}


@dataclass(frozen=True)
class Line:
    """A school with its officer in office, if there is one."""

    org_id: int
    path: str
    school: str
    code: str
    mine: bool
    id: int | None
    name: str | None
    title: str | None
    phone: str | None
    full_time: bool | None
    since: date | None
    noted_at: datetime | None
    trained_on: date | None

    @property
    def training(self) -> str:
        """`before` duty, `after` its first day, `none`."""
        return training_of(self.since, self.trained_on)

    @property
    def training_words(self) -> str:
        """The same in words, for a sheet."""
        if self.id is None:
            return ""
        return {BEFORE: _("先培训后上岗"), AFTER: _("上岗后补训"), NONE: _("未培训")}[self.training]


def training_of(since: date | None, trained_on: date | None) -> str:
    """Whether somebody was trained before the first day of duty."""
    if trained_on is None or since is None:
        return NONE
    return BEFORE if trained_on <= since else AFTER


def current(actor: Actor) -> Officer | None:
    """The officer of the actor's school."""
    return Officer.objects.filter(org_id=actor.org_id or 0, until=None).first()


def past(org_id: int) -> list[Officer]:
    """The last thirty of a school before the one in office, the latest first."""
    return list(Officer.objects.filter(org_id=org_id, until__isnull=False).order_by("-since", "-pk")[:30])


def candidates(actor: Actor) -> list[tuple[int, str]]:
    """Accounts that hold the registrar's role at the actor's school today."""
    held = RoleAssignment.objects.filter(org_id=actor.org_id or 0, role=Role.REGISTRAR)
    rows = accounts.in_force(held).order_by("user_id").values_list("user_id", "user__display_name")
    return list(dict.fromkeys(rows[:100]))


_SCHOOLS = (
    "select o.id, o.path, o.name, o.code, s.county_id = %(org)s, f.id, f.name, f.title, f.phone, f.full_time,"
    " f.since, f.noted_at, f.trained_on from org o join school s on s.org_id = o.id"
    " left join officer f on f.org_id = o.id and f.until is null"
    " where o.path like %(path)s and o.valid_to is null and {show} and o.path > %(after)s"
    " and (%(text)s = '' or strpos(o.name, %(text)s) > 0 or strpos(coalesce(f.name, ''), %(text)s) > 0)"
    " order by o.path limit %(limit)s"
)


def schools(
    actor: Actor, *, show: str = "", text: str = "", after: str = "", limit: int = PAGE
) -> list[Line]:
    """Schools below the actor's unit with their officers, by the tree; one more than `limit` when there are more."""
    with connection.cursor() as c:
        c.execute(
            _SCHOOLS.format(show=SHOWS.get(show, "true")),
            {
                "org": actor.org_id,
                "path": (actor.org_path or "-").replace("%", "") + "%",
                "after": after,
                "text": text.strip()[:60],
                "limit": limit + 1,
            },
        )
        return [Line(*row) for row in c.fetchall()]


def counts(actor: Actor) -> dict[str, int]:
    """How many schools below the actor's unit each tab shows; one query."""
    parts = ", ".join(f"count(*) filter (where {where})" for where in SHOWS.values())
    with connection.cursor() as c:
        c.execute(
            f"select {parts} from org o join school s on s.org_id = o.id"
            " left join officer f on f.org_id = o.id and f.until is null"
            " where o.path like %s and o.valid_to is null",
            [(actor.org_path or "-").replace("%", "") + "%"],
        )
        return dict(zip(SHOWS, c.fetchone(), strict=True))


def waiting(actor: Actor) -> Ask[Heap | None]:
    """For the first page of an authority in charge: lines of its schools that nobody has read."""

    def read(rows: Rows) -> Heap | None:
        row: dict[str, Any] = rows[0]
        if not row["n"]:
            return None
        return Heap(
            _("学籍管理员登记"),
            row["n"],
            "/officers/?show=waiting",
            _("%s 所学校") % row["n"],
            _("待确认"),
            day(row["since"]),
        )

    return Ask(
        "select count(*) as n, (min(named_at) at time zone 'Asia/Shanghai')::date as since from officer"
        " where county_id = %(org)s and noted_at is null and until is null",
        {"org": actor.org_id},
        read,
    )


def units(org_id: int) -> list[tuple[SchoolUnit, list[Post]]]:
    """The open units of a school with who holds their posts, in the reader's scope; two queries."""
    found = list(
        SchoolUnit.objects.filter(org_id=org_id, closed_on=None).order_by("kind", "name", "pk")[:200]
    )
    held: dict[int, list[Post]] = {}
    posts = Post.objects.filter(org_id=org_id, until=None, unit__in=found)
    for post in posts.order_by("since", "pk")[:1000]:
        held.setdefault(post.unit_id, []).append(post)
    return [
        (u, held.get(u.pk, [])) for u in sorted(found, key=lambda u: (UnitKind.values.index(u.kind), u.name))
    ]


def colleagues(actor: Actor) -> dict[int, tuple[str, frozenset[str]]]:
    """Accounts with an office at the actor's school today: id -> name and roles; one query."""
    rows = accounts.in_force(RoleAssignment.objects.filter(org_id=actor.org_id or 0, role__in=STAFF))
    out: dict[int, tuple[str, frozenset[str]]] = {}
    for user_id, name, role in rows.order_by("user_id", "pk").values_list(
        "user_id", "user__display_name", "role"
    )[:2000]:
        out[user_id] = (name, out.get(user_id, ("", frozenset()))[1] | {role})
    return out
