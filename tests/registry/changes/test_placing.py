"""A full school refuses a transfer by itself, and the authority finds a seat elsewhere (统筹安排)."""

from __future__ import annotations

import re
import uuid

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import attach, make_child, pass_all, send, transfer_draft

from xueji.ground.orgs.models import EntryState, School
from xueji.registry.changes import commands as cases
from xueji.registry.changes import placing
from xueji.registry.changes.errors import Blocked, CaseError
from xueji.registry.changes.models import Case, CaseStatus, Placing, PlacingRequest
from xueji.registry.enrolment import queries as enrolment

pytestmark = pytest.mark.django_db

#: Who passes a transfer from county b to county a, after a2 has sent it; b1 keeps the record.
ROUND = (
    ("school_head", "a2"),
    ("county_clerk", "a"),
    ("county_head", "a"),
    ("registrar", "b1"),
    ("school_head", "b1"),
    ("county_clerk", "b"),
    ("county_head", "b"),
)


def _full(place: Place, school: str, *, capacity: int = 0) -> None:
    with seeing_all():
        for n in (1, 2):
            if (school, "P", 2026, n) in place.classes:
                klass = place.klass(school, number=n)
                klass.capacity = capacity
                klass.save()


def _refused(place: Place) -> tuple[uuid.UUID, Case, PlacingRequest]:
    """A child of b1 whom a1 had to refuse."""
    child = make_child(place, school="b1")
    _full(place, "a1")
    draft = transfer_draft(place, child, to="a1", school="b1")
    case = send(place, draft, ("registrar", "a1"))
    with seeing_all():
        return child, case, PlacingRequest.objects.get(case=case)


def _words(answer: object) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))  # type: ignore[attr-defined]


@pytest.mark.capability("C-TRF-05")
def test_a_full_grade_refuses_by_itself_and_the_authority_places_the_child() -> None:
    """The registrar of a full school sends a transfer: it is refused with its article and stands with the county.
    The county's clerk sees which schools have room and names one; both schools and the family read the answer.
    The named school begins without a number; in the end the child is enrolled there.
    """
    place = make_county()
    child, case, row = _refused(place)
    assert (case.status, row.state) == (CaseStatus.REFUSED, Placing.OPEN)
    assert "系统自动拒绝, 已转青禾县教育局统筹安排" in case.end_reason
    assert case.number
    clerk = login(Client(), place.user("county_clerk", "a"))
    assert "学校满额的转学" in _words(clerk.get("/"))
    page = clerk.get(f"/cases/placing/{row.pk}/")
    assert "青禾县东乡小学" in _words(page)
    assert "临川县九年制学校" not in _words(page).split("这个年级有空位的学校")[1]
    clerk.post(f"/cases/placing/{row.pk}/assign/", {"school": str(place.org("a2").pk), "text": "离家较近"})
    with seeing_all():
        case.refresh_from_db()
        row.refresh_from_db()
    assert (row.state, row.placed_school_id) == (Placing.PLACED, place.org("a2").pk)
    assert "到青禾县东乡小学就读, 请家长到该校办理转入。离家较近" in case.end_reason
    asking = login(Client(), place.user("registrar", "a1"))
    assert "青禾县东乡小学" in _words(asking.get("/cases/placing/?tab=placed"))
    assert "到青禾县东乡小学就读" in _words(asking.get(f"/cases/{case.pk}/"))
    named = login(Client(), place.user("registrar", "a2"))
    assert "统筹安排到本校的转学" in _words(named.get("/"))
    answer = named.post(f"/cases/placing/{row.pk}/take/")
    with seeing_all():
        row.refresh_from_db()
    assert (row.state, answer["Location"]) == (Placing.TAKEN, f"/cases/{row.new_case_id}/")
    with act_as(place.user("registrar", "a2")) as actor:
        again = cases.take(actor, row.pk)
        assert again.pk == row.new_case_id
        cases.save_draft(
            actor,
            case_id=again.pk,
            form=again.form
            | {"to_class_id": place.klass("a2").pk, "effective_on": timezone.localdate().isoformat()},
        )
    attach(place, again, "学生基本信息表", "转学原因证明", by=("registrar", "a2"))
    done = pass_all(place, send(place, again, ("registrar", "a2")), ROUND)
    assert done.status == CaseStatus.DONE
    with act_as(place.user("registrar", "a2")) as actor:
        assert enrolment.get_row(actor, child).school_id == place.org("a2").pk


@pytest.mark.capability("C-TRF-05")
def test_a_seat_is_promised_once_and_none_is_told_with_a_reason() -> None:
    place = make_county()
    _child, case, row = _refused(place)
    other = transfer_draft(
        place, make_child(place, school="b1", name="钱多多"), name="钱多多", to="a1", school="b1"
    )
    send(place, other, ("registrar", "a1"))
    with seeing_all():
        second = PlacingRequest.objects.get(case=other)
    _full(place, "a2", capacity=1)
    a2 = place.org("a2").pk
    with act_as(place.user("county_clerk", "a")) as actor:
        cases.assign(actor, row.pk, school_id=a2)
        with pytest.raises(CaseError, match="没有空位"):
            cases.assign(actor, second.pk, school_id=a2)
        with pytest.raises(CaseError, match="没有空位"):
            cases.assign(actor, second.pk, school_id=place.org("b1").pk)
        with pytest.raises(CaseError, match="写明理由"):
            cases.decline(actor, second.pk, text="无")
        cases.decline(actor, second.pk, text="全县一年级都已满额")
    with act_as(place.user("registrar", "a2")) as actor, pytest.raises(Http404):
        cases.take(actor, second.pk)
    with act_as(place.user("registrar", "a1")) as actor:
        cases.drop(actor, row.pk, text="家长决定不转学了")
    with act_as(place.user("registrar", "a2")) as actor, pytest.raises(Http404):
        cases.take(actor, row.pk)
    with act_as(place.user("county_clerk", "a")) as actor:
        cases.assign(actor, second.pk, school_id=a2)  # the seat is free again
        with pytest.raises(CaseError, match="已取消"):
            cases.assign(actor, row.pk, school_id=a2)
    with seeing_all():
        case.refresh_from_db()
        other.refresh_from_db()
    assert case.end_reason.endswith("统筹安排结果: 已取消。家长决定不转学了")
    assert other.end_reason.count("统筹安排结果") == 1


