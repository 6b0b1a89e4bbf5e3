"""What all commands share: opening a case under lock, its log, its seats, what the checks need to know."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import Role
from xueji.ground.audit.commands import Who, record
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.orgs.models import Org, OrgKind, School

from .. import subject as subjects
from ..checks import open_statuses
from ..errors import CaseError, StaleCase
from ..kinds import ACTIONS, KINDS
from ..material import Material
from ..models import Case, CaseFile, CaseLog, CaseSeat, CaseStatus, CaseStep
from ..routing import head_role, units_of
from . import sealing


class System(Who):
    """The clock: it acts with what others have decided, and needs no right of its own."""

    def require(self, action: str) -> None:
        """Nothing to refuse."""


SYSTEM = System(user_id=None, user_name="系统", role="system", org_id=None)
MIN_WORDS = 5
EDITABLE = (CaseStatus.DRAFT, CaseStatus.RETURNED)


@contextmanager
def opened(actor: Any, case_id: uuid.UUID, version: int | None = None) -> Iterator[Case]:
    """The case, locked (the child first, so that no two commands wait for each other), in the writing role.

    Raises Http404 when the actor sees no such case, `StaleCase` when somebody acted since `version`.
    """
    with transaction.atomic():
        row = Case.objects.filter(pk=case_id).values_list("person_id", "business").first()
        person_id, business = row or (None, "")
        if person_id is None:
            raise Http404
        with acting("writer"):
            lock_persons([person_id, *KINDS[business].beside(person_id)])
            case = Case.objects.select_for_update().filter(pk=case_id).first()
            if case is None:
                raise Http404
            if version is not None and case.version != version:
                raise StaleCase(_stale_words(case))
            yield case


def lock_person(person_id: uuid.UUID) -> None:
    """Whoever changes anything of one child's cases waits here for the others."""
    lock_persons([person_id])


def lock_persons(person_ids: Iterable[uuid.UUID]) -> None:
    """The same for several children, in one order for all: nobody waits for another in a circle."""
    with connection.cursor() as c:
        c.execute(
            "select 1 from person where person_id = any(%s::uuid[]) order by person_id for update",
            [list(person_ids)],
        )


def _stale_words(case: Case) -> str:
    last = CaseLog.objects.filter(case=case).order_by("-id").first()
    if last is None:
        return _("这件业务刚有变动, 本页已更新")
    return _("%(who)s %(at)s 已%(what)s, 本页已更新") % {
        "who": last.actor_name,
        "at": timezone.localtime(last.at).strftime("%H:%M"),
        "what": ACTIONS.get(last.action, last.action),
    }


def own(actor: Any, case: Case) -> None:
    """Only the unit that started a case goes on. Raises `CaseError`."""
    if case.org_id != actor.org_id:
        raise CaseError(_("这件业务由发起学校办理, 本单位不能做这一步"))


def require_status(case: Case, allowed: Iterable[str]) -> None:
    """Raises `CaseError` with the present status in words."""
    if case.status not in tuple(allowed):
        raise CaseError(_("这件业务现在是“%s”, 不能做这一步") % CaseStatus(case.status).label)


def need_words(text: str) -> None:
    """Raises `CaseError` unless a reason has at least a few words."""
    if len(text.strip()) < MIN_WORDS:
        raise CaseError(_("请写明理由, 至少 %s 个字") % MIN_WORDS)


def material(actor: Any, case: Case, *, on: date | None = None) -> Material:
    """All that the checks look at, read now. Must run in the writing role. Raises `CaseError`."""
    assert case.person_id is not None
    kind = KINDS[case.business]
    child = subjects.read(case.person_id)
    if kind.newcomer is not None:
        child = kind.newcomer(case, child)
    if child is None:
        raise CaseError(_("该生没有在籍的学籍, 不能办理这项业务"))
    class_id = case.form.get("to_class_id")
    target = case.to_school_id if kind.lookup or kind.guest else None
    secret = sealing.opened_values(case)
    m = Material(
        case=case,
        subject=child,
        units=units_of(case.org_id, child.school_id, target),
        place=subjects.class_place(int(class_id)) if class_id else None,
        docs=frozenset(CaseFile.objects.filter(case=case).values_list("slot", flat=True)),
        submitted_by=actor.user_name,
        today=on or timezone.localdate(),
        new_number=secret.get("number", ""),
        secret=secret,
    )
    if kind.variant is None:
        return m
    return replace(m, units=replace(m.units, variant=kind.variant(m)))


def other_open(case: Case) -> list[Case]:
    """The child's other cases that are under way. Must run in the writing role."""
    return list(Case.objects.filter(person_id=case.person_id, status__in=open_statuses()).exclude(pk=case.pk))


