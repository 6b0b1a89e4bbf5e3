"""学籍核对 of a class: heads counted against names in the system, every term (C-ENR-15, C-INF-08, C-DUP-08)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org, SchoolClass
from xueji.ground.policy.places import policy_for

from .. import causes, checks, classes, terms
from ..errors import SubmissionError
from ..models import CheckState, ClassCheck, ClassCheckLine

MOST_EXTRA = 30


@dataclass(frozen=True)
class Absence:
    """A child of the list that was not in the room."""

    person_id: uuid.UUID
    cause: str
    note: str = ""


@dataclass(frozen=True)
class Extra:
    """A child in the room that the list does not have."""

    name: str
    sex: str = ""
    note: str = ""


def verify_class(
    actor: Any,
    class_id: int,
    *,
    present: int,
    absences: Sequence[Absence] = (),
    extras: Sequence[Extra] = (),
    note: str = "",
) -> ClassCheck:
    """State what was counted in the room; equal, the class is verified, else the leader is told.

    The figures must agree: names in the list, less those absent, plus those without a record. A later comparison of
    the same term replaces the earlier. Raises Http404, PermissionDenied, `SubmissionError`.
    """
    actor.require("headcount.write")
    klass = SchoolClass.objects.select_related("school").filter(pk=class_id).first()
    if klass is None or not may_count(actor, klass):
        raise Http404
    pupils = {p.person_id: p for p in classes.pupils(class_id)}
    away = {a.person_id: a for a in absences}
    if set(away) - set(pupils):
        raise SubmissionError(_("名单刚有变动, 请刷新后重新核对"))
    _require_words(absences, extras)
    expected = len(pupils) - len(away) + len(extras)
    if present != expected:
        raise SubmissionError(
            _("人数对不上: 名单 %(listed)s 人, 未到 %(away)s 人, 名单外 %(extra)s 人, 应到场 %(n)s 人, 您填的是 %(typed)s 人")
            % {
                "listed": len(pupils), "away": len(away), "extra": len(extras), "n": expected, "typed": present,
            }
        )  # fmt: skip
    lacking = sum(a.cause in causes.LACKING for a in absences)
    balanced = not lacking and not extras
    term = terms.now(today())
    with transaction.atomic():
        gaps = checks.gaps(class_id)
        with acting("writer"):
            ClassCheck.objects.filter(class_id=class_id, year=term.year, term=term.number).delete()
            row = ClassCheck.objects.create(
                county_id=klass.school.county_id,
                school_id=klass.school_id,
                class_id=class_id,
                year=term.year,
                term=term.number,
                state=CheckState.VERIFIED if balanced else CheckState.REPORTED,
                listed=len(pupils),
                present=present,
                excused=len(absences) - lacking,
                lacking=lacking,
                extra=len(extras),
                gaps=len(gaps),
                balanced=balanced,
                note=note.strip()[:300],
                roll=classes.roll(pupils),
                by_id=actor.user_id,
                by_name=actor.user_name,
                at=timezone.now(),
            )
            ClassCheckLine.objects.bulk_create(_lines(row, pupils, absences, extras))
        record(
            actor,
            "submission.class.verify",
            object_type="class_check",
            object_id=row.pk,
            after={
                "class": class_id, "term": term.key, "listed": row.listed, "present": present,
                "lacking": lacking, "extra": len(extras), "balanced": balanced,
            },
            row_count=row.listed,
            persons=pupils,
        )  # fmt: skip
    return row


def _require_words(absences: Sequence[Absence], extras: Sequence[Extra]) -> None:
    for a in absences:
        if a.cause not in causes.CAUSES:
            raise SubmissionError(_("请为每名未到的学生选择原因"))
    if len(extras) > MOST_EXTRA:
        raise SubmissionError(_("名单外的学生一次最多填写 %s 人, 请先办理入学或转入") % MOST_EXTRA)
    if any(not e.name.strip() for e in extras):
        raise SubmissionError(_("请填写名单外学生的姓名"))


def _lines(
    row: ClassCheck,
    pupils: Mapping[uuid.UUID, classes.Pupil],
    absences: Sequence[Absence],
    extras: Sequence[Extra],
) -> list[ClassCheckLine]:
    place = {
        "check_of": row, "county_id": row.county_id, "school_id": row.school_id, "class_id": row.class_id,
    }  # fmt: skip
    out = [
        ClassCheckLine(
            **place,
            person_id=a.person_id,
            name=pupils[a.person_id].name,
            sex=pupils[a.person_id].sex,
            cause=a.cause,
            note=a.note.strip()[:200],
            settled_at=row.at if a.cause in causes.EXCUSED else None,
            settled_by=row.by_name if a.cause in causes.EXCUSED else "",
        )
        for a in absences
    ]
    return out + [
        ClassCheckLine(
            **place, name=e.name.strip()[:100], sex=e.sex[:1], cause=causes.EXTRA, note=e.note.strip()[:200]
        )
        for e in extras
    ]


def may_count(actor: Any, klass: SchoolClass) -> bool:
    """Whether this actor counts this class: the teacher of it, or the office of the school, as policy has it."""
    return (
        klass.pk in actor.classes or (klass.school_id == actor.org_id and not actor.classes)
    ) and counts_here(actor)


def counts_here(actor: Any) -> bool:
    """Whether policy lets this role compare classes (`check.class_by`)."""
    return actor.role_label in _policy(actor, "check.class_by", (actor.role_label,))


def leads_here(actor: Any) -> bool:
    """Whether a mismatch is this role's to settle (`check.leader`)."""
    return bool(actor.can("headcount.settle")) and actor.role_label == _policy(
        actor, "check.leader", actor.role_label
    )


