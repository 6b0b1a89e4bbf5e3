"""Auxiliary numbers (学籍辅号) of a publication: those that a sheet brings along, and those that the place's scheme gives.

In the role `intake`, beside the work table of `publishing`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.policy.model import NumberScheme
from xueji.ground.policy.schemes import make_number, parse_number, serial_limit, serial_scope
from xueji.registry.people import places as vault_places

from .errors import IntakeError
from .picked import Rows
from .places import SchoolFacts

WORK = "intake_work"
#: Auxiliary numbers beside it: writing them into the work table would copy every wide row once more.
AUX = "intake_aux"
#: Rows that this process holds at a time while it seals numbers.
_HELD = 20_000
_TYPE_DIGIT = {"P": "0", "J": "1", "S": "2"}


def number_parts(school: SchoolFacts, stage: str, cohort: int) -> dict[str, str | int]:
    """The parts of an auxiliary number that place, school, stage and entry year give."""
    return {
        "city": school.division[2:4],
        "county": school.division[4:6],
        "year": f"{cohort % 100:02d}",
        "school": school.code[-3:],
        "type": _TYPE_DIGIT[stage],
    }


def gather(c: Any) -> int:
    """The auxiliary numbers that rows bring along, in a table of their own; returns how many."""
    c.execute(f"create temp table {AUX} (person_id uuid, sealed bytea, bidx bytea) on commit drop")
    c.execute(
        f"insert into {AUX} select person_id, aux_sealed, aux_bidx from {WORK} where aux_sealed is not null"
    )
    return int(c.rowcount)


def number(c: Any, school: SchoolFacts, scheme: NumberScheme) -> int:
    """学籍辅号 by the place's scheme for those without one: serials without gaps, given in one statement that locks the
    runs. Returns how many were given.
    """
    serial = next((f for f in scheme.fields if f.kind == "serial"), None)
    known = {*number_parts(school, "P", 2000), serial.name if serial else ""}
    if serial is None or any(f.name not in known for f in scheme.fields if f.kind != "literal"):
        return 0
    c.execute(
        f"select stage, cohort_year, count(*) from {WORK} where aux_sealed is null group by 1, 2 order by 1, 2"
    )
    runs_of: dict[tuple[str, int], str] = {}
    first: dict[str, str] = {}
    wanting: dict[str, int] = defaultdict(int)
    for stage, cohort, n in c.fetchall():
        parts = {**number_parts(school, stage, cohort), serial.name: 1}
        run = runs_of[stage, cohort] = serial_scope(scheme, parts)
        first.setdefault(run, make_number(scheme, parts))
        wanting[run] += n
    taken = _taken(scheme, serial.name, f"select person_id::text, sealed from {AUX}")
    last = _draw_serials(c, scheme.id, wanting, taken)
    at = sum(f.width for f in scheme.fields[: scheme.fields.index(serial)])
    for run, n in last.items():
        if wanting.get(run) and n > serial_limit(scheme):
            raise IntakeError(
                _("学籍辅号已经用完: %(run)s 最多 %(n)d 个") % {"run": run, "n": serial_limit(scheme)}
            )
    following = {run: last[run] - n for run, n in wanting.items()}
    heads = {run: (number[:at], number[at + serial.width :]) for run, number in first.items()}
    given: list[tuple[str, str]] = []
    for stage, cohort, person in _streamed(
        f"select stage, cohort_year, person_id::text from {WORK} where aux_sealed is null"
        " order by stage, cohort_year, class_id, row_no"
    ):
        run = runs_of[stage, cohort]
        n = following[run] = following[run] + 1
        head, tail = heads[run]
        given.append((person, f"{head}{n:0{serial.width}d}{tail}"))
        if len(given) == _HELD:
            _keep(c, scheme.id, given)
            given.clear()
    _keep(c, scheme.id, given)
    c.execute(f"analyze {AUX}")
    return sum(wanting.values())


def pass_over(rows: Rows, scheme: NumberScheme) -> None:
    """Serials that these rows bring along are passed over by whoever is numbered from now on, whichever part of the batch
    he stands in. Children whom somebody has recorded since the check bring nothing: their rows will be left out.
    """
    serial = next((f for f in scheme.fields if f.kind == "serial"), None)
    if serial is None:
        return
    where, values = rows.where()
    query = (
        f"select s.person_id::text, s.aux_sealed from staged_row s where {where} and s.aux_sealed is not null"
        " and not exists (select 1 from identity_lookup l where l.id_type = s.id_type and l.bidx = s.id_bidx)"
    )
    taken = _taken(scheme, serial.name, query, values)
    if taken:
        with connection.cursor() as c:
            _draw_serials(c, scheme.id, {}, taken)


def _taken(
    scheme: NumberScheme, serial: str, query: str, values: Mapping[str, Any] | None = None
) -> dict[str, int]:
    """The highest serial of each run among numbers that were brought along: (child, sealed number)."""
    taken: dict[str, int] = {}
    for person, sealed in _streamed(query, values):
        parsed = parse_number(scheme, vault.open(sealed, vault_places.number(person, 2)))
        if parsed is not None:
            run = serial_scope(scheme, parsed)
            taken[run] = max(taken.get(run, 0), int(parsed[serial]))
    return taken


def _streamed(query: str, values: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
    """Rows of a query through a cursor of the server: this process never holds them all."""
    with connection.connection.cursor(name="intake_stream") as cursor:
        cursor.itersize = _HELD
        yield from cursor.execute(query, values)


def _draw_serials(
    c: Any, scheme_id: str, wanting: Mapping[str, int], taken: Mapping[str, int]
) -> dict[str, int]:
    """The last serial of each run after these were given; numbers brought along from before are passed over."""
    runs = sorted({*wanting, *taken})
    brought, wanted = [taken.get(r, 0) for r in runs], [wanting.get(r, 0) for r in runs]
    c.execute(
        "insert into number_counter as n (scheme, run, last)"
        " select %s, r, greatest(t, 0) + k from unnest(%s::text[], %s::int[], %s::int[]) as x(r, t, k) order by r"
        " on conflict (scheme, run) do update set last = greatest(n.last, (select t from unnest(%s::text[], %s::int[])"
        "   as y(r, t) where y.r = n.run)) + (select k from unnest(%s::text[], %s::int[]) as z(r, k) where z.r = n.run)"
        " returning run, last",
        [scheme_id, runs, brought, wanted, runs, brought, runs, wanted],
    )
    return dict(c.fetchall())


def _keep(c: Any, scheme_id: str, given: Sequence[tuple[str, str]]) -> None:
    """Seal numbers that were given, into the table beside the work table."""
    kind = f"no:{scheme_id}"
    sealed = vault.seal_many([(number, f"student_number.sealed:{person}:2") for person, number in given])
    lines = [
        f"{person}\t\\\\x{blob.hex()}\t\\\\x{vault.index(kind, number).hex()}\n"
        for (person, number), blob in zip(given, sealed, strict=True)
    ]
    with c.copy(f"copy {AUX} from stdin") as copy:
        copy.write("".join(lines))
