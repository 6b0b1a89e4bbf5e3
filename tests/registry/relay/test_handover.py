"""The hand-over: what stands still, who says no, what a crash leaves, what is carried by hand, new keys."""

from __future__ import annotations

import json
import random
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from tests.helpers import act_as, seeing_all
from tests.registry.changes.world import make_child
from tests.registry.relay.two import (
    Clock,
    Installation,
    Network,
    begin,
    child_in,
    decide,
    fill_in,
    pass_all,
    problems,
    queued,
    send,
)

from xueji.ground.crypto import pairs
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import IllegalStep
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.relay import commands, inbox, outbox, peers
from xueji.registry.relay.commands import handover, upkeep
from xueji.registry.relay.errors import RelayError
from xueji.registry.relay.models import Incoming, State, Talk

Two = tuple[Installation, Installation]


def until_request(sides: Two, network: Network, **form: Any) -> tuple[uuid.UUID, uuid.UUID]:
    """A transfer that the losing side has to decide; the child and the conversation."""
    a, b = sides
    person, number = child_in(a)
    case_id = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    fill_in(b, case_id, **form)
    send(b, case_id)
    pass_all(b, case_id)
    network.settle()
    return person, case_id


def suspend(a: Installation, person: uuid.UUID) -> None:
    """Another change of the child in its old school."""
    with a.on(), act_as(a.place.user("registrar", "a1")) as actor:
        enrolment.apply_step(actor, Step(person, "suspend", Status.SUSPENDED, timezone.now()))


@pytest.mark.capability("C-TRF-07")
def test_a_prepared_record_stands_still_until_the_other_side_has_answered(
    sides: Two, network: Network
) -> None:
    a, b = sides
    person, case_id = until_request(sides, network)
    b.up = False
    pass_all(a, case_id)
    network.settle()
    assert a.case(case_id).phase == "prepared"  # type: ignore[union-attr]
    with pytest.raises(IllegalStep, match="正在向外省移交"):
        suspend(a, person)
    b.up = True
    network.clock.tick(7200)
    network.settle()
    assert b.case(case_id).state == State.DONE  # type: ignore[union-attr]


def test_the_roster_of_the_losing_school_shows_the_transfer_until_it_ends(
    sides: Two, network: Network
) -> None:
    a, _b = sides
    person, case_id = until_request(sides, network)
    number = a.case(case_id).number  # type: ignore[union-attr]
    assert open_case(a, person) == number
    decide(a, case_id, "refuse", "材料与事实不符")
    assert open_case(a, person) == ""


def open_case(a: Installation, person: uuid.UUID) -> str:
    with a.on(), seeing_all(), connection.cursor() as c:
        c.execute("select open_case from roster where person_id = %s and reason = 'enrolled'", [person])
        return str(c.fetchone()[0])


def test_two_schools_cannot_both_take_one_child(sides: Two, network: Network) -> None:
    a, b = sides
    person, number = child_in(a)
    first = begin(b, number, code=a.place.org("a1").code)
    second = begin(b, number, code=a.place.org("a1").code, school="c1")
    network.settle()
    for case_id, school in ((first, "b1"), (second, "c1")):
        fill_in(b, case_id, school=school)
        send(b, case_id, school=school)
        pass_all(b, case_id)
    network.settle()
    states = {b.case(first).state, b.case(second).state}  # type: ignore[union-attr]
    assert states == {State.AWAY, State.REFUSED}
    winner = first if b.case(first).state == State.AWAY else second  # type: ignore[union-attr]
    pass_all(a, winner)
    network.settle()
    assert (a.studying(), b.studying()) == (0, 1)
    assert person


