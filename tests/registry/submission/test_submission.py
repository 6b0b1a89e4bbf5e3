"""A class is counted, its school hands in, the tiers sign or send back; what is under review stays as it is."""

from __future__ import annotations

import hashlib
import io
import uuid
import zipfile
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import PASSWORD, Place, act_as, give_role, login, make_county, seeing_all

from xueji.ground.db.scope import acting
from xueji.registry.changes.errors import CaseError
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.people import commands as people
from xueji.registry.people.errors import BadValue
from xueji.registry.submission import checks, classes, commands, omitted, queries
from xueji.registry.submission.errors import SubmissionError
from xueji.registry.submission.models import ClassCheck, Package, Round, Signature, State, Submission

pytestmark = pytest.mark.django_db

TEACHER, OFFICE, HEAD = ("class_teacher", "a2"), ("registrar", "a2"), ("school_head", "a2")
CENTRAL, COUNTY, BOSS = ("central_clerk", "central"), ("county_clerk", "a"), ("county_head", "a")


@pytest.fixture
def place() -> Place:
    return make_county()


def count(place: Place, who: tuple[str, str] = TEACHER, **more: Any) -> ClassCheck:
    school = who[1]
    klass = place.klass(school).pk
    with act_as(place.user(*who)) as actor:
        more.setdefault(
            "present",
            len(classes.pupils(klass)) - len(more.get("absences", ())) + len(more.get("extras", ())),
        )
        return commands.verify_class(actor, klass, **more)


def ask(place: Place, **more: Any) -> Round:
    now = timezone.now()
    given: dict[str, Any] = {
        "kind": "submit", "title": "2026年秋季学籍数据上报", "opens_at": now - timedelta(days=1),
        "due_at": now + timedelta(days=7), "responsible": "学籍科", "phone": "0990-1234567",
    } | more  # fmt: skip
    with act_as(place.user(*COUNTY)) as actor:
        return commands.open_round(actor, **given)


def mine(place: Place, row: Round, school: str = "a2") -> Submission:
    with seeing_all():
        return Submission.objects.select_related("round").get(round=row, school_id=place.org(school).pk)


def explain_all(place: Place, one: Submission) -> None:
    """Say of everything that may stay why it does: children of tests have no photos and few items."""
    with act_as(place.user(*OFFICE)) as actor:
        for code in checks.FINDINGS:
            if code not in one.round.blocking:
                commands.explain(actor, one.pk, code, "测试学校本周补齐")


def send(place: Place, one: Submission, **more: Any) -> Submission:
    with act_as(place.user(*OFFICE)) as actor:
        return commands.send(actor, one.pk, password=PASSWORD, **more)


def press(place: Place, who: tuple[str, str], one: Submission, **more: Any) -> Submission:
    with act_as(place.user(*who)) as actor:
        return commands.pass_(actor, one.pk, password=PASSWORD, **more)


def ready(place: Place, **more: Any) -> tuple[uuid.UUID, Submission]:
    child = enrol(place, "a2", name="方雨桐")
    count(place)
    one = mine(place, ask(place, **more))
    explain_all(place, one)
    return child, one


