"""Facts in the sheet of a package are understood as the import understands them, or put aside with the reason."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, seeing_all
from tests.registry.changes.world import identity

from xueji.registry.changes import commands as changes
from xueji.registry.changes.models import Case
from xueji.registry.offline import commands
from xueji.registry.offline.errors import OfflineError
from xueji.registry.people.models import Person

from .test_offline import OFFICE, back_of, children, filled, found_in, pack


@pytest.mark.parametrize(
    ("head", "field", "typed", "kept"),
    [
        ("出生日期", "birth_date", "2019/05/06", "2019-05-06"),
        ("出生日期", "birth_date", "2019年5月6日", "2019-05-06"),
        ("出生日期", "birth_date", 43591, "2019-05-06"),
        ("性别", "sex", "2", "2"),
        ("姓名", "name", "离线 炳", "离线炳"),
    ],
)
def test_a_fact_in_any_notation_begins_a_case_that_opens(
    place: Place, client: Client, head: str, field: str, typed: Any, kept: str
) -> None:
    enrol(place, name="离线甲", sex="1", birth=date(2019, 3, 4))
    package, data = pack(place)
    back = back_of(place, package, filled(data, {"离线甲": {head: typed}}))
    one = found_in(back)[("离线甲", field)]
    assert (one.kind, one.there) == ("case", "女" if field == "sex" else kept)
    office = login(client, place.user(*OFFICE))
    page = office.post(f"/offline/returns/{back.pk}/settle/", {"take": one.pk}, follow=True)
    assert page.redirect_chain[-1][0].startswith("/cases/")
    assert page.status_code == 200
    with seeing_all():
        assert Case.objects.get().form[f"new_{field}"] == kept


def test_the_same_fact_in_another_notation_is_no_change(place: Place) -> None:
    person = enrol(place, name="离线甲", sex="2", birth=date(2019, 5, 6))
    package, data = pack(place)
    back = back_of(
        place,
        package,
        filled(data, {"离线甲": {"出生日期": "2019年5月6日", "性别": "女性", "姓名": " 离线甲 "}}),
    )
    assert found_in(back) == {}
    assert back.counts["unchanged"] == 1
    with seeing_all():
        assert Person.objects.get(pk=person).birth_date == date(2019, 5, 6)


@pytest.mark.parametrize(
    ("head", "field", "typed", "why"),
    [
        ("出生日期", "birth_date", "2019年13月6日", "日期"),
        ("出生日期", "birth_date", "五月", "日期"),
        ("性别", "sex", "未知", "性别"),
        ("姓名", "name", "离线2", "数字"),
        ("身份证件号", "id_number", "12345", "位"),
        ("身份证件号", "id_number", "11010120190304123*", "星号"),
    ],
)
def test_a_fact_that_cannot_be_understood_is_put_aside_with_the_reason(
    place: Place, head: str, field: str, typed: str, why: str
) -> None:
    children(place, 1)
    package, data = pack(place)
    back = back_of(place, package, filled(data, {"离线甲": {head: typed}}))
    (one,) = found_in(back).values()
    assert (one.kind, one.field) == ("fault", field)
    assert why in one.there
    with act_as(place.user(*OFFICE)) as actor:
        with pytest.raises(OfflineError, match="不能采用离线表"):
            commands.settle(actor, back.pk, [one.pk], "take")
        assert commands.settle(actor, back.pk, [one.pk], "keep", "抄错").finished
    # What was put aside never becomes the base: it is told again.
    again = back_of(place, package, filled(data, {"离线甲": {head: typed, "特长": "书法"}}))
    assert found_in(again)[("离线甲", field)].kind == "fault"


def test_a_whole_number_is_kept_as_it_is_stored(place: Place) -> None:
    children(place, 1)
    package, data = pack(place)
    number = identity(date(2019, 3, 4))
    back = back_of(
        place, package, filled(data, {"离线甲": {"身份证件号": f" {number[:6]} {number[6:].lower()}"}})
    )
    one = found_in(back)[("离线甲", "id_number")]
    assert one.kind == "case"
    assert number not in one.there
    assert "*" in one.there


def test_what_the_business_would_not_take_begins_no_case(place: Place, client: Client) -> None:
    (person,) = children(place, 1)
    package, data = pack(place)
    back = back_of(place, package, filled(data, {"离线甲": {"姓名": "离线炳"}}))
    with act_as(place.user(*OFFICE)) as actor:
        draft = changes.start(actor, business="correct_key", person_id=person)
        changes.save_draft(actor, case_id=draft.case_id, form={"new_birth_date": "五月"})
        with pytest.raises(OfflineError, match="填写日期"):
            commands.settle(actor, back.pk, [found_in(back)[("离线甲", "name")].pk], "take")
    assert found_in(back)[("离线甲", "name")].decision == "open"
    # A draft that holds such a date all the same opens, so that it can be put right.
    assert login(client, place.user(*OFFICE)).get(f"/cases/{draft.case_id}/").status_code == 200
