"""Everything that writes exams and entries. Each command is one transaction: right, checks, deed, audit."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.roles import TEACHERS
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy.places import policy_for
from xueji.ground.standards.text import compact
from xueji.registry.enrolment import commands as enrolment

from . import queries, reading
from .errors import ExamError
from .models import EntryState, Exam, ExamKind, ExamState

FORMS = ("考试", "考查")
FOUND = (EntryState.CHECKED, EntryState.WRONG, EntryState.OUT)
MOST_SUBJECTS = 15
SEATS = 30


@dataclass(frozen=True)
class Plan:
    """What an authority announces. `subjects` are pairs of name and form (考试 or 考查)."""

    kind: str
    name: str
    stage: str
    cohort_year: int
    opens_on: date
    closes_on: date
    held_on: date
    subjects: Sequence[tuple[str, str]] = field(default_factory=tuple)


def announce(actor: Any, plan: Plan) -> Exam:
    """Announce an exam to all schools below (C-GRA-09). The place's rules say which subjects are 考试 and which 考查.

    Raises PermissionDenied, `ExamError` with the article.
    """
    actor.require("exam.run")
    org = Org.objects.get(pk=actor.org_id)
    name = plan.name.strip()[:60]
    if not name or plan.kind not in ExamKind.values or plan.stage not in ("P", "J", "S"):
        raise ExamError(_("请填写考试名称, 选择考试类别和学段"))
    if not plan.opens_on <= plan.closes_on < plan.held_on:
        raise ExamError(_("报名开始不能晚于报名截止, 考试日期要在报名截止以后"))
    if not 1 <= len(plan.subjects) <= MOST_SUBJECTS or len({s for s, _f in plan.subjects}) < len(
        plan.subjects
    ):
        raise ExamError(_("请填写 1 至 %s 个科目, 每行一个, 不能重复") % MOST_SUBJECTS)
    policy = policy_for(org, today())
    cited = set()
    for subject, form in plan.subjects:
        if form not in FORMS:
            raise ExamError(_("科目“%s”要写明是考试还是考查") % subject)
        trace = policy.evaluate("exam.plan", {"exam.kind": form, "exam.subject": subject}, today())
        if trace.stopping:
            raise ExamError(_("科目“%s”: ") % subject + "；".join(f.sentence for f in trace.stopping))
        cited |= {f.article for f in trace.findings}
    with transaction.atomic(), acting("writer"):
        made = Exam.objects.create(
            org_id=org.pk,
            org_path=org.path,
            org_name=org.name,
            kind=plan.kind,
            name=name,
            stage=plan.stage,
            cohort_year=plan.cohort_year,
            subjects=[list(s) for s in plan.subjects],
            opens_on=plan.opens_on,
            closes_on=plan.closes_on,
            held_on=plan.held_on,
            article="；".join(sorted(cited))[:200],
            made_by=actor.user_id,
            made_name=actor.user_name,
            made_at=timezone.now(),
        )
        record(
            actor,
            "exams.announce",
            object_type="exam",
            object_id=made.pk,
            after={"name": name, "kind": plan.kind},
        )
    return made


@contextmanager
def _held(actor: Any, exam_id: int, *states: ExamState) -> Iterator[Exam]:
    """The exam, locked, in the writing role. Raises Http404 where the actor's unit has no part, `ExamError`."""
    queries.exam(actor, exam_id)
    with transaction.atomic(), acting("writer"):
        exam = Exam.objects.select_for_update().get(pk=exam_id)
        if exam.state not in states:
            raise ExamError(_("这次考试现在是“%s”, 不能做这一步") % ExamState(exam.state).label)
        yield exam


def _in_window(exam: Exam, *, again: bool = False) -> None:
    """`again`: only pupils who came back at the seating, whom the school checks after the last day too."""
    if again and today() > exam.closes_on:
        return
    if not exam.opens_on <= today() <= exam.closes_on:
        raise ExamError(
            _("报名核对时间为 %(start)s 至 %(end)s, 现在不能修改")
            % {"start": exam.opens_on, "end": exam.closes_on}
        )


def enter(actor: Any, exam_id: int) -> int:
    """Register every pupil in attendance of the cohort whose record this school keeps; returns how many are new.

    Guests are left to the school that keeps their record (C-BOR-04). Pressed again, who came meanwhile is added, and
    who was entered by the former school comes along. Raises PermissionDenied, Http404, `ExamError`.
    """
    actor.require("exam.enter")
    with _held(actor, exam_id, ExamState.OPEN) as exam, connection.cursor() as c:
        _in_window(exam)
        c.execute(
            "insert into exam_entry as e (exam_id, person_id, county_id, school_id, class_id, name, sex, birth_date, state,"
            "  why, checked_name, ticket, marks)"
            " select %s, r.person_id, r.county_id, r.school_id, r.class_id, r.name, r.sex, r.birth_date, 'open', '', '', '',"
            "  '{}' from roster r where r.county_id = %s and r.school_id = %s and r.stage = %s and r.cohort_year = %s"
            "  and r.kind = 1 and r.reason = 'enrolled' and r.status = 1"
            " on conflict (exam_id, person_id) do update set school_id = excluded.school_id, county_id = excluded.county_id,"
            "  class_id = excluded.class_id, name = excluded.name, state = 'open', why = ''"
            "  where e.school_id <> excluded.school_id returning person_id",
            [exam.pk, actor.county_id, actor.org_id, exam.stage, exam.cohort_year],
        )
        persons = [r[0] for r in c.fetchall()]
        record(
            actor,
            "exams.enter",
            object_type="exam",
            object_id=exam_id,
            after={"entered": len(persons)},
            row_count=len(persons),
            persons=persons,
        )
    return len(persons)


