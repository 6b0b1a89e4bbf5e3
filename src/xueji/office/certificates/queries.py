"""Reading certificates: those of the own school or of the own child, and the public check."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from xueji.ground.accounts.actor import today
from xueji.registry.changes import results
from xueji.registry.changes.models import Case

from . import codes
from .facts import FOR_GOOD, RESULTS
from .models import Certificate

LIMIT, MINUTES = 30, 10
STATES = {"valid": _lazy("有效"), "expired": _lazy("已过期"), "revoked": _lazy("已作废")}


def state_of(row: Certificate) -> str:
    """valid, expired or revoked, today."""
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.valid_until < today() else "valid"


def until_words(row: Certificate) -> str:
    """The last day on which a paper holds; certificates of completion hold for good."""
    return _("长期有效") if row.valid_until == FOR_GOOD else row.valid_until.isoformat()


@dataclass(frozen=True)
class Page:
    """A page of certificates, newest first; `next` continues it, empty at the end."""

    rows: list[Certificate]
    next: str = ""


def listed(
    actor: Any, *, number: str = "", state: str = "", kind: str = "", after: str = "", limit: int = 50
) -> Page:
    """Certificates in scope, narrowed by number (or its beginning), state and kind. Raises PermissionDenied."""
    actor.require("certificate.view")
    rows = Certificate.objects.order_by("-issued_at", "-id")
    if actor.org_kind == "school" and not actor.is_portal:
        rows = rows.filter(school_id=actor.org_id)
    number = "".join(number.split()).upper()[:30]
    if number:
        # A range, not LIKE: the policy keeps its index for comparisons only (performance, decision 4).
        rows = rows.filter(number__gte=number, number__lt=number + "\U0010ffff")
    if state == "revoked":
        rows = rows.filter(revoked_at__isnull=False)
    elif state == "expired":
        rows = rows.filter(revoked_at=None, valid_until__lt=today())
    elif state == "valid":
        rows = rows.filter(revoked_at=None, valid_until__gte=today())
    if kind:
        rows = rows.filter(kind=kind)
    moment, key = _unpack(after)
    if moment is not None:
        rows = rows.filter(Q(issued_at__lt=moment) | Q(issued_at=moment, id__lt=key))
    found = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return Page(found[:limit], f"{last.issued_at.isoformat()}|{last.id}" if last else "")


def _unpack(after: str) -> tuple[datetime | None, uuid.UUID | None]:
    moment, _bar, key = after.partition("|")
    try:
        return datetime.fromisoformat(moment), uuid.UUID(key)
    except ValueError:
        return None, None


def get(actor: Any, certificate_id: uuid.UUID) -> Certificate:
    """One certificate in scope. Raises Http404."""
    actor.require("certificate.view")
    row = Certificate.objects.filter(pk=certificate_id).first()
    if row is None:
        raise Http404
    return row


def of_person(actor: Any, person_id: uuid.UUID) -> list[Certificate]:
    """Certificates given out for a child, newest first, as far as the actor may see them (at most 20)."""
    return list(Certificate.objects.filter(person_id=person_id).order_by("-issued_at", "-pk")[:20])


@dataclass(frozen=True)
class Answer:
    """What the public page may say. `state` is valid, expired, revoked, unknown or limited."""

    state: str
    number: str = ""
    title: str = ""
    name: str = ""
    sex: str = ""
    birth: str = ""
    student_number: str = ""
    school: str = ""
    place: str = ""
    status: str = ""
    period: str = ""
    purpose: str = ""
    issued_on: date | None = None
    valid_until: date | None = None
    revoked_on: date | None = None

    @property
    def facts(self) -> list[dict[str, Any]]:
        """The lines to compare with the paper; of a paper that no longer holds, only which paper it is."""
        lines: list[tuple[Any, Any]] = [(_("证明编号"), self.number), (_("出具学校"), self.school)]
        if self.state == "valid":
            lines += [
                (_("姓名"), self.name),
                (_("性别"), self.sex),
                (_("出生年份"), _("%(y)s年") % {"y": self.birth} if self.birth else ""),
                (_("学籍号后4位"), self.student_number),
                (_("年级班级"), self.place),
                (_("开具时的学籍状态"), self.status),
                (_("期限"), self.period),
                (_("用途"), self.purpose),
            ]
        lines += [
            (_("开具日期"), self.issued_on),
            (_("有效期至"), self.valid_until),
            (_("作废日期"), self.revoked_on),
        ]
        return [
            {
                "label": a,
                "value": _("长期有效") if b == FOR_GOOD else b.isoformat() if isinstance(b, date) else b,
            }
            for a, b in lines
            if b
        ]


def verify(code: str, address: str) -> Answer:
    """Check a code for the public: one look-up whatever was typed, the same answer for unknown and malformed codes."""
    with connection.cursor() as c:
        c.execute(
            "select * from xueji_verify_certificate(%s, %s, %s, %s)",
            [codes.digest(code), codes.visitor(address), LIMIT, MINUTES],
        )
        row = c.fetchone()
    if row is None:
        return Answer("unknown")
    texts: list[Any] = [text or "" for text in row[:12]]
    return Answer(*texts, *row[12:])


def issued_on(row: Certificate) -> date:
    """The legal date of issue."""
    return timezone.localtime(row.issued_at).date()


def transfer_of(actor: Any, row: Certificate) -> Case | None:
    """The transfer under way to which the actor's school may put this certificate of marks, if any; one query."""
    if row.kind != RESULTS or row.revoked_at is not None or row.school_id != actor.org_id:
        return None
    if not actor.can("certificate.issue") or not actor.can("case.start"):
        return None
    case = results.carried(row.person_id, actor.org_id).first()
    return case if case is not None and results.late(case.business, case.summary) else None
