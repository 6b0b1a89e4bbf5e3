"""Beginning a case and filling it in."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from xueji.ground.audit.commands import record
from xueji.ground.files.content import LIMIT, FileRefused
from xueji.ground.orgs.models import Org
from xueji.registry.enrolment import queries as enrolment

from . import commands, offers, queries
from . import page as pages
from .business import asking
from .errors import CaseError
from .forms import LookupForm
from .http import actor_of, back_to_form, run, said, to, version_of
from .kinds import KINDS
from .models import Case, CaseStatus
from .routing import slots_of

#: Names of the fields with reasons for exceptions, before the rule.
WHY = "why_"


@require_GET
def new(request: HttpRequest) -> HttpResponse:
    """Choose a child, then what is to be done, in plain words."""
    actor = actor_of(request)
    actor.require("case.start")
    text = request.GET.get("q", "").strip()[:60]
    rows: list[enrolment.RosterRow] = []
    if text:
        own = enrolment.Filters(school_id=actor.org_id, reasons=("enrolled",))
        rows = enrolment.search(actor, text, filters=own, limit=20).rows
        record(actor, "changes.find", object_type="person", row_count=len(rows))
    chosen = None
    common: list[offers.Offer] = []
    groups: list[offers.Group] = []
    raw = request.GET.get("person", "")
    if raw:
        try:
            chosen = enrolment.get_row(actor, uuid.UUID(raw))
        except ValueError as error:
            raise Http404 from error
    elif len(rows) == 1:
        chosen, rows = rows[0], []  # nobody else is meant: one click less
    if chosen is not None:
        row = queries.own_child(actor, chosen.person_id)
        running = queries.listing(
            actor, queries.Filters(person_id=chosen.person_id, status="open"), limit=10
        ).rows
        if row is not None:
            common, groups = offers.offers(row, timezone.localdate(), running)
    return render(
        request,
        "changes/new.html",
        {
            "text": text,
            "rows": rows,
            "nobody": bool(text) and not rows and chosen is None,
            "chosen": chosen,
            "common": common,
            "groups": groups,
            "lookup": LookupForm(),
            "drafts": queries.listing(actor, queries.Filters(tab="started", status="draft"), limit=10).rows,
        },
    )


@require_POST
def new_transfer(request: HttpRequest) -> HttpResponse:
    """Begin a transfer into the own school, or a stay there as a guest, by name and number."""
    actor = actor_of(request)
    form = LookupForm(request.POST)
    if form.is_valid():
        try:
            borrow = request.POST.get("business") == "borrow"
            case = commands.start(actor, business="borrow" if borrow else "transfer", **form.cleaned_data)
        except CaseError as error:
            form.add_error(None, error.message)
        else:
            return to("case", case.case_id)
    actor.require("case.start")
    drafts = queries.listing(actor, queries.Filters(tab="started", status="draft"), limit=10).rows
    return render(request, "changes/new.html", {"lookup": form, "drafts": drafts}, status=422)


@require_POST
def new_arrival(request: HttpRequest) -> HttpResponse:
    """Begin a transfer from a system that is not ours, on paper, or a record for who never had one."""
    actor = actor_of(request)
    try:
        case = commands.start_newcomer(
            actor,
            name=request.POST.get("name", "")[:100],
            number=request.POST.get("number", "")[:40],
            business=request.POST.get("business", "transfer_in")[:30],
        )
    except CaseError as error:
        messages.error(request, error.message)
        return to("new")
    return to("case", case.case_id)


@require_POST
def start(request: HttpRequest, business: str, person_id: uuid.UUID) -> HttpResponse:
    """Begin a case of a child of the own school."""
    try:
        case = commands.start(actor_of(request), business=business, person_id=person_id)
    except CaseError as error:
        messages.error(request, error.message)
        return to("new")
    return to("case", case.case_id)


@require_safe
def edit(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """The form of a case that was returned."""
    page = pages.load(actor_of(request), case_id)
    if not page.may("edit"):
        raise Http404
    return editor(request, page)


def start_org(case: Case) -> Org:
    return Org.objects.get(pk=case.org_id)


def editor(request: HttpRequest, page: pages.CasePage, form: Any = None, status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    case = page.case
    report, steps = commands.preflight(actor, case_id=case.case_id)
    form = form or KINDS[case.business].form(case)
    slots = slots_of(form.policy, case)
    form.ask(
        asking.questions(
            form.policy,
            case.business,
            KINDS[case.business].events(case),
            timezone.localdate(),
            report.trace,
            case.form.get("answers", {}),
        )
    )
    last = next((s.due_on for s in reversed(steps) if s.due_on), None)
    partial = bool(request.headers.get("HX-Request"))
    posted = set(request.POST.get("asked", "").split())
    context = {
        "page": page,
        "case": case,
        "form": form,
        "asks_changed": partial and posted != set(form.questions),
        "kind": KINDS[case.business],
        "checks": report.checks,
        "stopping": len(report.stopping),
        "exceptions": [
            {
                "rule": c.code,
                "sentence": c.sentence,
                "reason": request.POST.get(f"{WHY}{c.code}", "")
                or case.overrides.get(c.code, {}).get("reason", ""),
            }
            for c in report.checks
            if c.overridable or c.code in case.overrides
        ],
        "may_backfill": page.case.status == CaseStatus.DRAFT and actor_of(request).can("case.backfill"),
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
    part = "changes/_preflight.html" if partial else "changes/draft.html"
    return render(request, part, context, status=status)


@require_POST
def save(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Keep the draft; with htmx the checks come back."""
    actor = actor_of(request)
    page = pages.load(actor, case_id)
    if not page.may("edit"):
        raise PermissionDenied(_("这件业务现在不能修改"))
    form = KINDS[page.case.business].form(page.case, request.POST)
    if not form.is_valid():
        return editor(request, page, form, status=422)
    try:
        commands.save_draft(actor, case_id=case_id, form=form.values())
    except CaseError as error:
        messages.error(request, error.message)
        return to("case", case_id)
    if request.headers.get("HX-Request"):
        return editor(request, pages.load(actor, case_id))
    _attach_all(request, case_id)
    if request.POST.get("then") == "submit":
        return submit(request, case_id)
    messages.success(request, _("草稿已保存"))
    return to("case" if page.case.status == CaseStatus.DRAFT else "edit", case_id)


