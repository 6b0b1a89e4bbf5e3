"""The only code that reads the timeline and the rosters for others. It runs under row-level security, but for
`has_proof`.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone

from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import class_label, grade_on
from xueji.ground.policy.statuses import Status
from xueji.ground.standards import names
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.people import queries as people

from .models import GUEST, REGISTERED
from .timeline import LINK_COLUMNS, Link, end_of, rechain

ROSTER_COLUMNS = (
    "county_id, school_id, person_id, kind, reason, since, until, class_id, stage, cohort_year, class_seat, status,"
    " name, pinyin, pinyin_sort, sex, birth_date, number_prefix, check_state, open_case, problem"
)


@dataclass(frozen=True)
class RosterRow:
    """A child as lists show it. Identity and phone are not in it; the number's prefix is."""

    county_id: int
    school_id: int
    person_id: uuid.UUID
    kind: int
    reason: str
    since: datetime
    until: datetime | None
    class_id: int | None
    stage: str
    cohort_year: int
    class_seat: int | None
    status: int
    name: str
    pinyin: str
    pinyin_sort: str
    sex: str
    birth_date: date
    number_prefix: str
    check_state: str
    open_case: str
    problem: bool
    school_name: str = ""
    class_name: str = ""
    grade_label: str = ""
    system: str = "6-3-3"

    @property
    def status_label(self) -> str:
        """Chinese word of the status; for a former school: that the child has left it."""
        return str(Status(self.status).label)

    @property
    def sex_label(self) -> str:
        """男 or 女."""
        return SEX_WORDS.get(self.sex, "")

    @property
    def former(self) -> bool:
        """Whether this is a former school's snapshot."""
        return self.reason == "former"


@dataclass(frozen=True)
class Page:
    """A page of a list by key: `next` is the key to ask for more, or empty."""

    rows: list[RosterRow]
    next: str = ""


@dataclass(frozen=True)
class Filters:
    """What a list of students can be narrowed by; None or empty: not narrowed."""

    school_id: int | None = None
    class_id: int | None = None
    status: tuple[int, ...] = ()
    stage: str | None = None
    cohort: int | None = None
    sex: str | None = None
    reasons: tuple[str, ...] = ()
    problem: bool | None = None
    persons: tuple[uuid.UUID, ...] = field(default=())


def search(
    actor: Any, text: str = "", *, filters: Filters | None = None, after: str = "", limit: int = 50
) -> Page:
    """Students in the actor's scope by one search box (C-QRY): name or part of it, pinyin, initials, the last six
    of the identity number, a whole identity or student number (old ones too). Empty text lists all.

    `after` is the `next` of the page before; `limit` at most 200.
    """
    f = filters or Filters()
    text = text.strip()
    grams = prefix = last6 = None
    persons: list[uuid.UUID] | None = list(f.persons) or None
    if text:
        kind = kind_of(text)
        if kind == "number":
            persons = people.find_by_number(actor, text)
        elif kind == "last6":
            last6 = vault.indexes("last6", text.upper())
        elif kind == "latin":
            prefix = re.sub(r"[\s'·]", "", text.lower()).replace("ü", "v")
        else:
            clean = names.normalise_name(text).value or text
            grams = [clean] if len(clean) <= 2 else [clean[i : i + 2] for i in range(len(clean) - 1)]
    after_sort, after_person = _unpack(after)
    limit = max(1, min(limit, 200))
    with connection.cursor() as c:
        c.execute(
            f"select {ROSTER_COLUMNS} from xueji_find_roster(%s::text[], %s, %s, %s::uuid[], %s, %s, %s::int[], %s, %s,"
            " %s, %s::text[], %s, %s, %s, %s)",
            [
                grams,
                prefix,
                last6,
                persons,
                f.school_id,
                f.class_id,
                list(f.status) or None,
                f.stage or None,
                f.cohort,
                f.sex or None,
                list(f.reasons) or None,
                f.problem,
                after_sort,
                after_person,
                limit + 1,
            ],
        )
        rows = [RosterRow(*r) for r in c.fetchall()]
    more = len(rows) > limit
    rows = _with_places(rows[:limit])
    return Page(rows, _pack(rows[-1]) if more and rows else "")


