"""The privacy notice by versions: public, shown once to each family account, kept as a proof.

Journey: a parent signs in for the first time and is shown the notice; one button later the child's page opens; the proof
says which version, when and from where; a new version asks once more, staff find the text in the frame of every page.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, link_child, login, make_county

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.notice import bootstrap
from xueji.ground.notice.models import NoticeReading, PolicyNotice

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def fresh(place: Place) -> None:
    """As if nobody had seen the present version: a new one is published."""
    with transaction.atomic(), acting("writer"):
        PolicyNotice.objects.create(
            version="2026-12", since=timezone.localdate(), title="隐私政策(新)", digest="x",
            body=[{"title": "新的一节", "text": ["新的一段"]}],
        )  # fmt: skip


@pytest.mark.capability("C-SEC-12", page="/privacy/")
def test_a_parent_is_shown_each_version_once_and_that_is_kept(place: Place, client: Client) -> None:
    parent = place.user("parent")
    child = enrol(place, name="欧阳娜娜")
    link_child(parent, child)
    fresh(place)
    login(client, parent, informed=False)
    for path in ("/my/", f"/my/{child}/", "/cases/"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/privacy/notice/")
    page = client.get("/privacy/notice/")
    assert "新的一段" in page.content.decode()
    assert client.post("/privacy/notice/").status_code == 302
    assert client.get(f"/my/{child}/").status_code == 200
    with transaction.atomic(), acting("writer"):
        row = NoticeReading.objects.get(user_id=parent.pk, version="2026-12")
    assert row.address == "127.0.0.1"
    with transaction.atomic(), acting("audit"):
        assert AuditEntry.objects.filter(action="notice.read", object_id="2026-12").count() == 1


def test_everybody_reads_the_notice_without_an_account_and_former_versions_stay(
    place: Place, client: Client
) -> None:
    fresh(place)
    page = client.get("/privacy/").content.decode()
    assert "2026-12" in page
    assert "2026-11" in page
    assert "谁在处理您的信息" in client.get("/privacy/notice/2026-11/").content.decode()
    assert client.get("/privacy/notice/2001-01/").status_code == 404
    assert client.post("/privacy/notice/").status_code == 302


def test_staff_are_not_stopped_and_find_it_in_the_frame(place: Place, client: Client) -> None:
    fresh(place)
    login(client, place.user("registrar", "a1"), informed=False)
    assert 'href="/privacy/"' in client.get("/students/").content.decode()
    assert client.get("/privacy/").status_code == 200


def test_a_version_of_tomorrow_asks_nobody_today(place: Place, client: Client) -> None:
    with transaction.atomic(), acting("writer"):
        PolicyNotice.objects.create(
            version="2027", since=timezone.localdate() + timedelta(days=1), title="x", digest="x", body=[]
        )
    login(client, place.user("parent"), informed=False)
    assert client.get("/my/").status_code == 200


def test_a_text_that_was_changed_without_a_new_version_is_refused() -> None:
    with transaction.atomic(), acting("writer"):
        bootstrap.run()
        assert PolicyNotice.objects.filter(version="2026-11").count() == 1
        row = PolicyNotice.objects.get(version="2026-11")
        assert row.digest == bootstrap.digest(row.title, row.body)
