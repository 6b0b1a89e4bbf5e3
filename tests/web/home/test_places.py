"""Units and classes: the tree, the cards, and who sees head-counts."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.helpers import Place, act_as, login, make_county

from xueji.ground.orgs import queries as orgs
from xueji.ground.orgs.models import Org, SchoolClass

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.mark.capability("C-ORG-01")
def test_the_tree_begins_at_ones_own_unit(client: Client, place: Place) -> None:
    page = login(client, place.user("county_clerk", "a")).get("/orgs/").content.decode()
    assert place.org("a1").name in page
    assert place.org("central").name in page
    assert place.org("b1").name not in page


def test_a_search_shows_the_way_to_what_fits(place: Place) -> None:
    with act_as(place.user("province_clerk", "province")) as actor:
        (top,) = orgs.tree(actor, "东乡小学")
    names = []
    node = top
    while node:
        names.append(node.name)
        node = node.children[0] if node.children else None
    assert names[-2:] == ["青禾县东乡中心校", "青禾县东乡小学"]


def test_the_tree_is_one_query(place: Place, django_assert_num_queries) -> None:
    with act_as(place.user("province_clerk", "province")) as actor, django_assert_num_queries(1):
        orgs.tree(actor)


@pytest.mark.capability("C-ORG-12")
def test_a_unit_of_another_branch_does_not_exist(client: Client, place: Place) -> None:
    login(client, place.user("county_clerk", "a"))
    assert client.get(f"/orgs/{place.org('a1').pk}/").status_code == 200
    assert client.get(f"/orgs/{place.org('city1').pk}/").status_code == 200
    assert client.get(f"/orgs/{place.org('b1').pk}/").status_code == 404
    login(client, place.user("registrar", "a1"))
    assert client.get(f"/orgs/{place.org('a2').pk}/").status_code == 404
    assert client.get(f"/classes/{place.klass('a2').pk}/").status_code == 404


def test_head_counts_are_for_those_whose_scope_covers_them(client: Client, place: Place) -> None:
    url = f"/orgs/{place.org('a1').pk}/"
    assert "在籍学生" in login(client, place.user("registrar", "a1")).get(url).content.decode()
    assert "在籍学生" in login(client, place.user("county_clerk", "a")).get(url).content.decode()
    assert "在籍学生" not in login(client, place.user("system_admin", "province")).get(url).content.decode()
    assert "在籍学生" not in login(client, place.user("class_teacher", "a1")).get(url).content.decode()


@pytest.mark.capability("C-ORG-06")
def test_a_registrar_adds_a_class_and_closes_it_when_empty(client: Client, place: Place) -> None:
    login(client, place.user("registrar", "a1"))
    page = client.get("/classes/").content.decode()
    assert "一年级(1)班" in page
    assert page.index("一年级(1)班") < page.index("二年级(1)班")
    answer = client.post("/classes/new/", {"stage": "P", "cohort_year": 2026, "number": 3, "capacity": 40})
    assert answer.status_code == 302
    new = SchoolClass.objects.get(school_id=place.org("a1").pk, cohort_year=2026, number=3)
    again = client.post("/classes/new/", {"stage": "P", "cohort_year": 2026, "number": 3, "capacity": 40})
    assert again.status_code == 422
    assert "2026级已有3班" in again.content.decode()
    assert client.get(f"/classes/{new.pk}/").status_code == 200
    assert client.post(f"/classes/{new.pk}/close/").status_code == 302
    new.refresh_from_db()
    assert new.closed_on is not None


def test_only_the_registrar_of_the_school_changes_its_classes(client: Client, place: Place) -> None:
    target = place.klass("a1").pk
    for role, where, code in (
        ("school_head", "a1", 403),
        ("class_teacher", "a1", 403),
        ("registrar", "a2", 404),
    ):
        login(client, place.user(role, where))
        assert client.post(f"/classes/{target}/close/").status_code == code
    login(client, place.user("county_clerk", "a"))
    assert client.get("/classes/new/").status_code == 403


def test_a_teacher_sees_his_own_classes_alone(client: Client, place: Place) -> None:
    login(client, place.user("class_teacher", "a1"))
    page = client.get("/classes/").content.decode()
    assert "一年级(1)班" in page
    assert "一年级(2)班" not in page
    assert client.get(f"/classes/{place.klass('a1').pk}/").status_code == 200
    assert client.get(f"/classes/{place.klass('a1', number=2).pk}/").status_code == 404


@pytest.mark.capability("C-ORG-03")
@pytest.mark.capability("C-ORG-07")
def test_a_system_administrator_adds_a_school_with_its_own_system(client: Client, place: Place) -> None:
    login(client, place.user("system_admin", "province"))
    url = f"/orgs/{place.org('a').pk}/new/"
    data = {
        "kind": "school",
        "code": "9901019999",
        "name": "青禾县五四小学",
        "stages": ["P", "J"],
        "system": "5-4-3",
    }
    assert client.post(url, data).status_code == 422
    answer = client.post(url, data | {"school_type": "211"})
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    made = Org.objects.select_related("school").get(code="9901019999")
    assert made.path == f"{place.org('a').path}{made.pk}/"
    assert made.school.county_id == place.org("a").pk
    assert made.school.years_of("P") == 5
    assert client.post(url, data | {"school_type": "211"}).status_code == 422
    assert (
        client.post(url, data | {"school_type": "211", "kind": "city", "code": "990300"}).status_code == 422
    )


def test_class_size_labels() -> None:
    assert [orgs.size_label(n) for n in (45, 55, 56, 65, 66)] == [
        "正常",
        "正常",
        "大班额",
        "大班额",
        "超大班额",
    ]


@pytest.mark.capability("C-ORG-05")
def test_school_years_are_seeded_once(place: Place) -> None:
    from datetime import date

    from xueji.ground.orgs.commands import ensure_school_years

    assert ensure_school_years(2090, 2092) == 3
    assert ensure_school_years(2089, 2092) == 1
    year = orgs.school_year_of(date(2091, 2, 1))
    assert year is not None
    assert year.label == "2090-2091"
    assert [t.starts for t in orgs.terms_of(2090)] == [date(2090, 9, 1), date(2091, 2, 1)]


def test_pages_of_classes_cost_the_same_however_many_there_are(
    client: Client, place: Place, django_assert_max_num_queries
) -> None:
    login(client, place.user("registrar", "a1"))
    client.get("/classes/")
    with django_assert_max_num_queries(9):  # one of them enters the look into the audit
        client.get("/classes/")
