"""What happened to each child: an enrolment at every stage, and now and then a change on the way.

Children are thought up backwards: first where a child sits today (or sat last), then where it came from.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment.timeline import CHINA

from .world import Place, World

Detail = dict[str, Any]


@dataclass(slots=True)
class Move:
    """One step of a chain before it is written."""

    at: datetime
    business: str
    status: int
    place: Place
    stage: str
    cohort: int
    class_id: int | None
    reason: str = ""
    detail: Detail = field(default_factory=dict)


@dataclass(slots=True)
class Life:
    """The chains of one child: registered, and perhaps as a guest elsewhere."""

    moves: list[Move]
    guest: list[Move] = field(default_factory=list)


def midnight(day: date) -> datetime:
    """The legal moment of a day."""
    return datetime.combine(day, time(), CHINA)


class Historian:
    """Makes lives for one world from one random generator."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.today = world.today
        self._feeders: dict[tuple[str, int, int, str], tuple[list[Place], list[int]]] = {}

    # --- whole lives -----------------------------------------------------------------------------------------

    def present(
        self, place: Place, stage: str, cohort: int, class_id: int, *, fate: float | None = None
    ) -> Life:
        """A child who sits in a class today, or is away from it for a time; `fate` picks what happened to it."""
        x = self.rng.random() if fate is None else fate
        final: list[Move] | None = None
        if place.spec.special:
            x += 0.1
        if x < 0.040:
            final = self._transferred(place, stage, cohort, class_id)
        elif x < 0.050:
            final = self._from_outside(place, stage, cohort, class_id)
            if final is not None:
                return Life(final)
        elif x < 0.056:
            final = self._resumed(place, stage, cohort, class_id)
        elif x < 0.060:
            final = self._changed_class(place, stage, cohort, class_id)
        if final is None:
            final = [self._enrol(place, stage, cohort, class_id)]
        if 0.060 <= x < 0.070:
            self._leave(final, x)
        life = Life([*self._before(place, stage, final[0].cohort), *final])
        if 0.075 <= x < 0.0785 and not place.spec.special:
            self._guest(life)
        return life

    def finished(self, place: Place, stage: str, cohort: int, class_id: int) -> Life:
        """A child who finished a stage in a past year and did not go on in the province."""
        moves = [*self._before(place, stage, cohort), self._enrol(place, stage, cohort, class_id)]
        early = stage == "S" and self.rng.random() < 0.01
        moves.append(self._graduate(moves[-1], "complete" if early else "graduate"))
        return Life(moves)

    def gone(self, place: Place, stage: str, cohort: int, class_id: int) -> Life | None:
        """A child who left for good in the middle of a stage; None when there was no time for it."""
        rng = self.rng
        moves = [*self._before(place, stage, cohort), self._enrol(place, stage, cohort, class_id)]
        day = self._school_day(cohort, stage, place)
        if day is None:
            return None
        if stage == "S" and rng.random() < 0.5:
            moves.append(self._next(moves[-1], day, "withdraw", Status.WITHDRAWN, "因家庭原因申请退学"))
        elif rng.random() < 0.02:
            moves.append(self._next(moves[-1], day, "death", Status.DECEASED, "监护人报告"))
        else:
            to = rng.choice(("四川省成都市", "广东省东莞市", "浙江省义乌市", "云岭省外"))
            moves.append(
                self._next(
                    moves[-1], day, "transfer_out", Status.TRANSFERRED_OUT, "随父母迁居", {"destination": to}
                )
            )
        return Life(moves)

    # --- stages before the last ------------------------------------------------------------------------------

    def _before(self, place: Place, stage: str, cohort: int) -> list[Move]:
        if stage == "P":
            return []
        earlier = "P" if stage == "J" else "J"
        feeder = self._feeder(place, stage, earlier, cohort)
        if feeder is None:
            return []
        entry = cohort - feeder.years(earlier)
        class_id = feeder.next_class(earlier, entry)
        moves: list[Move] | None = None
        if self.rng.random() < 0.03:
            moves = self._transferred(feeder, earlier, entry, class_id)
        moves = moves or [self._enrol(feeder, earlier, entry, class_id)]
        moves.append(self._graduate(moves[-1], "graduate"))
        return [*self._before(feeder, earlier, entry), *moves]

    def _feeder(self, place: Place, stage: str, earlier: str, cohort: int) -> Place | None:
        """The school of the stage before: one's own, else one of the county, of the same kind."""
        own = earlier in place.spec.stages and (earlier, cohort - place.years(earlier)) in place.classes
        if own and (place.spec.special or place.spec.system != "6-3-3" or self.rng.random() < 0.85):
            return place
        key = (earlier, place.spec.county, cohort, place.spec.system if stage == "J" else "")
        if key not in self._feeders:
            found = [
                p
                for p in self.world.places
                if (earlier, cohort - p.years(earlier)) in p.classes
                and not p.spec.special
                and (stage == "S" or p.spec.system == place.spec.system)
            ]
            near = [p for p in found if p.spec.county == place.spec.county] or found
            self._feeders[key] = (near, [len(p.classes[earlier, cohort - p.years(earlier)]) for p in near])
        near, weights = self._feeders[key]
        return self.rng.choices(near, weights)[0] if near else None

    # --- pieces ----------------------------------------------------------------------------------------------

    def _enrol(self, place: Place, stage: str, cohort: int, class_id: int) -> Move:
        return Move(midnight(date(cohort, 9, 1)), "enrol", Status.STUDYING, place, stage, cohort, class_id)

    def _graduate(self, last: Move, business: str) -> Move:
        day = date(last.cohort + last.place.years(last.stage), 7, 5)
        status = Status.GRADUATED if business == "graduate" else Status.COMPLETED
        return self._next(last, day, business, status)

    def _next(
        self,
        last: Move,
        day: date,
        business: str,
        status: int,
        reason: str = "",
        detail: Detail | None = None,
    ) -> Move:
        at = max(midnight(day), last.at + timedelta(seconds=1))
        return Move(
            at, business, status, last.place, last.stage, last.cohort, last.class_id, reason, detail or {}
        )

    def _transferred(self, place: Place, stage: str, cohort: int, class_id: int) -> list[Move] | None:
        """Began at another school, of this county or another, and came here at the beginning of a term."""
        others = self._others(place, stage, cohort)
        day = self._term_day(place, stage, cohort)
        if not others or day is None:
            return None
        first = self.rng.choice(others)
        start = self._enrol(first, stage, cohort, first.next_class(stage, cohort))
        reason = self.rng.choice(("家庭住址变动", "监护人工作调动", "随监护人迁移户口"))
        arrival = self._enrol(place, stage, cohort, class_id)
        arrival.at, arrival.business, arrival.reason = midnight(day), "transfer", reason
        return [start, arrival]

    def _others(self, place: Place, stage: str, cohort: int) -> list[Place]:
        return [
            p
            for p in self.world.places
            if p is not place
            and (stage, cohort) in p.classes
            and p.years(stage) == place.years(stage)
            and not p.spec.special
            and not (p.key == "a" and cohort == self.world.start_year)
        ]

    def _from_outside(self, place: Place, stage: str, cohort: int, class_id: int) -> list[Move] | None:
        day = self._term_day(place, stage, cohort)
        if day is None:
            return None
        move = self._enrol(place, stage, cohort, class_id)
        move.at, move.business, move.reason = midnight(day), "transfer_in", "随父母由省外迁入"
        return [move]

    def _resumed(self, place: Place, stage: str, cohort: int, class_id: int) -> list[Move] | None:
        """Was suspended and came back: after some months to the same class, after a year to the next cohort."""
        why = self.rng.choice(("因病", "因病", "因事"))
        long = self.rng.random() < 0.6 and (stage, cohort - 1) in place.classes
        entry = cohort - 1 if long else cohort
        from_class = place.next_class(stage, entry) if long else class_id
        years = [y for y in range(entry, self.world.start_year) if y < entry + place.years(stage) - 1]
        if not years:
            return None
        year = self.rng.choice(years)
        away = date(year, 10, 8) + timedelta(days=self.rng.randrange(40))
        back = date(year + 1, 9, 1) if long else date(year + 1, 3, 1) + timedelta(days=self.rng.randrange(10))
        if back >= self.today:
            return None
        first = self._enrol(place, stage, entry, from_class)
        pause = self._next(
            first,
            away,
            "suspend",
            Status.SUSPENDED,
            why,
            {"reason": why, "planned_start": away.isoformat(), "planned_end": back.isoformat()},
        )
        again = self._next(pause, back, "resume", Status.STUDYING, why, {"reason": why})
        again.cohort, again.class_id = cohort, class_id
        return [first, pause, again]

    def _changed_class(self, place: Place, stage: str, cohort: int, class_id: int) -> list[Move] | None:
        ids = [c for c in place.classes[stage, cohort] if c != class_id]
        day = self._term_day(place, stage, cohort)
        if not ids or day is None:
            return None
        first = self._enrol(place, stage, cohort, self.rng.choice(ids))
        move = self._next(first, day, "change_class", Status.STUDYING, "均衡编班")
        move.class_id = class_id
        return [first, move]

    def _leave(self, moves: list[Move], x: float) -> None:
        """Append a state of absence that lasts until today."""
        last = moves[-1]
        day = self._recent_day(last)
        if day is None:
            return
        if x < 0.0640:
            why = self.rng.choice(("因病", "因病", "因病", "因事"))
            end = date(day.year + 1, day.month, min(day.day, 28))
            moves.append(
                self._next(
                    last,
                    day,
                    "suspend",
                    Status.SUSPENDED,
                    why,
                    {"reason": why, "planned_start": day.isoformat(), "planned_end": end.isoformat()},
                )
            )
        elif x < 0.0660:
            moves.append(
                self._next(last, day, "abroad", Status.ABROAD, "随父母出国", {"destination": "境外"})
            )
        elif x < 0.0680:
            moves.append(self._next(last, day, "leave", Status.AWAY, "外出未归, 学校正在劝返"))
        elif x < 0.0683:
            moves.append(self._next(last, day, "missing", Status.MISSING, "监护人已报案"))
        elif last.stage == "S":
            moves.append(self._next(last, day, "reserve", Status.RESERVED, "参加专业训练"))

    def _guest(self, life: Life) -> None:
        """Studies elsewhere as a guest while the record stays; some stays are over."""
        last = life.moves[-1]
        others = [
            p
            for p in self._others(last.place, last.stage, last.cohort)
            if p.spec.county != last.place.spec.county
        ]
        since = max(date(self.world.start_year - self.rng.randrange(2), 9, 2), date(last.cohort, 9, 2))
        if not others or midnight(since) <= last.at or since > self.today:
            return
        host = self.rng.choice(others)
        stay = Move(
            midnight(since), "borrow", Status.STUDYING, host, last.stage, last.cohort,
            self.rng.choice(host.classes[last.stage, last.cohort]), "父母在当地务工",
        )  # fmt: skip
        life.guest = [stay]
        over = date(self.world.start_year, 9, 10)
        if since.year < self.world.start_year and over < self.today and self.rng.random() < 0.6:
            life.guest.append(self._next(stay, over, "borrow_end", Status.TRANSFERRED_OUT, "借读期满"))

    # --- days ------------------------------------------------------------------------------------------------

    def _term_day(self, place: Place, stage: str, cohort: int) -> date | None:
        """A day at the beginning of a term in the middle of a stage, before today."""
        last = min(self.world.start_year, cohort + place.years(stage) - 1)
        days = [date(y, 9, 3) + timedelta(days=self.rng.randrange(20)) for y in range(cohort + 1, last + 1)]
        days += [date(y + 1, 2, 23) + timedelta(days=self.rng.randrange(20)) for y in range(cohort, last + 1)]
        past = [d for d in days if d < self.today - timedelta(days=1)]
        return self.rng.choice(past) if past else None

    def _school_day(self, cohort: int, stage: str, place: Place) -> date | None:
        first = date(cohort, 10, 8)
        last = min(self.today - timedelta(days=2), date(cohort + place.years(stage), 5, 31))
        span = (last - first).days
        return first + timedelta(days=self.rng.randrange(span)) if span > 0 else None

    def _recent_day(self, last: Move) -> date | None:
        """Some day of the last fourteen months after the last change."""
        first = max(last.at.date() + timedelta(days=3), self.today - timedelta(days=430))
        span = (self.today - timedelta(days=1) - first).days
        return first + timedelta(days=self.rng.randrange(span)) if span > 0 else None
