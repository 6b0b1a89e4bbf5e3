"""Reading the tree of organisations, schools, classes and the school calendar."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Count
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.waiting import Ask, Heap, Rows

from .grades import Grade, class_label, grade_on, start_year_of
from .models import (
    Campus,
    EntryState,
    Org,
    OrgKind,
    School,
    SchoolClass,
    SchoolReview,
    SchoolYear,
    Stage,
    Term,
)

#: A province has some thousands of schools: choices and trees never load more than this.
MOST = 2000
LARGE, VERY_LARGE = 56, 66  # 大班额, 超大班额: national reporting thresholds


@dataclass
class Node:
    """An organisation of the tree with what hangs below it."""

    id: int
    kind: str
    kind_label: str
    code: str
    name: str
    phone: str
    depth: int
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True)
class SchoolCard:
    """The sheet of an organisation; `school` parts are None or empty for authorities."""

    id: int
    kind: str
    kind_label: str
    name: str
    short_name: str
    code: str
    division: str
    phone: str
    contact: str
    parents: list[tuple[int, str]]
    parent_id: int | None
    closed: bool
    stages: list[str]
    stage_labels: list[str]
    system: str
    school_type: str
    address: str
    boarding: bool
    county_name: str
    seal_name: str
    campuses: list[str]
    entry: str
    entry_label: str

    @property
    def is_school(self) -> bool:
        """Whether this organisation teaches."""
        return self.kind == OrgKind.SCHOOL


@dataclass(frozen=True)
class ClassRow:
    """A class as it is named today. `label` is 三年级(2)班, `cohort_label` 2024级2班."""

    id: int
    school_id: int
    stage: str
    cohort_year: int
    number: int
    capacity: int
    alias: str
    label: str
    cohort_label: str
    grade: Grade | None
    closed: bool

    @property
    def grade_label(self) -> str:
        """The grade in words; a cohort that has left the stage is called so."""
        return self.grade.label if self.grade else _("已离校 %(y)s级") % {"y": self.cohort_year}

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Stages in order, lower grades first, cohorts that have left at the end."""
        return (self.grade is None, "PJS".index(self.stage), -self.cohort_year, self.number)  # type: ignore[return-value]


def size_label(count: int) -> str:
    """正常, 大班额 (from 56) or 超大班额 (from 66)."""
    if count >= VERY_LARGE:
        return _("超大班额")
    return _("大班额") if count >= LARGE else _("正常")


def unit_choices(actor: Any) -> list[tuple[int, str]]:
    """Organisations whose accounts the actor manages: his own, and what lies below it."""
    if actor.org_id is None:
        return []
    if actor.org_kind == OrgKind.SCHOOL:
        return [(actor.org_id, actor.org_name)]
    return list(
        Org.objects.filter(path__startswith=actor.org_path, valid_to=None)
        .order_by("path")
        .values_list("id", "name")[:MOST]
    )


def class_choices(actor: Any) -> list[tuple[int, str]]:
    """The open classes of the actor's own school, as they are named today."""
    if actor.org_kind != OrgKind.SCHOOL or actor.org_id is None:
        return []
    return [(c.id, c.label) for c in classes_of(actor.org_id)]


def tree(actor: Any, text: str = "") -> list[Node]:
    """The tree below the actor's organisation, one query; with `text` only what fits and the way there."""
    path = actor.org_path or "/"
    rows = list(Org.objects.filter(path__startswith=path, valid_to=None).order_by("path")[:MOST])
    if text:
        text = text.strip()
        wanted = {
            part
            for o in rows
            if text in o.name or text in o.short_name or o.code.startswith(text)
            for part in o.path.strip("/").split("/")
        }
        rows = [o for o in rows if str(o.pk) in wanted]
    nodes: dict[int, Node] = {}
    top: list[Node] = []
    for o in sorted(rows, key=lambda o: (o.path.count("/"), o.code)):
        node = Node(o.pk, o.kind, str(OrgKind(o.kind).label), o.code, o.name, o.phone, 0)
        nodes[o.pk] = node
        parent = nodes.get(o.parent_id or 0)
        if parent:
            node.depth = parent.depth + 1
            parent.children.append(node)
        else:
            top.append(node)
    return top


def may_see(actor: Any, org: Org) -> bool:
    """Units are known to everybody who may look at units inside his part of the tree; and one's own superiors."""
    return within(actor, org.path) or (actor.org_path or "/").startswith(org.path)


def within(actor: Any, org_path: str) -> bool:
    """Whether a unit is the actor's own or below it: what he may change, if his role changes units at all."""
    return org_path.startswith(actor.org_path or "/")


def covers(actor: Any, org_path: str) -> bool:
    """Whether the actor's scope covers the students of an organisation: then its head-counts are shown."""
    return bool(actor.orgs) and bool(actor.org_path) and org_path.startswith(actor.org_path)


