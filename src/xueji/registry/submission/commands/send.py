"""A school hands in: checked first, then a snapshot under a digest, signed (C-SUB-01, C-SUB-03, C-SUB-11)."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import class_label
from xueji.ground.orgs.models import Org, School
from xueji.registry.changes.counters import next_number

from .. import chain, checks, signing
from ..digest import DIGEST
from ..errors import SubmissionError
from ..models import RoundKind, State, Step, Submission
from ._base import arrive, close_step, need_words, note, opened, save, sign


def scope_of(row: Submission) -> checks.Scope:
    """Whose records a submission covers."""
    return checks.Scope(
        schools=(row.school_id,), grades=tuple(row.round.grades), year=row.round.year, term=row.round.term
    )


def explain(actor: Any, submission_id: uuid.UUID, code: str, words: str) -> Submission:
    """Say why a finding that may stay does stay; empty words take it back. Raises Http404, `SubmissionError`."""
    actor.require("submission.send")
    with opened(actor, submission_id) as row:
        _own(actor, row)
        if code not in checks.FINDINGS or code in row.round.blocking:
            raise SubmissionError(_("这一项必须改正, 不能只作说明"))
        row.explained = {k: v for k, v in row.explained.items() if k != code}
        if words.strip():
            row.explained |= {code: need_words(words)[:200]}
        save(row)
        note(row, actor, "explain", f"{checks.FINDINGS[code]}: {words.strip()[:200]}")
    return row


def _own(actor: Any, row: Submission) -> None:
    if row.school_id != actor.org_id:
        raise Http404
    if row.round.kind == RoundKind.INSPECT:
        raise SubmissionError(_("核查由主管部门进行, 学校不用上报"))
    if row.state not in (State.WAITING, State.RETURNED):
        raise SubmissionError(_("这次上报现在是“%s”, 不能修改") % State(row.state).label)


def send(
    actor: Any,
    submission_id: uuid.UUID,
    *,
    version: int | None = None,
    password: str = "",
    code: str = "",
    session_key: str = "",
) -> Submission:
    """Check, take the snapshot, lock, sign and send up; what came back goes to the tier that returned it.

    Raises Http404, PermissionDenied, `SubmissionError` with what has to be done first.
    """
    actor.require("submission.send")
    if not Submission.objects.filter(pk=submission_id, school_id=actor.org_id).exists():
        raise Http404
    way = signing.known(actor, password=password, code=code, session_key=session_key)
    with opened(actor, submission_id, version) as row:
        _own(actor, row)
        now = timezone.now()
        _in_time(row, now)
        _require_clean(row)
        n = _take(row)
        row.times, row.submitted_at, row.repair = row.times + 1, now, []
        row.late = row.late or now > min(row.round.due_at, row.slot_to or row.round.due_at)
        first = _steps(row, now)
        close_step(actor, first, "done", str(_("上报")))
        sign(actor, row, first, way)
        back = Step.objects.filter(submission=row, state="returned").order_by("-seq").first()
        following = back or Step.objects.filter(submission=row, seq__gt=first.seq).order_by("seq").first()
        if following is None:
            _done(row, now)
        else:
            arrive(row, following)
        save(row)
        note(
            row,
            actor,
            "send" if row.times == 1 else "resend",
            _("第 %(times)s 次上报, %(n)s 人") % {"times": row.times, "n": n},
            rows=n,
        )
    return row


def _done(row: Submission, now: Any) -> None:
    """Nobody above decides: handed in is done. The database wants the way through the review."""
    row.state, row.current_seq = State.RUNNING, 1
    row.save(force_update=True)
    row.state, row.current_seq, row.ended_at = State.PASSED, None, now
    unlock(row)


def unlock(row: Submission, persons: list[uuid.UUID] | None = None) -> None:
    """Let go of the children of a submission, or of some of them."""
    with connection.cursor() as c:
        c.execute(
            "update submission_child set locked = false where submission_id = %s and locked"
            " and (%s::uuid[] is null or person_id = any(%s::uuid[]))",
            [row.pk, persons, persons],
        )


def _in_time(row: Submission, now: Any) -> None:
    if row.round.closed_at is not None:
        raise SubmissionError(_("这个任务已经结束, 请联系%s") % f"{row.round.responsible} {row.round.phone}")
    start = max(row.round.opens_at, row.slot_from or row.round.opens_at)
    if now < start:
        at = timezone.localtime(start).strftime("%Y-%m-%d %H:%M")
        raise SubmissionError(_("本校的上报时段从 %s 开始, 现在可以先核对") % at)


def _require_clean(row: Submission) -> None:
    found = checks.counts(scope_of(row)).get(row.school_id, {"total": 0})
    if not found["total"]:
        raise SubmissionError(_("没有要上报的学生"))
    stops = [c for c in checks.FINDINGS if found.get(c) and c in row.round.blocking]
    if stops:
        raise SubmissionError(
            _("还不能上报, 请先处理: %s") % "、".join(f"{checks.FINDINGS[c]} {found[c]}" for c in stops)
        )
    silent = [c for c in checks.FINDINGS if found.get(c) and c not in row.explained]
    if silent:
        raise SubmissionError(
            _("还不能上报, 请改正或说明原因: %s")
            % "、".join(f"{checks.FINDINGS[c]} {found[c]}" for c in silent)
        )


def _take(row: Submission) -> int:
    """The children as they are now, each with a digest, and the figures of the whole by class. Three statements."""
    where, given = scope_of(row).where()
    with connection.cursor() as c:
        c.execute("delete from submission_child where submission_id = %s", [row.pk])
        c.execute(
            "insert into submission_child (submission_id, person_id, county_id, school_id, class_id, name, sex,"
            "  birth_date, stage, cohort_year, class_seat, digest, returned, reason, locked)"
            " select %s, r.person_id, %s, r.school_id, r.class_id, r.name, r.sex, r.birth_date, r.stage,"
            "  r.cohort_year, r.class_seat, " + DIGEST + ", false, '', true"
            " from roster r left join person p on p.person_id = r.person_id"
            " left join person_profile f on f.person_id = r.person_id"
            " left join person_photo ph on ph.person_id = r.person_id"
            " where r.county_id = %s and " + where,
            [row.pk, row.county_id, row.county_id, *given],
        )
        n = c.rowcount
        c.execute(
            "select k.class_id, count(*), count(*) filter (where k.sex = '1'), count(*) filter (where k.sex = '2'),"
            " encode(sha256(string_agg(k.digest, ''::bytea order by k.person_id)), 'hex'),"
            " min(c.stage), min(c.cohort_year), min(c.number)"
            " from submission_child k left join school_class c on c.id = k.class_id where k.submission_id = %s"
            " group by 1 order by 6, 7 desc, 8",
            [row.pk],
        )
        rows = c.fetchall()
        c.execute(
            "select sha256(string_agg(digest, ''::bytea order by person_id)) from submission_child where submission_id = %s",
            [row.pk],
        )
        row.digest = bytes(c.fetchone()[0])
    system = School.objects.values_list("system", flat=True).get(pk=row.school_id)
    day = today()
    row.snapshot = {
        "total": n,
        "boys": sum(r[2] for r in rows),
        "girls": sum(r[3] for r in rows),
        "classes": [
            {
                "id": r[0], "label": class_label(r[5], r[6], r[7], system, day) if r[0] else str(_("未编班")),
                "n": r[1], "boys": r[2], "girls": r[3], "digest": r[4],
            }
            for r in rows
        ],
        "findings": json.loads(json.dumps(row.explained)),
        "at": timezone.localtime().isoformat(timespec="seconds"),
    }  # fmt: skip
    return n


def _steps(row: Submission, now: Any) -> Step:
    """The first step; when first sent, all steps of this school's chain are laid out."""
    if row.number is None:
        school = School.objects.select_related("org", "county").get(pk=row.school_id)
        asked_by = Org.objects.get(pk=row.round.org_id)
        row.number = next_number("SB", school.org.division, now.year)
        turns = chain.turns(row.round.levels, school, chain.units_above(school), asked_by)
        Step.objects.bulk_create(
            Step(
                submission=row, county_id=row.county_id, school_id=row.school_id, seq=i, label=t.label,
                role=t.role, org_id=t.org_id,
            )
            for i, t in enumerate(turns, start=1)
        )  # fmt: skip
        row.save(force_update=True)
    first: Step = Step.objects.filter(submission=row).order_by("seq")[0]
    return first
