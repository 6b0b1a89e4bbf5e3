"""班级概况: the class in numbers for its teachers.

The class teacher's journey: opens the class, chooses 班级概况, sees how many boys, girls, boarders and children of which
household there are, straight from the register; what the role may not see of a single pupil is not counted either, and said.
"""

from __future__ import annotations

import re

import pytest
from django.db import transaction
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.people.commands import set_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def url(place: Place, school: str = "a1") -> str:
    return f"/classes/{place.klass(school).pk}/profile/"


@pytest.mark.capability("C-QRY-05", page="/classes/<id>/profile/")
def test_a_class_teacher_reads_the_class_in_numbers_from_the_register(place: Place) -> None:
    for n, name in enumerate(("苏晴川", "白羽生", "方雨桐")):
        person = enrol(place, name=name, sex="12"[n % 2])
        with act_as(place.user("registrar", "a1")) as actor:
            set_profile(actor, person, {"attendance_mode": "1" if n else "2", "only_child": "1"})
    teacher = login(Client(), place.user("class_teacher", "a1"))
    assert url(place) in teacher.get(f"/classes/{place.klass('a1').pk}/").content.decode()
    page = teacher.get(url(place)).content.decode()
    assert re.search(r"<td>汉族?</td><td[^>]*>3</td>", page), "kept with the person, not in the profile"
    for words in ("性别", "年龄", "就读方式", "67%", "学籍状态"):
        assert words in page
    assert "苏晴川" not in page, "numbers, no names"
    assert "独生子女" not in page
    assert "资助与困难情况不在您的权限内" in page, "what is withheld is named"
    office = login(Client(), place.user("registrar", "a1")).get(url(place)).content.decode()
    assert "独生子女" in office
    with transaction.atomic(), acting("audit"):
        noted = AuditEntry.objects.filter(action="class.profile").order_by("pk").first()
    assert noted is not None
    assert (noted.row_count, len(noted.person_ids or [])) == (3, 3)


@pytest.mark.parametrize("who", [("class_teacher", "b1"), ("registrar", "a2"), ("county_clerk", "c")])
def test_other_classes_are_not_found(place: Place, who: tuple[str, str]) -> None:
    assert login(Client(), place.user(*who)).get(url(place)).status_code == 404


def test_families_have_no_such_page(place: Place) -> None:
    assert login(Client(), place.user("parent")).get(url(place)).status_code in (403, 404)


def test_the_number_of_statements_does_not_grow_with_the_class(place: Place) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = login(Client(), place.user("class_teacher", "a1"))

    def asked() -> int:
        with CaptureQueriesContext(connection) as held:
            client.get(url(place))
        return len(held)

    enrol(place, name="苏晴川")
    asked()
    before = asked()
    enrol(place, name="白羽生")
    enrol(place, name="方雨桐")
    assert asked() == before
