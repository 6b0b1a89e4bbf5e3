"""The officer's desk: every page opens for whom it is meant, and the deeds behind it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, link_child, login, make_county, seeing_all

from xueji.office.privacy import models as m
from xueji.office.privacy import sharing, terms, yearly
from xueji.office.privacy.commands import checks, complaints, incidents, officers, papers, shares
from xueji.office.privacy.errors import PrivacyError

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def client_of(place: Place, role: str, where: str) -> Client:
    return login(Client(), place.user(role, where))


PAGES = (
    "", "officer/", "classes/", "retention/", "papers/impact/", "papers/year/", "plan/", "incidents/",
    "incidents/?tab=closed", "incidents/new/", "shares/", "shares/new/",
)  # fmt: skip


@pytest.mark.parametrize(
    ("role", "where"), [("school_head", "a1"), ("registrar", "a1"), ("county_head", "a")]
)
def test_the_pages_open_for_school_and_authority(place: Place, role: str, where: str) -> None:
    client = client_of(place, role, where)
    for page in PAGES:
        answer = client.get(f"/privacy/office/{page}")
        assert answer.status_code == 200, page
        assert "{" + "{" not in answer.content.decode(), page
    assert "/privacy/office/retention/" in client.get("/privacy/office/").content.decode()


def test_administrators_see_checks_and_report_but_no_pupil(place: Place) -> None:
    client = client_of(place, "system_admin", "province")
    assert client.get("/privacy/office/checks/").status_code == 200
    assert client.get("/privacy/office/incidents/new/").status_code == 200
    for page in ("", "incidents/", "complaints/", "shares/", "retention/"):
        assert client.get(f"/privacy/office/{page}").status_code == 403, page


@pytest.mark.capability("C-SEC-06")
def test_every_table_is_classified_once(db: Any) -> None:
    """Who: the officer. He reads which data the system holds, how sensitive; no table is left out."""
    from xueji.ground.db.guards import declared

    listed = [t for c in terms.data_classes() for t in c.tables]
    assert len(listed) == len(set(listed))
    assert {t.name for t in declared()} - set(listed) == set(), "tables without a class"
    assert set(listed) - {t.name for t in declared()} == set(), "classes of tables that are gone"
    kinds = terms.classes()
    for c in terms.data_classes():
        assert c.grade in ("一般", "敏感", "重要"), c.code
        assert c.retention in kinds, c.code


def test_the_head_names_the_officer_who_then_acts(place: Place) -> None:
    clerk = place.user("county_clerk", "a")
    with act_as(place.user("county_head", "a")) as head:
        assert clerk.pk in dict(officers.candidates(head))
        assert place.user("county_clerk", "b").pk not in dict(officers.candidates(head))
        papers.draft(head, kind="impact")
        officers.designate(head, user_id=clerk.pk, phone="0990-1111111")
        with pytest.raises(PermissionDenied):
            papers.draft(head, kind="impact")
    with act_as(clerk) as actor:
        papers.draft(actor, kind="impact")
    page = client_of(place, "county_clerk", "a").get("/privacy/office/officer/").content.decode()
    assert "0990-1111111" in page
    assert "0990-1111111" in Client().get("/privacy/complain/officers/").content.decode()
    assert "0990-1111111" not in Client().get("/privacy/complain/officers/?q=乙州").content.decode()
    assert "/privacy/complain/" in Client().get("/privacy/").content.decode()


@pytest.mark.capability("C-SEC-04")
@pytest.mark.capability("C-SEC-11")
def test_commerce_is_refused_with_its_article_and_an_entry_governs_what_leaves(place: Place) -> None:
    """Who: the head of a school. Enters a shop and a hospital. Ends with a refusal that quotes the law, and a file of
    exactly the agreed columns that stands in the register."""
    enrol(place, name="苏小满")
    client = client_of(place, "school_head", "a1")
    day = timezone.localdate()
    form = {
        "recipient": "某培训公司", "recipient_kind": "third", "purpose": "推广课程", "commercial": "on",
        "columns": ["name", "identity"], "basis": "consent", "contract": "", "since": day.isoformat(),
        "until": (day + timedelta(days=30)).isoformat(), "at_end": "delete",
    }  # fmt: skip
    answer = client.post("/privacy/office/shares/new/", form, follow=True)
    text = answer.content.decode()
    assert "第十条" in text and "不得把学生信息用于商业活动" in text
    with seeing_all():
        refused = m.Share.objects.get(recipient="某培训公司")
    assert refused.state == "refused"
    assert {r["article"] for r in refused.refusals} >= {
        "第六条、第十条",
        "第二十八条、第二十九条",
        "第五十五条",
    }
    assert (
        client.post(f"/privacy/office/shares/{refused.pk}/transfer/", {"deed": "export"}).status_code == 302
    )
    good = form | {
        "recipient": "县疾控中心", "recipient_kind": "department", "purpose": "接种查验", "columns": ["name", "grade"],
        "basis": "law", "basis_note": "《疫苗管理法》第四十八条", "since": day.isoformat(),
    }  # fmt: skip
    del good["commercial"]
    assert "没有做" in sharing.rules()[7]["name"]
    assert (
        "须完成个人信息保护影响评估"
        in client.post("/privacy/office/shares/new/", good, follow=True).content.decode()
    )
    with act_as(place.user("school_head", "a1")) as actor:
        row = papers.draft(actor, kind="impact")
        said = {f"{k}:{r['key']}": v for r in row.risks for k, v in (("level", "low"), ("measure", "培训"))}
        papers.write(actor, row.pk, findings="", measures="按期整改", risks=said)
        papers.sign(actor, row.pk)
    page = client.post("/privacy/office/shares/new/", good, follow=True)
    assert "按登记导出名单" in page.content.decode()
    share = page.context["s"]
    file = client.post(f"/privacy/office/shares/{share.pk}/transfer/", {"deed": "export"})
    assert file["Content-Type"].endswith("sheet")
    from io import BytesIO

    from python_calamine import CalamineWorkbook

    cells = [
        c
        for r in CalamineWorkbook.from_filelike(BytesIO(file.content)).get_sheet_by_index(0).to_python()
        for c in r
    ]
    assert "苏小满" in cells and "姓名" in cells and "性别" not in cells
    page = client.get(f"/privacy/office/shares/{share.pk}/").content.decode()
    assert "在籍学生名单" in page
    with act_as(place.user("school_head", "a1")) as actor:
        shares.end(actor, share.pk, how="收到对方的删除证明")
        with pytest.raises(PrivacyError, match="第二十一条"):
            shares.transfer(actor, share.pk, what="名单", rows=1)


@pytest.mark.capability("C-SEC-08")
def test_a_report_of_misuse_without_a_name_reaches_the_authority_and_is_answered(place: Place) -> None:
    """Who: anybody, without an account. Sees a receipt code once; ends with the answer read by that code. The school
    that it is about sees nothing."""
    anybody = Client()
    county = place.org("a").pk
    form = {
        "org_id": county, "about": "青禾县第一小学", "kind": "look", "text": "有老师把全班电话发到了群里, 已经三天",
        "contact": "",
    }  # fmt: skip
    page = anybody.post("/privacy/complain/", form).content.decode()
    code = re.search(r'id="receipt-code">([0-9A-Z-]+)<', page).group(1)  # type: ignore[union-attr]
    with seeing_all():
        row = m.Complaint.objects.get()
        assert "电话".encode() not in bytes(row.sealed) and row.by_user is None
        assert row.due_on > timezone.localdate() + timedelta(days=14)
    for role, where in (("registrar", "a1"), ("school_head", "a1")):
        assert client_of(place, role, where).get("/privacy/office/complaints/").status_code == 403
    assert (
        client_of(place, "county_head", "b").get(f"/privacy/office/complaints/{row.pk}/").status_code == 404
    )
    assert (
        client_of(place, "county_clerk", "a").get(f"/privacy/office/complaints/{row.pk}/").status_code == 403
    )
    head = client_of(place, "county_head", "a")
    assert "发到了群里" in head.get(f"/privacy/office/complaints/{row.pk}/").content.decode()
    head.post(f"/privacy/office/complaints/{row.pk}/", {"deed": "note", "note": "已约谈校长"})
    more = anybody.post("/privacy/complain/answer/", {"code": code.lower(), "more": "群里还有家长的电话"})
    assert "已补充" in more.content.decode() and "约谈" not in more.content.decode()
    answer = {"deed": "answer", "outcome": "true", "text": "情况属实, 已撤回名单并批评当事人"}
    assert head.post(f"/privacy/office/complaints/{row.pk}/", answer).status_code == 302
    assert "已撤回名单" in anybody.post("/privacy/complain/answer/", {"code": code}).content.decode()
    assert "没有这个查询码" in anybody.post("/privacy/complain/answer/", {"code": "AAAA"}).content.decode()
    with act_as(place.user("county_head", "a")) as actor, pytest.raises(PrivacyError):
        complaints.answer(actor, row.pk, outcome="untrue", text="再答复一次是不行的")


def test_a_report_about_the_authority_goes_to_the_one_above(place: Place) -> None:
    made, _code = complaints.report(
        org_id=place.org("a").pk,
        itself=True,
        about="青禾县教育局",
        kind="sale",
        text="把名单卖给了培训机构",
        contact="",
    )
    assert made.org_id == place.org("city1").pk


@pytest.mark.capability("C-SEC-07")
def test_an_incident_from_report_to_notice_and_close(place: Place) -> None:
    """Who: a teacher reports, the registrar lists the children, the families read. Ends closed, each family told."""
    child = enrol(place, name="何清欢")
    other = enrol(place, name="石小川", number=2)
    parent, student = place.user("parent"), place.user("student")
    link_child(parent, child)
    link_child(student, child, guardian_no=None)
    teacher = client_of(place, "class_teacher", "a1")
    form = {"kind": "leak", "title": "名单外发", "found_at": "2026-11-20T09:00", "text": "群里发了全班名单"}
    assert teacher.post("/privacy/office/incidents/new/", form).status_code == 302
    assert teacher.get("/privacy/office/incidents/").status_code == 403
    with seeing_all():
        row = m.Incident.objects.get()
    url = f"/privacy/office/incidents/{row.pk}/"
    office = client_of(place, "registrar", "a1")
    page = office.get(url).content.decode()
    assert "群里发了全班名单" in page and "第三十五条" in page
    assert "何清欢" not in page
    assert client_of(place, "county_clerk", "a").get(url).status_code == 200
    assert client_of(place, "registrar", "a2").get(url).status_code == 404
    office.post(url + "people/", {"class_id": place.klass("a1").pk})
    assert "何清欢" in office.get(url).content.decode()
    assert "石小川" not in office.get(url).content.decode()
    unfilled = office.post(
        url + "notice/",
        {"guardian": "{name}的{fields}可能已经泄露", "child": "{name}同学请小心"},
        follow=True,
    )
    assert "还有没填好的空" in unfilled.content.decode()
    notice = {"guardian": "{name}的电话可能已经泄露, 请小心", "child": "{name}同学, 请小心陌生人"}
    office.post(url + "notice/", notice)
    office.post(url + "tell/")
    home = login(Client(), parent).get(f"/my/{child}/").content.decode()
    assert "何清欢的电话可能已经泄露" in home and "请小心陌生人" not in home
    own = login(Client(), student).get(f"/my/{child}/").content.decode()
    assert "请小心陌生人" in own and "可能已经泄露" not in own
    with seeing_all():
        assert m.Notice.objects.get(audience="guardian").read_by == parent.pk
        assert not m.Notice.objects.filter(person_id=other).exists()
    letters = office.post(url + "letters/")
    assert letters["Content-Type"] == "application/pdf" and letters.content.startswith(b"%PDF")
    assert "还有没办的步骤" in office.post(url + "close/", follow=True).content.decode()
    for step in terms.steps():
        office.post(url + "step/", {"code": step.code, "text": "已经办好了", "severity": "major"})
    office.post(url + "close/")
    assert "已办结" in office.get(url).content.decode()


def test_children_whom_an_account_looked_at_are_found_in_the_audit(place: Place) -> None:
    child = enrol(place, name="何清欢")
    from xueji.registry.people import commands as people

    with act_as(place.user("registrar", "a1")) as actor:
        people.reveal(actor, child, "identity", "核对证件")
    head = place.user("school_head", "a1")
    with act_as(head) as actor:
        row = incidents.report(
            actor, kind="misuse", title="私自查看", text="有人私自查看学生信息", found_at=timezone.now()
        )
    now = timezone.localtime()
    office = client_of(place, "school_head", "a1")
    span = {
        "username": "registrar.a1",
        "begin": (now - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M"),
        "end": (now + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M"),
    }
    office.post(f"/privacy/office/incidents/{row.pk}/looked/", span)
    with seeing_all():
        listed = set(m.Affected.objects.values_list("person_id", flat=True))
    assert child in listed
    assert (
        "本单位和下级没有这个账号"
        in office.post(
            f"/privacy/office/incidents/{row.pk}/looked/", span | {"username": "registrar.b1"}, follow=True
        ).content.decode()
    )


def test_a_drill_tells_nobody(place: Place) -> None:
    child = enrol(place)
    with act_as(place.user("school_head", "a1")) as actor:
        row = incidents.report(
            actor, kind="leak", title="演练", text="模拟名单外发", found_at=timezone.now(), drill=True
        )
        incidents.add_people(
            actor,
            row.pk,
            [{"person_id": child, "school_id": actor.org_id, "name": "甲", "class_name": ""}],
            "演练",
        )
        incidents.write_notice(
            actor, row.pk, guardian="{name}的信息可能已经泄露", child="{name}同学请小心陌生人"
        )
        with pytest.raises(PrivacyError):
            incidents.tell(actor, row.pk)
        for step in terms.steps():
            incidents.step(actor, row.pk, code=step.code, text="已经演练过了")
        incidents.close(actor, row.pk)
    with seeing_all():
        assert not m.Notice.objects.exists()


@pytest.mark.capability("C-SEC-09")
def test_checks_run_by_the_system_leave_findings_with_owner_and_day(place: Place) -> None:
    client = client_of(place, "system_admin", "province")
    client.post("/privacy/office/checks/run/")
    page = client.get("/privacy/office/checks/").content.decode()
    assert "审计日志完整" in page and "没有启用 HTTPS" in page
    with seeing_all():
        finding = m.Finding.objects.get(key="https", closed_at=None)
    client.post("/privacy/office/checks/run/")
    with seeing_all():
        assert m.Finding.objects.filter(key="https").count() == 1
    client.post(f"/privacy/office/findings/{finding.pk}/", {"owner": "王工"})
    client.post(f"/privacy/office/findings/{finding.pk}/", {"note": "已启用证书"})
    finding.refresh_from_db()
    assert finding.closed_at and finding.owner == "王工"
    due = timezone.localdate() + timedelta(days=28)
    entered = {"title": "机房", "text": "门禁和备份", "findings": f"门禁失效; 张老师; {due.isoformat()}"}
    client.post("/privacy/office/checks/enter/", entered)
    assert m.Finding.objects.get(text="门禁失效").due_on == due
    assert checks.run_due() == 0


def test_the_impact_assessment_fills_itself_and_asks_again_when_the_ground_changes(place: Place) -> None:
    """Who: the officer. Sees purposes, amounts, readers, measures filled in; ends with a signed paper and a PDF."""
    enrol(place)
    client = client_of(place, "county_head", "a")
    assert "需要评估" in client.get("/privacy/office/papers/impact/").content.decode()
    url = client.post("/privacy/office/papers/impact/new/")["Location"]
    page = client.get(url).content.decode()
    for words in ("处理目的和依据", "监护人和家庭成员", "AES-256-GCM", "按行权限的数据表"):
        assert words in page, words
    assert "没有评估" in client.post(url + "sign/", follow=True).content.decode()
    with seeing_all():
        row = m.Paper.objects.get()
    said = {
        f"{k}:{r['key']}": v
        for r in row.risks
        for k, v in (("level", "low"), ("measure", "培训"), ("left", "低"))
    }
    client.post(url + "sign/", said | {"measures": "按期整改", "findings": "无"})
    page = client.get(url).content.decode()
    assert "已签署" in page
    assert client.get(url + "report.pdf").content.startswith(b"%PDF")
    assert "需要评估" not in client.get("/privacy/office/papers/impact/").content.decode()
    with act_as(place.user("county_head", "a")) as actor:
        shares.register(
            actor, recipient="县卫健局", recipient_kind="department", purpose="健康体检", commercial=False,
            fields=["name"], basis="law", basis_note="某法第一条", contract="", since=timezone.localdate(),
            until=timezone.localdate() + timedelta(days=30), at_end="delete",
        )  # fmt: skip
    assert "需要评估" in client.get("/privacy/office/papers/impact/").content.decode()


def test_the_yearly_audit_counts_and_is_handed_in(place: Place) -> None:
    """Who: the head of a school. Sees the year's figures, signs, hands in; the county takes it in."""
    child = enrol(place)
    from xueji.registry.people import commands as people

    with act_as(place.user("registrar", "a1")) as actor:
        people.reveal(actor, child, "identity", "核对证件")
    assert yearly.kind_of("people.reveal") == "reveal" and yearly.kind_of("enrolment.enrol") == ""
    assert (
        yearly.kind_of("student.export.download") == "export" and yearly.kind_of("duty.train") == "training"
    )
    school, county = client_of(place, "school_head", "a1"), client_of(place, "county_head", "a")
    url = school.post("/privacy/office/papers/year/new/", {"year": timezone.localdate().year})["Location"]
    with seeing_all():
        row = m.Paper.objects.get()
    looks = next(s for s in row.content["sections"] if s["title"] == "查看和使用")
    assert int(looks["rows"][-1][2]) >= 1
    assert county.get(url).status_code == 404
    school.post(url + "sign/", {"measures": "继续培训"})
    school.post(url + "submit/")
    assert county.get(url).status_code == 200
    assert "青禾县第一小学" in county.get("/privacy/office/papers/year/").content.decode()
    county.post(url + "receive/")
    assert "已接收" in school.get(url).content.decode()
    assert school.get(url + "report.pdf").content.startswith(b"%PDF")
