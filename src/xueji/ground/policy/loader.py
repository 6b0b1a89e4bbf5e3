"""From the text of a pack to a checked ``Pack``; anything doubtful is a PackError with file and line."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time
from math import isfinite
from typing import Any

from xueji.ground.policy import dispositions, sections
from xueji.ground.policy.lines import LineIndex
from xueji.ground.policy.model import TIERS, Pack, PackError, Source, Where
from xueji.ground.policy.predicates import Names
from xueji.ground.policy.reader import Table
from xueji.ground.policy.values import plain
from xueji.ground.policy.words import _

_DECLARATIONS = ("source", "event", "field", "doc", "role", "number_scheme", "param")
_TABLES = frozenset({"pack", *_DECLARATIONS, *sections.READERS, *dispositions.READERS})
_AT_LINE = re.compile(r"\(at line (\d+)")
_ALL_LEVELS = frozenset("PJS")
_DEEPEST = 40
"""Keys and positions one inside the other; the deepest pack at hand has eleven."""


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """The data of a TOML text; PackError names the line of a syntax error, and of what no pack may hold."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets in brackets
        match = _AT_LINE.search(str(error))
        line = int(match[1]) if match else text.count("\n") + 1
        raise PackError(Where(file, line), _("不是合格的 TOML：%s") % error) from error
    for path, value in _leaves(data, ()):
        if isinstance(value, (datetime, time)) or (isinstance(value, float) and not isfinite(value)):
            where = Where(file, LineIndex(text).find(path))
            raise PackError(where, _("不能用时刻或无穷大：%s") % value)
        if len(path) > _DEEPEST:
            raise PackError(Where(file, LineIndex(text).find(path)), _("嵌套太深"))
    return data


