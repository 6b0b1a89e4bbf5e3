"""What a school can begin for a child: in plain words, by group, and where it cannot be, why, with the article."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.orgs.grades import grade_on
from xueji.ground.orgs.models import Org, School
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment.models import Roster

from .business.spec import Kind, stage_why
from .kinds import KINDS
from .routing import policy_for


@dataclass(frozen=True)
class Offer:
    """One business; `why` says why not now (empty: it can be begun)."""

    kind: Kind
    task: str
    why: str


@dataclass(frozen=True)
class Group:
    """Businesses of one group; `open` ones can be begun."""

    label: str
    offers: list[Offer]

    @property
    def open(self) -> int:
        """How many can be begun."""
        return sum(not o.why for o in self.offers)


def offers(row: Roster, today: date, running: Iterable[Any]) -> tuple[list[Offer], list[Group]]:
    """First what is common and can be begun, then everything else by group. `running` are the child's open cases.

    Four queries for any number of kinds; the rules of the place are asked with what is known of every child.
    """
    school = School.objects.get(pk=row.school_id)
    policy = policy_for(Org.objects.get(pk=row.school_id), today)
    busy = {c.business: c.number or c.label for c in running}
    facts = _facts(row, school.system, today)
    found = [
        Offer(kind, _task(kind), _why(kind, row, policy, facts, today, busy))
        for kind in KINDS.values()
        if kind.newcomer is None
        and not kind.guest
        and kind.id != "borrow"
        and (kind.id != "problem" or row.problem)
    ]
    first = [o for o in found if o.kind.common and not o.why]
    rest = [o for o in found if o not in first]
    groups = [
        Group(label, sorted((o for o in rest if o.kind.group == name), key=lambda o: bool(o.why)))
        for name, label in _group_names()
    ]
    known = {name for name, _label in _group_names()}
    groups.append(Group(_("其他"), [o for o in rest if o.kind.group not in known]))
    return first, [g for g in groups if g.offers]


def _group_names() -> tuple[tuple[str, str], ...]:
    return (
        ("move", _("转学")),
        ("pause", _("休学、复学和保留学籍")),
        ("leave", _("离校和返校")),
        ("grade", _("班级和年级")),
        ("change", _("信息变更")),
        ("guest", _("借读")),
        ("number", _("学籍号")),
        ("record", _("问题学籍")),
    )


def _task(kind: Kind) -> str:
    return str(_("转到其他学校") if kind.id == "transfer" else kind.task)


def _facts(row: Roster, system: str, today: date) -> dict[str, Any]:
    grade = grade_on(row.stage, row.cohort_year, system, today)
    return {
        "student.stage": row.stage,
        "student.grade": grade.code if grade else None,
        "student.grade.label": grade.label if grade else None,
        "student.graduating": grade.last if grade else None,
        "student.status": Status(row.status).code_label,
        "student.birth_date": row.birth_date,
        "student.has_record": True,
        "case.channel": "electronic",
        "case.system_failure": False,
        "case.applied_on": today,
    }


def _why(
    kind: Kind, row: Roster, policy: PolicySet, facts: dict[str, Any], today: date, busy: dict[str, str]
) -> str:
    if kind.lookup:
        return _("转到其他学校由转入学校发起, 请家长带学生基本信息表到转入学校办理")
    if Status(row.status) not in kind.from_statuses:
        return _("学籍状态为“%s”, 不能办理") % Status(row.status).label
    if kind.id in busy:
        return _("正在办理: %s") % busy[kind.id]
    try:
        label = policy.business(kind.id).label
    except KeyError:
        return _("本地规则没有规定这项业务")
    trace = policy.evaluate(f"{kind.id}.apply", facts | {"event.kind": label}, today)
    stopping = [f for f in trace.stopping if f.verdict == "block" and not f.overridable]
    return stopping[0].sentence if stopping else stage_why(policy, kind.id, row.stage)
