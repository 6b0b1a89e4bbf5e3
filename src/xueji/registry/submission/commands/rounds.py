"""Opening a round, giving schools their time slots, closing it (C-SUB-04)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy.places import policy_for

from .. import chain, checks, evidence, terms
from ..errors import SubmissionError
from ..models import Round, RoundKind

MOST = 5000


def open_round(
    actor: Any,
    *,
    kind: str,
    title: str,
    opens_at: datetime,
    due_at: datetime,
    grades: Sequence[str] = (),
    blocking: Sequence[str] = (),
    groups: Sequence[str] = (),
    responsible: str,
    phone: str,
    note: str = "",
) -> Round:
    """Ask all schools under the actor's unit that have these grades (none: all) for their data.

    Findings that policy makes blocking stay so; the round may add others. Raises PermissionDenied, `SubmissionError`.
    """
    actor.require("submission.round")
    org = Org.objects.get(pk=actor.org_id)
    policy = policy_for(org, today())
    if kind not in RoundKind.values:
        raise SubmissionError(_("请选择上报的种类"))
    if not title.strip() or not responsible.strip() or not phone.strip():
        raise SubmissionError(_("请填写名称、负责人和电话, 学校要知道找谁"))
    if due_at <= opens_at or due_at <= timezone.now():
        raise SubmissionError(_("截止时间要晚于开始时间, 也要晚于现在"))
    must = {
        *checks.blocking(policy.param("submission.blocking").value),
        *(b for b in blocking if b in checks.FINDINGS),
    }
    term = terms.now(today())
    with transaction.atomic():
        with acting("writer"), connection.cursor() as c:
            row = Round.objects.create(
                org_id=org.pk,
                kind=kind,
                title=title.strip()[:80],
                year=term.year,
                term=term.number,
                grades=sorted(g for g in grades if g[:1] in "PJS" and g[1:].isdigit()),
                opens_at=opens_at,
                due_at=due_at,
                blocking=[code for code in checks.FINDINGS if code in must],
                evidence=[g for g in groups if g in evidence.CATEGORIES],
                levels=chain.read(policy.param("submission.chain").value),
                responsible=responsible.strip()[:60],
                phone=phone.strip()[:30],
                note=note.strip()[:500],
                creator_id=actor.user_id,
                creator_name=actor.user_name,
            )
            c.execute(
                "insert into submission (id, round_id, county_id, school_id, state, times, snapshot, explained, repair,"
                "  late, version)"
                " select gen_random_uuid(), %s, s.county_id, s.org_id, 'waiting', 0, '{}', '{}', '[]', false, 1"
                " from school s join org o on o.id = s.org_id where o.path like %s and o.valid_to is null"
                " and (%s::text[] = '{}' or s.stages && %s::varchar[]) limit %s",
                [row.pk, org.path + "%", row.grades, sorted({g[0] for g in row.grades}), MOST],
            )
            schools = c.rowcount
        if not schools:
            raise SubmissionError(_("没有学校有这些年级, 请重新选择"))
        record(
            actor,
            "submission.round.open",
            object_type="submission_round",
            object_id=row.pk,
            after={"title": row.title, "kind": kind, "due": due_at.isoformat(), "schools": schools},
        )
    return row


def own_round(actor: Any, round_id: int) -> Round:
    """A round that the actor's unit opened, still open, locked. Raises Http404, `SubmissionError`."""
    row = Round.objects.select_for_update().filter(pk=round_id, org_id=actor.org_id).first()
    if row is None:
        raise Http404
    if row.closed_at is not None:
        raise SubmissionError(_("这个任务已经结束"))
    return row


def set_slots(actor: Any, round_id: int, *, first: datetime, minutes: int, together: int = 1) -> int:
    """Give each school its own time, one after another in the order of names, `together` at once; returns how many.

    Slots lie in working hours of the window (8:00 to 18:00). Raises Http404, PermissionDenied, `SubmissionError`.
    """
    actor.require("submission.round")
    if not 5 <= minutes <= 24 * 60 or not 1 <= together <= 500:
        raise SubmissionError(_("每个时段 5 分钟到 1 天, 同时 1 到 500 所学校"))
    with transaction.atomic():
        with acting("writer"), connection.cursor() as c:
            row = own_round(actor, round_id)
            if not row.opens_at <= first < row.due_at:
                raise SubmissionError(_("第一个时段要在任务的起止时间之内"))
            c.execute(
                "select s.id from submission s join org o on o.id = s.school_id where s.round_id = %s order by o.name, o.id",
                [row.pk],
            )
            ids = [r[0] for r in c.fetchall()]
            times = _times(first, minutes, (len(ids) + together - 1) // together)
            if times and times[-1] + timedelta(minutes=minutes) > row.due_at:
                raise SubmissionError(_("时段排到了截止时间以后, 请缩短时段或让更多学校同时上报"))
            c.execute(
                "update submission s set slot_from = x.a, slot_to = x.b from"
                " unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) as x(id, a, b) where s.id = x.id",
                [
                    ids,
                    [times[i // together] for i in range(len(ids))],
                    [times[i // together] + timedelta(minutes=minutes) for i in range(len(ids))],
                ],
            )
        record(
            actor,
            "submission.round.slots",
            object_type="submission_round",
            object_id=round_id,
            after={"first": first.isoformat(), "minutes": minutes, "together": together},
            row_count=len(ids),
        )
    return len(ids)


def _times(first: datetime, minutes: int, n: int) -> list[datetime]:
    out, at = [], timezone.localtime(first)
    for _n in range(n):
        if at.hour >= 18 or (at + timedelta(minutes=min(minutes, 600))).date() > at.date():
            at = (at + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
        out.append(at)
        at = at + timedelta(minutes=minutes)
    return out


def close_round(actor: Any, round_id: int) -> Round:
    """End a round: nobody hands in any more. What is under review goes on. Raises as `set_slots`."""
    actor.require("submission.round")
    with transaction.atomic():
        with acting("writer"):
            row = own_round(actor, round_id)
            row.closed_at = timezone.now()
            row.save()
        record(actor, "submission.round.close", object_type="submission_round", object_id=row.pk)
    return row
