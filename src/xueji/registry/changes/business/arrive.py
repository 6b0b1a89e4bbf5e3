"""Transfer from a system that is not ours, on paper: the child is recorded when all have decided, not before."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from xueji.ground.orgs.models import School, SchoolClass
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace
from xueji.ground.policy.statuses import Status
from xueji.ground.standards.identity import SEX_WORDS, check_identity
from xueji.ground.standards.idtypes import RESIDENT, id_types
from xueji.ground.standards.names import normalise_name
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import RecordChanged
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people import commands as people
from xueji.registry.people import places
from xueji.registry.people.errors import IdentityTaken
from xueji.registry.people.models import IdentityLookup, Person

from ..material import Material, form_date
from ..models import Case
from ..subject import Subject
from . import common, zones
from .forms import ClassForm, class_field, day_field, note_field, reason_field
from .spec import Check, Kind

REASONS = ("家庭住址变动", "监护人工作调动", "随监护人迁移户口", "其他")
_NOWHERE = uuid.UUID(int=0)
#: A record for a child beyond the entry grade whom nobody ever recorded (非起始年级补建, NAT-ENR-11).
LATE = "late_record"
LATE_REASONS = ("原就读学校没有建立学籍", "民办学校未建籍", "长期未入学现就读", "境外返回就读", "其他")


class ArriveForm(ClassForm):
    """The child as the paper of the former school shows it, and the class."""

    new_name = forms.CharField(
        label=_("姓名"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"data-person-name": ""}),
        help_text=_("照原学校的学生基本信息表填写"),
    )
    new_sex = forms.ChoiceField(
        label=_("性别"), required=False, choices=[("", _("请选择")), ("1", _("男")), ("2", _("女"))]
    )
    new_birth_date = day_field(_("出生日期"))
    new_id_type = forms.ChoiceField(label=_("证件类型"), required=False)
    new_number = forms.CharField(
        label=_("证件号"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    from_school = forms.CharField(label=_("原学校名称"), required=False, max_length=100)
    from_area = forms.CharField(
        label=_("原学校所在地"), required=False, max_length=60, help_text=_("省、市、县")
    )
    hukou_area = zones.hukou_field()
    home_area = zones.home_field()
    reason = reason_field(*REASONS)
    reason_note = note_field()
    to_class_id = class_field(_("转学不改变年级, 请编入原来的年级"))
    effective_on = day_field(_("转入日期"), _("自这一天起在本校在籍, 今天或以后"))

    def prepare(self) -> None:
        kinds = [(t.code, t.label) for t in id_types().values() if t.for_students]
        self.fields["new_id_type"].choices = [("", _("无证件")), *kinds]  # type: ignore[attr-defined]
        if masked := self.case.form.get("new_number_masked"):
            self.fields["new_number"].help_text = _("已填 %s, 留空表示不再改动") % masked
        self.offer_reasons(REASONS, "transfer.reasons")
        self.offer_grades()

    def clean_new_name(self) -> str:
        """The name as it is stored."""
        raw = self.cleaned_data["new_name"]
        found = normalise_name(raw)
        if raw and not found.ok:
            raise forms.ValidationError(found.problems[0].message)
        return found.value if raw else ""


class LateForm(ArriveForm):
    """The child as the family's papers show it, where it was until now, and the class."""

    reason = reason_field(*LATE_REASONS)
    effective_on = day_field(_("建籍日期"), _("自这一天起在本校在籍, 今天或以后"))

    def prepare(self) -> None:
        super().prepare()
        self.fields["new_name"].help_text = _("照户口簿填写")
        self.fields["from_school"].label = _("以前就读的学校")
        self.fields["from_school"].help_text = _("没有上过学的写“无”")
        self.fields["reason"].choices = [("", _("请选择")), *((r, r) for r in LATE_REASONS)]  # type: ignore[attr-defined]
        self.fields["to_class_id"].help_text = _("编入与年龄和学力相当的年级")


