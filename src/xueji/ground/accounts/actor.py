"""Who acts: the account in one of its roles, with the scope that the database has been told."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db import scope
from xueji.ground.policy import epoch

from .roles import PERMISSIONS, PORTAL, Role


def today() -> date:
    """The legal date: in Asia/Shanghai, wherever the server stands."""
    return timezone.localdate()


@dataclass(frozen=True)
class Actor:
    """An account acting in one role. Commands take it as their first argument and ask `require`."""

    user_id: int
    user_name: str
    role: str
    org_id: int | None
    org_kind: str
    org_name: str
    org_path: str
    county_id: int | None
    class_id: int | None
    assignment_id: int
    username: str
    must_change: bool
    orgs: tuple[int, ...] = ()
    classes: tuple[int, ...] = ()
    persons: tuple[uuid.UUID, ...] = ()
    others: tuple[dict[str, Any], ...] = ()
    address: str = ""
    gates: tuple[str, ...] = ()
    actions: frozenset[str] = frozenset()
    extra: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def role_label(self) -> str:
        """Chinese name of the role."""
        return str(Role(self.role).label)

    @property
    def id(self) -> int:
        """The account's id."""
        return self.user_id

    @property
    def name(self) -> str:
        """The name that pages show."""
        return self.user_name

    @property
    def other_roles(self) -> list[dict[str, str]]:
        """Identities that the account can switch to: value (assignment id), org_name, role_label."""
        return [
            {
                "value": str(o["id"]),
                "org_name": o.get("org") or "",
                "role_label": str(Role(o["role"]).label),
            }
            for o in self.others
        ]

    @property
    def is_portal(self) -> bool:
        """Parent or student: the phone pages."""
        return self.role in PORTAL

    @property
    def party_org(self) -> int | None:
        """The organisation for which this actor decides cases."""
        return self.org_id

    def can(self, action: str) -> bool:
        """Whether the actor may do `action` today: what the table of rights gives his role at his place.

        An unknown action is a programming error (KeyError).
        """
        return action in self.actions or (action not in PERMISSIONS and _unknown(action))

    def require(self, action: str) -> None:
        """Raise PermissionDenied, with words for the user, unless the role may do `action`."""
        if not self.can(action):
            raise PermissionDenied(_("您没有办理这项业务的权限。可以找本单位的学籍管理员"))


def _unknown(action: str) -> bool:
    raise KeyError(action)


_COLUMNS = """assignment_id, role, org_id, org_kind, org_name, org_path, county_id, class_id, username, display_name,
    must_change, orgs, classes, persons, others, actions"""


def _actor(user_id: int, row: tuple[Any, ...], address: str, gates: list[str] | None = None) -> Actor:
    return Actor(
        user_id=user_id,
        assignment_id=row[0],
        role=row[1],
        org_id=row[2],
        org_kind=row[3] or "",
        org_name=row[4] or "",
        org_path=row[5] or "",
        county_id=row[6] if row[6] is not None else row[2],
        class_id=row[7],
        username=row[8],
        user_name=row[9],
        must_change=row[10],
        orgs=tuple(row[11]),
        classes=tuple(row[12]),
        persons=tuple(row[13]),
        others=tuple(row[14] if isinstance(row[14], list) else json.loads(row[14])),
        actions=frozenset(row[15]),
        address=address,
        gates=tuple(gates or ()),
    )


def enter(
    user_id: int, assignment_id: int | None = None, *, address: str = "", on: date | None = None
) -> Actor | None:
    """Set the database's scope for this transaction and return the actor; None if the account has no valid role.

    Must be the first statement of the outermost transaction.
    """
    with connection.cursor() as c:
        c.execute(
            f"select {_COLUMNS}, {epoch.COLUMN}, {scope.GATE} from xueji_enter(%s, %s, %s)",
            [user_id, assignment_id, on or today()],
        )
        row = c.fetchone()
    if row is None:
        return None
    epoch.seen(row[-2])
    scope.passed(row[-1])
    return _actor(user_id, row, address)


def enter_session(
    session_key: str, assignment_id: int | None, *, idle: int, longest: int, address: str = ""
) -> tuple[str, Actor | None]:
    """As `enter`, for a signed-in session: one statement that also checks and touches the session.

    Returns a state and the actor: `ok`; `gone` (ended elsewhere), `idle`, `old` (signed in longer than `longest`
    seconds) or `closed` (account without a valid role), with None.
    """
    with connection.cursor() as c:
        c.execute(
            f"select state, user_id, {_COLUMNS}, gates, {epoch.COLUMN}, {scope.GATE}"
            " from xueji_enter_session(%s, %s, %s, %s, %s)",
            [session_key, assignment_id, today(), idle, longest],
        )
        row = c.fetchone()
    epoch.seen(row[-2])
    scope.passed(row[-1])
    if row[0] != "ok":
        return row[0], None
    return "ok", _actor(row[1], row[2:-3], address, row[-3])
