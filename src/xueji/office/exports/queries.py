"""Reading applications, rules and openings: those of the own unit, which row-level security narrows again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.models import Org, OrgKind
from xueji.ground.waiting import Ask, Heap, day

from . import judging
from .models import ExportOpening, ExportRequest, ExportRule, ExportState
from .words import labels

LIMIT = 100
_TONES = {
    "asked": "amber",
    "reviewed": "amber",
    "granted": "green",
    "refused": "red",
    "ended": "grey",
    "settled": "blue",
}
VIEWS = {
    "": gettext_lazy("全部"),
    "open": gettext_lazy("办理中"),
    "due": gettext_lazy("到期未销毁"),
    "settled": gettext_lazy("已销毁或归还"),
}


def _mine(actor: Any) -> Q:
    """Which applications a page may show: the unit's, the own ones, those that wait for the province's leader."""
    if not actor.can("export.view"):
        actor.require("export.use")
        return Q(asked_by=actor.user_id)
    own = Q(org_id=actor.org_id or 0)
    if actor.org_kind == OrgKind.PROVINCE and actor.can("export.approve"):
        own |= Q(province_id=actor.org_id, state=ExportState.GRANTED) | Q(
            province_id=actor.org_id, consented_by__isnull=False
        )
    return own


def overdue() -> Q:
    """Files whose use has ended and about which nobody has said that they are gone."""
    return Q(made__gt=0) & (Q(state=ExportState.GRANTED, until__lt=today()) | Q(state=ExportState.ENDED))


def listed(actor: Any, view: str = "") -> list[ExportRequest]:
    """The applications that the actor may see, newest first (at most 100)."""
    rows = ExportRequest.objects.filter(_mine(actor))
    if view == "open":
        rows = rows.filter(state__in=[ExportState.ASKED, ExportState.REVIEWED])
    elif view == "due":
        rows = rows.filter(overdue())
    elif view == "settled":
        rows = rows.filter(state=ExportState.SETTLED)
    return list(rows.order_by("-asked_at", "-pk")[:LIMIT])


def get(actor: Any, key: uuid.UUID) -> ExportRequest:
    """One application. Raises Http404."""
    row = ExportRequest.objects.filter(_mine(actor), pk=key).first()
    if row is None:
        raise Http404
    return row


def waiting(actor: Any) -> Ask[list[Heap]] | None:
    """What waits for the actor: review, the head's word, the leader's consent, files whose use has ended."""
    if actor.org_id is None or not (actor.can("export.approve") or actor.can("export.apply")):
        return None
    heads, office = actor.can("export.approve"), actor.can("export.apply")
    leader = heads and actor.org_kind == OrgKind.PROVINCE

    def heaps(rows: list[dict[str, Any]]) -> list[Heap]:
        r = rows[0]
        out = []
        for n, since, url, title, kind in (
            (r["word"], r["word_since"], "/exports/?view=open", _("申请导出学生信息"), _("待批准")),
            (r["review"], r["review_since"], "/exports/?view=open", _("申请导出学生信息"), _("待审核")),
            (r["leader"], r["leader_since"], "/exports/", _("省、市后台导出"), _("待书面同意")),
            (r["due"], r["due_since"], "/exports/?view=due", _("导出的文件使用期已满"), _("待确认销毁")),
        ):
            if n:
                out.append(Heap(title, n, url, _("%s 件") % n, kind, since=day(since)))
        return out

    return Ask(
        "select count(*) filter (where w) as word, (min(asked_at) filter (where w) at time zone 'Asia/Shanghai')::date"
        " as word_since, count(*) filter (where v) as review,"
        " (min(asked_at) filter (where v) at time zone 'Asia/Shanghai')::date as review_since,"
        " count(*) filter (where l) as leader,"
        " (min(decided_at) filter (where l) at time zone 'Asia/Shanghai')::date as leader_since,"
        " count(*) filter (where d) as due, min(until) filter (where d) as due_since"
        " from (select *,"
        "   %(heads)s and org_id = %(org)s and state = 'reviewed' and asked_by <> %(user)s as w,"
        "   %(office)s and org_id = %(org)s and state = 'asked' as v,"
        "   %(leader)s and province_id = %(org)s and state = 'granted' and consented_by is null"
        "     and asked_by <> %(user)s as l,"
        "   %(office)s and org_id = %(org)s and made > 0"
        "     and (state = 'ended' or state = 'granted' and until < %(day)s) as d"
        "   from export_request where state in ('asked', 'reviewed', 'granted', 'ended')"
        "     and (org_id = %(org)s or province_id = %(org)s)) x",
        {
            "org": actor.org_id,
            "user": actor.user_id,
            "heads": heads,
            "office": office,
            "leader": leader,
            "day": today(),
        },
        heaps,
    )


def answers(actor: Any, row: ExportRequest) -> bool:
    """Whether the actor is the person who answers for the data: whoever applied and named oneself. A namesake is not."""
    return bool(row.asked_by == actor.user_id and row.responsible == actor.user_name)


def fields_of(row: ExportRequest) -> str:
    """The fields in words: those that were approved, before that those asked for."""
    return labels(row.approved or row.fields)


def is_overdue(row: ExportRequest) -> bool:
    """Whether the use has ended and the file's end is not confirmed."""
    return bool(
        row.made
        and (row.state == ExportState.ENDED or (row.state == ExportState.GRANTED and row.until < today()))
    )


def face(row: ExportRequest) -> dict[str, str]:
    """State in words, with its colour; what was granted ends with its day."""
    if is_overdue(row):
        return {"label": _("到期未销毁"), "tone": "red"}
    if row.state == ExportState.GRANTED and row.until < today():
        return {"label": _("已到期"), "tone": "grey"}
    return {"label": str(ExportState(row.state).label), "tone": _TONES[row.state]}


def rules_for(actor: Any) -> tuple[Org, list[tuple[str, ExportRule]], judging.Limits]:
    """The unit, the rules of the line with their units' names (the top's first), and what holds in the end."""
    if not actor.can("export.view"):
        actor.require("export.use")
    org = Org.objects.filter(pk=actor.org_id).first()
    if org is None:
        raise Http404
    rules = judging.rules_above(org)
    names = dict(Org.objects.filter(pk__in=[r.org_id for r in rules]).values_list("pk", "name"))
    return org, [(names.get(r.org_id, ""), r) for r in rules], judging.limits(rules)


@dataclass(frozen=True)
class County:
    """A county and what is open to it."""

    id: int
    name: str
    row: ExportOpening | None


def counties(actor: Any) -> list[County]:
    """The counties of the province with what is open to them today; two queries."""
    actor.require("export.open")
    found = Org.objects.filter(kind=OrgKind.COUNTY, path__startswith=actor.org_path, valid_to=None)
    rows = list(found.order_by("path").values_list("pk", "name")[:1000])
    day = today()
    held = {
        o.org_id: o
        for o in ExportOpening.objects.filter(
            org_id__in=[pk for pk, _n in rows], ended_at=None, until__gte=day
        )
    }
    return [County(pk, name, held.get(pk)) for pk, name in rows]
