"""The only code that reads merges for others, and what the commands must know of two records before they write."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy.statuses import Status
from xueji.ground.standards.idtypes import RESIDENT
from xueji.registry.enrolment import holds
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.people import queries as people
from xueji.registry.problems import commands as problem_commands
from xueji.registry.problems import joining as problems

from .attached import moved
from .errors import DuplicatesError
from .models import Merge

LIMIT = 50


# --- for the commands, in the writing role -----------------------------------------------------------------------


@dataclass(frozen=True)
class Both:
    """Two records before a merge: who stands above both, what is in the way, and a stamp of all that was looked at."""

    superior: Org
    parties: list[int]
    told: dict[str, Any]
    stamp: str
    conflicts: list[str]
    open_chain: bool
    rows: dict[uuid.UUID, dict[str, Any]]
    kept: uuid.UUID
    merged: uuid.UUID


def require_sight(*person_ids: uuid.UUID) -> None:
    """Raises Http404 unless the actor sees the whole records; under row-level security."""
    with connection.cursor() as c:
        c.execute("select count(*) from person where person_id = any(%s::uuid[])", [list(person_ids)])
        if c.fetchone()[0] != len(set(person_ids)) or len(set(person_ids)) != len(person_ids):
            raise Http404


def lock(*person_ids: uuid.UUID) -> None:
    """Hold the people's rows until the transaction ends, in one order for all."""
    with connection.cursor() as c:
        c.execute(
            "select 1 from person where person_id = any(%s::uuid[]) order by person_id for update",
            [list(person_ids)],
        )


def both(kept: uuid.UUID, merged: uuid.UUID) -> Both:
    """What a decision on two records rests on; a fixed number of statements. Raises `DuplicatesError` without a chain."""
    with connection.cursor() as c:
        c.execute(
            "select p.person_id, p.name, p.sex, p.birth_date, p.version, p.merged_into, p.check_state,"
            "  e.school_id, e.county_id, k.path, o.name, e.status, e.event_id, d.id_type,"
            "  coalesce((select max(r.open_case) from roster r where r.person_id = p.person_id), ''),"
            "  exists (select 1 from pending_link l where l.person_id = p.person_id),"
            "  exists (select 1 from enrolment_state g where g.person_id = p.person_id and g.kind = 2"
            "          and g.valid_to is null and g.status < 10)"
            " from person p"
            " left join enrolment_state e on e.person_id = p.person_id and e.kind = 1 and e.valid_to is null"
            " left join org k on k.id = e.county_id left join org o on o.id = e.school_id"
            " left join identity_document d on d.person_id = p.person_id and d.until is null"
            " where p.person_id = any(%s::uuid[])",
            [[kept, merged]],
        )
        keys = (
            "person_id", "name", "sex", "birth_date", "version", "merged_into", "check_state", "school_id", "county_id",
            "path", "school", "status", "event_id", "id_type", "open_case", "pending", "guest",
        )  # fmt: skip
        rows = {row[0]: dict(zip(keys, row, strict=True)) for row in c.fetchall()}
    if len(rows) != 2 or any(r["school_id"] is None for r in rows.values()):
        raise DuplicatesError(_("有一份档案没有学籍, 不能合并"))
    a, b = rows[kept], rows[merged]
    superior = problem_commands.superior_of([(r["county_id"], r["path"]) for r in (a, b)])
    return Both(
        superior=superior,
        parties=sorted({superior.pk, *(r[k] for r in (a, b) for k in ("school_id", "county_id"))}),
        told={
            side: {"name": r["name"], "school": r["school"], "school_id": r["school_id"]}
            for side, r in (("kept", a), ("merged", b))
        },
        stamp=f"{a['version']}:{b['version']}:{a['event_id']}:{b['event_id']}",
        conflicts=_conflicts(a, b),
        open_chain=Status(b["status"]).is_open,
        rows=rows,
        kept=kept,
        merged=merged,
    )


