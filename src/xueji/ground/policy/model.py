"""What a policy pack holds, as plain immutable data. Everything here was checked by the loader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from xueji.ground.policy.predicates import Predicate
from xueji.ground.policy.statuses import ChainKind, Status

Force = Literal["must", "general", "may", "advisory"]
FORCES: tuple[Force, ...] = ("must", "general", "may", "advisory")
"""From the strongest to the weakest: 应/不得, 一般/原则上, 可/准予, 建议."""
TIERS = ("national", "province", "city", "county", "school")
LEVELS: dict[str, frozenset[str]] = {
    "P": frozenset("P"),
    "J": frozenset("J"),
    "S": frozenset("S"),
    "K9": frozenset("PJ"),
    "K12": frozenset("PJS"),
    "HE": frozenset("H"),
    "AD": frozenset("A"),
    "TR": frozenset("T"),
}


@dataclass(frozen=True, slots=True)
class Where:
    """Place in a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class PackError(ValueError):
    """A pack cannot be used; ``where`` names file and line."""

    def __init__(self, where: Where, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message


@dataclass(frozen=True, slots=True)
class Source:
    """A text that rules quote."""

    id: str
    title: str
    authority: str
    doc_no: str = ""
    text: str = "complete"
    issued: date | None = None
    url: str = ""
    caveat: str = ""


@dataclass(frozen=True, slots=True)
class Cite:
    """An article of a source."""

    source: Source
    article: str
    phrase: str = ""

    def __str__(self) -> str:
        return f"{self.source.id}#{self.article}"


@dataclass(frozen=True, slots=True)
class ParamValue:
    """One dated value of a parameter. Without ``start`` the text gives no date of effect."""

    value: Any
    stated: bool
    start: date | None
    end: date | None
    force: Force
    cite: Cite
    boundary_stated: bool = True
    caveat: str = ""

    def holds_on(self, day: date) -> bool:
        """True while this value is the one in force."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Param:
    """A named value with its history in one pack."""

    id: str
    type: str
    delegates: str
    tighter: str
    unit: str
    label: str
    values: tuple[ParamValue, ...]
    pack: str
    where: Where

    def on(self, day: date) -> ParamValue | None:
        """The value in force on ``day``; of several, the one that began last."""
        holding = [value for value in self.values if value.holds_on(day)]
        return max(holding, key=lambda value: value.start or date.min, default=None)


@dataclass(frozen=True, slots=True)
class Rule:
    """If ``when`` holds on one of the events ``on``, then ``need`` must hold, otherwise ``otherwise``."""

    id: str
    on: tuple[str, ...]
    when: Predicate | None
    need: Predicate
    otherwise: str
    route: str
    force: Force
    cite: Cite
    message: str
    start: date | None
    end: date | None
    locked: bool
    replaces: tuple[str, ...]
    levels: frozenset[str]
    effects: Mapping[str, Any]
    pack: str
    where: Where

    def holds_on(self, day: date) -> bool:
        """True while the rule is in force."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that rules are asked about without being a kind of case: ``org``, ``export``, ``register``."""

    id: str
    label: str
    about: str
    """``student`` or ``unit``; rules about units do not look at anybody's stage."""
    pack: str
    where: Where


@dataclass(frozen=True, slots=True)
class Note:
    """A rule of a text that is not live, and why: what people must do, a proposal, a refusal, a blank."""

    id: str
    kind: str
    """``checklist``, ``suggestion``, ``refused`` or ``unstated``."""
    text: str
    who: str
    occasion: str
    ask: str
    param: str
    by: str
    """The stronger rule that refuses this one."""
    rule: Rule | None
    """What the text would be as a rule, when it is refused."""
    cite: Cite
    pack: str
    where: Where


@dataclass(frozen=True, slots=True)
class Field:
    """A fact that rules may ask for, with its type and Chinese name."""

    id: str
    type: str
    label: str
    pack: str
    where: Where


@dataclass(frozen=True, slots=True)
class Doc:
    """A kind of paper or proof, and who brings it."""

    id: str
    label: str
    supplied_by: str
    pack: str
    where: Where


@dataclass(frozen=True, slots=True)
class Role:
    """A person's part in a chain."""

    id: str
    label: str
    duty: str
    incompatible_with: tuple[str, ...]
    cite: Cite
    pack: str
    where: Where


@dataclass(frozen=True, slots=True)
class Transition:
    """A legal change of state. ``id`` is stable for ever; the database refers to it."""

    id: int
    kind: ChainKind
    source: Status
    business: str
    target: Status
    moves: str
    cite: Cite
    note: str
    pack: str
    where: Where

    @property
    def key(self) -> tuple[int, int, str, int]:
        """What the row says: (kind, from, business, to)."""
        return (self.kind.value, self.source.value, self.business, self.target.value)


@dataclass(frozen=True, slots=True)
class EvidenceSlot:
    """A place for a paper on the form of a business; whether it is owed is for the rules to say."""

    doc: str
    label: str
    required: bool
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Business:
    """A kind of case."""

    id: str
    label: str
    prefix: str
    group: str
    effect: str
    starts: str
    variants: tuple[str, ...]
    fields: tuple[str, ...]
    evidence: tuple[EvidenceSlot, ...]
    levels: frozenset[str]
    cite: Cite
    pack: str
    where: Where


@dataclass(frozen=True, slots=True)
class Step:
    """One person's part: which side, which role, how long the side has for it."""

    number: int
    side: str
    role: str
    label: str
    act: str
    clock: str
    days: int | None
    """Working days of the clock, which all steps of the same ``clock`` share; None = the texts give none."""
    mode: str = "approve"
    """``approve``: the case waits for this step; ``file`` (备案): the unit is told and acknowledges, nobody waits."""
    branch: str = ""
    """Steps with a branch stand in a fork: branches side by side, each in its own order, then the next step."""
    optional: bool = False
    """Left out where there is no such unit (a school without a central school above it)."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The order in which people decide one variant of a business."""

    id: str
    business: str
    variant: str
    label: str
    delegates: str
    days_param: str
    steps: tuple[Step, ...]
    cite: Cite
    caveat: str
    pack: str
    where: Where


@dataclass(frozen=True, slots=True)
class NumberField:
    """One part of a number's layout."""

    name: str
    width: int
    kind: str
    """``digits``, ``text``, ``literal`` or ``serial``."""
    literal: str = ""


@dataclass(frozen=True, slots=True)
class NumberScheme:
    """How a number is built, who issues it, where it is unique and how long it lives."""

    id: str
    title: str
    issuer: str
    life: str
    unique_in: tuple[str, ...]
    gap_free: bool
    generator: str
    reserved: bool
    fields: tuple[NumberField, ...]
    cite: Cite
    caveat: str
    pack: str
    where: Where


@dataclass(frozen=True, slots=True)
class Window:
    """A period in which businesses are paused, or outside which they are closed (``kind`` open)."""

    id: str
    kind: str
    business: tuple[str, ...]
    label: str
    start: date
    end: date
    graduating_only: bool
    cite: Cite
    caveat: str
    pack: str
    where: Where

    def covers(self, day: date) -> bool:
        """True on every day of the period, both ends included."""
        return self.start <= day <= self.end


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a class of records is kept; ``keep`` None means that the text does not say.

    With a class of `standards/retention.csv` it lengthens that class from its first day to its last.
    """

    id: str
    label: str
    keep: str | None
    cite: Cite
    pack: str
    where: Where
    kind: str = ""
    start: date | None = None
    end: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the line is in force on a day."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Lint:
    """A rule about rules: what no child pack may say."""

    id: str
    check: str
    cite: Cite
    args: Mapping[str, Any]
    pack: str
    where: Where


@dataclass(frozen=True, slots=True)
class Pack:
    """One file, checked."""

    id: str
    title: str
    tier: str
    extends: str
    levels: frozenset[str]
    version: str
    invented: bool
    reference: bool
    file: str
    canonical: str
    sha256: str
    where: Where
    sources: Mapping[str, Source] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    fields: tuple[Field, ...] = ()
    docs: tuple[Doc, ...] = ()
    roles: tuple[Role, ...] = ()
    params: tuple[Param, ...] = ()
    rules: tuple[Rule, ...] = ()
    transitions: tuple[Transition, ...] = ()
    businesses: tuple[Business, ...] = ()
    chains: tuple[Chain, ...] = ()
    schemes: tuple[NumberScheme, ...] = ()
    windows: tuple[Window, ...] = ()
    retentions: tuple[Retention, ...] = ()
    lints: tuple[Lint, ...] = ()
    notes: tuple[Note, ...] = ()
