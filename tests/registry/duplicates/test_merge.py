"""Two records of one child: proposed by one, decided by another, merged with everything attached, and parted again."""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, give_role, link_child, make_county, seeing_all
from tests.registry.duplicates.digest import digest

from xueji.ground.accounts.models import PortalLink
from xueji.ground.db.scope import acting
from xueji.ground.policy.statuses import Status
from xueji.registry.duplicates import commands, queries
from xueji.registry.duplicates.attached import ATTACHED
from xueji.registry.duplicates.errors import DuplicatesError
from xueji.registry.duplicates.models import Merge, MergeState
from xueji.registry.enrolment import commands as chains_of
from xueji.registry.enrolment import page
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.commands import Step
from xueji.registry.people import commands as people
from xueji.registry.people import queries as people_queries
from xueji.registry.people.commands import NewGuardian
from xueji.registry.problems import commands as problems
from xueji.registry.problems.models import Kind, Problem, State

pytestmark = pytest.mark.django_db
BORN = date(2019, 5, 12)
WHY = "户口簿和原校证明核对为同一人"


def twins(place: Place, **more: Any) -> tuple[uuid.UUID, uuid.UUID, str]:
    """One child in two schools of county a: the second record was made with a slip in the birth date."""
    number = id_number(BORN, "1")
    kept = enrol(place, "a1", name="钱多多", birth=BORN, identity=number)
    merged = enrol(
        place,
        "a2",
        name="钱多多",
        birth=date(2019, 5, 13),
        on=date(2026, 10, 8),
        profile={"household_nature": "1"} if more.get("profile") else {},
        guardians=[NewGuardian(name="钱大海", relation="51", sealed={"phone": "0990-1112222"})],
    )
    return kept, merged, number


def propose(place: Place, kept: uuid.UUID, merged: uuid.UUID, **take: str) -> Merge:
    """The county's clerk proposes."""
    with act_as(place.user("county_clerk", "a")) as actor:
        return commands.propose(actor, kept, merged, take, basis=WHY)


def decided(place: Place, merge: Merge) -> Merge:
    """The county's head agrees."""
    with act_as(place.user("county_head", "a")) as actor:
        return commands.decide(actor, merge.pk, approve=True, opinion="同意")


def parted(place: Place, merge: Merge) -> Merge:
    """Both of the county take it back."""
    with act_as(place.user("county_clerk", "a")) as actor:
        commands.propose_undo(actor, merge.pk, reason="后来查明是双胞胎")
    with act_as(place.user("county_head", "a")) as actor:
        return commands.decide_undo(actor, merge.pk, approve=True, opinion="同意撤销")


@pytest.mark.capability("C-DUP-05")
@pytest.mark.capability("C-NUM-08")
def test_two_records_of_one_child_become_one_that_every_number_finds() -> None:
    """A county's clerk sees that two schools have one child; the head agrees.
    They see both records beside each other, choose whose facts hold, and decide one after the other.
    It ends with one record in one school, which every former number finds, and an alias that leads to it."""
    place = make_county()
    kept, merged, number = twins(place)
    with act_as(place.user("registrar", "a2")) as actor:
        second = people.reveal(actor, merged, "number", "转学需要核对")
    merge = decided(place, propose(place, kept, merged))
    assert merge.state == MergeState.DONE
    with act_as(place.user("county_clerk", "a")) as actor:
        assert people_queries.find_by_number(actor, number) == [kept]
        assert people_queries.find_by_number(actor, second) == [kept]
        assert people_queries.card(actor, merged).merged_into == kept
        assert [g.name for g in people_queries.guardians(actor, kept)] == ["钱大海"]
        assert {e.business for e in enrolment.events(kept)} >= {"merge", "problem", "enrol"}
        link = enrolment.current(merged)
        assert link is not None
        assert link.status == 18
    with act_as(place.user("registrar", "a1")) as actor:
        assert len(people_queries.numbers(actor, kept)) == 2
        # The school that keeps the child reads what happened in the other record.
        assert any(e.school_name == "青禾县东乡小学" for e in enrolment.events(kept))
    assert not _verify()


