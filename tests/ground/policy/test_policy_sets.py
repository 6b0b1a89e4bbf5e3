"""What a resolved set of packs gives to the other rooms: chains, states, numbers, periods, traces."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date

import pytest

from xueji.ground.paths import data_dir
from xueji.ground.policy.engine import PolicySet, evaluate
from xueji.ground.policy.findings import article_words
from xueji.ground.policy.library import PackFile, PolicyLibrary
from xueji.ground.policy.loader import load_pack
from xueji.ground.policy.model import PackError
from xueji.ground.policy.schemes import length, make_number, parse_number, serial_limit, serial_scope
from xueji.ground.policy.statuses import BY_WORD, FINAL, OPEN, ChainKind, Status

DAY = date(2026, 11, 22)
Build = Callable[..., PolicySet]

TRANSFER = {
    "student": {"status": "在读", "stage": "P"},
    "case": {
        "channel": "electronic",
        "submitted_by": "u1",
        "docs": ["学生基本信息表", "转学原因证明"],
        "from_grade": "13",
        "to_grade": "13",
        "to_grade.label": "三年级",
    },
    "school.id": "s1",
    "class.size_after": 40,
}


def with_facts(**changes: object) -> dict[str, object]:
    """The facts of an ordinary transfer with some changed (``case__to_grade`` for ``case.to_grade``)."""
    return {**TRANSFER, **{name.replace("__", "."): value for name, value in changes.items()}}


@pytest.mark.rule("NAT-TRF-10")
@pytest.mark.parametrize("variant", ["other_county", "other_province"])
def test_a_transfer_passes_eight_people_in_order(county: PolicySet, variant: str) -> None:
    chain = county.chain_for("transfer", variant)
    parties = ["to_school", "to_authority", "from_school", "from_authority"]
    assert [(step.side, step.role) for step in chain.steps] == [
        (party, role) for party in parties for role in ("clerk", "head")
    ]
    assert [step.act for step in chain.steps] == ["submit"] + ["decide"] * 7
    assert {step.days for step in chain.steps} == {10}
    assert [step.clock for step in chain.steps] == [step.side for step in chain.steps]
    assert chain.steps[0].label == "转入学校经办"


@pytest.mark.rule("NAT-TRF-10")
def test_inside_a_county_the_common_authority_decides_last(county: PolicySet) -> None:
    chain = county.chain_for("transfer", "same_county")
    assert list(dict.fromkeys(step.side for step in chain.steps)) == ["to_school", "from_school", "authority"]
    assert len(chain.steps) == 6


@pytest.mark.rule("NAT-CHG-01")
def test_key_fields_are_decided_by_the_authority(nation: PolicySet, county: PolicySet) -> None:
    chain = nation.chain_for("correct_key")
    assert [(step.side, step.role) for step in chain.steps][-1] == ("authority", "head")
    assert {step.days for step in chain.steps} == {None}
    assert {step.days for step in county.chain_for("correct_key").steps} == {10}
    assert nation.param("correct_key.fields").value == ("姓名", "身份证件号")


@pytest.mark.rule("NAT-ENR-02")
def test_enrolment_is_confirmed_by_the_authority_without_a_national_limit(nation: PolicySet) -> None:
    assert [step.side for step in nation.chain_for("enrol").steps][-1] == "authority"
    assert not nation.param("enrol.confirm_days").stated
    assert nation.workdays("enrol.confirm_days") is None


def test_every_business_with_an_effect_has_a_chain_or_needs_none(nation: PolicySet) -> None:
    without = {"correct", "promote", "place", "number", "seat", "file", "card"}
    for business in nation.businesses():
        if business.id not in without:
            for variant in business.variants or ("",):
                assert nation.chain_for(business.id, variant).steps
    prefixes = [business.prefix for business in nation.businesses()]
    assert len(set(prefixes)) == len(prefixes)
    assert nation.business("transfer").prefix == "ZX"
    assert [slot.doc for slot in nation.business("transfer").evidence] == ["学生基本信息表", "转学原因证明"]


def test_states_have_fixed_codes_and_words() -> None:
    assert {status.value: status.code_label for status in Status} == {
        0: "起始", 1: "在读", 2: "休学", 3: "保留学籍", 4: "出国(境)", 5: "其他离校", 6: "失踪",
        11: "转出", 12: "毕业", 13: "结业", 14: "肄业", 15: "退学", 16: "开除", 17: "死亡",
        18: "注销",
    }  # fmt: skip
    assert {status.value for status in OPEN} == {1, 2, 3, 4, 5, 6}
    assert {status.value for status in FINAL} == {11, 12, 13, 14, 15, 16, 17, 18}
    assert [status for status in Status if status.counts_in_school] == [Status.STUDYING]
    assert BY_WORD["休学"] is Status.SUSPENDED
    assert str(Status.ABROAD.label) == "出国(境)"


def test_changes_of_state_are_a_stable_list(shipped: PolicyLibrary, nation: PolicySet) -> None:
    rows = {row.id: row.key for row in shipped.transitions()}
    registered = ChainKind.REGISTERED.value
    assert rows[101] == (registered, 0, "enrol", 1)
    assert rows[110] == (registered, 1, "transfer", 1)
    assert rows[120] == (registered, 1, "suspend", 2)
    assert rows[122] == (registered, 2, "resume", 1)
    assert rows[115] == (registered, 1, "transfer_out", 11)
    assert list(rows) == sorted(rows)
    assert len(set(rows.values())) == len(rows)
    assert [row.id for row in nation.transitions("suspend")] == [120]
    reached = {row.target for row in shipped.transitions()}
    assert reached == set(Status) - {Status.NONE}
    assert {row.source for row in shipped.transitions() if row.kind is ChainKind.GUEST} == {
        Status.NONE,
        Status.STUDYING,
        Status.TRANSFERRED_OUT,
    }


@pytest.mark.rule("NAT-TRF-13")
def test_those_who_left_may_come_back_by_transfer(nation: PolicySet) -> None:
    sources = {row.source.code_label for row in nation.transitions("transfer")}
    assert (
        sources
        == {"在读", "出国(境)", "其他离校", "退学", "开除"}
        == set(nation.param("transfer.states_allowed").value)
    )


def test_the_number_of_the_province_is_laid_out_and_scoped(county: PolicySet) -> None:
    scheme = county.number_scheme("province.auxiliary")
    parts = {"city": "01", "county": "01", "year": "26", "school": "015", "type": "0", "serial": 1}
    number = make_number(scheme, parts)
    assert number == "01012601500001"
    assert length(scheme) == 14
    assert parse_number(scheme, number) == {**parts, "serial": "0001"}
    assert serial_scope(scheme, parts) == "01.01.26.015.0"
    assert serial_limit(scheme) == 9999
    assert scheme.gap_free
    for wrong in ("0101260150001", "01012601500000", "0101260150000x"):
        assert parse_number(scheme, wrong) is None
    for broken in ({**parts, "serial": 10000}, {**parts, "school": "15"}, {**parts, "serial": 0}):
        with pytest.raises(ValueError, match="编号"):
            make_number(scheme, broken)
    with pytest.raises(ValueError, match="缺少"):
        make_number(scheme, {"city": "01"})


@pytest.mark.rule("NAT-NUM-02")
def test_national_numbers_are_read_but_never_made_here(county: PolicySet) -> None:
    scheme = county.number_scheme("national.G")
    assert parse_number(scheme, "G99010120190307123X") == {"prefix": "G", "id_number": "99010120190307123X"}
    with pytest.raises(ValueError, match="国家"):
        make_number(scheme, {"id_number": "99010120190307123X"})
    assert [length(county.number_scheme(f"national.{letter}")) for letter in "GJL"] == [19, 19, 19]
    assert serial_scope(scheme, {}) == "nation"


def test_periods_open_and_pause_businesses(county: PolicySet) -> None:
    assert county.closed_by("transfer", DAY, graduating=False) is None
    assert county.closed_by("transfer", date(2027, 2, 1), graduating=False).id == "cn-99-0101-spring-2027"  # type: ignore[union-attr]
    assert county.closed_by("transfer", date(2027, 7, 15), graduating=False).id == "cn-99-pause-2027"  # type: ignore[union-attr]
    assert county.closed_by("suspend", date(2027, 7, 1), graduating=False) is None
    assert county.closed_by("suspend", date(2027, 7, 1), graduating=True).graduating_only  # type: ignore[union-attr]
    assert [window.id for window in county.windows("transfer", DAY)] == ["cn-99-0101-autumn-2026"]


def test_the_lowest_pack_decides_how_long_records_are_kept(nation: PolicySet, county: PolicySet) -> None:
    assert [item.keep for item in nation.retention()] == [None]
    assert [item.keep for item in county.retention()] == ["permanent"]


def test_an_ordinary_transfer_passes_with_its_articles(county: PolicySet) -> None:
    trace = evaluate(county, "transfer.apply", TRANSFER, DAY)
    assert (trace.verdict, trace.may_proceed, trace.asks) == ("pass", True, ())
    assert trace.packs == ("cn", "cn-99", "cn-99-0101")
    finding = trace.finding("NAT-TRF-11")
    assert finding is not None
    assert finding.article == "《中小学生学籍管理相关问题处理办法》三.1"
    assert "原文未载明生效日期" in finding.caveat
    assert finding.values["$case.docs"] == ["学生基本信息表", "转学原因证明"]


@pytest.mark.parametrize(
    ("facts", "rule", "verdict", "words"),
    [
        (with_facts(case__docs=["学生基本信息表"]), "NAT-TRF-11", "need_docs", "还缺转学原因证明"),
        (with_facts(student__status="休学"), "DEMO-TRF-01", "block", "先办理复学"),
        (with_facts(case__from_grade="12"), "DEMO-TRF-02", "block", "转入年级三年级与转出年级12不同"),
        (with_facts(class__size_after=46), "DEMO-CLS-01", "block", "有46人，小学每班一般不超过45人"),
        (with_facts(class__size_after=None), "DEMO-CLS-01", "ask", "“办理后的班级人数”"),
        (with_facts(case__channel="paper"), "NAT-TRF-12", "ask", "“是否因系统故障先行线下办理”"),
    ],
)
def test_a_refusal_quotes_its_article_in_one_sentence(
    county: PolicySet, facts: dict[str, object], rule: str, verdict: str, words: str
) -> None:
    trace = evaluate(county, "transfer.apply", facts, DAY)
    worst = trace.findings[0]
    assert (worst.rule, worst.verdict, trace.verdict) == (rule, verdict, verdict)
    assert worst.sentence.startswith("《")
    assert words in worst.sentence
    assert trace.stopping[0] is worst


def test_invented_rules_say_so_in_every_finding(county: PolicySet) -> None:
    trace = evaluate(county, "transfer.apply", TRANSFER, DAY)
    for finding in trace.findings:
        assert ("虚构" in finding.caveat) is finding.pack.startswith("cn-99")


def test_the_day_of_the_event_picks_the_rules(county: PolicySet) -> None:
    facts = with_facts(class__size_after=46)
    assert evaluate(county, "transfer.apply", facts, date(2026, 9, 1)).verdict == "block"
    assert evaluate(county, "transfer.apply", facts, date(2026, 8, 31)).finding("DEMO-CLS-01") is None
    assert county.at(DAY) is county


def test_a_stored_case_is_answered_the_same_again(shipped: PolicyLibrary, county: PolicySet) -> None:
    first = evaluate(county, "transfer.apply", {**TRANSFER, "case.effective_on": date(2026, 12, 1)}, DAY)
    stored = json.loads(json.dumps(first.to_dict(), ensure_ascii=False))
    again = evaluate(county, stored["event"], stored["facts"], date.fromisoformat(stored["on"]))
    assert json.loads(json.dumps(again.to_dict(), ensure_ascii=False)) == stored
    fresh = shipped.resolve(county.ids, DAY)
    assert fresh.hash == stored["policy_hash"] == county.hash


def test_the_hash_follows_the_content_and_not_the_layout(base: str) -> None:
    one = load_pack(base, "cn.toml")
    same = load_pack("# a remark\n" + base.replace("\n\n", "\n\n\n"), "other.toml")
    other = load_pack(base.replace("value = 45", "value = 44"), "cn.toml")
    assert one.sha256 == same.sha256
    assert one.sha256 != other.sha256
    sets = [
        PolicyLibrary.from_files([PackFile("cn.toml", text)]).resolve(("cn",), DAY).hash
        for text in (base, base + "\n# remark", base.replace("value = 45", "value = 44"))
    ]
    assert sets[0] == sets[1] != sets[2]


@pytest.mark.parametrize(
    ("article", "words"),
    [
        ("6", "第六条"),
        ("10", "第十条"),
        ("21", "第二十一条"),
        ("30", "第三十条"),
        ("三.1", "三.1"),
        ("-", ""),
        ("前言", "前言"),
    ],
)
def test_articles_read_as_texts_print_them(article: str, words: str) -> None:
    assert article_words(article) == words


@pytest.mark.slow
def test_a_transfer_is_answered_in_two_milliseconds_with_five_levels() -> None:
    """Five packs of the size of the shipped ones; the trace and its sentences included.

    The processor's time is taken: answering computes and waits for nothing, and others' work must not count.
    """
    from xueji.ground.paths import data_dir

    folder = data_dir("policies")
    names = ["cn.toml", "demo/cn-99.toml", "demo/cn-99-0101.toml"]
    files = [PackFile(name, (folder / name).read_text("utf-8")) for name in names]
    parent = "cn-99-0101"
    head = '[pack]\nid = "{}"\ntitle = "x"\ntier = "{}"\nextends = "{}"\nversion = "1"\ninvented = true\n'
    rule = (
        '[[rule]]\nid = "{}"\non = ["transfer.apply"]\nneed = {{ cmp = ["$class.size_after", "<=", 99] }}\n'
        'else = "block"\nforce = "must"\ncite = "E1#1"\nphrase = "x"\n'
    )
    files[2] = PackFile(names[2], files[2].text.replace('tier = "county"', 'tier = "city"'))
    for tier in ("county", "school"):
        text = head.format(f"cn-99-{tier}", tier, parent) + "".join(
            rule.format(f"{tier}-{n}") for n in range(20)
        )
        files.append(PackFile(f"{tier}.toml", text))
        parent = f"cn-99-{tier}"
    library = PolicyLibrary.from_files(files)
    policy = library.resolve(library.chain_of(parent), DAY)
    assert len(policy.ids) == 5
    times = []
    for _round in range(300):
        start = time.thread_time()
        evaluate(policy, "transfer.apply", TRANSFER, DAY).to_dict()
        times.append(time.thread_time() - start)
    assert sorted(times)[284] <= 0.002


def test_a_class_of_data_is_kept_for_longer_from_its_day_and_the_longest_line_counts(
    county: PolicySet,
) -> None:
    kept = county.lengthened()["invitation"]
    assert (kept.keep, kept.cite.article) == ("P2Y", "5")
    assert county.at(date(2026, 8, 31)).lengthened() == {}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('class = "invitation"\nkeep = "P6M"', "只能延长不能缩短"),
        ('class = "invitation"\nkeep = "permanent"', "永久"),
        ('class = "invitation"\nstate = "unstated"', "不能不写"),
        ('class = "invitation"\nkeep = "P900D"', "年或月"),
        ('class = "record"\nkeep = "P90Y"', "可以销毁的数据"),
        ('keep = "P9Y"\nfrom = 2026-01-01', "class"),
        ('class = "invitation"\nkeep = "P3Y"\nfrom = 2027-01-01\nto = 2026-01-01', "早于"),
    ],
    ids=["shorter", "for ever", "unstated", "in days", "the record", "dates alone", "backwards"],
)
def test_a_line_that_would_shorten_what_the_law_keeps_does_not_load(
    shipped: PolicyLibrary, line: str, says: str
) -> None:
    text = (data_dir("policies") / "demo" / "cn-99-0101.toml").read_text(encoding="utf-8")
    text += f'\n[[retention]]\nid = "more"\nlabel = "试"\ncite = "E1#9"\n{line}\n'
    with pytest.raises(PackError, match=says):
        load_pack(text, "x.toml", [shipped.pack(name) for name in shipped.chain_of("cn-99-0101")[:-1]])
