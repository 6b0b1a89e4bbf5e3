"""Rosters and readers: what the schools of a link see of the child, brought along with it."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.standards import names
from xueji.registry.people import commands as people
from xueji.registry.people import places

from ..models import GUEST, REGISTERED
from ..timeline import LEFT, Link
from .chains import links_of
from .headcount import add_to_cube


def correct_roster(person_id: uuid.UUID) -> None:
    """After a correction of name, sex, birth date or identity: bring present rosters and head-counts along.

    Former schools keep what they knew. Needs a transaction; called by the commands that correct.
    """
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select name, pinyin, initials, pinyin_sort, former_name, sex, birth_date, check_state"
            " from person where person_id = %s",
            [person_id],
        )
        name, pinyin, initials, sort, former, sex, birth, check = c.fetchone()
        c.execute(
            "select kind, sex from roster where person_id = %s and reason <> 'former' limit 1", [person_id]
        )
        row = c.fetchone()
        if row is not None and row[1] != sex:
            day = timezone.localdate()
            for kind in (REGISTERED, GUEST):
                # A link that is due and not yet brought along will be counted with the new sex.
                c.execute(
                    "select valid_from from pending_link where person_id = %s and kind = %s",
                    [person_id, kind],
                )
                waiting = {r[0] for r in c.fetchall()}
                links = links_of(c, person_id, kind)
                due = [x for x in links if x.valid_from <= timezone.now() and x.valid_from not in waiting]
                if due:
                    at = due[-1]
                    key = (at.county_id, at.school_id, day, at.kind, at.stage, at.cohort_year)
                    add_to_cube(
                        c,
                        Counter(
                            {
                                (*key, row[1], at.status, "correct" + LEFT): -1,
                                (*key, sex, at.status, "correct"): 1,
                            }
                        ),
                    )
        c.execute(
            "update roster set name = %s, pinyin = %s, initials = %s, pinyin_sort = %s, grams = %s, sex = %s,"
            " birth_date = %s, check_state = %s, last6 = %s, number_prefix = coalesce((select n.prefix from student_number n"
            "  where n.person_id = roster.person_id and n.state = 'current' and n.scheme = 'national'), '')"
            " where person_id = %s and reason <> 'former'",
            [
                name,
                pinyin,
                initials,
                sort,
                grams_of(name, former),
                sex,
                birth,
                check,
                _last6(c, person_id),
                person_id,
            ],
        )


def bring_along(c: Any, before: Link | None, link: Link) -> None:
    """Rosters and readers for a link that is in force; the present school takes over what is under way."""
    upsert_roster(c, link)
    if before is not None and (before.county_id, before.school_id) != (link.county_id, link.school_id):
        c.execute(
            "update roster set reason = 'former', until = %s, open_case = '', problem = false"
            " where county_id = %s and school_id = %s and person_id = %s and kind = %s",
            [link.valid_from, before.county_id, before.school_id, link.person_id, link.kind],
        )
    _rehome(c, link.person_id)


def upsert_roster(c: Any, link: Link) -> None:
    """The present school's row; search keys come from the person, the last-six index from a row that has it."""
    c.execute("select name, former_name from person where person_id = %s", [link.person_id])
    name, former = c.fetchone()
    c.execute(
        "insert into roster (county_id, school_id, person_id, kind, reason, since, until, class_id, stage, cohort_year,"
        "  class_seat, status, name, pinyin, initials, pinyin_sort, grams, sex, birth_date, number_prefix, last6,"
        "  check_state, open_case, problem)"
        " select %(county)s, %(school)s, p.person_id, %(kind)s, %(reason)s, %(since)s, %(until)s, %(class)s, %(stage)s,"
        "  %(cohort)s, %(seat)s, %(status)s, p.name, p.pinyin, p.initials, p.pinyin_sort, %(grams)s, p.sex,"
        "  p.birth_date,"
        "  coalesce((select n.prefix from student_number n where n.person_id = p.person_id and n.state = 'current'"
        "            and n.scheme = 'national'), ''),"
        "  %(last6)s,"
        "  p.check_state,"
        "  coalesce((select r.open_case from roster r where r.person_id = p.person_id and r.open_case <> '' limit 1), ''),"
        "  coalesce((select bool_or(r.problem) from roster r where r.person_id = p.person_id), false)"
        " from person p where p.person_id = %(person)s"
        " on conflict (county_id, school_id, person_id, kind) do update set"
        "  reason = excluded.reason, until = excluded.until, class_id = excluded.class_id, stage = excluded.stage,"
        "  cohort_year = excluded.cohort_year, class_seat = excluded.class_seat, status = excluded.status,"
        "  name = excluded.name, pinyin = excluded.pinyin, initials = excluded.initials,"
        "  pinyin_sort = excluded.pinyin_sort, grams = excluded.grams, sex = excluded.sex,"
        "  birth_date = excluded.birth_date, number_prefix = excluded.number_prefix,"
        "  last6 = excluded.last6, check_state = excluded.check_state,"
        "  since = case when roster.reason = 'former' then excluded.since else roster.since end,"
        "  open_case = case when roster.reason = 'former' then excluded.open_case else roster.open_case end,"
        "  problem = case when roster.reason = 'former' then excluded.problem else roster.problem end",
        {
            "county": link.county_id,
            "school": link.school_id,
            "kind": link.kind,
            "person": link.person_id,
            "reason": _reason(link),
            "since": link.valid_from,
            "until": link.valid_from if _reason(link) == "former" else None,
            "class": link.class_id,
            "stage": link.stage,
            "cohort": link.cohort_year,
            "seat": link.class_seat,
            "status": link.status,
            "grams": grams_of(name, former),
            "last6": _last6(c, link.person_id),
        },
    )


