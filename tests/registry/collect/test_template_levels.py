"""What the place does not collect has no column in the template of the import, and is not read from any other sheet."""

from __future__ import annotations

import io
from collections.abc import Iterator

import openpyxl
import pytest
from django.test import Client
from tests.helpers import Place, act_as, login, seeing_all
from tests.registry.collect.test_walk import as_, place, text
from tests.registry.intake.sheets_for_tests import body
from tests.registry.intake.test_pages import bring

from xueji.ground.standards import divisions
from xueji.registry.collect import commands
from xueji.registry.enrolment.models import Roster
from xueji.registry.intake import books, queries
from xueji.registry.people.models import PersonProfile

pytestmark = pytest.mark.django_db

__all__ = ["place"]


@pytest.fixture(autouse=True)
def demo_divisions() -> Iterator[None]:
    """The invented province 990000."""
    with divisions.demo():
        yield


def template(place: Place, school: str = "a1") -> tuple[bytes, list[str]]:
    """The template of a school, and its headings."""
    with act_as(place.user("registrar", school)) as actor:
        data = books.template(queries.import_facts(actor.org_id or 0))
    sheet = openpyxl.load_workbook(io.BytesIO(data))["学生信息"]
    return data, [str(c.value) for c in sheet[1]]


def written(data: bytes, head: list[str], place: Place, full: list[str], **typed: str) -> bytes:
    """The template with two rows, column by column as the whole form has them."""
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    sheet = workbook["学生信息"]
    for line, row in enumerate(body(2, place.org("a1").code), start=2):
        for at, heading in enumerate(head, start=1):
            name = heading.removesuffix(" *")
            sheet.cell(line, at, typed.get(name, row[full.index(name)]))
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


@pytest.mark.capability("C-COL-22", page="/import/")
@pytest.mark.capability("C-COL-05")
def test_the_template_asks_what_the_place_collects_and_no_more(place: Place, client: Client) -> None:
    """The county does not collect 独生子女 and leaves the way to school open: the school's template has no such column and
    no mark of duty; filled in it is taken; what an older sheet says about it is passed over and named, and nothing of it
    is on record. A school of another county is asked as before.
    """
    old, head = template(place)
    full = [h.removesuffix(" *") for h in head]
    assert "是否独生子女 *" in head and "上下学距离 *" in head
    county = as_(place, "county_clerk", "a")
    county.post(
        "/collect/fields/", {"stage": "P", "level_only_child": "none", "level_commute_distance": "may"}
    )
    data, narrowed = template(place)
    assert "是否独生子女 *" not in narrowed and len(narrowed) == len(head) - 1
    assert "上下学距离" in narrowed and "上下学距离 *" not in narrowed
    assert books.marks_of(data)["xueji-version"] != books.marks_of(old)["xueji-version"]
    assert template(place, "b1")[1][: len(head)] == head
    login(client, place.user("registrar", "a1"))
    assert "是否独生子女" not in client.get("/import/header.csv").content.decode("utf-8-sig")
    page = text(bring(client, written(data, narrowed, place, full, 上下学距离="")))
    assert "2 行可以导入" in page, page[:1500]
    page = text(bring(client, written(old, head, place, full)))
    assert "旧版模板" in page and "没有用到的列: 是否独生子女" in page


def test_nothing_that_is_not_collected_comes_on_record_through_a_sheet(place: Place) -> None:
    from xueji.registry.intake import commands as intake

    old, head = template(place)
    full = [h.removesuffix(" *") for h in head]
    with act_as(place.user("registrar", "a1")) as actor:
        commands.set_levels(
            actor, "P", {"only_child": "none", "member1_address": "none", "member2_phone": "none"}
        )
        batch = intake.upload(actor, written(old, head, place, full), "旧表.xlsx", inline=True)
        assert batch.counts["total"] == 2 and not batch.counts.get("error"), batch.counts
        intake.publish(actor, batch.pk, expected=2)
    with seeing_all():
        people = list(Roster.objects.filter(school_id=place.org("a1").pk).values_list("person_id", flat=True))
        kept = [p.data for p in PersonProfile.objects.filter(person_id__in=people)]
    assert len(kept) == 2 and all("only_child" not in one or one["only_child"] in (None, "") for one in kept)
