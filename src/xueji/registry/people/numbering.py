"""The national student numbers as text: L (temporary), J (formal, no identity number), G (formal).

The layouts of L and J are unofficial (no published text gives them): they are data of this module alone,
nothing else may take a number apart, and nothing may be refused because of a letter (NAT-NUM-16).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _

from xueji.ground.standards.identity import check_digit

from .errors import BadValue

TEMPORARY, FORMAL, FORMAL_NO_ID = "L", "G", "J"
RANDOMS = 10_000
J_SERIALS = 999
_rng = random.SystemRandom()


def stem(division: str, birth: date) -> str:
    """Division of the school and birth date: what L and J numbers of the same day and place share."""
    if len(division) != 6 or not division.isdigit():
        raise BadValue(_("行政区划代码应为6位数字"))
    return f"{division}{birth:%Y%m%d}"


def temporary(division: str, birth: date, tail: int) -> str:
    """L + division 6 + birth date 8 + four random digits (NAT-NUM-15)."""
    return f"{TEMPORARY}{stem(division, birth)}{tail:04d}"


def formal_without_id(division: str, birth: date, serial: int) -> str:
    """J + division 6 + birth date 8 + serial 3 + check digit (NAT-NUM-11)."""
    body = f"{stem(division, birth)}{serial:03d}"
    return f"{FORMAL_NO_ID}{body}{check_digit(body)}"


def formal(identity: str) -> str:
    """G + identity number (NAT-NUM-10): derived whenever it is shown, never stored."""
    return FORMAL + identity


def draw(taken: Iterable[int]) -> int | None:
    """A random tail of an L number that is not in `taken`; None when all are."""
    used = set(taken)
    for _attempt in range(20):
        tail = _rng.randrange(RANDOMS)
        if tail not in used:
            return tail
    left = [n for n in range(RANDOMS) if n not in used]
    return _rng.choice(left) if left else None
