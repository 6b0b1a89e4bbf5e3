"""Somebody speaks to the inbox who should not, or says what he must not: nothing is taken in, nothing is told."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.helpers import seeing_all
from tests.registry.relay.two import Clock, Installation, Network, begin, child_in

from xueji.ground.crypto import pairs
from xueji.registry.relay import envelope, gate, inbox, outbox, peers, transport
from xueji.registry.relay.envelope import Head, canonical
from xueji.registry.relay.errors import NotDelivered, Refused, RelayError
from xueji.registry.relay.models import Incoming, Lookup, Outgoing, Peer

Two = tuple[Installation, Installation]


@pytest.fixture(autouse=True)
def _nobody_has_knocked() -> None:
    gate.forget()


def letter(b: Installation, **change: Any) -> bytes:
    """A message from B to A, as B would send it, or with parts of its head changed."""
    with b.on():
        values: dict[str, Any] = {
            "id": uuid.uuid4(),
            "sender": "B99",
            "receiver": "A99",
            "conversation": uuid.uuid4(),
            "seq": 1,
            "kind": "transfer.done",
            "sent_at": timezone.now(),
        }
        return envelope.wrap(Head(**values | change), {"number": "1"}, seal=peers.sealing_key(b.peer()))


def changed(raw: bytes, **parts: Any) -> bytes:
    """A message altered on the way."""
    return canonical(json.loads(raw) | parts)


def knock(a: Installation, raw: bytes, *, address: str = "192.0.2.7") -> Any:
    """POST to the inbox."""
    with a.on():
        return Client(raise_request_exception=False).post(
            "/relay/inbox/", raw, content_type="application/json", REMOTE_ADDR=address
        )


def kept(side: Installation) -> int:
    """Messages taken in."""
    with side.on(), seeing_all():
        return Incoming.objects.count()


def test_a_good_message_is_signed_for_and_the_same_again_changes_nothing(sides: Two) -> None:
    a, b = sides
    raw = letter(b)
    before = kept(a)
    first, second = knock(a, raw), knock(a, raw)
    assert first.status_code == second.status_code == 200
    assert kept(a) == before + 1
    head = Head(uuid.UUID(json.loads(raw)["id"]), "B99", "A99", uuid.uuid4(), 1, "x", timezone.now())
    with b.on():
        peer = b.peer()
        assert envelope.acknowledged(first.content, head, lambda _c, k: peers.signing_key(peer, k))
        forged = canonical(json.loads(first.content) | {"ack": str(uuid.uuid4())})
        assert not envelope.acknowledged(forged, head, lambda _c, k: peers.signing_key(peer, k))


@pytest.mark.capability("C-SEC-01")
def test_no_wrong_message_gets_in_and_all_refusals_look_alike(sides: Two, tmp_path: Any) -> None:
    a, b = sides
    good = letter(b)
    message = json.loads(good)
    with a.on():
        mine = letter_of_a_stranger(a)
    attempts: dict[str, bytes] = {
        "nothing": b"{}",
        "no json": b"\xff\xfe",
        "deep": b"[" * 100_000,
        "number for a text": changed(good, kind=1),
        "boolean for a number": changed(good, seq=True),
        "half a character": good.replace(b'"transfer.done"', b'"\\ud800"'),
        "one field more": changed(good, extra=""),
        "signature of another": changed(good, sig=json.loads(letter(b))["sig"]),
        "signature cut": changed(good, sig=""),
        "body of another": changed(good, body=json.loads(letter(b))["body"]),
        "kind changed": changed(good, kind="transfer.closed"),
        "number changed": changed(good, seq=2),
        "unknown key": changed(good, key="00000000"),
        "unknown sender": changed(good, **{"from": "C99"}),
        "ourselves": changed(good, **{"from": "A99"}),
        "for somebody else": letter(b, receiver="C99"),
        "from somebody else": letter(b, sender="C99"),
        "of yesterday": letter(b, sent_at=timezone.now() - timedelta(days=1)),
        "of tomorrow": letter(b, sent_at=timezone.now() + timedelta(days=1)),
        "too far ahead": letter(b, seq=100_000),
        "number nought": letter(b, seq=0),
        "signed by us": mine,
        "version": changed(good, v=2),
    }
    before = kept(a)
    answers = {}
    for i, (name, raw) in enumerate(attempts.items()):
        answer = knock(a, raw, address=f"192.0.2.{i}")
        answers[name] = (answer.status_code, answer.content)
    assert set(answers.values()) == {(400, b"")}, answers
    assert kept(a) == before
    assert message["v"] == 1


def letter_of_a_stranger(a: Installation) -> bytes:
    """A says to A that it were B: signed with A's own key."""
    head = Head(uuid.uuid4(), "B99", "A99", uuid.uuid4(), 1, "transfer.done", timezone.now())
    return envelope.wrap(head, {}, seal=pairs.published()[1])


