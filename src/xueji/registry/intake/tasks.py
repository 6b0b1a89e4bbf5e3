"""Background jobs of the intake, run by `xueji worker`."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError, connection
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

#: The database was away: the work is done again when it is back, from where the batch stands then.
AWAY = (InterfaceError, OperationalError)
_AGAIN = RetryStrategy(max_attempts=10, wait=15, retry_exceptions=AWAY)


def _drop_cut_connection() -> None:
    """A connection that a crash of the database has cut is not used again."""
    if connection.connection is not None and connection.connection.closed:
        connection.close()


@app.task(queue="intake", retry=_AGAIN, name="intake.check_batch")
def check_batch(batch_id: int) -> None:
    """Check a big sheet."""
    from .commands import give_up, run_check

    try:
        _drop_cut_connection()
        run_check(batch_id)
    except AWAY:
        raise
    except Exception:
        give_up(batch_id)
        raise


@app.task(queue="intake", retry=_AGAIN, name="intake.publish_batch")
def publish_batch(batch_id: int, user_id: int, assignment_id: int, address: str) -> None:
    """Publish a big batch for the person who asked for it, in that person's own scope."""
    from .commands import fail_for, publish_for

    try:
        _drop_cut_connection()
        publish_for(batch_id, user_id, assignment_id, address)
    except AWAY:
        raise
    except Exception:
        fail_for(batch_id, user_id, assignment_id, address)
        raise


@app.task(queue="intake", retry=_AGAIN, name="intake.undo_batch")
def undo_batch(batch_id: int, user_id: int, assignment_id: int, address: str) -> None:
    """Take a big batch back for the person who asked for it, in that person's own scope."""
    from django.utils.translation import gettext as _

    from .commands import not_undone, undo_for

    try:
        _drop_cut_connection()
        undo_for(batch_id, user_id, assignment_id, address)
    except AWAY:
        raise
    except Exception:
        not_undone(batch_id, _("系统处理这个批次时出错, 没有撤销任何一行。请稍后重试"))
        raise
