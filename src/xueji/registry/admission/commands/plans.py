"""招生计划 and 服务范围: set by the authority; the school asks for another number (C-ORG-08, C-ORG-09)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import School

from ..errors import AdmissionError
from ..models import STAGES, Area, Plan
from ._base import check_place, need_words, own_school, year_of


@dataclass(frozen=True)
class Terms:
    """What the authority sets for a school, year and stage."""

    planned: int
    class_size: int
    extra: int = 0
    extra_reason: str = ""
    opens_on: date | None = None
    closes_on: date | None = None
    report_from: date | None = None
    report_to: date | None = None


def set_plan(actor: Any, school_ids: Sequence[int], *, stage: str, year: int, terms: Terms) -> int:
    """Set the plan of these schools; places above it need a reason. Raises PermissionDenied, Http404, `AdmissionError`."""
    actor.require("admission.plan")
    _check(terms, stage, year)
    schools = list(School.objects.filter(pk__in=list(school_ids), county_id=actor.org_id).order_by("pk"))
    if not schools or len(schools) != len(set(school_ids)):
        raise Http404
    lacking = [s for s in schools if stage not in s.stages]
    if lacking:
        raise AdmissionError(_("有 %s 所学校没有这个学段") % len(lacking))
    values: dict[str, Any] = {
        "planned": terms.planned, "class_size": terms.class_size, "extra": terms.extra,
        "extra_reason": terms.extra_reason.strip()[:300] if terms.extra else "", "opens_on": terms.opens_on,
        "closes_on": terms.closes_on, "report_from": terms.report_from, "report_to": terms.report_to,
        "set_name": actor.user_name,
    }  # fmt: skip
    with transaction.atomic():
        with acting("writer"):
            Plan.objects.bulk_create(
                [
                    Plan(year=year, stage=stage, school_id=s.pk, county_id=s.county_id, **values)
                    for s in schools
                ],
                update_conflicts=True,
                unique_fields=["school_id", "year", "stage"],
                update_fields=[*values, "set_at"],
            )
        record(
            actor, "admission.plan", object_type="org", object_id=actor.org_id or "",
            purpose=values["extra_reason"][:200], row_count=len(schools),
            after={"year": year, "stage": stage, "planned": terms.planned, "extra": terms.extra,
                   "schools": [s.pk for s in schools][:100]},
        )  # fmt: skip
    return len(schools)


def _check(terms: Terms, stage: str, year: int) -> None:
    if stage not in dict(STAGES) or abs(year - year_of()) > 1:
        raise AdmissionError(_("请选择学段和招生年份"))
    if not 0 <= terms.planned <= 20_000 or not 0 <= terms.extra <= 5_000:
        raise AdmissionError(_("请填写招生计划数, 0 至 20000"))
    if not 1 <= terms.class_size <= 200:
        raise AdmissionError(_("请填写班额, 1 至 200"))
    if terms.extra and len(terms.extra_reason.strip()) < 2:
        raise AdmissionError(_("核定例外名额要写明理由"))
    for first, last in ((terms.opens_on, terms.closes_on), (terms.report_from, terms.report_to)):
        if first is not None and last is not None and last < first:
            raise AdmissionError(_("截止日期早于开始日期"))


def ask_plan(actor: Any, *, stage: str, year: int, wanted: int, words: str) -> Plan:
    """招生计划数变更申请: the school asks for another number. Raises PermissionDenied, `AdmissionError`."""
    actor.require("admission.submit")
    school = own_school(actor)
    check_place(school, stage, year)
    words = need_words(words)
    if not 0 < wanted <= 20_000:
        raise AdmissionError(_("请填写申请的招生数"))
    with transaction.atomic():
        with acting("writer"):
            plan = (
                Plan.objects.select_for_update().filter(school_id=school.pk, year=year, stage=stage).first()
            )
            if plan is None:
                raise AdmissionError(_("主管部门还没有设置本校的招生计划"))
            plan.asked, plan.asked_reason, plan.asked_name, plan.answer = wanted, words, actor.user_name, ""
            plan.save(force_update=True)
        record(
            actor, "admission.ask", object_type="adm_plan", object_id=plan.pk, purpose=words[:200],
            before={"planned": plan.planned}, after={"asked": wanted},
        )  # fmt: skip
    return plan


def answer_plan(actor: Any, plan_id: int, *, agreed: bool, words: str = "") -> Plan:
    """The authority answers: the plan becomes the number asked for, or stays. Raises as `set_plan`."""
    actor.require("admission.plan")
    if not agreed:
        words = need_words(words)
    if not Plan.objects.filter(pk=plan_id, county_id=actor.org_id).exists():
        raise Http404
    with transaction.atomic():
        with acting("writer"):
            plan = Plan.objects.select_for_update().get(pk=plan_id)
            if plan.asked is None:
                raise AdmissionError(_("没有待答复的变更申请"))
            before = plan.planned
            if agreed:
                plan.planned = plan.asked
            said = _("同意 %s 人") % plan.asked if agreed else _("不同意: %s") % words
            plan.asked, plan.answer, plan.set_name = None, said[:300], actor.user_name
            plan.save(force_update=True)
        record(
            actor, "admission.answer", object_type="adm_plan", object_id=plan.pk, purpose=words[:200],
            before={"planned": before}, after={"planned": plan.planned},
        )  # fmt: skip
    return plan


def save_area(actor: Any, school_id: int, *, name: str, division: str = "", note: str = "") -> Area:
    """A street, village or community that a school serves (C-ORG-09).

    Raises PermissionDenied, Http404, `AdmissionError`.
    """
    actor.require("admission.plan")
    school = School.objects.filter(pk=school_id, county_id=actor.org_id).first()
    if school is None:
        raise Http404
    return _add_area(actor, school, name, division, note, "")


def ask_area(actor: Any, *, name: str, division: str = "", note: str = "") -> Area:
    """The school asks for a place in its service area; it counts once the authority agrees. Raises as `save_area`."""
    actor.require("admission.submit")
    school = School.objects.filter(pk=actor.org_id or 0).first()
    if school is None:
        raise Http404
    return _add_area(actor, school, name, division, note, actor.user_name[:60])


def _add_area(actor: Any, school: School, name: str, division: str, note: str, asked: str) -> Area:
    name, division = name.strip()[:60], division.strip()
    if not name:
        raise AdmissionError(_("请填写街道、村或社区的名称"))
    if division and not (division.isdigit() and len(division) in (6, 9, 12)):
        raise AdmissionError(_("区划代码应为 6、9 或 12 位数字"))
    area = Area(
        school_id=school.pk, county_id=school.county_id, name=name, division=division, note=note.strip()[:100],
        asked_name=asked,
    )  # fmt: skip
    try:
        with transaction.atomic():
            with acting("writer"):
                area.save(force_insert=True)
            record(
                actor, "admission.area_ask" if asked else "admission.area", object_type="school", object_id=school.pk,
                after={"area": name, "division": division},
            )  # fmt: skip
    except IntegrityError as error:
        raise AdmissionError(_("“%s”已经在该校的服务范围内, 或正等待答复") % name) from error
    return area


def agree_area(actor: Any, area_id: int) -> Area:
    """The authority takes a place that the school asked for into its area. Raises PermissionDenied, Http404."""
    actor.require("admission.plan")
    area = Area.objects.filter(pk=area_id, county_id=actor.org_id).exclude(asked_name="").first()
    if area is None:
        raise Http404
    with transaction.atomic():
        with acting("writer"):
            Area.objects.filter(pk=area.pk).update(asked_name="")
        record(
            actor, "admission.area", object_type="school", object_id=area.school_id,
            after={"area": area.name, "division": area.division, "asked_by": area.asked_name},
        )  # fmt: skip
    return area


def drop_area(actor: Any, area_id: int) -> None:
    """Take a place out of a school's service area. Raises PermissionDenied, Http404."""
    actor.require("admission.plan")
    area = Area.objects.filter(pk=area_id, county_id=actor.org_id).first()
    if area is None:
        raise Http404
    with transaction.atomic():
        with acting("writer"):
            Area.objects.filter(pk=area.pk).delete()
        record(
            actor,
            "admission.area_off",
            object_type="school",
            object_id=area.school_id,
            before={"area": area.name},
        )
