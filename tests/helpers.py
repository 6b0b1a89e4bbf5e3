"""Personas for tests: a small invented province with everybody in it, and ways to act as one of them.

    from tests.helpers import make_county, act_as, login

    place = make_county()                                # rolled back with the test
    with act_as(place.user("registrar", "a1")) as actor: ...
    login(client, place.user("county_clerk", "a"))

Province 990000 with cities 1 and 2; counties a and b belong to city 1, county c to city 2. Schools: a1 and a2
(primary, county a; a2 under a central school), b1 (primary and junior, county b), c1 (all stages, county c).
Made as the writing role in a dozen statements, so that every test can afford its own.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from xueji.ground.accounts.actor import Actor, enter
from xueji.ground.accounts.http import ASSIGNMENT_KEY, USER_KEY
from xueji.ground.accounts.models import FactorRule, PortalLink, RoleAssignment, User, UserSession
from xueji.ground.accounts.roles import Role
from xueji.ground.db.scope import acting
from xueji.ground.duty.models import Authorisation, Training, Undertaking
from xueji.ground.duty.words import KINDS
from xueji.ground.notice.models import NoticeReading, PolicyNotice
from xueji.ground.orgs.models import Org, OrgKind, School, SchoolClass
from xueji.office.exports.models import ExportRule

PASSWORD = "Test-pass-2026"
SINCE = date(2020, 1, 1)
COHORTS = (2026, 2025, 2024)


@cache
def password_hash() -> str:
    """The hash of PASSWORD, made once: hashing is slow on purpose."""
    return make_password(PASSWORD)


@dataclass
class Place:
    """What `make_county` made. Organisations by key: province, city1, city2, a, b, c, central, a1, a2, b1, c1."""

    orgs: dict[str, Org]
    classes: dict[tuple[str, str, int, int], SchoolClass]
    users: dict[tuple[str, str], User] = field(default_factory=dict)

    def org(self, key: str) -> Org:
        """The organisation of a key."""
        return self.orgs[key]

    def user(self, role: str, where: str = "") -> User:
        """The account that holds a role at a place: ("registrar", "a1"), ("county_clerk", "a"), ("parent", "")."""
        return self.users[(role, where)]

    def klass(self, school: str = "a1", stage: str = "P", cohort: int = 2026, number: int = 1) -> SchoolClass:
        """A class; each school has cohorts 2026, 2025 and 2024 of each stage, a1 two classes of each."""
        return self.classes[(school, stage, cohort, number)]


#: key -> parent, kind, division, name; in order from the top
_ORGS: tuple[tuple[str, str, str, str, str], ...] = (
    ("province", "", OrgKind.PROVINCE, "990000", "测试省教育厅"),
    ("city1", "province", OrgKind.CITY, "990100", "甲州市教育局"),
    ("city2", "province", OrgKind.CITY, "990200", "乙州市教育局"),
    ("a", "city1", OrgKind.COUNTY, "990101", "青禾县教育局"),
    ("b", "city1", OrgKind.COUNTY, "990102", "临川县教育局"),
    ("c", "city2", OrgKind.COUNTY, "990201", "白石县教育局"),
    ("central", "a", OrgKind.CENTRAL, "990101", "青禾县东乡中心校"),
    ("a1", "a", OrgKind.SCHOOL, "990101", "青禾县第一小学"),
    ("a2", "central", OrgKind.SCHOOL, "990101", "青禾县东乡小学"),
    ("b1", "b", OrgKind.SCHOOL, "990102", "临川县九年制学校"),
    ("c1", "c", OrgKind.SCHOOL, "990201", "白石县实验学校"),
)
_STAGES = {"a1": "P", "a2": "P", "b1": "PJ", "c1": "PJS"}
_PLACES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (Role.REGISTRAR, ("a1", "a2", "b1", "c1")),
    (Role.SCHOOL_HEAD, ("a1", "a2", "b1", "c1")),
    (Role.CLASS_TEACHER, ("a1", "a2", "b1", "c1")),
    (Role.TEACHER, ("a1", "b1")),
    (Role.CENTRAL_CLERK, ("central",)),
    (Role.COUNTY_CLERK, ("a", "b", "c")),
    (Role.COUNTY_HEAD, ("a", "b", "c")),
    (Role.CITY_CLERK, ("city1", "city2")),
    (Role.CITY_HEAD, ("city1", "city2")),
    (Role.PROVINCE_CLERK, ("province",)),
    (Role.PROVINCE_HEAD, ("province",)),
    (Role.SYSTEM_ADMIN, ("province",)),
    (Role.SECURITY_ADMIN, ("province",)),
    (Role.AUDIT_ADMIN, ("province",)),
    (Role.PARENT, ("",)),
    (Role.STUDENT, ("",)),
)


def _ids(table: str, n: int) -> list[int]:
    with connection.cursor() as c:
        c.execute("select nextval(pg_get_serial_sequence(%s, 'id')) from generate_series(1, %s)", [table, n])
        return [r[0] for r in c.fetchall()]


def _free(wish: int, taken: set[int]) -> int:
    """Four digits of a school's code that no other school here has.

    A worker that has built many counties is past key 9999, and some tests leave theirs behind.
    """
    found = next(
        n for n in itertools.chain(range(wish % 10_000, 10_000), itertools.count()) if n not in taken
    )
    taken.add(found)
    return found


def make_county(tag: str = "") -> Place:
    """Build the province with classes and one account for every role. `tag` keeps codes and names of two apart."""
    with transaction.atomic(), acting("writer"):
        orgs: dict[str, Org] = {}
        taken = {int(code[6:]) for code in Org.objects.values_list("code", flat=True) if len(code) == 10}
        for (key, above, kind, division, name), pk in zip(_ORGS, _ids("org", len(_ORGS)), strict=True):
            parent = orgs.get(above)
            code = (
                f"{division}{_free(pk, taken):04d}"
                if kind in (OrgKind.SCHOOL, OrgKind.CENTRAL)
                else f"{division}{tag}"
            )
            orgs[key] = Org(
                id=pk,
                kind=kind,
                code=code,
                division=division,
                name=name,
                short_name=name[:30],
                parent=parent,
                path=f"{parent.path if parent else '/'}{pk}/",
                phone="0990-1234567",
                contact="学籍科",
                valid_from=SINCE,
            )
        Org.objects.bulk_create(orgs.values())
        School.objects.bulk_create(
            School(
                org=orgs[key],
                county=orgs[key[0]],
                school_code=orgs[key].code,
                school_type="211",
                stages=list(stages),
                seal_name=orgs[key].name,
            )
            for key, stages in _STAGES.items()
        )
        classes = {
            (key, stage, cohort, number): SchoolClass(
                school_id=orgs[key].pk, stage=stage, cohort_year=cohort, number=number
            )
            for key, stages in _STAGES.items()
            for stage in stages
            for cohort in COHORTS
            for number in ((1, 2) if key == "a1" else (1,))
        }
        SchoolClass.objects.bulk_create(classes.values())
        # The second factor has its own tests; everybody here signs in with name and password.
        FactorRule.objects.filter(must=True).update(must=False)
        place = Place(orgs, classes)
        _make_users(place, tag)
        # Each unit has its rule about exports, without which nobody there may apply for one.
        ExportRule.objects.bulk_create(export_rule(org) for org in orgs.values())
    return place


def export_rule(org: Org) -> ExportRule:
    """A unit's rule about exports, as narrow as the system's own limits."""
    return ExportRule(
        org_id=org.pk,
        title="学籍数据导出和使用管理制度",
        text="数据按需申请, 审核批准后导出, 用完销毁并确认。",
        responsible=f"{org.name}负责人",
        post="主管领导",
        duties=[["学籍管理员", "受理、审核申请, 导出文件"]],
        most_days=14,
        most_files=5,
        most_rows=5000,
        since=SINCE,
        set_by=0,
        set_name="-",
    )


def _make_users(place: Place, tag: str) -> None:
    wanted = [(role, key) for role, keys in _PLACES for key in keys]
    for role, key in wanted:
        org = place.orgs.get(key) or place.orgs["a1"]
        place.users[(role, key)] = User(
            username=f"{role}.{key or 'x'}{tag}",
            display_name=f"{Role(role).label}{key}"[:50],
            phone="0990-7654321",
            home_org=org,
            password=password_hash(),
        )
    User.objects.bulk_create(place.users.values())
    RoleAssignment.objects.bulk_create(
        RoleAssignment(
            user=user,
            role=role,
            org=place.orgs.get(key),
            school_class=place.klass(key) if role in (Role.CLASS_TEACHER, Role.TEACHER) else None,
            valid_from=SINCE,
        )
        for (role, key), user in place.users.items()
    )
    bind(
        [u.pk for u in place.users.values()],
        [place.orgs[k].pk for k in _STAGES],
    )
    inform([u.pk for (role, _key), u in place.users.items() if role in (Role.PARENT, Role.STUDENT)])


def bind(user_ids: Iterable[int], schools: Iterable[int] = ()) -> None:
    """Promise signed and lesson taken by these accounts, and the heads of these schools have authorised all edits."""
    day = timezone.localdate()
    ids, orgs = list(user_ids), list(schools)
    with transaction.atomic(), acting("writer"):
        Undertaking.objects.bulk_create(Undertaking(user_id=u, name="-", signed_on=day) for u in ids)
        Training.objects.bulk_create(
            Training(user_id=u, topic="保密培训", done_on=day, hours=2, trainer="-", written_by=u)
            for u in ids
        )
        Authorisation.objects.bulk_create(
            Authorisation(
                org_id=org,
                kinds=list(KINDS),
                reason="日常信息维护",
                since=day - timedelta(days=30),
                until=day + timedelta(days=60),
                state="granted",
                asked_by=0,
                asked_name="-",
                decided_by=1,
                decided_name="-",
            )
            for org in orgs
        )


def inform(user_ids: Iterable[int]) -> None:
    """These accounts have been shown the privacy notice in every version."""
    with transaction.atomic(), acting("writer"):
        versions = list(PolicyNotice.objects.values_list("version", flat=True))
        NoticeReading.objects.bulk_create(
            [NoticeReading(user_id=u, version=v) for u in user_ids for v in versions], ignore_conflicts=True
        )


def give_role(user: User | int, role: str, org: Org | None = None, klass: SchoolClass | None = None) -> int:
    """One more role for an account, past every check; returns the assignment's id."""
    with transaction.atomic(), acting("writer"):
        row = RoleAssignment.objects.create(
            user_id=_id(user), role=role, org=org, school_class=klass, valid_from=SINCE
        )
    return row.pk


