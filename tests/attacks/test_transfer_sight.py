"""What a receiving and a former school see of a child, before and after it moves (architecture, Settled 6)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from tests.attacks.world import CHILDREN, GUARDIAN, World
from tests.helpers import act_as, login

from xueji.registry.enrolment import queries as enrolment


def client_of(world: World, role: str, where: str) -> Client:
    return login(Client(raise_request_exception=False), world.place.user(role, where))


def main(answer: Any) -> str:
    html = answer.content.decode()
    return html.split("<main", 1)[-1].split("</main>", 1)[0]


def visible_rows(world: World, persona: tuple[str, str], key: str) -> dict[str, int]:
    """How many rows of a child each table shows to somebody."""
    person = world.persons[key]
    tables = (
        "person", "person_profile", "guardian", "identity_document", "student_number", "person_photo", "roster",
        "enrolment_state", "event", "case_", "case_step", "certificate",
    )  # fmt: skip
    with act_as(world.place.user(*persona)), connection.cursor() as c:
        out = {}
        for name in tables:
            c.execute(f"select count(*) from {name} where person_id = %s", [person])
            out[name] = int(c.fetchone()[0])
    return {k: n for k, n in out.items() if n}


@pytest.mark.capability("C-TRF-09", page="/cases/")
@pytest.mark.rule("NAT-TRF-10")
@pytest.mark.parametrize("role", ["registrar", "school_head"])
def test_before_it_is_decided_the_receiving_school_sees_the_case_and_nothing_more(
    site: World, role: str
) -> None:
    assert set(visible_rows(site, (role, "b1"), "moving")) == {"case_", "case_step"}
    client = client_of(site, role, "b1")
    person, name = site.persons["moving"], site.name("moving")
    page = client.get(f"/cases/{site.cases['moving']}/")
    assert page.status_code == 200
    text = main(page)
    assert name in text
    assert site.numbers["moving"] not in text
    assert site.numbers["moving"][6:14] not in text
    assert GUARDIAN not in text
    assert "13900001234" not in text
    assert str(person) not in text, "a link to a record that is not open yet"
    for path in (f"/students/{person}/", f"/people/{person}/photo.jpg", f"/my/{person}/"):
        assert client.get(path).status_code in (403, 404)
    reveal = client.post(f"/people/{person}/reveal/?what=identity", {"purpose": "核对证件"})
    assert reveal.status_code in (403, 404)
    with act_as(site.place.user(role, "b1")) as actor:
        for asked in (
            name,
            "lry",
            site.numbers["moving"],
            site.numbers["moving"][-6:],
            f"G{site.numbers['moving']}",
        ):
            assert person not in {r.person_id for r in enrolment.search(actor, asked).rows}


@pytest.mark.capability("C-ROL-02")
@pytest.mark.parametrize("key", ["moving", "moved", "wanted"])
@pytest.mark.parametrize(
    "persona", [("registrar", "a2"), ("registrar", "c1"), ("county_clerk", "c"), ("city_head", "city2")]
)
def test_whoever_has_no_part_sees_nothing_at_any_time(
    site: World, key: str, persona: tuple[str, str]
) -> None:
    assert visible_rows(site, persona, key) == {}
    client = client_of(site, *persona)
    assert client.get(f"/cases/{site.cases[key]}/").status_code == 404
    assert client.get(f"/students/{site.persons[key]}/").status_code == 404


def test_a_draft_is_known_only_where_it_is_written(site: World) -> None:
    for persona in (("registrar", "a1"), ("county_head", "a"), ("county_clerk", "b")):
        client = client_of(site, *persona)
        assert client.get(f"/cases/{site.cases['wanted']}/").status_code == 404
        assert str(site.cases["wanted"]) not in main(client.get("/cases/?tab=running"))
    assert client_of(site, "registrar", "b1").get(f"/cases/{site.cases['wanted']}/").status_code == 200
    assert "wanted" in site.cases
    parent = client_of(site, "parent", "")
    assert parent.get(f"/cases/{site.cases['wanted']}/").status_code == 404
    assert str(site.cases["wanted"]) not in parent.get(f"/my/{site.persons['wanted']}/").content.decode()


@pytest.mark.capability("C-TRF-07", page="/students/")
def test_after_it_the_former_school_keeps_its_own_period_read_only(site: World) -> None:
    person = site.persons["moved"]
    for role in ("registrar", "school_head"):
        seen = visible_rows(site, (role, "a1"), "moved")
        assert set(seen) == {"roster", "enrolment_state", "event", "case_", "case_step", "certificate"}
        assert seen["roster"] == seen["enrolment_state"] == 1
        client = client_of(site, role, "a1")
        text = main(client.get(f"/students/{person}/"))
        assert "转出" in text
        assert "发起业务" not in text
        assert "开具证明" not in text
        assert site.numbers["moved"] not in text
        assert GUARDIAN not in text
        for tab in ("profile", "family", "numbers"):
            other = main(client.get(f"/students/{person}/?tab={tab}"))
            assert GUARDIAN not in other
            assert not re.search(r"\d{3}\*{6,}", other), "a covered number of a child that has left"
        assert client.get(f"/people/{person}/photo.jpg").status_code == 404
        assert client.get(f"/files/{site.files['photo:moved']}/").status_code == 404
        assert (
            client.post(f"/people/{person}/reveal/?what=identity", {"purpose": "核对证件"}).status_code == 404
        )
        started = client.post(f"/cases/new/suspend/{person}/")
        assert started.status_code in (302, 303, 403, 404)
        if started.status_code in (302, 303):
            assert started["Location"] == "/cases/new/"
        issued = client.post(
            f"/certificates/new/?person={person}", {"kind": "enrolment", "purpose": "x", "days": 30}
        )
        assert issued.status_code == 404


def test_after_it_the_new_school_has_the_whole_record(site: World) -> None:
    seen = visible_rows(site, ("registrar", "b1"), "moved")
    assert {"person", "guardian", "identity_document", "student_number", "person_photo", "roster"} <= set(
        seen
    )
    client = client_of(site, "registrar", "b1")
    person = site.persons["moved"]
    assert GUARDIAN in main(client.get(f"/students/{person}/?tab=family"))
    assert client.get(f"/people/{person}/photo.jpg").status_code == 200
    for teacher, status in ((("class_teacher", "b1"), 200), (("class_teacher", "c1"), 404)):
        assert client_of(site, *teacher).get(f"/students/{person}/").status_code == status


def test_a_guest_school_loses_sight_when_the_stay_ends(site: World) -> None:
    assert "person" in visible_rows(site, ("registrar", "b1"), "guest")
    over = visible_rows(site, ("registrar", "a2"), "gone_guest")
    assert "person" not in over
    assert over["roster"] == 1
    assert CHILDREN["gone_guest"][0] == "c1"
