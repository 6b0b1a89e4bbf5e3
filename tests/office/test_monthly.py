"""学籍变动情况月报: the figures of a month, handed in by schools, seen by their authorities."""

from __future__ import annotations

import io
import itertools
import re
from datetime import date, timedelta
from typing import Any

import openpyxl
import pypdf
import pytest
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import EIGHT, make_child, pass_all, send, transfer_draft

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.office.statistics import monthly, units
from xueji.office.statistics.models import MonthlyReport

pytestmark = pytest.mark.django_db
PAGE = "/statistics/monthly/"


def as_(place: Place, role: str, where: str = "") -> Client:
    return login(Client(), place.user(role, where))


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.mark.capability("C-CHG-07", page="/statistics/monthly/")
def test_a_school_hands_in_its_month_and_the_authorities_see_who_has_not() -> None:
    place = make_county()
    make_child(place)
    month = {"month": monthly.choices()[1].key}
    registrar = as_(place, "registrar", "a1")
    assert "本月月报还没有提交" in text_of(registrar.get(PAGE, month))
    said = text_of(registrar.post(f"{PAGE}submit/", month, follow=True))
    assert "月报已提交" in said
    assert "第 1 次" in said
    with seeing_all():
        report = MonthlyReport.objects.get()
    assert (report.school_id, report.county_id) == (place.org("a1").pk, place.org("a").pk)
    county = text_of(as_(place, "county_clerk", "a").get(PAGE, month))
    assert "未提交" in county
    assert report.submitter_name in county
    assert report.submitter_name not in text_of(as_(place, "county_clerk", "b").get(PAGE, month))
    central = as_(place, "central_clerk", "central").get(PAGE, month)
    assert central.status_code == 200
    assert place.org("a2").short_name in text_of(central)
    with act_as(place.user("registrar", "a1")), acting("audit"):
        assert AuditEntry.objects.filter(action="statistics.monthly.submit").count() == 1


@pytest.mark.capability("C-CHG-07")
def test_the_month_tells_transfers_of_both_schools_apart_from_the_rest() -> None:
    place = make_county()
    pass_all(place, send(place, transfer_draft(place, make_child(place)), ("registrar", "b1")), EIGHT)
    this = monthly.month_of(timezone.localdate())
    for role, where, column in (("registrar", "a1", "transfer_out"), ("registrar", "b1", "transfer_in")):
        with act_as(place.user(role, where)) as actor:
            found = monthly.table(actor, units.resolve(actor), this)
            assert monthly.figures(found.total)[column] == 1
            assert found.balanced


def test_a_month_that_runs_cannot_be_handed_in_and_others_may_not_hand_in(monkeypatch: Any) -> None:
    place = make_county()
    monkeypatch.setattr(monthly.Month, "ended", property(lambda _month: False))
    said = text_of(as_(place, "registrar", "a1").post(f"{PAGE}submit/", follow=True))
    assert "还没有结束" in said
    assert as_(place, "county_clerk", "a").post(f"{PAGE}submit/").status_code == 403
    assert as_(place, "class_teacher", "a1").get(PAGE).status_code == 403
    assert as_(place, "registrar", "a1").get(PAGE, {"org": place.org("b1").pk}).status_code == 404


def test_a_later_change_of_the_month_is_shown_until_it_is_handed_in_again() -> None:
    place = make_county()
    month = monthly.choices()[1]
    asked = {"month": month.key}
    with act_as(place.user("school_head", "a1")) as actor:
        monthly.submit(actor, units.resolve(actor), month)
    with seeing_all():
        MonthlyReport.objects.update(figures={"opening": 999})
    registrar = as_(place, "registrar", "a1")
    assert "数据有变动" in text_of(registrar.get(PAGE, asked))
    assert "已提交, 数据有变" in text_of(as_(place, "county_head", "a").get(PAGE, asked))
    registrar.post(f"{PAGE}submit/", asked)
    assert "第 2 次" in text_of(registrar.get(PAGE, asked))


@pytest.mark.capability("C-CHG-07")
def test_the_report_is_printed_and_opened_in_excel() -> None:
    place = make_county()
    make_child(place)
    browser = as_(place, "registrar", "a1")
    pdf = browser.get(f"{PAGE}file/", {"form": "pdf"})
    text = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf.content)).pages)
    assert "学生学籍变动情况月报" in re.sub(r"\s+", "", text)
    book = openpyxl.load_workbook(io.BytesIO(browser.get(f"{PAGE}file/", {"form": "xlsx"}).content))
    assert "学生学籍变动情况月报" in str(book.worksheets[0]["A1"].value)
    assert browser.get(f"{PAGE}file/", {"form": "doc"}).status_code == 404


def test_months_are_whole_and_the_address_cannot_ask_for_others() -> None:
    months = monthly.choices()
    assert len(months) == 12
    for later, earlier in itertools.pairwise(months):
        assert earlier.last + timedelta(days=1) == later.first
    assert monthly.read("1999-01") == months[1]
    assert monthly.read("nonsense") == months[1]
    assert monthly.month_of(date(2028, 2, 5)).last == date(2028, 2, 29)
