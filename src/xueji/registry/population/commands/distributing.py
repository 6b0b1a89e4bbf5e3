"""The periodic distribution of formal numbers (C-NUM-06, NAT-NUM-10, NAT-NUM-11): after the start of a term every record
that still has a temporary number is looked at once, gets G or J where it may, and stands in the school's list with the
result. A temporary number that stays keeps every right (NAT-NUM-16).
"""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import Who, record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.standards.idtypes import RESIDENT
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.people import commands as people

from ..errors import PopulationError
from ..models import Batch, BatchState, Distribution, Given

#: Records looked at in one transaction.
CHUNK = 1000
_STALE = timedelta(minutes=10)
#: Why a record keeps its temporary number.
HELD = ("problem", "duplicate", "unchecked", "failed", "taken")

_TARGETS = (
    "from roster r join org o on o.id = r.school_id"
    " where r.kind = 1 and r.reason = 'enrolled' and r.status < 10 and r.number_prefix = 'L' and o.path like %(path)s"
)


def term_of(day: date) -> str:
    """The term in which a day lies, as lists call it."""
    if day.month >= 8 or day.month == 1:
        return f"{day.year if day.month >= 8 else day.year - 1}年秋季学期"
    return f"{day.year}年春季学期"


def start(actor: Any) -> Distribution:
    """Begin a distribution for all schools of the county, city or province of the actor, in the background.

    Raises PermissionDenied, `PopulationError` while one is under way, while a comparison has not ended, or for nobody.
    """
    actor.require("number.distribute")
    if actor.org_kind not in ("county", "city", "province"):
        raise PermissionDenied(_("由主管部门下发学籍号"))
    if Batch.objects.filter(state=BatchState.RUNNING).exists():
        raise PopulationError(_("还有身份比对没有完成, 完成后再下发, 以免漏掉刚比对一致的学生"))
    now, unit = timezone.now(), Org.objects.get(pk=actor.org_id)
    row = Distribution(
        org_id=unit.pk,
        term=term_of(timezone.localdate()),
        creator_id=actor.user_id,
        creator_name=actor.user_name,
        assignment_id=actor.assignment_id,
        created_at=now,
    )
    with transaction.atomic():
        with acting("writer"):
            with connection.cursor() as c:
                c.execute(f"select count(*) {_TARGETS}", {"path": unit.path + "%"})
                row.total = c.fetchone()[0]
                if not row.total:
                    raise PopulationError(_("没有持临时学籍号的学生"))
                row.number = _next_number(c, unit.division)
            try:
                with transaction.atomic():
                    row.save(force_insert=True)
            except IntegrityError as error:
                raise PopulationError(_("上一次下发还没有完成")) from error
        record(
            actor,
            "population.distribute",
            object_type="number_distribution",
            object_id=row.pk,
            after={"number": row.number, "total": row.total},
        )
        from ..tasks import distribute

        distribute.defer(distribution_id=row.pk)
    return row


def work_off(distribution_id: int) -> bool:
    """The next records of a distribution, in one transaction with a fixed number of statements; False at the end.

    The distribution's row is the lock: of two workers one goes on. Whoever dies leaves nothing half: numbers, lines and
    the cursor are stored together.
    """
    with transaction.atomic(), acting("writer"):
        row = Distribution.objects.select_for_update(skip_locked=True).filter(pk=distribution_id).first()
        if row is None or row.state != BatchState.RUNNING:
            return False
        unit = Org.objects.get(pk=row.org_id)
        with connection.cursor() as c:
            c.execute(
                f"select r.person_id, r.county_id, r.school_id, o.division {_TARGETS}"
                " and (%(cursor)s::uuid is null or r.person_id > %(cursor)s::uuid) order by r.person_id limit %(n)s",
                {"path": unit.path + "%", "cursor": row.cursor, "n": CHUNK},
            )
            found = {r[0]: (r[1], r[2], r[3]) for r in c.fetchall()}
            if found:
                _give(c, row, found)
                row.cursor, row.done = max(found), row.done + len(found)
        if len(found) < CHUNK:
            row.state, row.ended_at = BatchState.DONE, timezone.now()
        row.save(force_update=True)
    return bool(len(found) == CHUNK)


