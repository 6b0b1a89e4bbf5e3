"""The only code that reads people for others. Numbers and contacts come masked; plain text is
`commands.reveal`.
"""

from ..groups import withheld
from ..masks import mask_for
from .cards import (
    DocumentRow,
    GuardianRow,
    NumberRow,
    PersonCard,
    Portrait,
    auxiliary_numbers,
    card,
    cards,
    documents,
    former_names,
    guardians,
    numbers,
    portrait,
)
from .contacts import Contact, contacts, families
from .lookups import Holder, explain_duplicate, find_by_number, find_everywhere, holders, seen, who_holds
from .profile import ProfileField, profile, profiles, tally

__all__ = [
    "Contact",
    "DocumentRow",
    "GuardianRow",
    "Holder",
    "NumberRow",
    "PersonCard",
    "Portrait",
    "ProfileField",
    "auxiliary_numbers",
    "card",
    "cards",
    "contacts",
    "documents",
    "explain_duplicate",
    "families",
    "find_by_number",
    "find_everywhere",
    "former_names",
    "guardians",
    "holders",
    "mask_for",
    "numbers",
    "portrait",
    "profile",
    "profiles",
    "seen",
    "tally",
    "who_holds",
    "withheld",
]
