"""Everything that writes accounts, roles and sessions."""

from .batch import MOST as BATCH_MOST
from .batch import FirstSlip, ListRefused, create_many
from .delegate import end_hand_over, hand_over
from .factor import FactorRefused
from .manage import (
    SYSTEM,
    AccountError,
    NewAccount,
    create_account,
    end_role,
    grant_role,
    link_child,
    reset_password,
    set_active,
    unlock,
)
from .signin import (
    SignedIn,
    SignInRefused,
    WrongPassword,
    change_password,
    confirm_password,
    end_session,
    sign_in,
    sign_out,
    start_session,
)
from .unused import rest_unused

__all__ = [
    "BATCH_MOST",
    "SYSTEM",
    "AccountError",
    "FactorRefused",
    "FirstSlip",
    "ListRefused",
    "NewAccount",
    "SignInRefused",
    "SignedIn",
    "WrongPassword",
    "change_password",
    "confirm_password",
    "create_account",
    "create_many",
    "end_hand_over",
    "end_role",
    "end_session",
    "grant_role",
    "hand_over",
    "link_child",
    "reset_password",
    "rest_unused",
    "set_active",
    "sign_in",
    "sign_out",
    "start_session",
    "unlock",
]
