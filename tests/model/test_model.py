"""The model test of cases: whatever people do, in whatever order, the record and its cases stay sound."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.model import invariants
from tests.model.machine import CaseMachine

_CALM = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
    "report_multiple_bugs": False,
}


def _run(name: str, owner: psycopg.Connection, **how: object) -> None:
    machine = type("Cases", (CaseMachine,), {"database": name, "owner": owner})
    run_state_machine_as_test(machine, settings=settings(**_CALM, **how))  # type: ignore[arg-type]
    assert not (found := invariants.verified(name)), found


@pytest.mark.capability("C-CHG-03")
@pytest.mark.capability("C-CHG-10")
def test_whatever_is_done_the_invariants_hold(own_database: str, as_owner: psycopg.Connection) -> None:
    """A sample, always the same."""
    _run(
        own_database,
        as_owner,
        max_examples=20,
        stateful_step_count=30,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
    )


@pytest.mark.slow
def test_whatever_is_done_for_long_the_invariants_hold(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    """Many more, new ones each time."""
    _run(own_database, as_owner, max_examples=250, stateful_step_count=50)
