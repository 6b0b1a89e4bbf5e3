"""Signed papers: a clerk prints a proof, a reader anywhere sees that it is whole, one changed byte is noticed."""

from __future__ import annotations

import asyncio
import io
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from django.conf import settings as live
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from PIL import ImageChops
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from xueji.ground.paper import signature, signature_mark
from xueji.ground.paper.certificate import EnrolmentCertificate, render_enrolment_certificate
from xueji.ground.paper.middleware import AS_IT_CAME, SignPapersMiddleware


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Path:
    """An installation that has no certificate yet."""
    monkeypatch.setenv("XUEJI_DATA", str(tmp_path))
    settings.PAPER_P12 = settings.PAPER_P12_PASSPHRASE = settings.PAPER_TSA = ""
    return tmp_path


@pytest.fixture(scope="module")
def paper() -> bytes:
    return render_enrolment_certificate(
        EnrolmentCertificate(
            number="2199000001-2026-00001",
            school_name="青禾县第一小学",
            issued_on=date(2026, 11, 22),
            student_name="田禾",
            sex="女",
            birth_date=date(2015, 3, 9),
            student_number="G990101201503090018",
            identity_number="990101201503090018",
            grade_name="三年级",
            class_name="（1）班",
            entered_on=date(2024, 9, 1),
        )
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: str, issuer: str, key: Any, by: Any, *, ca: bool) -> x509.Certificate:
    off = dict.fromkeys(("key_encipherment", "data_encipherment", "key_agreement"), False)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=300))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not ca,
                content_commitment=not ca,
                key_cert_sign=ca,
                crl_sign=ca,
                encipher_only=False,
                decipher_only=False,
                **off,
            ),
            critical=True,
        )
        .sign(by, hashes.SHA256())
    )


@pytest.mark.capability("C-CER-04")
def test_a_signed_paper_is_whole_and_says_that_nobody_vouches_for_a_self_made_certificate(
    house: Path, paper: bytes
) -> None:
    signature.prepare()  # what the start does; a second start changes nothing
    made_first = signature.p12_path().read_bytes()
    signature.prepare()
    assert signature.p12_path().read_bytes() == made_first
    signed = signature.sign_pdf(paper)
    assert signed.startswith(paper)  # nothing of the paper is touched: the signature is added behind it
    found = signature.verify_pdf(signed)
    assert found.good and found.intact and found.whole and found.ours and not found.trusted
    assert "未经机构认证" in found.signer
    made = signature.p12_path()
    assert made.stat().st_mode & 0o777 == 0o600
    again = signature.sign_pdf(paper)  # the same certificate the next time
    assert signature.verify_pdf(again).fingerprint == found.fingerprint
    assert signature.own_certificate().startswith(b"-----BEGIN CERTIFICATE-----")


def test_a_paper_is_signed_also_where_an_event_loop_runs(house: Path, paper: bytes) -> None:
    """pyHanko starts a loop of its own; a server that already runs one must not break the paper."""

    async def inside() -> bool:
        return signature.verify_pdf(signature.sign_pdf(paper)).good

    # In a thread of its own: this one may have the browser's loop running already.
    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(lambda: asyncio.run(inside())).result()


