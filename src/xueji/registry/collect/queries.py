"""Reading collection tasks: lists, boards by class and child, one form, what waits for whom. Everything under RLS."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone

from xueji.ground.accounts.roles import TEACHERS
from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import class_label
from xueji.ground.waiting import Ask, Rows, alone, day
from xueji.registry.enrolment.models import REGISTERED

from .models import Entry, Form, Progress, State, Task
from .words import FACES, TO_CHECK, TO_FILL

PAGE = 30
MOST = 200
#: How a form stands, in SQL; the words are `words.FACES`.
_FACE = (
    "case when f.state in ('unread', 'opened', 'returned') and f.later_on >= current_date then 'later'"
    " when f.state in ('unread', 'opened') and f.way = 'paper' then 'paper'"
    " when f.state = 'sent' and f.diff <> '[]'::jsonb then 'differs' else f.state end"
)


@dataclass(frozen=True)
class Counts:
    """Forms by face."""

    faces: dict[str, int] = field(default_factory=dict)
    late: int = 0

    @property
    def total(self) -> int:
        """All children who are still here."""
        return sum(n for face, n in self.faces.items() if face != "left")

    @property
    def sent(self) -> int:
        """Those whose answer has come."""
        return sum(self.faces.get(f, 0) for f in ("sent", "differs", "checked", "done"))

    @property
    def checking(self) -> int:
        """Those that wait for the teacher."""
        return sum(self.faces.get(f, 0) for f in TO_CHECK)

    @property
    def waiting(self) -> int:
        """Those that wait for the family."""
        return sum(self.faces.get(f, 0) for f in TO_FILL)

    @property
    def checked(self) -> int:
        """Those that wait for the school's confirmation."""
        return self.faces.get("checked", 0)

    @property
    def done(self) -> int:
        """Those in force."""
        return self.faces.get("done", 0)

    @property
    def open(self) -> int:
        """Those that are not finished."""
        return self.total - self.done

    @property
    def percent(self) -> int:
        """Share of answers that have come."""
        return self.sent * 100 // self.total if self.total else 0

    def figures(self) -> dict[str, int]:
        """Figures for the authority."""
        known = {"total": self.total, "sent": self.sent, "done": self.done, "late": self.late}
        return known | {f"is_{k}": self.faces.get(k, 0) for k in FACES}


def tasks(actor: Any, *, before: int | None = None) -> list[Task]:
    """Tasks in the actor's scope, newest first; one page and one more."""
    found = Task.objects.order_by("-id")
    if before:
        found = found.filter(pk__lt=before)
    return list(found[: PAGE + 1])


def task(actor: Any, task_id: int) -> Task:
    """One task. Raises Http404."""
    found = Task.objects.filter(pk=task_id).first()
    if found is None:
        raise Http404
    return found


def counts_of(actor: Any, task_ids: Sequence[int]) -> dict[int, Counts]:
    """Forms by face of several tasks; one query. A teacher counts the own classes; an authority, which sees no form,
    gets the figures of tasks that it sees.
    """
    faces: dict[int, dict[str, int]] = {t: {} for t in task_ids}
    late: dict[int, int] = dict.fromkeys(task_ids, 0)
    figures = actor.org_kind not in ("school", "") and not actor.classes
    with transaction.atomic(), acting("writer") if figures else nullcontext(), connection.cursor() as c:
        c.execute(
            f"select f.task_id, {_FACE}, count(*), count(*) filter (where t.due_on < current_date)"  # nosec B608
            " from collect_form f join collect_task t on t.id = f.task_id where f.task_id = any(%s) group by 1, 2",
            [list(task_ids)],
        )
        for task_id, face, n, over in c.fetchall():
            faces[task_id][face] = n
            late[task_id] += over if face in TO_FILL and face != "later" else 0
    return {t: Counts(faces[t], late[t]) for t in task_ids}


def counts(actor: Any, task_id: int) -> Counts:
    """Forms of one task by face."""
    return counts_of(actor, [task_id])[task_id]


@dataclass(frozen=True)
class ClassLine:
    """A class on the board, with its teachers."""

    class_id: int
    label: str
    counts: Counts
    teachers: str = ""


