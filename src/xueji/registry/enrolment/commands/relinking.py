"""Other links in the place of those that were believed: undo, roll-back, correction."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from .. import holds
from ..errors import IllegalStep
from ..models import REGISTERED
from ..timeline import Link, chain_deltas, difference
from .chains import links_of, lock, sex_of, slim
from .due import activate
from .events import insert_event
from .headcount import add_to_cube
from .roster import rebuild_roster


def relink(
    actor: Any,
    person_id: uuid.UUID,
    *,
    from_at: datetime,
    links: list[Link],
    business: str,
    reason: str,
    kind: int = REGISTERED,
    case_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Put other links in the place of those that begin at or after `from_at` (undo, roll-back, correction).

    The superseded links stay, with the time during which they were believed; a compensating event says why.
    Raises `IllegalStep` when nothing would be left.
    """
    now = timezone.now()
    event_id = uuid.uuid4()
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        lock(c, [person_id])
        activate(c, [person_id], now)
        holds.require_free(person_id)
        old = links_of(c, person_id, kind)
        kept = [x for x in old if x.valid_from < from_at]
        if not kept and not links:
            raise IllegalStep(_("学籍不能没有任何状态, 请改用删除问题学籍的业务"))
        anchor = links[0] if links else kept[-1]
        insert_event(
            c,
            actor,
            event_id,
            person_id,
            business,
            from_at,
            now,
            anchor,
            case_id=case_id,
            reason=reason,
            detail={"superseded": len(old) - len(kept)},
        )
        payload = [
            {
                **{k: v for k, v in link.__dict__.items() if k not in {"person_id", "kind", "event_id"}},
                "valid_from": link.valid_from.isoformat(),
                "valid_to": link.valid_to.isoformat() if link.valid_to else None,
            }
            for link in links
        ]
        c.execute(
            "select xueji_relink(%s, %s::smallint, %s, %s::jsonb, %s, %s)",
            [person_id, kind, from_at, json.dumps(payload), event_id, now],
        )
        new = links_of(c, person_id, kind)
        sex = sex_of(c, person_id)
        due = [x for x in new if x.valid_from <= now]
        add_to_cube(
            c, difference(chain_deltas(due, sex), chain_deltas([x for x in old if x.valid_from <= now], sex))
        )
        c.execute(
            "delete from pending_link where person_id = %s and kind = %s and valid_from >= %s",
            [person_id, kind, from_at],
        )
        for link in new:
            if link.valid_from > now:
                c.execute(
                    "insert into pending_link (person_id, kind, valid_from) values (%s, %s, %s)"
                    " on conflict do nothing",
                    [person_id, kind, link.valid_from],
                )
        rebuild_roster(c, person_id, kind, due)
    record(
        actor,
        f"enrolment.{business}",
        object_type="enrolment",
        object_id=event_id,
        person_id=person_id,
        before={"links": [slim(x) for x in old if x.valid_from >= from_at]},
        after={"links": [slim(x) for x in links]},
    )
    return event_id
