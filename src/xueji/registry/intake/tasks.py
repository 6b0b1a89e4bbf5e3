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


@app.task(queue="intake", name="intake.undo_batch")
def undo_batch(
    batch_id: int, user_id: int, assignment_id: int, address: str, expected: int, reason: str
) -> None:
    """Take a big batch back for the person who asked for it, in that person's own scope."""
    from django.utils.translation import gettext as _

    from .commands import not_undone, undo_for

    try:
        undo_for(batch_id, user_id, assignment_id, address, expected, reason)
    except Exception:
        not_undone(batch_id, _("系统处理这个批次时出错, 没有撤销任何一行。请稍后重试"))
        raise
