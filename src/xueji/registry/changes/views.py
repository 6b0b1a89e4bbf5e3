"""The pages of cases. They translate between requests and commands, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from xueji.ground.accounts.actor import Actor
from xueji.ground.audit.commands import record
from xueji.ground.files.content import LIMIT, FileRefused
from xueji.ground.orgs.models import Org
from xueji.ground.paper.fonts import MissingGlyphs
from xueji.registry.enrolment import queries as enrolment

from . import commands, queries
from . import page as pages
from .errors import Blocked, CaseError
from .forms import FORMS, LookupForm
from .kinds import KINDS, TEMPLATES
from .models import Case, CaseStatus
from .routing import policy_for


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def _to(name: str, *args: Any) -> HttpResponseRedirect:
    response = HttpResponseRedirect(reverse(f"changes:{name}", args=args))
    response.status_code = 303
    return response


def _version(request: HttpRequest) -> int | None:
    raw = request.POST.get("version", "")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """The list with its saved views; for parents and students the cases of the child."""
    actor = _actor(request)
    actor.require("case.view")
    if actor.is_portal:
        return render(
            request,
            "changes/list_phone.html",
            {"rows": queries.listing(actor).rows, "page_title": _("我的申请"), "back_url": "/"},
        )
    tab = request.GET.get("tab", "")
    sits = actor.can("case.decide") or actor.can("case.start")
    if tab not in queries.TABS:
        tab = "todo" if sits and not request.GET else ""
    filters = queries.Filters(
        tab=tab,
        business=request.GET.get("business", "") if request.GET.get("business") in KINDS else "",
        status=request.GET.get("status", "") if request.GET.get("status") in CaseStatus.values else "",
        text=request.GET.get("q", "")[:60],
    )
    found = queries.listing(actor, filters, after=request.GET.get("after", ""))
    if filters.text:
        record(actor, "changes.search", object_type="case", row_count=len(found.rows))
    counts = queries.counts(actor) if sits else {}
    labels = {"todo": _("待我办理"), "started": _("我发起的"), "running": _("进行中"), "ended": _("已办结")}
    shown = [t for t in queries.TABS if (t != "todo" or sits) and (t != "started" or actor.can("case.start"))]
    asked = {"tab": tab, "business": filters.business, "status": filters.status, "q": filters.text}
    more = urlencode({k: v for k, v in asked.items() if v} | {"after": found.next})
    return render(
        request,
        "changes/list.html",
        {
            "page": found,
            "filters": filters,
            "views": [
                {"label": labels[t], "url": f"?tab={t}", "active": t == tab, "count": counts.get(t)}
                for t in shown
            ],
            "kinds": KINDS.values(),
            "statuses": CaseStatus.choices,
            "columns": [
                {"label": label}
                for label in (
                    _("业务"),
                    _("编号"),
                    _("学生"),
                    _("从"),
                    _("到"),
                    _("状态"),
                    _("现在在"),
                    _("期限"),
                )
            ],
            "next_url": f"?{more}" if found.next else "",
            "may_start": actor.can("case.start"),
        },
    )


@require_GET
def new(request: HttpRequest) -> HttpResponse:
    """Choose a child, then what is to be done, in plain words."""
    actor = _actor(request)
    actor.require("case.start")
    text = request.GET.get("q", "").strip()[:60]
    rows: list[enrolment.RosterRow] = []
    if text:
        own = enrolment.Filters(school_id=actor.org_id, reasons=("enrolled",))
        rows = enrolment.search(actor, text, filters=own, limit=20).rows
        record(actor, "changes.find", object_type="person", row_count=len(rows))
    chosen, tasks = None, []
    raw = request.GET.get("person", "")
    if raw:
        try:
            chosen = enrolment.get_row(actor, uuid.UUID(raw))
        except ValueError as error:
            raise Http404 from error
        row = queries.own_child(actor, chosen.person_id)
        running = queries.listing(
            actor, queries.Filters(person_id=chosen.person_id, status="open"), limit=10
        ).rows
        tasks = pages.tasks_for(actor, row, timezone.localdate(), running)
    return render(
        request,
        "changes/new.html",
        {
            "text": text,
            "rows": rows,
            "chosen": chosen,
            "tasks": tasks,
            "lookup": LookupForm(),
            "drafts": queries.listing(actor, queries.Filters(tab="started", status="draft"), limit=10).rows,
        },
    )


@require_POST
def new_transfer(request: HttpRequest) -> HttpResponse:
    """Begin a transfer into the own school, by name and number."""
    actor = _actor(request)
    form = LookupForm(request.POST)
    if form.is_valid():
        try:
            case = commands.start(actor, business="transfer", **form.cleaned_data)
        except CaseError as error:
            form.add_error(None, error.message)
        else:
            return _to("case", case.case_id)
    actor.require("case.start")
    drafts = queries.listing(actor, queries.Filters(tab="started", status="draft"), limit=10).rows
    return render(request, "changes/new.html", {"lookup": form, "drafts": drafts}, status=422)


@require_POST
def start(request: HttpRequest, business: str, person_id: uuid.UUID) -> HttpResponse:
    """Begin a case of a child of the own school."""
    try:
        case = commands.start(_actor(request), business=business, person_id=person_id)
    except CaseError as error:
        messages.error(request, error.message)
        return _to("new")
    return _to("case", case.case_id)


@require_safe
def case(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """One case: the draft with its form, else the page that all parties share."""
    actor = _actor(request)
    actor.require("case.view")
    page = pages.load(actor, case_id)
    if page.case.status == CaseStatus.DRAFT:
        return _editor(request, page)
    if actor.is_portal:
        now, following = pages.plain_words(page)
        school, phone = pages.school_contact(page.case.org_id)
        return render(
            request,
            "changes/case_phone.html",
            {
                "page": page,
                "now": now,
                "following": following,
                "school": school,
                "phone": phone,
                "page_title": page.title,
                "back_url": reverse("changes:list"),
            },
        )
    slots = policy_for(_start_org(page.case), timezone.localdate()).business(page.case.business).evidence
    return render(
        request,
        "changes/case.html",
        {
            "page": page,
            "case": page.case,
            "slots": pages.evidence_slots(page.case, slots, page.files),
            "templates": {key: [str(t) for t in texts] for key, texts in TEMPLATES.items()},
        },
    )


@require_safe
def edit(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """The form of a case that was returned."""
    page = pages.load(_actor(request), case_id)
    if not page.may("edit"):
        raise Http404
    return _editor(request, page)


def _start_org(case: Case) -> Org:
    return Org.objects.get(pk=case.org_id)


def _editor(request: HttpRequest, page: pages.CasePage, form: Any = None, status: int = 200) -> HttpResponse:
    actor = _actor(request)
    case = page.case
    report, steps = commands.preflight(actor, case_id=case.case_id)
    slots = policy_for(_start_org(case), timezone.localdate()).business(case.business).evidence
    last = next((s.due_on for s in reversed(steps) if s.due_on), None)
    context = {
        "page": page,
        "case": case,
        "form": form or FORMS[case.business](case),
        "kind": KINDS[case.business],
        "checks": report.checks,
        "stopping": len(report.stopping),
        "slots": pages.evidence_slots(case, slots, page.files),
        "steps": [
            {
                "name": s.label,
                "org": s.org.name,
                "role": _("%s 前") % s.due_on if s.due_on else "",
                "state": "done" if s.seq == 1 else "waiting",
            }
            for s in steps
        ],
        "units": len({s.org.pk for s in steps}),
        "last": last,
    }
    part = "changes/_preflight.html" if request.headers.get("HX-Request") else "changes/draft.html"
    return render(request, part, context, status=status)


@require_POST
def save(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Keep the draft; with htmx the checks come back."""
    actor = _actor(request)
    page = pages.load(actor, case_id)
    if not page.may("edit"):
        raise PermissionDenied(_("这件业务现在不能修改"))
    form = FORMS[page.case.business](page.case, request.POST)
    if not form.is_valid():
        return _editor(request, page, form, status=422)
    try:
        commands.save_draft(actor, case_id=case_id, form=form.values())
    except CaseError as error:
        messages.error(request, error.message)
        return _to("case", case_id)
    if request.headers.get("HX-Request"):
        return _editor(request, pages.load(actor, case_id))
    if request.POST.get("then") == "submit":
        return submit(request, case_id)
    messages.success(request, _("草稿已保存"))
    return _to("case" if page.case.status == CaseStatus.DRAFT else "edit", case_id)


