"""Files with data of many children: applied for, reviewed, allowed, signed for, made, noted, destroyed.

The registrar's journey: the examinations office needs numbers of pupils; the registrar files its application with purpose,
plan and the person who answers for the data, and keeps only the fields that are needed; the head allows it, the
responsible person signs, the registrar makes the file with the own name on every page; when the use ends the file's end
is confirmed, and everybody who asks later finds who had which children's numbers.
"""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.office.outgoing import application, ask, grant, granted_export, promise, review
from tests.registry.changes.world import picture

from xueji.ground.accounts.models import User
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.office.exports import commands, queries
from xueji.office.exports.commands import making
from xueji.office.exports.errors import ExportRefused
from xueji.office.exports.models import ExportRequest, ExportRule
from xueji.office.exports.words import PLAIN
from xueji.registry.people.commands import NewGuardian

pytestmark = pytest.mark.django_db
PHONE, ADDRESS = "13700000042", "云梦路42号院4栋"
DAY = timedelta(days=1)


@pytest.fixture
def place() -> Place:
    return make_county()


def child(place: Place, school: str = "a1", **more: Any) -> str:
    from datetime import date

    born = date(2019, 5, 11)
    number = id_number(born, "1", division=place.org(school).division)
    enrol(place, school, birth=born, identity=number,
          guardians=[NewGuardian("霍守常", "51", sealed={"phone": PHONE, "address": ADDRESS})], **more)  # fmt: skip
    return number


def cells(data: bytes) -> list[str]:
    return [
        str(c.value)
        for r in openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows()
        for c in r
        if c.value
    ]


def entries(action: str) -> list[AuditEntry]:
    with transaction.atomic(), acting("audit"):
        return list(AuditEntry.objects.filter(action=action).order_by("pk"))


def paper() -> SimpleUploadedFile:
    return SimpleUploadedFile("方案.jpg", picture(), content_type="image/jpeg")


