"""What parents and students see on their phones, and what they never see."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.db import transaction
from django.test import Client
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, link_child, login, make_county
from tests.registry.changes.world import EIGHT, pass_all, send, suspend_draft, transfer_draft

from xueji.ground.audit.commands import flush
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.changes import commands as cases

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def main(html: str) -> str:
    """The page without its frame."""
    return html.split("<main", 1)[1].split("</main>", 1)[0]


@pytest.mark.capability("C-ROL-05", page="/my/")
def test_a_parent_sees_her_children_masked_and_nobody_else(place: Place, client: Client) -> None:
    number = id_number(date(2019, 3, 4), "2")
    first = enrol(place, name="林小满", sex="2", birth=date(2019, 3, 4), identity=number)
    second = enrol(place, name="林大可", school="b1")
    other = enrol(place, name="何不见")
    parent = place.user("parent")
    link_child(parent, first)
    link_child(parent, second)
    login(client, parent)
    html = client.get("/my/").content.decode()
    assert "林小满" in html
    assert "林大可" in html
    assert "青禾县第一小学" in html
    assert "何不见" not in html
    assert str(other) not in html
    for text in (html, client.get(f"/my/{first}/").content.decode()):
        assert number not in text
        assert number[6:17] not in text
    assert client.get(f"/my/{other}/").status_code == 404
    assert client.get("/my/00000000-0000-0000-0000-000000000000/").status_code == 404


def test_with_one_child_the_way_is_short(place: Place, client: Client) -> None:
    person = enrol(place)
    link_child(place.user("parent"), person)
    login(client, place.user("parent"))
    answer = client.get("/my/")
    assert (answer.status_code, answer["Location"]) == (302, f"/my/{person}/")
    assert client.get("/").headers["Location"] == "/my/"


@pytest.mark.capability("C-ROL-06", page="/my/")
def test_a_student_sees_his_own_page_and_not_his_brothers(place: Place, client: Client) -> None:
    me, brother = enrol(place, name="向东"), enrol(place, name="向南")
    link_child(place.user("student"), me, guardian_no=None)
    link_child(place.user("student"), brother, guardian_no=1)
    login(client, place.user("student"))
    assert client.get("/my/").headers["Location"] == f"/my/{me}/"
    assert client.get(f"/my/{brother}/").status_code == 404


def test_no_children_no_page_of_anybody(place: Place, client: Client) -> None:
    enrol(place, name="别家子")
    login(client, place.user("parent"))
    html = client.get("/my/").content.decode()
    assert "还没有关联到学生" in html
    assert "别家子" not in html


def test_the_record_says_who_where_and_what_was_decided_without_names_of_staff(
    place: Place, client: Client
) -> None:
    person = enrol(place, name="周正", identity=id_number(date(2019, 5, 6), "1"), birth=date(2019, 5, 6))
    case = send(place, transfer_draft(place, person, name="周正"), ("registrar", "b1"))
    link_child(place.user("parent"), person)
    login(client, place.user("parent"))
    running = main(client.get(f"/my/{person}/").content.decode())
    assert "转学申请" in running
    assert "现在在临川县九年制学校办理" in running
    assert "最长" in running
    assert "tel:0990-1234567" in running
    pass_all(place, case, EIGHT)
    done = main(client.get(f"/my/{person}/").content.decode())
    assert "从青禾县第一小学转到临川县九年制学校" in done
    assert done.count("从青禾县第一小学转到") == 1
    assert "转学申请" not in done
    assert not re.search("学籍管理员[a-c]1|县级经办人|学校学籍主管领导", done)


def test_what_was_sent_back_is_the_first_thing_to_do(place: Place, client: Client) -> None:
    person = enrol(place, name="田歌")
    case = send(place, suspend_draft(place, person), ("registrar", "a1"))
    with act_as(place.user("school_head", "a1")) as actor:
        cases.return_for_repair(actor, case_id=case.case_id, items=["休学申请: 照片不清楚, 请重拍"])
    other = enrol(place, name="田野")
    for child in (person, other):
        link_child(place.user("parent"), child)
    login(client, place.user("parent"))
    html = main(client.get("/my/").content.decode())
    assert html.index("要您做的") < html.index("田野")
    assert "休学申请要补材料" in html
    assert "照片不清楚, 请重拍" in html
    assert "由学校重新提交" in html


def test_opening_a_childs_page_is_in_the_audit(place: Place, client: Client) -> None:
    person = enrol(place)
    link_child(place.user("parent"), person)
    login(client, place.user("parent"))
    client.get(f"/my/{person}/")
    with transaction.atomic(), acting("audit"):
        flush()
        assert AuditEntry.objects.filter(action="people.view", person_id=person, role="parent").count() == 1


@pytest.mark.capability("C-CER-04", page="/my/")
def test_a_parent_takes_a_proof_of_enrolment_and_a_stranger_does_not(place: Place, client: Client) -> None:
    person, other = enrol(place, name="苏小满"), enrol(place, name="别家子")
    link_child(place.user("parent"), person)
    login(client, place.user("parent"))
    assert client.post(f"/my/{other}/certificate/", {"purpose": "other"}).status_code == 404
    answer = client.post(f"/my/{person}/certificate/", {"purpose": "other"}, follow=True)
    html = main(answer.content.decode())
    assert "可以下载了" in html
    (pdf,) = re.findall(r'href="(/certificates/[^"]+\.pdf)"', html)
    paper = client.get(pdf)
    assert paper.content.startswith(b"%PDF")
    assert paper["Content-Disposition"].startswith("attachment")
    refused = client.post(f"/my/{person}/certificate/", {"purpose": "../x"}, follow=True)
    assert "请选择用途" in refused.content.decode()


def test_staff_are_told_where_to_look(place: Place, client: Client) -> None:
    login(client, place.user("registrar", "a1"))
    assert client.get("/my/").status_code == 403


@pytest.mark.parametrize("many", [1, 4])
def test_queries_do_not_grow_with_children(
    place: Place, client: Client, many: int, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    children = [enrol(place, name=f"孩{'甲乙丙丁戊'[i]}") for i in range(many + 1)]
    for person in children:
        link_child(place.user("parent"), person)
    login(client, place.user("parent"))
    for path, limit in (("/my/", 13), (f"/my/{children[0]}/", 20)):
        client.get(path)
        with django_assert_max_num_queries(limit):  # type: ignore[operator]
            assert client.get(path).status_code == 200
