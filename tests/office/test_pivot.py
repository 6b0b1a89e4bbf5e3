"""Tables of one's own and the standard ones of a day: they agree with the head-count, are kept in the address, lead to names."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta

import openpyxl
import pypdf
import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county

from xueji.ground.accounts.actor import today
from xueji.office.statistics import pivot, queries, units
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.timeline import Step, midnight

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    place = make_county()
    for i in range(3):
        enrol(place, "a1", name=f"一年级{'甲乙丙'[i]}", sex="12"[i % 2])
    enrol(place, "a1", name="三年级甲", cohort=2024, on=date(2024, 9, 1))
    gone = enrol(place, "a2", name="休学的")
    with act_as(place.user("registrar", "a2")) as actor:
        enrolment.apply_step(actor, Step(gone, "suspend", 2, midnight(date(2026, 10, 8))))
    return place


@pytest.mark.capability("C-RPT-07", page="/statistics/tables/")
def test_the_standard_tables_give_the_counts_of_a_day_for_budgets_and_statistics(place: Place) -> None:
    """The county takes the counts of the day on which the money for each pupil is reckoned.

    Who sees: the authority by school, the school its own.
    Ends with: a table as of that day that agrees with the head-count, on paper and as a sheet, with its definition.
    """
    day = date(2026, 9, 30)
    with act_as(place.user("county_clerk", "a")) as actor:
        target = units.resolve(actor)
        for when, wanted in ((day, 5), (today(), 4), (date(2025, 12, 1), 1)):
            table = pivot.cross(actor, target, pivot.Wanted("unit", "stage", "present", when))
            assert table.total == wanted == queries.headcount(actor, target, when).total.total
        table = pivot.cross(actor, target, pivot.Wanted("unit", "stage", "present", day))
        assert {label: table.row_sum(key) for key, label in table.rows} == {
            place.org("a1").short_name: 4, place.org("a2").short_name: 1,
        }  # fmt: skip
        record = pivot.cross(actor, target, pivot.Wanted("unit", "status", "record", today()))
        assert record.total == 5
        assert [label for _k, label in record.columns] == ["在读", "休学"]
    client = login(Client(), place.user("county_clerk", "a"))
    for key, title in (
        ("budget", "经费基数表"),
        ("yearbook", "事业统计基数表"),
        ("aid", "资助基数表"),
        ("hosted", "借读统计表"),
    ):
        page = client.get(f"/statistics/tables/?table={key}&day={day}").content.decode()
        assert title in page
        assert "2026-09-30" in page
    pdf = client.get(f"/statistics/tables/file/?table=budget&day={day}&form=pdf").content
    text = re.sub(r"\s", "", "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages))
    for part in ("经费基数表", "2026-09-30", "小学", "单位（盖章）"):
        assert part in text, part


@pytest.mark.capability("C-RPT-09", page="/statistics/tables/")
def test_rows_columns_and_whom_to_count_are_chosen_and_drawn(place: Place) -> None:
    """An authority puts a table together: rows, columns, whom, the day; it sees it drawn and keeps the address.

    Who sees: whoever may see figures, for the own unit and those below.
    Ends with: a table and a chart of its own, a sheet of it, and the names behind a figure.
    """
    client = login(Client(), place.user("county_head", "a"))
    at = "/statistics/tables/?rows=cohort&columns=sex&measure=present"
    page = client.get(at).content.decode()
    assert "自定义统计表: 按入学年份和性别" in page
    assert "<svg" in page
    assert page.count('href="/statistics/names/?') >= 3
    links = re.findall(r'href="(/statistics/names/[^"]*)"', page)
    link = next(x for x in links if "cohort=2026" in x and "sex=1" in x)
    names = client.get(link.replace("&amp;", "&")).content.decode()
    assert ("一年级甲" in names, "一年级丙" in names, "一年级乙" in names) == (True, True, False)
    sheet = client.get(at.replace("tables/?", "tables/file/?form=xlsx&")).content
    cells = [c.value for row in openpyxl.load_workbook(io.BytesIO(sheet)).active.iter_rows() for c in row]
    assert 4 in cells
    for odd in (
        "rows=sex&columns=sex&measure=present",
        "rows=x&columns=y",
        "rows=unit&columns=grade&measure=z",
    ):
        assert "经费基数表" in client.get(f"/statistics/tables/?{odd}").content.decode()
    for rows in pivot.DIMENSIONS:
        for columns in pivot.DIMENSIONS:
            if rows != columns:
                url = f"/statistics/tables/?rows={rows}&columns={columns}&measure=record&day={today() - timedelta(days=1)}"
                assert client.get(url).status_code == 200


@pytest.mark.capability("C-RPT-09")
def test_rows_that_could_name_a_child_are_covered() -> None:
    cells = {("1", "a"): 3, ("1", "b"): 30, ("2", "a"): 20, ("2", "b"): 20, ("3", "a"): 60, ("3", "b"): 60}
    wanted = pivot.Wanted("unit", "stage", "present", today())
    table = pivot.Cross(
        wanted, [("1", "甲"), ("2", "乙"), ("3", "丙")], [("a", "小学"), ("b", "初中")], cells, frozenset()
    )
    assert pivot._small(table) == {"1", "2"}
    table.covered = pivot._small(table)
    text = pivot.as_text(table, title="表", about="", org_name="县")
    assert text.rows[0] == ["甲", "<5", "<5", "—"]
    assert text.rows[2] == ["丙", "60", "60", "120"]


@pytest.mark.parametrize(
    ("role", "where", "status"), [("class_teacher", "a1", 403), ("system_admin", "province", 403)]
)
def test_tables_are_closed_to_roles_without_figures(place: Place, role: str, where: str, status: int) -> None:
    client = login(Client(), place.user(role, where))
    assert client.get("/statistics/tables/").status_code == status
    assert client.get("/statistics/tables/file/?form=pdf").status_code == status
