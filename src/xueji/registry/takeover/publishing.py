"""From staging into the record, set-based: the same number of statements for any number of children.

Runs in the role `intake`, inside one transaction. History is written as it was: links and events dated in the past,
each event marked with the takeover, the row and the file's hash. Numbers of the official system stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import article_words
from xueji.ground.policy.model import NumberScheme
from xueji.ground.policy.schemes import parse_number, serial_scope
from xueji.ground.standards.names import grams
from xueji.ground.standards.pinyin import pinyin_of
from xueji.registry.enrolment.commands import hold_counts
from xueji.registry.enrolment.models import REGISTERED
from xueji.registry.enrolment.timeline import CubeKey, Link, chain_deltas, midnight
from xueji.registry.intake.keys import Keys
from xueji.registry.intake.places import SchoolFacts
from xueji.registry.people import places
from xueji.registry.people.commands import propose_temporary
from xueji.registry.people.commands.persons import PERSON_FIELDS, split_profile
from xueji.registry.people.places import GUARDIAN_KEYS

from .staging import Staged

AUXILIARY = "province.auxiliary"
_NOT_PROFILE = frozenset(
    {"name", "sex", "birth_date", "id_type", "id_number", "former_name", "school_code", "class_no", "auxiliary_number",
     "class_serial", *PERSON_FIELDS}
)  # fmt: skip


class Conflict(Exception):
    """Numbers of these rows were claimed by somebody else since the comparison."""

    def __init__(self, rows: list[int]) -> None:
        super().__init__("number taken")
        self.rows = rows


@dataclass(frozen=True)
class Source:
    """Where it all comes from, for every event."""

    takeover_id: int
    sha256: str
    actor_id: int
    actor_name: str
    now: datetime
    as_of: date


@dataclass
class _Lines:
    """Rows for each table, gathered first and written with one COPY each."""

    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, table: str, *values: Any) -> None:
        self.rows[table].append(values)


_COLUMNS = {
    "person": "person_id, name, pinyin, initials, pinyin_sort, former_name, sex, birth_date, ethnicity, nationality,"
    " check_state, version, created_at, readers, klasses",
    "person_profile": "person_id, data, sealed, readers, klasses",
    "guardian": "person_id, guardian_no, name, relation, relation_note, is_guardian, sealed, since, readers, klasses",
    "identity_lookup": "id_type, bidx, person_id, doc_no",
    "identity_document": "person_id, doc_no, id_type, sealed, since, readers, klasses",
    "number_lookup": "scheme, bidx, person_id, number_no",
    "student_number": "person_id, number_no, scheme, prefix, doc_no, sealed, state, since, until, reason, event_id,"
    " readers, klasses",
    "event": "person_id, event_id, business, valid_at, recorded_at, county_id, school_id, class_id, actor_id, actor_name,"
    " article, reason, detail",
    "enrolment_state": "person_id, kind, valid_from, valid_to, from_status, business, status, county_id, school_id,"
    " class_id, stage, cohort_year, class_seat, event_id",
    "roster": "county_id, school_id, person_id, kind, reason, since, class_id, stage, cohort_year, class_seat, status,"
    " name, pinyin, initials, pinyin_sort, grams, sex, birth_date, number_prefix, last6, check_state, open_case, problem",
}
#: Claims: who else has the number wins, and nothing is published.
_CLAIMS = {"identity_lookup": "id_type, bidx", "number_lookup": "scheme, bidx"}


def publish_rows(
    rows: Sequence[Staged],
    school: SchoolFacts,
    policy: PolicySet,
    scheme: NumberScheme | None,
    source: Source,
) -> bytes:
    """Put the rows on record; returns a digest of them. Raises `Conflict`; the caller rolls back then."""
    with connection.cursor() as c:
        # As publications of a sheet: those of one school follow each other.
        c.execute("select pg_advisory_xact_lock(7310010, %s)", [school.org_id])
        classes = _classes(c, rows, school)
        seats = _seats(c, school.org_id)
        lines, cube = _Lines(), Counter[CubeKey]()
        temporary = iter(_temporary(rows, school))
        keys, digest = Keys(), hashlib.sha256()
        for row in rows:
            _one(row, school, policy, scheme, source, classes, seats, temporary, keys, lines, cube)
            digest.update(f"{row.person_id}{row.number}{row.links}".encode())
        if scheme is not None:
            _raise_counters(c, rows, scheme)
        # What follows hangs on the person; whoever claims a number first has it.
        for table in _CLAIMS:
            _claim(c, table, lines.rows[table], rows)
        for table in _COLUMNS:
            if table not in _CLAIMS:
                _insert(c, table, lines.rows[table])
        hold_counts(c, [school.county_id])
        _count(c, cube)
    return digest.digest()


def _classes(c: Any, rows: Sequence[Staged], school: SchoolFacts) -> dict[tuple[str, int, int], int]:
    """Classes of all rows; those that the school does not have yet are made."""
    wanted = sorted({row.seat_key for row in rows if row.seat_key})
    c.execute(
        "insert into school_class (school_id, stage, cohort_year, number, alias, capacity, class_type)"
        " select %s, s, y, n, '', 45, '' from unnest(%s::text[], %s::int[], %s::int[]) as x(s, y, n)"
        " on conflict (school_id, stage, cohort_year, number) do nothing",
        [school.org_id, [k[0] for k in wanted], [k[1] for k in wanted], [k[2] for k in wanted]],
    )
    c.execute("select stage, cohort_year, number, id from school_class where school_id = %s", [school.org_id])
    return {(s, y, n): i for s, y, n, i in c.fetchall()}


def _seats(c: Any, school_id: int) -> dict[int, int]:
    c.execute(
        "select class_id, max(class_seat) from roster where school_id = %s and reason <> 'former'"
        " and class_seat is not null group by 1",
        [school_id],
    )
    return defaultdict(int, c.fetchall())


def _temporary(rows: Sequence[Staged], school: SchoolFacts) -> list[str]:
    """L numbers for those whom the other register gave none."""
    lacking = [date.fromisoformat(r.values["birth_date"]) for r in rows if not r.number]
    return propose_temporary([(school.division, birth) for birth in lacking]) if lacking else []


def _one(
    row: Staged, school: SchoolFacts, policy: PolicySet, scheme: NumberScheme | None, source: Source,
    classes: dict[tuple[str, int, int], int], seats: dict[int, int], temporary: Any, keys: Keys, lines: _Lines,
    cube: Counter[CubeKey],
) -> None:  # fmt: skip
    """Everything of one child."""
    person, v = row.person_id, row.values
    class_id = classes.get(row.seat_key) if row.seat_key else None
    see = ([school.county_id, school.org_id], [class_id] if class_id else [])
    begins = datetime.fromisoformat(row.links[0]["begins"])
    names = pinyin_of(v["name"])
    former_name = v.get("former_name") or ""
    number = row.number or next(temporary)
    identity = v.get("id_number")
    # The official system gives a G number only after its own comparison with the population register.
    derived = number[0] == "G" and number[1:] == identity
    check = "passed" if derived else "unchecked"
    birth = date.fromisoformat(v["birth_date"])
    lines.add(
        "person", person, v["name"], names.full, names.initials, names.sort, former_name, v["sex"], birth,
        v.get("ethnicity") or "", v.get("nationality") or "CHN", check, 1, source.now, *see,
    )  # fmt: skip
    _profile(row, see, lines)
    if identity:
        bidx = places.identity_index(v["id_type"], identity)
        lines.add("identity_lookup", v["id_type"], bidx, person, 1)
        sealed = vault.seal(identity, places.document(person, 1))
        lines.add("identity_document", person, 1, v["id_type"], sealed, begins, *see)
    links = _chain(row, school, policy, source, class_id, seats, keys, lines)
    cube.update(chain_deltas(links, v["sex"]))
    event = links[0].event_id
    _numbers(row, number, derived, scheme, begins, source, event, see, lines)
    last = links[-1]
    words = {*grams(v["name"]), *(grams(former_name) if former_name else ())}
    lines.add(
        "roster", school.county_id, school.org_id, person, REGISTERED, "enrolled", links[0].valid_from, last.class_id,
        last.stage, last.cohort_year, last.class_seat, last.status, v["name"], names.full, names.initials, names.sort,
        sorted(words), v["sex"], birth, number[0], places.last6_index(identity) if identity else None, check, "", False,
    )  # fmt: skip


def _profile(row: Staged, see: tuple[list[int], list[int]], lines: _Lines) -> None:
    person = row.person_id
    values = {
        k: str(x) for k, x in row.values.items() if k not in _NOT_PROFILE and not k.startswith("member")
    }
    if "entry_month" in values:
        values["entry_month"] = values["entry_month"].replace("-", "")[:6]
    data, secret = split_profile(values)
    sealed = vault.seal_json(secret, places.profile(person)) if secret else None
    lines.add("person_profile", person, json.dumps(data, ensure_ascii=False), sealed, *see)
    for no in (1, 2):
        head = f"member{no}_"
        if not (name := row.values.get(head + "name")):
            continue
        kept = {k: str(x) for k in GUARDIAN_KEYS if (x := row.values.get(head + k))}
        lines.add(
            "guardian", person, no, name, row.values.get(head + "relation") or "9",
            row.values.get(head + "relation_note") or "", row.values.get(head + "is_guardian") == "1",
            vault.seal_json(kept, places.guardian(person, no)) if kept else None, row.begins, *see,
        )  # fmt: skip


def _chain(
    row: Staged, school: SchoolFacts, policy: PolicySet, source: Source, class_id: int | None, seats: dict[int, int],
    keys: Keys, lines: _Lines,
) -> list[Link]:  # fmt: skip
    """Links and events, dated in the past."""
    serial = str(row.values.get("class_serial") or "")
    seat: int | None = None
    if class_id is not None:
        seat = int(serial) if serial.isdigit() and 1 <= int(serial) <= 9999 else seats[class_id] + 1
        seats[class_id] = max(seats[class_id], seat)
    starts = [datetime.fromisoformat(x["begins"]) for x in row.links]
    links: list[Link] = []
    for i, planned in enumerate(row.links):
        event_id = uuid.UUID(keys.next())
        until = starts[i + 1] if i + 1 < len(starts) else None
        here = class_id if planned["with_class"] else None
        link = Link(
            row.person_id, REGISTERED, starts[i], until, planned["from"], planned["business"], planned["status"],
            school.county_id, school.org_id, here, row.stage, planned["cohort"], seat if here else None, event_id,
        )  # fmt: skip
        links.append(link)
        lines.add(
            "enrolment_state", link.person_id, link.kind, link.valid_from, link.valid_to, link.from_status, link.business,
            link.status, link.county_id, link.school_id, link.class_id, link.stage, link.cohort_year, link.class_seat,
            event_id,
        )  # fmt: skip
        inside = planned["detail"]
        told = _("从原系统接管(%(day)s 导出, 第%(row)s行)") % {
            "day": source.as_of.isoformat(),
            "row": row.row_no,
        }
        reason = "; ".join(x for x in (inside.get("reason", ""), inside.get("other", ""), told) if x)
        lines.add(
            "event", row.person_id, event_id, planned["business"], link.valid_from, source.now, school.county_id,
            school.org_id, here, source.actor_id, source.actor_name, _article(policy, planned["business"]), reason[:300],
            json.dumps(
                {"takeover": source.takeover_id, "row": row.row_no, "sha256": source.sha256, **inside}, ensure_ascii=False
            ),
        )  # fmt: skip
    return links


def _article(policy: PolicySet, business: str) -> str:
    cite = policy.business(business).cite
    return f"《{cite.source.title}》{article_words(cite.article)}"[:200]


def _numbers(
    row: Staged, number: str, derived: bool, scheme: NumberScheme | None, begins: datetime, source: Source,
    event: uuid.UUID, see: tuple[list[int], list[int]], lines: _Lines,
) -> None:  # fmt: skip
    """The number in force, the auxiliary one, and every number from before: each found, none given again."""
    person, told = row.person_id, _("从原系统接管")

    def put(
        no: int, kind: str, value: str, prefix: str, *, until: datetime | None = None, stored: bool = True
    ) -> None:
        lines.add("number_lookup", kind, places.number_index(kind, value), person, no)
        sealed = vault.seal(value, places.number(person, no)) if stored else None
        lines.add(
            "student_number", person, no, kind, prefix, None if stored else 1, sealed,
            "former" if until else "current", begins, until, told, event, *see,
        )  # fmt: skip

    put(1, places.NATIONAL, number, number[0], stored=not derived)
    aux = row.values.get("auxiliary_number")
    if aux:
        put(2, scheme.id if scheme else AUXILIARY, aux, "")
    # When an earlier number ended, the export does not say: at the latest on its own day.
    ended = max(midnight(source.as_of), begins)
    for no, old in enumerate(row.former, start=3):
        put(no, places.NATIONAL, old, old[0], until=ended)


def _raise_counters(c: Any, rows: Iterable[Staged], scheme: NumberScheme) -> None:
    """Runs of the place's auxiliary numbers go on after the highest that was taken over."""
    serial = next((f.name for f in scheme.fields if f.kind == "serial"), "")
    top: dict[str, int] = {}
    for row in rows:
        parsed = parse_number(scheme, row.values.get("auxiliary_number") or "")
        if parsed is not None and serial:
            run = serial_scope(scheme, parsed)
            top[run] = max(top.get(run, 0), int(parsed[serial]))
    runs = sorted(top)
    c.execute(
        "insert into number_counter as n (scheme, run, last) select %s, r, l from unnest(%s::text[], %s::int[]) as x(r, l)"
        " order by r on conflict (scheme, run) do update set last = greatest(n.last, excluded.last)",
        [scheme.id, runs, [top[r] for r in runs]],
    )


