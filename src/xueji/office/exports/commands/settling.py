"""责任书 and 销毁确认: who uses answers for it, and says at the end what became of the file (article 5; C-EXP-06)."""

from __future__ import annotations

import uuid
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files

from ..errors import ExportRefused
from ..models import ExportRequest, ExportState
from ..queries import answers
from ..words import SETTLED
from ._rows import locked, note


def acknowledge(
    actor: Actor, key: uuid.UUID, *, read: bool, data: bytes = b"", name: str = ""
) -> ExportRequest:
    """The responsible person takes the promise: by the account that applied, or on the signed paper that is uploaded.

    Raises Http404, PermissionDenied, `ExportRefused`, `FileRefused`.
    """
    _may(actor)
    with transaction.atomic():
        with acting("writer"):
            row = locked(actor, key)
        if row.state != ExportState.GRANTED or row.acknowledged_at is not None:
            raise ExportRefused(_("批准以后签收, 签收一次即可"))
        if not read:
            raise ExportRefused(_("请确认已经读过责任书"))
        if not answers(actor, row) and not data:
            raise ExportRefused(
                _("责任人“%s”不是提出申请的您本人, 请上传有责任人签字的责任书") % row.responsible
            )
        if data:
            row.acknowledged_file = files.store(
                actor, data, name=name, purpose="export_promise", readers=[row.org_id], klasses=actor.classes
            ).id
        row.acknowledged_at, row.acknowledged_name = timezone.now(), row.responsible
        with acting("writer"):
            row.save()
    note(actor, "export.acknowledge", row)
    return row


def settle(actor: Actor, key: uuid.UUID, *, how: str, on: date | None, word: str) -> ExportRequest:
    """Confirm that the file was destroyed or given back: how, when, who saw it.

    Raises Http404, PermissionDenied, `ExportRefused`.
    """
    _may(actor)
    with transaction.atomic(), acting("writer"):
        row = locked(actor, key)
        if not row.made or row.state not in (ExportState.GRANTED, ExportState.ENDED):
            raise ExportRefused(_("没有导出过文件, 或已经确认"))
        if how not in SETTLED or len(word.strip()) < 4:
            raise ExportRefused(_("请选择销毁或归还, 并写明怎样处理、谁在场(至少4个字)"))
        if on is None or row.made_at is None or not timezone.localtime(row.made_at).date() <= on <= today():
            raise ExportRefused(_("日期要在最后一次导出之后, 不能晚于今天"))
        row.state, row.settled_how, row.settled_on = ExportState.SETTLED, how, on
        row.settled_word, row.settled_name, row.settled_at = (
            word.strip()[:200],
            actor.user_name,
            timezone.now(),
        )
        row.save()
    note(actor, "export.settle", row)
    return row


def _may(actor: Actor) -> None:
    if not (actor.can("export.use") or actor.can("export.apply")):
        raise PermissionDenied
