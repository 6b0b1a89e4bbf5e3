"""`xueji verify`: every invariant of the record, looked at as the owner, who sees all rows."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from xueji import config
from xueji.ground.db.problems import Problem


def run(what: str = "all", *, deep: bool = False, owner: config.Dsn | None = None) -> list[Problem]:
    """All problems found; empty when everything holds. `deep` opens every sealed number."""
    return list(_problems(what, deep, owner or config.owner_dsn()))


def _problems(what: str, deep: bool, owner: config.Dsn) -> Iterator[Problem]:
    from xueji.ground.audit import verify as audit
    from xueji.registry.enrolment import verify as record
    from xueji.registry.people import verify as vault
    from xueji.registry.yearly import verify as lists

    with psycopg.connect(**owner.kwargs()) as c:  # type: ignore[arg-type]
        if what in ("all", "record"):
            yield from record.record_problems(c)
            yield from lists.problems(c)
        if what in ("all", "statistics"):
            yield from record.statistics_problems(c)
        if what in ("all", "vault"):
            yield from vault.problems(c, deep=deep)
        if what in ("all", "audit"):
            yield from audit.problems(c)