def newcomer(case: Case, child: Subject | None) -> Subject:
    """The child of the case: not recorded yet, or one who left this system before. It counts as the starting school's,
    in the class that was chosen: nobody else has a part in it.
    """
    form = case.form
    school = School.objects.select_related("org").get(pk=case.org_id)
    klass = SchoolClass.objects.filter(pk=form.get("to_class_id") or 0, school_id=case.org_id).first()
    stage = klass.stage if klass else str((school.stages or ["P"])[0])
    cohort = klass.cohort_year if klass else timezone.localdate().year
    if child is not None:
        return replace(
            child,
            school_id=case.org_id,
            county_id=school.county_id,
            school_name=school.org.name,
            system=school.system,
            class_id=None,
            class_number=None,
            stage=stage,
            cohort_year=cohort,
        )
    assert case.person_id is not None
    return Subject(
        person_id=case.person_id,
        name=form.get("new_name") or case.student_name,
        sex=form.get("new_sex", ""),
        birth_date=form_date(form, "new_birth_date") or timezone.localdate(),
        check_state="unchecked",
        id_type=form.get("new_id_type", ""),
        number_prefix="",
        status=Status.NONE,
        school_id=case.org_id,
        county_id=school.county_id,
        school_name=school.org.name,
        system=school.system,
        class_id=None,
        class_number=None,
        stage=stage,
        cohort_year=cohort,
        since=timezone.now(),
        problem=False,
        open_case="",
        last_event=_NOWHERE,
        suspended_for="",
        pending=False,
    )


def _facts(m: Material) -> dict[str, Any]:
    grade = m.place.grade(m.today) if m.place else None
    found = (
        zones.facts(m)
        | common.class_facts(m)
        | {
            "case.effective_on": form_date(m.case.form, "effective_on"),
            "student.has_record": m.subject.status != Status.NONE,
            "student.has_id_number": bool(m.new_number) and m.case.form.get("new_id_type") == RESIDENT,
        }
    )
    # The former grade is the one of the paper; the chosen class is of that grade by the school's word.
    return found | {"case.from_grade": grade.code if grade else None}


def _checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    yield from common.chosen_class(policy, m, trace)
    yield from zones.checks(m)
    if m.case.business == LATE:
        yield from _late(m)
    if m.subject.status != Status.NONE:
        yield Check("record", "pass", now("该生曾在本系统, 转出后回来, 沿用原来的学籍"))
        return
    form = m.case.form
    for key, label in (
        ("new_name", now("姓名")),
        ("new_sex", now("性别")),
        ("new_birth_date", now("出生日期")),
        ("from_school", now("原学校名称")),
    ):
        if not form.get(key):
            yield _missing(key, now("还没有填写%s") % label)
    if form.get("new_id_type") and not m.new_number:
        yield _missing("new_number", now("还没有填写证件号"))
    if m.new_number:
        yield from _identity(m)
    if form.get("new_birth_date") and not m.new_number and _namesake(m):
        # Without a number nothing else tells two children apart: the rule 一人一籍 goes before.
        yield Check(
            "dedup", "block", now("系统内已有姓名、性别、出生日期都相同的学生, 请先核对是不是同一个人")
        )


def _namesake(m: Material) -> bool:
    s = m.subject
    return Person.objects.filter(name=s.name, birth_date=s.birth_date, sex=s.sex, merged_into=None).exists()


def _late(m: Material) -> Iterable[Check]:
    """A new record is for who never had one; the entry grade is entered by the list of new pupils (C-NUM-15)."""
    if m.subject.status != Status.NONE:
        yield Check("record", "block", now("该生已有学籍, 请改办转入, 不能补建"))
    grade = m.place.grade(m.today) if m.place else None
    if grade is not None and grade.stage == "P" and grade.year == 1:
        yield Check("entry", "block", now("小学一年级新生请用“导入与建籍”办理, 不用补建"))
    if not m.case.form.get("reason"):
        yield _missing("reason", now("还没有选择补建的原因"))
    yield Check("route", "pass", now("县级核准后, 由省级每月汇总全国查重; 查重未通过的, 改办转学"))