def check(actor: Any, exam_id: int, entries: Iterable[int], *, how: str, why: str = "") -> int:
    """What the school found of entries: verified against the record as it is now, wrong (with what), or not taking part
    (with the reason). Returns how many were set. Whoever has an unsolved problem record or an open case is not verified.
    After the last day only who came back at the seating is checked once more.

    Raises PermissionDenied, Http404, `ExamError`.
    """
    actor.require("exam.check")
    ids, why = sorted(set(entries)), why.strip()[:200]
    if how not in FOUND:
        raise ExamError(_("请选择核对结果"))
    if how == EntryState.CHECKED:
        why = ""
    elif len(why) < 2:
        raise ExamError(_("请写明哪里有误, 或不参加的原因"))
    if not ids:
        raise ExamError(_("请先勾选学生"))
    with _held(actor, exam_id, ExamState.OPEN) as exam, connection.cursor() as c:
        classes = sorted(actor.classes) if actor.role in TEACHERS else None
        c.execute(
            "select e.id, e.person_id, e.name, coalesce(r.problem, false), coalesce(r.open_case, ''),"
            "  r.person_id is null or r.status <> 1, e.state = 'open' and e.why <> ''"
            " from exam_entry e left join roster r on r.county_id = e.county_id and r.school_id = e.school_id"
            "  and r.person_id = e.person_id and r.kind = 1 and r.reason = 'enrolled'"
            " where e.exam_id = %s and e.school_id = %s and e.id = any(%s) and (%s::int[] is null or e.class_id = any(%s))"
            " order by e.id for update of e",
            [exam.pk, actor.org_id, ids, classes, classes],
        )
        rows = c.fetchall()
        if len(rows) != len(ids):
            raise Http404
        _in_window(exam, again=all(r[6] for r in rows))
        if how == EntryState.CHECKED:
            _require_sound(rows)
        # Who is on the roster is kept as the record has it now, who left as it was.
        c.execute(
            "update exam_entry e set state = %s, why = %s, checked_name = %s, checked_at = now(),"
            "  name = coalesce(r.name, x.name), sex = coalesce(r.sex, x.sex),"
            "  birth_date = coalesce(r.birth_date, x.birth_date),"
            "  class_id = case when r.person_id is null then x.class_id else r.class_id end"
            " from exam_entry x left join roster r on r.county_id = x.county_id and r.school_id = x.school_id"
            "  and r.person_id = x.person_id and r.kind = 1 and r.reason = 'enrolled'"
            " where x.id = e.id and e.id = any(%s)",
            [how, why, actor.user_name, ids],
        )
        record(
            actor,
            "exams.check",
            object_type="exam",
            object_id=exam_id,
            after={"how": how, "why": why},
            row_count=len(ids),
            persons=[r[1] for r in rows],
        )
    return len(ids)


def _require_sound(rows: Sequence[tuple[Any, ...]]) -> None:
    lines = []
    for _id, _person, name, problem, case, gone, _back in rows:
        if gone:
            lines.append(_("%s 已不在本校在读, 请改为“不参加”") % name)
        elif problem:
            lines.append(_("%s 有问题学籍没有处理完, 处理完才能核对通过") % name)
        elif case:
            lines.append(_("%(name)s 正在办理 %(case)s, 办完才能核对通过") % {"name": name, "case": case})
    if lines:
        raise ExamError(_("有 %s 名学生不能核对通过") % len(lines), lines[:20])


