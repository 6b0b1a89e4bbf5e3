"""Made-up children at the schools of the test province."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest
from django.utils import timezone
from tests.helpers import Place, act_as, make_county

from xueji.ground.standards.identity import check_digit
from xueji.registry.people import commands
from xueji.registry.people.commands import Newcomer, NewGuardian

_serial = itertools.count(1)
BIRTH = date(2015, 3, 9)
PHONE, MOTHER_PHONE, MOTHER_ID = "13900009876", "13900001234", "110101198505050022"
ADDRESS, MOTHER_ADDRESS = "青禾县桥头街道梧桐路9号5单元602室", "青禾县桥头街道柳树巷3号院"


def identity_number(birth: date = BIRTH, *, sex: str = "1", division: str = "110101") -> str:
    """A right number that no other call of this run has given."""
    n = next(_serial)
    order = (n * 2) % 1000 + (1 if sex == "1" else 0)
    body = f"{division[:4]}{1 + n // 500:02d}{birth:%Y%m%d}{order:03d}"
    return body + check_digit(body)


@dataclass
class World:
    """The province and what the tests do in it."""

    place: Place

    def acting(self, role: str = "registrar", where: str = "a1") -> Any:
        """A transaction in the scope of a role at a place."""
        return act_as(self.place.user(role, where))

    def child(self, where: str = "a1", **values: Any) -> uuid.UUID:
        """Record a child at a school, as its registrar."""
        birth = values.setdefault("birth_date", BIRTH)
        sex = values.setdefault("sex", "1")
        values.setdefault("name", "田禾")
        if values.setdefault("id_type", "1") == "1":
            values.setdefault("id_number", identity_number(birth, sex=sex))
        orgs = [self.place.org(where).pk, self.place.org(where[0]).pk]
        with self.acting("registrar", where) as actor:
            return commands.add_person(actor, Newcomer(**values), division="990101", readers=orgs)

    def formal_child(self, **values: Any) -> uuid.UUID:
        """A child with a G number."""
        person = self.child(**values)
        with self.acting("county_clerk", "a") as clerk:
            commands.record_check(clerk, person, True, source="春季核验")
            commands.promote(clerk, person, "G", at=now())
        return person

    def plain(self, person: uuid.UUID, what: str = "identity") -> str:
        """A value as reveal gives it."""
        with self.acting("county_clerk", "a") as clerk:
            return commands.reveal(clerk, person, what, "测试核对")


def now() -> datetime:
    """The present moment."""
    return timezone.now()


def mother() -> NewGuardian:
    """A made-up mother with sealed values."""
    return NewGuardian(
        "林秀兰",
        "2",
        sealed={"phone": MOTHER_PHONE, "id_type": "1", "id_number": MOTHER_ID, "address": MOTHER_ADDRESS},
    )


@pytest.fixture
def world(db: Any) -> World:
    """The province inside the test's own transaction."""
    return World(make_county())


@pytest.fixture
def shared_world(own_database: str) -> World:
    """The province in a database of its own, for tests with several connections."""
    return World(make_county())
