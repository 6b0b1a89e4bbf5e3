"""Reading the audit: for audit administrators only, and read as the audit role, since the application cannot."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org

from . import details, retention, verify, words
from .chain import SELECT, entry_digest
from .models import AuditAnchor, AuditArchive, AuditEntry, AuditSeal

if TYPE_CHECKING:
    from xueji.ground.accounts.actor import Actor

#: The most rows of one sheet.
MOST_EXPORTED = 20_000


@dataclass(frozen=True)
class Entry:
    """An entry as the page shows it; a pupil is an opaque short id, never a name."""

    id: int
    at: datetime
    user_id: int | None
    user_name: str
    role: str
    role_label: str
    org_name: str
    address: str
    action: str
    what: str
    kind: str
    kind_label: str
    object: str
    person: str
    person_key: str
    purpose: str
    rows: int
    detail: str


@dataclass(frozen=True)
class EntryPage:
    """A page of entries, newest first; `after` continues it."""

    rows: list[Entry]
    after: int | None


@dataclass(frozen=True)
class Proof:
    """The seal that covers an entry, and whether the entry still is what was sealed."""

    seal_id: int
    sealed_at: datetime
    digest: str
    holds: bool


@dataclass(frozen=True)
class Opened:
    """One entry with everything that it says: differences in words, the pupils shown, the seal."""

    entry: Entry
    differences: list[details.Difference]
    object_type: str
    object_id: str
    digest: str
    persons: list[str]
    proof: Proof | None


@dataclass(frozen=True)
class SealState:
    """How far the audit is sealed; `digest` is what to note down as an anchor."""

    sealed: int
    last_id: int | None
    last_at: datetime | None
    last_seal: int | None
    digest: str
    sm3: str = ""
    waiting: int = 0

    @property
    def anchor(self) -> str:
        """The last seal's id and digest in groups, to be written down outside this installation."""
        return f"{self.last_seal}: {_grouped(self.digest)}"

    @property
    def sm3_grouped(self) -> str:
        """The last seal's SM3 digest in groups."""
        return _grouped(self.sm3)


@dataclass(frozen=True)
class Filters:
    """What to look for; empty fields do not narrow. `what`: `kind:<kind>`, `room:<room>`, or an action."""

    user: str = ""
    account: int | None = None
    what: str = ""
    action: str = ""
    person: str = ""
    org: str = ""
    record: str = ""
    address: str = ""
    since: date | None = None
    until: date | None = None
    around: int | None = None

    def said(self) -> dict[str, Any]:
        """As the entry about the search keeps it."""
        return {k: str(v) for k, v in self.__dict__.items() if v}


def _grouped(hexed: str) -> str:
    return " ".join(hexed[i : i + 8] for i in range(0, len(hexed), 8))


def tree(actor: Actor) -> list[int]:
    """The units of an audit administrator below the top: his own and those under it."""
    return list(Org.objects.filter(path__startswith=actor.org_path).values_list("id", flat=True))


def _found(actor: Actor, f: Filters) -> QuerySet[AuditEntry]:
    """What matches in the actor's part of the tree. Units are read here, in the actor's own role; run it as `audit`."""
    found = AuditEntry.objects.order_by("-id").defer("digest")
    if actor.org_path.count("/") > 2:
        found = found.filter(org_id__in=tree(actor))
    if f.user:
        found = found.filter(user_name__startswith=f.user)
    if f.account:
        found = found.filter(user_id=f.account)
    if f.action:
        found = found.filter(Q(action=f.action) | Q(action__startswith=f.action.rstrip(".") + "."))
    if f.what:
        found = found.filter(action__in=_actions_of(f.what))
    if f.person:
        low, high = _person(f.person)
        by = Q(person_id__gte=low, person_id__lte=high)
        found = found.filter(by | Q(person_ids__contains=[low]) if low == high else by)
    if f.org:
        ids = Org.objects.filter(name__contains=f.org, path__startswith=actor.org_path).values_list(
            "id", flat=True
        )
        found = found.filter(org_id__in=list(ids[:500]))
    if f.record:
        found = found.filter(object_id=f.record)
    if f.address:
        found = found.filter(address=f.address)
    if f.since:
        found = found.filter(at__gte=_moment(f.since))
    if f.until:
        found = found.filter(at__lt=_moment(f.until + timedelta(days=1)))
    return found


def entries(
    actor: Actor, filters: Filters | None = None, *, after: int | None = None, limit: int = 50
) -> EntryPage:
    """Entries of the actor's part of the tree, newest first, a page by key. PermissionDenied for others."""
    actor.require("audit.view")
    f = filters or Filters()
    found = _found(actor, f)
    with acting("audit"):
        if f.around:
            middle = AuditEntry.objects.filter(pk=f.around).values_list("at", flat=True).first()
            if middle:
                hour = timedelta(hours=1)
                found = found.filter(at__gte=middle - hour, at__lte=middle + hour)
        if after:
            found = found.filter(id__lt=after)
        rows = list(found[: limit + 1])
    page = _entries(rows[:limit])
    return EntryPage(page, page[-1].id if len(rows) > limit else None)


def _entries(rows: list[AuditEntry]) -> list[Entry]:
    orgs = dict(Org.objects.filter(pk__in={r.org_id for r in rows if r.org_id}).values_list("id", "name"))
    return [_entry(r, orgs) for r in rows]


def occurring() -> list[str]:
    """Every action that occurs in the audit: one loose scan of the index. Names of deeds, nothing of anybody."""
    with acting("audit"), connection.cursor() as c:
        c.execute(
            "with recursive a as ((select action from audit_entry order by action limit 1) union all"
            " select (select e.action from audit_entry e where e.action > a.action order by e.action limit 1)"
            " from a where a.action is not null) select action from a where action is not null"
        )
        return [r[0] for r in c.fetchall()]


