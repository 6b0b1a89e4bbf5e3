"""Differences of key facts become a case of 关键信息变更 by the registrar, with the family's proofs."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.ground.files import queries as files
from xueji.ground.orgs.models import Org
from xueji.registry.changes import commands as changes
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case
from xueji.registry.changes.routing import policy_for, slots_of

from .. import queries, sheet
from ..errors import CollectError
from ..held import held
from ..models import Form
from ._base import tell
from .confirm import accepted

_INPUTS = {
    "name": "new_name",
    "sex": "new_sex",
    "birth_date": "new_birth_date",
    "id_type": "new_id_type",
    "id_number": "new_number",
}


def raise_case(actor: Any, task_id: int, person_id: uuid.UUID) -> Case:
    """Begin the case with what the family wrote and its papers; the registrar looks it over and sends it.

    Raises PermissionDenied, Http404, `CollectError`.
    """
    actor.require("case.start")
    task, _seen = queries.form(actor, task_id, person_id)
    values = held(actor, [person_id])[person_id]
    with transaction.atomic():
        with acting("writer"):
            row = Form.objects.select_for_update().filter(task_id=task_id, person_id=person_id).first()
        if row is None or not row.keys_wait or row.school_id != actor.org_id:
            raise Http404
        if row.case_id is not None:
            raise CollectError(_("这项更正已经发起了业务"))
        new = sheet.changed(values, accepted(row))
        keys = sheet.key_fields(new)
        try:
            with acting("writer"):
                case = changes.start(actor, business="correct_key", person_id=person_id)
                form = {_INPUTS[k]: new[k] for k in keys}
                case = changes.save_draft(
                    actor,
                    case_id=case.case_id,
                    form={**form, "reason": _("%s中家长提出, 已核对证件") % task.title},
                )
        except CaseError as error:
            raise CollectError(error.message) from error
        _papers(actor, case, row)
        with acting("writer"):
            Form.objects.filter(task_id=task_id, person_id=person_id).update(
                case_id=case.case_id, keys_wait=False, sealed=None
            )
        row.case_id = case.case_id
        tell(actor, row, "case", "", case=str(case.case_id))
    return case


def _papers(actor: Any, case: Case, row: Form) -> None:
    """The family's papers go into the slots of the case, in order; what has no slot stays with the form."""
    start = Org.objects.get(pk=case.org_id)
    slots = [s.doc for s in slots_of(policy_for(start, timezone.localdate()), case)]
    papers = [p for p in row.proofs if p["category"] != "form"]
    for slot, paper in zip(slots, papers, strict=False):
        file = files.get(actor, uuid.UUID(paper["file"]))
        try:
            changes.attach(actor, case_id=case.case_id, slot=slot, data=files.read(file), name=file.name)
        except (CaseError, ValueError):
            continue
