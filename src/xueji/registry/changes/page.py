"""One case as its page shows it: to staff with names, to the family in plain words without them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org
from xueji.ground.policy.engine import PolicySet
from xueji.registry.enrolment.models import Roster

from . import course, handing, placing, results, rights, showing
from .course import Holder
from .kinds import KINDS, label_of
from .models import Case, CaseFile, CaseLog, CaseStatus, CaseStep
from .queries import FACES
from .routing import policy_for


@dataclass(frozen=True)
class CasePage:
    """Everything on the page. `rights` are the actions open to the actor."""

    case: Case
    title: str
    face: str
    holder: Holder | None
    steps: list[dict[str, Any]]
    facts: list[dict[str, str]]
    wanted: list[dict[str, str]]
    diff: list[dict[str, str]]
    checks: list[dict[str, Any]]
    files: list[CaseFile]
    log: list[dict[str, Any]]
    rights: frozenset[str]
    hint: str
    urged: bool
    repair: list[str]
    person_url: str
    reasons: list[str] = field(default_factory=list)
    also: list[Holder] = field(default_factory=list)
    asked: CaseStep | None = None
    below: list[dict[str, Any]] = field(default_factory=list)
    away: str = ""
    exceptions: list[dict[str, str]] = field(default_factory=list)
    chain: list[CaseStep] = field(default_factory=list)
    policy: PolicySet | None = None
    handover: handing.Handover | None = None
    placement: handing.Placement | None = None
    placing: int | None = None
    results_url: str = ""

    @property
    def passed(self) -> int:
        """How many checks passed."""
        return sum(c["verdict"] == "pass" for c in self.checks)

    @property
    def open_checks(self) -> list[dict[str, Any]]:
        """Checks that somebody should look at."""
        return [c for c in self.checks if c["verdict"] != "pass"]

    @property
    def papers(self) -> list[dict[str, str]]:
        """What can be printed of this case by the actor."""
        if "print" not in self.rights:
            return []
        from .forms_paper import FORMS

        sheet = reverse("changes:sheet", args=[self.case.case_id])
        return [{"label": _("办理单"), "url": sheet}] + [
            {"label": str(form.title), "url": reverse("changes:form", args=[self.case.case_id, form.key])}
            for form in FORMS
            if form.fits(self.case, self.chain)
        ]

    def may(self, action: str) -> bool:
        """Whether an action is open to the actor."""
        return action in self.rights


def load(actor: Any, case_id: uuid.UUID) -> CasePage:
    """One case. Raises Http404 to strangers, and for another unit's draft."""
    case = Case.objects.filter(pk=case_id).first()
    if case is None or (case.status == CaseStatus.DRAFT and case.org_id != actor.org_id):
        raise Http404
    steps = list(CaseStep.objects.filter(case=case).order_by("turn", "seq"))
    orgs = {
        o.pk: o for o in Org.objects.filter(pk__in={case.org_id, *case.parties, *(s.org_id for s in steps)})
    }
    log = list(CaseLog.objects.filter(case=case).order_by("-id")[:200])
    today = timezone.localdate()
    staff = not actor.is_portal
    policy = policy_for(
        orgs[case.org_id], timezone.localdate(case.submitted_at) if case.submitted_at else today
    )
    may = rights.of(actor, case, steps, orgs)
    held = course.holders(case, steps, orgs, today, staff=staff)
    files = list(CaseFile.objects.filter(case=case).order_by("id"))
    page = CasePage(
        case=case,
        title=f"{label_of(case.business)} {case.student_name}",
        face=FACES.get(case.status, case.status),
        holder=held[0] if held else None,
        steps=course.stepper(steps, orgs, today, staff=staff),
        facts=showing.child_rows(case),
        wanted=showing.wanted_rows(case.business, case.summary),
        diff=showing.before_after(case, policy),
        checks=showing.findings(case.findings, policy.labels) if staff else [],
        files=files,
        log=[showing.log_entry(entry, orgs, staff=staff) for entry in log] if staff else [],
        rights=may.actions,
        hint=may.hint,
        urged=any(e.action == "urge" and timezone.localtime(e.at).date() == today for e in log),
        repair=list(case.summary.get("repair", [])) if case.status == CaseStatus.RETURNED else [],
        person_url=_person_url(actor, case),
        reasons=showing.reasons(case) if "decide" in may.actions else [],
        also=held[1:],
        asked=may.asked,
        below=[{"seq": b.seq, "label": b.label, "org": orgs[b.org_id].name} for b in may.below],
        away=may.away,
        exceptions=showing.exceptions(case) if staff else [],
        chain=steps,
        policy=policy,
        handover=handing.handover(actor, case, policy) if staff else None,
        placement=handing.placement(case, steps, policy) if staff else None,
        results_url=_results_url(actor, case, files),
        placing=placing.of_case(actor, case.case_id) if case.status == CaseStatus.REFUSED else None,
    )
    return page if staff else _for_family(page)


