"""A school prepares a list: begins it, has it checked, states facts, sets single results with their reasons."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import School
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.policy.statuses import Status
from xueji.registry.changes.errors import CaseError

from .. import facts, listing, readiness
from ..errors import YearlyError
from ..models import OPEN, GraduationList, ListKind, ListStatus
from ._base import editable, need_words, note, opened, own, require_status, save

#: Working days for a list whose day of effect is today.
USUAL_DAYS = 10


def create(
    actor: Any, *, stage: str, cohort_year: int, effective_on: date | None = None, due_on: date | None = None
) -> GraduationList:
    """Begin the list of a cohort in its last year, or of one whose years are over (C-GRA-01); it is checked at once.

    A list that is being prepared is taken up again; after one that took effect the next is a supplementary list.
    Raises PermissionDenied, `YearlyError`.
    """
    actor.require("case.start")
    today = timezone.localdate()
    school = _school(actor)
    if stage not in school.stages:
        raise YearlyError(_("本校没有这个学段"))
    end = facts.ends_on(stage, cohort_year, school.system)
    effective_on = effective_on or max(today, end)
    if start_year_of(min(today, effective_on)) < end.year - 1 or cohort_year < today.year - 20:
        raise YearlyError(_("%s级还没有到毕业年级, 不能编制毕业名册") % cohort_year)
    _check_days(effective_on, due_on, today)
    with transaction.atomic(), acting("writer"):
        with connection.cursor() as c:
            c.execute("select pg_advisory_xact_lock(7310020, %s)", [actor.org_id])
        before = list(
            GraduationList.objects.filter(
                school_id=actor.org_id, stage=stage, cohort_year=cohort_year,
                kind__in=[ListKind.FINISH, ListKind.SUPPLEMENT],
            )
        )  # fmt: skip
        running = next((x for x in before if x.status in OPEN), None)
        if running is not None:
            return running
        kind = ListKind.SUPPLEMENT if any(x.status == ListStatus.DONE for x in before) else ListKind.FINISH
        return _begin(actor, school, kind, stage, cohort_year, effective_on, due_on, "", None)


def create_undo(
    actor: Any, *, list_id: uuid.UUID, person_ids: Sequence[uuid.UUID] | None, reason: str
) -> GraduationList:
    """Begin the roll-back (毕业回退) of a list that took effect, of all its children or of some (`person_ids`).

    Raises PermissionDenied, Http404, `YearlyError`.
    """
    actor.require("case.start")
    return _from_list(
        actor, list_id, ListKind.UNDO, person_ids, reason, (ListStatus.DONE, ListStatus.APPROVED)
    )


def create_exchange(
    actor: Any, *, list_id: uuid.UUID, person_ids: Sequence[uuid.UUID] | None, reason: str
) -> GraduationList:
    """Begin a list that gives 毕业 in place of 结业 after make-up examinations (C-GRA-10).

    Raises PermissionDenied, Http404, `YearlyError`.
    """
    actor.require("case.start")
    return _from_list(actor, list_id, ListKind.EXCHANGE, person_ids, reason, (ListStatus.DONE,))


def _from_list(
    actor: Any,
    list_id: uuid.UUID,
    kind: ListKind,
    person_ids: Sequence[uuid.UUID] | None,
    reason: str,
    allowed: Sequence[str],
) -> GraduationList:
    school = _school(actor)
    with opened(actor, list_id) as source:
        reason = need_words(reason)
        own(actor, source)
        require_status(source, allowed)
        if source.kind == ListKind.UNDO:
            raise YearlyError(_("回退名册不能再回退, 请重新编制毕业名册"))
        wanted = "and i.result = %s" if kind == ListKind.EXCHANGE else "and %s::int is not null"
        with connection.cursor() as c:
            c.execute(
                f"select i.person_id from graduation_item i where i.list_id = %s and i.event_id is not null {wanted}"
                " and (%s::uuid[] is null or i.person_id = any(%s::uuid[]))",
                [
                    list_id,
                    int(Status.COMPLETED),
                    *([list(person_ids) if person_ids is not None else None] * 2),
                ],
            )
            persons = [r[0] for r in c.fetchall()]
        if not persons:
            raise YearlyError(
                _("没有选中可以换发的结业学生") if kind == ListKind.EXCHANGE else _("没有选中已经生效的学生")
            )
        today = timezone.localdate()
        effective_on = max(today, source.effective_on)
        return _begin(
            actor, school, kind, source.stage, source.cohort_year, effective_on, None, reason, persons, source.number or ""
        )  # fmt: skip


def _begin(
    actor: Any,
    school: School,
    kind: ListKind,
    stage: str,
    cohort_year: int,
    effective_on: date,
    due_on: date | None,
    reason: str,
    persons: list[uuid.UUID] | None,
    source: str = "",
) -> GraduationList:
    """Write the list and look at its children; in the writing role."""
    today = timezone.localdate()
    row = GraduationList(
        kind=kind, county_id=school.county_id, school_id=school.org_id, stage=stage, cohort_year=cohort_year,
        effective_on=effective_on, due_on=due_on or max(effective_on, add_workdays(today, USUAL_DAYS)),
        reason=reason[:300], creator_id=actor.user_id, creator_name=actor.user_name,
    )  # fmt: skip
    row.save(force_insert=True)
    counts = _rebuild(row, persons)
    if not sum(counts.values()):
        raise YearlyError(_("%s级现在没有可以列入的学生") % cohort_year)
    save(row)
    note(row, actor, "start", source, rows=sum(counts.values()), found=counts)
    return row


def _school(actor: Any) -> School:
    school = School.objects.filter(pk=actor.org_id).first()
    if school is None:
        raise YearlyError(_("名册由学校自己编制, 本单位不能做这一步"))
    return school


def _check_days(effective_on: date, due_on: date | None, today: date) -> None:
    if effective_on < today:
        raise YearlyError(_("生效日期不能早于今天"))
    if effective_on.year > today.year + 1:
        raise YearlyError(_("生效日期在一年以后, 请核对"))
    if due_on is not None and due_on < today:
        raise YearlyError(_("要求办结的日期不能早于今天"))


def _rebuild(row: GraduationList, persons: list[uuid.UUID] | None = None) -> dict[str, int]:
    try:
        place = listing.ground(row.school_id, row.kind, timezone.localdate())
    except CaseError as error:
        raise YearlyError(error.message) from error
    return listing.rebuild(row, place, persons)


def check(actor: Any, *, list_id: uuid.UUID, version: int | None = None) -> dict[str, int]:
    """Look at all children anew: newcomers, what was mended, what has happened since. Raises Http404, `YearlyError`."""
    actor.require("case.start")
    with opened(actor, list_id, version) as row:
        editable(actor, row)
        counts = _rebuild(row)
        save(row)
        note(row, actor, "check", rows=sum(counts.values()), found=counts)
    return counts


def set_days(
    actor: Any, *, list_id: uuid.UUID, effective_on: date, due_on: date, version: int | None = None
) -> None:
    """Another day of effect, another deadline; everything is checked again. Raises Http404, `YearlyError`."""
    actor.require("case.start")
    with opened(actor, list_id, version) as row:
        editable(actor, row)
        _check_days(effective_on, due_on, timezone.localdate())
        row.effective_on, row.due_on = effective_on, due_on
        _rebuild(row)
        save(row)
        note(row, actor, "days", f"{effective_on} / {due_on}")


def state_facts(
    actor: Any,
    *,
    list_id: uuid.UUID,
    answers: Mapping[str, str],
    person_ids: Sequence[uuid.UUID] | None,
    only_unknown: bool = False,
    version: int | None = None,
) -> dict[str, int]:
    """State what the rules ask of the school (marks, conduct ...) for some children, or for all of the list (C-GRA-01).

    `answers` holds a question's id and the choice, empty choices are left as they are; `only_unknown` keeps what was
    stated before. The list is checked again. Raises Http404, `YearlyError`.
    """
    actor.require("case.start")
    with opened(actor, list_id, version) as row:
        editable(actor, row)
        place = listing.ground(row.school_id, row.kind, timezone.localdate())
        known = {q.id: q for q in facts.questions(place.policy)}
        stated: dict[str, Any] = {}
        for key, raw in answers.items():
            if key in known and raw.strip():
                stated[key] = known[key].read(raw)
        if not stated:
            raise YearlyError(_("请先选择要登记的内容"))
        with connection.cursor() as c:
            new = "%(new)s::jsonb || given" if only_unknown else "given || %(new)s::jsonb"
            c.execute(
                f"update graduation_item set given = {new} where list_id = %(list)s"
                " and (%(all)s or person_id = any(%(persons)s::uuid[]))",
                {
                    "new": json.dumps(stated, ensure_ascii=False), "list": list_id, "all": person_ids is None,
                    "persons": list(person_ids or ()),
                },
            )  # fmt: skip
            touched = c.rowcount
        if not touched:
            raise YearlyError(_("请先勾选学生"))
        counts = listing.rebuild(row, place)
        save(row)
        words = "、".join(f"{known[k].label}: {known[k].word(v)}" for k, v in stated.items())
        note(row, actor, "facts", _("%(words)s (%(n)s 人)") % {"words": words, "n": touched}, rows=touched)
    return counts


def set_result(
    actor: Any,
    *,
    list_id: uuid.UUID,
    person_ids: Sequence[uuid.UUID],
    result: int | None,
    reason: str,
    version: int | None = None,
) -> int:
    """Give some children another result than the rules propose, or leave them out (None), with a reason (C-GRA-01).

    The rules of the chosen result are asked; what must hold is not overridden by words. Returns how many. Raises
    Http404, `YearlyError`.
    """
    actor.require("case.start")
    reason = need_words(reason)[:300]
    with opened(actor, list_id, version) as row:
        editable(actor, row)
        allowed: tuple[int, ...] = {
            ListKind.UNDO: (int(Status.STUDYING),), ListKind.EXCHANGE: (int(Status.GRADUATED),),
        }.get(ListKind(row.kind), tuple(int(x) for x in facts.RESULTS))  # fmt: skip
        if result is not None and result not in allowed:
            raise YearlyError(_("请从列表中选择结论"))
        if result is not None:
            _ask(row, person_ids, result, reason)
        with connection.cursor() as c:
            c.execute(
                "update graduation_item set result = %s, manual = (%s::int is distinct from proposed), reason = %s,"
                " changed_by = %s where list_id = %s and person_id = any(%s::uuid[])",
                [result, result, reason, actor.user_name, list_id, list(person_ids)],
            )
            touched = c.rowcount
        if not touched:
            raise YearlyError(_("请先勾选学生"))
        save(row)
        words = str(Status(result).label) if result is not None else _("不列入")
        note(row, actor, "result", _("%(n)s 人改为%(word)s: %(why)s") % {"n": touched, "word": words, "why": reason},
             rows=touched, result=result)  # fmt: skip
    return touched


def _ask(row: GraduationList, person_ids: Sequence[uuid.UUID], result: int, reason: str) -> None:
    """Whether the rules let these children have this result. Raises `YearlyError` with the article."""
    today = timezone.localdate()
    setting = listing.ground(row.school_id, row.kind, today).setting(row, today)
    with connection.cursor() as c:
        c.execute(
            "select v.facts, v.verdict, v.findings, min(i.name), count(*) from graduation_item i"
            " join graduation_vector v on v.list_id = i.list_id and v.no = i.vector_no"
            " where i.list_id = %s and i.person_id = any(%s::uuid[]) group by v.facts, v.verdict, v.findings",
            [row.list_id, list(person_ids)],
        )
        found = c.fetchall()
    for known, verdict, findings, name, n in found:
        lines = findings if isinstance(findings, list) else json.loads(findings)
        who = name if n == 1 else _("%(name)s等 %(n)s 人") % {"name": name, "n": n}
        hard = [x for x in lines if x["verdict"] == "block" and "action" in x]
        if verdict == "blocked" and hard:
            raise YearlyError(_("%(who)s不能列入: %(why)s") % {"who": who, "why": hard[0]["sentence"]})
        answer, said = readiness.judge(
            setting, result, known if isinstance(known, dict) else json.loads(known), reason
        )
        if answer != "pass":
            why = next(x["sentence"] for x in said if x["verdict"] == answer)
            raise YearlyError(_("%(who)s: %(why)s") % {"who": who, "why": why})


def add_child(actor: Any, *, person_id: uuid.UUID) -> GraduationList:
    """Open the list of a child's cohort with the child on it, from the child's page (加入毕业名册).

    Raises PermissionDenied, Http404, `YearlyError`.
    """
    actor.require("case.start")
    with connection.cursor() as c:
        c.execute(
            "select stage, cohort_year, status from roster where person_id = %s and school_id = %s and kind = 1"
            " and reason = 'enrolled'",
            [person_id, actor.org_id],
        )
        found = c.fetchone()
    if found is None:
        raise Http404
    if not Status(found[2]).is_open:
        raise YearlyError(_("学籍状态为“%s”的学生不能列入毕业名册") % Status(found[2]).label)
    row = create(actor, stage=found[0], cohort_year=found[1])
    if row.status in (ListStatus.DRAFT, ListStatus.RETURNED):
        check(actor, list_id=row.list_id)
    return row


__all__ = [
    "add_child", "check", "create", "create_exchange", "create_undo", "set_days",
    "set_result", "state_facts",
]  # fmt: skip
