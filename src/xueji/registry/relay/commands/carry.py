"""Messages as a file, where there is no network between two installations (C-TRF-18): the same messages, signed and
sealed the same way, carried by hand. Each file also says how far the other side's were worked off.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import pairs
from xueji.ground.db.scope import acting

from .. import envelope, inbox, outbox, peers
from ..errors import NotDelivered, Refused, RelayError
from ..models import MessageState, Outgoing, Peer, Talk

ABOUT = "xueji relay messages"
_SIGNED = b"xueji-relay-file-1\0"
#: The largest file of messages, in bytes.
LIMIT = 64 * 1024 * 1024
_MOST = 500


@dataclass(frozen=True)
class Carried:
    """What a file brought."""

    taken: int
    refused: int


def export_file(actor: Any, *, peer_id: int) -> tuple[str, bytes]:
    """Everything that a peer has not signed for, as a file; returns its name and text (C-TRF-18).

    Exporting again gives the same messages again: they count once there. Raises PermissionDenied, Http404,
    `RelayError`.
    """
    actor.require("relay.manage")
    now = timezone.now()
    me = peers.own()
    with transaction.atomic(), acting("writer"):
        peer = Peer.objects.filter(pk=peer_id, active=True).first()
        if peer is None:
            raise Http404
        texts: list[str] = []
        size = 0
        for message in outbox.waiting(peer, most=_MOST):
            try:
                raw = outbox.pack(message, peer, outbox.head_of(message, peer, me, now))
            except NotDelivered as error:
                raise RelayError(_("有一条消息太大或没有公钥, 不能导出")) from error
            if size + len(raw) > LIMIT // 2 and texts:
                break
            size += len(raw)
            texts.append(raw.decode())
            Outgoing.objects.filter(pk=message.pk).update(state=MessageState.CARRIED)
        heard = {
            str(c): n
            for c, n in Talk.objects.filter(peer=peer, in_seq__gt=0).values_list("conversation", "in_seq")[
                :20000
            ]
        }
        content: dict[str, Any] = {
            "about": ABOUT,
            "from": me.code,
            "to": peer.code,
            "made_at": now.isoformat(),
            "heard": heard,
            "messages": texts,
        }
        content["key"], content["sig"] = pairs.sign(_SIGNED + envelope.canonical(content))
        record(actor, "relay.export", object_type="relay_peer", object_id=peer.code, row_count=len(texts))
    return f"xueji-{me.code}-{peer.code}-{timezone.localtime(now):%Y%m%d%H%M}.json", json.dumps(
        content, ensure_ascii=False
    ).encode()


def import_file(actor: Any, *, data: bytes) -> Carried:
    """Take in a file of messages. Those that were here already change nothing; a wrong one keeps no other out.

    Raises PermissionDenied, `RelayError` when it is no such file, or not for us, or not from one whom we know.
    """
    actor.require("relay.manage")
    me = peers.own()
    content = _read(data)
    if content["to"] != me.code:
        raise RelayError(_("这个文件不是发给本系统的"))
    now = timezone.now()
    peer = Peer.objects.filter(code=content["from"], active=True).first()
    key = peers.signing_key(peer, str(content.pop("key"))) if peer is not None else None
    signature = str(content.pop("sig"))
    if peer is None or key is None or not pairs.verify(key, _SIGNED + envelope.canonical(content), signature):
        raise RelayError(_("这个文件不是已连接的系统导出的, 或内容被改动过"))
    taken = refused = 0
    talks = set()
    for text in content["messages"][:_MOST]:
        try:
            _word, conversation = inbox.receive(str(text).encode(), now=now, carried=True)
        except Refused:
            refused += 1
        else:
            taken += 1
            talks.add(conversation)
    with transaction.atomic(), acting("writer"):
        for conversation, upto in list(content["heard"].items())[:20000]:
            outbox.heard(peer, conversation, int(upto), now)
        record(
            actor,
            "relay.import",
            object_type="relay_peer",
            object_id=peer.code,
            row_count=taken,
            after={"refused": refused},
        )
    for conversation in talks:
        inbox.process(conversation, now=now)
    return Carried(taken, refused)


def _read(data: bytes) -> dict[str, Any]:
    words = _("这不是另一个系统导出的消息文件")
    if len(data) > LIMIT:
        raise RelayError(words)
    try:
        content = json.loads(data)
        if (
            content["about"] != ABOUT
            or not isinstance(content["messages"], list)
            or not isinstance(content["heard"], dict)
            or not {"from", "to", "key", "sig"} <= set(content)
        ):
            raise ValueError
        envelope.canonical(content)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RelayError(words) from error
    return dict(content)