@pytest.mark.capability("C-DUP-05")
def test_a_merged_life_reads_as_one_and_a_parent_of_both_sees_one_child() -> None:
    """A parent is linked to both records; the county merges them.
    The school reads one life: where the child was and when, the other record's part marked, the merge named.
    The parent sees one child by one link; taken back, both links and both lives are as they were."""
    place = make_county()
    kept, merged, _number = twins(place)
    parent = place.user("parent")
    for person in (kept, merged):
        link_child(parent, person)
    merge = propose(place, kept, merged)
    before = digest(kept, merged)
    decided(place, merge)
    assert _links(parent) == [(kept, True), (merged, False)]
    with seeing_all(), connection.cursor() as c:
        c.execute("select xueji_children(%s, false, %s)", [parent.pk, timezone.localdate()])
        assert c.fetchone() == ([kept],)
    for role, where in (("registrar", "a1"), ("county_clerk", "a")):
        with act_as(place.user(role, where)) as actor:
            rows = page.build(actor, kept)["states"]
            assert [(r["school"], r.get("joined", False), r["since"].isoformat()) for r in rows] == [
                ("青禾县东乡小学", True, timezone.localdate().isoformat()),
                ("青禾县东乡小学", True, "2026-10-08"),
                ("青禾县第一小学", False, "2026-09-01"),
            ]
            assert rows[0]["business"] == f"合并档案 {merge.number}"
            assert rows[0]["status"] == "并入本档案"
            assert rows[1]["until"] == timezone.localdate()
            assert rows[2]["until"] is None
    parted(place, merge)
    assert _links(parent) == [(kept, True), (merged, True)]
    assert digest(kept, merged)["portal_link"] == before["portal_link"]
    with act_as(place.user("registrar", "a1")) as actor:
        assert [r["school"] for r in page.build(actor, kept)["states"]] == ["青禾县第一小学"]


@pytest.mark.capability("C-DUP-05")
def test_each_merged_record_ends_in_the_life_on_the_day_of_its_own_merge() -> None:
    place = make_county()
    kept, first, _number = twins(place)
    second = enrol(place, "a2", name="钱多多", birth=date(2019, 5, 14), on=date(2026, 10, 9))
    left = timezone.now() - timedelta(days=30)
    for person in (first, second):
        with act_as(place.user("registrar", "a2")) as actor, transaction.atomic():
            chains_of.apply_step(actor, Step(person, "withdraw", Status.WITHDRAWN, left))
        decided(place, propose(place, kept, person))
    with act_as(place.user("county_clerk", "a")) as actor:
        # The first was merged twenty days before the second.
        events = [
            replace(e, valid_at=e.valid_at - timedelta(days=20))
            if e.person_id == first and e.detail.get("merge")
            else e
            for e in enrolment.events(kept)
        ]
        rows = page.life(kept, enrolment.chains(kept), events)
    today = timezone.localdate()
    assert sorted(r["until"] for r in rows if r["since"] == timezone.localdate(left)) == [
        today - timedelta(days=20),
        today,
    ]


def _links(parent: Any) -> list[tuple[uuid.UUID, bool]]:
    """The account's links with whether they hold, the kept record's first."""
    with seeing_all():
        rows = PortalLink.objects.filter(user_id=parent.pk).order_by("pk")
        return [(r.person_id, r.until is None) for r in rows]


def _verify() -> list[str]:
    """The invariants of people and enrolment, asked in this transaction."""
    from xueji.registry.enrolment import verify as chains
    from xueji.registry.people import verify as vault

    out = []
    with seeing_all(), connection.cursor() as c:
        for name, (_words, query) in {**chains.RECORD, **vault.VAULT}.items():
            c.execute(query.replace("now()", "clock_timestamp()"))
            out += [f"{name}: {row}" for row in c.fetchall()]
        c.execute(chains.CUBE_NOW.replace("now()", "clock_timestamp()"))
        out += [f"cube: {row}" for row in c.fetchall()]
    return out


