"""Everything that writes problem records: opening, a school's answer, time that passed, arbitration, words."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.roles import HEADS
from xueji.ground.audit.commands import Who, record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.orgs.models import Org
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.library import library
from xueji.ground.standards.masking import mask_identity
from xueji.registry.enrolment import commands as enrolment

from . import settle
from .errors import ProblemError
from .models import Action, Entry, Kind, Problem, Side, State

SYSTEM = Who(user_id=None, user_name="系统", role="system", org_id=None)
ORDERS = ("keep", "change", "delete")


def open_problem(
    who: Any,
    kind: str,
    persons: Sequence[uuid.UUID],
    *,
    source: str,
    note: str = "",
    id_type: str = "",
    number: str = "",
    holder: uuid.UUID | None = None,
) -> Problem:
    """Open a problem on these records (C-DUP-02), or find the open one of the same kind and the same records.

    `number` is the identity number in dispute, `holder` whose it is now. Needs a transaction; the caller has
    checked the actor's right. Raises `ProblemError` when a record has no school.
    """
    with transaction.atomic(), acting("writer"):
        persons = list(dict.fromkeys(persons))
        _lock(persons)
        if (held := _same(kind, persons)) is not None:
            return held
        rows = _places(persons)
        if len(rows) != len(persons):
            raise ProblemError(_("有学生没有在籍的学籍, 不能登记问题学籍"))
        places = [rows[person] for person in persons]
        superior = superior_of([(p["county_id"], p["county_path"]) for p in places])
        today = timezone.localdate()
        policy = _policy(superior, today)
        due = add_workdays(today, days) if (days := policy.workdays("problem.side_days")) else None
        parties = sorted({superior.pk} | {p["school_id"] for p in places} | {p["county_id"] for p in places})
        problem = Problem(
            kind=kind,
            number=_next_number(superior.division, today),
            source=source,
            note=note[:300],
            id_type=id_type if number else "",
            masked=mask_identity(number) if number else "",
            superior_id=superior.pk,
            opened_at=timezone.now(),
            opened_by=who.user_name,
            parties=parties,
        )
        if number:
            problem.sealed = vault.seal(number, f"problem_record.sealed:{problem.problem_id}")
        problem.save(force_insert=True)
        for no, (person, place) in enumerate(zip(persons, places, strict=True), 1):
            Side.objects.bulk_create(
                [
                    Side(
                        problem=problem,
                        no=no,
                        person_id=person,
                        school_id=place["school_id"],
                        county_id=place["county_id"],
                        student=place["name"],
                        since=place["since"],
                        registered_by=place["actor"],
                        holds=person == holder,
                        due_on=due,
                        parties=parties,
                    )
                ]
            )
            enrolment.set_problem(person, True)
        say(problem, who, "open", note)
    record(
        who,
        "problems.open",
        object_type="problem",
        object_id=problem.problem_id,
        after={"number": problem.number, "kind": kind, "source": source, "sides": len(persons)},
    )
    return problem


def open_each(who: Any, kind: str, persons: Sequence[uuid.UUID], *, source: str, note: str) -> int:
    """A problem of its own for each of these records that has none of this kind open (C-DUP-06); set-based, a fixed
    number of statements for each authority. Returns how many were opened. The caller has checked the right.
    """
    with transaction.atomic(), acting("writer"):
        ids = sorted(set(persons))
        _lock(ids)
        held = Side.objects.filter(person_id__in=ids, is_open=True, problem__kind=kind)
        known = set(held.values_list("person_id", flat=True))
        rows = {p: place for p, place in _places(ids).items() if p not in known}
        orgs = Org.objects.in_bulk({place["county_id"] for place in rows.values()})
        today, now = timezone.localdate(), timezone.now()
        problems: list[Problem] = []
        sides: list[Side] = []
        for county_id, county in sorted(orgs.items()):
            mine = [(p, place) for p, place in sorted(rows.items()) if place["county_id"] == county_id]
            days = _policy(county, today).workdays("problem.side_days")
            due = add_workdays(today, days) if days else None
            numbers = _next_numbers(county.division, today, len(mine))
            for number, (person, place) in zip(numbers, mine, strict=True):
                parties = sorted({county_id, place["school_id"]})
                problem = Problem(
                    kind=kind,
                    number=number,
                    source=source,
                    note=note[:300],
                    superior_id=county_id,
                    opened_at=now,
                    opened_by=who.user_name,
                    parties=parties,
                )
                problems.append(problem)
                sides.append(
                    Side(
                        problem=problem,
                        no=1,
                        person_id=person,
                        school_id=place["school_id"],
                        county_id=county_id,
                        student=place["name"],
                        since=place["since"],
                        registered_by=place["actor"],
                        holds=True,
                        due_on=due,
                        parties=parties,
                    )
                )
        Problem.objects.bulk_create(problems)
        Side.objects.bulk_create(sides)
        Entry.objects.bulk_create(
            Entry(
                problem=p,
                at=now,
                actor_name=who.user_name,
                org_id=who.org_id,
                action="open",
                text=note[:500],
                parties=p.parties,
            )
            for p in problems
        )
        enrolment.mark_problems(list(rows))
    if problems:
        record(
            who,
            "problems.open",
            object_type="problem",
            after={"kind": kind, "source": source, "first": problems[0].number, "n": len(problems)},
            row_count=len(problems),
            persons=sorted(rows),
        )
    return len(problems)


def answer(
    actor: Any,
    person_id: uuid.UUID,
    action: str,
    *,
    case_id: uuid.UUID,
    case_number: str,
    statement: str,
    evidence: Sequence[tuple[uuid.UUID, str]] = (),
) -> Problem:
    """What a school answers for its record, as its authority approved it (C-DUP-04); settles the problem if it can.

    In the transaction of the deciding case. Raises `ProblemError` when nothing is open for this record.
    """
    with transaction.atomic(), acting("writer"):
        side = pending(person_id)
        if side is None:
            raise ProblemError(_("该生没有待处理的问题学籍"))
        problem = Problem.objects.select_for_update().get(pk=side.problem_id)
        side.action, side.statement = action, statement[:300]
        side.case_id, side.case_number = case_id, case_number
        side.answered_at = timezone.now()
        side.files = [{"id": str(file_id), "name": name} for file_id, name in evidence]
        if action != Action.PROVE:
            side.holds = False
        side.save()
        if evidence:
            files.share([file_id for file_id, _name in evidence], readers=problem.parties)
        label = str(Action(action).label)
        say(
            problem,
            actor,
            "answer",
            _("%(who)s: %(what)s。%(text)s") % {"who": side.student, "what": label, "text": statement},
        )
        settle.after_answer(actor, problem)
    return problem


def arbitrate(
    actor: Any,
    problem_id: uuid.UUID,
    orders: Mapping[int, str],
    *,
    opinion: str,
    version: int | None = None,
) -> Problem:
    """The common superior decides (C-DUP-05): for each side, by its number, keep, change or delete. At most one side
    keeps a disputed number. Raises PermissionDenied, Http404, `ProblemError`.
    """
    actor.require("case.decide")
    if not Problem.objects.filter(pk=problem_id).exists():
        raise Http404
    if actor.role not in HEADS:
        raise PermissionDenied(_("仲裁由主管部门负责人决定"))
    with transaction.atomic(), acting("writer"):
        sides = list(Side.objects.filter(problem_id=problem_id).order_by("no"))
        _lock([s.person_id for s in sides])
        problem = Problem.objects.select_for_update().get(pk=problem_id)
        if problem.superior_id != actor.org_id:
            raise PermissionDenied(_("这件问题学籍由各校共同的主管部门仲裁"))
        if problem.state != State.ARBITRATING:
            raise ProblemError(_("这件问题学籍现在不需要仲裁"))
        if version is not None and version != problem.version:
            raise ProblemError(_("这件问题学籍刚有变动, 本页已更新, 请再看一遍"))
        if len(opinion.strip()) < 5:
            raise ProblemError(_("请写明仲裁的理由, 至少 5 个字"))
        if any(orders.get(s.no) not in ORDERS for s in sides):
            raise ProblemError(_("请对每一方都作出决定"))
        kept = [s for s in sides if orders[s.no] == "keep"]
        if problem.kind == Kind.SAME_ID and len(kept) > 1:
            raise ProblemError(_("一个证件号只能归一名学生, 最多保留一方"))
        trace = _policy(Org.objects.get(pk=problem.superior_id), timezone.localdate()).evaluate(
            "problem.arbitrate", _facts(problem, sides, decided=True), timezone.localdate()
        )
        if not trace.may_proceed:
            raise ProblemError("；".join(f.sentence for f in trace.stopping))
        problem.findings = [f.to_dict() for f in trace.findings]
        problem.decided_by = actor.user_name
        for side in sides:
            side.order = orders[side.no]
            side.save(update_fields=["order"])
        words = "；".join(f"{s.student}: {ORDER_WORDS[s.order]}" for s in sides)
        say(problem, actor, "arbitrate", f"{words}。{opinion.strip()}")
        settle.after_arbitration(actor, problem, sides, opinion.strip())
    record(
        actor,
        "problems.arbitrate",
        object_type="problem",
        object_id=problem.problem_id,
        after={"number": problem.number, "orders": {str(s.no): s.order for s in sides}},
    )
    return problem


def lapse_due(today: date | None = None) -> int:
    """Sides that let their time pass: the problem goes up to the common superior. Called daily; returns how many.

    A problem of one record alone has nobody to arbitrate between: it stays with its school, overdue.
    """
    today = today or timezone.localdate()
    done = 0
    with transaction.atomic(), acting("writer"):
        late = list(
            Side.objects.filter(is_open=True, answered_at=None, lapsed=False, due_on__lt=today)
            .exclude(problem__kind=Kind.WRONG_ID)
            .order_by("person_id", "id")[:500]
        )
        for side in late:
            problem = Problem.objects.select_for_update().get(pk=side.problem_id)
            if problem.state != State.OPEN:
                continue
            Side.objects.filter(pk=side.pk).update(lapsed=True)
            say(problem, SYSTEM, "lapse", _("%s 的学校没有在期限内处理") % side.student)
            settle.hand_up(SYSTEM, problem)
            done += 1
    return done


#: Working days before the end of a side's time on which all parties are reminded.
REMIND_DAYS = 3


def remind_due(today: date | None = None) -> int:
    """Sides whose time ends soon: one entry on the problem's page for all parties, once; set-based. Called hourly."""
    today = today or timezone.localdate()
    with transaction.atomic(), acting("writer"):
        soon = list(
            Side.objects.filter(
                is_open=True,
                answered_at=None,
                lapsed=False,
                due_on__gte=today,
                due_on__lte=add_workdays(today, REMIND_DAYS),
            )
            .exclude(problem__log__action="remind")
            .select_related("problem")
            .order_by("id")[:1000]
        )
        now = timezone.now()
        Entry.objects.bulk_create(
            Entry(
                problem=side.problem,
                at=now,
                actor_name=SYSTEM.user_name,
                org_id=None,
                action="remind",
                text=_("%(who)s 的学校请在 %(day)s 前处理") % {"who": side.student, "day": side.due_on},
                parties=side.problem.parties,
            )
            for side in soon
        )
    return len(soon)


