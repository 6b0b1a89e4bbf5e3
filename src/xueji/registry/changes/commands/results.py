"""The former school puts the marks of a child in late grades to its transfer (C-TRF-16)."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.files import commands as files

from .. import results
from ..errors import CaseError
from ..models import Case, CaseFile
from ..routing import policy_for, slots_of, units_of
from ._base import note, opened, require_status, save


def attach_results(actor: Any, *, case_id: uuid.UUID, data: bytes, name: str, number: str) -> Case:
    """Put a certificate of marks (`number`) into its slot while the transfer is under way; the one before gives way.

    Only the school that keeps the record may; both schools and their authorities read it, the family sees that it is
    there. Raises PermissionDenied, Http404, `CaseError`, `FileRefused`.
    """
    actor.require("case.start")
    with opened(actor, case_id) as case:
        if case.from_school_id != actor.org_id:
            raise Http404
        require_status(case, results.OPEN)
        units = units_of(case.org_id, case.from_school_id or case.org_id, case.to_school_id)
        slot = results.slot_of(slots_of(policy_for(units.start, timezone.localdate()), case))
        if slot is None:
            raise CaseError(_("只有八年级、九年级和高中阶段的转学随附学业成绩证明"))
        file = files.store(actor, data, name=name, purpose="evidence", readers=case.parties)
        CaseFile.objects.filter(case=case, slot=slot.doc).delete()
        CaseFile(
            case=case,
            slot=slot.doc,
            file_id=file.id,
            file_name=file.name,
            added_by=actor.user_id,
            parties=case.parties,
            person_id=case.person_id,
        ).save(force_insert=True)
        save(case)
        note(case, actor, "results", number, slot=slot.doc, file=str(file.id))
        return case
