"""One case as its page shows it: to staff with names, to the family in plain words without them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.db import connection
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.models import RoleAssignment
from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org
from xueji.ground.policy.calendar import workdays_between
from xueji.registry.enrolment.models import Roster

from . import showing
from .kinds import KINDS, label_of
from .models import Case, CaseFile, CaseLog, CaseStatus, CaseStep
from .queries import FACES
from .routing import CLERK_ROLES, policy_for
from .showing import stamp

_STEP_STATES = {"future": "waiting", "refused": "rejected"}


@dataclass(frozen=True)
class Holder:
    """Who has the case now, and until when."""

    org: str
    role: str
    person: str
    phone: str
    due_on: date | None
    left_days: int | None
    over_days: int
    used_days: int
    limit_days: int | None


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
            if form.fits(self.case)
        ]

    def may(self, action: str) -> bool:
        """Whether an action is open to the actor."""
        return action in self.rights


def load(actor: Any, case_id: uuid.UUID) -> CasePage:
    """One case. Raises Http404 to strangers, and for another unit's draft."""
    case = Case.objects.filter(pk=case_id).first()
    if case is None or (case.status == CaseStatus.DRAFT and case.org_id != actor.org_id):
        raise Http404
    steps = list(CaseStep.objects.filter(case=case).order_by("seq"))
    orgs = {
        o.pk: o for o in Org.objects.filter(pk__in={case.org_id, *case.parties, *(s.org_id for s in steps)})
    }
    log = list(CaseLog.objects.filter(case=case).order_by("-id")[:200])
    today = timezone.localdate()
    current = next((s for s in steps if s.state == "current"), None)
    staff = not actor.is_portal
    policy = policy_for(
        orgs[case.org_id], timezone.localdate(case.submitted_at) if case.submitted_at else today
    )
    rights, hint = _rights(actor, case, steps, current)
    page = CasePage(
        case=case,
        title=f"{label_of(case.business)} {case.student_name}",
        face=FACES.get(case.status, case.status),
        holder=_holder(case, steps, current, orgs, today, staff=staff),
        steps=[_step(s, orgs, today, staff=staff) for s in steps],
        facts=showing.child_rows(case),
        wanted=showing.wanted_rows(case.business, case.summary),
        diff=showing.before_after(case, policy),
        checks=showing.findings(case, policy.labels) if staff else [],
        files=list(CaseFile.objects.filter(case=case).order_by("id")),
        log=[showing.log_entry(entry, orgs, staff=staff) for entry in log] if staff else [],
        rights=rights,
        hint=hint,
        urged=any(e.action == "urge" and timezone.localtime(e.at).date() == today for e in log),
        repair=list(case.summary.get("repair", [])) if case.status == CaseStatus.RETURNED else [],
        person_url=_person_url(actor, case),
        reasons=showing.reasons(case) if "decide" in rights else [],
    )
    return page if staff else _for_family(page)


def _for_family(page: CasePage) -> CasePage:
    """The words of the family for the business; of a grave one no more than that it is being seen to."""
    kind = KINDS.get(page.case.business)
    if kind is None:
        return page
    title = f"{kind.parent} {page.case.student_name}"
    if not kind.quiet:
        return replace(page, title=title)
    return replace(page, title=title, wanted=[], diff=[], files=[], steps=[], repair=[], holder=None)


