"""Where the child lives, against the place that a receiving school serves (就近入学, 户籍与常住地一致); C-ORG-09.

Which places a school serves is kept by a room above (admission), which registers its answer here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from ..material import Material
from .spec import Check

Answer = Callable[[int, str], tuple[bool | None, list[str]]]
_ANSWERS: list[Answer] = []


def provide(answer: Answer) -> None:
    """Register who knows the places that schools serve: (school, place) -> whether it does, and which it serves."""
    if answer not in _ANSWERS:
        _ANSWERS.append(answer)


def hukou_field() -> forms.CharField:
    """The street, village or community of the household register."""
    return forms.CharField(
        label=_("户籍所在街道、村或社区"), max_length=60, required=False, help_text=_("照户口簿, 不写门牌号")
    )


def home_field() -> forms.CharField:
    """The street, village or community where the child lives."""
    return forms.CharField(
        label=_("现住街道、村或社区"),
        max_length=60,
        required=False,
        help_text=_("用来对照本校服务范围, 不写门牌号"),
    )


def facts(m: Material) -> dict[str, Any]:
    """What the rules of a place may ask of it; what was not filled in is left out."""
    home, hukou = _said(m)
    found: dict[str, Any] = {}
    if home and (zone := _zone(m, home)[0]) is not None:
        found["school.in_zone"] = zone
    if hukou:
        found["student.hukou"] = hukou
    if home:
        found["student.residence"] = home
    return found


def checks(m: Material) -> Iterable[Check]:
    """A flag for whoever decides: outside the service area; household register and home apart. It stops nothing here."""
    home, hukou = _said(m)
    if home:
        zone, served = _zone(m, home)
        words = {"place": home, "served": "、".join(served[:6])}
        if zone is False:
            yield Check(
                "zone", "warn", now("现住地“%(place)s”不在本校服务范围内(%(served)s), 请核对") % words,
                action_url="#id_home_area", action_label=now("去修改"),
            )  # fmt: skip
        elif zone:
            yield Check("zone", "pass", now("现住地“%(place)s”在本校服务范围内") % words)
    if home and hukou and home not in hukou and hukou not in home:
        yield Check(
            "household", "warn", now("户籍地“%(a)s”与现住地“%(b)s”不一致, 请核对") % {"a": hukou, "b": home},
            action_url="#id_hukou_area", action_label=now("去修改"),
        )  # fmt: skip


def lines(m: Material) -> tuple[tuple[Any, str], ...]:
    """The two places as deciders read them, label and value, for `common.rows`."""
    home, hukou = _said(m)
    return (_("户籍所在街道、村或社区"), hukou), (_("现住街道、村或社区"), home)


def _said(m: Material) -> tuple[str, str]:
    form = m.case.form
    return str(form.get("home_area") or "").strip(), str(form.get("hukou_area") or "").strip()


def _zone(m: Material, place: str) -> tuple[bool | None, list[str]]:
    for answer in _ANSWERS:
        return answer(m.units.start.pk, place)
    return None, []
