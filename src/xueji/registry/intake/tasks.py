"""Background jobs of the intake, run by `xueji worker`."""

from __future__ import annotations

from procrastinate.contrib.django import app


@app.task(queue="intake", name="intake.check_batch")
def check_batch(batch_id: int) -> None:
    """Check a big sheet."""
    from .commands import give_up, run_check

    try:
        run_check(batch_id)
    except Exception:
        give_up(batch_id)
        raise


@app.task(queue="intake", name="intake.publish_batch")
def publish_batch(batch_id: int, user_id: int, assignment_id: int, address: str) -> None:
    """Publish a big batch for the person who asked for it, in that person's own scope."""
    from .commands import give_up, publish_for

    try:
        publish_for(batch_id, user_id, assignment_id, address)
    except Exception:
        give_up(batch_id)
        raise
