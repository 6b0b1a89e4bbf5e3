"""Every kind of case can be filled in, sent and carried to its end by the model's recipes."""

from __future__ import annotations

import random

import psycopg
import pytest
from tests.helpers import act_as, seeing_all
from tests.model import invariants, recipes
from tests.model.machine import World
from tests.registry.changes.world import identity

from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import Blocked
from xueji.registry.changes.kinds import KINDS
from xueji.registry.changes.models import Case, CaseStatus


@pytest.mark.parametrize("business", list(KINDS))
def test_a_case_of_every_kind_is_carried_to_its_end(
    business: str, own_database: str, as_owner: psycopg.Connection
) -> None:
    world = World()
    name, number = "周以宁", identity()
    child = recipes.make_child(world.place, business, name, number)
    user = world.place.user("registrar", recipes.starter(business))
    case = recipes.begin(world.place, user, business, child, name, number)
    recipes.complete(user, case, random.Random(1))
    with act_as(user) as actor:
        try:
            case = cases.submit(actor, case_id=case.pk)
        except Blocked as error:
            raise AssertionError([c.sentence for c in error.checks]) from error
    for _ in range(30):
        turns = world.turns(case)
        if not turns:
            break
        with act_as(turns[0][1]) as actor:
            cases.decide(actor, case_id=case.pk, decision="pass", opinion="情况属实, 同意")
    with seeing_all():
        case = Case.objects.get(pk=case.pk)
    assert case.status in (CaseStatus.DONE, CaseStatus.APPROVED), case.end_reason
    assert not (found := invariants.broken(as_owner) + invariants.verified(own_database)), found
