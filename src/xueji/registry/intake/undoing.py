"""What of a published batch may be taken back: rows of the last day that nothing else has touched. Reads only.

'Touched' is closed by default: a row in any table that names a person, but for those that publication itself writes,
counts. A room that comes later needs to say nothing here.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.standards.codes import read_rows
from xueji.registry.enrolment import holds
from xueji.registry.enrolment.words import business_label

#: How long after its publication a row may be taken back.
WINDOW = timedelta(hours=24)
WORK = "undo_work"
#: Written by the publication itself; what happened to these rows later is looked at in them (`_CHANGED`).
WRITTEN = frozenset(
    {
        "person", "person_profile", "guardian", "identity_document", "identity_lookup", "student_number",
        "number_lookup", "event", "enrolment_state", "roster",
    }
)  # fmt: skip
#: Entries about looks, and rows that wait to be loaded: they touch nothing.
PASSIVE = frozenset({"audit_entry", "audit_queued", "staged_row", "takeover_row", "population_item"})
#: Whoever changes a row writes it anew: it then bears another transaction than the event that came with it.
_CHANGED = ("person", "person_profile", "guardian", "identity_document", "student_number")


@dataclass(frozen=True)
class Touched:
    """A child of the batch that stays, and why."""

    row_no: int
    person_id: uuid.UUID
    name: str
    why: str


@dataclass
class Undoable:
    """What of a batch can be taken back now."""

    free: list[uuid.UUID] = field(default_factory=list)
    touched: list[Touched] = field(default_factory=list)
    until: datetime | None = None

    @property
    def n(self) -> int:
        """How many rows can be taken back."""
        return len(self.free)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why rows stay, most frequent first."""
        return Counter(t.why for t in self.touched).most_common()


def look(batch_id: int, now: datetime, *, lock: bool = False) -> Undoable:
    """Rows of the batch on record, sorted into those that may be taken back and those that stay, in a fixed number of
    statements. In the role `writer`; `lock` holds the children until the transaction ends.
    """
    out = Undoable()
    with connection.cursor() as c:
        c.execute(
            f"create temp table {WORK} on commit drop as select e.person_id, e.event_id, e.recorded_at,"
            "  (e.detail->>'row')::int as row_no, e.xmin::text as written, s.business, s.from_status, s.event_id as last,"
            "  p.name, p.merged_into"
            " from event e join person p on p.person_id = e.person_id"
            " left join enrolment_state s on s.person_id = e.person_id and s.kind = 1 and s.valid_to is null"
            " where e.batch_id = %s and e.business = 'enrol' and s.business is distinct from 'undo'",
            [batch_id],
        )
        if not c.rowcount:
            c.execute(f"drop table {WORK}")
            return out
        c.execute(f"analyze {WORK}")
        if lock:
            c.execute(
                f"select 1 from person p where p.person_id in (select person_id from {WORK})"
                " order by p.person_id for update"
            )
        c.execute(f"select row_no, person_id, name, recorded_at from {WORK} order by row_no")
        rows = c.fetchall()
        why: dict[uuid.UUID, str] = {}
        for person, word in _touches(c):
            why.setdefault(person, word)
        c.execute(f"drop table {WORK}")
    for person, held in holds.reasons([r[1] for r in rows]).items():
        why.setdefault(person, held)
    limit = now - WINDOW
    for row_no, person, name, recorded in rows:
        if recorded <= limit:
            why[person] = _("发布已超过24小时")
        if person in why:
            out.touched.append(Touched(row_no, person, name, why[person]))
        else:
            out.free.append(person)
            out.until = min(out.until or recorded + WINDOW, recorded + WINDOW)
    return out


def _touches(c: Any) -> list[tuple[uuid.UUID, str]]:
    """(child, what happened to it), the most telling first."""
    found: list[tuple[uuid.UUID, str]] = []
    c.execute(
        "select x.person_id, x.business, x.actor_name from event x join"
        f" {WORK} w on w.person_id = x.person_id and x.event_id <> w.event_id order by x.recorded_at desc"
    )
    for person, business, actor in c.fetchall():
        text = _("已办理“%(what)s”(%(who)s)") % {"what": business_label(business), "who": actor}
        found.append((person, text if actor else _("已办理“%s”") % business_label(business)))
    c.execute(
        f"select w.person_id from {WORK} w where w.last is distinct from w.event_id or w.merged_into is not null"
    )
    found += [(person, _("学籍已有变动")) for (person,) in c.fetchall()]
    c.execute(
        f"select r.person_id, r.open_case, r.problem from roster r join {WORK} w on w.person_id = r.person_id"
        " where r.open_case <> '' or r.problem"
    )
    found += [
        (person, _("有在办业务 %s") % case if case else _("有待处理的问题学籍"))
        for person, case, _problem in c.fetchall()
    ]
    changed = " union all ".join(
        f"select x.person_id from {table} x join {WORK} w on w.person_id = x.person_id where x.xmin::text <> w.written"
        for table in _CHANGED
    )
    c.execute(changed)
    found += [(person, _("信息已有修改")) for (person,) in c.fetchall()]
    tables = other_tables(c)
    if tables:
        c.execute(
            " union all ".join(
                f"select distinct x.person_id, '{table}' from \"{table}\" x"
                f" join {WORK} w on w.person_id = x.person_id"
                for table in tables
            )
        )
        found += [(person, _("已有%s记录") % _word(table)) for person, table in c.fetchall()]
    return found


def other_tables(c: Any) -> list[str]:
    """Tables that name a person and that the publication of a batch does not write."""
    c.execute(
        "select t.relname from pg_class t join pg_attribute a on a.attrelid = t.oid and a.attname = 'person_id'"
        " and not a.attisdropped and a.atttypid = 'uuid'::regtype"
        " where t.relkind = 'r' and t.relnamespace = 'public'::regnamespace and t.relpersistence <> 't'"
        "   and t.relname <> all(%s) and has_table_privilege(t.oid, 'select') order by 1",
        [sorted(WRITTEN | PASSIVE)],
    )
    return [name for (name,) in c.fetchall()]


@lru_cache(maxsize=1)
def _words() -> dict[str, str]:
    return {table: line["name"] for line in read_rows("data_classes.csv") for table in line["tables"].split()}


def _word(table: str) -> str:
    """What a table holds, as the list of data classes calls it."""
    return "“" + _words().get(table, table) + "”"


def names(touched: Sequence[Touched], limit: int = 10) -> str:
    """The first of them in words."""
    shown = "、".join(_("第%(row)s行 %(name)s") % {"row": t.row_no, "name": t.name} for t in touched[:limit])
    return shown + (_(" 等") if len(touched) > limit else "")
