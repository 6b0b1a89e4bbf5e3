"""Pages of docs/reference that are written from the code: one way to write them and to see that they are fresh."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def cell(text: str) -> str:
    """Return a text that may stand in a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(cell(c) for c in row) + " |" for row in rows]


def setup_django() -> None:
    """Configure Django as for an empty installation in a temporary folder; nothing connects to a database."""
    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="xueji-docs-")
        globals()["_folder"] = folder  # kept until the process ends
        os.environ["XUEJI_DATA"] = folder.name
        os.environ["XUEJI_POOL"] = "0"
        os.environ["DJANGO_SETTINGS_MODULE"] = "xueji.settings"
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()


def run(about: str, name: str, render: Callable[[], str], argv: Sequence[str] | None) -> int:
    """Write `docs/reference/NAME`, or with --check compare only. Returns 0, or 1 when the page is stale."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 when the page is stale")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    options = parser.parse_args(argv)
    target: Path = options.root / "docs" / "reference" / name
    text = render()
    if options.check:
        if target.exists() and target.read_text(encoding="utf-8") == text:
            return 0
        print(f"docs/reference/{name} is stale: run the tool again", file=sys.stderr)
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return 0