def write_log(case: Case, who: Any, action: str, text: str = "") -> None:
    """One entry for all parties of the case as it is now."""
    CaseLog.objects.bulk_create(
        [
            CaseLog(
                case=case,
                at=timezone.now(),
                actor_id=who.user_id,
                actor_name=who.user_name,
                org_id=who.org_id,
                action=action,
                text=text[:600],
                parties=case.parties,
                klasses=case.klasses,
                person_id=case.person_id,
            )
        ]
    )


def save(case: Case) -> None:
    """Store the case with its next version: pages drawn before are stale from now on."""
    case.version += 1
    case.save(force_update=True)


def steps_of(case: Case) -> list[CaseStep]:
    """The steps in the order in which people read them."""
    return list(CaseStep.objects.filter(case=case).order_by("turn", "seq"))


def write_seats(case: Case) -> None:
    """Every party's place at the case: status, who holds it until when, and who is to press the holder."""
    holding: dict[int, tuple[set[str], list[date]]] = {}
    pressing: dict[int, set[str]] = {}
    if case.status == CaseStatus.RETURNED:
        first = CaseStep.objects.filter(case=case, seq=1).values_list("role", flat=True).first()
        holding[case.org_id] = ({first or Role.REGISTRAR.value}, [case.repair_due] if case.repair_due else [])
    else:
        for step in CaseStep.objects.filter(case=case, state__in=("current", "informed")):
            roles, days = holding.setdefault(step.org_id, (set(), []))
            roles.add(step.role)
            days += [step.due_on] if step.due_on else []
            if step.escalated and step.state == "current":
                for org, role in pressers(step):
                    pressing.setdefault(org, set()).add(role)
    draft = case.status == CaseStatus.DRAFT
    orgs = sorted({*case.parties, *pressing})
    counties = dict(School.objects.filter(pk__in=orgs).values_list("org_id", "county_id"))
    now = timezone.now()
    CaseSeat.objects.filter(case=case).exclude(org_id__in=orgs).delete()
    CaseSeat.objects.bulk_create(
        [
            CaseSeat(
                case=case,
                org_id=org,
                county_id=org if draft else counties.get(org, org),
                person_id=None if draft or case.narrowed_at else case.person_id,
                business=case.business,
                status=case.status,
                holds=org in holding,
                holder_roles=sorted(holding[org][0]) if org in holding else [],
                pressed_roles=sorted(pressing.get(org, ())),
                started_here=org == case.org_id,
                due_on=min(holding[org][1], default=None) if org in holding else None,
                changed_at=now,
            )
            for org in orgs
        ],
        update_conflicts=True,
        unique_fields=["case", "org_id"],
        update_fields=[
            "county_id",
            "person_id",
            "status",
            "holds",
            "holder_roles",
            "pressed_roles",
            "started_here",
            "due_on",
            "changed_at",
        ],
    )


def pressers(step: CaseStep) -> list[tuple[int, str]]:
    """Who presses the holder of an overdue step: the head of the unit, then also the head of the authority above."""
    unit = Org.objects.select_related("parent").get(pk=step.org_id)
    above: Org | None = unit.parent
    if unit.kind == OrgKind.SCHOOL:
        above = Org.objects.get(pk=School.objects.values_list("county_id", flat=True).get(pk=unit.pk))
    found = [(unit.pk, head_role(unit.kind))]
    if step.escalated > 1 and above is not None:
        found.append((above.pk, head_role(above.kind)))
    return [(org, role) for org, role in found if role]


def spread(case: Case) -> None:
    """Whoever may see the case sees all of it, and nobody else any of it; papers are for the parties alone."""
    shown: dict[str, Any] = {
        "parties": case.parties,
        "klasses": case.klasses,
        "person_id": None if case.narrowed_at else case.person_id,
    }
    CaseStep.objects.filter(case=case).update(**shown)
    CaseLog.objects.filter(case=case).update(parties=case.parties, klasses=case.klasses)
    rows = CaseFile.objects.filter(case=case)
    rows.update(**shown | {"klasses": []})
    files.share(rows.values_list("file_id", flat=True), readers=case.parties)


def audit(who: Any, what: str, case: Case, **more: Any) -> None:
    """The audit entry of a deed on a case."""
    record(
        who,
        f"changes.{what}",
        object_type="case",
        object_id=case.case_id,
        person_id=case.person_id,
        after={"number": case.number, "business": case.business, "status": case.status} | more,
    )


def note(case: Case, who: Any, action: str, text: str = "", **more: Any) -> None:
    """Log and audit of one deed."""
    write_log(case, who, action, text)
    audit(who, action, case, **more)
