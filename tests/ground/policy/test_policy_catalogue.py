"""Every rule of the catalogue stands in exactly one place, and each live one is shown both ways."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xueji.ground.paths import data_dir
from xueji.ground.policy import inheritance
from xueji.ground.policy.engine import evaluate
from xueji.ground.policy.examples import Example, read_examples, run_example
from xueji.ground.policy.library import PackFile, PolicyLibrary, lint, pack_paths
from xueji.ground.policy.loader import load_pack
from xueji.ground.policy.model import Note, Pack, PackError, Rule
from xueji.ground.policy.predicates import Operand, Predicate
from xueji.ground.policy.reader import WEAK_AUTHORITIES
from xueji.ground.policy.statuses import BY_WORD

DAY = date(2026, 11, 22)
REGISTER = Path(__file__).resolve().parents[3] / "docs" / "identifiers" / "rules.csv"
EXAMPLES = read_examples(data_dir("policies"))
NEW_WORD = {"NAT-NUM-02", "NAT-NUM-16", "GD-ENR-04", "SH-ENR-03"}
"""Rules about rules: live as lints, shown by tests of their own."""


def marks_of(rule: str) -> list[pytest.MarkDecorator]:
    """The marker of a rule of the catalogue; invented rules and the law's own have none."""
    return [pytest.mark.rule(rule)] if rule in register() else []


def cases() -> list[Any]:
    """The examples, each marked with the rule that it shows."""
    seen: Counter[str] = Counter()
    found = []
    for example in EXAMPLES:
        seen[example.rule] += 1
        name = f"{example.rule}-{seen[example.rule]}-{example.expect}"
        found.append(pytest.param(example, id=name, marks=marks_of(example.rule)))
    return found


@cache
def register() -> dict[str, dict[str, str]]:
    """The catalogue: 546 identifiers with jurisdiction, force, document and article."""
    with REGISTER.open(encoding="utf-8", newline="") as handle:
        return {row["id"]: row for row in csv.DictReader(handle)}


def packs_of(library: PolicyLibrary) -> list[Pack]:
    """All packs."""
    return [library.pack(name) for name in library.ids()]


def notes_of(library: PolicyLibrary, kind: str) -> list[Note]:
    """All notes of a kind."""
    return [note for pack in packs_of(library) for note in pack.notes if note.kind == kind]


@pytest.mark.parametrize("example", cases())
def test_a_rule_answers_its_example(shipped: PolicyLibrary, example: Example) -> None:
    assert run_example(shipped, example) == example.expect


def test_each_live_rule_has_an_example_that_passes_and_one_that_does_not(shipped: PolicyLibrary) -> None:
    expected: dict[str, set[str]] = defaultdict(set)
    for example in EXAMPLES:
        expected[example.rule].add(example.expect)
    for pack in packs_of(shipped):
        for rule in pack.rules:
            assert "pass" in expected[rule.id], rule.id
            assert expected[rule.id] - {"pass", "ask", "none"}, rule.id
    assert len({(item.rule, item.name) for item in EXAMPLES}) == len(EXAMPLES)


def live_rules() -> list[Any]:
    """Every live rule that has examples, marked with itself, with its first good and its first bad example."""
    by_rule: dict[str, list[Example]] = defaultdict(list)
    for example in EXAMPLES:
        by_rule[example.rule].append(example)
    found = []
    for rule, examples in by_rule.items():
        good = next((item for item in examples if item.expect == "pass"), None)
        bad = next((item for item in examples if item.expect not in ("pass", "ask", "none")), None)
        if good and bad:
            found.append(pytest.param(good, bad, id=rule, marks=marks_of(rule)))
    return found


def with_rule(packs: PolicyLibrary, example: Example, change: Callable[[Rule], Rule | None]) -> PolicyLibrary:
    """The line of the example with its rule changed, or gone, in memory."""
    line = {name: packs.pack(name) for name in packs.chain_of(example.pack)}
    own = line[example.pack]
    rules = [change(rule) if rule.id == example.rule else rule for rule in own.rules]
    line[example.pack] = replace(own, rules=tuple(rule for rule in rules if rule is not None))
    return PolicyLibrary(line)


