"""Two places and two days held against each other, and the pages written from the packs."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

from xueji.ground.paths import data_dir
from xueji.ground.policy.catalogue import KINDS, dispositions, read_conflicts
from xueji.ground.policy.compare import Difference, between, compare, differences
from xueji.ground.policy.engine import evaluate
from xueji.ground.policy.library import PackFile, PolicyLibrary
from xueji.ground.policy.model import PackError

DAY = date(2026, 11, 22)
ROOT = Path(__file__).resolve().parents[3]


def by_id(found: tuple[Difference, ...]) -> dict[str, Difference]:
    """The differences by identifier."""
    return {item.id: item for item in found}


@pytest.mark.rule("HEBJZ-CLS-01", "SH-CLS-01")
def test_two_places_differ_in_values_with_their_articles(shipped: PolicyLibrary) -> None:
    found = by_id(compare(shipped.chain_of("cn-31"), shipped.chain_of("cn-13-jinzhou"), DAY, packs=shipped))
    size = found["class.cap.primary"]
    assert size.left is not None and size.right is not None
    assert (size.left.text, size.left.force, size.right.text, size.right.force) == (
        "40",
        "general",
        "45",
        "must",
    )
    assert size.left.article == "《上海市中小学学生学籍管理办法》第七条"
    assert size.right.pack == "cn-13-jinzhou"
    years = found["school.years.primary"]
    assert years.left is not None and years.left.text == "5" and years.right is None
    rule = found["SH-CLS-01"]
    assert rule.left is not None and "40人以内" in rule.left.text and rule.topic == "CLS"
    assert "NAT-TRF-11" not in found


def test_a_place_does_not_differ_from_itself(shipped: PolicyLibrary) -> None:
    for name in ("cn", "cn-99-0101", "sysu"):
        ids = shipped.chain_of(name)
        assert compare(ids, ids, DAY, packs=shipped) == ()


def test_two_days_differ_by_what_began_between_them(shipped: PolicyLibrary) -> None:
    found = differences(shipped.ids_for("990101"), date(2026, 2, 1), DAY, packs=shipped)
    names = by_id(found)
    assert names["DEMO-TRF-01"].left is None
    after = names["DEMO-TRF-01"].right
    assert after is not None and after.start == date(2026, 3, 1)
    size = names["class.cap.primary"]
    assert size.left is not None and size.left.text == "原文未写明"
    assert size.right is not None and size.right.text == "45"
    assert [item.kind for item in found] == sorted(
        (item.kind for item in found), key=("param", "chain", "rule").index
    )
    assert differences(shipped.ids_for("990101"), DAY, DAY, packs=shipped) == ()


def test_who_decides_is_compared_step_by_step(shipped: PolicyLibrary) -> None:
    nation = (data_dir("policies") / "cn.toml").read_text("utf-8")
    child = """
