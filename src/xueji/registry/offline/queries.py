"""The only code that reads packages and hand-backs for pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db.models import Count
from django.http import Http404

from xueji.ground.orgs.models import Org

from .copies import label_of
from .models import Decision, HandBack, ItemKind, OfflineItem, OfflinePackage

PAGE = 50
#: Items of one report.
REPORT = 5_000


def package(actor: Any, package_id: int) -> OfflinePackage:
    """A package in the actor's scope. Raises Http404."""
    actor.require("offline.view")
    found = OfflinePackage.objects.filter(pk=package_id).first()
    if found is None:
        raise Http404
    return found


def packages(actor: Any, *, before: int | None = None) -> list[OfflinePackage]:
    """Newest first, one more than a page."""
    actor.require("offline.view")
    rows = OfflinePackage.objects.order_by("-id")
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows[: PAGE + 1])


def school_names(found: Sequence[OfflinePackage]) -> dict[int, str]:
    """Names of the schools of a list of packages."""
    return dict(Org.objects.filter(pk__in={one.school_id for one in found}).values_list("pk", "name"))


def handbacks(found: OfflinePackage) -> list[HandBack]:
    """How a package came back, newest first."""
    return list(HandBack.objects.filter(package=found).order_by("-number")[:PAGE])


def handback(actor: Any, handback_id: int) -> HandBack:
    """A hand-back in the actor's scope, with its package. Raises Http404."""
    actor.require("offline.view")
    found = HandBack.objects.select_related("package").filter(pk=handback_id).first()
    if found is None:
        raise Http404
    return found


def items(back: HandBack, *, kind: str, done: bool, after: int = 0) -> list[OfflineItem]:
    """Items of one kind, open or decided, one more than a page."""
    rows = OfflineItem.objects.filter(handback=back, kind=kind, pk__gt=after).order_by("pk")
    rows = rows.exclude(decision=Decision.OPEN) if done else rows.filter(decision=Decision.OPEN)
    return list(rows[: PAGE + 1])


def tally(back: HandBack) -> Counter[tuple[str, bool]]:
    """How many items of each kind are open and decided."""
    out: Counter[tuple[str, bool]] = Counter()
    for row in OfflineItem.objects.filter(handback=back).values("kind", "decision").annotate(n=Count("id")):
        out[(row["kind"], row["decision"] == Decision.OPEN)] += row["n"]
    return out


def report_rows(back: HandBack) -> list[OfflineItem]:
    """Everything that a report tells, by kind and row."""
    order = {str(k): n for n, k in enumerate(ItemKind)}
    rows = OfflineItem.objects.filter(handback=back).order_by("row_no", "pk")[:REPORT]
    return sorted(rows, key=lambda i: (order[i.kind], i.row_no or 0, i.pk))


def what(one: OfflineItem) -> str:
    """Which fact or field an item is about, in words."""
    return label_of(one.field) if one.field else ""
