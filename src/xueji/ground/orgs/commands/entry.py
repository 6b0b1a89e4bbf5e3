"""学校入网资格审查: the authority in charge admits a school to the network, refuses, suspends (C-ORG-04)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from ..errors import OrgError
from ..models import ENTRY_ITEMS, EntryState, School, SchoolReview

#: From which states each decision leads where.
MOVES = {
    "admit": ((EntryState.ASKED, EntryState.REFUSED), EntryState.ADMITTED),
    "refuse": ((EntryState.ASKED,), EntryState.REFUSED),
    "suspend": ((EntryState.ADMITTED,), EntryState.SUSPENDED),
    "resume": ((EntryState.SUSPENDED,), EntryState.ADMITTED),
}


def decide_entry(
    actor: Any,
    school_id: int,
    *,
    decision: str,
    items: Sequence[str] = (),
    document: str = "",
    opinion: str = "",
) -> SchoolReview:
    """The authority in charge decides on a school's entry: `admit`, `refuse`, `suspend` or `resume`.

    Admitting asks that every item of the review is found in order; refusing and suspending ask for the reason. Who
    works at a school that is not admitted can no longer enter, from the next request on. Raises Http404 (not one of
    the actor's schools), OrgError, PermissionDenied.
    """
    actor.require("org.review")
    if decision not in MOVES:
        raise OrgError(_("请选择审查结论"))
    found = [key for key in ENTRY_ITEMS if key in items]
    if decision == "admit" and len(found) < len(ENTRY_ITEMS):
        raise OrgError(
            _("逐项核对无误后才能同意入网, 还没有勾选: %s")
            % "、".join(str(words) for key, words in ENTRY_ITEMS.items() if key not in found)
        )
    if decision in ("refuse", "suspend") and len(opinion.strip()) < 4:
        raise OrgError(_("请写明原因(至少4个字)"))
    before, after = MOVES[decision]
    with transaction.atomic():
        with acting("writer"):
            school = School.objects.select_for_update().filter(pk=school_id, county_id=actor.org_id).first()
            if school is None:
                raise Http404
            if school.entry not in before:
                raise OrgError(_("学校现在是“%s”, 不能这样处理") % EntryState(school.entry).label)
            review = SchoolReview.objects.create(
                org_id=school.pk,
                county_id=school.county_id,
                decision=decision,
                items=found,
                document=document.strip()[:100],
                opinion=opinion.strip()[:300],
                by_id=actor.user_id,
                by_name=actor.user_name,
            )
            was = school.entry
            School.objects.filter(pk=school.pk).update(entry=after)
        record(
            actor,
            f"orgs.entry.{decision}",
            object_type="org",
            object_id=school.pk,
            purpose=opinion.strip()[:200],
            before={"entry": was},
            after={"entry": str(after), "document": document.strip()[:100]},
        )
    return review
