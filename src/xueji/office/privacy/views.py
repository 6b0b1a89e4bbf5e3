"""The officer's desk: overview, classes of data, retention and disposal, who the officer is."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import carry_out, whole
from xueji.ground.accounts.models import Permission
from xueji.ground.accounts.roles import Role
from xueji.ground.policy.reading import Article
from xueji.ground.policy.values import speak

from . import documents, officers, queries, retention, terms
from .assessment import STORAGE
from .commands import disposal as disposals
from .commands import officers as naming
from .errors import PrivacyError
from .pages import actor_of, attached


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What waits on the officer's desk."""
    actor = actor_of(request, "privacy.view")
    desk = queries.overview(actor)
    return render(
        request, "privacy/overview.html", {"desk": desk, "acts": officers.acts(actor), "year": today().year}
    )


@require_safe
def classes(request: HttpRequest) -> HttpResponse:
    """分类分级: which data, how sensitive, who reads it, how it lies, how long (C-SEC-06)."""
    actor_of(request, "privacy.view")
    held: dict[str, list[str]] = {}
    for action, role in Permission.objects.filter(held=True).order_by("id").values_list("action", "role"):
        held.setdefault(action, []).append(str(Role(role).label))
    kept = terms.classes()
    rows = [
        {
            "c": c,
            "readers": held.get(c.permission, []),
            "storage": STORAGE.get(c.storage, c.storage),
            "kept": kept[c.retention],
            "tone": {"重要": "red", "敏感": "amber"}.get(c.grade, "grey"),
        }
        for c in terms.data_classes()
    ]
    return render(request, "privacy/classes.html", {"rows": rows})


@require_safe
def kept(request: HttpRequest) -> HttpResponse:
    """Retention classes, what is due, holds, disposals."""
    actor = actor_of(request, "privacy.view")
    orgs = retention.units_of(actor)
    due = retention.due(retention.kinds_for(actor), orgs, actor.org_path, today())
    names = queries.names({d.unit for d in due})
    rows: dict[str, dict[str, Any]] = {}
    for d in due:
        one = rows.setdefault(
            d.kind.code,
            {"kind": d.kind, "ready": 0, "held": 0, "units": [], "first": d.first, "last": d.last},
        )
        one["ready"] += d.ready
        one["held"] += d.held
        one["first"], one["last"] = min(one["first"], d.first), max(one["last"], d.last)
        one["units"].append({"name": retention.unit_label(d.unit, names), "ready": d.ready, "held": d.held})
    done = queries.disposals(actor)
    under_way = {x.kind for x in done if x.state in ("proposed", "approved")}
    classes = _classes(actor)
    longer = {x["k"].code: x["longer"] for x in classes}
    return render(
        request,
        "privacy/retention.html",
        {
            "due": [
                {**r, "busy": code in under_way, "longer": longer.get(code, "")} for code, r in rows.items()
            ],
            "classes": classes,
            "holds": queries.holds(actor),
            "may_hold": actor.can("student.list"),
            "may_decide": actor.can("privacy.approve"),
            "disposals": [
                {"d": d, "kind": terms.classes()[d.kind].term.name, "tone": _TONES[d.state]} for d in done
            ],
            "acts": officers.acts(actor),
            "disposable": retention.kinds_for(actor),
        },
    )


def _classes(actor: Any) -> list[dict[str, Any]]:
    """Every class with its period, and the longer one of the own place with its article."""
    longer = retention.longer_here(actor.org_path, today())
    return [
        {
            "k": k,
            "longer": speak(longer[k.code].keep) if k.code in longer else "",
            "cite": Article.of(longer[k.code].cite) if k.code in longer else None,
        }
        for k in terms.classes().values()
    ]


_TONES = {"proposed": "blue", "approved": "amber", "done": "green", "refused": "grey"}


