"""Who knocks at school A: a child from abroad without a number or a class, a parent's request, a look in an emergency."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs import queries as orgs
from xueji.ground.standards import idtypes
from xueji.registry.charge.commands import emergency
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.family import requests
from xueji.registry.people.commands.persons import Newcomer, NewGuardian, add_person
from xueji.registry.placement.commands import asks

from .accounts import Staff
from .children import Child
from .papers import at_desk
from .world import World


def make(world: World, staff: Staff, family: list[Child]) -> dict[str, int]:
    """Fill these desks; returns how many of each. `family` are the children of the account `parent`."""
    a = world.by_key("a")
    clerk = staff.at(Role.REGISTRAR, a.org_id).pk
    with at_desk(world, clerk, 8) as actor:
        child = _from_abroad(world, actor)
        asks.ask_entry(
            actor,
            child,
            reason="随父母从国外回来, 就近插班",
            assessed_on=world.today - timedelta(days=9),
            assessment="语文、数学均合格",
        )
    with at_desk(world, staff.users["parent"].pk, 2) as actor:
        requests.ask(
            actor,
            family[0].person_id,
            kind="correct",
            field="address",
            wanted="云岭省松溪县解放路18号3幢2单元501",
            words="十月搬了家, 房产证可以带到学校",
        )
    looked = _emergency(world, staff, family[1])
    return {"arrival": 1, "family_request": 1, "emergency": looked}


def _from_abroad(world: World, actor: Any) -> uuid.UUID:
    """A Chinese child whose household is not registered yet, in the third grade, still without a class."""
    place = world.by_key("a")
    cohort = world.start_year - 2
    born = date(cohort - 7, 12, 6)
    klass = next(k for k in orgs.classes_of(place.org_id) if k.cohort_year == cohort)
    came = midnight(world.today - timedelta(days=8))
    person = add_person(
        actor,
        Newcomer(
            name="沈知远", sex="1", birth_date=born, id_type=idtypes.OTHER, ethnicity="01",
            person_id=uuid.uuid5(uuid.NAMESPACE_OID, f"abroad:{place.code}:{born}"),
            guardians=[NewGuardian(name="沈国安", relation="1", is_guardian=True)],
        ),
        division=place.division,
        readers=[actor.org_id, actor.county_id],
        klasses=[klass.id],
        at=came,
    )  # fmt: skip
    enrolment.apply_step(
        actor,
        Step(
            person,
            "transfer_in",
            1,
            came,
            school_id=actor.org_id,
            stage="P",
            cohort_year=cohort,
            reason="回国就读",
        ),
    )
    return person


def _emergency(world: World, staff: Staff, child: Child) -> int:
    """School A looked up the elder child of a family, who is at another school, when the younger fell ill."""
    school = world.by_key("a").org_id
    with at_desk(world, staff.at(Role.REGISTRAR, school).pk, 0) as actor:
        grant = emergency.find_and_open(
            actor,
            number=child.identity,
            name=child.name,
            reason_kind=next(iter(emergency.REASONS)),
            reason="家里的小的孩子在本校发病送医, 急需联系监护人",
        )
    return int(grant is not None)
