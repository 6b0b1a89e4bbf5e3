"""The rest of the national form for one person, field by field with its label; sensitive values masked."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.http import Http404

from xueji.ground.crypto import vault
from xueji.ground.standards import fields as national_form

from .. import groups, places
from ..masks import mask_field
from .cards import code_label


@dataclass(frozen=True)
class ProfileField:
    """One field. `value` is what is shown: a label for a code, a mask for a sensitive value."""

    key: str
    name: str
    group: str
    value: str
    sensitive: bool
    purpose: str
    basis: str

    @property
    def reveal(self) -> str:
        """What `commands.reveal` is asked for; empty for open fields and blanks."""
        return f"field:{self.key}" if self.sensitive and self.value else ""


def profile(actor: Any, person_id: uuid.UUID) -> list[ProfileField]:
    """The fields of the form that are kept in the profile and whose group the actor may read, in the form's order,
    blank ones too. Raises Http404.
    """
    found = profiles(actor, [person_id])
    if person_id not in found:
        raise Http404
    return found[person_id]


def profiles(actor: Any, person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[ProfileField]]:
    """As `profile` for many children at once (at most 500), those whom the actor may not see left out: one query."""
    with connection.cursor() as c:
        c.execute(
            "select p.person_id, f.data, f.sealed from person p left join person_profile f on f.person_id = p.person_id"
            " where p.person_id = any(%s::uuid[])",
            [list(person_ids)[:500]],
        )
        rows = c.fetchall()
    specs = [
        s for s in national_form.fields() if kept_in_profile(s) and groups.may(actor, groups.of_field(s))
    ]
    out = {}
    for person, held, sealed in rows:
        data = held if isinstance(held, dict) else json.loads(held or "{}")
        secret = vault.open_json(sealed, places.profile(person)) if sealed else {}
        out[person] = [_field(spec, data, secret) for spec in specs]
    return out


#: Fields of the form that have a column or a table of their own.
_ELSEWHERE = frozenset(
    {
        "school_code",
        "ethnicity",
        "nationality",
        "campus_no",
        "class_no",
        "former_name",
        "auxiliary_number",
        "class_serial",
    }
)


def kept_in_profile(spec: national_form.Field) -> bool:
    """Whether a field of the national form lies in the profile."""
    return not spec.is_key and not spec.member and spec.key not in _ELSEWHERE


def _field(spec: national_form.Field, data: dict[str, Any], secret: dict[str, Any]) -> ProfileField:
    sensitive = spec.sensitive in places.SEALED_KINDS
    raw = str(secret.get(spec.key) or data.get(spec.key) or "")
    plain = code_label(spec.codeset, raw) if spec.codeset else raw
    shown = mask_field(spec, raw) if sensitive else plain
    return ProfileField(spec.key, spec.name, spec.group, shown, sensitive, spec.purpose, spec.basis)


def tally(actor: Any, person_ids: Sequence[uuid.UUID], keys: Sequence[str]) -> dict[str, Counter[str]]:
    """How many of these people have which value of an open field of the profile or of the person, in words ('' for none);
    one query (at most 500).

    A field whose group the actor may not read is absent, and so is one that lies sealed.
    """
    wanted = [
        spec
        for spec in map(national_form.field, keys)
        if groups.may(actor, groups.of_field(spec)) and spec.sensitive not in places.SEALED_KINDS
    ]
    out: dict[str, Counter[str]] = {spec.key: Counter() for spec in wanted}
    with connection.cursor() as c:
        c.execute(
            "select coalesce(f.data, '{}') || jsonb_build_object('ethnicity', p.ethnicity, 'nationality', p.nationality)"
            " from person p left join person_profile f on f.person_id = p.person_id"
            " where p.person_id = any(%s::uuid[])",
            [list(person_ids)[:500]],
        )
        for (held,) in c.fetchall():
            data = held if isinstance(held, dict) else json.loads(held)
            for spec in wanted:
                value = str(data.get(spec.key) or "")
                out[spec.key][code_label(spec.codeset, value) if spec.codeset else value] += 1
    return out
