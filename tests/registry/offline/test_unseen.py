"""A value of the platform that nobody saw is not written over."""

from __future__ import annotations

from tests.helpers import Place, act_as

from xueji.registry.offline import commands

from .test_offline import OFFICE, back_of, children, data_of, filled, found_in, give, pack


def test_our_own_writing_does_not_make_an_older_comparison_new(place: Place) -> None:
    (a,) = children(place, 1)
    give(place, a, talents="象棋")
    package, data = pack(place)
    give(place, a, talents="围棋")
    back = back_of(place, package, filled(data, {"离线甲": {"特长": "书法", "邮政编码": "100001"}}))
    give(place, a, talents="游泳")
    with act_as(place.user(*OFFICE)) as actor:
        # The other field was compared with an older record as well: it is shown anew first.
        assert (commands.apply(actor, back.pk).stale, commands.apply(actor, back.pk).done) == (1, 1)
        clash = found_in(back)[("离线甲", "talents")]
        assert clash.here == "围棋"
        done = commands.settle(actor, back.pk, [clash.pk], "take")
        assert (done.done, done.stale) == (0, 1)
    assert data_of(a)["talents"] == "游泳"
    assert found_in(back)[("离线甲", "talents")].here == "游泳"
    with act_as(place.user(*OFFICE)) as actor:
        assert commands.settle(actor, back.pk, [clash.pk], "take").finished
    assert data_of(a)["talents"] == "书法"


def test_what_was_compared_with_the_same_record_stays_good_after_our_own_writing(place: Place) -> None:
    (a,) = children(place, 1)
    give(place, a, talents="象棋")
    package, data = pack(place)
    give(place, a, talents="围棋")
    back = back_of(place, package, filled(data, {"离线甲": {"特长": "书法", "邮政编码": "100001"}}))
    with act_as(place.user(*OFFICE)) as actor:
        assert commands.apply(actor, back.pk).done == 1
        clash = found_in(back)[("离线甲", "talents")]
        assert commands.settle(actor, back.pk, [clash.pk], "take").finished
