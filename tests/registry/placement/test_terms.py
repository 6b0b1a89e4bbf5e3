"""Who came back for the term; the checked class; the review after entry."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.placement.pupils import text

from xueji.ground.accounts.actor import today
from xueji.registry.dropout.models import Source, Watch
from xueji.registry.placement.commands import terms as deeds
from xueji.registry.placement.errors import PlacementError
from xueji.registry.placement.models import EntryReview, TermMark
from xueji.registry.placement.queries import terms

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.mark.capability("C-ENR-09", page="/terms/{id}/")
def test_a_class_is_registered_for_the_term_on_the_phone(place: Place, client: Client) -> None:
    """The class teacher says who did not come, one with a note and one without, then taps once for all the others.
    The one without proof counts as absent and goes on the watch for drop-outs.
    The office sees the class without a gap and the list of who is missing; the county sees the school's figures.
    """
    ill, gone = enrol(place, name="生病的"), enrol(place, name="没来的")
    others = [enrol(place, name=n) for n in ("到一", "到二", "到三")]
    enrol(place, name="二班的", number=2)
    klass = place.klass().pk
    here = f"/terms/{klass}/"
    teacher = login(client, place.user("class_teacher", "a1"))
    assert "5 名学生还没有登记学期注册" in text(teacher.get("/"))
    assert "其余 5 人都到了" in text(teacher.get(here))
    refused = teacher.post(f"{here}{ill}/", {"state": "excused", "since": "2026-11-20"})
    assert refused.status_code == 422
    assert "没有证明的按旷课登记" in text(refused)
    teacher.post(f"{here}{ill}/", {"state": "excused", "since": "2026-11-20", "proof": "住院, 有医院证明"})
    teacher.post(f"{here}{gone}/", {"state": "absent", "since": "2026-11-18", "watch": "1"})
    with seeing_all():
        watch = Watch.objects.get()
    assert (watch.person_id, watch.source, watch.since) == (gone, Source.UNREGISTERED, date(2026, 11, 18))
    done = text(teacher.post(here, follow=True))
    assert "已登记 3 名学生到校" in done
    with seeing_all():
        assert TermMark.objects.filter(state="returned", person_id__in=others).count() == 3
    assert "还没有登记学期注册" not in text(teacher.get("/"))
    office = login(Client(), place.user("registrar", "a1"))
    page = text(office.get("/terms/"))
    assert "一年级(1)班 5 3 1 1 0" in page
    assert "一年级(2)班 1 0 0 0 1" in page
    missing = text(office.get("/terms/missing/"))
    assert "3 人" in missing
    assert "住院, 有医院证明" in missing
    assert "没来的 一年级(1)班 未到, 按旷课 2026-11-18 已登记" in missing
    county = login(Client(), place.user("county_clerk", "a"))
    assert "青禾县第一小学 6 3 1 1 1" in text(county.get("/terms/"))
    # Nobody marks a class that is not his.
    assert teacher.post(f"/terms/{place.klass(number=2).pk}/").status_code == 404
    assert login(Client(), place.user("registrar", "a2")).post(here).status_code == 404


def test_other_rooms_ask_one_query_for_all_classes(place: Place, django_assert_num_queries: Any) -> None:
    enrol(place)
    enrol(place, number=2)
    with act_as(place.user("registrar", "a1")) as actor:
        deeds.all_here(actor, place.klass().pk)
        term = terms.term_of(today())
        with django_assert_num_queries(1):
            found = terms.counts(actor.org_id, term.year, term.number)
    assert found[place.klass().pk] == terms.TermCount(1, 1, 0, 0)
    assert found[place.klass(number=2).pk].open == 1


def test_a_mark_is_changed_and_taken_back(place: Place) -> None:
    person, klass = enrol(place), place.klass().pk
    with act_as(place.user("class_teacher", "a1")) as actor:
        deeds.all_here(actor, klass)
        deeds.mark(actor, klass, person, state="absent", since=date(2026, 11, 18))
        with pytest.raises(PlacementError, match="还没有到"):
            deeds.mark(actor, klass, person, state="absent", since=date(2999, 1, 1))
        assert deeds.all_here(actor, klass) == 0, "one tap does not overwrite an exception"
        deeds.unmark(actor, klass, person)
        assert deeds.all_here(actor, klass) == 1


@pytest.mark.capability("C-ENR-19", page="/terms/{id}/")
def test_the_class_teacher_checks_the_list_against_the_class(place: Place, client: Client) -> None:
    """The class teacher compares the list with who sits in the room and marks the class as checked; the office sees it."""
    enrol(place), enrol(place)
    here = f"/terms/{place.klass().pk}/"
    teacher = login(client, place.user("class_teacher", "a1"))
    assert "起始年级: 请对照实际到班的学生" in text(teacher.get(here))
    assert "现在是 2 人, 请重新核对" in text(teacher.post(f"{here}check/", {"expected": 3}, follow=True))
    assert "已标记为已核对" in text(teacher.post(f"{here}check/", {"expected": 2}, follow=True))
    assert f"已核对 {today():%Y-%m-%d}" in text(login(Client(), place.user("registrar", "a1")).get("/terms/"))


@pytest.mark.capability("C-ENR-10", page="/placement/reviews/")
def test_the_review_after_entry_keeps_defers_or_cancels(place: Place, client: Client) -> None:
    """The registrar ticks who passed and writes them down at once; one who did not is written alone, with the reason.
    From there the page leads to the case; the head sees the figures.
    """
    fine = [enrol(place, name=n) for n in ("合格甲", "合格乙")]
    ill = enrol(place, name="保留丙")
    older = enrol(place, name="老生", cohort=2025, on=date(2025, 9, 1))
    registrar = login(client, place.user("registrar", "a1"))
    here = "/placement/reviews/"
    form = {"result": "passed", "part": ["思想品德", "文化", "健康", "入学资格"]}
    assert "已登记 2 名" in text(registrar.post(here, form | {"person": fine}, follow=True))
    two = registrar.post(
        here, {"result": "deferred", "part": ["健康"], "person": [ill, fine[0]]}, follow=True
    )
    assert "要逐人登记" in text(two)
    bare = registrar.post(here, {"result": "deferred", "part": ["健康"], "person": [ill]}, follow=True)
    assert "请写明复查不合格的情况和依据" in text(bare)
    assert registrar.post(here, form | {"person": [older]}).status_code == 404
    registrar.post(here, {"result": "deferred", "part": ["健康"], "person": [ill], "reason": "需要治疗一年"})
    with seeing_all():
        assert dict(EntryReview.objects.values_list("person_id", "result"))[ill] == "deferred"
    page = registrar.get(here, {"tab": "deferred"})
    assert f"/placement/reviews/{ill}/case/" in page.content.decode()
    assert "需要治疗一年" in text(page)
    head = text(login(Client(), place.user("school_head", "a1")).get(here))
    assert "复查合格 2" in head
