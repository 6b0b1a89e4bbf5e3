"""Versions in the database: proposed by one, approved by another, in force on their day, found again by hash."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import InternalError, ProgrammingError, connection, transaction
from django.http import Http404
from tests.helpers import Place, act_as, make_county

from xueji.ground.accounts.actor import enter
from xueji.ground.db.scope import acting
from xueji.ground.policy import bootstrap, commands, epoch, places, queries, staging, versions
from xueji.ground.policy.commands import StageError
from xueji.ground.policy.engine import evaluate
from xueji.ground.policy.library import PackFile, PolicyLibrary, library, shipped
from xueji.ground.policy.model import PackError
from xueji.ground.policy.models import PolicyActivation, PolicyStage, PolicyVersion

TODAY = date(2026, 11, 22)
NEXT = date(2027, 9, 1)
FACTS = {"student.stage": "P", "class.size_after": 43}
COUNTY = "cn-99-0101"
SOURCE = """
[[source]]
id = "E2"
title = "演示县关于2027年秋季班额的通知(虚构)"
authority = "notice-county"
"""


def county_text(cap: int = 40, start: str = "2027-09-01", tail: str = "") -> str:
    """The demonstration county's pack with another class size from a day on."""
    old = 'cite = "E1#2"\nphrase = "小学每班一般不超过45人"\n'
    value = (
        f'[[param.value]]\nvalue = {cap}\nfrom = {start}\nforce = "general"\n'
        f'cite = "E2#1"\nphrase = "小学每班不超过{cap}人"\n'
    )
    text = shipped().text_of(COUNTY)
    assert old in text
    return text.replace(old, old + value, 1) + SOURCE + tail


@pytest.fixture
def place(db: None) -> Place:
    return make_county()


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *_a, **_k: TODAY)


def stage(
    place: Place, text: str, start: date = TODAY, who: tuple[str, str] = ("county_clerk", "a")
) -> PolicyStage:
    with act_as(place.user(*who)) as actor:
        return commands.stage(actor, text=text, effective_on=start, note="按演县教〔2027〕3号")


def approve(place: Place, row: PolicyStage, who: tuple[str, str] = ("county_head", "a")) -> PolicyStage:
    with act_as(place.user(*who)) as actor:
        return commands.approve(actor, stage_id=row.pk)


def verdict(place: Place, key: str, day: date) -> str:
    finding = evaluate(places.policy_for(place.org(key), day), "transfer.apply", FACTS, day).finding(
        "DEMO-CLS-01"
    )
    assert finding is not None
    return finding.verdict


def test_a_version_holds_for_its_place_after_a_second_person_has_approved_it(place: Place) -> None:
    row = stage(place, county_text())
    assert verdict(place, "a1", NEXT) == "pass", "a proposal changes nothing"
    approve(place, row)
    with act_as(place.user("registrar", "a1")):
        assert verdict(place, "a1", NEXT) == "block"
        assert verdict(place, "a1", NEXT - timedelta(days=1)) == "pass"
        sentence = (
            evaluate(places.policy_for(place.org("a"), NEXT), "transfer.apply", FACTS, NEXT)
            .finding("DEMO-CLS-01")
            .sentence  # type: ignore[union-attr]
        )
    assert "《演示县关于2027年秋季班额的通知(虚构)》第一条" in sentence
    assert "不超过40人" in sentence


def test_a_version_begins_on_its_day_and_the_day_of_the_event_picks_it(place: Place) -> None:
    begins = TODAY + timedelta(days=30)
    approve(place, stage(place, county_text(42, "2026-10-01"), begins))
    with act_as(place.user("county_clerk", "a")):
        before = places.policy_for(place.org("a1"), TODAY)
        assert verdict(place, "a1", begins) == "block"
        assert verdict(place, "a1", begins - timedelta(days=1)) == "pass"
        # The same set of rules asked about a later event speaks for that day, and back.
        assert evaluate(before, "transfer.apply", FACTS, begins).finding("DEMO-CLS-01").verdict == "block"  # type: ignore[union-attr]
        after = before.at(begins)
        assert after.hash != before.hash
        assert after.at(TODAY).hash == before.hash
        assert library().on(begins).pack(COUNTY).sha256 != library().pack(COUNTY).sha256