@pytest.mark.capability("C-CER-04")
def test_one_changed_byte_anywhere_is_noticed(house: Path, paper: bytes) -> None:
    signed = signature.sign_pdf(paper)
    for at in (20, len(paper) // 3, len(paper) // 2, len(paper) - 40, len(paper) + 60, len(signed) - 8):
        broken = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
        assert not signature.verify_pdf(broken).good, at
    assert not signature.verify_pdf(signed + b"\n% something added\n").good
    assert not signature.verify_pdf(signed[:-30]).good


def test_what_is_no_signed_paper_gets_a_verdict_and_no_error(house: Path, paper: bytes) -> None:
    assert signature.verify_pdf(paper).problem == "文件没有数字签名"
    for junk in (b"", b"%PDF-1.7\n", b"PK\x03\x04", bytes(4000)):
        assert not signature.verify_pdf(junk).good


def test_a_paper_changed_and_signed_by_somebody_else_is_not_ours(
    house: Path, paper: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XUEJI_DATA", str(tmp_path / "another"))
    theirs = signature.sign_pdf(paper)
    monkeypatch.setenv("XUEJI_DATA", str(house))
    found = signature.verify_pdf(theirs)
    assert found.intact and found.whole and not found.ours and not found.good


def test_a_certificate_from_configuration_signs_and_its_authority_is_believed(
    house: Path, paper: bytes, settings: Any
) -> None:
    root_key = rsa.generate_private_key(65537, 2048)
    root = _certificate("测试根", "测试根", root_key, root_key, ca=True)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _certificate("青禾县教育局学籍专用章", "测试根", key, root_key, ca=False)
    file = house / "seal.p12"
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"seal", key, leaf, [root], serialization.BestAvailableEncryption(b"pass phrase")
        )
    )
    settings.PAPER_P12, settings.PAPER_P12_PASSPHRASE = str(file), "pass phrase"
    signed = signature.sign_pdf(paper)
    pem = root.public_bytes(serialization.Encoding.PEM)
    found = signature.verify_pdf(signed, trust=pem)
    assert found.good and found.trusted and found.ours
    assert "青禾县教育局学籍专用章" in found.signer
    assert not (house / "secrets" / "paper.p12").exists()
    # Another installation believes it because of the authority, and nobody without.
    settings.PAPER_P12 = ""
    assert signature.verify_pdf(signed, trust=pem).good
    assert not signature.verify_pdf(signed).good
    settings.PAPER_P12, settings.PAPER_P12_PASSPHRASE = str(file), "wrong"
    file.touch()
    for refused in (lambda: signature.sign_pdf(paper), signature.prepare):
        with pytest.raises(signature.SigningError, match="XUEJI_PAPER_P12"):
            refused()  # a wrong passphrase stops the start, and what is running


def test_a_time_stamping_service_that_does_not_answer_holds_the_paper_back(
    house: Path, paper: bytes, settings: Any
) -> None:
    settings.PAPER_TSA = "http://127.0.0.1:9/tsa"
    with pytest.raises(signature.SigningError, match="时间戳"):
        signature.sign_pdf(paper)


def test_a_time_stamping_service_gives_the_time(house: Path, paper: bytes, settings: Any) -> None:
    """A service on this machine, as an authority would run it (RFC 3161 over HTTP)."""
    key = rsa.generate_private_key(65537, 2048)
    made = _certificate("测试时间戳", "测试时间戳", key, key, ca=False)
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    stamper = DummyTimeStamper(
        asn1_x509.Certificate.load(made.public_bytes(serialization.Encoding.DER)),
        asn1_keys.PrivateKeyInfo.load(der),
    )
    asked = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            answer = asyncio.run(stamper.async_request_tsa_response(request)).dump()
            asked.append(request)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        settings.PAPER_TSA = f"http://127.0.0.1:{server.server_port}/"
        signed = signature.sign_pdf(paper)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert asked
    assert signature.verify_pdf(signed).good
    (found,) = PdfFileReader(io.BytesIO(signed)).embedded_signatures
    kinds = {a["type"].native for a in found.signer_info["unsigned_attrs"]}
    assert "signature_time_stamp_token" in kinds


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="Debian's poppler-utils is not installed")
def test_a_reader_of_others_agrees(house: Path, paper: bytes) -> None:
    file = house / "paper.pdf"
    signed = signature.sign_pdf(paper)
    file.write_bytes(signed)

    def asked() -> str:
        return subprocess.run(["pdfsig", file], capture_output=True, text=True).stdout

    assert "Signature is Valid" in asked() and "Total document signed" in asked()
    middle = len(paper) // 2
    file.write_bytes(signed[:middle] + bytes([signed[middle] ^ 1]) + signed[middle + 1 :])
    assert "Signature is Valid" not in asked()


