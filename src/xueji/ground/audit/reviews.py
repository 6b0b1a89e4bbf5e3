"""Findings of the watch as the audit administrator works through them: read, judged, noted in a table of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org

from . import watch, words
from .commands import record
from .models import VERDICTS, AuditFinding, AuditReview
from .queries import tree

if TYPE_CHECKING:
    from xueji.ground.accounts.actor import Actor

MIN_WORDS = 4
_NEWEST = 200


class ReviewError(ValueError):
    """A review lacks something; the message says what."""


@dataclass(frozen=True)
class Finding:
    """A finding with its words and what was noted about it."""

    id: int
    day: date
    rule: str
    sentence: str
    user_id: int
    user_name: str
    role_label: str
    org_name: str
    reviews: list[AuditReview]

    @property
    def open(self) -> bool:
        """Whether nobody has looked into it yet."""
        return not self.reviews


def _mine(actor: Actor) -> QuerySet[AuditFinding]:
    actor.require("audit.view")
    found = AuditFinding.objects.order_by("-day", "user_name", "rule")
    if actor.org_path.count("/") > 2:
        found = found.filter(org_id__in=tree(actor))
    return found


def findings(
    actor: Actor, *, day: date | None = None, waiting: bool = False, limit: int = _NEWEST
) -> list[Finding]:
    """The findings of a day, or the newest; `waiting` leaves out those that were judged."""
    found = _mine(actor)
    if day:
        found = found.filter(day=day)
    if waiting:
        found = found.filter(auditreview__isnull=True)
    with acting("audit"):
        rows = list(found[:limit])
        reviews: dict[int, list[AuditReview]] = {}
        for review in AuditReview.objects.filter(finding_id__in=[r.pk for r in rows]).order_by("id"):
            reviews.setdefault(review.finding_id, []).append(review)
    orgs = dict(Org.objects.filter(pk__in={r.org_id for r in rows if r.org_id}).values_list("id", "name"))
    return [
        Finding(
            id=r.pk,
            day=r.day,
            rule=r.rule,
            sentence=watch.sentence(r.rule, r.figures),
            user_id=r.user_id,
            user_name=r.user_name,
            role_label=words.role(r.role),
            org_name=orgs.get(r.org_id or 0, ""),
            reviews=reviews.get(r.pk, []),
        )
        for r in rows
    ]


def waiting_count(actor: Actor) -> int:
    """How many findings nobody has judged."""
    found = _mine(actor).filter(auditreview__isnull=True)
    with acting("audit"):
        return found.count()


def judge(actor: Actor, finding_id: int, verdict: str, note: str) -> None:
    """Note what a finding came to; a later note stands beside it. Raises `ReviewError`, Http404, PermissionDenied."""
    actor.require("audit.view")
    text = " ".join(note.split())[:300]
    if verdict not in dict(VERDICTS):
        raise ReviewError(_("请选择结论"))
    if len(text) < MIN_WORDS:
        raise ReviewError(_("请写明核查情况, 至少 %s 个字") % MIN_WORDS)
    mine = _mine(actor)
    with transaction.atomic():
        with acting("audit"):
            found = mine.filter(pk=finding_id).first()
            if found is None:
                raise Http404
            AuditReview.objects.bulk_create(
                [
                    AuditReview(
                        finding=found,
                        at=timezone.now(),
                        user_id=actor.user_id,
                        user_name=actor.user_name,
                        verdict=verdict,
                        note=text,
                    )
                ]
            )
        after: dict[str, Any] = {"rule": found.rule, "day": found.day.isoformat(), "user": found.user_name}
        record(
            actor,
            "audit.review",
            object_type="finding",
            object_id=finding_id,
            purpose=text[:200],
            after=after | {"verdict": verdict},
        )
