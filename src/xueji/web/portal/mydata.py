"""我的数据: everything that is held about a child, by group, why and how long, masked; who looked (个人信息保护法 44, 45, 48)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.looks import Look, looks_at
from xueji.ground.notice import queries as notices
from xueji.ground.standards import fields, purposes
from xueji.ground.standards.masking import mask_name
from xueji.office.certificates import queries as papers
from xueji.registry.changes.kinds import KINDS
from xueji.registry.changes.models import CaseStatus
from xueji.registry.enrolment import page
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import GUEST, REGISTERED
from xueji.registry.enrolment.words import business_label
from xueji.registry.family import consents, requests
from xueji.registry.family.models import RequestState
from xueji.registry.people import queries as people
from xueji.registry.termbook import queries as termbook

LOOKS = 200


@dataclass(frozen=True)
class Item:
    """One value: what it is, what is shown, why it is held (for a bubble)."""

    label: str
    value: str
    why: str = ""


@dataclass(frozen=True)
class Group:
    """Values that are held for the same reason, on the same ground, as long as each other."""

    title: str
    icon: str
    why: str
    ground: str
    kept: str
    items: tuple[Item, ...] = ()


def seen(person_id: uuid.UUID) -> tuple[bool, bool]:
    """Whether this account may see the child's school, and its address and family; one statement."""
    with connection.cursor() as c:
        c.execute(
            "select (%s = any(xueji_no_school())) is not true, (%s = any(xueji_no_contact())) is not true",
            [person_id, person_id],
        )
        school, contact = c.fetchone()
    return bool(school), bool(contact)


def groups(actor: Any, person_id: uuid.UUID) -> list[Group]:
    """All that is held about one of the actor's own children, masked. Raises Http404 for anybody else's."""
    own_no = consents.party_of(actor, person_id)
    return [
        *_person(actor, person_id),
        _family(actor, person_id, own_no),
        _record(person_id),
        _terms(actor, person_id),
        _cases(person_id),
        _papers(actor, person_id),
        _asked(person_id),
        _agreed(person_id, own_no),
        _account(actor),
    ]


def _group(title: str, icon: str, code: str, items: list[Item]) -> Group:
    p = purposes.purposes()[code]
    return Group(title, icon, p.purpose, p.ground, p.kept, tuple(i for i in items if i.value))


def _person(actor: Any, person_id: uuid.UUID) -> list[Group]:
    """Identity and the national form, group by group."""
    card = people.card(actor, person_id)

    def why_of(key: str) -> str:
        return purposes.of_field(key).purpose

    items = [
        Item(_("姓名"), card.name, why_of("name")),
        *(
            Item(_("曾用名"), f"{name}({_('至 %s') % timezone.localtime(until).date().isoformat()})", why_of("former_name"))
            for name, until in people.former_names(actor, person_id)
        ),
        Item(_("性别"), card.sex_label, why_of("sex")),
        Item(_("出生日期"), card.birth_date.isoformat(), why_of("birth_date")),
        Item(_("民族"), card.ethnicity_label, why_of("ethnicity")),
        Item(_("国籍/地区"), card.nationality_label, why_of("nationality")),
        *(
            Item(d.label, d.masked + (_("(曾用)") if d.until else ""), why_of("id_number"))
            for d in people.documents(actor, person_id)
        ),
        *(Item(n.label, f"{n.masked} · {n.state_label}", why_of("id_number")) for n in people.numbers(actor, person_id)),
        Item(_("照片"), _("有") if card.has_photo else "", why_of("photo")),
    ]  # fmt: skip
    out = [_group(_("身份"), "user", "field:name", items)]
    by_group: dict[str, list[Item]] = {}
    for f in people.profile(actor, person_id):
        if f.value:
            by_group.setdefault(f.group, []).append(Item(f.name, f.value, why_of(f.key)))
    for title, rows in by_group.items():
        voluntary = all(
            purposes.of_field(f.key).basis == "consent"
            for f in fields.fields()
            if f.group == title and any(i.label == f.name for i in rows)
        )
        p = purposes.of_field("email" if voluntary else "phone")
        # What each item is for stands beside it; the group says the first of them.
        reasons = list(dict.fromkeys(i.why for i in rows))
        why = "; ".join(reasons[:3]) + (_("等") if len(reasons) > 3 else "")
        out.append(Group(title, "id", why, p.ground, p.kept, tuple(rows)))
    return out


