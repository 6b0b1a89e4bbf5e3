"""The canonical list of enrolment states (学籍状态).

Small integers, stored in every link of a chain. The codes never change their meaning; a new state
gets a new code. Open states are below 10, final ones above; 0 stands for "no enrolment yet".
"""

from __future__ import annotations

from enum import IntEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Status(IntEnum):
    """State of an enrolment chain."""

    NONE = 0
    STUDYING = 1
    SUSPENDED = 2
    RESERVED = 3
    ABROAD = 4
    AWAY = 5
    MISSING = 6
    TRANSFERRED_OUT = 11
    GRADUATED = 12
    COMPLETED = 13
    INCOMPLETE = 14
    WITHDRAWN = 15
    EXPELLED = 16
    DECEASED = 17
    CANCELLED = 18

    @property
    def code_label(self) -> str:
        """Chinese word of the state as packs and facts spell it (never translated)."""
        return _WORDS[self]

    @property
    def label(self) -> Promise:
        """The word of the state as users see it."""
        return LABELS[self]

    @property
    def is_open(self) -> bool:
        """True while the school in charge still keeps the record."""
        return 0 < self.value < 10

    @property
    def is_final(self) -> bool:
        """True when the record is closed for this stage or for good."""
        return self.value > 10

    @property
    def counts_in_school(self) -> bool:
        """True when the student is counted among those present at the school (在校生)."""
        return self is Status.STUDYING


_WORDS: dict[Status, str] = {
    Status.NONE: "起始",
    Status.STUDYING: "在读",
    Status.SUSPENDED: "休学",
    Status.RESERVED: "保留学籍",
    Status.ABROAD: "出国(境)",
    Status.AWAY: "其他离校",
    Status.MISSING: "失踪",
    Status.TRANSFERRED_OUT: "转出",
    Status.GRADUATED: "毕业",
    Status.COMPLETED: "结业",
    Status.INCOMPLETE: "肄业",
    Status.WITHDRAWN: "退学",
    Status.EXPELLED: "开除",
    Status.DECEASED: "死亡",
    Status.CANCELLED: "注销",
}

LABELS: dict[Status, Promise] = {
    Status.NONE: _("起始"),
    Status.STUDYING: _("在读"),
    Status.SUSPENDED: _("休学"),
    Status.RESERVED: _("保留学籍"),
    Status.ABROAD: _("出国(境)"),
    Status.AWAY: _("其他离校"),
    Status.MISSING: _("失踪"),
    Status.TRANSFERRED_OUT: _("转出"),
    Status.GRADUATED: _("毕业"),
    Status.COMPLETED: _("结业"),
    Status.INCOMPLETE: _("肄业"),
    Status.WITHDRAWN: _("退学"),
    Status.EXPELLED: _("开除"),
    Status.DECEASED: _("死亡"),
    Status.CANCELLED: _("注销"),
}

BY_WORD: dict[str, Status] = {word: status for status, word in _WORDS.items()}
OPEN: frozenset[Status] = frozenset(status for status in Status if status.is_open)
FINAL: frozenset[Status] = frozenset(status for status in Status if status.is_final)
CHOICES: list[tuple[int, Promise]] = [(status.value, LABELS[status]) for status in Status]


class ChainKind(IntEnum):
    """Kind of an enrolment chain: the record itself, or studying here with the record elsewhere."""

    REGISTERED = 1
    GUEST = 2

    @property
    def word(self) -> str:
        """Name of the kind as packs spell it."""
        return self.name.lower()
