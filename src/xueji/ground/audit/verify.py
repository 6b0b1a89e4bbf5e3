"""Proving that the audit is as it was written: every seal and every entry is recomputed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.db.problems import Problem

from .chain import SELECT, entry_digest, seal_digests

_BATCH = 200
#: An entry this old without a seal means that the worker does not seal, or that somebody slipped it in.
UNSEALED_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Broken:
    """Where the chain breaks: the seal, the entry if it can be named, and how."""

    seal_id: int | None
    entry_id: int | None
    how: str


def breaks(cursor: Any, anchor: tuple[int, bytes] | None = None) -> Iterator[Broken]:
    """Every break in the order of the chain. `cursor` may be Django's or psycopg's; it must be able to read both tables.

    `anchor` is a seal's id and SHA-256 noted outside the database: it finds out when the whole chain was made anew.
    """
    before = (b"", b"")
    last_id, anchored = 0, anchor is None
    while True:
        cursor.execute(
            "select id, day, entry_ids, entry_hashes, sha256, sm3 from audit_seal where id > %s order by id limit %s",
            [last_id, _BATCH],
        )
        seals = cursor.fetchall()
        if not seals:
            break
        for seal_id, day, ids, hashes, sha256, sm3 in seals:
            hashes, sha256, sm3 = bytes(hashes), bytes(sha256), bytes(sm3)
            kept = [hashes[i : i + 32] for i in range(0, len(hashes), 32)]
            if (sha256, sm3) != seal_digests(before, day, kept) or len(kept) != len(ids):
                yield Broken(seal_id, None, "seal")
            yield from _entries(cursor, seal_id, dict(zip(ids, kept, strict=False)))
            if anchor is not None and seal_id == anchor[0]:
                anchored = True
                if sha256 != anchor[1]:
                    yield Broken(seal_id, None, "anchor")
            before, last_id = (sha256, sm3), seal_id
    if not anchored and anchor is not None:
        yield Broken(anchor[0], None, "anchor")
    yield from _unsealed(cursor)


def _entries(cursor: Any, seal_id: int, kept: dict[int, bytes]) -> Iterator[Broken]:
    cursor.execute(f"select {SELECT} from audit_entry where id = any(%s) order by id", [list(kept)])
    found = {row[0]: entry_digest(row) for row in cursor.fetchall()}
    for entry_id, digest in kept.items():
        if entry_id not in found:
            yield Broken(seal_id, entry_id, "deleted")
        elif found[entry_id] != digest:
            yield Broken(seal_id, entry_id, "changed")


def _unsealed(cursor: Any) -> Iterator[Broken]:
    cursor.execute(
        "select e.id from audit_entry e where e.at < %s and not exists"
        " (select 1 from (select unnest(entry_ids) as id from audit_seal) s where s.id = e.id)"
        " order by e.id limit 100",
        [timezone.now() - UNSEALED_AFTER],
    )
    for (entry_id,) in cursor.fetchall():
        yield Broken(None, entry_id, "unsealed")


def first_break(cursor: Any, anchor: tuple[int, bytes] | None = None) -> Broken | None:
    """The first break of the chain, or None when everything holds."""
    return next(breaks(cursor, anchor), None)


_WORDS = {
    "seal": gettext_lazy("封条与内容不符"),
    "deleted": gettext_lazy("日志条目已被删除"),
    "changed": gettext_lazy("日志条目已被改动"),
    "unsealed": gettext_lazy("日志条目超过一小时没有加封"),
    "anchor": gettext_lazy("封条与留存的锚点不符, 整条链可能被重做"),
}


def in_words(broken: Broken) -> str:
    """A break for people: what, and where."""
    return _("%(what)s (封条 %(seal)s, 条目 %(entry)s)") % {
        "what": _WORDS[broken.how],
        "seal": broken.seal_id or "-",
        "entry": broken.entry_id or "-",
    }


def problems(connection: Any) -> Iterator[Problem]:
    """For `xueji verify`: the breaks as problems (as owner, on a connection of its own)."""
    unsealed = 0
    with connection.cursor() as cursor:
        for b in breaks(cursor):
            if b.how == "unsealed":
                unsealed += 1
            else:
                yield Problem(
                    "audit", str(_WORDS[b.how]), f"seal {b.seal_id or '-'} entry {b.entry_id or '-'}"
                )
    if unsealed:
        text = _("%(n)s 条日志超过一小时没有加封, 请检查后台任务是否在运行") % {"n": unsealed}
        yield Problem("audit", text, f"{unsealed} entries")
