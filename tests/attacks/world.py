"""A small province in which every table has rows of several schools, for the tests that try to see too much.

Children by key: see `CHILDREN`. Built once for a worker in a database of its own and committed, so that plain
connections of any role can look at it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from tests.attacks import admission, charge, classes, collect, duplicates, privacy, relay, submission
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, give_role, link_child, make_county, seeing_all
from tests.office.outgoing import granted_export
from tests.registry.changes.world import EIGHT, attach, pass_all, picture, send
from tests.registry.yearly.world import COHORT, begin, last_class
from tests.registry.yearly.world import pass_all as pass_list
from tests.registry.yearly.world import send as send_list

from xueji.ground.accounts.models import Factor, FactorGuard, RecoveryCode, SignIn, SsoIdentity, User
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.policy import commands as policy
from xueji.office.certificates import commands as certificates
from xueji.office.exports import commands as exports
from xueji.office.statistics import monthly, units
from xueji.registry.changes import commands as cases
from xueji.registry.changes.models import Case
from xueji.registry.dropout import commands as dropout
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment import queries as chains
from xueji.registry.enrolment.timeline import Link, Step, midnight
from xueji.registry.family import commands as family
from xueji.registry.family import requests
from xueji.registry.family.models import FamilyRequest
from xueji.registry.people import commands as people
from xueji.registry.people.commands import NewGuardian
from xueji.registry.problems import commands as problems
from xueji.registry.termbook import commands as termbook
from xueji.registry.yearly import commands as yearly
from xueji.registry.yearly.models import Admission

STUDYING, SUSPENDED, LEFT = 1, 2, 11
ENROLLED = date(2026, 9, 1)

#: key -> school, stage, number of the class, name. No name is part of another.
CHILDREN: dict[str, tuple[str, str, int, str]] = {
    "one": ("a1", "P", 1, "苏晴川"),
    "two": ("a1", "P", 2, "白羽生"),
    "a2": ("a2", "P", 1, "方雨桐"),
    "b1": ("b1", "P", 1, "秦远山"),
    "junior": ("b1", "J", 1, "叶知秋"),
    "c1": ("c1", "P", 1, "卓玛·央金"),
    "senior": ("c1", "S", 1, "顾长风"),
    "moved": ("a1", "P", 1, "江望舒"),
    "moving": ("a1", "P", 1, "柳如烟"),
    "wanted": ("a1", "P", 1, "沈星河"),
    "guest": ("a1", "P", 1, "孟春晓"),
    "gone_guest": ("c1", "P", 1, "夏雨荷"),
    "relinked": ("a1", "P", 2, "温以宁"),
    "far_relinked": ("c1", "P", 1, "池映月"),
}
GUARDIAN = "霍守常"


def kin(key: str) -> tuple[str, str, str, str]:
    """What only one child's record holds: a relative's name, phone and address, and the child's own phone."""
    n = list(CHILDREN).index(key)
    surname, given = "阮骆靳佟展栾麦屠冉郜宓荀邸甄"[n], "若衡"
    return (
        f"{surname}{given}",
        f"1370000{n:02d}{n:02d}",
        f"云梦路{700 + n}号院{n}栋",
        f"1360000{n:02d}{n:02d}",
    )


@dataclass
class World:
    """Who and what there is."""

    place: Place
    database: str = ""
    persons: dict[str, uuid.UUID] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    cases: dict[str, uuid.UUID] = field(default_factory=dict)
    files: dict[str, uuid.UUID] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)
    stages: dict[str, int] = field(default_factory=dict)
    certificates: dict[str, uuid.UUID] = field(default_factory=dict)
    #: A card and its batch, which share a key.
    cards: dict[str, uuid.UUID] = field(default_factory=dict)
    problems: dict[str, uuid.UUID] = field(default_factory=dict)
    watches: dict[str, uuid.UUID] = field(default_factory=dict)
    lists: dict[str, uuid.UUID] = field(default_factory=dict)
    exports: dict[str, uuid.UUID] = field(default_factory=dict)
    admissions: dict[str, uuid.UUID] = field(default_factory=dict)
    relay: dict[str, uuid.UUID] = field(default_factory=dict)
    incidents: dict[str, uuid.UUID] = field(default_factory=dict)
    complaints: dict[str, uuid.UUID] = field(default_factory=dict)
    charge: dict[str, dict[str, int]] = field(default_factory=dict)
    admission: dict[str, dict[str, Any]] = field(default_factory=dict)
    submission: dict[str, dict[str, Any]] = field(default_factory=dict)
    collect: dict[str, int] = field(default_factory=dict)
    runs: dict[str, uuid.UUID] = field(default_factory=dict)
    asks: dict[str, uuid.UUID] = field(default_factory=dict)
    peer: int = 0
    many: int = 0

    def personas(self) -> list[tuple[str, str]]:
        """Every account by role and place."""
        return sorted(self.place.users)

    def name(self, key: str) -> str:
        """The name of a child."""
        return CHILDREN[key][3]


