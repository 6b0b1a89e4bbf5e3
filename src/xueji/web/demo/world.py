"""The places of the demonstration as the generator needs them, and writing them: orgs, schools, years, classes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date

from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import (
    CalendarDay,
    Campus,
    Org,
    OrgKind,
    School,
    SchoolClass,
    SchoolYear,
    Term,
)

from . import layout
from .layout import Size, Spec

#: School years before and after the present one; records begin with the first.
YEARS_BACK, YEARS_AHEAD = 8, 1
#: Cohorts that have left are kept for so many years.
LEFT_YEARS = 3
OPENED = date(1998, 9, 1)


@dataclass
class Place:
    """A school with its classes: (stage, cohort) -> ids of its classes by number."""

    spec: Spec
    org_id: int
    county_id: int
    county_name: str
    place_name: str
    division: str
    code: str
    classes: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    turn: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Key of the layout."""
        return self.spec.key

    def years(self, stage: str) -> int:
        """Years of a stage under the school's system."""
        return int(self.spec.system.split("-")["PJS".index(stage)])

    def next_class(self, stage: str, cohort: int) -> int:
        """The classes of a cohort in turn, so that they fill evenly."""
        ids = self.classes[stage, cohort]
        turn = self.turn.get((stage, cohort), 0)
        self.turn[stage, cohort] = turn + 1
        return ids[turn % len(ids)]


@dataclass
class World:
    """Everything that does not move: authorities by division code, schools in the order of the layout."""

    size: Size
    today: date
    start_year: int
    province: Org
    cities: dict[str, Org]
    counties: list[Org]
    central: Org | None
    places: list[Place]
    class_numbers: dict[int, tuple[str, int, int]] = field(default_factory=dict)

    @property
    def first_year(self) -> int:
        """The first school year of the record."""
        return self.start_year - YEARS_BACK

    def by_key(self, key: str) -> Place:
        """A school by its key in the layout."""
        return next(p for p in self.places if p.key == key)

    def by_id(self) -> dict[int, Place]:
        """Schools by their organisation."""
        return {p.org_id: p for p in self.places}


def make(size: Size, today: date, rng: random.Random) -> World:
    """Write authorities, schools, campuses, school years and classes; in the writing role, in a transaction."""
    province, cities, counties, central = _authorities(size)
    world = World(size, today, start_year_of(today), province, cities, counties, central, [])
    _schools(world, rng)
    _years(world)
    _classes(world)
    CalendarDay.objects.create(
        org=counties[0], day=date(world.start_year, 10, 28), is_workday=False, reason="县庆日放假一天"
    )
    return world


def _org(
    kind: OrgKind, code: str, name: str, short: str, parent: Org | None, division: str, phone: str
) -> Org:
    org = Org(
        kind=kind, code=code, name=name, short_name=short, parent=parent, division=division, phone=phone,
        contact="基础教育科" if kind != OrgKind.SCHOOL else "教务处", valid_from=OPENED, path=f"/{code}/",
    )  # fmt: skip
    org.save(force_insert=True)
    org.path = f"{parent.path if parent else '/'}{org.pk}/"
    org.save(update_fields=["path"])
    return org


def _authorities(size: Size) -> tuple[Org, dict[str, Org], list[Org], Org | None]:
    code, _place, name, short = layout.PROVINCE
    province = _org(OrgKind.PROVINCE, code, name, short, None, code, "0960-5550001")
    cities = {}
    for n, (code, _place, name, short) in enumerate(layout.CITIES):
        cities[code] = _org(OrgKind.CITY, code, name, short, province, code, f"0960-555{n + 1}001")
    counties = []
    for n, (code, _place, name, short) in enumerate(layout.COUNTIES):
        city = cities[f"{code[:4]}00"]
        counties.append(_org(OrgKind.COUNTY, code, name, short, city, code, f"0960-556{n + 1}001"))
    code, name, short = layout.CENTRAL
    central = _org(OrgKind.CENTRAL, code, name, short, counties[0], layout.COUNTIES[0][0], "0960-5564001")
    return province, cities, counties, central