def test_a_roll_back_is_a_new_version_and_history_stays(place: Place) -> None:
    approve(place, stage(place, county_text(42, "2026-10-01")))
    with act_as(place.user("county_clerk", "a")) as actor:
        assert verdict(place, "a1", TODAY) == "block"
        old = queries.version_text(actor, shipped().pack(COUNTY).sha256)
    approve(place, stage(place, old))
    with act_as(place.user("county_clerk", "a")):
        assert verdict(place, "a1", TODAY) == "pass"
        rows = queries.versions_of(COUNTY, library().pack(COUNTY).sha256)
    assert [row.now for row in rows] == [True, False]
    assert PolicyActivation.objects.count() == 2


def test_a_decided_case_is_answered_again_by_the_packs_of_its_hash(place: Place) -> None:
    with act_as(place.user("registrar", "a1")):
        policy = places.policy_for(place.org("a1"), TODAY)
        trace = evaluate(policy, "transfer.apply", FACTS, TODAY)
    approve(place, stage(place, county_text(42, "2026-10-01")))
    with act_as(place.user("registrar", "a1")):
        changed = places.policy_for(place.org("a1"), TODAY)
        assert changed.hash != trace.policy_hash
        newer = evaluate(changed, "transfer.apply", FACTS, TODAY)
    approve(place, stage(place, county_text(41, "2026-10-01")))
    with act_as(place.user("registrar", "a1")):
        for one in (trace, newer):
            versions._library_at.cache_clear()
            facts = {k: v for k, v in one.facts.items() if k != "today"}
            assert (
                evaluate(versions.at(one.policy_hash, TODAY), "transfer.apply", facts, TODAY).to_dict()
                == one.to_dict()
            )
        with pytest.raises(versions.UnknownHash):
            versions.at("0" * 64, TODAY)


def test_every_line_of_the_files_is_kept_from_the_first_migration_on(place: Place) -> None:
    packs = shipped()
    for name in packs.ids():
        policy = packs.resolve(packs.chain_of(name), TODAY)
        assert versions.PolicyLibrary is type(packs)
        assert versions.at(policy.hash, TODAY).ids == packs.chain_of(name)
    assert set(PolicyVersion.objects.values_list("pk", flat=True)) >= {
        packs.pack(n).sha256 for n in packs.ids()
    }


def test_nobody_approves_what_he_proposed_himself_and_clerks_never(place: Place) -> None:
    row = stage(place, county_text(), who=("county_head", "a"))
    with pytest.raises(StageError, match="不能复核自己提交的版本"):
        approve(place, row)
    with pytest.raises(PermissionDenied):
        approve(place, row, ("county_clerk", "a"))
    with act_as(place.user("county_clerk", "a")) as actor:
        assert commands.withdraw(actor, stage_id=row.pk).state == "withdrawn"
    with pytest.raises(StageError, match="已经处理"):
        approve(place, row)


def test_another_authority_neither_sees_nor_decides_nor_withdraws(place: Place) -> None:
    row = stage(place, county_text())
    for who in (("county_head", "b"), ("city_head", "city1"), ("province_head", "province")):
        with act_as(place.user(*who)) as actor:
            for deed in (queries.stage, lambda a, i: commands.approve(a, stage_id=i)):
                with pytest.raises(Http404):
                    deed(actor, row.pk)
            with pytest.raises(Http404):
                commands.refuse(actor, stage_id=row.pk, opinion="不同意")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.stage(actor, text=county_text(), effective_on=TODAY, note="x")


