"""One admission through the pages: plan, candidates, eligibility, list, notices, check-in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from tests.children import id_number
from tests.helpers import Place, act_as, login, make_county
from tests.registry.admission.world import BORN, YEAR, govern, sheet

from xueji.registry.admission.models import Applicant, State, Submission
from xueji.registry.enrolment.models import Roster

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


def _jpeg() -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (300, 300), "#eeeeee").save(buffer, "JPEG")
    return buffer.getvalue()


JPEG = _jpeg()


@pytest.fixture
def place() -> Place:
    return make_county()


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.mark.capability("C-ORG-08", page="/admission/plans/")
@pytest.mark.capability("C-ENR-02", page="/admission/candidates/")
@pytest.mark.capability("C-ENR-03", page="/admission/lists/{id}/")
@pytest.mark.capability("C-ENR-04", page="/admission/checkin/")
@pytest.mark.capability("C-ENR-14", page="/admission/candidates/{id}/")
def test_from_the_plan_to_pupils_who_wait_for_a_class(place: Place, client: Client) -> None:
    """The county sets the plan and the area; the registrar brings a sheet, the head sends the list, the county approves.

    The school prints notices, records delivery, checks in by the code; one child does not come. The rest wait for a class.
    """
    govern(place, "a1", "cn-13-qianan")
    county = login(client, place.user("county_clerk", "a"))
    school_id = place.org("a1").pk
    done = county.post(
        "/admission/plans/",
        {
            "year": YEAR, "stage": "P", "school": str(school_id), "planned": "3", "class_size": "45",
            "opens_on": str(TODAY - timedelta(days=90)), "closes_on": str(TODAY + timedelta(days=9)),
            "report_from": str(TODAY - timedelta(days=20)), "report_to": str(TODAY - timedelta(days=1)),
        },
        follow=True,
    )  # fmt: skip
    assert "已设置 1 所学校的招生计划" in text(done)
    above = text(
        login(Client(), place.user("city_clerk", "city1")).get(f"/admission/plans/?stage=P&year={YEAR}")
    )
    assert "青禾县教育局 1 3 0 0" in above and "设置勾选学校的计划" not in above
    other = text(
        login(Client(), place.user("city_clerk", "city2")).get(f"/admission/plans/?stage=P&year={YEAR}")
    )
    assert "还没有招生计划" in other and "青禾县教育局" not in other
    county.post(f"/admission/areas/{school_id}/", {"name": "东湖社区"})
    assert "东湖社区" in text(county.get(f"/admission/areas/{school_id}/"))

    registrar = login(Client(), place.user("registrar", "a1"))
    lines = sheet(3).splitlines()
    young = id_number(BORN.replace(year=YEAR - 5), "1", serial=80)
    far = id_number(BORN, "2", serial=81)
    lines += [
        f"王幼\t{young}\t王父\t父亲\t13900001111\t东湖社区\t户口簿、房产证明\t是\t是",
        f"李远\t{far}\t李父\t父亲\t13900001112\t西山村\t户口簿\t是\t是",
        "赵错\t99010120200101000X\t赵父\t父亲\t13900001113\t东湖社区\t\t是\t是",
    ]
    taken = registrar.post(
        "/admission/candidates/new/",
        {"how": "sheet", "stage": "P", "year": YEAR, "origin": "area", "text": "\n".join(lines)},
        follow=True,
    )
    assert "已录入 5 人, 1 行没有录入" in text(taken), text(taken)[:800]
    listed = registrar.get("/admission/candidates/?tab=entered&stage=P")
    assert "年满6周岁" in text(listed)
    assert "二.（一）" in text(listed) or "二.(一)" in text(listed)
    assert young not in listed.content.decode()
    rows = {r.name: r for r in _rows(place)}
    assert rows["王幼"].verdict == "block"
    assert rows["李远"].verdict == "block"
    dossier = registrar.get(f"/admission/candidates/{rows['李远'].pk}/")
    assert "材料不齐, 还缺: 房产证明" in text(dossier)
    good = [str(r.pk) for r in rows.values() if r.verdict == "pass"]
    assert len(good) == 3
    registrar.post(
        "/admission/candidates/act/",
        {"do": "papers", "applicant": good, "papers": ["接种证", "体检表", "通讯录"]},
    )
    assert "材料齐全" in text(registrar.get(f"/admission/candidates/{good[0]}/"))
    filed = registrar.post(
        f"/admission/candidates/{rows['李远'].pk}/papers/",
        {"paper": "房产证明", "file": SimpleUploadedFile("证.jpg", JPEG)},
        follow=True,
    )
    assert "已存入新生档案" in text(filed)
    assert "材料齐全" not in text(filed)
    assert "还缺: 房产证明" not in text(filed)
    kept = re.search(r'href="(/files/[0-9a-f-]{36}/[^"]*)">房产证明', filed.content.decode())
    assert kept is not None
    assert registrar.get(kept[1]).status_code == 200
    assert login(Client(), place.user("registrar", "a2")).get(kept[1]).status_code == 404
    refused = registrar.post("/admission/candidates/act/", {"do": "submit", "applicant": good})
    assert refused.status_code == 403

    head = login(Client(), place.user("school_head", "a1"))
    assert "新生可以上报" in text(head.get("/"))
    both = head.post(
        "/admission/candidates/act/",
        {"do": "submit", "applicant": [*good, str(rows["王幼"].pk)]},
        follow=True,
    )
    assert "资格审查没有通过, 不能上报: 王幼" in text(both)
    assert "年满6周岁" in text(both)
    assert "已上报 3 人" in text(
        head.post("/admission/candidates/act/", {"do": "submit", "applicant": good}, follow=True)
    )

    assert "录取名册待核办" in text(county.get("/"))
    with act_as(place.user("county_clerk", "a")):
        sent = Submission.objects.get()
    page = county.get(f"/admission/lists/{sent.pk}/")
    assert "招生上限 3 人, 已录取 0 人" in text(page)
    assert "同意 3 人" in text(
        county.post(f"/admission/lists/{sent.pk}/decide/", {"do": "approve"}, follow=True)
    )

    printed = registrar.post("/admission/candidates/notices.pdf", {"applicant": good})
    assert printed["Content-Type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF")
    delivered = registrar.post(
        "/admission/candidates/act/", {"do": "deliver", "applicant": good[:2], "how": "hand"}, follow=True
    )
    assert "已登记 2 份通知书送达" in text(delivered)
    undelivered = registrar.get("/admission/candidates/?tab=approved&stage=P&mark=undelivered")
    assert text(undelivered).count("未送达") >= 1
    first = {r.pk: r for r in _rows(place)}[_uuid(good[0])]
    found = registrar.get(f"/admission/checkin/?code={first.notice_code}")
    assert first.name in text(found)
    come = registrar.post(
        "/admission/checkin/", {"code": first.notice_code, "condition": "", "due": ""}, follow=True
    )
    assert "已报到建籍, 等待分班" in text(come)
    late = registrar.post(
        "/admission/candidates/act/", {"do": "checkin", "applicant": good[1:2]}, follow=True
    )
    assert "1 人已报到建籍" in text(late)
    absent = registrar.post(
        "/admission/candidates/act/",
        {"do": "absent", "applicant": good[2:], "words": "电话联系不上"},
        follow=True,
    )
    assert "已登记 1 人未报到" in text(absent)
    assert "未报到 1" in text(registrar.get("/admission/candidates/?tab=absent&stage=P"))
    with act_as(place.user("registrar", "a1")):
        waiting = Roster.objects.filter(school_id=school_id, class_id=None, status=1)
        assert {str(r.person_id) for r in waiting} == set(good[:2])
    record = text(registrar.get(f"/students/{good[0]}/"))
    assert first.name in record
    assert first.name in text(registrar.get("/students/"))
    assert Client().get("/admission/").status_code in (302, 303)


def _rows(place: Place) -> list[Applicant]:
    with act_as(place.user("registrar", "a1")):
        return list(Applicant.objects.filter(school_id=place.org("a1").pk).exclude(state=State.WITHDRAWN))


def _uuid(raw: str) -> Any:
    import uuid

    return uuid.UUID(raw)
