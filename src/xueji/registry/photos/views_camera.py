"""A class before the browser's camera, one pupil after the other (C-COL-09)."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from xueji.ground.accounts.http import actor_of, see_other
from xueji.ground.orgs import queries as orgs

from . import archive, commands, queries
from .errors import PhotosError


@require_GET
def classes(request: HttpRequest) -> HttpResponse:
    """Classes of the school, and how many of each have no photo."""
    actor = actor_of(request)
    actor.require("student.edit")
    if actor.org_kind != "school":
        raise Http404
    context = {"page_title": _("用摄像头拍照"), "rows": queries.by_class(actor)}
    return render(request, "photos/cameras.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def camera(request: HttpRequest, class_id: int) -> HttpResponse:
    """The pupil whose turn it is, the class beside; a photo that is sent is put in force by the command of one photo,
    and the next pupil is named: as JSON for the page's script, by its own address for a plain form.
    """
    actor = actor_of(request)
    actor.require("student.edit")
    rows = queries.sitters(actor, class_id)
    if not rows:
        raise Http404
    script = request.headers.get("Accept") == "application/json"
    error = ""
    if request.method == "POST":
        sitter = _chosen(rows, request.POST.get("person", ""))
        if sitter is None:
            raise Http404
        try:
            _put(actor, sitter, request)
        except (PhotosError, PermissionDenied) as e:
            error = e.message if isinstance(e, PhotosError) else str(e) or _("您没有修改照片的权限")
            if script:
                return JsonResponse({"message": error}, status=422)
        else:
            rows = queries.sitters(actor, class_id)
            follower = _after(rows, sitter.person_id)
            if script:
                return JsonResponse(_told(rows, sitter, follower))
            messages.success(request, _("%s 的照片已采用") % sitter.name)
            path = reverse("photos:camera", args=[class_id])
            return see_other(f"{path}?who={follower.person_id}" if follower else path)
    asked = request.POST.get("person") if error else request.GET.get("who")
    current = _chosen(rows, asked or "") or next((r for r in rows if not r.has), rows[0])
    context = {
        "page_title": _("拍照: %s") % orgs.class_row(actor, class_id).label,
        "rows": rows,
        "current": current,
        "left": sum(1 for r in rows if not r.has),
        "error": error,
    }
    return render(request, "photos/camera.html", context, status=422 if error else 200)


def _put(actor: Any, sitter: queries.Sitter, request: HttpRequest) -> None:
    file = request.FILES.get("photo")
    if file is None:
        raise PhotosError(_("请选择照片"))
    commands.put(actor, sitter.person_id, file.read(archive.UPLOAD_BYTES + 1))


def _chosen(rows: list[queries.Sitter], raw: str) -> queries.Sitter | None:
    try:
        wanted = uuid.UUID(raw)
    except ValueError:
        return None
    return next((r for r in rows if r.person_id == wanted), None)


def _after(rows: list[queries.Sitter], person_id: uuid.UUID) -> queries.Sitter | None:
    """Whose turn it is after somebody: the next one without a photo, from the beginning again at the end."""
    at = next((n for n, r in enumerate(rows) if r.person_id == person_id), -1)
    return next((r for r in [*rows[at + 1 :], *rows[: at + 1]] if not r.has), None)


def _told(
    rows: list[queries.Sitter], sitter: queries.Sitter, follower: queries.Sitter | None
) -> dict[str, Any]:
    return {
        "done": str(sitter.person_id),
        "message": _("%s 的照片已采用") % sitter.name,
        "left": sum(1 for r in rows if not r.has),
        "next": {"id": str(follower.person_id), "name": follower.name, "seat": str(follower.seat or "")}
        if follower
        else None,
    }
