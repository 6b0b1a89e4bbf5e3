"""Writing the audit. Called by commands inside their own transaction, so that deed and entry stand or fall together."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from xueji.ground.db.scope import acting

from .models import AuditEntry


@dataclass(frozen=True)
class Who:
    """The acting person as the audit needs it. `Actor` of the accounts room has the same attributes."""

    user_id: int | None
    user_name: str
    role: str
    org_id: int | None
    address: str = ""


def record(
    who: Any,
    action: str,
    *,
    object_type: str = "",
    object_id: object = "",
    person_id: uuid.UUID | None = None,
    purpose: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    row_count: int = 1,
    digest: bytes | None = None,
) -> None:
    """Append one entry. `who` is an Actor or a `Who`. Must run inside the transaction of the deed."""
    with acting("audit"):
        AuditEntry.objects.bulk_create(
            [
                AuditEntry(
                    at=timezone.now(),
                    user_id=who.user_id,
                    user_name=who.user_name,
                    role=who.role,
                    org_id=who.org_id,
                    address=who.address,
                    action=action,
                    object_type=object_type,
                    object_id=str(object_id),
                    person_id=person_id,
                    purpose=purpose,
                    before=before,
                    after=after,
                    row_count=row_count,
                    digest=digest,
                )
            ]
        )


