"""Parts of the frame that do not change from page to page, drawn once for each language.

The menu and the dialogs were a third of what a page cost; they say the same on all pages of a role.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils.safestring import SafeString
from django.utils.translation import get_language

#: How many different faces of a menu's group are kept: groups x places in them x roles, by far not all at once.
_KEPT = 1024


def part(name: str) -> SafeString:
    """A template that needs nothing of the request. While DEBUG is on, drawn anew each time."""
    return _draw.__wrapped__(name, None) if settings.DEBUG else _draw(name, get_language())


def address(name: str) -> str:
    """The address of a static file, asked once: the sprite of the icons stands fifty times on a page."""
    return static(name) if settings.DEBUG else _address(name)


def group(entry: Mapping[str, Any]) -> SafeString:
    """A group of the menu, as `nav.menu` tells it."""
    if settings.DEBUG:
        return _draw_group.__wrapped__(None, _frozen(entry))
    return _draw_group(get_language(), _frozen(entry))


Frozen = tuple[tuple[str, str, str, bool, int], tuple[tuple[str, str, bool, int], ...]]


def _frozen(entry: Mapping[str, Any]) -> Frozen:
    """All that the group's face tells."""
    own = (
        str(entry["label"]),
        str(entry["icon"]),
        str(entry["url"]),
        bool(entry["active"]),
        int(entry["badge"] or 0),
    )
    return own, tuple(
        (str(c["label"]), str(c["url"]), bool(c["active"]), int(c["badge"] or 0))
        for c in entry["children"] or ()
    )


@lru_cache(maxsize=64)
def _draw(name: str, _language: str | None) -> SafeString:
    return cast(SafeString, get_template(name).render())


@lru_cache(maxsize=64)
def _address(name: str) -> str:
    return static(name)


@lru_cache(maxsize=_KEPT)
def _draw_group(_language: str | None, entry: Frozen) -> SafeString:
    own, children = entry
    facts = dict(zip(("label", "icon", "url", "active", "badge"), own, strict=True))
    drawn = get_template("layout/_nav_group.html").render(
        {
            "group": facts
            | {"children": [dict(zip(("label", "url", "active", "badge"), c, strict=True)) for c in children]}
        }
    )
    return cast(SafeString, drawn)
