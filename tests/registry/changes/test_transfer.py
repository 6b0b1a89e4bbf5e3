"""A child moves from one school to another, everybody deciding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.world import (
    EIGHT,
    identity,
    make_child,
    number_of,
    pass_all,
    send,
    suspend_draft,
    transfer_draft,
)

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import Blocked, CaseError, NotFoundByNumber
from xueji.registry.changes.models import Case, CaseLog, CaseStatus, CaseStep
from xueji.registry.enrolment import commands as enrolment_commands
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import EnrolmentState, Event, Roster
from xueji.registry.enrolment.timeline import Step, midnight

pytestmark = pytest.mark.django_db

SAME_COUNTY = (
    ("school_head", "a2"),
    ("registrar", "a1"),
    ("school_head", "a1"),
    ("county_clerk", "a"),
    ("county_head", "a"),
)


@pytest.mark.capability("C-TRF-07")
@pytest.mark.capability("C-TRF-09")
@pytest.mark.capability("C-CHG-03")
def test_transfer_between_two_counties_passes_all_eight_and_moves_the_child() -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, transfer_draft(place, child), ("registrar", "b1"))
    assert case.number is not None
    assert case.number.startswith(f"ZX-{timezone.localdate().year}-990102-")
    with seeing_all():
        steps = list(CaseStep.objects.filter(case=case).order_by("seq"))
        assert [s.org_id for s in steps] == [
            place.org(k).pk for k in ("b1", "b1", "b", "b", "a1", "a1", "a", "a")
        ]
        assert [s.state for s in steps[:3]] == ["done", "current", "future"]
    case = pass_all(place, case, EIGHT)
    assert case.status == "done"
    with act_as(place.user("registrar", "b1")) as actor:
        row = enrolment.get_row(actor, child)
        assert (row.reason, row.class_id, row.open_case) == ("enrolled", place.klass("b1").pk, "")
    with act_as(place.user("registrar", "a1")) as actor:
        assert enrolment.get_row(actor, child).former
    with seeing_all():
        assert Roster.objects.filter(person_id=child).exclude(reason="former").count() == 1
        moved = Event.objects.filter(person_id=child, business="transfer")
        assert {e.school_id for e in moved} == {place.org("a1").pk, place.org("b1").pk}
        assert all(e.case_id == case.pk and "相关问题处理办法》三.1" in e.article for e in moved)


@pytest.mark.capability("C-TRF-02")
def test_transfer_inside_a_county_has_one_authority_and_six_steps() -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, transfer_draft(place, child, to="a2"), ("registrar", "a2"))
    assert case.variant == "same_county"
    case = pass_all(place, case, SAME_COUNTY)
    assert case.status == "done"
    with act_as(place.user("registrar", "a2")) as actor:
        assert enrolment.get_row(actor, child).school_id == place.org("a2").pk


@pytest.mark.capability("C-CHG-04")
def test_clerk_and_head_of_a_unit_share_its_ten_working_days() -> None:
    place = make_county()
    case = send(place, transfer_draft(place, make_child(place)), ("registrar", "b1"))
    pass_all(place, case, EIGHT[:2])
    with seeing_all():
        by_seq = {s.seq: s for s in CaseStep.objects.filter(case=case)}
    assert by_seq[2].limit_days == 10
    assert by_seq[2].due_on == by_seq[1].due_on
    assert by_seq[4].due_on == by_seq[3].due_on
    assert by_seq[5].due_on is None


@pytest.mark.capability("C-TRF-01")
def test_receiving_school_finds_the_child_by_name_and_number_and_sees_only_a_summary() -> None:
    place = make_county()
    number = identity()
    child = make_child(place, id_number=number)
    with act_as(place.user("registrar", "b1")) as actor:
        case = cases.start(actor, business="transfer", name="赵小满", number=number.lower())
    assert case.person_id == child
    assert set(case.summary) == {
        "name", "sex", "birth_date", "school", "grade", "grade_code", "class", "cohort", "status", "number_prefix", "stage",
    }  # fmt: skip
    assert number[6:] not in str(case.summary)
    with act_as(place.user("registrar", "b1")):
        assert not Roster.objects.filter(person_id=child).exists()
    with act_as(place.user("registrar", "b1")) as actor:
        again = cases.start(actor, business="transfer", name="赵小满", number=number_of_in(place, child))
    assert again.pk == case.pk


def number_of_in(place: Any, child: Any) -> str:
    """The number as the school of the child reads it."""
    return number_of(place, child)


def test_wrong_name_and_wrong_number_get_the_same_words() -> None:
    place = make_county()
    number = identity()
    make_child(place, id_number=number)
    said = set()
    for name, value in (("赵大满", number), ("赵小满", identity()), ("赵小满", "1"), ("", "")):
        with act_as(place.user("registrar", "b1")) as actor, pytest.raises(NotFoundByNumber) as error:
            cases.find_child(actor, name, value)
        said.add(error.value.message)
    assert len(said) == 1


def test_numbers_cannot_be_tried_out_and_every_try_is_audited() -> None:
    place = make_county()
    with act_as(place.user("registrar", "b1")) as actor:
        for _ in range(10):
            with pytest.raises(NotFoundByNumber):
                cases.find_child(actor, "某某", identity())
        with pytest.raises(CaseError, match="次数过多"):
            cases.find_child(actor, "某某", identity())
        with acting("audit"):
            assert AuditEntry.objects.filter(action="changes.lookup", user_id=actor.user_id).count() == 10


@pytest.mark.capability("C-TRF-08")
@pytest.mark.rule("NAT-TRF-11")
def test_missing_papers_block_and_the_article_is_quoted() -> None:
    place = make_county()
    case = transfer_draft(place, make_child(place))
    with act_as(place.user("registrar", "b1")) as actor:
        with seeing_all():
            file_id = case.files.get(slot="转学原因证明").file_id
        cases.detach(actor, case_id=case.pk, file_id=file_id)
        with pytest.raises(Blocked) as error:
            cases.submit(actor, case_id=case.pk)
    assert any(
        "相关问题处理办法》三.1" in c.sentence and "转学原因证明" in c.sentence for c in error.value.checks
    )
    with seeing_all():
        assert Case.objects.get(pk=case.pk).status == CaseStatus.DRAFT


@pytest.mark.rule("NAT-ROL-06")
def test_a_case_keeps_who_sent_it_and_what_it_was_decided_on() -> None:
    place = make_county()
    case = send(place, transfer_draft(place, make_child(place)), ("registrar", "b1"))
    finding = next(f for f in case.findings if f.get("rule") == "NAT-ROL-06")
    assert finding["verdict"] == "pass"
    assert case.facts["case.submitted_by"] == place.user("registrar", "b1").display_name
    assert case.facts["school.id"] == str(place.org("b1").pk)
    assert len(case.packs) == 64


def test_nobody_can_add_a_slot_for_more_papers() -> None:
    place = make_county()
    case = transfer_draft(place, make_child(place))
    with act_as(place.user("registrar", "b1")) as actor, pytest.raises(CaseError, match="不能要求家长提供"):
        cases.attach(actor, case_id=case.pk, slot="房产证", data=b"%PDF-1.4\n%%EOF", name="a.pdf")


@pytest.mark.capability("C-CHG-10")
def test_another_grade_is_refused_with_the_article_of_the_province() -> None:
    place = make_county()
    case = transfer_draft(place, make_child(place), to_class_id=place.klass("b1", cohort=2025).pk)
    with act_as(place.user("registrar", "b1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert any("转学不得变更年级" in c.sentence and "第九条" in c.sentence for c in error.value.checks)


@pytest.mark.capability("C-SUS-06")
def test_a_suspended_child_is_not_transferred() -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, suspend_draft(place, child), ("registrar", "a1"))
    pass_all(place, case, (("school_head", "a1"), ("county_clerk", "a"), ("county_head", "a")))
    case = transfer_draft(place, child)
    with act_as(place.user("registrar", "b1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert any("请先办理复学" in c.sentence for c in error.value.checks)


@pytest.mark.capability("C-CHG-08")
def test_an_effect_in_the_future_waits_for_its_day() -> None:
    place = make_county()
    child = make_child(place)
    later = timezone.localdate() + timedelta(days=9)
    case = send(place, transfer_draft(place, child, effective_on=later.isoformat()), ("registrar", "b1"))
    case = pass_all(place, case, EIGHT)
    assert case.status == CaseStatus.APPROVED
    with act_as(place.user("registrar", "a1")) as actor:
        assert not enrolment.get_row(actor, child).former
    assert cases.finish_due() == 0
    moment = midnight(later + timedelta(days=1))
    assert enrolment_commands.activate_due(moment) == 1
    assert cases.finish_due(later) == 1
    assert cases.finish_due(later) == 0
    with seeing_all():
        assert Case.objects.get(pk=case.pk).status == CaseStatus.DONE
    with act_as(place.user("registrar", "b1")) as actor:
        assert enrolment.get_row(actor, child).reason == "enrolled"


def test_a_failure_at_the_end_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, transfer_draft(place, child), ("registrar", "b1"))
    pass_all(place, case, EIGHT[:-1])

    def broken(*_args: Any, **_kw: Any) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("xueji.registry.enrolment.commands.step.record", broken)
        with pytest.raises(RuntimeError), act_as(place.user("county_head", "a")) as actor:
            cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意")
    with seeing_all():
        assert Case.objects.get(pk=case.pk).status == CaseStatus.RUNNING
        assert CaseStep.objects.get(case=case, seq=8).state == "current"
        assert EnrolmentState.objects.filter(person_id=child).count() == 1
        assert not Event.objects.filter(person_id=child, business="transfer").exists()
    assert pass_all(place, case, EIGHT[-1:]).status == CaseStatus.DONE


@pytest.mark.capability("C-CHG-02")
def test_a_record_that_changed_meanwhile_stops_the_case_and_says_why() -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, transfer_draft(place, child), ("registrar", "b1"))
    pass_all(place, case, EIGHT[:-1])
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment_commands.apply_step(
            actor, Step(person_id=child, business="abroad", to_status=4, at=timezone.now())
        )
    case = pass_all(place, case, EIGHT[-1:])
    assert case.status == CaseStatus.CANCELLED
    assert "在提交之后已有变动" in case.end_reason
    with seeing_all():
        assert CaseLog.objects.filter(case=case, action="stop").exists()
        assert not Event.objects.filter(person_id=child, business="transfer").exists()


def test_another_class_of_the_old_school_meanwhile_does_not_stop_a_transfer() -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, transfer_draft(place, child), ("registrar", "b1"))
    pass_all(place, case, EIGHT[:-1])
    with act_as(place.user("registrar", "a1")) as actor:
        other = place.klass("a1", number=2).pk
        enrolment_commands.apply_step(
            actor,
            Step(person_id=child, business="change_class", to_status=1, at=timezone.now(), class_id=other),
        )
    assert pass_all(place, case, EIGHT[-1:]).status == CaseStatus.DONE


@pytest.mark.rule("NAT-TRF-10")
def test_a_step_left_out_keeps_the_transfer_from_taking_effect() -> None:
    place = make_county()
    case = send(place, transfer_draft(place, make_child(place)), ("registrar", "b1"))
    pass_all(place, case, EIGHT[:-1])
    with seeing_all():
        CaseStep.objects.filter(case=case, seq=5).delete()
    with (
        act_as(place.user("county_head", "a")) as actor,
        pytest.raises(CaseError, match="都办结后转学才生效"),
    ):
        cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意")
