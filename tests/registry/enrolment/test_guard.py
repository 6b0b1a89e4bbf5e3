"""What the database refuses on the timeline, whatever the code above it does."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from xueji.ground.db.scope import acting

T0, T1, T2, T3 = (datetime(2026, m, 1, tzinfo=UTC) for m in (1, 2, 3, 4))
STUDYING, SUSPENDED, GRADUATED = 1, 2, 12


@pytest.fixture
def place(db: Any) -> dict[str, int]:
    """Two schools of one county with a class each."""
    return make_place()


def make_place() -> dict[str, int]:
    """Write the county, its schools and classes."""
    ids: dict[str, int] = {}
    with transaction.atomic(), acting("writer"), connection.cursor() as c:

        def org(name: str, kind: str, code: str, parent: int | None) -> int:
            c.execute(
                "insert into org (kind, code, division, name, short_name, parent_id, path, phone, contact, policy,"
                " valid_from) values (%s, %s, '990101', %s, %s, %s, %s, '', '', '', '2000-01-01') returning id",
                [kind, code, name, name, parent, f"/{code}/"],
            )
            return int(c.fetchone()[0])

        ids["county"] = org("松溪县教育局", "county", "990101", None)
        for key, code in (("a", "2199000001"), ("b", "2199000002")):
            ids[key] = org(f"{key}小学", "school", code, ids["county"])
            c.execute(
                "insert into school (org_id, county_id, school_code, school_type, stages, system, sponsor, urban_rural,"
                " address, boarding, seal_name) values (%s, %s, %s, '211', '{P}', '6-3-3', '', '', '', false, '')",
                [ids[key], ids["county"], code],
            )
            c.execute(
                "insert into school_class (school_id, stage, cohort_year, number, alias, capacity, class_type)"
                " values (%s, 'P', 2024, 1, '', 45, '') returning id",
                [ids[key]],
            )
            ids["class_" + key] = int(c.fetchone()[0])
    return ids


class Child:
    """A person with events, and statements that write links as bluntly as an attacker would."""

    def __init__(self, place: dict[str, int]) -> None:
        self.place = place
        self.id = uuid.uuid4()
        with self.writer() as c:
            c.execute(
                "insert into person (person_id, readers, klasses, name, pinyin, initials, pinyin_sort, former_name, sex,"
                " birth_date, ethnicity, nationality, check_state, version, created_at)"
                " values (%s, '{}', '{}', '某某', '', '', '', '', '1', '2015-01-01', '', 'CHN', '', 1, now())",
                [self.id],
            )

    def writer(self) -> Any:
        """A cursor as the writing role."""

        @contextmanager
        def use() -> Iterator[Any]:
            with transaction.atomic(), acting("writer"), connection.cursor() as c:
                yield c

        return use()

    def link(
        self,
        c: Any,
        begin: datetime,
        end: datetime | None = None,
        *,
        source: int = 0,
        business: str = "enrol",
        status: int = STUDYING,
        kind: int = 1,
        school: str = "a",
        klass: str = "class_a",
    ) -> None:
        """Insert one link with its event."""
        event = uuid.uuid4()
        c.execute(
            "insert into event (person_id, event_id, business, valid_at, recorded_at, county_id, school_id, actor_name,"
            " article, reason, detail) values (%s, %s, %s, %s, now(), %s, %s, '', '', '', '{}')",
            [self.id, event, business, begin, self.place["county"], self.place[school]],
        )
        c.execute(
            "insert into enrolment_state (person_id, kind, valid_from, valid_to, from_status, business, status, county_id,"
            " school_id, class_id, stage, cohort_year, event_id)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'P', 2024, %s)",
            [
                self.id, kind, begin, end, source, business, status, self.place["county"], self.place[school],
                self.place[klass], event,
            ],
        )  # fmt: skip

    def settle(self, c: Any) -> None:
        """Check deferred constraints as a commit would."""
        c.execute("set constraints all immediate")


@pytest.fixture
def child(place: dict[str, int]) -> Child:
    return Child(place)


def test_a_chain_of_states_is_accepted(child: Child) -> None:
    with child.writer() as c:
        child.link(c, T0, T1)
        child.link(c, T1, T2, source=STUDYING, business="suspend", status=SUSPENDED)
        child.link(c, T2, source=SUSPENDED, business="resume", status=STUDYING)
        child.settle(c)


@pytest.mark.parametrize("school", ["a", "b"])
def test_two_registered_enrolments_at_once_are_refused(child: Child, school: str) -> None:
    with pytest.raises(IntegrityError), child.writer() as c:
        child.link(c, T0)
        child.link(c, T1, school=school, klass=f"class_{school}")


def test_overlapping_states_are_refused(child: Child) -> None:
    with pytest.raises(IntegrityError), child.writer() as c:
        child.link(c, T0, T2)
        child.link(c, T1, T3, source=STUDYING, business="suspend", status=SUSPENDED)
        child.link(c, T3, source=SUSPENDED, business="resume")
        child.settle(c)


def test_a_gap_between_states_is_refused(child: Child) -> None:
    with pytest.raises(IntegrityError), child.writer() as c:
        child.link(c, T0, T1)
        child.link(c, T2, source=STUDYING, business="suspend", status=SUSPENDED)
        child.settle(c)


def test_a_state_that_ends_before_it_begins_is_refused(child: Child) -> None:
    with pytest.raises(IntegrityError), child.writer() as c:
        child.link(c, T1, T0)


def test_a_status_transition_that_no_rule_allows_is_refused(child: Child) -> None:
    with pytest.raises(IntegrityError), child.writer() as c:
        child.link(c, T0, T1)
        child.link(c, T1, source=STUDYING, business="suspend", status=GRADUATED)
        child.settle(c)


def test_a_state_that_lies_about_what_it_came_from_is_refused(child: Child) -> None:
    with pytest.raises(IntegrityError), child.writer() as c:
        child.link(c, T0, T1)  # 在读
        child.link(c, T1, source=SUSPENDED, business="resume", status=STUDYING)
        child.settle(c)


def test_an_enrolment_in_a_class_of_another_school_is_refused(child: Child) -> None:
    with pytest.raises(IntegrityError), child.writer() as c:
        child.link(c, T0, school="a", klass="class_b")
        child.settle(c)


def test_a_stay_as_guest_beside_the_registered_enrolment_is_a_kind_of_its_own(child: Child) -> None:
    with child.writer() as c:
        child.link(c, T0)
        child.link(c, T1, kind=2, business="borrow", school="b", klass="class_b")
        child.settle(c)


@pytest.mark.parametrize(
    "statement",
    [
        "update enrolment_state set status = 2 where person_id = %s",
        "update enrolment_state set valid_from = valid_from - interval '1 day' where person_id = %s",
        "update enrolment_state set school_id = school_id + 1 where person_id = %s",
        "update enrolment_state set valid_to = null where person_id = %s and valid_to is not null",
        "delete from enrolment_state where person_id = %s",
        "update event set reason = 'x' where person_id = %s",
        "delete from event where person_id = %s",
    ],
)
def test_history_cannot_be_changed_by_the_writing_role(child: Child, statement: str) -> None:
    with child.writer() as c:
        child.link(c, T0, T1)
        child.link(c, T1, source=STUDYING, business="suspend", status=SUSPENDED)
        child.settle(c)
    with (
        pytest.raises(DatabaseError, match=r"history is never edited|permission denied"),
        child.writer() as c,
    ):
        c.execute(statement, [child.id])


def test_two_sessions_cannot_both_open_an_enrolment(own_database: str) -> None:
    """Real concurrency: the second insert waits for the first and is then refused."""
    child = Child(make_place())
    barrier = threading.Barrier(2)
    outcomes: list[str] = []

    def enrol(school: str, begin: datetime) -> None:
        try:
            with child.writer() as c:
                barrier.wait(10)
                child.link(c, begin, school=school, klass=f"class_{school}")
                child.settle(c)
            outcomes.append("ok")
        except (IntegrityError, psycopg.Error):
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=enrol, args=a) for a in (("a", T0), ("b", T1))]
    [t.start() for t in threads]
    [t.join(20) for t in threads]
    assert sorted(outcomes) == ["ok", "refused"]
