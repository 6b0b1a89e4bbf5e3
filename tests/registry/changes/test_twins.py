"""疑似同一人 is told before a record is made or a key fact changed, and going on takes a reason that stays."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pypdf
import pytest
from django.db import transaction
from django.test import Client
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import FOUR, attach, pass_all

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.changes import commands as cases
from xueji.registry.changes import page as pages
from xueji.registry.changes.checks import Report
from xueji.registry.changes.errors import Blocked, CaseError
from xueji.registry.changes.models import Case, CaseLog, CaseStatus
from xueji.registry.duplicates import listing
from xueji.registry.duplicates.models import Pair, PairState

pytestmark = pytest.mark.django_db
BORN = date(2018, 3, 5)
WHY = "户口簿已核对, 是同名的两个孩子"


def arrival(place: Place, born: date = BORN, name: str = "陈丽华", number: str = "") -> Case:
    """A transfer on paper of a girl of that name, complete but for what is asked here."""
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start_newcomer(actor, name=name, number=number or id_number(born, "2"))
        values = {
            "new_name": name, "new_sex": "2", "new_birth_date": born.isoformat(), "new_id_type": "1",
            "from_school": "外省某小学", "from_area": "某省某县", "reason": "家庭住址变动",
            "to_class_id": place.klass("a1").pk, "effective_on": date.today().isoformat(),
        }  # fmt: skip
        cases.save_draft(actor, case_id=case.pk, form=case.form | values)
    attach(place, case, "学生基本信息表", "转学原因证明", by=("registrar", "a1"))
    return case


def correction(place: Place, person: Any, **form: Any) -> Case:
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="correct_key", person_id=person)
        cases.save_draft(actor, case_id=case.case_id, form={"reason": "户口簿更正"} | form)
    attach(place, case, "关键信息变更证明", by=("registrar", "a1"))
    return case


def report(place: Place, case: Case) -> Report:
    with act_as(place.user("registrar", "a1")) as actor:
        return cases.preflight(actor, case_id=case.pk)[0]


def twins(found: Report) -> list[tuple[str, str, str]]:
    return [(c.code, c.verdict, c.sentence) for c in found.checks if c.code.startswith("similar-")]


@pytest.mark.capability("C-DUP-02")
@pytest.mark.capability("C-TRF-03")
def test_a_newcomer_who_looks_like_a_recorded_child_needs_a_reason_that_stays_with_the_case() -> None:
    """A registrar writes down a child from elsewhere; two children of the register look like it.
    They see why: the own school's by name, the other's only by its school; nobody goes on without a word on each.
    With the reasons the case goes on, the deciders read them, and the record is made."""
    place = make_county()
    mine = enrol(place, "a1", name="陈丽华", sex="2", birth=date(2018, 3, 15))
    far = enrol(place, "b1", name="陳麗華", sex="2", birth=BORN)
    enrol(place, "b1", name="陈丽华", sex="1", birth=BORN)
    case = arrival(place)
    lines = twins(report(place, case))
    assert [verdict for _code, verdict, _words in lines] == ["block", "block"]
    words = "\n".join(words for _code, _verdict, words in lines)
    assert "陈丽华(2018-03-15 出生): 姓名相同, 出生日期差一位" in words
    assert "临川县九年制学校的一名学生: 姓名、性别、出生日期相同或相近" in words
    assert "陳麗華" not in words and str(far) not in str(report(place, case).checks)
    with transaction.atomic(), acting("audit"):
        seen = AuditEntry.objects.filter(action="duplicates.check", object_id=str(case.pk)).latest("pk")
        assert set(seen.person_ids or ()) == {mine, far}
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(Blocked):
            cases.submit(actor, case_id=case.pk, overrides={lines[0][0]: WHY})
        with pytest.raises(CaseError, match="写明理由"):
            cases.submit(actor, case_id=case.pk, overrides={code: "不是" for code, _v, _w in lines})
        case = cases.submit(actor, case_id=case.pk, overrides={code: WHY for code, _v, _w in lines})
        assert case.status == CaseStatus.RUNNING
    with act_as(place.user("county_clerk", "a")) as actor:
        shown = pages.load(actor, case.pk)
        assert any(WHY in e["text"] for e in shown.log)
        assert any("疑似同一人" in c["sentence"] and WHY in c["sentence"] for c in shown.checks)
    assert pass_all(place, case, FOUR).status == CaseStatus.DONE
    with seeing_all():
        assert {frozenset((p.first, p.second)) for p in Pair.objects.all()} == {
            frozenset((case.person_id, mine)), frozenset((case.person_id, far))
        }  # fmt: skip
    with act_as(place.user("registrar", "b1")) as actor:
        (theirs,) = listing.pairs(actor)[0]
        assert (set(theirs.seen), theirs.state) == ({far}, PairState.NEW)


@pytest.mark.capability("C-DUP-02")
def test_a_corrected_key_fact_is_looked_up_and_what_was_alike_before_is_not_told_again() -> None:
    place = make_county()
    child = enrol(place, "a1", name="王大力", sex="2", birth=BORN)
    other = enrol(place, "a1", name="陈丽华", sex="2", birth=BORN)
    sister = enrol(place, "a1", name="王大力", sex="2", birth=date(2018, 3, 15))
    apart = enrol(place, "a1", name="陈丽华", sex="2", birth=date(2018, 3, 25))
    with seeing_all():
        one, two = sorted((child, apart))
        Pair.objects.create(
            first=one, second=two, first_school=1, first_county=1, second_school=1, second_county=1, superior_id=1,
            parties=[1], score=70, reasons=["same_name"], state=PairState.DIFFERENT, found_at="2026-09-01T00:00Z",
        )  # fmt: skip
    case = correction(place, child, new_name="陈丽华")
    found = report(place, case)
    assert found.twins == (other,)
    assert sister not in found.twins
    ((code, verdict, words),) = twins(found)
    assert (verdict, "姓名相同, 出生日期相同" in words) == ("block", True)
    # The likeness is gone with another value: an old reason hinders nothing and is not kept.
    with act_as(place.user("registrar", "a1")) as actor:
        cases.save_draft(actor, case_id=case.pk, form={"reason": "户口簿更正", "new_name": "王大立"})
    assert twins(report(place, case)) == []
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.submit(actor, case_id=case.pk, overrides={code: WHY})
    assert case.overrides == {}


@pytest.mark.capability("C-DUP-02")
def test_the_page_keeps_what_was_typed_and_offers_a_field_for_the_reason(client: Client) -> None:
    place = make_county()
    mine = enrol(place, "a1", name="陈丽华", sex="2", birth=date(2018, 3, 15))
    case = arrival(place)
    login(client, place.user("registrar", "a1"))
    page = client.get(f"/cases/{case.pk}/").content.decode()
    (code,) = [c for c, _v, _w in twins(report(place, case))]
    assert "疑似同一人" in page and f"/students/{mine}/" in page and f'name="why_{code}"' in page
    with seeing_all():
        case = Case.objects.get(pk=case.pk)
    sent = {k: v for k, v in case.form.items() if isinstance(v, str | int)} | {
        "new_id_type": "1", "reason": "家庭住址变动", "from_school": "外省第二小学", f"why_{code}": "不是", "then": "submit"
    }  # fmt: skip
    answer = client.post(f"/cases/{case.pk}/save/", sent)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="不是"' in page and "外省第二小学" in page
    answer = client.post(f"/cases/{case.pk}/save/", sent | {f"why_{code}": WHY})
    assert answer.status_code == 303 or answer.status_code == 302
    with seeing_all():
        case = Case.objects.get(pk=case.pk)
        assert case.status == CaseStatus.RUNNING
        assert case.overrides[code]["reason"] == WHY


@pytest.mark.capability("C-DUP-02", page="/cases/<id>/")
def test_of_whom_a_likeness_spoke_is_told_to_the_decider_who_may_see_that_child_and_kept_nowhere() -> None:
    """A registrar corrects a key fact; a child of the school and one of another county look like it; the reasons are given.
    The county's clerk, who decides, reads the own county's child by name, looked up anew; nobody else does, and of the
    child of the other county nobody reads anything. Case, log, audit and 办理单 name neither.
    """
    place = make_county()
    child = enrol(place, "a1", name="王小红", sex="2", birth=BORN)
    mine = enrol(place, "a1", name="王晓红", sex="2", birth=BORN)
    enrol(place, "b1", name="王曉紅", sex="2", birth=BORN)
    case = correction(place, child, new_name="王晓红")
    codes = [code for code, _verdict, words in twins(report(place, case))]
    assert len(codes) == 2
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.submit(actor, case_id=case.pk, overrides=dict.fromkeys(codes, WHY))
    words = "青禾县第一小学的王晓红(2018-03-05 出生)"
    with seeing_all():
        case = Case.objects.get(pk=case.pk)
        texts = [e.text for e in CaseLog.objects.filter(case=case)]
    kept = [str(case.overrides), str(case.findings), *texts]
    with transaction.atomic(), acting("audit"):
        kept += [f"{e.after} {e.purpose}" for e in AuditEntry.objects.filter(object_id=str(case.pk))]
    for text in kept:
        assert "王晓红(" not in text and "出生)" not in text and "的一名学生" not in text, text
    assert {o["article"] for o in case.overrides.values()} == {"疑似同一人"}
    office = login(Client(), place.user("registrar", "a1"))
    assert "疑似同一人" in (page := office.get(f"/cases/{case.pk}/").content.decode())
    assert WHY in page and words not in page
    pdf = office.get(f"/cases/{case.pk}/sheet.pdf").content
    sheet = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages).replace("\n", "")
    assert f"疑似同一人: {WHY}" in sheet and "王晓红(" not in sheet and "王曉紅" not in sheet

    clerk = login(Client(), place.user("county_clerk", "a"))
    assert words not in clerk.get(f"/cases/{case.pk}/").content.decode(), "not yet the one who decides"
    pass_all(place, case, FOUR[:1])
    page = clerk.get(f"/cases/{case.pk}/").content.decode()
    assert words in page and f"/students/{mine}/" in page and "王曉紅" not in page
    with transaction.atomic(), acting("audit"):
        seen = AuditEntry.objects.filter(action="duplicates.check", object_id=str(case.pk)).latest("pk")
        assert seen.person_ids == [mine]
    assert (
        words
        not in login(Client(), place.user("county_head", "a")).get(f"/cases/{case.pk}/").content.decode()
    )
    pass_all(place, case, FOUR[1:])
    assert words not in clerk.get(f"/cases/{case.pk}/").content.decode(), (
        "decided: no reason to look any more"
    )
