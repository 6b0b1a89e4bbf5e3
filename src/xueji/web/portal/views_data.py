"""我的数据, the copy, and the copy at the counter. They translate between requests and commands, and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.audit.commands import note
from xueji.ground.duty import verification
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.family.errors import FamilyError
from xueji.registry.family.guardianship import sights
from xueji.registry.people import queries as people

from . import copies, mydata
from .copies import Copy
from .forms import CopyForm
from .views import _family


@never_cache
@require_safe
def data(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """All that is held about one's own child, why, for how long, and who looked."""
    actor = _family(request)
    return _data(request, actor, person_id, CopyForm())


@never_cache
@sensitive_post_parameters("password")
@require_POST
def copy(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """The copy as a download; with a wrong password the page again."""
    actor = _family(request)
    if person_id not in actor.persons:
        raise Http404
    form = CopyForm(request.POST)
    if form.is_valid():
        try:
            return _download(copies.for_family(actor, person_id, password=form.cleaned_data["password"]))
        except FamilyError as error:
            form.add_error("password", error.message)
    return _data(request, actor, person_id, form, status=422)


def _data(
    request: HttpRequest, actor: Any, person_id: uuid.UUID, form: CopyForm, status: int = 200
) -> HttpResponse:
    found = mydata.groups(actor, person_id)
    school, contact = mydata.seen(person_id)
    found_looks = mydata.looks(actor, person_id, whole=school and contact)
    looks = [
        {
            "what": x.what,
            "org_name": x.org_name,
            "role_label": x.role_label,
            "at": x.at,
            "purpose": x.purpose,
            "urgent": x.action.startswith("emergency"),
        }
        for x in found_looks
        if not x.own
    ]
    context = {
        "page_title": _("我的数据"),
        "name": people.card(actor, person_id).name,
        "person_id": person_id,
        "groups": found,
        "looks": looks,
        "own_looks": len(found_looks) - len(looks),
        "form": form,
        "part": not (school and contact),
        "may_ask": school,
        "ask_url": reverse("family:ask", args=[person_id]),
        "back_url": f"/my/{person_id}/",
    }
    note(actor, "portal.data", object_type="person", object_id=person_id, person_id=person_id)
    return render(request, "portal/data.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
def counter(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """代家长办理查阅复制: the registrar verifies who came and hands the copy over."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("copy.release")
    row = enrolment.get_row(actor, person_id)
    if row.former or row.school_id != actor.org_id:
        raise Http404
    choices = _people(actor, person_id)
    form = verification.VerificationForm(request.POST if request.method == "POST" else None)
    chosen, wrong = request.POST.get("who", ""), ""
    if request.method == "POST":
        if chosen not in [c["value"] for c in choices]:
            wrong = _("请选择副本给谁")
        elif form.is_valid():
            guardian_no = None if chosen == "self" else int(chosen)
            try:
                made, _kept = copies.at_counter(actor, person_id, guardian_no=guardian_no, form=form)
            except FamilyError as error:
                wrong = error.message
            except verification.VerificationError as error:
                form.add_error(None, error.message)
            else:
                return _download(made)
    context = {
        "page_title": _("代家长办理查阅复制"),
        "row": row,
        "form": form,
        "people": choices,
        "chosen": chosen,
        "who_error": wrong,
        "done": verification.of(f"copy:{person_id}"),
        "breadcrumbs": [
            {"label": _("学生名册"), "url": "/students/"},
            {"label": row.name, "url": f"/students/{person_id}/?tab=family"},
            {"label": _("代家长办理查阅复制")},
        ],
    }
    bad = request.method == "POST" and (wrong or form.errors)
    return render(request, "portal/counter.html", context, status=422 if bad else 200)


@never_cache
@require_safe
def receipt(request: HttpRequest, person_id: uuid.UUID, kept_id: int) -> HttpResponse:
    """The receipt to print and to sign."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("copy.release")
    row = enrolment.get_row(actor, person_id)
    found = next((v for v in verification.of(f"copy:{person_id}") if v.id == kept_id), None)
    if found is None or row.former or row.school_id != actor.org_id:
        raise Http404
    context = {"page_title": _("查阅复制学籍信息回执"), "row": row, "v": found}
    return render(request, "portal/receipt.html", context)


def _people(actor: Any, person_id: uuid.UUID) -> list[dict[str, Any]]:
    """Who may come for a copy: the guardians on record and the pupil; whoever is shut out cannot be chosen."""
    kin = [g for g in people.guardians(actor, person_id) if g.until is None]
    seen = sights(person_id, [g.guardian_no for g in kin])
    out = []
    for g in kin:
        label = f"{g.name}({g.relation_label})"
        if not seen[g.guardian_no]:
            label += " · " + _("被限制查阅")
        out.append({"value": str(g.guardian_no), "label": label, "closed": not seen[g.guardian_no]})
    return [*out, {"value": "self", "label": _("学生本人"), "closed": False}]


def _download(made: Copy) -> HttpResponse:
    response = HttpResponse(made.data, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{made.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["X-Checksum-SHA256"] = made.sha256
    return response
