"""The number of a pupil at the school (注册学号): optional, in the order of completion, for good."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs import queries as orgs

from .. import limits
from ..errors import PlacementError
from ..models import SchoolNumber
from ..queries import numbers


def give(actor: Any, class_id: int, persons: Sequence[uuid.UUID]) -> int:
    """Numbers for those of a class whose 是否生成 is ticked, in this order, at the end of their year (C-NUM-11); who has
    one keeps it, who is not ticked gets none. Returns how many were given. Two classes at once wait for each other: no
    number is given twice, none is left out. Raises Http404, `PlacementError`.
    """
    actor.require("term.register")
    klass = orgs.class_row(actor, class_id)
    if klass.school_id != actor.org_id:
        raise Http404
    if not limits.allowed(limits.policy_of(klass.school_id, today()), "number.school"):
        raise PlacementError(_("本地规定学校不另编注册学号"))
    with transaction.atomic():
        rows = {r.child.person_id: r for r in numbers.of_class(actor, class_id)}
        wanted = [p for p in dict.fromkeys(persons) if p in rows and not rows[p].number]
        if not wanted:
            raise PlacementError(_("请先勾选要生成学号的学生"))
        with acting("writer"), connection.cursor() as c:
            c.execute("select pg_advisory_xact_lock(hashtext('school_number'), %s)", [klass.school_id])
            c.execute(
                "select coalesce(max(nth), 0) from school_number where school_id = %s and cohort_year = %s",
                [klass.school_id, klass.cohort_year],
            )
            last = int(c.fetchone()[0])
            SchoolNumber.objects.bulk_create(
                [
                    SchoolNumber(
                        school_id=klass.school_id,
                        county_id=actor.county_id,
                        class_id=class_id,
                        person_id=person,
                        cohort_year=klass.cohort_year,
                        order=n,
                        number=f"{klass.cohort_year}{klass.stage}{n:04d}",
                        given_on=today(),
                        given_by=actor.user_name,
                    )
                    for n, person in enumerate(wanted, start=last + 1)
                ],
                batch_size=500,
            )
        record(
            actor,
            "placement.number",
            object_type="class",
            object_id=class_id,
            after={"pupils": len(wanted), "first": last + 1},
            row_count=len(wanted),
            persons=wanted,
        )
    return len(wanted)
