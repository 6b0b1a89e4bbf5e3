"""Keeping by which paper somebody showed who he is, before data about a child is taken or given (C-ROL-10)."""

from __future__ import annotations

import uuid

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from .. import words
from ..errors import DutyError
from ..models import Verification


class VerificationError(DutyError):
    """The papers do not do; `message` is for the user."""


def masked(number: str) -> str:
    """A paper's number as it is kept: the first two and the last two places, whatever its length."""
    value = "".join(number.split())
    if len(value) < 6:
        return "*" * len(value)
    return value[:2] + "*" * min(len(value) - 4, 14) + value[-2:]


def keep(
    actor: Actor,
    *,
    about: str,
    subject: str,
    name: str,
    paper: str,
    number: str,
    person_id: uuid.UUID | None = None,
    note: str = "",
) -> int:
    """Keep that the actor looked at a paper; returns the record's id. Raises VerificationError, PermissionDenied.

    `about` is what it belongs to ("family_request:12"), at most 60 letters; of `number` only the mask is kept.
    """
    if actor.is_portal:
        raise PermissionDenied
    if subject not in words.SUBJECTS or paper not in words.PAPERS:
        raise VerificationError(_("请选择来人是谁、出示了什么证件"))
    if not name.strip():
        raise VerificationError(_("请填写证件上的姓名"))
    if len("".join(number.split())) < 4:
        raise VerificationError(_("请填写证件号码, 系统只保存掩码"))
    row = Verification(
        org_id=actor.org_id,
        person_id=person_id,
        about=about[:60],
        subject=subject,
        name=name.strip()[:50],
        paper=paper,
        number=masked(number),
        note=note.strip()[:200],
        checked_by=actor.user_id,
        checked_name=actor.user_name,
    )
    with transaction.atomic(), acting("writer"):
        row.save(force_insert=True)
    record(
        actor,
        "duty.verify",
        object_type="verification",
        object_id=row.pk,
        person_id=person_id,
        after={"about": row.about, "subject": subject, "paper": paper},
    )
    return row.pk
