"""From staging into the record, set-based: one transaction, a fixed number of statements for any number of rows.

A big batch comes in parts, each of them such a transaction (`parts`).

Runs in the role `intake`. Everything is inserted from one analysed work table that carries the new keys, never by
joining rows that the same transaction has just written: those have no statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.policy.model import NumberScheme
from xueji.registry.enrolment.commands import hold_counts
from xueji.registry.people import places as vault_places
from xueji.registry.people.commands import propose_temporary

from . import auxiliary
from .auxiliary import AUX
from .auxiliary import WORK as WORK
from .errors import IntakeError
from .picked import Rows
from .places import SchoolFacts
from .staging import on_record

_ENROL = "enrol"
#: What several statements read, in this order: fixed widths first, so that no reader walks over texts to reach a key.
COPIED = (
    "person_id", "event_id", "row_no", "cohort_year", "birth_date", "sex", "stage", "name", "id_bidx", "number_bidx", "pinyin",
    "initials", "pinyin_sort", "grams", "number_prefix", "number_sealed", "last6", "id_type", "id_sealed", "ethnicity",
    "nationality", "former_name", "aux_sealed", "aux_bidx",
)  # fmt: skip
#: What one statement alone reads, the greater part of a row: read where it is staged, not copied.
FORM = (
    "profile", "profile_sealed", "g1_name", "g1_relation", "g1_note", "g1_guardian", "g1_sealed", "g2_name", "g2_relation",
    "g2_note", "g2_guardian", "g2_sealed",
)  # fmt: skip


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
    rows: Rows, school: SchoolFacts, who: Any, now: datetime, article: str, scheme: NumberScheme | None
) -> Published:
    """Publish every one of the rows that may be. Raises `Conflict`; nothing remains then but what the caller rolls
    back.
    """
    with connection.cursor() as c:
        _hold(c, rows, school)
        classes = _create_classes(c, rows, school)
        published = _make_work(c, rows, school)
        if not published:
            raise IntakeError(_("没有可以发布的行"))
        digest = enter_work(c, school, who, now, article, scheme, rows)
        c.execute(
            f"delete from staged_row s using {WORK} w where s.batch_id = %(batch)s and s.row_no = w.row_no"
            f" and {rows.cohorts_of('s')}",
            rows.where()[1],
        )
        c.execute(f"drop table {WORK}")
    return Published(published, classes, digest)


def _hold(c: Any, rows: Rows, school: SchoolFacts) -> None:
    """Publications of one school follow each other, seats and classes are counted; parts of a batch go side by side, as
    a part has whole cohorts.
    """
    if not rows.cohorts:
        c.execute("select pg_advisory_xact_lock(7310010, %s)", [school.org_id])
        return
    c.execute("select pg_advisory_xact_lock_shared(7310010, %s)", [school.org_id])
    c.execute(
        "select pg_advisory_xact_lock(hashtextextended('intake.cohort:' || x.name, 0))"
        " from (select unnest(%s::text[]) as name order by 1) x",
        [[f"{school.org_id}:{stage}{year}" for stage, year in rows.cohorts]],
    )


def enter_work(
    c: Any, school: SchoolFacts, who: Any, now: datetime, article: str, scheme: NumberScheme | None,
    rows: Rows | None = None,
) -> bytes:  # fmt: skip
    """Put everybody of the work table on record: identities and numbers claimed, person, papers, first link, head-counts.

    `WORK` stands and is analysed, with `COPIED`, class_id, begins, enrolled_on and seat; a child without class waits
    for one (待分班). The rest of the form stands in the batch's staged rows; without a batch in `WORK` too (`FORM`). In
    the role `intake`. Returns the digest for the audit; raises `Conflict`, `IntakeError`.
    """
    aux = scheme.id if scheme else "province.auxiliary"
    c.execute(f"select count(*), count(id_bidx) from {WORK}")
    everybody, with_papers = c.fetchone()
    _claim_identities(c, everybody, with_papers)
    numbered = auxiliary.gather(c)
    if scheme is not None:
        numbered += auxiliary.number(c, school, scheme)
    _insert_people(c, rows, school, now)
    _claim_numbers(c, school, aux, everybody, numbered)
    _insert_numbers(c, school, aux)
    _insert_record(c, rows.batch_id if rows else None, school, who, now, article)
    c.execute(f"drop table {AUX}")
    return _digest(c)


def _create_classes(c: Any, rows: Rows, school: SchoolFacts) -> int:
    """Classes that rows name and the school does not have yet, their keys in the order of their numbers."""
    where, values = rows.where()
    c.execute(
        "insert into school_class (school_id, stage, cohort_year, number, alias, capacity, class_type)"
        " select %(school)s::int, x.stage, x.cohort_year, x.class_number, '', 45, '' from ("
        f"  select distinct s.stage, s.cohort_year, s.class_number from staged_row s where {where}) x"
        " order by x.stage, x.cohort_year, x.class_number"
        " on conflict (school_id, stage, cohort_year, number) do nothing",
        values | {"school": school.org_id},
    )
    return int(c.rowcount)


def _make_work(c: Any, rows: Rows, school: SchoolFacts) -> int:
    """The work table: keys, class, seat and first moment of every row that is published."""
    columns = ", ".join(f"s.{name}" for name in COPIED)
    where, values = rows.where()
    # Classes first, given back as values: of fresh classes there are no statistics, and a plan for one class would read
    # the staging once for each.
    c.execute(
        "select k.id, k.stage, k.cohort_year, k.number, coalesce((select max(r.class_seat) from roster r"
        "   where r.class_id = k.id and r.reason <> 'former' and r.status <> 18), 0)"
        f" from school_class k where k.school_id = %(school)s and {rows.cohorts_of('k')} order by k.id",
        values | {"school": school.org_id},
    )
    classes = list(zip(*c.fetchall(), strict=True)) or [()] * 5
    c.execute(
        f"create temp table {WORK} on commit drop as"
        " select (s.enrolled_on::timestamp at time zone 'Asia/Shanghai') as begins, s.enrolled_on, k.id as class_id,"
        "   coalesce(s.class_seat, greatest(k.top, max(s.class_seat) over (partition by k.id), 0)"
        "     + row_number() over (partition by k.id, s.class_seat is null order by s.row_no))::smallint as seat,"
        f"   {columns} from staged_row s"
        " join unnest(%(k_id)s::int[], %(k_stage)s::text[], %(k_year)s::int[], %(k_number)s::int[], %(k_top)s::int[])"
        "   as k(id, stage, cohort_year, number, top) on k.stage = s.stage and k.cohort_year = s.cohort_year"
        f"   and k.number = s.class_number where {where}",
        values
        | dict(zip(("k_id", "k_stage", "k_year", "k_number", "k_top"), map(list, classes), strict=True)),
    )
    published = int(c.rowcount)
    # Only what later statements join or group by, and of a sample that is enough for them: the wide sealed columns and
    # the usual thirty thousand rows would cost seconds.
    c.execute("set local default_statistics_target = 10")
    c.execute(
        f"analyze {WORK} (row_no, person_id, stage, cohort_year, class_id, name, birth_date, id_bidx, number_bidx)"
    )
    return published


def _claim_identities(c: Any, everybody: int, with_papers: int) -> None:
    """The lookup's primary key decides between two who publish the same child; ordered, so that nobody deadlocks."""
    c.execute(
        "insert into identity_lookup (id_type, bidx, person_id, doc_no)"
        f" select id_type, id_bidx, person_id, 1 from {WORK} where id_bidx is not null order by id_type, id_bidx"
        " on conflict (id_type, bidx) do nothing"
    )
    if c.rowcount != with_papers:
        c.execute(
            f"select w.row_no from {WORK} w join identity_lookup l on l.id_type = w.id_type and l.bidx = w.id_bidx"
            " where l.person_id <> w.person_id order by w.row_no"
        )
        raise Conflict([row[0] for row in c.fetchall()])
    if everybody == with_papers:
        return
    c.execute(
        f"select w.row_no from {WORK} w join person p on p.name = w.name and p.birth_date = w.birth_date and p.sex = w.sex"
        f" where w.id_bidx is null and p.merged_into is null and {on_record('p')} order by w.row_no"
    )
    if found := [row[0] for row in c.fetchall()]:
        raise Conflict(found)