@require_POST
def upload(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Papers, one to a slot."""
    actor = actor_of(request)
    actor.require("case.start")
    queries.require(actor, case_id)
    page = pages.load(actor, case_id)
    form = KINDS[page.case.business].form(page.case, request.POST)
    typed = any(name in request.POST for name in form.fields)
    if typed and page.may("edit") and form.is_valid():  # what was typed beside the files is kept too
        with suppress(CaseError):
            commands.save_draft(actor, case_id=case_id, form=form.values())
    _attach_all(request, case_id)
    return back_to_form(case_id)


def _attach_all(request: HttpRequest, case_id: uuid.UUID) -> None:
    """Keep every file that came with the form, each in its slot; say what was refused and why."""
    actor = actor_of(request)
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


@require_POST
def remove_file(request: HttpRequest, case_id: uuid.UUID, file_id: uuid.UUID) -> HttpResponse:
    """Take a paper out again."""
    actor = actor_of(request)
    run(request, case_id, lambda: commands.detach(actor, case_id=case_id, file_id=file_id), _("材料已取下"))
    return back_to_form(case_id)


@require_POST
def submit(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Send a draft, or send a returned case again."""
    actor = actor_of(request)
    page = pages.load(actor, case_id)
    send = commands.resubmit if page.case.status == CaseStatus.RETURNED else commands.submit
    typed = {k[len(WHY) :]: request.POST.get(k, "")[:300] for k in request.POST if k.startswith(WHY)}
    why = {rule: text for rule, text in typed.items() if text.strip()}
    if typed and page.may("edit"):
        try:
            sent = send(actor, case_id=case_id, overrides=why)
        except CaseError as error:  # the reasons that were typed are on the page still
            messages.error(request, error.message)
            return editor(request, pages.load(actor, case_id), status=422)
        said(request, sent, _("已提交"))
        return to("case", case_id)
    return run(request, case_id, lambda: send(actor, case_id=case_id, overrides=why), _("已提交"))


@require_POST
def outage(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Enter what was done on paper while the system was down (补录)."""
    actor = actor_of(request)
    try:
        on: date | None = date.fromisoformat(request.POST.get("happened_on", ""))
    except ValueError:
        on = None
    return run(
        request,
        case_id,
        lambda: commands.backfill(
            actor,
            case_id=case_id,
            happened_on=on,
            reason=request.POST.get("reason", "")[:300],
            version=version_of(request),
        ),
        _("已作为补录办理, 请上传线下办理凭证"),
    )


@require_POST
def delete(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Drop a draft."""
    try:
        commands.delete_draft(actor_of(request), case_id=case_id)
    except CaseError as error:
        messages.error(request, error.message)
        return to("case", case_id)
    messages.success(request, _("草稿已删除"))
    return to("new")
