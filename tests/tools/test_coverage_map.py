"""The coverage map reads every way of marking a test, and refuses markers that show nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import coverage_map
from coverage_markers import read_markers

NAMES = frozenset({"capability", "rule"})
CAPABILITIES = """id,priority,area,area_name,title
C-TRF-01,P1,TRF,转学,Transfer | online
C-TRF-02,P2,TRF,转学,本区转学
C-SUS-01,P1,SUS,休学复学,休学申请
"""
RULES = """id,jurisdiction,level,force,kind,document,article,title
NAT-TRF-01,NAT,K12,M,D:cmp,一个办法,3,A transfer needs a receiving school
NAT-TRF-02,NAT,K12,G,D:cmp,一个办法,4,No transfer in the last term
"""


def shown(source: str) -> list[tuple[str, str, str]]:
    """Return (identifier, test without file, page) of a source that has no faulty marker."""
    evidence, problems = read_markers(source, "tests/test_a.py", NAMES)
    assert problems == []
    return [(item.identifier, item.test.removeprefix("tests/test_a.py::"), item.page) for item in evidence]


def repository(root: Path, test: str) -> Path:
    """Lay out a small repository with one test module."""
    (root / "docs" / "identifiers").mkdir(parents=True)
    (root / "docs" / "identifiers" / "capabilities.csv").write_text(CAPABILITIES, encoding="utf-8")
    (root / "docs" / "identifiers" / "rules.csv").write_text(RULES, encoding="utf-8")
    (root / "tests" / "registry").mkdir(parents=True)
    (root / "tests" / "registry" / "test_transfer.py").write_text(test, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            '@pytest.mark.capability("C-TRF-01", page="/cases/")\ndef test_a(): ...',
            [("C-TRF-01", "test_a", "/cases/")],
            id="decorator",
        ),
        pytest.param(
            '@pytest.mark.rule("NAT-TRF-01", "NAT-TRF-02")\nasync def test_a(): ...',
            [("NAT-TRF-01", "test_a", ""), ("NAT-TRF-02", "test_a", "")],
            id="several identifiers",
        ),
        pytest.param(
            'pytestmark = pytest.mark.capability("C-TRF-01")\ndef test_a(): ...\ndef test_b(): ...',
            [("C-TRF-01", "test_a", ""), ("C-TRF-01", "test_b", "")],
            id="module",
        ),
        pytest.param(
            'pytestmark = [pytest.mark.django_db, pytest.mark.rule("NAT-TRF-01")]\ndef test_a(): ...',
            [("NAT-TRF-01", "test_a", "")],
            id="module list",
        ),
        pytest.param(
            '@pytest.mark.rule("NAT-TRF-01")\nclass TestA:\n'
            '    pytestmark = [pytest.mark.rule("NAT-TRF-02")]\n'
            '    @pytest.mark.capability("C-TRF-01")\n'
            "    def test_a(self): ...",
            [
                ("NAT-TRF-01", "TestA::test_a", ""),
                ("NAT-TRF-02", "TestA::test_a", ""),
                ("C-TRF-01", "TestA::test_a", ""),
            ],
            id="class",
        ),
        pytest.param(
            'CASES = [1, pytest.param(2, marks=[pytest.mark.rule("NAT-TRF-02")])]\n'
            '@pytest.mark.parametrize("x", CASES)\ndef test_a(x): ...',
            [("NAT-TRF-02", "test_a", "")],
            id="parametrised by name",
        ),
        pytest.param(
            '@pytest.mark.parametrize("x", [pytest.param(2, marks=pytest.mark.capability("C-TRF-02"))])\n'
            '@pytest.mark.capability("C-TRF-01")\ndef test_a(x): ...',
            [("C-TRF-01", "test_a", ""), ("C-TRF-02", "test_a", "")],
            id="parametrised in place",
        ),
        pytest.param(
            'from pytest import mark\nPAGE = "/cases/"\nshows = mark.capability("C-TRF-01", page=PAGE)\n'
            "@shows\ndef test_a(): ...",
            [("C-TRF-01", "test_a", "/cases/")],
            id="named marker",
        ),
        pytest.param('@pytest.mark.slow\ndef test_a(): ...\ndef helper(): "C-TRF-01"', [], id="none"),
    ],
)
def test_markers_are_read_wherever_they_stand(source: str, expected: list[tuple[str, str, str]]) -> None:
    assert shown(source) == expected


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('@pytest.mark.rule("NAT-TRF-01")\ndef helper(): ...', "marks no test"),
        ("@pytest.mark.rule\ndef test_a(): ...", "names no identifier"),
        ('@pytest.mark.rule("NAT-" + "TRF-01")\ndef test_a(): ...', "plain strings"),
        ('@pytest.mark.rule("NAT-TRF-01", pages="/x/")\ndef test_a(): ...', "plain strings"),
        ('@pytest.mark.skip\n@pytest.mark.rule("NAT-TRF-01")\ndef test_a(): ...', "always skipped"),
        (
            'pytestmark = [pytest.mark.skip(reason="x"), pytest.mark.rule("NAT-TRF-01")]\ndef test_a(): ...',
            "always skipped",
        ),
    ],
)
def test_markers_that_show_nothing_are_refused(source: str, problem: str) -> None:
    evidence, problems = read_markers(source, "tests/test_a.py", NAMES)
    assert evidence == []
    assert len(problems) == 1
    assert problem in problems[0]


def test_the_map_names_test_page_and_totals(tmp_path: Path) -> None:
    root = repository(
        tmp_path,
        '@pytest.mark.capability("C-TRF-01", page="/cases/new/")\n@pytest.mark.rule("NAT-TRF-02")\n'
        "def test_a(): ...\n"
        '@pytest.mark.capability("C-TRF-01")\ndef test_b(): ...\n',
    )
    assert coverage_map.main(["--root", str(root)]) == 0
    lines = (root / "docs" / "coverage.md").read_text(encoding="utf-8").splitlines()
    assert "| TRF | 转学 | 1/1 | 0/1 | - | 1/2 |" in lines
    assert "| **all** | | 1/2 | 0/1 | - | 1/3 |" in lines
    assert "| **all** | 0/1 | 1/1 | - | - | 1/2 |" in lines
    first, second = (f"`tests/registry/test_transfer.py::{name}`" for name in ("test_a", "test_b"))
    assert f"| C-TRF-01 | P1 | Transfer \\| online | {first}<br>{second} | `/cases/new/` |" in lines
    assert "| C-SUS-01 | P1 | 休学申请 |  |  |" in lines


def test_check_fails_when_the_map_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = repository(tmp_path, '@pytest.mark.capability("C-TRF-01")\ndef test_a(): ...\n')
    assert coverage_map.main(["--root", str(root), "--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert coverage_map.main(["--root", str(root)]) == 0
    assert coverage_map.main(["--root", str(root), "--check"]) == 0
    added = root / "tests" / "test_more.py"
    added.write_text('@pytest.mark.rule("NAT-TRF-01")\ndef test_c(): ...\n', encoding="utf-8")
    assert coverage_map.main(["--root", str(root), "--check"]) == 1


@pytest.mark.parametrize("marker", ['capability("C-TRF-99")', 'rule("C-TRF-01")'])
@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_an_unknown_identifier_fails_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], marker: str, arguments: list[str]
) -> None:
    root = repository(tmp_path, f"@pytest.mark.{marker}\ndef test_a(): ...\n")
    assert coverage_map.main(["--root", str(root), *arguments]) == 1
    assert "tests/registry/test_transfer.py::test_a: unknown" in capsys.readouterr().err
    assert not (root / "docs" / "coverage.md").exists()


COMPUTED = """
import pytest

