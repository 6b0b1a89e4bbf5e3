"""Template tags of the layout: icons, status chips, masking, numbers, form widgets, display choices."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django import template
from django.forms import BoundField
from django.http import HttpRequest
from django.template import Context
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

from xueji.ground.standards import purposes
from xueji.web.layout import forms, statuses, still

register = template.Library()

SPRITE = "vendor/icons/tabler-icons.svg"
FACE_COOKIE = "xj_face"
_FACE_CHOICES = ("large", "contrast", "compact", "nokeys")


@register.simple_tag
def icon(name: str, label: str = "", cls: str = "") -> SafeString:
    """Return an icon of the sprite. Decorative unless ``label`` names it for screen readers."""
    if not name:
        return SafeString("")
    href = f"{still.address(SPRITE)}#{name}"
    if label:
        return format_html(
            '<svg class="xj-icon {}" role="img" aria-label="{}"><use href="{}"></use></svg>', cls, label, href
        )
    return format_html(
        '<svg class="xj-icon {}" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', cls, href
    )


@register.simple_tag
def still_part(name: str) -> SafeString:
    """Return a part of the frame that is the same on every page (see ``still``)."""
    return still.part(name)


@register.simple_tag
def nav_group(group: Mapping[str, Any]) -> SafeString:
    """Return a group of the menu, drawn once for each face of it (see ``still``)."""
    return still.group(group)


@register.filter
def why(field: BoundField) -> str:
    """Why a field is asked for, on what legal ground, what happens without it (个人信息保护法 17); empty if unstated."""
    found = purposes.of_form(type(field.form), field.name)
    if found is None or (found.code.startswith("*.") and not found.sensitive):
        return ""
    return found.sentence


@register.simple_tag
def status_face(value: object, kind: str = "") -> statuses.StatusFace:
    """Return word, icon and tone of a status code or word (see ``statuses``)."""
    return statuses.face(value, kind)


@register.simple_tag(takes_context=True)
def face_classes(context: Context) -> str:
    """Return the classes of <html> chosen by the reader: larger text, high contrast, compact tables."""
    request = context.get("request")
    chosen: set[str] = set()
    if isinstance(request, HttpRequest):
        chosen = set(request.COOKIES.get(FACE_COOKIE, "").split("."))
    return " ".join(f"xj-{name}" for name in _FACE_CHOICES if name in chosen)


@register.simple_tag
def app_version() -> str:
    """Return the installed version for the footer."""
    return _version()


@lru_cache(maxsize=1)
def _version() -> str:
    try:
        return version("xueji")
    except PackageNotFoundError:
        return "0"


@register.simple_tag
def widget(field: BoundField) -> SafeString:
    """Render the input of a bound field with the class that fits its kind."""
    css = forms.widget_class(field)
    return field.as_widget(attrs={"class": css} if css else None)


@register.filter
def field_kind(field: BoundField) -> str:
    """Return how a field is laid out: check, group or line."""
    return forms.layout_kind(field)


@register.filter
def num(value: Any) -> str:
    """Write a whole number with separators only from 10 000 on; other values stay as they are."""
    if isinstance(value, bool) or not isinstance(value, int):
        return "" if value is None else str(value)
    return f"{value:,}" if abs(value) >= 10_000 else str(value)


@register.filter
def mask_id(value: object) -> str:
    """Show the first three and the last four characters of a document number."""
    text = str(value or "")
    return f"{text[:3]}{'*' * (len(text) - 7)}{text[-4:]}" if len(text) > 8 else "*" * len(text)


@register.filter
def mask_phone(value: object) -> str:
    """Show the first three and the last four digits of a telephone number."""
    text = re.sub(r"\s", "", str(value or ""))
    return f"{text[:3]}****{text[-4:]}" if len(text) >= 11 else "*" * len(text)


@register.filter
def mask_name(value: object) -> str:
    """Show only the first character of a name."""
    text = str(value or "")
    return text[:1] + "*" * max(len(text) - 1, 0)


@register.filter
def initial(value: object) -> str:
    """Return the character that stands in for a missing photo."""
    return str(value or "").strip()[:1]


@register.filter
def get(mapping: Mapping[str, Any] | None, key: str) -> Any:
    """Look a key up in a mapping; empty when either is missing."""
    return mapping.get(key, "") if isinstance(mapping, Mapping) else ""


@register.filter
def listed(value: object) -> list[str]:
    """Split a text at '|' into a list; a list stays a list."""
    if isinstance(value, str | Promise):
        value = str(value)
        return [part.strip() for part in value.split("|") if part.strip()]
    return list(value) if isinstance(value, list | tuple) else []


@register.simple_tag(takes_context=True)
def error_number(context: Context) -> str:
    """Return the number a user can quote: the request's own id when it has one, else day and random part."""
    request = context.get("request")
    given = getattr(request, "request_id", "") if request is not None else ""
    if given:
        return str(given)
    return f"E-{timezone.localdate():%Y%m%d}-{secrets.token_hex(2).upper()}"
