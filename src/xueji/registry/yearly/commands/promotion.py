"""The head of a school states that the classes were checked against the system after the promotion (F-32)."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import School

from .. import promotion
from ..errors import YearlyError
from ..models import PromotionCheck


def confirm_promotion(actor: Any, *, start_year: int, remark: str = "") -> None:
    """Keep who checked the classes of a school year, when, and the numbers then (C-PRO-01); again replaces it.

    Raises PermissionDenied, `YearlyError` before the school year has begun.
    """
    actor.require("yearly.confirm")
    year = promotion.Year(start_year)
    if not year.begun:
        raise YearlyError(_("%s学年还没有开始, 到 9 月 1 日才能确认") % year.label)
    county = School.objects.filter(pk=actor.org_id).values_list("county_id", flat=True).first()
    if county is None or actor.org_id is None:
        raise YearlyError(_("升级核对由学校确认"))
    counts = {k: n for k, n in promotion.report(actor.org_id, year).totals.items() if n}
    with transaction.atomic(), acting("writer"):
        PromotionCheck.objects.update_or_create(
            school_id=actor.org_id,
            start_year=start_year,
            defaults={
                "county_id": county, "counts": counts, "remark": remark.strip()[:300], "confirmed_by": actor.user_id,
                "confirmed_name": actor.user_name, "confirmed_at": timezone.now(),
            },
        )  # fmt: skip
        record(
            actor, "yearly.promotion", object_type="school_year", object_id=start_year, after=counts,
            row_count=sum(counts.values()),
        )  # fmt: skip