@pytest.mark.capability("C-SEC-04", page="/exports/")
@pytest.mark.capability("C-EXP-03", page="/exports/new/")
@pytest.mark.capability("C-EXP-04", page="/exports/")
@pytest.mark.capability("C-EXP-05")
@pytest.mark.capability("C-EXP-06", page="/exports/")
def test_a_file_leaves_after_office_head_and_promise_and_its_end_is_confirmed(place: Place) -> None:
    number, far = child(place, name="苏晴川"), child(place, "b1", name="秦远山")
    registrar, head = (login(Client(), place.user(r, "a1")) for r in ("registrar", "school_head"))
    assert "/exports/new/" in registrar.get("/students/").content.decode()
    masked = registrar.post("/students/export.xlsx", {"purpose": "核对名单"})
    assert number not in "".join(cells(masked.content))
    chosen = registrar.get("/exports/new/?purpose=admission&view=present").content.decode()
    assert "信息使用管理安全保障方案" in chosen
    until = timezone.localdate() + 3 * DAY
    form = {"purpose": "admission", "fields_wanted": ["name", "identity", "phone", "address"],
            "reason": "办理升学报名", "use_scope": "只在教务处内", "way": "在教务处电脑上核对", "recipient_kind": "inside",
            "receiver": "教务处", "responsible": "廖主任", "handler": "贺老师", "until": until.isoformat(),
            "view": "present"}  # fmt: skip
    bare = registrar.post("/exports/new/", form)
    assert bare.status_code == 422
    assert "信息使用管理安全保障方案" in bare.content.decode(), "no application without the plan (article 9)"
    asked = registrar.post("/exports/new/", form | {"plan": paper()}, follow=True)
    url, page = asked.request["PATH_INFO"], asked.content.decode()
    assert "待审核" in page
    assert f"DC{until.year}-{place.org('a1').code}-0001" in page
    assert "廖主任" in page
    assert "待审核" in registrar.get("/").content.decode()
    assert registrar.post(f"{url}file.xlsx").status_code == 302, "nothing before the word"
    registrar.post(
        f"{url}review/", {"kept": ["name", "identity", "address"], "least": "on", "word": "电话用不到"}
    )
    assert "申请导出学生信息" in head.get("/").content.decode()
    assert "办理升学报名" in head.get(url).content.decode()
    assert head.post(f"{url}file.xlsx").status_code == 403
    head.post(f"{url}decide/", {"decision": "grant"})
    unsigned = registrar.post(f"{url}file.xlsx", follow=True).content.decode()
    assert "谁导出、谁负责" in unsigned
    registrar.post(f"{url}acknowledge/", {"read": "on"})
    assert "责任人签收责任书" not in registrar.get(url).content.decode(), (
        "somebody else's promise needs the paper"
    )
    registrar.post(f"{url}acknowledge/", {"read": "on", "paper": paper()})
    answer = registrar.post(f"{url}file.xlsx")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Cache-Control"] == "private, no-store"
    found = cells(answer.content)
    assert number in found
    assert ADDRESS in found
    assert PHONE not in found, "only what was approved"
    assert far not in found
    assert any(place.user("registrar", "a1").display_name in c for c in found)
    [entry] = entries("people.release")
    assert (entry.purpose, entry.row_count, entry.after["groups"]) == (
        "办理升学报名",
        1,
        ["identity", "address"],
    )
    assert number not in str(entry.after)
    [noted] = entries("export.file")
    assert noted.after["fields"] == ["name", "identity", "address"]
    assert noted.person_ids, "who looked at this child finds it"
    with seeing_all():
        ExportRequest.objects.update(until=timezone.localdate() - DAY)
    assert "待确认销毁" in registrar.get("/").content.decode()
    due = registrar.get("/exports/?view=due").content.decode()
    assert "办理升学报名" in due
    assert "到期未销毁" in due
    today = timezone.localdate().isoformat()
    registrar.post(f"{url}settle/", {"how": "destroyed", "on": today, "word": "彻底删除, 廖主任在场"})
    assert "办理升学报名" not in registrar.get("/exports/?view=due").content.decode()
    assert "彻底删除" in head.get(url).content.decode()
    assert {"export.ask", "export.review", "export.grant", "export.acknowledge", "export.settle"} <= set(
        _actions()
    )


def _actions() -> set[str]:
    with transaction.atomic(), acting("audit"):
        return set(AuditEntry.objects.values_list("action", flat=True))


@pytest.mark.capability("C-EXP-03", page="/exports/new/")
def test_a_class_teacher_applies_for_the_own_class_signs_and_the_office_hands_the_file_out(
    place: Place,
) -> None:
    """The class teacher's journey: asks for the phones of the own class for a parents' group; office and head decide;
    the teacher signs with the own account, gets the file from the office and confirms that it was destroyed."""
    child(place, name="苏晴川")
    teacher = place.user("class_teacher", "a1")
    page = login(Client(), teacher)
    assert "用途" in page.get("/exports/new/").content.decode()
    own = {"class": str(place.klass("a1").pk)}
    row = ask(place, "class_teacher", "a1", purpose_code="contact", fields=["name", "phone"], conditions=own,
              reason="通知家长会", receiver="一年级1班", responsible=teacher.display_name)  # fmt: skip
    assert "通知家长会" in page.get("/exports/").content.decode()
    review(place, row)
    grant(place, row)
    with seeing_all():
        User.objects.filter(pk=place.user("registrar", "a1").pk).update(display_name=teacher.display_name)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(ExportRefused, match="本人"):
        commands.acknowledge(actor, row.pk, read=True)
    with act_as(teacher) as actor:
        commands.acknowledge(actor, row.pk, read=True)
        with pytest.raises(PermissionDenied):
            commands.make(actor, row.pk)
    with act_as(place.user("registrar", "a1")) as actor:
        assert PHONE in cells(commands.make(actor, row.pk)[0])
    with act_as(teacher) as actor:
        with pytest.raises(ExportRefused, match="班级"):
            commands.ask(actor, **application(purpose_code="contact", fields=["name"], conditions={}))
        with pytest.raises(PermissionDenied):
            commands.ask(actor, **application(conditions=own, fields=["name", "identity"]))
        settled = commands.settle(
            actor, row.pk, how="destroyed", on=timezone.localdate(), word="已从手机删除"
        )
    assert settled.state == "settled"