def _family(actor: Any, person_id: uuid.UUID, own_no: int | None) -> Group:
    items = []
    for g in people.guardians(actor, person_id):
        if g.until is None:
            name = g.name if g.guardian_no == own_no else mask_name(g.name)
            value = " · ".join(x for x in (name, g.phone, g.id_number) if x)
            items.append(Item(g.relation_label or _("家庭成员"), value))
    return _group(_("家庭成员和监护人"), "users", "field:member1_name", items)


def _record(person_id: uuid.UUID) -> Group:
    links = enrolment.chain(person_id, REGISTERED) + enrolment.chain(person_id, GUEST)
    items = [
        Item(
            f"{s['since'].isoformat()} – {s['until'].isoformat() if s['until'] else _('至今')}",
            " · ".join(x for x in (s["school"], s["class"], s["status"]) if x),
        )
        for s in page.states(links)
    ]
    return _group(_("学籍"), "school", "field:school_code", items)


def _terms(actor: Any, person_id: uuid.UUID) -> Group:
    items = [
        Item(f"{t.label} {x.label}", x.value)
        for t in termbook.of_person(actor, person_id)
        for x in (*t.marks, *t.attendance, *t.awards)
    ]
    return _group(_("成绩、考勤和奖励"), "clipboard-list", "TermLine.value", items)


def _cases(person_id: uuid.UUID) -> Group:
    with connection.cursor() as c:
        c.execute(
            "select business, status, submitted_at from case_ where person_id = %s and status <> 'draft'"
            " order by submitted_at desc, case_id limit 50",
            [person_id],
        )
        rows = c.fetchall()
    items = [
        Item(
            timezone.localtime(at).date().isoformat() if at else "",
            f"{KINDS[b].parent if b in KINDS else business_label(b)} · {CaseStatus(s).label}",
        )
        for b, s, at in rows
    ]
    return _group(_("办理过的业务和材料"), "file-text", "*.reason", items)


def _papers(actor: Any, person_id: uuid.UUID) -> Group:
    items = [
        Item(
            row.number, f"{row.content.get('title') or _('在籍证明')} · {papers.STATES[papers.state_of(row)]}"
        )
        for row in papers.of_person(actor, person_id)
    ]
    return _group(_("开具过的证明"), "certificate", "*.purpose", items)


def _asked(person_id: uuid.UUID) -> Group:
    items = [
        Item(
            timezone.localtime(r.asked_at).date().isoformat(),
            f"{requests.KINDS[r.kind]} · {requests.FIELDS[r.field]} · {RequestState(r.state).label}",
        )
        for r in requests.of_child(person_id)
    ]
    return _group(_("提过的申请"), "list-check", "AskForm.words", items)


def _agreed(person_id: uuid.UUID, own_no: int | None) -> Group:
    words = {"given": _("同意"), "refused": _("不同意"), "withdrawn": _("撤回")}
    items = []
    for c in consents.history(person_id):
        who = (
            _("本人") if c.guardian_no is None else _("您") if c.guardian_no == own_no else _("另一位监护人")
        )
        title = consents.questions()[c.code].title if c.code in consents.questions() else c.code
        items.append(
            Item(timezone.localtime(c.at).strftime("%Y-%m-%d %H:%M"), f"{title} · {who} · {words[c.answer]}")
        )
    return Group(
        _("同意记录"),
        "clipboard-check",
        _("证明您同意或不同意过什么"),
        _("法律规定学校必须保存(个人信息保护法 14、55)"),
        str(purposes.KEPT["consent"]),
        tuple(items),
    )


def _account(actor: Any) -> Group:
    items = [
        Item(_("用户名"), actor.username),
        Item(_("姓名"), actor.user_name),
        *(
            Item(_("看过隐私政策"), f"{version} · {timezone.localtime(at):%Y-%m-%d %H:%M}")
            for version, at in notices.readings(actor)
        ),
    ]
    return _group(_("您的账号"), "user-circle", "JoinForm.username", items)


def looks(actor: Any, person_id: uuid.UUID, *, whole: bool) -> list[Look]:
    """Who looked at the child, newest first; nothing (`whole` False) for whom school or home must stay unknown."""
    if person_id not in actor.persons:
        raise Http404
    return looks_at(actor, person_id, limit=LOOKS) if whole else []
