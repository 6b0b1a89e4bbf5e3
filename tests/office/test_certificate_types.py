"""The papers that a school gives out: certificates of completion, proofs for guests, of marks, all numbered in one register."""

from __future__ import annotations

import io
import re
import uuid
from datetime import date
from typing import Any

import pypdf
import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from tests.helpers import Place, act_as, login, make_county
from tests.registry.changes.business.test_guest import borrowed
from tests.registry.changes.world import make_child
from tests.registry.yearly.world import begin, fresh, graduated, graduates, pass_all, send

from xueji.ground.policy.statuses import Status
from xueji.office.certificates import commands, facts, paper, queries
from xueji.office.certificates.errors import CertificateRefused
from xueji.office.certificates.forms import IssueForm
from xueji.office.certificates.models import Certificate
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.timeline import Step, midnight

pytestmark = pytest.mark.django_db


def words(row: Certificate | bytes) -> str:
    data = row if isinstance(row, bytes) else paper.render(row)
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    assert len(pages) == 1
    return re.sub(r"\s", "", "".join(p.extract_text() for p in pages))


def give(place: Place, person: uuid.UUID, kind: str, school: str = "a1", **more: Any) -> Certificate:
    with act_as(place.user("registrar", school)) as actor:
        return commands.issue(actor, person, kind=kind, **({"purpose": "升学"} | more))


@pytest.mark.capability("C-CER-01", page="/certificates/new/")
def test_a_school_gives_a_graduate_the_certificate_once_and_for_good(client: Client) -> None:
    """The registrar opens a graduate's page and gives out the certificate.

    Who sees: the registrar, then the register of what the school gave out.
    Ends with: a numbered certificate with its stub, that holds for good and cannot be given a second time.
    """
    place = make_county()
    row, people = graduated(place, 2)
    browser = login(client, place.user("registrar", "a1"))
    page = browser.get(f"/certificates/new/?person={people[0]}").content.decode()
    assert "毕业、结业、肄业证书" in page
    answer = browser.post(
        "/certificates/new/", {"person": str(people[0]), "kind": "diploma", "purpose": "", "days": "30"}
    )
    assert answer.status_code == 302
    shown = browser.get(answer["Location"]).content.decode()
    assert "长期有效" in shown
    assert "小学毕业证书" in shown
    text = words(browser.get(answer["Location"] + "certificate.pdf").content)
    for part in (
        "小学毕业证书",
        "准予毕业",
        "存根",
        "骑缝章",
        "签发人",
        "校长",
        "贴照片处",
        "县级教育行政部门验印",
        row.number or "?",
    ):
        assert part in text, part
    register = browser.get("/certificates/?kind=diploma").content.decode()
    assert "长期有效" in register
    again = browser.post(
        "/certificates/new/", {"person": str(people[0]), "kind": "diploma", "purpose": "", "days": "30"}
    )
    assert "不能重复颁发" in again.content.decode()
    given = give(place, people[1], facts.DIPLOMA, purpose="")
    with act_as(place.user("registrar", "a1")) as actor:
        commands.revoke(actor, given.pk, "印刷错误")
    assert give(place, people[1], facts.DIPLOMA, purpose="").number != given.number


@pytest.mark.capability("C-CER-01")
@pytest.mark.parametrize(
    ("status", "title", "part"),
    [(Status.COMPLETED, "小学结业证书", "准予结业"), (Status.INCOMPLETE, "小学肄业证书", "实际修业2年6个月")],
)
def test_completion_without_graduation_and_leaving_early_have_their_own_papers(
    status: Status, title: str, part: str
) -> None:
    place = make_county()
    (child,) = graduates(place, 1)
    business = "complete" if status == Status.COMPLETED else "end_early"
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment.apply_step(actor, Step(child, business, int(status), midnight(date(2023, 3, 1))))
    row = give(place, child, facts.DIPLOMA, purpose="")
    text = words(row)
    assert title in text
    assert part in text
    assert words(give(place, child, facts.GRADUATION)).count(title[2:4] + "证明") >= 1


@pytest.mark.capability("C-CER-01")
def test_the_end_of_compulsory_education_has_a_certificate_of_its_name() -> None:
    place = make_county()
    (child,) = graduates(place, 1, school="b1", stage="J", cohort=2023)
    row = begin(place, school="b1", stage="J", cohort=2023)
    send(place, row, school="b1")
    pass_all(place, row, (("school_head", "b1"), ("county_clerk", "b"), ("county_head", "b")))
    given = give(place, child, facts.DIPLOMA, "b1")
    assert "义务教育证书" in words(given)
    assert (fresh(row).number or "?") in words(given)


