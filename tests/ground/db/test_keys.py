"""Keys that allow the large tables to be spread over machines one day (design rules 2 to 4)."""

from __future__ import annotations

import pytest
from django.db import connection

from xueji.ground.db import guards

BEGINS_WITH = {"person": "person_id", "county": "county_id"}


def _homes() -> dict[str, str]:
    return {t.name: t.home for t in guards.declared()}


@pytest.mark.django_db
def test_every_unique_key_of_a_large_table_holds_what_it_would_be_spread_by() -> None:
    homes = _homes()
    with connection.cursor() as c:
        c.execute(
            "select k.relname, x.relname, array(select a.attname::text from pg_attribute a"
            "   where a.attrelid = i.indrelid and a.attnum = any(i.indkey))"
            " from pg_index i join pg_class k on k.oid = i.indrelid join pg_class x on x.oid = i.indexrelid"
            " where i.indisunique and k.relnamespace = 'public'::regnamespace"
        )
        rows = c.fetchall()
    wrong = [
        (table, index)
        for table, index, columns in rows
        if (wanted := BEGINS_WITH.get(homes.get(table, ""))) and wanted not in columns
    ]
    assert rows and not wrong


@pytest.mark.django_db
def test_foreign_keys_of_people_stay_within_the_person_or_point_to_small_tables() -> None:
    homes = _homes()
    with connection.cursor() as c:
        c.execute(
            "select f.relname, t.relname, pg_get_constraintdef(k.oid) from pg_constraint k"
            " join pg_class f on f.oid = k.conrelid join pg_class t on t.oid = k.confrelid where k.contype = 'f'"
        )
        rows = c.fetchall()
    for table, target, words in rows:
        here, there = homes.get(table), homes.get(target)
        if there == "person":
            assert here == "person" and words.startswith("FOREIGN KEY (person_id"), (table, target)
        elif here in BEGINS_WITH:
            assert there == "reference", (table, target)
