"""The year's work of the demonstration: a graduation list that school A has begun, to be looked at and worked on."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from xueji.ground.accounts.actor import enter
from xueji.ground.accounts.roles import Role
from xueji.registry.yearly import commands
from xueji.registry.yearly.errors import YearlyError

from .accounts import Staff
from .papers import at_desk
from .world import World


def make(world: World, staff: Staff) -> dict[str, int]:
    """Begin the list of the sixth year as the school's registrar; nothing where the school has none."""
    place = world.by_key("a")
    with transaction.atomic():
        actor = enter(staff.at(Role.REGISTRAR, place.org_id).pk)
        if actor is None:
            return {}
        try:
            commands.create(actor, stage="P", cohort_year=world.start_year - 5)
        except YearlyError:  # a small demonstration may have no sixth year
            return {"register_stamp": _stamps(world, staff)}
    return {"graduation_list": 1, "register_stamp": _stamps(world, staff)}


def _stamps(world: World, staff: Staff) -> int:
    """The registers of September: school A's is endorsed, those of two others wait at the county."""
    a = world.by_key("a")
    ago = max((world.today - date(world.start_year, 9, 20)).days, 0)
    asked = 0
    for place in [a, *(p for p in world.places if p.county_id == a.county_id and p is not a)][:3]:
        with at_desk(world, staff.at(Role.REGISTRAR, place.org_id).pk, ago) as actor:
            try:
                commands.ask_stamp(actor)
            except YearlyError:  # a school without pupils, or with new ones who wait for a class
                continue
            asked += 1
        if place is a:
            with at_desk(world, staff.at(Role.COUNTY_CLERK, a.county_id).pk, ago) as actor:
                commands.stamp(actor, [a.org_id])
    return asked
