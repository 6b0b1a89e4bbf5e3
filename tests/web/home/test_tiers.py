"""The optional tier between school and county: a central school, a town office, a school district."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, give_role, login, make_county, seeing_all
from tests.registry.changes.world import make_child

from xueji.ground.accounts.models import RoleAssignment
from xueji.ground.accounts.roles import Role
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.orgs import commands as orgs
from xueji.ground.orgs.models import Org, School
from xueji.ground.policy import epoch
from xueji.ground.policy.library import shipped
from xueji.registry.changes import commands as cases
from xueji.registry.changes.models import Case, CaseStatus, CaseStep

pytestmark = pytest.mark.django_db

#: The county's own order for suspensions: what the tier does is the only line that differs.
CHAIN = """
[[chain]]
id = "suspend.town"
business = "suspend"
label = "休学(经镇教办)"
delegates = "free"
days = "@suspend.party_days"
cite = "E1#2"
phrase = "小学每班一般不超过45人"
steps = [
  {{ side = "school", role = "clerk", label = "学校经办" }},
  {{ side = "central", role = "clerk", label = "{label}", mode = "{mode}", optional = true }},
  {{ side = "authority", role = "clerk", label = "主管部门经办" }},
]
"""


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.fixture(autouse=True)
def shipped_rules_afterwards() -> Iterator[None]:
    yield
    epoch.seen("")


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def tier(place: Place, name: str = "青禾县南河镇教办") -> Org:
    """The system's administrator adds the tier and puts school a1 below it, on the pages."""
    admin = login(Client(), place.user("system_admin", "province"))
    made = admin.post(
        f"/orgs/{place.org('a').pk}/new/", {"kind": "central", "code": "990101NH", "name": name}
    )
    assert made.status_code == 302, text_of(made)[-2000:]
    unit = Org.objects.get(code="990101NH")
    school = place.org("a1")
    form = text_of(admin.get(f"/orgs/{school.pk}/edit/"))
    assert name in form and place.org("central").name in form and place.org("b").name not in form
    done = admin.post(
        f"/orgs/{school.pk}/edit/",
        {"short_name": "第一小学", "phone": "0990-5550000", "contact": "教导处", "parent_id": unit.pk},
        follow=True,
    )
    assert "单位信息已修改" in text_of(done) and f"{name}" in text_of(done)
    return unit


def test_where_there_is_no_tier_the_form_of_a_school_asks_for_no_superior(place: Place) -> None:
    admin = login(Client(), place.user("system_admin", "province"))
    assert "上级单位" not in text_of(admin.get(f"/orgs/{place.org('b1').pk}/edit/"))
    assert "上级单位" in text_of(admin.get(f"/orgs/{place.org('a1').pk}/edit/"))


def test_what_lies_above_is_read_and_offers_no_change(place: Place) -> None:
    with transaction.atomic(), acting("writer"):
        RoleAssignment.objects.filter(user=place.user("system_admin", "province")).update(org=place.org("a"))
    admin = login(Client(), place.user("system_admin", "province"))
    above, own = (text_of(admin.get(f"/orgs/{place.org(key).pk}/")) for key in ("province", "a"))
    assert "修改</a>" not in above and "新增下级单位" not in above
    assert "修改</a>" in own and "新增下级单位" in own


def orders(place: Place, label: str, mode: str) -> None:
    """The county proposes its order of deciding and its head puts it into force, on the pages."""
    clerk = login(Client(), place.user("county_clerk", "a"))
    text = shipped().text_of("cn-99-0101") + CHAIN.format(label=label, mode=mode)
    sent = clerk.post(
        "/rules/versions/new/",
        {"text": text, "effective_on": timezone.localdate().isoformat(), "note": "按演县教〔2026〕7号"},
    )
    assert sent.status_code == 302, text_of(sent)[-3000:]
    head = login(Client(), place.user("county_head", "a"))
    assert "已批准" in text_of(head.post(sent["Location"] + "approve/", {"opinion": "同意"}, follow=True))


def suspend(place: Place, school: str, name: str) -> Case:
    child = make_child(place, school=school, name=name)
    today = timezone.localdate()
    with act_as(place.user("registrar", school)) as actor:
        case = cases.start(actor, business="suspend", person_id=child)
        form = {"reason": "因事", "start": f"{today}", "end": f"{today.replace(year=today.year + 1)}"}
        cases.save_draft(actor, case_id=case.pk, form=form)
        cases.attach(actor, case_id=case.pk, slot="休学申请", data=b"%PDF-1.4\n%%EOF", name="a.pdf")
        return cases.submit(actor, case_id=case.pk)


def steps(case: Case) -> list[tuple[str, str]]:
    with seeing_all():
        return list(CaseStep.objects.filter(case=case).order_by("seq").values_list("role", "mode"))


