"""The rules of a place as people read them: rows in words, made from a `PolicySet`. Asks no database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.utils.translation import gettext as _

from xueji.ground.policy.catalogue import Conflict, Disposition
from xueji.ground.policy.compare import article_words, rule_words, topic_of, value_words
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import caveat_words
from xueji.ground.policy.library import PolicyLibrary
from xueji.ground.policy.model import TIERS, Cite, Pack, Param, ParamValue, Rule, Window
from xueji.ground.policy.values import speak


def force_words(force: str) -> str:
    """How strongly a text binds, and who may let a case pass in spite of it."""
    return {
        "must": _("应当(不得例外)"),
        "general": _("一般(负责人说明理由可例外)"),
        "may": _("可以(只提示)"),
        "advisory": _("建议(只提示)"),
    }[force]


def topic_words(topic: str) -> str:
    """The subject of a rule by the letters in its identifier."""
    return {
        "SCO": _("适用范围"),
        "ROL": _("职责与岗位"),
        "ENR": _("招生与建籍"),
        "NUM": _("学籍号"),
        "DUP": _("查重与问题学籍"),
        "DAT": _("信息采集"),
        "FIL": _("学籍档案"),
        "CRD": _("学生卡"),
        "TRF": _("转学"),
        "LOD": _("借读"),
        "SUS": _("休学"),
        "RES": _("复学"),
        "GRD": _("升级、留级、跳级"),
        "GRA": _("毕业、结业、肄业"),
        "WDR": _("退学"),
        "DEA": _("死亡"),
        "CHG": _("信息变更"),
        "CLS": _("班级与班额"),
        "EXM": _("考试"),
        "SYS": _("学制"),
        "ATT": _("考勤"),
        "AUD": _("核查"),
        "RPT": _("上报"),
        "EXP": _("数据导出"),
        "SEC": _("信息安全"),
        "PUB": _("公示"),
        "CES": _("义务教育法"),
        "AWD": _("奖励"),
        "REG": _("学期注册"),
        "CRS": _("课程与学分"),
        "EXT": _("延长学习"),
        "FLO": _("业务顺序"),
        "RGT": _("学生权利"),
    }.get(topic, _("其他"))


def words_of_caveats(codes: Iterable[str]) -> tuple[str, ...]:
    """Caveats in Chinese, each once."""
    return tuple(dict.fromkeys(caveat_words(code) for code in codes))


@dataclass(frozen=True)
class Article:
    """Where something stands."""

    title: str
    article: str
    doc_no: str
    phrase: str

    @classmethod
    def of(cls, cite: Cite) -> Article:
        """The article of a citation."""
        return cls(cite.source.title, article_words(cite.article), cite.source.doc_no, cite.phrase)


@dataclass(frozen=True)
class RuleRow:
    """A rule in force, in words."""

    id: str
    text: str
    topic: str
    events: tuple[str, ...]
    where: Article
    pack: str
    force: str
    start: date | None
    end: date | None
    locked: bool
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class ValueStep:
    """What one pack of the line says about a value."""

    pack: str
    tier: str
    text: str
    where: Article
    force: str
    start: date | None
    end: date | None
    holds: bool
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class ValueRow:
    """A value in force with where it comes from, the nation's pack first."""

    id: str
    label: str
    text: str
    unit: str
    freedom: str
    steps: tuple[ValueStep, ...]


@dataclass(frozen=True)
class ChainRow:
    """Who decides one variant of a business."""

    label: str
    variant: str
    steps: tuple[str, ...]
    where: Article
    pack: str
    caveat: str


@dataclass(frozen=True)
class BusinessRow:
    """A kind of case: chains, papers, periods."""

    id: str
    label: str
    where: Article
    chains: tuple[ChainRow, ...]
    papers: tuple[tuple[str, bool, str], ...]
    """Paper, whether the form asks for it always, hint."""
    windows: tuple[Window, ...]


def labels_of_events(policy: PolicySet) -> dict[str, str]:
    """The word before the dot of `transfer.apply` in Chinese."""
    found = {item.id: item.label for pack in policy.packs for item in pack.events}
    return found | {item.id: item.label for item in policy.businesses()}


