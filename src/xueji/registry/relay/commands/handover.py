"""The record changes hands: prepared here, tried there, closed here, opened there. Nowhere is it open twice.

    losing side                     receiving side
    prepared  -- transfer.record -->  tried in a transaction that is undone; lies sealed: ready
              <-- transfer.ready ---
    closed: 转出 is written -- transfer.closed -->  opened: 在读 is written: done
              <-- transfer.done ----
    done

Whoever crashes goes on where the last committed message stands. Until `ready` either side may still say no and the
child stays. After `closed` the receiving side opens; should it find that it cannot, it says `failed` and the losing
side takes its 转出 back: the child is in attendance on one side, or for the time of one message on none.
"""

from __future__ import annotations

import base64
import uuid
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.files import commands as files
from xueji.ground.files import storage
from xueji.ground.files.content import FileRefused, clean
from xueji.ground.orgs.models import School
from xueji.ground.policy.statuses import Status
from xueji.registry.changes import subject as subjects
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment import holds
from xueji.registry.enrolment.errors import EnrolmentError
from xueji.registry.enrolment.models import Event
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people import commands as people
from xueji.registry.people.errors import PeopleError
from xueji.registry.people.models import Person

from .. import chains, queries, rules
from ..errors import RelayError
from ..models import RelayCase, RelayStep, State, Talk
from ..outbox import say
from ._base import SYSTEM, end, follow, lock_person, note, save, sealed_place, tell_steps

#: Events of a child that happened in another installation carry the business with this before it.
FOREIGN = "foreign."
_PHOTO_LIMIT = 1024 * 1024
_EVENTS = 300
#: What may be wrong with a record that came from elsewhere: said to the other side in plain words.
_WRONG = (
    PeopleError,
    EnrolmentError,
    FileRefused,
    RelayError,
    DataError,
    IntegrityError,
    ValueError,
    KeyError,
)


class _Undo(Exception):
    """Ends a trial."""


# --- the losing side ---------------------------------------------------------------------------------------------


def prepare(actor: Any, case: RelayCase, talk: Talk) -> None:
    """The last pass of the losing side: the rules once more, then the record stands still and its copy goes out.

    Raises `RelayError` with what is in the way; the step is not passed then.
    """
    assert case.person_id is not None
    today = timezone.localdate()
    units = chains.units_of(case.org_id)
    child = subjects.read(case.person_id)
    if child is None or child.school_id != case.org_id:
        raise RelayError(_("该生的学籍已不在原学校, 请核办不通过, 由转入学校重新查询"))
    if child.pending:
        raise RelayError(_("该生还有一项变动尚未生效, 生效后才能继续"))
    if words := queries.other_business(case.person_id):
        raise RelayError(words)
    if child.problem:
        raise RelayError(_("该生有问题学籍没有处理完, 处理完后才能继续"))
    policy = chains.policy_for(units.school, today)
    if all(t.source != child.status for t in policy.transitions("transfer_out")):
        raise RelayError(_("学籍状态为“%s”的学生不能转出") % child.status.label)
    case.summary = case.summary | queries.summary_of(child, today)
    known = rules.facts(
        case,
        school=units.school,
        submitted_by=str(case.summary.get("sent_by", "")),
        today=today,
        place=None,
        steps=RelayStep.objects.filter(case=case),
    )
    for event in ("apply", "effect"):
        trace = rules.ask(policy, known, today, event)
        if stopping := [f.sentence for f in trace.findings if rules.forbids(case, f)]:
            raise RelayError("；".join(stopping))
        case.findings = [
            *(case.findings if event == "effect" else []),
            *(f.to_dict() for f in trace.findings),
        ]
    case.facts, case.packs = dict(trace.facts), policy.hash
    case.state, case.phase = State.MOVING, "prepared"
    tell_steps(case, talk)
    say(talk, "transfer.record", _package(case))
    note(case, actor, "prepare")


def _package(case: RelayCase) -> dict[str, Any]:
    """The portable record: the person, what happened before, the photo."""
    person_id = case.person_id
    assert person_id is not None
    with connection.cursor() as c:
        c.execute(
            "select v.event_id, v.business, v.valid_at, o.name, v.article, v.reason from event v"
            " join org o on o.id = v.school_id where v.person_id = %s order by v.valid_at, v.recorded_at, v.event_id limit %s",
            [person_id, _EVENTS],
        )
        events = [
            {
                "id": str(event_id),
                "business": business,
                "at": at.isoformat(),
                "school": school,
                "article": article,
                "reason": reason,
            }
            for event_id, business, at, school, article, reason in c.fetchall()
        ]
        c.execute(
            "select f.sha256, p.taken_on from person_photo p join stored_file f on f.id = p.file_id"
            " where p.person_id = %s and f.size <= %s",
            [person_id, _PHOTO_LIMIT],
        )
        row = c.fetchone()
    photo = None
    if row is not None:
        photo = {
            "data": base64.b64encode(storage.read(row[0])).decode(),
            "taken_on": row[1].isoformat() if row[1] else None,
        }
    return {
        "person": people.take_out(person_id),
        "cohort": case.summary.get("cohort"),
        "stage": case.summary.get("stage"),
        "effective_on": case.effective_on.isoformat() if case.effective_on else "",
        "events": events,
        "photo": photo,
    }


