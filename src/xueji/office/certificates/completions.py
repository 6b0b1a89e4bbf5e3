"""证书发放名册: what a school hands out at the end of the compulsory stages, for signatures and the county's seal.

After a graduation list of a primary or junior school took effect (C-GRA-04); 肄业 completes no stage and is not in it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.orgs.models import Org
from xueji.ground.paper.roster import ListColumn, PaperList, render_list
from xueji.ground.paper.wording import zh_date
from xueji.ground.policy.statuses import Status
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.registry.people import queries as people
from xueji.registry.yearly import queries as yearly
from xueji.registry.yearly import sealing
from xueji.registry.yearly.models import GraduationList

from . import facts
from .errors import CertificateRefused
from .models import Certificate
from .rosters import MOST, watermark

_CARDS = 500
TITLES = {"P": "小学毕业证书发放名册", "J": "义务教育证书发放名册"}
_PAPER = (
    ListColumn(label="序号", mm=11, centre=True),
    ListColumn(label="证书编号", mm=44),
    ListColumn(label="学籍号", mm=42),
    ListColumn(label="姓名", mm=28),
    ListColumn(label="性别", mm=11, centre=True),
    ListColumn(label="出生日期", mm=23, centre=True),
    ListColumn(label="结论", mm=16, centre=True),
    ListColumn(label="毕业日期", mm=23, centre=True),
    ListColumn(label="领取人签字"),
    ListColumn(label="领取日期", mm=24),
)
_SHEET = (
    ("序号", "number", 8), ("证书编号", "text", 26), ("学籍号", "text", 24), ("姓名", "text", 16), ("性别", "text", 8),
    ("出生日期", "date", 13), ("结论", "text", 10), ("毕业日期", "date", 13), ("领取人签字", "text", 16),
    ("领取日期", "text", 14),
)  # fmt: skip


@dataclass(frozen=True)
class Completion:
    """The list of certificates of a graduation list."""

    row: GraduationList
    school: str
    title: str
    seal: str
    #: Whether the school itself asks: what it gave out is its own paper, and an authority does not read the numbers.
    own: bool
    rows: Sequence[tuple[Any, ...]]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The pairs under the title."""
        boys = sum(r[4] == "男" for r in self.rows)
        return [
            ("名册编号", self.row.number or ""),
            ("人数", f"{len(self.rows)}人（男{boys}，女{len(self.rows) - boys}）"),
            ("已编号", f"{sum(bool(r[1]) for r in self.rows)}人" if self.own else "见学校打印的名册"),
            ("验印", self.seal or "未验印"),
        ]


def gather(actor: Any, list_id: uuid.UUID, f: yearly.Filters) -> Completion:
    """Who gets a certificate by a list that took effect, with the numbers that the school gave out already.

    Raises PermissionDenied, Http404 (strangers; no list of the compulsory stages), `CertificateRefused`.
    """
    actor.require("yearly.view")
    row = yearly.get(actor, list_id)
    if row.school_id != actor.org_id and not actor.can("yearly.place"):
        raise PermissionDenied(_("名册由学校和主管部门打印"))
    if not sealing.of_compulsory_stage(row):
        raise Http404
    if not sealing.took_effect(row):
        raise CertificateRefused(_("名册生效后才能打印证书发放名册"))
    found, more = yearly.items(row, f, limit=MOST)
    if more:
        raise CertificateRefused(_("一次最多打印%(n)s人") % {"n": MOST})
    gone = sealing.undone(row)
    found = [
        x
        for x in found
        if x.done and x.result in (Status.GRADUATED, Status.COMPLETED) and x.person_id not in gone
    ]
    if not found:
        raise CertificateRefused(_("没有可以打印的学生"))
    ids = [x.person_id for x in found]
    cards: dict[uuid.UUID, people.PersonCard] = {}
    for i in range(0, len(ids), _CARDS):
        cards |= people.cards(actor, ids[i : i + _CARDS])
    given = dict(
        Certificate.objects.filter(
            kind=facts.GRADUATION,
            school_id=row.school_id,
            person_id__in=ids,
            revoked_at=None,
            content__list_number=row.number,
        )
        .order_by("issued_at", "pk")
        .values_list("person_id", "number")
    )
    seal = sealing.seal_of(row)
    return Completion(
        row=row,
        school=Org.objects.get(pk=row.school_id).name,
        title=f"{row.effective_on.year}届{TITLES[row.stage]}",
        seal=f"{timezone.localtime(seal.at):%Y-%m-%d} {seal.actor_name}" if seal else "",
        own=row.school_id == actor.org_id,
        rows=[
            (
                i, given.get(x.person_id, ""), cards[x.person_id].number if x.person_id in cards else "", x.name,
                x.sex, x.birth_date, x.result_label, row.effective_on, "", "",
            )
            for i, x in enumerate(found, start=1)
        ],
    )  # fmt: skip


def _note(actor: Any, made: Completion, what: str) -> None:
    record(
        actor, f"completion.{what}", object_type="graduation_list", object_id=made.row.list_id,
        after={"number": made.row.number, "register": made.title}, row_count=len(made.rows),
    )  # fmt: skip


def as_pdf(actor: Any, list_id: uuid.UUID, f: yearly.Filters) -> tuple[bytes, str]:
    """The list on paper, room for signatures and seals, and its file name. Raises as `gather`."""
    made = gather(actor, list_id, f)
    _note(actor, made, "print")
    data = render_list(
        PaperList(
            title=made.title,
            subtitle=_("生效日期 %s") % zh_date(made.row.effective_on),
            org_name=made.school,
            facts=made.facts,
            columns=_PAPER,
            rows=[[str(v) for v in row] for row in made.rows],
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
            reference=made.row.number or "",
            watermark=watermark(actor),
            signatures=("发证人（签字）", "校长（签字）", "学校（盖章）", "县级教育行政部门验印（盖章）"),
            handwriting=True,
        )
    )
    return data, f"{made.school}{made.title}.pdf"


def as_xlsx(actor: Any, list_id: uuid.UUID, f: yearly.Filters) -> tuple[bytes, str]:
    """The list as a workbook and its file name. Raises as `gather`."""
    made = gather(actor, list_id, f)
    _note(actor, made, "export")
    data = write_table(
        [SheetColumn(label=label, kind=kind, width=width) for label, kind, width in _SHEET],  # type: ignore[arg-type]
        made.rows,
        title=f"{made.school} {made.title}",
        notes=["; ".join(f"{label} {value}" for label, value in made.facts)],
        watermark=watermark(actor),
    )
    return data, f"{made.school}{made.title}.xlsx"
