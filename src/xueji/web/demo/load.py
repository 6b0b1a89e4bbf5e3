"""Writing the children: tables are filled by COPY into temporary ones and moved over in one statement each.

Row-level security does not take COPY, and nothing here may go round it.
"""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from xueji.ground.crypto import vault
from xueji.ground.policy.library import library
from xueji.ground.standards import fields as national_form
from xueji.ground.standards import names
from xueji.ground.standards.pinyin import pinyin_of
from xueji.registry.enrolment.models import GUEST, REGISTERED
from xueji.registry.enrolment.timeline import LINK_COLUMNS, CubeKey, Link, chain_deltas
from xueji.registry.people import places as vault_places
from xueji.registry.people.queries.profile import kept_in_profile

from .children import Child, Number
from .history import Move
from .world import World

COLUMNS: dict[str, str] = {
    "person": "person_id, name, pinyin, initials, pinyin_sort, former_name, sex, birth_date, ethnicity, nationality,"
    " check_state, version, created_at, readers, klasses",
    "person_profile": "person_id, data, sealed, readers, klasses",
    "person_name": "person_id, name_no, name, until, event_id, readers, klasses",
    "guardian": "person_id, guardian_no, name, relation, relation_note, is_guardian, sealed, since, readers, klasses",
    "identity_document": "person_id, doc_no, id_type, sealed, since, readers, klasses",
    "identity_lookup": "id_type, bidx, person_id, doc_no",
    "student_number": "person_id, number_no, scheme, prefix, doc_no, sealed, state, since, until, reason, event_id,"
    " readers, klasses",
    "number_lookup": "scheme, bidx, person_id, number_no",
    "event": "person_id, event_id, business, valid_at, recorded_at, county_id, school_id, class_id, actor_id,"
    " actor_name, article, reason, detail",
    "enrolment_state": LINK_COLUMNS,
    "roster": "county_id, school_id, person_id, kind, reason, since, until, class_id, stage, cohort_year, class_seat,"
    " status, name, pinyin, initials, pinyin_sort, grams, sex, birth_date, number_prefix, last6, check_state,"
    " open_case, problem",
    "cube_delta": "county_id, school_id, day, kind, stage, cohort_year, sex, status, flow, n",
    "number_counter": "scheme, run, last",
}
Row = Sequence[Any]
_SEALED = frozenset(
    f.key for f in national_form.fields() if kept_in_profile(f) and f.sensitive in vault_places.SEALED_KINDS
)


@dataclass
class Clerk:
    """Who is named as having entered a school's records."""

    user_id: int
    name: str


