"""What several kinds of cases share: checking the class, and writing a step of the timeline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace, article_words
from xueji.ground.policy.sizes import Cap, cap_of
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import IllegalStep
from xueji.registry.enrolment.models import GUEST
from xueji.registry.enrolment.timeline import Step, midnight

from .. import history, seats
from ..material import Material, form_date
from ..models import Case
from ..subject import class_place
from .spec import Check

#: Senior schools' corrections, where a place has them reviewed by county, city and province.
SENIOR = "senior"


def senior_variant(policy: PolicySet, m: Material) -> str:
    """The chain for a senior record where the place declares one (C-INF-09); else ''."""
    return SENIOR if m.subject.stage == "S" and (m.case.business, SENIOR) in policy.chains() else ""


def row(label: Any, value: Any) -> dict[str, str]:
    """One line of what deciders read."""
    return {"label": str(label), "value": str(value or "")}


def rows(*pairs: tuple[Any, Any]) -> dict[str, Any]:
    """The lines that have something to say."""
    return {"rows": [row(label, value) for label, value in pairs if value]}


def class_facts(m: Material) -> dict[str, Any]:
    """Grade before and after, and the head-count of the class that was chosen."""
    grade, to = m.subject.grade(m.today), m.place.grade(m.today) if m.place else None
    return {
        "case.from_grade": grade.code if grade else None,
        "case.from_grade.label": grade.label if grade else None,
        "case.to_grade": to.code if to else None,
        "case.to_grade.label": to.label if to else None,
        "class.size_after": m.place.size + (0 if _there(m) else 1) if m.place else None,
        "class.full": m.place.size >= m.place.capacity if m.place else None,
    }


def _there(m: Material) -> bool:
    """Whether the child is counted in the chosen class already."""
    return m.place is not None and m.subject.class_id == m.place.id and m.subject.status == Status.STUDYING


def class_wanted(m: Material) -> dict[str, Any]:
    """The class as deciders read it."""
    return {"to_class": m.place.label(m.today), "to_school": m.units.start.name} if m.place else {}


def chosen_class(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    """A class of the own school is chosen and has room."""
    yield from _class(policy, m, same_grade=False)


def chosen_class_of_grade(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    """The same, and it is of the child's grade."""
    yield from _class(policy, m, same_grade=True)


def _class(policy: PolicySet, m: Material, *, same_grade: bool) -> Iterable[Check]:
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
    after = place.size + (0 if _there(m) else 1)
    words = {"class": place.label(m.today), "n": after, "cap": place.capacity}
    if after > place.capacity:
        yield Check(
            "capacity",
            "block",
            _("%(class)s额定 %(cap)s 人, 编入后有 %(n)s 人, 已经满额。") % words
            + _elsewhere(m, cap_of(policy, place.stage)),
            action_url="#id_to_class_id",
            action_label=_("换一个班"),
        )
    else:
        yield Check("capacity", "pass", _("%(class)s编入后 %(n)s 人, 额定 %(cap)s 人") % words)


def _elsewhere(m: Material, cap: Cap) -> str:
    """Where there is room when a class is full: another class of the grade, else what the authority can place."""
    assert m.place is not None
    if free := seats.free_classes(m.place, m.today, cap):
        return _("同年级还有空位的班级: %s") % "、".join(p.label(m.today) for p in free[:5])
    office, stage = m.units.start_authority.pk, m.place.stage
    others = seats.elsewhere(office, m.place.school_id, stage, m.place.cohort_year, cap, limit=5)
    words = {"office": m.units.start_authority.name, "phone": m.units.start_authority.phone or "—"}
    if m.case.business == "transfer":
        head = _("本校这个年级没有空位了。提交后系统自动拒绝, 并转%(office)s(电话 %(phone)s)统筹安排") % words
    else:
        head = _("本校这个年级没有空位了, 不能接收, 请家长联系%(office)s(电话 %(phone)s)统筹安排") % words
    named = "、".join(f"{s.name}({s.room})" for s in others)
    return head + (_("。县内这个年级有空位的学校(空位数): %s") % named if others else "")


def happened(
    m: Material, key: str, label: Any, *, future: bool = False, required: bool = True
) -> Iterable[Check]:
    """A day on which something happened: filled in, not to come yet (unless `future`), not before the last change."""
    day = form_date(m.case.form, key)
    text = ""
    if day is None:
        text = _("还没有填写%s") % label if required else ""
    elif day > m.today and not future:
        text = _("%(label)s %(day)s 还没有到, 请核对") % {"label": label, "day": day}
    elif day < m.subject.birth_date:
        text = _("%(label)s %(day)s 早于出生日期, 请核对") % {"label": label, "day": day}
    if text:
        yield Check("dates", "block", text, action_url=f"#id_{key}", action_label=_("去填写"))


def end_guest(actor: Any, case: Case, m: Material, policy: PolicySet, day: date) -> None:
    """Whoever leaves the school that keeps the record is no guest anywhere either: the stay elsewhere ends too."""
    if history.guest_school(m.subject.person_id) is None:
        return
    died = case.business == "death"
    enrolment.apply_step(
        actor,
        Step(
            person_id=m.subject.person_id,
            business="death" if died else "borrow_end",
            to_status=Status.DECEASED if died else Status.TRANSFERRED_OUT,
            at=midnight(day),
            kind=GUEST,
            case_id=case.case_id,
            article=article(policy, case),
            reason=case.summary.get("reason", ""),
            detail={"case": case.number, "because": case.business},
        ),
    )


def article(policy: PolicySet, case: Case) -> str:
    """The text on which this kind of case rests."""
    cite = policy.business(case.business).cite
    return f"《{cite.source.title}》{article_words(cite.article)}"


def day_of(case: Case, m: Material, key: str) -> date:
    """The day from which a change holds. A day that passed while the case was decided: from the decision."""
    wanted = form_date(case.form, key) or m.today
    if case.outage:
        return wanted  # done on paper while the system was down: from the true day
    return max(wanted, m.today)


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
    now = class_place(m.place.id)  # others may have come since the case was sent
    if now is None or now.closed:
        raise IllegalStep(_("所选班级已不存在, 请退回发起学校重新选择"))
    after = now.size + (0 if _there(m) else 1)
    if after > now.capacity:
        raise IllegalStep(
            _("%(class)s额定 %(cap)s 人, 已经满额, 请退回发起学校另选班级")
            % {"class": now.label(m.today), "cap": now.capacity}
        )
    return {
        "school_id": m.units.start.pk,
        "class_id": m.place.id,
        "stage": m.place.stage,
        "cohort_year": m.place.cohort_year,
    }
