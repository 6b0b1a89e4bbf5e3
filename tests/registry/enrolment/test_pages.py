"""The students' pages: what each role finds on them, and how many queries they cost."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import transaction
from django.test import Client
from tests.children import enrol, id_number
from tests.helpers import Place, login, make_county
from tests.registry.enrolment.test_commands import transfer

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def test_the_registrar_finds_her_pupils_masked(place: Place, client: Client) -> None:
    number = id_number(date(2019, 3, 4), "2")
    person = enrol(place, name="古丽·阿不都", sex="2", birth=date(2019, 3, 4), identity=number)
    login(client, place.user("registrar", "a1"))
    html = client.get("/students/").content.decode()
    assert "古丽·阿不都" in html
    assert "L990***" in html, "the masked number is in the list"
    assert number not in html
    page = client.get(f"/students/{person}/").content.decode()
    assert "一年级(1)班" in page
    for tab in ("record", "profile", "family", "numbers"):
        text = client.get(f"/students/{person}/?tab={tab}").content.decode()
        assert number not in text
        assert number[6:14] not in text
    assert client.get(f"/students/?q={number[-6:]}").content.decode().count(str(person)) >= 1


def test_a_search_that_returns_people_is_in_the_audit_without_the_words(place: Place, client: Client) -> None:
    enrol(place, name="赵小兰")
    login(client, place.user("registrar", "a1"))
    client.get("/students/?q=赵小兰")
    with transaction.atomic(), acting("audit"):
        found = list(AuditEntry.objects.filter(action="enrolment.search").values_list("after", flat=True))
    assert len(found) == 1
    assert "赵小兰" not in str(found)


def test_a_stranger_gets_the_same_answer_as_for_nobody(place: Place, client: Client) -> None:
    person = enrol(place)
    login(client, place.user("registrar", "c1"))
    assert client.get(f"/students/{person}/").status_code == 404
    assert client.get("/students/00000000-0000-0000-0000-000000000000/").status_code == 404


def test_the_former_school_reads_but_cannot_act(place: Place, client: Client) -> None:
    person = enrol(place, name="钱多多")
    transfer(place, person)
    login(client, place.user("registrar", "a1"))
    html = client.get(f"/students/{person}/").content.decode()
    assert "转出" in html
    assert "发起业务" not in html.split("<main", 1)[1]
    assert "钱多多" in client.get("/students/?view=former").content.decode()


@pytest.mark.parametrize(
    ("path", "limit"), [("/students/", 9), ("/students/?q=zm", 11), ("/students/?grade=11&sex=1", 9)]
)
def test_the_list_costs_the_same_queries_for_one_child_and_for_many(
    place: Place, client: Client, path: str, limit: int, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    for i in range(12):
        enrol(place, name=f"张明{'一二三四五六七八九十百千'[i]}")
    login(client, place.user("registrar", "a1"))
    client.get(path)
    with django_assert_max_num_queries(limit + 4):  # type: ignore[operator]
        client.get(path)


def test_admins_and_parents_have_no_list(place: Place, client: Client) -> None:
    enrol(place)
    for role in ("system_admin", "security_admin", "audit_admin"):
        login(client, place.user(role, "province"))
        assert client.get("/students/").status_code == 403
    login(client, place.user("parent", ""))
    assert client.get("/students/").status_code == 403
