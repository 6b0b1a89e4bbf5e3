"""Everything that writes organisations, schools' entry into the network, classes and the school calendar."""

from ..errors import OrgError
from .entry import decide_entry
from .tree import (
    change_org,
    close_class,
    create_class,
    create_first,
    create_org,
    create_school,
    ensure_school_years,
)

__all__ = [
    "OrgError",
    "change_org",
    "close_class",
    "create_class",
    "create_first",
    "create_org",
    "create_school",
    "decide_entry",
    "ensure_school_years",
]
