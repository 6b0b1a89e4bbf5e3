"""Guardian, telephone and home of many children at once, masked, for the registers that a school prints."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from xueji.ground.crypto import vault
from xueji.ground.standards.masking import mask_phone

from .. import groups, places
from ..masks import mask_address
from .cards import code_label

LIMIT = 5000


@dataclass(frozen=True)
class Contact:
    """How to reach a child's family: the first guardian, the telephone and the address masked."""

    guardian: str = ""
    phone: str = ""
    household: str = ""
    address: str = ""


def contacts(actor: Any, person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Contact]:
    """Contacts of those of these children that the actor may see, in two queries (at most 5,000 children)."""
    wanted = list(person_ids)[:LIMIT]
    with connection.cursor() as c:
        c.execute(
            "select distinct on (person_id) person_id, guardian_no, name, sealed from guardian"
            " where person_id = any(%s::uuid[]) and until is null order by person_id, is_guardian desc, guardian_no",
            [wanted],
        )
        families = {row[0]: row[1:] for row in c.fetchall()}
        c.execute("select person_id, sealed from person_profile where person_id = any(%s::uuid[])", [wanted])
        homes = dict(c.fetchall())
    kin, calls, lives = (groups.may(actor, g) for g in ("family", "contact", "address"))
    out = {}
    for person in wanted:
        number, name, sealed = families.get(person, (0, "", None))
        family = vault.open_json(sealed, places.guardian(person, number)) if sealed else {}
        home = vault.open_json(homes[person], places.profile(person)) if homes.get(person) else {}
        address = home.get("current_address") or home.get("home_address") or family.get("address") or ""
        out[person] = Contact(
            name if kin else "",
            mask_phone(family.get("phone")) if calls else "",
            code_label("divisions", str(home.get("household_division") or "")) if lives else "",
            mask_address(str(address)) if lives else "",
        )
    return out


def families(actor: Any, person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[tuple[str, str, str]]]:
    """Up to two guardians of each of these children: name, relation, telephone masked; one query (at most 500 children)."""
    if not groups.may(actor, "family"):
        return {}
    with connection.cursor() as c:
        c.execute(
            "select person_id, guardian_no, name, relation, sealed from guardian where person_id = any(%s::uuid[])"
            " and until is null order by person_id, is_guardian desc, guardian_no",
            [list(person_ids)[:500]],
        )
        rows = c.fetchall()
    calls = groups.may(actor, "contact")
    out: dict[uuid.UUID, list[tuple[str, str, str]]] = {}
    for person, number, name, relation, sealed in rows:
        held = out.setdefault(person, [])
        if len(held) < 2:
            secret = vault.open_json(sealed, places.guardian(person, number)) if sealed and calls else {}
            held.append(
                (name, code_label("guardian_relation_template", relation), mask_phone(secret.get("phone")))
            )
    return out
