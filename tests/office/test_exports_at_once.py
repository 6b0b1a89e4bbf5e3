"""Two heads at the same moment: neither is shown an error of the database, and one rule or opening holds."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.test_race import at_once

from xueji.office.exports import commands
from xueji.office.exports.errors import ExportRefused
from xueji.office.exports.models import ExportOpening, ExportRule

DAY = timedelta(days=1)


def test_two_heads_at_the_same_moment_leave_one_rule_and_one_opening(own_database: str) -> None:
    place = make_county()
    with seeing_all():
        ExportRule.objects.filter(org_id=place.org("a1").pk).update(until=timezone.localdate())
        ExportOpening.objects.filter(org_id=place.org("a").pk).update(ended_at=timezone.now())

    def rule() -> str:
        with act_as(place.user("school_head", "a1")) as actor:
            commands.set_rule(actor, title="", text="数据导出和使用按需申请审批, 用完销毁。" * 2, responsible="高校长",
                              post="校长", duties=[("科", "管")], most_days=3, most_files=2, most_rows=9)  # fmt: skip
        return "set"

    def opening() -> str:
        with act_as(place.user("province_head", "province")) as actor:
            try:
                commands.open_county(
                    actor, place.org("a").pk, document="文件1号", until=timezone.localdate() + DAY
                )
            except ExportRefused as refused:
                return refused.message
        return "open"

    assert at_once(rule, rule) == ["set", "set"]
    assert at_once(opening, opening) == ["open", "已经授权, 不用重复"]
    with seeing_all():
        assert ExportRule.objects.filter(org_id=place.org("a1").pk, until=None).count() == 1