def by_class(actor: Any, found: Task) -> list[ClassLine]:
    """The board of a task by class; three queries."""
    faces: dict[int, dict[str, int]] = {}
    with connection.cursor() as c:
        c.execute(
            f"select coalesce(f.class_id, 0), {_FACE}, count(*) from collect_form f where f.task_id = %s group by 1, 2",  # nosec B608
            [found.pk],
        )
        for class_id, face, n in c.fetchall():
            faces.setdefault(class_id, {})[face] = n
        labels = labels_of(list(faces))
        c.execute(
            "select a.school_class_id, string_agg(u.display_name, '、' order by u.display_name)"
            " from role_assignment a join account_user u on u.id = a.user_id where a.school_class_id = any(%s)"
            " and a.role = 'class_teacher' and a.valid_from <= current_date"
            " and (a.valid_to is null or a.valid_to > current_date) group by 1",
            [list(faces)],
        )
        teachers = dict(c.fetchall())
    late = found.due_on < timezone.localdate()
    lines = [
        ClassLine(
            k,
            labels[k][0] if k in labels else "",
            Counts(f, sum(f.get(x, 0) for x in TO_FILL if x != "later") if late else 0),
            teachers.get(k, ""),
        )
        for k, f in faces.items()
    ]
    return sorted(lines, key=lambda x: labels[x.class_id][1] if x.class_id in labels else (9, 0, 0))


def labels_of(class_ids: Sequence[int]) -> dict[int, tuple[str, tuple[int, int, int]]]:
    """Classes as they are called today, and the key by which they are ordered; one query."""
    with connection.cursor() as c:
        c.execute(
            "select k.id, k.stage, k.cohort_year, k.number, s.system from school_class k"
            " join school s on s.org_id = k.school_id where k.id = any(%s)",
            [list(class_ids)],
        )
        today = timezone.localdate()
        return {
            pk: (class_label(stage, cohort, number, system, today), ("PJS".index(stage), -cohort, number))
            for pk, stage, cohort, number, system in c.fetchall()
        }


def class_words(class_id: int) -> str:
    """The class as it is called today."""
    found = labels_of([class_id])
    return found[class_id][0] if class_id in found else ""


@dataclass(frozen=True)
class Row:
    """A child on the board."""

    person_id: uuid.UUID
    name: str
    seat: int | None
    state: str
    face: str
    differences: int
    later_on: date | None
    later_asked: bool
    reminded_on: date | None
    way: str
    entered_name: str
    keys_wait: bool
    class_id: int | None = None
    place: str = ""
    version: int = 1

    @property
    def label(self) -> str:
        """The face in words."""
        return str(FACES[self.face][0])

    @property
    def tone(self) -> str:
        """Colour of the badge."""
        return FACES[self.face][1]

    @property
    def waits(self) -> bool:
        """Whether the family has something to do."""
        return self.face in TO_FILL


_COLUMNS = (
    "f.person_id, r.name, r.class_seat, f.state, "
    + _FACE
    + " as face, jsonb_array_length(f.diff), f.later_on,"
    " f.later_asked, f.reminded_on, f.way, f.entered_name, f.keys_wait, f.class_id, '' as place, f.version"
)
_FROM = " from collect_form f join roster r on r.person_id = f.person_id and r.school_id = f.school_id and r.kind = %s"
_ROW = "select " + _COLUMNS + _FROM


def of_class(actor: Any, task_id: int, class_id: int, *, face: str = "") -> list[Row]:
    """Children of a class with how their forms stand, by seat (a class is never larger than 200)."""
    with connection.cursor() as c:
        c.execute(
            f"select * from ({_ROW} where f.task_id = %s and f.class_id = %s and f.state <> 'left'"  # nosec B608
            "  order by r.class_seat nulls last, r.pinyin_sort, r.person_id limit 200) x"
            + (" where x.face = %s" if face else ""),
            [REGISTERED, task_id, class_id, *([face] if face else [])],
        )
        return [Row(*r) for r in c.fetchall()]


