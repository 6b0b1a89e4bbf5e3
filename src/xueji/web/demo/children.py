"""The children themselves: who they are, their papers, numbers, family and profile, from the life that they had."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from xueji.ground.policy.library import library
from xueji.ground.policy.model import NumberScheme
from xueji.ground.policy.schemes import make_number, serial_scope
from xueji.ground.policy.statuses import Status
from xueji.ground.standards import idtypes

from . import words
from .history import Life
from .names import People
from .world import Place, World

_STAGE_DIGIT = {"P": "0", "J": "1", "S": "2"}
#: A county abolished in 2012: older pupils still carry its code.
ABOLISHED, ABOLISHED_YEAR = "990103", 2012


@dataclass(slots=True)
class Relative:
    """A family member; `sealed` are the values that lie encrypted."""

    name: str
    relation: str
    is_guardian: bool
    sealed: dict[str, str]
    note: str = ""


@dataclass(slots=True)
class Number:
    """A student number; a G number has no value of its own but a document."""

    scheme: str
    prefix: str
    value: str
    since: datetime
    until: datetime | None = None
    derived: bool = False


@dataclass(slots=True)
class Child:
    """One child with everything that the tables of people need."""

    person_id: uuid.UUID
    name: str
    sex: str
    birth: date
    ethnicity: str
    nationality: str
    id_type: str
    identity: str
    life: Life
    check_state: str = "passed"
    problem: bool = False
    former_name: str = ""
    renamed_at: datetime | None = None
    profile: dict[str, str] = field(default_factory=dict)
    family: list[Relative] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    seat: int | None = None

    @property
    def place(self) -> Place:
        """The school of the last registered state."""
        return self.life.moves[-1].place

    @property
    def is_studying(self) -> bool:
        """In class today, and nowhere else a guest."""
        return self.life.moves[-1].status == Status.STUDYING and not self.life.guest


class Nursery:
    """Makes children out of lives; keeps the counters of numbers."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.people = People(rng)
        self.counters: Counter[tuple[str, str]] = Counter()
        self.scheme = _local_scheme()
        self._entry_month = f"{world.start_year}09"

    def child(self, life: Life) -> Child:
        """A child to whom this life belongs."""
        rng, first, last = self.rng, life.moves[0], life.moves[-1]
        entry = last.cohort - {"P": 0, "J": last.place.years("P"), "S": 9}[last.stage]
        sex = "1" if rng.random() < 0.53 else "2"
        birth = self.people.birth(entry)
        named = self.people.child(sex, birth)
        child = Child(
            uuid.UUID(int=rng.getrandbits(128), version=4), named.name, sex, birth, named.ethnicity, "CHN",
            idtypes.RESIDENT, "", life,
        )  # fmt: skip
        self._papers(child, named.surname)
        self._numbers(child)
        self._correct_name(child, named.surname)
        village = last.place.spec.village or rng.random() < 0.25
        self._family(child, named.surname, village)
        self._profile(child, village, first.stage)
        return child

    # --- papers ----------------------------------------------------------------------------------------------

    def _papers(self, child: Child, surname: str) -> None:
        rng = self.rng
        x = rng.random()
        home = child.life.moves[0].place.division
        if x < 0.004:
            child.id_type, child.identity = self.people.permit(child.birth, child.sex)
            child.ethnicity = "01"
            child.name = child.name if "·" not in child.name else self.people.adult(child.sex)
        elif x < 0.0048:
            name, child.sex, child.nationality = rng.choice(words.FOREIGN)
            child.name, child.ethnicity = name, "97"
            child.id_type, child.identity = idtypes.PASSPORT, self.people.passport()
        elif x < 0.009:
            child.id_type, child.identity, child.check_state = idtypes.OTHER, "", "unchecked"
        else:
            old = child.birth.year <= ABOLISHED_YEAR and rng.random() < 0.2
            child.identity = self.people.identity(ABOLISHED if old else home, child.birth, child.sex)

    def _numbers(self, child: Child) -> None:
        """L for those who entered this autumn, G for the rest, J without an identity number; local numbers by school."""
        first = child.life.moves[0]
        since = first.at + timedelta(days=12, hours=10)
        division = first.place.division
        fresh = first.business == "enrol" and first.at.year >= self.world.start_year and first.at.month >= 9
        resident = child.id_type == idtypes.RESIDENT
        now = datetime.combine(self.world.today, datetime.min.time(), first.at.tzinfo)
        if fresh:
            child.check_state = "unchecked"
            child.numbers.append(
                Number("national", "L", self.people.temporary(division, child.birth), min(since, now))
            )
        elif resident:
            recent = first.at.year >= self.world.start_year - 1
            formal = Number("national", "G", "", since + timedelta(days=150 if recent else 0), derived=True)
            if recent and formal.since < now:
                child.numbers.append(
                    Number("national", "L", self.people.temporary(division, child.birth), since, formal.since)
                )
            formal.since = min(formal.since, now)
            child.numbers.append(formal)
        else:
            value = self.people.formal_without_id(division, child.birth)
            self.counters["national.J", value[1:15]] += 1
            child.numbers.append(Number("national", "J", value, min(since, now)))
        self._local_numbers(child)

    def _local_numbers(self, child: Child) -> None:
        """One for each school and stage, by the scheme of the province; the school before keeps the former one."""
        before: tuple[int, str] | None = None
        last: Number | None = None
        for move in child.life.moves:
            here = (move.place.org_id, move.stage)
            if here == before or move.status > 10:
                continue
            before = here
            parts = {
                "city": move.place.division[2:4],
                "county": move.place.division[4:6],
                "year": f"{move.cohort % 100:02d}",
                "school": move.place.code[-3:],
                "type": _STAGE_DIGIT[move.stage],
            }
            run = serial_scope(self.scheme, parts)
            self.counters[self.scheme.id, run] += 1
            value = make_number(self.scheme, {**parts, "serial": self.counters[self.scheme.id, run]})
            if last is not None:
                last.until = move.at
            last = Number(self.scheme.id, "", value, move.at)
            child.numbers.append(last)

    def _correct_name(self, child: Child, surname: str) -> None:
        """A few changed their name by a decided correction some time ago; others bore a former name before."""
        rng = self.rng
        last = child.life.moves[-1]
        if rng.random() >= 0.004 or not surname or last.status > 10:
            return
        day = last.at + timedelta(days=rng.randrange(5, 200), hours=10)
        if day.date() >= self.world.today:
            return
        child.former_name = self.people.adult(child.sex, surname)
        if child.former_name == child.name:
            child.former_name = ""
            return
        child.renamed_at = day

    # --- family and profile ----------------------------------------------------------------------------------

    def _family(self, child: Child, surname: str, village: bool) -> None:
        rng, people = self.rng, self.people
        address = people.address(child.place.place_name, village=village)
        division = child.place.division
        child.profile["home_address"] = child.profile["postal_address"] = address
        child.profile["current_address"] = address
        grand = rng.random() < 0.08
        for relation, sex, name in (
            ("1", "1", people.adult("1", surname)),
            ("3", "2", people.adult("2")) if grand else ("2", "2", people.adult("2")),
        ):
            sealed = {"phone": people.phone(), "address": address, "household_division": division}
            if child.id_type == idtypes.OTHER:
                born = date(
                    child.birth.year - rng.randrange(24, 36), rng.randrange(1, 13), rng.randrange(1, 28)
                )
                sealed |= {"id_type": idtypes.RESIDENT, "id_number": people.identity(division, born, sex)}
            if rng.random() < 0.5:
                sealed["employer"] = rng.choice(words.EMPLOYERS)
            child.family.append(Relative(name, relation, relation == "1" or not grand, sealed))
        child.profile["phone"] = child.family[0].sealed["phone"]

    def _profile(self, child: Child, village: bool, first_stage: str) -> None:
        rng, last = self.rng, child.life.moves[-1]
        x = rng.random
        entry = next(m for m in child.life.moves if m.stage == last.stage)
        migrant = x() < 0.06
        left = "0" if migrant else rng.choices("012", (86, 9, 5))[0]
        boards = last.place.spec.boarding and x() < 0.6
        special = last.place.spec.special
        distance = rng.choice((0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.5, 6.0))
        bus = distance > 2 and not boards and x() < 0.3
        child.profile |= {
            "birthplace": child.place.division,
            "native_place": f"云岭省{child.place.place_name}" if child.nationality == "CHN" else "",
            "overseas_status": {
                idtypes.HM_RESIDENCE: "01" if child.identity.startswith("81") else "03",
                idtypes.TAIWAN_RESIDENCE: "05",
                idtypes.PASSPORT: "51",
            }.get(child.id_type, "00"),
            "health": "50" if special else rng.choices(("10", "20", "30"), (95, 4, 1))[0],
            "political_status": "03" if last.stage == "S" and x() < 0.5 else "13",
            "household_nature": "1" if village else "2",
            "household_division": child.place.division,
            "entry_month": f"{entry.at.year}{entry.at.month:02d}",
            "entry_mode": ("21" if x() < 0.97 else rng.choice(("22", "23"))) if last.stage == "S" else "11",
            "attendance_mode": "2" if boards else "1",
            "postcode": "990000",
            "only_child": "1" if x() < 0.4 else "0",
            "preschool": "1" if x() < 0.93 else "0",
            "left_behind": left,
            "rural_left_behind": "1" if left != "0" and village else "0",
            "disabled": "1" if special else "0",
            "aid_requested": "1" if x() < 0.08 else "0",
            "boarding_subsidy": "1" if boards and x() < 0.4 else "0",
            "orphan": "1" if x() < 0.002 else "0",
            "martyr_child": "1" if x() < 0.002 else "0",
            "migrant_child": "1" if migrant else "0",
            "migrant_worker_child": "1" if migrant and x() < 0.8 else "0",
            "commute_distance": f"{distance:.1f}",
            "commute_mode": "5" if bus else rng.choices("1234", (45, 20, 15, 20))[0],
            "school_bus": "1" if bus else "0",
            "student_source": "1",
            "talents": rng.choice(words.TALENTS),
        }


def _local_scheme() -> NumberScheme:
    """The scheme of the province for 学籍辅号, from its pack."""
    packs = library()
    return next(s for name in packs.ids_for("990000") for s in packs.pack(name).schemes if not s.reserved)
