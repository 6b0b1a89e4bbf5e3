"""One child's step: the present state is closed, the next one opened, everything that follows is written with it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.policy.statuses import Status

from .. import holds, seats
from ..errors import IllegalStep, RecordChanged
from ..timeline import Link, Step, deltas, local_day
from .chains import insert_link, last_link, lock, sex_of, slim
from .due import activate
from .events import insert_event
from .headcount import add_to_cube, hold_counts
from .roster import bring_along


def apply_step(actor: Any, step: Step, *, expected: uuid.UUID | None = None) -> uuid.UUID:
    """Close the child's present state and open the next (C-CHG); returns the key of the event.

    `expected` is the last event that the decision was based on. A step dated later than now is written as the
    next link at once; rosters and head-counts follow on its day. Needs a transaction; the caller has checked the
    actor's right and the place's rules. Raises `RecordChanged`, `IllegalStep`.
    """
    with transaction.atomic(), acting("writer"):
        with connection.cursor() as c:
            lock(c, [step.person_id])
            activate(c, [step.person_id], timezone.now())
        holds.require_free(step.person_id)
        before = last_link(step.person_id, step.kind)
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
            insert_link(c, link)
            if at > timezone.now():
                c.execute(
                    "insert into pending_link (person_id, kind, valid_from) values (%s, %s, %s)",
                    [step.person_id, step.kind, at],
                )
            else:
                bring_along(c, before, link)
                add_to_cube(c, deltas(before, link, sex_of(c, step.person_id)))
    record(
        actor,
        f"enrolment.{step.business}",
        object_type="enrolment",
        object_id=link.event_id,
        person_id=step.person_id,
        before=slim(before) if before else None,
        after=slim(link),
    )
    return link.event_id


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
        insert_event(
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
            insert_event(
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
