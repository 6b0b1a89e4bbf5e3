"""Identity: one person a number in the whole installation, whoever claims it, whenever."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from tests.helpers import seeing_all

from xueji.ground.db.scope import acting
from xueji.registry.people import commands, places, queries
from xueji.registry.people.errors import BadValue, IdentityTaken, PeopleError

from .conftest import World, identity_number, now


@pytest.mark.capability("C-DUP-02")
@pytest.mark.capability("C-NUM-13")
def test_a_number_that_one_school_registered_is_refused_at_every_other(world: World) -> None:
    number = identity_number()
    world.child("a1", id_number=number)
    for where in ("a1", "a2", "b1", "c1"):
        with pytest.raises(IdentityTaken) as e:
            world.child(where, name="别家", id_number=number.lower())
        assert number not in e.value.message


@pytest.mark.capability("C-DUP-02")
@pytest.mark.rule("NAT-NUM-01")
def test_of_many_who_claim_one_number_at_once_one_gets_it(shared_world: World) -> None:
    number = identity_number()
    start = threading.Barrier(8)

    def claim(where: str) -> bool:
        start.wait()
        try:
            shared_world.child(where, id_number=number)
        except IdentityTaken:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(claim, ["a1", "a2", "b1", "c1"] * 2))
    assert won.count(True) == 1
    with seeing_all(), connection.cursor() as c:
        c.execute("select (select count(*) from person), (select count(*) from identity_lookup)")
        assert c.fetchone() == (1, 1)


def test_a_claim_that_is_rolled_back_leaves_the_number_free(shared_world: World) -> None:
    number = identity_number()
    claimed, go_on = threading.Event(), threading.Event()

    def loser() -> None:
        try:
            with transaction.atomic():
                shared_world.child("a1", id_number=number)
                claimed.set()
                go_on.wait(10)
                transaction.set_rollback(True)
        finally:
            connection.close()

    def winner() -> uuid.UUID:
        try:
            return shared_world.child("b1", id_number=number)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(loser)
        assert claimed.wait(10)
        second = pool.submit(winner)
        go_on.set()
        first.result(20)
        assert second.result(20)


def test_the_database_itself_refuses_a_second_row_for_a_number(world: World) -> None:
    number = identity_number()
    world.child(id_number=number)
    with pytest.raises(IntegrityError), transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "insert into identity_lookup (id_type, bidx, person_id, doc_no) values ('1', %s, %s, 1)",
            [places.identity_index("1", number), uuid.uuid4()],
        )


def test_a_person_has_one_current_document(world: World) -> None:
    person = world.child()
    with pytest.raises(IntegrityError), transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "insert into identity_document (person_id, doc_no, id_type, sealed, since, readers, klasses)"
            " values (%s, 9, 'A', 'x', now(), '{}', '{}')",
            [person],
        )


@pytest.mark.capability("C-DUP-01")
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"id_number": "110101201503090011"}, "最后一位"),
        ({"id_number": "11010120150309"}, "18位"),
        ({"id_number": identity_number(), "sex": "2"}, "女"),
        ({"id_number": identity_number(), "birth_date": date(2015, 3, 8)}, "2015-03-08"),
        ({"id_number": ""}, "请填写"),
        ({"name": "田1"}, "数字"),
    ],
)
def test_what_the_standard_rules_out_is_refused_in_words(
    world: World, values: dict[str, object], words: str
) -> None:
    with pytest.raises(BadValue, match=words) as e:
        world.child(**values)
    if values.get("id_number"):
        assert str(values["id_number"]) not in e.value.message
    with seeing_all(), connection.cursor() as c:
        c.execute("select count(*) from person")
        assert c.fetchone() == (0,)


@pytest.mark.parametrize(
    ("id_type", "number", "label"),
    [
        ("H", "810000201503090013", "港澳居民居住证"),
        ("I", "830000201503090017", "台湾居民居住证"),
        ("A", "E12345678", "护照"),
        ("J", "CHN110015030901", "外国人永久居留"),
    ],
)
def test_people_from_elsewhere_are_registered_with_their_own_papers(
    world: World, id_type: str, number: str, label: str
) -> None:
    from xueji.ground.standards import identity

    if id_type in "HI":
        number = number[:17] + identity.check_digit(number[:17])
    if id_type == "J":
        number = number[:14] + identity._icao_check(number[:14])
    person = world.child(id_type=id_type, id_number=number)
    with world.acting() as actor:
        card = queries.card(actor, person)
        assert label in card.id_type_label
        assert number not in card.identity
        assert queries.find_by_number(actor, number) == [person]
    with pytest.raises(IdentityTaken):
        world.child("c1", id_type=id_type, id_number=number)


@pytest.mark.capability("C-COL-16")
def test_a_child_without_papers_is_registered_and_others_may_be_too(world: World) -> None:
    first = world.child(id_type="", id_number="")
    second = world.child(id_type="", id_number="")
    assert first != second
    with world.acting() as actor:
        assert queries.card(actor, first).identity == ""
        assert queries.documents(actor, first) == []


@pytest.mark.capability("C-NUM-08")
@pytest.mark.rule("NAT-NUM-14")
def test_a_changed_identity_number_takes_the_formal_number_along_and_the_old_ones_still_find(
    world: World,
) -> None:
    old, new = identity_number(), identity_number()
    person = world.formal_child(id_number=old)
    with world.acting("county_clerk", "a") as clerk:
        change = commands.change_identity(clerk, person, "1", new, event_id=uuid.uuid4(), at=now())
    assert change.doc_no == 2
    assert change.last6 == places.last6_index(new)
    assert world.plain(person, "number") == "G" + new
    with world.acting() as actor:
        rows = queries.numbers(actor, person)
        assert [(r.prefix, r.state) for r in rows] == [("G", "current"), ("G", "former"), ("L", "former")]
        assert [d.until is None for d in queries.documents(actor, person)] == [True, False]
        for text in (old, new, "G" + old, "G" + new, f" g{old.lower()} "):
            assert queries.find_by_number(actor, text) == [person]
    assert world.plain(person, "number:2") == "G" + old
    with pytest.raises(IdentityTaken):
        world.child("b1", id_number=old)


def test_an_unverified_change_keeps_the_number_until_the_check(world: World) -> None:
    old, new = identity_number(), identity_number()
    person = world.formal_child(id_number=old)
    with world.acting("county_clerk", "a") as clerk:
        change = commands.change_identity(
            clerk, person, "1", new, event_id=uuid.uuid4(), at=now(), verified=False
        )
        assert change.number_no is None
        assert queries.card(clerk, person).check_state == "unchecked"
    assert world.plain(person, "number") == "G" + old


def test_going_back_to_an_earlier_number_takes_up_its_papers_again(world: World) -> None:
    old, new = identity_number(), identity_number()
    person = world.formal_child(id_number=old)
    for number in (new, old):
        with world.acting("county_clerk", "a") as clerk:
            commands.change_identity(clerk, person, "1", number, event_id=uuid.uuid4(), at=now())
    assert world.plain(person) == old
    assert world.plain(person, "number") == "G" + old
    with world.acting() as actor:
        assert [(r.prefix, r.state) for r in queries.numbers(actor, person)] == [
            ("G", "former"),
            ("G", "current"),
            ("L", "former"),
        ]


def test_nobody_takes_over_a_former_number_of_somebody_else(world: World) -> None:
    old = identity_number()
    person = world.formal_child(id_number=old)
    other = world.child("a2", name="别家")
    with world.acting("county_clerk", "a") as clerk:
        commands.change_identity(clerk, person, "1", identity_number(), event_id=uuid.uuid4(), at=now())
        with pytest.raises(IdentityTaken):
            commands.change_identity(clerk, other, "1", old, event_id=uuid.uuid4(), at=now())
    with world.acting("registrar", "a2") as actor:
        assert len(queries.documents(actor, other)) == 1


def test_nobody_changes_a_child_out_of_sight(world: World) -> None:
    """Rights of a role end at the actor's own children, whoever knows the key of another one."""
    person = world.child("a1")
    with world.acting("county_head", "b") as head:
        for attempt in (
            lambda: commands.change_identity(
                head, person, "1", identity_number(), event_id=uuid.uuid4(), at=now()
            ),
            lambda: commands.change_name(head, person, "田苗", event_id=uuid.uuid4(), at=now()),
            lambda: commands.change_birth_sex(head, person, sex="2", event_id=uuid.uuid4(), at=now()),
            lambda: commands.record_check(head, person, True, source="x"),
            lambda: commands.promote(head, person, "G", at=now()),
            lambda: commands.void_number(head, person, 1, reason="录入错误", at=now()),
        ):
            with pytest.raises(Http404):
                attempt()
    with world.acting("registrar", "a2") as actor:
        for attempt in (
            lambda: commands.set_profile(actor, person, {"only_child": "1"}),
            lambda: commands.set_guardian(actor, person, None, commands.NewGuardian("林秀兰", "2")),
            lambda: commands.set_photo(actor, person, uuid.uuid4()),
            lambda: commands.add_number(actor, person, "province.auxiliary", "01012601500009", at=now()),
            lambda: commands.issue_national_number(actor, person, division="990101", at=now()),
        ):
            with pytest.raises(Http404):
                attempt()


