"""Reading accounts: one's own sessions, and the accounts of the units that the actor manages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.orgs.grades import class_label
from xueji.ground.orgs.models import Org

from . import rules
from .actor import Actor, today
from .http import agent_words
from .models import Delegation, RoleAssignment, User, UserSession
from .roles import ADMINS, CASE_HEADS, PERMISSIONS, PORTAL, Role


@dataclass(frozen=True)
class SessionRow:
    """A signed-in session of the actor; `handle` names it without letting anybody in."""

    handle: str
    started_at: datetime
    seen_at: datetime
    address: str
    browser: str
    present: bool
    proven: bool


@dataclass(frozen=True)
class RoleRow:
    """A role of an account, in words."""

    id: int
    role: str
    role_label: str
    place: str
    valid_from: date
    valid_to: date | None
    in_force: bool


@dataclass(frozen=True)
class AccountRow:
    """An account in the list."""

    id: int
    username: str
    display_name: str
    org_name: str
    phone: str
    is_active: bool
    locked: bool
    last_login: datetime | None
    rested: bool = False
    #: Days without a sign-in, once they are so many that its manager is warned.
    idle_days: int = 0
    rests_on: date | None = None
    roles: list[RoleRow] = field(default_factory=list)


@dataclass(frozen=True)
class AccountPage:
    """A page of accounts; `after` continues it (a user name), empty at the end."""

    rows: list[AccountRow]
    after: str


@dataclass(frozen=True)
class AccountCard:
    """Everything about one account that its managers see."""

    row: AccountRow
    home_org_id: int | None
    must_change: bool
    created_at: datetime
    locked_until: datetime | None
    last_from: str
    manageable: bool


def in_unit(actor: Actor, org_id: int | None) -> bool:
    """Whether an organisation belongs to the unit whose accounts the actor manages."""
    if org_id is None:
        return actor.role == Role.SECURITY_ADMIN and actor.org_path.count("/") == 2
    if actor.role == Role.REGISTRAR:
        return org_id == actor.org_id
    return Org.objects.filter(pk=org_id, path__startswith=actor.org_path).exists()


def sessions(actor: Actor, session_key: str = "") -> list[SessionRow]:
    """The actor's own sessions, the latest first."""
    from .commands.signin import session_handle

    return [
        SessionRow(
            session_handle(s.session_key),
            s.started_at,
            s.seen_at,
            s.address,
            agent_words(s.agent),
            s.session_key == session_key,
            s.factor_at is not None,
        )
        for s in UserSession.objects.filter(user_id=actor.user_id).order_by("-seen_at")[:50]
    ]


def role_rows(user_ids: list[int]) -> dict[int, list[RoleRow]]:
    """Roles of some accounts, in force first; one query."""
    day = today()
    out: dict[int, list[RoleRow]] = {}
    rows = (
        RoleAssignment.objects.filter(user_id__in=user_ids)
        .select_related("org", "school_class", "school_class__school")
        .order_by("-id")[: 50 * max(len(user_ids), 1)]
    )
    for r in rows:
        place = r.org.name if r.org else ""
        if r.school_class:
            c = r.school_class
            place += " " + class_label(c.stage, c.cohort_year, c.number, c.school.system, day)
        in_force = r.valid_from <= day and (r.valid_to is None or r.valid_to >= day)
        out.setdefault(r.user_id, []).append(
            RoleRow(r.pk, r.role, str(Role(r.role).label), place, r.valid_from, r.valid_to, in_force)
        )
    for held in out.values():
        held.sort(key=lambda x: (not x.in_force, -x.id))
    return out


def _visible(actor: Actor) -> QuerySet[User]:
    if actor.role not in rules.GRANTS:
        return User.objects.none()
    if actor.role == Role.REGISTRAR:
        return User.objects.filter(home_org_id=actor.org_id)
    inside = Q(home_org__path__startswith=actor.org_path)
    if actor.role == Role.SECURITY_ADMIN and actor.org_path.count("/") == 2:
        inside |= Q(home_org=None)
    return User.objects.filter(inside)


def _idle(user: User) -> tuple[int, date | None]:
    """Days without a sign-in if they are many, and the day on which the account will be disabled for it."""
    used = max(t for t in (user.last_login, user.enabled_at, user.created_at) if t is not None)
    days = (timezone.now() - used).days
    if not user.is_active or days < settings.UNUSED_WARN_DAYS:
        return 0, None
    limit = settings.UNUSED_DAYS
    return days, timezone.localdate(used) + timedelta(days=limit + 1) if limit else None


