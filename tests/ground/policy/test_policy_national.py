"""What the national pack says beyond the examples of its rules (see `test_policy_catalogue`)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from xueji.ground.paths import data_dir
from xueji.ground.policy.engine import PolicySet, evaluate
from xueji.ground.policy.library import PolicyLibrary

DAY = date(2026, 11, 22)
Facts = dict[str, Any]


def verdict(policy: PolicySet, event: str, facts: Facts, rule: str) -> str:
    """What one rule says."""
    finding = evaluate(policy, event, facts, DAY).finding(rule)
    return finding.verdict if finding else "does not apply"


@pytest.mark.rule("NAT-NUM-12")
def test_j_becomes_g_only_where_the_pilot_runs(nation: PolicySet, shipped: PolicyLibrary) -> None:
    facts = {"student.number_prefix": "J", "call.dedup_national": True, "call.identity_match": True}
    assert verdict(nation, "number.upgrade", facts, "NAT-NUM-12") == "warn"
    assert nation.param("number.j_to_g_pilot").value is False
    assert (
        verdict(nation, "number.upgrade", {**facts, "student.number_prefix": "L"}, "NAT-NUM-12")
        == "does not apply"
    )

    from xueji.ground.policy.library import PackFile

    text = (data_dir("policies") / "cn.toml").read_text("utf-8").replace("value = false", "value = true")
    trial = PolicyLibrary.from_files([PackFile("cn.toml", text)]).resolve(("cn",), DAY)
    assert verdict(trial, "number.upgrade", facts, "NAT-NUM-12") == "pass"


@pytest.mark.rule("NAT-TRF-01")
def test_special_schools_may_seat_without_the_record(nation: PolicySet) -> None:
    facts = {"student.home_school": "a", "school.id": "b", "case.transfer_open": False}
    for exception in (
        {"school.type": "特殊教育学校", "student.category": "普通"},
        {"student.category": "随班就读"},
    ):
        assert verdict(nation, "seat.assign", {**facts, **exception}, "NAT-TRF-01") == "does not apply"


@pytest.mark.rule("NAT-ENR-11")
def test_a_child_refused_by_the_monthly_list_is_sent_to_transfer(nation: PolicySet) -> None:
    facts = {"student.grade": "13", "student.has_record": False, "call.dedup_monthly_list": False}
    finding = evaluate(nation, "enrol.apply", facts, DAY).finding("NAT-ENR-11")
    assert finding is not None
    assert (finding.route, finding.stops) == ("transfer", True)


def test_what_a_text_leaves_open_stays_open(nation: PolicySet) -> None:
    blank = {"enrol.confirm_days", "suspend.party_days", "correct_key.party_days", "class.cap.primary"}
    assert all(not nation.param(name).stated for name in blank)
    advice = {"transfer.party_days", "suspend.period", "suspend.max_continuous", "death.report_within"}
    for name in advice:
        held = nation.param(name)
        assert held.force == "advisory"
        assert held.cite.source.authority == "unverified"
        assert held.caveat


def test_texts_carry_the_numbers_of_the_register(nation: PolicySet) -> None:
    sources = nation.packs[0].sources
    assert sources["N1"].doc_no == "教基一〔2013〕7号"
    assert sources["N3"].doc_no == "教基厅[2007]10号"
    assert sources["N1"].text == sources["N2"].text == "cut"
    assert "教基〔2025〕1号" in sources["N1"].caveat
