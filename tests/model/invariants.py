"""What must hold after whatever anybody did, asked of the tables themselves by the owner of the database."""

from __future__ import annotations

from typing import Any

import psycopg

from xueji import config
from xueji.registry.enrolment import verify as record
from xueji.web.cli import verify

CLERKS = "('registrar', 'central_clerk', 'county_clerk', 'city_clerk', 'province_clerk')"
OPEN = "('running', 'returned', 'approved')"
ENDED = "('done', 'refused', 'withdrawn', 'cancelled')"
#: What the log says of each end.
LAST_WORDS = "(values ('done', 'apply'), ('refused', 'refuse'), ('withdrawn', 'withdraw')) v(status, action)"

#: name -> a query whose rows break it.
CASES = {
    "one case of a child is under way": f"select person_id from case_ where status in {OPEN} group by 1 having count(*) > 1",
    "what runs has a step": "select number from case_ c where status = 'running' and not exists"
    " (select 1 from case_step s where s.case_id = c.case_id and s.state = 'current')",
    "nothing else has a current step": "select c.number, c.status from case_ c join case_step s using (case_id)"
    " where s.state = 'current' and c.status <> 'running'",
    "what runs has a holder": "select number from case_ c where status in ('running', 'returned') and not exists"
    " (select 1 from case_seat s where s.case_id = c.case_id and s.holds)",
    "nobody holds what does not run": "select c.number, c.status from case_ c join case_seat s using (case_id)"
    " where s.holds and c.status not in ('running', 'returned') and not exists (select 1 from case_step t"
    "  where t.case_id = c.case_id and t.org_id = s.org_id and t.state = 'informed')",
    "what runs has a deadline": "select c.number, s.seq, s.role from case_ c join case_step s using (case_id)"
    " where c.status = 'running' and s.state = 'current' and s.due_on is null",
    "seats agree with steps": "select c.number, s.org_id from case_ c join case_step s using (case_id)"
    " where s.state = 'current' and c.status = 'running' and not exists (select 1 from case_seat t"
    "  where t.case_id = c.case_id and t.org_id = s.org_id and t.holds)",
    "a holding seat has its step": "select c.number, t.org_id from case_ c join case_seat t using (case_id)"
    " where c.status = 'running' and t.holds and not exists (select 1 from case_step s"
    "  where s.case_id = c.case_id and s.state in ('current', 'informed') and s.org_id = t.org_id)",
    "a returned case lies with its starter": "select c.number from case_ c join case_seat t using (case_id)"
    " where c.status = 'returned' and t.holds and t.org_id <> c.org_id",
    "seats say the status": "select c.number, c.status, t.status from case_ c join case_seat t using (case_id)"
    " where c.status <> t.status",
    "every party has a seat": "select c.number from case_ c, unnest(c.parties) p where not exists"
    " (select 1 from case_seat t where t.case_id = c.case_id and t.org_id = p)",
    "a seat belongs to a party": "select c.number, t.org_id from case_ c join case_seat t using (case_id)"
    " where t.org_id <> all(c.parties) and t.pressed_roles = '{}'",
    "what ended has its time": f"select number from case_ where status in {ENDED} and ended_at is null",
    "what ended is in the log once": f"select c.number, c.status from case_ c join {LAST_WORDS} on v.status = c.status"
    " where (select count(*) from case_log l where l.case_id = c.case_id and l.action = v.action) <> 1",
    "what was stopped is in the log": "select c.number from case_ c where c.status = 'cancelled' and not exists"
    " (select 1 from case_log l where l.case_id = c.case_id and l.action in ('cancel', 'stop', 'force_stop'))",
    "what came back has a day": "select c.number from case_ c where c.status = 'returned' and c.repair_due is null",
    "a question is asked of a running case": "select c.number, c.status from case_ c join case_step s using (case_id)"
    " where s.asked_by is not null and s.state = 'current' and c.status <> 'running'",
    "parties of steps are those of the case": "select c.number, s.seq from case_ c join case_step s using (case_id)"
    " where s.parties <> c.parties or s.klasses <> c.klasses",
    "what ended is in the audit": f"select c.number from case_ c where c.status in {ENDED} and not exists"
    " (select 1 from audit_entry a where a.object_type = 'case' and a.object_id = c.case_id::text"
    "  and a.after ->> 'status' = c.status)",
    "a case is sent once": "select c.number from case_ c where c.status <> 'draft'"
    " and (select count(*) from case_log l where l.case_id = c.case_id and l.action = 'submit') <> 1",
    "what is done has its event": "select c.number, c.business from case_ c where c.status in ('done', 'approved')"
    " and not exists (select 1 from event e where e.person_id = c.person_id and e.case_id = c.case_id)",
    "what is not decided has no event": "select c.number, c.status from case_ c join event e using (case_id)"
    " where c.status not in ('done', 'approved')",
    "a step that was taken says by whom": "select c.number, s.seq from case_step s join case_ c using (case_id)"
    " where s.state = 'done' and (s.decider_id is null or s.decided_at is null or s.decision = '')",
    "a step to come says nothing": "select c.number, s.seq, s.state from case_step s join case_ c using (case_id)"
    " where s.state in ('future', 'current', 'informed') and c.status = 'running'"
    " and (s.decision <> '' or s.decider_id is not null)",
    "what is done had all its steps": "select c.number, s.seq, s.state from case_step s join case_ c using (case_id)"
    " where c.status in ('done', 'approved') and s.state not in ('done', 'informed', 'skipped')",
    "clerk and head are two people": "select c.number, d.decider_id from case_ c join case_step d using (case_id)"
    f" where d.decider_id is not null and d.mode = 'approve' group by c.number, d.case_id, d.decider_id"
    f" having count(*) filter (where d.role in {CLERKS}) > 0 and count(*) filter (where d.role not in {CLERKS}) > 0",
    "rosters show the case": "select r.person_id, r.open_case from roster r where r.reason <> 'former' and r.open_case <> ''"
    f" and not exists (select 1 from case_ c where c.person_id = r.person_id and c.number = r.open_case and c.status in {OPEN})",
    "rosters miss no case": f"select c.number, c.status from case_ c where c.status in {OPEN} and exists"
    " (select 1 from roster r where r.person_id = c.person_id and r.reason = 'enrolled' and r.open_case <> c.number)",
    "former schools see no case": "select person_id from roster where reason = 'former' and (open_case <> '' or problem)",
    "what waits, waits for something": "select c.number from case_ c where c.status = 'waiting' and not exists"
    f" (select 1 from case_ o where o.person_id = c.person_id and o.case_id <> c.case_id and o.status in {OPEN})"
    " and not exists (select 1 from roster r where r.person_id = c.person_id and r.problem)",
    "drafts have no number": "select case_id from case_ where (status = 'draft') <> (number is null)",
}


