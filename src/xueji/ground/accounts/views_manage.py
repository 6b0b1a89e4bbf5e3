"""Pages on which accounts and roles are managed."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.orgs import queries as orgs

from . import commands, queries, queries_identity, rules, search
from .actor import Actor
from .commands import factor, sso
from .forms import AccountForm, BatchForm, RoleForm
from .http import whole
from .roles import PORTAL, Role
from .views_sso import offered


def _manager(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not (actor.can("account.manage") or actor.can("account.manage_own")):
        raise PermissionDenied(_("您没有管理账号的权限。可以找安全管理员"))
    return actor


def _roles(actor: Actor) -> list[str]:
    """Roles that the actor hands out; parents are linked to a child, not made here."""
    return [r for r in Role.values if r in rules.GRANTS[actor.role] and r not in PORTAL]


def _choices(actor: Actor) -> dict[str, list[tuple[int, str]] | list[str]]:
    """Units, roles and classes that the actor may choose from; parents are linked to a child, not made here."""
    return {
        "orgs": orgs.unit_choices(actor),
        "roles": _roles(actor),
        "classes": orgs.class_choices(actor),
    }


@never_cache
@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    """The accounts of one's unit, by user name."""
    actor = _manager(request)
    asked = {k: request.GET.get(k, "").strip() for k in ("q", "org", "role", "state")}
    page = queries.accounts(
        actor,
        text=asked["q"],
        org_id=whole(asked["org"]),
        role=asked["role"],
        state=asked["state"],
        after=request.GET.get("after", ""),
    )
    kept = {k: v for k, v in asked.items() if v}
    context = {
        "page_title": _("用户与权限"),
        "page": page,
        "asked": asked,
        "roles": Role.choices,
        "units": orgs.unit_choices(actor),
        "may_rule": actor.can("account.manage"),
        "next_url": search.address(actor.user_id, kept | {"after": page.after}) if page.after else "",
        "prev_url": (search.address(actor.user_id, kept) if kept else request.path)
        if request.GET.get("after")
        else "",
    }
    return render(request, "accounts/list.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def account_new(request: HttpRequest) -> HttpResponse:
    """Open an account with its first role; its first password is shown once."""
    actor = _manager(request)
    form = AccountForm(request.POST or None, **_choices(actor))  # type: ignore[arg-type]
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            # A role that cannot be given takes the account back with it.
            with transaction.atomic():
                made = commands.create_account(
                    actor,
                    username=data["username"],
                    display_name=data["display_name"],
                    phone=data["phone"],
                    org_id=data["org"],
                )
                commands.grant_role(
                    actor,
                    made.user_id,
                    data["role"],
                    org_id=data["org"],
                    class_id=data.get("school_class"),
                    valid_to=data["valid_to"],
                )
        except commands.AccountError as e:
            form.add_error(None, e.message)
        else:
            return render(request, "accounts/secret.html", {"page_title": _("账号已开通"), "made": made})
    context = {"page_title": _("新增账号"), "form": form}
    return render(request, "accounts/new.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def account_batch(request: HttpRequest) -> HttpResponse:
    """Open many accounts from a pasted list; their slips are shown once, to print and cut."""
    actor = _manager(request)
    units, classes = orgs.unit_choices(actor), orgs.class_choices(actor)
    form = BatchForm(request.POST or None, roles=_roles(actor))
    wrong: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            slips = commands.create_many(
                actor,
                form.cleaned_data["people"],
                role=form.cleaned_data["role"],
                units={name: pk for pk, name in units},
                classes={name: (pk, actor.org_id or 0) for pk, name in classes},
                valid_to=form.cleaned_data["valid_to"],
            )
        except commands.ListRefused as e:
            wrong = e.lines
        else:
            context = {
                "page_title": _("账号已开通"),
                "slips": slips,
                "role": Role(form.cleaned_data["role"]).label,
                "address": f"{settings.PUBLIC_URL}/login/",
            }
            return render(request, "accounts/slips.html", context)
    shown: dict[str, object] = {
        "page_title": _("成批开通账号"),
        "form": form,
        "wrong": wrong,
        "most": commands.BATCH_MOST,
        "classes": [name for _pk, name in classes],
        "units": len(units),
    }
    return render(request, "accounts/batch.html", shown, status=422 if wrong or form.errors else 200)


@never_cache
@require_GET
def account_page(request: HttpRequest, user_id: int) -> HttpResponse:
    """One account: its roles, and what its managers can do."""
    actor = _manager(request)
    card = queries.account(actor, user_id)
    form = RoleForm(initial={"org": card.home_org_id}, **_choices(actor)) if card.manageable else None
    context = {
        "page_title": card.row.display_name,
        "card": card,
        "form": form,
        "proofs": _proofs(card),
        "providers": offered(),
    }
    return render(request, "accounts/account.html", context)


def _proofs(card: queries.AccountCard) -> queries_identity.IdentityCard | None:
    """The account's second factors and identities elsewhere, for whoever manages it."""
    if not card.manageable:
        return None
    return queries_identity.identity_card(card.row.id, close_after=factor.CLOSE_AFTER)


@never_cache
@require_POST
def account_do(request: HttpRequest, user_id: int, what: str) -> HttpResponse:
    """Disable, enable, unlock, give or end a role, set a new first password."""
    actor = _manager(request)
    if what == "reset":
        return _reset(request, actor, user_id)
    if what == "role":
        return _role(request, actor, user_id)
    if what == "factor-reset":
        return _factor_reset(request, actor, user_id)
    provider = request.POST.get("provider", "")
    simple: dict[str, tuple[Callable[[], None], str]] = {
        "disable": (lambda: commands.set_active(actor, user_id, False), _("账号已停用")),
        "enable": (lambda: commands.set_active(actor, user_id, True), _("账号已启用")),
        "unlock": (lambda: commands.unlock(actor, user_id), _("账号已解锁")),
        "sso": (
            lambda: sso.bind_for(actor, user_id, provider, request.POST.get("subject", "")),
            _("已绑定统一身份认证"),
        ),
        "sso-end": (lambda: sso.unbind(actor, user_id, provider), _("已解除绑定")),
        "end-role": (
            lambda: commands.end_role(actor, user_id, whole(request.POST.get("assignment")) or 0),
            _("身份已结束"),
        ),
    }
    if what not in simple:
        raise Http404
    do, done = simple[what]
    try:
        do()
    except commands.AccountError as e:
        messages.error(request, e.message)
    else:
        messages.success(request, done)
    return redirect("accounts:account", user_id=user_id)


def _reset(request: HttpRequest, actor: Actor, user_id: int) -> HttpResponse:
    try:
        made = commands.reset_password(actor, user_id)
    except commands.AccountError as e:
        messages.error(request, e.message)
        return redirect("accounts:account", user_id=user_id)
    return render(request, "accounts/secret.html", {"page_title": _("密码已重置"), "made": made})


def _factor_reset(request: HttpRequest, actor: Actor, user_id: int) -> HttpResponse:
    try:
        code = factor.reset(actor, user_id)
    except commands.AccountError as e:
        messages.error(request, e.message)
        return redirect("accounts:account", user_id=user_id)
    context = {"page_title": _("第二重验证已重置"), "code": code, "user_id": user_id}
    return render(request, "accounts/secret.html", context)


def _role(request: HttpRequest, actor: Actor, user_id: int) -> HttpResponse:
    form = RoleForm(request.POST, **_choices(actor))  # type: ignore[arg-type]
    if form.is_valid():
        data = form.cleaned_data
        try:
            commands.grant_role(
                actor,
                user_id,
                data["role"],
                org_id=data["org"],
                class_id=data.get("school_class"),
                valid_to=data["valid_to"],
            )
        except commands.AccountError as e:
            form.add_error(None, e.message)
        else:
            messages.success(request, _("身份已授予"))
            return redirect("accounts:account", user_id=user_id)
    card = queries.account(actor, user_id)
    context = {
        "page_title": card.row.display_name,
        "card": card,
        "form": form,
        "proofs": _proofs(card),
        "providers": offered(),
    }
    return render(request, "accounts/account.html", context, status=422)
