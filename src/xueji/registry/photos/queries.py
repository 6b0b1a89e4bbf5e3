"""Reading batches of photos, and who has none yet."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import class_label
from xueji.ground.orgs.models import School
from xueji.ground.waiting import Ask, Heap, Rows, day
from xueji.registry.enrolment.models import REGISTERED
from xueji.registry.people import places

from .matching import Pupil
from .models import ItemState, PhotoBatch, PhotoItem

PAGE = 40
#: Pupils of one school at most.
_ROSTER = 20_000
_HERE = "school_id = %s and kind = 1 and reason = 'enrolled' and status < 10"


def batches(actor: Any, *, before: int | None = None) -> list[PhotoBatch]:
    """Batches of the school, newest first, one page and one more."""
    found = PhotoBatch.objects.order_by("-id")
    if before:
        found = found.filter(id__lt=before)
    return list(found[: PAGE + 1])


def batch(actor: Any, batch_id: int) -> PhotoBatch:
    """One batch. Raises Http404."""
    found = PhotoBatch.objects.filter(pk=batch_id).first()
    if found is None:
        raise Http404
    return found


@dataclass(frozen=True)
class ItemRow:
    """A picture as the page shows it, with the pupil whose it is."""

    no: int
    label: str
    state: str
    how: str
    note: str
    file_id: uuid.UUID | None
    person_id: uuid.UUID | None
    name: str
    place: str


def items(batch: PhotoBatch, *, states: Sequence[str], after: int = 0) -> list[ItemRow]:
    """Pictures of a batch in these states, in order, one page and one more."""
    with connection.cursor() as c:
        c.execute(
            "select i.no, i.label, i.state, i.how, i.note, i.file_id, i.person_id, coalesce(r.name, ''), r.stage,"
            " r.cohort_year, k.number from photo_item i"
            " left join roster r on r.person_id = i.person_id and r.school_id = i.school_id and r.kind = %s"
            "   and r.reason = 'enrolled'"
            " left join school_class k on k.id = r.class_id"
            " where i.batch_id = %s and i.state = any(%s) and i.no > %s order by i.no limit %s",
            [REGISTERED, batch.pk, list(states), after, PAGE + 1],
        )
        rows = c.fetchall()
    system = system_of(batch.school_id)
    return [
        ItemRow(no, text, state, how, note, file, person, name, label(stage, cohort, number, system))
        for no, text, state, how, note, file, person, name, stage, cohort, number in rows
    ]


def counts(batch_id: int) -> dict[str, int]:
    """Pictures of a batch by state."""
    with connection.cursor() as c:
        c.execute("select state, count(*) from photo_item where batch_id = %s group by state", [batch_id])
        found = dict(c.fetchall())
    return {state: found.get(state, 0) for state in ItemState.values}


def system_of(school_id: int) -> str:
    """The school's system of years."""
    return str(School.objects.filter(pk=school_id).values_list("system", flat=True).first() or "6-3-3")


def label(stage: str | None, cohort: int | None, number: int | None, system: str) -> str:
    """三年级(2)班, or nothing."""
    return class_label(stage, cohort, number, system, today()) if stage and cohort and number else ""


def pupils(actor: Any, school_id: int) -> list[Pupil]:
    """Everybody on the school's roster, for matching."""
    system = system_of(school_id)
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.stage, r.cohort_year, k.number, r.class_seat from roster r"
            f" left join school_class k on k.id = r.class_id where r.{_HERE} order by r.person_id limit %s",
            [school_id, _ROSTER],
        )
        return [Pupil(p, n, label(s, y, k, system), seat) for p, n, s, y, k, seat in c.fetchall()]


def holders(actor: Any, school_id: int, numbers: Sequence[str]) -> dict[str, uuid.UUID]:
    """Which of these whole numbers belongs to which pupil of the school; others are not told."""
    wanted = list(dict.fromkeys(numbers))[:20_000]
    if not wanted:
        return {}
    with connection.cursor() as c:
        c.execute(f"select person_id from roster where {_HERE} limit %s", [school_id, _ROSTER])
        here = [row[0] for row in c.fetchall()]
    by_index = {places.identity_index("1", n.removeprefix("G")): n for n in wanted}
    numbered = {places.number_index(places.NATIONAL, n): n for n in wanted}
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute(
            "select bidx, person_id from identity_lookup where id_type = '1' and bidx = any(%s::bytea[])"
            " and person_id = any(%s::uuid[])",
            [list(by_index), here],
        )
        out = {by_index[bytes(b)]: person for b, person in c.fetchall()}
        c.execute(
            "select bidx, person_id from number_lookup where scheme = %s and bidx = any(%s::bytea[])"
            " and person_id = any(%s::uuid[])",
            [places.NATIONAL, list(numbered), here],
        )
        out |= {numbered[bytes(b)]: person for b, person in c.fetchall()}
    return out


def on_roster(actor: Any, person_id: uuid.UUID) -> bool:
    """Whether the pupil's record is at the actor's school now."""
    return person_id in still_here(actor, [person_id])


