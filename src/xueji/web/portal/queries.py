"""What parents and students read: their own children, all of them at once, never a list of others.

Everything runs under row-level security in the scope of the account's own links; the actor's list of people is
asked first, so that a wrong address costs no query.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.policy.calendar import workdays_between
from xueji.ground.policy.statuses import Status
from xueji.registry.changes.kinds import KINDS
from xueji.registry.changes.models import OPEN, CaseStatus
from xueji.registry.changes.queries import FACES as CASE_FACES
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.queries import EventRow, Filters, RosterRow
from xueji.registry.enrolment.words import FACES, ICONS, business_label
from xueji.registry.people import queries as people

from .moves import Move, moves

GRAVE = frozenset({Status.MISSING, Status.DECEASED})


@dataclass(frozen=True)
class Application:
    """A case under way in words for the family: who has it, how long, whom to call. No names of staff."""

    case_id: uuid.UUID
    person_id: uuid.UUID
    title: str
    status: str
    office: str
    phone: str
    used: int
    limit: int | None
    over: int
    repair: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The page that shows every step."""
        return f"/cases/{self.case_id}/"

    @property
    def face(self) -> str:
        """Code of the status chip."""
        return CASE_FACES.get(self.status, self.status)

    @property
    def returned(self) -> bool:
        """Whether something has to be brought before it goes on."""
        return self.status == CaseStatus.RETURNED

    @property
    def sentence(self) -> str:
        """Where it is, how long it has been there and how long it may be there."""
        words = {"office": self.office, "used": self.used, "limit": self.limit}
        if self.status == CaseStatus.APPROVED:
            return _("已经批准, 到生效日期自动生效, 不用您再跑路")
        if self.status == CaseStatus.WAITING:
            return _("正在等另一项业务先办完, 办完后自动继续")
        if self.limit:
            return _("现在在%(office)s办理, 已用%(used)s个工作日, 最长%(limit)s个工作日") % words
        return _("现在在%(office)s办理, 已用%(used)s个工作日") % words


@dataclass(frozen=True)
class Child:
    """A child as the family sees it."""

    row: RosterRow
    card: people.PersonCard
    school_phone: str = ""
    school_contact: str = ""
    applications: tuple[Application, ...] = field(default=())
    moves: tuple[Move, ...] = field(default=())

    @property
    def person_id(self) -> uuid.UUID:
        """Key of the child."""
        return self.card.person_id

    @property
    def url(self) -> str:
        """The child's own page."""
        return f"/my/{self.card.person_id}/"

    @property
    def face(self) -> str:
        """Code of the status chip; of a grave status none: the family knows, and need not read the word."""
        return "" if self.row.status in GRAVE else FACES.get(self.row.status, "")

    @property
    def status_label(self) -> str:
        """The status in words, or empty."""
        return "" if self.row.status in GRAVE else self.row.status_label

    @property
    def photo_url(self) -> str:
        """Address of the photo, or empty where none would be answered."""
        if self.card.has_photo or settings.DEMO:
            return f"/people/{self.card.person_id}/photo.jpg"
        return ""

    @property
    def place(self) -> str:
        """School and class in one line."""
        return " · ".join(x for x in (self.row.school_name, self.row.class_name or self.row.grade_label) if x)

    @property
    def since(self) -> date:
        """Since when the child is at this school."""
        return timezone.localtime(self.row.since).date()

    @property
    def present(self) -> bool:
        """Whether the school still has the child: only then can it certify so."""
        return self.row.status < 10 and not self.row.former

    @property
    def to_do(self) -> tuple[Application, ...]:
        """Applications that wait for something from the family."""
        return tuple(a for a in self.applications if a.returned)


def children(actor: Any) -> list[Child]:
    """The actor's own children (a student: himself), by name; six queries for any number of them (C-ROL-05)."""
    mine = list(actor.persons)
    if not mine:
        return []
    cards = people.cards(actor, mine)
    rows: dict[uuid.UUID, RosterRow] = {}
    for row in enrolment.search(actor, filters=Filters(persons=tuple(mine)), limit=200).rows:
        known = rows.get(row.person_id)
        if known is None or _rank(row) < _rank(known):
            rows[row.person_id] = row
    offices = _offices({r.school_id for r in rows.values()})
    running, moving = applications(mine), moves(mine)
    return [
        Child(
            row,
            cards[person_id],
            *offices.get(row.school_id, ("", "")),
            applications=tuple(a for a in running if a.person_id == person_id),
            moves=tuple(m for m in moving if m.person_id == person_id),
        )
        for person_id, row in rows.items()
        if person_id in cards
    ]


def child(actor: Any, person_id: uuid.UUID) -> Child:
    """One of the actor's own children. Raises Http404 for anybody else's."""
    if person_id not in actor.persons:
        raise Http404
    found = next((x for x in children(actor) if x.person_id == person_id), None)
    if found is None:
        raise Http404
    return found