def _through(answer: HttpResponse, method: str = "get") -> HttpResponse:
    def view(request: HttpRequest) -> HttpResponse:
        return answer

    return SignPapersMiddleware(view)(getattr(RequestFactory(), method)("/x.pdf"))


def test_every_paper_leaves_signed_and_nothing_else_is_touched(
    house: Path, paper: bytes, settings: Any
) -> None:
    answer = _through(HttpResponse(paper, content_type="application/pdf"))
    assert signature.verify_pdf(answer.content).good
    assert int(answer["Content-Length"]) == len(answer.content)
    assert _through(HttpResponse(b"<p>", content_type="text/html")).content == b"<p>"
    uploaded = HttpResponse(paper, content_type="application/pdf")
    setattr(uploaded, AS_IT_CAME, True)
    assert _through(uploaded).content == paper
    settings.PAPER_P12 = str(house / "gone.p12")
    refused = _through(HttpResponse(paper, content_type="application/pdf"))
    assert refused.status_code == 500 and b"%PDF" not in refused.content


def test_papers_are_signed_after_the_transaction_of_the_request() -> None:
    order = list(live.MIDDLEWARE)
    signing = order.index("xueji.ground.paper.middleware.SignPapersMiddleware")
    assert signing < order.index("xueji.ground.accounts.middleware.ActorMiddleware")
    assert not live.DATABASES["default"].get("ATOMIC_REQUESTS")
    assert connection.vendor == "postgresql"


@pytest.mark.capability("C-CER-04")
def test_the_paper_shows_who_signed_and_when_and_the_field_is_the_signatures_own(
    house: Path, paper: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A school prints a proof; whoever holds it reads in the upper margin who signed, when, and that it can be checked."""
    at = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
    monkeypatch.setattr(signature.timezone, "now", lambda: at)
    signed = signature.sign_pdf(paper)
    assert signed.startswith(paper) and signature.verify_pdf(signed).good
    reader = PdfFileReader(io.BytesIO(signed))
    field = reader.root["/AcroForm"]["/Fields"][0].get_object()
    x1, y1, x2, y2 = (float(n) for n in field["/Rect"])
    page = pypdfium2.PdfDocument(signed)
    width, height = page[0].get_size()
    assert 0 < x1 < x2 < width and height - 30 < y1 < y2 < height, "in the upper margin, inside the page"
    page.init_forms()
    drawn = page[0].render(scale=2, may_draw_forms=True).to_pil()
    plain = pypdfium2.PdfDocument(paper)[0].render(scale=2).to_pil()
    changed = ImageChops.difference(drawn.convert("L"), plain.convert("L")).getbbox()
    assert changed is not None
    left, top, right, bottom = (n / 2 for n in changed)
    assert left >= x1 - 2 and right <= x2 + 2, "nothing outside of the field changes"
    assert top >= height - y2 - 2 and bottom <= height - y1 + 2
    said = signature_mark.words("青禾县教育局学籍专用", at)
    assert "青禾县教育局学籍专用" in said and "2026-11-23 14:30" in said and "核对" in said
    assert (
        pypdfium2.PdfDocument(signature_mark._drawn(said, at))[0].get_textpage().get_text_range().count("青")
        == 1
    )


def test_a_small_paper_and_a_name_that_cannot_be_drawn_are_signed_all_the_same(
    house: Path, paper: bytes
) -> None:
    card = pypdfium2.PdfDocument.new()
    card.new_page(243, 153)
    out = io.BytesIO()
    card.save(out)
    assert signature_mark.place(out.getvalue(), signer="甲", at=datetime.now(UTC)) is None
    assert signature.verify_pdf(signature.sign_pdf(out.getvalue())).good
    said = signature_mark.words("\U000300a3教育局" + "很长的名称" * 20, datetime.now(UTC))
    assert "?教育局" in said and "…" in said
