"""Reading promises, trainings, authorisations and verifications."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from xueji.ground.accounts import queries as accounts
from xueji.ground.accounts.actor import Actor, today
from xueji.ground.accounts.models import RoleAssignment
from xueji.ground.accounts.roles import Role
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy import places

from . import words
from .models import (
    Authorisation,
    AuthorisationState,
    DutyRule,
    RecordEdit,
    Training,
    Undertaking,
    UndertakingText,
    Verification,
)

#: So many days before the end of its validity, the home page reminds.
REMIND_DAYS = 30


@dataclass(frozen=True)
class Text:
    """The words that somebody has to sign; version 0 is built in."""

    text_id: int | None
    version: int
    body: str

    @property
    def lines(self) -> list[str]:
        """Its paragraphs."""
        return self.body.splitlines()


@dataclass(frozen=True)
class Standing:
    """Where somebody stands: what was signed and taken, until when it holds, what is missing."""

    required: bool
    months: int
    signed_on: date | None
    trained_on: date | None

    @property
    def signed_until(self) -> date | None:
        """Last day of the promise."""
        return _last(self.signed_on, self.months)

    @property
    def trained_until(self) -> date | None:
        """Last day of the training."""
        return _last(self.trained_on, self.months)

    @property
    def done(self) -> bool:
        """Whether both hold."""
        return self.signed_on is not None and self.trained_on is not None

    @property
    def due(self) -> date | None:
        """When the first of the two ends."""
        ends = [d for d in (self.signed_until, self.trained_until) if d]
        return min(ends) if ends and self.done else None

    @property
    def soon(self) -> bool:
        """Whether one of the two ends within a month."""
        return self.due is not None and self.due - today() <= timedelta(days=REMIND_DAYS)


def _last(start: date | None, months: int) -> date | None:
    if start is None:
        return None
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    for day in (start.day, 30, 29, 28):
        try:
            return date(year, month + 1, day) - timedelta(days=1)
        except ValueError:
            continue
    return None


def text_of(user_id: int) -> Text:
    """The words that an account has to sign now; two queries at most."""
    with connection.cursor() as c:
        c.execute("select xueji_duty_text(%s)", [user_id])
        found = c.fetchone()[0]
    return text(found)


def text(text_id: int | None) -> Text:
    """A version of the words; None is the built-in one."""
    if text_id is None:
        return Text(None, 0, str(words.UNDERTAKING))
    row = UndertakingText.objects.get(pk=text_id)
    return Text(row.pk, row.version, row.body)


#: How somebody stands, as `Standing` takes it.
STANDING = (
    "select %(role)s = any(r.roles), r.months, d.signed_on, d.trained_on from duty_rule r"
    " left join xueji_duty_days(%(user)s, %(today)s) d on true where r.id = 1"
)
#: How many requests for authorisation wait for the head of a unit.
WAITING = (
    "select count(*) from authorisation where org_id = %(org)s and state = 'asked' and until >= %(today)s"
)


def standing(actor: Actor) -> Standing:
    """How the actor stands; one query."""
    with connection.cursor() as c:
        c.execute(STANDING, {"role": actor.role, "user": actor.user_id, "today": today()})
        row = c.fetchone()
    return Standing(*row)


def done(actor: Actor) -> bool:
    """Whether the actor may see what is sensitive (asked again before a value is shown in full); one query."""
    with connection.cursor() as c:
        c.execute("select xueji_duty_done(%s, %s, %s)", [actor.user_id, actor.role, today()])
        return bool(c.fetchone()[0])


def last_signed(user_id: int) -> Undertaking | None:
    """The promise that an account signed last."""
    return Undertaking.objects.filter(user_id=user_id).order_by("-pk").first()


def trainings(user_id: int) -> list[Training]:
    """The last twenty trainings of an account."""
    return list(Training.objects.filter(user_id=user_id).order_by("-done_on", "-pk")[:20])


def rule() -> DutyRule:
    """Who must, and for how long."""
    return DutyRule.objects.get(pk=1)


@dataclass(frozen=True)
class Person:
    """Somebody of the unit in the register."""

    user_id: int
    name: str
    org_name: str
    roles: str
    standing: Standing

    @property
    def state(self) -> str:
        """`done`, `soon` (ends within a month), `missing`."""
        if not self.standing.done:
            return "missing"
        return "soon" if self.standing.soon else "done"


_REGISTER = """
  select u.id, u.display_name, coalesce(o.name, ''), array_agg(distinct ra.role::text), r.months, d.signed_on,
         d.trained_on
    from duty_rule r
    join role_assignment ra on ra.role = any(r.roles)
    join account_user u on u.id = ra.user_id and u.is_active
    left join org o on o.id = u.home_org_id
    cross join lateral xueji_duty_days(u.id, %(day)s) d
   where r.id = 1 and ra.valid_from <= %(day)s and (ra.valid_to is null or ra.valid_to >= %(day)s)
     and {unit} {more}
   group by u.id, u.display_name, o.name, o.path, r.months, d.signed_on, d.trained_on
   order by (d.signed_on is not null and d.trained_on is not null), o.path, u.id
