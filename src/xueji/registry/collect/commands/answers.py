"""What a family does with its form, or a teacher for it: look, draft, bring a proof, sign and send, ask for more time."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.commands.signin import WrongPassword, confirm_password
from xueji.ground.crypto import vault
from xueji.ground.files import commands as files
from xueji.ground.files.content import FileRefused
from xueji.ground.standards import fields as national_form
from xueji.registry.family import consents
from xueji.registry.people import groups

from .. import queries, sheet
from ..errors import CollectError
from ..held import Held, held, member_key
from ..models import WITH_FAMILY, Form, State, Task
from ..signing import picture
from ..words import COMMITMENTS, FAMILY_NOTES, PAPERS
from ._base import now, opened, save, tell, words

LONGEST_NOTE = 500
MOST_PROOFS = 8
#: A family asks for at most so many days beyond the end; the teacher may give more.
MOST_LATER = 60


def may_fill(actor: Any, row: Form) -> bool:
    """Whether this actor fills in this form now: the family, or a teacher for it."""
    if row.state not in WITH_FAMILY and not (row.state == State.SENT and actor.can("collect.check")):
        return False
    return (actor.is_portal and row.person_id in actor.persons) or actor.can("collect.check")


def look(actor: Any, task_id: int, person_id: uuid.UUID) -> tuple[Task, Form, Held]:
    """Open a form to fill it in; the first look of the family is written down (已读). Raises Http404."""
    task, row = queries.form(actor, task_id, person_id)
    values = held(actor, [person_id]).get(person_id)
    if values is None or not (actor.is_portal or actor.can("collect.check")):
        raise Http404
    if actor.is_portal and row.state == State.UNREAD and task.open:
        with opened(actor, task_id, person_id) as (_task, mine):
            if mine.state == State.UNREAD:
                mine.state = State.OPENED
                save(mine, "state")
                tell(actor, mine, "read")
        row = mine
    return task, row, values


def save_draft(
    actor: Any, task_id: int, person_id: uuid.UUID, posted: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Keep what was typed, sealed (C-COL-03); returns faults and the raw text of the faulty inputs.

    What is well-formed is kept even where something else is not. Raises Http404, `CollectError`.
    """
    with opened(actor, task_id, person_id) as (task, row):
        if not may_fill(actor, row):
            raise CollectError(_("这份信息已经提交, 现在不能再改。需要改时请班主任退回"))
        before = sheet.answers_of(row)
        allowed = fields_for(actor, task, person_id)
        new, faults, raw = sheet.read(allowed, posted, before["new"])
        notes = {
            k: str(posted[f"note_{k}"]).strip()[:LONGEST_NOTE]
            for k in FAMILY_NOTES
            if str(posted.get(f"note_{k}", "")).strip()
        }
        if "note_interest" not in posted:
            notes = before["notes"]
        _keep(row, {"new": new, "notes": notes})
        row.state = State.OPENED if row.state == State.UNREAD else row.state
        save(row, "sealed", "state")
    return faults, {k: v for k, v in raw.items() if k in faults}


def fields_for(actor: Any, task: Task, person_id: uuid.UUID) -> dict[str, str]:
    """Fields of the task without those to which the family has said no (个人信息保护法 14-16)."""
    found = consents.standings([person_id]).get(person_id, {})
    refused = set(consents.refused_fields(found))
    out = {}
    for spec in national_form.fields():
        member, part = member_key(spec.key)
        no = spec.key in refused or (member and f"member_{part}" in refused)
        # Whoever may not read a group of fields does not fill it in for a family either.
        if spec.key in task.fields and not no and groups.may(actor, groups.of_field(spec)):
            out[spec.key] = task.fields[spec.key]
    return out


def _keep(row: Form, answers: Mapping[str, Any]) -> None:
    row.sealed = vault.seal_json(answers, sheet.place_of(row.task_id, row.person_id))


def attach(
    actor: Any, task_id: int, person_id: uuid.UUID, *, category: str, data: bytes, name: str, key: str = ""
) -> None:
    """Bring a picture or PDF as proof, under an archive category (C-COL-17). Raises Http404, `CollectError`."""
    if category not in PAPERS:
        raise CollectError(_("请选择这是什么材料"))
    with opened(actor, task_id, person_id) as (_task, row):
        if not may_fill(actor, row):
            raise CollectError(_("这份信息已经提交, 现在不能再改。需要改时请班主任退回"))
        add_paper(actor, row, category=category, data=data, name=name, key=key)
        save(row, "proofs")


def add_paper(actor: Any, row: Form, *, category: str, data: bytes, name: str, key: str = "") -> uuid.UUID:
    """Store a paper for the school, the class's teachers and the family; the row is locked, the caller saves it."""
    if len(row.proofs) >= MOST_PROOFS:
        raise CollectError(_("一份信息最多附 %s 份材料") % MOST_PROOFS)
    try:
        file = files.store(
            actor,
            data,
            name=name,
            purpose="collect",
            readers=[row.school_id],
            klasses=[row.class_id] if row.class_id else [],
            person_id=row.person_id,
        )
    except FileRefused as error:
        raise CollectError(error.message) from error
    row.proofs = [
        *row.proofs,
        {
            "file": str(file.id),
            "name": file.name,
            "category": category,
            "key": key,
            "picture": file.mime != "application/pdf",
        },
    ]
    return file.id


