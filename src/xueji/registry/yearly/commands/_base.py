"""What the commands of lists share: opening one under lock, its log, its steps."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import Who, record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.registry.changes.routing import CLERK_ROLES

from ..errors import StaleList, YearlyError
from ..models import EDITABLE, GraduationList, GraduationLog, GraduationStep, ListStatus

SYSTEM = Who(user_id=None, user_name="系统", role="system", org_id=None)
MIN_WORDS = 5


@contextmanager
def opened(actor: Any, list_id: uuid.UUID, version: int | None = None) -> Iterator[GraduationList]:
    """The list, locked, in the writing role. Raises Http404 when the actor sees none, `StaleList`."""
    with transaction.atomic():
        if not GraduationList.objects.filter(pk=list_id).exists():
            raise Http404
        with acting("writer"):
            row = GraduationList.objects.select_for_update().get(pk=list_id)
            if version is not None and row.version != version:
                raise StaleList(_("这份名册刚有变动, 本页已更新, 请核对后再操作"))
            yield row


def own(actor: Any, row: GraduationList) -> None:
    """Only the school itself works on its list. Raises `YearlyError`."""
    if row.school_id != actor.org_id:
        raise YearlyError(_("名册由学校自己编制, 本单位不能做这一步"))


def require_status(row: GraduationList, allowed: Iterable[str]) -> None:
    """Raises `YearlyError` with the present status in words."""
    if row.status not in tuple(allowed):
        raise YearlyError(_("这份名册现在是“%s”, 不能做这一步") % ListStatus(row.status).label)


def editable(actor: Any, row: GraduationList) -> None:
    """The school's own draft, or what came back to it. Raises `YearlyError`."""
    own(actor, row)
    require_status(row, EDITABLE)


def save(row: GraduationList) -> None:
    """Store with the next version: pages drawn before are stale from now on."""
    row.version += 1
    row.save(force_update=True)


def note(row: GraduationList, who: Any, action: str, text: str = "", *, rows: int = 1, **more: Any) -> None:
    """Log and audit of one deed."""
    GraduationLog.objects.bulk_create(
        [
            GraduationLog(
                list=row, county_id=row.county_id, school_id=row.school_id, at=timezone.now(), actor_id=who.user_id,
                actor_name=who.user_name, org_id=who.org_id, action=action, text=text[:600],
            )
        ]
    )  # fmt: skip
    record(
        who,
        f"yearly.{action}",
        object_type="graduation_list",
        object_id=row.list_id,
        after={"number": row.number, "kind": row.kind, "status": row.status} | more,
        row_count=rows,
    )


def need_words(text: str) -> str:
    """The text, if it says enough. Raises `YearlyError`."""
    text = text.strip()
    if len(text) < MIN_WORDS:
        raise YearlyError(_("请写明理由, 至少 %s 个字") % MIN_WORDS)
    return text


def arrive(row: GraduationList, step: GraduationStep, today: date) -> None:
    """A step begins: whoever has the role there holds the list now."""
    step.state, step.arrived_at, step.decision, step.opinion = "current", timezone.now(), "", ""
    step.decider_id, step.decider_name, step.decided_at = None, "", None
    step.due_on = max(step.due_on or row.due_on, today)
    step.save()
    row.status, row.current_seq = ListStatus.RUNNING, step.seq


def my_step(actor: Any, row: GraduationList) -> GraduationStep:
    """The current step, if it is this actor's turn (四眼: nobody is both 经办 and 负责人 of one list)."""
    require_status(row, (ListStatus.RUNNING,))
    steps = list(GraduationStep.objects.filter(list=row).order_by("seq"))
    step = next(s for s in steps if s.state == "current")
    if (step.org_id, step.role) != (actor.org_id, actor.role):
        raise PermissionDenied(
            _("这份名册现在在%(org)s办理(%(step)s), 还没有轮到您")
            % {"org": Org.objects.get(pk=step.org_id).name, "step": step.label}
        )
    clerk = step.role in CLERK_ROLES
    for other in steps:
        mine = other.decider_id == actor.user_id or (other.seq == 1 and row.creator_id == actor.user_id)
        if (
            mine
            and other.seq != step.seq
            and (other.org_id == step.org_id or (other.role in CLERK_ROLES) != clerk)
        ):
            raise YearlyError(
                _("您已经办理过“%s”, 经办和核办不能是同一个人, 请由本单位另一位同事办理") % other.label
            )
    return step
