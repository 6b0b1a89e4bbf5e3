"""A takeover takes up what the place collects, and tells what it demands and the export does not have."""

from __future__ import annotations

import io

import openpyxl
import pytest
from django.test import Client
from tests.helpers import act_as, login, make_county, seeing_all
from tests.registry.takeover import sheets
from tests.registry.takeover.test_takeover import balance, person_of, send, text

from xueji.registry.collect import commands as collect
from xueji.registry.people.models import PersonProfile
from xueji.registry.takeover import commands
from xueji.registry.takeover.models import Takeover

pytestmark = pytest.mark.django_db

HEAD = (*sheets.ROSTER, "状态日期", "就读方式", "是否独生子女", "政治面貌")


@pytest.mark.capability("C-COL-22")
def test_an_export_brings_no_more_than_the_place_collects(client: Client) -> None:
    """The county does not collect 独生子女 and demands 政治面貌. The export of the official system has both columns: the first
    is passed over and named, a blank in the second is told and keeps nobody out; who has left is asked for nothing more.
    They end with the children on record, without what is not collected; the template follows.
    """
    place = make_county()
    registrar = login(client, place.user("registrar", "a1"))
    data = registrar.get("/takeover/template.xlsx").content
    before = [str(c.value) for c in openpyxl.load_workbook(io.BytesIO(data)).worksheets[0][1]]
    with act_as(place.user("county_clerk", "a")) as actor:
        collect.set_levels(
            actor, "P", {"only_child": "none", "political_status": "must", "attendance_mode": "none"}
        )
    login(registrar, place.user("registrar", "a1"))
    data = registrar.get("/takeover/template.xlsx").content
    after = [str(c.value) for c in openpyxl.load_workbook(io.BytesIO(data)).worksheets[0][1]]
    assert set(before) - set(after) == {"就读方式"} and set(after) < set(before)
    rows = [
        sheets.child(1, 姓名="方雨桐", 就读方式="走读", 是否独生子女="是", 政治面貌="群众"),
        sheets.child(2, 姓名="程远航", 就读方式="走读", 是否独生子女="否"),
        sheets.child(
            3,
            姓名="何思齐",
            status="毕业",
            cohort=2019,
            年级="",
            班级="",
            状态日期="20250710",
            是否独生子女="是",
        ),
    ]
    page = text(send(registrar, sheets.roster(rows, HEAD)))
    assert "3 人可以接管" in page and "0 人有问题" in page, page[:2000]
    assert "本地不采集, 没有采用的列: 就读方式、是否独生子女" in page
    assert "支持 JPG" not in page
    assert "本地要求填写、名册里没有的项目" in page and "是否留守儿童" in page
    with seeing_all():
        found = Takeover.objects.get()
    page = text(registrar.get(f"/takeover/{found.pk}/?show=new"))
    assert page.count("本地要求填写, 表格里空着, 接管后请补齐") == 1
    choices = {name for sheet in commands.ask_columns(found) for _key, name in sheet["choices"]}
    assert "政治面貌" in choices and "是否独生子女" not in choices
    with act_as(place.user("registrar", "a1")) as actor:
        commands.set_totals(actor, found.pk, balance(found))
        commands.publish(actor, found.pk, expected=3)
    with seeing_all():
        kept = PersonProfile.objects.get(person_id=person_of("方雨桐").pk).data
    assert kept.get("political_status") and not kept.get("only_child") and not kept.get("attendance_mode")
