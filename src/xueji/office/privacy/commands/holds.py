"""暂停销毁: what must not go while a court, an audit or a family asks for it; of a class of data or of one child (C-SEC-05).

A hold works at once, because what is gone is gone; keeping longer than needed and letting go again are both decided by
two people (个人信息保护法 19, 47).
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.registry.enrolment import queries as enrolment

from .. import terms
from ..errors import PrivacyError
from ..models import Hold

LEAST_WORDS = 5


def hold(actor: Any, *, kind: str, reason: str, person_id: uuid.UUID | None = None) -> Hold:
    """Stop disposals of a class (empty: all) of the own unit and those below, or of what is kept about one child there.

    It works at once and waits for a second person's word. Raises PermissionDenied, Http404 for a child out of sight,
    `PrivacyError`.
    """
    actor.require("privacy.act")
    if kind and kind not in terms.classes():
        raise PrivacyError(_("没有这一类"))
    said = _said(reason, _("请写明理由, 如: 诉讼、审计、上级要求的文号"))
    if person_id is not None:
        actor.require("student.list")
        enrolment.get_row(actor, person_id)
    with transaction.atomic(), acting("writer"):
        if Hold.objects.filter(org_id=actor.org_id, kind=kind, person_id=person_id, ended_at=None).exists():
            raise PrivacyError(_("已经暂停了, 不用再设"))
        made = Hold.objects.create(
            org_id=actor.org_id,
            kind=kind,
            person_id=person_id,
            reason=said,
            set_by=actor.user_id,
            set_name=actor.user_name,
        )
    _tell(actor, "privacy.hold", made)
    return made


def decide(actor: Any, hold_id: int, *, agreed: bool, words: str = "") -> Hold:
    """A second person confirms a hold that somebody set, or ends it with a reason. Raises Http404, `PrivacyError`."""
    actor.require("privacy.approve")
    with transaction.atomic(), acting("writer"):
        row = _locked(actor, hold_id)
        if row.confirmed_by is not None:
            raise PrivacyError(_("这项暂停已经确认过了"))
        if row.set_by == actor.user_id:
            raise PrivacyError(_("设定和确认要由两个人办理"))
        if agreed:
            row.confirmed_by, row.confirmed_name = actor.user_id, actor.user_name
            row.confirmed_at = timezone.now()
        else:
            _end(actor, row, _said(words, _("不确认的, 请写明理由")))
            row.lift_by = None
        row.save()
    _tell(actor, "privacy.hold.confirm" if agreed else "privacy.hold.refuse", row)
    return row


def ask_lift(actor: Any, hold_id: int, *, reason: str) -> Hold:
    """Ask for the end of a hold; it stands until somebody else agrees. Raises Http404, `PrivacyError`."""
    actor.require("privacy.act")
    with transaction.atomic(), acting("writer"):
        row = _locked(actor, hold_id)
        if row.lift_by is not None:
            raise PrivacyError(_("已有人提出解除, 正等另一位负责人同意"))
        row.lift_by, row.lift_name, row.lift_at = actor.user_id, actor.user_name, timezone.now()
        row.lift_reason = _said(reason, _("请写明为什么可以解除, 如: 案件已结的文号"))
        row.save()
    _tell(actor, "privacy.hold.ask", row)
    return row


def decide_lift(actor: Any, hold_id: int, *, agreed: bool, words: str = "") -> Hold:
    """A second person ends the hold, or lets it stand. Raises PermissionDenied, Http404, `PrivacyError`."""
    actor.require("privacy.approve")
    with transaction.atomic(), acting("writer"):
        row = _locked(actor, hold_id)
        if row.lift_by is None:
            raise PrivacyError(_("没有人提出解除"))
        if row.lift_by == actor.user_id:
            raise PrivacyError(_("提出解除和同意解除要由两个人办理"))
        if agreed:
            _end(actor, row, " ".join(words.split())[:300])
        else:
            _said(words, _("不同意解除的, 请写明理由"))
            row.lift_by, row.lift_name, row.lift_at, row.lift_reason = None, "", None, ""
        row.save()
    _tell(actor, "privacy.hold.lift" if agreed else "privacy.hold.stay", row, words=words)
    return row


def _end(actor: Any, row: Hold, words: str) -> None:
    row.ended_at, row.ended_by, row.ended_name = timezone.now(), actor.user_id, actor.user_name
    row.ended_words = words


def _locked(actor: Any, hold_id: int) -> Hold:
    row = Hold.objects.select_for_update().filter(pk=hold_id, org_id=actor.org_id, ended_at=None).first()
    if row is None:
        raise Http404
    return row


def _said(words: str, missing: str) -> str:
    text = " ".join(words.split())
    if len(text) < LEAST_WORDS:
        raise PrivacyError(missing)
    return text[:300]


def _tell(actor: Any, action: str, row: Hold, words: str = "") -> None:
    record(
        actor,
        action,
        object_type="privacy_hold",
        object_id=row.pk,
        person_id=row.person_id,
        purpose=(words or row.lift_reason or row.reason)[:200],
        after={"kind": row.kind, "ended": row.ended_at is not None},
    )
