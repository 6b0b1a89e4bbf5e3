"""What is on record of children, by the keys of the national form, as far as the actor may read it: four queries for many."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from xueji.ground.crypto import vault
from xueji.ground.standards import fields as national_form
from xueji.ground.standards.masking import mask_identity, mask_name
from xueji.registry.people import groups, masks, places
from xueji.registry.people.queries.cards import code_label

MOST = 200
_PARTS = ("name", "relation", "relation_note", "is_guardian")


@dataclass
class Held:
    """One child: raw values by key, and the numbers of the two members whom the form names first."""

    values: dict[str, str] = field(default_factory=dict)
    members: dict[int, int] = field(default_factory=dict)
    open: bool = False


def held(actor: Any, person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Held]:
    """Values of those of these children whom the actor sees, under row-level security; at most 200 of them.

    Groups that the actor may not read are absent.
    """
    wanted = list(person_ids)[:MOST]
    out: dict[uuid.UUID, Held] = {}
    with connection.cursor() as c:
        c.execute(
            "select p.person_id, p.name, p.sex, p.birth_date, p.former_name, p.ethnicity, p.nationality,"
            " d.id_type, d.doc_no, d.sealed from person p left join identity_document d"
            " on d.person_id = p.person_id and d.until is null where p.person_id = any(%s::uuid[])",
            [wanted],
        )
        for person, name, sex, born, former, ethnicity, nationality, kind, no, sealed in c.fetchall():
            out[person] = Held(
                {
                    "name": name,
                    "sex": sex,
                    "birth_date": born.isoformat(),
                    "former_name": former,
                    "ethnicity": ethnicity,
                    "nationality": nationality,
                    "id_type": kind or "",
                    "id_number": vault.open(sealed, places.document(person, no)) if sealed else "",
                }
            )
        c.execute(
            "select person_id, data, sealed from person_profile where person_id = any(%s::uuid[])", [wanted]
        )
        for person, data, sealed in c.fetchall():
            one = out.get(person)
            if one is None:
                continue
            one.open = True
            one.values |= _texts(data if isinstance(data, dict) else json.loads(data or "{}"))
            if sealed:
                one.values |= _texts(vault.open_json(sealed, places.profile(person)))
        c.execute(
            "select person_id, guardian_no, name, relation, relation_note, is_guardian, sealed from guardian"
            " where person_id = any(%s::uuid[]) and until is null order by person_id, guardian_no",
            [wanted],
        )
        for person, no, name, relation, note, legal, sealed in c.fetchall():
            one = out.get(person)
            if one is None or len(one.members) == 2:
                continue
            place = len(one.members) + 1
            one.members[place] = no
            row = {
                "name": name,
                "relation": relation,
                "relation_note": note,
                "is_guardian": "1" if legal else "0",
            }
            if sealed:
                row |= _texts(vault.open_json(sealed, places.guardian(person, no)))
            one.values |= {f"member{place}_{k}": v for k, v in row.items()}
    shut = {f.key for f in national_form.fields() if not groups.may(actor, groups.of_field(f))}
    for one in out.values():
        one.values = {k: v for k, v in one.values.items() if v and k not in shut}
    return out


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {k: str(v) for k, v in values.items() if v not in (None, "")}


def shown(spec: national_form.Field, value: str, *, family: bool = False) -> str:
    """A value as a page or a list shows it: a label for a code, a mask for what is sensitive."""
    if not value:
        return ""
    if spec.key.endswith("id_number"):
        return mask_identity(value)
    if spec.member and spec.key.endswith("_name"):
        return mask_name(value) if family else value
    if covered(spec):
        return masks.mask_field(spec, value)
    return code_label(spec.codeset, value) if spec.codeset else value


def covered(spec: national_form.Field) -> bool:
    """Whether a value lies sealed on record and is shown masked; name and birth date are what a child is found by."""
    return spec.sensitive in places.SEALED_KINDS and spec.key not in ("name", "birth_date", "former_name")


def member_key(key: str) -> tuple[int, str]:
    """`member1_phone` as (1, "phone"); (0, key) for a field of the child."""
    if key.startswith("member") and key[6:7].isdigit():
        return int(key[6]), key[8:]
    return 0, key


def is_part(key: str) -> bool:
    """Whether a member's field is a column of the guardian, not a sealed value."""
    return member_key(key)[1] in _PARTS