def test_only_deciding_roles_change_key_information(world: World) -> None:
    person = world.child()
    with world.acting("class_teacher", "a1") as teacher:
        for attempt in (
            lambda: commands.change_identity(
                teacher, person, "1", identity_number(), event_id=uuid.uuid4(), at=now()
            ),
            lambda: commands.change_name(teacher, person, "田苗", event_id=uuid.uuid4(), at=now()),
            lambda: commands.record_check(teacher, person, True, source="x"),
            lambda: commands.promote(teacher, person, "G", at=now()),
            lambda: commands.set_profile(teacher, person, {"only_child": "1"}),
        ):
            with pytest.raises(PermissionDenied):
                attempt()


@pytest.mark.capability("C-NUM-13")
def test_a_duplicate_is_explained_by_the_school_and_nothing_else(world: World) -> None:
    number = identity_number()
    world.child("a1", name="田小满", id_number=number)
    with world.acting("registrar", "c1") as other:
        words = queries.explain_duplicate(other, "1", number)
        assert "青禾县第一小学" in words
        for secret in ("田小满", number, number[-6:], "2015"):
            assert secret not in words
        assert queries.explain_duplicate(other, "1", identity_number()) == ""
    with transaction.atomic(), acting("audit"), connection.cursor() as c:
        c.execute(
            "select after ->> 'found' from audit_entry where action = 'people.identity.duplicate' order by id"
        )
        assert [row[0] for row in c.fetchall()] == ["true", "false"], "a miss tells something, too"


def test_who_holds_a_number_is_known_to_commands_only(world: World) -> None:
    number = identity_number()
    person = world.child("a1", id_number=number)
    with seeing_all():
        assert queries.who_holds("1", number) == person
        assert queries.who_holds("1", identity_number()) is None
        key = ("1", places.identity_index("1", number))
        assert queries.holders([key, ("1", b"\0" * 32)])[key].school_name == "青禾县第一小学"
    with world.acting(), pytest.raises(Exception, match="permission denied"), transaction.atomic():
        queries.who_holds("1", number)


def test_children_out_of_scope_are_not_found_by_their_number(world: World) -> None:
    number = identity_number()
    person = world.child("a1", id_number=number)
    for role, where, sees in (
        ("registrar", "a1", True),
        ("county_clerk", "a", True),
        ("registrar", "a2", False),
        ("registrar", "c1", False),
        ("county_clerk", "b", False),
        ("system_admin", "province", False),
    ):
        with world.acting(role, where) as actor:
            assert queries.find_by_number(actor, number) == ([person] if sees else [])
            if not sees:
                with pytest.raises(Http404):
                    queries.card(actor, person)


def test_errors_of_this_room_are_words_for_the_user() -> None:
    assert PeopleError("请重新填写").message == "请重新填写"
