"""Of whom a stated likeness (疑似同一人) spoke, told anew to whoever decides and may see the other child."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.registry.enrolment.models import REGISTERED, Roster

from .. import twins
from ..errors import CaseError
from ..page import CasePage
from ._base import material


@dataclass(frozen=True)
class Other:
    """Another child to whom a reason belongs."""

    person_id: uuid.UUID
    words: str


def alike(actor: Any, page: CasePage) -> list[Other]:
    """The other children behind the reasons of a case, for its decider: those whom he may see himself, looked up now and
    noted; nobody else, and nothing of those out of his sight (C-DUP-02, 未成年人网络保护条例 36).
    """
    case = page.case
    stated = {rule for rule in case.overrides if rule.startswith(twins.PREFIX)}
    if not stated or not page.may("decide"):
        return []
    with transaction.atomic():
        try:
            with acting("writer"):
                found = twins.find(material(actor, case))
        except CaseError:  # the child has no record any more that could look like another
            return []
        # Back in the reader's own scope: row-level security says whom he may see.
        named = {t.person_id: t for t in found if twins.code(case, t.person_id) in stated}
        rows = Roster.objects.filter(person_id__in=named, kind=REGISTERED).exclude(reason="former")
        out = [
            Other(
                row.person_id,
                replace(named[row.person_id], seen=True, name=row.name, birth_date=row.birth_date).words,
            )
            for row in rows.order_by("name", "person_id")[: len(named)]
        ]
        if out:
            record(
                actor,
                "duplicates.check",
                object_type="case",
                object_id=case.case_id,
                after={"found": len(out)},
                row_count=len(out),
                persons=[other.person_id for other in out],
            )
    return out
