"""The verification code on a certificate: made, read as typed, and found by its digest."""

from __future__ import annotations

import hashlib
import re
import secrets

from django.utils.crypto import salted_hmac

#: Digits and letters that nobody mistakes for one another, on paper or on the phone: no 0 O 1 I L U.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
_SEPARATORS = re.compile(r"[\s\-_·.]+")


def new_code() -> str:
    """A fresh code of sixteen characters (some 78 bits) from the system's source of randomness."""
    return "".join(secrets.choice(ALPHABET) for _i in range(LENGTH))


def normalise(typed: str) -> str:
    """The code as typed or scanned, without gaps and in capitals. Nonsense stays nonsense: it finds nothing."""
    return _SEPARATORS.sub("", typed[:200]).upper()


def digest(code: str) -> bytes:
    """What is stored and looked up in the place of the code."""
    return hashlib.sha256(normalise(code).encode()).digest()


def visitor(address: str) -> bytes:
    """A keyed hash that stands for a visitor's address; of an IPv6 address its network."""
    place = ":".join(address.split(":")[:4]) if ":" in address else address
    return salted_hmac("xueji.verify", place, algorithm="sha256").digest()
