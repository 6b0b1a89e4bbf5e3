"""Pages of signing in and of one's own account."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from . import commands, queries, queries_identity
from .actor import Actor
from .commands import factor
from .forms import LoginForm, PasswordForm
from .http import ASSIGNMENT_KEY, LAST_KEY, actor_of, client_address, client_agent, safe_next
from .views_sso import offered


def base_of(actor: Actor) -> str:
    """Families see their own account in the frame of their phone pages."""
    return "layout/base_phone.html" if actor.is_portal else "layout/base.html"


def _why(reason: str) -> str:
    return {
        "idle": _("登录已超过30分钟未操作。请重新登录, 刚才填写的内容还在"),
        "old": _("本次登录已满12小时。请重新登录"),
        "gone": _("这次登录已在别处结束。请重新登录"),
        "closed": _("账号已停用, 或现在没有有效的身份。可以找本单位的账号管理人员"),
    }.get(reason, "")


def greet(request: HttpRequest, user_id: int) -> None:
    """Tell the owner, once proven to be it, that somebody else reset the account's second factor meanwhile."""
    reset = factor.reset_to_tell(user_id)
    if reset is not None:
        at = timezone.localtime(reset[0]).strftime("%Y-%m-%d %H:%M")
        messages.warning(
            request,
            _("%(who)s 于 %(at)s 重置了您的第二重验证。如果您没有要求过, 请马上联系本单位的账号管理人员")
            % {"who": reset[1], "at": at},
        )


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Sign in; afterwards go to where the visitor wanted to, inside this site only."""
    target = safe_next(request, request.POST.get("next") or request.GET.get("next"))
    if request.method == "GET" and request.actor is not None:  # type: ignore[attr-defined]
        return redirect(target)
    form = LoginForm(request.POST or None)
    refused = ""
    if request.method == "POST" and form.is_valid():
        try:
            signed = commands.sign_in(
                form.cleaned_data["username"],
                form.cleaned_data["password"],
                address=client_address(request),
                agent=client_agent(request),
            )
        except commands.SignInRefused as e:
            refused = e.message
        else:
            commands.start_session(
                signed, request.session, address=client_address(request), agent=client_agent(request)
            )
            rotate_token(request)
            return redirect("accounts:password" if signed.must_change else target)
    context = {
        "form": form,
        "next": target,
        "refused": refused,
        "why": _why(request.GET.get("why", "")),
        "demo": settings.DEMO,
        "providers": offered(),
    }
    return render(request, "accounts/login.html", context, status=422 if refused or form.errors else 200)


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Sign out."""
    commands.sign_out(actor_of(request), request.session)
    return redirect("accounts:login")


@require_POST
def switch_role(request: HttpRequest) -> HttpResponse:
    """Act in another of one's roles from now on; begins at that role's home page."""
    wanted = request.POST.get("role", "")
    if wanted not in {o["value"] for o in actor_of(request).other_roles}:
        raise Http404
    request.session[ASSIGNMENT_KEY] = int(wanted)
    return redirect("/")


@require_POST
def extend(request: HttpRequest) -> HttpResponse:
    """Somebody is still there: the request itself has prolonged the session."""
    return HttpResponse(status=204)


def _bindings(actor: Actor) -> list[dict[str, object]]:
    """The providers of this installation, with what the actor has bound; no statement where there are none."""
    there = offered()
    bound = {s.provider: s for s in queries_identity.identities_elsewhere(actor)} if there else {}
    return [p | {"bound": bound.get(p["code"])} for p in there]


@never_cache
@require_GET
def me(request: HttpRequest) -> HttpResponse:
    """One's own account: name, roles, sessions, the last time of signing in."""
    actor = actor_of(request)
    last = request.session.get(LAST_KEY)
    context = {
        "page_title": _("我的账号"),
        "base": base_of(actor),
        "may_stand_in": actor.can("case.decide"),
        "roles": queries.role_rows([actor.user_id]).get(actor.user_id, []),
        "providers": _bindings(actor),
        "sign_ins": queries_identity.sign_ins(actor),
        "sessions": queries.sessions(actor, request.session.session_key or ""),
        "last_at": timezone.localtime(datetime.fromisoformat(last[0])) if last else None,
        "last_from": last[1] if last else "",
    }
    return render(request, "accounts/me.html", context)


@require_POST
def session_end(request: HttpRequest) -> HttpResponse:
    """End one of one's own sessions."""
    if commands.end_session(actor_of(request), request.POST.get("session", "")):
        messages.success(request, _("已退出那一处登录"))
    return redirect("accounts:me")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; the only page open to an account with a first password."""
    actor = actor_of(request)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            commands.change_password(
                actor,
                form.cleaned_data["old"],
                form.cleaned_data["new"],
                session_key=request.session.session_key or "",
            )
        except commands.WrongPassword as e:
            form.add_error("old", e.message)
        except ValidationError as e:
            form.add_error("new", e)
        else:
            messages.success(request, _("密码已修改, 其他地方的登录已退出"))
            return HttpResponseRedirect("/")
    context = {
        "page_title": _("修改密码"),
        "base": base_of(actor),
        "form": form,
        "policy": form.policy(),
        "first": actor.must_change,
    }
    return render(request, "accounts/password.html", context, status=422 if form.errors else 200)