def test_two_people_are_needed_and_the_database_says_so_as_well(place: Place) -> None:
    row = ask(place)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.decide(actor, row.pk, granted=True)
    with pytest.raises(IntegrityError), seeing_all(), connection.cursor() as c:
        c.execute("update export_request set state = 'granted', decided_by = asked_by")


@pytest.mark.rule("NAT-EXP-14")
@pytest.mark.rule("NAT-EXP-13")
@pytest.mark.capability("C-EXP-04")
def test_the_head_decides_after_the_office_has_looked_at_each_field(place: Place) -> None:
    row = ask(place)
    with pytest.raises(ExportRefused, match="第十条"):
        grant(place, row)
    with pytest.raises(ExportRefused, match="第十条"):
        review(place, row, least=False)
    kept = review(place, row, fields=["name", "address"])
    assert kept.approved == ["name"], "nothing is added to what was asked for"
    grant(place, row)


@pytest.mark.rule("NAT-EXP-03")
def test_who_manages_the_data_does_not_also_use_it(place: Place) -> None:
    row = ask(place, receiver=f"{place.org('a1').name}学籍管理部门")
    with pytest.raises(ExportRefused, match="第四条"):
        review(place, row)


@pytest.mark.rule("NAT-EXP-11")
@pytest.mark.rule("NAT-EXP-12")
@pytest.mark.capability("C-EXP-03")
@pytest.mark.parametrize(
    "more", [{"use_scope": ""}, {"way": " "}, {"responsible": ""}, {"handler": ""}, {"plan": b""}]
)
def test_an_application_has_all_its_parts_and_the_plan(place: Place, more: dict[str, Any]) -> None:
    with pytest.raises(ExportRefused, match="第九条"):
        ask(place, **more)


@pytest.mark.capability("C-EXP-04")
@pytest.mark.capability("C-EXP-08", page="/exports/new/")
def test_fields_that_the_purpose_does_not_need_cannot_be_had(place: Place) -> None:
    with pytest.raises(ExportRefused, match=r"证件号码.*第十条"):
        ask(place, purpose_code="teaching", fields=["name", "identity"])
    page = (
        login(Client(), place.user("registrar", "a1")).get("/exports/new/?purpose=teaching").content.decode()
    )
    assert "证件号码" not in page
    for purpose, word in (("other", "教育管理和教学"), ("", "请选择用途")):
        with pytest.raises(ExportRefused, match=word):
            ask(place, purpose_code=purpose)
    with pytest.raises(ExportRefused, match="第二十三条"):
        ask(place, recipient_kind="third")


@pytest.mark.parametrize(
    "who", [("teacher", "a1"), ("school_head", "a1"), ("central_clerk", "central"), ("parent", "")]
)
def test_who_may_not_ask_does_not(place: Place, who: tuple[str, str]) -> None:
    with pytest.raises(PermissionDenied):
        ask(place, *who)


@pytest.mark.parametrize(
    "who", [("registrar", "a2"), ("school_head", "b1"), ("county_head", "a"), ("county_clerk", "c"),
            ("class_teacher", "a1")]
)  # fmt: skip
def test_others_do_not_find_it(place: Place, who: tuple[str, str]) -> None:
    row = ask(place)
    with act_as(place.user(*who)) as actor:
        with pytest.raises(Http404):
            queries.get(actor, row.pk)
        assert queries.listed(actor) == []
        with pytest.raises((Http404, PermissionDenied)):
            commands.settle(actor, row.pk, how="destroyed", on=timezone.localdate(), word="已删除了")


