"""Saying something: written with the deed that it tells of, sent until the other side has signed for it."""

from __future__ import annotations

import json
import logging
import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xueji.ground.crypto import vault
from xueji.ground.crypto.pairs import Public
from xueji.ground.db.scope import acting

from . import envelope, peers, transport
from .errors import NotDelivered, RelayError
from .models import MessageState, Outgoing, Own, Peer, Talk

log = logging.getLogger("xueji.relay")

FIRST_WAIT = 15.0
LONGEST_WAIT = 3600.0
#: After so many tries the administrator is told, and nobody tries any more until he says so.
MOST_TRIES = 200
#: For how long one attempt keeps the message from others.
LEASE = timedelta(seconds=90)

Send = Callable[[Peer, bytes], bytes]


def place(message_id: uuid.UUID) -> str:
    """Where the content of a message that goes out belongs (the vault's `where`)."""
    return f"relay_out.sealed:{message_id}"


def say(talk: Talk, kind: str, body: dict[str, Any]) -> Outgoing:
    """Put a message into the outbox. In the writing role, with the conversation's row locked."""
    now = timezone.now()
    talk.out_seq += 1
    Talk.objects.filter(pk=talk.pk).update(out_seq=talk.out_seq)
    message = Outgoing(
        peer_id=talk.peer_id,
        conversation=talk.conversation,
        seq=talk.out_seq,
        kind=kind,
        state=MessageState.QUEUED,
        next_at=now,
        made_at=now,
    )
    message.sealed = vault.seal_json(body, place(message.id))
    message.save(force_insert=True)
    _call_worker()
    return message


def _call_worker() -> None:
    """Have it sent at once: the job lies in the same transaction, the clock looks again anyway."""
    from .tasks import send_due

    send_due.defer()


def pump(send: Send | None = None, *, now: datetime | None = None, most: int = 50) -> int:
    """Send what is due, oldest first; returns how many the other sides have signed for.

    Each message is claimed in a transaction of its own and sent outside of any. A peer that does not answer is left
    alone for the rest of this round.
    """
    now = now or timezone.now()
    silent: set[int] = set()
    done = 0
    for _round in range(most):
        claimed = _claim(now, silent)
        if claimed is None:
            break
        message, peer, me = claimed
        try:
            deliver(message, peer, me, send or transport.post, now)
            done += 1
        except NotDelivered as error:
            silent.add(peer.pk)
            log.info("relay: message %s to %s not delivered: %s", message.id, peer.code, error.code)
    return done


def _claim(now: datetime, silent: set[int]) -> tuple[Outgoing, Peer, Own] | None:
    with transaction.atomic(), acting("writer"):
        me = Own.objects.filter(pk=1).first()
        message = (
            Outgoing.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(state=MessageState.QUEUED, next_at__lte=now, peer__active=True)
            .exclude(peer__base_url="")
            .exclude(peer_id__in=silent)
            .order_by("next_at", "made_at", "seq")
            .first()
        )
        if message is None or me is None:
            return None
        message.attempts += 1
        message.next_at = now + LEASE
        message.save(update_fields=["attempts", "next_at"])
        return message, Peer.objects.get(pk=message.peer_id), me


def deliver(message: Outgoing, peer: Peer, me: Own, send: Send, now: datetime) -> None:
    """One attempt. Raises `NotDelivered` after having noted when to try again."""
    head = head_of(message, peer, me, now)

    def key_of(sender: str, key_id: str) -> Public | None:
        return peers.signing_key(peer, key_id) if sender == peer.code else None

    try:
        raw = pack(message, peer, head)
        if not envelope.acknowledged(send(peer, raw), head, key_of):
            raise NotDelivered("not_signed")
    except NotDelivered as error:
        _try_again(message, error.code, now)
        raise
    _received(message.id, now)


