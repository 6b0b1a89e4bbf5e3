"""A cohort leaves its primary school: readiness, repair, decisions, the proof, the next school, one roll-back."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

pytestmark = [pytest.mark.browser]
#: The six years of this cohort were over in the summer before the tests' day.
N = 60


def _cohort(school_id: int, username: str) -> list[dict[str, Any]]:
    """Sixty pupils whose years are over, put on record through the school's own commands; one suspended, one busy."""
    from tests.children import id_number

    from xueji.ground.accounts.actor import enter
    from xueji.ground.accounts.models import User
    from xueji.ground.db.scope import acting
    from xueji.ground.orgs.models import Org, SchoolClass
    from xueji.registry.enrolment import commands as enrolment
    from xueji.registry.enrolment.timeline import Step, midnight
    from xueji.registry.people import commands as people

    today = timezone.localdate()
    cohort = (today.year if today.month >= 9 else today.year - 1) - 6
    # The last second of March that is over, whatever the day of the run.
    spring = today.year if today >= date(today.year, 3, 2) else today.year - 1
    out: list[dict[str, Any]] = []
    with transaction.atomic():
        with acting("writer"):
            user = User.objects.get(username=username)
            org = Org.objects.get(pk=school_id)
            klass, _new = SchoolClass.objects.get_or_create(
                school_id=school_id, stage="P", cohort_year=cohort, number=9, defaults={"capacity": 80}
            )
        actor = enter(user.pk)
        assert actor is not None
        for i in range(N):
            name = "毕" + "一二三四五六七八九十"[i // 10] + "甲乙丙丁戊己庚辛壬癸"[i % 10]
            birth = date(cohort - 7, 4, 1 + i % 28)
            number = id_number(birth, "12"[i % 2], division=org.division, serial=300 + i)
            person = people.add_person(
                actor,
                people.Newcomer(
                    name=name,
                    sex="12"[i % 2],
                    birth_date=birth,
                    id_type="1",
                    id_number=number,
                    ethnicity="01",
                ),
                division=org.division,
                readers=[org.pk, actor.county_id],
                klasses=[klass.pk],
            )
            enrolment.apply_step(
                actor,
                Step(person, "enrol", 1, midnight(date(cohort, 9, 1)), school_id=org.pk, class_id=klass.pk),
            )
            out.append({"person_id": str(person), "name": name, "number": number})
        enrolment.apply_step(
            actor, Step(people_id(out[0]), "suspend", 2, midnight(date(spring, 3, 2)), reason="因病")
        )
        enrolment.set_problem(people_id(out[1]), True)
    return out


def people_id(child: dict[str, Any]) -> Any:
    """The key of a child."""
    from uuid import UUID

    return UUID(child["person_id"])


def _mend(child: dict[str, Any]) -> None:
    """The problem is settled."""
    from xueji.registry.enrolment import commands as enrolment

    with transaction.atomic():
        enrolment.set_problem(people_id(child), False)


def _junior_class(school_id: int) -> str:
    """A new class of the first junior year, with room."""
    from xueji.ground.db.scope import acting
    from xueji.ground.orgs.models import School, SchoolClass

    today = timezone.localdate()
    with transaction.atomic(), acting("writer"):
        School.objects.filter(pk=school_id).update(stages=["P", "J"])
        klass, _new = SchoolClass.objects.get_or_create(
            school_id=school_id, stage="J", cohort_year=today.year if today.month >= 9 else today.year - 1, number=8,
            defaults={"capacity": 50},
        )  # fmt: skip
    return str(klass.pk)


def _pass(who: Any, address: str) -> None:
    """Whose turn it is finds the list at home, opens it and passes it with one key."""
    who.go("/")
    assert who.page.locator(f"[data-href='{address}']").count(), who.page.inner_text("main")[:600]
    who.go(address)
    with who.page.expect_navigation():
        who.page.keyboard.press("a")


def _send(who: Any, address: str) -> None:
    who.go(address)
    who.page.locator("#submit-list").click()
    with who.page.expect_navigation():
        who.page.locator("dialog[open] button", has_text="上报").last.click()
    assert "已上报" in who.page.inner_text("main"), who.page.inner_text("main")[:600]


@pytest.mark.capability("C-GRA-01", page="/yearly/")
@pytest.mark.capability("C-GRA-02", page="/yearly/")
@pytest.mark.capability("C-GRA-03", page="/yearly/")
@pytest.mark.capability("C-PRO-04", page="/yearly/admission/")
def test_sixty_graduates_from_readiness_to_the_next_school(person: Any, demo_site: Any) -> None:
    school, other = demo_site.accounts["school_a"], demo_site.accounts["school_b"]
    children = _cohort(school["org_id"], "registrar.a")
    klass = _junior_class(other["org_id"])
    registrar = person("registrar.a")

    # The year's work shows the cohort whose years are over; the list is made in one step.
    registrar.go("/yearly/promotion/")
    assert "学段已满还没有毕业" in registrar.page.inner_text("main")
    registrar.shot("yearly-promotion")
    registrar.go("/yearly/")
    registrar.shot("yearly-overview")
    line = registrar.page.locator("tr", has_text="学段已满").first
    with registrar.page.expect_navigation():
        line.get_by_role("button", name=re.compile("编制名册")).click()
    registrar.page.wait_for_url(re.compile(r"/yearly/lists/[0-9a-f-]{36}/"))
    address = str(re.search(r"/yearly/lists/[0-9a-f-]{36}/", registrar.page.url)[0])  # type: ignore[index]
    text = registrar.page.inner_text("main")
    assert "学籍状态为“休学”" in text
    assert "有问题学籍没有处理完" in text
    registrar.shot("yearly-list-draft")

    # The blocked ones are found by one click on what blocks them; what is mended passes the next check.
    with registrar.page.expect_navigation():
        registrar.page.locator(".xj-preflight li", has_text="问题学籍").get_by_role("link").click()
    assert children[1]["name"] in registrar.page.inner_text("table")
    assert children[2]["name"] not in registrar.page.inner_text("table")
    _mend(children[1])
    with registrar.page.expect_navigation():
        registrar.page.get_by_role("button", name="重新核对").click()
    assert "已重新核对" in registrar.page.inner_text("main")

    # One pupil is given another result, with the reason.
    registrar.go(f"{address}?q={children[2]['name']}")
    registrar.page.get_by_role("checkbox", name=f"选择 {children[2]['name']}").check()
    registrar.page.locator("summary", has_text="修改勾选学生的结论").click()
    registrar.page.select_option("select[name=to]", "13")
    registrar.page.fill("input[name=reason] >> visible=true", "补考后仍有科目不合格")
    with registrar.page.expect_navigation():
        registrar.page.get_by_role("button", name="修改结论", exact=True).click()
    assert "已修改 1 人的结论" in registrar.page.inner_text("main")
    _send(registrar, address)
    registrar.shot("yearly-list-sent")

    for username in (school["head"], school["county_clerk"], school["county_head"]):
        _pass(person(username), address)
    registrar.go(address)
    registrar.shot("yearly-list-done")
    assert "已办结" in registrar.page.inner_text("main")
    for child, word in ((children[3], "毕业"), (children[2], "结业"), (children[0], "休学")):
        registrar.go(f"/students/{child['person_id']}/")
        assert word in registrar.page.inner_text(".xj-person")

    # The graduate's page leads to a proof.
    registrar.go(f"/students/{children[3]['person_id']}/")
    with registrar.page.expect_navigation():
        registrar.page.get_by_role("link", name="开具证明").click()
    registrar.page.fill("[name=purpose]", "升学报名")
    with registrar.page.expect_navigation():
        registrar.page.locator("main button[type=submit], main button.btn-primary").last.click()
    assert "毕业证明" in registrar.page.inner_text("main")
    registrar.shot("yearly-proof")

    # A school of another county asks for one of them by name and number; both authorities agree; it accepts.
    elsewhere = person("registrar.b")
    elsewhere.go("/yearly/admission/")
    elsewhere.page.get_by_role("button", name="申请接收外地毕业生").click()
    elsewhere.page.fill("#claim_name", children[4]["name"])
    elsewhere.page.fill("#claim_number", children[4]["number"])
    elsewhere.page.fill("#claim_reason", "户籍已迁入本县")
    with elsewhere.page.expect_navigation():
        elsewhere.page.get_by_role("button", name="提交申请").click()
    assert children[4]["name"] in elsewhere.page.inner_text("table")
    tabs = ["asked"] if other["county_clerk"] == school["county_clerk"] else ["asked", "released"]
    for tab, username in zip(tabs, (other["county_clerk"], school["county_clerk"]), strict=False):
        clerk = person(username)
        clerk.go(f"/yearly/admission/?tab={tab}")
        clerk.page.get_by_role("checkbox", name=f"选择 {children[4]['name']}").check()
        clerk.shot(f"yearly-admission-{tab}")
        with clerk.page.expect_navigation():
            clerk.page.get_by_role("button", name="同意勾选的申请").click()
        assert "已核办 1 人" in clerk.page.inner_text("main")
    elsewhere.go("/yearly/admission/?tab=placed")
    elsewhere.page.get_by_role("checkbox", name=f"选择 {children[4]['name']}").check()
    elsewhere.page.select_option("select[name=class]", klass)
    with elsewhere.page.expect_navigation():
        elsewhere.page.get_by_role("button", name="接收勾选的学生").click()
    assert "已接收 1 人" in elsewhere.page.inner_text("main"), elsewhere.page.inner_text("main")[:400]
    elsewhere.go(f"/students/{children[4]['person_id']}/")
    assert "在读" in elsewhere.page.inner_text(".xj-person")
    elsewhere.shot("yearly-next-school")
    registrar.go(f"/students/{children[4]['person_id']}/")
    assert "已转出" in registrar.page.inner_text(".xj-person")

    # One graduation is rolled back by a list of its own.
    registrar.go(f"{address}?q={children[5]['name']}")
    registrar.page.get_by_role("checkbox", name=f"选择 {children[5]['name']}").check()
    registrar.page.locator("summary", has_text="毕业回退").click()
    registrar.page.fill("input[name=reason] >> visible=true", "学制登记有误, 还要读一年")
    with registrar.page.expect_navigation():
        registrar.page.get_by_role("button", name="编制回退名册").click()
    undo = str(re.search(r"/yearly/lists/[0-9a-f-]{36}/", registrar.page.url)[0])  # type: ignore[index]
    assert undo != address
    _send(registrar, undo)
    for username in (school["head"], school["county_clerk"], school["county_head"]):
        _pass(person(username), undo)
    registrar.go(f"/students/{children[5]['person_id']}/")
    assert "在读" in registrar.page.inner_text(".xj-person")
    registrar.shot("yearly-rolled-back")
    _all_holds()


def _all_holds() -> None:
    """Every invariant, as `xueji verify` asks."""
    from xueji.ground.db.scope import acting
    from xueji.registry.enrolment import verify

    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        for name, (_words, query) in verify.RECORD.items():
            c.execute(query)
            assert not c.fetchall(), name
        for query in (verify.CUBE_NOW, verify.CUBE_BALANCE):
            c.execute(query)
            assert not c.fetchall()


@pytest.mark.capability("C-PRO-01", page="/yearly/promotion/")
def test_the_head_confirms_the_classes_and_the_county_sees_it_on_the_phone_too(
    person: Any, demo_site: Any
) -> None:
    school = demo_site.accounts["school_a"]
    head = person(school["head"], phone=True)
    head.go("/yearly/promotion/")
    assert head.page.evaluate("document.documentElement.scrollWidth <= 390")
    head.shot("yearly-promotion-phone")
    head.page.fill("#id_remark", "各班已核对")
    with head.page.expect_navigation():
        head.page.get_by_role("button", name="确认班级与系统一致").click()
    assert "确认班级与系统一致" in head.page.inner_text("main")
    clerk = person(school["county_clerk"])
    clerk.go("/yearly/promotion/")
    assert "已核对" in clerk.page.locator("tr", has_text=school["name"]).first.inner_text()
    clerk.shot("yearly-promotion-county")