def build() -> World:
    """Write it all through the commands that real people use."""
    place = make_county()
    world = World(place)
    born = date(2019, 5, 11)
    for key, (school, stage, number, name) in CHILDREN.items():
        world.numbers[key] = id_number(born, "1", division=place.org(school).division)
        world.persons[key] = enrol(
            place,
            school,
            name=name,
            stage=stage,
            number=number,
            birth=born,
            identity=world.numbers[key],
            guardians=[
                NewGuardian(GUARDIAN, "51", sealed={"phone": "13900001234"}),
                NewGuardian(kin(key)[0], "52", sealed={"phone": kin(key)[1], "address": kin(key)[2]}),
            ],
            profile={"phone": kin(key)[3]},
        )
    _histories(world)
    _photos(world)
    _cases(world)
    _watched(world)
    _accounts(world)
    _proofs(world)
    _desks(world)
    relay.build(world)
    _exports(world)
    _termbook(world)
    _year(world)
    world.incidents, world.complaints = privacy.build(
        world.place,
        {school: (world.persons[key], world.name(key)) for school, key in (("a1", "one"), ("c1", "c1"))},
    )
    world.charge = charge.build(world)
    classes.build(world)
    world.admission = admission.build(world)
    collect.build(world)
    duplicates.build(world)
    world.submission = submission.build(world)
    return world


def _step(world: World, who: tuple[str, str], step: Step) -> None:
    with act_as(world.place.user(*who)) as actor:
        enrolment.apply_step(actor, step)


def _histories(world: World) -> None:
    """A transfer that is over, stays as a guest, former names, corrected timelines."""
    place, people_ = world.place, world.persons
    for key, school in (("guest", "b1"), ("gone_guest", "a2")):
        _step(
            world,
            ("registrar", school),
            Step(
                people_[key],
                "borrow",
                STUDYING,
                midnight(date(2026, 9, 10)),
                kind=2,
                school_id=place.org(school).pk,
                class_id=place.klass(school).pk,
            ),
        )
    _step(
        world,
        ("registrar", "a2"),
        Step(people_["gone_guest"], "borrow_end", LEFT, midnight(date(2026, 10, 20)), kind=2),
    )
    for key, school in (("relinked", "a1"), ("far_relinked", "c1")):
        _step(
            world,
            ("registrar", school),
            Step(people_[key], "suspend", SUSPENDED, midnight(date(2026, 10, 8))),
        )
        with act_as(place.user("registrar", school)) as actor:
            last = next(x for x in chains.chain(people_[key]) if x.business == "suspend")
            later = Link(**{**last.__dict__, "valid_from": midnight(date(2026, 10, 20))})
            enrolment.relink(
                actor,
                people_[key],
                from_at=last.valid_from,
                links=[later],
                business="relink",
                reason="日期登记错误",
            )
    for key in ("one", "c1"):
        _former_name(people_[key])


def _former_name(person: uuid.UUID) -> None:
    """A name borne before, written beside the command (which would change the child's name here)."""
    with seeing_all(), connection.cursor() as c:
        c.execute(
            "insert into person_name (person_id, name_no, name, until, event_id, readers, klasses)"
            " select person_id, 1, '旧名', now(), %s, readers, klasses from person where person_id = %s",
            [uuid.uuid4(), person],
        )


