"""Does a marked test notice when what it shows is switched off?

Runs every test that carries `capability` or `rule` more than once in one process: first to see which commands,
queries and other public functions of the rooms it reaches, then with those commands returning nothing, then those
queries, then the others, until it fails. A test of which no example ever fails shows nothing, and its marker is a
defect.

    python tools/marker_mutation.py [pytest arguments, e.g. tests/registry -n 0]

Prints one line for each marker without substance and exits with 1 if there are any. Tests that drive a server in
another process (browser journeys) cannot be switched off from here; they are counted apart.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

SRC = str(Path(__file__).resolve().parent.parent / "src" / "xueji")
#: Machinery that every test needs to run at all, whatever it shows.
KEEP = (
    "ground/db/",
    "ground/audit/",
    "ground/accounts/actor.py",
    "ground/accounts/middleware.py",
    "ground/accounts/http.py",
    "ground/crypto/",
    "ground/jobs/",
    "config.py",
    "settings.py",
    "web/layout/",
)


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    return None


def _rank(code: CodeType) -> int:
    """0 command, 1 query, 2 anything else of the product; -1 not to be switched off."""
    name = code.co_filename
    if not name.startswith(SRC) or code.co_name.startswith(("_", "<")) or code.co_freevars:
        return -1
    inside = name[len(SRC) + 1 :]
    if inside.startswith(KEEP) or "/migrations/" in inside or inside.endswith(("models.py", "apps.py")):
        return -1
    if "commands" in inside:
        return 0
    return 1 if "queries" in inside else 2


class Recorder:
    """The outermost functions of the product that a test reaches, by rank."""

    def __init__(self) -> None:
        self.reached: dict[int, set[CodeType]] = {0: set(), 1: set(), 2: set()}
        self.inside = threading.local()

    def __call__(self, frame: FrameType, event: str, _arg: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(SRC):
            return
        rank = _rank(code)
        if rank < 0 or code.co_flags & 0x20:  # generators return at every yield
            return
        stack = self.inside.__dict__.setdefault(str(rank), [])
        if event == "call":
            if not stack:
                self.reached[rank].add(code)
            stack.append(frame)
        elif stack and stack[-1] is frame:
            stack.pop()

    def targets(self) -> list[set[CodeType]]:
        """What to switch off, the most telling first."""
        return [found for _rank, found in sorted(self.reached.items()) if found]


class Plugin:
    """Runs each marked test twice and collects those that notice nothing."""

    def __init__(self) -> None:
        self.weak: dict[str, list[str]] = {}
        self.strong: set[str] = set()
        self.blind: list[str] = []
        self.tried = 0

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only marked tests, in their order."""
        items[:] = [i for i in items if any(i.iter_markers("capability")) or any(i.iter_markers("rule"))]

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Iterator[Any]:
        """The call as it is, recorded; then once more, undone, with its targets switched off."""
        from django.db import connection, transaction

        recorder = Recorder()
        function, names = pyfuncitem.obj, pyfuncitem._fixtureinfo.argnames
        given = {name: pyfuncitem.funcargs[name] for name in names}
        point = transaction.savepoint() if connection.in_atomic_block else None
        sys.setprofile(recorder)
        threading.setprofile(recorder)
        try:
            result = yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
        targets = recorder.targets()
        if point is None and connection.settings_dict.get("NAME") and "own_database" in given:
            self.blind.append(pyfuncitem.nodeid)  # its writes stay: it cannot be run again here
            return result
        if not targets:
            self.blind.append(pyfuncitem.nodeid)
            return result
        self.tried += 1
        name = pyfuncitem.nodeid.split("[")[0]
        for some in targets:
            if point is not None:
                transaction.savepoint_rollback(point)
            if not self._stays_green(function, given, some):
                self.strong.add(name)
                return result
        words = ", ".join(sorted({c.co_name for some in targets for c in some}))
        self.weak.setdefault(name, []).append(words)
        return result

    def without_substance(self) -> dict[str, list[str]]:
        """Tests of which no example noticed anything."""
        return {name: words for name, words in self.weak.items() if name not in self.strong}

    def _stays_green(self, function: Any, given: dict[str, Any], targets: set[CodeType]) -> bool:
        import gc

        swapped = [
            f
            for f in gc.get_objects()
            if type(f).__name__ == "function" and getattr(f, "__code__", None) in targets
        ]
        before = [f.__code__ for f in swapped]
        for f in swapped:
            f.__code__ = _nothing.__code__
        try:
            function(**given)
        except BaseException as error:  # a test may fail in any way, pytest's own outcomes included
            if isinstance(error, KeyboardInterrupt):
                raise
            return False
        else:
            return True
        finally:
            for f, code in zip(swapped, before, strict=True):
                f.__code__ = code


def main() -> int:
    """Run and report."""
    plugin = Plugin()
    arguments = sys.argv[1:] or ["tests", "--ignore=tests/journeys"]
    code = pytest.main([*arguments, "-q", "-n", "0", "-p", "no:randomly", "-m", "not slow"], plugins=[plugin])
    print(f"\n{plugin.tried} marked tests run again with what they show switched off")
    print(f"{len(plugin.blind)} could not be run again from here")
    for name in plugin.blind:
        print("  apart:", name)
    weak = plugin.without_substance()
    for name, words in weak.items():
        print(f"  NO SUBSTANCE: {name}: {words[0]}")
    return 1 if weak or code not in (0, 5) else 0


if __name__ == "__main__":
    raise SystemExit(main())
