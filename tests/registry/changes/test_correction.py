"""Correction of key fields: name, identity number, sex and birth date."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from django.utils import timezone
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.world import FOUR, correction_draft, identity, make_child, pass_all, send

from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import Blocked, CaseError
from xueji.registry.changes.models import Case, CaseStatus
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import Event
from xueji.registry.people import commands as people_commands
from xueji.registry.people import queries as people
from xueji.registry.people.models import IdentityDocument

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-INF-03")
@pytest.mark.capability("C-INF-05")
def test_a_name_is_changed_by_decision_and_the_old_one_kept() -> None:
    place = make_county()
    child = make_child(place, name="赵小满")
    case = send(place, correction_draft(place, child, new_name="赵晓满"), ("registrar", "a1"))
    with act_as(place.user("registrar", "a1")) as actor:
        assert people.card(actor, child).name == "赵小满"
    case = pass_all(place, case, FOUR)
    assert case.status == CaseStatus.DONE
    with act_as(place.user("registrar", "a1")) as actor:
        assert people.card(actor, child).name == "赵晓满"
        assert [n for n, _until in people.former_names(actor, child)] == ["赵小满"]
        assert enrolment.search(actor, "赵晓满").rows
    with seeing_all():
        event = Event.objects.get(person_id=child, business="correct_key")
        assert event.case_id == case.pk
        assert event.detail["diff"] == [{"label": "姓名", "old": "赵小满", "new": "赵晓满"}]


@pytest.mark.capability("C-INF-04")
def test_a_new_identity_number_is_sealed_until_decided_and_then_held() -> None:
    place = make_county()
    child = make_child(place)
    number = identity()
    case = correction_draft(place, child, new_number=number)
    with seeing_all():
        row = Case.objects.get(pk=case.pk)
        assert number not in str(row.form) and row.form["new_number_masked"].endswith(number[-4:])
        assert number.encode() not in bytes(row.sealed)
    case = pass_all(place, send(place, case, ("registrar", "a1")), FOUR)
    assert case.status == CaseStatus.DONE
    with act_as(place.user("registrar", "a1")) as actor:
        assert people.find_by_number(actor, number) == [child]
        assert [r.person_id for r in enrolment.search(actor, number[-6:]).rows] == [child]
    with seeing_all():
        assert IdentityDocument.objects.filter(person_id=child).count() == 2


@pytest.mark.capability("C-INF-04")
def test_a_number_of_another_child_is_refused() -> None:
    place = make_county()
    number = identity()
    make_child(place, name="钱多多", id_number=number)
    case = correction_draft(place, make_child(place), new_number=number)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert any(c.code == "dedup" for c in error.value.checks)


def test_a_birth_date_against_the_identity_number_is_refused() -> None:
    place = make_county()
    case = correction_draft(place, make_child(place), new_birth_date="2019-10-04")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert any(c.code == "number" for c in error.value.checks)


def test_birth_date_and_number_change_together() -> None:
    place = make_county()
    child = make_child(place)
    born = date(2019, 10, 4)
    case = correction_draft(place, child, new_birth_date=born.isoformat(), new_number=identity(born))
    case = pass_all(place, send(place, case, ("registrar", "a1")), FOUR)
    assert case.status == CaseStatus.DONE
    with act_as(place.user("registrar", "a1")) as actor:
        assert enrolment.get_row(actor, child).birth_date == born


@pytest.mark.capability("C-INF-02")
@pytest.mark.rule("NAT-CHG-01")
def test_without_proof_or_without_a_change_nothing_is_sent() -> None:
    place = make_county()
    child = make_child(place)
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="correct_key", person_id=child)
        cases.save_draft(actor, case_id=case.pk, form={"reason": "改名"})
        with pytest.raises(Blocked) as error:
            cases.submit(actor, case_id=case.pk)
    said = " ".join(c.sentence for c in error.value.checks)
    assert "还没有填写要变更的内容" in said
    assert "相关问题处理办法》一.3: 还缺" in said


@pytest.mark.rule("NAT-NUM-14")
def test_a_number_taken_meanwhile_is_found_again_before_it_takes_effect() -> None:
    place = make_county()
    number = identity()
    child = make_child(place)
    case = send(place, correction_draft(place, child, new_number=number), ("registrar", "a1"))
    pass_all(place, case, FOUR[:-1])
    make_child(place, name="钱多多", id_number=number)
    with act_as(place.user("county_head", "a")) as actor, pytest.raises(CaseError, match="要重新查重和比对"):
        cases.decide(actor, case_id=case.pk, decision="pass")
    with seeing_all():
        assert Case.objects.get(pk=case.pk).status == CaseStatus.RUNNING
        assert IdentityDocument.objects.filter(person_id=child).count() == 1


@pytest.mark.rule("NAT-DUP-01")
def test_a_number_that_no_longer_fits_the_child_does_not_take_effect() -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, correction_draft(place, child, new_number=identity()), ("registrar", "a1"))
    pass_all(place, case, FOUR[:-1])
    with act_as(place.user("county_head", "a")) as actor:
        people_commands.change_birth_sex(actor, child, sex="2", event_id=uuid.uuid4(), at=timezone.now())
        with pytest.raises(CaseError, match="身份信息比对未通过"):
            cases.decide(actor, case_id=case.pk, decision="pass")
