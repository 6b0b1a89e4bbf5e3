"""Suspension and return."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.world import FOUR, attach, make_child, pass_all, send, suspend_draft

from xueji.ground.policy.statuses import Status
from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import Blocked
from xueji.registry.changes.models import CaseStatus, CaseStep
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import Event

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-SUS-01")
@pytest.mark.capability("C-SUS-04")
def test_a_child_is_suspended_and_returns() -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, suspend_draft(place, child), ("registrar", "a1"))
    assert case.number is not None
    assert case.number.startswith("XX-")
    with seeing_all():
        assert CaseStep.objects.filter(case=case, limit_days=5).count() == 4
    case = pass_all(place, case, FOUR)
    assert case.status == CaseStatus.DONE
    with act_as(place.user("registrar", "a1")) as actor:
        assert enrolment.get_row(actor, child).status == Status.SUSPENDED
        link = enrolment.current(child)
        assert link is not None
        assert link.class_id == place.klass("a1").pk
    with seeing_all():
        event = Event.objects.get(person_id=child, business="suspend")
        assert event.detail["planned_end"] == case.form["end"]
        assert event.reason == "因事"

    with act_as(place.user("registrar", "a1")) as actor:
        back = cases.start(actor, business="resume", person_id=child)
        assert back.form == {"reason": "因事", "resume_on": timezone.localdate().isoformat()}
        cases.save_draft(
            actor,
            case_id=back.pk,
            form={
                "reason": "因事", "resume_on": timezone.localdate().isoformat(),
                "to_class_id": place.klass("a1", number=2).pk,
            },
        )  # fmt: skip
    attach(place, back, "复学申请", by=("registrar", "a1"))
    back = pass_all(place, send(place, back, ("registrar", "a1")), FOUR)
    assert back.status == CaseStatus.DONE
    with act_as(place.user("registrar", "a1")) as actor:
        row = enrolment.get_row(actor, child)
        assert (row.status, row.class_id) == (Status.STUDYING, place.klass("a1", number=2).pk)


@pytest.mark.capability("C-SUS-01")
def test_illness_needs_the_hospitals_paper() -> None:
    place = make_county()
    case = suspend_draft(place, make_child(place), reason="因病")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert any("病情证明" in c.sentence and "第十一条" in c.sentence for c in error.value.checks)
    attach(place, case, "病情证明", by=("registrar", "a1"))
    assert send(place, case, ("registrar", "a1")).status == CaseStatus.RUNNING


@pytest.mark.capability("C-SUS-03")
def test_longer_than_the_province_allows_is_refused_with_the_article() -> None:
    place = make_county()
    end = timezone.localdate() + timedelta(days=500)
    case = suspend_draft(place, make_child(place), end=end.isoformat())
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert any("每次休学不超过" in c.sentence and "第十二条" in c.sentence for c in error.value.checks)


def test_resumption_without_suspension_is_refused() -> None:
    place = make_county()
    child = make_child(place)
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="resume", person_id=child)
        with pytest.raises(Blocked) as error:
            cases.submit(actor, case_id=case.pk)
    assert any(c.code == "status" for c in error.value.checks)


@pytest.mark.parametrize("start", [-1, 400])
def test_dates_gone_by_or_far_away_are_refused(start: int) -> None:
    place = make_county()
    day = timezone.localdate() + timedelta(days=start)
    case = suspend_draft(
        place, make_child(place), start=day.isoformat(), end=(day + timedelta(days=30)).isoformat()
    )
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert any(c.code == "dates" for c in error.value.checks)
