"""Pages of a takeover: bringing the export, its columns, its rows, the totals, the signature, putting it on record."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.http import actor_of, attachment, day_of, see_other, whole
from xueji.registry.intake import asked
from xueji.registry.intake import queries as intake

from . import balance, books, commands, queries
from .errors import TakeoverError
from .layout import name_of
from .models import DifferenceKind, Takeover, TakeoverState

_VIEWS = (
    ("error", _lazy("有问题")),
    ("warned", _lazy("有提醒")),
    ("new", _lazy("可以接管")),
    ("here", _lazy("本系统已有")),
    ("elsewhere", _lazy("在其他学校")),
    ("left", _lazy("不接管")),
    ("done", _lazy("已接管")),
)


@require_http_methods(["GET", "POST"])
def listing(request: HttpRequest) -> HttpResponse:
    """Bring an export; the takeovers of the unit."""
    actor = actor_of(request)
    actor.require("takeover.view")
    error = ""
    if request.method == "POST":
        actor.require("takeover.run")
        roster, moves = request.FILES.get("roster"), request.FILES.get("moves")
        try:
            if roster is None:
                raise TakeoverError(_("请选择学籍名册"))
            takeover = commands.bring(
                actor,
                roster.read(commands.UPLOAD_LIMIT + 1),
                roster.name or "",
                moves=moves.read(commands.UPLOAD_LIMIT + 1) if moves else b"",
                moves_name=(moves.name or "") if moves else "",
                as_of=_day(request.POST.get("as_of", "")),
                instead_of=whole(request.POST.get("instead_of")),
            )
            return see_other(reverse("takeover:detail", args=[takeover.pk]))
        except TakeoverError as e:
            error = e.message
    before = whole(request.GET.get("before"))
    rows = queries.takeovers(actor, before=before)
    page = rows[: queries.PAGE]
    return render(
        request,
        "takeover/list.html",
        {
            "rows": page,
            "schools": queries.school_names(page) if actor.org_kind != "school" else {},
            "can_run": actor.can("takeover.run") and actor.org_kind == "school",
            "today": timezone.localdate(),
            "next_url": f"?before={page[-1].pk}" if len(rows) > len(page) else "",
            "first_url": request.path if before else "",
            "error": error,
            "limit": commands.UPLOAD_LIMIT >> 20,
        },
        status=400 if error else 200,
    )


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    found = day_of(text)
    if found is None:
        raise TakeoverError(_("导出日期请写成 2026-09-01 的样子"))
    return found


@require_GET
def template(request: HttpRequest) -> HttpResponse:
    """A workbook with the columns that are understood, for a school's own sheets."""
    actor = actor_of(request)
    actor.require("takeover.run")
    return attachment(books.template(asked.levels(actor.org_id or 0)), str(_("接管表样.xlsx")))


@require_GET
def detail(request: HttpRequest, takeover_id: int) -> HttpResponse:
    """One takeover: its rows, the totals beside them, what is still to do."""
    actor = actor_of(request)
    found = queries.takeover(actor, takeover_id)
    school = intake.school_facts(found.school_id)
    counts = found.counts
    state = request.GET.get("show", "")
    names = dict(_VIEWS)
    if state not in names:
        state = "error" if counts.get("error") else "warned" if counts.get("warnings") else "new"
        state = "here" if state == "new" and not counts.get("new") and counts.get("here") else state
        state = "done" if found.published and state == "new" else state
    after = whole(request.GET.get("after")) or 0
    working = found.state in (TakeoverState.CHECKED, TakeoverState.PUBLISHED)
    rows = queries.rows(found, school, state, after=after) if working else []
    sums = queries.sums(found, school) if working else []
    tally = queries.tally(found)
    page = rows[: queries.PAGE]
    balanced = balance.balanced(sums, found.totals)
    shown = {**counts, "warned": counts.get("warnings", 0)}
    return render(
        request,
        "takeover/detail.html",
        {
            "found": found,
            "school": school.name,
            "counts": counts,
            "working": working,
            "can_run": actor.can("takeover.run") and actor.org_id == found.school_id,
            "can_sign": actor.can("takeover.sign") and found.creator_id != actor.user_id,
            "sums": sums,
            "balanced": balanced,
            "may_publish": found.state == TakeoverState.CHECKED
            and bool(counts.get("new"))
            and bool(found.totals)
            and (balanced or found.signed_by is not None),
            "rows": page,
            "show": state,
            "views": [
                {"url": f"?show={key}", "label": label, "count": shown.get(key, 0), "active": key == state}
                for key, label in _VIEWS
                if shown.get(key) or key == state
            ],
            "open": sum(n for (kind, is_open), n in tally.items() if is_open and _to_settle(found, kind)),
            "decided": sum(n for (_kind, is_open), n in tally.items() if not is_open),
            "sheets": commands.ask_columns(found) if found.state == TakeoverState.MATCHING else [],
            "missing": _missing(found),
            "closed": _named(found, "closed"),
            "lacking": _named(found, "lacking"),
            "next_url": f"?show={state}&after={page[-1].row_no}" if len(rows) > len(page) else "",
            "first_url": f"?show={state}" if after else "",
            "limit": commands.UPLOAD_LIMIT >> 20,
        },
    )