@require_POST
def upload(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Papers, one to a slot."""
    actor = _actor(request)
    queries.require(actor, case_id)
    for slot in request.FILES:
        file = request.FILES[slot]
        try:
            assert isinstance(file, UploadedFile)
            if (file.size or 0) > LIMIT:
                raise FileRefused("too_large")
            commands.attach(actor, case_id=case_id, slot=slot, data=file.read(), name=file.name or "")
        except (CaseError, FileRefused) as error:
            messages.error(request, f"{slot}: {error.message}")
        else:
            messages.success(request, _("已上传%s") % slot)
    return _back(case_id)


def _back(case_id: uuid.UUID) -> HttpResponse:
    status = Case.objects.filter(pk=case_id).values_list("status", flat=True).first()
    return _to("edit" if status == CaseStatus.RETURNED else "case", case_id)


def _run(
    request: HttpRequest, case_id: uuid.UUID, deed: Callable[[], object], done: str, *, onward: bool = False
) -> HttpResponse:
    """Run a command and say what came of it, on the case's page; `onward`: then on to the next case that waits."""
    try:
        found = deed()
    except Blocked as error:
        messages.error(request, f"{error.message}: {'；'.join(c.sentence for c in error.checks[:5])}")
        return _back(case_id)
    except CaseError as error:
        messages.error(request, error.message)
    else:
        if isinstance(found, Case) and found.status == CaseStatus.CANCELLED:
            messages.warning(request, _("业务已终止: %s") % found.end_reason)
        else:
            messages.success(request, done)
        if onward:
            following = queries.next_todo(_actor(request), but=case_id)
            return _to("case", following) if following else _to("list")
    return _to("case", case_id)


@require_POST
def remove_file(request: HttpRequest, case_id: uuid.UUID, file_id: uuid.UUID) -> HttpResponse:
    """Take a paper out again."""
    actor = _actor(request)
    _run(request, case_id, lambda: commands.detach(actor, case_id=case_id, file_id=file_id), _("材料已取下"))
    return _back(case_id)


@require_POST
def submit(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Send a draft, or send a returned case again."""
    actor = _actor(request)
    page = pages.load(actor, case_id)
    send = commands.resubmit if page.case.status == CaseStatus.RETURNED else commands.submit
    return _run(request, case_id, lambda: send(actor, case_id=case_id), _("已提交"))


@require_POST
def delete(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Drop a draft."""
    try:
        commands.delete_draft(_actor(request), case_id=case_id)
    except CaseError as error:
        messages.error(request, error.message)
        return _to("case", case_id)
    messages.success(request, _("草稿已删除"))
    return _to("new")


@require_POST
def decide(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Pass or refuse; `next` goes on with the next case that waits."""
    actor = _actor(request)
    decision = request.POST.get("decision", "")
    if decision not in ("pass", "refuse"):
        raise Http404
    return _run(
        request,
        case_id,
        lambda: commands.decide(
            actor,
            case_id=case_id,
            decision=decision,  # type: ignore[arg-type]
            opinion=request.POST.get("opinion", "")[:500],
            reason_rule=request.POST.get("reason_rule", "")[:200],
            version=_version(request),
        ),
        _("已核办通过") if decision == "pass" else _("已办结为不通过"),
        onward=bool(request.POST.get("next")),
    )


@require_POST
def return_(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Back to the starter, with the items to mend."""
    actor = _actor(request)
    items = [x for x in request.POST.get("items", "")[:500].splitlines() if x.strip()]
    return _run(
        request,
        case_id,
        lambda: commands.return_for_repair(
            actor,
            case_id=case_id,
            items=items,
            opinion=request.POST.get("opinion", "")[:300],
            version=_version(request),
        ),
        _("已退回发起学校修改"),
    )


@require_POST
def withdraw(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Take back before anybody else handled it."""
    actor = _actor(request)
    return _run(
        request,
        case_id,
        lambda: commands.withdraw(actor, case_id=case_id, version=_version(request)),
        _("已撤回"),
    )


@require_POST
def cancel(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Stop a case that is under way."""
    actor = _actor(request)
    return _run(
        request,
        case_id,
        lambda: commands.cancel(
            actor, case_id=case_id, reason=request.POST.get("reason", "")[:300], version=_version(request)
        ),
        _("申请已撤销"),
    )


@require_POST
def urge(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Remind the holder."""
    actor = _actor(request)
    return _run(
        request, case_id, lambda: commands.urge(actor, case_id=case_id), _("已催办, 办理记录中可以看到")
    )


@require_safe
def sheet(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """办理单 as PDF."""
    url = request.build_absolute_uri(reverse("changes:case", args=[case_id]))
    try:
        data = commands.sheet(_actor(request), case_id=case_id, url=url)
    except MissingGlyphs as error:
        messages.error(request, str(error))
        return _to("case", case_id)
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="case-{case_id}.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response
