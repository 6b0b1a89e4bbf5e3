"""Chains for tests: another order of deciding put in place of the packs' own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.model import Chain, Step


def step(
    number: int,
    side: str,
    role: str,
    *,
    days: int | None = 5,
    mode: str = "approve",
    branch: str = "",
    optional: bool = False,
) -> Step:
    """One step; its label is side and role."""
    act = "submit" if number == 1 else "decide"
    clock = f"{side}.{role}.file" if mode == "file" else side
    return Step(number, side, role, f"{side}.{role}", act, clock, days, mode, branch, optional)


def use_chain(monkeypatch: pytest.MonkeyPatch, *steps: tuple[Any, ...] | Step) -> None:
    """Decide every business of this test by these steps, after the sending."""
    own = PolicySet.chain_for
    rest = [s if isinstance(s, Step) else step(i, *s) for i, s in enumerate(steps, start=2)]

    def chain_for(policy: PolicySet, business: str, variant: str = "") -> Chain:
        return replace(own(policy, business, variant), steps=(step(1, "school", "clerk"), *rest))

    monkeypatch.setattr(PolicySet, "chain_for", chain_for)
