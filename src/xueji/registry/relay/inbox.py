"""Hearing: a message is checked, kept, signed for, and then worked off in the order in which it was said.

A message that comes twice is signed for again and changes nothing; one that comes too early waits for those before.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from xueji.ground.crypto import vault
from xueji.ground.crypto.pairs import Public
from xueji.ground.db.scope import acting

from . import envelope, peers
from .errors import Refused, RelayError
from .models import Incoming, MessageState, Own, Peer, Talk
from .outbox import lock_talk, open_talk

log = logging.getLogger("xueji.relay")

#: How far the clocks of two installations may be apart, and how old a message may be that comes by network.
SKEW = timedelta(minutes=10)
#: How old one may be that was carried as a file.
CARRIED = timedelta(days=60)
#: How far a conversation may run ahead of what was worked off.
AHEAD = 200
MOST_TRIES = 20
_FIRST_WAIT = 10.0


def place(message_id: uuid.UUID) -> str:
    """Where the content of a message that came in belongs (the vault's `where`)."""
    return f"relay_in.sealed:{message_id}"


def receive(
    raw: bytes, *, now: datetime | None = None, carried: bool = False
) -> tuple[dict[str, Any], uuid.UUID]:
    """Check and keep a message; returns our signed word for it, and the conversation to work off.

    Raises `Refused` with a code for our log. Nothing of it tells the sender anything.
    """
    now = now or timezone.now()
    with transaction.atomic(), acting("writer"):
        me = Own.objects.filter(pk=1).first()
        if me is None:
            raise Refused("not_set_up")
        found: dict[str, Peer] = {}

        def key_of(sender: str, key_id: str) -> Public | None:
            peer = Peer.objects.filter(code=sender, active=True).first()
            if peer is None:
                return None
            found[sender] = peer
            return peers.signing_key(peer, key_id)

        opened = envelope.unwrap(raw, key_of)
        head, peer = opened.head, found[opened.head.sender]
        if head.receiver != me.code:
            raise Refused("receiver")
        if head.sent_at > now + SKEW or head.sent_at < now - (CARRIED if carried else SKEW):
            raise Refused("clock")
        _keep(opened, peer, now)
        Peer.objects.filter(pk=peer.pk).update(seen_at=now)
    return envelope.acknowledge(head), head.conversation


def _keep(opened: envelope.Opened, peer: Peer, now: datetime) -> None:
    head = opened.head
    before = Incoming.objects.filter(pk=head.id).first()
    if before is not None:
        if (before.peer_id, before.conversation, before.seq) != (peer.pk, head.conversation, head.seq):
            raise Refused("reused")
        return
    try:
        talk = open_talk(head.conversation, peer)
    except RelayError as error:
        raise Refused("conversation") from error
    if head.seq <= talk.in_seq or head.seq > talk.in_seq + AHEAD:
        raise Refused("number")
    message = Incoming(
        id=head.id,
        peer=peer,
        conversation=head.conversation,
        seq=head.seq,
        kind=head.kind,
        state=MessageState.WAITING,
        next_at=now,
        made_at=now,
    )
    message.sealed = vault.seal_json(opened.open(), place(head.id))
    try:
        with transaction.atomic():
            message.save(force_insert=True)
    except IntegrityError as error:
        # The same message twice at the same moment, or two messages under one number.
        if not Incoming.objects.filter(
            pk=head.id, peer=peer, conversation=head.conversation, seq=head.seq
        ).exists():
            raise Refused("number") from error


def process(conversation: uuid.UUID, *, now: datetime | None = None) -> int:
    """Work off what can be of a conversation, each message in a transaction of its own; returns how many."""
    done = 0
    while _one(conversation, now or timezone.now()):
        done += 1
    return done


def _one(conversation: uuid.UUID, now: datetime) -> bool:
    from .commands.handlers import handle

    with transaction.atomic(), acting("writer"):
        talk = lock_talk(conversation)
        if talk is None:
            return False
        message = (
            Incoming.objects.filter(
                conversation=conversation, seq=talk.in_seq + 1, state=MessageState.WAITING
            )
            .select_related("peer")
            .first()
        )
        if message is None or message.sealed is None or message.next_at > now:
            return False
        body = vault.open_json(bytes(message.sealed), place(message.id))
        try:
            with transaction.atomic():
                handle(talk, message.peer, message.kind, body)
        except Exception as error:  # one that cannot be worked off keeps its place and is tried again
            log.error("relay: message %s (%s): %s", message.id, message.kind, type(error).__name__)
            message.attempts += 1
            message.problem = type(error).__name__[:60]
            message.next_at = now + timedelta(seconds=_FIRST_WAIT * 2 ** min(message.attempts, 10))
            if message.attempts >= MOST_TRIES:
                message.state = MessageState.DEAD
            message.save(update_fields=["attempts", "problem", "next_at", "state"])
            return False
        message.state, message.sealed, message.ended_at, message.problem = MessageState.DONE, None, now, ""
        message.save(update_fields=["state", "sealed", "ended_at", "problem"])
        Talk.objects.filter(pk=conversation).update(in_seq=message.seq)
    return True


def work(*, now: datetime | None = None, most: int = 100) -> int:
    """Work off what waits, wherever a crash or an error left it; returns how many messages."""
    now = now or timezone.now()
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select i.conversation from relay_in i join relay_talk t on t.conversation = i.conversation"
            " where i.state = 'waiting' and i.next_at <= %s and i.seq = t.in_seq + 1 order by i.next_at limit %s",
            [now, most],
        )
        due = [row[0] for row in c.fetchall()]
    return sum(process(conversation, now=now) for conversation in due)


def retry(message_id: uuid.UUID) -> bool:
    """Work a message off again at the next look. In the writing role; False when there is nothing to try."""
    return bool(
        Incoming.objects.filter(
            pk=message_id, state__in=[MessageState.WAITING, MessageState.DEAD], sealed__isnull=False
        ).update(state=MessageState.WAITING, next_at=timezone.now(), attempts=0, problem="")
    )
