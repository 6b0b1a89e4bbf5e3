"""Into the next stage: placement by the county, acceptance by the school, across counties by name and number."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone
from tests.helpers import Place, act_as, make_county, seeing_all
from tests.registry.yearly.test_lists import figures, sound
from tests.registry.yearly.world import graduated

from xueji.ground.orgs.models import SchoolClass
from xueji.registry.changes.models import LookupAttempt
from xueji.registry.enrolment import queries as chains
from xueji.registry.people import commands as people
from xueji.registry.people import queries as persons
from xueji.registry.yearly import admissions, commands
from xueji.registry.yearly.errors import YearlyError
from xueji.registry.yearly.models import Admission, Destination

pytestmark = pytest.mark.django_db


def number_of(place: Place, person: uuid.UUID, school: str = "a1") -> str:
    with act_as(place.user("registrar", school)) as actor:
        return people.reveal(actor, person, "number", "升学需要核对")


def junior(place: Place, school: str = "b1") -> SchoolClass:
    """This year's first junior class."""
    start = timezone.localdate().year if timezone.localdate().month >= 9 else timezone.localdate().year - 1
    key = (school, "J", start, 1)
    if key not in place.classes:
        with seeing_all():
            place.classes[key] = SchoolClass.objects.create(
                school_id=place.org(school).pk, stage="J", cohort_year=start, number=1
            )
    return place.classes[key]


@pytest.mark.capability("C-PRO-04")
@pytest.mark.capability("C-GRA-05")
def test_the_county_places_and_the_school_accepts_the_same_record() -> None:
    place = make_county()
    _row, children = graduated(place, 3, school="c1")
    before = figures()
    with act_as(place.user("registrar", "c1")) as actor:
        number = persons.card(actor, children[0]).number
    with act_as(place.user("county_clerk", "c")) as actor:
        assert {r.person_id for r in admissions.pool(actor, admissions.Filters())[0]} == set(children)
        with pytest.raises(YearlyError, match="本单位主管"):
            commands.place(actor, person_ids=children, to_school_id=place.org("b1").pk)
        assert commands.place(actor, person_ids=children[:2], to_school_id=place.org("c1").pk) == 2
        with pytest.raises(YearlyError, match="没有可以分配"):
            commands.place(actor, person_ids=children[:2], to_school_id=place.org("c1").pk)
        assert [r.person_id for r in admissions.pool(actor, admissions.Filters())[0]] == [children[2]]
    klass = junior(place, "c1")
    with act_as(place.user("registrar", "c1")) as actor:
        rows, _more = admissions.listed(actor, "placed", admissions.Filters())
        ids = [r.key for r in rows]
        with pytest.raises(YearlyError, match="学段"):
            commands.accept(actor, ids=ids, class_id=place.klass("c1", "P").pk)
        assert commands.accept(actor, ids=ids, class_id=klass.pk) == 2
        link = chains.current(children[0])
        assert (link.status, link.stage, link.cohort_year, link.class_id) == (
            1,
            "J",
            klass.cohort_year,
            klass.pk,
        )
        assert persons.card(actor, children[0]).number == number
        assert [x.business for x in chains.chain(children[0])] == ["enrol", "graduate", "enrol"]
    with seeing_all():
        assert Destination.objects.get(person_id=children[0], stage="P").code == "16"
    assert figures() != before
    sound()


@pytest.mark.capability("C-PRO-04")
def test_a_school_of_another_county_takes_a_graduate_over_both_authorities() -> None:
    place = make_county()
    _row, children = graduated(place, 2)
    child, other = children
    number = number_of(place, child)
    with act_as(place.user("registrar", "b1")) as actor:
        with pytest.raises(YearlyError, match="没有找到"):
            commands.claim(actor, name="安燃", number=number, reason="户籍在本县")
        claim = commands.claim(actor, name="安然", number=number, reason="户籍在本县")
        assert commands.claim(actor, name="安然", number=number, reason="户籍在本县") == claim, (
            "no second one"
        )
    with seeing_all():
        assert LookupAttempt.objects.filter(user_id=place.user("registrar", "b1").pk).count() == 3
    with act_as(place.user("registrar", "c1")) as actor:
        with pytest.raises(YearlyError, match="已有学校在办理"):
            commands.claim(actor, name="安然", number=number, reason="户籍在本县")
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(YearlyError, match="不在本单位办理"):
        commands.decide_claim(actor, ids=[claim], decision="pass")
    with act_as(place.user("county_clerk", "b")) as actor:
        commands.decide_claim(actor, ids=[claim], decision="pass")
    with act_as(place.user("county_clerk", "a")) as actor:
        commands.decide_claim(actor, ids=[claim], decision="pass")
    with act_as(place.user("registrar", "b1")) as actor:
        with pytest.raises(Http404):
            chains.get_row(actor, child)
        commands.accept(actor, ids=[claim], class_id=junior(place).pk)
        assert chains.get_row(actor, child).status == 1
        # The whole record came along.
        assert len(chains.chain(child)) == 3
    with act_as(place.user("registrar", "a1")) as actor:
        row = chains.get_row(actor, child)
        assert (row.former, row.status) == (True, 12), "the former school keeps its own period"
        assert len(chains.chain(child)) == 2
        assert chains.get_row(actor, other).former is False
    sound()


