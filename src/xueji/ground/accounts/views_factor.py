"""Pages of the second factor: proving it, enrolling, printing recovery codes, taking it away; signing in with a passkey."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from . import commands, queries_identity, totp
from .commands import factor, passkey
from .http import actor_of, client_address, client_agent, safe_next, see_other
from .views import base_of, greet

_STATE = "xj_passkey"
_NEXT = "xj_factor_next"


def _key(request: HttpRequest) -> str:
    return request.session.session_key or ""


def _host(request: HttpRequest) -> str:
    return request.get_host().rsplit(":", 1)[0].strip("[]")


def _page(request: HttpRequest, *, refused: str = "", status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    state = queries_identity.factor_state(actor, _key(request))
    context = {
        "page_title": _("第二重验证"),
        "base": base_of(actor),
        "state": state,
        "refused": refused,
        "next": request.session.get(_NEXT, "") if state.rows and state.proven else "",
    }
    return render(request, "accounts/factor.html", context, status=422 if refused else status)


def _codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    """Recovery codes, this once; where there are none to show, on to where the visitor wanted to go."""
    target = request.session.pop(_NEXT, "/me/factor/")
    if not codes:
        return see_other(target)
    actor = actor_of(request)
    context = {"page_title": _("备用码"), "base": base_of(actor), "codes": codes, "next": target}
    return render(request, "accounts/codes.html", context)


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """How it stands with one's second factor; the gate for whoever has to prove or to enrol it."""
    if request.GET.get("next"):
        request.session[_NEXT] = safe_next(request, request.GET["next"])
    if request.method == "GET":
        return _page(request)
    try:
        kind = factor.prove(
            actor_of(request), _key(request), request.POST.get("code", "")[:40], agent=client_agent(request)
        )
    except commands.FactorRefused as e:
        return _page(request, refused=e.message)
    greet(request, actor_of(request).user_id)
    if kind == "recovery":
        messages.warning(request, _("备用码用掉了一个, 每个只能用一次。验证器丢了请在这里重新添加"))
        return see_other("/me/factor/")
    return see_other(request.session.pop(_NEXT, "/"))


@never_cache
@require_http_methods(["GET", "POST"])
def app_new(request: HttpRequest) -> HttpResponse:
    """Add an authenticator app: name it (POST), scan the QR code (GET), type its first code (POST code)."""
    actor = actor_of(request)
    refused = ""
    try:
        if "code" in request.POST:
            return _codes(request, factor.confirm_totp(actor, _key(request), request.POST["code"][:40]))
        if request.method == "POST":
            factor.begin_totp(actor, _key(request), request.POST.get("name", ""))
            return see_other("/me/factor/app/")
    except commands.FactorRefused as e:
        refused = e.message
    waiting = factor.pending_secret(actor)
    if waiting is None:
        messages.error(request, refused or _("请先添加验证器"))
        return see_other("/me/factor/")
    _id, name, secret = waiting
    context = {
        "page_title": _("添加手机验证器"),
        "base": base_of(actor),
        "name": name,
        "secret": totp.grouped(secret),
        "qr": totp.qr(totp.uri(secret, actor.username)),
        "refused": refused,
    }
    return render(request, "accounts/factor_app.html", context, status=422 if refused else 200)


def _answer(request: HttpRequest) -> dict[str, Any]:
    """The browser's answer about a passkey; an empty one for what is none."""
    try:
        found = json.loads(request.body[:100_000] or b"{}")
    except (ValueError, RecursionError):  # brackets in brackets, without end
        return {}
    return found if isinstance(found, dict) else {}


def _refused(message: str) -> JsonResponse:
    return JsonResponse({"message": message}, status=422)


