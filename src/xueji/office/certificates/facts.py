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
from xueji.registry.enrolment.timeline import Link, local_day
from xueji.registry.people import queries as people

from .errors import CertificateRefused

ENROLMENT = "enrolment"
SUSPENSION = "suspension"
GRADUATION = "graduation"
TITLES = {ENROLMENT: "在籍证明", SUSPENSION: "休学证明", GRADUATION: "毕业、结业、肄业证明"}
FINISHED = (Status.GRADUATED, Status.COMPLETED, Status.INCOMPLETE)


def possible_kinds(link: Link | None) -> list[str]:
    """The kinds that can be given out in a state of the record."""
    if link is not None and link.status in FINISHED:
        return [GRADUATION]
    if link is None or not link.is_open:
        return []
    return [ENROLMENT, SUSPENSION] if link.status == Status.SUSPENDED else [ENROLMENT]


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
    if link is None:
        raise Http404
    if actor.org_kind == "school" and not actor.is_portal and link.school_id != actor.org_id:
        raise CertificateRefused(_("该生的学籍不在本校, 证明由学籍所在的学校开具"))
    if kind not in possible_kinds(link):
        if kind == SUSPENSION:
            raise CertificateRefused(_("该生现在不是休学状态, 不能开具休学证明"))
        if kind == GRADUATION:
            raise CertificateRefused(_("该生还没有毕业, 不能开具毕业证明"))
        raise CertificateRefused(_("该生的学籍状态为“%(s)s”, 不能开具在籍证明") % {"s": link.status_label})
    content = {
        "kind": kind,
        "title": TITLES[kind] if kind != GRADUATION else f"{Status(link.status).code_label}证明",
        "name": card.name,
        "sex": card.sex_label,
        "birth": card.birth_date.isoformat(),
        "student_number": mask_number(card.number),
        "identity": mask_number(card.identity),
        "identity_kind": card.id_type_label,
        # 在校 is the everyday word of those who study; every other state is named as it is.
        "status": "在校" if link.status == Status.STUDYING else Status(link.status).code_label,
        **(_finished(link, chain) if kind == GRADUATION else _place(link, chain)),
    }
    if kind == SUSPENSION:
        content |= _suspension(person_id, link)
    missing = fonts.missing_glyphs("".join(str(v) for v in content.values()))
    if missing:
        raise CertificateRefused(str(fonts.MissingGlyphs(missing)))
    return content


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
