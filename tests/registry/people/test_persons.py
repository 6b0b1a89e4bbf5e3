"""Names, key facts, profile and family, and who may read them."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from django.db import connection, transaction
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from tests.helpers import seeing_all

from xueji.ground.db.scope import acting
from xueji.registry.people import commands, queries
from xueji.registry.people.commands._rows import READABLE
from xueji.registry.people.errors import BadValue

from .conftest import ADDRESS, MOTHER_ID, MOTHER_PHONE, PHONE, World, mother, now


def test_a_changed_name_keeps_the_former_one(world: World) -> None:
    person = world.child(name="田禾")
    with world.acting("county_clerk", "a") as clerk:
        assert commands.change_name(clerk, person, " 田新苗 ", event_id=uuid.uuid4(), at=now()) == "田新苗"
        commands.change_name(clerk, person, "田晚秋", event_id=uuid.uuid4(), at=now())
        with pytest.raises(BadValue):
            commands.change_name(clerk, person, "田晚秋", event_id=uuid.uuid4(), at=now())
        card = queries.card(clerk, person)
        assert (card.name, card.former_name, card.pinyin) == ("田晚秋", "田新苗", "tianwanqiu")
        assert [name for name, _until in queries.former_names(clerk, person)] == ["田新苗", "田禾"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("买买提．吐尔逊", "买买提·吐尔逊"),
        ("阿依古丽・艾力", "阿依古丽·艾力"),
        ("𬱖㛃", "𬱖㛃"),
        ("王𠅤龙", "王𠅤龙"),
        ("Maria Lopez", "Maria Lopez"),
    ],
)
def test_dots_and_rare_characters_are_kept(world: World, typed: str, kept: str) -> None:
    person = world.child(name=typed)
    with world.acting() as actor:
        assert queries.card(actor, person).name == kept
    other = world.child(name="田禾")
    with world.acting("county_clerk", "a") as clerk:
        assert commands.change_name(clerk, other, typed, event_id=uuid.uuid4(), at=now()) == kept


def test_birth_date_and_sex_are_corrected_by_a_case(world: World) -> None:
    person = world.child(id_type="", id_number="")
    with world.acting("county_clerk", "a") as clerk:
        commands.change_birth_sex(
            clerk, person, event_id=uuid.uuid4(), at=now(), birth_date=date(2015, 4, 1), sex="2"
        )
        card = queries.card(clerk, person)
        assert (card.birth_date, card.sex_label, card.version) == (date(2015, 4, 1), "女", 2)
        for wrong in ({"sex": "7"}, {"birth_date": date(2999, 1, 1)}):
            with pytest.raises(BadValue):
                commands.change_birth_sex(clerk, person, event_id=uuid.uuid4(), at=now(), **wrong)


@pytest.mark.capability("C-SEC-02")
def test_profile_and_family_are_read_masked_with_labels(world: World) -> None:
    person = world.child(
        profile={"phone": PHONE, "home_address": ADDRESS, "only_child": "1", "health": "10"},
        guardians=[mother()],
    )
    with world.acting() as actor:
        shown = {f.key: f for f in queries.profile(actor, person)}
        assert shown["phone"].value == "139****9876"
        assert shown["home_address"].value == "青禾县桥头街****"
        assert shown["only_child"].value == "是"
        assert shown["health"].value == "****"
        assert shown["phone"].reveal == "field:phone"
        assert shown["only_child"].reveal == ""
        assert shown["talents"].value == ""
        assert "name" not in shown
        (row,) = queries.guardians(actor, person)
        assert (row.name, row.phone, row.id_number) == ("林秀兰", "139****1234", "110***********0022")
        assert row.has == ("address", "id_number", "id_type", "phone")
        assert row.relation_label == "母亲"


def test_fields_are_written_without_touching_the_others(world: World) -> None:
    person = world.child(profile={"phone": PHONE, "only_child": "1"})
    with world.acting() as actor:
        commands.set_profile(actor, person, {"home_address": ADDRESS, "left_behind": "0"})
        shown = {f.key: f.value for f in queries.profile(actor, person)}
        assert shown["phone"] == "139****9876"
        assert shown["only_child"] == "是"
        assert shown["home_address"].startswith("青禾县")
        for wrong in ({"name": "别人"}, {"id_number": "x"}, {"member1_phone": PHONE}, {"no_such": "1"}):
            with pytest.raises(BadValue):
                commands.set_profile(actor, person, wrong)
    assert world.plain(person, "phone") == PHONE


def test_family_members_are_added_and_rewritten(world: World) -> None:
    person = world.child(guardians=[mother()])
    with world.acting() as actor:
        no = commands.set_guardian(
            actor, person, None, commands.NewGuardian("田建国", "1", sealed={"phone": PHONE})
        )
        assert no == 2
        commands.set_guardian(actor, person, 1, commands.NewGuardian("林秀兰", "2", is_guardian=False))
        rows = queries.guardians(actor, person)
        assert [(r.name, r.phone, r.is_guardian) for r in rows] == [
            ("林秀兰", "", False),
            ("田建国", "139****9876", True),
        ]
        with pytest.raises(BadValue):
            commands.set_guardian(actor, person, 9, mother())
        with pytest.raises(BadValue):
            commands.set_guardian(
                actor, person, 1, commands.NewGuardian("林秀兰", "2", sealed={"salary": "1"})
            )
    assert world.plain(person, "guardian:2") == PHONE


def test_a_new_home_takes_every_table_along(world: World) -> None:
    person = world.formal_child(guardians=[mother()], profile={"phone": PHONE})
    stays = world.child(name="别家")
    with world.acting("county_clerk", "a") as clerk:
        commands.change_name(clerk, person, "田新苗", event_id=uuid.uuid4(), at=now())
    with world.acting() as actor:
        commands.set_photo(actor, person, uuid.uuid4())
    readers = [world.place.org("c1").pk, world.place.org("c").pk]
    with (
        transaction.atomic(),
        CaptureQueriesContext(
            connection,
        ) as captured,
    ):
        commands.rehome([person], readers=readers, klasses=[7])
    assert len([q for q in captured if q["sql"].startswith("update")]) == len(READABLE) + 1
    with seeing_all(), connection.cursor() as c:
        for table in READABLE:
            c.execute(f"select readers, klasses from {table} where person_id = %s", [person])
            rows = c.fetchall()
            assert rows, table
            assert all(row == (readers, [7]) for row in rows), table
    with world.acting() as former, pytest.raises(Http404):
        queries.card(former, person)
    with world.acting("registrar", "c1") as new:
        assert queries.card(new, person).name == "田新苗"
        assert queries.guardians(new, person)[0].phone == "139****1234"
    with world.acting() as actor:
        assert queries.card(actor, stays).name == "别家"


def test_a_list_of_cards_is_one_query(world: World) -> None:
    people = [world.child(name="田禾") for _ in range(5)]
    with world.acting() as actor:
        with CaptureQueriesContext(connection) as captured:
            found = queries.cards(actor, [*people, uuid.uuid4()])
    assert set(found) == set(people)
    assert len(captured) == 1


@pytest.mark.capability("C-SEC-02")
def test_no_plain_number_lies_anywhere_in_the_database(shared_world: World, as_owner: object) -> None:
    """Every column of every table, text and bytes, after all that can happen to a record."""
    world = shared_world
    from .conftest import MOTHER_ADDRESS, identity_number

    old, new = identity_number(), identity_number()
    person = world.formal_child(
        id_number=old, guardians=[mother()], profile={"phone": PHONE, "home_address": ADDRESS}
    )
    temporary = world.plain(person, "number:1")
    with world.acting("county_clerk", "a") as clerk:
        commands.change_identity(clerk, person, "1", new, event_id=uuid.uuid4(), at=now())
        queries.explain_duplicate(clerk, "1", old)
        world.plain(person, "identity")
    with world.acting() as actor:
        commands.add_number(actor, person, "province.auxiliary", "01012601500001", at=now())
    secrets = {
        old,
        new,
        temporary,
        PHONE,
        MOTHER_PHONE,
        MOTHER_ID,
        ADDRESS,
        MOTHER_ADDRESS,
        "01012601500001",
    }
    secrets |= {s[1:] for s in (temporary,)} | {old[6:], new[6:]}
    tables = as_owner.execute(  # type: ignore[attr-defined]
        "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
    ).fetchall()
    assert len(tables) > 30
    for (table,) in tables:
        for (row,) in as_owner.execute(f'select t::text from "{table}" t'):  # type: ignore[attr-defined]
            for secret in secrets:
                assert secret not in row, table
                assert secret.encode().hex() not in row, table


@pytest.mark.capability("C-SEC-02")
def test_no_query_of_this_room_gives_a_plain_number(world: World) -> None:
    person = world.formal_child(guardians=[mother()], profile={"phone": PHONE, "home_address": ADDRESS})
    number = world.plain(person)
    with world.acting() as actor:
        answers = repr(
            [
                queries.card(actor, person),
                queries.cards(actor, [person]),
                queries.documents(actor, person),
                queries.numbers(actor, person),
                queries.guardians(actor, person),
                queries.profile(actor, person),
                queries.former_names(actor, person),
                queries.portrait(actor, person),
                queries.find_by_number(actor, number),
                queries.explain_duplicate(actor, "1", number),
            ]
        )
    for secret in (number, number[6:], PHONE, MOTHER_PHONE, MOTHER_ID, ADDRESS):
        assert secret not in answers


def test_writing_leaves_the_role_behind(world: World) -> None:
    person = world.child()
    with pytest.raises(Exception, match="permission denied"), transaction.atomic(), connection.cursor() as c:
        c.execute("update person set name = 'x' where person_id = %s", [person])
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("select count(*) from person")
        assert c.fetchone() == (1,)
