"""Reading the table of rights: all of it for whoever looks after it, the own lines for everybody."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .actor import Actor, today
from .models import Delegation, Permission, PermissionChange
from .queries import Part, handed_parts, staff_names
from .roles import ADMINS, AUTHORITY, PORTAL, REACHES, SCHOOL_STAFF, TEACHERS, Role, actions

#: Columns of the page, a few at a time.
SETS: dict[str, tuple[Any, frozenset[Role]]] = {
    "school": (gettext_lazy("学校"), SCHOOL_STAFF | TEACHERS | {Role.CENTRAL_CLERK}),
    "authority": (gettext_lazy("主管部门"), AUTHORITY - {Role.CENTRAL_CLERK}),
    "family": (gettext_lazy("家长和学生"), PORTAL),
    "admin": (gettext_lazy("管理员"), ADMINS),
}


@dataclass(frozen=True)
class Cell:
    """A line of the table as the page shows it."""

    permission_id: int
    held: bool
    reach: str
    local: str
    changed: str = ""


@dataclass(frozen=True)
class ActionRow:
    """An action with one cell a role of the chosen set; None where the table has no line."""

    name: str
    area: str
    pupils: bool
    cells: list[Cell | None]


@dataclass(frozen=True)
class ChangeRow:
    """What a place changed, by whom, until when."""

    id: int
    what: str
    role_label: str
    action: str
    org_name: str
    since: date
    until: date | None
    reason: str
    by: str
    agreed: str
    state: str
    waits: bool
    mine: bool


@dataclass(frozen=True)
class OwnRights:
    """What the actor may do, by area, with what was taken from or given to the role here."""

    areas: dict[str, list[tuple[str, str]]]
    taken: list[str]
    given: list[str]
    parts: list[Part] = field(default_factory=list)


_WORDS = {"take": gettext_lazy("收回"), "give": gettext_lazy("放宽"), "reach": gettext_lazy("查询范围")}


def _in_force() -> Q:
    day = today()
    holds = Q(ended_at=None, since__lte=day) & (Q(until=None) | Q(until__gte=day))
    return holds & (Q(kind="take") | Q(agreed_by__isnull=False))


def matrix(actor: Actor, chosen: str, area: str = "") -> tuple[list[str], list[ActionRow]]:
    """Roles as columns and actions as rows; two queries. What holds at the actor's unit today is marked."""
    roles = [r for r in Role if r in SETS[chosen][1]]
    above = [int(x) for x in actor.org_path.split("/") if x]
    changed = dict(
        PermissionChange.objects.filter(_in_force(), org_id__in=above, kind__in=("take", "give")).values_list(
            "permission_id", "kind"
        )[:2000]
    )
    lines = {
        (p.action, p.role): Cell(p.pk, p.held, str(REACHES[p.reach]), p.local, changed.get(p.pk, ""))
        for p in Permission.objects.filter(role__in=roles)
    }
    rows = [
        ActionRow(a.name, a.area, a.pupils, [lines.get((a.code, r)) for r in roles])
        for a in actions().values()
        if not area or a.area == area
    ]
    return [str(r.label) for r in roles], [r for r in rows if any(r.cells)]


def areas() -> list[str]:
    """Areas of actions, in the order of the table."""
    return list(dict.fromkeys(a.area for a in actions().values()))


def changeable() -> list[tuple[int, str]]:
    """The lines that a place may change, in words; one query."""
    rows = Permission.objects.filter(local__in=("narrow", "widen")).order_by("role", "id")[:400]
    verb = {"narrow": _("收回"), "widen": _("放宽")}
    return [(p.pk, f"{verb[p.local]} · {Role(p.role).label} · {actions()[p.action].name}") for p in rows]


def teaching_line() -> int:
    """The line whose reach a school sets."""
    return Permission.objects.values_list("pk", flat=True).get(role=Role.TEACHER, action="student.list")


def changes(actor: Actor, *, kinds: tuple[str, ...] = ("take", "give"), limit: int = 100) -> list[ChangeRow]:
    """Changes at the actor's unit, above it and below it, the newest first; two queries."""
    above = [int(x) for x in actor.org_path.split("/") if x]
    rows = list(
        PermissionChange.objects.filter(kind__in=kinds)
        .filter(Q(org_id__in=above) | Q(org__path__startswith=actor.org_path))
        .select_related("permission", "org")
        .order_by("-pk")[:limit]
    )
    names = staff_names(u for r in rows for u in (r.set_by_id, r.agreed_by_id) if u)
    return [_change(r, names, actor) for r in rows]


def _change(r: PermissionChange, names: dict[int, str], actor: Actor) -> ChangeRow:
    waits = r.kind != "take" and r.agreed_by_id is None and r.ended_at is None
    past = r.until is not None and r.until < today()
    if r.ended_at is not None or past:
        state = _("已结束")
    elif waits:
        state = _("待复核")
    else:
        state = _("生效中") if r.since <= today() else _("未到日期")
    what = f"{_WORDS[r.kind]} {REACHES[r.reach]}" if r.reach else str(_WORDS[r.kind])
    return ChangeRow(
        r.pk,
        what,
        str(Role(r.permission.role).label),
        actions()[r.permission.action].name,
        r.org.name,
        r.since,
        r.until,
        r.reason,
        names.get(r.set_by_id, ""),
        names.get(r.agreed_by_id or 0, ""),
        state,
        waits and not past,
        r.set_by_id == actor.user_id,
    )


def standing_in(actor: Actor) -> list[Delegation]:
    """Who stands in for whom today in the units that the actor manages; names come with it, one query."""
    day = today()
    rows = Delegation.objects.filter(ended_at=None, since__lte=day, until__gte=day)
    return list(rows.select_related("assignment__user", "assignment__org", "to_user").order_by("until")[:50])


def own_rights(actor: Actor) -> OwnRights:
    """What the actor may do today and why it is not what is shipped; three queries."""
    held: dict[str, list[tuple[str, str]]] = {}
    lines = {p.action: p for p in Permission.objects.filter(role=actor.role)}
    for a in actions().values():
        if a.code in actor.actions and a.code in lines:
            held.setdefault(a.area, []).append((a.name, str(REACHES[lines[a.code].reach])))
    taken = [
        actions()[c].name for c, p in lines.items() if p.held and c not in actor.actions and c in actions()
    ]
    given = [actions()[c].name for c, p in lines.items() if not p.held and c in actor.actions]
    return OwnRights(held, taken, given, handed_parts(actor) if actor.can("case.decide") else [])
