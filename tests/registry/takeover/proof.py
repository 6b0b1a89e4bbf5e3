"""What `xueji verify` says of the record, seen by roles that see all rows."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from tests.helpers import seeing_all

from xueji.ground.db.scope import acting
from xueji.registry.enrolment import verify as record
from xueji.registry.people import verify as people


class Raw:
    """The test's own connection in the clothes of psycopg."""

    def execute(self, query: str, *args: Any) -> Any:
        c = connection.cursor()
        c.execute(query, *args)
        return c


def record_says_nothing() -> None:
    """Chains, rosters, head-counts, papers and numbers agree."""
    raw: Any = Raw()
    with seeing_all():
        found = [(p.check, p.message) for p in record.record_problems(raw)]
        found += [(p.check, p.message) for p in record.statistics_problems(raw)]
    with transaction.atomic(), acting("intake"):
        found += [(p.check, p.message) for p in people.problems(raw)]
    assert not found, found
