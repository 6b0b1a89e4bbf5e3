"""The only code that writes the timeline. Everything that follows from a link (events, rosters, readers, cube,
audit) is written here in the same transaction, by explicit statements.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.policy.statuses import Status
from xueji.ground.standards import names
from xueji.registry.people import commands as people
from xueji.registry.people import places

from . import holds, seats
from .errors import IllegalStep, RecordChanged
from .models import GUEST, REGISTERED
from .timeline import (
    LEFT,
    LINK_COLUMNS,
    CubeKey,
    Link,
    Step,
    chain_deltas,
    deltas,
    difference,
    local_day,
    midnight,
)


def apply_step(actor: Any, step: Step, *, expected: uuid.UUID | None = None) -> uuid.UUID:
    """Close the child's present state and open the next (C-CHG); returns the key of the event.

    `expected` is the last event that the decision was based on. A step dated later than now is written as the
    next link at once; rosters and head-counts follow on its day. Needs a transaction; the caller has checked the
    actor's right and the place's rules. Raises `RecordChanged`, `IllegalStep`.
    """
    with transaction.atomic(), acting("writer"):
        with connection.cursor() as c:
            _lock(c, [step.person_id])
            _activate(c, [step.person_id], timezone.now())
        holds.require_free(step.person_id)
        before = _last(step.person_id, step.kind)
        if expected is not None and (before is None or before.event_id != expected):
            raise RecordChanged(_("该生的学籍在您打开页面之后已有变动, 请刷新后重新核对"))
        at = _moment(step, before)
        from_status = before.status if before else Status.NONE
        _require_transition(step, from_status)
        link = _next_link(step, before, at)
        _write_events(actor, step, before, link)
        with connection.cursor() as c:
            if before is not None:
                c.execute(
                    "update enrolment_state set valid_to = %s where person_id = %s and kind = %s and valid_from = %s",
                    [at, step.person_id, step.kind, before.valid_from],
                )
            _insert_link(c, link)
            if at > timezone.now():
                c.execute(
                    "insert into pending_link (person_id, kind, valid_from) values (%s, %s, %s)",
                    [step.person_id, step.kind, at],
                )
            else:
                _bring_along(c, before, link)
                _add_to_cube(c, deltas(before, link, _sex(c, step.person_id)))
    record(
        actor,
        f"enrolment.{step.business}",
        object_type="enrolment",
        object_id=link.event_id,
        person_id=step.person_id,
        before=_slim(before) if before else None,
        after=_slim(link),
    )
    return link.event_id


def activate_due(now: datetime | None = None) -> int:
    """Bring rosters, readers and head-counts along for links whose day has come. Idempotent; returns how many.

    All its people are locked first, and head-counts are written last, so that it never waits in a circle with
    somebody who changes one of them.
    """
    now = now or timezone.now()
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select person_id from pending_link where valid_from <= %s order by valid_from, person_id limit 5000",
            [now],
        )
        people_due = list({row[0] for row in c.fetchall()})
        if not people_due:
            return 0
        _lock(c, people_due)
        return _activate(c, people_due, now)


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
        _lock(c, [person_id])
        _activate(c, [person_id], now)
        holds.require_free(person_id)
        old = _links(c, person_id, kind)
        kept = [x for x in old if x.valid_from < from_at]
        if not kept and not links:
            raise IllegalStep(_("学籍不能没有任何状态, 请改用删除问题学籍的业务"))
        anchor = links[0] if links else kept[-1]
        _insert_event(
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
        new = _links(c, person_id, kind)
        sex = _sex(c, person_id)
        due = [x for x in new if x.valid_from <= now]
        _add_to_cube(
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
        _rebuild_roster(c, person_id, kind, due)
    record(
        actor,
        f"enrolment.{business}",
        object_type="enrolment",
        object_id=event_id,
        person_id=person_id,
        before={"links": [_slim(x) for x in old if x.valid_from >= from_at]},
        after={"links": [_slim(x) for x in links]},
    )
    return event_id


def correct_roster(person_id: uuid.UUID) -> None:
    """After a correction of name, sex, birth date or identity: bring present rosters and head-counts along.

    Former schools keep what they knew. Needs a transaction; called by the commands that correct.
    """
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select name, pinyin, initials, pinyin_sort, former_name, sex, birth_date, check_state"
            " from person where person_id = %s",
            [person_id],
        )
        name, pinyin, initials, sort, former, sex, birth, check = c.fetchone()
        c.execute(
            "select kind, sex from roster where person_id = %s and reason <> 'former' limit 1", [person_id]
        )
        row = c.fetchone()
        if row is not None and row[1] != sex:
            day = timezone.localdate()
            for kind in (REGISTERED, GUEST):
                # A link that is due and not yet brought along will be counted with the new sex.
                c.execute(
                    "select valid_from from pending_link where person_id = %s and kind = %s",
                    [person_id, kind],
                )
                waiting = {r[0] for r in c.fetchall()}
                links = _links(c, person_id, kind)
                due = [x for x in links if x.valid_from <= timezone.now() and x.valid_from not in waiting]
                if due:
                    at = due[-1]
                    key = (at.county_id, at.school_id, day, at.kind, at.stage, at.cohort_year)
                    _add_to_cube(
                        c,
                        Counter(
                            {
                                (*key, row[1], at.status, "correct" + LEFT): -1,
                                (*key, sex, at.status, "correct"): 1,
                            }
                        ),
                    )
        c.execute(
            "update roster set name = %s, pinyin = %s, initials = %s, pinyin_sort = %s, grams = %s, sex = %s,"
            " birth_date = %s, check_state = %s, last6 = %s, number_prefix = coalesce((select n.prefix from student_number n"
            "  where n.person_id = roster.person_id and n.state = 'current' and n.scheme = 'national'), '')"
            " where person_id = %s and reason <> 'former'",
            [
                name,
                pinyin,
                initials,
                sort,
                _grams(name, former),
                sex,
                birth,
                check,
                _last6(c, person_id),
                person_id,
            ],
        )


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
        due = [x for x in _links(c, person_id, kind) if x.valid_from <= now]
        if not due:
            raise IllegalStep(_("该生没有在籍的学籍, 不能办理这项业务"))
        _insert_event(
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


def show_checks(states: dict[uuid.UUID, str]) -> None:
    """Show on present rosters what the population register answered; one statement. In a writing role."""
    if states:
        with connection.cursor() as c:
            c.execute(
                "update roster r set check_state = v.state from unnest(%s::uuid[], %s::text[]) as v(person_id, state)"
                " where r.person_id = v.person_id and r.reason <> 'former'",
                [list(states), list(states.values())],
            )


def show_prefixes(person_ids: list[uuid.UUID]) -> None:
    """Show on present rosters which letter the numbers in force have; one statement. In a writing role."""
    if person_ids:
        with connection.cursor() as c:
            c.execute(
                "update roster r set number_prefix = n.prefix from student_number n where n.person_id = r.person_id"
                " and n.scheme = 'national' and n.state = 'current' and r.person_id = any(%s::uuid[])"
                " and r.reason <> 'former'",
                [person_ids],
            )


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


def set_open_case(person_id: uuid.UUID, number: str) -> None:
    """Show on present rosters that a case is under way (empty: none)."""
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "update roster set open_case = %s where person_id = %s and reason <> 'former'",
            [number, person_id],
        )


def set_problem(person_id: uuid.UUID, problem: bool) -> None:
    """Mark or clear a problem record on present rosters."""
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "update roster set problem = %s where person_id = %s and reason <> 'former'", [problem, person_id]
        )


def mark_problems(person_ids: list[uuid.UUID]) -> None:
    """Mark problem records of many children on present rosters; one statement. In a writing role."""
    if person_ids:
        with connection.cursor() as c:
            c.execute(
                "update roster set problem = true where person_id = any(%s::uuid[]) and reason <> 'former'",
                [person_ids],
            )


# --- the parts of a step ---------------------------------------------------------------------------------------


def _lock(c: Any, person_ids: list[uuid.UUID]) -> None:
    """Wait for whoever changes these people, in one order for all; the person's row is the lock of its chains."""
    c.execute(
        "select 1 from person where person_id = any(%s::uuid[]) order by person_id for update", [person_ids]
    )


