"""How often may be asked, by kind of request: for one account, and for one address with everybody behind it.

A rate is written "200/3600": two hundred in an hour. XUEJI_RATE_<KIND> sets the account's ("0/1" lifts it), with a
second one after a blank for the address. The figures leave room for a registrar who checks a whole school in a day
and stop whoever copies the register page by page or tries numbers out (C-SEC-01).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache

from xueji.config import ConfigError


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds; none at all means that nothing is counted."""

    most: int
    seconds: int


#: kind -> for an account, for an address. An address is often a whole school or a whole bureau.
RATES: dict[str, tuple[Rate, Rate]] = {
    # Looking for children by name or number in lists.
    "search": (Rate(900, 3600), Rate(9000, 3600)),
    # Plain text of one masked value.
    "reveal": (Rate(600, 3600), Rate(6000, 3600)),
    # Whatever leaves as a file: workbooks, papers, evidence.
    "export": (Rate(400, 3600), Rate(4000, 3600)),
    # Naming a child that is not one's own by name and number: transfers, claims. Here numbers could be tried out.
    "lookup": (Rate(200, 3600), Rate(1000, 3600)),
    # Opening a record in an emergency (C-ROL-02); each is told to the head anyway.
    "emergency": (Rate(20, 3600), Rate(100, 3600)),
    # Public forms: complaints, codes, checks of papers.
    "public": (Rate(60, 600), Rate(120, 600)),
}
_ONE = re.compile(r"(\d{1,9})/(\d{1,7})")


@cache
def rates_of(kind: str) -> tuple[Rate, Rate]:
    """The rates of a kind as this installation wants them. Raises KeyError, and `ConfigError` for nonsense."""
    account, address = RATES[kind]
    name = f"XUEJI_RATE_{kind.upper()}"
    given = os.environ.get(name, "").split()
    if given:
        found = [_ONE.fullmatch(g) for g in given]
        if len(given) > 2 or not all(found):
            raise ConfigError(f'{name}: write "200/3600" or "200/3600 2000/3600" (requests/seconds)')
        read = [Rate(int(m[1]), max(1, int(m[2]))) for m in found if m]
        account, address = read[0], read[1] if len(read) > 1 else address
    return account, address
