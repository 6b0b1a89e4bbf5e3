"""The path of a row: a sheet comes in, is checked, repaired, published; what was shown is what is on record."""

from __future__ import annotations

from django.db import connection
from tests.helpers import Place, act_as, seeing_all

from xueji.registry.intake import commands, queries
from xueji.registry.intake.models import BatchState

from .sheets_for_tests import body, book


def code(place: Place, key: str = "a1") -> str:
    return place.org(key).code


def test_a_clean_sheet_becomes_records(place: Place) -> None:
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(body(24, code(place))), "一年级.xlsx")
        assert batch.problem == ""
        assert (batch.counts["ok"], batch.counts["error"]) == (24, 0), queries.rows(actor, batch)
        result = commands.publish(actor, batch.id, expected=24)
        assert result.published == 24
        batch.refresh_from_db()
        assert batch.state == BatchState.PUBLISHED
        assert len(queries.published(actor, batch)) == 24
    with seeing_all(), connection.cursor() as c:
        c.execute("set constraints all immediate")