def waiting_rows(actor: Any, task_id: int, states: Sequence[str], *, limit: int = 60) -> list[Row]:
    """Children whose forms are in these states, by class and seat, at most `limit`."""
    with connection.cursor() as c:
        c.execute(
            f"{_ROW} where f.task_id = %s and f.state = any(%s)"
            " order by f.class_id, r.class_seat nulls last, r.pinyin_sort, r.person_id limit %s",
            [REGISTERED, task_id, list(states), min(limit, MOST)],
        )
        rows = [Row(*r) for r in c.fetchall()]
    labels = labels_of([r.class_id for r in rows if r.class_id])
    return [_placed(r, labels) for r in rows]


def key_rows(actor: Any, *, limit: int = 100) -> list[tuple[Row, int, str]]:
    """Confirmed differences of key facts that wait for their case: row, task, its title."""
    with connection.cursor() as c:
        c.execute(
            f"select {_COLUMNS}, t.id, t.title{_FROM} join collect_task t on t.id = f.task_id"  # nosec B608
            " where f.keys_wait and f.case_id is null order by t.id, f.class_id, r.pinyin_sort, r.person_id limit %s",
            [REGISTERED, limit],
        )
        rows = c.fetchall()
    labels = labels_of([r[12] for r in rows if r[12]])
    return [(_placed(Row(*r[:15]), labels), r[15], r[16]) for r in rows]


def _placed(row: Row, labels: dict[int, tuple[str, tuple[int, int, int]]]) -> Row:
    return replace(row, place=labels[row.class_id][0] if row.class_id in labels else "")


def board_row(row: Form, child: Any) -> Row:
    """One form as a row of the board."""
    face: str = row.state
    if (
        row.state in (State.UNREAD, State.OPENED, State.RETURNED)
        and (row.later_on or date.min) >= timezone.localdate()
    ):
        face = "later"
    elif row.state in (State.UNREAD, State.OPENED) and row.way == "paper":
        face = "paper"
    elif row.state == State.SENT and row.diff:
        face = "differs"
    return Row(
        row.person_id, child.name, child.class_seat, row.state, face, len(row.diff), row.later_on, row.later_asked,
        row.reminded_on, row.way, row.entered_name, row.keys_wait, row.class_id, child.class_name, row.version,
    )  # fmt: skip


