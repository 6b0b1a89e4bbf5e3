"""The transition table: what the database's foreign key lets a chain do, compiled from the packs."""

from __future__ import annotations

from django.db import connection

from xueji.ground.policy.library import library


def sync_transitions() -> int:
    """As owner, with every migration: make the transition table the union of what the packs allow.

    Rows are added or switched off, never deleted; returns how many are active.
    """
    active = []
    with connection.cursor() as c:
        for t in library().transitions():
            c.execute(
                "insert into transition (id, kind, from_status, business, to_status, cite, version, active)"
                " values (%s, %s, %s, %s, %s, %s, 1, true) on conflict (kind, from_status, business, to_status)"
                " do update set cite = excluded.cite, active = true",
                [t.id, *t.key, f"{t.cite.source.title} {t.cite.article}"[:200]],
            )
            active.append(t.id)
        c.execute(
            "update transition set active = false, version = version + 1 where active and id <> all(%s)",
            [active],
        )
    return len(active)