[pack]
id = "cn-99"
title = "某省"
tier = "province"
extends = "cn"
version = "1"
[[source]]
id = "P"
title = "省细则"
authority = "norm-province"
[[chain]]
id = "suspend"
business = "suspend"
label = "休学"
cite = "P#3"
steps = [ { side = "school", role = "clerk", label = "学校经办" } ]
"""
    packs = PolicyLibrary.from_files([PackFile("cn.toml", nation), PackFile("p.toml", child)])
    (only,) = compare(("cn",), ("cn", "cn-99"), DAY, packs=packs)
    assert (only.kind, only.id) == ("chain", "suspend")
    assert only.left is not None and only.right is not None
    assert only.right.text == "学校经办" and only.left.text.startswith("学校经办 → ")


def test_the_installed_packs_are_compared_without_naming_them() -> None:
    assert compare(("cn",), ("cn", "cn-99"), DAY)
    with pytest.raises(KeyError):
        compare(("cn",), ("nowhere",), DAY)


def test_unlike_roots_can_be_compared(shipped: PolicyLibrary) -> None:
    left, right = (shipped.resolve(shipped.chain_of(name), DAY) for name in ("sysu", "jju"))
    found = by_id(between(left, right))
    assert found["admission.return_month"].left is not None
    assert "register.grace" not in found


def test_all_forty_four_conflicts_name_rules_that_exist(shipped: PolicyLibrary) -> None:
    conflicts = read_conflicts(data_dir("policies"))
    known = dispositions(shipped)
    assert [item.number for item in conflicts] == list(range(1, 45))
    values = {param.id for name in shipped.ids() for param in shipped.pack(name).params}
    for conflict in conflicts:
        assert conflict.title and conflict.answer and conflict.rules
        assert set(conflict.rules) <= set(known), conflict.number
        assert set(conflict.params) <= values, conflict.number
    locked = {item for conflict in conflicts if conflict.number == 13 for item in conflict.rules}
    assert {known[name].kind for name in locked - {"NAT-TRF-11"}} == {"refused"}
    assert {item.kind for item in known.values()} == set(KINDS)


def test_the_pages_on_rules_are_those_of_the_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])
    import rules_coverage

    assert rules_coverage.main(["--check", "--root", str(ROOT)]) == 0


def test_the_check_fails_when_a_page_is_stale_or_a_rule_has_no_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])
    import rules_coverage

    (tmp_path / "docs" / "identifiers").mkdir(parents=True)
    rows = (ROOT / "docs" / "identifiers" / "rules.csv").read_text("utf-8")
    register = tmp_path / "docs" / "identifiers" / "rules.csv"
    register.write_text(rows, "utf-8")
    (tmp_path / "policies").symlink_to(data_dir("policies"))
    assert rules_coverage.main(["--root", str(tmp_path)]) == 0
    assert rules_coverage.main(["--check", "--root", str(tmp_path)]) == 0
    (tmp_path / "docs" / "rules-coverage.md").write_text("old", "utf-8")
    assert rules_coverage.main(["--check", "--root", str(tmp_path)]) == 1
    register.write_text(rows + "NAT-XXX-99,NAT,K12,M,D:cmp,某办法,1,New\n", "utf-8")
    assert rules_coverage.main(["--root", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "rules-coverage.md is stale" in said and "NAT-XXX-99 has no disposition" in said


@pytest.mark.rule("HEBQA-TRF-10", "HEBQA-TRF-12")
def test_a_unit_bound_to_a_pack_of_reference_is_governed_by_it(shipped: PolicyLibrary) -> None:
    """A unit of division 990101 that follows Qian'an's text, as `Org.policy` binds it."""
    policy = shipped.resolve(shipped.chain_of("cn-13-qianan"), DAY)
    facts = {
        "student.stage": "P",
        "student.status": "在读",
        "student.under_sanction": True,
        "case.from_grade": "13",
        "case.to_grade": "14",
    }
    trace = evaluate(policy, "transfer.apply", facts, DAY)
    grade, sanction = trace.finding("HEBQA-TRF-10"), trace.finding("HEBQA-TRF-12")
    assert grade is not None and sanction is not None
    assert (grade.verdict, grade.overridable) == ("block", False)
    assert (sanction.verdict, sanction.overridable) == ("block", True)
    assert grade.sentence.startswith("《学生学籍管理制度(迁安)》二.(二).2")
    national = trace.finding("NAT-TRF-11")
    assert national is not None and national.stops


def test_a_unit_of_the_made_up_division_is_bound_by_name_only() -> None:
    from xueji.ground.orgs.models import Org
    from xueji.registry.changes.routing import policy_for

    bound, free = Org(division="990101", policy="cn-13-qianan"), Org(division="130283")
    assert policy_for(bound, DAY).ids == ("cn", "cn-13", "cn-13-qianan")
    assert policy_for(free, DAY).ids == ("cn",)


def test_words_in_order_are_a_condition_of_their_own(shipped: PolicyLibrary) -> None:
    policy = shipped.resolve(shipped.chain_of("cn-45-beiliu"), DAY)
    steps = ["班主任", "教务主任", "校长", "市教育局"]
    papers = ["诊断证明", "学生书面申请"]

    def verdict(roles: list[str]) -> str:
        facts = {"student.stage": "J", "case.docs": papers, "case.decided_by": roles}
        finding = evaluate(policy, "suspend.effect", facts, DAY).finding("GXBL-SUS-01")
        assert finding is not None
        assert finding.effects == {"approve": tuple(steps)}
        return finding.verdict

    assert verdict(steps) == "pass"
    assert verdict(["校医", *steps]) == "pass"
    assert verdict([steps[1], steps[0], *steps[2:]]) == "block"
    assert verdict(steps[:3]) == "block"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('[[checklist]]\nid = "X-1"\ntext = "做"\ncite = "N#1"\nphrase = "句"', "who"),
        ('[[suggestion]]\nid = "X-1"\ntext = "宜"\ncite = "N#1"\nphrase = "句"', "效力等级"),
        ('[[checklist]]\nid = "X-1"\ntext = "做"\nwho = "校长"\ncite = "T#1"\nphrase = "句"', "效力等级"),
        (
            '[[unstated]]\nid = "X-1"\ntext = "缺"\nask = "几天"\nparam = "nope"\ncite = "N#1"\nphrase = "句"',
            "nope",
        ),
        ('[[unstated]]\nid = "X-1"\ntext = "缺"\ncite = "N#1"\nphrase = "句"', "ask"),
        ('[[event]]\nid = "transfer"\nlabel = "转学"', "已是业务"),
        ('[[event]]\nid = "org"\nlabel = "单位"\nabout = "planet"', "planet"),
    ],
)
def test_a_disposition_that_is_wrong_does_not_load(base: str, table: str, words: str) -> None:
    with pytest.raises(PackError, match=r"^cn\.toml:\d+: ") as caught:
        PolicyLibrary.from_files([PackFile("cn.toml", f"{base}\n{table}\n")])
    assert words in str(caught.value)


def test_one_identifier_has_one_disposition_along_a_line_of_packs(base: str, child: str) -> None:
    note = '\n[[checklist]]\nid = "X-1"\ntext = "做"\nwho = "校长"\ncite = "N#1"\nphrase = "句"\n'
    blank = '\n[[unstated]]\nid = "X-1"\ntext = "缺"\nask = "几天"\ncite = "N#1"\nphrase = "句"\n'
    with pytest.raises(PackError, match="X-1"):
        PolicyLibrary.from_files([PackFile("cn.toml", base + note + blank)])
    with pytest.raises(PackError, match="X-1"):
        PolicyLibrary.from_files([PackFile("cn.toml", base + note), PackFile("p.toml", child + blank)])