def _schools(world: World, rng: random.Random) -> None:
    orgs: list[Org] = []
    for number, spec in enumerate(world.size.schools, start=1):
        county = world.counties[spec.county]
        city = world.cities[f"{county.code[:4]}00"]
        parent = world.central if spec.central else city if spec.city_run else county
        assert parent is not None
        code = f"{spec.category}99{number:06d}"
        org = _org(
            OrgKind.SCHOOL,
            code,
            spec.name,
            spec.short,
            parent,
            county.division,
            f"0960-57{number:02d}{number % 10}{rng.randrange(10)}1",
        )
        orgs.append(org)
        authority = city if spec.city_run else county
        place_name = layout.COUNTIES[spec.county][1]
        world.places.append(
            Place(spec, org.pk, authority.pk, authority.name, place_name, county.division, code)
        )
    School.objects.bulk_create(
        School(
            org=org, county_id=p.county_id, school_code=p.code, school_type=p.spec.school_type,
            stages=p.spec.stages, system=p.spec.system,
            sponsor="999" if p.spec.private else "821" if p.spec.city_run else "831",
            urban_rural="220" if p.spec.village else "121" if p.spec.county == 0 else "111",
            address=f"{p.place_name}{'学府路' if not p.spec.village else '村口'}{3 * n + 1}号",
            boarding=p.spec.boarding, seal_name=p.spec.name,
        )
        for n, (org, p) in enumerate(zip(orgs, world.places, strict=True))
    )  # fmt: skip
    Campus.objects.bulk_create(
        Campus(school_id=p.org_id, number=n, name=name, address=f"{p.place_name}{name}")
        for p in world.places
        for n, name in enumerate(p.spec.campuses, start=1)
    )


def _years(world: World) -> None:
    """School years and terms as far back as the history goes; those that the installation brought along stay."""
    years = range(world.first_year, world.start_year + YEARS_AHEAD + 1)
    SchoolYear.objects.bulk_create(
        (SchoolYear(start_year=y, starts=date(y, 9, 1), ends=date(y + 1, 8, 31)) for y in years),
        ignore_conflicts=True,
    )
    Term.objects.bulk_create(
        (
            Term(year_id=y, number=n, starts=starts, ends=ends)
            for y in years
            for n, starts, ends in (
                (1, date(y, 9, 1), date(y + 1, 1, 24)),
                (2, date(y + 1, 2, 22), date(y + 1, 7, 10)),
            )
        ),
        ignore_conflicts=True,
    )


def _classes(world: World) -> None:
    """Classes of present cohorts, and closed ones of cohorts that have left."""
    rows: list[SchoolClass] = []
    seats: list[tuple[Place, str, int]] = []
    for place in world.places:
        for stage, count in place.spec.grades:
            years = place.years(stage)
            for cohort in range(
                max(world.first_year, world.start_year - years - LEFT_YEARS - 2), world.start_year + 1
            ):
                ends = cohort + years
                if stage == "S" and ends < world.start_year - LEFT_YEARS + 1:
                    continue
                # School A still has to collect this year's entrants: five classes, all empty.
                now = 5 if place.key == "a" and cohort == world.start_year else count
                for number in range(1, now + 1):
                    rows.append(
                        SchoolClass(
                            school_id=place.org_id, stage=stage, cohort_year=cohort, number=number,
                            capacity={"P": 45, "J": 50, "S": 50}[stage] if not place.spec.special else 12,
                            class_type={"P": "10", "J": "20", "S": "40"}[stage],
                            closed_on=date(ends, 7, 10) if ends <= world.start_year else None,
                        )
                    )  # fmt: skip
                    seats.append((place, stage, cohort))
    made = SchoolClass.objects.bulk_create(rows, batch_size=1000)
    for row, (place, stage, cohort) in zip(made, seats, strict=True):
        place.classes.setdefault((stage, cohort), []).append(row.pk)
        world.class_numbers[row.pk] = (stage, cohort, row.number)
