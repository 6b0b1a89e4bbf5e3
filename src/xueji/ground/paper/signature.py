"""Signing what leaves as PDF, and checking it: PAdES baseline (ETSI EN 319 142-1) through pyHanko.

The certificate comes from configuration (a PKCS#12 file). Where none is named, one is made at the first need and says
in its own name that nobody vouches for it: it proves that a file was not changed since this installation made it, not
who the installation is. Nothing is fetched from the network unless a time-stamping service is configured.
"""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji import config

from . import signature_mark

T = TypeVar("T")
FIELD = "Xueji"
SELF_MADE = "自制签名证书（未经机构认证）"
_YEARS = 10
_guard = threading.Lock()
_signers: dict[tuple[str, int, int], Any] = {}


class SigningError(Exception):
    """The certificate cannot be used; the text says what to do and is for the operator."""


def p12_path() -> Path:
    """The PKCS#12 file in use: the configured one, else the self-made one in `secrets/` of the data folder."""
    named: str = settings.PAPER_P12
    return Path(named).expanduser() if named else config.data_dir() / "secrets" / "paper.p12"


def is_self_made() -> bool:
    """Whether no certificate is configured."""
    return not settings.PAPER_P12


def _passphrase() -> bytes:
    if settings.PAPER_P12:
        return str(settings.PAPER_P12_PASSPHRASE).encode()
    return config.secret("paper_passphrase").encode()


def make_self_signed(path: Path, passphrase: bytes) -> None:
    """Write a P-256 key with a certificate that vouches for nobody; an existing file stays."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Xueji"),
            x509.NameAttribute(NameOID.COMMON_NAME, SELF_MADE),
        ]
    )
    now = datetime.now(UTC)
    usage = {
        **dict.fromkeys(("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign"), False),
        **dict.fromkeys(("crl_sign", "encipher_only", "decipher_only"), False),
    }
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, content_commitment=True, **usage), critical=True)
        .sign(key, hashes.SHA256())
    )
    data = pkcs12.serialize_key_and_certificates(
        b"xueji", key, certificate, None, serialization.BestAvailableEncryption(passphrase)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    try:
        os.link(part, path)  # two processes at their first paper: one of the two files is kept
    except FileExistsError:
        pass
    finally:
        part.unlink(missing_ok=True)


def prepare() -> None:
    """Before the first paper, once for all processes: make the certificate where none is configured, and see that it
    opens. Raises `SigningError`.
    """
    path = p12_path()
    try:
        if is_self_made() and not path.exists():
            make_self_signed(path, _passphrase())
        key, certificate, _more = pkcs12.load_key_and_certificates(path.read_bytes(), _passphrase())
    except (OSError, ValueError) as error:
        raise _unusable(path) from error
    if key is None or certificate is None:
        raise _unusable(path)


def _unusable(path: Path) -> SigningError:
    return SigningError(_("签名证书 %(path)s 无法使用，请检查文件和口令（XUEJI_PAPER_P12）") % {"path": path})


def _signer() -> Any:
    """pyHanko's signer of the certificate in use, read anew when the file changes. Raises `SigningError`."""
    from pyhanko.sign import signers

    path = p12_path()
    if is_self_made() and not path.exists():
        make_self_signed(path, _passphrase())
    try:
        found = path.stat()
        key = (str(path), found.st_mtime_ns, found.st_ino)
        with _guard:
            if key not in _signers:
                made = signers.SimpleSigner.load_pkcs12_data(
                    path.read_bytes(), other_certs=[], passphrase=_passphrase()
                )
                if made is None:
                    raise ValueError("passphrase")
                _signers.clear()
                _signers[key] = made
            return _signers[key]
    except (OSError, ValueError) as error:
        raise _unusable(path) from error


