"""From staging into the record, set-based: one transaction, a fixed number of statements for any number of rows.

Runs in the role `intake`. Everything is inserted from one analysed work table that carries the new keys, never by
joining rows that the same transaction has just written: those have no statistics.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.policy.model import NumberScheme
from xueji.ground.policy.schemes import make_number, parse_number, serial_limit, serial_scope
from xueji.registry.enrolment.commands import hold_counts
from xueji.registry.people import places as vault_places
from xueji.registry.people.commands import propose_temporary

from .errors import IntakeError
from .places import SchoolFacts
from .staging import on_record

WORK = "intake_work"
_ENROL = "enrol"
COPIED = (
    "row_no", "person_id", "event_id", "name", "pinyin", "initials", "pinyin_sort", "grams", "sex", "birth_date", "ethnicity",
    "nationality", "former_name", "id_type", "id_sealed", "id_bidx", "last6", "number_prefix", "number_sealed", "number_bidx",
    "aux_sealed", "aux_bidx", "stage", "cohort_year", "profile", "profile_sealed", "g1_name", "g1_relation", "g1_note",
    "g1_guardian", "g1_sealed", "g2_name", "g2_relation", "g2_note", "g2_guardian", "g2_sealed",
)  # fmt: skip
_TYPE_DIGIT = {"P": "0", "J": "1", "S": "2"}


class Conflict(Exception):
    """Identity numbers of these rows were recorded by somebody else since the check."""

    def __init__(self, rows: list[int]) -> None:
        super().__init__("identity taken")
        self.rows = rows


@dataclass(frozen=True)
class Published:
    """What one publication wrote."""

    rows: int
    classes: int
    digest: bytes


def publish_rows(
    batch_id: int, school: SchoolFacts, who: Any, now: datetime, article: str, scheme: NumberScheme | None
) -> Published:
    """Publish every row of the batch that may be. Raises `Conflict`; nothing remains then but what the caller
    rolls back.
    """
    with connection.cursor() as c:
        # Publications of one school follow each other: seats and classes are counted.
        c.execute("select pg_advisory_xact_lock(7310010, %s)", [school.org_id])
        classes = _create_classes(c, batch_id, school)
        rows = _make_work(c, batch_id, school)
        if not rows:
            raise IntakeError(_("没有可以发布的行"))
        digest = enter_work(c, school, who, now, article, scheme, batch_id)
        c.execute(
            f"delete from staged_row s using {WORK} w where s.batch_id = %s and s.row_no = w.row_no",
            [batch_id],
        )
        c.execute(f"drop table {WORK}")
    return Published(rows, classes, digest)


def enter_work(
    c: Any, school: SchoolFacts, who: Any, now: datetime, article: str, scheme: NumberScheme | None,
    batch_id: int | None = None,
) -> bytes:  # fmt: skip
    """Put everybody of the work table on record: identities and numbers claimed, person, papers, first link, head-counts.

    `WORK` stands and is analysed, with `COPIED`, class_id, begins, enrolled_on and seat; a child without class waits
    for one (待分班). In the role `intake`. Returns the digest for the audit; raises `Conflict`, `IntakeError`.
    """
    aux = scheme.id if scheme else "province.auxiliary"
    _claim_identities(c)
    if scheme is not None:
        _number_auxiliary(c, school, scheme)
    _insert_people(c, school, now)
    _claim_numbers(c, school, aux)
    _insert_numbers(c, school, aux)
    _insert_record(c, batch_id, school, who, now, article)
    return _digest(c)


def _create_classes(c: Any, batch_id: int, school: SchoolFacts) -> int:
    """Classes that rows name and the school does not have yet."""
    c.execute(
        "insert into school_class (school_id, stage, cohort_year, number, alias, capacity, class_type)"
        " select distinct %s::int, s.stage, s.cohort_year, s.class_number, '', 45, '' from staged_row s"
        " where s.batch_id = %s and s.state in ('ok', 'warning')"
        " on conflict (school_id, stage, cohort_year, number) do nothing",
        [school.org_id, batch_id],
    )
    return int(c.rowcount)


def _make_work(c: Any, batch_id: int, school: SchoolFacts) -> int:
    """The work table: keys, class, seat and first moment of every row that is published."""
    columns = ", ".join(f"s.{name}" for name in COPIED)
    c.execute(
        # Seats are counted over narrow rows: sorting the sealed columns along would spill to disk.
        f"create temp table {WORK} on commit drop as with seats as materialized ("
        " select s.row_no, k.id as class_id,"
        "   coalesce(s.class_seat, greatest(b.top, max(s.class_seat) over (partition by k.id), 0)"
        "     + row_number() over (partition by k.id, s.class_seat is null order by s.row_no))::smallint as seat"
        " from staged_row s"
        " join school_class k on k.school_id = %(school)s and k.stage = s.stage and k.cohort_year = s.cohort_year"
        "   and k.number = s.class_number"
        " left join (select class_id, max(class_seat) top from roster where school_id = %(school)s"
        "     and reason <> 'former' and status <> 18 group by class_id) b on b.class_id = k.id"
        " where s.batch_id = %(batch)s and s.state in ('ok', 'warning'))"
        f" select {columns}, t.class_id, (s.enrolled_on::timestamp at time zone 'Asia/Shanghai') as begins,"
        "   s.enrolled_on, t.seat"
        " from staged_row s join seats t on t.row_no = s.row_no where s.batch_id = %(batch)s",
        {"school": school.org_id, "batch": batch_id},
    )
    rows = int(c.rowcount)
    # Only what later statements join or group by: the wide sealed columns would cost seconds.
    c.execute(
        f"analyze {WORK} (row_no, person_id, stage, cohort_year, class_id, name, birth_date, id_bidx, number_bidx)"
    )
    return rows


def _claim_identities(c: Any) -> None:
    """The lookup's primary key decides between two who publish the same child; ordered, so that nobody deadlocks."""
    c.execute(
        "insert into identity_lookup (id_type, bidx, person_id, doc_no)"
        f" select id_type, id_bidx, person_id, 1 from {WORK} where id_bidx is not null order by id_type, id_bidx"
        " on conflict (id_type, bidx) do nothing"
    )
    claimed = c.rowcount
    c.execute(f"select count(id_bidx) from {WORK}")
    if claimed != c.fetchone()[0]:
        c.execute(
            f"select w.row_no from {WORK} w join identity_lookup l on l.id_type = w.id_type and l.bidx = w.id_bidx"
            " where l.person_id <> w.person_id order by w.row_no"
        )
        raise Conflict([row[0] for row in c.fetchall()])
    c.execute(
        f"select w.row_no from {WORK} w join person p on p.name = w.name and p.birth_date = w.birth_date and p.sex = w.sex"
        f" where w.id_bidx is null and p.merged_into is null and {on_record('p')} order by w.row_no"
    )
    if found := [row[0] for row in c.fetchall()]:
        raise Conflict(found)


