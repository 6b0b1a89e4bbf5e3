"""What is kept longer than needed: due rows by class and unit, and what stops their disposal (C-SEC-05).

Each class has one statement that finds what is due, as `key, unit, day, child, file`. Nothing of the record itself
has a statement here: what is not in `FINDERS` cannot be disposed of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import Role as DbRole
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy import places
from xueji.ground.policy.library import library
from xueji.ground.policy.model import Retention
from xueji.ground.policy.values import Duration

from . import terms


@dataclass(frozen=True)
class Finder:
    """`find` selects key (text), unit, day, person, file of what ended before %(cutoff)s; `key` is what `remove` takes."""

    find: str
    remove: tuple[str, ...]
    role: DbRole = "writer"


_ENDED_CASE = "c.status in ('refused', 'withdrawn', 'cancelled') and c.ended_at < %(cutoff)s"
FINDERS: dict[str, Finder] = {
    "case_paper": Finder(
        "select f.id::text, c.org_id, c.ended_at::date, c.person_id, f.file_id from case_file f join case_ c"
        f" using (case_id) where {_ENDED_CASE} and c.org_id = any(%(orgs)s)"
        " and not exists (select 1 from case_file g join case_ d using (case_id) where g.file_id = f.file_id"
        f" and g.id <> f.id and not (d.status in ('refused', 'withdrawn', 'cancelled')))",
        ("delete from case_file where id = any(%(keys)s::bigint[])",),
    ),
    "draft": Finder(
        "select c.case_id::text, c.org_id, c.created_at::date, c.person_id, null::uuid from case_ c"
        " where c.status = 'draft' and c.number is null and c.created_at < %(cutoff)s and c.org_id = any(%(orgs)s)"
        " and not exists (select 1 from case_log l where l.case_id = c.case_id and l.at >= %(cutoff)s)"
        " and not exists (select 1 from case_file f where f.case_id = c.case_id)",
        (
            "delete from case_seat where case_id = any(%(keys)s::uuid[])",
            "delete from case_log where case_id = any(%(keys)s::uuid[])",
            "delete from case_step where case_id = any(%(keys)s::uuid[])",
            "delete from case_ where case_id = any(%(keys)s::uuid[]) and status = 'draft' and number is null",
        ),
    ),
    "staging": Finder(
        "select s.batch_id || ':' || s.row_no, b.school_id, coalesce(b.published_at, b.created_at)::date, s.person_id,"
        " null::uuid from staged_row s join import_batch b on b.id = s.batch_id where b.school_id = any(%(orgs)s)"
        " and b.state in ('published', 'discarded', 'failed', 'checked', 'uploaded')"
        " and coalesce(b.published_at, b.checked_at, b.created_at) < %(cutoff)s"
        " union all select 't' || s.takeover_id || ':' || s.row_no, t.school_id,"
        " coalesce(t.published_at, t.created_at)::date, s.person_id, null::uuid from takeover_row s"
        " join takeover t on t.id = s.takeover_id where t.school_id = any(%(orgs)s)"
        " and coalesce(t.published_at, t.created_at) < %(cutoff)s",
        (
            "delete from staged_row where (batch_id || ':' || row_no) = any(%(keys)s)",
            "delete from takeover_row where ('t' || takeover_id || ':' || row_no) = any(%(keys)s)",
        ),
        "intake",
    ),
    "upload": Finder(
        "select f.id::text, b.school_id, coalesce(b.published_at, b.created_at)::date, null::uuid, f.id"
        " from import_batch b join stored_file f on f.id = b.file_id where b.school_id = any(%(orgs)s)"
        " and b.state in ('published', 'discarded', 'failed', 'checked', 'uploaded')"
        " and coalesce(b.published_at, b.checked_at, b.created_at) < %(cutoff)s"
        " union all select f.id::text, t.school_id, coalesce(t.published_at, t.created_at)::date, null::uuid, f.id"
        " from takeover t join stored_file f on f.id in (t.roster_file, t.moves_file) where t.school_id = any(%(orgs)s)"
        " and coalesce(t.published_at, t.created_at) < %(cutoff)s"
        " union all select f.id::text, p.school_id, p.made_at::date, null::uuid, f.id from offline_package p"
        " join stored_file f on f.id = p.base_file where p.school_id = any(%(orgs)s) and p.made_at < %(cutoff)s"
        " union all select f.id::text, b.school_id, b.at::date, null::uuid, f.id from offline_handback b"
        " join stored_file f on f.id = b.file_id where b.school_id = any(%(orgs)s) and b.at < %(cutoff)s",
        (
            "update import_batch set file_id = null where file_id = any(%(keys)s::uuid[])",
            "update takeover set roster_file = null where roster_file = any(%(keys)s::uuid[])",
            "update takeover set moves_file = null where moves_file = any(%(keys)s::uuid[])",
            "update offline_package set base_file = null where base_file = any(%(keys)s::uuid[])",
            "update offline_handback set file_id = null where file_id = any(%(keys)s::uuid[])",
        ),
    ),
    "photo_old": Finder(
        "select f.id::text, p.org, f.created_at::date, f.person_id, f.id from stored_file f"
        " cross join lateral (select r.school_id as org from roster r where r.person_id = f.person_id"
        " and r.reason <> 'former' order by r.school_id limit 1) p where f.purpose = 'photo'"
        " and f.created_at < %(cutoff)s and p.org = any(%(orgs)s)"
        " and not exists (select 1 from person_photo x where x.file_id = f.id)"
        " and not exists (select 1 from case_file x where x.file_id = f.id)",
        (),
    ),
    "family_request": Finder(
        "select r.id::text, r.school_id, coalesce(r.appeal_replied_at, r.replied_at)::date, r.person_id, null::uuid"
        " from family_request r where r.state in ('done', 'refused', 'upheld', 'dismissed')"
        " and coalesce(r.appeal_replied_at, r.replied_at) < %(cutoff)s and r.school_id = any(%(orgs)s)",
        ("delete from family_request where id = any(%(keys)s::bigint[])",),
    ),
    "invitation": Finder(
        "select i.id::text, i.school_id, coalesce(i.used_at::date, i.ended_at::date, i.expires_on), i.person_id,"
        " null::uuid from invitation i where coalesce(i.used_at::date, i.ended_at::date, i.expires_on) < %(cutoff)s"
        " and i.school_id = any(%(orgs)s)",
        ("delete from invitation where id = any(%(keys)s::bigint[])",),
    ),
    "complaint": Finder(
        "select p.id::text, p.org_id, p.answered_at::date, null::uuid, null::uuid from privacy_complaint p"
        " where p.state = 'answered' and p.answered_at < %(cutoff)s and p.org_id = any(%(orgs)s)",
        ("delete from privacy_complaint where id = any(%(keys)s::uuid[])",),
    ),
    "session": Finder(
        "select s.session_key, null::int, s.seen_at::date, null::uuid, null::uuid from user_session s"
        " where s.seen_at < %(cutoff)s",
        (
            "delete from user_session where session_key = any(%(keys)s)",
            "delete from django_session where session_key = any(%(keys)s)",
        ),
    ),
    "login_failure": Finder(
        "select l.id::text, null::int, l.at::date, null::uuid, null::uuid from login_failure l where l.at < %(cutoff)s",
        ("delete from login_failure where id = any(%(keys)s::bigint[])",),
    ),
    "relay_message": Finder(
        "select m.kind || m.id, null::int, m.ended_at::date, null::uuid, null::uuid from ("
        "select 'o' as kind, id, ended_at from relay_out where sealed is null and state = 'sent'"
        " union all select 'i', id, ended_at from relay_in where sealed is null and state = 'done') m"
        " where m.ended_at < %(cutoff)s",
        (
            "delete from relay_out where ('o' || id) = any(%(keys)s) and sealed is null",
            "delete from relay_in where ('i' || id) = any(%(keys)s) and sealed is null",
        ),
    ),
    "job": Finder(
        "select j.id::text, null::int, e.at::date, null::uuid, null::uuid from procrastinate_jobs j"
        " cross join lateral (select max(at) as at from procrastinate_events v where v.job_id = j.id) e"
        " where j.status in ('succeeded', 'failed', 'cancelled', 'aborted') and e.at < %(cutoff)s",
        ("delete from procrastinate_jobs where id = any(%(keys)s::bigint[])",),
    ),
    "lookup": Finder(
        "select l.kind || l.id, null::int, l.at::date, null::uuid, null::uuid from ("
        "select 'c' as kind, id, at from case_lookup union all select 'r', id, at from relay_lookup) l"
        " where l.at < %(cutoff)s",
        (
            "delete from case_lookup where ('c' || id) = any(%(keys)s)",
            "delete from relay_lookup where ('r' || id) = any(%(keys)s)",
        ),
    ),
}

#: What a unit's place keeps for longer is not due yet: (unit, day) of the units with a line of their own, 0 for what
#: belongs to no unit.
_DUE = """
  select x.* from (%s) x (key, unit, day, person, file)
   where not exists (select 1 from unnest(%%(later_units)s::int[], %%(later_days)s::date[]) w(unit, cutoff)
                      where w.unit = coalesce(x.unit, 0) and x.day >= w.cutoff)
