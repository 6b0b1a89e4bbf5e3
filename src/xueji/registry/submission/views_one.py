"""Pages of one school's submission: what is wrong before it is handed in, the children, its deeds."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.policy.places import policy_for

from . import checks, commands, evidence, queries, signing
from .commands.send import scope_of
from .http import run, signature
from .models import State, Submission

PASS_WORDS = (gettext_lazy("数据完整, 同意上报"), gettext_lazy("已抽查, 与原始材料一致"))
RETURN_WORDS = (gettext_lazy("人数与在校人数不符, 请核对"), gettext_lazy("请补全必填项后重新上报"))


@require_GET
def page(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """One school's submission: checks before, who holds it, the children, papers, signatures, history."""
    actor = actor_of(request)
    actor.require("submission.view")
    row = queries.get(actor, submission_id)
    frame = queries.page(actor, row)
    editable = "send" in frame.rights
    context: dict[str, Any] = {
        "row": row,
        "page": frame,
        "state": State(row.state).label,
        "face": {"waiting": "pending", "running": "running", "returned": "returned", "passed": "done"}[
            row.state
        ],
        "due": queries.due_words(row.round.due_at, done=row.state in (State.PASSED, State.RUNNING)),
        "ways": signing.WAYS,
        "signatures": [{"row": s, "way": signing.WAYS.get(s.way, s.way)} for s in frame.signatures],
        "pass_words": [str(w) for w in PASS_WORDS],
        "return_words": [str(w) for w in RETURN_WORDS],
        "explained": [(checks.FINDINGS.get(k, k), v) for k, v in row.explained.items()],
        "checks_url": "/submission/checks/",
    }
    if editable:
        context |= _before(row)
    if row.number:
        class_id, after = whole(request.GET.get("class")), request.GET.get("after", "")[:140]
        returned = request.GET.get("show") == "returned"
        rows, following = queries.children(row, class_id=class_id, returned=returned, after=after)
        asked = {k: v for k, v in (("class", class_id), ("show", "returned" if returned else "")) if v}
        context |= {
            "children": rows,
            "class_id": class_id,
            "returned_only": returned,
            "next_url": "?" + urlencode(asked | {"after": following}) if following else "",
            "first_url": "?" + urlencode(asked) if after else "",
        }
    if "prove" in frame.rights and row.round.evidence:
        policy = policy_for(frame.school, today())
        context["proofs"] = queries.proofs(actor, row)
        context["papers"] = {g: evidence.papers(policy, g) for g in row.round.evidence}
    return render(request, "submission/submission.html", context)


def _before(row: Submission) -> dict[str, Any]:
    """What a school sees before it hands in: every finding, whether it stops, what was said about it."""
    found = checks.counts(scope_of(row)).get(row.school_id, {"total": 0})
    lines = [
        {
            "code": code,
            "label": label,
            "group": checks.GROUP[code],
            "n": found.get(code, 0),
            "stops": code in row.round.blocking,
            "words": row.explained.get(code, ""),
            "url": "/headcount/"
            if code in checks.BY_CLASS
            else f"/submission/checks/?code={code}&submission={row.pk}",
        }
        for code, label in checks.FINDINGS.items()
    ]
    bad = [x for x in lines if x["n"] and (x["stops"] or not x["words"])]
    return {
        "total": found["total"],
        "checks": lines,
        "ready": not bad and found["total"] > 0,
        "bad": len(bad),
    }


def _deed(
    request: HttpRequest,
    submission_id: uuid.UUID,
    permission: str,
    deed: Callable[[Any], Any],
    done: Callable[[Any], str],
) -> HttpResponse:
    actor = actor_of(request)
    actor.require(permission)
    queries.get(actor, submission_id)
    run(request, lambda: deed(actor), done)
    return see_other(reverse("submission:submission", args=[submission_id]))


@require_POST
def explain(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """Say why a finding stays."""
    return _deed(
        request,
        submission_id,
        "submission.send",
        lambda actor: commands.explain(
            actor, submission_id, request.POST.get("finding", ""), request.POST.get("words", "")
        ),
        lambda _row: _("说明已保存, 会随上报一起提交"),
    )


@require_POST
def send(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """Sign and hand in."""
    return _deed(
        request,
        submission_id,
        "submission.send",
        lambda actor: commands.send(
            actor, submission_id, version=whole(request.POST.get("version")), **signature(request)
        ),
        lambda row: _("已上报, 批次号 %(n)s, 待审核") % {"n": row.number},
    )


@require_POST
def pass_(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """Sign and pass on."""
    return _deed(
        request,
        submission_id,
        "submission.decide",
        lambda actor: commands.pass_(
            actor,
            submission_id,
            opinion=request.POST.get("opinion", ""),
            version=whole(request.POST.get("version")),
            **signature(request),
        ),
        lambda _row: _("已签字通过"),
    )


@require_POST
def return_(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """Back to the school: as a whole, or for single children."""
    items = {}
    for raw in request.POST.getlist("person")[:500]:
        try:
            items[uuid.UUID(raw)] = request.POST.get(f"why:{raw}", "") or request.POST.get("why", "")
        except ValueError:
            continue
    return _deed(
        request,
        submission_id,
        "submission.decide",
        lambda actor: commands.return_(
            actor,
            submission_id,
            reasons=request.POST.get("items", "").splitlines(),
            items=items,
            version=whole(request.POST.get("version")),
        ),
        lambda _row: _("已退回学校, 学校可以修改后重新上报"),
    )


@require_POST
def prove(request: HttpRequest, submission_id: uuid.UUID) -> HttpResponse:
    """Papers of one child."""
    try:
        person = uuid.UUID(request.POST.get("person", ""))
    except ValueError:
        raise Http404 from None
    return _deed(
        request,
        submission_id,
        "submission.decide",
        lambda actor: commands.prove(
            actor,
            submission_id,
            person,
            request.POST.get("category", ""),
            seen=request.POST.getlist("seen")[:30],
            words=request.POST.get("note", ""),
        ),
        lambda row: (
            _("已核验, 材料齐全") if row.verified else _("已记录, 材料不全: %s") % "、".join(row.missing)
        ),
    )


@require_GET
def findings(request: HttpRequest) -> HttpResponse:
    """Children of the own school with one finding, by page."""
    actor = actor_of(request)
    actor.require("submission.send")
    code = request.GET.get("code", "blank")
    if code not in checks.FINDINGS or code in checks.BY_CLASS:
        raise Http404
    scope = checks.Scope(schools=(actor.org_id or 0,))
    back, raw = reverse("submission:list"), request.GET.get("submission", "")
    if raw:
        try:
            row = queries.get(actor, uuid.UUID(raw))
        except ValueError:
            raise Http404 from None
        scope, back = scope_of(row), reverse("submission:submission", args=[row.pk])
    after = request.GET.get("after", "")[:900]
    rows, following = checks.children(scope, code, after=after)
    asked = {"code": code} | ({"submission": raw} if raw else {})
    return render(
        request,
        "submission/checks.html",
        {
            "rows": rows,
            "label": checks.FINDINGS[code],
            "back": back,
            "next_url": "?" + urlencode(asked | {"after": following}) if following else "",
            "first_url": "?" + urlencode(asked) if after else "",
        },
    )