def _activate(c: Any, person_ids: list[uuid.UUID], now: datetime) -> int:
    """What came into force for these people (locked) and was not brought along yet, each chain in its order.

    Every step does this first: a roster must not be led back to a link that a later one has followed.
    """
    c.execute(
        "delete from pending_link where person_id = any(%s::uuid[]) and valid_from <= %s"
        " returning person_id, kind, valid_from",
        [person_ids, now],
    )
    due = sorted(c.fetchall(), key=lambda row: row[2])
    counts: Counter[CubeKey] = Counter()
    for person_id, kind, valid_from in due:
        links = _links(c, person_id, kind)
        at = next((i for i, x in enumerate(links) if x.valid_from == valid_from), None)
        if at is not None:
            before = links[at - 1] if at else None
            _bring_along(c, before, links[at])
            counts.update(deltas(before, links[at], _sex(c, person_id)))
    _add_to_cube(c, counts)
    return len(due)


def _last(person_id: uuid.UUID, kind: int) -> Link | None:
    """The open link of a chain."""
    with connection.cursor() as c:
        c.execute(
            f"select {LINK_COLUMNS} from enrolment_state"
            " where person_id = %s and kind = %s and valid_to is null",
            [person_id, kind],
        )
        row = c.fetchone()
    return Link(*row) if row else None


