"""Units and posts inside a school: who does what, and the person that a step of a case means."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, give_role, login, make_county, seeing_all
from tests.registry.changes.world import make_child, send, suspend_draft

from xueji.ground.accounts.roles import Role
from xueji.ground.posts import commands, queries
from xueji.ground.posts.errors import PostError
from xueji.ground.posts.models import Post, SchoolUnit

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
PAGE = "/posts/"


@pytest.fixture
def place() -> Place:
    return make_county()


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def as_(place: Place, role: str, where: str) -> Client:
    return login(Client(), place.user(role, where))


@pytest.mark.capability("C-ORG-10", page="/posts/")
def test_a_step_of_a_case_names_the_person_whose_post_takes_it(place: Place) -> None:
    """The registrar opens the school's units and says who holds which post; the deputy head leads the group.

    The school has two heads: a case that waits for the head names the one whose post takes that step, with the telephone of
    the post, on every party's page. When the post ends, it names the office's first holder again.
    """
    registrar, first = as_(place, "registrar", "a1"), place.user("school_head", "a1")
    second = place.user("teacher", "a1")
    give_role(second, Role.SCHOOL_HEAD, place.org("a1"))
    assert "还没有登记部门" in text_of(registrar.get(PAGE))
    for kind, name in (("lead", "学籍管理领导小组"), ("health", "卫生室"), ("office", "学籍管理办公室")):
        registrar.post(PAGE, {"do": "unit", "kind": kind, "name": name, "phone": "0990-1110000"})
    again = registrar.post(PAGE, {"do": "unit", "kind": "other", "name": "卫生室"})
    assert again.status_code == 422 and "已有部门“卫生室”" in text_of(again)
    with seeing_all():
        units = {u.kind: u.pk for u in SchoolUnit.objects.filter(org_id=place.org("a1").pk)}
    form = {"do": "post", "since": f"{TODAY}"}
    registrar.post(PAGE, form | {"unit": units["health"], "title": "校医", "name": "秦望舒"})
    done = registrar.post(
        PAGE,
        form
        | {
            "unit": units["lead"], "title": "副组长", "user": second.pk, "part": "school_head",
            "phone": "0990-1112222",
        },
        follow=True,
    )  # fmt: skip
    page = text_of(done)
    assert "秦望舒 没有账号" in page and "副组长" in page and "学校负责人环节" in page
    assert page.index("学籍管理领导小组") < page.index("学籍管理办公室") < page.index("卫生室")

    case = send(place, suspend_draft(place, make_child(place)), ("registrar", "a1"))
    for role, where in (("registrar", "a1"), ("county_clerk", "a")):
        shown = text_of(as_(place, role, where).get(f"/cases/{case.pk}/"))
        assert second.display_name in shown and "0990-1112222" in shown, role
        assert first.display_name not in shown
    with seeing_all():
        post = Post.objects.get(part="school_head", org_id=place.org("a1").pk)
    assert "任职已结束" in text_of(registrar.post(PAGE, {"do": "end", "id": post.pk}, follow=True))
    shown = text_of(as_(place, "county_clerk", "a").get(f"/cases/{case.pk}/"))
    assert first.display_name in shown and "0990-1112222" not in shown
    assert "部门已撤销" in text_of(registrar.post(PAGE, {"do": "close", "id": units["lead"]}, follow=True))
    kept = text_of(registrar.post(PAGE, {"do": "close", "id": units["health"]}, follow=True))
    assert "还有在岗人员" in kept


def test_a_part_goes_to_one_person_who_has_the_role(place: Place) -> None:
    head, keeper = place.user("school_head", "a1"), place.user("registrar", "a1")
    other = place.user("teacher", "a1")
    with act_as(keeper) as actor:
        unit = commands.open_unit(actor, kind="office", name="学籍管理办公室")
        with pytest.raises(PostError, match="身份"):
            commands.appoint(actor, unit.pk, title="主任", user_id=other.pk, part="registrar", since=TODAY)
        with pytest.raises(PostError, match="身份"):
            commands.appoint(actor, unit.pk, title="主任", name="没有账号", part="registrar", since=TODAY)
        with pytest.raises(PostError, match="人员"):
            commands.appoint(
                actor, unit.pk, title="主任", user_id=place.user("registrar", "a2").pk, since=TODAY
            )
        with pytest.raises(PostError, match="任职日期"):
            commands.appoint(actor, unit.pk, title="主任", name="甲", since=TODAY + timedelta(days=99))
        first = commands.appoint(
            actor, unit.pk, title="主任", user_id=keeper.pk, part="registrar", since=TODAY
        )
    give_role(other, Role.REGISTRAR, place.org("a1"))
    with act_as(head) as actor:
        commands.appoint(actor, unit.pk, title="干事", user_id=other.pk, part="registrar", since=TODAY)
        held = {p.name: p.part for _unit, posts in queries.units(place.org("a1").pk) for p in posts}
    assert held == {keeper.display_name: "", other.display_name: "registrar"}
    with seeing_all(), pytest.raises(IntegrityError), transaction.atomic():
        Post.objects.filter(pk=first.pk).update(part="registrar")


def test_a_school_sets_its_own_units_alone(place: Place) -> None:
    with act_as(place.user("registrar", "a1")) as actor:
        unit = commands.open_unit(actor, kind="grade", name="一年级组")
        post = commands.appoint(actor, unit.pk, title="组长", name="甲", since=TODAY)
    with act_as(place.user("registrar", "a2")) as actor:
        assert queries.units(place.org("a1").pk) == []
        for do in (
            lambda: commands.close_unit(actor, unit.pk),
            lambda: commands.appoint(actor, unit.pk, title="组长", name="乙", since=TODAY),
            lambda: commands.end(actor, post.pk),
        ):
            with pytest.raises(Http404):
                do()
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(PermissionDenied):
        commands.open_unit(actor, kind="grade", name="二年级组")


@pytest.mark.parametrize(("role", "where"), [("class_teacher", "a1"), ("county_head", "a"), ("parent", "")])
def test_who_may_not_is_refused(place: Place, role: str, where: str) -> None:
    client = as_(place, role, where)
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"do": "unit", "kind": "other", "name": "x"}).status_code == 403