@pytest.mark.capability("C-CER-01")
def test_the_host_school_certifies_a_guest_and_the_school_of_the_record_does_not() -> None:
    place = make_county()
    child = make_child(place)
    borrowed(place, child)
    row = give(place, child, facts.GUESTS, "b1")
    text = words(row)
    assert "借读证明" in text
    assert place.org("a1").name in text
    assert place.org("b1").name in text
    assert "借读期间学籍不变" in text
    assert re.search(r"出生，系我校.{2,16}借读生，\d{4}年", text)
    assert row.number.startswith(place.org("b1").code)
    with pytest.raises(CertificateRefused, match="不在本校借读"):
        give(place, child, facts.GUESTS, "a1")
    with pytest.raises(CertificateRefused, match="学籍不在本校"):
        give(place, child, facts.ENROLMENT, "b1")
    with pytest.raises(Http404):
        give(place, child, facts.GUESTS, "c1")


@pytest.mark.capability("C-CER-01")
def test_marks_are_certified_as_the_school_states_them(client: Client) -> None:
    place = make_county()
    child = make_child(place)
    browser = login(client, place.user("registrar", "a1"))
    wanted = {"person": str(child), "kind": "results", "purpose": "转学", "days": "30"}
    page = browser.post("/certificates/new/", wanted).content.decode()
    assert "请填写各科成绩" in page
    assert "请填写是哪个学期的成绩" in page
    term = "2025-2026学年第二学期"
    page = browser.post("/certificates/new/", wanted | {"term": term, "results": "语文"}).content.decode()
    assert "每行写一科" in page
    answer = browser.post(
        "/certificates/new/", wanted | {"term": term, "results": "语文 92\n数学：良\n\n英语 88.5"}
    )
    assert answer.status_code == 302
    text = words(browser.get(answer["Location"] + "certificate.pdf").content)
    for part in ("成绩证明", term, "语文92", "数学良", "英语88.5", "转学"):
        assert part in text, part
    with act_as(place.user("registrar", "a1")) as actor:
        assert [r.kind for r in queries.listed(actor, kind="results").rows] == ["results"]
        answered = queries.verify(answer_code(actor), "203.0.113.9")
    assert answered.state == "valid"
    assert not any(mark in str(answered.facts) for mark in ("语文", "良", "88.5"))


def answer_code(actor: Any) -> str:
    from xueji.ground.crypto import vault

    row = queries.listed(actor, kind="results").rows[0]
    return vault.open(bytes(row.code_sealed), paper.sealed_at(row.id))


@pytest.mark.capability("C-CER-01")
@pytest.mark.parametrize(
    ("role", "where"), [("class_teacher", "a1"), ("county_clerk", "a"), ("teacher", "a1")]
)
def test_who_gives_out_no_papers_gives_out_no_certificate(role: str, where: str) -> None:
    place = make_county()
    _row, people = graduated(place, 1)
    with act_as(place.user(role, where)) as actor, pytest.raises((PermissionDenied, Http404)):
        commands.issue(actor, people[0], kind=facts.DIPLOMA, purpose="")


def test_time_studied_is_told_in_years_and_months() -> None:
    assert facts.time_studied(date(2020, 9, 1), date(2023, 3, 1)) == "2年6个月"
    assert facts.time_studied(date(2020, 9, 15), date(2021, 9, 1)) == "11个月"
    assert facts.time_studied(date(2020, 9, 1), date(2020, 9, 3)) == "1个月"
    assert facts.time_studied(date(2020, 9, 1), date(2022, 9, 1)) == "2年"


def test_a_proof_asks_what_it_is_for_and_a_certificate_of_completion_does_not() -> None:
    studying = IssueForm(
        {"kind": facts.ENROLMENT, "purpose": " ", "days": "30"}, kinds=[facts.RESULTS, facts.ENROLMENT]
    )
    assert studying.errors == {"purpose": ["请填写用途"]}
    assert studying.fields["purpose"].required
    assert "颁发证书" not in str(studying.fields["purpose"].help_text)
    finished = [facts.RESULTS, facts.DIPLOMA, facts.GRADUATION]
    assert IssueForm({"kind": facts.DIPLOMA, "days": "30"}, kinds=finished).is_valid()
    proof = IssueForm({"kind": facts.GRADUATION, "purpose": "", "days": "30"}, kinds=finished)
    assert proof.errors == {"purpose": ["请填写用途"]}
