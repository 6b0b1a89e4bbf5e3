"""How long entries stay in the table, by class; older ones go into signed files.

Three years by default; never less than six months (网络安全法 21(3): 留存相关的网络日志不少于六个月), and three years for
what proves processing of personal data (个人信息保护法 56: 处理情况记录应当至少保存三年).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from xueji import config

from . import words

DEFAULT_MONTHS = 36
LEAST_MONTHS = 6
#: class -> (words, kinds of deeds in it)
CLASSES: dict[str, tuple[Promise, frozenset[str]]] = {
    "look": (_("查看、搜索"), frozenset({"look", "search"})),
    "out": (_("显示隐藏内容、打印、导出"), frozenset({"reveal", "print", "export"})),
    "change": (_("修改、核办"), frozenset({"change", "decide", "other"})),
    "rights": (_("登录、账号、权限"), frozenset({"sign", "rights", "refused"})),
}
_SETTINGS = {
    "look": "XUEJI_AUDIT_MONTHS_LOOK",
    "out": "XUEJI_AUDIT_MONTHS_OUT",
    "change": "XUEJI_AUDIT_MONTHS_CHANGE",
    "rights": "XUEJI_AUDIT_MONTHS_RIGHTS",
}


def class_of(action: str) -> str:
    """The class of an action: a key of `CLASSES`."""
    kind = words.kind(action)
    return next(name for name, (_label, kinds) in CLASSES.items() if kind in kinds)


def months(kind: str) -> int:
    """How many months entries of a class stay: XUEJI_AUDIT_MONTHS_<CLASS>, else XUEJI_AUDIT_MONTHS, else 36.

    Raises `config.ConfigError` below six.
    """
    every = config.env_int("XUEJI_AUDIT_MONTHS", DEFAULT_MONTHS, low=LEAST_MONTHS, high=1200)
    return config.env_int(_SETTINGS[kind], every, low=LEAST_MONTHS, high=1200)


def cutoff(kind: str, today: date) -> date:
    """The first day that stays: months that ended before it are closed and over their time."""
    back = today.year * 12 + today.month - 1 - months(kind)
    return date(back // 12, back % 12 + 1, 1)


def anchors_dir() -> Path:
    """Where anchors are appended: XUEJI_AUDIT_ANCHORS (best on another machine), else in the data folder."""
    return config.folder("XUEJI_AUDIT_ANCHORS", "audit/anchors")


def archives_dir() -> Path:
    """Where archives are written: XUEJI_AUDIT_ARCHIVES, else in the data folder."""
    return config.folder("XUEJI_AUDIT_ARCHIVES", "audit/archives")
