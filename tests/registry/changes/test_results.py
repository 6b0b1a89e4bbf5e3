"""Marks that go with a child in late grades (C-TRF-16)."""

from __future__ import annotations

import re
import uuid
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import PDF, make_child, pass_all, send, suspend_draft, transfer_draft

from xueji.ground.orgs.grades import grade_on
from xueji.office.certificates import commands as certificates
from xueji.office.certificates.errors import CertificateRefused
from xueji.office.certificates.models import Certificate
from xueji.registry.changes import commands as cases
from xueji.registry.changes import results
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case, CaseFile, CaseLog, CaseStatus

pytestmark = pytest.mark.django_db

CHAIN = (
    ("school_head", "c1"),
    ("county_clerk", "c"),
    ("county_head", "c"),
    ("registrar", "b1"),
    ("school_head", "b1"),
    ("county_clerk", "b"),
    ("county_head", "b"),
)
_GIVEN = {"kind": "results", "purpose": "转学", "term": "八年级会考", "results": "地理 A\n生物 88"}


def _moving(place: Place, *, cohort: int = 2025) -> tuple[uuid.UUID, Case]:
    """A child of 八年级 on its way from b1 to c1."""
    child = make_child(place, school="b1", stage="J", cohort=cohort, born=date(2012, 5, 4))
    draft = transfer_draft(
        place,
        child,
        school="b1",
        to="c1",
        to_class_id=place.klass("c1", "J", cohort=cohort).pk,
        initiator="监护人",
    )
    return child, send(place, draft, ("registrar", "c1"))


def _words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.mark.capability("C-TRF-16")
def test_the_former_school_gives_out_the_marks_and_they_travel_with_the_case() -> None:
    """The registrar of the former school opens the transfer of a pupil of 八年级 and is led to the certificate of marks.
    Given out, one press puts it to the case; both schools and authorities read it, the family sees that it is there.
    The case ends as ever, with the marks among its papers.
    """
    place = make_county()
    child, case = _moving(place)
    registrar = login(Client(), place.user("registrar", "b1"))
    page = registrar.get(f"/cases/{case.pk}/").content.decode()
    link = f"/certificates/new/?person={child}&amp;kind=results"
    assert link in page
    assert "学业成绩证明" in page
    form = registrar.get(f"/certificates/new/?person={child}&kind=results&purpose=转学").content.decode()
    assert re.search(r'value="results"[^>]*(selected|checked)', form)
    registrar.post("/certificates/new/", _GIVEN | {"person": str(child), "days": "30"})
    with seeing_all():
        paper = Certificate.objects.get(person_id=child)
    assert f"随附到转学业务 {case.number}" in _words(registrar.get(f"/certificates/{paper.pk}/"))
    registrar.post(f"/certificates/{paper.pk}/transfer/")
    assert link not in registrar.get(f"/cases/{case.pk}/").content.decode()
    with seeing_all():
        held = CaseFile.objects.get(case=case, slot="学业成绩证明")
        assert paper.number in held.file_name
        assert CaseLog.objects.filter(case=case, action="results", text__contains=paper.number).count() == 1
    for who in (("registrar", "c1"), ("county_clerk", "c"), ("county_clerk", "b")):
        reader = login(Client(), place.user(*who))
        assert "学业成绩证明" in _words(reader.get(f"/cases/{case.pk}/"))
        assert reader.get(f"/files/{held.file_id}/").status_code == 200
    assert login(Client(), place.user("registrar", "a1")).get(f"/files/{held.file_id}/").status_code == 404
    registrar.post(f"/certificates/{paper.pk}/transfer/")  # pressed again: the same paper, once
    with seeing_all():
        assert CaseFile.objects.filter(case=case, slot="学业成绩证明").count() == 1
    assert pass_all(place, case, CHAIN).status == CaseStatus.DONE


@pytest.mark.capability("C-TRF-16")
def test_the_family_may_bring_the_paper_itself_and_until_then_the_check_says_what_is_missing() -> None:
    place = make_county()
    child = make_child(place, school="b1", stage="J", cohort=2025, born=date(2012, 5, 4))
    to = place.klass("c1", "J", cohort=2025).pk
    draft = transfer_draft(place, child, school="b1", to="c1", to_class_id=to, initiator="监护人")
    with act_as(place.user("registrar", "c1")) as actor:
        report, _steps = cases.preflight(actor, case_id=draft.pk)
        said = next(c for c in report.checks if c.code == "results")
        assert (said.verdict, said.stops) == ("warn", False)
        cases.attach(actor, case_id=draft.pk, slot="学业成绩证明", data=PDF, name="会考成绩.pdf")
        report, _steps = cases.preflight(actor, case_id=draft.pk)
        assert next(c for c in report.checks if c.code == "results").verdict == "pass"


@pytest.mark.capability("C-TRF-16")
def test_early_grades_and_other_business_ask_for_no_marks() -> None:
    place = make_county()
    case = send(place, transfer_draft(place, make_child(place)), ("registrar", "b1"))
    assert "成绩证明" not in _words(login(Client(), place.user("registrar", "a1")).get(f"/cases/{case.pk}/"))
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CaseError, match="只有八年级、九年级"):
        cases.attach_results(actor, case_id=case.pk, data=PDF, name="成绩.pdf", number="1")
    other = suspend_draft(place, make_child(place, name="钱多多"))
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CaseError, match="只有八年级、九年级"):
        cases.attach_results(actor, case_id=other.pk, data=PDF, name="成绩.pdf", number="1")


@pytest.mark.parametrize("system", ["6-3-3", "5-4-3"])
def test_late_grades_are_told_by_their_names_since_schools_count_their_junior_years_apart(
    system: str,
) -> None:
    day = date(2026, 11, 1)
    grades = [g for cohort in range(2021, 2027) if (g := grade_on("J", cohort, system, day)) is not None]
    told = [
        g.label
        for g in grades
        if results.late("transfer", {"stage": "J", "grade": g.label, "grade_code": g.code})
    ]
    assert sorted(told) == ["九年级", "八年级"]


@pytest.mark.capability("C-TRF-16")
def test_only_the_school_that_keeps_the_record_adds_marks_and_only_while_the_case_runs() -> None:
    place = make_county()
    child, case = _moving(place)
    with act_as(place.user("registrar", "b1")) as actor:
        paper = certificates.issue(actor, child, **_GIVEN)
        proof = certificates.issue(actor, child, purpose="转学")
    for who in (("registrar", "c1"), ("registrar", "a1")):
        with act_as(place.user(*who)) as actor, pytest.raises(Http404):
            cases.attach_results(actor, case_id=case.pk, data=PDF, name="成绩.pdf", number="1")
    with act_as(place.user("class_teacher", "b1")) as actor, pytest.raises(PermissionDenied):
        certificates.go_along(actor, paper.pk)
    with act_as(place.user("registrar", "c1")) as actor, pytest.raises(Http404):
        certificates.go_along(actor, paper.pk)
    with (
        act_as(place.user("registrar", "b1")) as actor,
        pytest.raises(CertificateRefused, match="只有成绩证明"),
    ):
        certificates.go_along(actor, proof.pk)
    done = pass_all(place, case, CHAIN)
    assert done.status == CaseStatus.DONE
    with act_as(place.user("registrar", "b1")) as actor:
        with pytest.raises(CertificateRefused, match="正在办理"):
            certificates.go_along(actor, paper.pk)
        with pytest.raises(CaseError, match="已办结"):
            cases.attach_results(actor, case_id=case.pk, data=PDF, name="成绩.pdf", number="1")