"""


def _all_accounts() -> AbstractContextManager[None]:
    """Accounts of the units below are read past their own policy; each statement names the actor's unit."""
    return acting("writer")


def _unit(actor: Actor) -> str:
    """Staff of the actor's unit: a school's own; an authority's and all below it."""
    return "u.home_org_id = %(org)s" if actor.org_kind == "school" else "o.path like %(path)s"


def register(actor: Actor, *, state: str = "", page: int = 1, size: int = 50) -> tuple[list[Person], bool]:
    """Who of the unit must have signed and learned, those missing first; and whether there are more."""
    more = {
        "missing": "and (d.signed_on is null or d.trained_on is null)",
        "done": "and d.signed_on is not null and d.trained_on is not null",
    }.get(state, "")
    with _all_accounts(), connection.cursor() as c:
        c.execute(
            _REGISTER.format(unit=_unit(actor), more=more) + " limit %(limit)s offset %(skip)s",
            _asked(actor) | {"limit": size + 1, "skip": (max(page, 1) - 1) * size},
        )
        rows = c.fetchall()
    found = [
        Person(r[0], r[1], r[2], "、".join(str(Role(x).label) for x in sorted(r[3])), Standing(True, *r[4:]))
        for r in rows[:size]
    ]
    return found, len(rows) > size


def register_counts(actor: Actor) -> dict[str, int]:
    """How many of the unit must, and how many have; one query."""
    inner = _REGISTER.format(unit=_unit(actor), more="")
    with _all_accounts(), connection.cursor() as c:
        c.execute(
            "select count(*), count(*) filter (where signed_on is not null and trained_on is not null) from ("
            + inner
            + ") x",
            _asked(actor),
        )
        total, ready = c.fetchone()
    return {"all": total, "done": ready, "missing": total - ready}


def _asked(actor: Actor) -> dict[str, Any]:
    return {"day": today(), "org": actor.org_id or 0, "path": (actor.org_path or "-") + "%"}


def unit_people(actor: Actor, user_ids: list[int]) -> dict[int, int | None]:
    """Those of these accounts that are of the actor's unit, with their own unit."""
    with _all_accounts(), connection.cursor() as c:
        c.execute(
            "select u.id, u.home_org_id from account_user u left join org o on o.id = u.home_org_id"
            f" where u.id = any(%(ids)s) and {_unit(actor)}",
            _asked(actor) | {"ids": user_ids[:500]},
        )
        return dict(c.fetchall())


# --- authorisations ----------------------------------------------------------------------------------------


def term_end(day: date) -> date:
    """The last day of the term: January for the one from September, August for the one from February."""
    if day.month >= 9:
        return date(day.year + 1, 1, 31)
    return date(day.year, 1, 31) if day.month == 1 else date(day.year, 8, 31)


def asks_head(actor: Actor) -> bool:
    """Whether the place asks for the head's authorisation before a registrar edits (`edit.head_authorises`)."""
    org = Org.objects.filter(pk=actor.org_id).first() if actor.org_id else None
    try:
        return bool(places.policy_for(org, today()).param("edit.head_authorises").value)
    except KeyError:
        return True


def in_force(actor: Actor, kind: str = "") -> list[Authorisation]:
    """The authorisations of the actor's school that hold today (for a kind of field); one query."""
    rows = Authorisation.objects.filter(
        org_id=actor.org_id or 0,
        state=AuthorisationState.GRANTED,
        since__lte=today(),
        until__gte=today(),
    )
    if kind:
        rows = rows.filter(kinds__contains=[kind])
    return list(rows.order_by("-until", "-pk")[:50])


def whom_to_ask(actor: Actor, kind: str) -> str:
    """The sentence that names who has to say yes; `kind` empty: for any edit."""
    heads = "、".join(heads_of(actor.org_id)) or _("校长")
    what = words.KINDS.get(kind) or _("学籍信息")
    return _("修改“%(kind)s”要先由 %(heads)s 授权。请提交授权申请, 同意后再修改") % {
        "kind": what,
        "heads": heads,
    }


