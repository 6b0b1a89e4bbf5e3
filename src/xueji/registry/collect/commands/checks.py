"""What the class teacher does: look at differences, pass, return; grant time; paper instead of phone; remind."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting

from .. import queries
from ..errors import CollectError
from ..models import WITH_FAMILY, Form, State, Task
from ..words import PAPERS
from ._base import now, opened, save, tell, tell_many, words
from .answers import add_paper


def marked(row: Form, marks: Mapping[str, str]) -> dict[str, str]:
    """A word about every difference: "yes", or "no: reason". Raises `CollectError` where one is missing."""
    out = {}
    for line in row.diff:
        said = marks.get(line["key"], "")
        if said == "yes":
            out[line["key"]] = "yes"
        elif said.startswith("no:"):
            out[line["key"]] = f"no: {words(said[3:], 2)}"
        else:
            raise CollectError(_("请逐项选择“接受”或“不接受”: %s") % line["label"])
    return out


def check(
    actor: Any, task_id: int, person_id: uuid.UUID, *, marks: Mapping[str, str], version: int | None = None
) -> Form:
    """The teacher has compared every difference with the papers (C-COL-13): 班主任已核.

    Raises PermissionDenied, Http404, `CollectError`.
    """
    actor.require("collect.check")
    with opened(actor, task_id, person_id, version) as (task, row):
        _checks(actor, task)
        if row.state != State.SENT:
            raise CollectError(_("这份信息现在不在核对环节, 请刷新"))
        row.marks = marked(row, marks)
        row.state = State.CHECKED
        row.checked_by, row.checked_name, row.checked_at = actor.user_id, actor.user_name[:60], now()
        save(row, "marks", "state", "checked_by", "checked_name", "checked_at")
        refused = [x["label"] for x in row.diff if row.marks[x["key"]] != "yes"]
        tell(actor, row, "check", _("不接受: %s") % "、".join(refused) if refused else "")
    return row


def check_plain(actor: Any, task_id: int, class_id: int) -> int:
    """Pass all forms of a class in which nothing differs, in one statement; returns how many."""
    actor.require("collect.check")
    task = queries.task(actor, task_id)
    _open(task)
    _checks(actor, task)
    ids = [r.person_id for r in queries.of_class(actor, task_id, class_id, face="sent")]
    with transaction.atomic():
        with acting("writer"):
            rows = list(
                Form.objects.select_for_update()
                .filter(task_id=task_id, person_id__in=ids, state=State.SENT, diff=[])
                .order_by("person_id")
            )
            Form.objects.filter(task_id=task_id, person_id__in=[r.person_id for r in rows]).update(
                state=State.CHECKED,
                checked_by=actor.user_id,
                checked_name=actor.user_name[:60],
                checked_at=now(),
            )
        tell_many(actor, rows, "check")
    return len(rows)


def return_form(
    actor: Any, task_id: int, person_id: uuid.UUID, *, reason: str, version: int | None = None
) -> Form:
    """Back to whoever entered it, with the reason (C-COL-14): the family, or the teacher who typed it for them."""
    if not actor.can("collect.confirm"):
        actor.require("collect.check")
    with opened(actor, task_id, person_id, version) as (_task, row):
        if row.state not in (State.SENT, State.CHECKED):
            raise CollectError(_("这份信息现在不在核对环节, 请刷新"))
        row.state, row.note = State.RETURNED, words(reason)
        row.checked_by, row.checked_name, row.checked_at = None, "", None
        save(row, "state", "note", "checked_by", "checked_name", "checked_at")
        tell(actor, row, "return", row.note)
    return row


def allow_later(actor: Any, task_id: int, person_id: uuid.UUID, *, until: date, reason: str = "") -> None:
    """Grant a later day (C-COL-23): until then the form counts as 延期, not as missing. Raises `CollectError`."""
    actor.require("collect.check")
    if until <= timezone.localdate():
        raise CollectError(_("延期的日期要在今天以后"))
    with opened(actor, task_id, person_id) as (_task, row):
        if row.state not in WITH_FAMILY:
            raise CollectError(_("这份信息已经提交, 不需要延期"))
        if not row.later_asked:
            row.later_why = words(reason)
        row.later_on, row.later_asked = until, False
        save(row, "later_on", "later_why", "later_asked")
        tell(actor, row, "later", f"{until.isoformat()} {row.later_why}")


def set_way(actor: Any, task_id: int, person_id: uuid.UUID, *, paper: bool) -> None:
    """The family answers on paper (线下), or on the phone after all."""
    actor.require("collect.check")
    with opened(actor, task_id, person_id) as (_task, row):
        if row.state not in WITH_FAMILY:
            raise CollectError(_("这份信息已经提交"))
        row.way = "paper" if paper else "online"
        save(row, "way")
        tell(actor, row, "paper" if paper else "online")


def scan(actor: Any, task_id: int, person_id: uuid.UUID, *, category: str, data: bytes, name: str) -> None:
    """File the scan of a paper: the signed form, or a proof, under its archive category (C-COL-11, C-COL-18)."""
    actor.require("collect.check")
    if category not in PAPERS:
        raise CollectError(_("请选择这是什么材料"))
    with opened(actor, task_id, person_id) as (_task, row):
        add_paper(actor, row, category=category, data=data, name=name)
        save(row, "proofs")
        tell(actor, row, "scan", str(PAPERS[category]))


def remind(actor: Any, task_id: int, class_id: int, person_ids: Sequence[uuid.UUID] = ()) -> int:
    """Remind families of a class that have not answered, once a day; in one statement. Returns how many."""
    actor.require("collect.check")
    task = queries.task(actor, task_id)
    _open(task)
    today = timezone.localdate()
    wanted = [
        r.person_id
        for r in queries.of_class(actor, task_id, class_id)
        if r.face in ("unread", "opened", "returned")
        and r.reminded_on != today
        and (not person_ids or r.person_id in person_ids)
    ]
    with transaction.atomic():
        with acting("writer"):
            rows = list(
                Form.objects.select_for_update()
                .filter(task_id=task_id, person_id__in=wanted)
                .exclude(reminded_on=today)
                .order_by("person_id")
            )
            Form.objects.filter(task_id=task_id, person_id__in=[r.person_id for r in rows]).update(
                reminded_on=today, reminders=F("reminders") + 1
            )
        tell_many(actor, rows, "remind")
    return len(rows)


def _checks(actor: Any, task: Task) -> None:
    """Raises PermissionDenied where the place's chain has no checking, or gives it to others."""
    if not task.checker(actor.role):
        raise PermissionDenied(_("按当地规则, 这项采集不由您核对"))


def _open(task: Task) -> None:
    if not task.open:
        raise CollectError(_("这项采集已经结束, 不能再改"))
