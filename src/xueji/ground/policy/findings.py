"""What an evaluation says: one finding per rule that applies, and the trace that a case keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from xueji.ground.policy.compiled import Ask
from xueji.ground.policy.model import Cite
from xueji.ground.policy.values import anchor_word, speak
from xueji.ground.policy.words import _

RANKING = ("pass", "warn", "route", "ask", "need_docs", "block")
"""Verdicts from the mildest to the severest."""
CAVEATS = ("date_unstated", "source_cut", "source_quoted", "boundary_unstated", "invented")
_TOKEN = re.compile(r"\{([$@])([^{}]+)\}")
_NUMERALS = "零一二三四五六七八九"


def _within(phrase: str) -> str:
    """A quotation as it stands within quotation marks: its own marks become single ones (GB/T 15834)."""
    return phrase.replace("“", "‘").replace("”", "’")


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's answer, with everything needed to show where it comes from."""

    rule: str
    pack: str
    event: str
    verdict: str
    """pass, warn, route, ask, need_docs or block."""
    force: str
    cite: Cite
    values: Mapping[str, Any]
    """Facts (``$name``) and parameters (``@name``) that were used, as JSON keeps them.

    A fact ``name.label`` beside a coded fact gives the word by which sentences speak of it.
    """
    labels: Mapping[str, str]
    value_cites: Mapping[str, Cite]
    """Articles of the parameters used, where they are not the rule's own."""
    asks: tuple[Ask, ...] = ()
    missing_docs: tuple[str, ...] = ()
    route: str = ""
    message: str = ""
    caveats: tuple[str, ...] = ()
    """Codes out of CAVEATS, or a remark in Chinese from the pack."""
    overridden: str = ""
    effects: Mapping[str, Any] | None = None

    @property
    def stops(self) -> bool:
        """True when the case cannot go on: a strong or general rule that is not met and not overridden."""
        return self.verdict not in ("pass", "warn") and self.force in ("must", "general")

    @property
    def overridable(self) -> bool:
        """True when a named person may let the case pass with a reason (一般/原则上 rules only)."""
        return self.verdict in ("block", "route") and self.force == "general"

    @property
    def article(self) -> str:
        """``《title》（doc_no）三.1`` as it is shown beside every verdict."""
        number = f"（{self.cite.source.doc_no}）" if self.cite.source.doc_no else ""
        return f"《{self.cite.source.title}》{number}{article_words(self.cite.article)}"

    @property
    def sentence(self) -> str:
        """The verdict in one Chinese sentence: ``《…》三.1: …``."""
        body = self._body() + (self._value_words() if self.verdict != "pass" else "")
        return f"《{self.cite.source.title}》{article_words(self.cite.article)}: {body}"

    @property
    def caveat(self) -> str:
        """Everything that weakens the finding, in Chinese; empty when nothing does."""
        return "；".join(caveat_words(code) for code in self.caveats)

    def _body(self) -> str:
        if self.verdict == "pass":
            return _("符合“%s”") % _within(self.cite.phrase)
        text = self._fill(self.message) or f"“{_within(self.cite.phrase)}”"
        if self.verdict == "ask" and self.asks:
            open_tokens = any(
                self.values.get(kind + name) is None for kind, name in _TOKEN.findall(self.message)
            )
            rule = f"“{_within(self.cite.phrase)}”" if open_tokens else text
            return _("还不能判断，需要先确认%(asks)s（%(rule)s）") % {"asks": self._ask_words(), "rule": rule}
        if self.verdict == "need_docs":
            missing = "、".join(name.replace("|", _("或")) for name in self.missing_docs)
            return _("还缺%(docs)s（%(rule)s）") % {"docs": missing, "rule": text}
        if self.overridden:
            return _("%(rule)s，已例外放行：%(reason)s") % {"rule": text, "reason": self.overridden}
        return text

    def _value_words(self) -> str:
        """Where the numbers come from that stand in another article than the rule."""
        words = [
            _("“%(label)s”见《%(title)s》%(article)s")
            % {
                "label": self.labels.get(name, name),
                "title": cite.source.title,
                "article": article_words(cite.article),
            }
            for name, cite in self.value_cites.items()
        ]
        return f"（{'；'.join(words)}）" if words else ""

    def _fill(self, message: str) -> str:
        def word(match: re.Match[str]) -> str:
            name = match[1] + match[2]
            return speak(self.values.get(f"{name}.label", self.values.get(name)))

        return _TOKEN.sub(word, message)

    def _ask_words(self) -> str:
        words = []
        for ask in self.asks:
            label = self.labels.get(ask.name, ask.name)
            if ask.kind == "param":
                label = _("%s（原文没有给出）") % label
            elif ask.kind == "anchor":
                label = anchor_word(ask.name)
            elif ask.kind == "boundary":
                label = _("%s（恰在界限上，原文不明）") % label
            elif ask.kind == "judged":
                label = _("%(question)s（由%(role)s判断）") % {
                    "question": label,
                    "role": self.labels.get(f"role.{ask.role}", ask.role),
                }
            words.append(f"“{label}”")
        return "、".join(words)

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON keeps it, sentence included."""
        return {
            "rule": self.rule,
            "pack": self.pack,
            "event": self.event,
            "verdict": self.verdict,
            "force": self.force,
            "source": self.cite.source.title,
            "doc_no": self.cite.source.doc_no,
            "article": self.cite.article,
            "phrase": self.cite.phrase,
            "values": dict(self.values),
            "value_cites": {
                name: f"《{cite.source.title}》{cite.article}" for name, cite in self.value_cites.items()
            },
            "asks": [list(ask) for ask in self.asks],
            "missing_docs": list(self.missing_docs),
            "route": self.route,
            "caveats": list(self.caveats),
            "overridden": self.overridden,
            "stops": self.stops,
            "overridable": self.overridable,
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class Trace:
    """The whole answer to one event. A case stores ``to_dict()`` and can be evaluated again from it."""

    event: str
    on: date
    packs: tuple[str, ...]
    policy_hash: str
    facts: Mapping[str, Any]
    """The facts as evaluated, flat and as JSON keeps them."""
    findings: tuple[Finding, ...]
    """Findings of every rule that applies, the severest first."""

    @property
    def verdict(self) -> str:
        """The severest verdict; what only advises counts as a warning at most."""
        effective = [
            finding.verdict if finding.stops or finding.verdict == "pass" else "warn"
            for finding in self.findings
        ]
        return max(effective, key=RANKING.index, default="pass")

    @property
    def may_proceed(self) -> bool:
        """True when nothing stops the case."""
        return not any(finding.stops for finding in self.findings)

    @property
    def stopping(self) -> tuple[Finding, ...]:
        """Findings that stop the case."""
        return tuple(finding for finding in self.findings if finding.stops)

    @property
    def asks(self) -> tuple[Ask, ...]:
        """Everything that has to be known first, without repetition."""
        return tuple(dict.fromkeys(ask for finding in self.findings for ask in finding.asks))

    @property
    def missing_docs(self) -> tuple[str, ...]:
        """Every paper that is missing, without repetition."""
        return tuple(dict.fromkeys(name for finding in self.findings for name in finding.missing_docs))

    def finding(self, rule_id: str) -> Finding | None:
        """The finding of one rule; None when it did not apply."""
        return next((finding for finding in self.findings if finding.rule == rule_id), None)

    def to_dict(self) -> dict[str, Any]:
        """The trace as a case keeps it."""
        return {
            "event": self.event,
            "on": self.on.isoformat(),
            "packs": list(self.packs),
            "policy_hash": self.policy_hash,
            "facts": dict(self.facts),
            "verdict": self.verdict,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def article_words(article: str) -> str:
    """``6`` as 第六条, ``三.1`` as it stands, ``-`` as nothing."""
    if article == "-":
        return ""
    if not article.isdecimal() or not 0 < int(article) < 100:
        return article
    tens, ones = divmod(int(article), 10)
    words = ("" if tens == 1 else _NUMERALS[tens]) + "十" if tens else ""
    return f"第{words}{_NUMERALS[ones] if ones else ''}条"


def caveat_words(code: str) -> str:
    """A caveat in Chinese."""
    return {
        "date_unstated": _("原文未载明生效日期"),
        "source_cut": _("依据的文本不完整"),
        "source_quoted": _("依据为转引，未见原文"),
        "boundary_unstated": _("界限是否含本数原文不明"),
        "invented": _("虚构的演示规定，不具效力"),
    }.get(code, code)
