"""The file of an application: made anew from what its maker sees, noted with every child, handed out to keep."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.registry.enrolment import listing
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.family import consents
from xueji.registry.people import commands as people

from .. import judging
from ..errors import ExportRefused
from ..models import Channel, ExportRequest, ExportState
from ..words import FIELDS, PLAIN
from ._rows import locked, note, unit

#: The question of `standards/consents.csv` by which families let data go to a stranger.
OUTSIDE = "outside_activity"
DBA, CENTRE = "数据库管理员", "省级数据中心"
_PIECE = 500
_SHOW: dict[str, tuple[Callable[[enrolment.RosterRow], Any], str, int]] = {
    "name": (lambda r: r.name, "text", 16),
    "sex": (lambda r: r.sex_label, "text", 8),
    "birth_date": (lambda r: r.birth_date, "date", 13),
    "school": (lambda r: r.school_name, "text", 24),
    "grade": (lambda r: r.grade_label, "text", 12),
    "class": (lambda r: r.class_name, "text", 16),
    "seat": (lambda r: str(r.class_seat or ""), "text", 10),
    "status": (lambda r: r.status_label, "text", 12),
}


def make(actor: Actor, key: uuid.UUID) -> tuple[bytes, str]:
    """The file of a granted application and its name, for the office, as often as the unit's rule lets, until its day.

    What is in it is what the actor sees at this moment; noted with the children before it leaves. Raises Http404,
    PermissionDenied, `ExportRefused`.
    """
    actor.require("export.apply")
    org = unit(actor)
    with transaction.atomic(), acting("writer"):
        row = locked(actor, key)
    limits = _ready(org, row)
    if row.channel == Channel.BACKEND:
        raise ExportRefused(
            _("省、市导出经省级负责人书面同意后, 由数据库管理员在省级数据中心执行(申请编号 %s)") % row.number
        )
    judging.running(org, row, exporter=actor.user_name, fields=row.approved)
    return _produce(actor, limits, row, by=(actor.user_id, actor.user_name))


def run_backend(
    actor: Actor, key: uuid.UUID, *, executor_id: int, executor: str, place: str
) -> tuple[bytes, str]:
    """The file of a back-end export, made by the database's administrator in the sight of the unit that applied.

    Raises Http404, PermissionDenied, `ExportRefused` quoting article 8.
    """
    actor.require("export.apply")
    org = unit(actor)
    with transaction.atomic(), acting("writer"):
        row = locked(actor, key)
    limits = _ready(org, row)
    if row.channel != Channel.BACKEND:
        raise ExportRefused(
            _("县级和学校只能从页面导出(《全国中小学生学籍信息管理系统数据导出使用管理规则》第七条)")
        )
    judging.running(org, row, exporter=executor, fields=row.approved, executor=DBA, place=place)
    return _produce(
        actor, limits, row, by=(executor_id, executor), more={"executor": executor, "place": place}
    )


def _ready(org: Org, row: ExportRequest) -> judging.Limits:
    limits = judging.limits(judging.rules_above(org))
    _still(row, limits.files)
    if row.acknowledged_at is None:
        raise ExportRefused(
            _(
                "先签收数据安全责任书: 谁导出、谁负责, 谁使用、谁负责(《全国中小学生学籍信息管理系统数据导出使用管理规则》第五条)"
            )
        )
    return limits


def _still(row: ExportRequest, most: int) -> None:
    if row.state != ExportState.GRANTED or row.until < today():
        raise ExportRefused(_("申请还没有批准, 或已经到期"))
    if row.made >= most:
        raise ExportRefused(_("一件申请最多导出%(n)s次, 请重新申请") % {"n": most})


def _produce(
    actor: Actor,
    limits: judging.Limits,
    row: ExportRequest,
    *,
    by: tuple[int, str],
    more: dict[str, Any] | None = None,
) -> tuple[bytes, str]:
    for f in row.approved:
        if FIELDS[f][1]:
            actor.require(FIELDS[f][1])
    rows = _students(actor, row, limits.rows)
    if row.recipient_kind == "third":
        rows = _agreed(rows)
        if not rows:
            raise ExportRefused(
                _("没有学生的监护人同意提供给校外机构, 不能导出(《个人信息保护法》第二十三条)")
            )
    plain: dict[uuid.UUID, dict[str, str]] = {}
    if sealed := [f for f in row.approved if f in PLAIN]:
        plain = people.release(
            actor,
            [r.person_id for r in rows if not r.former],
            sealed,
            purpose=row.reason,
            about=str(row.pk),
        )
    with transaction.atomic(), acting("writer"):
        # Read again under the lock: of two downloads at once, or one while it is taken back, the second is refused.
        row = locked(actor, row.pk)
        _still(row, limits.files)
        row.made, row.made_at, row.made_rows = row.made + 1, timezone.now(), len(rows)
        row.made_by, row.made_name = by
        row.save(update_fields=["made", "made_at", "made_rows", "made_by", "made_name"])
    note(
        actor,
        "export.file",
        row,
        row_count=len(rows),
        persons=[r.person_id for r in rows],
        after={"medium": _("Excel 文件"), **(more or {})},
    )
    columns = [
        SheetColumn(label=str(FIELDS[f][0]), kind=_SHOW[f][1], width=_SHOW[f][2])  # type: ignore[arg-type]
        if f in _SHOW
        else SheetColumn(label=str(FIELDS[f][0]), width=26)
        for f in row.approved
    ]
    data = write_table(
        columns,
        (
            [_SHOW[f][0](r) if f in _SHOW else plain.get(r.person_id, {}).get(f, "") for f in row.approved]
            for r in rows
        ),
        title=f"{actor.org_name} 学生名册",
        notes=[
            _("编号: %(n)s 用途: %(p)s 使用: %(r)s 责任人: %(w)s")
            % {"n": row.number, "p": row.reason, "r": row.receiver, "w": row.responsible},
            _("批准: %(n)s %(d)s")
            % {"n": row.decided_name, "d": f"{timezone.localtime(row.decided_at):%Y-%m-%d}"},
            _("只用于写明的用途, 用到 %(d)s, 用完销毁并确认") % {"d": row.until.isoformat()},
        ],
        watermark=f"{by[1]} {timezone.localtime():%Y-%m-%d %H:%M}",
    )
    return data, f"{actor.org_name}学生名册{today():%Y%m%d}.xlsx"


def _students(actor: Actor, row: ExportRequest, most: int) -> list[enrolment.RosterRow]:
    query = listing.read(row.conditions)
    rows: list[enrolment.RosterRow] = []
    after = ""
    while True:
        page = enrolment.search(actor, query.text, filters=query.filters, after=after, limit=200)
        rows += page.rows
        after = page.next
        if len(rows) > most:
            raise ExportRefused(_("一次最多导出%(n)s人, 请缩小查询范围") % {"n": most})
        if not after:
            return rows


def _agreed(rows: list[enrolment.RosterRow]) -> list[enrolment.RosterRow]:
    """Those whose family agreed to it, and still does."""
    out: list[enrolment.RosterRow] = []
    for i in range(0, len(rows), _PIECE):
        some = rows[i : i + _PIECE]
        found = consents.standings([r.person_id for r in some])
        out += [r for r in some if r.person_id in found and found[r.person_id][OUTSIDE].holds]
    return out