@pytest.mark.parametrize(("good", "bad"), live_rules())
def test_a_rule_that_is_switched_off_or_turned_round_is_missed_by_its_examples(
    shipped: PolicyLibrary, good: Example, bad: Example
) -> None:
    """Otherwise the examples would stay green without the rule, and show nothing of it."""
    off = with_rule(shipped, bad, lambda rule: None)
    assert run_example(off, bad) == "none"
    assert run_example(off, good) == "none"
    turned = with_rule(shipped, bad, lambda rule: replace(rule, need=Predicate("not", (rule.need,))))
    assert run_example(turned, bad) == "pass"
    assert run_example(turned, good) not in ("pass", "none")


def test_without_facts_no_live_rule_passes(shipped: PolicyLibrary) -> None:
    for example in EXAMPLES:
        policy = shipped.resolve(shipped.chain_of(example.pack), DAY)
        finding = evaluate(policy, example.event, {}, DAY).finding(example.rule)
        assert finding is not None and finding.verdict != "pass", example.rule


@given(st.data())
def test_knowing_less_of_an_example_never_lets_it_pass(shipped: PolicyLibrary, data: st.DataObject) -> None:
    example = data.draw(st.sampled_from([item for item in EXAMPLES if item.expect not in ("pass", "none")]))
    known = data.draw(st.sets(st.sampled_from(sorted(example.facts)))) if example.facts else set()
    less = replace(example, facts={name: example.facts[name] for name in known})
    assert run_example(shipped, less) != "pass"


def test_every_finding_speaks_chinese_with_its_article_and_its_caveat(shipped: PolicyLibrary) -> None:
    for example in EXAMPLES:
        policy = shipped.resolve(shipped.chain_of(example.pack), example.on)
        finding = evaluate(policy, example.event, example.facts, example.on).finding(example.rule)
        assert finding is not None, example.rule
        assert finding.sentence.startswith(f"《{finding.cite.source.title}》"), example.rule
        assert "{" not in finding.sentence and "None" not in finding.sentence, finding.sentence
        if shipped.pack(example.pack).reference:
            assert "date_unstated" in finding.caveats, example.rule


def test_every_rule_of_the_catalogue_has_exactly_one_disposition(shipped: PolicyLibrary) -> None:
    found: Counter[str] = Counter()
    for pack in packs_of(shipped):
        found.update(
            {rule.id for rule in pack.rules} | {item.id for item in pack.lints if item.id in NEW_WORD}
        )
        found.update(note.id for note in pack.notes)
    assert set(register()) - set(found) == set()
    assert {name for name in found if not name.startswith(("DEMO-", "LAW-"))} == set(register())
    assert {name for name, times in found.items() if times > 1} == set()


def test_article_document_and_force_are_those_of_the_catalogue(shipped: PolicyLibrary) -> None:
    rows = register()
    word = {"M": "must", "G": "general", "Y": "may", "A": "advisory"}
    for pack in packs_of(shipped):
        for item in [*pack.rules, *pack.notes]:
            row = rows.get(item.id)
            if row is None:
                continue
            assert item.cite.article == row["article"], item.id
            if pack.reference:
                strip = str.maketrans("", "", " *()（）")
                document = row["document"].translate(strip)
                title = item.cite.source.title.translate(strip)
                assert title[:6] in document or document[:6] in title or pack.id == "cn-13", item.id
            if pack.reference and not isinstance(item, Note):
                assert item.force == word[row["force"]], item.id


def not_live() -> list[Any]:
    """Every rule of a text that is not live, with its kind, marked with itself."""
    packs = PolicyLibrary.from_folder(data_dir("policies"))
    return [
        pytest.param(note.id, note.kind, id=f"{note.kind}-{note.id}", marks=marks_of(note.id))
        for pack in packs_of(packs)
        for note in pack.notes
    ]