def head_of(message: Outgoing, peer: Peer, me: Own, now: datetime) -> envelope.Head:
    """The head of a message for this attempt."""
    return envelope.Head(message.id, me.code, peer.code, message.conversation, message.seq, message.kind, now)


def pack(message: Outgoing, peer: Peer, head: envelope.Head) -> bytes:
    """The signed text of a message. Raises `NotDelivered`."""
    if message.sealed is None:
        raise NotDelivered("gone")
    try:
        seal = peers.sealing_key(peer)
    except RelayError as error:
        raise NotDelivered("no_key") from error
    return envelope.wrap(head, vault.open_json(bytes(message.sealed), place(message.id)), seal=seal)


def _try_again(message: Outgoing, code: str, now: datetime) -> None:
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(message.attempts - 1, 20)) * random.uniform(0.5, 1.5)
    dead = message.attempts >= MOST_TRIES or code in ("too_large", "gone")
    with transaction.atomic(), acting("writer"):
        Outgoing.objects.filter(pk=message.id, state=MessageState.QUEUED).update(
            next_at=now + timedelta(seconds=wait),
            problem=code,
            state=MessageState.DEAD if dead else MessageState.QUEUED,
        )
        Peer.objects.filter(pk=message.peer_id, failing_since=None).update(failing_since=now)


def _received(message_id: uuid.UUID, now: datetime) -> None:
    """The other side keeps it: we no longer need the content."""
    with transaction.atomic(), acting("writer"):
        received(message_id, now)
        Peer.objects.filter(outgoing__id=message_id).update(seen_at=now, failing_since=None)


def received(message_id: uuid.UUID, now: datetime) -> None:
    """Note that the other side keeps a message. In the writing role; saying it twice changes nothing."""
    Outgoing.objects.filter(pk=message_id).exclude(state=MessageState.SENT).update(
        state=MessageState.SENT, sealed=None, ended_at=now, problem=""
    )


def heard(peer: Peer, conversation: uuid.UUID, upto: int, now: datetime) -> None:
    """The other side says that it has worked off our messages up to a number (carried by file). Writing role."""
    Outgoing.objects.filter(peer=peer, conversation=conversation, seq__lte=upto).exclude(
        state=MessageState.SENT
    ).update(state=MessageState.SENT, sealed=None, ended_at=now, problem="")


def lock_talk(conversation: uuid.UUID) -> Talk | None:
    """The conversation, held until the transaction ends. In the writing role."""
    return Talk.objects.select_for_update().filter(pk=conversation).first()


def open_talk(conversation: uuid.UUID, peer: Peer) -> Talk:
    """The conversation, made if it is new, and held. Raises `RelayError` if it is another peer's."""
    with connection.cursor() as c:
        c.execute(
            "insert into relay_talk (conversation, peer_id, out_seq, in_seq) values (%s, %s, 0, 0)"
            " on conflict (conversation) do nothing",
            [conversation, peer.pk],
        )
    talk = lock_talk(conversation)
    if talk is None or talk.peer_id != peer.pk:
        raise RelayError("conversation of another peer")
    return talk


def retry(message_id: uuid.UUID) -> bool:
    """Try a message again at once. In the writing role; False when there is nothing to try."""
    again = Outgoing.objects.filter(
        pk=message_id,
        state__in=[MessageState.QUEUED, MessageState.DEAD, MessageState.CARRIED],
        sealed__isnull=False,
    ).update(state=MessageState.QUEUED, next_at=timezone.now(), attempts=0, problem="")
    if again:
        _call_worker()
    return bool(again)


def waiting(peer: Peer, *, most: int = 200) -> list[Outgoing]:
    """What a peer has not signed for yet, in the order of saying. In the writing role."""
    return list(
        Outgoing.objects.filter(peer=peer, sealed__isnull=False)
        .exclude(state=MessageState.SENT)
        .order_by("made_at", "seq")[:most]
    )


def dump(value: Any) -> str:
    """JSON for people: a card or a file of messages."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
