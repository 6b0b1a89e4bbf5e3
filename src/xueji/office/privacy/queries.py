"""Reading for the pages of this room: under row-level security, in lists that end."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Max, Q
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.models import RoleAssignment
from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import class_label
from xueji.ground.orgs.models import Org
from xueji.registry.people.models import Person

from . import officers, retention, terms
from .commands import complaints as complaint_commands
from .commands import incidents as incident_commands
from .models import (
    Check,
    Complaint,
    ComplaintState,
    Disposal,
    Finding,
    Hold,
    Incident,
    Paper,
    Share,
    Transfer,
)

published_officers = officers.published
MOST = 200


def names(ids: set[int | None]) -> dict[int, str]:
    """Names of units; one query."""
    return dict(Org.objects.filter(pk__in=[i for i in ids if i]).values_list("id", "name"))


@dataclass(frozen=True)
class StepLine:
    """A step of an incident as the page shows it."""

    step: terms.Step
    due: datetime
    done: list[dict[str, Any]]

    @property
    def late(self) -> bool:
        """Not done and past its hour."""
        return not self.done and self.due < timezone.now()


def step_lines(row: Incident) -> list[StepLine]:
    """All steps with their clocks, counted from the moment of the discovery."""
    out = []
    for step in terms.steps():
        done = [{**s, "at": datetime.fromisoformat(s["at"])} for s in row.steps if s.get("code") == step.code]
        out.append(StepLine(step, step.term.after(row.found_at), done))
    return out


def incidents(actor: Any, *, open_only: bool) -> list[Incident]:
    """Incidents of the actor's unit and of those below, newest first."""
    actor.require("privacy.incident")
    rows = Incident.objects.filter(closed_at__isnull=open_only).annotate(people=Count("affected"))
    return list(rows.order_by("-reported_at", "-pk")[:MOST])


def incident(actor: Any, incident_id: uuid.UUID) -> Incident:
    """One incident in scope. Raises Http404."""
    actor.require("privacy.incident")
    row = Incident.objects.filter(pk=incident_id).first()
    if row is None:
        raise Http404
    return row


def incident_text(actor: Any, row: Incident, shown: list[uuid.UUID]) -> str:
    """What happened, opened for the page; the look is noted with the pupils whom the page names."""
    record(actor, "privacy.incident.view", object_type="privacy_incident", object_id=row.pk, persons=shown)
    return str(vault.open_json(row.sealed, incident_commands.place_of(row.pk))["text"])


def children(
    actor: Any, *, school_id: int | None = None, class_id: int | None = None
) -> list[dict[str, Any]]:
    """Children of a school or a class, as far as the actor sees them."""
    return _children("r.school_id = %s" if class_id is None else "r.class_id = %s", [class_id or school_id])


def children_looked_at(
    actor: Any, username: str, begin: datetime, end: datetime
) -> tuple[list[dict[str, Any]], str]:
    """Children in the actor's scope whom an account of his units looked at between two moments, and its name."""
    actor.require("privacy.incident")
    with transaction.atomic(), acting("writer"):
        held = (
            RoleAssignment.objects.filter(
                user__username=username.strip(), org_id__in=retention.units_of(actor)
            )
            .select_related("user")
            .first()
        )
    if held is None:
        raise Http404
    ids = incident_commands.audit_range(held.user_id, begin, end)
    return _children("r.person_id = any(%s)", [ids]), held.user.display_name


def _children(where: str, values: list[Any]) -> list[dict[str, Any]]:
    with connection.cursor() as c:
        c.execute(
            "select distinct on (r.person_id) r.person_id, r.school_id, r.name, r.stage, r.cohort_year, k.number, s.system"
            " from roster r join school s on s.org_id = r.school_id left join school_class k on k.id = r.class_id"
            f" where {where} and r.reason <> 'former' and r.status < 10 order by r.person_id, r.kind limit 5000",
            values,
        )
        day = today()
        return [
            {
                "person_id": p,
                "school_id": school,
                "name": name,
                "class_name": class_label(stage, cohort, number, system, day) if number else "",
            }
            for p, school, name, stage, cohort, number, system in c.fetchall()
        ]


def complaints(actor: Any, *, waiting: bool) -> list[Complaint]:
    """Reports of misuse that the actor's authority handles, by day, or those answered."""
    actor.require("privacy.complaint")
    rows = Complaint.objects.filter(org_id=actor.org_id)
    if waiting:
        return list(rows.exclude(state=ComplaintState.ANSWERED).order_by("due_on", "pk")[:MOST])
    return list(rows.filter(state=ComplaintState.ANSWERED).order_by("-answered_at", "-pk")[:MOST])


def complaint(actor: Any, complaint_id: uuid.UUID) -> tuple[Complaint, dict[str, Any]]:
    """One report and its words, for the officer alone. Raises Http404, PermissionDenied."""
    actor.require("privacy.complaint")
    row = Complaint.objects.filter(pk=complaint_id, org_id=actor.org_id).first()
    if row is None:
        raise Http404
    officers.require(actor, "privacy.complaint")
    record(actor, "privacy.complaint.view", object_type="privacy_complaint", object_id=row.pk)
    told = vault.open_json(row.sealed, complaint_commands.place_of(row.pk))
    told["log"] = [{**e, "at": datetime.fromisoformat(e["at"])} for e in told["log"]]
    return row, told


