"""Everything that writes organisations, classes and the school calendar."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from ..errors import OrgError
from ..grades import class_label, start_year_of
from ..models import AUTHORITY_KINDS, EntryState, Org, OrgKind, School, SchoolClass, SchoolYear, Stage, Term
from ..queries import within

_RANK = {k: n for n, k in enumerate(OrgKind.values)}
_SYSTEM = re.compile(r"^[56]-[34]-[23]$")


def _new_id() -> int:
    with connection.cursor() as c:
        c.execute("select nextval(pg_get_serial_sequence('org', 'id'))")
        return int(c.fetchone()[0])


def _parent(actor: Any, parent_id: int | None, kind: str) -> Org:
    parent = Org.objects.filter(pk=parent_id or 0).first()
    if parent is None or not within(actor, parent.path):
        raise Http404
    if parent.valid_to is not None or _RANK[parent.kind] >= _RANK[kind]:
        raise OrgError(_("上级单位不合适: 只能放在更高一级、仍在办的单位下面"))
    return parent


def _insert_org(parent: Org, **fields: Any) -> Org:
    pk = _new_id()
    org = Org(id=pk, parent=parent, path=f"{parent.path}{pk}/", valid_from=timezone.localdate(), **fields)
    try:
        with transaction.atomic():
            org.save(force_insert=True)
    except IntegrityError as e:
        raise OrgError(_("代码“%(code)s”已有单位使用") % {"code": fields["code"]}) from e
    return org


def create_org(
    actor: Any,
    *,
    kind: str,
    code: str,
    name: str,
    parent_id: int,
    short_name: str = "",
    phone: str = "",
    contact: str = "",
) -> int:
    """A new authority or central school below `parent_id`; returns its id (C-ORG-01, C-ORG-02).

    Raises OrgError, Http404 (parent outside the actor's part of the tree), PermissionDenied.
    """
    actor.require("org.edit")
    if kind not in (*AUTHORITY_KINDS, OrgKind.CENTRAL):
        raise OrgError(_("没有这一级单位"))
    parent = _parent(actor, parent_id, kind)
    wanted = r"\d{6}" if kind in AUTHORITY_KINDS else r"[0-9A-Z]{6,12}"
    if not re.fullmatch(wanted, code):
        raise OrgError(_("代码不对: 主管部门用6位行政区划代码, 中心校用6至12位代码"))
    if not name.strip():
        raise OrgError(_("请填写名称"))
    with acting("writer"):
        org = _insert_org(
            parent,
            kind=kind,
            code=code,
            division=code[:6] if kind in AUTHORITY_KINDS else parent.division,
            name=name.strip(),
            short_name=(short_name or name).strip()[:30],
            phone=phone.strip(),
            contact=contact.strip(),
        )
    record(
        actor,
        "orgs.create",
        object_type="org",
        object_id=org.pk,
        after={"kind": kind, "code": code, "name": org.name},
    )
    return org.pk


def create_first(who: Any, *, kind: str, code: str, name: str) -> int:
    """The top of an empty installation's tree, from the terminal: without it nobody could have an account.

    Everything below it is added on the pages. Raises OrgError when there is a unit already or the values are wrong.
    """
    if kind not in AUTHORITY_KINDS:
        raise OrgError(_("第一个单位应是主管部门: nation、province、city 或 county"))
    if not re.fullmatch(r"\d{6}", code) or not name.strip():
        raise OrgError(_("请给出6位行政区划代码和名称"))
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("lock table org in share row exclusive mode")
        if Org.objects.exists():
            raise OrgError(_("已有单位, 其他单位请由系统管理员在“单位”页面添加"))
        pk = _new_id()
        Org.objects.create(
            id=pk,
            kind=kind,
            code=code,
            division=code,
            name=name.strip(),
            short_name=name.strip()[:30],
            path=f"/{pk}/",
            valid_from=timezone.localdate(),
        )
        record(who, "orgs.create", object_type="org", object_id=pk, after={"kind": kind, "code": code})
    return pk


def create_school(
    actor: Any,
    *,
    code: str,
    name: str,
    parent_id: int,
    stages: list[str],
    school_type: str,
    system: str = "6-3-3",
    short_name: str = "",
    phone: str = "",
    address: str = "",
    boarding: bool = False,
) -> int:
    """A new school; the authority in charge is the nearest one above it (C-ORG-03, C-ORG-07). Returns its id.

    It waits for that authority's review: until it is admitted nobody works there (C-ORG-04).
    Raises OrgError, Http404, PermissionDenied.
    """
    actor.require("org.edit")
    parent = _parent(actor, parent_id, OrgKind.SCHOOL)
    if not re.fullmatch(r"\d{10}", code):
        raise OrgError(_("学校标识码应为10位数字"))
    if not stages or not set(stages) <= set(Stage.values):
        raise OrgError(_("请选择学段"))
    if not _SYSTEM.match(system):
        raise OrgError(_("学制按“小学-初中-高中”写年数, 如 6-3-3 或 5-4-3"))
    if not name.strip():
        raise OrgError(_("请填写名称"))
    county = parent
    while county.kind not in AUTHORITY_KINDS:
        if county.parent is None:
            raise OrgError(_("上面没有学籍主管部门"))
        county = county.parent
    with acting("writer"), transaction.atomic():
        org = _insert_org(
            parent,
            kind=OrgKind.SCHOOL,
            code=code,
            division=county.division,
            name=name.strip(),
            short_name=(short_name or name).strip()[:30],
            phone=phone.strip(),
        )
        School.objects.create(
            org=org,
            county=county,
            school_code=code,
            school_type=school_type,
            stages=[s for s in Stage.values if s in stages],
            system=system,
            address=address.strip(),
            boarding=boarding,
            seal_name=name.strip()[:60],
            entry=EntryState.ASKED,
        )
    record(
        actor,
        "orgs.school.create",
        object_type="org",
        object_id=org.pk,
        after={"code": code, "name": org.name, "stages": sorted(stages), "system": system},
    )
    return org.pk


def change_org(
    actor: Any,
    org_id: int,
    *,
    short_name: str,
    phone: str = "",
    contact: str = "",
    parent_id: int | None = None,
) -> None:
    """Mend a unit's short name and office; put a school under a central school, or straight under its authority.

    With another parent the same businesses run over three tiers or two (C-ORG-02); the authority in charge stays.
    Raises OrgError, Http404 (outside the actor's part of the tree), PermissionDenied.
    """
    actor.require("org.edit")
    if not short_name.strip():
        raise OrgError(_("请填写简称"))
    with transaction.atomic():
        with acting("writer"):
            org = Org.objects.select_for_update().filter(pk=org_id).first()
        if org is None or not within(actor, org.path):
            raise Http404
        before = {"short_name": org.short_name, "parent": org.parent_id}
        if parent_id is not None and parent_id != org.parent_id:
            _hang(actor, org, parent_id)
        org.short_name = short_name.strip()[:30]
        org.phone, org.contact = phone.strip(), contact.strip()
        with acting("writer"):
            org.save(update_fields=["short_name", "phone", "contact", "parent", "path"])
        record(
            actor,
            "orgs.change",
            object_type="org",
            object_id=org.pk,
            before=before,
            after={"short_name": org.short_name, "parent": org.parent_id},
        )


def _hang(actor: Any, org: Org, parent_id: int) -> None:
    """Below another unit of the same authority; only a school moves, nothing hangs below it."""
    parent = _parent(actor, parent_id, org.kind)
    school = School.objects.filter(pk=org.pk).first()
    if school is None or org.kind != OrgKind.SCHOOL:
        raise OrgError(_("只有学校可以改变上级单位"))
    of_tier = parent.kind == OrgKind.CENTRAL and parent.parent_id == school.county_id
    if parent.pk != school.county_id and not of_tier:
        raise OrgError(_("只能放在同一学籍主管部门或它的中心校、学区下面"))
    org.parent, org.path = parent, f"{parent.path}{org.pk}/"


def create_class(
    actor: Any,
    school_id: int,
    *,
    stage: str,
    cohort_year: int,
    number: int,
    capacity: int = 45,
    alias: str = "",
) -> int:
    """A class of the actor's own school (C-ORG-06); returns its id. Raises OrgError, Http404, PermissionDenied."""
    actor.require("class.edit")
    if actor.org_id != school_id:
        raise Http404
    school = School.objects.filter(pk=school_id).first()
    if school is None:
        raise Http404
    if stage not in school.stages:
        raise OrgError(_("本校没有这个学段"))
    this = start_year_of(timezone.localdate())
    if not this - school.years_of(stage) < cohort_year <= this + 1:
        raise OrgError(_("入学年份不对: 只能建现有年级和下一学年新生的班"))
    if not 1 <= number <= 99 or not 1 <= capacity <= 200:
        raise OrgError(_("班号应为1至99, 班额应为1至200"))
    row = SchoolClass(
        school=school,
        stage=stage,
        cohort_year=cohort_year,
        number=number,
        capacity=capacity,
        alias=alias.strip(),
    )
    try:
        with transaction.atomic(), acting("writer"):
            row.save(force_insert=True)
    except IntegrityError as e:
        raise OrgError(_("%(y)s级已有%(n)s班") % {"y": cohort_year, "n": number}) from e
    record(
        actor,
        "orgs.class.create",
        object_type="class",
        object_id=row.pk,
        after={
            "label": class_label(stage, cohort_year, number, school.system, timezone.localdate()),
            "capacity": capacity,
        },
    )
    return row.pk


def close_class(actor: Any, class_id: int, *, occupied: Callable[[int], bool]) -> None:
    """Close a class that has no pupils any more. `occupied` asks the roster, which is kept on the floor above."""
    actor.require("class.edit")
    with acting("writer"):
        row = (
            SchoolClass.objects.select_for_update()
            .filter(pk=class_id, school_id=actor.org_id, closed_on=None)
            .first()
        )
    if row is None:
        raise Http404
    if occupied(class_id):
        raise OrgError(_("班里还有学生, 先调班再停用"))
    with acting("writer"):
        SchoolClass.objects.filter(pk=class_id).update(closed_on=timezone.localdate())
    record(actor, "orgs.class.close", object_type="class", object_id=class_id)


def ensure_school_years(first: int, last: int) -> int:
    """School years `first`..`last` with two terms each, where they are missing (C-ORG-05); returns how many were added.

    1 September to 31 August; the second term begins on 1 February. Authorities change the days afterwards.
    """
    with transaction.atomic(), acting("writer"):
        have = set(SchoolYear.objects.filter(start_year__range=(first, last)).values_list("pk", flat=True))
        years = [
            SchoolYear(start_year=y, starts=date(y, 9, 1), ends=date(y + 1, 8, 31))
            for y in range(first, last + 1)
            if y not in have
        ]
        SchoolYear.objects.bulk_create(years, ignore_conflicts=True)
        Term.objects.bulk_create(
            [
                t
                for y in years
                for t in (
                    Term(year=y, number=1, starts=y.starts, ends=date(y.start_year + 1, 1, 31)),
                    Term(year=y, number=2, starts=date(y.start_year + 1, 2, 1), ends=y.ends),
                )
            ],
            ignore_conflicts=True,
        )
    return len(years)
