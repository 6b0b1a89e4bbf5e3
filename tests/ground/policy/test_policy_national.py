"""Every live rule of the shipped packs, with facts that meet it and facts that do not."""

from __future__ import annotations

from datetime import date
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xueji.ground.paths import data_dir
from xueji.ground.policy.engine import PolicySet, evaluate
from xueji.ground.policy.examples import read_examples
from xueji.ground.policy.library import PolicyLibrary

DAY = date(2026, 11, 22)
EIGHT = [
    f"{side}.{role}"
    for side in ("to_school", "to_authority", "from_school", "from_authority")
    for role in ("clerk", "head")
]
SIX = [f"{side}.{role}" for side in ("to_school", "from_school", "authority") for role in ("clerk", "head")]
DELETE = {
    "student.number_prefix": "G",
    "case.reason": "问题学籍",
    "case.province_proof": True,
    "case.ministry_handled": True,
}
Facts = dict[str, Any]
RULE_MARK = attrgetter("rule")(pytest.mark)  # by name: the map of the tests reads only literal markers

# rule, event, facts that meet it, facts that do not, verdict of the latter
CASES: list[tuple[str, str, Facts, Facts, str]] = [
    ("NAT-SCO-01", "enrol.apply", {"school.type": "初中"}, {"school.type": "幼儿园"}, "block"),
    ("NAT-SCO-02", "transfer.effect", {"case.channel": "backfilled"}, {"case.channel": "paper"}, "block"),
    (
        "NAT-ROL-06",
        "suspend.apply",
        {"case.submitted_by": "u", "school.id": "s"},
        {"case.submitted_by": "", "school.id": "s"},
        "block",
    ),
    (
        "NAT-ENR-01",
        "enrol.effect",
        {"case.data_captured": True, "case.file_opened": True, "case.number_applied": True},
        {"case.data_captured": True, "case.file_opened": False, "case.number_applied": True},
        "block",
    ),
    (
        "NAT-ENR-02",
        "enrol.effect",
        {"case.authority_confirmed": True},
        {"case.authority_confirmed": False},
        "block",
    ),
    (
        "NAT-ENR-03",
        "enrol.apply",
        {"student.home_teaching": True, "student.home_teaching_school": "a", "school.id": "a"},
        {"student.home_teaching": True, "student.home_teaching_school": "a", "school.id": "b"},
        "block",
    ),
    (
        "NAT-ENR-10",
        "enrol.apply",
        {"student.grade": "11"},
        {"student.grade": "13", "student.preschool_handover": False, "student.has_record": False},
        "warn",
    ),
    (
        "NAT-ENR-11",
        "enrol.apply",
        {"student.grade": "13", "student.has_record": False, "call.dedup_monthly_list": True},
        {"student.grade": "13", "student.has_record": False, "call.dedup_monthly_list": False},
        "route",
    ),
    (
        "NAT-DUP-01",
        "correct_key.effect",
        {"student.has_id_number": True, "call.identity_match": True},
        {"student.has_id_number": True, "call.identity_match": False},
        "block",
    ),
    ("NAT-DUP-02", "enrol.apply", {"call.dedup_national": True}, {"call.dedup_national": False}, "block"),
    (
        "NAT-FIL-01",
        "file.check",
        {"student.enrolled_on": "2026-09-01", "file.opened_on": "2026-10-01"},
        {"student.enrolled_on": "2026-09-01", "file.opened_on": "2026-10-02"},
        "warn",
    ),
    (
        "NAT-FIL-02",
        "file.check",
        {"case.docs": ["学籍基础信息及变动情况", "户籍证明", "综合素质发展报告"]},
        {"case.docs": ["学籍基础信息及变动情况"]},
        "need_docs",
    ),
    ("NAT-CRD-01", "card.issue", {"card.fee": 0}, {"card.fee": 5}, "warn"),
    (
        "NAT-TRF-01",
        "seat.assign",
        {"student.category": "普通", "school.type": "小学", "student.home_school": "a", "school.id": "a"},
        {
            "student.category": "普通",
            "school.type": "小学",
            "student.home_school": "a",
            "school.id": "b",
            "case.transfer_open": False,
        },
        "block",
    ),
    (
        "NAT-TRF-10",
        "transfer.effect",
        {"case.confirmed_roles": EIGHT},
        {"case.confirmed_roles": EIGHT[:7], "case.variant": "other_county"},
        "block",
    ),
    (
        "NAT-TRF-10",
        "transfer.effect",
        {"case.confirmed_roles": SIX, "case.variant": "same_county"},
        {"case.confirmed_roles": SIX, "case.variant": "other_county"},
        "block",
    ),
    (
        "NAT-TRF-11",
        "transfer.apply",
        {"case.docs": ["学生基本信息表", "转学原因证明"]},
        {"case.docs": ["转学原因证明"]},
        "need_docs",
    ),
    (
        "NAT-TRF-12",
        "transfer.apply",
        {"case.channel": "paper", "case.system_failure": True},
        {"case.channel": "paper", "case.system_failure": False},
        "block",
    ),
    ("NAT-TRF-13", "transfer.apply", {"student.status": "退学"}, {"student.status": "毕业"}, "warn"),
    ("NAT-NUM-01", "number.issue", {"student.current_numbers": 0}, {"student.current_numbers": 1}, "block"),
    (
        "NAT-NUM-10",
        "number.formal",
        {"student.has_id_number": True, "call.population_match": True, "case.new_prefix": "G"},
        {"student.has_id_number": True, "call.population_match": False, "case.new_prefix": "G"},
        "block",
    ),
    (
        "NAT-NUM-11",
        "number.formal",
        {"student.has_id_number": False, "call.dedup_national": True, "case.new_prefix": "J"},
        {"student.has_id_number": False, "call.dedup_national": True, "case.new_prefix": "G"},
        "block",
    ),
    ("NAT-NUM-13", "number.delete", DELETE, {**DELETE, "case.ministry_handled": False}, "block"),
    (
        "NAT-NUM-14",
        "correct_key.effect",
        {"case.id_number_changes": True, "call.dedup_national": True, "call.identity_match": True},
        {"case.id_number_changes": True, "call.dedup_national": True, "call.identity_match": False},
        "block",
    ),
    ("NAT-NUM-15", "number.issue", {"case.new_prefix": "L"}, {"case.new_prefix": "G"}, "block"),
    ("NAT-CHG-01", "correct_key.apply", {"case.docs": ["关键信息变更证明"]}, {"case.docs": []}, "need_docs"),
    ("LAW-CES-27", "expel.apply", {"student.stage": "S"}, {"student.stage": "J"}, "block"),
]

