"""Packs that are not right do not load, and the message names file and line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from xueji.ground.policy.library import PackFile, PolicyLibrary, lint
from xueji.ground.policy.loader import load_pack
from xueji.ground.policy.model import PackError

Rule = Callable[..., str]
OK = '{ cmp = ["$case.size", "<=", 3] }'


def line_of(text: str, needle: str) -> int:
    """Line on which the last occurrence of ``needle`` stands."""
    return text[: text.rindex(needle)].count("\n") + 1


def refused(text: str) -> PackError:
    """The error that loading ``text`` ends in."""
    with pytest.raises(PackError) as caught:
        load_pack(text, "cn.toml")
    return caught.value


@pytest.mark.parametrize(
    ("need", "hint"),
    [
        ('{ cmp = ["$case.sise", "<=", 3] }', "没有声明"),
        ('{ cmp = ["$case.size", "=<", 3] }', "运算符"),
        ('{ cmp = ["$case.size", "<=", "3"] }', "不能比较"),
        ('{ cmp = ["$case.ok", "<", true] }', "类型"),
        ('{ cmp = ["$case.size", "<=", "@caps"] }', "不存在"),
        ('{ cmp = ["$case.size", "in", 3] }', "set"),
        ('{ cmp = ["$case.size", "in", ["a"]] }', "类型不同"),
        ('{ cmp = ["$case.size", "<="] }', "写法"),
        ('{ compare = ["$case.size", "<=", 3] }', "不认识的条件"),
        ('{ cmp = ["$case.size", "<=", 3], docs = ["申请"] }', "一个键"),
        ('{ docs = ["申请书"] }', "材料"),
        ("{ docs = [] }", "材料清单"),
        ('{ elapsed = ["$case.start", "$case.end", "<=", "1 year"] }', "时长"),
        ('{ elapsed = ["$case.size", "$case.end", "<=", "P1Y"] }', "类型"),
        ('{ age = ["$student.birth_date", "31-08", ">=", 6] }', "MM-DD"),
        ('{ window = ["$case.start", "term_begin", "term_end"] }', "校历"),
        ('{ judged = ["special", "judge"] }', "角色"),
        ('{ judged = ["odd", "head"] }', "没有在"),
        ('{ call = ["dedup"] }', "没有在"),
        ('{ format = ["$case.number", "scheme"] }', "编号规则"),
        ('{ all = { cmp = ["$case.size", "<=", 3] } }', "列表"),
        ("{ present = [3] }", "字段"),
        ('{ ratio = ["$case.ok", "$case.total", "<=", 0.03] }', "类型"),
    ],
)
def test_a_wrong_condition_names_its_line(base: str, rule_text: Rule, need: str, hint: str) -> None:
    text = base + rule_text(need=need)
    error = refused(text)
    assert hint in error.message
    assert error.where.line == line_of(text, "need =")
    assert str(error).startswith(f"cn.toml:{error.where.line}: ")


@pytest.mark.parametrize(
    ("good", "bad", "needle"),
    [
        ('cite = "N#9"', 'cite = "Q#9"', 'cite = "Q#9"'),
        ('cite = "N#9"', 'cite = "N9"', 'cite = "N9"'),
        ('cite = "N#9"\n', "", "[[rule]]"),
        ('phrase = "原文摘句"\n', "", "[[rule]]"),
        ("原文摘句", "摘" * 26, "phrase ="),
        ('force = "must"', 'force = "strong"', 'force = "strong"'),
        ('else = "block"', 'else = "refuse"', 'else = "refuse"'),
        ('else = "block"', 'else = "route:"', 'else = "route:"'),
        ('else = "block"', 'else = "route:suspend"', 'else = "route:suspend"'),
        ('else = "block"', 'else = "need_docs"', "need ="),
        ('"transfer.apply"', '"tranfser.apply"', "on ="),
        ('"transfer.apply"', '"apply"', "on ="),
        ('force = "must"', 'force = "must"\nphrse = "x"', "phrse"),
        ('force = "must"', 'force = "must"\nfrom = "2026-09-01"', "from ="),
        ('force = "must"', 'force = "must"\nlocked = 1', "locked"),
        ('force = "must"', 'force = "must"\nmessage = "{$case.sise}"', "message"),
        ('force = "must"', 'force = "must"\nlevels = ["X"]', "levels"),
        ('cite = "N#9"', 'cite = "T#9"', 'force = "must"'),
    ],
)
def test_a_wrong_key_of_a_rule_names_its_line(
    base: str, rule_text: Rule, good: str, bad: str, needle: str
) -> None:
    rule = rule_text(need=OK)
    assert good in rule
    text = base + rule.replace(good, bad)
    assert refused(text).where.line == line_of(text, needle)


@pytest.mark.parametrize(
    ("good", "bad", "needle"),
    [
        ('type = "int"\nlabel = "上限"', 'type = "integer"\nlabel = "上限"', 'type = "integer"'),
        ('tighter = "lower"', 'tighter = "subset"', 'tighter = "subset"'),
        ("value = 50", 'value = "50"', 'value = "50"'),
        ("value = 50\n", "", "[[param.value]]\nforce"),
        ("value = 50", 'value = 50\nstate = "unstated"', "[[param.value]]\nvalue = 50"),
        ("value = 45\nfrom = 2026-09-01", "value = 45", '[[param]]\nid = "cap"'),
        ('value = "P1Y"', 'value = "1Y"', 'value = "1Y"'),
        ("from = 2026-09-01", "from = 2026-09-01\nto = 2026-08-01", "to = 2026-08-01"),
        ('prefix = "ZX"', 'prefix = "Zx"', 'prefix = "Zx"'),
        ('from = "在读"', 'from = "在校"', 'from = "在校"'),
        ('effect = "move"', 'effect = "fly"', 'effect = "fly"'),
        ('role = "head"', 'role = "boss"', "[[chain]]"),
        ('tier = "national"', 'tier = "state"', 'tier = "state"'),
        ('tier = "national"', 'tier = "national"\nextends = "un"', "extends"),
        ('title = "网上范文"', 'titel = "网上范文"', '[[source]]\nid = "T"'),
        ('check = "never_blocks_on"', 'check = "be_nice"', 'check = "be_nice"'),
        ('field = "student.number_prefix"', 'field = "student.prefix"', 'field = "student.prefix"'),
        ("[[transition]]", "[[transitions]]", "[[transitions]]"),
        ('id = "证明"', 'id = "申请"', 'id = "申请"\nsupplied_by = "school"'),
    ],
)
def test_a_wrong_key_of_any_table_names_its_line(base: str, good: str, bad: str, needle: str) -> None:
    assert good in base
    text = base.replace(good, bad, 1)
    error = refused(text)
    first = text[: text.index(needle)].count("\n") + 1
    reach = 10 if needle == "[[chain]]" else 2
    assert first <= error.where.line < first + reach, error


def test_a_syntax_error_names_its_line(base: str) -> None:
    text = base + "\n[[rule]\n"
    assert refused(text).where.line == text.count("\n")


def test_two_rules_with_one_name_are_refused(base: str, rule_text: Rule) -> None:
    text = base + rule_text(need=OK) + rule_text(need=OK)
    error = refused(text)
    assert "已在 cn.toml:" in error.message
    assert error.where.line == line_of(text, 'id = "R-1"')


def test_a_file_without_head_or_with_a_missing_parent_is_refused(base: str, child: str) -> None:
    for files in ([PackFile("x.toml", "[[rule]]")], [PackFile("p.toml", child)]):
        with pytest.raises(PackError, match=r"^[px]\.toml:1: "):
            PolicyLibrary.from_files(files)
    with pytest.raises(PackError, match="重复"):
        PolicyLibrary.from_files([PackFile("a.toml", base), PackFile("b.toml", base)])


def test_two_changes_of_state_may_not_share_an_id(base: str, child: str) -> None:
    row = (
        '\n[[transition]]\nid = {}\nkind = "registered"\nfrom = "{}"\n'
        'business = "transfer"\nto = "在读"\ncite = "P#1"\n'
    )
    for number, source in ((1, "退学"), (2, "在读")):
        with pytest.raises(PackError, match="重复|已在"):
            PolicyLibrary.from_files(
                [PackFile("cn.toml", base), PackFile("p.toml", child + row.format(number, source))]
            )


def test_lint_reports_a_file_that_cannot_be_read(base: str) -> None:
    (problem,) = lint([PackFile("cn.toml", base + "\nnonsense")])
    assert problem.where.file == "cn.toml"
