"""One reader per kind of table in a pack. Each takes a strict table and gives an immutable record."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xueji.ground.policy import model
from xueji.ground.policy.chains import SIDES, chain
from xueji.ground.policy.model import Source
from xueji.ground.policy.predicates import Names
from xueji.ground.policy.reader import Table, identifier
from xueji.ground.policy.statuses import BY_WORD, ChainKind, Status
from xueji.ground.policy.values import Duration
from xueji.ground.policy.words import _
from xueji.ground.standards.codes import read_rows

AUTHORITIES = (
    "law",
    "norm-national",
    "norm-province",
    "notice-province",
    "notice-city",
    "notice-county",
    "school",
    "contract",
    "draft",
    "manual",
    "template",
    "opinion",
    "unverified",
)
PARAM_TYPES = ("int", "number", "bool", "duration", "set", "string", "date", "window", "chain")
FIELD_TYPES = ("string", "bool", "int", "number", "date", "set")
TIGHTER = {
    "int": ("lower", "higher"),
    "number": ("lower", "higher"),
    "duration": ("lower", "higher"),
    "set": ("subset",),
}
EFFECTS = ("open", "move", "status", "fields", "class", "grade", "number", "guest", "none")
MOVES = ("none", "school", "class", "grade")
LINT_CHECKS = ("docs_ceiling", "never_blocks_on", "never_asks", "schemes_reserved")
_EVENT = re.compile(r"^[a-z][a-z_]*\.[a-z][a-z_]*$")
_TOKEN = re.compile(r"\{([$@][^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Context:
    """What the tables of one pack may lean on."""

    pack: str
    tier: str
    levels: frozenset[str]
    sources: Mapping[str, Source]
    names: Names
    businesses: frozenset[str]
    events: frozenset[str] = frozenset()


def source(table: Table) -> Source:
    """``[[source]]``."""
    return Source(
        id=identifier(table),
        title=table.text("title"),
        authority=table.choice("authority", AUTHORITIES),
        doc_no=table.text("doc_no", ""),
        text=table.choice("text", ("complete", "cut", "quoted"), "complete"),
        issued=table.day("issued"),
        url=table.text("url", ""),
        caveat=table.text("caveat", ""),
    )


def field(table: Table, ctx: Context) -> model.Field:
    """``[[field]]``."""
    return model.Field(
        identifier(table), table.choice("type", FIELD_TYPES), table.text("label"), ctx.pack, table.where()
    )


def doc(table: Table, ctx: Context) -> model.Doc:
    """``[[doc]]``; its id is the Chinese name by which rules ask for it."""
    name = table.text("id")
    supplier = table.choice("supplied_by", ("family", "school", "to_school", "from_school", "authority"))
    return model.Doc(name, table.text("label", name), supplier, ctx.pack, table.where())


def role(table: Table, ctx: Context) -> model.Role:
    """``[[role]]``."""
    return model.Role(
        identifier(table),
        table.text("label"),
        table.text("duty", ""),
        table.texts("incompatible_with", []),
        table.cite(ctx.sources),
        ctx.pack,
        table.where(),
    )


def param(table: Table, ctx: Context) -> model.Param:
    """``[[param]]`` with its ``[[param.value]]``."""
    name = identifier(table)
    kind = table.choice("type", PARAM_TYPES)
    delegates = table.choice("delegates", ("none", "tighten", "free"))
    tighter = table.text("tighter", "")
    if delegates == "tighten" and tighter not in TIGHTER.get(kind, ()):
        allowed = "、".join(TIGHTER.get(kind, ())) or _("无")
        table.fail(
            "tighter" if table.has("tighter") else "delegates",
            _("类型 %(kind)s 的 tighter 可用：%(allowed)s") % {"kind": kind, "allowed": allowed},
        )
    entries = table.tables("value")
    if not entries:
        table.fail("", _("参数“%s”没有 [[param.value]]") % name)
    values = tuple(_param_value(entry, kind, ctx) for entry in entries)
    starts = [value.start for value in values]
    if len(set(starts)) != len(starts):
        table.fail("", _("参数“%s”有两个值自同一天起生效") % name)
    unit, label = table.text("unit", ""), table.text("label", "")
    return model.Param(name, kind, delegates, tighter, unit, label, values, ctx.pack, table.where())


def _param_value(table: Table, kind: str, ctx: Context) -> model.ParamValue:
    stated = not table.has("state")
    if not stated:
        table.choice("state", ("unstated",))
    if stated is not table.has("value"):
        table.fail("", _('“value”和 state = "unstated" 必须且只能有一个'))
    cite = table.cite(ctx.sources)
    force = table.force()
    table.rank(force, cite)
    start, end = table.day("from"), table.day("to")
    if start and end and start > end:
        table.fail("to", _("“to”早于“from”"))
    boundary = table.choice("boundary", ("stated", "unstated"), "stated")
    value = table.value("value", kind) if stated else None
    caveat = table.text("caveat", "")
    table.finish()
    return model.ParamValue(value, stated, start, end, force, cite, boundary == "stated", caveat)


def rule(table: Table, ctx: Context) -> model.Rule:
    """``[[rule]]``."""
    name = identifier(table)
    events = table.texts("on")
    for event in events:
        if not _EVENT.match(event) or event.partition(".")[0] not in ctx.businesses | ctx.events:
            table.fail("on", _("事件“%s”应写作 业务.环节，业务须在 [[business]] 中声明") % event)
    if not events:
        table.fail("on", _("“on”不能为空"))
    outcome = table.text("else")
    kind, _mark, route = outcome.partition(":")
    if kind not in ("block", "warn", "need_docs", "ask", "route") or (kind == "route") is not bool(route):
        table.fail("else", _("“else”只能是 block、warn、need_docs、ask 或 route:业务"))
    if route and route not in ctx.businesses | ctx.events:
        table.fail("else", _("业务“%s”没有声明") % route)
    cite = table.cite(ctx.sources, phrase_needed=True)
    force = table.force()
    table.rank(force, cite)
    need = table.predicate("need", ctx.names)
    message = table.text("message", "")
    for token in _TOKEN.findall(message):
        known = ctx.names.fields if token[0] == "$" else ctx.names.params
        if token[1:] not in known:
            table.fail("message", _("“message”中的 {%s} 没有声明") % token)
    if kind == "need_docs" and not any(node.op == "docs" for node in need.walk()):
        table.fail("need", _('else = "need_docs" 的规则要有 docs 条件'))
    return model.Rule(
        id=name,
        on=events,
        when=table.predicate("when", ctx.names) if table.has("when") else None,
        need=need,
        otherwise=kind,
        route=route,
        force=force,
        cite=cite,
        message=message,
        start=table.day("from"),
        end=table.day("to"),
        locked=table.flag("locked"),
        replaces=table.texts("replaces", []),
        levels=table.levels(ctx.levels),
        effects=_effects(table),
        pack=ctx.pack,
        where=table.where(),
    )


def _effects(table: Table) -> Mapping[str, Any]:
    """What follows when the rule is met: ``set`` facts; ``approve`` in order; ``notify`` and ``task`` lists."""
    found: dict[str, Any] = {}
    if table.has("set"):
        values = table.raw("set")
        if not isinstance(values, dict):
            table.fail("set", _("“set”应是表"))
        found["set"] = values
    for key in ("approve", "notify", "task"):
        if table.has(key):
            found[key] = table.texts(key)
    return found


def business(table: Table, ctx: Context) -> model.Business:
    """``[[business]]``."""
    prefix = table.text("prefix")
    if not re.fullmatch(r"[A-Z]{2}", prefix):
        table.fail("prefix", _("“prefix”应是两个大写字母"))
    slots = []
    for entry in table.tables("evidence"):
        name = entry.text("doc")
        if name not in ctx.names.docs:
            entry.fail("doc", _("材料“%s”没有声明，请在 [[doc]] 中声明或检查拼写") % name)
        slots.append(
            model.EvidenceSlot(
                name, entry.text("label", name), entry.flag("required"), entry.text("hint", "")
            )
        )
        entry.finish()
    fields = table.texts("fields", [])
    for name in fields:
        if name not in ctx.names.fields:
            table.fail("fields", _("字段“%s”没有声明，请在 [[field]] 中声明或检查拼写") % name)
    return model.Business(
        id=identifier(table),
        label=table.text("label"),
        prefix=prefix,
        group=table.choice(
            "group",
            ("enrol", "move", "pause", "leave", "change", "grade", "finish", "number", "guest", "record"),
        ),
        effect=table.choice("effect", EFFECTS),
        starts=table.choice("starts", SIDES, "school"),
        variants=table.texts("variants", []),
        fields=fields,
        evidence=tuple(slots),
        levels=table.levels(ctx.levels),
        cite=table.cite(ctx.sources),
        pack=ctx.pack,
        where=table.where(),
    )


#: Steps of the system itself, which nobody applies for and no pack describes: an import taken back.
OWN_BUSINESSES = frozenset({"undo"})


def transition(table: Table, ctx: Context) -> model.Transition:
    """``[[transition]]``."""
    code = table.text("business")
    if code not in ctx.businesses | OWN_BUSINESSES:
        table.fail("business", _("业务“%s”没有声明") % code)
    states: list[Status] = []
    for key in ("from", "to"):
        word = table.text(key)
        if word not in BY_WORD:
            table.fail(key, _("不认识的学籍状态“%s”") % word)
        states.append(BY_WORD[word])
    kind = table.choice("kind", ("registered", "guest"))
    return model.Transition(
        id=table.integer("id"),
        kind=ChainKind[kind.upper()],
        source=states[0],
        business=code,
        target=states[1],
        moves=table.choice("moves", MOVES, "none"),
        cite=table.cite(ctx.sources),
        note=table.text("note", ""),
        pack=ctx.pack,
        where=table.where(),
    )


def scheme(table: Table, ctx: Context) -> model.NumberScheme:
    """``[[number_scheme]]`` with its layout."""
    parts = []
    for entry in table.tables("fields"):
        kind = entry.choice("kind", ("digits", "text", "literal", "serial"))
        literal = entry.text("literal", "")
        if bool(literal) is not (kind == "literal"):
            entry.fail("kind", _('kind = "literal" 的部分（且只有它）要写 literal'))
        width = entry.integer("width", len(literal) or ...)
        if width < 1 or (literal and width != len(literal)):
            entry.fail("width", _("宽度不对"))
        parts.append(model.NumberField(entry.text("name"), width, kind, literal))
        entry.finish()
    names = [part.name for part in parts]
    if not parts or len(set(names)) != len(names):
        table.fail("", _("编号的各部分不能为空或重名"))
    unique_in = table.texts("unique_in")
    for name in unique_in:
        if name not in names and name not in ("nation", "province"):
            table.fail("unique_in", _("“%s”不是编号的组成部分") % name)
    return model.NumberScheme(
        id=identifier(table),
        title=table.text("title"),
        issuer=table.choice("issuer", model.TIERS),
        life=table.choice("life", ("person", "stage", "school")),
        unique_in=unique_in,
        gap_free=table.flag("gap_free"),
        generator=table.choice("generator", ("national", "derived", "consecutive")),
        reserved=table.flag("reserved"),
        fields=tuple(parts),
        cite=table.cite(ctx.sources),
        caveat=table.text("caveat", ""),
        pack=ctx.pack,
        where=table.where(),
    )


def window(table: Table, ctx: Context) -> model.Window:
    """``[[window]]``."""
    codes = table.texts("business")
    for code in codes:
        if code not in ctx.businesses:
            table.fail("business", _("业务“%s”没有声明") % code)
    start, end = table.day("from", ...), table.day("to", ...)
    assert start is not None
    assert end is not None
    if start > end:
        table.fail("to", _("“to”早于“from”"))
    return model.Window(
        id=identifier(table),
        kind=table.choice("kind", ("pause", "open")),
        business=codes,
        label=table.text("label"),
        start=start,
        end=end,
        graduating_only=table.flag("graduating_only"),
        cite=table.cite(ctx.sources),
        caveat=table.text("caveat", ""),
        pack=ctx.pack,
        where=table.where(),
    )


def retention(table: Table, ctx: Context) -> model.Retention:
    """``[[retention]]``: a length, ``permanent``, or a text that does not say."""
    keep: str | None = None
    if table.has("state"):
        table.choice("state", ("unstated",))
    else:
        keep = table.text("keep")
        if keep != "permanent":
            table.value("keep", "duration")
    start, end = table.day("from"), table.day("to")
    if start and end and start > end:
        table.fail("to", _("“to”早于“from”"))
    kind = table.text("class", "")
    if kind:
        _longer(table, kind, keep)
    elif start or end:
        table.fail("from" if start else "to", _("只有写明 class 的保管期限才能有起止日期"))
    return model.Retention(
        identifier(table),
        table.text("label"),
        keep,
        table.cite(ctx.sources),
        ctx.pack,
        table.where(),
        kind,
        start,
        end,
    )


def _longer(table: Table, kind: str, keep: str | None) -> None:
    """A place may keep a class that is disposed of for longer, never for less and never for ever (个人信息保护法 19)."""
    rows = {r["code"]: r for r in read_rows("retention.csv") if r["method"] != "none"}
    row = rows.get(kind)
    if row is None:
        table.fail("class", _("没有“%s”这一类可以销毁的数据, 见 standards/retention.csv") % kind)
        return
    if keep is None or keep == "permanent":
        table.fail(
            "keep" if keep else "class", _("延长保管要写明期限, 不能不写或写永久(个人信息保护法第十九条)")
        )
        return
    length = Duration.parse(keep)
    if length.days or length.workdays:
        table.fail("keep", _("延长保管的期限用年或月来写, 如 P5Y"))
    if length.months < int(row["amount"]):
        table.fail(
            "keep",
            _("“%(name)s”至少保管 %(n)s 个月(《%(law)s》%(article)s), 只能延长不能缩短")
            % {"name": row["name"], "n": row["amount"], "law": row["source"], "article": row["article"]},
        )


def lint(table: Table, ctx: Context) -> model.Lint:
    """``[[lint]]``: what packs below may not say."""
    check = table.choice("check", LINT_CHECKS)
    args: dict[str, Any] = {}
    if check == "docs_ceiling":
        args = {"param": table.text("param"), "on": table.texts("on")}
        if ctx.names.params.get(args["param"]) != "set":
            table.fail("param", _("参数“%s”不存在或不是集合") % args["param"])
    elif check == "never_blocks_on":
        args = {"field": table.text("field"), "value": table.text("value")}
        if args["field"] not in ctx.names.fields:
            table.fail("field", _("字段“%s”没有声明，请在 [[field]] 中声明或检查拼写") % args["field"])
    elif check == "never_asks":
        args = {"field": table.text("field"), "on": table.texts("on"), "levels": table.levels(ctx.levels)}
        if args["field"] not in ctx.names.fields:
            table.fail("field", _("字段“%s”没有声明，请在 [[field]] 中声明或检查拼写") % args["field"])
    else:
        args = {"prefix": table.text("prefix")}
    return model.Lint(
        identifier(table), check, table.cite(ctx.sources, phrase_needed=True), args, ctx.pack, table.where()
    )


Reader = Callable[[Table, Context], Any]
READERS: dict[str, tuple[str, Reader]] = {
    "business": ("businesses", business),
    "rule": ("rules", rule),
    "transition": ("transitions", transition),
    "chain": ("chains", chain),
    "window": ("windows", window),
    "retention": ("retentions", retention),
    "lint": ("lints", lint),
}
"""Tables read after the declarations (fields, docs, roles, schemes, params), with the pack's attribute."""
