"""A graduation list from its readiness to its effect."""

from __future__ import annotations

import pytest
from tests.helpers import act_as, make_county
from tests.registry.yearly.world import graduated

from xueji.registry.enrolment import queries as enrolment

pytestmark = pytest.mark.django_db


def test_a_list_takes_effect_for_all(db: None) -> None:
    place = make_county()
    row, people = graduated(place, 4)
    assert row.status == "done"
    with act_as(place.user("registrar", "a1")) as actor:
        for p in people:
            assert enrolment.get_row(actor, p).status == 12
