"""Chinese words for what happened, as timelines and tables show it."""

from __future__ import annotations

from functools import lru_cache

from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.policy.library import library

#: How a status looks (see web/layout/statuses.py).
FACES = {
    1: "reading", 2: "suspended", 3: "reserved", 4: "abroad", 5: "away", 6: "missing", 11: "transferred_out",
    12: "graduated", 13: "completed", 14: "incomplete", 15: "withdrew", 16: "expelled", 17: "deceased",
    18: "cancelled_record",
}  # fmt: skip
ICONS = {
    "enrol": "user-plus", "transfer": "arrows-exchange", "suspend": "player-pause", "resume": "player-play",
    "graduate": "school", "change_class": "switch-horizontal", "place": "users-group", "correct_key": "pencil",
}  # fmt: skip


@lru_cache(maxsize=256)
def _label(business: str) -> str:
    try:
        return library().resolve(("cn",), today()).business(business).label
    except KeyError:
        return ""


def business_label(business: str) -> str:
    """The name of a business as the national pack calls it; corrections of the record have names of their own."""
    # What happened in another installation, before the child came from there.
    business = business.removeprefix("foreign.")
    own = {"collect": _("采集核对"), "correct": _("更正"), "undo": _("撤销登记"), "relink": _("更正学籍记录"),
           "exam": _("考试成绩"), "merge": _("合并档案"), "unmerge": _("撤销合并档案"),
           "creation": _("学籍核准"), "senior_register": _("高中学籍注册"), "special_mode": _("特殊就读方式")}  # fmt: skip
    return _label(business) or own.get(business, business)
