"""The pages of the year's work, asked as people ask them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.helpers import login, make_county, seeing_all
from tests.registry.yearly.world import begin, graduates, send

pytestmark = pytest.mark.django_db


def test_pages_open_for_everybody_concerned(client: Client) -> None:
    place = make_county()
    people = graduates(place, 3)
    row = begin(place)
    who = login(client, place.user("registrar", "a1"))
    for path in (
        "/yearly/",
        "/yearly/promotion/",
        "/yearly/lists/",
        "/yearly/admission/",
        f"/yearly/lists/{row.list_id}/",
        "/",
        f"/students/{people[0]}/",
    ):
        answer = who.get(path)
        assert answer.status_code == 200, path
        assert not re.search(r"\{%|\{\{|</?c-", answer.content.decode()), path
    send(place, row)
    for role, where in (
        ("school_head", "a1"),
        ("county_clerk", "a"),
        ("county_head", "a"),
        ("city_clerk", "city1"),
        ("province_head", "province"),
        ("central_clerk", "central"),
    ):
        c = login(Client(), place.user(role, where))
        for path in ("/yearly/", "/yearly/promotion/", "/yearly/lists/", "/yearly/admission/", "/"):
            assert c.get(path).status_code == 200, (role, path)
    head = login(Client(), place.user("school_head", "a1"))
    page = head.get(f"/yearly/lists/{row.list_id}/").content.decode()
    assert "核办通过" in page
    for suffix in ("register.pdf", "register.xlsx", "destinations.xlsx", "forms.pdf"):
        answer = head.get(f"/yearly/lists/{row.list_id}/{suffix}")
        assert answer.status_code == 200, (suffix, answer.content[:300])
        assert answer["Content-Disposition"].startswith("attachment")


def say(answer: Any) -> str:
    """What the page says after a deed."""
    assert answer.status_code in (200, 302, 303), answer.status_code
    return "".join(str(m) for m in get_messages(answer.wsgi_request))


def test_a_registrar_works_through_the_pages(client: Client) -> None:
    place = make_county()
    with seeing_all():
        org = place.org("a1")
        org.policy = "cn-32-changshu"
        org.save(update_fields=["policy"])
    people = graduates(place, 3)
    who = login(client, place.user("registrar", "a1"))

    def post(path: str, **data: Any) -> str:
        return say(who.post(path, data))

    assert "加入毕业名册" in who.get(f"/students/{people[0]}/").content.decode()
    assert "已在这份名册中" in post(f"/yearly/add/{people[0]}/")
    assert "请选择毕业年级" in post("/yearly/lists/new/", cohort="P-x")
    page = who.get("/yearly/lists/").content.decode()
    address = str(re.search(r"/yearly/lists/[0-9a-f-]{36}/", page)[0])  # type: ignore[index]
    text = who.get(address).content.decode()
    assert "各科是否合格" in text
    assert "体育合格并经主管部门批准" in text
    assert "请先选择要登记的内容" in post(f"{address}facts/", scope="all")
    marks = {f"fact:student.{x}_passed": "true" for x in ("subjects", "conduct", "sport")}
    assert "可以办理 3 人" in post(f"{address}facts/", scope="unknown", **marks)
    failed = {"fact:student.sport_passed": "false"}
    assert "可以办理 3 人" in post(f"{address}facts/", scope="ticked", person=str(people[0]), **failed)
    assert "结业" in who.get(f"{address}?result=13").content.decode()
    # What must hold gives way to no words, and the page says which article.
    assert "JSCS" not in (
        answer := post(f"{address}result/", person=str(people[0]), to="12", reason="体育已补测")
    )
    assert "体育合格并经主管部门批准" in answer
    assert "至少" in post(f"{address}result/", person=str(people[1]), to="none", reason="缓")
    assert "已修改 1 人" in post(
        f"{address}result/", person=str(people[1]), to="none", reason="本人申请缓毕业"
    )
    assert "请填写生效日期" in post(f"{address}days/")
    assert "不能早于今天" in post(f"{address}days/", effective_on="2020-01-01", due_on="2020-01-01")
    assert "已上报" in post(f"{address}submit/")
    assert "已撤回" in post(f"{address}withdraw/")
    assert "已上报" in post(f"{address}submit/")
    assert "至少" in post(f"{address}cancel/")
    for role, where in (("school_head", "a1"), ("county_clerk", "a"), ("county_head", "a")):
        officer = login(Client(), place.user(role, where))
        assert "2026" in officer.get("/").content.decode()
        assert "已核办通过" in say(officer.post(f"{address}decide/", {"decision": "pass"}))
    assert "请选择毕业去向" in post(f"{address}destinations/", person=str(people[2]))
    assert "已登记 1 人" in post(
        f"{address}destinations/", person=str(people[2]), code="16", place="某某中学"
    )
    assert "某某中学" in who.get(address).content.decode()
    assert "没有选中" in post(f"{address}undo/", reason="学制登记有误", scope="ticked")
    assert "回退名册已编制" in post(
        f"{address}undo/", reason="学制登记有误", scope="ticked", person=str(people[2])
    )
    assert "换发名册已编制" in post(f"{address}exchange/", reason="补测体育合格", scope="all")
    county = login(Client(), place.user("county_clerk", "a"))
    lines = "姓名\t学籍号\t升入学校\n没有\tG990101201301010011\t某校"
    answer = county.post("/yearly/admission/upload/", {"text": lines})
    assert "没有叫" in answer.content.decode() or "没有姓名和号码都一致" in answer.content.decode()
    assert "请先勾选" in say(county.post("/yearly/admission/decide/", {"decision": "pass"}))
    assert "没有可以升入的学段" in say(
        county.post("/yearly/admission/place/", {"to_school": place.org("a2").pk})
    )
