"""The page on which a part in cases is handed to a colleague."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, give_role, login, make_county, seeing_all

from xueji.ground.accounts.models import Delegation, RoleAssignment, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def form(place: Place, to: User) -> dict[str, str]:
    with seeing_all():
        part = RoleAssignment.objects.get(user=place.user("county_head", "a"))
    today = timezone.localdate()
    return {
        "assignment": str(part.pk),
        "to_user": str(to.pk),
        "since": today.isoformat(),
        "until": (today + timedelta(days=5)).isoformat(),
        "reason": "外出培训",
    }


def test_a_head_hands_over_and_ends_it_on_the_page(place: Place, client: Client) -> None:
    with seeing_all():
        other = User.objects.create(username="more", display_name="代理经办", home_org=place.org("a"))
    give_role(other, "county_clerk", place.org("a"))
    login(client, place.user("county_head", "a"))
    assert "设置代办" in client.get("/me/").content.decode()
    assert client.post("/me/standin/", form(place, other)).status_code == 302
    page = client.get("/me/standin/").content.decode()
    assert "代理经办" in page and "生效中" in page and "外出培训" in page
    again = client.post("/me/standin/", form(place, other))
    assert again.status_code == 422
    assert "已经交给别人代办" in again.content.decode()
    with seeing_all():
        handed = Delegation.objects.get()
    client.post(f"/me/standin/{handed.pk}/end/")
    assert "结束代办" not in client.get("/me/standin/").content.decode()
    assert client.post(f"/me/standin/{handed.pk}/end/").status_code == 404


def test_whoever_cannot_stand_in_is_named_with_the_reason(place: Place, client: Client) -> None:
    login(client, place.user("county_head", "a"))
    answer = client.post("/me/standin/", form(place, place.user("county_clerk", "a")))
    assert answer.status_code == 422
    assert "唯一" in answer.content.decode()


@pytest.mark.parametrize("who", [("class_teacher", "a1"), ("parent", ""), ("system_admin", "province")])
def test_who_decides_no_cases_has_no_such_page(place: Place, client: Client, who: tuple[str, str]) -> None:
    login(client, place.user(*who))
    assert client.get("/me/standin/").status_code == 403
    assert "设置代办" not in client.get("/me/").content.decode()


def test_nobody_ends_what_is_another_units(place: Place, client: Client) -> None:
    with seeing_all():
        part = RoleAssignment.objects.get(user=place.user("county_head", "a"))
        today = timezone.localdate()
        handed = Delegation.objects.create(
            assignment=part,
            org_id=place.org("a").pk,
            to_user=place.user("county_clerk", "a"),
            since=today,
            until=today,
            reason="病假",
            set_by=place.user("county_head", "a"),
        )
    login(client, place.user("county_head", "b"))
    assert client.post(f"/me/standin/{handed.pk}/end/").status_code == 404
    assert "病假" not in client.get("/me/standin/").content.decode()
