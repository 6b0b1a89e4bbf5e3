"""Two clerks at once: no number inside a class is given twice, none is left out."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.placement.pupils import wait_for_class

from xueji.registry.enrolment.models import Roster
from xueji.registry.placement.commands import placing
from xueji.registry.placement.errors import PlacementError
from xueji.registry.placement.models import SeatOrder

NAMES = "甲乙丙丁戊己庚辛"


@pytest.mark.capability("C-NUM-12", page="/placement/hand/")
def test_two_clerks_fill_one_class_and_a_third_numbers_it(own_database: str) -> None:
    """Two registrars place four pupils each into one class at the same moment, while somebody numbers it anew.
    Whatever the order, the class ends with the numbers 1 to 8, each once.
    """
    place = make_county()
    people = [wait_for_class(place, f"新生{x}") for x in NAMES]
    klass, user = place.klass().pk, place.user("registrar", "a1")
    barrier, faults = threading.Barrier(3), []

    def fill(mine: list[uuid.UUID]) -> None:
        try:
            barrier.wait(10)
            for person in mine:
                with act_as(user) as actor:
                    placing.place(actor, [person], klass)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    def number() -> None:
        try:
            barrier.wait(10)
            for _n in range(4):
                try:
                    with act_as(user) as actor:
                        placing.number(actor, klass, SeatOrder.PINYIN)
                except PlacementError:
                    pass  # somebody came in between; the page asks to do it again
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=fill, args=(people[:4],)),
        threading.Thread(target=fill, args=(people[4:],)),
        threading.Thread(target=number),
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert faults == []
    with seeing_all():
        seats = sorted(Roster.objects.filter(class_id=klass).values_list("class_seat", flat=True))
        with connection.cursor() as c:
            c.execute(
                "select count(*) from enrolment_state s join roster r on r.person_id = s.person_id and r.kind = s.kind"
                " where s.valid_to is null and s.class_id = %s and s.class_seat = r.class_seat",
                [klass],
            )
            agree = c.fetchone()[0]
    assert seats == list(range(1, 9))
    assert agree == 8
