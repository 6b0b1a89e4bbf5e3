"""The key of a person, for the audit administrator: by a whole name or a whole number, never a list of pupils."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from xueji.ground.crypto import vault
from xueji.ground.policy.library import library
from xueji.ground.standards.identity import normalise_identity
from xueji.ground.standards.idtypes import id_types

from .commands import record

if TYPE_CHECKING:
    from xueji.ground.accounts.actor import Actor

NATIONAL = "national"
_SHORTEST = 2


def keys_of(actor: Actor, text: str, purpose: str) -> list[str]:
    """Keys of the people of the actor's part of the tree who bear this whole name or number; entered with its purpose.

    Raises PermissionDenied, ValueError for a text that is too short.
    """
    actor.require("audit.view")
    plain = " ".join(text.split())[:60]
    if len(plain) < _SHORTEST or not purpose:
        raise ValueError(plain)
    number = normalise_identity(plain)
    identities = [(t, number) for t in id_types()] if any(c.isdigit() for c in plain) else []
    if number[:1] == "G" and len(number) == 19:
        identities.append(("1", number[1:]))
    packs = library()
    schemes = [
        NATIONAL,
        *sorted({s.id for n in packs.ids() for s in packs.pack(n).schemes if not s.reserved}),
    ]
    schemes = schemes if identities else []
    with connection.cursor() as c:
        c.execute(
            "select * from xueji_audit_find(%s, %s::text[], %s::bytea[], %s::text[], %s::bytea[])",
            [
                "" if identities else plain,
                [t for t, _v in identities],
                [vault.index(f"id:{t}", v) for t, v in identities],
                schemes,
                [vault.index(f"no:{s}", number) for s in schemes],
            ],
        )
        found = [row[0] for row in c.fetchall()]
    record(
        actor,
        "audit.find",
        object_type="search",
        purpose=purpose,
        after={"kind": "number" if identities else "name", "rows": len(found)},
        row_count=len(found),
        persons=found,
    )
    return [str(p) for p in found]
