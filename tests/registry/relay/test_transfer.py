"""A child moves from one installation to the other: asked for, decided on both sides, handed over."""

from __future__ import annotations

import pytest
from django.db import connection
from tests.helpers import act_as, seeing_all
from tests.registry.relay.two import (
    Installation,
    Network,
    begin,
    child_in,
    fill_in,
    pass_all,
    problems,
    queued,
    send,
)

from xueji.registry.collect import arrivals
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.people import queries as people


@pytest.mark.capability("C-TRF-07")
@pytest.mark.capability("C-COL-19")
def test_a_child_moves_between_two_installations_and_there_is_one_record(
    sides: tuple[Installation, Installation], network: Network
) -> None:
    a, b = sides
    person, number = child_in(a)
    case_id = begin(b, number, code=a.place.org("a1").code)
    network.settle()
    draft = b.case(case_id)
    assert draft is not None
    assert (draft.state, draft.summary["name"], draft.other_school) == (
        "draft",
        "赵小满",
        a.place.org("a1").name,
    )
    assert a.case(case_id).state == "asked"  # type: ignore[union-attr]
    fill_in(b, case_id)
    send(b, case_id)
    network.settle()
    assert pass_all(b, case_id) == 3
    network.settle()
    there = a.case(case_id)
    assert there is not None
    assert (there.state, there.person_id) == ("running", person)
    assert pass_all(a, case_id) == 4
    assert a.case(case_id).phase == "prepared"  # type: ignore[union-attr]
    network.settle()
    here, there = b.case(case_id), a.case(case_id)
    assert here is not None
    assert there is not None
    assert (here.state, there.state) == ("done", "done"), (here.end_reason, there.end_reason)
    assert (a.studying(), b.studying()) == (0, 1)
    assert queued(a) == queued(b) == 0
    with b.on(), act_as(b.place.user("registrar", "b1")) as actor:
        row = enrolment.get_row(actor, person)
        assert row.class_id == b.place.klass("b1").pk
        assert [g.name for g in people.guardians(actor, person)] == ["赵大山"]
        assert people.portrait(actor, person).file_id is not None
        assert any(e.business == "foreign.enrol" for e in enrolment.events(person))
        # The receiving school finds the child among 待采集, with what the relay brought already on the form.
        (came,) = arrivals.came(actor, waiting=True)
        assert came.person_id == person and came.origin.startswith(a.place.org("a1").name) and came.outside
        assert "member1_name" not in came.missing and came.brought
    with a.on(), act_as(a.place.user("registrar", "a1")) as actor:
        assert enrolment.get_row(actor, person).status == 11
    with seeing_numbers(a) as old, seeing_numbers(b) as new:
        assert old == new
    assert problems(a) == []
    assert problems(b) == []


class seeing_numbers:
    def __init__(self, side: Installation) -> None:
        self.side = side

    def __enter__(self) -> list[tuple[str, str]]:
        with self.side.on(), seeing_all(), connection.cursor() as c:
            c.execute("select scheme, prefix, state from student_number order by number_no")
            return list(c.fetchall())

    def __exit__(self, *args: object) -> None:
        return None