def _rank(row: RosterRow) -> int:
    """The registered enrolment before a stay as a guest, both before a former school."""
    return {"enrolled": 0, "guest": 1}.get(row.reason, 2)


def _offices(school_ids: set[int]) -> dict[int, tuple[str, str]]:
    """Phone and name of the office of each school."""
    with connection.cursor() as c:
        c.execute("select id, phone, contact from org where id = any(%s)", [list(school_ids)])
        return {r[0]: (r[1], r[2]) for r in c.fetchall()}


def applications(person_ids: list[uuid.UUID]) -> list[Application]:
    """Cases under way of these children, the newest first; one query. Drafts of a school are not shown."""
    with connection.cursor() as c:
        c.execute(
            "select c.case_id, c.person_id, c.business, c.status, o.name, o.phone, s.arrived_at, s.limit_days,"
            "  s.due_on, c.summary -> 'repair'"
            " from case_ c"
            " left join lateral (select * from case_step x where x.case_id = c.case_id"
            "   and (x.state = 'current' or c.status = 'returned' and x.state = 'returned')"
            "   order by x.seq desc limit 1) s on true"
            " left join org o on o.id = case when c.status = 'returned' then c.org_id else s.org_id end"
            " where c.person_id = any(%s::uuid[]) and c.status = any(%s)"
            " order by c.submitted_at desc, c.case_id limit 50",
            [person_ids, [str(s) for s in OPEN]],
        )
        rows = c.fetchall()
    today = timezone.localdate()
    return [_application(row, today) for row in rows]


def _application(row: tuple[Any, ...], today: date) -> Application:
    case_id, person_id, business, status, office, phone, arrived, limit, due, repair = row
    kind = KINDS.get(business)
    return Application(
        case_id=case_id,
        person_id=person_id,
        title=str(kind.parent) if kind else business_label(business),
        status=status,
        office=office or "",
        phone=phone or "",
        used=max(workdays_between(timezone.localtime(arrived).date(), today), 0) if arrived else 0,
        limit=limit,
        over=max(workdays_between(due, today), 1)
        if due and due < today and status == CaseStatus.RUNNING
        else 0,
        repair=tuple(str(x) for x in _listed(repair)),
    )


def _listed(value: Any) -> list[Any]:
    """A JSON list, whether the driver has read it already or not."""
    if isinstance(value, str):
        value = json.loads(value)
    return list(value) if isinstance(value, list) else []


def happenings(person_id: uuid.UUID) -> list[dict[str, Any]]:
    """What was decided about the record, in plain words and without names of staff, newest first."""
    events = enrolment.events(person_id)
    names = _school_names(events)
    today = timezone.localdate()
    out: list[dict[str, Any]] = []
    seen: set[tuple[str, datetime]] = set()
    for e in events:
        if e.detail.get("direction"):
            # A move is one entry at each of the two schools; the family reads it once.
            if (e.business, e.valid_at) in seen:
                continue
            seen.add((e.business, e.valid_at))
        day = timezone.localtime(e.valid_at).date()
        out.append(
            {
                "at": day.isoformat(),
                "title": str(KINDS[e.business].parent) if _quiet(e.business) else business_label(e.business),
                "text": "" if _quiet(e.business) else _plain(e, names),
                "icon": ICONS.get(e.business, "timeline-event"),
                "future": day > today,
                "number": "" if _quiet(e.business) else e.article,
            }
        )
    return out


def _quiet(business: str) -> bool:
    return business in KINDS and KINDS[business].quiet


def _school_names(events: list[EventRow]) -> dict[int, str]:
    ids = {
        e.detail[k] for e in events for k in ("from_school", "to_school") if isinstance(e.detail.get(k), int)
    }
    if not ids:
        return {}
    with connection.cursor() as c:
        c.execute("select id, name from org where id = any(%s)", [list(ids)])
        return dict(c.fetchall())


def _plain(e: EventRow, names: dict[int, str]) -> str:
    """One event in a sentence for the family."""
    school = {"school": e.school_name}
    if e.detail.get("direction"):
        return _("从%(a)s转到%(b)s") % {
            "a": names.get(e.detail.get("from_school", 0), ""),
            "b": names.get(e.detail.get("to_school", 0), ""),
        }
    match e.business:
        case "enrol":
            return _("在%(school)s建立学籍") % school
        case "suspend":
            return _("经批准休学, 学籍保留在%(school)s") % school
        case "resume":
            return _("回到%(school)s上学") % school
        case "graduate":
            return _("从%(school)s毕业") % school
        case "change_class":
            return _("在%(school)s调整了班级") % school
        case "correct_key":
            return _("更正了登记的姓名、证件号、性别或出生日期")
        case _:
            return e.school_name
