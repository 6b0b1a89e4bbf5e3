"""What of a person's data is kept back: homes kept secret, voluntary fields that the family refused."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.standards import fields as national_form

from .. import places
from ..errors import BadValue

#: Before a field of the family: of every member.
MEMBER = "member_"


def guard(person_id: uuid.UUID, on: bool) -> None:
    """Keep a child's address, telephones and family to the present school's office, or open them again.

    Part of a command of the family room, in the writing role.
    """
    with connection.cursor() as c:
        for table in ("person_profile", "guardian"):
            c.execute(
                f"update {table} set guarded = %s where person_id = %s and guarded <> %s",  # nosec B608
                [on, person_id, on],
            )


def withhold(person_id: uuid.UUID, fields: Sequence[str]) -> None:
    """Voluntary fields to which the family says no: what is kept of them is deleted, and none is taken any more.

    `member_<key>` means that key of every family member. 个人信息保护法 47(3). Part of a command of the family room, in
    the writing role, with the person locked.
    """
    wanted = sorted(fields)
    with connection.cursor() as c:
        c.execute(
            "select data, sealed, withheld from person_profile where person_id = %s for update", [person_id]
        )
        row = c.fetchone()
        if row is None:
            if not wanted:
                return
            # Nothing is kept yet; the refusal itself must be, so that nothing is taken later.
            c.execute(
                "insert into person_profile (person_id, data, withheld, readers, klasses)"
                " select person_id, '{}', %s, readers, klasses from person where person_id = %s",
                [wanted, person_id],
            )
            row = ({}, None, wanted)
        data = row[0] if isinstance(row[0], dict) else json.loads(row[0])
        place = places.profile(person_id)
        secret = vault.open_json(row[1], place) if row[1] else {}
        for key in wanted:
            data.pop(key, None)
            secret.pop(key, None)
        c.execute(
            "update person_profile set data = %s::jsonb, sealed = %s, withheld = %s where person_id = %s",
            [
                json.dumps(data, ensure_ascii=False),
                vault.seal_json(secret, place) if secret else None,
                wanted,
                person_id,
            ],
        )
        of_members = [k.removeprefix(MEMBER) for k in wanted if k.startswith(MEMBER)]
        if of_members:
            c.execute(
                "select guardian_no, sealed from guardian where person_id = %s and sealed is not null",
                [person_id],
            )
            for no, sealed in c.fetchall():
                place = places.guardian(person_id, no)
                values = vault.open_json(sealed, place)
                left = {k: v for k, v in values.items() if k not in of_members}
                if left != values:
                    c.execute(
                        "update guardian set sealed = %s where person_id = %s and guardian_no = %s",
                        [vault.seal_json(left, place) if left else None, person_id, no],
                    )


def refuse_withheld(person_id: uuid.UUID, keys: Iterable[str]) -> None:
    """Raise `BadValue` when one of these fields is one to which the family said no. In the writing role."""
    with connection.cursor() as c:
        c.execute("select withheld from person_profile where person_id = %s", [person_id])
        row = c.fetchone()
    shut = sorted(set(row[0]) & set(keys)) if row is not None else []
    if shut:
        names = "、".join(_name(k) for k in shut)
        raise BadValue(_("家庭不同意提供: %s。请不要填写") % names)


def _name(key: str) -> str:
    found = key.replace(MEMBER, "member1_") if key.startswith(MEMBER) else key
    try:
        return national_form.field(found).name
    except KeyError:
        return key
