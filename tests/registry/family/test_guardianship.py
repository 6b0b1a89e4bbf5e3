"""Who may see a child ends the day it ends: courts, revocation, adoption, death, birthdays, a home kept secret.

Journey: a registrar records a court's order with its file on the child's page; the parent's open session finds nothing at
the next click; the head confirms, and only his word lifts it again.
"""

from __future__ import annotations

import random
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.attacks.addresses import ADDRESSES, PORTAL
from tests.children import enrol
from tests.helpers import Place, act_as, give_role, link_child, login, make_county

from xueji.ground.accounts.models import User
from xueji.ground.db.scope import acting
from xueji.office.certificates import commands as certificates
from xueji.registry.family import commands, guardianship, sight
from xueji.registry.family.errors import FamilyError
from xueji.registry.family.models import Consent, Guardianship, Invitation
from xueji.registry.people.commands import NewGuardian, reveal, set_guardian
from xueji.registry.people.models import Guardian, Person, PersonProfile

pytestmark = pytest.mark.django_db
PAPER = "青禾县人民法院 (2026)测民初1号"
CLOSING = ("revoked", "court_all", "adopted", "died")
NARROWING = ("court_contact", "court_school", "protected")


class World:
    """A child with father (1) and mother (2), each with an account."""

    def __init__(self, birth: date | None = None) -> None:
        self.place: Place = make_county()
        kin = [
            NewGuardian(name="欧阳锋", relation="51", sealed={"phone": "13900001111"}),
            NewGuardian(name="张兰", relation="52", sealed={"phone": "13900002222", "address": "云梦路7号"}),
        ]
        self.person = enrol(
            self.place,
            name="欧阳娜娜",
            birth=birth,
            guardians=kin,
            profile={"phone": "13600003333", "current_address": "云梦路7号"},
        )
        self.father = self.place.user("parent")
        with transaction.atomic(), acting("writer"):
            self.mother = User.objects.create(username="mother", display_name="张兰", password="x")
        give_role(self.mother, "parent")
        link_child(self.father, self.person, 1)
        link_child(self.mother, self.person, 2)

    def put(
        self, kind: str, guardian_no: int | None = 1, since: date | None = None, **more: Any
    ) -> Guardianship:
        with act_as(self.place.user("registrar", "a1")) as actor:
            return guardianship.put(
                actor,
                self.person,
                kind=kind,
                guardian_no=guardian_no,
                since=since or timezone.localdate(),
                paper=PAPER,
                **more,
            )

    def lift(self, fact: Guardianship, since: date | None = None) -> Guardianship:
        with act_as(self.place.user("registrar", "a1")) as actor:
            return guardianship.lift(actor, fact.pk, since=since or timezone.localdate(), paper=PAPER)

    def decide(self, fact: Guardianship, agreed: bool = True) -> None:
        with act_as(self.place.user("school_head", "a1")) as actor:
            guardianship.decide(actor, fact.pk, agreed=agreed, words="与原件不符" if not agreed else "")

    def sees(self, user: User) -> dict[str, int]:
        """How many rows of each kind the database itself gives to an account."""
        tables = ("person", "roster", "event", "enrolment_state", "person_profile", "guardian", "person_name")
        with act_as(user), connection.cursor() as c:
            out = {}
            for table in tables:
                c.execute(f"select count(*) from {table} where person_id = %s", [self.person])
                out[table] = c.fetchone()[0]
        return out


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.capability("C-ROL-05")
@pytest.mark.parametrize("kind", CLOSING)
def test_what_closes_closes_at_once_for_one_guardian_and_an_open_session(
    world: World, client: Client, kind: str
) -> None:
    login(client, world.father)
    assert client.get(f"/my/{world.person}/").status_code == 200
    world.put(kind)
    assert not any(world.sees(world.father).values())
    for page in ("", "growth/", "request/", "data/"):
        assert client.get(f"/my/{world.person}/{page}").status_code == 404
    assert client.post(f"/my/{world.person}/certificate/", {"purpose": "bank"}).status_code == 404
    assert client.get(f"/people/{world.person}/photo.jpg").status_code == 404
    assert world.sees(world.mother)["roster"] == 1


