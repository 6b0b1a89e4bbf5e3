"""Swaps of two, and mid-term entries: asked, approved, placed, received."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import article_words
from xueji.registry.enrolment.bulk import Move

from .. import limits
from ..errors import PlacementError
from ..models import Ask, AskKind, AskState
from ..queries import roster
from .placing import carry_out


def head_decides(policy: PolicySet) -> bool:
    """Whether the rules of the place want the head's word on a change of class."""
    return any(step.role == "head" for step in policy.chain_for("change_class").steps)


def ask_swap(
    actor: Any, one: uuid.UUID, other: uuid.UUID, *, reason: str, effective_on: date | None = None
) -> Ask:
    """Two pupils of parallel classes change places on one day (C-ENR-06). Takes effect at once where the place leaves it
    to the school's office, else after the head's word. Raises Http404, `PlacementError`.
    """
    actor.require("placement.write")
    school = roster.school_of(actor)
    day = _day(effective_on)
    if not reason.strip():
        raise PlacementError(_("请填写调班原因"))
    with transaction.atomic():
        children = roster.of_persons(school.pk, [one, other])
        if one == other or len(children) != 2:
            raise Http404
        a, b = children[one], children[other]
        classes = roster.all_classes(school, day)
        ka, kb = classes.get(a.class_id or 0), classes.get(b.class_id or 0)
        if (
            ka is None
            or kb is None
            or ka.id == kb.id
            or (ka.stage, ka.cohort_year) != (kb.stage, kb.cohort_year)
        ):
            raise PlacementError(_("对调的两名学生应在同年级的两个不同的班"))
        policy = limits.policy_of(school.pk, day)
        ask = Ask(
            county_id=school.county_id,
            school_id=school.pk,
            kind=AskKind.SWAP,
            state=AskState.ASKED,
            person_id=one,
            student=a.name,
            other_person_id=other,
            other_student=b.name,
            from_class=ka.id,
            class_id=kb.id,
            reason=reason.strip()[:200],
            effective_on=day,
            asked_by=actor.user_name,
            article=_article(policy),
        )
        _save_new(ask)
        if not head_decides(policy):
            _swap(actor, ask)
        _audit(actor, "ask_swap", ask)
    return ask


def ask_entry(
    actor: Any,
    person_id: uuid.UUID,
    *,
    reason: str,
    assessed_on: date | None = None,
    assessment: str = "",
) -> Ask:
    """Ask the head to let a child come in in the middle of a term (C-ENR-07), with the placement assessment where one
    was held (C-ENR-20). Raises Http404, `PlacementError`.
    """
    actor.require("placement.write")
    school = roster.school_of(actor)
    if not reason.strip():
        raise PlacementError(_("请填写插班原因"))
    if assessed_on is not None and (assessed_on > today() or not assessment.strip()):
        raise PlacementError(_("请填写编班考核的日期和结果, 日期不能晚于今天"))
    with transaction.atomic():
        child = roster.of_persons(school.pk, [person_id]).get(person_id)
        if child is None:
            raise Http404
        if child.class_id is not None:
            raise PlacementError(_("该生已有班级, 换班请办理调班"))
        ask = Ask(
            county_id=school.county_id,
            school_id=school.pk,
            kind=AskKind.ENTRY,
            person_id=person_id,
            student=child.name,
            reason=reason.strip()[:200],
            effective_on=today(),
            assessed_on=assessed_on,
            assessment=assessment.strip()[:200],
            asked_by=actor.user_name,
        )
        _save_new(ask)
        _audit(actor, "ask_entry", ask)
    return ask


def decide(actor: Any, ask_id: uuid.UUID, *, agree: bool, words: str = "") -> Ask:
    """The head's word. Raises Http404, `PlacementError`."""
    actor.require("placement.decide")
    if not agree and not words.strip():
        raise PlacementError(_("不同意要写明理由"))
    with transaction.atomic():
        ask = _mine(actor, ask_id, AskState.ASKED)
        if ask.kind == AskKind.CLAIM:
            raise Http404
        ask.head_name, ask.head_at, ask.head_words = actor.user_name, timezone.now(), words.strip()[:200]
        if not agree:
            ask.state = AskState.REFUSED
            _save(ask)
        elif ask.kind == AskKind.SWAP:
            _swap(actor, ask)
        else:
            ask.state = AskState.APPROVED
            _save(ask)
        _audit(actor, "decide", ask, agree=agree)
    return ask


