"""Emergency access (紧急查阅): find one child by number and name, open it for a while, look, answer, end."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.duty import queries as duty
from xueji.ground.standards.names import normalise_name
from xueji.registry.people import commands as people
from xueji.registry.people import queries as people_queries

from .. import queries
from ..errors import ChargeError
from ..models import REASONS, EmergencyAnswer, EmergencyGrant, EmergencyLook, EmergencyTry

#: So many searches without a result in an hour, then none is answered.
MISSES = 5
LEAST_WORDS = 8


def find_and_open(
    actor: Actor, *, number: str, name: str, reason_kind: str, reason: str
) -> EmergencyGrant | None:
    """Open the one child of this whole number and this name, beyond the actor's scope, for a stated reason.

    None whether there is no such number, the name is another's, the child lies in the actor's own scope, or too many
    searches went wrong: the answer tells nothing. Raises ChargeError for a missing reason, PermissionDenied.
    """
    actor.require("emergency.open")
    if not duty.done(actor):
        raise PermissionDenied(_("请先签署保密承诺书并完成保密培训"))
    if reason_kind not in REASONS:
        raise ChargeError(_("请选择紧急查阅的事由"))
    if len("".join(reason.split())) < LEAST_WORDS:
        raise ChargeError(_("请写明具体情况(至少 %s 个字), 对方学校会看到") % LEAST_WORDS)
    if not number.strip() or not name.strip():
        raise ChargeError(_("请填写完整的证件号码(或学籍号)和姓名"))
    mine = set(people_queries.find_by_number(actor, number))
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        # One search of an account at a time: many at once do not slip past the count.
        c.execute("select pg_advisory_xact_lock(7310003, %s)", [actor.user_id % 2**31])
        since = timezone.now() - timedelta(hours=1)
        missed = EmergencyTry.objects.filter(user_id=actor.user_id, at__gt=since, found=False).count()
        found = queries.holders_everywhere(number, normalise_name(name).value)
        right = [p for p in found if p.person_id not in mine] if missed < MISSES else []
        EmergencyTry(user_id=actor.user_id, found=len(right) == 1).save(force_insert=True)
        grant = _grant(actor, right[0], reason_kind, reason) if len(right) == 1 else None
    if grant is None:
        record(actor, "emergency.missed", object_type="emergency", purpose=reason.strip()[:200])
        return None
    record(
        actor,
        "emergency.open",
        object_type="emergency",
        object_id=grant.pk,
        person_id=grant.person_id,
        purpose=f"{REASONS[reason_kind]}: {grant.reason}"[:200],
        after={"until": grant.expires_at.isoformat(), "school": grant.school_id},
    )
    return grant


def _grant(actor: Actor, child: queries.Found, reason_kind: str, reason: str) -> EmergencyGrant:
    now = timezone.now()
    row = EmergencyGrant(
        user_id=actor.user_id,
        user_name=actor.user_name,
        role=actor.role,
        assignment_id=actor.assignment_id,
        org_id=actor.org_id or 0,
        school_id=child.school_id,
        county_id=child.county_id,
        person_id=child.person_id,
        masked_name=child.name[:1] + "*" * max(len(child.name) - 1, 1),
        reason_kind=reason_kind,
        reason=" ".join(reason.split())[:300],
        opened_at=now,
        expires_at=now + timedelta(hours=settings.EMERGENCY_HOURS),
    )
    row.save(force_insert=True)
    return row


def look(actor: Actor, grant_id: int, what: str) -> uuid.UUID | None:
    """Open the child of a grant for the rest of this transaction and keep what is looked at; None out of time.

    The database's function looks at the clock and at whose grant it is. Raises Http404 for a grant of others.
    """
    grant = _own(actor, grant_id)
    with connection.cursor() as c:
        c.execute("select xueji_open_emergency(%s)", [grant_id])
        person: uuid.UUID | None = c.fetchone()[0]
    if person is None:
        return None
    with transaction.atomic(), acting("writer"):
        EmergencyLook(
            grant_id=grant.pk,
            what=what[:60],
            user_id=grant.user_id,
            org_id=grant.org_id,
            school_id=grant.school_id,
            county_id=grant.county_id,
        ).save(force_insert=True)
    record(
        actor,
        "emergency.look",
        object_type="emergency",
        object_id=grant.pk,
        person_id=person,
        purpose=f"{_('紧急查阅')} {grant.pk}: {grant.reason}"[:200],
        after={"what": what[:60]},
    )
    return person


def reveal(actor: Actor, grant_id: int, what: str, purpose: str) -> tuple[uuid.UUID, str]:
    """One value in full under a grant: kept with the grant, and as every reveal. Raises Http404 out of time."""
    person = look(actor, grant_id, _("完整信息: %s") % what)
    if person is None:
        raise Http404
    return person, people.reveal(
        actor, person, what, f"{purpose} ({_('紧急查阅')} {grant_id})" if purpose else ""
    )


def end(actor: Actor, grant_id: int) -> None:
    """Close it before its time. Raises Http404 for a grant of others."""
    grant = _own(actor, grant_id)
    with transaction.atomic(), acting("writer"):
        EmergencyGrant.objects.filter(pk=grant.pk, ended_at=None).update(ended_at=timezone.now())
    record(actor, "emergency.end", object_type="emergency", object_id=grant.pk, person_id=grant.person_id)


def answer(actor: Actor, grant_id: int, *, objects: bool, word: str = "") -> None:
    """The head of a side takes notice or objects; an objection goes on to the head of the school's authority.

    Raises Http404, PermissionDenied, ChargeError (no words for an objection, answered already).
    """
    actor.require("emergency.answer")
    grant = EmergencyGrant.objects.filter(pk=grant_id).first()
    if grant is None or actor.org_id not in (grant.school_id, grant.org_id, grant.county_id):
        raise Http404
    if grant.user_id == actor.user_id:
        raise PermissionDenied(_("本人的紧急查阅由他人回复"))
    if objects and len(word.strip()) < 4:
        raise ChargeError(_("请写明异议的理由(至少4个字)"))
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        # The lock: two heads of a unit at once do not both answer for it.
        c.execute("select pg_advisory_xact_lock(7310004, %s)", [grant_id % 2**31])
        if EmergencyAnswer.objects.filter(grant_id=grant_id, by_org_id=actor.org_id or 0).exists():
            raise ChargeError(_("本单位已经回复过"))
        EmergencyAnswer(
            grant_id=grant.pk,
            user_id=grant.user_id,
            org_id=grant.org_id,
            school_id=grant.school_id,
            county_id=grant.county_id,
            by_org_id=actor.org_id or 0,
            by_id=actor.user_id,
            by_name=actor.user_name,
            objects_=objects,
            word=word.strip()[:300],
        ).save(force_insert=True)
    record(
        actor,
        "emergency.object" if objects else "emergency.acknowledge",
        object_type="emergency",
        object_id=grant.pk,
        person_id=grant.person_id,
        after={"word": word.strip()[:300]},
    )


def _own(actor: Actor, grant_id: int) -> EmergencyGrant:
    grant = EmergencyGrant.objects.filter(pk=grant_id, user_id=actor.user_id).first()
    if grant is None:
        raise Http404
    return grant