def _parts(school: SchoolFacts, stage: str, cohort: int) -> dict[str, str | int]:
    return {
        "city": school.division[2:4],
        "county": school.division[4:6],
        "year": f"{cohort % 100:02d}",
        "school": school.code[-3:],
        "type": _TYPE_DIGIT[stage],
    }


def _number_auxiliary(c: Any, school: SchoolFacts, scheme: NumberScheme) -> None:
    """学籍辅号 by the place's scheme: serials without gaps, given in one statement that locks the runs."""
    serial = next((f for f in scheme.fields if f.kind == "serial"), None)
    known = {*_parts(school, "P", 2000), serial.name if serial else ""}
    if serial is None or any(f.name not in known for f in scheme.fields if f.kind != "literal"):
        return
    c.execute(
        f"select stage, cohort_year, person_id, aux_sealed from {WORK} order by stage, cohort_year, class_id, row_no"
    )
    wanting: dict[str, list[Any]] = defaultdict(list)
    first: dict[str, str] = {}
    taken: dict[str, int] = {}
    for stage, cohort, person, sealed in c.fetchall():
        if sealed is not None:
            parsed = parse_number(scheme, vault.open(sealed, vault_places.number(person, 2)))
            if parsed is not None:
                run = serial_scope(scheme, parsed)
                taken[run] = max(taken.get(run, 0), int(parsed[serial.name]))
            continue
        parts = {**_parts(school, stage, cohort), serial.name: 1}
        run = serial_scope(scheme, parts)
        if run not in first:
            first[run] = make_number(scheme, parts)
        wanting[run].append(person)
    runs = sorted({*wanting, *taken})
    # Numbers brought along from before are passed over, then the run goes on without a gap.
    c.execute(
        "insert into number_counter as n (scheme, run, last)"
        " select %s, r, greatest(t, 0) + k from unnest(%s::text[], %s::int[], %s::int[]) as x(r, t, k) order by r"
        " on conflict (scheme, run) do update set last = greatest(n.last, (select t from unnest(%s::text[], %s::int[])"
        "   as y(r, t) where y.r = n.run)) + (select k from unnest(%s::text[], %s::int[]) as z(r, k) where z.r = n.run)"
        " returning run, last",
        [
            scheme.id,
            runs, [taken.get(r, 0) for r in runs], [len(wanting.get(r, ())) for r in runs],
            runs, [taken.get(r, 0) for r in runs],
            runs, [len(wanting.get(r, ())) for r in runs],
        ],
    )  # fmt: skip
    last = dict(c.fetchall())
    at = sum(f.width for f in scheme.fields[: scheme.fields.index(serial)])
    c.execute("create temp table intake_aux (person_id uuid, sealed bytea, bidx bytea) on commit drop")
    lines = []
    for run, persons in wanting.items():
        if last[run] > serial_limit(scheme):
            raise IntakeError(
                _("学籍辅号已经用完: %(run)s 最多 %(n)d 个") % {"run": run, "n": serial_limit(scheme)}
            )
        head, tail = first[run][:at], first[run][at + serial.width :]
        for n, person in enumerate(persons, start=last[run] - len(persons) + 1):
            number = f"{head}{n:0{serial.width}d}{tail}"
            sealed = vault.seal(number, f"student_number.sealed:{person}:2")
            lines.append(
                f"{person}\t\\\\x{sealed.hex()}\t\\\\x{vault.index('no:' + scheme.id, number).hex()}\n"
            )
    with c.copy("copy intake_aux from stdin") as copy:
        copy.write("".join(lines))
    c.execute("analyze intake_aux")
    c.execute(
        f"update {WORK} w set aux_sealed = a.sealed, aux_bidx = a.bidx from intake_aux a where a.person_id = w.person_id"
    )
    c.execute("drop table intake_aux")