def _row(user: User, roles: list[RoleRow]) -> AccountRow:
    families = bool(roles) and all(r.role in PORTAL for r in roles)
    idle_days, rests_on = (0, None) if families else _idle(user)
    return AccountRow(
        rested=user.rested_at is not None and not user.is_active,
        idle_days=idle_days,
        rests_on=rests_on,
        id=user.pk,
        username=user.username,
        display_name=user.display_name,
        org_name=user.home_org.name if user.home_org else "",
        phone=user.phone,
        is_active=user.is_active,
        locked=bool(user.locked_until and user.locked_until > timezone.now()),
        last_login=user.last_login,
        roles=roles,
    )


def _unused_since(since: datetime) -> Q:
    return (
        Q(created_at__lt=since)
        & (Q(last_login=None) | Q(last_login__lt=since))
        & (Q(enabled_at=None) | Q(enabled_at__lt=since))
    )


def accounts(
    actor: Actor,
    *,
    text: str = "",
    org_id: int | None = None,
    role: str = "",
    state: str = "",
    after: str = "",
    limit: int = 50,
) -> AccountPage:
    """Accounts of the actor's unit by user name, a page at a time; two queries."""
    found = _visible(actor).select_related("home_org").order_by("username")
    if text:
        found = found.filter(Q(username__startswith=text.lower()) | Q(display_name__startswith=text))
    if org_id:
        found = found.filter(home_org_id=org_id)
    if role:
        found = found.filter(
            pk__in=RoleAssignment.objects.filter(role=role).exclude(valid_to__lt=today()).values("user_id")
        )
    if state == "locked":
        found = found.filter(locked_until__gt=timezone.now())
    elif state == "disabled":
        found = found.filter(is_active=False)
    elif state == "unused":
        since = timezone.now() - timedelta(days=settings.UNUSED_WARN_DAYS)
        found = found.filter(_unused_since(since), is_active=True)
    if after:
        found = found.filter(username__gt=after)
    users = list(found[: limit + 1])
    more = len(users) > limit
    users = users[:limit]
    roles = role_rows([u.pk for u in users])
    return AccountPage([_row(u, roles.get(u.pk, [])) for u in users], users[-1].username if more else "")


def account(actor: Actor, user_id: int) -> AccountCard:
    """One account of the actor's unit; Http404 outside it."""
    user = _visible(actor).select_related("home_org").filter(pk=user_id).first()
    if user is None:
        raise Http404
    roles = role_rows([user.pk]).get(user.pk, [])
    held = {r.role for r in roles if r.in_force or r.valid_from > today()}
    return AccountCard(
        row=_row(user, roles),
        home_org_id=user.home_org_id,
        must_change=user.must_change_password,
        created_at=user.created_at,
        locked_until=user.locked_until,
        last_from=user.last_seen_from,
        manageable=user.pk != actor.user_id and held <= rules.GRANTS[actor.role],
    )


def class_teachers(class_ids: list[int]) -> dict[int, str]:
    """Names of the class teachers now, by class, of classes in scope; one query."""
    with connection.cursor() as c:
        c.execute("select class_id, name from xueji_class_teachers(%s, %s)", [class_ids, today()])
        rows = c.fetchall()
    out: dict[int, str] = {}
    for class_id, name in rows:
        out[class_id] = f"{out[class_id]}、{name}" if class_id in out else name
    return out


def staff_names(user_ids: Iterable[int]) -> dict[int, str]:
    """Names of colleagues by account, whatever their unit; parents and pupils have none here. One query."""
    with connection.cursor() as c:
        c.execute("select user_id, name from xueji_staff_names(%s)", [sorted(set(user_ids))[:500]])
        return dict(c.fetchall())


def officers(places: Iterable[tuple[int, str]]) -> dict[tuple[int, str], tuple[str, str]]:
    """Who holds an office of a unit today: (unit, role) -> name and telephone of the office. One query."""
    wanted = sorted(set(places))
    with connection.cursor() as c:
        c.execute(
            "select org_id, role, name, phone from xueji_officers(%s, %s, %s)",
            [[o for o, _r in wanted], [r for _o, r in wanted], today()],
        )
        return {(org, role): (name, phone) for org, role, name, phone in c.fetchall()}


