"""Pages of the sharing register and of security checks."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import carry_out
from xueji.ground.files.content import FileRefused

from . import handing, officers, queries, sharing
from .commands import checks, shares
from .errors import PrivacyError
from .forms import CheckForm, ShareForm
from .models import Share
from .pages import XLSX, actor_of, attached


def _face(row: Share) -> dict[str, Any]:
    late = row.state == "active" and row.until < today()
    words = {"active": _("有效"), "refused": _("不予提供"), "ended": _("已结束")}[row.state]
    tones = {"active": "green", "refused": "red", "ended": "grey"}
    return {
        "s": row,
        "late": late,
        "state": _("已到期, 待确认删除或归还") if late else words,
        "tone": "amber" if late else tones[row.state],
        "kind": sharing.RECIPIENTS[row.recipient_kind],
        "fields": [sharing.FIELDS[f].label for f in row.fields if f in sharing.FIELDS],
    }


@require_safe
def share_list(request: HttpRequest) -> HttpResponse:
    """The register."""
    actor = actor_of(request, "privacy.view")
    state = request.GET.get("state", "")
    choices = (("", _("全部")), ("active", _("有效")), ("refused", _("不予提供")), ("ended", _("已结束")))
    context = {
        "rows": [_face(r) for r in queries.shares(actor, state if state in dict(choices) else "")],
        "acts": officers.acts(actor),
        "tabs": [{"label": label, "url": f"?state={key}", "active": state == key} for key, label in choices],
        "rules": sharing.rules(),
    }
    return render(request, "privacy/shares.html", context)


@require_http_methods(["GET", "POST"])
def share_new(request: HttpRequest) -> HttpResponse:
    """A new entry; one that is forbidden is kept as refused."""
    actor = actor_of(request, "privacy.act")
    form = ShareForm(request.POST or None, request.FILES or None, initial={"since": today().isoformat()})
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        upload = data.pop("contract_data")
        data["fields"] = data.pop("columns")
        try:
            made = shares.register(
                actor,
                **data,
                contract_data=upload.read() if upload else None,
                contract_name=upload.name if upload else "",
            )
        except (PrivacyError, FileRefused) as error:
            form.add_error(None, str(error))
        else:
            if made.state == "refused":
                messages.error(request, _("不能提供, 已记入登记: %s") % sharing.words(made.refusals))
            else:
                messages.success(request, _("已登记, 可以按登记提供"))
            return redirect("privacy:share", made.pk)
    return render(request, "privacy/share_new.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
def share(request: HttpRequest, share_id: int) -> HttpResponse:
    """One entry and what was handed over under it."""
    actor = actor_of(request, "privacy.view")
    row, times = queries.share(actor, share_id)
    face = _face(row)
    facts = [
        {"label": _("接收方"), "value": f"{row.recipient} · {face['kind']}"},
        {"label": _("目的"), "value": row.purpose},
        {"label": _("提供的信息"), "value": "、".join(str(f) for f in face["fields"])},
        {"label": _("依据"), "value": f"{sharing.BASES[row.basis]} {row.basis_note}"},
        {"label": _("合同或协议"), "value": row.contract or "—"},
        {"label": _("期限"), "value": f"{row.since} — {row.until}"},
        {"label": _("到期处理"), "value": sharing.AT_END[row.at_end]},
        {"label": _("登记"), "value": f"{row.made_name} {row.made_at:%Y-%m-%d}"},
        {"label": _("结束"), "value": f"{row.ended_on or '—'} {row.ended_how}"},
    ]
    usable = row.state == "active" and row.since <= today() <= row.until
    context = {
        **face,
        "facts": facts,
        "times": times,
        "usable": usable,
        "may_export": usable and actor.can("student.export"),
        "may_end": row.state == "active" and officers.acts(actor),
        "refusals": row.refusals,
    }
    return render(request, "privacy/share.html", context)


@require_POST
def share_end(request: HttpRequest, share_id: int) -> HttpResponse:
    """The recipient has deleted or given back."""
    actor = actor_of(request, "privacy.act")
    return carry_out(
        request,
        lambda: shares.end(actor, share_id, how=request.POST.get("how", "")),
        _("已结束"),
        reverse("privacy:share", args=[share_id]),
        refused=PrivacyError,
    )


@require_POST
def share_transfer(request: HttpRequest, share_id: int) -> HttpResponse:
    """Hand over: as a file of exactly the agreed columns, or noted when it went another way."""
    actor = actor_of(request, "privacy.act")
    if request.POST.get("deed") == "export":
        try:
            name, data = handing.export(actor, share_id)
        except PrivacyError as error:
            messages.error(request, error.message)
            return redirect("privacy:share", share_id)
        return attached(data, name, XLSX)
    raw = request.POST.get("rows", "")
    rows = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 8 else 0
    return carry_out(
        request,
        lambda: handing.note(actor, share_id, what=request.POST.get("what", ""), rows=rows),
        _("已登记"),
        reverse("privacy:share", args=[share_id]),
        refused=PrivacyError,
    )


@require_safe
def check_list(request: HttpRequest) -> HttpResponse:
    """Checks and findings."""
    actor = actor_of(request, "check.view")
    done, open_, closed = queries.checks(actor)
    day = today()
    context = {
        "checks": done,
        "last": next((c for c in done if c.kind == "system"), None),
        "open": [{"f": f, "late": f.due_on < day} for f in open_],
        "closed": closed,
        "may": actor.can("check.write"),
        "form": CheckForm(),
    }
    return render(request, "privacy/checks.html", context)


@require_POST
def check_run(request: HttpRequest) -> HttpResponse:
    """Let the system look at itself now."""
    actor = actor_of(request, "check.write")
    url = reverse("privacy:checks")
    return carry_out(request, lambda: checks.run(actor), _("检查完成"), url, refused=PrivacyError)


@require_POST
def check_enter(request: HttpRequest) -> HttpResponse:
    """Enter a check that people did."""
    actor = actor_of(request, "check.write")
    form = CheckForm(request.POST)

    def enter() -> None:
        if not form.is_valid():
            raise PrivacyError(_("请写明查了什么、结果怎样"))
        data = form.cleaned_data
        checks.enter(actor, title=data["title"], text=data["text"], findings=_lines(data["findings"]))

    return carry_out(request, enter, _("已登记"), reverse("privacy:checks"), refused=PrivacyError)


def _lines(text: str) -> list[tuple[str, str, date]]:
    """`what; whose; 2026-12-20` a line."""
    out = []
    for line in text.replace("；", ";").splitlines():
        parts = [p.strip() for p in line.split(";")]
        if not parts[0]:
            continue
        try:
            day = date.fromisoformat(parts[2])
        except (IndexError, ValueError):
            raise PrivacyError(_("每行写: 问题; 责任人; 期限(如 2026-12-20)")) from None
        out.append((parts[0], parts[1], day))
    return out


@require_POST
def settle(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Give a finding its owner, or close it."""
    actor = actor_of(request, "check.write")
    return carry_out(
        request,
        lambda: checks.settle(
            actor,
            finding_id,
            owner=request.POST.get("owner", ""),
            note=request.POST.get("note", ""),
        ),
        _("已记录"),
        reverse("privacy:checks"),
        refused=PrivacyError,
    )
