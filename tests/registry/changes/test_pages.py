"""The pages of cases, from the search to the printed sheet."""

from __future__ import annotations

import io
import re
import uuid
from typing import Any

import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, link_child, login, make_county, seeing_all
from tests.registry.changes.world import (
    EIGHT,
    PDF,
    correction_draft,
    identity,
    make_child,
    number_of,
    pass_all,
    picture,
    send,
    suspend_draft,
    transfer_draft,
)

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.registry.changes import commands as cases
from xueji.registry.changes.models import Case, CaseStatus, CaseStep

pytestmark = pytest.mark.django_db


def as_(place: Place, role: str, where: str = "") -> Client:
    """A browser signed in as somebody."""
    return login(Client(), place.user(role, where))


def text_of(answer: Any) -> str:
    """What is read on a page, without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.mark.capability("C-TRF-01", page="/cases/new/")
def test_a_registrar_brings_a_transfer_from_the_search_to_the_head() -> None:
    place = make_county()
    number = identity()
    make_child(place, id_number=number)
    browser = as_(place, "registrar", "b1")
    assert "转到我校" in text_of(browser.get("/cases/new/"))
    answer = browser.post("/cases/new/transfer/", {"name": "赵小满", "number": number})
    assert answer.status_code == 303
    url = answer["Location"]
    page = text_of(browser.get(url))
    assert "还没有选择编入的班级" in page
    assert "转学原因证明" in page
    assert "共 4 个单位" in page
    assert number not in page
    today = timezone.localdate().isoformat()
    form = {"reason": "家庭住址变动", "to_class_id": place.klass("b1").pk, "effective_on": today}
    part = browser.post(f"{url}save/", form, headers={"HX-Request": "true"})
    assert part.content.decode().startswith('<div id="preflight"')
    assert "还没有选择编入的班级" not in part.content.decode()
    answer = browser.post(
        f"{url}files/",
        {
            "学生基本信息表": SimpleUploadedFile("表.jpg", picture()),
            "转学原因证明": SimpleUploadedFile("证明.pdf", PDF),
        },
    )
    assert answer.status_code == 303
    assert "检查全部通过" in text_of(browser.get(url))
    answer = browser.post(f"{url}save/", form | {"then": "submit"})
    assert answer.status_code == 303
    page = text_of(browser.get(url))
    assert "现在在" in page
    assert place.org("b1").name in page
    assert "撤回" in page
    with seeing_all():
        assert Case.objects.get().status == CaseStatus.RUNNING


def test_wrong_name_or_number_keeps_the_page_and_says_so() -> None:
    place = make_county()
    make_child(place)
    answer = as_(place, "registrar", "b1").post(
        "/cases/new/transfer/", {"name": "赵小满", "number": identity()}
    )
    assert answer.status_code == 422
    assert "没有找到姓名和号码都一致的学生" in text_of(answer)


@pytest.mark.capability("C-CHG-01", page="/cases/new/")
def test_tasks_that_cannot_be_done_stay_visible_with_the_reason() -> None:
    place = make_county()
    child = make_child(place)
    browser = as_(place, "registrar", "a1")
    assert str(child) in browser.get("/cases/new/", {"q": "赵小满"}).content.decode()
    page = text_of(browser.get("/cases/new/", {"person": str(child)}))
    assert "暂时不上学(休学)" in page
    assert "回来上学(复学)" in page
    assert "学籍状态为“在读”, 不能办理" in page
    assert "由转入学校发起" in page
    answer = browser.post(f"/cases/new/suspend/{child}/")
    assert answer.status_code == 303
    assert browser.post(f"/cases/new/nonsense/{child}/").status_code == 404
    assert as_(place, "registrar", "b1").post(f"/cases/new/suspend/{child}/").status_code == 404
    assert as_(place, "school_head", "a1").get("/cases/new/").status_code == 403


def test_a_file_of_a_wrong_type_is_refused_with_words() -> None:
    place = make_county()
    case = suspend_draft(place, make_child(place))
    browser = as_(place, "registrar", "a1")
    browser.post(f"/cases/{case.pk}/files/", {"休学申请": SimpleUploadedFile("a.jpg", b"MZ program")})
    assert "只能上传 JPG、PNG" in text_of(browser.get(f"/cases/{case.pk}/"))
    with seeing_all():
        file = case.files.get()
    assert as_(place, "registrar", "b1").get(f"/files/{file.file_id}/").status_code == 404
    assert as_(place, "county_clerk", "a").get(f"/files/{file.file_id}/").status_code == 404
    send(place, case, ("registrar", "a1"))
    assert as_(place, "county_clerk", "a").get(f"/files/{file.file_id}/").status_code == 200
    browser.post(f"/cases/{case.pk}/files/{file.file_id}/remove/")
    with seeing_all():
        assert case.files.count() == 1


@pytest.mark.capability("C-CHG-03", page="/cases/<id>/")
@pytest.mark.capability("C-TRF-09", page="/cases/<id>/")
@pytest.mark.capability("C-CHG-05", page="/cases/<id>/sheet.pdf")
def test_all_eight_decide_on_the_page_and_the_sheet_is_printed() -> None:
    place = make_county()
    case = send(place, transfer_draft(place, make_child(place)), ("registrar", "b1"))
    for role, where in EIGHT:
        browser = as_(place, role, where)
        listed = browser.get("/cases/")
        assert case.number in listed.content.decode()
        page = browser.get(f"/cases/{case.pk}/")
        assert 'data-key="a"' in page.content.decode()
        assert "相关问题处理办法" in text_of(page)
        version = re.search(r'name="version" value="(\d+)"', page.content.decode())
        assert version
        answer = browser.post(
            f"/cases/{case.pk}/decide/", {"decision": "pass", "opinion": "情况属实", "version": version[1]}
        )
        assert answer.status_code == 303
    page = text_of(as_(place, "registrar", "b1").get(f"/cases/{case.pk}/"))
    assert "已办结" in page
    browser = as_(place, "county_head", "a")
    assert "现在没有待办的业务" in text_of(browser.get("/cases/"))
    pdf = browser.get(f"/cases/{case.pk}/sheet.pdf")
    assert pdf["Content-Type"] == "application/pdf"
    words = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf.content)).pages)
    assert case.number in words
    assert "情况属实" in words
    with act_as(place.user("county_head", "a")), acting("audit"):
        assert AuditEntry.objects.filter(action="changes.print", object_id=str(case.pk)).count() == 1


def test_a_stale_page_is_told_and_nothing_happens() -> None:
    place = make_county()
    case = send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))
    browser = as_(place, "school_head", "a1")
    old = case.version - 1
    answer = browser.post(
        f"/cases/{case.pk}/decide/", {"decision": "pass", "opinion": "同意", "version": old}, follow=True
    )
    assert "本页已更新" in text_of(answer)
    with seeing_all():
        assert CaseStep.objects.get(case=case, state="current").seq == 2


def test_passed_and_on_to_the_next_one() -> None:
    place = make_county()
    first = send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))
    second = send(place, suspend_draft(place, make_child(place, name="钱多多")), ("registrar", "a1"))
    browser = as_(place, "school_head", "a1")
    answer = browser.post(f"/cases/{first.pk}/decide/", {"decision": "pass", "opinion": "同意", "next": "1"})
    assert answer["Location"] == f"/cases/{second.pk}/"
    answer = browser.post(f"/cases/{second.pk}/decide/", {"decision": "pass", "opinion": "同意", "next": "1"})
    assert answer["Location"] == "/cases/"


def test_returned_with_items_repaired_and_sent_again() -> None:
    place = make_county()
    case = send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))
    as_(place, "school_head", "a1").post(
        f"/cases/{case.pk}/return/", {"items": "休学申请没有签字\n结束日期不对"}
    )
    browser = as_(place, "registrar", "a1")
    page = text_of(browser.get(f"/cases/{case.pk}/"))
    assert "休学申请没有签字" in page
    assert "修改并重新提交" in page
    assert "重新提交" in text_of(browser.get(f"/cases/{case.pk}/edit/"))
    assert browser.post(f"/cases/{case.pk}/submit/").status_code == 303
    with seeing_all():
        assert CaseStep.objects.get(case=case, state="current").seq == 2
    assert browser.get(f"/cases/{case.pk}/edit/").status_code == 404


def test_refused_withdrawn_cancelled_urged_and_dropped_from_the_page() -> None:
    place = make_county()
    child = make_child(place)
    browser, head = as_(place, "registrar", "a1"), as_(place, "school_head", "a1")
    case = send(place, suspend_draft(place, child), ("registrar", "a1"))
    browser.post(f"/cases/{case.pk}/withdraw/")
    case2 = send(place, suspend_draft(place, child), ("registrar", "a1"))
    head.post(f"/cases/{case2.pk}/decide/", {"decision": "pass", "opinion": "同意"})
    assert "今天已催办" in text_of(browser.post(f"/cases/{case2.pk}/urge/", follow=True))
    browser.post(f"/cases/{case2.pk}/cancel/", {"reason": "家长不办了"})
    case3 = send(place, suspend_draft(place, child), ("registrar", "a1"))
    answer = head.post(
        f"/cases/{case3.pk}/decide/",
        {"decision": "refuse", "reason_rule": "《演示省》第十二条", "opinion": "材料与事实不符"},
        follow=True,
    )
    assert "《演示省》第十二条" in text_of(answer)
    case4 = suspend_draft(place, child)
    assert browser.post(f"/cases/{case4.pk}/delete/").status_code == 303
    with seeing_all():
        found = dict(Case.objects.values_list("pk", "status"))
    assert found == {case.pk: "withdrawn", case2.pk: "cancelled", case3.pk: "refused"}


@pytest.mark.capability("C-INF-02", page="/cases/<id>/")
def test_a_correction_shows_the_difference_and_never_the_number() -> None:
    place = make_county()
    number = identity()
    child = make_child(place)
    case = send(
        place, correction_draft(place, child, new_name="赵晓满", new_number=number), ("registrar", "a1")
    )
    for who in (("registrar", "a1"), ("school_head", "a1"), ("county_clerk", "a")):
        page = as_(place, *who).get(f"/cases/{case.pk}/").content.decode()
        assert "赵晓满" in page
        assert number not in page


@pytest.mark.capability("C-TRF-07", page="/cases/<id>/")
def test_the_family_reads_where_it_is_without_names_of_staff() -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, transfer_draft(place, child), ("registrar", "b1"))
    pass_all(place, case, EIGHT[:1])
    link_child(place.user("parent"), child)
    browser = as_(place, "parent")
    assert str(case.pk) in browser.get("/cases/").content.decode()
    page = text_of(browser.get(f"/cases/{case.pk}/"))
    assert f"在{place.org('b').name}办理" in page
    assert "0990-1234567" in page
    for (role, where), user in place.users.items():
        if where in ("a1", "b1", "a", "b"):
            assert user.display_name not in page, role
    assert browser.get(f"/cases/{case.pk}/sheet.pdf").status_code == 404
    assert browser.post(f"/cases/{case.pk}/withdraw/").status_code == 403


@pytest.mark.parametrize(
    "who", [("registrar", "c1"), ("county_head", "c"), ("parent", ""), ("class_teacher", "c1")]
)
def test_strangers_get_404_everywhere(who: tuple[str, str]) -> None:
    place = make_county()
    case = send(place, transfer_draft(place, make_child(place)), ("registrar", "b1"))
    browser = as_(place, *who)
    for path in ("", "edit/", "sheet.pdf"):
        assert browser.get(f"/cases/{case.pk}/{path}").status_code == 404
    assert browser.get(f"/cases/{uuid.uuid4()}/").status_code == 404
    for path in ("submit/", "decide/", "save/", "files/"):
        answer = browser.post(f"/cases/{case.pk}/{path}", {"decision": "pass"})
        assert answer.status_code in (403, 404)


@pytest.mark.parametrize(
    "who", [("system_admin", "province"), ("security_admin", "province"), ("audit_admin", "province")]
)
def test_administrators_see_no_cases(who: tuple[str, str]) -> None:
    place = make_county()
    assert as_(place, *who).get("/cases/").status_code == 403


@pytest.mark.capability("C-CHG-04", page="/cases/")
def test_filters_and_search_narrow_the_list() -> None:
    place = make_county()
    one = send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))
    two = send(
        place,
        correction_draft(place, make_child(place, name="钱多多"), new_name="钱多余"),
        ("registrar", "a1"),
    )
    browser = as_(place, "registrar", "a1")
    for query, shown in (
        ({"tab": "started"}, {one.number, two.number}),
        ({"tab": "running", "business": "suspend"}, {one.number}),
        ({"q": "钱多"}, {two.number}),
        ({"q": str(one.number)}, {one.number}),
        ({"tab": "ended"}, set()),
        ({"status": "running", "after": "nonsense"}, {one.number, two.number}),
    ):
        page = browser.get("/cases/", query).content.decode()
        assert {n for n in (one.number, two.number) if str(n) in page} == shown, query


def test_pages_ask_the_database_a_fixed_number_of_times(django_assert_max_num_queries: Any) -> None:
    place = make_county()
    made = [send(place, suspend_draft(place, make_child(place)), ("registrar", "a1")) for _ in range(4)]
    draft = suspend_draft(place, make_child(place))
    head, clerk = as_(place, "school_head", "a1"), as_(place, "registrar", "a1")
    for browser in (head, clerk):
        browser.get("/cases/")
    # One of each page's enters the look into the audit.
    with django_assert_max_num_queries(9):
        assert head.get("/cases/").status_code == 200
    with django_assert_max_num_queries(16):
        assert head.get(f"/cases/{made[0].pk}/").status_code == 200
    with django_assert_max_num_queries(27):
        assert clerk.get(f"/cases/{draft.pk}/").status_code == 200
    with django_assert_max_num_queries(8):
        assert clerk.get("/cases/new/").status_code == 200


def test_without_papers_from_home_number_in_clear_is_never_on_a_page() -> None:
    place = make_county()
    child = make_child(place)
    number = number_of(place, child)
    case = send(place, transfer_draft(place, child), ("registrar", "b1"))
    for who in (("registrar", "b1"), ("school_head", "b1"), ("county_clerk", "b"), ("registrar", "a1")):
        for path in (f"/cases/{case.pk}/", "/cases/?tab=running"):
            assert number[1:] not in as_(place, *who).get(path).content.decode()


def test_unsent_errors_do_not_lose_the_form() -> None:
    place = make_county()
    child = make_child(place)
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="correct_key", person_id=child)
    answer = as_(place, "registrar", "a1").post(
        f"/cases/{case.pk}/save/",
        {"new_name": "赵晓满", "new_number": "110101201910030000", "reason": "更正"},
    )
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="赵晓满"' in page
    assert "需要修改" in page