def close(case: RelayCase, talk: Talk) -> None:
    """The other side can take the record: the child leaves here, in the same transaction in which we say so."""
    assert case.person_id is not None
    child = subjects.read(case.person_id)
    if child is None:
        raise RelayError("no record")
    units = chains.units_of(case.org_id)
    today = timezone.localdate()
    day = max(case.effective_on or today, today)
    with holds.lifted():
        enrolment.apply_step(
            SYSTEM,
            Step(
                person_id=case.person_id,
                business="transfer_out",
                to_status=Status.TRANSFERRED_OUT,
                at=midnight(day),
                article=rules.article(chains.policy_for(units.school, today)),
                reason=str(case.form.get("reason", ""))[:300],
                detail={"destination": case.other_school, "system": case.peer.name, "relay": case.number},
            ),
            expected=child.last_event,
        )
    at = _last_link(case.person_id)
    case.phase, case.effective_on = "closed", day
    save(case)
    say(talk, "transfer.closed", {"at": at.isoformat(), "day": day.isoformat()})
    note(case, SYSTEM, "close", _("自 %s 起转出") % day)


def finished(case: RelayCase, body: dict[str, Any]) -> None:
    """The other side has opened the record: what stays here is a former one."""
    case.their_number = str(body.get("number", ""))[:30]
    end(case, State.DONE)
    note(case, SYSTEM, "done")


def not_taken(case: RelayCase, words: str) -> None:
    """The other side cannot take the record: the child stays, or is back from the day on which it left."""
    if case.phase == "closed" and case.person_id is not None:
        with holds.lifted():
            enrolment.relink(
                SYSTEM,
                case.person_id,
                from_at=_last_link(case.person_id),
                links=[],
                business="undo",
                reason=_("转入方未能接收, 学籍保留在本校"),
            )
    end(case, State.FAILED, words)
    note(case, SYSTEM, "fail", words)


def _last_link(person_id: uuid.UUID) -> datetime:
    with connection.cursor() as c:
        c.execute(
            "select valid_from from enrolment_state where person_id = %s and kind = 1 and valid_to is null",
            [person_id],
        )
        at: datetime = c.fetchone()[0]
    return at


# --- the receiving side ------------------------------------------------------------------------------------------


def offered(case: RelayCase, talk: Talk, body: dict[str, Any]) -> None:
    """A record has come: try to take it in, undo that, and say whether it can be."""
    if case.state != State.AWAY:
        say(talk, "transfer.failed", {"why": str(_("转入学校已不再办理"))})
        return
    words = _trial(case, body)
    if words:
        say(talk, "transfer.failed", {"why": words})
        end(case, State.FAILED, words)
        note(case, SYSTEM, "fail", words)
        return
    case.sealed = vault.seal_json(body, sealed_place(case.case_id))
    case.state, case.phase = State.MOVING, "ready"
    save(case)
    say(talk, "transfer.ready", {})
    note(case, SYSTEM, "ready")


def _trial(case: RelayCase, body: dict[str, Any]) -> str:
    """Why the record could not be taken in; empty when it could."""
    try:
        with transaction.atomic():
            _write(case, body, midnight(case.effective_on or timezone.localdate()), trial=True)
            raise _Undo
    except _Undo:
        return ""
    except _WRONG as error:
        return _words(error)


def _words(error: Exception) -> str:
    """What the other side is told: sentences made for people, and nothing of a fault's inside."""
    return str(getattr(error, "message", "")) or str(_("收到的学籍档案无法写入本系统, 请联系系统管理员"))


def opened_here(case: RelayCase, talk: Talk, body: dict[str, Any]) -> None:
    """The child has left the other side: its record is opened here."""
    if (case.state, case.phase) != (State.MOVING, "ready") or case.sealed is None:
        return
    record = vault.open_json(bytes(case.sealed), sealed_place(case.case_id))
    try:
        with transaction.atomic():
            person_id = _write(case, record, datetime.fromisoformat(body["at"]))
    except _WRONG as error:
        words = _words(error)
        say(talk, "transfer.failed", {"why": words})
        end(case, State.FAILED, words)
        note(case, SYSTEM, "fail", words)
        return
    case.person_id = person_id
    case.effective_on = datetime.fromisoformat(body["day"]).date()
    follow(case, case.parties, [case.to_class_id] if case.to_class_id else [])
    end(case, State.DONE)
    say(talk, "transfer.done", {"number": case.number})
    note(case, SYSTEM, "done", _("自 %s 起在本校在籍") % case.effective_on)


