"""Two schools of one dispute decide at the same moment: neither waits for the other for ever."""

from __future__ import annotations

import threading
import uuid
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from tests.helpers import act_as, make_county, seeing_all
from tests.model.test_together import sound, together
from tests.registry.changes.world import FOUR, attach, correction_draft, identity, make_child, pass_all, send

from xueji import config
from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import Blocked
from xueji.registry.changes.models import Case
from xueji.registry.problems import commands as problems
from xueji.registry.problems.models import Side
from xueji.web.cli import verify

FOUR_B = (("school_head", "b1"), ("county_clerk", "b"), ("county_head", "b"))


@pytest.mark.capability("C-DUP-04")
@pytest.mark.parametrize("second", ["change", "prove"])
def test_both_sides_of_a_dispute_are_decided_at_once(
    second: str, own_database: str, as_owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_county()
    number = identity()
    held = make_child(place, school="b1", name="钱多多", id_number=number)
    child = make_child(place)
    draft = correction_draft(place, child, new_number=number)
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(Blocked):
            cases.submit(actor, case_id=draft.pk)
        cases.dispute_number(actor, case_id=draft.pk)

    def answered(where: str, person: uuid.UUID, action: str, who: Any, **form: str) -> Case:
        by = ("registrar", where)
        with act_as(place.user(*by)) as actor:
            case = cases.start(actor, business="problem", person_id=person)
            cases.save_draft(
                actor, case_id=case.pk, form={"action": action, "statement": "户口簿原件已核对"} | form
            )
        attach(place, case, "佐证材料", by=by)
        return pass_all(place, send(place, case, by), who[:-1])

    one = answered("a1", child, "prove", FOUR)
    more = {"new_number": identity()} if second == "change" else {}
    two = answered("b1", held, second, FOUR_B, **more)

    def last(case: Case, where: str) -> str:
        with act_as(place.user("county_head", where)) as actor:
            return cases.decide(actor, case_id=case.pk, decision="pass", opinion="情况属实, 同意").status

    # Both have taken their own child in hand before either touches the dispute, if that can be.
    meeting, own = threading.Barrier(2), problems.pending

    def pending(person_id: uuid.UUID) -> Side | None:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(1)
        return own(person_id)

    monkeypatch.setattr(problems, "pending", pending)
    found = together(lambda: last(one, "a"), lambda: last(two, "b"))
    assert found == ["done", "done"], found
    with seeing_all():
        assert Side.objects.filter(answered_at=None).count() == 0
    sound(as_owner, own_database)
    assert not verify.run("vault", deep=True, owner=config.owner_dsn().as_database(own_database))
