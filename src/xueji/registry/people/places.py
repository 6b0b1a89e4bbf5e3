"""Where each sealed value of this room belongs (the vault's `where`), and the kinds of its blind indexes."""

from __future__ import annotations

import uuid

from xueji.ground.crypto import vault

NATIONAL = "national"

#: National form fields that lie sealed; the others lie in `person_profile.data`.
SEALED_KINDS = frozenset({"identity", "contact", "address", "health"})
#: Keys of a guardian's sealed values: the national form's keys without `member1_`.
GUARDIAN_KEYS = (
    "phone",
    "address",
    "household_division",
    "id_type",
    "id_number",
    "ethnicity",
    "employer",
    "position",
)


def document(person_id: uuid.UUID, doc_no: int) -> str:
    """Of an identity document's number."""
    return f"identity_document.sealed:{person_id}:{doc_no}"


def number(person_id: uuid.UUID, number_no: int) -> str:
    """Of a student number that is stored (not derived)."""
    return f"student_number.sealed:{person_id}:{number_no}"


def profile(person_id: uuid.UUID) -> str:
    """Of the sealed fields of the profile, sealed together as JSON."""
    return f"person_profile.sealed:{person_id}"


def guardian(person_id: uuid.UUID, guardian_no: int) -> str:
    """Of a guardian's contact and papers, sealed together as JSON."""
    return f"guardian.sealed:{person_id}:{guardian_no}"


def identity_index(id_type: str, value: str) -> bytes:
    """Blind index of a whole identity number in its stored form."""
    return vault.index(f"id:{id_type}", value)


def number_index(scheme: str, value: str) -> bytes:
    """Blind index of a student number in its stored form."""
    return vault.index(f"no:{scheme}", value)


def last6_index(value: str) -> bytes:
    """Blind index of the last six places of an identity number, for the search box."""
    return vault.index("last6", value[-6:].upper())
