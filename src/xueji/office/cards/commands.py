"""The only code that makes cards, seals them, and says what became of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import class_label
from xueji.ground.orgs.models import Org, School, SchoolClass

from . import queries, rules
from .errors import CardError
from .models import BatchState, CardBatch, CardState, Kind, StudentCard

_LETTER = {Kind.STUDENT: "Z", Kind.SMART: "K", Kind.RECORD: "J"}
MOST_FEE = Decimal(100)


def make(actor: Any, *, kind: str, class_id: int, persons: Sequence[uuid.UUID] | None = None) -> CardBatch:
    """Make cards for the pupils of a class that have none in force, or for those named among them (C-CER-05, 06, 07).

    Raises PermissionDenied, Http404 for a class of others, `CardError`.
    """
    actor.require("card.run")
    klass = SchoolClass.objects.filter(pk=class_id, school_id=actor.org_id).first()
    if klass is None:
        raise Http404
    if kind not in Kind.values:
        raise CardError(_("请选择证件的种类"))
    if kind == Kind.RECORD and klass.stage != "S":
        raise CardError(_("学籍证只发给高中学生"))
    school = School.objects.get(pk=klass.school_id)
    unit = Org.objects.get(pk=klass.school_id)
    day, now = today(), timezone.now()
    with transaction.atomic():
        # The lock comes before the look at who lacks a card: a form that is sent twice finds nobody the second time.
        first = _serial(klass.school_id, kind, day.year)
        wanted = [p for p in queries.pupils(klass.school_id, klass.pk, kind) if not p.has]
        if persons is not None:
            named = set(persons)
            wanted = [p for p in wanted if p.person_id in named]
        if not wanted:
            raise CardError(_("这个班的学生都已经有%s了, 没有要做的") % Kind(kind).label)
        batch = CardBatch(
            school_id=klass.school_id,
            county_id=school.county_id,
            class_id=klass.pk,
            kind=kind,
            title=class_label(klass.stage, klass.cohort_year, klass.number, school.system, day),
            stage=klass.stage,
            total=len(wanted),
            sealer_id=rules.sealer_of(kind, Org.objects.get(pk=school.county_id)),
            made_name=actor.user_name,
            made_at=now,
        )
        with acting("writer"):
            batch.save(force_insert=True)
            StudentCard.objects.bulk_create(
                [
                    _card(batch, unit.code, p.person_id, p.name, klass.pk, first + i, day.year)
                    for i, p in enumerate(wanted)
                ]
            )
        record(
            actor,
            "cards.make",
            object_type="card_batch",
            object_id=batch.pk,
            after={"kind": kind, "class": batch.title},
            row_count=len(wanted),
        )
    return batch


def _serial(school_id: int, kind: str, year: int) -> int:
    """The next free serial of a school, kind and year; the lock holds until the transaction ends, so none is skipped."""
    with connection.cursor() as c:
        c.execute("select pg_advisory_xact_lock(hashtext(%s))", [f"student_card:{school_id}:{kind}:{year}"])
        c.execute(
            "select coalesce(max(serial), 0) + 1 from student_card where school_id = %s and kind = %s and year = %s",
            [school_id, kind, year],
        )
        return int(c.fetchone()[0])


def _card(
    batch: CardBatch, code: str, person_id: uuid.UUID, name: str, class_id: int | None, serial: int, year: int
) -> StudentCard:
    return StudentCard(
        kind=batch.kind,
        number=f"{code}{_LETTER[Kind(batch.kind)]}{year % 100:02d}{serial:05d}",
        year=year,
        serial=serial,
        person_id=person_id,
        name=name,
        school_id=batch.school_id,
        county_id=batch.county_id,
        class_id=class_id,
        batch=batch,
    )


def _locked(batch: CardBatch, *states: str) -> CardBatch:
    """The batch's row, locked, in one of these states (as writer). Raises `CardError`."""
    row = CardBatch.objects.select_for_update().get(pk=batch.pk)
    if row.state not in states:
        raise CardError(_("这一批已经是“%s”, 请刷新后再看") % row.get_state_display())
    return row


def send(actor: Any, batch_id: uuid.UUID) -> None:
    """Send a batch to the authority for its seal. Raises Http404, `CardError`."""
    actor.require("card.run")
    batch = _own(actor, batch_id)
    with transaction.atomic():
        with acting("writer"):
            row = _locked(batch, BatchState.MADE)
            row.state, row.sent_at, row.note = BatchState.SENT, timezone.now(), ""
            row.save(update_fields=["state", "sent_at", "note"])
        record(actor, "cards.send", object_type="card_batch", object_id=batch.pk, row_count=batch.total)


def _own(actor: Any, batch_id: uuid.UUID) -> CardBatch:
    batch = CardBatch.objects.filter(pk=batch_id, school_id=actor.org_id).first()
    if batch is None:
        raise Http404
    return batch


