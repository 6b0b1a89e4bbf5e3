"""A filled national template with new children of a school and planted faults, for tutorials, journeys and tests."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from xueji.ground.orgs.grades import start_year_of
from xueji.ground.orgs.models import School, SchoolClass
from xueji.ground.sheets.write import TemplateField, write_template
from xueji.ground.standards import fields as national_form
from xueji.ground.standards.codes import table
from xueji.ground.standards.identity import check_digit

from . import layout, words
from .names import SHEET_SERIALS, People

Row = dict[str, str]


@dataclass(frozen=True)
class Fault:
    """A planted fault: `row` as the user counts it, the column's heading, its kind, and the value before."""

    row: int
    key: str
    column: str
    kind: str
    right: str
    wrong: str


@dataclass(frozen=True)
class Sheet:
    """The workbook, the children's names in order of its rows, and what is wrong with it."""

    content: bytes
    names: list[str]
    faults: list[Fault]


def sheet(
    school: str,
    n: int = 200,
    faults: int = 12,
    *,
    seed: int = 1,
    today: date | None = None,
    existing: str = "",
) -> Sheet:
    """A workbook (.xlsx) of `n` children who enter the school's first grade this year, `faults` of them faulty.

    `school` is the 10-digit code. One fault a row, each of another kind as far as they go; `existing` is the
    identity number of a child who is in the record already and is planted as a duplicate. Same arguments: same
    children. Raises `School.DoesNotExist`, and `ValueError` for more faults than rows.
    """
    if faults > n:
        raise ValueError("more faults than rows")
    found = School.objects.select_related("org").get(school_code=school)
    day = today or timezone.localdate()
    rng = random.Random(f"sheet:{school}:{seed}")
    children = _Children(found, day, rng)
    rows = [children.row() for _n in range(n)]
    planted = _plant(rows, faults, rng, existing)
    spec = national_form.fields()
    content = write_template(
        [_column(f) for f in spec],
        {f.codeset: [label for _code, label in table(f.codeset).choices()] for f in spec if _listed(f)},
        meta={"kind": "enrol", "template": "national-73"},
        rows=[[row.get(f.key, "") for f in spec] for row in rows],
    )
    return Sheet(content, [row["name"] for row in rows], planted)


def _listed(field: national_form.Field) -> bool:
    return bool(field.codeset) and field.codeset != "divisions"


def _column(field: national_form.Field) -> TemplateField:
    return TemplateField(
        label=field.name,
        required=field.required == "yes",
        help=field.purpose,
        codes=field.codeset if _listed(field) else "",
        identity=field.key == "id_number",
    )


class _Children:
    """Rows of the template for children who do not exist anywhere."""

    def __init__(self, school: School, day: date, rng: random.Random) -> None:
        self.school = school
        self.rng = rng
        self.people = People(rng, SHEET_SERIALS)
        self.stage = school.stages[0]
        self.cohort = start_year_of(day)
        self.division = school.org.division
        self.place = next((c[1] for c in layout.COUNTIES if c[0] == self.division), "")
        self.classes = list(
            SchoolClass.objects.filter(
                school_id=school.pk, stage=self.stage, cohort_year=self.cohort, closed_on=None
            )
            .order_by("number")
            .values_list("number", flat=True)
        ) or [1]
        self.count = 0

    def row(self) -> Row:
        """One child, all columns right."""
        rng, people = self.rng, self.people
        sex = rng.choice("12")
        earlier = {"P": 0, "J": self.school.years_of("P"), "S": 9}[self.stage]
        birth = people.birth(self.cohort - earlier)
        named = people.child(sex, birth)
        village = rng.random() < 0.3
        address = people.address(self.place, village=village)
        father, mother = people.adult("1", named.surname), people.adult("2")
        phone = people.phone()
        number = self.classes[self.count % len(self.classes)]
        self.count += 1
        out: Row = {
            "school_code": self.school.school_code,
            "name": named.name,
            "sex": _label("gender", sex),
            "birth_date": f"{birth:%Y%m%d}",
            "birthplace": self.division,
            "native_place": f"云岭省{self.place}",
            "ethnicity": _label("ethnicity", named.ethnicity),
            "nationality": "中国",
            "id_type": "居民身份证",
            "id_number": self._identity(birth, sex),
            "overseas_status": "否",
            "health": "健康或良好",
            "political_status": "群众",
            "household_nature": _label("household_nature_k12", "1" if village else "2"),
            "household_division": self.division,
            "class_no": str(number),
            "entry_month": f"{self.cohort}09",
            "entry_mode": "就近入学" if self.stage != "S" else "21",
            "attendance_mode": "走读",
            "current_address": address,
            "postal_address": address,
            "home_address": address,
            "phone": phone,
            "postcode": "990000",
            "student_source": "正常入学",
            "commute_distance": f"{rng.choice((0.5, 0.8, 1.0, 1.5, 2.0)):.1f}",
            "commute_mode": "步行",
            "talents": rng.choice(words.TALENTS),
        }
        out |= dict.fromkeys(
            (
                "aid_requested", "boarding_subsidy", "orphan", "martyr_child", "migrant_child", "migrant_worker_child",
                "school_bus", "disabled", "rural_left_behind",
            ),
            "否",
        )  # fmt: skip
        out |= {"only_child": rng.choice("是否"), "preschool": "是", "left_behind": "非留守儿童"}
        for n, (name, relation) in enumerate(((father, "父亲"), (mother, "母亲")), start=1):
            out |= {
                f"member{n}_name": name,
                f"member{n}_relation": relation,
                f"member{n}_address": address,
                f"member{n}_household_division": self.division,
                f"member{n}_phone": phone if n == 1 else people.phone(),
                f"member{n}_is_guardian": "是",
            }
        return out

    def _identity(self, birth: date, sex: str) -> str:
        """A number, of a neighbouring county when a day is full."""
        for region in (self.division, *(c[0] for c in layout.COUNTIES if c[0] != self.division)):
            try:
                return self.people.identity(region, birth, sex)
            except ValueError:
                continue
        raise ValueError(f"no identity numbers left for {birth}: ask for fewer children")


