"""Key files of their own for these tests: nothing here touches the key file of the test bed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from xueji.ground.crypto import keys, vault


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place of a key file that does not exist yet."""
    path = tmp_path / "secrets" / "keys.json"
    monkeypatch.setenv("XUEJI_KEYS", str(path))
    vault.forget()
    yield path
    vault.forget()


@pytest.fixture(params=["standard", "gm"])
def keyed(request: pytest.FixtureRequest, key_file: Path) -> str:
    """A fresh key file of either family of algorithms."""
    keys.create(request.param)
    return str(request.param)
