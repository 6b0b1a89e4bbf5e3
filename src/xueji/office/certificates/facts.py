"""What a certificate says: read from the record at the moment of issue, masked, and frozen as plain data."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.grades import grade_on
from xueji.ground.orgs.models import Stage
from xueji.ground.paper import fonts
from xueji.ground.paper.wording import mask_number, zh_date
from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import GUEST
from xueji.registry.enrolment.timeline import Link, local_day
from xueji.registry.people import queries as people

from .errors import CertificateRefused

ENROLMENT = "enrolment"
SUSPENSION = "suspension"
GRADUATION = "graduation"
DIPLOMA = "diploma"
GUESTS = "guest"
RESULTS = "results"
TITLES = {
    ENROLMENT: "在籍证明",
    SUSPENSION: "休学证明",
    GUESTS: "借读证明",
    RESULTS: "成绩证明",
    DIPLOMA: "毕业、结业、肄业证书",
    GRADUATION: "毕业、结业、肄业证明",
}
FINISHED = (Status.GRADUATED, Status.COMPLETED, Status.INCOMPLETE)
#: What a school gives to those who finish; junior school ends compulsory education (义务教育法 第十一条 and 县级验印).
_DIPLOMAS = {
    ("P", Status.GRADUATED): "小学毕业证书",
    ("J", Status.GRADUATED): "义务教育证书",
    ("S", Status.GRADUATED): "普通高中毕业证书",
    ("P", Status.COMPLETED): "小学结业证书",
    ("J", Status.COMPLETED): "初中结业证书",
    ("S", Status.COMPLETED): "普通高中结业证书",
    ("P", Status.INCOMPLETE): "小学肄业证书",
    ("J", Status.INCOMPLETE): "初中肄业证书",
    ("S", Status.INCOMPLETE): "普通高中肄业证书",
}
#: A certificate of completion holds for good.
FOR_GOOD = date(9999, 12, 31)
MOST_RESULTS = 20


def possible_kinds(link: Link | None, guest: Link | None = None) -> list[str]:
    """The kinds that can be given out in a state of the record; `guest` is the child's present 借读 at the school.

    The last is offered first: what is asked for most, and never a certificate that is given out only once.
    """
    if guest is not None and guest.is_open:
        return [GUESTS]
    if link is not None and link.status in FINISHED:
        return [RESULTS, DIPLOMA, GRADUATION]
    if link is None or not link.is_open:
        return []
    if link.status == Status.SUSPENDED:
        return [ENROLMENT, RESULTS, SUSPENSION]
    return [RESULTS, ENROLMENT]


def hosted_here(actor: Any, person_id: uuid.UUID) -> Link | None:
    """The child's present 借读 at the actor's school, or None."""
    guest = enrolment.current(person_id, GUEST)
    return guest if guest is not None and guest.is_open and guest.school_id == actor.org_id else None


def read_results(text: str) -> list[list[str]]:
    """Marks as typed, a line each: `语文 92`. Raises `CertificateRefused` for a line that is no subject and mark."""
    out = []
    for line in text.splitlines():
        parts = line.replace("：", " ").replace(":", " ").split()
        if not parts:
            continue
        if len(parts) != 2 or len(parts[0]) > 12 or len(parts[1]) > 10:
            raise CertificateRefused(
                _("成绩每行写一科, 科目和成绩之间空一格, 如“语文 92”。请改: %s") % line[:40]
            )
        out.append(parts)
    if not out or len(out) > MOST_RESULTS:
        raise CertificateRefused(_("请填写成绩, 每行一科, 最多%(n)s科") % {"n": MOST_RESULTS})
    return out


def gather(actor: Any, person_id: uuid.UUID, kind: str) -> dict[str, Any]:
    """The masked content of a certificate on a child's present record.

    Raises Http404 when the actor may not see the whole record, `CertificateRefused` when the record does not bear
    this certificate or a character cannot be printed.
    """
    if kind not in TITLES:
        raise CertificateRefused(_("请选择证明的种类"))
    card = people.card(actor, person_id)
    chain = enrolment.chain(person_id)
    link = enrolment.current(person_id)
    guest = hosted_here(actor, person_id) if kind == GUESTS else None
    if guest is not None:
        return _checked(_guest(person_id, guest) | _who(card, GUESTS, TITLES[GUESTS], "借读"))
    if link is None:
        raise Http404
    if kind == GUESTS:
        raise CertificateRefused(_("该生现在不在本校借读, 借读证明由借读的学校开具"))
    if actor.org_kind == "school" and not actor.is_portal and link.school_id != actor.org_id:
        raise CertificateRefused(_("该生的学籍不在本校, 证明由学籍所在的学校开具"))
    if kind not in possible_kinds(link):
        if kind == SUSPENSION:
            raise CertificateRefused(_("该生现在不是休学状态, 不能开具休学证明"))
        if kind == GRADUATION:
            raise CertificateRefused(_("该生还没有毕业, 不能开具毕业证明"))
        if kind == DIPLOMA:
            raise CertificateRefused(_("该生还没有毕业、结业或肄业, 不能颁发证书。毕业名册生效后才能颁发"))
        raise CertificateRefused(_("该生的学籍状态为“%(s)s”, 不能开具在籍证明") % {"s": link.status_label})
    title = TITLES[kind]
    if kind == GRADUATION:
        title = f"{Status(link.status).code_label}证明"
    elif kind == DIPLOMA:
        title = _DIPLOMAS[link.stage, Status(link.status)]
    # 在校 is the everyday word of those who study; every other state is named as it is.
    status = "在校" if link.status == Status.STUDYING else Status(link.status).code_label
    ended = link.status in FINISHED
    content = _who(card, kind, title, status) | (_finished(link, chain) if ended else _place(link, chain))
    if kind == SUSPENSION:
        content |= _suspension(person_id, link)
    return _checked(content)


def _who(card: people.PersonCard, kind: str, title: str, status: str) -> dict[str, Any]:
    """The child as a paper names it, numbers masked."""
    return {
        "kind": kind,
        "title": title,
        "name": card.name,
        "sex": card.sex_label,
        "birth": card.birth_date.isoformat(),
        "student_number": mask_number(card.number),
        "identity": mask_number(card.identity),
        "identity_kind": card.id_type_label,
        "status": status,
    }


def _checked(content: dict[str, Any]) -> dict[str, Any]:
    """The content, if every character of it can be printed."""
    missing = fonts.missing_glyphs("".join(str(v) for v in content.values()))
    if missing:
        raise CertificateRefused(str(fonts.MissingGlyphs(missing)))
    return content


def _guest(person_id: uuid.UUID, guest: Link) -> dict[str, Any]:
    """Where a guest studies, since when and until when, and which school keeps the record."""
    with connection.cursor() as c:
        c.execute(
            "select detail ->> 'origin', detail ->> 'planned_end' from event where person_id = %s and event_id = %s",
            [person_id, guest.event_id],
        )
        origin, until = c.fetchone() or ("", "")
    since = local_day(guest.valid_from)
    content = _place(guest, [guest]) | {"origin": origin or "", "borrowed_from": since.isoformat()}
    try:
        end = date.fromisoformat(until or "")
    except ValueError:
        return content | {"borrowed_until": "", "period": f"{zh_date(since)}起"}
    return content | {"borrowed_until": end.isoformat(), "period": f"{zh_date(since)}至{zh_date(end)}"}


def time_studied(first: date, last: date) -> str:
    """The time between two days in years and months, as a 肄业 certificate states it: 2年5个月."""
    months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
    years, rest = divmod(max(months, 1), 12)
    return (f"{years}年" if years else "") + (f"{rest}个月" if rest else "")


def _place(link: Link, chain: list[Link]) -> dict[str, Any]:
    """School, grade and class of a link, when the child came to this school, when it will finish."""
    with connection.cursor() as c:
        c.execute(
            "select coalesce(nullif(s.seal_name, ''), o.name), s.school_code, o.phone, s.system, k.number"
            " from school s join org o on o.id = s.org_id left join school_class k on k.id = %s where s.org_id = %s",
            [link.class_id, link.school_id],
        )
        school, code, phone, system, number = c.fetchone()
    grade = grade_on(link.stage, link.cohort_year, system, today())
    if grade is None:
        raise CertificateRefused(
            _("该生的入学年份是 %(y)s 年, 已不在学制年限内, 请先核对年级和学籍状态") % {"y": link.cohort_year}
        )
    entered = link.valid_from
    for earlier in reversed(chain):
        if earlier.valid_from < link.valid_from and earlier.valid_to == entered:
            if (earlier.school_id, earlier.stage) != (link.school_id, link.stage) or not earlier.is_open:
                break
            entered = earlier.valid_from
    years = int(system.split("-")["PJS".index(link.stage)])
    return {
        "school": school,
        "school_code": code,
        "school_phone": phone,
        "grade": grade.label,
        "class": f"（{number}）班" if number else "",
        "entered": local_day(entered).isoformat(),
        "expected": date(link.cohort_year + years, 7, 1).isoformat(),
    }


def _finished(link: Link, chain: list[Link]) -> dict[str, Any]:
    """School, stage and class of a graduate, from when until when."""
    with connection.cursor() as c:
        c.execute(
            "select coalesce(nullif(s.seal_name, ''), o.name), s.school_code, o.phone, k.number, e.detail ->> 'number'"
            " from school s join org o on o.id = s.org_id left join school_class k on k.id = %s"
            " left join event e on e.person_id = %s and e.event_id = %s where s.org_id = %s",
            [link.class_id, link.person_id, link.event_id, link.school_id],
        )
        school, code, phone, number, list_number = c.fetchone()
    here = [x for x in chain if (x.school_id, x.stage) == (link.school_id, link.stage)]
    group = f"{link.cohort_year}级（{number}）班" if number else f"{link.cohort_year}级"
    return {
        "school": school,
        "school_code": code,
        "school_phone": phone,
        "grade": str(Stage(link.stage).label),
        "class": group,
        "entered": local_day(min(x.valid_from for x in here)).isoformat(),
        "finished": local_day(link.valid_from).isoformat(),
        "stage": link.stage,
        "list_number": list_number or "",
    }


def _suspension(person_id: uuid.UUID, link: Link) -> dict[str, Any]:
    """From when until when, as decided; the reason is never part of it."""
    with connection.cursor() as c:
        c.execute(
            "select detail ->> 'planned_end', detail ->> 'case' from event"
            " where person_id = %s and business in ('suspend', 'suspend_extend') and valid_at <= %s"
            " order by valid_at desc, recorded_at desc limit 1",
            [person_id, link.valid_from],
        )
        row = c.fetchone() or ("", "")
    try:
        until = date.fromisoformat(row[0] or "")
    except ValueError as error:
        raise CertificateRefused(
            _("休学决定中没有休学结束日期, 不能开具休学证明。请先在休学业务中补上期限")
        ) from error
    since = local_day(link.valid_from)
    return {
        "suspended_from": since.isoformat(),
        "suspended_until": until.isoformat(),
        "case_number": row[1] or "",
        "period": f"{zh_date(since)}至{zh_date(until)}",
    }
