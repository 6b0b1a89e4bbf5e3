"""A correction whose new number another record holds becomes a problem record of both (F-12, step 5)."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.standards.identity import normalise_identity
from xueji.registry.people import places
from xueji.registry.people.models import IdentityLookup
from xueji.registry.problems import commands as problems
from xueji.registry.problems.models import Kind, Problem

from ..errors import CaseError
from ._base import EDITABLE, audit, material, opened, own, require_status


def dispute_number(actor: Any, *, case_id: uuid.UUID) -> Problem:
    """Open the problem 身份证件号重复 on the child of a draft and on whoever holds the number now (C-DUP-02).

    The draft stays as it is. Raises Http404, `CaseError` when nobody else holds the number, `ProblemError`.
    """
    actor.require("case.start")
    with opened(actor, case_id) as case:
        own(actor, case)
        require_status(case, EDITABLE)
        m = material(actor, case)
        id_type = case.form.get("new_id_type") or m.subject.id_type
        number = normalise_identity(m.new_number)
        holder = (
            IdentityLookup.objects.filter(id_type=id_type, bidx=places.identity_index(id_type, number))
            .exclude(person_id=m.subject.person_id)
            .values_list("person_id", flat=True)
            .first()
            if number
            else None
        )
        if holder is None:
            raise CaseError(_("这个证件号没有登记在其他学生名下, 可以直接提交变更"))
        found = problems.open_problem(
            actor,
            Kind.SAME_ID,
            [m.subject.person_id, holder],
            source="change",
            note=_("关键信息变更时发现证件号已登记在另一名学生名下"),
            id_type=id_type,
            number=number,
            holder=holder,
        )
        audit(actor, "dispute", case, problem=found.number)
    return found
