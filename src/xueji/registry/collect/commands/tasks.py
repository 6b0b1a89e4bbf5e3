"""Tasks: opened with one form a child in one statement, brought up to date with the roster, extended, closed, reported."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs import queries as orgs
from xueji.ground.orgs.models import Org
from xueji.ground.policy import places
from xueji.ground.standards import fields as national_form

from .. import arrivals, levels, queries
from ..errors import CollectError
from ..models import Progress, Task
from ..words import ARRIVALS, COMMITMENTS, GROUND, SCOPES
from ._base import words

MOST_FIELDS = 60
#: Words of `collect.chain` in the packs, as roles.
CHAIN = {"班主任": "class_teacher", "学校学籍主管领导": "school_head", "学籍管理员": "registrar"}
DEFAULT_CHAIN = ("class_teacher", "school_head")

# One statement, whatever the number of children: a form for whoever is on the roster of these classes and has none yet.
_FILL = (
    "insert into collect_form (task_id, person_id, school_id, class_id)"
    " select %(task)s, r.person_id, r.school_id, r.class_id from roster r"
    " where r.school_id = %(school)s and r.kind = 1 and r.reason = 'enrolled' and r.status = 1"
    " and r.class_id = any(%(classes)s) and (%(persons)s::uuid[] is null or r.person_id = any(%(persons)s::uuid[]))"
    " on conflict do nothing"
)
_MOVE = (
    "update collect_form f set class_id = r.class_id, version = f.version + 1,"
    " state = case when f.state = 'left' then 'unread' else f.state end from roster r"
    " where f.task_id = %(task)s and r.person_id = f.person_id and r.school_id = f.school_id and r.kind = 1"
    " and r.reason = 'enrolled' and r.status < 10 and (f.class_id is distinct from r.class_id or f.state = 'left')"
)
_GONE = (
    "update collect_form f set state = 'left', sealed = null, version = f.version + 1 where f.task_id = %(task)s"
    " and f.state not in ('left', 'done') and not exists (select 1 from roster r where r.person_id = f.person_id"
    " and r.school_id = f.school_id and r.kind = 1 and r.reason = 'enrolled' and r.status < 10)"
)


def open_task(
    actor: Any,
    *,
    title: str,
    purpose: str,
    scope: str,
    due_on: date,
    class_ids: Sequence[int] = (),
    grades: Sequence[str] = (),
    fields: Mapping[str, str] | None = None,
    commitments: Sequence[str] = (),
    refresh: bool = False,
) -> Task:
    """Open a collection and make one form a child (C-COL-01). `fields`: key -> must or may, within what is allowed.

    Raises PermissionDenied, `CollectError`.
    """
    actor.require("collect.open")
    if actor.org_kind != "school":
        raise Http404
    if len(title.strip()) < 2 or len(purpose.strip()) < 5:
        raise CollectError(_("请写明采集的名称和目的"))
    if due_on < timezone.localdate():
        raise CollectError(_("截止日期不能早于今天"))
    chosen = _classes(actor, scope, class_ids, grades)
    allowed = levels.for_task(actor.org_id, sorted({c.stage for c in chosen}))
    asked = dict(fields) if fields is not None else {k: v for k, v in allowed.items() if v != "none"}
    _within(asked, allowed)
    task = Task(
        school_id=actor.org_id,
        county_id=actor.county_id or 0,
        title=title.strip()[:60],
        purpose=purpose.strip()[:300],
        ground=str(GROUND),
        scope=scope,
        scope_words=_scope_words(scope, chosen),
        class_ids=[c.id for c in chosen],
        fields=asked,
        commitments=[c for c in COMMITMENTS if c in commitments],
        chain=_chain(actor),
        refresh=refresh,
        due_on=due_on,
        creator_id=actor.user_id,
        creator_name=actor.user_name[:60],
    )
    _begin(actor, task)
    return task


def open_for_arrivals(actor: Any, person_ids: Sequence[uuid.UUID], *, due_on: date) -> Task:
    """Open a collection for children who came from another school (C-COL-19): what is missing on their records and what
    changes with a move; their forms show what the former school's data brought.

    Raises PermissionDenied, Http404, `CollectError`.
    """
    actor.require("collect.open")
    if actor.org_kind != "school":
        raise Http404
    if due_on < timezone.localdate():
        raise CollectError(_("截止日期不能早于今天"))
    with transaction.atomic():
        with connection.cursor() as c:
            # Two colleagues at once: the second finds nobody left.
            c.execute("select pg_advisory_xact_lock(hashtext('collect.arrivals'), %s)", [actor.org_id])
        wanted = set(person_ids)
        chosen = [a for a in arrivals.came(actor, waiting=True) if a.person_id in wanted]
        if not chosen:
            raise CollectError(_("请勾选要采集的转入学生; 已经发放过的不会再发"))
        if unplaced := [a.name for a in chosen if a.class_id is None]:
            raise CollectError(_("%s 还没有编班, 请先编班再采集") % "、".join(unplaced[:5]))
        task = Task(
            school_id=actor.org_id,
            county_id=actor.county_id or 0,
            title=_("转入学生信息采集 %s") % timezone.localdate().isoformat(),
            purpose=_("补全转入学生的学籍信息, 核对转学后变化的住址、联系方式和上下学方式"),
            ground=str(GROUND),
            scope=ARRIVALS,
            # Read by everybody who sees the task, the authority among them: no names.
            scope_words=_("转入学生 %s 人") % len(chosen),
            class_ids=sorted({a.class_id for a in chosen if a.class_id}),
            fields=arrivals.fields_for(
                chosen, levels.for_task(actor.org_id, sorted({a.stage for a in chosen}))
            ),
            chain=_chain(actor),
            due_on=due_on,
            creator_id=actor.user_id,
            creator_name=actor.user_name[:60],
        )
        _begin(actor, task, [a.person_id for a in chosen])
    return task


def _begin(actor: Any, task: Task, persons: Sequence[uuid.UUID] | None = None) -> None:
    """Write the task and a form for each child of its classes, or for these children of them alone."""
    with transaction.atomic():
        with acting("writer"):
            task.save(force_insert=True)
            task.total = _fill(task, persons)
            if not task.total:
                raise CollectError(_("选定的班级里没有在读学生"))
            Task.objects.filter(pk=task.pk).update(total=task.total)
        record(
            actor,
            "collect.open",
            object_type="collect_task",
            object_id=task.pk,
            row_count=task.total,
            persons=persons,
            after={
                "fields": sorted(task.fields),
                "scope": task.scope,
                "due_on": task.due_on.isoformat(),
                "purpose": task.purpose,
            },
        )


def _within(asked: Mapping[str, str], allowed: Mapping[str, str]) -> None:
    """What a school asks stays within what it may ask (C-COL-22). Raises `CollectError` with the field's name."""
    if not asked or len(asked) > MOST_FIELDS:
        raise CollectError(_("请选择要采集的信息项"))
    for key, level in asked.items():
        most = allowed.get(key, "none")
        if level not in ("must", "may") or levels.ORDER[level] > levels.ORDER[most]:
            name = next((f.name for f in national_form.fields() if f.key == key), key)
            text = (
                _("“%s”不需要采集, 不能要求家庭提供") if most == "none" else _("“%s”只能选填, 不能定为必填")
            )
            raise CollectError(text % name)


