"""Random people do random things to cases, right and wrong; after each deed everything that must hold is asked for."""

from __future__ import annotations

import itertools
import random
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import psycopg
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.helpers import SINCE, Place, act_as, make_county, seeing_all
from tests.model import invariants, recipes
from tests.model.clock import pass_days
from tests.registry.changes.world import BORN, identity, make_child

from xueji.ground.accounts.models import RoleAssignment, User
from xueji.office.statistics import queries as statistics
from xueji.office.statistics import units
from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import CaseError, StaleCase
from xueji.registry.changes.kinds import KINDS
from xueji.registry.changes.models import Case, CaseStatus, CaseStep
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import EnrolmentError
from xueji.registry.enrolment.models import EnrolmentState, Roster
from xueji.registry.enrolment.timeline import Step

REFUSALS = (CaseError, PermissionDenied, Http404)
SEED = st.integers(0, 2**20)
_TAGS = itertools.count(1)


class World:
    """A county with children, and everybody who could decide."""

    def __init__(self) -> None:
        self.place: Place = make_county(f"-{next(_TAGS)}")
        self.children: dict[uuid.UUID, tuple[str, str]] = {}
        self.people = {
            (role, self.place.orgs[key].pk): user for (role, key), user in self.place.users.items() if key
        }
        self.keys = {org.pk: key for key, org in self.place.orgs.items()}
        for school, name in (("a1", "赵小满"), ("a1", "钱多多"), ("b1", "孙一诺")):
            number = identity()
            child = make_child(self.place, school=school, name=name, id_number=number, born=BORN)
            self.children[child] = (name, number)

    def who(self, role: str, org_id: int) -> User:
        """The person with a role at a unit; one is made where the county has none."""
        found = self.people.get((role, org_id))
        if found is None:
            with seeing_all():
                org = next(o for o in self.place.orgs.values() if o.pk == org_id)
                found = User.objects.create(
                    username=f"{role}.{org_id}", display_name=f"{role}{org_id}"[:50], home_org=org
                )
                RoleAssignment.objects.create(user=found, role=role, org=org, valid_from=SINCE)
            self.people[role, org_id] = found
        return found

    def stands(self, child: uuid.UUID) -> tuple[str, int]:
        """The key of the school where the child is now, and its status there."""
        with seeing_all():
            row = Roster.objects.filter(person_id=child, reason="enrolled").first()
        assert row is not None
        return self.keys[row.school_id], row.status

    def host_of(self, child: uuid.UUID) -> str:
        """The key of the school where the child is a guest, or empty."""
        with seeing_all():
            row = Roster.objects.filter(person_id=child, reason="guest").first()
        return self.keys[row.school_id] if row is not None else ""

    def cases(self, *statuses: str) -> list[Case]:
        """Cases of this county in some statuses, in the order in which they were begun."""
        with seeing_all():
            return list(
                Case.objects.filter(person_id__in=list(self.children), status__in=statuses).order_by(
                    "created_at", "pk"
                )
            )

    def turns(self, case: Case) -> list[tuple[CaseStep, User]]:
        """Whose turn it is."""
        with seeing_all():
            steps = list(CaseStep.objects.filter(case=case, state="current").order_by("seq"))
        # Who was asked answers first: nobody passes before.
        steps.sort(key=lambda s: (s.mode != "advise", s.seq))
        return [(s, self.who(s.role, s.org_id)) for s in steps]

    def starter(self, case: Case) -> User:
        """The registrar of the school that began a case."""
        return self.who("registrar", case.org_id)


