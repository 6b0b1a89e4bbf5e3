"""举报: anybody reports misuse, without a name if he likes; the authority answers, never the unit it is about (C-SEC-08)."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import Who, record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import AUTHORITY_KINDS, Org

from .. import officers, terms
from ..errors import PrivacyError
from ..models import Complaint, ComplaintState

KINDS = {
    "look": gettext_lazy("无关人员查看学生信息"),
    "leak": gettext_lazy("泄露、公开学生信息"),
    "sale": gettext_lazy("出售或用于商业活动"),
    "excess": gettext_lazy("收集不必要的信息"),
    "refuse": gettext_lazy("不让查阅、更正或删除"),
    "other": gettext_lazy("其他"),
}
OUTCOMES = {
    "true": gettext_lazy("属实, 已处理"),
    "partly": gettext_lazy("部分属实, 已处理"),
    "untrue": gettext_lazy("不属实"),
    "unclear": gettext_lazy("无法查实"),
}
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
_GAPS = re.compile(r"[\s\-_·.]+")


def place_of(pk: Any) -> str:
    """Where the words of a report are bound to."""
    return f"privacy_complaint.sealed:{pk}"


def digest(typed: str) -> bytes:
    """What is kept instead of the receipt code, however it was typed."""
    return vault.index("complaint", _GAPS.sub("", typed[:60]).upper())


def authorities() -> list[tuple[int, str]]:
    """Who can be turned to, with the authority above it; one query."""
    rows = Org.objects.filter(kind__in=AUTHORITY_KINDS, valid_to=None).order_by("path")[:4000]
    return [(o.pk, o.name) for o in rows]


def report(
    *, org_id: int, itself: bool, about: str, kind: str, text: str, contact: str, actor: Any = None
) -> tuple[Complaint, str]:
    """Take a report in and give the receipt code back, which is shown once. Raises `PrivacyError`.

    `itself`: the report is about the authority that was chosen; then the one above handles it.
    """
    if kind not in KINDS:
        raise PrivacyError(_("请选择反映的是哪一类问题"))
    if len(text.strip()) < 10 or len(about.strip()) < 2:
        raise PrivacyError(_("请写明是哪个单位、发生了什么, 至少 10 个字"))
    office = Org.objects.filter(pk=org_id, kind__in=AUTHORITY_KINDS).first()
    if office is None:
        raise PrivacyError(_("请选择主管部门"))
    if itself and office.parent_id is not None:
        office = Org.objects.get(pk=office.parent_id)
    code = "".join(secrets.choice(ALPHABET) for _i in range(LENGTH))
    pk, day = uuid.uuid4(), today()
    with transaction.atomic():
        with acting("writer"):
            made = Complaint.objects.create(
                id=pk,
                number=f"JB{day:%Y%m%d}{secrets.token_hex(3).upper()}",
                org_id=office.pk,
                about=about.strip()[:100],
                kind=kind,
                code=digest(code),
                sealed=vault.seal_json(
                    {"text": text.strip()[:4000], "contact": contact.strip()[:200], "log": []}, place_of(pk)
                ),
                by_user=actor.user_id if actor is not None else None,
                due_on=terms.term("complaint.answer").after(timezone.localtime()).date(),
            )
        # Who reports is not written into the audit: an anonymous report stays one.
        record(
            Who(None, "举报人", "public", office.pk),
            "privacy.complaint.report",
            object_type="privacy_complaint",
            object_id=pk,
            after={"kind": kind},
        )
    return made, "-".join(code[i : i + 4] for i in range(0, LENGTH, 4))


def look(code: str) -> dict[str, Any] | None:
    """What the holder of a receipt code reads: state, deadline, answer. None for a code that was never given."""
    with transaction.atomic(), acting("writer"):
        row = Complaint.objects.filter(code=digest(code)).first()
        if row is None:
            return None
        told = vault.open_json(row.sealed, place_of(row.pk))
        office = Org.objects.get(pk=row.org_id)
    return {
        "number": row.number,
        "state": row.get_state_display(),
        "answered": row.state == ComplaintState.ANSWERED,
        "received_at": row.received_at,
        "due_on": row.due_on,
        "office": office.name,
        "phone": office.phone,
        "outcome": str(OUTCOMES.get(row.outcome, "")),
        "answer": told.get("answer", ""),
        "answered_at": row.answered_at,
        "more": [entry for entry in told["log"] if entry["who"] == "reporter"],
    }


def add(code: str, text: str) -> None:
    """The reporter adds something while it is not answered. Raises `PrivacyError`."""
    if len(text.strip()) < 5:
        raise PrivacyError(_("请至少写 5 个字"))
    with transaction.atomic(), acting("writer"):
        row = Complaint.objects.select_for_update().filter(code=digest(code)).first()
        if row is None:
            raise PrivacyError(_("没有这个查询码"))
        if row.state == ComplaintState.ANSWERED:
            raise PrivacyError(_("已经答复; 有新的情况请另行举报"))
        told = vault.open_json(row.sealed, place_of(row.pk))
        if len(told["log"]) >= 50:
            raise PrivacyError(_("补充的次数太多, 请等待答复"))
        told["log"].append(_entry("reporter", "", text))
        row.sealed = vault.seal_json(told, place_of(row.pk))
        row.save()


def handle(actor: Any, complaint_id: uuid.UUID, *, text: str) -> Complaint:
    """The officer notes what is being done; the first note takes the report up. Raises Http404, `PrivacyError`."""
    officers.require(actor, "privacy.complaint")
    if len(text.strip()) < 2:
        raise PrivacyError(_("请写明查了什么"))
    with transaction.atomic(), acting("writer"):
        row, told = _locked(actor, complaint_id)
        told["log"].append(_entry("officer", actor.user_name, text))
        if row.state == ComplaintState.RECEIVED:
            row.state, row.accepted_at, row.accepted_name = (
                ComplaintState.HANDLING,
                timezone.now(),
                actor.user_name,
            )
        row.sealed = vault.seal_json(told, place_of(row.pk))
        row.save()
    _tell(actor, "handle", row)
    return row


def answer(actor: Any, complaint_id: uuid.UUID, *, outcome: str, text: str) -> Complaint:
    """The officer answers: whoever holds the code reads it. Raises Http404, `PrivacyError`."""
    officers.require(actor, "privacy.complaint")
    if outcome not in OUTCOMES:
        raise PrivacyError(_("请选择查实的结果"))
    if len(text.strip()) < 10:
        raise PrivacyError(_("请写明查实的情况和处理结果, 举报人会看到"))
    with transaction.atomic(), acting("writer"):
        row, told = _locked(actor, complaint_id)
        told["answer"] = text.strip()[:4000]
        row.sealed = vault.seal_json(told, place_of(row.pk))
        row.state, row.outcome = ComplaintState.ANSWERED, outcome
        row.answered_at, row.answered_name = timezone.now(), actor.user_name
        row.save()
    _tell(actor, "answer", row)
    return row


def _entry(who: str, name: str, text: str) -> dict[str, str]:
    return {"who": who, "name": name, "at": timezone.now().isoformat(), "text": text.strip()[:2000]}


def _locked(actor: Any, complaint_id: uuid.UUID) -> tuple[Complaint, dict[str, Any]]:
    row = Complaint.objects.select_for_update().filter(pk=complaint_id, org_id=actor.org_id).first()
    if row is None:
        raise Http404
    if row.state == ComplaintState.ANSWERED:
        raise PrivacyError(_("已经答复"))
    return row, vault.open_json(row.sealed, place_of(row.pk))


def _tell(actor: Any, what: str, row: Complaint) -> None:
    record(
        actor,
        f"privacy.complaint.{what}",
        object_type="privacy_complaint",
        object_id=row.pk,
        after={"state": str(row.state), "kind": row.kind},
    )
