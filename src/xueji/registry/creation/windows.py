"""Windows in which schools may put pupils on record (C-NUM-18): opened and closed by an authority above."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org
from xueji.ground.policy.library import library
from xueji.registry.intake.places import SchoolFacts

from .models import CreationWindow, Kind


def above(school_id: int) -> list[int]:
    """The units above a school, and the school: from its path, one query."""
    path = Org.objects.filter(pk=school_id).values_list("path", flat=True).first() or ""
    return [int(x) for x in path.split("/") if x]


def of_school(school_id: int, kind: str, on: date) -> list[CreationWindow]:
    """Windows that concern a school and are not over, the next first."""
    return list(
        CreationWindow.objects.filter(
            org_id__in=above(school_id), kind=kind, closes_on__gte=on, closed_at=None
        ).order_by("opens_on", "pk")[:20]
    )


def is_open(found: Iterable[CreationWindow], stages: Iterable[str], on: date) -> bool:
    """Whether one of them is open now for one of the stages."""
    own = set(stages)
    return any(w.opens_on <= on <= w.closes_on and (not w.stages or own & set(w.stages)) for w in found)


def needed(division: str, code: str, on: date) -> bool:
    """Whether the place makes records in windows only."""
    held = library().resolve(library().ids_for(division, code), on).param("enrol.by_window")
    return bool(held.stated and held.value)


def why_closed(school: SchoolFacts, kind: str = Kind.CREATION) -> str:
    """Why a school may not put pupils on record now; empty when it may."""
    today = timezone.localdate()
    if not needed(school.division, school.code, today):
        return ""
    found = of_school(school.org_id, kind, today)
    if is_open(found, school.stages, today):
        return ""
    if found:
        words = {"a": found[0].opens_on.isoformat(), "b": found[0].closes_on.isoformat()}
        return (
            _("现在不在建立学籍的开放时间内, 下一次开放是 %(a)s 至 %(b)s。可以先上传核对, 到时再发布") % words
        )
    return _("主管部门没有开放建立学籍的时间。可以先上传核对; 有没有学籍的学生要建籍的, 请联系主管部门开放")


def banner(school: SchoolFacts, kind: str) -> dict[str, Any] | None:
    """What the page says of the window; None where the place knows no windows."""
    today = timezone.localdate()
    if not needed(school.division, school.code, today):
        return None
    found = of_school(school.org_id, kind, today)
    opened = is_open(found, school.stages, today)
    first = next((w for w in found if w.opens_on <= today), found[0] if found else None)
    return {
        "state": "open" if opened else "soon" if found else "closed",
        "opens": first.opens_on if first else None,
        "closes": first.closes_on if first else None,
        "open": opened,
    }
