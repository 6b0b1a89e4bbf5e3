"""How the relay stands, for the system administrator: the others, and messages, of which only the kind is told."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from . import peers
from .models import Incoming, MessageState, Outgoing, Own, Peer

MOST = 100

KIND_WORDS: dict[str, Any] = {
    "transfer.ask": _("查询学生"),
    "transfer.found": _("查到学生"),
    "transfer.unknown": _("没有查到"),
    "transfer.request": _("转学申请"),
    "transfer.steps": _("办理进度"),
    "transfer.returned": _("退回修改"),
    "transfer.refused": _("不通过"),
    "transfer.cancelled": _("撤回或撤销"),
    "transfer.urge": _("催办"),
    "transfer.record": _("学籍档案"),
    "transfer.ready": _("可以接收"),
    "transfer.failed": _("不能接收"),
    "transfer.closed": _("已转出"),
    "transfer.done": _("已接收"),
    "key.announce": _("更换密钥"),
}
PROBLEM_WORDS: dict[str, Any] = {
    "unreachable": _("连不上对方系统"),
    "not_signed": _("对方没有确认"),
    "no_key": _("没有对方的公钥"),
    "too_large": _("内容太大"),
    "address": _("对方网址不对"),
    "gone": _("内容已不在"),
}


@dataclass(frozen=True)
class MessageRow:
    """A message without its content."""

    id: uuid.UUID
    direction: str
    peer: str
    kind: str
    seq: int
    conversation: str
    state: str
    state_label: str
    attempts: int
    problem: str
    made_at: datetime
    next_at: datetime
    may_retry: bool


@dataclass(frozen=True)
class Overview:
    """The page's content."""

    own: Own | None
    fingerprint: str
    peers: list[Any]
    waiting: list[MessageRow]
    dead: int


@dataclass(frozen=True)
class PeerPage:
    """One other installation."""

    peer: Peer
    fingerprint: str
    unsent: int
    messages: list[MessageRow]


def own_values() -> dict[str, str]:
    """What the form of the own name begins with."""
    me = Own.objects.filter(pk=1).first()
    return {"code": me.code, "name": me.name, "base_url": me.base_url} if me else {}


def overview(actor: Any) -> Overview:
    """The whole: at most 500 others, the newest hundred messages that have not got through."""
    me = Own.objects.filter(pk=1).first()
    open_out = (
        Outgoing.objects.exclude(state=MessageState.SENT)
        .select_related("peer")
        .order_by("-made_at", "-pk")[:MOST]
    )
    open_in = (
        Incoming.objects.exclude(state=MessageState.DONE)
        .select_related("peer")
        .order_by("-made_at", "-pk")[:MOST]
    )
    unsent = Count("outgoing", filter=~Q(outgoing__state=MessageState.SENT))
    rows = [*(_row(m, "out") for m in open_out), *(_row(m, "in") for m in open_in)]
    return Overview(
        own=me,
        fingerprint=peers.own_fingerprint() if me else "",
        peers=list(Peer.objects.annotate(unsent=unsent).order_by("name", "pk")[:500]),
        waiting=sorted(rows, key=lambda r: r.made_at, reverse=True)[:MOST],
        dead=sum(r.state == MessageState.DEAD for r in rows),
    )


def peer(actor: Any, peer_id: int) -> PeerPage:
    """One other installation with its newest messages. Raises Http404."""
    found = Peer.objects.filter(pk=peer_id).first()
    if found is None:
        raise Http404
    out = Outgoing.objects.filter(peer=found).select_related("peer").order_by("-made_at", "-pk")[:50]
    into = Incoming.objects.filter(peer=found).select_related("peer").order_by("-made_at", "-pk")[:50]
    rows = [*(_row(m, "out") for m in out), *(_row(m, "in") for m in into)]
    return PeerPage(
        peer=found,
        fingerprint=peers.fingerprint_of(found),
        unsent=sum(r.direction == "out" and r.state != MessageState.SENT for r in rows),
        messages=sorted(rows, key=lambda r: r.made_at, reverse=True)[:50],
    )


def _row(m: Outgoing | Incoming, direction: str) -> MessageRow:
    over = m.state in (MessageState.SENT, MessageState.DONE)
    return MessageRow(
        id=m.id,
        direction=direction,
        peer=m.peer.name,
        kind=str(KIND_WORDS.get(m.kind, m.kind)),
        seq=m.seq,
        conversation=str(m.conversation)[:8],
        state=m.state,
        state_label=str(MessageState(m.state).label),
        attempts=m.attempts,
        problem=str(PROBLEM_WORDS.get(m.problem, m.problem)),
        made_at=m.made_at,
        next_at=m.next_at,
        may_retry=not over and m.sealed is not None,
    )
