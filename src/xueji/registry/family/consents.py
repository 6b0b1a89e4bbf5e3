"""Consent to what the law does not order: asked one by one, given, refused and withdrawn with the same ease, effective at once.

个人信息保护法 13(1), 14, 15, 16 (refusing blocks nothing), 29, 31, 47 (what was collected by consent is deleted with it);
未成年人网络保护条例 32. What the school must collect by law (13(3)) is not asked here.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.models import PortalLink
from xueji.ground.accounts.roles import Role
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.notice.drafts import renewed
from xueji.ground.standards.codes import read_rows
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import REGISTERED, EnrolmentState
from xueji.registry.people import commands as people
from xueji.registry.people.models import Guardian, Person

from .errors import FamilyError
from .models import Consent
from .sight import age

GUARDIAN, PUPIL = "guardian", "pupil"
GIVEN, REFUSED, WITHDRAWN, UNASKED = "given", "refused", "withdrawn", "unasked"


@dataclass(frozen=True)
class Question:
    """One line of `standards/consents.csv`: what is asked, which fields hang on it, whose answer counts at which age."""

    code: str
    version: str
    title: str
    text: str
    fields: tuple[str, ...]
    under14: str
    from14: str
    from18: str
    withdrawn: str

    def asked(self, years: int) -> frozenset[str]:
        """Whose answer counts: guardians', the pupil's, both; nobody's: not asked at this age."""
        word = self.under14 if years < 14 else self.from14 if years < 18 else self.from18
        return frozenset((GUARDIAN, PUPIL)) if word == "both" else frozenset(filter(None, (word,)))


@dataclass(frozen=True)
class Standing:
    """How a question stands for a child: whether it holds, and what was said by whom."""

    question: Question
    asked: frozenset[str]
    holds: bool
    answers: tuple[tuple[int | None, str, datetime], ...] = ()

    @property
    def open(self) -> bool:
        """Whether an answer to this version is missing."""
        return bool(self.asked) and not self.answers

    @property
    def word(self) -> str:
        """In one word for lists."""
        if self.holds:
            return _("同意")
        return _("没有答复") if self.open else _("不同意")

    @property
    def tone(self) -> str:
        """Colour of the badge."""
        return "green" if self.holds else "grey" if self.open else "amber"

    def own(self, guardian_no: int | None) -> str:
        """What this party said to the present version."""
        return next((a for no, a, _at in self.answers if no == guardian_no), UNASKED)


@lru_cache(maxsize=1)
def questions() -> dict[str, Question]:
    """Every question by code, in the order of the file."""
    found = {}
    for r in read_rows("consents.csv"):
        found[r["code"]] = Question(
            code=r["code"],
            version=r["version"],
            title=r["title"],
            text=r["text"],
            fields=tuple(x for x in r["fields"].split("|") if x),
            under14=r["under14"],
            from14=r["from14"],
            from18=r["from18"],
            withdrawn=r["withdrawn"],
        )
    return found


def asked_now(day: date | None = None) -> dict[str, Question]:
    """The questions as they are asked on a day: a version of the privacy notice that changes what a question rests on
    asks it anew (个人信息保护法 14). One query.
    """
    anew = renewed(day)
    return {
        code: replace(q, version=f"{q.version}/{anew[code]}") if code in anew else q
        for code, q in questions().items()
    }


def standings(
    person_ids: Sequence[uuid.UUID], day: date | None = None
) -> dict[uuid.UUID, dict[str, Standing]]:
    """How every question stands for these children, in three statements. The caller has asked who may see them.

    Answers of a guardian who may not see the child any more do not count; one guardian's no outweighs another's yes.
    """
    day = day or timezone.localdate()
    wanted = list(person_ids)[:1000]
    asked = asked_now(day)
    with acting("writer"):
        births = dict(Person.objects.filter(pk__in=wanted).values_list("pk", "birth_date"))
        with connection.cursor() as c:
            c.execute(
                "select * from (select distinct on (person_id, code, guardian_no) person_id, code, version,"
                " guardian_no, answer, at from consent where person_id = any(%s::uuid[])"
                " order by person_id, code, guardian_no, id desc) x"
                " where guardian_no is null or xueji_sight(person_id, guardian_no, %s) > 0",
                [wanted, day],
            )
            said: dict[tuple[uuid.UUID, str], list[tuple[int | None, str, str, datetime]]] = defaultdict(list)
            for person_id, code, version, no, answer_, at in c.fetchall():
                said[person_id, code].append((no, answer_, version, at))
    return {
        p: {
            code: _standing(q, age(births[p], day), said[p, code])
            for code, q in asked.items()
        }
        for p in wanted
        if p in births
    }  # fmt: skip


