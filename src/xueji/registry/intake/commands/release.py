"""Publication: the good rows on record, all or none; or a batch given up."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.policy.library import library
from xueji.ground.policy.model import NumberScheme
from xueji.registry.problems import commands as problems
from xueji.registry.problems.errors import ProblemError
from xueji.registry.problems.models import Kind as ProblemKind

from .. import gates, parts, publishing, queries, staging
from ..checker import AUXILIARY
from ..columns import Mapping as Columns
from ..errors import IntakeError, PublishConflict
from ..models import BatchState, ImportBatch
from ..picked import Rows
from ..places import SchoolFacts
from .bring import finish, opened, rest

#: Rows published while the person waits.
AT_ONCE = 3_000


@dataclass(frozen=True)
class PublishResult:
    """What was published and what is left."""

    published: int
    classes: int
    left: int


def publish(actor: Any, batch_id: int, *, expected: int | None = None) -> PublishResult:
    """Put the good rows on record in one transaction (C-NUM-01): all of them or none.

    `expected` is the number of rows that the person confirmed. Raises `PublishConflict` when children were recorded
    by somebody else since the check (the rows are marked), `IntakeError`, Http404.
    """
    actor.require("intake.import")
    now = timezone.now()
    try:
        with transaction.atomic():
            batch = opened(actor, batch_id, BatchState.PUBLISHING)
            was = batch.state
            if parts.plan_of(batch.counts) is not None:
                raise IntakeError(_("这个批次正在发布, 请等它办完"))
            good = batch.counts.get("ok", 0) + batch.counts.get("warning", 0)
            if expected is not None and expected != good:
                raise IntakeError(_("可以导入的行数已变为 %(n)s 行, 请刷新后重新确认") % {"n": good})
            school = queries.school_facts(batch.school_id)
            gates.require_open(school)
            article, scheme = policy(school)
            rows = Rows(batch_id)
            brought_again(rows, scheme.id if scheme else AUXILIARY)
            with acting("intake"):
                pairs = [(own, other) for _row, own, other in namesakes(batch_id)]
                done = publishing.publish_rows(rows, school, actor, now, article, scheme)
                counts = staging.count(batch_id)
                counts["published"] = batch.counts.get("published", 0) + done.rows
                counts["total"] += counts["published"]
                left = counts["total"] - counts["published"]
                batch.counts = {**batch.counts, **counts}
                batch.published_at, batch.publisher_id = now, actor.user_id
                batch.state = BatchState.CHECKED if left else BatchState.PUBLISHED
                batch.version += 1
                # Whatever was said of it before (a crash, a conflict) is dealt with.
                batch.problem = ""
                batch.save()
            open_problems(actor, pairs)
            record(
                actor,
                "intake.publish",
                object_type="import_batch",
                object_id=batch_id,
                after={"published": done.rows, "classes": done.classes, "left": left},
                row_count=done.rows,
                digest=done.digest,
            )
    except publishing.Conflict as conflict:
        mark_again(batch_id, was)
        shown = "、".join(str(n) for n in conflict.rows[:10]) + (_(" 等") if len(conflict.rows) > 10 else "")
        raise PublishConflict(
            _(
                "第 %(rows)s 行的学生刚刚已由其他人建立学籍, 本次没有发布任何一行。这些行已标为重复, 其余的行可以重新发布"
            )
            % {"rows": shown},
            conflict.rows,
        ) from None
    return PublishResult(done.rows, done.classes, left)


def brought_again(rows: Rows, scheme: str) -> None:
    """Numbers that a sheet brings along for the very children who had them before their import was undone go to their
    new records; struck for the old one they stay. Nobody else's number moves.
    """
    where, values = rows.where()
    with acting("intake"), connection.cursor() as c:
        c.execute(
            "select s.aux_bidx, s.person_id, s.name, s.sex, s.birth_date from staged_row s"
            f" where {where} and s.aux_bidx is not null order by s.aux_bidx",
            values,
        )
        found = c.fetchall()
    if not found:
        return
    indexes, persons, names, sexes, births = (list(column) for column in zip(*found, strict=True))
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "update number_lookup l set person_id = b.person_id, number_no = 2"
            " from unnest(%s::bytea[], %s::uuid[], %s::text[], %s::text[], %s::date[]) as b(bidx, person_id, name, sex, born)"
            " where l.scheme = %s and l.bidx = b.bidx and exists (select 1 from person p join enrolment_state u"
            "   on u.person_id = p.person_id and u.kind = 1 and u.valid_to is null and u.business = 'undo' and u.status = 18"
            "   where p.person_id = l.person_id and (p.name, p.sex, p.birth_date) = (b.name, b.sex, b.born))",
            [indexes, persons, names, sexes, births, scheme],
        )


#: More namesakes than this in one batch are for the list of findings, not for as many problem records.
_NAMESAKES = 200


def namesakes(batch_id: int) -> list[tuple[int, uuid.UUID, uuid.UUID]]:
    """Children of a batch who share name, sex and birth date with somebody on record, one of the two without papers:
    row, child, the other. In the role `intake`, before their rows leave the staging."""
    with connection.cursor() as c:
        c.execute(
            "select s.row_no, s.person_id, q.person_id from staged_row s"
            " join person q on q.name = s.name and q.sex = s.sex and q.birth_date = s.birth_date"
            "   and q.person_id <> s.person_id and q.merged_into is null"
            " where s.batch_id = %s and s.state = 'warning'"
            '   and s.issues @> \'[{"code": "dup.namesake"}]\'::jsonb'
            f"   and {staging.on_record('q')} order by s.row_no limit %s",
            [batch_id, _NAMESAKES],
        )
        return list(c.fetchall())


def open_problems(actor: Any, pairs: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Both records get a problem, which their schools answer (C-DUP-02, C-DUP-03)."""
    for own, other in pairs:
        # A record that has ended, or is kept nowhere here, is no side that could answer.
        with suppress(ProblemError):
            problems.open_problem(
                actor,
                ProblemKind.SAME_PERSON,
                [own, other],
                source="intake",
                note=_("导入时发现姓名、性别、出生日期相同的学籍"),
            )