def test_an_oversized_message_is_not_even_read(sides: Two) -> None:
    a, _b = sides
    assert knock(a, b"x" * (envelope.LIMIT + 1)).status_code == 400


def test_a_conversation_is_its_peers_alone(sides: Two, databases: list[str], tmp_path: Any) -> None:
    """A third installation that A knows cannot speak in a conversation between A and B, nor under a known id."""
    a, b = sides
    conversation, message_id = uuid.uuid4(), uuid.uuid4()
    assert knock(a, letter(b, conversation=conversation, id=message_id)).status_code == 200
    with b.on():
        b_card = peers.card()
    with a.on(), seeing_all():
        # The same keys under another name: as if B ran a second installation.
        Peer.objects.create(code="C99", name="第三个", keys=b_card["keys"])
    assert knock(a, letter(b, sender="C99", conversation=conversation, seq=2)).status_code == 400
    assert knock(a, letter(b, sender="C99", id=message_id, conversation=uuid.uuid4())).status_code == 400
    assert knock(a, letter(b, conversation=conversation, seq=1)).status_code == 400


def test_whoever_knocks_too_often_waits(sides: Two) -> None:
    a, b = sides
    for _ in range(gate.WRONG):
        assert knock(a, b"{}").status_code == 400
    assert knock(a, letter(b)).status_code == 429
    assert knock(a, letter(b), address="192.0.2.99").status_code == 200


def test_a_peer_that_was_switched_off_is_nobody(sides: Two) -> None:
    a, b = sides
    with a.on(), seeing_all():
        Peer.objects.update(active=False)
    assert knock(a, letter(b)).status_code == 400


def test_nobody_can_try_numbers_out_through_another_installation(sides: Two, network: Network) -> None:
    a, b = sides
    _person, number = child_in(a)
    with a.on(), seeing_all():
        Lookup.objects.bulk_create([Lookup(peer=a.peer(), at=timezone.now(), found=False) for _ in range(60)])
    case_id = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    case = b.case(case_id)
    assert case is not None
    assert (case.state, "过多" in case.end_reason) == ("unknown", True)


def test_name_number_and_school_must_all_agree_and_the_answer_is_one(sides: Two, network: Network) -> None:
    a, b = sides
    _person, number = child_in(a)
    other = number[:-1] + ("1" if number[-1] != "1" else "2")
    said = set()
    for name, value, school in (("赵大满", number, "a1"), ("赵小满", other, "a1"), ("赵小满", number, "a2")):
        case_id = begin(b, value, name=name, code=a.place.org(school).code)
        network.settle()
        case = b.case(case_id)
        assert case is not None
        assert (case.state, case.summary) == ("unknown", {})
        said.add(case.end_reason)
        assert a.case(case_id) is None
    assert len(said) == 1


def test_the_school_itself_cannot_ask_without_end(sides: Two, network: Network) -> None:
    a, b = sides
    for i in range(10):
        begin(b, f"L99010120190101{i:04d}", code=a.place.org("a1").code)
        network.settle()
    with pytest.raises(RelayError, match="次数过多"):
        begin(b, "L990101201901019999", code=a.place.org("a1").code)


