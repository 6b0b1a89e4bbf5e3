"""What each kind of message does here. Runs in the writing role with the conversation locked, once for each message.

A message that no longer fits the state of the transfer (its sender had not heard yet) changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.policy.statuses import Status
from xueji.ground.standards.identity import normalise_identity
from xueji.ground.standards.idtypes import RESIDENT, id_types
from xueji.ground.standards.names import normalise_name
from xueji.registry.changes import subject as subjects
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import EnrolmentError
from xueji.registry.people import places
from xueji.registry.people.models import IdentityLookup, NumberLookup, Person
from xueji.registry.people.queries.lookups import schemes

from .. import chains, peers, queries, rules
from ..errors import RelayError
from ..models import Lookup, Peer, RelayCase, RelayLog, RelayStep, Side, State, Talk
from ..outbox import say
from . import handover
from ._base import (
    SYSTEM,
    arrive,
    end,
    follow,
    lock_person,
    locked,
    mirror_steps,
    next_number,
    note,
    own_steps,
    save,
    tell_steps,
)

MISSES_AN_HOUR = 60
LOOKUPS_AN_HOUR = 600
_GONE = frozenset({Status.TRANSFERRED_OUT, Status.DECEASED})

Handler = Callable[[Talk, Peer, dict[str, Any]], None]


def handle(talk: Talk, peer: Peer, kind: str, body: dict[str, Any]) -> None:
    """Work one message off. Kinds that this version does not know are passed over."""
    if kind in _KINDS:
        _KINDS[kind](talk, peer, body)


def _case(talk: Talk, side: str) -> RelayCase | None:
    case, _talk = locked(talk.conversation)
    return case if case is not None and case.side == side else None


# --- asking ------------------------------------------------------------------------------------------------------


def _ask(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    """Another installation looks for a child: all of name, number and school must agree, else the answer is one."""
    if RelayCase.objects.filter(pk=talk.conversation).exists():
        return
    since = timezone.now() - timedelta(hours=1)
    tries = list(
        Lookup.objects.filter(peer=peer, at__gte=since).values_list("found", flat=True)[:LOOKUPS_AN_HOUR]
    )
    if len(tries) >= LOOKUPS_AN_HOUR or tries.count(False) >= MISSES_AN_HOUR:
        say(talk, "transfer.unknown", {"why": "limited"})
        return
    child = _find(str(body["name"])[:100], str(body["number"])[:40], str(body["school_code"])[:10])
    Lookup.objects.create(peer=peer, at=timezone.now(), found=child is not None)
    record(
        SYSTEM,
        "relay.lookup",
        object_type="relay_peer",
        object_id=peer.code,
        person_id=child.person_id if child else None,
        purpose="transfer",
        after={"found": child is not None},
    )
    if child is None:
        say(talk, "transfer.unknown", {"why": "no_match"})
        return
    units = chains.units_of(child.school_id)
    today = timezone.localdate()
    by = body["by"]
    RelayCase(
        case_id=talk.conversation,
        side=Side.OUT,
        peer=peer,
        state=State.ASKED,
        org_id=child.school_id,
        county_id=units.authority.pk,
        student_name=child.name,
        other_school=str(by["school"])[:100],
        other_code=str(by["school_code"])[:10],
        other_authority=str(by["authority"])[:100],
        summary=queries.summary_of(child, today),
        # Not in its column yet: nothing is to be seen of a mere question, by nobody.
        form={"person": str(child.person_id)},
    ).save(force_insert=True)
    say(
        talk,
        "transfer.found",
        {
            "summary": queries.summary_of(child, today),
            "school": units.school.name,
            "authority": units.authority.name,
            "steps": _foretold(units, today),
        },
    )


def _foretold(units: chains.Units, today: date) -> list[dict[str, Any]]:
    """The steps that will follow here, for the page of the other side."""
    try:
        steps = chains.plan(chains.policy_for(units.school, today), Side.OUT, units, today)
    except RelayError:
        return []
    return [
        {
            "seq": s.seq, "side": s.side, "duty": s.duty, "label": s.label, "org": s.org_name, "limit": s.limit_days,
            "clock": s.clock, "state": "future", "arrived": None, "due": None, "decided": None, "by": "",
            "decision": "", "opinion": "",
        }
        for s in steps
    ]  # fmt: skip


def _find(name: str, number: str, school_code: str) -> subjects.Subject | None:
    clean, value = normalise_name(name).value, normalise_identity(number)
    if not clean or not 6 <= len(value) <= 30:
        return None
    kinds = schemes()
    keys = [(code, value) for code in id_types()]
    if value[0] == "G":
        keys.append((RESIDENT, value[1:]))
    people = [
        *NumberLookup.objects.filter(
            scheme__in=kinds, bidx__in=[places.number_index(s, value) for s in kinds]
        ).values_list("person_id", flat=True),
        *IdentityLookup.objects.filter(
            bidx__in=[places.identity_index(code, body) for code, body in keys]
        ).values_list("person_id", flat=True),
    ]
    for person_id in dict.fromkeys(people):
        if not Person.objects.filter(pk=person_id, name=clean, merged_into=None).exists():
            continue
        child = subjects.read(person_id)
        if child is None or child.status in _GONE:
            continue
        if chains.units_of(child.school_id).school.code == school_code:
            return child
    return None


def _found(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    case = _case(talk, Side.IN)
    if case is None or case.state != State.ASKING:
        return
    keys = (
        "name", "sex", "birth_date", "school", "grade", "grade_code", "class", "cohort", "status", "number_prefix",
        "stage", "has_id_number", "last_grade",
    )  # fmt: skip
    case.summary = {k: body["summary"].get(k) for k in keys} | {"their_steps": body["steps"]}
    case.other_school = str(body["school"])[:100]
    case.other_authority = str(body["authority"])[:100]
    case.state, case.sealed = State.DRAFT, None
    save(case)
    note(case, SYSTEM, "found", case.other_school)


def _unknown(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    case = _case(talk, Side.IN)
    if case is None or case.state != State.ASKING:
        return
    words = (
        _("对方系统一小时内收到的查询过多, 请稍后再试")
        if body.get("why") == "limited"
        else _("没有查到姓名、号码和学校都一致的学生。请对照原学校打印的学生基本信息表再核对一遍")
    )
    end(case, State.UNKNOWN, words)
    note(case, SYSTEM, "unknown", words)


# --- the request and what comes of it ------------------------------------------------------------------------------


def _request(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    """The receiving side has decided: this side opens its own chain, under its own rules."""
    case = _case(talk, Side.OUT)
    if case is not None and case.state == State.RETURNED and body.get("again"):
        _again(case, talk, body)
        return
    if case is not None and case.state != State.ASKED:
        return
    try:
        if case is None:
            raise RelayError(_("这次查询已经过期, 请重新查询后再发起"))
        with transaction.atomic():
            _launch(case, talk, body)
    except (RelayError, IntegrityError) as error:
        words = error.message if isinstance(error, RelayError) else _("该生已有另一件跨省转学正在办理")
        say(talk, "transfer.refused", {"reason": words, "by": peers.own().name})
        RelayCase.objects.filter(pk=talk.conversation).delete()


def _launch(case: RelayCase, talk: Talk, body: dict[str, Any]) -> None:
    person_id = uuid.UUID(case.form["person"])
    lock_person(person_id)
    child = subjects.read(person_id)
    if child is None or child.status in _GONE or child.school_id != case.org_id:
        raise RelayError(_("该生的学籍已不在%s, 请重新查询") % case.summary.get("school", ""))
    today = timezone.localdate()
    units = chains.units_of(case.org_id)
    policy = chains.policy_for(units.school, today)
    steps = chains.plan(policy, Side.OUT, units, today)
    _take_over(case, body)
    case.person_id = person_id
    case.number = next_number(units.school.division, today)
    case.submitted_at = timezone.now()
    case.state = State.RUNNING
    case.summary = case.summary | queries.summary_of(child, today)
    case.save(force_update=True)
    for step in steps:
        step.case = case
    RelayStep.objects.bulk_create(steps)
    mirror_steps(case, body["steps"])
    follow(
        case,
        [case.org_id, case.county_id, *(s.org_id for s in steps if s.org_id)],
        [child.class_id] if child.class_id else [],
    )
    case.save(force_update=True)
    _ask_rules(case, policy, units, today)
    arrive(case, own_steps(case)[0], today)
    save(case)
    enrolment.set_open_case(person_id, case.number)
    tell_steps(case, talk)
    note(case, SYSTEM, "request", f"{case.other_school} {case.their_number}")


def _take_over(case: RelayCase, body: dict[str, Any]) -> None:
    """What the other side decided on, as the deciders here read it."""
    form = {k: str(v)[:300] if v is not None else None for k, v in body["form"].items() if len(str(k)) < 40}
    if form.get("size_after"):
        form["size_after"] = int(str(form["size_after"]))  # type: ignore[assignment]
    case.form = dict(list(form.items())[:20])
    case.their_number = str(body["number"])[:30]
    case.effective_on = date.fromisoformat(str(body["form"]["effective_on"]))
    case.papers = [
        {
            "slot": str(p["slot"])[:60],
            "name": str(p["name"])[:200],
            "size": int(p["size"]),
            "sha256": str(p["sha256"])[:64],
        }
        for p in body["papers"][:20]
    ]
    sender = next((s for s in body["steps"] if s["seq"] == 1), None)
    case.summary = {k: v for k, v in case.summary.items() if k != "repair"} | {
        "reason": "，".join(str(x) for x in (form.get("reason"), form.get("reason_note")) if x),
        "to_school": form.get("to_school", ""),
        "to_class": form.get("to_class", ""),
        "effective_on": form.get("effective_on", ""),
        "sent_by": str(sender["by"])[:60] if sender else "",
    }


def _ask_rules(case: RelayCase, policy: Any, units: chains.Units, today: date) -> None:
    known = rules.facts(
        case,
        school=units.school,
        submitted_by=str(case.summary.get("sent_by", "")),
        today=today,
        place=None,
        steps=RelayStep.objects.filter(case=case),
    )
    trace = rules.ask(policy, known, today)
    case.facts, case.packs = dict(trace.facts), policy.hash
    case.findings = [f.to_dict() for f in trace.findings]


def _again(case: RelayCase, talk: Talk, body: dict[str, Any]) -> None:
    """What was sent back has been mended: it comes to the very step that sent it back."""
    today = timezone.localdate()
    _take_over(case, body)
    case.state, case.return_to = State.RUNNING, ""
    mirror_steps(case, body["steps"])
    units = chains.units_of(case.org_id)
    _ask_rules(case, chains.policy_for(units.school, today), units, today)
    back = RelayStep.objects.filter(case=case, own=True, state="returned").order_by("-seq").first()
    arrive(case, back or own_steps(case)[0], today)
    save(case)
    tell_steps(case, talk)
    note(case, SYSTEM, "resubmit")


def _steps(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    case, _talk = locked(talk.conversation)
    if case is None:
        return
    if case.number is None and case.side == Side.IN:
        case.summary = case.summary | {"their_steps": body["steps"]}
    elif case.state != State.ASKED:
        mirror_steps(case, body["steps"])
    if body.get("number"):
        case.their_number = str(body["number"])[:30]
    save(case)


def _returned(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    case = _case(talk, Side.IN)
    if case is None or case.state != State.AWAY:
        return
    items = [str(x)[:100] for x in body["items"][:20]]
    case.state, case.return_to = State.RETURNED, "their"
    case.summary = case.summary | {"repair": items}
    save(case)
    note(case, SYSTEM, "return", f"{str(body['by'])[:100]}: {'；'.join(items)}")


def _refused(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    case, _talk = locked(talk.conversation)
    if case is None or case.state not in (
        State.AWAY, State.RUNNING, State.RETURNED, State.ASKED, State.MOVING,
    ):  # fmt: skip
        return
    if case.state == State.MOVING and case.phase != "ready":
        return
    reason = str(body["reason"])[:300]
    if case.state == State.ASKED:
        case.delete()
        return
    end(case, State.REFUSED, reason)
    note(case, SYSTEM, "refuse", f"{str(body['by'])[:100]}: {reason}")


def _cancelled(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    case = _case(talk, Side.OUT)
    if case is None or case.phase == "closed" or case.state not in (
        State.ASKED, State.RUNNING, State.RETURNED, State.MOVING,
    ):  # fmt: skip
        return
    if case.state == State.ASKED:
        case.delete()
        return
    state = State.WITHDRAWN if body.get("withdrawn") else State.CANCELLED
    end(case, state, str(body.get("reason", ""))[:300])
    note(case, SYSTEM, "cancel", case.end_reason)


def _urge(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    """The school that waits reminds whoever holds it here; a second time on the same day changes nothing."""
    case = _case(talk, Side.OUT)
    if case is None or case.state != State.RUNNING:
        return
    if RelayLog.objects.filter(case=case, action="urge", at__date=timezone.localdate()).exists():
        return
    note(case, SYSTEM, "urge", _("%s提醒尽快办理") % str(body["by"])[:100])


# --- the hand-over -------------------------------------------------------------------------------------------------


def _record(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    case = _case(talk, Side.IN)
    if case is not None:
        handover.offered(case, talk, body)
    else:
        say(talk, "transfer.failed", {"why": str(_("转入学校已不再办理"))})


def _ready(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    case = _case(talk, Side.OUT)
    if case is not None and (case.state, case.phase) == (State.MOVING, "prepared"):
        try:
            with transaction.atomic():
                handover.close(case, talk)
        except (EnrolmentError, RelayError) as error:
            # Nothing was opened there: the other side lets the copy go, and the child stays.
            case.refresh_from_db()
            say(talk, "transfer.refused", {"reason": error.message, "by": case.summary.get("school", "")})
            end(case, State.FAILED, error.message)
            note(case, SYSTEM, "fail", error.message)


def _closed(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    case = _case(talk, Side.IN)
    if case is not None:
        handover.opened_here(case, talk, body)


def _done(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    case = _case(talk, Side.OUT)
    if case is not None and (case.state, case.phase) == (State.MOVING, "closed"):
        handover.finished(case, body)


def _failed(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    case = _case(talk, Side.OUT)
    if case is not None and case.state == State.MOVING:
        handover.not_taken(case, str(body.get("why", ""))[:300])


def _keys(talk: Talk, peer: Peer, body: dict[str, Any]) -> None:
    """The other side has new keys; signed with one that we knew, so it is still the same."""
    Peer.objects.filter(pk=peer.pk).update(keys=peers.renewed(peer, body["keys"]))
    record(SYSTEM, "relay.peer.keys", object_type="relay_peer", object_id=peer.code)


_KINDS: dict[str, Handler] = {
    "transfer.ask": _ask,
    "transfer.found": _found,
    "transfer.unknown": _unknown,
    "transfer.request": _request,
    "transfer.steps": _steps,
    "transfer.returned": _returned,
    "transfer.refused": _refused,
    "transfer.cancelled": _cancelled,
    "transfer.urge": _urge,
    "transfer.record": _record,
    "transfer.ready": _ready,
    "transfer.failed": _failed,
    "transfer.closed": _closed,
    "transfer.done": _done,
    "key.announce": _keys,
}
KINDS = tuple(_KINDS)
