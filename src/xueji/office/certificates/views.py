"""Pages of certificates: the school's list, giving one out, one certificate with its paper."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.accounts.http import PDF, attachment
from xueji.ground.paper.fonts import MissingGlyphs
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.exams import queries as exams
from xueji.registry.people import queries as people

from . import commands, facts, queries
from .errors import CertificateRefused
from .forms import PURPOSES, IssueForm, ListForm
from .models import Certificate

_TONES = {"valid": "green", "expired": "grey", "revoked": "red"}
_ICONS = {"valid": "check", "expired": "clock", "revoked": "ban"}


def _face(row: Certificate) -> dict[str, str]:
    state = queries.state_of(row)
    return {"state": state, "label": str(queries.STATES[state]), "tone": _TONES[state], "icon": _ICONS[state]}


@require_safe
def certificates(request: HttpRequest) -> HttpResponse:
    """The certificates of the own school, newest first."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("certificate.issue")
    asked = ListForm(request.GET).asked()
    page = queries.listed(
        actor,
        number=asked.get("number", ""),
        state=asked.get("state", ""),
        kind=asked.get("kind", ""),
        after=request.GET.get("after", "")[:120],
    )
    return render(
        request,
        "certificates/list.html",
        {
            "rows": [(row, _face(row)) for row in page.rows],
            "asked": asked,
            "states": queries.STATES.items(),
            "kinds": facts.TITLES.items(),
            "next_url": f"?{urlencode({**asked, 'after': page.next})}" if page.next else "",
            "first_url": f"?{urlencode(asked)}" if request.GET.get("after") else "",
        },
    )


def _person(request: HttpRequest) -> uuid.UUID | None:
    raw = request.GET.get("person") or request.POST.get("person")
    if not raw:
        return None
    try:
        return uuid.UUID(raw)
    except ValueError as error:
        raise Http404 from error


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Give out a certificate for the child chosen on its page."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("certificate.issue")
    person_id = _person(request)
    if person_id is None:
        return render(request, "certificates/choose.html")
    card = people.card(actor, person_id)
    link = enrolment.current(person_id)
    here = link is not None and link.school_id == actor.org_id
    guest = None if here else facts.hosted_here(actor, person_id)
    kinds = facts.possible_kinds(link, guest) if here or guest else []
    asked = {
        name: request.GET[name][:50]
        for name in ("kind", "purpose")
        if request.GET.get(name) and (name != "kind" or request.GET[name] in kinds)
    }
    held = exams.last_marks(person_id) if facts.RESULTS in kinds else None
    if held is not None:
        asked |= {
            "term": held[0][:40],
            "results": "\n".join(f"{subject} {mark}" for subject, mark in held[1]),
        }
    form = IssueForm(request.POST or None, kinds=kinds, initial=asked)
    refused = "" if kinds else _("该生的学籍不在本校或已经结束, 不能开具证明")
    if request.method == "POST" and kinds and form.is_valid():
        try:
            row = commands.issue(actor, person_id, **form.cleaned_data)
        except CertificateRefused as error:
            refused = error.message
        else:
            messages.success(request, _("已开具%(t)s %(n)s") % {"t": row.content["title"], "n": row.number})
            return HttpResponseRedirect(reverse("certificates:certificate", args=[row.pk]))
    row_of = enrolment.get_row(actor, person_id)
    return render(
        request,
        "certificates/new.html",
        {
            "form": form,
            "person_id": person_id,
            "refused": refused,
            "possible": bool(kinds),
            "purposes": PURPOSES,
            "facts": [
                {"label": _("姓名"), "value": card.name},
                {"label": _("性别"), "value": card.sex_label},
                {"label": _("出生日期"), "value": card.birth_date.isoformat()},
                {"label": _("学籍号"), "value": card.number},
                {"label": card.id_type_label or _("身份证件"), "value": card.identity},
                {"label": _("班级"), "value": row_of.class_name or row_of.grade_label},
                {"label": _("学籍状态"), "value": row_of.status_label},
            ],
        },
    )


@require_safe
def certificate(request: HttpRequest, certificate_id: uuid.UUID) -> HttpResponse:
    """One certificate: what is on the paper, whether it holds, the paper itself."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    row = queries.get(actor, certificate_id)
    content = row.content
    return render(
        request,
        "certificates/certificate.html",
        {
            "base": "layout/base_phone.html" if actor.is_portal else "layout/base.html",
            "row": row,
            "face": _face(row),
            "back": f"/my/{row.person_id}/" if actor.is_portal else reverse("certificates:list"),
            "back_url": f"/my/{row.person_id}/" if actor.is_portal else "",
            "may_revoke": actor.can("certificate.issue") and row.school_id == actor.org_id and not row.revoked_at,
            "transfer": queries.transfer_of(actor, row),
            "facts": [
                {"label": _("证明编号"), "value": row.number},
                {"label": _("姓名"), "value": content["name"],
                 "url": "" if actor.is_portal else f"/students/{row.person_id}/"},
                {"label": _("性别"), "value": content["sex"]},
                {"label": _("出生日期"), "value": content["birth"]},
                {"label": _("学籍号"), "value": content["student_number"]},
                {"label": content["identity_kind"] or _("身份证件"), "value": content["identity"]},
                {"label": _("学校"), "value": content["school"]},
                {"label": _("年级班级"), "value": content["grade"] + content["class"]},
                {"label": _("学籍状态"), "value": content["status"]},
                *([{"label": _("期限"), "value": content["period"]}] if content.get("period") else []),
                {"label": _("用途"), "value": row.purpose},
                {"label": _("开具日期"), "value": queries.issued_on(row).isoformat()},
                {"label": _("有效期至"), "value": queries.until_words(row)},
            ],
        },
    )  # fmt: skip


@require_safe
def download(request: HttpRequest, certificate_id: uuid.UUID) -> HttpResponse:
    """The paper as PDF."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    try:
        data, name = commands.print_again(actor, certificate_id)
    except (CertificateRefused, MissingGlyphs) as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("certificates:certificate", args=[certificate_id]))
    return attachment(data, name, PDF)


@require_POST
def go_along(request: HttpRequest, certificate_id: uuid.UUID) -> HttpResponse:
    """Put a certificate of marks to the child's transfer."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    try:
        case = commands.go_along(actor, certificate_id)
    except (CertificateRefused, MissingGlyphs) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("已随附到转学业务 %s") % (case.number or _("草稿")))
    return HttpResponseRedirect(reverse("certificates:certificate", args=[certificate_id]))


@require_POST
def revoke(request: HttpRequest, certificate_id: uuid.UUID) -> HttpResponse:
    """Declare it void."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    try:
        commands.revoke(actor, certificate_id, request.POST.get("reason", ""))
    except CertificateRefused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("已作废, 核验页面会立即显示“已作废”"))
    return HttpResponseRedirect(reverse("certificates:certificate", args=[certificate_id]))
