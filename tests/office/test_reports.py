"""Reports on the roster: four tables of new records, special groups, problem records; figures lead to their names."""

from __future__ import annotations

import io
import json
import re
import uuid
from datetime import date, timedelta

import openpyxl
import pypdf
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts.actor import today
from xueji.ground.audit.models import AuditEntry
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.office.statistics import handling, lists, queries, reports, units
from xueji.registry.people import places
from xueji.registry.problems.models import Problem, Side

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def words(data: bytes) -> str:
    return re.sub(r"\s", "", "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(data)).pages))


def tell(person: uuid.UUID, *, division: str = "", **data: str) -> None:
    """Put fields into a profile as if collected."""
    with seeing_all(), acting("writer"), connection.cursor() as c:
        sealed = (
            vault.seal(json.dumps({"household_division": division}), places.profile(person))
            if division
            else None
        )
        c.execute(
            "insert into person_profile (person_id, data, sealed, withheld, guarded, readers, klasses)"
            " select person_id, %s::jsonb, %s, '{}', false, readers, klasses from person where person_id = %s"
            " on conflict (person_id) do update set data = excluded.data, sealed = excluded.sealed",
            [json.dumps(data), sealed, person],
        )


@pytest.mark.capability("C-RPT-04", page="/statistics/reports/")
def test_the_four_tables_of_new_records_are_made_for_school_and_town(place: Place) -> None:
    """The school prints the four tables of its new records, the town's office those of all of its schools.

    Who sees: the registrar, the clerk of the central school, the county.
    Ends with: the table of new records with every figure leading to its names, and three lists on paper and as sheets.
    """
    new = enrol(place, "a2", name="新来的")
    enrol(place, "a2", name="本地的", sex="2")
    enrol(place, "a2", name="老生", cohort=2024, on=date(2024, 9, 1))
    tell(new, division="990201")
    for who in (("registrar", "a2"), ("central_clerk", "central"), ("county_clerk", "a")):
        client = login(Client(), place.user(*who))
        org = place.org("a2").pk
        page = client.get(f"/statistics/reports/?report=new&org={org}").content.decode()
        assert "新生建籍情况统计表" in page
        assert all(str(title) in page for title in lists.TITLES.values())
        with act_as(place.user(*who)) as actor:
            table = reports.count(actor, reports.NEW, units.resolve(actor, org))
        assert (table.total.cells["total"], table.total.cells["men"], table.total.cells["women"]) == (2, 1, 1)
        assert sum(table.total.cells[k] for k in ("formal", "nonumber", "temporary", "without")) == 2
        link = re.search(r'href="(/statistics/reports/names/[^"]*column=total[^"]*)"', page)
        assert link is not None
        found = client.get(link[1].replace("&amp;", "&")).content.decode()
        assert "新来的" in found
        assert "老生" not in found
        text = words(client.get(f"/statistics/reports/file/?report=new&org={org}&form=pdf").content)
        assert "新生建籍情况统计表" in text
        added = words(client.get(f"/statistics/reports/list/?key=added&org={org}&form=pdf").content)
        assert "新增注册学籍学生名单" in added
        assert "新来的" in added
        assert "老生" not in added
        foreign = client.get(f"/statistics/reports/list/?key=foreign&org={org}&form=xlsx")
        cells = {
            str(c.value)
            for row in openpyxl.load_workbook(io.BytesIO(foreign.content)).active.iter_rows()
            for c in row
        }
        assert "新来的" in cells
        assert "户口所在地未登记" in cells
        outside = client.get(f"/statistics/reports/list/?key=outside&org={org}&form=pdf")
        assert "外出注册学籍学生名单" in words(outside.content)
    with act_as(place.user("registrar", "a2")) as actor, acting("audit"):
        entry = AuditEntry.objects.filter(
            action="statistics.export", after__table="新增注册学籍学生名单"
        ).first()
    assert entry is not None
    assert entry.row_count == 2


@pytest.mark.capability("C-RPT-04")
def test_a_household_of_the_county_is_not_foreign_and_numbers_stay_covered(place: Place) -> None:
    near, far = enrol(place, "a1", name="近处"), enrol(place, "a1", name="远处")
    tell(near, division="990101")
    tell(far, division="990202")
    with act_as(place.user("registrar", "a1")) as actor:
        found = lists.gather(actor, "foreign", units.resolve(actor))
    assert [x.name for x in found] == ["远处"]
    assert "*" in found[0].number or found[0].number == ""


@pytest.mark.parametrize(("home", "household"), [("990110", "990111"), ("990100", "990001")])
def test_a_household_of_the_next_county_is_foreign_though_its_code_begins_alike(
    place: Place, home: str, household: str
) -> None:
    child = enrol(place, "a1", name="邻县")
    tell(child, division=household)
    with seeing_all():
        Org.objects.filter(pk=place.org("a").pk).update(division=home)
    with act_as(place.user("registrar", "a1")) as actor:
        assert [x.name for x in lists.gather(actor, "foreign", units.resolve(actor))] == ["邻县"]
        tell(child, division=home)
        assert lists.gather(actor, "foreign", units.resolve(actor)) == []


def test_a_list_that_would_not_be_whole_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("甲", "乙"):
        enrol(place, "a1", name=name)
    monkeypatch.setattr(lists, "OPENED", 1)
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(ValueError, match="按学校"):
        lists.gather(actor, "foreign", units.resolve(actor))


@pytest.mark.capability("C-RPT-08", page="/statistics/reports/")
def test_special_groups_are_counted_by_unit_and_lead_to_as_many_names(place: Place) -> None:
    """The county looks how many children are left behind, come with migrant workers, are orphans or ask for aid.

    Who sees: the authority by school, the school by grade.
    Ends with: a table explained column by column, each figure leading to that many names.
    """
    one, two, three = (enrol(place, "a1", name=n) for n in ("甲一", "甲二", "甲三"))
    tell(one, left_behind="1", aid_requested="1")
    tell(two, left_behind="2", migrant_child="1", migrant_worker_child="1")
    tell(three, left_behind="0", orphan="1")
    county = login(Client(), place.user("county_clerk", "a"))
    page = county.get("/statistics/reports/?report=special").content.decode()
    assert "口径说明" in page
    with act_as(place.user("county_clerk", "a")) as actor:
        target = units.resolve(actor)
        table = reports.count(actor, reports.SPECIAL, target)
        row = next(r for r in table.rows if r.key == str(place.org("a1").pk))
        wanted = {
            "total": 3,
            "left": 2,
            "migrant": 1,
            "worker": 1,
            "orphan": 1,
            "aid": 1,
            "rural": 0,
            "subsidy": 0,
        }
        assert {k: row.cells[k] for k in wanted} == wanted
        for column in reports.SPECIAL.columns:
            listed, more = reports.names(actor, reports.SPECIAL, target, column.key)
            assert (len(listed), more) == (table.total.cells[column.key], "")
    school = login(Client(), place.user("registrar", "a1"))
    assert "一年级" in school.get("/statistics/reports/?report=special").content.decode()
    with act_as(place.user("county_clerk", "b")) as actor:
        assert reports.count(actor, reports.SPECIAL, units.resolve(actor)).total.cells["total"] == 0


@pytest.mark.capability("C-RPT-08")
def test_rows_that_could_name_a_child_are_covered_for_readers_without_names() -> None:
    rows = [
        reports.Line("1", "甲", {"total": 40, "left": 2}),
        reports.Line("2", "乙", {"total": 60, "left": 20}),
        reports.Line("3", "丙", {"total": 90, "left": 30}),
    ]
    total = reports.Line("", "合计", {"total": 190, "left": 52})
    reports._cover(rows, total)
    assert [r.hidden for r in [*rows, total]] == [True, True, False, False]


@pytest.mark.parametrize(
    ("rows", "hidden", "sums"),
    [
        ([(40, 20), (60, 20)], set(), False),
        ([(40, 2), (60, 0), (70, 9), (90, 30)], {0, 1, 2}, False),
        ([(40, 2), (0, 0), (60, 9)], {0, 2}, False),
        ([(40, 2), (60, 0)], {0, 1}, True),
        ([(3, 3)], {0}, True),
        ([], set(), False),
    ],
)
def test_what_is_covered_cannot_be_worked_out_from_the_sums(
    rows: list[tuple[int, int]], hidden: set[int], sums: bool
) -> None:
    assert queries.covered(rows) == (hidden, sums)


@pytest.mark.capability("C-RPT-10", page="/statistics/problems/")
def test_problem_records_are_counted_with_the_rate_of_handling(place: Place) -> None:
    """The county sees how many problem records came up, were solved and are overdue, school by school.

    Who sees: the authority's clerk and head, the school its own.
    Ends with: a balanced table with rates, on paper, and the way to the list of those still open.
    """
    child = enrol(place, "a1", name="问题生")
    now = timezone.now()
    parties = [place.org("a1").pk, place.org("a").pk]
    with seeing_all(), acting("writer"):
        for i, (opened, closed) in enumerate(((90, 60), (20, 5), (10, None), (8, None))):
            problem = Problem.objects.create(
                number=f"WT-{uuid.uuid4().hex[:8]}", kind="wrong_id", state="closed" if closed else "open", source="check",
                superior_id=place.org("a").pk, opened_at=now - timedelta(days=opened), opened_by="系统",
                closed_at=now - timedelta(days=closed) if closed else None, parties=parties,
                due_on=today() - timedelta(days=1) if i == 2 else None,
            )  # fmt: skip
            Side.objects.create(
                problem=problem, no=1, person_id=child, school_id=parties[0], county_id=parties[1], student="问题生",
                since=date(2026, 9, 1), parties=parties, is_open=closed is None,
            )  # fmt: skip
    with act_as(place.user("county_clerk", "a")) as actor:
        table = handling.count(actor, units.resolve(actor), today() - timedelta(days=30), today())
    row = next(x for x in table.units if x.key == str(parties[0]))
    assert (row.before, row.opened, row.closed, row.pending, row.overdue) == (0, 3, 1, 2, 1)
    assert row.balanced
    assert (row.rate, row.days) == (33.3, 15)
    assert (table.total.opened, table.total.closed) == (3, 1)
    county = login(Client(), place.user("county_head", "a"))
    start = (today() - timedelta(days=30)).isoformat()
    page = county.get(f"/statistics/problems/?start={start}&end={today()}").content.decode()
    assert "33.3%" in page
    assert "/problems/?state=open" in page
    text = words(county.get(f"/statistics/problems/file/?start={start}&end={today()}&form=pdf").content)
    assert "问题学籍处理情况统计表" in text
    with act_as(place.user("county_clerk", "b")) as actor:
        assert (
            handling.count(actor, units.resolve(actor), today() - timedelta(days=30), today()).total.opened
            == 0
        )


def test_the_days_of_units_together_are_the_average_of_all_not_the_longest() -> None:
    city = handling.Line("1", "甲州市")
    assert city.days is None
    handling._add(city, [0, 3, 3, 0, 0, 30.0])
    handling._add(city, [0, 1, 1, 0, 0, 50.0])
    handling._add(city, [2, 0, 0, 2, 0, 0.0])
    assert (city.closed, city.days) == (4, 20)


@pytest.mark.parametrize(
    ("role", "where"), [("class_teacher", "a1"), ("teacher", "a1"), ("system_admin", "province")]
)
def test_reports_are_closed_to_roles_without_figures(place: Place, role: str, where: str) -> None:
    client = login(Client(), place.user(role, where))
    for address in (
        "/statistics/reports/",
        "/statistics/problems/",
        "/statistics/reports/list/?key=added&form=pdf",
    ):
        assert client.get(address).status_code == 403


def test_another_schools_unit_is_not_there(place: Place) -> None:
    client = login(Client(), place.user("registrar", "a1"))
    for path in (
        "reports/?report=new&",
        "reports/list/?key=added&",
        "problems/?",
        "reports/names/?report=new&column=total&",
    ):
        assert client.get(f"/statistics/{path}org={place.org('c1').pk}").status_code == 404
