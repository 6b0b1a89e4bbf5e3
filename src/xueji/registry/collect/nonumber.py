"""Pupils without an identity number (无身份证号): who they are, what is known of a guardian, the school's proof (C-COL-16).

A Chinese citizen without a number is on record all the same (教育部 J 号); the school states in 《无身份证号学生在校就读证明表》
that the child attends, and keeps the signed sheet. What is flagged follows from the record alone: the flag says "proof
missing" until this school has filed one, and ends altogether with a number.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.orgs import queries as orgs
from xueji.ground.paper.case_sheet import Fact
from xueji.ground.paper.form_sheet import FormSheet, OpinionBox, render_form
from xueji.ground.paper.wording import zh_date
from xueji.ground.standards import fields as national_form
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import REGISTERED
from xueji.registry.enrolment.queries import PROOF
from xueji.registry.people import groups
from xueji.registry.people import queries as people

from .errors import CollectError
from .held import Held, held, shown
from .levels import GUARDIAN
from .queries import labels_of

MOST = 200
#: Title of the paper, as the rules of the places that ask for it name it (XPCC-DAT-02).
TITLE = "无身份证号学生在校就读证明表"
_COPIES = ("第一联　学校存", "第二联　监护人存")
# Whoever is on the roster, is a Chinese citizen and holds no document with a number; the newest sheet of this school.
_WITHOUT = (
    " from roster r join person p on p.person_id = r.person_id and p.nationality = 'CHN'"
    " left join lateral (select s.id, s.created_at, s.mime from stored_file s where s.person_id = r.person_id"
    "  and s.purpose = %(proof)s and s.readers @> array[r.school_id] order by s.created_at desc limit 1) f on true"
    " where r.school_id = %(school)s and r.kind = %(kind)s and r.reason = 'enrolled' and r.status < 10"
    " and not exists (select 1 from identity_document d where d.person_id = r.person_id and d.until is null"
    "  and d.sealed is not null)"
)


@dataclass(frozen=True)
class Without:
    """A pupil without a number: what is missing of a guardian, and the sheet that the school has filed."""

    person_id: uuid.UUID
    name: str
    class_id: int | None
    place: str
    lacking: tuple[str, ...]
    file_id: uuid.UUID | None
    filed_on: date | None
    picture: bool = False
    held: Held = field(default_factory=Held)

    @property
    def label(self) -> str:
        """The flag in words."""
        return _("证明已存") if self.file_id else _("缺在校就读证明")

    @property
    def tone(self) -> str:
        """Colour of the badge."""
        return "green" if self.file_id else "amber"


def listed(actor: Any) -> list[Without]:
    """Pupils of the actor's school (a teacher: of the own classes) without a number, those without a proof first; at
    most 200; six statements.
    """
    if actor.org_kind != "school":
        return []
    return _read(actor, "", {})


def one(actor: Any, person_id: uuid.UUID) -> Without:
    """One pupil of the actor's school without a number. Raises Http404 for anybody else."""
    found = _read(actor, " and r.person_id = %(person)s", {"person": person_id})
    if not found:
        raise Http404
    return found[0]


def _read(actor: Any, more: str, args: dict[str, Any]) -> list[Without]:
    with connection.cursor() as c:
        c.execute(
            f"select r.person_id, r.name, r.class_id, f.id, f.created_at, f.mime{_WITHOUT}{more}"  # nosec B608
            " order by (f.id is not null), r.class_id, r.class_seat nulls last, r.pinyin_sort, r.person_id limit %(most)s",
            {"proof": PROOF, "school": actor.org_id, "kind": REGISTERED, "most": MOST} | args,
        )
        rows = c.fetchall()
    if not rows:
        return []
    known = held(actor, [r[0] for r in rows])
    labels = labels_of([r[2] for r in rows if r[2]])
    return [
        Without(
            person, name, class_id, labels[class_id][0] if class_id in labels else "",
            lacking(actor, known.get(person, Held())), file, timezone.localtime(at).date() if at else None,
            str(mime or "").startswith("image/"), known.get(person, Held()),
        )
        for person, name, class_id, file, at, mime in rows
    ]  # fmt: skip


