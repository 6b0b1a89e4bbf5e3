"""Enrolments that never should have been written: taken back set-based, by compensating events, nothing deleted.

A fixed number of statements for any number of children. The link that was believed goes to `enrolment_superseded`
with the time during which it was; the chain keeps one link, 注销 from the very beginning. Head-counts lose the child on
the day on which they counted it, so that past and present figures agree with a recount.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.policy.statuses import Status
from xueji.registry.people import commands as people

from .commands.headcount import hold_counts
from .errors import IllegalStep
from .models import REGISTERED

WORK = "void_work"
BUSINESS = "undo"


def void_many(
    actor: Any, person_ids: Sequence[uuid.UUID], *, now: datetime, reason: str, batch_id: int | None = None
) -> bytes:
    """Take the enrolment of these children back as if it had never been in force (C-COL-06); returns a digest of the
    rows for the audit.

    Each chain must have exactly one link, 在读 from the beginning. Student numbers are struck off and kept, identity
    documents close and their numbers may be claimed anew. Needs a transaction; the caller has locked the people, has
    checked the actor's right and that nothing else happened to them, and writes the audit. Raises `IllegalStep`.
    """
    with acting("writer"), connection.cursor() as c:
        c.execute(
            f"create temp table {WORK} on commit drop as select s.person_id, gen_random_uuid() as event_id, s.valid_from,"
            "  s.business, s.status, s.county_id, s.school_id, s.class_id, s.stage, s.cohort_year, s.class_seat"
            f" from enrolment_state s where s.person_id = any(%s::uuid[]) and s.kind = {REGISTERED}"
            "  and s.valid_to is null and s.from_status = 0 and s.status = %s",
            [list(person_ids), Status.STUDYING],
        )
        if c.rowcount != len(person_ids):
            raise IllegalStep(_("有学生的学籍在此期间已有变动, 没有撤销任何一行"))
        c.execute(f"analyze {WORK}")
        given = {
            "now": now, "actor": actor.user_id, "name": actor.user_name, "batch": batch_id, "reason": reason[:300],
            "business": BUSINESS, "status": int(Status.CANCELLED),
        }  # fmt: skip
        c.execute(
            "insert into event (person_id, event_id, business, valid_at, recorded_at, county_id, school_id, class_id,"
            " actor_id, actor_name, batch_id, article, reason, detail)"
            " select person_id, event_id, %(business)s, valid_from, %(now)s, county_id, school_id, class_id, %(actor)s,"
            f"  %(name)s, %(batch)s, '', %(reason)s, jsonb_build_object('superseded', 1) from {WORK}",
            given,
        )
        c.execute(
            f"select xueji_relink(person_id, {REGISTERED}::smallint, valid_from, jsonb_build_array(jsonb_build_object("
            "  'valid_from', valid_from, 'valid_to', null, 'from_status', 0, 'business', %(business)s::text,"
            "  'status', %(status)s::int, 'county_id', county_id, 'school_id', school_id, 'class_id', class_id,"
            "  'stage', stage, 'cohort_year', cohort_year, 'class_seat', class_seat)), event_id, %(now)s)"
            f" from {WORK}",
            given,
        )
        c.execute(
            "update roster r set status = %(status)s, open_case = '', problem = false"
            f" from {WORK} w where r.county_id = w.county_id and r.school_id = w.school_id"
            f"  and r.person_id = w.person_id and r.kind = {REGISTERED}",
            given,
        )
        people.void_many(now=now, reason=str(_("撤销导入")), work=WORK)
        c.execute(f"select xueji_release_identity(array_agg(person_id)) from {WORK}")
        c.execute(f"select array_agg(distinct county_id) from {WORK}")
        hold_counts(c, c.fetchone()[0])
        c.execute(
            "insert into cube_delta (county_id, school_id, day, kind, stage, cohort_year, sex, status, flow, n)"
            " select w.county_id, w.school_id, (w.valid_from at time zone 'Asia/Shanghai')::date,"
            f"  {REGISTERED}, w.stage, w.cohort_year, p.sex, x.status, x.flow, (x.sign * count(*))::int"
            f" from {WORK} w join person p on p.person_id = w.person_id"
            "  cross join lateral (values (w.status, w.business, -1), (%(status)s, %(business)s, 1)) as x(status, flow, sign)"
            " group by w.county_id, w.school_id, 3, w.stage, w.cohort_year, p.sex, x.status, x.flow, x.sign"
            " order by 1, 2, 3, 5, 6, 7, 8, 9"
            " on conflict (county_id, school_id, day, kind, stage, cohort_year, sex, status, flow)"
            " do update set n = cube_delta.n + excluded.n",
            given,
        )
        c.execute(
            "select sha256(string_agg(sha256(convert_to(person_id::text || event_id::text || valid_from::text, 'UTF8')),"
            f" ''::bytea order by person_id)) from {WORK}"
        )
        digest = bytes(c.fetchone()[0])
        c.execute(f"drop table {WORK}")
    return digest
