"""Inventing people: names that fit people, sex and time, identity numbers that cannot exist, addresses, phones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from xueji.ground.standards import idtypes
from xueji.ground.standards.identity import check_digit

from . import words

#: Serials 900..999 were given to nobody: numbers of the 99 province with them are invented on their face.
SERIALS = range(900, 980)
#: The rest is kept for sheets of children who are not in the record yet.
SHEET_SERIALS = range(980, 1000)


@dataclass(frozen=True)
class Named:
    """An invented person's name, and what goes with it."""

    name: str
    surname: str
    ethnicity: str


class People:
    """Invents people from one random generator; never gives an identity number twice."""

    def __init__(self, rng: random.Random, serials: range = SERIALS) -> None:
        self.rng = rng
        self._serials = serials
        self._surnames = list(words.SURNAMES)
        self._weights = _running(list(words.SURNAMES.values()))
        self._peoples = words.PEOPLES
        self._people_weights = _running([weight for _code, weight, _style in words.PEOPLES])
        self._given: dict[int, tuple[str, str, list[str]]] = {}
        self._used: dict[tuple[str, date, str], int] = {}
        self._orders: dict[str, int] = {}

    def surname(self) -> str:
        """A surname by its weight."""
        return self.rng.choices(self._surnames, cum_weights=self._weights)[0]

    def child(self, sex: str, birth: date) -> Named:
        """A child's name, with the people that it belongs to."""
        rng = self.rng
        code, _weight, style = rng.choices(self._peoples, cum_weights=self._people_weights)[0]
        if style != "han" and rng.random() < 0.85:
            name = self._minority(style, sex)
            return Named(name, name.split("·")[0] if style == "yi" else "", code)
        family = self.surname()
        if rng.random() < 0.006:
            return Named(family + rng.choice(words.RARE_GIVEN), family, code)
        return Named(
            family + self._given_name(words.CHILD_NAMES[2010 if birth.year >= 2012 else 2000, sex]),
            family,
            code,
        )

    def adult(self, sex: str, surname: str = "") -> str:
        """A parent's or teacher's name."""
        return (surname or self.surname()) + self._given_name(words.ADULT_NAMES[sex])

    def _given_name(self, pools: tuple[str, str, str]) -> str:
        key = id(pools)
        if key not in self._given:
            self._given[key] = (pools[0], pools[1], pools[2].split())
        first, second, popular = self._given[key]
        rng = self.rng
        if rng.random() < 0.2:
            return rng.choice(popular)
        one, two = rng.choice(first), rng.choice(second)
        return one + two if one != two or rng.random() < 0.5 else two

    def _minority(self, style: str, sex: str) -> str:
        rng = self.rng
        if style == "uygur":
            return f"{rng.choice(words.UYGUR_GIVEN[sex])}·{rng.choice(words.UYGUR_FATHER)}"
        if style == "tibetan":
            first, second = words.TIBETAN[sex]
            return rng.choice(first) + rng.choice(second)
        if style == "yi":
            family, given = rng.choice(words.YI_FAMILY), rng.choice(words.YI_GIVEN[sex])
            return f"{family}·{given}" if rng.random() < 0.35 else family + given
        if style == "dai":
            mark, given_names = words.DAI[sex]
            return mark + rng.choice(given_names) + (rng.choice(given_names) if rng.random() < 0.6 else "")
        return rng.choice(words.MONGOL[sex])

    def birth(self, primary_entry: int) -> date:
        """A birth date right for entering primary school in a year: six years old by the end of August."""
        first = date(primary_entry - 7, 9, 1)
        days = (date(primary_entry - 6, 9, 1) - first).days
        early = self.rng.random()
        # A few are a year older, as everywhere.
        return first + timedelta(days=self.rng.randrange(days) - (365 if early < 0.03 else 0))

    def identity(self, region: str, birth: date, sex: str) -> str:
        """An identity number of the invented province, never the same twice; ValueError when a day is full."""
        used = self._used.get((region, birth, sex), 0)
        offset = (1 if sex == "1" else 0) - self._serials.start % 2
        serial = self._serials.start + used * 2 + offset % 2
        if serial not in self._serials:
            raise ValueError(f"no identity numbers left in {region} for {birth}")
        self._used[region, birth, sex] = used + 1
        body = f"{region}{birth:%Y%m%d}{serial}"
        return body + check_digit(body)

    def permit(self, birth: date, sex: str) -> tuple[str, str]:
        """A residence permit of Hong Kong, Macao or Taiwan: type and number."""
        area, code = self.rng.choice(
            (
                ("810000", idtypes.HM_RESIDENCE),
                ("820000", idtypes.HM_RESIDENCE),
                ("830000", idtypes.TAIWAN_RESIDENCE),
            )
        )
        return code, self.identity(area, birth, sex)

    def passport(self) -> str:
        """A passport number, counted up."""
        return f"E99{self._next('passport'):06d}"

    def temporary(self, division: str, birth: date) -> str:
        """A temporary student number (L): four digits at random, never twice."""
        body = f"L{division}{birth:%Y%m%d}"
        step = self._next(body)
        return f"{body}{(int(body[9:15]) * 7919 + step * 613) % 10000:04d}"

    def formal_without_id(self, division: str, birth: date) -> str:
        """A formal student number for a child without an identity number (J)."""
        body = f"{division}{birth:%Y%m%d}"
        body = f"{body}{self._next('J' + body):03d}"
        return f"J{body}{check_digit(body)}"

    def _next(self, run: str) -> int:
        self._orders[run] = self._orders.get(run, 0) + 1
        return self._orders[run]

    def phone(self) -> str:
        """A mobile number of a range that nobody has."""
        return f"1990000{self.rng.randrange(10_000):04d}"

    def address(self, place: str, *, village: bool) -> str:
        """Where a family lives."""
        rng = self.rng
        if village:
            town, hamlet = rng.choice(words.TOWNS), rng.choice(words.VILLAGES)
            return f"云岭省{place}{town}镇{hamlet}{rng.randrange(1, 13)}组{rng.randrange(1, 60)}号"
        street = f"{rng.choice(words.ROADS)}{rng.randrange(1, 200)}号{rng.choice(words.ESTATES)}"
        flat = (
            f"{rng.randrange(1, 20)}幢{rng.randrange(1, 5)}单元{rng.randrange(1, 12)}0{rng.randrange(1, 5)}"
        )
        return f"云岭省{place}{street}{flat}"


def _running(weights: list[int]) -> list[int]:
    total, out = 0, []
    for weight in weights:
        total += weight
        out.append(total)
    return out
