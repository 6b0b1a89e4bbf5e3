"""Beginning a transfer from a system that is not ours: a case of a child whom nobody has recorded here."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.policy.statuses import Status
from xueji.ground.standards.identity import normalise_identity
from xueji.ground.standards.idtypes import RESIDENT
from xueji.ground.standards.names import normalise_name
from xueji.registry.people.models import Person

from .. import subject as subjects
from ..business.arrive import LATE
from ..errors import CaseError, NotFoundByNumber
from ..kinds import KINDS
from ..models import Case, CaseStatus
from . import sealing
from ._base import note, write_seats
from .draft import find_child

BUSINESS = "transfer_in"


def start_newcomer(actor: Any, *, name: str, number: str = "", business: str = BUSINESS) -> Case:
    """Begin a transfer on paper (C-TRF-03), or a late record (补建学籍, C-NUM-15), with a name and, where there is one,
    a resident identity number.

    The key of the future record is given now; the record itself is written when all have decided. A child who left
    this system before keeps its record. Raises `CaseError` when the child is in this system (that is 转到我校), when
    the name cannot be one, and after too many tries.
    """
    actor.require("case.start")
    if business not in (BUSINESS, LATE):
        raise Http404
    kind = KINDS[business]
    clean = normalise_name(name)
    if not clean.ok:
        raise CaseError(clean.problems[0].message)
    person_id, known = uuid.uuid4(), None
    if number.strip():
        try:
            person_id = find_child(actor, clean.value, number)
        except NotFoundByNumber:
            pass
        else:
            with transaction.atomic(), acting("writer"):
                known = subjects.read(person_id)
            if business == LATE or known is None or known.status != Status.TRANSFERRED_OUT:
                raise CaseError(_("%s 在本系统已有学籍, 请用“转到我校”办理, 不用重新填写") % clean.value)
    value = normalise_identity(number) if number.strip() and known is None else ""
    with transaction.atomic(), acting("writer"):
        if (begun := _begun(actor, business, clean.value, value, person_id if known else None)) is not None:
            return begun
        today = timezone.localdate()
        case = Case(
            business=business,
            org_id=actor.org_id,
            creator_id=actor.user_id,
            person_id=person_id,
            parties=[actor.org_id],
            student_name=clean.value,
            from_school_id=actor.org_id,
            form={"new_name": clean.value, "effective_on": today.isoformat()},
        )
        if known is not None:
            person = Person.objects.get(pk=person_id)
            case.form |= {"new_sex": person.sex, "new_birth_date": person.birth_date.isoformat()}
        elif value:
            typed = {"new_number": value, "new_id_type": RESIDENT}
            case.form |= sealing.keep(actor, case, typed, kind.fields)
        # What is not written down yet is not shown either; the rest comes with sending.
        case.summary = {"name": clean.value} if known is None else known.summary(today)
        case.save(force_insert=True)
        write_seats(case)
        note(case, actor, "start")
    return case


def _begun(actor: Any, business: str, name: str, number: str, person_id: uuid.UUID | None) -> Case | None:
    """The unit's own draft of the same child, taken up again: a button pressed twice begins one."""
    with connection.cursor() as c:
        c.execute("select pg_advisory_xact_lock(hashtext('newcomer'), %s)", [actor.org_id])
    drafts = Case.objects.filter(
        org_id=actor.org_id, business=business, status=CaseStatus.DRAFT, student_name=name
    ).order_by("created_at", "pk")[:20]
    for case in drafts:
        if person_id is not None:
            if case.person_id == person_id:
                return case
        elif sealing.opened_values(case).get("number", "") == number:
            return case
    return None
