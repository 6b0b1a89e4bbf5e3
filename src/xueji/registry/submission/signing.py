"""Signing: who answers types his password again, or proves a second factor; kept with what exactly he signed."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.commands import FactorRefused, WrongPassword, confirm_password
from xueji.ground.accounts.commands.factor import prove

from .errors import SubmissionError

WAYS = {
    "password": gettext_lazy("重新输入密码"),
    "totp": gettext_lazy("动态验证码"),
    "recovery": gettext_lazy("恢复码"),
}


def known(actor: Any, *, password: str = "", code: str = "", session_key: str = "") -> str:
    """How the signer was known: "password", or the kind of second factor. Raises `SubmissionError`.

    Outside of the deed's own savepoint, so that a failed try is counted though nothing else happens.
    """
    try:
        if code.strip():
            return prove(actor, session_key, code)
        if not password:
            raise SubmissionError(_("签字前请再输入一次您的登录密码, 或输入动态验证码"))
        confirm_password(actor, password)
    except (WrongPassword, FactorRefused) as error:
        raise SubmissionError(error.message) from error
    return "password"
