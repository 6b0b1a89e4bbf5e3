"""Authorisations, emergency access and hand-overs of several units; who may see which row of them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from tests.helpers import act_as, seeing_all

from xueji.ground.duty import verification
from xueji.ground.duty.models import Authorisation
from xueji.ground.orgs.models import SchoolReview
from xueji.ground.posts import commands as posts
from xueji.registry.charge import commands
from xueji.registry.charge.models import EmergencyAnswer, EmergencyGrant, HandOver
from xueji.registry.people import commands as people

#: Who opened which child: unit of the registrar -> the child's key, and the school where it is.
OPENED = {"a1": ("c1", "c1"), "c1": ("one", "a1"), "b1": ("a2", "a2")}


def build(world: Any) -> dict[str, dict[str, int]]:
    """Rows of every table, through the commands; grants are over. Kind of object -> unit -> id."""
    place = world.place
    out: dict[str, dict[str, int]] = {"authorisation": {}, "grant": {}, "handover": {}}
    for unit, (key, _school) in OPENED.items():
        own = {"a1": "one", "c1": "c1", "b1": "b1"}[unit]
        with act_as(place.user("registrar", unit)) as actor:
            people.set_profile(actor, world.persons[own], {"postcode": "611730"})
            verification.keep(
                actor, about=f"x:{unit}", subject="guardian", name="霍守常", paper="id_card", number="123456"
            )
            grant = commands.find_and_open(
                actor, number=world.numbers[key], name=world.name(key), reason_kind="safety",
                reason="派出所请求核实学生身份",
            )  # fmt: skip
            assert grant is not None
            commands.look(actor, grant.pk, "学籍")
        out["grant"][unit] = grant.pk
        with act_as(place.user("registrar", unit)) as actor:
            commands.end(actor, grant.pk)
        with act_as(place.user("school_head", unit)) as head:
            commands.answer(head, grant.pk, objects=False)
            keeper = place.user("registrar", unit).pk
            room = posts.open_unit(head, kind="office", name="学籍管理办公室")
            posts.appoint(head, room.pk, title="主任", user_id=keeper, since=timezone.localdate())
            posts.name(head, user_id=keeper, phone="0990-1234567", since=timezone.localdate())
        with seeing_all():
            out["authorisation"][unit] = (
                Authorisation.objects.filter(org_id=place.org(unit).pk).latest("pk").pk
            )
            SchoolReview.objects.create(
                org_id=place.org(unit).pk,
                county_id=place.org(unit[0]).pk,
                decision="admit",
                by_id=1,
                by_name="-",
            )
            out["handover"][unit] = HandOver.objects.create(
                org_id=place.org(unit).pk,
                from_id=place.user("class_teacher", unit).pk,
                from_name="甲",
                to_id=place.user("registrar", unit).pk,
                to_name="乙",
                roles=["班主任"],
                day=timezone.localdate(),
                items=[["班级", 1, ""]],
                written_by=place.user("school_head", unit).pk,
                written_name="丙",
            ).pk
    with seeing_all():
        assert EmergencyGrant.objects.count() == EmergencyAnswer.objects.count() == len(OPENED)
    return out


def of_sides(_facts: Any, s: Any, row: dict[str, Any]) -> bool:
    """Emergency access: the unit that looked, the child's school, its authority, and who looked."""
    return bool({row["org_id"], row["school_id"], row["county_id"]} & s.units) or row["user_id"] == s.user


def handed(_facts: Any, s: Any, row: dict[str, Any]) -> bool:
    """A hand-over: the unit, and the successor."""
    return row["org_id"] in s.units or row["to_id"] == s.user


def own_unit(_facts: Any, s: Any, row: dict[str, Any]) -> bool:
    """What a unit keeps for itself."""
    return row["org_id"] in s.units


def reported(_facts: Any, s: Any, row: dict[str, Any]) -> bool:
    """What a school keeps and reports to its authority."""
    return bool({row["org_id"], row["county_id"]} & s.units)


ORACLES = {
    **dict.fromkeys(("officer", "school_review", "school_unit", "school_post"), reported),
    **dict.fromkeys(("authorisation", "record_edit", "verification"), own_unit),
    **dict.fromkeys(("emergency_grant", "emergency_look", "emergency_answer"), of_sides),
    "hand_over": handed,
}


def sees(world: Any, facts: Any, sight: Any, about: str, unit: str) -> bool:
    """Whether somebody finds a page about an authorisation, a grant (also only his own), a hand-over."""
    place = world.place
    if about == "authorisation":
        return bool(sight.units == {place.org(unit).pk})
    if about == "handover":
        leads = sight.role in ("registrar", "school_head") and sight.units == {place.org(unit).pk}
        return bool(
            leads or sight.user in (place.user("registrar", unit).pk, place.user("school_head", unit).pk)
        )
    mine = bool(sight.user == place.user("registrar", unit).pk)
    if about == "opened" or mine:
        return mine
    school = place.org(OPENED[unit][1]).pk
    sides = {place.org(unit).pk, school, facts.county[school]}
    return bool(sides & sight.units) and sight.role in ("school_head", "county_head")
