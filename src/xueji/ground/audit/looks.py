"""Who looked at one child: the narrow window that families and heads have into the audit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import CASE_HEADS

from . import words

if TYPE_CHECKING:
    from xueji.ground.accounts.actor import Actor


@dataclass(frozen=True)
class Look:
    """One look at a child, or one deed on the record; `own` is the asker's own."""

    at: datetime
    user_name: str
    role: str
    role_label: str
    org_name: str
    action: str
    what: str
    kind: str
    purpose: str
    rows: int
    own: bool


def looks_at(
    actor: Actor, person_id: uuid.UUID, *, since: datetime | None = None, limit: int = 200
) -> list[Look]:
    """Who looked at this child and what was done, newest first, in one statement (个人信息保护法 44, 45).

    For the family, the pupil, and the heads of units where the record lies; PermissionDenied for other staff, an empty
    list for children out of scope: the database's function looks at the scope itself.
    """
    if not actor.is_portal and actor.role not in CASE_HEADS:
        raise PermissionDenied(_("谁查看过学生, 由家长、学生本人和单位负责人查询"))
    with connection.cursor() as c:
        c.execute(
            "select at, user_id, user_name, role, org_name, action, purpose, many from xueji_looks_at(%s, %s, %s)",
            [person_id, since, limit],
        )
        found = c.fetchall()
    return [
        Look(
            at=at,
            user_name=name or "",
            role=role,
            role_label=words.role(role),
            org_name=org or "",
            action=action,
            what=words.action(action),
            kind=words.kind(action),
            purpose=purpose,
            rows=many,
            own=user_id == actor.user_id,
        )
        for at, user_id, name, role, org, action, purpose, many in found
    ]
