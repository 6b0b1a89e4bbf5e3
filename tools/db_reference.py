"""Write docs/reference/database.md from the declarations of the rooms (`tables.py`).

python tools/db_reference.py            write the page
python tools/db_reference.py --check    only compare; exit 1 when it is stale
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import generated_page

if TYPE_CHECKING:
    from xueji.ground.db.guards import Scope, Table

NAME = "database.md"
SHORT = {"select": "read", "insert": "add", "update": "change", "delete": "remove"}
HOMES = {
    "person": "All rows of a child live together; every key begins with the person.",
    "lookup": "Keyed by a value of its own (blind index): what makes a number unique everywhere.",
    "county": "Every key begins with the county: lists and counts.",
    "reference": "Small, rarely written, the same copy everywhere.",
    "local": "Plain tables on the coordinator.",
    "framework": "Tables of Django and of the job queue.",
}
INTRO = """# The database

<!-- Written by tools/db_reference.py from the rooms' tables.py; do not edit. -->

Every table, room by room: where it would live if the database were spread over several machines
([ADR 0010](../adr/0010-distribution-rules.md)), which rows the application sees, and which role may do what with it
([ADR 0007](../adr/0007-row-level-security-and-roles.md)). The declarations stand in each room's `tables.py`; every
migration makes the database match them, and a test fails on a table that nobody declared.

## The roles

| Role | Logs in | Is |
|---|---|---|
| the owner (embedded: `xueji_owner`) | yes | migrates, owns every table, is bound by no policy; `xueji verify` reads as it |
| `xueji_app` | yes | web and worker; owns nothing; sees only what the policies let through |
| `xueji_writer` | no | stepped into by a command for the length of a block; sees every row |
| `xueji_intake` | no | the same for imports; it alone reaches staging |
| `xueji_audit` | no | the same for audit entries: adds them and reads them, changes nothing |
| `xueji_search` | no | owns the search functions, which filter by the scope themselves |
| `xueji_relink` | no | owns the one function that may relink a chain |

## The homes
"""
READING = """
## How to read the tables

*Seen by* names what the row is compared with: the organisations, classes and children of the actor's assignment, or the
account itself. "everybody" means that no policy is needed, as the table says nothing about students; "nobody" that the
application's own role has no right to it at all. Rights: read, add, change, remove; a dash means none.
"""


def render() -> str:
    """Return the whole page."""
    generated_page.setup_django()
    from django.apps import apps

    from xueji.ground.db import guards

    room_of: dict[str, str] = {}
    for config in apps.get_app_configs():
        if config.name.startswith("xueji."):
            for model in config.get_models(include_auto_created=True):
                room_of[model._meta.db_table] = config.name.removeprefix("xueji.").replace(".", "/")
    rooms: dict[str, list[Table]] = {}
    for declared in guards.declared():
        rooms.setdefault(room_of.get(declared.name, "framework"), []).append(declared)
    lines = [
        INTRO.rstrip(),
        "",
        *generated_page.table(["Home", "Meaning"], list(HOMES.items())),
        READING.rstrip(),
    ]
    head = ["Table", "Home", "Seen by", "app", "writer", "intake", "audit", "search"]
    for room, tables in rooms.items():
        lines += ["", f"## {room}", "", *generated_page.table(head, [_row(t) for t in tables])]
        extra = [f"- `{t.name}`: `{' '.join(s.split())}`" for t in tables for s in t.extra]
        if extra:
            lines += ["", "Besides:", "", *extra]
    return "\n".join(lines) + "\n"


def _row(t: Table) -> list[str]:
    rights = [_rights(r) for r in (t.app, t.writer, t.intake, t.audit, t.search)]
    return [f"`{t.name}`", t.home, _seen(t.scope) if t.app else "nobody", *rights]


def _rights(text: str) -> str:
    return ", ".join(SHORT[word.strip()] for word in text.split(",")) if text else "-"


def _seen(scope: Scope | None) -> str:
    if scope is None:
        return "everybody"
    parts = []
    if scope.orgs or scope.readers:
        names = ", ".join(f"`{c}`" for c in (*scope.orgs, scope.readers) if c)
        parts.append(f"organisation ({names})")
    if scope.klass or scope.klasses:
        parts.append(f"class (`{scope.klass or scope.klasses}`)")
    if scope.person:
        parts.append(f"child (`{scope.person}`)")
    if scope.user:
        parts.append(f"account (`{scope.user}`)")
    return ", ".join(parts)


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the page."""
    return generated_page.run((__doc__ or "").splitlines()[0], NAME, render, argv)


if __name__ == "__main__":
    sys.exit(main())
