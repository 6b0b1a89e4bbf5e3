"""A graduation list from its readiness to its effect, and back."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError
from django.http import Http404
from django.utils import timezone
from tests.helpers import Place, act_as, make_county, seeing_all
from tests.registry.yearly.world import (
    COHORT,
    REST,
    begin,
    fresh,
    graduated,
    graduates,
    items,
    pass_all,
    send,
)

from xueji.ground.policy.statuses import Status
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment import queries as chains
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.yearly import commands, queries
from xueji.registry.yearly.errors import StaleList, YearlyError
from xueji.registry.yearly.models import GraduationList, ListKind

pytestmark = pytest.mark.django_db
GRADUATED, COMPLETED, INCOMPLETE = 12, 13, 14


def under(place: Place, policy: str, school: str = "a1") -> None:
    """Put a school under the rules of a place."""
    with seeing_all():
        org = place.org(school)
        org.policy = policy
        org.save(update_fields=["policy"])


def status_of(place: Place, person: uuid.UUID, school: str = "a1") -> int:
    with act_as(place.user("registrar", school)) as actor:
        return chains.get_row(actor, person).status


def verdicts(place: Place, row: GraduationList) -> dict[uuid.UUID, queries.Item]:
    with act_as(place.user("registrar", "a1")) as actor:
        return {x.person_id: x for x in queries.items(queries.get(actor, row.list_id), queries.Filters())[0]}


def state(place: Place, row: GraduationList, people: list[uuid.UUID] | None, **answers: str) -> None:
    with act_as(place.user("registrar", "a1")) as actor:
        commands.state_facts(
            actor, list_id=row.list_id, person_ids=people,
            answers={f"student.{k}": v for k, v in answers.items()},
        )  # fmt: skip


def figures() -> dict[tuple[int, int], int]:
    """Heads by school and status, summed from the cube."""
    with seeing_all(), connection.cursor() as c:
        c.execute("select school_id, status, sum(n) from cube_delta group by 1, 2 having sum(n) <> 0")
        return {(r[0], r[1]): int(r[2]) for r in c.fetchall()}


def sound() -> None:
    """Every invariant of the record, as `xueji verify` asks."""
    from xueji.registry.enrolment import verify
    from xueji.registry.yearly import verify as lists

    with seeing_all(), connection.cursor() as c:
        for name, (_words, query) in (verify.RECORD | lists.LISTS).items():
            c.execute(query)
            assert not c.fetchall(), name
        for query in (verify.CUBE_NOW, verify.CUBE_BALANCE):
            c.execute(query)
            assert not c.fetchall()
        c.execute("set constraints all immediate")
        c.execute("set constraints all deferred")


@pytest.mark.capability("C-GRA-02")
@pytest.mark.capability("C-GRA-03")
def test_a_list_takes_effect_for_all_its_children_at_once() -> None:
    place = make_county()
    row, people = graduated(place, 4)
    assert row.status == "done"
    assert [status_of(place, p) for p in people] == [GRADUATED] * 4
    school = place.org("a1").pk
    assert figures()[school, GRADUATED] == 4
    assert (school, 1) not in figures()
    sound()
    with act_as(place.user("registrar", "a1")) as actor:
        event = chains.events(people[0])[0]
        assert (event.business, event.detail["number"]) == ("graduate", row.number)
        assert event.article.startswith("《")
        # The graduate's whole record stays with the school.
        assert chains.get_row(actor, people[0]).reason == "enrolled"


@pytest.mark.capability("C-GRA-01")
def test_what_the_record_forbids_blocks_and_is_mended_in_place() -> None:
    place = make_county()
    ready, away, busy, problem = graduates(place, 4)
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment.apply_step(actor, Step(away, "suspend", Status.SUSPENDED, midnight(date(2026, 5, 6))))
        enrolment.set_open_case(busy, "ZX-1")
        enrolment.set_problem(problem, True)
    row = begin(place)
    found = verdicts(place, row)
    assert found[ready].verdict in ("ready", "warn")
    assert found[ready].result == GRADUATED
    for person, code in ((away, "status"), (busy, "open_case"), (problem, "problem")):
        assert (found[person].verdict, found[person].result) == ("blocked", None)
        line = found[person].lines[0]
        assert line["code"] == code
        assert line["article"].startswith("《")
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(YearlyError, match="不能列入"):
            commands.set_result(
                actor, list_id=row.list_id, person_ids=[busy], result=GRADUATED, reason="家长要求毕业"
            )
        enrolment.set_open_case(busy, "")
        counts = commands.check(actor, list_id=row.list_id)
    assert counts["blocked"] == 2
    assert verdicts(place, row)[busy].result == GRADUATED


@pytest.mark.capability("C-GRA-01")
@pytest.mark.rule("JSCS-GRA-01")
def test_unknown_marks_are_asked_and_failing_ones_lead_to_another_result() -> None:
    place = make_county()
    under(place, "cn-32-changshu")
    good, weak, midway, unknown = graduates(place, 4)
    row = begin(place)
    assert {x.verdict for x in verdicts(place, row).values()} == {"ask"}
    state(place, row, None, subjects_passed="true", conduct_passed="true", sport_passed="true")
    state(place, row, [weak], sport_passed="false")
    state(place, row, [midway], left_midway="true") if _asks(place, row, "left_midway") else None
    found = verdicts(place, row)
    assert found[good].result == GRADUATED
    assert "操行及格以上" in str(found[good].findings)
    assert found[weak].result == COMPLETED
    assert any(x["code"] == "JSCS-GRA-01" for x in found[weak].lines)
    assert found[unknown].result == GRADUATED


def _asks(place: Place, row: GraduationList, name: str) -> bool:
    from xueji.registry.yearly import facts, listing

    with seeing_all():
        policy = listing.ground(row.school_id, row.kind, timezone.localdate()).policy
    return f"student.{name}" in {q.id for q in facts.questions(policy)}


@pytest.mark.rule("GXHS-GRA-01")
@pytest.mark.rule("GXHS-GRA-02")
@pytest.mark.rule("GXHS-GRA-03")
def test_a_senior_school_gives_three_results() -> None:
    place = make_county()
    under(place, "cn-45-senior", "c1")
    good, failed, owing, midway = graduates(place, 4, school="c1", stage="S", cohort=2023)
    row = begin(place, school="c1", stage="S", cohort=2023)

    def tell(people: list[uuid.UUID] | None, **answers: str) -> None:
        with act_as(place.user("registrar", "c1")) as actor:
            commands.state_facts(
                actor, list_id=row.list_id, person_ids=people,
                answers={f"student.{k}": v for k, v in answers.items()},
            )  # fmt: skip

    tell(None, subjects_passed="true", conduct_passed="true", fees_settled="true", under_sanction="false")
    tell([failed], subjects_passed="false")
    tell([owing], fees_settled="false")
    tell([midway], left_midway="true")
    rows = items(row)
    assert {p: rows[p].result for p in (good, failed, owing, midway)} == {
        good: GRADUATED, failed: COMPLETED, owing: None, midway: INCOMPLETE,
    }  # fmt: skip
    with act_as(place.user("registrar", "c1")) as actor:
        # What must hold is not overridden by words: who passed everything is no 结业.
        with pytest.raises(YearlyError, match="补考后仍有科目不合格"):
            commands.set_result(
                actor, list_id=row.list_id, person_ids=[good], result=COMPLETED, reason="学校研究决定"
            )
    send(place, row, school="c1")
    pass_all(place, row, (("school_head", "c1"), ("county_clerk", "c"), ("county_head", "c")))
    assert [status_of(place, p, "c1") for p in (good, failed, owing, midway)] == [12, 13, 1, 14]
    sound()


@pytest.mark.rule("GD-GRA-01")
@pytest.mark.rule("GD-GRA-02")
def test_a_primary_leaver_needs_results_and_a_school_to_go_to() -> None:
    place = make_county()
    under(place, "cn-44-school")
    (child,) = graduates(place, 1)
    row = begin(place)
    assert verdicts(place, row)[child].verdict == "ask"
    state(place, row, None, results="合格")
    found = verdicts(place, row)[child]
    assert (found.verdict, found.result) == ("ask", None)
    assert "升入学校" in found.lines[0]["sentence"]
    assert found.lines[0]["code"] == "GD-GRA-02"
    with act_as(place.user("registrar", "a1")) as actor:
        commands.state_facts(
            actor, list_id=row.list_id, person_ids=None, answers={"case.next_school": "青禾县第一中学"}
        )
    assert verdicts(place, row)[child].result == GRADUATED


@pytest.mark.capability("C-GRA-01")
def test_a_result_is_changed_with_a_reason_and_the_change_stays_through_a_check() -> None:
    place = make_county()
    people = graduates(place, 3)
    row = begin(place)
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(YearlyError, match="至少 5 个字"):
            commands.set_result(
                actor, list_id=row.list_id, person_ids=people[:1], result=COMPLETED, reason="x"
            )
        commands.set_result(
            actor, list_id=row.list_id, person_ids=people[:1], result=COMPLETED, reason="补考后仍不合格"
        )
        commands.set_result(
            actor, list_id=row.list_id, person_ids=people[1:2], result=None, reason="本人申请暂缓"
        )
        commands.check(actor, list_id=row.list_id)
    rows = items(row)
    assert [rows[p].result for p in people] == [COMPLETED, None, GRADUATED]
    assert rows[people[0]].manual
    assert rows[people[0]].proposed == GRADUATED
    send(place, row)
    pass_all(place, row)
    assert [status_of(place, p) for p in people] == [COMPLETED, 1, GRADUATED]
    with act_as(place.user("registrar", "a1")):
        assert chains.events(people[0])[0].reason == "补考后仍不合格"
    # Who was left out comes with a supplementary list.
    late = begin(place)
    assert late.kind == ListKind.SUPPLEMENT
    assert set(items(late)) == {people[1]}


def test_the_head_and_the_county_decide_and_nobody_twice() -> None:
    place = make_county()
    graduates(place, 2)
    row = begin(place)
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(Http404):
        queries.get(actor, row.list_id)
    send(place, row)
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(PermissionDenied):
        commands.decide(actor, list_id=row.list_id, decision="pass")
    with act_as(place.user("school_head", "a1")) as actor:
        with pytest.raises(StaleList):
            commands.decide(actor, list_id=row.list_id, decision="pass", version=0)
        commands.decide(actor, list_id=row.list_id, decision="pass")
        with pytest.raises(PermissionDenied):
            commands.decide(actor, list_id=row.list_id, decision="pass")
    with act_as(place.user("county_clerk", "a")) as actor:
        assert [x.list_id for x in queries.todo(actor)] == [row.list_id]
        commands.return_for_repair(actor, list_id=row.list_id, items=["补照片", "核对第二名学生"])
    with act_as(place.user("registrar", "a1")) as actor:
        back = queries.get(actor, row.list_id)
        assert (back.status, back.repair) == ("returned", ["补照片", "核对第二名学生"])
        with pytest.raises(YearlyError, match="不能做这一步"):
            commands.withdraw(actor, list_id=row.list_id)
        commands.submit(actor, list_id=row.list_id)
    # It comes back to the very step that returned it.
    pass_all(place, row, (("county_clerk", "a"), ("county_head", "a")))
    assert fresh(row).status == "done"


def test_a_list_is_taken_back_before_anybody_handled_it_and_given_up_with_a_reason() -> None:
    place = make_county()
    graduates(place, 1)
    row = begin(place)
    send(place, row)
    with act_as(place.user("registrar", "a1")) as actor:
        commands.withdraw(actor, list_id=row.list_id)
        commands.submit(actor, list_id=row.list_id)
    pass_all(place, row, REST[:1])
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(YearlyError, match="已有人办理过"):
            commands.withdraw(actor, list_id=row.list_id)
        with pytest.raises(YearlyError, match="至少"):
            commands.cancel(actor, list_id=row.list_id)
        commands.cancel(actor, list_id=row.list_id, reason="名册编错了年级")
    assert fresh(row).status == "cancelled"
    assert not any(i.open for i in items(row).values())
    assert begin(place).list_id != row.list_id


def test_what_changed_after_sending_stops_the_effect_by_name() -> None:
    place = make_county()
    people = graduates(place, 3)
    row = begin(place)
    send(place, row)
    pass_all(place, row, REST[:2])
    with act_as(place.user("registrar", "a1")) as actor:
        enrolment.apply_step(
            actor, Step(people[0], "suspend", Status.SUSPENDED, midnight(timezone.localdate()))
        )
    with act_as(place.user("county_head", "a")) as actor:
        with pytest.raises(YearlyError, match=r"学籍已有变动.*退回学校|退回学校修改"):
            commands.decide(actor, list_id=row.list_id, decision="pass")
        assert fresh(row).status == "running"
        commands.return_for_repair(actor, list_id=row.list_id, items=["有学生休学, 请重新核对"])
    with act_as(place.user("registrar", "a1")) as actor:
        # The recount changes who is on the list, so it stays to be read again.
        with pytest.raises(YearlyError, match="再看一遍"):
            commands.submit(actor, list_id=row.list_id)
        commands.submit(actor, list_id=row.list_id)
    pass_all(place, row, REST[2:])
    assert [status_of(place, p) for p in people] == [2, GRADUATED, GRADUATED]
    sound()


def test_a_list_of_a_day_to_come_waits_for_its_day() -> None:
    place = make_county()
    people = graduates(place, 2)
    day = timezone.localdate() + timedelta(days=20)
    with act_as(place.user("registrar", "a1")) as actor:
        row = commands.create(actor, stage="P", cohort_year=COHORT, effective_on=day)
    send(place, row)
    pass_all(place, row)
    assert fresh(row).status == "approved"
    assert status_of(place, people[0]) == 1
    sound()
    assert commands.finish_due(day - timedelta(days=1)) == 0
    with seeing_all():
        enrolment.activate_due(midnight(day) + timedelta(hours=1))
    assert commands.finish_due(day) == 1
    assert commands.finish_due(day) == 0
    assert fresh(row).status == "done"
    assert [status_of(place, p) for p in people] == [GRADUATED] * 2


@pytest.mark.capability("C-GRA-03")
def test_a_whole_list_or_one_child_is_rolled_back_by_a_list_of_its_own() -> None:
    place = make_county()
    row, people = graduated(place, 3)
    before = figures()
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(YearlyError, match="至少"):
            commands.create_undo(actor, list_id=row.list_id, person_ids=people[:1], reason="错")
        undo = commands.create_undo(
            actor, list_id=row.list_id, person_ids=people[:1], reason="学制登记有误, 提前毕业"
        )
    assert set(items(undo)) == {people[0]}
    send(place, undo)
    assert fresh(undo).number.startswith("HT-")
    pass_all(place, undo)
    assert [status_of(place, p) for p in people] == [1, GRADUATED, GRADUATED]
    with act_as(place.user("registrar", "a1")):
        link = chains.current(people[0])
        assert (link.business, link.cohort_year) == ("undo_finish", COHORT)
        assert link.class_id == place.klass("a1", "P", COHORT).pk
        assert [e.business for e in chains.events(people[0])][:2] == ["undo_finish", "graduate"]
    sound()
    with act_as(place.user("registrar", "a1")) as actor:
        whole = commands.create_undo(actor, list_id=row.list_id, person_ids=None, reason="整份名册日期有误")
    found = items(whole)
    assert found[people[0]].result is None, "who studies again has nothing to roll back"
    send(place, whole)
    pass_all(place, whole)
    assert [status_of(place, p) for p in people] == [1, 1, 1]
    assert figures() != before
    sound()
    again = begin(place)
    assert set(items(again)) == set(people)


@pytest.mark.capability("C-GRA-10")
def test_after_make_up_examinations_the_other_certificate_is_exchanged() -> None:
    place = make_county()
    under(place, "cn-32-changshu")
    weak, good = graduates(place, 2)
    row = begin(place)
    state(place, row, None, subjects_passed="true", conduct_passed="true", sport_passed="true")
    state(place, row, [weak], subjects_passed="false")
    send(place, row)
    pass_all(place, row)
    assert [status_of(place, weak), status_of(place, good)] == [COMPLETED, GRADUATED]
    with act_as(place.user("registrar", "a1")) as actor:
        swap = commands.create_exchange(actor, list_id=row.list_id, person_ids=None, reason="补考各科合格")
    assert set(items(swap)) == {weak}
    assert items(swap)[weak].result is None
    state(place, swap, None, subjects_passed="true", conduct_passed="true", sport_passed="true")
    send(place, swap)
    pass_all(place, swap)
    assert status_of(place, weak) == GRADUATED
    sound()


def test_the_database_refuses_illegal_steps_edits_and_a_child_on_two_lists() -> None:
    place = make_county()
    row, people = graduated(place, 2)
    for statement, refused in (
        ("update graduation_list set status = 'running', current_seq = 1 where list_id = %s", DatabaseError),
        ("update graduation_item set result = 13 where list_id = %s", DatabaseError),
        ("delete from graduation_item where list_id = %s", DatabaseError),
        ("update graduation_step set opinion = 'x' where list_id = %s", DatabaseError),
    ):
        with seeing_all(), pytest.raises(refused), transaction.atomic(), connection.cursor() as c:
            c.execute(statement, [row.list_id])
    with act_as(place.user("registrar", "a1")) as actor:
        first = commands.create_undo(actor, list_id=row.list_id, person_ids=people, reason="登记日期有误")
        second = commands.create_undo(actor, list_id=row.list_id, person_ids=people, reason="登记日期有误")
        commands.submit(actor, list_id=first.list_id)
        with pytest.raises(YearlyError, match="另一份办理中的名册"):
            commands.submit(actor, list_id=second.list_id)
    with seeing_all(), pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as c:
        c.execute("update graduation_list set current_seq = null where list_id = %s", [first.list_id])


def test_a_cohort_that_is_not_in_its_last_year_gets_no_list() -> None:
    place = make_county()
    with act_as(place.user("registrar", "a1")) as actor:
        for cohort in (2026, 2024):
            with pytest.raises(YearlyError, match="没有到毕业年级"):
                commands.create(actor, stage="P", cohort_year=cohort)
        with pytest.raises(YearlyError, match="没有这个学段"):
            commands.create(actor, stage="S", cohort_year=2023)
        with pytest.raises(YearlyError, match="没有可以列入的学生"):
            commands.create(actor, stage="P", cohort_year=COHORT)
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(PermissionDenied):
        commands.create(actor, stage="P", cohort_year=COHORT)