def _apart(work: Callable[[], T]) -> T:
    """Run something of pyHanko's, which starts an event loop of its own: in a thread where one is running already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(work).result()


def signer_name(certificate: Any) -> str:
    """Who a certificate says it belongs to, in short: its common name, else all of its subject."""
    return str(certificate.subject.native.get("common_name") or certificate.subject.human_friendly)


def sign_pdf(data: bytes, *, reason: str = "学籍管理系统出具") -> bytes:
    """The same paper with a signature over the whole file, and a small field that says so. Raises `SigningError`.

    Takes some tenth of a second: never call it inside a database transaction (`middleware` does it after).
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers, timestamps

    meta = signers.PdfSignatureMetadata(
        field_name=FIELD, reason=reason, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )
    stamper = timestamps.HTTPTimeStamper(settings.PAPER_TSA) if settings.PAPER_TSA else None
    own = _signer()
    mark = signature_mark.place(data, signer=signer_name(own.signing_cert), at=timezone.now())
    signer = signers.PdfSigner(
        meta,
        signer=own,
        timestamper=stamper,
        stamp_style=signature_mark.appearance(mark) if mark else None,
        new_field_spec=fields.SigFieldSpec(FIELD, on_page=0, box=mark.box) if mark else None,
    )
    try:
        out = _apart(lambda: signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(data))))
    except timestamps.TimestampRequestError as error:
        raise SigningError(_("时间戳服务没有应答，文件没有发出。请稍后重试")) from error
    return bytes(out.getvalue())


@dataclass(frozen=True)
class Verdict:
    """What a check of a PDF found. `ours`: signed with the certificate in use here; `trusted`: by a given authority."""

    signed: bool = False
    intact: bool = False
    whole: bool = False
    ours: bool = False
    trusted: bool = False
    signer: str = ""
    fingerprint: str = ""
    signed_at: datetime | None = None
    problem: str = ""

    @property
    def good(self) -> bool:
        """Unchanged since it was signed, to its last byte, by this installation or somebody who is trusted."""
        return self.intact and self.whole and (self.ours or self.trusted)


def own_certificate() -> bytes:
    """The certificate in use as PEM, to hand to those who verify. Raises `SigningError`."""
    der: bytes = _signer().signing_cert.dump()
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def own_expiry() -> datetime:
    """When the certificate in use ends. Raises `SigningError`."""
    der: bytes = _signer().signing_cert.dump()
    return x509.load_der_x509_certificate(der).not_valid_after_utc


def verify_pdf(data: bytes, *, trust: bytes = b"") -> Verdict:
    """Check the signature of a PDF; `trust` is PEM of authorities to believe besides our own certificate.

    Never raises for what is in the file: damaged, unsigned and foreign files are verdicts.
    """
    from asn1crypto import pem as pem_reader
    from asn1crypto import x509 as asn1_x509
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    own = _signer().signing_cert
    roots = (
        [asn1_x509.Certificate.load(der) for _type, _h, der in pem_reader.unarmor(trust, multiple=True)]
        if trust
        else []
    )
    try:
        found = PdfFileReader(io.BytesIO(data)).embedded_signatures
        if not found:
            return Verdict(problem=_("文件没有数字签名"))
        last = found[-1]
        context = ValidationContext(trust_roots=[*roots, own], allow_fetching=False)
        status = _apart(lambda: validate_pdf_signature(last, context))
        certificate = status.signing_cert
        return Verdict(
            signed=True,
            intact=bool(status.intact and status.valid),
            whole=status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
            ours=certificate.sha256 == own.sha256,
            trusted=bool(roots and status.trusted),
            signer=str(certificate.subject.human_friendly),
            fingerprint=certificate.sha256_fingerprint.replace(" ", ""),
            signed_at=last.self_reported_timestamp or timezone.now(),
        )
    except Exception as error:  # whatever a damaged file makes a parser do, it is no valid paper
        return Verdict(
            signed=True, problem=_("文件已损坏或被改动，无法核对签名（%s）") % type(error).__name__
        )
