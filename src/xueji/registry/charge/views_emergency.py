"""Emergency access: asking, the child's read-only page, what the heads say."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.actor import Actor
from xueji.ground.accounts.http import actor_of, carry_out
from xueji.registry.enrolment import page
from xueji.registry.people import queries as people
from xueji.registry.people.errors import PurposeNeeded

from . import commands, queries
from .errors import ChargeError
from .models import REASONS


class FindForm(forms.Form):
    """One child, by whole number and name, and why."""

    number = forms.CharField(
        label=gettext_lazy("证件号码或学籍号(完整)"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(
        label=gettext_lazy("学生姓名"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    reason_kind = forms.ChoiceField(label=gettext_lazy("事由"), choices=list(REASONS.items()))
    reason = forms.CharField(
        label=gettext_lazy("具体情况"), max_length=300, widget=forms.Textarea(attrs={"rows": 3})
    )


def _actor(request: HttpRequest) -> Actor:
    actor = actor_of(request)
    if not (actor.can("emergency.open") or actor.can("emergency.answer")):
        raise PermissionDenied
    return actor


@never_cache
@require_http_methods(["GET", "POST"])
def listing(request: HttpRequest) -> HttpResponse:
    """The last ones that concern the actor, and the form with which a child is opened."""
    actor = _actor(request)
    form = FindForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            grant = commands.find_and_open(actor, **form.cleaned_data)
        except ChargeError as error:
            form.add_error(None, error.message)
        else:
            if grant is not None:
                messages.success(request, _("已打开, 双方单位负责人会收到通知"))
                return redirect("charge:emergency_child", pk=grant.pk)
            form.add_error(
                None,
                _("没有可以打开的记录。号码不存在、姓名不符、本来就能查看、查找过于频繁, 系统的答复都一样"),
            )
    context = {
        "page_title": _("紧急查阅"),
        "form": form if actor.can("emergency.open") else None,
        "rows": queries.grants(actor),
    }
    return render(request, "charge/emergencies.html", context, status=422 if form.errors else 200)


@never_cache
@require_GET
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """Who looked, why, at what, and what the heads say."""
    actor = _actor(request)
    context = {"page_title": _("紧急查阅"), "g": queries.grant(actor, pk)}
    return render(request, "charge/emergency.html", context)


@never_cache
@require_GET
def child(request: HttpRequest, pk: int) -> HttpResponse:
    """The child, read only, while the time runs; each look is kept before it is answered."""
    actor = _actor(request)
    tab = request.GET.get("tab", "")
    tab = tab if tab in page.TABS else "record"
    labels = dict(
        zip(page.TABS, (_("学籍"), _("基本信息"), _("家庭与监护人"), _("证件与学籍号")), strict=True)
    )
    person_id = commands.look(actor, pk, labels[tab])
    if person_id is None:
        messages.warning(request, _("查阅时间已到"))
        return redirect("charge:emergency", pk=pk)
    context = page.build(actor, person_id, tab=tab)
    own = reverse("charge:emergency_child", args=[pk])
    reveal_url = reverse("charge:emergency_reveal", args=[pk]) + "?what="
    before = f"/people/{person_id}/reveal/?what="
    _point(context, before, reveal_url)
    context |= {
        "page_title": context["row"].name,
        "g": queries.grant(actor, pk),
        "tabs": [{"label": v, "url": f"{own}?tab={k}", "active": k == tab} for k, v in labels.items()],
        "reveal": reveal_url,
    }
    return render(request, "charge/emergency_child.html", context)


def _point(context: dict[str, object], before: str, after: str) -> None:
    """Let the buttons that show a value in full ask this room, which looks at the clock."""
    groups = context.get("groups") or []
    lists = [context.get("facts") or [], *(g["facts"] for g in groups)]  # type: ignore[index, attr-defined]
    for facts in lists:
        for fact in facts:  # type: ignore[attr-defined]
            if fact.get("reveal_url"):
                fact["reveal_url"] = fact["reveal_url"].replace(before, after)


@require_POST
def reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """One masked value in full, for a stated purpose, while the time runs."""
    actor = _actor(request)
    what = request.GET.get("what") or request.POST.get("what", "")
    try:
        person_id, text = commands.reveal(actor, pk, what, request.POST.get("purpose", ""))
    except PurposeNeeded as error:
        response = render(request, "people/purpose.html", {"message": error.message}, status=422)
    else:
        context = {
            "value": text,
            "mask": people.mask_for(what, text),
            "seconds": 60,
            "person_id": person_id,
        }
        response = render(request, "layout/revealed.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """A head takes notice, or objects."""
    actor = _actor(request)
    objects = request.POST.get("answer") == "object"
    return carry_out(
        request,
        lambda: commands.answer(actor, pk, objects=objects, word=request.POST.get("word", "")),
        _("异议已提交") if objects else _("已确认知悉"),
        reverse("charge:emergency", args=[pk]),
        refused=ChargeError,
    )


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Close it before its time."""
    actor = _actor(request)
    return carry_out(
        request,
        lambda: commands.end(actor, pk),
        _("紧急查阅已结束"),
        reverse("charge:emergency", args=[pk]),
        refused=ChargeError,
    )