def _moment(step: Step, before: Link | None) -> datetime:
    """When the new link begins: two effects on one day keep their order."""
    if before is None or step.at > before.valid_from:
        return step.at
    if local_day(step.at) == local_day(before.valid_from):
        return before.valid_from + timedelta(seconds=1)
    raise IllegalStep(
        _("生效日期 %(at)s 早于该生上一次变动的日期 %(before)s, 请改用更晚的日期, 或先更正上一次变动")
        % {"at": local_day(step.at), "before": local_day(before.valid_from)}
    )


def _require_transition(step: Step, from_status: int) -> None:
    with connection.cursor() as c:
        c.execute(
            "select 1 from transition where kind = %s and from_status = %s and business = %s and to_status = %s"
            " and active",
            [step.kind, from_status, step.business, step.to_status],
        )
        if c.fetchone() is None:
            raise IllegalStep(
                _("学籍状态为“%(from)s”的学生不能办理这项业务(变为“%(to)s”)")
                % {"from": Status(from_status).label, "to": Status(step.to_status).label}
            )


def _next_link(step: Step, before: Link | None, at: datetime) -> Link:
    school_id = step.school_id or (before.school_id if before else None)
    if school_id is None:
        raise IllegalStep(_("请选择学校"))
    moved = before is None or school_id != before.school_id
    class_id = step.class_id if step.class_id is not None or moved or before is None else before.class_id
    seat = step.class_seat
    stays = before is not None and class_id is not None and class_id == before.class_id
    if seat is None and before is not None and stays:
        seat = before.class_seat
    stage, cohort = step.stage, step.cohort_year
    with connection.cursor() as c:
        c.execute("select county_id from school where org_id = %s", [school_id])
        row = c.fetchone()
        if row is None:
            raise IllegalStep(_("没有这所学校"))
        county_id = row[0]
        if class_id is not None:
            c.execute("select school_id, stage, cohort_year from school_class where id = %s", [class_id])
            row = c.fetchone()
            if row is None or row[0] != school_id:
                raise IllegalStep(_("所选班级不属于该学校"))
            if (stage or row[1], cohort or row[2]) != (row[1], row[2]):
                raise IllegalStep(_("所选班级不属于该年级"))
            stage, cohort = row[1], row[2]
            if seat is None and not stays:
                hold_counts(c, {county_id, before.county_id if before else county_id})
                seat = seats.take(c, [class_id], [1])[class_id]
    stage = stage or (before.stage if before else None)
    cohort = cohort or (before.cohort_year if before else None)
    if stage is None or cohort is None:
        raise IllegalStep(_("请选择年级"))
    return Link(
        person_id=step.person_id,
        kind=step.kind,
        valid_from=at,
        valid_to=None,
        from_status=int(before.status if before else Status.NONE),
        business=step.business,
        status=int(step.to_status),
        county_id=county_id,
        school_id=school_id,
        class_id=class_id,
        stage=stage,
        cohort_year=cohort,
        class_seat=seat,
        event_id=uuid.uuid4(),
    )