def _photos(world: World) -> None:
    """Photos, uploaded by the schools before anybody moves."""
    for key, colour in (("one", "teal"), ("moved", "navy"), ("c1", "olive"), ("guest", "gray")):
        school = CHILDREN[key][0]
        person = world.persons[key]
        with act_as(world.place.user("registrar", school)) as actor, seeing_all(), connection.cursor() as c:
            c.execute("select readers, klasses from person where person_id = %s", [person])
            readers, klasses = c.fetchone()
            stored = files.store(
                actor,
                picture(colour=colour),
                name="photo.jpg",
                purpose="photo",
                readers=readers,
                klasses=klasses,
                person_id=person,
            )
            people.set_photo(actor, person, stored.id)
            world.files[f"photo:{key}"] = stored.id


def _transfer(world: World, key: str, to: str) -> Case:
    place, number = world.place, _national(world, key)
    with act_as(place.user("registrar", to)) as actor:
        case = cases.start(actor, business="transfer", name=world.name(key), number=number)
        cases.save_draft(
            actor,
            case_id=case.case_id,
            form={
                "reason": "家庭住址变动",
                "to_class_id": place.klass(to).pk,
                "effective_on": date.today().isoformat(),
            },
        )
    attach(place, case, "学生基本信息表", "转学原因证明", by=("registrar", to))
    return case


def _national(world: World, key: str) -> str:
    with act_as(world.place.user("registrar", CHILDREN[key][0])) as actor:
        return people.reveal(actor, world.persons[key], "number", "转学需要核对")


def _suspension(world: World, key: str) -> Case:
    place, school = world.place, CHILDREN[key][0]
    today = date.today()
    with act_as(place.user("registrar", school)) as actor:
        case = cases.start(actor, business="suspend", person_id=world.persons[key])
        cases.save_draft(
            actor,
            case_id=case.case_id,
            form={
                "reason": "因事",
                "start": today.isoformat(),
                "end": today.replace(year=today.year + 1).isoformat(),
            },
        )
    attach(place, case, "休学申请", by=("registrar", school))
    return case


def _cases(world: World) -> None:
    """A transfer done, one under way, a draft of one, suspensions of two counties under way."""
    place = world.place
    with act_as(place.user("registrar", "a1")) as actor:
        world.certificates["moved"] = certificates.issue(actor, world.persons["moved"], purpose="升学").pk
    done = send(place, _transfer(world, "moved", "b1"), ("registrar", "b1"))
    pass_all(place, done, EIGHT)
    world.cases["moved"] = done.case_id
    world.cases["moving"] = send(place, _transfer(world, "moving", "b1"), ("registrar", "b1")).case_id
    world.cases["wanted"] = _transfer(world, "wanted", "b1").case_id
    for key in ("two", "senior"):
        world.cases[key] = send(place, _suspension(world, key), ("registrar", CHILDREN[key][0])).case_id
    with seeing_all(), connection.cursor() as c:
        c.execute("select case_id, file_id, slot from case_file order by id")
        keys = {v: k for k, v in world.cases.items()}
        for case_id, file_id, _slot in c.fetchall():
            world.files.setdefault(f"case:{keys[case_id]}", file_id)


def _rules(world: World) -> None:
    """Each of two counties has proposed a version of its own rules."""
    head = '[pack]\nid = "{}"\ntitle = "县"\ntier = "county"\nextends = "cn-99"\nversion = "9"\ninvented = true\n'
    for key, pack in (("a", "cn-99-0101"), ("c", "cn-99-0201")):
        with act_as(world.place.user("county_clerk", key)) as actor:
            row = policy.stage(
                actor, text=head.format(pack), effective_on=timezone.localdate(), note="测试用的版本"
            )
        world.stages[key] = row.pk


#: Records that share a problem: the key of one of them -> both.
DISPUTES = {"relinked": ("relinked", "b1"), "far_relinked": ("far_relinked",)}


