"""Pages of units and classes: they join the tree (floor 0) with the rosters (floor 1)."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts import queries as accounts
from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of
from xueji.ground.orgs import commands
from xueji.ground.orgs import queries as orgs
from xueji.ground.orgs.forms import ClassForm, OrgForm, UnitForm
from xueji.ground.orgs.grades import grade_on, start_year_of
from xueji.ground.orgs.models import OrgKind
from xueji.ground.standards import codes
from xueji.registry.enrolment import queries as enrolment

from . import nav, queries


@require_GET
def org_tree(request: HttpRequest) -> HttpResponse:
    """The tree of units below one's own; a search opens the way to what fits."""
    actor = actor_of(request)
    actor.require("org.view")
    text = request.GET.get("q", "").strip()[:60]
    context = {
        "page_title": _("单位"),
        "nodes": orgs.tree(actor, text),
        "text": text,
        "may_add": actor.can("org.edit"),
    }
    return render(request, "home/orgs.html", context)


@require_GET
def org_card(request: HttpRequest, org_id: int) -> HttpResponse:
    """The sheet of a unit; head-counts only for those whose scope covers its pupils."""
    actor = actor_of(request)
    actor.require("org.view")
    card = orgs.card(actor, org_id)
    path = (
        "/" + "/".join(str(i) for i, _name in card.parents) + f"/{org_id}/" if card.parents else f"/{org_id}/"
    )
    covered, edits = orgs.covers(actor, path), actor.can("org.edit") and orgs.within(actor, path)
    classes = orgs.classes_of(org_id) if card.is_school else []
    heads = queries.class_heads([c.id for c in classes]) if covered else {}
    context = {
        "page_title": card.name,
        "card": card,
        "covered": covered,
        "grades": _grades(classes, heads, accounts.class_teachers([c.id for c in classes])),
        "total": queries.enrolled_below(path) if covered else None,
        "type_label": _code("school_type_bxlx", card.school_type),
        "may_add": edits and not card.is_school,
        "may_open": actor.can("class.view"),
        "may_change": edits,
        "breadcrumbs": [{"label": _("单位"), "url": "/orgs/"}, {"label": card.name}],
    }
    return render(request, "home/org.html", context)


def _code(table: str, code: str) -> str:
    if not code:
        return ""
    try:
        return codes.table(table).label(code)
    except LookupError:
        return code


