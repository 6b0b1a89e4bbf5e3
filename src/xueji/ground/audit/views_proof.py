"""The proof: how far the audit is sealed, anchors to be kept elsewhere, archives, and the check of the whole chain."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts.http import attachment
from xueji.ground.crypto.errors import VaultError
from xueji.ground.paper.fonts import MissingGlyphs

from . import anchors, queries, sheet
from .commands import record
from .verify import in_words
from .views import tabs


@never_cache
@require_GET
def proof(request: HttpRequest) -> HttpResponse:
    """Seals, anchors, archives, and how long entries stay."""
    actor = request.actor  # type: ignore[attr-defined]
    context = {
        "page_title": _("加封与归档"),
        "tabs": tabs("proof"),
        "seal": queries.seal_state(actor),
        "kept": queries.kept(actor),
    }
    return render(request, "audit/proof.html", context)


@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Recompute the chain, also against the anchor that was typed in; say whether it holds. The check is entered, too."""
    actor = request.actor  # type: ignore[attr-defined]
    actor.require("audit.view")
    typed = request.POST.get("anchor", "").strip()[:200]
    noted: tuple[int, bytes] | None = None
    if typed:
        number, _sep, digits = typed.partition(":")
        hexed = "".join(digits.split())
        if not (
            number.strip().isascii() and number.strip().isdigit() and len(number) < 19 and len(hexed) == 64
        ):
            messages.error(request, _("锚点应写成 编号:摘要"))
            return redirect("audit:proof")
        try:
            noted = int(number), bytes.fromhex(hexed)
        except ValueError:
            messages.error(request, _("锚点应写成 编号:摘要"))
            return redirect("audit:proof")
    broken = queries.first_break(actor, noted)
    record(actor, "audit.verify", after={"holds": broken is None, "number": noted[0] if noted else ""})
    if broken is not None:
        messages.error(request, in_words(broken))
    elif noted:
        messages.success(request, _("日志完整, 与锚点 %(n)s 相符") % {"n": noted[0]})
    else:
        messages.success(request, _("日志完整, 没有被改动"))
    return redirect("audit:proof")


@require_POST
def new_anchor(request: HttpRequest) -> HttpResponse:
    """Sign the head of the chain as it is now, and append it to the file of anchors."""
    actor = request.actor  # type: ignore[attr-defined]
    actor.require("audit.view")
    try:
        made = anchors.make(actor)
    except (anchors.AnchorError, VaultError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("已开出锚点 %(n)s, 请打印并交给他人保管") % {"n": made["seal"]})
    return redirect("audit:proof")


@require_GET
def anchor_page(request: HttpRequest, anchor_id: int) -> HttpResponse:
    """An anchor on one page of A4."""
    actor = request.actor  # type: ignore[attr-defined]
    actor.require("audit.view")
    try:
        data, name = sheet.anchor_page(actor, anchor_id)
    except MissingGlyphs as error:
        messages.error(request, str(error))
        return redirect("audit:proof")
    return attachment(data, name, "application/pdf")


@require_GET
def anchor_file(request: HttpRequest, anchor_id: int) -> HttpResponse:
    """An anchor as the line that `xueji verify audit --anchor FILE` reads."""
    actor = request.actor  # type: ignore[attr-defined]
    row = queries.anchor(actor, anchor_id)
    record(actor, "audit.print", object_type="seal", object_id=row.seal_id, after={"form": "json"})
    line = json.dumps(row.content, ensure_ascii=False, sort_keys=True) + "\n"
    return attachment(line.encode(), f"anchor-{row.seal_id}.json", "application/json")