def _watched(world: World) -> None:
    """A problem record of two counties and one of a third; children who may be dropping out; a term's report."""
    place = world.place
    for key, sides in DISPUTES.items():
        with act_as(place.user("registrar", CHILDREN[key][0])) as actor:
            world.problems[key] = problems.open_problem(
                actor,
                "same_person" if len(sides) > 1 else "wrong_id",
                [world.persons[k] for k in sides],
                source="check",
            ).pk
    for key in ("one", "c1"):
        with act_as(place.user("registrar", key if key == "c1" else "a1")) as actor:
            world.watches[key] = dropout.notice(
                actor, world.persons[key], source="absence", since=date(2026, 11, 2), text="没有到校"
            ).pk
        with act_as(place.user("school_head", key if key == "c1" else "a1")) as actor:
            dropout.send_report(actor, words="会审通过")
            monthly.submit(actor, units.resolve(actor), monthly.choices()[1])


def _proofs(world: World) -> None:
    """What proves accounts: of several people, nothing of it in force (it would stand before their pages)."""
    now = timezone.now()
    with seeing_all():
        for role, where in (("registrar", "a1"), ("registrar", "c1"), ("county_clerk", "c"), ("parent", "")):
            user = world.place.user(role, where)
            Factor.objects.create(user=user, kind="passkey", name="手机", sealed=b"x")
            RecoveryCode.objects.create(user=user, digest=b"x", used_at=now)
            FactorGuard.objects.create(user=user)
            SsoIdentity.objects.create(user=user, provider="cas", subject=user.username)
            SignIn.objects.create(user=user, how="password", outcome="ok", address="10.0.0.1")


