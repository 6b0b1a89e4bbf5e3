"""Pages of parents and students, phone first: my children, one child, a certificate."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from xueji.ground.audit.commands import note
from xueji.ground.standards.masking import mask_name
from xueji.office.certificates import commands as certificates
from xueji.office.certificates import queries as papers
from xueji.office.certificates.errors import CertificateRefused
from xueji.office.certificates.models import Certificate
from xueji.office.privacy import reading as incidents
from xueji.registry.collect import queries as collect
from xueji.registry.family import requests as family_requests
from xueji.registry.family.views_requests import shown
from xueji.registry.people import queries as people

from . import queries


def _family(request: HttpRequest) -> Any:
    """The actor, who must be a parent or a student."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    if not actor.is_portal:
        raise PermissionDenied(_("这里是家长和学生的页面, 请到“学生”里查看学籍"))
    return actor


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """One card for each child; with a single child straight to it."""
    actor = _family(request)
    children = queries.children(actor)
    if len(actor.persons) == 1:
        return redirect(f"/my/{actor.persons[0]}/")
    names = {x.person_id: x.row.name for x in children}
    return render(
        request,
        "portal/home.html",
        {
            "page_title": _("孩子的学籍"),
            "children": children,
            "to_do": [a for x in children for a in x.to_do],
            "collecting": [(t, names.get(t.person_id, "")) for t in collect.of_family(actor, actor.persons)],
            "limited": [p for p in actor.persons if p not in names],
            "may_add": actor.role == "parent",
        },
    )


@never_cache
@require_safe
def child(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Who am I, where am I enrolled, what was decided, my certificates. 404 for anybody else's child."""
    actor = _family(request)
    try:
        one = queries.child(actor, person_id)
    except Http404:
        # A child whose school this guardian must not know: name and birth, and why there is no more.
        return _limited(request, actor, person_id)
    context = {
        "child": one,
        "who": _who(actor, one),
        "where": _where(one),
        "events": queries.happenings(person_id),
        "collecting": [(t, one.row.name) for t in collect.of_family(actor, [person_id])],
        "requests": [shown(r) for r in family_requests.of_child(person_id)],
        "certificates": [_paper(row) for row in papers.of_person(actor, person_id)],
        "back_url": "/my/" if len(actor.persons) > 1 else "",
        "may_add": actor.role == "parent" and len(actor.persons) == 1,
        "may_ask": one.present,
        "purposes": certificates.PORTAL_PURPOSES.items(),
        "privacy_notices": incidents.notices_for(actor, person_id),
    }
    note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
    return render(request, "portal/child.html", context)


def _limited(request: HttpRequest, actor: Any, person_id: uuid.UUID) -> HttpResponse:
    if person_id not in actor.persons:
        raise Http404
    card = people.card(actor, person_id)
    rows = ((_("姓名"), card.name), (_("性别"), card.sex_label), (_("出生日期"), card.birth_date.isoformat()))
    context = {
        "card": card,
        "who": [{"label": k, "value": v} for k, v in rows],
        "requests": [shown(r) for r in family_requests.of_child(person_id)],
    }
    note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
    return render(request, "portal/limited.html", context)


@require_POST
def certificate(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Give out a proof of enrolment for one's own child (C-CER-04). 404 for anybody else's."""
    actor = _family(request)
    try:
        row = certificates.issue_for_portal(actor, person_id, purpose=request.POST.get("purpose", ""))
    except CertificateRefused as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, _("已开具%(title)s, 可以下载了") % {"title": row.content.get("title") or _("在籍证明")}
        )
    return redirect(reverse("portal:child", args=[person_id]) + "#certificates")


def _paper(row: Certificate) -> dict[str, Any]:
    """A line of 我的证明."""
    state = papers.state_of(row)
    return {
        "title": row.content.get("title") or _("在籍证明"),
        "number": row.number,
        "purpose": row.purpose,
        "state": papers.STATES[state],
        "valid": state == "valid",
        "issued_on": papers.issued_on(row),
        "valid_until": row.valid_until,
        "url": reverse("certificates:certificate", args=[row.pk]),
        "download": reverse("certificates:pdf", args=[row.pk]),
    }


def _who(actor: Any, one: queries.Child) -> list[dict[str, Any]]:
    """The lines of 我是谁: numbers covered, guardians by their first character."""
    card = one.card
    rows = [
        (_("姓名"), card.name),
        (_("曾用名"), card.former_name),
        (_("性别"), card.sex_label),
        (_("出生日期"), card.birth_date.isoformat()),
        (card.id_type_label or _("身份证件"), card.identity or _("没有登记")),
        (card.number_kind or _("学籍号"), card.number or _("还没有")),
    ]
    for g in people.guardians(actor, one.person_id):
        if g.until is None:
            phone = f" · {g.phone}" if g.phone else ""
            rows.append((g.relation_label or _("监护人"), mask_name(g.name) + phone))
    return [{"label": label, "value": value} for label, value in rows if value]


def _where(one: queries.Child) -> list[dict[str, Any]]:
    """The lines of 在哪里就读."""
    rows = (
        (_("学校"), one.row.school_name),
        (_("班级"), one.row.class_name or one.row.grade_label),
        (_("学籍状态"), one.status_label),
        (_("入校日期"), one.since.isoformat()),
        (_("班内学号"), one.row.class_seat),
    )
    return [{"label": label, "value": value} for label, value in rows if value]