@pytest.mark.capability("C-DUP-05")
@pytest.mark.parametrize("seed", range(6))
def test_a_merge_that_is_taken_back_leaves_both_records_as_they_were(seed: int) -> None:
    rng = random.Random(seed)
    place = make_county()
    kept, merged, _number = twins(place, profile=rng.random() < 0.5)
    parent = place.user("parent")
    if rng.random() < 0.7:
        link_child(parent, merged)
    if rng.random() < 0.3:
        link_child(parent, kept)
    _attach(place, kept, merged, rng)
    if rng.random() < 0.5:
        with act_as(place.user("county_clerk", "a")) as actor:
            problems.open_problem(actor, Kind.SAME_PERSON, [kept, merged], source="check")
    if rng.random() < 0.4:
        kept, merged = merged, kept
    before = digest(kept, merged)
    take = {f: rng.choice(["kept", "merged"]) for f in ("name", "ethnicity", "photo")}
    take |= dict.fromkeys(("identity", "birth_date", "sex"), rng.choice(["kept", "merged"]))
    merge = decided(place, propose(place, kept, merged, **take))
    assert not _verify()
    between = digest(kept, merged)
    assert between != before
    assert not between["number_lookup"] or all(str(merged) not in row for row in between["number_lookup"])
    parted(place, merge)
    after = digest(kept, merged)
    assert {t: (before[t], after[t]) for t in before if before[t] != after[t]} == {}
    assert not _verify()


def _attach(place: Place, kept: uuid.UUID, merged: uuid.UUID, rng: random.Random) -> None:
    """Rows of many rooms for both records."""
    school = {kept: place.org("a1").pk, merged: place.org("a2").pk}
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        for person in (kept, merged):
            if rng.random() < 0.8:
                c.execute(
                    "insert into stored_file (id, sha256, size, mime, name, purpose, readers, klasses, person_id, created_at)"
                    " select %s, 'x', 1, 'image/jpeg', 'x', 'photo', readers, klasses, person_id, now() from person"
                    " where person_id = %s",
                    [file_id := uuid.uuid4(), person],
                )
                c.execute(
                    "insert into person_photo (person_id, file_id, source, readers, klasses)"
                    " select person_id, %s, 'upload', readers, klasses from person where person_id = %s",
                    [file_id, person],
                )
            for _n in range(rng.randrange(3)):
                c.execute(
                    "insert into consent (person_id, code, version, guardian_no, answer, school_id, user_id, user_name,"
                    " address, at) values (%s, 'photo', '1', 1, 'given', %s, 1, '-', '', now())",
                    [person, school[person]],
                )
            c.execute(
                "insert into guardianship (person_id, guardian_no, kind, since, paper, words, school_id, recorded_by,"
                " recorded_name, recorded_at, decision, decided_name, decided_words)"
                " values (%s, 1, 'custody', '2026-09-01', '判决书', '', %s, 1, '-', now(), '', '', '')",
                [person, school[person]],
            )


def test_a_merge_takes_a_fixed_number_of_statements(django_assert_max_num_queries: Any) -> None:
    counted = []
    for more in (0, 4):
        place = make_county(tag=str(more))
        kept, merged, _number = twins(place)
        with transaction.atomic(), acting("writer"), connection.cursor() as c:
            for n in range(more):
                c.execute(
                    "insert into consent (person_id, code, version, guardian_no, answer, school_id, user_id, user_name,"
                    " address, at) values (%s, 'photo', '1', %s, 'given', 1, 1, '-', '', now())",
                    [merged, n],
                )
        merge = propose(place, kept, merged)
        with act_as(place.user("county_head", "a")) as actor:
            with django_assert_max_num_queries(150) as captured:
                commands.decide(actor, merge.pk, approve=True, opinion="同意")
            counted.append(len(captured))
    assert counted[0] == counted[1]


def test_nobody_decides_what_he_proposed_himself_and_nobody_below_the_common_unit() -> None:
    place = make_county()
    kept, merged, _number = twins(place)
    head = place.user("county_head", "a")
    give_role(head, "county_clerk", place.org("a"))
    merge = propose(place, kept, merged)
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(PermissionDenied):
        commands.decide(actor, merge.pk, approve=True, opinion="同意")
    with act_as(place.user("county_head", "b")) as actor, pytest.raises(Http404):
        commands.decide(actor, merge.pk, approve=True, opinion="同意")
    with act_as(place.user("city_head", "city1")) as actor, pytest.raises((PermissionDenied, Http404)):
        commands.decide(actor, merge.pk, approve=True, opinion="同意")
    with act_as(head) as actor:
        mine = commands.decide(actor, merge.pk, approve=False, opinion="材料不足")
        assert mine.state == MergeState.REFUSED
        again = commands.propose(actor, kept, merged, {}, basis=WHY)
        with pytest.raises(PermissionDenied, match="不能自己决定"):
            commands.decide(actor, again.pk, approve=True, opinion="同意")


