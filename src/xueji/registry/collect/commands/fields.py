"""Which fields are collected: said by an authority for those below it, narrowed by a school (C-COL-22)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from .. import levels
from ..errors import CollectError
from ..models import FieldLevel


def set_levels(actor: Any, stage: str, wanted: Mapping[str, str]) -> int:
    """Say the level of fields for a stage; one that is the same as what holds without it is not kept. Returns how many
    changed. Raises PermissionDenied, `CollectError` for what the law or an authority does not allow.
    """
    actor.require("collect.fields")
    if stage not in levels.STAGES or actor.org_id is None:
        raise CollectError(_("请选择学段"))
    school = actor.org_kind == "school"
    specs = {f.key: f for f in levels.askable()}
    before = levels.own(actor, stage)
    new: dict[str, str] = {}
    for key, level in wanted.items():
        spec = specs.get(key)
        if spec is None or level not in levels.ORDER:
            continue
        if spec.is_key and level != levels.lawful(spec):
            raise CollectError(_("“%s”是关键信息, 法律规定必须采集") % spec.name)
        if level == "must" and spec.basis == "consent":
            raise CollectError(_("“%s”由家庭自愿提供, 不能定为必填") % spec.name)
        if not spec.is_key:
            new[key] = level
    if school:
        above = levels.before_own(actor.org_id, stage)
        for key, level in new.items():
            if levels.ORDER[level] > levels.ORDER[above[key]]:
                raise CollectError(_("“%s”按主管部门的规定不能要求得更多") % specs[key].name)
        new = {k: v for k, v in new.items() if v != above[k]}
    else:
        new = {k: v for k, v in new.items() if v != levels.lawful(specs[k])}
    touched = {k for k in set(new) | set(before) if new.get(k) != before.get(k)}
    with transaction.atomic():
        with acting("writer"):
            FieldLevel.objects.filter(org_id=actor.org_id, stage=stage).delete()
            FieldLevel.objects.bulk_create(
                [
                    FieldLevel(org_id=actor.org_id, stage=stage, key=k, level=v, set_by=actor.user_id)
                    for k, v in sorted(new.items())
                ]
            )
        record(
            actor,
            "collect.fields",
            object_type="org",
            object_id=actor.org_id,
            before={k: before.get(k, "") for k in sorted(touched)},
            after={k: new.get(k, "") for k in sorted(touched)} | {"stage": stage},
        )
    return len(touched)