def comment(actor: Any, problem_id: uuid.UUID, text: str) -> None:
    """A word to the other parties, kept with the problem. Raises Http404, `ProblemError`."""
    actor.require("case.decide")
    problem = Problem.objects.filter(pk=problem_id).first()
    if problem is None:
        raise Http404
    if not text.strip():
        raise ProblemError(_("请填写要说的话"))
    with transaction.atomic(), acting("writer"):
        say(problem, actor, "say", text.strip())
    record(actor, "problems.say", object_type="problem", object_id=problem_id)


def report(actor: Any, person_id: uuid.UUID, note: str) -> Problem:
    """A school says that the identity number of its own pupil is wrong. Raises Http404, `ProblemError`."""
    actor.require("case.start")
    with connection.cursor() as c:
        c.execute(
            "select 1 from roster where person_id = %s and school_id = %s and kind = 1 and reason = 'enrolled'",
            [person_id, actor.org_id],
        )
        if c.fetchone() is None:
            raise Http404
    if not note.strip():
        raise ProblemError(_("请写明哪里不对"))
    return open_problem(actor, Kind.WRONG_ID, [person_id], source="entry", note=note.strip())


# --- parts -----------------------------------------------------------------------------------------------------

ORDER_WORDS = {
    "keep": gettext_lazy("保留"),
    "change": gettext_lazy("由本方变更"),
    "delete": gettext_lazy("注销学籍"),
}