def get_row(actor: Any, person_id: uuid.UUID) -> RosterRow:
    """The best row of a child that the actor may see: present before former. Raises Http404 to strangers."""
    with connection.cursor() as c:
        c.execute(
            f"select {ROSTER_COLUMNS} from roster where person_id = %s"
            " order by (reason = 'enrolled') desc, (reason = 'guest') desc, since desc limit 1",
            [person_id],
        )
        row = c.fetchone()
    if row is None:
        raise Http404
    return _with_places([RosterRow(*row)])[0]


def rows_of_class(actor: Any, class_id: int) -> list[RosterRow]:
    """The present children of a class by seat and pinyin (at most 200: a class is never larger)."""
    with connection.cursor() as c:
        c.execute(
            f"select {ROSTER_COLUMNS} from roster where class_id = %s and reason <> 'former' and status < 10"
            " order by class_seat nulls last, pinyin_sort, person_id limit 200",
            [class_id],
        )
        return _with_places([RosterRow(*r) for r in c.fetchall()])


def chain(person_id: uuid.UUID, kind: int = REGISTERED) -> list[Link]:
    """The links of a child's chain that the actor may see, oldest first: all of them for whoever has the child now,
    its own period for a former school.
    """
    with connection.cursor() as c:
        c.execute(
            f"select {LINK_COLUMNS} from xueji_links_of(%s, %s) order by valid_from",
            [person_id, kind],
        )
        return [Link(*r) for r in c.fetchall()]


def chains(person_id: uuid.UUID) -> list[Link]:
    """Both chains of a child, the registered one and the stays as a guest, each oldest first, in one query."""
    with connection.cursor() as c:
        c.execute(
            f"select {LINK_COLUMNS} from xueji_links_of(%(p)s, %(own)s) union all"
            f" select {LINK_COLUMNS} from xueji_links_of(%(p)s, %(guest)s) order by kind, valid_from",
            {"p": person_id, "own": REGISTERED, "guest": GUEST},
        )
        return [Link(*r) for r in c.fetchall()]


def joined_chains(person_id: uuid.UUID) -> list[Link]:
    """The registered chains of records that were merged into this one, for whoever may read it; one query."""
    with connection.cursor() as c:
        c.execute(
            f"select {LINK_COLUMNS} from (select distinct e.person_id as joined from xueji_events_of(%(p)s) e"
            "  where e.person_id <> %(p)s) m cross join lateral xueji_links_of(m.joined, %(own)s)"
            " order by valid_from",
            {"p": person_id, "own": REGISTERED},
        )
        return [Link(*r) for r in c.fetchall()]


def current(person_id: uuid.UUID, kind: int = REGISTERED, *, now: datetime | None = None) -> Link | None:
    """The link in force now (not one that begins later)."""
    now = now or timezone.now()
    return next((x for x in reversed(chain(person_id, kind)) if x.valid_from <= now), None)


def as_of(person_id: uuid.UUID, day: date, kind: int = REGISTERED) -> Link | None:
    """The state at the end of a day."""
    end = end_of(day)
    return next((x for x in reversed(chain(person_id, kind)) if x.valid_from < end), None)


def as_known_on(person_id: uuid.UUID, known: datetime, kind: int = REGISTERED) -> list[Link]:
    """The chain as it was believed at a moment: later entries unknown, superseded links believed again."""
    with connection.cursor() as c:
        c.execute(
            f"select {LINK_COLUMNS} from enrolment_state s where s.person_id = %(p)s and s.kind = %(k)s"
            " and exists (select 1 from event e where e.person_id = s.person_id and e.event_id = s.event_id"
            "             and e.recorded_at <= %(t)s)"
            f" union all select {LINK_COLUMNS} from enrolment_superseded"
            " where person_id = %(p)s and kind = %(k)s and recorded_at <= %(t)s and superseded_at > %(t)s",
            {"p": person_id, "k": kind, "t": known},
        )
        return rechain(Link(*r) for r in c.fetchall())


