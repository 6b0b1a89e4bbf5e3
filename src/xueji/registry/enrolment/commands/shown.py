"""Marks beside a child on present rosters: answers of checks, a case under way, a problem record."""

from __future__ import annotations

import uuid

from django.db import connection, transaction

from xueji.ground.db.scope import acting


def show_checks(states: dict[uuid.UUID, str]) -> None:
    """Show on present rosters what the population register answered; one statement. In a writing role."""
    if states:
        with connection.cursor() as c:
            c.execute(
                "update roster r set check_state = v.state from unnest(%s::uuid[], %s::text[]) as v(person_id, state)"
                " where r.person_id = v.person_id and r.reason <> 'former'",
                [list(states), list(states.values())],
            )


def show_prefixes(person_ids: list[uuid.UUID]) -> None:
    """Show on present rosters which letter the numbers in force have; one statement. In a writing role."""
    if person_ids:
        with connection.cursor() as c:
            c.execute(
                "update roster r set number_prefix = n.prefix from student_number n where n.person_id = r.person_id"
                " and n.scheme = 'national' and n.state = 'current' and r.person_id = any(%s::uuid[])"
                " and r.reason <> 'former'",
                [person_ids],
            )


def set_open_case(person_id: uuid.UUID, number: str) -> None:
    """Show on present rosters that a case is under way (empty: none)."""
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "update roster set open_case = %s where person_id = %s and reason <> 'former'",
            [number, person_id],
        )


def set_problem(person_id: uuid.UUID, problem: bool) -> None:
    """Mark or clear a problem record on present rosters."""
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "update roster set problem = %s where person_id = %s and reason <> 'former'", [problem, person_id]
        )


def mark_problems(person_ids: list[uuid.UUID]) -> None:
    """Mark problem records of many children on present rosters; one statement. In a writing role."""
    if person_ids:
        with connection.cursor() as c:
            c.execute(
                "update roster set problem = true where person_id = any(%s::uuid[]) and reason <> 'former'",
                [person_ids],
            )
