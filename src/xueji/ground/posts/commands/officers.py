"""The only code that writes the register of 学籍管理员: name, take note, train."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import School

from .. import queries
from ..errors import PostError
from ..models import Officer

#: So many lines are worked on at once.
MOST = 500


def name(
    actor: Actor,
    *,
    user_id: int,
    phone: str,
    since: date,
    title: str = "",
    full_time: bool = True,
    reason: str = "",
) -> Officer:
    """The school names its officer; the one in office until now ends the day before, with the reason (C-ORG-11).

    The line is reported to the authority in charge at once and waits for its note. Raises PostError, PermissionDenied.
    """
    actor.require("officer.name")
    if actor.org_id is None or actor.county_id is None:
        raise PermissionDenied
    if not phone.strip():
        raise PostError(_("请填写办公电话"))
    if not today() - timedelta(days=366) <= since <= today() + timedelta(days=31):
        raise PostError(_("任职日期应在一年以内, 最晚一个月后"))
    people = dict(queries.candidates(actor))
    if user_id not in people:
        raise PostError(_("请选择在本校有“学籍管理员”身份的人员"))
    with transaction.atomic():
        with acting("writer"):
            School.objects.select_for_update().get(pk=actor.org_id)  # one change at a time
            held = Officer.objects.filter(org_id=actor.org_id, until=None).first()
            if held is not None:
                _end(held, user_id, since, reason)
            row = Officer(
                org_id=actor.org_id,
                county_id=actor.county_id,
                user_id=user_id,
                name=people[user_id],
                title=title.strip()[:40],
                phone=phone.strip()[:30],
                full_time=full_time,
                since=since,
                named_by=actor.user_id,
                named_name=actor.user_name,
            )
            before = Officer.objects.filter(user_id=user_id, org_id=actor.org_id, trained_on__isnull=False)
            if last := before.order_by("-trained_on", "-pk").first():
                # Who held the post here before has been trained: it goes on with the person.
                row.trained_on, row.training = last.trained_on, last.training
                row.training_hours, row.trained_name = last.training_hours, last.trained_name
            row.save(force_insert=True)
        record(
            actor,
            "posts.officer.change" if held else "posts.officer.name",
            object_type="officer",
            object_id=row.pk,
            purpose=reason.strip()[:200],
            before={"name": held.name, "since": f"{held.since}"} if held else None,
            after={"name": row.name, "since": f"{since}", "full_time": full_time},
        )
    return row


def _end(held: Officer, user_id: int, since: date, reason: str) -> None:
    if held.user_id == user_id:
        raise PostError(_("%s 已是本校的学籍管理员") % held.name)
    if len(reason.strip()) < 2:
        raise PostError(_("请写明更换的原因"))
    if since <= held.since:
        raise PostError(
            _("接任日期应晚于 %(name)s 的任职日期 %(day)s") % {"name": held.name, "day": held.since}
        )
    held.until, held.reason = since - timedelta(days=1), reason.strip()[:200]
    held.save(update_fields=["until", "reason"])


def take_note(actor: Actor, ids: Sequence[int]) -> int:
    """The authority in charge has read what its schools reported; returns how many lines. Raises PermissionDenied."""
    actor.require("officer.note")
    now = timezone.now()
    with transaction.atomic():
        with acting("writer"):
            rows = _lines(actor, ids).filter(noted_at=None)
            held = list(rows.values_list("pk", flat=True))
            rows.update(noted_by=actor.user_id, noted_name=actor.user_name, noted_at=now)
        if held:
            record(
                actor,
                "posts.officer.note",
                object_type="officer",
                row_count=len(held),
                after={"lines": held[:50]},
            )
    return len(held)


def _lines(actor: Actor, ids: Sequence[int]) -> QuerySet[Officer]:
    """Lines of the authority's own schools, locked: what was sent may name others, and is never what is told."""
    rows = Officer.objects.select_for_update().filter(pk__in=list(ids)[:MOST], county_id=actor.org_id or 0)
    return rows.order_by("pk")


def train(actor: Actor, ids: Sequence[int], *, topic: str, done_on: date, hours: Decimal) -> int:
    """Enter a training for the post (先培训后上岗) at lines of the authority's schools; returns how many.

    Raises PostError (a day to come, nothing said), PermissionDenied.
    """
    actor.require("officer.note")
    if not topic.strip():
        raise PostError(_("请填写培训内容"))
    if done_on > today():
        raise PostError(_("培训日期不能晚于今天"))
    if not 0 < hours <= 100:
        raise PostError(_("请填写学时"))
    with transaction.atomic():
        with acting("writer"):
            rows = _lines(actor, ids).filter(until=None)
            held = list(rows.values_list("pk", flat=True))
            rows.update(
                trained_on=done_on,
                training=topic.strip()[:100],
                training_hours=hours,
                trained_name=actor.user_name,
            )
        if not held:
            raise PostError(_("请先勾选参加培训的学籍管理员"))
        record(
            actor,
            "posts.officer.train",
            object_type="officer",
            row_count=len(held),
            after={"lines": held[:50], "topic": topic.strip()[:100], "done_on": f"{done_on}"},
        )
    return len(held)
