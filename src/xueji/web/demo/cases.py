"""Cases in every state, made through the same commands that people use, on the days on which they would have.

Each scenario names a business, who holds it in the end, and how long ago it was sent.
"""

from __future__ import annotations

import io
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from PIL import Image, ImageDraw

from xueji.ground.accounts.actor import Actor, enter
from xueji.ground.accounts.models import User
from xueji.ground.accounts.roles import Role
from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import grade_on
from xueji.ground.orgs.models import Org, SchoolClass
from xueji.ground.policy.calendar import is_workday
from xueji.ground.policy.statuses import Status
from xueji.registry.changes import commands, placing
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case, CaseStatus, CaseStep, PlacingRequest
from xueji.registry.changes.routing import policy_for
from xueji.registry.enrolment.timeline import CHINA

from .accounts import Staff
from .children import Child
from .names import People
from .world import Place, World

#: What is left to do with a case once it is sent.
_PASSED = "passed"


@dataclass(frozen=True)
class Scenario:
    """One case: `ago` working days since it was sent, `steps` decided since, `end` what happened last."""

    business: str
    ago: int
    steps: int = 0
    end: str = ""
    route: str = ""
    in_days: int = 0


#: At each step of the chain of eight between A and B, both ways; then the other states; then other schools.
CHAIN = tuple(
    Scenario("transfer", ago, steps, route=route)
    for steps, ago, route in (
        (0, 1, "a<b"), (1, 2, "b<a"), (2, 5, "a<b"), (3, 4, "b<a"), (4, 9, "a<b"), (5, 8, "b<a"), (6, 12, "a<b"),
        (0, 16, "a<b"), (3, 18, "b<a"),
    )
)  # fmt: skip
STATES = (
    Scenario("transfer", 1, end="draft", route="a<b"),
    Scenario("suspend", 1, end="draft", route="a"),
    Scenario("transfer", 6, 3, "return", "a<b"),
    Scenario("suspend", 4, 1, "return", "b"),
    Scenario("transfer", 3, end="wait", route="a<b"),
    Scenario("transfer", 9, 7, _PASSED, "a<b", in_days=9),
    Scenario("suspend", 6, 3, _PASSED, "a", in_days=10),
    Scenario("transfer", 15, 7, _PASSED, "b<a"),
    Scenario("suspend", 14, 3, _PASSED, "b"),
    Scenario("resume", 12, 3, _PASSED, "a"),
    Scenario("correct_key", 13, 3, _PASSED, "a"),
    Scenario("transfer", 10, 2, "refuse", "a<b"),
    Scenario("correct_key", 8, 2, "refuse", "b"),
    Scenario("suspend", 5, end="withdraw", route="a"),
    Scenario("transfer", 7, 2, "cancel", "b<a"),
    Scenario("suspend", 2, 0, route="a"),
    Scenario("correct_key", 3, 1, route="a"),
    Scenario("correct_key", 14, 1, route="b"),
    Scenario("suspend", 9, 2, route="b"),
    Scenario("resume", 2, 1, route="b"),
    Scenario("abroad", 3, 1, route="a"),
    Scenario("leave", 2, 0, route="b"),
    Scenario("transfer_out", 12, 3, _PASSED, "a"),
    Scenario("transfer_out", 2, 1, route="b"),
    Scenario("suspend_extend", 1, end="draft", route="a"),
)
MANY = (
    Scenario("transfer", 3, 1), Scenario("transfer", 6, 4), Scenario("transfer", 20, 7, _PASSED),
    Scenario("suspend", 2, 1), Scenario("suspend", 12, 3, _PASSED), Scenario("correct_key", 4, 2),
    Scenario("transfer", 17, 5), Scenario("resume", 3, 2),
)  # fmt: skip
#: Transfers into a grade that was full: one waits for a seat elsewhere, for one the county found a school.
FULL = (Scenario("transfer", 2, end="full", route="a<b"), Scenario("transfer", 5, end="placed", route="a<b"))

_busy: set[uuid.UUID] = set()


def busy() -> set[uuid.UUID]:
    """Children about whom the last `make` started a case."""
    return set(_busy)


