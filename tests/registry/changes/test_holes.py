"""Ways around the checks that were tried, and must stay closed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.world import (
    FOUR,
    correction_draft,
    make_child,
    pass_all,
    send,
    suspend_draft,
)

from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case, CaseStatus
from xueji.registry.enrolment.timeline import CHINA
from xueji.registry.people.models import Person

pytestmark = pytest.mark.django_db


def _returned(place: Any) -> Case:
    case = send(place, correction_draft(place, make_child(place), new_name="赵晓满"), ("registrar", "a1"))
    with act_as(place.user("school_head", "a1")) as actor:
        return cases.return_for_repair(actor, case_id=case.pk, items=["户口簿照片不清楚"])


@pytest.mark.capability("C-CHG-03")
def test_a_return_is_not_taken_back_once_the_starter_has_begun_to_mend() -> None:
    """Else the case would go on with what nobody has checked and no decider has seen."""
    place = make_county()
    case = _returned(place)
    with act_as(place.user("registrar", "a1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form={"reason": "户口簿更正", "new_name": "王五"})
    with act_as(place.user("school_head", "a1")) as actor, pytest.raises(CaseError):
        cases.take_back(actor, case_id=case.pk)
    with act_as(place.user("registrar", "a1")) as actor:
        assert cases.resubmit(actor, case_id=case.pk).status == CaseStatus.RUNNING
    pass_all(place, case, FOUR)
    with seeing_all():
        assert Case.objects.get(pk=case.pk).summary["diff"][0]["new"] == "王五"
        assert Person.objects.get(pk=case.person_id).name == "王五"


def test_a_return_is_taken_back_while_nothing_has_changed() -> None:
    place = make_county()
    case = _returned(place)
    with act_as(place.user("school_head", "a1")) as actor:
        assert cases.take_back(actor, case_id=case.pk).status == CaseStatus.RUNNING
    assert pass_all(place, case, FOUR).status == CaseStatus.DONE


def test_a_case_sent_after_midnight_is_of_the_new_day() -> None:
    """Days are those of Beijing, not of Greenwich."""
    place = make_county()
    child = make_child(place)
    first = send(place, correction_draft(place, child, new_name="赵晓满"), ("registrar", "a1"))
    with seeing_all():
        Case.objects.filter(pk=first.pk).update(submitted_at=datetime(2026, 11, 22, 0, 30, tzinfo=CHINA))
    second = suspend_draft(place, child)
    with act_as(place.user("registrar", "a1")) as actor:
        report, _chain = cases.preflight(actor, case_id=second.pk)
    assert "2026-11-22 发起" in next(c.sentence for c in report.checks if c.code == "open_case")
