"""Searching for people puts no name and no number into an address."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, login, make_county

from xueji.ground.accounts import search

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.mark.capability("C-SEC-02")
def test_a_posted_search_shows_its_rows_at_an_address_that_names_nobody(client: Client, place: Place) -> None:
    """A registrar types a name; sees the child; address, next page and history carry sealed text; others read nothing."""
    enrol(place, "a1", name="苏晴川", stage="P", number=1)
    enrol(place, "a1", name="白羽生", stage="P", number=1)
    login(client, place.user("registrar", "a1"))
    answer = client.post("/students/", {"find": "1", "q": "苏晴川", "sex": "", "view": ""})
    assert answer.status_code == 303
    where = answer["Location"]
    assert where.startswith("/students/?s=") and "q=" not in where and "%E8" not in where
    page = client.get(where).content.decode()
    assert "苏晴川" in page and "白羽生" not in page and 'value="苏晴川"' in page
    assert 'method="get"' not in page.split("xj-search")[1].split("</form>")[0]
    login(client, place.user("school_head", "a1"))
    page = client.get(where).content.decode()
    assert 'value="苏晴川"' not in page


def test_filters_that_name_nobody_stay_readable_and_paging_is_sealed(place: Place) -> None:
    found = search.address(7, {"view": "present", "grade": "11", "q": "", "after": "SQC|苏晴川|x"})
    assert "view=present" in found and "grade=11" in found and "after" not in found and "s=" not in found
    sealed = found.split("p=")[1]
    assert search.show(7, sealed) == "SQC|苏晴川|x"
    assert (
        search.show(8, sealed) == "" and search.show(7, sealed[:-3]) == "" and search.show(7, "中" * 9) == ""
    )


@pytest.mark.parametrize("path", sorted(search.PAGES))
def test_every_list_of_people_takes_its_search_by_post(client: Client, place: Place, path: str) -> None:
    login(client, place.user("registrar", "a1"))
    answer = client.post(path, {"find": "1", "q": "苏晴川", "tab": "ended"})
    assert answer.status_code == 303 and answer["Location"].startswith(f"{path}?")
    assert "苏" not in answer["Location"] and "q=" not in answer["Location"]
    assert client.get(answer["Location"]).status_code == 200
