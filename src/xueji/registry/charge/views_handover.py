"""Hand-over: written by who manages the accounts, confirmed by the successor, printed for both signatures."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts import queries as accounts
from xueji.ground.accounts.actor import today
from xueji.ground.accounts.commands import AccountError
from xueji.ground.accounts.http import actor_of, carry_out
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.duty.queries import org_name
from xueji.ground.paper.duty_sheet import DutySheet, render_duty_sheet

from . import commands, handing, queries
from .errors import ChargeError


class HandOverForm(forms.Form):
    """What goes to whom, from which day."""

    assignments = forms.TypedMultipleChoiceField(
        label=gettext_lazy("移交哪些身份"), coerce=int, widget=forms.CheckboxSelectMultiple
    )
    to_user = forms.TypedChoiceField(label=gettext_lazy("接手人"), coerce=int)
    day = forms.DateField(
        label=gettext_lazy("从哪一天起由接手人负责"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("填今天则原负责人立即不能再使用这些身份"),
    )
    note = forms.CharField(label=gettext_lazy("移交说明"), max_length=300, required=False)

    def __init__(self, held: list[tuple[int, str]], people: list[tuple[int, str]], data: Any = None) -> None:
        super().__init__(data, initial={"day": today(), "assignments": [k for k, _v in held]})
        self.fields["assignments"].choices = held  # type: ignore[attr-defined]
        self.fields["to_user"].choices = people  # type: ignore[attr-defined]


@never_cache
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """The hand-overs of the unit, and those to oneself."""
    actor = actor_of(request)
    actor.require("org.view")
    context = {"page_title": _("工作移交"), "rows": queries.hand_overs(actor), "me": actor.user_id}
    return render(request, "charge/hand_overs.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, user_id: int) -> HttpResponse:
    """Hand the work of one account to a colleague."""
    actor = actor_of(request)
    actor.require("handover.write")
    card = accounts.account(actor, user_id)
    with acting("writer"):
        held = handing.assignments(user_id)
        colleagues = handing.colleagues(card.home_org_id, user_id)
    form = HandOverForm(
        [(r.pk, f"{handing.label(r)} · {r.org.name if r.org else ''}") for r in held],
        colleagues,
        request.POST if request.method == "POST" else None,
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            row = commands.hand_over(
                actor,
                user_id,
                to_id=data["to_user"],
                assignments=data["assignments"],
                day=data["day"],
                note=data["note"],
            )
        except (ChargeError, AccountError) as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已移交, 请接手人在首页确认"))
            return redirect("charge:hand_over", pk=row.pk)
    context = {
        "page_title": _("工作移交"),
        "card": card,
        "form": form,
        "may": bool(held and colleagues and card.manageable),
    }
    return render(request, "charge/hand_over_new.html", context, status=422 if form.errors else 200)


@never_cache
@require_GET
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One hand-over: the list, who gave, who took, whether it is confirmed."""
    actor = actor_of(request)
    row = queries.hand_over(actor, pk)
    context = {
        "page_title": _("工作移交"),
        "h": row,
        "may_confirm": row.to_id == actor.user_id and row.confirmed_at is None,
    }
    return render(request, "charge/hand_over.html", context)


@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """The successor confirms."""
    actor = actor_of(request)
    return carry_out(
        request,
        lambda: commands.confirm(actor, pk, remark=request.POST.get("remark", "")),
        _("已确认接收"),
        reverse("charge:hand_over", args=[pk]),
        refused=ChargeError,
    )


@require_GET
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The list of the hand-over (移交清单) with places for both signatures."""
    actor = actor_of(request)
    row = queries.hand_over(actor, pk)
    confirmed = f"{timezone.localtime(row.confirmed_at):%Y-%m-%d}" if row.confirmed_at else ""
    data = render_duty_sheet(
        DutySheet(
            title=_("学籍工作移交清单"),
            number=f"YJ-{row.pk:06d}",
            org_name=org_name(row.org_id),
            facts=(
                (_("移交人"), row.from_name),
                (_("接收人"), row.to_name),
                (_("移交日期"), row.day.isoformat()),
                (_("移交的身份"), "、".join(row.roles)),
                (_("登记人"), row.written_name),
                (_("系统内确认"), confirmed or _("待确认")),
            ),
            headings=(_("项目"), _("数量"), _("说明")),
            rows=[(str(a), str(n), str(b)) for a, n, b in row.items],
            paragraphs=[p for p in (row.note, row.remark) if p],
            signatures=((_("移交人"), "", ""), (_("接收人"), "", ""), (_("监交人"), "", "")),
            printed_by=actor.user_name,
            printed_at=timezone.localtime(),
        )
    )
    record(actor, "handover.print", object_type="handover", object_id=row.pk)
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="hand-over-{row.pk}.pdf"'
    return response
