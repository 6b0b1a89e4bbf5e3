"""Rosters of children, the official list, differences, choice pupils, entries against the rules."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, login, make_county
from tests.registry.admission.test_pages import text
from tests.registry.admission.world import BORN, YEAR, admitted, candidates, enter, govern, plan, sheet

from xueji.registry.admission import commands, queries, reports
from xueji.registry.admission.errors import AdmissionError
from xueji.registry.admission.models import Applicant, Child, Clearance, State
from xueji.registry.enrolment import queries as chains
from xueji.registry.people import queries as persons

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
ROSTER = "姓名\t身份证号\t社区\t幼儿园\t学前学籍号\t监护人姓名\t监护人电话"


@pytest.fixture
def place() -> Place:
    return make_county()


def book(content: bytes) -> str:
    sheet_ = openpyxl.load_workbook(io.BytesIO(content)).active
    return "\n".join("\t".join(str(c.value or "") for c in row) for row in sheet_.iter_rows())


@pytest.mark.capability("C-ENR-01", page="/admission/children/")
@pytest.mark.capability("C-NUM-16", page="/admission/children/")
@pytest.mark.capability("C-ENR-18", page="/admission/children/")
def test_the_roster_tells_who_has_not_entered_and_fills_in_the_candidate(
    place: Place, client: Client
) -> None:
    """The registrar pastes the children of the area; one is at another school, one goes to a city, one becomes a candidate.

    The candidate has everything the pre-school roster knew; what is left is the list of those not enrolled.
    """
    numbers = [id_number(BORN, "1", serial=200 + i) for i in range(4)]
    enrol(place, "b1", name="在外校", birth=BORN, identity=numbers[0])
    names = ("在外校", "去外地", "要入学", "没消息")
    lines = [ROSTER] + [
        f"{n}\t{numbers[i]}\t东湖社区\t小太阳幼儿园\tY2023000{i}\t周父\t13900001234"
        for i, n in enumerate(names)
    ]
    lines.append(
        f"还小\t{id_number(BORN.replace(year=YEAR - 3), '2', serial=210)}\t东湖社区\t小太阳幼儿园\t\t\t"
    )
    registrar = login(client, place.user("registrar", "a1"))
    done = registrar.post("/admission/children/act/", {"do": "enter", "text": "\n".join(lines)}, follow=True)
    assert "已录入花名册 5 人" in text(done)
    again = registrar.post("/admission/children/act/", {"do": "enter", "text": "\n".join(lines)}, follow=True)
    assert "已录入花名册 0 人, 5 人原来就有" in text(again)
    page = registrar.get(f"/admission/children/?year={YEAR}&tab=missing")
    assert "还没有入学 3" in text(page)
    assert "在外校" not in text(page)
    assert numbers[1] not in page.content.decode()
    assert "/dropout/" in page.content.decode()
    assert "还小" in text(registrar.get(f"/admission/children/?year={YEAR + 3}&tab=missing"))
    with act_as(place.user("registrar", "a1")):
        rows = {c.name: str(c.pk) for c in Child.objects.all()}
    registrar.post(
        "/admission/children/act/",
        {
            "do": "whereabouts",
            "child": rows["去外地"],
            "where": "elsewhere",
            "note": "随父母在省城就读",
            "year": YEAR,
        },
    )
    made = registrar.post(
        "/admission/children/act/", {"do": "candidates", "child": rows["要入学"], "year": YEAR}, follow=True
    )
    assert "已转为新生候选人 1 人" in text(made)
    elsewhere = text(registrar.get(f"/admission/children/?year={YEAR}&tab=elsewhere"))
    assert "在外校" in elsewhere
    assert "乙禾" in elsewhere or place.org("b1").name in elsewhere
    left = book(registrar.post("/admission/reports/export/", {"what": "missing", "year": YEAR}).content)
    assert "没消息" in left
    assert "要入学" not in left
    away = book(registrar.post("/admission/reports/export/", {"what": "elsewhere", "year": YEAR}).content)
    assert "去外地" in away
    assert place.org("b1").name in away
    assert "适龄未入学儿童" in text(registrar.get("/dropout/"))
    plan(place)
    with act_as(place.user("registrar", "a1")) as actor:
        row = candidates(place)[0]
        assert (row.from_school, row.guardian_name, row.preschool_no[:1]) == ("小太阳幼儿园", "周父", "Y")
    with act_as(place.user("school_head", "a1")) as actor:
        sent = commands.submit(actor, [row.pk])
    with act_as(place.user("county_clerk", "a")) as actor:
        commands.decide(actor, sent.pk)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.check_in(actor, [row.pk], on=TODAY)
        fields = {
            f.key: f.value
            for group in persons.profile(actor, row.pk)
            for f in getattr(group, "fields", [group])
        }
        assert fields["preschool"] not in ("", None)


@pytest.mark.capability("C-COL-08", page="/admission/official/")
@pytest.mark.capability("C-ENR-11", page="/admission/reports/")
def test_the_official_list_goes_down_to_schools_and_is_compared_with_the_register(
    place: Place, client: Client
) -> None:
    """The county pastes the admission list; the school checks two in; one on the register was never listed."""
    plan(place, "c1", stage="S")
    born = date(2011, 3, 5)
    numbers = [id_number(born, "1", serial=300 + i) for i in range(4)]
    rows = [
        f"高{w}\t{numbers[i]}\t{place.org('c1').name}\t2026000{i}\t第一初中" for i, w in enumerate("甲乙丙")
    ]
    rows.append(f"高丁\t{numbers[3]}\t没有的学校\t20260009\t第一初中")
    county = login(client, place.user("county_clerk", "c"))
    done = county.post(
        "/admission/official/",
        {
            "stage": "S",
            "year": YEAR,
            "text": "\n".join(["姓名\t身份证号\t录取学校\t准考证号\t毕业学校", *rows]),
        },
    )
    assert "已录入 3 人, 1 行没有录入" in text(done)
    assert "没有叫“没有的学校”的学校" in text(done)
    enrol(place, "c1", name="未列名", stage="S", cohort=YEAR, birth=born)
    with act_as(place.user("registrar", "c1")) as actor:
        mine = {r.name: r for r in candidates(place, "c1")}
        commands.check_in(actor, [mine["高甲"].pk, mine["高乙"].pk], on=TODAY)
        waiting = chains.current(mine["高甲"].pk)
        assert waiting is not None
        assert waiting.class_id is None
    shown = text(county.get(f"/admission/reports/?show=reconcile&stage=S&year={YEAR}"))
    assert "一致 2 人, 有差异 2 人" in shown
    assert "已注册, 名单上没有" in shown
    assert "名单上有, 没有注册" in shown
    sheet_ = book(
        county.post("/admission/reports/export/", {"what": "reconcile", "stage": "S", "year": YEAR}).content
    )
    assert "未列名" in sheet_
    assert "高丙" in sheet_
    # Only those on the list, or admitted by the school itself with approval, pass.
    enter(place, "c1", f"姓名\t身份证号\n私招生\t{id_number(born, '2', serial=310)}", stage="S")
    with act_as(place.user("school_head", "c1")) as actor:
        own = Applicant.objects.get(name="私招生")
        sent = commands.submit(actor, [own.pk])
    with (
        act_as(place.user("county_clerk", "c")) as actor,
        pytest.raises(AdmissionError, match="不在统一招生录取名单上"),
    ):
        commands.decide(actor, sent.pk)


@pytest.mark.capability("C-ENR-12", page="/admission/reports/")
@pytest.mark.capability("C-ENR-13", page="/admission/reports/")
def test_origins_daily_figures_and_the_published_choice_list(place: Place, client: Client) -> None:
    plan(place)
    head = "姓名\t身份证号\t幼儿园\t户口所在地\t择校生"
    lines = [
        f"生{w}\t{id_number(BORN, '1', serial=400 + i)}\t{k}\t{d}\t{c}"
        for i, (w, k, d, c) in enumerate(
            (
                ("甲", "花园幼儿园", "990101", "否"),
                ("乙", "花园幼儿园", "990101", "是"),
                ("丙", "河东幼儿园", "990102", "否"),
            )
        )
    ]
    rows = admitted(place, 3, text="\n".join([head, *lines]))
    assert len(rows) == 3
    with act_as(place.user("registrar", "a1")) as actor:
        commands.check_in(actor, [r.pk for r in rows[:2]], on=TODAY)
        f = queries.Filters(YEAR, "P")
        assert [(x.label, x.n) for x in reports.origins(actor, f)] == [("花园幼儿园", 2), ("河东幼儿园", 1)]
        assert [(x.label, x.n, x.more) for x in reports.checkin(actor, f)] == [(TODAY.isoformat(), 2, 2)]
        assert [a.name for a in reports.outside(actor, f)] == ["生丙"]
    registrar = login(client, place.user("registrar", "a1"))
    assert "花园幼儿园" in text(registrar.get("/admission/reports/?show=origin&stage=P"))
    assert "已报到 2" in text(registrar.get("/admission/reports/?show=checkin&stage=P"))
    assert "生乙" in text(registrar.get("/admission/reports/?show=choice&stage=P"))
    for what in ("publish", "register"):
        paper = registrar.post("/admission/reports/export/", {"what": what, "stage": "P", "year": YEAR})
        assert paper.content.startswith(b"%PDF"), text(paper)[:300]
    assert "生乙" in book(
        registrar.post("/admission/reports/export/", {"what": "choice", "year": YEAR}).content
    )
    assert registrar.post("/admission/reports/export/", {"what": "everything"}).status_code == 404


@pytest.mark.capability("C-ENR-21", page="/admission/clearances/")
@pytest.mark.rule("HEBQA-ENR-04")
def test_an_entry_against_the_rules_is_cleared_by_the_authority_with_its_article(
    place: Place, client: Client
) -> None:
    """The county lists a pupil found under age and clears it; the record ends as cancelled with reason and article."""
    govern(place, "a1", "cn-13-qianan")
    person, other = enrol(place, name="不足龄"), enrol(place, name="查无实据", number=2)
    registrar = login(Client(), place.user("registrar", "a1"))
    county = login(client, place.user("county_clerk", "a"))
    found = county.post("/admission/clearances/", {"find": "1", "q": "不足龄"}, follow=True)
    assert str(person) in found.content.decode()
    for who in (person, other):
        county.post(
            "/admission/clearances/", {"person": str(who), "kind": "underage", "words": "入学时不满六周岁"}
        )
    assert "待主管部门决定" in text(registrar.get("/admission/clearances/"))
    with act_as(place.user("county_clerk", "a")):
        rows = {c.child_id: c.pk for c in Clearance.objects.all()}
    assert (
        registrar.post(f"/admission/clearances/{rows[person]}/", {"do": "clear", "words": "清退"}).status_code
        == 403
    )
    done = county.post(
        f"/admission/clearances/{rows[person]}/", {"do": "clear", "words": "查实后清退"}, follow=True
    )
    assert "已清退 不足龄, 学籍已注销" in text(done)
    assert "二.（一）" in text(done).replace("(", "（").replace(")", "）")
    kept = county.post(
        f"/admission/clearances/{rows[other]}/", {"do": "keep", "words": "户口簿无误"}, follow=True
    )
    assert "已认定 查无实据 的入学有效" in text(kept)
    with act_as(place.user("county_clerk", "a")) as actor:
        last = chains.current(person)
        assert last is not None
        assert last.status == 18
        assert "清退" in next(e for e in chains.events(person) if e.business == "problem").reason
        assert chains.current(other).status == 1  # type: ignore[union-attr]
        with pytest.raises(AdmissionError, match="已经作出决定"):
            commands.decide_clearance(actor, rows[person], cleared=True, words="再来一次")
    with act_as(place.user("county_clerk", "b")) as actor:
        with pytest.raises(Http404):
            commands.list_violation(actor, other, kind="area", findings="不在学区")
    with act_as(place.user("class_teacher", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.list_violation(actor, other, kind="area", findings="不在学区")


def test_a_list_that_was_returned_comes_back_to_the_school_and_a_child_can_be_refused(place: Place) -> None:
    plan(place)
    enter(place, "a1", sheet(2))
    with act_as(place.user("school_head", "a1")) as actor:
        rows = candidates(place)
        sent = commands.submit(actor, [r.pk for r in rows])
    with act_as(place.user("county_clerk", "a")) as actor:
        commands.return_list(actor, sent.pk, words="请补户口簿")
    with act_as(place.user("school_head", "a1")) as actor:
        assert {r.state for r in candidates(place)} == {State.ENTERED}
        again = commands.submit(actor, [r.pk for r in rows])
    with act_as(place.user("county_clerk", "a")) as actor:
        with pytest.raises(AdmissionError, match="写明理由"):
            commands.decide(actor, again.pk, refused={rows[0].pk: ""})
        assert commands.decide(actor, again.pk, refused={rows[0].pk: "户籍不在本县"}).approved == 1
    with act_as(place.user("registrar", "a1")):
        assert sorted(r.state for r in candidates(place)) == ["approved", "refused"]