@pytest.mark.parametrize(
    "more",
    [
        {"fields": []}, {"fields": ["health"]}, {"reason": "x"}, {"receiver": ""},
        {"until": timezone.localdate() - DAY}, {"until": timezone.localdate() + 15 * DAY},
    ],
)  # fmt: skip
def test_what_says_too_little_or_lasts_too_long_is_sent_back(place: Place, more: dict[str, Any]) -> None:
    with pytest.raises(ExportRefused):
        ask(place, **more)


@pytest.mark.capability("C-EXP-06")
def test_it_ends_with_its_day_with_the_heads_word_and_after_five_files(place: Place) -> None:
    child(place)
    key = granted_export(place, "a1")
    with act_as(place.user("registrar", "a1")) as actor:
        for _i in range(5):
            commands.make(actor, key)
        with pytest.raises(ExportRefused, match="5次"):
            commands.make(actor, key)
    again, old = granted_export(place, "a1"), granted_export(place, "a1")
    with act_as(place.user("school_head", "a1")) as actor:
        commands.end(actor, again)
        commands.end(actor, key)
    with seeing_all():
        ExportRequest.objects.filter(pk=old).update(until=timezone.localdate() - DAY)
    with act_as(place.user("registrar", "a1")) as actor:
        for gone in (again, old):
            with pytest.raises(ExportRefused, match="到期"):
                commands.make(actor, gone)
        assert [r.pk for r in queries.listed(actor, "due")] == [key], "a use taken back must be confirmed too"
        with pytest.raises(ExportRefused):
            commands.settle(actor, again, how="destroyed", on=timezone.localdate(), word="没有导出过")


@pytest.mark.parametrize(("meanwhile", "said"), [({"made": 5}, "5次"), ({"state": "ended"}, "还没有批准")])
def test_a_use_that_ends_while_the_file_is_gathered_gives_none(
    place: Place, monkeypatch: pytest.MonkeyPatch, meanwhile: dict[str, Any], said: str
) -> None:
    """What was read before the children were gathered is read again under the lock: no file beyond the word or limit."""
    child(place)
    key = granted_export(place, "a1")
    gather = making._students

    def slow(actor: Any, row: ExportRequest, most: int) -> Any:
        with seeing_all():
            ExportRequest.objects.filter(pk=key).update(**meanwhile)
        return gather(actor, row, most)

    monkeypatch.setattr(making, "_students", slow)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(ExportRefused, match=said):
        commands.make(actor, key)
    assert "export.file" not in _actions()


def test_a_refusal_needs_a_reason_and_opens_nothing(place: Place) -> None:
    row = ask(place)
    with pytest.raises(ExportRefused):
        grant(place, row, granted=False)
    grant(place, row, granted=False, word="范围太大, 请按年级申请")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(ExportRefused):
        commands.make(actor, row.pk)
    page = login(Client(), place.user("registrar", "a1")).get(f"/exports/{row.pk}/").content.decode()
    assert "范围太大" in page
    assert "导出 Excel" not in page


def test_what_looks_like_a_formula_stays_text(place: Place) -> None:
    child(place, name="苏晴川")
    with seeing_all(), connection.cursor() as c:
        c.execute("update roster set name = '=1+1'")
    key = granted_export(place, "a1", fields=["name"])
    with act_as(place.user("registrar", "a1")) as actor:
        data, _name = commands.make(actor, key)
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert all(c.data_type != "f" for r in book.active.iter_rows() for c in r)


def test_nothing_that_is_not_there(place: Place) -> None:
    client = login(Client(), place.user("school_head", "a1"))
    assert client.post(f"/exports/{uuid.uuid4()}/decide/", {"decision": "grant"}).status_code == 404


