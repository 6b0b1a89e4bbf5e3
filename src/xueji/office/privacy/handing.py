"""Handing data over under an entry of the register: exactly the agreed columns of the own school's children."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.orgs.grades import class_label, grade_on
from xueji.ground.policy.statuses import Status
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.registry.people import queries as people

from . import sharing
from .commands import shares
from .errors import PrivacyError
from .models import Transfer

MOST = 5000


def note(actor: Any, share_id: int, *, what: str, rows: int) -> Transfer:
    """A handing over that went another way: what, how many. Raises Http404, `PrivacyError`."""
    if len(what.strip()) < 2 or rows < 1:
        raise PrivacyError(_("请写明提供了什么、多少人"))
    return shares.transfer(actor, share_id, what=what, rows=rows)


def export(actor: Any, share_id: int) -> tuple[str, bytes]:
    """The own school's children with the columns of an entry, noted before it leaves.

    Raises PermissionDenied, Http404, `PrivacyError` with the article when the entry does not allow it.
    """
    actor.require("student.export")
    entry = shares.active(actor, share_id)
    found = _children(int(actor.org_id))
    if len(found) > MOST:
        raise PrivacyError(_("一次最多提供 %s 人") % MOST)
    rows = [
        [cells[f] for f in entry.fields if f in sharing.FIELDS]
        for cells in _cells(actor, found, entry.fields)
    ]
    columns = [SheetColumn(label=str(sharing.FIELDS[f].label)) for f in entry.fields if f in sharing.FIELDS]
    data = write_table(
        columns,
        rows,
        title=_("%(org)s 提供给 %(to)s") % {"org": actor.org_name, "to": entry.recipient},
        notes=[
            _("目的: %s。不得用于其他目的, 不得转交") % entry.purpose,
            _("使用至 %(d)s, %(end)s") % {"d": entry.until, "end": sharing.AT_END[entry.at_end]},
        ],
        watermark=f"{actor.org_name} {actor.user_name} → {entry.recipient} {today():%Y-%m-%d}",
    )
    shares.transfer(actor, share_id, what=_("在籍学生名单(xlsx)"), rows=len(rows), data=data)
    record(
        actor,
        "privacy.share.export",
        object_type="privacy_share",
        object_id=entry.pk,
        purpose=entry.purpose,
        after={"recipient": entry.recipient, "fields": entry.fields},
        row_count=len(rows),
        persons=[r[0] for r in found],
    )
    return f"{_('提供')}-{entry.recipient}-{today():%Y%m%d}.xlsx", data


def _children(school_id: int) -> list[Any]:
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.sex, r.birth_date, r.stage, r.cohort_year, k.number, r.status, o.name, s.system"
            " from roster r join org o on o.id = r.school_id join school s on s.org_id = r.school_id"
            " left join school_class k on k.id = r.class_id where r.school_id = %s and r.kind = 1"
            " and r.reason <> 'former' and r.status < 10 order by r.stage, r.cohort_year desc, k.number,"
            f" r.pinyin_sort, r.person_id limit {MOST + 1}",
            [school_id],
        )
        return c.fetchall()


def _cells(actor: Any, found: list[Any], fields: list[str]) -> list[dict[str, str]]:
    day = today()
    cards: dict[Any, Any] = {}
    if {"number", "identity"} & set(fields):
        ids = [r[0] for r in found]
        for i in range(0, len(ids), 500):
            cards |= people.cards(actor, ids[i : i + 500])
    out = []
    for person, name, sex, birth, stage, cohort, number, status, school, system in found:
        grade = grade_on(stage, cohort, system, day)
        card = cards.get(person)
        out.append(
            {
                "name": name,
                "sex": {"1": _("男"), "2": _("女")}.get(sex, ""),
                "birth_year": str(birth.year),
                "birth_date": birth.isoformat(),
                "school": school,
                "grade": grade.label if grade else "",
                "class": class_label(stage, cohort, number, system, day) if number else "",
                "status": str(Status(status).label),
                "number": card.number if card else "",
                "identity": card.identity if card else "",
            }
        )
    return out