@pytest.mark.capability("C-SUB-01")
@pytest.mark.capability("C-SUB-02")
@pytest.mark.capability("C-SUB-03")
@pytest.mark.capability("C-SUB-06")
def test_from_the_class_to_the_county_with_a_return(place: Place) -> None:
    """The teacher counts, the registrar hands in under his signature, the head and the central school sign; the county
    sends one child back, the school mends it and hands in again, the county's clerk and head sign: passed. Each step
    has its holder, every signature names who, when and what; the history keeps the return.
    """
    child, one = ready(place)
    sent = send(place, one)
    assert sent.number and sent.number.startswith("SB-") and sent.state == State.RUNNING and not sent.late
    assert sent.snapshot["total"] == 1 and sent.snapshot["classes"][0]["n"] == 1

    with act_as(place.user(*CENTRAL)) as actor:
        frame = queries.page(actor, queries.get(actor, one.pk))
        assert frame.holder is not None and frame.holder["phone"] == "0990-1234567"
        assert [s["role"] for s in frame.steps] == [
            "学籍管理员", "学校学籍主管领导", "中心校学籍管理员", "县级经办人", "县级负责人",
        ]  # fmt: skip
        with pytest.raises(PermissionDenied, match="还没有轮到您"):
            commands.pass_(actor, one.pk, password=PASSWORD)
    press(place, HEAD, one)
    press(place, CENTRAL, one)
    with act_as(place.user(*COUNTY)) as actor:
        commands.return_(actor, one.pk, items={child: "姓名与户口簿不一致"})
    with act_as(place.user(*OFFICE)) as actor:
        row = queries.get(actor, one.pk)
        assert row.state == State.RETURNED and row.repair == ["方雨桐: 姓名与户口簿不一致"]
        people.set_profile(actor, child, {"postcode": "990101"})  # what came back can be mended
    again = send(place, one)
    assert (again.number, again.times) == (sent.number, 2) and again.digest != sent.digest
    press(place, COUNTY, one)  # it comes back to the tier that had returned it
    assert press(place, BOSS, one).state == State.PASSED
    with act_as(place.user(*BOSS)) as actor:
        frame = queries.page(actor, queries.get(actor, one.pk))
        assert frame.holder is None
        assert [(s.times, s.way) for s in frame.signatures] == [(n, "password") for n in (1, 1, 1, 2, 2, 2)]
        assert frame.signatures[-1].name == place.user(*BOSS).display_name
        assert bytes(frame.signatures[-1].digest) == bytes(again.digest or b"")
        assert any("姓名与户口簿不一致" in x["text"] for x in frame.log)


@pytest.mark.capability("C-SUB-01")
def test_under_review_nothing_of_a_child_is_edited_and_the_holder_is_named(place: Place) -> None:
    """The registrar edits a child that is under review and is told with whom it is; so is whoever comes past the command."""
    child, one = ready(place)
    with act_as(place.user(*OFFICE)) as actor:
        people.set_profile(actor, child, {"postcode": "990101"})
    send(place, one)
    with act_as(place.user(*OFFICE)) as actor:
        with pytest.raises(BadValue, match=r"现由青禾县东乡小学审核.*电话 0990-1234567"):
            people.set_profile(actor, child, {"postcode": "990102"})
        with pytest.raises(BadValue):
            people.set_guardian(actor, child, None, people.NewGuardian("王某", "51"))
        with pytest.raises(DatabaseError, match="under review"), transaction.atomic(), acting("writer"):
            with connection.cursor() as c:
                c.execute(
                    'update person_profile set data = \'{"postcode": "0"}\' where person_id = %s', [child]
                )
    press(place, HEAD, one)
    press(place, CENTRAL, one)
    press(place, COUNTY, one)
    press(place, BOSS, one)
    with act_as(place.user(*OFFICE)) as actor:
        people.set_profile(actor, child, {"postcode": "990102"})
        rows, _next = queries.children(queries.get(actor, one.pk))
        assert rows[0]["changed"] and not rows[0]["locked"]


@pytest.mark.capability("C-SUB-11")
def test_a_school_hands_in_nothing_that_is_empty_double_missing_or_wrong(place: Place) -> None:
    """The registrar wants to hand in: he is told what stops, mends it, says why the rest stays, and only then it goes."""
    child = enrol(place, "a2", name="方雨桐", birth=date(2019, 5, 1))
    enrol(place, "a2", name="方雨桐", birth=date(2019, 5, 1))
    one = mine(place, ask(place))
    with pytest.raises(SubmissionError, match=r"本校重复 2.*班级未核对 1"):
        send(place, one)
    with act_as(place.user(*OFFICE)) as actor:
        with pytest.raises(SubmissionError, match="必须改正"):
            commands.explain(actor, one.pk, "double", "双胞胎确实同名")
        rows, _next = checks.children(checks.Scope(schools=(place.org("a2").pk,)), "double")
        assert len(rows) == 2
        # The namesake turns out to be born on another day.
        people.change_birth_sex(
            actor, child, birth_date=date(2019, 5, 2), event_id=uuid.uuid4(), at=timezone.now()
        )
        enrolment.correct_roster(child)
    count(place)
    with pytest.raises(SubmissionError, match=r"请改正或说明原因: 必填项空缺 2"):
        send(place, one)
    explain_all(place, one)
    assert send(place, one).snapshot["total"] == 2


