"""Totals, explanation, signature, and the one transaction that puts a takeover on record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.registry.intake import queries as intake

from .. import balance, publishing, queries, staging
from ..errors import TakeoverError
from ..matching import Difference, place_words
from ..models import Decision, DifferenceKind, RowState, Takeover, TakeoverState
from .bring import opened, policy_of, write_differences


@dataclass(frozen=True)
class Published:
    """What was put on record."""

    rows: int
    left: int


def set_totals(actor: Any, takeover_id: int, posted: Mapping[str, str]) -> Takeover:
    """Keep the totals of the other system as somebody read them there; an earlier signature falls.

    Raises Http404, `TakeoverError`.
    """
    actor.require("takeover.run")
    try:
        totals = balance.parse_totals(posted)
    except ValueError as error:
        raise TakeoverError(_("人数请填写不小于 0 的整数")) from error
    with transaction.atomic():
        takeover = opened(actor, takeover_id, TakeoverState.CHECKED)
        with acting("writer"):
            before, takeover.totals = takeover.totals, totals
            _unsigned(takeover)
        record(
            actor, "takeover.totals", object_type="takeover", object_id=takeover_id,
            before={"totals": before}, after={"totals": totals},
        )  # fmt: skip
    return takeover


def explain(actor: Any, takeover_id: int, text: str) -> Takeover:
    """Say why the totals differ; the head has to sign it. Raises Http404, `TakeoverError`."""
    actor.require("takeover.run")
    if len(text.strip()) < 5:
        raise TakeoverError(_("请写明人数不一致的原因(至少5个字)"))
    with transaction.atomic():
        takeover = opened(actor, takeover_id, TakeoverState.CHECKED)
        if not takeover.totals:
            raise TakeoverError(_("请先填写官方系统的人数"))
        with acting("writer"):
            takeover.explanation = text.strip()[:500]
            _unsigned(takeover, keep=True)
        record(
            actor, "takeover.explain", object_type="takeover", object_id=takeover_id,
            after={"explanation": takeover.explanation},
        )  # fmt: skip
    return takeover


def sign(actor: Any, takeover_id: int, version: int) -> Takeover:
    """The head takes the explained difference on. Not who explained it; not what has changed since the page was drawn.

    Raises PermissionDenied, Http404, `TakeoverError`.
    """
    actor.require("takeover.sign")
    with transaction.atomic():
        takeover = opened(actor, takeover_id, TakeoverState.CHECKED)
        if not takeover.explanation:
            raise TakeoverError(_("还没有写明原因, 不能签字"))
        if takeover.version != version:
            raise TakeoverError(_("内容刚刚有变动, 请重新查看后再签字"))
        if takeover.creator_id == actor.user_id:
            raise TakeoverError(_("经办人不能自己签字"))
        with acting("writer"):
            takeover.signed_by, takeover.signed_name = actor.user_id, actor.user_name
            takeover.signed_at = timezone.now()
            takeover.version += 1
            takeover.save()
        record(
            actor, "takeover.sign", object_type="takeover", object_id=takeover_id,
            after={"explanation": takeover.explanation},
        )  # fmt: skip
    return takeover


def _unsigned(takeover: Takeover, *, keep: bool = False) -> None:
    if not keep:
        takeover.explanation = ""
    takeover.signed_by, takeover.signed_name, takeover.signed_at = None, "", None
    takeover.version += 1
    takeover.save()


def publish(actor: Any, takeover_id: int, *, expected: int) -> Published:
    """Put every row that can be taken over on record, with its numbers and its past; all or none.

    Refused until the totals agree, or the difference is explained and signed. Raises PermissionDenied, Http404,
    `TakeoverError`.
    """
    actor.require("takeover.run")
    try:
        with transaction.atomic():
            return _publish(actor, takeover_id, expected)
    except publishing.Conflict as conflict:
        _mark_taken(takeover_id, conflict.rows)
        shown = "、".join(str(n) for n in conflict.rows[:10])
        raise TakeoverError(
            _(
                "第 %s 行的号码刚刚被登记在其他学生名下, 这次没有接管任何一行。这些行已标出, 其余的可以重新接管"
            )
            % shown
        ) from None


def _publish(actor: Any, takeover_id: int, expected: int) -> Published:
    takeover = opened(actor, takeover_id, TakeoverState.CHECKED)
    school = intake.school_facts(takeover.school_id)
    now = timezone.now()
    with acting("intake"):
        rows = staging.read(takeover_id, [RowState.NEW])
        sums = balance.lines(school, takeover.totals, staging.cells(takeover_id), {})
        if not rows:
            raise TakeoverError(_("没有可以接管的学生"))
        if len(rows) != expected:
            raise TakeoverError(_("可以接管的人数已变为 %s, 请刷新后重新确认") % len(rows))
        if not takeover.totals:
            raise TakeoverError(_("请先填写官方系统的人数, 核对一致后再接管"))
        if not balance.balanced(sums, takeover.totals) and takeover.signed_by is None:
            raise TakeoverError(_("人数与官方系统不一致: 请找出差异, 或写明原因由校长签字后再接管"))
        policy, scheme = policy_of(school)
        source = publishing.Source(
            takeover_id, takeover.roster_sha256, actor.user_id, actor.user_name, now, takeover.as_of
        )
        digest = publishing.publish_rows(rows, school, policy, scheme, source)
        staging.mark(takeover_id, RowState.NEW, RowState.DONE)
        _settle(takeover_id, actor, now)
        write_differences(
            takeover,
            [
                Difference(
                    DifferenceKind.PENDING, row.values["name"],
                    place_words(row.stage, row.cohort, row.class_number, school), row.row_no, row.person_id,
                    p["business"], "", queries.pending_words(p),
                )
                for row in rows
                for p in row.pending
            ],
        )  # fmt: skip
        left = staging.counts(takeover_id)
        takeover.counts = {**takeover.counts, **left}
        takeover.published += len(rows)
        takeover.published_at = now
        takeover.state = TakeoverState.PUBLISHED
        takeover.version += 1
        takeover.save()
    record(
        actor,
        "takeover.publish",
        object_type="takeover",
        object_id=takeover_id,
        after={"published": len(rows), "sha256": takeover.roster_sha256, "signed_by": takeover.signed_by},
        row_count=len(rows),
        digest=digest,
    )
    return Published(len(rows), left[RowState.ERROR])


def _settle(takeover_id: int, actor: Any, now: Any) -> None:
    """Whoever stood only in the export stands here as well now."""
    with connection.cursor() as c:
        c.execute(
            "update takeover_difference d set decision = %s, decided_by = %s, decided_name = %s, decided_at = %s,"
            " person_id = r.person_id from takeover_row r where r.takeover_id = d.takeover_id and r.row_no = d.row_no"
            " and r.state = 'done' and d.takeover_id = %s and d.kind = 'there' and d.decision = 'open'",
            [Decision.TAKEN, actor.user_id, actor.user_name, now, takeover_id],
        )


def _mark_taken(takeover_id: int, rows: list[int]) -> None:
    issue = {
        "field": "student_number",
        "column": str(_("学籍号")),
        "message": str(_("学籍号、学籍辅号或证件号已登记在其他学生名下, 请查明")),
        "severity": "error",
    }
    with transaction.atomic(), acting("intake"), connection.cursor() as c:
        c.execute(
            "update takeover_row set state = 'error', issues = issues || %s::jsonb where takeover_id = %s"
            " and row_no = any(%s)",
            [json.dumps([issue], ensure_ascii=False), takeover_id, rows],
        )
        takeover = Takeover.objects.select_for_update().get(pk=takeover_id)
        takeover.counts = {**takeover.counts, **staging.counts(takeover_id)}
        takeover.save(update_fields=["counts"])
