"""Admission in the demonstration: a plan, an area, children who have not entered, candidates at every step, one dispute."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from xueji.ground.accounts.actor import enter
from xueji.ground.accounts.roles import Role
from xueji.ground.standards.identity import check_digit
from xueji.registry.admission import commands
from xueji.registry.admission.commands._base import year_of
from xueji.registry.admission.commands.plans import Terms
from xueji.registry.admission.errors import AdmissionError
from xueji.registry.admission.models import Applicant, State, Verdict

from .accounts import Staff
from .world import World

_NAMES = (
    "柏安", "岑乐", "邓禾", "方晴", "甘棠", "洪雨", "简宁", "柯然", "蓝星", "莫言舒", "倪可", "欧阳一诺", "裴朗", "丘实",
    "冉青", "申诺", "陶野", "温可欣", "项北", "尹然", "左丘明远", "葛晨", "车晓", "竺宁",
)  # fmt: skip
#: Of them candidates, the rest stand on the roster only; and those whom the head sends.
_CANDIDATES, _SENT = 20, 14
_HEAD = "姓名\t身份证号\t监护人姓名\t与监护人关系\t监护人电话\t社区\t幼儿园\t已交材料\t学区内\t户口一致\t人户一致\t择校生"


def make(world: World, staff: Staff) -> dict[str, int]:
    """Write it as the people who would; nothing where school A takes no first-formers."""
    place = world.by_key("a")
    other = next(
        (p for p in world.places if p.key != "a" and p.county_id == place.county_id and "P" in p.spec.stages),
        None,
    )
    year = year_of()
    born = date(year - 6, 2, 14)
    people = [
        (name, _number(place.division, born + timedelta(days=i * 6), i)) for i, name in enumerate(_NAMES)
    ]
    try:
        with transaction.atomic():
            return _story(world, staff, year, people, place, other)
    except AdmissionError:  # the rules of the day may forbid what the story tells
        return {}


def _number(division: str, born: date, n: int) -> str:
    first = f"{division}{born:%Y%m%d}{970 + n % 15 * 2 + n % 2:03d}"[:17]
    return first + check_digit(first)


def _keys(people: list[tuple[str, str]], school_id: int) -> Iterator[uuid.UUID]:
    """The same keys for the same people whenever the demonstration is built."""
    return (uuid.uuid5(uuid.NAMESPACE_OID, f"admission:{school_id}:{number}") for _name, number in people)


def _as(staff: Staff, role: str, org_id: int, deed: Callable[[Any], Any]) -> Any:
    with transaction.atomic():
        actor = enter(staff.at(role, org_id).pk)
        return None if actor is None else deed(actor)


def _lines(people: list[tuple[str, str]], papers: str) -> str:
    out = [_HEAD]
    for i, (name, number) in enumerate(people):
        chosen = "是" if i % 5 == 4 else "否"
        kindergarten = ("花园", "河东")[i % 2] + "幼儿园"
        cells = (
            name, number, f"{name[0]}建国", "父亲", f"1390000{1000 + i}", "东湖社区", kindergarten, papers,
            "是", "是", "是", chosen,
        )  # fmt: skip
        out.append("\t".join(cells))
    return "\n".join(out)


def _story(
    world: World, staff: Staff, year: int, people: list[tuple[str, str]], place: Any, other: Any
) -> dict[str, int]:
    today = timezone.localdate()
    schools = [p for p in (place, other) if p is not None]

    def plan(actor: Any) -> None:
        commands.set_plan(
            actor,
            [p.org_id for p in schools],
            stage="P",
            year=year,
            terms=Terms(
                90, 45, opens_on=today - timedelta(days=60), closes_on=today + timedelta(days=5),
                report_from=today - timedelta(days=9), report_to=today - timedelta(days=1),
            ),
        )  # fmt: skip
        for name in ("东湖社区", "西坡村"):
            commands.save_area(actor, place.org_id, name=name)

    _as(staff, Role.COUNTY_CLERK, place.county_id, plan)
    papers = "户口簿、房产证明、接种证、免疫证、体检表、通讯录"
    text = _lines(people[:_CANDIDATES], papers)

    def enter_all(actor: Any) -> None:
        commands.enter_children(actor, data=b"", file_name="", text=_lines(people, papers), year=year)
        commands.enter_sheet(
            actor, data=b"", file_name="", text=text, stage="P", year=year, keys=_keys(people, place.org_id)
        )

    _as(staff, Role.REGISTRAR, place.org_id, enter_all)
    if other is not None:
        _as(
            staff,
            Role.REGISTRAR,
            other.org_id,
            lambda actor: commands.enter_sheet(
                actor,
                data=b"",
                file_name="",
                text=_lines(people[_CANDIDATES - 1 : _CANDIDATES], papers),
                stage="P",
                year=year,
                keys=_keys(people[-1:], other.org_id),
            ),
        )

    def send(actor: Any) -> Any:
        rows = Applicant.objects.filter(
            school_id=place.org_id, disputed=False, verdict__in=[Verdict.PASS, Verdict.WARN]
        ).order_by("sort")
        ids = list(rows.values_list("pk", flat=True)[:_SENT])
        return commands.submit(actor, ids) if ids else None

    sent = _as(staff, Role.SCHOOL_HEAD, place.org_id, send)
    if sent is None:
        return {"adm_applicant": _CANDIDATES}

    def decide(actor: Any) -> None:
        last = (
            Applicant.objects.filter(submission_id=sent.pk).order_by("-sort").values_list("pk", flat=True)[:1]
        )
        commands.decide(actor, sent.pk, refused=dict.fromkeys(last, "户籍不在学校服务范围内"))

    _as(staff, Role.COUNTY_CLERK, place.county_id, decide)

    def receive(actor: Any) -> None:
        waiting = Applicant.objects.filter(submission_id=sent.pk, state=State.APPROVED).order_by("sort")
        ids = list(waiting.values_list("pk", flat=True))
        commands.deliver(actor, ids[:-1], on=today - timedelta(days=10), how="hand")
        commands.check_in(actor, ids[:7], on=today - timedelta(days=2))
        commands.check_in(
            actor, ids[7:8], on=today, condition="接种证", condition_due=today + timedelta(days=14)
        )
        commands.grant_late(actor, ids[8:9], until=today + timedelta(days=7), reason="住院治疗")
        commands.close_absent(actor, ids[9:10], words="三次电话都没有接通")

    _as(staff, Role.REGISTRAR, place.org_id, receive)
    return {"adm_applicant": _CANDIDATES, "adm_child": len(people)}
