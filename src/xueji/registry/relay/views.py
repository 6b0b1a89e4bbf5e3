"""The pages of transfers between installations, for schools and authorities on both sides."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST, require_safe

from xueji.ground.accounts.actor import Actor
from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.files.content import LIMIT, FileRefused
from xueji.ground.paper.fonts import MissingGlyphs
from xueji.registry.changes.http import pdf

from . import commands, queries
from . import page as pages
from .errors import Blocked, RelayError
from .forms import AskForm, TransferForm
from .models import RelayCase, Side, State

TEMPLATES = {
    "pass": (gettext_lazy("材料齐全, 同意"), gettext_lazy("情况属实, 同意办理")),
    "return": (gettext_lazy("材料不清楚, 请重新上传"), gettext_lazy("信息与材料不一致, 请核对")),
    "refuse": (gettext_lazy("不符合规定的办理条件"), gettext_lazy("材料与事实不符")),
}


def to(name: str, *args: Any) -> HttpResponseRedirect:
    """On to another address of this room, by GET."""
    return see_other(reverse(f"relay:{name}", args=args))


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Transfers with other installations that the actor's unit has a part in."""
    actor = actor_of(request)
    actor.require("relay.view")
    tab = request.GET.get("tab", "todo")
    tab = tab if tab in queries.TABS else ""
    rows, following = queries.listing(actor, tab=tab, after=request.GET.get("after", ""))
    labels = {"todo": _("待我办理"), "running": _("进行中"), "ended": _("已办结")}
    return render(
        request,
        "relay/list.html",
        {
            "rows": [(r, pages.face_of(r.state)) for r in rows],
            "tab": tab,
            "views": [{"label": labels[t], "url": f"?tab={t}", "active": t == tab} for t in queries.TABS],
            "columns": [
                {"label": x}
                for x in (_("编号"), _("学生"), _("方向"), _("对方"), _("状态"), _("现在在"), _("期限"))
            ],
            "next_url": f"?tab={tab}&after={following}" if following else "",
            "may_start": actor.can("case.start"),
        },
    )


def new(request: HttpRequest) -> HttpResponse:
    """Ask another installation for a child."""
    actor = actor_of(request)
    actor.require("case.start")
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            case = commands.begin(
                actor,
                peer_id=data["peer"],
                school_code=data["school_code"],
                name=data["name"],
                number=data["number"],
            )
        except RelayError as error:
            form.add_error(None, error.message)
        else:
            return to("case", case.case_id)
    return render(request, "relay/new.html", {"form": form}, status=422 if request.method == "POST" else 200)


