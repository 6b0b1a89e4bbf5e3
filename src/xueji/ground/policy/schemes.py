"""Numbers laid out by a scheme of a pack: build, take apart, and the scope of their serials.

Codes stay text: a leading zero belongs to the number. Serials are given out elsewhere, in one locked
transaction; this module only knows the layout.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from xueji.ground.policy.model import NumberScheme
from xueji.ground.policy.words import _

_CLASSES = {"digits": "[0-9]", "serial": "[0-9]", "text": "[0-9A-Za-z]"}


@lru_cache(maxsize=256)
def _pattern(scheme_id: str, parts: tuple[tuple[str, int, str, str], ...]) -> re.Pattern[str]:
    body = "".join(
        f"(?P<{name}>{re.escape(literal) if kind == 'literal' else f'{_CLASSES[kind]}{{{width}}}'})"
        for name, width, kind, literal in parts
    )
    return re.compile(f"^{body}$")


def length(scheme: NumberScheme) -> int:
    """Characters of a number of this scheme."""
    return sum(part.width for part in scheme.fields)


def parse_number(scheme: NumberScheme, text: str) -> dict[str, str] | None:
    """The parts of a number, or None when it does not follow the layout (a serial of zeros does not)."""
    parts = tuple((part.name, part.width, part.kind, part.literal) for part in scheme.fields)
    match = _pattern(scheme.id, parts).match(text)
    if match is None:
        return None
    found = match.groupdict()
    for part in scheme.fields:
        if part.kind == "serial" and int(found[part.name]) == 0:
            return None
    return found


def make_number(scheme: NumberScheme, parts: Mapping[str, str | int]) -> str:
    """Build a number from its parts; ValueError when one is missing, too long, or the scheme is reserved.

    Reserved schemes are issued by the national system alone (NAT-NUM-02).
    """
    if scheme.reserved:
        raise ValueError(_("%s只由国家系统生成，不能在本地编号") % scheme.title)
    return "".join(_part(scheme, part.name, parts) for part in scheme.fields)


def serial_scope(scheme: NumberScheme, parts: Mapping[str, str | int]) -> str:
    """The key under which serials of this number run: its parts named in ``unique_in``, joined."""
    layout = {part.name for part in scheme.fields}
    return ".".join(_part(scheme, name, parts) if name in layout else name for name in scheme.unique_in)


def serial_limit(scheme: NumberScheme) -> int:
    """The last serial that fits; 0 when the scheme has none."""
    return next((10**part.width - 1 for part in scheme.fields if part.kind == "serial"), 0)


def _part(scheme: NumberScheme, name: str, parts: Mapping[str, str | int]) -> str:
    layout = next(part for part in scheme.fields if part.name == name)
    if layout.kind == "literal":
        return layout.literal
    if name not in parts:
        raise ValueError(_("编号缺少“%s”") % name)
    raw = parts[name]
    text = f"{raw:0{layout.width}d}" if isinstance(raw, int) else raw
    if not re.fullmatch(f"{_CLASSES[layout.kind]}{{{layout.width}}}", text) or (
        layout.kind == "serial" and int(text) == 0
    ):
        raise ValueError(
            _("编号的“%(name)s”应是%(width)d位：%(text)s")
            % {"name": name, "width": layout.width, "text": text}
        )
    return text
