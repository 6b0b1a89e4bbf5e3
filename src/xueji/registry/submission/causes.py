"""Why a child is not in its seat when the class is counted."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

#: Absent today, but without doubt of this class: the account is right.
EXCUSED = {"sick": _("病假"), "leave": _("事假")}
#: In the system, not at school: the record and the facts differ.
LACKING = {
    "moved": _("已转走, 手续未办"),
    "paused": _("休学, 手续未办"),
    "guest": _("在外校借读"),
    "dropout": _("疑似辍学"),
    "lost": _("去向不明"),
    "wrong": _("不是本班学生"),
}
EXTRA = "extra"
CAUSES = {**EXCUSED, **LACKING}
WORDS = {**CAUSES, EXTRA: _("在校, 系统里没有")}
