"""Proposing a version of one's own pack, and deciding on it: two persons of one authority (四眼)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy import epoch, staging, versions
from xueji.ground.policy.models import PolicyActivation, PolicyStage, PolicyState, PolicyVersion, StageState


class StageError(ValueError):
    """What was asked for is not possible; `message` is for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def own_unit(actor: Any) -> Org:
    """The authority for which the actor writes rules. Raises Http404 when there is none."""
    org = Org.objects.filter(pk=actor.org_id or 0).first()
    if org is None:
        raise Http404
    return org


def stage(actor: Any, *, text: str, effective_on: date, note: str) -> PolicyStage:
    """Propose a version of the own unit's pack from a day on; nothing is stored unless the whole text is right.

    Raises `staging.Unacceptable` with every problem, `StageError`, PermissionDenied.
    """
    actor.require("policy.stage")
    if effective_on < timezone.localdate():
        raise StageError(_("生效日期不能早于今天: 已经办过的业务按当时的规则"))
    if not note.strip():
        raise StageError(_("请写明修改的理由和依据的文件"))
    org = own_unit(actor)
    checked = staging.check(org, text, effective_on)
    base = checked.before.pack(checked.pack.id).sha256 if checked.pack.id in checked.before.ids() else ""
    try:
        with transaction.atomic(), acting("writer"):
            row = PolicyStage.objects.create(
                org=org,
                pack=checked.pack.id,
                sha256=checked.pack.sha256,
                base=base,
                text=checked.text,
                effective_on=effective_on,
                note=note.strip()[:300],
                staged_by=actor.user_id,
                staged_name=actor.user_name,
            )
    except IntegrityError as error:
        raise StageError(_("本单位已有一个待复核的版本, 请先复核或撤回")) from error
    _enter(actor, "stage", row)
    return row


def approve(actor: Any, *, stage_id: int, opinion: str = "") -> PolicyStage:
    """Put a staged version into force from its day, or from today if that has passed meanwhile.

    The head of the authority decides, and not on what he proposed himself. Checked again against the packs of now.
    Raises Http404, `StageError`, `staging.Unacceptable`, PermissionDenied.
    """
    actor.require("policy.approve")
    with _opened(actor, stage_id) as row:
        _other_person(actor, row)
        epoch.refresh()
        start = max(row.effective_on, timezone.localdate())
        checked = staging.check(row.org, row.text, start, again=True)
        versions.remember(checked.before)
        PolicyVersion.objects.bulk_create(
            [
                PolicyVersion(
                    sha256=checked.pack.sha256,
                    pack=checked.pack.id,
                    title=checked.pack.title[:100],
                    version=checked.pack.version[:60],
                    text=checked.text,
                )
            ],
            ignore_conflicts=True,
        )
        row.effective_on = start
        _decide(row, actor, StageState.APPROVED, opinion)
        PolicyActivation.objects.create(
            pack=row.pack, version_id=checked.pack.sha256, effective_on=start, stage=row
        )
        token = uuid.uuid4()
        PolicyState.objects.update(token=token)
        epoch.seen(token)
        versions.remember(versions.current())
    _enter(actor, "approve", row)
    return row


def refuse(actor: Any, *, stage_id: int, opinion: str) -> PolicyStage:
    """Turn a staged version down with a reason. Raises Http404, `StageError`, PermissionDenied."""
    actor.require("policy.approve")
    if not opinion.strip():
        raise StageError(_("请写明不同意的理由"))
    with _opened(actor, stage_id) as row:
        _other_person(actor, row)
        _decide(row, actor, StageState.REFUSED, opinion)
    _enter(actor, "refuse", row)
    return row


def withdraw(actor: Any, *, stage_id: int) -> PolicyStage:
    """Take one's unit's own proposal back before it is decided. Raises Http404, `StageError`, PermissionDenied."""
    actor.require("policy.stage")
    with _opened(actor, stage_id) as row:
        _decide(row, actor, StageState.WITHDRAWN, "")
    _enter(actor, "withdraw", row)
    return row


@contextmanager
def _opened(actor: Any, stage_id: int) -> Iterator[PolicyStage]:
    """The proposal of the actor's own unit, alone: the state of the packs is locked until it is decided."""
    with transaction.atomic(), acting("writer"):
        PolicyState.objects.select_for_update().get(pk=1)
        row = (
            PolicyStage.objects.select_for_update(of=("self",))
            .select_related("org")
            .filter(pk=stage_id, org_id=actor.org_id)
            .first()
        )
        if row is None:
            raise Http404
        if row.state != StageState.STAGED:
            raise StageError(_("这个版本已经处理: %s") % StageState(row.state).label)
        yield row


def _other_person(actor: Any, row: PolicyStage) -> None:
    if actor.user_id == row.staged_by:
        raise StageError(_("提交人不能复核自己提交的版本, 请由另一位负责人复核"))


def _decide(row: PolicyStage, actor: Any, state: StageState, opinion: str) -> None:
    row.state, row.opinion = state, opinion.strip()[:300]
    row.decided_by, row.decided_name, row.decided_at = actor.user_id, actor.user_name, timezone.now()
    row.save()


def _enter(actor: Any, what: str, row: PolicyStage) -> None:
    record(
        actor,
        f"policy.{what}",
        object_type="policy_stage",
        object_id=row.pk,
        after={
            "pack": row.pack,
            "sha256": row.sha256,
            "effective_on": row.effective_on.isoformat(),
            "state": str(row.state),
        },
    )