def _standing(q: Question, years: int, said: list[tuple[int | None, str, str, datetime]]) -> Standing:
    asked = q.asked(years)
    now = tuple(
        (no, answer_, at)
        for no, answer_, version, at in said
        if version == q.version and (PUPIL if no is None else GUARDIAN) in asked
    )

    def agreed(party: str) -> bool:
        theirs = [a for no, a, _at in now if (PUPIL if no is None else GUARDIAN) == party]
        return bool(theirs) and all(a == GIVEN for a in theirs)

    return Standing(q, asked, bool(asked) and all(agreed(p) for p in asked), now)


def holds(person_id: uuid.UUID, code: str) -> bool:
    """Whether there is consent to one thing today. Whoever uses a photo or a telephone asks here first."""
    return standings([person_id])[person_id][code].holds


def of_family(actor: Any, person_id: uuid.UUID) -> tuple[list[Standing], int | None]:
    """The questions to this family at the child's age, and which guardian the actor is. Raises Http404."""
    no = party_of(actor, person_id)
    found = standings([person_id]).get(person_id, {})
    return [s for s in found.values() if s.asked], no


def party_of(actor: Any, person_id: uuid.UUID) -> int | None:
    """Which guardian of the child the actor is; None: the child itself. Raises PermissionDenied, Http404."""
    if not actor.is_portal:
        raise PermissionDenied
    if person_id not in actor.persons:
        raise Http404
    if actor.role == Role.STUDENT:
        return None
    link = (
        PortalLink.objects.filter(user_id=actor.user_id, person_id=person_id, guardian_no__isnull=False)
        .order_by("-id")
        .first()
    )
    if link is None:
        raise Http404
    return link.guardian_no


def answer(actor: Any, person_id: uuid.UUID, code: str, *, agreed: bool) -> Standing:
    """A guardian or the pupil says yes or no; effective at once. Raises PermissionDenied, Http404, `FamilyError`.

    A no after a yes is a withdrawal: what was collected by that consent alone is deleted in the same transaction.
    """
    no = party_of(actor, person_id)
    if code not in questions():
        raise Http404
    with transaction.atomic():
        with acting("writer"):
            Person.objects.select_for_update(no_key=True).get(pk=person_id)
        before = standings([person_id])[person_id][code]
        if (PUPIL if no is None else GUARDIAN) not in before.asked:
            raise FamilyError(
                _("这一项现在由学生本人决定") if no is not None else _("不满14周岁, 这一项由监护人决定")
            )
        word = GIVEN if agreed else WITHDRAWN if before.own(no) == GIVEN else REFUSED
        with acting("writer"):
            where = (
                EnrolmentState.objects.filter(
                    person_id=person_id, kind=REGISTERED, valid_from__lte=timezone.now()
                )
                .order_by("-valid_from")
                .first()
            )
            Consent.objects.create(
                person_id=person_id,
                code=code,
                version=before.question.version,
                guardian_no=no,
                answer=word,
                school_id=where.school_id if where is not None else 0,
                user_id=actor.user_id,
                user_name=actor.user_name[:50],
                address=actor.address[:45],
            )
        after = standings([person_id])[person_id]
        with acting("writer"):
            people.withhold(person_id, refused_fields(after))
        record(
            actor,
            "family.consent",
            object_type="consent",
            object_id=code,
            person_id=person_id,
            before={"holds": before.holds},
            after={"answer": word, "version": before.question.version, "guardian_no": no},
        )
    return after[code]


def refused_fields(found: dict[str, Standing]) -> list[str]:
    """Fields to which somebody whose answer counts said no; silence is not a no: the paper form may have said yes."""
    return sorted({f for s in found.values() if not s.holds and not s.open for f in s.question.fields})


@dataclass(frozen=True)
class Line:
    """A child of a class with its answers, for the school's list."""

    name: str
    person_id: uuid.UUID
    standings: tuple[Standing, ...]


def of_class(actor: Any, class_id: int) -> list[Line]:
    """Who of a class agreed to what. Raises PermissionDenied; an empty list for a class out of scope."""
    actor.require("consent.view")
    rows = [r for r in enrolment.rows_of_class(actor, class_id) if r.reason == "enrolled"]
    found = standings([r.person_id for r in rows])
    return [Line(r.name, r.person_id, tuple(found[r.person_id].values())) for r in rows]


def history(person_id: uuid.UUID, limit: int = 50) -> list[Consent]:
    """Every answer about a child, newest first; the caller has asked who may see it."""
    with acting("writer"):
        return list(Consent.objects.filter(person_id=person_id).order_by("-id")[:limit])


def whose(person_id: uuid.UUID) -> dict[int, str]:
    """Names of the guardians by number, for lists of answers."""
    with acting("writer"):
        return dict(Guardian.objects.filter(person_id=person_id).values_list("guardian_no", "name"))