def test_a_child_whose_number_is_known_on_the_other_side_stays(sides: Two, network: Network) -> None:
    """Somebody in the receiving installation holds the identity number: two records would come of it."""
    a, b = sides
    person, case_id = until_request(sides, network)
    with a.on(), act_as(a.place.user("registrar", "a1")) as actor:
        from xueji.registry.people import commands as people

        identity = people.reveal(actor, person, "identity", "核对证件")
    with b.on():
        make_child(b.place, school="c1", name="同号人", id_number=identity)
    pass_all(a, case_id)
    network.settle()
    for side in (a, b):
        case = side.case(case_id)
        assert case is not None
        assert case.state == State.FAILED
        assert "已有学籍" in case.end_reason
    assert a.studying() == 1
    suspend(a, person)


def test_what_fails_after_the_child_has_left_brings_it_back(
    sides: Two, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = sides
    person, case_id = until_request(sides, network)
    real = handover._write
    calls = []

    def twice(*args: Any, **kwargs: Any) -> Any:
        calls.append(kwargs)
        if len(calls) == 2:
            raise RelayError("编入班级时出错")
        return real(*args, **kwargs)

    monkeypatch.setattr(handover, "_write", twice)
    pass_all(a, case_id)
    network.settle()
    assert len(calls) == 2
    assert a.case(case_id).state == b.case(case_id).state == State.FAILED  # type: ignore[union-attr]
    assert (a.studying(), b.studying()) == (1, 0)
    assert problems(a) == []
    assert problems(b) == []
    suspend(a, person)


def test_a_record_that_cannot_be_closed_any_more_stays_and_the_other_side_lets_go(
    sides: Two, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something past the hold changed the child while the record was on its way."""
    from xueji.registry.enrolment import holds

    a, b = sides
    person, case_id = until_request(sides, network)
    b.up = False
    pass_all(a, case_id)
    network.settle()
    with holds.lifted():
        with a.on(), act_as(a.place.user("registrar", "a1")) as actor:
            enrolment.apply_step(actor, Step(person, "death", Status.DECEASED, timezone.now()))
    b.up = True
    network.clock.tick(7200)
    network.settle()
    assert a.case(case_id).state == State.FAILED  # type: ignore[union-attr]
    assert b.case(case_id).state == State.REFUSED  # type: ignore[union-attr]
    assert (a.studying(), b.studying()) == (0, 0)
    assert problems(a) == problems(b) == []


def test_a_record_of_another_child_than_the_one_asked_for_is_not_taken(
    sides: Two, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another name, nor a key under which somebody else stands here."""
    a, b = sides
    _person, case_id = until_request(sides, network)
    real = handover._package
    with b.on():
        other = make_child(b.place, school="c1", name="钱多多")
    monkeypatch.setattr(
        handover, "_package", lambda case: real(case) | {"person": real(case)["person"] | {"name": "钱多多"}}
    )
    pass_all(a, case_id)
    network.settle()
    assert "不一致" in b.case(case_id).end_reason  # type: ignore[union-attr]
    monkeypatch.setattr(
        handover,
        "_package",
        lambda case: real(case) | {"person": real(case)["person"] | {"person_id": str(other)}},
    )
    with a.on(), act_as(a.place.user("registrar", "a1")) as actor:
        from xueji.registry.people import commands as people

        number = people.reveal(actor, _person, "number", "转学需要核对")
    again = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    fill_in(b, again)
    send(b, again)
    pass_all(b, again)
    network.settle()
    pass_all(a, again)
    network.settle()
    assert b.case(again).state == State.FAILED  # type: ignore[union-attr]
    with b.on(), seeing_all(), connection.cursor() as c:
        c.execute("select name from person where person_id = %s", [other])
        assert c.fetchone()[0] == "钱多多"


def test_a_child_comes_back_years_later_to_its_first_installation(sides: Two, network: Network) -> None:
    a, b = sides
    person, case_id = until_request(sides, network)
    pass_all(a, case_id)
    network.settle()
    assert (a.studying(), b.studying()) == (0, 1)
    from tests.registry.changes.world import number_of

    with b.on():
        number = number_of(b.place, person, "b1")
    back = begin(a, number, code=b.place.org("b1").code, school="a1")
    network.settle()
    fill_in(a, back, school="a1", to_class_id=a.place.klass("a1").pk)
    send(a, back, school="a1")
    pass_all(a, back)
    network.settle()
    pass_all(b, back)
    network.settle()
    assert a.case(back).state == State.DONE, a.case(back).end_reason  # type: ignore[union-attr]
    assert (a.studying(), b.studying()) == (1, 0)
    with a.on(), seeing_all(), connection.cursor() as c:
        c.execute("select count(*) from person where name = '赵小满'")
        assert c.fetchone()[0] == 1
    assert problems(a) == []
    assert problems(b) == []


def test_a_transfer_of_a_later_day_takes_effect_on_both_sides_on_that_day(
    sides: Two, network: Network
) -> None:
    a, b = sides
    day = timezone.localdate() + timedelta(days=3)
    person, case_id = until_request(sides, network, effective_on=day.isoformat())
    pass_all(a, case_id)
    network.settle()
    assert a.case(case_id).state == b.case(case_id).state == State.DONE  # type: ignore[union-attr]
    for side in (a, b):
        with side.on(), seeing_all(), connection.cursor() as c:
            c.execute(
                "select valid_from, status from enrolment_state where person_id = %s and valid_to is null",
                [person],
            )
            at, status = c.fetchone()
            assert at == midnight(day)
            assert status == (Status.TRANSFERRED_OUT if side is a else Status.STUDYING)
    assert a.studying() == 1
    assert problems(a) == []


def test_somebody_who_is_clerk_and_head_cannot_decide_both(sides: Two, network: Network) -> None:
    from tests.helpers import give_role

    a, _b = sides
    _person, case_id = until_request(sides, network)
    with a.on():
        registrar = a.place.user("registrar", "a1")
        second = give_role(registrar, "school_head", a.place.org("a1"))
        with act_as(registrar) as actor:
            commands.decide(actor, case_id=case_id, decision="pass")
        with act_as(registrar, second) as actor, pytest.raises(RelayError, match="不能是同一个人"):
            commands.decide(actor, case_id=case_id, decision="pass")


class Crash(BaseException):
    """The process dies."""


@pytest.mark.parametrize("seed", range(4))
def test_a_crash_at_any_message_leaves_a_transfer_that_goes_on(
    sides: Two, clock: Clock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The receiver dies before the message is kept, after it is kept, while it is worked off; the sender before it
    has noted the answer. Everybody starts again, and one record comes of it."""
    a, b = sides
    rng = random.Random(seed)
    network = Network([a, b], clock, rng)
    real_one, real_received = inbox._one, outbox._received
    armed = False

    def dying_one(conversation: uuid.UUID, now: Any) -> bool:
        if armed and rng.random() < 0.3:
            with transaction.atomic():
                real_one(conversation, now)
                transaction.set_rollback(True)
            raise Crash
        return real_one(conversation, now)

    def dying_received(message_id: uuid.UUID, now: Any) -> None:
        if armed and rng.random() < 0.3:
            raise Crash
        real_received(message_id, now)

    monkeypatch.setattr(inbox, "_one", dying_one)
    monkeypatch.setattr(outbox, "_received", dying_received)
    _person, number = child_in(a)
    armed = True
    case_id = begin(b, number, code=a.place.org("a1").code)
    for _ in range(200):
        try:
            network.round()
        except Crash:
            clock.tick(200)
        assert a.studying() + b.studying() <= 1
        here, there = b.case(case_id), a.case(case_id)
        if here is not None and here.state == State.DRAFT:
            fill_in(b, case_id)
            send(b, case_id)
        decide(b, case_id)
        decide(a, case_id)
        clock.tick(60)
        if (
            here is not None
            and there is not None
            and here.state == there.state == State.DONE
            and not queued(b)
        ):
            break
    assert (a.studying(), b.studying()) == (0, 1)
    assert problems(a) == []
    assert problems(b) == []


@pytest.mark.capability("C-TRF-18")
def test_without_any_network_the_messages_are_carried_as_files(sides: Two) -> None:
    a, b = sides
    for side in (a, b):
        with side.on(), side.admin() as actor:
            commands.change_peer(actor, peer_id=side.peer().pk, base_url="", divisions=["99"], active=True)

    def carry(one: Installation, other: Installation) -> int:
        with one.on(), one.admin() as actor:
            _name, data = commands.export_file(actor, peer_id=one.peer().pk)
        assert "赵小满".encode() not in data
        with other.on(), other.admin() as actor:
            assert commands.import_file(actor, data=data).refused == 0
            again = commands.import_file(actor, data=data)
            assert again.refused == 0
            return again.taken

    person, number = child_in(a)
    case_id = begin(b, number, code=a.place.org("a1").code)
    with b.on():
        assert outbox.pump(lambda _p, _r: b"") == 0
    carry(b, a)
    carry(a, b)
    fill_in(b, case_id)
    send(b, case_id)
    pass_all(b, case_id)
    carry(b, a)
    pass_all(a, case_id)
    for one, other in ((a, b), (b, a), (a, b), (b, a), (a, b)):
        carry(one, other)
    assert a.case(case_id).state == b.case(case_id).state == State.DONE  # type: ignore[union-attr]
    assert (a.studying(), b.studying()) == (0, 1)
    assert queued(a) == queued(b) == 0
    with b.on(), b.admin() as actor:
        for bad in (b"", b"{}", b"[]", b'{"about": "xueji relay messages"}'):
            with pytest.raises(RelayError):
                commands.import_file(actor, data=bad)
        _name, data = commands.export_file(actor, peer_id=b.peer().pk)
        with pytest.raises(RelayError, match="不是发给本系统"):
            commands.import_file(actor, data=data)
    with a.on(), a.admin() as actor, pytest.raises(RelayError, match="改动过"):
        commands.import_file(actor, data=data.replace(b'"heard": {', b'"heard": {"x": 1, ', 1))
    assert person


def test_new_keys_are_used_when_everybody_knows_them_and_old_ones_still_open(
    sides: Two, network: Network
) -> None:
    a, b = sides
    with b.on():
        before = pairs.published()
    _person, number = child_in(a)
    a.up = False
    with b.on(), b.admin() as actor:
        fresh = commands.announce_keys(actor)
    network.settle()
    with b.on():
        upkeep.forget_old()
        assert pairs.published() == before
    a.up = True
    network.clock.tick(7200)
    network.settle()
    with b.on():
        upkeep.forget_old()
        assert {k.id for k in pairs.published()} == {k.id for k in fresh}
    with a.on():
        known = {k["id"]: k.get("until") for k in a.peer().keys}
        assert set(known) == {k.id for k in [*before, *fresh]}
        assert all(known[k.id] is None for k in fresh)
        assert peers.signing_key(a.peer(), before[0].id) is not None
    case_id = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    assert b.case(case_id).state == State.DRAFT  # type: ignore[union-attr]


def test_a_message_before_its_time_waits_for_those_before(sides: Two, clock: Clock) -> None:
    """Number two comes first, is signed for, and is worked off only after number one."""
    a, b = sides
    _person, number = child_in(a)
    case_id = begin(b, number, code=a.place.org("a1").code)
    with b.on(), act_as(b.place.user("registrar", "b1")) as actor:
        commands.discard(actor, case_id=case_id)
    sent: list[bytes] = []

    def hold_back(_peer: Any, raw: bytes) -> bytes:
        sent.append(raw)
        return b""

    for _ in range(3):
        with b.on():
            outbox.pump(hold_back, now=clock.now)
        clock.tick(7200)
    by_seq = {json.loads(raw)["seq"]: raw for raw in sent}
    now = clock.now
    with a.on():
        inbox.receive(by_seq[2], now=now - timedelta(hours=2), carried=True)
        assert inbox.process(case_id, now=now) == 0
        with seeing_all():
            assert Incoming.objects.get().state == "waiting"
        inbox.receive(by_seq[1], now=now, carried=True)
        assert inbox.process(case_id, now=now) == 2
        with seeing_all():
            assert Talk.objects.get().in_seq == 2
    assert a.case(case_id) is None
