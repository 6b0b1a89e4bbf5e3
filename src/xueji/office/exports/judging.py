"""What the rules say about an export: facts of an application, asked of the packs; a refusal quotes its article.

The articles are those of 全国中小学生学籍信息管理系统数据导出使用管理规则 (NAT-EXP-01 to 15) as the packs of the unit hold them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.models import Org, OrgKind
from xueji.ground.policy import places

from . import words
from .errors import ExportRefused
from .models import Channel, ExportOpening, ExportRequest, ExportRule

TIERS = {
    OrgKind.PROVINCE: "省",
    OrgKind.CITY: "市",
    OrgKind.COUNTY: "县",
    OrgKind.CENTRAL: "学校",
    OrgKind.SCHOOL: "学校",
}
PLAN = "信息使用管理安全保障方案"
CONSENT = "负责人书面同意意见"
MANAGER, HEAD = "数据管理部门", "教育行政部门负责人"
#: The parts of an application, as article 9 names them, and the columns that hold them.
CONTENT = (
    ("数据用途", "reason"), ("使用范围", "use_scope"), ("使用方式", "way"), ("字段名称", "fields"),
    ("使用期限", "until"), ("数据安全责任人", "responsible"), ("经办人", "handler"),
)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """How long a use may last, how often a file may be made, how many rows it may have."""

    days: int
    files: int
    rows: int


def above(org: Org) -> list[int]:
    """The units from the top down to this one."""
    return [int(x) for x in re.findall(r"\d+", org.path)]


def rules_above(org: Org) -> list[ExportRule]:
    """The rules in force of this unit and of those above it, the top's first; one query."""
    line = above(org)
    held = {r.org_id: r for r in ExportRule.objects.filter(org_id__in=line, until=None)}
    return [held[pk] for pk in line if pk in held]


def limits(rules: Sequence[ExportRule]) -> Limits:
    """The strictest of all rules of the line."""
    if not rules:
        return Limits(words.MOST_DAYS, words.MOST_FILES, words.MOST_ROWS)
    return Limits(
        min(r.most_days for r in rules), min(r.most_files for r in rules), min(r.most_rows for r in rules)
    )


def opened(county_id: int) -> ExportOpening | None:
    """What the province has opened to a county and holds today; one query."""
    day = today()
    return ExportOpening.objects.filter(
        Q(org_id=county_id), Q(ended_at=None), Q(since__lte=day), Q(until__gte=day)
    ).first()


def county_door(actor: Any) -> bool:
    """Whether a county's clerk may take the masked list out: the province has opened it (rule, article 7)."""
    return bool(actor.org_kind == OrgKind.COUNTY and actor.can("export.county") and opened(actor.org_id or 0))


def ask(org: Org, event: str, facts: dict[str, Any], only: Collection[str] = ()) -> None:
    """Raise `ExportRefused` with the sentence and article of the first rule that stops it."""
    for finding in places.policy_for(org, today()).evaluate(event, facts, today()).findings:
        if finding.stops and (not only or finding.rule in only):
            raise ExportRefused(finding.sentence)


def applying(org: Org, row: ExportRequest, own: ExportRule | None) -> None:
    """Articles 2, 6 and 9: a rule with a responsible person first, then an application with all its parts and the plan."""
    ask(
        org,
        "export.apply",
        {
            "export.subject": "学生",
            "org.tier": TIERS[OrgKind(org.kind)],
            "org.export_policy": own is not None,
            "org.export_responsible": own.responsible if own else "",
            "export.applied_to_tier": TIERS[OrgKind(org.kind)],
            "case.content": [part for part, column in CONTENT if getattr(row, column)],
            "case.docs": [PLAN] if row.plan_file else [],
        },
    )


def purpose(row: ExportRequest) -> None:
    """Data serve the management of education and teaching only; strangers get none without consent; no field more."""
    found = words.purposes().get(row.purpose_code)
    if found is None:
        raise ExportRefused(_("请选择用途"))
    quoted = f"《{found.source}》{found.article}"
    if found.area == "none":
        raise ExportRefused(_("学籍数据只用于教育管理和教学, 不能用于其他目的(%s)") % quoted)
    if row.recipient_kind not in words.RECIPIENTS:
        raise ExportRefused(_("请选择提供给谁"))
    if row.recipient_kind == "third" and found.area != "consent":
        raise ExportRefused(
            _(
                "不能提供给校外机构: 只有监护人单独同意的校外活动可以提供基本信息(《个人信息保护法》第二十三条)"
            )
        )
    if extra := [f for f in row.fields if f not in found.fields]:
        raise ExportRefused(
            _("“%(purpose)s”用不到这些信息, 不能导出: %(fields)s(%(article)s)")
            % {"purpose": found.name, "fields": words.labels(extra), "article": quoted}
        )


def deciding(org: Org, row: ExportRequest, *, least: bool, manager: str, decided: Sequence[str]) -> None:
    """Articles 4 and 10: another department manages than uses, the fields are the fewest, office then head."""
    ask(
        org,
        "export.decide",
        {
            "export.manager_kind": "学籍管理部门",
            "export.manager_unit": manager,
            "export.user_unit": row.receiver,
            "judged.least_fields": least,
            "case.decided_by": list(decided),
        },
        only=() if HEAD in decided else ("NAT-EXP-03", "NAT-EXP-13"),
    )


def running(
    org: Org, row: ExportRequest, *, exporter: str, fields: Sequence[str], executor: str = "", place: str = ""
) -> None:
    """Articles 3, 5, 7, 8 and 10: noted, with names, by the channel of the tier, no field beyond what was approved."""
    ask(
        org,
        "export.run",
        {
            "export.type": "下载",
            "export.logged": True,
            "export.exporter": exporter,
            "export.user_unit": row.receiver,
            "export.responsible": row.responsible,
            "org.tier": TIERS[OrgKind(org.kind)],
            "export.channel": "页面" if row.channel == Channel.PAGE else "后台",
            "export.province_authorised": org.kind != OrgKind.COUNTY or opened(org.pk) is not None,
            "case.docs": [CONSENT] if row.consent_file else [],
            "export.executor": executor,
            "export.place": place,
            "export.fields": list(fields),
            "export.approved_fields": list(row.approved),
        },
    )
