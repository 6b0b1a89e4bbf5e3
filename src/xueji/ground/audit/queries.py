"""Reading the audit: for audit administrators only, and read as the audit role, since the application cannot."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org

from . import verify
from .models import AuditEntry, AuditSeal

if TYPE_CHECKING:
    from xueji.ground.accounts.actor import Actor

#: Of deeds on accounts and units the values are shown; of deeds on pupils only which fields were touched.
_OPEN = ("accounts.", "orgs.", "audit.")


@dataclass(frozen=True)
class Entry:
    """An entry as the page shows it; a pupil is an opaque short id, never a name."""

    id: int
    at: datetime
    user_name: str
    role: str
    org_name: str
    address: str
    action: str
    object: str
    person: str
    purpose: str
    rows: int
    detail: str


@dataclass(frozen=True)
class EntryPage:
    """A page of entries, newest first; `after` continues it."""

    rows: list[Entry]
    after: int | None


@dataclass(frozen=True)
class SealState:
    """How far the audit is sealed; `digest` is what to note down as an anchor."""

    sealed: int
    last_id: int | None
    last_at: datetime | None
    last_seal: int | None
    digest: str

    @property
    def anchor(self) -> str:
        """The last seal's id and digest in groups, to be written down outside this installation."""
        return f"{self.last_seal}: " + " ".join(self.digest[i : i + 8] for i in range(0, len(self.digest), 8))


@dataclass(frozen=True)
class Filters:
    """What to look for; empty fields do not narrow."""

    user: str = ""
    action: str = ""
    person: str = ""
    since: date | None = None
    until: date | None = None


def entries(
    actor: Actor, filters: Filters | None = None, *, after: int | None = None, limit: int = 50
) -> EntryPage:
    """Entries of the actor's part of the tree, newest first, a page by key. PermissionDenied for others."""
    actor.require("audit.view")
    f = filters or Filters()
    found = AuditEntry.objects.order_by("-id").defer("digest")
    if actor.org_path.count("/") > 2:
        found = found.filter(org_id__in=Org.objects.filter(path__startswith=actor.org_path).values("id"))
    if f.user:
        found = found.filter(user_name__startswith=f.user)
    if f.action:
        found = found.filter(Q(action=f.action) | Q(action__startswith=f.action.rstrip(".") + "."))
    if f.person:
        found = found.filter(**_person(f.person))
    if f.since:
        found = found.filter(at__gte=_moment(f.since))
    if f.until:
        found = found.filter(at__lt=_moment(f.until + timedelta(days=1)))
    if after:
        found = found.filter(id__lt=after)
    with acting("audit"):
        rows = list(found[: limit + 1])
    orgs = dict(Org.objects.filter(pk__in={r.org_id for r in rows if r.org_id}).values_list("id", "name"))
    page = [_entry(r, orgs) for r in rows[:limit]]
    return EntryPage(page, page[-1].id if len(rows) > limit else None)


def _person(text: str) -> dict[str, Any]:
    """A whole key, or the beginning of one as the page shows it (a range, so that the index serves)."""
    hexed = "".join(c for c in text.lower() if c in "0123456789abcdef")[:32]
    if not hexed:
        return {"pk": None}
    low, high = uuid.UUID(hexed.ljust(32, "0")), uuid.UUID(hexed.ljust(32, "f"))
    return {"person_id__gte": low, "person_id__lte": high}


def _moment(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _entry(r: AuditEntry, orgs: dict[int, str]) -> Entry:
    return Entry(
        id=r.pk,
        at=r.at,
        user_name=r.user_name,
        role=r.role,
        org_name=orgs.get(r.org_id or 0, ""),
        address=r.address,
        action=r.action,
        object=f"{r.object_type} {r.object_id[:8] if len(r.object_id) > 20 else r.object_id}".strip(),
        person=r.person_id.hex[:8] if r.person_id else "",
        purpose=r.purpose,
        rows=r.row_count,
        detail=_detail(r),
    )


def _detail(r: AuditEntry) -> str:
    before, after = r.before or {}, r.after or {}
    keys = sorted(set(before) | set(after))
    if not r.action.startswith(_OPEN):
        return ", ".join(keys)
    parts = []
    for k in keys:
        old, new = before.get(k), after.get(k)
        parts.append(
            f"{k}: {old} → {new}" if k in before and k in after else f"{k}: {old if k in before else new}"
        )
    return "; ".join(parts)


def seal_state(actor: Actor) -> SealState:
    """How far the audit is sealed, and the last seal's digest."""
    actor.require("audit.view")
    with acting("audit"):
        last = AuditSeal.objects.order_by("-id").first()
        sealed = AuditSeal.objects.count()
    return SealState(
        sealed=sealed,
        last_id=last.last_id if last else None,
        last_at=last.sealed_at if last else None,
        last_seal=last.pk if last else None,
        digest=bytes(last.sha256).hex() if last else "",
    )


def first_break(actor: Actor, anchor: tuple[int, bytes] | None = None) -> verify.Broken | None:
    """Recompute the whole chain; the first break, or None. Takes seconds for a million entries."""
    actor.require("audit.view")
    with acting("audit"), connection.cursor() as c:
        return verify.first_break(c, anchor)
