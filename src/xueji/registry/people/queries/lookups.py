"""Finding people by number, and telling who holds one, without reading any number."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.policy.library import library
from xueji.ground.standards.identity import normalise_identity
from xueji.ground.standards.idtypes import id_types

from .. import places


def schemes() -> tuple[str, ...]:
    """The national scheme, and those that any policy pack declares for local use."""
    packs = library()
    found = {s.id for name in packs.ids() for s in packs.pack(name).schemes if not s.reserved}
    return (places.NATIONAL, *sorted(found))


def find_by_number(actor: Any, text: str) -> list[uuid.UUID]:
    """People in the actor's scope who hold or held this whole number: identity of any type, student number
    of any scheme, old ones too (C-NUM-08). Nothing comes back for people out of scope.
    """
    value = normalise_identity(text)
    if not value or len(value) > 30:
        return []
    identities = [(t, value) for t in id_types()]
    if value[0] == "G" and len(value) == 19:
        # A child whose formal number is still to come is found by it as well.
        identities.append(("1", value[1:]))
    kinds = schemes()
    with connection.cursor() as c:
        c.execute(
            "select * from xueji_find_people(%s::text[], %s::bytea[], %s::text[], %s::bytea[])",
            [
                [t for t, _v in identities],
                [places.identity_index(t, v) for t, v in identities],
                list(kinds),
                [places.number_index(s, value) for s in kinds],
            ],
        )
        return [row[0] for row in c.fetchall()]


def seen(person_id: uuid.UUID) -> bool:
    """Whether the actor sees this whole record."""
    with connection.cursor() as c:
        c.execute("select 1 from person where person_id = %s", [person_id])
        return c.fetchone() is not None


def find_everywhere(text: str) -> list[tuple[uuid.UUID, str]]:
    """People of the whole installation who hold or held this number, with what it is: `same_number` for an identity
    number, `old_number` for a student number of any scheme. In a writing role only; the caller shows no more than he may.
    """
    value = normalise_identity(text)
    if not value or len(value) > 30:
        return []
    kinds, papers = schemes(), list(id_types())
    with connection.cursor() as c:
        c.execute(
            "select l.person_id, 'same_number' from unnest(%s::text[], %s::bytea[]) as w(kind, bidx)"
            " join identity_lookup l on l.id_type = w.kind and l.bidx = w.bidx"
            " union select l.person_id, 'old_number' from unnest(%s::text[], %s::bytea[]) as w(kind, bidx)"
            " join number_lookup l on l.scheme = w.kind and l.bidx = w.bidx",
            [
                papers,
                [places.identity_index(t, value) for t in papers],
                list(kinds),
                [places.number_index(s, value) for s in kinds],
            ],
        )
        return list(c.fetchall())


def who_holds(id_type: str, number: str) -> uuid.UUID | None:
    """Who holds or held an identity number, in the whole installation. In a writing role only."""
    value = normalise_identity(number)
    found = holders([(id_type, places.identity_index(id_type, value))])
    return next(iter(found.values())).person_id if found else None


@dataclass(frozen=True)
class Holder:
    """Who has a number, and at which school the child is now (empty: at none)."""

    person_id: uuid.UUID
    school_name: str


def holders(keys: Sequence[tuple[str, bytes]]) -> dict[tuple[str, bytes], Holder]:
    """Holders of many identity numbers by (type, blind index), in one query. In the role `intake` or
    `writer`.
    """
    with connection.cursor() as c:
        c.execute(
            "select l.id_type, l.bidx, l.person_id, coalesce((select o.name from org o"
            "   where o.id = any(p.readers) and o.kind = 'school' order by o.id limit 1), '')"
            " from unnest(%s::text[], %s::bytea[]) as w(id_type, bidx)"
            " join identity_lookup l on l.id_type = w.id_type and l.bidx = w.bidx"
            " join person p on p.person_id = l.person_id",
            [[t for t, _b in keys], [b for _t, b in keys]],
        )
        return {(t, bytes(b)): Holder(person, school) for t, b, person, school in c.fetchall()}


def explain_duplicate(actor: Any, id_type: str, number: str) -> str:
    """A sentence that names the school where the holder of this identity number is, and nothing else about
    the child.

    Empty when nobody holds it. Asking is audited: it tells something about a child out of scope (C-NUM-13).
    """
    actor.require("identity.reveal")
    value = normalise_identity(number)
    with transaction.atomic(), acting("writer"):
        found = list(holders([(id_type, places.identity_index(id_type, value))]).values())
    record(
        actor,
        "people.identity.duplicate",
        object_type="person",
        object_id=found[0].person_id if found else "",
        person_id=found[0].person_id if found else None,
        after={"found": bool(found)},
    )
    if not found:
        return ""
    if not found[0].school_name:
        return _("这个证件号码已有学籍，目前不在任何学校就读，请联系主管部门")
    return _("这个证件号码已在“%(school)s”建立学籍，请与该校联系，需要转入的办理转学") % {
        "school": found[0].school_name
    }
