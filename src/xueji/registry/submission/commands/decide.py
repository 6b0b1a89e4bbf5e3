"""The tiers decide: pass, return the whole or some children with reasons, look at papers (C-SUB-02, C-SUB-05, C-SUB-06)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.models import Org
from xueji.ground.policy.places import policy_for
from xueji.registry.changes.routing import CLERK_ROLES

from .. import evidence, signing
from ..errors import SubmissionError
from ..models import Child, Proof, State, Step, Submission
from ._base import arrive, close_step, my_step, need_words, note, opened, save, sign
from .send import unlock

MOST = 500


def pass_(
    actor: Any,
    submission_id: uuid.UUID,
    *,
    opinion: str = "",
    version: int | None = None,
    password: str = "",
    code: str = "",
    session_key: str = "",
) -> Submission:
    """Sign and pass on; the last tier ends the review and lets the children's data go.

    Raises Http404, PermissionDenied, `SubmissionError`.
    """
    actor.require("submission.decide")
    if not Submission.objects.filter(pk=submission_id).exists():
        raise Http404
    way = signing.known(actor, password=password, code=code, session_key=session_key)
    with opened(actor, submission_id, version) as row:
        step = my_step(actor, row)
        if step.org_id == row.county_id and step.role in CLERK_ROLES and (n := unproven(row)):
            raise SubmissionError(_("还有 %s 名学生的材料没有核验, 请先核验") % n)
        close_step(actor, step, "done", opinion.strip() or str(_("同意")))
        sign(actor, row, step, way)
        following = Step.objects.filter(submission=row, seq__gt=step.seq).order_by("seq").first()
        if following is not None:
            arrive(row, following)
        else:
            row.state, row.current_seq, row.ended_at = State.PASSED, None, timezone.now()
            unlock(row)
        save(row)
        note(row, actor, "pass", f"{step.label}: {step.opinion}")
    return row


def return_(
    actor: Any,
    submission_id: uuid.UUID,
    *,
    reasons: Sequence[str] = (),
    items: Mapping[uuid.UUID, str] | None = None,
    version: int | None = None,
) -> Submission:
    """Back to the school: with reasons for the whole, or with the children to mend; only these can be edited then.

    Raises Http404, PermissionDenied, `SubmissionError`.
    """
    actor.require("submission.decide")
    wanted = [x.strip()[:200] for x in reasons if x.strip()][:20]
    some = {p: w.strip()[:200] for p, w in (items or {}).items() if w.strip()}
    if not wanted and not some:
        raise SubmissionError(_("退回要写明需要修改的项目, 或指出学生和原因"))
    if len(some) > MOST:
        raise SubmissionError(_("一次最多指出 %s 名学生, 更多时请整批退回") % MOST)
    with opened(actor, submission_id, version) as row:
        step = my_step(actor, row)
        if wanted:
            need_words("；".join(wanted))
        named = dict(
            Child.objects.filter(submission=row, person_id__in=list(some)).values_list("person_id", "name")
        )
        if set(named) != set(some):
            raise SubmissionError(_("有学生不在这次上报里, 请刷新"))
        text = "；".join(wanted) or _("%s 名学生需要修改") % len(some)
        close_step(actor, step, "returned", text)
        with connection.cursor() as c:
            c.execute(
                "update submission_child k set returned = true, reason = x.why from unnest(%s::uuid[], %s::text[])"
                " as x(person_id, why) where k.submission_id = %s and k.person_id = x.person_id",
                [list(some), list(some.values()), row.pk],
            )
        # What was sent back as a whole may be mended anywhere; else only the children that were named.
        unlock(row, None if wanted else list(some))
        row.state, row.current_seq = State.RETURNED, None
        row.repair = wanted + [f"{named[p]}: {why}" for p, why in list(some.items())[:50]]
        save(row)
        note(
            row,
            actor,
            "return",
            f"{step.label}: {text}",
            items=[{"person": str(p), "name": named[p], "reason": w} for p, w in some.items()],
            rows=max(len(some), 1),
        )
    return row


def prove(
    actor: Any,
    submission_id: uuid.UUID,
    person_id: uuid.UUID,
    category: str,
    *,
    seen: Sequence[str],
    words: str = "",
) -> Proof:
    """Which papers of a child of a group were there (C-SUB-05). All: verified; else insufficient, with what is missing.

    Raises Http404, PermissionDenied, `SubmissionError`.
    """
    actor.require("submission.decide")
    with opened(actor, submission_id) as row:
        if row.county_id != actor.org_id or category not in row.round.evidence:
            raise Http404
        if row.state != State.RUNNING:
            raise SubmissionError(_("审核中才能核验材料"))
        if person_id not in {p for p, _n in evidence.members(row, category)}:
            raise Http404
        wanted = evidence.papers(policy_for(Org.objects.get(pk=row.school_id), today()), category)
        have = [x for x in wanted if x in set(seen)]
        lacking = [x for x in wanted if x not in have]
        Proof.objects.filter(submission=row, person_id=person_id, category=category).delete()
        found = Proof.objects.create(
            submission=row, county_id=row.county_id, school_id=row.school_id, person_id=person_id, category=category,
            seen=have, missing=lacking, verified=not lacking, note=words.strip()[:200], by_id=actor.user_id,
            by_name=actor.user_name, at=timezone.now(),
        )  # fmt: skip
        note(
            row, actor, "prove", str(evidence.CATEGORIES[category].label),
            items=[{"person": str(person_id), "name": "", "reason": "、".join(lacking)}],
        )  # fmt: skip
    return found


def unproven(row: Submission) -> int:
    """Children whose papers nobody has looked at yet, over all groups of the round."""
    done = set(Proof.objects.filter(submission=row).values_list("person_id", "category"))
    return sum((p, g) not in done for g in row.round.evidence for p, _name in evidence.members(row, g))