def lacking(actor: Any, values: Held) -> tuple[str, ...]:
    """What is missing until one guardian is wholly known (TPL24-ENR-02), as far as the actor may read it; the member
    with the least missing counts.
    """
    specs = {f.key: f for f in national_form.fields()}
    missing = []
    for n in (1, 2):
        if n == 2 and not values.values.get("member2_name"):
            continue
        mine = [specs[f"member{n}_{part}"] for part in GUARDIAN]
        missing.append(
            tuple(
                f.name for f in mine if groups.may(actor, groups.of_field(f)) and not values.values.get(f.key)
            )
        )
    return min(missing, key=len)


def printed(actor: Any, person_id: uuid.UUID) -> bytes:
    """《无身份证号学生在校就读证明表》 of one pupil as PDF, in two copies, filled in, for the school's signature and seal.

    Raises PermissionDenied, Http404, `CollectError` while a guardian's data are not whole.
    """
    actor.require("collect.check")
    found = one(actor, person_id)
    if found.lacking:
        raise CollectError(
            _("没有身份证号的学生, 要先把一名监护人的信息登记完整, 还缺: %s") % "、".join(found.lacking)
        )
    row, card = enrolment.get_row(actor, person_id), people.card(actor, person_id)
    school = orgs.card(actor, row.school_id)
    today = timezone.localdate()
    since = zh_date(timezone.localtime(row.since).date())
    pdf = render_form(
        FormSheet(
            title=TITLE,
            number=f"{school.code}-{today:%Y%m%d}",
            org_name=row.school_name,
            copies=_COPIES,
            student=[
                Fact(label="学生姓名", value=row.name),
                Fact(label="性别", value=row.sex_label),
                Fact(label="出生日期", value=zh_date(row.birth_date)),
                Fact(label="民族", value=card.ethnicity_label),
                Fact(label="国籍", value=card.nationality_label),
                Fact(label="学籍号", value=card.number),
                Fact(label="班级", value=row.class_name),
                Fact(label="入校时间", value=since),
                *_facts(found.held, 0, ("household_division", "home_address")),
            ],
            asked=[
                *_facts(found.held, 1, (*GUARDIAN, "is_guardian")),
                *(_facts(found.held, 2, GUARDIAN) if found.held.values.get("member2_name") else []),
                Fact(
                    label="证明事项",
                    value=f"兹证明{row.name}自{since}起在我校就读，现为{row.class_name or row.grade_label}学生，"
                    "至今没有居民身份证号。"
                    "取得身份证号后，由监护人凭户口簿到校登记，本证明即告失效。",
                    wide=True,
                ),
            ],
            statement="以上情况属实。孩子取得居民身份证号后，我及时告知学校。",
            boxes=[
                OpinionBox(name="班主任", org_name=row.class_name),
                OpinionBox(name="学校意见", org_name=row.school_name),
            ],
            notes=("证件号和电话按规定遮盖打印；核对原件时以监护人出示的证件为准。",),
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
        )
    )
    record(
        actor,
        "collect.proof.print",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        row_count=1,
        persons=[person_id],
    )
    return pdf


def _facts(values: Held, member: int, parts: tuple[str, ...]) -> list[Fact]:
    """Lines of the sheet, masked as on every printed form; what is not on record stays open for the pen."""
    specs = {f.key: f for f in national_form.fields()}
    out = []
    for part in parts:
        spec = specs[f"member{member}_{part}" if member else part]
        value = shown(spec, values.values.get(spec.key, ""), family=False)
        out.append(Fact(label=spec.name, value=value, wide=part in ("address", "home_address")))
    return out
