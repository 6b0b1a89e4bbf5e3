"""Cards on paper: the cards themselves, the batch's roster for seal and signatures, the public notice of a loss."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.orgs.models import Org
from xueji.ground.paper.card_sheet import CardSheet, PupilCard, render_cards
from xueji.ground.paper.form_sheet import FormSheet, render_form
from xueji.ground.paper.roster import ListColumn, PaperList, render_list
from xueji.ground.paper.wording import zh_date
from xueji.office.certificates.record_cards import photos_of
from xueji.office.certificates.rosters import watermark
from xueji.registry.people import queries as people

from . import queries
from .errors import CardError
from .models import BatchState, CardBatch, CardState

_COLUMNS = (
    ListColumn(label="序号", mm=11, centre=True),
    ListColumn(label="证件编号", mm=44),
    ListColumn(label="学籍号", mm=42),
    ListColumn(label="姓名", mm=28),
    ListColumn(label="性别", mm=11, centre=True),
    ListColumn(label="出生日期", mm=24, centre=True),
    ListColumn(label="班级", mm=32),
    ListColumn(label="状态", mm=18, centre=True),
    ListColumn(label="领取人签字"),
)


def cards_pdf(actor: Any, batch_id: uuid.UUID) -> tuple[bytes, str]:
    """The cards of a batch, as they are cut out, and the file's name. Raises Http404, `CardError`, PermissionDenied."""
    actor.require("card.view")
    batch = queries.batch(actor, batch_id)
    lines = [x for x in queries.of_batch(batch) if x.card.state in (CardState.MADE, CardState.VALID)]
    held = people.cards(actor, [x.card.person_id for x in lines])
    lines = [x for x in lines if x.card.person_id in held]
    if not lines:
        raise CardError(_("这一批没有可以打印的证件"))
    photos = photos_of(list(held))
    school = Org.objects.get(pk=batch.school_id)
    sealer = Org.objects.get(pk=batch.sealer_id) if batch.sealer_id != batch.school_id else None
    _note(actor, "cards.print", batch, len(lines))
    data = render_cards(
        CardSheet(
            title=batch.get_kind_display(),
            school_name=school.name,
            sealer=sealer.name if sealer else "",
            cards=[
                PupilCard(
                    number=x.card.number,
                    name=x.card.name,
                    sex=held[x.card.person_id].sex_label,
                    birth_date=held[x.card.person_id].birth_date,
                    class_name=x.place,
                    student_number=held[x.card.person_id].number,
                    issued_on=x.card.issued_on,
                    photo=photos.get(x.card.person_id),
                    chip=x.card.chip,
                )
                for x in lines
            ],
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
        )
    )
    return data, f"{school.name}{batch.title}{batch.get_kind_display()}.pdf"


def roster_pdf(actor: Any, batch_id: uuid.UUID) -> tuple[bytes, str]:
    """发放花名册 of a batch: for the seal of the authority and the signatures of those who take their cards."""
    actor.require("card.view")
    batch = queries.batch(actor, batch_id)
    lines = queries.of_batch(batch)
    held = people.cards(actor, [x.card.person_id for x in lines])
    school, sealer = Org.objects.get(pk=batch.school_id), Org.objects.get(pk=batch.sealer_id)
    title = _("%s发放花名册") % batch.get_kind_display()
    sealed = batch.state == BatchState.SEALED and batch.sealed_at is not None
    words = f"{timezone.localtime(batch.sealed_at):%Y-%m-%d} {batch.sealed_name}" if sealed else _("未验印")
    _note(actor, "cards.roster", batch, len(lines))
    rows = []
    for i, x in enumerate(lines, start=1):
        who = held.get(x.card.person_id)
        born = who.birth_date.isoformat() if who else ""
        rows.append(
            [
                str(i), x.card.number, who.number if who else "", x.card.name, who.sex_label if who else "", born,
                x.place, str(CardState(x.card.state).label), "",
            ]
        )  # fmt: skip
    data = render_list(
        PaperList(
            title=title,
            subtitle=batch.title,
            org_name=school.name,
            facts=[
                ("班级", batch.title),
                ("人数", f"{len(rows)}人"),
                ("验印单位", sealer.name),
                ("验印", words),
            ],
            columns=_COLUMNS,
            rows=rows,
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
            watermark=watermark(actor),
            signatures=("经办人（签字）", "学校（盖章）", "验印单位（盖章）"),
            handwriting=True,
        )
    )
    return data, f"{school.name}{batch.title}{title}.pdf"


def notice_pdf(actor: Any, card_id: uuid.UUID) -> tuple[bytes, str]:
    """声明作废 of a lost card, to be posted: names the card by its number and the pupil by the family name only."""
    actor.require("card.run")
    card = queries.get(actor, card_id)
    if card.lost_at is None or card.school_id != actor.org_id:
        raise CardError(_("没有挂失的证件不用登声明"))
    school, now = Org.objects.get(pk=card.school_id), timezone.localtime().replace(microsecond=0)
    kind = card.get_kind_display()
    record(
        actor, "cards.notice", object_type="student_card", object_id=card.pk, person_id=card.person_id,
        after={"number": card.number},
    )  # fmt: skip
    lost = zh_date(timezone.localtime(card.lost_at).date())
    text = (
        f"我校学生{card.name[:1]}某某于{lost}遗失{kind}一张，编号{card.number}，已挂失，自声明之日起作废。"
        "拾到者请交回我校教务处；持该证办理任何事项均属无效。"
    )
    data = render_form(
        FormSheet(
            title=f"{kind}遗失声明",
            number=card.number,
            org_name=school.name,
            copies=("公告联",),
            paragraphs=(text, "特此声明。"),
            issuer=school.name,
            issued_on=zh_date(card.announced_on or now.date()),
            notes=("本声明不公布学生的全名、班级和证件号码。",),
            printed_by=actor.user_name,
            printed_at=now,
        )
    )
    return data, f"{kind}遗失声明{card.number}.pdf"


def _note(actor: Any, action: str, batch: CardBatch, n: int) -> None:
    record(
        actor, action, object_type="card_batch", object_id=batch.pk,
        after={"kind": batch.kind, "class": batch.title}, row_count=n,
    )  # fmt: skip
