"""One graduation list: its page, its deeds, its papers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from xueji.ground.accounts.http import PDF, XLSX, actor_of, attachment, day_of, ticked, whole
from xueji.ground.paper.fonts import MissingGlyphs
from xueji.ground.standards import codes

from . import books, commands, queries
from . import page as pages
from .errors import YearlyError
from .http import run, to, version_of
from .models import ListKind

TEMPLATES = {
    "pass": ["同意", "经核对, 名册与学籍一致, 同意"],
    "return": ["请核对结论与成绩是否一致", "请补齐缺少的照片", "请核对未列入学生的情况"],
    "refuse": ["名册与学籍不一致, 请重新编制"],
}


def _asked(f: queries.Filters) -> dict[str, str]:
    pairs = {
        "verdict": f.verdict, "result": f.result, "code": f.code, "class": str(f.class_id or ""), "q": f.text,
    }  # fmt: skip
    return {k: v for k, v in pairs.items() if v}


@require_GET
def page(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """The list: who has it, what the rules say, the children by readiness and result."""
    actor = actor_of(request)
    actor.require("yearly.view")
    row = queries.get(actor, list_id)
    shown = pages.load(actor, row)
    f = queries.filters_from(request.GET)
    found, more = queries.items(row, f, request.GET.get("after", ""))
    total = queries.summary(row)
    asked = _asked(f)
    stats = [
        {
            "label": label, "n": total.verdicts[key], "tone": {"ready": "success", "blocked": "danger"}.get(key, ""),
            "url": f"?{urlencode({'verdict': key})}", "active": f.verdict == key,
        }
        for key, label in queries.VERDICTS.items()
    ]  # fmt: skip
    names = dict(shown.results)
    views = [
        {
            "label": names.get(key, key),
            "url": f"?{urlencode({'result': key})}",
            "count": n,
            "active": f.result == key,
        }
        for key, n in sorted(total.results.items())
    ]
    context: dict[str, Any] = {
        "page": shown,
        "row": row,
        "items": found,
        "filters": f,
        "total": total,
        "stats": stats,
        "views": [{"label": _("全部"), "url": "?", "count": total.total, "active": not asked}, *views],
        "asked": asked,
        "query": urlencode(asked),
        "first_url": f"?{urlencode(asked)}" if request.GET.get("after") else "",
        "next_url": f"?{urlencode(asked | {'after': more})}" if more else "",
        "templates": TEMPLATES,
        "goes": codes.table("graduate_to_byqx").choices() if "destinations" in shown.rights else [],
        "mine": row.school_id == actor.org_id,
        "may_select": bool(shown.rights & {"edit", "undo", "exchange", "destinations"}),
        "is_undo": row.kind == ListKind.UNDO,
        "breadcrumbs": [
            {"label": _("升级毕业"), "url": "/yearly/"},
            {"label": _("毕业名册"), "url": "/yearly/lists/"},
            {"label": shown.title},
        ],
    }
    return render(request, "yearly/list.html", context)


def _back(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """To the page as it was narrowed."""
    return to("list", list_id, query=urlencode(_asked(queries.filters_from(request.POST))))


def _chosen(request: HttpRequest, list_id: uuid.UUID) -> list[uuid.UUID]:
    """The children that were ticked, or all that the filters leave."""
    if request.POST.get("scope") == "filtered":
        row = queries.get(actor_of(request), list_id)
        return queries.persons(row, queries.filters_from(request.POST))
    return ticked(request, "person")


@require_POST
def check(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """Look at all children anew."""
    actor = actor_of(request)
    run(
        request,
        lambda: commands.check(actor, list_id=list_id, version=version_of(request)),
        lambda n: (
            _("已重新核对: 可以办理 %(a)s 人, 待补充 %(b)s 人, 暂不能办理 %(c)s 人")
            % {"a": n["ready"] + n["warn"], "b": n["ask"], "c": n["blocked"]}
        ),
    )
    return _back(request, list_id)


@require_POST
def days(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """Another day of effect, another deadline."""
    actor = actor_of(request)
    actor.require("case.start")
    effective, due = day_of(request.POST.get("effective_on")), day_of(request.POST.get("due_on"))
    if effective is None or due is None:
        messages.error(request, _("请填写生效日期和要求办结的日期"))
        queries.get(actor, list_id)
        return to("list", list_id)
    run(
        request,
        lambda: commands.set_days(
            actor, list_id=list_id, effective_on=effective, due_on=due, version=version_of(request)
        ),
        lambda _done: _("日期已修改, 名册已重新核对"),
    )
    return to("list", list_id)


@require_POST
def state(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """State marks and whatever else the rules ask of the school."""
    actor = actor_of(request)
    answers = {k.removeprefix("fact:"): v for k, v in request.POST.items() if k.startswith("fact:")}
    scope = request.POST.get("scope", "")
    run(
        request,
        lambda: commands.state_facts(
            actor,
            list_id=list_id,
            answers={k: str(v) for k, v in answers.items()},
            person_ids=None if scope in ("all", "unknown") else _chosen(request, list_id),
            only_unknown=scope == "unknown",
            version=version_of(request),
        ),
        lambda n: _("已登记, 现在可以办理 %s 人") % (n["ready"] + n["warn"]),
    )
    return _back(request, list_id)


@require_POST
def result(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """Another result than proposed, with a reason."""
    actor = actor_of(request)
    actor.require("case.start")
    raw = request.POST.get("to", "")
    if raw != "none" and whole(raw) is None:
        messages.error(request, _("请选择结论"))
        queries.get(actor, list_id)
        return _back(request, list_id)
    run(
        request,
        lambda: commands.set_result(
            actor,
            list_id=list_id,
            person_ids=_chosen(request, list_id),
            result=None if raw == "none" else whole(raw),
            reason=request.POST.get("reason", ""),
            version=version_of(request),
        ),
        lambda n: _("已修改 %s 人的结论") % n,
    )
    return _back(request, list_id)


@require_POST
def submit(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """Send the list on its way."""
    actor = actor_of(request)
    run(
        request,
        lambda: commands.submit(actor, list_id=list_id, version=version_of(request)),
        lambda row: _("名册 %s 已上报, 等待本校负责人核办") % row.number,
    )
    return to("list", list_id)


@require_POST
def decide(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """Pass or refuse."""
    actor = actor_of(request)
    decision = request.POST.get("decision", "")
    if decision not in ("pass", "refuse"):
        raise Http404
    run(
        request,
        lambda: commands.decide(
            actor,
            list_id=list_id,
            decision=decision,  # type: ignore[arg-type]
            opinion=request.POST.get("opinion", "")[:500],
            version=version_of(request),
        ),
        lambda row: _("已核办通过") if decision == "pass" else _("已办结为不通过"),
    )
    return to("list", list_id)


@require_POST
def return_(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """Back to the school with what is to mend."""
    actor = actor_of(request)
    items = [x for x in request.POST.get("items", "")[:2000].splitlines() if x.strip()]
    run(
        request,
        lambda: commands.return_for_repair(actor, list_id=list_id, items=items, version=version_of(request)),
        lambda _row: _("已退回学校修改"),
    )
    return to("list", list_id)


@require_POST
def withdraw(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """Take a list back before anybody handled it."""
    actor = actor_of(request)
    run(
        request,
        lambda: commands.withdraw(actor, list_id=list_id, version=version_of(request)),
        lambda _row: _("已撤回, 可以继续修改"),
    )
    return to("list", list_id)


@require_POST
def cancel(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """Give a list up."""
    actor = actor_of(request)
    run(
        request,
        lambda: commands.cancel(
            actor, list_id=list_id, reason=request.POST.get("reason", "")[:300], version=version_of(request)
        ),
        lambda _row: _("名册已撤销"),
    )
    return to("list", list_id)


def _follow(request: HttpRequest, list_id: uuid.UUID, deed: Callable[..., Any], done: str) -> HttpResponse:
    """A new list out of this one."""
    actor = actor_of(request)
    everybody = request.POST.get("scope") == "all"
    row = run(
        request,
        lambda: deed(
            actor,
            list_id=list_id,
            person_ids=None if everybody else _chosen(request, list_id),
            reason=request.POST.get("reason", ""),
        ),
        lambda _row: done,
    )
    return to("list", row.list_id) if row else to("list", list_id)


@require_POST
def undo(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """Begin the roll-back of this list, or of some of its children."""
    return _follow(request, list_id, commands.create_undo, _("回退名册已编制, 核对后上报"))


@require_POST
def exchange(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """Begin the exchange of 结业 for 毕业 after make-up examinations."""
    return _follow(request, list_id, commands.create_exchange, _("换发名册已编制, 请登记补考结果后上报"))


@require_POST
def destinations(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """Record where graduates went."""
    actor = actor_of(request)
    run(
        request,
        lambda: commands.record_destinations(
            actor,
            list_id=list_id,
            person_ids=_chosen(request, list_id),
            code=request.POST.get("code", ""),
            place=request.POST.get("place", ""),
        ),
        lambda n: _("已登记 %s 人的去向") % n,
    )
    return _back(request, list_id)


@require_POST
def seal(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """The county confirms that it sealed the certificates."""
    actor = actor_of(request)
    run(
        request,
        lambda: commands.confirm_seal(actor, list_id=list_id, version=version_of(request)),
        lambda _row: _("已记录验印"),
    )
    return to("list", list_id)


def _paper(
    request: HttpRequest, list_id: uuid.UUID, make: Callable[[], tuple[bytes, str]], mime: str
) -> HttpResponse:
    """A file to keep, or the page with the reason."""
    actor_of(request).require("yearly.view")
    try:
        data, name = make()
    except (YearlyError, MissingGlyphs) as error:
        messages.error(request, getattr(error, "message", str(error)))
        return to("list", list_id)
    return attachment(data, name, mime)


@require_safe
def register_pdf(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """毕业生名册."""
    f = queries.filters_from(request.GET)
    return _paper(request, list_id, lambda: books.register_pdf(actor_of(request), list_id, f), PDF)


@require_safe
def register_xlsx(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """毕业生名册 as a workbook."""
    f = queries.filters_from(request.GET)
    return _paper(request, list_id, lambda: books.register_xlsx(actor_of(request), list_id, f), XLSX)


@require_safe
def destinations_xlsx(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """毕业生升学情况名册."""
    return _paper(request, list_id, lambda: books.destinations_xlsx(actor_of(request), list_id), XLSX)


@require_safe
def forms_pdf(request: HttpRequest, list_id: uuid.UUID) -> HttpResponse:
    """毕业生登记表 of a class, or of one child with `?person=`."""
    f = queries.filters_from(request.GET)
    person: uuid.UUID | None = None
    if request.GET.get("person"):
        try:
            person = uuid.UUID(request.GET["person"])
        except ValueError:
            raise Http404 from None
    return _paper(request, list_id, lambda: books.forms_pdf(actor_of(request), list_id, f, person), PDF)
