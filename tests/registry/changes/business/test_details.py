"""Corrections of general information, and what a draft may try out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from tests.helpers import act_as, make_county, seeing_all
from tests.registry.changes.world import FOUR, correction_draft, identity, make_child, pass_all, send

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.policy import places
from xueji.ground.policy.library import PackFile, PolicyLibrary, shipped
from xueji.registry.changes import commands as cases
from xueji.registry.changes import queries
from xueji.registry.changes.business.details import DetailsForm
from xueji.registry.changes.errors import Blocked, CaseError
from xueji.registry.changes.models import Case, CaseStatus, CaseStep, LookupAttempt
from xueji.registry.enrolment.models import Event
from xueji.registry.people import queries as people
from xueji.registry.people.models import Person

pytestmark = pytest.mark.django_db


def _draft(place: Any, child: Any, **form: Any) -> Case:
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="correct", person_id=child)
        values = {"initiator": "家长", "reason": "搬家"} | form
        return cases.save_draft(actor, case_id=case.pk, form=values)


def _profile(place: Any, child: Any) -> dict[str, str]:
    with act_as(place.user("registrar", "a1")) as actor:
        return {f.key: f.value for f in people.profile(actor, child)}


@pytest.mark.capability("C-INF-01")
@pytest.mark.capability("C-INF-02")
def test_a_new_address_is_the_heads_to_allow_and_lies_sealed_until_then() -> None:
    place = make_county()
    child = make_child(place)
    address = "演示省青禾县东风路18号3单元"
    case = _draft(place, child, changes={"postcode": "099001"}, secret={"current_address": address})
    with seeing_all():
        row = Case.objects.get(pk=case.pk)
        assert address not in str(row.form)
        assert row.form["secret_masked"]["current_address"].endswith("****")
    case = send(place, case, ("registrar", "a1"))
    with seeing_all():
        assert [s.role for s in CaseStep.objects.filter(case=case).order_by("seq")] == [
            "registrar",
            "school_head",
        ]
    case = pass_all(place, case, (("school_head", "a1"),))
    assert case.status == CaseStatus.DONE
    held = _profile(place, child)
    assert held["postcode"] == "099001"
    assert held["current_address"].startswith(address[:6])
    with seeing_all():
        event = Event.objects.get(person_id=child, business="correct")
        assert event.detail["initiator"] == "家长"
        assert address not in str(event.detail)
        assert {d["label"] for d in event.detail["diff"]} == {"邮政编码", "现住址"}


@pytest.mark.capability("C-INF-03")
def test_what_the_place_leaves_to_the_authority_goes_up() -> None:
    place = make_county()
    child = make_child(place)
    case = send(place, _draft(place, child, changes={"ethnicity": "05"}), ("registrar", "a1"))
    assert case.variant == "authority"
    case = pass_all(place, case, FOUR)
    assert case.status == CaseStatus.DONE
    with seeing_all():
        assert Person.objects.get(pk=child).ethnicity == "05"


def test_nothing_to_change_or_nobody_who_asked_is_not_sent() -> None:
    place = make_county()
    case = _draft(place, make_child(place), initiator="")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked) as error:
        cases.submit(actor, case_id=case.pk)
    assert {"fields", "initiator"} <= {c.code for c in error.value.checks}


def test_the_form_hands_sensitive_values_over_to_be_sealed() -> None:
    place = make_county()
    case = _draft(place, make_child(place))
    with seeing_all():
        form = DetailsForm(case, {"initiator": "家长", "to_phone": "13900001234", "to_postcode": "099002"})
        assert form.is_valid(), form.errors
        values = form.values()
    assert values["changes"] == {"postcode": "099002"}
    assert values["secret"] == {"phone": "13900001234"}
    assert not any(k.startswith("to_") for k in values)


def test_a_typed_number_can_be_taken_back() -> None:
    place = make_county()
    case = correction_draft(place, make_child(place), new_name="赵晓满", new_number=identity())
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.save_draft(
            actor, case_id=case.pk, form={"reason": "户口簿更正", "new_name": "赵晓满", "clear_number": True}
        )
    assert "new_number_masked" not in case.form
    assert case.sealed is None


def test_trying_numbers_out_in_a_draft_is_counted_audited_and_ends() -> None:
    place = make_county()
    held = [identity() for _n in range(11)]
    for number in held:
        make_child(place, name="钱多多", id_number=number)
    child = make_child(place)
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(actor, business="correct_key", person_id=child)
        for number in held[:10]:
            cases.save_draft(actor, case_id=case.pk, form={"reason": "更正", "new_number": number})
        cases.save_draft(actor, case_id=case.pk, form={"reason": "更正", "new_number": held[9]})
        with pytest.raises(CaseError, match="查询次数过多"):
            cases.save_draft(actor, case_id=case.pk, form={"reason": "更正", "new_number": held[10]})
    with seeing_all():
        assert LookupAttempt.objects.filter(user_id=place.user("registrar", "a1").pk).count() == 10


TIERS = """
[pack]
id = "cn-99-upper"
title = "某省普通高中"
tier = "province"
extends = "cn"
levels = ["S"]
version = "1"
[[source]]
id = "P"
title = "某省高中学籍规定"
authority = "norm-province"
[[param]]
id = "correct.authority_fields"
type = "set"
label = "报主管部门核准的一般信息"
delegates = "free"
[[param.value]]
value = ["邮政编码"]
force = "must"
cite = "P#1"
[[chain]]
id = "correct.authority"
business = "correct"
variant = "authority"
label = "高中信息变更"
delegates = "free"
days = "@correct.update_within"
cite = "P#1"
steps = [
  { side = "school", role = "clerk", label = "学校经办" },
  { side = "school", role = "head", label = "学校负责人" },
  { side = "authority", role = "clerk", label = "县经办" },
  { side = "authority", role = "head", label = "县负责人" },
  { side = "city", role = "clerk", label = "市经办" },
  { side = "city", role = "head", label = "市负责人" },
  { side = "province", role = "head", label = "省核准" },
]
"""


@pytest.mark.capability("C-CHG-03")
def test_a_place_sends_corrections_of_a_school_bound_to_its_pack_to_the_city_and_the_province(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = make_county()
    files = [PackFile("cn.toml", shipped().text_of("cn")), PackFile("upper.toml", TIERS)]
    packs = PolicyLibrary.from_files(files)
    monkeypatch.setattr(places, "library", lambda: packs)
    with transaction.atomic(), acting("writer"):
        Org.objects.filter(pk=place.org("a1").pk).update(policy="cn-99-upper")
    child = make_child(place)
    case = send(place, _draft(place, child, changes={"postcode": "099001"}), ("registrar", "a1"))
    before = _profile(place, child)["postcode"]
    case = pass_all(place, case, (*FOUR, ("city_clerk", "city1"), ("city_head", "city1")))
    assert case.status == CaseStatus.RUNNING
    assert _profile(place, child)["postcode"] == before != "099001"
    with act_as(place.user("city_head", "city1")) as actor:
        (row,) = [r for r in queries.listing(actor).rows if r.case_id == case.pk]
        assert row.step == "省核准"
    case = pass_all(place, case, (("province_head", "province"),))
    assert case.status == CaseStatus.DONE
    assert _profile(place, child)["postcode"] == "099001"
    # The other school of the county is bound to no such pack: its head decides alone.
    with act_as(place.user("registrar", "a2")):
        assert places.policy_for(place.org("a2"), case.submitted_at.date()).param(
            "correct.authority_fields"
        ).value != ["邮政编码"]
