"""Pages of a balanced placement: the list, its conditions, the draw, the preview, putting it in force."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of, see_other, whole
from xueji.ground.audit.commands import record
from xueji.ground.sheets.write import SheetColumn, write_table

from .commands import runs as deeds
from .errors import PlacementError
from .models import BondMode, Metric, RunState
from .queries import roster, runs
from .reading import day, number_of_page, pager


@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """Prepare a list of everybody of a grade who waits."""
    actor = actor_of(request)
    stage, cohort = roster.parse_grade(request.POST.get("grade", ""))
    try:
        run = deeds.prepare(
            actor,
            stage=stage,
            cohort=cohort,
            classes=[n for raw in request.POST.getlist("class") if (n := whole(raw))],
            metric=request.POST.get("metric", ""),
            by_home=bool(request.POST.get("by_home")),
            seat_order=request.POST.get("order", ""),
            effective_on=day(request.POST.get("on")),
        )
    except PlacementError as error:
        messages.error(request, error.message)
        return see_other(f"{reverse('placement:hand')}?grade={stage}-{cohort}")
    return see_other(reverse("placement:run", args=[run.pk]))


@require_GET
def run(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """One placement."""
    actor = actor_of(request)
    actor.require("placement.write")
    found = runs.run(actor, run_id)
    school = roster.school_of(actor)
    every = runs.items(found)
    page = number_of_page(request)
    class_id = whole(request.GET.get("class"))
    marked = request.GET.get("show") == "marked"
    query = f"class={class_id}&" if class_id else "show=marked&" if marked else ""
    lines: dict[str, Any] = pager(
        runs.page(found, page=page, class_id=class_id, marked=marked), page, roster.PAGE, query
    )
    classes = {
        k.id: k.label for k in roster.classes_of_grade(school, found.stage, found.cohort_year, today())
    }
    drawn = found.state in (RunState.DRAWN, RunState.DONE)
    bound = sum(bool(i.bond or i.locked_class or i.special) for i in every)
    return render(
        request,
        "placement/run.html",
        lines
        | {
            "run": found,
            "label": roster.grade_label(school, found.stage, found.cohort_year, today()),
            "total": len(every),
            "bound": bound,
            "by_hand": sum(i.by_hand for i in every),
            "chosen": [classes.get(i, "—") for i in found.classes],
            "rows": [
                {
                    "line": line,
                    "place": classes.get(line.item.class_id or 0, ""),
                    "locked": classes.get(line.item.locked_class or 0, ""),
                }
                for line in lines["rows"]
            ],
            "figures": runs.figures(found, every) if drawn else [],
            "recomputed": runs.recomputed(found, every)
            if drawn and not any(i.by_hand for i in every)
            else None,
            "views": [
                {"label": _("全部"), "url": "?", "active": not query, "count": len(every)},
                {"label": _("有条件的"), "url": "?show=marked", "active": marked, "count": bound},
                *(
                    {
                        "label": p["label"],
                        "url": f"?class={p['id']}",
                        "active": class_id == p["id"],
                        "count": sum(i.class_id == p["id"] for i in every),
                    }
                    for p in (found.places if drawn else [])
                ),
            ],
            "draft": found.state == RunState.DRAFT,
            "frozen": found.state == RunState.FROZEN,
            "drawn": found.state == RunState.DRAWN,
            "done": found.state == RunState.DONE,
            "metric": Metric(found.metric).label,
        },
    )


@require_POST
def step(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Go on with a placement: paste columns, fix the list, draw, put in force, give up."""
    actor = actor_of(request)
    post = request.POST
    here = reverse("placement:run", args=[run_id])
    try:
        match post.get("do"):
            case "paste":
                n, left = deeds.paste(actor, run_id, post.get("text", "")[:200_000])
                messages.success(request, _("已填入 %(n)s 行") % {"n": n})
                if left:
                    words = {"n": len(left), "names": "、".join(left[:10])}
                    messages.warning(
                        request, _("%(n)s 行没有填入(找不到、重名或不是数字): %(names)s") % words
                    )
            case "freeze":
                deeds.freeze(actor, run_id)
                messages.success(request, _("名单已锁定。先公布名单摘要, 再当众产生种子"))
            case "draw":
                deeds.throw(
                    actor,
                    run_id,
                    seed=post.get("seed", ""),
                    words=post.get("words", ""),
                    why=post.get("why", ""),
                )
                messages.success(request, _("已按种子编班, 请核对各班情况"))
            case "apply":
                n = deeds.apply(
                    actor, run_id, expected=post.get("expected", ""), reason=post.get("reason", "")
                )
                messages.success(request, _("编班已生效, 共 %(n)s 名学生") % {"n": n})
            case "drop":
                deeds.drop(actor, run_id)
                messages.success(request, _("名单已作废, 学生回到待分班"))
                here = reverse("placement:index")
            case _other:
                actor.require("placement.write")
                runs.run(actor, run_id)
                messages.error(request, _("没有这一步, 请刷新后重试"))
    except PlacementError as error:
        messages.error(request, error.message)
    return see_other(here)


