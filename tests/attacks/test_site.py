"""The permission matrix through HTTP: every address x every role, about own, foreign and non-existing objects."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from tests.attacks import admission, charge, judges, oracle, submission
from tests.attacks.addresses import ADDRESSES, PUBLIC, SIGNED_IN, Address, names, objects, patterns
from tests.attacks.oracle import Facts, Sight
from tests.attacks.world import CHILDREN, DISPUTES, World
from tests.helpers import login

#: Each role once, and those of another county whom nothing here concerns.
PERSONAS = (
    ("registrar", "a1"), ("school_head", "a1"), ("class_teacher", "a1"), ("teacher", "a1"), ("central_clerk", "central"),
    ("county_clerk", "a"), ("county_head", "a"), ("city_clerk", "city1"), ("city_head", "city1"),
    ("province_clerk", "province"), ("province_head", "province"), ("system_admin", "province"),
    ("security_admin", "province"), ("audit_admin", "province"), ("parent", ""), ("student", ""),
    ("registrar", "c1"), ("county_clerk", "c"), ("registrar", "b1"),
)  # fmt: skip
IDS = [f"{r}-{w or 'x'}" for r, w in PERSONAS]


@pytest.fixture
def facts(owner: psycopg.Connection) -> Facts:
    return oracle.gather(owner)


def test_every_address_has_its_line() -> None:
    there = {name for name in patterns() if not name.startswith((":face", ":face-page"))}
    assert there == set(ADDRESSES)


def sees(world: World, facts: Facts, sight: Sight, about: str, key: str) -> bool | None:
    """Whether the facts let somebody see an object; None where the facts here do not tell."""
    place = world.place
    if not key:
        return about == ""
    match about:
        case "person":
            if facts_of_record(world, facts, sight, key):
                return True
            school, stage, number, _name = CHILDREN[key]
            klass = place.klass(school, stage, number=number).pk
            return sight.school(facts, place.org(school).pk) or klass in sight.classes
        case "record" | "photo":
            return facts_of_record(world, facts, sight, key)
        case "own":
            return sight.units == {place.org({"moved": "b1"}.get(key, CHILDREN[key][0])).pk}
        case "child":
            return world.persons[key] in sight.persons
        case "case":
            case = facts.cases[world.cases[key]]
            if case.draft:
                return case.start in sight.units and sight.role in ("registrar", "school_head")
            return oracle.takes_part(facts, sight, {"case_id": world.cases[key]})
        case "relay":
            return oracle.relays(facts, sight, {"case_id": world.relay[key]})
        case "file":
            row = {"id": world.files[key], "person_id": world.persons[key.split(":")[1]]}
            return oracle.may_open(facts, sight, row)
        case "certificate":
            school = place.org("a1" if key == "moved" else CHILDREN[key][0]).pk
            return school in sight.units or world.persons[key] in sight.persons
        case "card" | "card_staff" | "card_county":
            school = CHILDREN[key][0]
            seen = sight.school(facts, place.org(school).pk) or place.klass(school).pk in sight.classes
            return seen or (about == "card" and world.persons[key] in sight.persons)
        case "org_entry":
            return sight.units == {facts.county[place.org(key).pk]}
        case "stage":
            return sight.units == {place.org(key).pk}
        case "problem":
            return bool(facts.disputes[world.problems[key]] & sight.units)
        case "watch":
            school = place.org(CHILDREN[key][0]).pk
            return sight.school(facts, school) or place.klass(CHILDREN[key][0]).pk in sight.classes
        case "incident":
            return sight.school(facts, place.org(key).pk)
        case "complaint":
            return sight.units >= {place.org(key).pk} and sight.role.startswith("county")
        case "list" | "sent":
            return sight.school(facts, place.org(key).pk)
        case "export":
            return sight.units == {place.org(key).pk}
        case "batch":
            return place.org(key).pk in sight.units
        case "task":
            org = place.org(key)
            return (
                org.pk in sight.units
                or facts.county[org.pk] in sight.units
                or any(k.pk in sight.classes for (where, *_rest), k in place.classes.items() if where == key)
            )
        case "run":
            return place.org(key).pk in sight.units
        case "ask" | "klass_own" | "term_child":
            return place.org(key).pk in sight.units or place.klass(key).pk in sight.classes
        case "klass_office":
            return place.org(key).pk in sight.units
        case "task_own":
            return place.org(key).pk in sight.units
        case "task_class":
            return place.org(key).pk in sight.units or place.klass(key).pk in sight.classes
        case "task_child" | "book":
            school = CHILDREN[key][0]
            return place.org(school).pk in sight.units or place.klass(school).pk in sight.classes
        case "task_family":
            return world.persons[key] in sight.persons
        case "in_class":
            school, stage, number, _name = CHILDREN[key]
            return place.klass(school, stage, number=number).pk in sight.classes
        case "klass":
            return sight.school(facts, place.org(key).pk) or place.klass(key).pk in sight.classes
        case "authorisation" | "grant" | "opened" | "handover":
            return charge.sees(world, facts, sight, about, key)
        case "candidate" | "adm_list" | "adm_claim" | "adm_clear" | "adm_area":
            return admission.sees(world, facts, sight, about, key)
        case "round" | "submission" | "check" | "review" | "package":
            return submission.sees(world, facts, sight, about, key)
        case "figures":
            org = place.org(key).pk
            return org in sight.units or (org in facts.county and sight.school(facts, org))
    return None


def facts_of_record(world: World, facts: Facts, sight: Sight, key: str) -> bool:
    return oracle.has_child(facts, sight, {"person_id": world.persons[key]})


def known_names(world: World, facts: Facts, sight: Sight) -> set[str]:
    """Names of the children whom somebody meets anywhere: in lists, records or cases."""
    out = set()
    for key, name in names().items():
        person = world.persons[key]
        if sees(world, facts, sight, "person", key) or person in sight.persons:
            out.add(name)
        if key == "gone_guest" and sight.school(facts, world.place.org("a2").pk):
            out.add(name)
        disputes = (k for k, sides in DISPUTES.items() if key in sides)
        if any(facts.disputes[world.problems[k]] & sight.units for k in disputes):
            out.add(name)
        if key in world.cases and sees(world, facts, sight, "case", key):
            out.add(name)
    return out


def ask(
    client: Client,
    method: str,
    path: str,
    data: dict[str, Any] | None = None,
    look: Callable[[Any], None] | None = None,
) -> Any:
    """One request that leaves nothing behind; `look` sees the answer before what it did is undone."""
    point = transaction.savepoint()
    cookies = {k: m.value for k, m in client.cookies.items()}
    try:
        answer = client.get(path) if method == "GET" else client.post(path, data or {})
        if answer.streaming:
            answer.content  # noqa: B018
        if look is not None:
            look(answer)
        return answer
    finally:
        transaction.savepoint_rollback(point)
        client.cookies.load(cookies)


def faults_of_headers(answer: Any, *, signed_in: bool) -> list[str]:
    """What every answer must carry."""
    out = []
    policy = answer.headers.get("Content-Security-Policy", "")
    if not policy or "unsafe" in policy or "*" in policy:
        out.append(f"content policy {policy!r}")
    if answer.headers.get("X-Content-Type-Options") != "nosniff":
        out.append("may be sniffed")
    if answer.headers.get("X-Frame-Options") != "DENY" and "frame-ancestors 'none'" not in policy:
        out.append("may be framed")
    cache = answer.headers.get("Cache-Control", "")
    if signed_in and not (
        "no-store" in cache or ("private" in cache and answer["Content-Type"] == "image/jpeg")
    ):
        out.append(f"may be kept: {cache!r}")
    kind = answer.headers.get("Content-Type", "")
    page = kind.startswith(("text/html", "text/plain", "image/jpeg", "application/json"))
    kept = answer.headers.get("Content-Disposition", "").startswith("attachment")
    if answer.status_code == 200 and not page and not kept:
        out.append(f"{kind} is not an attachment")
    return out


class Walk:
    """A persona asks every address about own, foreign and missing objects; all judges look at each answer.

    One walk for all of them: the requests are what takes the time.
    """

    def __init__(self, site: World, facts: Facts, persona: tuple[str, str]) -> None:
        self.site, self.facts, self.persona, self.role = site, facts, persona, persona[0]
        user = site.place.user(*persona)
        self.sight = facts.sight(user.pk)
        self.hidden = set(names().values()) - known_names(site, facts, self.sight)
        self.planted = judges.planted(site)
        self.client = login(Client(raise_request_exception=False), user)
        self.audit = judges.Audit(user.pk)
        self.compared = 0
        #: judge -> what is wrong
        self.faults: dict[str, set[str]] = {
            k: set() for k in ("rights", "names", "headers", "plain values", "absence", "audit")
        }

    def go(self) -> None:
        """The whole way."""
        for name, address in ADDRESSES.items():
            self._address(name, address)

    def _address(self, name: str, address: Address) -> None:
        method = "POST" if address.post else "GET"
        samples = objects(self.site, address)
        nothing = samples[-1][0] if address.about else None
        if address.post and ask(self.client, "GET", fill(address, samples[0][0])).status_code != 405:
            self.faults["rights"].add(f"{name}: GET is not refused")
        none = None
        if nothing is not None:
            none = self._ask(name, address, method, nothing, "nothing")
        there = samples[: -1 if address.about else None]
        for values, key in there:
            answer = self._ask(name, address, method, values, key)
            self._rights(name, address, answer, key, none)
            self._absent(f"{method} {name} {key}", address, key, answer, none)
        if not address.both:
            return
        allowed = address.may(self.role)
        foreign = [s for s in there if self._visible(address, s[1]) is False] if address.about else []
        none = self._ask(name, address, "POST", nothing, "nothing") if foreign and nothing else None
        for values, key in there if allowed else there[:1]:
            answer = self._ask(name, address, "POST", values, key)
            if answer.status_code >= 500 or (not allowed and answer.status_code not in (403, 404)):
                self.faults["rights"].add(f"POST {name}: {answer.status_code}")
            self._absent(f"POST {name} {key}", address, key, answer, none)

    def _visible(self, address: Address, key: str) -> bool | None:
        return sees(self.site, self.facts, self.sight, address.about, key)

    def _ask(self, name: str, address: Address, method: str, values: dict[str, Any], key: str) -> Any:
        """One answer, and what is wrong with it whoever asked for what."""
        where = f"{method} {name} {key or '-'}"
        about_something = key != "nothing" or not address.about

        def look(answer: Any) -> None:
            if about_something and judges.audited(address, self.role):
                self._note("audit", where, self.audit.faults(name, method, answer))

        answer = ask(self.client, method, fill(address, values), address.body(), look)
        where = f"{where}: {answer.status_code}"
        if answer.status_code >= 500:
            self.faults["rights"].add(f"{where} breaks")
        self._note("headers", where, judges.missing(answer, name))
        self._note("headers", where, faults_of_headers(answer, signed_in=address.permission != PUBLIC))
        text = answer.content.decode("utf-8", "replace")
        self._note("names", where, [f"tells {n}" for n in self.hidden if n in text])
        if name not in judges.REVEALING:
            self._note("names", where, [f"tells {n}" for n in self.site.numbers.values() if n in text])
        if judges.plain(name, address, self.persona):
            told = judges.told(judges.words_of(answer), self.planted)
            self._note("plain values", where, [f"tells {x}" for x in told])
        return answer

    def _note(self, judge: str, where: str, faults: list[str]) -> None:
        self.faults[judge] |= {f"{where} {x}" for x in faults}

    def _rights(self, name: str, address: Address, answer: Any, key: str, none: Any) -> None:
        where = f"{name} {key or '-'}: {answer.status_code}"
        nothing = none.status_code if none is not None else 0
        visible = self._visible(address, key)
        if not address.may(self.role):
            if answer.status_code not in (403, 404):
                self.faults["rights"].add(f"{where} but the role may not")
            if address.about and visible is not True and answer.status_code != nothing:
                self.faults["rights"].add(f"{where} tells that it exists ({nothing} for nothing)")
        elif visible is False:
            if answer.status_code != 404:
                self.faults["rights"].add(f"{where} but nothing is to be seen")
        elif visible is True and answer.status_code not in address.answers:
            self.faults["rights"].add(f"{where} but the role may")

    def _absent(self, where: str, address: Address, key: str, answer: Any, none: Any) -> None:
        """What is foreign is answered in the same words and headers as what is not there."""
        if none is None or not address.about or self._visible(address, key) is not False:
            return
        self.compared += 1
        self._note("absence", where, judges.difference(judges.bare(answer), judges.bare(none)))


@pytest.mark.capability("C-ROL-02")
@pytest.mark.capability("C-SEC-01")
@pytest.mark.capability("C-SEC-02")
@pytest.mark.capability("C-SEC-03")
@pytest.mark.capability("C-SEC-04")
@pytest.mark.parametrize("persona", PERSONAS, ids=IDS)
def test_every_address_answers_a_role_as_the_tables_say(
    site: World,
    facts: Facts,
    persona: tuple[str, str],
    caplog: pytest.LogCaptureFixture,
    subtests: pytest.Subtests,
) -> None:
    """Whoever knocks at every door of the site gets in where the tables say so and nowhere else; nothing foreign or plain
    is told, what is foreign looks like what is not there, no browser keeps it, and whatever was shown, handed out or done
    stands in the audit with who, in which role and unit, from where, when, and in words what.
    """
    caplog.set_level(logging.INFO)
    walk = Walk(site, facts, persona)
    walk.go()
    walk.faults["plain values"] |= {f"the log tells {x}" for x in judges.told(caplog.text, walk.planted)}
    assert walk.compared > 20
    for judge, faults in walk.faults.items():
        with subtests.test(judge):
            assert not faults, "\n" + "\n".join(sorted(faults))


def fill(address: Address, values: dict[str, Any]) -> str:
    return address.path.format(**values)


@pytest.mark.capability("C-SEC-01")
def test_without_signing_in_only_the_public_pages_answer(site: World) -> None:
    client = Client(raise_request_exception=False)
    faults = []
    for name, address in ADDRESSES.items():
        path = fill(address, objects(site, address)[0][0])
        for method in ("GET", "POST"):
            answer = ask(client, method, path)
            if address.permission == PUBLIC:
                expected = (
                    answer.status_code in address.answers
                )  # sign-in elsewhere is absent until it is configured
                if answer.status_code >= 500 or (answer.status_code in (403, 404) and not expected):
                    faults.append(f"{method} {name}: {answer.status_code}")
            elif answer.status_code != 302 or not answer["Location"].startswith("/login/"):
                faults.append(f"{method} {name}: {answer.status_code}")
            text = answer.content.decode("utf-8", "replace")
            if any(n in text for n in [*names().values(), *site.numbers.values()]):
                faults.append(f"{method} {name} tells a name")
            faults += [f"{name} {x}" for x in faults_of_headers(answer, signed_in=False)]
    assert not faults, "\n" + "\n".join(sorted(set(faults)))


@pytest.mark.capability("C-SEC-01")
def test_no_form_is_taken_without_its_token(site: World) -> None:
    client = login(
        Client(enforce_csrf_checks=True, raise_request_exception=False), site.place.user("registrar", "a1")
    )
    open_ = {
        name: answer.status_code
        for name, address in ADDRESSES.items()
        if address.post or address.both
        for answer in [ask(client, "POST", fill(address, objects(site, address)[0][0]))]
        if answer.status_code != 403
    }
    assert open_ == {}


def test_pages_carry_no_script_or_style_of_their_own(site: World) -> None:
    """The content policy would stop it; here nobody even writes it."""
    client = login(Client(), site.place.user("registrar", "a1"))
    for name, address in ADDRESSES.items():
        if address.post or address.permission == PUBLIC or not address.may("registrar"):
            continue
        html = ask(client, "GET", fill(address, objects(site, address)[0][0])).content.decode(
            "utf-8", "replace"
        )
        assert not re.search(r"<script(?![^>]*\ssrc=)[^>]*>\s*[^<\s]", html), name
        assert not re.search(r"\son[a-z]+\s*=\s*[\"']", html), name
        assert not re.search(r"<[^>]+\sstyle=", html), name


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(site: World) -> None:
    assert settings.SESSION_COOKIE_HTTPONLY
    assert settings.SESSION_COOKIE_SAMESITE in ("Lax", "Strict")
    assert SIGNED_IN != PUBLIC
