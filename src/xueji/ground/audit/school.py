"""What the head of a school reads of the audit: who looked at the own pupils, and what the own staff read.

The same entries as the audit administrator's, narrowed by the database (sql/school.sql) to one school's pupils and staff
and to reading (个人信息保护法 51(3); 未成年人网络保护条例 36). Pupils are named: they are the head's own.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.http import Http404
from django.utils import timezone

from xueji.ground.orgs import queries as orgs

from . import queries, watch, words
from .commands import flush, record
from .models import VERDICTS

if TYPE_CHECKING:
    from xueji.ground.accounts.actor import Actor

PERMISSION = "audit.school"
#: The longest period of one page, in days, and the one that is shown unasked.
LONGEST, USUAL = 31, 7
EARLIEST = date(2000, 1, 1)
PAGE = 50
#: Findings stand above the list for so many days.
FINDINGS_DAYS, FINDINGS_MOST = 30, 20
READING = ("look", "search", "reveal", "print", "export")


@dataclass(frozen=True)
class Period:
    """From the first day to the last one, both included."""

    since: date
    until: date

    @property
    def moments(self) -> list[datetime]:
        """Its beginning and the beginning of the day after it."""
        return [
            timezone.make_aware(datetime.combine(d, time.min))
            for d in (self.since, self.until + timedelta(days=1))
        ]


def period(since: date | None, until: date | None, today: date | None = None) -> Period:
    """The period asked for, cut to the longest; the last week where nothing was asked."""
    today = today or timezone.localdate()
    # A day before anything can have been entered, or one to come, would leave the calendar in the sums below.
    since, until = (min(max(d, EARLIEST), today) if d else None for d in (since, until))
    last = until or (min(since + timedelta(days=LONGEST - 1), today) if since else today)
    first = since or last - timedelta(days=USUAL - 1)
    return Period(min(max(first, last - timedelta(days=LONGEST - 1)), last), last)


@dataclass(frozen=True)
class Line:
    """One look. `name` is empty where it concerned several pupils or nobody of the school."""

    id: int
    at: datetime
    user_id: int | None
    user_name: str
    role_label: str
    org_name: str
    outside: bool
    what: str
    kind_label: str
    purpose: str
    person_id: uuid.UUID | None
    name: str
    many: int


@dataclass(frozen=True)
class Reader:
    """Somebody who read, with his figures of the period."""

    user_id: int
    user_name: str
    role_label: str
    org_name: str
    outside: bool
    pupils: int
    looks: int
    reveals: int
    outs: int
    night: int
    last_at: datetime
    unusual: bool


@dataclass(frozen=True)
class Read:
    """A pupil, and how often the record was opened in the period."""

    person_id: uuid.UUID
    name: str
    class_label: str
    looks: int
    readers: int
    outside: int
    last_at: datetime | None


@dataclass(frozen=True)
class Unusual:
    """A finding of the watch about somebody of the own staff."""

    day: date
    user_id: int
    user_name: str
    role_label: str
    sentence: str
    verdict: str

    @property
    def word(self) -> str:
        """What the audit administrator found, in a word; empty while nobody looked into it."""
        return str(dict(VERDICTS).get(self.verdict, ""))


@dataclass(frozen=True)
class Page:
    """A page of lines; `after` is the key that continues it, empty at the end."""

    rows: list[Any] = field(default_factory=list)
    after: str = ""


def lines(
    actor: Actor, span: Period, *, user: int | None = None, person: uuid.UUID | None = None, after: str = ""
) -> Page:
    """Looks by time, newest first; entered. Raises PermissionDenied; Http404 for a key that is none."""
    school = _school(actor)
    before, before_id = _key(after, datetime.fromisoformat, int)
    if before is not None and before.tzinfo is None:
        raise Http404
    flush()
    found = _ask(
        "xueji_school_looks",
        [
            school,
            *span.moments,
            _of(queries.occurring(), *READING),
            user,
            person,
            before,
            before_id,
            PAGE + 1,
        ],
    )
    page = [
        Line(
            id=r["id"],
            at=r["at"],
            user_id=r["user_id"],
            user_name=r["user_name"] or "",
            role_label=words.role(r["role"]),
            org_name=r["org_name"] or "",
            outside=r["org_id"] != school,
            what=words.action(r["action"]),
            kind_label=str(words.KINDS[words.kind(r["action"])]),
            purpose=_purpose(r["purpose"]),
            person_id=r["person_id"],
            name=r["name"] or "",
            many=r["many"],
        )
        for r in found[:PAGE]
    ]
    _enter(actor, span, {"user": user, "person": person}, page, [x.person_id for x in page if x.person_id])
    more = f"{page[-1].at.isoformat()}_{page[-1].id}" if len(found) > PAGE else ""
    return Page(page, more)


def readers(actor: Actor, span: Period, *, after: str = "") -> Page:
    """Who read, most pupils first, marked where the watch found something in the period; entered."""
    school = _school(actor)
    before, before_user = _key(after, int, int)
    flush()
    actions = queries.occurring()
    found = _ask(
        "xueji_school_readers",
        [
            school, *span.moments, _of(actions, *READING), _of(actions, "reveal"), _of(actions, "print", "export"), before,
            before_user, PAGE + 1,
        ],
    )  # fmt: skip
    odd = {f["user_id"] for f in _findings(school, span.since, 500) if f["day"] <= span.until}
    page = [
        Reader(
            user_id=r["user_id"],
            user_name=r["user_name"] or "",
            role_label=words.role(r["role"]),
            org_name=r["org_name"] or "",
            outside=r["org_id"] != school,
            pupils=r["pupils"],
            looks=r["looks"],
            reveals=r["reveals"],
            outs=r["outs"],
            night=r["night"],
            last_at=r["last_at"],
            unusual=r["user_id"] in odd,
        )
        for r in found[:PAGE]
    ]
    _enter(actor, span, {"by": "user"}, page, [])
    return Page(page, f"{page[-1].pupils}_{page[-1].user_id}" if len(found) > PAGE else "")


def read(actor: Actor, span: Period, *, name: str = "", after: str = "") -> Page:
    """Pupils whose records were opened, the most first; with a name's beginning those pupils, opened or not; entered."""
    school = _school(actor)
    before, before_person = _key(after, int, uuid.UUID)
    flush()
    found = _ask(
        "xueji_school_read",
        [
            school,
            *span.moments,
            _of(queries.occurring(), *READING),
            " ".join(name.split())[:30],
            before,
            before_person,
            PAGE + 1,
        ],
    )
    labels = dict(orgs.class_choices(actor))
    page = [
        Read(
            person_id=r["person_id"],
            name=r["name"],
            class_label=labels.get(r["class_id"], ""),
            looks=r["looks"],
            readers=r["readers"],
            outside=r["outside"],
            last_at=r["last_at"],
        )
        for r in found[:PAGE]
    ]
    _enter(actor, span, {"by": "person"}, page, [x.person_id for x in page])
    return Page(page, f"{page[-1].looks}_{page[-1].person_id}" if len(found) > PAGE else "")


