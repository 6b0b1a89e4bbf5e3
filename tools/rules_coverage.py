"""Write docs/rules-coverage.md and docs/how-places-differ.md from the packs.

The first lists every rule of docs/identifiers/rules.csv with what has become of it (live, refused, suggestion,
checklist, unstated), its pack, its article and its examples. The second lists the questions that the texts
answer differently, place by place, with the article.

    python tools/rules_coverage.py            write both pages
    python tools/rules_coverage.py --check    only compare; exit 1 when one is stale or a rule has no place
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from xueji.ground.policy.catalogue import KINDS, Disposition, dispositions, read_conflicts
from xueji.ground.policy.compare import rule_words, value_words
from xueji.ground.policy.examples import Example, read_examples
from xueji.ground.policy.findings import article_words
from xueji.ground.policy.library import PolicyLibrary
from xueji.ground.policy.model import Cite

DAY = date(2026, 11, 22)
"""A fixed day, so that the pages change only when the packs do."""
COVERAGE = "docs/rules-coverage.md"
PLACES = "docs/how-places-differ.md"
WORDS = {
    "live": "live",
    "refused": "refused by a stronger article",
    "suggestion": "suggestion (text without rank)",
    "checklist": "checklist for people",
    "unstated": "unstated in the text",
}


def read_register(root: Path) -> list[dict[str, str]]:
    """The rows of the catalogue."""
    with (root / "docs" / "identifiers" / "rules.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def coverage_page(
    register: Sequence[dict[str, str]], places: dict[str, Disposition], examples: Iterable[Example]
) -> str:
    """The text of docs/rules-coverage.md."""
    shown: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        shown[example.rule].append(example)
    have = sum(row["id"] in places for row in register)
    lines = [
        "# What has become of each rule",
        "",
        "Written by `python tools/rules_coverage.py` from `policies/`; do not edit. Examples are in",
        "`policies/examples/`; each is run by `tests/ground/policy/test_policy_catalogue.py`, which also sees that a",
        "rule switched off or turned round is missed by its examples. *tests*: a rule about rules, shown by a lint's own.",
        "",
        f"**{have} of {len(register)} rules have a disposition.**",
        "",
        *[f"- {WORDS[kind]}: {_count(register, places, kind)}" for kind in KINDS],
        "",
        "A rule is live when the engine decides it in the pack of its place. Packs of real places are kept for",
        "reference: their texts are incomplete and mostly undated, so they govern no unit until one is bound to",
        "them by name, and every finding carries that caveat. Businesses of universities, adult education and",
        "training are not built; their rules load and answer, nothing calls them yet.",
        "",
        *_totals(register, places),
    ]
    groups: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in register:
        groups[row["jurisdiction"]].append(row)
    for name, rows in groups.items():
        lines += [
            f"## {name}",
            "",
            "| Identifier | Disposition | Pack | Article | Force | Shown by, or why not live |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(row, places.get(row["id"]), shown[row["id"]]) for row in rows]
        lines.append("")
    return "\n".join(lines)


def _count(register: Iterable[dict[str, str]], places: dict[str, Disposition], kind: str) -> int:
    return sum(row["id"] in places and places[row["id"]].kind == kind for row in register)


def _totals(register: Sequence[dict[str, str]], places: dict[str, Disposition]) -> list[str]:
    names = list(dict.fromkeys(row["jurisdiction"] for row in register))
    lines = [f"| Jurisdiction | {' | '.join(KINDS)} | of |", "|---|" + "---|" * (len(KINDS) + 1)]
    for name in names:
        rows = [row for row in register if row["jurisdiction"] == name]
        cells = [str(_count(rows, places, kind) or "") for kind in KINDS]
        lines.append(f"| {name} | {' | '.join(cells)} | {len(rows)} |")
    cells = [str(_count(register, places, kind)) for kind in KINDS]
    return [*lines, f"| **all** | {' | '.join(cells)} | {len(register)} |", ""]


def _row(row: dict[str, str], item: Disposition | None, examples: Sequence[Example]) -> str:
    if item is None:
        return f"| {row['id']} | none | | | | |"
    note = item.note
    if note is not None:
        why = {
            "refused": f"by {note.by}: {note.text}",
            "checklist": f"{note.who}: {note.text}",
            "suggestion": note.text,
            "unstated": f"{note.text}；待定：{note.ask}",
        }[item.kind]
    elif item.is_lint:
        why = "lint; tests"
    elif not examples:
        why = "tests"
    else:
        counts = Counter(example.expect for example in examples)
        why = "examples: " + ", ".join(f"{times} {verdict}" for verdict, times in sorted(counts.items()))
    return (
        f"| {row['id']} | {item.kind} | {item.pack} | {_article(item.cite)} | {item.force} | {_cell(why)} |"
    )


def places_page(root: Path, packs: PolicyLibrary, places: dict[str, Disposition]) -> str:
    """The text of docs/how-places-differ.md."""
    conflicts = read_conflicts(root / "policies")
    lines = [
        "# How places differ",
        "",
        "Written by `python tools/rules_coverage.py` from `policies/`; do not edit. Each section is one question that",
        "the texts at hand answer differently, or that one text leaves open. Nothing here says that a text is in",
        "force today: most give no date.",
        "",
        f"{len(conflicts)} questions.",
        "",
    ]
    for conflict in conflicts:
        lines += [f"## {conflict.number}. {conflict.title}", "", conflict.answer, ""]
        values = [row for name in conflict.params for row in _values(packs, name)]
        if values:
            lines += ["| Value | Place | What it is | Article |", "|---|---|---|---|", *values, ""]
        lines += ["| Rule | Place | What the text says | Disposition | Article |", "|---|---|---|---|---|"]
        for name in conflict.rules:
            lines.append(_saying(packs, places[name]))
        lines.append("")
    return "\n".join(lines)


def _values(packs: PolicyLibrary, name: str) -> Iterable[str]:
    for pack_id in packs.ids():
        pack = packs.pack(pack_id)
        if pack.invented:
            continue
        for param in pack.params:
            held = param.on(DAY) if param.id == name else None
            if held is not None:
                value = f"{value_words(held)}{param.unit if held.stated else ''}"
                yield f"| `{name}` | {pack.title} | {_cell(value)} ({held.force}) | {_article(held.cite)} |"


def _saying(packs: PolicyLibrary, item: Disposition) -> str:
    policy = packs.resolve(packs.chain_of(item.pack), DAY)
    text = item.note.text if item.note else f"“{item.cite.phrase}”"
    if item.rule is not None:
        text = rule_words(item.rule, policy)
    kind = f"refused by {item.note.by}" if item.note and item.note.by else item.kind
    title = packs.pack(item.pack).title
    return f"| {item.id} | {title} | {_cell(text)} | {kind} | {_article(item.cite)} |"


def _article(cite: Cite) -> str:
    return _cell(f"《{cite.source.title}》{article_words(cite.article)}")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("*", "\\*").replace("_", "\\_")


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the pages; return 0, or 1 with the reasons on standard error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 when a page is stale")
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parents[1], help="the repository"
    )
    options = parser.parse_args(argv)
    root: Path = options.root
    packs = PolicyLibrary.from_folder(root / "policies")
    register, places = read_register(root), dispositions(packs)
    pages = {
        COVERAGE: coverage_page(register, places, read_examples(root / "policies")),
        PLACES: places_page(root, packs, places),
    }
    problems = [f"{row['id']} has no disposition" for row in register if row["id"] not in places]
    for name, text in pages.items():
        target = root / name
        if not options.check:
            target.write_text(text, encoding="utf-8")
        elif not target.is_file() or target.read_text(encoding="utf-8") != text:
            problems.append(f"{name} is stale; run `python tools/rules_coverage.py`")
    if problems:
        print("\n".join(f"rules: {problem}" for problem in problems), file=sys.stderr)
        return 1
    print(f"{sum(row['id'] in places for row in register)} of {len(register)} rules have a disposition")
    return 0


if __name__ == "__main__":
    sys.exit(main())