@pytest.mark.capability("C-TRF-05")
def test_no_seat_is_offered_at_a_school_that_nobody_may_work_at() -> None:
    place = make_county()
    _child, _case, row = _refused(place)
    a2 = place.org("a2").pk
    with seeing_all():
        School.objects.filter(pk=a2).update(entry=EntryState.SUSPENDED)
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(CaseError, match="没有空位"):
        cases.assign(actor, row.pk, school_id=a2)


@pytest.mark.capability("C-TRF-05")
def test_only_the_authority_in_charge_places_and_only_the_named_school_begins() -> None:
    place = make_county()
    _child, _case, row = _refused(place)
    a2 = place.org("a2").pk
    for who in (("registrar", "a1"), ("school_head", "a2"), ("city_clerk", "city1")):
        with act_as(place.user(*who)) as actor, pytest.raises(PermissionDenied):
            cases.assign(actor, row.pk, school_id=a2)
    with act_as(place.user("county_clerk", "b")) as actor, pytest.raises(Http404):
        cases.assign(actor, row.pk, school_id=a2)
    with act_as(place.user("registrar", "a2")) as actor, pytest.raises(Http404):
        placing.one(actor, row.pk)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Http404):
        cases.take(actor, row.pk)
    with act_as(place.user("class_teacher", "a1")) as actor, pytest.raises(PermissionDenied):
        placing.listing(actor, "open")


@pytest.mark.capability("C-TRF-05")
def test_a_full_class_beside_a_free_one_is_for_the_school_to_mend_and_so_is_anything_else_that_is_wrong() -> (
    None
):
    place = make_county()
    child = make_child(place, school="b1")
    with seeing_all():
        klass = place.klass("a1")
        klass.capacity = 0
        klass.save()
    draft = transfer_draft(place, child, to="a1", school="b1")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=draft.pk)
    assert any("还有空位的班级" in c.sentence for c in error.value.checks)
    _full(place, "a1")
    with act_as(place.user("registrar", "a1")) as actor:
        cases.save_draft(actor, case_id=draft.pk, form=draft.form | {"to_class_id": klass.pk, "reason": ""})
        with pytest.raises(Blocked):
            cases.submit(actor, case_id=draft.pk)
    with seeing_all():
        assert not PlacingRequest.objects.exists()


@pytest.mark.capability("C-TRF-05")
def test_who_waits_for_a_seat_is_not_passed_on_twice() -> None:
    place = make_county()
    child, _case, _row = _refused(place)
    again = transfer_draft(place, child, to="a1", school="b1")
    with (
        act_as(place.user("registrar", "a1")) as actor,
        pytest.raises(CaseError, match="已经在青禾县教育局统筹安排中"),
    ):
        cases.submit(actor, case_id=again.pk)
    with seeing_all():
        assert Case.objects.get(pk=again.pk).status == CaseStatus.DRAFT


@pytest.mark.capability("C-TRF-05")
def test_a_long_refusal_leaves_room_for_the_answer() -> None:
    place = make_county()
    _child, case, row = _refused(place)
    with seeing_all():
        Case.objects.filter(pk=case.pk).update(end_reason="满额。" * 100)
    with act_as(place.user("county_clerk", "a")) as actor:
        cases.assign(actor, row.pk, school_id=place.org("a2").pk, text="离家较近")
    with seeing_all():
        case.refresh_from_db()
    assert case.end_reason.startswith("满额。")
    assert case.end_reason.endswith("统筹安排结果: 到青禾县东乡小学就读, 请家长到该校办理转入。离家较近")
    with act_as(place.user("county_clerk", "a")) as actor:
        cases.decline(actor, row.pk, text="该校临时减班")
    with seeing_all():
        case.refresh_from_db()
    assert case.end_reason.count("统筹安排结果") == 1
    assert "暂无学位。该校临时减班" in case.end_reason


@pytest.mark.capability("C-TRF-05")
def test_a_seat_stays_promised_while_the_transfer_of_the_child_is_under_way() -> None:
    place = make_county()
    _child, _case, row = _refused(place)
    other = transfer_draft(
        place, make_child(place, school="b1", name="钱多多"), name="钱多多", to="a1", school="b1"
    )
    send(place, other, ("registrar", "a1"))
    _full(place, "a2", capacity=1)
    a2 = place.org("a2").pk
    with seeing_all():
        second = PlacingRequest.objects.get(case=other)
    with act_as(place.user("county_clerk", "a")) as actor:
        cases.assign(actor, row.pk, school_id=a2)
    with act_as(place.user("registrar", "a2")) as actor:
        begun = cases.take(actor, row.pk)
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(CaseError, match="没有空位"):
        cases.assign(actor, second.pk, school_id=a2)
    with act_as(place.user("registrar", "a2")) as actor:
        cases.delete_draft(actor, case_id=begun.pk)
    with act_as(place.user("county_clerk", "a")) as actor:
        assert cases.assign(actor, second.pk, school_id=a2).placed_school_id == a2
