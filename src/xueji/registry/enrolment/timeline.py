"""The links of a chain as plain data, and what they mean for head-counts. Nothing here writes."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from xueji.ground.policy.statuses import Status

from .models import REGISTERED

CHINA = ZoneInfo("Asia/Shanghai")

#: (county, school, day, kind, stage, cohort, sex, status, flow)
CubeKey = tuple[int, int, date, int, str, int, str, int, str]

#: Ending of a flow's name for those whom the business took from a place of the count.
LEFT = ".out"


def midnight(day: date) -> datetime:
    """The moment at which a legal date begins: midnight in Asia/Shanghai."""
    return datetime.combine(day, time(), CHINA)


def end_of(day: date) -> datetime:
    """The first moment after a day; 'as of a date' means the state just before it."""
    return midnight(day + timedelta(days=1))


def local_day(moment: datetime) -> date:
    """The legal date of a moment."""
    return moment.astimezone(CHINA).date()


@dataclass(frozen=True)
class Step:
    """A change to write: None means 'as before'. `at` is when it takes effect (legal dates: `midnight`)."""

    person_id: uuid.UUID
    business: str
    to_status: int
    at: datetime
    kind: int = REGISTERED
    school_id: int | None = None
    class_id: int | None = None
    stage: str | None = None
    cohort_year: int | None = None
    class_seat: int | None = None
    case_id: uuid.UUID | None = None
    article: str = ""
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """One state of a chain."""

    person_id: uuid.UUID
    kind: int
    valid_from: datetime
    valid_to: datetime | None
    from_status: int
    business: str
    status: int
    county_id: int
    school_id: int
    class_id: int | None
    stage: str
    cohort_year: int
    class_seat: int | None
    event_id: uuid.UUID

    @property
    def status_label(self) -> str:
        """Chinese word of the status."""
        return str(Status(self.status).label)

    @property
    def is_open(self) -> bool:
        """Whether the school still keeps the record as a present one."""
        return Status(self.status).is_open

    @property
    def place(self) -> tuple[int, int, str, int, int]:
        """What head-counts tell apart: county, school, stage, cohort, status."""
        return (self.county_id, self.school_id, self.stage, self.cohort_year, self.status)


LINK_COLUMNS = (
    "person_id, kind, valid_from, valid_to, from_status, business, status, county_id, school_id, class_id, stage,"
    " cohort_year, class_seat, event_id"
)


def deltas(before: Link | None, link: Link, sex: str) -> Counter[CubeKey]:
    """What one link adds to the cube: the child leaves one place of the count and enters another.

    A link that changes nothing that head-counts tell apart (another class, say) adds nothing. What leaves is
    kept under its own flow (`LEFT`): one child coming and one going on the same day must not cancel out.
    """
    out: Counter[CubeKey] = Counter()
    if before is not None and before.place == link.place:
        return out
    day = local_day(link.valid_from)
    for sign, at in ((-1, before), (1, link)):
        if at is not None:
            key = (
                at.county_id,
                at.school_id,
                day,
                at.kind,
                at.stage,
                at.cohort_year,
                sex,
                at.status,
                link.business if sign > 0 else link.business + LEFT,
            )
            out[key] += sign
    return out


def chain_deltas(links: Sequence[Link], sex: str) -> Counter[CubeKey]:
    """What a whole chain adds to the cube."""
    out: Counter[CubeKey] = Counter()
    before: Link | None = None
    for link in links:
        out.update(deltas(before, link, sex))
        before = link
    return Counter({k: n for k, n in out.items() if n})


def difference(new: Counter[CubeKey], old: Counter[CubeKey]) -> Counter[CubeKey]:
    """new minus old, zeros left out (Counter's own minus would drop negatives)."""
    out: Counter[CubeKey] = Counter(new)
    out.subtract(old)
    return Counter({k: n for k, n in out.items() if n})


def rechain(links: Iterable[Link]) -> list[Link]:
    """Put links in order and let each last until the next; used for 'as it was known on'."""
    ordered = sorted(links, key=lambda x: x.valid_from)
    return [
        Link(**{**link.__dict__, "valid_to": ordered[i + 1].valid_from if i + 1 < len(ordered) else None})
        for i, link in enumerate(ordered)
    ]
