"""Pages of security incidents, and the emergency plan."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from xueji.ground.accounts.http import carry_out, whole
from xueji.ground.orgs.models import Org

from . import documents, officers, queries, terms
from .commands import incidents
from .errors import PrivacyError
from .forms import IncidentForm, LookForm, NoticeForm, StepForm
from .models import Incident
from .pages import actor_of, attached


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Incidents under way, or closed ones."""
    actor = actor_of(request, "privacy.incident")
    open_ = request.GET.get("tab", "") != "closed"
    rows = queries.incidents(actor, open_only=open_)
    names = queries.names({r.org_id for r in rows})
    now = timezone.now()
    context = {
        "rows": [
            {
                "r": r,
                "kind": terms.kinds()[r.kind].name,
                "org": names.get(r.org_id, ""),
                "late": r.closed_at is None and any(s.late for s in queries.step_lines(r)),
                "severity": incidents.SEVERITIES.get(r.severity, ""),
            }
            for r in rows
        ],
        "open": open_,
        "now": now,
        "tabs": [
            {"label": _("处置中"), "url": "?", "active": open_},
            {"label": _("已办结"), "url": "?tab=closed", "active": not open_},
        ],
    }
    return render(request, "privacy/incidents.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Anybody of staff reports."""
    actor = actor_of(request, "privacy.report")
    form = IncidentForm(request.POST or None, may_drill=actor.can("privacy.incident"))
    if request.method == "POST" and form.is_valid():
        try:
            made = incidents.report(actor, **form.cleaned_data)
        except PrivacyError as error:
            form.add_error(None, error.message)
        else:
            messages.success(
                request, _("已报告, 编号 %s。本单位的负责人和主管部门现在就能看到") % made.number
            )
            if actor.can("privacy.incident"):
                return redirect("privacy:incident", made.pk)
            return redirect("privacy:plan")
    return render(request, "privacy/incident_new.html", {"form": form}, status=422 if form.errors else 200)


def _draft_notice(row: Incident, office: Org) -> dict[str, str]:
    """The template's words with what is known filled in; {name} stays for each child."""
    kind = terms.kinds()[row.kind]
    known = {
        "school": office.name,
        "date": timezone.localtime(row.found_at).strftime("%Y年%m月%d日"),
        "title": row.title,
        "phone": office.phone,
        "name": "{name}",
        "fields": "{fields}",
        "measures": "{measures}",
    }
    return {"guardian": kind.guardian.format(**known), "child": kind.child.format(**known)}


@require_safe
def one(request: HttpRequest, incident_id: uuid.UUID) -> HttpResponse:
    """One incident: clock, people, notices, review."""
    actor = actor_of(request, "privacy.incident")
    row = queries.incident(actor, incident_id)
    office = Org.objects.get(pk=row.org_id)
    people = list(row.affected.order_by("school_id", "class_name", "pk")[:200])
    total = row.affected.count()
    told = row.affected.exclude(told_at=None, letter_at=None, spoken_at=None).count()
    kind = terms.kinds()[row.kind]
    words = {"guardian": row.notice_guardian, "child": row.notice_child}
    context = {
        "row": row,
        "text": queries.incident_text(actor, row, [a.person_id for a in people]),
        "kind": kind,
        "office": office,
        "lines": queries.step_lines(row),
        "people": people,
        "total": total,
        "told": told,
        "open": row.closed_at is None,
        "severity": incidents.SEVERITIES.get(row.severity, _("未定")),
        "step_form": StepForm(),
        "notice_form": NoticeForm(initial=words if row.notice_guardian else _draft_notice(row, office)),
        "look_form": LookForm(),
        "school": office.kind == "school" and actor.org_id == office.pk,
    }
    return render(request, "privacy/incident.html", context)


@require_POST
def deed(request: HttpRequest, incident_id: uuid.UUID, what: str) -> HttpResponse:
    """A step, people, notices, the end."""
    actor = actor_of(request, "privacy.incident")
    row = queries.incident(actor, incident_id)
    post = request.POST

    def people() -> None:
        raw = whole(post.get("class_id"))
        found = queries.children(actor, school_id=row.org_id, class_id=raw)
        if not found:
            raise PrivacyError(_("没有找到本单位范围内的在籍学生"))
        incidents.add_people(actor, incident_id, found, _("全班") if raw else _("全校"))

    def looked() -> None:
        form = LookForm(post)
        if not form.is_valid():
            raise PrivacyError(_("请填写账号和起止时间"))
        data = form.cleaned_data
        try:
            found, name = queries.children_looked_at(actor, data["username"], data["begin"], data["end"])
        except Http404:
            raise PrivacyError(_("本单位和下级没有这个账号")) from None
        if not found:
            raise PrivacyError(_("这段时间内该账号没有查看过范围内的学生"))
        incidents.add_people(actor, incident_id, found, _("%s 查看过") % name)

    deeds: dict[str, tuple[Any, str]] = {
        "step": (
            lambda: incidents.step(
                actor,
                incident_id,
                code=post.get("code", ""),
                text=post.get("text", ""),
                severity=post.get("severity", ""),
            ),
            _("已记录"),
        ),
        "people": (people, _("已加入名单")),
        "looked": (looked, _("已加入名单")),
        "remove": (
            lambda: incidents.remove_person(actor, incident_id, whole(post.get("affected")) or 0),
            _("已去掉"),
        ),
        "notice": (
            lambda: incidents.write_notice(
                actor, incident_id, guardian=post.get("guardian", ""), child=post.get("child", "")
            ),
            _("告知内容已保存"),
        ),
        "tell": (lambda: incidents.tell(actor, incident_id), _("已发到家长和学生的页面")),
        "spoken": (
            lambda: incidents.spoken(
                actor, incident_id, whole(post.get("affected")) or 0, how=post.get("how", "")
            ),
            _("已记录"),
        ),
        "close": (lambda: incidents.close(actor, incident_id), _("事件已办结")),
    }
    if what not in deeds:
        raise Http404
    run, words = deeds[what]
    url = reverse("privacy:incident", args=[incident_id])
    return carry_out(request, run, words, url, refused=PrivacyError)


@require_POST
def letters(request: HttpRequest, incident_id: uuid.UUID) -> HttpResponse:
    """Letters to the families, one page each."""
    actor = actor_of(request, "privacy.incident")
    row = queries.incident(actor, incident_id)
    try:
        people = incidents.printed(actor, incident_id)
    except PrivacyError as error:
        messages.error(request, error.message)
        return redirect("privacy:incident", incident_id)
    return attached(documents.letters(actor, row, people), f"告知书-{row.number}.pdf")


@require_safe
def plan(request: HttpRequest) -> HttpResponse:
    """应急预案: whom to call, what to do in which order, until when."""
    actor = actor_of(request, "privacy.report")
    ids = [int(part) for part in actor.org_path.split("/") if part]
    if actor.county_id:
        ids.append(actor.county_id)
    offices = list(Org.objects.filter(pk__in=ids).order_by("-path"))
    named = {o.org_id: o for o in officers.published(ids)}
    context = {
        "offices": [{"org": o, "officer": named.get(o.pk)} for o in offices],
        "steps": terms.steps(),
        "drill": terms.term("drill.every"),
        "kinds": terms.kinds().values(),
    }
    return render(request, "privacy/plan.html", context)
