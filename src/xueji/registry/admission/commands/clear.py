"""清退: entries against the rules are listed by school or authority, and cleared by the authority (C-ENR-21)."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org, OrgKind
from xueji.ground.policy.places import policy_for
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment.bulk import ListRefused, Move, apply_many
from xueji.registry.enrolment.models import REGISTERED, Roster

from ..errors import AdmissionError
from ..models import Applicant, Clearance, State
from ._base import need_words

KINDS = {
    "underage": gettext_lazy("不足龄入学"),
    "area": gettext_lazy("不在服务范围"),
    "papers": gettext_lazy("材料不符"),
    "list": gettext_lazy("不在录取名单"),
    "fraud": gettext_lazy("弄虚作假"),
}
EVENT = "audit.entry"


def list_violation(actor: Any, person_id: uuid.UUID, *, kind: str, findings: str) -> Clearance:
    """Put a pupil on the list of entries found against the rules. Raises PermissionDenied, Http404, `AdmissionError`."""
    if not (actor.can("admission.prepare") or actor.can("admission.approve")):
        actor.require("admission.approve")
    findings = need_words(findings)
    if kind not in KINDS:
        raise AdmissionError(_("请选择违规的种类"))
    side = "school_id" if actor.org_kind == OrgKind.SCHOOL else "county_id"
    row = Roster.objects.filter(
        person_id=person_id, kind=REGISTERED, reason="enrolled", status__lt=10, **{side: actor.org_id}
    ).first()  # fmt: skip
    if row is None:
        raise Http404
    found = Clearance(
        child_id=person_id, name=row.name, school_id=row.school_id, county_id=row.county_id, kind=kind,
        findings=findings, listed_name=actor.user_name,
    )  # fmt: skip
    try:
        with transaction.atomic():
            with acting("writer"):
                found.save(force_insert=True)
            record(
                actor, "admission.violation", object_type="clearance", object_id=found.pk, person_id=person_id,
                purpose=findings[:200], after={"kind": kind},
            )  # fmt: skip
    except IntegrityError as error:
        raise AdmissionError(_("该生已经在违规入学名单中")) from error
    return found


def article_of(school_id: int) -> str:
    """The article by which unlawful entries are cleared at a school, or that under which records are opened."""
    today = timezone.localdate()
    policy = policy_for(Org.objects.filter(pk=school_id).first(), today)
    facts = {"student.unlawful_entry": True, "case.outcome": "清退", "student.stage": "P"}
    for finding in policy.evaluate(EVENT, facts, today).findings:
        if finding.verdict == "pass":
            return finding.article
    cite = policy.business("enrol").cite
    return f"《{cite.source.title}》{cite.article}"


def decide_clearance(actor: Any, clearance_id: int, *, cleared: bool, words: str) -> Clearance:
    """The authority cancels the record with its reason and article, or finds that the entry stands.

    The record is not deleted: its chain ends with 注销, an event that says why. Raises PermissionDenied, Http404,
    `AdmissionError`.
    """
    actor.require("admission.approve")
    if not Clearance.objects.filter(pk=clearance_id, county_id=actor.org_id).exists():
        raise Http404
    words = need_words(words)
    with transaction.atomic():
        with acting("writer"):
            found = Clearance.objects.select_for_update().get(pk=clearance_id)
            if found.state != "listed":
                raise AdmissionError(_("已经作出决定"))
            if cleared:
                found.article = article_of(found.school_id)[:200]
                try:
                    events = apply_many(
                        actor,
                        [
                            Move(
                                found.child_id, "problem", int(Status.CANCELLED), article=found.article,
                                reason=_("清退: %s") % words, detail={"clearance": found.pk, "kind": found.kind},
                            )
                        ],
                        at=timezone.now(),
                        what="clearance",
                    )  # fmt: skip
                except ListRefused as error:
                    raise AdmissionError("；".join(error.persons.values()) or error.message) from error
                found.event_id = events[found.child_id]
                Applicant.objects.filter(person_id=found.child_id, state=State.REPORTED).update(
                    state=State.FORFEITED, words=words
                )
            found.state, found.words = "cleared" if cleared else "dismissed", words
            found.decided_name, found.decided_at = actor.user_name, timezone.now()
            found.save(force_update=True)
        record(
            actor, "admission.clear", object_type="clearance", object_id=found.pk, person_id=found.child_id,
            purpose=words[:200], after={"state": found.state},
        )  # fmt: skip
    return found