def papers(actor: Any, kind: str) -> tuple[list[Paper], list[Paper]]:
    """The own unit's papers of a kind, newest first, and those handed in to it."""
    actor.require("privacy.view")
    mine = list(Paper.objects.filter(kind=kind, org_id=actor.org_id).order_by("-year", "-version")[:MOST])
    if kind != "year":
        return mine, []
    return mine, list(
        Paper.objects.filter(kind=kind, superior_id=actor.org_id).order_by("-submitted_at", "-pk")[:MOST]
    )


def paper(actor: Any, paper_id: int) -> Paper:
    """One paper: the own unit's, or one handed in to it. Raises Http404."""
    actor.require("privacy.view")
    row = Paper.objects.filter(Q(org_id=actor.org_id) | Q(superior_id=actor.org_id), pk=paper_id).first()
    if row is None:
        raise Http404
    return row


def disposals(actor: Any) -> list[Disposal]:
    """The own unit's disposals, newest first."""
    actor.require("privacy.view")
    return list(Disposal.objects.filter(org_id=actor.org_id).order_by("-id")[:MOST])


def disposal(actor: Any, disposal_id: int) -> Disposal:
    """One disposal of the own unit. Raises Http404."""
    actor.require("privacy.view")
    row = Disposal.objects.filter(pk=disposal_id, org_id=actor.org_id).first()
    if row is None:
        raise Http404
    return row


@dataclass(frozen=True)
class Held:
    """A hold with its words, the child whom it concerns, and whose turn it is."""

    h: Hold
    kind: str
    name: str
    may_confirm: bool
    may_lift: bool

    @property
    def state(self) -> str:
        """Where it stands, in words."""
        if self.h.lift_by is not None:
            return _("待同意解除")
        return _("暂停中") if self.h.confirmed_by is not None else _("暂停中, 待确认")


def holds(actor: Any) -> list[Held]:
    """Holds of the own unit that stand, with the names of children in the actor's sight; two queries."""
    rows = list(Hold.objects.filter(org_id=actor.org_id, ended_at=None).order_by("id")[:MOST])
    wanted = [h.person_id for h in rows if h.person_id is not None]
    names = dict(Person.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}
    second = actor.can("privacy.approve")
    return [
        Held(
            h=h,
            kind=terms.classes()[h.kind].term.name if h.kind else _("全部类别"),
            name=names.get(h.person_id, _("已不在本单位的学生")) if h.person_id else "",
            may_confirm=second and h.confirmed_by is None and h.set_by != actor.user_id,
            may_lift=second and h.lift_by is not None and h.lift_by != actor.user_id,
        )
        for h in rows
    ]


def shares(actor: Any, state: str) -> list[Share]:
    """The register of the own unit, newest first."""
    actor.require("privacy.view")
    rows = Share.objects.filter(org_id=actor.org_id)
    if state:
        rows = rows.filter(state=state)
    return list(rows.annotate(times=Count("transfers")).order_by("-id")[:MOST])


def share(actor: Any, share_id: int) -> tuple[Share, list[Transfer]]:
    """One entry with its handings over. Raises Http404."""
    actor.require("privacy.view")
    row = Share.objects.filter(pk=share_id, org_id=actor.org_id).first()
    if row is None:
        raise Http404
    return row, list(row.transfers.order_by("-id")[:MOST])


def checks(actor: Any) -> tuple[list[Check], list[Finding], list[Finding]]:
    """The last checks, the open findings by day, the closed ones."""
    actor.require("check.view")
    open_, closed = Finding.objects.filter(closed_at=None), Finding.objects.exclude(closed_at=None)
    return (
        list(Check.objects.order_by("-id")[:30]),
        list(open_.order_by("due_on", "pk")[:MOST]),
        list(closed.order_by("-closed_at", "-pk")[:50]),
    )


def overview(actor: Any) -> dict[str, Any]:
    """What waits on the officer's desk."""
    actor.require("privacy.view")
    day = today()
    papers_ = Paper.objects.filter(org_id=actor.org_id).exclude(state="draft").order_by("-year", "-version")
    last: dict[str, Paper] = {}
    for row in papers_[:50]:
        last.setdefault(row.kind, row)
    found: dict[str, Any] = {
        "officer": officers.current(actor.org_id),
        **Incident.objects.aggregate(
            open_incidents=Count("pk", filter=Q(closed_at=None, drill=False)),
            last_drill=Max("closed_at", filter=Q(drill=True)),
        ),
        "disposals": Disposal.objects.filter(org_id=actor.org_id, state="proposed").count(),
        **Share.objects.filter(org_id=actor.org_id, state="active").aggregate(
            shares=Count("pk", filter=Q(until__gte=day)), shares_late=Count("pk", filter=Q(until__lt=day))
        ),
        "assessment": last.get("impact"),
        "year": last.get("year"),
        "complaints": None,
        "findings": None,
    }
    if actor.can("privacy.complaint"):
        waiting = Complaint.objects.filter(org_id=actor.org_id).exclude(state=ComplaintState.ANSWERED)
        found |= waiting.aggregate(
            complaints=Count("pk"), complaints_late=Count("pk", filter=Q(due_on__lt=day))
        )
    if actor.can("check.view"):
        found["findings"] = Finding.objects.filter(closed_at=None).count()
    return found