DATA = ["NAT-TRF-01", "NAT-TRF-02"]


def cases():
    return [pytest.param(name, marks=[pytest.mark.rule(name)]) for name in DATA]


@pytest.mark.parametrize("name", cases())
def test_each(name):
    assert False, "collecting runs nothing"


@pytest.mark.skip
@pytest.mark.parametrize("name", cases())
def test_never(name): ...


@pytest.mark.capability("C-TRF-01", page="/cases/")
def test_literal(): ...
"""


def test_markers_made_from_data_are_collected_by_pytest_itself(tmp_path: Path) -> None:
    root = repository(tmp_path, COMPUTED)
    (root / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n    rule: a rule\n    capability: a capability\n", encoding="utf-8"
    )
    coverage = coverage_map.collect(root, coverage_map.read_identifiers(root / "docs" / "identifiers"))
    assert coverage.problems == []
    file = "tests/registry/test_transfer.py"
    found = {(e.identifier, e.test, e.page) for items in coverage.shown.values() for e in items}
    assert found == {
        ("NAT-TRF-01", f"{file}::test_each", ""),
        ("NAT-TRF-02", f"{file}::test_each", ""),
        ("C-TRF-01", f"{file}::test_literal", "/cases/"),
    }


def test_a_module_that_cannot_be_collected_is_named(tmp_path: Path) -> None:
    root = repository(tmp_path, COMPUTED + "\nimport nothing_of_that_name\n")
    with pytest.raises(RuntimeError, match=r"test_transfer\.py"):
        coverage_map.collect(root, coverage_map.read_identifiers(root / "docs" / "identifiers"))


def test_an_unknown_identifier_out_of_data_is_a_problem(tmp_path: Path) -> None:
    root = repository(tmp_path, COMPUTED.replace("NAT-TRF-02", "NAT-XXX-99"))
    (root / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    coverage = coverage_map.collect(root, coverage_map.read_identifiers(root / "docs" / "identifiers"))
    assert [problem for problem in coverage.problems if "NAT-XXX-99" in problem]
