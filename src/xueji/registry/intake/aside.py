"""Rows of a sheet that are no pupils: a total, remarks, who signed. They are named, never passed over in silence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from .columns import ROW, place_of

#: What begins a row below or between the pupils that is none of them.
_BEGINS = re.compile(
    r"合计|总计|共计|小计|总人数|备注|说明|注[:：]|注意|填表|制表|填报|审核|审表|经办|负责人|校长|班主任|教务|学籍管理员|以下空白|第?[0-9]+页|共[0-9]+[人页]"
)
#: A row with more known cells than this, or with anything like a number of a paper, is a pupil's, whatever begins it.
_FEW = 4
_PAPER = re.compile(r"[0-9]{15}|[0-9]{17}[0-9Xx]")
#: So many are named one by one.
_NAMED = 20


def is_aside(columns: Mapping[str, int]) -> Callable[[Sequence[Any]], str]:
    """What begins a row that is no pupil (合计, 备注, 填表人 ...), or the empty text for a pupil's row; `columns` are the places
    of the known ones.
    """
    places = [at for key, at in columns.items() if key != ROW]

    def aside(cells: Sequence[Any]) -> str:
        first = next((cell for cell in cells if cell != ""), "")
        found = _BEGINS.match(str(first).replace(" ", "").replace("\u3000", ""))
        if found is None:
            return ""
        width = len(cells)
        filled = [cells[at] for at in places if at < width and cells[at] != ""]
        if len(filled) > min(_FEW, len(places) // 2) or any(_PAPER.search(str(cell)) for cell in filled):
            return ""
        return found[0].rstrip(":：")

    return aside


@dataclass(slots=True)
class Aside:
    """How many rows were no pupils, and the first of them by the number under which a row is kept, in ascending order."""

    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def add(self, number: int, word: str) -> None:
        """One more, which begins with `word`; below all that were added before."""
        self.count += 1
        if len(self.first) < _NAMED:
            self.first.append((number, word))

    def join(self, other: Aside) -> None:
        """Those that somebody else found in other parts of the same sheet."""
        self.count += other.count
        self.first = sorted(self.first + other.first)[:_NAMED]

    def lines(self, sheets: Sequence[Sequence[Any]] = ()) -> list[str]:
        """They as the user is told of them; `sheets` as in `columns.Mapping`."""
        out = []
        for number, word in self.first:
            sheet, row = place_of(sheets, number)
            text = _("%(where)s第 %(row)s 行像是%(what)s, 没有当作学生读取")
            out.append(text % {"where": f"{sheet} " if sheet else "", "row": row, "what": word})
        if self.count > len(self.first):
            # In the place of the last, so that there are never more lines than `_NAMED`.
            more = self.count - len(self.first) + 1
            out[-1] = _("另有 %(n)s 行像是合计或备注, 没有当作学生读取") % {"n": more}
        return out