@pytest.mark.capability("C-SUB-04")
def test_windows_slots_lateness_and_who_is_overdue(place: Place) -> None:
    """The county gives each school its hour; nobody hands in before; who is late is marked and stands on the list."""
    _child, one = ready(place)
    row = one.round
    first = timezone.now() + timedelta(days=2)
    with act_as(place.user(*COUNTY)) as actor:
        assert commands.set_slots(actor, row.pk, first=first.replace(hour=1), minutes=60, together=1) == 2
        rows, _next = queries.schools(row.pk)
        assert all(r.slot_from for r in rows) and rows[0].slot_from != rows[1].slot_from
    with pytest.raises(SubmissionError, match="上报时段从"):
        send(place, one)
    with seeing_all():
        past = timezone.now() - timedelta(hours=1)
        Round.objects.filter(pk=row.pk).update(due_at=past)
        Submission.objects.filter(round=row).update(slot_from=None, slot_to=None)
    with act_as(place.user(*COUNTY)) as actor:
        assert queries.sums(row.pk)["overdue"] == 2
        assert any(t.over for t in queries.todo(actor))
    with act_as(place.user(*OFFICE)) as actor:
        assert queries.todo(actor)[0].over and "已超过" in queries.todo(actor)[0].due
    assert send(place, one).late


@pytest.mark.capability("C-SUB-03")
def test_no_signature_without_the_password_and_none_twice_for_a_unit(place: Place) -> None:
    """A wrong password signs nothing; one person cannot both review and sign for a unit."""
    _child, one = ready(place)
    with act_as(place.user(*OFFICE)) as actor:
        for typed in ("", "falsch-123"):
            with pytest.raises(SubmissionError, match="密码"):
                commands.send(actor, one.pk, password=typed)
        assert not Signature.objects.exists()
    send(place, one)
    for who in (HEAD, CENTRAL, COUNTY):
        press(place, who, one)
    clerk = place.user(*COUNTY)
    both = give_role(clerk, "county_head", place.org("a"))
    with act_as(clerk, both) as actor, pytest.raises(SubmissionError, match="不能是同一个人"):
        commands.pass_(actor, one.pk, password=PASSWORD)


@pytest.mark.capability("C-SUB-05")
def test_papers_of_migrant_workers_children_are_looked_at_before_the_county_passes(place: Place) -> None:
    """The county's office ticks the papers of each child; a missing one is named; before that nothing passes."""
    child, one = ready(place, groups=["migrant"])
    with act_as(place.user(*OFFICE)) as actor:
        people.set_profile(actor, child, {"migrant_worker_child": "1"})
    send(place, one)
    press(place, HEAD, one)
    press(place, CENTRAL, one)
    with pytest.raises(SubmissionError, match="还有 1 名学生的材料没有核验"):
        press(place, COUNTY, one)
    with act_as(place.user(*COUNTY)) as actor:
        found = commands.prove(actor, one.pk, child, "migrant", seen=["学籍证明", "户口本"])
        assert not found.verified and found.missing == ["暂住证", "住房证明", "劳务合同"]
        every = ["学籍证明", "户口本", "暂住证", "住房证明", "劳务合同"]
        assert commands.prove(actor, one.pk, child, "migrant", seen=every).verified
    press(place, COUNTY, one)


