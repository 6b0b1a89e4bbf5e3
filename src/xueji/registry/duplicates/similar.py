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
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from xueji.ground.paths import data_dir
from xueji.ground.standards.names import DOT

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
    a, b = f"{one:%Y%m%d}", f"{other:%Y%m%d}"
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


#: Days that may differ in one digit: the difference of the numbers YYYYMMDD is one digit and zeros.
_NEAR = (
    "(p.birth_date = t.birth_date or abs(to_char(p.birth_date, 'YYYYMMDD')::int - to_char(t.birth_date, 'YYYYMMDD')::int)"
    " = any(%(steps)s) or (extract(year from p.birth_date) = extract(year from t.birth_date)"
    " and extract(month from p.birth_date) = extract(day from t.birth_date)"
    " and extract(day from p.birth_date) = extract(month from t.birth_date)))"
)
_STEPS = [d * 10**k for k in range(8) for d in range(1, 10)]
#: %(ids)s are the records asked about; the others come from the whole database. One statement for any number of records.
_SEARCH = f"""
with t as materialized (
  select person_id, name, pinyin, sex, birth_date, check_state from person
   where person_id = any(%(ids)s::uuid[]) and merged_into is null),
hits as (
  select t.person_id as one, p.person_id as other, false as former from t join person p
      on p.pinyin = t.pinyin and p.sex = t.sex and p.person_id <> t.person_id and p.merged_into is null
     and {_NEAR}
  union all
  select t.person_id, p.person_id, true from t join person_name n on n.name = t.name and n.person_id <> t.person_id
    join person p on p.person_id = n.person_id and p.sex = t.sex and p.merged_into is null and p.pinyin <> t.pinyin
     and {_NEAR})
select h.one, h.other, h.former, t.name, t.birth_date, p.name, p.birth_date,
       exists (select 1 from guardian g join guardian k on k.name = g.name
                where g.person_id = h.one and k.person_id = h.other),
       not exists (select 1 from identity_document d where d.person_id = h.one and d.until is null)
       or not exists (select 1 from identity_document d where d.person_id = h.other and d.until is null),
       t.check_state = 'passed' and p.check_state = 'passed'
  from hits h join t on t.person_id = h.one join person p on p.person_id = h.other
 limit %(most)s
"""


def search(person_ids: Sequence[uuid.UUID], *, most: int = 20000) -> list[Found]:
    """Pairs of one of these records and any other of the database; one statement."""
    with connection.cursor() as c:
        c.execute(_SEARCH, {"ids": list(person_ids), "steps": _STEPS, "most": most})
        rows = c.fetchall()
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
    return sorted(best.values(), key=lambda f: (-f.score, f.one, f.other))


def search_one(name: str, pinyin: str, sex: str, birth: date, *, most: int = 50) -> list[Found]:
    """Records that a child about to be entered may have already; `one` of the answer is nobody's key."""
    nobody = uuid.UUID(int=0)
    with connection.cursor() as c:
        c.execute(
            "with t as (select %(name)s::text as name, %(pinyin)s::text as pinyin, %(sex)s::text as sex,"
            "  %(birth)s::date as birth_date)"
            " select p.person_id, p.name, p.birth_date, false from t join person p on p.pinyin = t.pinyin"
            f"   and p.sex = t.sex and p.merged_into is null and {_NEAR}"
            " union all select p.person_id, p.name, p.birth_date, true from t join person_name n on n.name = t.name"
            f"   join person p on p.person_id = n.person_id and p.sex = t.sex and p.merged_into is null and {_NEAR}"
            " limit 500",
            {"name": name, "pinyin": pinyin, "sex": sex, "birth": birth, "steps": _STEPS},
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


def places_of(person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int, str]]:
    """School, authority and its path of each record that has a registered chain; one query."""
    with connection.cursor() as c:
        c.execute(
            "select e.person_id, e.school_id, e.county_id, k.path from enrolment_state e join org k on k.id = e.county_id"
            " where e.person_id = any(%s::uuid[]) and e.kind = 1 and e.valid_to is null",
            [list(person_ids)],
        )
        found: dict[uuid.UUID, Any] = {row[0]: row[1:] for row in c.fetchall()}
        return found
