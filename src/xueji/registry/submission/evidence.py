"""Groups of children whose papers the authority looks at when a school hands in (C-SUB-05)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Category:
    """A group: the item of the national form that marks it, and the param that lists its papers."""

    code: str
    label: Any
    field: str
    param: str


CATEGORIES = {
    "migrant": Category(
        "migrant", _("外来务工人员随迁子女"), "migrant_worker_child", "submission.papers_migrant"
    ),
    "martyr": Category("martyr", _("烈士或优抚子女"), "martyr_child", "submission.papers_martyr"),
}


def papers(policy: Any, code: str) -> list[str]:
    """Which papers a group must show where a policy holds."""
    name = CATEGORIES[code].param
    held = policy.param(name) if name in policy.param_ids() else None
    return [str(x) for x in held.value] if held is not None and held.stated else []


def members(row: Any, category: str) -> list[tuple[uuid.UUID, str]]:
    """Children of a submission that belong to a group, at most 2,000; one query."""
    with connection.cursor() as c:
        c.execute(
            "select k.person_id, k.name from submission_child k join person_profile f on f.person_id = k.person_id"
            " where k.submission_id = %s and f.data ->> %s = '1' order by k.name, k.person_id limit 2000",
            [row.pk, CATEGORIES[category].field],
        )
        return [(r[0], r[1]) for r in c.fetchall()]
