"""Key files of their own for these tests: nothing here touches the key file of the test bed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from xueji.ground.crypto import keyring, keys, vault
from xueji.ground.crypto.errors import KeyMissing

_FOLLOW = vault.follow


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place of a key file that does not exist yet."""
    path = tmp_path / "secrets" / "keys.json"
    monkeypatch.setenv("XUEJI_KEYS", str(path))
    monkeypatch.setattr(vault, "_in_force", "")
    monkeypatch.setattr(vault, "follow", _own_keys_only)
    vault.forget()
    yield path
    vault.forget()


def _own_keys_only(key_id: str | None) -> None:
    """The databases of the test bed were indexed with its own keys: the gate names one that no file here has."""
    try:
        known = {k.id for k in keyring.load().keys}
    except KeyMissing:
        return
    if key_id in known:
        _FOLLOW(key_id)


@pytest.fixture
def strict_gate(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate as it is, for a database that was indexed with the keys of the test."""
    monkeypatch.setattr(vault, "follow", _FOLLOW)


@pytest.fixture(params=["standard", "gm"])
def keyed(request: pytest.FixtureRequest, key_file: Path) -> str:
    """A fresh key file of either family of algorithms."""
    keys.create(request.param)
    return str(request.param)