def assign(actor: Any, ask_id: uuid.UUID, class_id: int, *, reason: str = "") -> Ask:
    """The office places an approved entrant (C-ENR-07): only now is the child in a class, with the next serial number and
    a remark. The class teacher is told and receives; there is no refusing. Raises Http404, `PlacementError`.
    """
    actor.require("placement.write")
    school = roster.school_of(actor)
    with transaction.atomic():
        ask = _mine(actor, ask_id, AskState.APPROVED)
        day = today()
        classes = roster.all_classes(school, day)
        klass = classes.get(class_id)
        child = roster.of_persons(school.pk, [ask.person_id]).get(ask.person_id)
        if klass is None or child is None:
            raise Http404
        if child.class_id is not None:
            raise PlacementError(_("该生已有班级, 换班请办理调班"))
        policy = limits.policy_of(school.pk, day)
        facts = {
            "student.stage": klass.stage,
            "student.home_school": str(school.pk),
            "school.id": str(school.pk),
            "event.kind": _("插班"),
            "case.decided_by": ["校长", "分管校长", "教导处"],
            "case.authority_confirmed": True,
            "case.approved_on": timezone.localdate(ask.head_at).isoformat() if ask.head_at else None,
            "case.finished_on": day.isoformat(),
        }
        trace = policy.evaluate("seat.assign", {k: v for k, v in facts.items() if v is not None}, day)
        barred = next((f for f in trace.findings if str(f.verdict) == "block"), None)
        if barred is not None:
            raise PlacementError(barred.message)
        over = limits.require_room(
            policy, classes, roster.totals(school.pk, [class_id]), [class_id], reason=reason
        )
        ask.article = over or _rule_article(policy)
        carry_out(
            actor,
            [
                Move(
                    person_id=ask.person_id,
                    business="place",
                    to_status=1,
                    class_id=class_id,
                    stage=klass.stage,
                    cohort_year=klass.cohort_year,
                    article=ask.article,
                    reason=_("插班: %s") % ask.reason,
                    detail={"ask": str(ask.pk), "assessment": ask.assessment},
                )
            ],
            day,
            what="entry",
        )
        ask.class_id, ask.effective_on = class_id, day
        ask.state, ask.placed_name, ask.placed_at = AskState.PLACED, actor.user_name, timezone.now()
        _save(ask)
        _audit(actor, "assign", ask)
    return ask


def receive(actor: Any, ask_id: uuid.UUID) -> Ask:
    """The class teacher acknowledges the new pupil. Raises Http404, `PlacementError`."""
    actor.require("placement.receive")
    with transaction.atomic():
        ask = _mine(actor, ask_id, AskState.PLACED)
        if ask.class_id not in actor.classes:
            raise Http404
        ask.state, ask.received_name, ask.received_at = AskState.DONE, actor.user_name, timezone.now()
        _save(ask)
        _audit(actor, "receive", ask)
    return ask


def withdraw(actor: Any, ask_id: uuid.UUID) -> Ask:
    """The office takes back what nobody has decided. Raises Http404, `PlacementError`."""
    actor.require("placement.write")
    with transaction.atomic():
        ask = _mine(actor, ask_id, AskState.ASKED)
        ask.state = AskState.WITHDRAWN
        _save(ask)
        _audit(actor, "withdraw", ask)
    return ask


def _swap(actor: Any, ask: Ask) -> None:
    """Both pupils change classes on one day; each gets the next number of the new class."""
    assert ask.other_person_id is not None and ask.class_id is not None and ask.from_class is not None
    day = max(ask.effective_on, today())
    now = roster.of_persons(ask.school_id, [ask.person_id, ask.other_person_id])
    if {p: c.class_id for p, c in now.items()} != {
        ask.person_id: ask.from_class,
        ask.other_person_id: ask.class_id,
    }:
        raise PlacementError(_("两名学生的班级已有变动, 请撤回后重新申请"))
    moves = [
        Move(
            person_id=person,
            business="change_class",
            to_status=1,
            class_id=target,
            article=ask.article,
            reason=ask.reason,
            detail={"ask": str(ask.pk), "swap": True},
        )
        for person, target in ((ask.person_id, ask.class_id), (ask.other_person_id, ask.from_class))
    ]
    carry_out(actor, moves, day, what="swap")
    ask.effective_on, ask.state = day, AskState.DONE
    ask.placed_name, ask.placed_at = actor.user_name, timezone.now()
    _save(ask)


def _day(wanted: date | None) -> date:
    day = wanted or today()
    if not today() <= day <= today() + timedelta(days=366):
        raise PlacementError(_("生效日期应是今天或以后一年之内"))
    return day


def _article(policy: PolicySet) -> str:
    cite = policy.business("change_class").cite
    return f"《{cite.source.title}》{article_words(cite.article)}"


def _rule_article(policy: PolicySet) -> str:
    """The article of the place that asks for the head's approval of an entrant, where there is one."""
    for rule in policy.rules:
        if "seat.assign" in rule.on and rule.effects.get("approve"):
            return f"《{rule.cite.source.title}》{article_words(rule.cite.article)}"
    return ""


def _save_new(ask: Ask) -> None:
    try:
        with transaction.atomic(), acting("writer"):
            ask.save(force_insert=True)
    except IntegrityError as error:
        raise PlacementError(_("该生已有一项正在办理的申请")) from error


def _save(ask: Ask) -> None:
    with acting("writer"):
        ask.save(force_update=True)


def _mine(actor: Any, ask_id: uuid.UUID, state: str) -> Ask:
    with acting("writer"):
        ask = Ask.objects.select_for_update().filter(pk=ask_id, school_id=actor.org_id).first()
    if ask is None:
        raise Http404
    if ask.state != state:
        raise PlacementError(_("这项申请现在是“%s”, 请刷新") % AskState(ask.state).label)
    return ask


def _audit(actor: Any, what: str, ask: Ask, **more: Any) -> None:
    record(
        actor,
        f"placement.{what}",
        object_type="placement_ask",
        object_id=ask.pk,
        person_id=ask.person_id,
        after={"kind": ask.kind, "state": ask.state, "class": ask.class_id} | more,
    )
