"""Signing: SM2 as the standard has it, purposes kept apart, keys that follow one another."""

from __future__ import annotations

import base64
import itertools
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from xueji.ground.crypto import halves, keyring, keys, pairs, signer, sm2
from xueji.ground.crypto.errors import KeyMissing, Tampered

#: GB/T 32918.5-2017, annex A.2: private key, public point, message, r and s.
D = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
POINT = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
MESSAGE = b"message digest"
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
HEAD = b'{"seal": 17, "sm3": "66c7f0f4"}'

each = pytest.mark.parametrize("backend", sm2.backends())


def test_both_implementations_are_tried_here() -> None:
    assert sm2.backends()[-1] == "pysmx"


def test_the_digest_is_that_of_the_standard() -> None:
    assert (
        sm2.digest(POINT, MESSAGE).hex() == "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"
    )


@each
def test_the_signature_of_the_standard_verifies_and_no_other(backend: str) -> None:
    good = encode_dss_signature(R, S)
    assert sm2.verify(POINT, MESSAGE, good, backend=backend)
    assert not sm2.verify(POINT, MESSAGE + b".", good, backend=backend)
    for r, s in ((R, S + 1), (R + 1, S), (0, S), (R, 0), (R, sm2.N), (R, S + sm2.N), (sm2.N - S, S)):
        assert not sm2.verify(POINT, MESSAGE, encode_dss_signature(r, s), backend=backend)
    for junk in (b"", b"\x30\x00", good[:-1], good + b"\0"):
        assert not sm2.verify(POINT, MESSAGE, junk, backend=backend)
    beside = POINT[:-1] + bytes([POINT[-1] ^ 1])
    assert not sm2.on_curve(beside) and not sm2.verify(beside, MESSAGE, good, backend=backend)


def test_the_pure_implementation_reaches_the_numbers_of_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    from pysmx.SM2 import _SM2

    k = "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21"
    monkeypatch.setattr(_SM2, "get_random_str", lambda n: k)
    assert decode_dss_signature(sm2.sign(D + POINT, MESSAGE, backend="pysmx")) == (R, S)


@pytest.mark.parametrize(("here", "there"), list(itertools.product(sm2.backends(), repeat=2)))
def test_what_one_implementation_makes_the_other_takes(here: str, there: str) -> None:
    secret = sm2.generate(backend=here)
    public = sm2.public_of(secret)
    assert sm2.on_curve(public)
    assert sm2.verify(public, HEAD, sm2.sign(secret, HEAD, backend=here), backend=there)
    sealed = sm2.encrypt(public, b"k" * 16, backend=here)
    assert sm2.decrypt(secret, sealed, backend=there) == b"k" * 16
    for i in (8, len(sealed) // 2, len(sealed) - 1):
        broken = sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :]
        with pytest.raises(Tampered):
            sm2.decrypt(secret, broken, backend=there)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl program to ask")