def seat(actor: Any, exam_id: int) -> int:
    """Give every verified pupil a ticket number, a room and a seat, in one statement; returns how many.

    After the last day of registration only. Whose record changed after the check goes back to the school, and nobody is
    seated yet; the next time who was not verified is left out. Raises PermissionDenied, Http404, `ExamError`.
    """
    actor.require("exam.run")
    with _held(actor, exam_id, ExamState.OPEN) as exam, connection.cursor() as c:
        _own(actor, exam)
        if today() <= exam.closes_on:
            raise ExamError(_("报名核对到 %s 截止, 截止后才能编排准考证") % exam.closes_on)
        c.execute(
            "update exam_entry e set state = 'open', why = %s from exam_entry x"
            " left join roster r on r.county_id = x.county_id and r.school_id = x.school_id and r.person_id = x.person_id"
            "  and r.kind = 1 and r.reason = 'enrolled'"
            " where x.id = e.id and e.exam_id = %s and e.state = 'checked' and (r.person_id is null or r.status <> 1"
            "  or (r.name, r.sex, r.birth_date) is distinct from (e.name, e.sex, e.birth_date)) returning e.person_id",
            [_("核对后学籍信息有变动"), exam.pk],
        )
        back = [r[0] for r in c.fetchall()]
        persons = back or _seats(c, exam)
        if not back:
            exam.state, exam.seated_at = ExamState.SEATED, timezone.now()
            exam.save(update_fields=["state", "seated_at"])
        record(
            actor,
            "exams.seat",
            object_type="exam",
            object_id=exam_id,
            after={"returned": len(back)} if back else {"seated": len(persons)},
            row_count=len(persons),
            persons=persons,
        )
    if back:
        raise ExamError(
            _(
                "有 %s 名学生核对后学籍有变动, 已退回学校重新核对, 这次没有编排。再次编排时, 没有核对的学生不编排"
            )
            % len(back)
        )
    return len(persons)


def _seats(c: Any, exam: Exam) -> list[uuid.UUID]:
    # The division of the school's county, the year, the exam, a serial of the division: sixteen digits. Neighbours are
    # drawn. Rooms are numbered within the division: five digits hold its pupils, not those of a province.
    c.execute(
        "with seats as (select e.id, o.division, row_number() over (partition by o.division order by e.school_id,"
        "   md5(e.person_id::text || %(exam)s::text), e.id) as n from exam_entry e join org o on o.id = e.school_id"
        "  where e.exam_id = %(exam)s and e.state = 'checked')"
        " update exam_entry e set ticket = %(year)s || s.division || lpad((%(exam)s %% 1000)::text, 3, '0')"
        "   || lpad(s.n::text, 5, '0'), room = (s.n - 1) / %(seats)s + 1, seat = (s.n - 1) %% %(seats)s + 1"
        " from seats s where s.id = e.id returning e.person_id",
        {"exam": exam.pk, "year": f"{exam.held_on:%y}", "seats": SEATS},
    )
    persons = [r[0] for r in c.fetchall()]
    if not persons:
        raise ExamError(_("还没有核对通过的学生, 不能编排准考证"))
    return persons


def marks(actor: Any, exam_id: int, data: bytes, name: str) -> int:
    """The marks that the authority returns, by ticket and name, from a sheet; all lines or none. Returns how many pupils.

    A sheet that comes later replaces the marks of those it names. What a sheet changed stands as one event in the history
    of each pupil; the same sheet once more changes nothing.
    Raises PermissionDenied, Http404, `ExamError` with the faulty lines.
    """
    actor.require("exam.run")
    with _held(actor, exam_id, ExamState.SEATED, ExamState.DONE) as exam:
        _own(actor, exam)
        lines = reading.read(data, name, [s for s, _form in exam.subjects])
        policy = policy_for(Org.objects.get(pk=exam.org_id), today())
        faults = reading.judge(policy, dict(exam.subjects), lines, today())
        known = queries.seated(exam.pk, [line.ticket for line in lines])
        found: dict[uuid.UUID, Mapping[str, str]] = {}
        for line in lines:
            person = known.get(line.ticket)
            if person is None or compact(person[1]) != line.name:
                faults.append(
                    _("第 %(row)s 行: 准考证号和姓名对不上(%(name)s)") % {"row": line.row, "name": line.name}
                )
            elif person[0] in found:
                faults.append(_("第 %(row)s 行: 准考证号重复") % {"row": line.row})
            else:
                found[person[0]] = line.marks
        if faults:
            raise ExamError(
                _("成绩表有 %s 处不对, 没有返回任何成绩, 请改好后重新上传") % len(faults), faults[:20]
            )
        with connection.cursor() as c:
            c.execute(
                "update exam_entry e set marks = e.marks || v.marks::jsonb, marked_at = now()"
                " from unnest(%s::uuid[], %s::text[]) as v(person_id, marks)"
                " where e.exam_id = %s and e.person_id = v.person_id"
                "  and (e.marked_at is null or e.marks || v.marks::jsonb <> e.marks) returning e.person_id",
                [list(found), [reading.as_json(m) for m in found.values()], exam.pk],
            )
            changed = [r[0] for r in c.fetchall()]
        enrolment.write_events(
            actor,
            {p: uuid.uuid4() for p in changed},
            business="exam",
            at=timezone.now(),
            reason=_("%s 成绩返回") % exam.name,
            detail={"exam": exam.pk},
        )
        exam.state, exam.done_at = ExamState.DONE, timezone.now()
        exam.save(update_fields=["state", "done_at"])
        record(
            actor,
            "exams.marks",
            object_type="exam",
            object_id=exam_id,
            after={"file": name, "pupils": len(found)},
            row_count=len(found),
            persons=list(found),
        )
    return len(found)


def _own(actor: Any, exam: Exam) -> None:
    if exam.org_id != actor.org_id:
        raise Http404
