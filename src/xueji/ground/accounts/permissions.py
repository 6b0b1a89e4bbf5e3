"""The shipped table of rights in the database."""

from __future__ import annotations

from django.db import connection

from . import roles


def sync_permissions() -> int:
    """As owner, with every migration: make the database's table that of `standards/permissions.csv`.

    A line that is no longer shipped is held by nobody and can be changed by nobody; it stays for the changes that
    name it. Returns how many lines are shipped.
    """
    lines = roles.rights()
    with connection.cursor() as c:
        c.execute(
            "insert into permission (action, role, reach, held, local, pupils, basis)"
            " select * from unnest(%s::text[], %s::text[], %s::text[], %s::bool[], %s::text[], %s::bool[], %s::text[])"
            " on conflict (role, action) do update set reach = excluded.reach, held = excluded.held,"
            " local = excluded.local, pupils = excluded.pupils, basis = excluded.basis",
            [
                [x.action for x in lines],
                [x.role for x in lines],
                [x.reach for x in lines],
                [x.held for x in lines],
                [x.local for x in lines],
                [roles.actions()[x.action].pupils for x in lines],
                [x.basis for x in lines],
            ],
        )
        c.execute(
            "update permission set held = false, local = 'fixed' where (role, action) not in"
            " (select * from unnest(%s::text[], %s::text[]))",
            [[x.role for x in lines], [x.action for x in lines]],
        )
    return len(lines)
