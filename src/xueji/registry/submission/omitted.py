"""漏报核对: a roster on paper, pasted, against the system: who is missing on either side (C-DUP-08)."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import connection

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import class_label

MOST = 5000
_CUT = re.compile(r"[\s,，、;；|]+")
_NAME = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff][\u3400-\u9fff\U00020000-\U0003ffff·]{1,29}")
_HEADS = frozenset(
    {"姓名", "学生姓名", "序号", "性别", "班级", "年级", "备注", "班主任", "学校", "合计", "男", "女"}
)


@dataclass(frozen=True)
class Result:
    """Names of the paper without a record, records without a name on the paper, and names that stand more than once."""

    typed: int
    listed: int
    missing: list[str]
    surplus: list[tuple[uuid.UUID, str, str]]
    again: list[str]


def names_in(text: str) -> list[str]:
    """The names of a pasted roster, one a line: the first cell that looks like a name; headings are passed over."""
    out = []
    for line in text.splitlines()[: MOST * 2]:
        for cell in _CUT.split(line.replace("•", "·").replace("．", "·").strip()):
            if (
                _NAME.fullmatch(cell)
                and cell not in _HEADS
                and not cell.endswith(("班", "年级", "学校", "小学", "中学"))
            ):
                out.append(cell)
                break
    return out[:MOST]


def compare(actor: Any, text: str, *, class_id: int | None = None) -> Result:
    """Compare with the children of a class, or of the actor's school. One query; two of a name are counted twice."""
    typed = Counter(names_in(text))
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.stage, r.cohort_year, k.number, s.system from roster r"
            " join school s on s.org_id = r.school_id left join school_class k on k.id = r.class_id"
            " where r.school_id = %s and (%s::int is null or r.class_id = %s)"
            " and r.reason in ('enrolled', 'guest') and r.status between 1 and 9"
            " order by r.pinyin_sort, r.person_id limit %s",
            [actor.org_id, class_id, class_id, MOST * 2],
        )
        rows = c.fetchall()
    held = Counter(r[1] for r in rows)
    surplus = []
    left = held - typed
    for r in rows:
        if left[r[1]] > 0:
            left[r[1]] -= 1
            surplus.append((r[0], r[1], _place(r)))
    return Result(
        typed=sum(typed.values()),
        listed=len(rows),
        missing=sorted((typed - held).elements()),
        surplus=surplus[:500],
        again=sorted(n for n, times in typed.items() if times > 1),
    )


def _place(row: tuple[Any, ...]) -> str:
    return class_label(row[2], row[3], row[4], row[5], today()) if row[4] else ""
