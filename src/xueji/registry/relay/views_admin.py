"""The system administrator's pages, and the door through which other installations speak."""

from __future__ import annotations

import logging
import uuid
from contextlib import suppress

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from xueji.ground.accounts.http import client_address
from xueji.ground.crypto.errors import KeyMissing

from . import commands, envelope, gate, outbox, peers, status
from . import inbox as inboxes
from .commands.carry import LIMIT
from .errors import Refused, RelayError
from .forms import NewPeerForm, OwnForm, PeerForm
from .views import actor_of, to

log = logging.getLogger("xueji.relay")


@csrf_exempt
@require_POST
def inbox(request: HttpRequest) -> HttpResponse:
    """A message from another installation. Its signature is what lets it in; a refusal says nothing, whatever the
    reason, and costs its sender a place in the queue."""
    address = client_address(request)
    if not gate.open_for(address):
        return HttpResponse(status=429)
    try:
        length = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        length = 0
    if not 0 < length <= envelope.LIMIT:
        gate.wrong(address)
        return HttpResponse(status=400)
    try:
        word, conversation = inboxes.receive(request.body)
    except (Refused, KeyMissing) as error:
        gate.wrong(address)
        log.warning("relay: message refused: %s", getattr(error, "code", "keys"))
        return HttpResponse(status=400)
    try:
        inboxes.process(conversation)
    except Exception as error:  # it is kept and signed for: the worker goes on with it
        log.error("relay: %s while working off", type(error).__name__)
    return JsonResponse(word, headers={"Cache-Control": "no-store"})


@require_GET
def system(request: HttpRequest) -> HttpResponse:
    """This installation's name and keys, the others, messages under way."""
    actor = actor_of(request)
    actor.require("relay.manage")
    return render(
        request,
        "relay/system.html",
        {"state": status.overview(actor), "form": OwnForm(initial=status.own_values())},
    )


@require_POST
def own(request: HttpRequest) -> HttpResponse:
    """Name this installation."""
    actor = actor_of(request)
    actor.require("relay.manage")
    form = OwnForm(request.POST)
    if form.is_valid():
        try:
            commands.set_own(actor, **form.cleaned_data)
        except RelayError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已保存"))
            return to("system")
    return render(request, "relay/system.html", {"state": status.overview(actor), "form": form}, status=422)


@require_POST
def rotate(request: HttpRequest) -> HttpResponse:
    """New keys, announced to all."""
    try:
        commands.announce_keys(actor_of(request))
    except RelayError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("已生成新密钥并通知各系统, 各系统都收到后自动启用"))
    return to("system")


@require_GET
def card(request: HttpRequest) -> HttpResponse:
    """Our card as a file, for the others' administrators."""
    actor_of(request).require("relay.manage")
    try:
        content = outbox.dump(peers.card())
    except (RelayError, KeyMissing) as error:
        messages.error(request, str(getattr(error, "message", error)))
        return to("system")
    return _file(content.encode(), "xueji-card.json")


def _file(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def new_peer(request: HttpRequest) -> HttpResponse:
    """Enter another installation."""
    actor = actor_of(request)
    actor.require("relay.manage")
    form = NewPeerForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            peer = commands.add_peer(
                actor,
                card=form.cleaned_data["card"],
                divisions=form.places(),
                fingerprint=form.cleaned_data["fingerprint"],
            )
        except RelayError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("已添加"))
            return to("peer", peer.pk)
    return render(
        request, "relay/peer_new.html", {"form": form}, status=422 if request.method == "POST" else 200
    )


def peer(request: HttpRequest, peer_id: int) -> HttpResponse:
    """One other installation: address, state, what waits for it."""
    actor = actor_of(request)
    actor.require("relay.manage")
    found = status.peer(actor, peer_id)
    form = PeerForm(
        request.POST or None,
        initial={
            "base_url": found.peer.base_url,
            "divisions": "\n".join(found.peer.divisions),
            "active": found.peer.active,
        },
    )
    code = 200
    if request.method == "POST":
        code = 422
        if form.is_valid():
            try:
                commands.change_peer(
                    actor,
                    peer_id=peer_id,
                    base_url=form.cleaned_data["base_url"],
                    divisions=form.places(),
                    active=form.cleaned_data["active"],
                )
            except RelayError as error:
                form.add_error(None, error.message)
            else:
                messages.success(request, _("已保存"))
                return to("peer", peer_id)
    return render(request, "relay/peer.html", {"found": found, "peer": found.peer, "form": form}, status=code)


@require_POST
def export(request: HttpRequest, peer_id: int) -> HttpResponse:
    """What waits for an installation, as a file."""
    try:
        name, data = commands.export_file(actor_of(request), peer_id=peer_id)
    except RelayError as error:
        messages.error(request, error.message)
        return to("peer", peer_id)
    return _file(data, name)


@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """A file of messages that was carried here."""
    actor = actor_of(request)
    actor.require("relay.manage")
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, _("请先选择文件"))
        return to("system")
    try:
        found = commands.import_file(actor, data=file.read(LIMIT + 1))
    except RelayError as error:
        messages.error(request, error.message)
    else:
        words = _("收到 %(n)s 条消息") % {"n": found.taken}
        if found.refused:
            words += _(", 另有 %(n)s 条不能接收") % {"n": found.refused}
        messages.success(request, words)
    return to("system")


@require_POST
def retry(request: HttpRequest, direction: str, message_id: uuid.UUID) -> HttpResponse:
    """Try a message again."""
    if direction not in ("out", "in"):
        raise Http404
    commands.retry_message(actor_of(request), direction=direction, message_id=message_id)  # type: ignore[arg-type]
    if direction == "in":
        with suppress(Exception):  # the page says what became of it
            inboxes.work()
    messages.success(request, _("已重新安排"))
    return to("system")
