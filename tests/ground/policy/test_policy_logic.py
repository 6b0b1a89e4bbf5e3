"""Three-valued logic: what is unknown is asked for and never passes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xueji.ground.policy.compiled import Truth, all_of, any_of, implies, negate
from xueji.ground.policy.engine import PolicySet, evaluate
from xueji.ground.policy.findings import Finding
from xueji.ground.policy.model import Cite, Source
from xueji.ground.policy.values import Duration, FactError

DAY = date(2026, 11, 22)
TRUTHS: list[Truth] = [True, False, None]
Build = Callable[..., PolicySet]
Rule = Callable[..., str]


@pytest.mark.parametrize(("left", "right"), list(product(TRUTHS, TRUTHS)))
def test_connectives_follow_kleene(left: Truth, right: Truth) -> None:
    order = {False: 0, None: 1, True: 2}
    back: dict[int, Truth] = {rank: truth for truth, rank in order.items()}
    assert all_of([left, right]) is back[min(order[left], order[right])]
    assert any_of([left, right]) is back[max(order[left], order[right])]
    assert negate(left) is back[2 - order[left]]
    assert implies(left, right) is any_of([negate(left), right])


truths = st.sampled_from(TRUTHS)


@given(st.lists(truths))
def test_de_morgan_holds_with_unknowns(values: list[Truth]) -> None:
    assert negate(all_of(values)) is any_of([negate(value) for value in values])


@given(st.lists(truths), st.data())
def test_learning_a_fact_never_turns_a_settled_answer(values: list[Truth], data: st.DataObject) -> None:
    learned = [data.draw(st.booleans()) if value is None else value for value in values]
    for combine in (all_of, any_of):
        if combine(values) is not None:
            assert combine(learned) is combine(values)


def ask(policy: PolicySet, facts: dict[str, object], on: date = DAY) -> tuple[str, list[str]]:
    """Verdict of the one rule of a made-up pack, and the names of what it asks for."""
    trace = evaluate(policy, "transfer.apply", facts, on)
    finding = trace.finding("R-1")
    if finding is None:
        return "none", []
    return finding.verdict, [item.name for item in finding.asks]


CASES = [
    ('{ cmp = ["$case.size", "<=", "@cap"] }', {"case.size": 45}, {"case.size": 46}, {}, ["case.size"]),
    ('{ cmp = ["$case.size", "<=", "@blank"] }', None, None, {"case.size": 1}, ["blank"]),
    (
        '{ in = ["$student.stage", ["P", "J"]] }',
        {"student.stage": "P"},
        {"student.stage": "S"},
        {},
        ["student.stage"],
    ),
    ('{ present = ["$case.number"] }', {"case.number": "1"}, {"case.number": ""}, {}, ["case.number"]),
    (
        '{ not = { cmp = ["$case.ok", "==", true] } }',
        {"case.ok": False},
        {"case.ok": True},
        {"case.ok": None},
        ["case.ok"],
    ),
    (
        '{ all = [{ cmp = ["$case.ok", "==", true] }, { cmp = ["$case.size", ">", 1] }] }',
        {"case.ok": True, "case.size": 2},
        {"case.ok": False},
        {"case.ok": True},
        ["case.size"],
    ),
    (
        '{ any = [{ cmp = ["$case.ok", "==", true] }, { cmp = ["$case.size", ">", 1] }] }',
        {"case.ok": True},
        {"case.ok": False, "case.size": 1},
        {"case.ok": False},
        ["case.size"],
    ),
    (
        '{ age = ["$student.birth_date", "08-31", ">=", 6] }',
        {"student.birth_date": "2020-08-31"},
        {"student.birth_date": date(2020, 9, 1)},
        {},
        ["student.birth_date"],
    ),
    (
        '{ elapsed = ["$case.start", "$case.end", "<=", "P6M"] }',
        {"case.start": "2026-01-31", "case.end": "2026-07-31"},
        {"case.start": "2026-01-31", "case.end": "2026-08-01"},
        {"case.start": "2026-01-31"},
        ["case.end"],
    ),
    (
        '{ elapsed = ["$case.start", "$case.end", "<=", "10WD"] }',
        {"case.start": "2026-09-28", "case.end": "2026-10-16"},
        {"case.start": "2026-09-28", "case.end": "2026-10-19"},
        {},
        ["case.start", "case.end"],
    ),
    (
        '{ elapsed = ["$case.start", "$case.end", "<=", "@fixed"] }',
        {"case.start": "2026-01-31", "case.end": "2027-01-30"},
        {"case.start": "2026-01-31", "case.end": "2027-02-01"},
        {"case.start": "2026-01-31", "case.end": "2027-01-31"},
        ["fixed"],
    ),
    (
        '{ ratio = ["$case.size", "$case.total", "<=", 0.03] }',
        {"case.size": 3, "case.total": 100},
        {"case.size": 4, "case.total": 100},
        {"case.size": 0, "case.total": 0},
        ["case.total"],
    ),
    (
        '{ window = ["$today", "term_start", "term_start+14d"] }',
        {"calendar.term_start": "2026-11-08"},
        {"calendar.term_start": "2026-11-07"},
        {},
        ["term_start", "term_start"],
    ),
    (
        '{ window = ["$case.start", 2026-11-01, "$case.end"] }',
        {"case.start": "2026-11-01", "case.end": "2026-11-01"},
        {"case.start": "2026-10-31", "case.end": "2026-11-30"},
        {"case.start": "2026-11-02"},
        ["case.end"],
    ),
    (
        '{ docs = ["申请", "证明|户口簿"] }',
        {"case.docs": ["户口簿", "申请"]},
        {"case.docs": ["申请"]},
        {},
        ["case.docs"],
    ),
    ('{ docs = "@papers" }', {"case.docs": ["证明", "申请"]}, {"case.docs": []}, {}, ["case.docs"]),
    (
        '{ judged = ["special", "head"] }',
        {"judged.special": True},
        {"judged.special": False},
        {},
        ["judged.special"],
    ),
]


@pytest.mark.parametrize(
    ("need", "passing", "failing", "unknown", "asks"), CASES, ids=[case[0] for case in CASES]
)
def test_every_condition_has_three_answers(
    build: Build,
    rule_text: Rule,
    need: str,
    passing: dict[str, object] | None,
    failing: dict[str, object] | None,
    unknown: dict[str, object],
    asks: list[str],
) -> None:
    policy = build(rule_text(need=need))
    if passing is not None:
        assert ask(policy, passing) == ("pass", [])
    if failing is not None:
        assert ask(policy, failing) == ("block", [])
    verdict, names = ask(policy, unknown)
    assert verdict == "ask"
    assert set(names) == set(asks)


def test_a_format_follows_its_number_scheme(build: Build, rule_text: Rule) -> None:
    scheme = """
