"""Copy the identifiers of the requirement papers into the repository.

The papers (a capability catalogue in Markdown, a rule catalogue as JSON lines) live outside the
repository. What the tests and the coverage map need of them, identifiers, priorities and short
titles, is kept here as two CSV files, so that a checkout is complete in itself.

    python tools/extract_identifiers.py CAPABILITIES.md RULES.jsonl [--out docs/identifiers]
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

CAPABILITY_FIELDS = ("id", "priority", "area", "area_name", "title")
RULE_FIELDS = ("id", "jurisdiction", "level", "force", "kind", "document", "article", "title")
TITLE_LENGTH = 110

_AREA = re.compile(r"^\| (?P<code>[A-Z]{3}) \| (?P<name>[^|]+?) \|")
_CAPABILITY = re.compile(
    r"^- \*\*(?P<id>C-(?P<area>[A-Z]{3})-\d{2}) \[(?P<priority>P[123])\] (?P<title>.+?)\.?\*\*"
)
_DERIVED = re.compile(r"\s*\(derived[^)]*\)[,;]?")


class PaperError(ValueError):
    """A paper does not have the shape that this script reads."""


def read_capabilities(text: str) -> list[dict[str, str]]:
    """Return one row per capability heading of the catalogue, in its order.

    Raises PaperError when a heading cannot be read or an identifier occurs twice.
    """
    names: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if area := _AREA.match(line):
            names[area["code"]] = area["name"]
        elif line.startswith("- **C-"):
            heading = _CAPABILITY.match(line)
            if heading is None:
                raise PaperError(f"line {number}: a capability heading that cannot be read: {line[:80]}")
            rows.append(
                {
                    "id": heading["id"],
                    "priority": heading["priority"],
                    "area": heading["area"],
                    "area_name": names.get(heading["area"], heading["area"]),
                    "title": heading["title"].strip(),
                }
            )
    _refuse_duplicates(row["id"] for row in rows)
    return rows


def read_rules(text: str) -> list[dict[str, str]]:
    """Return one row per rule of a JSON lines file, in its order.

    Raises PaperError when a line lacks a field or an identifier occurs twice.
    """
    rows: list[dict[str, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        rule = json.loads(line)
        try:
            row = {field: str(rule[field]) for field in RULE_FIELDS if field != "title"}
            row["title"] = short_title(rule["statement"])
        except KeyError as missing:
            raise PaperError(f"line {number}: the rule has no field {missing}") from missing
        rows.append(row)
    _refuse_duplicates(row["id"] for row in rows)
    return rows


def short_title(statement: str) -> str:
    """Return the first sentence of a rule's statement, cut at a word so that it fits one line."""
    plain = " ".join(_DERIVED.sub("", statement).split())
    plain = re.sub(r"\bin (?:the )?seed\b", "in the source", plain)
    sentence = re.split(r"(?<=[^.\s]{2})\. ", plain, maxsplit=1)[0].rstrip(".; ")
    if len(sentence) <= TITLE_LENGTH:
        return sentence
    cut = sentence[:TITLE_LENGTH]
    cut = cut[: cut.rfind(" ")] if " " in cut else cut
    for opening, closing in ("()", "[]", "{}"):
        if cut.count(opening) > cut.count(closing):
            cut = cut[: cut.rfind(opening)]
    return cut.rstrip(",;:.= ") + " ..."


def _refuse_duplicates(identifiers: Iterable[str]) -> None:
    seen: set[str] = set()
    for identifier in identifiers:
        if identifier in seen:
            raise PaperError(f"{identifier} occurs twice")
        seen.add(identifier)


def write_csv(path: Path, fields: Sequence[str], rows: Iterable[dict[str, str]]) -> None:
    """Write rows with the given columns as UTF-8 CSV with Unix line ends."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Extract both papers; return 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("capabilities", type=Path, help="the capability catalogue (Markdown)")
    parser.add_argument("rules", type=Path, help="the rule catalogue (JSON lines)")
    default = Path(__file__).resolve().parents[1] / "docs" / "identifiers"
    parser.add_argument("--out", type=Path, default=default, help="folder for the two CSV files")
    options = parser.parse_args(argv)
    try:
        capabilities = read_capabilities(options.capabilities.read_text(encoding="utf-8"))
        rules = read_rules(options.rules.read_text(encoding="utf-8"))
    except (PaperError, OSError, json.JSONDecodeError) as problem:
        print(f"extract_identifiers: {problem}", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    write_csv(options.out / "capabilities.csv", CAPABILITY_FIELDS, capabilities)
    write_csv(options.out / "rules.csv", RULE_FIELDS, rules)
    print(f"{len(capabilities)} capabilities, {len(rules)} rules")
    return 0


if __name__ == "__main__":
    sys.exit(main())