def test_the_only_paper_there_is_holds_unless_somebody_says_otherwise() -> None:
    place = make_county()
    merged, kept, number = twins(place)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("update identity_document set until = clock_timestamp() where person_id = %s", [kept])
    merge = propose(place, kept, merged)
    assert merge.take == {"identity": "merged", "sex": "merged", "birth_date": "merged"}
    decided(place, merge)
    with act_as(place.user("registrar", "a2")) as actor:
        assert people.reveal(actor, kept, "identity", "转学需要核对") == number
        assert people_queries.card(actor, kept).birth_date == BORN


def test_records_of_two_counties_are_merged_by_the_city_above_both() -> None:
    place = make_county()
    kept = enrol(place, "a1", name="孙一一", birth=BORN)
    merged = enrol(place, "b1", name="孙一一", birth=BORN)
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(Http404):
        commands.propose(actor, kept, merged, {}, basis=WHY)
    with act_as(place.user("city_clerk", "city1")) as actor:
        merge = commands.propose(actor, kept, merged, {}, basis=WHY)
    with act_as(place.user("city_head", "city1")) as actor:
        assert commands.decide(actor, merge.pk, approve=True, opinion="同意").state == MergeState.DONE
    with act_as(place.user("registrar", "b1")) as actor:
        assert queries.merge(merge.pk).number == merge.number
    with act_as(place.user("registrar", "c1")) as actor, pytest.raises(Http404):
        queries.merge(merge.pk)


def test_what_is_under_way_or_has_changed_stands_in_the_way() -> None:
    place = make_county()
    kept, merged, _number = twins(place)
    with act_as(place.user("county_clerk", "a")) as actor:
        with pytest.raises(DuplicatesError, match="身份证号不一致"):
            commands.propose(actor, kept, merged, {"birth_date": "merged"}, basis=WHY)
        with pytest.raises(DuplicatesError, match="依据"):
            commands.propose(actor, kept, merged, {}, basis="是")
    merge = propose(place, kept, merged)
    with transaction.atomic(), acting("writer"), connection.cursor() as c:
        c.execute("update person set version = version + 1 where person_id = %s", [kept])
    with act_as(place.user("county_head", "a")) as actor, pytest.raises(DuplicatesError, match="又有变动"):
        commands.decide(actor, merge.pk, approve=True, opinion="同意")
    third = enrol(place, "a1", name="钱多多", birth=BORN)
    with act_as(place.user("county_clerk", "a")) as actor:
        commands.withdraw(actor, merge.pk)
        problems.open_problem(actor, Kind.SAME_PERSON, [merged, third], source="check")
        with pytest.raises(DuplicatesError, match="第三份档案"):
            commands.propose(actor, kept, merged, {}, basis=WHY)


def test_nothing_is_done_any_more_on_a_record_that_was_merged() -> None:
    place = make_county()
    kept, merged, _number = twins(place)
    with act_as(place.user("county_clerk", "a")) as actor:
        problem = problems.open_problem(actor, Kind.SAME_PERSON, [kept, merged], source="check")
    merge = decided(place, propose(place, kept, merged))
    with seeing_all():
        assert Problem.objects.get(pk=problem.pk).state == State.CLOSED
        with pytest.raises(ValueError, match="已经合并"):
            people.join(kept, merged, {}, at=timezone.now(), event_id=uuid.uuid4())
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(DuplicatesError, match="已经合并"):
        commands.propose(actor, merged, kept, {}, basis=WHY)
    parted(place, merge)
    with seeing_all():
        assert Problem.objects.get(pk=problem.pk).state == State.OPEN


def test_every_table_of_a_person_says_what_a_merge_does_with_it() -> None:
    with seeing_all(), connection.cursor() as c:
        c.execute(
            "select k.relname from pg_attribute a join pg_class k on k.oid = a.attrelid"
            " join pg_namespace n on n.oid = k.relnamespace where n.nspname = 'public' and k.relkind = 'r'"
            " and a.attname = 'person_id' and not a.attisdropped"
        )
        found = {row[0] for row in c.fetchall()}
    assert found - set(ATTACHED) == set(), "say in duplicates/attached.py what a merge does with these tables"
    assert {name for name, how in ATTACHED.items() if how.what != "history"} - found == set()
