"""What the national comparison and the periodic distribution write, for many children at once: a fixed number of statements
for any number of them. The callers have checked the right, and run in a writing role inside a transaction.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault

from .. import numbering, places
from ..places import NATIONAL


def record_checks(
    who: Any, results: Mapping[uuid.UUID, str], documents: Mapping[uuid.UUID, int], *, source: str
) -> dict[uuid.UUID, str]:
    """Keep what the population register answered (passed, failed) about the paper that was asked about (C-DUP-06).

    A record whose paper in force is another one by now is left alone. Returns what was kept.
    """
    if not results:
        return {}
    ids = sorted(results)
    with connection.cursor() as c:
        c.execute(
            "select 1 from person where person_id = any(%s::uuid[]) order by person_id for update", [ids]
        )
        c.execute(
            "update person p set check_state = v.state, version = p.version + 1"
            " from unnest(%s::uuid[], %s::text[], %s::int[]) as v(person_id, state, doc_no)"
            " where p.person_id = v.person_id and p.merged_into is null and exists (select 1 from identity_document d"
            "  where d.person_id = p.person_id and d.doc_no = v.doc_no and d.until is null)"
            " returning p.person_id, p.check_state",
            [ids, [results[p] for p in ids], [documents[p] for p in ids]],
        )
        kept: dict[uuid.UUID, str] = dict(c.fetchall())
    record(
        who,
        "people.identity.compare",
        object_type="person",
        purpose=source[:200],
        after={"passed": sum(s == "passed" for s in kept.values()), "asked": len(ids)},
        row_count=len(kept),
        digest=_digest(f"{p}:{s}" for p, s in sorted(kept.items())),
        persons=sorted(kept),
    )
    return kept


@dataclass(frozen=True)
class Draw:
    """A child that gets a formal number: G of its paper, or J of the school's division and the birth date."""

    person_id: uuid.UUID
    prefix: str
    doc_no: int | None = None
    sealed: bytes | None = None
    division: str = ""
    birth_date: date | None = None


def make_formal(
    who: Any, draws: Sequence[Draw], *, at: datetime, event_ids: Mapping[uuid.UUID, uuid.UUID], source: str
) -> dict[uuid.UUID, int]:
    """L to G or J for many children (NAT-NUM-10, NAT-NUM-11, C-NUM-06); returns the number of each new number.

    The people are locked by the caller and hold an L number. A number that somebody else was given is not given: that
    child is missing from the answer and keeps its L number. J numbers of a day and place run on without gap.
    """
    if not draws:
        return {}
    values = _values(draws)
    draws = [d for d in draws if d.person_id in values]
    ids = [d.person_id for d in draws]
    with connection.cursor() as c:
        c.execute(
            "select person_id, max(number_no) + 1 from student_number where person_id = any(%s::uuid[]) group by 1",
            [ids],
        )
        number_no: dict[uuid.UUID, int] = dict(c.fetchall())
        c.execute(
            "insert into number_lookup (scheme, bidx, person_id, number_no)"
            " select %s, v.bidx, v.person_id, v.number_no from unnest(%s::bytea[], %s::uuid[], %s::int[])"
            " as v(bidx, person_id, number_no) order by v.bidx on conflict do nothing returning person_id",
            [
                NATIONAL,
                [places.number_index(NATIONAL, values[p]) for p in ids],
                ids,
                [number_no[p] for p in ids],
            ],
        )
        claimed = {row[0] for row in c.fetchall()}
        draws = [d for d in draws if d.person_id in claimed]
        ids = [d.person_id for d in draws]
        c.execute(
            "update student_number set state = 'former', until = %s where person_id = any(%s::uuid[])"
            " and scheme = %s and state = 'current'",
            [at, ids, NATIONAL],
        )
        c.execute(
            "insert into student_number (person_id, number_no, scheme, prefix, doc_no, sealed, state, since, reason,"
            "  event_id, readers, klasses)"
            " select v.person_id, v.number_no, %s, v.prefix, v.doc_no, v.sealed, 'current', %s, %s, v.event_id,"
            "  p.readers, p.klasses from unnest(%s::uuid[], %s::int[], %s::text[], %s::int[], %s::bytea[], %s::uuid[])"
            "  as v(person_id, number_no, prefix, doc_no, sealed, event_id) join person p on p.person_id = v.person_id",
            [
                NATIONAL,
                at,
                source[:100],
                ids,
                [number_no[p] for p in ids],
                [d.prefix for d in draws],
                [d.doc_no if d.prefix == "G" else None for d in draws],
                [
                    None
                    if d.prefix == "G"
                    else vault.seal(values[d.person_id], places.number(d.person_id, number_no[d.person_id]))
                    for d in draws
                ],
                [event_ids[p] for p in ids],
            ],
        )
        c.execute(
            "update person set version = version + 1 where person_id = any(%s::uuid[])",
            [ids],
        )
    record(
        who,
        "people.number.distribute",
        object_type="person",
        purpose=source[:200],
        after={"G": sum(d.prefix == "G" for d in draws), "J": sum(d.prefix == "J" for d in draws)},
        row_count=len(ids),
        digest=_digest(f"{d.person_id}:{d.prefix}:{number_no[d.person_id]}" for d in draws),
        persons=ids,
    )
    return {p: number_no[p] for p in ids}


def _values(draws: Sequence[Draw]) -> dict[uuid.UUID, str]:
    """The new numbers as text; a run of J numbers that is used up gives none."""
    out = {
        d.person_id: numbering.formal(vault.open(d.sealed, places.document(d.person_id, d.doc_no)))
        for d in draws
        if d.prefix == "G" and d.sealed is not None and d.doc_no is not None
    }
    stems: dict[str, list[Draw]] = {}
    for d in draws:
        if d.prefix == "J" and d.birth_date is not None:
            stems.setdefault(numbering.stem(d.division, d.birth_date), []).append(d)
    if not stems:
        return out
    runs = sorted(stems)
    with connection.cursor() as c:
        # In one order for all, so that two distributions never wait for each other in a circle.
        c.execute(
            "insert into number_counter as n (scheme, run, last) select 'national.J', v.run, v.n"
            " from unnest(%s::text[], %s::int[]) as v(run, n) order by v.run"
            " on conflict (scheme, run) do update set last = n.last + excluded.last returning run, last",
            [runs, [len(stems[run]) for run in runs]],
        )
        last: dict[str, int] = dict(c.fetchall())
    for run, members in stems.items():
        first = last[run] - len(members) + 1
        for serial, d in enumerate(members, first):
            if serial <= numbering.J_SERIALS and d.birth_date is not None:
                out[d.person_id] = numbering.formal_without_id(d.division, d.birth_date, serial)
    return out


def _digest(lines: Any) -> bytes:
    return hashlib.sha256("\n".join(lines).encode()).digest()


__all__ = ["Draw", "make_formal", "record_checks"]
