"""Impact assessments and yearly reports: drafted from what the system knows, completed, signed, handed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org

from .. import assessment, officers, yearly
from ..errors import PrivacyError
from ..models import Paper, PaperState

LEVELS = {"low": gettext_lazy("低"), "middle": gettext_lazy("中"), "high": gettext_lazy("高")}
YEARS_BACK = 3


def draft(actor: Any, *, kind: str, year: int | None = None) -> Paper:
    """Begin a paper, or fill the open draft anew: what the officer wrote about a risk that is still there stays."""
    officers.require(actor)
    today = timezone.localdate()
    of_year = year if kind == "year" and year else today.year
    if kind not in ("impact", "year") or not today.year - YEARS_BACK <= of_year <= today.year:
        raise PrivacyError(_("没有这一种报告或年度"))
    if kind == "impact":
        content, risks, config = assessment.gather(actor)
    else:
        content, risks, config = yearly.gather(actor, of_year), [], ""
    with transaction.atomic(), acting("writer"):
        mine = Paper.objects.select_for_update().filter(kind=kind, org_id=actor.org_id, year=of_year)
        row = mine.filter(state=PaperState.DRAFT).first()
        if row is None:
            last = mine.aggregate(n=Max("version"))["n"] or 0
            row = Paper(
                kind=kind,
                org_id=actor.org_id,
                year=of_year,
                version=last + 1,
                made_by=actor.user_id,
                made_name=actor.user_name,
            )
        said = {r["key"]: r for r in row.risks}
        row.content = {"sections": content, "on": today.isoformat()}
        row.risks = [said.get(r["key"], r) | {"text": r["text"]} for r in risks]
        row.config = config
        row.save()
    _tell(actor, "draft", row)
    return row


def write(actor: Any, paper_id: int, *, findings: str, measures: str, risks: Mapping[str, Any]) -> Paper:
    """The officer's own words: findings, measures, and for each risk its level, the measure and what remains."""
    officers.require(actor)
    with transaction.atomic(), acting("writer"):
        row = _open(actor, paper_id)
        row.findings, row.measures = findings.strip()[:4000], measures.strip()[:4000]
        out = []
        for risk in row.risks:
            key = risk["key"]
            level = str(risks.get(f"level:{key}", risk["level"]))
            out.append(
                risk
                | {
                    "level": level if level in LEVELS else "",
                    "measure": str(risks.get(f"measure:{key}", risk["measure"]))[:300],
                    "left": str(risks.get(f"left:{key}", risk["left"]))[:300],
                }
            )
        row.risks = out
        row.save()
    _tell(actor, "write", row)
    return row


def sign(actor: Any, paper_id: int) -> Paper:
    """Freeze a paper under the officer's name. Raises `PrivacyError` while a risk is not assessed."""
    officers.require(actor)
    with transaction.atomic(), acting("writer"):
        row = _open(actor, paper_id)
        missing = [r["text"] for r in row.risks if not r["level"] or not r["measure"]]
        if missing:
            raise PrivacyError(
                _("还有 %(n)s 项风险没有评估, 如: %(what)s") % {"n": len(missing), "what": missing[0]}
            )
        if not row.measures:
            raise PrivacyError(_("请写明结论和要采取的措施"))
        row.state = PaperState.SIGNED
        row.signed_by, row.signed_name, row.signed_at = actor.user_id, actor.user_name, timezone.now()
        row.save()
    _tell(actor, "sign", row)
    return row


def submit(actor: Any, paper_id: int) -> Paper:
    """Hand a signed yearly report in to the authority above (条例 37). Raises `PrivacyError` where there is none."""
    officers.require(actor)
    superior = _superior(actor)
    if superior is None:
        raise PrivacyError(_("本单位没有上级主管部门, 请打印后报网信部门"))
    with transaction.atomic(), acting("writer"):
        row = Paper.objects.select_for_update().filter(pk=paper_id, org_id=actor.org_id, kind="year").first()
        if row is None:
            raise Http404
        if row.state != PaperState.SIGNED:
            raise PrivacyError(_("签署后才能报送, 报送过的不能再报"))
        row.state, row.superior_id, row.submitted_at = PaperState.SUBMITTED, superior, timezone.now()
        row.save()
    _tell(actor, "submit", row)
    return row


def receive(actor: Any, paper_id: int) -> Paper:
    """The authority takes a report in. Raises Http404, `PrivacyError`."""
    officers.require(actor)
    with transaction.atomic(), acting("writer"):
        row = Paper.objects.select_for_update().filter(pk=paper_id, superior_id=actor.org_id).first()
        if row is None:
            raise Http404
        if row.state != PaperState.SUBMITTED:
            raise PrivacyError(_("这份报告已经接收"))
        row.state, row.received_at, row.received_name = PaperState.RECEIVED, timezone.now(), actor.user_name
        row.save()
    _tell(actor, "receive", row)
    return row


def _superior(actor: Any) -> int | None:
    """The authority to which the unit reports: that in charge of a school, else the unit above."""
    if actor.org_kind == "school":
        return int(actor.county_id)
    return Org.objects.values_list("parent_id", flat=True).get(pk=actor.org_id)


def _open(actor: Any, paper_id: int) -> Paper:
    row = Paper.objects.select_for_update().filter(pk=paper_id, org_id=actor.org_id).first()
    if row is None:
        raise Http404
    if row.state != PaperState.DRAFT:
        raise PrivacyError(_("已经签署, 不能再改; 需要时重新起草一份"))
    return row


def _tell(actor: Any, what: str, row: Paper) -> None:
    record(
        actor,
        f"privacy.paper.{what}",
        object_type="privacy_paper",
        object_id=row.pk,
        after={"kind": row.kind, "year": row.year, "version": row.version, "state": str(row.state)},
    )
