"""The page of units and posts inside a school."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from xueji.ground.accounts.actor import Actor
from xueji.ground.accounts.http import actor_of, whole

from . import commands, queries
from .errors import PostError
from .forms import PostForm, UnitForm
from .models import PARTS


@require_http_methods(["GET", "POST"])
def posts(request: HttpRequest) -> HttpResponse:
    """Units and who holds their posts; opening and closing units, appointing and ending."""
    actor = actor_of(request)
    actor.require("post.view")
    units = queries.units(actor.org_id or 0)
    may = actor.can("post.edit")
    what = request.POST.get("do", "") if request.method == "POST" else ""
    if what:
        actor.require("post.edit")
    people = [(pk, name) for pk, (name, _roles) in queries.colleagues(actor).items()] if may else []
    unit_form = UnitForm(request.POST if what == "unit" else None)
    form = PostForm(
        request.POST if what == "post" else None, units=[(u.pk, u.name) for u, _held in units], people=people
    )
    number = whole(request.POST.get("id")) or 0
    steps: dict[str, tuple[UnitForm | PostForm | None, Callable[[], object], str]] = {
        "unit": (unit_form, lambda: commands.open_unit(actor, **unit_form.cleaned_data), _("部门已建立")),
        "post": (form, lambda: _appoint(actor, form), _("已登记任职")),
        "close": (None, lambda: commands.close_unit(actor, number), _("部门已撤销")),
        "end": (None, lambda: commands.end(actor, number), _("任职已结束")),
    }
    if what in steps:
        used, do, done = steps[what]
        if used is None or used.is_valid():
            try:
                do()
            except PostError as error:
                if used is None:
                    messages.error(request, error.message)
                    return redirect("posts:posts")
                used.add_error(None, error.message)
            else:
                messages.success(request, done)
                return redirect("posts:posts")
    context = {
        "page_title": _("部门和岗位"),
        "units": [(u, [(p, PARTS.get(p.part, "")) for p in held]) for u, held in units],
        "unit_form": unit_form if may else None,
        "form": form if may and units else None,
        "may": may,
    }
    return render(
        request, "posts/posts.html", context, status=422 if unit_form.errors or form.errors else 200
    )


def _appoint(actor: Actor, form: PostForm) -> object:
    data = dict(form.cleaned_data)
    return commands.appoint(
        actor,
        data.pop("unit"),
        user_id=data.pop("user"),
        **data,
    )