def put_in_force(actor: Any, batch_id: uuid.UUID) -> None:
    """The school gives out its own 学生证 where no rule of the place asks for a seal. Raises Http404, `CardError`."""
    actor.require("card.run")
    batch = _own(actor, batch_id)
    if batch.kind != Kind.STUDENT:
        raise CardError(_("%s由主管部门发放, 请送主管部门") % batch.get_kind_display())
    why = rules.stop(Org.objects.get(pk=batch.school_id), batch.stage, by_school=True)
    if why:
        raise CardError(why)
    with transaction.atomic():
        with acting("writer"):
            row = _locked(batch, BatchState.MADE)
            row.sealer_id = batch.school_id
            _seal(actor, row)
        record(actor, "cards.in_force", object_type="card_batch", object_id=batch.pk, row_count=batch.total)


def seal(actor: Any, batch_id: uuid.UUID, *, chips: Mapping[uuid.UUID, str] | None = None) -> None:
    """验印: the authority seals a batch, by which all of its cards are valid (C-CER-03, C-CER-06, C-CER-07).

    For 学生卡 `chips` binds each pupil's card to its own number. Raises PermissionDenied, Http404, `CardError`.
    """
    actor.require("card.seal")
    batch = queries.batch(actor, batch_id)
    if batch.sealer_id != actor.org_id:
        raise PermissionDenied(_("这一批由其他单位验印"))
    school = Org.objects.get(pk=batch.school_id)
    why = rules.stop(school, batch.stage, by_school=False)
    if why:
        raise CardError(why)
    with transaction.atomic():
        with acting("writer"):
            row = _locked(batch, BatchState.SENT)
            if batch.kind == Kind.SMART:
                _bind(row, chips or {})
            _seal(actor, row)
        record(
            actor,
            "cards.seal",
            object_type="card_batch",
            object_id=batch.pk,
            after={"kind": batch.kind, "class": batch.title},
            row_count=batch.total,
        )


def _seal(actor: Any, row: CardBatch) -> None:
    row.state, row.sealed_at, row.sealed_name = BatchState.SEALED, timezone.now(), actor.user_name
    row.save(update_fields=["state", "sealed_at", "sealed_name", "sealer_id"])
    StudentCard.objects.filter(batch=row, state=CardState.MADE).update(
        state=CardState.VALID, issued_on=today()
    )


def _bind(row: CardBatch, chips: Mapping[uuid.UUID, str]) -> None:
    """Write the numbers of the cards themselves. Raises `CardError` for one missing, malformed or given twice."""
    cards = list(StudentCard.objects.filter(batch=row, state=CardState.MADE).order_by("serial", "pk"))
    for card in cards:
        chip = "".join(chips.get(card.pk, "").split()).upper()
        if not (6 <= len(chip) <= 32 and chip.isascii() and chip.isalnum()):
            raise CardError(_("请填写 %s 的卡号, 6到32位数字或字母") % card.name)
        card.chip = chip
    seen = [c.chip for c in cards]
    twice = next((c.name for c in cards if seen.count(c.chip) > 1), "")
    if twice:
        raise CardError(_("%s 的卡号在这一批里出现了两次, 一张卡只能绑定一名学生") % twice)
    try:
        with transaction.atomic():
            StudentCard.objects.bulk_update(cards, ["chip"])
    except IntegrityError as error:
        raise CardError(_("有卡号已经绑定了其他学生, 请核对卡片背面的号码")) from error


def send_back(actor: Any, batch_id: uuid.UUID, reason: str) -> None:
    """The authority sends a batch back, unsealed. Raises PermissionDenied, Http404, `CardError`."""
    actor.require("card.seal")
    batch = queries.batch(actor, batch_id)
    if batch.sealer_id != actor.org_id:
        raise PermissionDenied(_("这一批由其他单位验印"))
    reason = reason.strip()[:200]
    if len(reason) < 2:
        raise CardError(_("请写明退回的原因"))
    with transaction.atomic():
        with acting("writer"):
            row = _locked(batch, BatchState.SENT)
            row.state, row.note = BatchState.MADE, reason
            row.save(update_fields=["state", "note"])
        record(actor, "cards.send_back", object_type="card_batch", object_id=batch.pk, purpose=reason)


def drop(actor: Any, batch_id: uuid.UUID) -> None:
    """The school takes back a batch that is not sealed; its numbers stay used. Raises Http404, `CardError`."""
    actor.require("card.run")
    batch = _own(actor, batch_id)
    with transaction.atomic():
        with acting("writer"):
            row = _locked(batch, BatchState.MADE)
            row.state = BatchState.DROPPED
            row.save(update_fields=["state"])
            StudentCard.objects.filter(batch=row, state=CardState.MADE).update(
                state=CardState.VOID, void_at=timezone.now(), void_why=_("批次已取消")
            )
        record(actor, "cards.drop", object_type="card_batch", object_id=batch.pk, row_count=batch.total)


# --- one card -----------------------------------------------------------------------------------------------------


def _change(
    actor: Any, card: StudentCard, deed: str, states: Sequence[str], why: str = "", **values: Any
) -> None:
    """Write to a card that is still in one of these states, and to the audit. Raises `CardError`."""
    with transaction.atomic():
        with acting("writer"):
            done = StudentCard.objects.filter(pk=card.pk, state__in=states).update(**values)
        if not done:
            raise CardError(_("这张证件现在是“%s”, 不能这样办理, 请刷新后再看") % card.get_state_display())
        record(
            actor,
            f"cards.{deed}",
            object_type="student_card",
            object_id=card.pk,
            person_id=card.person_id,
            purpose=why,
            after={"number": card.number},
        )


