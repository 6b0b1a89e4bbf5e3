"""Background jobs of comparisons and distributions, run by `xueji worker`."""

from __future__ import annotations

from procrastinate.contrib.django import app

#: Parts asked in one go of the clock, so that others get their turn.
_MOST = 40


@app.task(queue="relay", name="population.compare")
def compare() -> None:
    """Ask about what is due."""
    work()


@app.task(queue="intake", name="population.distribute")
def distribute(distribution_id: int) -> None:
    """Give formal numbers, part by part, each in a transaction of its own."""
    from .commands import work_off

    while work_off(distribution_id):
        pass


def work() -> int:
    """What the clock brings: parts to ask about (again), distributions that a stopped worker left behind."""
    from .commands import resume, work_part

    done = 0
    while done < _MOST and work_part():
        done += 1
    return done + resume()