# --- writing -----------------------------------------------------------------------------------------------


def _copy(c: Any, table: str, rows: Sequence[tuple[Any, ...]]) -> str:
    work = f"takeover_{table}"
    columns = _COLUMNS[table]
    c.execute(f"create temp table {work} on commit drop as select {columns} from {table} with no data")
    with c.copy(f"copy {work} ({columns}) from stdin") as copy:
        for row in rows:
            copy.write_row(row)
    return work


def _insert(c: Any, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    columns = _COLUMNS[table]
    work = _copy(c, table, rows)
    c.execute(f"insert into {table} ({columns}) select {columns} from {work}")
    c.execute(f"drop table {work}")


def _claim(c: Any, table: str, rows: Sequence[tuple[Any, ...]], staged: Sequence[Staged]) -> None:
    """In the order of the key, so that nobody deadlocks. Raises `Conflict` with the rows of the losers."""
    columns, key = _COLUMNS[table], _CLAIMS[table]
    first, second = key.split(", ")
    work = _copy(c, table, rows)
    c.execute(
        f"insert into {table} ({columns}) select {columns} from {work} order by {key} on conflict ({key}) do nothing"
    )
    if c.rowcount != len(rows):
        c.execute(
            f"select distinct w.person_id from {work} w join {table} l on l.{first} = w.{first} and l.{second} = w.{second}"
            " where l.person_id <> w.person_id"
        )
        losers = {row[0] for row in c.fetchall()}
        raise Conflict(sorted(r.row_no for r in staged if r.person_id in losers))
    c.execute(f"drop table {work}")


def _count(c: Any, cube: Counter[CubeKey]) -> None:
    keys = sorted(k for k, n in cube.items() if n)
    lists = [list(x) for x in zip(*keys, strict=True)] if keys else [[] for _i in range(9)]
    c.execute(
        "insert into cube_delta as d (county_id, school_id, day, kind, stage, cohort_year, sex, status, flow, n)"
        " select * from unnest(%s::int[], %s::int[], %s::date[], %s::int[], %s::text[], %s::int[], %s::text[], %s::int[],"
        "  %s::text[], %s::int[])"
        " on conflict (county_id, school_id, day, kind, stage, cohort_year, sex, status, flow)"
        " do update set n = d.n + excluded.n",
        [*lists, [cube[k] for k in keys]],
    )
