"""Pages of photos: bringing many, looking them over, one pupil's, who has none."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.registry.enrolment import queries as enrolment

from . import archive, commands, queries
from .errors import PhotosError
from .models import BatchState, ItemState

_HOW = {
    "identity": _lazy("按证件号"),
    "number": _lazy("按学籍号"),
    "class": _lazy("按班级和姓名"),
    "name": _lazy("只按姓名, 请核对"),
    "seat": _lazy("按班级和班内学号"),
    "hand": _lazy("由您指定"),
}
_VIEWS = (
    ("look", _lazy("要处理"), (ItemState.UNMATCHED, ItemState.REFUSED)),
    ("matched", _lazy("已对应"), (ItemState.MATCHED,)),
    ("applied", _lazy("已采用"), (ItemState.APPLIED,)),
    ("left", _lazy("不采用"), (ItemState.LEFT,)),
)


@require_http_methods(["GET", "POST"])
def listing(request: HttpRequest) -> HttpResponse:
    """Bring photos; the batches of the school; how many pupils have none."""
    actor = actor_of(request)
    actor.require("student.edit")
    error = ""
    if request.method == "POST":
        sent = request.FILES.getlist("files")
        try:
            if sum(f.size or 0 for f in sent) > archive.ZIP_BYTES:
                text = _("一次最多上传 %(limit)s MB, 请按班级分成几次")
                raise PhotosError(text % {"limit": archive.ZIP_BYTES >> 20})
            batch = commands.bring(actor, [(f.name or "", f.read()) for f in sent])
            return see_other(reverse("photos:batch", args=[batch.pk]))
        except PhotosError as e:
            error = e.message
    before = whole(request.GET.get("before"))
    rows = queries.batches(actor, before=before)
    page = rows[: queries.PAGE]
    return render(
        request,
        "photos/list.html",
        {
            "rows": page,
            "lacking": queries.lacking(actor)[1] if actor.org_kind == "school" else 0,
            "next_url": f"?before={page[-1].pk}" if len(rows) > len(page) else "",
            "first_url": request.path if before else "",
            "error": error,
            "most": archive.MOST,
            "limit": archive.ZIP_BYTES >> 20,
        },
        status=400 if error else 200,
    )


@require_GET
def batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    """One batch: what was matched, what is to be said by hand, confirming."""
    actor = actor_of(request)
    actor.require("student.edit")
    found = queries.batch(actor, batch_id)
    counts = queries.counts(batch_id)
    show = request.GET.get("show", "")
    views = {key: (label, states) for key, label, states in _VIEWS}
    todo = counts[ItemState.UNMATCHED] + counts[ItemState.REFUSED]
    if show not in views:
        show = "look" if todo else "matched" if counts[ItemState.MATCHED] else "applied"
    after = whole(request.GET.get("after")) or 0
    rows = queries.items(found, states=[str(s) for s in views[show][1]], after=after)
    page = rows[: queries.PAGE]
    return render(
        request,
        "photos/batch.html",
        {
            "batch": found,
            "busy": found.state == BatchState.QUEUED,
            "open": found.state == BatchState.READY,
            "counts": counts,
            "matched": counts[ItemState.MATCHED],
            "todo": todo,
            "rows": [{"item": row, "how": _HOW.get(row.how, "")} for row in page],
            "show": show,
            "views": [
                {
                    "url": f"?show={key}",
                    "label": label,
                    "count": sum(counts[s] for s in states),
                    "active": key == show,
                }
                for key, label, states in _VIEWS
            ],
            "next_url": f"?show={show}&after={page[-1].no}" if len(rows) > len(page) else "",
            "first_url": f"?show={show}" if after else "",
        },
    )


@require_http_methods(["GET", "POST"])
def item(request: HttpRequest, batch_id: int, no: int) -> HttpResponse:
    """Say whose picture it is: pupils by the beginning of their name; or leave it out."""
    actor = actor_of(request)
    actor.require("student.edit")
    found, one = queries.batch(actor, batch_id), queries.item(batch_id, no)
    name = request.POST.get("name", "").strip()[:40]
    if request.method == "POST" and (request.POST.get("person") or request.POST.get("leave")):
        try:
            commands.assign(actor, batch_id, no, _uuid(request.POST.get("person", "")))
            return see_other(reverse("photos:batch", args=[batch_id]))
        except PhotosError as e:
            messages.error(request, e.message)
    return render(
        request,
        "photos/item.html",
        {"batch": found, "item": one, "name": name, "found": queries.named(actor, name) if name else []},
    )


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@require_POST
def apply(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Put the matched pictures in force."""
    actor = actor_of(request)
    try:
        n = commands.apply(actor, batch_id, expected=whole(request.POST.get("expected")) or 0)
        messages.success(request, _("已为 %(n)s 名学生采用新照片") % {"n": n})
    except PhotosError as e:
        messages.error(request, e.message)
    return redirect("photos:batch", batch_id)


@require_GET
def lacking(request: HttpRequest) -> HttpResponse:
    """Pupils without a photo, class by class."""
    actor = actor_of(request)
    actor.require("student.edit")
    page = whole(request.GET.get("page")) or 0
    rows, total = queries.lacking(actor, page=page)
    return render(
        request,
        "photos/lacking.html",
        {
            "rows": rows,
            "total": total,
            "next_url": f"?page={page + 1}" if (page + 1) * queries.PAGE < total else "",
            "first_url": f"?page={page - 1}" if page else "",
        },
    )


@require_http_methods(["GET", "POST"])
def student(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """One pupil's photo: choose a file or take a picture."""
    actor = actor_of(request)
    actor.require("student.edit")
    row: Any = enrolment.get_row(actor, person_id)
    error = ""
    if request.method == "POST":
        file = request.FILES.get("photo")
        try:
            if file is None:
                raise PhotosError(_("请选择照片"))
            commands.put(actor, person_id, file.read(archive.UPLOAD_BYTES + 1))
            messages.success(request, _("已采用新照片"))
            return see_other(reverse("enrolment:student", args=[person_id]))
        except PhotosError as e:
            error = e.message
    return render(
        request,
        "photos/student.html",
        {"row": row, "person_id": person_id, "error": error},
        status=400 if error else 200,
    )