def _classes(actor: Any, scope: str, class_ids: Sequence[int], grades: Sequence[str]) -> list[orgs.ClassRow]:
    rows = orgs.classes_of(actor.org_id)
    if scope == "classes":
        rows = [c for c in rows if c.id in set(class_ids)]
    elif scope == "grade":
        rows = [c for c in rows if c.grade and c.grade.code in set(grades)]
    elif scope == "graduating":
        rows = [c for c in rows if c.grade and c.grade.last]
    elif scope == "entrants":
        rows = [c for c in rows if c.grade and c.grade.year == 1]
    elif scope != "school":
        raise CollectError(_("请选择采集范围"))
    if not rows:
        raise CollectError(_("这个范围里没有班级"))
    return rows


def _scope_words(scope: str, rows: Sequence[orgs.ClassRow]) -> str:
    if scope in ("classes", "grade"):
        names = list(dict.fromkeys(c.label if scope == "classes" else c.grade_label for c in rows))
        return "、".join(names)[:100]
    return str(SCOPES[scope])


def _chain(actor: Any) -> list[str]:
    """Who checks and who confirms by the rules of the place (`collect.chain`); the last one is the school's."""
    policy = places.policy_for(Org.objects.filter(pk=actor.org_id).first(), timezone.localdate())
    try:
        held = policy.param("collect.chain")
    except KeyError:
        return list(DEFAULT_CHAIN)
    said = {CHAIN[w] for w in held.value if w in CHAIN} if held.stated else set(DEFAULT_CHAIN)
    last = "registrar" if "registrar" in said and "school_head" not in said else "school_head"
    return [role for role in ("class_teacher", "registrar") if role in said and role != last] + [last]


