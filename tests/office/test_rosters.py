"""Registers of names: complete, in order, masked, watermarked, noted before they leave."""

from __future__ import annotations

import io
import re
import uuid
from datetime import date
from typing import Any

import openpyxl
import pypdf
import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county

from xueji.ground.db.scope import acting
from xueji.office.certificates import rosters
from xueji.office.certificates.errors import CertificateRefused
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.queries import Filters
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people.commands import NewGuardian
from xueji.registry.placement.commands import placing
from xueji.registry.placement.models import SeatOrder

PHONE = "13812345678"


@pytest.fixture
def place(db: None) -> Place:
    return make_county()


def family(name: str = "张父") -> dict[str, Any]:
    return {
        "guardians": (NewGuardian(name=name, relation="1", sealed={"phone": PHONE}),),
        "profile": {
            "current_address": "测试省甲州市青禾县幸福路八十八号三单元",
            "household_division": "990101",
        },
    }


@pytest.fixture
def pupils(place: Place) -> list[uuid.UUID]:
    """Three children of one class, entered out of order."""
    return [
        enrol(place, "a1", name=n, sex=s, **family())
        for n, s in (("仇小美", "2"), ("阿依古丽", "2"), ("单雄", "1"))
    ]


def text_of(pdf: bytes) -> str:
    return re.sub(r"\s", "", "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages))


def sheet_of(data: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    return [[c.value for c in row] for row in sheet.iter_rows()]


def last_entry() -> tuple[Any, ...]:
    with acting("audit"), connection.cursor() as c:
        c.execute("select action, row_count, purpose, after::text from audit_entry order by id desc limit 1")
        return c.fetchone()


@pytest.mark.capability("C-RPT-05", page="/classes/")
def test_the_class_register_names_everybody_by_pinyin_with_numbers_covered(
    place: Place, pupils: list[uuid.UUID]
) -> None:
    klass = place.klass("a1")
    with act_as(place.user("registrar", "a1")) as actor:
        entered = text_of(rosters.as_pdf(actor, klass.pk)[0])
        # Serials are given in the order of entry; numbered by pinyin, the register follows.
        assert entered.index("仇小美") < entered.index("阿依古丽") < entered.index("单雄")
        assert placing.number(actor, klass.pk, SeatOrder.PINYIN) == 3
        data, name = rosters.as_pdf(actor, klass.pk)
        from xueji.registry.people.commands import reveal

        whole = reveal(actor, pupils[0], "identity", "核对证件")
    text = text_of(data)
    assert name.endswith("花名册.pdf")
    # 仇 Qiu, 单 Shan: sorted as surnames are read.
    order = [text.index(n) for n in ("阿依古丽", "仇小美", "单雄")]
    assert order == sorted(order)
    for words in (
        "班级花名册",
        "青禾县第一小学",
        "一年级(1)班",
        "男1，女2",
        "班主任a1",
        "张父",
        "138****5678",
        "汉族",
    ):
        assert words in text, words
    for secret in (whole, whole[6:14], PHONE, "八十八号"):
        assert secret not in text, secret


@pytest.mark.capability("C-EXP-05")
def test_the_watermark_names_who_printed_it_and_the_audit_knows_how_many(
    place: Place, pupils: list[uuid.UUID]
) -> None:
    with act_as(place.user("class_teacher", "a1")) as actor:
        data, _name = rosters.as_pdf(actor, place.klass("a1").pk)
    assert text_of(data).count(re.sub(r"\s", "", actor.user_name)) > 3
    action, rows, _purpose, after = last_entry()
    assert (action, rows) == ("roster.print", 3)
    assert "联系电话" in after


@pytest.mark.capability("C-RPT-05")
def test_the_same_register_as_a_workbook_holds_text_never_formulas(place: Place) -> None:
    enrol(place, "a1", name="王小明", **family("李母"))
    person = enrol(place, "a1", name="陈一", **family("陈母"))
    with acting("writer"), connection.cursor() as c:
        c.execute("update guardian set name = '=1+cmd|calc' where person_id = %s", [person])
    with act_as(place.user("registrar", "a1")) as actor:
        data, name = rosters.as_xlsx(actor, place.klass("a1").pk)
    rows = sheet_of(data)
    assert name.endswith(".xlsx")
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert all(c.data_type != "f" for row in book.active.iter_rows() for c in row)  # type: ignore[union-attr]
    flat = [str(v) for row in rows for v in row if v is not None]
    assert any("1+cmd" in v for v in flat)
    assert "138****5678" in flat
    assert PHONE not in " ".join(flat)
    assert any(actor.user_name in v for v in flat)


def test_remarks_tell_guests_suspensions_and_arrivals(place: Place, pupils: list[uuid.UUID]) -> None:
    klass = place.klass("a1")
    comer = enrol(place, "b1", name="远客", on=date(2026, 9, 1))
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment.apply_step(actor, Step(pupils[0], "suspend", 2, midnight(date(2026, 10, 8))))
        enrolment.apply_step(
            actor,
            Step(
                comer,
                "transfer",
                1,
                midnight(date(2026, 10, 8)),
                school_id=klass.school_id,
                class_id=klass.pk,
            ),
        )
        remarks = {r.name: r.remark for r in rosters.gather(actor, klass.pk).rows}
    assert "休学" in remarks["仇小美"]
    assert remarks["远客"] == "2026-10-08由临川县九年制学校转入"
    assert remarks["单雄"] == ""


def test_grade_and_school_registers_hold_their_children_class_by_class(place: Place) -> None:
    for cohort, number, name in ((2026, 2, "乙"), (2026, 1, "甲"), (2024, 1, "丙")):
        enrol(place, "a1", name=f"周{name}", cohort=cohort, number=number)
    enrol(place, "a2", name="别校")
    klass = place.klass("a1").pk
    with act_as(place.user("registrar", "a1")) as actor:
        assert [r.name for r in rosters.gather(actor, klass).rows] == ["周甲"]
        assert [r.name for r in rosters.gather(actor, klass, "grade").rows] == ["周甲", "周乙"]
        assert [r.name for r in rosters.gather(actor, klass, "school").rows] == ["周甲", "周乙", "周丙"]


def test_a_school_too_large_for_one_paper_is_told_to_print_by_grade(
    place: Place, pupils: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rosters, "MOST", 2)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CertificateRefused, match="按年级"):
        rosters.gather(actor, place.klass("a1").pk, "school")


@pytest.mark.parametrize(
    ("role", "at", "status"),
    [
        ("registrar", "a1", 200), ("school_head", "a1", 200), ("class_teacher", "a1", 200), ("registrar", "a2", 404),
        ("class_teacher", "a2", 404), ("teacher", "a1", 403), ("county_clerk", "a", 403), ("parent", "", 403),
        ("system_admin", "province", 403),
    ],
)  # fmt: skip
def test_only_the_class_own_staff_prints_it(
    place: Place, pupils: list[uuid.UUID], client: Client, role: str, at: str, status: int
) -> None:
    login(client, place.user(role, at))
    for form in ("pdf", "xlsx"):
        answer = client.get(f"/classes/{place.klass('a1').pk}/roster.{form}")
        assert answer.status_code == status
        if status == 200:
            assert "attachment" in answer["Content-Disposition"]
            assert "no-store" in answer["Cache-Control"]


def test_a_class_teacher_prints_the_own_class_and_no_more(
    place: Place, pupils: list[uuid.UUID], client: Client
) -> None:
    login(client, place.user("class_teacher", "a1"))
    assert client.get(f"/classes/{place.klass('a1', number=2).pk}/roster.pdf").status_code == 404
    assert client.get(f"/classes/{place.klass('a1').pk}/roster.pdf?scope=school").status_code == 403
    assert client.get(f"/classes/{place.klass('a1').pk}/roster.pdf?scope=world").status_code == 404


def test_queries_do_not_grow_with_the_children(place: Place) -> None:
    counts = []
    for _round in range(2):
        for _i in range(4):
            enrol(place, "a1", name="吴同学", **family())
        with act_as(place.user("registrar", "a1")) as actor, CaptureQueriesContext(connection) as seen:
            rosters.gather(actor, place.klass("a1").pk)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 9


# --- the list of students -----------------------------------------------------------------------------------------


@pytest.mark.capability("C-EXP-05", page="/students/export.xlsx")
def test_the_list_of_students_leaves_with_a_purpose_masked_and_noted(
    place: Place, pupils: list[uuid.UUID], client: Client
) -> None:
    login(client, place.user("registrar", "a1"))
    answer = client.post(
        "/students/export.xlsx", {"purpose": "学期初核对名单", "view": "present", "sex": "2"}
    )
    assert answer.status_code == 200
    rows = sheet_of(answer.content)
    names = {r[0] for r in rows}
    assert {"仇小美", "阿依古丽"} <= names
    assert "单雄" not in names
    assert PHONE not in str(rows)
    assert not re.search(r"\d{17}[\dX]", str(rows))
    action, count, purpose, after = last_entry()
    assert (action, count, purpose) == ("student.export", 2, "学期初核对名单")
    assert "证件号" in after


def test_no_purpose_no_file(place: Place, pupils: list[uuid.UUID], client: Client) -> None:
    login(client, place.user("registrar", "a1"))
    assert client.post("/students/export.xlsx", {"purpose": " "}).status_code == 302
    assert last_entry()[0] != "student.export"
    assert client.get("/students/export.xlsx").status_code == 405


def test_too_many_students_are_refused_before_anything_leaves(
    place: Place, pupils: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rosters, "MOST_STUDENTS", 2)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CertificateRefused, match="缩小"):
        rosters.students_xlsx(actor, "核对名单", filters=Filters())


@pytest.mark.parametrize(
    ("role", "at"), [("county_clerk", "a"), ("city_clerk", "city1"), ("class_teacher", "a1")]
)
def test_authorities_do_not_export_lists_by_themselves(
    place: Place, client: Client, role: str, at: str
) -> None:
    with act_as(place.user(role, at)) as actor, pytest.raises(PermissionDenied):
        rosters.students_xlsx(actor, "核对名单")
    assert (
        login(client, place.user(role, at)).post("/students/export.xlsx", {"purpose": "核对"}).status_code
        == 403
    )
