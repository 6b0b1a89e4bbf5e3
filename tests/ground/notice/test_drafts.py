"""The place writes its own privacy notice on a page; somebody else publishes it; consents it changes are asked anew."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, link_child, login, make_county, seeing_all

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.notice import bootstrap, drafts, queries
from xueji.ground.notice.models import NoticeDraft, PolicyNotice
from xueji.registry.family import consents

pytestmark = pytest.mark.django_db
PAGE = "/privacy/office/notice/"


@pytest.fixture
def place() -> Place:
    return make_county()


def shipped() -> str:
    """The text that is shipped, as it is typed."""
    found = queries.current()
    assert found is not None
    return drafts.typed(found.body)


def published(
    place: Place, *, since: date | None = None, renews: list[str] | None = None, more: str = ""
) -> PolicyNotice:
    """A version written by the clerk of the province and published by its head."""
    day = since or timezone.localdate()
    with act_as(place.user("province_clerk", "province")) as actor:
        row = drafts.save(
            actor, title="测试省隐私政策", text=shipped() + more, since=day, renews=renews or [], why="增加本省的说明", turn=0
        )  # fmt: skip
        drafts.send(actor, row.turn)
    with act_as(place.user("province_head", "province")) as actor:
        return drafts.publish(actor, row.turn)


@pytest.mark.capability("C-SEC-12", page="/privacy/office/notice/")
def test_a_clerk_writes_a_notice_and_the_head_publishes_it(place: Place, client: Client) -> None:
    """The provincial clerk opens 隐私政策, writes a section into the text in force, looks at the preview and sends it.
    The head reads the same preview and publishes. The next time a parent signs in, the new version is shown."""
    child, parent = enrol(place, name="欧阳娜娜"), place.user("parent")
    link_child(parent, child)
    login(client, place.user("province_clerk", "province"))
    assert "编写新版" in client.get(PAGE).content.decode()
    form = client.get(PAGE + "draft/").content.decode()
    assert "# 谁在处理您的信息" in form
    typed = {
        "title": "测试省隐私政策", "text": shipped() + "\n\n# 本省的补充\n校车刷卡记录 <b>不</b> 进学籍。",
        "since": str(timezone.localdate()), "why": "增加校车的说明", "turn": "0", "renews": ["publish_photo"],
    }  # fmt: skip
    wrong = client.post(PAGE + "draft/", typed | {"since": "2020-01-01"})
    assert wrong.status_code == 422 and "校车刷卡记录" in wrong.content.decode(), "what was typed stays"
    page = client.post(PAGE + "draft/", typed, follow=True).content.decode()
    assert "校车刷卡记录 &lt;b&gt;不&lt;/b&gt; 进学籍。" in page and "照片用于学校宣传" in page
    turn = re.search(r'name="turn" value="(\d+)"', page)
    assert turn is not None
    client.post(PAGE + "draft/send/", {"turn": turn[1]})
    assert client.post(PAGE + "draft/publish/", {"turn": turn[1]}).status_code == 403, (
        "the clerk does not publish"
    )
    login(client, place.user("province_head", "province"))
    page = client.post(PAGE + "draft/publish/", {"turn": turn[1]}, follow=True).content.decode()
    version = f"{timezone.localdate():%Y-%m}"
    assert "已公布" in page and version in page
    login(client, parent, informed=False)
    assert client.get("/my/").headers["Location"] == "/privacy/notice/"
    assert "校车刷卡记录" in client.get("/privacy/notice/").content.decode()
    with seeing_all(), acting("audit"):
        told = list(AuditEntry.objects.filter(action__startswith="notice.").values_list("action", flat=True))
    assert told.count("notice.publish") == 1 and told.count("notice.save") == 1


@pytest.mark.capability("C-SEC-12")
def test_who_wrote_does_not_publish_and_other_units_do_not_write(place: Place) -> None:
    head = place.user("province_head", "province")
    with act_as(head) as actor:
        row = drafts.save(
            actor, title="测试省隐私政策", text=shipped(), since=timezone.localdate(), renews=[], why="只改名称", turn=0
        )  # fmt: skip
        drafts.send(actor, row.turn)
        with pytest.raises(drafts.NoticeError, match="另一位负责人"):
            drafts.publish(actor, row.turn)
    with transaction.atomic(), acting("writer"), pytest.raises(IntegrityError), transaction.atomic():
        NoticeDraft.objects.filter(pk=row.pk).update(
            state="published", open=False, decided_by=head.pk, decided_name="同一人"
        )
    for role, where in (("county_head", "a"), ("school_head", "a1"), ("city_clerk", "city1")):
        with act_as(place.user(role, where)) as actor:
            assert drafts.opened(actor) is None
            with pytest.raises(PermissionDenied):
                drafts.save(
                    actor, title="本县政策", text="# 一\n二", since=None, renews=[], why="自己来写", turn=0
                )
    with act_as(place.user("county_clerk", "a")), pytest.raises(Exception, match="permission denied"):
        with transaction.atomic(), connection.cursor() as c:
            c.execute("select * from notice_draft")


def test_a_draft_that_somebody_else_saved_is_not_written_over(place: Place) -> None:
    text, day = shipped(), timezone.localdate()
    with act_as(place.user("province_clerk", "province")) as actor:
        one = drafts.save(actor, title="隐私政策", text=text, since=day, renews=[], why="第一次修改", turn=0)
    with act_as(place.user("province_head", "province")) as actor:
        with pytest.raises(drafts.NoticeError, match="别人刚刚保存过"):
            drafts.save(actor, title="隐私政策", text=text, since=day, renews=[], why="第二次修改", turn=0)
        two = drafts.save(
            actor, title="隐私政策", text=text, since=day, renews=[], why="第二次修改", turn=one.turn
        )
    with act_as(place.user("province_clerk", "province")) as actor:
        with pytest.raises(drafts.NoticeError, match="刚刚有变化"):
            drafts.send(actor, one.turn)
        drafts.send(actor, two.turn)
        drafts.drop(actor, two.turn)
        assert drafts.opened(actor) is None and len(drafts.history(actor)) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "请写告知书"),
        ("没有标题", "第 1 行"),
        ("# 一\n\n# 二\n有", "“一”下面没有内容"),
        ("#\n有", "要写小标题"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(drafts.NoticeError, match=says):
        drafts.parsed(text)


def test_what_the_law_wants_told_is_asked_for_before_it_goes_on(place: Place) -> None:
    with act_as(place.user("province_clerk", "province")) as actor:
        row = drafts.save(
            actor, title="隐私政策", text="# 说明\n我们收集信息。", since=timezone.localdate(), renews=[], why="试写一次", turn=0
        )  # fmt: skip
        with pytest.raises(drafts.NoticeError, match="保存期限.*第十七条"):
            drafts.send(actor, row.turn)
    assert drafts.missing("", drafts.parsed(shipped())) == [], "what is shipped says all of it"


@pytest.mark.capability("C-SEC-12")
def test_consents_that_a_version_changes_are_asked_anew_from_its_day(place: Place) -> None:
    child, parent = enrol(place, name="欧阳娜娜"), place.user("parent")
    link_child(parent, child)
    with act_as(parent) as actor:
        consents.answer(actor, child, "publish_photo", agreed=True)
        consents.answer(actor, child, "class_contact", agreed=True)
    tomorrow = timezone.localdate() + timedelta(days=1)
    made = published(place, since=tomorrow, renews=["publish_photo"], more="\n\n# 照片\n校刊改为公开发行。")
    with act_as(parent) as actor:
        assert consents.standings([child])[child]["publish_photo"].holds, "not before its day"
        later = consents.standings([child], tomorrow)[child]
        assert not later["publish_photo"].holds and later["publish_photo"].open
        assert later["class_contact"].holds, "the others stand"
    with transaction.atomic(), acting("writer"):
        connection.cursor().execute(
            "insert into policy_notice (version, since, title, body, digest, published_at, published_name, renews)"
            " select version || 'x', current_date - 1, title, body, digest, now(), '', renews from policy_notice"
            " where version = %s",
            [made.version],
        )
    with act_as(parent) as actor:
        assert not consents.holds(child, "publish_photo")
        assert consents.answer(actor, child, "publish_photo", agreed=True).holds
        assert consents.holds(child, "publish_photo")


def test_what_is_shipped_later_does_not_come_over_the_own_text(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = published(place)
    again = published(place, more="\n\n# 再补充\n一段。")
    assert again.version == f"{made.version}-2" or again.version.startswith(made.version[:7])
    newer = tmp_path / "privacy.toml"
    newer.write_text(
        bootstrap.text_file().read_text(encoding="utf-8").replace("2026-11", "2099-01"), encoding="utf-8"
    )
    monkeypatch.setattr(bootstrap, "text_file", lambda: newer)
    with seeing_all(), acting("writer"):
        bootstrap.run()
        assert not PolicyNotice.objects.filter(version="2099-01").exists()
    found = queries.current()
    assert found is not None and found.version == again.version
