"""What families read of this room on the child's page: notices of incidents, marked as read when they are shown."""

from __future__ import annotations

import uuid
from typing import Any

from xueji.ground.accounts.roles import Role

from .commands import incidents
from .models import Notice


def notices_for(actor: Any, person_id: uuid.UUID, limit: int = 20) -> list[Notice]:
    """The notices about a child for its guardian, or for the pupil himself; one query once they were all read."""
    audience = "child" if actor.role == Role.STUDENT else "guardian"
    found = list(
        Notice.objects.filter(person_id=person_id, audience=audience).order_by("-sent_at", "-pk")[:limit]
    )
    if any(n.read_at is None for n in found):
        incidents.read(actor, [n.pk for n in found if n.read_at is None])
    return found