"""

#: What stops a disposal: a hold on the unit or one above, on the class or on the child; a case, a dispute or an incident
#: that is not over.
_FREE = """
  left join org u on u.id = d.unit
  where not exists (select 1 from privacy_hold h where h.ended_at is null
                       and (strpos(u.path, '/' || h.org_id || '/') > 0 or h.org_id = any(%(above)s))
                       and h.kind in ('', %(kind)s) and (h.person_id is null or h.person_id = d.person))
    and (d.person is null or not (
        exists (select 1 from case_ c where c.person_id = d.person
                   and c.status in ('running', 'returned', 'waiting', 'approved'))
        or exists (select 1 from problem_side s where s.person_id = d.person and s.is_open)))
    and not exists (select 1 from privacy_incident i where i.closed_at is null and not i.drill
                       and (strpos(u.path, '/' || i.org_id || '/') > 0 or i.org_id = any(%(above)s)))
"""


@dataclass(frozen=True)
class Due:
    """What of a class is due for a unit; `held` of it must wait."""

    kind: terms.Class
    unit: int | None
    ready: int
    held: int
    first: date | None
    last: date | None

    @property
    def total(self) -> int:
        """Due and held together."""
        return self.ready + self.held


def units_of(actor: Any) -> list[int]:
    """The actor's own unit and those below it, closed ones as well; one query."""
    with connection.cursor() as c:
        c.execute("select id from org where path like %s order by id limit 20000", [f"{actor.org_path}%"])
        return [r[0] for r in c.fetchall()]


