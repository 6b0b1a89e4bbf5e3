"""Everything that writes accounts, roles and sessions."""

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
    end_session,
    sign_in,
    sign_out,
    start_session,
)

__all__ = [
    "SYSTEM",
    "AccountError",
    "FactorRefused",
    "NewAccount",
    "SignInRefused",
    "SignedIn",
    "WrongPassword",
    "change_password",
    "create_account",
    "end_hand_over",
    "end_role",
    "end_session",
    "grant_role",
    "hand_over",
    "link_child",
    "reset_password",
    "set_active",
    "sign_in",
    "sign_out",
    "start_session",
    "unlock",
]