@pytest.mark.parametrize("family", ["standard", "gm"])
def test_a_program_of_others_verifies_with_the_exported_key(
    key_file: Path, tmp_path: Path, family: str
) -> None:
    keys.create(family)  # type: ignore[arg-type]
    made = signer.sign(HEAD, "audit.anchor")
    for name, content in (
        ("key.pem", signer.public_pem(signer.public_keys()[0]).encode()),
        ("data", b"xueji:sign:1:audit.anchor\0" + HEAD),
        ("sig", base64.b64decode(made.value)),
    ):
        (tmp_path / name).write_bytes(content)
    extra = ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"] if family == "gm" else []
    found = subprocess.run(
        [*"openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in data -sigfile sig".split(), *extra],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "Verified Successfully" in found.stdout, found.stderr


def test_what_is_signed_for_one_purpose_counts_for_no_other(keyed: str) -> None:
    made = signer.sign(HEAD, "audit.anchor")
    assert made.suite == {"gm": "sm2-sm3", "standard": "ed25519"}[keyed]
    assert signer.verify(HEAD, "audit.anchor", made)
    assert not signer.verify(HEAD, "audit.archive", made)
    assert not signer.verify(HEAD + b" ", "audit.anchor", made)
    with pytest.raises(ValueError):
        signer.sign(HEAD, "anything")
    again = signer.Signature.from_dict(made.to_dict())
    assert again == made


def test_a_signature_cannot_choose_how_it_is_checked(keyed: str) -> None:
    made = signer.sign(HEAD, "audit.anchor")
    other = {"gm": "ed25519", "standard": "sm2-sm3"}[keyed]
    assert not signer.verify(HEAD, "audit.anchor", replace(made, suite=other))
    key = signer.public_keys()[0]
    with pytest.raises(ValueError):
        signer.read_public(key.to_dict() | {"suite": other, "public": base64.b64encode(b"x" * 5).decode()})
    with pytest.raises(ValueError):
        signer.read_public(key.to_dict() | {"purpose": "sign"})
    assert signer.read_public(key.to_dict()) == key
    for raw in ({}, None, {"key": "1", "suite": "2", "value": "%%"}):
        with pytest.raises(ValueError):
            signer.Signature.from_dict(raw)


@pytest.mark.django_db
def test_former_keys_go_on_verifying_when_the_family_changes(key_file: Path) -> None:
    keys.create()
    first = signer.sign(HEAD, "audit.anchor")
    keys.rotate("gm")
    new = keys.renew_signer()
    second = signer.sign(HEAD, "audit.anchor")
    assert (first.suite, second.suite) == ("ed25519", "sm2-sm3")
    assert second.key_id == new.id != first.key_id
    assert signer.verify(HEAD, "audit.anchor", first)
    assert signer.verify(HEAD, "audit.anchor", second)
    # Who holds the first key only believes the first signature only.
    known = [k for k in signer.public_keys() if k.id == first.key_id]
    assert signer.verify(HEAD, "audit.anchor", first, known)
    assert not signer.verify(HEAD, "audit.anchor", second, known)


@pytest.mark.django_db
@pytest.mark.parametrize("family", ["standard", "gm"])
def test_messages_between_installations_follow_the_family(key_file: Path, family: str) -> None:
    keys.create(family)  # type: ignore[arg-type]
    pairs.ensure()
    sign, seal = (pairs.read_public(k.to_dict()) for k in pairs.published())
    assert (sign.suite, seal.suite) == (halves.SIGNING[family], halves.SEALING[family])  # type: ignore[index]
    key_id, value = pairs.sign(HEAD)
    assert key_id == sign.id and pairs.verify(sign, HEAD, value)
    assert not pairs.verify(sign, HEAD + b" ", value) and not pairs.verify(seal, HEAD, value)
    text = pairs.seal_for(seal, b"a record", b"head")
    assert pairs.open_sealed(seal.id, text, b"head") == b"a record"
    with pytest.raises(Tampered):
        pairs.open_sealed(seal.id, text, b"another head")
    raw = bytearray(base64.b64decode(text))
    for i in (1, 20, len(raw) - 1):
        broken = bytearray(raw)
        broken[i] ^= 1
        with pytest.raises(Tampered):
            pairs.open_sealed(seal.id, base64.b64encode(bytes(broken)).decode(), b"head")


@pytest.mark.django_db
def test_an_installation_moves_its_pairs_to_the_national_suite(key_file: Path) -> None:
    keys.create()
    pairs.ensure()
    old = pairs.published()
    text = pairs.seal_for(old[1], b"on its way", b"head")
    keys.rotate("gm")
    pairs.draft()
    assert pairs.activate()
    assert [k.suite for k in pairs.published()] == ["sm2-sm3", "sm2-sm4-gcm"]
    assert pairs.open_sealed(old[1].id, text, b"head") == b"on its way"


def test_without_the_package_the_refusal_says_what_to_install(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.create("gm")
    monkeypatch.setattr(sm2, "backends", list)
    with pytest.raises(KeyMissing, match=r"xueji\[sm2\]"):
        signer.sign(HEAD, "audit.anchor")
    assert signer.missing_package() is not None
    assert keyring.load().family == "gm"
