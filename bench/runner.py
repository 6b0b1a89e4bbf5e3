"""Runs benches. Each gives one object: name, ratio, goal, met, figures.

A bench is a module with `TEXT` (one line for `xueji bench list`) and `run(size=..., **options) -> dict`. It makes
its own throw-away server and leaves nothing behind.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_BENCHES = {
    "audit": "bench.audit_bench",
    "duplicates": "bench.duplicates_bench",
    "graduation": "bench.graduation_bench",
    "import": "bench.import_bench",
    "movement": "bench.movement_bench",
    "pages": "bench.pages_bench",
    "pdf": "bench.pdf_bench",
    "rls": "bench.rls_bench",
    "rules": "bench.rules_bench",
}


def names() -> dict[str, str]:
    """Benches by name, with what each measures."""
    return {name: import_module(module).TEXT for name, module in _BENCHES.items()}


def run(name: str, *, size: str = "small", **options: Any) -> dict[str, Any]:
    """Run one bench; `size` is small or full, options are the bench's own. Raises `KeyError` for an unknown name."""
    result: dict[str, Any] = import_module(_BENCHES[name]).run(size=size, **options)
    return {key: result[key] for key in ("name", "ratio", "goal", "met", "figures")}