@pytest.mark.capability("C-ORG-02", page="/orgs/{id}/edit/")
def test_the_same_business_runs_over_three_tiers_or_two_depending_on_the_school(place: Place) -> None:
    """The administrator adds a town office and puts one school below it; the county orders that it checks first.

    A suspension of that school waits for the office, then for the county; one of a school without it goes straight on.
    The office sees its schools and what waits, and nobody else's.
    """
    unit = tier(place)
    with seeing_all():
        Org.objects.filter(pk=place.org("a2").pk).update(
            parent=place.org("a"), path=f"{place.org('a').path}{place.org('a2').pk}/"
        )
    officer = place.user("central_clerk", "central")
    role = give_role(officer, Role.CENTRAL_CLERK, unit)
    orders(place, "镇教办初审", "approve")

    case, other = suspend(place, "a1", "赵小满"), suspend(place, "a2", "钱小雨")
    assert [r for r, _m in steps(case)] == ["registrar", "central_clerk", "county_clerk"]
    assert [r for r, _m in steps(other)] == ["registrar", "county_clerk"]

    office = login(Client(), officer, role)
    page = text_of(office.get(f"/cases/{case.pk}/"))
    assert "镇教办初审" in page and place.org("a1").name in page
    assert office.get(f"/cases/{other.pk}/").status_code == 404
    assert place.org("a1").name in text_of(office.get("/orgs/"))
    assert place.org("a2").name not in text_of(office.get("/orgs/"))
    with (
        act_as(place.user("county_clerk", "a")) as actor,
        pytest.raises(PermissionDenied, match="还没有轮到您"),
    ):
        cases.decide(actor, case_id=case.pk, decision="pass")
    with act_as(officer, role) as actor:
        cases.decide(actor, case_id=case.pk, decision="pass")
    with act_as(place.user("county_clerk", "a")) as actor:
        assert cases.decide(actor, case_id=case.pk, decision="pass").status == CaseStatus.DONE


@pytest.mark.capability("C-ORG-02")
def test_where_it_only_files_nothing_waits_for_it_and_it_acknowledges_with_its_number(place: Place) -> None:
    unit = tier(place)
    role = give_role(place.user("central_clerk", "central"), Role.CENTRAL_CLERK, unit)
    orders(place, "报镇教办备案", "file")
    case = suspend(place, "a1", "赵小满")
    assert steps(case) == [("registrar", "approve"), ("central_clerk", "file"), ("county_clerk", "approve")]
    with act_as(place.user("county_clerk", "a")) as actor:
        assert cases.decide(actor, case_id=case.pk, decision="pass").status == CaseStatus.DONE
    with act_as(place.user("central_clerk", "central"), role) as actor:
        cases.acknowledge(actor, case_id=case.pk, opinion="镇备字 2026-3 号")
    with seeing_all():
        assert CaseStep.objects.get(case=case, mode="file").opinion == "镇备字 2026-3 号"


def test_a_school_goes_back_under_its_authority_and_never_to_another(place: Place) -> None:
    tier(place)
    admin = login(Client(), place.user("system_admin", "province"))
    school, url = place.org("a1"), f"/orgs/{place.org('a1').pk}/edit/"
    form = {"short_name": "第一小学", "phone": "", "contact": ""}
    assert admin.post(url, form | {"parent_id": place.org("b").pk}).status_code == 422
    assert admin.post(url, form | {"parent_id": place.org("a").pk}).status_code == 302
    school.refresh_from_db()
    assert school.path == f"{place.org('a').path}{school.pk}/"
    with transaction.atomic(), acting("audit"):
        moves = AuditEntry.objects.filter(action="orgs.change", object_id=str(school.pk)).count()
    assert moves == 2, "both moves are on record"
    central = f"/orgs/{place.org('central').pk}/edit/"
    assert 'name="parent_id"' not in text_of(admin.get(central)), "an authority or a tier stays where it is"
    assert admin.post(central, {"short_name": "东乡", "phone": "1", "contact": "办公室"}).status_code == 302


def test_a_school_of_the_city_is_never_put_under_one_of_its_counties(place: Place) -> None:
    """The page offers no county; neither does the command take one, whose staff would see the school by its place."""
    school, city = place.org("a1"), place.org("city1")
    with seeing_all():
        Org.objects.filter(pk=school.pk).update(parent=city, path=f"{city.path}{school.pk}/")
        School.objects.filter(pk=school.pk).update(county=city)
    with act_as(place.user("system_admin", "province")) as actor:
        with pytest.raises(orgs.OrgError, match="同一学籍主管部门"):
            orgs.change_org(actor, school.pk, short_name="第一小学", parent_id=place.org("a").pk)
        orgs.change_org(actor, school.pk, short_name="第一小学", parent_id=city.pk)
    school.refresh_from_db()
    assert school.path == f"{city.path}{school.pk}/"


@pytest.mark.parametrize(
    ("role", "where"), [("registrar", "a1"), ("central_clerk", "central"), ("county_head", "a")]
)
def test_only_the_administrator_changes_the_tree(place: Place, role: str, where: str) -> None:
    client = login(Client(), place.user(role, where))
    url = f"/orgs/{place.org('a1').pk}/edit/"
    assert client.get(url).status_code == 403
    assert client.post(url, {"short_name": "x", "parent_id": place.org("central").pk}).status_code == 403
    assert (
        "修改"
        not in text_of(client.get(f"/orgs/{place.org('a1').pk}/")).split("xj-facts")[0].split("<main")[-1]
    )
