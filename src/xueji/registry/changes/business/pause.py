"""Pauses: suspension, its extension and return; a place kept (保留学籍) and taken up again. The record stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace, article_words
from xueji.ground.policy.statuses import Status
from xueji.ground.policy.values import Duration, speak

from .. import history
from ..material import Material, form_date
from ..models import Case
from ..routing import policy_for
from ..subject import Subject
from . import asking, common
from .forms import CaseForm, ClassForm, class_field, day_field, note_field, reason_field
from .spec import STUDYING, Check, Kind

_REASONS = ("因病", "因事", "其他")
RESERVE_REASONS = ("应征入伍", "参加集训或竞赛", "其他")
APPLY, ORDER, ADVISE = "apply", "order", "advise"
HOWS = {APPLY: _("监护人申请"), ORDER: _("学校令其休学(患传染病)"), ADVISE: _("学校劝其休学(缺课过多)")}
#: A return that many days after the end of the period needs an explanation.
LATE_DAYS = 30
_ANSWERS = ("同意", "不同意", "没有答复")


class SuspendForm(CaseForm):
    """Suspension: asked for by the family, or ordered or advised by the school."""

    occasions = ("suspend.order", "suspend.by_leave")

    how = forms.ChoiceField(label=_("由谁提出"), choices=list(HOWS.items()), required=False, initial=APPLY)
    reason = reason_field(*_REASONS)
    reason_note = note_field(_("不用写病名等细节, 材料里有"))
    start = day_field(_("休学开始日期"))
    end = day_field(_("休学结束日期"), _("到期后办理复学"))
    told_on = day_field(_("告知监护人的日期"), _("学校令其休学或劝其休学时填写"))
    answer = forms.ChoiceField(
        label=_("监护人的答复"),
        choices=[("", _("请选择")), *((x, x) for x in _ANSWERS)],
        required=False,
        help_text=_("学校令其休学或劝其休学时填写"),
    )


class ExtendForm(CaseForm):
    """A suspension goes on."""

    reason = reason_field(*_REASONS)
    reason_note = note_field(_("不用写病名等细节, 材料里有"))
    end = day_field(_("延长到哪一天"), _("从原定结束的日期接着算"))


class ResumeForm(ClassForm):
    """Return after a suspension, early, in time or late."""

    occasions = ("resume.early",)

    reason = reason_field(*_REASONS)
    to_class_id = class_field(_("可编入原班所在的年级或下一届"))
    resume_on = day_field(_("复学日期"))
    reason_note = note_field(_("逾期复学的, 写明原因"))

    def prepare(self) -> None:
        self.offer_cohorts()
        self.fields["reason"].label = _("休学原因")


class ReserveForm(CaseForm):
    """The place is kept for a time."""

    reason = reason_field(*RESERVE_REASONS)
    reason_note = note_field()
    start = day_field(_("开始日期"))
    end = day_field(_("预计结束日期"), _("到期后办理恢复学籍"))


class RestoreForm(ClassForm):
    """The place that was kept is taken up again."""

    to_class_id = class_field(_("可编入原班所在的年级或下一届"))
    resume_on = day_field(_("恢复日期"))
    reason_note = note_field()

    def prepare(self) -> None:
        self.offer_cohorts()


# --- suspension ---------------------------------------------------------------------------------------------------


def _how(case: Case) -> str:
    return case.form.get("how") or APPLY


def _suspend_events(case: Case) -> Iterable[str]:
    return {ORDER: ("suspend.order",), ADVISE: ("suspend.by_leave",)}.get(_how(case), ())


def _suspend_facts(m: Material) -> dict[str, Any]:
    form, s = m.case.form, m.subject
    start = form_date(form, "start")
    enrolled, suspended = history.grade_counts(s.school_id, s.stage, s.cohort_year)
    found: dict[str, Any] = {
        "case.start": start,
        "case.end": form_date(form, "end"),
        "case.first_start": start,
        "case.suspend_count": 1,
        "grade.enrolled": enrolled,
        "grade.suspended_after": suspended + (s.status != Status.SUSPENDED),
    }
    if _how(m.case) == ORDER:
        found |= {"student.infectious": True, "case.outcome": "令其休学"}
    elif _how(m.case) == APPLY:
        found["case.initiator"] = "监护人"
    return found


def _suspend_checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    yield from _in_order(m, "start", "end")
    if _how(m.case) == APPLY:
        return
    yield from common.happened(m, "told_on", now("告知监护人的日期"))
    if not m.case.form.get("answer"):
        yield Check(
            "answer",
            "block",
            now("学校令其休学或劝其休学的, 要告知监护人并记下答复"),
            action_url="#id_answer",
            action_label=now("去填写"),
        )
    elif m.case.form["answer"] != "同意" and _how(m.case) == ADVISE:
        yield Check(
            "answer", "block", now("监护人没有同意, 劝其休学不能办理。学生继续上学, 或请主管部门处理")
        )


def _in_order(m: Material, first: str, last: str) -> Iterable[Check]:
    start, end = form_date(m.case.form, first), form_date(m.case.form, last)
    if start and end and end <= start:
        yield Check(
            "dates",
            "block",
            now("结束日期要晚于开始日期"),
            action_url=f"#id_{last}",
            action_label=now("去修改"),
        )


def _suspend_wanted(m: Material) -> dict[str, Any]:
    how, form = _how(m.case), m.case.form
    if how == APPLY:
        return {}
    return common.rows(
        (_("由谁提出"), str(HOWS[how])),
        (_("告知监护人的日期"), form.get("told_on")),
        (_("监护人的答复"), form.get("answer")),
    )


def _pauses(to: Status) -> Callable[[Any, Case, Material, PolicySet], date]:
    def effect(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
        planned = {"planned_start": case.form.get("start"), "planned_end": case.form.get("end")}
        told = {k: case.form[k] for k in ("how", "told_on", "answer") if case.form.get(k)}
        day = common.day_of(case, m, "start")
        common.write_step(actor, case, m, policy, to=to, day=day, detail=planned | told)
        common.end_guest(actor, case, m, policy, day)
        return day

    return effect


# --- extension ----------------------------------------------------------------------------------------------------


def _extend_facts(m: Material) -> dict[str, Any]:
    run = history.run_of(m.subject.person_id, Status.SUSPENDED)
    last = run[-1] if run else None
    found: dict[str, Any] = {
        "case.start": (last.end if last else None) or m.today,
        "case.end": form_date(m.case.form, "end"),
        "case.suspend_count": len(run) + 1,
        "case.extended_on": m.today,
    }
    if run:
        found["case.first_start"] = run[0].start
    if last is not None and last.end is not None:
        found["case.suspend_end"] = last.end
    return found


def _extend_checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    end = form_date(m.case.form, "end")
    run = history.run_of(m.subject.person_id, Status.SUSPENDED)
    before = run[-1].end if run else None
    text = ""
    if end is None:
        text = now("还没有填写延长到哪一天")
    elif end <= m.today or (before is not None and end <= before):
        text = now("延长到的日期要晚于今天和原定的结束日期(%s)") % (before or "—")
    if text:
        yield Check("dates", "block", text, action_url="#id_end", action_label=now("去填写"))
        return
    yield from _cap(policy, run, before, end)


def _cap(
    policy: PolicySet, run: list[history.Period], before: date | None, end: date | None
) -> Iterable[Check]:
    """One period is as long as the place allows for one; all together are for the rules (`suspend.max_continuous`)."""
    held = policy.param("suspend.period") if "suspend.period" in policy.param_ids() else None
    if not run or held is None or not held.stated or not isinstance(held.value, Duration) or end is None:
        return
    if before is not None and end > held.value.after(before):
        yield Check(
            "period",
            "block" if held.force == "must" else "warn",
            now("《%(title)s》%(article)s: 每次休学%(length)s, 从 %(start)s 起最长到 %(last)s")
            % {
                "title": held.cite.source.title,
                "article": article_words(held.cite.article),
                "length": speak(held.value),
                "start": before,
                "last": held.value.after(before),
            },
            action_url="#id_end",
            action_label=now("去修改"),
        )


def _extend_wanted(m: Material) -> dict[str, Any]:
    run = history.run_of(m.subject.person_id, Status.SUSPENDED)
    if not run:
        return {}
    return common.rows(
        (_("首次休学开始"), run[0].start), (_("原定结束"), run[-1].end), (_("连续第几次"), len(run) + 1)
    )


def _extend(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    run = history.run_of(m.subject.person_id, Status.SUSPENDED)
    start = (run[-1].end if run else None) or m.today
    planned = {"planned_start": start.isoformat(), "planned_end": case.form.get("end")}
    return common.write_step(actor, case, m, policy, to=Status.SUSPENDED, day=m.today, detail=planned)


def _extend_suggested(child: Subject, _today: date) -> dict[str, Any]:
    return {"reason": child.suspended_for} if child.suspended_for in _REASONS else {}


# --- back ---------------------------------------------------------------------------------------------------------


def planned_end(m: Material) -> date | None:
    """The day on which the present absence was to end."""
    run = history.run_of(m.subject.person_id, m.subject.status)
    return run[-1].end if run else None


def _is_early(case: Case) -> bool:
    day = form_date(case.form, "resume_on")
    run = history.run_of(case.person_id, Status.SUSPENDED) if case.person_id and day else []
    return bool(run and run[-1].end and day and day < run[-1].end)


def _resume_events(case: Case) -> Iterable[str]:
    return ("resume.early",) if _is_early(case) else ()


def _resume_facts(m: Material) -> dict[str, Any]:
    found = common.class_facts(m) | {
        "case.resume_on": form_date(m.case.form, "resume_on"),
        "case.grade_plan": _grade_plan(m),
    }
    if (end := planned_end(m)) is not None:
        found["case.suspend_end"] = end
    if history.guest_school(m.subject.person_id) is not None:
        found["student.attends_elsewhere"] = True
    return found


def _grade_plan(m: Material) -> str | None:
    """Into which grade the child returns, in the word by which the rules of the place know it."""
    if m.place is None:
        return None
    later = m.place.cohort_year - m.subject.cohort_year
    run = history.run_of(m.subject.person_id, Status.SUSPENDED)
    left = m.place.grade(m.today), _grade_then(m, run)
    names = {0: ["原届", "原班级"], 1: ["下一届"]}.get(later, [])
    if left[0] is not None and left[1] is not None:
        years = left[0].year - left[1]
        names += {0: ["原年级"], 1: ["下一年级"]}.get(years, [])
    names.append("按实际程度")
    known = asking.constants(
        policy_for(m.units.start, m.today), asking.events_of("resume"), "case.grade_plan"
    )
    return next((name for name in names if name in known), names[0])


def _grade_then(m: Material, run: list[history.Period]) -> int | None:
    grade = m.subject.grade(run[0].start) if run else None
    return grade.year if grade else None


def _resume_checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    yield from common.chosen_class(policy, m, trace)
    day, end = form_date(m.case.form, "resume_on"), planned_end(m)
    if day is None or end is None:
        return
    words = {"end": end, "day": day}
    note = bool(m.case.form.get("reason_note"))
    if day < end:
        yield Check("period", "warn", now("原定 %(end)s 期满, 申请 %(day)s 提前复学") % words)
    elif (day - end).days > LATE_DAYS:
        yield from _explained(note, now("原定 %(end)s 期满, 到 %(day)s 复学已经逾期") % words)
    else:
        yield Check("period", "pass", now("休学于 %(end)s 期满") % words)


def _explained(note: bool, text: str) -> Iterable[Check]:
    """Long after the day: the family's written words belong to the case (逾期复学)."""
    if note:
        yield Check("period", "warn", text)
    else:
        yield Check(
            "period",
            "block",
            now("%s, 请在补充说明中写明原因") % text,
            action_url="#id_reason_note",
            action_label=now("去填写"),
        )


