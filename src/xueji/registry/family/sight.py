"""Who may see a child, since when and why: the registrar's page, and what waits for the head."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.models import PortalLink, User
from xueji.ground.db.scope import acting
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.people.models import Guardian, Person
from xueji.registry.people.queries.cards import code_label

from .guardianship import KINDS, sights
from .models import Guardianship

SEES, SCHOOL, CONTACT = 1, 2, 4
LIMIT = 200
WORDS = {
    7: (gettext_lazy("全部可见"), "green"),
    5: (gettext_lazy("看不到学校"), "amber"),
    3: (gettext_lazy("看不到住址和联系方式"), "amber"),
    1: (gettext_lazy("只能看到基本信息"), "amber"),
    0: (gettext_lazy("什么都看不到"), "red"),
}


@dataclass(frozen=True)
class Tie:
    """One guardian: what he may see today, and the accounts that see it with his code."""

    guardian_no: int
    name: str
    relation: str
    is_guardian: bool
    sight: int
    accounts: tuple[tuple[str, date], ...] = ()

    @property
    def words(self) -> str:
        """What he may see, in words."""
        return str(WORDS[self.sight][0])

    @property
    def tone(self) -> str:
        """Colour of the badge."""
        return WORDS[self.sight][1]


@dataclass(frozen=True)
class Fact:
    """One line of the history: a fact or the lifting of one."""

    row: Guardianship
    whose: str
    state: str
    tone: str
    in_force: bool
    may_lift: bool
    waits: bool

    @property
    def title(self) -> str:
        """What was recorded, in words."""
        label = str(KINDS[self.row.kind].label)
        return _("解除: %s") % label if self.row.lifts_id else label

    @property
    def effect(self) -> str:
        """What it does, in words."""
        return "" if self.row.lifts_id else str(KINDS[self.row.kind].effect)


@dataclass(frozen=True)
class Overview:
    """The page about one child."""

    row: Any
    birth_date: date
    fourteen: date
    eighteen: date
    ties: tuple[Tie, ...]
    own_accounts: tuple[tuple[str, date], ...]
    facts: tuple[Fact, ...]


def birthday(birth: date, years: int) -> date:
    """The day on which somebody has lived so many years (29 February: the 28th, as the database counts)."""
    try:
        return birth.replace(year=birth.year + years)
    except ValueError:
        return birth.replace(year=birth.year + years, day=28)


def age(birth: date, day: date) -> int:
    """Full years on a day."""
    years = day.year - birth.year
    return years if birthday(birth, years) <= day else years - 1


def overview(actor: Any, person_id: uuid.UUID) -> Overview:
    """Guardians, limits and accounts of a child of the actor's school; seven queries. Raises PermissionDenied, Http404."""
    actor.require("guardian.view")
    row = enrolment.get_row(actor, person_id)
    if row.former or row.school_id != actor.org_id:
        raise Http404
    today = timezone.localdate()
    with acting("writer"):
        birth = Person.objects.values_list("birth_date", flat=True).get(pk=person_id)
        kin = list(Guardian.objects.filter(person_id=person_id).order_by("guardian_no")[:50])
        links = list(
            PortalLink.objects.filter(person_id=person_id).filter(Q(until=None) | Q(until__gt=today))[:50]
        )
        names = dict(User.objects.filter(pk__in=[x.user_id for x in links]).values_list("pk", "display_name"))
        rows = list(Guardianship.objects.filter(person_id=person_id).order_by("-id")[:LIMIT])
    seen = sights(person_id, [g.guardian_no for g in kin], today)
    ties = tuple(
        Tie(
            g.guardian_no,
            g.name,
            code_label("guardian_relation_template", g.relation),
            g.is_guardian,
            seen[g.guardian_no],
            tuple((names.get(x.user_id, ""), x.since) for x in links if x.guardian_no == g.guardian_no),
        )
        for g in kin
    )
    return Overview(
        row,
        birth,
        birthday(birth, 14),
        birthday(birth, 18),
        ties,
        tuple((names.get(x.user_id, ""), x.since) for x in links if x.guardian_no is None),
        tuple(_fact(r, rows, {g.guardian_no: g.name for g in kin}, today) for r in rows),
    )


def _fact(row: Guardianship, rows: list[Guardianship], names: dict[int, str], today: date) -> Fact:
    whose = (
        names.get(row.guardian_no, "")
        if row.guardian_no is not None
        else (_("全体监护人") if row.kind == "protected" else "")
    )
    if row.kind == "protected" and row.guardian_no is not None:
        whose = _("%s 之外的监护人") % whose
    lifting = next((x for x in rows if x.lifts_id == row.pk and x.decision != "refused"), None)
    lifted = lifting is not None and lifting.decision == "confirmed" and lifting.since <= today
    works = KINDS[row.kind].works
    if row.decision == "refused":
        state, tone, force = _("主管领导未确认, 无效"), "grey", False
    elif row.lifts_id:
        force = False
        state, tone = (
            (_("等主管领导确认, 确认前不生效"), "amber")
            if not row.decision
            else (_("已解除"), "green")
            if row.since <= today
            else (_("到日期解除"), "blue")
        )
    elif lifted:
        state, tone, force = _("已解除"), "grey", False
    elif works == "opens" and not row.decision:
        state, tone, force = _("等主管领导确认, 确认前不生效"), "amber", False
    elif row.since > today:
        state, tone, force = _("到日期生效"), "blue", False
    else:
        force = True
        state, tone = (
            (_("生效中, 主管领导已确认"), "green") if row.decision else (_("生效中, 等主管领导确认"), "amber")
        )
    may_lift = row.lifts_id is None and row.decision != "refused" and lifting is None
    return Fact(row, whose, state, tone, force, may_lift, not row.decision)


def waiting(actor: Any, limit: int = 50) -> list[tuple[Guardianship, str]]:
    """What waits for the head of a school to be confirmed, oldest first, with the children's names; two queries."""
    actor.require("guardian.confirm")
    with acting("writer"):
        rows = list(Guardianship.objects.filter(school_id=actor.org_id, decision="").order_by("id")[:limit])
    # Names under the actor's own scope: a child that has moved away is the next school's.
    names = dict(Person.objects.filter(pk__in=[r.person_id for r in rows]).values_list("person_id", "name"))
    return [(r, names[r.person_id]) for r in rows if r.person_id in names]