def _write(case: RelayCase, body: dict[str, Any], at: datetime, *, trial: bool = False) -> uuid.UUID:
    """Person, history and enrolment. Raises one of `_WRONG`."""
    record = body["person"]
    asked = (case.summary.get("name"), case.summary.get("birth_date"))
    if (record["name"], record["birth_date"]) != asked:
        raise RelayError(_("对方发来的档案与查询到的学生不一致, 请重新查询"))
    before = people.holder_of(record)
    if before is None and Person.objects.filter(pk=uuid.UUID(record["person_id"])).exists():
        before = uuid.UUID(record["person_id"])
    if before is not None:
        lock_person(before)
        _require_gone(before)
    units = chains.units_of(case.org_id)
    place = subjects.class_place(int(case.to_class_id)) if case.to_class_id else None
    if place is not None and (place.closed or place.school_id != case.org_id):
        place = None
    readers = sorted({case.org_id, case.county_id})
    person_id = people.take_in(record, readers=readers, klasses=[place.id] if place else [], at=at)
    _history(case, person_id, body["events"])
    if place is None and not case.to_class_id:
        raise RelayError(_("还没有选择编入的班级"))
    stage = place.stage if place else str(body["stage"])
    cohort = place.cohort_year if place else int(body["cohort"])
    if stage not in School.objects.get(pk=case.org_id).stages:
        raise RelayError(_("转入学校没有这个学段"))
    enrolment.apply_step(
        SYSTEM,
        Step(
            person_id=person_id,
            business="transfer_in",
            to_status=Status.STUDYING,
            at=at,
            school_id=case.org_id,
            class_id=place.id if place else None,
            stage=stage,
            cohort_year=cohort,
            article=rules.article(chains.policy_for(units.school, timezone.localdate())),
            reason=str(case.form.get("reason", ""))[:300],
            detail={"origin": case.other_school, "system": case.peer.name, "relay": case.number},
        ),
    )
    _photo(case, person_id, readers, body.get("photo"), trial=trial)
    return person_id


def _require_gone(person_id: uuid.UUID) -> None:
    """Somebody here holds one of the numbers: that child must have left, else there would be two records."""
    child = subjects.read(person_id)
    if child is None or child.status != Status.TRANSFERRED_OUT or child.pending:
        raise RelayError(_("证件号或学籍号相同的学生在转入方系统中已有学籍, 请先办理问题学籍"))


def _history(case: RelayCase, person_id: uuid.UUID, events: list[dict[str, Any]]) -> None:
    """What happened elsewhere, as events of the child; those that happened here are known already."""
    now = timezone.now()
    Event.objects.bulk_create(
        [
            Event(
                person_id=person_id,
                event_id=uuid.UUID(e["id"]),
                business=f"{FOREIGN}{str(e['business']).removeprefix(FOREIGN)}"[:30],
                valid_at=datetime.fromisoformat(e["at"]),
                recorded_at=now,
                county_id=case.county_id,
                school_id=case.org_id,
                actor_name=case.peer.name[:60],
                article=str(e["article"])[:200],
                reason=str(e["reason"])[:300],
                detail={"foreign": True, "school_name": str(e["school"])[:100], "system": case.peer.code},
            )
            for e in events[:_EVENTS]
        ],
        ignore_conflicts=True,
    )


def _photo(
    case: RelayCase, person_id: uuid.UUID, readers: list[int], photo: dict[str, Any] | None, *, trial: bool
) -> None:
    if not photo:
        return
    data = base64.b64decode(photo["data"], validate=True)
    if len(data) > _PHOTO_LIMIT:
        raise RelayError(_("照片太大"))
    if trial:
        clean(data, "photo.jpg")  # bytes are kept on disk only when the record is
        return
    klasses = [case.to_class_id] if case.to_class_id else []
    file = files.store(
        SYSTEM, data, name="photo.jpg", purpose="photo", readers=readers, klasses=klasses, person_id=person_id
    )
    with connection.cursor() as c:
        c.execute(
            "insert into person_photo (person_id, file_id, taken_on, source, readers, klasses)"
            " values (%s, %s, %s, 'transfer', %s, %s) on conflict (person_id) do update set"
            " file_id = excluded.file_id, taken_on = excluded.taken_on, source = excluded.source",
            [person_id, file.id, photo.get("taken_on"), readers, klasses],
        )
