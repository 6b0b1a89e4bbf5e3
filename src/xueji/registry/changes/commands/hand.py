"""After a transfer has taken effect: both schools confirm that the paper file went over (C-TRF-10)."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from ..errors import CaseError
from ..handing import BUSINESS, keeps_register
from ..models import Case, CaseStatus
from ._base import need_words, note, opened, require_status, save


def hand_over(
    actor: Any,
    *,
    case_id: uuid.UUID,
    deed: str,
    how: str = "",
    card: bool = False,
    version: int | None = None,
) -> Case:
    """`handed`: the former school sent the paper file, `how` says by which way, `card` whether the student card went
    with it and its own register has struck the number. `received`: the new school has it.

    Each side confirms its own part once, in this order. Raises PermissionDenied, Http404, `StaleCase`, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        if case.business != BUSINESS:
            raise CaseError(_("只有转学需要移交档案"))
        require_status(case, (CaseStatus.DONE,))
        held: dict[str, Any] = case.summary.get("handover", {})
        today = timezone.localdate().isoformat()
        if deed == "handed":
            _side(actor, case.from_school_id)
            if held:
                raise CaseError(_("档案已于 %s 移交") % held["handed_on"])
            need_words(how)
            how = how.strip()[:200]
            held = {"handed_on": today, "handed_by": actor.user_name, "how": how, "card": card}
            text = how + (_("; 学籍卡片随转, 原学籍号已在学校登记册注销") if card else "")
        elif deed == "received":
            _side(actor, case.to_school_id)
            if not held:
                raise CaseError(_("转出学校还没有确认移交"))
            if held.get("received_on"):
                raise CaseError(_("档案已于 %s 收到") % held["received_on"])
            held = held | {"received_on": today, "received_by": actor.user_name}
            text = how.strip()[:200]
        else:
            raise CaseError(_("请选择要确认的事项"))
        case.summary = case.summary | {"handover": held}
        save(case)
        note(case, actor, f"file_{deed}", text)
        return case


def strike(actor: Any, *, case_id: uuid.UUID, register_no: str = "", version: int | None = None) -> Case:
    """The authority of the former school strikes the number in its own register, once the card went with the child
    (C-TRF-17); `register_no` says where it stood. Once. Raises PermissionDenied, Http404, `StaleCase`, `CaseError`.
    """
    actor.require("case.decide")
    with opened(actor, case_id, version) as case:
        if case.business != BUSINESS:
            raise CaseError(_("只有转学需要移交档案"))
        require_status(case, (CaseStatus.DONE,))
        if not keeps_register(actor, case):
            raise CaseError(_("由转出学校的主管部门注销"))
        held: dict[str, Any] = case.summary.get("handover", {})
        if not held.get("card"):
            raise CaseError(_("转出学校还没有登记学籍卡片随转"))
        if held.get("struck_on"):
            raise CaseError(_("已于 %s 在登记册注销") % held["struck_on"])
        where = register_no.strip()[:60]
        case.summary = case.summary | {
            "handover": held
            | {
                "struck_on": timezone.localdate().isoformat(),
                "struck_by": actor.user_name,
                "struck_at": where,
            }
        }
        save(case)
        note(case, actor, "file_struck", where)
        return case


def _side(actor: Any, org_id: int | None) -> None:
    if actor.org_id != org_id:
        raise CaseError(_("这一步由对方学校确认"))
