"""资格审查: papers ticked, facts stated, a general rule given way to with a reason; marks and withdrawals."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.files import commands as files
from xueji.ground.files.content import FileRefused

from .. import eligibility
from ..errors import AdmissionError
from ..models import Applicant, Origin, State
from ._base import names, need_words, one_kind, opened, own_school, setting

_OPEN = (State.ENTERED,)
FIELDS = ["facts", "papers", "choice", "choice_note", "override", "verdict", "findings", "area"]


def state_facts(
    actor: Any,
    ids: Sequence[uuid.UUID],
    *,
    facts: Mapping[str, bool | None] | None = None,
    papers: Sequence[str] = (),
    exact: bool = False,
    choice: bool | None = None,
    choice_note: str = "",
    override: str | None = None,
) -> int:
    """Say what was seen of these candidates, and ask the rules again (C-ENR-02, C-ENR-13, C-ENR-14).

    `facts` by the packs' names (None takes one back), `papers` are added, or taken as the whole list with `exact`;
    `override` is the reason for which a rule that holds in general gives way. Raises PermissionDenied, Http404,
    `AdmissionError`.
    """
    actor.require("admission.prepare")
    school = own_school(actor)
    with opened(actor, ids) as rows:
        year, stage = one_kind(rows)
        wrong = [r for r in rows if r.state not in (State.ENTERED, State.APPROVED, State.REPORTED)]
        if wrong:
            raise AdmissionError(_("已上报或已结束的学生不能再改: %s") % names(wrong))
        rules = setting(school, stage, year)
        known = {key for key, _label in eligibility.questions(rules.policy)}
        for row in rows:
            for key, value in (facts or {}).items():
                if key not in known:
                    continue
                row.facts.pop(key, None)
                if value is not None:
                    row.facts[key] = value
            kept = [] if exact else list(row.papers)
            row.papers = list(dict.fromkeys([*kept, *(p[:40] for p in papers)]))[:30]
            if choice is not None:
                row.choice, row.choice_note = choice, choice_note.strip()[:100] if choice else ""
            if override is not None:
                row.override = override.strip()[:300]
            if row.origin != Origin.UNIFIED:
                row.verdict, row.findings = eligibility.assess(rules, row)
        Applicant.objects.bulk_update(rows, FIELDS, batch_size=1_000)
        record(
            actor,
            "admission.examine",
            object_type="school",
            object_id=school.pk,
            purpose=(override or "")[:200],
            after={"facts": sorted(facts or {}), "papers": list(papers)[:20]},
            row_count=len(rows),
            persons=[r.subject for r in rows],
        )
    return len(rows)


def file_paper(actor: Any, applicant_id: uuid.UUID, *, paper: str, name: str, data: bytes) -> Applicant:
    """Keep a picture or PDF of a paper in the new pupil's dossier, and tick the paper (C-ENR-14).

    A newer one takes the place of the older. Raises PermissionDenied, Http404, `AdmissionError`.
    """
    actor.require("admission.prepare")
    paper = paper.strip()[:40]
    if not paper:
        raise AdmissionError(_("请选择是哪一份材料"))
    with opened(actor, [applicant_id]) as rows:
        row = rows[0]
        if row.state not in (State.ENTERED, State.APPROVED, State.REPORTED):
            raise AdmissionError(_("已上报或已结束的学生不能再改: %s") % row.name)
        try:
            kept = files.store(
                actor, data, name=name, purpose="admission", readers=[row.school_id, row.county_id]
            )
        except FileRefused as error:
            raise AdmissionError(str(error)) from error
        row.filed = {**row.filed, paper: str(kept.pk)}
        row.save(update_fields=["filed"])
        record(
            actor, "admission.paper", object_type="applicant", object_id=row.pk, person_id=row.subject,
            after={"paper": paper},
        )  # fmt: skip
        state_facts(actor, [row.pk], papers=[paper])
    return row


def examine_again(actor: Any, *, year: int, stage: str) -> int:
    """Ask the rules again for every candidate not sent yet: areas, the plan or the place's rules have changed."""
    actor.require("admission.prepare")
    school = own_school(actor)
    ids = list(
        Applicant.objects.filter(school_id=school.pk, year=year, stage=stage, state__in=_OPEN).values_list(
            "pk", flat=True
        )[:5_000]
    )
    return state_facts(actor, ids) if ids else 0


def withdraw(actor: Any, ids: Sequence[uuid.UUID], *, words: str) -> int:
    """The school takes candidates off its list before the check-in. Raises as `state_facts`."""
    actor.require("admission.prepare")
    words = need_words(words)
    with opened(actor, ids) as rows:
        wrong = [r for r in rows if r.state not in (State.ENTERED, State.APPROVED)]
        if wrong:
            raise AdmissionError(_("已上报或已报到的学生不能撤销: %s") % names(wrong))
        Applicant.objects.filter(pk__in=[r.pk for r in rows]).update(
            state=State.WITHDRAWN, words=words, disputed=False
        )
        from .claims import settle_for

        settle_for(actor, rows, words)
        record(
            actor, "admission.withdraw", object_type="school", object_id=actor.org_id or "", purpose=words[:200],
            row_count=len(rows), persons=[r.subject for r in rows],
        )  # fmt: skip
    return len(rows)
