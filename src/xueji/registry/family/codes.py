"""The invitation code: ten characters that are read aloud without mistakes (some 49 bits, five tries each)."""

from __future__ import annotations

import re
import secrets

from xueji.ground.crypto import vault

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 10
_GAPS = re.compile(r"[\s\-_·.]+")


def new_code() -> str:
    """A fresh code from the system's source of randomness."""
    return "".join(secrets.choice(ALPHABET) for _i in range(LENGTH))


def shown(code: str) -> str:
    """In two groups, as it is printed."""
    return f"{code[:5]} {code[5:]}"


def digest(typed: str) -> bytes:
    """What is stored and looked up instead of the code, however it was typed."""
    return vault.index("invite", _GAPS.sub("", typed[:100]).upper())