def above(org_path: str) -> list[int]:
    """The unit of a path and those above it."""
    return [int(part) for part in org_path.split("/") if part]


def keeps_installation(actor: Any) -> bool:
    """Whether the actor's unit answers for what belongs to no unit: the uppermost one."""
    return actor.org_path.count("/") == 2


def kinds_for(actor: Any) -> list[terms.Class]:
    """Classes that the actor's unit may dispose of."""
    return [
        k
        for k in terms.classes().values()
        if k.disposable and (not k.of_installation or keeps_installation(actor))
    ]


def due(kinds: Sequence[terms.Class], orgs: list[int], path: str, today: date) -> list[Due]:
    """What is due by class and unit, read past row-level security but for these units alone: a statement for each
    role that the classes need.
    """
    known = {k.code: k for k in kinds}
    longer = lengthened(orgs, path, today)
    out: list[Due] = []
    for role in ("writer", "intake"):
        parts: list[str] = []
        values: dict[str, Any] = {"orgs": orgs, "above": above(path)}
        for code in (c for c in known if FINDERS[c].role == role):
            units, days = _later(known[code], longer, known[code].cutoff(today))
            values |= {
                f"cutoff_{code}": known[code].cutoff(today),
                f"kind_{code}": code,
                f"later_units_{code}": units,
                f"later_days_{code}": days,
            }
            parts.append(_count(code))
        if parts:
            with acting(role), connection.cursor() as c:  # type: ignore[arg-type]
                c.execute(" union all ".join(parts) + " order by 3 desc, 1, 2 limit 500", values)
                out += [Due(known[row[0]], *row[1:]) for row in c.fetchall()]
    return sorted(out, key=lambda d: -d.ready)


