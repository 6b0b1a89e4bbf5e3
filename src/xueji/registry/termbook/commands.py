"""Writing the term book: a whole class at once, an award of one child, an end with a reason."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import date

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.registry.enrolment import queries as enrolment

from . import queries, words
from .errors import TermbookError
from .models import LineKind, TermLine


def write_class(
    actor: Actor,
    class_id: int,
    *,
    year: int,
    term: int,
    kind: str,
    values: Mapping[tuple[uuid.UUID, str], str],
) -> int:
    """Marks of a subject or attendance of a term for the pupils of a class; returns how many lines are new.

    A blank ends what was there. Values of children who are not in the class are refused. Raises PermissionDenied,
    Http404, `TermbookError` (nothing is written then).
    """
    actor.require("termbook.write")
    if kind not in (LineKind.MARK, LineKind.ATTENDANCE) or term not in (1, 2):
        raise TermbookError(_("请选择成绩或考勤"))
    this, now = words.term_of(today())
    if not this - 9 <= year <= this or (year == this and term > now):
        raise TermbookError(_("学期还没有开始, 或太早"))
    allowed = words.subjects() if kind == LineKind.MARK else words.ATTENDANCE
    clean: Callable[[str], str] = words.mark if kind == LineKind.MARK else words.count
    items = sorted({i for _p, i in values})
    if not set(items) <= set(allowed):
        raise TermbookError(_("没有这个科目"))
    row = queries.own_class(actor, class_id)
    with transaction.atomic():
        _alone(class_id)
        held = {
            (g.row.person_id, item): value
            for g in queries.grid(actor, class_id, year=year, term=term, kind=kind, items=items)
            for item, value in g.cells
        }
        if set(values) - set(held):
            raise TermbookError(_("有学生不在这个班, 请刷新后再填"))
        asked = {key: clean(text) if text.strip() else "" for key, text in values.items()}
        changed = {key: text for key, text in asked.items() if text != held[key]}
        with acting("writer"):
            for item in items:
                persons = [p for p, i in changed if i == item]
                TermLine.objects.filter(
                    person_id__in=persons, year=year, term=term, kind=kind, item=item, ended_at=None
                ).update(ended_at=timezone.now(), ended_name=actor.user_name, ended_why=_("更正"))
            made = TermLine.objects.bulk_create(
                TermLine(
                    person_id=p,
                    school_id=row.school_id,
                    class_id=class_id,
                    year=year,
                    term=term,
                    kind=kind,
                    item=item,
                    value=text,
                    user_id=actor.user_id,
                    user_name=actor.user_name,
                )
                for (p, item), text in changed.items()
                if text
            )
    record(
        actor,
        "termbook.write",
        object_type="class",
        object_id=class_id,
        after={"year": year, "term": term, "kind": kind, "items": items},
        row_count=len(changed),
        persons=[p for p, _i in changed],
    )
    return len(made)


def add_award(actor: Actor, person_id: uuid.UUID, *, name: str, level: str, on: date | None) -> TermLine:
    """Enter what a child won. Raises PermissionDenied, Http404, `TermbookError`."""
    actor.require("termbook.write")
    pupil = _pupil(actor, person_id)
    label = dict(words.levels()).get(level)
    if len(name.strip()) < 2 or label is None:
        raise TermbookError(_("请写明奖励名称和级别"))
    if on is None or not date(2000, 1, 1) <= on <= today():
        raise TermbookError(_("日期不能晚于今天"))
    year, term = words.term_of(on)
    with transaction.atomic(), acting("writer"):
        _alone(person_id)
        if TermLine.objects.filter(
            person_id=person_id, year=year, term=term, kind="award", item=name.strip()[:100], ended_at=None
        ).exists():
            raise TermbookError(_("本学期已经登记过这项奖励"))
        row = TermLine.objects.create(
            person_id=person_id,
            school_id=pupil.school_id,
            class_id=pupil.class_id,
            year=year,
            term=term,
            kind=LineKind.AWARD,
            item=name.strip()[:100],
            value=label[:30],
            on=on,
            user_id=actor.user_id,
            user_name=actor.user_name,
        )
    _tell(actor, "termbook.award", row)
    return row


def end_award(actor: Actor, line_id: int, *, why: str) -> None:
    """Take an award out that was entered by mistake. Raises PermissionDenied, Http404, `TermbookError`."""
    actor.require("termbook.write")
    seen = TermLine.objects.filter(pk=line_id, kind=LineKind.AWARD, ended_at=None).first()
    if seen is None:
        raise Http404
    _pupil(actor, seen.person_id)
    if len(why.strip()) < 2:
        raise TermbookError(_("请说明撤下的原因"))
    with transaction.atomic(), acting("writer"):
        row = TermLine.objects.select_for_update().filter(pk=line_id, ended_at=None).first()
        if row is None:
            raise Http404
        row.ended_at, row.ended_name, row.ended_why = timezone.now(), actor.user_name, why.strip()[:200]
        row.save()
    _tell(actor, "termbook.end", row)


def _alone(key: object) -> None:
    """One who writes a class's or a child's book at a time, until the transaction ends: what is held is read after it."""
    with connection.cursor() as c:
        c.execute("select pg_advisory_xact_lock(hashtext(%s))", [f"term_line:{key}"])


def _pupil(actor: Actor, person_id: uuid.UUID) -> enrolment.RosterRow:
    """A present pupil of the own school or class. Raises Http404."""
    pupil = enrolment.get_row(actor, person_id)
    here = pupil.class_id in actor.classes if actor.classes else pupil.school_id == actor.org_id
    if pupil.former or not here:
        raise Http404
    return pupil


def _tell(actor: Actor, action: str, row: TermLine) -> None:
    record(
        actor,
        action,
        object_type="term_line",
        object_id=row.pk,
        person_id=row.person_id,
        after={"year": row.year, "term": row.term, "kind": row.kind},
    )
