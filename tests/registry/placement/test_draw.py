"""The draw alone: balanced, the same from the same seed, conditions kept."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xueji.registry.placement import draw
from xueji.registry.placement.draw import Place, Pupil

LISTS = st.lists(
    st.tuples(
        st.sampled_from("12"), st.integers(0, 750), st.sampled_from(["", "东", "西", "南"]), st.booleans()
    ),
    max_size=150,
)


def pupils(rows: list[tuple[Any, ...]]) -> list[Pupil]:
    return [
        Pupil(no, sex, weight, home, special=special and no % 9 == 0)
        for no, (sex, weight, home, special) in enumerate(rows, start=1)
    ]


@given(rows=LISTS, classes=st.integers(1, 9), seed=st.text("0123456789", min_size=4, max_size=8))
@settings(deadline=None, max_examples=60)
@pytest.mark.capability("C-ENR-05")
def test_sizes_and_sexes_differ_by_one_at_most_and_anybody_can_compute_it_again(
    rows: list[Any], classes: int, seed: str
) -> None:
    people = pupils(rows)
    places = [Place(n, 200) for n in range(1, classes + 1)]
    chosen = draw.deal(people, places, seed)
    assert chosen == draw.deal(list(reversed(people)), list(reversed(places)), seed), (
        "the order does not matter"
    )
    assert sorted(chosen) == [p.no for p in people]
    for wanted in (None, "1", "2", "special"):
        counts = Counter(
            chosen[p.no]
            for p in people
            if wanted is None or p.sex == wanted or (wanted == "special" and p.special)
        )
        spread = [counts[p.id] for p in places]
        assert max(spread) - min(spread) <= (2 if wanted == "special" else 1), (wanted, spread)


@given(
    rows=st.lists(st.sampled_from("12"), min_size=8, max_size=80), seed=st.text("abc", min_size=4, max_size=6)
)
@settings(deadline=None, max_examples=40)
def test_whoever_is_bound_sits_where_the_condition_says(rows: list[str], seed: str) -> None:
    people = [Pupil(no, sex) for no, sex in enumerate(rows, start=1)]
    people[0] = Pupil(1, rows[0], bond="A", bond_mode=draw.TOGETHER)
    people[1] = Pupil(2, rows[1], bond="A", bond_mode=draw.TOGETHER)
    people[2] = Pupil(3, rows[2], bond="B", bond_mode=draw.APART)
    people[3] = Pupil(4, rows[3], bond="B", bond_mode=draw.APART)
    people[4] = Pupil(5, rows[4], locked=2)
    chosen = draw.deal(people, [Place(n, 60) for n in (1, 2, 3)], seed)
    assert chosen[1] == chosen[2]
    assert chosen[3] != chosen[4]
    assert chosen[5] == 2
    sizes = Counter(chosen.values())
    assert max(sizes.values()) - min(sizes[n] for n in (1, 2, 3)) <= 1


def test_classes_that_are_partly_full_are_levelled_and_never_overfilled() -> None:
    places = [Place(1, 10, {"1": 8}), Place(2, 30, {"2": 3}), Place(3, 30)]
    people = [Pupil(no, "12"[no % 2]) for no in range(1, 26)]
    sizes = Counter(draw.deal(people, places, "2026").values())
    assert sizes[1] == 2
    assert sorted((sizes[2] + 3, sizes[3])) == [13, 13]


def test_scores_end_up_close_together() -> None:
    people = [Pupil(no, "12"[no % 2], float(no * 37 % 700)) for no in range(1, 121)]
    chosen = draw.deal(people, [Place(n, 50) for n in (1, 2, 3)], "8642")
    means = [
        sum(p.weight for p in people if chosen[p.no] == n) / sum(v == n for v in chosen.values())
        for n in (1, 2, 3)
    ]
    assert max(means) - min(means) < 10, means


@pytest.mark.parametrize(
    ("people", "places", "code"),
    [
        ([Pupil(n, "1") for n in range(5)], [Place(1, 4)], "room"),
        ([Pupil(1, "1", locked=9)], [Place(1, 4)], "locked"),
        (
            [Pupil(1, "1", bond="A", locked=1), Pupil(2, "1", bond="A", locked=2)],
            [Place(1, 4), Place(2, 4)],
            "bond",
        ),
        ([Pupil(n, "1", bond="A", bond_mode="apart") for n in (1, 2, 3)], [Place(1, 4), Place(2, 4)], "bond"),
    ],
)
def test_what_cannot_be_met_is_said(people: list[Pupil], places: list[Place], code: str) -> None:
    with pytest.raises(draw.DrawError) as refused:
        draw.deal(people, places, "seed")
    assert refused.value.code == code


def test_the_digest_changes_with_anything_that_is_in_the_public_list() -> None:
    people, places = [Pupil(1, "1"), Pupil(2, "2")], [Place(1, 4)]
    first = draw.list_digest(people, places)
    assert first == draw.list_digest(list(reversed(people)), places)
    assert first != draw.list_digest([Pupil(1, "1"), Pupil(2, "1")], places)
    assert first != draw.list_digest(people, [Place(1, 5)])