@dataclass(frozen=True)
class EventRow:
    """An event as the timeline shows it."""

    event_id: uuid.UUID
    business: str
    valid_at: datetime
    recorded_at: datetime
    school_id: int
    class_id: int | None
    actor_name: str
    case_id: uuid.UUID | None
    article: str
    reason: str
    detail: dict[str, Any]
    school_name: str = ""
    person_id: uuid.UUID | None = None
    """Whose record it stands in: another's than the asked one's where that was merged into it."""


def events(person_id: uuid.UUID) -> list[EventRow]:
    """What happened to a child's record, as far as the actor may see it, newest first."""
    with connection.cursor() as c:
        c.execute(
            "select e.event_id, e.business, e.valid_at, e.recorded_at, e.school_id, e.class_id, e.actor_name,"
            " e.case_id, e.article, e.reason, e.detail, o.name, e.person_id"
            " from xueji_events_of(%s) e join org o on o.id = e.school_id"
            " order by e.valid_at desc, e.recorded_at desc, e.event_id limit 500",
            [person_id],
        )
        out = []
        for r in c.fetchall():
            row = list(r)
            if isinstance(row[10], str):
                row[10] = json.loads(row[10])
            out.append(EventRow(*row))
        return out


# --- helpers -----------------------------------------------------------------------------------------------------


def kind_of(text: str) -> str:
    """What was typed into the search box: number, last6, latin or name."""
    compact = re.sub(r"[\s-]", "", text).upper()
    if re.fullmatch(r"\d{5}[\dX]", compact):
        return "last6"
    if re.fullmatch(r"[GLJ]?\d{14,17}[\dX]?|[A-Z]{1,3}\d{6,}", compact):
        return "number"
    if re.fullmatch(r"[A-Za-zü'· ]+", text):
        return "latin"
    return "name"


def _pack(row: RosterRow) -> str:
    return f"{row.pinyin_sort}|{row.person_id}"


def _unpack(after: str) -> tuple[str | None, uuid.UUID | None]:
    sort, bar, person = after.rpartition("|")
    if not bar:
        return None, None
    try:
        return sort, uuid.UUID(person)
    except ValueError:
        return None, None


def _with_places(rows: list[RosterRow]) -> list[RosterRow]:
    """Add school, class and grade names: two queries for any number of rows."""
    if not rows:
        return rows
    today = timezone.localdate()
    with connection.cursor() as c:
        c.execute(
            "select o.id, o.name, s.system from org o join school s on s.org_id = o.id where o.id = any(%s)",
            [list({r.school_id for r in rows})],
        )
        schools = {r[0]: (r[1], r[2]) for r in c.fetchall()}
        c.execute(
            "select id, number from school_class where id = any(%s)",
            [list({r.class_id for r in rows if r.class_id})],
        )
        numbers = dict(c.fetchall())
    out = []
    for r in rows:
        name, system = schools.get(r.school_id, ("", "6-3-3"))
        grade = grade_on(r.stage, r.cohort_year, system, today)
        label = (
            class_label(r.stage, r.cohort_year, numbers[r.class_id], system, today)
            if r.class_id in numbers
            else ""
        )
        out.append(
            RosterRow(
                **{
                    **r.__dict__,
                    "school_name": name,
                    "class_name": label,
                    "grade_label": grade.label if grade else "",
                    "system": system,
                }
            )
        )
    return out


#: Purpose of a stored file that is the signed proof of a pupil without an identity number (C-COL-16).
PROOF = "no_number"


def has_proof(person_id: uuid.UUID, school_id: int) -> bool:
    """Whether a school has filed its proof that a pupil without an identity number attends.

    Asked in the writing role: the paper is the school's and the family's to read, the flag on the record goes with it
    for everybody who sees the record. Needs a transaction.
    """
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "select exists (select 1 from stored_file where person_id = %s and purpose = %s"
            " and readers @> array[%s::int])",
            [person_id, PROOF, school_id],
        )
        return bool(c.fetchone()[0])
