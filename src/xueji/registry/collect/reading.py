"""The second door behind the masks: a whole new value of a form, for a purpose, logged first."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import PORTAL
from xueji.ground.audit.commands import record
from xueji.ground.duty import queries as duty
from xueji.ground.standards import fields as national_form
from xueji.registry.people import groups

from . import queries, sheet
from .errors import CollectError
from .held import shown

_SHORTEST = 4


def whole_value(actor: Any, task_id: int, person_id: uuid.UUID, key: str, purpose: str) -> tuple[str, str]:
    """What the family wrote in a field, plain, and its mask. For whoever checks or confirms and may read the group:
    whoever compares an answer with the papers has to read it, and nothing but that answer.

    Raises PermissionDenied, Http404, `CollectError` without a purpose.
    """
    if actor.role in PORTAL or not (actor.can("collect.check") or actor.can("collect.confirm")):
        raise PermissionDenied
    if not duty.done(actor):
        raise PermissionDenied(_("查看完整信息前, 请先签署保密承诺书并完成保密培训"))
    _task, row = queries.form(actor, task_id, person_id)
    value = sheet.answers_of(row)["new"].get(key)
    try:
        spec = national_form.field(key)
    except KeyError as error:
        raise Http404 from error
    if not value or key not in {d["key"] for d in row.diff}:
        raise Http404
    if not groups.may(actor, groups.of_field(spec)):
        raise PermissionDenied(groups.who_may(groups.of_field(spec)))
    stated = " ".join(purpose.split())[:200]
    if len(stated) < _SHORTEST:
        raise CollectError(_("请说明查看的用途（至少4个字）"))
    record(
        actor,
        "collect.reveal",
        object_type="collect_form",
        object_id=task_id,
        person_id=person_id,
        purpose=stated,
        after={"field": key},
    )
    return value, shown(spec, value)
