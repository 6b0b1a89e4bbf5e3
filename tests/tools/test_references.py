"""The reference pages say what the code says: the generated ones are fresh, the list of settings is whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import audit_reference
import cli_reference
import db_reference
import roles_reference
from xueji.ground.limits.rates import RATES

REPOSITORY = Path(__file__).resolve().parents[2]
FOR_TESTS = re.compile(r"XUEJI_TEST_")
#: What no page of this repository has to say: folders of a developer's machine and addresses of package indexes.
PRIVATE = re.compile(
    r"(?<![\w.])/(?:work|tmp|root|home)/|pypi\.org|pythonhosted|registry\.npmjs|npmmirror|tsinghua|aliyun"
)


@pytest.mark.parametrize(
    "tool", [audit_reference, cli_reference, db_reference, roles_reference], ids=lambda t: t.NAME
)
def test_a_generated_page_is_fresh(tool, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    assert tool.main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_page_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli_reference.main(["--root", str(tmp_path), "--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert cli_reference.main(["--root", str(tmp_path)]) == 0
    assert cli_reference.main(["--root", str(tmp_path), "--check"]) == 0


def settings_of_the_code() -> set[str]:
    """Every variable that the package reads, those of its secrets included."""
    found: set[str] = set()
    for path in (REPOSITORY / "src" / "xueji").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"[\"'](XUEJI_[A-Z0-9_]+|DATABASE_URL)[\"']", text))
        found |= {f"XUEJI_{name.upper()}" for name in re.findall(r"config\.secret\(\"(\w+)\"", text)}
        found |= {f"XUEJI_{name.upper()}" for name in re.findall(r"(?<![\w.])secret\(\"(\w+)\"\)", text)}
    # Made from the kinds of requests that are counted.
    found |= {f"XUEJI_RATE_{kind.upper()}" for kind in RATES}
    return {name for name in found if not FOR_TESTS.match(name)}


def test_every_setting_stands_in_the_reference_and_no_other() -> None:
    page = (REPOSITORY / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(XUEJI_[A-Z0-9_]+|DATABASE_URL)` \|", page, re.MULTILINE))
    assert listed == settings_of_the_code()


def test_no_document_names_a_developers_machine() -> None:
    for path in [
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "docs").rglob("*.md"),
        REPOSITORY / "requirements.lock",
    ]:
        found = PRIVATE.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path.name}: {found and found[0]}"
