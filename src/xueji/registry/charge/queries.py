"""Reading emergency access and hand-overs; whom a number means, anywhere."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.http import Http404
from django.utils import timezone

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.accounts.roles import Role
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.standards.identity import normalise_identity
from xueji.ground.standards.idtypes import id_types
from xueji.ground.waiting import Ask, Rows, day
from xueji.registry.people import places
from xueji.registry.people.queries.lookups import schemes

from .models import REASONS, EmergencyAnswer, EmergencyGrant, EmergencyLook, HandOver


@dataclass(frozen=True)
class Found:
    """A child by number and name, and the school that has it now."""

    person_id: uuid.UUID
    name: str
    school_id: int | None
    county_id: int | None


def holders_everywhere(number: str, name: str) -> list[Found]:
    """Children of the whole installation who hold this number and have this name. In the writing role only.

    One statement, whatever it finds.
    """
    value = normalise_identity(number)
    identities = [(t, value) for t in id_types()]
    if value[:1] == "G" and len(value) == 19:
        identities.append(("1", value[1:]))
    kinds = schemes()
    with connection.cursor() as c:
        c.execute(
            "with hits as ("
            " select l.person_id from unnest(%s::text[], %s::bytea[]) as w(id_type, bidx)"
            "   join identity_lookup l on l.id_type = w.id_type and l.bidx = w.bidx"
            " union select l.person_id from unnest(%s::text[], %s::bytea[]) as w(scheme, bidx)"
            "   join number_lookup l on l.scheme = w.scheme and l.bidx = w.bidx)"
            " select p.person_id, p.name, r.school_id, r.county_id from hits h"
            " join person p on p.person_id = h.person_id and p.name = %s"
            " left join lateral (select school_id, county_id from roster where person_id = p.person_id"
            "   and reason in ('enrolled', 'guest') order by (status between 1 and 9) desc, reason, since desc"
            "   limit 1) r on true limit 2",
            [
                [t for t, _v in identities],
                [places.identity_index(t, v) for t, v in identities],
                list(kinds),
                [places.number_index(s, value) for s in kinds],
                name,
            ],
        )
        return [Found(*row) for row in c.fetchall()]


@dataclass(frozen=True)
class GrantRow:
    """One emergency access, in words."""

    id: int
    user_name: str
    role_label: str
    org_name: str
    school_name: str
    masked_name: str
    person_id: uuid.UUID
    reason_label: str
    reason: str
    opened_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    mine: bool
    of_school: bool
    may_answer: bool
    answers: list[EmergencyAnswer] = field(default_factory=list)
    looks: list[EmergencyLook] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether the time still runs."""
        return self.ended_at is None and timezone.now() < self.expires_at

    @property
    def minutes(self) -> int:
        """Minutes that are left."""
        return max(0, int((self.expires_at - timezone.now()).total_seconds() // 60))

    @property
    def objected(self) -> bool:
        """Whether anybody objects."""
        return any(a.objects_ for a in self.answers)


def grants(actor: Actor, *, limit: int = 50) -> list[GrantRow]:
    """The last emergency accesses that concern the actor: his own; a head's, of his unit and its schools."""
    rows = EmergencyGrant.objects.filter(_concerns(actor)).order_by("-pk")[:limit]
    return _rows(actor, list(rows))


def grant(actor: Actor, pk: int) -> GrantRow:
    """One of them with what was looked at. Raises Http404."""
    found = _rows(actor, list(EmergencyGrant.objects.filter(_concerns(actor), pk=pk)), looks=True)
    if not found:
        raise Http404
    return found[0]


def _concerns(actor: Actor) -> Q:
    mine = Q(user_id=actor.user_id)
    if not actor.can("emergency.answer"):
        return mine
    org = actor.org_id or 0
    return mine | Q(org_id=org) | Q(school_id=org) | Q(county_id=org)


def _rows(actor: Actor, found: list[EmergencyGrant], *, looks: bool = False) -> list[GrantRow]:
    ids = [g.pk for g in found]
    wanted = {g.org_id for g in found} | {g.school_id for g in found if g.school_id}
    orgs = dict(Org.objects.filter(pk__in=wanted).values_list("pk", "name"))
    answers: dict[int, list[EmergencyAnswer]] = {}
    for a in EmergencyAnswer.objects.filter(grant_id__in=ids).order_by("pk")[:500]:
        answers.setdefault(a.grant_id, []).append(a)
    seen = list(EmergencyLook.objects.filter(grant_id__in=ids).order_by("pk")[:200]) if looks else []
    return [
        GrantRow(
            id=g.pk,
            user_name=g.user_name,
            role_label=str(Role(g.role).label),
            org_name=orgs.get(g.org_id, ""),
            school_name=orgs.get(g.school_id or 0, ""),
            masked_name=g.masked_name,
            person_id=g.person_id,
            reason_label=str(REASONS.get(g.reason_kind, "")),
            reason=g.reason,
            opened_at=g.opened_at,
            expires_at=g.expires_at,
            ended_at=g.ended_at,
            mine=g.user_id == actor.user_id,
            of_school=g.school_id == actor.org_id,
            may_answer=_may_answer(actor, g, answers.get(g.pk, [])),
            answers=answers.get(g.pk, []),
            looks=seen,
        )
        for g in found
    ]


def _may_answer(actor: Actor, g: EmergencyGrant, answers: list[EmergencyAnswer]) -> bool:
    if not actor.can("emergency.answer") or g.user_id == actor.user_id:
        return False
    if any(a.by_org_id == actor.org_id for a in answers):
        return False
    if actor.org_id in (g.school_id, g.org_id):
        return True
    return actor.org_id == g.county_id and any(a.objects_ for a in answers)


_WAITING = """
  select count(*) from emergency_grant g
   where g.user_id <> %(user)s
     and not exists (select 1 from emergency_answer a where a.grant_id = g.id and a.by_org_id = %(org)s)
     and (g.school_id = %(org)s or g.org_id = %(org)s
          or g.county_id = %(org)s
             and exists (select 1 from emergency_answer a where a.grant_id = g.id and a.objects))
"""


# --- hand-overs --------------------------------------------------------------------------------------------


def hand_overs(actor: Actor) -> list[HandOver]:
    """The last hundred that the actor wrote or takes over; for who leads the unit, all of it."""
    mine = Q(to_id=actor.user_id) | Q(written_by=actor.user_id)
    if actor.role in _LEADERS:
        mine |= Q(org_id=actor.org_id or 0)
    with acting("writer"):  # who wrote it may be an administrator without scope
        return list(HandOver.objects.filter(mine).order_by("-pk")[:100])


def hand_over(actor: Actor, pk: int) -> HandOver:
    """One of them. Raises Http404."""
    with acting("writer"):
        row = HandOver.objects.filter(pk=pk).first()
    if row is None or not (
        actor.user_id in (row.to_id, row.written_by)
        or (actor.role in _LEADERS and actor.org_id == row.org_id)
    ):
        raise Http404
    return row


#: Who reads all hand-overs of his unit.
_LEADERS = (Role.REGISTRAR, Role.SCHOOL_HEAD, Role.COUNTY_CLERK, Role.COUNTY_HEAD)


def names(person_ids: list[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Names of pupils in the reader's scope; one query."""
    with connection.cursor() as c:
        c.execute(
            "select distinct on (person_id) person_id, name from person where person_id = any(%s)",
            [person_ids],
        )
        return dict(c.fetchall())


def waiting(actor: Actor) -> Ask[dict[str, Any]]:
    """What waits for the actor in this room and that of duties, for the home page."""
    from xueji.ground.duty import queries as duty

    def read(rows: Rows) -> dict[str, Any]:
        row = rows[0]
        return {
            "authorisations": row["authorisations"],
            "emergencies": row["emergencies"],
            "hand_overs": row["hand_overs"],
            "duty": duty.Standing(row["binds"], row["months"], day(row["signed_on"]), day(row["trained_on"])),
        }

    return Ask(
        f"select case when %(head)s then ({duty.WAITING}) else 0 end as authorisations,"
        f" case when %(answers)s then ({_WAITING}) else 0 end as emergencies,"
        " (select coalesce(jsonb_agg(jsonb_build_object('pk', h.id, 'from_name', h.from_name) order by h.id), '[]')"
        "    from (select id, from_name from hand_over where to_id = %(user)s and confirmed_at is null"
        "           order by id limit 10) h) as hand_overs,"
        f" s.* from ({duty.STANDING}) s(binds, months, signed_on, trained_on)",
        {
            "head": actor.can("student.authorise"),
            "answers": actor.can("emergency.answer"),
            "user": actor.user_id,
            "org": actor.org_id or 0,
            "role": actor.role,
            "today": today(),
        },
        read,
    )