def _actions_of(what: str) -> list[str]:
    """The actions that occur of a kind, a room, or the action itself."""
    by, colon, value = what.partition(":")
    if not colon:
        return [what]
    return [a for a in occurring() if (words.kind(a) == value if by == "kind" else a.startswith(value + "."))]


def _person(text: str) -> tuple[uuid.UUID, uuid.UUID]:
    """A whole key, or the beginning of one as the page shows it (a range, so that the index serves)."""
    hexed = "".join(c for c in text.lower() if c in "0123456789abcdef")[:32]
    if not hexed:
        return uuid.UUID(int=1), uuid.UUID(int=0)
    return uuid.UUID(hexed.ljust(32, "0")), uuid.UUID(hexed.ljust(32, "f"))


def _moment(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _entry(r: AuditEntry, orgs: dict[int, str]) -> Entry:
    kind = words.kind(r.action)
    return Entry(
        id=r.pk,
        at=r.at,
        user_id=r.user_id,
        user_name=r.user_name,
        role=r.role,
        role_label=words.role(r.role),
        org_name=orgs.get(r.org_id or 0, ""),
        address=r.address,
        action=r.action,
        what=words.action(r.action),
        kind=kind,
        kind_label=str(words.KINDS[kind]),
        object=f"{words.thing(r.object_type)} {r.object_id[:8] if len(r.object_id) > 20 else r.object_id}".strip(),
        person=r.person_id.hex[:8] if r.person_id else "",
        person_key=str(r.person_id or ""),
        purpose=r.purpose,
        rows=r.row_count,
        detail=details.short(r.action, r.before, r.after),
    )


def opened(actor: Actor, entry_id: int) -> Opened:
    """One entry of the actor's part of the tree. Http404 for others."""
    actor.require("audit.view")
    found = _found(actor, Filters())
    with acting("audit"):
        row = found.defer(None).filter(pk=entry_id).first()
        if row is None:
            raise Http404
        proof = _proof(entry_id)
    return Opened(
        entry=_entries([row])[0],
        differences=details.differences(row.action, row.before, row.after),
        object_type=words.thing(row.object_type),
        object_id=row.object_id,
        digest=bytes(row.digest).hex() if row.digest else "",
        persons=[p.hex[:8] for p in (row.person_ids or [])[:50]],
        proof=proof,
    )


def _proof(entry_id: int) -> Proof | None:
    with connection.cursor() as c:
        c.execute(
            "select id, sealed_at, sha256, substr(entry_hashes, 32 * (array_position(entry_ids, %s::bigint) - 1) + 1, 32)"
            " from audit_seal where last_id >= %s and first_id <= %s and entry_ids @> array[%s]::bigint[]"
            " order by id limit 1",
            [entry_id] * 4,
        )
        seal = c.fetchone()
        if seal is None:
            return None
        c.execute(f"select {SELECT} from audit_entry where id = %s", [entry_id])
        digest = entry_digest(c.fetchone())
    return Proof(seal[0], seal[1], bytes(seal[2]).hex(), digest == bytes(seal[3]))


def rows_for_sheet(actor: Actor, filters: Filters) -> list[Entry]:
    """The entries that match, newest first, at most `MOST_EXPORTED`."""
    actor.require("audit.view")
    found = _found(actor, filters)
    with acting("audit"):
        rows = list(found[:MOST_EXPORTED])
    return _entries(rows)


def seal_state(actor: Actor) -> SealState:
    """How far the audit is sealed, and the last seal's digest."""
    actor.require("audit.view")
    with acting("audit"):
        last = AuditSeal.objects.defer("entry_ids", "entry_hashes").order_by("-id").first()
    return SealState(
        sealed=last.pk if last else 0,
        last_id=last.last_id if last else None,
        last_at=last.sealed_at if last else None,
        last_seal=last.pk if last else None,
        digest=bytes(last.sha256).hex() if last else "",
        sm3=bytes(last.sm3).hex() if last else "",
    )


@dataclass(frozen=True)
class Kept:
    """What was given out and put away: anchors, archives, and how long each class of entries stays."""

    anchors: list[AuditAnchor]
    archives: list[AuditArchive]
    months: list[tuple[str, int]] = field(default_factory=list)


def kept(actor: Actor, *, limit: int = 20) -> Kept:
    """The newest anchors and archives."""
    actor.require("audit.view")
    with acting("audit"):
        anchors = list(AuditAnchor.objects.order_by("-id")[:limit])
        archives = list(AuditArchive.objects.defer("entry_ids").order_by("-id")[:limit])
    for a in archives:
        a.label = str(retention.CLASSES[a.kind][0])  # type: ignore[attr-defined]
    months = [(str(label), retention.months(kind)) for kind, (label, _kinds) in retention.CLASSES.items()]
    return Kept(anchors, archives, months)


def anchor(actor: Actor, anchor_id: int) -> AuditAnchor:
    """An anchor that was given out. Http404 if there is none."""
    actor.require("audit.view")
    with acting("audit"):
        row = AuditAnchor.objects.filter(pk=anchor_id).first()
    if row is None:
        raise Http404
    return row


def first_break(actor: Actor, anchor: tuple[int, bytes] | None = None) -> verify.Broken | None:
    """Recompute the whole chain; the first break, or None. Takes seconds for a million entries."""
    actor.require("audit.view")
    with acting("audit"), connection.cursor() as c:
        return verify.first_break(c, anchor)