@require_http_methods(["GET", "POST"])
def org_new(request: HttpRequest, org_id: int) -> HttpResponse:
    """A new unit or school below another."""
    actor = actor_of(request)
    actor.require("org.edit")
    parent = orgs.card(actor, org_id)
    form = OrgForm(request.POST or None, types=codes.table("school_type_bxlx").choices())
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        basics: dict[str, Any] = {k: data[k] for k in ("code", "name", "short_name", "phone")}
        try:
            if data["kind"] == OrgKind.SCHOOL:
                new = commands.create_school(
                    actor,
                    parent_id=org_id,
                    stages=data["stages"],
                    system=data["system"],
                    school_type=data["school_type"],
                    **basics,
                )
            else:
                new = commands.create_org(actor, kind=data["kind"], parent_id=org_id, **basics)
        except commands.OrgError as e:
            form.add_error(None, e.message)
        else:
            messages.success(request, _("已新增 %(name)s") % {"name": data["name"]})
            return redirect("home:org", org_id=new)
    context = {"page_title": _("新增单位"), "form": form, "parent": parent}
    return render(request, "home/org_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def org_edit(request: HttpRequest, org_id: int) -> HttpResponse:
    """Mend a unit's office; put a school under a central school or straight under its authority."""
    actor = actor_of(request)
    actor.require("org.edit")
    card = orgs.card(actor, org_id)
    start = {f: getattr(card, f) for f in ("short_name", "phone", "contact", "parent_id")}
    form = UnitForm(request.POST or None, initial=start, parents=orgs.possible_parents(org_id))
    if request.method == "POST" and form.is_valid():
        try:
            commands.change_org(actor, org_id, **form.cleaned_data)
        except commands.OrgError as e:
            form.add_error(None, e.message)
        else:
            messages.success(request, _("单位信息已修改"))
            return redirect("home:org", org_id=org_id)
    context = {"page_title": _("修改单位"), "form": form, "card": card}
    return render(request, "home/org_edit.html", context, status=422 if form.errors else 200)


def _grades(
    classes: list[orgs.ClassRow], heads: dict[int, queries.Heads], teachers: dict[int, str]
) -> list[dict[str, Any]]:
    out = []
    for label, rows in groupby(classes, key=lambda c: c.grade_label):
        items = [
            {
                "row": c,
                "heads": heads.get(c.id, queries.Heads()),
                "size": orgs.size_label(heads.get(c.id, queries.Heads()).all),
                "teacher": teachers.get(c.id, ""),
            }
            for c in rows
        ]
        out.append({"label": label, "items": items, "total": sum(i["heads"].all for i in items)})  # type: ignore[attr-defined]
    return out


@require_GET
def class_list(request: HttpRequest) -> HttpResponse:
    """The classes of one's school by grade; a teacher sees his own."""
    actor = actor_of(request)
    actor.require("class.view")
    if actor.org_kind != OrgKind.SCHOOL or actor.org_id is None:
        return redirect("home:orgs")
    classes = orgs.classes_of(actor.org_id)
    if actor.classes:
        classes = [c for c in classes if c.id in actor.classes]
    ids = [c.id for c in classes]
    context = {
        "page_title": _("班级年级"),
        "grades": _grades(classes, queries.class_heads(ids), accounts.class_teachers(ids)),
        "may_add": actor.can("class.edit"),
    }
    return render(request, "home/classes.html", context)


@require_GET
def class_page(request: HttpRequest, class_id: int) -> HttpResponse:
    """The pupils of a class, by seat and pinyin."""
    actor = actor_of(request)
    actor.require("class.view")
    row = orgs.class_row(actor, class_id)
    pupils = enrolment.rows_of_class(actor, class_id)
    base = f"/classes/{class_id}/roster"
    context = {
        "page_title": row.label,
        "row": row,
        "pupils": pupils,
        "reading": sum(1 for p in pupils if p.status == 1),
        "size": orgs.size_label(len(pupils)),
        "teacher": accounts.class_teachers([class_id]).get(class_id, ""),
        "roster_pdf": f"{base}.pdf" if actor.can("roster.print") and nav.exists(f"{base}.pdf") else "",
        "roster_xlsx": f"{base}.xlsx" if actor.can("roster.print") and nav.exists(f"{base}.xlsx") else "",
        "record_cards": f"/classes/{class_id}/record-cards.pdf" if actor.can("roster.print") else "",
        "ledgers": [
            {"url": f"/classes/{class_id}/ledger.{form}", "label": label, "icon": icon}
            for form, label, icon in (
                ("pdf", _("打印学籍台账"), "printer"),
                ("xlsx", _("下载学籍台账"), "file-export"),
            )
            if actor.can("roster.print")
        ],
        "roster_wider": [
            {"url": f"{base}.{form}?scope={scope}", "label": label, "icon": icon}
            for scope, form, label, icon in (
                ("grade", "pdf", _("打印全年级花名册"), "printer"),
                ("grade", "xlsx", _("下载全年级花名册"), "file-export"),
                ("school", "pdf", _("打印全校花名册"), "printer"),
                ("school", "xlsx", _("下载全校花名册"), "file-export"),
            )
            if actor.can("student.export") and nav.exists(f"{base}.{form}")
        ]
        + [
            {"url": f"/classes/{class_id}/exam-list.{form}", "label": label, "icon": icon}
            for form, label, icon in (
                ("pdf", _("打印考试报名核对名单(全年级)"), "printer"),
                ("xlsx", _("下载考试报名核对名单(全年级)"), "file-export"),
            )
            if actor.can("register.print")
        ],
        "may_invite": actor.can("family.invite") and bool(pupils),
        "may_consents": actor.can("consent.view") and bool(pupils),
        "may_close": actor.can("class.edit")
        and actor.org_id == row.school_id
        and not row.closed
        and not pupils,
        "breadcrumbs": [
            {"label": _("班级年级"), "url": "/classes/"}
            if actor.org_kind == OrgKind.SCHOOL
            else {"label": _("单位"), "url": f"/orgs/{row.school_id}/"},
            {"label": row.label},
        ],
    }
    return render(request, "home/class.html", context)


@require_http_methods(["GET", "POST"])
def class_new(request: HttpRequest) -> HttpResponse:
    """A new class of one's school."""
    actor = actor_of(request)
    actor.require("class.edit")
    if actor.org_id is None:
        raise Http404
    card = orgs.card(actor, actor.org_id)
    this = start_year_of(today())
    years = range(this + 1, this - 6, -1)
    form = ClassForm(
        request.POST or None, stages=card.stages, cohorts=[(y, _cohort_label(card, y)) for y in years]
    )
    if request.method == "POST" and form.is_valid():
        try:
            new = commands.create_class(actor, actor.org_id, **form.cleaned_data)
        except commands.OrgError as e:
            form.add_error(None, e.message)
        else:
            messages.success(request, _("已新增班级"))
            return redirect("home:class", class_id=new)
    context = {"page_title": _("新增班级"), "form": form}
    return render(request, "home/class_new.html", context, status=422 if form.errors else 200)


def _cohort_label(card: orgs.SchoolCard, year: int) -> str:
    grades = [grade_on(s, year, card.system, today()) for s in card.stages]
    names = "、".join(g.label for g in grades if g)
    return _("%(y)s级") % {"y": year} + (f" ({names})" if names else "")


@require_POST
def class_close(request: HttpRequest, class_id: int) -> HttpResponse:
    """Close an empty class."""
    actor = actor_of(request)
    try:
        commands.close_class(actor, class_id, occupied=queries.occupied)
    except commands.OrgError as e:
        messages.error(request, e.message)
        return redirect("home:class", class_id=class_id)
    messages.success(request, _("班级已停用"))
    return redirect("home:classes")
