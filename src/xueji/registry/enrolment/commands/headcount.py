"""Head-counts (the cube): written last in a transaction, and in one order for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ..timeline import CubeKey


def hold_counts(c: Any, county_ids: Iterable[int]) -> None:
    """Whoever writes head-counts of these counties waits here for the others, until the transaction ends.

    Who is going to write several times in one transaction takes all its counties at once, after its people.
    """
    c.execute(
        "select pg_advisory_xact_lock(hashtext('cube'), x.county) from"
        " (select distinct county from unnest(%s::int[]) as u(county) order by county) x",
        [list(county_ids)],
    )


def add_to_cube(c: Any, counts: Counter[CubeKey]) -> None:
    """Rows of the cube are shared by many children: written last and in one order, nobody waits in a circle."""
    if counts:
        hold_counts(c, {key[0] for key in counts})
    for key, n in sorted(counts.items()):
        c.execute(
            "insert into cube_delta (county_id, school_id, day, kind, stage, cohort_year, sex, status, flow, n)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict (county_id, school_id, day, kind, stage, cohort_year, sex, status, flow)"
            " do update set n = cube_delta.n + excluded.n",
            [*key, n],
        )
