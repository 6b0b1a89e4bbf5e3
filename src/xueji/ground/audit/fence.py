"""The fence around the audit's tables: is it there, is it switched on, was it touched since an anchor was made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.db.problems import Problem

TABLES = (
    "audit_entry",
    "audit_seal",
    "audit_queued",
    "audit_anchor",
    "audit_archive",
    "audit_finding",
    "audit_review",
)
_FUNCTIONS = {
    "xueji_refuse_audit_change": "guard.sql",
    "xueji_audit_drop": "drop.sql",
    "xueji_audit_note": "queue.sql",
    "xueji_audit_flush": "queue.sql",
    "xueji_audit_shown": "queue.sql",
}


def marks(cursor: Any) -> dict[str, str]:
    """A mark for each trigger and table that changes with every ALTER: kept in anchors."""
    cursor.execute(
        "select tgname, t.xmin::text || '.' || t.oid::text from pg_trigger t where not tgisinternal"
        " and tgrelid = any(array(select to_regclass(x)::oid from unnest(%s::text[]) x)) order by 1",
        [list(TABLES)],
    )
    return dict(cursor.fetchall())


def problems(cursor: Any, since: dict[str, str] | None = None) -> Iterator[Problem]:
    """Holes in the fence: a trigger that is off or gone, a function that was changed, a rule, a child table.

    `since` are the marks of an anchor: triggers that were altered since then (switched off and on again) are told.
    """
    cursor.execute(
        "select tgname, tgenabled::text, c.relname from pg_trigger t join pg_class c on c.oid = tgrelid"
        " where not tgisinternal and relname = any(%s) and relnamespace = 'public'::regnamespace",
        [list(TABLES)],
    )
    found = {name: (state, table) for name, state, table in cursor.fetchall()}
    wanted = {f"{table}_{what}" for table in TABLES for what in ("frozen", "kept")}
    for name in sorted(wanted):
        if name not in found:
            yield Problem("audit", _("保护日志表的触发器不存在: %(name)s") % {"name": name}, name)
        elif found[name][0] != "A":
            yield Problem("audit", _("保护日志表的触发器已被停用: %(name)s") % {"name": name}, name)
    for name in sorted(set(found) - wanted):
        yield Problem("audit", _("日志表上有多余的触发器: %(name)s") % {"name": name}, name)
    yield from _functions(cursor)
    cursor.execute(
        "select c.relname, r.rulename from pg_rewrite r join pg_class c on c.oid = r.ev_class"
        " where c.relname = any(%s) and c.relkind = 'r'"
        " union select c.relname, 'inherits' from pg_inherits i join pg_class c on c.oid in (i.inhrelid, i.inhparent)"
        " where c.relname = any(%s)"
        " union select relname, 'relkind' from pg_class where relname = any(%s) and relkind <> 'r'",
        [list(TABLES)] * 3,
    )
    for table, what in cursor.fetchall():
        text = _("日志表 %(table)s 被加上了规则、继承或分区: %(what)s") % {"table": table, "what": what}
        yield Problem("audit", text, f"{table} {what}")
    if since:
        now = marks(cursor)
        touched = sorted(name for name in since if now.get(name) != since[name])
        if touched:
            text = _("保护日志表的触发器在锚点之后被改动过(停用又启用、升级或整库恢复都会这样): %(names)s")
            yield Problem("audit", text % {"names": ", ".join(touched)}, "triggers")


def _functions(cursor: Any) -> Iterator[Problem]:
    """The functions say what this version's files say."""
    cursor.execute("select proname, prosrc from pg_proc where proname = any(%s)", [list(_FUNCTIONS)])
    have: dict[str, list[str]] = {}
    for name, source in cursor.fetchall():
        have.setdefault(name, []).append(" ".join(source.split()))
    for name, file in _FUNCTIONS.items():
        text = " ".join((Path(__file__).parent / "sql" / file).read_text(encoding="utf-8").split())
        sources = have.get(name, [])
        if len(sources) != 1 or sources[0] not in text:
            yield Problem("audit", _("保护日志的函数与本版本不符: %(name)s") % {"name": name}, name)
