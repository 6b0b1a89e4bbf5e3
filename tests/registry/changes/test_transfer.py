"""A child moves from one school to another, everybody deciding."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.world import EIGHT, make_child, pass_all, send, transfer_draft
from xueji.registry.changes.models import Case, CaseStep
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import Roster

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-TRF-07")
@pytest.mark.capability("C-TRF-09")
@pytest.mark.rule("NAT-TRF-10")
def test_transfer_between_two_counties_passes_all_eight_and_moves_the_child() -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, transfer_draft(place, child), ("registrar", "b1"))
    assert case.number.startswith(f"ZX-{timezone.localdate().year}-990102-")
    with seeing_all():
        steps = list(CaseStep.objects.filter(case=case).order_by("seq"))
        assert [s.org_id for s in steps] == [
            place.org(k).pk for k in ("b1", "b1", "b", "b", "a1", "a1", "a", "a")
        ]
        assert steps[0].state == "done" and steps[1].state == "current" and steps[1].due_on
    case = pass_all(place, case, EIGHT)
    assert case.status == "done"
    with act_as(place.user("registrar", "b1")) as actor:
        row = enrolment.get_row(actor, child)
        assert row.reason == "enrolled" and row.class_id == place.klass("b1").pk and row.open_case == ""
    with act_as(place.user("registrar", "a1")) as actor:
        assert enrolment.get_row(actor, child).former
    with seeing_all():
        assert Roster.objects.filter(person_id=child).exclude(reason="former").count() == 1
        assert Case.objects.get(pk=case.pk).packs
