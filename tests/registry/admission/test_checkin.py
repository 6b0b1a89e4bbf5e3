"""From candidates to records: lists, notices, the check-in, those who did not come."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, make_county, seeing_all
from tests.registry.admission.world import (
    BORN,
    HEAD,
    YEAR,
    admitted,
    approve,
    candidates,
    enter,
    govern,
    plan,
    send,
    sheet,
)
from tests.registry.yearly.world import last_class

from xueji.registry.admission import commands, queries
from xueji.registry.admission.errors import AdmissionError
from xueji.registry.admission.models import Applicant, Claim, State, Verdict
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment import queries as chains
from xueji.registry.enrolment.models import Roster
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people import queries as persons

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


@pytest.fixture
def place() -> Place:
    return make_county()


def test_those_who_report_stand_on_record_without_a_class(place: Place) -> None:
    plan(place)
    rows = admitted(place, 5)
    assert len({r.notice_no for r in rows}) == 5
    with act_as(place.user("registrar", "a1")) as actor:
        assert commands.deliver(actor, [r.pk for r in rows], on=TODAY, how="hand") == 5
        assert commands.check_in(actor, [r.pk for r in rows[:4]], on=TODAY) == 4
        found = Roster.objects.filter(person_id__in=[r.pk for r in rows])
        assert {(r.class_id, r.status, r.reason, r.cohort_year) for r in found} == {
            (None, 1, "enrolled", YEAR)
        }
        card = persons.card(actor, rows[0].pk)
        assert card.number.startswith("L")
        assert persons.guardians(actor, rows[0].pk)[0].name == "张父"
        assert chains.current(rows[0].pk).business == "enrol"
        with pytest.raises(AdmissionError, match="待报到"):
            commands.check_in(actor, [rows[0].pk], on=TODAY)
        left = Applicant.objects.get(pk=rows[4].pk)
        assert left.state == State.APPROVED


def finisher(place: Place, identity: str, name: str = "升学生", *, graduate: bool = True) -> uuid.UUID:
    """A child at the end of primary school c1, graduated or not yet."""
    last_class(place, "c1")
    person = enrol(
        place, "c1", name=name, birth=date(2014, 3, 5), cohort=2020, on=date(2020, 9, 1), identity=identity
    )
    if graduate:
        with act_as(place.user("registrar", "c1")) as actor:
            enrolment.apply_step(actor, Step(person, "graduate", 12, midnight(date(2026, 7, 1))))
    return person


@pytest.mark.capability("C-ENR-04")
def test_a_graduate_goes_on_with_the_record_it_has(place: Place) -> None:
    """The registrar enters two sixth-formers for junior school; one has graduated and goes on, without a second record."""
    plan(place, "c1", stage="J")
    done, still = (id_number(date(2014, 3, 5), "1", serial=n) for n in (77, 78))
    person, other = finisher(place, done), finisher(place, still, "未毕业", graduate=False)
    lines = f"{HEAD}\n升学生\t{done}\t\t\t\t\t\t\t\n未毕业\t{still}\t\t\t\t\t\t\t"
    assert len(enter(place, "c1", lines, stage="J").taken) == 2
    approve(place, send(place, "c1"), "c")
    with act_as(place.user("registrar", "c1")) as actor:
        rows = {r.name: r for r in Applicant.objects.all()}
        assert rows["升学生"].known_id == person
        with pytest.raises(AdmissionError, match="还没有办理毕业.*未毕业"):
            commands.check_in(actor, [r.pk for r in rows.values()], on=TODAY)
        commands.check_in(actor, [rows["升学生"].pk], on=TODAY)
        state = chains.current(person)
        assert (state.status, state.stage, state.cohort_year, state.class_id) == (1, "J", YEAR, None)
        assert Roster.objects.get(person_id=person, reason="enrolled").class_id is None
        assert chains.current(other).stage == "P"
    with seeing_all(), connection.cursor() as c:
        c.execute("select count(*) from person where name = '升学生'")
        assert c.fetchone()[0] == 1


@pytest.mark.capability("C-ENR-02")
@pytest.mark.rule("HEBQA-ENR-02")
@pytest.mark.rule("HEBQA-ENR-03")
def test_refusals_quote_their_article_and_unknown_facts_never_pass(place: Place) -> None:
    govern(place, "a1", "cn-13-qianan")
    young = sheet(1, born=BORN.replace(year=YEAR - 5), first=1)
    enter(place, "a1", young)
    enter(place, "a1", sheet(1, papers="户口簿", first=2))
    enter(place, "a1", f"姓名\t身份证号\n孙未知\t{id_number(BORN, '1', serial=3)}")
    with act_as(place.user("registrar", "a1")) as actor:
        rows = {r.name: r for r in candidates(place)}
        assert any(
            x["code"] == "HEBQA-ENR-02" and "二.（一）" in x["sentence"].replace("(", "（").replace(")", "）")
            for x in next(r for r in rows.values() if r.birth_date.year == YEAR - 5).findings
        )
        asked = rows["孙未知"]
        assert asked.verdict == Verdict.ASK
        lacking = next(r for r in rows.values() if r.papers == ["户口簿"])
        assert lacking.verdict == Verdict.ASK
        assert "还缺房产证明" in str(lacking.findings)
        commands.state_facts(actor, [lacking.pk], papers=["房产证明"], facts={"school.in_zone": True})
        lacking.refresh_from_db()
        assert lacking.verdict == Verdict.PASS
    with (
        act_as(place.user("school_head", "a1")) as actor,
        pytest.raises(AdmissionError, match="资格审查没有通过"),
    ):
        commands.submit(actor, [asked.pk])


@pytest.mark.capability("C-ENR-02")
def test_where_the_pack_allows_an_under_age_child_comes_with_a_promise(place: Place) -> None:
    govern(place, "a1", "cn-13-jinzhou")
    enter(place, "a1", sheet(1, born=BORN.replace(year=YEAR - 5)))
    with act_as(place.user("registrar", "a1")) as actor:
        row = candidates(place)[0]
        assert row.verdict == Verdict.WARN
        assert "承诺书" in str(row.findings)
        commands.state_facts(actor, [row.pk], papers=["承诺书"])
        row.refresh_from_db()
        assert row.verdict == Verdict.PASS


def test_two_schools_claim_one_child_and_the_one_that_gives_up_frees_it(place: Place) -> None:
    """Both schools see the claim; nobody can send the child; a1 proves, a2 gives up; a1 goes on."""
    plan(place)
    plan(place, "a2")
    enter(place, "a1", sheet(1))
    outcome = enter(place, "a2", sheet(1))
    assert outcome.claims == 1
    with act_as(place.user("school_head", "a1")) as actor:
        mine = candidates(place)[0]
        assert mine.disputed
        with pytest.raises(AdmissionError, match="重复招生"):
            commands.submit(actor, [mine.pk])
    with act_as(place.user("registrar", "a1")) as actor:
        claim = queries.claims(actor, YEAR)[0]
        commands.answer(actor, claim.pk, what="prove", words="户籍在本学区, 已到校")
    with act_as(place.user("registrar", "b1")) as actor:
        assert queries.claims(actor, YEAR) == []
    with act_as(place.user("registrar", "a2")) as actor:
        assert queries.claims(actor, YEAR)[0].first_words.startswith("户籍")
        commands.answer(actor, claim.pk, what="drop", words="家长选择一小")
    with act_as(place.user("school_head", "a1")) as actor:
        mine.refresh_from_db()
        assert not mine.disputed
        commands.submit(actor, [mine.pk])
    with act_as(place.user("registrar", "a2")):
        assert Applicant.objects.get(school_id=place.org("a2").pk).state == State.WITHDRAWN
        assert Claim.objects.get().state == "closed"


def test_when_both_prove_the_superior_of_both_decides(place: Place) -> None:
    enter(place, "a1", sheet(1))
    enter(place, "b1", sheet(1))
    for school in ("a1", "b1"):
        with act_as(place.user("registrar", school)) as actor:
            claim = queries.claims(actor, YEAR)[0]
            commands.answer(actor, claim.pk, what="prove", words="已在本校就读")
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(AdmissionError, match="共同的上级"):
        commands.arbitrate(actor, claim.pk, winner="first", words="由一小录取")
    with act_as(place.user("city_clerk", "city1")) as actor:
        commands.arbitrate(actor, claim.pk, winner="second", words="实际居住在乙县")
    with act_as(place.user("registrar", "b1")):
        assert not Applicant.objects.get(school_id=place.org("b1").pk).disputed


@pytest.mark.capability("C-ORG-08")
def test_the_ceiling_holds_until_the_authority_gives_exceptional_places(place: Place) -> None:
    enter(place, "a1", sheet(3))
    sent = send(place)
    with act_as(place.user("county_clerk", "a")) as actor:
        with pytest.raises(AdmissionError, match="还没有设置该校的招生计划"):
            commands.decide(actor, sent.pk)
    plan(place, planned=2)
    with act_as(place.user("county_clerk", "a")) as actor:
        with pytest.raises(AdmissionError, match="招生上限 2 人.*超出 1 人"):
            commands.decide(actor, sent.pk)
        from xueji.registry.admission.commands.plans import Terms

        with pytest.raises(AdmissionError, match="写明理由"):
            commands.set_plan(actor, [place.org("a1").pk], stage="P", year=YEAR, terms=Terms(2, 45, extra=1))
    with act_as(place.user("school_head", "a1")) as actor:
        commands.ask_plan(actor, stage="P", year=YEAR, wanted=3, words="学区新增小区")
        with pytest.raises(PermissionDenied):
            commands.decide(actor, sent.pk)
    with act_as(place.user("county_clerk", "a")) as actor:
        found = queries.plan(place.org("a1").pk, YEAR, "P")
        assert found is not None
        commands.answer_plan(actor, found.pk, agreed=True)
        assert commands.decide(actor, sent.pk).approved == 3
    with act_as(place.user("county_clerk", "b")) as actor, pytest.raises(Http404):
        commands.decide(actor, sent.pk)


@pytest.mark.capability("C-ENR-04")
def test_late_conditional_and_absent(place: Place) -> None:
    plan(place, closed=-1)
    one, two, three = admitted(place, 3)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.grant_late(
            actor, [one.pk], until=TODAY + timedelta(days=3), reason="住院", proof=("证明.jpg", JPEG)
        )
        one.refresh_from_db()
        assert one.late_file_id is not None
        with pytest.raises(AdmissionError, match="准许延期"):
            commands.close_absent(actor, [one.pk], words="没有来")
        with pytest.raises(AdmissionError, match="期限"):
            commands.check_in(actor, [two.pk], on=TODAY, condition="接种证")
        commands.check_in(
            actor, [two.pk], on=TODAY, condition="接种证", condition_due=TODAY + timedelta(days=9)
        )
        commands.complete(actor, [two.pk])
        commands.close_absent(actor, [three.pk], words="电话联系不上")
        three.refresh_from_db()
        assert three.state == State.ABSENT
    with act_as(place.user("registrar", "a2")) as actor, pytest.raises(Http404):
        commands.check_in(actor, [one.pk], on=TODAY)


@pytest.mark.rule("GXHS-ENR-01")
def test_a_senior_pupil_who_comes_late_without_leave_loses_the_place_by_its_article(place: Place) -> None:
    govern(place, "c1", "cn-45-senior")
    plan(place, "c1", stage="S", closed=-1)
    number = id_number(date(2011, 3, 5), "1", serial=9)
    text = f"姓名\t身份证号\t录取学校\n高新生\t{number}\t{place.org('c1').name}"
    with act_as(place.user("county_clerk", "c")) as actor:
        assert (
            len(commands.admit_list(actor, data=b"", file_name="", text=text, stage="S", year=YEAR).taken)
            == 1
        )
    with act_as(place.user("registrar", "c1")) as actor:
        row = Applicant.objects.get()
        assert row.state == State.APPROVED
        assert row.notice_no
        with pytest.raises(AdmissionError, match="无故逾期的取消入学资格"):
            commands.check_in(actor, [row.pk], on=TODAY)
        commands.close_absent(actor, [row.pk], words="没有请假")
        row.refresh_from_db()
        assert row.state == State.FORFEITED
        assert "取消入学资格" in row.words


def test_each_school_and_authority_sees_its_own_candidates_only(place: Place) -> None:
    enter(place, "a1", sheet(2))
    enter(place, "b1", sheet(2, first=50))
    for who, n in (
        (("registrar", "a1"), 2),
        (("registrar", "a2"), 0),
        (("county_clerk", "b"), 2),
        (("city_clerk", "city1"), 4),
        (("county_clerk", "c"), 0),
        (("parent", ""), 0),
    ):
        with act_as(place.user(*who)):
            assert Applicant.objects.count() == n, who
    with act_as(place.user("class_teacher", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.enter_sheet(actor, data=b"", file_name="", text=sheet(1), stage="P", year=YEAR)


def test_the_number_of_statements_does_not_grow_with_the_children(place: Place) -> None:
    plan(place, planned=5000)
    counts = []
    first = 1
    for n in (10, 100, 1000):
        with CaptureQueriesContext(connection) as seen:
            rows = admitted(place, n, first=first)
            rows = [r for r in rows if r.state == State.APPROVED]
            with act_as(place.user("registrar", "a1")) as actor:
                commands.deliver(actor, [r.pk for r in rows], on=TODAY, how="hand")
                assert commands.check_in(actor, [r.pk for r in rows], on=TODAY) == n
        counts.append(len(seen))
        first += n
    assert max(counts) - min(counts) <= 1, counts


def _jpeg() -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (300, 300), "#eeeeee").save(buffer, "JPEG")
    return buffer.getvalue()


JPEG = _jpeg()
