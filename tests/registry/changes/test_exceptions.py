"""Stated exceptions of 一般 rules, what an outage kept on paper, and asking the rules again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.world import (
    FOUR,
    attach,
    correction_draft,
    make_child,
    pass_all,
    send,
    suspend_draft,
)

from xueji.ground.paths import data_dir
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.library import PackFile, PolicyLibrary, pack_paths
from xueji.registry.changes import commands as cases
from xueji.registry.changes import page as pages
from xueji.registry.changes import queries, routing
from xueji.registry.changes.errors import Blocked, CaseError
from xueji.registry.changes.models import Case, CaseLog, CaseStatus
from xueji.registry.enrolment import commands as enrolment_commands
from xueji.registry.enrolment import queries as chains

pytestmark = pytest.mark.django_db

RULE = """
[[rule]]
id = "T-%(force)s"
on = ["suspend.apply"%(effect)s]
need = { cmp = ["$case.reason", "==", "因病"] }
else = "block"
force = "%(force)s"
cite = "D1#12"
phrase = "测试条款"
message = "一般只因病休学"
"""


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.fixture
def ruled(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put one more rule into the pack of the province, of a force."""

    def put(force: str, effect: bool = False) -> None:
        folder = data_dir("policies")
        more = RULE % {"force": force, "effect": ', "suspend.effect"' if effect else ""}
        files = [
            PackFile(
                str(Path(path).relative_to(folder)),
                path.read_text("utf-8") + (more if path.name == "cn-99.toml" else ""),
            )
            for path in pack_paths(folder)
        ]
        packs = PolicyLibrary.from_files(files)

        def policy_for(unit: object, on: object) -> PolicySet:
            return packs.resolve(packs.ids_for(unit.division), on)  # type: ignore[attr-defined,arg-type]

        monkeypatch.setattr(routing, "policy_for", policy_for)

    return put


def draft(place: Place) -> Case:
    return suspend_draft(place, make_child(place))


@pytest.mark.capability("C-CHG-10")
def test_a_rule_of_force_general_is_overridden_with_a_reason_that_everybody_sees(
    place: Place, ruled: Callable[..., None]
) -> None:
    ruled("general", effect=True)
    case = draft(place)
    with act_as(place.user("registrar", "a1")) as actor:
        report, _chain = cases.preflight(actor, case_id=case.pk)
        (line,) = [c for c in report.checks if c.code == "T-general"]
        assert line.stops and line.overridable
        with pytest.raises(Blocked):
            cases.submit(actor, case_id=case.pk)
        with pytest.raises(CaseError, match="写明理由"):
            cases.submit(actor, case_id=case.pk, overrides={"T-general": "急"})
        with pytest.raises(CaseError, match="不能例外"):
            cases.submit(actor, case_id=case.pk, overrides={"NAT-ROL-06": "没有理由也想办"})
        case = cases.submit(actor, case_id=case.pk, overrides={"T-general": "家中遭灾, 经校务会研究"})
    with act_as(place.user("county_clerk", "a")) as actor:
        page = pages.load(actor, case.pk)
        assert any("家中遭灾" in e["text"] for e in page.log)
        assert any("家中遭灾" in c["sentence"] or c.get("overridden") for c in page.checks)
        assert case.overrides["T-general"]["by"] == place.user("registrar", "a1").display_name
    case = pass_all(place, case, FOUR)
    assert case.status == CaseStatus.DONE, "the exception holds at the effect as well"


def test_a_strong_rule_is_never_overridden(place: Place, ruled: Callable[..., None]) -> None:
    ruled("must")
    case = draft(place)
    with act_as(place.user("registrar", "a1")) as actor:
        report, _chain = cases.preflight(actor, case_id=case.pk)
        assert not next(c for c in report.checks if c.code == "T-must").overridable
        with pytest.raises(CaseError, match="不能例外"):
            cases.submit(actor, case_id=case.pk, overrides={"T-must": "家中遭灾, 经校务会研究"})


# --- after an outage ---------------------------------------------------------------------------------------------


def backfilled(place: Place, days: int = 20) -> Case:
    child = make_child(place)
    on = timezone.localdate() - timedelta(days=days)
    with act_as(place.user("registrar", "a1")) as actor:
        case = cases.start(
            actor,
            business="suspend",
            person_id=child,
            retrospective=True,
            happened_on=on,
            outage_reason="系统停机期间在纸上办理",
        )
        form = {
            "reason": "因事",
            "start": on.isoformat(),
            "end": on.replace(year=on.year + 1).isoformat(),
        }
        cases.save_draft(actor, case_id=case.pk, form=form)
    attach(place, case, "休学申请", by=("registrar", "a1"))
    return case


@pytest.mark.capability("C-CHG-11")
@pytest.mark.rule("NAT-SCO-02")
def test_what_was_done_on_paper_takes_effect_from_its_true_day_after_approval(place: Place) -> None:
    case = backfilled(place)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(Blocked, match="没有通过") as error:
        cases.submit(actor, case_id=case.pk)
    assert "线下办理凭证" in error.value.checks[0].sentence
    attach(place, case, "线下办理凭证", by=("registrar", "a1"))
    case = send(place, case, ("registrar", "a1"))
    assert (case.facts["case.channel"], case.facts["case.system_failure"]) == ("backfilled", True)
    case = pass_all(place, case, FOUR)
    on = timezone.localdate() - timedelta(days=20)
    assert (case.status, case.effective_on) == (CaseStatus.DONE, on)
    assert case.person_id is not None
    with act_as(place.user("registrar", "a1")):
        assert timezone.localdate(chains.chain(case.person_id)[-1].valid_from) == on
        assert "停机" in CaseLog.objects.get(case=case, action="start").text


