"""The page on which parts in cases are handed over for a while."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from . import commands, queries
from .commands import AccountError
from .forms import HandOverForm
from .http import actor_of
from .roles import Role


@never_cache
@require_http_methods(["GET", "POST"])
def standin(request: HttpRequest) -> HttpResponse:
    """Who stands in for whom; handing over one's own part, and for a head anybody's of the unit."""
    actor = actor_of(request)
    actor.require("case.decide")
    held = queries.deciders(actor)
    own = queries.own_parts(actor, held)
    people = {r.user_id: r for r in held}
    form = HandOverForm(
        [(r.pk, f"{r.user.display_name} · {Role(r.role).label}") for r in own],
        [(r.user_id, f"{r.user.display_name} · {Role(r.role).label}") for r in people.values()],
        request.POST if request.method == "POST" else None,
    )
    if request.method == "POST" and form.is_valid():
        try:
            commands.hand_over(
                actor,
                assignment_id=form.cleaned_data["assignment"],
                to_user_id=form.cleaned_data["to_user"],
                since=form.cleaned_data["since"],
                until=form.cleaned_data["until"],
                reason=form.cleaned_data["reason"],
            )
        except AccountError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已设置代办, 代办的业务会写明代谁办理"))
            return redirect("accounts:standin")
    context = {
        "page_title": _("代办"),
        "form": form,
        "may_set": len(people) > 1,
        "rows": queries.stand_ins(actor),
    }
    return render(request, "accounts/standin.html", context, status=422 if form.errors else 200)


@require_POST
def standin_end(request: HttpRequest, delegation_id: int) -> HttpResponse:
    """End a standing-in before its day."""
    commands.end_hand_over(actor_of(request), delegation_id)
    messages.success(request, _("代办已结束"))
    return redirect("accounts:standin")