@require_POST
def propose(request: HttpRequest) -> HttpResponse:
    """Ask for a disposal."""
    actor = actor_of(request, "privacy.act")
    kind, reason = request.POST.get("kind", ""), request.POST.get("reason", "")
    return carry_out(
        request,
        lambda: disposals.propose(actor, kind=kind, reason=reason),
        _("已提出, 等另一位负责人批准"),
        reverse("privacy:retention"),
        refused=PrivacyError,
    )


@require_safe
def disposal(request: HttpRequest, disposal_id: int) -> HttpResponse:
    """One disposal from proposal to certificate."""
    actor = actor_of(request, "privacy.view")
    row = queries.disposal(actor, disposal_id)
    kind = terms.classes()[row.kind]
    facts = [
        {"label": _("数据类别"), "value": kind.term.name},
        {"label": _("保管期限"), "value": f"{kind.term.words} · {kind.term.cite}"},
        {"label": _("销毁在此之前的"), "value": row.cutoff.isoformat()},
        {"label": _("提出时到期"), "value": _("%s 条") % row.found},
        {"label": _("已销毁"), "value": _("%(n)s 条, 文件 %(f)s 个") % {"n": row.done, "f": row.files}},
        {"label": _("起止"), "value": f"{row.first_on or '—'} — {row.last_on or '—'}"},
        {"label": _("方法"), "value": documents.METHODS[kind.method]},
        {"label": _("提出"), "value": f"{row.proposed_name} {documents.stamp(row.proposed_at)}"},
        {"label": _("批准"), "value": f"{row.decided_name} {documents.stamp(row.decided_at)}".strip() or "—"},
        {"label": _("意见"), "value": row.opinion or "—"},
        {"label": _("完成"), "value": documents.stamp(row.ended_at) or "—"},
        {"label": _("内容摘要"), "value": bytes(row.digest).hex()[:32] if row.digest else "—"},
    ]
    context = {
        "row": row,
        "kind": kind,
        "facts": facts,
        "tone": _TONES[row.state],
        "may_decide": row.state == "proposed"
        and actor.can("privacy.approve")
        and row.proposed_by != actor.user_id,
        "own": row.proposed_by == actor.user_id,
    }
    return render(request, "privacy/disposal.html", context)


@require_POST
def decide(request: HttpRequest, disposal_id: int) -> HttpResponse:
    """Approve or refuse."""
    actor = actor_of(request, "privacy.approve")
    approved, opinion = request.POST.get("decision") == "approve", request.POST.get("opinion", "")
    return carry_out(
        request,
        lambda: disposals.decide(actor, disposal_id, approved=approved, opinion=opinion),
        _("已批准, 后台马上开始销毁") if approved else _("已退回"),
        reverse("privacy:disposal", args=[disposal_id]),
        refused=PrivacyError,
    )


@require_safe
def certificate(request: HttpRequest, disposal_id: int) -> HttpResponse:
    """销毁证明 as a PDF."""
    actor = actor_of(request, "privacy.view")
    row = queries.disposal(actor, disposal_id)
    try:
        data = documents.certificate(actor, row)
    except PrivacyError as error:
        return HttpResponse(error.message, status=409, content_type="text/plain; charset=utf-8")
    return attached(data, f"销毁证明-{row.number}.pdf")


@require_http_methods(["GET", "POST"])
def officer(request: HttpRequest) -> HttpResponse:
    """Who the officer is; the head names another."""
    actor = actor_of(request, "privacy.view")
    may = actor.can("privacy.designate")
    if request.method == "POST":
        actor.require("privacy.designate")
        return carry_out(
            request,
            lambda: naming.designate(
                actor,
                user_id=whole(request.POST.get("user_id")) or 0,
                phone=request.POST.get("phone", ""),
            ),
            _("已指定, 姓名和电话在公开的隐私页面上公布"),
            reverse("privacy:officer"),
            refused=PrivacyError,
        )
    context = {
        "officer": officers.current(actor.org_id),
        "may": may,
        "candidates": naming.candidates(actor) if may else [],
    }
    return render(request, "privacy/officer.html", context)
