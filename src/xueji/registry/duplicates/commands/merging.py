"""Two records become one: proposed by one person of the lowest unit above both, decided by another (C-DUP-05)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.roles import HEADS
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.errors import EnrolmentError
from xueji.registry.enrolment.timeline import Step
from xueji.registry.people import commands as people
from xueji.registry.people.errors import PeopleError
from xueji.registry.problems import joining as problems

from .. import pairs, queries
from ..attached import moved
from ..errors import DuplicatesError
from ..models import Merge, MergeRow, MergeState

#: What may be taken from either record.
FACTS = ("name", "sex", "birth_date", "ethnicity", "nationality", "identity", "photo")


def propose(actor: Any, kept: uuid.UUID, merged: uuid.UUID, take: Mapping[str, str], *, basis: str) -> Merge:
    """One person of the lowest unit above both records says that they are one child's, and whose facts hold.

    Raises PermissionDenied, Http404, `DuplicatesError` with the first thing that stands in the way.
    """
    actor.require("person.merge")
    queries.require_sight(kept, merged)
    chosen = {fact: take[fact] for fact in FACTS if take.get(fact) in ("kept", "merged")}
    if len(basis.strip()) < 5:
        raise DuplicatesError(_("请写明认定为同一人的依据, 至少 5 个字"))
    with transaction.atomic(), acting("writer"):
        queries.lock(kept, merged)
        both = queries.both(kept, merged)
        if both.superior.pk != actor.org_id:
            raise DuplicatesError(_("这两份档案由%s合并") % both.superior.name)
        if not both.rows[kept]["id_type"] and both.rows[merged]["id_type"]:
            # The only paper there is; what it says of sex and birth holds with it.
            chosen = dict.fromkeys(("identity", "sex", "birth_date"), "merged") | chosen
        _refuse(both, chosen)
        merge = Merge(
            number=_next_number(both.superior.division),
            kept=kept,
            merged=merged,
            org_id=both.superior.pk,
            parties=both.parties,
            take=chosen,
            sides=both.told,
            stamp=both.stamp,
            basis=basis.strip()[:300],
            proposed_by=actor.user_id,
            proposed_name=actor.user_name,
            proposed_at=timezone.now(),
        )
        try:
            with transaction.atomic():
                merge.save(force_insert=True)
        except IntegrityError as error:
            raise DuplicatesError(_("这份档案已经有一件没有办完的合并")) from error
    _note(actor, "duplicates.propose", merge, purpose=merge.basis)
    return merge


def withdraw(actor: Any, merge_id: uuid.UUID) -> None:
    """Whoever proposed a merge takes it back. Raises Http404, PermissionDenied, `DuplicatesError`."""
    actor.require("person.merge")
    with transaction.atomic(), acting("writer"):
        merge = take_up(actor, merge_id, MergeState.PROPOSED)
        if merge.proposed_by != actor.user_id:
            raise PermissionDenied(_("只有提出的人可以撤回"))
        keep(merge, state=MergeState.WITHDRAWN)
    _note(actor, "duplicates.withdraw", merge)


def decide(
    actor: Any, merge_id: uuid.UUID, *, approve: bool, opinion: str, version: int | None = None
) -> Merge:
    """A second person of the same unit decides. Approved, the merge takes place in this transaction, in a fixed number
    of statements: facts, papers, numbers, family, form and photo are brought over, things with a key of their own change
    theirs, the chain that ends is closed by an event, the look-ups find the record that goes on.

    Raises Http404, PermissionDenied (not the unit, not a head, the same person), `DuplicatesError`.
    """
    actor.require("person.merge")
    with transaction.atomic(), acting("writer"):
        merge = take_up(actor, merge_id, MergeState.PROPOSED, version)
        second_person(actor, merge.proposed_by)
        now = timezone.now()
        values = {
            "decided_by": actor.user_id,
            "decided_name": actor.user_name,
            "decided_at": now,
            "opinion": opinion.strip()[:300],
        }
        if not approve:
            if len(opinion.strip()) < 2:
                raise DuplicatesError(_("请写明不同意的理由"))
            keep(merge, state=MergeState.REFUSED, **values)
        else:
            queries.lock(merge.kept, merge.merged)
            both = queries.both(merge.kept, merge.merged)
            if both.stamp != merge.stamp:
                raise DuplicatesError(_("提出以后这两份档案又有变动, 请退回重新核对"))
            _refuse(both, merge.take)
            try:
                closed_from = _carry_out(actor, merge, both)
            except (PeopleError, EnrolmentError) as error:
                raise DuplicatesError(str(error)) from error
            keep(merge, state=MergeState.DONE, closed_from=closed_from, **values)
            pairs.settle_merged(merge.kept, merge.merged, actor.user_name)
    _note(actor, "duplicates.decide", merge, purpose=merge.basis, after={"approved": approve})
    return merge


def _refuse(both: queries.Both, take: Mapping[str, str]) -> None:
    """Raises `DuplicatesError` with the first conflict."""
    for words in [*both.conflicts, *queries.wrong_choice(both, take)]:
        raise DuplicatesError(words)


def _carry_out(actor: Any, merge: Merge, both: queries.Both) -> Any:
    kept, merged, now = merge.kept, merge.merged, timezone.now()
    words = _("合并档案 %s") % merge.number
    told = problems.close_between(actor, kept, merged, words)
    closed_from = None
    if both.open_chain:
        enrolment.apply_step(
            actor,
            Step(
                person_id=merged,
                business="problem",
                to_status=Status.CANCELLED,
                at=now,
                reason=words,
                detail={"merge": merge.number},
            ),
        )
        closed_from = queries.last_link(merged)
    else:
        enrolment.write_event(
            actor, merged, business="merge", at=now, reason=words, detail={"merge": merge.number}
        )
    event_id = enrolment.write_event(
        actor, kept, business="merge", at=now, reason=words, detail={"merge": merge.number}
    )
    joined = people.join(kept, merged, merge.take, at=now, event_id=event_id)
    _keep_rows(merge, joined.changes, told)
    move(merge, kept, merged, joined.guardians)
    _end_second_links(merge)
    enrolment.correct_roster(kept)
    enrolment.correct_roster(merged)
    return closed_from


def _keep_rows(merge: Merge, changes: list[people.Change], told: list[dict[str, Any]]) -> None:
    rows = [MergeRow(merge=merge, tbl=c.table, op=c.op, key=c.key, before=c.before) for c in changes]
    rows += [MergeRow(merge=merge, tbl="problem_record", op="problem", key={}, before=b) for b in told]
    MergeRow.objects.bulk_create(rows)


def move(merge: Merge, kept: uuid.UUID, merged: uuid.UUID, guardians: Mapping[int, int]) -> None:
    """Things with a key of their own follow the record that goes on: one statement a table, each row remembered."""
    given: dict[str, Any] = {
        "merge": merge.merge_id,
        "kept": kept,
        "merged": merged,
        "map": json.dumps({str(k): v for k, v in guardians.items()}),
    }
    with connection.cursor() as c:
        for table, how in moved().items():
            keys = ", ".join(how.key)
            old = f"select {keys}{', guardian_no' if how.guardian else ''} from {table} t where t.person_id = %(merged)s"
            if how.unless:
                old += f" and not ({how.unless})"
            guardian = (
                ", guardian_no = coalesce((%(map)s::jsonb ->> o.guardian_no::text)::int, o.guardian_no)"
                if how.guardian
                else ""
            )
            before = "jsonb_build_object('guardian_no', o.guardian_no)" if how.guardian else "'{}'::jsonb"
            pairs_ = ", ".join(f"'{k}', t.{k}" for k in how.key)
            match = " and ".join(f"t.{k} = o.{k}" for k in how.key)
            c.execute(
                f"with o as ({old}), m as (update {table} t set person_id = %(kept)s{guardian} from o where {match}"
                f" returning jsonb_build_object({pairs_}) as key, {before} as before)"
                f" insert into person_merge_row (merge_id, tbl, op, key, before)"
                f" select %(merge)s, '{table}', 'move', m.key, m.before from m",
                given,
            )


def _end_second_links(merge: Merge) -> None:
    """A parent who is linked to both records sees one child: the link to the record that ends is closed, and remembered."""
    with connection.cursor() as c:
        c.execute(
            "with o as (select t.id, t.until from portal_link t where t.person_id = %(merged)s"
            "   and (t.until is null or t.until > %(today)s) and exists (select 1 from portal_link x"
            "    where x.person_id = %(kept)s and x.user_id = t.user_id and (x.until is null or x.until > %(today)s))),"
            " m as (update portal_link t set until = %(today)s from o where t.id = o.id returning o.id, o.until)"
            " insert into person_merge_row (merge_id, tbl, op, key, before)"
            " select %(merge)s, 'portal_link', 'update', jsonb_build_object('id', m.id),"
            "  jsonb_build_object('until', m.until) from m",
            {
                "merge": merge.merge_id,
                "kept": merge.kept,
                "merged": merge.merged,
                "today": timezone.localdate(),
            },
        )


# --- shared with the undoing -------------------------------------------------------------------------------------


def take_up(actor: Any, merge_id: uuid.UUID, state: str, version: int | None = None) -> Merge:
    """The merge, locked, in the state that the deed needs. Raises Http404, PermissionDenied, `DuplicatesError`."""
    merge = Merge.objects.select_for_update().filter(pk=merge_id).first()
    if merge is None or not set(merge.parties) & set(actor.orgs or [actor.org_id]):
        raise Http404
    if merge.org_id != actor.org_id:
        raise PermissionDenied(_("合并由两份档案的共同主管部门办理"))
    if merge.state != state or (version is not None and version != merge.version):
        raise DuplicatesError(_("这件合并刚有变动, 本页已更新, 请再看一遍"))
    return merge


def second_person(actor: Any, first: int | None) -> None:
    """Raises PermissionDenied unless the actor heads the unit and is not the one who proposed."""
    if actor.role not in HEADS:
        raise PermissionDenied(_("由主管部门负责人决定"))
    if actor.user_id == first:
        raise PermissionDenied(_("提出的人不能自己决定, 请另一位负责人办理"))


def keep(merge: Merge, **values: Any) -> None:
    """Store with the next version: pages drawn before are stale."""
    for name, value in values.items():
        setattr(merge, name, value)
    merge.version += 1
    merge.save(force_update=True)


def _note(
    actor: Any, action: str, merge: Merge, *, purpose: str = "", after: dict[str, Any] | None = None
) -> None:
    record(
        actor,
        action,
        object_type="person_merge",
        object_id=merge.merge_id,
        person_id=merge.kept,
        persons=[merge.merged],
        purpose=purpose[:200],
        after={"number": merge.number, "state": str(merge.state), **(after or {})},
    )


note = _note


def _next_number(division: str) -> str:
    run = f"HB-{timezone.localdate().year}-{division}"
    with connection.cursor() as c:
        c.execute(
            "insert into number_counter as n (scheme, run, last) values ('merge', %s, 1)"
            " on conflict (scheme, run) do update set last = n.last + 1 returning last",
            [run],
        )
        return f"{run}-{c.fetchone()[0]:06d}"