def request_publish(actor: Any, batch_id: int, *, expected: int) -> PublishResult | None:
    """Publish a small batch at once; leave a big one to the worker (None) and show its progress meanwhile.

    Raises as `publish` does.
    """
    actor.require("intake.import")
    batch = queries.batch(actor, batch_id)
    good = batch.counts.get("ok", 0) + batch.counts.get("warning", 0)
    if good <= AT_ONCE:
        return publish(actor, batch_id, expected=expected)
    with transaction.atomic():
        opened(actor, batch_id)
        if expected != good:
            raise IntakeError(_("可以导入的行数已变为 %(n)s 行, 请刷新后重新确认") % {"n": good})
        with acting("intake"):
            ImportBatch.objects.filter(pk=batch_id).update(
                state=BatchState.PUBLISHING, problem="", progress=50
            )
        from ..tasks import publish_batch

        publish_batch.defer(
            batch_id=batch_id, user_id=actor.user_id, assignment_id=actor.assignment_id, address=actor.address
        )
    return None


def mark_again(batch_id: int, *states: str) -> None:
    """Mark anew which rows meet children on record, after a conflict has rolled everything back. A batch that meanwhile is
    no longer in one of `states` is in somebody else's hands (published, given up, on its way through the check): left alone.
    """
    with transaction.atomic(), acting("intake"):
        batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
        if batch.state not in (states or (BatchState.CHECKED, BatchState.PUBLISHING)):
            return
        mapping = Columns.from_json(queries.columns_of(batch))
        finish(batch_id, queries.import_facts(batch.school_id), mapping, {}, assignment=rest(batch))


def discard(actor: Any, batch_id: int) -> None:
    """Give the unpublished rows of a batch up. What was published stays published. Raises `IntakeError`, Http404."""
    actor.require("intake.import")
    with transaction.atomic():
        batch = queries.batch(actor, batch_id)
        with acting("intake"):
            # Whoever publishes it holds this row: what is decided here is decided after him.
            batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        if batch.state == BatchState.PUBLISHING:
            raise IntakeError(_("这个批次正在发布, 不能放弃。请等它办完再看"))
        if batch.state in (BatchState.PUBLISHED, BatchState.DISCARDED):
            raise IntakeError(_("这个批次已经办结, 不能放弃"))
        published = batch.counts.get("published", 0)
        with acting("intake"):
            staging.drop(batch_id)
            ImportBatch.objects.filter(pk=batch_id).update(
                state=BatchState.PUBLISHED if published else BatchState.DISCARDED,
                counts={
                    **batch.counts,
                    "ok": 0,
                    "warning": 0,
                    "error": 0,
                    "duplicate": 0,
                    "faults": [],
                    "total": published,
                },
                version=batch.version + 1,
            )
        record(
            actor,
            "intake.discard",
            object_type="import_batch",
            object_id=batch_id,
            before={k: batch.counts.get(k, 0) for k in ("ok", "warning", "error", "duplicate")},
        )


def policy(school: SchoolFacts) -> tuple[str, NumberScheme | None]:
    """The article that enrolments of the place rest on, and its scheme of auxiliary numbers."""
    rules = library().resolve(library().ids_for(school.division, school.code), school.today)
    cite = rules.business("enrol").cite
    scheme = queries.local_scheme(school.division, school.code, school.today)
    return f"{cite.source.title} {cite.article}", scheme
