"""Who did not register in time is listed for decision, where the rules of the place say so (C-LEV-06)."""

from __future__ import annotations

import io
import re
import uuid
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.placement.pupils import text

from xueji.ground.accounts.actor import today
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case
from xueji.registry.placement.commands import overdue as deeds
from xueji.registry.placement.commands import terms as marks
from xueji.registry.placement.errors import PlacementError
from xueji.registry.placement.queries import overdue, terms

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    """School c1 is a university that withdraws whoever is two weeks late (the pack of one)."""
    made = make_county()
    with seeing_all():
        org = made.org("c1")
        org.policy = "sysu"
        org.save()
    return made


def _student(place: Place, name: str) -> uuid.UUID:
    return enrol(place, "c1", name=name, stage="S")


def _late(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """Registration was due so many days ago."""
    real = terms.term_of(today())
    due = terms.TermOf(real.year, real.number, today() - timedelta(days=days))
    monkeypatch.setattr(terms, "term_of", lambda _day: due)


@pytest.mark.capability("C-LEV-06", page="/terms/overdue/")
def test_who_did_not_register_in_two_weeks_is_listed_for_decision(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The office of a university opens 学期注册 three weeks after the day: 逾期未注册 lists who neither came nor asked leave.
    It prints the list for college and registry, and begins the withdrawal of those whom they decide on.
    Each draft names article and days; nobody is withdrawn until the case has been decided.
    """
    gone, unheard, ill, here = (_student(place, n) for n in ("没来的", "没信的", "生病的", "来了的"))
    klass = place.klass("c1", "S").pk
    _late(monkeypatch, 21)
    with act_as(place.user("registrar", "c1")) as actor:
        marks.mark(actor, klass, gone, state="absent")
        marks.mark(actor, klass, ill, state="excused", proof="住院")
        marks.mark(actor, klass, here, state="returned")
    office = login(Client(), place.user("registrar", "c1"))
    assert "逾期未注册" in text(office.get("/terms/"))
    page = text(office.get("/terms/overdue/"))
    assert "逾期两周不注册" in page
    assert "第七条" in page
    assert "没来的" in page
    assert "没信的" in page
    assert "生病的" not in page
    assert "来了的" not in page
    sheet: Any = openpyxl.load_workbook(io.BytesIO(office.get("/terms/overdue/list.xlsx").content)).active
    cells = {str(c) for row in sheet.iter_rows(values_only=True) for c in row if c}
    assert {"没来的", "没信的", "教务处意见", "21"} <= cells
    done = text(office.post("/terms/overdue/", {"pick": [str(gone)]}, follow=True))
    assert "已为 1 名学生建立退学草稿" in done
    with seeing_all():
        case = Case.objects.get(person_id=gone)
    assert (case.business, case.status) == ("withdraw", "draft")
    assert "已逾期 21 天" in case.form["reason_note"]
    assert "第七条" in case.form["reason_note"]
    assert re.search(rf"/cases/{case.pk}/", office.get("/terms/overdue/").content.decode())
    with act_as(place.user("registrar", "c1")) as actor:
        assert deeds.propose(actor, [gone]) == 1  # pressed again: the draft is taken up
    with seeing_all():
        assert Case.objects.filter(person_id=gone).count() == 1
        assert not Case.objects.filter(person_id=unheard).exists()


@pytest.mark.capability("C-LEV-06")
def test_a_draft_begun_by_hand_keeps_its_reason(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = _student(place, "没来的")
    _late(monkeypatch, 21)
    own = {"reason": "其他", "reason_note": "本人来信, 自愿退学"}
    with act_as(place.user("registrar", "c1")) as actor:
        case = deeds.changes.start(actor, business="withdraw", person_id=gone)
        deeds.changes.save_draft(actor, case_id=case.pk, form=case.form | own)
        assert deeds.propose(actor, [gone]) == 1
    with seeing_all():
        assert own.items() <= Case.objects.get(person_id=gone).form.items()


@pytest.mark.capability("C-LEV-06")
@pytest.mark.rule("SYSU-REG-04")
def test_before_the_two_weeks_are_over_nobody_is_proposed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = _student(place, "没来的")
    for days, over in ((3, False), (14, False), (15, True)):
        _late(monkeypatch, days)
        with act_as(place.user("registrar", "c1")) as actor:
            held = overdue.standing(actor.org_id or 0, terms.term_of(today()), today())
            assert held is not None
            assert held.over is over
            if not over:
                with pytest.raises(PlacementError, match="还没有超过期限"):
                    deeds.propose(actor, [student])
                with pytest.raises(PlacementError, match="没有可以提出"):
                    deeds.book(actor)


@pytest.mark.capability("C-LEV-06")
def test_a_school_without_such_a_rule_has_no_such_list(monkeypatch: pytest.MonkeyPatch) -> None:
    place = make_county()
    child = enrol(place, name="没来的")
    _late(monkeypatch, 60)
    office = login(Client(), place.user("registrar", "a1"))
    assert "逾期未注册" not in text(office.get("/terms/"))
    assert "没有逾期不注册按自动退学处理的规定" in text(office.get("/terms/overdue/"))
    with (
        act_as(place.user("registrar", "a1")) as actor,
        pytest.raises(PlacementError, match="没有逾期不注册"),
    ):
        deeds.propose(actor, [child])


@pytest.mark.capability("C-LEV-06")
def test_who_may_not_propose_and_about_whom(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    student, here = _student(place, "没来的"), _student(place, "来了的")
    other = enrol(place, name="别校的")
    _late(monkeypatch, 21)
    with act_as(place.user("registrar", "c1")) as actor:
        marks.mark(actor, place.klass("c1", "S").pk, here, state="returned")
        for wrong in (here, other):
            with pytest.raises(Http404):
                deeds.propose(actor, [student, wrong])
        with pytest.raises(PlacementError, match="请勾选"):
            deeds.propose(actor, [])
    with act_as(place.user("school_head", "c1")) as actor, pytest.raises(PermissionDenied):
        deeds.propose(actor, [student])
    assert login(Client(), place.user("class_teacher", "c1")).get("/terms/overdue/").status_code == 403
    with seeing_all():
        assert not Case.objects.exists()


@pytest.mark.capability("C-LEV-06")
def test_all_are_proposed_or_none_and_the_list_names_everybody(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = sorted((_student(place, n) for n in ("没来的", "没信的")), key=str)
    _late(monkeypatch, 21)
    real = deeds.changes.start

    def start(actor: Any, *, business: str, person_id: uuid.UUID) -> Case:
        if person_id == second:
            raise CaseError("该生已有业务在办理")
        return real(actor, business=business, person_id=person_id)

    monkeypatch.setattr(deeds.changes, "start", start)
    with act_as(place.user("registrar", "c1")) as actor:
        with pytest.raises(PlacementError, match="已有业务"):
            deeds.propose(actor, [first, second])
        sheet: Any = openpyxl.load_workbook(io.BytesIO(deeds.book(actor)[0])).active
        rows = overdue.overdue(actor, terms.term_of(today()), size=1)
        monkeypatch.setattr(deeds, "LISTED", 1)
        with pytest.raises(PlacementError, match="有 2 人"):
            deeds.book(actor)
    assert (len(rows[0]), rows[1]) == (1, 2), "a page holds one, the list both"
    cells = {str(c) for row in sheet.iter_rows(values_only=True) for c in row if c}
    assert {"没来的", "没信的"} <= cells
    with seeing_all():
        assert not Case.objects.exists(), "no draft stays of a proposal that was refused"
