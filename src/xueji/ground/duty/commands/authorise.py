"""The head's authorisation (校长授权) before a registrar edits a record: asked, granted, refused, ended, asked for by
every edit (C-ROL-04)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import SchoolClass

from .. import queries, words
from ..errors import DutyError
from ..models import Authorisation, AuthorisationState, RecordEdit

MOST_PUPILS = 100


def ask(
    actor: Actor,
    *,
    kinds: Sequence[str],
    reason: str,
    since: date,
    until: date,
    class_id: int | None = None,
    persons: Sequence[uuid.UUID] | None = None,
) -> Authorisation:
    """The registrar asks the head of the own school, for a term at the longest. Raises DutyError, PermissionDenied.

    Without class and pupils it is for the whole school. That the pupils are the school's own is asked again by
    each edit: an authorisation opens no record.
    """
    actor.require("student.edit")
    if actor.org_id is None:
        raise PermissionDenied
    asked = [k for k in words.KINDS if k in kinds]
    if not asked:
        raise DutyError(_("请选择要修改哪一类信息"))
    if len(reason.strip()) < 4:
        raise DutyError(_("请说明为什么要修改(至少4个字)"))
    if since < today() or until < since:
        raise DutyError(_("请填写今天以后的起止日期"))
    if until > queries.term_end(since):
        raise DutyError(_("最长到本学期末 %s") % queries.term_end(since).isoformat())
    if class_id and not SchoolClass.objects.filter(pk=class_id, school_id=actor.org_id).exists():
        raise DutyError(_("请选择本校的班级"))
    if persons and len(persons) > MOST_PUPILS:
        raise DutyError(_("一次最多 %s 名学生, 更多请按班级或全校申请") % MOST_PUPILS)
    row = Authorisation(
        org_id=actor.org_id,
        kinds=asked,
        class_id=class_id,
        persons=list(persons) if persons else None,
        reason=reason.strip()[:200],
        since=since,
        until=until,
        asked_by=actor.user_id,
        asked_name=actor.user_name,
    )
    with transaction.atomic(), acting("writer"):
        row.save(force_insert=True)
    _tell(actor, "duty.authorise.ask", row)
    return row


def decide(actor: Actor, authorisation_id: int, *, granted: bool, word: str = "") -> Authorisation:
    """The head answers. Raises Http404, PermissionDenied, DutyError (answered already, out of time, no reason)."""
    actor.require("student.authorise")
    with transaction.atomic(), acting("writer"):
        row = _locked(actor, authorisation_id)
        if row.state != AuthorisationState.ASKED:
            raise DutyError(_("这件申请已经答复"))
        if row.asked_by == actor.user_id:
            raise DutyError(_("不能给自己授权"))
        if granted and row.until < today():
            raise DutyError(_("申请的日期已经过了, 请管理员重新申请"))
        if not granted and len(word.strip()) < 2:
            raise DutyError(_("请说明不同意的原因"))
        row.state = AuthorisationState.GRANTED if granted else AuthorisationState.REFUSED
        row.decided_by, row.decided_name, row.decided_at = actor.user_id, actor.user_name, timezone.now()
        row.word = word.strip()[:200]
        row.save()
    _tell(actor, "duty.authorise.grant" if granted else "duty.authorise.refuse", row)
    return row


def end(actor: Actor, authorisation_id: int) -> None:
    """The head ends it before its day, or the registrar gives it back. Raises Http404, DutyError."""
    if not actor.can("student.authorise"):
        actor.require("student.edit")
    with transaction.atomic(), acting("writer"):
        row = _locked(actor, authorisation_id)
        if row.state not in (AuthorisationState.GRANTED, AuthorisationState.ASKED) or row.until < today():
            raise DutyError(_("这件授权已经结束"))
        row.state, row.ended_at = AuthorisationState.ENDED, timezone.now()
        row.save()
    _tell(actor, "duty.authorise.end", row)


def grant_routine(actor: Actor) -> Authorisation:
    """The head's standing authorisation of routine fields of the whole school until the end of the term: one click.

    It names the registrar's unit as the one who asked for it: nobody did, the head gives it of himself.
    """
    actor.require("student.authorise")
    if actor.org_id is None:
        raise PermissionDenied
    since, until = today(), queries.term_end(today())
    row = Authorisation(
        org_id=actor.org_id,
        kinds=list(words.ROUTINE),
        reason=_("本学期日常信息维护"),
        since=since,
        until=until,
        state=AuthorisationState.GRANTED,
        asked_by=0,
        asked_name=_("校长主动授权"),
        decided_by=actor.user_id,
        decided_name=actor.user_name,
        decided_at=timezone.now(),
    )
    with transaction.atomic(), acting("writer"):
        row.save(force_insert=True)
    _tell(actor, "duty.authorise.grant", row)
    return row


def require_edit(
    actor: Actor, person_id: uuid.UUID, kind: str, *, readers: Sequence[int], klasses: Sequence[int]
) -> int | None:
    """The authorisation under which the actor may edit now; None where the place asks for none.

    `readers` and `klasses` are the child's: an authorisation covers pupils of the school alone. Raises
    PermissionDenied with the sentence whom to ask. Asked by every command that edits ordinary data.
    """
    return require_edits(actor, kind, [(person_id, readers, klasses)])[person_id]


def keep_edit(
    actor: Actor, person_id: uuid.UUID, kind: str, fields: Sequence[str], authorisation: int | None
) -> None:
    """Write one edit down, beside the audit, where the head and the school read it: fields, never values."""
    keep_edits(actor, {person_id: authorisation}, kind, fields)


def require_edits(
    actor: Actor, kind: str, people: Sequence[tuple[uuid.UUID, Sequence[int], Sequence[int]]]
) -> dict[uuid.UUID, int | None]:
    """As `require_edit` for many pupils, each with readers and classes, in one query: pupil -> authorisation."""
    if not queries.asks_head(actor):
        return {person: None for person, _readers, _klasses in people}
    rows = list(queries.in_force(actor, kind))
    out: dict[uuid.UUID, int | None] = {}
    for person, readers, klasses in people:
        found = next(
            (
                row.pk
                for row in rows
                if actor.org_id in readers
                and (row.persons is None or person in row.persons)
                and (row.class_id is None or row.class_id in klasses)
            ),
            None,
        )
        if found is None:
            raise PermissionDenied(queries.whom_to_ask(actor, kind))
        out[person] = found
    return out


def keep_edits(
    actor: Actor, authorisations: Mapping[uuid.UUID, int | None], kind: str, fields: Sequence[str]
) -> None:
    """As `keep_edit` for many pupils, in one statement."""
    with transaction.atomic(), acting("writer"):
        RecordEdit.objects.bulk_create(
            [
                RecordEdit(
                    person_id=person,
                    org_id=actor.org_id or 0,
                    authorisation_id=authorisation,
                    kind=kind,
                    fields=sorted(fields),
                    user_id=actor.user_id,
                    user_name=actor.user_name,
                )
                for person, authorisation in authorisations.items()
            ],
            batch_size=1_000,
        )


def _locked(actor: Actor, authorisation_id: int) -> Authorisation:
    row = (
        Authorisation.objects.select_for_update()
        .filter(pk=authorisation_id, org_id=actor.org_id or 0)
        .first()
    )
    if row is None:
        raise Http404
    return row


def _tell(actor: Any, action: str, row: Authorisation) -> None:
    record(
        actor,
        action,
        object_type="authorisation",
        object_id=row.pk,
        after={
            "kinds": row.kinds,
            "class": row.class_id,
            "pupils": len(row.persons or ()),
            "since": row.since.isoformat(),
            "until": row.until.isoformat(),
            "reason": row.reason,
            "state": str(row.state),
        },
    )