DEMO: list[tuple[str, str, Facts, Facts, str]] = [
    ("DEMO-TRF-01", "transfer.apply", {"student.status": "在读"}, {"student.status": "休学"}, "block"),
    (
        "DEMO-TRF-02",
        "transfer.apply",
        {"case.from_grade": "13", "case.to_grade": "13"},
        {"case.from_grade": "13", "case.to_grade": "12"},
        "block",
    ),
    ("DEMO-SUS-01", "suspend.apply", {"case.docs": ["休学申请"]}, {"case.docs": []}, "need_docs"),
    (
        "DEMO-SUS-04",
        "suspend.apply",
        {"case.reason": "因病", "case.docs": ["病情证明"]},
        {"case.reason": "因病", "case.docs": ["休学申请"]},
        "need_docs",
    ),
    (
        "DEMO-SUS-02",
        "suspend.apply",
        {"case.start": "2026-12-01", "case.end": "2027-12-01"},
        {"case.start": "2026-12-01", "case.end": "2027-12-02"},
        "block",
    ),
    (
        "DEMO-SUS-03",
        "suspend_extend.apply",
        {"case.first_start": "2025-12-01", "case.end": "2027-12-01"},
        {"case.first_start": "2025-12-01", "case.end": "2028-01-01"},
        "block",
    ),
    ("DEMO-RES-01", "resume.apply", {"case.docs": ["复学申请"]}, {"case.docs": []}, "need_docs"),
    (
        "DEMO-RES-02",
        "resume.apply",
        {"case.reason": "因病", "case.docs": ["康复证明"]},
        {"case.reason": "因病", "case.docs": []},
        "need_docs",
    ),
    (
        "DEMO-CLS-01",
        "transfer.apply",
        {"student.stage": "P", "class.size_after": 45},
        {"student.stage": "P", "class.size_after": 46},
        "block",
    ),
    (
        "DEMO-CLS-02",
        "transfer.apply",
        {"student.stage": "J", "class.size_after": 50},
        {"student.stage": "J", "class.size_after": 51},
        "block",
    ),
    (
        "DEMO-CLS-03",
        "transfer.apply",
        {"student.stage": "S", "class.size_after": 50},
        {"student.stage": "S", "class.size_after": 51},
        "block",
    ),
]


def marked(cases: list[tuple[str, str, Facts, Facts, str]]) -> list[Any]:
    """The cases, each marked with the rule that it shows."""
    return [
        pytest.param(
            *case,
            id=f"{case[0]}-{case[1]}",
            marks=[RULE_MARK(case[0])] if case[0].startswith("NAT") else [],
        )
        for case in cases
    ]


def verdict(policy: PolicySet, event: str, facts: Facts, rule: str) -> str:
    """What one rule says."""
    finding = evaluate(policy, event, facts, DAY).finding(rule)
    return finding.verdict if finding else "does not apply"


@pytest.mark.parametrize(("rule", "event", "passing", "failing", "outcome"), marked(CASES))
def test_each_national_rule_passes_refuses_and_asks(
    nation: PolicySet, rule: str, event: str, passing: Facts, failing: Facts, outcome: str
) -> None:
    assert verdict(nation, event, passing, rule) == "pass"
    assert verdict(nation, event, failing, rule) == outcome
    assert verdict(nation, event, {}, rule) == "ask"
    finding = evaluate(nation, event, failing, DAY).finding(rule)
    assert finding is not None
    assert finding.sentence.startswith(f"《{finding.cite.source.title}》")


@pytest.mark.parametrize(("rule", "event", "passing", "failing", "outcome"), marked(DEMO))
def test_each_invented_rule_passes_and_refuses(
    county: PolicySet, rule: str, event: str, passing: Facts, failing: Facts, outcome: str
) -> None:
    assert verdict(county, event, passing, rule) == "pass"
    assert verdict(county, event, failing, rule) == outcome


@given(st.data())
def test_knowing_less_never_lets_a_refused_case_pass(nation: PolicySet, data: st.DataObject) -> None:
    rule, event, _passing, failing, outcome = data.draw(st.sampled_from(CASES))
    known = data.draw(st.sets(st.sampled_from(sorted(failing)))) if failing else set()
    answer = verdict(nation, event, {name: failing[name] for name in known}, rule)
    assert answer in (outcome, "ask")


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


def test_every_live_rule_of_the_nation_and_the_demonstration_has_a_case(shipped: PolicyLibrary) -> None:
    shown = {case[0] for case in [*CASES, *DEMO]} | {"NAT-NUM-12"}
    shown |= {item.rule for item in read_examples(data_dir("policies")) if item.pack == "cn"}
    governing = [shipped.pack(name) for name in shipped.ids() if not shipped.pack(name).reference]
    assert {rule.id for pack in governing for rule in pack.rules} == shown


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
