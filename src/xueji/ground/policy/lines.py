"""Where a key of a parsed TOML file stands in its text, so that an error can name the line."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*\[(\[)?\s*([A-Za-z0-9_.\-]+)\s*\]?\]")
_KEY = re.compile(r'^\s*(?:"([^"]+)"|([A-Za-z0-9_\-]+))\s*=')

Path = tuple[str | int, ...]


class LineIndex:
    """Line numbers (from 1) of the tables and keys of one TOML text.

    Paths follow the parsed data: ``("rule", 3, "cite")``, ``("param", 0, "value", 1)``.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        counters: dict[Path, int] = {}
        current: Path = ()
        fence = ""
        for number, line in enumerate(text.splitlines(), start=1):
            if fence:
                fence = "" if fence in line else fence
                continue
            if match := _HEADER.match(line):
                current = self._enter(match[2].split("."), bool(match[1]), counters)
                self._lines.setdefault(current, number)
                self._lines.setdefault(current[:-1], number)
                continue
            if match := _KEY.match(line):
                self._lines.setdefault((*current, match[1] or match[2]), number)
            for mark in ('"""', "'''"):
                if line.count(mark) % 2:
                    fence = mark

    @staticmethod
    def _enter(parts: list[str], is_array: bool, counters: dict[Path, int]) -> Path:
        """Turn a header such as ``param.value`` into the path of the table that it opens."""
        path: Path = ()
        for position, part in enumerate(parts):
            path = (*path, part)
            if is_array and position == len(parts) - 1:
                counters[path] = counters.get(path, -1) + 1
                path = (*path, counters[path])
            elif path in counters:
                path = (*path, counters[path])
        return path

    def find(self, path: Path) -> int:
        """Line of ``path``, or of the nearest thing around it; 1 when nothing is known."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return 1
