"""Readers for what a text says without being a live rule, and for events that are no kind of case.

Every rule of a text stands in exactly one table: ``[[rule]]`` when the engine decides it, ``[[checklist]]``
when a person must do or judge it, ``[[suggestion]]`` when the text has no rank, ``[[refused]]`` when a stronger
article forbids it, ``[[unstated]]`` when the text leaves open what it would take to decide.
"""

from __future__ import annotations

from xueji.ground.policy import model, sections
from xueji.ground.policy.reader import WEAK_AUTHORITIES, Table
from xueji.ground.policy.sections import Context
from xueji.ground.policy.words import _

KINDS = ("checklist", "suggestion", "refused", "unstated")


def event(table: Table, ctx: Context) -> model.Event:
    """``[[event]]``: a word before the dot in ``on`` that is not a kind of case."""
    name = sections.identifier(table)
    if name in ctx.businesses:
        table.fail("id", _("“%s”已是业务") % name)
    about = table.choice("about", ("student", "unit"), "student")
    return model.Event(name, table.text("label"), about, ctx.pack, table.where())


def _note(
    table: Table,
    ctx: Context,
    kind: str,
    *,
    who: str = "",
    occasion: str = "",
    ask: str = "",
    param: str = "",
) -> model.Note:
    cite = table.cite(ctx.sources, phrase_needed=True)
    if (kind == "suggestion") is not (cite.source.authority in WEAK_AUTHORITIES):
        table.fail(
            "cite",
            _("没有效力等级的来源只能写在 [[suggestion]]，有效力等级的不能写在这里：《%s》")
            % cite.source.title,
        )
    return model.Note(
        id=sections.identifier(table),
        kind=kind,
        text=table.text("text"),
        who=who,
        occasion=occasion,
        ask=ask,
        param=param,
        by="",
        rule=None,
        cite=cite,
        pack=ctx.pack,
        where=table.where(),
    )


def checklist(table: Table, ctx: Context) -> model.Note:
    """``[[checklist]]``: who does it by hand, and when."""
    return _note(table, ctx, "checklist", who=table.text("who"), occasion=table.text("occasion", ""))


def suggestion(table: Table, ctx: Context) -> model.Note:
    """``[[suggestion]]``: a text without rank; ``ask`` is what a place would have to settle to adopt it."""
    return _note(table, ctx, "suggestion", ask=table.text("ask", ""))


def unstated(table: Table, ctx: Context) -> model.Note:
    """``[[unstated]]``: what the text leaves open (``ask``), and the parameter that would hold it."""
    name = table.text("param", "")
    if name and name not in ctx.names.params:
        table.fail("param", _("参数“@%s”不存在") % name)
    return _note(table, ctx, "unstated", ask=table.text("ask"), param=name)


def refused(table: Table, ctx: Context) -> model.Note:
    """``[[refused]]``: the keys of a rule, and the stronger rule that refuses it (``by``)."""
    rule = sections.rule(table, ctx)
    return model.Note(
        id=rule.id,
        kind="refused",
        text=rule.message,
        who="",
        occasion="",
        ask="",
        param="",
        by=table.text("by"),
        rule=rule,
        cite=rule.cite,
        pack=ctx.pack,
        where=table.where(),
    )


READERS: dict[str, sections.Reader] = {
    "checklist": checklist,
    "suggestion": suggestion,
    "refused": refused,
    "unstated": unstated,
}
"""Tables read last, in this order."""
