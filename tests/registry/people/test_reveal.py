"""Plain text for a stated purpose, and the photo."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.test import Client
from tests.helpers import link_child, login

from xueji.ground.db.scope import acting
from xueji.registry.people import commands, queries
from xueji.registry.people.errors import PurposeNeeded

from .conftest import ADDRESS, MOTHER_ADDRESS, MOTHER_ID, MOTHER_PHONE, PHONE, World, identity_number, mother


def entries() -> list[tuple[Any, ...]]:
    with transaction.atomic(), acting("audit"), connection.cursor() as c:
        c.execute(
            "select user_name, object_id, person_id, purpose from audit_entry"
            " where action = 'people.identity.reveal' order by id"
        )
        return c.fetchall()


@pytest.mark.capability("C-SEC-02")
def test_each_value_is_revealed_with_an_entry_of_who_what_and_why(world: World) -> None:
    number = identity_number()
    person = world.formal_child(
        id_number=number, guardians=[mother()], profile={"phone": PHONE, "home_address": ADDRESS}
    )
    asked = {
        "identity": number,
        "document:1": number,
        "number": "G" + number,
        "phone": PHONE,
        "field:home_address": ADDRESS,
        "guardian:1": MOTHER_PHONE,
        "guardian:1:id_number": MOTHER_ID,
        "guardian:1:address": MOTHER_ADDRESS,
    }
    with world.acting() as actor:
        for what, value in asked.items():
            assert commands.reveal(actor, person, what, "核对证件") == value
            assert value not in queries.mask_for(what, value)
        assert commands.reveal(actor, person, "number:1", "核对证件").startswith("L")
    found = entries()
    assert [row[1] for row in found] == [*asked, "number:1"]
    assert {(row[0], row[2], row[3]) for row in found} == {
        (world.place.user("registrar", "a1").display_name, person, "核对证件")
    }
    assert not any(secret in repr(found) for secret in asked.values())


@pytest.mark.parametrize("purpose", ["", "   ", "看看", "abc"])
def test_without_a_stated_purpose_nothing_is_shown_and_nothing_noted(world: World, purpose: str) -> None:
    person = world.child()
    with world.acting() as actor, pytest.raises(PurposeNeeded):
        commands.reveal(actor, person, "identity", purpose)
    assert entries() == []


@pytest.mark.parametrize(
    ("role", "where", "error"),
    [
        ("class_teacher", "a1", PermissionDenied),
        ("teacher", "a1", PermissionDenied),
        ("central_clerk", "central", PermissionDenied),
        ("system_admin", "province", PermissionDenied),
        ("audit_admin", "province", PermissionDenied),
        ("registrar", "a2", Http404),
        ("registrar", "c1", Http404),
        ("county_clerk", "b", Http404),
    ],
)
def test_who_may_not_reveal_or_may_not_see_the_child_gets_nothing(
    world: World, role: str, where: str, error: type[Exception]
) -> None:
    person = world.child("a1")
    with world.acting(role, where) as actor, pytest.raises(error):
        commands.reveal(actor, person, "identity", "核对证件")
    assert entries() == []


@pytest.mark.parametrize(
    "what",
    (
        "| everything | identity:1 | document | document:99 | document:x | number:99 | number:１ | phone | field:"
        " | field:name | guardian: | guardian:7 | guardian:1:salary | guardian:99999"
    ).split(" | "),
)
def test_what_is_not_there_is_not_found(world: World, what: str) -> None:
    person = world.child(guardians=[mother()])
    with world.acting() as actor, pytest.raises(Http404):
        commands.reveal(actor, person, what, "核对证件")
    assert entries() == []


def test_reveal_insists_on_the_actors_own_scope_and_a_transaction(world: World) -> None:
    person = world.child("a1")
    with world.acting("registrar", "c1") as actor, acting("writer"):
        with pytest.raises(transaction.TransactionManagementError):
            commands.reveal(actor, person, "identity", "核对证件")


@pytest.mark.capability("C-SEC-02")
def test_the_page_piece_answers_with_the_value_and_its_mask(world: World, client: Client) -> None:
    number = identity_number()
    person = world.child(id_number=number)
    login(client, world.place.user("registrar", "a1"))
    address = f"/people/{person}/reveal/?what=identity"
    answer = client.post(address, {"purpose": "核对证件"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    text = answer.content.decode()
    assert number in text
    assert queries.mask_for("identity", number) in text
    assert answer["Cache-Control"] == "no-store"
    assert len(entries()) == 1
    refused = client.post(address, {"purpose": ""}, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert number not in refused.content.decode()
    assert client.get(address).status_code == 405
    assert (
        client.post(f"/people/{uuid.uuid4()}/reveal/?what=identity", {"purpose": "核对证件"}).status_code
        == 404
    )
    assert len(entries()) == 1


def test_another_school_and_a_stranger_get_nothing_from_the_address(world: World, client: Client) -> None:
    number = identity_number()
    person = world.child("a1", id_number=number)
    address = f"/people/{person}/reveal/?what=identity"
    anonymous = client.post(address, {"purpose": "核对证件"})
    assert anonymous.status_code == 302
    login(client, world.place.user("registrar", "c1"))
    assert client.post(address, {"purpose": "核对证件"}).status_code == 404
    login(client, world.place.user("class_teacher", "a1"))
    assert client.post(address, {"purpose": "核对证件"}).status_code == 403
    assert entries() == []


@pytest.mark.capability("C-SEC-02")
def test_no_byte_leaves_when_the_entry_cannot_be_committed(shared_world: World, as_owner: Any) -> None:
    """The entry is committed before the answer: a commit that fails takes the plain text with it."""
    number = identity_number()
    person = shared_world.child(id_number=number)
    client = login(Client(raise_request_exception=False), shared_world.place.user("registrar", "a1"))
    as_owner.execute(
        "create function fail_late() returns trigger language plpgsql as"
        " $$ begin raise exception 'the disk is full'; end $$"
    )
    as_owner.execute(
        "create constraint trigger late after insert on audit_entry deferrable initially deferred"
        " for each row execute function fail_late()"
    )
    answer = client.post(f"/people/{person}/reveal/?what=identity", {"purpose": "核对证件"})
    assert answer.status_code == 500
    assert number not in answer.content.decode()
    as_owner.execute("drop trigger late on audit_entry")
    answer = client.post(f"/people/{person}/reveal/?what=identity", {"purpose": "核对证件"})
    assert number in answer.content.decode()
    rows = as_owner.execute(
        "select count(*) from audit_entry where action = 'people.identity.reveal'"
    ).fetchone()
    assert rows == (1,)


def test_a_demonstration_draws_a_photo_for_a_child_without_one(
    world: World, client: Client, settings: Any
) -> None:
    person = world.child()
    address = f"/people/{person}/photo.jpg"
    login(client, world.place.user("class_teacher", "a1"))
    with transaction.atomic():
        commands.rehome(
            [person],
            readers=[world.place.org("a1").pk, world.place.org("a").pk],
            klasses=[world.place.klass().pk],
        )
    settings.DEMO = False
    assert client.get(address).status_code == 404
    settings.DEMO = True
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.content[:3] == b"\xff\xd8\xff"
    assert answer["Cache-Control"].startswith("private")
    login(client, world.place.user("registrar", "c1"))
    assert client.get(address).status_code == 404


@pytest.mark.capability("C-COL-09")
def test_the_photo_in_force_is_shown_to_those_who_see_the_child_and_moves_with_it(
    world: World, client: Client
) -> None:
    from xueji.ground.files.commands import store
    from xueji.ground.paper.photo import draw_portrait

    person = world.child()
    with world.acting() as actor:
        file = store(
            actor,
            draw_portrait("x", "田禾", "1"),
            name="photo.jpg",
            purpose="photo",
            readers=[world.place.org("a1").pk],
            person_id=person,
        )
        commands.set_photo(actor, person, file.pk)
        assert queries.card(actor, person).has_photo
    address = f"/people/{person}/photo.jpg"
    login(client, world.place.user("registrar", "a1"))
    assert client.get(address).status_code == 200
    with transaction.atomic():
        commands.rehome([person], readers=[world.place.org("c1").pk, world.place.org("c").pk], klasses=[])
    assert client.get(address).status_code == 404
    login(client, world.place.user("registrar", "c1"))
    assert client.get(address).status_code == 200
    link_child(world.place.user("parent"), person)
    login(client, world.place.user("parent"))
    assert client.get(address).status_code == 200
