"""办理单: the case on paper. Printing is audited before the sheet leaves."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import Role
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.paper.case_sheet import CaseSheet, Difference, Fact, Material, Opinion, render_case_sheet

from .. import page as pages
from ..course import signer
from ..kinds import ACTIONS
from ..models import CaseStatus, CaseStep
from ..routing import policy_for, slots_of
from ._base import audit


def sheet(actor: Any, *, case_id: uuid.UUID, url: str) -> bytes:
    """The sheet of a case as PDF; `url` goes into its QR code (C-CHG-05). Staff only, and never of a draft.

    Raises Http404, `ground.paper.fonts.MissingGlyphs`.
    """
    with translation.override("zh-hans"):  # the paper is Chinese, whatever the reader's screen is
        return _sheet(actor, case_id, url)


def _sheet(actor: Any, case_id: uuid.UUID, url: str) -> bytes:
    page = pages.load(actor, case_id)
    if not page.may("print"):
        raise Http404
    case = page.case
    start = Org.objects.get(pk=case.org_id)
    orgs = {o.pk: o.name for o in Org.objects.filter(pk__in=case.parties)}
    steps = list(CaseStep.objects.filter(case=case).order_by("turn", "seq"))
    slots = slots_of(policy_for(start, timezone.localdate()), case)
    with transaction.atomic(), acting("writer"):
        audit(actor, "print", case)
    now: datetime = timezone.localtime().replace(microsecond=0)
    return render_case_sheet(
        CaseSheet(
            title=_("%s办理单") % page.title.split(" ")[0],
            number=case.number or "",
            org_name=start.name,
            status=str(CaseStatus(case.status).label),
            student=[Fact(label=f["label"], value=f["value"]) for f in page.facts],
            facts=[
                Fact(label=f["label"], value=f["value"], wide=f["label"] == _("原因")) for f in page.wanted
            ]
            + [
                Fact(label=_("例外放行"), value=f"{x['article']}: {x['reason']}({x['by']})", wide=True)
                for x in case.overrides.values()
            ]
            + (
                [Fact(label=_("补录"), value=f"{case.outage['on']} {case.outage['reason']}", wide=True)]
                if case.outage
                else []
            ),
            differences=[Difference(label=d["label"], before=d["old"], after=d["new"]) for d in page.diff],
            materials=[
                Material(name=s["label"], submitted=s["done"])
                for s in pages.evidence_slots(case, slots, page.files)
            ],
            opinions=[
                Opinion(
                    step=f"{s.label} {Role(s.role).label}",
                    org_name=orgs.get(s.org_id, ""),
                    decision=str(ACTIONS.get(s.decision, "")),
                    text=s.opinion,
                    by=signer(s),
                    at=timezone.localtime(s.decided_at) if s.decided_at else None,
                )
                for s in steps
            ],
            basis="；".join(
                dict.fromkeys(f["sentence"].split(":")[0] for f in case.findings if f.get("source"))
            )[:600],
            url=url,
            printed_by=f"{actor.org_name} {actor.user_name}",
            printed_at=now,
        )
    )