def test_no_address_of_the_portal_tells_the_school_to_whom_the_court_forbade_it(
    world: World, client: Client
) -> None:
    world.put("court_school")
    seen = world.sees(world.father)
    assert (seen["person"], seen["guardian"]) == (1, 2)
    assert (seen["roster"], seen["event"], seen["enrolment_state"]) == (0, 0, 0)
    login(client, world.father)
    for page in ("/my/", f"/my/{world.person}/", f"/my/{world.person}/data/", "/cases/"):
        answer = client.get(page, follow=True)
        assert "第一小学" not in answer.content.decode()
    assert client.get(f"/my/{world.person}/growth/").status_code == 404
    asked = client.get(f"/my/{world.person}/request/").content.decode()
    assert "交给主管部门" in asked and "青禾" not in asked, "the authority is not named either"


@pytest.mark.capability("C-ROL-02")
@pytest.mark.parametrize("kind", ["revoked", "court_all", "adopted", "died", "court_school", "protected"])
def test_no_address_that_a_family_may_ask_leaks_what_is_closed(
    world: World, client: Client, kind: str
) -> None:
    with act_as(world.place.user("registrar", "a1")) as actor:
        paper = certificates.issue(actor, world.person, purpose="升学")
    login(client, world.father)
    assert client.get(f"/certificates/{paper.pk}/").status_code == 200
    world.put(kind, 2 if kind == "protected" else 1)
    secrets = ["青禾县第一小学", paper.number]
    if kind != "court_school":
        secrets += ["云梦路", "139****2222", "136****3333"]
    asked = 0
    for name, address in ADDRESSES.items():
        if address.post or not (address.permission == PORTAL or address.may("parent")):
            continue
        path = (
            address.path.replace("{person}", str(world.person))
            .replace("{photo}", str(world.person))
            .replace("{certificate}", str(paper.pk))
        )
        if "{" in path or name.startswith(("accounts:", "home:healthz")):
            continue
        answer = client.get(path, follow=True)
        text = b"".join(answer) if answer.streaming else answer.content
        asked += 1
        for secret in secrets:
            assert secret.encode() not in text, (name, secret)
        if kind in CLOSING:
            assert "欧阳娜娜".encode() not in text, name
    assert asked > 10


def test_a_secret_home_is_seen_by_the_one_guardian_and_the_schools_office_alone(
    world: World,
) -> None:
    world.put("protected", 2)
    assert world.sees(world.father) == {
        "person": 1, "roster": 0, "event": 0, "enrolment_state": 0, "person_profile": 0, "guardian": 0,
        "person_name": 0,
    }  # fmt: skip
    assert world.sees(world.mother)["guardian"] == 2
    for role, where, rows in (
        ("registrar", "a1", 1),
        ("school_head", "a1", 1),
        ("class_teacher", "a1", 0),
        ("county_clerk", "a", 0),
        ("county_head", "a", 0),
    ):
        assert world.sees(world.place.user(role, where))["person_profile"] == rows, role
    with pytest.raises(Http404), act_as(world.place.user("county_clerk", "a")) as actor:
        reveal(actor, world.person, "phone", "联系监护人")
    # Whoever joins the family later is kept as secret as the others.
    with act_as(world.place.user("registrar", "a1")) as actor:
        set_guardian(actor, world.person, None, NewGuardian(name="张大山", relation="61"))
    assert world.sees(world.place.user("county_clerk", "a"))["guardian"] == 0


def test_address_and_family_go_when_the_court_says_so_and_the_school_stays(world: World) -> None:
    world.put("court_contact")
    seen = world.sees(world.father)
    assert (seen["roster"], seen["person_profile"], seen["guardian"]) == (1, 0, 0)


@pytest.mark.capability("C-ROL-05")
def test_a_lifting_works_only_when_the_head_has_confirmed_it(world: World) -> None:
    fact = world.put("court_all")
    lifting = world.lift(fact)
    assert not any(world.sees(world.father).values())
    with pytest.raises(PermissionDenied):
        with act_as(world.place.user("registrar", "a1")) as actor:
            guardianship.decide(actor, lifting.pk, agreed=True)
    world.decide(lifting)
    assert world.sees(world.father)["roster"] == 1
    with pytest.raises(FamilyError, match="已经解除"):
        world.lift(fact)