class Loader:
    """Turns children into rows, and rows into tables."""

    def __init__(self, world: World, rng: random.Random, clerks: dict[int, Clerk], now: datetime) -> None:
        self.world = world
        self.rng = rng
        self.clerks = clerks
        self.now = now
        self.rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
        self.cube: Counter[CubeKey] = Counter()
        self.seats: Counter[int] = Counter()
        self._articles = _articles()

    def add(self, child: Child) -> None:
        """Rows of one child."""
        links, events = self._chain(child, child.life.moves, REGISTERED)
        guest_links, guest_events = self._chain(child, child.life.guest, GUEST)
        child.seat = links[-1].class_seat
        for chain in (links, guest_links):
            self.cube.update(chain_deltas(chain, child.sex))
        rosters = self._rosters(child, links, guest_links)
        at_hand = [r for r in rosters if r[4] in ("enrolled", "guest")]
        readers = sorted({org for r in at_hand for org in (r[0], r[1])})
        klasses = sorted({r[7] for r in at_hand if r[7] is not None})
        rename = self._renamed(child, links[-1], events)
        self.rows["enrolment_state"] += [
            tuple(getattr(link, name.strip()) for name in LINK_COLUMNS.split(","))
            for link in (*links, *guest_links)
        ]
        self.rows["event"] += [*events, *guest_events]
        self.rows["roster"] += rosters
        self._person(child, events[0][4], readers, klasses, rename)

    def write(self) -> dict[str, int]:
        """Everything into the tables, in the writing role; returns how many rows each got."""
        self.rows["cube_delta"] = [(*key, n) for key, n in self.cube.items() if n]
        counts = {}
        with connection.cursor() as c:
            # Foreign keys are checked once for each table's statement; the chain's own at commit.
            for table, columns in COLUMNS.items():
                rows = self.rows[table]
                counts[table] = len(rows)
                if rows:
                    copy_into(c, table, columns, rows)
        return counts

    # --- the chain -------------------------------------------------------------------------------------------

    def _chain(self, child: Child, moves: list[Move], kind: int) -> tuple[list[Link], list[Row]]:
        links: list[Link] = []
        events: list[Row] = []
        for n, move in enumerate(moves):
            before = links[-1] if links else None
            until = moves[n + 1].at if n + 1 < len(moves) else None
            seat = (
                before.class_seat
                if before and before.class_id == move.class_id
                else self._seat(move.class_id)
            )
            link = Link(
                child.person_id, kind, move.at, until, before.status if before else 0, move.business,
                int(move.status), move.place.county_id, move.place.org_id, move.class_id, move.stage, move.cohort,
                seat, self._uuid(),
            )  # fmt: skip
            detail = dict(move.detail)
            moved = before is not None and before.school_id != link.school_id
            recorded = self._recorded(move)
            if moved and before is not None:
                detail |= {"from_school": before.school_id, "to_school": link.school_id, "direction": "in"}
            events.append(self._event(link, link.event_id, move, recorded, detail))
            if moved and before is not None:
                events.append(
                    self._event(
                        before,
                        self._uuid(),
                        move,
                        recorded,
                        detail | {"direction": "out"},
                        at=link.valid_from,
                    )
                )
            links.append(link)
        return links, events

    def _seat(self, class_id: int | None) -> int | None:
        if class_id is None:
            return None
        self.seats[class_id] += 1
        return self.seats[class_id]

    def _recorded(self, move: Move) -> datetime:
        """When the clerk entered it: some days later, in office hours."""
        days = (
            self.rng.randrange(1, 12) if move.business in ("enrol", "graduate") else self.rng.randrange(0, 4)
        )
        at = move.at.replace(hour=0, minute=0, second=0) + timedelta(
            days=days, hours=9, minutes=self.rng.randrange(420)
        )
        return min(at, self.now)

    def _event(
        self,
        place: Link,
        event_id: uuid.UUID,
        move: Move,
        recorded: datetime,
        detail: dict[str, Any],
        *,
        at: datetime | None = None,
    ) -> Row:
        clerk = self.clerks[place.school_id]
        return (
            place.person_id, event_id, move.business, at or place.valid_from, recorded, place.county_id,
            place.school_id, place.class_id, clerk.user_id, clerk.name, self._articles.get(move.business, ""),
            move.reason, json.dumps(detail, ensure_ascii=False),
        )  # fmt: skip

    def _renamed(self, child: Child, last: Link, events: list[Row]) -> uuid.UUID | None:
        if child.renamed_at is None:
            return None
        event_id = self._uuid()
        clerk = self.clerks[last.school_id]
        detail = {"fields": ["name"], "before": {"name": child.former_name}, "after": {"name": child.name}}
        events.append(
            (
                child.person_id, event_id, "correct_key", child.renamed_at, child.renamed_at, last.county_id,
                last.school_id, last.class_id, clerk.user_id, clerk.name, self._articles.get("correct_key", ""),
                "户口簿姓名变更", json.dumps(detail, ensure_ascii=False),
            )
        )  # fmt: skip
        return event_id

    # --- rosters ---------------------------------------------------------------------------------------------

    def _rosters(self, child: Child, links: list[Link], guests: list[Link]) -> list[Row]:
        """The present school's row, and a snapshot for each school that had the child before."""
        held: dict[tuple[int, int, int], list[Any]] = {}
        name_now = child.name
        for chain in (links, guests):
            before: Link | None = None
            for link in chain:
                if before is not None and before.school_id != link.school_id:
                    row = held[before.county_id, before.school_id, before.kind]
                    row[4], row[6] = "former", link.valid_from
                key = (link.county_id, link.school_id, link.kind)
                since = link.valid_from
                if key in held and held[key][4] != "former":
                    since = held[key][5]
                name = (
                    child.former_name
                    if child.renamed_at and link.valid_to and link.valid_to <= child.renamed_at
                    else name_now
                )
                held[key] = self._roster(child, link, since, name)
                before = link
        return list(held.values())

    def _roster(self, child: Child, link: Link, since: datetime, name: str) -> list[Any]:
        keys = pinyin_of(name)
        grams = set(names.grams(name))
        if child.former_name and name == child.name:
            grams |= set(names.grams(child.former_name))
        reason = "enrolled" if link.kind == REGISTERED else "guest" if link.is_open else "former"
        return [
            link.county_id, link.school_id, child.person_id, link.kind, reason, since,
            link.valid_from if reason == "former" else None, link.class_id, link.stage, link.cohort_year,
            link.class_seat, link.status, name, keys.full, keys.initials, keys.sort, sorted(grams), child.sex,
            child.birth, _current(child.numbers).prefix,
            vault_places.last6_index(child.identity) if child.identity else None, child.check_state, "",
            child.problem and reason != "former",
        ]  # fmt: skip

    # --- the person ------------------------------------------------------------------------------------------

    def _person(
        self,
        child: Child,
        created: datetime,
        readers: list[int],
        klasses: list[int],
        rename: uuid.UUID | None,
    ) -> None:
        pid, keys, rows = child.person_id, pinyin_of(child.name), self.rows
        since = child.life.moves[0].at
        rows["person"].append(
            (
                pid, child.name, keys.full, keys.initials, keys.sort, child.former_name, child.sex, child.birth,
                child.ethnicity, child.nationality, child.check_state, 1, created, readers, klasses,
            )
        )  # fmt: skip
        secret = {k: v for k, v in child.profile.items() if v and k in _SEALED}
        plain = {k: v for k, v in child.profile.items() if v and k not in _SEALED}
        rows["person_profile"].append(
            (
                pid, json.dumps(plain, ensure_ascii=False),
                vault.seal_json(secret, vault_places.profile(pid)), readers, klasses,
            )
        )  # fmt: skip
        if rename is not None:
            rows["person_name"].append(
                (pid, 1, child.former_name, child.renamed_at, rename, readers, klasses)
            )
        for no, relative in enumerate(child.family, start=1):
            sealed = vault.seal_json(relative.sealed, vault_places.guardian(pid, no))
            rows["guardian"].append(
                (
                    pid, no, relative.name, relative.relation, relative.note, relative.is_guardian, sealed,
                    since.date(), readers, klasses,
                )
            )  # fmt: skip
        if child.identity:
            rows["identity_document"].append(
                (
                    pid,
                    1,
                    child.id_type,
                    vault.seal(child.identity, vault_places.document(pid, 1)),
                    since,
                    readers,
                    klasses,
                )
            )
            rows["identity_lookup"].append(
                (child.id_type, vault_places.identity_index(child.id_type, child.identity), pid, 1)
            )
        for no, number in enumerate(child.numbers, start=1):
            value = f"G{child.identity}" if number.derived else number.value
            rows["student_number"].append(
                (
                    pid, no, number.scheme, number.prefix, 1 if number.derived else None,
                    None if number.derived else vault.seal(value, vault_places.number(pid, no)),
                    "former" if number.until else "current", number.since, number.until, "", None, readers, klasses,
                )
            )  # fmt: skip
            rows["number_lookup"].append(
                (number.scheme, vault_places.number_index(number.scheme, value), pid, no)
            )

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self.rng.getrandbits(128), version=4)


def _current(numbers: list[Number]) -> Number:
    return next(n for n in numbers if n.scheme == vault_places.NATIONAL and n.until is None)


def _articles() -> dict[str, str]:
    """Which article each business rests on, as the rules cite it."""
    found: dict[str, str] = {}
    for t in library().transitions():
        found.setdefault(t.key[2], f"《{t.cite.source.title}》{t.cite.article}"[:200])
    for item in library().pack("cn").businesses:
        found.setdefault(item.id, f"《{item.cite.source.title}》{item.cite.article}"[:200])
    return found


def copy_into(c: Any, table: str, columns: str, rows: Iterable[Row]) -> None:
    """COPY rows into a temporary table and move them over; the role needs insert on the table."""
    c.execute(f"create temporary table demo_in on commit drop as select {columns} from {table} with no data")
    with c.copy(f"copy demo_in ({columns}) from stdin") as copy:
        for row in rows:
            copy.write_row(row)
    c.execute(f"insert into {table} ({columns}) select {columns} from demo_in")
    c.execute("drop table demo_in")


__all__ = ["Clerk", "Loader", "copy_into"]
