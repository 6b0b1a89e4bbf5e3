"""Drafts: begun by the child's school, or for a transfer by the school that receives, who names child and number."""

from __future__ import annotations

import re
import uuid
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.standards.identity import normalise_identity
from xueji.ground.standards.idtypes import RESIDENT, id_types
from xueji.ground.standards.names import normalise_name
from xueji.registry.people import places
from xueji.registry.people.models import IdentityLookup, NumberLookup, Person
from xueji.registry.people.queries.lookups import schemes

from .. import queries
from .. import subject as subjects
from ..errors import CaseError, NotFoundByNumber
from ..kinds import KINDS, Kind
from ..models import Case, CaseFile, CaseStatus, LookupAttempt
from ..routing import policy_for, slots_of, units_of
from . import sealing
from ._base import (
    EDITABLE,
    audit,
    lock_person,
    need_words,
    note,
    opened,
    own,
    require_status,
    save,
    write_seats,
)


def find_child(actor: Any, name: str, number: str) -> uuid.UUID:
    """The child with exactly this name and this student or identity number, wherever enrolled (C-TRF-01).

    Every try is counted and audited; the answer is the same whichever of the two is wrong. Raises
    `NotFoundByNumber`, and `CaseError` after too many tries.
    """
    actor.require("case.start")
    with transaction.atomic(), acting("writer"):
        sealing.require_tries(actor)
        clean = normalise_name(name).value
        person_id = next(
            (
                p
                for p in _holders(number)
                if Person.objects.filter(pk=p, name=clean, merged_into=None).exists()
            ),
            None,
        )
        LookupAttempt.objects.create(user_id=actor.user_id, at=timezone.now(), found=person_id is not None)
    record(
        actor,
        "changes.lookup",
        object_type="person",
        object_id=person_id or "",
        person_id=person_id,
        purpose="transfer",
        after={"found": person_id is not None},
    )
    if person_id is None:
        raise NotFoundByNumber(
            _("没有找到姓名和号码都一致的学生。请对照原学校打印的学生基本信息表再核对一遍")
        )
    return person_id


def _holders(number: str) -> list[uuid.UUID]:
    """Whoever holds or held a number: student number of any scheme, or a whole identity number."""
    value = re.sub(r"[\s-]", "", normalise_identity(number))
    if not 6 <= len(value) <= 30:
        return []
    kinds = schemes()
    found = list(
        NumberLookup.objects.filter(
            scheme__in=kinds, bidx__in=[places.number_index(s, value) for s in kinds]
        ).values_list("person_id", flat=True)
    )
    keys = [(code, value) for code in id_types()]
    if value[0] == "G":
        keys.append((RESIDENT, value[1:]))
    found += IdentityLookup.objects.filter(
        bidx__in=[places.identity_index(code, body) for code, body in keys]
    ).values_list("person_id", flat=True)
    return list(dict.fromkeys(found))


def start(
    actor: Any,
    *,
    business: str,
    person_id: uuid.UUID | None = None,
    name: str = "",
    number: str = "",
    retrospective: bool = False,
    happened_on: date | None = None,
    outage_reason: str = "",
) -> Case:
    """Begin a draft (C-CHG-01). A transfer is begun by the receiving school with name and number (C-TRF-01); all
    others by the child's own school. A draft of the same kind that lies there already is taken up again.

    `retrospective` (补录, C-CHG-11) enters what was done on paper while the system was down: the true day lies in the
    past, the reason and the signed paper stay with the case, and it is approved like any other. Raises
    PermissionDenied, Http404, `NotFoundByNumber`, `CaseError`.
    """
    actor.require("case.start")
    kind = KINDS.get(business)
    if kind is None:
        raise Http404
    outage = _outage(actor, happened_on, outage_reason) if retrospective else {}
    if kind.lookup:
        person_id = find_child(actor, name, number)
    elif person_id is None or queries.own_child(actor, person_id, guest=kind.guest) is None:
        raise Http404
    with transaction.atomic(), acting("writer"):
        lock_person(person_id)  # a button pressed twice begins one draft
        return begin(actor, kind, person_id, outage)


def begin(actor: Any, kind: Kind, person_id: uuid.UUID, outage: dict[str, str] | None = None) -> Case:
    """The draft of a child that the actor may begin for; one of the same kind that lies there is taken up again.

    Must run in the writing role with the child locked. Raises `CaseError`.
    """
    child = subjects.read(person_id)
    if child is None:
        raise CaseError(_("该生没有在籍的学籍, 不能办理这项业务"))
    if kind.lookup and child.school_id == actor.org_id:
        raise CaseError(
            _("%(name)s 的学籍已经在本校, 不需要办理%(kind)s") % {"name": child.name, "kind": kind.label}
        )
    case = Case.objects.filter(
        org_id=actor.org_id, person_id=person_id, business=kind.id, status=CaseStatus.DRAFT
    ).first()
    if case is not None:
        if outage:
            case.outage = outage
            save(case)
        return case
    case = Case(
        business=kind.id,
        org_id=actor.org_id,
        creator_id=actor.user_id,
        person_id=person_id,
        parties=[actor.org_id],
        student_name=child.name,
        from_school_id=child.school_id,
        to_school_id=actor.org_id if kind.lookup or kind.guest else None,
        summary=child.summary(timezone.localdate()),
        form=kind.suggested(child, timezone.localdate()) | _true_day(kind, outage or {}),
        outage=outage or {},
    )
    case.save(force_insert=True)
    write_seats(case)
    note(case, actor, "start", _("补录: %s") % outage["reason"] if outage else "")
    return case


