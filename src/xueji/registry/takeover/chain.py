"""From a list of movements to the chain of a child's enrolment: pure, no database.

A chain begins with the entry (or with the last transfer into this school) and every later step must be one that the
packs allow; it ends in the state that the roster names. What does not fit is told, never bent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache

from django.utils.translation import gettext as _

from xueji.ground.policy.library import library
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment.models import REGISTERED
from xueji.registry.enrolment.timeline import midnight

from .layout import BUSINESS_OF


@dataclass(frozen=True)
class Movement:
    """A movement as the export tells it: what, when, and what it says beside."""

    business: str
    word: str
    to_status: int
    on: date
    reason: str = ""
    other_school: str = ""
    row_no: int = 0


@dataclass(frozen=True)
class PlannedLink:
    """A link to be written; stage, school and class are the row's, the cohort may be an earlier one."""

    business: str
    from_status: int
    status: int
    begins: datetime
    cohort_year: int
    with_class: bool
    detail: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1)
def _allowed() -> frozenset[tuple[int, str, int]]:
    return frozenset(
        (before, business, after)
        for kind, before, business, after in (t.key for t in library().transitions())
        if kind == REGISTERED
    )


def _words(status: int) -> str:
    return str(Status(status).label) if status else _("没有学籍")


def plan(
    entry: date, cohort_year: int, status: int, since: date | None, moves: Sequence[Movement], today: date
) -> tuple[list[PlannedLink], list[str]]:
    """The links of a chain, oldest first, and what is wrong with it (then nothing is to be written).

    `since` is the day of the present state where the roster gives it; it is used only when no movement says so.
    """
    faults: list[str] = []
    steps: list[Movement] = []
    for move in sorted(moves, key=lambda m: (m.on, m.row_no)):
        twin = any((m.business, m.on) == (move.business, move.on) for m in steps)
        if not twin:
            steps.append(move)
    at = [i for i, m in enumerate(steps) if m.business == "transfer_in"]
    present, first = int(Status.NONE), Movement("enrol", "", Status.STUDYING, entry)
    # A transfer in, with no transfer out from here before it: what came earlier happened at another school.
    for i in at:
        if not any(m.business == "transfer_out" for m in steps[:i]):
            first, steps = steps[i], steps[i + 1 :]
            break
    chain: list[Movement] = [first, *steps]
    last = chain[-1].to_status
    if last != status and since is not None and status in BUSINESS_OF:
        chain.append(Movement(BUSINESS_OF[status], "", status, since))
    links: list[PlannedLink] = []
    begins: datetime | None = None
    for move in chain:
        shown = {"what": move.word or _words(move.to_status), "on": move.on.isoformat()}
        if move.on > today:
            faults.append(_("%(what)s的日期 %(on)s 还没有到") % shown)
        moment = midnight(move.on)
        if begins is not None and moment <= begins:
            if move.on < begins.date() and moment < midnight(begins.date()):
                faults.append(_("%(what)s的日期 %(on)s 早于之前的入学或变动") % shown)
            moment = begins + timedelta(seconds=1)
        if (present, move.business, move.to_status) not in _allowed():
            faults.append(
                _("%(on)s 的%(what)s接不上: 当时的状态是%(state)s") % {**shown, "state": _words(present)}
            )
        links.append(
            PlannedLink(
                move.business, present, int(move.to_status), moment, cohort_year, True,
                {k: v for k, v in (("word", move.word), ("reason", move.reason), ("other", move.other_school)) if v},
            )
        )  # fmt: skip
        present, begins = int(move.to_status), moment
    if present != status:
        faults.append(
            _("名册上的状态是%(roster)s, 异动记录最后是%(moves)s。请补上异动记录, 或在名册里加一列“状态日期”")
            % {"roster": _words(status), "moves": _words(present)}
        )
    return _cohorts(links), faults


def _cohorts(links: list[PlannedLink]) -> list[PlannedLink]:
    """Before a repetition the child belonged to the cohort before, before a skipped grade to the one after; in which
    class nobody says."""
    out: list[PlannedLink] = []
    shift = 0
    for link in reversed(links):
        out.append(
            PlannedLink(
                link.business, link.from_status, link.status, link.begins, link.cohort_year + shift, shift == 0,
                link.detail,
            )
        )  # fmt: skip
        shift += {"repeat": -1, "skip": 1}.get(link.business, 0)
    return out[::-1]
