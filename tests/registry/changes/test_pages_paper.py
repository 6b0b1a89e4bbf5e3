"""Forms of old, ledgers and registers: what stands on them, and who gets them."""

from __future__ import annotations

import io
import re
from typing import Any

import openpyxl
import pypdf
import pytest
from django.test import Client
from django.utils import timezone, translation
from tests.helpers import Place, act_as, login, make_county
from tests.registry.changes.world import (
    EIGHT,
    FOUR,
    correction_draft,
    make_child,
    number_of,
    pass_all,
    send,
    suspend_draft,
    transfer_draft,
)

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting

pytestmark = pytest.mark.django_db


def as_(place: Place, role: str, where: str = "") -> Client:
    return login(Client(), place.user(role, where))


def words_of(answer: Any) -> str:
    """The text of a PDF without blanks."""
    assert answer["Content-Type"] == "application/pdf", answer
    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    return re.sub(r"\s+", "", "".join(p.extract_text() for p in pages))


def cells_of(answer: Any) -> list[list[Any]]:
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    return [[c.value for c in row] for row in book.worksheets[0].iter_rows()]


@pytest.mark.capability("C-CHG-05")
def test_the_transfer_form_has_four_copies_with_every_opinion_and_place_for_seals() -> None:
    place = make_county()
    child = make_child(place, name="赵小满")
    case = pass_all(place, send(place, transfer_draft(place, child), ("registrar", "b1")), EIGHT[:3])
    answer = as_(place, "county_head", "b").get(f"/cases/{case.pk}/forms/transfer-form.pdf")
    text = words_of(answer)
    for copy in ("第一联", "第二联", "第三联", "第四联"):
        assert copy in text
    assert len(pypdf.PdfReader(io.BytesIO(answer.content)).pages) == 4
    for word in (
        "学生转学申请表",
        "赵小满",
        case.number,
        "家庭住址变动",
        "核办通过",
        "（盖章）",
        "监护人（签字）",
    ):
        assert str(word) in text
    number = number_of(place, child)
    assert number[1:] not in text
    with act_as(place.user("county_head", "b")), acting("audit"):
        assert AuditEntry.objects.filter(action="changes.print", object_id=str(case.pk)).count() == 1


@pytest.mark.capability("C-TRF-11")
@pytest.mark.capability("C-CER-01")
def test_acceptance_and_transfer_proofs_wait_for_the_decision_that_they_prove() -> None:
    place = make_county()
    case = send(place, transfer_draft(place, make_child(place)), ("registrar", "b1"))
    browser = as_(place, "registrar", "b1")
    accepted, released = (f"/cases/{case.pk}/forms/{key}.pdf" for key in ("acceptance", "transfer-proof"))
    assert browser.get(accepted).status_code == 404
    case = pass_all(place, case, EIGHT[:1])
    page = browser.get(f"/cases/{case.pk}/").content.decode()
    assert accepted in page
    assert released not in page
    text = words_of(browser.get(accepted))
    assert "同意接收证明" in text
    assert "我校同意接收" in text
    assert place.org("a1").name in text
    assert browser.get(released).status_code == 404
    case = pass_all(place, case, EIGHT[1:5])
    assert "请予接洽" in words_of(as_(place, "registrar", "a1").get(released))


@pytest.mark.parametrize(
    ("key", "draft", "title"),
    [
        ("suspension-form", suspend_draft, "学生休学申请表"),
        ("correction-form", lambda p, c: correction_draft(p, c, new_name="赵大满"), "学生学籍信息变更申请表"),
    ],
)
def test_other_forms_are_filled_and_belong_to_their_business_alone(key: str, draft: Any, title: str) -> None:
    place = make_county()
    case = send(place, draft(place, make_child(place)), ("registrar", "a1"))
    browser = as_(place, "school_head", "a1")
    with translation.override("en"):
        assert title in words_of(browser.get(f"/cases/{case.pk}/forms/{key}.pdf"))
    assert browser.get(f"/cases/{case.pk}/forms/transfer-form.pdf").status_code == 404
    assert browser.get(f"/cases/{case.pk}/forms/nonsense.pdf").status_code == 404
    assert as_(place, "registrar", "c1").get(f"/cases/{case.pk}/forms/{key}.pdf").status_code == 404


