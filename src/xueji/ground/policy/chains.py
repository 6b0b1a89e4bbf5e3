"""Reading ``[[chain]]``: who decides in which order, what goes side by side, who is only told.

Keys of a step: ``side`` and ``role`` (whose), ``label``, ``days`` (working days of its own instead of the chain's),
``mode`` (``approve`` or ``file``), ``branch`` (a name; a run of steps with branches is a fork) and ``optional``
(left out where no such unit stands above the school). See docs/adr/0017-chains-with-branches.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from xueji.ground.policy import model
from xueji.ground.policy.reader import Table, identifier
from xueji.ground.policy.words import _

if TYPE_CHECKING:
    from xueji.ground.policy.sections import Context

SIDES = (
    "to_school",
    "to_authority",
    "from_school",
    "from_authority",
    "school",
    "authority",
    "higher_authority",
    "central",
    "from_central",
    "city",
    "from_city",
    "province",
    "from_province",
)
MODES = ("approve", "file")


def chain(table: Table, ctx: Context) -> model.Chain:
    """``[[chain]]`` with its steps in order."""
    code = table.text("business")
    if code not in ctx.businesses:
        table.fail("business", _("业务“%s”没有声明") % code)
    days_param = table.text("days", "").removeprefix("@")
    if days_param and ctx.names.params.get(days_param) not in ("int", "duration"):
        table.fail("days", _("“days”应是一个已有的时限参数，例如 @transfer.party_days"))
    shared = table.choice("clock", ("side", "step"), "side")
    steps = [
        _chain_step(entry, number, shared, ctx) for number, entry in enumerate(table.tables("steps"), start=1)
    ]
    if not steps:
        table.fail("", _("办理环节“steps”不能为空"))
    _check_forks(table, steps)
    return model.Chain(
        id=identifier(table),
        business=code,
        variant=table.text("variant", ""),
        label=table.text("label"),
        delegates=table.choice("delegates", ("none", "tighten", "free"), "none"),
        days_param=days_param,
        steps=tuple(steps),
        cite=table.cite(ctx.sources),
        caveat=table.text("caveat", ""),
        pack=ctx.pack,
        where=table.where(),
    )


def _chain_step(entry: Table, number: int, shared: str, ctx: Context) -> model.Step:
    """One entry of ``steps``."""
    side = entry.choice("side", SIDES)
    holder = entry.text("role")
    if holder not in ctx.names.roles:
        entry.fail("role", _("角色“%s”没有在 [[role]] 中声明") % holder)
    mode = entry.choice("mode", MODES, "approve")
    branch, optional = entry.text("branch", ""), entry.flag("optional")
    if number == 1 and (branch or optional or mode == "file"):
        entry.fail("", _("第一个环节是提交，不能写 branch、optional 或 mode"))
    clock = side if shared == "side" else f"{side}.{holder}"
    if mode == "file":
        clock = f"{side}.{holder}.file"
    step = model.Step(
        number,
        side,
        holder,
        entry.text("label"),
        "submit" if number == 1 else "decide",
        clock,
        entry.integer("days", 0) or None,
        mode,
        branch,
        optional,
    )
    entry.finish()
    return step


def _check_forks(table: Table, steps: Sequence[model.Step]) -> None:
    """A run of steps with a branch is a fork: at least two branches, each of them in one piece."""
    for forked, run in groupby(steps, key=lambda step: bool(step.branch)):
        if not forked:
            continue
        names = [name for name, _steps in groupby(run, key=lambda step: step.branch)]
        if len(names) < 2:
            table.fail("steps", _("并行办理至少要有两个分支(branch)，只有“%s”") % names[0])
        if len(set(names)) < len(names):
            table.fail("steps", _("同一分支(branch)的环节要写在一起"))