def pending(person_id: uuid.UUID) -> Side | None:
    """The side that still has to answer for a record, the oldest first."""
    return (
        Side.objects.filter(
            person_id=person_id,
            is_open=True,
            answered_at=None,
            problem__state__in=(State.OPEN, State.ARBITRATING),
        )
        .order_by("id")
        .select_related("problem")
        .first()
    )


def say(problem: Problem, who: Any, action: str, text: str = "") -> None:
    """One entry for all parties, in the writing role."""
    Entry.objects.bulk_create(
        [
            Entry(
                problem=problem,
                at=timezone.now(),
                actor_name=who.user_name,
                org_id=who.org_id,
                action=action,
                text=text[:500],
                parties=problem.parties,
            )
        ]
    )


def _facts(problem: Problem, sides: Sequence[Side], *, decided: bool) -> dict[str, Any]:
    return {
        "problem.kind": str(Kind(problem.kind).label),
        "case.docs": ["佐证材料"] if any(s.files for s in sides) else [],
        "judged.arbitration": decided,
    }


def _policy(unit: Org, on: date) -> PolicySet:
    packs = library()
    ids = packs.chain_of(unit.policy) if unit.policy in packs.ids() else packs.ids_for(unit.division)
    return packs.resolve(ids, on)


def _lock(persons: Sequence[uuid.UUID]) -> None:
    with connection.cursor() as c:
        c.execute(
            "select 1 from person where person_id = any(%s::uuid[]) order by person_id for update",
            [list(persons)],
        )


