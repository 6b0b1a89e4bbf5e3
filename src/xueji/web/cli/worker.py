"""The worker process: jobs from the database's queue, and what is due by the clock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

log = logging.getLogger("xueji.worker")

#: How often the clock's duties are looked at, in seconds.
TICK = 20
#: How often the disk is swept and the clocks of cases are looked at, in seconds.
SWEEP = 3600.0
_sweep_at = 0.0


def due_now() -> dict[str, int]:
    """What time brings: future effects whose day has come, cases that end with them, seals on the audit; each hour
    the clocks of cases (reminders, pressing the overdue), the bytes of uploads that were undone, the day's anchor, what was
    unusual yesterday, and months of the audit that are over their time.
    """
    from django.db import transaction

    from xueji.ground.accounts import commands as accounts
    from xueji.ground.audit import anchors, archive, sealing, watch
    from xueji.ground.files import commands as files
    from xueji.office.privacy.commands import checks, disposal
    from xueji.office.statistics import termly
    from xueji.registry.changes import commands as changes
    from xueji.registry.duplicates import commands as duplicates
    from xueji.registry.enrolment import commands as enrolment
    from xueji.registry.family import guardianship
    from xueji.registry.intake import commands as intake
    from xueji.registry.population import tasks as population
    from xueji.registry.problems import commands as problems
    from xueji.registry.relay import tasks as relay
    from xueji.registry.yearly import commands as yearly

    global _sweep_at
    duties: list[tuple[str, Callable[[], int]]] = [
        ("activated", enrolment.activate_due),
        ("cases", changes.finish_due),
        ("lists", yearly.finish_due),
        ("sealed", sealing.duty),
        ("suspected", duplicates.resume),
        ("resumed", intake.resume_lost),
    ]
    if time.monotonic() >= _sweep_at:
        _sweep_at = time.monotonic() + SWEEP
        duties += [("swept", files.sweep), ("tended", changes.tend), ("problems", problems.lapse_due)]
        duties += [("reminded", problems.remind_due)]
        duties += [("anchored", anchors.daily), ("watched", watch.daily), ("archived", archive.daily)]
        duties += [("absences", changes.remind_absences), ("rested", accounts.rest_unused)]
        duties += [("guarded", guardianship.follow_day), ("reported", termly.make_due)]
        duties += [("disposed", disposal.work), ("checked", checks.run_due)]
    done: dict[str, int] = {}
    for name, duty in duties:
        try:
            with transaction.atomic():
                done[name] = int(duty() or 0)
        except Exception:  # one that fails keeps none of the others waiting; the next tick tries again
            log.exception("a duty of the clock failed: %s", name)
    try:
        # In transactions of its own: it talks to other installations, and nobody is to wait for them.
        done["relayed"] = relay.work()
    except Exception:
        log.exception("a duty of the clock failed: relayed")
    try:
        done["compared"] = population.work()  # asks a register outside, which nobody is to wait for either
    except Exception:
        log.exception("a duty of the clock failed: compared")
    return done


def _clock(stop: threading.Event) -> None:
    from django.db import close_old_connections

    while not stop.is_set():
        try:
            due_now()
        except Exception:  # the clock goes on: the next tick tries again
            log.exception("a duty of the clock failed")
        close_old_connections()
        stop.wait(TICK)


#: Jobs that may be done twice: they look at the state of their batch first, under its lock.
REVIVED = ("intake",)
#: A worker that gave no sign of life for so long, in seconds, is dead; its jobs are given to another.
SILENT = 60.0


async def revive(manager: Any) -> int:
    """Jobs that a worker held when it died wait again (a batch goes on after a crash). Returns how many."""
    revived = 0
    for queue in REVIVED:
        for job in await manager.get_stalled_jobs(queue=queue, seconds_since_heartbeat=SILENT):
            await manager.retry_job(job)
            revived += 1
    return revived


async def _reviving(manager: Any) -> None:
    while True:
        try:
            if revived := await revive(manager):
                log.warning("%s jobs of a dead worker wait again", revived)
        except Exception:
            log.exception("jobs of a dead worker could not be taken up")
        await asyncio.sleep(TICK)


def main() -> int:
    """Work until a signal."""
    from .boot import setup_django

    setup_django()
    from procrastinate.contrib.django import app as jobs

    stop = threading.Event()
    clock = threading.Thread(target=_clock, args=(stop,), daemon=True)
    clock.start()
    worker_app = jobs.with_connector(jobs.connector.get_worker_connector())  # type: ignore[attr-defined]

    async def work() -> None:
        async with worker_app.open_async():
            task = asyncio.create_task(
                worker_app.run_worker_async(
                    concurrency=1,
                    install_signal_handlers=False,
                    fetch_job_polling_interval=5,
                    delete_jobs="never",
                )
            )
            reviving = asyncio.create_task(_reviving(worker_app.job_manager))
            loop = asyncio.get_running_loop()
            for s in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(s, task.cancel)
            with contextlib.suppress(asyncio.CancelledError):
                await task
            reviving.cancel()

    try:
        asyncio.run(work())
    finally:
        stop.set()
        clock.join(10)
        due_now()  # nothing of the last seconds stays unsealed
    return 0