def _give(c: Any, row: Distribution, found: dict[uuid.UUID, tuple[int, int, str]]) -> None:
    now, ids = timezone.now(), sorted(found)
    who = Who(user_id=row.creator_id, user_name=row.creator_name, role="system", org_id=row.org_id)
    c.execute("select 1 from person where person_id = any(%s::uuid[]) order by person_id for update", [ids])
    c.execute(
        "select p.person_id, p.birth_date, p.check_state, d.id_type, d.doc_no, d.sealed, n.prefix,"
        "  exists (select 1 from problem_side s where s.person_id = p.person_id and s.is_open),"
        "  exists (select 1 from duplicate_pair x where (x.first = p.person_id or x.second = p.person_id)"
        "          and x.state in ('new', 'problem'))"
        " from person p left join identity_document d on d.person_id = p.person_id and d.until is null"
        " join student_number n on n.person_id = p.person_id and n.scheme = 'national' and n.state = 'current'"
        " where p.person_id = any(%s::uuid[]) and p.merged_into is null",
        [ids],
    )
    results: dict[uuid.UUID, str] = {}
    draws: list[people.Draw] = []
    for person, birth, check, id_type, doc_no, sealed, prefix, problem, twin in c.fetchall():
        if prefix != "L":
            continue  # given by a case since the list was read
        results[person] = _why_held(id_type, check, problem, twin)
        if results[person] in ("G", "J"):
            draws.append(
                people.Draw(
                    person,
                    results[person],
                    doc_no=doc_no,
                    sealed=sealed,
                    division=found[person][2],
                    birth_date=birth,
                )
            )
    events = {d.person_id: uuid.uuid4() for d in draws}
    given = people.make_formal(who, draws, at=now, event_ids=events, source=row.number)
    enrolment.write_events(
        who,
        {person: events[person] for person in given},
        business="number",
        at=now,
        reason=_("定期下发正式学籍号 %s") % row.number,
        detail={"distribution": row.number},
    )
    for d in draws:
        if d.person_id not in given:
            results[d.person_id] = "taken"
    enrolment.show_prefixes(list(given))
    Given.objects.bulk_create(
        Given(
            distribution=row,
            person_id=person,
            county_id=found[person][0],
            school_id=found[person][1],
            result=result,
            number_no=given.get(person),
        )
        for person, result in sorted(results.items())
    )
    letters = list(results.values())
    row.formal += letters.count("G")
    row.without_id += letters.count("J")
    row.held += len(letters) - letters.count("G") - letters.count("J")


def _why_held(id_type: str | None, check: str, problem: bool, twin: bool) -> str:
    """G or J, or why the record keeps L: the duplicate check must be clean for both, the comparison passed for G."""
    if problem:
        return "problem"
    if twin:
        return "duplicate"
    if id_type != RESIDENT:
        return "J"
    return "G" if check == "passed" else "failed" if check == "failed" else "unchecked"


def resume() -> int:
    """Distributions that a stopped worker left behind go on. Called by the clock; returns how many."""
    with transaction.atomic(), acting("writer"):
        left = list(
            Distribution.objects.filter(
                state=BatchState.RUNNING, touched_at__lt=timezone.now() - _STALE
            ).values_list("pk", flat=True)[:10]
        )
    for pk in left:
        work_off(pk)
    return len(left)


def _next_number(c: Any, division: str) -> str:
    run = f"XF-{timezone.localdate().year}-{division}"
    c.execute(
        "insert into number_counter as n (scheme, run, last) values ('distribution', %s, 1)"
        " on conflict (scheme, run) do update set last = n.last + 1 returning last",
        [run],
    )
    return f"{run}-{c.fetchone()[0]:04d}"
