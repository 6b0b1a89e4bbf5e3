"""Columns of the two sheets of a takeover: the roster with states and numbers, and the list of movements.

Headings of the national form are known from `standards`; those of the official exports stand here. Nothing is
guessed: a heading that is not known is shown, and somebody says what it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from xueji.ground.policy.statuses import Status
from xueji.ground.sheets.cells import clean_control
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.read import SheetReader, plain_label
from xueji.ground.standards.fields import fields
from xueji.registry.intake.asked import demands, shut

NUMBER, FORMER, STATUS, SINCE, GRADE, STAGE = (
    "student_number",
    "former_numbers",
    "status",
    "status_on",
    "grade",
    "stage",
)

#: Keys beside the national form's, with the headings that exports and schools use.
OWN: dict[str, tuple[str, ...]] = {
    NUMBER: ("学籍号", "全国学籍号", "学籍主号", "正式学籍号"),
    FORMER: ("曾用学籍号", "原学籍号", "历史学籍号", "曾用号"),
    STATUS: ("学生状态", "学籍状态", "状态", "学生当前状态", "在籍状态"),
    SINCE: ("状态日期", "变动日期", "离校日期", "离校年月", "毕业年月"),
    GRADE: ("年级", "所在年级"),
    STAGE: ("学段", "所在学段"),
    "class_no": ("班级", "班级名称", "年级班级", "所在班级", "行政班"),
    "auxiliary_number": ("学籍副号", "地区学号", "辅号"),
    "id_number": ("身份证号", "身份证件号码", "证件号码", "证件号"),
    "id_type": ("证件类型",),
    "entry_month": ("入学时间", "入学日期"),
}
MOVES: dict[str, tuple[str, ...]] = {
    NUMBER: ("学籍号", "全国学籍号", "学籍主号"),
    "id_number": ("身份证件号", "身份证号", "身份证件号码", "证件号码"),
    "name": ("姓名", "学生姓名"),
    "kind": ("异动类别", "异动类型", "变动类型", "变动类别", "业务类型", "业务名称"),
    "on": ("异动日期", "生效日期", "变动日期", "办结日期", "异动时间", "申请日期"),
    "progress": ("办理状态", "审核状态", "业务状态", "流程状态"),
    "holder": ("当前环节", "待办单位", "当前审核单位"),
    "reason": ("异动原因", "变动原因", "原因"),
    "other_school": ("对方学校", "原学校", "转入学校", "转出学校", "原就读学校"),
}
REQUIRED = ("name", "sex", "birth_date", "class_no", "entry_month", NUMBER)
REQUIRED_MOVES = ("name", "kind", "on")

LABELS: dict[str, Promise] = {
    NUMBER: _("学籍号"),
    FORMER: _("曾用学籍号"),
    STATUS: _("学生状态"),
    SINCE: _("状态日期"),
    GRADE: _("年级"),
    STAGE: _("学段"),
    "kind": _("异动类别"),
    "on": _("异动日期"),
    "progress": _("办理状态"),
    "holder": _("当前环节"),
    "reason": _("异动原因"),
    "other_school": _("对方学校"),
}

#: Words of movements -> (business, status that it leads to).
MOVEMENTS: dict[str, tuple[str, int]] = {
    "转入": ("transfer_in", Status.STUDYING),
    "省内转入": ("transfer_in", Status.STUDYING),
    "跨省转入": ("transfer_in", Status.STUDYING),
    "转出": ("transfer_out", Status.TRANSFERRED_OUT),
    "省内转出": ("transfer_out", Status.TRANSFERRED_OUT),
    "跨省转出": ("transfer_out", Status.TRANSFERRED_OUT),
    "休学": ("suspend", Status.SUSPENDED),
    "延长休学": ("suspend_extend", Status.SUSPENDED),
    "复学": ("resume", Status.STUDYING),
    "保留学籍": ("reserve", Status.RESERVED),
    "恢复学籍": ("restore", Status.STUDYING),
    "留级": ("repeat", Status.STUDYING),
    "跳级": ("skip", Status.STUDYING),
    "出国": ("abroad", Status.ABROAD),
    "出国(境)": ("abroad", Status.ABROAD),
    "其他离校": ("leave", Status.AWAY),
    "失踪": ("missing", Status.MISSING),
    "返校": ("return", Status.STUDYING),
    "退学": ("withdraw", Status.WITHDRAWN),
    "开除": ("expel", Status.EXPELLED),
    "开除学籍": ("expel", Status.EXPELLED),
    "取消入学资格": ("cancel_entry", Status.CANCELLED),
    "死亡": ("death", Status.DECEASED),
    "毕业": ("graduate", Status.GRADUATED),
    "结业": ("complete", Status.COMPLETED),
    "肄业": ("end_early", Status.INCOMPLETE),
}
#: Words of states -> status; and the business by which a child comes into it, when no movement says so.
STATES: dict[str, int] = {
    "在读": Status.STUDYING, "在校": Status.STUDYING, "正常": Status.STUDYING, "在籍": Status.STUDYING,
    "在籍在校": Status.STUDYING, "休学": Status.SUSPENDED, "保留学籍": Status.RESERVED, "保留入学资格": Status.RESERVED,
    "出国": Status.ABROAD, "出国(境)": Status.ABROAD, "其他离校": Status.AWAY, "失踪": Status.MISSING,
    "转出": Status.TRANSFERRED_OUT, "已转出": Status.TRANSFERRED_OUT, "毕业": Status.GRADUATED,
    "结业": Status.COMPLETED, "肄业": Status.INCOMPLETE, "退学": Status.WITHDRAWN, "开除": Status.EXPELLED,
    "开除学籍": Status.EXPELLED, "死亡": Status.DECEASED,
}  # fmt: skip
BUSINESS_OF: dict[int, str] = {}
for _business, _status in MOVEMENTS.values():
    if _status != Status.STUDYING:
        BUSINESS_OF.setdefault(int(_status), _business)

#: Words that say that a movement is in force, or that nothing came of it. Everything else is under way.
FINISHED = frozenset(
    {"", "已办结", "办结", "已生效", "审核通过", "已通过", "通过", "已完成", "完成", "核办通过"}
)
DROPPED = frozenset({"未通过", "不通过", "审核不通过", "已撤销", "撤销", "已撤回", "撤回", "作废", "终止"})


@dataclass(slots=True)
class Layout:
    """Where each key stands in a sheet (column from 0)."""

    header_row: int
    columns: dict[str, int]
    header: list[str]
    missing: list[str] = field(default_factory=list)
    #: Columns that are passed over because the place does not collect them, and fields that it demands without a column.
    closed: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For the takeover."""
        return {
            "header_row": self.header_row,
            "columns": self.columns,
            "header": self.header,
            "missing": self.missing,
            "closed": self.closed,
            "lacking": self.lacking,
        }


