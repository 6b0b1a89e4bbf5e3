"""Balanced placement by a public draw (均衡编班): from a list, conditions and a seed, always the same classes.

Pure and without any library but hashing, so that whoever has the list and the seed can compute the result again; the
steps are described for people in `docs/reference/placement.md`. Nothing here is random: where two places are equally
good, the one with the smaller SHA-256 of seed, pupil and class is taken.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

TOGETHER, APART = "together", "apart"


@dataclass(frozen=True)
class Pupil:
    """One line of the list: `no` stands for the child, `weight` is a score or an age, empty texts say nothing."""

    no: int
    sex: str
    weight: float = 0.0
    home: str = ""
    bond: str = ""
    bond_mode: str = TOGETHER
    special: bool = False
    locked: int | None = None


@dataclass(frozen=True)
class Place:
    """A class: its room, and who sits in it already, by sex."""

    id: int
    capacity: int
    present: dict[str, int] = field(default_factory=dict)


class DrawError(ValueError):
    """The list cannot be placed; `code` says why: room, locked, bond."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}")
        self.code, self.detail = code, detail


class _State:
    """How full the classes are while the list is dealt out."""

    def __init__(self, places: Sequence[Place], seed: str) -> None:
        self.places = {p.id: p for p in places}
        self.seed = seed
        self.sexes: dict[int, Counter[str]] = {p.id: Counter(p.present) for p in places}
        self.special: Counter[int] = Counter()
        self.homes: dict[int, Counter[str]] = defaultdict(Counter)
        self.weight: dict[int, float] = defaultdict(float)
        self.chosen: dict[int, int] = {}

    def chance(self, *what: object) -> str:
        """What stands in for a throw of the dice."""
        return hashlib.sha256("|".join(map(str, (self.seed, *what))).encode()).hexdigest()

    def size(self, place: int) -> int:
        return self.sexes[place].total()

    def room(self, place: int) -> int:
        return self.places[place].capacity - self.size(place)

    def put(self, pupil: Pupil, place: int) -> None:
        self.chosen[pupil.no] = place
        self.sexes[place][pupil.sex] += 1
        self.special[place] += pupil.special
        self.homes[place][pupil.home] += bool(pupil.home)
        self.weight[place] += pupil.weight


def deal(pupils: Sequence[Pupil], places: Sequence[Place], seed: str) -> dict[int, int]:
    """The class of every pupil (`no` -> class). First who is bound to a class, then who belongs together or apart, then
    everybody else so that sizes, sexes, special pupils, homes and weights are as even as the list allows.

    Raises `DrawError` when there is not enough room or a condition cannot be met.
    """
    state = _State(sorted(places, key=lambda p: p.id), seed)
    rest = _bound(state, sorted(pupils, key=lambda p: p.no))
    totals, quotas = _quotas(state, rest)
    del totals
    for sex in sorted(quotas):
        mine = [p for p in rest if p.sex == sex]
        mine.sort(key=lambda p: (not p.special, p.home, -p.weight, state.chance("order", p.no)))
        left = dict(quotas[sex])
        dealt: Counter[int] = Counter()
        for pupil in mine:
            place = min(
                (x for x in left if left[x] > 0),
                key=lambda x: (
                    state.special[x] if pupil.special else 0,
                    state.homes[x][pupil.home] if pupil.home else 0,
                    dealt[x],
                    state.weight[x],
                    state.chance(pupil.no, x),
                ),
            )
            left[place] -= 1
            dealt[place] += 1
            state.put(pupil, place)
    return state.chosen


