"""Pages of inviting and joining. They translate between requests and commands, and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from xueji.ground.accounts.http import client_address
from xueji.ground.duty import verification
from xueji.ground.orgs import queries as orgs
from xueji.registry.enrolment import queries as enrolment

from . import commands, queries, recovery
from .collection import blank
from .errors import FamilyError
from .forms import CodeForm, EndForm, JoinForm


@never_cache
@require_http_methods(["GET", "POST"])
def of_class(request: HttpRequest, class_id: int) -> HttpResponse:
    """Who of a class is in; making codes shows the slips, this once."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("family.invite")
    row = orgs.class_row(actor, class_id)
    families = queries.of_class(actor, class_id)
    context = {
        "page_title": _("%s 家长邀请码") % row.label,
        "row": row,
        "families": families,
        "missing": sum(1 for f in families if not f.accounts),
        "no_guardian": sum(1 for f in families if not f.guardians),
        "breadcrumbs": [
            {"label": _("班级年级"), "url": "/classes/"},
            {"label": row.label, "url": f"/classes/{class_id}/"},
            {"label": _("家长邀请码")},
        ],
    }
    if request.method == "GET":
        return render(request, "family/class.html", context)
    chosen = [uuid.UUID(x) for x in request.POST.getlist("person") if _is_uuid(x)]
    if not chosen and request.POST.get("who") == "missing":
        chosen = [f.row.person_id for f in families if not f.accounts and f.guardians]
    try:
        slips = commands.issue(actor, class_id, chosen, pupils=request.POST.get("for") == "pupils")
    except FamilyError as error:
        messages.error(request, error.message)
        return redirect("family:of_class", class_id)
    context |= {
        "page_title": _("邀请码单"),
        "slips": slips,
        "school": actor.org_name,
        "address": f"{settings.PUBLIC_URL}/join/",
    }
    return render(request, "family/slips.html", context)


@never_cache
@require_http_methods(["GET"])
def access(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """The accounts that see a child."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    found = queries.accesses(actor, person_id)
    row = enrolment.get_row(actor, person_id)
    context = {
        "page_title": _("能看 %s 学籍的账号") % row.name,
        "row": row,
        "accesses": found,
        "may_end": actor.can("family.end") and row.school_id == actor.org_id,
        "form": EndForm(),
    }
    return render(request, "family/access.html", context)


@require_POST
def end(request: HttpRequest, person_id: uuid.UUID, link_id: int) -> HttpResponse:
    """Close the record to an account from today."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    try:
        commands.end(actor, person_id=person_id, link_id=link_id, reason=request.POST.get("reason", "")[:200])
    except FamilyError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("已停止, 这个账号从现在起看不到该生的学籍"))
    return redirect("family:access", person_id)


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """The public page where a code opens an account."""
    if request.actor is not None:  # type: ignore[attr-defined]
        return redirect("/")
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = {k: v for k, v in form.cleaned_data.items() if k != "again"}
        try:
            commands.join(**data, address=client_address(request))
        except FamilyError as error:
            form.add_error(None, error.message)
        except ValidationError as error:
            form.add_error("password", error)
        else:
            messages.success(request, _("账号已开通, 请登录"))
            return redirect("accounts:login")
    context = {"form": form, "policy": [str(t) for t in password_validators_help_texts()]}
    return render(request, "family/join.html", context, status=422 if form.errors else 200)


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def recover(request: HttpRequest) -> HttpResponse:
    """The public page where a new code of the school gives a forgotten account a new password."""
    if request.actor is not None:  # type: ignore[attr-defined]
        return redirect("/")
    form = JoinForm(request.POST or None)
    form.fields["username"].help_text = _("原来的用户名")
    form.fields["password"].label = _("新密码")
    if request.method == "POST" and form.is_valid():
        data = {k: v for k, v in form.cleaned_data.items() if k != "again"}
        try:
            recovery.recover(**data, address=client_address(request))
        except FamilyError as error:
            form.add_error(None, error.message)
        except ValidationError as error:
            form.add_error("password", error)
        else:
            messages.success(request, _("密码已更换, 请登录"))
            return redirect("accounts:login")
    context = {"form": form, "policy": [str(t) for t in password_validators_help_texts()]}
    return render(request, "family/recover.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def reset(request: HttpRequest, person_id: uuid.UUID, link_id: int) -> HttpResponse:
    """The registrar checks a paper and gives out a first password, shown this once."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("family.end")
    row = enrolment.get_row(actor, person_id)
    if row.former or row.school_id != actor.org_id:
        raise Http404
    found = next((a for a in queries.accesses(actor, person_id) if a.link_id == link_id and a.open), None)
    if found is None:
        raise Http404
    form = verification.VerificationForm(request.POST if request.method == "POST" else None)
    made = None
    if request.method == "POST" and form.is_valid():
        try:
            made = recovery.reset(actor, person_id=person_id, link_id=link_id, form=form)
        except verification.VerificationError as error:
            form.add_error(None, error.message)
    context = {
        "page_title": _("重置 %s 的密码") % found.name,
        "row": row,
        "form": form,
        "made": made,
        "access": found,
    }
    return render(request, "family/reset.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A parent adds another child to the account."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    if not actor.is_portal:
        raise PermissionDenied(_("这里是家长的页面"))
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            commands.add_child(actor, **form.cleaned_data)
        except FamilyError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已添加"))
            return redirect("portal:home")
    context = {"form": form, "page_title": _("添加孩子"), "back_url": "/my/"}
    return render(request, "family/add.html", context, status=422 if form.errors else 200)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


@never_cache
@require_http_methods(["GET"])
def collection(request: HttpRequest, class_id: int) -> HttpResponse:
    """The blank form for families, as PDF."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    response = HttpResponse(blank(actor, class_id), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="collection-{class_id}.pdf"'
    return response