def _of_school(actor: Any, card_id: uuid.UUID) -> StudentCard:
    actor.require("card.run")
    card = queries.get(actor, card_id)
    if card.school_id != actor.org_id:
        raise PermissionDenied(_("由发证的学校办理"))
    return card


def lose(actor: Any, card_id: uuid.UUID, why: str) -> None:
    """挂失: by the school's office, the class teacher, the parent or the pupil. Raises Http404, `CardError`.

    What was declared about an earlier loss is spent: this one asks for a declaration of its own.
    """
    actor.require("card.report")
    card = queries.get(actor, card_id)
    why = why.strip()[:200]
    if len(why) < 2:
        raise CardError(_("请写明什么时候、怎么丢的"))
    _change(
        actor, card, "lose", [CardState.VALID], why,
        state=CardState.LOST, lost_at=timezone.now(), lost_why=why, lost_name=actor.user_name, found_on=None,
        announced_on=None, announced_where="",
    )  # fmt: skip


def announce(actor: Any, card_id: uuid.UUID, *, on: date, where: str) -> None:
    """声明作废: on which day and where the loss was made public. Raises Http404, `CardError`."""
    card = _of_school(actor, card_id)
    where = where.strip()[:60]
    if len(where) < 2:
        raise CardError(_("请填写在哪里登的声明, 如“校园公告栏”"))
    if on > today() or (card.lost_at is not None and on < timezone.localdate(card.lost_at)):
        raise CardError(_("声明日期应在挂失当天到今天之间"))
    _change(actor, card, "announce", [CardState.LOST], where, announced_on=on, announced_where=where)


def replace(actor: Any, card_id: uuid.UUID, *, fee: str = "0") -> CardBatch:
    """补办: a new card in a batch of its own; the lost one is void. Raises Http404, `CardError`."""
    card = _of_school(actor, card_id)
    if card.state != CardState.LOST or card.announced_on is None:
        raise CardError(_("先挂失并登声明作废, 再补办新证"))
    try:
        cost = Decimal(fee.strip() or "0").quantize(Decimal("0.01"))
        if cost.is_nan():
            raise InvalidOperation
    except InvalidOperation as error:
        raise CardError(_("工本费请填数字, 没有收费填0")) from error
    if not 0 <= cost <= MOST_FEE:
        raise CardError(_("工本费应在0到%s元之间") % MOST_FEE)
    school = Org.objects.get(pk=card.school_id)
    if card.kind == Kind.SMART:
        why = rules.stop(school, card.batch.stage, by_school=False, fee=cost)
        if why:
            raise CardError(_("%s。补办也不收工本费") % why)
    if queries.line(card).gone:
        raise CardError(_("该生已不在本校, 不能补办"))
    day = today()
    batch = CardBatch(
        school_id=card.school_id, county_id=card.county_id, class_id=card.class_id, kind=card.kind,
        title=_("补办 %s") % card.name, stage=card.batch.stage, total=1,
        sealer_id=rules.sealer_of(card.kind, Org.objects.get(pk=card.county_id)),
        made_name=actor.user_name, made_at=timezone.now(),
    )  # fmt: skip
    with transaction.atomic():
        _change(
            actor, card, "replace", [CardState.LOST], "",
            state=CardState.VOID, void_at=timezone.now(), void_why=_("遗失补办"),
        )  # fmt: skip
        with acting("writer"):
            batch.save(force_insert=True)
            serial = _serial(card.school_id, card.kind, day.year)
            new = _card(batch, school.code, card.person_id, card.name, card.class_id, serial, day.year)
            new.fee, new.replaces = cost, card.pk
            new.save(force_insert=True)
    return batch


def found(actor: Any, card_id: uuid.UUID) -> str:
    """The lost card was brought back: valid again, or, if a new one has replaced it, taken in and void as before.

    Returns what came of it in words. Raises Http404, `CardError`.
    """
    card = _of_school(actor, card_id)
    if card.state == CardState.VOID and card.lost_at is not None and card.found_on is None:
        _change(actor, card, "found", [CardState.VOID], "", found_on=today())
        return _("已登记收回; 新证已经补办, 找回的旧证仍然作废")
    _change(actor, card, "found", [CardState.LOST], "", state=CardState.VALID, found_on=today())
    return _("已恢复有效, 可以还给学生")


def void(actor: Any, card_id: uuid.UUID, why: str) -> None:
    """作废: the holder left, the card is damaged. Raises Http404, `CardError`."""
    card = _of_school(actor, card_id)
    why = why.strip()[:200]
    if len(why) < 2:
        raise CardError(_("请写明作废的原因"))
    _change(
        actor, card, "void", [CardState.VALID, CardState.LOST], why,
        state=CardState.VOID, void_at=timezone.now(), void_why=why,
    )  # fmt: skip
