"""The rules in force for one organisation on one day, and their answer to a case.

``PolicySet`` merges packs from the nation down. ``evaluate`` runs the rules of an event over facts
with three values: what is unknown is asked for and never passes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from xueji.ground.policy import inheritance
from xueji.ground.policy.compiled import TODAY, Ask, Compiled, Env, Truth, compile_predicate, implies
from xueji.ground.policy.findings import RANKING, Finding, Trace
from xueji.ground.policy.model import (
    Business,
    Chain,
    Cite,
    Field,
    NumberScheme,
    Pack,
    ParamValue,
    Retention,
    Rule,
    Transition,
    Window,
)
from xueji.ground.policy.values import Duration, plain
from xueji.ground.policy.words import _

LEVEL_FACT = "student.stage"


@dataclass(frozen=True, slots=True)
class _Ready:
    """A rule with its conditions compiled and everything static worked out."""

    rule: Rule
    when: Compiled | None
    need: Compiled
    all_levels: bool
    facts: tuple[str, ...]
    params: Mapping[str, Any]
    value_cites: Mapping[str, Cite]
    caveats: tuple[str, ...]


class PolicySet:
    """Packs merged from the nation down, as they stand on a day. Made by ``PolicyLibrary.resolve``."""

    def __init__(self, packs: Sequence[Pack], on: date, resolve: Callable[[date], PolicySet]) -> None:
        self.packs = tuple(packs)
        self.on = on
        self._resolve = resolve
        self.valid_from, self.valid_to = _interval(self.packs, on)
        self.hash = line_hash((pack.id, pack.sha256) for pack in packs)
        self.fields: dict[str, Field] = {item.id: item for pack in packs for item in pack.fields}
        self._params = self._effective_params()
        self._schemes = {item.id: item for pack in packs for item in pack.schemes}
        self._businesses = {item.id: item for pack in packs for item in pack.businesses}
        self._chains = {(item.business, item.variant): item for pack in packs for item in pack.chains}
        self.labels = self._all_labels()
        replaced = {
            name for pack in packs for rule in pack.rules if rule.holds_on(on) for name in rule.replaces
        }
        self.unit_events = frozenset(
            item.id for pack in packs for item in pack.events if item.about == "unit"
        )
        self.rules = tuple(
            rule for pack in packs for rule in pack.rules if rule.id not in replaced and rule.holds_on(on)
        )
        self._by_event = self._compile()

    def at(self, day: date) -> PolicySet:
        """The same packs on another day."""
        inside = (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )
        return self if inside else self._resolve(day)

    @property
    def ids(self) -> tuple[str, ...]:
        """Identifiers of the packs, the nation's first."""
        return tuple(pack.id for pack in self.packs)

    def param(self, param_id: str) -> ParamValue:
        """The value in force with its citation; KeyError for an unknown parameter.

        Look at ``stated`` before using ``value``: a text may leave the number blank.
        """
        return self._params[param_id]

    def workdays(self, param_id: str) -> int | None:
        """A time limit in working days, or None when the texts give none."""
        held = self._params.get(param_id)
        value = held.value if held is not None and held.stated else None
        return value.workdays or None if isinstance(value, Duration) else value

    def param_ids(self) -> tuple[str, ...]:
        """Every parameter with a value (or a stated blank) in force, in the order of the packs."""
        return tuple(self._params)

    def pack_of(self, param_id: str) -> str:
        """The pack whose value of a parameter is in force; KeyError for an unknown parameter."""
        held = self._params[param_id]
        return next(
            pack.id
            for pack in reversed(self.packs)
            for param in pack.params
            if param.id == param_id and any(value is held for value in param.values)
        )

    def chains(self) -> dict[tuple[str, str], Chain]:
        """Who decides, by business and variant, without the days of the clocks."""
        return dict(self._chains)

    def business(self, code: str) -> Business:
        """A kind of case; KeyError when no pack declares it."""
        return self._businesses[code]

    def businesses(self) -> tuple[Business, ...]:
        """All kinds of cases, in the order of the packs."""
        return tuple(self._businesses.values())

    def chain_for(self, business: str, variant: str = "") -> Chain:
        """Who decides, in order, with the working days of each clock; KeyError when no chain is declared.

        A variant without a chain of its own uses the one declared without variant.
        """
        chain = self._chains.get((business, variant)) or self._chains[business, ""]
        days = self.workdays(chain.days_param) if chain.days_param else None
        return replace(chain, steps=tuple(replace(step, days=step.days or days) for step in chain.steps))

    def transitions(self, business: str = "") -> tuple[Transition, ...]:
        """Legal changes of state in this place, by id; of one business when given."""
        rows = [
            row for pack in self.packs for row in pack.transitions if not business or row.business == business
        ]
        return tuple(sorted(rows, key=lambda row: row.id))

    def number_scheme(self, scheme_id: str) -> NumberScheme:
        """How a number is built; KeyError when no pack declares it."""
        return self._schemes[scheme_id]

    def number_schemes(self) -> tuple[NumberScheme, ...]:
        """All schemes of this place."""
        return tuple(self._schemes.values())

    def facts_of(self, event: str) -> tuple[Field, ...]:
        """Facts that the rules of an event may look at: what a case should bring to ``evaluate``."""
        names = dict.fromkeys(name for ready in self._by_event.get(event, ()) for name in ready.facts)
        staged = any(not ready.all_levels for ready in self._by_event.get(event, ()))
        wanted = {**dict.fromkeys([LEVEL_FACT] if staged else []), **names}
        return tuple(self.fields[name] for name in wanted)

    def windows(self, business: str, on: date) -> tuple[Window, ...]:
        """Periods that cover ``on`` and concern ``business``."""
        return tuple(window for window in self._windows(business) if window.covers(on))

    def pauses(self, business: str, *, graduating: bool) -> tuple[tuple[date, date], ...]:
        """Periods in which ``business`` rests, first and last day: clocks stand still in them."""
        return tuple(
            (w.start, w.end)
            for w in self._windows(business)
            if w.kind == "pause" and (graduating or not w.graduating_only)
        )

    def closed_by(self, business: str, on: date, *, graduating: bool) -> Window | None:
        """The period that keeps ``business`` closed on ``on``, or None when it is open.

        A pause that covers the day closes. Where opening periods exist, a day outside all of them is closed
        too, by the next one to come (or the last one).
        """
        concerned = [w for w in self._windows(business) if graduating or not w.graduating_only]
        pause = next((w for w in concerned if w.kind == "pause" and w.covers(on)), None)
        if pause:
            return pause
        opening = sorted((w for w in concerned if w.kind == "open"), key=lambda w: w.start)
        if not opening or any(w.covers(on) for w in opening):
            return None
        return next((w for w in opening if w.start > on), opening[-1])

    def _windows(self, business: str) -> list[Window]:
        return [item for pack in self.packs for item in pack.windows if business in item.business]

    def retention(self) -> tuple[Retention, ...]:
        """Keeping periods of archives; the lowest pack that names a class of records decides."""
        return tuple(
            {item.id: item for pack in self.packs for item in pack.retentions if not item.kind}.values()
        )

    def lengthened(self) -> dict[str, Retention]:
        """Classes of data that are kept for longer here today, by code: of several lines the longest, from wherever."""
        found: dict[str, Retention] = {}
        for item in (r for pack in self.packs for r in pack.retentions if r.kind and r.holds_on(self.on)):
            before = found.get(item.kind)
            if (
                before is None
                or Duration.parse(str(item.keep)).months > Duration.parse(str(before.keep)).months
            ):
                found[item.kind] = item
        return found

    def _effective_params(self) -> dict[str, ParamValue]:
        names = dict.fromkeys(param.id for pack in self.packs for param in pack.params)
        held = ((name, inheritance.value_on(name, self.packs, self.on)) for name in names)
        return {name: value for name, value in held if value is not None}

    def _all_labels(self) -> dict[str, str]:
        labels = {item.id: item.label for item in self.fields.values()}
        labels |= {item.id: item.label for pack in self.packs for item in pack.params if item.label}
        return labels | {f"role.{item.id}": item.label for pack in self.packs for item in pack.roles}

    def _compile(self) -> dict[str, list[_Ready]]:
        env = Env(self._params, self._schemes, {name: item.type for name, item in self.fields.items()})
        invented = {pack.id for pack in self.packs if pack.invented}
        by_event: dict[str, list[_Ready]] = defaultdict(list)
        for rule in self.rules:
            conditions = [condition for condition in (rule.when, rule.need) if condition is not None]
            ready = _Ready(
                rule=rule,
                when=compile_predicate(rule.when, env) if rule.when is not None else None,
                need=compile_predicate(rule.need, env),
                all_levels=rule.levels >= self.packs[0].levels
                or all(event.partition(".")[0] in self.unit_events for event in rule.on),
                facts=tuple(dict.fromkeys(name for condition in conditions for name in condition.fields())),
                params={
                    f"@{name}": plain(self._params[name].value)
                    for condition in conditions
                    for name in condition.params()
                    if name in self._params
                },
                value_cites={
                    name: self._params[name].cite
                    for condition in conditions
                    for name in condition.params()
                    if name in self._params and str(self._params[name].cite) != str(rule.cite)
                },
                caveats=self._caveats(rule, invented),
            )
            for event in rule.on:
                by_event[event].append(ready)
        return dict(by_event)

    def caveats_of(self, rule: Rule) -> tuple[str, ...]:
        """What weakens every finding of a rule in force here; see `findings.CAVEATS`."""
        return self._caveats(rule, {pack.id for pack in self.packs if pack.invented})

    def _caveats(self, rule: Rule, invented: set[str]) -> tuple[str, ...]:
        """What weakens every finding of a rule: undated or incomplete texts, open boundaries."""
        values = [
            self._params[name]
            for condition in (rule.when, rule.need)
            if condition is not None
            for name in condition.params()
            if name in self._params
        ]
        found: list[str] = []
        if rule.pack in invented:
            found.append("invented")
        if rule.start is None or any(value.start is None for value in values):
            found.append("date_unstated")
        cites = [rule.cite, *(value.cite for value in values)]
        for text, code in (("cut", "source_cut"), ("quoted", "source_quoted")):
            if any(cite.source.text == text for cite in cites):
                found.append(code)
        if any(not value.boundary_stated for value in values):
            found.append("boundary_unstated")
        found += [cite.source.caveat for cite in cites if cite.source.caveat]
        found += [value.caveat for value in values if value.caveat]
        return tuple(dict.fromkeys(found))

    def evaluate(
        self, event: str, facts: Mapping[str, Any], on: date, overrides: Mapping[str, str] | None = None
    ) -> Trace:
        """See the function ``evaluate``."""
        policy = self.at(on)
        known = flatten(facts)
        known[TODAY] = on.isoformat()
        reasons = overrides or {}
        findings = [
            finding
            for ready in policy._by_event.get(event, ())
            if (finding := policy._find(ready, event, known, reasons))
        ]
        findings.sort(key=lambda finding: -RANKING.index(finding.verdict))
        return Trace(event, on, policy.ids, policy.hash, known, tuple(findings))

    def _find(
        self, ready: _Ready, event: str, facts: Mapping[str, Any], reasons: Mapping[str, str]
    ) -> Finding | None:
        rule = ready.rule
        condition: Truth = True
        if not ready.all_levels:
            stage = facts.get(LEVEL_FACT)
            condition = None if stage is None else stage in rule.levels
        if condition is not False and ready.when is not None:
            held = ready.when.value(facts)
            condition = held if condition else (False if held is False else None)
        if condition is False:
            return None
        need = ready.need.value(facts)
        answer = implies(condition, need)
        verdict, route, overridden = "pass", "", ""
        missing: tuple[str, ...] = ()
        asks: list[Ask] = []
        if answer is None:
            verdict = "ask"
            if not ready.all_levels and facts.get(LEVEL_FACT) is None:
                asks.append(Ask("field", LEVEL_FACT))
            if condition is None and ready.when is not None and ready.when.value(facts) is None:
                asks += ready.when.asks(facts)
            if need is None:
                asks += ready.need.asks(facts)
        elif answer is False:
            verdict, route = rule.otherwise, rule.route
            missing = tuple(dict.fromkeys(ready.need.lacking(facts))) if verdict == "need_docs" else ()
            if verdict == "need_docs" and not missing:
                verdict = "block"
            if rule.force in ("may", "advisory"):
                verdict = "warn"
            elif rule.id in reasons and rule.force == "general":
                verdict, overridden = "warn", reasons[rule.id]
        used: dict[str, Any] = {f"${name}": facts.get(name) for name in ready.facts}
        used |= {f"${name}.label": facts[f"{name}.label"] for name in ready.facts if f"{name}.label" in facts}
        return Finding(
            rule=rule.id,
            pack=rule.pack,
            event=event,
            verdict=verdict,
            force=rule.force,
            cite=rule.cite,
            values={**used, **ready.params},
            labels=self.labels,
            value_cites=ready.value_cites,
            asks=tuple(dict.fromkeys(asks)),
            missing_docs=missing if verdict in ("need_docs", "warn") else (),
            route=route if verdict == "route" else "",
            message=rule.message,
            caveats=ready.caveats,
            overridden=overridden,
            effects=rule.effects or None,
        )