@never_cache
@require_POST
def passkey_options(request: HttpRequest) -> HttpResponse:
    """What the browser needs to make a passkey (`what=register`) or to prove one."""
    actor = actor_of(request)
    try:
        if _answer(request).get("what") == "register":
            options, state = passkey.begin_register(actor, _key(request), _host(request))
        else:
            options, state = passkey.begin_prove(actor, _host(request))
    except commands.FactorRefused as e:
        return _refused(e.message)
    request.session[_STATE] = state
    return JsonResponse(options)


@never_cache
@require_POST
def passkey_register(request: HttpRequest) -> HttpResponse:
    """Keep a new passkey."""
    said = _answer(request)
    state = request.session.pop(_STATE, None)
    try:
        passkey.register(
            actor_of(request),
            _key(request),
            _host(request),
            state,
            said.get("credential"),
            str(said.get("name", "")),
        )
    except commands.FactorRefused as e:
        return _refused(e.message)
    messages.success(request, _("通行密钥已添加"))
    return JsonResponse({"url": "/me/factor/"})


@never_cache
@require_POST
def passkey_prove(request: HttpRequest) -> HttpResponse:
    """Prove the second factor with a passkey."""
    state = request.session.pop(_STATE, None)
    try:
        passkey.prove(
            actor_of(request),
            _key(request),
            _host(request),
            state,
            _answer(request).get("credential"),
            agent=client_agent(request),
        )
    except commands.FactorRefused as e:
        return _refused(e.message)
    greet(request, actor_of(request).user_id)
    return JsonResponse({"url": request.session.pop(_NEXT, "/")})


@never_cache
@require_POST
def remove(request: HttpRequest, factor_id: uuid.UUID) -> HttpResponse:
    """Take one of one's own authenticators away."""
    try:
        factor.remove(actor_of(request), _key(request), factor_id)
    except commands.FactorRefused as e:
        messages.error(request, e.message)
    else:
        messages.success(request, _("已删除"))
    return redirect("accounts:factor")


@never_cache
@require_POST
def codes(request: HttpRequest) -> HttpResponse:
    """Fresh recovery codes; the former ones end."""
    try:
        return _codes(request, factor.new_codes(actor_of(request), _key(request)))
    except commands.FactorRefused as e:
        messages.error(request, e.message)
        return redirect("accounts:factor")


@never_cache
@require_POST
def sign_in_options(request: HttpRequest) -> HttpResponse:
    """What the browser needs to sign in with a passkey."""
    options, state = passkey.begin_sign_in(_host(request))
    request.session[_STATE] = state
    return JsonResponse(options)


@never_cache
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with a passkey alone."""
    said = _answer(request)
    state = request.session.pop(_STATE, None)
    try:
        signed = passkey.sign_in(
            _host(request),
            state,
            said.get("credential"),
            address=client_address(request),
            agent=client_agent(request),
        )
    except commands.SignInRefused as e:
        return _refused(e.message)
    commands.start_session(
        signed, request.session, address=client_address(request), agent=client_agent(request)
    )
    rotate_token(request)
    greet(request, signed.user_id)
    return JsonResponse({"url": safe_next(request, str(said.get("next", "")))})


@never_cache
@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    """Which roles must have a second factor; the top security administrator changes it."""
    actor = actor_of(request)
    if not actor.can("account.manage"):
        raise PermissionDenied(_("您没有管理账号的权限。可以找安全管理员"))
    context = {
        "page_title": _("第二重验证的要求"),
        "rows": queries_identity.factor_rules(),
        "may_set": queries_identity.may_set_rules(actor),
    }
    return render(request, "accounts/factor_rules.html", context)


@never_cache
@require_POST
def rule_set(request: HttpRequest) -> HttpResponse:
    """Require it of a role, or no longer."""
    actor = actor_of(request)
    if not actor.can("account.manage"):
        raise PermissionDenied(_("您没有管理账号的权限。可以找安全管理员"))
    factor.set_rule(actor, request.POST.get("role", ""), request.POST.get("must") == "1")
    messages.success(request, _("已保存, 对正在登录的人下一次打开页面时生效"))
    return redirect("accounts:factor_rules")
