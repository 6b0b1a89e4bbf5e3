"""学籍卡 and 学生登记表: the record of a class on paper."""

from __future__ import annotations

import io
import re
import uuid

import pypdf
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.office.certificates import record_cards

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def pages(data: bytes) -> list[str]:
    return [re.sub(r"\s", "", p.extract_text()) for p in pypdf.PdfReader(io.BytesIO(data)).pages]


@pytest.mark.capability("C-CER-08", page="/classes/{class}/record-cards.pdf")
def test_a_class_teacher_prints_the_record_cards_of_the_class(place: Place) -> None:
    """The class teacher opens the class and prints the 学籍卡 of all of its pupils.

    Who sees: the class teacher, the registrar and the head.
    Ends with: two sides for each pupil, filled in, numbers covered, with room for every term of the stage.
    """
    for name in ("安然", "白露"):
        enrol(place, "a1", name=name)
    client = login(Client(), place.user("class_teacher", "a1"))
    klass = place.klass("a1").pk
    at = f"/classes/{klass}/record-cards.pdf"
    page = client.get(f"/classes/{klass}/").content.decode()
    assert at in page
    assert f"{at}?form=sheet" in page
    found = pages(client.get(at).content)
    assert len(found) == 4
    front, back = found[0], found[1]
    for part in (
        "义务教育学籍卡",
        "安然",
        "青禾县第一小学",
        "一年级",
        "监护人",
        "学籍变动记载",
        "2026-09-01",
        "照片",
        "毕业去向",
    ):
        assert part in front, part
    assert "**" in front
    for part in ("2026-2027", "2031-2032", "语文", "应到", "评语和班主任签字"):
        assert part in back, part
    with act_as(place.user("registrar", "a1")), acting("audit"):
        entry = AuditEntry.objects.get(action="record_card.print")
    assert entry.row_count == 2


@pytest.mark.capability("C-CER-08")
def test_the_registration_sheet_of_one_child_has_the_signatures(place: Place) -> None:
    child = enrol(place, "a1", name="安然")
    enrol(place, "a1", name="白露")
    client = login(Client(), place.user("registrar", "a1"))
    at = f"/classes/{place.klass('a1').pk}/record-cards.pdf?form=sheet"
    (sheet,) = pages(client.get(f"{at}&person={child}").content)
    for part in ("学生登记表", "安然", "学生（签字）", "家长（签字）", "班主任（签字", "学校主管领导"):
        assert part in sheet, part
    assert len(pages(client.get(at).content)) == 2
    assert client.get(f"{at}&person=nonsense").status_code == 404
    assert client.get(f"{at}&person={uuid.uuid4()}").status_code == 302


@pytest.mark.capability("C-CER-08")
def test_more_pupils_cost_no_more_queries(place: Place) -> None:
    def cost() -> int:
        with (
            act_as(place.user("registrar", "a1")) as actor,
            CaptureQueriesContext(
                connection,
            ) as seen,
        ):
            record_cards.as_pdf(actor, place.klass("a1").pk, "card")
        return len(seen)

    enrol(place, "a1", name="安然")
    first = cost()
    for name in ("白露", "曹植语", "丁一"):
        enrol(place, "a1", name=name)
    assert cost() == first


@pytest.mark.parametrize(
    ("role", "where", "status"),
    [
        ("teacher", "a1", 403),
        ("county_clerk", "a", 403),
        ("registrar", "c1", 404),
        ("class_teacher", "c1", 404),
    ],
)
def test_cards_of_a_class_are_for_its_school_alone(place: Place, role: str, where: str, status: int) -> None:
    enrol(place, "a1")
    client = login(Client(), place.user(role, where))
    assert client.get(f"/classes/{place.klass('a1').pk}/record-cards.pdf").status_code == status
