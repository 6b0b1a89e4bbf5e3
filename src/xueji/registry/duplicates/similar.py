"""Records that look like one child's: found set-based over the whole database, scored, explained in words (C-DUP-02).

The sound of the name is the key of the search: it is the same for traditional and simplified characters, for rare forms
of one character, for every dot and blank. What is alike is then told apart by the characters. In the writing role only.
"""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.db import connection
from django.utils.translation import gettext_lazy as _

from xueji.ground.paths import data_dir
from xueji.ground.standards.names import DOT

from .near import Near, days_near, plain_cursor

#: From this score on a pair is kept.
LEAST = 70
#: reason -> points. Sex and sound of the name are alike in every pair: the search asks for both.
POINTS = {
    "same_name": 50, "variant_name": 45, "same_sound": 25, "former_name": 40,
    "same_birth": 40, "one_digit": 20, "swapped": 20,
    "same_guardian": 20, "no_papers": 5, "verified_apart": -40,
}  # fmt: skip
WORDS = {
    "same_name": _("姓名相同"),
    "variant_name": _("姓名只差异体字、繁体字、间隔号或空格"),
    "same_sound": _("姓名同音"),
    "former_name": _("与对方的曾用名相同"),
    "same_birth": _("出生日期相同"),
    "one_digit": _("出生日期差一位"),
    "swapped": _("出生日期的月和日对调"),
    "same_guardian": _("家长姓名相同"),
    "no_papers": _("有一方没有证件号"),
    "verified_apart": _("双方的证件都已核验, 号码不同"),
    "same_number": _("证件号码相同"),
    "old_number": _("学籍号相同, 或是对方用过的"),
}


@dataclass(frozen=True)
class Found:
    """Two records and why they look alike."""

    one: uuid.UUID
    other: uuid.UUID
    score: int
    reasons: tuple[str, ...]


