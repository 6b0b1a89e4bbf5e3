"""The must of the protocol: whatever the network does, whoever is down, whoever says no, one record at the end."""

from __future__ import annotations

import itertools
import random
import uuid

import pytest
from tests.registry.relay.two import (
    Clock,
    Installation,
    Network,
    begin,
    child_in,
    decide,
    fill_in,
    problems,
    queued,
    send,
)

from xueji.registry.relay.errors import RelayError
from xueji.registry.relay.models import ENDED, State

Two = tuple[Installation, Installation]
ENDS = {str(s) for s in ENDED}
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"


def names(n: int) -> str:
    """Another child each time."""
    return f"{_SURNAMES[n % len(_SURNAMES)]}小{'安康宁乐和平'[n // len(_SURNAMES) % 6]}"


def story(sides: Two, clock: Clock, seed: int, bad: float, one_down: bool) -> tuple[uuid.UUID, str, str]:
    """One transfer over a bad network, people deciding whenever they can; at times somebody refuses or gives up.

    After every round the child is in attendance on one side at most.
    """
    a, b = sides
    rng = random.Random(seed)
    network = Network([a, b], clock, rng, bad=bad)
    refuser = rng.choice([None, None, None, a, b])
    quitter = rng.random() < 0.25
    before = a.studying() + b.studying()
    _person, number = child_in(a, name=names(seed))
    case_id = begin(b, number, code=a.place.org("a1").code, name=names(seed))
    down = rng.choice([a, b])
    for turn in itertools.count():
        assert turn < 400, "it never ends"
        if one_down:
            down.up = not 10 <= turn < 30
        network.round()
        assert before <= a.studying() + b.studying() <= before + 1, f"seed {seed} turn {turn}"
        here = b.case(case_id)
        assert here is not None
        if here.state == State.DRAFT and b.up:
            fill_in(b, case_id)
            send(b, case_id)
        for side in (a, b):
            if not side.up or rng.random() < 0.4:
                continue
            say = "refuse" if side is refuser and rng.random() < 0.2 else "pass"
            decide(side, case_id, say)
        if quitter and rng.random() < 0.05:
            give_up(b, case_id)
        clock.tick(rng.uniform(5, 400))
        mine, theirs = b.case(case_id), a.case(case_id)
        over = mine is not None and mine.state in ENDS and (theirs is None or theirs.state in ENDS)
        if over and not network.late and a.up and b.up and not queued(a) and not queued(b):
            return case_id, mine.state, theirs.state if theirs else ""  # type: ignore[union-attr]
    raise AssertionError


def give_up(b: Installation, case_id: uuid.UUID) -> None:
    """The receiving school stops it, if it still may."""
    from tests.helpers import act_as

    from xueji.registry.relay import commands

    case = b.case(case_id)
    if case is None or case.state not in (State.RUNNING, State.AWAY, State.RETURNED):
        return
    with b.on(), act_as(b.place.user("registrar", "b1")) as actor:
        try:
            commands.cancel(actor, case_id=case_id, reason="家长说不转了")
        except RelayError:
            return


def check(sides: Two, seeds: range, *, bad: float) -> dict[str, int]:
    a, b = sides
    clock = Clock()
    ends: dict[str, int] = {}
    for seed in seeds:
        here_before, there_before = b.studying(), a.studying()
        _case, here, there = story(sides, clock, seed, bad, one_down=seed % 2 == 0)
        moved = here == State.DONE
        assert (b.studying() - here_before, a.studying() - there_before) == ((1, 0) if moved else (0, 1)), (
            seed
        )
        if there:
            assert (here == State.DONE) == (there == State.DONE), (seed, here, there)
        ends[here] = ends.get(here, 0) + 1
    assert problems(a) == []
    assert problems(b) == []
    return ends


@pytest.mark.capability("C-TRF-07")
def test_lost_doubled_late_and_unordered_messages_end_in_one_record(sides: Two) -> None:
    ends = check(sides, range(1, 9), bad=0.7)
    assert ends[State.DONE] >= 3
    assert len(ends) >= 2


@pytest.mark.slow
def test_fifty_transfers_over_bad_networks_end_in_one_record_each(sides: Two) -> None:
    # No more than a school may ask for in an hour.
    ends = check(sides, range(100, 150), bad=0.8)
    assert ends[State.DONE] >= 20
