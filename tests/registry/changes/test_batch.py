"""Deciding several cases at once."""

from __future__ import annotations

import uuid

import pytest
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.world import make_child, send, suspend_draft

from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case, CaseStatus

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-CHG-03")
def test_ten_cases_pass_at_once_and_one_that_cannot_keeps_no_other_from_it() -> None:
    place = make_county()
    sent = [send(place, suspend_draft(place, make_child(place)), ("registrar", "a1")).pk for _ in range(3)]
    stranger = uuid.uuid4()
    with act_as(place.user("school_head", "a1")) as actor:
        found = cases.decide_many(actor, [*sent, stranger, sent[0]], "pass", opinion="同意")
        assert [(o.case_id, o.ok) for o in found] == [*((pk, True) for pk in sent), (stranger, False)]
        again = cases.decide_many(actor, sent, "pass")
        assert not any(o.ok for o in again)
        assert "还没有轮到您" in again[0].message
        assert again[0].number and again[0].student
    with seeing_all():
        assert not Case.objects.filter(pk__in=sent).exclude(current_seq=3).exists()


def test_a_batch_heeds_the_checks_of_each_case() -> None:
    place = make_county()
    case = send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))
    with act_as(place.user("school_head", "a1")) as actor:
        found = cases.decide_many(actor, [case.pk], "refuse", opinion="不")
        assert not found[0].ok and "写明理由" in found[0].message
        found = cases.decide_many(actor, [case.pk], "return", items=["休学申请的照片不清楚"])
        assert found[0].ok
        with pytest.raises(CaseError, match="最多"):
            cases.decide_many(actor, [uuid.uuid4() for _ in range(201)], "pass")
    with seeing_all():
        assert Case.objects.get(pk=case.pk).status == CaseStatus.RETURNED
