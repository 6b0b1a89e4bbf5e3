"""Comparing records with the population register (C-DUP-06): asked in parts by the worker, each until it is answered."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import Who, record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.standards.idtypes import RESIDENT
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.people import commands as people
from xueji.registry.people import places
from xueji.registry.problems import commands as problems
from xueji.registry.problems.models import Kind

from ..errors import PopulationError, RegisterDown, RegisterWrong
from ..models import Batch, Item, ItemState, Part
from ..register import Question, Register, believed, register

SYSTEM = Who(user_id=None, user_name="系统", role="system", org_id=None)
#: Records asked about in one go.
PART = 500
#: After so many attempts a part waits for somebody to send it again.
MOST_ATTEMPTS = 12
#: A part taken up by a worker that has died is free again after this time.
_TAKEN = timedelta(minutes=5)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)


def begin(actor: Any, *, school_id: int | None = None, again: bool = False) -> Batch:
    """Have all records of the county, or of one school, compared that were not yet; `again`: mismatches too.

    For the authority, or a school for itself. Raises PermissionDenied, Http404, `PopulationError`.
    """
    actor.require("population.compare")
    if actor.org_kind == "school":
        school_id = actor.org_id
    elif actor.org_kind != "county":
        raise PopulationError(_("由学校或县级主管部门发起比对"))
    counterpart = register()
    if counterpart is None:
        raise PopulationError(_("本系统没有连接人口信息库, 请与系统管理员联系"))
    wanted = ["unchecked", "failed"] if again else ["unchecked"]
    now = timezone.now()
    with transaction.atomic():
        with acting("writer"), connection.cursor() as c:
            batch = Batch.objects.create(
                org_id=actor.org_id,
                county_id=actor.county_id,
                school_id=school_id,
                source=counterpart.name,
                creator_id=actor.user_id,
                creator_name=actor.user_name,
                created_at=now,
            )
            c.execute(
                "insert into population_item (batch_id, person_id, part_no, county_id, school_id, doc_no, state, differs,"
                "  source)"
                " select %(batch)s, r.person_id, (row_number() over (order by r.person_id) - 1) / %(size)s,"
                "  r.county_id, r.school_id, d.doc_no, 'waiting', '', ''"
                " from roster r join person p on p.person_id = r.person_id join identity_document d"
                "  on d.person_id = r.person_id and d.until is null and d.id_type = %(resident)s"
                " where r.kind = 1 and r.reason = 'enrolled' and r.status < 10 and p.merged_into is null"
                "  and p.check_state = any(%(wanted)s) and r.county_id = %(county)s"
                "  and (%(school)s::int is null or r.school_id = %(school)s)"
                "  and not exists (select 1 from population_item i where i.person_id = r.person_id"
                "    and i.state in ('waiting', 'retry'))",
                {
                    "batch": batch.pk,
                    "size": PART,
                    "resident": RESIDENT,
                    "wanted": wanted,
                    "county": actor.county_id,
                    "school": school_id,
                },
            )
            batch.total = c.rowcount
            if not batch.total:
                raise PopulationError(_("没有需要比对的学生: 都已比对, 或正在比对"))
            batch.save(force_update=True)
            Part.objects.bulk_create(
                Part(batch=batch, county_id=batch.county_id, no=no, next_try_at=now)
                for no in range((batch.total + PART - 1) // PART)
            )
        record(
            actor,
            "population.compare",
            object_type="population_batch",
            object_id=batch.pk,
            row_count=batch.total,
        )
        from ..tasks import compare

        compare.defer()
    return batch


def work_part(counterpart: Register | None = None, now: datetime | None = None) -> bool:
    """Ask about the next part that is due and keep the answer; False when nothing is due.

    Three steps, none of which waits for the register inside a transaction: the part is taken (its next try lies ahead, so
    that nobody else takes it), the register is asked with the part's key, the answers are stored. Whoever dies in between
    leaves a part that is asked again with the same key.
    """
    counterpart = counterpart or register()
    now = now or timezone.now()
    if counterpart is None:
        return False
    with transaction.atomic(), acting("writer"):
        part = (
            Part.objects.select_for_update(skip_locked=True)
            .filter(done=False, given_up=False, next_try_at__lte=now)
            .order_by("next_try_at", "pk")
            .first()
        )
        if part is None:
            return False
        part.attempts += 1
        part.next_try_at = now + _TAKEN
        part.save(force_update=True)
        questions = _questions(part)
    try:
        answers = believed(questions, counterpart.compare(str(part.key), questions)) if questions else {}
    except (RegisterDown, RegisterWrong, OSError) as error:
        _put_off(
            part, now, _("对方没有应答") if isinstance(error, RegisterDown | OSError) else _("对方的应答有误")
        )
        return True
    with transaction.atomic(), acting("writer"):
        _store(part, {ref: (a.result, a.differs) for ref, a in answers.items()}, counterpart.name, now)
    return True


def _questions(part: Part) -> list[Question]:
    """The records of a part that wait for an answer, as the register is asked; the person's key stays here."""
    with connection.cursor() as c:
        c.execute(
            "select i.person_id, d.doc_no, d.sealed, p.name, p.sex, p.birth_date from population_item i"
            " join identity_document d on d.person_id = i.person_id and d.doc_no = i.doc_no"
            " join person p on p.person_id = i.person_id"
            " where i.batch_id = %s and i.part_no = %s and i.state in ('waiting', 'retry') order by i.person_id",
            [part.batch_id, part.no],
        )
        rows: list[tuple[uuid.UUID, int, bytes, str, str, date]] = c.fetchall()
    return [
        Question(_ref(part, person), vault.open(sealed, places.document(person, doc_no)), name, sex, birth)
        for person, doc_no, sealed, name, sex, birth in rows
    ]


