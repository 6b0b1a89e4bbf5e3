"""The only code that reads comparisons and distributions for others; all of it under row-level security."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from xueji.ground.waiting import Ask, Heap, Rows, day

from .models import Batch, Distribution, ItemState

LIMIT = 50

#: What became of a child in a distribution, in words.
RESULTS = {
    "G": _("下发 G 字头正式学籍号"),
    "J": _("下发 J 字头正式学籍号(无居民身份证号)"),
    "problem": _("暂留临时学籍号: 问题学籍未处理完"),
    "duplicate": _("暂留临时学籍号: 疑似重复未核对"),
    "unchecked": _("暂留临时学籍号: 身份未比对"),
    "failed": _("暂留临时学籍号: 身份比对不一致"),
    "taken": _("暂留临时学籍号: 号码已被使用或编号用完"),
}
DIFFERS = {
    "number": _("身份证号"),
    "name": _("姓名"),
    "sex": _("性别"),
    "birth_date": _("出生日期"),
}


@dataclass(frozen=True)
class Line:
    """One child with its state of comparison."""

    person_id: uuid.UUID
    name: str
    school: str
    class_label: str
    state: str
    differs: str
    answered_at: datetime | None
    source: str
    problem: bool

    @property
    def state_label(self) -> str:
        """一致, 不一致, 未比对, 待重试."""
        return str(ItemState(self.state).label)

    @property
    def differs_label(self) -> str:
        """Which fact differs, in words."""
        return str(DIFFERS.get(self.differs, ""))


@dataclass(frozen=True)
class Page:
    """Rows and the key of the next page (empty: the last)."""

    rows: list[Any]
    next: str


def results(
    actor: Any, *, state: str = "", school_id: int | None = None, after: str = "", limit: int = LIMIT
) -> Page:
    """Children with what the register said of them last, by name; with `state`, only those in it."""
    where = ["r.kind = 1", "r.reason = 'enrolled'", "r.status < 10"]
    args: dict[str, Any] = {"n": limit + 1, "state": state}
    if state:
        where.append("coalesce(i.state, 'unknown') = %(state)s")
    if school_id:
        where.append("r.school_id = %(school)s")
        args["school"] = school_id
    sort, _sep, key = after.rpartition("|")
    if sort and _is_uuid(key):
        where.append("(r.pinyin_sort, r.person_id) > (%(sort)s, %(key)s::uuid)")
        args |= {"sort": sort, "key": key}
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, o.name, coalesce(k.cohort_year || '级' || k.number || '班', ''),"
            "  coalesce(i.state, 'unknown'), coalesce(i.differs, ''), i.answered_at, coalesce(i.source, ''), r.problem,"
            "  r.pinyin_sort from roster r join org o on o.id = r.school_id"
            " left join school_class k on k.id = r.class_id"
            " left join lateral (select * from population_item x where x.person_id = r.person_id"
            "   order by x.batch_id desc limit 1) i on true"
            f" where {' and '.join(where)} order by r.pinyin_sort, r.person_id limit %(n)s",
            args,
        )
        rows = c.fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    return Page([Line(*r[:-1]) for r in rows], f"{rows[-1][-1]}|{rows[-1][0]}" if more else "")


def counts(actor: Any) -> dict[str, int]:
    """How many present records are in each state of comparison; one query."""
    with connection.cursor() as c:
        c.execute(
            "select coalesce(i.state, 'unknown'), count(*) from roster r left join lateral"
            " (select x.state from population_item x where x.person_id = r.person_id order by x.batch_id desc limit 1) i"
            " on true where r.kind = 1 and r.reason = 'enrolled' and r.status < 10 group by 1"
        )
        return dict(Counter(dict(c.fetchall())))


def heaps(actor: Any) -> Ask[list[Heap]] | None:
    """For the first page: a school's pupils whose identity the register does not confirm and who are no problem record
    yet; for the authority that compares, comparisons that broke off.
    """
    if actor.org_kind == "school":
        sql = (
            "select count(*) as n, (min(i.answered_at) at time zone 'Asia/Shanghai')::date as since from population_item i"
            " join roster r on r.person_id = i.person_id and r.school_id = i.school_id and r.kind = 1"
            "  and r.reason = 'enrolled' and r.status < 10 and not r.problem"
            " where i.school_id = %(org)s and i.state = 'failed' and not exists (select 1 from population_item x"
            "  where x.person_id = i.person_id and x.batch_id > i.batch_id)"
        )
        title, url, unit = _("身份核验不一致"), reverse("population:results") + "?tab=failed", _("%s 名")
    elif actor.can("population.compare"):
        sql = (
            "select count(*) as n, (min(created_at) at time zone 'Asia/Shanghai')::date as since from population_batch"
            " where org_id = %(org)s and state = 'stopped'"
        )
        title, url, unit = _("身份核验没有全部完成"), reverse("population:batches"), _("%s 批")
    else:
        return None

    def read(rows: Rows) -> list[Heap]:
        n = rows[0]["n"]
        return [Heap(title, n, url, unit % n, _("待处理"), day(rows[0]["since"]))] if n else []

    return Ask(sql, {"org": actor.org_id}, read)


def batches(limit: int = 20) -> list[Batch]:
    """The newest comparisons in sight."""
    return list(Batch.objects.order_by("-pk")[:limit])


def distributions(limit: int = 20) -> list[Distribution]:
    """The newest distributions that gave something to the records in sight, or that the unit began itself."""
    return list(Distribution.objects.order_by("-pk")[:limit])


def distribution(pk: int) -> Distribution:
    """One distribution. Raises Http404."""
    row = Distribution.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


@dataclass(frozen=True)
class GivenLine:
    """One child in a distribution."""

    person_id: uuid.UUID
    name: str
    school: str
    class_label: str
    result: str

    @property
    def label(self) -> str:
        """What became of it, in words."""
        return str(RESULTS.get(self.result, self.result))


def lines(
    actor: Any,
    pk: int,
    *,
    result: str = "",
    school_id: int | None = None,
    after: str = "",
    limit: int = LIMIT,
) -> Page:
    """The lines of a distribution that the actor's unit may read, by school and name."""
    where = ["g.distribution_id = %(pk)s"]
    args: dict[str, Any] = {"pk": pk, "n": limit + 1, "result": result}
    if result == "held":
        where.append("g.result not in ('G', 'J')")
    elif result:
        where.append("g.result = %(result)s")
    if school_id:
        where.append("g.school_id = %(school)s")
        args["school"] = school_id
    if _is_uuid(after):
        where.append("g.person_id > %(after)s::uuid")
        args["after"] = after
    with connection.cursor() as c:
        c.execute(
            "select g.person_id, coalesce(r.name, ''), o.name, coalesce(k.cohort_year || '级' || k.number || '班', ''),"
            "  g.result from number_given g join org o on o.id = g.school_id"
            " left join roster r on r.person_id = g.person_id and r.school_id = g.school_id and r.kind = 1"
            " left join school_class k on k.id = r.class_id"
            f" where {' and '.join(where)} order by g.person_id limit %(n)s",
            args,
        )
        rows = c.fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    return Page([GivenLine(*r) for r in rows], str(rows[-1][0]) if more else "")


def by_school(pk: int) -> list[tuple[int, str, int, int, int]]:
    """School, name, G, J and held of a distribution, as far as the actor's unit may read; one query."""
    with connection.cursor() as c:
        c.execute(
            "select o.id, o.name, count(*) filter (where g.result = 'G'), count(*) filter (where g.result = 'J'),"
            "  count(*) filter (where g.result not in ('G', 'J')) from number_given g join org o on o.id = g.school_id"
            " where g.distribution_id = %s group by 1, 2 order by 2 limit 2000",
            [pk],
        )
        return list(c.fetchall())


def waiting(actor: Any) -> int:
    """How many present records in sight still have a temporary number."""
    with connection.cursor() as c:
        c.execute(
            "select count(*) from roster where kind = 1 and reason = 'enrolled' and status < 10 and number_prefix = 'L'"
        )
        return int(c.fetchone()[0])


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
