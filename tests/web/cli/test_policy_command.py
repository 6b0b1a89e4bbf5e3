"""`xueji policy`: packs go out as files, are checked, compared, and come back as proposals."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.web.cli.conftest import Installation

from xueji.ground.paths import data_dir

COUNTY = data_dir("policies") / "demo" / "cn-99-0101.toml"


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """The demonstration county's file with a change."""
    text = COUNTY.read_text("utf-8")
    assert old in text
    target = tmp_path / "mine.toml"
    target.write_text(text.replace(old, new), "utf-8")
    return target


def test_lint_names_file_line_and_article(installed: Installation, tmp_path: Path) -> None:
    fine = installed.run("policy", "lint", "--json")
    assert fine.returncode == 0, fine.stderr
    assert json.loads(fine.stdout)["ok"] is True
    rule = (
        '\n[[rule]]\nid = "X"\non = ["transfer.apply"]\nneed = { docs = ["户籍证明"] }\nelse = "need_docs"\n'
    )
    rule += 'force = "must"\ncite = "E1#9"\nphrase = "户口簿"\n'
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(COUNTY.read_text("utf-8") + rule, "utf-8")
    told = installed.run("policy", "lint", str(wrong), "--json")
    assert told.returncode == 1
    (problem,) = json.loads(told.stdout)["problems"]
    assert problem["file"] == "wrong.toml" and problem["line"] > 100
    assert problem["forbidden_by"].startswith("NAT-TRF-11")
    broken = tmp_path / "broken.toml"
    broken.write_text("[pack\n", "utf-8")
    assert installed.run("policy", "lint", str(broken)).returncode == 1
    nothing = installed.run("policy", "lint", str(tmp_path / "nowhere.toml"))
    assert nothing.returncode == 2 and "Traceback" not in nothing.stderr


def test_packs_are_exported_as_the_files_they_came_from(running: Installation, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = running.run("policy", "export", str(out), "--json")
    assert done.returncode == 0, done.stderr
    assert (out / "cn-99-0101.toml").read_text("utf-8") == COUNTY.read_text("utf-8")
    assert len(json.loads(done.stdout)["files"]) == len(
        json.loads(running.run("policy", "list", "--json").stdout)
    )
    assert running.run("policy", "lint", str(out)).returncode == 0
    assert running.run("policy", "export", str(out)).returncode == 2, "nothing is written over"


def test_a_file_is_compared_with_what_is_in_force(running: Installation, tmp_path: Path) -> None:
    same = running.run("policy", "diff", str(COUNTY))
    assert same.returncode == 0, same.stderr
    mine = changed(tmp_path, "value = 45", "value = 42")
    told = running.run("policy", "diff", str(mine), "--json")
    assert told.returncode == 1
    rows = {row["id"]: row for row in json.loads(told.stdout)}
    assert rows["class.cap.primary"]["before"]["text"] == "45"
    assert rows["class.cap.primary"]["after"]["text"] == "42"


def test_a_file_is_proposed_in_the_name_of_an_account_and_changes_nothing_by_itself(
    running: Installation, tmp_path: Path
) -> None:
    mine = changed(tmp_path, "value = 45", "value = 42")
    start = (date.today() + timedelta(days=30)).isoformat()
    options = ("--on", start, "--note", "按演县教〔2027〕3号", "--json")
    done = running.run("policy", "import", str(mine), "--as", "county1.clerk", *options)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["pack"] == "cn-99-0101" and told["effective_on"] == start
    with running.owner() as c:
        assert c.execute("select state from policy_stage").fetchall() == [("staged",)]
    assert all(row["from"] == "file" for row in json.loads(running.run("policy", "list", "--json").stdout))
    loose = changed(tmp_path, 'extends = "cn-99"', 'extends = "cn"')
    refused = running.run("policy", "import", str(loose), "--as", "county1.clerk", *options)
    assert refused.returncode == 1 and "不能越过上级" in refused.stdout
    for who in ("registrar.a", "nobody"):
        answer = running.run("policy", "import", str(mine), "--as", who, *options)
        assert answer.returncode == 2 and "Traceback" not in answer.stderr


@pytest.mark.parametrize("argv", [("diff",), ("export",), ("import",), ("list", "--on", "morgen")])
def test_what_is_missing_is_asked_for(running: Installation, argv: tuple[str, ...]) -> None:
    done = running.run("policy", *argv)
    assert done.returncode == 2
    assert done.stderr.startswith("xueji: ") and "Traceback" not in done.stderr
