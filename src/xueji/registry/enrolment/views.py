"""Pages of students: the list with its one search box, and the page of one student."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from xueji.ground.accounts import search
from xueji.ground.audit.commands import note, record
from xueji.registry.people import queries as people

from . import listing, marks, outgoing, page, queries
from .words import FACES

_CASE_NUMBER = re.compile(r"[A-Z]{2}-\d{4}-\d{6}-\d+", re.I)


def students(request: HttpRequest) -> HttpResponse:
    """The list of students in scope; a search that returns people is in the audit before it is answered."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("student.list")
    query = listing.read(request.GET)
    if _CASE_NUMBER.fullmatch(query.text):
        return HttpResponseRedirect("/cases/?" + urlencode({"q": query.text.upper()}))
    found = queries.search(actor, query.text, filters=query.filters, after=query.after)
    if query.text:
        record(
            actor, "enrolment.search", object_type="search",
            after={"kind": queries.kind_of(query.text), "rows": len(found.rows)}, row_count=len(found.rows),
            persons=[r.person_id for r in found.rows],
        )  # fmt: skip
    total, more = (len(found.rows), bool(found.next)) if query.text else listing.count(query)
    params = request.GET.copy()
    params.pop("after", None)
    asked = {k: str(x) for k, x in params.dict().items()}
    following = search.address(actor.user_id, asked | {"after": found.next}) if found.next else ""
    return render(
        request,
        "enrolment/students.html",
        {
            "query": query,
            "rows": _rows(actor, found.rows),
            "may": {
                "import": actor.can("intake.import"),
                "start": actor.can("case.start"),
                "export": outgoing.may_export(actor),
                "plain": actor.can("export.apply"),
            },
            "views": listing.view_tabs(query, request.path),
            "choices": listing.choices(actor),
            "total": total,
            "more": more,
            "next_url": following,
            "first_url": search.address(actor.user_id, asked) if query.after else "",
            "search_text": query.text,
            "columns": columns(actor),
            "show_school": actor.org_kind != "school",
        },
    )


def _rows(actor: Any, rows: list[queries.RosterRow]) -> list[dict[str, Any]]:
    """Rows with their masked numbers: one query for the page. A former school has no part in the number."""
    cards = people.cards(actor, [r.person_id for r in rows if not r.former])
    beside = marks.of([r.person_id for r in rows if not r.former])
    return [
        {
            "row": r,
            "face": FACES.get(r.status, ""),
            "url": f"/students/{r.person_id}/",
            "number": cards[r.person_id].number if r.person_id in cards else "",
            "marks": beside.get(r.person_id, []),
        }
        for r in rows
    ]


def columns(actor: Any) -> list[dict[str, str]]:
    """Headings of the list."""
    labels = [
        _("姓名"),
        _("性别"),
        _("出生日期"),
        _("年级"),
        _("班级"),
        _("学籍状态"),
        _("学籍号"),
        _("在办业务"),
    ]
    if actor.org_kind != "school":
        labels.insert(5, _("学校"))
    return [{"label": x} for x in labels] + [{"label": _("操作"), "class": "xj-col-actions"}]


def student(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """One student: who, where, since when, by whose decision. A former school sees its own period only."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    actor.require("student.view")
    context = page.build(actor, person_id, tab=request.GET.get("tab", ""))
    card = context["card"]
    if (
        card is not None
        and card.merged_into
        and not request.GET.get("alias")
        and people.seen(card.merged_into)
    ):
        # A record that was merged leads to the one that goes on; `alias` shows what stands under the former key.
        return HttpResponseRedirect(f"/students/{card.merged_into}/")
    note(actor, "people.view", object_type="person", object_id=person_id, person_id=person_id)
    return render(request, "enrolment/student.html", context)
