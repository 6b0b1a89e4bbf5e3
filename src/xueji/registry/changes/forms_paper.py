"""The forms of old, filled in from a case: which there are, for which business, and what stands on them (C-CHG-05).

The words of papers are legal Chinese text and stand here as they are printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org
from xueji.ground.paper.case_sheet import Difference, Fact, Opinion
from xueji.ground.paper.form_sheet import FormSheet, OpinionBox
from xueji.ground.paper.wording import zh_date
from xueji.registry.people import queries as people

from .course import signer
from .kinds import ACTIONS
from .models import Case, CaseStep, StepMode

FOUR = (
    "第一联　转出学校存",
    "第二联　转入学校存",
    "第三联　转出地主管部门存",
    "第四联　转入地主管部门存",
)
TWO = ("第一联　学校存", "第二联　主管部门存")
STUB = ("存根", "正本")
GUEST = frozenset({"borrow"})


@dataclass(frozen=True)
class PaperForm:
    """One form. `ready` says whether a case has come far enough for it; a 证明 needs the decision that it proves."""

    key: str
    title: Promise
    printed: str
    businesses: frozenset[str]
    copies: Sequence[str]
    statement: str = ""
    letter: Callable[[Case], str] | None = None
    ready: Callable[[Case, list[CaseStep]], bool] = lambda _case, _steps: True

    def fits(self, case: Case, steps: list[CaseStep]) -> bool:
        """Whether this form belongs to the case as it stands."""
        return case.business in self.businesses and self.ready(case, steps)


def _passed(case: Case, steps: list[CaseStep], org_id: int | None) -> bool:
    """Whether all steps of a unit have passed, and the case has not ended without effect."""
    own = [s for s in steps if s.org_id == org_id and s.mode == StepMode.APPROVE]
    ended = case.status in ("refused", "cancelled", "withdrawn")
    return bool(own) and all(s.state == "done" for s in own) and not ended


def _child(case: Case) -> str:
    s = case.summary
    return f"{s.get('name', '')}，性别{s.get('sex', '')}，{s.get('birth_date', '')}出生"


def _acceptance(case: Case) -> str:
    s = case.summary
    into = s.get("to_class") or s.get("grade") or ""
    return (
        f"{s.get('school', '')}：贵校{s.get('class') or s.get('grade') or ''}学生{_child(case)}，"
        f"因{s.get('reason') or '家庭原因'}申请转入我校。经审核，符合转入条件，我校同意接收，"
        f"拟编入{into}就读。请贵校按规定办理转出手续。"
    )


def _transfer_proof(case: Case) -> str:
    s = case.summary
    return (
        f"{s.get('to_school') or '接收学校'}：兹有我校{s.get('class') or s.get('grade') or ''}学生{_child(case)}，"
        f"因{s.get('reason') or '家庭原因'}申请转入贵校。经审核同意转出，其电子学籍通过学籍系统转接，请予接洽。"
    )


def _handover(case: Case) -> str:
    s = case.summary
    held = s.get("handover", {})
    card = "（含学籍卡片）" if held.get("card") else ""
    return (
        f"{s.get('school', '')}：贵校转来学生{_child(case)}，其学籍档案{card}于{held.get('handed_on', '')}移交"
        f"（{held.get('how', '')}），我校于{held.get('received_on', '')}收到，经手人{held.get('received_by', '')}。"
    )


FORMS: tuple[PaperForm, ...] = (
    PaperForm(
        "transfer-form",
        _("转学申请表(四联)"),
        "学生转学申请表",
        frozenset({"transfer", "transfer_in", "transfer_out"}),
        FOUR,
        "本人申请为被监护人办理转学，所填内容和所交材料真实有效。",
    ),
    PaperForm(
        "acceptance",
        _("同意接收证明"),
        "同意接收证明",
        frozenset({"transfer", "transfer_in"}),
        STUB,
        letter=_acceptance,
        ready=lambda case, steps: _passed(case, steps, case.to_school_id),
    ),
    PaperForm(
        "transfer-proof",
        _("转学证明"),
        "转学证明",
        frozenset({"transfer", "transfer_out"}),
        STUB,
        letter=_transfer_proof,
        ready=lambda case, steps: _passed(case, steps, case.from_school_id),
    ),
    PaperForm(
        "handover-receipt",
        _("学籍档案移交回执"),
        "学籍档案移交回执",
        frozenset({"transfer"}),
        STUB,
        letter=_handover,
        ready=lambda case, _steps: bool(case.summary.get("handover", {}).get("received_on")),
    ),
    PaperForm(
        "suspension-form",
        _("休学申请表"),
        "学生休学申请表",
        frozenset({"suspend", "suspend_extend"}),
        TWO,
        "本人申请为被监护人办理休学，知悉期满前须办理复学或续休手续，所交材料真实有效。",
    ),
    PaperForm(
        "resumption-form",
        _("复学申请表"),
        "学生复学申请表",
        frozenset({"resume", "restore", "return"}),
        TWO,
        "本人申请为被监护人办理复学，所交材料真实有效。",
    ),
    PaperForm(
        "withdrawal-form",
        _("退学申请表"),
        "学生退学申请表",
        frozenset({"withdraw"}),
        TWO,
        "本人知悉退学的后果，自愿申请办理退学。",
    ),
    PaperForm(
        "guest-form",
        _("借读申请表"),
        "学生借读申请表",
        GUEST,
        ("第一联　借读学校存", "第二联　学籍所在学校存", "第三联　主管部门存"),
        "本人申请为被监护人办理借读，知悉借读期间学籍不变，所交材料真实有效。",
    ),
    PaperForm(
        "correction-form",
        _("信息变更申请表"),
        "学生学籍信息变更申请表",
        frozenset({"correct_key", "correct"}),
        TWO,
        "本人申请变更被监护人的学籍信息，所填内容与所交证件一致。",
    ),
)
BY_KEY = {form.key: form for form in FORMS}


def build(
    actor: Any,
    form: PaperForm,
    case: Case,
    *,
    asked: Iterable[dict[str, str]],
    diff: Iterable[dict[str, str]],
    materials: Iterable[str],
    url: str,
    now: datetime,
) -> FormSheet:
    """A case on one of its forms; numbers and telephones masked, and only for readers who may see the child."""
    orgs = {o.pk: o.name for o in Org.objects.filter(pk__in={case.org_id, *case.parties})}
    boxes = _boxes(case, orgs)
    letter = form.letter(case) if form.letter else ""
    issuer = case.to_school_id if form.key in ("acceptance", "handover-receipt") else case.from_school_id
    return FormSheet(
        title=form.printed,
        number=case.number or "",
        org_name=orgs.get(issuer if letter else case.org_id, ""),  # type: ignore[arg-type]
        copies=form.copies,
        student=_student(actor, case),
        asked=[Fact(label=r["label"], value=r["value"], wide=len(r["value"]) > 18) for r in asked],
        differences=[Difference(label=d["label"], before=d["old"], after=d["new"]) for d in diff],
        materials=list(materials),
        statement=form.statement,
        boxes=boxes,
        paragraphs=[letter, "特此证明。"] if letter else (),
        issuer=orgs.get(issuer, "") if issuer else "",
        issued_on=zh_date(now.date()),
        notes=("本表由学籍系统按业务内容生成，意见以系统中的办理记录为准；需要纸质存档时签字盖章。",),
        url=url,
        printed_by=f"{actor.org_name} {actor.user_name}",
        printed_at=now,
    )


def _student(actor: Any, case: Case) -> list[Fact]:
    s = case.summary
    card = people.cards(actor, [case.person_id]).get(case.person_id) if case.person_id else None
    family = people.contacts(actor, [case.person_id]).get(case.person_id) if case.person_id else None
    rows = (
        ("姓名", s.get("name", "")),
        ("性别", s.get("sex", "")),
        ("出生日期", s.get("birth_date", "")),
        ("民族", card.ethnicity_label if card else ""),
        ("学籍号", card.number if card else ""),
        ("证件号", card.identity if card else ""),
        ("学校", s.get("school", "")),
        ("年级班级", s.get("class") or s.get("grade") or ""),
        ("监护人", family.guardian if family else ""),
        ("联系电话", family.phone if family else ""),
        ("户籍地", family.household if family else ""),
        ("现住址", family.address if family else ""),
    )
    return [Fact(label=label, value=value or "") for label, value in rows]


def _boxes(case: Case, orgs: dict[int, str]) -> list[OpinionBox]:
    """A box for each unit in the order of the chain, with all that its people said."""
    units: dict[int, list[CaseStep]] = {}
    for step in CaseStep.objects.filter(case=case).order_by("turn", "seq"):
        units.setdefault(step.org_id, []).append(step)
    return [
        OpinionBox(
            name=f"{orgs.get(org, '')}意见",
            org_name="、".join(dict.fromkeys(s.label for s in steps)),
            opinions=[
                Opinion(
                    step=str(Role(s.role).label),
                    org_name="",
                    decision=str(ACTIONS.get(s.decision, "")) if s.seq > 1 else s.opinion,
                    text=s.opinion if s.seq > 1 else "",
                    by=signer(s),
                    at=timezone.localtime(s.decided_at) if s.decided_at else None,
                )
                for s in steps
            ],
        )
        for org, steps in units.items()
    ]
