"""招生辖区: what a school serves, asked for and set, and whoever lives outside it is flagged."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.admission.world import HEAD, YEAR, sheet
from tests.registry.changes.world import make_child, transfer_draft

from xueji.registry.admission import commands
from xueji.registry.admission.errors import AdmissionError
from xueji.registry.admission.models import Applicant, Area
from xueji.registry.changes import commands as cases
from xueji.registry.changes.models import Case

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def as_(place: Place, role: str, where: str) -> Client:
    return login(Client(), place.user(role, where))


def bring(place: Place, school: str, text: str) -> dict[str, Applicant]:
    with act_as(place.user("registrar", school)) as actor:
        commands.enter_sheet(actor, data=b"", file_name="", text=text, stage="P", year=YEAR, origin="area")
    with seeing_all():
        return {a.name: a for a in Applicant.objects.filter(school_id=place.org(school).pk)}


@pytest.mark.capability("C-ORG-09", page="/admission/areas/{id}/")
def test_who_lives_outside_the_area_is_flagged_at_admission_and_at_a_transfer(place: Place) -> None:
    """The head asks for a community, the county clerk finds it waiting and agrees; another he sets himself.

    Of the candidates the one from elsewhere is flagged, and the one whose register and home are apart; a transfer from
    outside is flagged for whoever decides, and is not stopped by it.
    """
    head, county = as_(place, "school_head", "b1"), as_(place, "county_clerk", "b")
    url = f"/admission/areas/{place.org('b1').pk}/"
    county.post(url, {"name": "东湖社区"})
    asked = head.post(
        "/admission/plans/",
        {"do": "area", "year": YEAR, "stage": "P", "name": "南岭村", "note": "撤并"},
        follow=True,
    )
    assert "已申请把“南岭村”列入服务范围" in text_of(asked) and "南岭村 (申请中)" in text_of(asked)
    assert "服务范围申请待答复" in text_of(county.get("/"))
    lines = sheet(2).splitlines()
    lines[1] = lines[1].replace("东湖社区", "南岭村")
    first, second = bring(place, "b1", "\n".join(lines)).values()
    outside = first if first.area == "南岭村" else second
    inside = second if outside is first else first
    assert inside.verdict == "pass" and outside.verdict == "warn", "what is only asked for does not count yet"
    assert "不在本校服务范围内(东湖社区)" in outside.findings[-1]["sentence"]

    with seeing_all():
        area = Area.objects.get(name="南岭村")
    assert "学校申请列入" in text_of(county.get(url))
    assert "已加入服务范围: 南岭村" in text_of(county.post(url, {"agree": area.pk}, follow=True))
    assert "服务范围申请待答复" not in text_of(county.get("/"))
    registrar = as_(place, "registrar", "b1")
    with act_as(place.user("registrar", "b1")) as actor:
        commands.examine_again(actor, year=YEAR, stage="P")
    with seeing_all():
        assert Applicant.objects.get(pk=outside.pk).verdict == "pass"

    child = make_child(place)
    case = transfer_draft(place, child, to="b1", hukou_area="西山镇上村", home_area="西山镇下村")
    page = text_of(registrar.get(f"/cases/{case.pk}/"))
    assert "现住地“西山镇下村”不在本校服务范围内(东湖社区、南岭村), 请核对" in page
    assert "户籍地“西山镇上村”与现住地“西山镇下村”不一致" in page
    with act_as(place.user("registrar", "b1")) as actor:
        cases.save_draft(
            actor,
            case_id=case.pk,
            form=Case.objects.get(pk=case.pk).form | {"hukou_area": "东湖社区", "home_area": "东湖社区"},
        )
    again = text_of(registrar.get(f"/cases/{case.pk}/"))
    assert "现住地“东湖社区”在本校服务范围内" in again and "不一致, 请核对" not in again
    with act_as(place.user("registrar", "b1")) as actor:
        assert cases.submit(actor, case_id=case.pk).number
    decider = as_(place, "school_head", "b1").get(f"/cases/{case.pk}/")
    assert "现住街道、村或社区" in text_of(decider)


def test_register_and_home_apart_are_flagged_where_no_rule_speaks_of_them(place: Place) -> None:
    row = sheet(1).splitlines()[1].split("\t")
    row[7], row[8] = "否", "否"
    (one,) = bring(place, "b1", f"{HEAD}\n" + "\t".join(row)).values()
    said = " ".join(f["sentence"] for f in one.findings)
    assert one.verdict == "warn"
    assert "学生与监护人的户口不一致" in said and "户口所在地与常住地不一致" in said


def test_only_the_authority_in_charge_agrees_and_only_the_head_asks(place: Place) -> None:
    with act_as(place.user("school_head", "b1")) as actor:
        area = commands.ask_area(actor, name="南岭村")
        with pytest.raises(AdmissionError, match="正等待答复"):
            commands.ask_area(actor, name="南岭村")
    post = {"do": "area", "year": YEAR, "stage": "P", "name": "北关"}
    assert as_(place, "registrar", "b1").post("/admission/plans/", post).status_code == 403
    url = f"/admission/areas/{place.org('b1').pk}/"
    for role, where, code in (
        ("school_head", "b1", 403),
        ("county_clerk", "a", 404),
        ("city_clerk", "city1", 403),
    ):
        assert as_(place, role, where).post(url, {"agree": area.pk}).status_code == code, role
    county = as_(place, "county_clerk", "b")
    assert county.post(url, {"drop": area.pk}).status_code == 303, "not agreed"
    assert county.post(url, {"agree": area.pk}).status_code == 404