def event_words(event: str, labels: dict[str, str]) -> str:
    """`transfer.apply` as 转学(申请)."""
    before, _dot, after = event.partition(".")
    moment = {"apply": _("申请"), "effect": _("生效"), "check": _("检查"), "decide": _("审批")}.get(after)
    label = labels.get(before, before)
    return f"{label}({moment})" if moment else label


def rule_rows(policy: PolicySet, *, event: str = "", topic: str = "", text: str = "") -> list[RuleRow]:
    """Rules in force, the nation's first; `event` is a word before the dot, `text` an identifier or words."""
    labels = labels_of_events(policy)
    wanted = text.strip().casefold()
    rows = []
    for rule in policy.rules:
        if event and all(name.partition(".")[0] != event for name in rule.on):
            continue
        if topic and topic_of(rule.id) != topic:
            continue
        row = _rule(rule, policy, labels)
        if wanted and wanted not in _haystack(row):
            continue
        rows.append(row)
    return rows


def _haystack(row: RuleRow) -> str:
    where = row.where
    return " ".join(
        (row.id, row.text, where.title, where.article, where.doc_no, where.phrase, row.pack)
    ).casefold()


def _rule(rule: Rule, policy: PolicySet, labels: dict[str, str]) -> RuleRow:
    pack = next(item for item in policy.packs if item.id == rule.pack)
    codes = policy.caveats_of(rule)
    return RuleRow(
        id=rule.id,
        text=rule_words(rule, policy),
        topic=topic_of(rule.id),
        events=tuple(dict.fromkeys(event_words(name, labels) for name in rule.on)),
        where=Article.of(rule.cite),
        pack=pack.title,
        force=force_words(rule.force),
        start=rule.start,
        end=rule.end,
        locked=rule.locked,
        caveats=words_of_caveats(codes),
    )


def value_rows(policy: PolicySet, text: str = "") -> list[ValueRow]:
    """Every value in force, with what each pack of the line says about it."""
    wanted = text.strip().casefold()
    rows = []
    for name in policy.param_ids():
        held = policy.param(name)
        steps = [
            _value_step(pack, param, value, held)
            for pack in policy.packs
            for param in pack.params
            if param.id == name
            for value in param.values
        ]
        params = [param for pack in policy.packs for param in pack.params if param.id == name]
        label = next((param.label for param in reversed(params) if param.label), name)
        unit = next((param.unit for param in reversed(params) if param.unit), "")
        row = ValueRow(
            name, label, value_words(held), unit if held.stated else "", _freedom(params), tuple(steps)
        )
        if (
            not wanted
            or wanted in f"{name} {label} {row.text} {' '.join(s.where.title for s in steps)}".casefold()
        ):
            rows.append(row)
    return rows


def _freedom(params: list[Param]) -> str:
    """What a unit below may do with a value: the strictest that any pack of the line says."""
    found = min((param.delegates for param in params), key=("none", "tighten", "free").index)
    if found == "none":
        return _("已锁定，下级不得改动")
    if found == "free":
        return _("下级可以另定")
    direction = next(param.tighter for param in params if param.tighter)
    how = {"lower": _("只能调低"), "higher": _("只能调高"), "subset": _("只能减少")}[direction]
    return _("下级只能从严: %s") % how


def _value_step(pack: Pack, param: Param, value: ParamValue, held: ParamValue) -> ValueStep:
    codes = [
        *(["invented"] if pack.invented else []),
        *(["date_unstated"] if value.start is None else []),
        *({"cut": ["source_cut"], "quoted": ["source_quoted"]}.get(value.cite.source.text, [])),
        *(["boundary_unstated"] if not value.boundary_stated else []),
        *([value.cite.source.caveat] if value.cite.source.caveat else []),
        *([value.caveat] if value.caveat else []),
    ]
    return ValueStep(
        pack=pack.title,
        tier=tier_words(pack.tier),
        text=value_words(value) + (param.unit if value.stated else ""),
        where=Article.of(value.cite),
        force=force_words(value.force),
        start=value.start,
        end=value.end,
        holds=value is held,
        caveats=words_of_caveats(codes),
    )


def tier_words(tier: str) -> str:
    """The tier of a pack."""
    return {
        "national": _("国家"),
        "province": _("省"),
        "city": _("市"),
        "county": _("县"),
        "school": _("学校"),
    }[tier]


