"""Papers and numbers of children whose record is taken back: closed and struck off, never erased."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from xueji.ground.db.scope import acting


def void_many(*, now: datetime, reason: str, work: str) -> None:
    """Strike off every number in force of the children in the temporary table `work` (person_id, event_id) and close
    their documents; two statements for any number of them.

    A struck number still finds its record and is never given again (NAT-NUM-13). Called by the command that takes
    enrolments back (enrolment.voiding), which has checked everything; needs its transaction.
    """
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "update student_number n set state = 'voided', until = greatest(%s, n.since), reason = %s,"
            f" event_id = w.event_id from {work} w where n.person_id = w.person_id and n.state = 'current'",
            [now, reason[:100]],
        )
        c.execute(
            "update identity_document d set until = greatest(%s, d.since)"
            f" from {work} w where d.person_id = w.person_id and d.until is null",
            [now],
        )
