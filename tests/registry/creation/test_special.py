"""Special ways of going to school are a type of their own, shown in lists and counted."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import act_as, login, make_county, seeing_all
from tests.registry.changes.business.journey import be_guest

from xueji.registry.creation import commands
from xueji.registry.creation.errors import CreationError
from xueji.registry.creation.models import SpecialRecord

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.mark.capability("C-NUM-17", page="/creation/special/")
def test_a_pupil_taught_at_home_is_entered_by_the_school_shown_in_the_list_and_counted(
    client: Client,
) -> None:
    """A registrar finds a pupil by name and enters 送教上门 with the ground; the list of pupils shows the type.
    The county sees how many pupils of each type its schools have, guests with their temporary record among them.
    The school ends it with a reason; the record keeps both.
    """
    place = make_county()
    child = enrol(place, name="宋教门", sex="2")
    guest = enrol(place, name="借读生", number=2)
    be_guest(place, guest, "c1")
    registrar = login(client, place.user("registrar", "a1"))
    found = text(registrar.post("/creation/special/", {"name": "宋教"}))
    assert "宋教门 一年级(1)班" in found
    form = {
        "person": str(child),
        "mode": "home",
        "since": timezone.localdate().isoformat(),
        "basis": "重度残疾评估意见",
    }
    assert "已登记" in text(registrar.post("/creation/special/", form, follow=True))
    assert "已经登记为这种就读方式" in text(registrar.post("/creation/special/", form, follow=True))
    assert "送教上门" in text(registrar.get("/students/"))
    assert "送教上门" in text(registrar.get(f"/students/{child}/"))
    county = text(login(Client(), place.user("county_clerk", "a")).get("/creation/special/"))
    assert re.search(r"送教上门 1 0 1 1", county), county[:2500]
    host = text(login(Client(), place.user("registrar", "c1")).get("/creation/special/?mode=guest"))
    assert "借读生" in host
    assert "宋教门" not in host
    book = registrar.get("/creation/special/list.xlsx")
    assert book["Content-Disposition"].startswith("attachment")
    with seeing_all():
        one = SpecialRecord.objects.get()
    assert "已结束" in text(
        registrar.post(f"/creation/special/{one.pk}/end/", {"why": "已到校就读"}, follow=True)
    )
    assert "送教上门" not in text(registrar.get("/students/"))
    with act_as(place.user("registrar", "c1")) as actor, pytest.raises(CreationError):
        commands.end_mode(actor, one.pk, why="不是本校的")
    assert (
        registrar.post(
            "/creation/special/", form | {"person": str(guest), "basis": ""}, follow=True
        ).status_code
        == 200
    )