def _accounts(world: World) -> None:
    """Parents and students with children; an account with two roles; batches of two schools."""
    place = world.place
    parent, student = place.user("parent"), place.user("student")
    for key in ("one", "moved", "moving", "wanted", "relinked"):
        link_child(parent, world.persons[key])
    link_child(student, world.persons["two"], guardian_no=None)
    with seeing_all(), connection.cursor() as c:
        for name, display in (("stranger", "陌生家长"), ("many", "身兼两职")):
            c.execute(
                "insert into account_user (password, username, display_name, phone, is_active, failed_logins,"
                " must_change_password, last_seen_from, created_at)"
                " values ('', %s, %s, '', true, 0, false, '', now()) returning id",
                [name, display],
            )
            user = int(c.fetchone()[0])
            if name == "stranger":
                give_role(user, "parent")
                link_child(user, world.persons["c1"])
            else:
                world.many = user
                give_role(user, "registrar", place.org("a1"))
                give_role(user, "registrar", place.org("c1"))
        for school in ("a1", "c1"):
            c.execute(
                "insert into import_batch (county_id, school_id, kind, state, file_name, file_sha256, mapping, counts,"
                " problem, progress, creator_id, created_at, version)"
                " values (%s, %s, 'enrol', 'failed', '名册.xlsx', '', '{}', '{}', '不是表格', 0, %s, now(), 1)"
                " returning id",
                [place.org(school[0]).pk, place.org(school).pk, place.user("registrar", school).pk],
            )
            world.batches[school] = int(c.fetchone()[0])
            with acting("intake"):
                c.execute(
                    "insert into known_heading (school_id, county_id, heading, key, set_by, set_at)"
                    " values (%s, %s, '男孩女孩', 'sex', %s, now())",
                    [place.org(school).pk, place.org(school[0]).pk, place.user("registrar", school).pk],
                )
            c.execute(
                "insert into takeover (id, county_id, school_id, state, as_of, roster_name, roster_sha256, moves_name,"
                " moves_sha256, mapping, counts, totals, explanation, signed_name, creator_id, creator_name, created_at,"
                " published, version) values (%s, %s, %s, 'checked', '2026-11-20', '名册.xlsx', '', '', '', '{}', '{}', '[]',"
                " '', '', %s, '', now(), 0, 1)",
                [
                    world.batches[school],
                    place.org(school[0]).pk,
                    place.org(school).pk,
                    place.user("registrar", school).pk,
                ],
            )
            c.execute(
                "insert into creation_list (id, kind, county_id, school_id, year, state, total, current_seq, note,"
                " creator_id, creator_name, created_at, version)"
                " values (%s, 'creation', %s, %s, 2026, 'running', 1, 1, '', %s, '', now(), 1)",
                [
                    world.batches[school],
                    place.org(school[0]).pk,
                    place.org(school).pk,
                    place.user("registrar", school).pk,
                ],
            )
            c.execute(
                "insert into creation_item (list_id, person_id, kind, year, county_id, school_id, state, reason)"
                " values (%s, gen_random_uuid(), 'creation', 2026, %s, %s, 'pending', '')",
                [world.batches[school], place.org(school[0]).pk, place.org(school).pk],
            )
            c.execute(
                "insert into special_record (person_id, county_id, school_id, mode, since, basis, ended_why, entered_by,"
                " entered_name, entered_at) values (gen_random_uuid(), %s, %s, 'home', '2026-09-01', '评估', '', 1, '', now())",
                [place.org(school[0]).pk, place.org(school).pk],
            )
            c.execute(
                "insert into creation_step (list_id, seq, county_id, school_id, org_id, role, label, state, decider_name,"
                " opinion) values (%s, 1, %s, %s, %s, 'county_clerk', '主管部门经办', 'current', '', '')",
                [
                    world.batches[school],
                    place.org(school[0]).pk,
                    place.org(school).pk,
                    place.org(school[0]).pk,
                ],
            )
            c.execute(
                "insert into takeover_difference (takeover_id, county_id, school_id, name, place, kind, field, here, there,"
                " decision, reason, decided_name) values (%s, %s, %s, '甲', '', 'there', '', '', '', 'open', '', '')",
                [world.batches[school], place.org(school[0]).pk, place.org(school).pk],
            )
            c.execute(
                "insert into exam (org_id, org_path, org_name, kind, name, stage, cohort_year, subjects, opens_on, closes_on,"
                " held_on, state, article, made_by, made_name, made_at) values (%s, %s, '', 'xk', '学考', 'P', 2026, '[]',"
                " '2026-11-01', '2026-11-30', '2026-12-20', 'open', '', 1, '', now()) returning id",
                [place.org(school[0]).pk, place.org(school[0]).path],
            )
            c.execute(
                "insert into exam_entry (exam_id, person_id, county_id, school_id, class_id, name, sex, birth_date, state,"
                " why, checked_name, ticket, marks)"
                " values (%s, %s, %s, %s, %s, '甲', '1', '2019-05-11', 'open', '', '', '', '{}')",
                [
                    c.fetchone()[0],
                    world.persons["one" if school == "a1" else "c1"],
                    place.org(school[0]).pk,
                    place.org(school).pk,
                    place.klass(school).pk,
                ],
            )
            c.execute(
                "insert into register_stamp (county_id, school_id, start_year, state, total, counts, digest, asked_name,"
                " asked_at, stamped_org, stamped_name, article, remark)"
                " values (%s, %s, 2026, 'asked', 1, '{}', '', '', now(), '', '', '', '')",
                [place.org(school[0]).pk, place.org(school).pk],
            )
            about = {"a1": "two", "c1": "senior"}[school]
            c.execute(
                "insert into placing_request (id, case_id, county_id, school_id, placed_school_id, person_id, about, stage,"
                " cohort_year, state, asked_at, due_on, answer, answered_name)"
                " values (%s, %s, %s, %s, %s, %s, '{}', 'P', 2026, 'placed', now(), '2026-11-27', '', '')",
                [
                    world.batches[school],
                    world.cases[about],
                    place.org(school[0]).pk,
                    place.org(school).pk,
                    place.org("a2").pk if school == "a1" else None,
                    world.persons[about],
                ],
            )
            c.execute(
                "insert into term_report (org_id, county_id, term, phase, as_of, tables, made_name, made_at, times)"
                " values (%s, %s, '2026-1', 'begin', '2026-10-01', '[]', '', now(), 1)",
                [place.org(school).pk, place.org(school[0]).pk],
            )
            world.cards["one" if school == "a1" else "c1"] = card = uuid.uuid4()
            c.execute(
                "insert into card_batch (id, school_id, county_id, class_id, kind, title, stage, total, state, sealer_id,"
                " made_name, made_at, sealed_name, note)"
                " values (%s, %s, %s, %s, 'student', '一年级(1)班', 'P', 1, 'made', %s, '', now(), '', '')",
                [
                    card,
                    place.org(school).pk,
                    place.org(school[0]).pk,
                    place.klass(school).pk,
                    place.org(school[0]).pk,
                ],
            )
            c.execute(
                "insert into student_card (id, kind, number, year, serial, chip, person_id, name, school_id, county_id,"
                " class_id, batch_id, state, fee, lost_why, lost_name, announced_where, void_why)"
                " values (%s, 'student', %s, 2026, 1, '', %s, '甲', %s, %s, %s, %s, 'made', 0, '', '', '', '')",
                [
                    card,
                    f"Z{school}",
                    world.persons["one" if school == "a1" else "c1"],
                    place.org(school).pk,
                    place.org(school[0]).pk,
                    place.klass(school).pk,
                    card,
                ],
            )
            c.execute(
                "insert into offline_package (id, county_id, school_id, title, total, state, made_by, made_name, made_at,"
                " ended_name, ended_why) values (%s, %s, %s, '一年级(1)班', 1, 'back', 1, '', now(), '', '')",
                [world.batches[school], place.org(school[0]).pk, place.org(school).pk],
            )
            c.execute(
                "insert into offline_handback (id, package_id, county_id, school_id, number, state, file_name, file_sha256,"
                " counts, by_id, by_name, at, done_name)"
                " values (%s, %s, %s, %s, 1, 'open', '离线.xlsx', '', '{}', 1, '', now(), '')",
                [world.batches[school], world.batches[school], place.org(school[0]).pk, place.org(school).pk],
            )
            c.execute(
                "insert into offline_item (handback_id, county_id, school_id, name, place, kind, field, base, here, there,"
                " decision, reason, decided_name) values (%s, %s, %s, '甲', '', 'there', '', '', '', '', 'open', '', '')",
                [world.batches[school], place.org(school[0]).pk, place.org(school).pk],
            )
            c.execute(
                "insert into photo_batch (id, school_id, county_id, state, file_name, total, problem, creator_id,"
                " creator_name, assignment_id, created_at)"
                " values (%s, %s, %s, 'ready', '照片.zip', 1, '', %s, '', 0, now())",
                [
                    world.batches[school],
                    place.org(school).pk,
                    place.org(school[0]).pk,
                    place.user("registrar", school).pk,
                ],
            )
            c.execute(
                "insert into photo_item (batch_id, no, school_id, label, state, how, note)"
                " values (%s, 1, %s, '甲.jpg', 'unmatched', '', '')",
                [world.batches[school], place.org(school).pk],
            )
    for key, school in (("one", "a1"), ("c1", "c1")):
        with act_as(place.user("registrar", school)) as actor:
            world.certificates[key] = certificates.issue(actor, world.persons[key], purpose="升学").pk
            family.issue(actor, place.klass(school, "P", 2026, 1).pk, [world.persons[key]])
    with seeing_all():
        stranger = User.objects.get(username="stranger").pk
        # Of somebody from whom a court keeps the school: neither the other parent nor the pupil reads it.
        FamilyRequest.objects.create(
            person_id=world.persons["one"], name="某生", school_id=place.org("a1").pk, appeal_org_id=place.org("a").pk,
            kind="copy", field="other", words="要求查阅", direct=True, state="appealed", asked_by=0,
        )  # fmt: skip
    for family_of, key in ((parent.pk, "one"), (stranger, "c1")):
        with act_as(family_of) as actor:
            asked = requests.ask(
                actor,
                world.persons[key],
                kind="correct",
                field="phone",
                wanted="已换号码",
                words="电话换了, 请更正",
            ).pk
    with act_as(place.user("registrar", "c1")) as actor:
        requests.answer(actor, asked, agreed=False, reply="核对后没有不符")
    with act_as(stranger) as actor:
        requests.appeal(actor, asked, words="学校没有说明原因")