def rebuild_roster(c: Any, person_id: uuid.UUID, kind: int, due: list[Link]) -> None:
    """After a relink: rows of schools that no longer appear become former, the last link's row present."""
    last = due[-1] if due else None
    c.execute(
        "update roster set reason = 'former', until = coalesce(until, %s), open_case = '', problem = false"
        " where person_id = %s and kind = %s and reason <> 'former'"
        + (" and (county_id, school_id) <> (%s, %s)" if last else ""),
        [timezone.now(), person_id, kind, *((last.county_id, last.school_id) if last else ())],
    )
    if last is not None:
        upsert_roster(c, last)
    _rehome(c, person_id)


def grams_of(name: str, former: str) -> list[str]:
    return sorted(set(names.grams(name)) | (set(names.grams(former)) if former else set()))


def _last6(c: Any, person_id: uuid.UUID) -> bytes | None:
    """The blind index of the last six of the identity number in force, by which lists find a child."""
    c.execute(
        "select doc_no, sealed from identity_document where person_id = %s and until is null", [person_id]
    )
    row = c.fetchone()
    if row is None:
        return None
    number = vault.open(row[1], places.document(person_id, row[0]))
    return vault.index("last6", number[-6:].upper())


def _reason(link: Link) -> str:
    """Why the school of a link sees the child; a stay as a guest that is over makes a former school."""
    if link.kind == REGISTERED:
        return "enrolled"
    return "guest" if link.is_open else "former"


def _rehome(c: Any, person_id: uuid.UUID) -> None:
    """Whoever has the child now, registered or as a guest, reads the whole record."""
    c.execute(
        "select array_agg(distinct x.org), array_agg(distinct r.class_id) filter (where r.class_id is not null)"
        " from roster r cross join lateral (values (r.county_id), (r.school_id)) as x(org)"
        " where r.person_id = %s and r.reason in ('enrolled', 'guest')",
        [person_id],
    )
    readers, klasses = c.fetchone()
    people.rehome([person_id], readers=readers or [], klasses=klasses or [])
