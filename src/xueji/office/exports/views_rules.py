"""Pages of the units' rules about exports, and of what a province opens to its counties."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.accounts.http import actor_of, carry_out, day_of

from . import commands, judging, queries, words
from .errors import ExportRefused
from .forms import OpenForm, RuleForm


@never_cache
@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """The rules that hold for the unit: its own and those above, and the limits that come of them."""
    actor = actor_of(request)
    org, rows, limits = queries.rules_for(actor)
    opening = judging.opened(org.pk) if org.kind == "county" else None
    context: dict[str, Any] = {
        "page_title": _("数据导出和使用制度"),
        "rows": [{"unit": name, "rule": r, "own": r.org_id == org.pk} for name, r in rows],
        "limits": limits,
        "has_own": any(r.org_id == org.pk for _n, r in rows),
        "may_set": actor.can("export.rule"),
        "county": org.kind == "county",
        "opening": opening,
        "purposes": [
            {"p": p, "fields": words.labels(p.fields)} for p in words.purposes().values() if p.fields
        ],
    }
    return render(request, "exports/rules.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rule_new(request: HttpRequest) -> HttpResponse:
    """A new rule of the unit, which takes the place of the last."""
    actor = actor_of(request)
    actor.require("export.rule")
    org, rows, limits = queries.rules_for(actor)
    own = next((r for _n, r in rows if r.org_id == org.pk), None)
    initial: dict[str, Any] = {
        "title": own.title if own else _("学籍数据导出和使用管理制度"),
        "most_days": min(limits.days, own.most_days if own else limits.days),
        "most_files": limits.files,
        "most_rows": limits.rows,
    }
    if own:
        initial |= {
            "text": own.text,
            "responsible": own.responsible,
            "post": own.post,
            "duties": "\n".join(f"{p}: {d}" for p, d in own.duties),
        }
    form = RuleForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        try:
            commands.set_rule(actor, **(data | {"duties": form.lines()}))
        except ExportRefused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("制度已生效"))
            return redirect("exports:rules")
    context = {"page_title": _("制定数据导出和使用制度"), "form": form}
    return render(request, "exports/rule_new.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
def openings(request: HttpRequest) -> HttpResponse:
    """The counties of the province, and which of them may export from the page."""
    actor = actor_of(request)
    context = {
        "page_title": _("县级导出授权"),
        "rows": queries.counties(actor),
        "form": OpenForm(),
    }
    return render(request, "exports/openings.html", context)


@require_POST
def open_county(request: HttpRequest, county_id: int) -> HttpResponse:
    """Open it to a county."""
    actor = actor_of(request)

    def deed() -> None:
        until = day_of(request.POST.get("until"))
        if until is None:
            raise ExportRefused(_("请填写日期"))
        commands.open_county(actor, county_id, document=request.POST.get("document", ""), until=until)

    return carry_out(request, deed, _("已授权"), "/exports/openings/", refused=ExportRefused)


@require_POST
def close_county(request: HttpRequest, county_id: int) -> HttpResponse:
    """Take it back."""
    actor = actor_of(request)
    return carry_out(
        request,
        lambda: commands.close_county(actor, county_id, why=request.POST.get("why", "")),
        _("已收回授权"),
        "/exports/openings/",
        refused=ExportRefused,
    )