def test_a_limit_that_the_head_refuses_ends(world: World) -> None:
    fact = world.put("revoked")
    world.decide(fact, agreed=False)
    assert world.sees(world.father)["roster"] == 1
    with pytest.raises(FamilyError, match="已经确认过"):
        world.decide(fact)


def test_a_code_that_is_still_out_ends_with_the_sight_and_none_is_made_anew(world: World) -> None:
    with act_as(world.place.user("registrar", "a1")) as actor:
        commands.issue(actor, world.place.klass("a1").pk, [world.person])
    world.put("court_all", 1)
    with transaction.atomic(), acting("writer"):
        left = Invitation.objects.filter(person_id=world.person, ended_at=None, used_at=None)
        assert [i.guardian_no for i in left] == [2]
    with act_as(world.place.user("registrar", "a1")) as actor:
        slips = commands.issue(actor, world.place.klass("a1").pk, [world.person])
    assert [s.for_whom for s in slips] == ["张兰"]


def test_from_the_eighteenth_birthday_the_pupil_decides_and_a_paper_may_keep_a_guardian() -> None:
    today = timezone.localdate()
    tomorrow = today + timedelta(days=1)
    world = World(birth=sight.birthday(tomorrow, -18))
    assert world.sees(world.father)["roster"] == 1
    with transaction.atomic(), acting("writer"):
        Person.objects.filter(pk=world.person).update(birth_date=sight.birthday(today, -18))
    assert not any(world.sees(world.father).values())
    with transaction.atomic(), acting("writer"):
        Consent.objects.create(
            person_id=world.person, code="adult_parents", version="1", guardian_no=None, answer="given",
            school_id=1, user_id=1, user_name="x",
        )  # fmt: skip
    assert world.sees(world.father)["roster"] == 1
    with transaction.atomic(), acting("writer"):
        Consent.objects.create(
            person_id=world.person, code="adult_parents", version="1", guardian_no=None, answer="withdrawn",
            school_id=1, user_id=1, user_name="x",
        )  # fmt: skip
    assert not any(world.sees(world.mother).values())
    fact = world.put("adult", 2)
    assert not any(world.sees(world.mother).values())
    world.decide(fact)
    assert world.sees(world.mother)["roster"] == 1
    assert not any(world.sees(world.father).values())


def test_a_limit_of_tomorrow_begins_tomorrow(world: World) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    world.put("court_all", since=tomorrow)
    assert world.sees(world.father)["roster"] == 1
    assert guardianship.sights(world.person, [1], tomorrow) == {1: 0} if connection.in_atomic_block else True


def test_one_account_of_two_guardians_sees_what_both_may_see(world: World) -> None:
    link_child(world.father, world.person, 2)
    world.put("court_school", 2)
    assert world.sees(world.father)["roster"] == 0


def test_only_the_present_schools_office_records_and_reads(world: World) -> None:
    for role, where in (("registrar", "a2"), ("registrar", "b1")):
        with pytest.raises(Http404), act_as(world.place.user(role, where)) as actor:
            guardianship.put(
                actor, world.person, kind="died", guardian_no=1, since=timezone.localdate(), paper=PAPER
            )
        with pytest.raises(Http404), act_as(world.place.user(role, where)) as actor:
            sight.overview(actor, world.person)
    for role, where in (("class_teacher", "a1"), ("county_clerk", "a"), ("parent", "")):
        with pytest.raises(PermissionDenied), act_as(world.place.user(role, where)) as actor:
            sight.overview(actor, world.person)


def _model(facts: list[Guardianship], guardian_no: int, day: date) -> int:
    """What a guardian may see, told from the facts as a person would read them."""
    seen = 7
    for f in facts:
        if f.lifts_id or f.since > day or f.decision == "refused":
            continue
        if any(x.lifts_id == f.pk and x.decision == "confirmed" and x.since <= day for x in facts):
            continue
        mine = f.guardian_no == guardian_no
        if f.kind in CLOSING and mine:
            return 0
        if (f.kind == "court_school" and mine) or (f.kind == "protected" and not mine):
            seen &= 5
        if (f.kind == "court_contact" and mine) or (f.kind == "protected" and not mine):
            seen &= 3
    return seen


