"""A button pressed twice, two tabs, and a power cut between two statements: a deed is done once or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.test import Client
from tests.bed import cluster
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.model import invariants
from tests.model.test_together import together
from tests.registry.changes.world import (
    EIGHT,
    FOUR,
    make_child,
    pass_all,
    send,
    suspend_draft,
    transfer_draft,
)

from xueji.registry.changes import commands as cases
from xueji.registry.changes.models import Case, CaseFile, CaseLog, CaseStatus, CaseStep
from xueji.registry.enrolment.models import EnrolmentState, Event

FULL = bool(os.environ.get("XUEJI_TEST_FULL"))


def tabs(user: Any, n: int = 2) -> list[Client]:
    """Browser tabs of one person: the same session."""
    first = login(Client(), user)
    more = [Client() for _ in range(n - 1)]
    for one in more:
        one.cookies = first.cookies
    return [first, *more]


def post(client: Client, path: str, **data: Any) -> Callable[[], int]:
    """A form sent, as a deed."""
    return lambda: client.post(path, data).status_code


def sound(owner: psycopg.Connection, database: str) -> None:
    """Nothing that must hold is broken."""
    assert not (found := invariants.broken(owner) + invariants.verified(database)), found


# --- pressed twice ------------------------------------------------------------------------------------------------


@pytest.mark.capability("C-CHG-03", page="/cases/{id}/")
def test_a_decision_pressed_twice_is_one_decision(own_database: str, as_owner: psycopg.Connection) -> None:
    place = make_county()
    case = send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))
    one, two = tabs(place.user("school_head", "a1"))
    form = {"version": case.version, "decision": "pass", "opinion": "情况属实, 同意"}
    path = f"/cases/{case.pk}/decide/"
    assert together(post(one, path, **form), post(two, path, **form)) == [303, 303]
    with seeing_all():
        assert CaseLog.objects.filter(case=case, action="pass").count() == 1
        assert CaseStep.objects.get(case=case, seq=2).state == "done"
    sound(as_owner, own_database)


def test_the_last_decision_pressed_twice_changes_the_record_once(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    place = make_county()
    child = make_child(place)
    case = pass_all(place, send(place, transfer_draft(place, child), ("registrar", "b1")), EIGHT[:-1])
    with seeing_all():
        version = Case.objects.get(pk=case.pk).version
    clients = tabs(place.user("county_head", "a"), 3)
    form = {"version": version, "decision": "pass", "opinion": "同意"}
    together(*(post(c, f"/cases/{case.pk}/decide/", **form) for c in clients))
    with seeing_all():
        assert Case.objects.get(pk=case.pk).status == CaseStatus.DONE
        assert Event.objects.filter(person_id=child, business="transfer").count() == 2
        assert EnrolmentState.objects.filter(person_id=child).count() == 2
    sound(as_owner, own_database)


def test_two_tabs_that_disagree_leave_one_decision(own_database: str, as_owner: psycopg.Connection) -> None:
    place = make_county()
    case = send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))
    one, two = tabs(place.user("school_head", "a1"))
    refusal = {"decision": "refuse", "opinion": "材料与事实不符", "reason_rule": "其他规定"}
    together(
        post(one, f"/cases/{case.pk}/decide/", version=case.version, decision="pass", opinion="同意"),
        post(two, f"/cases/{case.pk}/decide/", version=case.version, **refusal),
    )
    with seeing_all():
        assert CaseLog.objects.filter(case=case, action__in=["pass", "refuse"]).count() == 1
        assert CaseStep.objects.filter(case=case, seq=2).exclude(decision="").count() == 1
    sound(as_owner, own_database)


def test_the_other_tab_is_told_what_happened_and_shows_the_case_as_it_is(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    place = make_county()
    case = send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))
    one, two = tabs(place.user("school_head", "a1"))
    form = {"version": case.version, "decision": "pass", "opinion": "同意"}
    one.post(f"/cases/{case.pk}/decide/", form)
    page = two.post(f"/cases/{case.pk}/decide/", form, follow=True)
    assert page.status_code == 200
    assert "本页已更新" in page.content.decode()
    assert 'name="decision"' not in page.content.decode()


def test_a_draft_begun_twice_is_one_draft(own_database: str, as_owner: psycopg.Connection) -> None:
    place = make_county()
    child = make_child(place)
    clients = tabs(place.user("registrar", "a1"), 4)
    assert set(together(*(post(c, f"/cases/new/suspend/{child}/") for c in clients))) == {303}
    with seeing_all():
        assert Case.objects.filter(person_id=child, business="suspend").count() == 1
    sound(as_owner, own_database)


def test_a_draft_sent_twice_has_one_number(own_database: str, as_owner: psycopg.Connection) -> None:
    place = make_county()
    case = suspend_draft(place, make_child(place))
    clients = tabs(place.user("registrar", "a1"), 3)
    together(*(post(c, f"/cases/{case.pk}/submit/") for c in clients))
    with seeing_all():
        assert CaseLog.objects.filter(case=case, action="submit").count() == 1
        assert Case.objects.get(pk=case.pk).number.endswith("-000001")
    sound(as_owner, own_database)


def test_a_paper_brought_twice_at_once_lies_there_once(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    place = make_county()
    case = suspend_draft(place, make_child(place))

    def bring() -> uuid.UUID:
        with act_as(place.user("registrar", "a1")) as actor:
            return cases.attach(
                actor, case_id=case.pk, slot="休学申请", data=b"%PDF-1.4\n%%EOF", name="a.pdf"
            ).file_id

    together(bring, bring, bring)
    with seeing_all():
        assert CaseFile.objects.filter(case=case, slot="休学申请").count() == 1


# --- killed in between --------------------------------------------------------------------------------------------


class _Cut:
    """The session's server process is ended after a number of statements."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.cut = False

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if self.left == 0 and not self.cut:
            self.cut = True
            pid = connection.connection.info.backend_pid
            with cluster().connect() as admin:
                admin.execute("select pg_terminate_backend(%s, 5000)", [pid])
        self.left -= 1
        return execute(sql, params, many, context)


