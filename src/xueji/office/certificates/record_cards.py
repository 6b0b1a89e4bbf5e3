"""学籍卡 and 学生登记表 of a class (C-CER-08): filled in from the record, for signatures, pen and seal."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.files import storage
from xueji.ground.orgs.grades import class_label
from xueji.ground.paper.record_card import (
    MAX_CARDS,
    MAX_HISTORY,
    Form,
    RecordCard,
    RecordCards,
    render_record_cards,
)
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment.models import REGISTERED
from xueji.registry.enrolment.timeline import local_day
from xueji.registry.enrolment.words import business_label
from xueji.registry.people import queries as people

from .errors import CertificateRefused
from .rosters import own_class, watermark

#: Fields of the national form that the card shows, in its order, after what every record has.
FIELDS = (
    "entry_month", "entry_mode", "student_source", "attendance_mode", "household_nature", "household_division",
    "current_address", "political_status", "only_child", "left_behind", "migrant_worker_child",
)  # fmt: skip


def as_pdf(actor: Any, class_id: int, form: Form, person_id: uuid.UUID | None = None) -> tuple[bytes, str]:
    """The cards (or sheets) of a class, or of one child in it, and the file's name; noted before it leaves.

    Numbers, phones and addresses are covered as on other registers. Raises PermissionDenied, Http404 for a class out of
    scope, `CertificateRefused` for a class without children.
    """
    school_id, stage, cohort, number, school, system = own_class(actor, class_id)
    with connection.cursor() as c:
        c.execute(
            "select person_id, name, class_seat from roster where school_id = %s and class_id = %s and kind = %s"
            " and reason = 'enrolled' and status < 10 and (%s::uuid is null or person_id = %s)"
            f" order by class_seat nulls last, pinyin_sort, person_id limit {MAX_CARDS}",
            [school_id, class_id, REGISTERED, person_id, person_id],
        )
        found = c.fetchall()
    if not found:
        raise CertificateRefused(_("班里没有可以打印的学生"))
    ids = [r[0] for r in found]
    cards, profiles = people.cards(actor, ids), people.profiles(actor, ids)
    families = people.families(actor, ids)
    histories, photos = _histories(ids), photos_of(ids)
    label = class_label(stage, cohort, number, system, today())
    kind = (
        _("学生登记表") if form == "sheet" else _("普通高中学籍卡") if stage == "S" else _("义务教育学籍卡")
    )
    rows = []
    for person, name, seat in found:
        card = cards.get(person)
        if card is None:
            continue
        rows.append(
            RecordCard(
                name=name,
                facts=[
                    ("姓名", name),
                    ("性别", card.sex_label),
                    ("出生日期", card.birth_date.isoformat()),
                    ("民族", card.ethnicity_label),
                    ("学籍号", card.number),
                    (card.id_type_label or "身份证件", card.identity),
                    ("班内学号", str(seat or "")),
                    ("国籍/地区", card.nationality_label),
                    ("曾用名", card.former_name),
                    *_fields(profiles.get(person, [])),
                ],
                family=families.get(person, []),
                history=histories.get(person, [])[-MAX_HISTORY:],
                photo=photos.get(person),
            )
        )
    record(
        actor,
        "record_card.print",
        object_type="class",
        object_id=class_id,
        after={"register": kind, "class": label},
        row_count=len(rows),
        persons=ids,
    )
    years = int(system.split("-")["PJS".index(stage)])
    data = render_record_cards(
        RecordCards(
            form=form,
            title=kind,
            school_name=school,
            class_name=label,
            years=[f"{y}-{y + 1}" for y in range(cohort, cohort + years)],
            cards=rows,
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
            watermark=watermark(actor),
        )
    )
    who = rows[0].name if person_id is not None else label
    return data, f"{school}{who}{kind}.pdf"


def _fields(held: Sequence[people.ProfileField]) -> list[tuple[str, str]]:
    """The card's lines of the profile: those that the reader may read, blank ones for the pen."""
    by_key = {f.key: f for f in held}
    return [(by_key[k].name.removesuffix("行政区划"), by_key[k].value) for k in FIELDS if k in by_key]


def photos_of(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    """The photos in force of these children, as far as the reader may open them; one query."""
    with connection.cursor() as c:
        c.execute(
            "select p.person_id, f.sha256 from person_photo p join stored_file f on f.id = p.file_id"
            " where p.person_id = any(%s::uuid[])",
            [list(ids)],
        )
        return {person: storage.read(sha) for person, sha in c.fetchall()}


def _histories(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[tuple[str, str, str]]]:
    """学籍变动记载 of each child, oldest first: day, what, where; one query."""
    with connection.cursor() as c:
        c.execute(
            "select e.person_id, e.valid_from, o.name, h.system, e.stage, e.cohort_year, k.number, e.business, e.status"
            " from enrolment_state e join org o on o.id = e.school_id join school h on h.org_id = e.school_id"
            " left join school_class k on k.id = e.class_id where e.person_id = any(%s::uuid[]) and e.kind = %s"
            " order by e.person_id, e.valid_from, e.event_id",
            [list(ids), REGISTERED],
        )
        found = c.fetchall()
    out: dict[uuid.UUID, list[tuple[str, str, str]]] = {}
    for person, begins, school, system, stage, cohort, number, business, status in found:
        day = local_day(begins)
        klass = class_label(stage, cohort, number, system, day) if number else ""
        word = f"{business_label(business)}（{Status(status).code_label}）"
        out.setdefault(person, []).append((day.isoformat(), word, f"{school}{klass}"))
    return out
