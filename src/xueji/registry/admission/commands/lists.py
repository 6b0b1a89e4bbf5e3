"""录取名册: the head sends the school's list, the authority approves, refuses or returns it (C-ENR-03)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from ..errors import AdmissionError
from ..models import Applicant, Origin, Plan, State, Submission, Verdict
from ._base import names, need_words, one_kind, opened, own_school
from .notices import number_notices


def submit(actor: Any, ids: Sequence[uuid.UUID]) -> Submission:
    """Send candidates to the authority as one list; those who are not eligible or in dispute cannot be on it.

    Raises PermissionDenied, Http404, `AdmissionError`.
    """
    actor.require("admission.submit")
    school = own_school(actor)
    with opened(actor, ids) as rows:
        year, stage = one_kind(rows)
        _may_be_sent(rows)
        sent = Submission.objects.create(
            year=year, stage=stage, school_id=school.pk, county_id=school.county_id, n=len(rows),
            sent_name=actor.user_name,
        )  # fmt: skip
        Applicant.objects.filter(pk__in=[r.pk for r in rows]).update(
            state=State.SENT, submission_id=sent.pk, words=""
        )
        record(
            actor, "admission.submit", object_type="adm_submission", object_id=sent.pk,
            after={"year": year, "stage": stage}, row_count=len(rows), persons=[r.subject for r in rows],
        )  # fmt: skip
    return sent


def _may_be_sent(rows: list[Applicant]) -> None:
    wrong = [r for r in rows if r.state != State.ENTERED]
    if wrong:
        raise AdmissionError(_("只能上报“待上报”的学生: %s") % names(wrong))
    disputed = [r for r in rows if r.disputed]
    if disputed:
        raise AdmissionError(_("重复招生还没有处理完, 不能上报: %s") % names(disputed))
    lacking = [r for r in rows if r.verdict not in (Verdict.PASS, Verdict.WARN)]
    if lacking:
        why = next((x["sentence"] for x in lacking[0].findings if x["verdict"] in ("block", "ask")), "")
        text = _("资格审查没有通过, 不能上报: %(who)s。%(why)s")
        raise AdmissionError(text % {"who": names(lacking), "why": why})


def open_submission(actor: Any, submission_id: int) -> Submission:
    """A list that the actor's authority decides, under lock. Raises Http404, `AdmissionError`."""
    if not Submission.objects.filter(pk=submission_id, county_id=actor.org_id).exists():
        raise Http404
    with acting("writer"):
        found = Submission.objects.select_for_update().get(pk=submission_id)
    if found.state != "sent":
        raise AdmissionError(_("这份名册已经核办过"))
    return found


def decide(
    actor: Any, submission_id: int, *, refused: dict[uuid.UUID, str] | None = None, words: str = ""
) -> Submission:
    """Approve a list; candidates in `refused` are turned down, each with a reason. Within the school's ceiling.

    Raises PermissionDenied, Http404, `AdmissionError` when the ceiling is passed or a child is admitted elsewhere.
    """
    actor.require("admission.approve")
    refused = {key: need_words(why) for key, why in (refused or {}).items()}
    try:
        with transaction.atomic():
            found = open_submission(actor, submission_id)
            with acting("writer"):
                rows = list(
                    Applicant.objects.select_for_update().filter(submission_id=found.pk, state=State.SENT)
                )
                passed = [r for r in rows if r.pk not in refused]
                _fits(found, len(passed))
                _listed(found, passed)
                now = timezone.now()
                decided = {"decided_name": actor.user_name, "decided_at": now}
                Applicant.objects.filter(pk__in=[r.pk for r in passed]).update(
                    state=State.APPROVED, **decided
                )
                for row in rows:
                    row.words = refused.get(row.pk, "")
                    row.state, row.decided_name, row.decided_at = State.REFUSED, actor.user_name, now
                Applicant.objects.bulk_update(
                    [r for r in rows if r.pk in refused], ["state", "words", "decided_name", "decided_at"]
                )
                number_notices([r.pk for r in passed])
                found.state, found.approved, found.words = "decided", len(passed), words.strip()[:300]
                found.decided_name, found.decided_at = actor.user_name, now
                found.save(force_update=True)
            record(
                actor, "admission.decide", object_type="adm_submission", object_id=found.pk, purpose=words[:200],
                after={"approved": len(passed), "refused": len(refused)}, row_count=len(rows),
                persons=[r.subject for r in rows],
            )  # fmt: skip
    except IntegrityError as error:
        raise AdmissionError(_("名册中有学生刚刚由其他学校录取, 请刷新后处理重复招生")) from error
    return found


def _fits(found: Submission, n: int) -> None:
    """The plan's ceiling (C-ORG-08). Two lists of one school are counted one after the other."""
    plan = Plan.objects.select_for_update().filter(
        school_id=found.school_id, year=found.year, stage=found.stage
    ).first()  # fmt: skip
    if plan is None:
        raise AdmissionError(_("还没有设置该校的招生计划, 请先在“招生计划”中设置"))
    held = Applicant.objects.filter(
        school_id=found.school_id, year=found.year, stage=found.stage,
        state__in=[State.APPROVED, State.REPORTED],
    ).count()  # fmt: skip
    if held + n > plan.ceiling:
        text = _(
            "招生上限 %(top)s 人, 已录取 %(held)s 人, 本名册 %(n)s 人, 超出 %(over)s 人。请减少人数, 或核定例外名额并写明理由"
        )
        raise AdmissionError(
            text % {"top": plan.ceiling, "held": held, "n": n, "over": held + n - plan.ceiling}
        )


def _listed(found: Submission, rows: list[Applicant]) -> None:
    """高中: where there is an official admission list, only those on it or admitted by the school itself pass."""
    if found.stage != "S":
        return
    official = Applicant.objects.filter(
        school_id=found.school_id, year=found.year, stage="S", origin=Origin.UNIFIED
    ).exists()
    outside = [r for r in rows if r.origin == Origin.AREA]
    if official and outside:
        raise AdmissionError(_("不在统一招生录取名单上, 也不是自主招生: %s") % names(outside))


def return_list(actor: Any, submission_id: int, *, words: str) -> Submission:
    """Send a list back to the school, which mends it. Raises PermissionDenied, Http404, `AdmissionError`."""
    actor.require("admission.approve")
    words = need_words(words)
    with transaction.atomic():
        found = open_submission(actor, submission_id)
        with acting("writer"), connection.cursor() as c:
            c.execute(
                "update adm_applicant set state = 'entered', submission_id = null, words = %s"
                " where submission_id = %s and state = 'sent'",
                [words, found.pk],
            )
            found.state, found.words = "returned", words
            found.decided_name, found.decided_at = actor.user_name, timezone.now()
            found.save(force_update=True)
        record(
            actor, "admission.return", object_type="adm_submission", object_id=found.pk, purpose=words[:200]
        )
    return found