def _claim_numbers(c: Any, school: SchoolFacts, aux_scheme: str) -> None:
    """Numbers are claimed once and never given again; a temporary number that met another is drawn anew."""
    c.execute(f"select count(*) from {WORK}")
    wanted = int(c.fetchone()[0])
    claimed = _claim_national(c)
    for _attempt in range(4):
        if claimed == wanted:
            break
        _draw_anew(c, school)
        claimed += _claim_national(c)
    else:
        raise IntakeError(_("临时学籍号编号失败, 请重试"))
    c.execute(
        "insert into number_lookup (scheme, bidx, person_id, number_no)"
        f" select %s, aux_bidx, person_id, 2 from {WORK} where aux_bidx is not null order by aux_bidx"
        " on conflict (scheme, bidx) do nothing",
        [aux_scheme],
    )
    done = c.rowcount
    c.execute(f"select count(aux_bidx) from {WORK}")
    if done != c.fetchone()[0]:
        c.execute(
            f"select w.row_no from {WORK} w where aux_bidx is not null and not exists (select 1 from number_lookup l"
            " where l.scheme = %s and l.bidx = w.aux_bidx and l.person_id = w.person_id) order by 1 limit 20",
            [aux_scheme],
        )
        rows = "、".join(str(r[0]) for r in c.fetchall())
        if not rows:  # all of them are numbers that these very children had before their import was undone
            return
        raise IntakeError(
            _("第 %(rows)s 行的学籍辅号已经给过其他学生, 请核对或清空后由系统编号") % {"rows": rows}
        )


