"""Background jobs of the relay, run by `xueji worker`."""

from __future__ import annotations

from procrastinate.contrib.django import app


@app.task(queue="relay", name="relay.send_due")
def send_due() -> None:
    """Send what was just said."""
    from .outbox import pump

    pump()


def work() -> int:
    """What the clock brings: messages to send again, messages that wait to be worked off, old searches to forget."""
    from . import inbox, outbox
    from .commands import upkeep

    done = outbox.pump() + inbox.work()
    upkeep.forget_old()
    return done
