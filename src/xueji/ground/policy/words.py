"""One translation door for a room that must also work before Django is configured (lint, tools)."""

from django.core.exceptions import ImproperlyConfigured
from django.utils import translation


def _(message: str) -> str:
    """Translate ``message``; gives it back unchanged where no settings are loaded."""
    try:
        return translation.gettext(message)
    except ImproperlyConfigured:
        return message
