"""What leaves on paper: 入学通知书, 录取名册, 报到名册, 公示名单."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from xueji.ground.orgs.models import Org, School
from xueji.ground.paper.admission_notice import Notice, NoticeBatch, render_notices
from xueji.ground.paper.roster import ListColumn, PaperList, render_list
from xueji.ground.standards.masking import mask_name

from . import eligibility
from .commands._base import setting
from .models import Applicant

STAGE_WORDS = {"P": "小学一年级", "J": "初中一年级", "S": "高中一年级"}


def notices(actor: Any, rows: Sequence[Applicant], address: str) -> bytes:
    """The notices of these candidates. `address` is the site's own, before the path. Raises `MissingGlyphs`."""
    first = rows[0]
    school = School.objects.select_related("org").get(pk=first.school_id)
    authority = Org.objects.get(pk=first.county_id)
    rules = setting(school, first.stage, first.year)
    plan = rules.plan
    return render_notices(
        NoticeBatch(
            school_name=school.org.name,
            authority=authority.name,
            year=first.year,
            stage=STAGE_WORDS[first.stage],
            report_from=plan.report_from if plan else None,
            report_to=plan.report_to if plan else None,
            bring=eligibility.papers_of(rules.policy, first.stage, rules.on),
            phone=school.org.phone,
            notices=[
                Notice(
                    number=r.notice_no,
                    name=r.name,
                    guardian=r.guardian_name,
                    url=f"{address}/admission/checkin/?code={r.notice_code}",
                    code=r.notice_code,
                )
                for r in rows
            ],
            issued_on=timezone.localdate(),
            printed_by=actor.user_name,
            printed_at=timezone.localtime(),
        )
    )


def register(actor: Any, title: str, facts: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]],
             columns: Sequence[tuple[str, float | None]], signatures: Sequence[str] = ()) -> bytes:  # fmt: skip
    """Any list of admission as PDF. Raises `MissingGlyphs`."""
    org = Org.objects.get(pk=actor.org_id)
    return render_list(
        PaperList(
            title=title,
            org_name=org.name,
            facts=list(facts),
            columns=[ListColumn(label=label, mm=mm) for label, mm in columns],
            rows=rows,
            printed_by=actor.user_name,
            printed_at=timezone.localtime(),
            signatures=list(signatures),
            orientation="portrait",
        )
    )


def public_name(row: Applicant) -> str:
    """A name as it may hang on a wall."""
    return mask_name(row.name)