def test_every_sealed_field_needs_a_right_of_its_own() -> None:
    from xueji.office.exports.words import FIELDS

    assert {f for f, (_w, right) in FIELDS.items() if right} == set(PLAIN)


# --- the authorities ----------------------------------------------------------------------------------------------


@pytest.mark.rule("NAT-EXP-08")
@pytest.mark.capability("C-EXP-01", page="/exports/openings/")
def test_a_county_exports_from_the_page_once_the_province_has_opened_it(place: Place) -> None:
    """The province's head opens the export to a county; its clerk finds the button, takes the masked list and, with the
    own head's word, a file by application; taken back, all of it is gone at once."""
    number, far = child(place, name="苏晴川"), child(place, "c1", name="顾长风")
    clerk = login(Client(), place.user("county_clerk", "a"))
    leader = login(Client(), place.user("province_head", "province"))
    assert "/students/export.xlsx" not in clerk.get("/students/").content.decode()
    assert clerk.post("/students/export.xlsx", {"purpose": "核对名单"}).status_code == 403
    row = ask(place, "county_clerk", "a", fields=["name", "birth_date"])
    review(place, row, "county_clerk", "a")
    grant(place, row, "county_head", "a")
    promise(place, row, "county_clerk", "a")
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(ExportRefused, match="第七条"):
        commands.make(actor, row.pk)
    county = place.org("a").pk
    day = (timezone.localdate() + 30 * DAY).isoformat()
    assert "青禾县教育局" in leader.get("/exports/openings/").content.decode()
    leader.post(f"/exports/openings/{county}/open/", {"document": "测教函1号", "until": day})
    assert "测教函1号" in clerk.get("/exports/rules/").content.decode()
    assert "/students/export.xlsx" in clerk.get("/students/").content.decode()
    found = cells(clerk.post("/students/export.xlsx", {"purpose": "核对名单"}).content)
    assert "苏晴川" in found
    assert "顾长风" not in found
    assert number not in found, "masked"
    assert far not in found
    [entry] = entries("student.export")
    assert entry.person_ids
    with act_as(place.user("county_clerk", "a")) as actor:
        assert "苏晴川" in cells(commands.make(actor, row.pk)[0])
    leader.post(f"/exports/openings/{county}/close/", {"why": "到期收回"})
    assert "/students/export.xlsx" not in clerk.get("/students/").content.decode()
    assert clerk.post("/students/export.xlsx", {"purpose": "核对名单"}).status_code == 403
    assert len(entries("export.open")) == len(entries("export.close")) == 1


def test_only_the_provinces_head_opens_and_only_own_counties(place: Place) -> None:
    other = make_county("x")
    day = timezone.localdate() + DAY
    for who in (("county_head", "a"), ("city_head", "city1"), ("province_clerk", "province")):
        with act_as(place.user(*who)) as actor, pytest.raises(PermissionDenied):
            commands.open_county(actor, place.org("a").pk, document="文件1号", until=day)
    with act_as(place.user("province_head", "province")) as actor:
        for org in (other.org("a"), place.org("a1"), place.org("city1")):
            with pytest.raises(ExportRefused):
                commands.open_county(actor, org.pk, document="文件1号", until=day)
        with pytest.raises(ExportRefused):
            commands.open_county(actor, place.org("a").pk, document="文件1号", until=day + 400 * DAY)