def business_rows(policy: PolicySet, day: date, business: str = "") -> list[BusinessRow]:
    """Kinds of cases of a place with chains, papers and periods not over on a day; of one kind when given."""
    titles = {pack.id: pack.title for pack in policy.packs}
    variants = {"same_county": _("县内"), "other_county": _("跨县"), "other_province": _("跨省")}
    rows = []
    for item in policy.businesses():
        if business and item.id != business:
            continue
        chains = [
            ChainRow(
                label=chain.label,
                variant=variants.get(variant, variant),
                steps=tuple(
                    f"{step.label}({_('%d个工作日') % step.days})" if step.days else step.label
                    for step in policy.chain_for(item.id, variant).steps
                ),
                where=Article.of(chain.cite),
                pack=titles[chain.pack],
                caveat=chain.caveat,
            )
            for (code, variant), chain in policy.chains().items()
            if code == item.id
        ]
        windows = {
            window.id: window
            for pack in policy.packs
            for window in pack.windows
            if item.id in window.business and window.end >= day
        }
        rows.append(
            BusinessRow(
                id=item.id,
                label=item.label,
                where=Article.of(item.cite),
                chains=tuple(chains),
                papers=tuple((slot.label, slot.required, slot.hint) for slot in item.evidence),
                windows=tuple(sorted(windows.values(), key=lambda window: window.start)),
            )
        )
    return rows


def retention_rows(policy: PolicySet) -> list[tuple[str, str, Article]]:
    """How long which records are kept; a text may not say."""
    words = {"permanent": _("永久"), None: _("原文未写明")}
    return [
        (item.label, words.get(item.keep) or speak(item.keep), Article.of(item.cite))
        for item in (*policy.retention(), *policy.lengthened().values())
    ]


def scheme_rows(policy: PolicySet) -> list[tuple[str, str, int, Article, str]]:
    """Numbers: title, who issues them, length, article, caveat."""
    return [
        (
            item.title,
            tier_words(item.issuer) if item.issuer in TIERS else item.issuer,
            sum(part.width for part in item.fields),
            Article.of(item.cite),
            item.caveat,
        )
        for item in policy.number_schemes()
    ]


@dataclass(frozen=True)
class ConflictRow:
    """A question that texts answer differently, with what each says."""

    number: int
    title: str
    answer: str
    values: list[tuple[str, str, str, Article]] = field(default_factory=list)
    """Value, place, what it is, article."""
    rules: list[tuple[str, str, str, str, Article]] = field(default_factory=list)
    """Rule, place, what it says, disposition, article."""


def conflict_rows(
    packs: PolicyLibrary, conflicts: Iterable[Conflict], places: dict[str, Disposition], day: date
) -> list[ConflictRow]:
    """The conflicts in words; invented packs have no say."""
    rows = []
    for conflict in conflicts:
        row = ConflictRow(conflict.number, conflict.title, conflict.answer)
        for name in conflict.params:
            for pack in (packs.pack(pack_id) for pack_id in packs.ids()):
                for param in pack.params if not pack.invented else ():
                    held = param.on(day) if param.id == name else None
                    if held is not None:
                        value = value_words(held) + (param.unit if held.stated else "")
                        row.values.append((param.label or name, pack.title, value, Article.of(held.cite)))
        for name in conflict.rules:
            item = places[name]
            policy = packs.resolve(packs.chain_of(item.pack), day)
            text = item.note.text if item.note else f"“{item.cite.phrase}”"
            if item.rule is not None:
                text = rule_words(item.rule, policy)
            row.rules.append(
                (name, packs.pack(item.pack).title, text, disposition_words(item), Article.of(item.cite))
            )
        rows.append(row)
    return rows


def disposition_words(item: Disposition) -> str:
    """What has become of a rule of a text."""
    if item.note and item.note.by:
        return _("与上位规定 %s 冲突，不采用") % item.note.by
    return {
        "live": _("执行"),
        "suggestion": _("无效力的文本，仅供参考"),
        "checklist": _("由人办理"),
        "unstated": _("原文未写明"),
        "refused": _("不采用"),
    }[item.kind]