def diffs(task_id: int, person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """What differs in these forms and was not refused, masked; one query."""
    rows = Form.objects.filter(task_id=task_id, person_id__in=list(person_ids)[:MOST])
    return {
        r.person_id: [d for d in r.diff if r.marks.get(d["key"], "yes") == "yes"]
        for r in rows.only("task_id", "person_id", "diff", "marks")
    }


def form(actor: Any, task_id: int, person_id: uuid.UUID) -> tuple[Task, Form]:
    """One form with its task. Raises Http404 for one that the actor does not see."""
    found = Form.objects.filter(task_id=task_id, person_id=person_id).first()
    if found is None:
        raise Http404
    # A family reads the task through its own form alone.
    with acting("writer"):
        return Task.objects.get(pk=task_id), found


def history(task_id: int, person_id: uuid.UUID) -> list[Entry]:
    """What happened to a form, newest first."""
    return list(Entry.objects.filter(task_id=task_id, person_id=person_id).order_by("-id")[:50])


@dataclass(frozen=True)
class FamilyTask:
    """A form as the family finds it on its home page."""

    task_id: int
    person_id: uuid.UUID
    title: str
    due_on: date
    state: str
    face: str
    note: str
    reminded_on: date | None
    entered_name: str
    open: bool

    @property
    def url(self) -> str:
        """Its page."""
        return f"/my/{self.person_id}/collect/{self.task_id}/"

    @property
    def to_do(self) -> bool:
        """Whether the family has something to do."""
        return self.open and self.state in (State.UNREAD, State.OPENED, State.RETURNED)

    @property
    def label(self) -> str:
        """How it stands, in words."""
        return str(FACES[self.face][0])

    @property
    def tone(self) -> str:
        """Colour of the badge."""
        return FACES[self.face][1]

    @property
    def late(self) -> bool:
        """Whether its day has passed."""
        return self.to_do and self.face != "later" and self.due_on < timezone.localdate()


def of_family(actor: Any, person_ids: Sequence[uuid.UUID]) -> list[FamilyTask]:
    """Forms of the actor's own children: open ones, and those that ended within a year; newest first; two queries."""
    mine = [p for p in person_ids if p in actor.persons]
    if not mine:
        return []
    with connection.cursor() as c:
        c.execute(
            f"select f.task_id, f.person_id, f.state, {_FACE}, f.note, f.reminded_on, f.entered_name"  # nosec B608
            " from collect_form f where f.person_id = any(%s::uuid[]) and f.state <> 'left'"
            " order by f.task_id desc limit 20",
            [mine],
        )
        rows = c.fetchall()
    if not rows:
        return []
    with acting("writer"):
        known = {t.pk: t for t in Task.objects.filter(pk__in={r[0] for r in rows})}
    return [
        FamilyTask(t, p, known[t].title, known[t].due_on, state, face, note, reminded, entered, known[t].open)
        for t, p, state, face, note, reminded, entered in rows
    ]


@dataclass(frozen=True)
class Todo:
    """What waits for a member of staff in one task."""

    task_id: int
    title: str
    due_on: date
    checking: int
    checked: int
    waiting: int
    later: int
    mine: int = 0
    chain: Sequence[str] = ()


def waiting(actor: Any) -> Ask[list[Todo]]:
    """Open tasks with something for this actor: forms to check, to confirm, to fill in again."""
    teacher = actor.role in TEACHERS
    confirms = actor.can("collect.confirm")

    def read(rows: Rows) -> list[Todo]:
        found = [Todo(**(row | {"due_on": day(row["due_on"])})) for row in rows]
        return [
            t
            for t in found
            if t.mine
            or (teacher and (t.checking or t.later or t.waiting))
            or (t.checking and actor.role in t.chain[:-1])
            or (confirms and t.checked and actor.role == t.chain[-1])
        ]

    return Ask(
        # Where nobody checks, what has come waits for the confirmation at once.
        "select t.id as task_id, t.title, t.due_on, t.chain,"
        " count(*) filter (where f.state = 'sent' and cardinality(t.chain) > 1) as checking,"
        " count(*) filter (where f.state = 'checked' or f.state = 'sent' and cardinality(t.chain) = 1) as checked,"
        " count(*) filter (where f.state in ('unread', 'opened', 'returned')) as waiting,"
        " count(*) filter (where f.later_asked) as later,"
        " count(*) filter (where f.state = 'returned' and f.entered_by = %(user)s) as mine"
        " from collect_task t join collect_form f on f.task_id = t.id where t.closed_at is null"
        " group by t.id, t.title, t.due_on, t.chain order by t.due_on, t.id limit 20",
        {"user": actor.user_id},
        read,
    )


def keys_ask(actor: Any) -> Ask[tuple[int, date | None]]:
    """How many confirmed differences of key facts wait for the registrar to begin their case, and since when."""
    return Ask(
        "select count(*) as n, min((f.confirmed_at at time zone 'Asia/Shanghai')::date) as since from collect_form f"
        " where f.keys_wait and f.case_id is null",
        {},
        lambda rows: (rows[0]["n"], day(rows[0]["since"])),
    )


def keys_waiting(actor: Any) -> int:
    """How many confirmed differences of key facts wait for the registrar to begin their case."""
    return alone(keys_ask(actor))[0]


def progress(actor: Any, *, limit: int = 100) -> list[Progress]:
    """Progress sheets that schools gave, newest first."""
    return list(Progress.objects.order_by("-day", "school_id", "-id")[:limit])


def given(task_id: int) -> list[Progress]:
    """Progress sheets of one task, newest first."""
    return list(Progress.objects.filter(task_id=task_id).order_by("-day", "-pk")[:20])


def refreshed(person_id: uuid.UUID) -> date | None:
    """The day on which a full refresh of this child was last in force (C-COL-20); None: not yet."""
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select max(f.confirmed_at) from collect_form f join collect_task t on t.id = f.task_id"
            " where f.person_id = %s and t.refresh and f.state = 'done'",
            [person_id],
        )
        found = c.fetchone()[0]
    return timezone.localtime(found).date() if found else None
