"""Proposals for withdrawal of who did not register in time; each is decided as a case, nobody is expelled by the software."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.registry.changes import commands as changes
from xueji.registry.changes.errors import CaseError

from ..errors import PlacementError
from ..queries import overdue, roster, terms

MOST = 20
#: So many stand on one list; a school with more must look at its marks first.
LISTED = 2_000


def propose(actor: Any, persons: Iterable[uuid.UUID]) -> int:
    """Begin a withdrawal for each of these pupils, with the article and the days filled in, for the school's decision;
    all of them or none.

    A draft that lies there is taken up, and keeps the reason that somebody wrote in it. Raises PermissionDenied, Http404
    for who is not on the list, `PlacementError` before the grace is over, where no rule speaks of it, and for a pupil who
    cannot be withdrawn now.
    """
    actor.require("case.start")
    ids = sorted(set(persons), key=str)
    if not 1 <= len(ids) <= MOST:
        raise PlacementError(_("请勾选 1 至 %s 名学生") % MOST)
    term = terms.term_of(today())
    held = overdue.standing(actor.org_id, term, today())
    if held is None:
        raise PlacementError(_("本地规则没有逾期不注册按自动退学处理的规定"))
    if not held.over:
        raise PlacementError(
            _("注册日 %(day)s 起还没有超过期限, 不能提出: %(why)s")
            % {"day": held.register_by, "why": held.sentence}
        )
    rows, _total = overdue.overdue(actor, term, only=ids)
    if len(rows) != len(ids):
        raise Http404
    note = _("%(term)s应于 %(day)s 注册, 已逾期 %(n)s 天, 没有请假。%(why)s") % {
        "term": term.label,
        "day": held.register_by,
        "n": held.days,
        "why": held.sentence,
    }
    with transaction.atomic():
        for row in rows:
            try:
                case = changes.start(actor, business="withdraw", person_id=row.person_id)
                if not (case.form.get("reason") or case.form.get("reason_note")):
                    form = case.form | {"reason": "其他", "reason_note": note[:200]}
                    changes.save_draft(actor, case_id=case.pk, form=form)
            except CaseError as error:
                raise PlacementError(f"{row.name}: {error.message}") from error
        record(
            actor,
            "term.propose",
            object_type="school",
            object_id=actor.org_id,
            after={"year": term.year, "term": term.number, "article": held.article},
            row_count=len(ids),
            persons=ids,
        )
    return len(ids)


def book(actor: Any) -> tuple[bytes, str]:
    """The proposal list (拟自动退学名单) as a workbook, whole; noted before it leaves.

    Raises PermissionDenied, `PlacementError` where nobody can be proposed, or more than two thousand.
    """
    actor.require("register.print")
    term = terms.term_of(today())
    held = overdue.standing(actor.org_id, term, today())
    if held is None or not held.over:
        raise PlacementError(_("现在没有可以提出的名单"))
    found, total = overdue.overdue(actor, term, size=LISTED)
    if total > LISTED:
        raise PlacementError(
            _("逾期未注册的有 %(n)s 人, 一份名单最多 %(most)s 人, 请先登记注册情况")
            % {"n": total, "most": LISTED}
        )
    classes = roster.all_classes(roster.school_of(actor), today())
    record(
        actor,
        "term.overdue_export",
        object_type="school",
        object_id=actor.org_id,
        after={"year": term.year, "term": term.number},
        row_count=len(found),
        persons=[r.person_id for r in found],
    )
    columns = (
        ("序号", 8), ("姓名", 16), ("班级", 18), ("情况", 14), ("逾期天数", 12), ("退学业务", 24), ("学院意见", 24),
        ("教务处意见", 24),
    )  # fmt: skip
    data = write_table(
        [SheetColumn(label=label, width=width) for label, width in columns],
        [
            (
                str(i),
                r.name,
                roster.label_of(classes, r.class_id) or "",
                _("按旷课") if r.absent else _("未登记"),
                str(held.days),
                r.number or (_("草稿") if r.case_id else ""),
                "",
                "",
            )
            for i, r in enumerate(found, start=1)
        ],
        title=_("%s逾期未注册拟自动退学名单") % term.label,
        notes=[held.sentence],
        watermark=f"{actor.org_name} {actor.user_name}",
    )
    return data, f"{term.label}逾期未注册拟自动退学名单.xlsx"
