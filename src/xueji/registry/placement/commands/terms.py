"""Term registration: who came back at the beginning of a term, and who did not (C-ENR-09); the checked class."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs import queries as orgs
from xueji.registry.dropout import commands as dropout
from xueji.registry.dropout.errors import DropoutError
from xueji.registry.dropout.models import Source

from ..errors import PlacementError
from ..models import ClassCheck, MarkState, TermMark
from ..queries import terms
from ..queries.roster import Child


def all_here(actor: Any, class_id: int) -> int:
    """Everybody of the class who has no mark yet has come back: one tap, one statement. Returns how many.

    Raises Http404, PermissionDenied.
    """
    term = _term(actor, class_id)
    with transaction.atomic():
        with acting("writer"), connection.cursor() as c:
            c.execute(
                "insert into term_mark (school_id, school_year, term, person_id, county_id, class_id, state, on_day,"
                " proof, by_name, at)"
                " select r.school_id, %s, %s, r.person_id, r.county_id, r.class_id, 'returned', %s, '', %s, %s from roster r"
                " where r.school_id = %s and r.class_id = %s and r.kind = 1 and r.reason = 'enrolled' and r.status = 1"
                " on conflict (school_id, school_year, term, person_id) do nothing returning person_id",
                [term.year, term.number, today(), actor.user_name, timezone.now(), actor.org_id, class_id],
            )
            persons = [row[0] for row in c.fetchall()]
        record(
            actor,
            "term.all_here",
            object_type="class",
            object_id=class_id,
            after={"year": term.year, "term": term.number, "pupils": len(persons)},
            row_count=len(persons),
            persons=persons,
        )
    return len(persons)


def mark(
    actor: Any,
    class_id: int,
    person_id: uuid.UUID,
    *,
    state: str,
    since: date | None = None,
    proof: str = "",
    watch: bool = False,
) -> None:
    """One pupil: came back, or did not, with proof or without (then it counts as absence). `watch` puts an absent child
    on the list of those who may be dropping out. Raises Http404, `PlacementError`, PermissionDenied.
    """
    term = _term(actor, class_id)
    child = _child(actor, class_id, person_id)
    day = since or today()
    if state not in MarkState.values:
        raise PlacementError(_("请选择到校情况"))
    if day > today():
        raise PlacementError(_("日期 %s 还没有到, 请核对") % day)
    if state == MarkState.EXCUSED and not proof.strip():
        raise PlacementError(_("请写明请假的原因和证明, 没有证明的按旷课登记"))
    with transaction.atomic():
        with acting("writer"):
            TermMark.objects.bulk_create(
                [
                    TermMark(
                        school_id=actor.org_id,
                        school_year=term.year,
                        term=term.number,
                        person_id=person_id,
                        county_id=actor.county_id,
                        class_id=class_id,
                        state=state,
                        on=day,
                        proof=proof.strip()[:200],
                        by_name=actor.user_name,
                        at=timezone.now(),
                    )
                ],
                update_conflicts=True,
                unique_fields=["school_id", "school_year", "term", "person_id"],
                update_fields=["county_id", "class_id", "state", "on", "proof", "by_name", "at"],
            )
        record(
            actor,
            "term.mark",
            object_type="class",
            object_id=class_id,
            person_id=person_id,
            after={"year": term.year, "term": term.number, "state": state},
        )
        if watch and state == MarkState.ABSENT:
            words = _("%(term)s没有按时到校注册") % {"term": term.label}
            try:
                dropout.notice(
                    actor,
                    person_id,
                    source=Source.UNREGISTERED,
                    since=day,
                    text=f"{words}。{proof.strip()}" if proof.strip() else words,
                )
            except DropoutError as error:
                raise PlacementError(f"{child.name}: {error.message}") from error


def unmark(actor: Any, class_id: int, person_id: uuid.UUID) -> None:
    """Take back a mark that was set by mistake; the pupil counts as not registered again. Raises Http404."""
    term = _term(actor, class_id)
    _child(actor, class_id, person_id)
    with transaction.atomic():
        with acting("writer"):
            n, _rows = TermMark.objects.filter(
                school_id=actor.org_id, school_year=term.year, term=term.number, person_id=person_id
            ).delete()
        if not n:
            raise Http404
        record(
            actor,
            "term.unmark",
            object_type="class",
            object_id=class_id,
            person_id=person_id,
            after={"year": term.year, "term": term.number},
        )


def check_class(actor: Any, class_id: int, *, expected: int, remark: str = "") -> None:
    """The class teacher has compared the list with the children in the room (C-ENR-19): the class is 已核对.

    `expected` is how many the page showed. Raises Http404, `PlacementError`.
    """
    actor.require("term.register")
    klass = orgs.class_row(actor, class_id)
    if klass.school_id != actor.org_id:
        raise Http404
    children = terms.children(actor, class_id)
    if len(children) != expected:
        raise PlacementError(_("班里的学生刚刚有变动, 现在是 %(n)s 人, 请重新核对") % {"n": len(children)})
    with transaction.atomic():
        with acting("writer"):
            ClassCheck.objects.bulk_create(
                [
                    ClassCheck(
                        class_id=class_id,
                        school_id=actor.org_id,
                        county_id=actor.county_id,
                        pupils=len(children),
                        remark=remark.strip()[:200],
                        by_name=actor.user_name,
                        at=timezone.now(),
                    )
                ],
                update_conflicts=True,
                unique_fields=["class_id"],
                update_fields=["pupils", "remark", "by_name", "at"],
            )
        record(
            actor,
            "placement.check",
            object_type="class",
            object_id=class_id,
            after={"pupils": len(children)},
        )


def _term(actor: Any, class_id: int) -> terms.TermOf:
    """The term under way; the class must be of the own school (a teacher: the own class). Raises Http404."""
    actor.require("term.register")
    if orgs.class_row(actor, class_id).school_id != actor.org_id:
        raise Http404
    return terms.term_of(today())


def _child(actor: Any, class_id: int, person_id: uuid.UUID) -> Child:
    found = next((c for c in terms.children(actor, class_id) if c.person_id == person_id), None)
    if found is None:
        raise Http404
    return found
