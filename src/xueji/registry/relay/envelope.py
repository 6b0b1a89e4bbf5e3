"""A message as it travels: canonical JSON, signed by the sender, its body sealed for the receiver.

    {v, id, from, to, conversation, seq, kind, sent_at, key, seal, body, sig}

`key` and `seal` name the sender's signing key and the receiver's sealing key; the signature covers all the rest, and
the head is bound to the sealed body, so that no part can be put into another message. Nothing here reads a database.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from xueji.ground.crypto import pairs
from xueji.ground.crypto.errors import VaultError
from xueji.ground.crypto.pairs import Public

from .errors import NotDelivered, Refused

VERSION = 1
#: The largest message taken in or sent, in bytes: a record with its photo is a fraction of it.
LIMIT = 4 * 1024 * 1024
_SIGNED = b"xueji-relay-message-1\0"
_ACK = b"xueji-relay-ack-1\0"
_HEAD = ("v", "id", "from", "to", "conversation", "seq", "kind")
_FIELDS = frozenset({*_HEAD, "sent_at", "key", "seal", "body", "sig"})


@dataclass(frozen=True)
class Head:
    """Everything of a message but its body."""

    id: uuid.UUID
    sender: str
    receiver: str
    conversation: uuid.UUID
    seq: int
    kind: str
    sent_at: datetime

    def plain(self) -> dict[str, Any]:
        """The part that is bound to the body."""
        return {
            "v": VERSION,
            "id": str(self.id),
            "from": self.sender,
            "to": self.receiver,
            "conversation": str(self.conversation),
            "seq": self.seq,
            "kind": self.kind,
        }


def canonical(value: Any) -> bytes:
    """One text for one value: keys in order, no spaces, UTF-8."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def wrap(head: Head, body: dict[str, Any], *, seal: Public) -> bytes:
    """Seal the body for the receiver and sign the whole with our key in use. Raises `NotDelivered` if too large."""
    plain = head.plain()
    message = plain | {
        "sent_at": head.sent_at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "seal": seal.id,
        "body": pairs.seal_for(seal, canonical(body), canonical(plain)),
    }
    message["key"] = pairs.published()[0].id
    _id, message["sig"] = pairs.sign(_SIGNED + canonical(message))
    raw = canonical(message)
    if len(raw) > LIMIT:
        raise NotDelivered("too_large")
    return raw


@dataclass(frozen=True)
class Opened:
    """A message whose signature holds; the body is opened on demand."""

    head: Head
    seal: str
    body: str

    def open(self) -> dict[str, Any]:
        """The body in clear. Raises `Refused`."""
        try:
            found = json.loads(pairs.open_sealed(self.seal, self.body, canonical(self.head.plain())))
        except (VaultError, ValueError, RecursionError) as error:
            raise Refused("sealed") from error
        if not isinstance(found, dict):
            raise Refused("body")
        return found


def unwrap(raw: bytes, key_of: Callable[[str, str], Public | None]) -> Opened:
    """Check form and signature of a message. `key_of` gives the signing key of (sender, key id), or None.

    Raises `Refused` with the reason; who sent it is believed only after this.
    """
    if len(raw) > LIMIT:
        raise Refused("too_large")
    try:
        message = json.loads(raw)
        if not isinstance(message, dict) or set(message) != _FIELDS or message["v"] != VERSION:
            raise Refused("form")
        if (
            any(not isinstance(message[k], str) for k in _FIELDS - {"v", "seq"})
            or type(message["seq"]) is not int
        ):
            raise Refused("form")
        head = Head(
            uuid.UUID(message["id"]),
            message["from"],
            message["to"],
            uuid.UUID(message["conversation"]),
            message["seq"],
            message["kind"],
            datetime.fromisoformat(message["sent_at"]),
        )
        if not 1 <= head.seq < 2**31 or len(head.kind) > 30 or head.sent_at.tzinfo is None:
            raise Refused("form")
    except (ValueError, KeyError, RecursionError) as error:
        raise Refused("form") from error
    key = key_of(head.sender, message["key"])
    if key is None:
        raise Refused("unknown")
    signature = message.pop("sig")
    try:
        signed = _SIGNED + canonical(message)
    except ValueError as error:  # lone surrogates and the like: no text at all
        raise Refused("form") from error
    if not pairs.verify(key, signed, signature):
        raise Refused("signature")
    return Opened(head, message["seal"], message["body"])


def acknowledge(head: Head) -> dict[str, Any]:
    """Our signed word that a message is kept here."""
    word = {"ack": str(head.id), "from": head.receiver, "to": head.sender}
    key, signature = pairs.sign(_ACK + canonical(word))
    return word | {"key": key, "sig": signature}


def acknowledged(raw: bytes, head: Head, key_of: Callable[[str, str], Public | None]) -> bool:
    """Whether an answer is the receiver's signed word that it keeps the message."""
    try:
        word = json.loads(raw)
        signature, key_id = word.pop("sig"), word.pop("key")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return False
    if word != {"ack": str(head.id), "from": head.receiver, "to": head.sender}:
        return False
    key = key_of(head.receiver, key_id) if isinstance(key_id, str) else None
    return (
        key is not None
        and isinstance(signature, str)
        and pairs.verify(key, _ACK + canonical(word), signature)
    )
