"""Two provinces, one with the national algorithms: the child moves as between any two, each answered in its own suite."""

from __future__ import annotations

import json
import random

import pytest
from tests.registry.relay.test_handover import until_request
from tests.registry.relay.two import Clock, Installation, Network, pass_all

from xueji.ground.crypto import pairs
from xueji.registry.relay.models import State


@pytest.mark.capability("C-SEC-02")
def test_a_child_moves_between_an_international_and_a_national_installation(
    mixed_sides: tuple[Installation, Installation], clock: Clock
) -> None:
    a, b = mixed_sides
    network = Network(list(mixed_sides), clock, random.Random(7))
    with a.on():
        assert [k.suite for k in pairs.published()] == ["ed25519", "hpke-x25519-aes256"]
    with b.on():
        assert [k.suite for k in pairs.published()] == ["sm2-sm3", "sm2-sm4-gcm"]
        national = {k.id for k in pairs.published()}
    _person, case_id = until_request(mixed_sides, network)
    pass_all(a, case_id)
    network.settle()
    assert b.case(case_id).state == State.DONE  # type: ignore[union-attr]
    assert (a.studying(), b.studying()) == (0, 1)
    signed = {json.loads(raw)["key"] for raw in network.seen}
    assert signed & national and signed - national  # both suites were on the wire
