"""Numbers of cases and lists, from one counter: no number ever names two things."""

from __future__ import annotations

from django.db import connection


def next_number(prefix: str, division: str, year: int) -> str:
    """ZX-2026-990101-000123. The counter's row is the lock, a roll-back leaves no gap; in the writing role."""
    run = f"{prefix}-{year}-{division}"
    with connection.cursor() as c:
        c.execute(
            "insert into case_counter (run, last) values (%s, 1)"
            " on conflict (run) do update set last = case_counter.last + 1 returning last",
            [run],
        )
        return f"{run}-{c.fetchone()[0]:06d}"
