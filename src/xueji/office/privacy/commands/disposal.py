"""到期销毁: proposed by one person, approved by another, carried out by the worker in batches (C-SEC-05, C-ARC-08/09)."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import Who, record
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.orgs.models import Org

from .. import retention, terms
from ..errors import PrivacyError
from ..models import Disposal, DisposalState

BATCH = 500
#: So many batches at a look of the worker: nobody waits for it long.
AT_ONCE = 10


def propose(actor: Any, *, kind: str, reason: str = "") -> Disposal:
    """Ask for the disposal of what is due of a class today. Raises PermissionDenied, `PrivacyError`."""
    actor.require("privacy.act")
    found = terms.classes().get(kind)
    if found is None or not found.disposable:
        raise PrivacyError(_("这一类永久保存或另有规定, 不能销毁"))
    if found.of_installation and not retention.keeps_installation(actor):
        raise PrivacyError(_("这一类由最上级单位统一处理"))
    today = timezone.localdate()
    rows = retention.due([found], retention.units_of(actor), actor.org_path, today)
    ready = sum(r.ready for r in rows)
    if not ready:
        raise PrivacyError(_("没有到期可以销毁的数据"))
    with transaction.atomic(), acting("writer"):
        if Disposal.objects.filter(
            org_id=actor.org_id, kind=kind, state__in=(DisposalState.PROPOSED, DisposalState.APPROVED)
        ).exists():
            raise PrivacyError(_("这一类已有一件在办理, 办完再提"))
        made = Disposal.objects.create(
            org_id=actor.org_id,
            kind=kind,
            cutoff=found.cutoff(today),
            found=ready,
            reason=reason.strip()[:300],
            proposed_by=actor.user_id,
            proposed_name=actor.user_name,
        )
    _tell(actor, "propose", made)
    return made


def decide(actor: Any, disposal_id: int, *, approved: bool, opinion: str) -> Disposal:
    """Approve or refuse what somebody else proposed. Raises PermissionDenied, Http404, `PrivacyError`."""
    actor.require("privacy.approve")
    with transaction.atomic(), acting("writer"):
        row = Disposal.objects.select_for_update().filter(pk=disposal_id, org_id=actor.org_id).first()
        if row is None:
            raise Http404
        if row.state != DisposalState.PROPOSED:
            raise PrivacyError(_("这件销毁申请已经办过了"))
        if row.proposed_by == actor.user_id:
            raise PrivacyError(_("提出人不能批准自己的申请, 请另一位负责人批准"))
        if not approved and not opinion.strip():
            raise PrivacyError(_("不批准请写明理由"))
        row.state = DisposalState.APPROVED if approved else DisposalState.REFUSED
        row.decided_by, row.decided_name, row.decided_at = actor.user_id, actor.user_name, timezone.now()
        row.opinion = opinion.strip()[:300]
        row.save()
    _tell(actor, "approve" if approved else "refuse", row)
    return row


def work(most: int = AT_ONCE) -> int:
    """The worker's duty: carry out approved disposals, oldest first; returns how many rows went. Needs a transaction."""
    gone = 0
    for _turn in range(most):
        with transaction.atomic():
            with acting("writer"):
                row = (
                    Disposal.objects.select_for_update(skip_locked=True)
                    .filter(state=DisposalState.APPROVED)
                    .order_by("id")
                    .first()
                )
            if row is None:
                return gone
            gone += _step(row)
    return gone


def _step(row: Disposal) -> int:
    """One batch of one disposal, or its end."""
    kind = terms.classes()[row.kind]
    with acting("writer"):
        org = Org.objects.get(pk=row.org_id)
        units = list(Org.objects.filter(path__startswith=org.path).values_list("id", flat=True)[:20000])
    with acting(retention.FINDERS[row.kind].role):
        found = retention.batch(kind, units, org.path, row.cutoff, BATCH)
    now = timezone.now()
    row.started_at = row.started_at or now
    if not found:
        row.state, row.ended_at = DisposalState.DONE, now
        row.number = f"XH{timezone.localdate(now):%Y%m%d}{row.pk:06d}"
        with acting("writer"):
            row.save()
        _tell(SYSTEM, "done", row)
        return 0
    _remove(row.kind, [key for key, _day, _file in found])
    for file_id in dict.fromkeys(f for _key, _day, f in found if f is not None):
        files.discard(SYSTEM, file_id)
        row.files += 1
    digest = hashlib.sha256(bytes(row.digest or b""))
    for key, day, _file in found:
        digest.update(f"{row.kind}\0{key}\0{day}\n".encode())
    days: list[date] = [day for _key, day, _file in found]
    row.digest = digest.digest()
    row.done += len(found)
    row.first_on = min([row.first_on or days[0], *days])
    row.last_on = max([row.last_on or days[0], *days])
    with acting("writer"):
        row.save()
    return len(found)


def _remove(kind: str, keys: list[str]) -> None:
    finder = retention.FINDERS[kind]
    for statement in finder.remove:
        if "django_session" in statement:  # the framework's own table is the application's
            with connection.cursor() as c:
                c.execute(statement, {"keys": keys})
            continue
        with acting(finder.role), connection.cursor() as c:
            c.execute(statement, {"keys": keys})


SYSTEM = Who(None, "xueji", "system", None)


def _tell(actor: Any, what: str, row: Disposal) -> None:
    record(
        actor,
        f"privacy.disposal.{what}",
        object_type="privacy_disposal",
        object_id=row.pk,
        after={"kind": row.kind, "state": str(row.state), "found": row.found, "done": row.done},
        row_count=row.done or row.found,
        digest=bytes(row.digest) if row.digest else None,
    )