@require_safe
def case(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """One transfer: the form while it is filled in, else the page that all parties share."""
    actor = actor_of(request)
    actor.require("relay.view")
    page = pages.load(actor, case_id)
    if page.case.state == State.DRAFT and page.case.org_id == actor.org_id and actor.can("case.start"):
        return _editor(request, page)
    return render(
        request,
        "relay/case.html",
        {
            "page": page,
            "case": page.case,
            "templates": {k: [str(t) for t in v] for k, v in TEMPLATES.items()},
        },
    )


@require_safe
def edit(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """The form of a transfer that came back."""
    actor = actor_of(request)
    actor.require("case.start")
    page = pages.load(actor, case_id)
    if "edit" not in page.rights:
        raise Http404
    return _editor(request, page)


def _editor(
    request: HttpRequest, page: pages.Page, form: TransferForm | None = None, status: int = 200
) -> HttpResponse:
    checks, steps = commands.preflight(actor_of(request), case_id=page.case.case_id)
    return render(
        request,
        "relay/draft.html",
        {
            "page": page,
            "case": page.case,
            "form": form or TransferForm(page.case),
            "checks": checks,
            "stopping": sum(c.stops for c in checks),
            "slots": pages.slots(page.case),
            "steps": [{"name": s.label, "org": s.org_name, "state": "waiting"} for s in steps],
            "last": next((s.due_on for s in reversed(steps) if s.due_on), None),
        },
        status=status,
    )


@require_safe
def state(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Asked by the page while the other side is looking: nothing new, or draw yourself again."""
    actor = actor_of(request)
    actor.require("relay.view")
    found = (
        RelayCase.objects.filter(pk=case_id)
        .exclude(state=State.ASKED)
        .values_list("state", flat=True)
        .first()
    )
    if found is None:
        raise Http404
    response = HttpResponse(status=204)
    if found != State.ASKING:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def save(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Keep the form with its papers; `then=submit` sends at once."""
    actor = actor_of(request)
    actor.require("case.start")
    page = pages.load(actor, case_id)
    if page.case.side != Side.IN or page.case.org_id != actor.org_id:
        raise Http404
    if page.case.state not in (State.DRAFT, State.RETURNED):
        messages.error(request, _("这件业务现在是“%s”, 不能做这一步") % page.word)
        return to("case", case_id)
    form = TransferForm(page.case, request.POST)
    if not form.is_valid():
        return _editor(request, page, form, status=422)
    try:
        commands.save_form(
            actor, case_id=case_id, form=form.values(), version=whole(request.POST.get("version"))
        )
        _upload(request, actor, page)
        if request.POST.get("then") == "submit":
            commands.submit(actor, case_id=case_id)
            messages.success(request, _("已提交"))
            return to("case", case_id)
    except Blocked as error:
        messages.error(request, f"{error.message}: {'；'.join(error.reasons[:5])}")
    except (RelayError, FileRefused) as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("已保存"))
    return _back(case_id)


def _upload(request: HttpRequest, actor: Actor, page: pages.Page) -> None:
    for slot in pages.slots(page.case):
        file = request.FILES.get(slot["key"])
        if isinstance(file, UploadedFile):
            data = file.read(LIMIT + 1)
            commands.attach(
                actor, case_id=page.case.case_id, slot=slot["doc"], data=data, name=file.name or ""
            )


def _back(case_id: uuid.UUID) -> HttpResponse:
    found = RelayCase.objects.filter(pk=case_id).values_list("state", flat=True).first()
    return to("edit" if found == State.RETURNED else "case", case_id)


@require_POST
def remove(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Take a paper out of its slot."""
    return _run(
        request,
        case_id,
        lambda: commands.detach(actor_of(request), case_id=case_id, slot=request.POST.get("slot", "")[:60]),
        _("已取下"),
        form=True,
    )


@require_POST
def discard(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Drop a search or a draft."""
    try:
        commands.discard(actor_of(request), case_id=case_id)
    except RelayError as error:
        messages.error(request, error.message)
        return to("case", case_id)
    messages.success(request, _("已删除"))
    return to("list")


@require_POST
def decide(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Pass or refuse."""
    decision = request.POST.get("decision", "")
    if decision not in ("pass", "refuse"):
        raise Http404
    return _run(
        request,
        case_id,
        lambda: commands.decide(
            actor_of(request),
            case_id=case_id,
            decision=decision,  # type: ignore[arg-type]
            opinion=request.POST.get("opinion", "")[:500],
            reason_rule=request.POST.get("reason_rule", "")[:200],
            version=whole(request.POST.get("version")),
        ),
        _("已核办通过") if decision == "pass" else _("已办结为不通过"),
    )


@require_POST
def return_(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Back to the school that receives, with the items to mend."""
    items = [x for x in request.POST.get("items", "")[:500].splitlines() if x.strip()]
    return _run(
        request,
        case_id,
        lambda: commands.return_for_repair(
            actor_of(request), case_id=case_id, items=items, version=whole(request.POST.get("version"))
        ),
        _("已退回转入学校修改"),
    )


@require_POST
def cancel(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Take back, or stop with a reason."""
    return _run(
        request,
        case_id,
        lambda: commands.cancel(
            actor_of(request),
            case_id=case_id,
            reason=request.POST.get("reason", "")[:300],
            version=whole(request.POST.get("version")),
        ),
        _("申请已撤销"),
    )


@require_POST
def urge(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """Remind the other side."""
    return _run(
        request,
        case_id,
        lambda: commands.urge(actor_of(request), case_id=case_id),
        _("已催办, 对方系统的办理记录中可以看到"),
    )


@require_safe
def sheet(request: HttpRequest, case_id: uuid.UUID) -> HttpResponse:
    """办理单 as PDF."""
    url = request.build_absolute_uri(reverse("relay:case", args=[case_id]))
    try:
        data = commands.sheet(actor_of(request), case_id=case_id, url=url)
    except MissingGlyphs as error:
        messages.error(request, str(error))
        return to("case", case_id)
    return pdf(data, f"relay-{case_id}.pdf")


def _run(
    request: HttpRequest, case_id: uuid.UUID, deed: Callable[[], object], done: str, *, form: bool = False
) -> HttpResponse:
    """Run a command and say what came of it, on the transfer's page."""
    try:
        deed()
    except RelayError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return _back(case_id) if form else to("case", case_id)