def _resume_wanted(m: Material) -> dict[str, Any]:
    return common.class_wanted(m) | common.rows(
        (_("原定休学结束"), planned_end(m)), (_("复学年级"), _grade_plan(m))
    )


def _back(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    day = common.day_of(case, m, "resume_on")
    return common.write_step(actor, case, m, policy, to=Status.STUDYING, day=day, **common.into_class(m))


def _resume_suggested(child: Subject, today: date) -> dict[str, Any]:
    found = {"resume_on": today.isoformat()}
    return found | ({"reason": child.suspended_for} if child.suspended_for else {})


def _restore_facts(m: Material) -> dict[str, Any]:
    return common.class_facts(m) | {"case.resume_on": form_date(m.case.form, "resume_on")}


def _reserve_facts(m: Material) -> dict[str, Any]:
    return {"case.start": form_date(m.case.form, "start"), "case.end": form_date(m.case.form, "end")}


KINDS = (
    Kind(
        "suspend",
        _("休学"),
        _("暂时不上学(休学)"),
        _("因病或其他原因停止上学一段时间, 学籍保留"),
        _("休学"),
        "player-pause",
        "pause",
        STUDYING,
        SuspendForm,
        _pauses(Status.SUSPENDED),
        facts=_suspend_facts,
        checks=_suspend_checks,
        wanted=_suspend_wanted,
        days=(("start", _("休学开始日期")), ("end", _("休学结束日期"))),
        events=_suspend_events,
        common=True,
    ),
    Kind(
        "suspend_extend",
        _("延长休学"),
        _("休学期满还不能回来(延长休学)"),
        _("期满前后办理, 连续休学的总时间有上限"),
        _("延长休学"),
        "hourglass",
        "pause",
        frozenset({Status.SUSPENDED}),
        ExtendForm,
        _extend,
        facts=_extend_facts,
        checks=_extend_checks,
        wanted=_extend_wanted,
        suggested=_extend_suggested,
        common=True,
    ),
    Kind(
        "resume",
        _("复学"),
        _("回来上学(复学)"),
        _("休学后回到学校, 编入合适的班级"),
        _("复学"),
        "door-enter",
        "pause",
        frozenset({Status.SUSPENDED}),
        ResumeForm,
        _back,
        facts=_resume_facts,
        checks=_resume_checks,
        wanted=_resume_wanted,
        suggested=_resume_suggested,
        days=(("resume_on", _("复学日期")),),
        events=_resume_events,
        common=True,
    ),
    Kind(
        "reserve",
        _("保留学籍"),
        _("保留学籍(如应征入伍)"),
        _("离开一段时间、以后回来继续读的, 学籍保留"),
        _("保留学籍"),
        "lock",
        "pause",
        STUDYING,
        ReserveForm,
        _pauses(Status.RESERVED),
        facts=_reserve_facts,
        checks=lambda _policy, m, _trace: _in_order(m, "start", "end"),
        days=(("start", _("开始日期")), ("end", _("预计结束日期"))),
        stages="S",
    ),
    Kind(
        "restore",
        _("恢复学籍"),
        _("回来上学(恢复学籍)"),
        _("保留学籍后回到学校, 编入合适的班级"),
        _("恢复学籍"),
        "door-enter",
        "pause",
        frozenset({Status.RESERVED}),
        RestoreForm,
        _back,
        facts=_restore_facts,
        checks=common.chosen_class,
        wanted=common.class_wanted,
        suggested=lambda _child, today: {"resume_on": today.isoformat()},
        days=(("resume_on", _("恢复日期")),),
        needs_reason=False,
    ),
)
