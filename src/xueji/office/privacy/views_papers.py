"""Pages of impact assessments and yearly reports."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import carry_out, whole

from . import assessment, documents, officers, queries
from .commands import papers
from .errors import PrivacyError
from .pages import actor_of, attached

KINDS = {
    "impact": gettext_lazy("个人信息保护影响评估"),
    "year": gettext_lazy("未成年人个人信息保护年度审计"),
}
_TONES = {"draft": "grey", "signed": "green", "submitted": "blue", "received": "green"}


@require_safe
def listing(request: HttpRequest, kind: str) -> HttpResponse:
    """The own unit's papers, and those handed in to it."""
    actor = actor_of(request, "privacy.view")
    if kind not in KINDS:
        raise Http404
    mine, given = queries.papers(actor, kind)
    names = queries.names({p.org_id for p in given})
    day = today()
    context = {
        "kind": kind,
        "title": KINDS[kind],
        "rows": [{"p": p, "tone": _TONES[p.state], "org": ""} for p in mine],
        "given": [{"p": p, "tone": _TONES[p.state], "org": names.get(p.org_id, "")} for p in given],
        "acts": officers.acts(actor),
        "stale": kind == "impact" and assessment.stale(actor, assessment.signed(actor.org_id)),
        "years": range(day.year, day.year - papers.YEARS_BACK - 1, -1) if kind == "year" else [],
    }
    return render(request, "privacy/papers.html", context)


@require_POST
def new(request: HttpRequest, kind: str) -> HttpResponse:
    """Begin a paper, or fill the open draft anew."""
    actor = actor_of(request, "privacy.act")
    made: dict[str, Any] = {}
    year = whole(request.POST.get("year"))
    answer = carry_out(
        request,
        lambda: made.update(row=papers.draft(actor, kind=kind, year=year)),
        _("已按系统现在的情况填好, 请核对并评估"),
        reverse("privacy:papers", args=[kind if kind in KINDS else "impact"]),
        refused=PrivacyError,
    )
    if made:
        answer["Location"] = reverse("privacy:paper", args=[made["row"].pk])
    return answer


@require_safe
def paper(request: HttpRequest, paper_id: int) -> HttpResponse:
    """One paper: what the system found, what the officer says."""
    actor = actor_of(request, "privacy.view")
    row = queries.paper(actor, paper_id)
    mine = row.org_id == actor.org_id and officers.acts(actor)
    context = {
        "row": row,
        "title": KINDS[row.kind],
        "tone": _TONES[row.state],
        "levels": list(papers.LEVELS.items()),
        "risks": [{**r, "label": papers.LEVELS.get(r["level"], "")} for r in row.risks],
        "edit": mine and row.state == "draft",
        "may_submit": mine and row.kind == "year" and row.state == "signed",
        "may_receive": row.superior_id == actor.org_id and row.state == "submitted" and officers.acts(actor),
        "changed": row.kind == "impact" and row.state != "draft" and mine and assessment.stale(actor, row),
    }
    return render(request, "privacy/paper.html", context)


@require_POST
def deed(request: HttpRequest, paper_id: int, what: str) -> HttpResponse:
    """Write, sign, hand in, take in."""
    actor = actor_of(request, "privacy.act")
    queries.paper(actor, paper_id)

    def write() -> None:
        papers.write(
            actor,
            paper_id,
            findings=request.POST.get("findings", ""),
            measures=request.POST.get("measures", ""),
            risks=request.POST,
        )

    def sign() -> None:
        write()
        papers.sign(actor, paper_id)

    deeds: dict[str, tuple[Any, str]] = {
        "write": (write, _("已保存")),
        "sign": (sign, _("已签署, 内容不再改变")),
        "submit": (lambda: papers.submit(actor, paper_id), _("已报送上级主管部门")),
        "receive": (lambda: papers.receive(actor, paper_id), _("已接收")),
    }
    if what not in deeds:
        raise Http404
    run, words = deeds[what]
    return carry_out(request, run, words, reverse("privacy:paper", args=[paper_id]), refused=PrivacyError)


@require_safe
def pdf(request: HttpRequest, paper_id: int) -> HttpResponse:
    """The paper as a PDF."""
    actor = actor_of(request, "privacy.view")
    row = queries.paper(actor, paper_id)
    return attached(documents.paper(actor, row), f"{KINDS[row.kind]}-{row.year}-{row.version}.pdf")
