"""The sheet of new children reads back whole, and exactly its planted rows are found faulty."""

from __future__ import annotations

import pytest
from tests.web.demo.conftest import Built

from xueji.ground.orgs.models import School
from xueji.ground.sheets.read import open_sheet
from xueji.registry.intake.checker import Checker
from xueji.registry.intake.columns import map_columns
from xueji.registry.intake.queries import school_facts
from xueji.web import demo

#: Found by comparing rows with each other and with the record, not by looking at one row.
_ELSEWHERE = {"duplicate_in_sheet", "duplicate_in_record"}


def test_exactly_the_planted_rows_are_faulty(built: Built) -> None:
    school = built.accounts.school_a
    made = demo.sheet(school.code, 200, 15, seed=4, existing=built.accounts.transfer_children[0].identity)
    assert len(made.names) == 200
    assert len(made.faults) == 15
    assert len({f.row for f in made.faults}) == 15
    assert len({f.kind for f in made.faults}) == 15
    reader = open_sheet(made.content, "新生.xlsx")
    mapping = map_columns(reader)
    rows = [(row.number, row.cells) for row in reader.rows(after=mapping.header_row)]
    assert len(rows) == 200
    lines = Checker(school_facts(school.org_id), mapping).check(rows)
    found = {line.row_no for line in lines if line.state == "error"}
    assert found == {f.row for f in made.faults if f.kind not in _ELSEWHERE}
    for fault in made.faults:
        if fault.kind not in _ELSEWHERE:
            line = next(x for x in lines if x.row_no == fault.row)
            assert fault.column in {i["column"].rstrip(" *") for i in line.issues} | _partners(fault.key)


def _partners(key: str) -> set[str]:
    """Where two cells disagree the message may stand at either."""
    return {"birth_date": {"出生日期"}, "sex": {"性别"}}.get(key, set())


def test_children_of_a_sheet_are_not_in_the_record(built: Built) -> None:
    school = built.accounts.school_a
    a, b = demo.sheet(school.code, 50, 0), demo.sheet(school.code, 50, 0, seed=2)
    assert a.names != b.names
    assert a.faults == []
    assert demo.sheet(school.code, 50, 0).names == a.names


def test_more_faults_than_rows_and_an_unknown_school_are_refused(built: Built) -> None:
    with pytest.raises(ValueError, match="more faults"):
        demo.sheet(built.accounts.school_a.code, 5, 6)
    with pytest.raises(School.DoesNotExist):
        demo.sheet("2199999999", 5, 0)