def _claim_national(c: Any) -> int:
    c.execute(
        "insert into number_lookup (scheme, bidx, person_id, number_no)"
        f" select 'national', number_bidx, person_id, 1 from {WORK} order by number_bidx"
        " on conflict (scheme, bidx) do nothing"
    )
    return int(c.rowcount)


def _draw_anew(c: Any, school: SchoolFacts) -> None:
    """Other temporary numbers for those whose number somebody else has."""
    c.execute(
        f"select w.row_no, w.person_id, w.birth_date from {WORK} w where not exists (select 1 from number_lookup l"
        " where l.scheme = 'national' and l.bidx = w.number_bidx and l.person_id = w.person_id)"
    )
    lacking = c.fetchall()
    numbers = propose_temporary([(school.division, birth) for _r, _p, birth in lacking])
    sealed = [
        vault.seal(n, vault_places.number(person, 1))
        for n, (_r, person, _b) in zip(numbers, lacking, strict=True)
    ]
    c.execute(
        f"update {WORK} w set number_sealed = n.sealed, number_bidx = n.bidx"
        " from unnest(%s::int[], %s::bytea[], %s::bytea[]) as n(row_no, sealed, bidx) where n.row_no = w.row_no",
        [
            [row for row, _p, _b in lacking],
            sealed,
            [vault_places.number_index(vault_places.NATIONAL, n) for n in numbers],
        ],
    )


def _insert_people(c: Any, school: SchoolFacts, now: datetime) -> None:
    """Person, the rest of the form, family and papers."""
    see = f"array[{int(school.county_id)}, {int(school.org_id)}], array_remove(array[class_id], null)"
    c.execute(
        "insert into person (person_id, name, pinyin, initials, pinyin_sort, former_name, sex, birth_date, ethnicity,"
        " nationality, check_state, version, created_at, readers, klasses)"
        " select person_id, name, pinyin, initials, pinyin_sort, coalesce(former_name, ''), sex, birth_date,"
        f" coalesce(ethnicity, ''), coalesce(nationality, 'CHN'), 'unchecked', 1, %s, {see} from {WORK}",
        [now],
    )
    c.execute(
        "insert into person_profile (person_id, data, sealed, readers, klasses)"
        f" select person_id, profile, profile_sealed, {see} from {WORK}"
    )
    c.execute(
        "insert into guardian (person_id, guardian_no, name, relation, relation_note, is_guardian, sealed, since, readers,"
        " klasses)"
        " select w.person_id, g.no, g.name, coalesce(g.relation, '9'), coalesce(g.note, ''), coalesce(g.is_guardian, false),"
        f"  g.sealed, w.enrolled_on, {see} from {WORK} w cross join lateral (values"
        "   (1::smallint, g1_name, g1_relation, g1_note, g1_guardian, g1_sealed),"
        "   (2::smallint, g2_name, g2_relation, g2_note, g2_guardian, g2_sealed)"
        "  ) as g(no, name, relation, note, is_guardian, sealed) where g.name is not null"
    )
    c.execute(
        "insert into identity_document (person_id, doc_no, id_type, sealed, since, readers, klasses)"
        f" select person_id, 1, id_type, id_sealed, begins, {see} from {WORK} where id_sealed is not null"
    )


