"""The pages of duplicate checks: one child before it is entered, the list of suspicions, one suspicion."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import actor_of, carry_out, see_other, whole

from . import commands
from . import listing as shown
from .errors import DuplicatesError
from .models import PairState

_TABS = ("new", "problem", "different", "merged")


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Suspicions in which the actor's unit takes part, the strongest first."""
    actor = actor_of(request)
    actor.require("duplicate.check")
    state = request.GET.get("tab", "new")
    state = state if state in _TABS else "new"
    rows, following = shown.pairs(
        actor,
        state=state,
        school_id=whole(request.GET.get("school")),
        after=request.GET.get("after", "")[:30],
    )
    counts = shown.counts()
    run = shown.last_run(actor)
    asked = {"tab": state, "school": request.GET.get("school", "")[:9], "after": following}
    return render(
        request,
        "duplicates/list.html",
        {
            "rows": rows,
            "tab": state,
            "views": [
                {
                    "label": str(PairState(t).label),
                    "url": f"?tab={t}",
                    "active": t == state,
                    "count": counts.get(t, 0),
                }
                for t in _TABS
            ],
            "columns": [
                {"label": label}
                for label in (_("第一份档案"), _("第二份档案"), _("为什么"), _("相似度"), _("状态"))
            ],
            "run": run,
            "job": shown.progress(run),
            "may_run": actor.org_kind in ("school", "county") and shown.progress(run) is None,
            "next_url": f"?{urlencode({k: v for k, v in asked.items() if v})}" if following else "",
        },
    )


class CheckForm(forms.Form):
    """What is known of a child about to be entered."""

    name = forms.CharField(label=gettext_lazy("姓名"), max_length=100, required=False)
    sex = forms.ChoiceField(
        label=gettext_lazy("性别"),
        required=False,
        choices=[("", gettext_lazy("请选择")), ("1", gettext_lazy("男")), ("2", gettext_lazy("女"))],
    )
    birth_date = forms.DateField(
        label=gettext_lazy("出生日期"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    number = forms.CharField(
        label=gettext_lazy("身份证件号或学籍号"),
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@never_cache
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """Before a child is entered: whether it has a record anywhere in the installation."""
    actor = actor_of(request)
    actor.require("duplicate.check")
    form = CheckForm(request.POST or None)
    context: dict[str, Any] = {"form": form, "hits": None}
    if request.method == "POST" and form.is_valid():
        born: date | None = form.cleaned_data["birth_date"]
        try:
            context["hits"] = commands.check_one(
                actor,
                name=form.cleaned_data["name"],
                sex=form.cleaned_data["sex"],
                birth=born,
                number=form.cleaned_data["number"],
            )
        except DuplicatesError as error:
            form.add_error(None, error.message)
    return render(request, "duplicates/check.html", context)


@require_POST
def run(request: HttpRequest) -> HttpResponse:
    """Check all records of the own school or county."""
    actor = actor_of(request)
    return carry_out(
        request,
        lambda: commands.start_run(actor),
        _("已开始查重, 完成后结果出现在这里"),
        reverse("duplicates:list"),
        refused=DuplicatesError,
    )


@require_GET
def pair(request: HttpRequest, pair_id: int) -> HttpResponse:
    """One suspicion: both records beside each other, and what can be said of it."""
    actor = actor_of(request)
    actor.require("duplicate.check")
    row = shown.pair(pair_id)
    one, other = row.sides
    fresh = row.state == PairState.NEW
    return render(
        request,
        "duplicates/pair.html",
        {
            "row": row,
            "sides": [
                {
                    "side": s,
                    "facts": [
                        {"label": _("学校"), "value": s.school},
                        *(
                            [
                                {"label": _("姓名"), "value": s.name},
                                {"label": _("性别"), "value": {"1": _("男"), "2": _("女")}.get(s.sex, "")},
                                {
                                    "label": _("出生日期"),
                                    "value": s.birth_date.isoformat() if s.birth_date else "",
                                },
                                {"label": _("班级"), "value": s.class_label or "—"},
                                {"label": _("入校时间"), "value": s.since.isoformat() if s.since else ""},
                            ]
                            if s.person_id
                            else [{"label": _("学校电话"), "value": s.phone or "—"}]
                        ),
                    ],
                }
                for s in row.sides
            ],
            "may_decide": fresh and row.superior_id == actor.org_id,
            "may_problem": fresh and actor.can("case.decide" if actor.org_kind != "school" else "case.start"),
            "merge_urls": [
                (s.school, reverse("duplicates:merge_new", args=[s.person_id, o.person_id]))
                for s, o in ((one, other), (other, one))
                if row.both_seen
                and actor.can("person.merge")
                and row.state in (PairState.NEW, PairState.PROBLEM)
            ],
        },
    )


@require_POST
def different(request: HttpRequest, pair_id: int) -> HttpResponse:
    """They are two children."""
    actor = actor_of(request)
    return carry_out(
        request,
        lambda: commands.decide_different(actor, pair_id, request.POST.get("proof", "")[:300]),
        _("已认定不是同一人, 以后查重不再提示"),
        reverse("duplicates:pair", args=[pair_id]),
        refused=DuplicatesError,
    )


@require_POST
def problem(request: HttpRequest, pair_id: int) -> HttpResponse:
    """Open a problem record of both."""
    actor = actor_of(request)
    try:
        found = commands.open_problem(actor, pair_id)
    except DuplicatesError as error:
        from django.contrib import messages

        messages.error(request, error.message)
        return see_other(reverse("duplicates:pair", args=[pair_id]))
    return see_other(reverse("problems:problem", args=[found.problem_id]))