def test_a_foreign_school_sees_nothing_of_it(place: Place) -> None:
    """Another school, another county and a teacher of another class find neither submission nor class check."""
    _child, one = ready(place)
    send(place, one)
    for who in (("registrar", "a1"), ("county_clerk", "b"), ("school_head", "b1"), ("class_teacher", "a1")):
        with act_as(place.user(*who)) as actor:
            assert not Submission.objects.filter(pk=one.pk).exists()
            assert not ClassCheck.objects.exists() and not Signature.objects.exists()
            with pytest.raises(Http404):
                queries.get(actor, one.pk)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Http404):
        commands.send(actor, one.pk, password=PASSWORD)
    with act_as(place.user("city_clerk", "city1")):
        assert Submission.objects.filter(pk=one.pk).exists()


@pytest.mark.capability("C-DUP-09")
def test_an_inspection_says_of_each_school_whether_it_passes_and_why_not(
    place: Place, django_assert_max_num_queries: Any
) -> None:
    """The county has all schools looked at: one passes, one does not, with what was found; counted for all at once."""
    enrol(place, "a1", name="苏晴川", number=1)
    enrol(place, "a2", name="方雨桐")
    count(place)
    row = ask(place, kind="inspect", title="数据质量核查")
    with act_as(place.user(*COUNTY)) as actor:
        with django_assert_max_num_queries(16):
            assert commands.inspect(actor, row.pk) == 1
        rows, _next = queries.schools(row.pk)
        assert {r.name: (r.passed, (r.findings or {}).get("unverified", 0)) for r in rows} == {
            "青禾县第一小学": (False, 1), "青禾县东乡小学": (True, 0),
        }  # fmt: skip
        failed, _next = queries.schools(row.pk, show="failed")
        assert [r.name for r in failed] == ["青禾县第一小学"]
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.inspect(actor, row.pk)


