"""Known answers of the standards, and what happens to those who misuse a sealed value."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from xueji.ground.crypto import keyring, keys, suites, vault
from xueji.ground.crypto.errors import KeyMissing, Tampered

PLACE = "identity_document.sealed:8f14e45f-ceea-467f-9575-6c5b2f1c1d11:1"
NUMBER = "990101201503090018"


def _sm3(data: bytes) -> str:
    run = hashes.Hash(hashes.SM3())
    run.update(data)
    return run.finalize().hex()


@pytest.mark.capability("C-SEC-02")
def test_sm3_gives_the_two_answers_of_gb_t_32905() -> None:
    assert _sm3(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert _sm3(b"abcd" * 16) == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


@pytest.mark.capability("C-SEC-02")
def test_sm4_gives_the_answer_of_gb_t_32907_after_one_and_many_rounds() -> None:
    key = block = bytes.fromhex("0123456789abcdeffedcba9876543210")

    def once(data: bytes) -> bytes:
        run = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()
        return run.update(data) + run.finalize()

    assert once(block).hex() == "681edf34d206965e86b3e94f536e4246"
    for _ in range(1000):
        block = once(block)
    many = Cipher(algorithms.SM4(key), modes.ECB()).decryptor()
    for _ in range(1000):
        block = many.update(block)
    assert block == key


def test_aes_gcm_gives_the_answer_of_the_specification() -> None:
    # McGrew and Viega, test case 16 (AES-256, 20 bytes of additional data), as in NIST SP 800-38D's vectors.
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    where = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    text = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    encrypt, decrypt = suites.ciphers("aes-256-gcm", key)
    sealed = encrypt(nonce, text, where)
    assert sealed.hex() == (
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )
    assert decrypt(nonce, sealed, where) == text


def test_the_keyed_hashes_are_hmac() -> None:
    secret = bytes(range(32))
    for message in (b"", b"id:1\0" + NUMBER.encode(), b"x" * 500):
        assert suites.keyed_hash("hmac-sha256", secret)(message) == hmac.digest(
            secret, message, hashlib.sha256
        )
        inner = _sm3(bytes(b ^ 0x36 for b in secret.ljust(64, b"\0")) + message)
        outer = _sm3(bytes(b ^ 0x5C for b in secret.ljust(64, b"\0")) + bytes.fromhex(inner))
        assert suites.keyed_hash("hmac-sm3", secret)(message).hex() == outer


def test_nobody_can_give_a_nonce_and_none_comes_twice(keyed: str) -> None:
    # The vault takes none from its caller, so that no caller can repeat one.
    assert vault.seal.__code__.co_varnames[: vault.seal.__code__.co_argcount] == ("plain", "where")
    nonces = {vault.seal(NUMBER, PLACE)[5:17] for _ in range(20_000)}
    assert len(nonces) == 20_000


def test_a_value_cut_short_or_with_another_key_id_does_not_open(keyed: str) -> None:
    blob = vault.seal(NUMBER, PLACE)
    for size in range(len(blob)):
        with pytest.raises(Tampered):
            vault.open(blob[:size], PLACE)
    with pytest.raises(KeyMissing):
        vault.open(blob[:1] + b"\xff\xff\xff\xff" + blob[5:], PLACE)


@pytest.mark.django_db
def test_a_value_does_not_open_under_the_other_suite(key_file: Path) -> None:
    """The id of the key stands in the value; the id of a key of the other suite put there opens nothing."""
    keys.create()
    old = vault.seal(NUMBER, PLACE)
    keys.rotate("gm")
    new = vault.seal(NUMBER, PLACE)
    assert vault.open(old, PLACE) == vault.open(new, PLACE) == NUMBER  # mixed data is read
    for a, b in ((old, new), (new, old)):
        with pytest.raises(Tampered):
            vault.open(a[:1] + b[1:5] + a[5:], PLACE)


@pytest.mark.django_db
def test_a_key_is_not_made_to_work_under_a_weaker_suite(key_file: Path) -> None:
    """The suite stands beside the key in its file: a changed name does not fit the secret, or opens nothing."""
    keys.create("gm")
    blob = vault.seal(NUMBER, PLACE)
    good = json.loads(key_file.read_text())
    for suite in ("aes-256-gcm", "none", "hmac-sm3"):
        content = json.loads(json.dumps(good))
        content["keys"][0]["suite"] = suite
        key_file.write_text(json.dumps(content))
        vault.forget()
        with pytest.raises((KeyMissing, Tampered)):
            vault.open(blob, PLACE)
    with pytest.raises(ValueError):
        suites.ciphers("hmac-sm3", bytes(32))
    key_file.write_text(json.dumps(good))
    vault.forget()
    assert vault.open(blob, PLACE) == NUMBER
    assert keyring.load().family == "gm"
