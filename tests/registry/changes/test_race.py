"""Two people at the same moment, on connections of their own."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.world import (
    EIGHT,
    correction_draft,
    make_child,
    pass_all,
    send,
    suspend_draft,
    transfer_draft,
)

from xueji.ground.accounts.models import RoleAssignment, User
from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import CaseError, StaleCase
from xueji.registry.changes.models import Case
from xueji.registry.enrolment.models import Event


def at_once(*deeds: Callable[[], str]) -> list[str]:
    """Run deeds in threads that start together; what each came to, sorted."""
    barrier, outcome = threading.Barrier(len(deeds)), []

    def run(deed: Callable[[], str]) -> None:
        try:
            barrier.wait(10)
            outcome.append(deed())
        except StaleCase:
            outcome.append("stale")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(d,)) for d in deeds]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    return sorted(outcome)


@pytest.mark.capability("C-CHG-03")
def test_two_heads_deciding_at_once_decide_once(own_database: str) -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, transfer_draft(place, child), ("registrar", "b1"))
    pass_all(place, case, EIGHT[:-1])
    with seeing_all():
        second = User.objects.create(username="head.two", display_name="另一位负责人")
        RoleAssignment.objects.create(
            user=second, role="county_head", org=place.org("a"), valid_from=date(2020, 1, 1)
        )
        version = Case.objects.get(pk=case.pk).version

    def decide(user: User) -> str:
        with act_as(user) as actor:
            return cases.decide(
                actor, case_id=case.pk, decision="pass", opinion="同意", version=version
            ).status

    assert at_once(lambda: decide(place.user("county_head", "a")), lambda: decide(second)) == [
        "done",
        "stale",
    ]
    with seeing_all():
        assert Event.objects.filter(person_id=child, business="transfer").count() == 2


@pytest.mark.capability("C-CHG-10")
def test_of_two_cases_sent_at_once_one_runs_and_one_waits(own_database: str) -> None:
    place = make_county()
    child = make_child(place)
    drafts = [suspend_draft(place, child), correction_draft(place, child, new_name="赵晓满")]

    def submit(case_id: uuid.UUID) -> str:
        with act_as(place.user("registrar", "a1")) as actor:
            return cases.submit(actor, case_id=case_id).status

    first, second = (d.pk for d in drafts)
    assert at_once(lambda: submit(first), lambda: submit(second)) == ["running", "waiting"]


@pytest.mark.capability("C-TRF-05")
def test_the_last_seat_of_a_class_is_given_once(own_database: str) -> None:
    """Both were sent while there was room; the second to be decided is told to choose another class."""
    place = make_county()
    sent = [
        send(place, transfer_draft(place, make_child(place, name=name), name=name), ("registrar", "b1"))
        for name in ("赵小满", "钱多多")
    ]
    with seeing_all():
        klass = place.klass("b1")
        klass.capacity = 1
        klass.save()
    for case in sent:
        pass_all(place, case, EIGHT[:-1])

    def decide(case: Case) -> str:
        with act_as(place.user("county_head", "a")) as actor:
            try:
                return cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意").status
            except CaseError as error:
                return "full" if "已经满额" in error.message else error.message

    assert at_once(lambda: decide(sent[0]), lambda: decide(sent[1])) == ["done", "full"]
    with seeing_all():
        assert sorted(Case.objects.values_list("status", flat=True)) == ["done", "running"]
