"""What time brings to the relay: new keys come into use, questions that led nowhere are forgotten."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.crypto import pairs
from xueji.ground.crypto.errors import KeyMissing
from xueji.ground.db.scope import acting

from ..models import Lookup, MessageState, Outgoing, Own, RelayCase, State
from ._base import SYSTEM, end, locked, note

ASKED_DAYS = 30
ASKING_DAYS = 7


def forget_old() -> int:
    """Idempotent; returns how many things were done."""
    now = timezone.now()
    with transaction.atomic(), acting("writer"):
        if not Own.objects.exists():
            return 0
        done = _new_keys()
        gone, _by = RelayCase.objects.filter(
            state=State.ASKED, created_at__lt=now - timedelta(days=ASKED_DAYS)
        ).delete()
        Lookup.objects.filter(at__lt=now - timedelta(days=2)).delete()
        stale = list(
            RelayCase.objects.filter(
                state=State.ASKING, created_at__lt=now - timedelta(days=ASKING_DAYS)
            ).values_list("pk", flat=True)[:200]
        )
        for case_id in stale:
            case, _talk = locked(case_id)
            if case is not None and case.state == State.ASKING:
                end(case, State.UNKNOWN, _("对方系统一直没有答复, 请稍后重新查询"))
                note(case, SYSTEM, "unknown", case.end_reason)
    return done + gone + len(stale)


def _new_keys() -> int:
    """Drafted keys are used once everybody who must know them has signed for the announcement."""
    try:
        if not pairs.drafted():
            return 0
    except KeyMissing:
        return 0
    unsaid = Outgoing.objects.filter(kind="key.announce", peer__active=True).exclude(state=MessageState.SENT)
    return 0 if unsaid.exists() else int(pairs.activate())