def still_here(actor: Any, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these pupils whose record is at the actor's school now."""
    with connection.cursor() as c:
        c.execute(
            f"select person_id from roster where {_HERE} and person_id = any(%s::uuid[])",
            [actor.org_id, list(ids)],
        )
        return {row[0] for row in c.fetchall()}


@dataclass(frozen=True)
class Lacking:
    """A pupil without a photo."""

    person_id: uuid.UUID
    name: str
    place: str


def lacking(actor: Any, *, page: int = 0) -> tuple[list[Lacking], int]:
    """Pupils of the school without a photo in the order of classes, one page, and how many there are."""
    system = system_of(actor.org_id)
    with connection.cursor() as c:
        c.execute(
            "select count(*) from roster r left join person_photo f using (person_id)"
            f" where r.{_HERE} and f.person_id is null",
            [actor.org_id],
        )
        total = int(c.fetchone()[0])
        c.execute(
            "select r.person_id, r.name, r.stage, r.cohort_year, k.number from roster r"
            " left join person_photo f using (person_id) left join school_class k on k.id = r.class_id"
            f" where r.{_HERE} and f.person_id is null"
            " order by r.cohort_year desc, r.stage, k.number, r.class_seat, r.person_id limit %s offset %s",
            [actor.org_id, PAGE, PAGE * min(page, _ROSTER // PAGE)],
        )
        rows = [Lacking(p, n, label(s, y, k, system)) for p, n, s, y, k in c.fetchall()]
    return rows, total


@dataclass(frozen=True)
class ClassPhotos:
    """A class before the camera: how many pupils it has, and how many of them have no photo."""

    class_id: int
    label: str
    total: int
    lacking: int


def by_class(actor: Any) -> list[ClassPhotos]:
    """Classes of the actor's school with pupils, in their order; two queries."""
    system = system_of(actor.org_id)
    with connection.cursor() as c:
        c.execute(
            "select k.id, k.stage, k.cohort_year, k.number, count(*), count(*) filter (where f.person_id is null)"
            " from roster r join school_class k on k.id = r.class_id left join person_photo f using (person_id)"
            f" where r.{_HERE} group by k.id order by k.cohort_year desc, k.stage, k.number limit 500",
            [actor.org_id],
        )
        rows = c.fetchall()
    return [ClassPhotos(pk, label(s, y, n, system), total, none) for pk, s, y, n, total, none in rows]


@dataclass(frozen=True)
class Sitter:
    """A pupil of a class before the camera."""

    person_id: uuid.UUID
    name: str
    seat: int | None
    has: bool


def sitters(actor: Any, class_id: int) -> list[Sitter]:
    """Pupils of a class of the actor's school by seat; a class is never larger than 200; one query."""
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.class_seat, f.person_id is not null from roster r"
            f" left join person_photo f using (person_id) where r.{_HERE} and r.class_id = %s"
            " order by r.class_seat nulls last, r.pinyin_sort, r.person_id limit 200",
            [actor.org_id, class_id],
        )
        return [Sitter(*row) for row in c.fetchall()]


def waiting(actor: Any) -> Ask[list[Heap]]:
    """For the first page of a school: batches to look over and to confirm, and pupils without a photo."""

    def read(rows: Rows) -> list[Heap]:
        row = rows[0]
        ready = reverse("photos:batch", args=[row["one"]]) if row["ready"] == 1 else reverse("photos:list")
        heaps = [
            Heap(_("照片"), row["ready"], ready, _("%s 批") % row["ready"], _("待确认"), day(row["since"])),
            Heap(
                _("没有照片的学生"), row["lacking"], reverse("photos:lacking"), _("%s 名") % row["lacking"], _("待补拍"),
                day(row["lacking_since"]),
            ),
        ]  # fmt: skip
        return [heap for heap in heaps if heap.n]

    local = "at time zone 'Asia/Shanghai')::date"
    return Ask(
        "select b.n as ready, b.one, b.since, f.n as lacking, f.since as lacking_since from"
        f" (select count(*) as n, min(id) as one, (min(created_at) {local} as since from photo_batch"
        "   where school_id = %(org)s and state = 'ready') b,"
        f" (select count(*) as n, (min(r.since) {local} as since from roster r"
        f"   where r.{_HERE.replace('%s', '%(org)s')} and not exists (select 1 from person_photo p"
        "    where p.person_id = r.person_id)) f",
        {"org": actor.org_id},
        read,
    )


def named(actor: Any, text: str) -> list[Lacking]:
    """Pupils of the school whose name begins with a text, for saying whose picture it is; at most twenty."""
    if len(text) < 1:
        return []
    system = system_of(actor.org_id)
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.stage, r.cohort_year, k.number from roster r"
            f" left join school_class k on k.id = r.class_id where r.{_HERE} and starts_with(r.name, %s)"
            " order by r.name, r.person_id limit 20",
            [actor.org_id, text],
        )
        return [Lacking(p, n, label(s, y, k, system)) for p, n, s, y, k in c.fetchall()]


def item(batch_id: int, no: int) -> PhotoItem:
    """One picture. Raises Http404."""
    found = PhotoItem.objects.filter(batch_id=batch_id, no=no).first()
    if found is None:
        raise Http404
    return found
