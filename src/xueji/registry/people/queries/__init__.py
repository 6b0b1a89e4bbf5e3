"""The only code that reads people for others. Numbers and contacts come masked; plain text is
`commands.reveal`.
"""

from .cards import (
    DocumentRow,
    GuardianRow,
    NumberRow,
    PersonCard,
    card,
    cards,
    documents,
    former_names,
    guardians,
    numbers,
    photo_file,
)
from .lookups import Holder, explain_duplicate, find_by_number, holders, who_holds
from .profile import ProfileField, profile

__all__ = [
    "DocumentRow",
    "GuardianRow",
    "Holder",
    "NumberRow",
    "PersonCard",
    "ProfileField",
    "card",
    "cards",
    "documents",
    "explain_duplicate",
    "find_by_number",
    "former_names",
    "guardians",
    "holders",
    "numbers",
    "photo_file",
    "profile",
    "who_holds",
]
