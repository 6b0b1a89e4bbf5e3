"""List the packages that Xueji installs, with the licences their own metadata names.

    python tools/third_party.py            print the tables
    python tools/third_party.py --write    put them into THIRD_PARTY.md
    python tools/third_party.py --check    exit 1 when a package of pyproject.toml is missing there

The tables follow `pyproject.toml` and, for what those packages need in turn, the metadata of the
environment in which this runs. They name no versions: `requirements.lock` does.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

BEGIN, END = "<!-- installed: begin -->", "<!-- installed: end -->"

# Metadata that is missing, vague or a whole licence text, read in the package's own licence file.
READ_BY_HAND = {
    "django-csp": "BSD-3-Clause",
    "pytest-django": "BSD-3-Clause",
    "pypdfium2": "BSD-3-Clause, Apache-2.0 (with PDFium)",
    "segno": "BSD-3-Clause",
    "sqlparse": "BSD-3-Clause",
}
SHORT_NAMES = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "BSD 2-Clause License": "BSD-2-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
_REQUIREMENT = re.compile(r"^\s*(?P<name>[A-Za-z0-9._-]+)\s*(?:\[(?P<extras>[^\]]*)\])?(?P<rest>.*)$")


class MissingPackage(LookupError):
    """A package that pyproject.toml names is not installed here."""


def normalise(name: str) -> str:
    """Return a package name in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def split(requirement: str) -> tuple[str, frozenset[str], str]:
    """Return name, extras and environment marker of a requirement such as `a[b]>=1; c == "d"`."""
    body, _, marker = requirement.partition(";")
    match = _REQUIREMENT.match(body)
    if match is None:
        raise ValueError(f"a requirement that cannot be read: {requirement!r}")
    extras = frozenset(extra.strip() for extra in (match["extras"] or "").split(",") if extra.strip())
    return normalise(match["name"]), extras, marker.strip()


def licence(package: str) -> str:
    """Return the licence of an installed package; raises MissingPackage when it is not installed."""
    try:
        about = metadata.metadata(package)
    except metadata.PackageNotFoundError as missing:
        raise MissingPackage(package) from missing
    if normalise(package) in READ_BY_HAND:
        return READ_BY_HAND[normalise(package)]
    classifiers = [line.split(" :: ")[-1] for line in about.get_all("Classifier", []) if "License" in line]
    fields = (about[key] for key in ("License-Expression", "License") if key in about)
    stated = next((text for text in fields if text), "")
    if not stated or "\n" in stated or len(stated) > 40:
        stated = " or ".join(classifiers)
    return SHORT_NAMES.get(stated, stated) or "not stated"


def closure(requirements: Iterable[str]) -> dict[str, bool]:
    """Return every package that the requirements install here; True for those named directly.

    Optional parts count when an extra asks for them; parts for other systems are left out, as
    only what is installed can be read.
    """
    found: dict[str, bool] = {}
    direct = [split(requirement) for requirement in requirements]
    pending = [(name, extras, True) for name, extras, _ in direct]
    done: set[tuple[str, frozenset[str]]] = set()
    while pending:
        name, extras, named = pending.pop()
        found[name] = found.get(name, False) or named
        if (name, extras) in done:
            continue
        done.add((name, extras))
        for needed, more, marker in map(split, metadata.requires(name) or []):
            asked = re.findall(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
            if (not asked or extras.intersection(asked)) and _installed(needed):
                pending.append((needed, more, False))
    return dict(sorted(found.items()))


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def tables(pyproject: str) -> str:
    """Return both tables as Markdown: what runs, and what only development needs."""
    settings = tomllib.loads(pyproject)
    runtime = closure(settings["project"]["dependencies"])
    groups = settings.get("dependency-groups", {})
    development = closure(line for group in groups.values() for line in group)
    lines = ["### Needed to run", "", *_table(runtime), "", "### Needed to develop and test", ""]
    lines += _table({name: named for name, named in development.items() if name not in runtime})
    return "\n".join(lines)


def _table(packages: dict[str, bool]) -> list[str]:
    rows = [
        f"| {metadata.metadata(name)['Name']} | {licence(name)} | {'named here' if named else 'by another'} |"
        for name, named in packages.items()
    ]
    return ["| Package | Licence | Needed |", "|---|---|---|", *rows]


def missing(document: str, pyproject: str) -> list[str]:
    """Return the packages that pyproject.toml names and the document does not list."""
    settings = tomllib.loads(pyproject)
    lines = list(settings["project"]["dependencies"])
    lines += [line for group in settings.get("dependency-groups", {}).values() for line in group]
    listed = {normalise(cell) for cell in re.findall(r"^\| ([A-Za-z0-9._-]+) \|", document, re.MULTILINE)}
    return sorted({split(line)[0] for line in lines} - listed)


def main(argv: Sequence[str] | None = None) -> int:
    """Print, write or check the tables; return 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the tables into THIRD_PARTY.md")
    parser.add_argument("--check", action="store_true", help="exit 1 when a named package is not listed")
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parents[1], help="the repository"
    )
    options = parser.parse_args(argv)
    pyproject = (options.root / "pyproject.toml").read_text(encoding="utf-8")
    target: Path = options.root / "THIRD_PARTY.md"
    if options.check:
        absent = missing(target.read_text(encoding="utf-8"), pyproject)
        if absent:
            print(f"third party: not listed in THIRD_PARTY.md: {', '.join(absent)}", file=sys.stderr)
        return 1 if absent else 0
    try:
        text = tables(pyproject)
    except (MissingPackage, metadata.PackageNotFoundError) as problem:
        print(f"third party: not installed here: {problem}", file=sys.stderr)
        return 1
    if not options.write:
        print(text)
        return 0
    document = target.read_text(encoding="utf-8")
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        print(f"third party: THIRD_PARTY.md lacks {BEGIN} or {END}", file=sys.stderr)
        return 1
    target.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
