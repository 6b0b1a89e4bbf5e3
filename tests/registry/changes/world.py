"""Children and papers for the tests of cases."""

from __future__ import annotations

import io
import uuid
from datetime import date
from typing import Any

from django.utils import timezone
from PIL import Image
from tests.helpers import Place, act_as

from xueji.ground.policy.statuses import Status
from xueji.ground.standards.identity import check_digit
from xueji.registry.changes import commands as cases
from xueji.registry.changes.models import Case
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people import commands as people
from xueji.registry.people import queries as people_queries

ENROLLED = date(2026, 9, 1)
BORN = date(2019, 10, 3)
_serial = iter(range(1, 999))

#: Who passes a transfer between two counties, after the receiving registrar has sent it.
EIGHT = (
    ("school_head", "b1"),
    ("county_clerk", "b"),
    ("county_head", "b"),
    ("registrar", "a1"),
    ("school_head", "a1"),
    ("county_clerk", "a"),
    ("county_head", "a"),
)
#: Who passes a case of one school, after its registrar has sent it.
FOUR = (("school_head", "a1"), ("county_clerk", "a"), ("county_head", "a"))


def identity(born: date = BORN, *, boy: bool = True) -> str:
    """A well-formed identity number that belongs to nobody here."""
    n = next(_serial)
    first = f"1101{1 + n // 500:02d}{born:%Y%m%d}{n * 2 % 1000 + boy:03d}"
    return first + check_digit(first)


def make_child(
    place: Place,
    *,
    school: str = "a1",
    name: str = "赵小满",
    born: date = BORN,
    id_number: str = "",
    cohort: int = 2026,
    stage: str = "P",
) -> uuid.UUID:
    """A child in the first class of a school, in attendance since September."""
    klass = place.klass(school, stage, cohort=cohort)
    with act_as(place.user("registrar", school)) as actor:
        person = people.add_person(
            actor,
            people.Newcomer(
                name=name, sex="1", birth_date=born, id_type="1", id_number=id_number or identity(born)
            ),
            division=place.org(school).division,
            readers=[place.org(school).pk, place.org(school[0]).pk],
            klasses=[klass.pk],
            at=midnight(ENROLLED),
        )
        enrolment.apply_step(
            actor,
            Step(
                person_id=person,
                business="enrol",
                to_status=Status.STUDYING,
                at=midnight(ENROLLED),
                school_id=place.org(school).pk,
                class_id=klass.pk,
                stage=stage,
                cohort_year=cohort,
            ),
        )
    return person


def number_of(place: Place, person: uuid.UUID, school: str = "a1") -> str:
    """The child's national student number in clear."""
    with act_as(place.user("registrar", school)) as actor:
        assert people_queries.numbers(actor, person)
        return people.reveal(actor, person, "number", "转学需要核对")


def picture(width: int = 320, height: int = 240, colour: str = "steelblue") -> bytes:
    """A small JPEG."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "JPEG")
    return buffer.getvalue()


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def attach(place: Place, case: Case, *slots: str, by: tuple[str, str]) -> None:
    """Put a picture into each slot."""
    for slot in slots:
        with act_as(place.user(*by)) as actor:
            cases.attach(actor, case_id=case.case_id, slot=slot, data=picture(), name=f"{slot}.jpg")


def transfer_draft(
    place: Place,
    person: uuid.UUID,
    *,
    name: str = "赵小满",
    to: str = "b1",
    school: str = "a1",
    **form: Any,
) -> Case:
    """A complete draft of a transfer from a1, or another school."""
    number = number_of(place, person, school)
    with act_as(place.user("registrar", to)) as actor:
        case = cases.start(actor, business="transfer", name=name, number=number)
    values = {
        "reason": "家庭住址变动",
        "to_class_id": place.klass(to).pk,
        "effective_on": timezone.localdate().isoformat(),
    }
    with act_as(place.user("registrar", to)) as actor:
        cases.save_draft(actor, case_id=case.case_id, form=values | form)
    attach(place, case, "学生基本信息表", "转学原因证明", by=("registrar", to))
    return case


def suspend_draft(place: Place, person: uuid.UUID, **form: Any) -> Case:
    """A complete draft of a suspension at a1."""
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="suspend", person_id=person)
        today = timezone.localdate()
        values = {
            "reason": "因事",
            "start": today.isoformat(),
            "end": today.replace(year=today.year + 1).isoformat(),
        }
        cases.save_draft(actor, case_id=case.case_id, form=values | form)
    attach(place, case, "休学申请", by=("registrar", "a1"))
    return case


def correction_draft(place: Place, person: uuid.UUID, **form: Any) -> Case:
    """A complete draft of a correction at a1."""
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="correct_key", person_id=person)
        cases.save_draft(actor, case_id=case.case_id, form={"reason": "户口簿更正"} | form)
    attach(place, case, "关键信息变更证明", by=("registrar", "a1"))
    return case


def send(place: Place, case: Case, by: tuple[str, str]) -> Case:
    """Submit a draft."""
    with act_as(place.user(*by)) as actor:
        return cases.submit(actor, case_id=case.case_id)


def pass_all(place: Place, case: Case, who: tuple[tuple[str, str], ...]) -> Case:
    """Everybody passes in turn."""
    for role, where in who:
        with act_as(place.user(role, where)) as actor:
            case = cases.decide(actor, case_id=case.case_id, decision="pass", opinion="同意")
    return case
