"""What happened to a record, appended to its history: with a step or without one."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting

from ..errors import IllegalStep
from ..models import REGISTERED
from ..timeline import Link
from .chains import links_of


def write_event(
    actor: Any,
    person_id: uuid.UUID,
    *,
    business: str,
    at: datetime | None = None,
    kind: int = REGISTERED,
    case_id: uuid.UUID | None = None,
    article: str = "",
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> uuid.UUID:
    """Write down what happened to a record without moving it (a correction, a number, marks of a stay elsewhere);
    returns the key of the event. It stands where the child's chain stands now.

    Needs a transaction; the caller has checked the actor's right. Raises `IllegalStep` when the child has no
    chain of this kind.
    """
    now, event_id = timezone.now(), uuid.uuid4()
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        due = [x for x in links_of(c, person_id, kind) if x.valid_from <= now]
        if not due:
            raise IllegalStep(_("该生没有在籍的学籍, 不能办理这项业务"))
        insert_event(
            c,
            actor,
            event_id,
            person_id,
            business,
            at or now,
            now,
            due[-1],
            case_id=case_id,
            article=article,
            reason=reason,
            detail=detail,
        )
    return event_id


def write_events(
    actor: Any,
    events: dict[uuid.UUID, uuid.UUID],
    *,
    business: str,
    at: datetime,
    reason: str,
    detail: dict[str, Any],
) -> set[uuid.UUID]:
    """One event for each of many children (person -> key), where their registered chains stand now, without moving them;
    one statement. Returns who has one: a child without a chain in force gets none. In a writing role.
    """
    with connection.cursor() as c:
        c.execute(
            "insert into event (person_id, event_id, business, valid_at, recorded_at, county_id, school_id, class_id,"
            "  actor_id, actor_name, article, reason, detail)"
            " select distinct on (v.person_id) v.person_id, v.event_id, %s, %s, %s, s.county_id, s.school_id, s.class_id,"
            "  %s, %s, '', %s, %s::jsonb from unnest(%s::uuid[], %s::uuid[]) as v(person_id, event_id)"
            " join enrolment_state s on s.person_id = v.person_id and s.kind = 1 and s.valid_from <= clock_timestamp()"
            " order by v.person_id, s.valid_from desc returning person_id",
            [
                business,
                at,
                timezone.now(),
                actor.user_id,
                actor.user_name,
                reason[:300],
                json.dumps(detail, ensure_ascii=False),
                list(events),
                list(events.values()),
            ],
        )
        return {row[0] for row in c.fetchall()}


def insert_event(
    c: Any,
    actor: Any,
    event_id: uuid.UUID,
    person_id: uuid.UUID,
    business: str,
    valid_at: datetime,
    recorded_at: datetime,
    place: Link,
    *,
    case_id: uuid.UUID | None = None,
    article: str = "",
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Append one entry to a child's history, standing where `place` says."""
    c.execute(
        "insert into event (person_id, event_id, business, valid_at, recorded_at, county_id, school_id, class_id,"
        " actor_id, actor_name, case_id, article, reason, detail)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)",
        [
            person_id,
            event_id,
            business,
            valid_at,
            recorded_at,
            place.county_id,
            place.school_id,
            place.class_id,
            actor.user_id,
            actor.user_name,
            case_id,
            article[:200],
            reason[:300],
            json.dumps(detail or {}, ensure_ascii=False),
        ],
    )
