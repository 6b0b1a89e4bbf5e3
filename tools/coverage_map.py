"""Write docs/coverage.md: which capability and which rule is shown by which test.

Tests carry the identifiers of what they show:

    @pytest.mark.capability("C-TRF-05", page="/cases/new/")
    @pytest.mark.rule("NAT-TRF-11", "NAT-TRF-12")

on a test, on a test class, in `pytestmark` of a module or class, or in `pytest.param(..., marks=...)`.
The tests are read as text, never imported, so that the map needs no database and no settings. Only modules whose
helpers make markers out of data (`pytest.mark.rule(example.rule)`) are collected by pytest, without running a test.

    python tools/coverage_map.py            write the map
    python tools/coverage_map.py --check    only compare; exit 1 when it is stale

An unknown identifier, or a marker that marks no test that runs, is an error in both cases.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coverage_collect import collected
from coverage_markers import Evidence, computes_markers, read_markers

MARKERS = {"capability": "capabilities.csv", "rule": "rules.csv"}
PRIORITIES = ("P1", "P2", "P3")
FORCES = {"M": "must", "G": "generally", "Y": "may", "A": "advice"}


@dataclass(frozen=True)
class Identifiers:
    """The rows of the two identifier files, by identifier, in the order of the files."""

    capabilities: dict[str, dict[str, str]]
    rules: dict[str, dict[str, str]]

    def of(self, marker: str) -> dict[str, dict[str, str]]:
        """Return the rows that a marker name may refer to."""
        return self.capabilities if marker == "capability" else self.rules


@dataclass
class Coverage:
    """What the tests show, and what is wrong with their markers."""

    shown: dict[str, list[Evidence]] = field(default_factory=lambda: defaultdict(list))
    problems: list[str] = field(default_factory=list)


def read_identifiers(folder: Path) -> Identifiers:
    """Read both identifier files of a folder; raises FileNotFoundError when one is missing."""
    tables = []
    for name in MARKERS.values():
        with (folder / name).open(encoding="utf-8", newline="") as handle:
            tables.append({row["id"]: row for row in csv.DictReader(handle)})
    return Identifiers(*tables)


def collect(root: Path, identifiers: Identifiers) -> Coverage:
    """Read the markers of all tests below `root/tests`, in the order of their paths."""
    coverage = Coverage()
    names, computed = frozenset(MARKERS), []
    found: list[Evidence] = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        name, source = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
        evidence, problems = read_markers(source, name, names)
        coverage.problems += problems
        if computes_markers(source, names):
            computed.append(name)
        else:
            found += evidence
    if computed:
        found += collected(root, computed, names)
    for item in sorted(found, key=lambda item: item.test.partition("::")[0]):
        if item.identifier not in identifiers.of(item.marker):
            coverage.problems.append(f"{item.test}: unknown {item.marker} {item.identifier!r}")
        elif item not in coverage.shown[item.identifier]:
            coverage.shown[item.identifier].append(item)
    return coverage


def render(identifiers: Identifiers, coverage: Coverage) -> str:
    """Return the text of the map; the same input always gives the same text."""
    lines = [
        "# What the tests show",
        "",
        "Written by `make coverage-map` from the markers of the tests; do not edit. A row without a test is",
        "not shown yet. Identifiers, priorities and titles: [identifiers/](identifiers/).",
        "",
        *_totals(identifiers, coverage),
    ]
    lines += ["## Capabilities", ""]
    for area, rows in _groups(identifiers.capabilities.values(), "area").items():
        head = f"### {area} {rows[0]['area_name']}"
        lines += [head, "", "| Identifier | Priority | Title | Tests | Page |", "|---|---|---|---|---|"]
        lines += [_row(row, row["priority"], coverage) for row in rows]
        lines.append("")
    lines += ["## Rules", ""]
    for jurisdiction, rows in _groups(identifiers.rules.values(), "jurisdiction").items():
        lines += [
            f"### {jurisdiction}",
            "",
            "| Identifier | Force | Title | Tests | Page |",
            "|---|---|---|---|---|",
        ]
        lines += [_row(row, row["force"], coverage) for row in rows]
        lines.append("")
    return "\n".join(lines)


def _totals(identifiers: Identifiers, coverage: Coverage) -> list[str]:
    capabilities, rules = identifiers.capabilities.values(), identifiers.rules.values()
    lines = ["## Totals", "", "Shown by at least one test, of all.", ""]
    lines += ["| Capabilities | | P1 | P2 | P3 | all |", "|---|---|---|---|---|---|"]
    for area, rows in _groups(capabilities, "area").items():
        cells = [_share(rows, coverage, priority=value) for value in PRIORITIES]
        lines.append(f"| {area} | {rows[0]['area_name']} | {' | '.join(cells)} | {_share(rows, coverage)} |")
    cells = [_share(capabilities, coverage, priority=value) for value in PRIORITIES]
    lines += [f"| **all** | | {' | '.join(cells)} | {_share(capabilities, coverage)} |", ""]
    lines += [f"| Rules | {' | '.join(FORCES.values())} | all |", "|---|---|---|---|---|---|"]
    for jurisdiction, rows in _groups(rules, "jurisdiction").items():
        cells = [_share(rows, coverage, force=value) for value in FORCES]
        lines.append(f"| {jurisdiction} | {' | '.join(cells)} | {_share(rows, coverage)} |")
    cells = [_share(rules, coverage, force=value) for value in FORCES]
    lines += [f"| **all** | {' | '.join(cells)} | {_share(rules, coverage)} |", ""]
    return lines


def _groups(rows: Iterable[dict[str, str]], column: str) -> dict[str, list[dict[str, str]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    return groups


def _share(rows: Iterable[dict[str, str]], coverage: Coverage, **wanted: str) -> str:
    chosen = [row for row in rows if all(row[column] == value for column, value in wanted.items())]
    if not chosen:
        return "-"
    return f"{sum(row['id'] in coverage.shown for row in chosen)}/{len(chosen)}"


def _row(row: dict[str, str], weight: str, coverage: Coverage) -> str:
    evidence = coverage.shown.get(row["id"], [])
    tests = "<br>".join(f"`{test}`" for test in dict.fromkeys(item.test for item in evidence))
    pages = "<br>".join(f"`{page}`" for page in dict.fromkeys(item.page for item in evidence) if page)
    title = row["title"].replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
    return f"| {row['id']} | {weight} | {title} | {tests} | {pages} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the map; return 0, or 1 with the reasons on standard error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 when the map is stale")
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parents[1], help="the repository"
    )
    options = parser.parse_args(argv)
    root: Path = options.root
    identifiers = read_identifiers(root / "docs" / "identifiers")
    coverage = collect(root, identifiers)
    if coverage.problems:
        print("\n".join(f"coverage map: {problem}" for problem in coverage.problems), file=sys.stderr)
        return 1
    text, target = render(identifiers, coverage), root / "docs" / "coverage.md"
    if not options.check:
        target.write_text(text, encoding="utf-8")
    elif not target.is_file() or target.read_text(encoding="utf-8") != text:
        print("coverage map: docs/coverage.md is stale; run `make coverage-map`", file=sys.stderr)
        return 1
    shown = {marker: sum(key in identifiers.of(marker) for key in coverage.shown) for marker in MARKERS}
    print(
        f"shown: {shown['capability']} of {len(identifiers.capabilities)} capabilities, "
        f"{shown['rule']} of {len(identifiers.rules)} rules"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
