"""Transfers to and from another province's system (跨省转学) in words for the family: where, since when, what next.

Only this side is told: the units that decide here and the name of the other school. Opinions and names of staff are
not, and nothing of how the other side works.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.policy.calendar import workdays_between
from xueji.registry.relay.models import ENDED, LIVE, Side, State
from xueji.registry.relay.page import face_of

#: For so long a transfer that has ended is still told.
AFTERWARDS = timedelta(days=60)
MOST = 20


@dataclass(frozen=True)
class Move:
    """One transfer as the family reads it."""

    person_id: uuid.UUID
    leaving: bool
    state: str
    own_school: str
    other_school: str
    office: str
    phone: str
    since: date
    due_on: date | None
    limit: int | None
    following: str
    effective_on: date | None

    @property
    def face(self) -> tuple[str, str]:
        """Tone and icon of the state."""
        return face_of(self.state)

    @property
    def word(self) -> str:
        """The state in a word."""
        return str(State(self.state).label)

    @property
    def live(self) -> bool:
        """Whether it is under way."""
        return self.state in LIVE

    @property
    def used(self) -> int:
        """Working days in the present hands."""
        return max(workdays_between(self.since, timezone.localdate()), 0)

    @property
    def over(self) -> int:
        """Working days over its time where it lies."""
        today = timezone.localdate()
        if self.state != State.RUNNING or self.due_on is None or self.due_on >= today:
            return 0
        return max(workdays_between(self.due_on, today), 1)

    @property
    def where(self) -> str:
        """Where it is, or how it ended."""
        words = {
            "office": self.office,
            "used": self.used,
            "limit": self.limit,
            "own": self.own_school,
            "other": self.other_school,
            "day": self.effective_on.isoformat() if self.effective_on else "",
        }
        match self.state:
            case State.RUNNING if self.limit:
                return _("现在在%(office)s办理, 已用%(used)s个工作日, 最长%(limit)s个工作日") % words
            case State.RUNNING:
                return _("现在在%(office)s办理, 已用%(used)s个工作日") % words
            case State.RETURNED:
                text = _("材料要修改, 现在在%(other)s") if self.leaving else _("材料要修改, 现在在%(own)s")
                return text % words
            case State.AWAY:
                return _("这边已经同意, 现在由%(other)s和它的主管部门办理") % words
            case State.MOVING:
                return _("两边都已经同意, 系统正在移交学籍, 不用您再跑路")
            case State.DONE:
                text = (
                    _("办好了, 自%(day)s起转到%(other)s")
                    if self.leaving
                    else _("办好了, 自%(day)s起在%(own)s就读")
                )
                return text % words
            case State.REFUSED:
                return _("没有通过, 学籍没有变动。原因请问学校")
            case State.FAILED:
                return _("学籍没有移交成功, 没有变动。请联系学校")
        return _("转入学校不再办理这件申请, 学籍没有变动")

    @property
    def then(self) -> str:
        """What comes next; empty when nothing does."""
        words = {"next": self.following, "own": self.own_school, "other": self.other_school}
        match self.state:
            case State.RUNNING if self.following:
                return _("下一步到%(next)s办理") % words
            case State.RUNNING if self.leaving:
                return _("同意后, 学籍自动移交给%(other)s") % words
            case State.RUNNING:
                return _("同意后, 转到%(other)s办理") % words
            case State.RETURNED:
                return _("改好后接着办理, 不用重新申请")
            case State.AWAY:
                return _("对方同意后, 学籍自动移交给%(own)s") % words
        return ""


def moves(person_ids: list[uuid.UUID]) -> list[Move]:
    """Transfers of these children that are under way or ended lately, the newest first; one query."""
    with connection.cursor() as c:
        c.execute(
            "select c.person_id, c.side, c.state, own.name, c.other_school, s.org_name, coalesce(o.phone, own.phone),"
            "  case when c.state = 'running' then s.arrived_at end, c.ended_at, c.changed_at, s.due_on, s.limit_days,"
            "  n.org_name, c.effective_on"
            " from relay_case c join org own on own.id = c.org_id"
            " left join relay_step s on s.case_id = c.case_id and s.own and s.state = 'current'"
            " left join org o on o.id = s.org_id"
            " left join lateral (select x.org_name from relay_step x where x.case_id = c.case_id and x.own"
            "   and x.seq > s.seq and x.org_id <> s.org_id order by x.seq limit 1) n on true"
            " where c.person_id = any(%s::uuid[])"
            "   and (c.state = any(%s) or c.state = any(%s) and c.ended_at >= %s)"
            " order by c.changed_at desc, c.case_id limit %s",
            [
                person_ids,
                [str(s) for s in LIVE],
                [str(s) for s in ENDED if s != State.UNKNOWN],
                timezone.now() - AFTERWARDS,
                MOST,
            ],
        )
        rows = c.fetchall()
    return [
        Move(
            person_id=person,
            leaving=side == Side.OUT,
            state=state,
            own_school=own,
            other_school=other,
            office=office or own,
            phone=phone or "",
            since=_day(arrived or ended or changed),
            due_on=due,
            limit=limit,
            following=following or "",
            effective_on=effective,
        )
        for (
            person, side, state, own, other, office, phone, arrived, ended, changed, due, limit, following, effective,
        ) in rows
    ]  # fmt: skip


def _day(at: datetime) -> date:
    return timezone.localtime(at).date()
