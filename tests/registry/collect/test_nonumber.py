"""A pupil without an identity number: on record, flagged, proven by the school, and free of the flag with a number."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone
from tests.helpers import Place, act_as
from tests.registry.changes.world import identity
from tests.registry.collect.test_walk import as_, picture, place, text

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.collect import nonumber
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people import commands as people
from xueji.registry.people.commands import NewGuardian
from xueji.registry.people.commands.members import change_guardian

pytestmark = pytest.mark.django_db

__all__ = ["place"]

WHOLE = {"phone": "13900001234", "address": "云梦路七号", "household_division": "990101", "id_type": "1"}


def pupil(place: Place, name: str = "石无号", **guardian: str) -> uuid.UUID:
    """A child in attendance who has no document."""
    klass, org = place.klass(), place.org("a1")
    with act_as(place.user("registrar", "a1")) as actor:
        person = people.add_person(
            actor,
            people.Newcomer(
                name=name, sex="1", birth_date=date(2019, 5, 6), ethnicity="01",
                guardians=[NewGuardian("石大山", "1", sealed=guardian)],
            ),
            division=org.division, readers=[org.pk, place.org("a").pk], klasses=[klass.pk],
        )  # fmt: skip
        enrolment.apply_step(
            actor, Step(person, "enrol", 1, midnight(date(2026, 9, 1)), school_id=org.pk, class_id=klass.pk)
        )
    return person


def upload(client: Any, person: uuid.UUID) -> Any:
    """The signed sheet, photographed."""
    file = SimpleUploadedFile("proof.jpg", picture())
    return client.post(f"/students/{person}/nonumber/", {"file": file})


@pytest.mark.capability("C-COL-16", page="/students/{person}/nonumber/")
@pytest.mark.capability("C-CER-01")
@pytest.mark.rule("XPCC-DAT-02")
@pytest.mark.rule("TPL24-ENR-02")
def test_the_flag_ends_with_the_proof_and_the_list_with_the_number(place: Place) -> None:
    """The record of a child without a number is accepted and flagged; the school completes the guardian's data, prints the
    proof, files the signed scan: the flag ends. With a number nothing of it is left but the paper.
    """
    person = pupil(place, **{k: v for k, v in WHOLE.items() if k != "address"})
    registrar, page = as_(place, "registrar"), f"/students/{person}/"
    assert "无身份证号, 缺在校就读证明" in text(registrar.get(page))
    listed = text(registrar.get("/collect/nonumber/"))
    assert "石无号" in listed and "缺在校就读证明" in listed and "1 人缺证明" in listed
    shown = text(registrar.get(page + "nonumber/"))
    assert "监护人信息不完整" in shown and "成员1现住址" in shown and "打印证明表" not in shown
    assert "监护人的信息登记完整" in text(registrar.get(page + "nonumber.pdf", follow=True))

    with act_as(place.user("school_head", "a1")) as actor:
        missing = {"address": WHOLE["address"], "id_number": identity(date(1988, 3, 4))}
        change_guardian(actor, person, 1, parts={}, sealed=missing, event_id=uuid.uuid4())
    sheet = registrar.get(page + "nonumber.pdf")
    assert sheet.content.startswith(b"%PDF-") and "attachment" in sheet["Content-Disposition"]
    assert "请选择" in text(registrar.post(page + "nonumber/"))
    assert upload(registrar, person).status_code == 303
    assert "证明已存" in text(registrar.get(page + "nonumber/"))
    after = registrar.get(page)
    assert "缺在校就读证明" not in text(after) and after.context["without_number"] == "proven"
    for who in (("county_clerk", "a"), ("county_head", "a"), ("school_head", "a1")):
        seen = as_(place, *who).get(page)
        assert "缺在校就读证明" not in text(seen) and seen.context["without_number"] == "proven", who
    teacher = as_(place, "class_teacher")
    assert "石无号" in text(teacher.get("/collect/nonumber/")), "the class teacher sees the own class"
    with act_as(place.user("registrar", "a1")) as actor:
        file = nonumber.one(actor, person).file_id
    assert teacher.get(f"/files/{file}/").status_code == 200
    assert as_(place, "registrar", "b1").get(page + "nonumber/").status_code == 404

    with act_as(place.user("county_clerk", "a")) as actor:
        people.change_identity(
            actor, person, "1", identity(date(2019, 5, 6)), event_id=uuid.uuid4(), at=timezone.now()
        )
    assert registrar.get(page + "nonumber/").status_code == 404
    assert "石无号" not in text(registrar.get("/collect/nonumber/"))
    assert "without_number" not in registrar.get(page).context


def test_foreigners_are_not_asked_and_every_print_is_in_the_audit(place: Place) -> None:
    person = pupil(place, **WHOLE, id_number=identity(date(1988, 3, 4)))
    with act_as(place.user("registrar", "a1")) as actor:
        assert [r.person_id for r in nonumber.listed(actor)] == [person]
        nonumber.printed(actor, person)
    with transaction.atomic(), acting("audit"):
        assert AuditEntry.objects.filter(action="collect.proof.print", person_id=person).exists()
    with act_as(place.user("school_head", "a1")) as actor:
        people.change_profile(actor, person, {"nationality": "FRA"}, event_id=uuid.uuid4(), at=timezone.now())
    with act_as(place.user("registrar", "a1")) as actor:
        assert nonumber.listed(actor) == []
