"""Problem records (问题学籍): what a school answers for its record, decided by its own authority.

The problem itself, its other sides and the arbitration are the room `problems`; a case of this kind is one answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import Trace
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import IllegalStep
from xueji.registry.problems import commands as problems
from xueji.registry.problems import queries as problem_queries
from xueji.registry.problems import settle
from xueji.registry.problems.errors import ProblemError
from xueji.registry.problems.models import Action
from xueji.registry.problems.models import Kind as ProblemKind

from ..material import Material
from ..models import Case, CaseFile
from . import common, fields
from .spec import OPEN, Check, Kind

_CONSEQUENCES = (
    ("", _("请选择")),
    ("change", _("变更: 我校登记的信息有误, 改正信息")),
    ("prove", _("佐证: 我校登记的信息正确, 上传证明")),
    ("delete", _("删除: 该生不在我校或属重复, 注销这份学籍")),
)
PROOF = "佐证材料"


class ProblemForm(fields.CorrectionForm):
    """The answer; for 变更 what is to be changed as well."""

    action = forms.ChoiceField(label=_("处理方式"), required=False, choices=_CONSEQUENCES)
    statement = forms.CharField(
        label=_("情况说明"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("各方和仲裁的主管部门都会看到"),
    )
    field_order = ("action", "statement")

    def prepare(self) -> None:
        super().prepare()
        self.fields.pop("reason")


def _facts(m: Material) -> dict[str, Any]:
    side = problem_queries.open_side(m.subject.person_id)
    action = m.case.form.get("action")
    return {
        **fields.facts(m),
        "problem.kind": str(ProblemKind(side.problem.kind).label) if side else None,
        "case.action": str(Action(action).label) if action else None,
    }


def _variant(m: Material) -> str:
    side = problem_queries.open_side(m.subject.person_id)
    return side.problem.kind if side else ""


def _beside(person_id: uuid.UUID) -> Iterable[uuid.UUID]:
    """The records of the other sides: the last answer may settle the problem for all of them."""
    return settle.sides_beside(person_id)


def _events(case: Case) -> Iterable[str]:
    return ("problem.open", "problem.decide") if case.form.get("action") else ()


def _block(code: str, text: str, anchor: str) -> Check:
    return Check(code, "block", text, action_url=anchor, action_label=now("去填写"))


def _checks(policy: PolicySet, m: Material, trace: Trace) -> Iterable[Check]:
    side = problem_queries.open_side(m.subject.person_id)
    if side is None:
        yield Check("problem", "block", now("该生没有待处理的问题学籍"))
        return
    problem, action = side.problem, m.case.form.get("action")
    yield Check(
        "problem",
        "pass",
        now("问题学籍 %(number)s: %(kind)s")
        % {"number": problem.number, "kind": ProblemKind(problem.kind).label},
    )
    if not action:
        yield _block("action", now("还没有选择处理方式"), "#id_action")
        return
    if not m.case.form.get("statement"):
        yield _block("statement", now("还没有填写情况说明"), "#id_statement")
    if problem.kind == ProblemKind.WRONG_ID and action == "prove":
        yield _block("action", now("身份证件号错误只能变更或删除, 不能佐证"), "#id_action")
    gives_up = problem.kind == ProblemKind.SAME_ID and not side.holds
    if action == "change" and not trace.facts.get("case.changed_fields"):
        if gives_up:
            yield Check("fields", "warn", now("没有填写新的证件号: 本校放弃争议的证件号, 该生暂无证件号"))
        else:
            yield _block("fields", now("还没有填写要变更的内容"), "#form")
    if action in ("change", "prove") and PROOF not in m.docs:
        yield Check(
            "docs",
            "block",
            now("变更或佐证要上传佐证材料"),
            action_url="#materials",
            action_label=now("去上传"),
        )
    if action == "change":
        yield from (c for c in fields.checks(policy, m, trace) if c.code != "fields")


def _wanted(m: Material) -> dict[str, Any]:
    action = m.case.form.get("action")
    side = problem_queries.open_side(m.subject.person_id)
    said = common.rows(
        (now("问题学籍"), f"{side.problem.number} {ProblemKind(side.problem.kind).label}" if side else ""),
        (now("处理方式"), Action(action).label if action else ""),
        (now("情况说明"), m.case.form.get("statement")),
    )
    return said | (fields.wanted(m) if action == "change" else {})


def _effect(actor: Any, case: Case, m: Material, policy: PolicySet) -> date:
    """What the school answered is done to its record, and told to the problem."""
    form, person = case.form, m.subject.person_id
    action, said = form["action"], form.get("statement", "")
    side = problem_queries.open_side(person)
    if side is None:
        raise IllegalStep(now("该生没有待处理的问题学籍"))
    article = common.article(policy, case)
    if action == "delete":
        settle.cancel_record(actor, person, side.problem.number, said, case_id=case.case_id, article=article)
    elif action == "change" and fields.facts(m)["case.changed_fields"]:
        fields.write(actor, case, m, policy)
    else:
        enrolment.write_event(
            actor,
            person,
            business=case.business,
            case_id=case.case_id,
            article=article,
            reason=said,
            detail={"case": case.number, "problem": side.problem.number, "action": action},
        )
    evidence = CaseFile.objects.filter(case=case).order_by("id").values_list("file_id", "file_name")[:20]
    try:
        problems.answer(
            actor,
            person,
            action,
            case_id=case.case_id,
            case_number=case.number or "",
            statement=said,
            evidence=list(evidence),
        )
    except ProblemError as error:
        raise IllegalStep(error.message) from error
    return m.today


KINDS = (
    Kind(
        "problem",
        _("问题学籍"),
        _("处理问题学籍"),
        _("证件号错误、证件号重复、姓名性别出生日期重复: 变更、佐证或删除"),
        _("学籍信息核对"),
        "alert-triangle",
        "record",
        OPEN,
        ProblemForm,
        _effect,
        facts=_facts,
        checks=_checks,
        wanted=_wanted,
        events=_events,
        variant=_variant,
        beside=_beside,
        despite_problem=True,
        needs_reason=False,
    ),
)