@pytest.mark.rule("NAT-EXP-06")
@pytest.mark.capability("C-EXP-07", page="/exports/rules/")
def test_each_level_keeps_its_rule_and_the_narrowest_holds(place: Place) -> None:
    """The head writes the school's rule with a responsible person and posts; before that nobody there may apply; no limit
    is wider than one above, and the narrowest of the line holds."""
    with seeing_all():
        ExportRule.objects.filter(org_id=place.org("a1").pk).update(until=timezone.localdate())
    with pytest.raises(ExportRefused, match="第六条"):
        ask(place)
    head, registrar = (login(Client(), place.user(r, "a1")) for r in ("school_head", "registrar"))
    assert "还没有制定" in registrar.get("/exports/rules/").content.decode()
    rule = {"title": "数据导出使用制度", "text": "按需申请, 审核批准后导出, 用完销毁并当面确认, 不得外传。",
            "responsible": "裴校长", "post": "校长", "duties": "学籍管理员: 受理和导出\n教务主任：使用和销毁",
            "most_days": 15, "most_files": 3, "most_rows": 2000}  # fmt: skip
    wide = head.post("/exports/rules/new/", rule)
    assert wide.status_code == 422
    assert "不能比上级的规定更宽" in wide.content.decode()
    head.post("/exports/rules/new/", rule | {"most_days": 7})
    page = registrar.get("/exports/rules/").content.decode()
    for words in ("裴校长", "教务主任", "使用和销毁", "最长7天", "测试省教育厅"):
        assert words in page
    ask(place, until=timezone.localdate() + 7 * DAY)
    with pytest.raises(ExportRefused, match="7天"):
        ask(place, until=timezone.localdate() + 8 * DAY)
    with act_as(place.user("county_head", "a")) as actor:
        commands.set_rule(actor, title="", text="本县数据导出从严管理, 一件申请只导出一次, 用完即销毁。",
                          responsible="路局长", post="副局长", duties=[("学籍科", "审核")],
                          most_days=5, most_files=1, most_rows=1000)  # fmt: skip
    with pytest.raises(ExportRefused, match="5天"):
        ask(place, until=timezone.localdate() + 6 * DAY)
    assert registrar.get("/exports/rules/new/").status_code == 403
    for missing in ({"responsible": " "}, {"duties": []}, {"text": "短"}):
        with act_as(place.user("city_head", "city1")) as actor, pytest.raises(ExportRefused):
            commands.set_rule(actor, **({"title": "", "text": "数据导出和使用按需申请审批, 用完销毁。" * 2,
                              "responsible": "高局长", "post": "局长", "duties": [("科", "管")], "most_days": 9,
                              "most_files": 2, "most_rows": 100} | missing))  # type: ignore[arg-type]  # fmt: skip
    assert len(entries("export.rule")) == 2


# --- strangers ----------------------------------------------------------------------------------------------------


@pytest.mark.capability("C-EXP-08", page="/exports/new/")
def test_a_stranger_is_given_only_children_whose_families_agreed(place: Place) -> None:
    """The office asks for a list for an insurer: basic fields only, and only of children whose guardian agreed."""
    from tests.helpers import link_child

    from xueji.registry.family import consents

    yes = enrol(place, "a1", name="苏晴川", guardians=[NewGuardian("苏伯安", "51", is_guardian=True)])
    enrol(place, "a1", name="白羽生", guardians=[NewGuardian("白伯安", "51", is_guardian=True)])
    with pytest.raises(ExportRefused, match="监护人电话"):
        ask(place, purpose_code="outside", recipient_kind="third", fields=["name", "phone"])
    key = granted_export(
        place, "a1", purpose_code="outside", recipient_kind="third", fields=["name", "class"],
        reason="研学旅行投保", receiver="某某保险公司",
    )  # fmt: skip
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(ExportRefused, match="第二十三条"):
        commands.make(actor, key)
    parent = place.user("parent")
    link_child(parent, yes)
    with act_as(parent) as actor:
        consents.answer(actor, yes, "outside_activity", agreed=True)
    with act_as(place.user("registrar", "a1")) as actor:
        found = cells(commands.make(actor, key)[0])
    assert "苏晴川" in found
    assert "白羽生" not in found
    with act_as(parent) as actor:
        consents.answer(actor, yes, "outside_activity", agreed=False)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(ExportRefused, match="第二十三条"):
        commands.make(actor, key)