@pytest.mark.parametrize(("rule", "kind"), not_live())
def test_what_is_not_live_says_why_and_could_not_bind_anybody(
    shipped: PolicyLibrary, rule: str, kind: str
) -> None:
    pack = next(item for item in packs_of(shipped) if any(note.id == rule for note in item.notes))
    note = next(item for item in pack.notes if item.id == rule)
    line = [shipped.pack(name) for name in shipped.chain_of(pack.id)]
    policy = shipped.resolve(shipped.chain_of(pack.id), DAY)
    assert note.kind == kind and rule not in {item.id for item in policy.rules}
    if kind == "suggestion":
        # A text without rank: made a rule that binds, it does not load, and the line is named.
        head = shipped.text_of(pack.id).partition("\n[[suggestion]]")[0]
        event = next(iter(policy.businesses()), None)
        on = f"{event.id}.apply" if event else f"{next(e.id for p in line for e in p.events)}.check"
        field = next(iter(policy.fields))
        binding = (
            f'\n[[rule]]\nid = "{rule}"\non = ["{on}"]\nneed = {{ present = ["${field}"] }}\nelse = "block"\n'
            f'force = "must"\ncite = "{note.cite}"\nphrase = "{note.cite.phrase}"\n'
        )
        with pytest.raises(PackError, match="没有效力等级"):
            load_pack(head + binding, pack.file, line[:-1])
    elif kind == "refused":
        found = inheritance.refusals(note, line[-1], line[:-1])
        assert any(problem.forbidden_by.startswith(f"{note.by} ") for problem in found)
    elif kind == "checklist":
        assert note.who and note.text
    else:
        assert note.ask and (not note.param or not policy.param(note.param).stated)


def test_only_texts_without_rank_are_suggestions(shipped: PolicyLibrary) -> None:
    suggestions = notes_of(shipped, "suggestion")
    assert len(suggestions) > 100
    assert all(note.cite.source.authority in WEAK_AUTHORITIES for note in suggestions)
    for pack in packs_of(shipped):
        weak = [rule.id for rule in pack.rules if rule.cite.source.authority in WEAK_AUTHORITIES]
        assert weak == []


def test_a_suggestion_a_checklist_and_a_blank_decide_nothing(shipped: PolicyLibrary) -> None:
    for pack in packs_of(shipped):
        quiet = {note.id for note in pack.notes}
        policy = shipped.resolve(shipped.chain_of(pack.id), DAY)
        assert quiet.isdisjoint(rule.id for rule in policy.rules)
        for note in pack.notes:
            assert note.text and note.cite.phrase and len(note.cite.phrase) <= 25
            assert bool(note.who) is (note.kind == "checklist"), note.id


def test_what_is_unstated_names_the_question(shipped: PolicyLibrary) -> None:
    blanks = notes_of(shipped, "unstated")
    assert {"SYSU-GAP-01", "JSCS-SUS-03", "XPCC-RPT-02"} <= {note.id for note in blanks}
    for note in blanks:
        assert note.ask
        if note.param:
            policy = shipped.resolve(shipped.chain_of(note.pack), DAY)
            assert not policy.param(note.param).stated


@pytest.mark.rule("HEBQA-TRF-02", "HEBJZ-TRF-02", "GD-TRF-02", "GXBL-TRF-02", "SCH17-TRF-02", "GDSD-TRF-08")
@pytest.mark.rule("RUR-LOD-01", "NAT-TRF-11")
def test_the_lint_names_what_refuses_each_refused_rule(shipped: PolicyLibrary) -> None:
    refused = notes_of(shipped, "refused")
    assert {note.by for note in refused} == {"NAT-TRF-11", "LAW-CES-12"}
    assert {"HEBQA-TRF-02", "HEBJZ-TRF-02", "GD-TRF-02", "GXBL-TRF-02"} <= {note.id for note in refused}
    for note in refused:
        line = [shipped.pack(name) for name in shipped.chain_of(note.pack)]
        found = inheritance.refusals(note, line[-1], line[:-1])
        assert any(problem.forbidden_by.startswith(f"{note.by} ") for problem in found), note.id


def test_a_refused_rule_does_not_load_when_somebody_makes_it_live() -> None:
    files = []
    for path in pack_paths(data_dir("policies")):
        text = path.read_text("utf-8")
        if path.name == "cn-13-qianan.toml":
            text = text.replace("[[refused]]", "[[rule]]").replace('by = "NAT-TRF-11"\n', "")
        files.append(PackFile(path.name, text))
    found = lint(files)
    assert {problem.subject for problem in found} == {"HEBQA-TRF-02", "HEBQA-TRF-05", "HEBQA-TRF-06"}
    assert all(problem.forbidden_by.startswith("NAT-TRF-11 ") for problem in found)
    assert all(problem.where.file == "cn-13-qianan.toml" for problem in found)