@contextmanager
def killed_after(n: int) -> Iterator[_Cut]:
    """The database goes away under the session after `n` statements; the session is fresh afterwards."""
    cut = _Cut(n)
    try:
        with connection.execute_wrapper(cut):
            yield cut
    except DatabaseError:
        assert cut.cut
    finally:
        if cut.cut:
            connection.close()
            connection._xueji_role = None  # type: ignore[attr-defined]


def _state(owner: psycopg.Connection, person: uuid.UUID) -> list[Any]:
    """All that a deed on a child's cases could have written."""
    tables = {
        "case_": "person_id", "case_step": "person_id", "case_log": "person_id", "case_seat": "person_id",
        "enrolment_state": "person_id", "event": "person_id", "roster": "person_id", "pending_link": "person_id",
    }  # fmt: skip
    rows = [
        owner.execute(f"select * from {table} where {column} = %s order by 1, 2, 3", [person]).fetchall()  # type: ignore[arg-type]
        for table, column in tables.items()
    ]
    return [*rows, owner.execute("select sum(n), count(*) from cube_delta").fetchone()]


def _killed_everywhere(
    owner: psycopg.Connection, person: uuid.UUID, deed: Callable[[], Any], *, stride: int
) -> int:
    """Do a deed with the server killed after 0, `stride`, 2 `stride` ... statements, until it comes through.

    After each kill nothing at all may have been written. Returns how often it was killed.
    """
    before = _state(owner, person)
    kills = 0
    while True:
        with killed_after(kills * stride) as cut:
            deed()
        if not cut.cut:
            assert _state(owner, person) != before
            return kills
        kills += 1
        assert _state(owner, person) == before, f"killed after {(kills - 1) * stride} statements"


def _last(place: Place, case: Case, who: tuple[str, str]) -> Callable[[], Any]:
    def deed() -> None:
        with act_as(place.user(*who)) as actor:
            cases.decide(actor, case_id=case.pk, decision="pass", opinion="同意")

    return deed


@pytest.mark.capability("C-CHG-03")
def test_the_last_decision_is_killed_at_any_statement_and_leaves_nothing_by_half(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    place = make_county()
    child = make_child(place)
    case = pass_all(place, send(place, transfer_draft(place, child), ("registrar", "b1")), EIGHT[:-1])
    deed = _last(place, case, EIGHT[-1])
    assert _killed_everywhere(as_owner, child, deed, stride=1 if FULL else 5) > 5
    with seeing_all():
        assert Case.objects.get(pk=case.pk).status == CaseStatus.DONE
    sound(as_owner, own_database)


def test_sending_is_killed_at_any_statement_and_loses_no_number(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    place = make_county()
    child = make_child(place)
    case = suspend_draft(place, child)

    def submit() -> None:
        with act_as(place.user("registrar", "a1")) as actor:
            cases.submit(actor, case_id=case.pk)

    assert _killed_everywhere(as_owner, child, submit, stride=1 if FULL else 5) > 3
    with seeing_all():
        assert Case.objects.get(pk=case.pk).number.endswith("-000001")
    sound(as_owner, own_database)


def test_a_case_that_ends_and_wakes_another_is_killed_at_any_statement(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    """The end of one and the going on of the other are one transaction."""
    from tests.registry.changes.world import correction_draft

    place = make_county()
    child = make_child(place)
    first = send(place, suspend_draft(place, child), ("registrar", "a1"))
    second = send(place, correction_draft(place, child, new_name="赵晓满"), ("registrar", "a1"))
    pass_all(place, first, FOUR[:-1])
    deed = _last(place, first, FOUR[-1])
    assert _killed_everywhere(as_owner, child, deed, stride=1 if FULL else 7) > 3
    with seeing_all():
        assert Case.objects.get(pk=second.pk).status == CaseStatus.RUNNING
    sound(as_owner, own_database)
