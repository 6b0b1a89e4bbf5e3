"""The only code that reads the year's work for others. All of it runs under row-level security; lists are paged."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.http import whole
from xueji.ground.orgs.grades import class_label
from xueji.ground.orgs.models import Stage
from xueji.ground.policy.statuses import Status
from xueji.ground.standards import codes
from xueji.ground.standards.identity import SEX_WORDS
from xueji.ground.waiting import Ask, alone
from xueji.registry.changes.queries import due_words

from .models import GraduationList, ListKind, ListStatus

PAGE = 50
VERDICTS = {
    "ready": gettext_lazy("可以办理"),
    "warn": gettext_lazy("可以办理, 有提醒"),
    "ask": gettext_lazy("待补充"),
    "blocked": gettext_lazy("暂不能办理"),
}
TONES = {"ready": "green", "warn": "amber", "ask": "blue", "blocked": "red"}


def title_of(row: GraduationList) -> str:
    """2026届小学毕业名册: by the year in which the list takes effect."""
    stage = Stage(row.stage).label
    return _("%(year)s届%(stage)s%(kind)s") % {
        "year": row.effective_on.year, "stage": stage, "kind": ListKind(row.kind).label,
    }  # fmt: skip


@dataclass(frozen=True)
class ListRow:
    """A list in a list of lists."""

    list_id: uuid.UUID
    number: str
    title: str
    school: str
    status: str
    holder: str
    step: str
    due_on: date | None
    mine: bool
    n: int
    all: int
    effective_on: date

    @property
    def face(self) -> str:
        """Code of the status chip."""
        return "rejected" if self.status == ListStatus.REFUSED else self.status

    @property
    def due_words(self) -> str:
        """The deadline in words, of a list that somebody holds."""
        return due_words(self.due_on) if self.status in (ListStatus.RUNNING, ListStatus.RETURNED) else ""

    @property
    def overdue(self) -> bool:
        """Past its day."""
        return bool(self.due_words) and self.due_on is not None and self.due_on < timezone.localdate()


_LISTS = (
    "select l.list_id, coalesce(l.number, ''), l.kind, l.stage, l.cohort_year, l.effective_on, l.status, o.name,"
    "  coalesce(h.name, ''), coalesce(s.label, ''), coalesce(s.due_on, l.due_on),"
    "  (s.org_id = %(org)s and s.role = %(role)s) or (l.status = 'returned' and l.school_id = %(org)s and %(starts)s),"
    "  (select count(*) from graduation_item i where i.list_id = l.list_id and i.result is not null),"
    "  (select count(*) from graduation_item i where i.list_id = l.list_id), l.created_at"
    " from graduation_list l join org o on o.id = l.school_id"
    " left join graduation_step s on s.list_id = l.list_id and s.state = 'current'"
    " left join org h on h.id = s.org_id where true"
)
#: A draft is the school's own paper.
_SENT = (
    " and (l.status <> 'draft' or l.school_id = %(org)s) and (l.number is not null or l.school_id = %(org)s)"
)


def lists(
    actor: Any, *, tab: str = "", school: int | None = None, after: str = ""
) -> tuple[list[ListRow], str]:
    """Lists in scope, newest first, a page of 50 and the key of the next. Tabs: todo, running, ended, or all."""
    where = {
        "todo": " and ((s.org_id = %(org)s and s.role = %(role)s)"
        " or (l.status = 'returned' and l.school_id = %(org)s and %(starts)s))",
        "running": " and l.status in ('draft', 'running', 'returned', 'approved')",
        "ended": " and l.status in ('done', 'refused', 'cancelled')",
    }.get(tab, "")
    moment, _bar, key = after.partition("|")
    try:
        seen = datetime.fromisoformat(moment), str(uuid.UUID(key))
    except ValueError:
        seen = None
    with connection.cursor() as c:
        c.execute(
            _LISTS + _SENT + where + (" and l.school_id = %(school)s" if school else "")
            + (" and (l.created_at, l.list_id) < (%(moment)s, %(key)s::uuid)" if seen else "")
            + " order by l.created_at desc, l.list_id desc limit %(n)s",
            {
                "org": actor.org_id, "role": actor.role, "starts": actor.can("case.start"), "school": school,
                "moment": seen[0] if seen else None, "key": seen[1] if seen else None, "n": PAGE + 1,
            },
        )  # fmt: skip
        found = c.fetchall()
    out = [_row(r) for r in found[:PAGE]]
    more = f"{found[PAGE - 1][-1].isoformat()}|{found[PAGE - 1][0]}" if len(found) > PAGE else ""
    return out, more


def _row(r: tuple[Any, ...]) -> ListRow:
    row = GraduationList(kind=r[2], stage=r[3], cohort_year=r[4], effective_on=r[5])
    return ListRow(r[0], r[1], title_of(row), r[7], r[6], r[8], r[9], r[10], bool(r[11]), r[12], r[13], r[5])


def todo(actor: Any) -> list[ListRow]:
    """Lists that wait for the actor (at most 50). For those who have a unit to act for."""
    if not (actor.can("case.decide") or actor.can("case.start")):
        return []
    return lists(actor, tab="todo")[0]


@dataclass(frozen=True)
class Waiting:
    """A heap of graduates that waits for the actor's unit: how many, what to do, where."""

    n: int
    label: str
    url: str


