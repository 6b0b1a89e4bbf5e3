"""对外提供: the register of who may get what, and each handing over (个人信息保护法 20, 21, 23; 网络数据条例 12)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files

from .. import assessment, officers, sharing
from ..errors import PrivacyError
from ..models import Share, Transfer


def register(
    actor: Any,
    *,
    recipient: str,
    recipient_kind: str,
    purpose: str,
    commercial: bool,
    fields: Sequence[str],
    basis: str,
    basis_note: str,
    contract: str,
    since: date,
    until: date,
    at_end: str,
    contract_data: bytes | None = None,
    contract_name: str = "",
) -> Share:
    """Enter whom the unit gives what. An entry that the rules forbid is kept as refused, with every article.

    Raises PermissionDenied, `PrivacyError` for what cannot be read at all, `FileRefused` for the contract's file.
    """
    officers.require(actor)
    if recipient_kind not in sharing.RECIPIENTS or basis not in sharing.BASES or at_end not in sharing.AT_END:
        raise PrivacyError(_("请选择接收方、依据和到期处理"))
    if not recipient.strip() or len(purpose.strip()) < 4 or not fields or set(fields) - set(sharing.FIELDS):
        raise PrivacyError(_("请写明接收方、目的和要提供的信息"))
    if until < since:
        raise PrivacyError(_("止期不能早于起期"))
    with transaction.atomic():
        row = Share(
            org_id=actor.org_id,
            county_id=actor.county_id or actor.org_id,
            recipient=recipient.strip()[:100],
            recipient_kind=recipient_kind,
            purpose=purpose.strip()[:200],
            commercial=commercial,
            fields=list(fields),
            basis=basis,
            basis_note=basis_note.strip()[:200],
            contract=contract.strip()[:100],
            since=since,
            until=until,
            at_end=at_end,
            made_by=actor.user_id,
            made_name=actor.user_name,
        )
        against = sharing.judge(row, assessed=assessment.signed(actor.org_id) is not None)
        row.state = "refused" if against else "active"
        row.refusals = [r.as_json() for r in against]
        if contract_data:
            row.contract_file = files.store(
                actor, contract_data, name=contract_name, purpose="contract", readers=[actor.org_id]
            ).id
        with acting("writer"):
            row.save(force_insert=True)
    _tell(actor, "refuse" if against else "register", row)
    return row


def transfer(actor: Any, share_id: int, *, what: str, rows: int, data: bytes = b"") -> Transfer:
    """Note a handing over under an entry before it leaves. Raises Http404, `PrivacyError` quoting the article."""
    actor.require("privacy.act")
    row = active(actor, share_id)
    with transaction.atomic(), acting("writer"):
        made = Transfer.objects.create(
            share=row,
            org_id=row.org_id,
            county_id=row.county_id,
            user_id=actor.user_id,
            user_name=actor.user_name,
            what=what.strip()[:100],
            fields=row.fields,
            rows=rows,
            sha256=hashlib.sha256(data).hexdigest() if data else "",
        )
    _tell(actor, "transfer", row, n=rows)
    return made


def active(actor: Any, share_id: int) -> Share:
    """The own unit's entry, in force today. Raises Http404, `PrivacyError` with the article."""
    row = Share.objects.filter(pk=share_id, org_id=actor.org_id).first()
    if row is None:
        raise Http404
    if row.state == "refused":
        raise PrivacyError(_("不能提供: %s") % sharing.words(row.refusals))
    today = timezone.localdate()
    if row.state == "ended" or not row.since <= today <= row.until:
        raise PrivacyError(_("不能提供: 登记的期限已过或已结束(《个人信息保护法》第十九条、第二十一条)"))
    return row


def end(actor: Any, share_id: int, *, how: str) -> Share:
    """The recipient has given back or deleted: how that was confirmed. Raises Http404, `PrivacyError`."""
    officers.require(actor)
    if len(how.strip()) < 5:
        raise PrivacyError(_("请写明怎样确认对方已删除或归还, 如: 收到删除证明"))
    with transaction.atomic(), acting("writer"):
        row = Share.objects.select_for_update().filter(pk=share_id, org_id=actor.org_id).first()
        if row is None:
            raise Http404
        if row.state != "active":
            raise PrivacyError(_("这项登记没有在执行"))
        row.state, row.ended_on, row.ended_how = "ended", timezone.localdate(), how.strip()[:200]
        row.save()
    _tell(actor, "end", row)
    return row


def _tell(actor: Any, what: str, row: Share, n: int = 1) -> None:
    record(
        actor,
        f"privacy.share.{what}",
        object_type="privacy_share",
        object_id=row.pk,
        purpose=row.purpose,
        after={"recipient": row.recipient, "fields": row.fields, "state": row.state},
        row_count=n,
    )