def link_child(user: User | int, person_id: uuid.UUID, guardian_no: int | None = 1) -> None:
    """Let a parent's account see a child (a student's own account: `guardian_no=None`)."""
    with transaction.atomic(), acting("writer"):
        PortalLink.objects.create(
            user_id=_id(user), person_id=person_id, guardian_no=guardian_no, since=SINCE
        )


@contextmanager
def act_as(user: User | int, assignment: int | None = None) -> Iterator[Actor]:
    """A transaction in the scope of an account, as a request opens it; afterwards nothing is in scope again."""
    with transaction.atomic():
        actor = enter(_id(user), assignment, address="127.0.0.1")
        assert actor is not None, "the account has no valid role"
        yield actor
        with connection.cursor() as c:
            c.execute("select xueji_set_scope(null, null, null, null)")


@contextmanager
def seeing_all() -> Iterator[None]:
    """Look at any table regardless of scope (as the writing role)."""
    with transaction.atomic(), acting("writer"):
        yield


def login(
    client: Client,
    user: User | int,
    assignment: int | None = None,
    *,
    bound: bool = True,
    informed: bool = True,
) -> Client:
    """Sign a test client in without a password (signing in itself has its own tests).

    `bound` False: without the promise of confidentiality that whoever has an account must have signed; `informed` False:
    without having been shown the privacy notice.
    """
    if informed:
        inform([_id(user)])
    if bound and not Undertaking.objects.filter(user_id=_id(user)).exists():
        bind([_id(user)])
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore()
    store[USER_KEY] = _id(user)
    if assignment:
        store[ASSIGNMENT_KEY] = assignment
    store.save()
    with transaction.atomic(), acting("writer"):
        UserSession.objects.create(
            session_key=store.session_key, user_id=_id(user), seen_at=timezone.now(), address="127.0.0.1"
        )
    client.cookies[settings.SESSION_COOKIE_NAME] = store.session_key
    return client


def _id(user: User | int) -> int:
    return user if isinstance(user, int) else user.pk
