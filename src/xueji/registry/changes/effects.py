"""What a decided case does to the record. Runs inside the transaction of the last decision, in the writing role."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.policy.engine import PolicySet
from xueji.registry.duplicates import commands as duplicates
from xueji.registry.enrolment.errors import RecordChanged

from . import twins
from .business import KINDS
from .material import Material
from .models import Case


def apply(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    """Write the change; returns the day from which it holds.

    Raises `RecordChanged` when the record is not the one that was decided on, `IllegalStep`.
    """
    if _moved(case, m):
        raise RecordChanged(_("该生的学籍在提交之后已有变动, 这件业务不能生效, 请核对后重新发起"))
    day = KINDS[case.business].effect(actor, case, m, policy)
    if case.person_id is not None and twins.concerned(case):
        duplicates.keep_likely([case.person_id])
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