def backfill(
    actor: Any, *, case_id: uuid.UUID, happened_on: date | None, reason: str, version: int | None = None
) -> Case:
    """Make a draft the record of what was done on paper while the system was down (补录, C-CHG-11).

    Raises PermissionDenied, Http404, `StaleCase`, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        own(actor, case)
        require_status(case, (CaseStatus.DRAFT,))
        case.outage = _outage(actor, happened_on, reason)
        case.form = case.form | _true_day(KINDS[case.business], case.outage)
        save(case)
        note(case, actor, "backfill", case.outage["reason"])
    return case


def _outage(actor: Any, happened_on: date | None, reason: str) -> dict[str, str]:
    """What a case entered after an outage keeps. Raises PermissionDenied, `CaseError`."""
    actor.require("case.backfill")
    today = timezone.localdate()
    if happened_on is None or not today - timedelta(days=settings.CASE_OUTAGE_DAYS) <= happened_on <= today:
        raise CaseError(_("补录要填写实际办理日期, 最早可补录 %s 天内的业务") % settings.CASE_OUTAGE_DAYS)
    need_words(reason)
    return {"on": happened_on.isoformat(), "reason": reason.strip()[:300]}


def _true_day(kind: Kind, outage: dict[str, str]) -> dict[str, Any]:
    return {kind.days[0][0]: outage["on"]} if outage and kind.days else {}


def save_draft(actor: Any, *, case_id: uuid.UUID, form: dict[str, Any], version: int | None = None) -> Case:
    """Keep what was filled in (clean values; dates as ISO text). What is secret is sealed, never stored plain.

    Raises Http404, `StaleCase`, `CaseError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        own(actor, case)
        require_status(case, EDITABLE)
        allowed = KINDS[case.business].fields
        kept = sealing.keep(actor, case, form, allowed)
        case.form = kept
        case.to_class_id = kept.get("to_class_id") or None
        save(case)
        audit(actor, "save", case, fields=sorted(kept))
    return case


def attach(actor: Any, *, case_id: uuid.UUID, slot: str, data: bytes, name: str) -> CaseFile:
    """Put a paper into its slot; one that lay there is replaced. Raises Http404, `CaseError`, `FileRefused`."""
    actor.require("case.start")
    with opened(actor, case_id) as case:
        own(actor, case)
        require_status(case, EDITABLE)
        units = units_of(case.org_id, case.from_school_id or case.org_id, case.to_school_id)
        slots = slots_of(policy_for(units.start, timezone.localdate()), case)
        if slot not in {s.doc for s in slots}:
            raise CaseError(_("这项业务不需要“%s”, 也不能要求家长提供") % slot)
        file = files.store(
            actor,
            data,
            name=name,
            purpose="evidence",
            # The parties alone open papers: neither teachers nor families, whenever the paper was brought.
            readers=case.parties,
        )
        before = list(CaseFile.objects.filter(case=case, slot=slot))
        for old in before:
            _drop(actor, case, old)
        row = CaseFile(
            case=case,
            slot=slot,
            file_id=file.id,
            file_name=file.name,
            added_by=actor.user_id,
            parties=case.parties,
            person_id=case.person_id,
        )
        row.save(force_insert=True)
        save(case)
        audit(actor, "attach", case, slot=slot, file=str(file.id))
    return row


def detach(actor: Any, *, case_id: uuid.UUID, file_id: uuid.UUID) -> Case:
    """Take a paper out of its slot again. Raises Http404, `CaseError`."""
    actor.require("case.start")
    with opened(actor, case_id) as case:
        own(actor, case)
        require_status(case, EDITABLE)
        row = CaseFile.objects.filter(case=case, file_id=file_id).first()
        if row is None:
            raise Http404
        _drop(actor, case, row)
        save(case)
        audit(actor, "detach", case, slot=row.slot)
    return case


def _drop(actor: Any, case: Case, row: CaseFile) -> None:
    """Papers of a draft go with their bytes; what others have already seen stays on file, out of its slot."""
    row.delete()
    if case.number is None:
        files.discard(actor, row.file_id)


def delete_draft(actor: Any, *, case_id: uuid.UUID, version: int | None = None) -> None:
    """Drop a draft that was never sent, with its papers. Raises Http404, `StaleCase`, `CaseError`."""
    actor.require("case.start")
    with opened(actor, case_id, version) as case:
        own(actor, case)
        require_status(case, (CaseStatus.DRAFT,))
        for row in list(CaseFile.objects.filter(case=case)):
            _drop(actor, case, row)
        audit(actor, "delete_draft", case)
        case.delete()


__all__ = ["attach", "delete_draft", "detach", "find_child", "save_draft", "start"]