def _ref(part: Part, person: uuid.UUID) -> str:
    """What stands for a person outside: made of the part's key, so that it means nothing to anybody else."""
    return str(uuid.uuid5(part.key, str(person)))


def _put_off(part: Part, now: datetime, trouble: str) -> None:
    """Later again, each time after twice the time; after many attempts by hand only."""
    with transaction.atomic(), acting("writer"):
        wait = min(_FIRST_WAIT * 2 ** (part.attempts - 1), _LONGEST_WAIT)
        given_up = part.attempts >= MOST_ATTEMPTS
        Part.objects.filter(pk=part.pk, done=False).update(
            next_try_at=now + wait, trouble=trouble[:200], given_up=given_up
        )
        Item.objects.filter(batch_id=part.batch_id, part_no=part.no, state=ItemState.WAITING).update(
            state=ItemState.RETRY
        )
        _finish(part.batch_id, now)


def _store(part: Part, answers: dict[str, tuple[str, str]], source: str, now: datetime) -> None:
    """Keep the answers, each once: only for records that still wait and whose paper is still the one asked about."""
    part = Part.objects.select_for_update().get(pk=part.pk)
    if part.done:
        return
    with connection.cursor() as c:
        c.execute(
            "select person_id from population_item where batch_id = %s and part_no = %s"
            " and state in ('waiting', 'retry') order by person_id",
            [part.batch_id, part.no],
        )
        waiting = [row[0] for row in c.fetchall()]
        found = {p: answers[_ref(part, p)] for p in waiting if _ref(part, p) in answers}
        results = people.record_checks(
            SYSTEM,
            {p: r for p, (r, _d) in found.items() if r != "unknown"},
            _documents(c, part, list(found)),
            source=f"{source} {part.batch_id}",
        )
        # A paper that changed meanwhile was not compared: the record is asked about anew in the next batch.
        states = {p: r if r == "unknown" or p in results else "unknown" for p, (r, _d) in found.items()}
        c.execute(
            "update population_item i set state = v.state, differs = v.differs, answered_at = %s, source = %s"
            " from unnest(%s::uuid[], %s::text[], %s::text[]) as v(person_id, state, differs)"
            " where i.batch_id = %s and i.person_id = v.person_id",
            [now, source, list(states), list(states.values()), [found[p][1] for p in states], part.batch_id],
        )
        enrolment.show_checks(results)
        part.done = len(found) == len(waiting)
        if part.done:
            part.trouble = ""
        else:  # what was left out is another question: it gets a key of its own
            part.key, part.trouble = uuid.uuid4(), _("对方漏了一部分")
            part.next_try_at = now + _FIRST_WAIT
            part.given_up = part.attempts >= MOST_ATTEMPTS
            Item.objects.filter(batch_id=part.batch_id, part_no=part.no, state=ItemState.WAITING).update(
                state=ItemState.RETRY
            )
        part.save(force_update=True)
        _finish(part.batch_id, now)


def _documents(c: Any, part: Part, person_ids: list[uuid.UUID]) -> dict[uuid.UUID, int]:
    c.execute(
        "select person_id, doc_no from population_item where batch_id = %s and person_id = any(%s::uuid[])",
        [part.batch_id, person_ids],
    )
    return dict(c.fetchall())


def _finish(batch_id: int, now: datetime) -> None:
    """Count anew; the batch is over when every part is answered, and stopped when the others were given up."""
    with connection.cursor() as c:
        c.execute(
            "update population_batch b set passed = x.passed, failed = x.failed, unknown = x.unknown,"
            "  state = case when y.open > 0 then 'running' when y.given_up > 0 then 'stopped' else 'done' end,"
            "  ended_at = case when y.open > 0 then null else %(now)s end"
            " from (select count(*) filter (where state = 'passed') as passed,"
            "   count(*) filter (where state = 'failed') as failed, count(*) filter (where state = 'unknown') as unknown"
            "   from population_item where batch_id = %(batch)s) x,"
            "  (select count(*) filter (where not done and not given_up) as open,"
            "   count(*) filter (where given_up and not done) as given_up from population_part"
            "   where batch_id = %(batch)s) y where b.id = %(batch)s",
            {"batch": batch_id, "now": now},
        )


def ask_again(actor: Any, batch_id: int) -> int:
    """Send parts again that were given up, or that wait; returns how many. Raises PermissionDenied, Http404."""
    actor.require("population.compare")
    if not Batch.objects.filter(pk=batch_id, org_id=actor.org_id).exists():
        raise Http404
    now = timezone.now()
    with transaction.atomic():
        with acting("writer"):
            n = Part.objects.filter(batch_id=batch_id, done=False).update(
                given_up=False, attempts=0, next_try_at=now
            )
            _finish(batch_id, now)
        record(actor, "population.again", object_type="population_batch", object_id=batch_id, row_count=n)
        from ..tasks import compare

        compare.defer()
    return int(n)


def record_failures(actor: Any, batch_id: int) -> int:
    """Problem records (身份证件号错误) for every mismatch of a batch that has none yet; set-based. Returns how many.

    Raises PermissionDenied, Http404.
    """
    actor.require("population.compare")
    batch = Batch.objects.filter(pk=batch_id, org_id=actor.org_id).first()
    if batch is None:
        raise Http404
    with transaction.atomic(), acting("writer"):
        failed = list(
            Item.objects.filter(batch_id=batch_id, state=ItemState.FAILED).values_list("person_id", flat=True)
        )
        n = problems.open_each(
            actor, Kind.WRONG_ID, failed, source="check", note=_("与人口信息库比对不一致, 批次 %s") % batch_id
        )
    return n


__all__ = ["ask_again", "begin", "record_failures", "work_part"]
