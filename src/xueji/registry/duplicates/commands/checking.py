"""Looking for duplicates, and what is said of a suspicion: two children, or a problem record (C-DUP-02, C-DUP-04)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.standards.identity import normalise_identity
from xueji.ground.standards.names import normalise_name
from xueji.ground.standards.pinyin import pinyin_of
from xueji.registry.people import queries as people
from xueji.registry.problems import commands as problems
from xueji.registry.problems.errors import ProblemError
from xueji.registry.problems.models import Kind, Problem

from .. import similar
from ..errors import DuplicatesError
from ..models import Pair, PairState, Run, RunState

#: Records looked at in one transaction: the more, the less each costs; 5,000 take a quarter of a second.
CHUNK = 5000
#: A check that nobody has worked on for so long is taken up again.
_STALE = timedelta(minutes=10)


@dataclass(frozen=True)
class Hit:
    """A record that a child may have already: seen by the asker (`person_id`), or only where it is."""

    person_id: uuid.UUID | None
    school: str
    phone: str
    score: int
    words: str


def check_one(actor: Any, *, name: str, sex: str, birth: date | None, number: str = "") -> list[Hit]:
    """Before a child is entered: who has this identity number, or name, sex and birth date like these, in the whole
    installation. Outside of the asker's scope the answer is the school and its telephone. Audited before the answer.

    Raises PermissionDenied, `DuplicatesError` when there is nothing to look for.
    """
    actor.require("duplicate.check")
    value, clean = normalise_identity(number), normalise_name(name).value
    if not value and not (clean and birth and sex):
        raise DuplicatesError(_("请填写证件号码, 或者姓名、性别和出生日期"))
    with transaction.atomic(), acting("writer"):
        found: dict[uuid.UUID, tuple[int, tuple[str, ...]]] = {}
        if clean and birth and sex:
            for hit in similar.search_one(clean, pinyin_of(clean).full, sex, birth):
                found[hit.other] = (hit.score, hit.reasons)
        if value:
            for person, reason in people.find_everywhere(value):
                _score, reasons = found.get(person, (0, ()))
                found[person] = (100, (reason, *reasons))
        places = _schools(list(found))
    with connection.cursor() as c:
        c.execute("select person_id from person where person_id = any(%s::uuid[])", [list(found)])
        seen = {row[0] for row in c.fetchall()}
    record(
        actor,
        "duplicates.check",
        object_type="search",
        after={"found": len(found)},
        row_count=len(found),
        persons=list(found),
    )
    hits = []
    for person, (score, reasons) in found.items():
        school, phone = places.get(person, (_("不在任何学校"), ""))
        if person in seen:
            hits.append(Hit(person, school, phone, score, similar.in_words(reasons)))
        else:  # how near a guess came would tell the day of birth of a child out of scope
            exact = [r for r in reasons if r in ("same_number", "old_number")]
            words = similar.in_words(exact) or _("姓名、性别、出生日期相同或相近")
            hits.append(Hit(None, school, phone, 100 if exact else 0, words))
    return sorted(hits, key=lambda h: -h.score)


def start_run(actor: Any) -> Run:
    """Check every record of the own school or county against the whole database, in the background.

    Raises PermissionDenied, `DuplicatesError` while one is under way.
    """
    actor.require("duplicate.check")
    if actor.org_kind not in ("school", "county"):
        raise PermissionDenied(_("由学校或县级主管部门发起查重"))
    run = Run(
        org_id=actor.org_id,
        county_id=actor.county_id,
        creator_id=actor.user_id,
        creator_name=actor.user_name,
        assignment_id=actor.assignment_id,
    )
    with transaction.atomic():
        with acting("writer"):
            with connection.cursor() as c:
                c.execute(f"select count(*) {_TARGETS}", _targets(run))
                run.total = c.fetchone()[0]
            try:
                with transaction.atomic():
                    run.save(force_insert=True)
            except IntegrityError as error:
                raise DuplicatesError(_("已经有一次查重正在进行, 完成后再发起")) from error
        record(
            actor, "duplicates.run", object_type="duplicate_run", object_id=run.pk, after={"total": run.total}
        )
        from ..tasks import work_through

        work_through.defer(run_id=run.pk)
    return run


_TARGETS = (
    "from roster r where r.kind = 1 and r.reason = 'enrolled' and r.status < 10"
    " and (r.school_id = %(org)s or r.county_id = %(org)s)"
)


def _targets(run: Run) -> dict[str, Any]:
    return {"org": run.org_id}


def work_off(run_id: int) -> bool:
    """The next records of a check, in one transaction; False when there are none left. A crash loses nothing: the
    cursor is stored with the pairs found, and two workers never take the same part.
    """
    with transaction.atomic(), acting("writer"):
        run = Run.objects.select_for_update(skip_locked=True).filter(pk=run_id).first()
        if run is None or run.state not in (RunState.QUEUED, RunState.RUNNING):
            return False
        with connection.cursor() as c:
            c.execute(
                f"select r.person_id {_TARGETS} and (%(cursor)s::uuid is null or r.person_id > %(cursor)s::uuid)"
                " order by r.person_id limit %(n)s",
                _targets(run) | {"cursor": run.cursor, "n": CHUNK},
            )
            ids = [row[0] for row in c.fetchall()]
        if ids:
            run.found += _store(similar.search(ids))
            run.cursor, run.done, run.state = ids[-1], run.done + len(ids), RunState.RUNNING
        if len(ids) < CHUNK:
            run.state, run.ended_at = RunState.DONE, timezone.now()
        run.save(force_update=True)
    return bool(len(ids) == CHUNK)


def keep_likely(person_ids: Sequence[uuid.UUID]) -> int:
    """Suspicions about records just made, or of which a key fact just changed: all schools concerned find them in their
    list, whatever the school that made the record has said of them. Returns how many are new.

    In the writing role, inside the transaction of the deed; a fixed number of statements.
    """
    return _store(similar.search(person_ids))


def resume() -> int:
    """Checks that a stopped worker left behind go on. Called by the clock; returns how many."""
    with transaction.atomic(), acting("writer"):
        left = list(
            Run.objects.filter(
                state__in=[RunState.QUEUED, RunState.RUNNING], touched_at__lt=timezone.now() - _STALE
            ).values_list("pk", flat=True)[:10]
        )
    for run_id in left:
        work_off(run_id)
    return len(left)


#: The unit above both is the last that the paths of both authorities share; of one school it is the school.
_KEEP = """
insert into duplicate_pair (first, second, first_school, first_county, second_school, second_county, superior_id, parties,
  score, reasons, state, found_at, proof, decided_by)