@dataclass(frozen=True)
class Year:
    """What the first page tells of the year's work: how many lists wait for the actor, and which heaps of graduates."""

    lists: int = 0
    heaps: tuple[Waiting, ...] = ()


def load(actor: Any) -> Ask[Year] | None:
    """Lists and admissions that wait for the actor's unit, in numbers."""
    if not actor.can("yearly.view") or actor.org_id is None:
        return None
    return Ask(
        "select count(*) filter (where state = 'placed' and to_school_id = %(org)s) as placed,"
        " count(*) filter (where state = 'asked' and to_county_id = %(org)s) as asked,"
        " count(*) filter (where state = 'released' and from_county_id = %(org)s) as released,"
        " (select count(*) from graduation_step s where s.state = 'current' and s.org_id = %(org)s and s.role = %(role)s)"
        " + (select count(*) from graduation_list l where l.status = 'returned' and l.school_id = %(org)s and %(starts)s)"
        " as lists from admission"
        " where state in ('asked', 'released', 'placed') and (to_school_id = %(org)s or to_county_id = %(org)s"
        "  or from_county_id = %(org)s)",
        {"org": actor.org_id, "role": str(actor.role), "starts": actor.can("case.start")},
        lambda rows: Year(rows[0]["lists"], tuple(_heaps(actor, **rows[0]))),
    )


def waiting(actor: Any) -> list[Waiting]:
    """Admissions that wait for the actor's unit; one query."""
    ask = load(actor)
    return list(alone(ask).heaps) if ask else []


def _heaps(actor: Any, placed: int, asked: int, released: int, lists: int) -> list[Waiting]:
    out = []
    if placed and actor.can("case.start"):
        out.append(Waiting(placed, _("毕业生等待接收"), "/yearly/admission/?tab=placed"))
    if actor.can("yearly.place"):
        if asked:
            out.append(Waiting(asked, _("本地学校申请接收外地毕业生"), "/yearly/admission/?tab=asked"))
        if released:
            out.append(Waiting(released, _("外地学校申请接收本地毕业生"), "/yearly/admission/?tab=released"))
    return out


def get(actor: Any, list_id: uuid.UUID) -> GraduationList:
    """One list. Raises Http404 to strangers, and for another unit's draft."""
    row = GraduationList.objects.filter(pk=list_id).first()
    if row is None or (row.number is None and row.school_id != actor.org_id):
        raise Http404
    if row.status == ListStatus.DRAFT and row.school_id != actor.org_id:
        raise Http404
    return row