def _leaves(data: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(data, (dict, list)):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _leaves(value, (*path, key))
    else:
        yield path, data


def canonical_text(data: dict[str, Any]) -> str:
    """The content without comments, order of keys and blanks; what the hash is taken over."""
    return json.dumps(plain(data), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def load_pack(text: str, file: str, ancestors: Sequence[Pack] = ()) -> Pack:
    """Read one pack. ``ancestors`` are the packs above it, the nation's first.

    Raises PackError at the first thing that is wrong. What the pack may not change of its ancestors
    is checked by ``inheritance.problems``.
    """
    data = parse_toml(text, file)
    lines = LineIndex(text)
    for key in data:
        if key not in _TABLES:
            raise PackError(Where(file, lines.find((key,))), _("不认识的表“%s”") % key)
    whole = Table(data, (), file, lines)
    pack = _head(whole, data, file, lines, ancestors)
    return _body(whole, pack, ancestors)


def extends_of(text: str, file: str) -> tuple[str, str]:
    """(id, extends) of a pack, without checking the rest: enough to put files in order."""
    try:
        head = tomllib.loads(text.partition("\n[[")[0]).get(
            "pack"
        )  # [pack] comes first; the rest is read later
    except (ValueError, RecursionError):
        head = None
    if head is None:
        head = parse_toml(text, file).get("pack")
    if not isinstance(head, dict) or not isinstance(head.get("id"), str):
        raise PackError(Where(file, 1), _("缺少 [pack] 或它的 id"))
    return head["id"], str(head.get("extends", ""))


def _head(whole: Table, data: dict[str, Any], file: str, lines: LineIndex, ancestors: Sequence[Pack]) -> Pack:
    raw = data.get("pack")
    if not isinstance(raw, dict):
        raise PackError(Where(file, 1), _("缺少 [pack]"))
    head = Table(raw, ("pack",), file, lines)
    tier = head.choice("tier", TIERS)
    parent = ancestors[-1] if ancestors else None
    extends = head.text("extends", "")
    if extends != (parent.id if parent else ""):
        head.fail("extends", _("上级文件“%s”没有载入") % extends)
    if parent and TIERS.index(tier) <= TIERS.index(parent.tier):
        head.fail(
            "tier", _("层级 %(tier)s 不低于上级文件的 %(parent)s") % {"tier": tier, "parent": parent.tier}
        )
    canonical = canonical_text(data)
    pack = Pack(
        id=sections.identifier(head),
        title=head.text("title"),
        tier=tier,
        extends=extends,
        levels=head.levels(parent.levels if parent else _ALL_LEVELS),
        version=head.text("version"),
        invented=head.flag("invented"),
        reference=head.flag("reference"),
        file=file,
        canonical=canonical,
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
        where=head.where(),
    )
    if parent and parent.invented and not pack.invented:
        head.fail("", _("上级文件是虚构示例，本文件也要写 invented = true"))
    head.finish()
    return pack


def _body(whole: Table, pack: Pack, ancestors: Sequence[Pack]) -> Pack:
    own_sources: dict[str, Source] = {}
    for table in whole.tables("source"):
        source = sections.source(table)
        if source.id in own_sources or any(source.id in above.sources for above in ancestors):
            table.fail("id", _("来源“%s”重复声明") % source.id)
        own_sources[source.id] = source
        table.finish()
    sources = {key: value for above in ancestors for key, value in above.sources.items()} | own_sources
    codes = frozenset(table.text("id") for table in whole.tables("business"))
    known = frozenset(item.id for above in ancestors for item in above.businesses)
    names = _names(ancestors)
    ctx = sections.Context(pack.id, pack.tier, pack.levels, sources, names, codes | known)

    events = _section(whole, "event", dispositions.event, ctx, (i for p in ancestors for i in p.events))
    ctx = replace(ctx, events=frozenset(item.id for p in ancestors for item in p.events))
    ctx = replace(ctx, events=ctx.events | {item.id for item in events})
    fields = _section(whole, "field", sections.field, ctx, (i for p in ancestors for i in p.fields))
    docs = _section(whole, "doc", sections.doc, ctx, (i for p in ancestors for i in p.docs))
    roles = _section(whole, "role", sections.role, ctx, (i for p in ancestors for i in p.roles))
    schemes = _section(
        whole, "number_scheme", sections.scheme, ctx, (i for p in ancestors for i in p.schemes)
    )
    params = _section(whole, "param", sections.param, ctx, ())
    pack = replace(
        pack,
        sources=own_sources,
        events=events,
        fields=fields,
        docs=docs,
        roles=roles,
        schemes=schemes,
        params=params,
    )
    ctx = replace(ctx, names=_names([*ancestors, pack]))

    parts: dict[str, Any] = {}
    for name, (attribute, reader) in sections.READERS.items():
        above = (item for p in ancestors for item in getattr(p, attribute))
        parts[attribute] = _section(whole, name, reader, ctx, () if name in ("chain", "retention") else above)
    notes: list[Any] = []
    for name, read in dispositions.READERS.items():
        taken = [*parts["rules"], *notes, *(i for p in ancestors for i in (*p.rules, *p.notes))]
        notes += _section(whole, name, read, ctx, taken)
    return replace(pack, **parts, notes=tuple(notes))


def _names(packs: Sequence[Pack]) -> Names:
    return Names(
        fields={item.id: item.type for pack in packs for item in pack.fields},
        params={item.id: item.type for pack in packs for item in pack.params},
        docs=frozenset(item.id for pack in packs for item in pack.docs),
        schemes=frozenset(item.id for pack in packs for item in pack.schemes),
        roles=frozenset(item.id for pack in packs for item in pack.roles),
    )


def _section(
    whole: Table, name: str, reader: sections.Reader, ctx: sections.Context, above: Iterable[Any]
) -> tuple[Any, ...]:
    """Every table called ``name``; an id that stands twice, here or above, is refused."""
    taken = {item.id: item.where for item in above}
    found = []
    for table in whole.tables(name):
        item = reader(table, ctx)
        if item.id in taken:
            table.fail(
                "id",
                _("[[%(table)s]] “%(id)s”已在 %(where)s 声明")
                % {"table": name, "id": item.id, "where": taken[item.id]},
            )
        taken[item.id] = item.where
        found.append(item)
        table.finish()
    return tuple(found)