def account_counts(actor: Actor) -> dict[str, int]:
    """Accounts of the actor's unit: all, locked, disabled, unused for long; one query."""
    return _visible(actor).aggregate(
        all=Count("id"),
        locked=Count("id", filter=Q(locked_until__gt=timezone.now())),
        disabled=Count("id", filter=Q(is_active=False)),
        unused=Count(
            "id",
            filter=_unused_since(timezone.now() - timedelta(days=settings.UNUSED_WARN_DAYS))
            & Q(is_active=True),
        ),
    )


def admins_in_force() -> dict[str, int]:
    """How many accounts hold each of the three admin powers."""
    rows = (
        RoleAssignment.objects.filter(role__in=ADMINS, user__is_active=True)
        .exclude(valid_to__lt=today())
        .values_list("role")
        .annotate(n=Count("user_id", distinct=True))
    )
    return dict(rows)


@dataclass(frozen=True)
class Part:
    """A part in deciding cases that a colleague who is away has handed to the actor."""

    role: str
    holder: str


@dataclass(frozen=True)
class Colleague:
    """Somebody of the unit who could stand in; `why_not` says why he cannot."""

    user_id: int
    name: str
    role_label: str
    why_not: str = ""


@dataclass(frozen=True)
class StandIn:
    """One standing-in, in words."""

    id: int
    holder: str
    role_label: str
    to: str
    since: date
    until: date
    reason: str
    in_force: bool
    may_end: bool


def in_force(rows: QuerySet[RoleAssignment]) -> QuerySet[RoleAssignment]:
    """Assignments that hold today, of accounts in use."""
    day = today()
    return rows.filter(valid_from__lte=day, user__is_active=True).exclude(valid_to__lt=day)


def handed_parts(actor: Actor) -> list[Part]:
    """What colleagues of the actor's unit have handed to him for today; one query."""
    day = today()
    rows = (
        Delegation.objects.filter(
            to_user_id=actor.user_id,
            org_id=actor.org_id or 0,
            ended_at=None,
            since__lte=day,
            until__gte=day,
            assignment__valid_from__lte=day,
        )
        .exclude(assignment__valid_to__lt=day)
        .order_by("pk")
        .values_list("assignment__role", "assignment__user__display_name")[:20]
    )
    return [Part(role, holder) for role, holder in rows]


def deciders(actor: Actor) -> list[RoleAssignment]:
    """Everybody of the actor's unit who decides cases, in each role that he holds; one query, at most 200."""
    held = RoleAssignment.objects.filter(org_id=actor.org_id or 0, role__in=PERMISSIONS["case.decide"])
    return list(in_force(held).select_related("user").order_by("user_id", "pk")[:200])


def own_parts(actor: Actor, held: list[RoleAssignment]) -> list[RoleAssignment]:
    """Those of the unit's parts in cases that the actor may hand over: his own; for a head, all."""
    return [r for r in held if actor.role in CASE_HEADS or r.user_id == actor.user_id]


def colleagues(held: list[RoleAssignment], assignment: RoleAssignment) -> list[Colleague]:
    """Who of the unit could stand in for the holder of an assignment, and why somebody could not."""
    other_half = {r.user_id for r in held if (r.role in CASE_HEADS) != (assignment.role in CASE_HEADS)}
    alone = other_half if len(other_half - {assignment.user_id}) == 1 else set()
    out: dict[int, Colleague] = {}
    for row in held:
        if row.user_id == assignment.user_id or row.user_id in out:
            continue
        why = ""
        if row.user_id in alone:
            why = _("%s 是本单位唯一办理另一道手续的人, 经办和核办不能是同一个人") % row.user.display_name
        out[row.user_id] = Colleague(row.user_id, row.user.display_name, str(Role(row.role).label), str(why))
    return list(out.values())


def stand_ins(actor: Actor) -> list[StandIn]:
    """Who stands in for whom in the actor's unit, as far as it concerns him (a head: all); the last 50."""
    rows = Delegation.objects.filter(org_id=actor.org_id or 0).select_related("assignment__user", "to_user")
    if actor.role not in CASE_HEADS:
        rows = rows.filter(Q(to_user_id=actor.user_id) | Q(assignment__user_id=actor.user_id))
    day = today()
    return [
        StandIn(
            id=d.pk,
            holder=d.assignment.user.display_name,
            role_label=str(Role(d.assignment.role).label),
            to=d.to_user.display_name,
            since=d.since,
            until=d.until,
            reason=d.reason,
            in_force=d.ended_at is None and d.since <= day <= d.until,
            may_end=d.ended_at is None and d.until >= day,
        )
        for d in rows.order_by("-pk")[:50]
    ]