[[number_scheme]]
id = "school.number"
title = "学号"
issuer = "school"
life = "school"
unique_in = ["year"]
generator = "consecutive"
cite = "N#8"
fields = [ { name = "year", kind = "digits", width = 4 }, { name = "serial", kind = "serial", width = 3 } ]
"""
    policy = build(scheme + rule_text(need='{ format = ["$case.number", "school.number"] }'))
    assert ask(policy, {"case.number": "2026001"})[0] == "pass"
    assert ask(policy, {"case.number": "2026000"})[0] == "block"
    assert ask(policy, {})[0] == "ask"


def test_a_condition_that_cannot_be_told_asks_unless_the_need_is_met_anyway(
    build: Build, rule_text: Rule
) -> None:
    policy = build(
        rule_text(need='{ cmp = ["$case.size", "<", 3] }', extra='when = { cmp = ["$case.ok", "==", true] }')
    )
    assert ask(policy, {"case.size": 9, "case.ok": False}) == ("none", [])
    assert ask(policy, {"case.size": 9, "case.ok": True}) == ("block", [])
    assert ask(policy, {"case.size": 9}) == ("ask", ["case.ok"])
    assert ask(policy, {"case.size": 1}) == ("pass", [])


def test_a_rule_for_one_stage_leaves_the_others_alone(build: Build, rule_text: Rule) -> None:
    policy = build(rule_text(need='{ cmp = ["$case.size", "<", 3] }', extra='levels = ["K9"]'))
    assert ask(policy, {"case.size": 9, "student.stage": "S"}) == ("none", [])
    assert ask(policy, {"case.size": 9, "student.stage": "J"}) == ("block", [])
    assert ask(policy, {"case.size": 9}) == ("ask", ["student.stage"])


@pytest.mark.parametrize(
    ("force", "verdict", "stops", "overridable"),
    [
        ("must", "block", True, False),
        ("general", "block", True, True),
        ("may", "warn", False, False),
        ("advisory", "warn", False, False),
    ],
)
def test_force_decides_what_a_failed_rule_does(
    build: Build, rule_text: Rule, force: str, verdict: str, stops: bool, overridable: bool
) -> None:
    policy = build(rule_text(need='{ cmp = ["$case.size", "<", 3] }', extra=f'force = "{force}"'))
    trace = evaluate(policy, "transfer.apply", {"case.size": 9}, DAY)
    (finding,) = trace.findings
    assert (finding.verdict, finding.stops, finding.overridable) == (verdict, stops, overridable)
    assert trace.may_proceed is not stops
    again = evaluate(policy, "transfer.apply", {"case.size": 9}, DAY, {"R-1": "校长批准"})
    assert again.may_proceed is (force != "must")
    assert ("校长批准" in again.findings[0].sentence) is (force == "general")


def test_an_unknown_advice_does_not_stop_a_case(build: Build, rule_text: Rule) -> None:
    policy = build(rule_text(need='{ cmp = ["$case.size", "<", 3] }', extra='force = "advisory"'))
    trace = evaluate(policy, "transfer.apply", {}, DAY)
    assert (trace.findings[0].verdict, trace.verdict, trace.may_proceed) == ("ask", "warn", True)


def test_an_override_of_an_unknown_rule_is_an_error(build: Build) -> None:
    with pytest.raises(KeyError):
        evaluate(build(), "transfer.apply", {}, DAY, {"R-404": "x"})


def test_a_fact_of_the_wrong_type_is_an_error_that_names_it(build: Build, rule_text: Rule) -> None:
    policy = build(rule_text(need='{ cmp = ["$case.size", "<", 3] }'))
    with pytest.raises(FactError, match=r"case\.size"):
        evaluate(policy, "transfer.apply", {"case.size": "many"}, DAY)
    policy = build(rule_text(need='{ elapsed = ["$case.start", "$case.end", "<", "P1Y"] }'))
    with pytest.raises(FactError, match=r"case\.start"):
        evaluate(policy, "transfer.apply", {"case.start": "soon", "case.end": "2026-01-01"}, DAY)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("P1M", "2026-01-31", "2026-02-28"),
        ("P1Y", "2024-02-29", "2025-02-28"),
        ("P2W", "2026-12-25", "2027-01-08"),
        ("P1Y2M3D", "2026-11-22", "2028-01-25"),
        ("1WD", "2026-09-30", "2026-10-08"),
    ],
)
def test_lengths_of_time_are_counted_by_the_calendar(text: str, start: str, end: str) -> None:
    assert Duration.parse(text).after(date.fromisoformat(start)) == date.fromisoformat(end)


@given(st.integers(0, 60), st.integers(0, 400))
def test_a_length_of_time_reads_back_as_written(months: int, days: int) -> None:
    length = Duration(months=months, days=days)
    assert Duration.parse(str(length)) == length


def test_a_quotation_within_quotation_marks_has_single_ones() -> None:
    cite = Cite(Source("X1", "示例办法", "示例机关"), "3", "“退学”“开除”等状态的学生直接办理转学")
    found = Finding("XJ-1", "cn", "start", "pass", "must", cite, {}, {}, {})
    assert "符合“‘退学’‘开除’等状态的学生直接办理转学”" in found.sentence