def _count(code: str) -> str:
    """The statement that counts a class by unit; its parameters carry the class's name."""
    whole = (
        "(with d as ("
        + _DUE % FINDERS[code].find
        + "), f as (select d.key from d"
        + _FREE
        + ") select %(kind)s::text, d.unit, count(f.key), count(*) - count(f.key), min(d.day), max(d.day)"
        " from d left join f on f.key = d.key group by d.unit)"
    )
    for name in ("cutoff", "kind", "later_units", "later_days"):
        whole = whole.replace(f"%({name})s", f"%({name}_{code})s")
    return whole


def batch(
    kind: terms.Class, orgs: list[int], path: str, cutoff: date, limit: int
) -> list[tuple[str, date, Any]]:
    """The next rows that may go: key, day, file. Called as the class's role inside a disposal."""
    with connection.cursor() as c:
        c.execute(
            "with d as ("
            + _DUE % FINDERS[kind.code].find
            + ") select d.key, d.day, d.file from d"
            + _FREE
            + " order by d.day, d.key limit %(limit)s",
            _values(kind, orgs, path, cutoff) | {"limit": limit},
        )
        return c.fetchall()


def _values(kind: terms.Class, orgs: list[int], path: str, cutoff: date) -> dict[str, Any]:
    units, days = _later(kind, lengthened(orgs, path, timezone.localdate()), cutoff)
    return {
        "orgs": orgs,
        "above": above(path),
        "kind": kind.code,
        "cutoff": cutoff,
        "later_units": units,
        "later_days": days,
    }


def _later(
    kind: terms.Class, longer: dict[int, dict[str, int]], cutoff: date
) -> tuple[list[int], list[date]]:
    """Units that keep a class for longer, and before which day it ended there to be due when `cutoff` is the rule."""
    units = [u for u, classes in longer.items() if classes.get(kind.code, 0) > kind.term.amount]
    return units, [terms.months_before(cutoff, longer[u][kind.code] - kind.term.amount) for u in units]


def lengthened(orgs: list[int], path: str, today: date) -> dict[int, dict[str, int]]:
    """Months for which units keep a class by their place's packs: unit -> class -> months; 0 stands for what belongs to
    no unit and goes by the asking unit. No query where no pack says anything; else one.
    """
    packs = library().on(today)
    if not any(r.kind for name in packs.ids() for r in packs.pack(name).retentions):
        return {}
    own = int(path.strip("/").rpartition("/")[2] or 0)
    lines: dict[tuple[str, ...], dict[str, int]] = {}
    out: dict[int, dict[str, int]] = {}
    for org in Org.objects.filter(pk__in=[*orgs, own]).only("id", "kind", "code", "division", "policy"):
        line = places.line_for(org, packs)
        if line not in lines:
            kept = packs.resolve(line, today).lengthened()
            lines[line] = {code: Duration.parse(str(r.keep)).months for code, r in kept.items()}
        if lines[line]:
            out[org.pk] = lines[line]
    return out | ({0: out[own]} if own in out else {})


def longer_here(org_path: str, today: date) -> dict[str, Retention]:
    """The lines by which the own place keeps classes for longer, for the page."""
    org = Org.objects.filter(pk=int(org_path.strip("/").rpartition("/")[2] or 0)).first()
    return places.policy_for(org, today).lengthened()


def unit_label(unit: int | None, names: dict[int, str]) -> str:
    """A unit's name; what belongs to none belongs to the installation."""
    return names.get(unit, "") if unit is not None else _("本系统")
