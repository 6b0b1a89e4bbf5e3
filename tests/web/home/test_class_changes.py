"""Teachers read on their home page whose status changed in their class."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county
from tests.registry.changes.world import FOUR, pass_all, send, suspend_draft

from xueji.web.home import queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.mark.capability("C-SUS-08", page="/")
def test_the_teachers_of_the_class_are_told_when_a_suspension_takes_effect(
    place: Place, client: Client
) -> None:
    person = enrol(place, name="田小歌")
    case = send(place, suspend_draft(place, person), ("registrar", "a1"))
    mine = ("class_teacher", "a1"), ("teacher", "a1")
    for who in mine:
        assert "学籍变动通知" not in login(client, place.user(*who)).get("/").content.decode()
    pass_all(place, case, FOUR)
    for who in mine:
        page = login(client, place.user(*who)).get("/").content.decode().split("学籍变动通知", 1)[1]
        assert "田小歌" in page
        assert "休学" in page
        assert timezone.localdate().isoformat() in page
    for who in (("class_teacher", "a2"), ("teacher", "b1")):
        assert "田小歌" not in login(client, place.user(*who)).get("/").content.decode()


def test_a_notice_is_shown_for_thirty_days(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    person = enrol(place, name="田小歌")
    pass_all(place, send(place, suspend_draft(place, person), ("registrar", "a1")), FOUR)
    klass = place.klass("a1").pk
    day = timezone.localdate()
    for later, shown in ((30, 1), (31, 0)):
        monkeypatch.setattr(queries, "today", lambda later=later: day + timedelta(days=later))
        with act_as(place.user("class_teacher", "a1")):
            assert len(queries.class_changes({klass: "一班"})) == shown