def test_a_claim_is_refused_with_a_reason_and_a_placement_declined_or_taken_back() -> None:
    place = make_county()
    _row, children = graduated(place, 1)
    number = number_of(place, children[0])
    with act_as(place.user("registrar", "b1")) as actor:
        claim = commands.claim(actor, name="安然", number=number, reason="户籍在本县")
    with act_as(place.user("county_clerk", "b")) as actor:
        with pytest.raises(YearlyError, match="至少"):
            commands.decide_claim(actor, ids=[claim], decision="refuse")
        commands.decide_claim(actor, ids=[claim], decision="refuse", reason="学位已满, 不能接收")
    with act_as(place.user("registrar", "b1")) as actor:
        claim = commands.claim(actor, name="安然", number=number, reason="随父母迁入本县")
        with pytest.raises(PermissionDenied):
            commands.decide_claim(actor, ids=[claim], decision="pass")
        commands.give_up(actor, ids=[claim])
        claim = commands.claim(actor, name="安然", number=number, reason="随父母迁入本县")
    with act_as(place.user("registrar", "c1")) as actor, pytest.raises(Http404):
        commands.decline(actor, ids=[claim], reason="不是本校的学生")
    for who in (("county_head", "b"), ("county_head", "a")):
        with act_as(place.user(*who)) as actor:
            commands.decide_claim(actor, ids=[claim], decision="pass")
    with act_as(place.user("registrar", "b1")) as actor:
        commands.decline(actor, ids=[claim], reason="家长改变了主意")
    with seeing_all():
        assert Admission.objects.get(pk=claim).state == "declined"


@pytest.mark.capability("C-GRA-05")
def test_a_placement_list_places_what_fits_and_tells_the_rest() -> None:
    place = make_county()
    _row, children = graduated(place, 3, school="c1")
    numbers = [number_of(place, p, "c1") for p in children]
    text = "\n".join(
        [
            "姓名\t学籍号\t升入学校",
            f"安然\t{numbers[0]}\t白石县实验学校",
            f"白露\t{numbers[0]}\t白石县实验学校",
            f"白露\t{numbers[1]}\t没有的学校",
            f"曹植语\t{numbers[2]}\t白石县实验学校",
            f"曹植语\t{numbers[2]}\t白石县实验学校",
        ]
    )
    with act_as(place.user("county_clerk", "c")) as actor:
        outcome = commands.place_list(actor, data=b"", file_name="", text=text)
        assert outcome.placed == 2
        assert [no for no, _name, _why in outcome.problems] == [3, 4, 6]
        again = commands.place_list(actor, data=text.encode(), file_name="名单.csv")
        assert again.placed == 0
        with pytest.raises(YearlyError, match="表头缺少"):
            commands.place_list(actor, data=b"", file_name="", text="姓名\t学籍号\n安然\t1")
    with act_as(place.user("registrar", "c1")) as actor, pytest.raises(PermissionDenied):
        commands.place_list(actor, data=b"", file_name="", text=text)


@pytest.mark.capability("C-GRA-06")
def test_destinations_are_recorded_for_a_list() -> None:
    place = make_county()
    row, children = graduated(place, 2)
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(YearlyError, match="请选择毕业去向"):
            commands.record_destinations(actor, list_id=row.list_id, person_ids=children, code="77")
        assert commands.record_destinations(actor, list_id=row.list_id, person_ids=children, code="16") == 2
        commands.record_destinations(
            actor, list_id=row.list_id, person_ids=children[:1], code="40", place="随父母出国"
        )
    with seeing_all():
        assert dict(Destination.objects.values_list("person_id", "code")) == {
            children[0]: "40",
            children[1]: "16",
        }


def test_a_graduate_on_the_way_comes_back_when_the_graduation_is_rolled_back() -> None:
    place = make_county()
    row, children = graduated(place, 1, school="c1")
    with act_as(place.user("county_clerk", "c")) as actor:
        commands.place(actor, person_ids=children, to_school_id=place.org("c1").pk)
    with act_as(place.user("registrar", "c1")) as actor:
        undo = commands.create_undo(actor, list_id=row.list_id, person_ids=None, reason="毕业日期登记有误")
        commands.submit(actor, list_id=undo.list_id)
    for who in (("school_head", "c1"), ("county_clerk", "c"), ("county_head", "c")):
        with act_as(place.user(*who)) as actor:
            commands.decide(actor, list_id=undo.list_id, decision="pass")
    with seeing_all():
        assert set(Admission.objects.values_list("state", flat=True)) == {"withdrawn"}
    assert date.today()
    sound()