def _results_url(actor: Any, case: Case, files: Sequence[CaseFile]) -> str:
    """Where the former school gives out the marks that go along; nothing for anybody else, or when they are there."""
    leaving = case.from_school_id == actor.org_id and case.status in results.OPEN
    if not leaving or not actor.can("certificate.issue") or not results.late(case.business, case.summary):
        return ""
    if any(f.slot in results.SAME for f in files):
        return ""
    return (
        f"/certificates/new/?{urlencode({'person': case.person_id, 'kind': 'results', 'purpose': _('转学')})}"
    )


def _for_family(page: CasePage) -> CasePage:
    """The words of the family for the business; of a grave one no more than that it is being seen to."""
    kind = KINDS.get(page.case.business)
    if kind is None:
        return page
    title = f"{kind.parent} {page.case.student_name}"
    if not kind.quiet:
        return replace(page, title=title)
    return replace(page, title=title, wanted=[], diff=[], files=[], steps=[], repair=[], holder=None, also=[])


def _person_url(actor: Any, case: Case) -> str:
    if actor.is_portal or case.person_id is None:
        return ""
    seen = Roster.objects.filter(person_id=case.person_id).exists()
    return f"/students/{case.person_id}/" if seen else ""


def evidence_slots(case: Case, slots: Any, files: list[CaseFile]) -> list[dict[str, Any]]:
    """The papers of a business with what has been brought for each."""
    by_slot = {f.slot: f for f in files}
    out = []
    for slot in slots:
        row = by_slot.get(slot.doc)
        out.append(
            {
                "key": slot.doc,
                "label": slot.label,
                "hint": slot.hint,
                "required": slot.required,
                "done": row is not None,
                "file_name": row.file_name if row else "",
                "url": f"/files/{row.file_id}/" if row else "",
                "thumb": f"/files/{row.file_id}/thumb/" if row and row.file_name.endswith(".jpg") else "",
                "file_id": row.file_id if row else None,
            }
        )
    return out


def plain_words(page: CasePage) -> tuple[str, str]:
    """For the family: where the application is, and what happens next."""
    case, h = page.case, page.holder
    names = {
        "name": case.student_name,
        "kind": KINDS[case.business].parent if case.business in KINDS else case.business,
    }
    if case.business in KINDS and KINDS[case.business].quiet:
        done = case.status == CaseStatus.DONE
        return (
            (_("%(name)s的%(kind)s已经办好") if done else _("%(name)s的%(kind)s由学校办理")) % names,
            _("不需要您再做什么。有任何需要, 请随时与学校联系"),
        )
    match case.status:
        case CaseStatus.RUNNING if h is not None:
            limit = _(", 最长%s个工作日") % h.limit_days if h.limit_days else ""
            now = _("%(name)s的%(kind)s申请在%(org)s办理, 已用%(used)s个工作日%(limit)s") % (
                names | {"org": h.org, "used": h.used_days, "limit": limit}
            )
            later = [s for s in page.steps if s["state"] == "waiting"]
            following = (
                _("接下来由%s办理, 不用您跑路") % later[0]["org"] if later else _("这是最后一步, 办完就生效")
            )
            return now, following
        case CaseStatus.RETURNED:
            return (
                _("%(name)s的%(kind)s申请需要补充或修改") % names,
                _("请联系发起的学校, 补好后会继续办理, 不用重新申请"),
            )
        case CaseStatus.WAITING:
            return (
                _("%(name)s的%(kind)s申请在等待另一件业务办完") % names,
                _("那件办完后会自动继续, 不用重新申请"),
            )
        case CaseStatus.APPROVED:
            return _("%(name)s的%(kind)s申请已经批准") % names, _("将于 %s 生效") % case.effective_on
        case CaseStatus.DONE:
            return _("%(name)s的%(kind)s已经办好") % names, _(
                "自 %s 起生效"
            ) % case.effective_on if case.effective_on else ""
        case CaseStatus.REFUSED:
            return (
                _("%(name)s的%(kind)s申请没有通过") % names,
                _("理由: %s。如有疑问, 请打办理单位的电话") % case.end_reason,
            )
    return _("%(name)s的%(kind)s申请已经%(status)s") % (
        names | {"status": CaseStatus(case.status).label}
    ), case.end_reason


def school_contact(org_id: int) -> tuple[str, str]:
    """Name and phone of a unit."""
    with connection.cursor() as c:
        c.execute("select name, phone from org where id = %s", [org_id])
        row = c.fetchone()
    return (row[0], row[1]) if row else ("", "")
