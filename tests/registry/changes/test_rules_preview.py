"""What a proposed version of rules would mean for cases under way: the same facts, asked by both versions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.ground.policy.test_policy_versions import county_text
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import make_child, send, suspend_draft, transfer_draft

from xueji.ground.policy import commands, places, staging, versions
from xueji.ground.policy.library import library
from xueji.registry.changes.models import Case, CaseLog
from xueji.registry.changes.preview import Preview, preview

pytestmark = pytest.mark.django_db


def previewed(place: Place, text: str, unit: str = "a") -> Preview:
    with act_as(place.user("county_clerk", "a")):
        checked = staging.check(place.org("a"), text, timezone.localdate())
        return preview(place.org(unit), checked.before, checked.after, checked.start)


def running(place: Place) -> tuple[Case, Case]:
    """A transfer into a2 and a suspension at a1, both under way."""
    one = send(place, transfer_draft(place, make_child(place), to="a2"), ("registrar", "a2"))
    other = make_child(place, name="钱多多")
    two = send(place, suspend_draft(place, other), ("registrar", "a1"))
    return one, two


def test_the_cases_that_would_be_judged_differently_are_named_and_counted() -> None:
    place = make_county()
    case, _other = running(place)
    today = timezone.localdate().isoformat()
    found = previewed(place, county_text(0, today))
    assert (found.open, found.asked, found.differ, found.stopped, found.freed) == (2, 2, 1, 1, 0)
    (row,) = found.rows
    assert (row.number, row.before, row.after) == (case.number, True, False)
    (change,) = row.changes
    assert change.rule == "DEMO-CLS-01" and "见《演示县关于2027年秋季班额的通知(虚构)》第一条" in change.after
    assert "赵小满" not in str(found), "numbers and units, no names"


def test_a_version_that_changes_nothing_for_them_touches_no_case() -> None:
    place = make_county()
    running(place)
    found = previewed(place, county_text(44, timezone.localdate().isoformat()))
    assert (found.asked, found.differ, found.rows) == (2, 0, [])


def test_a_preview_reaches_the_units_below_and_no_other_and_writes_nothing() -> None:
    place = make_county()
    running(place)
    far = send(
        place,
        transfer_draft(place, make_child(place, name="孙小圣"), name="孙小圣", to="b1"),
        ("registrar", "b1"),
    )
    with seeing_all():
        before = (list(Case.objects.order_by("pk").values()), CaseLog.objects.count())
    text = county_text(0, timezone.localdate().isoformat())
    assert previewed(place, text, "b").open == 1
    assert previewed(place, text, "city1").open == 3
    found = previewed(place, text, "a")
    assert found.open == 2 and far.number not in {row.number for row in found.rows}
    with seeing_all():
        assert (list(Case.objects.order_by("pk").values()), CaseLog.objects.count()) == before


def test_many_cases_are_asked_with_a_handful_of_queries(django_assert_max_num_queries: object) -> None:
    place = make_county()
    running(place)
    with act_as(place.user("county_clerk", "a")):
        checked = staging.check(
            place.org("a"), county_text(0, timezone.localdate().isoformat()), timezone.localdate()
        )
        with django_assert_max_num_queries(5):  # type: ignore[operator]
            preview(place.org("a"), checked.before, checked.after, checked.start)


def test_the_page_of_a_proposal_shows_them_to_its_own_unit_alone() -> None:
    place = make_county()
    case, _other = running(place)
    with act_as(place.user("county_clerk", "a")) as actor:
        row = commands.stage(
            actor,
            text=county_text(0, timezone.localdate().isoformat()),
            effective_on=timezone.localdate(),
            note="试",
        )
    address = f"/rules/stages/{row.pk}/cases/"
    client = login(Client(), place.user("county_head", "a"))
    answer = client.get(address)
    assert answer.status_code == 200, answer.headers
    page = answer.content.decode()
    assert case.number and case.number in page and "变为不能办理" in page
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert case.number in part and "<html" not in part
    assert login(Client(), place.user("county_head", "b")).get(address).status_code == 404
    assert login(Client(), place.user("registrar", "a1")).get(address).status_code == 403


def test_a_case_is_decided_by_the_version_of_its_day_and_keeps_its_hash() -> None:
    place = make_county()
    case, _other = running(place)
    with act_as(place.user("county_clerk", "a")) as actor:
        row = commands.stage(
            actor,
            text=county_text(0, timezone.localdate().isoformat()),
            effective_on=timezone.localdate(),
            note="试",
        )
    with act_as(place.user("county_head", "a")) as actor:
        commands.approve(actor, stage_id=row.pk)
    with act_as(place.user("registrar", "a2")):
        with seeing_all():
            kept = Case.objects.get(pk=case.pk)
        today = timezone.localdate()
        assert places.policy_for(place.org("a2"), today).hash != kept.packs
        facts = {k: v for k, v in kept.facts.items() if k != "today"}
        again = versions.at(kept.packs, today).evaluate("transfer.apply", facts, today)
        rules = {f["rule"]: f["verdict"] for f in kept.findings if "rule" in f}
        assert {f.rule: f.verdict for f in again.findings} == rules
        assert library().on(today + timedelta(days=1)).pack("cn-99-0101").sha256 == row.sha256