@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_of_events_nobody_sees_after_the_end(world: World, seed: int) -> None:
    rng = random.Random(seed)
    today = timezone.localdate()
    days = [today - timedelta(days=3), today, today + timedelta(days=2)]
    for _step in range(14):
        with transaction.atomic(), acting("writer"):
            facts = list(Guardianship.objects.filter(person_id=world.person))
        open_facts = [f for f in facts if not f.decision]
        liftable = [
            f
            for f in facts
            if f.lifts_id is None
            and f.decision != "refused"
            and not any(x.lifts_id == f.pk and x.decision != "refused" for x in facts)
        ]
        what = rng.choice(["put", "put", "lift", "decide", "decide"])
        if what == "lift" and liftable:
            world.lift(rng.choice(liftable), since=rng.choice(days))
        elif what == "decide" and open_facts:
            world.decide(rng.choice(open_facts), agreed=rng.random() < 0.7)
        else:
            kind = rng.choice((*CLOSING, *NARROWING, "full", "shared"))
            world.put(kind, rng.choice([1, 2]), since=rng.choice(days))
        with transaction.atomic(), acting("writer"):
            facts = list(Guardianship.objects.filter(person_id=world.person))
        for user, no in ((world.father, 1), (world.mother, 2)):
            with transaction.atomic():
                for day in days:
                    expected = _model(facts, no, day)
                    assert guardianship.sights(world.person, [no], day) == {no: expected}
            expected = _model(facts, no, today)
            seen = world.sees(user)
            assert bool(seen["person"]) == bool(expected)
            assert bool(seen["roster"]) == bool(expected & sight.SCHOOL)
            assert bool(seen["guardian"]) == bool(expected & sight.CONTACT)
        guarded = any(
            f.kind == "protected" and f.lifts_id is None and f.decision != "refused" and f.since <= today
            and not any(x.lifts_id == f.pk and x.decision == "confirmed" and x.since <= today for x in facts)
            for f in facts
        )  # fmt: skip
        with transaction.atomic(), acting("writer"):
            assert PersonProfile.objects.get(pk=world.person).guarded is guarded
            assert set(Guardian.objects.filter(person_id=world.person).values_list("guarded", flat=True)) == {
                guarded
            }


@pytest.mark.parametrize(("table", "policy"), [
    ("roster", "withheld"), ("guardian", "withheld"), ("person_profile", "guarded"),
])  # fmt: skip
def test_without_its_fence_a_table_would_leak(table: str, policy: str) -> None:
    """The fences themselves do the work: each stands in the database under its name."""
    with connection.cursor() as c:
        c.execute(
            "select permissive from pg_policies where tablename = %s and policyname = %s", [table, policy]
        )
        assert c.fetchone() == ("RESTRICTIVE",)


def test_the_person_of_a_closed_sight_is_nobody(world: World) -> None:
    with pytest.raises(Http404), act_as(world.place.user("registrar", "a1")) as actor:
        sight.overview(actor, uuid.uuid4())


def test_the_page_records_confirms_and_lifts_and_strangers_find_nothing(world: World, client: Client) -> None:
    url = f"/students/{world.person}/guardianship/"
    login(client, world.place.user("registrar", "a1"))
    today = timezone.localdate().isoformat()
    words = {"kind": "court_all", "guardian": "1", "since": today, "paper": PAPER, "words": ""}
    assert client.post(url, {"kind": "court_all"}).status_code == 422
    assert client.post(url, words).status_code == 302
    assert "等主管领导确认" in client.get(url).content.decode()
    with transaction.atomic(), acting("writer"):
        fact = Guardianship.objects.get(person_id=world.person)
    head = login(Client(), world.place.user("school_head", "a1"))
    assert "欧阳娜娜" in head.get("/guardianship/").content.decode()
    assert head.post(f"{url}{fact.pk}/decide/", {"agreed": "yes"}).status_code == 302
    assert "欧阳娜娜" not in head.get("/guardianship/").content.decode()
    assert client.post(f"{url}{fact.pk}/lift/", {"since": today, "paper": PAPER}).status_code == 302
    assert not any(world.sees(world.father).values())
    assert "什么都看不到" in head.get(url).content.decode()
    other = login(Client(), world.place.user("registrar", "a2"))
    assert other.get(url).status_code == 404
    assert other.post(f"{url}{fact.pk}/lift/", {}).status_code == 404
    assert client.get(f"/classes/{world.place.klass('a1').pk}/family/").status_code == 200