def _label(name: str, code: str) -> str:
    return table(name).label(code)


# --- faults --------------------------------------------------------------------------------------------------------


def _wrong_check(row: Row) -> str:
    body = row["id_number"][:17]
    return body + ("0" if check_digit(body) != "0" else "1")


def _other_birth(row: Row) -> str:
    day = date(int(row["birth_date"][:4]), int(row["birth_date"][4:6]), int(row["birth_date"][6:]))
    return f"{day + timedelta(days=1):%Y%m%d}"


#: kind -> (column, what is typed instead of the right value)
KINDS: dict[str, tuple[str, Callable[[Row], str]]] = {
    "check_digit": ("id_number", _wrong_check),
    "id_length": ("id_number", lambda row: row["id_number"][:17]),
    "birth_differs": ("birth_date", _other_birth),
    "sex_differs": ("sex", lambda row: "女" if row["sex"] == "男" else "男"),
    "name_missing": ("name", lambda row: ""),
    "name_lost": ("name", lambda row: row["name"][:1] + "?" + row["name"][2:]),
    "code_unknown": ("ethnicity", lambda row: "火星族"),
    "phone": ("phone", lambda row: row["phone"][:10]),
    "address_missing": ("home_address", lambda row: ""),
    "class_unreadable": ("class_no", lambda row: "启航班"),
    "division_unknown": ("household_division", lambda row: "998877"),
    "entry_future": ("entry_month", lambda row: f"{int(row['entry_month'][:4]) + 1}09"),
    "guardian_missing": ("member1_is_guardian", lambda row: ""),
}


def _plant(rows: list[Row], count: int, rng: random.Random, existing: str) -> list[Fault]:
    """Put one fault into each of `count` rows, spread over the sheet."""
    out: list[Fault] = []
    kinds = list(KINDS)
    special = ["duplicate_in_sheet"] if count > 1 else []
    special += ["duplicate_in_record"] if existing else []
    order = (special + kinds * (count // len(kinds) + 1))[:count]
    places = sorted(rng.sample(range(1, len(rows)), count)) if count < len(rows) else list(range(len(rows)))
    for at, kind in zip(places, order, strict=True):
        row = rows[at]
        key, wrong = _changes(kind, rows, at, existing)
        out.append(Fault(at + 2, key, national_form.field(key).name, kind, row.get(key, ""), wrong))
        if kind.startswith("duplicate"):
            # The same number means the same birth date and sex, or those would be the fault.
            row["birth_date"] = wrong[6:14]
            row["sex"] = "男" if int(wrong[16]) % 2 else "女"
        row[key] = wrong
    return out


def _changes(kind: str, rows: list[Row], at: int, existing: str) -> tuple[str, str]:
    if kind == "duplicate_in_sheet":
        return "id_number", rows[at - 1]["id_number"] if at else rows[at + 1]["id_number"]
    if kind == "duplicate_in_record":
        return "id_number", existing
    key, make = KINDS[kind]
    return key, make(rows[at])