@dataclass(frozen=True)
class Item:
    """A child on a list, as its page shows it."""

    person_id: uuid.UUID
    name: str
    sex: str
    birth_date: date
    place: str
    seat: int | None
    from_status: str
    verdict: str
    proposed: str
    result: int | None
    manual: bool
    reason: str
    changed_by: str
    given: dict[str, Any]
    findings: list[dict[str, Any]]
    done: bool
    destination: str = ""

    @property
    def result_label(self) -> str:
        """What it gets, in words."""
        return str(Status(self.result).label) if self.result is not None else _("不列入")

    @property
    def face(self) -> str:
        """Code of the chip of the result."""
        return {12: "graduated", 13: "completed", 14: "incomplete", 1: "reading"}.get(self.result or 0, "")

    @property
    def verdict_label(self) -> str:
        """The readiness in words."""
        return str(VERDICTS[self.verdict])

    @property
    def tone(self) -> str:
        """Tone of the readiness."""
        return TONES[self.verdict]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What somebody should look at: what stops, and rules that lead to another result."""
        return [
            x for x in self.findings if x["verdict"] != "pass" and (x["verdict"] != "warn" or x["article"])
        ][:6]

    @property
    def reminders(self) -> str:
        """What should be mended and stops nobody, in a few words."""
        return "；".join(
            x["sentence"].partition(",")[0]
            for x in self.findings
            if x["verdict"] == "warn" and not x["article"]
        )

    @property
    def rests_on(self) -> dict[str, Any] | None:
        """The first rule that was met, for those of whom there is nothing to say."""
        return next((x for x in self.findings if x["verdict"] == "pass"), None)


@dataclass(frozen=True)
class Filters:
    """What the children of a list can be narrowed by."""

    verdict: str = ""
    result: str = ""
    code: str = ""
    class_id: int | None = None
    text: str = ""


def filters_from(data: Any) -> Filters:
    """Filters as they stand in an address or a form."""
    verdict, result = data.get("verdict", ""), data.get("result", "")
    return Filters(
        verdict=verdict if verdict in VERDICTS else "",
        result=result if result in ("12", "13", "14", "1", "none") else "",
        code=data.get("code", "")[:60],
        class_id=whole(data.get("class")),
        text=data.get("q", "").strip()[:40],
    )


def _where(f: Filters) -> tuple[str, dict[str, Any]]:
    parts = ["i.list_id = %(list)s"]
    given: dict[str, Any] = {}
    if f.verdict:
        parts.append("v.verdict = %(verdict)s")
        given["verdict"] = f.verdict
    if f.result == "none":
        parts.append("i.result is null")
    elif f.result:
        parts.append("i.result = %(result)s")
        given["result"] = int(f.result)
    if f.code:
        parts.append("v.findings @> %(code)s::jsonb")
        given["code"] = json.dumps([{"code": f.code}])
        parts.append("exists (select 1 from jsonb_array_elements(v.findings) x where x ->> 'code' = %(bare)s"
                     " and x ->> 'verdict' <> 'pass')")  # fmt: skip
        given["bare"] = f.code
    if f.class_id:
        parts.append("i.class_id = %(class)s")
        given["class"] = f.class_id
    if f.text:
        parts.append("position(%(text)s in i.name) > 0")
        given["text"] = f.text
    return " and ".join(parts), given


_ITEM = (
    " from graduation_item i join graduation_vector v on v.list_id = i.list_id and v.no = i.vector_no"
    " left join school_class k on k.id = i.class_id join school s on s.org_id = i.school_id"
)


def items(row: GraduationList, f: Filters, after: str = "", limit: int = PAGE) -> tuple[list[Item], str]:
    """The children of a list by pinyin, a page and the key of the next."""
    where, given = _where(f)
    sort, bar, key = after.rpartition("|")
    if bar:
        where += " and (i.pinyin_sort, i.person_id) > (%(sort)s, %(key)s::uuid)"
        try:
            given |= {"sort": sort, "key": str(uuid.UUID(key))}
        except ValueError:
            raise Http404 from None
    with connection.cursor() as c:
        c.execute(
            "select i.person_id, i.name, i.sex, i.birth_date, k.stage, k.cohort_year, k.number, s.system, i.class_seat,"
            "  i.from_status, v.verdict, v.proposed, i.result, i.manual, i.reason, i.changed_by, i.given, v.findings,"
            "  i.event_id is not null, coalesce(d.code, ''), coalesce(d.place, ''), i.pinyin_sort"
            + _ITEM + " left join graduate_destination d on d.person_id = i.person_id and d.stage = %(stage)s"
            f" where {where} order by i.pinyin_sort, i.person_id limit %(n)s",
            given | {"list": row.list_id, "n": limit + 1, "stage": row.stage},
        )  # fmt: skip
        found = c.fetchall()
    goes = codes.table("graduate_to_byqx")
    out = []
    for r in found[:limit]:
        place = class_label(r[4], r[5], r[6], r[7], row.effective_on) if r[6] else ""
        out.append(
            Item(
                r[0], r[1], SEX_WORDS.get(r[2], ""), r[3], place, r[8], str(Status(r[9]).label), r[10],
                str(Status(r[11]).label) if r[11] is not None else "", r[12], r[13], r[14], r[15], _json(r[16]), _json(r[17]),
                r[18], f"{goes.label(r[19])} {r[20]}".strip() if r[19] else "",
            )
        )  # fmt: skip
    more = f"{found[limit - 1][-1]}|{found[limit - 1][0]}" if len(found) > limit else ""
    return out, more


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def persons(row: GraduationList, f: Filters) -> list[uuid.UUID]:
    """All children that filters leave, for a deed on the whole result (at most 5,000)."""
    where, given = _where(f)
    with connection.cursor() as c:
        c.execute(
            f"select i.person_id {_ITEM} where {where} order by i.person_id limit 5000",
            given | {"list": row.list_id},
        )
        return [r[0] for r in c.fetchall()]


@dataclass(frozen=True)
class Summary:
    """The readiness of a list: how many by verdict and by result, and what keeps or reminds."""

    verdicts: dict[str, int]
    results: dict[str, int]
    reasons: list[dict[str, Any]]
    classes: list[tuple[int, str, int, int]]

    @property
    def included(self) -> int:
        """How many are reported."""
        return sum(n for key, n in self.results.items() if key != "none")

    @property
    def total(self) -> int:
        """All children of the list."""
        return sum(self.results.values())


def summary(row: GraduationList) -> Summary:
    """Four small queries for any number of children."""
    with connection.cursor() as c:
        c.execute(
            "select v.verdict, coalesce(i.result::text, 'none'), count(*)"
            + _ITEM + " where i.list_id = %s group by 1, 2", [row.list_id],
        )  # fmt: skip
        verdicts = dict.fromkeys(VERDICTS, 0)
        results: dict[str, int] = {}
        for verdict, result, n in c.fetchall():
            verdicts[verdict] += n
            results[result] = results.get(result, 0) + n
        c.execute(
            "select x ->> 'code', min(x ->> 'verdict'), min(x ->> 'sentence'), min(x ->> 'article'), sum(v.n)"
            " from graduation_vector v cross join lateral jsonb_array_elements(v.findings) x"
            " where v.list_id = %s and x ->> 'verdict' <> 'pass' group by 1 order by 2, 5 desc limit 30",
            [row.list_id],
        )
        reasons = [
            {"code": r[0], "verdict": r[1], "sentence": r[2], "article": r[3], "n": int(r[4])}
            for r in c.fetchall()
        ]
        c.execute(
            "select i.class_id, k.stage, k.cohort_year, k.number, s.system, count(*), count(i.result)"
            + _ITEM + " where i.list_id = %s and i.class_id is not null group by 1, 2, 3, 4, 5 order by 4 limit 100",
            [row.list_id],
        )  # fmt: skip
        classes = [
            (r[0], class_label(r[1], r[2], r[3], r[4], row.effective_on), r[5], r[6]) for r in c.fetchall()
        ]
    order = {"block": 0, "ask": 1, "warn": 2}
    reasons.sort(key=lambda x: (order[x["verdict"]], -x["n"]))
    return Summary(verdicts, results, reasons, classes)


def cohorts(actor: Any) -> list[dict[str, Any]]:
    """Cohorts of the actor's school in their last year or beyond it, with how many are still here; one query."""
    from . import facts

    with connection.cursor() as c:
        c.execute(
            "select r.stage, r.cohort_year, s.system, count(*) from roster r join school s on s.org_id = r.school_id"
            " where r.school_id = %s and r.kind = 1 and r.reason = 'enrolled' and r.status between 1 and 9"
            " group by 1, 2, 3 order by 1, 2 limit 60",
            [actor.org_id],
        )
        found = c.fetchall()
    today = timezone.localdate()
    out = []
    for stage, cohort, system, n in found:
        end = facts.ends_on(stage, cohort, system)
        if date(end.year - 1, 9, 1) <= today:
            label = _("%(stage)s %(cohort)s级") % {"stage": Stage(stage).label, "cohort": cohort}
            out.append(
                {
                    "stage": stage, "cohort": cohort, "n": n, "end": end, "over": end <= today, "label": label,
                    "effective_on": max(today, end),
                }
            )  # fmt: skip
    return out