def card(actor: Any, org_id: int) -> SchoolCard:
    """The sheet of an organisation in the actor's part of the tree; Http404 outside it."""
    org = Org.objects.select_related("school", "school__county").filter(pk=org_id).first()
    if org is None or not may_see(actor, org):
        raise Http404
    ids = [int(p) for p in org.path.strip("/").split("/")[:-1]]
    above = list(Org.objects.filter(pk__in=ids).order_by("path").values_list("id", "name"))
    school: School | None = getattr(org, "school", None)
    campuses = list(Campus.objects.filter(school_id=org_id).order_by("number").values_list("name", flat=True))
    return SchoolCard(
        id=org.pk,
        kind=org.kind,
        kind_label=str(OrgKind(org.kind).label),
        name=org.name,
        short_name=org.short_name,
        code=school.school_code if school else org.code,
        division=org.division,
        phone=org.phone,
        contact=org.contact,
        parents=above,
        parent_id=org.parent_id,
        closed=org.valid_to is not None,
        stages=list(school.stages) if school else [],
        stage_labels=[str(Stage(s).label) for s in school.stages] if school else [],
        system=school.system if school else "",
        school_type=school.school_type if school else "",
        address=school.address if school else "",
        boarding=school.boarding if school else False,
        county_name=school.county.name if school else "",
        seal_name=school.seal_name if school else "",
        campuses=campuses,
        entry=school.entry if school else "",
        entry_label=str(EntryState(school.entry).label) if school else "",
    )


def possible_parents(org_id: int) -> list[tuple[int, str]]:
    """What a school may stand under: its authority in charge and that one's central schools; nothing where there is no choice."""
    school = School.objects.select_related("county", "org").filter(pk=org_id).first()
    if school is None:
        return []
    central = Org.objects.filter(parent_id=school.county_id, kind=OrgKind.CENTRAL, valid_to=None)
    tiers = list(central.order_by("code", "id").values_list("id", "name")[:MOST])
    if not tiers and school.org.parent_id == school.county_id:
        return []
    return [(school.county_id, school.county.name), *tiers]


def entries(actor: Any, *, state: str = "", after: str = "", limit: int = 50) -> list[School]:
    """Schools that the actor's unit is in charge of, by code, those of a state; one more than `limit` if there are more."""
    rows = School.objects.select_related("org").filter(county_id=actor.org_id, org__valid_to=None)
    if state:
        rows = rows.filter(entry=state)
    if after:
        rows = rows.filter(school_code__gt=after)
    return list(rows.order_by("school_code", "pk")[: limit + 1])


def entry_counts(actor: Any) -> dict[str, int]:
    """How many of those schools stand in each state; one query."""
    rows = School.objects.filter(county_id=actor.org_id, org__valid_to=None)
    return dict(rows.values_list("entry").annotate(n=Count("pk")).order_by("entry"))


def entry_school(actor: Any, org_id: int) -> School:
    """One of them. Raises Http404."""
    school = School.objects.select_related("org").filter(pk=org_id, county_id=actor.org_id).first()
    if school is None:
        raise Http404
    return school


def outside_network(org_id: int) -> str:
    """Why a school may put nobody on record: it is not admitted to the network (C-ORG-04); empty when it is."""
    school = School.objects.select_related("org").filter(pk=org_id).exclude(entry=EntryState.ADMITTED).first()
    return _("%s 没有入网或已暂停入网, 不能建立学籍") % school.org.name if school else ""


def reviews(org_id: int) -> list[SchoolReview]:
    """The last twenty decisions on a school's entry, in the reader's scope."""
    return list(SchoolReview.objects.filter(org_id=org_id).order_by("-pk")[:20])


def entries_waiting(actor: Any) -> Ask[Heap | None]:
    """For the first page of the authority in charge: schools that wait for its review."""

    def read(rows: Rows) -> Heap | None:
        n = rows[0]["n"]
        return (
            Heap(_("学校入网审查"), n, "/orgs/entries/?state=asked", _("%s 所学校") % n, _("待审查"))
            if n
            else None
        )

    return Ask(
        "select count(*) as n from school where county_id = %(org)s and entry = 'asked'",
        {"org": actor.org_id},
        read,
    )


def _class_row(c: SchoolClass, system: str, day: date) -> ClassRow:
    return ClassRow(
        id=c.pk,
        school_id=c.school_id,
        stage=c.stage,
        cohort_year=c.cohort_year,
        number=c.number,
        capacity=c.capacity,
        alias=c.alias,
        label=class_label(c.stage, c.cohort_year, c.number, system, day),
        cohort_label=_("%(y)s级%(n)s班") % {"y": c.cohort_year, "n": c.number},
        grade=grade_on(c.stage, c.cohort_year, system, day),
        closed=c.closed_on is not None,
    )


def classes_of(school_id: int, *, day: date | None = None, left: bool = False) -> list[ClassRow]:
    """Open classes of a school, by grade and number; with `left` also those whose cohort has left the stage."""
    day = day or timezone.localdate()
    rows = SchoolClass.objects.filter(school_id=school_id, closed_on=None).select_related("school")
    if not left:
        rows = rows.filter(cohort_year__gt=start_year_of(day) - 8)
    found = [_class_row(c, c.school.system, day) for c in rows.order_by("-cohort_year", "number")[:MOST]]
    return sorted((c for c in found if left or c.grade), key=lambda c: c.order)


def class_row(actor: Any, class_id: int) -> ClassRow:
    """One class in the actor's part of the tree (a teacher: only his own); Http404 otherwise."""
    c = SchoolClass.objects.select_related("school", "school__org").filter(pk=class_id).first()
    if c is None or (actor.classes and class_id not in actor.classes):
        raise Http404
    if not actor.classes and not c.school.org.path.startswith(actor.org_path or "?"):
        raise Http404
    return _class_row(c, c.school.system, timezone.localdate())


def school_year_of(day: date) -> SchoolYear | None:
    """The school year that a day belongs to, if it is set up."""
    return SchoolYear.objects.filter(starts__lte=day, ends__gte=day).first()


def terms_of(start_year: int) -> list[Term]:
    """The terms of a school year, in order."""
    return list(Term.objects.filter(year_id=start_year).order_by("number"))
