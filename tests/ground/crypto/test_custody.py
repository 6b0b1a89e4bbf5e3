"""Keys under a keeper of their own: the file alone opens nothing, losing the keeper stops the start with words."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xueji.ground.crypto import backups, custody, keyring, keys, signer, suites, vault
from xueji.ground.crypto.errors import KeyInUse, KeyMissing, WrongPassphrase

PLACE = "person_profile.sealed:8f14e45f-ceea-467f-9575-6c5b2f1c1d11"
SOFTHSM = next(
    (p for p in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so") if Path(p).exists()),
    "",
)


class Service:
    """What a package of a site brings: a key service, here a cipher in this process that can be switched off."""

    name = "test-service"
    up = True
    calls = 0
    secret = bytes(range(32))

    def wrap(self, data: bytes, about: bytes) -> bytes:
        return b"\0" * 12 + suites.ciphers("aes-256-gcm", self.secret)[0](b"\0" * 12, data, about)

    def unwrap(self, data: bytes, about: bytes) -> bytes:
        Service.calls += 1
        if not Service.up:
            raise ConnectionError("service is down")
        return suites.ciphers("aes-256-gcm", self.secret)[1](data[:12], data[12:], about)


@pytest.fixture
def service(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Service]]:
    monkeypatch.setenv("XUEJI_KEY_CUSTODY", f"{__name__}:Service")
    Service.up, Service.calls = True, 0
    yield Service
    Service.up = True


def _in_file(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@pytest.mark.parametrize("size", [16, 32])
def test_a_secret_of_the_environment_keeps_the_file_shut(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    credential = tmp_path / "credential"
    credential.write_text(base64.b64encode(os.urandom(size)).decode() + "\n")
    monkeypatch.setenv("XUEJI_KEY_CUSTODY", "env")
    monkeypatch.setenv("XUEJI_KEY_WRAP_FILE", str(credential))
    ring = keys.create()
    content = _in_file(key_file)
    assert content["custody"] == "env" and content["key_ids"] == [k.id for k in ring.keys]
    for key in ring.keys:
        assert base64.b64encode(key.secret).decode() not in key_file.read_text()
    blob = vault.seal("990101201503090018", PLACE)
    vault.forget()
    assert vault.open(blob, PLACE) == "990101201503090018"
    credential.write_text(base64.b64encode(os.urandom(size)).decode())
    vault.forget()
    with pytest.raises(KeyMissing, match="托管"):
        vault.open(blob, PLACE)


def test_the_keeper_is_asked_once_and_not_for_every_value(service: type[Service]) -> None:
    keys.create()
    vault.forget()
    service.calls = 0
    for n in range(200):
        assert vault.open(vault.seal(str(n), PLACE), PLACE) == str(n)
        signer.sign(b"head", "audit.anchor") if n % 50 == 0 else None
    assert service.calls <= 3  # the file is written once more, for the key that signs


def test_a_keeper_that_is_away_stops_the_start_and_says_so(service: type[Service]) -> None:
    keys.create()
    vault.forget()
    service.up = False
    with pytest.raises(KeyMissing, match="test-service.*service is down"):
        vault.ready()


def test_without_the_setting_a_wrapped_file_names_its_keeper(
    service: type[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.create()
    vault.forget()
    monkeypatch.delenv("XUEJI_KEY_CUSTODY")
    with pytest.raises(KeyMissing, match="test-service.*XUEJI_KEY_CUSTODY"):
        vault.ready()


@pytest.mark.parametrize("name", ["nonsense", "xueji.no_such:thing", f"{__name__}:SOFTHSM", "env", "pkcs11"])
def test_a_keeper_that_cannot_be_had_is_named(
    key_file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("XUEJI_KEY_CUSTODY", name)
    for setting in ("XUEJI_KEY_WRAP", "XUEJI_KEY_WRAP_FILE", "XUEJI_PKCS11_MODULE"):
        monkeypatch.delenv(setting, raising=False)
    with pytest.raises(KeyMissing, match="XUEJI_KEY_CUSTODY"):
        keys.create()
    assert not key_file.exists()


@pytest.mark.django_db
def test_a_plain_file_moves_under_a_keeper_and_back(
    key_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ring = keys.create()
    blob = vault.seal("甲", PLACE)
    monkeypatch.setenv("XUEJI_KEY_CUSTODY", f"{__name__}:Service")
    keys.rewrap()
    assert custody.is_wrapped(key_file.read_text()) and key_file.stat().st_mode & 0o777 == 0o600
    assert keyring.load() == ring and vault.open(blob, PLACE) == "甲"
    new = keys.rotate()  # a rotation writes the file wrapped as well
    assert custody.is_wrapped(key_file.read_text()) and vault.active_key_id() == new.id
    backups.backup(tmp_path / "copy.json", "correct horse battery")
    keys.rewrap(plain=True)
    monkeypatch.delenv("XUEJI_KEY_CUSTODY")
    vault.forget()
    assert not custody.is_wrapped(key_file.read_text()) and vault.open(blob, PLACE) == "甲"


@pytest.mark.skipif(not SOFTHSM, reason="SoftHSM2 (Debian's softhsm2) is not installed: no token to try")
@pytest.mark.skipif(importlib.util.find_spec("pkcs11") is None, reason="the extra pkcs11 is not installed")
def test_a_token_wraps_the_file_and_never_gives_its_key(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own: the library reads where its tokens lie once, when it is loaded."""
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
    env = {
        **os.environ,
        "SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf"),
        "XUEJI_KEYS": str(key_file),
        "XUEJI_KEY_CUSTODY": "pkcs11",
        "XUEJI_PKCS11_MODULE": SOFTHSM,
        "XUEJI_PKCS11_TOKEN": "xueji",
        "XUEJI_PKCS11_PIN": "271828",
    }
    tool = shutil.which("softhsm2-util") or "softhsm2-util"
    made = subprocess.run(
        [tool, "--init-token", "--free", "--label", "xueji", "--pin", "271828", "--so-pin", "314159"],
        env=env,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    code = f"""
import os, django; django.setup()
import pkcs11
from xueji.ground.crypto import custody, keyring, keys, vault
with pkcs11.lib(os.environ["XUEJI_PKCS11_MODULE"]).get_token(token_label="xueji").open(rw=True, user_pin="271828") as s:
    s.generate_key(pkcs11.KeyType.AES, 256, label="xueji", store=True,
                   template={{pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.SENSITIVE: True}})
keys.create()
assert custody.is_wrapped(keyring.key_path().read_text())
blob = vault.seal("甲", "{PLACE}")
vault.forget()
assert vault.open(blob, "{PLACE}") == "甲"
os.environ["XUEJI_PKCS11_PIN"] = "000000"
vault.forget()
try:
    vault.ready()
except keys.KeyMissing as error:
    print("refused", error)
"""
    import sys

    found = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert "refused" in found.stdout and "271828" not in found.stdout


ONE, TWO, THREE = "the first keeper's", "the second keeper's", "the third keeper's"


def test_any_two_of_three_keepers_bring_the_keys_back_and_one_alone_does_not(
    key_file: Path, tmp_path: Path
) -> None:
    ring = keys.create()
    copy = tmp_path / "copy.json"
    backups.backup(copy, [ONE, TWO, THREE])
    assert backups.keepers_of(copy) == 2
    assert copy.stat().st_mode & 0o777 == 0o600
    key_file.unlink()
    for words in ([ONE], [ONE, ONE], [ONE, "a stranger's word"], [ONE, TWO, THREE]):
        with pytest.raises(WrongPassphrase):
            backups.restore(copy, words)
    assert not key_file.exists()
    assert backups.restore(copy, [THREE, ONE]) == ring
    key_file.unlink()
    assert backups.restore(copy, [TWO, THREE]) == ring
    assert keyring.load() == ring


def test_keepers_do_not_share_a_passphrase(key_file: Path, tmp_path: Path) -> None:
    keys.create()
    for words in ([ONE, ONE], [ONE, "short"], [f"{ONE} {n}" for n in range(6)], []):
        with pytest.raises(ValueError):
            backups.backup(tmp_path / "copy.json", words)
    assert not (tmp_path / "copy.json").exists()


@pytest.mark.django_db
def test_a_former_key_is_dropped_only_when_nothing_needs_it(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.create()
    old, index = keyring.load().active("data"), keyring.load().active("index")
    with pytest.raises(KeyInUse):
        keys.drop(old.id)
    keys.rotate()
    with pytest.raises(KeyInUse, match="一分钟"):
        keys.drop(old.id)
    monkeypatch.setattr(keys, "SETTLED", keys.SETTLED * 0)
    monkeypatch.setattr(keys, "remaining", lambda key_id: {"guardian.sealed": 3})
    with pytest.raises(KeyInUse, match=r"guardian.sealed（3）"):
        keys.drop(old.id)
    monkeypatch.setattr(keys, "remaining", lambda key_id: {})
    with pytest.raises(KeyInUse):
        keys.drop(index.id)
    with pytest.raises(KeyMissing):
        keys.drop("ffffffff")
    keys.drop(old.id)
    assert old.id not in {k.id for k in keyring.load().keys}
    assert old.id not in {s.key_id for s in keys.status()}