@pytest.mark.capability("C-CHG-11")
def test_the_true_day_lies_behind_but_not_too_far_and_needs_a_reason(place: Place) -> None:
    child = make_child(place)
    today = timezone.localdate()
    with act_as(place.user("registrar", "a1")) as actor:
        for on, why in ((today + timedelta(days=1), "系统停机"), (today - timedelta(days=91), "系统停机")):
            with pytest.raises(CaseError, match="补录要填写实际办理日期"):
                cases.start(
                    actor,
                    business="suspend",
                    person_id=child,
                    retrospective=True,
                    happened_on=on,
                    outage_reason=why,
                )
        with pytest.raises(CaseError, match="写明理由"):
            cases.start(actor, business="suspend", person_id=child, retrospective=True, happened_on=today)
    with act_as(place.user("school_head", "a1")) as actor, pytest.raises(PermissionDenied):
        cases.start(
            actor,
            business="suspend",
            person_id=child,
            retrospective=True,
            happened_on=today,
            outage_reason="系统停机期间在纸上办理",
        )


def test_an_outage_is_no_way_round_a_later_change(place: Place) -> None:
    case = backfilled(place, days=90)  # before the child was enrolled
    attach(place, case, "线下办理凭证", by=("registrar", "a1"))
    case = send(place, case, ("registrar", "a1"))
    pass_all(place, case, FOUR[:-1])
    with (
        act_as(place.user("county_head", "a")) as actor,
        pytest.raises(CaseError, match="早于该生上一次变动"),
    ):
        cases.decide(actor, case_id=case.pk, decision="pass")


# --- asking again ------------------------------------------------------------------------------------------------


@pytest.mark.capability("C-CHG-10")
def test_the_rules_asked_again_give_the_same_answer_from_what_the_case_keeps(place: Place) -> None:
    child = make_child(place)
    case = send(place, correction_draft(place, child, new_name="赵晓满"), ("registrar", "a1"))
    pass_all(place, case, FOUR)
    with act_as(place.user("county_clerk", "a")) as actor:
        again = queries.reevaluate(actor, case.pk)
        assert again.known and again.same and again.findings
        assert not again.differences
    with seeing_all():
        row = Case.objects.get(pk=case.pk)
        row.facts = row.facts | {"case.docs": []}
        row.save()
    with act_as(place.user("county_clerk", "a")) as actor:
        again = queries.reevaluate(actor, case.pk)
        assert again.known and not again.same
        assert again.differences[0]["before"] != again.differences[0]["after"]
    with seeing_all():
        Case.objects.filter(pk=case.pk).update(packs="0" * 64)
    with act_as(place.user("county_clerk", "a")) as actor:
        assert not queries.reevaluate(actor, case.pk).known


def test_the_effect_knows_who_decided_in_order(place: Place) -> None:
    case = pass_all(place, send(place, draft(place), ("registrar", "a1")), FOUR)
    decided = case.effect["facts"]["case.decided_by"]
    assert decided.index("校长") < decided.index("县级教育行政部门")
    assert "case.decided_by" not in case.facts


# --- on the page -------------------------------------------------------------------------------------------------


def test_the_draft_offers_an_exception_and_keeps_what_was_typed(
    place: Place, ruled: Callable[..., None], client: Client
) -> None:
    ruled("general")
    case = draft(place)
    login(client, place.user("registrar", "a1"))
    page = client.get(f"/cases/{case.pk}/").content.decode()
    assert 'name="why_T-general"' in page
    values = {k: v for k, v in case_form(case).items() if v}
    part = client.post(
        f"/cases/{case.pk}/save/", values | {"why_T-general": "家中遭灾"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert 'value="家中遭灾"' in part
    done = client.post(
        f"/cases/{case.pk}/save/", values | {"then": "submit", "why_T-general": "家中遭灾, 经校务会研究"}
    )
    assert done.status_code == 303
    with seeing_all():
        row = Case.objects.get(pk=case.pk)
        assert row.status == CaseStatus.RUNNING
        assert row.overrides["T-general"]["reason"] == "家中遭灾, 经校务会研究"


@pytest.mark.capability("C-CHG-11")
def test_a_draft_becomes_the_record_of_what_an_outage_kept_on_paper(place: Place, client: Client) -> None:
    case = draft(place)
    login(client, place.user("registrar", "a1"))
    assert "系统故障期间已在纸上办理" in client.get(f"/cases/{case.pk}/").content.decode()
    on = timezone.localdate() - timedelta(days=3)
    wrong = client.post(
        f"/cases/{case.pk}/outage/", {"happened_on": "x", "reason": "系统停机期间办理"}, follow=True
    )
    assert "补录要填写实际办理日期" in wrong.content.decode()
    done = client.post(
        f"/cases/{case.pk}/outage/",
        {"happened_on": on.isoformat(), "reason": "系统停机期间在纸上办理"},
        follow=True,
    ).content.decode()
    assert "系统停机期间在纸上办理" in done
    assert "线下办理凭证" in done


def case_form(case: Case) -> dict[str, str]:
    with seeing_all():
        return {k: str(v) for k, v in Case.objects.get(pk=case.pk).form.items() if isinstance(v, str)}


def test_a_case_that_nobody_woke_goes_on_with_the_next_round(place: Place) -> None:
    child = make_child(place)
    with seeing_all():
        enrolment_commands.set_problem(child, True)
    case = send(place, suspend_draft(place, child), ("registrar", "a1"))
    assert cases.tend() == 0
    with seeing_all():
        enrolment_commands.set_problem(child, False)
    assert cases.tend() == 1
    with seeing_all():
        assert Case.objects.get(pk=case.pk).status == CaseStatus.RUNNING
