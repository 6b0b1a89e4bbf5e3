"""What hangs on somebody's roles: the rows of the list of a hand-over. Read in the writing role by the command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.accounts.models import RoleAssignment, User
from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.grades import class_label

OPEN_BATCHES = ("uploaded", "checking", "checked", "publishing", "failed")


def assignments(user_id: int) -> list[RoleAssignment]:
    """Roles that an account holds today or will hold; families' links are none."""
    rows = RoleAssignment.objects.filter(user_id=user_id, org__isnull=False).exclude(valid_to__lt=today())
    return list(rows.select_related("org", "school_class__school").order_by("pk")[:50])


def holds(user_id: int, row: RoleAssignment, day: date) -> bool:
    """Whether an account has the same role at the same place from that day on already."""
    same = RoleAssignment.objects.filter(
        user_id=user_id, role=row.role, org_id=row.org_id or 0, school_class_id=row.school_class_id
    )
    return same.exclude(valid_to__lt=day).exists()


def names(user_ids: Sequence[int]) -> dict[int, User]:
    """Accounts by id."""
    return {u.pk: u for u in User.objects.filter(pk__in=user_ids)}


def label(row: RoleAssignment) -> str:
    """A role in words, with its class."""
    words = str(Role(row.role).label)
    if row.school_class is None:
        return words
    k = row.school_class
    return f"{words} {class_label(k.stage, k.cohort_year, k.number, k.school.system, today())}"


def items(org_id: int, user_id: int, rows: Sequence[RoleAssignment]) -> list[list[Any]]:
    """The list: what goes along and how much of it. Counts, no names of pupils; three statements."""
    classes = [r.school_class_id for r in rows if r.school_class_id]
    whole = any(r.school_class_id is None for r in rows)
    roles = sorted({r.role for r in rows})
    with connection.cursor() as c:
        c.execute(
            "select (select count(*) from roster where status between 1 and 9 and reason in ('enrolled', 'guest')"
            "          and (class_id = any(%(classes)s) or %(whole)s and school_id = %(org)s)),"
            " (select count(*) from case_ where org_id = %(org)s and creator_id = %(user)s and status = 'draft'),"
            " (select count(*) from case_seat where org_id = %(org)s and holds and holder_roles && %(roles)s),"
            " (select count(*) from import_batch where school_id = %(org)s and creator_id = %(user)s"
            "    and state = any(%(open)s)),"
            " (select count(*) from dropout_watch where result in ('open', 'not_returned')"
            "    and (class_id = any(%(classes)s) or %(whole)s and school_id = %(org)s)),"
            " (select count(*) from problem_side where %(whole)s and school_id = %(org)s and is_open),"
            " (select count(*) from delegation where ended_at is null and until >= %(day)s and org_id = %(org)s"
            "    and (to_user_id = %(user)s or assignment_id = any(%(held)s))),"
            " (select count(*) from family_request where %(whole)s and school_id = %(org)s and state = 'asked')",
            {
                "classes": classes,
                "whole": whole,
                "org": org_id,
                "user": user_id,
                "roles": roles,
                "open": list(OPEN_BATCHES),
                "day": today(),
                "held": [r.pk for r in rows],
            },
        )
        n = c.fetchone()
    return [
        [_("班级"), len(classes), _("花名册随身份移交")],
        [_("在籍学生"), n[0], ""],
        [_("业务草稿"), n[1], _("改由接手人继续填写")],
        [_("待办业务"), n[2], _("由接手人按身份办理")],
        [_("未完成的导入"), n[3], _("改由接手人继续")],
        [_("控辍保学跟进"), n[4], ""],
        [_("问题学籍"), n[5], ""],
        [_("代办"), n[6], _("移交后终止")],
        [_("家长申请待答复"), n[7], ""],
    ]


def colleagues(org_id: int | None, user_id: int) -> list[tuple[int, str]]:
    """Accounts in use of a unit but this one, to choose a successor from."""
    rows = User.objects.filter(home_org_id=org_id or 0, is_active=True).exclude(pk=user_id)
    staff = rows.filter(assignments__org__isnull=False).distinct()
    return [(u.pk, f"{u.display_name} · {u.username}") for u in staff.order_by("display_name", "pk")[:300]]
