"""The register of 学籍管理员: named by the school, read by its authority, trained before duty, changed on record."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook
from tests.helpers import Place, act_as, give_role, login, make_county, seeing_all

from xueji.ground.accounts.roles import Role
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.posts import commands, queries
from xueji.ground.posts.errors import PostError
from xueji.ground.posts.models import Officer

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
PAGE = "/officers/"


@pytest.fixture
def place() -> Place:
    return make_county()


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def as_(place: Place, role: str, where: str) -> Client:
    return login(Client(), place.user(role, where))


def form(user_id: int, **more: Any) -> dict[str, Any]:
    return {
        "user": str(user_id), "title": "教导主任", "phone": "0990-5551234", "full_time": "1",
        "since": f"{TODAY - timedelta(days=10)}",
    } | more  # fmt: skip


@pytest.mark.capability("C-ORG-11", page="/officers/")
def test_a_school_names_its_officer_the_county_reads_and_trains_and_a_successor_is_on_record(
    place: Place,
) -> None:
    """The head names the registrar; the county clerk finds it waiting, takes note and enters the training for the post.

    Later the head names a successor with the reason: the past stays, the authority is told anew. The list of officers with
    their training can be taken along as a sheet.
    """
    head, keeper = as_(place, "school_head", "a1"), place.user("registrar", "a1")
    assert "本校还没有登记学籍管理员" in text_of(head.get(PAGE))
    done = head.post(PAGE, form(keeper.pk), follow=True)
    assert f"已登记 {keeper.display_name}, 并报送主管部门" in text_of(done) and "待确认" in text_of(done)
    assert "未培训" in text_of(done)

    county = as_(place, "county_clerk", "a")
    assert "学籍管理员登记" in text_of(county.get("/"))
    waiting = county.get(PAGE, {"show": "waiting"})
    assert place.org("a1").name in text_of(waiting) and place.org("a2").name not in text_of(waiting)
    with seeing_all():
        line = Officer.objects.get(org_id=place.org("a1").pk)
    assert "已确认 1 所学校的登记" in text_of(
        county.post("/officers/note/", {"officer": line.pk}, follow=True)
    )
    assert "没有登记" in text_of(county.get(PAGE, {"show": "nobody"}))
    unsaid = county.post(
        "/officers/train/", {"officer": line.pk, "topic": "", "done_on": f"{TODAY}", "hours": "8"}
    )
    assert unsaid.status_code == 422
    assert re.search(rf'value="{line.pk}" checked', unsaid.content.decode()), "what was ticked stays ticked"
    trained = county.post(
        "/officers/train/",
        {"officer": line.pk, "topic": "上岗培训", "done_on": f"{TODAY - timedelta(days=20)}", "hours": "8"},
        follow=True,
    )
    assert "已登记 1 人的上岗培训" in text_of(trained) and "先培训后上岗" in text_of(trained)
    assert "学籍管理员登记" not in text_of(county.get("/"))
    assert "先培训后上岗" in text_of(head.get(PAGE))

    other = place.user("teacher", "a1")
    give_role(other, Role.REGISTRAR, place.org("a1"))
    assert "更换的原因" in text_of(head.get(PAGE))
    assert head.post(PAGE, form(other.pk, since=f"{TODAY}")).status_code == 422, "without a reason"
    change = form(other.pk, since=f"{TODAY}", reason="原管理员调任德育处", full_time="0")
    page = text_of(head.post(PAGE, change, follow=True))
    assert other.display_name in page and "历任学籍管理员" in page and "原管理员调任德育处" in page
    assert "兼职" in page and "待确认" in page
    with seeing_all():
        old, new = Officer.objects.filter(org_id=place.org("a1").pk).order_by("since")
        assert (old.until, old.reason) == (TODAY - timedelta(days=1), "原管理员调任德育处")
        assert (new.until, new.trained_on, new.noted_at) == (None, None, None)
    with transaction.atomic(), acting("audit"):
        events = AuditEntry.objects.filter(action__startswith="posts.officer.", org_id=place.org("a1").pk)
        assert list(events.order_by("at").values_list("action", flat=True)) == [
            "posts.officer.name", "posts.officer.change",
        ]  # fmt: skip
    book = county.get("/officers/list.xlsx")
    assert book["Content-Disposition"].startswith("attachment")
    cells = [
        [str(v or "") for v in row]
        for row in load_workbook(BytesIO(book.content)).active.iter_rows(values_only=True)
    ]
    assert next(r for r in cells if r[1] == place.org("a1").name)[2:9] == [
        other.display_name, "教导主任", "0990-5551234", "兼职", f"{TODAY}", "", "未培训",
    ]  # fmt: skip
    assert next(r for r in cells if r[1] == place.org("a2").name)[2] == "没有登记"


def test_an_authority_reads_its_schools_and_no_other_does(place: Place) -> None:
    with act_as(place.user("school_head", "a1")) as actor:
        commands.name(actor, user_id=place.user("registrar", "a1").pk, phone="1", since=TODAY)
    for role, where, seen in (
        ("city_clerk", "city1", True),
        ("province_head", "province", True),
        ("county_head", "b", False),
    ):
        page = text_of(as_(place, role, where).get(PAGE))
        assert (place.user("registrar", "a1").display_name in page) is seen, role
    central = as_(place, "central_clerk", "central").get(PAGE)
    assert place.org("a2").name in text_of(central) and place.org("a1").name not in text_of(central)
    with seeing_all():
        line = Officer.objects.get()
    with act_as(place.user("county_clerk", "b")) as actor:
        assert commands.take_note(actor, [line.pk]) == 0
        with pytest.raises(PostError, match="请先勾选"):
            commands.train(actor, [line.pk], topic="x", done_on=TODAY, hours=8)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("role", "where", "code"),
    [
        ("class_teacher", "a1", 403),
        ("system_admin", "province", 403),
        ("parent", "", 403),
        ("county_head", "a", 200),
    ],
)
def test_who_may_not_is_refused(place: Place, role: str, where: str, code: int) -> None:
    client = as_(place, role, where)
    assert client.get(PAGE).status_code == code
    assert client.get("/officers/list.xlsx").status_code == code
    assert client.post("/officers/note/", {"officer": "1"}).status_code == 403
    assert client.post("/officers/train/", {"officer": "1"}).status_code == 403
    if code == 200:
        assert client.post(PAGE, form(1)).status_code == 403


def test_the_officer_holds_the_registrars_role_there_and_a_school_has_one(place: Place) -> None:
    with act_as(place.user("school_head", "a1")) as actor:
        for stranger in (place.user("registrar", "a2"), place.user("teacher", "a1")):
            with pytest.raises(PostError, match="身份"):
                commands.name(actor, user_id=stranger.pk, phone="1", since=TODAY)
        first = commands.name(actor, user_id=place.user("registrar", "a1").pk, phone="1", since=TODAY)
        with pytest.raises(PostError, match="已是本校"):
            commands.name(actor, user_id=first.user_id, phone="1", since=TODAY, reason="不变")
    with seeing_all(), pytest.raises(IntegrityError), transaction.atomic():
        Officer.objects.create(
            org_id=first.org_id, county_id=first.county_id, user_id=1, name="-", phone="1", since=TODAY, named_by=1,
            named_name="-",
        )  # fmt: skip
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(PermissionDenied):
        commands.name(actor, user_id=first.user_id, phone="1", since=TODAY)


def test_training_goes_on_with_the_person_who_comes_back(place: Place) -> None:
    keeper, other = place.user("registrar", "a1"), place.user("teacher", "a1")
    give_role(other, Role.REGISTRAR, place.org("a1"))
    head, clerk = place.user("school_head", "a1"), place.user("county_clerk", "a")
    with act_as(head) as actor:
        row = commands.name(actor, user_id=keeper.pk, phone="1", since=TODAY - timedelta(days=30))
    with act_as(clerk) as actor:
        commands.train(actor, [row.pk], topic="上岗培训", done_on=TODAY - timedelta(days=9), hours=8)  # type: ignore[arg-type]
        assert queries.training_of(row.since, TODAY - timedelta(days=9)) == "after"
    with act_as(head) as actor:
        commands.name(actor, user_id=other.pk, phone="1", since=TODAY - timedelta(days=5), reason="产假")
        back = commands.name(actor, user_id=keeper.pk, phone="1", since=TODAY, reason="产假期满")
    assert back.trained_on == TODAY - timedelta(days=9)
    assert queries.training_of(back.since, back.trained_on) == "before"


def test_the_list_costs_the_same_however_many_schools(
    place: Place, django_assert_max_num_queries: Any
) -> None:
    client = as_(place, "province_clerk", "province")
    client.get(PAGE)
    with django_assert_max_num_queries(9):
        page = client.get(PAGE, {"q": place.org("a1").name})
    assert place.org("a1").name in text_of(page) and place.org("b1").name not in text_of(page)