def _to_settle(found: Takeover, kind: str) -> bool:
    """Whoever is only in the export is put on record with the others, and need not be settled one by one."""
    return kind != DifferenceKind.THERE or found.state == TakeoverState.PUBLISHED


def _missing(found: Takeover) -> list[str]:
    return _named(found, "missing")


def _named(found: Takeover, what: str) -> list[str]:
    """Names of the columns of which something was noted when the sheets were read."""
    return [name_of(k) for s in ("roster", "moves") for k in found.mapping.get(s, {}).get(what, [])]


@require_http_methods(["GET", "POST"])
def columns(request: HttpRequest, takeover_id: int) -> HttpResponse:
    """Say what the columns are."""
    actor = actor_of(request)
    actor.require("takeover.run")
    found = queries.takeover(actor, takeover_id)
    if request.method == "POST":
        given: dict[tuple[str, int], str] = {}
        for name, key in request.POST.items():
            parts = name.split("-")
            if len(parts) == 3 and parts[0] == "column" and parts[2].isdigit():
                given[(parts[1], int(parts[2][:4]))] = str(key)
        try:
            commands.match_columns(actor, takeover_id, given)
        except TakeoverError as e:
            messages.error(request, e.message)
        return redirect("takeover:detail", takeover_id)
    return render(
        request,
        "takeover/columns.html",
        {"found": found, "sheets": commands.ask_columns(found), "missing": _missing(found)},
    )


@require_POST
def totals(request: HttpRequest, takeover_id: int) -> HttpResponse:
    """Keep the totals of the other system."""
    return _deed(
        request, takeover_id, lambda actor: commands.set_totals(actor, takeover_id, _posted(request)), _("已保存人数"),
        "#totals",
    )  # fmt: skip


def _posted(request: HttpRequest) -> dict[str, str]:
    return {name: str(value) for name, value in request.POST.items()}


@require_POST
def explain(request: HttpRequest, takeover_id: int) -> HttpResponse:
    """Say why the totals differ."""
    return _deed(
        request, takeover_id, lambda actor: commands.explain(actor, takeover_id, request.POST.get("text", "")),
        _("已提交说明, 请校长签字"), "#totals",
    )  # fmt: skip


@require_POST
def sign(request: HttpRequest, takeover_id: int) -> HttpResponse:
    """The head signs."""
    version = whole(request.POST.get("version")) or 0
    return _deed(
        request, takeover_id, lambda actor: commands.sign(actor, takeover_id, version), _("已签字"), "#totals"
    )


@require_POST
def publish(request: HttpRequest, takeover_id: int) -> HttpResponse:
    """Put it on record."""
    actor = actor_of(request)
    try:
        done = commands.publish(actor, takeover_id, expected=whole(request.POST.get("expected")) or 0)
        messages.success(request, _("已接管 %(n)s 名学生的学籍") % {"n": done.rows})
    except TakeoverError as e:
        messages.error(request, e.message)
    return redirect("takeover:detail", takeover_id)


@require_POST
def discard(request: HttpRequest, takeover_id: int) -> HttpResponse:
    """Give it up."""
    return _deed(
        request, takeover_id, lambda actor: commands.discard(actor, takeover_id), _("已放弃这次接管"), ""
    )


def _deed(request: HttpRequest, takeover_id: int, deed: Any, done: str, where: str) -> HttpResponse:
    actor = actor_of(request)
    try:
        deed(actor)
        messages.success(request, done)
    except TakeoverError as e:
        messages.error(request, e.message)
    return see_other(reverse("takeover:detail", args=[takeover_id]) + where)