def _claim_numbers(c: Any, school: SchoolFacts, aux_scheme: str, wanted: int, numbered: int) -> None:
    """Numbers are claimed once and never given again; a temporary number that met another is drawn anew."""
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
        f" select %s, bidx, person_id, 2 from {AUX} order by bidx"
        " on conflict (scheme, bidx) do nothing",
        [aux_scheme],
    )
    if c.rowcount != numbered:
        c.execute(
            f"select w.row_no from {WORK} w join {AUX} a on a.person_id = w.person_id where not exists (select 1"
            " from number_lookup l where l.scheme = %s and l.bidx = a.bidx and l.person_id = a.person_id)"
            " order by 1 limit 20",
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


def _insert_people(c: Any, rows: Rows | None, school: SchoolFacts, now: datetime) -> None:
    """Person, the rest of the form, family and papers."""
    see = f"array[{int(school.county_id)}, {int(school.org_id)}], array_remove(array[w.class_id], null)"
    form = f"{WORK} f on f.row_no = w.row_no"
    values: dict[str, Any] = {}
    if rows is not None:
        values = rows.where()[1]
        form = (
            f"staged_row f on f.batch_id = {rows.batch_id:d} and f.row_no = w.row_no"
            f" and {rows.cohorts_of('f')}"
        )
    c.execute(
        "insert into person (person_id, name, pinyin, initials, pinyin_sort, former_name, sex, birth_date, ethnicity,"
        " nationality, check_state, version, created_at, readers, klasses)"
        " select person_id, name, pinyin, initials, pinyin_sort, coalesce(former_name, ''), sex, birth_date,"
        f" coalesce(ethnicity, ''), coalesce(nationality, 'CHN'), 'unchecked', 1, %s, {see} from {WORK} w",
        [now],
    )
    c.execute(
        "insert into person_profile (person_id, data, sealed, readers, klasses)"
        f" select w.person_id, f.profile, f.profile_sealed, {see} from {WORK} w join {form}",
        values,
    )
    c.execute(
        "insert into guardian (person_id, guardian_no, name, relation, relation_note, is_guardian, sealed, since, readers,"
        " klasses)"
        " select w.person_id, g.no, g.name, coalesce(g.relation, '9'), coalesce(g.note, ''), coalesce(g.is_guardian, false),"
        f"  g.sealed, w.enrolled_on, {see} from {WORK} w join {form} cross join lateral (values"
        "   (1::smallint, f.g1_name, f.g1_relation, f.g1_note, f.g1_guardian, f.g1_sealed),"
        "   (2::smallint, f.g2_name, f.g2_relation, f.g2_note, f.g2_guardian, f.g2_sealed)"
        "  ) as g(no, name, relation, note, is_guardian, sealed) where g.name is not null",
        values,
    )
    c.execute(
        "insert into identity_document (person_id, doc_no, id_type, sealed, since, readers, klasses)"
        f" select person_id, 1, id_type, id_sealed, begins, {see} from {WORK} w where id_sealed is not null"
    )


def _insert_numbers(c: Any, school: SchoolFacts, aux_scheme: str) -> None:
    """The temporary national number, and the auxiliary one where the place gives it."""
    see = f"array[{int(school.county_id)}, {int(school.org_id)}], array_remove(array[w.class_id], null)"
    into = (
        "insert into student_number (person_id, number_no, scheme, prefix, sealed, state, since, reason, event_id,"
        " readers, klasses)"
    )
    c.execute(
        f"{into} select person_id, 1, 'national', number_prefix, number_sealed, 'current', begins, '', event_id, {see}"
        f" from {WORK} w"
    )
    c.execute(
        f"{into} select w.person_id, 2, %s, '', a.sealed, 'current', w.begins, '', w.event_id, {see}"
        f" from {AUX} a join {WORK} w on w.person_id = a.person_id",
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
    # The keys that wait for the commit are checked now, so that whoever counts next need not wait for it.
    c.execute("set constraints all immediate")
    c.execute("set constraints all deferred")
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