def test_nothing_private_lies_open_in_messages_or_on_the_wire(sides: Two, network: Network) -> None:
    a, b = sides
    _person, number = child_in(a)
    begin(b, number, code=a.place.org("a1").code)
    network.settle()
    wire = b"".join(network.seen)
    assert number.encode() not in wire
    assert "赵小满".encode() not in wire
    for side in (a, b):
        with side.on(), seeing_all():
            assert not Outgoing.objects.exclude(sealed=None).exists()
            assert not Incoming.objects.exclude(sealed=None).exists()


def test_an_answer_that_is_not_the_peers_word_leaves_the_message_queued(sides: Two, clock: Clock) -> None:
    a, b = sides
    begin(b, "L990101201901010001", code=a.place.org("a1").code)
    answers: list[Callable[[Peer, bytes], bytes]] = [
        lambda _p, _r: b'{"ok": true}',
        lambda _p, _r: b"<html>",
        lambda _p, raw: raw,
        lambda _p, _r: b'{"sig": "x", "key": "y"}',
    ]
    for answer in answers:
        with b.on():
            assert outbox.pump(answer, now=clock.now) == 0
        clock.tick(7200)
    with b.on(), seeing_all():
        message = Outgoing.objects.get()
        assert (message.state, message.problem, message.attempts) == ("queued", "not_signed", 4)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com", "ftp://a.cn", "https://u:p@a.cn", "https://a.cn/?x=1", "https://a.cn/#x", "//a.cn",
        "https://", "https://a.cn:99999", "javascript:alert(1)", "https://a .cn", "file:///etc/passwd",
        "http://169.254.169.254", "http://10.0.0.1",
    ],
)  # fmt: skip
def test_only_decent_addresses_are_taken(url: str) -> None:
    with pytest.raises(RelayError):
        peers.check_url(url)


def test_no_redirect_is_followed() -> None:
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    asked = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(307)
            self.send_header("Location", "/somewhere/else/")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_args: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        peer = Peer(code="X", base_url=f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(NotDelivered, match="http_307"):
            transport.post(peer, b"{}")
    finally:
        server.shutdown()
        server.server_close()
    assert asked == ["/relay/inbox/"]


def test_a_wrong_fingerprint_enters_nobody(sides: Two) -> None:
    from xueji.registry.relay import commands

    a, b = sides
    with b.on():
        card = peers.card() | {"code": "D99"}
    with a.on(), a.admin() as actor:
        with pytest.raises(RelayError, match="指纹不一致"):
            commands.add_peer(actor, card=card, divisions=[], fingerprint="0" * 40)
        for broken in (
            {},
            [],
            None,
            {"about": "xueji relay"},
            card | {"keys": []},
            card | {"url": "http://x.cn"},
        ):
            with pytest.raises(RelayError):
                commands.add_peer(actor, card=broken, divisions=[], fingerprint="")


def test_messages_with_nonsense_inside_wait_and_harm_nothing_else(sides: Two, network: Network) -> None:
    """A peer that is known may still be broken: its message keeps its place, others go on."""
    a, b = sides
    for kind in ("transfer.ask", "transfer.request", "transfer.record", "transfer.closed", "no.such.kind"):
        assert knock(a, letter(b, kind=kind)).status_code == 200
    _person, number = child_in(a)
    case_id = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    assert b.case(case_id).state == "draft"  # type: ignore[union-attr]


def test_a_third_clock_or_a_carried_file_reach_further_back(sides: Two) -> None:
    a, b = sides
    raw = letter(b, sent_at=timezone.now() - timedelta(days=3))
    with a.on():
        with pytest.raises(Refused, match="clock"):
            inbox.receive(raw)
        word, _conversation = inbox.receive(raw, carried=True)
    assert word["to"] == "B99"
