"""学籍报表 of a term: made on schedule, frozen, read by the unit and its authority, printed."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from typing import Any

import pypdf
import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts.actor import today
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.office.statistics import termly
from xueji.office.statistics.models import TermReport

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    span = termly.Span("2026-1", date(2026, 9, 1), date(2027, 1, 31))
    old = termly.Span("2025-2", date(2026, 2, 1), date(2026, 7, 10))
    monkeypatch.setattr(termly, "spans", lambda *, most=6: [span, old][:most])
    return make_county()


def words(data: bytes) -> str:
    return re.sub(r"\s", "", "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(data)).pages))


@pytest.mark.capability("C-RPT-01", page="/statistics/terms/")
def test_the_set_of_a_term_is_made_by_itself_and_stands_for_leaders_to_read_and_print(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month into the term the clock makes every school's set of reports; nobody has to think of it.

    Who sees: the registrar and head of the school, the authority, which sees as well who has none yet.
    Ends with: five tables as of a day, frozen, on the page and on paper.
    """
    enrol(place, "a1", name="安然")
    enrol(place, "a1", name="白露", sex="2")
    ours = {place.org(k).pk for k in ("a1", "a2", "b1", "c1")}
    monkeypatch.setattr(termly, "today", lambda: date(2026, 9, 20))
    termly.make_due()
    with seeing_all():
        assert not TermReport.objects.filter(org_id__in=ours).exists()
    monkeypatch.setattr(termly, "today", lambda: date(2026, 10, 2))
    assert termly.make_due() >= 1
    with seeing_all():
        (row,) = TermReport.objects.filter(org_id__in=ours)
    assert (row.org_id, row.county_id, row.phase, row.made_by) == (
        place.org("a1").pk, place.org("a").pk, "begin", None,
    )  # fmt: skip
    termly.make_due()
    with seeing_all():
        assert TermReport.objects.get(pk=row.pk).times == 1
    titles = [t["title"] for t in row.tables]
    assert titles == [
        "学生人数统计表",
        "学生变动情况表",
        "新生建籍情况统计表",
        "特殊群体学生统计表",
        "问题学籍处理情况统计表",
    ]
    assert row.tables[0]["rows"][-1][1:4] == ["2", "1", "1"]
    school = login(Client(), place.user("school_head", "a1"))
    at = f"/statistics/terms/{row.pk}/"
    assert at in school.get("/statistics/terms/").content.decode()
    assert "按计划自动生成" in school.get(at).content.decode()
    text = words(school.get(at + "set.pdf").content)
    for part in ("2026-2027学年第一学期期初学籍报表", *titles, "单位负责人"):
        assert part in text, part
    county = login(Client(), place.user("county_clerk", "a")).get("/statistics/terms/").content.decode()
    assert at in county
    assert "未生成" in county
    assert login(Client(), place.user("county_clerk", "b")).get(at).status_code == 404
    with acting("audit"):
        entry = AuditEntry.objects.get(action="statistics.term.make", object_id=str(row.pk))
    assert entry.role == "system"


@pytest.mark.capability("C-RPT-01")
def test_a_set_is_made_anew_after_corrections_and_the_later_one_counts(place: Place) -> None:
    enrol(place, "a1", name="安然")
    client = login(Client(), place.user("registrar", "a1"))
    for n in (1, 2):
        answer = client.post("/statistics/terms/make/", {"term": "2026-1", "phase": "begin"})
        with seeing_all():
            row = TermReport.objects.get(org_id=place.org("a1").pk)
        assert answer["Location"] == f"/statistics/terms/{row.pk}/"
        assert row.times == n
        assert row.tables[0]["rows"][-1][1] == str(n)
        enrol(place, "a1", name=f"后来的{'一二'[n - 1]}")
    page = client.post(
        "/statistics/terms/make/", {"term": "2026-1", "phase": "end"}, follow=True
    ).content.decode()
    assert "还没有结束" in page
    assert client.post("/statistics/terms/make/", {"term": "1999-1", "phase": "begin"}).status_code == 404
    assert client.post("/statistics/terms/make/", {"term": "2025-2", "phase": "end"}).status_code == 303


@pytest.mark.capability("C-RPT-01")
def test_an_authority_makes_its_own_set_by_school(place: Place) -> None:
    enrol(place, "a1")
    with act_as(place.user("county_head", "a")) as actor:
        row = termly.make(actor, term="2026-1", phase="begin")
    assert row.county_id == place.org("a").pk
    assert place.org("a1").short_name in [r[0] for r in row.tables[0]["rows"]]


def test_a_set_shows_the_day_it_was_due_however_late_it_is_made(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of beginners counts those of the term's school year, and says of which day its roster is."""
    enrol(place, "a1", name="安然")
    for term, phase, day, new in (
        ("2026-1", "begin", date(2026, 10, 1), "1"),
        ("2025-2", "begin", date(2026, 3, 3), None),
        ("2025-2", "end", date(2026, 7, 10), None),
    ):
        with act_as(place.user("registrar", "a1")) as actor:
            row = termly.make(actor, term=term, phase=phase)
        assert row.as_of == day
        beginners = row.tables[2]
        assert (beginners["rows"][-1][1] if len(beginners["rows"]) > 1 else None) == new
        assert day.isoformat() in beginners["notes"][-1]
        assert today().isoformat() in beginners["notes"][-1]


def test_one_school_that_fails_keeps_no_other_waiting(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("a1", "b1"):
        enrol(place, key)
    build, broken = termly.build, place.org("a1").pk

    def sometimes(actor: Any, target: Any, *rest: Any) -> Any:
        if target.org_id == broken:
            raise LookupError("broken")
        return build(actor, target, *rest)

    monkeypatch.setattr(termly, "build", sometimes)
    monkeypatch.setattr(termly, "today", lambda: date(2026, 10, 2))
    termly.make_due()
    with seeing_all():
        made = TermReport.objects.filter(org_id__in=[broken, place.org("b1").pk])
        assert [r.org_id for r in made] == [place.org("b1").pk]


@pytest.mark.parametrize(
    ("role", "where"), [("class_teacher", "a1"), ("system_admin", "province"), ("parent", "")]
)
def test_sets_are_closed_to_roles_without_figures(place: Place, role: str, where: str) -> None:
    client = login(Client(), place.user(role, where))
    assert client.get("/statistics/terms/").status_code == 403
    assert client.post("/statistics/terms/make/", {"term": "2026-1", "phase": "begin"}).status_code == 403


def test_what_was_missed_long_ago_is_not_made(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(place, "a1")
    monkeypatch.setattr(termly, "today", lambda: date(2026, 10, 1) + timedelta(days=70))
    termly.make_due()
    with seeing_all():
        assert not TermReport.objects.filter(org_id=place.org("a1").pk).exists()