select v.first, v.second, a.school_id, a.county_id, b.school_id, b.county_id, s.id,
       array(select distinct unnest(array[a.school_id, a.county_id, b.school_id, b.county_id, s.id]) order by 1),
       v.score, v.reasons::text[], 'new', now(), '', ''
  from unnest(%s::uuid[], %s::uuid[], %s::int[], %s::text[]) as v(first, second, score, reasons)
  join enrolment_state a on a.person_id = v.first and a.kind = 1 and a.valid_to is null
  join enrolment_state b on b.person_id = v.second and b.kind = 1 and b.valid_to is null
  join org k on k.id = a.county_id
  join org l on l.id = b.county_id
 cross join lateral (select case when a.school_id = b.school_id then a.school_id else coalesce((
    select x.id::int from unnest(string_to_array(trim(both '/' from k.path), '/')) with ordinality x(id, n)
      join unnest(string_to_array(trim(both '/' from l.path), '/')) with ordinality y(id, n) on x.n = y.n and x.id = y.id
     order by x.n desc limit 1), 0) end as id) s
    on conflict do nothing
"""


def _store(found: list[similar.Found]) -> int:
    """Keep new suspicions, in one statement; decided pairs stay decided. Returns how many are new."""
    with connection.cursor() as c:
        c.execute(
            _KEEP,
            [
                [f.one for f in found],
                [f.other for f in found],
                [f.score for f in found],
                [f"{{{','.join(f.reasons)}}}" for f in found],
            ],
        )
        return max(c.rowcount, 0)


def _schools(person_ids: list[uuid.UUID]) -> dict[uuid.UUID, tuple[str, str]]:
    with connection.cursor() as c:
        c.execute(
            "select e.person_id, o.name, coalesce(o.phone, '') from enrolment_state e join org o on o.id = e.school_id"
            " where e.person_id = any(%s::uuid[]) and e.kind = 1 and e.valid_to is null",
            [person_ids],
        )
        return {row[0]: (row[1], row[2]) for row in c.fetchall()}


def decide_different(actor: Any, pair_id: int, proof: str) -> Pair:
    """They are two children (佐证): kept with the pair, and not asked about again. For the unit above both.

    Raises Http404, PermissionDenied, `DuplicatesError`.
    """
    actor.require("duplicate.check")
    pair = _mine(actor, pair_id)
    if pair.superior_id != actor.org_id:
        raise PermissionDenied(_("由两份档案共同的学校或主管部门认定"))
    if len(proof.strip()) < 5:
        raise DuplicatesError(_("请写明不是同一人的依据, 至少 5 个字"))
    with transaction.atomic(), acting("writer"):
        pair = Pair.objects.select_for_update().get(pk=pair_id)
        if pair.state != PairState.NEW:
            raise DuplicatesError(_("这一对刚有人处理过, 本页已更新"))
        pair.state, pair.proof = PairState.DIFFERENT, proof.strip()[:300]
        pair.decided_by, pair.decided_at = actor.user_name[:60], timezone.now()
        pair.save(force_update=True)
    _note(actor, "duplicates.different", pair)
    return pair


def open_problem(actor: Any, pair_id: int) -> Problem:
    """Open a problem record of both schools. For a school of the pair or an authority above one of them.

    Raises Http404, PermissionDenied, `DuplicatesError`.
    """
    actor.require("case.decide" if actor.org_kind != "school" else "case.start")
    pair = _mine(actor, pair_id)
    with transaction.atomic(), acting("writer"):
        pair = Pair.objects.select_for_update().get(pk=pair_id)
        if pair.state != PairState.NEW:
            raise DuplicatesError(_("这一对刚有人处理过, 本页已更新"))
        try:
            problem = problems.open_problem(
                actor,
                Kind.SAME_PERSON,
                [pair.first, pair.second],
                source="check",
                note=_("查重: %s") % similar.in_words(pair.reasons),
            )
        except ProblemError as error:
            raise DuplicatesError(str(error)) from error
        pair.state, pair.problem_id = PairState.PROBLEM, problem.problem_id
        pair.save(force_update=True)
    _note(actor, "duplicates.problem", pair)
    return problem


def _mine(actor: Any, pair_id: int) -> Pair:
    """The pair as the actor's unit sees it. Raises Http404."""
    pair = Pair.objects.filter(pk=pair_id).first()
    if pair is None:
        raise Http404
    return pair


def _note(actor: Any, action: str, pair: Pair) -> None:
    record(
        actor,
        action,
        object_type="duplicate_pair",
        object_id=pair.pk,
        persons=[pair.first, pair.second],
        after={"state": str(pair.state), "score": pair.score},
    )