def _bound(state: _State, pupils: Sequence[Pupil]) -> list[Pupil]:
    """Place whoever has a condition; returns the others."""
    groups: dict[str, list[Pupil]] = defaultdict(list)
    rest: list[Pupil] = []
    for pupil in pupils:
        if pupil.bond:
            groups[pupil.bond].append(pupil)
        elif pupil.locked is not None:
            _lock(state, pupil)
        else:
            rest.append(pupil)
    for name, members in sorted(groups.items()):
        locked = {p.locked for p in members if p.locked is not None}
        if members[0].bond_mode == TOGETHER:
            if len(locked) > 1:
                raise DrawError("bond", name)
            target = next(iter(locked), None) or _best(state, members, name, set())
            for pupil in members:
                _room(state, target)
                state.put(pupil, target)
            continue
        taken: set[int] = set()
        for pupil in sorted(members, key=lambda p: (p.locked is None, p.no)):
            target = pupil.locked if pupil.locked is not None else _best(state, [pupil], pupil.no, taken)
            if target in taken:
                raise DrawError("bond", name)
            _room(state, target)
            taken.add(target)
            state.put(pupil, target)
    return rest


def _lock(state: _State, pupil: Pupil) -> None:
    _room(state, pupil.locked)
    assert pupil.locked is not None
    state.put(pupil, pupil.locked)


def _room(state: _State, place: int | None) -> None:
    if place not in state.places:
        raise DrawError("locked")
    if state.room(place) < 1:
        raise DrawError("room", str(place))


def _best(state: _State, members: Sequence[Pupil], name: object, barred: set[int]) -> int:
    """The emptiest class that has room for all of them."""
    open_ = [x for x in state.places if x not in barred and state.room(x) >= len(members)]
    if not open_:
        raise DrawError("bond" if barred else "room", str(name))
    return min(
        open_,
        key=lambda x: (
            state.size(x),
            sum(state.sexes[x][p.sex] for p in members),
            state.special[x],
            state.chance("bond", name, x),
        ),
    )


def _quotas(state: _State, rest: Sequence[Pupil]) -> tuple[dict[int, int], dict[str, dict[int, int]]]:
    """How many of each sex every class takes in. Sizes are levelled first, then each sex inside them; whoever is one
    over in size takes the odd child, so that neither the sizes nor the sexes differ by more than they must."""
    new: Counter[int] = Counter()
    for n in range(len(rest)):
        open_ = [x for x in state.places if state.room(x) > new[x]]
        if not open_:
            raise DrawError("room", str(len(rest) - n))
        new[min(open_, key=lambda x: (state.size(x) + new[x], state.chance("size", x)))] += 1
    left = dict(new)
    counts = Counter(p.sex for p in rest)
    quotas: dict[str, dict[int, int]] = {}
    # The last sex takes what is left over; there are two as a rule, and a code for "not stated" at most.
    for index, sex in enumerate(sorted(counts, key=lambda s: (counts[s], s))):
        quota: Counter[int] = Counter()
        if index == len(counts) - 1:
            quota.update(left)
        else:
            for _n in range(counts[sex]):
                place = min(
                    (x for x in left if left[x] > quota[x]),
                    key=lambda x: (
                        state.sexes[x][sex] + quota[x],
                        -(state.size(x) + new[x]),
                        state.chance("sex", sex, x),
                    ),
                )
                quota[place] += 1
        quotas[sex] = dict(quota)
        left = {x: left[x] - quota[x] for x in left}
    return dict(new), quotas


def list_digest(pupils: Sequence[Pupil], places: Sequence[Place]) -> str:
    """SHA-256 over the list and the classes as they were fixed before the seed was known."""
    lines = [
        f"{p.no},{p.sex},{p.weight:g},{p.home},{p.bond},{p.bond_mode if p.bond else ''},{int(p.special)},{p.locked or ''}"
        for p in sorted(pupils, key=lambda p: p.no)
    ] + [
        f"class,{p.id},{p.capacity},{';'.join(f'{s}:{n}' for s, n in sorted(p.present.items()))}"
        for p in sorted(places, key=lambda p: p.id)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def result_digest(chosen: dict[int, int]) -> str:
    """SHA-256 over the result: each pupil's number and class."""
    return hashlib.sha256(
        "\n".join(f"{no},{place}" for no, place in sorted(chosen.items())).encode()
    ).hexdigest()
