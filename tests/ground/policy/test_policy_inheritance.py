"""What a pack below may do: add, tighten where it was allowed to, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from xueji.ground.policy.engine import PolicySet, evaluate
from xueji.ground.policy.library import PackFile, PolicyLibrary, lint
from xueji.ground.policy.model import PackError

DAY = date(2026, 11, 22)
Build = Callable[..., PolicySet]
Rule = Callable[..., str]


def param(name: str, kind: str, value: str, extra: str = "") -> str:
    """A parameter of the province as TOML."""
    return (
        f'\n[[param]]\nid = "{name}"\ntype = "{kind}"\ndelegates = "free"\n'
        f'[[param.value]]\n{value}\n{extra}\nforce = "must"\ncite = "P#1"\n'
    )


def found(base: str, child: str, province: str, national: str = "") -> list[str]:
    """Messages of the lint for a province."""
    problems = lint([PackFile("cn.toml", base + national), PackFile("cn-99.toml", child + province)])
    assert all(problem.where.file == "cn-99.toml" for problem in problems)
    return [f"{problem.subject}: {problem.message} {problem.forbidden_by}" for problem in problems]


def test_a_province_may_tighten_from_a_day_of_its_own(build: Build) -> None:
    province = param("cap", "int", "value = 40", "from = 2026-10-01")
    assert build(province=province, on=date(2026, 8, 31)).param("cap").value == 50
    assert build(province=province, on=date(2026, 9, 30)).param("cap").value == 45
    policy = build(province=province, on=date(2026, 10, 1))
    assert policy.param("cap").value == 40
    assert policy.param("cap").cite.source.title == "省细则"
    assert policy.at(date(2026, 9, 1)).param("cap").value == 45


@pytest.mark.parametrize(
    ("province", "words"),
    [
        (param("cap", "int", "value = 46"), ["cap", "从严", "45", "46", "全国办法"]),
        (param("cap", "int", "value = 60", "to = 2026-08-31"), ["从严", "50", "60"]),
        (param("papers", "set", 'value = ["申请", "户口簿"]'), ["papers", "从严"]),
        (param("fixed", "duration", 'value = "P6M"'), ["fixed", "不得改动"]),
        (param("blank", "number", "value = 1.0"), ["blank", "类型"]),
    ],
)
def test_a_value_moved_the_wrong_way_is_named(base: str, child: str, province: str, words: list[str]) -> None:
    (message,) = found(base, child, province)
    assert all(word in message for word in words)
    with pytest.raises(PackError, match=r"^cn-99\.toml:\d+: "):
        PolicyLibrary.from_files([PackFile("cn.toml", base), PackFile("cn-99.toml", child + province)])


@pytest.mark.parametrize(
    "province",
    [
        param("cap", "int", "value = 46", "to = 2026-08-31"),
        param("papers", "set", 'value = ["申请"]'),
        param("blank", "int", "value = 7"),
    ],
)
def test_a_value_moved_the_right_way_is_fine(base: str, child: str, province: str) -> None:
    assert found(base, child, province) == []


def test_a_blank_in_a_lower_text_takes_no_number_away(build: Build) -> None:
    policy = build(province=param("cap", "int", 'state = "unstated"'))
    assert policy.param("cap").value == 45
    assert not policy.param("blank").stated


def test_a_locked_rule_is_not_replaced_and_a_strong_one_not_weakened(
    base: str, child: str, rule_text: Rule
) -> None:
    need = '{ cmp = ["$case.ok", "==", true] }'
    national = rule_text("N-1", need=need, extra="locked = true") + rule_text("N-2", need=need)
    for replaced, force, word in (
        ("N-1", "must", "锁定"),
        ("N-2", "general", "更弱"),
        ("N-3", "must", "不在上级"),
    ):
        province = rule_text(
            "P-1", need=need, cite="P#2", extra=f'force = "{force}"\nreplaces = ["{replaced}"]'
        )
        (message,) = found(base, child, province, national)
        assert word in message
    assert found(base, child, rule_text("P-1", need=need, extra='replaces = ["N-2"]'), national) == []
    (message,) = found(base, child, rule_text("N-1", need=need), national)[:1] or [""]
    assert "已在 cn.toml" in message


def test_a_replacing_rule_takes_the_place_of_the_old_one_from_its_day(build: Build, rule_text: Rule) -> None:
    old = rule_text("N-2", need='{ cmp = ["$case.size", "<", 10] }')
    new = rule_text(
        "P-1", need='{ cmp = ["$case.size", "<", 5] }', extra='replaces = ["N-2"]\nfrom = 2026-09-01'
    )
    policy = build(old, province=new)
    facts = {"case.size": 7}
    assert [item.rule for item in evaluate(policy, "transfer.apply", facts, DAY).findings] == ["P-1"]
    before = evaluate(policy, "transfer.apply", facts, date(2026, 8, 31))
    assert [(item.rule, item.verdict) for item in before.findings] == [("N-2", "pass")]


@pytest.mark.rule("NAT-TRF-11")
def test_no_pack_may_ask_for_more_papers_than_the_ceiling(base: str, child: str, rule_text: Rule) -> None:
    beyond = rule_text("P-1", need='{ docs = ["申请", "户口簿"] }', outcome="need_docs")
    (message,) = found(base, child, beyond)
    assert "户口簿" in message
    assert "L-DOCS 《全国办法》5“不得再要求其他材料”" in message
    assert (
        found(base, child, rule_text("P-1", need='{ docs = ["申请", "证明|户口簿"] }', outcome="need_docs"))
        == []
    )


@pytest.mark.rule("NAT-TRF-11")
def test_the_shipped_ceiling_refuses_a_place_that_asks_for_a_deed(shipped: PolicyLibrary) -> None:
    from xueji.ground.paths import data_dir

    national = PackFile("cn.toml", (data_dir("policies") / "cn.toml").read_text("utf-8"))
    local = PackFile(
        "x.toml",
        """