@pytest.mark.capability("C-SUB-02", page="/submission/{id}/")
@pytest.mark.capability("C-SUB-07", page="/submission/{id}/volume.pdf")
@pytest.mark.capability("C-SUB-10", page="/submission/{id}/list.xlsx")
@pytest.mark.capability("C-ENR-08", page="/submission/{id}/list.pdf")
def test_pages_from_opening_a_round_to_the_bound_volume(place: Place, client: Client) -> None:
    """The county opens a round for newcomers, the registrar explains and signs on the page, the head returns the whole
    and then signs; lists, sheet of signatures and bound volume come named by the school's code and full name.
    """
    enrol(place, "a2", name="方雨桐")
    count(place)
    login(client, place.user(*COUNTY))
    now = timezone.localtime()
    answer = client.post(
        "/submission/new/",
        {
            "kind": "newcomers", "title": "2026年小学新生名册", "opens_at": now.strftime("%Y-%m-%dT%H:%M"),
            "due_at": (now + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M"), "grades": ["P1"],
            "responsible": "学籍科", "phone": "0990-1234567",
        },
    )  # fmt: skip
    assert answer.status_code == 303
    assert "青禾县东乡小学" in client.get(answer["Location"]).content.decode()
    with seeing_all():
        one = Submission.objects.get(school_id=place.org("a2").pk)
    base = f"/submission/{one.pk}/"
    login(client, place.user(*OFFICE))
    assert "新生名册" in client.get("/submission/").content.decode()
    assert "新生名册" in client.get("/").content.decode()
    for code in checks.FINDINGS:
        if code not in one.round.blocking:
            client.post(base + "explain/", {"finding": code, "words": "测试学校本周补齐"})
    page = client.get(base).content.decode()
    assert "签字并上报" in page
    assert client.get(f"/submission/checks/?code=photo&submission={one.pk}").status_code == 200
    client.post(base + "send/", {"version": _version(one), "password": PASSWORD})
    login(client, place.user(*HEAD))
    client.post(base + "return/", {"version": _version(one), "items": "照片还没有补齐"})
    login(client, place.user(*OFFICE))
    assert "照片还没有补齐" in client.get(base).content.decode()
    client.post(base + "send/", {"version": _version(one), "password": PASSWORD})
    login(client, place.user(*HEAD))
    assert "签字通过" in client.get(base).content.decode()
    client.post(base + "pass/", {"version": _version(one), "password": PASSWORD})
    for name in ("list.pdf", "list.xlsx", "signatures.pdf", "volume.pdf"):
        answer = client.get(base + name)
        assert answer.status_code == 200 and answer["Content-Disposition"].startswith("attachment"), name
    school = place.org("a2")
    assert quote(school.code + school.name) in client.get(base + "list.xlsx")["Content-Disposition"]
    login(client, place.user(*CENTRAL))
    assert "待我审核" in client.get("/submission/?tab=desk").content.decode()
    assert client.get(base).status_code == 200


def _version(one: Submission) -> int:
    with seeing_all():
        return Submission.objects.get(pk=one.pk).version


def test_a_decided_case_waits_until_the_review_is_over(place: Place) -> None:
    """A general change that is decided while the child is under review is refused in words, not lost."""
    child, one = ready(place)
    send(place, one)
    with act_as(place.user(*COUNTY)) as actor, pytest.raises((BadValue, CaseError)):
        people.change_profile(actor, child, {"postcode": "990109"}, event_id=uuid.uuid4(), at=timezone.now())


@pytest.mark.capability("C-DUP-08")
def test_a_pasted_roster_shows_who_is_missing_on_either_side(place: Place, client: Client) -> None:
    """The registrar pastes a roster on paper: whom the system lacks, whom the paper lacks, namesakes counted."""
    for name in ("方雨桐", "苏晴川", "苏晴川"):
        enrol(place, "a2", name=name)
    login(client, place.user(*OFFICE))
    text = "序号\t姓名\t性别\n1\t方雨桐\t女\n2\t卓玛•央金\t女\n3\t苏晴川\t男"
    page = client.post("/headcount/roster/", {"names": text}).content.decode()
    assert "卓玛·央金" in page and "没有多出的学生" not in page
    with act_as(place.user(*OFFICE)) as actor:
        found = omitted.compare(actor, text)
        assert found.missing == ["卓玛·央金"] and [n for _p, n, _k in found.surplus] == ["苏晴川"]
        assert (found.typed, found.listed) == (3, 3)


@pytest.mark.capability("C-SUB-08", page="/submission/rounds/{id}/")
@pytest.mark.capability("C-SUB-10", page="/submission/packages/{id}/package.zip")
def test_the_central_school_gathers_a_package_and_the_county_accepts_it(place: Place, client: Client) -> None:
    """The central school gathers what its schools handed in, a copy with its digest stays; the county downloads the same
    bytes, a workbook for each school under its code and full name, and accepts; who gathered cannot.
    """
    _child, one = ready(place)
    row = one.round
    with act_as(place.user(*CENTRAL)) as actor, pytest.raises(SubmissionError, match="还没有学校上报"):
        commands.gather(actor, row.pk)
    send(place, one)
    login(client, place.user(*CENTRAL))
    client.post(f"/submission/rounds/{row.pk}/gather/")
    with seeing_all():
        package = Package.objects.get()
    assert (package.total, package.schools[0]["name"]) == (1, "青禾县东乡小学")
    assert "待接收" in client.get(f"/submission/rounds/{row.pk}/").content.decode()
    with act_as(place.user(*CENTRAL)) as actor, pytest.raises(Http404):
        commands.answer_package(actor, package.pk, accept=True)
    login(client, place.user(*COUNTY))
    data = client.get(f"/submission/packages/{package.pk}/package.zip").content
    assert hashlib.sha256(data).hexdigest() == package.sha256
    school = place.org("a2")
    with zipfile.ZipFile(io.BytesIO(data)) as files:
        assert files.namelist() == [f"{school.code}{school.name}.xlsx", "contents.txt"]
        assert (mine(place, row).number or "") in files.read("contents.txt").decode()
    client.post(f"/submission/packages/{package.pk}/answer/", {"deed": "accept"})
    assert "已接收" in client.get(f"/submission/rounds/{row.pk}/").content.decode()
    with act_as(place.user("county_clerk", "b")):
        assert not Package.objects.exists()
