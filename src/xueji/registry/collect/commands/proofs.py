"""The signed 在校就读证明表 of a pupil without an identity number goes on file (C-COL-16)."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.files import commands as files
from xueji.ground.files.content import FileRefused
from xueji.registry.enrolment.queries import PROOF

from .. import nonumber
from ..errors import CollectError


def file_proof(actor: Any, person_id: uuid.UUID, *, data: bytes, name: str) -> uuid.UUID:
    """Keep the scan for the school, the class's teachers and the family; the newest one counts, older ones stay.

    Raises PermissionDenied, Http404 for a pupil who has a number or is not the school's, `CollectError`.
    """
    actor.require("collect.check")
    found = nonumber.one(actor, person_id)
    if not data:
        raise CollectError(_("请选择扫描件或照片"))
    with transaction.atomic():
        try:
            file = files.store(
                actor,
                data,
                name=name,
                purpose=PROOF,
                readers=[actor.org_id],
                klasses=[found.class_id] if found.class_id else [],
                person_id=person_id,
            )
        except FileRefused as error:
            raise CollectError(error.message) from error
        record(
            actor,
            "collect.proof",
            object_type="file",
            object_id=file.id,
            person_id=person_id,
            after={"replaced": bool(found.file_id)},
        )
    return file.id