[pack]
id = "cn-99"
title = "某地"
tier = "province"
extends = "cn"
version = "1"
[[source]]
id = "Q1"
title = "某地学籍管理制度"
authority = "notice-county"
[[rule]]
id = "LOCAL-1"
on = ["transfer.apply"]
need = { docs = ["户籍证明", "房产证明"] }
else = "need_docs"
force = "must"
cite = "Q1#2"
phrase = "房产证或购房有效票据"
""",
    )
    (problem,) = lint([national, local])
    assert "房产证明" in problem.message
    assert problem.forbidden_by.startswith("NAT-TRF-11")


@pytest.mark.rule("NAT-NUM-16")
def test_no_pack_may_treat_temporary_numbers_worse(base: str, child: str, rule_text: Rule) -> None:
    for need in (
        '{ cmp = ["$student.number_prefix", "!=", "L"] }',
        '{ not = { in = ["$student.number_prefix", ["L", "J"]] } }',
    ):
        (message,) = found(base, child, rule_text("P-1", need=need))
        assert "区别对待" in message
    assert found(base, child, rule_text("P-1", need='{ cmp = ["$student.number_prefix", "==", "G"] }')) == []


@pytest.mark.rule("NAT-NUM-02")
def test_only_the_nation_defines_its_numbers(base: str, child: str) -> None:
    scheme = """
[[number_scheme]]
id = "{}"
title = "学籍号"
issuer = "{}"
life = "person"
unique_in = ["nation"]
generator = "derived"
cite = "P#3"
fields = [ {{ name = "body", kind = "digits", width = 10 }} ]
"""
    for name, issuer in (("national.X", "province"), ("ours", "national")):
        (message,) = found(base, child, scheme.format(name, issuer))
        assert "只能由国家规定" in message
    assert found(base, child, scheme.format("ours", "province")) == []


@pytest.mark.parametrize(
    ("sides", "problem"),
    [
        (["clerk", "head"], False),
        (["clerk", "head", "clerk2"], False),
        (["clerk"], True),
        (["head", "clerk"], True),
    ],
)
def test_a_chain_may_grow_but_not_shrink(base: str, child: str, sides: list[str], problem: bool) -> None:
    where = {"clerk": "school", "head": "school", "clerk2": "authority"}
    steps = ", ".join(
        f'{{ side = "{where[name]}", role = "{name.rstrip("2")}", label = "环节" }}' for name in sides
    )
    chain = (
        f'\n[[chain]]\nid = "mine"\nbusiness = "transfer"\nlabel = "转学"\ncite = "P#4"\nsteps = [{steps}]\n'
    )
    assert bool(found(base, child, chain)) is problem


def test_packs_that_do_not_extend_each_other_are_not_mixed(shipped: PolicyLibrary) -> None:
    with pytest.raises(ValueError, match="逐级"):
        shipped.resolve(("cn", "cn-99-0101"), DAY)
    assert shipped.ids_for("990101") == ("cn", "cn-99", "cn-99-0101")
    assert shipped.ids_for("990102") == ("cn", "cn-99")
    assert shipped.ids_for("110108") == ("cn",)
    assert shipped.ids_for("990101", "9901010001") == ("cn", "cn-99", "cn-99-0101")


def test_a_pack_below_an_invented_one_says_so_too(base: str, child: str) -> None:
    nation = base.replace('version = "1"', 'version = "1"\ninvented = true', 1)
    (problem,) = lint([PackFile("cn.toml", nation), PackFile("p.toml", child)])
    assert "invented" in problem.message
