"""Proving that the audit is as it was written: every seal and every entry is recomputed, the fence is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.db.problems import Problem

from . import fence
from .chain import SELECT, Head, entry_digest, seal_digests
from .stubs import Stubs

_BATCH = 200
#: An entry this old without a seal means that the worker does not seal, or that somebody slipped it in.
UNSEALED_AFTER = timedelta(hours=1)
#: An entry that is this much older than the seals before its own was not there when they were made: slipped in later.
LATE_AFTER = timedelta(hours=2)

Anchored = tuple[int, bytes]


@dataclass(frozen=True)
class Broken:
    """Where the chain breaks: the seal, the entry if it can be named, how, and more words if there are any."""

    seal_id: int | None
    entry_id: int | None
    how: str
    more: str = ""


def breaks(cursor: Any, anchors: Anchored | Sequence[Anchored] | None = None) -> Iterator[Broken]:
    """Every break in the order of the chain. `cursor` may be Django's or psycopg's; it must be able to read the tables.

    `anchors` are seals (id and SHA-256) noted outside the database: they find out when the whole chain was made anew
    or its end cut off. Entries that lie in an archive may be missing; their digests stay with the seals.
    """
    single = isinstance(anchors, tuple) and len(anchors) == 2 and isinstance(anchors[0], int)
    noted: dict[int, bytes] = dict([anchors] if single else anchors or ())  # type: ignore[list-item,arg-type]
    held: int | None = None
    stubs = Stubs(cursor)
    yield from (Broken(None, None, "archive", name) for name in stubs.false)
    before: tuple[bytes, bytes] = (b"", b"")
    last_id, earlier, here = 0, None, None
    while True:
        cursor.execute(
            "select id, version, day, sealed_at, entry_ids, entry_hashes, sha256, sm3 from audit_seal"
            " where id > %s order by id limit %s",
            [last_id, _BATCH],
        )
        seals = cursor.fetchall()
        if not seals:
            break
        for seal_id, version, day, sealed_at, ids, hashes, sha256, sm3 in seals:
            hashes, sha256, sm3 = bytes(hashes), bytes(sha256), bytes(sm3)
            kept = [hashes[i : i + 32] for i in range(0, len(hashes), 32)]
            if seal_id != last_id + 1 and version > 1:
                yield Broken(last_id + 1, None, "missing")
            if not _holds(before, Head(seal_id, day, sealed_at, ids, version), kept, (sha256, sm3)):
                yield Broken(seal_id, None, "seal")
            if here is not None and sealed_at > here:
                earlier = here
            here = max(here, sealed_at) if here else sealed_at
            yield from _entries(cursor, seal_id, dict(zip(ids, kept, strict=False)), stubs, earlier)
            if seal_id in noted:
                if noted.pop(seal_id) != sha256:
                    yield Broken(seal_id, None, "anchor", _since(held))
                held = seal_id
            before, last_id = (sha256, sm3), seal_id
    for seal_id in sorted(noted):
        yield Broken(seal_id, None, "cut", _since(held))
    yield from _unsealed(cursor)


def _holds(before: tuple[bytes, bytes], head: Head, kept: list[bytes], digests: tuple[bytes, bytes]) -> bool:
    try:
        return len(kept) == len(head.entry_ids) and digests == seal_digests(before, head, kept)
    except ValueError:
        return False


def _since(held: int | None) -> str:
    return _("封条 %(n)s 的锚点仍然相符, 改动在它之后") % {"n": held} if held else ""


def _entries(
    cursor: Any, seal_id: int, kept: dict[int, bytes], stubs: Stubs, earlier: datetime | None
) -> Iterator[Broken]:
    cursor.execute(f"select {SELECT} from audit_entry where id = any(%s) order by id", [list(kept)])
    found = {row[0]: (entry_digest(row), row[1]) for row in cursor.fetchall()}
    for entry_id, digest in kept.items():
        if entry_id not in found:
            if entry_id not in stubs:
                yield Broken(seal_id, entry_id, "deleted")
        elif found[entry_id][0] != digest:
            yield Broken(seal_id, entry_id, "changed")
        elif earlier is not None and found[entry_id][1] < earlier - LATE_AFTER:
            yield Broken(seal_id, entry_id, "late")


def _unsealed(cursor: Any) -> Iterator[Broken]:
    cursor.execute(
        "select e.id from audit_entry e where e.at < %s and not exists"
        " (select 1 from (select unnest(entry_ids) as id from audit_seal) s where s.id = e.id)"
        " order by e.id limit 100",
        [timezone.now() - UNSEALED_AFTER],
    )
    for (entry_id,) in cursor.fetchall():
        yield Broken(None, entry_id, "unsealed")


def first_break(cursor: Any, anchors: Anchored | Sequence[Anchored] | None = None) -> Broken | None:
    """The first break of the chain, or None when everything holds."""
    return next(breaks(cursor, anchors), None)


_WORDS = {
    "seal": gettext_lazy("封条与内容不符"),
    "missing": gettext_lazy("封条缺失"),
    "deleted": gettext_lazy("日志条目已被删除"),
    "changed": gettext_lazy("日志条目已被改动"),
    "unsealed": gettext_lazy("日志条目超过一小时没有加封"),
    "late": gettext_lazy("日志条目是事后插入的: 它的时间早于前面已加封的条目"),
    "anchor": gettext_lazy("封条与留存的锚点不符, 从这一封条或更早处起被重做"),
    "cut": gettext_lazy("锚点所记的封条已不存在, 链的末尾被截断"),
    "archive": gettext_lazy("归档登记的签名不符"),
}


def in_words(broken: Broken) -> str:
    """A break for people: what, and where."""
    text = _("%(what)s (封条 %(seal)s, 条目 %(entry)s)") % {
        "what": _WORDS[broken.how],
        "seal": broken.seal_id or "-",
        "entry": broken.entry_id or "-",
    }
    return f"{text}; {broken.more}" if broken.more else text


def problems(
    connection: Any, anchors: Sequence[Anchored] = (), *, guards: dict[str, str] | None = None
) -> Iterator[Problem]:
    """For `xueji verify`: the breaks as problems (as owner, on a connection of its own), then holes in the fence.

    `guards` is what an anchor says of the fence: a trigger that was switched off and on again since is told.
    """
    unsealed = 0
    with connection.cursor() as cursor:
        for b in breaks(cursor, anchors):
            if b.how == "unsealed":
                unsealed += 1
            else:
                yield Problem("audit", in_words(b), f"seal {b.seal_id or '-'} entry {b.entry_id or '-'}")
        yield from fence.problems(cursor, guards)
    if unsealed:
        text = _("%(n)s 条日志超过一小时没有加封, 请检查后台任务是否在运行") % {"n": unsealed}
        yield Problem("audit", text, f"{unsealed} entries")
