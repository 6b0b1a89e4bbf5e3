"""What several kinds of cases share: checking the class, and writing a step of the timeline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace, article_words
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import IllegalStep
from xueji.registry.enrolment.timeline import Step, midnight

from ..material import Material, form_date
from ..models import Case
from .spec import Check


def class_facts(m: Material) -> dict[str, Any]:
    """Grade before and after, and the head-count of the class that was chosen."""
    grade, to = m.subject.grade(m.today), m.place.grade(m.today) if m.place else None
    return {
        "case.from_grade": grade.code if grade else None,
        "case.from_grade.label": grade.label if grade else None,
        "case.to_grade": to.code if to else None,
        "case.to_grade.label": to.label if to else None,
        "class.size_after": m.place.size + 1 if m.place else None,
    }


def class_wanted(m: Material) -> dict[str, Any]:
    """The class as deciders read it."""
    return {"to_class": m.place.label(m.today), "to_school": m.units.start.name} if m.place else {}


def chosen_class(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    """A class of the own school is chosen and has room."""
    yield from _class(m, same_grade=False)


def chosen_class_of_grade(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    """The same, and it is of the child's grade."""
    yield from _class(m, same_grade=True)


def _class(m: Material, *, same_grade: bool) -> Iterable[Check]:
    place, grade = m.place, m.subject.grade(m.today)
    if place is None or place.closed or place.school_id != m.units.start.pk:
        yield Check(
            "class",
            "block",
            _("还没有选择编入的班级"),
            action_url="#id_to_class_id",
            action_label=_("去选择"),
        )
        return
    to = place.grade(m.today)
    if same_grade and (to is None or grade is None or to.code != grade.code):
        yield Check(
            "grade",
            "block",
            _("该生现为%(now)s, 所选班级是%(to)s, 转学要在同一年级")
            % {"now": grade.label if grade else "—", "to": to.label if to else "—"},
            action_url="#id_to_class_id",
            action_label=_("去修改"),
        )
    else:
        yield Check("grade", "pass", _("编入%s") % place.label(m.today))
    after = place.size + (0 if m.subject.class_id == place.id and m.subject.status == 1 else 1)
    words = {"class": place.label(m.today), "n": after, "cap": place.capacity}
    if after > place.capacity:
        yield Check(
            "capacity",
            "block",
            _("%(class)s额定 %(cap)s 人, 编入后有 %(n)s 人, 已经满额。请选其他班级, 或报主管部门统筹")
            % words,
            action_url="#id_to_class_id",
            action_label=_("换一个班"),
        )
    else:
        yield Check("capacity", "pass", _("%(class)s编入后 %(n)s 人, 额定 %(cap)s 人") % words)


def article(policy: PolicySet, case: Case) -> str:
    """The text on which this kind of case rests."""
    cite = policy.business(case.business).cite
    return f"《{cite.source.title}》{article_words(cite.article)}"


def day_of(case: Case, m: Material, key: str) -> date:
    """The day from which a change holds. A day that passed while the case was decided: from the decision."""
    return max(form_date(case.form, key) or m.today, m.today)


def write_step(
    actor: Any,
    case: Case,
    m: Material,
    policy: PolicySet,
    *,
    to: Status,
    day: date,
    detail: Any = (),
    **where: Any,
) -> date:
    """One step of the child's timeline for a decided case; `where` are places as `Step` names them.

    Returns the day of effect. Raises `RecordChanged`, `IllegalStep`.
    """
    step = Step(
        person_id=m.subject.person_id,
        business=case.business,
        to_status=to,
        at=midnight(day),
        case_id=case.case_id,
        article=article(policy, case),
        reason=case.summary.get("reason", ""),
        detail={"case": case.number, "reason": case.form.get("reason", "")} | dict(detail),
        **where,
    )
    enrolment.apply_step(actor, step, expected=m.subject.last_event)
    return day


def into_class(m: Material) -> dict[str, Any]:
    """The places of a step that puts the child into the class that was chosen. Raises `IllegalStep`."""
    if m.place is None:
        raise IllegalStep(_("所选班级已不存在, 请退回发起学校重新选择"))
    return {
        "school_id": m.units.start.pk,
        "class_id": m.place.id,
        "stage": m.place.stage,
        "cohort_year": m.place.cohort_year,
    }
