"""A merge that was wrong is taken back: both records stand as before, and the events of both tell of it."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import EnrolmentError
from xueji.registry.people import commands as people
from xueji.registry.people.errors import PeopleError
from xueji.registry.problems import joining as problems

from .. import pairs, queries
from ..attached import moved
from ..errors import DuplicatesError
from ..models import Merge, MergeRow, MergeState
from .merging import keep, note, second_person, take_up


def propose_undo(actor: Any, merge_id: uuid.UUID, *, reason: str) -> Merge:
    """One person says that the merge was wrong, and why. Raises Http404, PermissionDenied, `DuplicatesError`."""
    actor.require("person.merge")
    if len(reason.strip()) < 5:
        raise DuplicatesError(_("请写明撤销合并的理由, 至少 5 个字"))
    with transaction.atomic(), acting("writer"):
        merge = take_up(actor, merge_id, MergeState.DONE)
        keep(
            merge,
            state=MergeState.UNDOING,
            undo_by=actor.user_id,
            undo_name=actor.user_name,
            undo_at=timezone.now(),
            undo_reason=reason.strip()[:300],
            undone_by=None,
        )
    note(actor, "duplicates.undo", merge, purpose=reason.strip())
    return merge


def decide_undo(actor: Any, merge_id: uuid.UUID, *, approve: bool, opinion: str) -> Merge:
    """A second person decides. Approved, every row that the merge wrote gets what stood there before, and nothing else.

    Raises Http404, PermissionDenied, `DuplicatesError` when the record has changed in a way that must be settled first.
    """
    actor.require("person.merge")
    with transaction.atomic(), acting("writer"):
        merge = take_up(actor, merge_id, MergeState.UNDOING)
        second_person(actor, merge.undo_by)
        if not approve:
            keep(merge, state=MergeState.DONE, undone_opinion=opinion.strip()[:300])
        else:
            try:
                _take_back(actor, merge)
            except (PeopleError, EnrolmentError) as error:
                raise DuplicatesError(str(error)) from error
            keep(
                merge,
                state=MergeState.UNDONE,
                undone_by=actor.user_id,
                undone_name=actor.user_name,
                undone_at=timezone.now(),
                undone_opinion=opinion.strip()[:300],
            )
            pairs.settle_parted(merge.kept, merge.merged, actor.user_name, merge.undo_reason)
    note(actor, "duplicates.undone", merge, purpose=merge.undo_reason, after={"approved": approve})
    return merge


def _take_back(actor: Any, merge: Merge) -> None:
    kept, merged, now = merge.kept, merge.merged, timezone.now()
    words = _("撤销合并 %s") % merge.number
    rows = list(MergeRow.objects.filter(merge=merge).order_by("pk"))
    queries.lock(kept, merged)
    _move_back(merge)
    changes = [
        people.Change(r.tbl, r.op, r.key, r.before)
        for r in rows
        if r.op in ("insert", "update") and r.tbl != "portal_link"
    ]

    def delete() -> None:
        with connection.cursor() as c:
            c.execute("select xueji_unmerge_rows(%s, %s)", [merge.merge_id, kept])

    people.part(kept, merged, changes, delete=delete)
    if merge.closed_from is not None:
        if queries.last_link(merged) != merge.closed_from:
            raise DuplicatesError(_("被合并的学籍以后又有变动, 不能直接撤销合并"))
        enrolment.relink(actor, merged, from_at=merge.closed_from, links=[], business="unmerge", reason=words)
    else:
        enrolment.write_event(
            actor, merged, business="unmerge", at=now, reason=words, detail={"merge": merge.number}
        )
    enrolment.write_event(
        actor, kept, business="unmerge", at=now, reason=words, detail={"merge": merge.number}
    )
    problems.reopen(actor, [r.before for r in rows if r.op == "problem"], words)
    enrolment.correct_roster(kept)
    enrolment.correct_roster(merged)


def _move_back(merge: Merge) -> None:
    """What the merge had moved returns; what has come to the record since stays with it."""
    given = {"merge": merge.merge_id, "kept": merge.kept, "merged": merge.merged}
    with connection.cursor() as c:
        for table, how in moved().items():
            match = " and ".join(f"t.{k}::text = r.key ->> '{k}'" for k in how.key)
            guardian = ", guardian_no = (r.before ->> 'guardian_no')::smallint" if how.guardian else ""
            c.execute(
                f"update {table} t set person_id = %(merged)s{guardian} from person_merge_row r"
                f" where r.merge_id = %(merge)s and r.tbl = '{table}' and r.op = 'move' and {match}"
                " and t.person_id = %(kept)s",
                given,
            )
        c.execute(
            "update portal_link t set until = (r.before ->> 'until')::date from person_merge_row r"
            " where r.merge_id = %(merge)s and r.tbl = 'portal_link' and r.op = 'update'"
            " and t.id = (r.key ->> 'id')::bigint and t.person_id = %(merged)s",
            given,
        )
