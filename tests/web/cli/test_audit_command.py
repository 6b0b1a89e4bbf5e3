"""The operator's commands of the audit: an anchor outside, the proof against it, months put away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.web.cli.conftest import Installation


@pytest.mark.capability("C-SEC-03")
def test_an_anchor_is_kept_outside_and_finds_the_tampering(running: Installation, tmp_path: Path) -> None:
    """The operator makes an anchor and hands the file to the officer for data protection. Weeks later somebody with the
    owner's password changes one entry; the officer's file names it and the command ends with 1."""
    outside = tmp_path / "anchors.jsonl"
    made = running.run("audit", "anchor", str(outside), "--json")
    assert made.returncode == 0, made.stderr
    said = json.loads(made.stdout)
    holds = running.run("verify", "audit", "--anchor", str(outside))
    assert holds.returncode == 0, holds.stdout
    typed = running.run("verify", "audit", "--anchor", f"{said['seal']}: {said['sha256']}")
    assert typed.returncode == 0, typed.stdout
    assert running.run("audit", "archive").stdout.strip() == "没有到期的月份"
    assert running.run("audit", "drop").returncode == 0
    report = running.run("audit", "report", "--day", "2026-11-20")
    assert report.returncode == 0, report.stderr
    wrong = running.run("verify", "audit", "--anchor", "nonsense")
    assert wrong.returncode == 2
    assert "编号:摘要" in wrong.stderr
    assert running.run("verify", "record", "--anchor", str(outside)).returncode == 2

    with running.owner() as c:
        c.execute("alter table audit_entry disable trigger user")
        row = c.execute("select id, user_name from audit_entry order by id limit 1").fetchone()
        assert row is not None
        c.execute("update audit_entry set user_name = '另一人' where id = %s", (row[0],))
        c.commit()
    try:
        found = running.run("verify", "audit", "--anchor", str(outside))
        assert found.returncode == 1
        assert f"条目 {row[0]}" in found.stdout and "已被改动" in found.stdout
        assert "停用" in found.stdout
    finally:
        with running.owner() as c:
            c.execute("update audit_entry set user_name = %s where id = %s", (row[1], row[0]))
            c.execute("alter table audit_entry enable always trigger audit_entry_frozen")
            c.execute("alter table audit_entry enable always trigger audit_entry_kept")
            c.commit()
    assert running.run("verify", "audit").returncode == 0
