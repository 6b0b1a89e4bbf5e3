"""Background jobs of duplicate checks, run by `xueji worker`."""

from __future__ import annotations

from procrastinate.contrib.django import app


@app.task(queue="intake", name="duplicates.work_through")
def work_through(run_id: int) -> None:
    """Check all records of a run, part by part, each in a transaction of its own."""
    from .commands import work_off

    while work_off(run_id):
        pass
