"""The pages of comparisons and distributions, walked by a county's clerk and a school's registrar."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import login, make_county, seeing_all

from xueji.registry.population import commands
from xueji.registry.population.models import Distribution
from xueji.registry.population.register import Simulator

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-DUP-06")
@pytest.mark.capability("C-NUM-06")
def test_from_the_comparison_to_the_schools_list_of_formal_numbers(client: Client, settings: Any) -> None:
    """A county's clerk compares all records, makes problem records of mismatches and distributes formal numbers.
    Batches, progress, results and lists stand on pages of the menu.
    It ends with the school's own list, on the page and as a sheet."""
    settings.POPULATION = "simulator"
    place = make_county()
    for word in "甲乙丙":
        enrol(place, "a1", name=f"冯{word}")
    enrol(place, "a2", name="冯丁")
    login(client, place.user("county_clerk", "a"))
    assert "比对未核验的学生" in client.get("/population/").content.decode()
    client.post("/population/begin/")
    assert commands.work_part(Simulator(mismatch=0.0, unknown=0.0))
    assert "已完成" in client.get("/population/batches/").content.decode()
    assert "一致" in client.get("/population/?tab=passed").content.decode()
    client.post("/distributions/start/")
    with seeing_all():
        row = Distribution.objects.get()
    while commands.work_off(row.pk):
        pass
    page = client.get(f"/distributions/{row.pk}/").content.decode()
    assert "青禾县东乡小学" in page
    assert row.number in client.get("/distributions/").content.decode()
    school = login(Client(), place.user("registrar", "a1"))
    page = school.get(f"/distributions/{row.pk}/").content.decode()
    assert page.count("下发 G 字头正式学籍号") == 3
    assert "青禾县东乡小学" not in page
    answer = school.get(f"/distributions/{row.pk}/sheet/")
    assert answer["Content-Type"].endswith("sheet")
    assert login(Client(), place.user("class_teacher", "a1")).get("/population/").status_code == 403
