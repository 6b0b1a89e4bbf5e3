"""The registration of seniors as a precondition of graduating, where the rules of the place say so."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.yearly.world import begin, fresh, graduates, items, pass_all, send

from xueji.registry.creation import commands, queries
from xueji.registry.creation.models import CreationList, Kind
from xueji.registry.yearly import commands as yearly
from xueji.registry.yearly.errors import YearlyError
from xueji.registry.yearly.models import GraduationList

pytestmark = pytest.mark.django_db
COHORT = 2023


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def under(place: Place, policy: str) -> None:
    with seeing_all():
        org = place.org("c1")
        org.policy = policy
        org.save(update_fields=["policy"])


def register(place: Place) -> None:
    with act_as(place.user("registrar", "c1")) as actor:
        n = len(queries.unsent(actor.org_id, Kind.SENIOR, cohort=COHORT))
        commands.send(actor, Kind.SENIOR, cohort=COHORT, expected=n)
    for _turn in range(9):
        with seeing_all():
            one = CreationList.objects.get()
            step = next((s for s in queries.steps(one.pk) if s.state == "current"), None)
        if step is None:
            return
        where = next(k for k, org in place.orgs.items() if org.pk == step.org_id)
        with act_as(place.user(step.role, where)) as actor:
            commands.decide(actor, one.pk, version=one.version)


def check(place: Place, row: GraduationList) -> None:
    with act_as(place.user("registrar", "c1")) as actor:
        yearly.check(actor, list_id=row.list_id)


@pytest.mark.capability("C-NUM-19", page="/yearly/lists/<id>/")
@pytest.mark.rule("XJ-GRA-01")
def test_who_is_not_registered_does_not_graduate_where_the_rules_say_so(client: Client) -> None:
    """A registrar of a senior school under a notice that ties the diploma to registration begins the list of the cohort:
    everybody is stopped, with the article and a link. The first page counts them too. She registers the cohort, the
    authority passes it, and after another look the list goes through.
    """
    place = make_county()
    under(place, "cn-65-notice")
    one, two = graduates(place, 2, school="c1", stage="S", cohort=COHORT)
    login(client, place.user("registrar", "c1"))
    assert "高中学生还没有注册 2 名" in text(client.get("/"))
    row = begin(place, school="c1", stage="S", cohort=COHORT)
    assert {items(row)[p].result for p in (one, two)} == {None}
    page = client.get(f"/yearly/lists/{row.list_id}/")
    assert "完成网上学籍注册的才能获得高中毕业证书" in text(page)
    assert "新疆 2011级普通高中学籍录入紧急通知" in text(page)
    assert f'href="/creation/senior/?cohort={COHORT}"' in page.content.decode()
    with (
        act_as(place.user("registrar", "c1")) as actor,
        pytest.raises(YearlyError, match="完成网上学籍注册的才能获得高中毕业证书"),
    ):
        yearly.set_result(actor, list_id=row.list_id, person_ids=[one], result=12, reason="学校研究决定")
    register(place)
    assert "高中学生还没有注册" not in text(client.get("/"))
    check(place, row)
    assert {items(row)[p].result for p in (one, two)} == {12}
    send(place, row, school="c1")
    pass_all(place, row, (("school_head", "c1"), ("county_clerk", "c"), ("county_head", "c")))
    assert fresh(row).status == "done"


def test_elsewhere_nobody_asks_for_the_registration(client: Client) -> None:
    place = make_county()
    (child,) = graduates(place, 1, school="c1", stage="S", cohort=COHORT)
    assert "高中学生还没有注册" not in text(login(client, place.user("registrar", "c1")).get("/"))
    row = begin(place, school="c1", stage="S", cohort=COHORT)
    assert items(row)[child].result == 12