def make(
    world: World, staff: Staff, children: list[Child], rng: random.Random, keep: set[uuid.UUID]
) -> dict[str, int]:
    """Make the cases; returns how many stand in each state. `keep` are children to be left in peace."""
    _busy.clear()
    office = Office(world, staff, children, rng, keep)
    scenarios = [*CHAIN, *STATES]
    while len(scenarios) < world.size.open_cases:
        scenarios.append(MANY[len(scenarios) % len(MANY)])
    for scenario in scenarios:
        office.play(scenario)
    for scenario in FULL:
        office.play(scenario)
    _busy.update(office.used)
    return dict(sorted(office.made.items()))


@contextmanager
def clock_at(moment: datetime) -> Iterator[None]:
    """Everything asked for the time in here is told this moment: the past is made in the past."""
    real = timezone.now
    timezone.now = lambda: moment
    try:
        yield
    finally:
        timezone.now = real


@dataclass
class Office:
    """Plays scenarios: finds a child, and acts as each person whose turn it is."""

    world: World
    staff: Staff
    children: list[Child]
    rng: random.Random
    keep: set[uuid.UUID]
    used: set[uuid.UUID] = field(default_factory=set)
    made: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.people = People(self.rng)
        self.paper = drawn_paper()
        self.sizes = Counter(
            c.life.moves[-1].class_id for c in self.children if c.life.moves[-1].status == Status.STUDYING
        )
        self.capacity = dict(SchoolClass.objects.values_list("id", "capacity"))
        self.at_school: dict[int, list[Child]] = {}
        for child in self.children:
            self.at_school.setdefault(child.place.org_id, []).append(child)

    # --- one case --------------------------------------------------------------------------------------------

    def play(self, s: Scenario) -> None:
        """Make the case of one scenario; one that the rules of the day forbid stays a draft."""
        day = self._workday_before(s.ago)
        chosen = self._choose(s, day)
        if chosen is None:
            return
        target, child, class_id = chosen
        self.used.add(child.person_id)
        if s.end == "wait":
            self._send(
                Scenario("correct_key", s.ago + 1, 1),
                self._workday_before(s.ago + 1),
                child.place,
                child,
                None,
            )
        case = self._send(s, day, target, child, class_id)
        self.made[str(case.status) if case.status != CaseStatus.RUNNING else self._pace(case)] += 1

    def _send(self, s: Scenario, day: date, school: Place, child: Child, class_id: int | None) -> Case:
        registrar = self.staff.at(Role.REGISTRAR, school.org_id)
        hour = self.rng.randrange(9, 11)
        with self._as(registrar, day, hour) as actor:
            if s.business == "transfer":
                number = next(n for n in child.numbers if n.scheme == "national" and n.until is None)
                value = f"G{child.identity}" if number.derived else number.value
                case = commands.start(actor, business="transfer", name=child.name, number=value)
            else:
                case = commands.start(actor, business=s.business, person_id=child.person_id)
            form, papers = self._filled(s, day, child, class_id)
            case = commands.save_draft(actor, case_id=case.pk, form=form)
            for slot in papers if s.end != "draft" else papers[:1]:
                commands.attach(actor, case_id=case.pk, slot=slot, data=self.paper, name=f"{slot}.jpg")
        if s.end == "draft":
            return case
        try:
            with self._full(school, class_id, s), self._as(registrar, day, hour) as actor:
                case = commands.submit(actor, case_id=case.pk)
        except CaseError:
            return case
        for n in range(s.steps):
            if case.status == CaseStatus.RUNNING:  # the chain inside one county is shorter
                case = self._decide(case, day, hour + n, n, s)
        return self._finish(s, case, registrar, day, hour)

    @contextmanager
    def _full(self, school: Place, class_id: int | None, s: Scenario) -> Iterator[None]:
        """While a transfer into a full grade is sent, the grade has no seat."""
        if s.end not in ("full", "placed"):
            yield
            return
        with transaction.atomic(), acting("writer"):
            klass = SchoolClass.objects.get(pk=class_id or 0)
            grade = SchoolClass.objects.filter(
                school_id=school.org_id, stage=klass.stage, cohort_year=klass.cohort_year
            )
            seats = dict(grade.values_list("pk", "capacity"))
            grade.update(capacity=0)
        yield
        with transaction.atomic(), acting("writer"):
            for pk, capacity in seats.items():
                SchoolClass.objects.filter(pk=pk).update(capacity=capacity)

    def _decide(self, case: Case, day: date, hour: int, n: int, s: Scenario) -> Case:
        """The next step passes; steps are spread over the days since the case was sent."""
        past = [d for d in self._days_since(day) if d < self.world.today] or [day]
        when = past[min(len(past) - 1, n * len(past) // max(1, s.steps + 1))]
        who = self._holder(case)
        words = self.rng.choice(("材料齐全, 同意", "情况属实, 同意办理", "同意"))
        with self._as(who, when, min(17, hour + n % 2)) as actor:
            return commands.decide(actor, case_id=case.pk, decision="pass", opinion=words)

    def _finish(self, s: Scenario, case: Case, registrar: User, day: date, hour: int) -> Case:
        last = self._days_since(day)[-1]
        if s.end == "return":
            with self._as(self._holder(case), last, hour + 5) as actor:
                items = ["转学原因证明"] if s.business == "transfer" else ["休学申请"]
                return commands.return_for_repair(
                    actor, case_id=case.pk, items=items, opinion="材料照片不清楚, 请重新上传"
                )
        if s.end == "refuse":
            with self._as(self._holder(case), last, hour + 5) as actor:
                rule = "NAT-TRF-11" if s.business == "transfer" else "NAT-CHG-01"
                return commands.decide(
                    actor,
                    case_id=case.pk,
                    decision="refuse",
                    opinion="材料与事实不符, 请核实",
                    reason_rule=rule,
                )
        if s.end == "placed" and case.status == CaseStatus.REFUSED:
            clerk = self.staff.at(Role.COUNTY_CLERK, self.world.by_key(s.route[0]).county_id)
            with self._as(clerk, last, hour + 5) as actor:
                row = PlacingRequest.objects.get(case_id=case.pk)
                policy = policy_for(Org.objects.get(pk=row.county_id), day)
                if seats := placing.seats(policy, row):
                    commands.assign(actor, row.pk, school_id=seats[0].school_id, text="离家较近, 有空位")
                else:
                    commands.decline(actor, row.pk, text="全县这个年级都已满额, 有空位时再安排")
            return case
        if s.end == "withdraw":
            with self._as(registrar, last, hour + 5) as actor:
                return commands.withdraw(actor, case_id=case.pk)
        if s.end == "cancel":
            with self._as(registrar, last, hour + 5) as actor:
                return commands.cancel(actor, case_id=case.pk, reason="家长改变主意, 不再转学")
        return case

    # --- who and when ----------------------------------------------------------------------------------------

    @contextmanager
    def _as(self, user: User, day: date, hour: int) -> Iterator[Actor]:
        moment = datetime.combine(day, time(min(hour, 18), self.rng.randrange(60)), CHINA)
        with clock_at(min(moment, timezone.now())), transaction.atomic():
            actor = enter(user.pk)
            if actor is None:
                raise RuntimeError(f"{user.username} holds no role")
            yield actor

    def _holder(self, case: Case) -> User:
        with transaction.atomic(), acting("writer"):
            step = CaseStep.objects.get(case=case, state="current")
        return self.staff.at(step.role, step.org_id)

    def _workday_before(self, ago: int) -> date:
        day = self.world.today
        while ago > 0 or not is_workday(day):
            day -= timedelta(days=1)
            ago -= is_workday(day)
        return day

    def _days_since(self, day: date) -> list[date]:
        span = (self.world.today - day).days
        return [d for n in range(span + 1) if is_workday(d := day + timedelta(days=n))] or [day]

    def _pace(self, case: Case) -> str:
        with transaction.atomic(), acting("writer"):
            step = CaseStep.objects.get(case=case, state="current")
        return "overdue" if step.due_on and step.due_on < self.world.today else "running"

    # --- about whom ------------------------------------------------------------------------------------------

    def _choose(self, s: Scenario, day: date) -> tuple[Place, Child, int | None] | None:
        """The school that starts, the child, and the class it is to sit in."""
        if s.business == "transfer":
            target, source = self._ends(s.route)
            fits: Callable[[Child], int | None] = lambda child: self._room(target, child, day)  # noqa: E731
        else:
            target = source = self.world.by_key(s.route) if s.route else self._any()
            fits = lambda child: child.life.moves[-1].class_id  # noqa: E731
        away = s.business in ("resume", "suspend_extend")
        wanted = Status.SUSPENDED if away else Status.STUDYING
        at_hand = [source, *self.world.places] if away else [source]
        for place in at_hand:
            pupils = self.at_school.get(place.org_id, [])
            for child in self.rng.sample(pupils, min(len(pupils), 400)):
                if self._free(child, wanted, day) and (class_id := fits(child)) is not None:
                    if s.business == "transfer" and s.steps == 7:
                        self.sizes[class_id] += 1
                    return (place if away else target), child, class_id
        return None

    def _ends(self, route: str) -> tuple[Place, Place]:
        if route:
            to, _arrow, origin = route.partition("<")
            return self.world.by_key(to), self.world.by_key(origin)
        target = self._any()
        stage = target.spec.stages[0]
        others = [
            p
            for p in self.world.places
            if p is not target
            and stage in p.spec.stages
            and not p.spec.special
            and p.years(stage) == target.years(stage)
        ]
        return target, self.rng.choice(others or [self.world.by_key("b")])

    def _any(self) -> Place:
        return self.rng.choice([p for p in self.world.places if not p.spec.special])

    def _free(self, child: Child, wanted: int, day: date) -> bool:
        last = child.life.moves[-1]
        third = last.cohort == self.world.start_year - 2 and child.place.key in ("a", "b")
        return (
            last.status == wanted
            and last.at.date() < day - timedelta(days=10)
            and child.person_id not in self.used
            and child.person_id not in self.keep
            and not child.life.guest
            and not child.problem
            and child.id_type == "1"
            and (not third or wanted == Status.SUSPENDED)
        )

    def _room(self, target: Place, child: Child, day: date) -> int | None:
        """A class of the same grade with room."""
        last = child.life.moves[-1]
        grade = grade_on(last.stage, last.cohort, child.place.spec.system, day)
        for class_id in target.classes.get((last.stage, last.cohort), []):
            if grade and 0 < self.sizes[class_id] < self.capacity[class_id] - 1:
                return class_id
        return None

    def _filled(
        self, s: Scenario, day: date, child: Child, class_id: int | None
    ) -> tuple[dict[str, Any], list[str]]:
        start = self.world.today + timedelta(days=s.in_days) if s.in_days else day
        if s.business == "transfer":
            reason = self.rng.choice(("家庭住址变动", "监护人工作调动", "随监护人迁移户口"))
            form = {"reason": reason, "to_class_id": class_id, "effective_on": start.isoformat()}
            return form, ["学生基本信息表", "转学原因证明"]
        if s.business == "suspend":
            end = date(start.year + 1, start.month, min(start.day, 28)) - timedelta(days=1)
            form = {
                "reason": "因病",
                "reason_note": "需住院治疗",
                "start": start.isoformat(),
                "end": end.isoformat(),
            }
            return form, ["休学申请", "病情证明"]
        if s.business in ("abroad", "leave"):
            whereto = "新加坡" if s.business == "abroad" else "回外省老家, 家长自行辅导"
            return {"reason": "随家人外出", "destination": whereto, "happened_on": start.isoformat()}, []
        if s.business == "transfer_out":
            form = {
                "reason": "监护人工作调动",
                "destination": "演示外省实验小学",
                "destination_area": "外省某市某县",
                "effective_on": start.isoformat(),
            }
            return form, ["转学原因证明"]
        if s.business == "suspend_extend":
            end = self.world.today + timedelta(days=240)
            form = {"reason": "因病", "reason_note": "仍需康复治疗", "end": end.isoformat()}
            return form, ["休学申请", "病情证明"]
        if s.business == "resume":
            form = {"reason": "因病", "to_class_id": class_id, "resume_on": start.isoformat()}
            return form, ["复学申请", "康复证明"]
        new = self.people.adult(child.sex, child.name[0])
        return {"new_name": new if new != child.name else new + "明", "reason": "户口簿姓名变更"}, [
            "关键信息变更证明"
        ]


def drawn_paper() -> bytes:
    """A picture of a paper, the same for all: a page with lines and no words on it."""
    page = Image.new("RGB", (620, 877), "#fdfcf8")
    draw = ImageDraw.Draw(page)
    draw.rectangle((60, 70, 560, 110), fill="#c9ced6")
    for row in range(16):
        draw.rectangle((60, 160 + 38 * row, 560 - (row * 53) % 190, 172 + 38 * row), fill="#dfe3e9")
    draw.ellipse((410, 690, 540, 820), outline="#d06a60", width=5)
    out = io.BytesIO()
    page.save(out, "JPEG", quality=80)
    return out.getvalue()
