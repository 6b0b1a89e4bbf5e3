"""The pages about rules: reading, comparing, trying out, proposing and approving, in the browser's words."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from tests.ground.policy.test_policy_versions import COUNTY, county_text
from tests.helpers import Place, login, make_county

from xueji.ground.policy.library import shipped
from xueji.ground.policy.models import PolicyStage


@pytest.fixture
def place(db: None) -> Place:
    return make_county()


def as_(place: Place, role: str = "county_clerk", where: str = "a") -> Client:
    return login(Client(), place.user(role, where))


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_rules_of_the_place_stand_with_article_date_force_and_caveat(place: Place) -> None:
    page = text_of(as_(place).get("/rules/"))
    assert "DEMO-CLS-01" in page and "NAT-TRF-11" in page
    assert "《演示县关于规范班额和转学办理时间的通知(虚构)》第二条" in page
    assert "演县教〔2026〕7号" in page
    assert "2026-09-01" in page and "未说明" in page and "原文未载明生效日期" in page
    assert "一般(负责人说明理由可例外)" in page and "应当(不得例外)" in page
    assert "虚构的演示规定，不具效力" in page
    assert "下级不得代替" in page
    other = text_of(as_(place, "county_clerk", "c").get("/rules/"))
    assert "DEMO-CLS-01" not in other and "DEMO-TRF-01" in other


def test_rules_are_found_by_business_subject_identifier_and_words(place: Place) -> None:
    client = as_(place)
    one = text_of(client.get("/rules/", {"q": "demo-sus-04"}))
    assert one.count("<code>DEMO-SUS-04</code>") == 1 and "DEMO-SUS-01" not in one
    assert "DEMO-SUS-04" in text_of(client.get("/rules/", {"q": "县级以上医院"}))
    business = text_of(client.get("/rules/", {"event": "resume"}))
    assert "DEMO-RES-01" in business and "DEMO-SUS-01" not in business
    topic = text_of(client.get("/rules/", {"topic": "CLS"}))
    assert "DEMO-CLS-03" in topic and "NAT-TRF-11" not in topic
    assert "没有符合条件的规则" in text_of(client.get("/rules/", {"q": "zzz"}))


def test_rules_of_another_place_and_day_can_be_looked_at_and_say_so(place: Place) -> None:
    client = as_(place, "registrar", "a1")
    page = text_of(client.get("/rules/", {"place": "cn-31", "on": "2026-01-01"}))
    assert "SH-CLS-01" in page and "不是本单位的规则" in page
    assert "DEMO-CLS-01" not in text_of(client.get("/rules/", {"on": "2026-08-31"}))
    assert client.get("/rules/", {"place": "nowhere"}).status_code == 404
    assert client.get("/rules/", {"on": "9999-99-99"}).status_code == 200


def test_a_value_shows_what_each_text_of_the_line_says_and_what_those_below_may_do(place: Place) -> None:
    page = text_of(as_(place).get("/rules/values/"))
    assert "小学班额" in page and "45人" in page
    assert "已锁定，下级不得改动" in page
    assert "下级只能从严: 只能调低" in page
    row = page[page.index('id="suspend.period"') :]
    row = row[: row.index("</tr>")]
    assert row.index("国家 · ") < row.index("省 · "), "the nation's text first"
    assert row.index("现行") > row.index("国家 · "), "the province's value is the one in force"
    assert "学生学籍档案" in page and "永久" in page
    assert "学籍辅号" in page


def test_businesses_show_chains_papers_and_periods_with_their_texts(place: Place) -> None:
    page = text_of(as_(place).get("/rules/businesses/", {"business": "transfer"}))
    assert "跨省" in page and "→" in page and "个工作日" in page
    assert "2027年暑期暂停转学业务" in page and "2027-07-15" in page
    later = text_of(as_(place).get("/rules/businesses/", {"business": "transfer", "on": "2027-10-01"}))
    assert "2027年暑期暂停转学业务" not in later, (
        "a period that is over is left out, whatever was asked before"
    )
    again = text_of(as_(place).get("/rules/businesses/", {"business": "transfer"}))
    assert "2027年暑期暂停转学业务" in again
    assert "休学申请" not in page


def test_everything_in_force_is_printed_on_one_sheet(place: Place) -> None:
    page = text_of(as_(place).get("/rules/print/"))
    assert "DEMO-CLS-01" in page and "小学班额" in page and "打印人" in page and "校验码" in page
    assert "<nav" not in page


def test_two_places_stand_side_by_side_with_both_articles(place: Place) -> None:
    page = text_of(as_(place).get("/rules/compare/", {"a": COUNTY, "b": "cn-31"}))
    row = page[page.index("<code>class.cap.primary</code>") :]
    row = row[: row.index("</tr>")]
    assert "45" in row and "40" in row
    assert "《演示县关于规范班额和转学办理时间的通知(虚构)》第二条" in row and "《上海市" in row
    same = text_of(as_(place).get("/rules/compare/", {"a": "cn", "b": "cn"}))
    assert "两边的规则完全相同" in same


def test_two_days_of_one_place_stand_side_by_side(place: Place) -> None:
    asked = {"a": COUNTY, "a_on": "2026-08-31", "b": COUNTY, "b_on": "2026-09-01"}
    page = text_of(as_(place).get("/rules/compare/", asked))
    assert "DEMO-CLS-01" in page and "没有规定" in page and "DEMO-TRF-01" not in page


@pytest.mark.parametrize("words", ["44 个问题", "休学的起点", "GD-SUS-01", "无效力的文本，仅供参考"])
def test_how_places_differ_can_be_read_in_the_application(place: Place, words: str) -> None:
    page = text_of(as_(place, "registrar", "a1").get("/rules/differences/"))
    assert words in page
    assert page.count('id="q') == 44
    assert text_of(as_(place).get("/rules/differences/", {"q": "传染病"})).count('id="q') < 44


def test_a_made_up_case_is_answered_with_rule_article_values_and_sentence(place: Place) -> None:
    client = as_(place)
    address = f"/rules/try/?event=transfer.apply&place={COUNTY}&on=2026-10-10"
    form = text_of(client.get(address))
    for name in ("f.student.stage", "f.class.size_after", "f.case.docs", "f.student.status"):
        assert f'name="{name}"' in form, name
    told = text_of(
        client.post(address, {"f.student.stage": "P", "f.class.size_after": "46", "f.student.status": "休学"})
    )
    assert "现在不能办理" in told
    assert "转入后该班有46人，小学每班一般不超过45人" in told
    assert "小学班额: 45" in told and "办理后的班级人数: 46" in told
    assert "该生正在休学" in told and "需先确认" in told
    assert "条规则不涉及这个情形" in told


def test_trying_out_keeps_what_was_filled_in_and_stores_nothing(place: Place) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = as_(place)
    with CaptureQueriesContext(connection) as queries:
        page = text_of(
            client.post("/rules/try/?event=suspend.apply", {"f.case.reason": "因病", "f.case.docs": "-"})
        )
    assert 'value="因病"' in page and "缺材料" in page and "病情证明" in page
    writes = [
        q["sql"]
        for q in queries.captured_queries
        if q["sql"].lower().startswith(("insert", "update", "delete"))
    ]
    assert writes == []


@pytest.mark.parametrize(
    ("event", "name", "value", "words"),
    [
        ("transfer.apply", "f.class.size_after", "many", "请填写整数"),
        ("suspend.apply", "f.case.start", "昨天", "日期应写作"),
        ("card.issue", "f.card.fee", "免费", "请填写数字"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_beside_its_field(
    place: Place, event: str, name: str, value: str, words: str
) -> None:
    answer = as_(place).post(f"/rules/try/?event={event}", {name: value})
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert f'id="err_{name}"' in text_of(answer)
    assert "规则的回答" not in text_of(answer)


@pytest.mark.parametrize("value", ["9" * 400, "-1", "1e9", "x" * 5000])
def test_no_made_up_value_breaks_the_page(place: Place, value: str) -> None:
    client = as_(place)
    for event in ("transfer.apply", "suspend.apply", "enrol.apply", "correct_key.apply", "number.issue"):
        form = text_of(client.get("/rules/try/", {"event": event}))
        names = set(re.findall(r'name="(f\.[^"]+)"', form))
        assert client.post(f"/rules/try/?event={event}", dict.fromkeys(names, value)).status_code in (
            200,
            422,
        )


def test_schools_read_and_authorities_write(place: Place) -> None:
    school = as_(place, "registrar", "a1")
    assert school.get("/rules/").status_code == 200
    assert 'href="/rules/versions/"' not in text_of(school.get("/rules/"))
    assert school.get("/rules/versions/").status_code == 403
    assert 'href="/rules/versions/"' in text_of(as_(place).get("/rules/"))


def propose(client: Client, text: str, **more: Any) -> Any:
    form = {"text": text, "effective_on": timezone.localdate().isoformat(), "note": "按演县教〔2027〕3号"}
    return client.post("/rules/versions/new/", form | more)


def test_a_version_goes_from_the_form_to_force_by_two_persons(place: Place) -> None:
    clerk, head = as_(place), as_(place, "county_head")
    start = timezone.localdate()
    assert COUNTY in text_of(clerk.get("/rules/versions/new/"))
    answer = propose(clerk, county_text(42, start.isoformat()))
    assert answer.status_code == 302
    page = text_of(clerk.get(answer["Location"]))
    assert "待复核" in page and "小学班额" in page and "不超过42人" in page
    assert "/approve/" not in page and "提交人不能复核" in page
    page = text_of(head.get(answer["Location"]))
    assert "/approve/" in page and "<ins>+ value = 42</ins>" in page
    done = head.post(answer["Location"] + "approve/", {"opinion": "同意"}, follow=True)
    assert "已批准" in text_of(done)
    assert "42" in text_of(as_(place, "registrar", "a1").get("/rules/values/"))
    versions = text_of(clerk.get("/rules/versions/"))
    assert "页面提交并批准" in versions and "以此为底稿提交" in versions
    old = text_of(clerk.get("/rules/versions/new/", {"from": shipped().pack(COUNTY).sha256}))
    assert "小学每班一般不超过45人" in old and "E2#1" not in old
    assert clerk.get("/rules/versions/new/", {"from": shipped().pack("cn").sha256}).status_code == 404


def test_errors_are_shown_with_file_and_line_and_what_was_written_is_kept(place: Place) -> None:
    text = county_text().replace('cite = "E2#1"', 'cite = "E9#1"', 1)
    line = text[: text.index("E9#1")].count("\n") + 1
    answer = propose(as_(place), text)
    page = text_of(answer)
    assert answer.status_code == 422
    assert f"{COUNTY}.toml:{line}" in page and "E9" in page and "什么也没有保存" in page
    assert "id = &quot;E2&quot;" in page, "the text is there to be mended"
    assert PolicyStage.objects.count() == 0


def test_a_file_can_be_uploaded_and_a_wrong_one_is_refused(place: Place) -> None:
    client = as_(place)
    bad = SimpleUploadedFile("x.toml", "规则".encode("gb18030"))
    assert "UTF-8" in text_of(propose(client, "", file=bad))
    good = SimpleUploadedFile("x.toml", b"\xef\xbb\xbf" + county_text().replace("\n", "\r\n").encode())
    answer = propose(client, "", file=good)
    assert answer.status_code == 302
    kept = client.get(answer["Location"] + "pack.toml")
    assert kept.content.decode() == county_text()
    assert kept["Content-Disposition"].startswith("attachment")


def test_a_proposal_is_refused_with_a_reason_or_withdrawn(place: Place) -> None:
    clerk, head = as_(place), as_(place, "county_head")
    where = propose(clerk, county_text())["Location"]
    assert "请写明不同意的理由" in text_of(head.post(where + "refuse/", follow=True))
    assert "没有依据" in text_of(head.post(where + "refuse/", {"opinion": "没有依据"}, follow=True))
    where = propose(clerk, county_text())["Location"]
    assert "已撤回" in text_of(clerk.post(where + "withdraw/", follow=True))
    assert head.post(where + "nothing/").status_code == 404


def test_a_place_without_a_pack_starts_from_a_head_that_loads(place: Place) -> None:
    client = as_(place, "county_clerk", "c")
    page = text_of(client.get("/rules/versions/new/"))
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    text = html.unescape(found[1]).lstrip("\n")
    assert 'id = "cn-99-0201"' in text and 'extends = "cn-99"' in text
    assert (
        propose(client, text, effective_on=(date.today() + timedelta(days=40)).isoformat()).status_code == 302
    )
