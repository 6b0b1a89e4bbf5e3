"""Background jobs of photos, run by `xueji worker`."""

from __future__ import annotations

from procrastinate.contrib.django import app


@app.task(queue="intake", name="photos.work_through")
def work_through(batch_id: int) -> None:
    """Draw the pictures of a big batch anew and match them."""
    from .commands import give_up, run

    try:
        run(batch_id)
    except Exception:
        give_up(batch_id)
        raise