class CaseMachine(RuleBasedStateMachine):
    """`database` and `owner` are given by the test that runs it."""

    database: ClassVar[str]
    owner: ClassVar[psycopg.Connection]
    tried: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.deeds: Counter[uuid.UUID] = Counter()
        self.ended: dict[uuid.UUID, tuple[Any, ...]] = {}
        self.now: Counter[str] = Counter()
        self.sent: dict[uuid.UUID, tuple[Any, Any]] = {}

    def _try(self, what: str, deed: Callable[[], Any]) -> Any:
        """A deed that may be refused, in words; nothing else may come out of it."""
        try:
            found = deed()
        except REFUSALS:
            self.tried[f"{what} refused"] += 1
            return None
        self.tried[what] += 1
        return found if found is not None else True

    def _pick(self, seed: int, *statuses: str) -> Case | None:
        found = self.world.cases(*statuses)
        return found[seed % len(found)] if found else None

    # --- what schools do ---------------------------------------------------------------------------------------

    @initialize(seed=SEED)
    def one_is_sent(self, seed: int) -> None:
        """Nothing is dull: it begins with a case that runs."""
        self.start(seed=seed, careless=False, business=seed)

    @rule(seed=SEED, business=SEED, careless=st.booleans())
    def start(self, seed: int, business: int, careless: bool) -> None:
        rng = random.Random(seed)
        child = rng.choice(list(self.world.children))
        name, number = self.world.children[child]
        at, status = self.world.stands(child)
        fitting = [k for k in KINDS.values() if status in k.from_statuses]
        kinds = fitting if fitting and seed % 8 else list(KINDS.values())
        kind = kinds[business % len(kinds)]
        where = rng.choice([k for k in ("a1", "a2", "b1", "c1") if k != at]) if kind.lookup else at
        if kind.guest:
            where = self.world.host_of(child) or at
        user = self.world.place.user("registrar", where)

        def deed() -> Case:
            case = recipes.begin(self.world.place, user, kind.id, child, name, number)
            recipes.complete(user, case, rng, careless=careless)
            return case

        case = self._try(f"start {kind.id}", deed)
        if case is not None and not careless:
            self._send(case, user)

    def _send(self, case: Case, user: User, *, again: bool = False) -> None:
        with act_as(user) as actor:
            if again:
                sent = self._try("resubmit", lambda: cases.resubmit(actor, case_id=case.pk))
            else:
                sent = self._try(f"submit {case.business}", lambda: cases.submit(actor, case_id=case.pk))
        if sent is not None:
            self.sent[case.pk] = (sent.form, sent.to_class_id)

    @precondition(lambda self: self.now["draft"])
    @rule(seed=SEED)
    def submit(self, seed: int) -> None:
        case = self._pick(seed, CaseStatus.DRAFT)
        if case is not None:
            self._send(case, self.world.starter(case))

    @precondition(lambda self: self.now["returned"])
    @rule(seed=SEED, careless=st.booleans())
    def mend_and_send_again(self, seed: int, careless: bool) -> None:
        case = self._pick(seed, CaseStatus.RETURNED)
        if case is None:
            return
        user = self.world.starter(case)
        rng = random.Random(seed)
        self._try("mend", lambda: recipes.complete(user, case, rng, careless=careless))
        self._send(case, user, again=True)

    @precondition(lambda self: self.now["draft"] > 2)
    @rule(seed=SEED)
    def drop_draft(self, seed: int) -> None:
        case = self._pick(seed, CaseStatus.DRAFT)
        if case is not None:
            with act_as(self.world.starter(case)) as actor:
                self._try("drop", lambda: cases.delete_draft(actor, case_id=case.pk))

    @precondition(lambda self: self.now["running"] or self.now["returned"])
    @rule(seed=SEED, what=st.sampled_from(["withdraw", "cancel", "urge"]))
    def starter_acts(self, seed: int, what: str) -> None:
        likely = {"urge": ["running"], "withdraw": ["running", "waiting"], "cancel": ["returned", "waiting"]}
        case = self._pick(seed, *(CaseStatus.values if seed % 4 == 0 else likely[what]))
        if case is None:
            return
        more = {"reason": "家长决定不办理了"} if what == "cancel" else {}
        with act_as(self.world.starter(case)) as actor:
            self._try(what, lambda: getattr(cases, what)(actor, case_id=case.pk, **more))

    # --- deciding ----------------------------------------------------------------------------------------------

    def _decide(self, case: Case, what: str, *, version: int | None = None) -> bool:
        for step, user in self.world.turns(case)[:1]:
            with act_as(user) as actor:
                if step.mode == "advise":
                    return bool(
                        self._try(
                            "advise",
                            lambda a=actor: cases.advise(
                                a, case_id=case.pk, agree=what == "pass", opinion="没有其他意见"
                            ),
                        )
                    )
                if what == "return":
                    done = self._try(
                        "return",
                        lambda a=actor: cases.return_for_repair(
                            a, case_id=case.pk, items=["材料照片不清楚"], version=version
                        ),
                    )
                else:
                    done = self._try(
                        what,
                        lambda a=actor: cases.decide(
                            a,
                            case_id=case.pk,
                            decision=what,  # type: ignore[arg-type]
                            opinion="材料与事实不符" if what == "refuse" else "同意",
                            reason_rule="其他规定",
                            version=version,
                        ),
                    )
            if done is None:
                return False
            self.deeds[case.pk] += 1
            assert step.pk
            return True
        return False

    @precondition(lambda self: self.now["running"])
    @rule(seed=SEED)
    def carry_to_the_end(self, seed: int) -> None:
        self.go_on(seed=seed, steps=30)

    @precondition(lambda self: self.now["running"])
    @rule(seed=SEED, steps=st.integers(1, 6))
    def go_on(self, seed: int, steps: int) -> None:
        case = self._pick(seed, CaseStatus.RUNNING)
        if case is None:
            return
        for _ in range(steps):
            if not self._decide(case, "pass"):
                break

    @precondition(lambda self: self.now["running"])
    @rule(seed=SEED, what=st.sampled_from(["refuse", "return", "return"]))
    def stop(self, seed: int, what: str) -> None:
        case = self._pick(seed, CaseStatus.RUNNING)
        if case is not None:
            self._decide(case, what)

    @precondition(lambda self: self.now["running"])
    @rule(seed=SEED, what=st.sampled_from(["pass", "refuse", "return"]))
    def stale_page(self, seed: int, what: str) -> None:
        case = self._pick(seed, CaseStatus.RUNNING)
        if case is None:
            return
        for step, user in self.world.turns(case):
            if step.mode != "approve":
                continue
            with act_as(user) as actor:
                try:
                    if what == "return":
                        cases.return_for_repair(
                            actor, case_id=case.pk, items=["照片不清楚"], version=case.version - 1
                        )
                    else:
                        cases.decide(
                            actor,
                            case_id=case.pk,
                            decision=what,  # type: ignore[arg-type]
                            opinion="材料与事实不符",
                            reason_rule="其他规定",
                            version=case.version - 1,
                        )
                except StaleCase:
                    continue
                raise AssertionError("a stale page decided")

    @rule(
        seed=SEED, what=st.sampled_from(["decide", "return", "withdraw", "cancel", "urge", "submit", "save"])
    )
    def wrong_actor(self, seed: int, what: str) -> None:
        case = self._pick(seed, *CaseStatus.values)
        if case is None:
            return
        rng = random.Random(seed)
        turn = {user.pk for _step, user in self.world.turns(case)}
        own = {u.pk for (_role, org), u in self.world.people.items() if org == case.org_id}
        users = [
            u
            for u in self.world.place.users.values()
            if u.pk not in turn and (what in ("decide", "return") or u.pk not in own)
        ]
        with act_as(rng.choice(users)) as actor:
            deeds: dict[str, Callable[[], Any]] = {
                "decide": lambda: cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意"),
                "return": lambda: cases.return_for_repair(actor, case_id=case.pk, items=["材料不清楚"]),
                "withdraw": lambda: cases.withdraw(actor, case_id=case.pk),
                "cancel": lambda: cases.cancel(actor, case_id=case.pk, reason="不想办理了"),
                "urge": lambda: cases.urge(actor, case_id=case.pk),
                "submit": lambda: cases.submit(actor, case_id=case.pk),
                "save": lambda: cases.save_draft(actor, case_id=case.pk, form={"reason": "别人填写"}),
            }
            try:
                deeds[what]()
            except REFUSALS:
                return
        raise AssertionError(f"{what} by somebody whose turn it is not")

    @precondition(lambda self: self.now["running"])
    @rule(seed=SEED, what=st.sampled_from(["pass", "return"]))
    def many_at_once(self, seed: int, what: str) -> None:
        running = self.world.cases(CaseStatus.RUNNING)
        if not running:
            return
        turns = self.world.turns(running[seed % len(running)])
        if not turns:
            return
        with act_as(turns[0][1]) as actor:
            found = cases.decide_many(
                actor,
                [c.pk for c in running],
                what,  # type: ignore[arg-type]
                opinion="情况属实, 同意办理",
                items=["材料照片不清楚"],
            )
        for outcome in found:
            self.tried[f"many {what} {outcome.ok}"] += 1
        with seeing_all():
            now = invariants.counts(self.owner)["deeds"]
        for outcome in found:
            case_id = outcome.case_id
            grown = now.get(case_id, 0) - self.deeds[case_id]
            assert grown in ((0, 1) if not outcome.ok else (1,)), (outcome, grown)
            self.deeds[case_id] += grown

    @precondition(lambda self: self.now["running"] or self.now["returned"])
    @rule(seed=SEED)
    def take_back(self, seed: int) -> None:
        """Whoever signed last takes it back; a case that came back may have been changed meanwhile."""
        case = self._pick(seed, CaseStatus.RUNNING, CaseStatus.RETURNED)
        if case is None:
            return
        with seeing_all():
            step = (
                CaseStep.objects.filter(case=case, seq__gt=1, decided_at__isnull=False, forced=False)
                .order_by("-decided_at")
                .first()
            )
        if step is None:
            return
        if case.status == CaseStatus.RETURNED and seed % 2:
            self._try("mend", lambda: recipes.complete(self.world.starter(case), case, random.Random(seed)))
        with act_as(self.world.who(step.role, step.org_id)) as actor:
            if self._try("take back", lambda: cases.take_back(actor, case_id=case.pk)):
                self.changed_after_checks(case)

    def changed_after_checks(self, case: Case) -> None:
        """What runs is what was checked: the form is the one of the last sending."""
        with seeing_all():
            now = Case.objects.get(pk=case.pk)
        assert (now.form, now.to_class_id) == self.sent.get(case.pk, (now.form, now.to_class_id)), (
            "a case runs with what nobody has checked"
        )

    @precondition(lambda self: self.now["running"])
    @rule(
        seed=SEED,
        action=st.sampled_from(["pass", "pass", "return", "reassign", "stop"]),
        above=st.sampled_from(["county_head", "city_head", "province_head"]),
    )
    def intervene(self, seed: int, action: str, above: str) -> None:
        case = self._pick(seed, CaseStatus.RUNNING)
        if case is None:
            return
        rng = random.Random(seed)
        with seeing_all():
            before = invariants.counts(self.owner)["deeds"].get(case.pk, 0)
        assert before == self.deeds[case.pk]
        where = {"county_head": ["a", "b"], "city_head": ["city1"], "province_head": ["province"]}[above]
        boss = self.world.place.user(above, rng.choice(where))
        with act_as(boss) as actor:
            done = self._try(
                f"intervene {action}",
                lambda: cases.intervene(
                    actor,
                    case_id=case.pk,
                    action=action,  # type: ignore[arg-type]
                    reason="超期较久, 由上级督办",
                    to_org=rng.choice([None, self.world.place.org("a").pk, self.world.place.org("a2").pk]),
                ),
            )
        if done and action == "return":
            self.deeds[case.pk] += 1

    @precondition(lambda self: self.now["running"])
    @rule(seed=SEED)
    def ask_others(self, seed: int) -> None:
        case = self._pick(seed, CaseStatus.RUNNING)
        turns = self.world.turns(case) if case is not None else []
        if case is None or not turns:
            return
        rng = random.Random(seed)
        step, asker = turns[0]
        near = {"a1": "a", "a2": "a", "b1": "b", "c1": "c", "a": "city1", "b": "city1", "c": "city2"}
        other = near.get(self.world.keys[step.org_id], "province") if seed % 4 else rng.choice(["c1", "b"])
        orgs = [self.world.place.org(other).pk]
        with act_as(asker) as actor:
            self._try(
                "ask",
                lambda: cases.ask_opinion(
                    actor, case_id=case.pk, org_ids=orgs, question="请贵单位说明有关情况"
                ),
            )

    @rule(seed=SEED)
    def acknowledge(self, seed: int) -> None:
        with seeing_all():
            told = list(
                CaseStep.objects.filter(
                    state="informed", case__person_id__in=list(self.world.children)
                ).order_by("pk")[:20]
            )
        if told:
            step = told[seed % len(told)]
            with act_as(self.world.who(step.role, step.org_id)) as actor:
                self._try("acknowledge", lambda: cases.acknowledge(actor, case_id=step.case_id))

    # --- what happens around -----------------------------------------------------------------------------------

    @rule(seed=SEED, problem=st.booleans())
    def problem(self, seed: int, problem: bool) -> None:
        child = list(self.world.children)[seed % len(self.world.children)]
        with seeing_all():
            enrolment.set_problem(child, problem)
        if not problem:
            cases.wake_child(child)

    @rule(seed=SEED)
    def another_class(self, seed: int) -> None:
        """The school moves a child to another class while its cases are under way."""
        child = list(self.world.children)[seed % len(self.world.children)]
        school, _status = self.world.stands(child)
        with seeing_all():
            link = EnrolmentState.objects.filter(person_id=child, kind=1, valid_to=None).get()
        if link.status != 1 or link.class_id is None or link.valid_from > timezone.now():
            return
        numbers = (1, 2) if school == "a1" else (1,)
        target = self.world.place.klass(school, number=random.Random(seed).choice(numbers))
        if (target.stage, target.cohort_year) != (link.stage, link.cohort_year):
            return
        with act_as(self.world.place.user("registrar", school)) as actor:
            try:
                enrolment.apply_step(
                    actor,
                    Step(
                        person_id=child,
                        business="change_class",
                        to_status=1,
                        at=timezone.now(),
                        class_id=target.pk,
                    ),
                )
            except EnrolmentError:
                self.tried["class refused"] += 1

    @rule(days=st.sampled_from([1, 2, 5, 20, 60]))
    def days_pass(self, days: int) -> None:
        pass_days(self.database, days)
        with seeing_all():
            for case in Case.objects.filter(pk__in=list(self.sent)):
                if case.status not in (CaseStatus.RETURNED, CaseStatus.DRAFT):
                    self.sent[case.pk] = (case.form, case.to_class_id)
                else:
                    self.sent.pop(case.pk)
        self.tried["days"] += days
        self.daily()

    @rule()
    def daily(self) -> None:
        """The jobs of every morning; a second time they find nothing to do."""
        now = timezone.now()
        enrolment.activate_due(now)
        cases.finish_due()
        cases.tend()
        assert enrolment.activate_due(now) == 0
        assert cases.finish_due() == 0
        assert cases.tend() == 0

    # --- what must hold ----------------------------------------------------------------------------------------

    @invariant()
    def cases_hold(self) -> None:
        assert not (found := invariants.broken(self.owner)), found

    @invariant()
    def records_hold(self) -> None:
        assert not (found := invariants.record_broken(self.owner)), found

    @invariant()
    def nothing_is_decided_twice_and_the_end_is_the_end(self) -> None:
        now = invariants.counts(self.owner)
        for case_id, n in now["deeds"].items():
            if case_id in self.mine():
                assert self.deeds[case_id] == n, (case_id, n, self.deeds[case_id])
        for case_id, was in self.ended.items():
            assert now["ended"].get(case_id) == was, (case_id, was, now["ended"].get(case_id))
        self.ended = now["ended"]
        with seeing_all():
            self.now = Counter(
                Case.objects.filter(person_id__in=list(self.world.children)).values_list("status", flat=True)
            )

    def mine(self) -> set[uuid.UUID]:
        """The cases of this example."""
        with seeing_all():
            return set(
                Case.objects.filter(person_id__in=list(self.world.children)).values_list("pk", flat=True)
            )

    @precondition(lambda self: self.now["done"])
    @rule(back=st.integers(0, 90), long=st.integers(0, 90))
    def movement_balances(self, back: int, long: int) -> None:
        """Between any two days, for every school and every authority, by whatever is asked."""
        end = timezone.localdate() - timedelta(days=back)
        self._balanced(end - timedelta(days=long), end)

    def _balanced(self, start: Any, end: Any) -> None:
        for role, key in (
            ("registrar", "a1"), ("registrar", "a2"), ("registrar", "b1"), ("registrar", "c1"),
            ("county_clerk", "a"), ("county_clerk", "b"), ("city_clerk", "city1"), ("province_clerk", "province"),
        ):  # fmt: skip
            with act_as(self.world.place.user(role, key)) as actor:
                target = units.resolve(actor)
                for by in ("unit", "grade", "sex"):
                    table = statistics.movement(actor, target, start, end, by=by)  # type: ignore[arg-type]
                    assert table.balanced, (key, by, start, end, table)

    def teardown(self) -> None:
        today = timezone.localdate()
        self._balanced(today - timedelta(days=120), today)
        self._balanced(today, today)
