"""Who registers for examinations: by the record, not by the desk."""

from __future__ import annotations

import io

import openpyxl
import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import act_as, login, make_county
from tests.registry.changes.business.test_guest import borrowed, make_child

from xueji.office.certificates import exams

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-BOR-04", page="/classes/")
def test_guests_register_where_their_record_is_and_not_at_the_host() -> None:
    place = make_county()
    child = make_child(place)
    enrol(place, "b1", name="本校生")
    borrowed(place, child)
    with act_as(place.user("registrar", "b1")) as actor:
        host = exams.gather(actor, place.klass("b1").pk)
        assert [r[2] for r in host.rows] == ["本校生"]
        assert (host.away, host.hosted) == (0, 1)
    with act_as(place.user("registrar", "a1")) as actor:
        own = exams.gather(actor, place.klass("a1").pk)
        line = next(r for r in own.rows if r[2] == "赵小满")
        assert place.org("b1").name in line[8]
        assert own.away == 1


def test_the_list_is_reached_from_the_class_and_masked(client: Client) -> None:
    place = make_county()
    enrol(place, "a1", name="周一一")
    enrol(place, "a1", name="周二二", number=2)
    enrol(place, "a1", name="周高年级", cohort=2024)
    klass = place.klass("a1").pk
    who = login(client, place.user("registrar", "a1"))
    page = who.get(f"/classes/{klass}/").content.decode()
    for form in ("pdf", "xlsx"):
        assert f"/classes/{klass}/exam-list.{form}" in page
    assert who.get(f"/classes/{klass}/exam-list.pdf").content[:4] == b"%PDF"
    sheet = openpyxl.load_workbook(io.BytesIO(who.get(f"/classes/{klass}/exam-list.xlsx").content)).active
    assert sheet is not None
    flat = [str(c.value) for row in sheet.iter_rows() for c in row if c.value]
    assert {"周一一", "周二二"} <= set(flat)
    assert "周高年级" not in flat
    assert any("*" in x for x in flat)
    teacher = login(Client(), place.user("class_teacher", "a1"))
    assert teacher.get(f"/classes/{klass}/exam-list.pdf").status_code == 403
    other = login(Client(), place.user("registrar", "a2"))
    assert other.get(f"/classes/{klass}/exam-list.pdf").status_code == 404