@pytest.mark.capability("C-INF-10", page="/classes/{klass}/ledger.pdf")
def test_the_ledger_shows_who_came_who_left_and_what_is_pending() -> None:
    place = make_county()
    staying, pausing, leaving = (make_child(place, name=n) for n in ("钱留在", "孙休学", "李转走"))
    suspension = send(place, suspend_draft(place, pausing), ("registrar", "a1"))
    pass_all(place, send(place, transfer_draft(place, leaving, name="李转走"), ("registrar", "b1")), EIGHT)
    klass = place.klass()
    browser = as_(place, "registrar", "a1")
    rows = {r[2]: r for r in cells_of(browser.get(f"/classes/{klass.pk}/ledger.xlsx")) if r[2]}
    assert rows["钱留在"][8] in (None, "")
    assert "休学" in rows["孙休学"][8]
    assert str(suspension.number) in rows["孙休学"][8]
    assert rows["孙休学"][8].startswith("●")
    assert rows["李转走"][6] == "已离开"
    assert "转往" in rows["李转走"][7]
    assert staying
    text = words_of(browser.get(f"/classes/{klass.pk}/ledger.pdf"))
    assert "学籍信息台账" in text
    assert "孙休学" in text
    arrived = cells_of(as_(place, "registrar", "b1").get(f"/classes/{place.klass('b1').pk}/ledger.xlsx"))
    assert any("由" in str(r[7]) and "转入" in str(r[7]) for r in arrived if r[2] == "李转走")


def test_a_ledger_of_another_school_or_class_does_not_exist() -> None:
    place = make_county()
    klass = place.klass()
    assert as_(place, "registrar", "b1").get(f"/classes/{klass.pk}/ledger.pdf").status_code == 404
    assert as_(place, "county_clerk", "a").get(f"/classes/{klass.pk}/ledger.pdf").status_code == 403
    assert as_(place, "registrar", "a1").get(f"/classes/{klass.pk}/ledger.doc").status_code == 404


@pytest.mark.capability("C-TRF-13", page="/cases/registers/")
def test_registers_of_both_schools_name_the_child_and_the_other_school() -> None:
    place = make_county()
    case = pass_all(place, send(place, transfer_draft(place, make_child(place)), ("registrar", "b1")), EIGHT)
    today = timezone.localdate().isoformat()
    for school, kind, other in (("b1", "in", "a1"), ("a1", "out", "b1")):
        browser = as_(place, "registrar", school)
        page = browser.get("/cases/registers/", {"kind": kind, "start": today}).content.decode()
        assert "赵小满" in page
        assert place.org(other).name in page
        assert str(case.number) in page
        line = next(
            r
            for r in cells_of(browser.get("/cases/registers/file/", {"kind": kind, "form": "xlsx"}))
            if r[1] == "赵小满"
        )
        assert line[8] == place.org(other).name
        assert "学生花名册" in words_of(browser.get("/cases/registers/file/", {"kind": kind}))
    assert "赵小满" not in as_(place, "registrar", "a1").get("/cases/registers/").content.decode()
    assert as_(place, "class_teacher", "a1").get("/cases/registers/").status_code == 403
    assert as_(place, "registrar", "a1").get("/cases/registers/?kind=x").status_code == 404


def test_a_register_of_suspensions_is_kept_too() -> None:
    place = make_county()
    pass_all(place, send(place, suspend_draft(place, make_child(place)), ("registrar", "a1")), FOUR)
    page = as_(place, "school_head", "a1").get("/cases/registers/?kind=suspend").content.decode()
    assert "赵小满" in page
