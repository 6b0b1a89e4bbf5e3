"""班级概况: what the register knows of a class as a whole, for its teachers and the office (C-QRY-05).

Counts only, of groups that the reader may see of a single pupil too; names stand on the page of the class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from xueji.ground.accounts import queries as accounts
from xueji.ground.accounts.actor import today
from xueji.ground.accounts.http import actor_of
from xueji.ground.audit.commands import record
from xueji.ground.orgs import queries as orgs
from xueji.ground.standards import fields as national_form
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.family.sight import age
from xueji.registry.people import queries as people

#: Fields of the form that help to teach and to look after a class.
FIELDS = (
    "ethnicity", "attendance_mode", "commute_mode", "school_bus", "student_source", "political_status",
    "household_nature", "only_child", "left_behind", "migrant_child", "boarding_subsidy",
)  # fmt: skip


@never_cache
@require_safe
def page(request: HttpRequest, class_id: int) -> HttpResponse:
    """The class in numbers. Raises Http404 for a class out of scope."""
    actor = actor_of(request)
    actor.require("class.view")
    actor.require("student.list")
    row = orgs.class_row(actor, class_id)
    pupils = enrolment.rows_of_class(actor, class_id)
    day = today()
    found = people.tally(actor, [p.person_id for p in pupils], FIELDS)
    groups = [
        (_("性别"), Counter(p.sex_label for p in pupils)),
        (_("年龄"), Counter(_("%s岁") % age(p.birth_date, day) for p in pupils)),
        (_("学籍状态"), Counter(p.status_label for p in pupils)),
        (_("核验和问题"), Counter(_("问题学籍") if p.problem else _("没有问题") for p in pupils)),
        *((national_form.field(key).name, held) for key, held in found.items()),
    ]
    record(
        actor,
        "class.profile",
        object_type="class",
        object_id=class_id,
        row_count=len(pupils),
        persons=[p.person_id for p in pupils],
    )
    context: dict[str, Any] = {
        "page_title": _("班级概况"),
        "row": row,
        "pupils": len(pupils),
        "guests": sum(1 for p in pupils if p.reason == "guest"),
        "cases": sum(1 for p in pupils if p.open_case),
        "teacher": accounts.class_teachers([class_id]).get(class_id, ""),
        "groups": [{"label": label, "lines": _lines(held, len(pupils))} for label, held in groups if held],
        "withheld": people.withheld(actor, "aid", "conduct"),
    }
    return render(request, "home/class_profile.html", context)


def _lines(held: Counter[str], total: int) -> Iterable[dict[str, Any]]:
    return [
        {"label": label or _("未填"), "n": n, "share": round(100 * n / total) if total else 0}
        for label, n in sorted(held.items(), key=lambda x: (-x[1], x[0]))
    ]