def _fill(task: Task, persons: Sequence[uuid.UUID] | None = None) -> int:
    who = None if persons is None else list(persons)
    with connection.cursor() as c:
        c.execute(
            _FILL, {"task": task.pk, "school": task.school_id, "classes": task.class_ids, "persons": who}
        )
        return int(c.rowcount)


def renew(actor: Any, task_id: int) -> tuple[int, int]:
    """Bring the forms up to date with the roster: newcomers get one, whoever left is set aside. Returns both counts."""
    actor.require("collect.open")
    task = _own(actor, task_id)
    with transaction.atomic():
        with acting("writer"), connection.cursor() as c:
            Task.objects.select_for_update().get(pk=task.pk)
            c.execute(_MOVE, {"task": task.pk})
            c.execute(_GONE, {"task": task.pk})
            gone = int(c.rowcount)
            # A collection for those who came names them: nobody joins it later.
            new = 0 if task.scope == ARRIVALS else _fill(task)
            c.execute(
                "update collect_task set total = (select count(*) from collect_form where task_id = %s"
                " and state <> 'left') where id = %s",
                [task.pk, task.pk],
            )
        record(
            actor,
            "collect.renew",
            object_type="collect_task",
            object_id=task.pk,
            after={"new": new, "gone": gone},
        )
    return new, gone


def extend(actor: Any, task_id: int, due_on: date) -> None:
    """A later (or earlier) day until which families answer. Raises `CollectError`."""
    actor.require("collect.open")
    task = _own(actor, task_id)
    if due_on < timezone.localdate():
        raise CollectError(_("截止日期不能早于今天"))
    with transaction.atomic():
        with acting("writer"):
            Task.objects.filter(pk=task.pk).update(due_on=due_on)
        record(
            actor,
            "collect.extend",
            object_type="collect_task",
            object_id=task.pk,
            before={"due_on": task.due_on.isoformat()},
            after={"due_on": due_on.isoformat()},
        )


def close_task(actor: Any, task_id: int, *, reason: str = "") -> None:
    """End a task. Answers that are not in force are deleted: they were provisional (C-COL-15). Raises `CollectError`
    without a reason while forms are unfinished.
    """
    actor.require("collect.open")
    task = _own(actor, task_id)
    open_left = queries.counts(actor, task_id).open
    said = words(reason) if open_left else ""
    with transaction.atomic():
        with acting("writer"), connection.cursor() as c:
            Task.objects.filter(pk=task.pk).update(closed_at=timezone.now())
            # What waits for the case of a key fact is kept until that case has been begun.
            c.execute(
                "update collect_form set sealed = null, version = version + 1 where task_id = %s and not keys_wait",
                [task.pk],
            )
        record(
            actor,
            "collect.close",
            object_type="collect_task",
            object_id=task.pk,
            after={"unfinished": open_left, "reason": said},
        )


def give_progress(actor: Any, task_id: int) -> Progress:
    """Give today's figures to the authority (C-COL-24); a second time on one day replaces the first."""
    actor.require("collect.open")
    task = _own(actor, task_id)
    found = queries.counts(actor, task_id)
    with transaction.atomic():
        with acting("writer"):
            row, _new = Progress.objects.update_or_create(
                task_id=task.pk,
                day=timezone.localdate(),
                defaults={
                    "school_id": task.school_id,
                    "county_id": task.county_id,
                    "title": task.title,
                    "figures": found.figures(),
                    "given_by": actor.user_name[:60],
                },
            )
        record(
            actor,
            "collect.progress",
            object_type="collect_task",
            object_id=task.pk,
            after={"total": found.total, "sent": found.sent, "done": found.done},
        )
    return row


def _own(actor: Any, task_id: int) -> Task:
    """An open task of the actor's own school. Raises Http404, `CollectError`."""
    task = queries.task(actor, task_id)
    if task.school_id != actor.org_id:
        raise Http404
    if not task.open:
        raise CollectError(_("这项采集已经结束, 不能再改"))
    return task