def heads_of(org_id: int | None) -> list[str]:
    """Names of the heads of a school in office, for its own staff; also inside a command's writing role."""
    held = RoleAssignment.objects.filter(org_id=org_id or 0, role=Role.SCHOOL_HEAD)
    return list(accounts.in_force(held).order_by("pk").values_list("user__display_name", flat=True)[:5])


@dataclass(frozen=True)
class AuthorisationRow:
    """An authorisation, in words."""

    row: Authorisation
    kinds: str
    whose: str
    in_force: bool
    edits: int
    may_decide: bool
    may_end: bool


def authorisations(
    actor: Actor, *, waiting: bool | None = None, labels: dict[int, str] | None = None
) -> list[AuthorisationRow]:
    """The last hundred of the actor's school, those that wait first; two queries."""
    rows: QuerySet[Authorisation] = Authorisation.objects.filter(org_id=actor.org_id or 0)
    open_ = Q(state=AuthorisationState.ASKED, until__gte=today())
    if waiting is not None:
        rows = rows.filter(open_) if waiting else rows.exclude(open_)
    found = sorted(rows.order_by("-pk")[:100], key=lambda a: a.state != AuthorisationState.ASKED)
    counts = edit_counts([a.pk for a in found])
    return [_row(actor, a, counts.get(a.pk, 0), labels or {}) for a in found]


def authorisation(actor: Actor, pk: int, labels: dict[int, str] | None = None) -> AuthorisationRow | None:
    """One of the actor's school."""
    found = Authorisation.objects.filter(pk=pk, org_id=actor.org_id or 0).first()
    return _row(actor, found, edit_counts([pk]).get(pk, 0), labels or {}) if found else None


def _row(actor: Actor, a: Authorisation, edits: int, labels: dict[int, str]) -> AuthorisationRow:
    alive = a.until >= today()
    if a.persons:
        whose = _("%s 名学生") % len(a.persons)
    elif a.class_id:
        whose = labels.get(a.class_id) or _("一个班")
    else:
        whose = _("全校学生")
    return AuthorisationRow(
        row=a,
        kinds="、".join(str(words.KINDS.get(k, k)) for k in a.kinds),
        whose=whose,
        in_force=a.state == AuthorisationState.GRANTED and a.since <= today() <= a.until,
        edits=edits,
        may_decide=a.state == AuthorisationState.ASKED and alive and actor.can("student.authorise"),
        may_end=alive and a.state in (AuthorisationState.GRANTED, AuthorisationState.ASKED),
    )


def edit_counts(ids: Sequence[int]) -> dict[int, int]:
    """How many edits were done under each of these authorisations."""
    with connection.cursor() as c:
        c.execute(
            "select authorisation_id, count(*) from record_edit where authorisation_id = any(%s) group by 1",
            [list(ids)],
        )
        return dict(c.fetchall())


def edits(*, authorisation_id: int | None = None, person_id: uuid.UUID | None = None) -> list[RecordEdit]:
    """The last fifty edits under an authorisation, or of a child, in the reader's scope."""
    rows = RecordEdit.objects.all()
    if authorisation_id is not None:
        rows = rows.filter(authorisation_id=authorisation_id)
    if person_id is not None:
        rows = rows.filter(person_id=person_id)
    return list(rows.order_by("-pk")[:50])


# --- verifications -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VerificationRow:
    """A verification, in words."""

    id: int
    subject: str
    name: str
    paper: str
    number: str
    note: str
    checked_name: str
    checked_at: datetime


def verifications(about: str) -> list[VerificationRow]:
    """What was verified for something ("family_request:12"), in the reader's scope; one query."""
    rows = Verification.objects.filter(about=about).order_by("pk")[:20]
    return [
        VerificationRow(
            v.pk,
            str(words.SUBJECTS.get(v.subject, v.subject)),
            v.name,
            str(words.PAPERS.get(v.paper, v.paper)),
            v.number,
            v.note,
            v.checked_name,
            v.checked_at,
        )
        for v in rows
    ]


def text_of_unit(org_id: int | None) -> Text:
    """The words in force in a unit: its latest, else the nearest above, else the built-in ones; two queries."""
    with connection.cursor() as c:
        c.execute(
            "select t.id from org o join org above on o.path like above.path || '%%'"
            " join undertaking_text t on t.org_id = above.id where o.id = %s"
            " order by length(above.path) desc, t.version desc limit 1",
            [org_id or 0],
        )
        row = c.fetchone()
    return text(row[0] if row else None)


def org_name(org_id: int | None) -> str:
    """The name of a unit; empty for none."""
    return Org.objects.filter(pk=org_id or 0).values_list("name", flat=True).first() or ""
