"""数据质量核查: an authority has every school of a round looked at, completeness and standards (C-DUP-09)."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from .. import checks
from ..errors import SubmissionError
from ..models import Round, RoundKind, Submission
from .rounds import own_round


def inspect(actor: Any, round_id: int) -> int:
    """Look at every school of the round and keep what was found; returns how many passed. Anew each time it is run.

    A school passes when no finding that the round makes blocking is left. Five statements for any number of schools.
    Raises Http404, PermissionDenied, `SubmissionError`.
    """
    actor.require("submission.round")
    with transaction.atomic():
        found_round = Round.objects.filter(pk=round_id, org_id=actor.org_id).first()
        if found_round is None:
            raise Http404
        if found_round.kind != RoundKind.INSPECT:
            raise SubmissionError(_("这不是核查任务"))
        schools = dict(Submission.objects.filter(round_id=round_id).values_list("school_id", "county_id"))
        found = checks.counts(
            checks.Scope(
                schools=tuple(schools),
                grades=tuple(found_round.grades),
                year=found_round.year,
                term=found_round.term,
            )
        )
        rows = []
        for school, county in schools.items():
            mine = found.get(school, {"total": 0})
            findings = {k: n for k, n in mine.items() if k != "total" and n}
            passed = not any(findings.get(code) for code in found_round.blocking)
            rows.append((school, county, mine["total"], json.dumps(findings), passed))
        with acting("writer"), connection.cursor() as c:
            own_round(actor, round_id)
            c.execute(
                "insert into inspection_result (round_id, school_id, county_id, total, findings, passed, at)"
                " select %s, x.school, x.county, x.total, x.findings::jsonb, x.passed, %s"
                " from unnest(%s::int[], %s::int[], %s::int[], %s::text[], %s::bool[])"
                "  as x(school, county, total, findings, passed)"
                " on conflict (round_id, school_id) do update set total = excluded.total,"
                "  findings = excluded.findings, passed = excluded.passed, at = excluded.at",
                [round_id, timezone.now(), *(list(x) for x in zip(*rows, strict=True))],
            )
        passed_n = sum(r[4] for r in rows)
        record(
            actor,
            "submission.inspect",
            object_type="submission_round",
            object_id=round_id,
            after={"schools": len(rows), "passed": passed_n},
            row_count=sum(r[2] for r in rows),
        )
    return passed_n
