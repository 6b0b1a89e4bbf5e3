"""Pages of the joint review of a term, of records that nobody has touched for long, and of the proofreading list."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.orgs.queries import classes_of

from . import books, commands, reviews, stale, terms
from .http import download, moment, run, signature
from .models import TermReview


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """The own school's review of a term, or the reviews of the schools below."""
    actor = actor_of(request)
    actor.require("submission.view")
    day = today()
    term = terms.read(request.GET.get("term"), day)
    context: dict[str, Any] = {"term": term, "terms": terms.choices(day), "figure_names": reviews.FIGURES}
    if actor.org_kind == "school":
        row = reviews.of_school(actor.org_id or 0, term)
        current = term == terms.now(day)
        look = reviews.look(actor, term) if current else None
        given = {f["code"]: f["how"] for f in row.findings} if row else {}
        context |= {
            "row": row,
            "look": look,
            "lines": [{"row": f, "how": given.get(f.code, "")} for f in look.findings] if look else [],
            "figures": [
                (
                    label,
                    (look.figures if look else row.figures if row else {}).get(key, 0),
                    _("个") if key in reviews.CLASSES else _("人"),
                )
                for key, label in reviews.FIGURES.items()
            ],
            "may_send": actor.can("submission.send") and current and (row is None or row.state != "accepted"),
            "today": day,
        }
        return render(request, "submission/review.html", context)
    only = request.GET.get("show", "")
    rows, following = reviews.of_schools(actor, term, after=request.GET.get("after", "")[:180], only=only)
    base = {"term": term.key, "show": only}
    context |= {
        "rows": [
            {
                "row": r,
                "figures": [(label, r.review.figures.get(key, 0)) for key, label in reviews.FIGURES.items()]
                if r.review
                else [],
            }
            for r in rows
        ],
        "views": [
            {"label": label, "url": "?" + urlencode({"term": term.key, "show": key}), "active": key == only}
            for key, label in (
                ("", _("全部学校")), ("missing", _("未报送")), ("sent", _("待受理")), ("accepted", _("已受理")),
            )
        ],
        "next_url": "?" + urlencode(base | {"after": following}) if following else "",
        "first_url": "?" + urlencode(base) if request.GET.get("after") else "",
        "may_answer": actor.can("submission.decide"),
        "county": actor.org_id,
    }  # fmt: skip
    return render(request, "submission/reviews.html", context)


@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Sign and hand in the review."""
    actor = actor_of(request)
    actor.require("submission.send")
    held = moment(request.POST.get("held_on"))
    resolved = {k.removeprefix("how:"): str(v) for k, v in request.POST.items() if k.startswith("how:")}
    run(
        request,
        lambda: commands.send_review(
            actor,
            held_on=held.date() if held else today(),
            members=request.POST.get("members", ""),
            resolved=resolved,
            **signature(request),
        ),
        lambda _row: _("会审结果已报送主管部门"),
    )
    return see_other(reverse("submission:reviews"))


@require_POST
def answer(request: HttpRequest, review_id: int) -> HttpResponse:
    """Accept a review or send it back."""
    actor = actor_of(request)
    actor.require("submission.decide")
    accept = request.POST.get("deed") == "accept"
    run(
        request,
        lambda: commands.answer_review(actor, review_id, accept=accept, words=request.POST.get("words", "")),
        lambda _row: _("已受理") if accept else _("已退回学校"),
    )
    return see_other(reverse("submission:reviews"))


@require_GET
def review_pdf(request: HttpRequest, review_id: int) -> HttpResponse:
    """The review on paper."""
    actor = actor_of(request)
    actor.require("submission.view")
    row = TermReview.objects.filter(pk=review_id).first()
    data, name = books.review_pdf(actor, row)
    return download(data, name, "pdf")


@require_GET
def untouched(request: HttpRequest) -> HttpResponse:
    """Records of the own school that nobody has updated for long (C-INF-06)."""
    actor = actor_of(request)
    actor.require("submission.send")
    months = whole(request.GET.get("months")) or 12
    months = months if months in stale.CHOICES else 12
    after = request.GET.get("after", "")[:80]
    rows, following = stale.children(actor, months, after=after)
    return render(
        request,
        "submission/stale.html",
        {
            "months": months,
            "choices": stale.CHOICES,
            "rows": rows,
            "total": stale.count(actor, months),
            "next_url": "?" + urlencode({"months": str(months), "after": following}) if following else "",
            "first_url": f"?months={months}" if after else "",
        },
    )


@require_GET
def proofreading(request: HttpRequest) -> HttpResponse:
    """全校信息核对: choose classes, get the list on paper or as a workbook, and the form for corrections (C-DUP-07)."""
    actor = actor_of(request)
    actor.require("submission.send")
    return render(
        request,
        "submission/proofreading.html",
        {
            "classes": classes_of(actor.org_id or 0),
            "term": terms.now(today()),
            "corrected": books.corrections(actor, limit=200),
        },
    )


@require_GET
def proof_file(request: HttpRequest, form: str) -> HttpResponse:
    """The proofreading list as a file."""
    actor = actor_of(request)
    actor.require("submission.send")
    data, name = books.proof_list(actor, form, class_id=whole(request.GET.get("class")))
    return download(data, name, form)


@require_GET
def correction_form(request: HttpRequest) -> HttpResponse:
    """学籍信息更正表 of this term: what was corrected, and room for what is to be."""
    actor = actor_of(request)
    actor.require("submission.send")
    data, name = books.correction_form(actor)
    return download(data, name, "pdf")