def _year(world: World) -> None:
    """Graduation lists that took effect in two counties, one under way, where the graduates go, promotion checks."""
    place = world.place
    for key, school, name in (("graduate", "a1", "季无双"), ("far_graduate", "c1", "宫羽裳")):
        last_class(place, school)
        born = date(2013, 5, 11)
        world.numbers[key] = id_number(born, "1", division=place.org(school).division)
        world.persons[key] = enrol(
            place,
            school,
            name=name,
            birth=born,
            cohort=COHORT,
            on=date(COHORT, 9, 1),
            identity=world.numbers[key],
        )
        row = begin(place, school=school)
        send_list(place, row, school=school)
        county = school[0]
        rest = (("school_head", school), ("county_clerk", county), ("county_head", county))
        pass_list(place, row, rest)
        world.lists[school] = row.list_id
        with act_as(place.user("registrar", school)) as actor:
            yearly.record_destinations(actor, list_id=row.list_id, person_ids=[world.persons[key]], code="16")
        with act_as(place.user("school_head", school)) as actor:
            yearly.confirm_promotion(actor, start_year=2026)
    with act_as(place.user("registrar", "b1")) as actor:
        world.admissions["a1"] = yearly.claim(
            actor, name="季无双", number=world.numbers["graduate"], reason="户籍在本县"
        )
    with act_as(place.user("county_clerk", "c")) as actor:
        yearly.place(actor, person_ids=[world.persons["far_graduate"]], to_school_id=place.org("c1").pk)
        world.admissions["c1"] = Admission.objects.get(person_id=world.persons["far_graduate"]).pk


