"""What the system administrator does: this installation's name and keys, the others, messages that do not get through."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import pairs
from xueji.ground.db.scope import acting

from .. import inbox, outbox, peers
from ..errors import RelayError
from ..models import Own, Peer


def set_own(actor: Any, *, code: str, name: str, base_url: str) -> Own:
    """Name this installation and make its keys if it has none. Raises PermissionDenied, `RelayError`."""
    actor.require("relay.manage")
    values = {
        "code": peers.check_code(code.strip()),
        "name": peers.check_name(name.strip()),
        "base_url": peers.check_url(base_url.strip()),
    }
    with transaction.atomic(), acting("writer"):
        before = Own.objects.filter(pk=1).first()
        if before is not None and before.code != values["code"] and Peer.objects.exists():
            raise RelayError(_("已经有连接的系统, 代号不能再改"))
        Own.objects.update_or_create(pk=1, defaults=values)
        pairs.ensure()
        record(actor, "relay.own", object_type="relay_own", object_id=values["code"], after=values)
    return peers.own()


def add_peer(actor: Any, *, card: Any, divisions: list[str], fingerprint: str) -> Peer:
    """Enter another installation from its card; `fingerprint` is what its administrator read out by telephone.

    Raises PermissionDenied, `RelayError`.
    """
    actor.require("relay.manage")
    me = peers.own()
    code, name, url, keys = peers.read_card(card)
    if code == me.code:
        raise RelayError(_("这是本系统自己的名片"))
    told = "".join(fingerprint.split()).lower()
    right = pairs.fingerprint([pairs.read_public(k) for k in keys]).replace(" ", "")
    if told != right:
        raise RelayError(_("指纹不一致, 没有添加。请打电话与对方系统管理员逐位核对, 并重新索取名片文件"))
    with transaction.atomic(), acting("writer"):
        if Peer.objects.filter(code=code).exists():
            raise RelayError(_("已经有代号为 %s 的系统") % code)
        peer = Peer.objects.create(
            code=code, name=name, base_url=url, keys=keys, divisions=peers.check_divisions(divisions)
        )
        record(
            actor,
            "relay.peer.add",
            object_type="relay_peer",
            object_id=code,
            after={"name": name, "url": url, "fingerprint": right},
        )
    return peer


def change_peer(actor: Any, *, peer_id: int, base_url: str, divisions: list[str], active: bool) -> Peer:
    """Another address (empty: by file only), other places, or no more messages. Raises Http404, `RelayError`."""
    actor.require("relay.manage")
    with transaction.atomic(), acting("writer"):
        peer = Peer.objects.select_for_update().filter(pk=peer_id).first()
        if peer is None:
            raise Http404
        before = {"url": peer.base_url, "active": peer.active, "divisions": peer.divisions}
        peer.base_url = peers.check_url(base_url.strip())
        peer.divisions, peer.active = peers.check_divisions(divisions), active
        peer.failing_since = None
        peer.save()
        after = {"url": peer.base_url, "active": peer.active, "divisions": peer.divisions}
        record(
            actor,
            "relay.peer.change",
            object_type="relay_peer",
            object_id=peer.code,
            before=before,
            after=after,
        )
    return peer


def announce_keys(actor: Any) -> list[pairs.Public]:
    """Make new keys and tell all active peers, signed with the key that they know. The new ones come into use when
    all have signed for it (`upkeep`); the former ones are believed for a while after that.

    Raises PermissionDenied, `RelayError`.
    """
    actor.require("relay.manage")
    peers.own()
    pairs.ensure()
    with transaction.atomic(), acting("writer"):
        fresh = pairs.draft()
        for peer in Peer.objects.filter(active=True)[:500]:
            talk = outbox.open_talk(uuid.uuid4(), peer)
            outbox.say(talk, "key.announce", {"keys": [k.to_dict() for k in fresh]})
        record(
            actor, "relay.keys", object_type="relay_own", object_id=1, after={"keys": [k.id for k in fresh]}
        )
    return fresh


def retry_message(actor: Any, *, direction: Literal["out", "in"], message_id: uuid.UUID) -> None:
    """Try a message again now. Raises PermissionDenied, Http404."""
    actor.require("relay.manage")
    with transaction.atomic(), acting("writer"):
        again = outbox.retry(message_id) if direction == "out" else inbox.retry(message_id)
        if not again:
            raise Http404
        record(actor, "relay.retry", object_type=f"relay_{direction}", object_id=message_id)
