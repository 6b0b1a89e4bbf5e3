"""A transfer that begins or ends in a town is filed with its central school (备案), beside those who decide."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.chains import step
from tests.registry.changes.world import EIGHT, make_child, pass_all, send, transfer_draft

from xueji.ground.orgs.models import Org
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.model import Chain
from xueji.registry.changes import commands as cases
from xueji.registry.changes import queries
from xueji.registry.changes.models import Case, CaseStatus, CaseStep

pytestmark = pytest.mark.django_db

IN_COUNTY = (
    ("school_head", "a2"),
    ("registrar", "a1"),
    ("school_head", "a1"),
    ("county_clerk", "a"),
    ("county_head", "a"),
)


@pytest.fixture(autouse=True)
def filed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nation's chain, and the central schools of both sides told, where there are any."""
    own = PolicySet.chain_for

    def chain_for(policy: PolicySet, business: str, variant: str = "") -> Chain:
        chain = own(policy, business, variant)
        n = len(chain.steps)
        told = [
            step(n + i, side, "clerk", mode="file", optional=True)
            for i, side in enumerate(("central", "from_central"), start=1)
        ]
        return replace(chain, steps=(*chain.steps, *told))

    monkeypatch.setattr(PolicySet, "chain_for", chain_for)


def _into_town(place: Place, *schools: str) -> None:
    with seeing_all():
        central = place.org("central")
        for school in schools:
            pk = place.org(school).pk
            Org.objects.filter(pk=pk).update(parent=central, path=f"{central.path}{pk}/")


def _filings(case: Case) -> list[tuple[int, str, str]]:
    with seeing_all():
        return list(
            CaseStep.objects.filter(case=case, mode="file")
            .values_list("org_id", "state", "opinion")
            .order_by("seq")
        )


def _moved(place: Place, to: str, who: tuple[tuple[str, str], ...], name: str = "赵小满") -> Case:
    draft = transfer_draft(place, make_child(place, name=name), name=name, to=to)
    return pass_all(place, send(place, draft, ("registrar", to)), who)


@pytest.mark.capability("C-TRF-14", page="/cases/<id>/")
def test_between_two_schools_of_a_town_its_central_school_files_once_with_its_number() -> None:
    place = make_county()
    _into_town(place, "a1")
    case = _moved(place, "a2", IN_COUNTY)
    assert case.status == CaseStatus.DONE, "who is only told holds nothing up"
    central = place.org("central").pk
    assert _filings(case) == [(central, "informed", "")], "one filing for both schools"
    with act_as(place.user("central_clerk", "central")) as actor:
        assert queries.todo_count(actor) == 1
        cases.acknowledge(actor, case_id=case.pk, opinion="镇备字 2026-15 号")
        assert queries.todo_count(actor) == 0
    assert _filings(case) == [(central, "done", "镇备字 2026-15 号")]
    for school in ("a1", "a2"):
        page = login(Client(), place.user("registrar", school)).get(f"/cases/{case.pk}/").content.decode()
        assert "镇备字 2026-15 号" in page


@pytest.mark.capability("C-TRF-14")
def test_out_of_a_town_its_own_central_school_is_told_and_elsewhere_nobody() -> None:
    place = make_county()
    assert _filings(_moved(place, "b1", EIGHT)) == []
    _into_town(place, "a1")
    case = _moved(place, "b1", EIGHT, "钱小满")
    assert _filings(case) == [(place.org("central").pk, "informed", "")]