def _conflicts(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """What must be settled before the two can be merged, in words."""
    out = []
    for r in (a, b):
        if r["merged_into"]:
            out.append(_("%(school)s的档案已经合并到别的档案") % r)
        if r["open_case"]:
            out.append(_("%(school)s的档案有业务 %(open_case)s 正在办理, 请先办结") % r)
        if r["pending"]:
            out.append(_("%(school)s的档案有尚未生效的变动, 生效后才能合并") % r)
    if b["guest"]:
        out.append(_("%(school)s的档案正在借读, 请先结束借读") % b)
    if Status(b["status"]).is_open and not Status(a["status"]).is_open:
        out.append(_("请以在籍的一份为准: %(school)s的学籍还在继续") % b)
    out += holds.reasons([a["person_id"], b["person_id"]]).values()
    out += [
        _("问题学籍 %s 还涉及第三份档案, 请先处理") % number
        for number in problems.open_with_others(a["person_id"], b["person_id"])
    ]
    return out


def wrong_choice(both: Both, take: Mapping[str, str]) -> list[str]:
    """Choices that do not go together: the identity number says sex and birth date."""
    a, b = both.rows[both.kept], both.rows[both.merged]
    rows = {"kept": a, "merged": b}
    out = []
    papers = rows[take.get("identity", "kept")]
    if take.get("identity") == "merged" and not b["id_type"]:
        out.append(_("被合并的档案没有在用的证件, 不能选用"))
    if papers["id_type"] == RESIDENT:
        for fact, word in (("sex", _("性别")), ("birth_date", _("出生日期"))):
            if rows[take.get(fact, "kept")][fact] != papers[fact]:
                out.append(_("选用的%s与选用的身份证号不一致") % word)
    return out


def last_link(person_id: uuid.UUID) -> datetime | None:
    """When the last link of the registered chain began."""
    with connection.cursor() as c:
        c.execute(
            "select max(valid_from) from enrolment_state where person_id = %s and kind = 1", [person_id]
        )
        found: datetime | None = c.fetchone()[0]
        return found


def ended_records(person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Records that were merged into another: nothing of them may change (a hold of enrolment)."""
    with connection.cursor() as c:
        c.execute(
            "select person_id from person where person_id = any(%s::uuid[]) and merged_into is not null",
            [list(person_ids)],
        )
        return {row[0]: _("这份档案已经合并到另一份档案, 请在那一份上办理") for row in c.fetchall()}


# --- for pages, under row-level security ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One fact of both records, and which of them may be chosen."""

    fact: str
    label: str
    kept: str
    merged: str
    choice: bool
    theirs: bool = False

    @property
    def differs(self) -> bool:
        """Whether the two records say different things."""
        return self.kept != self.merged


@dataclass(frozen=True)
class Preview:
    """Two records beside each other: their facts, what comes along, and what stands in the way."""

    superior: str
    mine: bool
    conflicts: list[str]
    lines: list[Line]
    comes: list[tuple[Any, int, int]]
    chains: dict[str, list[Any]]
    told: dict[str, Any]


FACT_WORDS = {
    "name": gettext_lazy("姓名"),
    "sex": gettext_lazy("性别"),
    "birth_date": gettext_lazy("出生日期"),
    "ethnicity": gettext_lazy("民族"),
    "nationality": gettext_lazy("国籍/地区"),
    "identity": gettext_lazy("身份证件和学籍号"),
    "photo": gettext_lazy("照片"),
}
#: Tables of which the preview counts rows, in words.
_COMES = {
    "identity_document": gettext_lazy("证件"),
    "student_number": gettext_lazy("学籍号"),
    "guardian": gettext_lazy("家庭成员"),
    "event": gettext_lazy("学籍记录"),
    "case_": gettext_lazy("业务"),
    "certificate": gettext_lazy("证明"),
    "stored_file": gettext_lazy("材料"),
    "portal_link": gettext_lazy("家长账号"),
    "family_request": gettext_lazy("家长申请"),
    "consent": gettext_lazy("同意书"),
    "guardianship": gettext_lazy("监护查阅限制"),
}


def preview(actor: Any, kept: uuid.UUID, merged: uuid.UUID) -> Preview:
    """Both records for whoever may merge; a fixed number of statements. Raises Http404, `DuplicatesError`."""
    require_sight(kept, merged)
    cards = people.cards(actor, [kept, merged])
    a, b = cards[kept], cards[merged]
    with acting("writer"):
        found = both(kept, merged)
        counts = _counts(kept, merged)
        conflicts = [*found.conflicts]
    only = bool(b.identity and not a.identity)
    sexes, photo = {"1": _("男"), "2": _("女")}, {True: _("有"), False: _("无")}
    lines = [
        Line("name", _("姓名"), a.name, b.name, True),
        Line("sex", _("性别"), sexes.get(a.sex, a.sex), sexes.get(b.sex, b.sex), True, only),
        Line("birth_date", _("出生日期"), a.birth_date.isoformat(), b.birth_date.isoformat(), True, only),
        Line("ethnicity", _("民族"), a.ethnicity_label, b.ethnicity_label, True),
        Line("nationality", _("国籍/地区"), a.nationality_label, b.nationality_label, True),
        Line("identity", _("身份证件(学籍号随证件)"), a.identity, b.identity, bool(b.identity), only),
        Line("number", _("全国学籍号"), a.number, b.number, False),
        Line("photo", _("照片"), photo[a.has_photo], photo[b.has_photo], a.has_photo and b.has_photo),
    ]
    return Preview(
        superior=found.superior.name,
        mine=found.superior.pk == actor.org_id,
        conflicts=conflicts,
        lines=lines,
        comes=[(label, *counts[table]) for table, label in _COMES.items()],
        chains={
            "kept": [x for x in enrolment.chains(kept) if x.kind == 1],
            "merged": [x for x in enrolment.chains(merged) if x.kind == 1],
        },
        told=found.told,
    )


def _counts(kept: uuid.UUID, merged: uuid.UUID) -> dict[str, tuple[int, int]]:
    tables = list(dict.fromkeys([*_COMES, *moved()]))
    with connection.cursor() as c:
        c.execute(
            " union all ".join(
                f"select '{t}', count(*) filter (where person_id = %(a)s), count(*) filter (where person_id = %(b)s)"
                f" from {t} where person_id in (%(a)s, %(b)s)"
                for t in tables
            ),
            {"a": kept, "b": merged},
        )
        return {row[0]: (row[1], row[2]) for row in c.fetchall()}


def merges(actor: Any, *, state: str = "", after: str = "", limit: int = LIMIT) -> tuple[list[Merge], str]:
    """Merges that the actor's unit takes part in, the newest first; `after` is the number of the page before."""
    rows = Merge.objects.order_by("-number")
    if state:
        rows = rows.filter(state=state)
    if after:
        rows = rows.filter(number__lt=after)
    found = list(rows[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    return found, found[-1].number if more else ""


def merge(merge_id: uuid.UUID) -> Merge:
    """One merge for a unit that takes part. Raises Http404."""
    found = Merge.objects.filter(pk=merge_id).first()
    if found is None:
        raise Http404
    return found


def gone_to(person_id: uuid.UUID) -> uuid.UUID | None:
    """Into which record this one was merged; None when it stands for itself or is out of sight."""
    with connection.cursor() as c:
        c.execute("select merged_into from person where person_id = %s", [person_id])
        row = c.fetchone()
        return row[0] if row else None
