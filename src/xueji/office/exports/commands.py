"""Applying for a file with plain numbers, deciding about it, making it (未成年人网络保护条例 36, C-EXP-05, C-SEC-04)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.enrolment import listing
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.people import commands as people

from .errors import ExportRefused
from .models import ExportRequest, ExportState
from .words import FIELDS, MOST_DAYS, MOST_FILES, MOST_ROWS

#: What of the list's address is kept as condition; never what was searched for, which may be a name or a number.
KEYS = ("view", "grade", "sex", "class", "school")
_COLUMNS = (("姓名", "text", 16), ("性别", "text", 8), ("出生日期", "date", 13), ("学校", "text", 24),
            ("年级", "text", 12), ("班级", "text", 16), ("学籍状态", "text", 12))  # fmt: skip


def ask(
    actor: Actor,
    *,
    fields: Sequence[str],
    conditions: Mapping[str, str],
    reason: str,
    receiver: str,
    until: date,
) -> ExportRequest:
    """Ask the head of the own unit. Raises `ExportRefused` with words, PermissionDenied."""
    actor.require("export.apply")
    if actor.org_id is None:
        raise PermissionDenied
    wanted = [f for f in FIELDS if f in fields]
    if not wanted:
        raise ExportRefused(_("请选择需要哪些完整信息"))
    for f in wanted:
        actor.require(FIELDS[f][1])
    if len(reason.strip()) < 4 or len(receiver.strip()) < 2:
        raise ExportRefused(_("请写明用途(至少4个字)和由谁使用"))
    if not today() <= until <= today() + timedelta(days=MOST_DAYS):
        raise ExportRefused(_("截止日期要在今天起%(n)s天以内") % {"n": MOST_DAYS})
    kept = {k: str(conditions.get(k, ""))[:100] for k in KEYS if conditions.get(k)}
    row = ExportRequest(
        org_id=actor.org_id,
        fields=wanted,
        conditions=kept,
        shown=in_words(actor, kept),
        reason=reason.strip()[:200],
        receiver=receiver.strip()[:100],
        until=until,
        asked_by=actor.user_id,
        asked_name=actor.user_name,
    )
    with transaction.atomic(), acting("writer"):
        row.save(force_insert=True)
    _note(actor, "export.ask", row)
    return row


def decide(actor: Actor, key: uuid.UUID, *, granted: bool, word: str = "") -> ExportRequest:
    """The head's word. Raises Http404, PermissionDenied, `ExportRefused` (answered, one's own, too late, no reason)."""
    actor.require("export.approve")
    with transaction.atomic(), acting("writer"):
        row = _locked(actor, key)
        if row.state != ExportState.ASKED:
            raise ExportRefused(_("这件申请已经答复"))
        if row.asked_by == actor.user_id:
            raise ExportRefused(_("不能批准自己的申请"))
        if granted and row.until < today():
            raise ExportRefused(_("申请的日期已经过了, 请重新申请"))
        if not granted and len(word.strip()) < 2:
            raise ExportRefused(_("请说明不批准的原因"))
        row.state = ExportState.GRANTED if granted else ExportState.REFUSED
        row.decided_by, row.decided_name, row.decided_at = actor.user_id, actor.user_name, timezone.now()
        row.word = word.strip()[:200]
        row.save()
    _note(actor, "export.grant" if granted else "export.refuse", row)
    return row


def end(actor: Actor, key: uuid.UUID) -> None:
    """The head takes it back, or whoever asked gives it up. Raises Http404, PermissionDenied, `ExportRefused`."""
    actor.require("export.view")
    with transaction.atomic(), acting("writer"):
        row = _locked(actor, key)
        if not actor.can("export.approve") and row.asked_by != actor.user_id:
            raise PermissionDenied
        if row.state not in (ExportState.ASKED, ExportState.GRANTED):
            raise ExportRefused(_("这件申请已经结束"))
        row.state, row.ended_at = ExportState.ENDED, timezone.now()
        row.save()
    _note(actor, "export.end", row)


def make(actor: Actor, key: uuid.UUID) -> tuple[bytes, str]:
    """The file of a granted application and its name, for whoever asked, five times at most, until its day.

    What is in it is what the actor sees at this moment; noted with the children before it leaves. Raises Http404,
    PermissionDenied, `ExportRefused`.
    """
    actor.require("export.apply")
    with transaction.atomic(), acting("writer"):
        row = _locked(actor, key)
        if row.asked_by != actor.user_id:
            raise PermissionDenied(_("只有申请人可以导出"))
        if row.state != ExportState.GRANTED or row.until < today():
            raise ExportRefused(_("申请还没有批准, 或已经到期"))
        if row.made >= MOST_FILES:
            raise ExportRefused(_("一件申请最多导出%(n)s次, 请重新申请") % {"n": MOST_FILES})
    for f in row.fields:
        actor.require(FIELDS[f][1])
    rows = _students(actor, row)
    plain = people.release(
        actor,
        [r.person_id for r in rows if not r.former],
        row.fields,
        purpose=row.reason,
        about=str(row.pk),
    )
    with transaction.atomic(), acting("writer"):
        row.made, row.made_at, row.made_rows = row.made + 1, timezone.now(), len(rows)
        row.save(update_fields=["made", "made_at", "made_rows"])
    stamp = f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}"
    columns = [SheetColumn(label=label, kind=kind, width=width) for label, kind, width in _COLUMNS]  # type: ignore[arg-type]
    columns += [SheetColumn(label=str(FIELDS[f][0]), width=26) for f in row.fields]
    data = write_table(
        columns,
        (
            (
                r.name, r.sex_label, r.birth_date, r.school_name, r.grade_label, r.class_name, r.status_label,
                *(plain.get(r.person_id, {}).get(f, "") for f in row.fields),
            )
            for r in rows
        ),
        title=f"{actor.org_name} 学生名册",
        notes=[
            _("用途: %(p)s 使用: %(r)s") % {"p": row.reason, "r": row.receiver},
            _("批准: %(n)s %(d)s") % {"n": row.decided_name, "d": f"{timezone.localtime(row.decided_at):%Y-%m-%d}"},
            _("含完整号码, 仅限写明的用途, 用完销毁"),
        ],
        watermark=stamp,
    )  # fmt: skip
    return data, f"{actor.org_name}学生名册{today():%Y%m%d}.xlsx"


def in_words(actor: Actor, conditions: Mapping[str, str]) -> str:
    """The conditions as the head reads them."""
    query = listing.read(conditions)
    parts = [str(listing.VIEWS[query.view][0])]
    choices = listing.choices(actor)
    parts += [name for code, name in choices["grades"] if code == query.grade]
    parts += [name for key, name in choices["schools"] if key == query.filters.school_id]
    if query.filters.sex:
        parts.append(SEX_WORDS[query.filters.sex])
    if query.filters.class_id:
        parts.append(_("指定班级"))
    return " · ".join(str(p) for p in parts)[:200]


def _students(actor: Actor, row: ExportRequest) -> list[enrolment.RosterRow]:
    query = listing.read(row.conditions)
    rows: list[enrolment.RosterRow] = []
    after = ""
    while True:
        page = enrolment.search(actor, query.text, filters=query.filters, after=after, limit=200)
        rows += page.rows
        after = page.next
        if len(rows) > MOST_ROWS:
            raise ExportRefused(_("一次最多导出%(n)s人, 请缩小查询范围") % {"n": MOST_ROWS})
        if not after:
            return rows


def _locked(actor: Actor, key: uuid.UUID) -> ExportRequest:
    row = ExportRequest.objects.select_for_update().filter(pk=key, org_id=actor.org_id or 0).first()
    if row is None:
        raise Http404
    return row


def _note(actor: Any, action: str, row: ExportRequest) -> None:
    record(
        actor,
        action,
        object_type="export",
        object_id=row.pk,
        purpose=row.reason,
        after={
            "fields": row.fields,
            "conditions": row.conditions,
            "receiver": row.receiver,
            "until": row.until.isoformat(),
            "state": str(row.state),
        },
    )