def _desks(world: World) -> None:
    """Sessions; colleagues who stood in last month; opinions kept for later, in two counties and two schools."""
    place = world.place
    with seeing_all(), connection.cursor() as c:
        for who in (("parent", ""), ("registrar", "a1"), ("school_head", "c1")):
            c.execute(
                "insert into user_session (session_key, user_id, started_at, seen_at, address, agent, factor)"
                " values (%s, %s, now(), now(), '127.0.0.1', '', '')",
                [uuid.uuid4().hex, world.place.user(*who).pk],
            )
        for role, stand_in, where in (
            ("county_head", "county_clerk", "a"),
            ("county_head", "county_clerk", "c"),
            ("school_head", "registrar", "a1"),
        ):
            c.execute(
                "insert into delegation (assignment_id, org_id, to_user_id, since, until, reason, set_by_id, set_at)"
                " select id, org_id, %s, current_date - 30, current_date - 20, '外出培训', user_id, now()"
                " from role_assignment where user_id = %s",
                [place.user(stand_in, where).pk, place.user(role, where).pk],
            )
        for where in ("a", "c", "a1"):
            role = "school_head" if where == "a1" else "county_head"
            for owner in ("org_id", "user_id"):
                value = place.org(where).pk if owner == "org_id" else place.user(role, where).pk
                c.execute(
                    f"insert into opinion_template ({owner}, business, decision, text, created_by, created_at)"
                    " values (%s, '', 'pass', '情况属实, 同意', %s, now())",
                    [value, place.user(role, where).pk],
                )


def _termbook(world: World) -> None:
    """A mark in two schools, and one of a child that has left for another."""
    for key, school in (("one", "a1"), ("c1", "c1")):
        with act_as(world.place.user("registrar", school)) as actor:
            termbook.write_class(
                actor, world.place.klass(school).pk, year=2026, term=1, kind="mark",
                values={(world.persons[key], "13"): "优"},
            )  # fmt: skip
    with seeing_all(), connection.cursor() as c:
        c.execute(
            "insert into term_line (person_id, school_id, year, term, kind, item, value, user_id, user_name, at,"
            " ended_name, ended_why) values (%s, %s, 2025, 2, 'mark', '13', '良', 0, '-', now(), '', '')",
            [world.persons["moved"], world.place.org("a1").pk],
        )


def _exports(world: World) -> None:
    """Applications in two schools, both granted and signed for; an opening of a county by the province."""
    for school in ("a1", "c1"):
        world.exports[school] = granted_export(
            world.place, school, fields=["name", "identity", "number", "phone", "address"]
        )
    with act_as(world.place.user("province_head", "province")) as actor:
        exports.open_county(
            actor,
            world.place.org("b").pk,
            document="测试授权1号",
            until=timezone.localdate() + timedelta(days=30),
        )


def committed() -> World:
    """Build in one transaction that stays."""
    with transaction.atomic():
        return build()
