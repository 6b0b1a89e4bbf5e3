"""What the home pages and the pages of units and classes show, gathered from the rooms below."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.orgs.models import Org
from xueji.ground.policy import places
from xueji.ground.policy.engine import PolicySet
from xueji.ground.waiting import Ask, alone
from xueji.registry.enrolment.words import business_label


@dataclass(frozen=True)
class Heads:
    """Head-count of a class: in attendance, and all who hold a place there."""

    reading: int = 0
    all: int = 0


def heads(class_ids: Sequence[int]) -> Ask[dict[int, Heads]]:
    """Head-counts of classes, as far as the scope covers them."""
    return Ask(
        "select class_id, count(*) filter (where status = 1) as reading, count(*) as n from roster"
        " where class_id = any(%(classes)s) and reason in ('enrolled', 'guest') and status between 1 and 9"
        " group by class_id",
        {"classes": list(class_ids)},
        lambda rows: {r["class_id"]: Heads(r["reading"], r["n"]) for r in rows},
    )


def class_heads(class_ids: list[int]) -> dict[int, Heads]:
    """Head-counts of classes, as far as the scope covers them; one query."""
    return alone(heads(class_ids)) if class_ids else {}


@dataclass(frozen=True)
class ClassChange:
    """A pupil of a teacher's class whose status changed: who, what, why, from when."""

    name: str
    class_name: str
    what: str
    reason: str
    since: date


#: What a teacher of the class is told of when it takes effect (C-SUS-08).
TOLD = ("suspend", "resume", "withdraw")
TOLD_DAYS = 30


def class_changes(classes: dict[int, str]) -> list[ClassChange]:
    """Suspensions, withdrawals and returns in these classes (id: label) of the last 30 days, newest first.

    Read from the events under row-level security when they have taken effect; one query. What was undone since is
    not told any more.
    """
    if not classes:
        return []
    with connection.cursor() as c:
        c.execute(
            "select p.name, e.class_id, e.business, e.reason, (e.valid_at at time zone 'Asia/Shanghai')::date"
            " from event e join person p on p.person_id = e.person_id"
            " where e.class_id = any(%s) and e.business = any(%s) and e.valid_at <= now()"
            " and (e.valid_at at time zone 'Asia/Shanghai')::date >= %s"
            " and exists (select 1 from enrolment_state s where s.person_id = e.person_id"
            "   and s.event_id = e.event_id)"
            " order by e.valid_at desc, e.event_id limit 50",
            [list(classes), list(TOLD), today() - timedelta(days=TOLD_DAYS)],
        )
        return [
            ClassChange(name, classes[k], business_label(b), why, since)
            for name, k, b, why, since in c.fetchall()
        ]


def occupied(class_id: int) -> bool:
    """Whether anybody holds a place in a class."""
    return bool(class_heads([class_id]))


def enrolled(path: str) -> Ask[int]:
    """Registered pupils today of the schools of a subtree, from the cube; only what the scope covers."""
    return Ask(
        "select coalesce(sum(n), 0) as n from cube_delta where day <= %(day)s and kind = 1 and status between 1 and 9"
        " and school_id in (select id from org where path like %(below)s)",
        {"day": today(), "below": path.replace("%", "") + "%"},
        lambda rows: int(rows[0]["n"]),
    )


def enrolled_below(path: str) -> int:
    """Registered pupils today of the schools of a subtree; one query."""
    return alone(enrolled(path))


@dataclass(frozen=True)
class Problems:
    """Data problems of a school."""

    problem: int
    unverified: int

    def __bool__(self) -> bool:
        return bool(self.problem or self.unverified)


def problems(school_id: int) -> Ask[Problems]:
    """How many present pupils have a problem on their record, or an identity not yet verified."""
    return Ask(
        "select count(*) filter (where problem) as problem,"
        " count(*) filter (where check_state <> 'passed') as unverified"
        " from roster where school_id = %(school)s and reason in ('enrolled', 'guest') and status between 1 and 9",
        {"school": school_id},
        lambda rows: Problems(**rows[0]),
    )


def policy_for(actor: Actor, day: date | None = None) -> PolicySet:
    """The rules that hold for the actor's unit; the nation's for those who have none. One query."""
    org = Org.objects.filter(pk=actor.org_id).first() if actor.org_id else None
    return places.policy_for(org, day or today())


def windows(policy: PolicySet, day: date) -> list[dict[str, str]]:
    """The periods in which businesses are paused or open, those of now first, for the layout's banner."""
    seen: dict[str, dict[str, str]] = {}
    found = {w.id: w for pack in policy.packs for w in pack.windows if w.end >= day}
    for w in sorted(found.values(), key=lambda w: w.start):
        now = w.covers(day)
        opens = w.kind == "open"
        seen[w.id] = {
            "title": w.label,
            "state": "open" if opens and now else "soon" if opens else "closed" if now else "planned",
            "start": w.start.isoformat(),
            "end": w.end.isoformat(),
        }
    return list(seen.values())[:6]


@dataclass(frozen=True)
class SystemState:
    """What a system administrator looks after."""

    database: str
    migrations: int
    size: str
    jobs: dict[str, int]
    disk_free: str
    disk_low: bool
    keys: list[Any]
    orgs: int
    users: int


def system_state() -> SystemState:
    """Version and size of the database, jobs, keys, room on the disk; no pupil's data. Five queries."""
    from xueji.ground.crypto import keys

    with connection.cursor() as c:
        c.execute(
            "select current_setting('server_version'), pg_size_pretty(pg_database_size(current_database())),"
            " (select count(*) from org where valid_to is null), xueji_account_count()"
        )
        version, size, orgs, users = c.fetchone()
        c.execute("select status, jobs from xueji_job_counts()")
        jobs = {str(k): int(n) for k, n in c.fetchall()}
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    disk = shutil.disk_usage(settings.DATA_DIR)
    return SystemState(
        database=str(version),
        migrations=_migrations(),
        size=str(size),
        jobs=jobs,
        disk_free=f"{disk.free / 2**30:.1f} GB",
        disk_low=disk.free < 0.1 * disk.total,
        keys=keys.status(),
        orgs=int(orgs),
        users=int(users),
    )


def _migrations() -> int:
    with connection.cursor() as c:
        c.execute("select count(*) from django_migrations")
        return int(c.fetchone()[0])