def unusual(actor: Actor, today: date | None = None) -> list[Unusual]:
    """What the watch found about the own staff in the last month, newest first."""
    school = _school(actor)
    since = (today or timezone.localdate()) - timedelta(days=FINDINGS_DAYS)
    return [
        Unusual(
            day=r["day"],
            user_id=r["user_id"],
            user_name=r["user_name"],
            role_label=words.role(r["role"]),
            sentence=watch.sentence(r["rule"], json.loads(r["figures"])),
            verdict=r["verdict"],
        )
        for r in _findings(school, since, FINDINGS_MOST)
    ]


def _purpose(text: str) -> str:
    """A purpose in words: rooms that look a pupil up for a business keep its code."""
    return words.business_words(text) if text.isascii() and text.isidentifier() else text


def _school(actor: Actor) -> int:
    actor.require(PERMISSION)
    if actor.org_kind != "school" or actor.org_id is None:
        raise Http404
    return actor.org_id


def _findings(school: int, since: date, limit: int) -> list[dict[str, Any]]:
    return _ask("xueji_school_findings", [school, since, limit])


def _of(actions: list[str], *kinds: str) -> list[str]:
    return [a for a in actions if words.kind(a) in kinds]


_TYPES = {
    "xueji_school_looks": "int timestamptz timestamptz text[] bigint uuid timestamptz bigint int",
    "xueji_school_readers": "int timestamptz timestamptz text[] text[] text[] int bigint int",
    "xueji_school_read": "int timestamptz timestamptz text[] text int uuid int",
    "xueji_school_findings": "int date int",
}


def _ask(function: str, values: list[Any]) -> list[dict[str, Any]]:
    marks = ", ".join(f"%s::{t}" for t in _TYPES[function].split())
    with connection.cursor() as c:
        c.execute(f"select * from {function}({marks})", values)
        names = [d.name for d in c.description]
        return [dict(zip(names, row, strict=True)) for row in c.fetchall()]


def _key(after: str, *kinds: Any) -> tuple[Any, ...]:
    """The parts of a page's key; nothing of an empty one."""
    if not after:
        return (None,) * len(kinds)
    parts = after.split("_")
    try:
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except ValueError as error:
        raise Http404 from error


def _enter(
    actor: Actor, span: Period, asked: dict[str, Any], page: list[Any], persons: list[uuid.UUID]
) -> None:
    said = {"since": str(span.since), "until": str(span.until)} | {k: str(v) for k, v in asked.items() if v}
    record(
        actor,
        "audit.school.search",
        object_type="search",
        after=said,
        row_count=len(page),
        persons=persons or None,
    )