def broken(c: psycopg.Connection) -> list[str]:
    """Every invariant of the cases that does not hold, with up to three of its rows."""
    out = []
    for name, query in CASES.items():
        rows = c.execute(f"{query} limit 3").fetchall()  # type: ignore[arg-type]
        if rows:
            out.append(f"{name}: {rows}")
    return out


def record_broken(c: psycopg.Connection) -> list[str]:
    """Chains, rosters and head-counts that break an invariant of the record."""
    found = [*record.record_problems(c), *record.statistics_problems(c)]
    return [f"{p.check}: {p.message} {p.key}" for p in found]


def verified(database: str, what: str = "all") -> list[str]:
    """What `xueji verify` finds in a database."""
    owner = config.owner_dsn().as_database(database)
    return [f"{p.check}: {p.message} {p.key}" for p in verify.run(what, owner=owner)]


def counts(c: psycopg.Connection) -> dict[str, Any]:
    """Deeds by case as the log has them, and what has ended: for comparing with what was done."""
    deeds = c.execute(
        "select case_id, count(*) from case_log where action in ('pass', 'refuse', 'return')"
        " and actor_id is not null group by 1"
    ).fetchall()
    ended = c.execute(f"select case_id, status from case_ where status in {ENDED}").fetchall()
    return {"deeds": dict(deeds), "ended": {row[0]: row[1] for row in ended}}
