"""The identifiers are copied from the papers whole and in order."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import extract_identifiers as extract

REPOSITORY = Path(__file__).resolve().parents[2]

CATALOGUE = """
| TRF | 转学 | 13 | 5 | 1 | 19 |

## A9 日常异动 (TRF)

- **C-TRF-01 [P1] Transfer application online.** Act: school. Out: a case.
- **C-TRF-02 [P2] 本区转学 (市内/区内).** Act: school.
"""


def test_capabilities_carry_priority_area_and_title() -> None:
    rows = extract.read_capabilities(CATALOGUE)
    assert rows == [
        {
            "id": "C-TRF-01",
            "priority": "P1",
            "area": "TRF",
            "area_name": "转学",
            "title": "Transfer application online",
        },
        {
            "id": "C-TRF-02",
            "priority": "P2",
            "area": "TRF",
            "area_name": "转学",
            "title": "本区转学 (市内/区内)",
        },
    ]


def test_a_heading_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(extract.PaperError, match="line 1"):
        extract.read_capabilities("- **C-TRF-1 [P9] Something.**")


def test_an_identifier_that_occurs_twice_is_refused() -> None:
    twice = "- **C-TRF-01 [P1] One.**\n- **C-TRF-01 [P1] Two.**\n"
    with pytest.raises(extract.PaperError, match="C-TRF-01 occurs twice"):
        extract.read_capabilities(twice)


def test_a_rule_without_its_article_is_refused() -> None:
    with pytest.raises(extract.PaperError, match="jurisdiction"):
        extract.read_rules(json.dumps({"id": "NAT-SCO-01"}))


@pytest.mark.parametrize(
    ("statement", "title"),
    [
        ("age >= 6 at entry. No day is given.", "age >= 6 at entry"),
        ("Signed hand-over (derived: both sign) on every step.", "Signed hand-over on every step"),
        ("word " * 40, ("word " * 22).strip() + " ..."),
        ("word " * 18 + "(a bracket that is cut somewhere)", ("word " * 18).strip() + " ..."),
    ],
)
def test_short_title_is_one_line(statement: str, title: str) -> None:
    assert extract.short_title(statement) == title


def test_the_repository_holds_all_identifiers_once() -> None:
    for name, count in (("capabilities.csv", 388), ("rules.csv", 546)):
        path = REPOSITORY / "docs" / "identifiers" / name
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        assert len(rows) == count
        assert len({row["id"] for row in rows}) == count
        assert all(row["title"] for row in rows)


def test_the_command_writes_both_files(tmp_path: Path) -> None:
    capabilities, rules = tmp_path / "capabilities.md", tmp_path / "rules.jsonl"
    capabilities.write_text(CATALOGUE, encoding="utf-8")
    rule = {
        "id": "NAT-TRF-01",
        "jurisdiction": "NAT",
        "level": "K12",
        "force": "M",
        "kind": "D:cmp",
        "document": "一个办法",
        "article": "3",
        "statement": "A transfer needs a receiving school.",
    }
    rules.write_text(json.dumps(rule) + "\n", encoding="utf-8")
    assert extract.main([str(capabilities), str(rules), "--out", str(tmp_path / "out")]) == 0
    written = (tmp_path / "out" / "rules.csv").read_text(encoding="utf-8").splitlines()
    assert written[1] == "NAT-TRF-01,NAT,K12,M,D:cmp,一个办法,3,A transfer needs a receiving school"
    assert extract.main([str(tmp_path / "missing.md"), str(rules)]) == 1
