"""The register in the demonstration: an export of the official system compared, new records approved, a special pupil."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import override

from xueji.ground.accounts.roles import Role
from xueji.ground.db.scope import acting
from xueji.ground.policy.statuses import Status
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.creation import commands as creation
from xueji.registry.creation import queries as creations
from xueji.registry.creation import special
from xueji.registry.creation.models import Kind
from xueji.registry.intake import queries as intake
from xueji.registry.takeover import commands as takeover
from xueji.registry.takeover import matching
from xueji.registry.takeover.models import TakeoverDifference

from .accounts import Staff
from .papers import at_desk
from .world import World

_HEAD = ("学籍号", "姓名", "性别", "出生日期", "身份证件号", "民族", "年级班级", "入学年月", "学生状态")
#: Schools whose new pupils are approved; the others still have to send theirs.
APPROVED = 4


def make(world: World, staff: Staff) -> dict[str, int]:
    """Compare an export at school A; let some schools send their new pupils; returns how many of each."""
    with override("zh-hans"):
        return {
            "takeover_difference": _compare(world, staff),
            "creation_list": _approve(world, staff),
            "special_record": _special(world, staff),
        }


def _compare(world: World, staff: Staff) -> int:
    """What the official system would export of school A today, with what usually differs."""
    a = world.by_key("a")
    registrar = staff.at(Role.REGISTRAR, a.org_id).pk
    with at_desk(world, registrar, 9) as actor:
        school = intake.school_facts(a.org_id)
        with acting("intake"):
            here = list(matching.register(a.org_id).values())
            kept = matching.opened([one.person_id for one in here])
        rows: list[list[Any]] = []
        for n, one in enumerate(sorted(here, key=lambda x: (x.cohort, x.name))):
            values = kept[one.person_id]
            if not Status(one.status).is_open or not values.get("id_number") or n == 3:
                continue  # who left is not exported; one pupil the other system has forgotten
            rows.append(
                [
                    values.get("student_number", ""),
                    one.name,
                    SEX_WORDS.get(one.sex, ""),
                    one.birth_date.isoformat(),
                    values["id_number"],
                    "05" if n == 5 else values.get("ethnicity", "01"),
                    matching.place_words(one.stage, one.cohort, one.class_number, school),
                    f"{one.cohort}09",
                    str(Status(one.status).label),
                ]
            )
        data = write_table([SheetColumn(label=h) for h in _HEAD], rows)
        found = takeover.bring(actor, data, "学生信息导出.xlsx", as_of=world.today - timedelta(days=10))
        return TakeoverDifference.objects.filter(takeover_id=found.pk).count()


def _approve(world: World, staff: Staff) -> int:
    """The first schools have sent their new pupils; one list waits at the county, the others are approved."""
    made = 0
    for place in world.places[:APPROVED]:
        with at_desk(world, staff.at(Role.REGISTRAR, place.org_id).pk, 15) as actor:
            new = creations.unsent(place.org_id, Kind.CREATION)
            if not new:
                continue
            one = creation.send(actor, Kind.CREATION, expected=len(new))
        made += 1
        chain = [
            (Role.SCHOOL_HEAD, place.org_id),
            (Role.COUNTY_CLERK, one.county_id),
            (Role.COUNTY_HEAD, one.county_id),
        ]
        # The first list waits at the county.
        for days, (role, org_id) in zip((14, 13, 12), chain[:1] if made == 1 else chain, strict=False):
            with at_desk(world, staff.at(role, org_id).pk, days) as actor:
                one.refresh_from_db()
                creation.decide(actor, one.pk, version=one.version)
    return made


def _special(world: World, staff: Staff) -> int:
    """One pupil of school A is taught at home."""
    a = world.by_key("a")
    with at_desk(world, staff.at(Role.REGISTRAR, a.org_id).pk, 30) as actor:
        for name in ("张", "李", "王", "刘", "陈", "赵"):
            for person, _shown, _place in special.named(actor, name):
                creation.register_mode(
                    actor,
                    person,
                    "home",
                    since=world.today - timedelta(days=60),
                    basis="县残疾人教育专家委员会评估意见",
                )
                return 1
    return 0
