"""审核, 批准, 书面同意: the office tests each field, the head lets it, the province's leader consents (C-EXP-02, 04)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.orgs.models import OrgKind

from .. import judging
from ..errors import ExportRefused
from ..models import Channel, ExportRequest, ExportState
from ._rows import locked, note, unit


def review(
    actor: Actor, key: uuid.UUID, *, fields: Sequence[str], least: bool, word: str = ""
) -> ExportRequest:
    """The data-managing office keeps the fewest fields that the purpose needs and hands it to the head (article 10).

    Raises Http404, PermissionDenied, `ExportRefused` quoting the article.
    """
    actor.require("export.apply")
    org = unit(actor)
    with transaction.atomic():
        with acting("writer"):
            row = locked(actor, key)
        if row.state != ExportState.ASKED:
            raise ExportRefused(_("这件申请已经审核"))
        kept = [f for f in row.fields if f in fields]
        if not kept:
            raise ExportRefused(_("至少保留一项信息; 都不需要的, 请由负责人不批准"))
        judging.deciding(org, row, least=least, manager=f"{org.name}学籍管理部门", decided=[judging.MANAGER])
        row.approved = kept
        row.state = ExportState.REVIEWED
        row.reviewed_by, row.reviewed_name, row.reviewed_at = actor.user_id, actor.user_name, timezone.now()
        row.review_word = word.strip()[:200]
        with acting("writer"):
            row.save()
    note(actor, "export.review", row)
    return row


def decide(actor: Actor, key: uuid.UUID, *, granted: bool, word: str = "") -> ExportRequest:
    """The head's word. Raises Http404, PermissionDenied, `ExportRefused` (answered, one's own, too late, no reason)."""
    actor.require("export.approve")
    org = unit(actor)
    with transaction.atomic():
        with acting("writer"):
            row = locked(actor, key)
        if row.state not in (ExportState.ASKED, ExportState.REVIEWED):
            raise ExportRefused(_("这件申请已经答复"))
        if row.asked_by == actor.user_id:
            raise ExportRefused(_("不能批准自己的申请"))
        if granted and row.until < today():
            raise ExportRefused(_("申请的日期已经过了, 请重新申请"))
        if granted:
            office = [judging.MANAGER] if row.state == ExportState.REVIEWED else []
            judging.deciding(
                org,
                row,
                least=bool(office),
                manager=f"{org.name}学籍管理部门",
                decided=[*office, judging.HEAD],
            )
        if not granted and len(word.strip()) < 2:
            raise ExportRefused(_("请说明不批准的原因"))
        row.state = ExportState.GRANTED if granted else ExportState.REFUSED
        row.decided_by, row.decided_name, row.decided_at = actor.user_id, actor.user_name, timezone.now()
        row.word = word.strip()[:200]
        with acting("writer"):
            row.save()
    note(actor, "export.grant" if granted else "export.refuse", row)
    return row


def consent(actor: Actor, key: uuid.UUID, *, data: bytes, name: str) -> ExportRequest:
    """The province's leader consents in writing to a back-end export (article 8): the signed paper is kept.

    Raises Http404, PermissionDenied, `ExportRefused`, `FileRefused`.
    """
    actor.require("export.approve")
    if actor.org_kind != OrgKind.PROVINCE:
        raise Http404
    with transaction.atomic():
        with acting("writer"):
            row = (
                ExportRequest.objects.select_for_update()
                .filter(pk=key, province_id=actor.org_id, channel=Channel.BACKEND)
                .first()
            )
        if row is None:
            raise Http404
        if row.state != ExportState.GRANTED or row.consented_at is not None:
            raise ExportRefused(_("先由申请单位负责人批准, 才能书面同意; 同意一次即可"))
        if row.asked_by == actor.user_id:
            raise ExportRefused(_("不能同意自己的申请"))
        if not data:
            raise ExportRefused(
                _("请上传签字盖章的书面同意意见(《全国中小学生学籍信息管理系统数据导出使用管理规则》第八条)")
            )
        row.consent_file = files.store(
            actor, data, name=name, purpose="export_consent", readers=sorted({row.org_id, actor.org_id or 0})
        ).id
        row.consented_by, row.consented_name, row.consented_at = (
            actor.user_id,
            actor.user_name,
            timezone.now(),
        )
        with acting("writer"):
            row.save()
    note(actor, "export.consent", row)
    return row


def end(actor: Actor, key: uuid.UUID) -> None:
    """The head takes it back, or whoever asked gives it up. Raises Http404, PermissionDenied, `ExportRefused`."""
    if not actor.can("export.use"):
        actor.require("export.view")
    with transaction.atomic(), acting("writer"):
        row = locked(actor, key)
        if not actor.can("export.approve") and row.asked_by != actor.user_id:
            raise PermissionDenied
        if row.state not in (ExportState.ASKED, ExportState.REVIEWED, ExportState.GRANTED):
            raise ExportRefused(_("这件申请已经结束"))
        row.state, row.ended_at = ExportState.ENDED, timezone.now()
        row.save()
    note(actor, "export.end", row)
