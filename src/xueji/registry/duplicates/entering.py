"""Who a child may be already, for the rooms in which a record is made or a key fact changed by hand (C-DUP-02).

The same search as a check of many records, for one. In a writing role only: the answer says of each record whether a
school may see it; of others it holds the school and its telephone and nothing else.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from xueji.ground.standards.pinyin import pinyin_of
from xueji.registry.people import queries as people

from . import similar
from .models import Pair, PairState

#: More than these are not told at once: the strongest come first, the others when these are dealt with.
MOST = 5


@dataclass(frozen=True)
class Facts:
    """What a record says, or will say, of a child; `number` only where it is new."""

    name: str
    sex: str
    birth_date: date
    number: str = ""
    papers: bool = True


@dataclass(frozen=True)
class Likely:
    """A record that may be the child's. `name` and `birth_date` are empty where the school may not see it."""

    person_id: uuid.UUID
    seen: bool
    school: str
    phone: str
    name: str
    birth_date: date | None
    reasons: tuple[str, ...]

    @property
    def words(self) -> str:
        """One sentence; how near a guess came is not told of a child out of sight."""
        if self.seen:
            return _("%(school)s的%(name)s(%(born)s 出生): %(why)s") % {
                "school": self.school,
                "name": self.name,
                "born": self.birth_date,
                "why": similar.in_words(self.reasons),
            }
        exact = [r for r in self.reasons if r in ("same_number", "old_number")]
        return _("%(school)s的一名学生: %(why)s%(phone)s") % {
            "school": self.school,
            "why": similar.in_words(exact) or _("姓名、性别、出生日期相同或相近"),
            "phone": _("。学校电话 %s") % self.phone if self.phone else "",
        }


def likely(
    school_id: int,
    child: Facts,
    *,
    but: Collection[uuid.UUID] = (),
    before: Facts | None = None,
) -> list[Likely]:
    """Records that look like this child's, the strongest first, at most `MOST`. Without `but`, the child's own records.

    For a change, `before` is what the record said: whoever it looked like already is not told again, nor is who was
    found to be another child. A fixed number of statements.
    """
    scores: dict[uuid.UUID, tuple[int, tuple[str, ...]]] = _alike(child)
    if before is not None:
        for person, (score, _reasons) in _alike(before).items():
            if person in scores and score >= scores[person][0]:
                del scores[person]
    if child.number:
        for person, reason in people.find_everywhere(child.number):
            score, reasons = scores.get(person, (0, ()))
            scores[person] = (100 + score, (reason, *reasons))
    for person in [*but, *_apart(but)]:
        scores.pop(person, None)
    strongest = sorted(scores, key=lambda p: (-scores[p][0], p))[:MOST]
    return _told(school_id, strongest, {p: scores[p][1] for p in strongest})


def _alike(child: Facts) -> dict[uuid.UUID, tuple[int, tuple[str, ...]]]:
    lacking = 0 if child.papers else similar.POINTS["no_papers"]
    found = similar.search_one(child.name, pinyin_of(child.name).full, child.sex, child.birth_date)
    return {
        f.other: (f.score, f.reasons if child.papers else (*f.reasons, "no_papers"))
        for f in found
        if f.score + lacking >= similar.LEAST
    }


def _apart(persons: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Who was decided to be another child than one of these."""
    mine = list(persons)
    if not mine:
        return []
    rows = Pair.objects.filter(Q(first__in=mine) | Q(second__in=mine), state=PairState.DIFFERENT)
    return [p for pair in rows.values_list("first", "second") for p in pair if p not in mine]


def _told(
    school_id: int, persons: Sequence[uuid.UUID], reasons: dict[uuid.UUID, tuple[str, ...]]
) -> list[Likely]:
    if not persons:
        return []
    with connection.cursor() as c:
        c.execute(
            "select p.person_id, %s = any(p.readers), p.name, p.birth_date, o.name, coalesce(o.phone, '') from person p"
            " left join enrolment_state e on e.person_id = p.person_id and e.kind = 1 and e.valid_to is null"
            " left join org o on o.id = e.school_id where p.person_id = any(%s::uuid[])",
            [school_id, list(persons)],
        )
        rows = {row[0]: row[1:] for row in c.fetchall()}
    out = []
    for person in persons:
        seen, name, born, school, phone = rows[person]
        out.append(
            Likely(
                person_id=person,
                seen=seen,
                school=school or _("不在任何学校"),
                phone="" if seen else phone,
                name=name if seen else "",
                birth_date=born if seen else None,
                reasons=reasons[person],
            )
        )
    return out
