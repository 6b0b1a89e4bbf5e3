"""The form of corrections of a school and term; senior schools' corrections go up level by level."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import FOUR, attach, correction_draft, make_child, pass_all, send

from xueji.ground.sheets.read import open_sheet
from xueji.registry.changes import commands as cases
from xueji.registry.changes import corrections
from xueji.registry.changes.models import CaseStatus, CaseStep
from xueji.registry.people.models import Person

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def senior_change(place: Place, **form: Any) -> Any:
    child = enrol(place, "c1", stage="S", cohort=2026, birth=date(2010, 5, 4), name="高中生")
    with act_as(place.user("registrar", "c1")) as actor:
        case = cases.start(actor, business="correct_key", person_id=child)
        cases.save_draft(actor, case_id=case.pk, form={"reason": "户口簿更正", "new_name": "高中声"} | form)
    attach(place, case, "关键信息变更证明", by=("registrar", "c1"))
    return send(place, case, ("registrar", "c1"))


@pytest.mark.capability("C-INF-01", page="/cases/corrections/")
def test_the_corrections_of_a_term_stand_on_one_form(client: Client) -> None:
    """A registrar opens the form of this term: every correction with before and after, the article and who decided.
    She prints it and takes the workbook for the file. The county sees the corrections that it decides.
    """
    place = make_county()
    child = make_child(place)
    done = pass_all(
        place, send(place, correction_draft(place, child, new_name="赵晓满"), ("registrar", "a1")), FOUR
    )
    assert done.status == CaseStatus.DONE
    other = make_child(place, name="钱小丰")
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="correct", person_id=other)
        form = {
            "initiator": "家长",
            "reason": "搬家",
            "changes": {"postcode": "099001"},
            "secret": {"phone": "13900001234"},
        }
        cases.save_draft(actor, case_id=case.pk, form=form)
    send(place, case, ("registrar", "a1"))
    registrar = login(client, place.user("registrar", "a1"))
    page = registrar.get("/cases/corrections/")
    seen = text(page)
    assert "姓名: 赵小满 → 赵晓满" in seen, seen[:3000]
    assert "《" in seen
    assert "已办结" in seen
    assert "办理中: 待学校负责人" in seen
    assert "邮政编码" in seen
    assert "13900001234" not in page.content.decode()
    book = registrar.get("/cases/corrections/file/?form=xlsx")
    cells = [str(c) for row in open_sheet(book.content).rows() for c in row.cells if c]
    assert "赵晓满" in cells
    assert not any("13900001234" in c for c in cells)
    paper = registrar.get("/cases/corrections/file/?form=pdf")
    assert paper.content.startswith(b"%PDF")
    earlier = corrections.terms(date(2026, 11, 22))[1]
    assert earlier.key == "2025-2"
    assert "这个学期没有信息更正" in text(registrar.get(f"/cases/corrections/?term={earlier.key}"))
    county = text(login(Client(), place.user("county_clerk", "a")).get("/cases/corrections/"))
    assert "赵晓满" in county
    assert "青禾县第一小学" in county
    assert "赵晓满" not in text(login(Client(), place.user("registrar", "b1")).get("/cases/corrections/"))
    assert login(Client(), place.user("class_teacher", "a1")).get("/cases/corrections/").status_code == 403


@pytest.mark.capability("C-INF-03")
def test_the_form_says_of_every_field_who_changes_it(client: Client) -> None:
    place = make_county()
    child = make_child(place)
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="correct", person_id=child)
    page = login(client, place.user("registrar", "a1")).get(f"/cases/{case.pk}/").content.decode()

    def said(key: str) -> str:
        at = page.index(f'id="id_to_{key}"')
        found = re.search(r"由学校直接改|需主管部门核准", page[at:])
        assert found
        return found[0]

    assert said("ethnicity") == "需主管部门核准"
    assert said("postcode") == "由学校直接改"


@pytest.mark.capability("C-INF-09", page="/cases/corrections/")
def test_a_senior_pupils_correction_is_reviewed_by_county_city_and_province(client: Client) -> None:
    """A senior school sends a correction; county, city and province review it in turn, each on its own page.
    The name changes after the last of them. Each level has the list of what it decided.
    """
    place = make_county()
    case = senior_change(place)
    assert case.person_id is not None
    with seeing_all():
        steps = CaseStep.objects.filter(case=case).order_by("seq").values_list("role", flat=True)
        assert list(steps) == [
            "registrar", "school_head", "county_clerk", "county_head", "city_clerk", "province_clerk",
        ]  # fmt: skip
    case = pass_all(
        place,
        case,
        (("school_head", "c1"), ("county_clerk", "c"), ("county_head", "c"), ("city_clerk", "city2")),
    )
    assert case.status == CaseStatus.RUNNING
    city = text(login(client, place.user("city_clerk", "city2")).get("/cases/corrections/?stage=S"))
    assert "高中生 → 高中声" in city, city[:2500]
    assert "待省级审核" in city
    with seeing_all():
        assert Person.objects.get(pk=case.person_id).name == "高中生"
    case = pass_all(place, case, (("province_clerk", "province"),))
    assert case.status == CaseStatus.DONE
    with seeing_all():
        assert Person.objects.get(pk=case.person_id).name == "高中声"
    province = text(
        login(Client(), place.user("province_clerk", "province")).get("/cases/corrections/?stage=S")
    )
    assert "已办结" in province
