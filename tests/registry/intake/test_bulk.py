"""What is checked and written column by column is what the checker says of each row."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.registry.intake.test_thirty import messy, planted

from bench import sheets
from xueji.ground.crypto import vault
from xueji.ground.sheets.cells import LostDigits
from xueji.ground.standards import divisions
from xueji.ground.standards.fields import fields
from xueji.registry.intake import rules
from xueji.registry.intake.bulk import ASKED, DATED, SEEN, Bulk
from xueji.registry.intake.checker import Checker
from xueji.registry.intake.columns import Mapping, name_of
from xueji.registry.intake.places import SchoolFacts
from xueji.registry.intake.wire import COLUMNS, HEAD, encode

KEYS = [f.key for f in fields()]
AT = {key: at for at, key in enumerate(KEYS)}
SEALED = {
    "raw": "staged_row.raw:{}", "id_sealed": "identity_document.sealed:{}:1", "number_sealed": "student_number.sealed:{}:1",
    "aux_sealed": "student_number.sealed:{}:2", "profile_sealed": "person_profile.sealed:{}",
    "g1_sealed": "guardian.sealed:{}:1", "g2_sealed": "guardian.sealed:{}:2",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def keys(django_db_setup: None) -> Iterator[None]:
    with divisions.demo():
        yield


def school(*, stages: tuple[str, ...] = ("P", "J", "S"), classes: bool = True) -> SchoolFacts:
    have = {(stage, cohort, 1): (cohort * 10 + n, cohort == 2022) for n, stage in enumerate("PJS", start=1)
            for cohort in range(2020, 2027)}  # fmt: skip
    return SchoolFacts(
        1, 2, "2199000004", "松溪学校", "990101", stages, "6-3-3", date(2026, 11, 22), have if classes else {}
    )


def both(
    rows: list[list[Any]], place: SchoolFacts, without: tuple[str, ...] = ()
) -> tuple[list[Any], list[Any]]:
    """The rows of both ways, decoded, without what is drawn by lot."""
    kept = [key for key in KEYS if key not in without]
    numbered = [(n, [row[AT[key]] for key in kept]) for n, row in enumerate(rows, start=2)]
    mapping = Mapping(1, {key: at for at, key in enumerate(kept)}, [name_of(key) for key in kept])
    careful, quick = Checker(place, mapping), Bulk(Checker(place, mapping))
    return (
        [row for at in range(0, len(rows), 40) for row in decoded(quick.block(7, numbered[at : at + 40]))],
        [
            row
            for at in range(0, len(rows), 40)
            for row in decoded(encode(7, careful.check(numbered[at : at + 40])))
        ],
    )


def decoded(block: bytes) -> list[dict[str, Any]]:
    """Rows of a COPY in binary format: sealed values opened, numbers drawn by lot held against their index."""
    assert block.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    at, out = 19, []
    while (count := struct.unpack_from(">h", block, at)[0]) != -1:
        at += 2
        row: dict[str, Any] = {}
        assert count == len(HEAD) + len(COLUMNS)
        for name in (*HEAD, *COLUMNS):
            (length,) = struct.unpack_from(">i", block, at)
            at += 4
            row[name] = None if length < 0 else block[at : at + length]
            at += max(length, 0)
        h = row.pop("person_id").hex()
        assert row.pop("event_id") is not None
        person = f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
        for name, where in SEALED.items():
            if row[name] is not None:
                row[name] = vault.open(row[name], where.format(person))
        if row["number_sealed"] is not None:
            assert row["number_bidx"] == vault.index("no:national", row["number_sealed"])
            row["number_sealed"], row["number_bidx"] = row["number_sealed"][:-4], None
        out.append(row)
    assert block[at:] == struct.pack(">h", -1)
    return out


def same(rows: list[list[Any]], place: SchoolFacts, without: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    quick, careful = both(rows, place, without)
    assert len(quick) == len(careful) == len(rows)
    for one, other in zip(quick, careful, strict=True):
        assert one == other
    return quick


ODD: list[Any] = [
    "", " ", "是", "否", "0", "1", "2", "9", "男", "女", "不详", "01", "03", "13", "12", "99", "其他", "21", "CHN", "USA",
    "汉族", "李", "张 三", "欧阳娜娜", "阿依古丽·买买提", "１２", "三年级(2)班", "98班", "100", "2019年9月", "201909",
    "2014-09-10", "20140910", "20991231", date(2014, 9, 10), datetime(2014, 9, 10, 8), "13900000001", "12", "居民身份证",
    "护照", "其他证件", "990101201409100016", "110105194912310021", "99010119850101001X", LostDigits("1.1010519E+17"),
    True, "1.5", "残疾", "父亲", "50", "41", "a,b\x1fc", '"\\', "\u200b", "x" * 300, "健康或良好", "²",
    "007", "9999", "00001",
]  # fmt: skip
CHANGES = st.lists(st.tuples(st.integers(0, 11), st.sampled_from(KEYS), st.sampled_from(ODD)), max_size=14)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHANGES, st.integers(0, 5_000), st.sampled_from([("P", "J", "S"), ("P",), ("J", "S")]), st.booleans())
def test_rows_with_anything_in_them_come_out_the_same(
    changes: list[tuple[int, str, Any]], start: int, stages: tuple[str, ...], classes: bool
) -> None:
    rows: list[list[Any]] = list(sheets.rows(12, "2199000004", start=start, stages="PJS"))
    for at, key, value in changes:
        rows[at][AT[key]] = value
    same(rows, school(stages=stages, classes=classes))


def test_each_odd_cell_in_each_column_comes_out_the_same() -> None:
    rows: list[list[Any]] = list(sheets.rows(len(KEYS) * len(ODD), "2199000004", stages="PJS", class_size=30))
    for n, row in enumerate(rows):
        row[n % len(KEYS)] = ODD[n // len(KEYS)]
    found = same(rows, school(classes=False))
    assert sum(row["state"] == b"ok" for row in found) > 500


def test_most_rows_of_an_ordinary_list_take_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list(sheets.rows(400, "2199000004", stages="PJS", class_size=30))
    rows[7][AT["phone"]] = "1390000"
    rows[30][AT["member2_name"]] = ""
    for n in range(0, 400, 3):
        rows[n][AT["auxiliary_number"]] = f"G{n}"
        rows[n][AT["former_name"]] = "王二"
        rows[n][AT["class_serial"]] = str(n + 1)
        for part in ("id_number", "id_type"):
            rows[n][AT[f"member2_{part}"]] = ""
    looked: list[int] = []
    careful = Checker.lines

    def lines(checker: Checker, table: Any, places: Any) -> Any:
        looked.extend(places)
        return careful(checker, table, places)

    found = same(rows, school(classes=False))
    assert [row["state"] for row in found].count(b"ok") > 390
    monkeypatch.setattr(Checker, "lines", lines)
    mapping = Mapping(1, dict(AT), [name_of(key) for key in KEYS])
    Bulk(Checker(school(classes=False), mapping)).block(7, list(enumerate(rows, start=2)))
    assert 2 <= len(looked) < 10


def test_planted_faults_and_messy_writing_come_out_the_same() -> None:
    rows: list[list[Any]] = list(sheets.rows(600, "2199000004", class_size=30))
    planted(rows, next(sheets.rows(1, "2199000004", start=9_000)))
    rows[500:] = messy(rows[500:], dates=True)
    found = same(rows, school(stages=("P",)))
    assert len({row["state"] for row in found}) > 1


@pytest.mark.parametrize(
    "without", [("member2_name",), ("nationality", "school_code"), ("member1_id_number",), ("class_serial",)]
)
def test_sheets_that_lack_a_column_come_out_the_same(without: tuple[str, ...]) -> None:
    same(list(sheets.rows(30, "2199000004", stages="PJS")), school(), without)


class _Watched(dict[str, Any]):
    """Values that remember which of them were looked at."""

    def __init__(self, values: dict[str, Any], seen: set[str]) -> None:
        super().__init__(values)
        self._seen = seen

    def __getitem__(self, key: str) -> Any:
        self._seen.add(key)
        return super().__getitem__(key)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*SEEN, *ASKED]), st.sampled_from([None, "0", "1", "2", "03", "9", "50", "12", "99", "USA", "01"])
    ),
    st.sampled_from(["P", "J", "S", ""]),
    st.sampled_from([None, date(2014, 9, 10), date(1999, 1, 1)]),
)  # fmt: skip
def test_the_rules_look_at_nothing_that_the_quick_way_does_not_know(
    values: dict[str, Any], stage: str, born: date | None
) -> None:
    seen: set[str] = set()
    row = dict.fromkeys(KEYS) | {"birth_date": born, "entry_month": date(2020, 9, 1)} | values
    rules.check_row(_Watched(row | {"_faulty": frozenset()}, seen), stage, lambda *_said: None)
    assert seen <= {*SEEN, *ASKED, *DATED, "_faulty"}