def _insert_numbers(c: Any, school: SchoolFacts, aux_scheme: str) -> None:
    """The temporary national number, and the auxiliary one where the place gives it."""
    see = f"array[{int(school.county_id)}, {int(school.org_id)}], array_remove(array[class_id], null)"
    c.execute(
        "insert into student_number (person_id, number_no, scheme, prefix, sealed, state, since, reason, event_id, readers,"
        " klasses)"
        " select w.person_id, n.no, n.scheme, n.prefix, n.sealed, 'current', w.begins, '', w.event_id, "
        f"{see} from {WORK} w cross join lateral (values"
        "   (1::smallint, 'national', number_prefix, number_sealed), (2::smallint, %s, '', aux_sealed)"
        "  ) as n(no, scheme, prefix, sealed) where n.sealed is not null",
        [aux_scheme],
    )


def _insert_record(
    c: Any, batch_id: int | None, school: SchoolFacts, who: Any, now: datetime, article: str
) -> None:
    """Event, first link of the chain, roster row and head-counts."""
    place = {
        "county": school.county_id,
        "school": school.org_id,
        "batch": batch_id,
        "now": now,
        "actor": who.user_id,
        "name": who.user_name,
        "article": article[:200],
        "business": _ENROL,
    }
    c.execute(
        "insert into event (person_id, event_id, business, valid_at, recorded_at, county_id, school_id, class_id, actor_id,"
        " actor_name, batch_id, article, reason, detail)"
        " select person_id, event_id, %(business)s, begins, %(now)s, %(county)s, %(school)s, class_id, %(actor)s, %(name)s,"
        f" %(batch)s, %(article)s, '', jsonb_build_object('row', row_no) from {WORK}",
        place,
    )
    c.execute(
        "insert into enrolment_state (person_id, kind, valid_from, from_status, business, status, county_id, school_id,"
        " class_id, stage, cohort_year, class_seat, event_id)"
        " select person_id, 1, begins, 0, %(business)s, 1, %(county)s, %(school)s, class_id, stage, cohort_year, seat, event_id"
        f" from {WORK}",
        place,
    )
    c.execute(
        "insert into roster (county_id, school_id, person_id, kind, reason, since, class_id, stage, cohort_year, class_seat,"
        " status, name, pinyin, initials, pinyin_sort, grams, sex, birth_date, number_prefix, last6, check_state, open_case,"
        " problem)"
        " select %(county)s, %(school)s, person_id, 1, 'enrolled', begins, class_id, stage, cohort_year, seat, 1, name, pinyin,"
        f" initials, pinyin_sort, grams::text[], sex, birth_date, number_prefix, last6, 'unchecked', '', false from {WORK}",
        place,
    )
    hold_counts(c, [place["county"]])
    c.execute(
        "insert into cube_delta (county_id, school_id, day, kind, stage, cohort_year, sex, status, flow, n)"
        " select %(county)s, %(school)s, enrolled_on, 1, stage, cohort_year, sex, 1, %(business)s, count(*)"
        f" from {WORK} group by enrolled_on, stage, cohort_year, sex"
        " on conflict (county_id, school_id, day, kind, stage, cohort_year, sex, status, flow)"
        " do update set n = cube_delta.n + excluded.n",
        place,
    )


def _digest(c: Any) -> bytes:
    """A digest over the digests of all rows, in their order: what the audit entry vouches for."""
    c.execute(
        "select sha256(string_agg(sha256(convert_to(person_id::text || event_id::text || name || sex || birth_date::text"
        " || coalesce(encode(id_bidx, 'hex'), '') || encode(number_bidx, 'hex') || coalesce(class_id::text, '')"
        " || begins::text, 'UTF8')),"
        f" ''::bytea order by row_no)) from {WORK}"
    )
    return bytes(c.fetchone()[0])
