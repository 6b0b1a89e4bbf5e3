"""The page of one student, put together for whoever looks: the whole record, or a former school's own period."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts import queries as accounts
from xueji.ground.accounts.actor import today
from xueji.ground.accounts.roles import Role
from xueji.ground.duty import queries as duty
from xueji.ground.orgs.grades import class_label, grade_on
from xueji.ground.standards.pinyin import pinyin_of
from xueji.registry.people import queries as people

from . import queries
from .models import GUEST, REGISTERED
from .queries import EventRow, RosterRow
from .timeline import Link
from .words import FACES, ICONS, business_label

TABS = ("record", "profile", "family", "numbers")


def build(actor: Any, person_id: uuid.UUID, *, tab: str = "") -> dict[str, Any]:
    """Context of the page. Raises Http404 to strangers."""
    row = queries.get_row(actor, person_id)
    both = queries.chains(person_id)
    links = [x for x in both if x.kind == REGISTERED]
    events = queries.events(person_id)
    tab = tab if tab in TABS and not row.former else "record"
    base = f"/students/{person_id}/"
    context: dict[str, Any] = {
        "row": row,
        "pinyin": pinyin_of(row.name).spaced,
        "face": FACES.get(row.status, ""),
        "tab": tab,
        "events": timeline(events, actor),
        "states": life(person_id, both, events),
        "planned": [x for x in links if x.valid_from > timezone.now()],
        "person_id": person_id,
        "may": {
            "start": actor.can("case.start") and not row.former,
            "graduate": actor.can("case.start") and _graduating(row),
            "certificate": actor.can("certificate.issue") and not row.former,
            "reveal": actor.can("identity.reveal"),
            "edit": actor.can("student.edit") and not row.former and row.school_id == actor.org_id,
        },
    }
    if row.former:
        context["card"] = None
        return context
    if not actor.is_portal:
        context["charge"] = responsible(row)
    if context["may"]["edit"]:
        context["edit_why"] = locked_because(actor, row)
    card = people.card(actor, person_id)
    reveal = f"/people/{person_id}/reveal/?what=" if actor.can("identity.reveal") else ""
    context["card"] = card
    context["reveal"] = reveal
    context["tabs"] = [
        {"label": label, "url": f"{base}?tab={key}", "active": key == tab}
        for key, label in zip(
            TABS, (_("学籍"), _("基本信息"), _("家庭与监护人"), _("证件与学籍号")), strict=True
        )
    ]
    if (
        row.reason == "enrolled"
        and card.nationality == "CHN"
        and actor.can("fields.identity")
        and not card.id_type
    ):
        # A citizen without a number is on record, and flagged until the school's proof or the number is there.
        context["without_number"] = "proven" if queries.has_proof(person_id, row.school_id) else "open"
    context["facts"] = _facts(row, card, reveal, identity=actor.can("fields.identity"))
    if tab == "record":
        context["withheld"] = people.withheld(actor, "identity")
    elif tab == "family":
        context["withheld"] = people.withheld(actor, "family", "contact", "identity")
    elif tab == "numbers":
        context["withheld"] = people.withheld(actor, "identity")
    else:
        context["withheld"] = people.withheld(actor)
    if tab == "profile":
        context["groups"] = _groups(actor, person_id, reveal)
    elif tab == "family":
        context["guardians"] = people.guardians(actor, person_id)
        context["access_url"] = (
            f"{base}access/" if actor.can("family.invite") and row.reason == "enrolled" else ""
        )
        context["sight_url"] = (
            f"{base}guardianship/" if actor.can("guardian.view") and row.reason == "enrolled" else ""
        )
        context["copy_url"] = f"{base}copy/" if actor.can("copy.release") and row.reason == "enrolled" else ""
    elif tab == "numbers":
        context["documents"] = people.documents(actor, person_id)
        context["numbers"] = people.numbers(actor, person_id)
        context["former_names"] = people.former_names(actor, person_id)
    return context


def responsible(row: RosterRow) -> list[dict[str, str]]:
    """Who answers for the record now, from the class upwards (责任链, C-ROL-03); two queries."""
    teachers = accounts.class_teachers([row.class_id]) if row.class_id else {}
    held = accounts.officers([(row.school_id, Role.REGISTRAR), (row.school_id, Role.SCHOOL_HEAD)])
    none = _("还没有设")
    return [
        {"label": _("班主任"), "value": teachers.get(row.class_id or 0, none)},
        {
            "label": str(Role.REGISTRAR.label),
            "value": held.get((row.school_id, Role.REGISTRAR), (none, ""))[0],
        },
        {
            "label": str(Role.SCHOOL_HEAD.label),
            "value": held.get((row.school_id, Role.SCHOOL_HEAD), (none, ""))[0],
        },
    ]


def locked_because(actor: Any, row: RosterRow) -> str:
    """Why the registrar cannot edit anything of this record now: the sentence whom to ask; empty when he can."""
    if not duty.asks_head(actor):
        return ""
    for a in duty.in_force(actor):
        if (a.persons is None or row.person_id in a.persons) and a.class_id in (None, row.class_id):
            return ""
    return duty.whom_to_ask(actor, "")


def _facts(row: RosterRow, card: people.PersonCard, reveal: str, *, identity: bool) -> list[dict[str, Any]]:
    """The lines of the first card."""
    facts: list[dict[str, Any]] = [
        {"label": _("学校"), "value": row.school_name},
        {"label": _("班级"), "value": f"{row.class_name} · {row.cohort_year}级" if row.class_name else row.grade_label},
        {"label": _("出生日期"), "value": row.birth_date.isoformat()},
        {"label": _("民族"), "value": card.ethnicity_label},
        {"label": _("国籍/地区"), "value": card.nationality_label},
        {"label": card.id_type_label or _("身份证件"), "value": card.identity or _("无证件号"),
         "reveal_url": f"{reveal}identity" if reveal and card.identity else ""},
        {"label": _("入校时间"), "value": timezone.localtime(row.since).date().isoformat()},
        {"label": _("班内学号"), "value": row.class_seat or ""},
    ]  # fmt: skip
    return facts if identity else facts[:5] + facts[6:]


def _groups(actor: Any, person_id: uuid.UUID, reveal: str) -> list[dict[str, Any]]:
    """The national form by its groups."""
    out: dict[str, list[dict[str, Any]]] = {}
    for field in people.profile(actor, person_id):
        out.setdefault(field.group, []).append(
            {
                "label": field.name,
                "value": field.value,
                "reveal_url": f"{reveal}{field.reveal}" if reveal and field.reveal else "",
                "source": field.purpose if not field.value else "",
            }
        )
    return [{"title": title, "facts": facts} for title, facts in out.items()]


def timeline(events: list[EventRow], actor: Any) -> list[dict[str, Any]]:
    """Events as the timeline component draws them, newest first. A move is one line for whoever sees both sides."""
    out = []
    seen: set[tuple[Any, ...]] = set()
    for e in events:
        move = e.detail.get("direction")
        key = (e.business, e.valid_at, e.case_id)
        if move and key in seen:
            continue
        if move:
            seen.add(key)
        title = business_label(e.business)
        if move:
            title = f"{title}({_('转入') if move == 'in' else _('转出')})"
        day = timezone.localtime(e.valid_at).date()
        out.append(
            {
                "at": day.isoformat(),
                "title": title,
                "icon": ICONS.get(e.business, "timeline-event"),
                "future": day > today(),
                "text": e.reason,
                "org": e.detail.get("school_name") or e.school_name,
                "actor": "" if actor.is_portal else e.actor_name,
                "number": e.article,
                "url": _paper_of(e, actor),
            }
        )
    return out


def _graduating(row: RosterRow) -> bool:
    """Whether the child belongs on a graduation list: registered here, in its last year or beyond it."""
    if row.former or row.reason != "enrolled" or not 0 < row.status < 10:
        return False
    grade = grade_on(row.stage, row.cohort_year, row.system, today())
    return row.cohort_year < today().year - 1 if grade is None else grade.last


def _paper_of(e: EventRow, actor: Any) -> str:
    """Where the decision stands: the case, or the graduation list, of whoever may open it."""
    if e.case_id:
        return f"/cases/{e.case_id}/"
    if (
        e.detail.get("list")
        and not actor.is_portal
        and (actor.org_kind != "school" or e.school_id == actor.org_id)
    ):
        return f"/yearly/lists/{e.detail['list']}/"
    return ""


def life(person_id: uuid.UUID, links: list[Link], events: list[EventRow]) -> list[dict[str, Any]]:
    """Where the child was and when, newest first: the own chains, and those of records that were merged into this one,
    up to the merge, which is named. One query more where there was a merge.
    """
    merges = {e.event_id: e for e in events if e.detail.get("merge") and e.business != "unmerge"}
    joined = queries.joined_chains(person_id) if merges else []
    if not joined:
        return states(links)
    # Of each record the merge that holds: an earlier one of the same record was taken back.
    ends = {e.person_id: e.valid_at for e in sorted(merges.values(), key=lambda e: e.valid_at)}
    last = {x.person_id: max(y.valid_from for y in joined if y.person_id == x.person_id) for x in joined}
    rows = states([*links, *joined])
    for x, row in zip(sorted([*links, *joined], key=_newest, reverse=True), rows, strict=True):
        if x.person_id == person_id:
            continue
        row["joined"] = True
        if x.event_id in merges:  # the link that closed the other record
            row["until"], row["status"] = row["since"], _("并入本档案")
            row["business"] = _("合并档案 %s") % merges[x.event_id].detail["merge"]
        elif x.valid_from == last[x.person_id]:
            ended = ends.get(x.person_id)
            row["until"] = timezone.localtime(ended).date() if ended else None
    return rows


def _newest(link: Link) -> datetime:
    return link.valid_from


def states(links: list[Link]) -> list[dict[str, Any]]:
    """The chain as a table: from, until, school, class, status; one query for any number of links."""
    if not links:
        return []
    with connection.cursor() as c:
        c.execute(
            "select true, o.id, o.name, s.system, 0 from org o join school s on s.org_id = o.id where o.id = any(%s)"
            " union all select false, id, '', '', number from school_class where id = any(%s)",
            [list({x.school_id for x in links}), list({x.class_id for x in links if x.class_id})],
        )
        found = c.fetchall()
    schools = {pk: (name, system) for school, pk, name, system, _number in found if school}
    numbers = {pk: number for school, pk, _name, _system, number in found if not school}
    out = []
    for x in sorted(links, key=_newest, reverse=True):
        name, system = schools.get(x.school_id, ("", "6-3-3"))
        day = timezone.localtime(x.valid_from).date()
        out.append(
            {
                "since": day,
                "until": timezone.localtime(x.valid_to).date() if x.valid_to else None,
                "school": name,
                "class": class_label(x.stage, x.cohort_year, numbers[x.class_id], system, day)
                if x.class_id in numbers
                else "",
                "status": x.status_label,
                "business": business_label(x.business),
                "guest": x.kind == GUEST,
            }
        )
    return out
