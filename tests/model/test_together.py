"""Many people at the same time, each on a connection of his own: no deed is lost or done twice, nobody waits for ever."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.db import connection
from tests.helpers import SINCE, act_as, seeing_all
from tests.model import invariants, recipes
from tests.model.machine import REFUSALS, World
from tests.registry.changes.world import (
    FOUR,
    correction_draft,
    make_child,
    pass_all,
    send,
    suspend_draft,
    transfer_draft,
)

from xueji.ground.accounts.models import RoleAssignment, User
from xueji.registry.changes import commands as cases
from xueji.registry.changes.kinds import KINDS
from xueji.registry.changes.models import Case, CaseStatus
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.models import Event

LIMIT = 300
Deed = Callable[[], Any]


def together(*deeds: Deed) -> list[Any]:
    """What each deed came to, in their order: its answer, or the words with which it was refused.

    Anything but a refusal (a deadlock, say) fails, and so does a deed that does not end.
    """
    barrier = threading.Barrier(len(deeds))
    found: list[Any] = [None] * len(deeds)

    def run(i: int, deed: Deed) -> None:
        try:
            barrier.wait(20)
            found[i] = deed()
        except REFUSALS as refusal:
            found[i] = refusal
        except BaseException as error:
            found[i] = error
            raise
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(i, d), daemon=True) for i, d in enumerate(deeds)]
    for t in threads:
        t.start()
    end = time.monotonic() + LIMIT
    for t in threads:
        t.join(max(0.1, end - time.monotonic()))
    assert not any(t.is_alive() for t in threads), "somebody still waits"
    broken = [f for f in found if isinstance(f, BaseException) and not isinstance(f, REFUSALS)]
    assert not broken, broken
    return found


def sound(owner: psycopg.Connection, database: str) -> None:
    """Nothing that must hold is broken."""
    assert not (found := invariants.broken(owner) + invariants.verified(database)), found


class _Busy:
    """One person after the other of a county, doing what comes to mind."""

    def __init__(self, world: World, seed: int, deeds: int) -> None:
        self.world, self.rng, self.deeds = world, random.Random(seed), deeds
        self.done: Counter[str] = Counter()

    def __call__(self) -> Counter[str]:
        for _ in range(self.deeds):
            try:
                self.one()
            except REFUSALS:
                self.done["refused"] += 1
        return self.done

    def one(self) -> None:
        rng, world = self.rng, self.world
        what = rng.choice(
            ["decide"] * 8 + ["begin"] * 5 + ["return", "refuse", "again", "cancel", "many", "jobs"]
        )
        self.done[what] += 1
        if what == "jobs":
            enrolment.activate_due()
            cases.finish_due()
            return
        if what == "begin":
            self.begin()
            return
        statuses = {"again": ("returned",), "cancel": ("returned", "waiting")}.get(what, ("running",))
        found = world.cases(*statuses)
        if not found:
            return
        case = rng.choice(found)
        if what in ("again", "cancel"):
            with act_as(world.starter(case)) as actor:
                if what == "again":
                    cases.resubmit(actor, case_id=case.pk)
                else:
                    cases.cancel(actor, case_id=case.pk, reason="家长决定不办理了")
            return
        turns = world.turns(case)
        if not turns:
            return
        with act_as(rng.choice(turns)[1]) as actor:
            if what == "return":
                cases.return_for_repair(actor, case_id=case.pk, items=["材料照片不清楚"])
            elif what == "many":
                cases.decide_many(actor, [c.pk for c in found], "pass", opinion="情况属实, 同意")
            else:
                cases.decide(
                    actor,
                    case_id=case.pk,
                    decision="refuse" if what == "refuse" else "pass",
                    opinion="材料与事实不符",
                    reason_rule="其他规定",
                    version=case.version if rng.random() < 0.5 else None,
                )

    def begin(self) -> None:
        rng, world = self.rng, self.world
        child = rng.choice(list(world.children))
        at, status = world.stands(child)
        fitting = [k for k in KINDS.values() if status in k.from_statuses]
        if not fitting:
            return
        kind = rng.choice(fitting)
        where = rng.choice([k for k in ("a1", "b1", "c1") if k != at]) if kind.lookup else at
        if kind.guest:
            where = world.host_of(child) or at
        user = world.place.user("registrar", where)
        name, number = world.children[child]
        case = recipes.begin(world.place, user, kind.id, child, name, number)
        recipes.complete(user, case, rng, careless=True)
        with act_as(user) as actor:
            cases.submit(actor, case_id=case.pk)


@pytest.mark.capability("C-CHG-03")
@pytest.mark.capability("C-CHG-10")
def test_six_busy_people_leave_everything_sound(own_database: str, as_owner: psycopg.Connection) -> None:
    world = World()
    together(*(_Busy(world, seed, 50) for seed in range(6)))
    sound(as_owner, own_database)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_ten_busy_people_leave_everything_sound_for_long(
    seed: int, own_database: str, as_owner: psycopg.Connection
) -> None:
    world = World()
    together(*(_Busy(world, 100 * seed + n, 60) for n in range(10)))
    sound(as_owner, own_database)


def test_the_end_of_one_case_and_the_sending_of_another_of_the_same_child(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    """The one that is sent runs or waits; it never lies there with nobody to wake it."""
    world = World()
    place = world.place
    child = make_child(place)
    first = send(place, suspend_draft(place, child), ("registrar", "a1"))
    pass_all(place, first, FOUR[:-1])
    second = correction_draft(place, child, new_name="赵晓满")

    def end() -> str:
        with act_as(place.user("county_head", "a")) as actor:
            return cases.decide(actor, case_id=first.pk, decision="pass", opinion="同意").status

    def submit() -> str:
        with act_as(place.user("registrar", "a1")) as actor:
            return cases.submit(actor, case_id=second.pk).status

    done, sent = together(end, submit)
    assert done == "done"
    assert sent in ("running", "waiting")
    with seeing_all():
        assert Case.objects.get(pk=second.pk).status == CaseStatus.RUNNING
    sound(as_owner, own_database)


def test_deciding_taking_back_and_stopping_at_once_is_one_deed(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    """The head passes, the registrar withdraws and stops: whoever comes first; the others are told."""
    world = World()
    place = world.place
    case = send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))

    def decide() -> str:
        with act_as(place.user("school_head", "a1")) as actor:
            return cases.decide(actor, case_id=case.pk, decision="pass", version=case.version).status

    def withdraw() -> str:
        with act_as(place.user("registrar", "a1")) as actor:
            return cases.withdraw(actor, case_id=case.pk, version=case.version).status

    def cancel() -> str:
        with act_as(place.user("registrar", "a1")) as actor:
            return cases.cancel(actor, case_id=case.pk, reason="家长决定不办了", version=case.version).status

    found = together(decide, withdraw, cancel)
    assert sum(isinstance(f, str) for f in found) == 1, found
    sound(as_owner, own_database)


def test_two_batches_in_opposite_orders_do_not_wait_for_each_other(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    world = World()
    place = world.place
    sent = [
        send(place, suspend_draft(place, make_child(place, name=f"周以{n}")), ("registrar", "a1")).pk
        for n in "一二三四五六"
    ]

    def many(order: list[Any]) -> list[bool]:
        with act_as(place.user("school_head", "a1")) as actor:
            return [o.ok for o in cases.decide_many(actor, order, "pass", opinion="同意")]

    found = together(lambda: many(sent), lambda: many(sent[::-1]))
    assert sorted(sum(f) for f in found) == [0, 6], found
    sound(as_owner, own_database)


def test_two_schools_that_want_one_child_get_it_once(own_database: str, as_owner: psycopg.Connection) -> None:
    """Both send at the same moment: one case runs, the other waits; when the child has gone, the other comes back."""
    world = World()
    place = world.place
    child = make_child(place)
    drafts = {to: transfer_draft(place, child, to=to) for to in ("b1", "c1")}

    def submit(to: str) -> str:
        with act_as(place.user("registrar", to)) as actor:
            return cases.submit(actor, case_id=drafts[to].pk).status

    assert sorted(together(lambda: submit("b1"), lambda: submit("c1"))) == ["running", "waiting"]
    for _ in range(20):
        with seeing_all():
            case = Case.objects.filter(person_id=child, status="running").order_by("submitted_at").first()
        turns = world.turns(case) if case is not None and case.pk in {d.pk for d in drafts.values()} else []
        if not turns:
            break
        with act_as(turns[0][1]) as actor:
            cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意")
    with seeing_all():
        assert sorted(Case.objects.filter(person_id=child).values_list("status", flat=True)) == [
            "done",
            "returned",
        ]
        assert Event.objects.filter(person_id=child, business="transfer").count() == 2
    sound(as_owner, own_database)


def test_two_batches_that_take_effect_in_two_schools_do_not_wait_for_each_other(
    own_database: str, as_owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Head-counts are shared by many children: whoever decides many at once must not meet another half-way."""
    from xueji.registry.changes.commands import batch

    world = World()
    place = world.place
    with seeing_all():
        second = User.objects.create(username="head.second", display_name="另一位负责人")
        RoleAssignment.objects.create(user=second, role="county_head", org=place.org("a"), valid_from=SINCE)
    made = []
    for n in range(8):
        school = ("a1", "a2")[n % 2]
        child = make_child(place, school=school, name="周以宁")
        case = recipes.begin(place, place.user("registrar", school), "suspend", child, "", "")
        recipes.complete(place.user("registrar", school), case, random.Random(n))
        case = send(place, case, ("registrar", school))
        pass_all(place, case, (("school_head", school), ("county_clerk", "a")))
        made.append((child, school, case.pk))
    made.sort(key=lambda m: str(m[0]))
    # One meets the first school first, the other the second.
    first = next(m for m in made if m[1] == "a1")
    other = next(m for m in made if m[1] == "a2")
    one = [first[2], next(m[2] for m in reversed(made) if m[1] == "a2" and m != other)]
    two = [other[2], next(m[2] for m in reversed(made) if m[1] == "a1" and m != first)]
    meeting, own, met = threading.Barrier(2), batch.decide, threading.local()

    def decide(*args: Any, **more: Any) -> Case:
        done = own(*args, **more)
        if not getattr(met, "yes", False):
            met.yes = True
            with suppress(threading.BrokenBarrierError):
                meeting.wait(1)
        return done

    monkeypatch.setattr(batch, "decide", decide)

    def many(user: User, order: list[Any]) -> list[bool]:
        with act_as(user) as actor:
            return [o.ok for o in cases.decide_many(actor, order, "pass", opinion="同意")]

    found = together(lambda: many(place.user("county_head", "a"), one), lambda: many(second, two))
    assert found == [[True, True], [True, True]], found
    sound(as_owner, own_database)
