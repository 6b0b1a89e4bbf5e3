"""A long sheet read piece by piece by two processes is staged as the native reader's rows are."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from tests.helpers import Place, act_as, make_county
from tests.registry.intake.sheets_for_tests import body, book, put
from tests.registry.intake.test_thirty import messy, planted

from xueji.ground.crypto import vault
from xueji.registry.intake import commands, stream
from xueji.registry.intake.packing import unpack

SAME = (
    "row_no, state, issues, notes, name, pinyin, initials, pinyin_sort, grams, sex, birth_date, ethnicity, nationality,"
    " former_name, id_type, id_bidx, last6, number_prefix, aux_bidx, stage, cohort_year, class_number, class_id, class_seat,"
    " enrolled_on, profile, g1_name, g1_relation, g1_note, g1_guardian, g2_name, g2_relation, g2_note, g2_guardian,"
    " id_sealed is null, number_sealed is null, aux_sealed is null"
)
SEALED = (
    ("raw", "staged_row.raw:{}"), ("profile_sealed", "person_profile.sealed:{}"), ("g1_sealed", "guardian.sealed:{}:1"),
    ("g2_sealed", "guardian.sealed:{}:2"),
)  # fmt: skip


def staged(owner: psycopg.Connection, batch_id: int) -> list[Any]:
    """The rows of a batch without what is drawn by lot, sealed values opened."""
    columns = ", ".join(name for name, _where in SEALED)
    found = []
    for person, *row in owner.execute(
        f"select person_id, {columns}, {SAME} from staged_row where batch_id = %s order by row_no", [batch_id]
    ).fetchall():
        opened = [
            vault.open(blob, where.format(person)) if blob is not None else None
            for blob, (_name, where) in zip(row, SEALED, strict=False)
        ]
        found.append((unpack(opened[0] or ""), *opened[1:], *row[len(SEALED) :]))
    return found


@pytest.fixture
def committed(own_database: str) -> Place:
    """A county whose rows are there to stay, in a database of its own."""
    return make_county()


def test_both_ways_of_reading_stage_the_same_rows(
    committed: Place, as_owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = committed.org("a1").code
    rows = body(2_600, code)
    planted(rows, body(1, code, start=9_000)[0])
    rows[700:1_000] = messy(rows[700:1_000], dates=False)
    rows = [["" if cell is None else str(cell) for cell in row] for row in rows]
    for at in range(1_010, 2_600, 250):
        put(rows, at, phone="12", sex="不详")
    rows[1_500] = [""] * len(rows[1_500])
    # Totals and remarks between the pupils, in the first rows and far below, more than are named one by one.
    asides = [4, 9, *range(1_600, 2_500, 45), 2_599]
    for n, at in enumerate(asides):
        rows[at] = [""] * len(rows[at])
        rows[at][n % 3] = ("合 计", "备注: 已核对", "填表人: 林老师")[n % 3]
        rows[at][5] = str(n)
    data = book(rows)
    batches = []
    plain = []
    look = stream.look_plain

    def looked(*given: Any) -> Any:
        plain.append(look(*given))
        return plain[-1]

    for way in (looked, lambda *_given: None):
        monkeypatch.setattr(stream, "look_plain", way)
        with act_as(committed.user("registrar", "a1")) as actor:
            batches.append(commands.upload(actor, data, "名单.xlsx", inline=False))
        commands.run_check(batches[-1].id, big=0)
    assert plain[0] is not None
    first, second = (staged(as_owner, batch.id) for batch in batches)
    assert len(first) == 2_599 - len(asides)
    assert {row[5] for row in first} >= {"ok", "error"}
    for quick, careful in zip(first, second, strict=True):
        assert quick == careful
    counts = [
        as_owner.execute("select counts from import_batch where id = %s", [batch.id]).fetchone()
        for batch in batches
    ]
    assert counts[0] == counts[1]
    assert counts[0] is not None
    assert counts[0][0]["blank"] == 1
    told = counts[0][0]["left_out"]
    assert told[:2] == ["第 6 行像是合计, 没有当作学生读取", "第 11 行像是备注, 没有当作学生读取"]
    assert told[19:] == [f"另有 {len(asides) - 19} 行像是合计或备注, 没有当作学生读取"]
