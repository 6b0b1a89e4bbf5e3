"""The list of packages follows pyproject.toml and the metadata of what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

import third_party

PYPROJECT = """
[project]
dependencies = ["pytest~=9.0"]

[dependency-groups]
dev = ["pytest~=9.0", "ruff"]
"""


def test_every_package_that_we_name_is_listed_in_the_document() -> None:
    assert third_party.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("requirement", "parts"),
    [
        ("Typing_Extensions>=4", ("typing-extensions", frozenset(), "")),
        ("psycopg[binary, pool]~=3.3", ("psycopg", frozenset({"binary", "pool"}), "")),
        ("brotli; extra == 'brotli'", ("brotli", frozenset(), "extra == 'brotli'")),
    ],
)
def test_requirements_are_split(requirement: str, parts: tuple[str, frozenset[str], str]) -> None:
    assert third_party.split(requirement) == parts


def test_closure_follows_what_packages_need_and_knows_what_we_named() -> None:
    found = third_party.closure(["pytest~=9.0"])
    assert found["pytest"] is True
    assert found["pluggy"] is False
    assert "hypothesis" not in found


def test_tables_keep_running_and_developing_apart() -> None:
    runtime, development = third_party.tables(PYPROJECT).split("### Needed to develop and test")
    assert "| pytest | MIT | named here |" in runtime
    assert "| ruff | MIT | named here |" in development
    assert "| pytest |" not in development


def test_an_unlisted_package_fails_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    document = tmp_path / "THIRD_PARTY.md"
    document.write_text(f"# Others\n\n{third_party.BEGIN}\n{third_party.END}\n\nafter\n", encoding="utf-8")
    assert third_party.main(["--root", str(tmp_path), "--check"]) == 1
    assert "pytest, ruff" in capsys.readouterr().err
    assert third_party.main(["--root", str(tmp_path), "--write"]) == 0
    assert third_party.main(["--root", str(tmp_path), "--check"]) == 0
    assert document.read_text(encoding="utf-8").endswith("\n\nafter\n")


def test_a_package_that_is_not_installed_is_an_error() -> None:
    with pytest.raises(third_party.MissingPackage):
        third_party.licence("no-such-package-at-all")
