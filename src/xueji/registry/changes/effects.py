"""What a decided case does to the record. Runs inside the transaction of the last decision, in the writing role."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import article_words
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import IllegalStep, RecordChanged
from xueji.registry.enrolment.models import Event
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people import commands as people

from .facts import Material, form_date
from .models import Case


def apply(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    """Write the change; returns the day from which it holds.

    Raises `RecordChanged` when the record is not the one that was decided on, `IllegalStep`.
    """
    if _moved(case, m):
        raise RecordChanged(_("该生的学籍在提交之后已有变动, 这件业务不能生效, 请核对后重新发起"))
    if case.business == "correct_key":
        _correct(actor, case, m, policy)
        return m.today
    day, step = _step(case, m, policy)
    enrolment.apply_step(actor, step, expected=m.subject.last_event)
    return day


def _moved(case: Case, m: Material) -> bool:
    """Whether the child stands elsewhere than when the case was sent. A change of class inside the school is no
    ground to lose a case that all have decided; another school, status or cohort is."""
    if str(m.subject.last_event) == case.chain_version:
        return False
    then = (
        case.facts.get("student.home_school"),
        case.facts.get("student.status"),
        case.summary.get("cohort"),
    )
    return then != (str(m.subject.school_id), m.subject.status.code_label, str(m.subject.cohort_year))


def _article(policy: PolicySet, case: Case) -> str:
    cite = policy.business(case.business).cite
    return f"《{cite.source.title}》{article_words(cite.article)}"


def _step(case: Case, m: Material, policy: PolicySet) -> tuple[date, Step]:
    form = case.form
    key = {"transfer": "effective_on", "suspend": "start", "resume": "resume_on"}[case.business]
    # A day that passed while the case was decided: the change holds from the decision.
    day = max(form_date(form, key) or m.today, m.today)
    detail: dict[str, Any] = {"case": case.number, "reason": form.get("reason", "")}
    common: dict[str, Any] = {
        "person_id": case.person_id,
        "business": case.business,
        "at": midnight(day),
        "case_id": case.case_id,
        "article": _article(policy, case),
        "reason": case.summary.get("reason", ""),
        "detail": detail,
    }
    if case.business == "suspend":
        detail |= {"planned_start": form.get("start"), "planned_end": form.get("end")}
        return day, Step(to_status=Status.SUSPENDED, **common)
    if m.place is None:
        raise IllegalStep(_("所选班级已不存在, 请退回发起学校重新选择"))
    return day, Step(
        to_status=Status.STUDYING,
        school_id=m.units.start.pk,
        class_id=m.place.id,
        stage=m.place.stage,
        cohort_year=m.place.cohort_year,
        **common,
    )


def _correct(actor: Any, case: Case, m: Material, policy: PolicySet) -> None:
    """Name, number, sex and birth date; each change keeps what was before, and one event names the decision."""
    form, s = case.form, m.subject
    now = timezone.now()
    event_id = uuid.uuid4()
    Event.objects.bulk_create(
        [
            Event(
                person_id=s.person_id,
                event_id=event_id,
                business=case.business,
                valid_at=now,
                recorded_at=now,
                county_id=s.county_id,
                school_id=s.school_id,
                class_id=s.class_id,
                actor_id=actor.user_id,
                actor_name=actor.user_name,
                case_id=case.case_id,
                article=_article(policy, case)[:200],
                reason=case.summary.get("reason", "")[:300],
                detail={"case": case.number, "diff": case.summary.get("diff", [])},
            )
        ]
    )
    if form.get("new_name"):
        people.change_name(actor, s.person_id, form["new_name"], event_id=event_id, at=now)
    if form.get("new_sex") or form.get("new_birth_date"):
        people.change_birth_sex(
            actor,
            s.person_id,
            birth_date=form_date(form, "new_birth_date") or s.birth_date,
            sex=form.get("new_sex") or s.sex,
            event_id=event_id,
            at=now,
        )
    if m.new_number:
        people.change_identity(
            actor, s.person_id, form.get("new_id_type") or s.id_type, m.new_number, event_id=event_id, at=now
        )
    enrolment.correct_roster(s.person_id)
