"""Many accounts at once from a pasted list: checked whole, then opened whole, with slips to hand out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting

from .. import rules
from ..actor import Actor
from ..models import User
from ..roles import TEACHERS
from .manage import AccountError, create_account, grant_role

#: Hashing a password takes a while on purpose: a request is to answer.
MOST = 50
_CUT = re.compile(r"\t|,|，|;|；")


@dataclass(frozen=True)
class Line:
    """One person of the list."""

    no: int
    name: str
    username: str
    place: str
    phone: str


@dataclass(frozen=True)
class FirstSlip:
    """What is cut out and handed to the person; never shown again."""

    name: str
    username: str
    password: str
    place: str


class ListRefused(Exception):
    """Lines that cannot be; `lines` says in words what is wrong where."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def read(text: str) -> list[Line]:
    """Lines of name, user name, unit or class, telephone: cells of a sheet as they are pasted, or with commas."""
    out: list[Line] = []
    for no, raw in enumerate(text.splitlines(), start=1):
        cells = [c.strip() for c in _CUT.split(raw)]
        if not any(cells) or (no == 1 and cells[0] == _("姓名")):
            continue
        cells += [""] * 4
        out.append(Line(no, cells[0], cells[1].lower(), cells[2], cells[3]))
    return out


def create_many(
    actor: Actor,
    text: str,
    *,
    role: str,
    units: Mapping[str, int],
    classes: Mapping[str, tuple[int, int]],
    valid_to: date | None = None,
) -> list[FirstSlip]:
    """Open the accounts of a list with one role each. All or none.

    `units` are names of the actor's units by id, `classes` names of classes as (class, school). With one unit only
    the column may be empty. Raises `ListRefused`, PermissionDenied, Http404.
    """
    lines = read(text)
    places, wrong = _check(lines, role, units, classes)
    if wrong:
        raise ListRefused(wrong)
    slips: list[FirstSlip] = []
    try:
        with transaction.atomic():
            for line, (org_id, class_id) in zip(lines, places, strict=True):
                at = line
                made = create_account(
                    actor, username=line.username, display_name=line.name, phone=line.phone, org_id=org_id
                )
                grant_role(actor, made.user_id, role, org_id=org_id, class_id=class_id, valid_to=valid_to)
                slips.append(FirstSlip(line.name, made.username, made.password, line.place))
    except AccountError as e:
        raise ListRefused([_("第 %(no)s 行: %(why)s") % {"no": at.no, "why": e.message}]) from e
    return slips


def _check(
    lines: list[Line], role: str, units: Mapping[str, int], classes: Mapping[str, tuple[int, int]]
) -> tuple[list[tuple[int, int | None]], list[str]]:
    """Where each line's role lies, and what is wrong with the lines."""
    if not lines:
        return [], [_("请粘贴名单, 每人一行")]
    if len(lines) > MOST:
        return [], [_("一次最多 %s 人, 请分几次") % MOST]
    with transaction.atomic(), acting("writer"):  # names of other units are taken too
        found = User.objects.filter(username__in=[x.username for x in lines])
        taken = set(found.values_list("username", flat=True))
    places: list[tuple[int, int | None]] = []
    wrong: list[str] = []
    seen: set[str] = set()
    for line in lines:
        why = ""
        if not line.name:
            why = _("没有姓名")
        elif not rules.username_fits(line.username):
            why = _("用户名用小写字母、数字和 . _ - 组成, 至少2位, 不能用身份证号")
        elif line.username in taken or line.username in seen:
            why = _("用户名“%(name)s”已有人使用") % {"name": line.username}
        place = None if why else _place(line.place, role, units, classes)
        if not why and place is None:
            why = _no_place(line.place, teacher=role in {str(r) for r in TEACHERS})
        seen.add(line.username)
        if why or place is None:
            wrong.append(_("第 %(no)s 行: %(why)s") % {"no": line.no, "why": why})
        else:
            places.append(place)
    return places, wrong[:20]


def _no_place(word: str, *, teacher: bool) -> str:
    if not word:
        return _("没有写班级") if teacher else _("没有写单位")
    return (_("没有叫“%s”的班级") if teacher else _("没有叫“%s”的单位")) % word


def _place(
    word: str, role: str, units: Mapping[str, int], classes: Mapping[str, tuple[int, int]]
) -> tuple[int, int | None] | None:
    if role in TEACHERS:
        found = classes.get(word)
        return (found[1], found[0]) if found else None
    if not word and len(units) == 1:
        return next(iter(units.values())), None
    return (units[word], None) if word in units else None