def name_of(key: str) -> str:
    """What a key is called."""
    if key in LABELS:
        return str(LABELS[key])
    return next((f.name for f in fields() if f.key == key), key)


def keys_of(*, moves: bool, levels: Mapping[str, str] | None = None) -> dict[str, str]:
    """Every key that a column can be at the levels of a place, with its name, for the page that matches by hand."""
    if moves:
        return {key: name_of(key) for key in MOVES}
    closed = shut(levels or {})
    keys = (*OWN, *(f.key for f in fields() if f.key not in OWN))
    return {key: name_of(key) for key in keys if key not in closed}


def _headings(*, moves: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, words in (MOVES if moves else OWN).items():
        for word in words:
            found.setdefault(plain_label(word), key)
    if not moves:
        for f in fields():
            for heading in f.headers:
                found.setdefault(plain_label(heading), f.key)
    return found


def read_layout(
    reader: SheetReader,
    *,
    moves: bool = False,
    remembered: Mapping[str, str] | None = None,
    levels: Mapping[str, str] | None = None,
) -> Layout:
    """Find the header and match its columns; `missing` names required keys that no column stands for.

    `remembered` are plain headings matched by hand before, for this school. Columns of fields that the place does not
    collect (`levels`) are passed over, whatever they are called (C-COL-22). Raises `SheetError`.
    """
    known = {**_headings(moves=moves), **(remembered or {})}
    required: Collection[str] = REQUIRED_MOVES if moves else REQUIRED
    found = reader.find_header(
        {heading for heading, key in known.items() if key}, required=[name_of(k) for k in required]
    )
    reader.alone({heading for heading, key in known.items() if key in required})
    columns: dict[str, int] = {}
    by_hand = remembered or {}
    for heading, at in sorted(found.columns.items(), key=lambda item: (item[0] not in by_hand, item[1])):
        columns.setdefault(known[heading], at)
    shut_here = shut({} if moves else levels or {})
    closed = [key for key in columns if key in shut_here]
    for key in closed:
        del columns[key]
    lacking = [] if moves else [f.key for f in fields() if demands(levels or {}, f) and f.key not in columns]
    header: list[str] = []
    for row in reader.rows(after=found.row_number - 1):
        header = [clean_control(str(cell))[:100] for cell in row.cells]
        break
    if len(columns) < 2:
        raise SheetError("no_header", rows=10, names="、".join(name_of(k) for k in required))
    missing = [k for k in required if k not in columns]
    # The school that takes over is known; the code of its own need not stand in each row.
    lacking = [k for k in lacking if k not in missing and k != "school_code"]
    return Layout(found.row_number, columns, header, missing, closed, lacking)