def _write_events(actor: Any, step: Step, before: Link | None, link: Link) -> None:
    now = timezone.now()
    moved = before is not None and before.school_id != link.school_id
    detail = dict(step.detail)
    if moved and before is not None:
        detail |= {"from_school": before.school_id, "to_school": link.school_id, "direction": "in"}
    with connection.cursor() as c:
        _insert_event(
            c,
            actor,
            link.event_id,
            step.person_id,
            step.business,
            link.valid_from,
            now,
            link,
            case_id=step.case_id,
            article=step.article,
            reason=step.reason,
            detail=detail,
        )
        if moved and before is not None:
            _insert_event(
                c,
                actor,
                uuid.uuid4(),
                step.person_id,
                step.business,
                link.valid_from,
                now,
                before,
                case_id=step.case_id,
                article=step.article,
                reason=step.reason,
                detail=detail | {"direction": "out"},
            )


def _insert_event(
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


def _insert_link(c: Any, link: Link) -> None:
    c.execute(
        f"insert into enrolment_state ({LINK_COLUMNS}) values ({', '.join(['%s'] * 14)})",
        [getattr(link, name.strip()) for name in LINK_COLUMNS.split(",")],
    )


def _links(c: Any, person_id: uuid.UUID, kind: int) -> list[Link]:
    c.execute(
        f"select {LINK_COLUMNS} from enrolment_state where person_id = %s and kind = %s order by valid_from",
        [person_id, kind],
    )
    return [Link(*row) for row in c.fetchall()]


def _sex(c: Any, person_id: uuid.UUID) -> str:
    c.execute("select sex from person where person_id = %s", [person_id])
    return str(c.fetchone()[0])


def _grams(name: str, former: str) -> list[str]:
    return sorted(set(names.grams(name)) | (set(names.grams(former)) if former else set()))


def hold_counts(c: Any, county_ids: Iterable[int]) -> None:
    """Whoever writes head-counts of these counties waits here for the others, until the transaction ends.

    Who is going to write several times in one transaction takes all its counties at once, after its people.
    """
    c.execute(
        "select pg_advisory_xact_lock(hashtext('cube'), x.county) from"
        " (select distinct county from unnest(%s::int[]) as u(county) order by county) x",
        [list(county_ids)],
    )


def _add_to_cube(c: Any, counts: Counter[CubeKey]) -> None:
    """Rows of the cube are shared by many children: written last and in one order, nobody waits in a circle."""
    if counts:
        hold_counts(c, {key[0] for key in counts})
    for key, n in sorted(counts.items()):
        c.execute(
            "insert into cube_delta (county_id, school_id, day, kind, stage, cohort_year, sex, status, flow, n)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict (county_id, school_id, day, kind, stage, cohort_year, sex, status, flow)"
            " do update set n = cube_delta.n + excluded.n",
            [*key, n],
        )


def _bring_along(c: Any, before: Link | None, link: Link) -> None:
    """Rosters and readers for a link that is in force; the present school takes over what is under way."""
    _upsert_roster(c, link)
    if before is not None and (before.county_id, before.school_id) != (link.county_id, link.school_id):
        c.execute(
            "update roster set reason = 'former', until = %s, open_case = '', problem = false"
            " where county_id = %s and school_id = %s and person_id = %s and kind = %s",
            [link.valid_from, before.county_id, before.school_id, link.person_id, link.kind],
        )
    _rehome(c, link.person_id)


def _upsert_roster(c: Any, link: Link) -> None:
    """The present school's row; search keys come from the person, the last-six index from a row that has it."""
    c.execute("select name, former_name from person where person_id = %s", [link.person_id])
    name, former = c.fetchone()
    c.execute(
        "insert into roster (county_id, school_id, person_id, kind, reason, since, until, class_id, stage, cohort_year,"
        "  class_seat, status, name, pinyin, initials, pinyin_sort, grams, sex, birth_date, number_prefix, last6,"
        "  check_state, open_case, problem)"
        " select %(county)s, %(school)s, p.person_id, %(kind)s, %(reason)s, %(since)s, %(until)s, %(class)s, %(stage)s,"
        "  %(cohort)s, %(seat)s, %(status)s, p.name, p.pinyin, p.initials, p.pinyin_sort, %(grams)s, p.sex,"
        "  p.birth_date,"
        "  coalesce((select n.prefix from student_number n where n.person_id = p.person_id and n.state = 'current'"
        "            and n.scheme = 'national'), ''),"
        "  %(last6)s,"
        "  p.check_state,"
        "  coalesce((select r.open_case from roster r where r.person_id = p.person_id and r.open_case <> '' limit 1), ''),"
        "  coalesce((select bool_or(r.problem) from roster r where r.person_id = p.person_id), false)"
        " from person p where p.person_id = %(person)s"
        " on conflict (county_id, school_id, person_id, kind) do update set"
        "  reason = excluded.reason, until = excluded.until, class_id = excluded.class_id, stage = excluded.stage,"
        "  cohort_year = excluded.cohort_year, class_seat = excluded.class_seat, status = excluded.status,"
        "  name = excluded.name, pinyin = excluded.pinyin, initials = excluded.initials,"
        "  pinyin_sort = excluded.pinyin_sort, grams = excluded.grams, sex = excluded.sex,"
        "  birth_date = excluded.birth_date, number_prefix = excluded.number_prefix,"
        "  last6 = excluded.last6, check_state = excluded.check_state,"
        "  since = case when roster.reason = 'former' then excluded.since else roster.since end,"
        "  open_case = case when roster.reason = 'former' then excluded.open_case else roster.open_case end,"
        "  problem = case when roster.reason = 'former' then excluded.problem else roster.problem end",
        {
            "county": link.county_id,
            "school": link.school_id,
            "kind": link.kind,
            "person": link.person_id,
            "reason": _reason(link),
            "since": link.valid_from,
            "until": link.valid_from if _reason(link) == "former" else None,
            "class": link.class_id,
            "stage": link.stage,
            "cohort": link.cohort_year,
            "seat": link.class_seat,
            "status": link.status,
            "grams": _grams(name, former),
            "last6": _last6(c, link.person_id),
        },
    )


def _last6(c: Any, person_id: uuid.UUID) -> bytes | None:
    """The blind index of the last six of the identity number in force, by which lists find a child."""
    c.execute(
        "select doc_no, sealed from identity_document where person_id = %s and until is null", [person_id]
    )
    row = c.fetchone()
    if row is None:
        return None
    number = vault.open(row[1], places.document(person_id, row[0]))
    return vault.index("last6", number[-6:].upper())


def _reason(link: Link) -> str:
    """Why the school of a link sees the child; a stay as a guest that is over makes a former school."""
    if link.kind == REGISTERED:
        return "enrolled"
    return "guest" if link.is_open else "former"


def _rehome(c: Any, person_id: uuid.UUID) -> None:
    """Whoever has the child now, registered or as a guest, reads the whole record."""
    c.execute(
        "select array_agg(distinct x.org), array_agg(distinct r.class_id) filter (where r.class_id is not null)"
        " from roster r cross join lateral (values (r.county_id), (r.school_id)) as x(org)"
        " where r.person_id = %s and r.reason in ('enrolled', 'guest')",
        [person_id],
    )
    readers, klasses = c.fetchone()
    people.rehome([person_id], readers=readers or [], klasses=klasses or [])


def _rebuild_roster(c: Any, person_id: uuid.UUID, kind: int, due: list[Link]) -> None:
    """After a relink: rows of schools that no longer appear become former, the last link's row present."""
    last = due[-1] if due else None
    c.execute(
        "update roster set reason = 'former', until = coalesce(until, %s), open_case = '', problem = false"
        " where person_id = %s and kind = %s and reason <> 'former'"
        + (" and (county_id, school_id) <> (%s, %s)" if last else ""),
        [timezone.now(), person_id, kind, *((last.county_id, last.school_id) if last else ())],
    )
    if last is not None:
        _upsert_roster(c, last)
    _rehome(c, person_id)


def _slim(link: Link) -> dict[str, Any]:
    """A link for the audit: places and status, no names."""
    return {
        "from": link.valid_from.isoformat(),
        "status": link.status,
        "school": link.school_id,
        "class": link.class_id,
        "cohort": link.cohort_year,
    }


__all__ = [
    "Step",
    "activate_due",
    "apply_step",
    "correct_roster",
    "hold_counts",
    "mark_problems",
    "midnight",
    "relink",
    "set_open_case",
    "set_problem",
    "show_checks",
    "show_prefixes",
    "write_event",
    "write_events",
]
