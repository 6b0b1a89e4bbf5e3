"""The operator before the first real child: one command says what is not yet safe, and nothing else once it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from tests.helpers import make_county
from tests.web.cli.conftest import Installation

from xueji import config
from xueji.ground.crypto import keyring, keys, vault
from xueji.ground.db.scope import acting
from xueji.web.cli import deploy
from xueji.web.demo.accounts import PASSWORD


def _checks(found: list[deploy.Finding], level: str = "danger") -> set[str]:
    return {f.check for f in found if f.level == level}


@pytest.fixture
def safe(settings: Any) -> Any:
    """Settings as a real installation has them."""
    settings.DEBUG = settings.DEMO = False
    settings.ALLOWED_HOSTS = ["xueji.example.edu.cn"]
    settings.HTTPS = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.PUBLIC_URL = "https://xueji.example.edu.cn"
    settings.CSRF_TRUSTED_ORIGINS = ["https://xueji.example.edu.cn"]
    settings.SECRET_KEY = "k" * 64
    return settings


@pytest.mark.capability("C-SEC-10")
def test_settings_of_a_real_installation_are_accepted(safe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy.os, "geteuid", lambda: 1000)
    assert list(deploy._settings()) == []


@pytest.mark.capability("C-SEC-10")
@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("DEBUG", True, "debug"),
        ("DEMO", True, "demo"),
        ("ALLOWED_HOSTS", ["*"], "hosts"),
        ("ALLOWED_HOSTS", [".example.edu.cn"], "hosts"),
        ("ALLOWED_HOSTS", ["127.0.0.1", "localhost"], "hosts"),
        ("HTTPS", False, "https"),
        ("SECURE_PROXY_SSL_HEADER", None, "proxies"),
        ("SESSION_COOKIE_HTTPONLY", False, "cookies"),
        ("SESSION_COOKIE_SAMESITE", "None", "cookies"),
        ("PUBLIC_URL", "http://xueji.example.edu.cn", "public-url"),
        ("CSRF_TRUSTED_ORIGINS", ["http://xueji.example.edu.cn"], "origins"),
        ("CSRF_TRUSTED_ORIGINS", ["https://*.example.edu.cn"], "origins"),
        ("SECRET_KEY", "short", "secret-key"),
    ],
)
def test_each_unsafe_setting_is_named(
    safe: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: Any, check: str
) -> None:
    monkeypatch.setattr(deploy.os, "geteuid", lambda: 1000)
    setattr(safe, name, value)
    assert _checks(list(deploy._settings())) == {check}


def test_running_as_root_is_named(safe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy.os, "geteuid", lambda: 0)
    assert _checks(list(deploy._settings())) == {"root"}


@pytest.mark.capability("C-SEC-10")
def test_rights_of_keys_and_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUEJI_DATA", str(tmp_path))
    monkeypatch.setenv("XUEJI_KEYS", str(tmp_path / "elsewhere" / "keys.json"))
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "secret_key").write_text("x")
    (secrets / "secret_key").chmod(0o600)
    keyring.save(keyring.new_ring("standard"))
    assert list(deploy._files()) == []
    (secrets / "secret_key").chmod(0o640)
    keyring.key_path().chmod(0o644)
    keyring.key_path().parent.chmod(0o777)
    secrets.chmod(0o755)
    found = list(deploy._files())
    assert _checks(found) == {"secrets-folder", "secrets-file", "key-file", "key-folder"}
    assert any("chmod" in f.text for f in found)
    keyring.key_path().parent.chmod(0o700)


def test_a_custody_that_the_file_does_not_have_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XUEJI_KEYS", str(tmp_path / "keys.json"))
    vault.forget()
    keys.create()
    assert _checks(list(deploy._keys()), "advice") == {"custody"}
    monkeypatch.setenv("XUEJI_KEY_CUSTODY", "env")
    monkeypatch.setenv("XUEJI_KEY_WRAP", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    assert _checks(list(deploy._keys())) == {"custody"}
    keys.rewrap()
    assert list(deploy._keys()) == []
    monkeypatch.undo()
    vault.forget()


def test_a_database_elsewhere_needs_tls_that_knows_its_name() -> None:
    def dsn(host: str, **options: str) -> config.Dsn:
        return config.Dsn(host, 5432, "xueji", "xueji_app", "x", tuple(options.items()))

    def dangers(*args: Any) -> set[str]:
        return _checks(list(deploy._transport(*args)))

    assert dangers(dsn("/run/x"), False) == dangers(dsn("127.0.0.1"), False) == set()
    assert dangers(dsn("db.example.edu.cn"), False) == {"database-tls"}
    assert dangers(dsn("db.example.edu.cn", sslmode="require"), True) == {"database-tls"}
    assert dangers(dsn("db.example.edu.cn", sslmode="verify-full"), True) == set()


@pytest.mark.django_db
@pytest.mark.capability("C-SEC-10")
def test_the_roles_of_the_database_are_looked_at() -> None:
    assert _checks(list(deploy._database())) <= {"database-log"}


@pytest.mark.django_db
def test_an_account_with_the_password_of_the_demonstration_is_named() -> None:
    user = make_county().user("registrar", "a1")
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("update factor_rule set must = true")
        c.execute("select count(*) from factor_rule")
        if not c.fetchone()[0]:
            c.execute("insert into factor_rule (role, must) values ('registrar', true)")
        c.execute(
            "update account_user set username = 'registrar.a', password = %s where id = %s",
            [make_password(PASSWORD), user.pk],
        )
    found = list(deploy._accounts())
    assert _checks(found) == {"demo-password"} and "registrar.a" in found[0].text
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("update factor_rule set must = false")
        c.execute("update account_user set is_active = false where id = %s", [user.pk])
    assert _checks(list(deploy._accounts())) == {"second-factor"}


@pytest.mark.capability("C-SEC-10")
def test_the_command_refuses_a_demonstration_and_names_why(running: Installation) -> None:
    done = running.run("check", "--deploy", "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert not told["ok"]
    found = {f["check"] for f in told["findings"]}
    assert {"demo", "hosts", "https", "public-url", "demo-password", "second-factor"} <= found
    assert "role" not in found and "owner" not in found and "secrets-file" not in found


def test_papers_and_keys_are_verified_by_the_command(running: Installation, tmp_path: Path) -> None:
    assert running.run("verify", "keys", "--sample", "20").returncode == 0
    paper = tmp_path / "paper.pdf"
    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'xueji.settings'; import django; django.setup()\n"
        "from datetime import datetime; from pathlib import Path\n"
        "from xueji.ground.paper import signature; from xueji.ground.paper.roster import ClassRoster, render_class_roster\n"
        "data = render_class_roster(ClassRoster(school_name='青禾县第一小学', class_name='一年级', head_teacher='',"
        " term_name='2026', rows=[], printed_by='王', printed_at=datetime(2026, 11, 22)))\n"
        "Path(sys.argv[1]).write_bytes(signature.sign_pdf(data))"
    )
    subprocess.run([sys.executable, "-c", code, str(paper)], env=running.env, check=True)
    good = running.run("verify", "pdf", str(paper))
    assert good.returncode == 0, good.stdout + good.stderr
    assert "核对通过" in good.stdout and "未经机构认证" in good.stdout
    data = bytearray(paper.read_bytes())
    data[len(data) // 3] ^= 1
    paper.write_bytes(bytes(data))
    bad = running.run("verify", "pdf", str(paper), "--json")
    assert bad.returncode == 1 and json.loads(bad.stdout)["ok"] is False
    assert running.run("verify", "pdf").returncode == 2


def test_public_keys_and_two_keepers_at_the_terminal(running: Installation, tmp_path: Path) -> None:
    shown = json.loads(running.run("keys", "public", "--json").stdout)
    assert shown[0]["suite"] == "ed25519" and "BEGIN PUBLIC KEY" in shown[0]["pem"]
    words = []
    for n in range(3):
        words += ["--passphrase-file", str(tmp_path / f"word{n}")]
        (tmp_path / f"word{n}").write_text(f"the keeper number {n}")
    copy = tmp_path / "copy.json"
    made = running.run("keys", "backup", str(copy), "--keepers", "3", *words)
    assert made.returncode == 0 and "任意 2 位" in made.stdout, made.stderr
    file = running.data / "secrets" / "keys.json"
    kept = file.read_bytes()
    file.unlink()
    assert running.run("keys", "restore", str(copy), *words[:2]).returncode == 2
    assert running.run("keys", "restore", str(copy), *words[2:]).returncode == 0
    assert json.loads(file.read_text())["keys"] == json.loads(kept)["keys"]
    refused = running.run("keys", "drop", "ffffffff")
    assert refused.returncode == 2 and "Traceback" not in refused.stderr


def test_a_whole_county_is_indexed_anew_by_the_command(running: Installation) -> None:
    done = running.run("keys", "rotate", "--what", "index", "--suite", "gm", "--json")
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)["values"]
    assert values["roster.last6"] > 100 and values["number_lookup.bidx"] > 100
    assert running.run("verify", "vault", "--deep").returncode == 0
    assert running.run("verify", "keys").returncode == 0
    code = (
        "from xueji.web.cli import boot; boot.ready(); from django.db import connection, transaction\n"
        "from xueji.ground.db.scope import acting; from xueji.ground.crypto import vault\n"
        "with transaction.atomic(), acting('writer'), connection.cursor() as c:\n"
        '    c.execute("select d.person_id, d.doc_no, d.sealed from identity_document d join roster r using (person_id)"\n'
        '              " where r.last6 is not null and d.until is null limit 20")\n'
        "    for person, no, blob in c.fetchall():\n"
        "        number = vault.open(blob, f'identity_document.sealed:{person}:{no}')\n"
        "        c.execute('select 1 from roster where person_id = %s and last6 = %s',\n"
        "                  [person, vault.index('last6', number[-6:].upper())])\n"
        "        assert c.fetchone(), person\n"
        "print('found')"
    )
    found = subprocess.run([sys.executable, "-c", code], env=running.env, capture_output=True, text=True)
    assert found.stdout.strip() == "found", found.stderr
