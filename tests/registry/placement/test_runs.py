"""Pupils without a class get one: by a public draw or by hand."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.placement.pupils import text, wait_for_class

from xueji.ground.accounts.actor import today
from xueji.ground.orgs.models import Org, SchoolClass
from xueji.registry.enrolment.models import Event, Roster
from xueji.registry.people.models import Person
from xueji.registry.placement import draw
from xueji.registry.placement.commands import placing, runs
from xueji.registry.placement.errors import PlacementError
from xueji.registry.placement.models import Item, Run, RunState
from xueji.registry.placement.queries import roster

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def rows(*persons: Any) -> list[Roster]:
    with seeing_all():
        return list(Roster.objects.filter(person_id__in=persons, kind=1).order_by("class_id", "class_seat"))


@pytest.mark.capability("C-ENR-05", page="/placement/")
def test_a_grade_is_placed_by_a_draw_that_anybody_can_repeat(place: Place, client: Client) -> None:
    """The registrar sees nine new pupils without a class, prepares a list and locks it before the seed is known.
    The seed is drawn in public, the classes come out even, and the page computes them again.
    Everybody has a class and a serial number without gaps; the class pages show them.
    """
    people = [wait_for_class(place, f"新生{'甲乙丙丁戊己庚辛壬'[n]}", sex="12"[n % 2]) for n in range(9)]
    one, two = place.klass(number=1).pk, place.klass(number=2).pk
    registrar = login(client, place.user("registrar", "a1"))
    assert "9 名学生没有班级" in text(registrar.get("/placement/"))
    assert "9 名学生待分班" in text(registrar.get("/placement/hand/?grade=P-2026"))
    page = registrar.post(
        "/placement/new/",
        {
            "grade": "P-2026",
            "class": [one, two],
            "metric": "none",
            "order": "pinyin",
            "on": today().isoformat(),
        },
        follow=True,
    )
    here = page.redirect_chain[-1][0]
    line = registrar.post(f"{here}1/", {"bond": "双", "bond_mode": "together"}, follow=True)
    assert "编在同一个班" in text(line)
    registrar.post(f"{here}2/", {"bond": "双", "bond_mode": "together"})
    locked = registrar.post(f"{here}3/", {"locked": str(two)})
    assert locked.status_code == 422
    assert "锁定到班级要写明理由" in text(locked)
    registrar.post(f"{here}3/", {"locked": str(two), "why": "监护人是该班任课教师"})
    early = registrar.post(f"{here}step/", {"do": "draw", "seed": "1234", "words": "x"}, follow=True)
    assert "不能这样操作" in text(early)
    frozen = registrar.post(f"{here}step/", {"do": "freeze"}, follow=True)
    with seeing_all():
        run = Run.objects.get()
    assert run.list_digest in text(frozen)
    assert "第二步 摇号" in text(frozen)
    assert "不能这样操作" in text(registrar.post(f"{here}step/", {"do": "freeze"}, follow=True))
    drawn = registrar.post(
        f"{here}step/", {"do": "draw", "seed": "07-21-33", "words": "三位家长代表各报一个数"}, follow=True
    )
    assert "用名单和种子重新计算, 结果一致" in text(drawn)
    with seeing_all():
        run = Run.objects.get()
        chosen = dict(Item.objects.values_list("no", "class_id"))
    assert chosen[1] == chosen[2]
    assert chosen[3] == two
    assert sorted(Counter(chosen.values()).values()) == [4, 5]
    sheet = load_workbook(io.BytesIO(registrar.get(f"{here}list.xlsx").content)).active
    cells = [[c.value for c in row] for row in sheet.iter_rows()]
    assert "新生" not in str(cells)
    assert run.list_digest in str(cells)
    done = registrar.post(f"{here}step/", {"do": "apply", "expected": run.result_digest}, follow=True)
    assert "编班已生效, 共 9 名学生" in text(done)
    found = rows(*people)
    assert Counter(r.class_id for r in found) == Counter(chosen.values())
    for class_id in (one, two):
        assert [r.class_seat for r in found if r.class_id == class_id] == list(
            range(1, Counter(chosen.values())[class_id] + 1)
        )
    assert [r.pinyin_sort for r in found if r.class_id == one] == sorted(
        r.pinyin_sort for r in found if r.class_id == one
    )
    with seeing_all():
        assert Event.objects.filter(business="place", person_id__in=people).count() == 9
    assert "没有待分班的学生" in text(registrar.get("/placement/"))
    # From the public list and the seed, with nothing else, the same classes.
    start = next(n for n, row in enumerate(cells) if row[0] == "名单序号")
    public = [
        draw.Pupil(
            int(r[0]), r[1], float(r[2]), r[3] or "", r[4] or "", r[5] or "together", r[6] == "1",
            int(r[7]) if r[7] else None,
        )
        for r in cells[start + 1 :]
    ]  # fmt: skip
    places = [draw.Place(p["id"], p["capacity"], p["present"]) for p in run.places]
    assert draw.deal(public, places, run.seed) == chosen


def prepared(place: Place, n: int, *, classes: int = 2, **more: Any) -> Run:
    for i in range(n):
        wait_for_class(
            place,
            f"新生{i:03d}".translate(str.maketrans("0123456789", "零一二三四五六七八九")),
            sex="12"[i % 2],
            birth=date(2019, 5, 1) + timedelta(days=i % 350),
        )
    with act_as(place.user("registrar", "a1")) as actor:
        return runs.prepare(
            actor,
            stage="P",
            cohort=2026,
            classes=[place.klass(number=k).pk for k in range(1, classes + 1)],
            **more,
        )


def test_drawing_again_needs_a_reason_and_the_first_draw_stays(place: Place) -> None:
    # So many that two draws do not fall alike by chance.
    run = prepared(place, 24)
    with act_as(place.user("registrar", "a1")) as actor:
        runs.freeze(actor, run.pk)
        first = runs.throw(actor, run.pk, seed="1111", words="家长代表").result_digest
        with pytest.raises(PlacementError, match="重新摇号要写明理由"):
            runs.throw(actor, run.pk, seed="2222", words="家长代表")
        again = runs.throw(actor, run.pk, seed="2222", words="家长代表", why="第一次没有通知到家长委员会")
        assert again.draws[0]["seed"] == "1111"
        assert again.draws[0]["result"] == first
        with pytest.raises(PlacementError, match="已有变动"):
            runs.apply(actor, run.pk, expected=first)


def test_scores_are_pasted_and_must_be_complete(place: Place) -> None:
    run = prepared(place, 4, metric="score")
    with act_as(place.user("registrar", "a1")) as actor:
        n, left = runs.paste(actor, run.pk, "1\t95.5\t东片\n2\t90\n无此人\t80\n3\t八十")
        assert (n, left) == (2, ["无此人", "3"])
        with pytest.raises(PlacementError, match="还有 2 名没有"):
            runs.freeze(actor, run.pk)
        runs.paste(actor, run.pk, "3,80\n4,70")
        runs.freeze(actor, run.pk)


def test_a_pupil_stands_on_one_list_only_and_waits_again_when_it_is_dropped(place: Place) -> None:
    run = prepared(place, 2)
    with act_as(place.user("registrar", "a1")) as actor:
        child = roster.unplaced(place.org("a1").pk, "P", 2026)[0]
        with pytest.raises(PlacementError, match="另一份编班名单"):
            runs.prepare(actor, stage="P", cohort=2026, classes=[place.klass().pk])
        with pytest.raises(PlacementError, match="还没有完成的编班名单"):
            placing.place(actor, [child.person_id], place.klass().pk)
        runs.drop(actor, run.pk)
        assert placing.place(actor, [child.person_id], place.klass().pk) == 1


def bind_to(place: Place, school: str, pack: str) -> None:
    with seeing_all():
        Org.objects.filter(pk=place.org(school).pk).update(policy=pack)


@pytest.mark.capability("C-ENR-05", page="/placement/hand/")
def test_the_size_of_the_place_refuses_with_its_article_and_a_recommended_one_asks_why(
    place: Place, client: Client
) -> None:
    """The registrar ticks pupils and chooses a class that would become too big.
    The page quotes the article; where the text only recommends a size, a reason is enough.
    """
    people = [wait_for_class(place, f"新生{x}") for x in "甲乙丙"]
    klass = place.klass()
    with seeing_all():
        SchoolClass.objects.filter(pk=klass.pk).update(capacity=60)
    for n in range(44):
        enrol(place, name="在班" + "甲乙丙丁戊己庚辛壬癸"[n % 10] + "甲乙丙丁戊"[n // 10])
    bind_to(place, "a1", "cn-13-jinzhou")
    registrar = login(client, place.user("registrar", "a1"))
    form = {"grade": "P-2026", "class": klass.pk, "person": people}
    refused = text(registrar.post("/placement/hand/", form, follow=True))
    assert "编入后有 47 人" in refused
    assert "规定的每班 45 人, 不能编入" in refused
    assert "第四条" in refused
    bind_to(place, "a1", "cn-31")
    assert "请写明理由" in text(registrar.post("/placement/hand/", form, follow=True))
    assert not any(r.class_id for r in rows(*people))
    done = registrar.post("/placement/hand/", form | {"reason": "邻近学校撤并"}, follow=True)
    assert "已编入 3 名学生" in text(done)
    with seeing_all():
        assert "邻近学校撤并" in Event.objects.filter(business="place").values_list("reason", flat=True)[0]


def test_a_class_full_by_its_own_size_is_refused(place: Place) -> None:
    person = wait_for_class(place, "新生甲")
    enrol(place)
    with seeing_all():
        SchoolClass.objects.filter(pk=place.klass().pk).update(capacity=1)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(PlacementError, match="额定 1 人"):
        placing.place(actor, [person], place.klass().pk)


def test_placing_from_a_later_day_changes_the_roster_on_that_day(place: Place) -> None:
    from xueji.registry.enrolment.commands import activate_due
    from xueji.registry.enrolment.timeline import midnight

    person, day = wait_for_class(place, "新生甲"), today() + timedelta(days=5)
    with act_as(place.user("registrar", "a1")) as actor:
        placing.place(actor, [person], place.klass().pk, on=day)
        assert roster.totals(place.org("a1").pk, [place.klass().pk]) == {place.klass().pk: 1}
    assert rows(person)[0].class_id is None
    activate_due(midnight(day))
    assert rows(person)[0].class_id == place.klass().pk
    assert rows(person)[0].class_seat == 1


@pytest.mark.parametrize("n", [10, 100, 1_000])
def test_a_placement_takes_a_fixed_number_of_statements(place: Place, n: int) -> None:
    classes = n // 40 + 2
    with seeing_all():
        for number in range(1, classes + 1):
            key = ("a1", "P", 2026, number)
            if key not in place.classes:
                place.classes[key] = SchoolClass.objects.create(
                    school_id=place.org("a1").pk, stage="P", cohort_year=2026, number=number
                )
    run = prepared(place, n, classes=classes)
    with act_as(place.user("registrar", "a1")) as actor:
        runs.freeze(actor, run.pk)
        run = runs.throw(actor, run.pk, seed="2026", words="家长代表")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            runs.apply(actor, run.pk, expected=run.result_digest)
    assert len(asked) == 63, "the same for any number of pupils and classes"
    with seeing_all():
        assert Run.objects.get().state == RunState.DONE
        sat = dict(Roster.objects.filter(cohort_year=2026).values_list("person_id", "class_id"))
        told = dict(Person.objects.filter(person_id__in=sat).values_list("person_id", "klasses"))
        assert len(sat) == n and len(set(sat.values())) == classes
        assert told == {person: [klass] for person, klass in sat.items()}, "each class's teacher sees her own"


@pytest.mark.capability("C-NUM-12", page="/placement/classes/{id}/seats/")
def test_a_class_is_numbered_without_a_gap_and_newcomers_come_last(place: Place, client: Client) -> None:
    """The registrar numbers a class by pinyin: 1 to 4.
    One pupil leaves the school; the number stays cancelled, and the next to come in gets number 5.
    """
    from tests.children import STUDYING

    from xueji.registry.enrolment import commands as enrolment
    from xueji.registry.enrolment.timeline import Step, midnight

    people = [enrol(place, name=n) for n in ("周八", "阿大", "李四", "钱五")]
    klass = place.klass()
    registrar = login(client, place.user("registrar", "a1"))
    here = f"/placement/classes/{klass.pk}/seats/"
    assert "1 至 4 号" in text(registrar.post(here, {"order": "pinyin"}, follow=True))
    assert [(r.name, r.class_seat) for r in rows(*people)] == [
        ("阿大", 1),
        ("李四", 2),
        ("钱五", 3),
        ("周八", 4),
    ]
    with act_as(place.user("registrar", "a2")) as actor:
        enrolment.apply_step(
            actor,
            Step(
                people[0], "transfer", STUDYING, midnight(today()), school_id=place.org("a2").pk,
                class_id=place.klass("a2").pk,
            ),
        )  # fmt: skip
    late = wait_for_class(place, "吴九")
    with act_as(place.user("registrar", "a1")) as actor:
        placing.place(actor, [late], klass.pk)
    assert rows(late)[0].class_seat == 5
    page = text(registrar.get(here))
    assert "已离校, 学号注销" in page
    drawn = registrar.post(here, {"order": "random", "seed": "77"}, follow=True)
    assert "1 至 4 号" in text(drawn)
    first = {r.name: r.class_seat for r in rows(*people[1:], late)}
    registrar.post(here, {"order": "sex"})
    registrar.post(here, {"order": "random", "seed": "77"})
    assert {r.name: r.class_seat for r in rows(*people[1:], late)} == first, "the seed gives the same numbers"


def test_a_child_on_leave_keeps_the_number(place: Place) -> None:
    from xueji.registry.enrolment import commands as enrolment
    from xueji.registry.enrolment.timeline import Step, midnight

    one, two = enrol(place, name="甲甲"), enrol(place, name="乙乙")
    with act_as(place.user("registrar", "a1")) as actor:
        placing.number(actor, place.klass().pk, "pinyin")
        enrolment.apply_step(actor, Step(one, "suspend", 2, midnight(date(2026, 10, 8))))
        enrolment.apply_step(actor, Step(one, "resume", 1, midnight(date(2026, 11, 8))))
    assert [r.class_seat for r in rows(one)] == [1]
    assert [r.class_seat for r in rows(two)] == [2]


def test_others_do_not_see_it(place: Place, client: Client) -> None:
    run = prepared(place, 2)
    for who in (("registrar", "b1"), ("registrar", "a2")):
        assert login(client, place.user(*who)).get(f"/placement/runs/{run.pk}/").status_code == 404
    assert (
        login(client, place.user("class_teacher", "a1")).get(f"/placement/runs/{run.pk}/").status_code == 403
    )
    assert login(client, place.user("county_clerk", "a")).get("/placement/").status_code == 403
