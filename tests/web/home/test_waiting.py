"""The first page says what waits in every room for whoever is signed in, and asks the database once for all of it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.children import enrol
from tests.helpers import login, make_county, seeing_all

from xueji.ground.db.scope import acting
from xueji.ground.waiting import Ask, gather
from xueji.registry.creation.models import CreationList
from xueji.registry.duplicates.models import Pair
from xueji.registry.photos.models import PhotoBatch
from xueji.registry.population.models import Batch, Item
from xueji.registry.takeover.models import Takeover

pytestmark = pytest.mark.django_db


def test_many_rooms_are_asked_in_one_statement_each_with_its_own_values() -> None:
    make_county()
    asks: dict[str, Ask[Any] | None] = {
        "a": Ask("select %(n)s::int as n", {"n": 1}, lambda rows: rows[0]["n"]),
        "b": Ask(
            "select %(n)s::int as n where '5%%' like '%%5%%'", {"n": 2}, lambda rows: [r["n"] for r in rows]
        ),
        "none": Ask("select 1 as n where false", {}, lambda rows: rows),
        "not asked": None,
    }
    with CaptureQueriesContext(connection) as sent:
        found = gather(asks)
    assert found == {"a": 1, "b": [2], "none": [], "not asked": None}
    assert len(sent) == 1
    with CaptureQueriesContext(connection) as sent:
        assert gather({"nobody": None}) == {"nobody": None}
    assert not sent


def _todos(client: Client) -> str:
    page = client.get("/").content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("<main", 1)[1]))


@pytest.mark.capability("C-NUM-02", page="/")
def test_a_clerk_learns_on_the_first_page_that_new_records_wait_for_approval(client: Client) -> None:
    """Who: a school's clerk and the county's. Sees: new records that nobody reported, then the list that waits, with how
    long. Ends with: one click leads to the list itself, and the line is gone when it is decided.
    """
    place = make_county()
    enrol(place, name="新生甲", on=timezone.localdate() - timedelta(days=5))
    registrar, head = (
        login(client, place.user("registrar", "a1")),
        login(Client(), place.user("school_head", "a1")),
    )
    assert re.search("最早 5 天前|还剩 . 个工作日", _todos(registrar))
    assert "新建学籍还没有报核准 1 名" in _todos(registrar)
    assert "新建学籍" not in _todos(head)
    registrar.post("/creation/", {"expected": 1})
    with seeing_all():
        one = CreationList.objects.get()
    assert "新建学籍还没有报核准" not in _todos(registrar)
    assert "新建学籍核准 1 份名单" in _todos(head)
    assert f'href="/creation/{one.pk}/"' in head.get("/").content.decode()
    for elsewhere in (("school_head", "b1"), ("county_clerk", "a")):
        assert "新建学籍核准" not in _todos(login(Client(), place.user(*elsewhere)))
    head.post(f"/creation/{one.pk}/decide/", {"version": one.version})
    assert "新建学籍核准" not in _todos(head)
    assert "新建学籍核准 1 份名单" in _todos(login(Client(), place.user("county_clerk", "a")))


def test_each_newer_room_shows_what_waits_and_leads_there(client: Client) -> None:
    """Who: a school's clerk with work left in several rooms, and the head. Sees: photos, suspicions, an identity that the
    register does not confirm, a takeover to finish and to sign, each with its number and how long it waits. Ends with:
    the address of the very page.
    """
    place = make_county()
    child, other = enrol(place, name="甲"), enrol(place, name="乙")
    a1, county = place.org("a1").pk, place.org("a").pk
    old = timezone.now() - timedelta(days=9)
    with transaction.atomic(), acting("writer"):
        first, second = sorted((child, other))
        Pair.objects.create(
            first=first,
            second=second,
            first_school=a1,
            second_school=a1,
            first_county=county,
            second_county=county,
            superior_id=a1,
            parties=[a1, county],
            score=90,
            found_at=old,
        )
        batch = Batch.objects.create(
            org_id=a1,
            county_id=county,
            school_id=a1,
            source="x",
            creator_id=1,
            creator_name="x",
            created_at=old,
        )
        Item.objects.create(
            batch=batch,
            person_id=child,
            part_no=1,
            county_id=county,
            school_id=a1,
            doc_no=1,
            state="failed",
            answered_at=old,
        )
        photos = PhotoBatch.objects.create(
            school_id=a1,
            county_id=county,
            state="ready",
            file_name="x.zip",
            creator_id=1,
            creator_name="x",
            assignment_id=1,
        )
        taken = Takeover.objects.create(
            county_id=county,
            school_id=a1,
            as_of=date(2026, 9, 1),
            roster_name="x.xlsx",
            roster_sha256="0",
            explanation="两名学生休学",
            creator_id=0,
            creator_name="x",
        )
    login(client, place.user("registrar", "a1"))
    page, told = client.get("/").content.decode(), _todos(client)
    for words, url in (
        ("疑似重复的档案 1 对", "/duplicates/"),
        ("身份核验不一致 1 名", "/population/?tab=failed"),
        ("照片 1 批", f"/photos/{photos.pk}/"),
        ("没有照片的学生 2 名", "/photos/missing/"),
        ("学籍接管 1 次", f"/takeover/{taken.pk}/"),
    ):
        assert words in told, words
        assert f'href="{url}"' in page
        assert client.get(url).status_code == 200
    assert told.count("最早 9 天前") == 2
    head = login(Client(), place.user("school_head", "a1"))
    assert "接管人数差异说明 1 次" in _todos(head)
    assert "疑似重复的档案" not in _todos(login(Client(), place.user("registrar", "b1")))


@pytest.mark.parametrize(
    "who",
    [
        ("registrar", "a1"),
        ("school_head", "a1"),
        ("class_teacher", "a1"),
        ("county_clerk", "a"),
        ("county_head", "a"),
    ],
)
def test_the_first_page_takes_ten_statements_at_most(who: tuple[str, str], client: Client) -> None:
    place = make_county()
    enrol(place, name="甲")
    login(client, place.user(*who)).get("/")
    with CaptureQueriesContext(connection) as sent:
        client.get("/")
    assert sum("SAVEPOINT" not in q["sql"] for q in sent.captured_queries) <= 10
