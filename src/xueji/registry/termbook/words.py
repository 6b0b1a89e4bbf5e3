"""Subjects, kinds of absence, levels of awards, and what a value may look like."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.orgs.grades import start_year_of
from xueji.ground.standards.codes import read_rows, table

from .errors import TermbookError

ATTENDANCE = {
    "leave": gettext_lazy("事假(天)"),
    "sick": gettext_lazy("病假(天)"),
    "absent": gettext_lazy("旷课(节)"),
    "late": gettext_lazy("迟到(次)"),
}
GRADES = ("优", "良", "合格", "待合格", "A", "B", "C", "D", "E")
_SCORE = re.compile(r"[0-9]{1,3}(\.[0-9])?")
MOST = 150


@lru_cache(maxsize=1)
def subjects() -> dict[str, str]:
    """Subjects of the national table by code; the first of those with one name."""
    out: dict[str, str] = {}
    for r in read_rows("subject_zxxkc.csv"):
        if r["name"] not in out.values():
            out[r["code"]] = r["name"]
    return out


def levels() -> list[tuple[str, str]]:
    """Levels of awards, the national table's."""
    return list(table("award_level_jb").choices())


def item_label(kind: str, item: str) -> str:
    """An item in words."""
    if kind == "mark":
        return subjects().get(item, item)
    if kind == "attendance":
        return str(ATTENDANCE.get(item, item))
    return item


def mark(raw: str) -> str:
    """A mark as it is kept: a score from 0 to 150 or a grade. Raises `TermbookError`."""
    text = unicodedata.normalize("NFKC", raw).strip().upper()
    if text in GRADES or (_SCORE.fullmatch(text) and float(text) <= MOST):
        return text
    raise TermbookError(_("成绩填0到150的分数, 或%(g)s: %(t)s") % {"g": "、".join(GRADES), "t": raw[:20]})


def count(raw: str) -> str:
    """A number of days, lessons or times; half days too. Raises `TermbookError`."""
    text = unicodedata.normalize("NFKC", raw).strip()
    if re.fullmatch(r"[0-9]{1,3}(\.5)?", text) and float(text) <= 500:
        return text
    raise TermbookError(_("考勤填数字, 半天写0.5: %s") % raw[:20])


def term_of(day: date) -> tuple[int, int]:
    """School year and term of a day, by the month."""
    return start_year_of(day), 1 if day.month >= 9 or day.month == 1 else 2


def term_label(year: int, term: int) -> str:
    """`2026-2027学年第一学期`."""
    return _("%(a)s-%(b)s学年第%(n)s学期") % {
        "a": year,
        "b": year + 1,
        "n": _("一") if term == 1 else _("二"),
    }