def leader_of(school_id: int) -> str:
    """Who settles a mismatch at a school, in words."""
    policy = policy_for(Org.objects.filter(pk=school_id).first(), today())
    return str(policy.param("check.leader").value) if "check.leader" in policy.param_ids() else _("负责人")


def _policy(actor: Any, name: str, default: Any) -> Any:
    policy = policy_for(Org.objects.filter(pk=actor.org_id).first(), today())
    held = policy.param(name) if name in policy.param_ids() else None
    return held.value if held is not None and held.stated else default


def settle(actor: Any, check_id: int, *, how: Mapping[int, str], note: str = "") -> ClassCheck:
    """The responsible leader says of every difference what was done; then the class counts as verified.

    Raises Http404, PermissionDenied, `SubmissionError`.
    """
    actor.require("headcount.settle")
    with transaction.atomic():
        if not ClassCheck.objects.filter(pk=check_id, school_id=actor.org_id).exists():
            raise Http404
        if not leads_here(actor):
            raise PermissionDenied(_("按本地规则, 人数不符由%s处理") % leader_of(actor.org_id))
        with acting("writer"):
            row = ClassCheck.objects.select_for_update().get(pk=check_id)
            if row.state != CheckState.REPORTED:
                raise SubmissionError(_("这个班已经处理过了, 请刷新"))
            if row.by_id == actor.user_id:
                raise SubmissionError(_("核对和处理不能是同一个人, 请由另一位同事处理"))
            waiting = list(ClassCheckLine.objects.filter(check_of=row, settled_at=None).order_by("pk"))
            now = timezone.now()
            for line in waiting:
                words = how.get(line.pk, "").strip()
                if len(words) < 2:
                    raise SubmissionError(_("请为%s写明处理结果") % line.name)
                line.settled_at, line.settled_by, line.settled_how = now, actor.user_name, words[:200]
            ClassCheckLine.objects.bulk_update(waiting, ["settled_at", "settled_by", "settled_how"])
            row.state, row.leader_id, row.leader_name = CheckState.VERIFIED, actor.user_id, actor.user_name
            row.leader_at, row.leader_note = now, note.strip()[:300]
            row.save()
        record(
            actor,
            "submission.class.settle",
            object_type="class_check",
            object_id=row.pk,
            after={"class": row.class_id, "lines": len(waiting)},
            row_count=len(waiting),
            persons=[x.person_id for x in waiting if x.person_id],
        )
    return row
