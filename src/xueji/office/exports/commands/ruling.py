"""制度 and 授权: the unit's own rule about exports (article 6; C-EXP-07), what a province opens (article 7; C-EXP-01)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org, OrgKind

from .. import judging
from ..errors import ExportRefused
from ..models import ExportOpening, ExportRule
from ..words import OUTERMOST_DAYS, OUTERMOST_FILES, OUTERMOST_ROWS
from ._rows import in_turn, unit


def set_rule(
    actor: Actor,
    *,
    title: str,
    text: str,
    responsible: str,
    post: str,
    duties: Sequence[tuple[str, str]],
    most_days: int,
    most_files: int,
    most_rows: int,
) -> ExportRule:
    """The head puts the unit's rule in force; the one before ends. No limit may be wider than one above.

    Raises PermissionDenied, `ExportRefused`.
    """
    actor.require("export.rule")
    org = unit(actor)
    kept = [(p.strip()[:50], d.strip()[:200]) for p, d in duties if p.strip() and d.strip()]
    if len(text.strip()) < 20 or not responsible.strip() or not post.strip() or not kept:
        raise ExportRefused(
            _("制度要有正文、责任人和岗位职责(《全国中小学生学籍信息管理系统数据导出使用管理规则》第六条)")
        )
    if not (
        1 <= most_days <= OUTERMOST_DAYS
        and 1 <= most_files <= OUTERMOST_FILES
        and 1 <= most_rows <= OUTERMOST_ROWS
    ):
        raise ExportRefused(
            _("最长%(d)s天, 最多%(f)s次, 最多%(r)s人")
            % {"d": OUTERMOST_DAYS, "f": OUTERMOST_FILES, "r": OUTERMOST_ROWS}
        )
    higher = [r for r in judging.rules_above(org) if r.org_id != org.pk]
    if higher:
        most = judging.limits(higher)
        if most_days > most.days or most_files > most.files or most_rows > most.rows:
            raise ExportRefused(
                _("不能比上级的规定更宽: 上级最长%(d)s天, 最多%(f)s次, 最多%(r)s人")
                % {"d": most.days, "f": most.files, "r": most.rows}
            )
    with transaction.atomic(), acting("writer"):
        in_turn("export_rule", org.pk)
        ExportRule.objects.filter(org_id=org.pk, until=None).update(until=today())
        row = ExportRule.objects.create(
            org_id=org.pk,
            title=title.strip()[:100] or _("学籍数据导出和使用管理制度"),
            text=text.strip()[:8000],
            responsible=responsible.strip()[:50],
            post=post.strip()[:50],
            duties=[list(x) for x in kept],
            most_days=most_days,
            most_files=most_files,
            most_rows=most_rows,
            since=today(),
            set_by=actor.user_id,
            set_name=actor.user_name,
        )
    record(
        actor,
        "export.rule",
        object_type="export_rule",
        object_id=row.pk,
        after={"days": most_days, "files": most_files, "rows": most_rows, "responsible": row.responsible},
    )
    return row


def open_county(actor: Actor, county_id: int, *, document: str, until: date) -> ExportOpening:
    """The province lets a county export from the page until a day. Raises PermissionDenied, `ExportRefused`."""
    actor.require("export.open")
    county = _county(actor, county_id)
    if len(document.strip()) < 2:
        raise ExportRefused(_("请写明授权文件"))
    if not today() <= until <= today() + timedelta(days=366):
        raise ExportRefused(_("授权最长一年"))
    with transaction.atomic(), acting("writer"):
        in_turn("export_opening", county.pk)
        if ExportOpening.objects.filter(org_id=county.pk, ended_at=None, until__gte=today()).exists():
            raise ExportRefused(_("已经授权, 不用重复"))
        # One that ran out is closed, so that there is one open line a county.
        ExportOpening.objects.filter(org_id=county.pk, ended_at=None).update(
            ended_at=timezone.now(), ended_name=actor.user_name, ended_why=_("到期")
        )
        row = ExportOpening.objects.create(
            org_id=county.pk,
            province_id=actor.org_id or 0,
            document=document.strip()[:100],
            since=today(),
            until=until,
            set_by=actor.user_id,
            set_name=actor.user_name,
        )
    _tell(actor, "export.open", row)
    return row


def close_county(actor: Actor, county_id: int, *, why: str) -> None:
    """The province takes it back, at once. Raises PermissionDenied, `ExportRefused`."""
    actor.require("export.open")
    county = _county(actor, county_id)
    if len(why.strip()) < 2:
        raise ExportRefused(_("请说明收回的原因"))
    with transaction.atomic(), acting("writer"):
        row = ExportOpening.objects.select_for_update().filter(org_id=county.pk, ended_at=None).first()
        if row is None:
            raise ExportRefused(_("没有授权"))
        row.ended_at, row.ended_name, row.ended_why = timezone.now(), actor.user_name, why.strip()[:200]
        row.save()
    _tell(actor, "export.close", row)


def _county(actor: Actor, county_id: int) -> Org:
    if actor.org_kind != OrgKind.PROVINCE:
        raise PermissionDenied
    found = Org.objects.filter(
        pk=county_id, kind=OrgKind.COUNTY, path__startswith=actor.org_path, valid_to=None
    ).first()
    if found is None:
        raise ExportRefused(_("没有这个县"))
    return found


def _tell(actor: Actor, action: str, row: ExportOpening) -> None:
    record(
        actor,
        action,
        object_type="export_opening",
        object_id=row.pk,
        after={"county": row.org_id, "document": row.document, "until": row.until.isoformat()},
    )
