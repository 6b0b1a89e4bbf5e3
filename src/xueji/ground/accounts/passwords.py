"""The password policy beyond Django's validators, and the first passwords that administrators hand out."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    UserAttributeSimilarityValidator,
)
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

#: Without characters that are mistaken for each other when read from paper.
_UPPER, _LOWER, _DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789"


class UnlikeNameValidator(UserAttributeSimilarityValidator):
    """Not like the user name or the name, in the words of this site."""

    def get_error_message(self) -> str:
        """What is wrong."""
        return self.get_help_text()

    def get_help_text(self) -> str:
        """What the page says beside the field."""
        return _("密码不能和用户名、姓名相近")


class LengthValidator(MinimumLengthValidator):
    """Long enough, in the words of this site."""

    def get_error_message(self) -> str:
        """What is wrong."""
        return self.get_help_text()

    def get_help_text(self) -> str:
        """What the page says beside the field."""
        return _("密码至少 %s 个字符") % self.min_length


class UncommonValidator(CommonPasswordValidator):
    """None of the passwords that everybody tries first, in the words of this site."""

    def get_error_message(self) -> str:
        """What is wrong."""
        return self.get_help_text()

    def get_help_text(self) -> str:
        """What the page says beside the field."""
        return _("不能用太常见的密码, 如 Password123")


class ThreeKindsValidator:
    """At least three of: capital letters, small letters, digits, other characters (GB/T 22239 level 3)."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError unless the password has three kinds of characters."""
        kinds = {
            "upper" if c.isupper() else "lower" if c.islower() else "digit" if c.isdigit() else "other"
            for c in password
        }
        if len(kinds) < 3:
            raise ValidationError(self.get_help_text(), code="password_kinds")

    def get_help_text(self) -> str:
        """What the page says beside the field."""
        return _("密码要包含大写字母、小写字母、数字、符号中的至少三种")


def first_password() -> str:
    """A random first password: twelve characters of three kinds, easy to read aloud."""
    chosen = [secrets.choice(_UPPER), secrets.choice(_LOWER), secrets.choice(_DIGITS)]
    chosen += [secrets.choice(_UPPER + _LOWER + _DIGITS) for _n in range(9)]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)
