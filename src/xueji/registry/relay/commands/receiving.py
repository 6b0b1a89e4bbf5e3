"""The school that receives: it asks the other installation for the child, fills in, brings papers, sends."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.standards.identity import normalise_identity
from xueji.ground.standards.names import normalise_name
from xueji.registry.changes import subject as subjects

from .. import chains, peers, rules
from ..errors import Blocked, RelayError
from ..models import Peer, RelayCase, RelayStep, Side, State, Talk
from ..outbox import open_talk, say
from ._base import (
    arrive,
    follow,
    mirror_steps,
    next_number,
    note,
    opened,
    own_steps,
    require_state,
    save,
    sealed_place,
    steps_to_tell,
    tell_steps,
)

MISSES_AN_HOUR = 10
ASKED_AN_HOUR = 60
EDITABLE = (State.DRAFT, State.RETURNED)
FIELDS = ("reason", "reason_note", "to_class_id", "effective_on")


def begin(actor: Any, *, peer_id: int, school_code: str, name: str, number: str) -> RelayCase:
    """Ask another installation for a child by name, number and school (C-TRF-07). Nothing is seen of the child until
    it answers that all three agree. Every question is counted, here and there, and audited.

    Raises PermissionDenied, `RelayError`.
    """
    actor.require("case.start")
    clean, value = normalise_name(name).value, normalise_identity(number)
    code = school_code.strip()
    if not clean or len(clean) > 100 or not 6 <= len(value) <= 30:
        raise RelayError(_("请照学生基本信息表填写姓名和号码"))
    if len(code) != 10 or not (code.isascii() and code.isalnum()):
        raise RelayError(_("学校标识码是 10 位, 印在学生基本信息表上"))
    with transaction.atomic():
        units = chains.units_of(actor.org_id)
        me = peers.own()
        peer = Peer.objects.filter(pk=peer_id, active=True).first()
        if peer is None:
            raise RelayError(_("没有连接这个省的系统, 请联系系统管理员"))
        with acting("writer"):
            since = timezone.now() - timedelta(hours=1)
            mine = RelayCase.objects.filter(creator_id=actor.user_id, side=Side.IN, created_at__gte=since)
            if (
                mine.count() >= ASKED_AN_HOUR
                or mine.filter(state=State.UNKNOWN, created_at__gte=since).count() >= MISSES_AN_HOUR
            ):
                raise RelayError(_("一小时内查询次数过多, 请稍后再试"))
            case_id = uuid.uuid4()
            talk = open_talk(case_id, peer)
            case = RelayCase(
                case_id=case_id,
                side=Side.IN,
                peer=peer,
                state=State.ASKING,
                org_id=units.school.pk,
                county_id=units.authority.pk,
                creator_id=actor.user_id,
                student_name=clean,
                other_code=code,
                parties=[units.school.pk],
                form={"effective_on": timezone.localdate().isoformat()},
            )
            case.sealed = vault.seal_json({"number": value}, sealed_place(case_id))
            case.save(force_insert=True)
            say(
                talk,
                "transfer.ask",
                {
                    "name": clean,
                    "number": value,
                    "school_code": code,
                    "by": {
                        "school": units.school.name,
                        "school_code": units.school.code,
                        "authority": units.authority.name,
                        "system": me.name,
                    },
                },
            )
            note(case, actor, "ask", peer.name, peer=peer.code)
    return case


def save_form(
    actor: Any, *, case_id: uuid.UUID, form: dict[str, Any], version: int | None = None
) -> RelayCase:
    """Keep what was filled in (clean values; dates as ISO text). Raises Http404, `StaleCase`, `RelayError`."""
    actor.require("case.start")
    with opened(actor, case_id, version) as (case, _talk):
        _mine(actor, case)
        require_state(case, EDITABLE)
        case.form = {k: v for k, v in form.items() if k in FIELDS}
        case.to_class_id = case.form.get("to_class_id") or None
        save(case)
        record(
            actor, "relay.save", object_type="relay_case", object_id=case_id, after={"fields": sorted(form)}
        )
    return case


def attach(actor: Any, *, case_id: uuid.UUID, slot: str, data: bytes, name: str) -> RelayCase:
    """Put a paper into its slot; one that lay there is replaced. Raises Http404, `RelayError`, `FileRefused`."""
    actor.require("case.start")
    with opened(actor, case_id) as (case, _talk):
        _mine(actor, case)
        require_state(case, EDITABLE)
        units = chains.units_of(case.org_id)
        policy = chains.policy_for(units.school, timezone.localdate())
        if slot not in {s.doc for s in policy.business(chains.BUSINESS).evidence}:
            raise RelayError(_("这项业务不需要“%s”, 也不能要求家长提供") % slot)
        file = files.store(actor, data, name=name, purpose="evidence", readers=case.parties)
        _drop(actor, case, slot)
        case.papers = [
            *case.papers,
            {
                "slot": slot,
                "name": file.name,
                "file_id": str(file.id),
                "size": file.size,
                "sha256": file.sha256,
            },
        ]
        save(case)
        record(actor, "relay.attach", object_type="relay_case", object_id=case_id, after={"slot": slot})
    return case


def detach(actor: Any, *, case_id: uuid.UUID, slot: str) -> RelayCase:
    """Take a paper out of its slot again. Raises Http404, `RelayError`."""
    actor.require("case.start")
    with opened(actor, case_id) as (case, _talk):
        _mine(actor, case)
        require_state(case, EDITABLE)
        if not any(p["slot"] == slot for p in case.papers):
            raise Http404
        _drop(actor, case, slot)
        save(case)
        record(actor, "relay.detach", object_type="relay_case", object_id=case_id, after={"slot": slot})
    return case


def _drop(actor: Any, case: RelayCase, slot: str) -> None:
    """Papers of a draft go with their bytes; what others have already seen stays on file, out of its slot."""
    for paper in case.papers:
        if paper["slot"] == slot and case.number is None:
            files.discard(actor, uuid.UUID(paper["file_id"]))
    case.papers = [p for p in case.papers if p["slot"] != slot]


def discard(actor: Any, *, case_id: uuid.UUID, version: int | None = None) -> None:
    """Give up a search or a draft that was never sent. Raises Http404, `StaleCase`, `RelayError`."""
    actor.require("case.start")
    with opened(actor, case_id, version) as (case, talk):
        _mine(actor, case)
        require_state(case, (State.ASKING, State.DRAFT, State.UNKNOWN))
        for paper in list(case.papers):
            _drop(actor, case, paper["slot"])
        if case.state != State.UNKNOWN:
            say(talk, "transfer.cancelled", {"reason": "", "withdrawn": True})
        record(actor, "relay.discard", object_type="relay_case", object_id=case_id)
        case.delete()


def checks_of(
    actor: Any, case: RelayCase
) -> tuple[list[rules.Check], list[RelayStep], dict[str, Any], list[dict[str, Any]], str]:
    """All checks before sending, the chain it would take, and what the case keeps of it. In the writing role."""
    today = timezone.localdate()
    units = chains.units_of(case.org_id)
    policy = chains.policy_for(units.school, today)
    place = subjects.class_place(int(case.to_class_id)) if case.to_class_id else None
    known = rules.facts(
        case, school=units.school, submitted_by=actor.user_name, today=today, place=place, steps=()
    )
    trace = rules.ask(policy, known, today)
    found = [*rules.of_receiving(policy, case, trace, place, today), *rules.of_findings(case, trace)]
    order = {"block": 0, "ask": 1, "warn": 2, "pass": 3}
    steps = chains.plan(policy, Side.IN, units, today)
    findings = [f.to_dict() for f in trace.findings]
    return sorted(found, key=lambda c: order[c.verdict]), steps, dict(trace.facts), findings, policy.hash


def preflight(actor: Any, *, case_id: uuid.UUID) -> tuple[list[rules.Check], list[RelayStep]]:
    """The checks of a draft (or returned transfer) as it stands, and this side's chain. Writes nothing.

    Raises Http404, `RelayError`.
    """
    actor.require("case.start")
    with opened(actor, case_id) as (case, _talk):
        _mine(actor, case)
        require_state(case, EDITABLE)
        found = checks_of(actor, case)
    return found[0], found[1]


def submit(actor: Any, *, case_id: uuid.UUID, version: int | None = None) -> RelayCase:
    """Send a draft, or one that came back, on its way (C-TRF-07): checked by this place's rules, frozen, numbered.

    What the other side sent back goes straight back to it. Raises Http404, `StaleCase`, `Blocked`, `RelayError`.
    """
    actor.require("case.start")
    with opened(actor, case_id, version) as (case, talk):
        _mine(actor, case)
        require_state(case, EDITABLE)
        found, steps, facts, findings, packs = checks_of(actor, case)
        if stopping := [c.sentence for c in found if c.stops]:
            raise Blocked(_("还有 %s 项检查没有通过, 不能提交") % len(stopping), stopping)
        today = timezone.localdate()
        case.facts, case.findings, case.packs = facts, findings, packs
        day = rules.day_of(case.form, "effective_on")
        case.effective_on = max(day, today) if day else today
        case.summary = {k: v for k, v in case.summary.items() if k != "repair"} | _wanted(case, today)
        again = case.state == State.RETURNED
        if again:
            _again(actor, case, talk, today)
        else:
            _first(actor, case, talk, steps, today)
        note(case, actor, "resubmit" if again else "submit", case.number or "")
    return case


def _first(actor: Any, case: RelayCase, talk: Talk, steps: list[RelayStep], today: date) -> None:
    units = chains.units_of(case.org_id)
    case.number = next_number(units.school.division, today)
    case.submitted_at = now = timezone.now()
    case.creator_id = actor.user_id
    case.state = State.RUNNING
    mirrored = case.summary.pop("their_steps", [])
    for step in steps:
        step.case, step.person_id = case, None
    first = steps[0]
    first.state, first.decision, first.opinion = "done", "pass", str(_("提交申请"))
    first.arrived_at = first.decided_at = now
    first.decider_id, first.decider_name = actor.user_id, actor.user_name
    RelayStep.objects.bulk_create(steps)
    follow(case, [case.org_id, case.county_id, *(s.org_id for s in steps if s.org_id)], [])
    case.save(force_update=True)
    if mirrored:
        mirror_steps(case, mirrored)
    arrive(case, own_steps(case)[1], today)
    save(case)
    tell_steps(case, talk)


def _again(actor: Any, case: RelayCase, talk: Talk, today: date) -> None:
    first = own_steps(case)[0]
    first.decider_id, first.decider_name, first.decided_at = actor.user_id, actor.user_name, timezone.now()
    first.save(update_fields=["decider_id", "decider_name", "decided_at"])
    follow(case, case.parties, [])
    back = RelayStep.objects.filter(case=case, own=True, state="returned").order_by("-seq").first()
    if case.return_to == "their" or back is None:
        send_request(case, talk, again=True)
    else:
        case.state = State.RUNNING
        arrive(case, back, today)
        tell_steps(case, talk)
    case.return_to = ""
    save(case)


def send_request(case: RelayCase, talk: Talk, *, again: bool = False) -> None:
    """This side has decided: the other one opens its own case with what we decided and on which papers."""
    case.state = State.AWAY
    keys = ("reason", "reason_note", "effective_on")
    units = chains.units_of(case.org_id)
    say(
        talk,
        "transfer.request",
        {
            "again": again,
            "number": case.number,
            "form": {k: case.form.get(k) or "" for k in keys}
            | {
                "to_school": units.school.name,
                "to_school_code": units.school.code,
                "to_authority": units.authority.name,
                "to_class": case.summary.get("to_class", ""),
                "to_grade_code": case.summary.get("to_grade_code", ""),
                "to_grade": case.summary.get("to_grade", ""),
                "size_after": case.summary.get("size_after"),
            },
            "papers": [{k: p[k] for k in ("slot", "name", "size", "sha256")} for p in case.papers],
            "steps": steps_to_tell(case),
        },
    )


def _wanted(case: RelayCase, today: date) -> dict[str, Any]:
    """What the case asks for, as the deciders read it."""
    place = subjects.class_place(int(case.to_class_id)) if case.to_class_id else None
    grade = place.grade(today) if place else None
    return {
        "reason": "，".join(x for x in (case.form.get("reason"), case.form.get("reason_note")) if x),
        "to_class": place.label(today) if place else "",
        "to_grade_code": grade.code if grade else "",
        "to_grade": grade.label if grade else "",
        "size_after": place.size + 1 if place else None,
        "effective_on": case.effective_on.isoformat() if case.effective_on else "",
    }


def _mine(actor: Any, case: RelayCase) -> None:
    """Only the school that receives fills in and sends. Raises Http404 for anybody else."""
    if case.side != Side.IN or case.org_id != actor.org_id:
        raise Http404