def line_hash(packs: Iterable[tuple[str, str]]) -> str:
    """The hash that a case keeps: of the ids and hashes of the packs of a place, the nation's first."""
    return hashlib.sha256("\n".join(f"{name} {sha}" for name, sha in packs).encode()).hexdigest()


def flatten(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with dotted names and JSON values; nested ones, ``{"student": {"grade": "11"}}``, are opened."""
    flat: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": item for inner, item in flatten(value).items()}
        else:
            flat[name] = value if value is None or isinstance(value, (str, int, float)) else plain(value)
    return flat


def evaluate(
    policy: PolicySet,
    event: str,
    facts: Mapping[str, Any],
    on: date,
    overrides: Mapping[str, str] | None = None,
) -> Trace:
    """Run every rule of ``event`` (``transfer.apply``, ``enrol.effect`` ...) over the facts of a case.

    ``on`` is the date of the event and picks the versions in force. ``overrides`` maps a rule to the recorded
    reason for letting a case pass in spite of it; it works on ``general`` rules only. Raises FactError when a
    fact has a type that a rule cannot use. The same packs, facts and date always give the same trace.
    """
    unknown = set(overrides or ()) - {rule.id for rule in policy.at(on).rules}
    if unknown:
        raise KeyError(_("没有这些规则：%s") % "、".join(sorted(unknown)))
    return policy.evaluate(event, facts, on, overrides)


def _interval(packs: Iterable[Pack], on: date) -> tuple[date | None, date | None]:
    """First and last day around ``on`` between which no rule and no value begins or ends."""
    starts: set[date] = set()
    for pack in packs:
        items: list[Any] = [*pack.rules, *(value for param in pack.params for value in param.values)]
        for item in items:
            if item.start:
                starts.add(item.start)
            if item.end:
                starts.add(item.end + timedelta(days=1))
    earlier = max((day for day in starts if day <= on), default=None)
    later = min((day for day in starts if day > on), default=None)
    return earlier, later - timedelta(days=1) if later else None