def send(
    actor: Any,
    task_id: int,
    person_id: uuid.UUID,
    *,
    declared: bool,
    signature: str = "",
    password: str = "",
    commitments: Sequence[str] = (),
    reason: str = "",
    paper: bool = False,
    version: int | None = None,
) -> Form:
    """Sign and hand in (C-COL-12, C-COL-26): by hand or with the account's password; a teacher for the family with the
    reason, or from the signed paper. Key facts that change need a picture as proof.

    Raises Http404, PermissionDenied, `CollectError`.
    """
    if actor.is_portal and not signature:
        _confirm(actor, password)
    with opened(actor, task_id, person_id, version) as (task, row):
        if not may_fill(actor, row):
            raise CollectError(_("这份信息已经提交, 现在不能再改。需要改时请班主任退回"))
        values = held(actor, [person_id])[person_id]
        answers = sheet.answers_of(row)
        allowed = fields_for(actor, task, person_id)
        new = sheet.changed(values, {k: v for k, v in answers["new"].items() if k in allowed})
        lacking = {} if not actor.is_portal and not new else sheet.wanting(allowed, values, new)
        if lacking:
            raise CollectError(
                _("还有 %(n)s 项没有填好: %(first)s")
                % {"n": len(lacking), "first": "；".join(list(lacking.values())[:3])}
            )
        if sheet.key_fields(new) and not row.proofs:
            raise CollectError(_("改姓名、性别、出生日期或证件号, 要附户口簿或身份证的照片"))
        if actor.is_portal:
            if not declared:
                raise CollectError(_("请勾选“我提供的信息真实、准确”"))
            if [c for c in task.commitments if c not in commitments]:
                raise CollectError(_("请勾选承诺书"))
            _sign(actor, row, signature)
            row.way, row.reason = "online", reason.strip()[:200]
        else:
            row.reason = words(reason)
            row.signed_how = "paper" if paper else "behalf"
            row.way = "paper" if paper else "behalf"
            if paper and not any(p["category"] == "form" for p in row.proofs):
                raise CollectError(_("请先上传签字的采集核对单"))
        row.promised = [c for c in COMMITMENTS if c in commitments and c in task.commitments]
        row.entered_by, row.entered_name, row.sent_at = actor.user_id, actor.user_name[:60], now()
        row.diff = sheet.differences(values, new, family=True)
        row.marks, row.note, row.later_asked = {}, "", False
        _keep(row, {"new": new, "notes": answers["notes"]})
        row.state = State.SENT
        save(
            row, "state", "sealed", "diff", "marks", "note", "way", "reason", "signed_how", "signature_id", "promised",
            "entered_by", "entered_name", "sent_at", "later_asked", "proofs",
        )  # fmt: skip
        tell(
            actor,
            row,
            "behalf" if row.way != "online" else "send",
            row.reason,
            fields=sorted(new),
            signed=row.signed_how,
        )
    return row


def _confirm(actor: Any, password: str) -> None:
    """The account's password instead of a signature, before anything is locked: a wrong one stays counted."""
    if not password:
        raise CollectError(_("请在方框里手写签名, 或输入账号密码确认"))
    try:
        confirm_password(actor, password)
    except WrongPassword as error:
        raise CollectError(error.message) from error


def _sign(actor: Any, row: Form, signature: str) -> None:
    """By hand: the picture is kept; without one the password has been asked. Raises `CollectError`."""
    row.signed_how, row.signature_id = "password", None
    if not signature:
        return
    try:
        file = files.store(
            actor,
            picture(signature),
            name=_("签名.png"),
            purpose="collect",
            readers=[row.school_id],
            klasses=[row.class_id] if row.class_id else [],
            person_id=row.person_id,
        )
    except FileRefused as error:
        raise CollectError(error.message) from error
    row.signed_how, row.signature_id = "drawn", file.id


def ask_later(actor: Any, task_id: int, person_id: uuid.UUID, *, until: date, reason: str) -> None:
    """A family that cannot answer in time asks the teacher for a later day (C-COL-23). Raises `CollectError`."""
    if not actor.is_portal:
        raise PermissionDenied
    today = timezone.localdate()
    with opened(actor, task_id, person_id) as (task, row):
        if row.state not in WITH_FAMILY:
            raise CollectError(_("这份信息已经提交, 不需要延期"))
        if not today <= until <= max(task.due_on, today) + timedelta(days=MOST_LATER):
            raise CollectError(_("请选择今天以后、截止日期后 %s 天以内的日期") % MOST_LATER)
        row.later_asked, row.later_why = True, f"{until.isoformat()} {words(reason)}"[:200]
        save(row, "later_asked", "later_why")
        tell(actor, row, "ask_later", row.later_why)
