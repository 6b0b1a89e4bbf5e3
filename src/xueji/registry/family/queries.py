"""Who of a class is invited and who is in; which accounts see a child."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone

from xueji.ground.accounts.models import PortalLink, User
from xueji.ground.db.scope import acting
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.queries import RosterRow
from xueji.registry.people.models import Guardian
from xueji.registry.people.queries.cards import code_label

from .models import Invitation


@dataclass(frozen=True)
class Access:
    """An account that sees, or saw, a child's record."""

    link_id: int
    name: str
    relation: str
    since: date
    until: date | None
    last_login: Any

    @property
    def open(self) -> bool:
        """Whether it sees the record today."""
        return self.until is None or self.until > timezone.localdate()


@dataclass(frozen=True)
class Family:
    """A child of a class with its guardians on record, open codes and accounts."""

    row: RosterRow
    guardians: int
    invited: int
    accounts: int


def of_class(actor: Any, class_id: int) -> list[Family]:
    """The children of a class in the actor's scope with the state of their invitations: four queries."""
    rows = [r for r in enrolment.rows_of_class(actor, class_id) if r.reason == "enrolled"]
    people = [r.person_id for r in rows]
    today = timezone.localdate()
    with acting("writer"):
        guardians = _count(
            Guardian.objects.filter(person_id__in=people, is_guardian=True, until=None).values_list(
                "person_id", flat=True
            )
        )
        links = _count(
            PortalLink.objects.filter(person_id__in=people, guardian_no__isnull=False)
            .exclude(until__lte=today)
            .values_list("person_id", flat=True)
        )
    codes = _count(
        Invitation.objects.filter(
            person_id__in=people,
            guardian_no__isnull=False,
            used_at=None,
            ended_at=None,
            expires_on__gte=today,
        ).values_list("person_id", flat=True)
    )
    return [Family(r, guardians[r.person_id], codes[r.person_id], links[r.person_id]) for r in rows]


def accesses(actor: Any, person_id: uuid.UUID) -> list[Access]:
    """The accounts that see a child of the actor's school, present ones first. Raises Http404, PermissionDenied."""
    actor.require("family.invite")
    enrolment.get_row(actor, person_id)
    with acting("writer"):
        links = list(PortalLink.objects.filter(person_id=person_id).order_by("-since", "-id")[:50])
        users = {u.pk: u for u in User.objects.filter(pk__in=[x.user_id for x in links])}
        kin = dict(Guardian.objects.filter(person_id=person_id).values_list("guardian_no", "relation"))
    found = [
        Access(
            x.pk,
            users[x.user_id].display_name if x.user_id in users else "",
            ""
            if x.guardian_no is None
            else code_label("guardian_relation_template", kin.get(x.guardian_no, "")),
            x.since,
            x.until,
            users[x.user_id].last_login if x.user_id in users else None,
        )
        for x in links
    ]
    return sorted(found, key=lambda a: not a.open)


def _count(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    out: dict[uuid.UUID, int] = defaultdict(int)
    for person_id in ids:
        out[person_id] += 1
    return out
