"""安全事件: reported by anybody of staff, contained, its people found and told one by one, reviewed, closed (C-SEC-07).

Article 57 of the Personal Information Protection Law; article 35 of the regulation on minors: the family and the pupil
are told one by one. A drill goes the same way and tells nobody.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org, School

from .. import terms
from ..errors import PrivacyError
from ..models import Affected, Incident, Notice

SEVERITIES = {
    "minor": gettext_lazy("一般"),
    "major": gettext_lazy("较大"),
    "grave": gettext_lazy("重大"),
}
MOST = 5000


def place_of(pk: Any) -> str:
    """Where an incident's words are bound to."""
    return f"privacy_incident.sealed:{pk}"


def report(
    actor: Any, *, kind: str, title: str, text: str, found_at: datetime, drill: bool = False
) -> Incident:
    """Anybody of staff reports; the unit's officer and the authority in charge see it at once. Raises `PrivacyError`."""
    actor.require("privacy.report")
    if kind not in terms.kinds():
        raise PrivacyError(_("请选择是哪一种事件"))
    if len(title.strip()) < 2 or len(text.strip()) < 5:
        raise PrivacyError(_("请写明发生了什么, 至少 5 个字"))
    if found_at > timezone.now():
        raise PrivacyError(_("发现时间不能在将来"))
    if drill and not actor.can("privacy.incident"):
        drill = False
    org_id, county_id = _unit(actor)
    pk, today = uuid.uuid4(), timezone.localdate()
    with transaction.atomic(), acting("writer"):
        made = Incident.objects.create(
            id=pk,
            number=f"AQ{today:%Y%m%d}{secrets.token_hex(3).upper()}",
            org_id=org_id,
            county_id=county_id,
            kind=kind,
            drill=drill,
            title=title.strip()[:100],
            sealed=vault.seal_json({"text": text.strip()[:4000]}, place_of(pk)),
            found_at=found_at,
            reported_by=actor.user_id,
            reported_name=actor.user_name,
        )
    _tell(actor, "report", made)
    return made


def _unit(actor: Any) -> tuple[int, int]:
    """The unit of the actor and the authority in charge of it; an administrator's is the unit that he belongs to."""
    org = actor.org_id
    if org is None:
        org = Org.objects.filter(parent=None).values_list("id", flat=True).first()
    county = School.objects.filter(pk=org).values_list("county_id", flat=True).first()
    return int(org), int(county or org)


def step(actor: Any, incident_id: uuid.UUID, *, code: str, text: str, severity: str = "") -> Incident:
    """One step was done; the moment is now. Raises Http404, `PrivacyError`."""
    actor.require("privacy.incident")
    if code not in {s.code for s in terms.steps()}:
        raise PrivacyError(_("没有这一步"))
    if len(text.strip()) < 5:
        raise PrivacyError(_("请写明做了什么, 至少 5 个字"))
    with transaction.atomic(), acting("writer"):
        row = locked(actor, incident_id)
        row.steps = [
            *row.steps,
            {
                "code": code,
                "at": timezone.now().isoformat(),
                "by": actor.user_name,
                "org": actor.org_name,
                "text": text.strip()[:1000],
            },
        ]
        if severity in SEVERITIES:
            row.severity = severity
        row.save()
    _tell(actor, f"step.{code}", row)
    return row


def close(actor: Any, incident_id: uuid.UUID) -> Incident:
    """Close an incident whose steps are done and whose families were told. Raises Http404, `PrivacyError`."""
    actor.require("privacy.incident")
    with transaction.atomic(), acting("writer"):
        row = locked(actor, incident_id)
        done = {s["code"] for s in row.steps}
        missing = [s.name for s in terms.steps() if s.code not in done]
        if missing:
            raise PrivacyError(_("还有没办的步骤: %s") % "、".join(missing))
        if terms.kinds()[row.kind].notify and not row.drill:
            left = row.affected.filter(told_at=None, letter_at=None, spoken_at=None).count()
            if left:
                raise PrivacyError(_("还有 %s 名学生的家庭没有告知, 依法应当逐一告知") % left)
        row.closed_at = timezone.now()
        row.save()
    _tell(actor, "close", row)
    return row


def add_people(actor: Any, incident_id: uuid.UUID, rows: Sequence[dict[str, Any]], why: str) -> int:
    """Put children of the own scope on the list (`queries.children_*`); returns how many are new."""
    actor.require("privacy.incident")
    with transaction.atomic(), acting("writer"):
        row = locked(actor, incident_id)
        before = row.affected.count()
        Affected.objects.bulk_create(
            [
                Affected(
                    incident=row,
                    org_id=row.org_id,
                    county_id=row.county_id,
                    person_id=r["person_id"],
                    school_id=r["school_id"],
                    name=r["name"],
                    class_name=r["class_name"][:60],
                    why=why[:100],
                )
                for r in rows[:MOST]
            ],
            ignore_conflicts=True,
        )
        added = row.affected.count() - before
    _tell(actor, "people", row, n=added)
    return added


def remove_person(actor: Any, incident_id: uuid.UUID, affected_id: int) -> None:
    """Take a child off the list who was not concerned and was told nothing. Raises Http404, `PrivacyError`."""
    actor.require("privacy.incident")
    with transaction.atomic(), acting("writer"):
        row = locked(actor, incident_id)
        one = row.affected.filter(pk=affected_id).first()
        if one is None:
            raise Http404
        if one.told_at or one.letter_at or one.spoken_at:
            raise PrivacyError(_("已经告知过, 不能从名单中去掉"))
        one.delete()
    _tell(actor, "people.remove", row)


