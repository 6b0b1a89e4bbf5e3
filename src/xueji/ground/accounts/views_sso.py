"""Pages of single sign-on: leaving for the provider, coming back, binding one's own account."""

from __future__ import annotations

import hmac
import logging
import time
from types import ModuleType
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from . import commands
from .commands import sso as binding
from .http import actor_of, client_address, client_agent, safe_next
from .sso import SsoRefused, cas, oidc

log = logging.getLogger("xueji.accounts.sso")
_KEY = "xj_sso"
#: How long somebody may take at the provider.
_PATIENCE = 900
_PROVIDERS: dict[str, ModuleType] = {"oidc": oidc, "cas": cas}


def offered() -> list[dict[str, str]]:
    """The providers of this installation: code and words for the button."""
    labels = {"oidc": settings.OIDC_LABEL, "cas": settings.CAS_LABEL}
    return [
        {"code": code, "label": labels[code] or str(_("统一身份认证登录"))}
        for code, module in _PROVIDERS.items()
        if module.configured()
    ]


def _provider(code: str) -> Any:
    module = _PROVIDERS.get(code)
    if module is None or not module.configured():
        raise Http404
    return module


def _failed(request: HttpRequest, code: str, reason: str) -> HttpResponse:
    log.warning("single sign-on refused: %s %s", code, reason)
    words = _(
        "统一身份认证没有成功, 请再试一次。一直不行请找管理统一身份认证的部门, 也可以用用户名和密码登录"
    )
    return render(request, "accounts/sso.html", {"refused": words}, status=422)


@never_cache
@require_GET
def start(request: HttpRequest, code: str) -> HttpResponse:
    """Leave for the provider; with `bind`, to bind the account that is signed in."""
    module = _provider(code)
    actor = request.actor  # type: ignore[attr-defined]
    bind = "bind" in request.GET and actor is not None
    if actor is not None and not bind:
        return redirect("/")
    try:
        url, kept = module.begin()
    except SsoRefused as e:
        return _failed(request, code, e.reason)
    request.session[_KEY] = kept | {
        "code": code,
        "next": safe_next(request, request.GET.get("next")),
        "bind": actor.user_id if bind else 0,
        "at": int(time.time()),
    }
    return HttpResponseRedirect(url)


@never_cache
@require_GET
def back(request: HttpRequest, code: str) -> HttpResponse:
    """Back from the provider. What was kept serves once, whatever comes of it."""
    module = _provider(code)
    kept = request.session.pop(_KEY, None)
    state = request.GET.get("state", "")
    if (
        kept is None
        or kept["code"] != code
        or not hmac.compare_digest(kept["state"].encode(), state.encode())
        or kept["at"] < time.time() - _PATIENCE
    ):
        return _failed(request, code, "state")
    try:
        person = module.finish(kept, request.GET.get("ticket" if code == "cas" else "code", "")[:2000])
    except SsoRefused as e:
        return _failed(request, code, e.reason)
    if kept["bind"] or request.actor is not None:  # type: ignore[attr-defined]
        return _bind(request, code, kept, person)
    try:
        signed = binding.sign_in(code, person, address=client_address(request), agent=client_agent(request))
    except binding.UnknownPerson:
        return render(request, "accounts/sso.html", {"unknown": person}, status=403)
    except commands.SignInRefused as e:
        return render(request, "accounts/sso.html", {"refused": e.message}, status=422)
    commands.start_session(
        signed, request.session, address=client_address(request), agent=client_agent(request)
    )
    rotate_token(request)
    return redirect("accounts:password" if signed.must_change else kept["next"])


def _bind(request: HttpRequest, code: str, kept: dict[str, Any], person: Any) -> HttpResponse:
    actor = request.actor  # type: ignore[attr-defined]
    if actor is None or kept["bind"] != actor.user_id:
        return _failed(request, code, "bind")
    try:
        binding.bind_own(actor, code, person)
    except commands.AccountError as e:
        messages.error(request, e.message)
    else:
        messages.success(request, _("已绑定, 以后可以用统一身份认证登录"))
    return redirect("accounts:me")


@never_cache
@require_POST
def unbind(request: HttpRequest, code: str) -> HttpResponse:
    """End the binding of one's own account."""
    actor = actor_of(request)
    binding.unbind(actor, actor.user_id, code)
    messages.success(request, _("已解除绑定"))
    return redirect("accounts:me")