def test_nothing_may_be_called_refused_that_no_article_refuses() -> None:
    files = []
    for path in pack_paths(data_dir("policies")):
        text = path.read_text("utf-8")
        if path.name == "cn-13-qianan.toml":
            text = text.replace('by = "NAT-TRF-11"', 'by = "NAT-TRF-12"', 1)
        files.append(PackFile(path.name, text))
    (problem,) = lint(files)
    assert problem.subject == "HEBQA-TRF-02" and "并不禁止" in problem.message


@pytest.mark.rule("GD-ENR-04", "SH-ENR-03")
@pytest.mark.parametrize(("parent", "by"), [("cn-44-school", "GD-ENR-04"), ("cn-31", "SH-ENR-03")])
@pytest.mark.parametrize("levels", ["K9", "S"])
def test_no_entrance_test_in_compulsory_schooling(parent: str, by: str, levels: str) -> None:
    child = f"""
[pack]
id = "below"
title = "某校"
tier = "school"
extends = "{parent}"
levels = ["K12"]
version = "1"
[[source]]
id = "XX"
title = "某校规定"
authority = "school"
[[rule]]
id = "BELOW-1"
on = ["intake.apply"]
levels = ["{levels}"]
need = {{ cmp = ["$case.exam_passed", "==", true] }}
else = "block"
force = "must"
cite = "XX#1"
phrase = "经考核合格方可入学"
"""
    files = [PackFile(path.name, path.read_text("utf-8")) for path in pack_paths(data_dir("policies"))]
    if parent == "cn-44-school":
        files = [
            PackFile(item.name, item.text.replace('tier = "school"', 'tier = "county"', 1))
            if item.name == "cn-44-school.toml"
            else item
            for item in files
        ]
    found = lint([*files, PackFile("below.toml", child)])
    named = {problem.forbidden_by.split(" ")[0] for problem in found}
    assert named == ({by, "LAW-CES-12"} if levels == "K9" else set())


def test_most_texts_carry_no_date_and_every_finding_says_so(shipped: PolicyLibrary) -> None:
    dated = [
        rule.id
        for pack in packs_of(shipped)
        if pack.reference
        for rule in pack.rules
        if rule.start or rule.end
    ]
    assert dated == []
    policy = shipped.resolve(shipped.chain_of("cn-31"), DAY)
    finding = evaluate(policy, "transfer.apply", {"student.stage": "P", "class.size_after": 41}, DAY).finding(
        "SH-CLS-01"
    )
    assert finding is not None
    assert finding.verdict == "block" and finding.overridable
    assert {"date_unstated", "source_cut"} <= set(finding.caveats)


def test_packs_kept_for_reference_govern_nobody_until_a_unit_is_bound(shipped: PolicyLibrary) -> None:
    assert shipped.ids_for("130283") == ("cn",)
    assert shipped.ids_for("310117") == ("cn",)
    assert shipped.chain_of("cn-13-qianan") == ("cn", "cn-13", "cn-13-qianan")
    assert shipped.pack("sysu").extends == "he"


def test_grades_and_states_are_those_of_the_code_tables(shipped: PolicyLibrary) -> None:
    with (data_dir("standards") / "grade_k12.csv").open(encoding="utf-8", newline="") as handle:
        grades = {row["code"] for row in csv.DictReader(handle)}
    known = {"student.grade": grades, "case.to_grade": grades, "case.from_grade": grades}
    known |= {"student.status": set(BY_WORD), "student.stage": {"P", "J", "S"}}
    for pack in packs_of(shipped):
        if "cn" not in shipped.chain_of(pack.id):
            continue
        rules = [*pack.rules, *(note.rule for note in pack.notes if note.rule)]
        for condition in [item for rule in rules for item in (rule.when, rule.need) if item is not None]:
            for node in condition.walk():
                named = [arg.value for arg in node.args if isinstance(arg, Operand) and arg.kind == "field"]
                for literal in [
                    arg for arg in node.args if isinstance(arg, Operand) and arg.kind == "literal"
                ]:
                    words = literal.value if isinstance(literal.value, tuple) else (literal.value,)
                    for name in set(named) & set(known):
                        assert set(words) <= known[name], (pack.id, name, words)