def write_notice(actor: Any, incident_id: uuid.UUID, *, guardian: str, child: str) -> Incident:
    """The words that families get; {name} stands for the child's name. Raises Http404, `PrivacyError`."""
    actor.require("privacy.incident")
    if len(guardian.strip()) < 10 or len(child.strip()) < 10:
        raise PrivacyError(_("请写明告知的内容"))
    if set("{}") & set((guardian + child).replace("{name}", "")):
        raise PrivacyError(_("还有没填好的空: 除 {name} 外, 大括号里的内容要换成文字"))
    with transaction.atomic(), acting("writer"):
        row = locked(actor, incident_id)
        row.notice_guardian, row.notice_child = guardian.strip()[:2000], child.strip()[:2000]
        row.save()
    _tell(actor, "notice.write", row)
    return row


def tell(actor: Any, incident_id: uuid.UUID) -> int:
    """Lay the notice into the pages of every family that was not told yet; returns how many. A drill tells nobody."""
    actor.require("privacy.incident")
    now = timezone.now()
    with transaction.atomic(), acting("writer"):
        row = locked(actor, incident_id)
        if row.drill:
            raise PrivacyError(_("演练不向家庭发送告知"))
        if not row.notice_guardian:
            raise PrivacyError(_("请先写好告知的内容"))
        waiting = list(row.affected.filter(told_at=None).order_by("pk")[:MOST])
        Notice.objects.bulk_create(
            [
                Notice(
                    person_id=a.person_id,
                    org_id=row.org_id,
                    county_id=row.county_id,
                    incident_id=row.pk,
                    audience=audience,
                    title=_("个人信息安全事件告知"),
                    text=text.replace("{name}", a.name),
                    sent_at=now,
                )
                for a in waiting
                for audience, text in (("guardian", row.notice_guardian), ("child", row.notice_child))
            ],
            ignore_conflicts=True,
        )
        row.affected.filter(pk__in=[a.pk for a in waiting]).update(told_at=now)
    _tell(actor, "notice.send", row, n=len(waiting))
    return len(waiting)


def printed(actor: Any, incident_id: uuid.UUID) -> list[Affected]:
    """The children whose letters are printed now, marked so. Raises Http404, `PrivacyError`."""
    actor.require("privacy.incident")
    with transaction.atomic(), acting("writer"):
        row = locked(actor, incident_id, closed=True)
        if not row.notice_guardian:
            raise PrivacyError(_("请先写好告知的内容"))
        people = list(row.affected.order_by("school_id", "class_name", "pk")[:500])
        if not people:
            raise PrivacyError(_("名单上还没有学生"))
        if not row.drill:
            row.affected.filter(pk__in=[a.pk for a in people], letter_at=None).update(
                letter_at=timezone.now()
            )
    _tell(actor, "notice.print", row, n=len(people))
    return people


def spoken(actor: Any, incident_id: uuid.UUID, affected_id: int, *, how: str) -> None:
    """A family was told by voice: who, when, how. Raises Http404, `PrivacyError`."""
    actor.require("privacy.incident")
    if len(how.strip()) < 2:
        raise PrivacyError(_("请写明怎么告知的, 如: 电话告知母亲"))
    with transaction.atomic(), acting("writer"):
        row = locked(actor, incident_id)
        n = row.affected.filter(pk=affected_id).update(
            spoken_at=timezone.now(), spoken_name=actor.user_name, spoken_how=how.strip()[:100]
        )
    if not n:
        raise Http404
    _tell(actor, "notice.speak", row)


def read(actor: Any, notice_ids: Sequence[int]) -> None:
    """A family has opened its notices: noted once, for the proof."""
    with transaction.atomic(), acting("writer"):
        Notice.objects.filter(pk__in=notice_ids, person_id__in=actor.persons, read_at=None).update(
            read_at=timezone.now(), read_by=actor.user_id
        )


def locked(actor: Any, incident_id: uuid.UUID, *, closed: bool = False) -> Incident:
    """The incident of the actor's unit or of a school that it is in charge of, locked. Raises Http404, `PrivacyError`."""
    row = Incident.objects.select_for_update().filter(pk=incident_id).first()
    if row is None or not {row.org_id, row.county_id} & ({actor.org_id} | set(actor.orgs)):
        raise Http404
    if row.closed_at and not closed:
        raise PrivacyError(_("事件已经办结"))
    return row


def audit_range(user_id: int, begin: datetime, end: datetime) -> list[uuid.UUID]:
    """Children whom an account looked at between two moments, from the audit; the caller asks which are in his scope."""
    with acting("audit"), connection.cursor() as c:
        c.execute(
            "select distinct p from (select person_id as p from audit_entry where user_id = %(user)s"
            " and at between %(a)s and %(b)s"
            " union all select unnest(person_ids) from audit_entry where user_id = %(user)s and at between %(a)s and %(b)s"
            ") x where p is not null limit %(n)s",
            {"user": user_id, "a": begin, "b": end, "n": MOST},
        )
        return [r[0] for r in c.fetchall()]


def _tell(actor: Any, what: str, row: Incident, n: int = 1) -> None:
    record(
        actor,
        f"privacy.incident.{what}",
        object_type="privacy_incident",
        object_id=row.pk,
        after={"kind": row.kind, "drill": row.drill},
        row_count=n,
    )
