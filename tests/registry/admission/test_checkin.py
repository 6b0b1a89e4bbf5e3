"""From candidates to records: lists, notices, the check-in, those who did not come."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.utils import timezone
from tests.children import id_number
from tests.helpers import Place, act_as, make_county, seeing_all
from tests.registry.admission.world import YEAR, admitted, plan
from tests.registry.yearly.world import graduated

from xueji.registry.admission import commands
from xueji.registry.admission.errors import AdmissionError
from xueji.registry.admission.models import Applicant, State
from xueji.registry.enrolment import queries as chains
from xueji.registry.enrolment.models import Roster
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


def test_a_graduate_goes_on_with_the_record_it_has(place: Place) -> None:
    plan(place, "c1", stage="J")
    identity = id_number(date(2014, 3, 5), "1", serial=77)
    _row, children = graduated(place, 2, school="c1")
    with seeing_all(), connection.cursor() as c:
        c.execute("select 1")
    assert identity
    assert children