WRONG = {
    "another's pack": (lambda t: t.replace('id = "cn-99-0101"', 'id = "cn-99"', 1), "只能提交本单位自己的规则文件"),
    "a higher tier": (lambda t: t.replace('tier = "county"', 'tier = "city"', 1), "层级 tier 应为 county"),
    "stepping over the province": (lambda t: t.replace('extends = "cn-99"', 'extends = "cn"', 1), "不能越过上级"),
    "not governing": (lambda t: t.replace("invented = true", "invented = true\nreference = true", 1), "reference 不能"),
    "no TOML": (lambda t: t + "\n[[rule\n", "不是合格的 TOML"),
    "an unknown key": (lambda t: t + '\n[[rule]]\nid = "X"\nwhat = 1\n', "“on”"),
    "an unregistered text": (lambda t: t.replace('cite = "E2#1"', 'cite = "E9#1"', 1), "E9"),
    "a looser value": (
        lambda t: t + '\n[[param]]\nid = "suspend.max_continuous"\ntype = "duration"\ndelegates = "tighten"\n'
        'tighter = "lower"\n[[param.value]]\nvalue = "P3Y"\nforce = "general"\ncite = "E2#9"\nphrase = "三年"\n',
        "只能从严",
    ),
    "a locked value": (
        lambda t: t + '\n[[param]]\nid = "suspend.period"\ntype = "duration"\ndelegates = "none"\n'
        '[[param.value]]\nvalue = "P2Y"\nforce = "must"\ncite = "E2#9"\nphrase = "两年"\n',
        "下级不得改动",
    ),
    "papers beyond the ceiling": (
        lambda t: t + '\n[[rule]]\nid = "X-1"\non = ["transfer.apply"]\nneed = { docs = ["户籍证明"] }\n'
        'else = "need_docs"\nforce = "must"\ncite = "E2#9"\nphrase = "户口簿"\n',
        "不得要求提供",
    ),
    "a change of state": (
        lambda t: t + '\n[[transition]]\nid = 9001\nkind = "registered"\nfrom = "在读"\nbusiness = "transfer"\n'
        'to = "死亡"\ncite = "E2#9"\n',
        "随系统升级",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_an_authority_may_not_say_is_refused_with_its_line_and_nothing_is_stored(
    place: Place, wrong: str
) -> None:
    change, words = WRONG[wrong]
    text = change(county_text())
    with pytest.raises(staging.Unacceptable) as refused:
        stage(place, text)
    problem = next(p for p in refused.value.problems if words in p.message)
    assert problem.where.file.endswith(".toml") and problem.where.line >= 1
    if wrong not in ("another's pack", "no TOML"):
        assert problem.where.line <= text.count("\n") + 1
    assert PolicyStage.objects.count() == 0


def test_the_same_text_the_past_and_a_proposal_without_reason_are_refused(place: Place) -> None:
    with pytest.raises(staging.Unacceptable, match="相同"):
        stage(place, shipped().text_of(COUNTY))
    with pytest.raises(StageError, match="早于今天"):
        stage(place, county_text(), TODAY - timedelta(days=1))
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(StageError, match="理由"):
        commands.stage(actor, text=county_text(), effective_on=TODAY, note=" ")
    stage(place, county_text())
    with pytest.raises(StageError, match="已有一个待复核"):
        stage(place, county_text(39))


def test_a_unit_without_rules_of_its_own_gets_its_first_pack(place: Place) -> None:
    text = (
        '[pack]\nid = "cn-99-01"\ntitle = "甲州市"\ntier = "city"\nextends = "cn-99"\nversion = "1"\ninvented = true\n'
        + SOURCE.replace("E2", "M1").replace("notice-county", "notice-city")
        + '[[rule]]\nid = "CITY-1"\non = ["transfer.apply"]\nneed = { cmp = ["$case.to_grade", "!=", "33"] }\n'
        'else = "block"\nforce = "general"\ncite = "M1#1"\nphrase = "高三不转学"\n'
    )
    with act_as(place.user("city_clerk", "city1")) as actor:
        row = commands.stage(actor, text=text, effective_on=TODAY, note="首次")
        checked = staging.check(row.org, row.text, TODAY, again=True)
        assert checked.left_out == (COUNTY,), "the county's own file extends the province and is named"
        assert [d.id for d in staging.differences(checked)] == ["CITY-1"]
    approve(place, row, ("city_head", "city1"))
    with act_as(place.user("registrar", "b1")):
        assert "CITY-1" in {r.id for r in places.policy_for(place.org("b1"), TODAY).rules}
        assert "CITY-1" not in {r.id for r in places.policy_for(place.org("c1"), TODAY).rules}
        assert "CITY-1" not in {r.id for r in places.policy_for(place.org("a1"), TODAY).rules}


def test_a_province_cannot_break_the_packs_below_it(place: Place) -> None:
    text = shipped().text_of("cn-99") + (
        '\n[[param]]\nid = "class.cap.primary"\ntype = "int"\ndelegates = "none"\n'
        '[[param.value]]\nvalue = 44\nforce = "must"\ncite = "D1#40"\nphrase = "每班44人"\n'
    )
    with pytest.raises(staging.Unacceptable) as refused:
        stage(place, text, who=("province_clerk", "province"))
    assert [p.where.file for p in refused.value.problems] == ["demo/cn-99-0101.toml"]


def test_a_proposal_is_checked_again_when_it_is_approved(place: Place) -> None:
    later = TODAY + timedelta(days=10)
    row = stage(place, county_text(), later)
    province = shipped().text_of("cn-99") + (
        '\n[[param]]\nid = "class.cap.primary"\ntype = "int"\ndelegates = "tighten"\ntighter = "lower"\n'
        '[[param.value]]\nvalue = 45\nforce = "must"\ncite = "D1#40"\nphrase = "每班45人"\n'
    )
    approve(place, stage(place, province, who=("province_clerk", "province")), ("province_head", "province"))
    approve(place, row)  # 40 is stricter than 45
    loose = county_text(40).replace("value = 45", "value = 46", 1)
    with pytest.raises(staging.Unacceptable) as refused:
        stage(place, loose, later)
    assert "只能从严" in refused.value.problems[0].message
    assert "每班45人" not in refused.value.problems[0].message


def test_what_was_approved_is_never_changed_or_deleted(place: Place) -> None:
    approve(place, stage(place, county_text()))
    for sql in (
        "update policy_version set text = ''",
        "delete from policy_activation",
        "delete from policy_line",
        "update policy_activation set effective_on = current_date",
        "delete from policy_stage",
    ):
        for role in ("writer", None):
            with (
                pytest.raises((ProgrammingError, InternalError)),
                transaction.atomic(),
                connection.cursor() as c,
            ):
                if role:
                    c.execute(f"set local role xueji_{role}")
                c.execute(sql)


def test_entering_tells_the_state_of_the_packs_without_a_query_of_its_own(
    place: Place, django_assert_num_queries: Any
) -> None:
    approve(place, stage(place, county_text()))
    user = place.user("registrar", "a1")
    with transaction.atomic():
        enter(user.pk)
        library()  # assembled once for this state
    with transaction.atomic():
        with django_assert_num_queries(1):
            enter(user.pk)
            assert library().on(NEXT).pack(COUNTY).sha256 != shipped().pack(COUNTY).sha256


def test_another_process_sees_an_approval_with_its_next_transaction(own_database: str) -> None:
    from django.db import connections

    with transaction.atomic():
        place = make_county()
    seen: list[int] = []
    go, done = threading.Event(), threading.Event()

    def other() -> None:
        try:
            for _ in range(2):
                with transaction.atomic():
                    enter(place.user("registrar", "a1").pk)
                    seen.append(len(library().pack(COUNTY).params[0].values))
                if len(seen) == 1:
                    go.set()
                    done.wait(60)
        finally:
            connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()
    assert go.wait(60)
    with transaction.atomic():
        row = stage(place, county_text())
    with transaction.atomic():
        approve(place, row)
    done.set()
    thread.join(60)
    assert seen == [1, 2]


def test_of_two_who_decide_at_once_one_is_told_that_it_is_done(own_database: str) -> None:
    from django.db import connections

    with transaction.atomic():
        place = make_county()
    with transaction.atomic():
        row = stage(place, county_text())
    told: list[str] = []
    ready = threading.Barrier(2)

    def deed(who: tuple[str, str], do: Any) -> None:
        try:
            with act_as(place.user(*who)) as actor:
                ready.wait(60)
                told.append(do(actor).state)
        except StageError as error:
            told.append(error.message)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(
            target=deed, args=(("county_head", "a"), lambda a: commands.approve(a, stage_id=row.pk))
        ),
        threading.Thread(
            target=deed, args=(("county_clerk", "a"), lambda a: commands.withdraw(a, stage_id=row.pk))
        ),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(told) == 2
    assert sum("已经处理" in words for words in told) == 1
    with transaction.atomic():
        approved = PolicyActivation.objects.count()
    assert approved == ("approved" in told)


def test_an_upgrade_that_contradicts_an_approved_version_stops_and_names_the_line(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(place, stage(place, county_text()))
    files = [
        PackFile(file.name, file.text + _LOCKED) if file.name.endswith("cn-99.toml") else file
        for file in shipped().files()
        if not file.name.endswith("cn-99-0101.toml")
    ]
    monkeypatch.setattr(versions, "shipped", lambda: PolicyLibrary.from_files(files))
    with pytest.raises(PackError, match=r"cn-99-0101\.toml:\d+"), acting("writer"):
        bootstrap.run()


_LOCKED = """
[[param]]
id = "class.cap.primary"
type = "int"
delegates = "none"
[[param.value]]
value = 44
force = "must"
cite = "D1#40"
phrase = "每班44人"
"""


def test_outside_a_transaction_the_files_speak(place: Place) -> None:
    with acting("writer"):
        assert epoch.token() is None
    assert library() is shipped()
