"""The first day of a school year promotes by itself; the report says what that means for whom."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from tests.children import enrol
from tests.helpers import act_as, make_county
from tests.registry.yearly.world import COHORT, graduates

from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.yearly import commands, promotion
from xueji.registry.yearly.errors import YearlyError
from xueji.registry.yearly.models import PromotionCheck

pytestmark = pytest.mark.django_db


@pytest.mark.capability("C-PRO-01")
@pytest.mark.rule("GD-GRD-01")
def test_the_report_tells_who_goes_up_who_stays_and_who_is_left_over() -> None:
    place = make_county()
    for i in range(3):
        enrol(place, "a1", name=f"小{'甲乙丙'[i]}", cohort=2025, on=date(2025, 9, 1))
    away = enrol(place, "a1", name="小丁", cohort=2024, on=date(2024, 9, 1))
    repeats = enrol(place, "a1", name="小戊", cohort=2025, number=2, on=date(2025, 9, 1))
    graduates(place, 2)
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment.apply_step(actor, Step(away, "suspend", Status.SUSPENDED, midnight(date(2026, 5, 1))))
        enrolment.apply_step(
            actor,
            Step(
                repeats,
                "repeat",
                Status.STUDYING,
                midnight(date(2026, 9, 1)),
                class_id=place.klass("a1", "P", 2026).pk,
            ),
        )
    year = promotion.Year(2026)
    with act_as(place.user("registrar", "a1")):
        report = promotion.report(place.org("a1").pk, year)
        lines = {x.cohort_year: x for x in report.lines}
        assert lines[2025].counts == {"up": 3, "stays": 1}
        assert (lines[2025].before, lines[2025].after) == ("一年级", "二年级")
        assert lines[2024].counts == {"away": 1}
        assert lines[COHORT].counts == {"unfinished": 2}
        assert report.exceptions == 4
        assert report.total == sum(x.total for x in report.lines) == 7
        cases, more = promotion.exceptions(place.org("a1").pk, year)
        assert not more
        assert {(x.name, x.way) for x in cases} == {
            ("小丁", "away"), ("小戊", "stays"), ("安然", "unfinished"), ("白露", "unfinished"),
        }  # fmt: skip


@pytest.mark.capability("C-PRO-01")
def test_the_head_confirms_and_the_authority_sees_it() -> None:
    place = make_county()
    graduates(place, 2)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.confirm_promotion(actor, start_year=2026)
    with act_as(place.user("school_head", "a1")) as actor:
        with pytest.raises(YearlyError, match="还没有开始"):
            commands.confirm_promotion(actor, start_year=2090)
        commands.confirm_promotion(actor, start_year=2026, remark="六年级两人待毕业")
        commands.confirm_promotion(actor, start_year=2026, remark="已复核")
    with act_as(place.user("county_clerk", "a")) as actor:
        rows = {x["id"]: x for x in promotion.schools(actor, promotion.Year(2026))[0]}
        mine = rows[place.org("a1").pk]
        assert (mine["unfinished"], bool(mine["checked"])) == (2, True)
        assert rows[place.org("a2").pk]["checked"] is None
        assert PromotionCheck.objects.get(school_id=place.org("a1").pk).remark == "已复核"
    with act_as(place.user("county_clerk", "b")) as actor:
        assert place.org("a1").pk not in {x["id"] for x in promotion.schools(actor, promotion.Year(2026))[0]}
