"""学期会审: the school's joint review of a term, handed to the authority with its figures (C-ENR-16)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import School

from .. import reviews, signing, terms
from ..errors import SubmissionError
from ..models import TermReview
from ._base import need_words


def send_review(
    actor: Any,
    *,
    held_on: date,
    members: str,
    resolved: Mapping[str, str],
    password: str = "",
    code: str = "",
    session_key: str = "",
) -> TermReview:
    """Hand in the result of this term's review. Every finding needs words on how it was resolved; classes that nobody
    compared and children without a record stop it. Raises PermissionDenied, `SubmissionError`.
    """
    actor.require("submission.send")
    way = signing.known(actor, password=password, code=code, session_key=session_key)
    term = terms.now(today())
    if held_on > today():
        raise SubmissionError(_("会审日期不能晚于今天"))
    if len(members.strip()) < 2:
        raise SubmissionError(_("请填写参加会审的人员"))
    found = reviews.look(actor, term)
    stops = [f for f in found.findings if f.n and f.stops]
    if stops:
        raise SubmissionError(_("请先处理: %s") % "、".join(f"{f.label} {f.n}" for f in stops))
    silent = [f for f in found.findings if f.n and len(resolved.get(f.code, "").strip()) < 2]
    if silent:
        raise SubmissionError(_("请写明处理情况: %s") % "、".join(f"{f.label} {f.n}" for f in silent))
    findings = [
        {"code": f.code, "label": str(f.label), "n": f.n, "how": resolved.get(f.code, "").strip()[:200]}
        for f in found.findings
    ]
    digest = hashlib.sha256(
        json.dumps([found.figures, findings], ensure_ascii=False, sort_keys=True).encode()
    ).digest()
    county = School.objects.values_list("county_id", flat=True).get(pk=actor.org_id)
    with transaction.atomic():
        with acting("writer"):
            row = (
                TermReview.objects.select_for_update()
                .filter(school_id=actor.org_id, year=term.year, term=term.number)
                .first()
            )
            if row is not None and row.state == "accepted":
                raise SubmissionError(_("本学期的会审已由主管部门受理, 不能再改"))
            row = row or TermReview(
                school_id=actor.org_id, county_id=county, year=term.year, term=term.number, times=0
            )
            row.state, row.figures, row.findings, row.digest = "sent", found.figures, findings, digest
            row.members, row.held_on, row.times = members.strip()[:300], held_on, row.times + 1
            row.sent_by, row.sent_name, row.sent_at = actor.user_id, actor.user_name, timezone.now()
            row.answered_name, row.answered_at, row.answer = "", None, ""
            row.save()
        record(
            actor,
            "submission.review.send",
            object_type="term_review",
            object_id=row.pk,
            after={"term": term.key, "times": row.times, "figures": found.figures, "way": way},
            digest=digest,
        )
    return row


def answer_review(actor: Any, review_id: int, *, accept: bool, words: str = "") -> TermReview:
    """The authority in charge accepts a review or sends it back with a reason. Raises Http404, PermissionDenied,
    `SubmissionError`.
    """
    actor.require("submission.decide")
    with transaction.atomic():
        if not TermReview.objects.filter(pk=review_id, county_id=actor.org_id).exists():
            raise Http404
        with acting("writer"):
            row = TermReview.objects.select_for_update().get(pk=review_id)
            if row.state != "sent":
                raise SubmissionError(_("这份会审结果已经处理过了, 请刷新"))
            row.state = "accepted" if accept else "returned"
            row.answer = words.strip()[:300] if accept else need_words(words)[:300]
            row.answered_name, row.answered_at = actor.user_name, timezone.now()
            row.save()
        record(
            actor,
            f"submission.review.{'accept' if accept else 'return'}",
            object_type="term_review",
            object_id=row.pk,
            after={"school": row.school_id, "state": row.state},
        )
    return row
