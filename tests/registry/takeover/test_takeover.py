"""A register that runs in the official system is taken over: states, numbers, history, half-done business."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.takeover import sheets
from tests.registry.takeover.proof import record_says_nothing

from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import EnrolmentState, Event, Roster
from xueji.registry.intake import queries as intake
from xueji.registry.people import queries as people
from xueji.registry.people.models import Person, StudentNumber
from xueji.registry.takeover import commands, queries
from xueji.registry.takeover.errors import TakeoverError
from xueji.registry.takeover.models import Takeover, TakeoverDifference, TakeoverState

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def send(client: Client, roster: bytes, moves: bytes = b"") -> Any:
    files = {"roster": SimpleUploadedFile("学生信息导出.xlsx", roster), "as_of": "2026-11-20"}
    if moves:
        files["moves"] = SimpleUploadedFile("异动查询.xlsx", moves)
    return client.post("/takeover/", files, follow=True)


def balance(found: Takeover) -> dict[str, str]:
    return sheets.totals(queries.sums(found, intake.school_facts(found.school_id)))


def bring(place: Place, roster: bytes, moves: bytes = b"", **more: Any) -> Takeover:
    with act_as(place.user("registrar", "a1")) as actor:
        return commands.bring(
            actor, roster, "名册.xlsx", moves=moves, moves_name="异动.xlsx", as_of=date(2026, 11, 20), **more
        )


def take(place: Place, found: Takeover) -> Takeover:
    with act_as(place.user("registrar", "a1")) as actor:
        commands.set_totals(actor, found.pk, balance(found))
        commands.publish(actor, found.pk, expected=found.counts["new"])
        return queries.takeover(actor, found.pk)


def person_of(name: str) -> Person:
    with seeing_all():
        return Person.objects.get(name=name)


def test_a_register_is_balanced_signed_for_and_put_on_record_with_its_past(
    place: Place, client: Client
) -> None:
    """A registrar uploads the official export with its movements, enters the official totals, finds one child short.
    The head signs for the explanation; the registrar takes the register over.
    They end with every child on record: numbers as they were, states, past dates, what was under way still to do.
    """
    jbirth = date(2017, 5, 6)
    rows = [
        sheets.child(1),
        sheets.child(2, 学籍号="L99010120170301" + "0007"),
        sheets.child(3, status="休学"),
        sheets.child(4, cohort=2025, 姓名="转来生"),
        sheets.child(5, cohort=2019, status="毕业", 年级="", 班级="", 姓名="毕业生"),
        sheets.child(
            6,
            学籍号=sheets.jnumber(jbirth, 1),
            身份证件类型="",
            身份证件号="",
            出生日期="20170506",
            姓名="无证生",
        ),
        sheets.child(7, 姓名="号码错", 身份证件号="990101201703010000"),
        sheets.child(8, 姓名="办到一半"),
    ]
    rows[5]["性别"] = "男"
    rows[3]["学籍辅号"] = "0226250150001"

    def moved(at: int, kind: str, on: str, state: str = "已办结", **more: str) -> dict[str, str]:
        child = rows[at]
        head = {
            "学籍号": child["学籍号"],
            "姓名": child["姓名"],
            "异动类别": kind,
            "异动日期": on,
            "办理状态": state,
        }
        return head | more

    moves = [
        moved(2, "休学", "2026-03-02", 异动原因="因病"),
        moved(3, "转入", "2026.9.10"),
        moved(4, "毕业", "20250710"),
        moved(7, "休学", "2026-11-10", "待核办", 当前环节="县教育局"),
        moved(0, "转出", "2026-10-10", "未通过"),
    ]
    registrar = login(client, place.user("registrar", "a1"))
    page = send(registrar, sheets.roster(rows), sheets.moves(moves))
    assert "名册 8 人: 7 人可以接管, 0 人本系统已有, 1 人有问题" in text(page), text(page)[:3000]
    with seeing_all():
        found = Takeover.objects.get()
    here = f"/takeover/{found.pk}/"
    assert "身份证件号" in text(page)
    assert rows[0]["身份证件号"] not in page.content.decode()
    # Without the official totals nothing is put on record.
    assert "确认接管" not in text(page)
    refused = registrar.post(here + "publish/", {"expected": 7}, follow=True)
    assert "请先填写官方系统的人数" in text(refused)
    with act_as(place.user("registrar", "a1")):
        posted = balance(found)
    cell = next(k for k in posted if k.startswith("t-P-2024-1-"))
    page = registrar.post(here + "totals/", posted | {cell: str(int(posted[cell]) + 1)}, follow=True)
    assert "有的人数与官方系统不一致" in text(page)
    assert "号码错(8)" in text(page)
    refused = registrar.post(here + "publish/", {"expected": 7}, follow=True)
    assert "人数与官方系统不一致" in text(refused)
    registrar.post(here + "explain/", {"text": "号码错的一名学生证件号待家长核实"}, follow=True)
    assert registrar.post(here + "sign/", {"version": 1}).status_code == 403
    head = login(Client(), place.user("school_head", "a1"))
    with seeing_all():
        found.refresh_from_db()
    assert "同意说明并签字" in text(head.get(here))
    assert "已签字" in text(head.post(here + "sign/", {"version": found.version}, follow=True))
    page = registrar.post(here + "publish/", {"expected": 7}, follow=True)
    assert "已接管 7 名学生的学籍" in text(page), text(page)[:2000]
    record_says_nothing()

    ill, came, left, paperless = (person_of(x) for x in (rows[2]["姓名"], "转来生", "毕业生", "无证生"))
    with act_as(place.user("registrar", "a1")) as actor:
        links = enrolment.chain(ill.person_id)
        assert [(x.business, x.status) for x in links] == [("enrol", 1), ("suspend", 2)]
        days = [enrolment.as_of(ill.person_id, date(2026, 3, day)) for day in (1, 2)]
        assert [x.status for x in days if x] == [1, 2]
        assert [x.business for x in enrolment.chain(came.person_id)] == ["transfer_in"]
        assert [x.business for x in enrolment.chain(left.person_id)] == ["enrol", "graduate"]
        assert people.find_by_number(actor, sheets.jnumber(jbirth, 1)) == [paperless.person_id]
        assert people.find_by_number(actor, rows[1]["学籍号"]) == [person_of(rows[1]["姓名"]).person_id]
        assert people.find_by_number(actor, rows[0]["学籍号"]) == [person_of(rows[0]["姓名"]).person_id]
    with seeing_all():
        marks = Event.objects.filter(person_id=ill.person_id).values_list("detail", flat=True)
        assert all(m["takeover"] == found.pk and m["sha256"] == found.roster_sha256 for m in marks)
        prefixes = StudentNumber.objects.filter(scheme="national").values_list("prefix", flat=True)
        assert sorted(prefixes) == ["G", "G", "G", "G", "G", "J", "L"]
        assert Roster.objects.get(person_id=left.person_id).status == 12
    # What was under way in the other system goes on here as a case.
    page = registrar.get(here + "differences/?kind=pending")
    assert "办到一半" in text(page)
    assert "县教育局" in text(page)
    with seeing_all():
        pending = TakeoverDifference.objects.get(kind="pending")
    page = registrar.post(here + "settle/", {"take": pending.pk, "kind": "pending"}, follow=True)
    assert page.redirect_chain[-1][0].startswith("/cases/")
    assert "办到一半" in text(page)
    assert "休学" in text(page)


def test_rows_that_do_not_fit_are_told_and_left_out(place: Place) -> None:
    birth = date(2017, 1, 5)
    rows = [
        sheets.child(1, 学籍号="G123"),
        sheets.child(2, 学籍号=sheets.child(3)["学籍号"], 身份证件号=sheets.child(2)["身份证件号"]),
        sheets.child(4),
        sheets.child(4, 姓名="重复生"),
        sheets.child(5, status="休学"),
        sheets.child(6, 年级="", 班级="七班"),
        sheets.child(7, status="飞走"),
        sheets.child(8, 性别="男" if sheets.child(8)["性别"] == "女" else "女"),
        sheets.child(9, 学籍号=""),
        sheets.child(10, 入学年月="201009"),
        sheets.child(11, 学籍号="G" + id_number(birth, "1", serial=77)),
    ]
    moved = [
        {"学籍号": sheets.child(4)["学籍号"], "姓名": "甲", "异动类别": "复学", "异动日期": "2026-03-01"}
    ]
    found = bring(place, sheets.roster(rows), sheets.moves(moved))
    with act_as(place.user("registrar", "a1")):
        school = intake.school_facts(found.school_id)
        bad = {
            r.row_no: " ".join(i["message"] for i in r.issues) for r in queries.rows(found, school, "error")
        }
        warned = {
            r.row_no: " ".join(i["message"] for i in r.issues) for r in queries.rows(found, school, "warned")
        }
    assert "不是 G、L 或 J 加 18 位" in bad[2]
    assert "接不上" in bad[4]
    assert "与第 4 行" in bad[5]
    assert "请补上异动记录" in bad[6]
    assert "看不懂" in bad[8]
    assert 9 in bad
    assert "接管时编临时学籍号" in warned[10]
    assert 11 in bad
    assert "学籍号与身份证件号不一致" in warned[12]
    assert "学籍号与身份证件号不一致" in warned[3]


def test_a_total_below_the_roster_is_named_and_no_pupil(place: Place, client: Client) -> None:
    total = dict.fromkeys(sheets.child(1), "") | {"学籍号": "合计", "姓名": "2人"}
    signed = dict.fromkeys(total, "") | {"姓名": "填表人: 林老师"}
    found = bring(place, sheets.roster([sheets.child(1), sheets.child(2), total, signed]))
    assert (found.counts["total"], found.counts["error"]) == (2, 0)
    login(client, place.user("registrar", "a1"))
    page = text(client.get(f"/takeover/{found.pk}/"))
    assert "第 4 行像是合计, 没有当作学生读取" in page and "第 5 行像是填表, 没有当作学生读取" in page


def test_a_later_export_shows_the_differences_both_ways_and_each_is_settled(
    place: Place, client: Client
) -> None:
    """A registrar uploads a newer export weeks later and sees who is only here, only there, and what differs.
    Corrections start as cases, the head takes the official number, the rest is reported or left with a reason.
    They end with a closed reconciliation whose every decision is kept.
    """
    first = [sheets.child(n) for n in range(1, 6)]
    first[1]["学籍号"] = "L9901012017030100" + "07"
    take(place, bring(place, sheets.roster(first)))
    enrol(place, name="只在这里", cohort=2024)
    outside = enrol(place, "a2", name="别校生", cohort=2024)
    with seeing_all():
        assert Person.objects.filter(pk=outside).exists()
    newer = [dict(r) for r in first]
    newer[0]["姓名"] = "改了名"
    newer[4]["学生状态"] = "休学"
    newer[1]["学籍号"] = "G" + newer[1]["身份证件号"]
    newer[2]["民族"] = "满族"
    newer[3]["年级"], newer[3]["班级"] = "三年级", "三年级(2)班"
    newer.append(sheets.child(30, 姓名="新来生"))
    registrar = login(client, place.user("registrar", "a1"))
    page = send(registrar, sheets.roster(newer))
    assert "1 人可以接管, 5 人本系统已有" in text(page), text(page)[:2500]
    with seeing_all():
        found = Takeover.objects.order_by("-id").first()
        assert found is not None
        rows = {
            (d.kind, d.field or d.name): d for d in TakeoverDifference.objects.filter(takeover_id=found.pk)
        }
    assert set(rows) == {
        ("field", "name"), ("field", "status"), ("field", "student_number"), ("field", "ethnicity"), ("field", "class_no"),
        ("here", "只在这里"), ("there", "新来生"),
    }, set(rows)  # fmt: skip
    here = f"/takeover/{found.pk}/"

    def settle(who: Client, **data: Any) -> Any:
        return who.post(here + "settle/", data, follow=True)

    page = settle(registrar, take=rows[("field", "name")].pk)
    assert page.redirect_chain[-1][0].startswith("/cases/"), text(page)[:1500]
    assert "改了名" in page.content.decode()
    page = settle(registrar, take=rows[("field", "ethnicity")].pk)
    assert page.redirect_chain[-1][0].startswith("/cases/"), text(page)[:1500]
    # The number is the head's to take over.
    assert settle(registrar, take=rows[("field", "student_number")].pk).status_code == 403
    head = login(Client(), place.user("school_head", "a1"))
    assert "采用官方号码" in text(head.get(here + "differences/?kind=field"))
    assert "已处理 1 项差异" in text(settle(head, take=rows[("field", "student_number")].pk))
    with act_as(place.user("registrar", "a1")) as actor:
        child = people.find_by_number(actor, newer[1]["学籍号"])
        assert child == people.find_by_number(actor, first[1]["学籍号"])
        states = [(n.prefix, n.state) for n in people.numbers(actor, child[0])]
        assert states == [("G", "current"), ("L", "former")]
    both = [rows[("field", "class_no")].pk, rows[("field", "status")].pk]
    page = settle(registrar, how="report", pick=both)
    assert "已处理 2 项差异" in text(page)
    assert "请写明保留不动的原因" in text(
        settle(registrar, how="leave", pick=[rows[("here", "只在这里")].pk])
    )
    settle(registrar, how="leave", reason="官方系统下月补建", pick=[rows[("here", "只在这里")].pk])
    assert "还有 1 项差异没有处理" in text(registrar.post(here + "close/", follow=True))
    settle(registrar, how="report", reason="不是本校学生", pick=[rows[("there", "新来生")].pk])
    book = registrar.get(here + "report.xlsx")
    assert book.status_code == 200
    assert book["Content-Disposition"].startswith("attachment")
    assert "这次接管已结束" in text(registrar.post(here + "close/", follow=True))
    history = text(registrar.get(here + "differences/?kind=here&decision=done"))
    assert "官方系统下月补建" in history
    record_says_nothing()


def test_headings_that_nobody_knows_are_matched_by_hand_and_remembered(place: Place, client: Client) -> None:
    head = [{"学籍号": "全国号", "入学年月": "什么时候来的"}.get(h, h) for h in sheets.ROSTER]
    rows = [sheets.child(n) for n in range(1, 4)]
    data = sheets.book(head, ([r.get(h, "") for h in sheets.ROSTER] for r in rows))
    registrar = login(client, place.user("registrar", "a1"))
    page = send(registrar, data)
    assert "还没有对应的必填项目: 入学年月、学籍号" in text(page), text(page)[:1500]
    with seeing_all():
        found = Takeover.objects.get()
    given = {
        f"column-roster-{head.index('全国号')}": "student_number",
        f"column-roster-{head.index('什么时候来的')}": "entry_month",
    }
    page = registrar.post(f"/takeover/{found.pk}/columns/", given, follow=True)
    assert "3 人可以接管" in text(page)
    assert "3 人可以接管" in text(send(registrar, data))


def test_the_number_of_statements_does_not_grow_with_the_rows(place: Place) -> None:
    taken = []
    for n, start in ((10, 0), (100, 1_000), (1_000, 2_000)):
        rows = [sheets.child(start + i, klass=1 + i % 2) for i in range(n)]
        with act_as(place.user("registrar", "a1")) as actor, CaptureQueriesContext(connection) as brought:
            found = commands.bring(actor, sheets.roster(rows), "名册.xlsx")
        assert found.counts["new"] == n
        with act_as(place.user("registrar", "a1")) as actor:
            commands.set_totals(actor, found.pk, balance(found))
            with CaptureQueriesContext(connection) as published:
                commands.publish(actor, found.pk, expected=n)
        taken.append((len(brought), len(published)))
    assert taken[0] == taken[1] == taken[2], taken
    assert max(taken[0]) <= 90
    with act_as(place.user("registrar", "a1")) as actor, CaptureQueriesContext(connection) as again:
        rows = [sheets.child(2_000 + i, klass=1 + i % 2) for i in range(1_000)]
        found = commands.bring(actor, sheets.roster(rows), "名册.xlsx")
    assert found.counts["here"] == 1_000
    assert len(again) <= 90
    record_says_nothing()


def test_nobody_of_another_school_sees_or_touches_a_takeover(place: Place, client: Client) -> None:
    found = bring(place, sheets.roster([sheets.child(1)]))
    other = login(client, place.user("registrar", "b1"))
    for path in ("", "differences/", "columns/", "report.xlsx"):
        assert other.get(f"/takeover/{found.pk}/{path}").status_code == 404
    assert other.post(f"/takeover/{found.pk}/publish/", {"expected": 1}).status_code == 404
    county = login(Client(), place.user("county_clerk", "a"))
    assert county.get(f"/takeover/{found.pk}/").status_code == 200
    assert county.post(f"/takeover/{found.pk}/publish/", {"expected": 1}).status_code == 403
    with act_as(place.user("class_teacher", "a1")), connection.cursor() as c:
        c.execute("select count(*) from takeover_difference")
        assert c.fetchone()[0] >= 0
    with act_as(place.user("registrar", "b1")):
        assert not Takeover.objects.exists()
        assert not TakeoverDifference.objects.exists()


def test_a_given_up_takeover_leaves_nothing_but_its_trace(place: Place) -> None:
    found = bring(place, sheets.roster([sheets.child(1)]))
    with act_as(place.user("registrar", "a1")) as actor:
        commands.discard(actor, found.pk)
        with pytest.raises(TakeoverError):
            commands.publish(actor, found.pk, expected=1)
        assert queries.takeover(actor, found.pk).state == TakeoverState.DISCARDED
        assert not EnrolmentState.objects.exists()


def test_a_number_that_somebody_claimed_meanwhile_stops_the_whole_and_is_named(place: Place) -> None:
    rows = [sheets.child(1), sheets.child(2)]
    slow = bring(place, sheets.roster(rows))
    with act_as(place.user("registrar", "a2")) as actor:
        quick = commands.bring(actor, sheets.roster(rows[:1]), "名册.xlsx")
        commands.set_totals(actor, quick.pk, balance(quick))
        commands.publish(actor, quick.pk, expected=1)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.set_totals(actor, slow.pk, balance(slow))
        with pytest.raises(TakeoverError, match="第 2 行的号码刚刚被登记"):
            commands.publish(actor, slow.pk, expected=2)
        assert queries.takeover(actor, slow.pk).counts["new"] == 1
        commands.set_totals(actor, slow.pk, balance(slow))
        assert commands.publish(actor, slow.pk, expected=1).rows == 1
    record_says_nothing()
