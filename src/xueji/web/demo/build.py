"""Building the demonstration: places, accounts, children with their past, then the cases that are under way."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any

import psycopg
from django.db import connection, transaction
from django.utils import timezone

from xueji import config
from xueji.ground.accounts.actor import enter
from xueji.ground.accounts.roles import Role
from xueji.ground.audit.commands import Who, record
from xueji.ground.audit.sealing import seal
from xueji.ground.db.scope import acting
from xueji.ground.paper.fonts import missing_glyphs
from xueji.ground.standards import divisions
from xueji.office.privacy.commands import checks
from xueji.registry.dropout import commands as dropout
from xueji.registry.enrolment.timeline import CHINA
from xueji.registry.problems import commands as problem_records

from . import (
    admission,
    arriving,
    cases,
    collecting,
    exams,
    exporting,
    offline,
    papers,
    placing,
    posts,
    protection,
    register,
    rounds,
    terms,
    twins,
    year,
)
from .accounts import Personnel, Staff
from .children import Child, Nursery
from .history import Historian
from .layout import size_of
from .load import Loader
from .report import DemoAccounts, report
from .world import LEFT_YEARS, World, make

Progress = Callable[[str], object]


def build(
    size: str = "M", seed: int = 2026, progress: Progress = print, *, today: date | None = None
) -> DemoAccounts:
    """Load a made-up province into an empty migrated database. Same size, seed and day: same people.

    Sizes S (600 children, 6 schools), M (12,000), L (60,000). Raises `ValueError` for another size and
    `RuntimeError` when there are organisations already.
    """
    layout = size_of(size)
    divisions.use_demo(True)
    rng = random.Random(f"{size}:{seed}")
    day = today or timezone.localdate()
    clock = _Clock(progress)
    with transaction.atomic():
        _require_empty()
        with acting("writer"):
            world = make(layout, day, rng)
            personnel = Personnel(world, rng)
            staff = personnel.build()
            clock.lap(
                "places",
                f"{len(world.places)} 所学校, {len(world.class_numbers)} 个班级, {len(staff.users)} 个账号",
            )
            now = min(timezone.now(), datetime.combine(day, datetime.max.time(), CHINA))
            nursery = Nursery(world, rng)
            children = _population(world, nursery, rng)
            family = _family(world, children)
            _problems(children, rng)
            clock.lap("people", f"{len(children)} 名学生")
            loader = Loader(world, rng, staff.clerks(world), now)
            for child in children:
                loader.add(child)
            loader.rows["number_counter"] = [(*key, n) for key, n in sorted(nursery.counters.items())]
            clock.lap("rows", "学籍、事件、证件和编号")
            counts = loader.write()
            clock.lap("load", f"{sum(counts.values())} 行已写入")
            _portal(world, personnel, family)
        record(
            Who(None, "xueji demo", "system", None), "demo.build", row_count=counts["person"], after=counts
        )
    _analyze()
    made = cases.make(world, staff, children, rng, {c.person_id for c in family})
    made["problem_record"] = _open_problems(children)
    made |= papers.make(world, staff, children, seed, cases.busy())
    made |= year.make(world, staff)
    made |= admission.make(world, staff)
    made |= placing.make(world, staff)
    made |= _watched(world, staff, children, {c.person_id for c in family} | cases.busy())
    made |= protection.make(world, staff, children)
    made |= exporting.make(world, staff)
    made |= terms.make(world, staff)
    made |= posts.make(world, staff)
    made["exam_entry"] = exams.make(world, staff)
    made["offline_item"] = offline.make(world, staff)
    made |= rounds.make(world, staff)
    made |= twins.make(world, staff)
    made |= register.make(world, staff)
    made |= collecting.make(world, staff, {c.person_id for c in family})
    made |= arriving.make(world, staff, family)
    with transaction.atomic():
        while seal():
            pass
    with transaction.atomic():
        checks.run()
    clock.lap("cases", f"{sum(made.values())} 件业务和批次")
    clock.seconds["total"] = round(monotonic() - clock.started, 2)
    return report(world, staff, children, family, counts, made, clock.seconds)


#: What surely happened to some children of schools A and B, whatever the size: transferred here, from another
#: province, suspended and back, in another class before, suspended now (twice), a guest elsewhere.
_FATES = (0.01, 0.045, 0.052, 0.058, 0.061, 0.062, 0.076)


def _require_empty() -> None:
    with connection.cursor() as c:
        c.execute("select exists (select 1 from org)")
        if c.fetchone()[0]:
            raise RuntimeError(
                "this database holds organisations already; the demonstration needs an empty one"
            )


def _population(world: World, nursery: Nursery, rng: random.Random) -> list[Child]:
    """Children class by class: those of today, then those who left."""
    history = Historian(world, rng)
    out: list[Child] = []
    sizes = _class_sizes(world, rng)
    for place in world.places:
        for (stage, cohort), ids in sorted(place.classes.items()):
            present = cohort + place.years(stage) > world.start_year
            for class_id in ids if present else ():
                fates = (
                    _FATES
                    if place.key in ("a", "b") and class_id == ids[0] and cohort < world.start_year - 2
                    else ()
                )
                for n in range(sizes.get(class_id, 0)):
                    fate = fates[n] if n < len(fates) else None
                    out.append(nursery.child(history.present(place, stage, cohort, class_id, fate=fate)))
                if sizes.get(class_id, 0) and rng.random() < 0.3 and not place.spec.special:
                    life = history.gone(place, stage, cohort, class_id)
                    if life is not None:
                        out.append(nursery.child(life))
    out += [nursery.child(life) for life in _left(world, history, out, rng)]
    return out


def _class_sizes(world: World, rng: random.Random) -> dict[int, int]:
    """How many children sit in each class today: believable, and in sum what the size promises."""
    size = world.size
    sizes: dict[int, int] = {}
    usual: list[int] = []
    for place in world.places:
        for (stage, cohort), ids in sorted(place.classes.items()):
            if cohort + place.years(stage) <= world.start_year:
                continue
            if place.key == "a" and cohort == world.start_year:
                continue  # still to be collected: the tutorial imports them
            for class_id in ids:
                if place.spec.special:
                    sizes[class_id] = rng.randrange(6, 11)
                    continue
                middle = {"P": 0.36, "J": 0.62, "S": 0.8}[stage] - (0.2 if place.spec.village else 0.0)
                if place.key in ("a", "b"):
                    middle = 0.25
                spread = size.highest - size.lowest
                sizes[class_id] = _clamp(size, size.lowest + spread * (middle + rng.uniform(-0.22, 0.22)))
                if place.key not in ("a", "b"):
                    usual.append(class_id)
    # The rest is spread over the usual classes, one child each time round.
    rng.shuffle(usual)
    for _round in range(40):
        gap = size.present - sum(sizes.values())
        if not gap:
            break
        for class_id in usual[: abs(gap)]:
            sizes[class_id] = _clamp(size, sizes[class_id] + (1 if gap > 0 else -1))
    return sizes


def _clamp(size: Any, wanted: float) -> int:
    return max(size.lowest, min(size.highest, round(wanted)))


def _left(world: World, history: Historian, so_far: list[Child], rng: random.Random) -> list[Any]:
    """Lives of those who finished in the last years: seniors, and juniors who went on elsewhere."""
    sat: dict[int, int] = {}
    for child in so_far:
        for move in child.life.moves:
            if move.class_id is not None and move.business == "graduate":
                sat[move.class_id] = sat.get(move.class_id, 0) + 1
    lives = []
    for stage in "SJ":
        for place in world.places:
            for (own, cohort), ids in sorted(place.classes.items()):
                ends = cohort + place.years(own)
                if own != stage or not world.start_year - LEFT_YEARS < ends <= world.start_year:
                    continue
                for class_id in ids:
                    usual = 8 if place.spec.special else world.size.lowest + rng.randrange(8, 16)
                    for _n in range(max(0, usual - sat.get(class_id, 0))):
                        life = history.finished(place, stage, cohort, class_id)
                        lives.append(life)
                        for move in life.moves[:-1]:
                            if move.class_id is not None and move.business == "graduate":
                                sat[move.class_id] = sat.get(move.class_id, 0) + 1
    return lives


def _family(world: World, children: list[Child]) -> list[Child]:
    """Two children of one family, at two schools: the younger in school A, the older in a junior school near by."""
    a = world.by_key("a")
    younger = [
        c
        for c in children
        if c.place is a and c.is_studying and len(c.life.moves) == 1 and len(c.name) == 3
        and c.life.moves[-1].cohort == world.start_year - 2 and world.class_numbers[c.life.moves[-1].class_id or 0][2] == 1
    ]  # fmt: skip
    older = [
        c
        for c in children
        if c.place is not a and c.place.spec.county == a.spec.county and c.is_studying and not c.place.spec.special
        and c.life.moves[-1].stage in "JS" and c.place.spec.stages[0] == "J"
    ]  # fmt: skip
    pairs = (
        (y, o)
        for y in younger
        for o in older
        if y.name[0] == o.name[0] and y.ethnicity == o.ethnicity and y.id_type == o.id_type == "1"
        and not missing_glyphs(y.name + o.name)
    )  # fmt: skip
    young, old = next(pairs, (younger[0], older[0]))
    if old.name[0] != young.name[0]:  # in a very small province perhaps no two share a surname
        old.name = young.name[0] + old.name[1:]
    old.family = young.family
    for key in ("home_address", "postal_address", "current_address", "phone"):
        old.profile[key] = young.profile[key]
    return [young, old]


def _problems(children: list[Child], rng: random.Random) -> None:
    """Some records have something wrong with their identity and wait for a correction."""
    eligible = [c for c in children if c.is_studying and c.identity and c.place.key not in ("a", "b")]
    near = [c for c in children if c.is_studying and c.identity and c.place.key in ("a", "b")]
    for child in (*rng.sample(eligible, max(4, len(eligible) // 700)), *rng.sample(near, 4)):
        child.problem, child.check_state = True, "failed"


def _open_problems(children: list[Child]) -> int:
    """The records behind the marks that were loaded: one wrong identity number each, as a check found it."""
    flagged = [c.person_id for c in children if c.problem][:200]
    with transaction.atomic():
        for person_id in flagged:
            problem_records.open_problem(
                problem_records.SYSTEM,
                "wrong_id",
                [person_id],
                source="check",
                note="核验没有通过, 请核对证件号",
            )
    return len(flagged)


def _watched(world: World, staff: Staff, children: list[Child], keep: set[Any]) -> dict[str, int]:
    """Two children of school A who have not come for a while: one followed up and told of, one just noticed."""
    place, day = world.by_key("a"), world.today
    missing = [c for c in children if c.place is place and c.is_studying and c.person_id not in keep][-2:]
    with transaction.atomic():
        actor = enter(staff.at(Role.REGISTRAR, place.org_id).pk)
        if actor is None:
            return {}
        for no, child in enumerate(missing):
            since = day - timedelta(days=9 + 5 * no)
            watch = dropout.notice(
                actor, child.person_id, source="absence", since=since, text="连续没有到校, 电话无人接听"
            )
            if no:
                dropout.follow_up(
                    actor, watch.watch_id, deed="visit", text="家访见到祖母, 随父母外出, 已劝返"
                )
                dropout.tell_authority(actor, watch.watch_id, text="已家访, 请乡镇协助劝返")
    return {"dropout_watch": len(missing)}


def _portal(world: World, personnel: Personnel, family: list[Child]) -> None:
    younger, older = family
    parent = younger.family[0]
    personnel.portal(
        "parent", parent.name, Role.PARENT, {younger.person_id: 1, older.person_id: 1},
        f"孩子: {younger.name}({younger.place.spec.short})、{older.name}({older.place.spec.short})",
    )  # fmt: skip
    personnel.portal("student", older.name, Role.STUDENT, {older.person_id: None}, older.place.spec.name)


def _analyze() -> None:
    """As owner: let the planner know how much there is now. Without it the first minute would be slow."""
    owner = config.owner_dsn().as_database(str(connection.settings_dict["NAME"]))
    try:
        with psycopg.connect(**owner.kwargs(), autocommit=True) as c:  # type: ignore[arg-type]
            c.execute("analyze")
    except psycopg.Error:
        return  # a server whose owner cannot be reached from here does it by itself, a little later


class _Clock:
    """Tells how long each part took."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.started = self.last = monotonic()
        self.seconds: dict[str, float] = {}

    def lap(self, name: str, text: str) -> None:
        """A part is done."""
        now = monotonic()
        self.seconds[name] = round(now - self.last, 2)
        self.last = now
        self.progress(f"  {text} ({self.seconds[name]:.1f} 秒)")