@require_http_methods(["GET", "POST"])
def line(request: HttpRequest, run_id: uuid.UUID, no: int) -> HttpResponse:
    """One pupil of the list: conditions before the draw, a change by hand after it."""
    actor = actor_of(request)
    actor.require("placement.write")
    found = runs.run(actor, run_id)
    one = runs.line(found, no)
    school = roster.school_of(actor)
    error = ""
    if request.method == "POST":
        post = request.POST
        try:
            if found.state == RunState.DRAFT:
                deeds.set_conditions(
                    actor,
                    run_id,
                    no,
                    locked_class=whole(post.get("locked")),
                    bond=post.get("bond", ""),
                    bond_mode=post.get("bond_mode", BondMode.TOGETHER),
                    special=bool(post.get("special")),
                    score=post.get("score", "")[:12],
                    home=post.get("home", ""),
                    why=post.get("why", ""),
                )
            else:
                deeds.move(actor, run_id, no, whole(post.get("class")) or 0, why=post.get("why", ""))
            return see_other(reverse("placement:run", args=[run_id]))
        except PlacementError as refused:
            error = refused.message
    classes = [
        k
        for k in roster.classes_of_grade(school, found.stage, found.cohort_year, today())
        if k.id in found.classes
    ]
    return render(
        request,
        "placement/line.html",
        {
            "run": found,
            "one": one,
            "classes": classes,
            "modes": BondMode.choices,
            "draft": found.state == RunState.DRAFT,
            "drawn": found.state == RunState.DRAWN,
            "error": error,
        },
        status=422 if error else 200,
    )


@require_GET
def public(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """The list without names, with digest and seed: whoever has it can compute the classes again."""
    actor = actor_of(request)
    actor.require("placement.write")
    found = runs.run(actor, run_id)
    every = runs.items(found)
    record(
        actor,
        "placement.public",
        object_type="placement",
        object_id=found.pk,
        after={"pupils": len(every)},
        row_count=len(every),
        persons=[i.person_id for i in every],
    )
    notes = [
        _("名单摘要 SHA-256: %s") % (found.list_digest or "—"),
        _("种子: %(seed)s (%(words)s)") % {"seed": found.seed or "—", "words": found.seed_words or "—"},
        _("结果摘要 SHA-256: %s") % (found.result_digest or "—"),
        *(
            _("班级 %(id)s: %(label)s, 名额 %(cap)s, 已有 %(have)s")
            % {"id": p["id"], "label": p["label"], "cap": p["capacity"], "have": p["present"] or 0}
            for p in found.places
        ),
    ]
    labels = (
        _("名单序号"), _("性别"), _("均衡值"), _("居住片区"), _("同组"), _("同组办法"), _("特殊"), _("锁定班级"),
        _("结果班级"), _("班级名称"),
    )  # fmt: skip
    data = write_table(
        [SheetColumn(label=x) for x in labels],
        runs.public_rows(found, every),
        title=_("均衡编班公开名单"),
        notes=notes,
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return HttpResponse(
        data,
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="placement-{str(found.pk)[:8]}.xlsx"'},
    )
