"""验印: the county confirms that it sealed the certificates of a list (C-GRA-04)."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from .. import sealing
from ..errors import YearlyError
from ..models import GraduationList, ListStatus
from ._base import note, opened, require_status


def confirm_seal(actor: Any, *, list_id: uuid.UUID, version: int | None = None) -> GraduationList:
    """Record that the certificates of a list were sealed: who and when, once for a list.

    Raises PermissionDenied to anybody but the county of the school, Http404, `YearlyError`.
    """
    actor.require("yearly.place")
    with opened(actor, list_id, version) as row:
        if row.county_id != actor.org_id:
            raise PermissionDenied(_("由学校的县级主管部门验印"))
        require_status(row, (ListStatus.DONE,))
        if not sealing.of_compulsory_stage(row):
            raise YearlyError(_("只有小学和初中的毕业名册需要验印"))
        if sealing.seal_of(row) is not None:
            raise YearlyError(_("这份名册的证书已经验印"))
        note(row, actor, sealing.SEAL, _("证书已验印"))
    return row