@lru_cache(maxsize=1)
def _plain_forms() -> dict[int, str]:
    """Traditional and variant characters of names with the form that they are compared by."""
    with (data_dir("standards") / "name_variants.csv").open(encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        return {ord(row["variant"]): row["form"] for row in csv.DictReader(lines)}


def name_key(name: str) -> str:
    """A name without what people type differently: dots, blanks, case, traditional and variant forms."""
    return name.replace(DOT, "").replace(" ", "").casefold().translate(_plain_forms())


def birth_reason(one: date, other: date) -> str:
    """How two dates of birth are alike; empty when they are not."""
    if one == other:
        return "same_birth"
    a, b = one.isoformat(), other.isoformat()
    if sum(x != y for x, y in zip(a, b, strict=True)) == 1:
        return "one_digit"
    return "swapped" if one.year == other.year and (one.month, one.day) == (other.day, other.month) else ""


def judge(
    name: str,
    birth: date,
    other_name: str,
    other_birth: date,
    *,
    former: bool = False,
    more: Iterable[str] = (),
) -> tuple[int, tuple[str, ...]]:
    """Score and reasons of two children of one sex whose names sound alike (or one bore the other's name)."""
    if former and name != other_name:
        how = "former_name"
    elif name == other_name:
        how = "same_name"
    else:
        how = "variant_name" if name_key(name) == name_key(other_name) else "same_sound"
    day = birth_reason(birth, other_birth)
    if not day:
        return 0, ()
    reasons = (how, day, *more)
    return sum(POINTS[r] for r in reasons), reasons


#: %(ids)b are the records asked about, in binary form as they are thousands; the others come from the whole database. The
#: days like a day of birth are the elements `first` to `last` of one array; each record is one descent into the index.
_SEARCH = """
with t as materialized (
  select person_id, name, pinyin, sex, birth_date, check_state from person
   where person_id = any(%(ids)b::uuid[]) and merged_into is null),
d as materialized (
  select day, (%(near)b::date[])[first:last] as near
    from unnest(%(days)b::date[], %(firsts)b::int[], %(lasts)b::int[]) as x(day, first, last)),
near as materialized (
  select t.*, d.near from t join d on d.day = t.birth_date order by t.pinyin, t.sex),
hits as (
  select t.person_id as one, p.person_id as other, false as former, t.name, t.birth_date, t.check_state,
         p.name as their_name, p.birth_date as their_birth, p.check_state as their_state
    from near t cross join lateral (
      select p.person_id, p.name, p.birth_date, p.check_state from person p
       where p.pinyin = t.pinyin and p.sex = t.sex and p.birth_date = any(t.near)
         and p.merged_into is null and p.person_id <> t.person_id offset 0) p
  union all
  select t.person_id, p.person_id, true, t.name, t.birth_date, t.check_state, p.name, p.birth_date, p.check_state
    from near t join person_name n on n.name = t.name and n.person_id <> t.person_id
    join person p on p.person_id = n.person_id and p.sex = t.sex and p.merged_into is null and p.pinyin <> t.pinyin
     and p.birth_date = any(t.near))
select h.one, h.other, h.former, h.name, h.birth_date, h.their_name, h.their_birth,
       exists (select 1 from guardian g join guardian k on k.name = g.name
                where g.person_id = h.one and k.person_id = h.other),
       not exists (select 1 from identity_document d where d.person_id = h.one and d.until is null)
       or not exists (select 1 from identity_document d where d.person_id = h.other and d.until is null),
       h.check_state = 'passed' and h.their_state = 'passed'
  from hits h
 limit %(most)s
"""
_DAYS = (
    "select distinct birth_date from person where person_id = any(%(ids)b::uuid[]) and merged_into is null"
)


def search(person_ids: Sequence[uuid.UUID], *, most: int = 100_000) -> list[Found]:
    """Pairs of one of these records and any other of the database; two statements. Where a name is so common that
    more than `most` records stand against them, they are asked about by halves: none is left out.
    """
    ids = list(person_ids)
    with plain_cursor(connection) as c:
        days = [row[0] for row in c.execute(_DAYS, {"ids": ids}).fetchall()]
        near = Near(days)
        rows = c.execute(
            _SEARCH,
            {
                "ids": ids,
                "days": days,
                "near": near,
                "firsts": near.firsts,
                "lasts": near.lasts,
                "most": most,
            },
        ).fetchall()
    if len(rows) == most and len(ids) > 1:
        half = len(ids) // 2
        both = {(f.one, f.other): f for part in (ids[:half], ids[half:]) for f in search(part, most=most)}
        return sorted(both.values(), key=_strongest)
    best: dict[tuple[uuid.UUID, uuid.UUID], Found] = {}
    for one, other, former, name, birth, other_name, other_birth, guardian, lacking, apart in rows:
        more = [
            what
            for what, holds in (
                ("same_guardian", guardian), ("no_papers", lacking), ("verified_apart", apart and not lacking)
            )
            if holds
        ]  # fmt: skip
        score, reasons = judge(name, birth, other_name, other_birth, former=former, more=more)
        key = (one, other) if one < other else (other, one)
        if score >= LEAST and (key not in best or best[key].score < score):
            best[key] = Found(*key, min(score, 100), reasons)
    return sorted(best.values(), key=_strongest)


def _strongest(found: Found) -> tuple[int, uuid.UUID, uuid.UUID]:
    return -found.score, found.one, found.other


def search_one(name: str, pinyin: str, sex: str, birth: date, *, most: int = 50) -> list[Found]:
    """Records that a child about to be entered may have already; `one` of the answer is nobody's key."""
    nobody = uuid.UUID(int=0)
    with connection.cursor() as c:
        c.execute(
            "with t as (select %(name)s::text as name, %(pinyin)s::text as pinyin, %(sex)s::text as sex,"
            "  %(birth)s::date as birth_date)"
            " select p.person_id, p.name, p.birth_date, false from t join person p on p.pinyin = t.pinyin"
            "   and p.sex = t.sex and p.merged_into is null and p.birth_date = any(%(near)s::date[])"
            " union all select p.person_id, p.name, p.birth_date, true from t join person_name n on n.name = t.name"
            "   join person p on p.person_id = n.person_id and p.sex = t.sex and p.merged_into is null"
            "   and p.birth_date = any(%(near)s::date[])"
            " limit 500",
            {"name": name, "pinyin": pinyin, "sex": sex, "birth": birth, "near": list(days_near(birth))},
        )
        rows = c.fetchall()
    best: dict[uuid.UUID, Found] = {}
    for person, other_name, other_birth, former in rows:
        score, reasons = judge(name, birth, other_name, other_birth, former=former)
        if score >= LEAST - 10 and (person not in best or best[person].score < score):
            best[person] = Found(nobody, person, min(score, 100), reasons)
    return sorted(best.values(), key=lambda f: -f.score)[:most]


def in_words(reasons: Sequence[str]) -> str:
    """Why two records look alike, as a sentence."""
    return ", ".join(str(WORDS[r]) for r in reasons)
