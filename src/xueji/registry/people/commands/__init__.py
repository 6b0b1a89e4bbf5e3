"""The only code that writes people, their papers and numbers. One module for each kind of thing."""

from .adopting import adopt_number
from .disputes import award_identity, strike_temporary
from .guarding import guard, withhold
from .identity import IdentityChange, change_identity, record_check
from .joined import Change, Joined
from .joining import join
from .many import Draw, make_formal, record_checks
from .numbers import (
    add_number,
    allocate_aux,
    allocate_serials,
    follow_identity,
    issue_national_number,
    promote,
    propose_temporary,
    void_number,
)
from .parting import part
from .persons import (
    Newcomer,
    NewGuardian,
    add_person,
    change_birth_sex,
    change_name,
    change_profile,
    rehome,
    rehome_groups,
    set_guardian,
    set_photo,
    set_profile,
)
from .photos import set_photos
from .portable import holder_of, take_in, take_out
from .profiles import set_profiles
from .release import release
from .reveal import REVEAL_PURPOSES, reveal
from .voids import void_many
from .whole import whole

__all__ = [
    "REVEAL_PURPOSES",
    "Change",
    "Draw",
    "IdentityChange",
    "Joined",
    "NewGuardian",
    "Newcomer",
    "add_number",
    "add_person",
    "adopt_number",
    "allocate_aux",
    "allocate_serials",
    "award_identity",
    "change_birth_sex",
    "change_identity",
    "change_name",
    "change_profile",
    "follow_identity",
    "guard",
    "holder_of",
    "issue_national_number",
    "join",
    "make_formal",
    "part",
    "promote",
    "propose_temporary",
    "record_check",
    "record_checks",
    "rehome",
    "rehome_groups",
    "release",
    "reveal",
    "set_guardian",
    "set_photo",
    "set_photos",
    "set_profile",
    "set_profiles",
    "strike_temporary",
    "take_in",
    "take_out",
    "void_many",
    "void_number",
    "whole",
    "withhold",
]
