"""What the demonstration tells about itself: accounts, the two schools of the tutorial, children to try things with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.grades import class_label
from xueji.ground.paper.fonts import missing_glyphs
from xueji.ground.standards.pinyin import pinyin_of

from . import cases
from .accounts import PASSWORD, Account, Staff
from .children import Child
from .world import Place, World


@dataclass(frozen=True)
class DemoSchool:
    """A school for tutorials and journeys, with those who act for it and its county."""

    key: str
    org_id: int
    code: str
    name: str
    county_id: int
    county: str
    registrar: str
    head: str
    county_clerk: str
    county_head: str


@dataclass(frozen=True)
class DemoChild:
    """An invented child that a tutorial names: the numbers open whoever's door a real one would."""

    person_id: str
    name: str
    initials: str
    number: str
    identity: str
    birth_date: str
    school: str
    class_label: str
    class_id: int


@dataclass
class DemoAccounts:
    """What `build` made: accounts, the schools A and B in two counties, children to try things with."""

    password: str
    accounts: list[Account]
    school_a: DemoSchool
    school_b: DemoSchool
    #: Children of B (third year) whom A can ask for: studying, no open case, no problem.
    transfer_children: list[DemoChild]
    #: Children of A whom a tutorial may look up, suspend, print a certificate for.
    children_a: list[DemoChild]
    parent_children: list[DemoChild]
    student_child: DemoChild
    counts: dict[str, int] = field(default_factory=dict)
    cases: dict[str, int] = field(default_factory=dict)
    #: Names with characters that the shipped fonts cannot draw, and the characters.
    missing_glyphs: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def _school(world: World, staff: Staff, key: str) -> DemoSchool:
    place = world.by_key(key)
    return DemoSchool(
        key, place.org_id, place.code, place.spec.name, place.county_id, place.county_name,
        staff.at(Role.REGISTRAR, place.org_id).username, staff.at(Role.SCHOOL_HEAD, place.org_id).username,
        staff.at(Role.COUNTY_CLERK, place.county_id).username, staff.at(Role.COUNTY_HEAD, place.county_id).username,
    )  # fmt: skip


def _described(world: World, child: Child) -> DemoChild:
    last = child.life.moves[-1]
    number = next(n for n in child.numbers if n.scheme == "national" and n.until is None)
    stage, cohort, no = world.class_numbers[last.class_id or 0]
    return DemoChild(
        str(child.person_id), child.name, pinyin_of(child.name).initials,
        f"G{child.identity}" if number.derived else number.value, child.identity, child.birth.isoformat(),
        child.place.spec.name, class_label(stage, cohort, no, child.place.spec.system, world.today), last.class_id or 0,
    )  # fmt: skip


def _quiet(world: World, children: list[Child], place: Place, cohort: int, skip: set[Any]) -> list[DemoChild]:
    """Children of a cohort about whom nothing is under way."""
    return [
        _described(world, c)
        for c in children
        if c.place is place and c.is_studying and c.life.moves[-1].cohort == cohort and c.id_type == "1"
        and not c.problem and not c.renamed_at and c.person_id not in skip and "·" not in c.name
    ][:8]  # fmt: skip


def report(
    world: World,
    staff: Staff,
    children: list[Child],
    family: list[Child],
    counts: dict[str, int],
    made: dict[str, int],
    seconds: dict[str, float],
) -> DemoAccounts:
    """What was made, for the terminal, for journeys and for tests."""
    busy = cases.busy() | {c.person_id for c in family}
    a, b = world.by_key("a"), world.by_key("b")
    third = world.start_year - 2
    missing = {}
    for child in children:
        for name in {child.name, child.former_name, *(r.name for r in child.family)}:
            if absent := missing_glyphs(name):
                missing[name] = "".join(absent)
    return DemoAccounts(
        password=PASSWORD,
        accounts=staff.shown,
        school_a=_school(world, staff, "a"),
        school_b=_school(world, staff, "b"),
        transfer_children=_quiet(world, children, b, third, busy),
        children_a=_quiet(world, children, a, third, busy),
        parent_children=[_described(world, c) for c in family],
        student_child=_described(world, family[1]),
        counts=counts,
        cases=made,
        missing_glyphs=missing,
        seconds=seconds,
    )


def format_accounts(accounts: DemoAccounts) -> str:
    """The accounts as a table for people: user name, name, role, unit."""
    lines = [f"所有账号的密码: {accounts.password}", ""]
    for row in accounts.accounts:
        name = f"{row.username:<16}"
        lines.append(
            f"  {name}{_pad(row.name, 10)}{_pad(row.role_label, 18)}{row.org}{' ' + row.note if row.note else ''}"
        )
    a, b = accounts.school_a, accounts.school_b
    lines += [
        "",
        f"学校 A: {a.name}({a.county}), 一年级新生尚未采集, 可用来试导入",
        f"学校 B: {b.name}({b.county})",
    ]
    if accounts.transfer_children:
        child = accounts.transfer_children[0]
        lines.append(f"可以试办从 B 转到 A 的学生: {child.name} {child.number} {child.class_label}")
    return "\n".join(lines)


def _pad(text: str, width: int) -> str:
    return text + " " * max(1, width - 2 * len(text))


def as_json(accounts: DemoAccounts) -> dict[str, Any]:
    """The same as plain data, with the table as `text`."""
    return asdict(accounts) | {"text": format_accounts(accounts)}