def _rights(
    actor: Any, case: Case, steps: list[CaseStep], current: CaseStep | None
) -> tuple[frozenset[str], str]:
    """What the actor may do now, and why not where he might expect to."""
    out: set[str] = set()
    hint = ""
    mine = actor.can("case.start") and case.org_id == actor.org_id
    if mine and case.status in (CaseStatus.DRAFT, CaseStatus.RETURNED):
        out |= {"edit", "send"}
    if mine and case.status == CaseStatus.DRAFT:
        out.add("delete")
    handled = any(s.seq > 1 and s.decision for s in steps) or (case.current_seq or 2) > 2
    if mine and case.status in (CaseStatus.RUNNING, CaseStatus.WAITING) and not handled:
        out.add("withdraw")
    if mine and case.status in (CaseStatus.RUNNING, CaseStatus.RETURNED, CaseStatus.WAITING):
        out.add("cancel")
    if mine and current is not None and current.org_id != case.org_id:
        out.add("urge")
    if (
        current is not None
        and actor.can("case.decide")
        and (current.org_id, current.role) == (actor.org_id, actor.role)
    ):
        clash = clash_of(actor, steps, case.creator_id)
        if clash is None:
            out.add("decide")
        else:
            hint = _("您已经办理过“%s”, 经办和核办不能是同一个人, 请由本单位另一位同事办理") % clash.label
    if case.number and not actor.is_portal:
        out.add("print")
    return frozenset(out), hint


def clash_of(actor: Any, steps: list[CaseStep], creator_id: int) -> CaseStep | None:
    """The step by which the actor is barred from the current one: nobody is 经办 and 负责人 of one case."""
    current = next((s for s in steps if s.state == "current" and s.org_id == actor.org_id), None)
    if current is None:
        return None
    clerk = current.role in CLERK_ROLES
    return next(
        (
            s
            for s in steps
            if s.seq != current.seq
            and (s.decider_id == actor.user_id or (s.seq == 1 and creator_id == actor.user_id))
            and (s.org_id == current.org_id or (s.role in CLERK_ROLES) != clerk)
        ),
        None,
    )


def _holder(
    case: Case,
    steps: list[CaseStep],
    current: CaseStep | None,
    orgs: dict[int, Org],
    today: date,
    *,
    staff: bool,
) -> Holder | None:
    if case.status == CaseStatus.RETURNED:
        org_id, role, step = (
            case.org_id,
            Role.REGISTRAR.value,
            next((s for s in steps if s.state == "returned"), None),
        )
    elif current is not None:
        org_id, role, step = current.org_id, current.role, current
    else:
        return None
    org = orgs[org_id]
    person, phone = "", org.phone
    if staff:
        found = (
            RoleAssignment.objects.filter(
                org_id=org_id, role=role, valid_from__lte=today, user__is_active=True
            )
            .exclude(valid_to__lt=today)
            .order_by("id")
            .values_list("user__display_name", "user__phone")
            .first()
        )
        if found:
            person, phone = found[0], found[1] or phone
    due = step.due_on if step is not None else None
    since = step.arrived_at if step is not None else None
    used = max(workdays_between(timezone.localtime(since).date(), today), 0) if since else 0
    return Holder(
        org=org.name,
        role=org.contact or str(Role(role).label),
        person=person,
        phone=phone,
        due_on=due,
        left_days=workdays_between(today, due) if due and due >= today else None,
        over_days=max(workdays_between(due, today), 1) if due and due < today else 0,
        used_days=used,
        limit_days=step.limit_days if step is not None else None,
    )


def _step(s: CaseStep, orgs: dict[int, Org], today: date, *, staff: bool) -> dict[str, Any]:
    end = timezone.localtime(s.decided_at).date() if s.decided_at and s.state != "current" else today
    used = max(workdays_between(timezone.localtime(s.arrived_at).date(), end), 0) if s.arrived_at else 0
    future = s.state == "future"
    role = str(Role(s.role).label) if staff else ""
    return {
        "name": s.label,
        "org": orgs[s.org_id].name,
        "role": _("限 %s 个工作日") % s.limit_days if future and s.limit_days else role,
        "holder": s.decider_name if staff else "",
        "state": _STEP_STATES.get(s.state, s.state),
        "arrived": stamp(s.arrived_at),
        "decided": stamp(s.decided_at),
        "used_days": used,
        "limit_days": None if future else s.limit_days,
        "opinion": s.opinion if staff or s.state in ("refused", "returned") else "",
        "phone": orgs[s.org_id].phone,
        "due": s.due_on.isoformat() if s.due_on else "",
    }


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
