"""The commands as an operator types them, each in a process of its own, on a throw-away installation."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.web.cli.conftest import Installation

from xueji import __version__


def test_version_is_told(running: Installation) -> None:
    done = running.run("--version")
    assert done.returncode == 0
    assert done.stdout.strip() == f"xueji {__version__}"


def test_a_new_installation_is_made_by_migrate_and_a_second_run_changes_nothing(
    running: Installation,
) -> None:
    first = running.first["migrate"]
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["ok"] is True
    again = running.run("migrate", "--json")
    assert again.returncode == 0, again.stderr
    assert not [line for line in json.loads(again.stdout)["output"] if "Applying" in line]


def test_the_demo_is_loaded_once_and_kept(stopped: Installation) -> None:
    first = stopped.first["demo"]
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert {a["username"] for a in told["accounts"]} >= {"registrar.a", "county1.head", "parent", "secadmin"}
    before = os.times()
    again = stopped.run("demo", "--size", "S", "--no-serve")
    after = os.times()
    assert again.returncode == 0, again.stderr
    assert "生成" not in again.stderr
    assert "registrar.a" in again.stdout
    spent = sum(after[2:4]) - sum(before[2:4])
    assert spent < 15, "seconds of the processor: what is there is not made again"
    assert not (stopped.data / "pg" / "postmaster.pid").exists(), (
        "the command that started the server stops it"
    )


def test_keys_are_shown_backed_up_brought_back_and_rotated(running: Installation, tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text("correct horse battery")
    copy = tmp_path / "keys.backup"
    keys = running.data / "secrets" / "keys.json"

    before = json.loads(running.run("keys", "status", "--json").stdout)
    assert before
    assert all(k["in_file"] and k["in_database"] for k in before)
    done = running.run("keys", "backup", str(copy), "--passphrase-file", str(word))
    assert done.returncode == 0, done.stderr
    assert "correct horse" not in copy.read_text()

    # Without the file nothing starts, and the refusal says what to do; the backup brings it back.
    kept = keys.read_bytes()
    keys.unlink()
    refused = running.run("verify")
    assert refused.returncode == 2
    assert "密钥文件" in refused.stderr
    assert "Traceback" not in refused.stderr
    served = running.run("serve", "--port", "8999")
    assert served.returncode == 2
    assert "密钥文件" in served.stderr
    word.write_text("another word altogether")
    wrong = running.run("keys", "restore", str(copy), "--passphrase-file", str(word))
    assert wrong.returncode == 2
    assert not keys.exists()
    word.write_text("correct horse battery")
    back = running.run("keys", "restore", str(copy), "--passphrase-file", str(word))
    assert back.returncode == 0, back.stderr
    assert json.loads(keys.read_text())["keys"] == json.loads(kept)["keys"]

    turned = running.run("keys", "rotate", "--json")
    assert turned.returncode == 0, turned.stderr
    after = json.loads(running.run("keys", "status", "--json").stdout)
    assert json.loads(turned.stdout)["active"] not in {k["key_id"] for k in before}
    assert not [k for k in after if k["purpose"] == "data" and not k["active"] and k["values"]]
    assert running.run("verify", "vault", "--deep").returncode == 0


def test_accounts_are_made_and_listed(running: Installation) -> None:
    school = running.accounts()["school_a"]["code"]
    made = running.run("user", "create", "new.registrar", "--role", "registrar", "--org", school, "--json")  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert len(json.loads(made.stdout)["password"]) >= 10
    listed = json.loads(running.run("user", "list", "new.", "--json").stdout)
    assert [u["username"] for u in listed] == ["new.registrar"]
    assert "registrar@" in listed[0]["roles"]
    twice = running.run("user", "create", "new.registrar")
    assert twice.returncode == 2
    assert "Traceback" not in twice.stderr
    nobody = running.run("user", "unlock", "nobody.here")
    assert nobody.returncode == 2
    assert "没有叫 nobody.here 的账号" in nobody.stderr


@pytest.mark.parametrize("faults", [0, 3])
def test_a_sheet_is_checked_without_writing(running: Installation, tmp_path: Path, faults: int) -> None:
    school = running.accounts()["school_a"]
    file = tmp_path / "新生.xlsx"
    with running.owner() as c:
        people = c.execute("select count(*) from person").fetchone()
    wrong = running.sheet(school["code"], 10, faults, file)
    done = running.run(
        "import", str(file), "--school", school["code"], "--as", "registrar.a", "--check", "--json"
    )
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if faults else 0), done.stderr
    assert told["counts"]["total"] == 10
    assert told["counts"]["published"] == 0
    # A number that stands twice in the sheet is told of on both of its rows.
    told_of = {c["row"] for c in told["faults"] if c["severity"] == "error"}
    assert wrong <= told_of if wrong else not told_of
    for cell in told["faults"]:
        assert {"row", "column", "original", "understood", "message", "severity"} <= set(cell)
    with running.owner() as c:
        assert c.execute("select count(*) from person").fetchone() == people


def test_what_is_no_sheet_is_refused_in_words(running: Installation, tmp_path: Path) -> None:
    school = running.accounts()["school_a"]["code"]
    file = tmp_path / "新生.xlsx"
    file.write_text("this is not a workbook")
    done = running.run("import", str(file), "--school", school, "--as", "registrar.a", "--check", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["problem"]
    for argv, words in (
        (("--school", school, "--as", "nobody"), "没有叫 nobody 的账号"),
        (("--school", "0000000000", "--as", "registrar.a"), "没有标识码为 0000000000 的学校"),
        (("--school", school, "--as", "registrar.b"), "不是"),
    ):
        refused = running.run("import", str(file), *argv, "--check")
        assert refused.returncode == 2
        assert words in refused.stderr


def test_verify_is_content_with_the_demo_and_names_a_row_that_was_changed(running: Installation) -> None:
    fine = running.run("verify", "--json")
    assert fine.returncode == 0, fine.stdout
    assert json.loads(fine.stdout) == {"ok": True, "problems": []}
    child = running.accounts()["children_a"][0]["person_id"]
    with running.owner() as c:
        c.execute("update roster set status = 2 where person_id = %s and reason = 'enrolled'", [child])
        try:
            found = running.run("verify", "--json")
        finally:
            c.execute("update roster set status = 1 where person_id = %s and reason = 'enrolled'", [child])
    assert found.returncode == 1
    told = json.loads(found.stdout)
    assert told["ok"] is False
    assert child in {p["key"] for p in told["problems"]}


def test_unknown_benches_are_refused_and_known_ones_listed(running: Installation) -> None:
    listed = running.run("bench", "list")
    assert {line.split("\t")[0] for line in listed.stdout.splitlines()} >= {
        "import",
        "movement",
        "pages",
        "pdf",
    }
    refused = running.run("bench", "speed")
    assert refused.returncode == 2
    assert "没有叫 speed 的测试" in refused.stderr
