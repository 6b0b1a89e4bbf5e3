"""Following the how-to page by the letter adds a limit and a rule to a county."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from xueji.ground.paths import data_dir
from xueji.ground.policy.__main__ import main
from xueji.ground.policy.engine import evaluate
from xueji.ground.policy.library import PolicyLibrary

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "add-a-rule.md"
COUNTY = "demo/cn-99-0101.toml"
FACTS = {"student.stage": "P", "class.size_after": 43}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the packs with the page's pieces put where it says."""
    target = tmp_path / "policies"
    shutil.copytree(data_dir("policies"), target)
    source, value, rule = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    old = 'cite = "E1#2"\nphrase = "小学每班一般不超过45人"\n'
    text = (target / COUNTY).read_text("utf-8")
    assert old in text
    text = text.replace(old, old + value, 1) + "\n" + source + "\n" + rule
    (target / COUNTY).write_text(text, "utf-8")
    return target


def test_a_newcomer_adds_a_class_size_limit_by_editing_one_file(folder: Path) -> None:
    assert main([str(folder)]) == 0
    library = PolicyLibrary.from_folder(folder)
    policy = library.resolve(library.ids_for("990101"), date(2026, 11, 22))
    before = evaluate(policy, "transfer.apply", FACTS, date(2027, 8, 31)).finding("DEMO-CLS-01")
    trace = evaluate(policy, "transfer.apply", FACTS, date(2027, 9, 1))
    after = trace.finding("DEMO-CLS-01")
    assert before is not None
    assert after is not None
    assert (before.verdict, after.verdict) == ("pass", "block")
    assert "不超过40人" in after.sentence
    assert "《演示县关于2027年秋季班额的通知(虚构)》第一条" in after.sentence
    near = trace.finding("DEMO-CLS-10")
    assert near is not None
    assert (near.verdict, near.stops) == ("warn", False)


def test_the_check_names_what_a_county_may_not_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / COUNTY
    wrong = (
        '\n[[rule]]\nid = "X"\non = ["transfer.apply"]\nneed = { docs = ["户籍证明"] }\nelse = "need_docs"\n'
    )
    path.write_text(
        path.read_text("utf-8") + wrong + 'force = "must"\ncite = "E1#9"\nphrase = "户口簿"\n', "utf-8"
    )
    assert main([str(folder)]) == 1
    out = capsys.readouterr().out
    assert re.search(r"cn-99-0101\.toml:\d+: X: 不得要求提供：户籍证明 \[NAT-TRF-11 ", out)


def test_facts_of_an_event_are_listed_for_those_who_bring_them() -> None:
    library = PolicyLibrary.from_folder(data_dir("policies"))
    policy = library.resolve(library.ids_for("990101"), date(2026, 11, 22))
    names = [item.id for item in policy.facts_of("transfer.apply")]
    assert {"student.stage", "student.status", "case.docs", "class.size_after", "case.to_grade"} <= set(names)
    assert policy.facts_of("nothing.apply") == ()
