"""The columns of the movement table, and which businesses of the packs each of them gathers.

The division follows the national form 学生变动 (招生、复学、转入 | 毕业、结业、休学、退学、死亡、转出); what it does not
name goes into 其他.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from xueji.registry.enrolment.timeline import LEFT

Direction = Literal["in", "out"]


@dataclass(frozen=True)
class Column:
    """One column: whether it adds or takes, and the businesses it stands for (none: whatever is left)."""

    key: str
    label: Promise
    direction: Direction
    businesses: frozenset[str] = frozenset()


def _col(key: str, label: Promise, direction: Direction, *businesses: str) -> Column:
    return Column(key, label, direction, frozenset(businesses))


COLUMNS: tuple[Column, ...] = (
    _col("enrol", _("招生建籍"), "in", "enrol"),
    _col("transfer_in", _("转入"), "in", "transfer", "transfer_in"),
    _col("resume", _("复学"), "in", "resume"),
    _col("other_in", _("其他增加"), "in"),
    _col("transfer_out", _("转出"), "out", "transfer", "transfer_out"),
    _col("suspend", _("休学"), "out", "suspend"),
    _col("graduate", _("毕业"), "out", "graduate"),
    _col("complete", _("结业肄业"), "out", "complete", "end_early"),
    _col("withdraw", _("退学"), "out", "withdraw", "expel"),
    _col("death", _("死亡"), "out", "death"),
    _col("other_out", _("其他减少"), "out"),
)
BY_KEY = {c.key: c for c in COLUMNS}
INS = tuple(c for c in COLUMNS if c.direction == "in")
OUTS = tuple(c for c in COLUMNS if c.direction == "out")

#: Businesses by which a child is lost to school; abroad, death and another school are not.
LOST = frozenset({"withdraw", "expel", "missing", "leave"})
#: Moves inside one school that only some tables tell apart: elsewhere coming and going are one and cancel out.
INTERNAL = {"repeat": "grade", "skip": "grade", "correct": "sex"}


def column_of(flow: str, n: int) -> Column:
    """The column that a flow of the cube belongs to; `n` decides for flows that do not say their direction."""
    business, dot, _rest = flow.partition(".")
    out = bool(dot) or n < 0
    for column in OUTS if out else INS:
        if business in column.businesses:
            return column
    return BY_KEY["other_out" if out else "other_in"]


def flow_name(flow: str) -> str:
    """The business of a flow, without its direction."""
    return flow.removesuffix(LEFT)


def named_businesses(direction: Direction) -> list[str]:
    """Businesses that have a column of their own in a direction."""
    return sorted(b for c in COLUMNS if c.direction == direction for b in c.businesses)
