"""Handing a register in for its yearly endorsement, and endorsing it (学籍验章, C-ENR-17)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import Org, School
from xueji.ground.policy.places import policy_for

from .. import stamps
from ..errors import YearlyError
from ..models import RegisterStamp, StampState

EVENT = "report.september"
MOST = 100


def ask_stamp(actor: Any) -> RegisterStamp:
    """Hand the school's register in as it stands; until it is endorsed it may be handed in again.

    Raises PermissionDenied, `YearlyError` when it is endorsed already, is empty, or new pupils wait for a class.
    """
    actor.require("stamp.ask")
    year = start_year_of(today())
    with transaction.atomic(), acting("writer"):
        school = School.objects.select_for_update().filter(pk=actor.org_id).first()
        if school is None:
            raise YearlyError(_("学籍验章由学校提交"))
        held = RegisterStamp.objects.select_for_update().filter(school_id=school.pk, start_year=year).first()
        if held is not None and held.state == StampState.STAMPED:
            raise YearlyError(_("本校 %s 学年的学籍名册已经验章") % _label(year))
        now = stamps.registers([school.pk], year).get(school.pk)
        if now is None:
            raise YearlyError(_("本校没有在籍学生, 不用验章"))
        if now.waiting:
            raise YearlyError(_("还有 %s 名新生没有编班, 新生建档完成后再提交验章") % now.waiting)
        row, _made = RegisterStamp.objects.update_or_create(
            school_id=school.pk,
            start_year=year,
            defaults={
                "county_id": school.county_id,
                "state": StampState.ASKED,
                "total": now.total,
                "counts": now.counts,
                "digest": now.digest,
                "asked_name": actor.user_name,
                "asked_at": timezone.now(),
                "remark": "",
            },
        )
        record(
            actor,
            "yearly.stamp_ask",
            object_type="register",
            object_id=row.pk,
            after={"year": year, "total": now.total, "digest": now.digest},
            row_count=now.total,
        )
    return row


def stamp(actor: Any, schools: Iterable[int], *, back: str | None = None) -> int:
    """Endorse the registers of these schools for the year, all or none; `back` returns them with a reason instead.

    A register that changed since it was handed in is not endorsed; what the place demands of September's work is asked
    of its rules. Central school or county endorse alike. Raises PermissionDenied, Http404, `YearlyError` with the article.
    """
    actor.require("stamp.give")
    ids, why = sorted(set(schools)), (back or "").strip()[:200]
    if not 1 <= len(ids) <= MOST:
        raise YearlyError(_("请勾选 1 至 %s 所学校") % MOST)
    year = start_year_of(today())
    seen = set(
        RegisterStamp.objects.filter(school_id__in=ids, start_year=year).values_list("school_id", flat=True)
    )
    with transaction.atomic(), acting("writer"):
        orgs = {o.pk: o for o in Org.objects.filter(pk__in=ids, path__startswith=actor.org_path)}
        rows = list(
            RegisterStamp.objects.select_for_update()
            .filter(school_id__in=ids, start_year=year)
            .order_by("school_id", "pk")
        )
        if set(orgs) != set(ids) or seen != set(ids):
            raise Http404
        for row in rows:
            if row.state != StampState.ASKED:
                raise YearlyError(
                    _("%(school)s 的名册现在是“%(state)s”, 不能做这一步")
                    % {"school": orgs[row.school_id].name, "state": StampState(row.state).label}
                )
        if back is not None:
            if len(why) < 5:
                raise YearlyError(_("请写明退回的理由, 至少 5 个字"))
            for row in rows:
                row.state, row.remark = StampState.RETURNED, why
        else:
            _endorse(actor, rows, orgs, year)
        RegisterStamp.objects.bulk_update(
            rows, ["state", "remark", "article", "stamped_org", "stamped_name", "stamped_at"]
        )
        record(
            actor,
            "yearly.stamp",
            object_type="register",
            object_id=year,
            after={"schools": ids, "back": why, "total": sum(r.total for r in rows)},
            row_count=len(rows),
        )
    return len(rows)


def _endorse(actor: Any, rows: list[RegisterStamp], orgs: dict[int, Org], year: int) -> None:
    now = stamps.registers([r.school_id for r in rows], year)
    for row in rows:
        org, held = orgs[row.school_id], now.get(row.school_id)
        if held is None or held.digest != row.digest:
            raise YearlyError(_("%s 的名册提交以后有变动, 请退回学校重新提交") % org.name)
        done = ["验章"] + ([] if held.waiting else ["新生建档"])
        trace = policy_for(org, today()).evaluate(EVENT, {"case.done": done}, today())
        if trace.stopping:
            raise YearlyError(f"{org.name}: " + "；".join(f.sentence for f in trace.stopping))
        row.article = "；".join(f.article for f in trace.findings)[:200]
        row.state, row.stamped_org = StampState.STAMPED, actor.org_name
        row.stamped_name, row.stamped_at = actor.user_name, timezone.now()


def _label(year: int) -> str:
    return f"{year}-{year + 1}"