def _identity(m: Material) -> Iterable[Check]:
    form = m.case.form
    id_type = form.get("new_id_type") or RESIDENT
    found = check_identity(
        id_type,
        m.new_number,
        on=m.today,
        sex=form.get("new_sex") or None,
        birth=form_date(form, "new_birth_date"),
    )
    if not found.ok:
        yield _missing("new_number", now("证件号与性别、出生日期不一致, 或号码本身有误, 请再核对"))
    bidx = places.identity_index(id_type, found.value)
    if (
        IdentityLookup.objects.filter(id_type=id_type, bidx=bidx)
        .exclude(person_id=m.subject.person_id)
        .exists()
    ):
        yield Check("dedup", "block", now("这个证件号在本系统已有学籍, 请删除这件草稿, 改用“转到我校”办理"))
    elif found.ok:
        yield Check("dedup", "pass", now("系统内没有同一证件号的学籍"))


def _missing(key: str, text: str) -> Check:
    return Check("form", "block", text, action_url=f"#id_{key}", action_label=now("去填写"))


def _wanted(m: Material) -> dict[str, Any]:
    form = m.case.form
    lines = common.rows(
        (_("姓名"), m.subject.name),
        (_("性别"), SEX_WORDS.get(m.subject.sex, "")),
        (_("证件号"), form.get("new_number_masked")),
        (_("原学校"), form.get("from_school")),
        (_("原学校所在地"), form.get("from_area")),
        *zones.lines(m),
    )
    return lines | common.class_wanted(m)


def _effect(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    """Record the child and open the enrolment; one who was here before keeps record and number."""
    form, s = case.form, m.subject
    day = common.day_of(case, m, "effective_on")
    known = s.status != Status.NONE
    place = common.into_class(m)
    if not known:
        try:
            people.add_person(
                actor,
                people.Newcomer(
                    name=s.name,
                    sex=s.sex,
                    birth_date=s.birth_date,
                    id_type=form.get("new_id_type", "") if m.new_number else "",
                    id_number=m.new_number,
                    person_id=s.person_id,
                ),
                division=m.units.start.division,
                readers=[m.units.start.pk, m.units.start_authority.pk],
                klasses=[place["class_id"]],
            )
        except IdentityTaken as error:
            raise RecordChanged(
                now("这个证件号在申请之后已经在别处建立学籍, 请改用“转到我校”办理")
            ) from error
    enrolment.apply_step(
        actor,
        Step(
            person_id=s.person_id,
            business="enrol" if case.business == LATE else case.business,
            to_status=Status.STUDYING,
            at=midnight(day),
            case_id=case.case_id,
            article=common.article(policy, case),
            reason=case.summary.get("reason", ""),
            detail={"case": case.number}
            | {k: form[k] for k in ("reason", "from_school", "from_area") if form.get(k)},
            **place,
        ),
        expected=s.last_event if known else None,
    )
    return day


KINDS = (
    Kind(
        "transfer_in",
        _("转入(系统外)"),
        _("从系统外转入"),
        _("原学校不在本系统的, 凭纸质材料办理; 全部核办通过后才建立学籍"),
        _("转入"),
        "file-import",
        "move",
        frozenset({Status.NONE, Status.TRANSFERRED_OUT}),
        ArriveForm,
        _effect,
        facts=_facts,
        checks=_checks,
        wanted=_wanted,
        suggested=lambda _child, today: {"effective_on": today.isoformat()},
        days=(("effective_on", _("转入日期")),),
        newcomer=newcomer,
    ),
    Kind(
        LATE,
        _("补建学籍"),
        _("为从未建籍的非起始年级学生补建学籍"),
        _("学校提出, 县级核准, 省级每月汇总查重通过后才建立学籍"),
        _("建立学籍"),
        "user-plus",
        "move",
        frozenset({Status.NONE}),
        LateForm,
        _effect,
        facts=_facts,
        checks=_checks,
        wanted=_wanted,
        suggested=lambda _child, today: {"effective_on": today.isoformat()},
        days=(("effective_on", _("建籍日期")),),
        newcomer=newcomer,
    ),
)
