"""Field groups: each role reads the groups of its rights; what it may not read is absent wherever people are read."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, login, make_county

from xueji.ground.accounts.roles import PERMISSIONS
from xueji.registry.people import commands, groups, queries
from xueji.registry.people.commands import NewGuardian

pytestmark = pytest.mark.django_db

BORN = date(2019, 5, 11)
PERSONAS = [
    ("registrar", "a1"),
    ("school_head", "a1"),
    ("class_teacher", "a1"),
    ("teacher", "a1"),
    ("county_clerk", "a"),
    ("county_head", "a"),
    ("city_clerk", "city1"),
    ("province_head", "province"),
]


@pytest.fixture
def place() -> Place:
    return make_county()


def child(place: Place) -> uuid.UUID:
    return enrol(
        place,
        "a1",
        name="苏晴川",
        stage="P",
        number=1,
        birth=BORN,
        identity=id_number(BORN, "1", division="990101"),
        guardians=[
            NewGuardian("霍守常", "51", sealed={"phone": "13900001234", "id_number": "990101198001011234"})
        ],
    )


@pytest.mark.capability("C-ROL-02", "C-SEC-02", "C-SEC-06")
@pytest.mark.parametrize("who", PERSONAS, ids=lambda w: w[0])
def test_a_role_reads_the_groups_of_its_rights_and_no_other(place: Place, who: tuple[str, str]) -> None:
    """A member of staff opens a child's record; he finds the groups that his role needs; the others are not there."""
    person = child(place)
    has = {g for g in groups.GROUPS if who[0] in PERMISSIONS[f"fields.{g}"]}
    with act_as(place.user(*who)) as actor:
        assert {g for g in groups.GROUPS if groups.may(actor, g)} == has
        card = queries.card(actor, person)
        assert bool(card.identity) == ("identity" in has) == bool(queries.documents(actor, person))
        kin = queries.guardians(actor, person)
        assert bool(kin) == ("family" in has)
        assert all(bool(g.phone) == ("contact" in has) for g in kin)
        assert all(bool(g.id_number) == ("identity" in has) for g in kin)
        contact = queries.contacts(actor, [person])[person]
        assert bool(contact.guardian) == ("family" in has)
        assert bool(contact.phone) == ("contact" in has)
        shown = {f.key for f in queries.profile(actor, person)}
        for key, group in (
            ("health", "health"),
            ("orphan", "aid"),
            ("phone", "contact"),
            ("home_address", "address"),
        ):
            assert (key in shown) == (group in has), key
        assert ("political_status" in shown) == ("conduct" in has)
        sentences = queries.withheld(actor)
        assert len(sentences) == len(groups.GROUPS) - len(has)
        if who[0] in PERMISSIONS["identity.reveal"]:
            for what, needs in (
                ("identity", "identity"),
                ("guardian:1", "contact"),
                ("field:health", "health"),
            ):
                if needs not in has:
                    with pytest.raises(PermissionDenied):
                        commands.reveal(actor, person, what, "核对证件信息")


def test_a_page_leaves_the_group_out_and_says_who_may_see_it(client: Client, place: Place) -> None:
    person = child(place)
    login(client, place.user("teacher", "a1"))
    page = client.get(f"/students/{person}/?tab=family").content.decode()
    assert "霍守常" not in page and "139" not in page
    assert "家庭与监护人不在您的权限内" in page
    page = client.get(f"/students/{person}/?tab=numbers").content.decode()
    assert "身份证件</h2>" not in page and "证件信息不在您的权限内" in page
    page = client.get(f"/students/{person}/").content.decode()
    assert "<dt>居民身份证</dt>" not in page and "无证件号" not in page
