"""办理单 of a transfer between two installations: the steps of both sides on paper. Audited before it leaves."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.paper.case_sheet import CaseSheet, Fact, Material, Opinion, render_case_sheet

from .. import page as pages
from ..models import RelayCase, RelayStep, Side


def sheet(actor: Any, *, case_id: uuid.UUID, url: str) -> bytes:
    """The sheet of a transfer as PDF; `url` goes into its QR code (C-CHG-05). Staff who take part, never of a draft.

    Raises Http404, PermissionDenied, `ground.paper.fonts.MissingGlyphs`.
    """
    actor.require("relay.view")
    with translation.override("zh-hans"):  # the paper is Chinese, whatever the reader's screen is
        return _sheet(actor, case_id, url)


def _sheet(actor: Any, case_id: uuid.UUID, url: str) -> bytes:
    page = pages.load(actor, case_id)
    case = page.case
    if "print" not in page.rights:
        raise Http404
    own = Org.objects.get(pk=case.org_id)
    steps = sorted(
        RelayStep.objects.filter(case=case), key=lambda s: (s.own != (case.side == Side.IN), s.seq)
    )
    with transaction.atomic(), acting("writer"):
        record(
            actor,
            "relay.print",
            object_type="relay_case",
            object_id=case.case_id,
            person_id=case.person_id,
            after={"number": case.number, "side": case.side, "state": case.state},
        )
    return render_case_sheet(
        CaseSheet(
            title=_("跨省转学办理单"),
            number=case.number or "",
            org_name=own.name,
            status=page.word,
            student=[Fact(label=f["label"], value=f["value"]) for f in page.facts],
            facts=[
                Fact(label=f["label"], value=f["value"], wide=f["label"] == _("原因")) for f in page.wanted
            ]
            + ([Fact(label=_("结果"), value=case.end_reason, wide=True)] if case.end_reason else []),
            materials=[
                Material(name=p["slot"], submitted=True, note="" if p.get("file_id") else _("存于对方系统"))
                for p in case.papers
            ],
            opinions=[_opinion(case, s) for s in steps],
            basis="；".join(
                dict.fromkeys(f["sentence"].split(":")[0] for f in case.findings if f.get("source"))
            )[:600],
            url=url,
            printed_by=f"{actor.org_name} {actor.user_name}",
            printed_at=timezone.localtime().replace(microsecond=0),
        )
    )


def _opinion(case: RelayCase, s: RelayStep) -> Opinion:
    """The box of a step. A step of the other side names its installation, and is as it was last told."""
    return Opinion(
        step=s.label,
        org_name=s.org_name if s.own else f"{s.org_name}({case.peer.name})",
        decision=str(pages.ACTIONS.get(s.decision, "")),
        text=s.opinion,
        by=s.decider_name,
        at=timezone.localtime(s.decided_at) if s.decided_at else None,
    )
