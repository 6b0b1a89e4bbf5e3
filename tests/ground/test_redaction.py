"""The operator reads the log after a fault: he finds where it broke, and no child, no phone, no secret."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils.module_loading import import_string
from tests.helpers import login, make_county

from xueji.ground import redaction
from xueji.ground.db.scope import acting

IDENTITY, PHONE, PASSPORT = "990101201503090018", "13900001234", "E12345678"
PASSWORD, TOKEN = "Hunter2-of-the-head", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.Q2hpbGQtb2YtOTk"
KEY = "q83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0Vng="
CODE = "7K2MABCD2345EFGH"
SECRETS = (IDENTITY, PHONE, PASSPORT, PASSWORD, TOKEN, KEY, CODE)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"child {IDENTITY} not found", "child [withheld] not found"),
        (f"G{IDENTITY[:-1]}X", "[withheld]"),
        ("L990000000012345", "[withheld]"),
        ("990101 20150309 0018, 139 0000 1234", "[withheld], [withheld]"),
        ("９９０１０１２０１５０３０９００１８", "[withheld]"),
        (f"护照{PASSPORT}", "护照[withheld]"),
        (f"电话：{PHONE}", "电话：[withheld]"),
        ("password=hunter2 next", "password=[withheld] next"),
        ("{'password': 'hunter two', 'a': 1}", "{'password': [withheld], 'a': 1}"),
        ("postgresql://xueji:pass@host/db", "postgresql://xueji:[withheld]@host/db"),
        ("Authorization: Bearer abcdef123456", "Authorization: [withheld] [withheld]"),
        ("otp code: 123456 refused", "otp code: [withheld] refused"),
        (f"/verify/{CODE}/", "/verify/[withheld]/"),
        ("7K2M ABCD 2345 EFGH", "[withheld]"),
        (f'"secret": "{KEY}"', '"secret": [withheld]'),
        (f"key {KEY}", "key [withheld]"),
        ("session 5f2k3j4h5g6f7d8s9a0q1w2e3r4t5y6u", "session [withheld]"),
        (r"b'\x01\xab9901'", "[withheld]"),
        ("duplicate key\nDETAIL:  Key (name)=(田禾) already exists.", "duplicate key\nDETAIL: [withheld]"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIGTAgEAMBMG\n-----END PRIVATE KEY-----",
            "[withheld]",
        ),
    ],
)
def test_what_is_taken_out(text: str, kept: str) -> None:
    assert redaction.redact(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 10:33:01,123 ERROR xueji.worker a duty of the clock failed: overdue",
        "message 8f14e45f-ceea-467f-9575-612345678901 (transfer.ask): Refused",
        "school 2199000001 has 1234567 rows in 10.23.4.5:5432, status 500",
        'File "/opt/xueji/venv/lib/python3.11/site-packages/psycopg/cursor.py", line 117, in execute',
        "KeyError: 'person_id' in test_a_value_does_not_open_under_the_other_suite",
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert redaction.redact(text) == text


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the installation's own handler would write, formatted as settings say."""
    logging_settings: dict[str, Any] = settings.LOGGING
    spec = dict(logging_settings["formatters"]["plain"])
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(import_string(spec.pop("()"))(spec["format"]))
    loggers = [logging.getLogger(), logging.getLogger("django.request")]
    for logger in loggers:
        logger.addHandler(handler)
    yield out
    for logger in loggers:
        logger.removeHandler(handler)


def _boom(*_args: Any, **_kwargs: Any) -> None:
    raise ValueError(
        f"{IDENTITY} {PHONE} passport {PASSPORT} password={PASSWORD} Authorization: Bearer {TOKEN} key {KEY} {CODE}"
    )


@pytest.mark.django_db
@pytest.mark.capability("C-SEC-02")
@pytest.mark.parametrize(
    ("where", "address"),
    [
        ("xueji.registry.enrolment.queries.search", f"/students/?q={IDENTITY}"),
        ("xueji.registry.changes.queries.listing", "/cases/"),
        ("xueji.office.certificates.queries.listed", f"/certificates/?number={PHONE}"),
        ("xueji.office.certificates.queries.verify", f"/verify/{CODE}/"),
    ],
)
def test_a_fault_in_any_room_writes_where_it_broke_and_nothing_of_a_child(
    where: str, address: str, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(raise_request_exception=False)
    login(client, make_county().user("registrar", "a1"))
    monkeypatch.setattr(where, _boom)
    answer = client.get(address)
    assert answer.status_code == 500
    text = written.getvalue()
    assert "ValueError" in text and "in _boom" in text
    body = answer.content.decode()
    for secret in SECRETS:
        assert secret not in text, secret
        assert secret not in body, secret


@pytest.mark.django_db
def test_the_row_that_a_database_quotes_is_not_written(written: io.StringIO) -> None:
    try:
        with transaction.atomic(), acting("writer"), connection.cursor() as c:
            c.execute("create temp table t (name text unique, number text) on commit drop")
            c.execute("insert into t values ('田禾', %s)", [IDENTITY])
            c.execute("insert into t values ('田禾', %s)", [IDENTITY])
    except IntegrityError:
        logging.getLogger("xueji.worker").exception("a duty of the clock failed: %s", PHONE)
    text = written.getvalue()
    assert "IntegrityError" in text and "DETAIL: [withheld]" in text
    assert "田禾" not in text.split("DETAIL")[-1] and PHONE not in text and IDENTITY not in text


def test_an_error_that_nobody_caught_is_printed_without_numbers() -> None:
    code = (
        "from xueji.ground import redaction, redaction as r; import threading; r.install_hooks()\n"
        f"t = threading.Thread(target=lambda: [][int('{PHONE}')]); t.start(); t.join()\n"
        f"raise RuntimeError('{IDENTITY} password={PASSWORD}')"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 1
    assert "RuntimeError" in found.stderr and "IndexError" in found.stderr
    assert "raise RuntimeError" in found.stderr or "<string>" in found.stderr
    for secret in (IDENTITY, PHONE, PASSWORD):
        assert secret not in found.stderr
    assert threading.excepthook is not None
