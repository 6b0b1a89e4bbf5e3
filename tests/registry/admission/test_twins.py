"""A candidate entered by hand is looked up in the whole register before anything is written."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from tests.children import enrol, id_number
from tests.helpers import act_as, login, make_county, seeing_all
from tests.registry.admission.world import BORN, YEAR, plan

from xueji.registry.admission import commands
from xueji.registry.admission.errors import LooksAlike
from xueji.registry.admission.models import Applicant

pytestmark = pytest.mark.django_db
WHY = "两户的户口簿都已核对, 是两个孩子"


@pytest.mark.capability("C-DUP-02")
def test_a_candidate_who_looks_like_a_recorded_child_is_entered_with_a_reason_or_not(client: Client) -> None:
    """A registrar admits a child of the area by hand; two records look like it.
    The page names the own school's, of the other only the school; what was typed stays; a field asks for the reason.
    With it the candidate is on the list, and the authority reads the reason with the list."""
    place = make_county()
    plan(place)
    near = date(BORN.year, BORN.month, BORN.day + 10)
    enrol(place, "a1", name="陈丽华", sex="2", birth=near)
    enrol(place, "b1", name="陳麗華", sex="2", birth=BORN)
    login(client, place.user("registrar", "a1"))
    typed = {
        "how": "one", "stage": "P", "year": str(YEAR), "origin": "self", "name": "陈丽华", "sex": "2",
        "birth_date": BORN.isoformat(), "member1_name": "陈大山", "area": "东湖社区",
    }  # fmt: skip
    answer = client.post("/admission/candidates/new/", typed)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert f"陈丽华({near} 出生): 姓名相同, 出生日期差一位" in page
    assert "临川县九年制学校的一名学生: 姓名、性别、出生日期相同或相近" in page
    assert "陳麗華" not in page
    assert 'name="apart"' in page and 'value="陈大山"' in page and 'value="东湖社区"' in page
    assert page.count('value="2" selected') == 1 and 'value="self" selected' in page
    with seeing_all():
        assert not Applicant.objects.exists()
    answer = client.post("/admission/candidates/new/", typed | {"apart": WHY})
    assert answer.status_code == 303
    with seeing_all():
        assert Applicant.objects.get().apart == WHY
    assert WHY in client.get(answer["Location"]).content.decode()


def test_the_own_record_that_a_number_leads_to_is_no_suspicion() -> None:
    place = make_county()
    plan(place)
    number = id_number(BORN, "2")
    enrol(place, "b1", name="陈丽华", sex="2", birth=BORN)
    cells = {"name": "陈丽华", "id_number": number}
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(LooksAlike):
            commands.enter_one(actor, cells, stage="P", year=YEAR)
        found = commands.enter_one(actor, {"name": "周不同", "id_number": number}, stage="P", year=YEAR)
    assert found.apart == ""