def _same(kind: str, persons: Sequence[uuid.UUID]) -> Problem | None:
    """The open problem of the same kind whose sides are just these records."""
    wanted = set(persons)
    for side in Side.objects.filter(person_id=persons[0], is_open=True, problem__kind=kind)[:20]:
        held = set(Side.objects.filter(problem_id=side.problem_id).values_list("person_id", flat=True))
        if held == wanted:
            return Problem.objects.get(pk=side.problem_id)
    return None


def _places(persons: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """School, authority and beginning of each record, in one query."""
    with connection.cursor() as c:
        c.execute(
            "select distinct on (e.person_id) e.person_id, e.school_id, e.county_id, k.path, p.name,"
            "  (e.valid_from at time zone 'Asia/Shanghai')::date, coalesce(v.actor_name, '')"
            " from enrolment_state e join person p on p.person_id = e.person_id join org k on k.id = e.county_id"
            " left join event v on v.person_id = e.person_id and v.event_id = e.event_id"
            " where e.person_id = any(%s::uuid[]) and e.kind = 1 and e.valid_from <= clock_timestamp()"
            " order by e.person_id, e.valid_from desc",
            [list(persons)],
        )
        keys = ("school_id", "county_id", "county_path", "name", "since", "actor")
        return {row[0]: dict(zip(keys, row[1:], strict=True)) for row in c.fetchall()}


def superior_of(counties: Sequence[tuple[int, str]]) -> Org:
    """The lowest unit that stands above all of these."""
    paths = [path.strip("/").split("/") for _pk, path in counties]
    shared = []
    for ids in zip(*paths, strict=False):
        if len(set(ids)) > 1:
            break
        shared.append(ids[0])
    if not shared:
        raise ProblemError(_("各校没有共同的主管部门, 请在两地各自的系统里处理"))
    return Org.objects.get(pk=int(shared[-1]))


def _next_number(division: str, today: date) -> str:
    return _next_numbers(division, today, 1)[0]


def _next_numbers(division: str, today: date, n: int) -> list[str]:
    run = f"WT-{today.year}-{division}"
    if not n:
        return []
    with connection.cursor() as c:
        c.execute(
            "insert into number_counter as n (scheme, run, last) values ('problem', %s, %s)"
            " on conflict (scheme, run) do update set last = n.last + excluded.last returning last",
            [run, n],
        )
        last = int(c.fetchone()[0])
    return [f"{run}-{serial:06d}" for serial in range(last - n + 1, last + 1)]
